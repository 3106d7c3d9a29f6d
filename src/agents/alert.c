#include "agents/alert.h"

#include "base/banned.h"
#include "base/text.h"
#include "wire/json/scan.h"
#include "wire/json/text.h"

#include <inttypes.h>

/* FNV-1a with a finish; 64 bits are plenty to name the alerts of one installation. */
static uint64_t mix(uint64_t hash, struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u; /* between two facts */
}

void alert_id(char id[24], const char *agent, int32_t rule_version, const char *topic, int32_t partition, int64_t offset)
{
    uint64_t hash = mix(mix(0xcbf29ce484222325u, slice_from_string(agent)), slice_from_string(topic));

    hash = mix(hash, slice_of(&rule_version, sizeof(rule_version)));
    hash = mix(hash, slice_of(&partition, sizeof(partition)));
    hash = mix(hash, slice_of(&offset, sizeof(offset)));
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 32;
    (void)snprintf(id, 24, "A-%016" PRIx64, hash);
}

/* ---- Writing ---- */

static void member_begin(struct buffer *json, const char *name)
{
    if (json->size > 0 && json->data[json->size - 1] != '{')
        buffer_append_u8(json, ',');
    json_append_string(json, slice_from_string(name));
    buffer_append_u8(json, ':');
}

static void member_text(struct buffer *json, const char *name, const char *text)
{
    member_begin(json, name);
    if (text == NULL)
        buffer_append_string(json, "null");
    else
        json_append_string(json, slice_from_string(text));
}

static void member_json(struct buffer *json, const char *name, const char *value)
{
    member_begin(json, name);
    buffer_append_string(json, value == NULL ? "null" : value);
}

static void member_number(struct buffer *json, const char *name, int64_t number)
{
    member_begin(json, name);
    buffer_append_decimal(json, number);
}

/* Numbers that may be unknown. */
static void member_known(struct buffer *json, const char *name, bool known, int64_t number)
{
    if (known)
        member_number(json, name, number);
    else
        member_text(json, name, NULL);
}

static void conditions_write(const struct alert *alert, struct buffer *json)
{
    member_begin(json, "conditions");
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < alert->condition_count; i++) {
        const struct alert_condition *condition = &alert->conditions[i];

        buffer_append_string(json, i == 0 ? "{" : ",{");
        member_text(json, "text", condition->text);
        member_text(json, "was", condition->was);
        member_text(json, "limit", condition->limit);
        member_number(json, "points", condition->points);
        member_json(json, "held", condition->held ? "true" : "false");
        buffer_append_u8(json, '}');
    }
    buffer_append_u8(json, ']');
}

static void window_write(const struct alert *alert, struct buffer *json)
{
    member_begin(json, "window");
    buffer_append_u8(json, '{');
    member_known(json, "from_us", alert->window_from_us != 0, alert->window_from_us);
    member_known(json, "to_us", alert->window_to_us != 0, alert->window_to_us);
    member_text(json, "by", alert->window_by);
    member_begin(json, "inputs");
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < alert->input_count; i++) {
        const struct alert_input *input = &alert->inputs[i];

        buffer_append_string(json, i == 0 ? "{" : ",{");
        member_known(json, "partition", input->partition >= 0, input->partition);
        member_known(json, "offset", input->partition >= 0, input->offset);
        member_known(json, "at_us", input->time_us != 0, input->time_us);
        member_text(json, "number", input->number);
        buffer_append_u8(json, '}');
    }
    buffer_append_u8(json, ']');
    if (alert->input_total > (int64_t)alert->input_count)
        member_number(json, "inputs_total", alert->input_total);
    buffer_append_u8(json, '}');
}

static void features_write(const struct alert *alert, struct buffer *json)
{
    member_begin(json, "features");
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < alert->feature_count; i++) {
        const struct alert_feature *feature = &alert->features[i];

        buffer_append_string(json, i == 0 ? "{" : ",{");
        member_text(json, "name", feature->name);
        member_text(json, "value", feature->value);
        member_begin(json, "weight");
        buffer_append_format(json, "%.6g}", feature->weight);
    }
    buffer_append_u8(json, ']');
}

