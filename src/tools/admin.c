#include "tools/admin.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/clock.h"
#include "tools/settings.h"

#include <ctype.h>

#define TOPIC_NAME_MAX 249
#define CODE_UNKNOWN_TOPIC 3
#define CODE_LEADER_NOT_AVAILABLE 5

const struct failure *admin_open(const struct arguments *options, const char *client_id, struct client **client)
{
    struct properties settings;
    const char *file = NULL;
    const char *bootstrap = NULL;
    const struct failure *failure = arguments_text(options, "command-config", &file);

    properties_init(&settings);
    if (failure == NULL)
        failure = arguments_text(options, "bootstrap-server", &bootstrap);
    if (failure == NULL && bootstrap == NULL && arguments_knows(options, "bootstrap-controller"))
        failure = arguments_text(options, "bootstrap-controller", &bootstrap);
    if (failure == NULL && file != NULL)
        failure = settings_load_file(options->arena, file, &settings);
    if (failure == NULL) {
        if (bootstrap != NULL)
            properties_set(&settings, "bootstrap.servers", bootstrap);
        settings_default(&settings, "client.id", "adminclient-1");
        failure = client_create(options->arena, CLIENT_ADMIN, &settings, client_id == NULL ? properties_get(&settings, "client.id") : client_id,
                                NULL, client);
    }
    properties_finish(&settings);
    return failure;
}

/* ---- Topics ---- */

static int listing_order(const void *a, const void *b)
{
    return slice_compare(((const struct topic_listing *)a)->name, ((const struct topic_listing *)b)->name);
}

const struct failure *admin_list_topics(struct client *client, struct arena *arena, struct topic_listing **topics, size_t *count)
{
    struct kafka_metadata_request request;
    struct kafka_metadata_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_metadata_request_message, &request);
    request.topics.count = -1;
    request.allow_auto_topic_creation = false;
    failure = client_call(client, CLIENT_ANY, "listTopics", KAFKA_METADATA, &request, &response, arena);
    if (failure != NULL)
        return failure;
    client_update_nodes(client, &response);
    *topics = arena_new_array(arena, (size_t)response.topics.count + 1, sizeof(**topics));
    *count = 0;
    for (int32_t i = 0; i < response.topics.count; i++) {
        const struct kafka_metadata_response_topic *topic = &response.topics.items[i];

        (*topics)[(*count)++] = (struct topic_listing){.name = topic->name, .id = topic->topic_id, .is_internal = topic->is_internal};
    }
    qsort(*topics, *count, sizeof(**topics), listing_order);
    return NULL;
}

static int partition_order(const void *a, const void *b)
{
    int32_t left = ((const struct partition_description *)a)->index;
    int32_t right = ((const struct partition_description *)b)->index;

    return left < right ? -1 : left > right;
}

static struct topic_description *description_find(struct topic_description *topics, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(topics[i].name, name))
            return &topics[i];
    }
    return NULL;
}

/* Adds a page of partitions behind those that are there. */
static struct partition_description *partitions_extend(struct arena *arena, struct topic_description *topic, size_t more)
{
    struct partition_description *all = arena_new_array(arena, topic->partition_count + more + 1, sizeof(*all));

    if (topic->partition_count > 0)
        memcpy(all, topic->partitions, topic->partition_count * sizeof(*all));
    topic->partitions = all;
    return all + topic->partition_count;
}

static void page_take(struct arena *arena, const struct kafka_describe_topic_partitions_response *response, struct topic_description *topics,
                      size_t count)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        const struct kafka_describe_topic_partitions_response_topic *given = &response->topics.items[i];
        struct topic_description *topic = description_find(topics, count, given->name);
        struct partition_description *partitions;

        if (topic == NULL)
            continue;
        topic->error_code = given->error_code;
        topic->id = given->topic_id;
        partitions = partitions_extend(arena, topic, (size_t)given->partitions.count);
        for (int32_t j = 0; j < given->partitions.count; j++) {
            const struct kafka_describe_topic_partitions_response_partition *partition = &given->partitions.items[j];

            partitions[j] = (struct partition_description){.index = partition->partition_index,
                                                           .leader = partition->leader_id,
                                                           .leader_epoch = partition->leader_epoch,
                                                           .replicas = partition->replica_nodes,
                                                           .isr = partition->isr_nodes,
                                                           .eligible = partition->eligible_leader_replicas,
                                                           .last_known_eligible = partition->last_known_elr};
            /* Null means "nothing told of any": Java shows it as it shows an empty list. */
            if (partitions[j].eligible.count < 0)
                partitions[j].eligible.count = 0;
            if (partitions[j].last_known_eligible.count < 0)
                partitions[j].last_known_eligible.count = 0;
        }
        topic->partition_count += (size_t)given->partitions.count;
    }
}

static const struct failure *describe_by_pages(struct client *client, struct arena *arena, struct topic_description *topics, size_t count,
                                               int32_t page_partitions)
{
    struct kafka_describe_topic_partitions_request request;
    struct kafka_describe_topic_partitions_request_cursor cursor;
    struct kafka_describe_topic_partitions_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_topic_partitions_request_message, &request);
    request.topics.items = arena_new_array(arena, count + 1, sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        request.topics.items[i].name = topics[i].name;
    request.response_partition_limit = page_partitions;
    for (;;) {
        failure = client_call(client, CLIENT_ANY, "describeTopicPartitions", KAFKA_DESCRIBE_TOPIC_PARTITIONS, &request, &response, arena);
        if (failure != NULL)
            return failure;
        page_take(arena, &response, topics, count);
        if (response.next_cursor == NULL)
            return NULL;
        wire_init_defaults(&kafka_describe_topic_partitions_request_cursor_message, &cursor);
        cursor.topic_name = response.next_cursor->topic_name;
        cursor.partition_index = response.next_cursor->partition_index;
        request.cursor = &cursor;
    }
}

