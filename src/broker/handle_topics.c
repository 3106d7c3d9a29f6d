/* handle_topics.c: CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords. Everything is durable when it is answered. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "broker/changes.h"
#include "broker/config.h"
#include "broker/coordinator.h"
#include "broker/topic_name.h"
#include "wire/kafka/messages_topic.h"

#define PARTITIONS_PER_REQUEST_MAX 10000

/* ---- CreateTopics ---- */

struct create {
    struct request *request;
    struct kafka_create_topics_response response;
    size_t left;
};

struct create_topic {
    struct create *all;
    int32_t index;
    int32_t partitions;
    struct properties config;
};

static void create_refuse(struct create *all, int32_t index, enum status status, const char *message)
{
    struct kafka_create_topics_response_topic *out = &all->response.topics.items[index];

    out->error_code = status_kafka_code(status);
    out->error_message = request_format(all->request, "%s", message);
}

/* What a topic is made of: the answer to the version 5 and later. */
static void create_fill(struct create *all, const struct create_topic *one)
{
    struct request *request = all->request;
    struct kafka_create_topics_response_topic *out = &all->response.topics.items[one->index];
    size_t count;
    struct config_entry *entries = config_topic_entries(&one->config, &request->broker->values, &request->arena, &count);
    struct topic *topic = store_topic_find(request->broker->store, out->name);

    out->num_partitions = one->partitions;
    out->replication_factor = 1;
    out->configs.items = arena_new_array(&request->arena, count, sizeof(*out->configs.items));
    out->configs.count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        out->configs.items[i] = (struct kafka_create_topics_response_config){
            .name = slice_from_string(arena_copy_string(&request->arena, slice_from_string(entries[i].name))),
            .value = slice_from_string(arena_copy_string(&request->arena, slice_from_string(entries[i].value))),
            .read_only = entries[i].read_only,
            .config_source = (int8_t)entries[i].source,
            .is_sensitive = entries[i].sensitive,
        };
    if (topic != NULL) {
        out->topic_id = *topic_id(topic);
        topic_release(topic);
    }
}

static void create_one_less(struct create *all)
{
    if (--all->left == 0)
        request_answer(all->request, &all->response);
}

static void on_created(struct task *task)
{
    struct create_topic *one = task->context;

    if (task->status == OK) {
        create_fill(one->all, one);
        change_note(task->request, one->all->response.topics.items[one->index].name, "Topic %.*s was created.", (int)one->all->response.topics.items[one->index].name.size,
                    (const char *)one->all->response.topics.items[one->index].name.data);
    } else if (task->status == ERROR_TOPIC_ALREADY_EXISTS)
        create_refuse(one->all, one->index, task->status,
                      (const char *)request_format(task->request, "Topic '%.*s' already exists.",
                                                   (int)one->all->response.topics.items[one->index].name.size,
                                                   (const char *)one->all->response.topics.items[one->index].name.data)
                          .data);
    else
        create_refuse(one->all, one->index, task->status, task->message);
    properties_finish(&one->config);
    create_one_less(one->all);
}

static enum status assignments_check(struct request *request, const struct kafka_create_topics_request_topic *asked, int32_t *partitions,
                                     struct error *error)
{
    uint8_t *seen;

    if (asked->replication_factor != -1)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "A manual partition assignment was specified, but replication factor was not set to -1.");
    if (asked->num_partitions != -1)
        return error_set(error, ERROR_INVALID_REQUEST, "A manual partition assignment was specified, but numPartitions was not set to -1.");
    seen = arena_new_array(&request->arena, (size_t)asked->assignments.count, 1);
    for (int32_t i = 0; i < asked->assignments.count; i++) {
        int32_t index = asked->assignments.items[i].partition_index;
        const wire_int32_array *brokers = &asked->assignments.items[i].broker_ids;

        if (brokers->count <= 0)
            return error_set(error, ERROR_INVALID_REPLICA_ASSIGNMENT, "The manual partition assignment includes an empty replica list.");
        for (int32_t j = 0; j < brokers->count; j++) {
            if (brokers->items[j] != request->broker->numbers.node_id)
                return error_set(error, ERROR_INVALID_REPLICA_ASSIGNMENT,
                                 "The manual partition assignment includes broker %d, but no such broker is registered.",
                                 brokers->items[j]);
            if (j > 0)
                return error_set(error, ERROR_INVALID_REPLICA_ASSIGNMENT,
                                 "The manual partition assignment includes the broker %d more than once.", brokers->items[j]);
        }
        if (index < 0 || index >= asked->assignments.count || seen[index] != 0)
            return error_set(error, ERROR_INVALID_REPLICA_ASSIGNMENT, "partitions should be a consecutive 0-based integer sequence");
        seen[index] = 1;
    }
    *partitions = asked->assignments.count;
    return OK;
}

