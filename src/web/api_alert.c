/* api_alert.c: one alert: why it fired, its inputs, its way, who was told; judging it again and sending it again. */
#include "web/api_alerts.h"

#include "agents/judge_again.h"
#include "agents/sink.h"
#include "base/banned.h"
#include "os/clock.h"
#include "store/batch.h"
#include "log/keeper.h"
#include "web/message.h"
#include "web/trace.h"

#define WAY_MS 500              /* for looking for stamps */
#define AGAIN_MS 6000           /* an answer that takes longer is seen by the next look */

/* ---- Finding it ---- */

struct wanted {
    const char *id;
    struct arena *arena;
    const char *topic; /* NULL: it is none of the lines */
    int32_t partition;
    int64_t offset;
};

static bool line_match(void *context, const struct alert_line *line)
{
    struct wanted *wanted = context;

    if (strcmp(line->id, wanted->id) != 0)
        return true;
    wanted->topic = arena_copy_string(wanted->arena, slice_from_string(line->topic));
    wanted->partition = line->partition;
    wanted->offset = line->offset;
    return false;
}

static json_t *record_read(struct api_call *call, const struct wanted *wanted)
{
    struct scan *scan = scan_create(api_settings_of(call->api)->log);
    struct record record;
    struct record_batch batch;
    struct error error;
    json_t *alert = NULL;

    scan_seek(scan, wanted->topic, wanted->partition, wanted->offset, wanted->offset + 1);
    if (scan_next(scan, &record, &batch, &error) == SCAN_RECORD && !slice_is_null(record.value))
        alert = json_loadb((const char *)record.value.data, record.value.size, 0, NULL);
    if (json_is_object(alert))
        json_put(alert, "place", json_pack("{s:s, s:i, s:I, s:I}", "topic", wanted->topic, "partition", (int)wanted->partition, "offset", (json_int_t)wanted->offset, "at_ms",
                                           (json_int_t)record.timestamp_ms));
    scan_destroy(scan);
    return alert;
}

/* The alert as it is in its topic, with "place"; NULL with the answer given. */
static json_t *alert_find(struct api_call *call, const char *id, struct trace *trace)
{
    struct wanted wanted = {.id = id, .arena = call->arena};
    json_t *alert = NULL;

    alert_list_each(api_alert_list(call->api), trace->description, line_match, &wanted);
    if (wanted.topic != NULL)
        alert = record_read(call, &wanted);
    else if (strlen(id) < 64)
        alert = trace_find_alert(trace, id); /* older than the lines */
    if (alert == NULL)
        api_error(call, 404, "UNKNOWN_ALERT", arena_format(call->arena, "Alert %.80s does not exist.", id), "It may be older than what is kept.", NULL);
    return alert;
}

static void trace_open(struct api_call *call, struct trace *trace)
{
    *trace = (struct trace){.call = call, .settings = api_settings_of(call->api)};
    trace->deadline_ms = clock_monotonic_ms() + WAY_MS;
    trace->scan = scan_create(trace->settings->log);
    trace->decoder = change_decoder_create();
    trace->description = api_describe(call->api);
}

static void trace_close(struct trace *trace)
{
    scan_destroy(trace->scan);
    change_decoder_destroy(trace->decoder);
    json_decref(trace->description);
}

bool alert_exists(struct api_call *call, const char *id)
{
    struct trace trace;
    json_t *alert;
    bool exists;

    trace_open(call, &trace);
    alert = alert_find(call, id, &trace);
    exists = alert != NULL;
    json_decref(alert);
    trace_close(&trace);
    return exists;
}

/* ---- What came of it at each sink ---- */

static const struct {
    const char *state, *shown, *word;
} delivery_states[] = {
    {"delivered", "ok", "Delivered"},     {"retrying", "warn", "Tries again"},  {"failed", "warn", "Could not be sent again"},
    {"refused", "crit", "Refused for good"}, {"muted", "idle", "Muted, not sent"},
};

static json_t *delivery_json(const json_t *kept)
{
    const char *state = member_text(kept, "state"), *answer = member_text(kept, "answer"), *error = member_text(kept, "error");
    size_t row = 0;

    while (row + 1 < sizeof(delivery_states) / sizeof(delivery_states[0]) && (state == NULL || strcmp(state, delivery_states[row].state) != 0))
        row++;
    return json_pack("{s:O, s:O, s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o}", "sink", json_object_get(kept, "sink"), "kind", json_object_get(kept, "kind"), "state", delivery_states[row].shown,
                     "word", delivery_states[row].word, "answer", json_text_or_null(answer != NULL ? answer : error), "tries", (json_int_t)member_integer(kept, "tries", 0), "took_us",
                     json_integer_or_null(member_integer(kept, "took_us", -1)), "next_ms", json_integer_or_null(member_integer(kept, "next_ms", -1)), "at_us",
                     json_integer_or_null(member_integer(kept, "at_us", -1)), "mute", json_text_or_null(member_text(kept, "mute")));
}

