/* api_alerts.c: the alerts of the agents' topics: the inbox, one alert with why it fired and its way, and what people say of it. */
#include "web/api.h"

#include "base/banned.h"
#include "os/clock.h"
#include "web/keeper.h"
#include "web/message.h"
#include "log/scan.h"

#define ALERTS_READ 2000 /* the newest of each partition are looked through */

/* ---- Reading ---- */

/* Appends the alerts as they are in the topic, oldest first, with "place". */
static void topic_read(struct api *api, const char *topic, json_t *all)
{
    struct log *log = api_settings_of(api)->log;
    int32_t count = log_topic_partitions(log, topic);
    struct scan *scan = scan_create(log);
    struct record record;
    struct record_batch batch;
    struct error error;

    for (int32_t i = 0; i < count; i++) {
        int64_t start, end;

        if (log_bounds(log, topic, i, &start, &end, NULL) != OK)
            continue;
        scan_seek(scan, topic, i, end - ALERTS_READ > start ? end - ALERTS_READ : start, end);
        while (scan_next(scan, &record, &batch, &error) == SCAN_RECORD) {
            json_t *alert = slice_is_null(record.value) ? NULL : json_loadb((const char *)record.value.data, record.value.size, 0, NULL);

            if (member_text(alert, "id") == NULL) {
                json_decref(alert);
                continue;
            }
            json_put(alert, "place", json_pack("{s:s, s:i, s:I}", "topic", topic, "partition", (int)i, "offset", (json_int_t)record.offset));
            json_add(all, alert);
        }
    }
    scan_destroy(scan);
}

/* Every alert of every agent's topic that is still looked at. */
static json_t *alerts_read(struct api *api, const json_t *description)
{
    json_t *all = json_array(), *seen = json_object();
    const json_t *agent;
    size_t index;

    json_array_foreach(json_object_get(description, "agents"), index, agent) {
        const char *topic = member_text(agent, "alerts_topic");

        if (topic == NULL || json_object_get(seen, topic) != NULL)
            continue;
        json_put(seen, topic, json_true());
        topic_read(api, topic, all);
    }
    json_decref(seen);
    return all;
}

static json_t *kept_of(struct api *api, const char *id)
{
    return keeper_get(api_alert_states(api), id);
}

static const char *state_of(const json_t *kept)
{
    const char *state = member_text(kept, "state");

    return state == NULL ? "open" : state;
}

static int64_t at_us_of(const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source");

    return member_integer(source, "scored_us", member_integer(source, "committed_us", 0));
}

/* ---- Lines ---- */

static json_t *copy_or_null(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return value == NULL ? json_null() : json_incref(value);
}

static json_t *line_make(struct api *api, const json_t *alert)
{
    json_t *kept = kept_of(api, member_text(alert, "id")), *line = json_object();

    json_put(line, "id", copy_or_null(alert, "id"));
    json_put(line, "agent", copy_or_null(alert, "agent"));
    json_put(line, "severity", copy_or_null(alert, "severity"));
    json_put(line, "state", json_string(state_of(kept)));
    json_put(line, "at_us", json_integer(at_us_of(alert)));
    json_put(line, "subject", copy_or_null(alert, "subject"));
    json_put(line, "title", copy_or_null(alert, "title"));
    json_put(line, "number", copy_or_null(alert, "number"));
    json_put(line, "note", member_text(alert, "score") == NULL ? json_null() : json_sprintf("score %s", member_text(alert, "score")));
    json_decref(kept);
    return line;
}

int64_t api_alerts_open(struct api *api, const json_t *description)
{
    int64_t alerts = 0, looked_at = 0;
    json_t *kept = keeper_all(api_alert_states(api), "");
    const json_t *agent, *one;
    const char *key;
    size_t index;

    /* Without reading them: those in the topics, less those somebody has said something of. */
    json_array_foreach(json_object_get(description, "agents"), index, agent) {
        struct topic *topic = store_topic_find(api_settings_of(api)->store, slice_from_string(member_text(agent, "alerts_topic")));

        for (int32_t i = 0; topic != NULL && i < topic_partition_count(topic) && index == 0; i++)
            alerts += partition_end(topic_partition(topic, i)) - partition_start(topic_partition(topic, i));
        if (topic != NULL)
            topic_release(topic);
    }
    json_object_foreach(kept, key, one) looked_at += strcmp(state_of(one), "open") != 0;
    json_decref(kept);
    return alerts > looked_at ? alerts - looked_at : 0;
}

