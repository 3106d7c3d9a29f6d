#include "connect/herder_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "connect/configdef.h"
#include "connect/json_in.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/kafka/records.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "connect"

enum { RESTART_WAIT_MS = 10000, DELETE_WAIT_MS = 10000 };

/* ---- Connectors ---- */

const char *target_state_name(enum target_state target)
{
    return target == TARGET_STARTED ? "STARTED" : target == TARGET_PAUSED ? "PAUSED" : "STOPPED";
}

struct connector *connector_find(struct herder *herder, const char *name)
{
    return map_get_string(&herder->connectors, name);
}

enum status connector_missing(const char *name, struct error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "Connector %s not found", name);
}

static void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static struct connector *connector_create(struct herder *herder, const char *name)
{
    struct connector *connector = memory_new(sizeof(*connector));

    connector->herder = herder;
    connector->name = memory_copy_string(name);
    properties_init(&connector->config);
    properties_init(&connector->task_config);
    condition_init(&connector->wake);
    return connector;
}

/* Takes the configuration over; lock held. */
static void connector_config_set(struct connector *connector, const struct properties *config)
{
    properties_finish(&connector->config);
    properties_copy(&connector->config, config);
    connector->config_revision++;
    connector->warnings = 0;
    for (size_t i = 0; i < config->count; i++)
        connector->warnings += !config_property_is_known(config, config->items[i].key);
}

/* One line for all settings that nobody knows. Lock not needed. */
static void unknown_settings_log(const char *name, const struct properties *config)
{
    struct buffer list;

    buffer_init(&list, 4096);
    for (size_t i = 0; i < config->count; i++) {
        const char *key = config->items[i].key;
        const char *nearest = config_property_nearest(key);

        if (config_property_is_known(config, key))
            continue;
        buffer_append_format(&list, "%s%.100s", list.size > 0 ? ", " : "", key);
        if (nearest != NULL)
            buffer_append_format(&list, " (did you mean %s?)", nearest);
    }
    if (list.size > 0)
        LOG_WARNING("settings without effect connector=%s: %.*s", name, (int)list.size, (const char *)list.data);
    buffer_finish(&list);
}

/* Joins the workers of deleted connectors that are done; lock held, let go of in between. */
static void leaving_reap(struct herder *herder)
{
    struct connector **at = &herder->leaving;

    while (*at != NULL && !herder->stopping) { /* herder_stop joins them itself */
        struct connector *connector = *at;

        if (!connector->ended) {
            at = &connector->next_leaving;
            continue;
        }
        *at = connector->next_leaving;
        pthread_mutex_unlock(&herder->lock);
        thread_join(connector->thread);
        connector_free(connector);
        pthread_mutex_lock(&herder->lock);
        at = &herder->leaving; /* the list may have changed */
    }
}

bool connector_wait(struct herder *herder, const char *name, bool (*done)(const struct connector *connector, uint64_t wanted),
                    uint64_t wanted, int64_t timeout_ms)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    struct timespec when = {.tv_sec = (time_t)(until_ms / MS_PER_SECOND), .tv_nsec = (long)(until_ms % MS_PER_SECOND * NS_PER_MS)};

    for (;;) {
        struct connector *connector = connector_find(herder, name);

        if (connector == NULL)
            return false;
        if (done(connector, wanted))
            return true;
        if (herder->stopping || pthread_cond_timedwait(&herder->changed, &herder->lock, &when) != 0)
            return false;
    }
}

static void wake(struct connector *connector)
{
    pthread_cond_signal(&connector->wake);
}

/* ---- Reading what is stored ---- */

struct replay {
    struct herder *herder;
    struct arena arena;
};

/* What follows `prefix`, as a C string in the arena; NULL when the key begins otherwise. */
static const char *behind(struct replay *replay, struct slice key, const char *prefix)
{
    size_t length = strlen(prefix);

    if (key.size < length || memcmp(key.data, prefix, length) != 0)
        return NULL;
    return arena_copy_string(&replay->arena, slice_from(key, length));
}

