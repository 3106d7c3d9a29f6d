#include "reports/reports.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "log/control.h"
#include "log/scan.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/stop.h"
#include "os/thread.h"
#include "wire/json/text.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "reports"

#define REPORTS_MAX 64
#define NAME_BYTES_MAX CONTROL_NAME_BYTES_MAX
#define RUN_NOW_MS 30000 /* that a run which somebody asked for may take */
#define RESULT_BYTES_MAX ((size_t)64 << 10)
#define LAST_LOOK 10000 /* records that are looked through for the last result of an earlier run */
#define RETRY_MS 10000 /* after a query that PostgreSQL refuses: the table may come */

struct scheduled {
    char name[NAME_BYTES_MAX + 1];
    struct properties settings; /* owns the texts of spec */
    struct report_spec spec;
    struct log *log;
    struct log_writer *writer;
    struct record_builder builder;
    struct buffer json;
    struct thread *thread;
    struct stop stop;
    int wake_fd;
    int64_t last_to_us;
    bool is_paused, is_from_file;
    bool is_right; /* its settings are */
    int64_t version; /* of its wish */
    pthread_mutex_t lock; /* guards the rest */
    int64_t runs_asked; /* of its wish, that were done */
    int64_t next_us;    /* when the next run is due, by the database's clock; -1: not known */
    int64_t runs, failures;
    struct buffer last; /* the last result as JSON; empty before the first */
    struct error error; /* why it cannot go on at the moment; OK otherwise */
};

struct reports {
    struct log *log;
    struct control *control;
    struct thread *thread; /* looks for what people want of them */
    struct stop stop;
    int wake_fd;           /* readable when `stop` is asked */
    pthread_mutex_t lock;  /* guards the rest against those who describe; only the thread (and start and stop) changes it */
    struct scheduled *items[REPORTS_MAX];
    size_t count;
};

/* ---- Settings ---- */

static enum status duration_read(const struct scheduled *report, const char *key, const char *otherwise, int64_t *seconds, struct error *error)
{
    const char *text = properties_get(&report->settings, key);

    text = text == NULL ? otherwise : text;
    if (!report_duration(text, seconds))
        return error_set(error, ERROR_BAD_INPUT, "setting reports.%s.%s=%s: it has to be a duration such as 30s, 10m, 2h or 1d", report->name, key, text);
    return OK;
}

static const char *text_or(const struct scheduled *report, const char *key, const char *otherwise)
{
    const char *text = properties_get(&report->settings, key);

    return text == NULL ? otherwise : text;
}

static const struct report_setting report_settings[] = {
    {"conninfo", NULL, "Which database, for libpq: host=… port=… dbname=… user=… password=…"},
    {"table", NULL, "Table whose rows are looked at, or schema.table"},
    {"column", NULL, "What is put together"},
    {"function", "avg", "How: avg, sum, min, max or count"},
    {"time.column", "recorded_at", "Column that says when a row was written"},
    {"sql", NULL, "Instead of a table: a SELECT of one row; $1 and $2 are the window's two ends"},
    {"unit", NULL, "What the value is in, such as °C"},
    {"window", "10m", "How far it looks back, such as 30s, 10m, 2h or 1d"},
    {"every", NULL, "How often it runs; unless set, once a window"},
};
#define SETTING_COUNT (sizeof(report_settings) / sizeof(report_settings[0]))

const struct report_setting *report_settings_list(size_t *count)
{
    *count = SETTING_COUNT;
    return report_settings;
}

static enum status settings_read(struct scheduled *report, struct error *error)
{
    const char *known[SETTING_COUNT + 1] = {NULL};
    enum status status = OK;

    for (size_t i = 0; i < SETTING_COUNT; i++)
        known[i] = report_settings[i].key;

