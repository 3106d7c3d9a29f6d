/* store/topic.h: one incarnation of a topic inside the store; store.h has what callers see. */
#ifndef STORE_TOPIC_H
#define STORE_TOPIC_H

#include "store/partition.h"
#include "store/settings.h"

#include <pthread.h>

struct partition_array { /* replaced when the topic grows; older ones stay until the topic goes */
    struct partition_array *older;
    int32_t count;
    struct partition *items[];
};

struct topic {
    struct store *store;
    char *name;
    struct uuid id;
    bool internal;
    _Atomic int references;
    _Atomic bool deleted;
    _Atomic(struct partition_array *) partitions;
    pthread_mutex_t lock;      /* guards config for all threads but the committer, which alone changes it; a leaf */
    struct properties config;  /* set on the topic itself */
    struct topic_settings settings; /* what follows from config; the lock guards it too */
    _Atomic bool compacted;    /* the same, for all */
    _Atomic bool append_time;
    _Atomic int32_t batch_bytes_max;
};

/* With one reference and no partitions. config is copied. */
struct topic *topic_new(struct store *store, const char *name, const struct uuid *id, bool internal, const struct properties *config);

/* Adds partitions behind those that it has; they become the topic's. Thread: committer, or before it runs. */
void topic_add_partitions(struct topic *topic, struct partition *const *partitions, int32_t count);

/* A copy, for all threads but the committer, which reads it as it is. */
struct topic_settings topic_settings_copy(struct topic *topic);

/* Replaces the configuration. Thread: committer. */
void topic_configure(struct topic *topic, const struct properties *config);

#endif