static bool sink_reads(const json_t *sink, const char *topic)
{
    const json_t *one;
    size_t index;

    json_array_foreach(json_object_get(sink, "topics"), index, one) {
        if (topic != NULL && json_is_string(one) && strcmp(json_string_value(one), topic) == 0)
            return true;
    }
    return false;
}

/* One entry per sink that reads its topic, and per sink that once did. */
static json_t *deliveries_make(struct trace *trace, const json_t *alert, const json_t *found)
{
    const char *topic = member_text(json_object_get(alert, "place"), "topic"), *name;
    json_t *deliveries = json_array(), *kept;
    const json_t *sink;
    size_t index;

    json_object_foreach((json_t *)(uintptr_t)found, name, kept) json_add(deliveries, delivery_json(kept));
    json_array_foreach(json_object_get(trace->description, "sinks"), index, sink) {
        const char *error = member_text(sink, "error");
        bool waits = member_integer(sink, "waiting", 0) > 0;

        if (!sink_reads(sink, topic) || json_object_get(found, member_text(sink, "name")) != NULL)
            continue;
        json_add(deliveries, json_pack("{s:O, s:O, s:s, s:s, s:o, s:i, s:n, s:n, s:n, s:n}", "sink", json_object_get(sink, "name"), "kind", json_object_get(sink, "kind"), "state",
                                       !waits ? "idle" : error != NULL ? "warn" : "busy", "word", waits ? "Waits for its turn" : "Not sent by this sink", "answer",
                                       waits ? json_text_or_null(error) : json_null(), "tries", 0, "took_us", "next_ms", "at_us", "mute"));
    }
    return deliveries;
}

/* ---- Its way ---- */

/* Stamps that the alert does not have are looked for among those that are kept. */
static void source_stamp(struct trace *trace, json_t *source)
{
    const char *topic = member_text(source, "topic");

    if (topic == NULL || member_integer(source, "offset", -1) < 0 || member_integer(source, "published_us", 0) != 0)
        return;
    trace_find_place(trace, topic, (int32_t)member_integer(source, "partition", 0), member_integer(source, "offset", -1));
    if (trace->row_count == 0)
        return;
    trace_way(trace, trace->rows[0]);
    if (trace->rows[0]->received_us != 0)
        json_put(source, "received_us", json_integer(trace->rows[0]->received_us));
    if (trace->rows[0]->known != TRACE_STAMPED)
        return;
    json_put(source, "appended_us", json_integer(trace->rows[0]->appended_us));
    json_put(source, "durable_us", json_integer(trace->rows[0]->durable_us));
    json_put(source, "published_us", json_integer(trace->rows[0]->published_us));
}

/* Steps from the commit to the last delivery, and after how long the alert was durable. */
static void way_put(struct trace *trace, json_t *whole, json_t *alert)
{
    json_t *source = json_object_get(alert, "source"), *change;

    if (member_integer(source, "scored_us", 0) == 0 || member_text(source, "topic") == NULL) {
        json_put(whole, "hops", json_array());
        json_put(whole, "commit_to_alert_us", json_null());
        return;
    }
    source_stamp(trace, source);
    change = trace_change_of_alert(trace, alert);
    json_put(whole, "hops", json_incref(json_object_get(change, "hops")));
    json_put(whole, "commit_to_alert_us", json_incref(json_object_get(change, "to_alert_us")));
    json_decref(change);
}

/* ---- Why it fired ---- */

static json_t *copy_or_null(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return value == NULL ? json_null() : json_incref(value);
}

/* About when the record was written, by its batch; *gone: it is not there any more. 0 unknown. */
static int64_t record_time_us(struct partition *partition, int64_t offset, bool *gone)
{
    struct batch batch;

    *gone = partition == NULL || offset < partition_start(partition) || offset >= partition_end(partition);
    return *gone || !batch_header_at(partition, offset, &batch) ? 0 : batch.base_timestamp * 1000;
}

