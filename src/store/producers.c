#include "store/producers.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"
#include "store/compaction.h"

#define BATCHES_KEPT 5
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_HEADER_BYTES 10u
#define ENTRY_BYTES 46u

struct noted_batch {
    int32_t first_sequence;
    int32_t last_sequence;
    int64_t first_offset;
    int64_t last_offset;
    int64_t timestamp_ms;
};

struct producer {
    int64_t id;
    int16_t epoch;
    int32_t coordinator_epoch; /* -1: no marker seen */
    int64_t transaction_start; /* -1: no transaction open */
    int64_t timestamp_ms;      /* of the last batch or marker */
    int count;
    struct noted_batch batches[BATCHES_KEPT]; /* oldest first */
};

struct undo {
    struct producer before;
    bool existed;
};

struct producers {
    struct map map; /* producer id, 8 bytes -> struct producer */
    struct undo *undos;
    size_t undo_count, undo_capacity;
    size_t open_transactions;
};

struct producers *producers_create(void)
{
    struct producers *producers = memory_new(sizeof(*producers));

    map_init(&producers->map);
    return producers;
}

static void clear(struct producers *producers)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&producers->map, &at)) != NULL)
        memory_free(entry->value);
    map_finish(&producers->map);
    producers->undo_count = 0;
    producers->open_transactions = 0;
}

void producers_destroy(struct producers *producers)
{
    if (producers == NULL)
        return;
    clear(producers);
    memory_free(producers->undos);
    memory_free(producers);
}

static struct producer *find(const struct producers *producers, int64_t id)
{
    return map_get(&producers->map, slice_of(&id, sizeof(id)));
}

static int32_t next_sequence(int32_t sequence)
{
    return sequence == INT32_MAX ? 0 : sequence + 1;
}

enum status producers_check(const struct producers *producers, const struct batch *batch, int64_t *first_offset, int64_t *timestamp_ms)
{
    const struct producer *producer = find(producers, batch->producer_id);

    if (producer == NULL)
        return OK;
    if (batch->producer_epoch < producer->epoch)
        return ERROR_INVALID_PRODUCER_EPOCH;
    if (batch->producer_epoch > producer->epoch)
        return batch->base_sequence == 0 ? OK : ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    for (int i = 0; i < producer->count; i++) {
        const struct noted_batch *noted = &producer->batches[i];

        if (noted->first_sequence == batch->base_sequence && noted->last_sequence == batch_last_sequence(batch)) {
            *first_offset = noted->first_offset;
            *timestamp_ms = noted->timestamp_ms;
            return ERROR_DUPLICATE_SEQUENCE_NUMBER;
        }
    }
    if (producer->count == 0)
        return batch->base_sequence == 0 ? OK : ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (batch->base_sequence != next_sequence(producer->batches[producer->count - 1].last_sequence))
        return ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    return OK;
}

static void undo_push(struct producers *producers, const struct producer *producer, bool existed)
{
    if (producers->undo_count == producers->undo_capacity) {
        producers->undo_capacity = producers->undo_capacity == 0 ? 8 : producers->undo_capacity * 2;
        producers->undos = memory_resize(producers->undos, producers->undo_capacity * sizeof(*producers->undos));
    }
    producers->undos[producers->undo_count++] = (struct undo){*producer, existed};
}

static struct producer *add(struct producers *producers, int64_t id)
{
    struct producer *producer = memory_new(sizeof(*producer));

    producer->id = id;
    producer->epoch = -1;
    producer->coordinator_epoch = -1;
    producer->transaction_start = -1;
    (void)map_put(&producers->map, slice_of(&id, sizeof(id)), producer);
    return producer;
}

static void transaction_set(struct producers *producers, struct producer *producer, int64_t start)
{
    if (producer->transaction_start >= 0)
        producers->open_transactions--;
    if (start >= 0)
        producers->open_transactions++;
    producer->transaction_start = start;
}

