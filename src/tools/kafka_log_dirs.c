/* kafka-log-dirs: what lies in the log directories of brokers. Source: Apache Kafka's LogDirsCommand */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/offsets.h"
#include "wire/kafka/messages_cluster.h"

#include <jansson.h>

static const struct argument_spec specs[] = {
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "The server(s) to use for bootstrapping",
     .help = "REQUIRED: the brokers to connect to."},
    {.name = "broker-list", .argument = ARGUMENT_REQUIRED, .value = "Broker list", .help = "Only these brokers: ids, with commas.", .default_value = ""},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "Admin client property file", .help = "File with client settings."},
    {.name = "describe", .help = "REQUIRED: describe the directories."},
    {.name = "topic-list", .argument = ARGUMENT_REQUIRED, .value = "Topic list", .help = "Only these topics, with commas.", .default_value = ""},
    ARGUMENTS_COMMON,
    {0},
};

struct log_dirs {
    struct arena *arena;
    struct arguments options;
    struct client *client;
    const char *topics;
    const char *brokers;
};

static bool list_has(const char *list, struct slice name)
{
    struct slice rest = slice_from_string(list), field;

    while (text_next_field(&rest, ',', &field)) {
        if (slice_equal(field, name))
            return true;
    }
    return false;
}

static bool list_is_empty(const char *list)
{
    return list[strspn(list, ",")] == '\0';
}

/* Is the broker asked for? All are, when none is named. */
static bool broker_is_wanted(const struct log_dirs *tool, int32_t id)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", id);
    return list_is_empty(tool->brokers) || list_has(tool->brokers, slice_from_string(text));
}

/* ids, with commas. wanted: only those that are asked for */
static const char *ids_text(struct log_dirs *tool, bool wanted)
{
    const char *text = "";

    for (size_t i = 0; i < client_node_count(tool->client); i++) {
        int32_t id = client_node_at(tool->client, i)->id;

        if (!wanted || broker_is_wanted(tool, id))
            text = arena_format(tool->arena, "%s%s%d", text, *text == '\0' ? "" : ",", id);
    }
    return text;
}

static const struct failure *brokers_check(struct log_dirs *tool)
{
    struct slice rest = slice_from_string(tool->brokers), field;
    const char *missing = "";

    while (text_next_field(&rest, ',', &field)) {
        int32_t id = 0;
        const struct failure *failure;

        if (field.size == 0)
            continue;
        failure = arguments_parse_int(tool->arena, arena_copy_string(tool->arena, field), &id);
        if (failure != NULL)
            return failure;
        if (client_node_find(tool->client, id) == NULL)
            missing = arena_format(tool->arena, "%s%s%d", missing, *missing == '\0' ? "" : ",", id);
    }
    if (*missing == '\0')
        return NULL;
    return failure_usage(tool->arena, "ERROR: The given brokers do not exist from --broker-list: %s. Current existent brokers: %s", missing,
                         ids_text(tool, false));
}

/* The partitions of a directory in the order of Java's map of them. */
static json_t *partitions_json(struct log_dirs *tool, const struct kafka_describe_log_dirs_response_result *dir)
{
    json_t *list = json_array();
    size_t count = 0, room = 0;
    struct topic_partition *names;
    const struct kafka_describe_log_dirs_response_partition **partitions;
    size_t *order;

    for (int32_t i = 0; i < dir->topics.count; i++)
        room += (size_t)dir->topics.items[i].partitions.count;
    names = arena_new_array(tool->arena, room + 1, sizeof(*names));
    partitions = arena_new_array(tool->arena, room + 1, sizeof(*partitions));
    for (int32_t i = 0; i < dir->topics.count; i++) {
        const struct kafka_describe_log_dirs_response_topic *topic = &dir->topics.items[i];

        for (int32_t j = 0; j < topic->partitions.count && (list_is_empty(tool->topics) || list_has(tool->topics, topic->name)); j++) {
            names[count] = (struct topic_partition){topic->name, topic->partitions.items[j].partition_index};
            partitions[count++] = &topic->partitions.items[j];
        }
    }
    order = offsets_map_order(tool->arena, names, count);
    for (size_t i = 0; i < count; i++) {
        const struct topic_partition *name = &names[order[i]];
        const struct kafka_describe_log_dirs_response_partition *partition = partitions[order[i]];

        (void)json_array_append_new(
            list, json_pack("{s:o, s:I, s:I, s:b}", "partition",
                            json_sprintf("%.*s-%d", (int)name->topic.size, (const char *)name->topic.data, name->partition), "size",
                            (json_int_t)partition->partition_size, "offsetLag", (json_int_t)partition->offset_lag, "isFuture",
                            (int)partition->is_future_key));
    }
    return list;
}

