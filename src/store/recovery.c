#include "store/recovery.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/logger.h"
#include "store/internal.h"
#include "store/scan.h"
#include "store/swap.h"

#include <limits.h>

#define LOG_SUBSYSTEM "store"
#define ANEW_BYTES (1 << 20)

struct found_segment {
    int64_t base;
    int64_t bytes;
};

/* What the partition's directory holds. */
struct found {
    struct found_segment *segments; /* by base */
    size_t count;
    int64_t *snapshots; /* offsets, rising */
    size_t snapshot_count;
    bool has_metadata;
};

/* ---- Looking into the directory ---- */

static enum status look(struct partition *partition, struct arena *arena, struct found *found, struct error *error)
{
    struct disk *disk = partition->store->disk;
    struct disk_entry *entries;
    size_t count;
    enum status status = swap_recover(disk, partition->directory, error);

    *found = (struct found){0};
    if (status == OK)
        status = disk_list(disk, partition->directory, arena, &entries, &count, error);
    if (status != OK)
        return status;
    found->segments = arena_new_array(arena, count + 1, sizeof(found->segments[0]));
    found->snapshots = arena_new_array(arena, count + 1, sizeof(found->snapshots[0]));
    for (size_t i = 0; i < count && status == OK; i++) {
        char path[PATH_MAX];
        const char *suffix;
        int64_t number;

        (void)snprintf(path, sizeof(path), "%s/%s", partition->directory, entries[i].name);
        if (strcmp(entries[i].name, "partition.metadata") == 0)
            found->has_metadata = true;
        else if (!swap_name_parse(entries[i].name, &number, &suffix))
            continue;
        else if (strcmp(suffix, "log") == 0) {
            found->segments[found->count].base = number;
            status = disk_file_size(disk, path, &found->segments[found->count++].bytes, error);
        } else if (strcmp(suffix, "snapshot") == 0) {
            found->snapshots[found->snapshot_count++] = number;
        }
    }
    return status;
}

/* Can the snapshot be read? Then it is durable after this, which a process that was killed may not have come to. */
static enum status snapshot_use(struct partition *partition, int64_t offset, bool *usable, struct error *error)
{
    struct producers *producers = producers_create();
    struct disk *disk = partition->store->disk;
    struct buffer bytes;
    char path[PATH_MAX];
    enum status status = OK;

    buffer_init(&bytes, (size_t)1 << 30);
    segment_path(partition->directory, offset, "snapshot", path, sizeof(path));
    *usable = disk_read_file(disk, path, &bytes, NULL) == OK && producers_decode(producers, buffer_slice(&bytes), NULL) == OK;
    if (*usable)
        status = disk_replace_file(disk, partition->directory, strrchr(path, '/') + 1, buffer_slice(&bytes), error);
    buffer_finish(&bytes);
    producers_destroy(producers);
    return status;
}

/*
 * Segments before the log start were deleted, but their files may still be there, and not all of them. They go only as far as a
 * snapshot of the producers stands for what they held; behind it none of them has been removed, so there is no gap.
 */
static enum status drop_deleted(struct partition *partition, struct found *found, int64_t start, struct error *error)
{
    enum status status = OK;
    int64_t upto = start;
    bool usable = false;

    if (found->count < 2 || found->segments[1].base > start)
        return OK;
    for (size_t i = found->snapshot_count; i > 0 && status == OK && !usable && found->snapshots[i - 1] >= found->segments[1].base; i--) {
        status = snapshot_use(partition, found->snapshots[i - 1], &usable, error);
        upto = found->snapshots[i - 1] < start ? found->snapshots[i - 1] : start;
    }
    while (status == OK && usable && found->count > 1 && found->segments[1].base <= upto) {
        (void)segment_files_remove(partition->store->disk, partition->directory, found->segments[0].base, NULL);
        found->segments++;
        found->count--;
    }
    return status;
}