static void source_write(const struct alert *alert, struct buffer *json)
{
    member_begin(json, "source");
    buffer_append_u8(json, '{');
    member_text(json, "topic", alert->topic);
    member_number(json, "partition", alert->partition);
    member_number(json, "offset", alert->offset);
    member_known(json, "lsn", alert->lsn > 0, alert->lsn);
    member_known(json, "txId", alert->transaction_id >= 0, alert->transaction_id);
    member_known(json, "committed_us", alert->committed_us != 0, alert->committed_us);
    member_known(json, "received_us", alert->received_us != 0, alert->received_us);
    member_known(json, "appended_us", alert->appended_us != 0, alert->appended_us);
    member_known(json, "durable_us", alert->durable_us != 0, alert->durable_us);
    member_known(json, "published_us", alert->published_us != 0, alert->published_us);
    member_known(json, "read_us", alert->read_us != 0, alert->read_us);
    member_known(json, "scored_us", alert->scored_us != 0, alert->scored_us);
    if (alert->traceparent != NULL)
        member_text(json, "traceparent", alert->traceparent);
    if (alert->tracestate != NULL)
        member_text(json, "tracestate", alert->tracestate);
    buffer_append_u8(json, '}');
}

void alert_write(const struct alert *alert, struct buffer *json)
{
    buffer_append_u8(json, '{');
    member_text(json, "id", alert->id);
    member_text(json, "agent", alert->agent);
    member_text(json, "rule", alert->rule);
    member_number(json, "rule_version", alert->rule_version);
    member_text(json, "severity", alert->severity);
    member_text(json, "subject", alert->subject);
    member_text(json, "title", alert->title);
    member_text(json, "key", alert->key);
    member_text(json, "number", alert->number);
    member_text(json, "score", alert->score);
    member_text(json, "score_limit", alert->score_limit);
    conditions_write(alert, json);
    window_write(alert, json);
    member_number(json, "folded", alert->folded);
    member_text(json, "model", alert->model);
    if (alert->model != NULL)
        features_write(alert, json);
    source_write(alert, json);
    member_json(json, "row", alert->row);
    if (alert->judged_us != 0) {
        member_begin(json, "judged");
        buffer_append_u8(json, '{');
        member_number(json, "at_us", alert->judged_us);
        member_json(json, "settings", alert->settings);
        member_text(json, "state", alert->state);
        buffer_append_u8(json, '}');
    }
    if (alert->todo != NULL) {
        member_begin(json, "problem");
        buffer_append_u8(json, '{');
        member_text(json, "why", alert->why);
        member_text(json, "todo", alert->todo);
        member_json(json, "closed", alert->closed ? "true" : "false");
        buffer_append_u8(json, '}');
    }
    buffer_append_u8(json, '}');
}

/* ---- Reading ---- */

static const char *text_of(struct slice object, const char *name, struct arena *arena)
{
    struct slice text = json_member_text(object, name, arena);

    return slice_is_null(text) ? NULL : arena_copy_string(arena, text);
}

static const char *json_of(struct slice object, const char *name, struct arena *arena)
{
    struct slice value = json_scan_member(object, name);

    return slice_is_null(value) || slice_equal_string(value, "null") ? NULL : arena_copy_string(arena, value);
}

static void conditions_read(struct slice list, struct arena *arena, struct alert *alert)
{
    struct json_scan in = json_scan_of(list);
    bool first = true;

    json_open(&in, '[');
    while (json_next(&in, ']', &first) && alert->condition_count < ALERT_CONDITIONS_MAX) {
        struct slice item = json_skip(&in);
        struct alert_condition *condition = &alert->conditions[alert->condition_count++];

        condition->text = text_of(item, "text", arena);
        condition->was = text_of(item, "was", arena);
        condition->limit = text_of(item, "limit", arena);
        condition->points = (int32_t)json_member_integer(item, "points", 0);
        condition->held = slice_equal_string(json_scan_member(item, "held"), "true");
    }
}

static void inputs_read(struct slice list, struct arena *arena, struct alert *alert)
{
    struct json_scan in = json_scan_of(list);
    bool first = true;

    json_open(&in, '[');
    while (json_next(&in, ']', &first) && alert->input_count < ALERT_INPUTS_MAX) {
        struct slice item = json_skip(&in);
        struct alert_input *input = &alert->inputs[alert->input_count++];

        input->partition = (int32_t)json_member_integer(item, "partition", -1);
        input->offset = json_member_integer(item, "offset", 0);
        input->time_us = json_member_integer(item, "at_us", 0);
        input->number = text_of(item, "number", arena);
    }
}

