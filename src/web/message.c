#include "web/message.h"

#include "base/banned.h"
#include "base/text.h"
#include "connect/configdef.h"
#include "connect/secrets.h"
#include "log/control.h"
#include "web/api.h"
#include "web/cell.h"
#include "web/redact.h"
#include "web/schema_book.h"
#include "wire/json/base64.h"

#define UNAVAILABLE_TEXT "__debezium_unavailable_value"

const struct message_shape message_in_list = {.text_max = 512, .columns_max = 40, .cell_max = 120};
const struct message_shape message_alone = {.text_max = 65536, .columns_max = 1600, .cell_max = 65536};

/* ---- Text ---- */

/* Where the JSON value at the front of `text` ends: at the comma or bracket behind it. */
static size_t value_end(struct slice text)
{
    size_t at = 0, depth = 0;
    bool in_string = false;

    for (; at < text.size; at++) {
        uint8_t c = text.data[at];

        if (in_string) {
            if (c == '\\')
                at++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                break;
            depth--;
        } else if (c == ',' && depth == 0) {
            break;
        }
    }
    return at > text.size ? text.size : at;
}

struct slice message_payload(struct slice text)
{
    static const char head[] = "{\"schema\":", middle[] = ",\"payload\":";
    struct slice rest;

    if (text.size < sizeof(head) || memcmp(text.data, head, sizeof(head) - 1) != 0)
        return text;
    rest = slice_from(text, sizeof(head) - 1);
    rest = slice_from(rest, value_end(rest));
    if (rest.size < sizeof(middle) || memcmp(rest.data, middle, sizeof(middle) - 1) != 0)
        return text;
    rest = slice_from(rest, sizeof(middle) - 1);
    return slice_of(rest.data, value_end(rest));
}

struct slice message_cut(struct slice text, size_t max)
{
    if (max == 0 || text.size <= max)
        return text;
    while (max > 0 && (text.data[max] & 0xC0) == 0x80)
        max--;
    return slice_of(text.data, max);
}

static json_t *piece_make(struct slice bytes, size_t max)
{
    struct slice payload = message_payload(bytes), shown;
    bool folded = payload.data != bytes.data, binary = !text_is_utf8(bytes);
    json_t *piece, *text;

    if (slice_is_null(bytes))
        return json_null();
    shown = message_cut(payload, max);
    if (binary) {
        struct buffer coded;

        shown = slice_of(payload.data, payload.size > max * 3 / 4 ? max * 3 / 4 : payload.size);
        buffer_init(&coded, base64_size(shown.size) + 1);
        base64_append(&coded, shown, BASE64_STANDARD);
        text = json_stringn((const char *)coded.data, coded.size);
        buffer_finish(&coded);
    } else if (folded) {
        text = json_sprintf("{\"payload\":%.*s%s", (int)shown.size, (const char *)shown.data, shown.size == payload.size ? "}" : "");
    } else {
        text = json_stringn((const char *)shown.data, shown.size);
    }
    piece = json_pack("{s:o, s:I, s:I}", "text", text == NULL ? json_string("") : text, "bytes", (json_int_t)bytes.size, "cut", (json_int_t)(payload.size - shown.size));
    if (folded)
        json_put(piece, "schema_folded", json_integer((json_int_t)(bytes.size - payload.size)));
    if (binary)
        json_put(piece, "binary", json_true());
    return piece;
}

static json_t *headers_make(const struct record *record, size_t max)
{
    struct record copy = *record;
    struct record_header header;
    json_t *headers = json_array();

    while (record_next_header(&copy, &header)) {
        struct slice shown = message_cut(header.value, max);
        json_t *item = json_pack("{s:o, s:o}", "name", json_slice(header.key), "value", json_slice(shown));

        if (shown.size < header.value.size)
            json_put(item, "cut", json_integer((json_int_t)(header.value.size - shown.size)));
        json_add(headers, item);
    }
    return headers;
}

/* ---- Rows ---- */

static const char *type_text(const struct change_column *column, struct arena *arena)
{
    static const char *const names[] = {"other", "boolean", "integer", "double", "text", "bytes", "numeric", "date", "timestamp"};
    const char *dot = strrchr(column->meaning, '.');

    if (column->type == CHANGE_DECIMAL && column->scale >= 0)
        return arena_format(arena, "numeric, %d decimals", (int)column->scale);
    if (column->type == CHANGE_INTEGER && cell_is_time(column))
        return "time";
    if (column->type == CHANGE_TEXT && dot != NULL)
        return arena_format(arena, "%s", dot + 1);
    return names[column->type];
}

bool message_is_masked(const char *mask, struct slice schema, struct slice table, const char *column)
{
    struct slice rest = slice_from_string(mask == NULL ? "" : mask), one;
    char name[600];
    size_t size = table.size == 0 ? (size_t)snprintf(name, sizeof(name), ".%s", column)
                                  : (size_t)snprintf(name, sizeof(name), "%.*s.%.*s.%s", (int)schema.size, (const char *)schema.data, (int)table.size, (const char *)table.data, column);

    while (text_next_field(&rest, ',', &one)) {
        one = text_trim(one);
        if (size < sizeof(name) && one.size >= size && memcmp(one.data + one.size - size, name, size) == 0 && (table.size == 0 || one.size == size))
            return true;
    }
    return false;
}

