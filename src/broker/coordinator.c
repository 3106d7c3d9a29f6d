#include "broker/coordinator_internal.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/memory.h"
#include "broker/broker_internal.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"
#include "wire/kafka/messages_group_log.h"
#include "wire/kafka/records.h"

#include <assert.h>

#define KEY_BYTES_MAX (32767 + 4)
#define BATCH_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define OFFSET_VALUE_VERSION 4 /* as 4.3 writes; version 3 when the topic has no id */

struct ready_wait {
    struct ready_wait *next;
    coordinator_ready *ready;
    void *context;
};

struct coordinator {
    struct broker *broker;
    struct group_owner owner;
    struct map groups;
    struct topic *topic; /* __consumer_offsets, held; NULL: not there yet */
    bool creating;
    struct ready_wait *waiting;
    struct record_builder builder;
    struct deadline expiry;
    struct post created_post;
    enum status created_status;
    size_t member_count;
};

/* One batch on its way into __consumer_offsets. */
struct write {
    struct append append;
    struct post post;
    struct coordinated *coordinated;
    struct write *next; /* of the group's */
    struct write *previous;
    uint8_t *bytes;
    uint64_t ticket;               /* of the group's store; 0: none */
    bool removes;                  /* the group */
    struct offset_change *changes; /* with memory of their own */
    size_t change_count;
    coordinator_written *written;
    void *context;
};

/* ---- Keys ---- */

static struct slice offset_key(uint8_t *bytes, struct slice topic, int32_t partition)
{
    assert(topic.size + 4 <= KEY_BYTES_MAX);
    if (topic.size > 0)
        memcpy(bytes, topic.data, topic.size);
    for (int i = 0; i < 4; i++) /* big-endian */
        bytes[topic.size + (size_t)i] = (uint8_t)((uint32_t)partition >> (24 - 8 * i));
    return slice_of(bytes, topic.size + 4);
}

void offset_key_split(struct slice key, struct slice *topic, int32_t *partition)
{
    const uint8_t *at = key.data + key.size - 4;

    *topic = slice_of(key.data, key.size - 4);
    *partition = (int32_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]);
}

/* Source: Kafka's Utils.abs(groupId.hashCode) % partitions. */
static int32_t partition_of_group(const struct coordinator *coordinator, struct slice group_id)
{
    int32_t hash = (int32_t)java_hash_code(group_id);

    return (hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash) % topic_partition_count(coordinator->topic);
}

static void committed_free(struct committed_offset *offset)
{
    if (offset != NULL)
        memory_free((void *)(uintptr_t)offset->metadata.data);
    memory_free(offset);
}

/* ---- Groups ---- */

static void on_group_due(struct deadline *deadline, int64_t now_ms)
{
    struct coordinated *coordinated = (struct coordinated *)(void *)((uint8_t *)deadline - offsetof(struct coordinated, tick));

    group_tick(coordinated->group, now_ms);
    coordinator_group_changed(coordinated);
}

static struct coordinated *coordinated_create(struct coordinator *coordinator, struct slice group_id)
{
    struct coordinated *coordinated = memory_new(sizeof(*coordinated));

    coordinated->coordinator = coordinator;
    coordinated->group = group_create(group_id, &coordinator->owner);
    coordinated->tick.due = on_group_due;
    map_init(&coordinated->offsets);
    return coordinated;
}

static void coordinated_destroy(struct coordinated *coordinated)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&coordinated->offsets, &at)) != NULL)
        committed_free(entry->value);
    map_finish(&coordinated->offsets);
    deadline_clear(&coordinated->coordinator->broker->deadlines, &coordinated->tick);
    group_destroy(coordinated->group);
    memory_free(coordinated);
}

void coordinator_forget(struct coordinated *coordinated)
{
    (void)map_remove(&coordinated->coordinator->groups, group_id(coordinated->group));
    coordinated_destroy(coordinated);
}

struct coordinated *coordinator_find(struct coordinator *coordinator, struct slice group_id)
{
    return map_get(&coordinator->groups, group_id);
}

