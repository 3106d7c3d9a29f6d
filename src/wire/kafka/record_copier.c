#include "wire/kafka/record_copier.h"

#include "base/banned.h"
#include "base/crc32c.h"

#define AT_LENGTH 8
#define AT_CRC 17
#define AT_ATTRIBUTES 21

void record_copier_init(struct record_copier *copier, size_t plain_max)
{
    *copier = (struct record_copier){.count = 0};
    buffer_init(&copier->plain, plain_max);
}

void record_copier_finish(struct record_copier *copier)
{
    buffer_finish(&copier->plain);
}

void record_copier_begin(struct record_copier *copier, const struct record_batch *batch, int64_t delete_horizon_ms)
{
    copier->from = *batch;
    buffer_reset(&copier->plain);
    copier->has_horizon = delete_horizon_ms >= 0 || record_batch_delete_horizon(batch) >= 0;
    copier->base_timestamp_ms = delete_horizon_ms >= 0 ? delete_horizon_ms : batch->base_timestamp_ms;
    copier->max_timestamp_ms = -1;
    copier->count = 0;
}

static size_t nullable_bytes(struct slice slice)
{
    return slice_is_null(slice) ? 1 : varint_bytes((int64_t)slice.size) + slice.size;
}

static void append_nullable(struct buffer *out, struct slice slice)
{
    buffer_append_varint(out, slice_is_null(slice) ? -1 : (int64_t)slice.size);
    buffer_append_slice(out, slice);
}

void record_copier_add(struct record_copier *copier, const struct record *record)
{
    int64_t time_delta = (int64_t)((uint64_t)record->timestamp_ms - (uint64_t)copier->base_timestamp_ms); /* readers wrap around too */
    int64_t offset_delta = record->offset - copier->from.base_offset;
    struct buffer *out = &copier->plain;

    buffer_append_varint(out, (int64_t)(1 + varint_bytes(time_delta) + varint_bytes(offset_delta) + nullable_bytes(record->key) +
                                        nullable_bytes(record->value) + varint_bytes(record->header_count) + record->headers.size));
    buffer_append_u8(out, 0);
    buffer_append_varint(out, time_delta);
    buffer_append_varint(out, offset_delta);
    append_nullable(out, record->key);
    append_nullable(out, record->value);
    buffer_append_varint(out, record->header_count);
    buffer_append_slice(out, record->headers);
    if (record->timestamp_ms > copier->max_timestamp_ms)
        copier->max_timestamp_ms = record->timestamp_ms;
    copier->count++;
}

static void header_append(const struct record_copier *copier, int attributes, struct buffer *out)
{
    const struct record_batch *from = &copier->from;
    bool append_time = (from->attributes & RECORD_BATCH_APPEND_TIME) != 0; /* then the header's is the time of all records */

    buffer_append_u64(out, (uint64_t)from->base_offset);
    buffer_append_u32(out, 0);
    buffer_append_u32(out, (uint32_t)from->leader_epoch);
    buffer_append_u8(out, RECORD_BATCH_MAGIC);
    buffer_append_u32(out, 0);
    buffer_append_u16(out, (uint16_t)attributes);
    buffer_append_u32(out, (uint32_t)from->last_offset_delta);
    buffer_append_u64(out, (uint64_t)copier->base_timestamp_ms);
    buffer_append_u64(out, (uint64_t)(append_time || copier->count == 0 ? from->max_timestamp_ms : copier->max_timestamp_ms));
    buffer_append_u64(out, (uint64_t)from->producer_id);
    buffer_append_u16(out, (uint16_t)from->producer_epoch);
    buffer_append_u32(out, (uint32_t)from->base_sequence);
    buffer_append_u32(out, (uint32_t)copier->count);
}

void record_copier_seal(struct record_copier *copier, struct compressor *compressor, struct buffer *out)
{
    int kept = copier->from.attributes & (RECORD_BATCH_APPEND_TIME | RECORD_BATCH_TRANSACTIONAL | RECORD_BATCH_CONTROL);
    int attributes = kept | (copier->has_horizon ? RECORD_BATCH_DELETE_HORIZON : 0);
    bool compressed = compressor != NULL && copier->count > 0;
    size_t at = out->size, body;

    header_append(copier, compressed ? attributes | (int)compressor_codec(compressor) : attributes, out);
    body = out->size;
    if (compressed)
        compressor_run(compressor, buffer_slice(&copier->plain), out);
    if (compressed && !out->failed && out->size - body >= copier->plain.size) {
        compressed = false;
        out->size = at;
        header_append(copier, attributes, out);
    }
    if (!compressed)
        buffer_append_slice(out, buffer_slice(&copier->plain));
    if (copier->plain.failed)
        out->failed = true;
    if (out->failed)
        return;
    buffer_patch_u32(out, at + AT_LENGTH, (uint32_t)(out->size - at - RECORD_BATCH_LENGTH_END));
    buffer_patch_u32(out, at + AT_CRC, crc32c(0, slice_of(out->data + at + AT_ATTRIBUTES, out->size - at - AT_ATTRIBUTES)));
}
