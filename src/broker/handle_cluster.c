/* handle_cluster.c: what the cluster is: versions, brokers, topics and their partitions, directories. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "broker/topic_name.h"
#include "wire/kafka/messages_cluster.h"
#include "wire/kafka/messages_metadata.h"

#include <sys/statvfs.h>

/* Bit fields of the operations that everybody may do without an authorizer (1 << AclOperation). */
#define TOPIC_OPERATIONS 0x0DF8
#define CLUSTER_OPERATIONS 0x1FA0

/* ---- ApiVersions ---- */

/*
 * What other Kafka programs conclude from: metadata.version 30 is 4.3-IV0. Transactions of the second kind (KIP-890) are not
 * finalized: producers would leave out AddPartitionsToTxn.
 */
static const struct {
    const char *name;
    int16_t min, max, finalized;
} features[] = {
    {"group.version", 0, 1, 0},
    {"kraft.version", 0, 1, 1},
    {"metadata.version", 7, 30, 30},
    {"transaction.version", 0, 1, 0},
    {"eligible.leader.replicas.version", 0, 1, 1},
};

#define FEATURE_COUNT ((int32_t)(sizeof(features) / sizeof(*features)))

static void features_add(struct request *request, struct kafka_api_versions_response *response)
{
    response->supported_features.items = arena_new_array(&request->arena, FEATURE_COUNT, sizeof(*response->supported_features.items));
    response->finalized_features.items = arena_new_array(&request->arena, FEATURE_COUNT, sizeof(*response->finalized_features.items));
    for (int32_t i = 0; i < FEATURE_COUNT; i++) {
        /* Before version 4 clients stumble over a minimum of 0 (KAFKA-17492). */
        if (features[i].min > 0 || request->header.api_version >= 4)
            response->supported_features.items[response->supported_features.count++] =
                (struct kafka_api_versions_response_supported_feature){slice_from_string(features[i].name), features[i].min,
                                                                       features[i].max};
        if (features[i].finalized > 0)
            response->finalized_features.items[response->finalized_features.count++] =
                (struct kafka_api_versions_response_finalized_feature){slice_from_string(features[i].name), features[i].finalized,
                                                                       features[i].finalized};
    }
    response->finalized_features_epoch = 1;
}

/* [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? */
static bool software_name_fits(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool inner = c == '-' || c == '.';

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (inner && i > 0 && i + 1 < name.size)))
            return false;
    }
    return name.size > 0;
}

void handle_api_versions(struct request *request)
{
    const struct kafka_api_versions_request *asked = request->decoded;
    struct kafka_api_versions_response response = {.finalized_features_epoch = -1};

    if (request->header.api_version >= 3 &&
        (!software_name_fits(asked->client_software_name) || !software_name_fits(asked->client_software_version))) {
        response.error_code = CODE(INVALID_REQUEST);
        request_answer(request, &response);
        return;
    }
    if (request->header.api_version >= 3)
        request_client_software_set(request, asked->client_software_name, asked->client_software_version);
    while (api_at((size_t)response.api_keys.count) != NULL)
        response.api_keys.count++;
    response.api_keys.items = arena_new_array(&request->arena, (size_t)response.api_keys.count, sizeof(*response.api_keys.items));
    for (int32_t i = 0; i < response.api_keys.count; i++) {
        const struct api *api = api_at((size_t)i);

        response.api_keys.items[i] = (struct kafka_api_versions_response_api_key){api->key, api->version_min, api->version_max};
    }
    features_add(request, &response);
    request_answer(request, &response);
}

void api_versions_answer_unknown(struct request *request)
{
    struct kafka_api_versions_response_api_key self = {KAFKA_API_VERSIONS, request->api->version_min, request->api->version_max};
    struct kafka_api_versions_response response = {
        .error_code = CODE(UNSUPPORTED_VERSION), .api_keys = {&self, 1}, .finalized_features_epoch = -1};

    request->header.api_version = 0;
    request_answer(request, &response);
}

/* ---- Metadata ---- */

static wire_int32_array self_only(struct request *request)
{
    wire_int32_array nodes = {arena_new(&request->arena, sizeof(int32_t)), 1};

    nodes.items[0] = request->broker->numbers.node_id;
    return nodes;
}

