#include "connect/herder_internal.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/memory.h"
#include "connect/configdef.h"
#include "connect/connect.h"
#include "connect/json_in.h"
#include "connect/json_out.h"
#include "connect/secrets.h"

/* What the REST API and the console show. The lock is held while a view is written; nothing here waits. */

static const char *type_of(const struct properties *config)
{
    const char *class_name = properties_get(config, "connector.class");
    const struct plugin *plugin = class_name == NULL ? NULL : plugin_find_connector(class_name);

    return plugin == NULL ? "unknown" : plugin_kind_name(plugin->kind);
}

static void config_write(const struct herder *herder, const struct properties *config, bool in_java_order, bool always_mask,
                         struct buffer *out)
{
    struct properties shown;

    properties_copy(&shown, config);
    if (in_java_order)
        java_map_order_properties(&shown, java_map_capacity(shown.count));
    if (herder->mask_passwords || always_mask)
        secrets_mask(&shown);
    json_put_map(out, &shown);
    properties_finish(&shown);
}

/* config NULL: the stored one. */
static void info_write(const struct connector *connector, const struct properties *config, bool has_task, struct buffer *out)
{
    buffer_append_string(out, "{");
    json_put_key(out, "name");
    json_put_text(out, connector->name);
    json_put_key(out, "config");
    config_write(connector->herder, config == NULL ? &connector->config : config, config == NULL, false, out);
    json_put_key(out, "tasks");
    buffer_append_string(out, "[");
    if (has_task) {
        buffer_append_string(out, "{\"connector\":");
        json_put_text(out, connector->name);
        buffer_append_string(out, ",\"task\":0}");
    }
    buffer_append_string(out, "]");
    json_put_key(out, "type");
    json_put_text(out, type_of(config == NULL ? &connector->config : config));
    buffer_append_string(out, "}");
}

/* Members of a status, without the braces. */
static void run_status_write(const struct herder *herder, const struct run_status *status, struct buffer *out)
{
    json_put_key(out, "state");
    json_put_text(out, run_state_name(status->state));
    json_put_key(out, "worker_id");
    json_put_text(out, herder->records.worker_id);
    json_put_key(out, "version");
    json_put_text(out, status->has_version ? POSTGRES_VERSION : NULL);
    if (status->trace != NULL) {
        json_put_key(out, "trace");
        json_put_text(out, status->trace);
    }
}

static void task_status_write(const struct connector *connector, struct buffer *out)
{
    buffer_append_string(out, "{\"id\":0");
    run_status_write(connector->herder, &connector->task_status, out);
    buffer_append_string(out, "}");
}

void connector_status_write(const struct connector *connector, struct buffer *out)
{
    buffer_append_string(out, "{");
    json_put_key(out, "name");
    json_put_text(out, connector->name);
    json_put_key(out, "connector");
    buffer_append_string(out, "{");
    run_status_write(connector->herder, &connector->status, out);
    buffer_append_string(out, "}");
    json_put_key(out, "tasks");
    buffer_append_string(out, "[");
    if (connector->task_status.state != STATE_NONE)
        task_status_write(connector, out);
    buffer_append_string(out, "]");
    json_put_key(out, "type");
    json_put_text(out, type_of(&connector->config));
    buffer_append_string(out, "}");
}

/* All connectors in the order of Java's map, as an array of `count` in new memory; lock held. */
static struct connector **sorted(struct herder *herder, size_t *count)
{
    struct connector **unsorted = memory_new_array(herder->connectors.count, sizeof(struct connector *));
    struct connector **connectors = memory_new_array(herder->connectors.count, sizeof(struct connector *));
    uint32_t *hashes = memory_new_array(herder->connectors.count, sizeof(*hashes));
    size_t *order = memory_new_array(herder->connectors.count, sizeof(*order));
    const struct map_entry *entry;
    size_t at = 0;

    *count = 0;
    while ((entry = map_next(&herder->connectors, &at)) != NULL) {
        unsorted[*count] = entry->value;
        hashes[(*count)++] = java_hash_code(entry->key);
    }
    java_map_order(hashes, *count, java_map_capacity(*count), order);
    for (size_t i = 0; i < *count; i++)
        connectors[i] = unsorted[order[i]];
    memory_free(order);
    memory_free(hashes);
    memory_free(unsorted);
    return connectors;
}