static void read_leader_epoch(struct partition *partition)
{
    char path[PATH_MAX];
    struct buffer text;
    struct slice rest, line, word;
    int32_t epoch = 0;

    buffer_init(&text, 1 << 20);
    (void)snprintf(path, sizeof(path), "%s/leader-epoch-checkpoint", partition->directory);
    (void)disk_read_file(partition->store->disk, path, &text, NULL);
    rest = buffer_slice(&text);
    for (size_t at = 0; text_next_field(&rest, '\n', &line); at++) {
        if (at >= 2 && text_next_field(&line, ' ', &word))
            (void)text_parse_int32(word, &epoch);
    }
    atomic_store(&partition->leader_epoch, epoch < 0 ? 0 : epoch);
    buffer_finish(&text);
}

/* ---- Segments in memory ---- */

static struct segment *segment_known(struct partition *partition, int64_t base, int64_t bytes, int64_t end, bool closed)
{
    struct segment *segment = segment_create(&partition->store->files, partition, partition->directory, base, bytes, end);

    atomic_store(&segment->closed, closed);
    segment->name_synced = true;
    segment->saved = closed;
    return segment;
}

static void set_start(struct partition *partition, int64_t start, int64_t first_base)
{
    int64_t end = partition->tail.end;

    start = start > first_base ? start : first_base;
    atomic_store(&partition->start, start > end ? end : start);
}

static void adopt_tail(struct partition *partition, const struct tail *tail)
{
    partition->tail = *tail;
    partition->synced_end = tail->end;
    partition_publish(partition, tail);
}

/* ---- The clean way ---- */

static bool clean_is_plausible(const struct partition *partition, const struct recovery_facts *facts)
{
    const struct clean_entry *entry = facts->clean;
    const struct clean_segment *last = entry == NULL ? NULL : &entry->segments[entry->count - 1];

    return entry != NULL && entry->end >= last->base && entry->end - last->base <= INT32_MAX && last->bytes >= 0 && last->bytes <= INT32_MAX &&
           (last->bytes > 0) == (entry->end > last->base) && facts->recovery_point == entry->end &&
           (partition->owned == NULL || partition->owned->end == entry->end);
}

static void open_clean(struct partition *partition, const struct clean_entry *entry)
{
    struct segment **segments = memory_new_array(entry->count, sizeof(struct segment *));
    struct tail tail = {.end = entry->end, .max_timestamp = -1, .max_timestamp_offset = -1, .first_timestamp = -1};

    for (uint32_t i = 0; i < entry->count; i++) {
        bool closed = i + 1 < entry->count;

        segments[i] = segment_known(partition, entry->segments[i].base, entry->segments[i].bytes,
                                    closed ? entry->segments[i + 1].base : entry->end, closed);
        segments[i]->unverified = true;
    }
    tail.segment = segments[entry->count - 1];
    tail.position = segment_bytes(tail.segment);
    tail.created_ms = store_now_ms(partition->store);
    partition_set_segments(partition, segments, entry->count);
    partition->snapshot_offset = entry->snapshot ? entry->end : -1;
    partition->saved_end = entry->end;
    partition->directory_synced = true;
    atomic_store(&partition->leader_epoch, entry->leader_epoch);
    adopt_tail(partition, &tail);
    memory_free(segments);
}

/* ---- The scan ---- */

struct recovery {
    struct partition *partition;
    bool suspect;
    int64_t durable; /* all below is durable without doubt */
    const struct found *found;
    struct segment **segments; /* up to and with the one being scanned */
    size_t count;
    int64_t known; /* all below was durable once */
    int64_t limit; /* nothing at or behind it is kept; INT64_MAX when no owner writes here */
    struct tail tail;
    bool producers_seen; /* in what was scanned */
    char bad[160]; /* what is wrong at the tail, empty when nothing is */
};

