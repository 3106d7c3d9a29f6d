#include "broker/broker_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/changes.h"
#include "broker/coordinator.h"
#include "broker/fetch_session.h"
#include "os/thread.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define PLAIN_BYTES_MAX ((size_t)256 * 1024 * 1024) /* what the records of one batch may become */

/* ---- Settings ---- */

static int64_t number(const struct properties *values, const char *key, int64_t otherwise)
{
    const char *text = properties_get(values, key);
    int64_t value;

    return text != NULL && text_parse_int64(slice_from_string(text), &value) ? value : otherwise;
}

static bool truth(const struct properties *values, const char *key, bool otherwise)
{
    const char *text = properties_get(values, key);
    bool value;

    return text != NULL && text_parse_bool(slice_from_string(text), &value) ? value : otherwise;
}

/* The keys and their defaults are Kafka's; server/settings.def has checked what a person wrote. */
static void numbers_read(const struct properties *values, struct broker_numbers *numbers)
{
    *numbers = (struct broker_numbers){
        .node_id = (int32_t)number(values, "node.id", 1),
        .default_partitions = (int32_t)number(values, "num.partitions", 1),
        .auto_create_topics = truth(values, "auto.create.topics.enable", true),
        .delete_topics = truth(values, "delete.topic.enable", true),
        .request_bytes_max = (int32_t)number(values, "socket.request.max.bytes", 104857600),
        .fetch_bytes_max = (int32_t)number(values, "fetch.max.bytes", 57671680),
        .connections_max = (int32_t)number(values, "max.connections", INT32_MAX),
        .connections_per_ip_max = (int32_t)number(values, "max.connections.per.ip", INT32_MAX),
        .idle_ms_max = number(values, "connections.max.idle.ms", 600000),
        .queued_requests_max = (int32_t)number(values, "queued.max.requests", 500),
        .fetch_sessions_max = (int32_t)number(values, "max.incremental.fetch.session.cache.slots", 1000),
        .group_session_timeout_ms_min = (int32_t)number(values, "group.min.session.timeout.ms", 6000),
        .group_session_timeout_ms_max = (int32_t)number(values, "group.max.session.timeout.ms", 1800000),
        .group_rebalance_delay_ms = (int32_t)number(values, "group.initial.rebalance.delay.ms", 0),
        .group_members_max = (int32_t)number(values, "group.max.size", INT32_MAX),
        .offsets_partitions = (int32_t)number(values, "offsets.topic.num.partitions", 50),
        .offsets_segment_bytes = number(values, "offsets.topic.segment.bytes", 104857600),
        .offsets_retention_ms = number(values, "offsets.retention.minutes", 10080) * 60000,
        .offsets_check_interval_ms = number(values, "offsets.retention.check.interval.ms", 600000),
        .offset_metadata_bytes_max = (int32_t)number(values, "offset.metadata.max.bytes", 4096),
        .transaction_timeout_ms_max = (int32_t)number(values, "transaction.max.timeout.ms", 900000),
    };
}

/* ---- Posts ---- */

void broker_post(struct broker *broker, struct post *post)
{
    struct post *before = atomic_load_explicit(&broker->posts, memory_order_relaxed);

    do {
        post->next = before;
    } while (!atomic_compare_exchange_weak_explicit(&broker->posts, &before, post, memory_order_release, memory_order_relaxed));
    if (before == NULL)
        loop_wake(broker->loop);
}

static void posts_run(struct broker *broker)
{
    struct post *newest = atomic_exchange_explicit(&broker->posts, NULL, memory_order_acquire);
    struct post *oldest = NULL;

    while (newest != NULL) { /* turn the list round: first come, first served */
        struct post *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct post *post = oldest;

        oldest = post->next;
        post->run(post);
    }
}

/* ---- Partitions that moved ---- */

/* Committer thread. */
static void on_moved(void *context, struct partition *const *partitions, size_t count)
{
    struct broker *broker = context;
    struct moved *moved = &broker->moved;
    bool first;

    (void)pthread_mutex_lock(&moved->lock);
    first = moved->count == 0 && !moved->all;
    if (count == 0 || count > MOVED_MAX - moved->count) {
        moved->all = true;
    } else if (!moved->all) {
        memcpy(&moved->partitions[moved->count], partitions, count * sizeof(struct partition *));
        moved->count += count;
    }
    (void)pthread_mutex_unlock(&moved->lock);
    if (first)
        loop_wake(broker->loop);
}

static void moved_run(struct broker *broker)
{
    struct partition *partitions[MOVED_MAX];
    struct moved *moved = &broker->moved;
    size_t count;
    bool all;

    (void)pthread_mutex_lock(&moved->lock);
    count = moved->count;
    all = moved->all;
    memcpy(partitions, moved->partitions, count * sizeof(struct partition *));
    moved->count = 0;
    moved->all = false;
    (void)pthread_mutex_unlock(&moved->lock);
    if (count > 0 || all)
        fetch_partitions_moved(broker, partitions, count, all);
}