void herder_list_write(struct herder *herder, bool expand, bool with_status, bool with_info, struct buffer *out)
{
    struct connector **connectors;
    size_t count;

    pthread_mutex_lock(&herder->lock);
    connectors = sorted(herder, &count);
    buffer_append_string(out, expand ? "{" : "[");
    for (size_t i = 0; i < count; i++) {
        if (!expand) {
            json_put_comma(out);
            json_put_text(out, connectors[i]->name);
            continue;
        }
        json_put_key(out, connectors[i]->name);
        buffer_append_string(out, "{");
        if (with_status) {
            json_put_key(out, "status");
            connector_status_write(connectors[i], out);
        }
        if (with_info) {
            json_put_key(out, "info");
            info_write(connectors[i], NULL, connectors[i]->has_task, out);
        }
        buffer_append_string(out, "}");
    }
    buffer_append_string(out, expand ? "}" : "]");
    memory_free(connectors);
    pthread_mutex_unlock(&herder->lock);
}

enum status herder_put_write(struct herder *herder, const struct herder_put *put, struct buffer *out, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, put->name);
    if (connector != NULL)
        info_write(connector, put->config, connector->has_task && !put->created, out);
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : connector_missing(put->name, error);
}

enum status herder_info_write(struct herder *herder, const char *name, struct buffer *out, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL)
        info_write(connector, NULL, connector->has_task, out);
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : connector_missing(name, error);
}

enum status herder_config_write(struct herder *herder, const char *name, struct buffer *out, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL)
        config_write(herder, &connector->config, true, false, out);
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : connector_missing(name, error);
}

enum status herder_tasks_write(struct herder *herder, const char *name, struct buffer *out, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL) {
        buffer_append_string(out, "[");
        if (connector->has_task) {
            buffer_append_string(out, "{\"id\":{\"connector\":");
            json_put_text(out, name);
            buffer_append_string(out, ",\"task\":0},\"config\":");
            config_write(herder, &connector->task_config, true, false, out);
            buffer_append_string(out, "}");
        }
        buffer_append_string(out, "]");
    }
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : connector_missing(name, error);
}

enum status herder_status_write(struct herder *herder, const char *name, struct buffer *out, struct error *error)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL)
        connector_status_write(connector, out);
    pthread_mutex_unlock(&herder->lock);
    return connector != NULL ? OK : error_set(error, ERROR_NOT_FOUND, "No status found for connector %s", name);
}

enum status herder_task_status_write(struct herder *herder, const char *name, int64_t task, struct buffer *out, struct error *error)
{
    struct connector *connector;
    bool found;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    found = connector != NULL && task == 0 && connector->task_status.state != STATE_NONE;
    if (found)
        task_status_write(connector, out);
    pthread_mutex_unlock(&herder->lock);
    return found ? OK : error_set(error, ERROR_NOT_FOUND, "No status found for task %s-%lld", name, (long long)task);
}

/* The names of the active topics in the order of Java's set, with commas. */
static void topic_names_write(const struct connector *connector, struct buffer *out)
{
    const struct active_topic **topics;
    uint32_t *hashes;
    size_t *order;
    size_t count = 0, known = 0;

    for (const struct active_topic *topic = connector->topics; topic != NULL; topic = topic->next)
        known++;
    topics = memory_new_array(known, sizeof(struct active_topic *));
    hashes = memory_new_array(known, sizeof(*hashes));
    order = memory_new_array(known, sizeof(*order));
    for (const struct active_topic *topic = connector->topics; topic != NULL; topic = topic->next) {
        if (topic->discovered_ms >= 0) {
            hashes[count] = java_hash_code(slice_from_string(topic->name));
            topics[count++] = topic;
        }
    }
    java_map_order(hashes, count, java_map_capacity(count), order);
    for (size_t i = 0; i < count; i++) {
        json_put_comma(out);
        json_put_text(out, topics[order[i]]->name);
    }
    memory_free(order);
    memory_free(hashes);
    memory_free(topics);
}

