#include "tools/consumer_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "tools/settings.h"
#include "wire/kafka/messages_fetch.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_offsets.h"

#include <ctype.h>
#include <poll.h>

#define RETRY_MS 100
#define CLOSE_COMMIT_TIMEOUT_MS 5000
#define STEP_MAX_MS 100
#define RECORDS_PER_LOOK 256

/* ---- Settings ---- */

static const struct failure *reset_check(struct consumer *consumer, struct arena *arena)
{
    const char *value = consumer->auto_offset_reset;

    if (strcmp(value, "earliest") == 0 || strcmp(value, "latest") == 0 || strcmp(value, "none") == 0 ||
        strncmp(value, "by_duration:", 12) == 0)
        return NULL;
    return failure_of(arena, FAILURE_CONFIG,
                      "Invalid value %s for configuration auto.offset.reset: Invalid value `%s` for configuration auto.offset.reset. The value "
                      "must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.",
                      value, value);
}

static const struct failure *numbers_read(struct consumer *consumer, struct arena *arena, const struct properties *settings)
{
    const struct {
        const char *name;
        int32_t *number;
        int32_t otherwise;
    } rows[] = {
        {"session.timeout.ms", &consumer->session_timeout_ms, 45000},
        {"heartbeat.interval.ms", &consumer->heartbeat_interval_ms, 3000},
        {"max.poll.interval.ms", &consumer->max_poll_interval_ms, 300000},
        {"auto.commit.interval.ms", &consumer->auto_commit_interval_ms, 5000},
        {"fetch.min.bytes", &consumer->fetch_min_bytes, 1},
        {"fetch.max.bytes", &consumer->fetch_max_bytes, 52428800},
        {"fetch.max.wait.ms", &consumer->fetch_max_wait_ms, 500},
        {"max.partition.fetch.bytes", &consumer->max_partition_fetch_bytes, 1048576},
        {"request.timeout.ms", &consumer->request_timeout_ms, 30000},
    };
    const struct failure *failure = NULL;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && failure == NULL; i++) {
        *rows[i].number = rows[i].otherwise;
        failure = settings_int(arena, settings, rows[i].name, 0, rows[i].number);
    }
    return failure;
}

static const struct failure *group_read(struct consumer *consumer, struct arena *arena, const struct properties *settings)
{
    struct consumer_group *group = &consumer->group;
    const char *id = properties_get(settings, "group.id");
    const char *instance_id = properties_get(settings, "group.instance.id");
    const char *protocol;
    const struct failure *failure = settings_word(arena, settings, "group.protocol", &protocol, "classic", "consumer", NULL);

    if (failure != NULL)
        return failure;
    group->is_classic = strcmp(protocol, "classic") == 0;
    group->id = arena_copy_string(&consumer->arena, slice_from_string(id == NULL ? "" : id));
    group->instance_id = instance_id == NULL ? NULL : arena_copy_string(&consumer->arena, slice_from_string(instance_id));
    if (id != NULL && text_trim(slice_from_string(id)).size == 0)
        return failure_caused(arena,
                              failure_of(arena, "org.apache.kafka.common.errors.InvalidGroupIdException",
                                         "The configured group.id should not be an empty string or whitespace."),
                              FAILURE_KAFKA, "Failed to construct kafka consumer");
    return NULL;
}

