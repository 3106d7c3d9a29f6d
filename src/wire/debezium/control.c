#include "wire/debezium/encoder.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/memory.h"
#include "base/time.h"
#include "wire/debezium/name.h"
#include "wire/json/number.h"
#include "wire/json/text.h"

/* Records beside those of rows: logical messages, transactions, heartbeats, notifications. */

/* ---- Schemas ---- */

static struct connect_schema *named(struct debezium_encoder *encoder, const char *name)
{
    return schema_create_named(&encoder->arena, CONNECT_STRUCT, name_adjust_schema(&encoder->arena, encoder->config->schema_names, name));
}

static void add(struct debezium_encoder *encoder, struct connect_schema *schema, const char *name, enum connect_type type, bool optional)
{
    struct connect_schema *field = schema_create(&encoder->arena, type);

    field->optional = optional;
    schema_add_field(&encoder->arena, schema, name, field);
}

static void set_heads(struct debezium_encoder *encoder, struct control_record *record, const struct connect_schema *key,
                      const struct connect_schema *value)
{
    record->key_schema = key;
    record->value_schema = value;
    record->key_head = render_head(&encoder->arena, &encoder->config->key_converter, key);
    record->value_head = render_head(&encoder->arena, &encoder->config->value_converter, value);
}

static void init_heartbeat(struct debezium_encoder *encoder)
{
    struct connect_schema *key = named(encoder, "io.debezium.connector.common.ServerNameKey");
    struct connect_schema *value = named(encoder, "io.debezium.connector.common.Heartbeat");

    add(encoder, key, "serverName", CONNECT_STRING, false);
    add(encoder, value, "ts_ms", CONNECT_INT64, false);
    set_heads(encoder, &encoder->heartbeat, key, value);
}

static void init_transaction(struct debezium_encoder *encoder)
{
    struct connect_schema *key = named(encoder, "io.debezium.connector.common.TransactionMetadataKey");
    struct connect_schema *value = named(encoder, "io.debezium.connector.common.TransactionMetadataValue");
    struct connect_schema *collections = schema_create(&encoder->arena, CONNECT_ARRAY);
    struct connect_schema *collection = schema_create_named(&encoder->arena, CONNECT_STRUCT, "event.collection");

    collection->optional = true;
    add(encoder, collection, "data_collection", CONNECT_STRING, false);
    add(encoder, collection, "event_count", CONNECT_INT64, false);
    collections->optional = true;
    collections->items = collection;
    add(encoder, key, "id", CONNECT_STRING, false);
    add(encoder, value, "status", CONNECT_STRING, false);
    add(encoder, value, "id", CONNECT_STRING, false);
    add(encoder, value, "event_count", CONNECT_INT64, true);
    schema_add_field(&encoder->arena, value, "data_collections", collections);
    add(encoder, value, "ts_ms", CONNECT_INT64, false);
    set_heads(encoder, &encoder->transaction_record, key, value);
}

static void init_message(struct debezium_encoder *encoder)
{
    struct connect_schema *key = named(encoder, "io.debezium.connector.postgresql.MessageKey");
    struct connect_schema *value = named(encoder, "io.debezium.connector.postgresql.MessageValue");
    struct connect_schema *block = named(encoder, "io.debezium.connector.postgresql.Message");

    add(encoder, block, "prefix", CONNECT_STRING, true);
    add(encoder, block, "content", encoder->config->binary_mode == BINARY_BYTES ? CONNECT_BYTES : CONNECT_STRING, true);
    add(encoder, key, "prefix", CONNECT_STRING, true);
    add(encoder, value, "op", CONNECT_STRING, false);
    add(encoder, value, "ts_ms", CONNECT_INT64, true);
    schema_add_field(&encoder->arena, value, "source", schema_of_source(&encoder->arena, encoder->config));
    schema_add_field(&encoder->arena, value, "transaction", schema_of_transaction_block(&encoder->arena));
    schema_add_field(&encoder->arena, value, "message", block);
    set_heads(encoder, &encoder->message, key, value);
    source_block_init(&encoder->message_source, encoder, &encoder->arena, "", "");
}

