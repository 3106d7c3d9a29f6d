#include "web/problem_alerts.h"

#include "agents/alert.h"
#include "base/banned.h"
#include "base/memory.h"
#include "log/scan.h"
#include "os/clock.h"
#include "os/logger.h"
#include "web/api.h"

#define LOG_SUBSYSTEM "web"
#define AGENT "tailrace"
#define READ_BACK 5000     /* records that are looked through for problems of an earlier run */
#define SETTLE_MS 60000    /* a problem of an earlier run that does not show itself for so long is over */
#define ALERT_BYTES_MAX ((size_t)64 << 10)

struct problem_alerts {
    struct log *log;
    const char *topic;
    json_t *open;       /* id of the problem -> its alert, as written when it opened */
    int64_t started_ms; /* monotonic */
    bool loaded, settled, failing;
};

struct problem_alerts *problem_alerts_create(struct log *log, const char *topic)
{
    struct problem_alerts *alerts = memory_new(sizeof(*alerts));

    *alerts = (struct problem_alerts){.log = log, .topic = topic, .open = json_object(), .started_ms = clock_monotonic_ms()};
    return alerts;
}

void problem_alerts_destroy(struct problem_alerts *alerts)
{
    if (alerts == NULL)
        return;
    json_decref(alerts->open);
    memory_free(alerts);
}

/* The problem's id is the alert's key. */
static void record_take(struct problem_alerts *alerts, const struct record *record)
{
    json_t *alert = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, 0, NULL);
    const char *key = member_text(alert, "key"), *agent = member_text(alert, "agent");

    if (key != NULL && agent != NULL && strcmp(agent, AGENT) == 0) {
        if (json_is_true(json_object_get(json_object_get(alert, "problem"), "closed")))
            (void)json_object_del(alerts->open, key);
        else
            json_put(alerts->open, key, json_incref(alert));
        json_put(alert, "place", json_integer(record->offset)); /* of an earlier run */
    }
    json_decref(alert);
}

/* What an earlier run left open. */
static void load(struct problem_alerts *alerts)
{
    int64_t start, end;
    struct record record;
    struct record_batch batch;
    struct error error;
    struct scan *scan;

    alerts->loaded = true;
    if (log_topic_partitions(alerts->log, alerts->topic) == 0 || log_bounds(alerts->log, alerts->topic, 0, &start, &end, NULL) != OK)
        return;
    scan = scan_create(alerts->log);
    scan_seek(scan, alerts->topic, 0, end - READ_BACK > start ? end - READ_BACK : start, end);
    while (scan_next(scan, &record, &batch, &error) == SCAN_RECORD)
        record_take(alerts, &record);
    scan_destroy(scan);
}

static enum status record_write(struct problem_alerts *alerts, struct slice id, struct slice value, struct error *error)
{
    struct properties config = {0};
    struct log_topic_spec topic = {alerts->topic, 1, &config};
    struct log_record record = {.key = id, .value = value, .timestamp_ms = -1};
    int64_t offset;
    enum status status;

    properties_set(&config, "retention.ms", ALERTS_KEPT_MS);
    status = log_topic_ensure(alerts->log, &topic, error);
    if (status == OK)
        status = log_write(alerts->log, alerts->topic, 0, &record, 1, &offset, error);
    properties_finish(&config);
    return status;
}

/* False: it could not be written; said once. */
static bool alert_put(struct problem_alerts *alerts, const struct alert *alert)
{
    struct buffer json;
    struct error error = {.status = OK};

    buffer_init(&json, ALERT_BYTES_MAX);
    alert_write(alert, &json);
    if (json.failed)
        (void)error_set(&error, ERROR_LIMIT, "it is larger than %zu bytes", ALERT_BYTES_MAX);
    else
        (void)record_write(alerts, slice_from_string(alert->id), buffer_slice(&json), &error);
    buffer_finish(&json);
    if (error.status != OK && !alerts->failing)
        LOG_WARNING("problem %s could not be written to topic %s: %s; it is tried again", alert->key, alerts->topic, error.message);
    alerts->failing = error.status != OK;
    return error.status == OK;
}

/* The reasons as one text. */
static char *why_text(const json_t *problem)
{
    struct buffer text;
    const json_t *part;
    size_t index;
    char *copy;

    buffer_init(&text, 4096);
    json_array_foreach(json_object_get(problem, "why"), index, part) {
        const char *piece = json_is_string(part) ? json_string_value(part) : member_text(part, "text") != NULL ? member_text(part, "text") : member_text(part, "code");

        buffer_append_string(&text, piece == NULL ? "" : piece);
    }
    copy = memory_copy_bytes(text.size == 0 ? (const uint8_t *)"" : text.data, text.size);
    buffer_finish(&text);
    return copy;
}

void problem_alerts_open(struct problem_alerts *alerts, const json_t *problem)
{
    const char *key = member_text(problem, "id"), *severity = member_text(problem, "severity");
    int64_t now_us = clock_now_us();
    struct alert alert = {.lsn = -1, .transaction_id = -1};
    char id[24];
    char *why;

    if (alerts->topic == NULL || strcmp(severity, "info") == 0)
        return;
    if (!alerts->loaded)
        load(alerts);
    if (json_object_get(alerts->open, key) != NULL)
        return;
    why = why_text(problem);
    alert_id(id, AGENT, 1, key, 0, now_us); /* the same problem at another time is another alert */
    alert.id = id;
    alert.agent = AGENT;
    alert.rule = member_text(problem, "code");
    alert.rule_version = 1;
    alert.severity = severity;
    alert.subject = member_text(json_object_get(problem, "subject"), "name");
    alert.title = member_text(problem, "title");
    alert.key = key;
    alert.scored_us = now_us;
    alert.why = why;
    alert.todo = member_text(problem, "todo") == NULL ? "" : member_text(problem, "todo");
    if (alert_put(alerts, &alert))
        json_put(alerts->open, key, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:{s:s, s:s}}", "id", id, "rule", alert.rule, "severity", severity, "title", alert.title, "subject",
                                              json_text_or_null(alert.subject), "key", key, "problem", "why", why, "todo", alert.todo));
    memory_free(why);
}

static void close_key(struct problem_alerts *alerts, const char *key)
{
    const json_t *kept = json_object_get(alerts->open, key), *problem = json_object_get(kept, "problem");
    const struct alert alert = {.id = member_text(kept, "id"), .agent = AGENT, .rule = member_text(kept, "rule"), .rule_version = 1, .severity = member_text(kept, "severity"),
                                .subject = member_text(kept, "subject"), .title = member_text(kept, "title"), .key = key, .scored_us = clock_now_us(), .why = member_text(problem, "why"),
                                .todo = member_text(problem, "todo") == NULL ? "" : member_text(problem, "todo"), .closed = true, .lsn = -1, .transaction_id = -1};

    if (alert_put(alerts, &alert))
        (void)json_object_del(alerts->open, key);
}

void problem_alerts_close_others(struct problem_alerts *alerts, const json_t *open)
{
    const char *key;
    json_t *alert;
    void *next;

    if (alerts->topic == NULL)
        return;
    if (!alerts->loaded)
        load(alerts);
    alerts->settled = alerts->settled || clock_monotonic_ms() - alerts->started_ms >= SETTLE_MS;
    json_object_foreach_safe(alerts->open, next, key, alert) {
        if (json_object_get(open, key) == NULL && (alerts->settled || json_object_get(alert, "place") == NULL))
            close_key(alerts, key);
    }
}