/* ---- The network thread ---- */

static void timer_update(struct broker *broker)
{
    loop_timer_set(broker->loop, deadlines_next_ms(&broker->deadlines));
}

static void on_woken(void *context)
{
    struct broker *broker = context;

    broker->deferring = true;
    posts_run(broker);
    moved_run(broker);
    broker->deferring = false;
    connections_flush_deferred(broker);
    timer_update(broker);
}

static void on_timer(void *context)
{
    struct broker *broker = context;

    broker->deferring = true;
    deadlines_run(&broker->deadlines, broker_now_ms());
    broker->deferring = false;
    connections_flush_deferred(broker);
    timer_update(broker);
}

static void on_accept(void *context, int events)
{
    struct listener *listener = context;

    connections_accept(listener, events);
    timer_update(listener->broker);
}

void broker_timer_changed(struct broker *broker)
{
    timer_update(broker);
}

static void on_accept_again(struct deadline *deadline, int64_t now_ms)
{
    struct broker *broker = (struct broker *)(void *)((uint8_t *)deadline - offsetof(struct broker, accept_again));

    (void)now_ms;
    broker->accept_paused = false;
    for (size_t i = 0; i < broker->listener_count; i++) {
        for (size_t j = 0; j < broker->listeners[i].fd_count; j++)
            loop_watch_set(broker->listeners[i].watches[j], LOOP_READ);
    }
}

static void listeners_unwatch(struct broker *broker)
{
    for (size_t i = 0; i < broker->listener_count; i++) {
        struct listener *listener = &broker->listeners[i];

        for (size_t j = 0; j < listener->fd_count; j++) {
            loop_watch_remove(listener->watches[j]);
            (void)close(listener->fds[j]);
        }
        listener->fd_count = 0;
    }
}

static void on_stop(struct post *post)
{
    struct broker *broker = (struct broker *)(void *)((uint8_t *)post - offsetof(struct broker, stop_post));

    broker->stopping = true;
    listeners_unwatch(broker);
    connections_close_all(broker);
    loop_stop(broker->loop);
}

static void network_thread(void *context)
{
    struct broker *broker = context;

    timer_update(broker);
    loop_run(broker->loop);
    /* What the store still holds of us has to come back before memory goes; it answers everything. */
    while (broker->under_way > 0) {
        posts_run(broker);
        if (broker->under_way > 0)
            (void)usleep(1000);
    }
    connections_close_all(broker);
}

/* ---- Listeners ---- */

static enum status listener_open(struct broker *broker, struct slice text, struct error *error)
{
    struct listener *listener;
    enum status status;

    broker->listeners = memory_resize(broker->listeners, (broker->listener_count + 1) * sizeof(*listener));
    listener = &broker->listeners[broker->listener_count];
    *listener = (struct listener){.broker = broker};
    status = socket_address_parse(text, &listener->address, error);
    if (status == OK)
        status = socket_listen(&listener->address, 512, listener->fds, sizeof(listener->fds) / sizeof(*listener->fds), &listener->fd_count,
                               error);
    if (status == OK) {
        socket_address_format(&listener->address, listener->text, sizeof(listener->text));
        broker->listener_count++;
    } else {
        error_context(error, "setting listeners");
    }
    return status;
}

static enum status listeners_open(struct broker *broker, const char *texts, struct error *error)
{
    struct slice rest = slice_from_string(texts);
    struct slice text;

    while (text_next_field(&rest, ',', &text)) {
        enum status status = listener_open(broker, text_trim(text), error);

        if (status != OK)
            return status;
    }
    return broker->listener_count == 0 ? error_set(error, ERROR_BAD_INPUT, "setting listeners is empty: give host:port,…") : OK;
}

/* As many as there are listeners, in their order; or one for all. */
static enum status advertised_read(struct broker *broker, const char *texts, struct error *error)
{
    struct slice rest = slice_from_string(texts);
    struct slice text;
    size_t count = 0;

    while (texts != NULL && text_next_field(&rest, ',', &text)) {
        struct socket_address address;
        enum status status = socket_address_parse(text_trim(text), &address, error);

        if (status == OK && (address.host[0] == '\0' || address.port == 0))
            status = error_set(error, ERROR_BAD_INPUT, "\"%.*s\" needs a host and a port that clients can reach", (int)text.size,
                               (const char *)text.data);
        if (status == OK && count >= broker->listener_count)
            status = error_set(error, ERROR_BAD_INPUT, "there are more addresses than listeners");
        if (status != OK) {
            error_context(error, "setting advertised.listeners");
            return status;
        }
        broker->listeners[count++].advertised = address;
    }
    for (size_t i = 1; count == 1 && i < broker->listener_count; i++)
        broker->listeners[i].advertised = broker->listeners[0].advertised;
    return OK;
}

