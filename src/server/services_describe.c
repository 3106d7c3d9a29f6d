#include "server/services_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/disk.h"
#include "os/usage.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES 65536
#define READ_ONLY_NAMED_MAX 20
#define ROOM_AGAIN_BYTES (8 << 20) /* free on a disk that was full */
#define DESCRIPTION_BYTES_MAX (256 << 20)

/* ---- Parts ---- */

static json_t *describe_process(void)
{
    struct rusage usage;
    struct arena arena;
    struct disk_entry *files;
    size_t count = 0;
    struct usage_memory memory;
    int64_t cpu_us;

    usage_memory_read(&memory);
    (void)getrusage(RUSAGE_SELF, &usage);
    cpu_us = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    arena_init(&arena, ARENA_BLOCK_BYTES);
    if (disk_list(disk_real(), "/proc/self/fd", &arena, &files, &count, NULL) != OK)
        count = 0;
    arena_finish(&arena);
    return json_pack("{s:I, s:I, s:I}", "resident_bytes", (json_int_t)memory.resident_bytes, "cpu_us", (json_int_t)cpu_us,
                     "open_files", (json_int_t)count);
}

struct totals {
    int64_t partitions, bytes, read_only, uncompactable;
    json_t *uncompactable_why; /* of one of them */
    json_t *read_only_names;   /* "topic-3", the first ones */
};

/* Counts a partition that compaction fails for, and keeps the first one's reason. */
static void cleaning_describe(struct partition *partition, struct totals *totals)
{
    struct buffer reason;

    buffer_init(&reason, 2048);
    if (partition_cleaning_failure(partition, &reason) && totals->uncompactable++ == 0)
        totals->uncompactable_why = json_sprintf("%s-%d: %.*s", topic_name(partition_topic(partition)), (int)partition_index(partition),
                                                 (int)reason.size, (const char *)reason.data);
    buffer_finish(&reason);
}

/* NULL when only the totals are wanted. */
static json_t *describe_topic(struct topic *topic, bool wanted, struct totals *totals)
{
    int32_t count = topic_partition_count(topic);
    int64_t bytes = 0, records = 0, end = 0;

    for (int32_t i = 0; i < count; i++) {
        struct partition *partition = topic_partition(topic, i);

        bytes += partition_bytes(partition);
        end += partition_end(partition);
        records += partition_end(partition) - partition_start(partition);
        totals->read_only += partition_is_read_only(partition);
        if (partition_is_read_only(partition) && json_array_size(totals->read_only_names) < READ_ONLY_NAMED_MAX)
            (void)json_array_append_new(totals->read_only_names, json_sprintf("%s-%d", topic_name(topic), (int)i));
        if (topic_is_compacted(topic))
            cleaning_describe(partition, totals);
    }
    totals->partitions += count;
    totals->bytes += bytes;
    if (!wanted)
        return NULL;
    return json_pack("{s:s, s:i, s:I, s:I, s:I, s:b}", "name", topic_name(topic), "partitions", (int)count, "bytes", (json_int_t)bytes,
                     "records", (json_int_t)records, "end", (json_int_t)end, "internal", (int)topic_is_internal(topic));
}

/* The last write found no space, but there is some now: the next one will go well, though none may come for long. */
static bool has_room_again(const struct error *reason, int64_t free_bytes)
{
    return free_bytes >= ROOM_AGAIN_BYTES && strstr(reason->message, strerror(ENOSPC)) != NULL;
}

