#include "wire/debezium/encoder.h"

#include "base/banned.h"
#include "base/memory.h"
#include "wire/json/number.h"
#include "wire/json/text.h"

#define ENCODER_BLOCK_BYTES 4096

/* ---- Encoder ---- */

static void append_header_entry(struct buffer *out, const char *name, struct slice value)
{
    buffer_append_varint(out, (int64_t)strlen(name));
    buffer_append_string(out, name);
    buffer_append_varint(out, (int64_t)value.size);
    buffer_append_slice(out, value);
}

static void init_headers(struct debezium_encoder *encoder, const char *run_id)
{
    const struct {
        const char *name, *value;
    } entries[] = {{"__debezium.context.connectorLogicalName", encoder->config->prefix},
                   {"__debezium.context.taskId", "0"},
                   {"__debezium.context.connectorName", "postgresql"},
                   {"__debezium.context.runId", run_id}};
    struct buffer text;

    buffer_init(&text, RECORD_BYTES_MAX);
    encoder->context_header_count = encoder->config->extended_headers ? sizeof(entries) / sizeof(*entries) : 0;
    for (size_t i = 0; i < encoder->context_header_count; i++)
        append_header_entry(&text, entries[i].name, slice_from_string(entries[i].value));
    encoder->context_headers = text.data == NULL ? slice_from_string("") : arena_copy(&encoder->arena, buffer_slice(&text));
    buffer_reset(&text);
    buffer_append_varint(&text, (int64_t)encoder->context_header_count);
    buffer_append_slice(&text, encoder->context_headers);
    encoder->plain_headers = arena_copy(&encoder->arena, buffer_slice(&text));
    buffer_finish(&text);
    encoder->no_headers = slice_of("", 1); /* a count of 0 */
}

struct debezium_encoder *debezium_encoder_create(const struct debezium_config *config, const char *run_id)
{
    struct debezium_encoder *encoder = memory_new(sizeof(*encoder));

    encoder->config = config;
    arena_init(&encoder->arena, ENCODER_BLOCK_BYTES);
    value_scratch_init(&encoder->scratch);
    buffer_init(&encoder->keys, RECORD_BYTES_MAX);
    buffer_init(&encoder->bodies, RECORD_BYTES_MAX);
    buffer_init(&encoder->headers, RECORD_BYTES_MAX);
    buffer_init(&encoder->spare, RECORD_BYTES_MAX);
    map_init(&encoder->heads);
    arena_init(&encoder->record_arena, ENCODER_BLOCK_BYTES);
    buffer_init(&encoder->out_keys, RECORD_BYTES_MAX);
    buffer_init(&encoder->out_bodies, RECORD_BYTES_MAX);
    buffer_init(&encoder->out_headers, RECORD_BYTES_MAX);
    encoder->key_converter = config->key_converter;
    encoder->value_converter = config->value_converter;
    if (transform_chain_create(&config->transforms, &encoder->chain, NULL) == OK && encoder->chain != NULL) {
        encoder->key_converter.replace_null_with_default = encoder->value_converter.replace_null_with_default = false;
        encoder->key_converter.keep_nulls = encoder->value_converter.keep_nulls = true;
    }
    init_headers(encoder, run_id);
    control_init(encoder);
    return encoder;
}

void debezium_encoder_destroy(struct debezium_encoder *encoder)
{
    if (encoder == NULL)
        return;
    control_finish(encoder);
    transform_chain_destroy(encoder->chain);
    map_finish(&encoder->heads);
    arena_finish(&encoder->record_arena);
    buffer_finish(&encoder->out_keys);
    buffer_finish(&encoder->out_bodies);
    buffer_finish(&encoder->out_headers);
    value_scratch_finish(&encoder->scratch);
    buffer_finish(&encoder->keys);
    buffer_finish(&encoder->bodies);
    buffer_finish(&encoder->headers);
    buffer_finish(&encoder->spare);
    arena_finish(&encoder->arena);
    memory_free(encoder);
}

struct debezium_failures debezium_encoder_take_failures(struct debezium_encoder *encoder)
{
    struct debezium_failures taken = encoder->failures;

    encoder->failures = (struct debezium_failures){0};
    return taken;
}

static void note_failure(struct debezium_encoder *encoder, const struct debezium_plan *plan, const struct debezium_column *column)
{
    const char *names[] = {plan->schema, plan->table, column->name};
    struct debezium_failures *failures = &encoder->failures;

    if (failures->count++ > 0)
        return;
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(encoder->failed_names[i], sizeof(encoder->failed_names[i]), "%s", names[i]);
    failures->schema = encoder->failed_names[0];
    failures->table = encoder->failed_names[1];
    failures->column = encoder->failed_names[2];
}

