#include "wire/debezium/transform.h"

#include "base/banned.h"
#include "base/text.h"
#include "wire/json/number.h"
#include "wire/json/scan.h"
#include "wire/json/text.h"

/* io.debezium.transforms.outbox.EventRouter: the rows of an outbox table become the messages they describe. */

enum placement { PLACE_HEADER, PLACE_ENVELOPE, PLACE_PARTITION };

struct additional {
    const char *field, *alias;
    enum placement placement;
};

struct outbox {
    const char *id, *key, *payload, *timestamp, *schema_version, *route;
    struct replacer *topic;
    struct additional *additional;
    size_t additional_count;
    bool ignore_missing, has_envelope;
    bool tombstone_on_empty, expand_json, null_as_bytes;
    bool update_is_fatal;
    const struct connect_schema *string;
};

/* ---- Options ---- */

/* "column:placement" or "column:placement:alias" */
static enum status read_additional(struct transform *self, struct outbox *state, const char *text, struct error *error)
{
    struct additional *additional = &state->additional[state->additional_count];
    struct slice rest = slice_from_string(text), field, placement = slice_null(), alias = slice_null();

    if (!text_next_field(&rest, ':', &field) || !text_next_field(&rest, ':', &placement))
        return error_set(error, ERROR_BAD_INPUT, "table.fields.additional.placement: '%s' has no placement", text);
    (void)text_next_field(&rest, ':', &alias);
    placement = text_trim(placement);
    if (placement.size == 6 && strncasecmp((const char *)placement.data, "header", 6) == 0)
        additional->placement = PLACE_HEADER;
    else if (placement.size == 8 && strncasecmp((const char *)placement.data, "envelope", 8) == 0)
        additional->placement = PLACE_ENVELOPE;
    else if (placement.size == 9 && strncasecmp((const char *)placement.data, "partition", 9) == 0)
        additional->placement = PLACE_PARTITION;
    else
        return error_set(error, ERROR_BAD_INPUT, "table.fields.additional.placement: '%s' is none of header, envelope, partition", text);
    additional->field = arena_copy_string(self->arena, text_trim(field));
    additional->alias = alias.data == NULL ? additional->field : arena_copy_string(self->arena, text_trim(alias));
    state->has_envelope = state->has_envelope || additional->placement == PLACE_ENVELOPE;
    state->additional_count++;
    return OK;
}

static enum status outbox_create(struct transform *self, struct error *error)
{
    struct outbox *state = arena_new(self->arena, sizeof(*state));
    const char **additional = transform_option_list(self, "table.fields.additional.placement");
    size_t count = 0;
    enum status status = OK;

    self->state = state;
    state->id = transform_option_or(self, "table.field.event.id", "id");
    state->key = transform_option_or(self, "table.field.event.key", "aggregateid");
    state->payload = transform_option_or(self, "table.field.event.payload", "payload");
    state->timestamp = transform_option(self, "table.field.event.timestamp");
    state->schema_version = transform_option(self, "table.field.event.schema.version");
    state->route = transform_option_or(self, "route.by.field", "aggregatetype");
    state->ignore_missing = strcasecmp(transform_option_or(self, "table.field.additional.missing", "error"), "ignore") == 0;
    state->tombstone_on_empty = transform_option_bool(self, "route.tombstone.on.empty.payload", false);
    state->expand_json = transform_option_bool(self, "table.expand.json.payload", false);
    state->null_as_bytes = strcasecmp(transform_option_or(self, "table.json.payload.null.behavior", "ignore"), "optional_bytes") == 0;
    state->update_is_fatal = strcasecmp(transform_option_or(self, "table.op.invalid.behavior", "warn"), "fatal") == 0;
    state->string = schema_create(self->arena, CONNECT_STRING);
    while (additional[count] != NULL)
        count++;
    state->additional = arena_new_array(self->arena, count + 1, sizeof(*state->additional));
    for (size_t i = 0; i < count && status == OK; i++)
        status = read_additional(self, state, additional[i], error);
    if (status == OK)
        status =
            replacer_create(transform_option_or(self, "route.topic.regex", "(?<routedByValue>.*)"),
                            transform_option_or(self, "route.topic.replacement", "outbox.event.${routedByValue}"), &state->topic, error);
    return status;
}

