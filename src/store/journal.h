/*
 * store/journal.h: the commit journal, the truth about owners' positions. A record is one round's news: the positions that
 * owners have reached and the end of every owned partition the round touched. Rows become visible with their record.
 *
 * The file is a ledger (store/ledger.h) named commit.journal. A payload is a run of entries:
 *   position  1 (1 byte), length of owner (2), owner, length of position (4), position
 *   removed   2 (1 byte), length of owner (2), owner
 *   end       3 (1 byte), topic id (16), partition (4), end offset (8)
 * Later entries replace earlier ones. A partition is owned from its first end entry on, which is durable before an owner's
 * first byte is written to it; from then on recovery cuts it exactly to its last end.
 *
 * Thread: the committer, but for journal_position.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/buffer.h"
#include "base/uuid.h"
#include "os/disk.h"

#define JOURNAL_POSITION_BYTES_MAX (64u * 1024)
#define JOURNAL_OWNER_BYTES_MAX 1024u
#define JOURNAL_COMPACT_BYTES (16 << 20)

struct journal;

struct journal_end {
    struct uuid topic;
    int32_t partition;
    int64_t end;     /* as the last durable record has it */
    bool forgotten;  /* its topic is gone: left out when the journal is compacted */
};

/* suspect  as for ledger_open. Errors: DISK, DISK_FULL, CORRUPT */
enum status journal_open(struct disk *disk, const char *directory, bool suspect, struct journal **opened, struct error *error);
void journal_close(struct journal *journal); /* NULL is fine */

/* NULL when no owner has ever written to the partition. */
struct journal_end *journal_find(struct journal *journal, const struct uuid *topic, int32_t partition);

/* ---- A record: begin, add, write ---- */
void journal_begin(struct journal *journal);
void journal_add_position(struct journal *journal, const char *owner, struct slice position);
void journal_add_removal(struct journal *journal, const char *owner);
void journal_add_end(struct journal *journal, const struct uuid *topic, int32_t partition, int64_t end);

/*
 * Makes the record durable and its content the state; without entries it does nothing. Compacts when the file is long.
 * Errors  DISK, DISK_FULL: the state is as before, but see journal_is_in_doubt
 */
enum status journal_commit(struct journal *journal, struct error *error);

/* May the last failed record be on the disk all the same? Then nothing of it may be cut before journal_repair has gone through. */
bool journal_is_in_doubt(const struct journal *journal);
enum status journal_repair(struct journal *journal, struct error *error);

/* The owner's last published position, behind what the buffer has; false when there is none. Thread: any. */
bool journal_position(struct journal *journal, const char *owner, struct buffer *position);

int64_t journal_records(const struct journal *journal); /* written since opening */

#endif