    for (size_t i = 0; i < report->settings.count && status == OK; i++) {
        size_t row = 0;

        while (known[row] != NULL && strcmp(known[row], report->settings.items[i].key) != 0)
            row++;
        if (known[row] == NULL)
            status = properties_unknown("reports.", report->name, report->settings.items[i].key, known, error);
    }
    report->spec = (struct report_spec){.name = report->name, .conninfo = text_or(report, "conninfo", NULL), .table = text_or(report, "table", NULL),
                                        .column = text_or(report, "column", NULL), .function = text_or(report, "function", "avg"),
                                        .time_column = text_or(report, "time.column", "recorded_at"), .sql = text_or(report, "sql", NULL), .unit = text_or(report, "unit", "")};
    if (status == OK && report->spec.conninfo == NULL)
        status = error_set(error, ERROR_BAD_INPUT, "setting reports.%s.conninfo is missing: which database?", report->name);
    if (status == OK)
        status = duration_read(report, "window", "10m", &report->spec.window_s, error);
    if (status == OK)
        status = duration_read(report, "every", text_or(report, "window", "10m"), &report->spec.every_s, error);
    return status == OK ? report_check(&report->spec, error) : status;
}

/* ---- Running ---- */

/* The position is the end of the last window, in microseconds, as text. */
static enum status writer_open(struct scheduled *report, struct error *error)
{
    struct log_topic_spec topic = {.name = REPORTS_TOPIC, .partitions = 1};
    struct buffer position;
    char *owner = memory_format("report/%s", report->name);
    enum status status = log_topic_ensure(report->log, &topic, error);

    report->last_to_us = 0;
    buffer_init(&position, 64);
    if (status == OK)
        status = log_writer_open(report->log, owner, &report->writer, &position, error);
    if (status == OK && position.size > 0 && !text_parse_int64(buffer_slice(&position), &report->last_to_us))
        report->last_to_us = 0;
    buffer_finish(&position);
    memory_free(owner);
    return status;
}

static enum status result_publish(struct scheduled *report, const struct report_result *result, struct error *error)
{
    struct record_batch_spec plain = record_batch_spec_plain();
    char position[24];
    uint64_t ticket;
    int size;
    enum status status;

    if (result->outcome != REPORT_FAILED)
        report->last_to_us = result->window_to_us;
    size = snprintf(position, sizeof(position), "%" PRId64, report->last_to_us);
    record_builder_reset(&report->builder);
    if (!record_builder_append(&report->builder, clock_now_ms(), slice_from_string(report->name), buffer_slice(&report->json), NULL, 0))
        return error_set(error, ERROR_MESSAGE_TOO_LARGE, "a result of report %s is too large", report->name);
    status = log_append(report->writer, REPORTS_TOPIC, 0, record_builder_seal(&report->builder, &plain, NULL), error);
    if (status == OK)
        status = log_publish(report->writer, slice_of(position, (size_t)size), &ticket, error);
    return status == OK ? log_flush(report->writer, error) : status;
}

static void last_keep(struct scheduled *report, const struct report_result *result, const struct buffer *json, const struct error *error)
{
    (void)pthread_mutex_lock(&report->lock);
    report->runs++;
    report->failures += result->outcome == REPORT_FAILED;
    buffer_reset(&report->last);
    buffer_append_slice(&report->last, buffer_slice(json));
    report->error = result->outcome == REPORT_FAILED ? result->error : *error;
    (void)pthread_mutex_unlock(&report->lock);
}

static enum status done(void *context, const struct report_spec *spec, const struct report_result *result, struct error *error)
{
    struct scheduled *report = context;
    const struct error kept = {.status = OK};

    buffer_reset(&report->json);
    report_write(spec, result, &report->json);
    if (result_publish(report, result, error) != OK) {
        error_context(error, "keep the result");
        return error->status;
    }
    last_keep(report, result, &report->json, &kept);
    (void)pthread_mutex_lock(&report->lock);
    report->next_us = result->outcome == REPORT_FAILED ? report->next_us : result->window_to_us + spec->every_s * 1000000;
    (void)pthread_mutex_unlock(&report->lock);
    return OK;
}

static void thread_main(void *context)
{
    struct scheduled *report = context;

    while (!report->stop.asked) {
        struct error error;
        enum status status = report->writer == NULL ? writer_open(report, &error) : OK;

        if (status == OK)
            status = report_run(&report->spec, report->last_to_us, &report->stop.asked, report->wake_fd, done, report, &error);
        if (status == OK)
            break;
        LOG_ERROR("report %s: %s; trying again in %d s", report->name, error.message, RETRY_MS / 1000);
        (void)pthread_mutex_lock(&report->lock);
        report->error = error;
        (void)pthread_mutex_unlock(&report->lock);
        log_writer_close(report->writer); /* one that failed publishes nothing more; a new one says where to go on */
        report->writer = NULL;
        (void)stop_wait(&report->stop, RETRY_MS);
    }
    log_writer_close(report->writer);
    report->writer = NULL;
}

