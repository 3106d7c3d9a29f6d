/*
 * store/segment.h: one stretch of a partition: a .log file of record batches in offset order, with its two indexes.
 * Files are opened when they are needed and closed when many are open, so thousands of partitions do not hold thousands
 * of descriptors.
 *
 * Thread: the committer appends and publishes; any thread reads what is published while it holds a pin.
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "os/disk.h"
#include "store/index.h"

#include <pthread.h>

struct segment;

/* ---- The table of segments whose file is open ---- */

struct segment_files {
    struct disk *disk;
    pthread_mutex_t lock; /* guards what follows; taken with a segment's lock held, never the other way round without try */
    struct segment **open;
    size_t count, capacity, limit, hand;
    int64_t small_bytes; /* set once: below it a segment is small */
};

void segment_files_init(struct segment_files *files, struct disk *disk, size_t limit, int64_t small_bytes);
void segment_files_finish(struct segment_files *files);

/* ---- Segments ---- */

struct segment {
    struct segment_files *files;
    struct partition *partition;
    const char *directory; /* the partition's */
    int64_t base;          /* offset of its first record */
    _Atomic int references;
    _Atomic uint64_t published; /* both ends of what readers may see, as one: end offset relative to the base << 32 | bytes */
    _Atomic bool closed;        /* nothing is appended any more */
    _Atomic bool dirty;         /* written since the last sync */

    pthread_mutex_t lock; /* guards opening, closing and loading */
    _Atomic int pins;     /* the file stays open while > 0 */
    _Atomic bool used;    /* since the last look for files to close */
    _Atomic bool loaded;  /* the indexes are in memory */
    bool rebuilt;         /* ... and were made from the log, so the files may say less */
    bool unverified;      /* its size is by the clean-state file and not yet compared */
    bool gone;            /* its files are not under its name any more: what is not in memory yet cannot be read */
    const char *suffix;   /* of its files' names: "", or what it is while it takes the place of others (store/swap.h) */
    int64_t largest_timestamp, largest_offset; /* as of loading; -1 none */
    struct disk_file *file;
    size_t slot; /* in files->open, while the file is open */
    struct index offsets;
    struct index times;

    /* the committer's */
    bool name_synced;  /* the .log file's name is durable in its directory */
    bool saved;        /* closed, and its indexes are durable */
    uint32_t offsets_saved, times_saved; /* entries that the index files hold */

    /* the cleaner's, kept for the next time: INT64_MIN not known yet */
    int64_t newest_ms, first_ms; /* as in struct segment_facts; of a closed segment they do not change */
    int64_t seen_ms;             /* when it was first looked at */
};

/* A segment in memory, with one reference; no file is touched. bytes, end  what is published of it */
struct segment *segment_create(struct segment_files *files, struct partition *partition, const char *directory, int64_t base, int64_t bytes,
                               int64_t end);
void segment_retain(struct segment *segment);
void segment_release(struct segment *segment); /* closes and frees when it was the last; the files stay */

static inline int64_t published_bytes(uint64_t published)
{
    return (int64_t)(uint32_t)published;
}

static inline int64_t segment_bytes(const struct segment *segment)
{
    return published_bytes(atomic_load_explicit(&segment->published, memory_order_acquire));
}

/* Of a small one the index files are not kept: reading its headers is as fast, and needs nothing to be synced. */
static inline bool segment_is_small(const struct segment *segment)
{
    return segment_bytes(segment) < segment->files->small_bytes;
}

static inline int64_t segment_end(const struct segment *segment)
{
    return segment->base + (int64_t)(atomic_load_explicit(&segment->published, memory_order_acquire) >> 32);
}

/* Lets readers see everything up to here. Thread: committer. */
void segment_publish(struct segment *segment, int64_t bytes, int64_t end);

/* Makes the .log file or opens it, emptying what a failed round may have left there. Thread: committer, before the segment is seen by others. */
enum status segment_make_file(struct segment *segment, struct error *error);

/*
 * Keeps file and, if wanted, indexes in memory until segment_unpin. An index file that is missing or wrong is made anew
 * from the log.
 * Errors  NOT_FOUND (the file is gone: who looks for offsets looks into the list again), CORRUPT (it has another size than at the clean end), DISK
 */
enum status segment_pin(struct segment *segment, bool with_indexes, struct error *error);
void segment_unpin(struct segment *segment);

/* Makes the indexes from the log, which nothing is added to any more. The segment is pinned. Errors: DISK */
enum status segment_index(struct segment *segment, struct error *error);

/* From now on its files have another suffix; a string that lives for ever. */
void segment_set_suffix(struct segment *segment, const char *suffix);

/* Its files will be taken away or replaced: what has it open goes on, nothing opens it any more. After it has left the list. */
void segment_set_gone(struct segment *segment);

/* Lets the lock-free index of an empty, new or rebuilt segment count as loaded. Thread: committer. */
void segment_set_loaded(struct segment *segment);

/* Writes new index entries to the index files, with `sync` durably; not for small ones. Thread: committer; the indexes are loaded. */
enum status segment_save_indexes(struct segment *segment, bool sync, struct error *error);

/* Largest timestamp and the offset beside it in the time index; false when it is empty. The segment is pinned with indexes. */
bool segment_last_time(const struct segment *segment, int64_t *timestamp_ms, int64_t *offset);

/*
 * Removes its files from the directory; readers that have it pinned go on. A producer snapshot of the same number stays, for
 * it belongs to the segment before. Thread: committer.
 */
enum status segment_remove_files(struct segment *segment, struct error *error);
enum status segment_files_remove(struct disk *disk, const char *directory, int64_t base, struct error *error);

/* The same, but the .log file stays for a while as .log.deleted. */
enum status segment_files_set_aside(struct disk *disk, const char *directory, int64_t base, struct error *error);

/* "<directory>/<20 digits>.<suffix>" */
void segment_path(const char *directory, int64_t base, const char *suffix, char *path, size_t size);

#endif