/* Newest snapshot that can be read, of those for the end at most; the state is empty, and stands for `base`, when there is none. */
static int64_t load_snapshot(struct recovery *recovery, int64_t base)
{
    struct partition *partition = recovery->partition;
    struct buffer bytes;
    int64_t loaded = -1;

    buffer_init(&bytes, (size_t)1 << 30);
    for (size_t i = recovery->found->snapshot_count; i > 0 && loaded < 0; i--) {
        int64_t at = recovery->found->snapshots[i - 1];
        char path[PATH_MAX];

        if (at > recovery->tail.end || at < base)
            continue;
        segment_path(partition->directory, at, "snapshot", path, sizeof(path));
        buffer_reset(&bytes);
        if (disk_read_file(partition->store->disk, path, &bytes, NULL) == OK &&
            producers_decode(partition->producers, buffer_slice(&bytes), NULL) == OK)
            loaded = at;
    }
    buffer_finish(&bytes);
    return loaded < 0 ? base : loaded;
}

static void close_scanned(struct segment *segment, const struct tail *tail)
{
    struct index_entry last;

    if (tail->max_timestamp >= 0 && (!index_last(&segment->times, &last) || tail->max_timestamp > last.key))
        index_add(&segment->times, tail->max_timestamp, (uint32_t)(tail->max_timestamp_offset - segment->base));
    atomic_store(&segment->closed, true);
}

static void note_batch(struct recovery *recovery, const struct batch *batch)
{
    struct partition *partition = recovery->partition;
    struct tail *tail = &recovery->tail;
    int64_t last_offset = batch_last_offset(batch);
    struct index_entry last;

    if (tail->position == 0)
        tail->first_timestamp = batch->max_timestamp;
    if (batch->count > 0 && batch->max_timestamp > tail->max_timestamp) { /* of an empty one the time is of no record */
        tail->max_timestamp = batch->max_timestamp;
        tail->max_timestamp_offset = last_offset;
    }
    if (tail->index_gap > partition->topic->settings.index_interval_bytes) {
        index_add(&tail->segment->offsets, last_offset - tail->segment->base, (uint32_t)tail->position);
        if (tail->max_timestamp >= 0 && (!index_last(&tail->segment->times, &last) || tail->max_timestamp > last.key))
            index_add(&tail->segment->times, tail->max_timestamp, (uint32_t)(tail->max_timestamp_offset - tail->segment->base));
        tail->index_gap = 0;
    }
    tail->index_gap += batch->size;
    tail->position += batch->size;
    tail->end = last_offset + 1;
    recovery->producers_seen = recovery->producers_seen || batch->producer_id >= 0;
}

/* Does the batch fit behind the tail? Says in `bad` what does not. */
static bool batch_fits(struct recovery *recovery, const struct batch *batch, bool last_segment)
{
    const struct tail *tail = &recovery->tail;

    if (batch->base_offset != tail->end && (last_segment || batch->base_offset < tail->end)) {
        (void)snprintf(recovery->bad, sizeof(recovery->bad), "a batch has offset %lld instead of %lld", (long long)batch->base_offset,
                       (long long)tail->end);
        return false;
    }
    if (batch_last_offset(batch) >= recovery->limit) {
        if (tail->end < recovery->limit)
            (void)snprintf(recovery->bad, sizeof(recovery->bad), "the commit journal ends at offset %lld, inside a batch", (long long)recovery->limit);
        return false;
    }
    return batch_last_offset(batch) - tail->segment->base <= INT32_MAX;
}

/* Makes the system write the bytes [from, to) of the file once more. */
static enum status write_anew(struct disk_file *file, int64_t from, int64_t to, struct error *error)
{
    uint8_t *bytes = memory_new(ANEW_BYTES);
    enum status status = OK;

    while (from < to && status == OK) {
        size_t wanted = to - from < ANEW_BYTES ? (size_t)(to - from) : ANEW_BYTES, got;

        status = disk_read(file, bytes, wanted, from, &got, error);
        if (status == OK)
            status = disk_write(file, slice_of(bytes, got), from, error);
        from += ANEW_BYTES;
    }
    memory_free(bytes);
    return status;
}