static void features_read(struct slice list, struct arena *arena, struct alert *alert)
{
    struct json_scan in = json_scan_of(list);
    struct alert_feature *features = arena_new_array(arena, ALERT_FEATURES_MAX, sizeof(*features));
    bool first = true;

    json_open(&in, '[');
    while (json_next(&in, ']', &first) && alert->feature_count < ALERT_FEATURES_MAX) {
        struct slice item = json_skip(&in);
        struct alert_feature *feature = &features[alert->feature_count++];

        *feature = (struct alert_feature){.name = text_of(item, "name", arena), .value = text_of(item, "value", arena)};
        (void)text_parse_double(json_scan_member(item, "weight"), &feature->weight);
    }
    alert->features = features;
}

enum status alert_read(struct slice json, struct arena *arena, struct alert *alert, struct error *error)
{
    struct json_scan in = json_scan_of(json);
    struct slice window = json_scan_member(json, "window");
    struct slice source = json_scan_member(json, "source");
    struct slice judged = json_scan_member(json, "judged"), problem = json_scan_member(json, "problem");

    *alert = (struct alert){.lsn = -1, .transaction_id = -1};
    if (json_peek(&in) == JSON_OBJECT)
        (void)json_skip(&in);
    if (json_scan_position(&in) == 0 || in.failed != NULL)
        return error_set(error, ERROR_BAD_INPUT, "not an alert: expected %s at byte %zu", in.failed == NULL ? "an object" : in.failed,
                         json_scan_position(&in));
    alert->id = text_of(json, "id", arena);
    alert->agent = text_of(json, "agent", arena);
    if (alert->id == NULL || alert->agent == NULL)
        return error_set(error, ERROR_BAD_INPUT, "not an alert: it has no \"id\" or no \"agent\"");
    alert->rule = text_of(json, "rule", arena);
    alert->rule_version = (int32_t)json_member_integer(json, "rule_version", 0);
    alert->severity = text_of(json, "severity", arena);
    alert->subject = text_of(json, "subject", arena);
    alert->title = text_of(json, "title", arena);
    alert->key = text_of(json, "key", arena);
    alert->number = text_of(json, "number", arena);
    alert->score = text_of(json, "score", arena);
    alert->score_limit = text_of(json, "score_limit", arena);
    alert->folded = json_member_integer(json, "folded", 0);
    alert->model = text_of(json, "model", arena);
    if (alert->model != NULL)
        features_read(json_scan_member(json, "features"), arena, alert);
    conditions_read(json_scan_member(json, "conditions"), arena, alert);
    alert->window_from_us = json_member_integer(window, "from_us", 0);
    alert->window_to_us = json_member_integer(window, "to_us", 0);
    alert->window_by = text_of(window, "by", arena);
    inputs_read(json_scan_member(window, "inputs"), arena, alert);
    alert->input_total = json_member_integer(window, "inputs_total", 0);
    alert->topic = text_of(source, "topic", arena);
    alert->partition = (int32_t)json_member_integer(source, "partition", 0);
    alert->offset = json_member_integer(source, "offset", 0);
    alert->lsn = json_member_integer(source, "lsn", -1);
    alert->transaction_id = json_member_integer(source, "txId", -1);
    alert->committed_us = json_member_integer(source, "committed_us", 0);
    alert->received_us = json_member_integer(source, "received_us", 0);
    alert->appended_us = json_member_integer(source, "appended_us", 0);
    alert->durable_us = json_member_integer(source, "durable_us", 0);
    alert->published_us = json_member_integer(source, "published_us", 0);
    alert->read_us = json_member_integer(source, "read_us", 0);
    alert->scored_us = json_member_integer(source, "scored_us", 0);
    alert->traceparent = text_of(source, "traceparent", arena);
    alert->tracestate = text_of(source, "tracestate", arena);
    alert->row = json_of(json, "row", arena);
    alert->judged_us = json_member_integer(judged, "at_us", 0);
    alert->settings = json_of(judged, "settings", arena);
    alert->state = text_of(judged, "state", arena);
    alert->why = text_of(problem, "why", arena);
    alert->todo = text_of(problem, "todo", arena);
    alert->closed = slice_equal_string(json_scan_member(problem, "closed"), "true");
    return OK;
}
