#include "compare/compare.h"

#include "base/banned.h"
#include "base/time.h"
#include "compare/load.h"
#include "compare/poller.h"
#include "compare/program.h"
#include "compare/report.h"
#include "compare/subscriber.h"
#include "compare/usage.h"
#include "os/clock.h"
#include "os/command.h"
#include "os/logger.h"
#include "tools/stop_signal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define READY_MS 30000
#define RESULT_MS 60000 /* and two intervals */
#define WALSENDER_MS 30000
#define WALSENDER_EVERY_MS 20
#define TROUBLE_EVERY 25 /* tries */
#define REPORT_BYTES_MAX (1 << 20)

enum { SIDE_STREAM, SIDE_WHOLE, SIDE_ID, SIDE_TIME };

static const struct method methods[SIDES_MAX] = {
    [SIDE_STREAM] = {"change capture", "change_capture", .sees_updates = true, .sees_deletes = true},
    [SIDE_WHOLE] = {"whole query", "whole_query", .polls = true, .sees_updates = true, .sees_deletes = true},
    [SIDE_ID] = {"by id", "by_id", .polls = true, .uses_mark = true},
    [SIDE_TIME] = {"by time", "by_time", .polls = true, .sees_updates = true, .uses_mark = true},
};

static const enum poll_kind kinds[SIDES_MAX] = {[SIDE_WHOLE] = POLL_WHOLE, [SIDE_ID] = POLL_ID, [SIDE_TIME] = POLL_TIME};

struct options_given {
    struct database database;
    int64_t seconds, rate, rows, interval_ms, overlap_ms;
    bool json, quiet;
    const char *out;
};

struct comparison {
    const struct options_given *options;
    int stop_fd;
    struct subject subject;
    struct program program;
    struct child children[SIDES_MAX];
    struct side sides[SIDES_MAX];
    struct load load;
    int64_t walsender, walsender_ms, program_ms; /* CPU before the load */
};

static void say(const struct comparison *comparison, const char *text)
{
    if (!comparison->options->quiet)
        (void)fprintf(stderr, "compare: %s\n", text);
}

/* ---- Getting ready ---- */

static enum status walsender_wait(struct comparison *comparison, struct error *error)
{
    struct pollfd stop = {.fd = comparison->stop_fd, .events = POLLIN};
    int64_t until_ms = clock_monotonic_ms() + WALSENDER_MS;
    enum status status = subject_walsender(&comparison->subject, &comparison->walsender, error);

    for (int tries = 1; status == OK && comparison->walsender == 0; tries++) {
        if (tries % TROUBLE_EVERY == 0)
            status = program_trouble(&comparison->program, error);
        if (status == OK && clock_monotonic_ms() > until_ms)
            status = error_set(error, ERROR_UNAVAILABLE, "the connector did not begin to stream within %d s", WALSENDER_MS / 1000);
        if (status == OK && poll(&stop, 1, WALSENDER_EVERY_MS) > 0)
            status = error_set(error, ERROR_CLOSED, "stopped");
        if (status == OK)
            status = subject_walsender(&comparison->subject, &comparison->walsender, error);
    }
    return status;
}

static enum status stream_start(struct comparison *comparison, struct error *error)
{
    struct subscriber spec = {.bootstrap = comparison->program.kafka, .topic = TABLE_TOPIC};
    struct child *child = &comparison->children[SIDE_STREAM];
    enum status status = walsender_wait(comparison, error);

    if (status == OK)
        status = subject_add_row(&comparison->subject, error);
    spec.rows = comparison->subject.rows;
    if (status == OK)
        status = child_start(subscriber_run, &spec, child, error);
    if (status == OK)
        status = child_wait_ready(child, comparison->stop_fd, READY_MS, error);
    if (status == OK && comparison->walsender != 0)
        comparison->walsender_ms = backend_cpu_ms(comparison->subject.connection, comparison->walsender);
    return status;
}

static enum status pollers_start(struct comparison *comparison, struct error *error)
{
    const struct options_given *options = comparison->options;
    enum status status = OK;

    for (int i = SIDE_WHOLE; i < SIDES_MAX && status == OK; i++) {
        struct poller spec = {.kind = kinds[i],
                              .database = &options->database,
                              .rows = comparison->subject.rows,
                              .interval_ms = options->interval_ms,
                              .delay_ms = options->interval_ms * (i - SIDE_WHOLE) / (SIDES_MAX - SIDE_WHOLE),
                              .overlap_ms = options->overlap_ms};

        status = child_start(poller_run, &spec, &comparison->children[i], error);
        if (status == OK)
            status = child_wait_ready(&comparison->children[i], comparison->stop_fd, READY_MS, error);
    }
    return status;
}