/* Reads one segment as far as it is good; done  set when nothing of what follows belongs to the log. */
static enum status scan_segment(struct recovery *recovery, size_t at, bool *done, struct error *error)
{
    const struct found_segment *file = &recovery->found->segments[at];
    struct tail *tail = &recovery->tail;
    struct batch batch;
    struct slice bytes;
    struct scan scan;
    enum status status;
    bool found = true;
    int64_t doubtful = -1; /* byte from which on the system may show what the disk has not got */

    tail->segment = segment_known(recovery->partition, file->base, 0, file->base, false);
    tail->segment->name_synced = false; /* a process that was killed may have just made it */
    segment_set_loaded(tail->segment);
    recovery->segments[recovery->count++] = tail->segment;
    tail->position = tail->index_gap = 0;
    tail->max_timestamp = tail->max_timestamp_offset = tail->first_timestamp = -1;
    status = segment_pin(tail->segment, false, error);
    if (status != OK)
        return status;
    scan_init(&scan, tail->segment->file, 0, file->bytes < INT32_MAX ? file->bytes : INT32_MAX, NULL, 0);
    while (status == OK && found && tail->end < recovery->limit) {
        status = scan_batch(&scan, &batch, &bytes, &found, error);
        if (status == OK && found && !batch_fits(recovery, &batch, at + 1 == recovery->found->count))
            break;
        if (status == OK && found && doubtful < 0 && batch_last_offset(&batch) >= recovery->durable)
            doubtful = tail->position;
        if (status == OK && found)
            note_batch(recovery, &batch);
    }
    scan_finish(&scan);
    if (status == OK && recovery->suspect && doubtful >= 0 && recovery->partition->owned == NULL)
        status = write_anew(tail->segment->file, doubtful, tail->position, error);
    segment_unpin(tail->segment);
    segment_publish(tail->segment, tail->position, tail->end);
    *done = tail->position < file->bytes;
    if (*done && recovery->bad[0] == '\0')
        (void)snprintf(recovery->bad, sizeof(recovery->bad), "no whole batch with a right checksum stands there");
    return status;
}

static void say_corrupt(const struct recovery *recovery)
{
    const struct partition *partition = recovery->partition;

    LOG_ERROR("%s-%d is damaged at offset %lld (%s/%020lld.log, byte %lld): %s, though everything up to offset %lld was once durable. "
              "The partition is read-only; restore its directory from a copy, or delete the topic",
              partition->topic->name, partition->index, (long long)recovery->tail.end, partition->directory,
              (long long)recovery->tail.segment->base, (long long)recovery->tail.position,
              recovery->bad[0] == '\0' ? "the log ends there" : recovery->bad, (long long)recovery->known);
}

/* Takes away what stands behind the tail, durably. */
static enum status cut(struct recovery *recovery, struct error *error)
{
    struct partition *partition = recovery->partition;
    struct tail *tail = &recovery->tail;
    size_t at = recovery->count - 1;
    int64_t bytes = recovery->found->segments[at].bytes - tail->position;
    enum status status = segment_pin(tail->segment, false, error);

    if (status != OK)
        return status;
    if (bytes > 0)
        status = disk_truncate(tail->segment->file, tail->position, error);
    if (status == OK)
        status = disk_sync(tail->segment->file, error);
    segment_unpin(tail->segment);
    for (size_t i = recovery->count; i < recovery->found->count && status == OK; i++) {
        status = segment_files_remove(partition->store->disk, partition->directory, recovery->found->segments[i].base, error);
        bytes += recovery->found->segments[i].bytes;
    }
    if (status == OK)
        status = disk_sync_directory(partition->store->disk, partition->directory, error);
    if (status == OK)
        LOG_INFO("%s-%d: cut %lld bytes behind offset %lld that were never acknowledged as durable", partition->topic->name, partition->index,
                 (long long)bytes, (long long)tail->end);
    return status;
}

/* A process that was killed leaves its bytes to the system, which may still lose them: nothing is shown before it is durable. */
static enum status sync_scanned(struct recovery *recovery, size_t first, struct error *error)
{
    enum status status = OK;

