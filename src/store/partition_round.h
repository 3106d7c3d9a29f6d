/*
 * store/partition_round.h: one partition's part of a round: what is to be written and where, and how to take it back.
 * Thread: committer.
 */
#ifndef STORE_PARTITION_ROUND_H
#define STORE_PARTITION_ROUND_H

#include "store/internal.h"
#include "store/staging.h"

#include <sys/uio.h>

struct staged_entry { /* for the indexes, once it is published */
    struct segment *segment;
    uint32_t relative, position; /* offset index */
    int64_t max_timestamp;       /* time index */
    uint32_t max_timestamp_relative;
};

struct closing { /* a segment that the round filled */
    struct segment *segment;
    int64_t end, bytes, max_timestamp, max_timestamp_offset;
    struct buffer snapshot; /* the producers at its end */
};

struct partition_round {
    struct partition_round *next; /* the round's */
    struct partition *partition;
    struct staging *staging;
    int64_t now_ms;
    struct tail tail;   /* where the round has got to; the partition's own is where it began */
    enum status status; /* not OK: nothing of the round stays in this partition */
    struct error error;
    bool wrote;         /* something was staged */
    bool sync_wanted;   /* … by somebody who waits for it to be durable */
    bool undone;
    int64_t bytes, batches;

    struct iovec *parts; /* not yet written to tail.segment */
    int part_count, part_capacity;
    int64_t parts_position, parts_bytes;
    struct staged_entry *staged;
    size_t staged_count, staged_capacity;
    struct closing *closings; /* in order; the last one's successor is tail.segment */
    size_t closing_count, closing_capacity;
};

struct partition_round *partition_round_create(void);
void partition_round_destroy(struct partition_round *part);

/*
 * Makes the partition ready and notes where it stands.
 * Errors  KAFKA_STORAGE_ERROR (read-only), DISK, DISK_FULL
 */
enum status partition_round_begin(struct partition_round *part, struct partition *partition, struct staging *staging, int64_t now_ms,
                                  struct error *error);

/* Are these whole batches that the topic takes? as_one  they must fit one segment together */
enum status partition_round_check(struct partition_round *part, struct slice batches, bool as_one);

/* Do the sequence numbers of idempotent producers follow? Errors and answers as producers_check. */
enum status partition_round_sequences(struct partition_round *part, struct slice batches, int64_t *first_offset, int64_t *timestamp_ms);

/* Gives the batches their offsets and takes them; the bytes stay the caller's until the round's end. Failures show in status. */
void partition_round_stage(struct partition_round *part, struct slice batches);

/* Writes what was staged. Failures show in status. */
void partition_round_flush(struct partition_round *part);

/* The files are synced: makes new names durable too. Failures show in status. */
void partition_round_synced(struct partition_round *part);

/* Puts everything back, durably. leave_bytes  the bytes are cut only later, for the journal is in doubt */
void partition_round_undo(struct partition_round *part, bool leave_bytes);

/* Lets readers see it. */
void partition_round_show(struct partition_round *part);

/* Saves what filled segments need, and lets go of everything. */
void partition_round_end(struct partition_round *part);

/* Begins a new segment outside of a round, durably. Errors: DISK, DISK_FULL, KAFKA_STORAGE_ERROR */
enum status partition_roll(struct partition *partition, struct error *error);

/* Makes size and name of the last segment's file durable, when they are in doubt: a clean end vouches for them. */
enum status partition_settle(struct partition *partition, struct error *error);

/* Makes all that is published durable. */
enum status partition_sync(struct partition *partition, struct error *error);

#endif
