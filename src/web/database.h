/*
 * web/database.h: connections to connectors' databases, by their configurations. No wait is longer than DATABASE_PATIENCE_MS, whatever
 * the server does (one that hangs keeps its connections open and says nothing), and all end at once when the program stops. Thread: any.
 */
#ifndef WEB_DATABASE_H
#define WEB_DATABASE_H

#include "capture/connection.h"

#define DATABASE_PATIENCE_MS 4000

struct databases;

struct databases *databases_create(const struct properties *aliases); /* host.aliases, borrowed; may be NULL */
void databases_interrupt(struct databases *databases);    /* from now on every wait fails. NULL is fine */
int databases_stop_fd(const struct databases *databases); /* readable from then on */
void databases_destroy(struct databases *databases);      /* when all are closed. NULL is fine */

/*
 * Ended by pg_connection_close; each of its statements may take DATABASE_PATIENCE_MS, too.
 * config  of the connector, placeholders resolved
 * Errors  UNAVAILABLE, DATABASE (both in one line), CLOSED (the program stops)
 */
enum status connector_database_open(const struct databases *databases, const struct properties *config, struct pg_connection **opened, struct error *error);
const char *connector_slot(const struct properties *config); /* its name; the configuration's memory, or Debezium's default */

#endif