static void note_data(struct producers *producers, struct producer *producer, const struct batch *batch)
{
    if (producer->count == BATCHES_KEPT) {
        memmove(producer->batches, producer->batches + 1, (BATCHES_KEPT - 1) * sizeof(producer->batches[0]));
        producer->count--;
    }
    producer->batches[producer->count++] = (struct noted_batch){.first_sequence = batch->base_sequence,
                                                               .last_sequence = batch_last_sequence(batch),
                                                               .first_offset = batch->base_offset,
                                                               .last_offset = batch_last_offset(batch),
                                                               .timestamp_ms = batch->max_timestamp};
    if ((batch->attributes & BATCH_TRANSACTIONAL) != 0 && producer->transaction_start < 0)
        transaction_set(producers, producer, batch->base_offset);
}

void producers_note(struct producers *producers, const struct batch *batch)
{
    struct producer *producer;
    bool existed;

    if (batch->producer_id < 0)
        return;
    producer = find(producers, batch->producer_id);
    existed = producer != NULL;
    if (!existed)
        producer = add(producers, batch->producer_id);
    undo_push(producers, producer, existed);
    if (batch->producer_epoch != producer->epoch)
        producer->count = 0;
    producer->epoch = batch->producer_epoch;
    producer->timestamp_ms = batch->max_timestamp;
    if ((batch->attributes & BATCH_CONTROL) != 0) {
        producer->coordinator_epoch = 0;
        transaction_set(producers, producer, -1);
    } else {
        note_data(producers, producer, batch);
    }
}

void producers_keep(struct producers *producers)
{
    producers->undo_count = 0;
}

void producers_undo(struct producers *producers)
{
    while (producers->undo_count > 0) {
        const struct undo *undo = &producers->undos[--producers->undo_count];
        struct producer *producer = find(producers, undo->before.id);

        transaction_set(producers, producer, undo->before.transaction_start);
        if (undo->existed) {
            *producer = undo->before;
        } else {
            (void)map_remove(&producers->map, slice_of(&undo->before.id, sizeof(undo->before.id)));
            memory_free(producer);
        }
    }
}

void producers_expire(struct producers *producers, int64_t before_ms)
{
    const struct map_entry *entry;
    size_t at = 0, count = 0;
    int64_t *ids;

    if (producers->map.count == 0)
        return;
    ids = memory_new_array(producers->map.count, sizeof(*ids));
    while ((entry = map_next(&producers->map, &at)) != NULL) {
        const struct producer *producer = entry->value;

        if (producer->timestamp_ms < before_ms && producer->transaction_start < 0)
            ids[count++] = producer->id;
    }
    for (size_t i = 0; i < count; i++)
        memory_free(map_remove(&producers->map, slice_of(&ids[i], sizeof(ids[i]))));
    memory_free(ids);
}

size_t producers_count(const struct producers *producers)
{
    return producers->map.count;
}

int64_t producers_first_unstable(const struct producers *producers)
{
    const struct map_entry *entry;
    size_t at = 0;
    int64_t first = -1;

    if (producers->open_transactions == 0)
        return -1;
    while ((entry = map_next(&producers->map, &at)) != NULL) {
        const struct producer *producer = entry->value;

        if (producer->transaction_start >= 0 && (first < 0 || producer->transaction_start < first))
            first = producer->transaction_start;
    }
    return first;
}

static int compare_by_id(const void *a, const void *b)
{
    int64_t left = (*(struct producer *const *)a)->id, right = (*(struct producer *const *)b)->id;

    return left < right ? -1 : left > right;
}

/* All producers by id; the caller frees. */
static const struct producer **sorted(const struct producers *producers)
{
    const struct producer **list = memory_new_array(producers->map.count, sizeof(struct producer *));
    const struct map_entry *entry;
    size_t at = 0, count = 0;

    while ((entry = map_next(&producers->map, &at)) != NULL)
        list[count++] = entry->value;
    qsort(list, count, sizeof(struct producer *), compare_by_id);
    return list;
}

struct producer_last *producers_lasts(const struct producers *producers, size_t *count)
{
    const struct producer **list = sorted(producers);
    struct producer_last *lasts = memory_new_array(producers->map.count + 1, sizeof(*lasts));

