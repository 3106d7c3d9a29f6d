#include "store/topic.h"

#include "base/banned.h"
#include "base/memory.h"
#include "store/internal.h"

#include <assert.h>

static void settings_update(struct topic *topic)
{
    struct topic_settings settings = settings_resolve(&topic->config, &topic->store->topic_defaults);

    (void)pthread_mutex_lock(&topic->lock);
    topic->settings = settings;
    (void)pthread_mutex_unlock(&topic->lock);
    atomic_store(&topic->compacted, topic->settings.compacted);
    atomic_store(&topic->append_time, topic->settings.append_time);
    atomic_store(&topic->batch_bytes_max, (int32_t)topic->settings.message_bytes_max);
}

struct topic *topic_new(struct store *store, const char *name, const struct uuid *id, bool internal, const struct properties *config)
{
    struct topic *topic = memory_new(sizeof(*topic));

    topic->store = store;
    topic->name = memory_copy_string(name);
    topic->id = *id;
    topic->internal = internal;
    atomic_init(&topic->references, 1);
    (void)pthread_mutex_init(&topic->lock, NULL);
    properties_copy(&topic->config, config);
    settings_update(topic);
    return topic;
}

static void topic_destroy(struct topic *topic)
{
    struct partition_array *array = atomic_load(&topic->partitions);

    for (int32_t i = 0; array != NULL && i < array->count; i++)
        partition_destroy(array->items[i]);
    while (array != NULL) {
        struct partition_array *older = array->older;
        memory_free(array);
        array = older;
    }
    properties_finish(&topic->config);
    (void)pthread_mutex_destroy(&topic->lock);
    memory_free(topic->name);
    memory_free(topic);
}

void topic_retain(struct topic *topic)
{
    (void)atomic_fetch_add_explicit(&topic->references, 1, memory_order_relaxed);
}

void topic_release(struct topic *topic)
{
    if (topic != NULL && atomic_fetch_sub_explicit(&topic->references, 1, memory_order_acq_rel) == 1)
        topic_destroy(topic);
}

void topic_add_partitions(struct topic *topic, struct partition *const *partitions, int32_t count)
{
    struct partition_array *before = atomic_load(&topic->partitions);
    int32_t had = before == NULL ? 0 : before->count;
    struct partition_array *array = memory_new(sizeof(*array) + (size_t)(had + count) * sizeof(struct partition *));

    array->older = before;
    array->count = had + count;
    if (had > 0)
        memcpy(array->items, before->items, (size_t)had * sizeof(struct partition *));
    memcpy(array->items + had, partitions, (size_t)count * sizeof(struct partition *));
    atomic_store_explicit(&topic->partitions, array, memory_order_release);
}

void topic_configure(struct topic *topic, const struct properties *config)
{
    struct properties copy;

    properties_copy(&copy, config);
    (void)pthread_mutex_lock(&topic->lock);
    properties_finish(&topic->config);
    topic->config = copy;
    (void)pthread_mutex_unlock(&topic->lock);
    settings_update(topic);
}

struct topic_settings topic_settings_copy(struct topic *topic)
{
    struct topic_settings settings;

    (void)pthread_mutex_lock(&topic->lock);
    settings = topic->settings;
    (void)pthread_mutex_unlock(&topic->lock);
    return settings;
}

/* ---- What store.h gives to all ---- */

const char *topic_name(const struct topic *topic)
{
    return topic->name;
}

const struct uuid *topic_id(const struct topic *topic)
{
    return &topic->id;
}

int32_t topic_partition_count(const struct topic *topic)
{
    const struct partition_array *array = atomic_load_explicit(&topic->partitions, memory_order_acquire);

    return array == NULL ? 0 : array->count;
}

struct partition *topic_partition(const struct topic *topic, int32_t index)
{
    const struct partition_array *array = atomic_load_explicit(&topic->partitions, memory_order_acquire);

    return array == NULL || index < 0 || index >= array->count ? NULL : array->items[index];
}

bool topic_is_deleted(const struct topic *topic)
{
    return atomic_load_explicit(&topic->deleted, memory_order_acquire);
}

bool topic_is_internal(const struct topic *topic)
{
    return topic->internal;
}

bool topic_is_compacted(const struct topic *topic)
{
    return atomic_load_explicit(&topic->compacted, memory_order_relaxed);
}

bool topic_uses_append_time(const struct topic *topic)
{
    return atomic_load_explicit(&topic->append_time, memory_order_relaxed);
}

int32_t topic_batch_bytes_max(const struct topic *topic)
{
    return atomic_load_explicit(&topic->batch_bytes_max, memory_order_relaxed);
}

void topic_config_copy(const struct topic *topic, struct properties *config)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&topic->lock;

    (void)pthread_mutex_lock(lock);
    properties_copy(config, &topic->config);
    (void)pthread_mutex_unlock(lock);
}

int64_t topic_config_number(const struct topic *topic, const char *key)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&topic->lock;
    int64_t value;

    (void)pthread_mutex_lock(lock);
    value = settings_number(&topic->config, &topic->store->topic_defaults, key);
    (void)pthread_mutex_unlock(lock);
    return value;
}
