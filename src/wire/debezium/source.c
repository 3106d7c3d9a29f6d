#include "wire/debezium/encoder.h"

#include "base/banned.h"
#include "base/time.h"
#include "wire/json/number.h"
#include "wire/json/text.h"

static struct slice take_copy(struct arena *arena, struct buffer *text)
{
    struct slice copy = arena_copy(arena, buffer_slice(text));

    buffer_reset(text);
    return copy;
}

void source_block_init(struct source_block *block, const struct debezium_encoder *encoder, struct arena *arena, const char *schema,
                       const char *table)
{
    const struct debezium_config *config = encoder->config;
    struct buffer text;

    memset(block, 0, sizeof(*block));
    buffer_init(&block->text, RECORD_BYTES_MAX);
    buffer_init(&text, RECORD_BYTES_MAX);
    buffer_append_string(&text, "{\"version\":\"" DEBEZIUM_VERSION "\",\"connector\":\"postgresql\",\"name\":");
    json_append_string(&text, slice_from_string(config->prefix));
    buffer_append_string(&text, ",\"ts_ms\":");
    block->front = take_copy(arena, &text);
    buffer_append_string(&text, ",\"db\":");
    json_append_string(&text, slice_from_string(config->database));
    buffer_append_string(&text, ",\"sequence\":\"[");
    block->db = take_copy(arena, &text);
    buffer_append_string(&text, ",\"schema\":");
    json_append_string(&text, slice_from_string(schema));
    buffer_append_string(&text, ",\"table\":");
    json_append_string(&text, slice_from_string(table));
    buffer_append_string(&text, ",\"txId\":");
    block->names = take_copy(arena, &text);
    buffer_finish(&text);
    /* The member is null; its schema's default steps in where the converter lets it. */
    block->streaming = slice_from_string(encoder->value_converter.replace_null_with_default ? "\"false\"" : "null");
}

void source_block_finish(struct source_block *block)
{
    buffer_finish(&block->text);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_rendered(const struct source_block *block, const struct debezium_source *source)
{
    const struct debezium_source *last = &block->last;

    return block->rendered && last->time_ns == source->time_ns && last->snapshot == source->snapshot &&
           last->last_commit_lsn == source->last_commit_lsn && last->xid == source->xid && last->xmin == source->xmin &&
           last->origin_lsn == source->origin_lsn && (last->lsn == 0) == (source->lsn == 0) && same_text(last->origin, source->origin);
}

static void append_or_null(struct buffer *out, const char *label, bool present, int64_t value)
{
    buffer_append_string(out, label);
    if (present)
        number_append_int64(out, value);
    else
        buffer_append(out, "null", 4);
}

static void render(struct source_block *block, const struct debezium_source *source)
{
    static const char *const snapshots[] = {[SNAPSHOT_TRUE] = "\"true\"",
                                            [SNAPSHOT_FIRST] = "\"first\"",
                                            [SNAPSHOT_FIRST_IN_DATA_COLLECTION] = "\"first_in_data_collection\"",
                                            [SNAPSHOT_LAST_IN_DATA_COLLECTION] = "\"last_in_data_collection\"",
                                            [SNAPSHOT_LAST] = "\"last\"",
                                            [SNAPSHOT_INCREMENTAL] = "\"incremental\""};
    struct buffer *text = &block->text;

    buffer_reset(text);
    buffer_append_slice(text, block->front);
    number_append_int64(text, source->time_ns / NS_PER_MS);
    buffer_append_string(text, ",\"snapshot\":");
    if (source->snapshot == SNAPSHOT_FALSE)
        buffer_append_slice(text, block->streaming);
    else
        buffer_append_string(text, snapshots[source->snapshot]);
    buffer_append_slice(text, block->db);
    if (source->last_commit_lsn == 0)
        buffer_append_string(text, "null");
    else
        buffer_append_format(text, "\\\"%llu\\\"", (unsigned long long)source->last_commit_lsn);
    buffer_append_string(text, source->lsn == 0 ? ",null" : ",\\\"");
    block->first_lsn_at = text->size;
    buffer_append_string(text, source->lsn == 0 ? "]\",\"ts_us\":" : "\\\"]\",\"ts_us\":");
    number_append_int64(text, source->time_ns / NS_PER_US);
    buffer_append_string(text, ",\"ts_ns\":");
    number_append_int64(text, source->time_ns);
    buffer_append_slice(text, block->names);
    if (source->xid < 0)
        buffer_append_string(text, "null");
    else
        number_append_int64(text, source->xid);
    /* A row of an incremental snapshot has no LSN; its sequence names that of the window. */
    block->second_lsn = source->lsn != 0 && source->snapshot != SNAPSHOT_INCREMENTAL;
    buffer_append_string(text, block->second_lsn ? ",\"lsn\":" : ",\"lsn\":null");
    block->second_lsn_at = text->size;
    append_or_null(text, ",\"xmin\":", source->xmin >= 0, source->xmin);
    buffer_append_string(text, ",\"origin\":");
    if (source->origin == NULL)
        buffer_append_string(text, "null");
    else
        json_append_string(text, slice_from_string(source->origin));
    append_or_null(text, ",\"origin_lsn\":", source->origin_lsn != 0, (int64_t)source->origin_lsn);
    buffer_append_u8(text, '}');
}

void source_block_append(struct source_block *block, const struct debezium_source *source, struct buffer *out)
{
    size_t first, second, size, digits = 0, again;
    uint8_t *to;

    if (!is_rendered(block, source)) {
        render(block, source);
        block->last = *source;
        block->last.origin = NULL; /* its text may be gone by the next event */
        block->rendered = source->origin == NULL;
    }
    first = block->first_lsn_at;
    second = block->second_lsn_at;
    size = block->text.size;
    to = buffer_reserve(out, size + 2 * NUMBER_INTEGER_BYTES);
    if (to == NULL)
        return;
    memcpy(to, block->text.data, first);
    if (source->lsn != 0)
        digits = number_write_uint64(to + first, source->lsn);
    memcpy(to + first + digits, block->text.data + first, second - first);
    again = block->second_lsn ? digits : 0;
    memcpy(to + second + digits, to + first, again);
    memcpy(to + second + digits + again, block->text.data + second, size - second);
    out->size += size + digits + again;
}
