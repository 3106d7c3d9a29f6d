#include "server/command.h"

#include "base/banned.h"

#include <errno.h>

#define HELP_BYTES_MAX (64 * 1024)

int command_fail(const struct error *error)
{
    (void)fprintf(stderr, "tailrace: %s\n", error->message);
    return status_exit_code(error->status);
}

int command_print(struct slice text)
{
    if ((text.size > 0 && fwrite(text.data, 1, text.size, stdout) != text.size) || fflush(stdout) != 0) {
        (void)fprintf(stderr, "tailrace: write to standard output: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}

int command_options(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count)
{
    struct error error;
    bool help_wanted;
    struct buffer help;
    int code;

    if (options_parse(options, argc, argv, operands, operand_count, &help_wanted, &error) != OK)
        return command_fail(&error);
    if (!help_wanted)
        return -1;
    buffer_init(&help, HELP_BYTES_MAX);
    options_help(options, &help);
    code = command_print(buffer_slice(&help));
    buffer_finish(&help);
    return code;
}
