#include "web/api.h"

#include "base/banned.h"
#include "base/text.h"
#include "store/batch.h"
#include "web/gone.h"
#include "web/schema_book.h"
#include "web/words.h"
#include "wire/kafka/messages_config.h"
#include "wire/kafka/messages_topic.h"

#include <math.h>

enum { CREATE_TOPICS_VERSION = 7, DELETE_TOPICS_VERSION = 5, CREATE_PARTITIONS_VERSION = 3, DELETE_RECORDS_VERSION = 2, DESCRIBE_CONFIGS_VERSION = 4,
       ALTER_CONFIGS_VERSION = 1 };
enum { RESOURCE_TOPIC = 2, CONFIG_FROM_TOPIC = 1, CONFIG_FROM_DEFAULT = 5, CONFIG_SET = 0, CONFIG_DELETE = 1 };

#define SOURCES_BYTES_MAX ((size_t)64 << 20)
#define CHANGE_TIMEOUT_MS 10000

/* ---- What the store knows ---- */

bool batch_header_at(struct partition *partition, int64_t offset, struct batch *batch)
{
    struct range range;
    uint8_t header[BATCH_HEADER_BYTES];
    bool found = false;

    if (partition_range(partition, offset, 1, false, &range, NULL) != OK)
        return false;
    if (range.size >= sizeof(header)) {
        range.size = sizeof(header);
        found = range_read(&range, header, NULL) == OK && batch_read(slice_of(header, sizeof(header)), batch);
    }
    range_release(&range);
    return found;
}

/* When the newest record came, in ms; -1 for an empty partition. */
static int64_t newest_ms(struct partition *partition)
{
    int64_t end = partition_end(partition);
    struct batch batch;

    return end > partition_start(partition) && batch_header_at(partition, end - 1, &batch) ? batch.max_timestamp : -1;
}

bool topic_name_is_own(const char *name)
{
    return strncmp(name, "__", 2) == 0 || strncmp(name, "connect-", 8) == 0 || strncmp(name, "tailrace-", 9) == 0;
}

static const char *kind_of(const struct topic *topic, const json_t *sources)
{
    const char *name = topic_name(topic);
    size_t size = strlen(name);

    if (topic_is_internal(topic) || topic_name_is_own(name))
        return "internal";
    if (json_object_get(sources, name) != NULL)
        return "table";
    return size > 7 && strcmp(name + size - 7, ".alerts") == 0 ? "alerts" : "plain";
}

static json_t *policy_of(const struct topic *topic)
{
    struct properties config;
    const char *policy;
    json_t *text;

    topic_config_copy(topic, &config);
    policy = properties_get(&config, "cleanup.policy");
    text = json_string(policy != NULL ? policy : topic_is_compacted(topic) ? "compact" : "delete");
    properties_finish(&config);
    return text;
}

/* sources: which connector writes to a topic, by the topic's name. */
static json_t *item_make(struct api *api, struct topic *topic, const json_t *sources)
{
    int64_t messages = 0, bytes = 0, last_ms = -1, kept_ms = topic_config_number(topic, "retention.ms");
    int32_t count = topic_partition_count(topic);
    json_t *item = json_object();

    for (int32_t i = 0; i < count; i++) {
        struct partition *partition = topic_partition(topic, i);
        int64_t newest = newest_ms(partition);

        messages += partition_end(partition) - partition_start(partition);
        bytes += partition_bytes(partition);
        last_ms = newest > last_ms ? newest : last_ms;
    }
    json_put(item, "name", json_string(topic_name(topic)));
    json_put(item, "kind", json_string(kind_of(topic, sources)));
    json_put(item, "partitions", json_integer(count));
    json_put(item, "messages", json_integer(messages));
    json_put(item, "bytes", json_integer(bytes));
    json_put(item, "in_per_s", json_real_or_null(sampler_rate(api_sampler(api), "topic:", topic_name(topic))));
    json_put(item, "readers", json_integer_or_null(sampler_readers(api_sampler(api), topic_name(topic))));
    json_put(item, "kept_ms", json_integer_or_null(kept_ms));
    json_put(item, "policy", policy_of(topic));
    json_put(item, "last_ms", json_integer_or_null(last_ms));
    return item;
}

