/* kafka-broker-api-versions: which requests each broker takes, in which versions. Source: BrokerApiVersionsCommand */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/console.h"
#include "wire/kafka/messages_metadata.h"

static const struct argument_spec specs[] = {
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server(s) to use for bootstrapping",
     .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "command config property file", .help = "File with client settings."},
    ARGUMENTS_COMMON,
    {0},
};

#define KEY_MAX 127 /* the last request there may be */

/* What the tables of wire/kafka leave out; of these this program knows the names and what Kafka 4.3 can say. */
static const struct kafka_api others[] = {
    {34, "AlterReplicaLogDirs", 1, 2, 0, NULL, NULL},
    {38, "CreateDelegationToken", 1, 3, 0, NULL, NULL},
    {39, "RenewDelegationToken", 1, 2, 0, NULL, NULL},
    {40, "ExpireDelegationToken", 1, 2, 0, NULL, NULL},
    {41, "DescribeDelegationToken", 1, 3, 0, NULL, NULL},
    {64, "UnregisterBroker", 0, 0, 0, NULL, NULL},
    {77, "ShareGroupDescribe", 1, 1, 0, NULL, NULL},
    {80, "AddRaftVoter", 0, 1, 0, NULL, NULL},
    {81, "RemoveRaftVoter", 0, 0, 0, NULL, NULL},
    {83, "InitializeShareGroupState", 0, 0, 0, NULL, NULL},
    {84, "ReadShareGroupState", 0, 0, 0, NULL, NULL},
    {85, "WriteShareGroupState", 0, 1, 0, NULL, NULL},
    {86, "DeleteShareGroupState", 0, 0, 0, NULL, NULL},
    {87, "ReadShareGroupStateSummary", 0, 1, 0, NULL, NULL},
    {88, "StreamsGroupHeartbeat", 0, 0, 0, NULL, NULL},
    {89, "StreamsGroupDescribe", 0, 0, 0, NULL, NULL},
    {90, "DescribeShareGroupOffsets", 0, 1, 0, NULL, NULL},
    {91, "AlterShareGroupOffsets", 0, 0, 0, NULL, NULL},
    {92, "DeleteShareGroupOffsets", 0, 0, 0, NULL, NULL},
};

static const struct kafka_api *request_find(int16_t key)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].key == key)
            return &others[i];
    }
    return kafka_api_find(key);
}

static const char *range_text(struct arena *arena, int16_t min, int16_t max)
{
    return min == max ? arena_format(arena, "%d", min) : arena_format(arena, "%d to %d", min, max);
}

/* "Produce(0): 0 to 13 [usable: 13]"; versions NULL: the broker does not take it. */
static const char *request_text(struct arena *arena, int16_t key, const struct kafka_api_versions_response_api_key *versions)
{
    const struct kafka_api *api = request_find(key);
    const char *range;

    if (versions == NULL)
        return arena_format(arena, "%s(%d): UNSUPPORTED", api->name, key);
    range = range_text(arena, versions->min_version, versions->max_version);
    if (api == NULL)
        return arena_format(arena, "UNKNOWN(%d): %s", key, range);
    if (api->version_max < versions->min_version || api->version_min > versions->max_version)
        return arena_format(arena, "%s(%d): %s [unusable: node too %s]", api->name, key, range,
                            api->version_max < versions->min_version ? "new" : "old");
    return arena_format(arena, "%s(%d): %s [usable: %d]", api->name, key, range,
                        api->version_max < versions->max_version ? api->version_max : versions->max_version);
}

static const struct failure *broker_print(struct arena *arena, struct client *client, const struct client_node *node)
{
    struct kafka_api_versions_request request = {.client_software_name = slice_from_string("tailrace"),
                                                 .client_software_version = slice_from_string(TAILRACE_VERSION)};
    struct kafka_api_versions_response response = {0};
    const struct failure *failure = client_call(client, node->id, "apiVersions", KAFKA_API_VERSIONS, &request, &response, arena);
    const char *separator = "\n";

    if (failure == NULL && response.error_code != 0)
        failure = failure_from_kafka(arena, response.error_code, slice_null());
    (void)printf("%s:%d (id: %d rack: %s isFenced: false) -> ", node->host, node->port, node->id, node->rack == NULL ? "null" : node->rack);
    if (failure != NULL) {
        (void)printf("ERROR: %s\n", failure_message(failure));
        return NULL;
    }
    (void)putchar('(');
    /* In the order of their numbers, those that only this program knows too. */
    for (int16_t key = 0; key <= KEY_MAX; key++) {
        const struct kafka_api_versions_response_api_key *found = NULL;

        for (int32_t i = 0; i < response.api_keys.count; i++) {
            if (response.api_keys.items[i].api_key == key)
                found = &response.api_keys.items[i];
        }
        if (found == NULL && request_find(key) == NULL)
            continue;
        (void)printf("%s\t%s", separator, request_text(arena, key, found));
        separator = ",\n";
    }
    (void)puts("\n)");
    return NULL;
}

static int broker_api_versions_run(struct arena *arena, int argc, char **argv)
{
    struct arguments options;
    struct client *client = NULL;
    const struct failure *failure = arguments_parse(&options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure == NULL && arguments_help_or_version(&options, "This tool helps to retrieve broker version information.", &exit_code))
        return exit_code;
    if (failure == NULL)
        failure = arguments_require(&options, "bootstrap-server", NULL);
    if (failure != NULL && failure->class_name == NULL)
        return arguments_print_usage(&options, failure->message);
    if (failure == NULL)
        failure = admin_open(&options, "admin-1", &client);
    if (failure == NULL)
        failure = client_find_nodes(client, "listNodes");
    for (size_t i = 0; failure == NULL && i < client_node_count(client); i++)
        failure = broker_print(arena, client, client_node_at(client, i));
    if (failure != NULL)
        exit_code = console_print_fatal(stderr, failure);
    client_destroy(client);
    return exit_code;
}

int kafka_broker_api_versions_main(int argc, char **argv)
{
    return command_run(argc, argv, broker_api_versions_run);
}