static bool names_masked(const char *mask, const json_t *value)
{
    const json_t *one;
    const char *name;
    size_t index;

    json_object_foreach((json_t *)(uintptr_t)value, name, one) {
        if (message_is_masked(mask, slice_null(), slice_null(), name) || names_masked(mask, one))
            return true;
    }
    json_array_foreach(value, index, one) {
        if (names_masked(mask, one))
            return true;
    }
    return false;
}

bool message_text_hides(const char *mask, struct slice text)
{
    json_t *value;
    bool hides;

    if (mask == NULL || *mask == '\0')
        return false;
    text = text_trim(text);
    if (text.size == 0 || (text.data[0] != '{' && text.data[0] != '['))
        return false;
    /* What stands behind it, and a NUL in a text, do not make it readable to people only. Its depth is limited by the library. */
    value = json_loadb((const char *)text.data, text.size, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
    hides = names_masked(mask, value);

    json_decref(value);
    return hides;
}

bool message_hides_value(const char *mask, const struct change *change, struct slice value)
{
    size_t count = mask == NULL || *mask == '\0' || change == NULL || change->schema == NULL ? 0 : change->schema->column_count;

    for (size_t i = 0; i < count; i++) {
        if (message_is_masked(mask, change->table_schema, change->table, change->schema->columns[i].name))
            return true;
    }
    return (change == NULL || change->operation == 0) && message_text_hides(mask, value); /* a change holds its rows and nothing else */
}

/* What has the columns of the key. */
static const json_t *key_columns(const json_t *key)
{
    const json_t *payload = json_object_get(key, "payload");

    return json_is_object(payload) ? payload : key;
}

bool message_hides_key(const char *mask, const struct change *change, struct slice key)
{
    json_t *whole = mask == NULL || *mask == '\0' || slice_is_null(key) ? NULL : json_loadb((const char *)key.data, key.size, 0, NULL), *value;
    bool hides = false;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)key_columns(whole), name, value)
        hides = hides || message_is_masked(mask, change == NULL ? slice_null() : change->table_schema, change == NULL ? slice_null() : change->table, name);
    json_decref(whole);
    return hides;
}

/* Is the column a member of the key's payload? */
static bool is_key(const json_t *key, const char *column)
{
    return json_object_get(key_columns(key), column) != NULL;
}

static json_t *cell_make(const char *text, size_t max)
{
    return text == NULL ? json_null() : json_slice(message_cut(slice_from_string(text), max));
}

static json_t *column_make(const struct change *change, size_t index, const json_t *key, const struct message_shape *shape, struct arena *arena)
{
    const struct change_column *column = &change->schema->columns[index];
    const char *before = change->before == NULL ? NULL : cell_text(column, &change->before[index], arena);
    const char *after = change->after == NULL ? NULL : cell_text(column, &change->after[index], arena);
    bool masked = message_is_masked(shape->mask, change->table_schema, change->table, column->name);
    bool unavailable = after != NULL && strcmp(after, UNAVAILABLE_TEXT) == 0;
    bool changed = change->before != NULL && change->after != NULL && !unavailable &&
                   (before == NULL ? after != NULL : after == NULL || strcmp(before, after) != 0);
    json_t *item = json_object();

    json_put(item, "name", json_string(column->name));
    json_put(item, "type", json_slice(slice_from_string(type_text(column, arena))));
    json_put(item, "key", json_boolean(is_key(key, column->name)));
    json_put(item, "before", masked ? json_null() : cell_make(before, shape->cell_max));
    json_put(item, "after", masked || unavailable ? json_null() : cell_make(after, shape->cell_max));
    json_put(item, "changed", json_boolean(changed));
    json_put(item, "unavailable", json_boolean(unavailable));
    if (masked)
        json_put(item, "masked", json_true());
    return item;
}

