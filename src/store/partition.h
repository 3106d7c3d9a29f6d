/*
 * store/partition.h: one partition inside the store: its segments, where the next batch goes, and what recovery knows of it.
 * The reading functions of store.h are in partition_read.c.
 */
#ifndef STORE_PARTITION_H
#define STORE_PARTITION_H

#include "store/journal.h"
#include "store/producers.h"
#include "store/segment.h"
#include "store/settings.h"
#include "store/store.h"

/* Where the next batch goes, and what is known of the segment it goes to. */
struct tail {
    struct segment *segment;
    int64_t end;       /* offset of the next record */
    int64_t position;  /* byte in the segment */
    int64_t index_gap; /* bytes since the last index entry */
    int64_t max_timestamp, max_timestamp_offset; /* largest in the segment and the last offset of its batch; -1 none */
    int64_t first_timestamp; /* of the segment's first batch; -1 when it is empty or has none */
    int64_t created_ms;      /* when the segment was begun, or the partition opened */
};

enum trouble {
    TROUBLE_NONE,
    TROUBLE_CUT,       /* bytes behind the tail could not be cut off: nothing may be appended until they are */
    TROUBLE_READ_ONLY, /* corrupt before the known end; for good */
};

struct segment_list { /* never changed once readers can see it */
    size_t count;
    struct segment *segments[]; /* by base, the last one is appended to */
};

struct partition {
    struct store *store;
    struct topic *topic;
    int32_t index;
    char *directory;

    /* read by any thread */
    _Atomic int64_t start;
    _Atomic int64_t end;
    _Atomic int64_t stable_end;
    _Atomic int64_t closed_bytes; /* of all segments but the last */
    _Atomic int32_t leader_epoch;
    _Atomic bool read_only;
    _Atomic(struct segment_list *) list;
    _Atomic int readers;   /* inside a look at the list, for a few instructions */
    pthread_mutex_t lock;  /* guards the next line and the one of the cleaner's failure */
    int64_t max_timestamp, max_timestamp_offset; /* published, of the last segment */
    char *cleaning_failure; /* why it cannot be compacted; NULL: it can */
    _Atomic int64_t cleaned; /* all below was compacted; the committer writes */

    /* the committer's */
    struct tail tail;           /* of what is published */
    bool tail_ready;            /* the last segment's indexes and times are in memory */
    struct producers *producers; /* NULL until needed */
    struct journal_end *owned;  /* its end in the commit journal; NULL when no owner has ever written to it */
    enum trouble trouble;
    int64_t synced_end;         /* all below is durable */
    bool size_in_doubt;         /* ... but perhaps not that the file ends there: an opening that failed may have cut it */
    int64_t recovery_point;     /* as the checkpoint file has it */
    int64_t saved_end;          /* the end for which indexes and snapshot are on disk; -1 none */
    bool made;                  /* directory and first file are there; they are made for the first append */
    bool directory_synced;      /* ... and the directory's name is durable */
    int64_t snapshot_offset;    /* of the newest producer snapshot on disk; -1 none */
    bool snapshot_synced;       /* it is durable */
    struct segment *swapped;    /* in the list, but not under its final name yet (store/swap.h) */
    bool swap_in_doubt;         /* a file that must never take the place of others may still do so */
    int64_t swap_base;          /* ... and its base */
    struct partition_round *round; /* while a round touches it */

    /* the cleaner's */
    int64_t idle_end;  /* its end at the last look; -1 none */
    int64_t retry_ms;  /* a failed compaction is not tried again before; by the monotonic clock */
};

/* An empty shell; the segments come from recovery or partition_begin_empty. */
struct partition *partition_create(struct store *store, struct topic *topic, int32_t index);
void partition_destroy(struct partition *partition); /* no reader is left */

/* Empty at offset 0, with nothing on disk yet. */
void partition_begin_empty(struct partition *partition);

/* Puts the segments in place; takes the references. Thread: committer, or before it runs. */
void partition_set_segments(struct partition *partition, struct segment *const *segments, size_t count);

/* Lets go of the first segments; readers inside them go on. Thread: committer. */
void partition_drop_segments(struct partition *partition, size_t count);

/* All segments, each with a reference, in memory that the caller frees. Thread: any. */
struct segment **partition_segments(struct partition *partition, size_t *count);

/*
 * How old the segment that begins at `base` may become: segment.ms less a share of segment.jitter.ms that is by chance, but the
 * same at each look and after a restart, so that partitions that were begun together are not rolled together. Thread: any.
 */
int64_t partition_segment_ms(const struct partition *partition, const struct topic_settings *settings, int64_t base);

/* The segment that holds the offset, with a reference; NULL when the offset lies before the first one. Thread: any. */
struct segment *partition_segment_at(struct partition *partition, int64_t offset);
struct segment *partition_segment_first(struct partition *partition);

/* The list itself. Thread: committer. */
static inline struct segment_list *partition_list(const struct partition *partition)
{
    return atomic_load_explicit(&partition->list, memory_order_relaxed);
}

/* Moves what readers see to the tail. Thread: committer. */
void partition_publish(struct partition *partition, const struct tail *tail);

/* Makes files when there are none; brings the last segment's indexes and times into memory, and the producers. Before an append. */
enum status partition_prepare(struct partition *partition, struct error *error);

/*
 * Writes a producer snapshot for the offset. sync  durably, and removes the one before it unless that stands at a segment's
 * base; without, a power cut may take it, so it may stand only for what can be read from the log again
 */
enum status partition_save_snapshot(struct partition *partition, int64_t offset, struct slice snapshot, bool sync, struct error *error);

/* The same of the producers as they are, at the tail. */
enum status partition_snapshot(struct partition *partition, bool sync, struct error *error);

/* Notes the producers of the batches from an offset on to the end of the segment, by their headers. Errors: DISK */
enum status partition_replay_producers(struct partition *partition, struct segment *segment, int64_t from, struct error *error);

/* Removes the producer snapshot for an offset, unless it is the newest. */
void partition_forget_snapshot(struct partition *partition, int64_t offset);

/* Writes "partition.metadata" and "leader-epoch-checkpoint"; not synced. */
enum status partition_save_metadata(struct partition *partition, struct error *error);

#endif
