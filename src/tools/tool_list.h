/* tools/tool_list.h: the entry of each tool, for the table in tools.c. */
#ifndef TOOLS_TOOL_LIST_H
#define TOOLS_TOOL_LIST_H

int kafka_topics_main(int argc, char **argv);
int kafka_configs_main(int argc, char **argv);
int kafka_console_producer_main(int argc, char **argv);
int kafka_console_consumer_main(int argc, char **argv);
int kafka_consumer_groups_main(int argc, char **argv);
int kafka_get_offsets_main(int argc, char **argv);
int kafka_delete_records_main(int argc, char **argv);
int kafka_dump_log_main(int argc, char **argv);
int kafka_producer_perf_test_main(int argc, char **argv);
int kafka_consumer_perf_test_main(int argc, char **argv);
int kafka_acls_main(int argc, char **argv);
int kafka_broker_api_versions_main(int argc, char **argv);
int kafka_log_dirs_main(int argc, char **argv);
int kafka_cluster_main(int argc, char **argv);

#endif
