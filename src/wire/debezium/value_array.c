#include "wire/debezium/value.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/memory.h"
#include "wire/debezium/name.h"
#include "wire/json/number.h"
#include "wire/json/text.h"
#include "wire/postgres/value.h"

/* ---- Arrays ---- */

static bool append_element(const struct value_encoder *encoder, const struct pg_array_reader *reader, enum pg_next next,
                           struct slice element, struct buffer *out)
{
    if (next == PG_NEXT_NULL || (reader->nested && encoder->nested == NESTED_NULL)) {
        buffer_append(out, "null", 4);
        return encoder->element_optional;
    }
    if (reader->nested) {
        json_append_string(out, element);
        return true;
    }
    return encoder->element->encode(encoder->element, element, out);
}

bool encode_array(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_array_reader reader;
    struct buffer unescaped; /* not the scratch text: elements use that themselves */
    enum pg_next next;
    struct slice element;
    bool good = pg_array_start(&reader, text, ','), first = true;

    if (!good)
        return false;
    buffer_init(&unescaped, SIZE_MAX / 4);
    buffer_append_u8(out, '[');
    while (good && (next = pg_array_next(&reader, &unescaped, &element)) != PG_NEXT_END) {
        if (!first)
            buffer_append_u8(out, ',');
        first = false;
        good = next != PG_NEXT_BROKEN && append_element(encoder, &reader, next, element, out);
    }
    buffer_append_u8(out, ']');
    buffer_finish(&unescaped);
    return good;
}

/* ---- hstore ---- */

struct pair {
    struct slice key, value; /* value: data NULL is null */
};

struct pairs {
    struct pair *items;
    size_t count, capacity;
    size_t *order;
    struct arena arena;
};

static void pairs_finish(struct pairs *pairs)
{
    memory_free(pairs->items);
    memory_free(pairs->order);
    arena_finish(&pairs->arena);
}

static void pairs_add(struct pairs *pairs, struct slice key, struct slice value)
{
    if (pairs->count == pairs->capacity) {
        pairs->capacity = pairs->capacity == 0 ? 16 : 2 * pairs->capacity;
        pairs->items = memory_resize(pairs->items, pairs->capacity * sizeof(*pairs->items));
    }
    pairs->items[pairs->count++] = (struct pair){arena_copy(&pairs->arena, key), arena_copy(&pairs->arena, value)};
}

static struct slice not_null(const struct buffer *buffer)
{
    return buffer->data == NULL ? slice_from_string("") : buffer_slice(buffer);
}

/* All pairs of an hstore, in the order in which Java gives them back. Finish them in any case. */
static bool pairs_read(struct pairs *pairs, struct slice text)
{
    struct buffer key, value;
    enum pg_next next;
    bool is_null;
    uint32_t *hashes;

    memset(pairs, 0, sizeof(*pairs));
    arena_init(&pairs->arena, 1024);
    buffer_init(&key, SIZE_MAX / 4);
    buffer_init(&value, SIZE_MAX / 4);
    while ((next = pg_hstore_next(&text, &key, &value, &is_null)) == PG_NEXT_ELEMENT)
        pairs_add(pairs, not_null(&key), is_null ? slice_null() : not_null(&value));
    buffer_finish(&key);
    buffer_finish(&value);
    hashes = memory_new_array(pairs->count + 1, sizeof(*hashes));
    pairs->order = memory_new_array(pairs->count + 1, sizeof(*pairs->order));
    for (size_t i = 0; i < pairs->count; i++)
        hashes[i] = java_hash_code(pairs->items[i].key);
    java_map_order(hashes, pairs->count, java_map_capacity(pairs->count), pairs->order);
    memory_free(hashes);
    return next == PG_NEXT_END;
}

/* As JSON; raw: characters above U+FFFF as they are, for JSON that becomes a Java string first. */
static void append_text(struct buffer *out, struct slice text, bool raw)
{
    if (raw)
        json_append_string_raw(out, text);
    else
        json_append_string(out, text);
}

static void append_pairs(struct buffer *out, const struct pairs *pairs, bool raw)
{
    buffer_append_u8(out, '{');
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[pairs->order[i]];

        if (i > 0)
            buffer_append_u8(out, ',');
        append_text(out, pair->key, raw);
        buffer_append_u8(out, ':');
        if (slice_is_null(pair->value))
            buffer_append(out, "null", 4);
        else
            append_text(out, pair->value, raw);
    }
    buffer_append_u8(out, '}');
}