static const struct failure *settings_read(struct consumer *consumer, struct arena *arena, const struct properties *settings)
{
    const char *reset = properties_get(settings, "auto.offset.reset");
    const char *isolation;
    const struct failure *failure;

    consumer->auto_commit = true;
    consumer->check_crcs = true;
    consumer->auto_offset_reset = arena_copy_string(&consumer->arena, slice_from_string(reset == NULL ? "latest" : reset));
    for (char *at = (char *)(uintptr_t)consumer->auto_offset_reset; *at != '\0' && *at != ':'; at++)
        *at = (char)tolower((unsigned char)*at);
    failure = reset_check(consumer, arena);
    if (failure == NULL)
        failure = settings_word(arena, settings, "isolation.level", &isolation, "read_uncommitted", "read_committed", NULL);
    /* The list in Java's message begins with the other one. */
    if (failure != NULL && strstr(failure->message, "isolation.level") != NULL)
        failure = failure_of(arena, FAILURE_CONFIG,
                             "Invalid value %s for configuration isolation.level: String must be one of: read_committed, read_uncommitted",
                             properties_get(settings, "isolation.level"));
    if (failure == NULL) {
        consumer->read_committed = strcmp(isolation, "read_committed") == 0;
        failure = settings_bool(arena, settings, "enable.auto.commit", &consumer->auto_commit);
    }
    if (failure == NULL)
        failure = settings_bool(arena, settings, "check.crcs", &consumer->check_crcs);
    if (failure == NULL)
        failure = numbers_read(consumer, arena, settings);
    return failure != NULL ? failure : group_read(consumer, arena, settings);
}

/* ---- Life ---- */

static const struct failure *client_open(struct consumer *consumer, struct arena *arena, const struct properties *settings)
{
    const char *client_id = properties_get(settings, "client.id");
    bool may_create = true;
    int64_t age_max_ms = 300000;
    const struct failure *failure = settings_bool(arena, settings, "allow.auto.create.topics", &may_create);

    if (failure == NULL)
        failure = settings_long(arena, settings, "metadata.max.age.ms", 0, &age_max_ms);
    if (failure == NULL)
        failure = client_create(arena, CLIENT_CONSUMER, settings, client_id == NULL ? "consumer-1" : client_id,
                                consumer->group.id[0] == '\0' ? "null" : consumer->group.id, &consumer->client);
    if (failure != NULL)
        return failure;
    client_set_wake(consumer->client, consumer->wake);
    metadata_init(&consumer->metadata, consumer->client, arena, may_create, age_max_ms);
    return NULL;
}

const struct failure *consumer_create(struct arena *arena, const struct properties *settings, int wake, struct consumer **consumer)
{
    struct consumer *made = memory_new(sizeof(*made));
    const struct failure *failure;

    made->failures = arena;
    made->wake = wake;
    made->group.member_id = memory_copy_string("");
    made->group.generation = -1;
    made->group.coordinator = -1;
    made->group.rebalance_began_ms = clock_monotonic_ms();
    made->decompressor = decompressor_create();
    arena_init(&made->arena, 4096);
    arena_init(&made->subscription_arena, 4096);
    arena_init(&made->group.join_arena, 16384);
    exchange_init(&made->group.exchange);
    exchange_init(&made->group.heartbeat);
    exchange_init(&made->offsets);
    exchange_init(&made->commit);
    failure = settings_read(made, arena, settings);
    if (failure == NULL)
        failure = client_open(made, arena, settings);
    if (failure == NULL)
        *consumer = made;
    else
        consumer_close(made);
    return failure;
}

void consumer_close(struct consumer *consumer)
{
    if (consumer == NULL)
        return;
    if (consumer->client != NULL) {
        client_set_wake(consumer->client, -1);
        if (consumer->auto_commit && consumer->group.state == GROUP_STABLE)
            consumer_commit_now(consumer, CLOSE_COMMIT_TIMEOUT_MS);
        consumer_group_leave(consumer);
    }
    consumer_fetch_finish(consumer);
    consumer_clear_partitions(consumer);
    memory_free(consumer->partitions);
    exchange_finish(&consumer->group.exchange, consumer->client);
    exchange_finish(&consumer->group.heartbeat, consumer->client);
    exchange_finish(&consumer->offsets, consumer->client);
    exchange_finish(&consumer->commit, consumer->client);
    if (consumer->client != NULL)
        metadata_finish(&consumer->metadata);
    client_destroy(consumer->client);
    decompressor_destroy(consumer->decompressor);
    memory_free(consumer->group.member_id);
    arena_finish(&consumer->group.join_arena);
    arena_finish(&consumer->subscription_arena);
    arena_finish(&consumer->arena);
    memory_free(consumer);
}