/* ---- The result ---- */

static void side_fill(struct comparison *comparison, int i, const struct child_figures *figures)
{
    struct side *side = &comparison->sides[i];
    const struct child *child = &comparison->children[i];

    *side = (struct side){.method = &methods[i],
                          .queries = figures->queries,
                          .rows = figures->rows,
                          .query_s = (double)figures->query_ns / NS_PER_SECOND,
                          .database_cpu_s = figures->database_ms < 0 ? -1 : (double)figures->database_ms / MS_PER_SECOND,
                          .consumer_cpu_s = (double)figures->cpu_us / US_PER_SECOND,
                          .consumer_mb = (double)figures->peak_kb / 1024};
    side->account = account_make(&methods[i], comparison->load.writes, comparison->load.count, child->sightings, child->sighting_count);
    side->again = figures->again + side->account.twice;
}

static void stream_fill(struct comparison *comparison)
{
    struct side *side = &comparison->sides[SIDE_STREAM];
    int64_t pid = comparison->program.child.process.pid;
    int64_t walsender_ms = backend_cpu_ms(comparison->subject.connection, comparison->walsender);

    if (comparison->walsender_ms >= 0 && walsender_ms >= 0)
        side->database_cpu_s = (double)(walsender_ms - comparison->walsender_ms) / MS_PER_SECOND;
    side->program_cpu_s = (double)(process_cpu_ms(pid) - comparison->program_ms) / MS_PER_SECOND;
    side->program_mb = (double)process_peak_kb(pid) / 1024;
}

static enum status results_take(struct comparison *comparison, struct error *error)
{
    enum status status = OK;

    for (int i = 0; i < SIDES_MAX; i++)
        child_finish(&comparison->children[i], (int64_t)comparison->load.count);
    for (int i = 0; i < SIDES_MAX && status == OK; i++) {
        struct child_figures figures;

        status =
            child_result(&comparison->children[i], comparison->stop_fd, RESULT_MS + 2 * comparison->options->interval_ms, &figures, error);
        if (status == OK)
            side_fill(comparison, i, &figures);
        else
            error_context(error, "%s", methods[i].name);
        if (status == OK && i == SIDE_STREAM)
            stream_fill(comparison);
    }
    return status;
}

static struct conditions conditions_of(const struct comparison *comparison)
{
    const struct options_given *options = comparison->options;
    struct conditions conditions = {.rate = options->rate,
                                    .interval_ms = options->interval_ms,
                                    .overlap_ms = options->overlap_ms,
                                    .table_rows = comparison->subject.rows,
                                    .seconds = comparison->load.seconds,
                                    .cores = sysconf(_SC_NPROCESSORS_ONLN),
                                    .server = comparison->subject.server};

    for (size_t i = 0; i < comparison->load.count; i++) {
        const struct written *write = &comparison->load.writes[i];

        conditions.inserts += write->kind == WRITE_INSERT;
        conditions.updates += write->kind == WRITE_UPDATE;
        conditions.deletes += write->kind == WRITE_DELETE;
        conditions.late += write->late;
    }
    return conditions;
}

static enum status file_write(const char *path, struct slice text, struct error *error)
{
    FILE *file = fopen(path, "w");
    bool good = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;

    if ((file != NULL && fclose(file) != 0) || !good)
        return error_set_system(error, ERROR_DISK, errno, "write %s", path);
    return OK;
}

static enum status result_print(const struct comparison *comparison, struct error *error)
{
    struct conditions conditions = conditions_of(comparison);
    struct buffer json, text;
    enum status status = OK;

    buffer_init(&json, REPORT_BYTES_MAX);
    buffer_init(&text, REPORT_BYTES_MAX);
    report_json(&conditions, comparison->sides, SIDES_MAX, &json);
    report_text(&conditions, comparison->sides, SIDES_MAX, &text);
    if (command_print(buffer_slice(comparison->options->json ? &json : &text)) != 0)
        status = error_set(error, ERROR_DISK, "the result could not be printed");
    if (status == OK && comparison->options->out != NULL)
        status = file_write(comparison->options->out, buffer_slice(&json), error);
    buffer_finish(&text);
    buffer_finish(&json);
    return status;
}

/* ---- From beginning to end ---- */