static void metadata_take(struct arena *arena, const struct kafka_metadata_response *response, struct topic_description *topics, size_t count)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        const struct kafka_metadata_response_topic *given = &response->topics.items[i];
        struct topic_description *topic = description_find(topics, count, given->name);
        struct partition_description *partitions;

        if (topic == NULL)
            continue;
        topic->error_code = given->error_code;
        topic->id = given->topic_id;
        partitions = partitions_extend(arena, topic, (size_t)given->partitions.count);
        for (int32_t j = 0; j < given->partitions.count; j++) {
            const struct kafka_metadata_response_partition *partition = &given->partitions.items[j];

            partitions[j] = (struct partition_description){.index = partition->partition_index,
                                                           .leader = partition->leader_id,
                                                           .leader_epoch = partition->leader_epoch,
                                                           .replicas = partition->replica_nodes,
                                                           .isr = partition->isr_nodes,
                                                           .eligible.count = -1,
                                                           .last_known_eligible.count = -1};
        }
        topic->partition_count = (size_t)given->partitions.count;
    }
}

static const struct failure *describe_by_metadata(struct client *client, struct arena *arena, struct topic_description *topics, size_t count)
{
    struct kafka_metadata_request request;
    struct kafka_metadata_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_metadata_request_message, &request);
    request.topics.items = arena_new_array(arena, count + 1, sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        wire_init_defaults(&kafka_metadata_request_topic_message, &request.topics.items[i]);
        request.topics.items[i].name = topics[i].name;
    }
    request.allow_auto_topic_creation = false;
    failure = client_call(client, CLIENT_ANY, "describeTopics", KAFKA_METADATA, &request, &response, arena);
    if (failure == NULL) {
        client_update_nodes(client, &response);
        metadata_take(arena, &response, topics, count);
    }
    return failure;
}

const struct failure *admin_describe_topics(struct client *client, struct arena *arena, const struct slice *names, size_t count,
                                            int32_t page_partitions, struct topic_description **topics)
{
    const struct failure *failure = client_find_nodes(client, "describeTopics");

    *topics = arena_new_array(arena, count + 1, sizeof(**topics));
    for (size_t i = 0; i < count; i++)
        (*topics)[i] = (struct topic_description){.name = names[i], .error_code = CODE_UNKNOWN_TOPIC};
    if (failure != NULL || count == 0)
        return failure;
    failure = describe_by_pages(client, arena, *topics, count, page_partitions);
    if (failure != NULL && strstr(failure->class_name, "UnsupportedVersion") != NULL)
        failure = describe_by_metadata(client, arena, *topics, count);
    for (size_t i = 0; i < count && failure == NULL; i++)
        qsort((*topics)[i].partitions, (*topics)[i].partition_count, sizeof(struct partition_description), partition_order);
    return failure;
}

static bool is_name_character(uint8_t c)
{
    return c < 128 && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

const struct failure *admin_check_topic_name(struct arena *arena, struct slice name)
{
    const char *text = arena_copy_string(arena, name);
    const char *class_name = "org.apache.kafka.common.errors.InvalidTopicException";

    if (name.size == 0)
        return failure_of(arena, class_name, "Topic name is invalid: the empty string is not allowed");
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return failure_of(arena, class_name, "Topic name is invalid: '%s' is not allowed", text);
    if (name.size > TOPIC_NAME_MAX)
        return failure_of(arena, class_name, "Topic name is invalid: the length of '%s' is longer than the max allowed length %d", text,
                          TOPIC_NAME_MAX);
    for (size_t i = 0; i < name.size; i++) {
        if (!is_name_character(name.data[i]))
            return failure_of(arena, class_name,
                              "Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", text);
    }
    return NULL;
}

/* ---- Settings ---- */

/* A broker answers for itself only; everything else anybody can answer. */
static int32_t resource_target(int8_t type, struct slice name)
{
    int32_t id;

    if ((type == RESOURCE_BROKER || type == RESOURCE_BROKER_LOGGER) && text_parse_int32(name, &id))
        return id;
    return CLIENT_ANY;
}

const struct failure *admin_describe_configs(struct client *client, struct arena *arena, int8_t type, struct slice name, bool with_synonyms,
                                             struct config_listing *configs)
{
    struct kafka_describe_configs_request request;
    struct kafka_describe_configs_request_resource resource;
    struct kafka_describe_configs_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_configs_request_message, &request);
    wire_init_defaults(&kafka_describe_configs_request_resource_message, &resource);
    resource.resource_type = type;
    resource.resource_name = name;
    resource.configuration_keys.count = -1;
    request.resources.items = &resource;
    request.resources.count = 1;
    request.include_synonyms = with_synonyms;
    failure = client_call(client, resource_target(type, name), "describeConfigs", KAFKA_DESCRIBE_CONFIGS, &request, &response, arena);
    if (failure != NULL)
        return failure;
    if (response.results.count < 1)
        return failure_of(arena, FAILURE_KAFKA, "The broker response did not contain a result for config resource");
    if (response.results.items[0].error_code != 0)
        return failure_from_kafka(arena, response.results.items[0].error_code, response.results.items[0].error_message);
    configs->entries = response.results.items[0].configs.items;
    configs->count = (size_t)response.results.items[0].configs.count;
    return NULL;
}