static void describe_store(struct services *services, bool with_topics, json_t *object)
{
    json_t *topics = json_array(), *store;
    struct store_counters counters;
    struct totals totals = {.read_only_names = json_array()};
    struct topic **all;
    struct arena arena;
    struct error reason = {0};
    int64_t free_bytes = 0;
    bool degraded;
    size_t count;

    store_counters_read(services->store, &counters);
    arena_init(&arena, ARENA_BLOCK_BYTES);
    all = store_topics(services->store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        json_t *topic = describe_topic(all[i], with_topics, &totals);

        if (topic != NULL)
            (void)json_array_append_new(topics, topic);
        topic_release(all[i]);
    }
    arena_finish(&arena);
    (void)disk_free_bytes(disk_real(), services->data_dir, &free_bytes, NULL);
    degraded = store_is_degraded(services->store, &reason) && !has_room_again(&reason, free_bytes);
    store = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "degraded", (int)degraded, "topics",
                      (json_int_t)count, "partitions", (json_int_t)totals.partitions, "read_only_partitions", (json_int_t)totals.read_only,
                      "bytes", (json_int_t)totals.bytes, "free_bytes", (json_int_t)free_bytes, "rounds", (json_int_t)counters.rounds,
                      "syncs", (json_int_t)counters.syncs, "appended_bytes", (json_int_t)counters.appended_bytes, "appended_batches",
                      (json_int_t)counters.appended_batches, "journal_records", (json_int_t)counters.journal_records, "last_round_us",
                      (json_int_t)counters.last_round_us);
    (void)json_object_update_new(
        store, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "deleted_segments", (json_int_t)counters.deleted_segments, "deleted_bytes",
                         (json_int_t)counters.deleted_bytes, "compactions", (json_int_t)counters.compactions, "compacted_bytes",
                         (json_int_t)counters.compacted_bytes, "compacted_kept_bytes", (json_int_t)counters.compacted_kept_bytes, "compaction_us",
                         (json_int_t)counters.compaction_us, "last_compaction_ms", (json_int_t)counters.last_compaction_ms,
                         "uncompactable_partitions", (json_int_t)totals.uncompactable));
    (void)json_object_set_new(store, "uncompactable_why", totals.uncompactable_why == NULL ? json_null() : totals.uncompactable_why);
    (void)json_object_set_new(store, "read_only", totals.read_only_names);
    (void)json_object_set_new(store, "degraded_why", degraded ? json_string(reason.message) : json_null());
    (void)json_object_set_new(store, "waiting", json_integer((json_int_t)counters.waiting));
    (void)json_object_set_new(object, "store", store);
    if (with_topics)
        (void)json_object_set_new(object, "topics", topics);
    else
        json_decref(topics);
}

static void describe_broker(const struct services *services, json_t *object)
{
    json_t *listeners = json_array();
    struct broker_counters counters;
    json_t *broker;

    broker_counters_read(services->broker, &counters);
    for (size_t i = 0; i < broker_listener_count(services->broker); i++)
        (void)json_array_append_new(listeners, json_string(broker_listener(services->broker, i)));
    broker = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "listeners", listeners, "connections",
                       (json_int_t)counters.connections, "requests", (json_int_t)counters.requests, "request_errors",
                       (json_int_t)counters.request_errors, "bytes_in", (json_int_t)counters.bytes_in, "bytes_out",
                       (json_int_t)counters.bytes_out, "produced_records", (json_int_t)counters.produced_records, "fetched_bytes",
                       (json_int_t)counters.fetched_bytes, "groups", (json_int_t)counters.groups, "members", (json_int_t)counters.members);
    (void)json_object_set_new(object, "broker", broker);
}

/* A part that describes itself as JSON. */
static json_t *parsed(struct buffer *text)
{
    json_t *value = json_loadb((const char *)text->data, text->size, 0, NULL);

    buffer_finish(text);
    return value == NULL ? json_array() : value;
}

static bool member_is(const json_t *object, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && strcmp(text, value) == 0;
}

static void describe_connector(json_t *connector)
{
    bool failed = member_is(connector, "state", "FAILED") || member_is(connector, "task_state", "FAILED");

    (void)json_object_set_new(connector, "running", json_boolean(member_is(connector, "task_state", "RUNNING")));
    (void)json_object_set_new(connector, "failed", json_boolean(failed));
}

static void describe_connectors(struct services *services, json_t *object)
{
    struct buffer text;
    json_t *connectors, *connector;
    size_t index;

    buffer_init(&text, DESCRIPTION_BYTES_MAX);
    connect_describe(services->connect, &text);
    connectors = parsed(&text);
    json_array_foreach(connectors, index, connector) describe_connector(connector);
    (void)json_object_set_new(object, "rest", json_sprintf("http://%s", connect_listener(services->connect)));
    (void)json_object_set_new(object, "connectors", connectors);
}

static void describe_agent(json_t *agent)
{
    (void)json_object_set_new(agent, "failed", json_boolean(member_is(agent, "state", "failed") || member_is(agent, "state", "retrying")));
}

static void describe_agents(const struct services *services, json_t *object)
{
    json_t *agents, *agent;
    struct buffer text;
    size_t index;

    buffer_init(&text, DESCRIPTION_BYTES_MAX);
    agents_describe(services->agents, &text);
    agents = parsed(&text);
    json_array_foreach(agents, index, agent) describe_agent(agent);
    (void)json_object_set_new(object, "agents", agents);
    buffer_init(&text, DESCRIPTION_BYTES_MAX);
    sinks_describe(services->sinks, &text);
    (void)json_object_set_new(object, "sinks", parsed(&text));
    buffer_init(&text, DESCRIPTION_BYTES_MAX);
    reports_describe(services->reports, &text);
    (void)json_object_set_new(object, "reports", parsed(&text));
}

