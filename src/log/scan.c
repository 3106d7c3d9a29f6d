#include "log/scan.h"

#include "base/banned.h"
#include "base/memory.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define CHUNK_BYTES_MAX ((size_t)256 << 20)

struct scan {
    struct log *log;
    struct decompressor *decompressor;
    struct buffer chunk, scratch;
    struct slice rest; /* of the chunk */
    struct record_batch batch;
    struct record_iterator records;
    bool in_batch;
    const char *topic;
    int32_t partition;
    int64_t from, to, next; /* next: where the chunk after this one begins */
};

struct scan *scan_create(struct log *log)
{
    struct scan *scan = memory_new(sizeof(*scan));

    scan->log = log;
    scan->decompressor = decompressor_create();
    buffer_init(&scan->chunk, CHUNK_BYTES_MAX);
    buffer_init(&scan->scratch, CHUNK_BYTES_MAX);
    return scan;
}

void scan_destroy(struct scan *scan)
{
    if (scan == NULL)
        return;
    decompressor_destroy(scan->decompressor);
    buffer_finish(&scan->chunk);
    buffer_finish(&scan->scratch);
    memory_free(scan);
}

void scan_seek(struct scan *scan, const char *topic, int32_t partition, int64_t from, int64_t to)
{
    scan->topic = topic;
    scan->partition = partition;
    scan->from = scan->next = from;
    scan->to = to;
    scan->rest = slice_null();
    scan->in_batch = false;
}

/* Opens the next batch. */
static enum scan_result batch_open(struct scan *scan, struct error *error)
{
    int64_t before = scan->next;

    if (scan->rest.size == 0) {
        if (scan->next >= scan->to)
            return SCAN_END;
        buffer_reset(&scan->chunk);
        if (log_read(scan->log, scan->topic, scan->partition, scan->next, CHUNK_BYTES, &scan->chunk, &scan->next, error) != OK)
            return SCAN_FAILED;
        scan->rest = buffer_slice(&scan->chunk);
        if (scan->rest.size == 0 || scan->next <= before)
            return SCAN_END;
    }
    if (record_batch_read(scan->rest, &scan->batch, error) != OK)
        return SCAN_FAILED;
    scan->rest = slice_from(scan->rest, scan->batch.bytes.size);
    if (record_batch_is_control(&scan->batch))
        return SCAN_RECORD; /* in_batch stays false: the caller goes on */
    if (record_iterator_init(&scan->records, &scan->batch, scan->decompressor, CHUNK_BYTES_MAX, &scan->scratch, error) != OK)
        return SCAN_FAILED;
    scan->in_batch = true;
    return SCAN_RECORD;
}

enum scan_result scan_next(struct scan *scan, struct record *record, struct record_batch *batch, struct error *error)
{
    for (;;) {
        enum scan_result result;

        while (scan->in_batch && record_iterator_next(&scan->records, record)) {
            if (record->offset >= scan->to)
                return SCAN_END;
            if (record->offset >= scan->from) {
                *batch = scan->batch;
                return SCAN_RECORD;
            }
        }
        if (scan->in_batch && scan->records.failed) {
            (void)error_set(error, ERROR_CORRUPT_MESSAGE, "a record of the batch at offset %lld is not readable", (long long)scan->batch.base_offset);
            return SCAN_FAILED;
        }
        scan->in_batch = false;
        result = batch_open(scan, error);
        if (result != SCAN_RECORD)
            return result;
    }
}
