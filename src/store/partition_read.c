#include "store/partition.h"

#include "base/banned.h"
#include "base/memory.h"
#include "store/internal.h"
#include "store/scan.h"
#include "wire/kafka/compression.h"
#include "wire/kafka/records.h"

#define WINDOW_BYTES 8192 /* headers are read in such pieces; an index entry is some 4096 bytes away */

struct topic *partition_topic(const struct partition *partition)
{
    return partition->topic;
}

int32_t partition_index(const struct partition *partition)
{
    return partition->index;
}

int64_t partition_start(const struct partition *partition)
{
    return atomic_load_explicit(&partition->start, memory_order_acquire);
}

int64_t partition_end(const struct partition *partition)
{
    return atomic_load_explicit(&partition->end, memory_order_acquire);
}

int64_t partition_stable_end(const struct partition *partition)
{
    return atomic_load_explicit(&partition->stable_end, memory_order_acquire);
}

int32_t partition_leader_epoch(const struct partition *partition)
{
    return atomic_load_explicit(&partition->leader_epoch, memory_order_relaxed);
}

int64_t partition_bytes(const struct partition *partition)
{
    struct partition *readable = (struct partition *)(uintptr_t)partition;
    struct segment *last = partition_segment_at(readable, INT64_MAX);
    int64_t bytes = atomic_load_explicit(&partition->closed_bytes, memory_order_relaxed);

    if (last != NULL) {
        bytes += segment_bytes(last);
        segment_release(last);
    }
    return bytes;
}

int32_t partition_segment_count(struct partition *partition)
{
    const struct segment_list *list;
    size_t count;

    (void)atomic_fetch_add(&partition->readers, 1);
    list = atomic_load(&partition->list);
    count = list == NULL ? 0 : list->count;
    (void)atomic_fetch_sub(&partition->readers, 1);
    return (int32_t)count;
}

bool partition_is_read_only(const struct partition *partition)
{
    return atomic_load_explicit(&partition->read_only, memory_order_relaxed);
}

/* ---- Ranges ---- */

/* The first batch that ends at or behind `offset`, among the published ones of a pinned segment. */
static enum status batch_find(struct segment *segment, int64_t offset, int64_t limit, struct batch *batch, int64_t *position, bool *found,
                              struct error *error)
{
    uint8_t window[WINDOW_BYTES];
    struct index_entry entry;
    struct scan scan;
    enum status status = OK;
    int64_t from = 0;

    /* An entry's batch ends at its offset, so the last one before the offset lies before the batch that is wanted. */
    if (index_find_key(&segment->offsets, offset - segment->base, &entry) && entry.value < limit)
        from = entry.value;
    scan_init(&scan, segment->file, from, limit, window, sizeof(window));
    do {
        *position = scan.position;
        status = scan_header(&scan, batch, found, error);
    } while (status == OK && *found && batch_last_offset(batch) < offset);
    if (status == OK && !*found && scan.position < limit)
        status = error_set(error, ERROR_CORRUPT, "%s: no batch stands at byte %lld", segment->file->path, (long long)scan.position);
    return status;
}

/* The end of the last whole batch that ends at or before `wanted`, and the offset behind it. `first` begins at `from` and is taken anyhow. */
static enum status end_find(struct segment *segment, int64_t from, const struct batch *first, int64_t wanted, int64_t limit, int64_t *end,
                            int64_t *next, struct error *error)
{
    uint8_t window[WINDOW_BYTES];
    struct index_entry entry;
    struct batch batch;
    struct scan scan;
    enum status status;
    bool found;

    *end = from + first->size;
    *next = batch_last_offset(first) + 1;
    scan_init(&scan, segment->file, *end, limit, window, sizeof(window));
    if (wanted < *end)
        return OK;
    if (index_find_value(&segment->offsets, (uint32_t)wanted, &entry) && entry.value > *end) {
        scan.position = entry.value;
        *end = -1; /* the entry says where a batch begins, not where the one before ends its offsets: the next header does */
    }
    for (;;) {
        int64_t at = scan.position;

        status = scan_header(&scan, &batch, &found, error);
        if (status != OK)
            return status;
        if (!found)
            return error_set(error, ERROR_CORRUPT, "%s: no batch stands at byte %lld", segment->file->path, (long long)at);
        if (*end < 0) {
            *end = at;
            *next = batch.base_offset;
        }
        if (at + batch.size > wanted)
            return OK;
        *end = at + batch.size;
        *next = batch_last_offset(&batch) + 1;
    }
}