static json_t *row_make(const char *topic, const struct record *record, const struct change *change, const struct message_shape *shape, struct arena *arena)
{
    size_t count = change->schema == NULL ? 0 : change->schema->column_count, shown = count > shape->columns_max ? shape->columns_max : count;
    json_t *row = json_object(), *columns = json_array();
    json_t *key = slice_is_null(record->key) ? NULL : json_loadb((const char *)record->key.data, record->key.size, 0, NULL);
    char operation[2] = {change->operation, '\0'};

    for (size_t i = 0; i < shown; i++)
        json_add(columns, column_make(change, i, key, shape, arena));
    json_put(row, "op", json_string(operation));
    json_put(row, "table", json_slice(slice_from_string(arena_format(arena, "%.*s.%.*s", (int)change->table_schema.size, (const char *)change->table_schema.data,
                                                                    (int)change->table.size, (const char *)change->table.data))));
    json_put(row, "lsn", change->lsn < 0 ? json_null() : json_sprintf("%X/%08X", (unsigned)((uint64_t)change->lsn >> 32), (unsigned)((uint64_t)change->lsn & 0xFFFFFFFF)));
    json_put(row, "xid", change->transaction_id < 0 ? json_null() : json_sprintf("%lld", (long long)change->transaction_id));
    json_put(row, "commit_us", json_integer_or_null(change->source_time_us == 0 ? -1 : change->source_time_us));
    json_put(row, "snapshot", json_boolean(change->operation == 'r'));
    json_put(row, "columns", columns);
    if (shown < count)
        json_put(row, "columns_cut", json_integer((json_int_t)(count - shown)));
    if (change->before == NULL && (change->operation == 'u' || change->operation == 'd'))
        json_put(row, "before_missing", json_text_or_null(shape->schemas == NULL || change->lsn < 0 ? NULL : schema_book_identity(shape->schemas, topic, (uint64_t)change->lsn)));
    json_decref(key);
    return row;
}

/* ---- Passwords ---- */

static void text_hide(json_t *value, bool is_secret, const struct redactor *patterns)
{
    struct buffer out;

    if (is_secret) {
        (void)json_string_set(value, SECRET_MASK);
        return;
    }
    buffer_init(&out, json_string_length(value) * 4 + sizeof(SECRET_MASK));
    if (redactor_append(patterns, slice_of(json_string_value(value), json_string_length(value)), &out) > 0 && !out.failed)
        (void)json_string_setn(value, (const char *)out.data, out.size);
    buffer_finish(&out);
}

/* In place, at any depth: what is named like a secret, and what looks like one inside of other texts. */
static void secrets_hide(json_t *value, const struct redactor *patterns)
{
    const char *name;
    json_t *one;
    size_t index;

    json_object_foreach(value, name, one) {
        if (json_is_string(one))
            text_hide(one, config_property_is_secret(name) && strstr(json_string_value(one), "${") == NULL, patterns);
        else
            secrets_hide(one, patterns);
    }
    json_array_foreach(value, index, one) {
        if (json_is_string(one))
            text_hide(one, false, patterns);
        else
            secrets_hide(one, patterns);
    }
}

bool message_topic_has_secrets(const struct properties *settings, const char *topic)
{
    const char *configs = settings == NULL ? NULL : properties_get(settings, "config.storage.topic");

    return strcmp(topic, CONTROL_TOPIC) == 0 || strcmp(topic, configs == NULL || *configs == '\0' ? "connect-configs" : configs) == 0;
}

struct slice message_without_secrets(struct slice value, struct arena *arena)
{
    struct redactor *patterns;
    json_t *whole;
    char *text;

    whole = value.size == 0 ? NULL : json_loadb((const char *)value.data, value.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (whole == NULL) /* none of ours */
        return value;
    patterns = redactor_create();
    secrets_hide(whole, patterns);
    redactor_destroy(patterns);
    text = json_dumps(whole, JSON_COMPACT | JSON_ENCODE_ANY);
    value = slice_from_string(arena_copy_string(arena, slice_from_string(text == NULL ? "" : text)));
    free(text);
    json_decref(whole);
    return value;
}

/* ---- The whole ---- */

json_t *message_make(const char *topic, int32_t partition, const struct record *record, const struct record_batch *batch, const struct change *change,
                     const struct message_shape *shape, struct arena *arena)
{
    bool append_time = (batch->attributes & RECORD_BATCH_APPEND_TIME) != 0, is_row = change != NULL && change->operation != 0;
    json_t *message = json_object();

    json_put(message, "topic", json_string(topic));
    json_put(message, "partition", json_integer(partition));
    json_put(message, "offset", json_integer(record->offset));
    json_put(message, "at_ms", json_integer(record->timestamp_ms));
    json_put(message, "at_kind", json_string(append_time ? "append" : "create"));
    json_put(message, "key", piece_make(record->key, shape->text_max));
    json_put(message, "value", piece_make(record->value, shape->text_max));
    if (message_hides_key(shape->mask, change, record->key))
        json_put(json_object_get(message, "key"), "text", json_null());
    if (message_hides_value(shape->mask, change, record->value))
        json_put(json_object_get(message, "value"), "text", json_null());
    json_put(message, "headers", headers_make(record, shape->text_max));
    json_put(message, "batch",
             json_pack("{s:I, s:i, s:s, s:I, s:o}", "base_offset", (json_int_t)batch->base_offset, "count", (int)batch->count, "codec", compression_name(record_batch_codec(batch)),
                       "bytes", (json_int_t)batch->bytes.size, "producer_id", batch->producer_id < 0 ? json_null() : json_sprintf("%lld", (long long)batch->producer_id)));
    json_put(message, "row", is_row ? row_make(topic, record, change, shape, arena) : json_null());
    return message;
}
