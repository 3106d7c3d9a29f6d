#include "compare/program.h"

#include "base/banned.h"
#include "base/memory.h"
#include "cli/client.h"
#include "os/clock.h"
#include "os/tree.h"
#include "server/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_MS 30000
#define STOP_MS 10000

/* ---- Starting ---- */

/* In the child: `tailrace up`, its report to the parent, its log to a file. */
static int up_run(void *context, int fd)
{
    const struct program *program = context;
    char *log = memory_format("%s/log", program->directory);
    char *data = memory_format("%s/data", program->directory);
    char *argv[] = {(char *)"up",
                    (char *)"--data-dir",
                    data,
                    (char *)"--set",
                    (char *)"listeners=127.0.0.1:0",
                    (char *)"--set",
                    (char *)"rest.port=0",
                    (char *)"--set",
                    (char *)"console.port=0",
                    NULL};
    int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = 1;

    if (out >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
        code = up_main((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv);
    (void)fflush(NULL);
    memory_free(data);
    memory_free(log);
    return code;
}

/* Why it did not start: the last line of its log. */
static void reason_read(const struct program *program, char *reason, size_t size)
{
    char *path = memory_format("%s/log", program->directory);
    FILE *file = fopen(path, "r");

    (void)snprintf(reason, size, "it said nothing");
    while (file != NULL && fgets(reason, (int)size, file) != NULL)
        reason[strcspn(reason, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
    memory_free(path);
}

/* "Kafka protocol    127.0.0.1:40923" */
static bool address_take(const char *output, const char *name, char *address, size_t size)
{
    const char *at = strstr(output, name);

    if (at == NULL)
        return false;
    at += strlen(name);
    at += strspn(at, " ");
    return snprintf(address, size, "%.*s", (int)strcspn(at, " ,\n"), at) < (int)size;
}

static enum status ready_wait(struct program *program, int stop_fd, struct error *error)
{
    char output[4096] = "", reason[512];
    size_t size = 0;
    int64_t until_ms = clock_monotonic_ms() + READY_MS;

    while (strstr(output, "tailrace is ready") == NULL) {
        struct pollfd waited[] = {{.fd = program->child.fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
        int64_t left_ms = until_ms - clock_monotonic_ms();
        ssize_t count;

        if (left_ms <= 0)
            return error_set(error, ERROR_REQUEST_TIMED_OUT, "a Tailrace for the comparison did not start within %d s", READY_MS / 1000);
        if (poll(waited, 2, (int)left_ms) < 0 && errno == EINTR)
            continue;
        if (waited[1].revents != 0)
            return error_set(error, ERROR_CLOSED, "stopped");
        if (waited[0].revents == 0)
            continue;
        count = read(program->child.fd, output + size, sizeof(output) - 1 - size);
        if (count <= 0) {
            reason_read(program, reason, sizeof(reason));
            return error_set(error, ERROR_UNAVAILABLE, "a Tailrace for the comparison did not start: %s", reason);
        }
        size += (size_t)count;
        output[size] = '\0';
    }
    if (!address_take(output, "Kafka protocol", program->kafka, sizeof(program->kafka)) ||
        !address_take(output, "Connect REST", program->rest, sizeof(program->rest)))
        return error_set(error, ERROR_UNAVAILABLE, "a Tailrace for the comparison does not say where it listens");
    return OK;
}

enum status program_start(int stop_fd, struct program *program, struct error *error)
{
    const char *base = getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR");
    enum status status;

    *program = (struct program){.child = CHILD_NONE};
    program->directory = memory_format("%s/tailrace-compare-XXXXXX", base);
    if (mkdtemp(program->directory) == NULL) {
        status = error_set_system(error, ERROR_DISK, errno, "make a directory below %s", base);
        memory_free(program->directory);
        program->directory = NULL;
        return status;
    }
    status = child_start(up_run, program, &program->child, error);
    return status == OK ? ready_wait(program, stop_fd, error) : status;
}

/* ---- The connector ---- */

static json_t *configuration(const struct database *database, const struct subject *subject)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "connector.class",
                     "io.debezium.connector.postgresql.PostgresConnector", "tasks.max", "1", "database.hostname", database->host,
                     "database.port", database->port, "database.user", database->user, "database.password", database->password,
                     "database.dbname", database->name, "topic.prefix", "compare", "plugin.name", "pgoutput", "slot.name", subject->slot,
                     "publication.name", TABLE_SCHEMA, "publication.autocreate.mode", "disabled", "snapshot.mode", "no_data",
                     "table.include.list", TABLE_NAME);
}

enum status program_connect(struct program *program, const struct database *database, const struct subject *subject, struct error *error)
{
    json_t *config = configuration(database, subject), *answer = NULL;
    struct client *client = NULL;
    enum status status = client_open(CLIENT_REST, NULL, program->rest, &client, error);

    if (status == OK)
        status = client_ask(client, "PUT", "/connectors/compare/config", config, &answer, error);
    if (status != OK)
        error_context(error, "create the connector");
    json_decref(answer);
    json_decref(config);
    client_close(client);
    return status;
}

enum status program_trouble(const struct program *program, struct error *error)
{
    struct client *client = NULL;
    struct buffer cause;
    json_t *answer = NULL;
    enum status status = OK;

    buffer_init(&cause, sizeof(error->message));
    if (client_open(CLIENT_REST, NULL, program->rest, &client, NULL) == OK &&
        client_ask(client, "GET", "/connectors/compare/status", NULL, &answer, NULL) == OK) {
        client_append_cause(&cause, json_text(json_array_get(json_object_get(answer, "tasks"), 0), "trace"));
        if (cause.size > 0)
            status = error_set(error, ERROR_UNAVAILABLE, "the connector does not run: %.*s", (int)cause.size, (const char *)cause.data);
    }
    buffer_finish(&cause);
    json_decref(answer);
    client_close(client);
    return status;
}

/* ---- Ending ---- */

void program_stop(struct program *program)
{
    struct error error;

    if (program->directory == NULL)
        return;
    if (program->child.process.pid != 0) {
        process_signal(&program->child.process, SIGTERM);
        (void)process_wait(&program->child.process, STOP_MS, NULL, NULL, 0);
    }
    child_end(&program->child);
    if (tree_remove(program->directory, &error) != OK)
        (void)fprintf(stderr, "tailrace: %s\n", error.message);
    memory_free(program->directory);
    program->directory = NULL;
}