    *count = 0;
    for (size_t i = 0; i < producers->map.count; i++) {
        if (list[i]->count > 0)
            lasts[(*count)++] = (struct producer_last){list[i]->id, list[i]->batches[list[i]->count - 1].last_offset};
    }
    memory_free(list);
    return lasts;
}

void producers_encode(const struct producers *producers, struct buffer *snapshot)
{
    const struct producer **list = sorted(producers);
    size_t start = snapshot->size;
    uint32_t crc;

    buffer_append_u16(snapshot, SNAPSHOT_VERSION);
    buffer_append_u32(snapshot, 0);
    buffer_append_u32(snapshot, (uint32_t)producers->map.count);
    for (size_t i = 0; i < producers->map.count; i++) {
        const struct producer *producer = list[i];
        const struct noted_batch *last = producer->count == 0 ? NULL : &producer->batches[producer->count - 1];

        buffer_append_u64(snapshot, (uint64_t)producer->id);
        buffer_append_u16(snapshot, (uint16_t)producer->epoch);
        buffer_append_u32(snapshot, last == NULL ? UINT32_MAX : (uint32_t)last->last_sequence);
        buffer_append_u64(snapshot, last == NULL ? UINT64_MAX : (uint64_t)last->last_offset);
        buffer_append_u32(snapshot, last == NULL ? 0 : (uint32_t)(last->last_offset - last->first_offset));
        buffer_append_u64(snapshot, (uint64_t)producer->timestamp_ms);
        buffer_append_u32(snapshot, (uint32_t)producer->coordinator_epoch);
        buffer_append_u64(snapshot, (uint64_t)producer->transaction_start);
    }
    memory_free(list);
    if (snapshot->failed)
        return;
    crc = crc32c(0, slice_of(snapshot->data + start + 6, snapshot->size - start - 6));
    buffer_patch_u32(snapshot, start + 2, crc);
}

static void entry_decode(struct producers *producers, struct reader *in)
{
    struct producer *producer = add(producers, (int64_t)read_u64(in));
    struct noted_batch last;
    int32_t delta;
    int64_t start;

    producer->epoch = (int16_t)read_u16(in);
    last.last_sequence = (int32_t)read_u32(in);
    last.last_offset = (int64_t)read_u64(in);
    delta = (int32_t)read_u32(in);
    last.timestamp_ms = (int64_t)read_u64(in);
    producer->timestamp_ms = last.timestamp_ms;
    producer->coordinator_epoch = (int32_t)read_u32(in);
    start = (int64_t)read_u64(in);
    transaction_set(producers, producer, start);
    if (last.last_sequence < 0 || last.last_offset < 0)
        return;
    last.first_sequence = (int32_t)(((int64_t)last.last_sequence - delta) & INT32_MAX);
    last.first_offset = last.last_offset - delta;
    producer->batches[producer->count++] = last;
}

enum status producers_decode(struct producers *producers, struct slice snapshot, struct error *error)
{
    struct reader in = reader_of(snapshot);
    uint16_t version = read_u16(&in);
    uint32_t crc = read_u32(&in);
    uint32_t count = read_u32(&in);

    clear(producers);
    if (in.failed || version != SNAPSHOT_VERSION || (snapshot.size - SNAPSHOT_HEADER_BYTES) / ENTRY_BYTES != count ||
        (snapshot.size - SNAPSHOT_HEADER_BYTES) % ENTRY_BYTES != 0 || crc32c(0, slice_from(snapshot, 6)) != crc)
        return error_set(error, ERROR_CORRUPT, "no producer snapshot of version %d with a right checksum", SNAPSHOT_VERSION);
    for (uint32_t i = 0; i < count; i++) {
        int64_t id;
        struct reader peek = in;

        id = (int64_t)read_u64(&peek);
        if (find(producers, id) != NULL) {
            clear(producers);
            return error_set(error, ERROR_CORRUPT, "producer %lld stands twice in the snapshot", (long long)id);
        }
        entry_decode(producers, &in);
    }
    return OK;
}
