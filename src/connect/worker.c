#include "connect/herder_internal.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/memory.h"
#include "base/time.h"
#include "connect/configdef.h"
#include "connect/secrets.h"
#include "os/clock.h"
#include "os/logger.h"

#include <time.h>

#define LOG_SUBSYSTEM "connect"

#define NEXT_ATTEMPT "\tat tailrace.capture(next attempt at "
#define EXCEPTION "org.apache.kafka.connect.errors.ConnectException: "

/*
 * The thread of one connector. It looks at what is wanted of it, does one thing, and looks again: only it starts and stops
 * the capture and writes the connector's statuses and offsets, so these have one order. The lock is held except while
 * something waits for the disk or the database.
 */

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {"", "UNASSIGNED", "RUNNING", "PAUSED", "FAILED", "RESTARTING", "STOPPED"};

    return names[state];
}

void run_status_set(struct run_status *status, enum run_state state, const char *trace, int generation, bool has_version)
{
    char *copy = memory_copy_string(trace);

    memory_free(status->trace);
    *status = (struct run_status){.state = state, .trace = copy, .generation = generation, .has_version = has_version};
}

void connector_free(struct connector *connector)
{
    while (connector->offsets != NULL) {
        struct connector_offset *next = connector->offsets->next;

        memory_free(connector->offsets->partition);
        memory_free(connector->offsets->offset);
        memory_free(connector->offsets);
        connector->offsets = next;
    }
    while (connector->topics != NULL) {
        struct active_topic *next = connector->topics->next;

        memory_free(connector->topics->name);
        memory_free(connector->topics);
        connector->topics = next;
    }
    properties_finish(&connector->config);
    properties_finish(&connector->task_config);
    memory_free(connector->status.trace);
    memory_free(connector->task_status.trace);
    memory_free(connector->flushed_position);
    pthread_cond_destroy(&connector->wake);
    memory_free(connector->name);
    memory_free(connector->target_by);
    memory_free(connector);
}

/* ---- Statuses ---- */

/* Lock held; let go of while the record is written. */
static void status_save(struct connector *connector, int task)
{
    struct herder *herder = connector->herder;
    const struct run_status *status = task < 0 ? &connector->status : &connector->task_status;
    bool removed = status->state == STATE_NONE;
    struct status_record record = {run_state_name(status->state), memory_copy_string(status->trace), status->generation,
                                   status->has_version ? POSTGRES_VERSION : NULL};
    struct error error;
    enum status result;

    pthread_mutex_unlock(&herder->lock);
    result = records_write_status(&herder->records, connector->name, task, removed ? NULL : &record, &error);
    if (result != OK)
        LOG_WARNING("could not store a status connector=%s state=%s: %s; it is written again later", connector->name, record.state,
                    error.message);
    memory_free((char *)(uintptr_t)record.trace);
    pthread_mutex_lock(&herder->lock);
    connector->unsaved = connector->unsaved || result != OK;
}

/* task -1: the connector itself. Writes a record unless nothing changes. */
static void status_put(struct connector *connector, int task, enum run_state state, const char *trace, bool has_version)
{
    struct run_status *status = task < 0 ? &connector->status : &connector->task_status;
    bool same_trace = status->trace == NULL ? trace == NULL : trace != NULL && strcmp(status->trace, trace) == 0;

    if (status->state == state && same_trace && status->has_version == has_version)
        return;
    run_status_set(status, state, trace, connector->herder->generation, has_version);
    status_save(connector, task);
}

/* ---- Topics the connector writes to ---- */

static void topic_collect(void *context, const char *name, int64_t records)
{
    struct connector *connector = context;
    struct active_topic **at = &connector->topics;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = memory_new(sizeof(**at));
        (*at)->name = memory_copy_string(name);
        (*at)->discovered_ms = -1;
    }
    if (records < (*at)->reset_at)
        (*at)->reset_at = 0; /* a new thread counts from 0 */
    if ((*at)->discovered_ms < 0 && records > (*at)->reset_at) {
        (*at)->discovered_ms = clock_now_ms();
        connector->capture_changed = true; /* the worker stores it */
    }
}

void active_topics_collect(struct connector *connector)
{
    if (connector->capture != NULL)
        capture_topics_visit(connector->capture, topic_collect, connector);
}

