/*
 * store/store.h: the durable log on this machine's disk: topics, their partitions, and the commit journal that publishes
 * captured rows together with their source position. The broker and log/embedded.c are the only callers.
 *
 * Threads: one committer thread does all appending, syncing, publishing, rolling, creating and deleting, in rounds (see
 * ARCHITECTURE.md). Requests reach it through a bounded mailbox and are answered by a callback on the committer thread,
 * which must only hand the answer over (never block, never call back into the store). Readers take no lock: what lies
 * below a partition's published end never changes, and a segment stays until its last reader has let go.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "base/uuid.h"
#include "os/mailbox.h"

struct disk; /* os/disk.h: the real file system, or the simulated one of the tests */
struct store;
struct topic;     /* one incarnation of a topic; counted references; its partitions live as long as it does */
struct partition;

/* ---- Opening and closing ---- */

struct store_settings {
    const char *directory;        /* created when missing; locked against a second process */
    struct disk *disk;            /* NULL: the real one */
    int64_t segment_bytes;        /* default of topics, log.segment.bytes */
    int32_t message_bytes_max;    /* default of topics, message.max.bytes */
    int64_t index_interval_bytes; /* log.index.interval.bytes, 4096 */
    int32_t default_partitions;   /* num.partitions */
    bool flush_acks;              /* log.flush.acks: acks=all waits for the sync (default) */
    int32_t sync_threads;         /* files of one round synced at once */
    const struct properties *topic_defaults; /* other log.* settings: defaults of topic settings, and the cleaner's; may be NULL */
    int64_t (*now_ms)(void *context);        /* NULL: the wall clock */
    struct uuid (*new_uuid)(void *context);  /* NULL: random ones */
    void *context;                           /* of the two */
    int64_t small_segment_bytes; /* smaller segments keep no index files; 0: 256 KiB */
    bool manual; /* no threads: the caller drives it by store_run, and everything else runs on the caller's thread (tests) */
};

/*
 * Opens or creates the data directory and recovers: cuts tails past the last sync, cuts partitions that an owner writes
 * back to the last commit record, reports corruption before that and makes that partition read-only.
 * Errors  DISK, DISK_FULL, CONFLICT (another process holds the directory), CORRUPT (catalog or journal unreadable)
 */
enum status store_open(const struct store_settings *settings, struct store **opened, struct error *error);

/* Finishes the rounds under way, writes clean-shutdown marks, stops the committer. NULL is fine. */
void store_close(struct store *store);

/* Manual mode: runs rounds until nothing waits. */
void store_run(struct store *store);

/* Manual mode: does once what the cleaner's thread does from time to time: retention, compaction, removal of files. */
void store_clean(struct store *store);

const char *store_cluster_id(const struct store *store); /* 22 characters, from meta.properties; lives as long as the store */

/* Is the store unable to write now (disk full, I/O error)? Gives the reason. Recovers by itself when space returns. */
bool store_is_degraded(const struct store *store, struct error *reason);

/* ---- Topics ---- */

/* All of these give a reference; let go of it with topic_release. NULL when there is none. Thread: any; a short read lock. */
struct topic *store_topic_find(struct store *store, struct slice name);
struct topic *store_topic_find_by_id(struct store *store, const struct uuid *id);
void topic_retain(struct topic *topic);
void topic_release(struct topic *topic);

/* All topics by name in byte order, as references in memory of the arena; release each. */
struct topic **store_topics(struct store *store, struct arena *arena, size_t *count);

const char *topic_name(const struct topic *topic);
const struct uuid *topic_id(const struct topic *topic);
int32_t topic_partition_count(const struct topic *topic); /* may grow while you hold it */
struct partition *topic_partition(const struct topic *topic, int32_t index); /* NULL when out of range; no reference of its own */
bool topic_is_deleted(const struct topic *topic);

/* Settings set on the topic itself, as a copy that the caller finishes. */
void topic_config_copy(const struct topic *topic, struct properties *config);

/* The effective value of a number setting ("segment.bytes", "max.message.bytes", "retention.ms", …). */
int64_t topic_config_number(const struct topic *topic, const char *key);

bool topic_is_internal(const struct topic *topic);
bool topic_is_compacted(const struct topic *topic);          /* cleanup.policy has compact: records need keys, which the caller checks */
bool topic_uses_append_time(const struct topic *topic);      /* message.timestamp.type is LogAppendTime */
int32_t topic_batch_bytes_max(const struct topic *topic);    /* max.message.bytes; one atomic load */

