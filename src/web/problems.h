/*
 * web/problems.h: what is wrong now, each with its cause and what to do: the table of problems.def, since when, and when it
 * is over (after 30 s without it, or when what it is about was deleted). Opening and closing are events.
 */
#ifndef WEB_PROBLEMS_H
#define WEB_PROBLEMS_H

#include "web/api.h"

struct problems;

/* topic: where problems are written as alerts too (problem_alerts.h); NULL: nowhere */
struct problems *problems_create(struct log *log, const char *topic);
void problems_destroy(struct problems *problems); /* NULL is fine */

/*
 * What the description and the groups say is wrong, worst first, as the console shows it. New reference.
 * Thread  the sampler's
 */
json_t *problems_now(struct problems *problems, struct api *api, const json_t *description, const json_t *connectors, const json_t *groups);

/* Are committed rows missing in the log because of one of them? How many is not known then. problems: as problems_now gives them */
bool problems_lose(const json_t *problems);

/*
 * Those of the newest look alone, for people and programs without a browser: [{id, code, severity, kind, name, what, why, do, lost, since_ms}], lost null where no rows are captured, why
 * as one text. What is over is not among them: a supervisor asks how it is now. New reference.
 * Thread  the sampler's
 */
json_t *problems_plain(struct problems *problems);

/* Keeps a problem out of the list for that long; false: there is none of that id. Thread: any. */
bool problems_quiet(struct problems *problems, const char *id, int64_t minutes);

#endif