void herder_topics_write(struct herder *herder, const char *name, struct buffer *out)
{
    struct connector *connector;

    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    buffer_append_string(out, "{");
    json_put_key(out, name);
    buffer_append_string(out, "{\"topics\":[");
    if (connector != NULL) {
        active_topics_collect(connector);
        topic_names_write(connector, out);
    }
    buffer_append_string(out, "]}}");
    pthread_mutex_unlock(&herder->lock);
}

/* ---- Offsets ---- */

static uint32_t value_hash(const struct json *value)
{
    struct buffer text;
    uint32_t hash;

    if (value->kind == NODE_STRING)
        return java_hash_code(value->text);
    buffer_init(&text, 1 << 20);
    json_write(&text, value);
    hash = java_hash_code(buffer_slice(&text)); /* not Java's for numbers, but always the same */
    buffer_finish(&text);
    return hash;
}

/* Map.hashCode() of the partition. */
static uint32_t partition_hash(struct arena *arena, const char *partition)
{
    struct json_document document;
    uint32_t hash = 0;

    json_read(arena, slice_from_string(partition), &document);
    for (const struct json *member = document.root == NULL ? NULL : document.root->first; member != NULL; member = member->next)
        hash += java_hash_code(member->name) ^ value_hash(member);
    return hash;
}

/* An object's members in the order of Java's map; anything else as it is. */
static void ordered_write(struct arena *arena, const char *text, struct buffer *out)
{
    struct json_document document;
    const struct json **members;
    uint32_t *hashes;
    size_t *order;
    size_t count = 0;

    json_read(arena, slice_from_string(text), &document);
    if (document.root == NULL || document.root->kind != NODE_OBJECT) {
        buffer_append_string(out, text);
        return;
    }
    members = arena_new_array(arena, document.root->count, sizeof(struct json *));
    hashes = arena_new_array(arena, document.root->count, sizeof(*hashes));
    order = arena_new_array(arena, document.root->count, sizeof(*order));
    for (const struct json *member = document.root->first; member != NULL; member = member->next) {
        hashes[count] = java_hash_code(member->name);
        members[count++] = member;
    }
    java_map_order(hashes, count, java_map_capacity(count), order);
    buffer_append_string(out, "{");
    for (size_t i = 0; i < count; i++) {
        json_put_comma(out);
        json_put_string(out, members[order[i]]->name);
        buffer_append_string(out, ":");
        json_write(out, members[order[i]]);
    }
    buffer_append_string(out, "}");
}

static void offset_list_write(const struct connector *connector, struct arena *arena, struct buffer *out)
{
    const struct connector_offset **kept;
    uint32_t *hashes;
    size_t *order;
    size_t count = 0, known = 0;

    for (const struct connector_offset *at = connector->offsets; at != NULL; at = at->next)
        known++;
    kept = arena_new_array(arena, known + 1, sizeof(struct connector_offset *));
    hashes = arena_new_array(arena, known + 1, sizeof(*hashes));
    order = arena_new_array(arena, known + 1, sizeof(*order));
    for (const struct connector_offset *at = connector->offsets; at != NULL; at = at->next) {
        if (at->offset != NULL && at->partition[0] == '{') { /* Connect does not list an offset without a partition */
            hashes[count] = partition_hash(arena, at->partition);
            kept[count++] = at;
        }
    }
    java_map_order(hashes, count, java_map_capacity(count), order);
    for (size_t i = 0; i < count; i++) {
        json_put_comma(out);
        buffer_append_string(out, "{\"partition\":");
        buffer_append_string(out, kept[order[i]]->partition);
        buffer_append_string(out, ",\"offset\":");
        ordered_write(arena, kept[order[i]]->offset, out);
        buffer_append_string(out, "}");
    }
}

enum status herder_offsets_write(struct herder *herder, const char *name, struct buffer *out, struct error *error)
{
    struct connector *connector;
    struct arena arena;
    char *owner = memory_format("connector/%s", name);
    char *published = herder_has(herder, name) ? position_offset_read(herder, owner) : NULL;