/* Writes records of the topics found since the last time; lock held, let go of in between. */
static void topics_save(struct connector *connector)
{
    struct herder *herder = connector->herder;

    active_topics_collect(connector);
    for (struct active_topic *topic = connector->topics; topic != NULL; topic = topic->next) { /* only ever added to at the end */
        int64_t discovered_ms = topic->discovered_ms;
        struct error error;

        if (discovered_ms < 0 || topic->saved)
            continue;
        topic->saved = true;
        pthread_mutex_unlock(&herder->lock);
        if (records_write_topic(&herder->records, connector->name, topic->name, discovered_ms, &error) != OK)
            LOG_WARNING("could not store an active topic connector=%s topic=%s: %s", connector->name, topic->name, error.message);
        pthread_mutex_lock(&herder->lock);
    }
}

/* ---- Failures as Connect shows them ---- */

static void line_put(struct buffer *out, const char *text, size_t size)
{
    /* A stack line holds neither quotes nor line ends, so that it stays one for those who read it by pattern. */
    for (size_t i = 0; i < size; i++)
        buffer_append_u8(out, (uint8_t)(text[i] == '"' ? '\'' : text[i] == '\\' || text[i] == '\n' ? '/' : text[i]));
}

/* what: "stopped" or "restarted"; the first line of the message is Debezium's text, the rest what to do. */
static char *trace_create(const struct connector *connector, const char *head, const struct error *error, int64_t retry_at_ms)
{
    const char *line_end = strchrnul(error->message, '\n');
    struct buffer out;
    char *copy;

    buffer_init(&out, 16384);
    buffer_append_format(&out, EXCEPTION "%s\n\tat tailrace.capture(", head);
    line_put(&out, connector->name, strlen(connector->name) > 200 ? 200 : strlen(connector->name));
    buffer_append_format(&out, ")\nCaused by: " EXCEPTION "%.*s\n", (int)(line_end - error->message), error->message);
    if (*line_end != '\0') {
        buffer_append_string(&out, "\tat tailrace.capture(what to do: ");
        line_put(&out, line_end + 1, strlen(line_end + 1));
        buffer_append_string(&out, ")\n");
    }
    if (retry_at_ms > 0) {
        time_t seconds = (time_t)(retry_at_ms / MS_PER_SECOND);
        char when[32];
        struct tm utc;

        (void)gmtime_r(&seconds, &utc);
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
        buffer_append_format(&out, NEXT_ATTEMPT "%s)\n", when);
    } else if (*line_end == '\0') {
        buffer_append_string(&out, "\tat tailrace.capture\n");
    }
    copy = memory_copy_bytes(out.data, out.size);
    buffer_finish(&out);
    return copy;
}

/* ---- The capture ---- */

/* Called on the capture's thread. */
static void capture_says(void *context)
{
    struct connector *connector = context;

    pthread_mutex_lock(&connector->herder->lock);
    connector->capture_changed = true;
    pthread_cond_signal(&connector->wake);
    pthread_mutex_unlock(&connector->herder->lock);
}

static void stop_capture(struct connector *connector)
{
    struct herder *herder = connector->herder;
    struct capture *capture = connector->capture;

    if (capture == NULL)
        return;
    active_topics_collect(connector);
    connector->capture = NULL;
    connector->capture_changed = false;
    pthread_mutex_unlock(&herder->lock);
    capture_stop(capture);
    offsets_flush(connector);
    pthread_mutex_lock(&herder->lock);
    for (struct active_topic *topic = connector->topics; topic != NULL; topic = topic->next)
        topic->reset_at = 0;
}

/* Settings of the worker that hold where the connector says nothing. */
static void defaults_add(struct properties *config, const struct properties *worker)
{
    static const char *const converters[] = {"key.converter", "value.converter", "header.converter"};
    char key[256];

    for (size_t c = 0; c < sizeof(converters) / sizeof(converters[0]); c++) {
        size_t length = strlen(converters[c]);
        bool own = properties_get(config, converters[c]) != NULL;

        for (size_t i = 0; !own && i < worker->count; i++) {
            const char *name = worker->items[i].key;

            if (strncmp(name, converters[c], length) == 0 && (name[length] == '\0' || name[length] == '.') && !properties_has(config, name))
                properties_set(config, name, worker->items[i].value);
        }
    }
    for (size_t i = 0; i < worker->count; i++) {
        if (strncmp(worker->items[i].key, "producer.", 9) == 0) {
            (void)snprintf(key, sizeof(key), "producer.override.%s", worker->items[i].key + 9);
            if (!properties_has(config, key))
                properties_set(config, key, worker->items[i].value);
        }
    }
}