struct coordinated *coordinator_add(struct coordinator *coordinator, struct slice group_id)
{
    struct coordinated *coordinated = coordinated_create(coordinator, group_id);

    (void)map_put(&coordinator->groups, group_id, coordinated);
    atomic_store_explicit(&coordinator->broker->counters.groups, (int64_t)coordinator->groups.count, memory_order_relaxed);
    return coordinated;
}

const struct map *coordinator_groups(const struct coordinator *coordinator)
{
    return &coordinator->groups;
}

void coordinator_group_changed(struct coordinated *coordinated)
{
    struct coordinator *coordinator = coordinated->coordinator;
    size_t members = group_member_count(coordinated->group);

    coordinator->member_count += members - coordinated->counted_members;
    coordinated->counted_members = members;
    atomic_store_explicit(&coordinator->broker->counters.members, (int64_t)coordinator->member_count, memory_order_relaxed);
    deadline_set(&coordinator->broker->deadlines, &coordinated->tick, group_next_tick(coordinated->group));
}

/* ---- Writing ---- */

void coordinated_offset_apply(struct coordinated *coordinated, const struct offset_change *change)
{
    uint8_t key_bytes[KEY_BYTES_MAX];
    struct slice key = offset_key(key_bytes, change->topic, change->partition);
    struct committed_offset *offset;

    if (change->remove) {
        committed_free(map_remove(&coordinated->offsets, key));
        return;
    }
    offset = memory_new(sizeof(*offset));
    *offset = change->value;
    offset->metadata = slice_of(memory_copy_bytes(change->value.metadata.data, change->value.metadata.size), change->value.metadata.size);
    committed_free(map_put(&coordinated->offsets, key, offset));
}

static void write_free(struct write *write)
{
    for (size_t i = 0; i < write->change_count; i++) {
        memory_free((void *)(uintptr_t)write->changes[i].topic.data);
        memory_free((void *)(uintptr_t)write->changes[i].value.metadata.data);
    }
    memory_free(write->changes);
    memory_free(write->bytes);
    memory_free(write);
}

static void write_unlink(struct write *write)
{
    if (write->next != NULL)
        write->next->previous = write->previous;
    if (write->previous != NULL)
        write->previous->next = write->next;
    else
        write->coordinated->writes = write->next;
}

/* Is the object of a group that was removed meanwhile still needed? */
static bool coordinated_is_removed(struct coordinated *coordinated)
{
    return coordinator_find(coordinated->coordinator, group_id(coordinated->group)) != coordinated;
}

static void write_finish(struct write *write, enum status status)
{
    struct coordinated *coordinated = write->coordinated;
    bool removed = coordinated_is_removed(coordinated);

    if (status != OK)
        LOG_ERROR("could not write to " OFFSETS_TOPIC ": %s group=%.*s", status_text(status), (int)group_id(coordinated->group).size,
                  (const char *)group_id(coordinated->group).data);
    for (size_t i = 0; status == OK && i < write->change_count && !removed; i++)
        coordinated_offset_apply(coordinated, &write->changes[i]);
    write_unlink(write);
    if (write->removes && status != OK && coordinator_find(coordinated->coordinator, group_id(coordinated->group)) == NULL) {
        (void)map_put(&coordinated->coordinator->groups, group_id(coordinated->group), coordinated); /* it is still in the log */
        coordinated->counted_members = 0;
        coordinator_group_changed(coordinated);
        removed = false;
    }
    if (write->ticket != 0 && !removed) {
        group_stored(coordinated->group, write->ticket, status, broker_now_ms());
        coordinator_group_changed(coordinated);
    }
    if (write->written != NULL)
        write->written(write->context, status);
    if (removed && coordinated->writes == NULL)
        coordinated_destroy(coordinated);
    write_free(write);
}

static void on_written(struct post *post)
{
    struct write *write = (struct write *)(void *)((uint8_t *)post - offsetof(struct write, post));

    write->coordinated->coordinator->broker->under_way--;
    write_finish(write, write->append.status);
}

