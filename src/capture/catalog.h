/*
 * capture/catalog.h: what PostgreSQL's catalog says about tables, columns, keys and types.
 */
#ifndef CAPTURE_CATALOG_H
#define CAPTURE_CATALOG_H

#include "capture/connection.h"
#include "wire/debezium/config.h"
#include "wire/postgres/pgoutput.h"
#include "wire/postgres/relation.h"

struct pg_catalog; /* the types read so far; one per connection's life */

struct pg_catalog *pg_catalog_create(void);
void pg_catalog_destroy(struct pg_catalog *catalog); /* NULL is fine; relations made from it are gone, too */

struct pg_catalog_table {
    uint32_t oid;
    const char *schema;
    const char *name;
    char kind; /* relkind: 'r' ordinary, 'p' partitioned */
    bool is_partition;
    bool has_children;     /* tables that inherit from it: reading it reads them, too */
    bool has_toast;        /* values may be stored out of line */
    char replica_identity; /* as pg_class has it */
    uint32_t file;         /* pg_relation_filenode: changes when the table is rewritten or truncated; 0: none */
    int64_t rows_about;    /* as the planner guesses; -1: it was never analyzed */
};

/* The captured tables in the order of Debezium's snapshot, in memory of the arena. */
enum status pg_catalog_tables(struct pg_connection *sql, const struct debezium_config *config, struct arena *arena,
                              struct pg_catalog_table **tables, size_t *count, struct error *error);

/*
 * A table as the catalog has it now: all columns, generated ones too. In memory of the arena; types belong to the catalog.
 * Errors  NOT_FOUND (no longer there)
 */
enum status pg_catalog_relation(struct pg_catalog *catalog, struct pg_connection *sql, const struct pg_catalog_table *table,
                                struct arena *arena, struct pg_relation **relation, struct error *error);

/*
 * A table as the RELATION message has it; nullability, defaults and key as the catalog has them now, none of them where
 * the catalog no longer knows table or column.
 */
enum status pg_catalog_relation_of_stream(struct pg_catalog *catalog, struct pg_connection *sql, struct pgoutput_relation *message,
                                          struct arena *arena, struct pg_relation **relation, struct error *error);

#endif