/* Lock held; let go of while it starts. */
static void start_capture(struct connector *connector)
{
    struct herder *herder = connector->herder;
    struct properties config, resolved;
    struct capture *capture = NULL;
    struct error error;
    enum status status;

    properties_copy(&config, &connector->config);
    connector->capture_changed = false;
    connector->capture_refused = false;
    pthread_mutex_unlock(&herder->lock);
    defaults_add(&config, &herder->values);
    status = secrets_resolve(&config, &resolved, &error);
    if (status == OK)
        status = position_adopt(connector, &error);
    if (status == OK) {
        struct capture_start start = {.connector = connector->name,
                                      .config = &resolved,
                                      .aliases = herder->has_aliases ? &herder->aliases : NULL,
                                      .log = herder->log,
                                      .changed = capture_says,
                                      .context = connector};

        status = capture_start(&start, &capture, &error);
    }
    properties_finish(&resolved);
    properties_finish(&config);
    pthread_mutex_lock(&herder->lock);
    connector->capture = capture;
    if (status == OK) {
        connector->capture_changed = true; /* it may have said something before it was known here */
    } else {
        char *trace =
            trace_create(connector, "Error configuring an instance of PostgresConnectorTask; check the logs for details", &error, 0);

        LOG_ERROR("connector does not start connector=%s: %s", connector->name, error.message);
        connector->capture_refused = true;
        status_put(connector, 0, STATE_FAILED, trace, true);
        memory_free(trace);
    }
}

/* Do two traces say the same but for the time of the next attempt? */
static bool same_failure(const char *one, const char *other)
{
    const char *one_end = one == NULL ? NULL : strstr(one, NEXT_ATTEMPT);
    const char *other_end = other == NULL ? NULL : strstr(other, NEXT_ATTEMPT);

    return one_end != NULL && other_end != NULL && one_end - one == other_end - other && memcmp(one, other, (size_t)(one_end - one)) == 0;
}

/* It has failed again for the same reason: no record for each attempt of a database that is down for hours. */
static void retry_put(struct connector *connector, const char *trace)
{
    if (connector->task_status.state == STATE_FAILED && same_failure(connector->task_status.trace, trace))
        run_status_set(&connector->task_status, STATE_FAILED, trace, connector->task_status.generation, true);
    else
        status_put(connector, 0, STATE_FAILED, trace, true);
}

/* Turns what the capture says of itself into the status of the task. */
static void capture_look(struct connector *connector)
{
    struct capture_status said;
    char *trace = NULL;

    connector->capture_changed = false;
    if (connector->capture == NULL)
        return;
    capture_status_read(connector->capture, &said);
    switch (said.state) {
    case CAPTURE_STARTING: break;
    case CAPTURE_SNAPSHOT:
    case CAPTURE_STREAMING:
    case CAPTURE_STOPPED: /* by itself: what it had to do is done, as with snapshot.mode=initial_only */
        status_put(connector, 0, STATE_RUNNING, NULL, true);
        break;
    case CAPTURE_RETRYING:
        trace = trace_create(connector, "An exception occurred in the change event producer. This connector will be restarted.",
                             &said.error, said.retry_at_ms);
        retry_put(connector, trace);
        break;
    case CAPTURE_FAILED:
        trace =
            trace_create(connector, "An exception occurred in the change event producer. This connector will be stopped.", &said.error, 0);
        status_put(connector, 0, STATE_FAILED, trace, true);
        break;
    }
    memory_free(trace);
    if (connector->capture != NULL)
        topics_save(connector);
}

/* ---- Bringing it into the wanted state ---- */

/* What Connect stores as the configuration of the task, in its order. */
static void task_config_make(const struct connector *connector, struct properties *config)
{
    struct properties copy;

    properties_copy(&copy, &connector->config);
    java_map_order_properties(&copy, java_map_capacity(copy.count));
    properties_copy(config, &copy);
    properties_set(config, "task.class", POSTGRES "Task");
    java_map_order_properties(config, java_map_capacity_of_copy(copy.count) > java_map_capacity(config->count) ? java_map_capacity_of_copy(copy.count)
                                                                                                    : java_map_capacity(config->count));
    properties_finish(&copy);
}