static const struct failure *broker_json(struct log_dirs *tool, int32_t id, json_t *brokers)
{
    struct kafka_describe_log_dirs_request request;
    struct kafka_describe_log_dirs_response response;
    const struct failure *failure;
    json_t *dirs;

    wire_init_defaults(&kafka_describe_log_dirs_request_message, &request);
    request.topics.count = -1;
    failure = client_call(tool->client, id, "describeLogDirs", KAFKA_DESCRIBE_LOG_DIRS, &request, &response, tool->arena);
    if (failure == NULL && response.error_code != 0)
        failure = failure_from_kafka(tool->arena, response.error_code, slice_null());
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    dirs = json_array();
    for (int32_t i = 0; i < response.results.count; i++) {
        const struct kafka_describe_log_dirs_response_result *dir = &response.results.items[i];
        const char *error = dir->error_code == 0 ? NULL : failure_from_kafka(tool->arena, dir->error_code, slice_null())->class_name;

        (void)json_array_append_new(dirs, json_pack("{s:o, s:s?, s:s%}", "partitions", partitions_json(tool, dir), "error", error, "logDir",
                                                    (const char *)dir->log_dir.data, dir->log_dir.size));
    }
    (void)json_array_append_new(brokers, json_pack("{s:i, s:o}", "broker", id, "logDirs", dirs));
    return NULL;
}

static const struct failure *log_dirs_print(struct log_dirs *tool)
{
    const struct failure *failure = client_find_nodes(tool->client, "listNodes");
    json_t *brokers, *whole;
    char *text;

    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    failure = brokers_check(tool);
    if (failure != NULL)
        return failure;
    (void)puts("Querying brokers for log directories information");
    (void)fflush(stdout);
    brokers = json_array();
    for (size_t i = 0; failure == NULL && i < client_node_count(tool->client); i++) {
        int32_t id = client_node_at(tool->client, i)->id;

        if (broker_is_wanted(tool, id))
            failure = broker_json(tool, id, brokers);
    }
    whole = json_pack("{s:o, s:i}", "brokers", brokers, "version", 1);
    text = json_dumps(whole, JSON_COMPACT);
    json_decref(whole);
    if (failure == NULL && text == NULL)
        failure = failure_of(tool->arena, FAILURE_RUNTIME, "a directory's name is not UTF-8");
    if (failure == NULL)
        (void)printf("Received log directory information from brokers %s\n%s\n", ids_text(tool, true), text);
    free(text);
    return failure;
}

static int log_dirs_run(struct arena *arena, int argc, char **argv)
{
    struct log_dirs tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure == NULL &&
        arguments_help_or_version(&tool.options, "This tool helps to query log directory usage on the specified brokers.", &exit_code))
        return exit_code;
    if (failure == NULL)
        failure = arguments_require(&tool.options, "bootstrap-server", "describe", NULL);
    if (failure != NULL && failure->class_name == NULL)
        return arguments_print_usage(&tool.options, failure->message);
    if (failure == NULL)
        failure = arguments_text(&tool.options, "topic-list", &tool.topics);
    if (failure == NULL)
        failure = arguments_text(&tool.options, "broker-list", &tool.brokers);
    if (failure == NULL)
        failure = admin_open(&tool.options, "log-dirs-tool", &tool.client);
    if (failure == NULL)
        failure = log_dirs_print(&tool);
    exit_code = console_print_end(failure);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_log_dirs_main(int argc, char **argv)
{
    return command_run(argc, argv, log_dirs_run);
}
