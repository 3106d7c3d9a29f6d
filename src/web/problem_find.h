/*
 * web/problem_find.h: what is wrong at this moment, by the table of problems.def: from what the server says of itself, connectors, groups,
 * slots and the databases. problems.h adds time to it.
 */
#ifndef WEB_PROBLEM_FIND_H
#define WEB_PROBLEM_FIND_H

#include "web/api.h"

/* Problems as the console shows them, in no order; since_ms is now. A new reference. */
json_t *problems_find(struct api *api, const json_t *description, const json_t *connectors, const json_t *groups);

/* What is lost by it; most lose nothing. NULL: nothing so far */
const char *problem_loss(const char *code);

/* Code, title and remedy of a connector's error. code: static text. title: with %s for the connector */
struct cause {
    const char *code, *severity, *title, *todo;
};
struct cause cause_of(const char *error);

/* The same of what broke a snapshot off, when the error itself says no more. */
struct cause cause_of_snapshot(void);

/* The pieces of a reason as one text, at its end. */
void reason_append(const json_t *pieces, struct buffer *text);

#endif
