/* handle_configs.c: DescribeConfigs, IncrementalAlterConfigs, AlterConfigs. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/changes.h"
#include "broker/config.h"
#include "broker/topic_name.h"
#include "wire/kafka/messages_config.h"

#define RESOURCE_TOPIC 2
#define RESOURCE_BROKER 4
#define RESOURCE_CLIENT_METRICS 16
#define RESOURCE_GROUP 32

enum operation { OPERATION_SET, OPERATION_DELETE, OPERATION_APPEND, OPERATION_SUBTRACT };

static struct slice text_or_null(const char *text)
{
    return text == NULL ? slice_null() : slice_from_string(text);
}

/* ---- DescribeConfigs ---- */

static bool keys_have(const wire_string_array *keys, const char *name)
{
    for (int32_t i = 0; i < keys->count; i++) {
        if (slice_equal_string(keys->items[i], name))
            return true;
    }
    return keys->count < 0;
}

static void entries_fill(struct request *request, const struct kafka_describe_configs_request_resource *asked,
                         const struct config_entry *entries, size_t count, struct kafka_describe_configs_response_result *out)
{
    const struct kafka_describe_configs_request *all = request->decoded;

    out->configs.items = arena_new_array(&request->arena, count, sizeof(*out->configs.items));
    for (size_t i = 0; i < count; i++) {
        const struct config_entry *entry = &entries[i];
        struct kafka_describe_configs_response_config *config;

        if (!keys_have(&asked->configuration_keys, entry->name))
            continue;
        config = &out->configs.items[out->configs.count++];
        *config = (struct kafka_describe_configs_response_config){
            .name = slice_from_string(entry->name),
            .value = text_or_null(entry->value),
            .read_only = entry->read_only,
            .is_default = entry->source == CONFIG_FROM_DEFAULT,
            .config_source = (int8_t)entry->source,
            .is_sensitive = entry->sensitive,
            .config_type = (int8_t)entry->type,
            .documentation = all->include_documentation ? text_or_null(entry->meaning) : slice_null(),
        };
        if (!all->include_synonyms)
            continue;
        config->synonyms.items = arena_new_array(&request->arena, entry->synonym_count, sizeof(*config->synonyms.items));
        config->synonyms.count = (int32_t)entry->synonym_count;
        for (size_t j = 0; j < entry->synonym_count; j++)
            config->synonyms.items[j] = (struct kafka_describe_configs_response_synonym){
                slice_from_string(entry->synonyms[j].name), entry->sensitive ? slice_null() : text_or_null(entry->synonyms[j].value),
                (int8_t)entry->synonyms[j].source};
    }
}

/* What the topic has set, as properties in the arena's memory. */
static void own_copy(struct request *request, const struct topic *topic, struct properties *own)
{
    struct properties config;

    topic_config_copy(topic, &config);
    *own = (struct properties){.items = arena_new_array(&request->arena, config.count, sizeof(*own->items)), .count = config.count};
    for (size_t i = 0; i < config.count; i++)
        own->items[i] = (struct property){
            .key = arena_copy_string(&request->arena, slice_from_string(config.items[i].key)),
            .value = arena_copy_string(&request->arena, slice_from_string(config.items[i].value)),
        };
    properties_finish(&config);
}

static void describe_topic(struct request *request, const struct kafka_describe_configs_request_resource *asked,
                           struct kafka_describe_configs_response_result *out)
{
    struct topic *topic = store_topic_find(request->broker->store, asked->resource_name);
    struct properties own;
    struct error error;
    size_t count;

    if (topic_name_check(asked->resource_name, &error) != OK) {
        out->error_code = CODE(INVALID_TOPIC_EXCEPTION);
        out->error_message = request_format(request, "%s", error.message);
    } else if (topic == NULL) {
        out->error_code = CODE(UNKNOWN_TOPIC_OR_PARTITION);
    } else {
        struct config_entry *entries;

        own_copy(request, topic, &own);
        entries = config_topic_entries(&own, &request->broker->values, &request->arena, &count);
        entries_fill(request, asked, entries, count, out);
    }
    if (topic != NULL)
        topic_release(topic);
}