/* Committer thread. */
static void on_append_done(struct append *append)
{
    struct write *write = append->context;

    broker_post(write->coordinated->coordinator->broker, &write->post);
}

static struct write *write_create(struct coordinated *coordinated, coordinator_written *written, void *context)
{
    struct write *write = memory_new(sizeof(*write));

    write->coordinated = coordinated;
    write->written = written;
    write->context = context;
    write->next = coordinated->writes;
    if (write->next != NULL)
        write->next->previous = write;
    coordinated->writes = write;
    record_builder_reset(&coordinated->coordinator->builder);
    return write;
}

/* Sends what is in the builder. */
static void write_send(struct write *write, bool fits)
{
    struct coordinator *coordinator = write->coordinated->coordinator;
    struct record_batch_spec spec = record_batch_spec_plain();
    struct slice batch;

    if (!fits || coordinator->topic == NULL) {
        /* Answer as if it came from the committer: nobody expects it from within. */
        write->append.status = coordinator->topic == NULL ? ERROR_COORDINATOR_NOT_AVAILABLE : ERROR_RECORD_LIST_TOO_LARGE;
        write->post.run = on_written;
        coordinator->broker->under_way++;
        broker_post(coordinator->broker, &write->post);
        return;
    }
    batch = record_builder_seal(&coordinator->builder, &spec, NULL);
    write->bytes = (uint8_t *)memory_copy_bytes(batch.data, batch.size);
    write->post.run = on_written;
    write->append = (struct append){
        .partition = topic_partition(coordinator->topic, partition_of_group(coordinator, group_id(write->coordinated->group))),
        .batches = slice_of(write->bytes, batch.size),
        .acks = -1,
        .done = on_append_done,
        .context = write,
    };
    coordinator->broker->under_way++;
    store_append(coordinator->broker->store, &write->append);
}

static bool group_record_append(struct coordinated *coordinated, bool remove)
{
    struct kafka_group_metadata_key key = {.group = group_id(coordinated->group)};
    struct buffer key_bytes = {.size_max = 65536};
    struct buffer value = {.size_max = BATCH_BYTES_MAX};
    bool fits;

    wire_encode_versioned(&kafka_group_metadata_key_message, GROUP_KEY_VERSION, &key, &key_bytes);
    if (!remove)
        group_record_write(coordinated->group, &value);
    fits = !key_bytes.failed && !value.failed &&
           record_builder_append(&coordinated->coordinator->builder, clock_now_ms(), buffer_slice(&key_bytes),
                                 remove ? slice_null() : buffer_slice(&value), NULL, 0);
    buffer_finish(&key_bytes);
    buffer_finish(&value);
    return fits;
}

static bool offset_record_append(struct coordinated *coordinated, const struct offset_change *change)
{
    struct kafka_offset_commit_key key = {group_id(coordinated->group), change->topic, change->partition};
    struct kafka_offset_commit_value value = {
        .offset = change->value.offset,
        .leader_epoch = change->value.leader_epoch,
        .metadata = slice_is_null(change->value.metadata) ? slice_of("", 0) : change->value.metadata,
        .commit_timestamp = change->value.committed_at_ms,
        .expire_timestamp = change->value.expires_at_ms,
        .topic_id = change->value.topic_id,
    };
    struct buffer key_bytes = {.size_max = 128 * 1024};
    struct buffer value_bytes = {.size_max = 128 * 1024};
    bool fits;

    wire_encode_versioned(&kafka_offset_commit_key_message, OFFSET_KEY_VERSION, &key, &key_bytes);
    if (!change->remove) /* version 1 is the only one with an expiry of its own */
        wire_encode_versioned(&kafka_offset_commit_value_message, change->value.expires_at_ms >= 0 ? 1 : OFFSET_VALUE_VERSION, &value,
                              &value_bytes);
    fits = !key_bytes.failed && !value_bytes.failed &&
           record_builder_append(&coordinated->coordinator->builder, clock_now_ms(), buffer_slice(&key_bytes),
                                 change->remove ? slice_null() : buffer_slice(&value_bytes), NULL, 0);
    buffer_finish(&key_bytes);
    buffer_finish(&value_bytes);
    return fits;
}