bool consumer_is_classic(const struct consumer *consumer)
{
    return consumer->group.is_classic;
}

struct consumer_times consumer_times_of(const struct consumer *consumer)
{
    return consumer->times;
}

void consumer_fail(struct consumer *consumer, const struct failure *failure)
{
    if (consumer->failure == NULL)
        consumer->failure = failure;
}

/* ---- What is wanted ---- */

void consumer_subscribe(struct consumer *consumer, struct slice topic)
{
    consumer->subscription = arena_new(&consumer->subscription_arena, sizeof(struct slice));
    consumer->subscription[0] = arena_copy(&consumer->subscription_arena, topic);
    consumer->subscription_count = 1;
    consumer->group.state = GROUP_NO_COORDINATOR;
    metadata_want(&consumer->metadata, topic);
}

void consumer_subscribe_matching(struct consumer *consumer, const struct regexes *topics)
{
    consumer->matching = topics;
    consumer->group.state = GROUP_NO_COORDINATOR;
    metadata_want_all(&consumer->metadata);
}

static void consumer_set_position(struct consumer_partition *partition, int64_t offset, int32_t epoch)
{
    partition->state = POSITION_KNOWN;
    partition->position = partition->fetch_offset = offset;
    partition->position_epoch = epoch;
}

void consumer_assign(struct consumer *consumer, struct slice topic, int32_t partition, int64_t offset)
{
    struct consumer_partition *assigned = consumer_add_partition(consumer, topic, partition);

    metadata_want(&consumer->metadata, topic);
    if (offset >= 0) {
        consumer_set_position(assigned, offset, -1);
    } else {
        assigned->state = POSITION_RESET;
        assigned->reset_time = offset;
    }
}

/* ---- What is assigned ---- */

void consumer_clear_partitions(struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->partition_count; i++)
        memory_free(consumer->partitions[i]);
    consumer->partition_count = 0;
    consumer->assignment++;
}

struct consumer_partition *consumer_find_partition(const struct consumer *consumer, struct slice topic, int32_t partition)
{
    for (size_t i = 0; i < consumer->partition_count; i++) {
        if (consumer->partitions[i]->partition == partition && slice_equal(consumer->partitions[i]->topic, topic))
            return consumer->partitions[i];
    }
    return NULL;
}

struct consumer_partition *consumer_add_partition(struct consumer *consumer, struct slice topic, int32_t partition)
{
    struct consumer_partition *added = memory_new(sizeof(*added));

    *added = (struct consumer_partition){.topic = arena_copy(&consumer->arena, topic), .partition = partition, .position_epoch = -1};
    consumer->partitions = memory_resize(consumer->partitions, (consumer->partition_count + 1) * sizeof(struct consumer_partition *));
    consumer->partitions[consumer->partition_count++] = added;
    return added;
}

void consumer_reset_position(struct consumer *consumer, struct consumer_partition *partition)
{
    partition->state = POSITION_RESET;
    partition->reset_time = strcmp(consumer->auto_offset_reset, "earliest") == 0 ? CONSUMER_EARLIEST : CONSUMER_LATEST;
    if (strcmp(consumer->auto_offset_reset, "none") == 0)
        consumer_fail(consumer, failure_of(consumer->failures, "org.apache.kafka.clients.consumer.NoOffsetForPartitionException",
                                           "Undefined offset with no reset policy for partitions: [%.*s-%d]", (int)partition->topic.size,
                                           (const char *)partition->topic.data, partition->partition));
}

/* ---- Positions: first the group's, else by the leader of the partition ---- */

static bool any_in_state(const struct consumer *consumer, enum position_state state)
{
    for (size_t i = 0; i < consumer->partition_count; i++) {
        if (consumer->partitions[i]->state == state)
            return true;
    }
    return false;
}