/* ---- One of them ---- */

static struct scheduled *report_create(struct log *log, const struct wish *wish)
{
    struct scheduled *report = memory_new(sizeof(*report));

    (void)snprintf(report->name, sizeof(report->name), "%s", wish->name);
    properties_copy(&report->settings, &wish->config);
    report->log = log;
    report->is_paused = wish->is_paused;
    report->is_from_file = wish->is_from_file;
    report->version = wish->version;
    report->runs_asked = wish->runs;
    report->next_us = -1;
    report->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stop_init(&report->stop);
    record_builder_init(&report->builder, RESULT_BYTES_MAX * 2);
    buffer_init(&report->json, RESULT_BYTES_MAX);
    buffer_init(&report->last, RESULT_BYTES_MAX);
    (void)pthread_mutex_init(&report->lock, NULL);
    return report;
}

/* settings: how reading its settings went, with the error. */
static enum status report_begin(struct scheduled *report, enum status settings, struct error *error)
{
    char thread[NAME_BYTES_MAX + 16];
    enum status status = settings;

    (void)snprintf(thread, sizeof(thread), "report:%s", report->name);
    if (status == OK && !report->is_paused)
        status = thread_start(&report->thread, thread, thread_main, report, error);
    if (status != OK) {
        (void)pthread_mutex_lock(&report->lock);
        report->error = *error;
        (void)pthread_mutex_unlock(&report->lock);
    }
    return status;
}

static void report_interrupt(struct scheduled *report)
{
    uint64_t one = 1;

    stop_ask(&report->stop);
    (void)!write(report->wake_fd, &one, sizeof(one));
}

static void report_destroy(struct scheduled *report)
{
    if (report == NULL)
        return;
    report_interrupt(report);
    thread_join(report->thread);
    properties_finish(&report->settings);
    stop_finish(&report->stop);
    record_builder_finish(&report->builder);
    buffer_finish(&report->json);
    buffer_finish(&report->last);
    (void)close(report->wake_fd);
    (void)pthread_mutex_destroy(&report->lock);
    memory_free(report);
}

/* A run that somebody asked for, beside the schedule, which goes on as if it had not been. Nothing of the report's thread is touched. */
static void run_now(struct reports *reports, struct scheduled *report)
{
    struct report_result result = {.outcome = REPORT_FAILED, .run_us = clock_now_us(), .rows = -1};
    struct log_topic_spec topic = {.name = REPORTS_TOPIC, .partitions = 1};
    struct error error = {.status = OK};
    struct log_record record;
    struct buffer json;
    int64_t offset;

    if (report_once(&report->spec, RUN_NOW_MS, &reports->stop.asked, reports->wake_fd, &result, &error) != OK) {
        result.outcome = REPORT_FAILED;
        result.error = error;
    }
    error.status = OK;
    buffer_init(&json, RESULT_BYTES_MAX);
    report_write(&report->spec, &result, &json);
    record = (struct log_record){slice_from_string(report->name), buffer_slice(&json), -1, NULL, 0};
    if (log_topic_ensure(report->log, &topic, &error) != OK || log_write(report->log, REPORTS_TOPIC, 0, &record, 1, &offset, &error) != OK)
        LOG_ERROR("report %s: the result could not be kept: %s", report->name, error.message);
    last_keep(report, &result, &json, &error);
    buffer_finish(&json);
}

/* ---- All of them ---- */

static size_t place_of(const struct reports *reports, const char *name)
{
    size_t at = 0;

    while (at < reports->count && strcmp(reports->items[at]->name, name) != 0)
        at++;
    return at;
}

/* Puts it where the other one is, or behind all; NULL takes that one out. Gives the other one. */
static struct scheduled *place_set(struct reports *reports, size_t at, struct scheduled *report)
{
    struct scheduled *old;