static void on_store(void *context, struct group *group, uint64_t ticket)
{
    struct coordinator *coordinator = context;
    struct coordinated *coordinated = coordinator_find(coordinator, group_id(group));
    struct write *write = write_create(coordinated, NULL, NULL);

    write->ticket = ticket;
    write_send(write, group_record_append(coordinated, false));
}

void coordinator_group_write(struct coordinated *coordinated)
{
    struct write *write = write_create(coordinated, NULL, NULL);

    write_send(write, group_record_append(coordinated, false));
}

static void changes_keep(struct write *write, const struct offset_change *changes, size_t count)
{
    write->changes = memory_new_array(count, sizeof(*write->changes));
    write->change_count = count;
    for (size_t i = 0; i < count; i++) {
        struct offset_change *kept = &write->changes[i];

        *kept = changes[i];
        kept->topic = slice_of(memory_copy_bytes(changes[i].topic.data, changes[i].topic.size), changes[i].topic.size);
        kept->value.metadata =
            slice_of(memory_copy_bytes(changes[i].value.metadata.data, changes[i].value.metadata.size), changes[i].value.metadata.size);
    }
}

void coordinator_offsets_write(struct coordinated *coordinated, const struct offset_change *changes, size_t count,
                               coordinator_written *written, void *context)
{
    struct write *write = write_create(coordinated, written, context);
    bool fits = true;

    for (size_t i = 0; i < count && fits; i++)
        fits = offset_record_append(coordinated, &changes[i]);
    changes_keep(write, changes, count);
    write_send(write, fits);
}

void coordinator_group_remove(struct coordinated *coordinated, coordinator_written *written, void *context)
{
    struct coordinator *coordinator = coordinated->coordinator;
    struct write *write = write_create(coordinated, written, context);
    const struct map_entry *entry;
    size_t at = 0;
    bool fits = true;

    write->removes = true;
    while (fits && (entry = map_next(&coordinated->offsets, &at)) != NULL) {
        struct offset_change change = {.remove = true};

        offset_key_split(entry->key, &change.topic, &change.partition);
        fits = offset_record_append(coordinated, &change);
    }
    /* What is still on its way into the log stands before this, and is not in the map yet. */
    for (const struct write *other = write->next; other != NULL && fits; other = other->next) {
        for (size_t i = 0; i < other->change_count && fits; i++) {
            struct offset_change change = {.topic = other->changes[i].topic, .partition = other->changes[i].partition, .remove = true};

            fits = offset_record_append(coordinated, &change);
        }
    }
    fits = fits && group_record_append(coordinated, true);
    deadline_clear(&coordinator->broker->deadlines, &coordinated->tick);
    (void)map_remove(&coordinator->groups, group_id(coordinated->group));
    coordinator->member_count -= coordinated->counted_members;
    atomic_store_explicit(&coordinator->broker->counters.groups, (int64_t)coordinator->groups.count, memory_order_relaxed);
    write_send(write, fits);
}

const struct committed_offset *coordinated_offset(const struct coordinated *coordinated, struct slice topic, int32_t partition)
{
    uint8_t key_bytes[KEY_BYTES_MAX];

    return map_get(&coordinated->offsets, offset_key(key_bytes, topic, partition));
}

/* ---- Expiry ---- */

static bool offset_is_expired(const struct coordinated *coordinated, struct slice topic, const struct committed_offset *offset,
                              int64_t now_ms)
{
    const struct group *group = coordinated->group;
    int64_t retention_ms = coordinated->coordinator->broker->numbers.offsets_retention_ms;
    bool simple = group_protocol_type(group).size == 0;
    int64_t since_ms = offset->committed_at_ms;

    if (offset->expires_at_ms >= 0)
        return now_ms >= offset->expires_at_ms;
    if (group_state_of(group) == GROUP_EMPTY) {
        if (!simple && group_state_since_ms(group) > since_ms)
            since_ms = group_state_since_ms(group);
    } else if (group_state_of(group) != GROUP_STABLE || !slice_equal_string(group_protocol_type(group), "consumer") ||
               group_is_subscribed(group, topic)) {
        return false;
    }
    return now_ms - since_ms >= retention_ms;
}