/* Topic to connector, by the topics that the connectors have written to. */
static json_t *sources_make(struct api *api)
{
    json_t *sources = json_object(), *connectors, *connector, *topic;
    struct buffer text;
    size_t i, k;

    buffer_init(&text, SOURCES_BYTES_MAX);
    connect_describe(api_settings_of(api)->connect, &text);
    connectors = json_loadb((const char *)text.data, text.size, 0, NULL);
    buffer_finish(&text);
    json_array_foreach(connectors, i, connector) {
        json_array_foreach(json_object_get(connector, "topics"), k, topic)
            json_put(sources, json_string_value(topic), json_copy(json_object_get(connector, "name")));
    }
    json_decref(connectors);
    return sources;
}

/* ---- The list ---- */

/* A topic and what it is sorted by: thousands are sorted before anything is made of those that are shown. */
struct ranked {
    struct topic *topic;
    double number;
    int kind;
};

static int kind_rank(const struct topic *topic, const json_t *sources)
{
    static const char *const kinds[] = {"table", "plain", "alerts", "internal"};
    const char *kind = kind_of(topic, sources);
    int rank = 0;

    while (strcmp(kinds[rank], kind) != 0)
        rank++;
    return rank;
}

static double in_per_s(struct api *api, const struct topic *topic)
{
    double rate = sampler_rate(api_sampler(api), "topic:", topic_name(topic));

    return isnan(rate) ? -1 : rate;
}

/* What a topic is sorted by, as a number; 0 for names. Of several partitions their sum, or the newest. */
static double number_of(struct api *api, struct topic *topic, const char *sort)
{
    int32_t count = topic_partition_count(topic);
    double sum = 0;

    if (strcmp(sort, "partitions") == 0)
        return count;
    if (strcmp(sort, "in_per_s") == 0)
        return in_per_s(api, topic);
    if (strcmp(sort, "readers") == 0)
        return (double)sampler_readers(api_sampler(api), topic_name(topic));
    if (strcmp(sort, "kept_ms") == 0)
        return (double)topic_config_number(topic, "retention.ms");
    if (strcmp(sort, "policy") == 0)
        return topic_is_compacted(topic);
    for (int32_t i = 0; i < count; i++) {
        struct partition *partition = topic_partition(topic, i);
        double newest;

        if (strcmp(sort, "bytes") == 0) {
            sum += (double)partition_bytes(partition);
        } else if (strcmp(sort, "messages") == 0) {
            sum += (double)(partition_end(partition) - partition_start(partition));
        } else if (strcmp(sort, "last_ms") == 0) {
            newest = (double)newest_ms(partition);
            sum = newest > sum ? newest : sum;
        }
    }
    return sum;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(topic_name(((const struct ranked *)a)->topic), topic_name(((const struct ranked *)b)->topic));
}

static int by_number(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->number != y->number ? (x->number < y->number ? -1 : 1) : by_name(a, b);
}

static int by_kind(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->kind != y->kind ? x->kind - y->kind : by_name(a, b);
}

/* When nobody says otherwise: people's own first, the busy ones before the quiet. */
static int by_interest(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind - y->kind;
    return x->number != y->number ? (x->number > y->number ? -1 : 1) : by_name(a, b);
}

static struct ranked *topics_rank(struct api_call *call, struct topic **topics, size_t count, const char *sort, const json_t *sources)
{
    struct ranked *ranked = arena_new_array(call->arena, count + 1, sizeof(*ranked));
    bool is_default = sort == NULL, is_kind = !is_default && strcmp(sort, "kind") == 0;

    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){topics[i], number_of(call->api, topics[i], is_default ? "in_per_s" : sort), is_default || is_kind ? kind_rank(topics[i], sources) : 0};
    qsort(ranked, count, sizeof(*ranked), is_default ? by_interest : is_kind ? by_kind : strcmp(sort, "name") == 0 ? by_name : by_number);
    return ranked;
}

