/*
 * log/control.h: what people want of agents and reports while the program runs. A wish is a record of the compacted topic
 * tailrace-control, keyed "agent/NAME" or "report/NAME":
 *   {"config":{"factor":"4","topic":null},"paused":false,"deleted":false,"runs":2,"version":3,"by":"console","at_ms":…,"versions":[…]}
 * Its config goes before what the settings file says of that agent, key by key (null: as if the file did not say it), and holds
 * until it is changed again: so a password that the file has stays there. The console and tools write wishes, the services do
 * what they say; neither calls the other.
 */
#ifndef LOG_CONTROL_H
#define LOG_CONTROL_H

#include "log/log.h"

#define CONTROL_TOPIC "tailrace-control"
#define CONTROL_NAME_BYTES_MAX 100

struct control;

/* kind: "agent" or "report", a literal. Thread of all: one at a time */
struct control *control_create(struct log *log, const char *kind);
void control_destroy(struct control *control); /* NULL is fine */

struct wish {
    const char *name;
    struct properties config; /* wanted now, without "agents.NAME."; owned by the wish */
    bool is_paused, is_deleted;
    bool is_from_file;        /* the settings file names it */
    int64_t version;          /* 1: as the file says; rises with each change of the configuration */
    int64_t runs;             /* how often a run now was asked for, ever */
};

/*
 * Everything that is wanted, of the settings and of the topic, in memory of the arena but for the configs: control_forget them.
 * settings  all; those that begin with "<kind>s." count
 */
struct wish *control_wishes(struct control *control, const struct properties *settings, struct arena *arena, size_t *count);
void control_forget(struct wish *wishes, size_t count);

/* Changes when a wish does: a service asks it instead of reading all of them again. Starts at 0. */
uint64_t control_revision(struct control *control);

/* The same settings? */
bool control_config_equal(const struct properties *a, const struct properties *b);

#endif