static void map_read(const struct json *object, struct properties *map)
{
    for (const struct json *member = object == NULL ? NULL : object->first; member != NULL; member = member->next) {
        if (member->kind <= NODE_STRING)
            properties_set(map, (const char *)member->name.data,
                           member->kind == NODE_NULL    ? NULL
                           : member->kind == NODE_TRUE  ? "true"
                           : member->kind == NODE_FALSE ? "false"
                                                        : (const char *)member->text.data);
    }
}

/* The connector of that name, made when it is new. */
static struct connector *replayed(struct replay *replay, const char *name)
{
    struct connector *connector = connector_find(replay->herder, name);

    if (connector == NULL) {
        connector = connector_create(replay->herder, name);
        (void)map_put_string(&replay->herder->connectors, name, connector);
    }
    return connector;
}

static const struct json *value_of(struct replay *replay, struct slice value)
{
    struct json_document document;

    if (value.data == NULL)
        return NULL;
    json_read(&replay->arena, value, &document);
    return document.broken ? NULL : document.root;
}

/* Whose change a record is; NULL when it does not say. */
static char *by_of(struct record record)
{
    struct record_header header;

    while (record_next_header(&record, &header)) {
        if (slice_equal_string(header.key, RECORD_BY_HEADER) && header.value.size > 0)
            return memory_copy_bytes(header.value.data, header.value.size);
    }
    return NULL;
}

static void target_replay(struct connector *connector, const struct json *json, const struct record *record)
{
    const struct json *state = json_member(json, "state.v2");

    if (state == NULL)
        state = json_member(json, "state");
    connector->target = state == NULL || slice_equal_string(state->text, "STARTED") ? TARGET_STARTED
                        : slice_equal_string(state->text, "PAUSED")                 ? TARGET_PAUSED
                                                                                    : TARGET_STOPPED;
    memory_free(connector->target_by);
    connector->target_by = by_of(*record);
    connector->target_since_ms = record->timestamp_ms;
}

static void config_replay(void *context, const struct record *record)
{
    struct replay *replay = context;
    struct slice key = record->key;
    const struct json *json = value_of(replay, record->value);
    const char *name;

    if ((name = behind(replay, key, "connector-")) != NULL) {
        struct connector *connector = replayed(replay, name);

        properties_finish(&connector->config);
        properties_init(&connector->config);
        connector->config_revision = json == NULL ? 0 : 1;
        map_read(json_member(json, "properties"), &connector->config);
    } else if ((name = behind(replay, key, "target-state-")) != NULL) {
        target_replay(replayed(replay, name), json, record);
    } else if ((name = behind(replay, key, "task-")) != NULL && strlen(name) > 2 && strcmp(name + strlen(name) - 2, "-0") == 0) {
        struct connector *connector = replayed(replay, arena_copy_string(&replay->arena, slice_of(name, strlen(name) - 2)));

        properties_finish(&connector->task_config);
        properties_init(&connector->task_config);
        map_read(json_member(json, "properties"), &connector->task_config);
    } else if ((name = behind(replay, key, "commit-")) != NULL) {
        const struct json *tasks = json_member(json, "tasks");

        replayed(replay, name)->has_task = tasks != NULL && tasks->kind == NODE_INTEGER && !slice_equal_string(tasks->text, "0");
    }
    arena_reset(&replay->arena);
}

static void offset_replay(void *context, const struct record *record)
{
    struct replay *replay = context;
    struct slice name, partition;

    if (offset_key_read(&replay->arena, record->key, &name, &partition))
        connector_offset_note(replayed(replay, arena_copy_string(&replay->arena, name)), partition, record->value);
    arena_reset(&replay->arena);
}

/* Only the active topics: what a connector's state was says nothing about what it is now. */
static void status_replay(void *context, const struct record *record)
{
    struct replay *replay = context;
    const char *name = behind(replay, record->key, "status-topic-");
    char *separator = name == NULL ? NULL : strstr(name, ":connector-"); /* a topic's name has no colon */
    const struct json *json = value_of(replay, record->value);
    const struct json *discovered = json_member(json_member(json, "topic"), "discoverTimestamp");
    int64_t discovered_ms = -1;

    if (separator != NULL) {
        struct connector *connector = replayed(replay, separator + strlen(":connector-"));
        struct active_topic **at = &connector->topics;

        *separator = '\0';
        while (*at != NULL && strcmp((*at)->name, name) != 0)
            at = &(*at)->next;
        if (*at == NULL) {
            *at = memory_new(sizeof(**at));
            (*at)->name = memory_copy_string(name);
        }
        if (discovered != NULL)
            (void)text_parse_int64(discovered->text, &discovered_ms);
        (*at)->discovered_ms = discovered_ms;
        (*at)->saved = true;
    }
    arena_reset(&replay->arena);
}

