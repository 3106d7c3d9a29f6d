/* kafka-delete-records: deletes the records of partitions before an offset. Source: Apache Kafka's DeleteRecordsCommand */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "os/clock.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/offsets.h"
#include "tools/settings.h"
#include "wire/kafka/messages_topic.h"

#include <jansson.h>

#define PAGE_PARTITIONS 2000
#define REQUEST_TIMEOUT_MS 30000
#define CODE_PENDING INT16_MAX
#define ADMIN_FAILURE "org.apache.kafka.tools.AdminOperationException"
#define COMMAND_FAILURE "org.apache.kafka.tools.AdminCommandFailedException"

static const struct argument_spec specs[] = {
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server(s) to use for bootstrapping",
     .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "command config property file path", .help = "File with client settings."},
    {.name = "offset-json-file", .argument = ARGUMENT_REQUIRED, .value = "Offset json file path",
     .help = "REQUIRED: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1, \"offset\": 1}], \"version\": 1}"},
    ARGUMENTS_COMMON,
    {0},
};

struct deletion {
    struct topic_partition of;
    int64_t offset; /* wanted */
    int64_t low_watermark;
    int16_t code;
    int tries;
};

struct delete_records {
    struct arena *arena;
    struct arguments options;
    struct client *client;
    struct deletion *items;
    size_t count;
    int64_t began_ms;
};

/* ---- The file ---- */

static const struct failure *field_missing(struct delete_records *tool, const char *name)
{
    return failure_of(tool->arena, "com.fasterxml.jackson.databind.JsonMappingException", "No such field exists: `%s`", name);
}

static const struct failure *field_wrong(struct delete_records *tool, const char *kind, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const struct failure *failure =
        failure_of(tool->arena, "com.fasterxml.jackson.databind.JsonMappingException", "Expected `%s` value, received %s", kind, text);

    free(text);
    return failure;
}

static const struct failure *item_read(struct delete_records *tool, const json_t *from, struct deletion *item)
{
    const json_t *topic = json_object_get(from, "topic");
    const json_t *partition = json_object_get(from, "partition");
    const json_t *offset = json_object_get(from, "offset");

    if (topic == NULL || partition == NULL || offset == NULL)
        return field_missing(tool, topic == NULL ? "topic" : partition == NULL ? "partition" : "offset");
    if (!json_is_string(topic))
        return field_wrong(tool, "String", topic);
    if (!json_is_integer(partition) || json_integer_value(partition) != (int32_t)json_integer_value(partition))
        return field_wrong(tool, "Integer", partition);
    if (!json_is_integer(offset))
        return field_wrong(tool, "Long", offset);
    item->of.topic = arena_copy(tool->arena, slice_of(json_string_value(topic), json_string_length(topic)));
    item->of.partition = (int32_t)json_integer_value(partition);
    item->offset = json_integer_value(offset);
    return NULL;
}

static const struct failure *document_read(struct delete_records *tool, const json_t *document)
{
    const json_t *version = json_object_get(document, "version");
    const json_t *partitions = json_object_get(document, "partitions");
    const struct failure *failure = NULL;

    if (version != NULL && !json_is_integer(version))
        return field_wrong(tool, "Integer", version);
    if (version != NULL && json_integer_value(version) != 1)
        return failure_of(tool->arena, ADMIN_FAILURE, "Not supported version field value %lld", (long long)json_integer_value(version));
    if (partitions == NULL)
        return failure_of(tool->arena, ADMIN_FAILURE, "Missing partitions field");
    tool->items = arena_new_array(tool->arena, json_array_size(partitions) + 1, sizeof(*tool->items));
    for (size_t i = 0; i < json_array_size(partitions) && failure == NULL; i++)
        failure = item_read(tool, json_array_get(partitions, i), &tool->items[tool->count++]);
    return failure;
}

static const struct failure *duplicates_check(struct delete_records *tool)
{
    const char *list = "";

    for (size_t i = 0; i < tool->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (tool->items[i].of.partition == tool->items[j].of.partition && slice_equal(tool->items[i].of.topic, tool->items[j].of.topic))
                list = arena_format(tool->arena, "%s%s%.*s-%d", list, *list == '\0' ? "" : ",", (int)tool->items[i].of.topic.size,
                                    (const char *)tool->items[i].of.topic.data, tool->items[i].of.partition);
        }
    }
    if (*list == '\0')
        return NULL;
    return failure_of(tool->arena, COMMAND_FAILURE, "Offset json file contains duplicate topic partitions: %s", list);
}