    (void)pthread_mutex_lock(&reports->lock);
    old = at < reports->count ? reports->items[at] : NULL;
    if (report != NULL) {
        reports->items[at] = report;
        reports->count += old == NULL;
    } else if (old != NULL) {
        memmove(&reports->items[at], &reports->items[at + 1], (reports->count - at - 1) * sizeof(reports->items[0]));
        reports->count--;
    }
    (void)pthread_mutex_unlock(&reports->lock);
    return old;
}

/* Anybody may write to the topic, and what is described as a whole has to be JSON. */
static bool is_object(struct slice text)
{
    json_t *read = text.size == 0 ? NULL : json_loadb((const char *)text.data, text.size, 0, NULL);
    bool is = json_is_object(read);

    json_decref(read);
    return is;
}

/* The newest result that is kept of it, which an earlier run of the program may have left. */
static void last_load(struct scheduled *report)
{
    struct scan *scan;
    struct record record;
    struct record_batch batch;
    struct error error;
    int64_t start, end;

    if (log_topic_partitions(report->log, REPORTS_TOPIC) == 0 || log_bounds(report->log, REPORTS_TOPIC, 0, &start, &end, &error) != OK)
        return;
    scan = scan_create(report->log);
    scan_seek(scan, REPORTS_TOPIC, 0, end - LAST_LOOK > start ? end - LAST_LOOK : start, end);
    while (scan_next(scan, &record, &batch, &error) == SCAN_RECORD) {
        if (!slice_equal_string(record.key, report->name) || record.value.size > RESULT_BYTES_MAX || !is_object(record.value))
            continue;
        buffer_reset(&report->last);
        buffer_append_slice(&report->last, record.value);
    }
    scan_destroy(scan);
}

/* What was counted goes on to be. */
static void counts_take(struct scheduled *report, struct scheduled *old)
{
    if (old == NULL) {
        last_load(report);
        return;
    }
    report->runs = old->runs;
    report->failures = old->failures;
    buffer_append_slice(&report->last, buffer_slice(&old->last));
}

/* Makes one report what is wanted of it. Errors: which of its settings is wrong; it is kept, with the error. */
static enum status wish_fulfil(void *context, const struct wish *wish, struct error *error)
{
    struct reports *reports = context;
    size_t at = place_of(reports, wish->name);
    struct scheduled *old = at < reports->count ? reports->items[at] : NULL, *report;
    enum status status;

