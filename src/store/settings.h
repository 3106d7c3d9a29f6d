/* store/settings.h: the settings of a topic that the store itself obeys, from its own configuration and the defaults. */
#ifndef STORE_SETTINGS_H
#define STORE_SETTINGS_H

#include "base/properties.h"

struct topic_settings {
    int64_t segment_bytes;
    int64_t segment_ms; /* of a compacted topic max.compaction.lag.ms at most, for what is appended to is not compacted */
    int64_t segment_jitter_ms; /* up to so much earlier, each segment its own */
    int64_t segment_index_bytes;
    int64_t message_bytes_max;
    int64_t index_interval_bytes;
    int64_t retention_ms;    /* -1: for ever */
    int64_t retention_bytes; /* -1: no limit */
    int64_t delete_delay_ms; /* of a file that is not needed any more */
    double dirty_ratio_min;
    int64_t lag_min_ms, lag_max_ms; /* of compaction */
    int64_t delete_retention_ms;    /* of tombstones */
    bool append_time;
    bool compacted;
    bool deleted; /* cleanup.policy has delete: retention applies */
};

/*
 * The effective value of a number setting: the topic's own, else the broker's default of it ("log.retention.ms", …), else
 * Kafka's. -1 for a key that is none of the number settings of a topic.
 */
int64_t settings_number(const struct properties *config, const struct properties *defaults, const char *key);

/* defaults  by the broker's names */
struct topic_settings settings_resolve(const struct properties *config, const struct properties *defaults);

/* The settings of the cleaner itself, by the broker's names. */
struct cleaner_settings {
    bool compacts;             /* log.cleaner.enable */
    int64_t backoff_ms;        /* how long it sleeps when there is nothing to compact */
    int64_t retention_check_ms;
    int64_t buffer_bytes;      /* of the table of keys */
    double bytes_per_second;   /* read and written */
};

struct cleaner_settings settings_cleaner(const struct properties *defaults);

#endif