    for (size_t i = first; i < recovery->count && status == OK; i++) {
        status = segment_pin(recovery->segments[i], false, error);
        if (status != OK)
            break;
        status = disk_sync(recovery->segments[i]->file, error);
        segment_unpin(recovery->segments[i]);
    }
    return status == OK ? disk_sync_directory(recovery->partition->store->disk, recovery->partition->directory, error) : status;
}

static enum status remove_stale_snapshots(struct recovery *recovery, struct error *error)
{
    struct partition *partition = recovery->partition;
    enum status status = OK;
    bool removed = false;

    partition->snapshot_offset = -1;
    for (size_t i = 0; i < recovery->found->snapshot_count && status == OK; i++) {
        int64_t offset = recovery->found->snapshots[i];
        char path[PATH_MAX];

        if (offset <= recovery->tail.end) {
            partition->snapshot_offset = offset;
            continue;
        }
        segment_path(partition->directory, offset, "snapshot", path, sizeof(path));
        status = disk_unlink(partition->store->disk, path, error);
        removed = true;
    }
    return status == OK && removed ? disk_sync_directory(partition->store->disk, partition->directory, error) : status;
}

/* Scans from the segment at `first` on. */
static enum status scan_all(struct recovery *recovery, size_t first, struct error *error)
{
    enum status status = OK;
    bool done = false;

    for (size_t i = first; i < recovery->found->count && status == OK && !done; i++) {
        if (i > first) {
            if (recovery->found->segments[i].base != recovery->tail.end) {
                (void)snprintf(recovery->bad, sizeof(recovery->bad), "the next segment begins at offset %lld",
                               (long long)recovery->found->segments[i].base);
                break;
            }
            /* One that begins at the limit stays, emptied: the segment before it may have been compacted, so nothing may follow in it. */
            close_scanned(recovery->tail.segment, &recovery->tail);
        }
        status = scan_segment(recovery, i, &done, error);
    }
    return status;
}

static enum status finish_scan(struct recovery *recovery, size_t first, const struct recovery_facts *facts, struct error *error)
{
    struct partition *partition = recovery->partition;
    size_t last = recovery->count - 1;
    bool has_more = recovery->tail.position < recovery->found->segments[last].bytes || recovery->count < recovery->found->count;
    enum status status = OK;

    if (recovery->tail.end < recovery->known) {
        say_corrupt(recovery);
        partition->trouble = TROUBLE_READ_ONLY;
        partition->recovery_point = recovery->known;
        atomic_store(&partition->read_only, true);
        return OK;
    }
    partition->size_in_doubt = !has_more;
    if (has_more)
        status = cut(recovery, error);
    if (status == OK && partition->owned == NULL && recovery->tail.end > facts->recovery_point)
        status = sync_scanned(recovery, first, error);
    if (status == OK)
        status = remove_stale_snapshots(recovery, error);
    return status;
}

/* The producers' state at the end: the newest snapshot, and the headers of what follows it. */
static enum status producers_recover(struct recovery *recovery, size_t first, struct error *error)
{
    struct partition *partition = recovery->partition;
    int64_t snapshot;
    enum status status = OK;

    partition->producers = producers_create();
    snapshot = load_snapshot(recovery, recovery->found->segments[0].base);
    for (size_t i = 0; i < recovery->count && status == OK; i++) {
        if ((i < first || recovery->producers_seen) && segment_end(recovery->segments[i]) > snapshot)
            status = partition_replay_producers(partition, recovery->segments[i], snapshot, error);
    }
    LOG_DEBUG("%s-%d: read from offset %lld on to %lld, producers from the snapshot at %lld on", partition->topic->name, partition->index,
              (long long)recovery->segments[first]->base, (long long)recovery->tail.end, (long long)snapshot);
    return status;
}

static enum status open_by_scan(struct partition *partition, const struct recovery_facts *facts, const struct found *found, struct error *error)
{
    struct recovery recovery = {.partition = partition,
                                .suspect = facts->suspect,
                                .durable = facts->recovery_point,
                                .found = found,
                                .known = facts->recovery_point,
                                .limit = INT64_MAX};
    size_t first = 0;
    int64_t from = facts->recovery_point;
    enum status status = OK;

