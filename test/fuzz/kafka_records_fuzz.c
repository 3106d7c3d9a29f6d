/* Record batches: read, iterate with decompression, and check as a Produce request would, with the checksum made right. */
#include "wire/kafka/records.h"

#include "base/memory.h"

#include "base/banned.h"

#define PLAIN_MAX ((size_t)1 << 20)

static void iterate(const struct record_batch *batch, struct decompressor *decompressor, struct buffer *scratch)
{
    struct record_iterator iterator;
    struct record record;
    struct record_header header;
    enum control_record type;
    int32_t epoch;

    if (record_iterator_init(&iterator, batch, decompressor, PLAIN_MAX, scratch, NULL) != OK)
        return;
    while (record_iterator_next(&iterator, &record)) {
        (void)control_record_read(&record, &type, &epoch);
        while (record_next_header(&record, &header)) {
            if (slice_is_null(header.key))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decompressor *decompressor;
    static struct buffer scratch;
    struct record_batch batch;
    struct record_batches_facts facts;
    struct arena arena;
    struct record_batches_rules rules = {.batch_bytes_max = PLAIN_MAX,
                                         .plain_bytes_max = PLAIN_MAX,
                                         .zstd_allowed = true,
                                         .keys_required = size % 2 == 0,
                                         .timestamp_max_ms = 1000,
                                         .scratch = &scratch,
                                         .arena = &arena};
    uint8_t *copy = memory_new(size);
    struct error error;

    if (decompressor == NULL) {
        decompressor = decompressor_create();
        buffer_init(&scratch, 2 * PLAIN_MAX);
    }
    rules.decompressor = decompressor;
    memcpy(copy, data, size);
    arena_init(&arena, 4096);
    for (size_t at = 0; at < size && record_batch_read(slice_of(copy + at, size - at), &batch, NULL) == OK; at += batch.bytes.size) {
        (void)record_batch_last_sequence(&batch);
        iterate(&batch, decompressor, &scratch);
        record_batch_set_offset(copy + at, 0, -1);
        record_batch_set_max_timestamp(copy + at, batch.max_timestamp_ms);
    }
    (void)!record_batches_check(slice_of(copy, size), &rules, &facts, &error);
    arena_finish(&arena);
    memory_free(copy);
    return 0;
}
