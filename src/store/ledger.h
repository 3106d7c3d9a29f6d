/*
 * store/ledger.h: an append-only file of checksummed records, each durable before the next one is begun; the catalog and
 * the commit journal are two of them. One thread writes.
 *
 * The file, all numbers big-endian:
 *   offset size
 *        0    8 "TRLEDGER"
 *        8    4 version of this format, 1
 *       12    4 kind: 1 catalog, 2 commit journal
 *       16      records, one behind the other
 * A record, at a multiple of 8:
 *        0    4 size of the payload, n; at least 1
 *        4    4 crc32c of bytes 8 to 16 + n
 *        8    8 sequence number: one more than the record before; the first record of a file may have any
 *       16    n payload
 *   16 + n      zeros up to a multiple of 8
 * Behind the last record there may be zeros: a journal is made longer ahead of its records.
 *
 * A record that is not whole can only be the last one: it is cut when the file is opened. When a good record follows a bad
 * one, or a file's beginning is bad, the file was damaged after it had been written, and opening says so instead.
 *
 * When a record cannot be written or synced, it is cut off again and that is synced, so it was never there. When even that
 * fails, the ledger is in doubt: the disk may hold the record or not. It then refuses every record until a repair went through.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/buffer.h"
#include "os/disk.h"

struct ledger;

#define LEDGER_KIND_CATALOG 1
#define LEDGER_KIND_JOURNAL 2
#define LEDGER_PAYLOAD_MAX (256u * 1024 * 1024)

/* Called for each record in their order; a failure ends the opening. */
typedef enum status ledger_replay(void *context, struct slice payload, struct error *error);

/*
 * Opens or makes the file and replays what it holds. directory and name are copied.
 * suspect  a sync has failed since the system was started: what is read may not be what the disk has, so it is written anew
 * Errors   DISK, DISK_FULL, CORRUPT, those of `replay`
 */
enum status ledger_open(struct disk *disk, const char *directory, const char *name, uint32_t kind, bool suspect, ledger_replay *replay,
                        void *context, struct ledger **opened, struct error *error);
void ledger_close(struct ledger *ledger); /* NULL is fine */

/* Appends one record, durable on OK. On failure it is not there, unless the ledger is in doubt. Repairs first when it is. */
enum status ledger_append(struct ledger *ledger, struct slice payload, struct error *error);

bool ledger_is_in_doubt(const struct ledger *ledger);

/* Settles a doubt: cuts off the last record, or makes the last rewrite's name durable. OK when there is none. */
enum status ledger_repair(struct ledger *ledger, struct error *error);

/*
 * Replaces the whole file by one record that holds the state so far. On failure the old file goes on, unless it is in
 * doubt which of the two the directory holds; both say the same.
 */
enum status ledger_rewrite(struct ledger *ledger, struct slice payload, struct error *error);

int64_t ledger_bytes(const struct ledger *ledger);

#endif