static void outbox_destroy(struct transform *self)
{
    replacer_destroy(((struct outbox *)self->state)->topic);
}

/* ---- JSON that is expanded: a schema from what it looks like ---- */

/* Schemas and values of one payload; they live as long as its record, so they get no id. */
static struct connect_schema *fresh(struct transform_run *run, enum connect_type type)
{
    struct connect_schema *schema = schema_create(run->arena, type);

    schema->id = 0;
    schema->optional = true;
    return schema;
}

static bool is_whole_number(struct slice number)
{
    for (size_t i = 0; i < number.size; i++) {
        if (number.data[i] == '.' || number.data[i] == 'e' || number.data[i] == 'E')
            return false;
    }
    return true;
}

static struct connect_schema *number_schema(struct transform_run *run, struct slice number)
{
    int64_t whole;

    if (!is_whole_number(number) || !text_parse_int64(number, &whole))
        return fresh(run, CONNECT_FLOAT64);
    return fresh(run, whole >= INT32_MIN && whole <= INT32_MAX ? CONNECT_INT32 : CONNECT_INT64);
}

static bool value_schema(struct transform_run *run, const struct outbox *state, const char *key, struct slice json,
                         struct connect_schema **schema);

static bool object_schema(struct transform_run *run, const struct outbox *state, const char *key, struct slice json,
                          struct connect_schema **schema)
{
    struct json_scan in = json_scan_of(json);
    bool first = true;

    *schema = fresh(run, CONNECT_STRUCT);
    (*schema)->name = key;
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        struct slice raw = json_name(&in), value = json_skip(&in);
        struct buffer plain;
        struct connect_schema *field;
        const char *name;
        bool good;

        buffer_init(&plain, 1 << 20);
        good = in.failed == NULL && json_unescape(&plain, raw);
        name = plain.size == 0 ? "" : arena_copy_string(run->arena, buffer_slice(&plain));
        buffer_finish(&plain);
        if (!good ||
            !value_schema(run, state, key == NULL || *key == 0 ? name : arena_format(run->arena, "%s.%s", key, name), value, &field))
            return false;
        if (field != NULL && schema_field(*schema, name) == NULL)
            schema_add_field(run->arena, *schema, name, field);
    }
    return in.failed == NULL;
}

/* Fields that only one of two objects has are taken from it; bytes (a null) give way to something better. */
static struct connect_schema *merge(struct transform_run *run, struct connect_schema *left, struct connect_schema *right)
{
    if (left == NULL)
        return right;
    for (size_t i = 0; i < right->field_count; i++) {
        const struct connect_field *field = &right->fields[i], *old = schema_field(left, field->name);

        if (old == NULL)
            schema_add_field(run->arena, left, field->name, field->schema);
        else if (old->schema->type == CONNECT_BYTES && field->schema->type != CONNECT_BYTES)
            left->fields[old - left->fields].schema = field->schema;
    }
    return left;
}

/* All elements have to be of one kind, numbers of one type. *schema is NULL for an empty array: the field is left out. */
static bool array_schema(struct transform_run *run, const struct outbox *state, const char *key, struct slice json,
                         struct connect_schema **schema)
{
    struct json_scan in = json_scan_of(json);
    struct connect_schema *items = NULL, *item;
    enum json_kind kind = JSON_NONE;
    bool first = true, empty = true;

    *schema = NULL;
    json_open(&in, '[');
    while (json_next(&in, ']', &first)) {
        enum json_kind next = json_peek(&in);
        struct slice element = json_skip(&in);

        empty = false;
        next = next == JSON_FALSE ? JSON_TRUE : next;
        if (next == JSON_NULL || in.failed != NULL)
            continue;
        if (kind != JSON_NONE && next != kind)
            return false;
        kind = next;
        if (!value_schema(run, state, next == JSON_OBJECT ? key : NULL, element, &item) || item == NULL)
            return false;
        if (kind == JSON_NUMBER && items != NULL && items->type != item->type)
            return false;
        items = kind == JSON_OBJECT ? merge(run, items, item) : items == NULL ? item : items;
    }
    if (in.failed != NULL || (items == NULL && !empty))
        return false;
    if (items != NULL) {
        *schema = fresh(run, CONNECT_ARRAY);
        (*schema)->items = items;
    }
    return true;
}

