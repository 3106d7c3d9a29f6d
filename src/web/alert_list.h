/*
 * web/alert_list.h: the newest alerts of all topics of alerts, one line each, in memory: every topic is read once, newest part
 * only, and then what is new. Topics of alerts are those that agents of this program write and all whose name ends in ".alerts".
 * Thread: any.
 */
#ifndef WEB_ALERT_LIST_H
#define WEB_ALERT_LIST_H

#include "log/log.h"
#include "store/store.h"

#include <jansson.h>

#define ALERT_LIST_MAX 10000 /* lines; older alerts are in their topics only */

struct alert_line {
    const char *id, *agent, *rule, *severity, *subject, *title, *number, *score, *key; /* all but id may be NULL */
    int64_t at_us;    /* scored */
    int64_t sequence; /* rises with every change of any line */
    const char *topic;
    int32_t partition;
    int64_t offset;
    bool closed; /* a problem that is over */
};

struct alert_list;

struct alert_list *alert_list_create(struct log *log, struct store *store);
void alert_list_destroy(struct alert_list *list); /* NULL is fine */

/*
 * Takes in what is new, then shows the lines, newest first, until `visit` says false. The line is borrowed for the call; no
 * function of the list may be called from within.
 * description  as api_describe gives it, for the agents' topics
 */
typedef bool alert_visit(void *context, const struct alert_line *line);
void alert_list_each(struct alert_list *list, const json_t *description, alert_visit *visit, void *context);

/* The highest sequence so far, with what is new taken in. */
int64_t alert_list_sequence(struct alert_list *list, const json_t *description);

/* Something of this alert changed that is not in its record: its state. */
void alert_list_touch(struct alert_list *list, const char *id);

int64_t alert_list_total(struct alert_list *list); /* records of alerts that are kept, also those that are no line; of the last look */

#endif
