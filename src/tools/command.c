#include "tools/command.h"

#include "base/banned.h"

#include <signal.h>

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

int command_run(int argc, char **argv, int (*run)(struct arena *arena, int argc, char **argv))
{
    struct arena arena;
    int exit_code;

    /* A reader that goes away is a failed write, not a death. */
    (void)signal(SIGPIPE, SIG_IGN);
    arena_init(&arena, ARENA_BLOCK_BYTES);
    exit_code = run(&arena, argc, argv);
    arena_finish(&arena);
    if (fflush(stdout) != 0 && exit_code == 0)
        exit_code = 1;
    return exit_code;
}

const char *command_line(struct arena *arena, int argc, char **argv)
{
    const char *line = "";

    for (int i = 1; i < argc; i++)
        line = i == 1 ? argv[i] : arena_format(arena, "%s %s", line, argv[i]);
    return line;
}
