/*
 * wire/kafka/messages_group.h: the classic consumer groups and their coordinator.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_GROUP_H
#define WIRE_KAFKA_MESSAGES_GROUP_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- FindCoordinatorRequest: versions 0 to 6, flexible from 3 ---- */

#define kafka_find_coordinator_request_FIELDS(F, L, S, N, T)              \
    F(T, string,       key,              0, 3,      NEVER, EMPTY, NO_TAG) \
    F(T, int8,         key_type,         1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string_array, coordinator_keys, 4, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- FindCoordinatorResponse: versions 0 to 6, flexible from 3 ---- */

#define kafka_find_coordinator_response_coordinator_FIELDS(F, L, S, N, T) \
    F(T, string, key,           0, LATEST, NEVER, EMPTY, NO_TAG)          \
    F(T, int32,  node_id,       0, LATEST, NEVER, 0,     NO_TAG)          \
    F(T, string, host,          0, LATEST, NEVER, EMPTY, NO_TAG)          \
    F(T, int32,  port,          0, LATEST, NEVER, 0,     NO_TAG)          \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG)          \
    F(T, string, error_message, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_find_coordinator_response_FIELDS(F, L, S, N, T)                                            \
    F(T, int32,                                       throttle_time_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                       error_code,       0, 3,      NEVER, 0,     NO_TAG) \
    F(T, string,                                      error_message,    1, 3,      1,     NIL,   NO_TAG) \
    F(T, int32,                                       node_id,          0, 3,      NEVER, 0,     NO_TAG) \
    F(T, string,                                      host,             0, 3,      NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                       port,             0, 3,      NEVER, 0,     NO_TAG) \
    L(T, kafka_find_coordinator_response_coordinator, coordinators,     4, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- JoinGroupRequest: versions 0 to 9, flexible from 6 ---- */

#define kafka_join_group_request_protocol_FIELDS(F, L, S, N, T) \
    F(T, string, name,     0, LATEST, NEVER, EMPTY, NO_TAG)     \
    F(T, bytes,  metadata, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_join_group_request_FIELDS(F, L, S, N, T)                                             \
    F(T, string,                            group_id,             0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                             session_timeout_ms,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                             rebalance_timeout_ms, 1, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,                            member_id,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                            group_instance_id,    5, LATEST, 5,     NIL,   NO_TAG) \
    F(T, string,                            protocol_type,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_join_group_request_protocol, protocols,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                            reason,               8, LATEST, 8,     NIL,   NO_TAG)

/* ---- JoinGroupResponse: versions 0 to 9, flexible from 6 ---- */

#define kafka_join_group_response_member_FIELDS(F, L, S, N, T)       \
    F(T, string, member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_instance_id, 5, LATEST, 5,     NIL,   NO_TAG) \
    F(T, bytes,  metadata,          0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_join_group_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                            throttle_time_ms, 2, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                            error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                            generation_id,    0, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,                           protocol_type,    7, LATEST, 7,     NIL,   NO_TAG) \
    F(T, string,                           protocol_name,    0, LATEST, 7,     EMPTY, NO_TAG) \
    F(T, string,                           leader,           0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                             skip_assignment,  9, LATEST, NEVER, false, NO_TAG) \
    F(T, string,                           member_id,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_join_group_response_member, members,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- SyncGroupRequest: versions 0 to 5, flexible from 4 ---- */

#define kafka_sync_group_request_assignment_FIELDS(F, L, S, N, T) \
    F(T, string, member_id,  0, LATEST, NEVER, EMPTY, NO_TAG)     \
    F(T, bytes,  assignment, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_sync_group_request_FIELDS(F, L, S, N, T)                                            \
    F(T, string,                              group_id,          0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                               generation_id,     0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                              member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                              group_instance_id, 3, LATEST, 3,     NIL,   NO_TAG) \
    F(T, string,                              protocol_type,     5, LATEST, 5,     NIL,   NO_TAG) \
    F(T, string,                              protocol_name,     5, LATEST, 5,     NIL,   NO_TAG) \
    L(T, kafka_sync_group_request_assignment, assignments,       0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- SyncGroupResponse: versions 0 to 5, flexible from 4 ---- */

#define kafka_sync_group_response_FIELDS(F, L, S, N, T)             \
    F(T, int32,  throttle_time_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,  error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, protocol_type,    5, LATEST, 5,     NIL,   NO_TAG) \
    F(T, string, protocol_name,    5, LATEST, 5,     NIL,   NO_TAG) \
    F(T, bytes,  assignment,       0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- HeartbeatRequest: versions 0 to 4, flexible from 4 ---- */

#define kafka_heartbeat_request_FIELDS(F, L, S, N, T)                \
    F(T, string, group_id,          0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,  generation_id,     0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_instance_id, 3, LATEST, 3,     NIL,   NO_TAG)

/* ---- HeartbeatResponse: versions 0 to 4, flexible from 4 ---- */

#define kafka_heartbeat_response_FIELDS(F, L, S, N, T)         \
    F(T, int32, throttle_time_ms, 1, LATEST, NEVER, 0, NO_TAG) \
    F(T, int16, error_code,       0, LATEST, NEVER, 0, NO_TAG)

/* ---- LeaveGroupRequest: versions 0 to 5, flexible from 4 ---- */

#define kafka_leave_group_request_member_FIELDS(F, L, S, N, T)       \
    F(T, string, member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_instance_id, 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string, reason,            5, LATEST, 5,     NIL,   NO_TAG)

#define kafka_leave_group_request_FIELDS(F, L, S, N, T)                                \
    F(T, string,                           group_id,  0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                           member_id, 0, 2,      NEVER, EMPTY, NO_TAG) \
    L(T, kafka_leave_group_request_member, members,   3, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- LeaveGroupResponse: versions 0 to 5, flexible from 4 ---- */

#define kafka_leave_group_response_member_FIELDS(F, L, S, N, T)      \
    F(T, string, member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_instance_id, 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int16,  error_code,        0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_leave_group_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                             throttle_time_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                             error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_leave_group_response_member, members,          3, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ListGroupsRequest: versions 0 to 5, flexible from 3 ---- */

#define kafka_list_groups_request_FIELDS(F, L, S, N, T)                \
    F(T, string_array, states_filter, 4, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string_array, types_filter,  5, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ListGroupsResponse: versions 0 to 5, flexible from 3 ---- */

#define kafka_list_groups_response_group_FIELDS(F, L, S, N, T)   \
    F(T, string, group_id,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, protocol_type, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_state,   4, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_type,    5, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_groups_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                            throttle_time_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                            error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_list_groups_response_group, groups,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DescribeGroupsRequest: versions 0 to 6, flexible from 5 ---- */

#define kafka_describe_groups_request_FIELDS(F, L, S, N, T)                            \
    F(T, string_array, groups,                        0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,         include_authorized_operations, 3, LATEST, NEVER, false, NO_TAG)

/* ---- DescribeGroupsResponse: versions 0 to 6, flexible from 5 ---- */

#define kafka_describe_groups_response_member_FIELDS(F, L, S, N, T)  \
    F(T, string, member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_instance_id, 4, LATEST, 4,     NIL,   NO_TAG) \
    F(T, string, client_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, client_host,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bytes,  member_metadata,   0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bytes,  member_assignment, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_groups_response_group_FIELDS(F, L, S, N, T)                                          \
    F(T, int16,                                 error_code,            0, LATEST, NEVER, 0,         NO_TAG) \
    F(T, string,                                error_message,         6, LATEST, 6,     NIL,       NO_TAG) \
    F(T, string,                                group_id,              0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, string,                                group_state,           0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, string,                                protocol_type,         0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, string,                                protocol_data,         0, LATEST, NEVER, EMPTY,     NO_TAG) \
    L(T, kafka_describe_groups_response_member, members,               0, LATEST, NEVER, EMPTY,     NO_TAG) \
    F(T, int32,                                 authorized_operations, 3, LATEST, NEVER, INT32_MIN, NO_TAG)

#define kafka_describe_groups_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                throttle_time_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_groups_response_group, groups,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DeleteGroupsRequest: versions 0 to 2, flexible from 2 ---- */

#define kafka_delete_groups_request_FIELDS(F, L, S, N, T)             \
    F(T, string_array, groups_names, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DeleteGroupsResponse: versions 0 to 2, flexible from 2 ---- */

#define kafka_delete_groups_response_result_FIELDS(F, L, S, N, T) \
    F(T, string, group_id,   0, LATEST, NEVER, EMPTY, NO_TAG)     \
    F(T, int16,  error_code, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_delete_groups_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                               throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_delete_groups_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_GROUP(MESSAGE, ITEM)                                        \
    MESSAGE(kafka_find_coordinator_request, FindCoordinatorRequest, 0, 6, 3)   \
    ITEM(kafka_find_coordinator_response_coordinator)                          \
    MESSAGE(kafka_find_coordinator_response, FindCoordinatorResponse, 0, 6, 3) \
    ITEM(kafka_join_group_request_protocol)                                    \
    MESSAGE(kafka_join_group_request, JoinGroupRequest, 0, 9, 6)               \
    ITEM(kafka_join_group_response_member)                                     \
    MESSAGE(kafka_join_group_response, JoinGroupResponse, 0, 9, 6)             \
    ITEM(kafka_sync_group_request_assignment)                                  \
    MESSAGE(kafka_sync_group_request, SyncGroupRequest, 0, 5, 4)               \
    MESSAGE(kafka_sync_group_response, SyncGroupResponse, 0, 5, 4)             \
    MESSAGE(kafka_heartbeat_request, HeartbeatRequest, 0, 4, 4)                \
    MESSAGE(kafka_heartbeat_response, HeartbeatResponse, 0, 4, 4)              \
    ITEM(kafka_leave_group_request_member)                                     \
    MESSAGE(kafka_leave_group_request, LeaveGroupRequest, 0, 5, 4)             \
    ITEM(kafka_leave_group_response_member)                                    \
    MESSAGE(kafka_leave_group_response, LeaveGroupResponse, 0, 5, 4)           \
    MESSAGE(kafka_list_groups_request, ListGroupsRequest, 0, 5, 3)             \
    ITEM(kafka_list_groups_response_group)                                     \
    MESSAGE(kafka_list_groups_response, ListGroupsResponse, 0, 5, 3)           \
    MESSAGE(kafka_describe_groups_request, DescribeGroupsRequest, 0, 6, 5)     \
    ITEM(kafka_describe_groups_response_member)                                \
    ITEM(kafka_describe_groups_response_group)                                 \
    MESSAGE(kafka_describe_groups_response, DescribeGroupsResponse, 0, 6, 5)   \
    MESSAGE(kafka_delete_groups_request, DeleteGroupsRequest, 0, 2, 2)         \
    ITEM(kafka_delete_groups_response_result)                                  \
    MESSAGE(kafka_delete_groups_response, DeleteGroupsResponse, 0, 2, 2)

WIRE_KAFKA_GROUP(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
