/* tools/offsets.h: the offsets of partitions by time: earliest, latest or a moment. */
#ifndef TOOLS_OFFSETS_H
#define TOOLS_OFFSETS_H

#include "tools/client.h"

/* Special times. Source: ListOffsetsRequest of Kafka's clients */
enum {
    OFFSETS_LATEST = -1,
    OFFSETS_EARLIEST = -2,
    OFFSETS_MAX_TIMESTAMP = -3,
    OFFSETS_EARLIEST_LOCAL = -4,
    OFFSETS_LATEST_TIERED = -5,
    OFFSETS_EARLIEST_PENDING_UPLOAD = -6,
};

struct topic_partition {
    struct slice topic;
    int32_t partition;
};

struct partition_offset {
    struct topic_partition of;
    int64_t offset; /* -1: there is none */
    int16_t error_code;
};

/*
 * Asks the leaders of the partitions; what passes is tried again. items[].of is given, the rest is filled in.
 * Fails when a topic is not there, in the words of Java's admin client; other troubles of one partition are in its error_code.
 */
const struct failure *offsets_list(struct client *client, struct arena *arena, struct partition_offset *items, size_t count, int64_t time);

/* The partitions of an item list in the order of Java's map of them, put in as they stand. */
size_t *offsets_map_order(struct arena *arena, const struct topic_partition *partitions, size_t count);

#endif
