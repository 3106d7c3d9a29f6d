/*
 * look.c: what the broker has seen of the members of groups, for those who look from other threads. The network thread copies what it
 * knows in one turn; who reads what is found out on the thread that asks.
 *
 * A fetch does not say for whom it is. It is a member's when it comes from the same host and client.id and reads a partition that the
 * member has. Two connections of one client that read the same partition, as of two groups, cannot be told apart: then only what the
 * member itself did counts.
 */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "broker/coordinator.h"
#include "os/clock.h"
#include "wire/kafka/messages_consumer_protocol.h"

struct seen {
    struct broker_member *member;
    const char *host, *client_id;
    struct slice assignment;
    int64_t acted_ms, heartbeat_ms; /* monotonic; 0: never */
};

struct look {
    struct post post;
    struct broker *broker;
    struct arena *arena;
    struct broker_member *members;
    struct seen *seen;
    size_t count;
    struct look_reader *readers;
    size_t reader_count;

    pthread_mutex_t lock; /* guards done; a leaf */
    pthread_cond_t wake;
    bool done;
};

/* ---- On the network thread ---- */

static const char *copy(struct arena *arena, struct slice text)
{
    return slice_is_null(text) ? NULL : arena_copy_string(arena, text);
}

static void group_copy(struct look *look, const struct group *group)
{
    for (size_t i = 0; i < group_member_count(group); i++) {
        const struct group_member *member = group_member_at(group, i);
        struct broker_member *out = &look->members[look->count];

        *out = (struct broker_member){.group = copy(look->arena, group_id(group)), .id = copy(look->arena, member->id), .software = copy(look->arena, member->software),
                                      .generation = group_generation(group)};
        look->seen[look->count++] = (struct seen){.member = out, .host = copy(look->arena, member->client_host), .client_id = copy(look->arena, member->client_id),
                                                  .assignment = slice_is_null(member->assignment) ? slice_null() : arena_copy(look->arena, member->assignment),
                                                  .acted_ms = member->acted_ms, .heartbeat_ms = member->heartbeat_ms};
    }
}

static void on_look(struct post *post)
{
    struct look *look = (struct look *)(void *)((uint8_t *)post - offsetof(struct look, post));
    const struct map *groups = coordinator_groups(look->broker->coordinator);
    const struct map_entry *entry;
    size_t at = 0, count = 0;

    while ((entry = map_next(groups, &at)) != NULL)
        count += group_member_count(((const struct coordinated *)entry->value)->group);
    look->members = arena_new_array(look->arena, count + 1, sizeof(*look->members));
    look->seen = arena_new_array(look->arena, count + 1, sizeof(*look->seen));
    for (at = 0; (entry = map_next(groups, &at)) != NULL;)
        group_copy(look, ((const struct coordinated *)entry->value)->group);
    look->readers = connections_readers(look->broker, look->arena, &look->reader_count);
    (void)pthread_mutex_lock(&look->lock);
    look->done = true;
    (void)pthread_cond_signal(&look->wake);
    (void)pthread_mutex_unlock(&look->lock);
}

/* ---- Who reads what ---- */

static int by_partition(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct look_reader *)a)->partition, y = (uintptr_t)((const struct look_reader *)b)->partition;

    return x < y ? -1 : x > y;
}

static bool same_client(const struct look_reader *reader, const char *host, const char *client_id)
{
    return host != NULL && client_id != NULL && strcmp(reader->host, host) == 0 && strcmp(reader->client_id, client_id) == 0;
}

static void readers_sort(struct look *look)
{
    qsort(look->readers, look->reader_count, sizeof(*look->readers), by_partition);
    for (size_t i = 0; i < look->reader_count; i++) {
        struct look_reader *one = &look->readers[i];

        for (size_t k = i + 1; k < look->reader_count && look->readers[k].partition == one->partition; k++) {
            if (same_client(&look->readers[k], one->host, one->client_id))
                one->shared = look->readers[k].shared = true;
        }
    }
}

/* When the client last fetched from this partition; 0: it did not, or it cannot be told. */
static int64_t fetched_ms(const struct look *look, const struct partition *partition, const struct seen *seen)
{
    size_t low = 0, high = look->reader_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if ((uintptr_t)look->readers[middle].partition < (uintptr_t)partition)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < look->reader_count && look->readers[low].partition == partition; low++) {
        if (same_client(&look->readers[low], seen->host, seen->client_id) && !look->readers[low].shared)
            return look->readers[low].fetched_ms;
    }
    return 0;
}

/* The member's newest fetch, monotonic; 0: none. */
static int64_t member_fetched_ms(struct look *look, const struct seen *seen)
{
    struct kafka_consumer_protocol_assignment assignment;
    int64_t newest = 0;
    int version;

    if (slice_is_null(seen->assignment) || seen->assignment.size == 0 || look->reader_count == 0 ||
        wire_decode_versioned_lenient(&kafka_consumer_protocol_assignment_message, seen->assignment, look->arena, &assignment, &version, NULL) != OK)
        return 0;
    for (int32_t i = 0; i < assignment.assigned_partitions.count; i++) {
        struct topic *topic = store_topic_find(look->broker->store, assignment.assigned_partitions.items[i].topic);

        for (int32_t k = 0; topic != NULL && k < assignment.assigned_partitions.items[i].partitions.count; k++) {
            const struct partition *partition = topic_partition(topic, assignment.assigned_partitions.items[i].partitions.items[k]);
            int64_t at_ms = partition == NULL ? 0 : fetched_ms(look, partition, seen);

            newest = at_ms > newest ? at_ms : newest;
        }
        if (topic != NULL)
            topic_release(topic);
    }
    return newest;
}

struct broker_member *broker_members(struct broker *broker, struct arena *arena, size_t *count)
{
    struct look look = {.post = {.run = on_look}, .broker = broker, .arena = arena};
    int64_t ahead_ms;

    (void)pthread_mutex_init(&look.lock, NULL);
    (void)pthread_cond_init(&look.wake, NULL);
    broker_post(broker, &look.post);
    (void)pthread_mutex_lock(&look.lock);
    while (!look.done)
        (void)pthread_cond_wait(&look.wake, &look.lock);
    (void)pthread_mutex_unlock(&look.lock);
    (void)pthread_cond_destroy(&look.wake);
    (void)pthread_mutex_destroy(&look.lock);
    readers_sort(&look);
    ahead_ms = clock_now_ms() - broker_now_ms(); /* of the wall clock over the monotonic one */
    for (size_t i = 0; i < look.count; i++) {
        struct seen *seen = &look.seen[i];
        int64_t at_ms = member_fetched_ms(&look, seen);

        at_ms = at_ms > seen->acted_ms ? at_ms : seen->acted_ms;
        seen->member->polled_ms = at_ms == 0 ? 0 : at_ms + ahead_ms;
        seen->member->heartbeat_ms = seen->heartbeat_ms == 0 ? 0 : seen->heartbeat_ms + ahead_ms;
    }
    *count = look.count;
    return look.members;
}