    arena_init(&arena, 16384);
    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (connector != NULL) {
        if (published != NULL) { /* newer than what was last shown in connect-offsets */
            char *partition = connector_partition(connector);

            connector_offset_note(connector, slice_from_string(partition), slice_from_string(published));
            memory_free(partition);
        }
        buffer_append_string(out, "{\"offsets\":[");
        offset_list_write(connector, &arena, out);
        buffer_append_string(out, "]}");
    }
    pthread_mutex_unlock(&herder->lock);
    arena_finish(&arena);
    memory_free(published);
    memory_free(owner);
    return connector != NULL ? OK : connector_missing(name, error);
}

/* ---- For status, health and metrics ---- */

static void number_put(struct buffer *out, const char *key, int64_t value)
{
    json_put_key(out, key);
    buffer_append_decimal(out, value);
}

static void lsn_put(struct buffer *out, const char *key, uint64_t lsn)
{
    json_put_key(out, key);
    buffer_append_format(out, "%llu", (unsigned long long)lsn);
}

static void bool_put(struct buffer *out, const char *key, bool value)
{
    json_put_key(out, key);
    buffer_append_string(out, value ? "true" : "false");
}

static void real_put(struct buffer *out, const char *key, double value)
{
    json_put_key(out, key);
    buffer_append_format(out, "%.4f", value);
}

static void snapshot_table_describe(void *context, const char *table, int64_t rows, int64_t rows_about, bool is_done)
{
    struct buffer *out = context;

    json_put_comma(out);
    buffer_append_string(out, "{");
    json_put_key(out, "table");
    json_put_text(out, table);
    number_put(out, "rows", rows);
    number_put(out, "rows_about", rows_about);
    bool_put(out, "done", is_done);
    buffer_append_string(out, "}");
}

static void snapshot_tables_describe(const struct capture *capture, struct buffer *out)
{
    json_put_key(out, "snapshot_table_list");
    buffer_append_string(out, "[");
    capture_snapshot_visit(capture, snapshot_table_describe, out);
    buffer_append_string(out, "]");
}

static void capture_describe(const struct capture *capture, struct buffer *out)
{
    static const char *const states[] = {"starting", "snapshot", "streaming", "retrying", "failed", "stopped"};
    struct capture_status status;

    capture_status_read(capture, &status);
    buffer_append_string(out, "{");
    json_put_key(out, "state");
    json_put_text(out, states[status.state]);
    json_put_key(out, "error");
    json_put_text(out, status.state == CAPTURE_RETRYING || status.state == CAPTURE_FAILED ? status.error.message : NULL);
    number_put(out, "since_ms", status.since_ms);
    number_put(out, "attempts", status.attempts);
    number_put(out, "retry_at_ms", status.state == CAPTURE_RETRYING ? status.retry_at_ms : 0);
    lsn_put(out, "received_lsn", status.received_lsn);
    lsn_put(out, "appended_lsn", status.appended_lsn);
    lsn_put(out, "durable_lsn", status.durable_lsn);
    lsn_put(out, "confirmed_lsn", status.confirmed_lsn);
    number_put(out, "heard_ms", status.heard_ms);
    number_put(out, "rows", status.rows);
    number_put(out, "transactions", status.transactions);
    number_put(out, "source_time_us", status.source_time_us);
    number_put(out, "committed_us", status.committed_us);
    number_put(out, "received_us", status.received_us);
    number_put(out, "appended_us", status.appended_us);
    number_put(out, "durable_us", status.durable_us);
    number_put(out, "confirmed_us", status.confirmed_us);
    number_put(out, "latency_p50_us", status.latency_p50_us);
    number_put(out, "latency_p99_us", status.latency_p99_us);
    number_put(out, "snapshot_rows", status.snapshot_rows);
    number_put(out, "snapshot_tables_done", status.snapshot_tables_done);
    number_put(out, "snapshot_tables", status.snapshot_tables);
    number_put(out, "snapshot_started_ms", status.snapshot_started_ms);
    number_put(out, "snapshot_ended_ms", status.snapshot_ended_ms);
    bool_put(out, "snapshot_blocking", status.snapshot_is_blocking);
    snapshot_tables_describe(capture, out);
    if (status.incremental_id[0] != '\0') {
        json_put_key(out, "incremental");
        buffer_append_string(out, "{");
        json_put_key(out, "id");
        json_put_text(out, status.incremental_id);
        json_put_key(out, "table");
        json_put_text(out, status.incremental_table);
        number_put(out, "rows", status.incremental_rows);
        number_put(out, "tables", status.incremental_tables);
        bool_put(out, "paused", status.incremental_is_paused);
        real_put(out, "load_max", status.incremental_load_max);
        real_put(out, "load", status.incremental_load);
        json_put_key(out, "error");
        json_put_text(out, status.incremental_error[0] == '\0' ? NULL : status.incremental_error);
        buffer_append_string(out, "}");
    }
    buffer_append_string(out, "}");
}

