/*
 * wire/kafka/messages_transaction_log.h: keys and values of __transaction_state; each begins with an int16 version.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka transaction-coordinator/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_TRANSACTION_LOG_H
#define WIRE_KAFKA_MESSAGES_TRANSACTION_LOG_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- TransactionLogKey: version 0, never flexible ---- */

#define kafka_transaction_log_key_FIELDS(F, L, S, N, T)             \
    F(T, string, transactional_id, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- TransactionLogValue: versions 0 to 1, flexible from 1 ---- */

#define kafka_transaction_log_value_topic_FIELDS(F, L, S, N, T)       \
    F(T, string,      topic,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, partition_ids, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_transaction_log_value_FIELDS(F, L, S, N, T)                                                        \
    F(T, int64,                             producer_id,                          0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int64,                             previous_producer_id,                 1, LATEST, NEVER, -1,  0)      \
    F(T, int64,                             next_producer_id,                     1, LATEST, NEVER, -1,  1)      \
    F(T, int16,                             producer_epoch,                       0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int16,                             next_producer_epoch,                  1, LATEST, NEVER, -1,  2)      \
    F(T, int32,                             transaction_timeout_ms,               0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int8,                              transaction_status,                   0, LATEST, NEVER, 0,   NO_TAG) \
    L(T, kafka_transaction_log_value_topic, transaction_partitions,               0, LATEST, 0,     NIL, NO_TAG) \
    F(T, int64,                             transaction_last_update_timestamp_ms, 0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int64,                             transaction_start_timestamp_ms,       0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int16,                             client_transaction_version,           1, LATEST, NEVER, 0,   3)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_TRANSACTION_LOG(MESSAGE, ITEM)                      \
    MESSAGE(kafka_transaction_log_key, TransactionLogKey, 0, 0, NEVER) \
    ITEM(kafka_transaction_log_value_topic)                            \
    MESSAGE(kafka_transaction_log_value, TransactionLogValue, 0, 1, 1)

WIRE_KAFKA_TRANSACTION_LOG(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
