/* store/cleaner_internal.h: the cleaner as its two sources see it: cleaner.c, the thread and what it decides; cleaner_compact.c, one compaction. */
#ifndef STORE_CLEANER_INTERNAL_H
#define STORE_CLEANER_INTERNAL_H

#include "store/internal.h"
#include "store/selection.h"

struct grave;

struct cleaner {
    struct store *store;
    struct cleaner_settings settings;
    struct thread *thread;
    struct mailbox wake; /* nothing is sent to it: it is waited on and woken */
    _Atomic bool stopping;
    uint64_t key[2]; /* of the hash of keys */
    int64_t check_due_ms, compact_due_ms; /* monotonic */
    pthread_mutex_t lock; /* guards the graves; a leaf */
    struct grave *graves;
};

/* All segments of a partition, held, and what is known of them. */
struct view {
    struct partition *partition;
    struct segment **segments;
    struct segment_facts *facts;
    size_t count;
    int64_t bytes;
};

void view_open(struct view *view, struct partition *partition, int64_t now_ms);
void view_close(struct view *view);

struct choice {
    struct partition *partition; /* NULL: none */
    struct topic_settings settings;
    struct compaction_range range;
    int64_t now_ms;
};

/* Compacts what was chosen; a failure is noted in the partition and tried again later. Thread: the cleaner's. */
void cleaner_compact(struct cleaner *cleaner, const struct choice *choice);

#endif
