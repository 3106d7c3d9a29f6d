/* compare/subscriber.h: reads the table's change events from its topic, as any Kafka consumer would. */
#ifndef COMPARE_SUBSCRIBER_H
#define COMPARE_SUBSCRIBER_H

#include "compare/child.h"

struct subscriber {
    const char *bootstrap, *topic;
    int64_t rows; /* ids up to this one are there before; an insert of this one tells that the stream has begun: ready */
};

/* For child_start; context: a struct subscriber. */
int subscriber_run(void *context, int fd);

#endif
