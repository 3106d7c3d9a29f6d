#include "reports/reports.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/stop.h"
#include "os/thread.h"
#include "wire/json/text.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "reports"

#define REPORTS_MAX 64
#define NAME_BYTES_MAX 100
#define RESULT_BYTES_MAX ((size_t)64 << 10)
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
    pthread_mutex_t lock; /* guards the rest */
    int64_t runs, failures;
    struct buffer last; /* the last result as JSON; empty before the first */
    struct error error; /* why it cannot go on at the moment; OK otherwise */
};

struct reports {
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

static enum status settings_read(struct scheduled *report, const struct properties *values, struct error *error)
{
    static const char *const known[] = {"conninfo", "table", "column", "function", "time.column", "sql", "unit", "window", "every", NULL};
    enum status status = OK;

    properties_take(values, "reports.", report->name, &report->settings);
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

static void done(void *context, const struct report_spec *spec, const struct report_result *result)
{
    struct scheduled *report = context;
    struct error error = {.status = OK};

    buffer_reset(&report->json);
    report_write(spec, result, &report->json);
    if (result_publish(report, result, &error) != OK)
        LOG_ERROR("report %s: the result could not be kept: %s", report->name, error.message);
    (void)pthread_mutex_lock(&report->lock);
    report->runs++;
    report->failures += result->outcome == REPORT_FAILED;
    buffer_reset(&report->last);
    buffer_append_slice(&report->last, buffer_slice(&report->json));
    report->error = result->outcome == REPORT_FAILED ? result->error : error;
    (void)pthread_mutex_unlock(&report->lock);
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
        (void)stop_wait(&report->stop, RETRY_MS);
    }
    log_writer_close(report->writer);
    report->writer = NULL;
}

/* ---- All of them ---- */

static void report_destroy(struct scheduled *report)
{
    properties_finish(&report->settings);
    stop_finish(&report->stop);
    record_builder_finish(&report->builder);
    buffer_finish(&report->json);
    buffer_finish(&report->last);
    (void)close(report->wake_fd);
    (void)pthread_mutex_destroy(&report->lock);
    memory_free(report);
}

static enum status add(struct reports *reports, const struct properties *values, struct slice name, struct log *log, struct error *error)
{
    struct scheduled *report;

    if (reports->count == REPORTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d reports", REPORTS_MAX);
    if (name.size > NAME_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the name of a report has more than %d bytes: %.*s", NAME_BYTES_MAX, (int)name.size, (const char *)name.data);
    report = memory_new(sizeof(*report));
    (void)snprintf(report->name, sizeof(report->name), "%.*s", (int)name.size, (const char *)name.data);
    report->log = log;
    report->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    stop_init(&report->stop);
    record_builder_init(&report->builder, RESULT_BYTES_MAX * 2);
    buffer_init(&report->json, RESULT_BYTES_MAX);
    buffer_init(&report->last, RESULT_BYTES_MAX);
    (void)pthread_mutex_init(&report->lock, NULL);
    reports->items[reports->count++] = report;
    return settings_read(report, values, error);
}

enum status reports_start(const struct properties *values, struct log *log, struct reports **started, struct error *error)
{
    struct reports *reports = memory_new(sizeof(*reports));
    struct slice name;
    size_t at = 0;
    enum status status = OK;

    while (status == OK && properties_next_name(values, "reports.", &at, &name))
        status = add(reports, values, name, log, error);
    for (size_t i = 0; i < reports->count && status == OK; i++) {
        char thread[NAME_BYTES_MAX + 16];

        (void)snprintf(thread, sizeof(thread), "report:%s", reports->items[i]->name);
        status = thread_start(&reports->items[i]->thread, thread, thread_main, reports->items[i], error);
    }
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
    for (size_t i = 0; i < reports->count; i++) {
        stop_ask(&reports->items[i]->stop);
        (void)!write(reports->items[i]->wake_fd, &one, sizeof(one));
    }
    for (size_t i = 0; i < reports->count; i++) {
        thread_join(reports->items[i]->thread);
        report_destroy(reports->items[i]);
    }
    memory_free(reports);
}

void reports_describe(struct reports *reports, struct buffer *json)
{
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < reports->count; i++) {
        struct scheduled *report = reports->items[i];

        (void)pthread_mutex_lock(&report->lock);
        buffer_append_string(json, i == 0 ? "{\"name\":" : ",{\"name\":");
        json_append_string(json, slice_from_string(report->name));
        buffer_append_format(json, ",\"state\":\"%s\",\"runs\":%" PRId64 ",\"failures\":%" PRId64 ",\"window_s\":%" PRId64 ",\"every_s\":%" PRId64 ",\"error\":",
                             report->error.status != OK ? "failed" : report->runs == 0 ? "waiting" : "ok", report->runs, report->failures, report->spec.window_s,
                             report->spec.every_s);
        if (report->error.status != OK)
            json_append_string(json, slice_from_string(report->error.message));
        else
            buffer_append_string(json, "null");
        buffer_append_string(json, ",\"last\":");
        if (report->last.size > 0)
            buffer_append_slice(json, buffer_slice(&report->last));
        else
            buffer_append_string(json, "null");
        buffer_append_u8(json, '}');
        (void)pthread_mutex_unlock(&report->lock);
    }
    buffer_append_u8(json, ']');
}