/* ---- Drafts ---- */

void encoder_begin(struct debezium_encoder *encoder)
{
    buffer_reset(&encoder->keys);
    buffer_reset(&encoder->bodies);
    buffer_reset(&encoder->headers);
    encoder->draft_count = 0;
}

struct record_draft *encoder_draft(struct debezium_encoder *encoder, const char *topic)
{
    struct record_draft *draft = &encoder->drafts[encoder->draft_count++];

    *draft = (struct record_draft){.topic = topic,
                                   .partition = -1,
                                   .key_at = encoder->keys.size,
                                   .body_at = encoder->bodies.size,
                                   .headers_at = encoder->headers.size};
    return draft;
}

void draft_end_key(struct debezium_encoder *encoder, struct record_draft *draft)
{
    draft->has_key = true;
    draft->key_size = encoder->keys.size - draft->key_at;
}

void draft_end_value(struct debezium_encoder *encoder, struct record_draft *draft)
{
    draft->has_value = true;
    draft->body_size = encoder->bodies.size - draft->body_at;
}

enum status encoder_finish(struct debezium_encoder *encoder, struct debezium_output *output, struct error *error)
{
    if (encoder->keys.failed || encoder->bodies.failed || encoder->headers.failed)
        return error_set(error, ERROR_LIMIT, "a record is larger than %d bytes", RECORD_BYTES_MAX);
    if (encoder->chain != NULL)
        return encoder_transform(encoder, output, error);
    for (size_t i = 0; i < encoder->draft_count; i++) {
        const struct record_draft *draft = &encoder->drafts[i];
        struct debezium_record *record = &output->records[i];

        *record = (struct debezium_record){
            .topic = draft->topic, .partition = draft->partition, .timestamp_ms = -1, .headers = encoder->plain_headers};
        if (draft->has_key)
            record->key = slice_of(encoder->keys.data + draft->key_at, draft->key_size);
        if (draft->has_value) {
            record->value_head = draft->value_head;
            record->value_body = slice_of(encoder->bodies.data + draft->body_at, draft->body_size);
        }
        if (draft->own_headers)
            record->headers =
                draft->headers_size == 0 ? encoder->no_headers : slice_of(encoder->headers.data + draft->headers_at, draft->headers_size);
    }
    output->count = encoder->draft_count;
    return OK;
}

/* ---- Rows ---- */

/* A row, and the old row that knows the values which the server did not send again. */
struct row_view {
    const struct pg_row *row;
    const struct pg_row *known;
};

static const struct pg_value *view_value(const struct row_view *view, size_t index)
{
    const struct pg_value *value = &view->row->values[index];

    if (value->kind == PG_VALUE_UNCHANGED && view->known != NULL && view->known->values[index].kind == PG_VALUE_TEXT)
        return &view->known->values[index];
    return value;
}

static enum status stop_for_null(const struct debezium_plan *plan, const struct debezium_column *column, struct error *error)
{
    return error_set(error, ERROR_BAD_INPUT,
                     "table %s, column %s: null used for required field: there is no value, and Debezium has no stand-in for its type",
                     plan->collection, column->name);
}

static enum status stop_for_conversion(const struct debezium_plan *plan, const struct debezium_column *column, struct error *error)
{
    return error_set(error, ERROR_BAD_INPUT,
                     "table %s, column %s: a value could not be converted (event.converting.failure.handling.mode=fail)", plan->collection,
                     column->name);
}

/* Everything but a text that is converted at once. */
static enum status append_stand_in(struct debezium_encoder *encoder, const struct debezium_plan *plan, const struct debezium_column *column,
                                   enum pg_value_kind kind, struct buffer *out, struct error *error)
{
    bool failed = kind == PG_VALUE_TEXT || (kind == PG_VALUE_UNCHANGED && column->unchanged_fails);
    struct slice json = kind == PG_VALUE_NULL        ? column->null_json
                        : kind == PG_VALUE_UNCHANGED ? column->unchanged_json
                                                     : column->failed_json;

    if (failed)
        note_failure(encoder, plan, column);
    if (failed && encoder->config->conversion_failure == FAILURE_FAIL)
        return stop_for_conversion(plan, column, error);
    if (json.data == NULL)
        return stop_for_null(plan, column, error);
    buffer_append_slice(out, json);
    return OK;
}

