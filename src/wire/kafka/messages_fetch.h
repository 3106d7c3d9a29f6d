/*
 * wire/kafka/messages_fetch.h: consumers reading: Fetch, ListOffsets, OffsetForLeaderEpoch.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_FETCH_H
#define WIRE_KAFKA_MESSAGES_FETCH_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- FetchRequest: versions 0 to 18, flexible from 12 ---- */

#define kafka_fetch_request_replica_state_FIELDS(F, L, S, N, T) \
    F(T, int32, replica_id,    0, LATEST, NEVER, -1, NO_TAG)    \
    F(T, int64, replica_epoch, 0, LATEST, NEVER, -1, NO_TAG)

#define kafka_fetch_request_partition_FIELDS(F, L, S, N, T)                 \
    F(T, int32, partition,             0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32, current_leader_epoch,  9, LATEST, NEVER, -1,        NO_TAG) \
    F(T, int64, fetch_offset,          0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32, last_fetched_epoch,   12, LATEST, NEVER, -1,        NO_TAG) \
    F(T, int64, log_start_offset,      5, LATEST, NEVER, -1,        NO_TAG) \
    F(T, int32, partition_max_bytes,   0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, uuid,  replica_directory_id, 17, LATEST, NEVER, 0,         0)      \
    F(T, int64, high_watermark,       18, LATEST, NEVER, INT64_MAX, 1)

