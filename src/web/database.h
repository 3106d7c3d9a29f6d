/* web/database.h: a connection to a connector's database, by its configuration. */
#ifndef WEB_DATABASE_H
#define WEB_DATABASE_H

#include "base/arena.h"
#include "base/properties.h"

#include <libpq-fe.h>

/*
 * Connects, or not: PQstatus says it. The caller finishes it. Waits at most 2 s an address; a statement may take 2 s.
 * config   of the connector, placeholders resolved
 * aliases  host.aliases; may be NULL
 */
PGconn *connector_database_open(const struct properties *config, const struct properties *aliases, struct arena *arena);

#endif
