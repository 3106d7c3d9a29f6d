/*
 * connect/preflight.h: what a connector would meet, or meets: its configuration and its database are looked at, and nothing is
 * changed. The console and `tailrace doctor` say what this says.
 *
 * Looking (preflight_look.c, preflight_tables.c) gives facts; judging (preflight_judge.c) makes findings of facts, and is pure.
 */
#ifndef CONNECT_PREFLIGHT_H
#define CONNECT_PREFLIGHT_H

#include "base/properties.h"
#include "capture/settings.h"
#include "connect/findings.h"

#define PREFLIGHT_PATIENCE_MS 5000 /* no look takes longer */

/* ---- Facts ---- */

struct preflight_slot {
    const char *name, *plugin, *database, *status; /* status: wal_status, "" before PostgreSQL 13 */
    bool is_logical, is_here, is_active;           /* is_here: of the database that is connected to */
    int64_t pid;                                   /* that reads it; 0: none */
    const char *application;                       /* of that; "" not known */
    uint64_t restart_lsn, confirmed_lsn;           /* 0: not known */
    int64_t wal_bytes, safe_bytes;                 /* that it keeps; until it is given up. -1: not known */
};

struct preflight_server {
    bool is_connected;
    struct error failure; /* why not; what to do is its second line */
    const char *version;  /* "15.8" */
    int version_number;   /* 150008 */
    bool is_standby;
    const char *wal_level, *wal_level_in_file; /* the second is NULL when it is the same, or not known */
    int64_t slots_max, slots_used, senders_max, senders_used;
    int64_t wal_limit_bytes; /* max_slot_wal_keep_size; -1: none, -2: the version has no such setting */
    const char *role, *database;
    bool is_superuser, may_replicate, may_create; /* may_create: CREATE on the database */
    bool has_rds_role;                            /* Amazon's way to give REPLICATION */
    const char *replication_failure;              /* what a try to open a replication connection brought; NULL: it went well */
    int64_t skew_us, skew_within_us;              /* PostgreSQL's clock less ours, and how exact that is */
    uint64_t wal_end_lsn;                         /* 0: not known */
    int64_t disk_free_bytes;                      /* of PostgreSQL's disk; -1: not known */
    const char *disk_why;                         /* why not */
    const char *host, *port;                      /* as it was reached; host may be a directory of its socket */
    const char *superuser;                        /* a role that may everything and log in; NULL: not known */
    const char *data_directory, *config_file, *bin_directory; /* NULL: not known, or not on this machine */

    struct preflight_slot *slots;
    size_t slot_count;
};

struct preflight_publication {
    const char *name; /* as the catalog has it */
    bool exists, is_all_tables;
    bool inserts, updates, deletes, truncates;
};

struct preflight_table {
    const char *schema, *table;
    const char *name, *quoted; /* public.Users, public."Users" */
    char kind;                 /* 'r', 'p' partitioned */
    bool is_partition;
    char persistence;          /* 'p', 'u' unlogged, 't' temporary */
    char replica_identity;     /* 'd', 'n', 'f', 'i' */
    int64_t rows_about, bytes; /* -1: not known */
    const char *key;           /* columns of the primary key as a JSON array */
    bool has_primary_key, has_unique_index;
    bool has_own_key;          /* message.key.columns names some of its columns */
    bool may_read, is_owner, is_published;
    bool is_captured;
    const char *left_out;      /* columns of types that records have no form for; NULL: none */
    const char *problem;       /* why no plan can be made of it; NULL: it can */
    const char *topic;         /* before transformations; NULL: not looked at */
    bool topic_exists;
};

struct preflight_facts {
    /* Of the configuration; with has_config false only the server is judged. */
    bool has_config;
    const char *connector; /* its name; NULL: it has none yet */
    const char *slot, *prefix;
    enum publication_mode publication_mode;
    bool streams, reads_rows;   /* changes are streamed; a snapshot reads the rows */
    bool always_reads, reads_when_lost;      /* a snapshot at each start; one when the slot cannot give what follows the stored position */
    bool trusts_slot;                        /* a slot past the stored position is taken as it is */
    bool skips_updates, skips_deletes; /* skipped.operations: a publication that the connector makes leaves them out */
    const char *filter_problem;              /* why the lists of tables cannot be used; NULL: they can */
    const char *unmatched;                   /* items of table.include.list that no table matches, with the nearest; NULL: none */

    struct preflight_server server;
    struct preflight_publication publication;
    struct preflight_table *tables; /* all of the database that are not PostgreSQL's own, by name */
    size_t table_count;
    bool tables_cut;          /* there are more */
    const char *tables_why;   /* why they are not known; NULL: they are */
    size_t types_looked_at;   /* captured tables whose columns were read */
    const char *types_why;    /* why the others were not; NULL: all were */

    /* Of this program. */
    uint64_t stored_lsn;                          /* where a connector of this name goes on; 0: it has no position, or that is not known */
    bool is_running;                              /* the connector runs: its slot is active for us */
    const char *slot_taken_by, *prefix_taken_by;  /* other connectors here; NULL: none */
    bool others_known, topics_known;
    int64_t disk_here_bytes; /* free; -1: not known */
    const char *disk_here_why;
};

/* Adds what the facts mean. Pure. */
void preflight_judge(const struct preflight_facts *facts, struct findings *findings);

/* ---- The whole ---- */

struct preflight_connector { /* one that exists */
    const char *name;
    const struct properties *config; /* placeholders resolved */
    bool is_running;
};

struct preflight_request {
    const struct properties *config; /* placeholders resolved; NULL: only the server is looked at */
    const char *connector;           /* its name; NULL: none yet */
    const char *conninfo;            /* libpq's way to the database, when the configuration does not say it; NULL: it does */
    const struct properties *aliases; /* host.aliases; NULL: none */
    const struct properties *worker;  /* the program's settings, for converters; NULL: the defaults */

    const struct preflight_connector *connectors; /* all that exist here */
    size_t connector_count;
    bool connectors_known;
    bool (*topic_exists)(void *context, const char *topic); /* NULL: not known */
    void *context;
    int64_t disk_here_bytes; /* free where the log is; -1: not known */
    const char *disk_here_why;
    uint64_t stored_lsn; /* where a connector of this name goes on; 0: it has no position, or that is not known */
    int stop_fd; /* readable: the database is not waited for any more; 0: never */
};

struct preflight {
    struct preflight_facts facts;
    struct findings findings;
};

/*
 * Looks and judges, all in memory of the arena. Waits for the database, at most PREFLIGHT_PATIENCE_MS.
 * Thread: any
 */
struct preflight *preflight_run(const struct preflight_request *request, struct arena *arena);

/*
 * The same connection that preflight_run looks through, for remedies. Errors as pg_connection_open.
 */
struct pg_connection;
enum status preflight_connect(const struct preflight_request *request, struct pg_connection **opened, struct error *error);

/*
 * The configuration in a text: the body of POST /connectors, {"name":…,"config":{…}}, or what is in its config alone.
 * name    in the arena; NULL when the text has none
 * config  initialised by this, and has to be finished in any case
 * Errors  BAD_INPUT: it is no JSON (where), or no configuration
 */
enum status preflight_config_read(struct slice text, struct arena *arena, const char **name, struct properties *config, struct error *error);

#endif