static bool passes(const json_t *line, const char *name, const char *wanted)
{
    return wanted == NULL || *wanted == '\0' || strcmp(wanted, member_text(line, name)) == 0;
}

static bool mentions(const json_t *line, const char *q)
{
    return q == NULL || *q == '\0' || strcasestr(member_text(line, "title"), q) != NULL || strcasestr(member_text(line, "id"), q) != NULL;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = member_integer(*(json_t *const *)a, "at_us", 0), y = member_integer(*(json_t *const *)b, "at_us", 0);

    return x > y ? -1 : x < y;
}

/* How many lines go up to the alert of that id, itself included; 0 when it is not there. */
static size_t behind_id(json_t *const *lines, size_t count, const char *id)
{
    for (size_t i = 0; id != NULL && i < count; i++) {
        if (strcmp(member_text(lines[i], "id"), id) == 0)
            return i + 1;
    }
    return 0;
}

void api_alerts(struct api_call *call)
{
    const char *state = api_query(call, "state"), *agent = api_query(call, "agent"), *q = api_query(call, "q");
    int64_t before_us = api_query_number(call, "before", INT64_MAX, 0, INT64_MAX), hour_us = clock_now_us() - 3600000000LL;
    size_t limit = (size_t)api_query_number(call, "limit", 100, 1, 500), offset = (size_t)api_query_number(call, "offset", 0, 0, INT32_MAX), count = 0, index;
    json_t *description = api_describe(call->api), *all = alerts_read(call->api, description), *items = json_array(), *alert;
    json_t **lines = arena_new_array(call->arena, json_array_size(all) + 1, sizeof(json_t *));
    int64_t open = 0, last_hour = 0;

    json_array_foreach(all, index, alert) {
        json_t *line = line_make(call->api, alert);

        open += strcmp(member_text(line, "state"), "open") == 0;
        last_hour += member_integer(line, "at_us", 0) > hour_us;
        if (passes(line, "state", state) && passes(line, "agent", agent) && mentions(line, q) && member_integer(line, "at_us", 0) < before_us)
            lines[count++] = line;
        else
            json_decref(line);
    }
    qsort(lines, count, sizeof(lines[0]), newest_first);
    offset += behind_id(lines, count, api_query(call, "before"));
    for (size_t i = 0; i < count; i++) {
        if (i >= offset && i - offset < limit)
            json_add(items, lines[i]);
        else
            json_decref(lines[i]);
    }
    json_decref(all);
    json_decref(description);
    api_json(call, 200, json_pack("{s:I, s:o, s:I, s:I}", "total", (json_int_t)count, "items", items, "open", (json_int_t)open, "last_hour", (json_int_t)last_hour));
}

/* ---- One alert ---- */

static json_t *hop(const char *step, const char *stage, int64_t start_us, int64_t took_us, const char *known)
{
    return json_pack("{s:s, s:s, s:I, s:o, s:n, s:s, s:b}", "step", step, "stage", stage, "start_us", (json_int_t)start_us, "took_us", json_integer_or_null(took_us), "note", "known", known,
                     "later", 0);
}

static json_t *hops_make(const json_t *source)
{
    int64_t committed = member_integer(source, "committed_us", 0), appended = member_integer(source, "appended_us", 0), scored = member_integer(source, "scored_us", 0);
    json_t *hops = json_array();

    if (committed > 0 && appended >= committed)
        json_add(hops, hop("received and durable", "log", 0, appended - committed, "batch"));
    if (committed > 0 && appended > 0 && scored >= appended)
        json_add(hops, hop("scored", "agent", appended - committed, scored - appended, "exact"));
    return hops;
}

static json_t *deliveries_make(const json_t *description, const json_t *place)
{
    json_t *deliveries = json_array();
    const json_t *sink;
    size_t index;

    json_array_foreach(json_object_get(description, "sinks"), index, sink) {
        const char *error = member_text(sink, "error");
        bool waits = member_integer(sink, "waiting", 0) > 0;

        if (member_text(sink, "topic") == NULL || strcmp(member_text(sink, "topic"), member_text(place, "topic")) != 0)
            continue;
        /* The sink goes through the topic in order: with nothing waiting, this one is delivered. Otherwise it is not told apart. */
        json_add(deliveries, json_pack("{s:O, s:O, s:s, s:o, s:I, s:n, s:n}", "sink", json_object_get(sink, "name"), "kind", json_object_get(sink, "kind"), "state",
                                       error != NULL ? "warn" : waits ? "busy" : "ok", "answer", json_text_or_null(error), "tries", (json_int_t)member_integer(sink, "tries", 0), "took_us",
                                       "next_ms"));
    }
    return deliveries;
}