/* {"id":1,"name":"x"} */
static enum status append_struct(struct debezium_encoder *encoder, const struct debezium_plan *plan, const struct struct_layout *layout,
                                 const struct row_view *view, struct buffer *out, struct error *error)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct debezium_column *column = &layout->columns[i];
        const struct pg_value *value = view_value(view, column->index);
        enum pg_value_kind kind = column->always_null ? PG_VALUE_NULL : value->kind;
        size_t before;
        enum status status;

        buffer_append_slice(out, layout->labels[i]);
        before = out->size;
        if (kind == PG_VALUE_TEXT && column->encoder->encode(column->encoder, value->text, out))
            continue;
        out->size = before;
        status = append_stand_in(encoder, plan, column, kind, out, error);
        if (status != OK)
            return status;
    }
    if (layout->count == 0)
        buffer_append_u8(out, '{');
    buffer_append_u8(out, '}');
    return OK;
}

static enum status append_row_or_null(struct debezium_encoder *encoder, const struct debezium_plan *plan, const struct row_view *view,
                                      struct error *error)
{
    if (view->row != NULL)
        return append_struct(encoder, plan, &plan->row, view, &encoder->bodies, error);
    buffer_append(&encoder->bodies, "null", 4);
    return OK;
}

/* ---- Keys ---- */

static enum status draft_key(struct debezium_encoder *encoder, const struct debezium_plan *plan, struct record_draft *draft,
                             const struct row_view *view, struct error *error)
{
    enum status status;

    if (!plan->has_key)
        return OK;
    draft->key_schema = plan->key_schema;
    draft->key_head_size = plan->key_head.size;
    buffer_append_slice(&encoder->keys, plan->key_head);
    status = append_struct(encoder, plan, &plan->key, view, &encoder->keys, error);
    buffer_append_slice(&encoder->keys, plan->key_tail);
    draft_end_key(encoder, draft);
    return status;
}

static bool values_equal(const struct pg_value *a, const struct pg_value *b)
{
    return a->kind == b->kind && (a->kind != PG_VALUE_TEXT || slice_equal(a->text, b->text));
}

/* Did the key change? Decided by the texts where they are the same, else by what they are converted to. */
static enum status key_changed(struct debezium_encoder *encoder, const struct debezium_plan *plan, const struct row_view *old,
                               const struct row_view *new, bool *changed, struct error *error)
{
    struct buffer *spare = &encoder->spare;
    enum status status;
    size_t middle;

    *changed = false;
    for (size_t i = 0; i < plan->key.count && !*changed; i++)
        *changed = !values_equal(view_value(old, plan->key.columns[i].index), view_value(new, plan->key.columns[i].index));
    if (!*changed)
        return OK;
    buffer_reset(spare);
    status = append_struct(encoder, plan, &plan->key, old, spare, error);
    middle = spare->size;
    if (status == OK)
        status = append_struct(encoder, plan, &plan->key, new, spare, error);
    *changed = status == OK && !(spare->size == 2 * middle && memcmp(spare->data, spare->data + middle, middle) == 0);
    return status;
}

/* Headers of a record that a change of the key made: one more in front of the usual ones. */
static enum status draft_key_header(struct debezium_encoder *encoder, const struct debezium_plan *plan, struct record_draft *draft,
                                    const char *name, const struct row_view *view, struct error *error)
{
    struct buffer *json = &encoder->spare, *header = &encoder->scratch.inner;
    enum status status;

    buffer_reset(json);
    status = append_struct(encoder, plan, &plan->key, view, json, error);
    if (status != OK)
        return status;
    buffer_reset(header);
    if (!header_append_value(&encoder->scratch, plan->key_schema, buffer_slice(json), header))
        return error_set(error, ERROR_BUG, "table %s: the key does not read back", plan->collection);
    draft->own_headers = true;
    buffer_append_varint(&encoder->headers, (int64_t)encoder->context_header_count + 1);
    append_header_entry(&encoder->headers, name, buffer_slice(header));
    buffer_append_slice(&encoder->headers, encoder->context_headers);
    draft->headers_size = encoder->headers.size - draft->headers_at;
    return OK;
}

/* ---- Envelopes ---- */

