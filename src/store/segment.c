#include "store/segment.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/logger.h"
#include "store/scan.h"

#include <assert.h>
#include <limits.h>

#define LOG_SUBSYSTEM "store"
#define INDEX_FILE_BYTES_MAX ((size_t)1 << 30)
#define REBUILD_INTERVAL_BYTES 4096

/* ---- The table ---- */

void segment_files_init(struct segment_files *files, struct disk *disk, size_t limit, int64_t small_bytes)
{
    *files = (struct segment_files){.disk = disk, .limit = limit, .small_bytes = small_bytes};
    (void)pthread_mutex_init(&files->lock, NULL);
}

void segment_files_finish(struct segment_files *files)
{
    (void)pthread_mutex_destroy(&files->lock);
    memory_free(files->open);
}

static void table_remove(struct segment *segment)
{
    struct segment_files *files = segment->files;
    struct segment *last = files->open[--files->count];

    files->open[segment->slot] = last;
    last->slot = segment->slot;
}

/* Closes the file unless somebody is using it. Both locks are held. */
static bool close_idle(struct segment *segment)
{
    if (atomic_load(&segment->pins) > 0 || atomic_load(&segment->dirty))
        return false;
    table_remove(segment);
    disk_close(segment->file);
    segment->file = NULL;
    if (atomic_load(&segment->closed) && atomic_load(&segment->loaded)) {
        atomic_store(&segment->loaded, false);
        index_clear(&segment->offsets);
        index_clear(&segment->times);
    }
    return true;
}

/* Closes files that were not used since the last time round, until the table is within its limit or two rounds found none. */
static void close_some(struct segment_files *files)
{
    (void)pthread_mutex_lock(&files->lock);
    for (size_t tries = 2 * files->count; tries > 0 && files->count > files->limit; tries--) {
        struct segment *segment = files->open[files->hand++ % files->count];

        if (atomic_exchange(&segment->used, false) || pthread_mutex_trylock(&segment->lock) != 0)
            continue;
        (void)close_idle(segment);
        (void)pthread_mutex_unlock(&segment->lock);
    }
    (void)pthread_mutex_unlock(&files->lock);
}

static void table_add(struct segment *segment)
{
    struct segment_files *files = segment->files;

    (void)pthread_mutex_lock(&files->lock);
    if (files->count == files->capacity) {
        files->capacity = files->capacity == 0 ? 64 : files->capacity * 2;
        files->open = memory_resize(files->open, files->capacity * sizeof(struct segment *));
    }
    segment->slot = files->count;
    files->open[files->count++] = segment;
    (void)pthread_mutex_unlock(&files->lock);
}

/* ---- Life ---- */

struct segment *segment_create(struct segment_files *files, struct partition *partition, const char *directory, int64_t base, int64_t bytes,
                               int64_t end)
{
    struct segment *segment = memory_new(sizeof(*segment));

    segment->files = files;
    segment->partition = partition;
    segment->directory = directory;
    segment->base = base;
    segment->suffix = "";
    segment->largest_timestamp = segment->largest_offset = -1;
    segment->newest_ms = segment->first_ms = segment->seen_ms = INT64_MIN;
    atomic_init(&segment->references, 1);
    segment_publish(segment, bytes, end);
    (void)pthread_mutex_init(&segment->lock, NULL);
    index_init(&segment->offsets);
    index_init(&segment->times);
    return segment;
}

void segment_retain(struct segment *segment)
{
    (void)atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
}

void segment_release(struct segment *segment)
{
    if (atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) > 1)
        return;
    (void)pthread_mutex_lock(&segment->files->lock); /* close_some works on segments only with it held */
    if (segment->file != NULL)
        table_remove(segment);
    (void)pthread_mutex_unlock(&segment->files->lock);
    disk_close(segment->file);
    index_clear(&segment->offsets);
    index_clear(&segment->times);
    (void)pthread_mutex_destroy(&segment->lock);
    memory_free(segment);
}

void segment_publish(struct segment *segment, int64_t bytes, int64_t end)
{
    assert(bytes >= 0 && bytes <= UINT32_MAX && end >= segment->base && end - segment->base <= UINT32_MAX);
    atomic_store_explicit(&segment->published, (uint64_t)(end - segment->base) << 32 | (uint64_t)bytes, memory_order_release);
}

void segment_path(const char *directory, int64_t base, const char *suffix, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%020lld.%s", directory, (long long)base, suffix);
}

/* ---- Opening and loading; the segment's lock is held ---- */

/* Of one of its own files. */
static void own_path(const struct segment *segment, const char *kind, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%020lld.%s%s", segment->directory, (long long)segment->base, kind, segment->suffix);
}

static enum status size_verify(struct segment *segment, struct error *error)
{
    int64_t size;
    enum status status = disk_size(segment->file, &size, error);

    if (status == OK && size != segment_bytes(segment))
        return error_set(error, ERROR_CORRUPT, "%s has %lld bytes and had %lld when the log was closed; restore it from a copy",
                         segment->file->path, (long long)size, (long long)segment_bytes(segment));
    segment->unverified = status != OK;
    return status;
}

