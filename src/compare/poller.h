/* compare/poller.h: reads the table by asking every so often, as Spark's JDBC source is used for what changes. */
#ifndef COMPARE_POLLER_H
#define COMPARE_POLLER_H

#include "compare/subject.h"

enum poll_kind {
    POLL_WHOLE, /* SELECT … FROM table, and what differs from the last time */
    POLL_ID,    /* … WHERE id > the highest so far */
    POLL_TIME   /* … WHERE updated_at > the newest so far */
};

struct poller {
    enum poll_kind kind;
    const struct database *database;
    int64_t rows; /* that are there before: ids 1 to this one */
    int64_t interval_ms;
    int64_t delay_ms;   /* before the first poll, so that not all ask at once */
    int64_t overlap_ms; /* POLL_TIME: how far it looks back behind its mark */
};

/* For child_start; context: a struct poller. */
int poller_run(void *context, int fd);

#endif
