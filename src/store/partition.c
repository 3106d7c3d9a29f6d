#include "store/partition.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "base/text.h"
#include "os/logger.h"
#include "store/internal.h"
#include "store/scan.h"

#include <limits.h>
#include <sched.h>

#define LOG_SUBSYSTEM "store"
#define SNAPSHOT_BYTES_MAX ((size_t)1 << 30)

struct partition *partition_create(struct store *store, struct topic *topic, int32_t index)
{
    struct partition *partition = memory_new(sizeof(*partition));

    partition->store = store;
    partition->topic = topic;
    partition->index = index;
    partition->directory = memory_format("%s/%s-%d", store->directory, topic->name, index);
    partition->max_timestamp = partition->max_timestamp_offset = -1;
    partition->snapshot_offset = -1;
    partition->saved_end = -1;
    partition->idle_end = -1;
    (void)pthread_mutex_init(&partition->lock, NULL);
    return partition;
}

void partition_destroy(struct partition *partition)
{
    struct segment_list *list = partition_list(partition);

    for (size_t i = 0; list != NULL && i < list->count; i++)
        segment_release(list->segments[i]);
    memory_free(list);
    producers_destroy(partition->producers);
    (void)pthread_mutex_destroy(&partition->lock);
    memory_free(partition->cleaning_failure);
    memory_free(partition->directory);
    memory_free(partition);
}

/* ---- Files beside the segments ---- */

static enum status small_file_write(struct partition *partition, const char *name, struct slice text, struct error *error)
{
    char path[PATH_MAX];
    struct disk_file *file = NULL;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/%s", partition->directory, name);
    status = disk_open(partition->store->disk, path, DISK_REPLACE, &file, error);
    if (status == OK)
        status = disk_write(file, text, 0, error);
    disk_close(file);
    return status;
}

enum status partition_save_metadata(struct partition *partition, struct error *error)
{
    char id[UUID_BASE64_SIZE], text[64];
    enum status status;

    uuid_to_base64(&partition->topic->id, id);
    (void)snprintf(text, sizeof(text), "version: 0\ntopic_id: %s", id);
    status = small_file_write(partition, "partition.metadata", slice_from_string(text), error);
    if (status == OK)
        status = small_file_write(partition, "leader-epoch-checkpoint", slice_from_string("0\n1\n0 0\n"), error);
    return status;
}

void partition_begin_empty(struct partition *partition)
{
    struct segment *segment = segment_create(&partition->store->files, partition, partition->directory, 0, 0, 0);

    segment_set_loaded(segment);
    partition_set_segments(partition, &segment, 1);
    partition->tail = (struct tail){.segment = segment,
                                    .max_timestamp = -1,
                                    .max_timestamp_offset = -1,
                                    .first_timestamp = -1,
                                    .created_ms = store_now_ms(partition->store)};
    partition->tail_ready = true;
    partition->saved_end = 0;
    partition->producers = producers_create();
}

/* Directory and first file of a partition that was never written to. */
static enum status make(struct partition *partition, struct error *error)
{
    enum status status = disk_make_directory(partition->store->disk, partition->directory, error);

    if (status == OK)
        status = partition_save_metadata(partition, error);
    if (status == OK)
        status = segment_make_file(partition->tail.segment, error);
    partition->made = status == OK;
    return status;
}

static bool is_segment_base(const struct partition *partition, int64_t offset)
{
    const struct segment_list *list = partition_list(partition);

    for (size_t i = 0; i < list->count; i++) {
        if (list->segments[i]->base == offset)
            return true;
    }
    return false;
}

enum status partition_save_snapshot(struct partition *partition, int64_t offset, struct slice snapshot, bool sync, struct error *error)
{
    struct disk *disk = partition->store->disk;
    int64_t before = partition->snapshot_offset;
    char path[PATH_MAX];
    struct disk_file *file = NULL;
    enum status status;

    segment_path(partition->directory, offset, "snapshot", path, sizeof(path));
    if (sync) { /* one for the same offset may be all that is known of some producers: it stays until the new one is there */
        status = disk_replace_file(disk, partition->directory, strrchr(path, '/') + 1, snapshot, error);
    } else {
        status = disk_open(disk, path, DISK_REPLACE, &file, error);
        if (status == OK)
            status = disk_write(file, snapshot, 0, error);
        disk_close(file);
    }
    if (status != OK)
        return status;
    partition->snapshot_offset = offset;
    partition->snapshot_synced = sync;
    if (sync && before >= 0 && !is_segment_base(partition, before))
        partition_forget_snapshot(partition, before);
    return OK;
}

