/*
 * store/catalog.h: which topics there are: a ledger (store/ledger.h) named catalog. It also keeps how far producer ids are
 * given out. Numbers are big-endian.
 *
 * A payload is a run of entries:
 *   topic      1 (1 byte), id (16), flags (1; bit 0: internal), partitions (4), length of name (2), name, configuration
 *   deleted    2 (1 byte), id (16)
 *   grown      3 (1 byte), id (16), partitions (4)
 *   configured 4 (1 byte), id (16), configuration
 *   producers  5 (1 byte), first producer id that was not given out (8)
 * A configuration is a count (4), then for each key: length (2), key, length (4), value.
 *
 * Thread: the committer, or before it runs.
 */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "base/properties.h"
#include "base/uuid.h"
#include "os/disk.h"

struct catalog;

struct catalog_topic {
    char *name;
    struct uuid id;
    bool internal;
    int32_t partitions;
    struct properties config;
};

/* suspect  as for ledger_open. Errors: DISK, DISK_FULL, CORRUPT */
enum status catalog_open(struct disk *disk, const char *directory, bool suspect, struct catalog **opened, struct error *error);
void catalog_close(struct catalog *catalog); /* NULL is fine */

/* Topics that exist, in no particular order: start with *at = 0. */
const struct catalog_topic *catalog_next(const struct catalog *catalog, size_t *at);

/* Topics that were deleted since the file was last rewritten, whose directories may still be there: start with *at = 0. */
const struct catalog_topic *catalog_next_deleted(const struct catalog *catalog, size_t *at);

const struct catalog_topic *catalog_find(const struct catalog *catalog, const char *name);

/* Each is durable on OK; on failure nothing has changed. Errors: DISK, DISK_FULL */
enum status catalog_create(struct catalog *catalog, const char *name, const struct uuid *id, bool internal, int32_t partitions,
                           const struct properties *config, struct error *error);
enum status catalog_delete(struct catalog *catalog, const struct uuid *id, struct error *error);
enum status catalog_grow(struct catalog *catalog, const struct uuid *id, int32_t partitions, struct error *error);
enum status catalog_configure(struct catalog *catalog, const struct uuid *id, const struct properties *config, struct error *error);

/* Takes `count` producer ids; the first of them in `first`. */
enum status catalog_take_producer_ids(struct catalog *catalog, int64_t count, int64_t *first, struct error *error);

/*
 * May the last failed change be on the disk all the same? Then nothing may be acknowledged that a change could take away,
 * until the repair has gone through. OK when there is no doubt.
 */
enum status catalog_repair(struct catalog *catalog, struct error *error);

/* Rewrites the file when it is much longer than its state. Call when no deleted topic's directory is left under its name. */
void catalog_tidy(struct catalog *catalog);

#endif
