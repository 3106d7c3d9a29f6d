/*
 * api.c: the table of APIs that are served, and what their handlers share.
 *
 * The first versions are those of Kafka 3.9 where a client looks at them: librdkafka before 2.11 turns features off when the
 * old ones are missing. Produce before 3 and Fetch before 4 are advertised for that reason only and answered with an error.
 * Produce stops at 11: 12 means that transactions begin by themselves (KIP-890).
 */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "broker/coordinator.h"
#include "os/logger.h"
#include "wire/kafka/messages_acl.h"
#include "wire/kafka/messages_cluster.h"
#include "wire/kafka/messages_config.h"
#include "wire/kafka/messages_consumer_group.h"
#include "wire/kafka/messages_fetch.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_metadata.h"
#include "wire/kafka/messages_offsets.h"
#include "wire/kafka/messages_produce.h"
#include "wire/kafka/messages_quota.h"
#include "wire/kafka/messages_security.h"
#include "wire/kafka/messages_topic.h"
#include "wire/kafka/messages_transaction.h"

#include <assert.h>
#include <stdarg.h>

#define SERVE(KEY, name, from, to)                                                                                                         \
    {                                                                                                                                      \
        KAFKA_##KEY, from, to, sizeof(struct kafka_##name##_request), handle_##name                                                        \
    }

static const struct api apis[] = {
    /* clang-format off */
    SERVE(PRODUCE,                      produce,                      0, 11),
    SERVE(FETCH,                        fetch,                        0, 17),
    SERVE(LIST_OFFSETS,                 list_offsets,                 0, 11),
    SERVE(METADATA,                     metadata,                     0, 13),
    SERVE(OFFSET_COMMIT,                offset_commit,                0, 9),
    SERVE(OFFSET_FETCH,                 offset_fetch,                 0, 9),
    SERVE(FIND_COORDINATOR,             find_coordinator,             0, 6),
    SERVE(JOIN_GROUP,                   join_group,                   0, 9),
    SERVE(HEARTBEAT,                    heartbeat,                    0, 4),
    SERVE(LEAVE_GROUP,                  leave_group,                  0, 5),
    SERVE(SYNC_GROUP,                   sync_group,                   0, 5),
    SERVE(DESCRIBE_GROUPS,              describe_groups,              0, 6),
    SERVE(LIST_GROUPS,                  list_groups,                  0, 5),
    SERVE(API_VERSIONS,                 api_versions,                 0, 4),
    SERVE(CREATE_TOPICS,                create_topics,                0, 7),
    SERVE(DELETE_TOPICS,                delete_topics,                0, 6),
    SERVE(DELETE_RECORDS,               delete_records,               0, 2),
    SERVE(INIT_PRODUCER_ID,             init_producer_id,             0, 5),
    SERVE(OFFSET_FOR_LEADER_EPOCH,      offset_for_leader_epoch,      0, 4),
    SERVE(DESCRIBE_ACLS,                describe_acls,                0, 3),
    SERVE(CREATE_ACLS,                  create_acls,                  0, 3),
    SERVE(DELETE_ACLS,                  delete_acls,                  0, 3),
    SERVE(DESCRIBE_CONFIGS,             describe_configs,             0, 4),
    SERVE(ALTER_CONFIGS,                alter_configs,                0, 2),
    SERVE(DESCRIBE_LOG_DIRS,            describe_log_dirs,            0, 5),
    SERVE(CREATE_PARTITIONS,            create_partitions,            0, 3),
    SERVE(DELETE_GROUPS,                delete_groups,                0, 2),
    SERVE(ELECT_LEADERS,                elect_leaders,                0, 2),
    SERVE(INCREMENTAL_ALTER_CONFIGS,    incremental_alter_configs,    0, 1),
    SERVE(ALTER_PARTITION_REASSIGNMENTS, alter_partition_reassignments, 0, 1),
    SERVE(LIST_PARTITION_REASSIGNMENTS, list_partition_reassignments, 0, 0),
    SERVE(OFFSET_DELETE,                offset_delete,                0, 0),
    SERVE(DESCRIBE_CLIENT_QUOTAS,       describe_client_quotas,       0, 1),
    SERVE(ALTER_CLIENT_QUOTAS,          alter_client_quotas,          0, 1),
    SERVE(DESCRIBE_USER_SCRAM_CREDENTIALS, describe_user_scram_credentials, 0, 0),
    SERVE(ALTER_USER_SCRAM_CREDENTIALS, alter_user_scram_credentials, 0, 0),
    SERVE(DESCRIBE_CLUSTER,             describe_cluster,             0, 2),
    SERVE(DESCRIBE_TRANSACTIONS,        describe_transactions,        0, 0),
    SERVE(LIST_TRANSACTIONS,            list_transactions,            0, 2),
    SERVE(CONSUMER_GROUP_HEARTBEAT,     consumer_group_heartbeat,     0, 1),
    SERVE(CONSUMER_GROUP_DESCRIBE,      consumer_group_describe,      0, 1),
    SERVE(LIST_CONFIG_RESOURCES,        list_config_resources,        0, 1),
    SERVE(DESCRIBE_TOPIC_PARTITIONS,    describe_topic_partitions,    0, 0),
    /* clang-format on */
};

