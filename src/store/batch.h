/*
 * store/batch.h: the header of a RecordBatch v2, as far as the store looks into it: sizes, offsets, times, sequence numbers.
 *
 *   offset size field                     offset size field
 *        0    8 base offset                   27    8 base timestamp
 *        8    4 bytes behind this field       35    8 max timestamp
 *       12    4 leader epoch                  43    8 producer id
 *       16    1 magic, 2                      51    2 producer epoch
 *       17    4 crc32c of bytes 21 to end     53    4 base sequence
 *       21    2 attributes                    57    4 count of records
 *       23    4 last offset delta             61      records
 * Source: Kafka protocol guide, "Record Batch"
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "base/slice.h"

#define BATCH_HEADER_BYTES 61
#define BATCH_OVERHEAD_BYTES 12 /* what the size field does not count */

#define BATCH_APPEND_TIME 0x08
#define BATCH_TRANSACTIONAL 0x10
#define BATCH_CONTROL 0x20

struct batch {
    int64_t base_offset;
    int64_t size; /* all of it, header included */
    int32_t leader_epoch;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp;
    int64_t max_timestamp;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t count;
};

/*
 * Reads the header at the front of `bytes`, of which only the first 61 are looked at. False when there are fewer, or when
 * they are no header of version 2: another magic, a size below 61, a last offset delta or count below 0.
 */
bool batch_read(struct slice bytes, struct batch *batch);

static inline int64_t batch_last_offset(const struct batch *batch)
{
    return batch->base_offset + batch->last_offset_delta;
}

/* Sequence number of the last record; numbers wrap from 2147483647 to 0. */
int32_t batch_last_sequence(const struct batch *batch);

/* Writes the fields outside the checksum: base offset and leader epoch. header  at least 16 bytes */
void batch_place(uint8_t *header, int64_t base_offset, int32_t leader_epoch);

/* Turns a batch to LogAppendTime: attribute, max timestamp and the checksum over header and the rest. header  61 bytes, changed */
void batch_stamp(uint8_t *header, struct slice records, int64_t append_time_ms);

/* Is the checksum right? bytes  the whole batch */
bool batch_is_intact(struct slice bytes);

#endif