void partition_forget_snapshot(struct partition *partition, int64_t offset)
{
    char path[PATH_MAX];

    segment_path(partition->directory, offset, "snapshot", path, sizeof(path));
    if (offset != partition->snapshot_offset)
        (void)disk_unlink(partition->store->disk, path, NULL); /* one too many does no harm */
}

enum status partition_snapshot(struct partition *partition, bool sync, struct error *error)
{
    struct buffer snapshot;
    enum status status;

    buffer_init(&snapshot, SNAPSHOT_BYTES_MAX);
    producers_encode(partition->producers, &snapshot);
    status = partition_save_snapshot(partition, partition->tail.end, buffer_slice(&snapshot), sync, error);
    buffer_finish(&snapshot);
    return status;
}

/* ---- Segments ---- */

void partition_set_segments(struct partition *partition, struct segment *const *segments, size_t count)
{
    struct segment_list *list = memory_new(sizeof(*list) + count * sizeof(struct segment *));
    struct segment_list *before = partition_list(partition);
    int64_t closed_bytes = 0;

    list->count = count;
    memcpy(list->segments, segments, count * sizeof(struct segment *));
    for (size_t i = 0; i + 1 < count; i++)
        closed_bytes += segment_bytes(segments[i]);
    atomic_store(&partition->list, list);
    atomic_store_explicit(&partition->closed_bytes, closed_bytes, memory_order_relaxed);
    /* Readers are inside for a few instructions only, and one that comes now sees the new list. */
    while (before != NULL && atomic_load(&partition->readers) != 0)
        (void)sched_yield();
    memory_free(before);
}

void partition_drop_segments(struct partition *partition, size_t count)
{
    const struct segment_list *list = partition_list(partition);
    size_t left = list->count - count;
    struct segment **segments = memory_new_array(list->count, sizeof(struct segment *));

    memcpy(segments, list->segments, list->count * sizeof(struct segment *));
    partition_set_segments(partition, segments + count, left);
    for (size_t i = 0; i < count; i++)
        segment_release(segments[i]);
    memory_free(segments);
}

int64_t partition_segment_ms(const struct partition *partition, const struct topic_settings *settings, int64_t base)
{
    const struct uuid *topic = &partition->topic->id;
    const uint64_t key[2] = {(uint64_t)base, (uint64_t)partition->index};

    if (settings->segment_jitter_ms <= 0)
        return settings->segment_ms;
    return settings->segment_ms - (int64_t)(siphash128(key, slice_of(topic->bytes, sizeof(topic->bytes))).first % (uint64_t)settings->segment_jitter_ms);
}

struct segment *partition_segment_at(struct partition *partition, int64_t offset)
{
    const struct segment_list *list;
    struct segment *found = NULL;
    size_t low = 0, high;

    (void)atomic_fetch_add(&partition->readers, 1);
    list = atomic_load(&partition->list);
    high = list == NULL ? 0 : list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->segments[middle]->base <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0) {
        found = list->segments[low - 1];
        segment_retain(found);
    }
    (void)atomic_fetch_sub(&partition->readers, 1);
    return found;
}

struct segment **partition_segments(struct partition *partition, size_t *count)
{
    const struct segment_list *list;
    struct segment **segments;

    for (;;) {
        size_t room;

        (void)atomic_fetch_add(&partition->readers, 1);
        list = atomic_load(&partition->list);
        room = list == NULL ? 0 : list->count;
        (void)atomic_fetch_sub(&partition->readers, 1);
        segments = memory_new_array(room + 1, sizeof(struct segment *)); /* not inside: the committer may be waiting */
        (void)atomic_fetch_add(&partition->readers, 1);
        list = atomic_load(&partition->list);
        *count = list == NULL ? 0 : list->count;
        for (size_t i = 0; *count <= room && i < *count; i++) {
            segments[i] = list->segments[i];
            segment_retain(segments[i]);
        }
        (void)atomic_fetch_sub(&partition->readers, 1);
        if (*count <= room)
            return segments;
        memory_free(segments); /* it has grown meanwhile */
    }
}

struct segment *partition_segment_first(struct partition *partition)
{
    const struct segment_list *list;
    struct segment *found = NULL;