static enum status open_file(struct segment *segment, enum disk_mode mode, struct error *error)
{
    char path[PATH_MAX];
    enum status status;

    own_path(segment, "log", path, sizeof(path));
    status = disk_open(segment->files->disk, path, mode, &segment->file, error);
    if (status == OK && segment->unverified)
        status = size_verify(segment, error);
    if (status == OK) {
        table_add(segment);
    } else {
        disk_close(segment->file);
        segment->file = NULL;
    }
    return status;
}

static enum status read_index_file(struct segment *segment, const char *kind, struct buffer *bytes, struct error *error)
{
    char path[PATH_MAX];

    own_path(segment, kind, path, sizeof(path));
    buffer_reset(bytes);
    return disk_read_file(segment->files->disk, path, bytes, error);
}

static enum status load_from_files(struct segment *segment, struct error *error)
{
    int64_t relative_end = segment_end(segment) - segment->base;
    struct buffer bytes;
    enum status status;

    buffer_init(&bytes, INDEX_FILE_BYTES_MAX);
    status = read_index_file(segment, "index", &bytes, error);
    if (status == OK)
        status = offset_index_decode(&segment->offsets, buffer_slice(&bytes), segment_bytes(segment), relative_end, error);
    if (status == OK)
        status = read_index_file(segment, "timeindex", &bytes, error);
    if (status == OK)
        status = time_index_decode(&segment->times, buffer_slice(&bytes), relative_end, error);
    buffer_finish(&bytes);
    return status;
}

static enum status load_from_log(struct segment *segment, struct error *error)
{
    int64_t largest = -1, gap = 0, at;
    uint32_t largest_at = 0;
    struct index_entry last;
    struct batch batch;
    struct scan scan;
    enum status status;
    bool found;

    index_clear(&segment->offsets);
    index_clear(&segment->times);
    scan_init(&scan, segment->file, 0, segment_bytes(segment), NULL, 0);
    while (at = scan.position, (status = scan_header(&scan, &batch, &found, error)) == OK && found) {
        uint32_t relative = (uint32_t)(batch_last_offset(&batch) - segment->base);

        if (batch.count > 0 && batch.max_timestamp > largest) { /* of an empty one the time is of no record */
            largest = batch.max_timestamp;
            largest_at = relative;
        }
        if (gap > REBUILD_INTERVAL_BYTES) {
            index_add(&segment->offsets, relative, (uint32_t)at);
            if (largest >= 0 && (!index_last(&segment->times, &last) || largest > last.key))
                index_add(&segment->times, largest, largest_at);
            gap = 0;
        }
        gap += batch.size;
    }
    scan_finish(&scan);
    segment->largest_timestamp = largest;
    segment->largest_offset = largest < 0 ? -1 : segment->base + largest_at;
    if (atomic_load(&segment->closed) && largest >= 0 && (!index_last(&segment->times, &last) || largest > last.key))
        index_add(&segment->times, largest, largest_at);
    return status;
}

static enum status load(struct segment *segment, struct error *error)
{
    struct error reason;
    enum status status = segment_is_small(segment) ? ERROR_NOT_FOUND : load_from_files(segment, &reason);

    if (status == OK) {
        segment->offsets_saved = index_count(&segment->offsets);
        segment->times_saved = index_count(&segment->times);
        segment->largest_timestamp = segment->largest_offset = -1;
        (void)segment_last_time(segment, &segment->largest_timestamp, &segment->largest_offset);
    } else {
        if (status != ERROR_NOT_FOUND)
            LOG_WARNING("%s: the indexes of the segment at %lld are made anew, for they could not be used: %s", segment->directory,
                        (long long)segment->base, reason.message);
        segment->offsets_saved = segment->times_saved = 0;
        segment->rebuilt = true;
        status = load_from_log(segment, error);
    }
    if (status == OK)
        atomic_store_explicit(&segment->loaded, true, memory_order_release);
    return status;
}

enum status segment_pin(struct segment *segment, bool with_indexes, struct error *error)
{
    int pins = atomic_load_explicit(&segment->pins, memory_order_relaxed);
    enum status status = OK;
    bool opened = false;

    while (pins > 0 && (!with_indexes || atomic_load_explicit(&segment->loaded, memory_order_acquire))) {
        if (atomic_compare_exchange_weak_explicit(&segment->pins, &pins, pins + 1, memory_order_acquire, memory_order_relaxed))
            return OK;
    }
    (void)pthread_mutex_lock(&segment->lock);
    if (segment->gone && (segment->file == NULL || (with_indexes && !atomic_load(&segment->loaded))))
        status = error_set(error, ERROR_NOT_FOUND, "%s: the segment at %lld was replaced or deleted a moment ago", segment->directory,
                           (long long)segment->base);
    if (status == OK && segment->file == NULL) {
        status = open_file(segment, DISK_WRITE, error);
        opened = status == OK;
    }
    if (status == OK && with_indexes && !atomic_load(&segment->loaded))
        status = load(segment, error);
    if (status == OK)
        (void)atomic_fetch_add_explicit(&segment->pins, 1, memory_order_relaxed);
    atomic_store_explicit(&segment->used, true, memory_order_relaxed);
    (void)pthread_mutex_unlock(&segment->lock);
    if (opened)
        close_some(segment->files);
    return status;
}

