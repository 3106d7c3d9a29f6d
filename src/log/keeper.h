/*
 * log/keeper.h: what people said and want to find again: states of alerts, saved filters, what agents are to do. JSON by key,
 * kept in a compacted topic and, while the program runs, in memory; what others write into the topic is seen too. Thread: any.
 */
#ifndef LOG_KEEPER_H
#define LOG_KEEPER_H

#include "log/log.h"

#include <jansson.h>

#define KEEPER_TOPIC "tailrace-console"
#define KEEPER_ALERTS_TOPIC "tailrace-alert-states" /* by the alert's id; the command line writes it too */

struct keeper;

struct keeper *keeper_create(struct log *log, const char *topic); /* topic: a literal */
void keeper_destroy(struct keeper *keeper); /* NULL is fine */

/* A new reference; NULL when there is none. */
json_t *keeper_get(struct keeper *keeper, const char *key);

/* All whose key begins so: key to value. A new reference. */
json_t *keeper_all(struct keeper *keeper, const char *prefix);

/* Rises whenever something was kept or forgotten, by anybody; 0: nothing ever was. */
uint64_t keeper_revision(struct keeper *keeper);

/*
 * Keeps the value (takes the reference), or with NULL forgets it; durable when it returns.
 * Errors  those of log_write
 */
enum status keeper_put(struct keeper *keeper, const char *key, json_t *value, struct error *error);

#endif