/* Adds the input, with the time and whether it is still there. */
static void input_add(struct trace *trace, json_t *inputs, const json_t *input, const char *name)
{
    struct topic *topic = name == NULL ? NULL : store_topic_find(trace->settings->store, slice_from_string(name));
    int64_t offset = member_integer(input, "offset", -1), at_us = member_integer(input, "at_us", -1), partition = member_integer(input, "partition", -1);
    bool gone = false, known = offset >= 0 && partition >= 0, found = known && topic != NULL && partition < topic_partition_count(topic);
    int64_t kept_us = known ? record_time_us(found ? topic_partition(topic, (int32_t)partition) : NULL, offset, &gone) : 0;

    json_add(inputs, json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "topic", json_text_or_null(name), "partition", json_integer_or_null(partition), "offset", json_integer_or_null(offset), "at_us",
                               at_us > 0 ? json_integer(at_us) : kept_us > 0 ? json_integer(kept_us) : json_null(), "number", copy_or_null(input, "number"), "gone", (int)gone));
    if (topic != NULL)
        topic_release(topic);
}

static json_t *window_make(struct trace *trace, const json_t *alert)
{
    const json_t *window = json_object_get(alert, "window"), *source = json_object_get(alert, "source"), *input;
    int64_t from_us = member_integer(window, "from_us", 0), to_us = member_integer(window, "to_us", 0);
    json_t *inputs;
    size_t index;

    if (json_array_size(json_object_get(window, "inputs")) == 0 && from_us == 0)
        return json_null();
    inputs = json_array();
    json_array_foreach(json_object_get(window, "inputs"), index, input) input_add(trace, inputs, input, member_text(source, "topic"));
    if (from_us == 0) /* the last n: from the first of them to the row */
        from_us = member_integer(json_array_get(inputs, 0), "at_us", 0);
    if (to_us == 0)
        to_us = member_integer(source, "committed_us", member_integer(source, "scored_us", 0));
    return json_pack("{s:I, s:I, s:s, s:o, s:I}", "from_us", (json_int_t)from_us, "to_us", (json_int_t)to_us, "by", member_text(window, "by") == NULL ? "count" : member_text(window, "by"),
                     "inputs", inputs, "inputs_total", (json_int_t)member_integer(window, "inputs_total", (int64_t)json_array_size(inputs)));
}