/* Collects offsets that fit; the slices are borrowed from the map. */
static struct offset_change *offsets_collect(struct coordinated *coordinated, struct slice topic, int64_t now_ms, size_t *count)
{
    struct offset_change *changes = memory_new_array(coordinated->offsets.count, sizeof(*changes));
    const struct map_entry *entry;
    size_t at = 0;

    *count = 0;
    while ((entry = map_next(&coordinated->offsets, &at)) != NULL) {
        struct offset_change change = {.remove = true};

        offset_key_split(entry->key, &change.topic, &change.partition);
        if (slice_is_null(topic) ? offset_is_expired(coordinated, change.topic, entry->value, now_ms) : slice_equal(change.topic, topic))
            changes[(*count)++] = change;
    }
    return changes;
}

static void group_expire(struct coordinated *coordinated, int64_t now_ms)
{
    size_t count;
    struct offset_change *changes = offsets_collect(coordinated, slice_null(), now_ms, &count);

    if (group_state_of(coordinated->group) == GROUP_EMPTY && count == coordinated->offsets.count && coordinated->writes == NULL)
        coordinator_group_remove(coordinated, NULL, NULL);
    else if (count > 0)
        coordinator_offsets_write(coordinated, changes, count, NULL, NULL);
    memory_free(changes);
}

/* The groups as they are now: the map changes while they are gone through. */
static struct coordinated **groups_list(const struct coordinator *coordinator, size_t *count)
{
    struct coordinated **list = memory_new_array(coordinator->groups.count, sizeof(struct coordinated *));
    const struct map_entry *entry;
    size_t at = 0;

    *count = 0;
    while ((entry = map_next(&coordinator->groups, &at)) != NULL)
        list[(*count)++] = entry->value;
    return list;
}

static void on_expiry_due(struct deadline *deadline, int64_t now_ms)
{
    struct coordinator *coordinator = (struct coordinator *)(void *)((uint8_t *)deadline - offsetof(struct coordinator, expiry));
    size_t count;
    struct coordinated **list = groups_list(coordinator, &count);

    for (size_t i = 0; i < count && coordinator->topic != NULL; i++)
        group_expire(list[i], clock_now_ms());
    memory_free(list);
    deadline_set(&coordinator->broker->deadlines, deadline, now_ms + coordinator->broker->numbers.offsets_check_interval_ms);
}

void coordinator_topic_deleted(struct coordinator *coordinator, struct slice topic)
{
    size_t group_count;
    struct coordinated **list = groups_list(coordinator, &group_count);

    for (size_t i = 0; i < group_count && coordinator->topic != NULL; i++) {
        size_t count;
        struct offset_change *changes = offsets_collect(list[i], topic, 0, &count);

        if (count > 0)
            coordinator_offsets_write(list[i], changes, count, NULL, NULL);
        memory_free(changes);
    }
    memory_free(list);
}

/* ---- The topic ---- */

void coordinator_offsets_spec(struct broker *broker, struct topic_spec *spec, struct properties *config)
{
    char *segment_bytes = memory_format("%lld", (long long)broker->numbers.offsets_segment_bytes);

    properties_init(config);
    properties_set(config, "compression.type", "producer");
    properties_set(config, "cleanup.policy", "compact");
    properties_set(config, "segment.bytes", segment_bytes);
    memory_free(segment_bytes);
    *spec =
        (struct topic_spec){.name = OFFSETS_TOPIC, .partitions = broker->numbers.offsets_partitions, .config = config, .internal = true};
}

static bool topic_look(struct coordinator *coordinator)
{
    if (coordinator->topic != NULL && topic_is_deleted(coordinator->topic)) {
        topic_release(coordinator->topic);
        coordinator->topic = NULL;
    }
    if (coordinator->topic == NULL)
        coordinator->topic = store_topic_find(coordinator->broker->store, slice_from_string(OFFSETS_TOPIC));
    return coordinator->topic != NULL;
}