/* What the broker knows better than the file. */
static void broker_facts(struct request *request, struct properties *facts)
{
    const struct broker *broker = request->broker;
    struct buffer listeners = {.size_max = 65536};
    struct slice host;
    int32_t port;

    properties_init(facts);
    for (size_t i = 0; i < broker->listener_count; i++)
        buffer_append_format(&listeners, "%sPLAINTEXT://%s", i == 0 ? "" : ",", broker->listeners[i].text);
    buffer_append_u8(&listeners, '\0');
    properties_set(facts, "listeners", (const char *)listeners.data);
    request_broker_address(request, &host, &port);
    buffer_reset(&listeners);
    buffer_append_format(&listeners, "PLAINTEXT://%.*s:%d", (int)host.size, (const char *)host.data, port);
    buffer_append_u8(&listeners, '\0');
    properties_set(facts, "advertised.listeners", (const char *)listeners.data);
    buffer_reset(&listeners);
    buffer_append_format(&listeners, "%d", broker->numbers.node_id);
    buffer_append_u8(&listeners, '\0');
    properties_set(facts, "node.id", (const char *)listeners.data);
    properties_set(facts, "broker.id", (const char *)listeners.data);
    if (broker->directory != NULL)
        properties_set(facts, "log.dirs", broker->directory);
    buffer_finish(&listeners);
}

/* Is this the name of our broker, or of all of them ("")? */
static enum status broker_name_check(struct request *request, struct slice name, struct error *error)
{
    int32_t node_id;

    if (name.size == 0)
        return OK;
    if (!text_parse_int32(name, &node_id))
        return error_set(error, ERROR_INVALID_REQUEST, "Node id must be an integer, but it is: %.*s", (int)name.size,
                         (const char *)name.data);
    if (node_id != request->broker->numbers.node_id)
        return error_set(error, ERROR_INVALID_REQUEST, "Unexpected broker id, expected %d or empty string, but received %d",
                         request->broker->numbers.node_id, node_id);
    return OK;
}

static void describe_broker(struct request *request, const struct kafka_describe_configs_request_resource *asked,
                            struct kafka_describe_configs_response_result *out)
{
    struct config_entry *entries;
    struct properties facts, kept;
    struct error error;
    enum status status = broker_name_check(request, asked->resource_name, &error);
    size_t count;

    if (status != OK) {
        out->error_code = status_kafka_code(status);
        out->error_message = request_format(request, "%s", error.message);
        return;
    }
    if (asked->resource_name.size == 0) {
        entries = config_cluster_entries(&request->broker->values, &request->arena, &count);
        entries_fill(request, asked, entries, count, out);
        return;
    }
    broker_facts(request, &facts);
    kept = (struct properties){.items = arena_new_array(&request->arena, facts.count, sizeof(*kept.items)), .count = facts.count};
    for (size_t i = 0; i < facts.count; i++)
        kept.items[i] = (struct property){.key = arena_copy_string(&request->arena, slice_from_string(facts.items[i].key)),
                                          .value = arena_copy_string(&request->arena, slice_from_string(facts.items[i].value))};
    properties_finish(&facts);
    entries = config_broker_entries(&request->broker->values, &kept, &request->arena, &count);
    entries_fill(request, asked, entries, count, out);
}