static void committed_ask(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct arena *arena = &consumer->offsets.arena;
    struct kafka_offset_fetch_request *body = EXCHANGE_BEGIN(&consumer->offsets, KAFKA_OFFSET_FETCH, kafka_offset_fetch);
    struct kafka_offset_fetch_request_group *item = arena_new(arena, sizeof(*item));
    size_t count = 0;

    wire_init_defaults(&kafka_offset_fetch_request_group_message, item);
    body->group_id = item->group_id = slice_from_string(group->id);
    item->member_id = group->is_classic ? slice_null() : arena_copy(arena, slice_from_string(group->member_id));
    item->member_epoch = group->is_classic ? -1 : group->generation;
    item->topics.items = arena_new_array(arena, consumer->partition_count, sizeof(*item->topics.items));
    body->topics.items = arena_new_array(arena, consumer->partition_count, sizeof(*body->topics.items));
    for (size_t i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *partition = consumer->partitions[i];

        if (partition->state != POSITION_UNKNOWN)
            continue;
        wire_init_defaults(&kafka_offset_fetch_request_group_topic_message, &item->topics.items[count]);
        wire_init_defaults(&kafka_offset_fetch_request_topic_message, &body->topics.items[count]);
        item->topics.items[count].name = body->topics.items[count].name = partition->topic;
        item->topics.items[count].partition_indexes = body->topics.items[count].partition_indexes = (wire_int32_array){&partition->partition, 1};
        count++;
    }
    item->topics.count = body->topics.count = (int32_t)count;
    body->groups.items = item;
    body->groups.count = 1;
    body->require_stable = true;
    exchange_send(&consumer->offsets, consumer->client, group->coordinator);
}

static void committed_set(struct consumer *consumer, struct slice topic, const struct kafka_offset_fetch_response_partition *given)
{
    struct consumer_partition *partition = consumer_find_partition(consumer, topic, given->partition_index);

    if (partition == NULL || partition->state != POSITION_UNKNOWN || given->error_code != 0)
        return;
    if (given->committed_offset >= 0)
        consumer_set_position(partition, given->committed_offset, given->committed_leader_epoch);
    else
        consumer_reset_position(consumer, partition);
}

static void committed_take(struct consumer *consumer, const struct kafka_offset_fetch_response *response)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        for (int32_t j = 0; j < response->topics.items[i].partitions.count; j++)
            committed_set(consumer, response->topics.items[i].name, &response->topics.items[i].partitions.items[j]);
    }
    for (int32_t i = 0; response->groups.count > 0 && i < response->groups.items[0].topics.count; i++) {
        const struct kafka_offset_fetch_response_group_topic *topic = &response->groups.items[0].topics.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++)
            committed_set(consumer, topic->name, &topic->partitions.items[j]);
    }
}

static const struct metadata_partition *led_partition(struct consumer *consumer, const struct consumer_partition *partition)
{
    const struct metadata_partition *found = metadata_find_partition(&consumer->metadata, partition->topic, partition->partition);

    return found == NULL || found->leader < 0 ? NULL : found;
}

/* Asks one leader for all of its partitions that have no position; the others come after it. */
static void reset_ask(struct consumer *consumer, int32_t leader)
{
    struct arena *arena = &consumer->offsets.arena;
    struct kafka_list_offsets_request *body = EXCHANGE_BEGIN(&consumer->offsets, KAFKA_LIST_OFFSETS, kafka_list_offsets);

    body->replica_id = -1;
    body->isolation_level = consumer->read_committed ? 1 : 0;
    body->timeout_ms = consumer->request_timeout_ms;
    body->topics.items = arena_new_array(arena, consumer->partition_count, sizeof(*body->topics.items));
    for (size_t i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *partition = consumer->partitions[i];
        const struct metadata_partition *led = led_partition(consumer, partition);
        struct kafka_list_offsets_request_topic *topic = &body->topics.items[body->topics.count];
        struct kafka_list_offsets_request_partition *item;

        if (partition->state != POSITION_RESET || led == NULL || led->leader != leader)
            continue;
        wire_init_defaults(&kafka_list_offsets_request_topic_message, topic);
        item = arena_new(arena, sizeof(*item));
        wire_init_defaults(&kafka_list_offsets_request_partition_message, item);
        item->partition_index = partition->partition;
        item->timestamp = partition->reset_time;
        topic->name = partition->topic;
        topic->partitions.items = item;
        topic->partitions.count = 1;
        body->topics.count++;
    }
    exchange_send(&consumer->offsets, consumer->client, leader);
}

