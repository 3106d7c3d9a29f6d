/*
 * wire/kafka/messages_cluster.h: replicas, log directories, features and the controllers.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_CLUSTER_H
#define WIRE_KAFKA_MESSAGES_CLUSTER_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- DescribeLogDirsRequest: versions 0 to 5, flexible from 2 ---- */

#define kafka_describe_log_dirs_request_topic_FIELDS(F, L, S, N, T) \
    F(T, string,      topic,      0, LATEST, NEVER, EMPTY, NO_TAG)  \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_log_dirs_request_FIELDS(F, L, S, N, T)                      \
    L(T, kafka_describe_log_dirs_request_topic, topics, 0, LATEST, 0, NIL, NO_TAG)

/* ---- DescribeLogDirsResponse: versions 0 to 5, flexible from 2 ---- */

#define kafka_describe_log_dirs_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0,     NO_TAG)        \
    F(T, int64, partition_size,  0, LATEST, NEVER, 0,     NO_TAG)        \
    F(T, int64, offset_lag,      0, LATEST, NEVER, 0,     NO_TAG)        \
    F(T, bool,  is_future_key,   0, LATEST, NEVER, false, NO_TAG)

#define kafka_describe_log_dirs_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                     name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_log_dirs_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_log_dirs_response_result_FIELDS(F, L, S, N, T)                           \
    F(T, int16,                                  error_code,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                 log_dir,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_log_dirs_response_topic, topics,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,                                  total_bytes,  4, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int64,                                  usable_bytes, 4, LATEST, NEVER, -1,    NO_TAG) \
    F(T, bool,                                   is_cordoned,  5, LATEST, NEVER, false, NO_TAG)

#define kafka_describe_log_dirs_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                                   throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                   error_code,       3, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_log_dirs_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ElectLeadersRequest: versions 0 to 2, flexible from 2 ---- */

#define kafka_elect_leaders_request_topic_partition_FIELDS(F, L, S, N, T) \
    F(T, string,      topic,      0, LATEST, NEVER, EMPTY, NO_TAG)        \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_elect_leaders_request_FIELDS(F, L, S, N, T)                                                \
    F(T, int8,                                        election_type,    1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_elect_leaders_request_topic_partition, topic_partitions, 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                       timeout_ms,       0, LATEST, NEVER, 60000, NO_TAG)

/* ---- ElectLeadersResponse: versions 0 to 2, flexible from 2 ---- */

#define kafka_elect_leaders_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32,  partition_id,  0, LATEST, NEVER, 0,   NO_TAG)       \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,   NO_TAG)       \
    F(T, string, error_message, 0, LATEST, 0,     NIL, NO_TAG)