void handle_describe_configs(struct request *request)
{
    const struct kafka_describe_configs_request *asked = request->decoded;
    struct kafka_describe_configs_response response = {0};

    response.results.count = asked->resources.count;
    response.results.items = arena_new_array(&request->arena, (size_t)asked->resources.count, sizeof(*response.results.items));
    for (int32_t i = 0; i < asked->resources.count; i++) {
        const struct kafka_describe_configs_request_resource *resource = &asked->resources.items[i];
        struct kafka_describe_configs_response_result *out = &response.results.items[i];

        out->resource_type = resource->resource_type;
        out->resource_name = resource->resource_name;
        out->error_message = slice_from_string("");
        if (resource->resource_type == RESOURCE_TOPIC) {
            describe_topic(request, resource, out);
        } else if (resource->resource_type == RESOURCE_BROKER) {
            describe_broker(request, resource, out);
        } else if (resource->resource_type != RESOURCE_GROUP && resource->resource_type != RESOURCE_CLIENT_METRICS) { /* these have none */
            out->error_code = CODE(INVALID_REQUEST);
            out->error_message = request_format(request, "Unsupported resource type: %d", resource->resource_type);
        }
    }
    request_answer(request, &response);
}

/* ---- What has settings ---- */

static bool type_is_wanted(const struct request *request, int8_t type)
{
    const struct kafka_list_config_resources_request *asked = request->decoded;

    if (request->header.api_version == 0) /* client metrics alone, and there are none */
        return false;
    for (int32_t i = 0; i < asked->resource_types.count; i++) {
        if (asked->resource_types.items[i] == type)
            return true;
    }
    return asked->resource_types.count <= 0;
}

void handle_list_config_resources(struct request *request)
{
    struct kafka_list_config_resources_response response = {0};
    struct kafka_list_config_resources_response_config_resource *items;
    size_t count = 0, used = 0;
    struct topic **topics = store_topics(request->broker->store, &request->arena, &count);

    items = arena_new_array(&request->arena, count + 1, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        if (type_is_wanted(request, RESOURCE_TOPIC)) {
            items[used].resource_name = slice_from_string(arena_copy_string(&request->arena, slice_from_string(topic_name(topics[i]))));
            items[used++].resource_type = RESOURCE_TOPIC;
        }
        topic_release(topics[i]);
    }
    if (type_is_wanted(request, RESOURCE_BROKER)) {
        items[used].resource_name = request_format(request, "%d", request->broker->numbers.node_id);
        items[used++].resource_type = RESOURCE_BROKER;
    }
    response.config_resources.items = items;
    response.config_resources.count = (int32_t)used;
    request_answer(request, &response);
}

/* ---- Altering ---- */

/* The answers to both requests have the same fields. */
_Static_assert(sizeof(struct kafka_alter_configs_response) == sizeof(struct kafka_incremental_alter_configs_response) &&
                   sizeof(struct kafka_alter_configs_response_resource) == sizeof(struct kafka_incremental_alter_configs_response_resource),
               "AlterConfigs and IncrementalAlterConfigs are answered alike");

struct alter {
    struct request *request;
    struct kafka_alter_configs_response response;
    size_t left;
};

struct alter_change {
    struct alter *alter;
    int32_t index;
    struct slice topic, text; /* what becomes different, in words */
};

static void row_refuse(struct alter *alter, int32_t index, enum status status, const char *message)
{
    alter->response.responses.items[index].error_code = status_kafka_code(status);
    alter->response.responses.items[index].error_message = request_format(alter->request, "%s", message);
}

static void alter_one_less(struct alter *alter)
{
    if (--alter->left == 0)
        request_answer(alter->request, &alter->response);
}

static void on_altered(struct task *task)
{
    struct alter_change *change = task->context;

    if (task->status != OK)
        row_refuse(change->alter, change->index, task->status, task->message);
    else if (change->text.size > 0)
        change_note(task->request, change->topic, "Topic %.*s: %.*s.", (int)change->topic.size, (const char *)change->topic.data, (int)change->text.size, (const char *)change->text.data);
    alter_one_less(change->alter);
}

static enum status list_append(struct properties *config, const char *key, const char *before, const char *value)
{
    struct slice rest = slice_from_string(value);
    struct buffer text = {.size_max = 1024 * 1024};
    struct slice item;