/* Fills the range from one pinned segment. found  false when the segment has nothing at or behind the offset */
static enum status range_fill(struct segment *segment, int64_t offset, size_t bytes_max, bool strict, struct range *range, bool *found,
                              struct error *error)
{
    uint64_t published = atomic_load_explicit(&segment->published, memory_order_acquire);
    int64_t limit = published_bytes(published), next = segment->base + (int64_t)(published >> 32);
    int64_t position = 0, end = limit;
    struct batch first;
    enum status status = batch_find(segment, offset, limit, &first, &position, found, error);

    if (status != OK || !*found || (strict && (uint64_t)first.size > bytes_max))
        return status;
    if ((uint64_t)(limit - position) > bytes_max)
        status = end_find(segment, position, &first, position + (int64_t)bytes_max, limit, &end, &next, error);
    if (status != OK)
        return status;
    range->fd = segment->file->fd;
    range->position = position;
    range->size = (size_t)(end - position);
    range->first_offset = first.base_offset;
    range->next_offset = next;
    return OK;
}

static enum status range_check(struct partition *partition, int64_t offset, struct error *error)
{
    int64_t start = partition_start(partition), end = partition_end(partition);

    if (topic_is_deleted(partition->topic))
        return error_set(error, ERROR_CLOSED, "topic %s was deleted", partition->topic->name);
    if (offset < start || offset > end)
        return error_set(error, ERROR_OFFSET_OUT_OF_RANGE, "offset %lld of %s-%d is not within %lld to %lld", (long long)offset,
                         partition->topic->name, partition->index, (long long)start, (long long)end);
    return OK;
}

/* Looks at one segment. found  as in range_fill; the range keeps segment and topic when it has bytes */
static enum status range_try(struct partition *partition, struct segment *segment, int64_t offset, size_t bytes_max, bool strict,
                             struct range *range, bool *found, struct error *error)
{
    enum status status = segment_pin(segment, true, error);

    if (status != OK)
        return topic_is_deleted(partition->topic) ? error_set(error, ERROR_CLOSED, "topic %s was deleted", partition->topic->name) : status;
    status = range_fill(segment, offset, bytes_max, strict, range, found, error);
    if (range->size > 0) {
        segment_retain(segment);
        topic_retain(partition->topic);
        range->segment = segment;
    } else {
        segment_unpin(segment);
    }
    return status;
}

/* A segment that could not be pinned: has another one taken its place, or has it been deleted? */
static bool is_superseded(struct partition *partition, const struct segment *segment)
{
    struct segment *now = partition_segment_at(partition, segment->base);
    bool superseded = now != segment;

    if (now != NULL)
        segment_release(now);
    return superseded;
}

enum status partition_range(struct partition *partition, int64_t offset, size_t bytes_max, bool strict, struct range *range, struct error *error)
{
    enum status status = range_check(partition, offset, error);
    int64_t at = offset, before = -1;
    bool found = false;

    *range = (struct range){.fd = -1, .first_offset = offset, .next_offset = offset};
    while (status == OK && !found && at > before && at < partition_end(partition)) {
        struct segment *segment = partition_segment_at(partition, at);

        if (segment == NULL)
            return error_set(error, ERROR_OFFSET_OUT_OF_RANGE, "offset %lld of %s-%d was deleted a moment ago", (long long)offset,
                             partition->topic->name, partition->index);
        status = range_try(partition, segment, at, bytes_max, strict, range, &found, error);
        if (status == ERROR_NOT_FOUND && is_superseded(partition, segment)) {
            status = OK; /* once more: the list has something else there now */
        } else {
            before = at;
            at = segment_end(segment); /* what was left of this segment has been compacted away */
        }
        segment_release(segment);
    }
    return status;
}

