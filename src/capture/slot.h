/*
 * capture/slot.h: the replication slot and the publication of a connector: looked up, made and dropped as Debezium does.
 */
#ifndef CAPTURE_SLOT_H
#define CAPTURE_SLOT_H

#include "capture/connection.h"
#include "wire/debezium/config.h"

/* What pg_replication_slots says. */
struct slot {
    bool exists;
    bool is_ours; /* a logical slot of pgoutput in this database */
    bool is_active;
    int active_pid;                      /* 0: none */
    bool is_lost;                        /* wal_status is lost: its WAL is gone */
    uint64_t restart_lsn, confirmed_lsn; /* 0: not known yet */
    int64_t catalog_xmin;                /* -1: null */
    char plugin[64], database[64];
};

/* What CREATE_REPLICATION_SLOT gives. */
struct slot_created {
    uint64_t consistent_lsn;
    char snapshot[64]; /* name of the exported snapshot, good while the replication connection does nothing else */
};

enum status slot_read(struct pg_connection *sql, const char *name, struct slot *slot, struct error *error);

/*
 * Creates the slot, or with `temporary` one that lives as long as the connection, for its exported snapshot.
 * Waits for transactions that were running; says which ones in the log when that takes long.
 */
enum status slot_create(struct pg_connection *replication, struct pg_connection *sql, const struct capture_settings *settings,
                        const char *name, bool temporary, struct slot_created *created, struct error *error);

/* Errors: DATABASE. Tries again while the slot is active, 3 times. */
enum status slot_drop(struct pg_connection *sql, const char *name, struct error *error);

/*
 * Makes the publication, or brings it in line, by publication.autocreate.mode; then the replica identities of
 * replica.identity.autoset.values.
 * Errors  BAD_INPUT (it is missing and may not be made, no table matches, it is for all tables), DATABASE
 */
enum status publication_ensure(struct pg_connection *sql, const struct capture_settings *settings, const struct debezium_config *config,
                               struct error *error);

/*
 * Can the slot not give what follows resume_lsn? Pure.
 * trusted  a slot that is past it is no objection: the configuration takes the slot's word, or does not look
 */
bool slot_lacks(const struct slot *slot, uint64_t resume_lsn, bool trusted);

/* The name of a publication as the catalog has it: it is written into statements as it is, so PostgreSQL folds it unless it is in quotes. */
const char *publication_catalog_name(const char *name, struct arena *arena);

#endif
