/* server/services.h: all services of one running program: opened from the bottom up, described together, closed from the top down. */
#ifndef SERVER_SERVICES_H
#define SERVER_SERVICES_H

#include "base/buffer.h"
#include "server/settings.h"

struct services;

/*
 * Starts everything; the private PostgreSQL is under way when this returns.
 * settings  borrowed as long as the services live
 * data_dir  absolute; borrowed likewise
 * Errors    whatever the services say; nothing is left running then
 */
enum status services_start(const struct settings *settings, const char *data_dir, struct services **started, struct error *error);

/*
 * Waits until everything can be used. OK, or what failed; REQUEST_TIMED_OUT when timeout_ms passed first: ask again.
 */
enum status services_wait_ready(struct services *services, int64_t timeout_ms, struct error *error);

/* Under 5 s. NULL is fine. */
void services_stop(struct services *services);

/* One line per listener, for people. */
void services_addresses(const struct services *services, struct buffer *text);

/* What the services say of themselves, as JSON; passwords masked. */
void services_describe(struct services *services, bool with_topics, struct buffer *json);

/* The same with groups, slots and problems, once the console's sampler runs: everything that `tailrace status --json` shows. */
void services_status(struct services *services, struct buffer *json);

/* {"rest", "console", "kafka", "login"}: where they listen, and what lets the data directory's owner into the console. */
void services_addresses_json(const struct services *services, struct buffer *json);

/* How to reach the private PostgreSQL, for `tailrace psql`: "host\nport\npassword\n"; nothing when there is none. */
void services_postgres_access(const struct services *services, struct buffer *text);

/*
 * What `tailrace doctor` needs to look at the connectors' databases itself, passwords and all, so only for the control socket:
 * {"aliases": {}, "worker": {}, "connectors": [{"name", "running", "config": {}}]}
 */
void services_databases(struct services *services, struct buffer *json);

/* {"lsn"}: where a connector goes on, as connect_stored_lsn says it. prefix_and_name: its topic.prefix, a space, its name. */
void services_position(struct services *services, const char *prefix_and_name, struct buffer *json);

/* Its process id, 0 when there is none; for the signal handler that ends everything at once. */
int services_postgres_pid(const struct services *services);

#endif
