/* agents/sink_internal.h: what sinks.c (settings, life, describing) and sink_run.c (a sink's thread) share. */
#ifndef AGENTS_SINK_INTERNAL_H
#define AGENTS_SINK_INTERNAL_H

#include "agents/mutes.h"
#include "agents/sink.h"
#include "log/scan.h"

#include <pthread.h>

#define SINK_NAME_MAX 100
#define SINK_TOPICS_MAX 8
#define SINK_AGAIN_MAX 16

struct thread;

/* A topic that is read, and how far. */
struct sink_input {
    char *topic;
    int32_t partitions; /* 0: it is not there yet */
    int64_t *next;      /* per partition: offset of the alert to deliver next */
};

/* An alert to send again. */
struct sink_again {
    char topic[250];
    int32_t partition;
    int64_t offset;
};

struct sink {
    char name[SINK_NAME_MAX + 1];
    const struct sink_kind *kind;
    void *sink;
    int severity_least;
    bool from_beginning;
    struct log *log;
    struct stop stop;
    struct thread *thread;
    /* the thread's: */
    char *owner;
    struct log_writer *writer;       /* NULL: to be opened */
    bool positioned;                 /* the stored positions were read */
    struct buffer stored;            /* positions as they were when we opened */
    struct record_builder results;   /* deliveries to be published with the positions */
    bool unsaved;                    /* there is something to publish */
    struct scan *scan;
    struct mutes *mutes;
    struct arena arena;
    char trying[64];                 /* id of the alert that was tried last and failed */
    int64_t trying_first_us;
    int64_t retry_ms, retry_at_monotonic_ms;
    size_t turn;                     /* the input that is looked at first */
    pthread_mutex_t lock;            /* guards the rest, and the inputs' fields while they are described */
    struct sink_input inputs[SINK_TOPICS_MAX];
    size_t input_count;
    struct sink_again again[SINK_AGAIN_MAX];
    size_t again_count;
    int64_t delivered, refused, muted, tries, retry_at_ms;
    struct error error;              /* of the last try; OK when it went through */
};

int severity_rank(const char *severity); /* info 0, warn 1, crit 2; -1 for anything else */

/* The thread of a sink; ends when it is asked to stop. */
void sink_run(void *context);

#endif