static void init_notification(struct debezium_encoder *encoder)
{
    struct connect_schema *key = named(encoder, "io.debezium.connector.common.NotificationKey");
    struct connect_schema *value = named(encoder, "io.debezium.connector.common.Notification");
    struct connect_schema *data = schema_create(&encoder->arena, CONNECT_MAP);

    data->optional = true;
    data->keys = schema_create(&encoder->arena, CONNECT_STRING);
    data->items = schema_create(&encoder->arena, CONNECT_STRING);
    add(encoder, key, "id", CONNECT_STRING, false);
    add(encoder, value, "id", CONNECT_STRING, false);
    add(encoder, value, "type", CONNECT_STRING, false);
    add(encoder, value, "aggregate_type", CONNECT_STRING, false);
    schema_add_field(&encoder->arena, value, "additional_data", data);
    add(encoder, value, "timestamp", CONNECT_INT64, false);
    set_heads(encoder, &encoder->notification, key, value);
}

void control_init(struct debezium_encoder *encoder)
{
    init_heartbeat(encoder);
    init_transaction(encoder);
    init_message(encoder);
    init_notification(encoder);
}

static void forget_collections(struct transaction_state *transaction)
{
    for (size_t i = 0; i < transaction->count; i++)
        memory_free(transaction->collections[i].name);
    transaction->count = 0;
}

void control_finish(struct debezium_encoder *encoder)
{
    source_block_finish(&encoder->message_source);
    forget_collections(&encoder->transaction);
    memory_free(encoder->transaction.collections);
}

/* ---- Writing ---- */

/* A record without headers: {"schema":…,"payload":{"NAME": and then its key's text. */
static struct record_draft *begin_record(struct debezium_encoder *encoder, const char *topic, const struct control_record *record,
                                         const char *key_name, struct slice key)
{
    struct record_draft *draft = encoder_draft(encoder, topic);

    buffer_append_slice(&encoder->keys, record->key_head);
    buffer_append_format(&encoder->keys, "{\"%s\":", key_name);
    json_append_string(&encoder->keys, key);
    buffer_append_u8(&encoder->keys, '}');
    buffer_append_slice(&encoder->keys, render_tail(&encoder->config->key_converter));
    draft_end_key(encoder, draft);
    draft->own_headers = true;
    draft->value_head = record->value_head;
    draft->key_schema = record->key_schema;
    draft->value_schema = record->value_schema;
    draft->key_head_size = record->key_head.size;
    return draft;
}

static void end_record(struct debezium_encoder *encoder, struct record_draft *draft)
{
    buffer_append_slice(&encoder->bodies, render_tail(&encoder->config->value_converter));
    draft_end_value(encoder, draft);
}

static void append_text_member(struct buffer *out, const char *label, const char *value)
{
    buffer_append_string(out, label);
    json_append_string(out, slice_from_string(value));
}

/* ---- Transactions ---- */

#define TRANSACTION_ID_BYTES 48

/* The LSN is that of the record at hand, so only the part before the colon joins the events of a transaction. */
static void transaction_id(char id[TRANSACTION_ID_BYTES], int64_t xid, uint64_t lsn)
{
    (void)snprintf(id, TRANSACTION_ID_BYTES, "%lld:%llu", (long long)xid, (unsigned long long)lsn);
}

static void transaction_reset(struct transaction_state *transaction)
{
    forget_collections(transaction);
    transaction->in_progress = false;
    transaction->events = 0;
    transaction->serial++;
}

static size_t transaction_collection(struct transaction_state *transaction, const char *name)
{
    for (size_t i = 0; i < transaction->count; i++) {
        if (strcmp(transaction->collections[i].name, name) == 0)
            return i;
    }
    if (transaction->count == transaction->capacity) {
        transaction->capacity = transaction->capacity == 0 ? 8 : 2 * transaction->capacity;
        transaction->collections = memory_resize(transaction->collections, transaction->capacity * sizeof(*transaction->collections));
    }
    transaction->collections[transaction->count] = (struct transaction_collection){memory_copy_string(name), 0};
    return transaction->count++;
}