static void metadata_topic_fill(struct request *request, struct topic *topic, struct kafka_metadata_response_topic *out)
{
    const struct kafka_metadata_request *asked = request->decoded;
    wire_int32_array self = self_only(request);

    out->name = slice_from_string(arena_copy_string(&request->arena, slice_from_string(topic_name(topic))));
    out->topic_id = *topic_id(topic);
    out->is_internal = topic_name_is_internal(out->name);
    out->topic_authorized_operations = asked->include_topic_authorized_operations ? TOPIC_OPERATIONS : INT32_MIN;
    out->partitions.count = topic_partition_count(topic);
    out->partitions.items = arena_new_array(&request->arena, (size_t)out->partitions.count, sizeof(*out->partitions.items));
    for (int32_t i = 0; i < out->partitions.count; i++) {
        out->partitions.items[i] = (struct kafka_metadata_response_partition){
            .partition_index = i,
            .leader_id = request->broker->numbers.node_id,
            .leader_epoch = partition_leader_epoch(topic_partition(topic, i)),
            .replica_nodes = self,
            .isr_nodes = self,
        };
    }
}

static struct topic *metadata_topic_find(struct request *request, const struct kafka_metadata_request_topic *asked)
{
    if (!uuid_is_zero(&asked->topic_id))
        return store_topic_find_by_id(request->broker->store, &asked->topic_id);
    return slice_is_null(asked->name) ? NULL : store_topic_find(request->broker->store, asked->name);
}

static enum status metadata_missing(const struct kafka_metadata_request_topic *asked)
{
    if (!uuid_is_zero(&asked->topic_id))
        return ERROR_UNKNOWN_TOPIC_ID;
    if (slice_is_null(asked->name))
        return ERROR_INVALID_REQUEST;
    return topic_name_check(asked->name, NULL) == OK ? ERROR_UNKNOWN_TOPIC_OR_PARTITION : ERROR_INVALID_TOPIC_EXCEPTION;
}

/* Has a topic made that somebody merely asked for, where that is allowed. */
static void metadata_create(struct request *request, const struct kafka_metadata_request_topic *asked)
{
    const struct kafka_metadata_request *all = request->decoded;

    if (request->broker->numbers.auto_create_topics && all->allow_auto_topic_creation && uuid_is_zero(&asked->topic_id) &&
        !slice_is_null(asked->name) && topic_name_check(asked->name, NULL) == OK && !topic_name_is_reserved(asked->name) &&
        !topic_name_collides(request->broker->store, asked->name, NULL))
        topic_create_automatically(request->broker, asked->name);
}

/* A missing topic is created, but the answer does not wait for it: clients ask again, and tools show it, as they do with Kafka. */
static void metadata_topics_add(struct request *request, struct kafka_metadata_response *response)
{
    const struct kafka_metadata_request *asked = request->decoded;

    response->topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*response->topics.items));
    response->topics.count = asked->topics.count;
    for (int32_t i = 0; i < asked->topics.count; i++) {
        struct kafka_metadata_response_topic *out = &response->topics.items[i];
        struct topic *topic = metadata_topic_find(request, &asked->topics.items[i]);

        if (topic != NULL) {
            metadata_topic_fill(request, topic, out);
            topic_release(topic);
            continue;
        }
        metadata_create(request, &asked->topics.items[i]);
        out->error_code = status_kafka_code(metadata_missing(&asked->topics.items[i]));
        out->name = asked->topics.items[i].name;
        out->topic_id = asked->topics.items[i].topic_id;
        out->topic_authorized_operations = INT32_MIN;
    }
}

static void metadata_all_add(struct request *request, struct kafka_metadata_response *response)
{
    size_t count = 0;
    struct topic **topics = store_topics(request->broker->store, &request->arena, &count);

    response->topics.items = arena_new_array(&request->arena, count, sizeof(*response->topics.items));
    response->topics.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        metadata_topic_fill(request, topics[i], &response->topics.items[i]);
        topic_release(topics[i]);
    }
}

static bool metadata_wants_all(const struct request *request)
{
    const struct kafka_metadata_request *asked = request->decoded;

    return asked->topics.count < 0 || (request->header.api_version == 0 && asked->topics.count == 0);
}

static void metadata_answer(struct request *request)
{
    const struct kafka_metadata_request *asked = request->decoded;
    struct kafka_metadata_response_broker self = {.node_id = request->broker->numbers.node_id};
    struct kafka_metadata_response response = {
        .brokers = {&self, 1},
        .cluster_id = slice_from_string(store_cluster_id(request->broker->store)),
        .controller_id = request->broker->numbers.node_id,
        .cluster_authorized_operations = asked->include_cluster_authorized_operations ? CLUSTER_OPERATIONS : INT32_MIN,
    };

    request_broker_address(request, &self.host, &self.port);
    if (metadata_wants_all(request))
        metadata_all_add(request, &response);
    else
        metadata_topics_add(request, &response);
    request_answer(request, &response);
}