bool encode_hstore_map(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pairs pairs;
    bool good = pairs_read(&pairs, text);

    (void)encoder;
    if (good)
        append_pairs(out, &pairs, false);
    pairs_finish(&pairs);
    return good;
}

bool encode_hstore_json(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pairs pairs;
    struct buffer json;
    bool good = pairs_read(&pairs, text);

    (void)encoder;
    if (good) {
        buffer_init(&json, SIZE_MAX / 4);
        append_pairs(&json, &pairs, true);
        json_append_string(out, buffer_slice(&json));
        buffer_finish(&json);
    }
    pairs_finish(&pairs);
    return good;
}

/* ---- pgvector ---- */

static struct slice trim_blanks(struct slice text)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = slice_from(text, 1);
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static bool cut_at(struct slice *rest, char separator, struct slice *part)
{
    const uint8_t *found = memchr(rest->data, separator, rest->size);

    *part = found == NULL ? *rest : slice_of(rest->data, (size_t)(found - rest->data));
    *rest = found == NULL ? slice_of(rest->data + rest->size, 0) : slice_from(*rest, part->size + 1);
    *part = trim_blanks(*part);
    return found != NULL;
}

/* "[1,2,3]" */
static bool append_vector(struct slice text, struct buffer *out, bool (*append)(struct buffer *out, struct slice text))
{
    struct slice part;
    bool more = true;

    text = trim_blanks(text);
    if (text.size < 2 || text.data[0] != '[' || text.data[text.size - 1] != ']')
        return false;
    text = slice_of(text.data + 1, text.size - 2);
    buffer_append_u8(out, '[');
    while (more) {
        more = cut_at(&text, ',', &part);
        if (!append(out, part))
            return false;
        if (more)
            buffer_append_u8(out, ',');
    }
    buffer_append_u8(out, ']');
    return true;
}

bool encode_vector_double(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    return append_vector(text, out, number_append_double_text);
}

bool encode_vector_float(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    return append_vector(text, out, number_append_float_text);
}

#define SPARSE_ENTRIES_MAX 32767 /* Debezium counts in 16 bits */

struct sparse {
    int64_t keys[SPARSE_ENTRIES_MAX];
    struct slice values[SPARSE_ENTRIES_MAX];
    uint32_t hashes[SPARSE_ENTRIES_MAX];
    size_t order[SPARSE_ENTRIES_MAX];
    size_t count;
};

static bool sparse_read(struct sparse *sparse, struct slice text, int64_t *dimensions)
{
    struct slice entries, part, key;
    bool more = text.size > 0;

    if (!cut_at(&text, '/', &entries) || !pg_integer_read(trim_blanks(text), dimensions) || *dimensions > INT16_MAX ||
        *dimensions < INT16_MIN)
        return false;
    if (entries.size < 2 || entries.data[0] != '{' || entries.data[entries.size - 1] != '}')
        return false;
    entries = trim_blanks(slice_of(entries.data + 1, entries.size - 2));
    more = entries.size > 0;
    while (more) {
        more = cut_at(&entries, ',', &part);
        if (sparse->count == SPARSE_ENTRIES_MAX || !cut_at(&part, ':', &key) || !pg_integer_read(key, &sparse->keys[sparse->count]) ||
            sparse->keys[sparse->count] > INT16_MAX || sparse->keys[sparse->count] < INT16_MIN)
            return false;
        sparse->hashes[sparse->count] = (uint32_t)(int32_t)sparse->keys[sparse->count];
        sparse->values[sparse->count++] = trim_blanks(part);
    }
    java_map_order(sparse->hashes, sparse->count, java_map_capacity(sparse->count), sparse->order);
    return true;
}

/* "{1:0.5,3:2}/5"; a map whose keys are no texts is a list of pairs in JSON. */
bool encode_vector_sparse(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct sparse *sparse = memory_new(sizeof(*sparse));
    int64_t dimensions;
    bool good = sparse_read(sparse, trim_blanks(text), &dimensions);

    (void)encoder;
    if (good)
        buffer_append_format(out, "{\"dimensions\":%d,\"vector\":[", (int)dimensions);
    for (size_t i = 0; good && i < sparse->count; i++) {
        buffer_append_format(out, "%s[%d,", i == 0 ? "" : ",", (int)sparse->keys[sparse->order[i]]);
        good = number_append_double_text(out, sparse->values[sparse->order[i]]);
        buffer_append_u8(out, ']');
    }
    if (good)
        buffer_append(out, "]}", 2);
    memory_free(sparse);
    return good;
}