/* False: Debezium's expansion fails. *schema NULL: the field is left out. */
static bool value_schema(struct transform_run *run, const struct outbox *state, const char *key, struct slice json,
                         struct connect_schema **schema)
{
    struct json_scan in = json_scan_of(json);

    *schema = NULL;
    switch (json_peek(&in)) {
    case JSON_STRING: *schema = fresh(run, CONNECT_STRING); return true;
    case JSON_TRUE:
    case JSON_FALSE: *schema = fresh(run, CONNECT_BOOLEAN); return true;
    case JSON_NUMBER: *schema = number_schema(run, json); return true;
    case JSON_ARRAY: return array_schema(run, state, key, json, schema);
    case JSON_OBJECT: return object_schema(run, state, key, json, schema);
    case JSON_NULL:
        if (state->null_as_bytes)
            *schema = fresh(run, CONNECT_BYTES);
        return true;
    default: return false;
    }
}

static bool append_expanded(struct transform_run *run, const struct connect_schema *schema, struct slice json, struct buffer *out);

static struct slice member(struct slice object, const char *name)
{
    struct json_scan in = json_scan_of(object);
    struct slice found = slice_null();
    struct buffer plain;
    bool first = true;

    buffer_init(&plain, 1 << 20);
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        struct slice raw = json_name(&in), value = json_skip(&in);

        buffer_reset(&plain);
        if (json_unescape(&plain, raw) && slice_equal_string(plain.data == NULL ? slice_from_string("") : buffer_slice(&plain), name))
            found = value; /* the last of several counts */
    }
    buffer_finish(&plain);
    return found;
}

static bool append_expanded_array(struct transform_run *run, const struct connect_schema *schema, struct slice json, struct buffer *out)
{
    struct json_scan in = json_scan_of(json);
    bool first = true, good = true, any = false;

    json_open(&in, '[');
    buffer_append_u8(out, '[');
    while (good && json_next(&in, ']', &first)) {
        struct slice element = json_skip(&in);

        if (any)
            buffer_append_u8(out, ',');
        any = true;
        good = in.failed == NULL && append_expanded(run, schema->items, element, out);
    }
    buffer_append_u8(out, ']');
    return good && in.failed == NULL;
}

/* Writes a text anew, the way Jackson writes it: escapes, and numbers as Java prints them. */
static bool append_expanded_scalar(const struct connect_schema *schema, struct slice json, struct buffer *out)
{
    struct buffer plain;
    bool good;

    if (schema->type == CONNECT_STRING) {
        buffer_init(&plain, SIZE_MAX / 4);
        good = json.size >= 2 && json_unescape(&plain, slice_of(json.data + 1, json.size - 2));
        json_append_string(out, plain.data == NULL ? slice_from_string("") : buffer_slice(&plain));
        buffer_finish(&plain);
        return good;
    }
    if (schema->type == CONNECT_FLOAT64)
        return !is_whole_number(json) && number_append_double_text(out, json); /* a whole number past 64 bits does not fit */
    buffer_append_slice(out, json);
    return true;
}

static bool append_expanded(struct transform_run *run, const struct connect_schema *schema, struct slice json, struct buffer *out)
{
    struct json_scan in = json_scan_of(json);
    bool good = true;

    if (json.data == NULL || json_peek(&in) == JSON_NULL) {
        buffer_append_string(out, "null");
        return true;
    }
    if (schema->type == CONNECT_ARRAY)
        return append_expanded_array(run, schema, json, out);
    if (schema->type != CONNECT_STRUCT)
        return append_expanded_scalar(schema, json, out);
    buffer_append_u8(out, '{');
    for (size_t i = 0; i < schema->field_count && good; i++) {
        if (i > 0)
            buffer_append_u8(out, ',');
        json_append_string(out, slice_from_string(schema->fields[i].name));
        buffer_append_u8(out, ':');
        good = append_expanded(run, schema->fields[i].schema, member(json, schema->fields[i].name), out);
    }
    buffer_append_u8(out, '}');
    return good;
}