static void reset_take(struct consumer *consumer, const struct kafka_list_offsets_response *response)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        for (int32_t j = 0; j < response->topics.items[i].partitions.count; j++) {
            const struct kafka_list_offsets_response_partition *given = &response->topics.items[i].partitions.items[j];
            struct consumer_partition *partition =
                consumer_find_partition(consumer, response->topics.items[i].name, given->partition_index);

            if (partition == NULL || partition->state != POSITION_RESET)
                continue;
            if (given->error_code == 0) {
                consumer_set_position(partition, given->offset, given->leader_epoch);
            } else {
                partition->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
                metadata_refresh(&consumer->metadata);
            }
        }
    }
}

static void offsets_take(struct consumer *consumer)
{
    int16_t api = consumer->offsets.request.api;
    const void *response = exchange_take(&consumer->offsets);

    if (response == NULL && api == KAFKA_OFFSET_FETCH)
        consumer_group_lose_coordinator(consumer);
    else if (response == NULL)
        metadata_refresh(&consumer->metadata);
    else if (api == KAFKA_OFFSET_FETCH)
        committed_take(consumer, response);
    else
        reset_take(consumer, response);
}

static void positions_progress(struct consumer *consumer)
{
    int64_t now_ms = clock_monotonic_ms();

    if (exchange_is_done(&consumer->offsets))
        offsets_take(consumer);
    if (consumer->offsets.is_active)
        return;
    if (consumer->group.state == GROUP_STABLE && any_in_state(consumer, POSITION_UNKNOWN) && now_ms >= consumer->group.retry_at_ms) {
        consumer->group.retry_at_ms = now_ms + RETRY_MS;
        committed_ask(consumer);
        return;
    }
    for (size_t i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *partition = consumer->partitions[i];
        const struct metadata_partition *led = led_partition(consumer, partition);

        if (partition->state != POSITION_RESET || now_ms < partition->retry_at_ms)
            continue;
        if (led != NULL) {
            reset_ask(consumer, led->leader);
            return;
        }
        partition->retry_at_ms = now_ms + RETRY_MS;
        metadata_refresh(&consumer->metadata);
    }
}

/* ---- Commits ---- */

/* A position in the middle of what was read carries no epoch: Java's console consumer seeks back to it before it commits. */
static int32_t commit_epoch(const struct consumer *consumer, const struct consumer_partition *partition)
{
    return consumer_has_unread(consumer, partition) ? -1 : partition->position_epoch;
}

/* Fills the body with all positions; false when there are none. */
static bool commit_fill(struct consumer *consumer, struct arena *arena, struct kafka_offset_commit_request *body)
{
    struct consumer_group *group = &consumer->group;

    body->group_id = slice_from_string(group->id);
    body->generation_id_or_member_epoch = group->generation;
    body->member_id = arena_copy(arena, slice_from_string(group->member_id));
    body->group_instance_id = group->instance_id == NULL ? slice_null() : slice_from_string(group->instance_id);
    body->topics.items = arena_new_array(arena, consumer->partition_count + 1, sizeof(*body->topics.items));
    for (size_t i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *partition = consumer->partitions[i];
        struct kafka_offset_commit_request_topic *topic = &body->topics.items[body->topics.count];
        struct kafka_offset_commit_request_partition *item;

        if (partition->state != POSITION_KNOWN)
            continue;
        item = arena_new(arena, sizeof(*item));
        wire_init_defaults(&kafka_offset_commit_request_topic_message, topic);
        wire_init_defaults(&kafka_offset_commit_request_partition_message, item);
        item->partition_index = partition->partition;
        item->committed_offset = partition->position;
        item->committed_leader_epoch = commit_epoch(consumer, partition);
        item->committed_metadata = slice_from_string("");
        topic->name = partition->topic;
        topic->partitions.items = item;
        topic->partitions.count = 1;
        body->topics.count++;
    }
    return body->topics.count > 0;
}

