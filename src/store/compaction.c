#include "store/compaction.h"

#include "base/banned.h"

#define PLAIN_BYTES_MAX ((size_t)1 << 30) /* what the records of one batch may become */

void compaction_init(struct compaction *compaction, int64_t map_bytes_max, int64_t keys_wanted, const uint64_t key[2])
{
    *compaction = (struct compaction){.decompressor = decompressor_create()};
    offset_map_init(&compaction->map, map_bytes_max, keys_wanted, key);
    record_copier_init(&compaction->copier, PLAIN_BYTES_MAX);
    buffer_init(&compaction->scratch, PLAIN_BYTES_MAX);
}

void compaction_finish(struct compaction *compaction)
{
    offset_map_finish(&compaction->map);
    decompressor_destroy(compaction->decompressor);
    for (size_t i = 0; i < COMPRESSION_COUNT; i++)
        compressor_destroy(compaction->compressors[i]);
    record_copier_finish(&compaction->copier);
    buffer_finish(&compaction->scratch);
}

static enum status records_end(const struct record_iterator *iterator, const struct record_batch *batch, struct error *error)
{
    return iterator->failed ? error_set(error, ERROR_CORRUPT_MESSAGE, "the records of the batch at offset %lld are not what its header says",
                                        (long long)batch->base_offset)
                            : OK;
}

/* ---- The table ---- */

enum status compaction_map(struct compaction *compaction, struct slice bytes, int64_t from, bool *taken, struct error *error)
{
    struct record_iterator iterator;
    struct record_batch batch;
    struct record record;
    enum status status = record_batch_read(bytes, &batch, error);

    *taken = false;
    if (status != OK || record_batch_is_control(&batch) || record_batch_is_transactional(&batch))
        return status;
    *taken = true;
    if (record_batch_next_offset(&batch) > from && batch.count > 0) {
        status = record_iterator_init(&iterator, &batch, compaction->decompressor, PLAIN_BYTES_MAX, &compaction->scratch, error);
        while (status == OK && *taken && record_iterator_next(&iterator, &record)) {
            if (record.offset >= from && !slice_is_null(record.key))
                *taken = offset_map_put(&compaction->map, record.key, record.offset);
        }
        if (status == OK)
            status = records_end(&iterator, &batch, error);
    }
    if (status == OK && *taken)
        compaction->covered = record_batch_next_offset(&batch);
    return status;
}

/* ---- The filter ---- */

/* Is the batch the last one of a producer that is still known? */
static bool is_last_of_producer(const struct compaction *compaction, const struct record_batch *batch)
{
    size_t low = 0, high = compaction->last_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compaction->lasts[middle].producer_id < batch->producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    return batch->producer_id >= 0 && low < compaction->last_count && compaction->lasts[low].producer_id == batch->producer_id &&
           compaction->lasts[low].last_offset == record_batch_next_offset(batch) - 1;
}

static bool stays(const struct compaction *compaction, const struct record_batch *batch, const struct record *record)
{
    int64_t horizon_ms = record_batch_delete_horizon(batch);

    if (slice_is_null(record->key) || record->offset < offset_map_get(&compaction->map, record->key))
        return false;
    return !slice_is_null(record->value) || horizon_ms < 0 || compaction->now_ms < horizon_ms;
}

static struct compressor *compressor_of(struct compaction *compaction, enum compression codec)
{
    if (codec != COMPRESSION_NONE && compaction->compressors[codec] == NULL)
        compaction->compressors[codec] = compressor_create(codec);
    return compaction->compressors[codec];
}

struct verdict { /* of a batch's records */
    int32_t kept;
    bool has_tombstones;
};

/* Counts what stays, from where the iterator stands to the end; with a copier also takes it there. */
static enum status records_sift(const struct compaction *compaction, const struct record_batch *batch, struct record_iterator iterator,
                                struct record_copier *copier, struct verdict *verdict, struct error *error)
{
    struct record record;

    *verdict = (struct verdict){0};
    while (record_iterator_next(&iterator, &record)) {
        if (!stays(compaction, batch, &record))
            continue;
        verdict->kept++;
        verdict->has_tombstones = verdict->has_tombstones || slice_is_null(record.value);
        if (copier != NULL)
            record_copier_add(copier, &record);
    }
    return records_end(&iterator, batch, error);
}

static enum status out_check(const struct buffer *out, const struct record_batch *batch, struct error *error)
{
    return out->failed ? error_set(error, ERROR_LIMIT, "what remains of the batch at offset %lld is too large", (long long)batch->base_offset) : OK;
}

enum status compaction_filter(struct compaction *compaction, struct slice bytes, bool is_last, struct buffer *out, struct error *error)
{
    struct record_copier *copier = &compaction->copier;
    struct verdict verdict = {0};
    struct record_iterator iterator;
    struct record_batch batch;
    enum status status = record_batch_read(bytes, &batch, error);
    int64_t horizon_ms = -1;

    if (status != OK)
        return status;
    compaction->records_read += batch.count;
    if (batch.base_offset >= compaction->covered || record_batch_is_control(&batch) || record_batch_is_transactional(&batch)) {
        compaction->records_kept += batch.count;
        buffer_append_slice(out, bytes);
        return out_check(out, &batch, error);
    }
    if (batch.count > 0) {
        status = record_iterator_init(&iterator, &batch, compaction->decompressor, PLAIN_BYTES_MAX, &compaction->scratch, error);
        if (status == OK)
            status = records_sift(compaction, &batch, iterator, NULL, &verdict, error);
    }
    if (status != OK)
        return status;
    compaction->records_kept += verdict.kept;
    if (verdict.kept == 0 && !is_last && !is_last_of_producer(compaction, &batch))
        return OK;
    if (verdict.has_tombstones && record_batch_delete_horizon(&batch) < 0)
        horizon_ms = compaction->delete_retention_ms > INT64_MAX - compaction->now_ms ? INT64_MAX
                                                                                        : compaction->now_ms + compaction->delete_retention_ms;
    if (verdict.kept == batch.count && horizon_ms < 0) {
        buffer_append_slice(out, bytes);
        return out_check(out, &batch, error);
    }
    record_copier_begin(copier, &batch, horizon_ms);
    if (verdict.kept > 0)
        status = records_sift(compaction, &batch, iterator, copier, &verdict, error);
    if (status == OK)
        record_copier_seal(copier, compressor_of(compaction, record_batch_codec(&batch)), out);
    return status == OK ? out_check(out, &batch, error) : status;
}