#define kafka_elect_leaders_response_topic_FIELDS(F, L, S, N, T)                                    \
    F(T, string,                                 topic,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_elect_leaders_response_partition, partition_result, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_elect_leaders_response_FIELDS(F, L, S, N, T)                                              \
    F(T, int32,                              throttle_time_ms,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                              error_code,               1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_elect_leaders_response_topic, replica_election_results, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- AlterPartitionReassignmentsRequest: versions 0 to 1, flexible ---- */

#define kafka_alter_partition_reassignments_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32,       partition_index, 0, LATEST, NEVER, 0,   NO_TAG)               \
    F(T, int32_array, replicas,        0, LATEST, 0,     NIL, NO_TAG)

#define kafka_alter_partition_reassignments_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                                name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_alter_partition_reassignments_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_partition_reassignments_request_FIELDS(F, L, S, N, T)                                                     \
    F(T, int32,                                             timeout_ms,                      0, LATEST, NEVER, 60000, NO_TAG) \
    F(T, bool,                                              allow_replication_factor_change, 1, LATEST, NEVER, true,  NO_TAG) \
    L(T, kafka_alter_partition_reassignments_request_topic, topics,                          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- AlterPartitionReassignmentsResponse: versions 0 to 1, flexible ---- */

#define kafka_alter_partition_reassignments_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32,  partition_index, 0, LATEST, NEVER, 0,   NO_TAG)                     \
    F(T, int16,  error_code,      0, LATEST, NEVER, 0,   NO_TAG)                     \
    F(T, string, error_message,   0, LATEST, 0,     NIL, NO_TAG)

#define kafka_alter_partition_reassignments_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                                 name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_alter_partition_reassignments_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_partition_reassignments_response_FIELDS(F, L, S, N, T)                                                     \
    F(T, int32,                                              throttle_time_ms,                0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,                                               allow_replication_factor_change, 1, LATEST, NEVER, true,  NO_TAG) \
    F(T, int16,                                              error_code,                      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                             error_message,                   0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_alter_partition_reassignments_response_topic, responses,                       0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ListPartitionReassignmentsRequest: version 0, flexible ---- */

#define kafka_list_partition_reassignments_request_topic_FIELDS(F, L, S, N, T) \
    F(T, string,      name,              0, LATEST, NEVER, EMPTY, NO_TAG)      \
    F(T, int32_array, partition_indexes, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_partition_reassignments_request_FIELDS(F, L, S, N, T)                                \
    F(T, int32,                                            timeout_ms, 0, LATEST, NEVER, 60000, NO_TAG) \
    L(T, kafka_list_partition_reassignments_request_topic, topics,     0, LATEST, 0,     NIL,   NO_TAG)

/* ---- ListPartitionReassignmentsResponse: version 0, flexible ---- */

#define kafka_list_partition_reassignments_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32,       partition_index,   0, LATEST, NEVER, 0,     NO_TAG)           \
    F(T, int32_array, replicas,          0, LATEST, NEVER, EMPTY, NO_TAG)           \
    F(T, int32_array, adding_replicas,   0, LATEST, NEVER, EMPTY, NO_TAG)           \
    F(T, int32_array, removing_replicas, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_partition_reassignments_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                                name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_list_partition_reassignments_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_partition_reassignments_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                             throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                             error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                            error_message,    0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_list_partition_reassignments_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- UpdateFeaturesRequest: versions 0 to 2, flexible ---- */

#define kafka_update_features_request_feature_update_FIELDS(F, L, S, N, T) \
    F(T, string, feature,           0, LATEST, NEVER, EMPTY, NO_TAG)       \
    F(T, int16,  max_version_level, 0, LATEST, NEVER, 0,     NO_TAG)       \
    F(T, bool,   allow_downgrade,   0, 0,      NEVER, false, NO_TAG)       \
    F(T, int8,   upgrade_type,      1, LATEST, NEVER, 1,     NO_TAG)

#define kafka_update_features_request_FIELDS(F, L, S, N, T)                                              \
    F(T, int32,                                        timeout_ms,      0, LATEST, NEVER, 60000, NO_TAG) \
    L(T, kafka_update_features_request_feature_update, feature_updates, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                                         validate_only,   1, LATEST, NEVER, false, NO_TAG)

/* ---- UpdateFeaturesResponse: versions 0 to 2, flexible ---- */

#define kafka_update_features_response_result_FIELDS(F, L, S, N, T) \
    F(T, string, feature,       0, LATEST, NEVER, EMPTY, NO_TAG)    \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG)    \
    F(T, string, error_message, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_update_features_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                                 throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                 error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                error_message,    0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_update_features_response_result, results,          0, 1,      NEVER, EMPTY, NO_TAG)

/* ---- DescribeQuorumRequest: versions 0 to 2, flexible ---- */

#define kafka_describe_quorum_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_describe_quorum_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                  topic_name, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_quorum_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_quorum_request_FIELDS(F, L, S, N, T)                            \
    L(T, kafka_describe_quorum_request_topic, topics, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DescribeQuorumResponse: versions 0 to 2, flexible ---- */

#define kafka_describe_quorum_response_replica_FIELDS(F, L, S, N, T)    \
    F(T, int32, replica_id,               0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, uuid,  replica_directory_id,     2, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int64, log_end_offset,           0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int64, last_fetch_timestamp,     1, LATEST, NEVER, -1, NO_TAG) \
    F(T, int64, last_caught_up_timestamp, 1, LATEST, NEVER, -1, NO_TAG)

#define kafka_describe_quorum_response_partition_FIELDS(F, L, S, N, T)                             \
    F(T, int32,                                  partition_index, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                  error_code,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                 error_message,   2, LATEST, 2,     NIL,   NO_TAG) \
    F(T, int32,                                  leader_id,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                                  leader_epoch,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                  high_watermark,  0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_quorum_response_replica, current_voters,  0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_quorum_response_replica, observers,       0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_quorum_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                   topic_name, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_quorum_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_quorum_response_listener_FIELDS(F, L, S, N, T) \
    F(T, string, name, 0, LATEST, NEVER, EMPTY, NO_TAG)               \
    F(T, string, host, 0, LATEST, NEVER, EMPTY, NO_TAG)               \
    F(T, uint16, port, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_describe_quorum_response_node_FIELDS(F, L, S, N, T)                             \
    F(T, int32,                                   node_id,   0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_quorum_response_listener, listeners, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_quorum_response_FIELDS(F, L, S, N, T)                                   \
    F(T, int16,                                error_code,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                               error_message, 2, LATEST, 2,     NIL,   NO_TAG) \
    L(T, kafka_describe_quorum_response_topic, topics,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_quorum_response_node,  nodes,         2, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_CLUSTER(MESSAGE, ITEM)                                                               \
    ITEM(kafka_describe_log_dirs_request_topic)                                                         \
    MESSAGE(kafka_describe_log_dirs_request, DescribeLogDirsRequest, 0, 5, 2)                           \
    ITEM(kafka_describe_log_dirs_response_partition)                                                    \
    ITEM(kafka_describe_log_dirs_response_topic)                                                        \
    ITEM(kafka_describe_log_dirs_response_result)                                                       \
    MESSAGE(kafka_describe_log_dirs_response, DescribeLogDirsResponse, 0, 5, 2)                         \
    ITEM(kafka_elect_leaders_request_topic_partition)                                                   \
    MESSAGE(kafka_elect_leaders_request, ElectLeadersRequest, 0, 2, 2)                                  \
    ITEM(kafka_elect_leaders_response_partition)                                                        \
    ITEM(kafka_elect_leaders_response_topic)                                                            \
    MESSAGE(kafka_elect_leaders_response, ElectLeadersResponse, 0, 2, 2)                                \
    ITEM(kafka_alter_partition_reassignments_request_partition)                                         \
    ITEM(kafka_alter_partition_reassignments_request_topic)                                             \
    MESSAGE(kafka_alter_partition_reassignments_request, AlterPartitionReassignmentsRequest, 0, 1, 0)   \
    ITEM(kafka_alter_partition_reassignments_response_partition)                                        \
    ITEM(kafka_alter_partition_reassignments_response_topic)                                            \
    MESSAGE(kafka_alter_partition_reassignments_response, AlterPartitionReassignmentsResponse, 0, 1, 0) \
    ITEM(kafka_list_partition_reassignments_request_topic)                                              \
    MESSAGE(kafka_list_partition_reassignments_request, ListPartitionReassignmentsRequest, 0, 0, 0)     \
    ITEM(kafka_list_partition_reassignments_response_partition)                                         \
    ITEM(kafka_list_partition_reassignments_response_topic)                                             \
    MESSAGE(kafka_list_partition_reassignments_response, ListPartitionReassignmentsResponse, 0, 0, 0)   \
    ITEM(kafka_update_features_request_feature_update)                                                  \
    MESSAGE(kafka_update_features_request, UpdateFeaturesRequest, 0, 2, 0)                              \
    ITEM(kafka_update_features_response_result)                                                         \
    MESSAGE(kafka_update_features_response, UpdateFeaturesResponse, 0, 2, 0)                            \
    ITEM(kafka_describe_quorum_request_partition)                                                       \
    ITEM(kafka_describe_quorum_request_topic)                                                           \
    MESSAGE(kafka_describe_quorum_request, DescribeQuorumRequest, 0, 2, 0)                              \
    ITEM(kafka_describe_quorum_response_replica)                                                        \
    ITEM(kafka_describe_quorum_response_partition)                                                      \
    ITEM(kafka_describe_quorum_response_topic)                                                          \
    ITEM(kafka_describe_quorum_response_listener)                                                       \
    ITEM(kafka_describe_quorum_response_node)                                                           \
    MESSAGE(kafka_describe_quorum_response, DescribeQuorumResponse, 0, 2, 0)

WIRE_KAFKA_CLUSTER(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