    (void)atomic_fetch_add(&partition->readers, 1);
    list = atomic_load(&partition->list);
    if (list != NULL && list->count > 0) {
        found = list->segments[0];
        segment_retain(found);
    }
    (void)atomic_fetch_sub(&partition->readers, 1);
    return found;
}

void partition_publish(struct partition *partition, const struct tail *tail)
{
    int64_t unstable = partition->producers == NULL ? -1 : producers_first_unstable(partition->producers);

    segment_publish(tail->segment, tail->position, tail->end);
    (void)pthread_mutex_lock(&partition->lock);
    partition->max_timestamp = tail->max_timestamp;
    partition->max_timestamp_offset = tail->max_timestamp_offset;
    (void)pthread_mutex_unlock(&partition->lock);
    partition->tail = *tail;
    atomic_store_explicit(&partition->stable_end, unstable >= 0 ? unstable : tail->end, memory_order_release);
    atomic_store_explicit(&partition->end, tail->end, memory_order_release);
}

/* ---- Before the first append ---- */

enum status partition_replay_producers(struct partition *partition, struct segment *segment, int64_t from, struct error *error)
{
    enum status status = segment_pin(segment, false, error);
    struct batch batch;
    struct scan scan;
    bool found = true;

    if (status != OK)
        return status;
    scan_init(&scan, segment->file, 0, segment_bytes(segment), NULL, 0);
    while (status == OK && found) {
        status = scan_header(&scan, &batch, &found, error);
        if (status == OK && found && batch.base_offset >= from)
            producers_note(partition->producers, &batch);
    }
    producers_keep(partition->producers);
    scan_finish(&scan);
    segment_unpin(segment);
    return status;
}

static enum status replay_all(struct partition *partition, struct error *error)
{
    const struct segment_list *list = partition_list(partition);
    enum status status = OK;

    for (size_t i = 0; i < list->count && status == OK; i++)
        status = partition_replay_producers(partition, list->segments[i], list->segments[i]->base, error);
    return status;
}

/* After a clean end: from its snapshot, or without one none; recovery fills in all others itself. */
static enum status load_producers(struct partition *partition, struct error *error)
{
    struct error reason;
    struct buffer bytes;
    char path[PATH_MAX];
    enum status status = OK;

    partition->producers = producers_create();
    if (partition->snapshot_offset < 0)
        return OK;
    buffer_init(&bytes, SNAPSHOT_BYTES_MAX);
    segment_path(partition->directory, partition->snapshot_offset, "snapshot", path, sizeof(path));
    status = disk_read_file(partition->store->disk, path, &bytes, &reason);
    if (status == OK)
        status = producers_decode(partition->producers, buffer_slice(&bytes), &reason);
    buffer_finish(&bytes);
    if (status != OK) {
        LOG_WARNING("%s-%d: the producers are read from the log, for their snapshot cannot be used: %s", partition->topic->name, partition->index,
                    reason.message);
        status = replay_all(partition, error);
    }
    if (status != OK) {
        producers_destroy(partition->producers);
        partition->producers = NULL;
    }
    return status;
}

/* What the tail has to know of its segment beyond its size. */
static enum status tail_complete(struct partition *partition, struct error *error)
{
    struct tail *tail = &partition->tail;
    uint8_t window[BATCH_HEADER_BYTES];
    struct index_entry last;
    struct batch first;
    struct scan scan;
    enum status status;
    bool found;

    tail->index_gap = tail->position - (index_last(&tail->segment->offsets, &last) ? last.value : 0);
    tail->max_timestamp = tail->segment->largest_timestamp;
    tail->max_timestamp_offset = tail->segment->largest_offset;
    tail->first_timestamp = -1;
    scan_init(&scan, tail->segment->file, 0, tail->position, window, sizeof(window));
    status = scan_header(&scan, &first, &found, error);
    if (status == OK && found)
        tail->first_timestamp = first.max_timestamp;
    scan_finish(&scan);
    return status;
}

enum status partition_prepare(struct partition *partition, struct error *error)
{
    enum status status = OK;

    if (!partition->made)
        return make(partition, error);
    if (!partition->tail_ready) {
        status = segment_pin(partition->tail.segment, true, error);
        if (status != OK)
            return status;
        status = tail_complete(partition, error);
        if (partition->tail.segment->rebuilt)
            partition->saved_end = -1; /* the next clean end writes them, with the final time entry */
        segment_unpin(partition->tail.segment);
        partition->tail_ready = status == OK;
    }
    if (status == OK && partition->producers == NULL)
        status = load_producers(partition, error);
    return status;
}
