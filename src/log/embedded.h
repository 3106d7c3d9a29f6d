/* log/embedded.h: the embedded engine inside: shared by embedded.c and embedded_writer.c. */
#ifndef LOG_EMBEDDED_H
#define LOG_EMBEDDED_H

#include "log/engine.h"
#include "store/store.h"

#include <pthread.h>

struct embedded_writer;

struct embedded {
    struct log log;
    struct store *store;
    pthread_mutex_t writers_lock; /* guards the list of open writers */
    struct embedded_writer *writers;
    pthread_mutex_t moved_lock; /* guards the two below */
    pthread_cond_t moved;       /* some published end has moved, or topics have changed */
    int waiting;
    _Atomic uint32_t spread; /* takes records without a key round the partitions */
};

/* Log.h's log_writer_open. */
enum status embedded_writer_open(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error);

#endif