/* A JSON object in a string becomes a struct. What cannot be expanded stays the string that it is. */
static void expand(struct transform_run *run, const struct outbox *state, struct connect_value *payload)
{
    struct connect_schema *schema;
    struct buffer json;
    struct slice text;

    if (!connect_value_text(run, payload, &text) || text.size == 0 || text.data[0] != '{' ||
        !value_schema(run, state, state->payload, text, &schema) || schema == NULL)
        return;
    buffer_init(&json, SIZE_MAX / 4);
    if (append_expanded(run, schema, text, &json) && !json.failed)
        *payload = (struct connect_value){.schema = schema, .json = arena_copy(run->arena, buffer_slice(&json))};
    buffer_finish(&json);
}

/* ---- Events ---- */

static enum status field_of(struct transform *self, const struct connect_value *event, const char *name, struct connect_value *field,
                            struct error *error)
{
    size_t index = value_field_index(event, name);

    if (index == SIZE_MAX)
        return error_set(error, ERROR_BAD_INPUT, "Unable to find field %s in event", name);
    *field = value_field(self, event, index);
    return OK;
}

/* The time of the event in its column, in the unit of the column's schema; else that of the envelope. */
static enum status event_time(struct transform *self, const struct connect_value *envelope, const struct connect_value *event,
                              int64_t *time_ms, struct error *error)
{
    static const struct {
        const char *name;
        int64_t divisor;
    } units[] = {{"io.debezium.time.Timestamp", 1}, {"io.debezium.time.MicroTimestamp", 1000}, {"io.debezium.time.NanoTimestamp", 1000000}};
    const struct outbox *state = self->state;
    struct connect_value value;
    enum status status = OK;

    if (state->timestamp != NULL)
        status = field_of(self, event, state->timestamp, &value, error);
    if (status != OK)
        return status;
    if (state->timestamp == NULL || value.is_null) {
        size_t index = value_field_index(envelope, "ts_ms");

        *time_ms = -1;
        if (index != SIZE_MAX)
            (void)text_parse_int64(envelope->fields[index].json, time_ms);
        return OK;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(*units) && value.schema->name != NULL; i++) {
        if (strcmp(value.schema->name, units[i].name) == 0 && text_parse_int64(value.json, time_ms)) {
            *time_ms /= units[i].divisor;
            return OK;
        }
    }
    return error_set(error, ERROR_BAD_INPUT, "Unsupported field type %s for event timestamp",
                     value.schema->name == NULL ? "(without logical schema name)" : value.schema->name);
}

/* "P.public.outbox.Value" with the route in front of its last part. */
static const char *value_name(struct transform_run *run, const char *schema_name, const char *route)
{
    const char *dot = schema_name == NULL ? NULL : strrchr(schema_name, '.');

    if (schema_name == NULL)
        return route;
    if (dot == NULL)
        return arena_format(run->arena, "%s.%s", route, schema_name);
    return arena_format(run->arena, "%.*s.%s%s", (int)(dot - schema_name), schema_name, route, dot);
}

static enum status add_headers(struct transform *self, struct transform_run *run, struct connect_record *record,
                               const struct connect_value *event, struct error *error)
{
    const struct outbox *state = self->state;
    struct connect_value value;
    enum status status = field_of(self, event, state->id, &value, error);

    if (status == OK)
        status = record_add_header(run, record, "id", &value, error);
    for (size_t i = 0; i < state->additional_count && status == OK; i++) {
        const struct additional *additional = &state->additional[i];
        int32_t partition;

        if (additional->placement == PLACE_ENVELOPE || (state->ignore_missing && value_field_index(event, additional->field) == SIZE_MAX))
            continue;
        status = field_of(self, event, additional->field, &value, error);
        if (status == OK && additional->placement == PLACE_HEADER)
            status = record_add_header(run, record, additional->alias, &value, error);
        else if (status == OK && text_parse_int32(value.json, &partition))
            record->partition = partition;
    }
    return status;
}