/* Connectors without a configuration are deleted ones, or offsets of them, which matter when one comes back: see create. */
static void forget_deleted(struct herder *herder, struct map *kept)
{
    size_t at = 0;
    const struct map_entry *entry;

    map_init(kept);
    while ((entry = map_next(&herder->connectors, &at)) != NULL) {
        struct connector *connector = entry->value;

        if (connector->config_revision > 0)
            (void)map_put(kept, entry->key, connector);
        else
            connector_free(connector);
    }
}

static enum status replay_all(struct herder *herder, struct error *error)
{
    struct replay replay = {.herder = herder};
    struct map kept;
    enum status status;

    arena_init(&replay.arena, 65536);
    status = records_read(&herder->records, herder->records.configs_topic, config_replay, &replay, error);
    if (status == OK)
        status = records_read(&herder->records, herder->records.offsets_topic, offset_replay, &replay, error);
    if (status == OK)
        status = records_read(&herder->records, herder->records.statuses_topic, status_replay, &replay, error);
    arena_finish(&replay.arena);
    forget_deleted(herder, &kept);
    map_finish(&herder->connectors);
    herder->connectors = kept;
    return status;
}

/* ---- Life ---- */

static enum status workers_start(struct herder *herder, struct error *error)
{
    size_t at = 0;
    const struct map_entry *entry;
    enum status status = OK;

    while (status == OK && (entry = map_next(&herder->connectors, &at)) != NULL) {
        struct connector *connector = entry->value;

        if (connector->target == TARGET_STOPPED)
            connector->has_task = false;
        run_status_set(&connector->status, STATE_UNASSIGNED, NULL, 0, false);
        if (connector->has_task)
            run_status_set(&connector->task_status, STATE_UNASSIGNED, NULL, 0, false);
        for (size_t i = 0; i < connector->config.count; i++)
            connector->warnings += !config_property_is_known(&connector->config, connector->config.items[i].key);
        status = worker_start(connector, error);
    }
    return status;
}

enum status herder_start(const struct herder_settings *settings, struct herder **started, struct error *error)
{
    struct herder *herder = memory_new(sizeof(*herder));
    const char *mask = properties_get(settings->values, "connect.mask.passwords");
    const char *interval = properties_get(settings->values, "offset.flush.interval.ms");
    enum status status;

    properties_copy(&herder->values, settings->values);
    herder->has_aliases = settings->aliases != NULL;
    if (herder->has_aliases)
        properties_copy(&herder->aliases, settings->aliases);
    herder->log = settings->log;
    herder->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    herder->flush_interval_ms = 10000;
    herder->generation = 1;
    if (interval != NULL)
        (void)text_parse_int64(slice_from_string(interval), &herder->flush_interval_ms);
    if (mask != NULL)
        (void)text_parse_bool(slice_from_string(mask), &herder->mask_passwords);
    records_init(&herder->records, settings->log, settings->values, settings->worker_id);
    (void)pthread_mutex_init(&herder->change, NULL);
    (void)pthread_mutex_init(&herder->lock, NULL);
    condition_init(&herder->changed);
    map_init(&herder->connectors);
    status = replay_all(herder, error);
    if (status == OK)
        status = workers_start(herder, error);
    if (status == OK) {
        *started = herder;
    } else {
        error_context(error, "start connect");
        herder_stop(herder);
        herder_destroy(herder);
    }
    return status;
}

void herder_stop_begin(struct herder *herder)
{
    uint64_t one = 1;
    size_t at = 0;
    const struct map_entry *entry;

    pthread_mutex_lock(&herder->lock);
    herder->stopping = true;
    (void)!write(herder->stop_fd, &one, sizeof(one));
    while ((entry = map_next(&herder->connectors, &at)) != NULL)
        wake(entry->value);
    for (struct connector *connector = herder->leaving; connector != NULL; connector = connector->next_leaving)
        wake(connector);
    pthread_cond_broadcast(&herder->changed);
    pthread_mutex_unlock(&herder->lock);
}

