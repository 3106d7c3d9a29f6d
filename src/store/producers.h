/*
 * store/producers.h: what a partition remembers of idempotent producers: for each producer id the epoch and the last five
 * batches, to know a repeated batch and refuse one out of order; and open transactions, for the last stable offset.
 *
 * The .snapshot file, Kafka's format, numbers big-endian, named after the offset that it stands for:
 *   offset size
 *        0    2 version, 1
 *        2    4 crc32c of what follows
 *        6    4 count of entries
 *       10      entries of 46 bytes: producer id 8, epoch 2, last sequence 4, last offset 8, offset delta of the last batch 4,
 *               timestamp 8, coordinator epoch 4, first offset of the open transaction 8 (-1 none)
 * Source: Kafka's ProducerStateManager as its documentation and kafka-dump-log show it
 *
 * Thread: the committer only.
 */
#ifndef STORE_PRODUCERS_H
#define STORE_PRODUCERS_H

#include "base/buffer.h"
#include "base/error.h"
#include "store/batch.h"

struct producers;
struct producer_last; /* store/compaction.h */

struct producers *producers_create(void);
void producers_destroy(struct producers *producers); /* NULL is fine */

/*
 * May this batch of a producer be appended? The batch's producer id is not -1.
 * first_offset, timestamp_ms  set on DUPLICATE_SEQUENCE_NUMBER: where the batch already is
 * Errors  DUPLICATE_SEQUENCE_NUMBER, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH
 */
enum status producers_check(const struct producers *producers, const struct batch *batch, int64_t *first_offset, int64_t *timestamp_ms);

/* Notes a batch at its final offset, data or marker; batches without a producer id are none of its business. */
void producers_note(struct producers *producers, const struct batch *batch);

/* What was noted since the last of these calls is kept, or taken back. */
void producers_keep(struct producers *producers);
void producers_undo(struct producers *producers);

/* The last offset of each one's last batch, by id, in memory that the caller frees; those without a batch are left out. */
struct producer_last *producers_lasts(const struct producers *producers, size_t *count);

/* Drops producers that wrote nothing since `before_ms` and have no open transaction. */
void producers_expire(struct producers *producers, int64_t before_ms);

size_t producers_count(const struct producers *producers);

/* First offset of the oldest open transaction; -1 when none is open. */
int64_t producers_first_unstable(const struct producers *producers);

void producers_encode(const struct producers *producers, struct buffer *snapshot);

/* Errors: CORRUPT; what it holds is then empty. */
enum status producers_decode(struct producers *producers, struct slice snapshot, struct error *error);

#endif