/* payload and the additional fields of the envelope, in a struct of their own. */
static enum status build_value(struct transform *self, struct transform_run *run, const struct connect_value *event,
                               const struct connect_value *payload, const char *route, struct connect_value *built, struct error *error)
{
    const struct outbox *state = self->state;
    struct connect_schema *schema = fresh(run, CONNECT_STRUCT);
    struct connect_value *fields = arena_new_array(run->arena, state->additional_count + 1, sizeof(*fields));
    enum status status = OK;
    int32_t version;

    schema->optional = false;
    schema->name = value_name(run, event->schema->name, route);
    if (state->schema_version != NULL) {
        struct connect_value value;

        status = field_of(self, event, state->schema_version, &value, error);
        if (status == OK && text_parse_int32(value.json, &version))
            schema->version = version;
    }
    schema_add_field(run->arena, schema, "payload", payload->schema);
    fields[0] = *payload;
    for (size_t i = 0; i < state->additional_count && status == OK; i++) {
        const struct additional *additional = &state->additional[i];

        if (additional->placement != PLACE_ENVELOPE || (state->ignore_missing && value_field_index(event, additional->field) == SIZE_MAX))
            continue;
        status = field_of(self, event, additional->field, &fields[schema->field_count], error);
        if (status == OK)
            schema_add_field(run->arena, schema, additional->alias, fields[schema->field_count].schema);
    }
    *built = (struct connect_value){.schema = schema, .fields = fields};
    return status;
}

static bool is_empty(struct transform_run *run, const struct connect_value *payload)
{
    struct slice text;

    return payload->is_null || (connect_value_text(run, payload, &text) && text_trim(text).size == 0);
}

static enum status route_event(struct transform *self, struct transform_run *run, struct connect_record *record,
                               struct connect_value *event, struct error *error)
{
    const struct outbox *state = self->state;
    struct connect_value payload, route, key, value;
    struct slice routed;
    const char *topic;
    enum status status = field_of(self, event, state->payload, &payload, error);

    if (status == OK)
        status = field_of(self, event, state->route, &route, error);
    if (status == OK)
        status = field_of(self, event, state->key, &key, error);
    if (status == OK)
        status = event_time(self, &record->value, event, &record->timestamp_ms, error);
    if (status == OK)
        status = add_headers(self, run, record, event, error);
    if (status != OK)
        return status;
    if (!connect_value_text(run, &route, &routed))
        return error_set(error, ERROR_BAD_INPUT, "%s has to be a string: it becomes part of the topic", state->route);
    if (state->expand_json)
        expand(run, state, &payload);
    topic = arena_copy_string(run->arena, routed);
    if (is_empty(run, &payload) && state->tombstone_on_empty)
        value = value_null(NULL);
    else if (state->has_envelope)
        status = build_value(self, run, event, &payload, topic, &value, error);
    else
        value = payload;
    if (status != OK)
        return status;
    record->value = value;
    record->key = key;
    record->topic = replacer_apply(state->topic, run->arena, topic);
    if (record->topic == NULL)
        record->topic = topic;
    return OK;
}

static enum status outbox_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct outbox *state = self->state;
    struct connect_value *operation, *after;
    enum status status;

    if (record->value.is_null) {
        record->dropped = true;
        return OK;
    }
    if (!schema_is_envelope(record->value.schema))
        return OK;
    status = value_open(run, self, &record->value, error);
    if (status != OK)
        return status;
    operation = &record->value.fields[value_field_index(&record->value, "op")];
    after = &record->value.fields[value_field_index(&record->value, "after")];
    record->dropped = slice_equal_string(operation->json, "\"d\"") || slice_equal_string(operation->json, "\"u\"");
    if (slice_equal_string(operation->json, "\"u\"") && state->update_is_fatal)
        return error_set(error, ERROR_BAD_INPUT, "Unexpected update message received, fail.");
    if (record->dropped)
        return OK;
    status = value_open(run, self, after, error);
    return status == OK ? route_event(self, run, record, after, error) : status;
}

const struct transform_class transform_outbox = {"io.debezium.transforms.outbox.EventRouter", false, outbox_create, outbox_apply,
                                                 outbox_destroy};
