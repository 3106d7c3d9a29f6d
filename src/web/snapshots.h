/*
 * web/snapshots.h: the snapshots of connectors: which were begun, how far the one under way is, when it will be done, and how they ended.
 * Incremental ones are begun by a signal, as any other program would; the initial one, and those for which a signal made the stream wait, are
 * followed. What is told of them comes from capture's own description. The last ones are kept in tailrace-console. Thread: any.
 */
#ifndef WEB_SNAPSHOTS_H
#define WEB_SNAPSHOTS_H

#include "log/keeper.h"

#include <jansson.h>

struct snapshots;

struct snapshots *snapshots_create(struct keeper *keeper); /* borrowed */
void snapshots_destroy(struct snapshots *snapshots);       /* NULL is fine */

/* Takes what the description says of each connector's snapshot; those of connectors that are gone are forgotten. Thread: the sampler's */
void snapshots_look(struct snapshots *snapshots, const json_t *connectors);

/*
 * One was asked for.
 * tables    [{"table","rows_about"}], borrowed
 * load_max  share of a PostgreSQL process's time; 0: no limit
 * Errors    those of keeper_put
 */
enum status snapshots_begin(struct snapshots *snapshots, const char *connector, const char *id, const json_t *tables, double load_max, struct error *error);

/* Somebody stopped it. */
void snapshots_stopped(struct snapshots *snapshots, const char *connector, const char *id);

/* Those of a connector, newest first, as the console shows them; a new reference. */
json_t *snapshots_list(struct snapshots *snapshots, const char *connector);

/* The incremental one under way; NULL when there is none. A new reference. */
json_t *snapshots_running(struct snapshots *snapshots, const char *connector);

/* The last one that the stream waited for since the start, as the initial one; NULL: there was none. A new reference. */
json_t *snapshots_whole(struct snapshots *snapshots, const char *connector);

/* The one that was begun last; NULL: none was. A new reference. */
json_t *snapshots_last(struct snapshots *snapshots, const char *connector);

#endif