    buffer_append_string(&text, before == NULL ? "" : before);
    while (text_next_field(&rest, ',', &item)) {
        struct slice have = buffer_slice(&text);
        struct slice one;
        bool there = false;

        while (text_next_field(&have, ',', &one))
            there = there || slice_equal(text_trim(one), text_trim(item));
        if (there)
            continue;
        if (text.size > 0)
            buffer_append_u8(&text, ',');
        buffer_append_slice(&text, text_trim(item));
    }
    buffer_append_u8(&text, '\0');
    properties_set(config, key, (const char *)text.data);
    buffer_finish(&text);
    return OK;
}

static enum status list_subtract(struct properties *config, const char *key, const char *before, const char *value)
{
    struct slice rest = slice_from_string(before == NULL ? "" : before);
    struct buffer text = {.size_max = 1024 * 1024};
    struct slice item;

    while (text_next_field(&rest, ',', &item)) {
        struct slice drop = slice_from_string(value);
        struct slice one;
        bool dropped = false;

        while (text_next_field(&drop, ',', &one))
            dropped = dropped || slice_equal(text_trim(one), text_trim(item));
        if (dropped)
            continue;
        if (text.size > 0)
            buffer_append_u8(&text, ',');
        buffer_append_slice(&text, text_trim(item));
    }
    buffer_append_u8(&text, '\0');
    properties_set(config, key, (const char *)text.data);
    buffer_finish(&text);
    return OK;
}

/* Changes one setting in `config`. */
static enum status operation_apply(struct request *request, struct properties *config, int8_t operation, struct slice name,
                                   struct slice value, struct error *error)
{
    const char *key = arena_copy_string(&request->arena, name);
    const char *text = arena_copy_string(&request->arena, value);
    const char *before;

    if (operation == OPERATION_DELETE) {
        (void)properties_remove(config, key);
        return OK;
    }
    if (slice_is_null(value))
        return error_set(error, ERROR_INVALID_REQUEST, "Null value not supported for : %s", key);
    if (operation == OPERATION_SET) {
        properties_set(config, key, text);
        return OK;
    }
    if (operation != OPERATION_APPEND && operation != OPERATION_SUBTRACT)
        return error_set(error, ERROR_INVALID_REQUEST, "Unknown operation type %d", operation);
    if (!config_topic_is_list(key))
        return error_set(error, ERROR_INVALID_CONFIG, "Can't %s to key %s because its type is not LIST.",
                         operation == OPERATION_APPEND ? "APPEND" : "SUBTRACT", key);
    before = properties_get(config, key);
    if (before == NULL)
        before = config_topic_default(key, &request->broker->values, &request->arena);
    return operation == OPERATION_APPEND ? list_append(config, key, before, text) : list_subtract(config, key, before, text);
}

/* "retention.ms is now 5, segment.ms is the broker's again", in the request's memory; empty: nothing differs. */
static struct slice difference(struct request *request, const struct properties *old, const struct properties *now)
{
    struct slice text = slice_of("", 0);

    for (size_t i = 0; i < now->count; i++) {
        const char *before = properties_get(old, now->items[i].key);

        if (before == NULL || strcmp(before, now->items[i].value) != 0)
            text = request_format(request, "%.*s%s%s is now %s", (int)text.size, (const char *)text.data, text.size == 0 ? "" : ", ", now->items[i].key, now->items[i].value);
    }
    for (size_t i = 0; i < old->count; i++) {
        if (properties_get(now, old->items[i].key) == NULL)
            text = request_format(request, "%.*s%s%s is the broker's again", (int)text.size, (const char *)text.data, text.size == 0 ? "" : ", ", old->items[i].key);
    }
    return text;
}

