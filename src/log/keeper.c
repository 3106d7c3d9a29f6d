#include "log/keeper.h"

#include "base/banned.h"
#include "base/memory.h"
#include "log/scan.h"

#include <pthread.h>

struct keeper {
    struct log *log;
    pthread_mutex_t lock; /* guards the rest, and orders the writes */
    const char *topic;
    int64_t next; /* offset up to which the topic has been read */
    json_t *values;
};

struct keeper *keeper_create(struct log *log, const char *topic)
{
    struct keeper *keeper = memory_new(sizeof(*keeper));

    keeper->log = log;
    keeper->topic = topic;
    (void)pthread_mutex_init(&keeper->lock, NULL);
    keeper->values = json_object();
    return keeper;
}

void keeper_destroy(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    json_decref(keeper->values);
    (void)pthread_mutex_destroy(&keeper->lock);
    memory_free(keeper);
}

static void apply(struct keeper *keeper, const struct record *record)
{
    char *key;
    json_t *value;

    if (slice_is_null(record->key))
        return;
    key = memory_copy_bytes(record->key.data, record->key.size);
    value = slice_is_null(record->value) ? NULL : json_loadb((const char *)record->value.data, record->value.size, JSON_DECODE_ANY, NULL);
    if (value == NULL)
        (void)json_object_del(keeper->values, key);
    else
        (void)json_object_set_new(keeper->values, key, value);
    memory_free(key);
}

/* Reads what is new in the topic; lock held. */
static void load(struct keeper *keeper)
{
    struct scan *scan;
    struct record record;
    struct record_batch batch;
    struct error error;
    int64_t start, end;

    if (log_topic_partitions(keeper->log, keeper->topic) == 0 || log_bounds(keeper->log, keeper->topic, 0, &start, &end, NULL) != OK)
        return;
    start = keeper->next > start ? keeper->next : start;
    if (start >= end)
        return;
    scan = scan_create(keeper->log);
    scan_seek(scan, keeper->topic, 0, start, end);
    while (scan_next(scan, &record, &batch, &error) == SCAN_RECORD)
        apply(keeper, &record);
    scan_destroy(scan);
    keeper->next = end;
}

uint64_t keeper_revision(struct keeper *keeper)
{
    uint64_t revision;

    (void)pthread_mutex_lock(&keeper->lock);
    load(keeper);
    revision = (uint64_t)keeper->next;
    (void)pthread_mutex_unlock(&keeper->lock);
    return revision;
}

json_t *keeper_get(struct keeper *keeper, const char *key)
{
    json_t *value;

    (void)pthread_mutex_lock(&keeper->lock);
    load(keeper);
    value = json_deep_copy(json_object_get(keeper->values, key));
    (void)pthread_mutex_unlock(&keeper->lock);
    return value;
}

json_t *keeper_all(struct keeper *keeper, const char *prefix)
{
    json_t *all = json_object(), *value;
    const char *key;

    (void)pthread_mutex_lock(&keeper->lock);
    load(keeper);
    json_object_foreach(keeper->values, key, value) {
        if (strncmp(key, prefix, strlen(prefix)) == 0)
            (void)json_object_set_new(all, key, json_deep_copy(value));
    }
    (void)pthread_mutex_unlock(&keeper->lock);
    return all;
}

static enum status topic_ensure(struct keeper *keeper, struct error *error)
{
    struct properties config = {0};
    struct log_topic_spec spec = {keeper->topic, 1, &config};
    enum status status;

    properties_set(&config, "cleanup.policy", "compact");
    status = log_topic_ensure(keeper->log, &spec, error);
    properties_finish(&config);
    return status;
}

enum status keeper_put(struct keeper *keeper, const char *key, json_t *value, struct error *error)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    struct log_record record = {.key = slice_from_string(key), .value = slice_from_string(text), .timestamp_ms = -1};
    int64_t offset;
    enum status status;

    (void)pthread_mutex_lock(&keeper->lock);
    load(keeper);
    status = topic_ensure(keeper, error);
    if (status == OK)
        status = log_write(keeper->log, keeper->topic, 0, &record, 1, &offset, error);
    if (status == OK && value != NULL)
        (void)json_object_set(keeper->values, key, value);
    else if (status == OK)
        (void)json_object_del(keeper->values, key);
    (void)pthread_mutex_unlock(&keeper->lock);
    free(text);
    json_decref(value);
    return status;
}