/* ,"ts_ms":…,"ts_us":…,"ts_ns":… */
static void append_times(struct buffer *out, int64_t now_ns)
{
    static const char ms[] = ",\"ts_ms\":", us[] = ",\"ts_us\":", ns[] = ",\"ts_ns\":";
    const size_t label = sizeof(ms) - 1;
    uint8_t digits[NUMBER_INTEGER_BYTES], *to;

    if (now_ns < INT64_C(1000000000000000000)) { /* before 2001: digits cannot be shared */
        buffer_append_format(out, "%s%lld%s%lld%s%lld", ms, (long long)(now_ns / 1000000), us, (long long)(now_ns / 1000), ns,
                             (long long)now_ns);
        return;
    }
    to = buffer_reserve(out, 3 * (label + DIGITS_NS));
    if (to == NULL)
        return;
    number_write_padded(digits, (uint64_t)now_ns, DIGITS_NS);
    memcpy(to, ms, label);
    memcpy(to + label, digits, DIGITS_NS - 6);
    to += label + DIGITS_NS - 6;
    memcpy(to, us, label);
    memcpy(to + label, digits, DIGITS_NS - 3);
    to += label + DIGITS_NS - 3;
    memcpy(to, ns, label);
    memcpy(to + label, digits, DIGITS_NS);
    out->size += 3 * (label + DIGITS_NS) - 9;
}

#define APPEND_LITERAL(out, text) buffer_append(out, text, sizeof(text) - 1)

/* The value of one record: before, after, and the rest. */
static enum status draft_value(struct debezium_encoder *encoder, struct debezium_plan *plan, struct record_draft *draft, char operation,
                               const struct row_view *before, const struct row_view *after, const struct debezium_event *event,
                               struct error *error)
{
    struct buffer *out = &encoder->bodies;
    enum status status;

    draft->value_head = plan->value_head;
    draft->value_schema = plan->value_schema;
    APPEND_LITERAL(out, "{\"before\":");
    status = append_row_or_null(encoder, plan, before, error);
    if (status != OK)
        return status;
    APPEND_LITERAL(out, ",\"after\":");
    status = append_row_or_null(encoder, plan, after, error);
    if (status != OK)
        return status;
    APPEND_LITERAL(out, ",\"source\":");
    source_block_append(&plan->source, event->source, out);
    APPEND_LITERAL(out, ",\"transaction\":");
    if (encoder->config->transaction_metadata && event->source->snapshot == SNAPSHOT_FALSE)
        transaction_append_block(encoder, plan, event->source, out);
    else
        APPEND_LITERAL(out, "null");
    APPEND_LITERAL(out, ",\"op\":\"");
    buffer_append_u8(out, (uint8_t)operation);
    buffer_append_u8(out, '"');
    append_times(out, event->now_ns);
    buffer_append_u8(out, '}');
    buffer_append_slice(out, plan->value_tail);
    draft_end_value(encoder, draft);
    return OK;
}

static const struct row_view no_row = {NULL, NULL};

/* header: NULL, or the name of the header that holds the key of `header_view`. */
static enum status emit(struct debezium_encoder *encoder, struct debezium_plan *plan, char operation, const struct row_view *key,
                        const struct row_view *before, const struct row_view *after, const struct debezium_event *event, const char *header,
                        const struct row_view *header_view, struct error *error)
{
    struct record_draft *draft = encoder_draft(encoder, plan->topic);
    enum status status = draft_key(encoder, plan, draft, key, error);

    if (status == OK)
        status = draft_value(encoder, plan, draft, operation, before, after, event, error);
    if (status == OK && header != NULL)
        status = draft_key_header(encoder, plan, draft, header, header_view, error);
    return status;
}

/* A delete and the tombstone behind it, which has the same key, if any, and headers. */
static enum status emit_delete(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct row_view *old,
                               const struct debezium_event *event, const char *header, const struct row_view *header_view,
                               struct error *error)
{
    enum status status = emit(encoder, plan, 'd', old, old, &no_row, event, header, header_view, error);

    if (status == OK && encoder->config->tombstones) {
        struct record_draft *tombstone = encoder_draft(encoder, plan->topic);
        const struct record_draft *deletion = tombstone - 1;

        tombstone->has_key = deletion->has_key;
        tombstone->key_schema = deletion->key_schema;
        tombstone->key_head_size = deletion->key_head_size;
        tombstone->key_at = deletion->key_at;
        tombstone->key_size = deletion->key_size;
        tombstone->own_headers = deletion->own_headers;
        tombstone->headers_at = deletion->headers_at;
        tombstone->headers_size = deletion->headers_size;
    }
    return status;
}

/* ---- Operations ---- */