/* Checks the topic's new configuration and has it written. */
static void topic_alter(struct alter *alter, int32_t index, struct topic *topic, const struct properties *config, bool validate_only)
{
    struct request *request = alter->request;
    struct alter_change *change;
    struct properties old;
    struct error error;
    enum status status = config_topic_check(config, &error);

    if (status != OK) {
        row_refuse(alter, index, status, error.message);
        return;
    }
    if (validate_only)
        return;
    change = arena_new(&request->arena, sizeof(*change));
    topic_config_copy(topic, &old);
    *change = (struct alter_change){alter, index, request_format(request, "%s", topic_name(topic)), difference(request, &old, config)};
    properties_finish(&old);
    alter->left++;
    store_topic_set_config(request->broker->store, slice_from_string(topic_name(topic)), config, task_done,
                           task_create(request, on_altered, change));
}

static struct topic *resource_topic(struct alter *alter, int32_t index, struct slice name)
{
    struct topic *topic = store_topic_find(alter->request->broker->store, name);
    struct error error;

    if (topic != NULL)
        return topic;
    if (topic_name_check(name, &error) == OK)
        (void)error_set(&error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "The topic '%.*s' does not exist.", (int)name.size,
                        (const char *)name.data);
    row_refuse(alter, index, error.status, error.message);
    return NULL;
}

/* Nothing of the broker can be changed while it runs. */
static void broker_alter(struct alter *alter, int32_t index, struct slice name, const struct slice *keys, int32_t key_count)
{
    struct buffer text = {.size_max = 65536};
    struct error error;

    if (broker_name_check(alter->request, name, &error) != OK) {
        row_refuse(alter, index, ERROR_INVALID_REQUEST, error.message);
        return;
    }
    if (key_count == 0)
        return;
    buffer_append_string(&text, "Cannot update these configs dynamically: [");
    for (int32_t i = 0; i < key_count; i++)
        buffer_append_format(&text, "%s%.*s", i == 0 ? "" : ", ", (int)keys[i].size, (const char *)keys[i].data);
    buffer_append_string(&text, "]");
    buffer_append_u8(&text, '\0');
    row_refuse(alter, index, ERROR_INVALID_REQUEST, text.failed ? "Cannot update these configs dynamically" : (const char *)text.data);
    buffer_finish(&text);
}

static struct alter *alter_create(struct request *request, const struct kafka_incremental_alter_configs_request *asked)
{
    struct alter *alter = arena_new(&request->arena, sizeof(*alter));
    struct kafka_alter_configs_response_resource *rows = arena_new_array(&request->arena, (size_t)asked->resources.count, sizeof(*rows));

    for (int32_t i = 0; i < asked->resources.count; i++) {
        rows[i].resource_type = asked->resources.items[i].resource_type;
        rows[i].resource_name = asked->resources.items[i].resource_name;
    }
    alter->request = request;
    alter->response.responses.items = rows;
    alter->response.responses.count = asked->resources.count;
    alter->left = 1;
    return alter;
}

/* Gives every row after the first of a resource, and that one too, an error. */
static void rows_refuse_repeated(struct alter *alter)
{
    struct kafka_alter_configs_response_resource *rows = alter->response.responses.items;
    struct map seen; /* type and name -> the first row */

    map_init(&seen);
    for (int32_t i = 0; i < alter->response.responses.count; i++) {
        struct slice key = request_format(alter->request, "%d %.*s", rows[i].resource_type, (int)rows[i].resource_name.size,
                                          (const char *)rows[i].resource_name.data);
        const struct kafka_alter_configs_response_resource *first = map_get(&seen, key);

        if (first == NULL) {
            (void)map_put(&seen, key, &rows[i]);
            continue;
        }
        row_refuse(alter, i, ERROR_INVALID_REQUEST, "Each resource must appear at most once.");
        row_refuse(alter, (int32_t)(first - rows), ERROR_INVALID_REQUEST, "Each resource must appear at most once.");
    }
    map_finish(&seen);
}

