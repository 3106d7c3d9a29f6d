/* connect/preflight_internal.h: what the sources of preflight.h share. */
#ifndef CONNECT_PREFLIGHT_INTERNAL_H
#define CONNECT_PREFLIGHT_INTERNAL_H

#include "capture/connection.h"
#include "connect/preflight.h"
#include "wire/debezium/config.h"

/* One look at a database. */
struct look {
    const struct preflight_request *request;
    struct preflight_facts *facts;
    struct arena *arena;
    struct pg_connection *sql;
    const struct debezium_config *config; /* NULL: there is none, or it is refused */
    int64_t deadline_ms;                  /* monotonic */
};

/* Runs one statement in what is left of the time; NULL with the reason in `error` when it fails. The caller clears it. */
PGresult *look_query(struct look *look, const char *sql, int count, const char *const *values, struct error *error);
const char *look_text(struct look *look, const PGresult *result, int row, int column); /* in the arena; "" for null */

/* preflight_look.c: server, slots, publication, the replication connection. */
void look_at_server(struct look *look);

/* preflight_tables.c */
void look_at_tables(struct look *look);

/* preflight_config.c: the configuration by itself, as Connect checks it: no database. */
void preflight_config_judge(const struct preflight_request *request, struct findings *findings);

#endif
