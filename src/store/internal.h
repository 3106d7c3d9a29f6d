/* store/internal.h: the store as its own sources see it. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/map.h"
#include "os/mailbox.h"
#include "os/thread.h"
#include "store/catalog.h"
#include "store/syncer.h"
#include "store/topic.h"

#include <pthread.h>

#define LISTENERS_MAX 8
#define PRODUCER_ID_BLOCK 1000

/* Kinds of messages in the committer's mailbox. */
enum { MESSAGE_APPEND, MESSAGE_PUBLISH, MESSAGE_CONTROL };

/* Something that the committer does between two rounds. Freed by its `run`. */
struct control {
    struct message message;
    void (*run)(struct store *store, struct control *control);
};

struct listener {
    store_listener *call;
    void *context;
};

/* What the committer knows of an owner since the store was opened. */
struct owner {
    int64_t session; /* the only one whose publishes are taken */
    bool failed;     /* one of them failed: none behind it is taken */
};

struct trash { /* a directory of a deleted partition, to be removed; who reads from it has its files open */
    struct trash *next;
    char *path;
};

struct store {
    struct disk *disk;
    char *directory;
    struct properties topic_defaults; /* by the broker's names */
    int32_t default_partitions;
    bool flush_acks;
    bool manual;
    int64_t (*now_ms)(void *context);
    struct uuid (*new_uuid)(void *context);
    void *context;
    char cluster_id[UUID_BASE64_SIZE];
    struct disk_file *lock_file; /* its first byte says whether a sync has failed since the system was started */
    bool suspect;                /* committer: it says so */

    struct segment_files files;
    struct catalog *catalog; /* committer */
    struct journal *journal; /* committer, but for positions */
    struct syncer *syncer;   /* committer */
    struct round *round;     /* committer */
    struct cleaner *cleaner; /* NULL while opening */

    pthread_rwlock_t topics_lock; /* guards the two maps; a leaf; the committer alone writes */
    struct map topics_by_name;
    struct map topics_by_id;

    struct mailbox mailbox;
    struct thread *committer;
    _Atomic bool closing;

    pthread_mutex_t state_lock; /* guards listeners, degraded and the producer ids; a leaf */
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct error degraded; /* status OK: all is well */
    int64_t producer_ids;  /* first of the block kept ready; -1: none */
    bool producer_ids_asked;

    struct map owners;      /* committer: name -> struct owner */
    int64_t last_session;   /* committer */
    struct trash *trash;    /* committer */
    int64_t checkpoint_due_ms; /* committer: monotonic */
    bool checkpoints_stale; /* committer: the checkpoint files may still name partitions of deleted topics */

    _Atomic int64_t deleted_segments, deleted_bytes, compactions, compacted_bytes, compacted_kept_bytes, compaction_us, last_compaction_ms;
    _Atomic int64_t rounds, syncs, appended_bytes, appended_batches, published_ends, journal_records, last_round_us;
};

/* ---- store.c ---- */
void store_degraded_set(struct store *store, const struct error *reason); /* logs when it is news */
void store_degraded_clear(struct store *store);

/* Marks, when a sync has failed, that the next opening must not believe what it reads unless the system was started anew. */
void store_suspect_note(struct store *store);
void store_send(struct store *store, struct message *message);
int64_t store_now_ms(const struct store *store);
struct uuid store_new_uuid(const struct store *store);
void store_topic_add(struct store *store, struct topic *topic);  /* to the maps, which take the reference */
void store_topic_take(struct store *store, struct topic *topic); /* out of the maps; the reference becomes the caller's */

/* Tells the listeners. Thread: committer. */
void store_tell(struct store *store, struct partition *const *moved, size_t count);

/* ---- round.c ---- */
struct round *round_create(struct store *store);
void round_destroy(struct round *round); /* NULL is fine */

/* Takes a message of the kinds APPEND and PUBLISH into the round. */
void round_add(struct round *round, struct message *message);

/* Writes, syncs, journals, publishes and answers all that was added. */
void round_finish(struct round *round);

bool round_is_full(const struct round *round);

/* ---- control.c ---- */
void control_reserve_producer_ids(struct store *store); /* a block, durably; thread: committer, or before it runs */

/* Has the committer call, between two rounds, and waits for it. Thread: one that may wait, but not the committer. */
typedef enum status store_work(struct store *store, void *context, struct error *error);
enum status store_call(struct store *store, store_work *work, void *context, struct error *error);

/* ---- topics.c: making and deleting topics ---- */

/* Puts aside what an earlier incarnation may have left under the name "<topic>-<index>", and notes it as trash. */
enum status topics_set_aside(struct store *store, const char *name, int32_t index, struct error *error);
void topics_trash_add(struct store *store, char *path); /* takes the path */

/* Removes at most so many directories of deleted partitions; false when none is left. */
bool topics_trash_empty(struct store *store, size_t count_max);

/* ---- upkeep.c: what is done from time to time, and at the end ---- */

/* Recovery points, index files, forgotten producers. Failing is no harm: the next recovery reads more. */
void upkeep_checkpoint(struct store *store);

/*
 * Takes deleted topics out of the checkpoint files, which know partitions by name only: before a topic is made that may have
 * the name of a deleted one. Does nothing when there is nothing to take out. Errors: DISK, DISK_FULL
 */
enum status upkeep_forget_deleted(struct store *store, struct error *error);

/* Lets go of segments that lie before the log start whole, and puts their files aside. */
void upkeep_trim(struct partition *partition);

struct start_move {
    struct partition *partition;
    int64_t start;  /* the new one; what is not before the end and behind the present one is passed over */
    int64_t before; /* upkeep_move_starts's own */
};

/* Moves log starts forward, durably, and trims. Errors: DISK, DISK_FULL; all are as before then */
enum status upkeep_move_starts(struct store *store, struct start_move *moves, size_t count, struct error *error);

/* Makes durable up to where partitions are compacted. */
enum status upkeep_save_cleaned(struct store *store, struct error *error);

/* Makes the log starts durable. */
enum status upkeep_save_starts(struct store *store, struct error *error);

/* Syncs and saves everything and leaves the marks of a clean end. */
enum status upkeep_save_clean(struct store *store, struct error *error);

/* Milliseconds until upkeep_run wants to be called again. */
int64_t upkeep_run(struct store *store);

/* ---- cleaner.c: retention, compaction, and the files that are not needed any more ---- */

struct cleaner *cleaner_create(struct store *store);
enum status cleaner_start(struct cleaner *cleaner, struct error *error); /* its thread */
void cleaner_stop(struct cleaner *cleaner);                              /* waits for it; breaks off what it is at */
void cleaner_destroy(struct cleaner *cleaner);                           /* removes the files that still wait; NULL is fine */

/* Notes "<base>.log.deleted" of the partition, to be removed after file.delete.delay.ms. Thread: committer. */
void store_grave_add(const struct partition *partition, int64_t base);

/* ---- committer.c ---- */
void committer_process(struct store *store, struct message *messages);
void committer_main(void *context);

#endif