static bool same_properties(const struct properties *a, const struct properties *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const char *other = properties_get(b, a->items[i].key);
        const char *own = a->items[i].value;

        if (!properties_has(b, a->items[i].key) || (own == NULL) != (other == NULL) || (own != NULL && strcmp(own, other) != 0))
            return false;
    }
    return true;
}

/* Stores the task's configuration when it differs from what is stored; true when it does. */
static bool task_config_save(struct connector *connector)
{
    struct herder *herder = connector->herder;
    struct record_change change;
    struct properties config;
    struct error error;

    task_config_make(connector, &config);
    if (connector->has_task && same_properties(&config, &connector->task_config)) {
        properties_finish(&config);
        return false;
    }
    record_change_init(&change);
    record_change_task(&change, connector->name, &config);
    record_change_commit(&change, connector->name, 1);
    properties_finish(&connector->task_config);
    connector->task_config = config;
    connector->has_task = true;
    pthread_mutex_unlock(&herder->lock);
    if (records_write_change(&herder->records, &change, &error) != OK) /* it is made again from the connector's at the next start */
        LOG_WARNING("could not store the task's configuration connector=%s: %s", connector->name, error.message);
    record_change_finish(&change);
    pthread_mutex_lock(&herder->lock);
    return true;
}

static enum run_state state_of_target(enum target_state target)
{
    return target == TARGET_STARTED ? STATE_RUNNING : target == TARGET_PAUSED ? STATE_PAUSED : STATE_STOPPED;
}

static void task_stop(struct connector *connector)
{
    if (connector->has_task) {
        status_put(connector, 0, STATE_UNASSIGNED, NULL, false);
        stop_capture(connector);
        connector->has_task = false;
        connector->capture_refused = false;
        status_put(connector, 0, STATE_NONE, NULL, false);
    }
    stop_capture(connector);
}

/* The task runs with the present configuration afterwards. */
static void task_run(struct connector *connector)
{
    bool changed = task_config_save(connector);

    if (connector->capture != NULL && changed) {
        status_put(connector, 0, STATE_UNASSIGNED, NULL, false);
        stop_capture(connector);
    }
    if (changed)
        connector->herder->generation++;
    if (connector->capture == NULL)
        start_capture(connector);
}

static void apply(struct connector *connector)
{
    bool first = connector->applied_revision == 0;
    bool new_config = connector->config_revision != connector->applied_revision;
    enum target_state target = connector->target;

    connector->applied_revision = connector->config_revision;
    if (first || (connector->applied_target == TARGET_STOPPED && target == TARGET_STARTED))
        connector->herder->generation++;
    if (new_config && !first)
        status_put(connector, -1, STATE_UNASSIGNED, NULL, false);
    status_put(connector, -1, state_of_target(target), NULL, true);
    if (target == TARGET_STARTED) {
        task_run(connector);
    } else if (target == TARGET_PAUSED) {
        stop_capture(connector);
        if (connector->has_task && connector->task_status.state != STATE_FAILED)
            status_put(connector, 0, STATE_PAUSED, NULL, true);
    } else {
        task_stop(connector);
        connector->herder->generation++;
    }
    connector->applied_target = target;
}

static void restart_task(struct connector *connector)
{
    bool restarting;

    if (connector->applied_target == TARGET_PAUSED && connector->has_task)
        status_put(connector, 0, STATE_PAUSED, NULL, true);
    if (connector->applied_target != TARGET_STARTED || !connector->has_task)
        return;
    restarting = connector->task_status.state == STATE_RESTARTING;
    status_put(connector, 0, STATE_UNASSIGNED, NULL, false);
    if (restarting)
        status_put(connector, 0, STATE_RESTARTING, NULL, false);
    stop_capture(connector);
    start_capture(connector);
}

static void restart_connector(struct connector *connector)
{
    bool restarting = connector->status.state == STATE_RESTARTING;

    status_put(connector, -1, STATE_UNASSIGNED, NULL, restarting);
    if (restarting)
        status_put(connector, -1, STATE_RESTARTING, NULL, false);
    status_put(connector, -1, state_of_target(connector->applied_target), NULL, true);
}

