/*
 * wire/kafka/messages_produce.h: producers: Produce and the ids of idempotent ones.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_PRODUCE_H
#define WIRE_KAFKA_MESSAGES_PRODUCE_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- ProduceRequest: versions 0 to 13, flexible from 9 ---- */

#define kafka_produce_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32,   index,   0, LATEST, NEVER, 0,   NO_TAG)     \
    F(T, records, records, 0, LATEST, 0,     NIL, NO_TAG)

#define kafka_produce_request_topic_FIELDS(F, L, S, N, T)                                   \
    F(T, string,                          name,            0, 12,     NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                            topic_id,       13, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_produce_request_partition, partition_data,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_produce_request_FIELDS(F, L, S, N, T)                                      \
    F(T, string,                      transactional_id, 3, LATEST, 3,     NIL,   NO_TAG) \
    F(T, int16,                       acks,             0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                       timeout_ms,       0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_produce_request_topic, topic_data,       0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ProduceResponse: versions 0 to 13, flexible from 9 ---- */

#define kafka_produce_response_record_error_FIELDS(F, L, S, N, T)          \
    F(T, int32,  batch_index,               0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, string, batch_index_error_message, 0, LATEST, 0,     NIL, NO_TAG)

#define kafka_produce_response_current_leader_FIELDS(F, L, S, N, T) \
    F(T, int32, leader_id,    0, LATEST, NEVER, -1, NO_TAG)         \
    F(T, int32, leader_epoch, 0, LATEST, NEVER, -1, NO_TAG)

#define kafka_produce_response_partition_FIELDS(F, L, S, N, T)                                        \
    F(T, int32,                                 index,               0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                 error_code,          0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                 base_offset,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                 log_append_time_ms,  2, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int64,                                 log_start_offset,    5, LATEST, NEVER, -1,    NO_TAG) \
    L(T, kafka_produce_response_record_error,   record_errors,       8, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                error_message,       8, LATEST, 8,     NIL,   NO_TAG) \
    S(T, kafka_produce_response_current_leader, current_leader,     10, LATEST, NEVER, EMPTY, 0)

#define kafka_produce_response_topic_FIELDS(F, L, S, N, T)                                        \
    F(T, string,                           name,                 0, 12,     NEVER, EMPTY, NO_TAG) \
    F(T, uuid,                             topic_id,            13, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_produce_response_partition, partition_responses,  0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_produce_response_node_endpoint_FIELDS(F, L, S, N, T) \
    F(T, int32,  node_id, 0, LATEST, NEVER, 0,     NO_TAG)         \
    F(T, string, host,    0, LATEST, NEVER, EMPTY, NO_TAG)         \
    F(T, int32,  port,    0, LATEST, NEVER, 0,     NO_TAG)         \
    F(T, string, rack,    0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_produce_response_FIELDS(F, L, S, N, T)                                               \
    L(T, kafka_produce_response_topic,         responses,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                throttle_time_ms,  1, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_produce_response_node_endpoint, node_endpoints,   10, LATEST, NEVER, EMPTY, 0)

/* ---- InitProducerIdRequest: versions 0 to 6, flexible from 2 ---- */

#define kafka_init_producer_id_request_FIELDS(F, L, S, N, T)              \
    F(T, string, transactional_id,       0, LATEST, 0,     NIL,   NO_TAG) \
    F(T, int32,  transaction_timeout_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,  producer_id,            3, LATEST, NEVER, -1,    NO_TAG) \
    F(T, int16,  producer_epoch,         3, LATEST, NEVER, -1,    NO_TAG) \
    F(T, bool,   enable_2pc,             6, LATEST, NEVER, false, NO_TAG) \
    F(T, bool,   keep_prepared_txn,      6, LATEST, NEVER, false, NO_TAG)

/* ---- InitProducerIdResponse: versions 0 to 6, flexible from 2 ---- */

#define kafka_init_producer_id_response_FIELDS(F, L, S, N, T)             \
    F(T, int32, throttle_time_ms,           0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int16, error_code,                 0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int64, producer_id,                0, LATEST, NEVER, -1, NO_TAG) \
    F(T, int16, producer_epoch,             0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int64, ongoing_txn_producer_id,    6, LATEST, NEVER, -1, NO_TAG) \
    F(T, int16, ongoing_txn_producer_epoch, 6, LATEST, NEVER, -1, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_PRODUCE(MESSAGE, ITEM)                                     \
    ITEM(kafka_produce_request_partition)                                     \
    ITEM(kafka_produce_request_topic)                                         \
    MESSAGE(kafka_produce_request, ProduceRequest, 0, 13, 9)                  \
    ITEM(kafka_produce_response_record_error)                                 \
    ITEM(kafka_produce_response_current_leader)                               \
    ITEM(kafka_produce_response_partition)                                    \
    ITEM(kafka_produce_response_topic)                                        \
    ITEM(kafka_produce_response_node_endpoint)                                \
    MESSAGE(kafka_produce_response, ProduceResponse, 0, 13, 9)                \
    MESSAGE(kafka_init_producer_id_request, InitProducerIdRequest, 0, 6, 2)   \
    MESSAGE(kafka_init_producer_id_response, InitProducerIdResponse, 0, 6, 2)

WIRE_KAFKA_PRODUCE(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
