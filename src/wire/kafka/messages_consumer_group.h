/*
 * wire/kafka/messages_consumer_group.h: the consumer groups of KIP-848, in which the broker assigns.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_CONSUMER_GROUP_H
#define WIRE_KAFKA_MESSAGES_CONSUMER_GROUP_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- ConsumerGroupHeartbeatRequest: versions 0 to 1, flexible ---- */

#define kafka_consumer_group_heartbeat_request_topic_partition_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,   0, LATEST, NEVER, 0,     NO_TAG)                   \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_heartbeat_request_FIELDS(F, L, S, N, T)                                                      \
    F(T, string,                                                 group_id,               0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                                 member_id,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                                  member_epoch,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                                 instance_id,            0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                                                 rack_id,                0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                                  rebalance_timeout_ms,   0, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string_array,                                           subscribed_topic_names, 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                                                 subscribed_topic_regex, 1, LATEST, 1,     NIL,   NO_TAG) \
    F(T, string,                                                 server_assignor,        0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_consumer_group_heartbeat_request_topic_partition, topic_partitions,       0, LATEST, 0,     NIL,   NO_TAG)

/* ---- ConsumerGroupHeartbeatResponse: versions 0 to 1, flexible ---- */

#define kafka_consumer_group_heartbeat_response_topic_partition_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,   0, LATEST, NEVER, 0,     NO_TAG)                    \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_heartbeat_response_assignment_FIELDS(F, L, S, N, T)                                     \
    L(T, kafka_consumer_group_heartbeat_response_topic_partition, topic_partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_heartbeat_response_FIELDS(F, L, S, N, T)                                              \
    F(T, int32,                                              throttle_time_ms,      0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int16,                                              error_code,            0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, string,                                             error_message,         0, LATEST, 0,     NIL, NO_TAG) \
    F(T, string,                                             member_id,             0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int32,                                              member_epoch,          0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int32,                                              heartbeat_interval_ms, 0, LATEST, NEVER, 0,   NO_TAG) \
    N(T, kafka_consumer_group_heartbeat_response_assignment, assignment,            0, LATEST, 0,     NIL, NO_TAG)

/* ---- ConsumerGroupDescribeRequest: versions 0 to 1, flexible ---- */

#define kafka_consumer_group_describe_request_FIELDS(F, L, S, N, T)                    \
    F(T, string_array, group_ids,                     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,         include_authorized_operations, 0, LATEST, NEVER, false, NO_TAG)

/* ---- ConsumerGroupDescribeResponse: versions 0 to 1, flexible ---- */

#define kafka_consumer_group_describe_response_topic_partition_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,   0, LATEST, NEVER, 0,     NO_TAG)                   \
    F(T, string,      topic_name, 0, LATEST, NEVER, EMPTY, NO_TAG)                   \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_describe_response_assignment_FIELDS(F, L, S, N, T)                                     \
    L(T, kafka_consumer_group_describe_response_topic_partition, topic_partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_describe_response_member_FIELDS(F, L, S, N, T)                                          \
    F(T, string,                                            member_id,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                            instance_id,            0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                                            rack_id,                0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                             member_epoch,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                            client_id,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                            client_host,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string_array,                                      subscribed_topic_names, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                            subscribed_topic_regex, 0, LATEST, 0,     NIL,   NO_TAG) \
    S(T, kafka_consumer_group_describe_response_assignment, assignment,             0, LATEST, NEVER, EMPTY, NO_TAG) \
    S(T, kafka_consumer_group_describe_response_assignment, target_assignment,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int8,                                              member_type,            1, LATEST, NEVER, -1,    NO_TAG)

#define kafka_consumer_group_describe_response_group_FIELDS(F, L, S, N, T)                                          \
    F(T, int16,                                         error_code,            0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, string,                                        error_message,         0, LATEST, 0,     NIL,       NO_TAG) \
    F(T, string,                                        group_id,              0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, string,                                        group_state,           0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                                         group_epoch,           0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, int32,                                         assignment_epoch,      0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, string,                                        assignor_name,         0, LATEST, NEVER, EMPTY,     NO_TAG) \
    L(T, kafka_consumer_group_describe_response_member, members,               0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                                         authorized_operations, 0, LATEST, NEVER, INT32_MIN, NO_TAG)

#define kafka_consumer_group_describe_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                        throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_consumer_group_describe_response_group, groups,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_CONSUMER_GROUP(MESSAGE, ITEM)                                              \
    ITEM(kafka_consumer_group_heartbeat_request_topic_partition)                              \
    MESSAGE(kafka_consumer_group_heartbeat_request, ConsumerGroupHeartbeatRequest, 0, 1, 0)   \
    ITEM(kafka_consumer_group_heartbeat_response_topic_partition)                             \
    ITEM(kafka_consumer_group_heartbeat_response_assignment)                                  \
    MESSAGE(kafka_consumer_group_heartbeat_response, ConsumerGroupHeartbeatResponse, 0, 1, 0) \
    MESSAGE(kafka_consumer_group_describe_request, ConsumerGroupDescribeRequest, 0, 1, 0)     \
    ITEM(kafka_consumer_group_describe_response_topic_partition)                              \
    ITEM(kafka_consumer_group_describe_response_assignment)                                   \
    ITEM(kafka_consumer_group_describe_response_member)                                       \
    ITEM(kafka_consumer_group_describe_response_group)                                        \
    MESSAGE(kafka_consumer_group_describe_response, ConsumerGroupDescribeResponse, 0, 1, 0)

WIRE_KAFKA_CONSUMER_GROUP(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