/* Those of the kind whose name has q in it stay; the others are let go. Gives how many stay. */
static size_t topics_filter(struct topic **all, size_t count, const char *kind, const char *q, const json_t *sources)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        bool fits = (kind == NULL || *kind == '\0' || strcmp(kind_of(all[i], sources), kind) == 0) && (q == NULL || *q == '\0' || strcasestr(topic_name(all[i]), q) != NULL);

        if (fits)
            all[kept++] = all[i];
        else
            topic_release(all[i]);
    }
    return kept;
}

void api_topics(struct api_call *call)
{
    struct api_page page = api_page_read(call);
    json_t *items = json_array(), *sources = sources_make(call->api);
    struct ranked *ranked;
    struct topic **all;
    size_t count;

    all = store_topics(api_settings_of(call->api)->store, call->arena, &count);
    count = topics_filter(all, count, api_query(call, "kind"), page.q, sources);
    ranked = topics_rank(call, all, count, page.sort, sources);
    for (size_t i = page.offset; i < count && i - page.offset < page.limit; i++)
        json_add(items, item_make(call->api, ranked[page.descending && page.sort != NULL ? count - 1 - i : i].topic, sources));
    for (size_t i = 0; i < count; i++)
        topic_release(all[i]);
    json_decref(sources);
    api_page_give(call, count, items);
}

/* ---- One topic ---- */

static json_t *partitions_make(struct api *api, struct topic *topic)
{
    json_t *partitions = json_array();
    int32_t count = topic_partition_count(topic);

    for (int32_t i = 0; i < count; i++) {
        struct partition *partition = topic_partition(topic, i);
        bool read_only = partition_is_read_only(partition);
        bool uncompactable = topic_is_compacted(topic) && partition_cleaning_failure(partition, NULL);
        int64_t first = partition_start(partition), end = partition_end(partition);
        json_t *item = json_object();

        json_put(item, "partition", json_integer(i));
        json_put(item, "first", json_integer(first));
        json_put(item, "end", json_integer(end));
        json_put(item, "messages", json_integer(end - first));
        json_put(item, "bytes", json_integer(partition_bytes(partition)));
        json_put(item, "in_per_s", count == 1 ? json_real_or_null(sampler_rate(api_sampler(api), "topic:", topic_name(topic))) : json_null());
        json_put(item, "segments", json_integer(partition_segment_count(partition)));
        json_put(item, "last_ms", json_integer_or_null(newest_ms(partition)));
        json_put(item, "compacted_end", topic_is_compacted(topic) ? json_integer(partition_compacted_end(partition)) : json_null());
        json_put(item, "state", json_string(read_only ? "crit" : uncompactable ? "warn" : "ok"));
        json_put(item, "word", json_string(read_only ? "read-only after corruption" : uncompactable ? "cannot be compacted" : "good"));
        json_add(partitions, item);
    }
    return partitions;
}

static const char *unit_of(const char *name)
{
    size_t size = strlen(name);

    if (size > 3 && strcmp(name + size - 3, ".ms") == 0)
        return "ms";
    return size > 6 && strcmp(name + size - 6, ".bytes") == 0 ? "bytes" : NULL;
}

static json_t *config_entry(struct arena *arena, const struct kafka_describe_configs_response_config *config)
{
    struct slice default_value = slice_null();
    json_t *entry = json_object();
    const char *name = arena_copy_string(arena, config->name);

    for (int32_t i = 0; i < config->synonyms.count; i++) {
        if (config->synonyms.items[i].source == CONFIG_FROM_DEFAULT)
            default_value = config->synonyms.items[i].value;
    }
    json_put(entry, "name", json_string(name));
    json_put(entry, "value", json_slice(config->value));
    json_put(entry, "default", json_slice(default_value));
    json_put(entry, "source", json_string(config->config_source == CONFIG_FROM_TOPIC     ? "topic"
                                          : config->config_source == CONFIG_FROM_DEFAULT ? "default"
                                                                                         : "setting"));
    json_put(entry, "meaning", slice_is_null(config->documentation) ? json_string("") : json_slice(config->documentation));
    json_put(entry, "unit", json_text_or_null(unit_of(name)));
    json_put(entry, "read_only", json_boolean(config->read_only));
    return entry;
}

