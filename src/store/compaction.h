/*
 * store/compaction.h: what remains of a batch when only the newest record of each key is kept. No files, no threads.
 *
 * First the keys of the dirty part go into the table, batch by batch; then every batch from the log start on is filtered by it:
 *   - a record stays when it is the newest of its key, or lies behind what the table covers; one without a key goes;
 *   - a tombstone stays until the delete horizon of its batch, which is set when it is met first, delete.retention.ms ahead;
 *   - a batch of which nothing stays goes, but for the last one of a producer that is still known, and for the last one of what
 *     becomes a file: of those an empty batch stays, so that sequence numbers and the offsets that files cover have no gap.
 *
 * Transactions: compaction ends before the first batch that is transactional or a control batch (compaction_map), because whether
 * such records count is not known here. Whoever adds an abort index has to: tell compaction_map which batches were aborted (they
 * go, and their keys do not count); keep a marker until no record of its transaction is left and its batch's delete horizon has
 * passed; write the .txnindex of a cleaned segment. The dirty part already ends at the last stable offset (selection.h).
 * Source  Kafka's documentation, "Log Compaction"; KIP-98, KIP-534
 */
#ifndef STORE_COMPACTION_H
#define STORE_COMPACTION_H

#include "store/offset_map.h"
#include "wire/kafka/record_copier.h"

struct producer_last { /* the last batch of a producer that is still known */
    int64_t producer_id;
    int64_t last_offset;
};

struct compaction {
    struct offset_map map;
    int64_t covered; /* the table has all keys of the dirty part below this offset */
    int64_t now_ms;
    int64_t delete_retention_ms;
    const struct producer_last *lasts; /* by id; borrowed */
    size_t last_count;
    int64_t records_read, records_kept;

    struct decompressor *decompressor;
    struct compressor *compressors[COMPRESSION_COUNT]; /* made when first needed */
    struct record_copier copier;
    struct buffer scratch;
};

/* The table as offset_map_init. The other fields above are set by the caller. */
void compaction_init(struct compaction *compaction, int64_t map_bytes_max, int64_t keys_wanted, const uint64_t key[2]);
void compaction_finish(struct compaction *compaction);

/*
 * Puts the keys of a batch into the table and moves `covered` behind it.
 * from   records before it are clean and left out
 * taken  false when the table has no room for it, or the batch belongs to a transaction: what stands before is what can be compacted
 * Errors CORRUPT_MESSAGE and others of record_iterator_init
 */
enum status compaction_map(struct compaction *compaction, struct slice batch, int64_t from, bool *taken, struct error *error);

/*
 * Appends what remains of a batch to `out`.
 * is_last  of what becomes a file: at least an empty batch stays
 * Errors   as above; LIMIT when `out` is full
 */
enum status compaction_filter(struct compaction *compaction, struct slice batch, bool is_last, struct buffer *out, struct error *error);

#endif