/* Does one thing that is due; false when there is none. */
static bool step(struct connector *connector)
{
    if (connector->config_revision != connector->applied_revision || connector->target != connector->applied_target) {
        apply(connector);
    } else if (connector->capture_changed) {
        capture_look(connector);
    } else if (connector->restarts != connector->restarts_done) {
        unsigned wanted = connector->restarts;

        restart_connector(connector);
        connector->restarts_done = wanted;
    } else if (connector->task_restarts != connector->task_restarts_done) {
        unsigned wanted = connector->task_restarts;

        restart_task(connector);
        connector->task_restarts_done = wanted;
    } else {
        return false;
    }
    pthread_cond_broadcast(&connector->herder->changed);
    return true;
}

/* Every so often: the position, new topics, statuses that could not be written. */
static void flush(struct connector *connector)
{
    struct herder *herder = connector->herder;

    topics_save(connector);
    if (connector->unsaved) {
        connector->unsaved = false;
        status_save(connector, -1);
        status_save(connector, 0);
    }
    if (connector->capture == NULL)
        return;
    pthread_mutex_unlock(&herder->lock);
    offsets_flush(connector);
    pthread_mutex_lock(&herder->lock);
}

/* ---- The end ---- */

/* Deleted: what the statuses' topic knows of it is removed. The position stays, as in Connect. */
static void remove_records(struct connector *connector)
{
    status_put(connector, -1, STATE_UNASSIGNED, NULL, false);
    if (connector->has_task)
        status_put(connector, 0, STATE_UNASSIGNED, NULL, false);
    stop_capture(connector);
    for (struct active_topic *topic = connector->topics; topic != NULL; topic = topic->next) {
        struct error error;

        pthread_mutex_unlock(&connector->herder->lock);
        (void)records_write_topic(&connector->herder->records, connector->name, topic->name, -1, &error);
        pthread_mutex_lock(&connector->herder->lock);
    }
    if (connector->has_task)
        status_put(connector, 0, STATE_NONE, NULL, false);
    status_put(connector, -1, STATE_NONE, NULL, false);
    connector->herder->generation++;
}

/* Another connector of this name is still stopping: it holds the slot and the position. */
static bool namesake_leaves(const struct connector *connector)
{
    for (const struct connector *other = connector->herder->leaving; other != NULL; other = other->next_leaving) {
        if (!other->ended && strcmp(other->name, connector->name) == 0)
            return true;
    }
    return false;
}

/* Until somebody wakes it, at most until the time of the monotonic clock. */
static void wait_until(struct connector *connector, int64_t until_ms)
{
    struct timespec when = {.tv_sec = (time_t)(until_ms / MS_PER_SECOND), .tv_nsec = (long)(until_ms % MS_PER_SECOND * NS_PER_MS)};

    (void)pthread_cond_timedwait(&connector->wake, &connector->herder->lock, &when);
}

static void run(void *context)
{
    struct connector *connector = context;
    struct herder *herder = connector->herder;
    int64_t flush_at_ms = clock_monotonic_ms() + herder->flush_interval_ms;

    pthread_mutex_lock(&herder->lock);
    while (namesake_leaves(connector) && !herder->stopping)
        pthread_cond_wait(&herder->changed, &herder->lock);
    while (!herder->stopping && !connector->removed) {
        if (step(connector))
            continue;
        if (clock_monotonic_ms() >= flush_at_ms) {
            flush(connector);
            flush_at_ms = clock_monotonic_ms() + herder->flush_interval_ms;
        } else {
            wait_until(connector, flush_at_ms);
        }
    }
    if (connector->removed) {
        remove_records(connector);
    } else {
        stop_capture(connector);
        status_put(connector, -1, STATE_UNASSIGNED, NULL, false);
        if (connector->has_task)
            status_put(connector, 0, STATE_UNASSIGNED, NULL, false);
    }
    connector->ended = true;
    pthread_cond_broadcast(&herder->changed);
    pthread_mutex_unlock(&herder->lock);
}

enum status worker_start(struct connector *connector, struct error *error)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "conn:%s", connector->name);
    return thread_start(&connector->thread, name, run, connector, error);
}