static enum status counts_check(struct request *request, const struct kafka_create_topics_request_topic *asked, int32_t *partitions,
                                struct error *error)
{
    if (asked->assignments.count > 0)
        return assignments_check(request, asked, partitions, error);
    if (asked->replication_factor == 0 || asked->replication_factor < -1)
        return error_set(error, ERROR_INVALID_REPLICATION_FACTOR,
                         "Replication factor must be larger than 0, or -1 to use the default value.");
    if (asked->num_partitions == 0 || asked->num_partitions < -1)
        return error_set(error, ERROR_INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value.");
    if (asked->replication_factor > 1)
        return error_set(error, ERROR_INVALID_REPLICATION_FACTOR,
                         "Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because only "
                         "1 broker(s) are "
                         "registered or some brokers have all their log directories cordoned.",
                         asked->replication_factor, asked->replication_factor);
    *partitions = asked->num_partitions == -1 ? request->broker->numbers.default_partitions : asked->num_partitions;
    return OK;
}

static enum status config_collect(struct request *request, const struct kafka_create_topics_request_topic *asked, struct properties *config,
                                  struct error *error)
{
    for (int32_t i = 0; i < asked->configs.count; i++) {
        if (slice_is_null(asked->configs.items[i].value))
            return error_set(error, ERROR_INVALID_CONFIG, "Null value not supported for topic configs: %.*s",
                             (int)asked->configs.items[i].name.size, (const char *)asked->configs.items[i].name.data);
        properties_set(config, arena_copy_string(&request->arena, asked->configs.items[i].name),
                       arena_copy_string(&request->arena, asked->configs.items[i].value));
    }
    return config_topic_check(config, error);
}

static enum status create_check(struct request *request, const struct kafka_create_topics_request_topic *asked, int32_t *partitions,
                                struct properties *config, struct error *error)
{
    struct topic *topic;
    enum status status;

    if (topic_name_is_reserved(asked->name))
        return error_set(error, ERROR_INVALID_REQUEST, "Creation of internal topic %.*s is prohibited.", (int)asked->name.size,
                         (const char *)asked->name.data);
    status = topic_name_check(asked->name, error);
    if (status != OK)
        return status;
    topic = store_topic_find(request->broker->store, asked->name);
    if (topic != NULL) {
        topic_release(topic);
        return error_set(error, ERROR_TOPIC_ALREADY_EXISTS, "Topic '%.*s' already exists.", (int)asked->name.size,
                         (const char *)asked->name.data);
    }
    if (topic_name_collides(request->broker->store, asked->name, error))
        return ERROR_INVALID_TOPIC_EXCEPTION;
    status = config_collect(request, asked, config, error);
    if (status == OK)
        status = counts_check(request, asked, partitions, error);
    return status;
}

static void create_one(struct create *all, int32_t index, bool validate_only)
{
    struct request *request = all->request;
    const struct kafka_create_topics_request *asked = request->decoded;
    const struct kafka_create_topics_request_topic *topic = &asked->topics.items[index];
    struct create_topic *one = arena_new(&request->arena, sizeof(*one));
    struct topic_spec spec;
    struct error error;
    enum status status;

    one->all = all;
    one->index = index;
    properties_init(&one->config);
    status = create_check(request, topic, &one->partitions, &one->config, &error);
    if (status != OK || validate_only) {
        if (status != OK)
            create_refuse(all, index, status, error.message);
        else
            create_fill(all, one);
        properties_finish(&one->config);
        return;
    }
    spec = (struct topic_spec){
        .name = arena_copy_string(&request->arena, topic->name),
        .partitions = one->partitions,
        .config = &one->config,
        .internal = topic_name_is_internal(topic->name),
    };
    all->left++;
    store_topic_create(request->broker->store, &spec, task_done, task_create(request, on_created, one));
}

/* Names that come twice get an error, each of them; so nothing of them is made. */
static void create_refuse_repeated(struct create *all)
{
    const struct kafka_create_topics_request *asked = all->request->decoded;
    struct map seen;

    map_init(&seen);
    for (int32_t i = 0; i < asked->topics.count; i++) {
        struct kafka_create_topics_response_topic *first = map_get(&seen, asked->topics.items[i].name);

        if (first == NULL) {
            (void)map_put(&seen, asked->topics.items[i].name, &all->response.topics.items[i]);
            continue;
        }
        create_refuse(all, i, ERROR_INVALID_REQUEST, "Duplicate topic name.");
        create_refuse(all, (int32_t)(first - all->response.topics.items), ERROR_INVALID_REQUEST, "Duplicate topic name.");
    }
    map_finish(&seen);
}

static int64_t create_partition_total(const struct request *request, const struct kafka_create_topics_request *asked)
{
    int64_t total = 0;

    for (int32_t i = 0; i < asked->topics.count; i++) {
        if (asked->topics.items[i].assignments.count > 0)
            total += asked->topics.items[i].assignments.count;
        else
            total += asked->topics.items[i].num_partitions > 0 ? asked->topics.items[i].num_partitions
                                                               : request->broker->numbers.default_partitions;
    }
    return total;
}

void handle_create_topics(struct request *request)
{
    const struct kafka_create_topics_request *asked = request->decoded;
    struct create *all = arena_new(&request->arena, sizeof(*all));
    bool too_many = create_partition_total(request, asked) > PARTITIONS_PER_REQUEST_MAX;

    all->request = request;
    all->left = 1;
    all->response.topics.count = asked->topics.count;
    all->response.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*all->response.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++)
        all->response.topics.items[i] = (struct kafka_create_topics_response_topic){
            .name = asked->topics.items[i].name, .num_partitions = -1, .replication_factor = -1, .configs = {NULL, -1}};
    create_refuse_repeated(all);
    for (int32_t i = 0; i < asked->topics.count; i++) {
        if (too_many)
            create_refuse(all, i, ERROR_POLICY_VIOLATION, "Excessively large number of partitions per request.");
        else if (all->response.topics.items[i].error_code == 0)
            create_one(all, i, asked->validate_only);
    }
    create_one_less(all);
}