/* The row of the record that made it fire; null when it is gone. */
static json_t *row_make(struct api_call *call, const json_t *source)
{
    const struct api_settings *settings = api_settings_of(call->api);
    const char *topic = member_text(source, "topic");
    int64_t offset = member_integer(source, "offset", -1);
    int32_t partition = (int32_t)member_integer(source, "partition", 0);
    struct scan *scan = scan_create(settings->log);
    struct change_decoder *decoder = change_decoder_create();
    struct message_shape shape = message_alone;
    struct record record;
    struct record_batch batch;
    struct change change;
    struct error error;
    json_t *message = NULL, *row;

    shape.mask = settings->mask;
    scan_seek(scan, topic == NULL ? "" : topic, partition, offset, offset + 1);
    if (topic != NULL && offset >= 0 && scan_next(scan, &record, &batch, &error) == SCAN_RECORD && !slice_is_null(record.value) &&
        change_decode(decoder, record.value, call->arena, &change, NULL) == OK)
        message = message_make(topic, partition, &record, &batch, &change, &shape, call->arena);
    row = json_object_get(message, "row");
    row = row == NULL ? json_null() : json_incref(row);
    json_decref(message);
    change_decoder_destroy(decoder);
    scan_destroy(scan);
    return row;
}

static json_t *window_make(const json_t *alert)
{
    const json_t *window = json_object_get(alert, "window"), *source = json_object_get(alert, "source");
    json_t *inputs, *input;
    size_t index;

    if (json_array_size(json_object_get(window, "inputs")) == 0 && member_integer(window, "from_us", 0) == 0)
        return json_null();
    inputs = json_array();
    json_array_foreach(json_object_get(window, "inputs"), index, input)
        json_add(inputs, json_pack("{s:o, s:O, s:O, s:I, s:o}", "topic", copy_or_null(source, "topic"), "partition", json_object_get(input, "partition"), "offset",
                                   json_object_get(input, "offset"), "at_us", (json_int_t)member_integer(input, "at_us", 0), "number", copy_or_null(input, "number")));
    return json_pack("{s:I, s:I, s:s, s:o}", "from_us", (json_int_t)member_integer(window, "from_us", 0), "to_us", (json_int_t)member_integer(window, "to_us", 0), "by",
                     member_text(window, "by") == NULL ? "count" : member_text(window, "by"), "inputs", inputs);
}

static json_t *history_make(const json_t *alert, const json_t *kept)
{
    json_t *history = json_array(), *one;
    size_t index;

    json_add(history, json_pack("{s:I, s:s, s:O, s:n}", "at_ms", (json_int_t)(at_us_of(alert) / 1000), "state", "open", "by", json_object_get(alert, "agent"), "note"));
    json_array_foreach(json_object_get(kept, "history"), index, one) json_add(history, json_incref(one));
    return history;
}

static json_t *conditions_make(const json_t *alert)
{
    json_t *conditions = json_array(), *one;
    size_t index;

    json_array_foreach(json_object_get(alert, "conditions"), index, one)
        json_add(conditions, json_pack("{s:O, s:o, s:o, s:o, s:o}", "text", json_object_get(one, "text"), "was", copy_or_null(one, "was"), "limit", copy_or_null(one, "limit"), "points",
                                       member_integer(one, "points", 0) == 0 ? json_null() : copy_or_null(one, "points"), "held", copy_or_null(one, "held")));
    return conditions;
}

static json_t *alert_make(struct api_call *call, const json_t *description, const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source");
    int64_t committed = member_integer(source, "committed_us", 0), scored = member_integer(source, "scored_us", 0);
    json_t *whole = line_make(call->api, alert), *kept = kept_of(call->api, member_text(alert, "id"));

    json_put(whole, "rule_version", copy_or_null(alert, "rule_version"));
    json_put(whole, "total", member_text(alert, "score") == NULL ? json_null() : json_pack("{s:o, s:o}", "was", copy_or_null(alert, "score"), "limit", copy_or_null(alert, "score_limit")));
    json_put(whole, "conditions", conditions_make(alert));
    json_put(whole, "window", window_make(alert));
    json_put(whole, "hops", hops_make(source));
    json_put(whole, "topic", copy_or_null(source, "topic"));
    json_put(whole, "partition", copy_or_null(source, "partition"));
    json_put(whole, "offset", copy_or_null(source, "offset"));
    json_put(whole, "row", row_make(call, source));
    json_put(whole, "commit_to_alert_us", committed > 0 && scored >= committed ? json_integer(scored - committed) : json_null());
    json_put(whole, "deliveries", deliveries_make(description, json_object_get(alert, "place")));
    json_put(whole, "history", history_make(alert, kept));
    json_decref(kept);
    return whole;
}

