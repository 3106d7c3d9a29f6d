/*
 * web/database.h: connections to connectors' databases, by their configurations. When the program stops, every wait for one of
 * them ends at once, so that nobody has to wait for a server that does not answer. Thread: any.
 */
#ifndef WEB_DATABASE_H
#define WEB_DATABASE_H

#include "base/error.h"
#include "base/properties.h"

#include <libpq-fe.h>

struct databases;

struct databases *databases_create(const struct properties *aliases); /* host.aliases, borrowed; may be NULL */
void databases_interrupt(struct databases *databases); /* from now on every connection fails. NULL is fine */
int databases_stop_fd(const struct databases *databases);  /* readable from then on */
void databases_destroy(struct databases *databases);   /* when all are closed. NULL is fine */

/*
 * Waits at most 2 s for the name and 2 s for the server; a statement may take 2 s then.
 * config  of the connector, placeholders resolved
 * Errors  UNAVAILABLE (libpq's words, in one line), CLOSED (the program stops)
 */
enum status connector_database_open(struct databases *databases, const struct properties *config, PGconn **opened, struct error *error);
const char *connector_slot(const struct properties *config); /* its name; the configuration's memory, or Debezium's default */
void connector_database_close(struct databases *databases, PGconn *connection); /* NULL is fine */

#endif