/* NULL with the error. */
static json_t *config_make(struct api *api, struct arena *arena, const char *name, struct error *error)
{
    struct kafka_describe_configs_request_resource resource = {RESOURCE_TOPIC, slice_from_string(name), {NULL, -1}};
    struct kafka_describe_configs_request request = {{&resource, 1}, true, true};
    struct kafka_describe_configs_response response;
    json_t *entries;

    if (api_ask_quietly(api, arena, KAFKA_DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION, &request, &response, error) != OK || response.results.count != 1)
        return NULL;
    entries = json_array();
    for (int32_t i = 0; i < response.results.items[0].configs.count; i++)
        json_add(entries, config_entry(arena, &response.results.items[0].configs.items[i]));
    return entries;
}

json_t *topic_make(struct api *api, struct arena *arena, const char *name)
{
    struct topic *topic = store_topic_find(api_settings_of(api)->store, slice_from_string(name));
    json_t *sources, *item, *whole, *config, *schema;
    const json_t *connector;

    if (topic == NULL)
        return NULL;
    sources = sources_make(api);
    item = item_make(api, topic, sources);
    connector = json_object_get(sources, name);
    json_put(item, "connector", connector == NULL ? json_null() : json_copy((json_t *)(uintptr_t)connector));
    schema = schema_book_newest(api_schemas(api), name);
    json_put(item, "table", schema == NULL ? json_null() : json_incref(json_object_get(schema, "table")));
    json_put(item, "schema_version", schema == NULL ? json_null() : json_incref(json_object_get(schema, "version")));
    json_decref(schema);
    config = config_make(api, arena, name, NULL);
    whole = json_pack("{s:o, s:o, s:o}", "topic", item, "partitions", partitions_make(api, topic), "config", config == NULL ? json_array() : config);
    topic_release(topic);
    json_decref(sources);
    return whole;
}

/* A reference, or NULL with the answer given. */
struct topic *api_topic_find(struct api_call *call, const char *name)
{
    struct topic *topic = store_topic_find(api_settings_of(call->api)->store, slice_from_string(name));

    if (topic == NULL)
        api_gone(call, "topic", name);
    return topic;
}

void api_topic(struct api_call *call)
{
    json_t *whole = topic_make(call->api, call->arena, call->parts[0]);

    if (whole == NULL)
        api_gone(call, "topic", call->parts[0]);
    else
        api_json(call, 200, whole);
}

/* ---- Changes ---- */

static const char *quoted(struct api_call *call, const char *text)
{
    return arena_format(call->arena, strpbrk(text, " '\"$\\") == NULL ? "%s" : "'%s'", text);
}

static void effect(struct api_call *call, json_t *text, const char *command)
{
    api_json(call, 200, json_pack("{s:o, s:o}", "effect", text, "command", json_text_or_null(command)));
}

/* The body's "config" (texts and numbers) as pairs; -1 with the answer given when a value is something else. */
static int32_t config_pairs(struct api_call *call, json_t *config, struct slice (**pairs)[2])
{
    int32_t count = 0;
    const char *name;
    json_t *value;

    *pairs = arena_new_array(call->arena, json_object_size(config) + 1, sizeof(**pairs));
    json_object_foreach(config, name, value) {
        const char *text = json_is_string(value) ? json_string_value(value) : NULL;

        if (json_is_integer(value))
            text = arena_format(call->arena, "%lld", (long long)json_integer_value(value));
        if (json_is_boolean(value))
            text = json_is_true(value) ? "true" : "false";
        if (text == NULL) {
            api_error(call, 400, "BAD_VALUE", arena_format(call->arena, "The value of %s is no text.", name), NULL, NULL);
            return -1;
        }
        (*pairs)[count][0] = arena_copy(call->arena, slice_from_string(name));
        (*pairs)[count++][1] = arena_copy(call->arena, slice_from_string(text));
    }
    return count;
}