/* ---- DeleteTopics ---- */

struct delete_topics {
    struct request *request;
    struct kafka_delete_topics_response response;
    size_t left;
};

struct delete_topic {
    struct delete_topics *all;
    int32_t index;
};

static void delete_one_less(struct delete_topics *all)
{
    if (--all->left == 0)
        request_answer(all->request, &all->response);
}

static void on_deleted(struct task *task)
{
    struct delete_topic *one = task->context;
    struct kafka_delete_topics_response_topic *out = &one->all->response.responses.items[one->index];

    out->error_code = status_kafka_code(task->status);
    if (task->status != OK)
        out->error_message = request_format(task->request, "%s", task->message);
    if (task->status == OK) {
        coordinator_topic_deleted(task->broker->coordinator, out->name);
        change_note(task->request, out->name, "Topic %.*s was deleted.", (int)out->name.size, (const char *)out->name.data);
    }
    delete_one_less(one->all);
}

static void delete_one(struct delete_topics *all, int32_t index, struct slice name, const struct uuid *id)
{
    struct request *request = all->request;
    struct kafka_delete_topics_response_topic *out = &all->response.responses.items[index];
    struct topic *topic;
    struct delete_topic *one;

    *out = (struct kafka_delete_topics_response_topic){.name = name, .topic_id = *id};
    if (!request->broker->numbers.delete_topics) {
        out->error_code = CODE(TOPIC_DELETION_DISABLED);
        out->error_message = slice_from_string(status_text(ERROR_TOPIC_DELETION_DISABLED));
        return;
    }
    if (slice_is_null(name) == uuid_is_zero(id)) {
        out->error_code = CODE(INVALID_REQUEST);
        out->error_message = slice_from_string(slice_is_null(name) ? "Neither topic name nor id were specified."
                                                                   : "You may not specify both topic name and topic id.");
        return;
    }
    topic = slice_is_null(name) ? store_topic_find_by_id(request->broker->store, id) : store_topic_find(request->broker->store, name);
    if (topic == NULL) {
        out->error_code = slice_is_null(name) ? CODE(UNKNOWN_TOPIC_ID) : CODE(UNKNOWN_TOPIC_OR_PARTITION);
        out->error_message =
            slice_from_string(status_text(slice_is_null(name) ? ERROR_UNKNOWN_TOPIC_ID : ERROR_UNKNOWN_TOPIC_OR_PARTITION));
        return;
    }
    out->name = slice_from_string(arena_copy_string(&request->arena, slice_from_string(topic_name(topic))));
    out->topic_id = *topic_id(topic);
    topic_release(topic);
    one = arena_new(&request->arena, sizeof(*one));
    *one = (struct delete_topic){all, index};
    all->left++;
    store_topic_delete(request->broker->store, out->name, task_done, task_create(request, on_deleted, one));
}