/* Are the included columns the same, as Connect values? Equal JSON is not enough: null and a default may print alike. */
static enum status row_unchanged(struct debezium_encoder *encoder, const struct debezium_plan *plan, const struct row_view *old,
                                 const struct row_view *new, bool *unchanged, struct error *error)
{
    struct buffer *spare = &encoder->spare;
    enum status status;
    size_t middle;

    *unchanged = false;
    for (size_t i = 0; i < plan->row.count; i++) {
        size_t index = plan->row.columns[i].index;

        if ((view_value(old, index)->kind == PG_VALUE_NULL) != (view_value(new, index)->kind == PG_VALUE_NULL))
            return OK;
    }
    buffer_reset(spare);
    status = append_struct(encoder, plan, &plan->row, old, spare, error);
    middle = spare->size;
    if (status == OK)
        status = append_struct(encoder, plan, &plan->row, new, spare, error);
    *unchanged = status == OK && spare->size == 2 * middle && memcmp(spare->data, spare->data + middle, middle) == 0;
    return status;
}

static enum status encode_key_change(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct row_view *old,
                                     const struct row_view *new, const struct debezium_event *event, struct error *error)
{
    enum status status = OK;

    if (!encoder->config->skip_delete)
        status = emit_delete(encoder, plan, old, event, "__debezium.newkey", new, error);
    if (status == OK && !encoder->config->skip_create)
        status = emit(encoder, plan, 'c', new, &no_row, new, event, "__debezium.oldkey", old, error);
    return status;
}

static enum status encode_update(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct debezium_event *event,
                                 struct error *error)
{
    struct row_view old = {event->old, NULL}, new = {event->new, event->old};
    bool flag = false;
    enum status status = OK;

    if (event->old != NULL && encoder->config->skip_unchanged) {
        status = row_unchanged(encoder, plan, &old, &new, &flag, error);
        if (status != OK || flag)
            return status;
    }
    if (event->old != NULL && plan->has_key) {
        status = key_changed(encoder, plan, &old, &new, &flag, error);
        if (status != OK)
            return status;
        if (flag)
            return encode_key_change(encoder, plan, &old, &new, event, error);
    }
    if (encoder->config->skip_update)
        return OK;
    return emit(encoder, plan, 'u', &new, &old, &new, event, NULL, NULL, error);
}

/* Truncates go to the table's topic without a key. */
static enum status encode_truncate(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct debezium_event *event,
                                   struct error *error)
{
    struct record_draft *draft = encoder_draft(encoder, plan->topic);

    return draft_value(encoder, plan, draft, 't', &no_row, &no_row, event, error);
}

/* Every column of the plan has to be in the row. */
static bool row_fits(const struct debezium_plan *plan, const struct pg_row *row)
{
    return row == NULL || row->count == plan->relation_columns;
}

static enum status check_event(const struct debezium_plan *plan, const struct debezium_event *event, struct error *error)
{
    bool needs_new = event->operation == OPERATION_CREATE || event->operation == OPERATION_READ || event->operation == OPERATION_UPDATE;

    if (!row_fits(plan, event->old) || !row_fits(plan, event->new))
        return error_set(error, ERROR_BAD_INPUT, "table %s: a row has %zu columns, the table %zu", plan->collection,
                         event->new != NULL ? event->new->count : event->old->count, plan->relation_columns);
    if (needs_new && event->new == NULL)
        return error_set(error, ERROR_BAD_INPUT, "table %s: the new row is missing", plan->collection);
    return OK;
}

enum status debezium_encode(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct debezium_event *event,
                            struct debezium_output *output, struct error *error)
{
    const struct debezium_config *config = encoder->config;
    struct row_view old = {event->old, NULL}, new = {event->new, event->old};
    enum status status = check_event(plan, event, error);

    encoder_begin(encoder);
    output->count = 0;
    if (status != OK)
        return status;
    switch (event->operation) {
    case OPERATION_CREATE:
        if (!config->skip_create)
            status = emit(encoder, plan, 'c', &new, &no_row, &new, event, NULL, NULL, error);
        break;
    case OPERATION_READ: status = emit(encoder, plan, 'r', &new, &no_row, &new, event, NULL, NULL, error); break;
    case OPERATION_UPDATE: status = encode_update(encoder, plan, event, error); break;
    case OPERATION_DELETE:
        if (!config->skip_delete && event->old != NULL)
            status = emit_delete(encoder, plan, &old, event, NULL, NULL, error);
        break;
    case OPERATION_TRUNCATE:
        if (!config->skip_truncate)
            status = encode_truncate(encoder, plan, event, error);
        break;
    default: status = error_set(error, ERROR_BUG, "operation %d is unknown", (int)event->operation);
    }
    return status == OK ? encoder_finish(encoder, output, error) : status;
}