void api_topic_create(struct api_call *call)
{
    const char *name = member_text(call->body, "name");
    int64_t partitions = member_integer(call->body, "partitions", -1);
    struct kafka_create_topics_request_topic topic = {slice_from_string(name), (int32_t)partitions, 1, {NULL, 0}, {NULL, 0}};
    struct kafka_create_topics_request request = {{&topic, 1}, CHANGE_TIMEOUT_MS, call->dry_run};
    struct kafka_create_topics_response response;
    struct slice(*pairs)[2];
    int32_t count = config_pairs(call, json_object_get(call->body, "config"), &pairs);

    if (count < 0)
        return;
    if (name == NULL || partitions < -1 || partitions > INT32_MAX) {
        api_error(call, 400, "BAD_TOPIC", "A topic needs a name, and a number of partitions.", NULL, NULL);
        return;
    }
    topic.configs.items = arena_new_array(call->arena, (size_t)count + 1, sizeof(*topic.configs.items));
    for (; topic.configs.count < count; topic.configs.count++)
        topic.configs.items[topic.configs.count] = (struct kafka_create_topics_request_config){pairs[topic.configs.count][0], pairs[topic.configs.count][1]};
    if (!api_ask(call, KAFKA_CREATE_TOPICS, CREATE_TOPICS_VERSION, &request, &response))
        return;
    if (response.topics.count != 1 || response.topics.items[0].error_code != 0) {
        api_kafka_failed(call, response.topics.count != 1 ? -1 : response.topics.items[0].error_code,
                         response.topics.count != 1 ? slice_null() : response.topics.items[0].error_message, arena_format(call->arena, "Topic %s was not created.", name));
        return;
    }
    if (call->dry_run) {
        effect(call, json_sprintf("Topic %s with %d partition%s is created.", name, response.topics.items[0].num_partitions, response.topics.items[0].num_partitions == 1 ? "" : "s"),
               arena_format(call->arena, "kafka-topics --bootstrap-server %s --create --topic %s --partitions %d", api_settings_of(call->api)->kafka, quoted(call, name),
                            response.topics.items[0].num_partitions));
        return;
    }
    api_changed(call, "info", name, arena_format(call->arena, "Topic %s was created.", name));
    api_json(call, 201, topic_make(call->api, call->arena, name));
}

/* What destroys something repeats the name, in the body or the query; false with the answer given. */
bool api_confirmed(struct api_call *call, const char *name)
{
    const char *confirm = member_text(call->body, "confirm");

    if (confirm == NULL)
        confirm = api_query(call, "confirm");
    if (confirm != NULL && strcmp(confirm, name) == 0)
        return true;
    api_error(call, 400, "NOT_CONFIRMED", "Nothing was changed.", "This cannot be taken back, and the name was not repeated.",
              arena_format(call->arena, "Send confirm=%s.", name));
    return false;
}

void api_topic_delete(struct api_call *call)
{
    const char *name = call->parts[0];
    struct slice names = slice_from_string(name);
    struct kafka_delete_topics_request request = {.topic_names = {&names, 1}, .timeout_ms = CHANGE_TIMEOUT_MS};
    struct kafka_delete_topics_response response;
    json_t *whole = topic_make(call->api, call->arena, name);
    const json_t *item = json_object_get(whole, "topic");
    int64_t messages = member_integer(item, "messages", 0), readers = member_integer(item, "readers", 0);

    if (whole == NULL) {
        api_gone(call, "topic", name);
    } else if (call->dry_run) {
        effect(call,
               json_string(arena_format(call->arena, "%s deleted. %s here.", words_are(call->arena, messages, "message"),
                                        readers == 0 ? "Nobody has a position" : readers == 1 ? "1 consumer has a position" : arena_format(call->arena, "%s consumers have positions", words_number(call->arena, readers)))),
               arena_format(call->arena, "kafka-topics --bootstrap-server %s --delete --topic %s", api_settings_of(call->api)->kafka, quoted(call, name)));
    } else if (api_confirmed(call, name) && api_ask(call, KAFKA_DELETE_TOPICS, DELETE_TOPICS_VERSION, &request, &response)) {
        if (response.responses.count == 1 && response.responses.items[0].error_code == 0) {
            api_deleted(call, "topic", name, arena_format(call->arena, "Topic %s with %s was deleted.", name, words_count(call->arena, messages, "message")));
            call->response->status = 204;
        } else {
            api_kafka_failed(call, response.responses.count == 1 ? response.responses.items[0].error_code : -1, slice_null(),
                             arena_format(call->arena, "Topic %s was not deleted.", name));
        }
    }
    json_decref(whole);
}

