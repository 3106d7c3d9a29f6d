/*
 * capture/notify.h: tells of the progress of snapshots: records for notification.sink.topic.name, lines in the log, as
 * notification.enabled.channels says.
 * Thread: the capture's.
 */
#ifndef CAPTURE_NOTIFY_H
#define CAPTURE_NOTIFY_H

#include "capture/task.h"

#define NOTIFY_INITIAL "Initial Snapshot" /* a blocking one, too */
#define NOTIFY_INCREMENTAL "Incremental Snapshot"

struct notice {
    const char *id;         /* NULL: a random one */
    const char *type;       /* "STARTED", "IN_PROGRESS", … */
    const char *aggregate;  /* one of the above */
    const char *data[6][2]; /* key and value; "connector_name" goes without saying; ends with a NULL key */
};

/* The record is published with the next publish of the task. */
enum status notify(struct task *task, const struct notice *notice, struct error *error);

#endif