/* What goes wrong is in `status` and `message`; callbacks run on the committer thread. */
typedef void store_done(void *context, enum status status, const char *message);

struct topic_spec {
    const char *name;         /* checked by the caller against Kafka's naming rules; the store checks again what a path needs */
    int32_t partitions;       /* -1: the default */
    const struct properties *config; /* may be NULL; keys and values checked by the caller */
    bool internal;
};

/* Errors: TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, UNKNOWN_TOPIC_OR_PARTITION, DISK, DISK_FULL. All are durable when answered. */
void store_topic_create(struct store *store, const struct topic_spec *spec, store_done *done, void *context);
void store_topic_delete(struct store *store, struct slice name, store_done *done, void *context);
void store_topic_grow(struct store *store, struct slice name, int32_t partitions, store_done *done, void *context);
void store_topic_set_config(struct store *store, struct slice name, const struct properties *config, store_done *done, void *context);

/* The same for threads that may wait. */
enum status store_topic_create_wait(struct store *store, const struct topic_spec *spec, struct error *error);
enum status store_topic_delete_wait(struct store *store, struct slice name, struct error *error);

/* ---- Partitions: reading (any thread, no lock) ---- */

struct topic *partition_topic(const struct partition *partition);
int32_t partition_index(const struct partition *partition);
int64_t partition_start(const struct partition *partition);       /* log start offset */
int64_t partition_end(const struct partition *partition);         /* published end (high watermark): one acquire load */
int64_t partition_stable_end(const struct partition *partition);  /* last stable offset; equals the end without transactions */
int32_t partition_leader_epoch(const struct partition *partition);
int64_t partition_bytes(const struct partition *partition);       /* size on disk, all segments */
int32_t partition_segment_count(struct partition *partition);
bool partition_is_read_only(const struct partition *partition);   /* after corruption */
int64_t partition_compacted_end(const struct partition *partition); /* all below was compacted; 0 when never */

/* Could it not be compacted the last time that was tried? Appends why to `reason`, which may be NULL. */
bool partition_cleaning_failure(struct partition *partition, struct buffer *reason);

/* A run of whole batches in one file. Hold it while using fd; then range_release. */
struct range {
    int fd;            /* of the segment's .log file; use pread or sendfile */
    int64_t position;  /* byte in the file */
    size_t size;       /* bytes; 0 when the offset is the published end */
    int64_t first_offset; /* base offset of the first batch: at or before the offset asked for */
    int64_t next_offset;  /* where to go on */
    void *segment;     /* the reference */
};

/*
 * Finds whole batches from `offset` on, never past the published end and never past one segment.
 * bytes_max  soft: the first batch is given whole even when it is larger, unless `strict`, which then gives size 0
 * Errors     OFFSET_OUT_OF_RANGE, CORRUPT, DISK, CLOSED (topic deleted)
 */
enum status partition_range(struct partition *partition, int64_t offset, size_t bytes_max, bool strict, struct range *range, struct error *error);
void range_release(struct range *range);

/* Reads the run's bytes (size of them); for those who do not send the file itself. */
enum status range_read(const struct range *range, void *bytes, struct error *error);

/*
 * The first record at or after a time, as ListOffsets by timestamp wants: offset and timestamp of that record; offset -1
 * when there is none. Decompresses one batch: call it where a few milliseconds do not hurt.
 */
enum status partition_find_time(struct partition *partition, int64_t timestamp_ms, int64_t *offset, int64_t *found_ms, struct error *error);

/* Offset and timestamp of the record with the largest timestamp (ListOffsets -3); -1 when empty. */
enum status partition_find_largest_time(struct partition *partition, int64_t *offset, int64_t *found_ms, struct error *error);

/* Aborted transactions that overlap [from, to), for read_committed fetches; in memory of the arena. */
struct aborted_transaction {
    int64_t producer_id;
    int64_t first_offset;
};
struct aborted_transaction *partition_aborted(struct partition *partition, int64_t from, int64_t to, struct arena *arena, size_t *count);

/* ---- Appending (any thread) ---- */

/*
 * One append: one or more RecordBatch v2 for one partition, as one unit. The caller has checked framing and CRC
 * (record_batches_check); the committer assigns offsets, patches base offset and leader epoch, checks sequence numbers
 * of idempotent producers, writes, and answers after the round that made it durable (acks -1) or after the write (acks 1).
 */
