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
#include "os/stop.h"

#define CONTROL_TOPIC "tailrace-control"
#define CONTROL_NAME_BYTES_MAX 100

struct wish {
    const char *name;
    struct properties config; /* wanted now, without "agents.NAME."; owned by the wish */
    bool is_paused, is_deleted;
    bool is_from_file;        /* the settings file names it */
    int64_t version;          /* 1: as the file says; rises with each change of the configuration */
    int64_t runs;             /* how often a run now was asked for, ever */
};

/* The service that does what is wanted. */
struct control_service {
    const char *kind, *kinds;          /* literals: "agent", "agents" */
    const struct properties *settings; /* all; those that begin with "<kinds>." count */
    struct stop *stop;                 /* asked: nothing more is begun */
    void *context;                     /* of the functions below */

    /* Makes one thing what is wanted of it. Errors: what is wrong with the wish */
    enum status (*fulfil)(void *context, const struct wish *wish, struct error *error);

    /* Takes away what is not among the wishes any more. */
    void (*keep)(void *context, const struct wish *wishes, size_t count);
};

struct control;

/* service  copied; what it points to is borrowed. Thread of all: one at a time */
struct control *control_create(struct log *log, const struct control_service *service);
void control_destroy(struct control *control); /* NULL is fine */

/* Does all that is wanted, of the settings and of the topic. What is wrong is logged; Errors: only of what the settings file alone says */
enum status control_fulfil(struct control *control, struct error *error);

/* Does what is wanted anew, within a second, until the service is asked to stop. */
void control_watch(struct control *control);

bool control_is_wanted(const struct wish *wishes, size_t count, const char *name);

/* The same settings? */
bool control_config_equal(const struct properties *a, const struct properties *b);

#endif