#define kafka_fetch_request_topic_FIELDS(F, L, S, N, T)                               \
    F(T, string,                        topic,       0, 12,     NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                          topic_id,   13, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_fetch_request_partition, partitions,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_fetch_request_forgotten_topic_FIELDS(F, L, S, N, T)   \
    F(T, string,      topic,       7, 12,     NEVER, EMPTY, NO_TAG) \
    F(T, uuid,        topic_id,   13, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32_array, partitions,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_fetch_request_FIELDS(F, L, S, N, T)                                                          \
    F(T, string,                              cluster_id,            12, LATEST, 12,    NIL,       0)      \
    F(T, int32,                               replica_id,             0, 14,     NEVER, -1,        NO_TAG) \
    S(T, kafka_fetch_request_replica_state,   replica_state,         15, LATEST, NEVER, EMPTY,     1)      \
    F(T, int32,                               max_wait_ms,            0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                               min_bytes,              0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                               max_bytes,              3, LATEST, NEVER, INT32_MAX, NO_TAG) \
    F(T, int8,                                isolation_level,        4, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                               session_id,             7, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                               session_epoch,          7, LATEST, NEVER, -1,        NO_TAG) \
    L(T, kafka_fetch_request_topic,           topics,                 0, LATEST, NEVER, EMPTY,     NO_TAG) \
    L(T, kafka_fetch_request_forgotten_topic, forgotten_topics_data,  7, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, string,                              rack_id,               11, LATEST, NEVER, EMPTY,     NO_TAG)

/* ---- FetchResponse: versions 0 to 18, flexible from 12 ---- */

#define kafka_fetch_response_diverging_epoch_FIELDS(F, L, S, N, T) \
    F(T, int32, epoch,      0, LATEST, NEVER, -1, NO_TAG)          \
    F(T, int64, end_offset, 0, LATEST, NEVER, -1, NO_TAG)

#define kafka_fetch_response_current_leader_FIELDS(F, L, S, N, T) \
    F(T, int32, leader_id,    0, LATEST, NEVER, -1, NO_TAG)       \
    F(T, int32, leader_epoch, 0, LATEST, NEVER, -1, NO_TAG)

#define kafka_fetch_response_snapshot_id_FIELDS(F, L, S, N, T) \
    F(T, int64, end_offset, 0, LATEST, NEVER, -1, NO_TAG)      \
    F(T, int32, epoch,      0, LATEST, NEVER, -1, NO_TAG)

#define kafka_fetch_response_aborted_transaction_FIELDS(F, L, S, N, T) \
    F(T, int64, producer_id,  0, LATEST, NEVER, 0, NO_TAG)             \
    F(T, int64, first_offset, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_fetch_response_partition_FIELDS(F, L, S, N, T)                                                 \
    F(T, int32,                                    partition_index,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                    error_code,              0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                    high_watermark,          0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                    last_stable_offset,      4, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int64,                                    log_start_offset,        5, LATEST, NEVER, -1,    NO_TAG) \
    S(T, kafka_fetch_response_diverging_epoch,     diverging_epoch,        12, LATEST, NEVER, EMPTY, 0)      \
    S(T, kafka_fetch_response_current_leader,      current_leader,         12, LATEST, NEVER, EMPTY, 1)      \
    S(T, kafka_fetch_response_snapshot_id,         snapshot_id,            12, LATEST, NEVER, EMPTY, 2)      \
    L(T, kafka_fetch_response_aborted_transaction, aborted_transactions,    4, LATEST, 4,     NIL,   NO_TAG) \
    F(T, int32,                                    preferred_read_replica, 11, LATEST, NEVER, -1,    NO_TAG) \
    F(T, records,                                  records,                 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_fetch_response_topic_FIELDS(F, L, S, N, T)                               \
    F(T, string,                         topic,       0, 12,     NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                           topic_id,   13, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_fetch_response_partition, partitions,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_fetch_response_node_endpoint_FIELDS(F, L, S, N, T) \
    F(T, int32,  node_id, 0, LATEST, NEVER, 0,     NO_TAG)       \
    F(T, string, host,    0, LATEST, NEVER, EMPTY, NO_TAG)       \
    F(T, int32,  port,    0, LATEST, NEVER, 0,     NO_TAG)       \
    F(T, string, rack,    0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_fetch_response_FIELDS(F, L, S, N, T)                                               \
    F(T, int32,                              throttle_time_ms,  1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                              error_code,        7, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                              session_id,        7, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_fetch_response_topic,         responses,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_fetch_response_node_endpoint, node_endpoints,   16, LATEST, NEVER, EMPTY, 0)

/* ---- ListOffsetsRequest: versions 0 to 11, flexible from 6 ---- */

#define kafka_list_offsets_request_partition_FIELDS(F, L, S, N, T)  \
    F(T, int32, partition_index,      0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int32, current_leader_epoch, 4, LATEST, NEVER, -1, NO_TAG) \
    F(T, int64, timestamp,            0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int32, max_num_offsets,      0, 0,      NEVER, 1,  NO_TAG)

#define kafka_list_offsets_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                               name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_list_offsets_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_offsets_request_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                            replica_id,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int8,                             isolation_level,  2, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_list_offsets_request_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                            timeout_ms,      10, LATEST, NEVER, 0,     NO_TAG)

/* ---- ListOffsetsResponse: versions 0 to 11, flexible from 6 ---- */

#define kafka_list_offsets_response_partition_FIELDS(F, L, S, N, T)       \
    F(T, int32,       partition_index,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,       error_code,        0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64_array, old_style_offsets, 0, 0,      NEVER, EMPTY, NO_TAG) \
    F(T, int64,       timestamp,         1, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int64,       offset,            1, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int32,       leader_epoch,      4, LATEST, NEVER, -1,    NO_TAG)

#define kafka_list_offsets_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_list_offsets_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_offsets_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                             throttle_time_ms, 2, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_list_offsets_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- OffsetForLeaderEpochRequest: versions 0 to 4, flexible from 4 ---- */

#define kafka_offset_for_leader_epoch_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition,            0, LATEST, NEVER, 0,  NO_TAG)           \
    F(T, int32, current_leader_epoch, 2, LATEST, NEVER, -1, NO_TAG)           \
    F(T, int32, leader_epoch,         0, LATEST, NEVER, 0,  NO_TAG)

#define kafka_offset_for_leader_epoch_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                          topic,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_for_leader_epoch_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_for_leader_epoch_request_FIELDS(F, L, S, N, T)                                \
    F(T, int32,                                       replica_id, 3, LATEST, NEVER, -2,    NO_TAG) \
    L(T, kafka_offset_for_leader_epoch_request_topic, topics,     0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- OffsetForLeaderEpochResponse: versions 0 to 4, flexible from 4 ---- */

#define kafka_offset_for_leader_epoch_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int16, error_code,   0, LATEST, NEVER, 0,  NO_TAG)                    \
    F(T, int32, partition,    0, LATEST, NEVER, 0,  NO_TAG)                    \
    F(T, int32, leader_epoch, 1, LATEST, NEVER, -1, NO_TAG)                    \
    F(T, int64, end_offset,   0, LATEST, NEVER, -1, NO_TAG)

#define kafka_offset_for_leader_epoch_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                           topic,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_for_leader_epoch_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_for_leader_epoch_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                        throttle_time_ms, 2, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_for_leader_epoch_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_FETCH(MESSAGE, ITEM)                                                    \
    ITEM(kafka_fetch_request_replica_state)                                                \
    ITEM(kafka_fetch_request_partition)                                                    \
    ITEM(kafka_fetch_request_topic)                                                        \
    ITEM(kafka_fetch_request_forgotten_topic)                                              \
    MESSAGE(kafka_fetch_request, FetchRequest, 0, 18, 12)                                  \
    ITEM(kafka_fetch_response_diverging_epoch)                                             \
    ITEM(kafka_fetch_response_current_leader)                                              \
    ITEM(kafka_fetch_response_snapshot_id)                                                 \
    ITEM(kafka_fetch_response_aborted_transaction)                                         \
    ITEM(kafka_fetch_response_partition)                                                   \
    ITEM(kafka_fetch_response_topic)                                                       \
    ITEM(kafka_fetch_response_node_endpoint)                                               \
    MESSAGE(kafka_fetch_response, FetchResponse, 0, 18, 12)                                \
    ITEM(kafka_list_offsets_request_partition)                                             \
    ITEM(kafka_list_offsets_request_topic)                                                 \
    MESSAGE(kafka_list_offsets_request, ListOffsetsRequest, 0, 11, 6)                      \
    ITEM(kafka_list_offsets_response_partition)                                            \
    ITEM(kafka_list_offsets_response_topic)                                                \
    MESSAGE(kafka_list_offsets_response, ListOffsetsResponse, 0, 11, 6)                    \
    ITEM(kafka_offset_for_leader_epoch_request_partition)                                  \
    ITEM(kafka_offset_for_leader_epoch_request_topic)                                      \
    MESSAGE(kafka_offset_for_leader_epoch_request, OffsetForLeaderEpochRequest, 0, 4, 4)   \
    ITEM(kafka_offset_for_leader_epoch_response_partition)                                 \
    ITEM(kafka_offset_for_leader_epoch_response_topic)                                     \
    MESSAGE(kafka_offset_for_leader_epoch_response, OffsetForLeaderEpochResponse, 0, 4, 4)

WIRE_KAFKA_FETCH(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