/* Answers with the alert, or that there is none. False: there is none. */
static bool alert_answer(struct api_call *call)
{
    json_t *description = api_describe(call->api), *all = alerts_read(call->api, description), *alert, *whole = NULL;
    size_t index;

    json_array_foreach(all, index, alert) {
        if (whole == NULL && strcmp(member_text(alert, "id"), call->parts[0]) == 0)
            whole = alert_make(call, description, alert);
    }
    json_decref(all);
    json_decref(description);
    if (whole == NULL)
        api_error(call, 404, "UNKNOWN_ALERT", arena_format(call->arena, "Alert %s does not exist.", call->parts[0]), "It may be older than what is kept.", NULL);
    else
        api_json(call, 200, whole);
    return whole != NULL;
}

void api_alert(struct api_call *call)
{
    (void)alert_answer(call);
}

/* ---- What people say of it ---- */

void api_alert_state(struct api_call *call)
{
    static const char *const states[] = {"open", "acknowledged", "false_positive", "resolved", "muted"};
    const char *state = member_text(call->body, "state"), *id = call->parts[0];
    json_t *kept, *history;
    struct error error;
    size_t at = 0;

    while (at < sizeof(states) / sizeof(states[0]) && (state == NULL || strcmp(state, states[at]) != 0))
        at++;
    if (at == sizeof(states) / sizeof(states[0])) {
        api_error(call, 400, "BAD_STATE", "The alert was not changed.", "There is no such state.", "Send open, acknowledged, false_positive, resolved or muted.");
        return;
    }
    kept = kept_of(call->api, id);
    if (kept == NULL)
        kept = json_pack("{s:[]}", "history");
    history = json_object_get(kept, "history");
    json_put(kept, "state", json_string(state));
    json_add(history, json_pack("{s:I, s:s, s:s, s:o}", "at_ms", (json_int_t)clock_now_ms(), "state", state, "by", "console", "note",
                                json_text_or_null(member_text(call->body, "note"))));
    if (keeper_put(api_alert_states(call->api), id, kept, &error) != OK) {
        api_failed(call, error.status, &error);
        return;
    }
    api_event(call->api, "change", "info", id, arena_format(call->arena, "Alert %s is %s now.", id, state));
    (void)alert_answer(call);
}

/* ---- Saved filters ---- */

void api_filters(struct api_call *call)
{
    json_t *all = keeper_all(api_keeper(call->api), "filter:"), *items = json_array(), *one;
    const char *key;

    json_object_foreach(all, key, one) {
        json_t *item = json_copy(one);

        json_put(item, "id", json_string(key + strlen("filter:")));
        json_add(items, item);
    }
    json_decref(all);
    api_list(call, items, "name");
}

void api_filter_put(struct api_call *call)
{
    const char *topic = member_text(call->body, "topic"), *name = member_text(call->body, "name"), *filter = member_text(call->body, "filter");
    struct error error;

    if (topic == NULL || name == NULL || filter == NULL || strlen(filter) > 4096 || strlen(call->parts[0]) > 200) {
        api_error(call, 400, "BAD_FILTER", "The filter was not kept.", "It needs topic, name and filter.", NULL);
        return;
    }
    if (keeper_put(api_keeper(call->api), arena_format(call->arena, "filter:%s", call->parts[0]),
                   json_pack("{s:s, s:s, s:s}", "topic", topic, "name", name, "filter", filter), &error) != OK)
        api_failed(call, error.status, &error);
    else
        call->response->status = 204;
}

void api_filter_delete(struct api_call *call)
{
    struct error error;

    if (keeper_put(api_keeper(call->api), arena_format(call->arena, "filter:%s", call->parts[0]), NULL, &error) != OK)
        api_failed(call, error.status, &error);
    else
        call->response->status = 204;
}