/* A change that is under way may add a connector or move one to those that leave, hence `change`. */
void herder_stop(struct herder *herder)
{
    size_t at = 0;
    const struct map_entry *entry;

    if (herder == NULL)
        return;
    herder_stop_begin(herder);
    pthread_mutex_lock(&herder->change);
    while ((entry = map_next(&herder->connectors, &at)) != NULL) {
        struct connector *connector = entry->value;

        thread_join(connector->thread);
        connector->thread = NULL;
    }
    for (struct connector *connector = herder->leaving; connector != NULL; connector = connector->next_leaving) {
        thread_join(connector->thread);
        connector->thread = NULL;
    }
    pthread_mutex_unlock(&herder->change);
}

void herder_destroy(struct herder *herder)
{
    size_t at = 0;
    const struct map_entry *entry;

    if (herder == NULL)
        return;
    while ((entry = map_next(&herder->connectors, &at)) != NULL)
        connector_free(entry->value);
    while (herder->leaving != NULL) {
        struct connector *connector = herder->leaving;

        herder->leaving = connector->next_leaving;
        connector_free(connector);
    }
    map_finish(&herder->connectors);
    records_finish(&herder->records);
    properties_finish(&herder->values);
    if (herder->has_aliases)
        properties_finish(&herder->aliases);
    if (herder->stop_fd >= 0)
        (void)close(herder->stop_fd);
    pthread_cond_destroy(&herder->changed);
    pthread_mutex_destroy(&herder->lock);
    pthread_mutex_destroy(&herder->change);
    memory_free(herder);
}

int herder_stop_fd(const struct herder *herder)
{
    return herder->stop_fd;
}

const struct properties *herder_settings_values(const struct herder *herder)
{
    return &herder->values;
}

const struct properties *herder_aliases(const struct herder *herder)
{
    return herder->has_aliases ? &herder->aliases : NULL;
}

/* ---- Changing ---- */

/* What connect-offsets has of a connector that was deleted before: Connect keeps it, so a new one goes on there. */
static void offset_recall(void *context, const struct record *record)
{
    struct connector *connector = context;
    struct slice name, partition;
    struct arena arena;

    arena_init(&arena, 4096);
    if (offset_key_read(&arena, record->key, &name, &partition) && slice_equal_string(name, connector->name))
        connector_offset_note(connector, partition, record->value);
    arena_finish(&arena);
}

static enum status connector_add(struct herder *herder, const struct herder_put *put, struct error *error)
{
    struct connector *connector = connector_create(herder, put->name);
    enum status status = records_read(&herder->records, herder->records.offsets_topic, offset_recall, connector, error);

    pthread_mutex_lock(&herder->lock);
    leaving_reap(herder);
    connector->target = put->has_target ? put->target : TARGET_STARTED;
    connector->target_since_ms = clock_now_ms();
    run_status_set(&connector->status, STATE_UNASSIGNED, NULL, 0, false);
    connector_config_set(connector, put->config);
    if (status == OK)
        status = worker_start(connector, error);
    if (status == OK)
        (void)map_put_string(&herder->connectors, put->name, connector);
    else
        connector_free(connector);
    pthread_mutex_unlock(&herder->lock);
    return status;
}

enum status herder_put(struct herder *herder, struct herder_put *put, struct error *error)
{
    struct record_change change;
    struct connector *connector;
    enum status status = OK;