    if (partition->owned != NULL) {
        recovery.limit = partition->owned->end;
        recovery.known = recovery.limit > recovery.known ? recovery.limit : recovery.known;
        from = recovery.limit < from ? recovery.limit : from;
    }
    /* A point at a segment's very end was taken when its indexes were not saved yet, so that segment is read too. */
    while (first + 1 < found->count && found->segments[first + 1].base < from)
        first++;
    recovery.segments = memory_new_array(found->count, sizeof(struct segment *));
    for (size_t i = 0; i < first; i++)
        recovery.segments[recovery.count++] =
            segment_known(partition, found->segments[i].base, found->segments[i].bytes, found->segments[i + 1].base, true);
    recovery.tail.end = found->segments[first].base;
    recovery.tail.created_ms = store_now_ms(partition->store);
    status = scan_all(&recovery, first, error);
    if (status == OK)
        status = finish_scan(&recovery, first, facts, error);
    if (status == OK)
        status = producers_recover(&recovery, first, error);
    if (status == OK) {
        partition_set_segments(partition, recovery.segments, recovery.count);
        partition->tail_ready = true;
        adopt_tail(partition, &recovery.tail);
    } else {
        for (size_t i = 0; i < recovery.count; i++)
            segment_release(recovery.segments[i]);
    }
    memory_free(recovery.segments);
    return status;
}

/* Nothing is there: as it should be for a partition that never held a record, else a loss to be told. */
static void open_missing(struct partition *partition, const struct recovery_facts *facts)
{
    int64_t known = partition->owned != NULL && partition->owned->end > facts->recovery_point ? partition->owned->end : facts->recovery_point;
    struct segment *segment;

    if (known <= 0) {
        partition_begin_empty(partition);
        return;
    }
    LOG_ERROR("%s-%d: no log file is left in %s, though offsets up to %lld were once durable. The partition is read-only; restore the "
              "directory from a copy, or delete the topic",
              partition->topic->name, partition->index, partition->directory, (long long)known);
    partition->trouble = TROUBLE_READ_ONLY;
    partition->recovery_point = known;
    atomic_store(&partition->read_only, true);
    segment = segment_create(&partition->store->files, partition, partition->directory, known, 0, known);
    segment_set_loaded(segment);
    partition_set_segments(partition, &segment, 1);
    partition->producers = producers_create();
    partition->tail_ready = true;
    adopt_tail(partition, &(struct tail){.segment = segment, .end = known, .max_timestamp = -1, .max_timestamp_offset = -1});
}

static enum status open_listed(struct partition *partition, const struct recovery_facts *facts, struct error *error)
{
    struct arena arena;
    struct found found;
    enum status status;

    arena_init(&arena, 4096);
    status = look(partition, &arena, &found, error);
    if (status == OK && found.count == 0) {
        open_missing(partition, facts);
    } else if (status == OK) {
        partition->made = true;
        status = drop_deleted(partition, &found, facts->start, error);
        read_leader_epoch(partition);
        if (status == OK)
            status = open_by_scan(partition, facts, &found, error);
        if (status == OK && !found.has_metadata)
            status = partition_save_metadata(partition, error);
    }
    arena_finish(&arena);
    return status;
}

enum status partition_recover(struct partition *partition, const struct recovery_facts *facts, struct error *error)
{
    struct recovery_facts known = *facts;
    enum status status = OK;

    if (known.recovery_point < 0)
        known.recovery_point = 0;
    if (clean_is_plausible(partition, &known)) {
        partition->made = true;
        open_clean(partition, known.clean);
    } else if (known.listed) {
        status = open_listed(partition, &known, error);
    } else {
        open_missing(partition, &known);
    }
    if (status != OK) {
        error_context(error, "open partition %s-%d", partition->topic->name, partition->index);
        return status;
    }
    set_start(partition, known.start, partition_list(partition)->segments[0]->base);
    if (partition->recovery_point < known.recovery_point)
        partition->recovery_point = known.recovery_point;
    return OK;
}