void handle_delete_topics(struct request *request)
{
    const struct kafka_delete_topics_request *asked = request->decoded;
    struct delete_topics *all = arena_new(&request->arena, sizeof(*all));
    const struct uuid none = {{0}};
    bool by_struct = request->header.api_version >= 6;
    int32_t count = by_struct ? asked->topics.count : asked->topic_names.count;

    all->request = request;
    all->left = 1;
    all->response.responses.count = count;
    all->response.responses.items = arena_new_array(&request->arena, (size_t)count, sizeof(*all->response.responses.items));
    for (int32_t i = 0; i < count; i++)
        delete_one(all, i, by_struct ? asked->topics.items[i].name : asked->topic_names.items[i],
                   by_struct ? &asked->topics.items[i].topic_id : &none);
    delete_one_less(all);
}

/* ---- CreatePartitions ---- */

struct grow {
    struct request *request;
    struct kafka_create_partitions_response response;
    size_t left;
};

struct grow_topic {
    struct grow *all;
    int32_t index;
};

static void grow_one_less(struct grow *all)
{
    if (--all->left == 0)
        request_answer(all->request, &all->response);
}

static void on_grown(struct task *task)
{
    struct grow_topic *one = task->context;
    struct kafka_create_partitions_response_result *out = &one->all->response.results.items[one->index];

    out->error_code = status_kafka_code(task->status);
    if (task->status != OK)
        out->error_message = request_format(task->request, "%s", task->message);
    else
        change_note(task->request, out->name, "Topic %.*s has more partitions now.", (int)out->name.size, (const char *)out->name.data);
    grow_one_less(one->all);
}

static enum status grow_check(struct request *request, const struct kafka_create_partitions_request_topic *asked, struct error *error)
{
    struct topic *topic = store_topic_find(request->broker->store, asked->name);
    int32_t count;

    if (topic == NULL)
        return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "%s", status_text(ERROR_UNKNOWN_TOPIC_OR_PARTITION));
    count = topic_partition_count(topic);
    topic_release(topic);
    if (asked->count == count)
        return error_set(error, ERROR_INVALID_PARTITIONS, "Topic already has %d partition(s).", count);
    if (asked->count < count)
        return error_set(error, ERROR_INVALID_PARTITIONS, "The topic %.*s currently has %d partition(s); %d would not be an increase.",
                         (int)asked->name.size, (const char *)asked->name.data, count, asked->count);
    if (asked->count - count > PARTITIONS_PER_REQUEST_MAX)
        return error_set(error, ERROR_POLICY_VIOLATION, "Excessively large number of partitions per request.");
    if (asked->assignments.count < 0)
        return OK;
    if (asked->assignments.count != asked->count - count)
        return error_set(error, ERROR_INVALID_REPLICA_ASSIGNMENT,
                         "Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", asked->count - count,
                         asked->assignments.count);
    for (int32_t i = 0; i < asked->assignments.count; i++) {
        const wire_int32_array *brokers = &asked->assignments.items[i].broker_ids;

        if (brokers->count != 1 || brokers->items[0] != request->broker->numbers.node_id)
            return error_set(error, ERROR_INVALID_REPLICA_ASSIGNMENT,
                             "The manual partition assignment includes broker %d, but no such broker is registered.",
                             brokers->count > 0 ? brokers->items[brokers->count - 1] : -1);
    }
    return OK;
}

void handle_create_partitions(struct request *request)
{
    const struct kafka_create_partitions_request *asked = request->decoded;
    struct grow *all = arena_new(&request->arena, sizeof(*all));
    struct map seen;

    map_init(&seen);
    all->request = request;
    all->left = 1;
    all->response.results.count = asked->topics.count;
    all->response.results.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*all->response.results.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_create_partitions_request_topic *topic = &asked->topics.items[i];
        struct error error;
        enum status status;

        if (map_put(&seen, topic->name, all) != NULL)
            status = error_set(&error, ERROR_INVALID_REQUEST, "Duplicate topic name.");
        else
            status = grow_check(request, topic, &error);
        all->response.results.items[i] =
            (struct kafka_create_partitions_response_result){.name = topic->name, .error_code = status_kafka_code(status)};
        if (status != OK) {
            all->response.results.items[i].error_message = request_format(request, "%s", error.message);
        } else if (!asked->validate_only) {
            struct grow_topic *one = arena_new(&request->arena, sizeof(*one));

            *one = (struct grow_topic){all, i};
            all->left++;
            store_topic_grow(request->broker->store, topic->name, topic->count, task_done, task_create(request, on_grown, one));
        }
    }
    map_finish(&seen);
    grow_one_less(all);
}

