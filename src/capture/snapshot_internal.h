/* capture/snapshot_internal.h: what snapshot.c (the transaction, the order) and snapshot_rows.c (reading a table) share. */
#ifndef CAPTURE_SNAPSHOT_INTERNAL_H
#define CAPTURE_SNAPSHOT_INTERNAL_H

#include "base/regexes.h"
#include "capture/progress.h"
#include "capture/signal.h"
#include "capture/task.h"

/* A row of COPY, kept until it is known what comes behind it. */
struct held_row {
    char *bytes;             /* libpq's; NULL: none */
    struct pg_value *values; /* as copied, then as the relation has them */
    size_t capacity;
    struct pg_row row;
    uint32_t block, item;
};

struct table_reader {
    const struct pg_catalog_table *table;
    struct pg_relation *relation;
    struct debezium_plan *plan;
    size_t *sources;   /* of each column of the relation: its place in the COPY row, or SIZE_MAX for none */
    size_t copied;     /* columns of the COPY row */
    bool has_ctid;     /* its first column is the ctid */
    bool is_straight;  /* the others are the relation's columns one by one */
    bool is_continued; /* begins behind a published row */
    int64_t rows;
};

struct snapshot {
    struct task *task;
    struct arena arena;          /* of the list of tables */
    struct arena table_arena[2]; /* of the table being read and of the one before it, whose last row may be held */
    struct pg_catalog_table *tables;
    size_t table_count;
    size_t table_at; /* the one under way */
    struct regexes *included; /* snapshot.include.collection.list; NULL: all */
    struct progress progress; /* its texts live in snapshot_text, tables and continued_bytes */
    bool is_continued;        /* of an earlier attempt: only rows that the first snapshot saw */
    struct buffer snapshot_text, continued_bytes, progress_bytes;
    struct debezium_source source;
    struct table_reader readers[2]; /* the current one and the one that the held row belongs to may differ */
    size_t current;
    struct held_row held, spare;
    const struct table_reader *held_reader;
    bool held_is_first_of_table;
    bool any_row;                 /* a row was encoded, so the next is not the first */
    const struct signal *request; /* a blocking snapshot beside the stream; NULL: the initial one */
    const char *names;            /* of all tables, for notifications */
};

/* Reads a table by COPY; its last row stays held, because its marker is not known yet. */
enum status snapshot_read_table(struct snapshot *snapshot, const struct pg_catalog_table *table, struct error *error);

/* Encodes the held row, the last of its table. */
enum status snapshot_encode_held(struct snapshot *snapshot, bool is_last, struct error *error);

void snapshot_close_readers(struct snapshot *snapshot);

/* Publishes what was read, with the progress. Errors: CLOSED when a stop is wanted */
enum status snapshot_publish(struct snapshot *snapshot, bool is_last, struct error *error);

/* Is it the table that the progress tells of? */
bool snapshot_is_current(const struct snapshot *snapshot, const struct pg_catalog_table *table);

/* Does a pattern of a signal match the table's name? */
bool snapshot_matches(const char *pattern, const char *name);

#endif
