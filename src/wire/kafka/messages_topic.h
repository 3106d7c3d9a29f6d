/*
 * wire/kafka/messages_topic.h: creating, growing and emptying topics.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_TOPIC_H
#define WIRE_KAFKA_MESSAGES_TOPIC_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- CreateTopicsRequest: versions 0 to 7, flexible from 5 ---- */

#define kafka_create_topics_request_assignment_FIELDS(F, L, S, N, T)    \
    F(T, int32,       partition_index, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32_array, broker_ids,      0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_create_topics_request_config_FIELDS(F, L, S, N, T) \
    F(T, string, name,  0, LATEST, NEVER, EMPTY, NO_TAG)         \
    F(T, string, value, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_create_topics_request_topic_FIELDS(F, L, S, N, T)                                       \
    F(T, string,                                 name,               0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                  num_partitions,     0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                  replication_factor, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_create_topics_request_assignment, assignments,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_create_topics_request_config,     configs,            0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_create_topics_request_FIELDS(F, L, S, N, T)                                   \
    L(T, kafka_create_topics_request_topic, topics,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                             timeout_ms,    0, LATEST, NEVER, 60000, NO_TAG) \
    F(T, bool,                              validate_only, 1, LATEST, NEVER, false, NO_TAG)

/* ---- CreateTopicsResponse: versions 0 to 7, flexible from 5 ---- */

#define kafka_create_topics_response_config_FIELDS(F, L, S, N, T) \
    F(T, string, name,          0, LATEST, NEVER, EMPTY, NO_TAG)  \
    F(T, string, value,         0, LATEST, 0,     NIL,   NO_TAG)  \
    F(T, bool,   read_only,     0, LATEST, NEVER, false, NO_TAG)  \
    F(T, int8,   config_source, 0, LATEST, NEVER, -1,    NO_TAG)  \
    F(T, bool,   is_sensitive,  0, LATEST, NEVER, false, NO_TAG)

#define kafka_create_topics_response_topic_FIELDS(F, L, S, N, T)                                        \
    F(T, string,                              name,                    0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                                topic_id,                7, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                               error_code,              0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                              error_message,           1, LATEST, 1,     NIL,   NO_TAG) \
    F(T, int16,                               topic_config_error_code, 5, LATEST, NEVER, 0,     0)      \
    F(T, int32,                               num_partitions,          5, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int16,                               replication_factor,      5, LATEST, NEVER, -1,    NO_TAG) \
    L(T, kafka_create_topics_response_config, configs,                 5, LATEST, 5,     NIL,   NO_TAG)

#define kafka_create_topics_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                              throttle_time_ms, 2, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_create_topics_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DeleteTopicsRequest: versions 0 to 6, flexible from 4 ---- */

#define kafka_delete_topics_request_topic_FIELDS(F, L, S, N, T) \
    F(T, string, name,     0, LATEST, 0,     NIL, NO_TAG)       \
    F(T, uuid,   topic_id, 0, LATEST, NEVER, 0,   NO_TAG)

#define kafka_delete_topics_request_FIELDS(F, L, S, N, T)                                 \
    L(T, kafka_delete_topics_request_topic, topics,      6, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string_array,                      topic_names, 0, 5,      NEVER, EMPTY, NO_TAG) \
    F(T, int32,                             timeout_ms,  0, LATEST, NEVER, 0,     NO_TAG)

/* ---- DeleteTopicsResponse: versions 0 to 6, flexible from 4 ---- */

#define kafka_delete_topics_response_topic_FIELDS(F, L, S, N, T) \
    F(T, string, name,          0, LATEST, 6,     EMPTY, NO_TAG) \
    F(T, uuid,   topic_id,      6, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, error_message, 5, LATEST, 5,     NIL,   NO_TAG)

#define kafka_delete_topics_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                              throttle_time_ms, 1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_delete_topics_response_topic, responses,        0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- CreatePartitionsRequest: versions 0 to 3, flexible from 2 ---- */

#define kafka_create_partitions_request_assignment_FIELDS(F, L, S, N, T) \
    F(T, int32_array, broker_ids, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_create_partitions_request_topic_FIELDS(F, L, S, N, T)                                \
    F(T, string,                                     name,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                      count,       0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_create_partitions_request_assignment, assignments, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_create_partitions_request_FIELDS(F, L, S, N, T)                                   \
    L(T, kafka_create_partitions_request_topic, topics,        0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                 timeout_ms,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,                                  validate_only, 0, LATEST, NEVER, false, NO_TAG)

/* ---- CreatePartitionsResponse: versions 0 to 3, flexible from 2 ---- */

#define kafka_create_partitions_response_result_FIELDS(F, L, S, N, T) \
    F(T, string, name,          0, LATEST, NEVER, EMPTY, NO_TAG)      \
    F(T, int16,  error_code,    0, LATEST, NEVER, 0,     NO_TAG)      \
    F(T, string, error_message, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_create_partitions_response_FIELDS(F, L, S, N, T)                                       \
    F(T, int32,                                   throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_create_partitions_response_result, results,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DeleteRecordsRequest: versions 0 to 2, flexible from 2 ---- */

#define kafka_delete_records_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)        \
    F(T, int64, offset,          0, LATEST, NEVER, 0, NO_TAG)

#define kafka_delete_records_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                 name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_delete_records_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_delete_records_request_FIELDS(F, L, S, N, T)                                \
    L(T, kafka_delete_records_request_topic, topics,     0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                              timeout_ms, 0, LATEST, NEVER, 0,     NO_TAG)

/* ---- DeleteRecordsResponse: versions 0 to 2, flexible from 2 ---- */

#define kafka_delete_records_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)         \
    F(T, int64, low_watermark,   0, LATEST, NEVER, 0, NO_TAG)         \
    F(T, int16, error_code,      0, LATEST, NEVER, 0, NO_TAG)

#define kafka_delete_records_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                  name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_delete_records_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_delete_records_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                               throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_delete_records_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_TOPIC(MESSAGE, ITEM)                                          \
    ITEM(kafka_create_topics_request_assignment)                                 \
    ITEM(kafka_create_topics_request_config)                                     \
    ITEM(kafka_create_topics_request_topic)                                      \
    MESSAGE(kafka_create_topics_request, CreateTopicsRequest, 0, 7, 5)           \
    ITEM(kafka_create_topics_response_config)                                    \
    ITEM(kafka_create_topics_response_topic)                                     \
    MESSAGE(kafka_create_topics_response, CreateTopicsResponse, 0, 7, 5)         \
    ITEM(kafka_delete_topics_request_topic)                                      \
    MESSAGE(kafka_delete_topics_request, DeleteTopicsRequest, 0, 6, 4)           \
    ITEM(kafka_delete_topics_response_topic)                                     \
    MESSAGE(kafka_delete_topics_response, DeleteTopicsResponse, 0, 6, 4)         \
    ITEM(kafka_create_partitions_request_assignment)                             \
    ITEM(kafka_create_partitions_request_topic)                                  \
    MESSAGE(kafka_create_partitions_request, CreatePartitionsRequest, 0, 3, 2)   \
    ITEM(kafka_create_partitions_response_result)                                \
    MESSAGE(kafka_create_partitions_response, CreatePartitionsResponse, 0, 3, 2) \
    ITEM(kafka_delete_records_request_partition)                                 \
    ITEM(kafka_delete_records_request_topic)                                     \
    MESSAGE(kafka_delete_records_request, DeleteRecordsRequest, 0, 2, 2)         \
    ITEM(kafka_delete_records_response_partition)                                \
    ITEM(kafka_delete_records_response_topic)                                    \
    MESSAGE(kafka_delete_records_response, DeleteRecordsResponse, 0, 2, 2)

WIRE_KAFKA_TOPIC(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
