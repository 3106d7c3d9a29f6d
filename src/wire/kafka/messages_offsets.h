/*
 * wire/kafka/messages_offsets.h: committed offsets of consumer groups.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_OFFSETS_H
#define WIRE_KAFKA_MESSAGES_OFFSETS_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- OffsetCommitRequest: versions 0 to 10, flexible from 8 ---- */

#define kafka_offset_commit_request_partition_FIELDS(F, L, S, N, T)     \
    F(T, int32,  partition_index,        0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int64,  committed_offset,       0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int32,  committed_leader_epoch, 6, LATEST, NEVER, -1,  NO_TAG) \
    F(T, int64,  commit_timestamp,       1, 1,      NEVER, -1,  NO_TAG) \
    F(T, string, committed_metadata,     0, LATEST, 0,     NIL, NO_TAG)

#define kafka_offset_commit_request_topic_FIELDS(F, L, S, N, T)                               \
    F(T, string,                                name,        0, 9,      NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                                  topic_id,   10, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_commit_request_partition, partitions,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_commit_request_FIELDS(F, L, S, N, T)                                                   \
    F(T, string,                            group_id,                      0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                             generation_id_or_member_epoch, 1, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,                            member_id,                     1, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                            group_instance_id,             7, LATEST, 7,     NIL,   NO_TAG) \
    F(T, int64,                             retention_time_ms,             2, 4,      NEVER, -1,    NO_TAG) \
    L(T, kafka_offset_commit_request_topic, topics,                        0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- OffsetCommitResponse: versions 0 to 10, flexible from 8 ---- */

#define kafka_offset_commit_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)        \
    F(T, int16, error_code,      0, LATEST, NEVER, 0, NO_TAG)

#define kafka_offset_commit_response_topic_FIELDS(F, L, S, N, T)                               \
    F(T, string,                                 name,        0, 9,      NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                                   topic_id,   10, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_commit_response_partition, partitions,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_commit_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                              throttle_time_ms, 3, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_commit_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- OffsetFetchRequest: versions 0 to 10, flexible from 6 ---- */

#define kafka_offset_fetch_request_topic_FIELDS(F, L, S, N, T)            \
    F(T, string,      name,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, partition_indexes, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_fetch_request_group_topic_FIELDS(F, L, S, N, T)       \
    F(T, string,      name,               8, 9,      NEVER, EMPTY, NO_TAG) \
    F(T, uuid,        topic_id,          10, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32_array, partition_indexes,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_fetch_request_group_FIELDS(F, L, S, N, T)                                  \
    F(T, string,                                 group_id,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                 member_id,    9, LATEST, 9,     NIL,   NO_TAG) \
    F(T, int32,                                  member_epoch, 9, LATEST, NEVER, -1,    NO_TAG) \
    L(T, kafka_offset_fetch_request_group_topic, topics,       0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_offset_fetch_request_FIELDS(F, L, S, N, T)                                    \
    F(T, string,                           group_id,       0, 7,      NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_fetch_request_topic, topics,         0, 7,      2,     EMPTY, NO_TAG) \
    L(T, kafka_offset_fetch_request_group, groups,         8, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                             require_stable, 7, LATEST, NEVER, false, NO_TAG)

/* ---- OffsetFetchResponse: versions 0 to 10, flexible from 6 ---- */

#define kafka_offset_fetch_response_partition_FIELDS(F, L, S, N, T)     \
    F(T, int32,  partition_index,        0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int64,  committed_offset,       0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int32,  committed_leader_epoch, 5, LATEST, NEVER, -1,  NO_TAG) \
    F(T, string, metadata,               0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int16,  error_code,             0, LATEST, NEVER, 0,   NO_TAG)

#define kafka_offset_fetch_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_fetch_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_fetch_response_group_topic_FIELDS(F, L, S, N, T)                         \
    F(T, string,                                name,        8, 9,      NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                                  topic_id,   10, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_fetch_response_partition, partitions,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_fetch_response_group_FIELDS(F, L, S, N, T)                                \
    F(T, string,                                  group_id,   0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_fetch_response_group_topic, topics,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int16,                                   error_code, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_offset_fetch_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                             throttle_time_ms, 3, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_fetch_response_topic, topics,           0, 7,      NEVER, EMPTY, NO_TAG) \
    F(T, int16,                             error_code,       2, 7,      NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_fetch_response_group, groups,           8, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- OffsetDeleteRequest: version 0, never flexible ---- */

#define kafka_offset_delete_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_offset_delete_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_delete_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_delete_request_FIELDS(F, L, S, N, T)                              \
    F(T, string,                            group_id, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_delete_request_topic, topics,   0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- OffsetDeleteResponse: version 0, never flexible ---- */

#define kafka_offset_delete_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)        \
    F(T, int16, error_code,      0, LATEST, NEVER, 0, NO_TAG)

#define kafka_offset_delete_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                 name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_offset_delete_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_offset_delete_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int16,                              error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                              throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_offset_delete_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_OFFSETS(MESSAGE, ITEM)                                    \
    ITEM(kafka_offset_commit_request_partition)                              \
    ITEM(kafka_offset_commit_request_topic)                                  \
    MESSAGE(kafka_offset_commit_request, OffsetCommitRequest, 0, 10, 8)      \
    ITEM(kafka_offset_commit_response_partition)                             \
    ITEM(kafka_offset_commit_response_topic)                                 \
    MESSAGE(kafka_offset_commit_response, OffsetCommitResponse, 0, 10, 8)    \
    ITEM(kafka_offset_fetch_request_topic)                                   \
    ITEM(kafka_offset_fetch_request_group_topic)                             \
    ITEM(kafka_offset_fetch_request_group)                                   \
    MESSAGE(kafka_offset_fetch_request, OffsetFetchRequest, 0, 10, 6)        \
    ITEM(kafka_offset_fetch_response_partition)                              \
    ITEM(kafka_offset_fetch_response_topic)                                  \
    ITEM(kafka_offset_fetch_response_group_topic)                            \
    ITEM(kafka_offset_fetch_response_group)                                  \
    MESSAGE(kafka_offset_fetch_response, OffsetFetchResponse, 0, 10, 6)      \
    ITEM(kafka_offset_delete_request_partition)                              \
    ITEM(kafka_offset_delete_request_topic)                                  \
    MESSAGE(kafka_offset_delete_request, OffsetDeleteRequest, 0, 0, NEVER)   \
    ITEM(kafka_offset_delete_response_partition)                             \
    ITEM(kafka_offset_delete_response_topic)                                 \
    MESSAGE(kafka_offset_delete_response, OffsetDeleteResponse, 0, 0, NEVER)

WIRE_KAFKA_OFFSETS(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
