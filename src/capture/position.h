/*
 * capture/position.h: how far a connector has published: what it needs to go on with the very next event, and what Debezium
 * would have in its offset. Stored by the log together with the rows.
 *
 * The stream comes in the order of commit records; a transaction comes whole, again whenever its commit record lies at or
 * behind the place where the stream begins. Events inside it come by LSN, and several may share one. So the place is
 * {where to begin, the transaction that is published in part, the last event of it, its number among those of one LSN}.
 */
#ifndef CAPTURE_POSITION_H
#define CAPTURE_POSITION_H

#include "base/buffer.h"
#include "base/error.h"

enum position_message {
    MESSAGE_NONE,
    MESSAGE_INSERT,
    MESSAGE_UPDATE,
    MESSAGE_DELETE,
    MESSAGE_TRUNCATE,
    MESSAGE_MESSAGE,
    MESSAGE_BEGIN,
    MESSAGE_COMMIT
};
enum position_snapshot { POSITION_STREAMING, POSITION_INITIAL, POSITION_BLOCKING };

#define TRANSACTION_FIRST UINT64_MAX /* of transaction_lsn: whichever comes first; for offsets that Debezium wrote */

/* 0 means absent in all numbers. */
struct position {
    /* Ours. */
    uint64_t resume_lsn;      /* the stream begins here; the slot may forget what is before */
    uint64_t transaction_lsn; /* LSN of the commit record of the transaction that is published in part; 0: none is */
    uint64_t event_lsn;       /* the last event of it that is published … */
    uint64_t event_ordinal;   /* … and its number, from 1, among those with this LSN */
    uint64_t commit_lsn;      /* end of the last commit seen: source.sequence */
    struct slice progress;    /* of a snapshot that is under way, snapshot.c's; empty: none is */
    struct slice signals;     /* of what signals asked for and is not done, signals.c's; empty: nothing */

    /* Debezium's offset, as of the last record. */
    uint64_t lsn, lsn_proc, lsn_commit, tx_id, time_us, xmin;
    uint64_t message;                                  /* enum position_message */
    uint64_t snapshot;                                 /* enum position_snapshot */
    uint64_t last_snapshot_record, snapshot_completed; /* 0 or 1 */
    struct slice offset_json; /* the offset as somebody wrote it, until the first event; empty: the members above say it */
};

/* Appends it to `out`, which holds at least 64 KiB. */
void position_write(const struct position *position, struct buffer *out);

/*
 * position  borrows from `bytes`. Empty bytes: all zero
 * Errors    CORRUPT
 */
enum status position_read(struct slice bytes, struct position *position, struct error *error);

/* Does it stand in a snapshot that has not ended? Pure. */
bool position_is_unfinished(const struct position *position);

#endif
