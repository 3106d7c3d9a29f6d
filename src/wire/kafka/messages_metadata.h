/*
 * wire/kafka/messages_metadata.h: what a broker can do and what it holds.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_METADATA_H
#define WIRE_KAFKA_MESSAGES_METADATA_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- ApiVersionsRequest: versions 0 to 4, flexible from 3 ---- */

#define kafka_api_versions_request_FIELDS(F, L, S, N, T)                   \
    F(T, string, client_software_name,    3, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, client_software_version, 3, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ApiVersionsResponse: versions 0 to 4, flexible from 3 ---- */

#define kafka_api_versions_response_api_key_FIELDS(F, L, S, N, T) \
    F(T, int16, api_key,     0, LATEST, NEVER, 0, NO_TAG)         \
    F(T, int16, min_version, 0, LATEST, NEVER, 0, NO_TAG)         \
    F(T, int16, max_version, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_api_versions_response_supported_feature_FIELDS(F, L, S, N, T) \
    F(T, string, name,        0, LATEST, NEVER, EMPTY, NO_TAG)              \
    F(T, int16,  min_version, 0, LATEST, NEVER, 0,     NO_TAG)              \
    F(T, int16,  max_version, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_api_versions_response_finalized_feature_FIELDS(F, L, S, N, T) \
    F(T, string, name,              0, LATEST, NEVER, EMPTY, NO_TAG)        \
    F(T, int16,  max_version_level, 0, LATEST, NEVER, 0,     NO_TAG)        \
    F(T, int16,  min_version_level, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_api_versions_response_FIELDS(F, L, S, N, T)                                                          \
    F(T, int16,                                         error_code,               0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_api_versions_response_api_key,           api_keys,                 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                         throttle_time_ms,         1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_api_versions_response_supported_feature, supported_features,       3, LATEST, NEVER, EMPTY, 0)      \
    F(T, int64,                                         finalized_features_epoch, 3, LATEST, NEVER, -1,    1)      \
    L(T, kafka_api_versions_response_finalized_feature, finalized_features,       3, LATEST, NEVER, EMPTY, 2)      \
    F(T, bool,                                          zk_migration_ready,       3, LATEST, NEVER, false, 3)

/* ---- MetadataRequest: versions 0 to 13, flexible from 9 ---- */

#define kafka_metadata_request_topic_FIELDS(F, L, S, N, T)   \
    F(T, uuid,   topic_id, 10, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, name,      0, LATEST, 10,    EMPTY, NO_TAG)

#define kafka_metadata_request_FIELDS(F, L, S, N, T)                                                           \
    L(T, kafka_metadata_request_topic, topics,                                0, LATEST, 1,     EMPTY, NO_TAG) \
    F(T, bool,                         allow_auto_topic_creation,             4, LATEST, NEVER, true,  NO_TAG) \
    F(T, bool,                         include_cluster_authorized_operations, 8, 10,     NEVER, false, NO_TAG) \
    F(T, bool,                         include_topic_authorized_operations,   8, LATEST, NEVER, false, NO_TAG)

/* ---- MetadataResponse: versions 0 to 13, flexible from 9 ---- */

#define kafka_metadata_response_broker_FIELDS(F, L, S, N, T) \
    F(T, int32,  node_id, 0, LATEST, NEVER, 0,     NO_TAG)   \
    F(T, string, host,    0, LATEST, NEVER, EMPTY, NO_TAG)   \
    F(T, int32,  port,    0, LATEST, NEVER, 0,     NO_TAG)   \
    F(T, string, rack,    1, LATEST, 1,     NIL,   NO_TAG)

#define kafka_metadata_response_partition_FIELDS(F, L, S, N, T)          \
    F(T, int16,       error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,       partition_index,  0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,       leader_id,        0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,       leader_epoch,     7, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int32_array, replica_nodes,    0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, isr_nodes,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, offline_replicas, 5, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_metadata_response_topic_FIELDS(F, L, S, N, T)                                                    \
    F(T, int16,                             error_code,                   0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, string,                            name,                         0, LATEST, 12,    EMPTY,     NO_TAG) \
    F(T, uuid,                              topic_id,                    10, LATEST, NEVER, 0,         NO_TAG) \
    F(T, bool,                              is_internal,                  1, LATEST, NEVER, false,     NO_TAG) \
    L(T, kafka_metadata_response_partition, partitions,                   0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                             topic_authorized_operations,  8, LATEST, NEVER, INT32_MIN, NO_TAG)

#define kafka_metadata_response_FIELDS(F, L, S, N, T)                                                         \
    F(T, int32,                          throttle_time_ms,               3, LATEST, NEVER, 0,         NO_TAG) \
    L(T, kafka_metadata_response_broker, brokers,                        0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, string,                         cluster_id,                     2, LATEST, 2,     NIL,       NO_TAG) \
    F(T, int32,                          controller_id,                  1, LATEST, NEVER, -1,        NO_TAG) \
    L(T, kafka_metadata_response_topic,  topics,                         0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                          cluster_authorized_operations,  8, 10,     NEVER, INT32_MIN, NO_TAG) \
    F(T, int16,                          error_code,                    13, LATEST, NEVER, 0,         NO_TAG)

/* ---- DescribeTopicPartitionsRequest: version 0, flexible ---- */

#define kafka_describe_topic_partitions_request_topic_FIELDS(F, L, S, N, T) \
    F(T, string, name, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_topic_partitions_request_cursor_FIELDS(F, L, S, N, T) \
    F(T, string, topic_name,      0, LATEST, NEVER, EMPTY, NO_TAG)           \
    F(T, int32,  partition_index, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_describe_topic_partitions_request_FIELDS(F, L, S, N, T)                                               \
    L(T, kafka_describe_topic_partitions_request_topic,  topics,                   0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                          response_partition_limit, 0, LATEST, NEVER, 2000,  NO_TAG) \
    N(T, kafka_describe_topic_partitions_request_cursor, cursor,                   0, LATEST, 0,     NIL,   NO_TAG)

/* ---- DescribeTopicPartitionsResponse: version 0, flexible ---- */

#define kafka_describe_topic_partitions_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int16,       error_code,               0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,       partition_index,          0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,       leader_id,                0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,       leader_epoch,             0, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int32_array, replica_nodes,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, isr_nodes,                0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, eligible_leader_replicas, 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32_array, last_known_elr,           0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32_array, offline_replicas,         0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_topic_partitions_response_topic_FIELDS(F, L, S, N, T)                                                   \
    F(T, int16,                                              error_code,                  0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, string,                                             name,                        0, LATEST, 0,     NIL,       NO_TAG) \
    F(T, uuid,                                               topic_id,                    0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, bool,                                               is_internal,                 0, LATEST, NEVER, false,     NO_TAG) \
    L(T, kafka_describe_topic_partitions_response_partition, partitions,                  0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                                              topic_authorized_operations, 0, LATEST, NEVER, INT32_MIN, NO_TAG)

#define kafka_describe_topic_partitions_response_next_cursor_FIELDS(F, L, S, N, T) \
    F(T, string, topic_name,      0, LATEST, NEVER, EMPTY, NO_TAG)                 \
    F(T, int32,  partition_index, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_describe_topic_partitions_response_FIELDS(F, L, S, N, T)                                            \
    F(T, int32,                                                throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_topic_partitions_response_topic,       topics,           0, LATEST, NEVER, EMPTY, NO_TAG) \
    N(T, kafka_describe_topic_partitions_response_next_cursor, next_cursor,      0, LATEST, 0,     NIL,   NO_TAG)

/* ---- DescribeClusterRequest: versions 0 to 2, flexible ---- */

#define kafka_describe_cluster_request_FIELDS(F, L, S, N, T)                           \
    F(T, bool, include_cluster_authorized_operations, 0, LATEST, NEVER, false, NO_TAG) \
    F(T, int8, endpoint_type,                         1, LATEST, NEVER, 1,     NO_TAG) \
    F(T, bool, include_fenced_brokers,                2, LATEST, NEVER, false, NO_TAG)

/* ---- DescribeClusterResponse: versions 0 to 2, flexible ---- */

#define kafka_describe_cluster_response_broker_FIELDS(F, L, S, N, T) \
    F(T, int32,  broker_id, 0, LATEST, NEVER, 0,     NO_TAG)         \
    F(T, string, host,      0, LATEST, NEVER, EMPTY, NO_TAG)         \
    F(T, int32,  port,      0, LATEST, NEVER, 0,     NO_TAG)         \
    F(T, string, rack,      0, LATEST, 0,     NIL,   NO_TAG)         \
    F(T, bool,   is_fenced, 2, LATEST, NEVER, false, NO_TAG)

#define kafka_describe_cluster_response_FIELDS(F, L, S, N, T)                                                        \
    F(T, int32,                                  throttle_time_ms,              0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int16,                                  error_code,                    0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, string,                                 error_message,                 0, LATEST, 0,     NIL,       NO_TAG) \
    F(T, int8,                                   endpoint_type,                 1, LATEST, NEVER, 1,         NO_TAG) \
    F(T, string,                                 cluster_id,                    0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                                  controller_id,                 0, LATEST, NEVER, -1,        NO_TAG) \
    L(T, kafka_describe_cluster_response_broker, brokers,                       0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                                  cluster_authorized_operations, 0, LATEST, NEVER, INT32_MIN, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_METADATA(MESSAGE, ITEM)                                                      \
    MESSAGE(kafka_api_versions_request, ApiVersionsRequest, 0, 4, 3)                            \
    ITEM(kafka_api_versions_response_api_key)                                                   \
    ITEM(kafka_api_versions_response_supported_feature)                                         \
    ITEM(kafka_api_versions_response_finalized_feature)                                         \
    MESSAGE(kafka_api_versions_response, ApiVersionsResponse, 0, 4, 3)                          \
    ITEM(kafka_metadata_request_topic)                                                          \
    MESSAGE(kafka_metadata_request, MetadataRequest, 0, 13, 9)                                  \
    ITEM(kafka_metadata_response_broker)                                                        \
    ITEM(kafka_metadata_response_partition)                                                     \
    ITEM(kafka_metadata_response_topic)                                                         \
    MESSAGE(kafka_metadata_response, MetadataResponse, 0, 13, 9)                                \
    ITEM(kafka_describe_topic_partitions_request_topic)                                         \
    ITEM(kafka_describe_topic_partitions_request_cursor)                                        \
    MESSAGE(kafka_describe_topic_partitions_request, DescribeTopicPartitionsRequest, 0, 0, 0)   \
    ITEM(kafka_describe_topic_partitions_response_partition)                                    \
    ITEM(kafka_describe_topic_partitions_response_topic)                                        \
    ITEM(kafka_describe_topic_partitions_response_next_cursor)                                  \
    MESSAGE(kafka_describe_topic_partitions_response, DescribeTopicPartitionsResponse, 0, 0, 0) \
    MESSAGE(kafka_describe_cluster_request, DescribeClusterRequest, 0, 2, 0)                    \
    ITEM(kafka_describe_cluster_response_broker)                                                \
    MESSAGE(kafka_describe_cluster_response, DescribeClusterResponse, 0, 2, 0)

WIRE_KAFKA_METADATA(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