bool coordinator_is_ready(struct coordinator *coordinator)
{
    return topic_look(coordinator);
}

static void on_created(struct post *post)
{
    struct coordinator *coordinator = (struct coordinator *)(void *)((uint8_t *)post - offsetof(struct coordinator, created_post));
    bool there = topic_look(coordinator);
    struct ready_wait *waiting = coordinator->waiting;

    coordinator->broker->under_way--;
    coordinator->creating = false;
    coordinator->waiting = NULL;
    if (!there)
        LOG_ERROR("could not create " OFFSETS_TOPIC ": %s; consumer groups cannot work", status_text(coordinator->created_status));
    while (waiting != NULL) {
        struct ready_wait *wait = waiting;

        waiting = wait->next;
        wait->ready(wait->context, there                               ? OK
                                   : coordinator->created_status == OK ? ERROR_COORDINATOR_NOT_AVAILABLE
                                                                       : coordinator->created_status);
        memory_free(wait);
    }
}

/* Committer thread. */
static void on_create_done(void *context, enum status status, const char *message)
{
    struct coordinator *coordinator = context;

    (void)message;
    coordinator->created_status = status;
    broker_post(coordinator->broker, &coordinator->created_post);
}

void coordinator_make_ready(struct coordinator *coordinator, coordinator_ready *ready, void *context)
{
    struct topic_spec spec;
    struct properties config;
    struct ready_wait *wait;

    if (topic_look(coordinator)) {
        ready(context, OK);
        return;
    }
    wait = memory_new(sizeof(*wait));
    *wait = (struct ready_wait){coordinator->waiting, ready, context};
    coordinator->waiting = wait;
    if (coordinator->creating)
        return;
    coordinator->creating = true;
    coordinator->broker->under_way++;
    coordinator_offsets_spec(coordinator->broker, &spec, &config);
    store_topic_create(coordinator->broker->store, &spec, on_create_done, coordinator);
    properties_finish(&config);
}

/* ---- Life ---- */

static int64_t wall_ms(void *context)
{
    (void)context;
    return clock_now_ms();
}

static struct uuid new_uuid(void *context)
{
    (void)context;
    return random_uuid();
}

enum status coordinator_create(struct broker *broker, struct coordinator **created, struct error *error)
{
    struct coordinator *coordinator = memory_new(sizeof(*coordinator));

    coordinator->broker = broker;
    coordinator->owner = (struct group_owner){
        .joined = group_joined,
        .synced = group_synced,
        .store = on_store,
        .wall_ms = wall_ms,
        .new_uuid = new_uuid,
        .context = coordinator,
        .initial_rebalance_delay_ms = broker->numbers.group_rebalance_delay_ms,
        .members_max = broker->numbers.group_members_max,
    };
    coordinator->created_post.run = on_created;
    coordinator->expiry.due = on_expiry_due;
    map_init(&coordinator->groups);
    record_builder_init(&coordinator->builder, BATCH_BYTES_MAX);
    deadline_set(&broker->deadlines, &coordinator->expiry, broker_now_ms() + broker->numbers.offsets_check_interval_ms);
    *created = coordinator;
    return topic_look(coordinator) ? coordinator_load(coordinator, coordinator->topic, error) : OK;
}

void coordinator_destroy(struct coordinator *coordinator)
{
    size_t count;
    struct coordinated **list;

    if (coordinator == NULL)
        return;
    list = groups_list(coordinator, &count);
    for (size_t i = 0; i < count; i++) {
        group_abandon(list[i]->group, ERROR_COORDINATOR_NOT_AVAILABLE);
        coordinated_destroy(list[i]);
    }
    memory_free(list);
    map_finish(&coordinator->groups);
    deadline_clear(&coordinator->broker->deadlines, &coordinator->expiry);
    record_builder_finish(&coordinator->builder);
    if (coordinator->topic != NULL)
        topic_release(coordinator->topic);
    memory_free(coordinator);
}