static json_t *conditions_make(const json_t *alert)
{
    json_t *conditions = json_array(), *one;
    size_t index;

    json_array_foreach(json_object_get(alert, "conditions"), index, one)
        json_add(conditions, json_pack("{s:o, s:o, s:o, s:o, s:o}", "text", copy_or_null(one, "text"), "was", copy_or_null(one, "was"), "limit", copy_or_null(one, "limit"), "points",
                                       member_integer(one, "points", 0) == 0 ? json_null() : copy_or_null(one, "points"), "held", copy_or_null(one, "held")));
    return conditions;
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
    shape.schemas = api_schemas(call->api);
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

static json_t *history_make(struct api_call *call, const json_t *alert)
{
    const json_t *problem = json_object_get(alert, "problem");
    json_t *history = json_array(), *kept = keeper_get(api_alert_states(call->api), member_text(alert, "id")), *one;
    int64_t at_us = member_integer(json_object_get(alert, "source"), "scored_us", 0);
    size_t index;

    json_add(history, json_pack("{s:I, s:s, s:o, s:n}", "at_ms", (json_int_t)(at_us / 1000), "state", json_is_true(json_object_get(problem, "closed")) ? "resolved" : "open", "by",
                                copy_or_null(alert, "agent"), "note"));
    json_array_foreach(json_object_get(kept, "history"), index, one) json_add(history, json_incref(one));
    json_decref(kept);
    return history;
}

/* ---- The whole ---- */

struct line_wanted {
    const struct alert_book_view *book;
    const char *id;
    json_t *line;
};

static bool line_take(void *context, const struct alert_line *line)
{
    struct line_wanted *wanted = context;

    if (strcmp(line->id, wanted->id) == 0)
        wanted->line = alert_line_json(wanted->book, line);
    return wanted->line == NULL;
}

/* The line of the inbox; of the record itself when it is too old for one. */
static json_t *line_of(struct api_call *call, const struct trace *trace, const json_t *alert)
{
    struct alert_book_view book;
    struct line_wanted wanted = {&book, member_text(alert, "id"), NULL};
    const json_t *source = json_object_get(alert, "source");
    const struct alert_line line = {.id = wanted.id, .agent = member_text(alert, "agent"), .rule = member_text(alert, "rule"), .severity = member_text(alert, "severity"),
                                    .subject = member_text(alert, "subject"), .title = member_text(alert, "title"), .number = member_text(alert, "number"),
                                    .score = member_text(alert, "score"), .key = member_text(alert, "key"),
                                    .at_us = member_integer(source, "scored_us", member_integer(source, "committed_us", 0)),
                                    .closed = json_is_true(json_object_get(json_object_get(alert, "problem"), "closed"))};

    alert_book_open(call->api, &book);
    alert_list_each(api_alert_list(call->api), trace->description, line_take, &wanted);
    if (wanted.line == NULL)
        wanted.line = alert_line_json(&book, &line);
    alert_book_close(&book);
    return wanted.line;
}

static json_t *alert_make(struct api_call *call, struct trace *trace, json_t *alert)
{
    const json_t *source = json_object_get(alert, "source");
    json_t *whole = line_of(call, trace, alert);
    json_t *found = trace_deliveries_of(trace, member_text(alert, "id"), member_integer(source, "scored_us", 0));

    json_put(whole, "rule_version", copy_or_null(alert, "rule_version"));
    json_put(whole, "total", member_text(alert, "score") == NULL ? json_null() : json_pack("{s:o, s:o}", "was", copy_or_null(alert, "score"), "limit", copy_or_null(alert, "score_limit")));
    json_put(whole, "conditions", conditions_make(alert));
    json_put(whole, "window", window_make(trace, alert));
    way_put(trace, whole, alert);
    json_put(whole, "topic", copy_or_null(source, "topic"));
    json_put(whole, "partition", copy_or_null(source, "partition"));
    json_put(whole, "offset", copy_or_null(source, "offset"));
    json_put(whole, "place", copy_or_null(alert, "place"));
    json_put(whole, "row", row_make(call, source));
    json_put(whole, "folded", copy_or_null(alert, "folded"));
    json_put(whole, "model", copy_or_null(alert, "model"));
    json_put(whole, "features", json_is_array(json_object_get(alert, "features")) ? json_incref(json_object_get(alert, "features")) : json_array());
    json_put(whole, "problem", copy_or_null(alert, "problem"));
    json_put(whole, "deliveries", deliveries_make(trace, alert, found));
    json_put(whole, "history", history_make(call, alert));
    json_decref(found);
    return whole;
}

void api_alert(struct api_call *call)
{
    struct trace trace;
    json_t *alert;

    trace_open(call, &trace);
    alert = alert_find(call, call->parts[0], &trace);
    if (alert != NULL)
        api_json(call, 200, alert_make(call, &trace, alert));
    json_decref(alert);
    trace_close(&trace);
}

/* ---- Evaluate again ---- */

/* The rule's settings of an agent that runs here; false when none of that name does. */
static bool rule_settings(struct api_call *call, const json_t *description, const char *agent, struct properties *settings)
{
    const json_t *one;
    json_t *config, *value;
    const char *key;
    size_t index;
    bool runs = false;

    properties_init(settings);
    json_array_foreach(json_object_get(description, "agents"), index, one) runs = runs || (agent != NULL && strcmp(member_text(one, "name"), agent) == 0);
    if (!runs)
        return false;
    config = control_config_make(call->api, "agent", agent); /* what holds now, also when the console changed it */
    json_object_foreach(config, key, value) {
        if (strncmp(key, "rule.", 5) == 0 && json_is_string(value))
            properties_set(settings, key + 5, json_string_value(value));
    }
    json_decref(config);
    return true;
}

/* How many inputs are not there any more, and which is the first of them. */
static const char *gone_text(struct api_call *call, const json_t *window)
{
    const json_t *input, *first = NULL;
    size_t index, count = 0;

    json_array_foreach(json_object_get(window, "inputs"), index, input) {
        if (!json_is_true(json_object_get(input, "gone")))
            continue;
        first = first == NULL ? input : first;
        count++;
    }
    if (count == 0)
        return "";
    return arena_format(call->arena, " %zu of its %zu inputs %s no longer in the log, the first at partition %lld, offset %lld; what is kept with the alert was used.", count,
                        json_array_size(json_object_get(window, "inputs")), count == 1 ? "is" : "are", (long long)member_integer(first, "partition", 0), (long long)member_integer(first, "offset", 0));
}

static void evaluate(struct api_call *call, struct trace *trace, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_t *window = window_make(trace, json);
    struct properties settings;
    struct judged_again again;
    struct alert alert;
    struct record record;
    struct record_batch batch;
    struct error error;
    bool runs = rule_settings(call, trace->description, member_text(json, "agent"), &settings), there;

    if (alert_read(slice_from_string(text), call->arena, &alert, &error) != OK) {
        api_failed(call, error.status, &error);
    } else if (alert.todo != NULL) {
        api_error(call, 409, "NOT_JUDGED", "This alert was not judged by a rule.", "The program raised it itself.", NULL);
    } else {
        scan_seek(trace->scan, alert.topic == NULL ? "" : alert.topic, alert.partition, alert.offset, alert.offset + 1);
        there = alert.topic != NULL && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD && !slice_is_null(record.value);
        if (!there)
            api_error(call, 409, "INPUT_GONE", "It cannot be judged again.",
                      arena_format(call->arena, "The row itself, topic %s, partition %d, offset %lld, is no longer in the log.", alert.topic == NULL ? "?" : alert.topic, alert.partition,
                                   (long long)alert.offset),
                      NULL);
        else if (judge_again(&alert, runs ? &settings : NULL, record.value, call->arena, &again, &error) != OK)
            api_error(call, 409, "NOT_JUDGED", "It cannot be judged again.", arena_format(call->arena, "%s.", error.message), NULL);
        else
            api_json(call, 200, json_pack("{s:b, s:s}", "same", (int)again.same, "text", arena_format(call->arena, "%s%s", again.text, gone_text(call, window))));
    }
    properties_finish(&settings);
    json_decref(window);
    free(text);
}

void api_alert_evaluate(struct api_call *call)
{
    struct trace trace;
    json_t *alert;

    trace_open(call, &trace);
    alert = alert_find(call, call->parts[0], &trace);
    if (alert != NULL)
        evaluate(call, &trace, alert);
    json_decref(alert);
    trace_close(&trace);
}

/* ---- Send again ---- */

/* Waits until the sink has written what came of it, or for AGAIN_MS. */
static void delivery_wait(struct trace *trace, const char *id, const char *sink, int64_t scored_us, int64_t asked_us)
{
    int64_t deadline_ms = clock_monotonic_ms() + AGAIN_MS, start = 0, end = 0;
    bool done = false;

    while (!done && !api_is_stopping(trace->call->api) && clock_monotonic_ms() < deadline_ms) {
        json_t *found;

        (void)log_bounds(trace->settings->log, DELIVERIES_TOPIC, 0, &start, &end, NULL);
        found = trace_deliveries_of(trace, id, scored_us);
        done = member_integer(json_object_get(found, sink), "at_us", 0) >= asked_us;
        json_decref(found);
        if (!done)
            (void)log_wait(trace->settings->log, DELIVERIES_TOPIC, 0, end, 500);
    }
}

static void send_again(struct api_call *call, struct trace *trace, json_t *alert, const char *sink)
{
    const json_t *place = json_object_get(alert, "place");
    int64_t asked_us = clock_now_us();
    struct error error;

    if (sinks_send_again(api_settings_of(call->api)->sinks, sink, member_text(place, "topic"), (int32_t)member_integer(place, "partition", 0), member_integer(place, "offset", 0), &error) != OK) {
        api_error(call, error.status == ERROR_NOT_FOUND ? 404 : 429, error.status == ERROR_NOT_FOUND ? "UNKNOWN_SINK" : "BUSY", arena_format(call->arena, "It was not sent again: %s.", error.message),
                  NULL, error.status == ERROR_NOT_FOUND ? "Sinks are made by settings: sinks.NAME.kind and so on." : "Wait for those to go out.");
        return;
    }
    api_changed(call, "info", member_text(alert, "id"), arena_format(call->arena, "Alert %s is sent to %s again.", member_text(alert, "id"), sink));
    delivery_wait(trace, member_text(alert, "id"), sink, member_integer(json_object_get(alert, "source"), "scored_us", 0), asked_us);
    trace->deadline_ms = clock_monotonic_ms() + WAY_MS;
    api_json(call, 200, alert_make(call, trace, alert));
}

void api_alert_deliver(struct api_call *call)
{
    const char *sink = call->parts[1] != NULL ? call->parts[1] : member_text(call->body, "sink");
    struct trace trace;
    json_t *alert;

    if (sink == NULL) {
        api_error(call, 400, "NO_SINK", "It was not sent again.", "The body names no sink.", "Send {\"sink\":\"NAME\"}.");
        return;
    }
    trace_open(call, &trace);
    alert = alert_find(call, call->parts[0], &trace);
    if (alert != NULL)
        send_again(call, &trace, alert, sink);
    json_decref(alert);
    trace_close(&trace);
}
