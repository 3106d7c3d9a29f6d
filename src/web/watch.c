#include "web/watch.h"

#include "base/banned.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REBALANCES_KEPT 16
#define REBALANCES_OVER_MS 600000
#define DISK_EVERY_MS 10000 /* between two marks */
#define DISK_MARKS 60       /* ten minutes of them */
#define DISK_MARKS_LEAST 30 /* less says nothing */

struct mark {
    int64_t at_ms, free_bytes;
};

struct watch {
    pthread_mutex_t lock; /* guards the rest; a leaf */
    json_t *groups;       /* name to {"members": signature, "rebalances": [ms, …], "topic:partition": [committed, since_ms, waits]} */
    json_t *agents;       /* name to [evicted, dropped since the look before] */
    struct mark disk[DISK_MARKS];
    size_t disk_count;    /* ever */
};

struct watch *watch_create(void)
{
    struct watch *watch = memory_new(sizeof(*watch));

    (void)pthread_mutex_init(&watch->lock, NULL);
    watch->groups = json_object();
    watch->agents = json_object();
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (watch == NULL)
        return;
    json_decref(watch->groups);
    json_decref(watch->agents);
    (void)pthread_mutex_destroy(&watch->lock);
    memory_free(watch);
}

static int64_t integer(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value == NULL ? "" : value;
}

/* ---- Groups ---- */

static void partition_key(char key[400], const char *topic, int64_t partition)
{
    (void)snprintf(key, 400, "%s:%lld", topic, (long long)partition);
}

static void partition_look(const json_t *before, json_t *now, const json_t *partition, bool has_members, int64_t now_ms)
{
    int64_t committed = integer(partition, "committed"), since_ms = now_ms;
    bool waits = has_members && integer(partition, "waiting") > 0;
    const json_t *mark;
    char key[400];

    partition_key(key, text(partition, "topic"), integer(partition, "partition"));
    mark = json_object_get(before, key);
    if (mark != NULL && json_integer_value(json_array_get(mark, 0)) == committed && json_is_true(json_array_get(mark, 2)) && waits)
        since_ms = json_integer_value(json_array_get(mark, 1));
    (void)json_object_set_new(now, key, json_pack("[I, I, b]", (json_int_t)committed, (json_int_t)since_ms, (int)waits));
}

/* Who is in it and what each has, as one number; members come in any order. */
static json_int_t signature_of(const json_t *members)
{
    const json_t *member;
    uint64_t sum = 0;
    size_t index;

    json_array_foreach(members, index, member) {
        char *dumped = json_dumps(json_object_get(member, "partitions"), JSON_COMPACT | JSON_SORT_KEYS);
        uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

        for (const char *at = text(member, "member"); *at != '\0'; at++)
            hash = (hash ^ (uint8_t)*at) * 1099511628211ULL;
        for (const char *at = dumped == NULL ? "" : dumped; *at != '\0'; at++)
            hash = (hash ^ (uint8_t)*at) * 1099511628211ULL;
        free(dumped);
        sum += hash;
    }
    return (json_int_t)(sum >> 1);
}

static json_t *rebalances_look(const json_t *before, const json_t *group, json_int_t signature, int64_t now_ms)
{
    json_t *rebalances = json_array();
    const json_t *at;
    size_t index;

    json_array_foreach(json_object_get(before, "rebalances"), index, at) {
        if (now_ms - json_integer_value(at) < REBALANCES_OVER_MS)
            (void)json_array_append(rebalances, (json_t *)(uintptr_t)at);
    }
    /* A group that has just come, or whose last member has left, does not rebalance. */
    if (before != NULL && integer(before, "members") != signature && json_array_size(json_object_get(group, "members")) > 0 && integer(before, "members") != 0)
        (void)json_array_append_new(rebalances, json_integer(now_ms));
    while (json_array_size(rebalances) > REBALANCES_KEPT)
        (void)json_array_remove(rebalances, 0);
    return rebalances;
}

static json_t *group_look(const json_t *before, const json_t *group, int64_t now_ms)
{
    const json_t *members = json_object_get(group, "members"), *partition;
    json_int_t signature = signature_of(members);
    json_t *now = json_object();
    size_t index;

    (void)json_object_set_new(now, "rebalances", rebalances_look(before, group, signature, now_ms));
    (void)json_object_set_new(now, "members", json_integer(signature));
    json_array_foreach(json_object_get(group, "partitions"), index, partition)
        partition_look(before, now, partition, json_array_size(members) > 0, now_ms);
    return now;
}

