#include "tools/tools.h"

#include "base/banned.h"
#include "tools/tool_list.h"

const struct command tools_table[] = {
    {"kafka-topics", kafka_topics_main, "List, create, describe, alter and delete topics"},
    {"kafka-configs", kafka_configs_main, "Settings of topics, brokers and groups; quotas and credentials"},
    {"kafka-console-producer", kafka_console_producer_main, "Send lines of standard input as records"},
    {"kafka-console-consumer", kafka_console_consumer_main, "Print records to standard output"},
    {"kafka-consumer-groups", kafka_consumer_groups_main, "List, describe, reset and delete consumer groups"},
    {"kafka-get-offsets", kafka_get_offsets_main, "Offsets of partitions by time"},
    {"kafka-delete-records", kafka_delete_records_main, "Delete the records of partitions before an offset"},
    {"kafka-dump-log", kafka_dump_log_main, "Print what segment files, indexes and producer snapshots hold"},
    {"kafka-producer-perf-test", kafka_producer_perf_test_main, "Measure how fast records are sent"},
    {"kafka-consumer-perf-test", kafka_consumer_perf_test_main, "Measure how fast records are read"},
    {"kafka-broker-api-versions", kafka_broker_api_versions_main, "Which requests each broker takes"},
    {"kafka-acls", kafka_acls_main, "List, add and remove access control lists"},
    {"kafka-log-dirs", kafka_log_dirs_main, "What lies in the log directories of brokers"},
    {"kafka-cluster", kafka_cluster_main, "The id of a cluster, and where its brokers are reached"},
    {NULL, NULL, NULL},
};

const struct command *tool_find(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash == NULL ? name : slash + 1;
    size_t size = strlen(base);

    if (size > 3 && strcmp(base + size - 3, ".sh") == 0)
        size -= 3;
    for (const struct command *tool = tools_table; tool->name != NULL; tool++) {
        if (strlen(tool->name) == size && memcmp(tool->name, base, size) == 0)
            return tool;
    }
    return NULL;
}