static const json_t *entry_find(const json_t *entries, const char *name)
{
    const json_t *entry;
    size_t index;

    json_array_foreach(entries, index, entry) {
        if (strcmp(member_text(entry, "name"), name) == 0)
            return entry;
    }
    return NULL;
}

static void change_add(json_t *changes, const json_t *before, const char *name, json_t *now)
{
    const json_t *entry = entry_find(before, name);
    const json_t *was = json_object_get(entry, "value");

    json_add(changes, json_pack("{s:s, s:o, s:o, s:n}", "name", name, "old", was == NULL ? json_null() : json_copy((json_t *)(uintptr_t)was), "new", now, "effect"));
}

void api_topic_config(struct api_call *call)
{
    const char *name = call->parts[0];
    const json_t *set = json_object_get(call->body, "set"), *unset = json_object_get(call->body, "unset");
    struct kafka_incremental_alter_configs_request_resource resource = {RESOURCE_TOPIC, slice_from_string(name), {NULL, 0}};
    struct kafka_incremental_alter_configs_request request = {{&resource, 1}, call->dry_run};
    struct kafka_incremental_alter_configs_response response;
    json_t *before, *changes = json_array();
    struct slice(*pairs)[2];
    struct error error;
    int32_t count = config_pairs(call, json_object_get(call->body, "set"), &pairs);
    struct topic *topic = count < 0 ? NULL : api_topic_find(call, name);

    if (topic == NULL) {
        json_decref(changes);
        return;
    }
    topic_release(topic);
    before = config_make(call->api, call->arena, name, &error);
    resource.configs.items = arena_new_array(call->arena, json_object_size(set) + json_array_size(unset) + 1, sizeof(*resource.configs.items));
    for (int32_t i = 0; i < count; i++) {
        resource.configs.items[resource.configs.count++] = (struct kafka_incremental_alter_configs_request_config){pairs[i][0], CONFIG_SET, pairs[i][1]};
        change_add(changes, before, (const char *)pairs[i][0].data, json_slice(pairs[i][1]));
    }
    for (size_t i = 0; i < json_array_size(unset); i++) {
        const char *one = json_string_value(json_array_get(unset, i));
        const json_t *default_value = one == NULL ? NULL : json_object_get(entry_find(before, one), "default");

        if (one == NULL)
            continue;
        resource.configs.items[resource.configs.count++] = (struct kafka_incremental_alter_configs_request_config){slice_from_string(one), CONFIG_DELETE, slice_null()};
        change_add(changes, before, one, default_value == NULL ? json_null() : json_copy((json_t *)(uintptr_t)default_value));
    }
    json_decref(before);
    if (!api_ask(call, KAFKA_INCREMENTAL_ALTER_CONFIGS, ALTER_CONFIGS_VERSION, &request, &response)) {
        json_decref(changes);
        return;
    }
    if (response.responses.count != 1 || response.responses.items[0].error_code != 0) {
        json_decref(changes);
        api_kafka_failed(call, response.responses.count == 1 ? response.responses.items[0].error_code : -1,
                         response.responses.count == 1 ? response.responses.items[0].error_message : slice_null(), "The configuration was not changed.");
        return;
    }
    for (size_t i = 0; i < json_array_size(changes) && !call->dry_run; i++) {
        const char *old = member_text(json_array_get(changes, i), "old"), *now = member_text(json_array_get(changes, i), "new");

        api_changed(call, "info", name, arena_format(call->arena, "Topic %s: %s is now %s (was %s).", name, member_text(json_array_get(changes, i), "name"),
                                                                  now == NULL ? "its default" : now, old == NULL ? "unset" : old));
    }
    api_json(call, 200, json_pack("{s:o}", "changes", changes));
}