void range_release(struct range *range)
{
    struct segment *segment = range->segment;
    struct topic *topic;

    if (segment == NULL)
        return;
    topic = segment->partition->topic;
    segment_unpin(segment);
    segment_release(segment);
    topic_release(topic);
    range->segment = NULL;
    range->size = 0;
}

enum status range_read(const struct range *range, void *bytes, struct error *error)
{
    const struct segment *segment = range->segment;
    size_t got = 0;
    enum status status = OK;

    if (range->size > 0)
        status = disk_read(segment->file, bytes, range->size, range->position, &got, error);
    if (status == OK && got < range->size)
        status = error_set(error, ERROR_CORRUPT, "%s ends before byte %lld, which was published", segment->file->path,
                           (long long)(range->position + (int64_t)range->size));
    return status;
}

/* ---- Times ---- */

#define BATCH_PLAIN_BYTES_MAX ((size_t)1 << 30)

/* What a search by time looks for in a batch. */
struct time_search {
    int64_t from_ms;     /* the first record at or after it ... */
    int64_t from_offset; /* ... and not before this */
    int64_t offset, found_ms; /* the answer; offset -1: none */
};

/* Reads the records of the batch at `position`. Errors: DISK, CORRUPT */
static enum status batch_search(struct segment *segment, int64_t position, const struct batch *header, struct time_search *search,
                                struct error *error)
{
    struct decompressor *decompressor = decompressor_create();
    uint8_t *bytes = memory_new((size_t)header->size);
    struct record_iterator iterator;
    struct record_batch batch;
    struct record record;
    struct buffer scratch;
    size_t got;
    enum status status = disk_read(segment->file, bytes, (size_t)header->size, position, &got, error);

    buffer_init(&scratch, BATCH_PLAIN_BYTES_MAX);
    if (status == OK)
        status = record_batch_read(slice_of(bytes, got), &batch, error);
    if (status == OK)
        status = record_iterator_init(&iterator, &batch, decompressor, BATCH_PLAIN_BYTES_MAX, &scratch, error);
    while (status == OK && search->offset < 0 && record_iterator_next(&iterator, &record)) {
        if (record.timestamp_ms >= search->from_ms && record.offset >= search->from_offset) {
            search->offset = record.offset;
            search->found_ms = record.timestamp_ms;
        }
    }
    buffer_finish(&scratch);
    memory_free(bytes);
    decompressor_destroy(decompressor);
    if (status != OK)
        error_context(error, "%s: batch at byte %lld", segment->file->path, (long long)position);
    return status;
}

/* Looks through a pinned segment from byte `from` on for the batches that may hold the answer. */
static enum status segment_search(struct segment *segment, int64_t from, struct time_search *search, struct error *error)
{
    uint8_t window[WINDOW_BYTES];
    struct batch batch;
    struct scan scan;
    enum status status = OK;
    bool found = true;

    scan_init(&scan, segment->file, from, segment_bytes(segment), window, sizeof(window));
    while (status == OK && found && search->offset < 0) {
        int64_t at = scan.position;

        status = scan_header(&scan, &batch, &found, error);
        if (status == OK && found && batch.max_timestamp >= search->from_ms && batch_last_offset(&batch) >= search->from_offset &&
            (batch.attributes & BATCH_CONTROL) == 0)
            status = batch_search(segment, at, &batch, search, error);
    }
    return status;
}

