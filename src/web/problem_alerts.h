/*
 * web/problem_alerts.h: problems (problems.h) as alerts of the agent "tailrace", so that sinks send them as they send agents'
 * alerts. One record of the topic when a problem opens, one of the same id when it is over.
 * Thread: the sampler's.
 */
#ifndef WEB_PROBLEM_ALERTS_H
#define WEB_PROBLEM_ALERTS_H

#include "log/log.h"

#include <jansson.h>

#define PROBLEMS_TOPIC "tailrace.alerts"

struct problem_alerts;

/* topic NULL: nothing is written. */
struct problem_alerts *problem_alerts_create(struct log *log, const char *topic);
void problem_alerts_destroy(struct problem_alerts *alerts); /* NULL is fine */

/* The problem is there: said once, also over restarts. What cannot be written now is tried again with the next call. */
void problem_alerts_open(struct problem_alerts *alerts, const json_t *problem);

/*
 * Says of every problem that is not among the open ones any more that it is over; of those that an earlier run left open when they
 * have not shown themselves for a minute.
 * open  id to problem
 */
void problem_alerts_close_others(struct problem_alerts *alerts, const json_t *open);

#endif
