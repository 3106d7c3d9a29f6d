/* test/unit/store/batches.h: record batches and appends for the tests of the store. */
#ifndef TEST_UNIT_STORE_BATCHES_H
#define TEST_UNIT_STORE_BATCHES_H

#include "check.h"

#include "base/memory.h"
#include "store/store.h"
#include "wire/kafka/records.h"

struct batch_shape {
    int count;            /* records; 0: one */
    size_t value_bytes;   /* of each; 0: 10 */
    int64_t timestamp_ms; /* of the first, each next one 1 ms later */
    int64_t producer_id;  /* 0: none */
    int16_t epoch;
    int32_t sequence;
    const char *key;      /* of all; NULL: "key" */
    bool tombstones;
};

/* A batch in memory that the caller frees (data). */
static inline struct slice batch_make(struct batch_shape shape)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder builder;
    struct slice batch;
    size_t value_bytes = shape.value_bytes == 0 ? 10 : shape.value_bytes;
    char *value = memory_new(value_bytes);

    memset(value, 'v', value_bytes);
    if (shape.producer_id > 0)
        spec = (struct record_batch_spec){shape.producer_id, shape.epoch, shape.sequence, false};
    record_builder_init(&builder, (size_t)64 << 20);
    for (int i = 0; i < (shape.count == 0 ? 1 : shape.count); i++)
        assert_true(record_builder_append(&builder, shape.timestamp_ms + i, slice_from_string(shape.key == NULL ? "key" : shape.key),
                                          shape.tombstones ? slice_null() : slice_of(value, value_bytes), NULL, 0));
    batch = record_builder_seal(&builder, &spec, NULL);
    batch = slice_of(memory_copy_bytes(batch.data, batch.size), batch.size);
    record_builder_finish(&builder);
    memory_free(value);
    return batch;
}

static inline void batch_free(struct slice batch)
{
    memory_free((void *)(uintptr_t)batch.data);
}

static inline void answered_note(struct append *append)
{
    *(bool *)append->context = true;
}

/* Appends to a store in manual mode, or one whose answer is waited for by running rounds; gives the status. */
static inline enum status append_now(struct store *store, struct partition *partition, struct slice batches, int64_t *first_offset)
{
    bool answered = false;
    struct append append = {.partition = partition, .batches = batches, .acks = -1, .done = answered_note, .context = &answered};

    store_append(store, &append);
    store_run(store);
    assert_true(answered);
    if (first_offset != NULL)
        *first_offset = append.first_offset;
    return append.status;
}

static inline enum status append_shape(struct store *store, struct partition *partition, struct batch_shape shape, int64_t *first_offset)
{
    struct slice batch = batch_make(shape);
    enum status status = append_now(store, partition, batch, first_offset);

    batch_free(batch);
    return status;
}

#endif