/* ---- DeleteRecords ---- */

struct delete_records {
    struct request *request;
    struct kafka_delete_records_response response;
    size_t left;
};

struct delete_records_partition {
    struct delete_records *all;
    struct kafka_delete_records_response_partition *out;
    struct topic *topic; /* held */
    struct partition *partition;
};

static void delete_records_one_less(struct delete_records *all)
{
    if (--all->left == 0)
        request_answer(all->request, &all->response);
}

static void on_records_deleted(struct task *task)
{
    struct delete_records_partition *one = task->context;

    one->out->error_code = status_kafka_code(task->status);
    one->out->low_watermark = task->status == OK ? partition_start(one->partition) : -1;
    if (task->status == OK)
        change_note(task->request, slice_from_string(topic_name(one->topic)), "Topic %s, partition %d: the messages before %lld were deleted.", topic_name(one->topic), (int)one->out->partition_index,
                    (long long)one->out->low_watermark);
    topic_release(one->topic);
    delete_records_one_less(one->all);
}

static enum status delete_records_check(struct request *request, struct topic *topic, const struct partition *partition, int64_t offset)
{
    const char *policy;

    if (partition == NULL)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (topic_name_is_internal(slice_from_string(topic_name(topic))))
        return ERROR_INVALID_TOPIC_EXCEPTION;
    if (topic_is_compacted(topic)) {
        struct properties own;
        bool deletes;

        topic_config_copy(topic, &own);
        policy = properties_get(&own, "cleanup.policy");
        if (policy == NULL)
            policy = config_topic_default("cleanup.policy", &request->broker->values, &request->arena);
        deletes = policy != NULL && strstr(policy, "delete") != NULL;
        properties_finish(&own);
        if (!deletes)
            return ERROR_POLICY_VIOLATION;
    }
    return offset < 0 || offset > partition_end(partition) ? ERROR_OFFSET_OUT_OF_RANGE : OK;
}

static void delete_records_one(struct delete_records *all, struct slice name, const struct kafka_delete_records_request_partition *asked,
                               struct kafka_delete_records_response_partition *out)
{
    struct request *request = all->request;
    struct topic *topic = store_topic_find(request->broker->store, name);
    struct partition *partition = topic == NULL ? NULL : topic_partition(topic, asked->partition_index);
    int64_t offset = asked->offset == -1 && partition != NULL ? partition_end(partition) : asked->offset;
    enum status status = delete_records_check(request, topic, partition, offset);
    struct delete_records_partition *one;

    *out = (struct kafka_delete_records_response_partition){
        .partition_index = asked->partition_index, .low_watermark = -1, .error_code = status_kafka_code(status)};
    if (status == OK && offset <= partition_start(partition)) {
        out->low_watermark = partition_start(partition); /* nothing to do */
    } else if (status == OK) {
        one = arena_new(&request->arena, sizeof(*one));
        *one = (struct delete_records_partition){all, out, topic, partition};
        all->left++;
        store_records_delete(request->broker->store, partition, offset, task_done, task_create(request, on_records_deleted, one));
        return;
    }
    if (topic != NULL)
        topic_release(topic);
}

void handle_delete_records(struct request *request)
{
    const struct kafka_delete_records_request *asked = request->decoded;
    struct delete_records *all = arena_new(&request->arena, sizeof(*all));

    all->request = request;
    all->left = 1;
    all->response.topics.count = asked->topics.count;
    all->response.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*all->response.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_delete_records_request_topic *topic = &asked->topics.items[i];
        struct kafka_delete_records_response_topic *out = &all->response.topics.items[i];

        out->name = topic->name;
        out->partitions.count = topic->partitions.count;
        out->partitions.items = arena_new_array(&request->arena, (size_t)topic->partitions.count, sizeof(*out->partitions.items));
        for (int32_t j = 0; j < topic->partitions.count; j++)
            delete_records_one(all, topic->name, &topic->partitions.items[j], &out->partitions.items[j]);
    }
    delete_records_one_less(all);
}