/* The byte where a search for the time may begin; false when the whole segment is older. The segment is pinned with indexes. */
static bool search_begin(const struct segment *segment, int64_t from_ms, int64_t *from)
{
    struct index_entry entry, last;

    *from = 0;
    if (atomic_load(&segment->closed) && (!index_last(&segment->times, &last) || last.key < from_ms))
        return false;
    /* All before an older entry's batch is older too. */
    if (index_find_key(&segment->times, from_ms - 1, &entry) && index_find_key(&segment->offsets, entry.value, &entry))
        *from = entry.value;
    return true;
}

/* Runs the search over all segments, oldest first. */
static enum status search_all(struct partition *partition, struct time_search *search, struct error *error)
{
    int64_t at = partition_start(partition), end = partition_end(partition), from;
    enum status status = topic_is_deleted(partition->topic) ? error_set(error, ERROR_CLOSED, "topic %s was deleted", partition->topic->name) : OK;

    while (status == OK && search->offset < 0 && at < end) {
        struct segment *segment = partition_segment_at(partition, at);
        int64_t next;

        if (segment == NULL) /* the start has moved */
            segment = partition_segment_first(partition);
        status = segment_pin(segment, true, error);
        if (status == OK) {
            if (search_begin(segment, search->from_ms, &from))
                status = segment_search(segment, from, search, error);
            segment_unpin(segment);
        } else if (status == ERROR_NOT_FOUND && is_superseded(partition, segment)) {
            segment_release(segment);
            status = OK;
            continue;
        }
        next = segment_end(segment);
        segment_release(segment);
        if (next <= at)
            break;
        at = next;
    }
    if (search->offset >= end)
        search->offset = -1; /* published a moment ago */
    return status;
}

enum status partition_find_time(struct partition *partition, int64_t timestamp_ms, int64_t *offset, int64_t *found_ms, struct error *error)
{
    struct time_search search = {.from_ms = timestamp_ms, .from_offset = partition_start(partition), .offset = -1, .found_ms = -1};
    enum status status = search_all(partition, &search, error);

    *offset = search.offset;
    *found_ms = search.offset < 0 ? -1 : search.found_ms;
    return status;
}

/* The largest timestamp of one segment; what the active one has is taken from what was published last. */
static enum status segment_largest(struct partition *partition, struct segment *segment, int64_t *timestamp_ms, struct error *error)
{
    int64_t offset;
    enum status status = segment_pin(segment, true, error);

    *timestamp_ms = -1;
    if (status != OK)
        return status;
    (void)segment_last_time(segment, timestamp_ms, &offset);
    segment_unpin(segment);
    if (!atomic_load(&segment->closed)) {
        (void)pthread_mutex_lock(&partition->lock);
        if (partition->max_timestamp > *timestamp_ms)
            *timestamp_ms = partition->max_timestamp;
        (void)pthread_mutex_unlock(&partition->lock);
    }
    return OK;
}

enum status partition_find_largest_time(struct partition *partition, int64_t *offset, int64_t *found_ms, struct error *error)
{
    int64_t at = partition_start(partition), largest = -1;
    enum status status = OK;

    *offset = *found_ms = -1;
    while (status == OK && at < partition_end(partition)) {
        struct segment *segment = partition_segment_at(partition, at);
        int64_t next, timestamp_ms;

        if (segment == NULL)
            segment = partition_segment_first(partition);
        status = segment_largest(partition, segment, &timestamp_ms, error);
        if (status == ERROR_NOT_FOUND && is_superseded(partition, segment)) {
            segment_release(segment);
            status = OK;
            continue;
        }
        if (status == OK && timestamp_ms > largest)
            largest = timestamp_ms;
        next = segment_end(segment);
        segment_release(segment);
        if (next <= at)
            break;
        at = next;
    }
    return status == OK && largest >= 0 ? partition_find_time(partition, largest, offset, found_ms, error) : status;
}

/* ---- Transactions ---- */

struct aborted_transaction *partition_aborted(struct partition *partition, int64_t from, int64_t to, struct arena *arena, size_t *count)
{
    (void)partition;
    (void)from;
    (void)to;
    (void)arena;
    *count = 0; /* none can have been aborted: appends of transactions are not taken yet */
    return NULL;
}