static void describe_postgres(struct services *services, json_t *object)
{
    struct postgres_status status;
    bool running;

    if (services->postgres == NULL) {
        (void)json_object_set_new(object, "postgres", json_null());
        return;
    }
    postgres_status_read(services->postgres, &status);
    running = status.state == POSTGRES_RUNNING;
    (void)json_object_set_new(object, "postgres",
                              json_pack("{s:s, s:b, s:i, s:I, s:s, s:I, s:s, s:s}", "state", postgres_state_name(status.state), "running",
                                        (int)running, "pid", status.pid, "restarts", (json_int_t)status.restarts, "host",
                                        services->settings->postgres_host_name, "port", (json_int_t)services->settings->postgres_port,
                                        "socket", postgres_socket_directory(services->postgres), "error", status.error.message));
}

void services_describe(struct services *services, bool with_topics, struct buffer *json)
{
    json_t *object =
        json_pack("{s:s, s:i, s:i, s:I, s:s, s:b}", "version", TAILRACE_VERSION, "one", 1, "pid", (int)getpid(), "started_ms",
                  (json_int_t)services->started_ms, "data_dir", services->data_dir, "ready", (int)atomic_load(&services->ready));
    char *text;

    (void)json_object_set_new(object, "process", describe_process());
    describe_store(services, with_topics, object);
    describe_broker(services, object);
    describe_connectors(services, object);
    describe_agents(services, object);
    describe_postgres(services, object);
    if (atomic_load(&services->ready)) /* the console is started last */
        (void)json_object_set_new(object, "console", json_sprintf("http://%s", web_listener(services->web)));
    text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    if (text != NULL)
        buffer_append_format(json, "%s\n", text);
    free(text);
    json_decref(object);
}

void services_status(struct services *services, struct buffer *json)
{
    if (atomic_load(&services->ready))
        web_status(services->web, json);
    else
        services_describe(services, true, json);
}

void services_addresses_json(const struct services *services, struct buffer *json)
{
    json_t *object = json_object();
    char *text;

    if (services->connect != NULL && services->broker != NULL) {
        (void)json_object_set_new(object, "rest", json_sprintf("http://%s", connect_listener(services->connect)));
        (void)json_object_set_new(object, "kafka", json_string(broker_listener(services->broker, 0)));
    }
    if (services->web != NULL) {
        (void)json_object_set_new(object, "console", json_sprintf("http://%s", web_listener(services->web)));
        (void)json_object_set_new(object, "login", json_string(web_local_login(services->web)));
    }
    text = json_dumps(object, JSON_COMPACT);
    buffer_append_string(json, text);
    free(text);
    json_decref(object);
}

/* ---- For the doctor ---- */

static json_t *properties_json(const struct properties *properties)
{
    json_t *object = json_object();

    for (size_t i = 0; i < properties->count; i++)
        (void)json_object_set_new(object, properties->items[i].key, properties->items[i].value == NULL ? json_null() : json_string(properties->items[i].value));
    return object;
}

void services_databases(struct services *services, struct buffer *json)
{
    static const char *const worker_keys[] = {"key.converter", "value.converter"};
    json_t *connectors = json_array(), *worker = json_object(), *object;
    struct connect_database *databases;
    struct arena arena;
    size_t count;
    char *text;

    arena_init(&arena, ARENA_BLOCK_BYTES);
    databases = connect_databases(services->connect, true, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(connectors, json_pack("{s:s, s:b, s:o}", "name", databases[i].connector, "running", (int)databases[i].is_running, "config",
                                                          properties_json(&databases[i].config)));
        properties_finish(&databases[i].config);
    }
    arena_finish(&arena);
    for (size_t i = 0; i < sizeof(worker_keys) / sizeof(worker_keys[0]); i++) {
        const char *value = properties_get(&services->settings->values, worker_keys[i]);

        if (value != NULL)
            (void)json_object_set_new(worker, worker_keys[i], json_string(value));
    }
    object = json_pack("{s:o, s:o, s:o}", "aliases", properties_json(&services->aliases), "worker", worker, "connectors", connectors);
    text = json_dumps(object, JSON_COMPACT);
    if (text != NULL)
        buffer_append_string(json, text);
    free(text);
    json_decref(object);
}

void services_position(struct services *services, const char *prefix_and_name, struct buffer *json)
{
    const char *space = strchr(prefix_and_name, ' ');
    char *prefix;

    if (space == NULL)
        return;
    prefix = memory_copy_bytes(prefix_and_name, (size_t)(space - prefix_and_name));
    buffer_append_format(json, "{\"lsn\":%lld}", (long long)connect_stored_lsn(services->connect, space + 1, prefix));
    memory_free(prefix);
}
