/* tools/metadata.h: what producers and consumers know of topics: their partitions and who leads them; asked anew when it gets old. */
#ifndef TOOLS_METADATA_H
#define TOOLS_METADATA_H

#include "tools/exchange.h"

struct metadata_partition {
    int32_t index;
    int32_t leader; /* -1: none */
    int32_t leader_epoch;
};

struct metadata_topic {
    struct slice name;
    struct uuid id;
    int16_t error_code;
    struct metadata_partition *partitions; /* by index */
    size_t partition_count;
};

struct metadata {
    struct client *client;
    struct arena wanted_arena; /* owns the names that are wanted */
    struct slice *wanted;
    size_t wanted_count;
    bool wants_all;
    bool may_create; /* let the broker create topics that are asked for */
    struct exchange exchange;
    struct arena arena; /* owns topics */
    struct metadata_topic *topics;
    size_t topic_count;
    int64_t asked_ms;  /* of the last request, on the monotonic clock */
    int64_t fresh_ms;  /* of the last answer */
    int64_t age_max_ms;
    bool is_stale;     /* ask as soon as the back-off is over */
    uint64_t version;  /* counts the answers */
    const struct failure *invalid; /* names that no topic can have: InvalidTopicException */
    struct arena *failures;
};

/* failures  owns what is told in metadata->invalid */
void metadata_init(struct metadata *metadata, struct client *client, struct arena *failures, bool may_create, int64_t age_max_ms);
void metadata_finish(struct metadata *metadata);

void metadata_want(struct metadata *metadata, struct slice topic); /* copies; asks when it is new */
void metadata_want_all(struct metadata *metadata);
void metadata_refresh(struct metadata *metadata); /* something seems to have changed */

/* Takes an answer and sends the next request when it is time; true when there is an answer. What a broker complains of goes to the log. */
bool metadata_progress(struct metadata *metadata);

const struct metadata_topic *metadata_find(const struct metadata *metadata, struct slice topic);          /* NULL when unknown or in error */
const struct metadata_topic *metadata_find_by_id(const struct metadata *metadata, const struct uuid *id); /* the same */
const struct metadata_partition *metadata_find_partition(const struct metadata *metadata, struct slice topic, int32_t partition);

#endif
