/* tools/admin.h: what several admin tools ask of a cluster: topics, their partitions, settings. */
#ifndef TOOLS_ADMIN_H
#define TOOLS_ADMIN_H

#include "tools/client.h"
#include "tools/arguments.h"
#include "wire/kafka/messages_config.h"

/*
 * The client of a tool: --command-config and --bootstrap-server of its options.
 * client_id  NULL: client.id of the file, else "adminclient-1"
 */
const struct failure *admin_open(const struct arguments *options, const char *client_id, struct client **client);

struct topic_listing {
    struct slice name;
    struct uuid id;
    bool is_internal;
};

/* All topics by name in ascending order, in the arena. */
const struct failure *admin_list_topics(struct client *client, struct arena *arena, struct topic_listing **topics, size_t *count);

struct partition_description {
    int32_t index;
    int32_t leader; /* -1: none */
    int32_t leader_epoch;
    wire_int32_array replicas;
    wire_int32_array isr;
    wire_int32_array eligible; /* eligible leader replicas; count -1: the broker does not say */
    wire_int32_array last_known_eligible;
};

struct topic_description {
    struct slice name;
    struct uuid id;
    int16_t error_code; /* of the topic; then there are no partitions */
    struct partition_description *partitions; /* by index */
    size_t partition_count;
};

/*
 * Describes topics by name, in the order of `names`; an unknown one has its error code.
 * page_partitions  partitions per response, where the broker can page
 */
const struct failure *admin_describe_topics(struct client *client, struct arena *arena, const struct slice *names, size_t count,
                                            int32_t page_partitions, struct topic_description **topics);

/* Does the name have the form that brokers accept? Else InvalidTopicException with their words. */
const struct failure *admin_check_topic_name(struct arena *arena, struct slice name);

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_BROKER_LOGGER = 8, RESOURCE_CLIENT_METRICS = 16, RESOURCE_GROUP = 32 };

/* Where the value of a setting comes from: config_source of DescribeConfigs. */
enum {
    CONFIG_SOURCE_TOPIC = 1,
    CONFIG_SOURCE_BROKER = 2,
    CONFIG_SOURCE_DEFAULT_BROKER = 3,
    CONFIG_SOURCE_STATIC_BROKER = 4,
    CONFIG_SOURCE_DEFAULT = 5,
    CONFIG_SOURCE_BROKER_LOGGER = 6,
    CONFIG_SOURCE_CLIENT_METRICS = 7,
    CONFIG_SOURCE_GROUP = 8,
};

struct config_listing {
    const struct kafka_describe_configs_response_config *entries;
    size_t count;
};

/* The settings of one resource, in the order of the response. */
const struct failure *admin_describe_configs(struct client *client, struct arena *arena, int8_t type, struct slice name, bool with_synonyms,
                                             struct config_listing *configs);

#endif