    pthread_mutex_lock(&herder->change);
    if (herder->stopping) {
        pthread_mutex_unlock(&herder->change);
        return error_set(error, ERROR_CLOSED, "The worker is shutting down");
    }
    put->created = !herder_has(herder, put->name);
    if (!put->created && put->only_create) {
        pthread_mutex_unlock(&herder->change);
        return error_set(error, ERROR_CONFLICT, "Connector %s already exists", put->name);
    }
    record_change_init(&change);
    if (put->created && put->has_target)
        record_change_target(&change, put->name, target_state_name(put->target));
    record_change_connector(&change, put->name, put->config);
    status = records_write_change(&herder->records, &change, error);
    record_change_finish(&change);
    if (status == OK && put->created) {
        status = connector_add(herder, put, error);
    } else if (status == OK) {
        pthread_mutex_lock(&herder->lock);
        connector = connector_find(herder, put->name);
        connector_config_set(connector, put->config);
        wake(connector);
        pthread_mutex_unlock(&herder->lock);
    }
    pthread_mutex_unlock(&herder->change);
    if (status == OK) {
        LOG_INFO("%s connector=%s", put->created ? "connector is created" : "configuration is changed", put->name);
        unknown_settings_log(put->name, put->config);
    }
    return status;
}

static bool is_gone(const struct herder *herder, const struct connector *connector)
{
    for (const struct connector *at = herder->leaving; at != NULL; at = at->next_leaving) {
        if (at == connector)
            return at->ended;
    }
    return true;
}

enum status herder_delete(struct herder *herder, const char *name, struct error *error)
{
    int64_t until_ms = clock_monotonic_ms() + DELETE_WAIT_MS;
    struct timespec when = {.tv_sec = (time_t)(until_ms / MS_PER_SECOND), .tv_nsec = (long)(until_ms % MS_PER_SECOND * NS_PER_MS)};
    struct record_change change;
    struct connector *connector = NULL;
    enum status status;

    pthread_mutex_lock(&herder->change);
    if (!herder_has(herder, name)) {
        pthread_mutex_unlock(&herder->change);
        return connector_missing(name, error);
    }
    record_change_init(&change);
    record_change_connector(&change, name, NULL);
    record_change_target(&change, name, NULL);
    status = records_write_change(&herder->records, &change, error);
    record_change_finish(&change);
    pthread_mutex_lock(&herder->lock);
    if (status == OK) {
        connector = map_remove(&herder->connectors, slice_from_string(name));
        connector->removed = true;
        connector->next_leaving = herder->leaving;
        herder->leaving = connector;
        wake(connector);
    }
    pthread_mutex_unlock(&herder->change); /* others need not wait with us */
    /* Its slot is free and its status gone when we answer, unless it takes too long; then it ends by itself. */
    while (status == OK && !is_gone(herder, connector) && !herder->stopping &&
           pthread_cond_timedwait(&herder->changed, &herder->lock, &when) == 0)
        ;
    leaving_reap(herder);
    pthread_mutex_unlock(&herder->lock);
    if (status == OK)
        LOG_INFO("connector is deleted; its position and its replication slot stay connector=%s", name);
    return status;
}

enum status herder_target_set(struct herder *herder, const char *name, enum target_state target, const char *by, struct error *error)
{
    struct record_change change;
    struct connector *connector;
    bool has_task;
    enum status status = OK;

    pthread_mutex_lock(&herder->change);
    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    has_task = connector != NULL && connector->has_task;
    pthread_mutex_unlock(&herder->lock);
    if (connector == NULL) {
        pthread_mutex_unlock(&herder->change);
        return error_set(error, ERROR_NOT_FOUND, "Unknown connector %s", name);
    }
    record_change_init(&change);
    change.by = by;
    if (target == TARGET_STOPPED && has_task)
        record_change_commit(&change, name, 0);
    record_change_target(&change, name, target_state_name(target));
    status = records_write_change(&herder->records, &change, error);
    record_change_finish(&change);
    if (status == OK) {
        pthread_mutex_lock(&herder->lock);
        connector->target = target;
        connector->target_since_ms = clock_now_ms();
        memory_free(connector->target_by);
        connector->target_by = memory_copy_string(by);
        wake(connector);
        pthread_mutex_unlock(&herder->lock);
        LOG_INFO("connector is to be %s connector=%s", target_state_name(target), name);
    }
    pthread_mutex_unlock(&herder->change);
    return status;
}

static bool is_restarted(const struct connector *connector, uint64_t wanted)
{
    return connector->restarts_done >= wanted;
}

enum status herder_restart(struct herder *herder, const char *name, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL) {
        unsigned wanted = ++connector->restarts;