static const struct failure *file_read(struct delete_records *tool)
{
    const char *path = NULL;
    struct slice content;
    json_t *document;
    const struct failure *failure = arguments_text(&tool->options, "offset-json-file", &path);

    if (failure != NULL)
        return failure;
    failure = settings_read_file(tool->arena, path, &content);
    if (failure != NULL)
        return failure_caused(tool->arena, failure, "java.io.IOException", "Unable to read file %s", path);
    document = json_loadb((const char *)content.data, content.size, JSON_ALLOW_NUL, NULL);
    if (document == NULL)
        return failure_of(tool->arena, ADMIN_FAILURE, "The input string is not a valid JSON");
    failure = document_read(tool, document);
    json_decref(document);
    return failure != NULL ? failure : duplicates_check(tool);
}

/* ---- Deleting ---- */

static void answer_take(struct delete_records *tool, const struct kafka_delete_records_response *response)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        for (int32_t j = 0; j < response->topics.items[i].partitions.count; j++) {
            const struct kafka_delete_records_response_partition *given = &response->topics.items[i].partitions.items[j];

            for (size_t k = 0; k < tool->count; k++) {
                if (tool->items[k].of.partition != given->partition_index || !slice_equal(tool->items[k].of.topic, response->topics.items[i].name))
                    continue;
                tool->items[k].low_watermark = given->low_watermark;
                tool->items[k].code = status_is_retriable(status_from_kafka_code(given->error_code)) ? CODE_PENDING : given->error_code;
            }
        }
    }
}

static const struct failure *leader_ask(struct delete_records *tool, int32_t leader, const int32_t *leaders)
{
    struct kafka_delete_records_request request;
    struct kafka_delete_records_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_delete_records_request_message, &request);
    request.timeout_ms = REQUEST_TIMEOUT_MS;
    request.topics.items = arena_new_array(tool->arena, tool->count, sizeof(*request.topics.items));
    for (size_t i = 0; i < tool->count; i++) {
        struct kafka_delete_records_request_topic *topic = &request.topics.items[request.topics.count];
        struct kafka_delete_records_request_partition *partition;

        if (leaders[i] != leader || tool->items[i].code != CODE_PENDING)
            continue;
        partition = arena_new(tool->arena, sizeof(*partition));
        wire_init_defaults(&kafka_delete_records_request_topic_message, topic);
        wire_init_defaults(&kafka_delete_records_request_partition_message, partition);
        partition->partition_index = tool->items[i].of.partition;
        partition->offset = tool->items[i].offset;
        topic->name = tool->items[i].of.topic;
        topic->partitions.items = partition;
        topic->partitions.count = 1;
        request.topics.count++;
    }
    failure = client_call(tool->client, leader, "deleteRecords(api=DELETE_RECORDS)", KAFKA_DELETE_RECORDS, &request, &response, tool->arena);
    if (failure == NULL)
        answer_take(tool, &response);
    return failure;
}

static const struct failure *leaders_find(struct delete_records *tool, int32_t *leaders)
{
    struct slice *names = arena_new_array(tool->arena, tool->count + 1, sizeof(*names));
    struct topic_description *topics;
    const struct failure *failure;
    size_t count = 0;

    for (size_t i = 0; i < tool->count; i++) {
        size_t at = 0;

        while (at < count && !slice_equal(names[at], tool->items[i].of.topic))
            at++;
        if (at == count)
            names[count++] = tool->items[i].of.topic;
    }
    failure = admin_describe_topics(tool->client, tool->arena, names, count, PAGE_PARTITIONS, &topics);
    for (size_t i = 0; i < tool->count && failure == NULL; i++) {
        size_t at = 0;

        while (!slice_equal(topics[at].name, tool->items[i].of.topic))
            at++;
        leaders[i] = -1;
        tool->items[i].tries++;
        for (size_t j = 0; j < topics[at].partition_count; j++) {
            if (topics[at].partitions[j].index == tool->items[i].of.partition)
                leaders[i] = topics[at].partitions[j].leader;
        }
    }
    return failure;
}

