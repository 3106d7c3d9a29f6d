/*
 * wire/kafka/messages_transaction.h: transactions: their coordinator, their markers, and looking into them.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_TRANSACTION_H
#define WIRE_KAFKA_MESSAGES_TRANSACTION_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- AddPartitionsToTxnRequest: versions 0 to 5, flexible from 3 ---- */

#define kafka_add_partitions_to_txn_request_topic_FIELDS(F, L, S, N, T) \
    F(T, string,      name,       0, LATEST, NEVER, EMPTY, NO_TAG)      \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_add_partitions_to_txn_request_transaction_FIELDS(F, L, S, N, T)                          \
    F(T, string,                                    transactional_id, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,                                     producer_id,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                     producer_epoch,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,                                      verify_only,      0, LATEST, NEVER, false, NO_TAG) \
    L(T, kafka_add_partitions_to_txn_request_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_add_partitions_to_txn_request_FIELDS(F, L, S, N, T)                                                         \
    L(T, kafka_add_partitions_to_txn_request_transaction, transactions,                  4, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                          v3_and_below_transactional_id, 0, 3,      NEVER, EMPTY, NO_TAG) \
    F(T, int64,                                           v3_and_below_producer_id,      0, 3,      NEVER, 0,     NO_TAG) \
    F(T, int16,                                           v3_and_below_producer_epoch,   0, 3,      NEVER, 0,     NO_TAG) \
    L(T, kafka_add_partitions_to_txn_request_topic,       v3_and_below_topics,           0, 3,      NEVER, EMPTY, NO_TAG)

/* ---- AddPartitionsToTxnResponse: versions 0 to 5, flexible from 3 ---- */

#define kafka_add_partitions_to_txn_response_partition_result_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index,      0, LATEST, NEVER, 0, NO_TAG)                  \
    F(T, int16, partition_error_code, 0, LATEST, NEVER, 0, NO_TAG)

#define kafka_add_partitions_to_txn_response_topic_result_FIELDS(F, L, S, N, T)                                        \
    F(T, string,                                                name,                 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_add_partitions_to_txn_response_partition_result, results_by_partition, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_add_partitions_to_txn_response_transaction_result_FIELDS(F, L, S, N, T)                          \
    F(T, string,                                            transactional_id, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_add_partitions_to_txn_response_topic_result, topic_results,    0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_add_partitions_to_txn_response_FIELDS(F, L, S, N, T)                                                                \
    F(T, int32,                                                   throttle_time_ms,              0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                                   error_code,                    4, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_add_partitions_to_txn_response_transaction_result, results_by_transaction,        4, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_add_partitions_to_txn_response_topic_result,       results_by_topic_v3_and_below, 0, 3,      NEVER, EMPTY, NO_TAG)

/* ---- AddOffsetsToTxnRequest: versions 0 to 4, flexible from 3 ---- */

#define kafka_add_offsets_to_txn_request_FIELDS(F, L, S, N, T)      \
    F(T, string, transactional_id, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,  producer_id,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,  producer_epoch,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string, group_id,         0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- AddOffsetsToTxnResponse: versions 0 to 4, flexible from 3 ---- */

#define kafka_add_offsets_to_txn_response_FIELDS(F, L, S, N, T) \
    F(T, int32, throttle_time_ms, 0, LATEST, NEVER, 0, NO_TAG)  \
    F(T, int16, error_code,       0, LATEST, NEVER, 0, NO_TAG)

/* ---- EndTxnRequest: versions 0 to 5, flexible from 3 ---- */

#define kafka_end_txn_request_FIELDS(F, L, S, N, T)                 \
    F(T, string, transactional_id, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,  producer_id,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,  producer_epoch,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,   committed,        0, LATEST, NEVER, false, NO_TAG)

/* ---- EndTxnResponse: versions 0 to 5, flexible from 3 ---- */

#define kafka_end_txn_response_FIELDS(F, L, S, N, T)            \
    F(T, int32, throttle_time_ms, 0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int16, error_code,       0, LATEST, NEVER, 0,  NO_TAG) \
    F(T, int64, producer_id,      5, LATEST, NEVER, -1, NO_TAG) \
    F(T, int16, producer_epoch,   5, LATEST, NEVER, -1, NO_TAG)

/* ---- WriteTxnMarkersRequest: versions 0 to 2, flexible from 1 ---- */

#define kafka_write_txn_markers_request_topic_FIELDS(F, L, S, N, T)       \
    F(T, string,      name,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, partition_indexes, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_write_txn_markers_request_marker_FIELDS(F, L, S, N, T)                                  \
    F(T, int64,                                 producer_id,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                 producer_epoch,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,                                  transaction_result,  0, LATEST, NEVER, false, NO_TAG) \
    L(T, kafka_write_txn_markers_request_topic, topics,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                 coordinator_epoch,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int8,                                  transaction_version, 2, LATEST, NEVER, 0,     NO_TAG)

#define kafka_write_txn_markers_request_FIELDS(F, L, S, N, T)                              \
    L(T, kafka_write_txn_markers_request_marker, markers, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- WriteTxnMarkersResponse: versions 0 to 2, flexible from 1 ---- */

#define kafka_write_txn_markers_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)            \
    F(T, int16, error_code,      0, LATEST, NEVER, 0, NO_TAG)

#define kafka_write_txn_markers_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                     name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_write_txn_markers_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_write_txn_markers_response_marker_FIELDS(F, L, S, N, T)                          \
    F(T, int64,                                  producer_id, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_write_txn_markers_response_topic, topics,      0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_write_txn_markers_response_FIELDS(F, L, S, N, T)                              \
    L(T, kafka_write_txn_markers_response_marker, markers, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- TxnOffsetCommitRequest: versions 0 to 5, flexible from 3 ---- */

#define kafka_txn_offset_commit_request_partition_FIELDS(F, L, S, N, T) \
    F(T, int32,  partition_index,        0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int64,  committed_offset,       0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int32,  committed_leader_epoch, 2, LATEST, NEVER, -1,  NO_TAG) \
    F(T, string, committed_metadata,     0, LATEST, 0,     NIL, NO_TAG)

#define kafka_txn_offset_commit_request_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                    name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_txn_offset_commit_request_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_txn_offset_commit_request_FIELDS(F, L, S, N, T)                                       \
    F(T, string,                                transactional_id,  0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                group_id,          0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,                                 producer_id,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                 producer_epoch,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,                                 generation_id,     3, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,                                member_id,         3, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                group_instance_id, 3, LATEST, 3,     NIL,   NO_TAG) \
    L(T, kafka_txn_offset_commit_request_topic, topics,            0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- TxnOffsetCommitResponse: versions 0 to 5, flexible from 3 ---- */

#define kafka_txn_offset_commit_response_partition_FIELDS(F, L, S, N, T) \
    F(T, int32, partition_index, 0, LATEST, NEVER, 0, NO_TAG)            \
    F(T, int16, error_code,      0, LATEST, NEVER, 0, NO_TAG)

#define kafka_txn_offset_commit_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                     name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_txn_offset_commit_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_txn_offset_commit_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                  throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_txn_offset_commit_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DescribeProducersRequest: version 0, flexible ---- */

#define kafka_describe_producers_request_topic_FIELDS(F, L, S, N, T)      \
    F(T, string,      name,              0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32_array, partition_indexes, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_producers_request_FIELDS(F, L, S, N, T)                            \
    L(T, kafka_describe_producers_request_topic, topics, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DescribeProducersResponse: version 0, flexible ---- */

#define kafka_describe_producers_response_active_producer_FIELDS(F, L, S, N, T) \
    F(T, int64, producer_id,              0, LATEST, NEVER, 0,  NO_TAG)         \
    F(T, int32, producer_epoch,           0, LATEST, NEVER, 0,  NO_TAG)         \
    F(T, int32, last_sequence,            0, LATEST, NEVER, -1, NO_TAG)         \
    F(T, int64, last_timestamp,           0, LATEST, NEVER, -1, NO_TAG)         \
    F(T, int32, coordinator_epoch,        0, LATEST, NEVER, 0,  NO_TAG)         \
    F(T, int64, current_txn_start_offset, 0, LATEST, NEVER, -1, NO_TAG)

#define kafka_describe_producers_response_partition_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                             partition_index,  0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                             error_code,       0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                            error_message,    0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_describe_producers_response_active_producer, active_producers, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_producers_response_topic_FIELDS(F, L, S, N, T)                              \
    F(T, string,                                      name,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_producers_response_partition, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_producers_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                   throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_producers_response_topic, topics,           0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DescribeTransactionsRequest: version 0, flexible ---- */

#define kafka_describe_transactions_request_FIELDS(F, L, S, N, T)          \
    F(T, string_array, transactional_ids, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- DescribeTransactionsResponse: version 0, flexible ---- */

#define kafka_describe_transactions_response_topic_FIELDS(F, L, S, N, T) \
    F(T, string,      topic,      0, LATEST, NEVER, EMPTY, NO_TAG)       \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_transactions_response_transaction_state_FIELDS(F, L, S, N, T)                             \
    F(T, int16,                                      error_code,                0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                     transactional_id,          0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, string,                                     transaction_state,         0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                      transaction_timeout_ms,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                      transaction_start_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int64,                                      producer_id,               0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                      producer_epoch,            0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_transactions_response_topic, topics,                    0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_transactions_response_FIELDS(F, L, S, N, T)                                                    \
    F(T, int32,                                                  throttle_time_ms,   0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_describe_transactions_response_transaction_state, transaction_states, 0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- ListTransactionsRequest: versions 0 to 2, flexible ---- */

#define kafka_list_transactions_request_FIELDS(F, L, S, N, T)                     \
    F(T, string_array, state_filters,            0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64_array,  producer_id_filters,      0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int64,        duration_filter,          1, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,       transactional_id_pattern, 2, LATEST, 2,     NIL,   NO_TAG)

/* ---- ListTransactionsResponse: versions 0 to 2, flexible ---- */

#define kafka_list_transactions_response_transaction_state_FIELDS(F, L, S, N, T) \
    F(T, string, transactional_id,  0, LATEST, NEVER, EMPTY, NO_TAG)             \
    F(T, int64,  producer_id,       0, LATEST, NEVER, 0,     NO_TAG)             \
    F(T, string, transaction_state, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_list_transactions_response_FIELDS(F, L, S, N, T)                                                       \
    F(T, int32,                                              throttle_time_ms,      0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,                                              error_code,            0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string_array,                                       unknown_state_filters, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_list_transactions_response_transaction_state, transaction_states,    0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_TRANSACTION(MESSAGE, ITEM)                                            \
    ITEM(kafka_add_partitions_to_txn_request_topic)                                      \
    ITEM(kafka_add_partitions_to_txn_request_transaction)                                \
    MESSAGE(kafka_add_partitions_to_txn_request, AddPartitionsToTxnRequest, 0, 5, 3)     \
    ITEM(kafka_add_partitions_to_txn_response_partition_result)                          \
    ITEM(kafka_add_partitions_to_txn_response_topic_result)                              \
    ITEM(kafka_add_partitions_to_txn_response_transaction_result)                        \
    MESSAGE(kafka_add_partitions_to_txn_response, AddPartitionsToTxnResponse, 0, 5, 3)   \
    MESSAGE(kafka_add_offsets_to_txn_request, AddOffsetsToTxnRequest, 0, 4, 3)           \
    MESSAGE(kafka_add_offsets_to_txn_response, AddOffsetsToTxnResponse, 0, 4, 3)         \
    MESSAGE(kafka_end_txn_request, EndTxnRequest, 0, 5, 3)                               \
    MESSAGE(kafka_end_txn_response, EndTxnResponse, 0, 5, 3)                             \
    ITEM(kafka_write_txn_markers_request_topic)                                          \
    ITEM(kafka_write_txn_markers_request_marker)                                         \
    MESSAGE(kafka_write_txn_markers_request, WriteTxnMarkersRequest, 0, 2, 1)            \
    ITEM(kafka_write_txn_markers_response_partition)                                     \
    ITEM(kafka_write_txn_markers_response_topic)                                         \
    ITEM(kafka_write_txn_markers_response_marker)                                        \
    MESSAGE(kafka_write_txn_markers_response, WriteTxnMarkersResponse, 0, 2, 1)          \
    ITEM(kafka_txn_offset_commit_request_partition)                                      \
    ITEM(kafka_txn_offset_commit_request_topic)                                          \
    MESSAGE(kafka_txn_offset_commit_request, TxnOffsetCommitRequest, 0, 5, 3)            \
    ITEM(kafka_txn_offset_commit_response_partition)                                     \
    ITEM(kafka_txn_offset_commit_response_topic)                                         \
    MESSAGE(kafka_txn_offset_commit_response, TxnOffsetCommitResponse, 0, 5, 3)          \
    ITEM(kafka_describe_producers_request_topic)                                         \
    MESSAGE(kafka_describe_producers_request, DescribeProducersRequest, 0, 0, 0)         \
    ITEM(kafka_describe_producers_response_active_producer)                              \
    ITEM(kafka_describe_producers_response_partition)                                    \
    ITEM(kafka_describe_producers_response_topic)                                        \
    MESSAGE(kafka_describe_producers_response, DescribeProducersResponse, 0, 0, 0)       \
    MESSAGE(kafka_describe_transactions_request, DescribeTransactionsRequest, 0, 0, 0)   \
    ITEM(kafka_describe_transactions_response_topic)                                     \
    ITEM(kafka_describe_transactions_response_transaction_state)                         \
    MESSAGE(kafka_describe_transactions_response, DescribeTransactionsResponse, 0, 0, 0) \
    MESSAGE(kafka_list_transactions_request, ListTransactionsRequest, 0, 2, 0)           \
    ITEM(kafka_list_transactions_response_transaction_state)                             \
    MESSAGE(kafka_list_transactions_response, ListTransactionsResponse, 0, 2, 0)

WIRE_KAFKA_TRANSACTION(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
