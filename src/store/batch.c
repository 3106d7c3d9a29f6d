#include "store/batch.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/reader.h"

#define EPOCH_AT 12
#define CRC_AT 17
#define ATTRIBUTES_AT 21
#define MAX_TIMESTAMP_AT 35

bool batch_read(struct slice bytes, struct batch *batch)
{
    struct reader in = reader_of(bytes);
    uint8_t magic;

    if (bytes.size < BATCH_HEADER_BYTES)
        return false;
    batch->base_offset = (int64_t)read_u64(&in);
    batch->size = (int64_t)(int32_t)read_u32(&in) + BATCH_OVERHEAD_BYTES;
    batch->leader_epoch = (int32_t)read_u32(&in);
    magic = read_u8(&in);
    batch->crc = read_u32(&in);
    batch->attributes = (int16_t)read_u16(&in);
    batch->last_offset_delta = (int32_t)read_u32(&in);
    batch->base_timestamp = (int64_t)read_u64(&in);
    batch->max_timestamp = (int64_t)read_u64(&in);
    batch->producer_id = (int64_t)read_u64(&in);
    batch->producer_epoch = (int16_t)read_u16(&in);
    batch->base_sequence = (int32_t)read_u32(&in);
    batch->count = (int32_t)read_u32(&in);
    return magic == 2 && batch->size >= BATCH_HEADER_BYTES && batch->last_offset_delta >= 0 && batch->count >= 0 && batch->base_offset >= 0 &&
           batch->base_offset <= INT64_MAX - INT32_MAX - 1;
}

int32_t batch_last_sequence(const struct batch *batch)
{
    return (int32_t)(((int64_t)batch->base_sequence + batch->last_offset_delta) & INT32_MAX);
}

static void put_u32(uint8_t *to, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof(value));
}

static void put_u64(uint8_t *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof(value));
}

void batch_place(uint8_t *header, int64_t base_offset, int32_t leader_epoch)
{
    put_u64(header, (uint64_t)base_offset);
    put_u32(header + EPOCH_AT, (uint32_t)leader_epoch);
}

void batch_stamp(uint8_t *header, struct slice records, int64_t append_time_ms)
{
    uint32_t crc;

    header[ATTRIBUTES_AT + 1] |= BATCH_APPEND_TIME;
    put_u64(header + MAX_TIMESTAMP_AT, (uint64_t)append_time_ms);
    crc = crc32c(0, slice_of(header + ATTRIBUTES_AT, BATCH_HEADER_BYTES - ATTRIBUTES_AT));
    put_u32(header + CRC_AT, crc32c(crc, records));
}

bool batch_is_intact(struct slice bytes)
{
    struct batch batch;

    return batch_read(bytes, &batch) && (size_t)batch.size <= bytes.size &&
           crc32c(0, slice_of(bytes.data + ATTRIBUTES_AT, (size_t)batch.size - ATTRIBUTES_AT)) == batch.crc;
}