void segment_unpin(struct segment *segment)
{
    (void)atomic_fetch_sub_explicit(&segment->pins, 1, memory_order_release);
}

enum status segment_index(struct segment *segment, struct error *error)
{
    enum status status;

    (void)pthread_mutex_lock(&segment->lock);
    segment->offsets_saved = segment->times_saved = 0;
    status = load_from_log(segment, error);
    if (status == OK)
        atomic_store_explicit(&segment->loaded, true, memory_order_release);
    (void)pthread_mutex_unlock(&segment->lock);
    return status;
}

void segment_set_suffix(struct segment *segment, const char *suffix)
{
    (void)pthread_mutex_lock(&segment->lock);
    segment->suffix = suffix;
    (void)pthread_mutex_unlock(&segment->lock);
}

void segment_set_gone(struct segment *segment)
{
    (void)pthread_mutex_lock(&segment->lock);
    segment->gone = true;
    (void)pthread_mutex_unlock(&segment->lock);
}

void segment_set_loaded(struct segment *segment)
{
    atomic_store_explicit(&segment->loaded, true, memory_order_release);
}

enum status segment_make_file(struct segment *segment, struct error *error)
{
    enum status status = OK;

    (void)pthread_mutex_lock(&segment->lock);
    if (segment->file == NULL)
        status = open_file(segment, DISK_REPLACE, error);
    (void)pthread_mutex_unlock(&segment->lock);
    return status;
}

/* ---- Saving and removing: the committer ---- */

static enum status save_one(struct segment *segment, const char *kind, struct slice bytes, int64_t position, bool sync, struct error *error)
{
    char path[PATH_MAX];
    struct disk_file *file = NULL;
    enum status status;

    own_path(segment, kind, path, sizeof(path));
    status = disk_open(segment->files->disk, path, DISK_CREATE, &file, error);
    if (status == OK && bytes.size > 0)
        status = disk_write(file, bytes, position, error);
    if (status == OK)
        status = disk_truncate(file, position + (int64_t)bytes.size, error);
    if (status == OK && sync)
        status = disk_sync(file, error);
    disk_close(file);
    return status;
}

enum status segment_save_indexes(struct segment *segment, bool sync, struct error *error)
{
    struct buffer bytes;
    enum status status;

    if (segment_is_small(segment))
        return OK;
    buffer_init(&bytes, INDEX_FILE_BYTES_MAX);
    offset_index_encode(&segment->offsets, segment->offsets_saved, &bytes);
    status = save_one(segment, "index", buffer_slice(&bytes), (int64_t)segment->offsets_saved * OFFSET_ENTRY_BYTES, sync, error);
    if (status == OK) {
        segment->offsets_saved = index_count(&segment->offsets);
        buffer_reset(&bytes);
        time_index_encode(&segment->times, segment->times_saved, &bytes);
        status = save_one(segment, "timeindex", buffer_slice(&bytes), (int64_t)segment->times_saved * TIME_ENTRY_BYTES, sync, error);
    }
    if (status == OK)
        segment->times_saved = index_count(&segment->times);
    else
        segment->offsets_saved = segment->times_saved = 0; /* after a failed sync nothing written before is sure any more */
    buffer_finish(&bytes);
    return status;
}

bool segment_last_time(const struct segment *segment, int64_t *timestamp_ms, int64_t *offset)
{
    struct index_entry last;

    if (!index_last(&segment->times, &last))
        return false;
    *timestamp_ms = last.key;
    *offset = segment->base + last.value;
    return true;
}

enum status segment_remove_files(struct segment *segment, struct error *error)
{
    return segment_files_remove(segment->files->disk, segment->directory, segment->base, error);
}

/* Its indexes; with the log itself when `count` takes that in. */
static enum status kinds_remove(struct disk *disk, const char *directory, int64_t base, size_t count, struct error *error)
{
    static const char *const kinds[] = {"index", "timeindex", "txnindex", "log"};
    enum status status = OK;

    for (size_t i = 0; i < count && status == OK; i++) {
        char path[PATH_MAX];

        segment_path(directory, base, kinds[i], path, sizeof(path));
        status = disk_unlink(disk, path, error);
    }
    return status;
}

enum status segment_files_remove(struct disk *disk, const char *directory, int64_t base, struct error *error)
{
    return kinds_remove(disk, directory, base, 4, error);
}

enum status segment_files_set_aside(struct disk *disk, const char *directory, int64_t base, struct error *error)
{
    char from[PATH_MAX], to[PATH_MAX];
    enum status status = kinds_remove(disk, directory, base, 3, error);

    segment_path(directory, base, "log", from, sizeof(from));
    segment_path(directory, base, "log.deleted", to, sizeof(to));
    return status == OK ? disk_rename(disk, from, to, error) : status;
}
