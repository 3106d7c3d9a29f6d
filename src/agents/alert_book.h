/*
 * agents/alert_book.h: alerts and what people say of them, from outside, over Kafka's protocol. What people say is a record of
 * the compacted topic tailrace-alert-states, keyed by the alert's id:
 *   {"state":"acknowledged","history":[{"at_ms":…,"state":"acknowledged","by":"…","note":null}]}
 */
#ifndef AGENTS_ALERT_BOOK_H
#define AGENTS_ALERT_BOOK_H

#include "agents/source.h"
#include "base/arena.h"

#define ALERT_STATES_TOPIC "tailrace-alert-states"

/* All topics whose name ends in ".alerts". Errors: UNAVAILABLE, BAD_INPUT (client settings) */
enum status alert_book_topics(const char *bootstrap_servers, const struct properties *client, struct arena *arena, const char ***topics,
                              size_t *count, struct error *error);

/* Writes the record to a compacted topic, which it makes when it is missing; durable when it returns. */
enum status alert_book_put(const char *bootstrap_servers, const struct properties *client, const char *topic, struct slice id, struct slice value,
                           struct error *error);

#endif