        wake(connector);
        (void)connector_wait(herder, name, is_restarted, wanted, RESTART_WAIT_MS);
    }
    pthread_mutex_unlock(&herder->lock);
    return connector == NULL ? error_set(error, ERROR_NOT_FOUND, "Unknown connector: %s", name) : OK;
}

enum status herder_restart_with(struct herder *herder, const char *name, bool include_tasks, bool only_failed, struct buffer *out,
                                struct error *error)
{
    struct record_change change;
    struct connector *connector;
    bool restart_connector, restart_task;
    enum status status;

    if (!herder_has(herder, name))
        return error_set(error, ERROR_NOT_FOUND, "Unknown connector: %s", name);
    record_change_init(&change);
    record_change_restart(&change, name, include_tasks, only_failed);
    status = records_write_change(&herder->records, &change, error);
    record_change_finish(&change);
    if (status != OK)
        return status;
    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    restart_connector = connector != NULL && (!only_failed || connector->status.state == STATE_FAILED);
    restart_task =
        connector != NULL && include_tasks && connector->has_task && (!only_failed || connector->task_status.state == STATE_FAILED);
    /* The answer shows what is being restarted, with the trace it failed with. */
    if (restart_connector) {
        connector->status.state = STATE_RESTARTING;
        connector->restarts++;
    }
    if (restart_task) {
        connector->task_status.state = STATE_RESTARTING;
        connector->task_restarts++;
    }
    if (connector != NULL) {
        connector_status_write(connector, out);
        wake(connector);
    }
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : error_set(error, ERROR_NOT_FOUND, "Unknown connector: %s", name);
}

enum status herder_task_restart(struct herder *herder, const char *name, int64_t task, struct error *error)
{
    struct connector *connector;
    enum status status = OK;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector == NULL) {
        status = error_set(error, ERROR_NOT_FOUND, "Unknown connector: %s", name);
    } else if (task != 0 || !connector->has_task) {
        status = error_set(error, ERROR_NOT_FOUND, "Unknown task: %s-%lld", name, (long long)task);
    } else {
        connector->task_restarts++;
        wake(connector);
    }
    pthread_mutex_unlock(&herder->lock);
    return status;
}

static void topic_reset(void *context, const char *name, int64_t records)
{
    struct connector *connector = context;

    for (struct active_topic *topic = connector->topics; topic != NULL; topic = topic->next) {
        if (strcmp(topic->name, name) == 0)
            topic->reset_at = records;
    }
}

enum status herder_topics_reset(struct herder *herder, const char *name, struct error *error)
{
    struct connector *connector;
    struct active_topic *topic = NULL;
    enum status status = OK;

    pthread_mutex_lock(&herder->change);
    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL) {
        active_topics_collect(connector);
        if (connector->capture != NULL)
            capture_topics_visit(connector->capture, topic_reset, connector);
        topic = connector->topics;
    }
    for (; topic != NULL && status == OK; topic = topic->next) { /* changes are one at a time, so the connector stays */
        bool was_active = topic->discovered_ms >= 0;

        topic->discovered_ms = -1;
        topic->saved = false;
        pthread_mutex_unlock(&herder->lock);
        if (was_active)
            status = records_write_topic(&herder->records, name, topic->name, -1, error);
        pthread_mutex_lock(&herder->lock);
    }
    pthread_mutex_unlock(&herder->lock);
    pthread_mutex_unlock(&herder->change);
    return status;
}

enum status herder_config_copy(struct herder *herder, const char *name, struct properties *config, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL)
        properties_copy(config, &connector->config);
    else
        properties_init(config);
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : connector_missing(name, error);
}

bool herder_has(struct herder *herder, const char *name)
{
    bool has;

    pthread_mutex_lock(&herder->lock);
    has = connector_find(herder, name) != NULL;
    pthread_mutex_unlock(&herder->lock);
    return has;
}

enum status herder_logger_write(struct herder *herder, const char *logger, const char *level, struct error *error)
{
    struct record_change change;
    enum status status;

    record_change_init(&change);
    record_change_logger(&change, logger, level);
    status = records_write_change(&herder->records, &change, error);
    record_change_finish(&change);
    return status;
}
