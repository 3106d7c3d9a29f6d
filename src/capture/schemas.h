/*
 * capture/schemas.h: how the tables behind topics have changed. Each version of a table is a record of the topic tailrace-schemas,
 * written when capture meets it and it differs from the one before, so it outlives the records that were made with it.
 *
 * key    "<topic>/<version>", from 1; the topic is the one before transformations
 * value  {"topic", "connector", "table": "public.users", "version", "from_lsn": "0/1D7D5E0" (null: by a snapshot whose LSN is not known),
 *         "at_ms", "replica_identity": "default" "nothing" "full" "index", "columns": [{"name", "type": "numeric(10,2)", "key", "nullable"}]}
 */
#ifndef CAPTURE_SCHEMAS_H
#define CAPTURE_SCHEMAS_H

#include "log/log.h"
#include "wire/postgres/relation.h"

#include <jansson.h>

#define SCHEMAS_TOPIC "tailrace-schemas"

struct schemas;

/* connector, log  borrowed. Thread: the capture's */
struct schemas *schemas_create(const char *connector, struct log *log);
void schemas_destroy(struct schemas *schemas); /* forgets what was not written; NULL is fine */

/* A table was met. lsn  of the first change with it; 0: not known. Reads the topic the first time. */
void schemas_note(struct schemas *schemas, const char *topic, const struct pg_relation *relation, uint64_t lsn, int64_t at_ms);

/* Writes what was noted and is new, and waits until it is durable. That it fails is a warning: it is tried again. */
void schemas_write(struct schemas *schemas);

/* ---- Reading ---- */

/* Calls visit with each version behind *offset, in order, and moves *offset behind them. Errors: those of the log. */
enum status schemas_read(struct log *log, int64_t *offset, void (*visit)(void *context, const json_t *version), void *context, struct error *error);

#endif