static void append_block(struct debezium_encoder *encoder, size_t collection, const struct debezium_source *source, struct buffer *out)
{
    struct transaction_state *transaction = &encoder->transaction;
    char id[TRANSACTION_ID_BYTES];

    transaction->events++;
    transaction->collections[collection].events++;
    transaction_id(id, source->xid, source->lsn);
    append_text_member(out, "{\"id\":", id);
    buffer_append_string(out, ",\"total_order\":");
    number_append_int64(out, transaction->events);
    buffer_append_string(out, ",\"data_collection_order\":");
    number_append_int64(out, transaction->collections[collection].events);
    buffer_append_u8(out, '}');
}

void transaction_append_block(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct debezium_source *source,
                              struct buffer *out)
{
    struct transaction_state *transaction = &encoder->transaction;

    if (!transaction->in_progress || source->xid < 0) {
        buffer_append_string(out, "null");
        return;
    }
    if (plan->transaction_serial != transaction->serial) {
        plan->transaction_serial = transaction->serial;
        plan->collection_index = transaction_collection(transaction, plan->collection);
    }
    append_block(encoder, plan->collection_index, source, out);
}

/* "data_collections" in the order in which Java's HashMap gives them. */
static void append_collections(const struct transaction_state *transaction, struct buffer *out)
{
    uint32_t *hashes = memory_new_array(transaction->count + 1, sizeof(*hashes));
    size_t *order = memory_new_array(transaction->count + 1, sizeof(*order));

    for (size_t i = 0; i < transaction->count; i++)
        hashes[i] = java_hash_code(slice_from_string(transaction->collections[i].name));
    java_map_order(hashes, transaction->count, java_map_capacity(transaction->count), order);
    buffer_append_u8(out, '[');
    for (size_t i = 0; i < transaction->count; i++) {
        const struct transaction_collection *collection = &transaction->collections[order[i]];

        append_text_member(out, i == 0 ? "{\"data_collection\":" : ",{\"data_collection\":", collection->name);
        buffer_append_string(out, ",\"event_count\":");
        number_append_int64(out, collection->events);
        buffer_append_u8(out, '}');
    }
    buffer_append_u8(out, ']');
    memory_free(hashes);
    memory_free(order);
}

static void append_transaction_record(struct debezium_encoder *encoder, const char *state, uint64_t lsn, int64_t time_us)
{
    struct transaction_state *transaction = &encoder->transaction;
    bool ends = strcmp(state, "END") == 0;
    struct buffer *out = &encoder->bodies;
    struct record_draft *draft;
    char id[TRANSACTION_ID_BYTES];

    transaction_id(id, transaction->xid, lsn);
    draft = begin_record(encoder, encoder->config->transaction_topic, &encoder->transaction_record, "id", slice_from_string(id));
    append_text_member(out, "{\"status\":", state);
    append_text_member(out, ",\"id\":", id);
    buffer_append_string(out, ",\"event_count\":");
    if (ends)
        number_append_int64(out, transaction->events);
    else
        buffer_append_string(out, "null");
    buffer_append_string(out, ",\"data_collections\":");
    if (ends)
        append_collections(transaction, out);
    else
        buffer_append_string(out, "null");
    buffer_append_string(out, ",\"ts_ms\":");
    number_append_int64(out, time_us / 1000);
    buffer_append_u8(out, '}');
    end_record(encoder, draft);
}

enum status debezium_encode_begin(struct debezium_encoder *encoder, uint32_t xid, uint64_t lsn, int64_t time_us,
                                  struct debezium_output *output, struct error *error)
{
    encoder_begin(encoder);
    if (encoder->config->transaction_metadata) {
        transaction_reset(&encoder->transaction);
        encoder->transaction.in_progress = true;
        encoder->transaction.xid = xid;
        append_transaction_record(encoder, "BEGIN", lsn, time_us);
    }
    return encoder_finish(encoder, output, error);
}

enum status debezium_encode_commit(struct debezium_encoder *encoder, uint64_t end_lsn, int64_t time_us, struct debezium_output *output,
                                   struct error *error)
{
    encoder_begin(encoder);
    if (encoder->transaction.in_progress)
        append_transaction_record(encoder, "END", end_lsn, time_us);
    transaction_reset(&encoder->transaction);
    return encoder_finish(encoder, output, error);
}

/* ---- Logical messages ---- */