static bool any_pending(const struct delete_records *tool)
{
    for (size_t i = 0; i < tool->count; i++) {
        if (tool->items[i].code == CODE_PENDING)
            return true;
    }
    return false;
}

/* Until every partition has an answer; a partition that is not there is waited for, as long as a call may take. */
static const struct failure *records_delete(struct delete_records *tool)
{
    int32_t *leaders = arena_new_array(tool->arena, tool->count + 1, sizeof(*leaders));
    int64_t deadline_ms = clock_monotonic_ms() + client_api_timeout_ms(tool->client);
    const struct failure *failure = NULL;

    tool->began_ms = clock_now_ms();
    for (size_t i = 0; i < tool->count; i++)
        tool->items[i].code = CODE_PENDING;
    while (any_pending(tool) && failure == NULL && clock_monotonic_ms() < deadline_ms) {
        failure = leaders_find(tool, leaders);
        for (size_t i = 0; i < tool->count && failure == NULL; i++) {
            if (tool->items[i].code == CODE_PENDING && leaders[i] >= 0)
                failure = leader_ask(tool, leaders[i], leaders);
        }
        if (any_pending(tool) && failure == NULL)
            client_pause(tool->client, client_retry_backoff_ms(tool->client));
    }
    return failure;
}

/* ---- Telling ---- */

static void item_print(struct delete_records *tool, const struct deletion *item)
{
    int size = (int)item->of.topic.size;
    const char *topic = (const char *)item->of.topic.data;
    int64_t deadline_ms = tool->began_ms + client_api_timeout_ms(tool->client);

    (void)printf("partition: %.*s-%d\t", size, topic, item->of.partition);
    if (item->code == 0) {
        (void)printf("low_watermark: %lld\n", (long long)item->low_watermark);
    } else if (item->code == CODE_PENDING) {
        (void)printf("error: " FAILURE_TIMEOUT ": Call(callName=deleteRecords(api=METADATA), deadlineMs=%lld, tries=%d, nextAllowedTryMs=%lld) "
                     "timed out at %lld after %d attempt(s)\n",
                     (long long)deadline_ms, item->tries, (long long)clock_now_ms(), (long long)clock_now_ms(), item->tries);
    } else {
        (void)printf("error: %s\n", failure_text(tool->arena, failure_from_kafka(tool->arena, item->code, slice_null())));
        console_log("ERROR", "org.apache.kafka.clients.admin.internals.DeleteRecordsHandler",
                    "%sDeleteRecords request for topic partition %.*s-%d failed due to an unexpected error %s", client_log_prefix(tool->client), size,
                    topic, item->of.partition, status_name(status_from_kafka_code(item->code)));
    }
}

static void items_print(struct delete_records *tool)
{
    struct topic_partition *partitions = arena_new_array(tool->arena, tool->count + 1, sizeof(*partitions));
    size_t *order;

    for (size_t i = 0; i < tool->count; i++)
        partitions[i] = tool->items[i].of;
    order = offsets_map_order(tool->arena, partitions, tool->count);
    for (size_t i = 0; i < tool->count; i++)
        item_print(tool, &tool->items[order[i]]);
}

static int delete_records_run(struct arena *arena, int argc, char **argv)
{
    struct delete_records tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure == NULL &&
        arguments_help_or_version(&tool.options, "This tool helps to delete records of the given partitions down to the specified offset.", &exit_code))
        return exit_code;
    if (failure == NULL)
        failure = arguments_require(&tool.options, "bootstrap-server", "offset-json-file", NULL);
    if (failure != NULL && failure->class_name == NULL)
        return arguments_print_usage(&tool.options, failure->message);
    if (failure == NULL)
        failure = admin_open(&tool.options, NULL, &tool.client);
    if (failure == NULL)
        failure = file_read(&tool);
    if (failure == NULL) {
        (void)puts("Executing records delete operation\nRecords delete operation completed:");
        (void)fflush(stdout);
        failure = records_delete(&tool);
    }
    if (failure == NULL)
        items_print(&tool);
    else
        exit_code = console_print_fatal(stderr, failure);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_delete_records_main(int argc, char **argv)
{
    return command_run(argc, argv, delete_records_run);
}