static void groups_look(struct watch *watch, const json_t *groups, int64_t now_ms)
{
    json_t *now = json_object();
    const json_t *group;
    size_t index;

    json_array_foreach(groups, index, group) {
        const char *name = text(group, "group");

        (void)json_object_set_new(now, name, group_look(json_object_get(watch->groups, name), group, now_ms));
    }
    json_decref(watch->groups);
    watch->groups = now;
}

int64_t watch_stood_ms(struct watch *watch, const char *group, const char *topic, int32_t partition, int64_t now_ms)
{
    const json_t *mark;
    int64_t stood_ms = -1;
    char key[400];

    partition_key(key, topic, partition);
    (void)pthread_mutex_lock(&watch->lock);
    mark = json_object_get(json_object_get(watch->groups, group), key);
    if (mark != NULL && json_is_true(json_array_get(mark, 2)))
        stood_ms = now_ms - json_integer_value(json_array_get(mark, 1));
    (void)pthread_mutex_unlock(&watch->lock);
    return stood_ms;
}

int64_t watch_rebalances(struct watch *watch, const char *group, int64_t now_ms)
{
    const json_t *at;
    int64_t count = 0;
    size_t index;

    (void)pthread_mutex_lock(&watch->lock);
    json_array_foreach(json_object_get(json_object_get(watch->groups, group), "rebalances"), index, at)
        count += now_ms - json_integer_value(at) < REBALANCES_OVER_MS;
    (void)pthread_mutex_unlock(&watch->lock);
    return count;
}

/* ---- The disk ---- */

static void disk_look(struct watch *watch, int64_t free_bytes, int64_t now_ms)
{
    const struct mark *last = watch->disk_count == 0 ? NULL : &watch->disk[(watch->disk_count - 1) % DISK_MARKS];

    if (free_bytes >= 0 && (last == NULL || now_ms - last->at_ms >= DISK_EVERY_MS))
        watch->disk[watch->disk_count++ % DISK_MARKS] = (struct mark){now_ms, free_bytes};
}

int64_t watch_disk_left_ms(struct watch *watch)
{
    const struct mark *first, *last;
    int64_t left_ms = -1;

    (void)pthread_mutex_lock(&watch->lock);
    if (watch->disk_count >= DISK_MARKS_LEAST) {
        last = &watch->disk[(watch->disk_count - 1) % DISK_MARKS];
        first = &watch->disk[watch->disk_count < DISK_MARKS ? 0 : watch->disk_count % DISK_MARKS];
        if (first->free_bytes > last->free_bytes && last->at_ms > first->at_ms)
            left_ms = (int64_t)((double)last->free_bytes * (double)(last->at_ms - first->at_ms) / (double)(first->free_bytes - last->free_bytes));
    }
    (void)pthread_mutex_unlock(&watch->lock);
    return left_ms;
}

/* ---- Agents ---- */

static void agents_look(struct watch *watch, const json_t *agents)
{
    json_t *now = json_object();
    const json_t *agent, *before;
    size_t index;

    json_array_foreach(agents, index, agent) {
        const char *name = text(agent, "name");
        int64_t evicted = integer(agent, "evicted"), known;

        before = json_object_get(watch->agents, name);
        known = before == NULL ? evicted : json_integer_value(json_array_get(before, 0));
        (void)json_object_set_new(now, name, json_pack("[I, I]", (json_int_t)evicted, (json_int_t)(evicted > known ? evicted - known : 0)));
    }
    json_decref(watch->agents);
    watch->agents = now;
}

int64_t watch_evicted(struct watch *watch, const char *agent)
{
    int64_t evicted;

    (void)pthread_mutex_lock(&watch->lock);
    evicted = json_integer_value(json_array_get(json_object_get(watch->agents, agent), 1));
    (void)pthread_mutex_unlock(&watch->lock);
    return evicted;
}

void watch_look(struct watch *watch, const json_t *description, const json_t *groups, int64_t now_ms)
{
    const json_t *free_bytes = json_object_get(json_object_get(description, "store"), "free_bytes");

    (void)pthread_mutex_lock(&watch->lock);
    if (groups != NULL)
        groups_look(watch, groups, now_ms);
    disk_look(watch, json_is_integer(free_bytes) ? json_integer_value(free_bytes) : -1, now_ms);
    agents_look(watch, json_object_get(description, "agents"));
    (void)pthread_mutex_unlock(&watch->lock);
}