static void warnings_write(const struct properties *config, struct buffer *out)
{
    buffer_append_string(out, "[");
    for (size_t i = 0; i < config->count; i++) {
        const char *key = config->items[i].key;
        const char *nearest = config_property_nearest(key);

        if (config_property_is_known(config, key))
            continue;
        json_put_comma(out);
        buffer_append_string(out, "{");
        json_put_key(out, "setting");
        json_put_text(out, key);
        json_put_key(out, "nearest");
        json_put_text(out, nearest);
        buffer_append_string(out, "}");
    }
    buffer_append_string(out, "]");
}

static void connector_describe(struct connector *connector, struct buffer *out)
{
    json_put_comma(out);
    buffer_append_string(out, "{");
    json_put_key(out, "name");
    json_put_text(out, connector->name);
    json_put_key(out, "type");
    json_put_text(out, type_of(&connector->config));
    json_put_key(out, "target");
    json_put_text(out, target_state_name(connector->target));
    number_put(out, "target_since_ms", connector->target_since_ms);
    json_put_key(out, "target_by");
    json_put_text(out, connector->target_by);
    json_put_key(out, "state");
    json_put_text(out, run_state_name(connector->status.state));
    json_put_key(out, "task_state");
    json_put_text(out, connector->task_status.state == STATE_NONE ? NULL : run_state_name(connector->task_status.state));
    json_put_key(out, "trace");
    json_put_text(out, connector->task_status.trace);
    json_put_key(out, "capture");
    if (connector->capture != NULL)
        capture_describe(connector->capture, out);
    else
        buffer_append_string(out, "null");
    active_topics_collect(connector);
    json_put_key(out, "topics");
    buffer_append_string(out, "[");
    topic_names_write(connector, out);
    buffer_append_string(out, "]");
    json_put_key(out, "warnings");
    warnings_write(&connector->config, out);
    json_put_key(out, "config");
    config_write(connector->herder, &connector->config, false, true, out);
    buffer_append_string(out, "}");
}

void herder_describe(struct herder *herder, struct buffer *out)
{
    struct connector **connectors;
    size_t count;

    pthread_mutex_lock(&herder->lock);
    connectors = sorted(herder, &count);
    buffer_append_string(out, "[");
    for (size_t i = 0; i < count; i++)
        connector_describe(connectors[i], out);
    buffer_append_string(out, "]");
    memory_free(connectors);
    pthread_mutex_unlock(&herder->lock);
}

struct connect_database *herder_databases(struct herder *herder, bool with_stopped, struct arena *arena, size_t *count)
{
    struct connect_database *databases;
    const struct map_entry *entry;
    size_t at = 0;

    *count = 0;
    pthread_mutex_lock(&herder->lock);
    databases = arena_new_array(arena, herder->connectors.count + 1, sizeof(*databases));
    while ((entry = map_next(&herder->connectors, &at)) != NULL) {
        const struct connector *connector = entry->value;
        struct connect_database *database = &databases[*count];

        if (connector->target == TARGET_STOPPED && !with_stopped)
            continue;
        if (secrets_resolve(&connector->config, &database->config, NULL) != OK) {
            properties_finish(&database->config);
            continue;
        }
        database->connector = arena_copy_string(arena, slice_from_string(connector->name));
        database->is_running = connector->capture != NULL;
        ++*count;
    }
    pthread_mutex_unlock(&herder->lock);
    return databases;
}