struct append {
    struct partition *partition; /* the caller holds the topic until done */
    struct slice batches;        /* borrowed until done */
    int16_t acks;                /* -1, 1 or 0 (0: done is still called) */
    bool lazy;                   /* its loss in a power cut is harmless: no sync is done for it */
    void (*done)(struct append *append); /* committer thread; the append is the caller's again */
    void *context;               /* the caller's */
    /* the answer: */
    enum status status; /* OK, DUPLICATE_SEQUENCE_NUMBER (answered as OK with the old offset), OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH,
                           MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, CORRUPT_MESSAGE, DISK, DISK_FULL, KAFKA_STORAGE_ERROR (read-only after
                           corruption), UNKNOWN_TOPIC_OR_PARTITION (deleted), CLOSED */
    int64_t first_offset;
    int64_t append_time_ms; /* -1 unless message.timestamp.type is LogAppendTime */
    int64_t log_start;
    struct message message; /* the store's, while it holds the append */
};

void store_append(struct store *store, struct append *append);

/*
 * Makes the caller the owner's only writer: publishes of earlier sessions, also those under way behind this call, fail with
 * CLOSED. After a failed publish the session is over too: all that is queued behind it fails, until the owner opens again.
 * position  the last published one; empty when there is none
 * Errors    CLOSED. Waits for the round under way: not for the network thread.
 */
enum status store_owner_open(struct store *store, const char *owner, int64_t *session, struct buffer *position, struct error *error);

/*
 * One publish of an owner: rows over any number of partitions and the position they bring the owner to, all visible
 * together after one journal record is durable, or never. With no items it only moves the position.
 */
struct publish_item {
    struct partition *partition; /* the caller holds the topic until done */
    struct slice batches;        /* as in struct append */
    int64_t first_offset, end_offset; /* the answer: where its records are */
};

struct publish {
    const char *owner;           /* e.g. "connector/fraud-detection-connector"; borrowed until done */
    int64_t session;             /* from store_owner_open */
    struct slice position;       /* opaque, at most 64 KiB; borrowed until done */
    struct publish_item *items;
    size_t item_count;
    void (*done)(struct publish *publish); /* committer thread */
    void *context;
    enum status status;          /* on failure nothing of it is visible, now or after a restart */
    struct error error;
    int64_t written_us, durable_us, published_us; /* wall clock, when status is OK: in the files, synced with its journal record, seen by readers */
    struct message message;      /* the store's, while it holds the publish */
};

void store_publish(struct store *store, struct publish *publish);

/* The owner's last published position, into `position`; false when it has none. Thread: any. */
bool store_position(struct store *store, const char *owner, struct buffer *position);

/* Forgets an owner's position (its rows stay). Durable when answered. */
void store_position_remove(struct store *store, const char *owner, store_done *done, void *context);

/* Moves the log start forward (DeleteRecords). Errors: OFFSET_OUT_OF_RANGE. */
void store_records_delete(struct store *store, struct partition *partition, int64_t before_offset, store_done *done, void *context);

/*
 * A fresh block of 1000 producer ids (InitProducerId): its first. Reserved durably ahead, so it normally does not wait;
 * -1 when none could be reserved, because the disk fails or the last one was taken a moment ago (ask the client to retry).
 */
int64_t store_producer_ids_reserve(struct store *store);

/* ---- Being told ---- */

/*
 * Calls back, on the committer thread, after each round with the partitions whose published end moved, and after topics
 * changed (count 0). The listener only notes it and wakes its own thread. Register before the first append; at most 8.
 */
typedef void store_listener(void *context, struct partition *const *moved, size_t count);
void store_listen(struct store *store, store_listener *listener, void *context);
void store_unlisten(struct store *store, store_listener *listener, void *context);

/* ---- Counters, for metrics ---- */
struct store_counters {
    int64_t rounds, syncs, appended_bytes, appended_batches, published_ends, journal_records;
    int64_t last_round_us; /* write, sync and publish of the last round */
    int64_t waiting;       /* requests that wait for the next round */
    int64_t deleted_segments, deleted_bytes; /* by retention, and because records were deleted */
    int64_t compactions, compacted_bytes, compacted_kept_bytes; /* read, and of those what remained */
    int64_t compaction_us, last_compaction_ms; /* time spent; when the last one ended, wall clock, 0: never */
};
void store_counters_read(struct store *store, struct store_counters *counters);

#endif
