/*
 * wire/kafka/messages_share_group.h: share groups (KIP-932).
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_SHARE_GROUP_H
#define WIRE_KAFKA_MESSAGES_SHARE_GROUP_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- ShareGroupHeartbeatRequest: versions 0 to 1, flexible ---- */

#define kafka_share_group_heartbeat_request_FIELDS(F, L, S, N, T)               \
    F(T, string,       group_id,               0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,       member_id,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,        member_epoch,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,       rack_id,                0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string_array, subscribed_topic_names, 0, LATEST, 0,     NIL,   NO_TAG)

/* ---- ShareGroupHeartbeatResponse: versions 0 to 1, flexible ---- */

#define kafka_share_group_heartbeat_response_topic_partition_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,   0, LATEST, NEVER, 0,     NO_TAG)                 \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_group_heartbeat_response_assignment_FIELDS(F, L, S, N, T)                                     \
    L(T, kafka_share_group_heartbeat_response_topic_partition, topic_partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_group_heartbeat_response_FIELDS(F, L, S, N, T)                                              \
    F(T, int32,                                           throttle_time_ms,      0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int16,                                           error_code,            0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, string,                                          error_message,         0, LATEST, 0,     NIL, NO_TAG) \
    F(T, string,                                          member_id,             0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int32,                                           member_epoch,          0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int32,                                           heartbeat_interval_ms, 0, LATEST, NEVER, 0,   NO_TAG) \
    N(T, kafka_share_group_heartbeat_response_assignment, assignment,            0, LATEST, 0,     NIL, NO_TAG)

/* ---- ShareFetchRequest: versions 0 to 2, flexible ---- */

#define kafka_share_fetch_request_acknowledgement_batch_FIELDS(F, L, S, N, T) \
    F(T, int64,      first_offset,      0, LATEST, NEVER, 0,     NO_TAG)      \
    F(T, int64,      last_offset,       0, LATEST, NEVER, 0,     NO_TAG)      \
    F(T, int8_array, acknowledge_types, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_fetch_request_partition_FIELDS(F, L, S, N, T)                                                   \
    F(T, int32,                                           partition_index,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                                           partition_max_bytes,     0, 0,      NEVER, 0,     NO_TAG) \
    L(T, kafka_share_fetch_request_acknowledgement_batch, acknowledgement_batches, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_fetch_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, uuid,                                topic_id,   0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_fetch_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_fetch_request_forgotten_topic_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,   0, LATEST, NEVER, 0,     NO_TAG)      \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_fetch_request_FIELDS(F, L, S, N, T)                                                         \
    F(T, string,                                    group_id,              0, LATEST, 0,     NIL,       NO_TAG) \
    F(T, string,                                    member_id,             0, LATEST, 0,     NIL,       NO_TAG) \
    F(T, int32,                                     share_session_epoch,   0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                                     max_wait_ms,           0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                                     min_bytes,             0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                                     max_bytes,             0, LATEST, NEVER, INT32_MAX, NO_TAG) \
    F(T, int32,                                     max_records,           1, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                                     batch_size,            1, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int8,                                      share_acquire_mode,    2, LATEST, NEVER, 0,         NO_TAG) \
    F(T, bool,                                      is_renew_ack,          2, LATEST, NEVER, false,     NO_TAG) \
    L(T, kafka_share_fetch_request_topic,           topics,                0, LATEST, NEVER, EMPTY,     NO_TAG) \
    L(T, kafka_share_fetch_request_forgotten_topic, forgotten_topics_data, 0, LATEST, NEVER, EMPTY,     NO_TAG)

/* ---- ShareFetchResponse: versions 0 to 2, flexible ---- */

#define kafka_share_fetch_response_current_leader_FIELDS(F, L, S, N, T) \
    F(T, int32, leader_id,    0, LATEST, NEVER, 0, NO_TAG)              \
    F(T, int32, leader_epoch, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_share_fetch_response_acquired_record_FIELDS(F, L, S, N, T) \
    F(T, int64, first_offset,   0, LATEST, NEVER, 0, NO_TAG)             \
    F(T, int64, last_offset,    0, LATEST, NEVER, 0, NO_TAG)             \
    F(T, int16, delivery_count, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_share_fetch_response_partition_FIELDS(F, L, S, N, T)                                               \
    F(T, int32,                                      partition_index,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                      error_code,                0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                     error_message,             0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int16,                                      acknowledge_error_code,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                     acknowledge_error_message, 0, LATEST, 0,     NIL,   NO_TAG) \
    S(T, kafka_share_fetch_response_current_leader,  current_leader,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, records,                                    records,                   0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_share_fetch_response_acquired_record, acquired_records,          0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_fetch_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, uuid,                                 topic_id,   0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_fetch_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_fetch_response_node_endpoint_FIELDS(F, L, S, N, T) \
    F(T, int32,  node_id, 0, LATEST, NEVER, 0,     NO_TAG)             \
    F(T, string, host,    0, LATEST, NEVER, EMPTY, NO_TAG)             \
    F(T, int32,  port,    0, LATEST, NEVER, 0,     NO_TAG)             \
    F(T, string, rack,    0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_share_fetch_response_FIELDS(F, L, S, N, T)                                                         \
    F(T, int32,                                    throttle_time_ms,            0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                    error_code,                  0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                   error_message,               0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                    acquisition_lock_timeout_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_fetch_response_topic,         responses,                   0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_share_fetch_response_node_endpoint, node_endpoints,              0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ShareAcknowledgeRequest: versions 0 to 2, flexible ---- */

#define kafka_share_acknowledge_request_acknowledgement_batch_FIELDS(F, L, S, N, T) \
    F(T, int64,      first_offset,      0, LATEST, NEVER, 0,     NO_TAG)            \
    F(T, int64,      last_offset,       0, LATEST, NEVER, 0,     NO_TAG)            \
    F(T, int8_array, acknowledge_types, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_acknowledge_request_partition_FIELDS(F, L, S, N, T)                                                   \
    F(T, int32,                                                 partition_index,         0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_acknowledge_request_acknowledgement_batch, acknowledgement_batches, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_acknowledge_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, uuid,                                      topic_id,   0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_acknowledge_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_acknowledge_request_FIELDS(F, L, S, N, T)                                         \
    F(T, string,                                group_id,            0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                                member_id,           0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                 share_session_epoch, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,                                  is_renew_ack,        2, LATEST, NEVER, false, NO_TAG) \
    L(T, kafka_share_acknowledge_request_topic, topics,              0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ShareAcknowledgeResponse: versions 0 to 2, flexible ---- */

#define kafka_share_acknowledge_response_current_leader_FIELDS(F, L, S, N, T) \
    F(T, int32, leader_id,    0, LATEST, NEVER, 0, NO_TAG)                    \
    F(T, int32, leader_epoch, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_share_acknowledge_response_partition_FIELDS(F, L, S, N, T)                                    \
    F(T, int32,                                           partition_index, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                           error_code,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                          error_message,   0, LATEST, 0,     NIL,   NO_TAG) \
    S(T, kafka_share_acknowledge_response_current_leader, current_leader,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_acknowledge_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, uuid,                                       topic_id,   0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_acknowledge_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_share_acknowledge_response_node_endpoint_FIELDS(F, L, S, N, T) \
    F(T, int32,  node_id, 0, LATEST, NEVER, 0,     NO_TAG)                   \
    F(T, string, host,    0, LATEST, NEVER, EMPTY, NO_TAG)                   \
    F(T, int32,  port,    0, LATEST, NEVER, 0,     NO_TAG)                   \
    F(T, string, rack,    0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_share_acknowledge_response_FIELDS(F, L, S, N, T)                                                         \
    F(T, int32,                                          throttle_time_ms,            0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                          error_code,                  0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                         error_message,               0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                          acquisition_lock_timeout_ms, 2, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_share_acknowledge_response_topic,         responses,                   0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_share_acknowledge_response_node_endpoint, node_endpoints,              0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_SHARE_GROUP(MESSAGE, ITEM)                                           \
    MESSAGE(kafka_share_group_heartbeat_request, ShareGroupHeartbeatRequest, 0, 1, 0)   \
    ITEM(kafka_share_group_heartbeat_response_topic_partition)                          \
    ITEM(kafka_share_group_heartbeat_response_assignment)                               \
    MESSAGE(kafka_share_group_heartbeat_response, ShareGroupHeartbeatResponse, 0, 1, 0) \
    ITEM(kafka_share_fetch_request_acknowledgement_batch)                               \
    ITEM(kafka_share_fetch_request_partition)                                           \
    ITEM(kafka_share_fetch_request_topic)                                               \
    ITEM(kafka_share_fetch_request_forgotten_topic)                                     \
    MESSAGE(kafka_share_fetch_request, ShareFetchRequest, 0, 2, 0)                      \
    ITEM(kafka_share_fetch_response_current_leader)                                     \
    ITEM(kafka_share_fetch_response_acquired_record)                                    \
    ITEM(kafka_share_fetch_response_partition)                                          \
    ITEM(kafka_share_fetch_response_topic)                                              \
    ITEM(kafka_share_fetch_response_node_endpoint)                                      \
    MESSAGE(kafka_share_fetch_response, ShareFetchResponse, 0, 2, 0)                    \
    ITEM(kafka_share_acknowledge_request_acknowledgement_batch)                         \
    ITEM(kafka_share_acknowledge_request_partition)                                     \
    ITEM(kafka_share_acknowledge_request_topic)                                         \
    MESSAGE(kafka_share_acknowledge_request, ShareAcknowledgeRequest, 0, 2, 0)          \
    ITEM(kafka_share_acknowledge_response_current_leader)                               \
    ITEM(kafka_share_acknowledge_response_partition)                                    \
    ITEM(kafka_share_acknowledge_response_topic)                                        \
    ITEM(kafka_share_acknowledge_response_node_endpoint)                                \
    MESSAGE(kafka_share_acknowledge_response, ShareAcknowledgeResponse, 0, 2, 0)

WIRE_KAFKA_SHARE_GROUP(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
