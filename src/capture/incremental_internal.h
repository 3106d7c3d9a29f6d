/* capture/incremental_internal.h: what incremental.c (what is to be done, windows) and incremental_chunk.c (reading rows) share. */
#ifndef CAPTURE_INCREMENTAL_INTERNAL_H
#define CAPTURE_INCREMENTAL_INTERNAL_H

#include "base/map.h"
#include "base/uuid.h"
#include "capture/incremental.h"

#define KEY_COLUMNS_MAX 32
#define STATEMENT_BYTES_MAX (256 * 1024)

/* A table that waits for its turn, or has it. */
struct item {
    char *schema;
    char *name;
    char *filter;    /* NULL: all rows */
    char *surrogate; /* NULL: by its key */
    struct item *next;
};

struct key_values {
    bool known;
    size_t count;
    char *texts[KEY_COLUMNS_MAX]; /* NULL: null */
};

struct chunk_row {
    struct slice key; /* as the record will have it, behind its topic */
    bool is_old;      /* the stream brought something newer */
};

struct incremental {
    struct task *task;
    struct item *items; /* the first is the one under way */
    char *signal_id;
    bool is_paused;
    double load_max;                 /* share of a PostgreSQL process's time; 0: all of it */
    int64_t rest_until_ms;           /* monotonic; 0: it does not rest */
    int64_t worked_ns, began_ns;     /* how long PostgreSQL worked for it since when, on the monotonic clock; since the last change of the limit */
    int64_t scanned;                 /* rows read of the table under way */
    struct key_values last, maximum; /* keys of the last row that was read, and of the last there is */
    struct key_values before;        /* key of the last row before the chunk under way */

    /* The table under way. */
    struct arena arena;
    struct pg_relation *relation;
    struct debezium_plan *plan;
    size_t key_columns[KEY_COLUMNS_MAX];
    size_t key_count;

    /* The chunk under way. */
    char window[UUID_HEX_SIZE]; /* "": none */
    int64_t opened_ns;
    bool is_open; /* the stream brought its opening row */
    PGresult *chunk;
    struct pg_value *values;
    struct chunk_row *rows;
    size_t row_count;
    struct map by_key; /* topic NUL key -> struct chunk_row */
    struct arena chunk_arena;
    struct buffer scratch;

    struct buffer state;
};

void key_values_clear(struct key_values *values);

/* Forgets the chunk under way, and with chunk_clear_table the table, too; not its place in the list. */
void chunk_clear(struct incremental *incremental);
void chunk_clear_table(struct incremental *incremental);

/* Columns, key and plan of the first table of the list. how: why it cannot be read, as notifications name it, or NULL. */
enum status chunk_open_table(struct incremental *incremental, const char **how, struct error *error);

/* The key of the last row there is; it stays unknown when there is none. */
enum status chunk_read_maximum(struct incremental *incremental, struct error *error);

/* Reads the rows behind the last key; row_count says how many. */
enum status chunk_read(struct incremental *incremental, struct error *error);

/* Encodes one of them. */
enum status chunk_encode(struct incremental *incremental, size_t at, const struct debezium_source *source, int64_t now_ns,
                         struct debezium_output *output, struct error *error);

/* The row whose record has this key, or NULL. */
struct chunk_row *chunk_find(struct incremental *incremental, const char *topic, struct slice key);

#endif