/* ---- Life ---- */

static void broker_destroy(struct broker *broker)
{
    if (broker->loop != NULL) {
        listeners_unwatch(broker);
        fetch_waits_finish(broker);
        fetch_sessions_destroy(broker->fetch_sessions);
        coordinator_destroy(broker->coordinator);
        connections_close_all(broker); /* requests that the groups had kept */
        loop_destroy(broker->loop);
    }
    changes_destroy(broker->changes);
    (void)pthread_mutex_destroy(&broker->moved.lock);
    deadlines_finish(&broker->deadlines);
    map_finish(&broker->connections_by_ip);
    map_finish(&broker->creating);
    properties_finish(&broker->values);
    memory_free(broker->listeners);
    memory_free(broker->scratch);
    memory_free(broker->directory);
    decompressor_destroy(broker->decompressor);
    buffer_finish(&broker->plain);
    memory_free(broker);
}

/* Where the log lies below the data directory; NULL when it does not exist. */
static char *directory_find(const char *data_directory)
{
    char *path = memory_format("%s/log", data_directory);
    char *found = realpath(path, NULL);

    memory_free(path);
    return found;
}

enum status broker_start(const struct broker_settings *settings, struct store *store, struct broker **started, struct error *error)
{
    struct broker *broker = memory_new(sizeof(*broker));
    enum status status;

    broker->store = store;
    broker->log = settings->log;
    broker->changes = changes_create();
    broker->scratch = memory_new(SCRATCH_BYTES);
    broker->decompressor = decompressor_create();
    buffer_init(&broker->plain, PLAIN_BYTES_MAX);
    broker->accept_again.due = on_accept_again;
    broker->stop_post.run = on_stop;
    (void)pthread_mutex_init(&broker->moved.lock, NULL);
    properties_init(&broker->values);
    if (settings->values != NULL)
        properties_copy(&broker->values, settings->values);
    numbers_read(&broker->values, &broker->numbers);
    if (properties_get(&broker->values, "data.dir") != NULL)
        broker->directory = directory_find(properties_get(&broker->values, "data.dir"));
    map_init(&broker->connections_by_ip);
    map_init(&broker->fetch_waits);
    map_init(&broker->creating);
    status = listeners_open(broker, settings->listeners, error);
    if (status == OK)
        status = advertised_read(broker, settings->advertised_listeners, error);
    if (status == OK) {
        broker->loop = loop_create(on_woken, on_timer, broker);
        broker->fetch_sessions = fetch_sessions_create((size_t)broker->numbers.fetch_sessions_max);
        status = coordinator_create(broker, &broker->coordinator, error);
    }
    if (status != OK) {
        for (size_t i = 0; broker->loop == NULL && i < broker->listener_count; i++) {
            for (size_t j = 0; j < broker->listeners[i].fd_count; j++)
                (void)close(broker->listeners[i].fds[j]);
        }
        broker_destroy(broker);
        return status;
    }
    for (size_t i = 0; i < broker->listener_count; i++) {
        struct listener *listener = &broker->listeners[i];

        for (size_t j = 0; j < listener->fd_count; j++) {
            listener->watches[j] = loop_watch_add(broker->loop, listener->fds[j], on_accept, listener);
            loop_watch_set(listener->watches[j], LOOP_READ);
        }
    }
    store_listen(store, on_moved, broker);
    status = thread_start(&broker->thread, "network", network_thread, broker, error);
    if (status != OK) {
        store_unlisten(store, on_moved, broker);
        broker_destroy(broker);
        return status;
    }
    *started = broker;
    return OK;
}

void broker_stop(struct broker *broker)
{
    if (broker == NULL)
        return;
    broker_post(broker, &broker->stop_post);
    thread_join(broker->thread);
    store_unlisten(broker->store, on_moved, broker);
    broker_destroy(broker);
}

size_t broker_listener_count(const struct broker *broker)
{
    return broker->listener_count;
}

const char *broker_listener(const struct broker *broker, size_t index)
{
    return broker->listeners[index].text;
}

void broker_counters_read(const struct broker *broker, struct broker_counters *counters)
{
#define READ(name) counters->name = atomic_load_explicit(&broker->counters.name, memory_order_relaxed)
    READ(connections);
    READ(requests);
    READ(request_errors);
    READ(bytes_in);
    READ(bytes_out);
    READ(produced_records);
    READ(fetched_bytes);
    READ(groups);
    READ(members);
#undef READ
}
