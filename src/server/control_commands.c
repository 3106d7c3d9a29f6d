/* control_commands.c: `tailrace down` and `psql`: what one does with a program that runs. */
#include "server/commands.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/process.h"
#include "server/command.h"
#include "server/data_directory.h"
#include "server/postgres.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#define DATA_DIR "./tailrace-data"
#define STOP_PATIENCE_MS 10000
#define ANSWER_BYTES_MAX (64 << 20)

/* ---- down ---- */

int down_main(int argc, char **argv)
{
    static const char *data_dir = DATA_DIR;
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &data_dir, "DIR", "Where it runs (default " DATA_DIR ")", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace down",
        .summary = "Stops the program that runs on a data directory, and waits until it has.",
        .rows = rows,
        .examples = "tailrace down\ntailrace down --data-dir /var/lib/tailrace",
        .description = "Also stops a private PostgreSQL that a killed program left running.",
    };
    struct process program;
    struct error error;
    size_t operand_count;
    pid_t owner;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    owner = data_directory_owner(data_dir);
    if (owner == 0 && postgres_stop_orphan(data_dir)) {
        (void)printf("stopped the PostgreSQL that a killed tailrace had left running\n");
        return 0;
    }
    if (owner == 0) {
        (void)error_set(&error, ERROR_NOT_FOUND, "nothing runs on data directory %s", data_dir);
        return command_fail(&error);
    }
    if (process_adopt(owner, &program, &error) != OK)
        return data_directory_owner(data_dir) == 0 ? 0 : command_fail(&error);
    process_signal(&program, SIGTERM);
    if (!process_wait(&program, STOP_PATIENCE_MS, NULL, NULL, 0)) {
        process_forget(&program);
        (void)error_set(&error, ERROR_UNAVAILABLE,
                        "process %d did not stop within %d s; \"kill -9 %d\" ends it, and nothing acknowledged is lost", (int)owner,
                        STOP_PATIENCE_MS / 1000, (int)owner);
        return command_fail(&error);
    }
    (void)printf("stopped (process %d)\n", (int)owner);
    return 0;
}

/* ---- psql ---- */

static void line_take(struct slice *rest, char *line, size_t size)
{
    struct slice field = slice_null();

    (void)text_next_field(rest, '\n', &field);
    (void)snprintf(line, size, "%.*s", (int)field.size, (const char *)field.data);
}

/* Becomes psql; returns only when that fails. */
static int psql_become(struct slice access_lines, int argc, char **argv)
{
    char socket_directory[PATH_MAX], host[256], port[16], password[1024], path[PATH_MAX + 32];
    const char **arguments = memory_new_array((size_t)argc + 2, sizeof(*arguments));
    struct error error;

    line_take(&access_lines, socket_directory, sizeof(socket_directory));
    line_take(&access_lines, host, sizeof(host));
    line_take(&access_lines, port, sizeof(port));
    line_take(&access_lines, password, sizeof(password));
    (void)snprintf(path, sizeof(path), "%s/.s.PGSQL.%s", socket_directory, port);
    (void)setenv("PGHOST", access(path, R_OK | W_OK) == 0 ? socket_directory : host, 1);
    (void)setenv("PGPORT", port, 1);
    (void)setenv("PGUSER", "postgres", 1);
    (void)setenv("PGPASSWORD", password, 1);
    arguments[0] = "psql";
    for (int i = 0; i < argc; i++)
        arguments[i + 1] = argv[i];
    (void)execvp("psql", (char *const *)arguments);
    (void)error_set_system(&error, ERROR_NOT_FOUND, errno, "psql (apt-get install postgresql-client)");
    memory_free(arguments);
    return command_fail(&error);
}

int psql_main(int argc, char **argv)
{
    static const char *data_dir = DATA_DIR;
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &data_dir, "DIR", "Where it runs (default " DATA_DIR "); comes first", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace psql",
        .operands = "[DB] [psql's options]",
        .summary = "Opens psql on the private PostgreSQL as user postgres.",
        .rows = rows,
        .examples = "tailrace psql\ntailrace psql activity -c 'SELECT count(*) FROM activity'",
    };
    struct buffer answer;
    struct error error;
    size_t operand_count;
    int ours = 1;
    int code;

    /* Only what comes first is ours; the rest is psql's. */
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strncmp(argv[1], "--data-dir", strlen("--data-dir")) == 0))
        ours = argc > 2 && strcmp(argv[1], "--data-dir") == 0 ? 3 : 2;
    if (command_is_question(argc, argv))
        ours = argc;
    code = command_options(&options, ours, argv, NULL, &operand_count);
    if (code >= 0)
        return code;
    buffer_init(&answer, ANSWER_BYTES_MAX);
    if (data_directory_ask(data_dir, "postgres", &answer, &error) != OK) {
        code = command_fail(&error);
    } else if (answer.size == 0) {
        (void)error_set(&error, ERROR_NOT_FOUND,
                        "tailrace runs on %s without a private PostgreSQL; \"tailrace up --with-postgres\" has one", data_dir);
        code = command_fail(&error);
    } else {
        code = psql_become(buffer_slice(&answer), argc - ours, argv + ours);
    }
    buffer_finish(&answer);
    return code;
}