static void commit_progress(struct consumer *consumer)
{
    struct kafka_offset_commit_request *body;
    int64_t now_ms = clock_monotonic_ms();

    if (exchange_is_done(&consumer->commit))
        (void)exchange_take(&consumer->commit);
    if (!consumer->auto_commit || consumer->group.state != GROUP_STABLE || consumer->commit.is_active || now_ms < consumer->commit_at_ms)
        return;
    consumer->commit_at_ms = now_ms + consumer->auto_commit_interval_ms;
    body = EXCHANGE_BEGIN(&consumer->commit, KAFKA_OFFSET_COMMIT, kafka_offset_commit);
    if (commit_fill(consumer, &consumer->commit.arena, body))
        exchange_send(&consumer->commit, consumer->client, consumer->group.coordinator);
}

void consumer_commit_now(struct consumer *consumer, int64_t timeout_ms)
{
    struct kafka_offset_commit_request request;
    struct kafka_offset_commit_response response;
    struct arena arena;

    arena_init(&arena, 4096);
    wire_init_defaults(&kafka_offset_commit_request_message, &request);
    if (commit_fill(consumer, &arena, &request))
        (void)client_call_within(consumer->client, consumer->group.coordinator, "offsetCommit", KAFKA_OFFSET_COMMIT, &request, &response,
                                 &arena, timeout_ms);
    arena_finish(&arena);
}

/* ---- Reading ---- */

static void consumer_step(struct consumer *consumer)
{
    consumer_group_progress(consumer);
    (void)metadata_progress(&consumer->metadata);
    if (consumer->metadata.invalid != NULL)
        consumer_fail(consumer, consumer->metadata.invalid);
    positions_progress(consumer);
    commit_progress(consumer);
    consumer_fetch_progress(consumer);
}

static bool is_woken(const struct consumer *consumer)
{
    struct pollfd wake = {.fd = consumer->wake, .events = POLLIN};

    return consumer->wake >= 0 && poll(&wake, 1, 0) > 0;
}

bool consumer_has_record(const struct consumer *consumer)
{
    return consumer->ready != NULL;
}

/* Heartbeats and the next requests must not wait until all that was read has been given. */
static void consumer_keep_up(struct consumer *consumer)
{
    int64_t now_ms;

    if (++consumer->given % RECORDS_PER_LOOK != 0)
        return;
    now_ms = clock_monotonic_ms();
    if (now_ms - consumer->stepped_ms < STEP_MAX_MS)
        return;
    consumer->stepped_ms = now_ms;
    client_poll(consumer->client, 0);
    consumer_step(consumer);
}

enum consumer_event consumer_next(struct consumer *consumer, int64_t timeout_ms, struct consumer_record *record,
                                  const struct failure **failure)
{
    int64_t began_ms = clock_monotonic_ms();

    for (;;) {
        int64_t passed_ms;

        consumer_keep_up(consumer);
        if (consumer_fetch_next(consumer, record))
            return CONSUMER_RECORD;
        consumer_step(consumer);
        consumer->stepped_ms = clock_monotonic_ms();
        if (consumer->failure != NULL) {
            *failure = consumer->failure;
            return CONSUMER_FAILED;
        }
        if (consumer->ready != NULL) {
            client_poll(consumer->client, 0); /* sends the next request before this answer is read */
            continue;
        }
        if (is_woken(consumer))
            return CONSUMER_WOKEN;
        passed_ms = clock_monotonic_ms() - began_ms;
        if (passed_ms >= timeout_ms)
            return CONSUMER_NOTHING;
        client_poll(consumer->client, timeout_ms - passed_ms < STEP_MAX_MS ? timeout_ms - passed_ms : STEP_MAX_MS);
    }
}