    if (strlen(wish->name) > NAME_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the name of a report has more than %d bytes: %s", NAME_BYTES_MAX, wish->name);
    if (wish->is_deleted) {
        report_destroy(place_set(reports, at, NULL));
        return OK;
    }
    if (old != NULL && old->is_paused == wish->is_paused && old->version == wish->version && control_config_equal(&old->settings, &wish->config)) {
        if (wish->runs > old->runs_asked && old->is_right)
            run_now(reports, old);
        (void)pthread_mutex_lock(&old->lock);
        old->runs_asked = wish->runs;
        (void)pthread_mutex_unlock(&old->lock);
        return OK;
    }
    if (old == NULL && reports->count == REPORTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d reports", REPORTS_MAX);
    if (wish->version > 1)
        LOG_INFO("report %s: version %" PRId64 " as changed at run time%s%s", wish->name, wish->version, wish->is_from_file ? ", not as the settings file says" : "",
                 wish->is_paused ? "; it is paused" : "");
    report = report_create(reports->log, wish);
    status = settings_read(report, error);
    report->is_right = status == OK;
    if (old != NULL) { /* its thread has the position */
        report_interrupt(old);
        thread_join(old->thread);
        old->thread = NULL;
    }
    counts_take(report, old);
    report_destroy(place_set(reports, at, report));
    return report_begin(report, status, error);
}

/* One that is gone from the topic and not in the file is removed. */
static void wished_keep(void *context, const struct wish *wishes, size_t count)
{
    struct reports *reports = context;

    for (size_t i = reports->count; i-- > 0;) {
        if (!control_is_wanted(wishes, count, reports->items[i]->name))
            report_destroy(place_set(reports, i, NULL));
    }
}

static void wishes_watch(void *context)
{
    control_watch(((struct reports *)context)->control);
}

enum status reports_start(const struct properties *values, struct log *log, struct reports **started, struct error *error)
{
    struct reports *reports = memory_new(sizeof(*reports));
    const struct control_service service = {"report", "reports", values, &reports->stop, reports, wish_fulfil, wished_keep};
    enum status status;

    reports->log = log;
    reports->control = control_create(log, &service);
    reports->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stop_init(&reports->stop);
    (void)pthread_mutex_init(&reports->lock, NULL);
    status = control_fulfil(reports->control, error);
    if (status == OK)
        status = thread_start(&reports->thread, "reports", wishes_watch, reports, error);
    if (status == OK)
        *started = reports;
    else
        reports_stop(reports);
    return status;
}

void reports_stop(struct reports *reports)
{
    uint64_t one = 1;

    if (reports == NULL)
        return;
    stop_ask(&reports->stop);
    (void)!write(reports->wake_fd, &one, sizeof(one));
    thread_join(reports->thread);
    for (size_t i = 0; i < reports->count; i++)
        report_interrupt(reports->items[i]);
    for (size_t i = 0; i < reports->count; i++)
        report_destroy(reports->items[i]);
    control_destroy(reports->control);
    stop_finish(&reports->stop);
    (void)close(reports->wake_fd);
    (void)pthread_mutex_destroy(&reports->lock);
    memory_free(reports);
}

/* ---- Describing ---- */

/* "mydb at db-01" of a connection string, without what is secret; nothing is appended when it says neither. */
static void database_append(struct buffer *json, const char *conninfo)
{
    PQconninfoOption *options = conninfo == NULL ? NULL : PQconninfoParse(conninfo, NULL);
    const char *database = NULL, *host = NULL;
    char text[512];

    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "dbname") == 0)
            database = option->val;
        else if (strcmp(option->keyword, "host") == 0)
            host = option->val;
    }
    (void)snprintf(text, sizeof(text), "%s%s%s", database == NULL ? "" : database, database != NULL && host != NULL ? " at " : "", host == NULL ? "" : host);
    json_append_string(json, slice_from_string(text));
    PQconninfoFree(options);
}

static void report_describe(struct scheduled *report, struct buffer *json)
{
    char *query = report->is_right ? report_query(&report->spec) : NULL;
    bool failed;

    (void)pthread_mutex_lock(&report->lock);
    failed = report->error.status != OK;
    buffer_append_string(json, "{\"name\":");
    json_append_string(json, slice_from_string(report->name));
    buffer_append_format(json, ",\"state\":\"%s\",\"runs\":%" PRId64 ",\"failures\":%" PRId64 ",\"window_s\":%" PRId64 ",\"every_s\":%" PRId64 ",\"error\":",
                         report->is_paused ? "paused" : failed ? "failed" : report->runs == 0 ? "waiting" : "ok", report->runs, report->failures, report->spec.window_s,
                         report->spec.every_s);
    if (failed)
        json_append_string(json, slice_from_string(report->error.message));
    else
        buffer_append_string(json, "null");
    buffer_append_format(json, ",\"version\":%" PRId64 ",\"runs_asked\":%" PRId64 ",\"next_us\":%" PRId64 ",\"in_file\":%s,\"query\":", report->version, report->runs_asked, report->is_paused ? -1 : report->next_us, report->is_from_file ? "true" : "false");
    json_append_string(json, slice_from_string(query == NULL ? "" : query));
    buffer_append_string(json, ",\"database\":");
    database_append(json, report->spec.conninfo);
    buffer_append_string(json, ",\"last\":");
    if (report->last.size > 0)
        buffer_append_slice(json, buffer_slice(&report->last));
    else
        buffer_append_string(json, "null");
    buffer_append_u8(json, '}');
    (void)pthread_mutex_unlock(&report->lock);
    memory_free(query);
}

void reports_describe(struct reports *reports, struct buffer *json)
{
    buffer_append_u8(json, '[');
    (void)pthread_mutex_lock(&reports->lock);
    for (size_t i = 0; i < reports->count; i++) {
        if (i > 0)
            buffer_append_u8(json, ',');
        report_describe(reports->items[i], json);
    }
    (void)pthread_mutex_unlock(&reports->lock);
    buffer_append_u8(json, ']');
}