/* What can be said before looking at the settings. True when the row is done. */
static bool row_begin(struct alter *alter, int32_t index)
{
    const struct kafka_alter_configs_response_resource *row = &alter->response.responses.items[index];

    if (row->error_code != 0)
        return true;
    if (row->resource_type != RESOURCE_TOPIC && row->resource_type != RESOURCE_BROKER) {
        row_refuse(alter, index, ERROR_INVALID_REQUEST, "Only the settings of topics can be altered; groups and client metrics have none here.");
        return true;
    }
    return false;
}

static enum status changes_apply(struct request *request, const struct kafka_incremental_alter_configs_request_resource *resource,
                                     struct properties *config, struct error *error)
{
    enum status status = OK;
    struct map seen;

    map_init(&seen);
    for (int32_t i = 0; i < resource->configs.count && status == OK; i++) {
        const struct kafka_incremental_alter_configs_request_config *change = &resource->configs.items[i];

        if (map_put(&seen, change->name, request) != NULL)
            status = error_set(error, ERROR_INVALID_REQUEST, "Error due to duplicate config keys");
        else
            status = operation_apply(request, config, change->config_operation, change->name, change->value, error);
    }
    map_finish(&seen);
    return status;
}

/* replaces: what is not named goes back to its default. */
static void resource_alter(struct alter *alter, int32_t index, const struct kafka_incremental_alter_configs_request_resource *resource,
                           bool validate_only, bool replaces)
{
    struct request *request = alter->request;
    struct properties config;
    struct topic *topic;
    struct error error;
    enum status status;

    if (resource->resource_type == RESOURCE_BROKER) {
        struct slice *keys = arena_new_array(&request->arena, (size_t)resource->configs.count, sizeof(*keys));

        for (int32_t i = 0; i < resource->configs.count; i++)
            keys[i] = resource->configs.items[i].name;
        broker_alter(alter, index, resource->resource_name, keys, resource->configs.count);
        return;
    }
    topic = resource_topic(alter, index, resource->resource_name);
    if (topic == NULL)
        return;
    if (replaces)
        properties_init(&config);
    else
        topic_config_copy(topic, &config);
    status = changes_apply(request, resource, &config, &error);
    if (status == OK)
        topic_alter(alter, index, topic, &config, validate_only);
    else
        row_refuse(alter, index, status, error.message);
    properties_finish(&config);
    topic_release(topic);
}

static void resources_alter(struct request *request, const struct kafka_incremental_alter_configs_request *asked, bool replaces)
{
    struct alter *alter = alter_create(request, asked);

    rows_refuse_repeated(alter);
    for (int32_t i = 0; i < asked->resources.count; i++) {
        if (!row_begin(alter, i))
            resource_alter(alter, i, &asked->resources.items[i], asked->validate_only, replaces);
    }
    alter_one_less(alter);
}

void handle_incremental_alter_configs(struct request *request)
{
    resources_alter(request, request->decoded, false);
}

void handle_alter_configs(struct request *request)
{
    const struct kafka_alter_configs_request *from = request->decoded;
    struct kafka_incremental_alter_configs_request asked = {.validate_only = from->validate_only};

    asked.resources.count = from->resources.count;
    asked.resources.items = arena_new_array(&request->arena, (size_t)from->resources.count, sizeof(*asked.resources.items));
    for (int32_t i = 0; i < from->resources.count; i++) {
        const struct kafka_alter_configs_request_resource *resource = &from->resources.items[i];
        struct kafka_incremental_alter_configs_request_config *configs =
            arena_new_array(&request->arena, (size_t)resource->configs.count, sizeof(*configs));

        for (int32_t j = 0; j < resource->configs.count; j++)
            configs[j] = (struct kafka_incremental_alter_configs_request_config){resource->configs.items[j].name, OPERATION_SET,
                                                                                 resource->configs.items[j].value};
        asked.resources.items[i].resource_type = resource->resource_type;
        asked.resources.items[i].resource_name = resource->resource_name;
        asked.resources.items[i].configs.items = configs;
        asked.resources.items[i].configs.count = resource->configs.count;
    }
    resources_alter(request, &asked, true);
}
