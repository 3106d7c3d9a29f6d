/* kafka-cluster: the id of a cluster, and where its brokers are reached. Source: Apache Kafka's ClusterTool */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "tools/argparse.h"
#include "tools/client.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/settings.h"

#define ENDPOINT_BROKER 1
#define HOST_WIDTH_MAX 100
#define RACK_WIDTH_MIN 10

#define OPTIONS_OF_ALL                                                                                                                      \
    {.flags = "--bootstrap-server,-b", .metavar = "BOOTSTRAP_SERVER", .is_required = true, .help = "The brokers to connect to."},           \
        {.flags = "--config", .metavar = "CONFIG", .help = "(DEPRECATED) Old name of --command-config."},                                   \
    {                                                                                                                                       \
        .flags = "--command-config,-c", .metavar = "COMMAND_CONFIG", .help = "File with client settings."                                   \
    }

static const struct argparse_option id_options[] = {OPTIONS_OF_ALL, {0}};

static const struct argparse_option endpoints_options[] = {
    OPTIONS_OF_ALL,
    {.flags = "--include-fenced-brokers", .takes = ARGPARSE_FLAG, .help = "Also those that the controllers keep out."},
    {0},
};

static const struct argparse_command commands[] = {
    {.name = "cluster-id", .help = "Print the ID of the cluster.", .options = id_options},
    {.name = "list-endpoints", .help = "List where the brokers are reached.", .options = endpoints_options},
    {0},
};

static const struct argparse_option no_options[] = {{0}};
static const struct argparse_command command = {
    .name = "kafka-cluster", .description = "The Kafka cluster tool.", .options = no_options, .commands = commands};

struct cluster {
    struct arena *arena;
    struct argparse options;
    struct client *client;
};

static const struct failure *cluster_open(struct cluster *tool)
{
    const char *old = argparse_text(&tool->options, "config"), *file = argparse_text(&tool->options, "command-config");
    const struct failure *failure = NULL;
    struct properties settings;

    if (old != NULL && file != NULL)
        return failure_usage(tool->arena, "--config and --command-config cannot be specified together.");
    if (old != NULL)
        (void)puts("Option --config has been deprecated and will be removed in a future version. Use --command-config instead.");
    file = old != NULL ? old : file;
    properties_init(&settings);
    if (file != NULL)
        failure = settings_load_file(tool->arena, file, &settings);
    if (failure == NULL) {
        properties_set(&settings, "bootstrap.servers", argparse_text(&tool->options, "bootstrap-server"));
        settings_default(&settings, "client.id", "adminclient-1");
        failure = client_create(tool->arena, CLIENT_ADMIN, &settings, properties_get(&settings, "client.id"), NULL, &tool->client);
    }
    properties_finish(&settings);
    return failure;
}

static const struct failure *cluster_describe(struct cluster *tool, bool with_fenced, struct kafka_describe_cluster_response *response)
{
    struct kafka_describe_cluster_request request;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_cluster_request_message, &request);
    request.endpoint_type = ENDPOINT_BROKER;
    request.include_fenced_brokers = with_fenced;
    failure = client_call(tool->client, CLIENT_ANY, "listNodes", KAFKA_DESCRIBE_CLUSTER, &request, response, tool->arena);
    if (failure == NULL && response->error_code != 0)
        failure = failure_from_kafka(tool->arena, response->error_code, response->error_message);
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

static int broker_order(const void *a, const void *b)
{
    const struct kafka_describe_cluster_response_broker *one = a, *other = b;

    return (one->broker_id > other->broker_id) - (one->broker_id < other->broker_id);
}

static void endpoints_print(const struct kafka_describe_cluster_response *response)
{
    int host_width = 0, rack_width = RACK_WIDTH_MIN;

    for (int32_t i = 0; i < response->brokers.count; i++) {
        const struct kafka_describe_cluster_response_broker *broker = &response->brokers.items[i];

        if ((int)broker->host.size > host_width)
            host_width = broker->host.size < HOST_WIDTH_MAX ? (int)broker->host.size : HOST_WIDTH_MAX;
        if ((int)broker->rack.size > rack_width)
            rack_width = (int)broker->rack.size;
    }
    (void)printf("%-10s %-*s %-10s %-*s %-10s %-15s\n", "ID", host_width, "HOST", "PORT", rack_width, "RACK", "STATE", "ENDPOINT_TYPE");
    for (int32_t i = 0; i < response->brokers.count; i++) {
        const struct kafka_describe_cluster_response_broker *broker = &response->brokers.items[i];
        struct slice rack = slice_is_null(broker->rack) ? slice_from_string("null") : broker->rack;

        (void)printf("%-10d %-*.*s %-10d %-*.*s %-10s %-15s\n", broker->broker_id, host_width, (int)broker->host.size,
                     (const char *)broker->host.data, broker->port, rack_width, (int)rack.size, (const char *)rack.data,
                     broker->is_fenced ? "fenced" : "unfenced", "broker");
    }
}

static const struct failure *cluster_print(struct cluster *tool)
{
    bool wants_id = strcmp(tool->options.command->name, "cluster-id") == 0;
    struct kafka_describe_cluster_response response;
    const struct failure *failure = cluster_describe(tool, !wants_id && argparse_has(&tool->options, "include-fenced-brokers"), &response);

    if (failure != NULL)
        return failure;
    if (wants_id) {
        (void)printf("Cluster ID: %.*s\n", (int)response.cluster_id.size, (const char *)response.cluster_id.data);
        return NULL;
    }
    if (response.brokers.count > 0)
        qsort(response.brokers.items, (size_t)response.brokers.count, sizeof(*response.brokers.items), broker_order);
    endpoints_print(&response);
    return NULL;
}

static int cluster_run(struct arena *arena, int argc, char **argv)
{
    struct cluster tool = {.arena = arena};
    const struct failure *failure;
    int exit_code = 0;

    if (!argparse_read(&tool.options, arena, &command, argc, argv, &exit_code))
        return exit_code;
    failure = cluster_open(&tool);
    if (failure == NULL)
        failure = cluster_print(&tool);
    exit_code = console_print_end(failure);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_cluster_main(int argc, char **argv)
{
    return command_run(argc, argv, cluster_run);
}