/* The program and the consumers start before anything here has a thread, since they go on with a copy of this process. */
static enum status measure(struct comparison *comparison, struct error *error)
{
    const struct options_given *options = comparison->options;
    struct load_spec spec = {
        .database = &options->database, .seconds = options->seconds, .rate = options->rate, .interval_ms = options->interval_ms};
    enum status status = subject_create(&options->database, options->rows, &comparison->subject, error);

    if (status == OK)
        say(comparison, "starting a Tailrace of its own on the table " TABLE_NAME);
    if (status == OK)
        status = program_start(comparison->stop_fd, &comparison->program, error);
    if (status == OK)
        status = program_connect(&comparison->program, &options->database, &comparison->subject, error);
    if (status == OK)
        status = stream_start(comparison, error);
    if (status == OK)
        status = pollers_start(comparison, error);
    if (status != OK)
        return status;
    say(comparison, "writing; change capture and three pollers read");
    comparison->program_ms = process_cpu_ms(comparison->program.child.process.pid);
    spec.rows = comparison->subject.rows;
    status = load_run(&spec, comparison->stop_fd, &comparison->load, error);
    if (status == OK)
        status = results_take(comparison, error);
    return status;
}

static int compare_run(const struct options_given *options)
{
    static struct comparison comparison;
    struct error error, left;
    enum status status;

    comparison.options = options;
    comparison.stop_fd = stop_signal_catch();
    for (int i = 0; i < SIDES_MAX; i++)
        comparison.children[i] = CHILD_NONE;
    status = measure(&comparison, &error);
    if (status == OK)
        status = result_print(&comparison, &error);
    for (int i = 0; i < SIDES_MAX; i++)
        child_end(&comparison.children[i]);
    program_stop(&comparison.program);
    load_finish(&comparison.load);
    if (subject_drop(&options->database, &comparison.subject, &left) != OK)
        (void)fprintf(stderr, "tailrace: %s\n", left.message);
    if (stop_signal_number() != 0) {
        say(&comparison, "stopped; what it had made is removed");
        return 128 + stop_signal_number();
    }
    return status == OK ? 0 : command_fail(&error);
}

int compare_main(int argc, char **argv)
{
    static struct options_given given = {
        .database = {"127.0.0.1", "5432", "postgres", NULL, "mydb"}, .seconds = 30, .rate = 200, .rows = 10000, .interval_ms = 1000};
    static const struct option_row rows[] = {
        {"seconds", OPTION_NUMBER, &given.seconds, "N", "How long it writes (default 30)", 1, 3600},
        {"rate", OPTION_NUMBER, &given.rate, "N", "Changes a second (default 200)", 1, 100000},
        {"rows", OPTION_NUMBER, &given.rows, "N", "Rows in the table before (default 10000)", 0, 10000000},
        {"interval-ms", OPTION_NUMBER, &given.interval_ms, "N", "Time between two polls (default 1000)", 10, 600000},
        {"overlap-ms", OPTION_NUMBER, &given.overlap_ms, "N", "How far polling by time looks back behind its mark (default 0)", 0, 3600000},
        {"json", OPTION_FLAG, &given.json, NULL, "Print JSON instead of the table", 0, 0},
        {"out", OPTION_TEXT, &given.out, "FILE", "Write the JSON to a file too", 0, 0},
        {"quiet", OPTION_FLAG, &given.quiet, NULL, "Do not say on standard error what is going on", 0, 0},
        {"host", OPTION_TEXT, &given.database.host, "HOST", "PostgreSQL's address or socket directory (default 127.0.0.1)", 0, 0},
        {"port", OPTION_TEXT, &given.database.port, "PORT", "… its port (default 5432)", 0, 0},
        {"user", OPTION_TEXT, &given.database.user, "NAME", "… user, who may replicate and create schemas (default postgres)", 0, 0},
        {"password", OPTION_TEXT, &given.database.password, "TEXT", "… password (default $PGPASSWORD, or postgrespw)", 0, 0},
        {"database", OPTION_TEXT, &given.database.name, "NAME", "… database (default mydb)", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        "tailrace compare",
        NULL,
        "Change capture beside polling (whole query, by id, by time) on one table under one load: latency, changes missed, what it costs. "
        "Makes a table, a slot and a Tailrace of its own, and removes them.",
        rows,
        0,
        NULL,
        "tailrace compare\ntailrace compare --rate 2000 --interval-ms 5000 --out compare.json",
        NULL};
    size_t operand_count;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    database_password_default(&given.database);
    (void)logger_set_level(NULL, "warning");
    return compare_run(&given);
}