void api_topic_partitions(struct api_call *call)
{
    const char *name = call->parts[0];
    int64_t count = member_integer(call->body, "count", 0);
    struct kafka_create_partitions_request_topic grown = {slice_from_string(name), count > INT32_MAX ? INT32_MAX : (int32_t)count, {NULL, -1}};
    struct kafka_create_partitions_request request = {{&grown, 1}, CHANGE_TIMEOUT_MS, call->dry_run};
    struct kafka_create_partitions_response response;
    struct topic *topic = api_topic_find(call, name);
    json_t *whole;

    if (topic == NULL)
        return;
    topic_release(topic);
    if (!api_ask(call, KAFKA_CREATE_PARTITIONS, CREATE_PARTITIONS_VERSION, &request, &response))
        return;
    if (response.results.count != 1 || response.results.items[0].error_code != 0) {
        api_kafka_failed(call, response.results.count == 1 ? response.results.items[0].error_code : -1,
                         response.results.count == 1 ? response.results.items[0].error_message : slice_null(), "No partitions were added.");
        return;
    }
    if (call->dry_run) {
        effect(call, json_sprintf("Topic %s has %lld partitions then. Keys go to other partitions from now on: their order to earlier messages is lost.", name, (long long)count),
               arena_format(call->arena, "kafka-topics --bootstrap-server %s --alter --topic %s --partitions %lld", api_settings_of(call->api)->kafka, quoted(call, name), (long long)count));
        return;
    }
    api_changed(call, "info", name, arena_format(call->arena, "Topic %s has %lld partitions now.", name, (long long)count));
    whole = topic_make(call->api, call->arena, name);
    api_json(call, 200, json_pack("{s:O}", "partitions", json_object_get(whole, "partitions")));
    json_decref(whole);
}

/* What is emptied: up to the offsets in "before", or everything. */
static int32_t empty_bounds(struct api_call *call, struct topic *topic, struct kafka_delete_records_request_topic *records, int64_t *messages)
{
    const json_t *before = json_object_get(call->body, "before");
    int32_t count = topic_partition_count(topic), used = 0;

    records->partitions.items = arena_new_array(call->arena, (size_t)count + 1, sizeof(*records->partitions.items));
    for (int32_t i = 0; i < count; i++) {
        const struct partition *partition = topic_partition(topic, i);
        int64_t offset = member_integer(before, arena_format(call->arena, "%d", i), before == NULL ? partition_end(partition) : -1);

        if (offset < 0)
            continue;
        *messages += offset > partition_start(partition) ? offset - partition_start(partition) : 0;
        records->partitions.items[used++] = (struct kafka_delete_records_request_partition){i, offset};
    }
    return records->partitions.count = used;
}

void api_topic_empty(struct api_call *call)
{
    const char *name = call->parts[0];
    struct kafka_delete_records_request_topic records = {slice_from_string(name), {NULL, 0}};
    struct kafka_delete_records_request request = {{&records, 1}, CHANGE_TIMEOUT_MS};
    struct kafka_delete_records_response response;
    struct topic *topic = api_topic_find(call, name);
    int64_t messages = 0;
    json_t *whole;

    if (topic == NULL)
        return;
    (void)empty_bounds(call, topic, &records, &messages);
    topic_release(topic);
    if (call->dry_run) {
        effect(call, json_string(arena_format(call->arena, "%s deleted.", words_are(call->arena, messages, "message"))), NULL);
        return;
    }
    if (!api_confirmed(call, name) || !api_ask(call, KAFKA_DELETE_RECORDS, DELETE_RECORDS_VERSION, &request, &response))
        return;
    for (int32_t i = 0; response.topics.count == 1 && i < response.topics.items[0].partitions.count; i++) {
        if (response.topics.items[0].partitions.items[i].error_code != 0) {
            api_kafka_failed(call, response.topics.items[0].partitions.items[i].error_code, slice_null(),
                             arena_format(call->arena, "Partition %d of %s was not emptied.", response.topics.items[0].partitions.items[i].partition_index, name));
            return;
        }
    }
    api_changed(call, "info", name, arena_format(call->arena, "Topic %s: %s deleted.", name, words_were(call->arena, messages, "message")));
    whole = topic_make(call->api, call->arena, name);
    api_json(call, 200, json_pack("{s:O}", "partitions", json_object_get(whole, "partitions")));
    json_decref(whole);
}
