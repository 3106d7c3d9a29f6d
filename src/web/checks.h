/*
 * web/checks.h: what a look at the databases of running connectors finds that is no failure, but should be known: what preflight and
 * doctor say, too (no limit of kept WAL, tables that are not published, updates without the old row, a clock that differs), and a
 * transaction that has become so large that PostgreSQL keeps it in files until it ends.
 */
#ifndef WEB_CHECKS_H
#define WEB_CHECKS_H

#include "base/properties.h"
#include "capture/connection.h"
#include "connect/connect.h"

#include <jansson.h>

struct checks;

struct checks *checks_create(void);
void checks_destroy(struct checks *checks); /* NULL is fine */

/*
 * Looks at one connector's database, some things every few seconds and others less often.
 * config  placeholders resolved
 * Thread  one; waits for the database
 */
void checks_look(struct checks *checks, struct connect *connect, const char *connector, const struct properties *config, bool is_running, struct pg_connection *connection);

/* Forgets a connector that is gone, or does not run. Thread: as above */
void checks_forget(struct checks *checks, const char *connector);

/*
 * What was found, [{"code" as in problems.def, "kind", "name" of the subject, "connector", "why", "todo" null: the table's, "title" null: the
 * table's}], a subject once. A new reference. Thread: any
 */
json_t *checks_list(struct checks *checks);

#endif
