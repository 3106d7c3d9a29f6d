#include "wire/debezium/encoder.h"

#include "base/banned.h"
#include "base/reader.h"

/* The encoder's drafts through a chain of transformations. */

/* ---- Drafts into records ---- */

static struct connect_value side_value(const struct connect_schema *schema, const uint8_t *json, size_t size, struct slice tail)
{
    struct connect_value value = {.schema = schema, .json = slice_of(json, size - tail.size)};

    value.is_null = value.json.size == 4 && memcmp(value.json.data, "null", 4) == 0;
    return value;
}

static enum status read_headers(struct slice bytes, struct connect_record *record, struct error *error)
{
    struct reader in = reader_of(bytes);
    int32_t count = read_varint32(&in);

    if (count > CONNECT_HEADERS_MAX)
        return error_set(error, ERROR_LIMIT, "a record with more than %d headers", CONNECT_HEADERS_MAX);
    for (int32_t i = 0; i < count; i++) {
        struct connect_header *header = &record->headers[record->header_count++];

        *header = (struct connect_header){.name = read_bytes(&in, (size_t)read_varint32(&in))};
        header->value = read_bytes(&in, (size_t)read_varint32(&in));
    }
    return OK;
}

static enum status read_draft(struct debezium_encoder *encoder, const struct record_draft *draft, struct connect_record *record,
                              struct error *error)
{
    struct slice headers = encoder->plain_headers;

    *record = (struct connect_record){.topic = draft->topic, .partition = draft->partition, .timestamp_ms = -1};
    record->key = record->value = value_null(NULL);
    if (draft->has_key)
        record->key = side_value(draft->key_schema, encoder->keys.data + draft->key_at + draft->key_head_size,
                                 draft->key_size - draft->key_head_size, render_tail(&encoder->key_converter));
    if (draft->has_value)
        record->value = side_value(draft->value_schema, encoder->bodies.data + draft->body_at, draft->body_size,
                                   render_tail(&encoder->value_converter));
    if (draft->own_headers)
        headers = draft->headers_size == 0 ? encoder->no_headers : slice_of(encoder->headers.data + draft->headers_at, draft->headers_size);
    return read_headers(headers, record, error);
}

/* ---- Records into output ---- */

/* The head of a schema is rendered once, but for those that were made for one record. */
static struct slice head_of(struct debezium_encoder *encoder, const struct json_converter *converter, const struct connect_schema *schema)
{
    bool is_key = converter == &encoder->config->key_converter;
    uint64_t key = schema->id << 1 | is_key;
    struct slice *known = schema->id == 0 ? NULL : map_get(&encoder->heads, slice_of(&key, sizeof(key)));

    if (known != NULL)
        return *known;
    if (schema->id == 0)
        return render_head(&encoder->record_arena, converter, schema);
    known = arena_new(&encoder->arena, sizeof(*known));
    *known = render_head(&encoder->arena, converter, schema);
    map_put(&encoder->heads, slice_of(&key, sizeof(key)), known);
    return *known;
}

static void append_header(struct buffer *out, const struct connect_header *header)
{
    buffer_append_varint(out, (int64_t)header->name.size);
    buffer_append_slice(out, header->name);
    buffer_append_varint(out, header->is_null ? -1 : (int64_t)header->value.size);
    if (!header->is_null)
        buffer_append_slice(out, header->value);
}

static bool is_nothing(const struct connect_value *value)
{
    return value->schema == NULL && value->is_null;
}

/* Where the parts of a record lie while the buffers may still move. */
struct places {
    size_t key_at, key_size, body_at, body_size, headers_at, headers_size;
};

static enum status write_record(struct debezium_encoder *encoder, const struct connect_record *record, struct debezium_record *written,
                                struct places *places, struct error *error)
{
    const struct json_converter *key = &encoder->config->key_converter, *value = &encoder->config->value_converter;
    enum status status = OK;

    *written = (struct debezium_record){.topic = record->topic, .partition = record->partition, .timestamp_ms = record->timestamp_ms};
    *places =
        (struct places){.key_at = encoder->out_keys.size, .body_at = encoder->out_bodies.size, .headers_at = encoder->out_headers.size};
    if (!is_nothing(&record->key)) {
        buffer_append_slice(&encoder->out_keys, head_of(encoder, key, record->key.schema));
        status = value_render(&record->key, key->replace_null_with_default, &encoder->out_keys, error);
        buffer_append_slice(&encoder->out_keys, render_tail(key));
        places->key_size = encoder->out_keys.size - places->key_at;
    }
    if (status == OK && !is_nothing(&record->value)) {
        written->value_head = head_of(encoder, value, record->value.schema);
        status = value_render(&record->value, value->replace_null_with_default, &encoder->out_bodies, error);
        buffer_append_slice(&encoder->out_bodies, render_tail(value));
        places->body_size = encoder->out_bodies.size - places->body_at;
    }
    buffer_append_varint(&encoder->out_headers, (int64_t)record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        append_header(&encoder->out_headers, &record->headers[i]);
    places->headers_size = encoder->out_headers.size - places->headers_at;
    return status;
}

enum status encoder_transform(struct debezium_encoder *encoder, struct debezium_output *output, struct error *error)
{
    struct transform_run run = {&encoder->record_arena, &encoder->scratch};
    struct places places[DEBEZIUM_RECORDS_MAX];
    struct connect_record record;
    enum status status = OK;

    arena_reset(&encoder->record_arena);
    buffer_reset(&encoder->out_keys);
    buffer_reset(&encoder->out_bodies);
    buffer_reset(&encoder->out_headers);
    output->count = 0;
    for (size_t i = 0; i < encoder->draft_count && status == OK; i++) {
        status = read_draft(encoder, &encoder->drafts[i], &record, error);
        if (status == OK)
            status = transform_chain_apply(encoder->chain, &run, &record, error);
        if (status != OK || record.dropped)
            continue;
        status = write_record(encoder, &record, &output->records[output->count], &places[output->count], error);
        output->count++;
    }
    if (status == OK && (encoder->out_keys.failed || encoder->out_bodies.failed || encoder->out_headers.failed))
        status = error_set(error, ERROR_LIMIT, "a record is larger than %d bytes", RECORD_BYTES_MAX);
    if (status != OK)
        output->count = 0;
    for (size_t i = 0; i < output->count; i++) {
        struct debezium_record *written = &output->records[i];

        if (places[i].key_size > 0)
            written->key = slice_of(encoder->out_keys.data + places[i].key_at, places[i].key_size);
        if (places[i].body_size > 0)
            written->value_body = slice_of(encoder->out_bodies.data + places[i].body_at, places[i].body_size);
        written->headers = slice_of(encoder->out_headers.data + places[i].headers_at, places[i].headers_size);
    }
    return status;
}