void handle_metadata(struct request *request)
{
    const struct kafka_metadata_request *asked = request->decoded;

    /* Who asks again while the topic is being made gets the whole answer, not a second error. */
    for (int32_t i = 0; i < asked->topics.count; i++) {
        if (!slice_is_null(asked->topics.items[i].name) && topic_creation_wait(request, asked->topics.items[i].name))
            return;
    }
    metadata_answer(request);
}

/* ---- DescribeTopicPartitions ---- */

struct describe_walk {
    struct request *request;
    struct kafka_describe_topic_partitions_response response;
    int32_t room; /* partitions */
};

/* Adds partitions of a topic while there is room; sets the cursor and gives false when there is none left. */
static bool describe_topic(struct describe_walk *walk, struct topic *topic, int32_t from)
{
    struct request *request = walk->request;
    struct kafka_describe_topic_partitions_response_topic *out = &walk->response.topics.items[walk->response.topics.count];
    int32_t total = topic_partition_count(topic);
    int32_t count = total > from ? total - from : 0;
    wire_int32_array self = self_only(request);
    wire_int32_array none = {NULL, 0};
    struct slice name = slice_from_string(arena_copy_string(&request->arena, slice_from_string(topic_name(topic))));

    if (count > walk->room)
        count = walk->room;
    if (count < total - from) {
        walk->response.next_cursor = arena_new(&request->arena, sizeof(*walk->response.next_cursor));
        walk->response.next_cursor->topic_name = name;
        walk->response.next_cursor->partition_index = from + count;
        if (count == 0)
            return false;
    }
    walk->room -= count;
    walk->response.topics.count++;
    *out = (struct kafka_describe_topic_partitions_response_topic){
        .name = name,
        .topic_id = *topic_id(topic),
        .is_internal = topic_name_is_internal(name),
        .topic_authorized_operations = TOPIC_OPERATIONS,
    };
    out->partitions.count = count;
    out->partitions.items = arena_new_array(&request->arena, (size_t)count, sizeof(*out->partitions.items));
    for (int32_t i = 0; i < count; i++) {
        out->partitions.items[i] = (struct kafka_describe_topic_partitions_response_partition){
            .partition_index = from + i,
            .leader_id = request->broker->numbers.node_id,
            .leader_epoch = partition_leader_epoch(topic_partition(topic, from + i)),
            .replica_nodes = self,
            .isr_nodes = self,
            .eligible_leader_replicas = none,
            .last_known_elr = none,
        };
    }
    return walk->response.next_cursor == NULL;
}