static void append_content(struct debezium_encoder *encoder, struct slice content, struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    enum base64_alphabet alphabet = encoder->config->binary_mode == BINARY_BASE64_URL_SAFE ? BASE64_URL_SAFE : BASE64_STANDARD;

    buffer_append_u8(out, '"');
    if (encoder->config->binary_mode != BINARY_HEX) {
        base64_append(out, content, alphabet);
    } else {
        for (size_t i = 0; i < content.size; i++) {
            buffer_append_u8(out, (uint8_t)digits[content.data[i] >> 4]);
            buffer_append_u8(out, (uint8_t)digits[content.data[i] & 15]);
        }
    }
    buffer_append_u8(out, '"');
}

/* Each message counts as a collection of its own: Debezium names it by a Java object, so any hexadecimal number will do. */
static void append_message_block(struct debezium_encoder *encoder, const struct debezium_source *source, struct buffer *out)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "io.debezium.connector.postgresql.LogicalDecodingMessageMonitor$LogicalDecodingMessageId@%llx",
                   (unsigned long long)++encoder->transaction.messages);
    append_block(encoder, transaction_collection(&encoder->transaction, name), source, out);
}

enum status debezium_encode_message(struct debezium_encoder *encoder, bool transactional, const char *prefix, struct slice content,
                                    const struct debezium_source *source, int64_t now_ns, struct debezium_output *output,
                                    struct error *error)
{
    struct buffer *out = &encoder->bodies;
    struct record_draft *draft;

    encoder_begin(encoder);
    if (!transactional && encoder->transaction.in_progress) {
        append_transaction_record(encoder, "END", source->lsn, source->time_ns / NS_PER_US);
        transaction_reset(&encoder->transaction);
    }
    draft = begin_record(encoder, encoder->config->message_topic, &encoder->message, "prefix", slice_from_string(prefix));
    buffer_append_string(out, "{\"op\":\"m\",\"ts_ms\":");
    number_append_int64(out, now_ns / NS_PER_MS);
    buffer_append_string(out, ",\"source\":");
    source_block_append(&encoder->message_source, source, out);
    buffer_append_string(out, ",\"transaction\":");
    if (encoder->transaction.in_progress && transactional)
        append_message_block(encoder, source, out);
    else
        buffer_append_string(out, "null");
    append_text_member(out, ",\"message\":{\"prefix\":", prefix);
    buffer_append_string(out, ",\"content\":");
    append_content(encoder, content, out);
    buffer_append_string(out, "}}");
    end_record(encoder, draft);
    return encoder_finish(encoder, output, error);
}

/* ---- Heartbeats and notifications ---- */

enum status debezium_encode_heartbeat(struct debezium_encoder *encoder, int64_t now_ms, struct debezium_output *output, struct error *error)
{
    struct record_draft *draft;

    encoder_begin(encoder);
    draft = begin_record(encoder, encoder->config->heartbeat_topic, &encoder->heartbeat, "serverName",
                         slice_from_string(encoder->config->prefix));
    draft->partition = 0;
    buffer_append_format(&encoder->bodies, "{\"ts_ms\":%lld}", (long long)now_ms);
    end_record(encoder, draft);
    return encoder_finish(encoder, output, error);
}

enum status debezium_encode_notification(struct debezium_encoder *encoder, const struct debezium_notification *notification,
                                         struct debezium_output *output, struct error *error)
{
    struct buffer *out = &encoder->bodies;
    struct record_draft *draft;

    encoder_begin(encoder);
    draft = begin_record(encoder, notification->topic, &encoder->notification, "id", slice_from_string(notification->id));
    append_text_member(out, "{\"id\":", notification->id);
    append_text_member(out, ",\"type\":", notification->type);
    append_text_member(out, ",\"aggregate_type\":", notification->aggregate_type);
    buffer_append_string(out, ",\"additional_data\":{");
    for (size_t i = 0; i < notification->count; i++) {
        append_text_member(out, i == 0 ? "" : ",", notification->data[i][0]);
        append_text_member(out, ":", notification->data[i][1]);
    }
    buffer_append_format(out, "},\"timestamp\":%lld}", (long long)notification->now_ms);
    end_record(encoder, draft);
    return encoder_finish(encoder, output, error);
}
