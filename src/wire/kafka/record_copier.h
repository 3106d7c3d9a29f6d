/*
 * wire/kafka/record_copier.h: writes a batch anew with only some of its records, as compaction does. What remains keeps its
 * offset and timestamp; the batch keeps its first and last offset, its producer with its sequence numbers, its leader epoch and
 * its codec, so consumers and idempotent producers see no difference but the records that are missing.
 *
 * A batch whose tombstones are to go some day carries that time, the delete horizon, in the place of its base timestamp (bit 6 of
 * the attributes says so); the records' timestamps are relative to it, as to any other base.
 * Source  KIP-98, KIP-534
 */
#ifndef WIRE_KAFKA_RECORD_COPIER_H
#define WIRE_KAFKA_RECORD_COPIER_H

#include "wire/kafka/records.h"

struct record_copier {
    struct record_batch from; /* borrowed until the end of the batch */
    struct buffer plain;      /* the records so far */
    int64_t base_timestamp_ms;
    int64_t max_timestamp_ms;
    bool has_horizon;
    int32_t count;
};

/* plain_max  bytes of one batch's records, not compressed */
void record_copier_init(struct record_copier *copier, size_t plain_max);
void record_copier_finish(struct record_copier *copier);

/* Begins the batch. delete_horizon_ms  to be set; -1: as the batch has it */
void record_copier_begin(struct record_copier *copier, const struct record_batch *batch, int64_t delete_horizon_ms);

/* Takes a record of that batch, in their order. Failure sticks in `plain`. */
void record_copier_add(struct record_copier *copier, const struct record *record);

/*
 * Appends the new batch with a right checksum; without records it is an empty one. compressor  of the batch's codec, NULL for none;
 * what it does not make smaller stays uncompressed. Failure sticks in `out`.
 */
void record_copier_seal(struct record_copier *copier, struct compressor *compressor, struct buffer *out);

/* When the batch's tombstones may go; -1 when that was not decided yet. */
static inline int64_t record_batch_delete_horizon(const struct record_batch *batch)
{
    return (batch->attributes & RECORD_BATCH_DELETE_HORIZON) != 0 ? batch->base_timestamp_ms : -1;
}

#endif