static int slice_order(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void describe_named(struct describe_walk *walk, struct slice name, int32_t from, bool *go_on)
{
    struct topic *topic = store_topic_find(walk->request->broker->store, name);

    if (topic != NULL) {
        *go_on = describe_topic(walk, topic, from);
        topic_release(topic);
        return;
    }
    walk->response.topics.items[walk->response.topics.count++] = (struct kafka_describe_topic_partitions_response_topic){
        .error_code = topic_name_check(name, NULL) == OK ? CODE(UNKNOWN_TOPIC_OR_PARTITION) : CODE(INVALID_TOPIC_EXCEPTION),
        .name = name,
        .topic_authorized_operations = INT32_MIN,
    };
}

void handle_describe_topic_partitions(struct request *request)
{
    const struct kafka_describe_topic_partitions_request *asked = request->decoded;
    struct describe_walk walk = {.request = request};
    int32_t limit = asked->response_partition_limit;
    struct slice *names;
    size_t count = 0;
    bool go_on = true;

    walk.room = limit <= 0 || limit > 2000 ? 2000 : limit; /* max.request.partition.size.limit */
    if (asked->topics.count == 0) {
        struct topic **topics = store_topics(request->broker->store, &request->arena, &count);

        names = arena_new_array(&request->arena, count, sizeof(*names));
        for (size_t i = 0; i < count; i++) {
            names[i] = slice_from_string(arena_copy_string(&request->arena, slice_from_string(topic_name(topics[i]))));
            topic_release(topics[i]);
        }
    } else {
        count = (size_t)asked->topics.count;
        names = arena_new_array(&request->arena, count, sizeof(*names));
        for (size_t i = 0; i < count; i++)
            names[i] = asked->topics.items[i].name;
        qsort(names, count, sizeof(*names), slice_order);
    }
    walk.response.topics.items = arena_new_array(&request->arena, count, sizeof(*walk.response.topics.items));
    for (size_t i = 0; i < count && go_on; i++) {
        int32_t from = 0;

        if (asked->cursor != NULL) {
            int order = slice_compare(names[i], asked->cursor->topic_name);

            if (order < 0)
                continue;
            if (order == 0 && asked->cursor->partition_index > 0)
                from = asked->cursor->partition_index;
        }
        describe_named(&walk, names[i], from, &go_on);
    }
    request_answer(request, &walk.response);
}

/* ---- DescribeCluster ---- */

void handle_describe_cluster(struct request *request)
{
    const struct kafka_describe_cluster_request *asked = request->decoded;
    struct kafka_describe_cluster_response_broker self = {.broker_id = request->broker->numbers.node_id};
    struct kafka_describe_cluster_response response = {
        .endpoint_type = 1,
        .cluster_id = slice_from_string(store_cluster_id(request->broker->store)),
        .controller_id = request->broker->numbers.node_id,
        .brokers = {&self, 1},
        .cluster_authorized_operations = asked->include_cluster_authorized_operations ? CLUSTER_OPERATIONS : INT32_MIN,
    };

    request_broker_address(request, &self.host, &self.port);
    if (asked->endpoint_type != 1) {
        response.error_code = CODE(MISMATCHED_ENDPOINT_TYPE);
        response.error_message =
            slice_from_string("The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER");
        response.brokers.count = 0;
    }
    request_answer(request, &response);
}

/* ---- DescribeLogDirs ---- */

static void log_dir_topic_add(struct request *request, struct kafka_describe_log_dirs_response_result *dir, struct topic *topic,
                              const wire_int32_array *wanted)
{
    struct kafka_describe_log_dirs_response_topic *out = &dir->topics.items[dir->topics.count++];
    int32_t count = wanted == NULL ? topic_partition_count(topic) : wanted->count;

    out->name = slice_from_string(arena_copy_string(&request->arena, slice_from_string(topic_name(topic))));
    out->partitions.items = arena_new_array(&request->arena, (size_t)(count < 0 ? 0 : count), sizeof(*out->partitions.items));
    for (int32_t i = 0; i < count; i++) {
        int32_t index = wanted == NULL ? i : wanted->items[i];
        struct partition *partition = topic_partition(topic, index);

        if (partition != NULL)
            out->partitions.items[out->partitions.count++] =
                (struct kafka_describe_log_dirs_response_partition){.partition_index = index, .partition_size = partition_bytes(partition)};
    }
}

void handle_describe_log_dirs(struct request *request)
{
    const struct kafka_describe_log_dirs_request *asked = request->decoded;
    const char *directory = request->broker->directory;
    struct kafka_describe_log_dirs_response_result dir = {.total_bytes = -1, .usable_bytes = -1};
    struct kafka_describe_log_dirs_response response = {.results = {&dir, 1}};
    struct statvfs space;

    dir.log_dir = slice_from_string(directory == NULL ? "tailrace-data" : directory);
    if (directory != NULL && statvfs(directory, &space) == 0) {
        dir.total_bytes = (int64_t)(space.f_blocks * space.f_frsize);
        dir.usable_bytes = (int64_t)(space.f_bavail * space.f_frsize);
    }
    if (asked->topics.count < 0) {
        size_t count = 0;
        struct topic **topics = store_topics(request->broker->store, &request->arena, &count);

        dir.topics.items = arena_new_array(&request->arena, count, sizeof(*dir.topics.items));
        for (size_t i = 0; i < count; i++) {
            log_dir_topic_add(request, &dir, topics[i], NULL);
            topic_release(topics[i]);
        }
    } else {
        dir.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*dir.topics.items));
        for (int32_t i = 0; i < asked->topics.count; i++) {
            struct topic *topic = store_topic_find(request->broker->store, asked->topics.items[i].topic);

            if (topic != NULL) {
                log_dir_topic_add(request, &dir, topic, &asked->topics.items[i].partitions);
                topic_release(topic);
            }
        }
    }
    request_answer(request, &response);
}
