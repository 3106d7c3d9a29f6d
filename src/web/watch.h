/*
 * web/watch.h: what only shows over time: a partition that a group does not get past, a group that rebalances again and again, a disk
 * that fills, an agent that drops keys. Pure: it is given what there is and the time. Thread: any.
 */
#ifndef WEB_WATCH_H
#define WEB_WATCH_H

#include <jansson.h>
#include <stdint.h>

#define WATCH_STUCK_MS 60000

struct watch;

struct watch *watch_create(void);
void watch_destroy(struct watch *watch); /* NULL is fine */

/* About once a second. groups: as groups_make gives them; may be NULL: not known this time */
void watch_look(struct watch *watch, const json_t *description, const json_t *groups, int64_t now_ms);

/* How long a partition has stood where it is while messages wait there, in ms; -1: it does not stand. */
int64_t watch_stood_ms(struct watch *watch, const char *group, const char *topic, int32_t partition, int64_t now_ms);

/* How often the members of a group were others, or shared out anew, within the last ten minutes. */
int64_t watch_rebalances(struct watch *watch, const char *group, int64_t now_ms);

/* When the log's disk is full at the rate of the last ten minutes, in ms from now; -1: it is not filling, or not known yet. */
int64_t watch_disk_left_ms(struct watch *watch);

/* Has the agent dropped keys for room since the look before? */
int64_t watch_evicted(struct watch *watch, const char *agent);

#endif
