/*
 * wire/kafka/messages_group_log.h: keys and values of __consumer_offsets; each begins with an int16 version, and that of the key says which table it is.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka group-coordinator/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_GROUP_LOG_H
#define WIRE_KAFKA_MESSAGES_GROUP_LOG_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- OffsetCommitKey: versions 0 to 1, never flexible ---- */

#define kafka_offset_commit_key_FIELDS(F, L, S, N, T)        \
    F(T, string, group,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, topic,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,  partition, 0, LATEST, NEVER, 0,     NO_TAG)

/* ---- OffsetCommitValue: versions 0 to 4, flexible from 4 ---- */

#define kafka_offset_commit_value_FIELDS(F, L, S, N, T)             \
    F(T, int64,  offset,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,  leader_epoch,     3, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string, metadata,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,  commit_timestamp, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,  expire_timestamp, 1, 1,      NEVER, -1,    NO_TAG) \
    F(T, uuid,   topic_id,         4, LATEST, NEVER, 0,     0)

/* ---- GroupMetadataKey: version 2, never flexible ---- */

#define kafka_group_metadata_key_FIELDS(F, L, S, N, T)   \
    F(T, string, group, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- GroupMetadataValue: versions 0 to 4, flexible from 4 ---- */

#define kafka_group_metadata_value_member_FIELDS(F, L, S, N, T)      \
    F(T, string, member_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, group_instance_id, 3, LATEST, 3,     NIL,   NO_TAG) \
    F(T, string, client_id,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string, client_host,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,  rebalance_timeout, 1, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,  session_timeout,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bytes,  subscription,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bytes,  assignment,        0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_group_metadata_value_FIELDS(F, L, S, N, T)                                              \
    F(T, string,                            protocol_type,           0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                             generation,              0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                            protocol,                0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                            leader,                  0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int64,                             current_state_timestamp, 2, LATEST, NEVER, -1,    NO_TAG) \
    L(T, kafka_group_metadata_value_member, members,                 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupMetadataKey: version 3, never flexible ---- */

#define kafka_consumer_group_metadata_key_FIELDS(F, L, S, N, T) \
    F(T, string, group_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupMetadataValue: version 0, flexible ---- */

#define kafka_consumer_group_metadata_value_FIELDS(F, L, S, N, T) \
    F(T, int32, epoch,         0, LATEST, NEVER, 0, NO_TAG)       \
    F(T, int64, metadata_hash, 0, LATEST, NEVER, 0, 0)

/* ---- ConsumerGroupPartitionMetadataKey: version 4, never flexible ---- */

#define kafka_consumer_group_partition_metadata_key_FIELDS(F, L, S, N, T) \
    F(T, string, group_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupMemberMetadataKey: version 5, never flexible ---- */

#define kafka_consumer_group_member_metadata_key_FIELDS(F, L, S, N, T) \
    F(T, string, group_id,  0, LATEST, NEVER, EMPTY, NO_TAG)           \
    F(T, string, member_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupMemberMetadataValue: version 0, flexible ---- */

#define kafka_consumer_group_member_metadata_value_supported_protocol_FIELDS(F, L, S, N, T) \
    F(T, string, name,     0, LATEST, NEVER, EMPTY, NO_TAG)                                 \
    F(T, bytes,  metadata, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_member_metadata_value_classic_member_metadata_FIELDS(F, L, S, N, T)                              \
    F(T, int32,                                                         session_timeout_ms,  0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_consumer_group_member_metadata_value_supported_protocol, supported_protocols, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_member_metadata_value_FIELDS(F, L, S, N, T)                                                               \
    F(T, string,                                                             instance_id,             0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                                                             rack_id,                 0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, string,                                                             client_id,               0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                                             client_host,             0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string_array,                                                       subscribed_topic_names,  0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                                             subscribed_topic_regex,  0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,                                                              rebalance_timeout_ms,    0, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,                                                             server_assignor,         0, LATEST, 0,     NIL,   NO_TAG) \
    N(T, kafka_consumer_group_member_metadata_value_classic_member_metadata, classic_member_metadata, 0, LATEST, 0,     EMPTY, 0)

/* ---- ConsumerGroupTargetAssignmentMetadataKey: version 6, never flexible ---- */

#define kafka_consumer_group_target_assignment_metadata_key_FIELDS(F, L, S, N, T) \
    F(T, string, group_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupTargetAssignmentMetadataValue: version 0, flexible ---- */

#define kafka_consumer_group_target_assignment_metadata_value_FIELDS(F, L, S, N, T) \
    F(T, int32, assignment_epoch,     0, LATEST, NEVER, 0, NO_TAG)                  \
    F(T, int64, assignment_timestamp, 0, LATEST, NEVER, 0, 0)

/* ---- ConsumerGroupTargetAssignmentMemberKey: version 7, never flexible ---- */

#define kafka_consumer_group_target_assignment_member_key_FIELDS(F, L, S, N, T) \
    F(T, string, group_id,  0, LATEST, NEVER, EMPTY, NO_TAG)                    \
    F(T, string, member_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupTargetAssignmentMemberValue: version 0, flexible ---- */

#define kafka_consumer_group_target_assignment_member_value_topic_partition_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,   0, LATEST, NEVER, 0,     NO_TAG)                                \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_group_target_assignment_member_value_FIELDS(F, L, S, N, T)                                                \
    L(T, kafka_consumer_group_target_assignment_member_value_topic_partition, topic_partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupCurrentMemberAssignmentKey: version 8, never flexible ---- */

#define kafka_consumer_group_current_member_assignment_key_FIELDS(F, L, S, N, T) \
    F(T, string, group_id,  0, LATEST, NEVER, EMPTY, NO_TAG)                     \
    F(T, string, member_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ConsumerGroupCurrentMemberAssignmentValue: version 0, flexible ---- */

#define kafka_consumer_group_current_member_assignment_value_topic_FIELDS(F, L, S, N, T) \
    F(T, uuid,        topic_id,          0, LATEST, NEVER, 0,     NO_TAG)                \
    F(T, int32_array, partitions,        0, LATEST, NEVER, EMPTY, NO_TAG)                \
    F(T, int32_array, assignment_epochs, 0, LATEST, 0,     EMPTY, 0)

#define kafka_consumer_group_current_member_assignment_value_FIELDS(F, L, S, N, T)                                                   \
    F(T, int32,                                                      member_epoch,                  0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                                                      previous_member_epoch,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int8,                                                       state,                         0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_consumer_group_current_member_assignment_value_topic, assigned_partitions,           0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_consumer_group_current_member_assignment_value_topic, partitions_pending_revocation, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_GROUP_LOG(MESSAGE, ITEM)                                                                             \
    MESSAGE(kafka_offset_commit_key, OffsetCommitKey, 0, 1, NEVER)                                                      \
    MESSAGE(kafka_offset_commit_value, OffsetCommitValue, 0, 4, 4)                                                      \
    MESSAGE(kafka_group_metadata_key, GroupMetadataKey, 2, 2, NEVER)                                                    \
    ITEM(kafka_group_metadata_value_member)                                                                             \
    MESSAGE(kafka_group_metadata_value, GroupMetadataValue, 0, 4, 4)                                                    \
    MESSAGE(kafka_consumer_group_metadata_key, ConsumerGroupMetadataKey, 3, 3, NEVER)                                   \
    MESSAGE(kafka_consumer_group_metadata_value, ConsumerGroupMetadataValue, 0, 0, 0)                                   \
    MESSAGE(kafka_consumer_group_partition_metadata_key, ConsumerGroupPartitionMetadataKey, 4, 4, NEVER)                \
    MESSAGE(kafka_consumer_group_member_metadata_key, ConsumerGroupMemberMetadataKey, 5, 5, NEVER)                      \
    ITEM(kafka_consumer_group_member_metadata_value_supported_protocol)                                                 \
    ITEM(kafka_consumer_group_member_metadata_value_classic_member_metadata)                                            \
    MESSAGE(kafka_consumer_group_member_metadata_value, ConsumerGroupMemberMetadataValue, 0, 0, 0)                      \
    MESSAGE(kafka_consumer_group_target_assignment_metadata_key, ConsumerGroupTargetAssignmentMetadataKey, 6, 6, NEVER) \
    MESSAGE(kafka_consumer_group_target_assignment_metadata_value, ConsumerGroupTargetAssignmentMetadataValue, 0, 0, 0) \
    MESSAGE(kafka_consumer_group_target_assignment_member_key, ConsumerGroupTargetAssignmentMemberKey, 7, 7, NEVER)     \
    ITEM(kafka_consumer_group_target_assignment_member_value_topic_partition)                                           \
    MESSAGE(kafka_consumer_group_target_assignment_member_value, ConsumerGroupTargetAssignmentMemberValue, 0, 0, 0)     \
    MESSAGE(kafka_consumer_group_current_member_assignment_key, ConsumerGroupCurrentMemberAssignmentKey, 8, 8, NEVER)   \
    ITEM(kafka_consumer_group_current_member_assignment_value_topic)                                                    \
    MESSAGE(kafka_consumer_group_current_member_assignment_value, ConsumerGroupCurrentMemberAssignmentValue, 0, 0, 0)

WIRE_KAFKA_GROUP_LOG(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