#define API_COUNT (sizeof(apis) / sizeof(*apis))

const struct api *api_at(size_t index)
{
    return index < API_COUNT ? &apis[index] : NULL;
}

const struct api *api_find(int16_t key)
{
    size_t from = 0, to = API_COUNT;

    while (from < to) {
        size_t middle = (from + to) / 2;

        if (apis[middle].key == key)
            return &apis[middle];
        if (apis[middle].key < key)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

struct slice request_format(struct request *request, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return slice_from_string(arena_copy_string(&request->arena, slice_from_string(text)));
}

/* ---- Tasks ---- */

static void task_run(struct post *post)
{
    struct task *task = (struct task *)(void *)((uint8_t *)post - offsetof(struct task, post));

    task->broker->under_way--;
    task->run(task);
}

struct task *task_create(struct request *request, void (*run)(struct task *task), void *context)
{
    struct task *task = arena_new(&request->arena, sizeof(*task));

    task->post.run = task_run;
    task->broker = request->broker;
    task->request = request;
    task->run = run;
    task->context = context;
    request->broker->under_way++;
    return task;
}

void task_done(void *context, enum status status, const char *message)
{
    struct task *task = context;

    task->status = status;
    (void)snprintf(task->message, sizeof(task->message), "%s", status == OK || message == NULL ? "" : message);
    broker_post(task->broker, &task->post);
}

struct auto_create_wait {
    struct request *request;
    struct auto_create_wait *next;
};

struct auto_create {
    struct post post;
    struct broker *broker;
    enum status status;
    char *name;
    struct auto_create_wait *waiting; /* in their requests' memory */
};

static void on_auto_created(struct post *post)
{
    struct auto_create *create = (struct auto_create *)(void *)((uint8_t *)post - offsetof(struct auto_create, post));

    create->broker->under_way--;
    if (create->status == OK)
        LOG_INFO("created topic %s, which a client asked for", create->name);
    else if (create->status != ERROR_TOPIC_ALREADY_EXISTS)
        LOG_ERROR("could not create topic %s, which a client asked for: %s", create->name, status_text(create->status));
    (void)map_remove(&create->broker->creating, slice_from_string(create->name));
    while (create->waiting != NULL) {
        struct auto_create_wait *wait = create->waiting;

        create->waiting = wait->next;
        wait->request->api->handle(wait->request);
    }
    memory_free(create->name);
    memory_free(create);
}

bool topic_creation_wait(struct request *request, struct slice name)
{
    struct auto_create *create = map_get(&request->broker->creating, name);
    struct auto_create_wait *wait;

    if (create == NULL)
        return false;
    wait = arena_new(&request->arena, sizeof(*wait));
    *wait = (struct auto_create_wait){request, create->waiting};
    create->waiting = wait;
    return true;
}

/* Committer thread. */
static void auto_create_done(void *context, enum status status, const char *message)
{
    struct auto_create *create = context;

    (void)message;
    create->status = status;
    broker_post(create->broker, &create->post);
}

void topic_create_automatically(struct broker *broker, struct slice name)
{
    struct auto_create *create = memory_new(sizeof(*create));
    struct topic_spec spec = {.partitions = broker->numbers.default_partitions};
    struct properties config;

    create->post.run = on_auto_created;
    create->broker = broker;
    create->name = memory_copy_bytes(name.data, name.size);
    spec.name = create->name;
    properties_init(&config);
    if (slice_equal_string(name, OFFSETS_TOPIC))
        coordinator_offsets_spec(broker, &spec, &config);
    broker->under_way++;
    (void)map_put(&broker->creating, name, create);
    store_topic_create(broker->store, &spec, auto_create_done, create);
    properties_finish(&config);
}
