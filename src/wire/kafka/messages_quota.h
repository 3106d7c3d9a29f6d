/*
 * wire/kafka/messages_quota.h: client quotas.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_QUOTA_H
#define WIRE_KAFKA_MESSAGES_QUOTA_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- DescribeClientQuotasRequest: versions 0 to 1, flexible from 1 ---- */

#define kafka_describe_client_quotas_request_component_FIELDS(F, L, S, N, T) \
    F(T, string, entity_type, 0, LATEST, NEVER, EMPTY, NO_TAG)               \
    F(T, int8,   match_type,  0, LATEST, NEVER, 0,     NO_TAG)               \
    F(T, string, match,       0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_describe_client_quotas_request_FIELDS(F, L, S, N, T)                                    \
    L(T, kafka_describe_client_quotas_request_component, components, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                                           strict,     0, LATEST, NEVER, false, NO_TAG)

/* ---- DescribeClientQuotasResponse: versions 0 to 1, flexible from 1 ---- */

#define kafka_describe_client_quotas_response_entity_FIELDS(F, L, S, N, T) \
    F(T, string, entity_type, 0, LATEST, NEVER, EMPTY, NO_TAG)             \
    F(T, string, entity_name, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_describe_client_quotas_response_value_FIELDS(F, L, S, N, T) \
    F(T, string,  key,   0, LATEST, NEVER, EMPTY, NO_TAG)                 \
    F(T, float64, value, 0, LATEST, NEVER, 0,     NO_TAG)

#define kafka_describe_client_quotas_response_entry_FIELDS(F, L, S, N, T)                       \
    L(T, kafka_describe_client_quotas_response_entity, entity, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_describe_client_quotas_response_value,  values, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_describe_client_quotas_response_FIELDS(F, L, S, N, T)                                    \
    F(T, int32,                                       throttle_time_ms, 0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, int16,                                       error_code,       0, LATEST, NEVER, 0,   NO_TAG) \
    F(T, string,                                      error_message,    0, LATEST, 0,     NIL, NO_TAG) \
    L(T, kafka_describe_client_quotas_response_entry, entries,          0, LATEST, 0,     NIL, NO_TAG)

/* ---- AlterClientQuotasRequest: versions 0 to 1, flexible from 1 ---- */

#define kafka_alter_client_quotas_request_entity_FIELDS(F, L, S, N, T) \
    F(T, string, entity_type, 0, LATEST, NEVER, EMPTY, NO_TAG)         \
    F(T, string, entity_name, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_alter_client_quotas_request_op_FIELDS(F, L, S, N, T) \
    F(T, string,  key,    0, LATEST, NEVER, EMPTY, NO_TAG)         \
    F(T, float64, value,  0, LATEST, NEVER, 0,     NO_TAG)         \
    F(T, bool,    remove, 0, LATEST, NEVER, false, NO_TAG)

#define kafka_alter_client_quotas_request_entry_FIELDS(F, L, S, N, T)                       \
    L(T, kafka_alter_client_quotas_request_entity, entity, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    L(T, kafka_alter_client_quotas_request_op,     ops,    0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_client_quotas_request_FIELDS(F, L, S, N, T)                                   \
    L(T, kafka_alter_client_quotas_request_entry, entries,       0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bool,                                    validate_only, 0, LATEST, NEVER, false, NO_TAG)

/* ---- AlterClientQuotasResponse: versions 0 to 1, flexible from 1 ---- */

#define kafka_alter_client_quotas_response_entity_FIELDS(F, L, S, N, T) \
    F(T, string, entity_type, 0, LATEST, NEVER, EMPTY, NO_TAG)          \
    F(T, string, entity_name, 0, LATEST, 0,     NIL,   NO_TAG)

#define kafka_alter_client_quotas_response_entry_FIELDS(F, L, S, N, T)                              \
    F(T, int16,                                     error_code,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, string,                                    error_message, 0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_alter_client_quotas_response_entity, entity,        0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_alter_client_quotas_response_FIELDS(F, L, S, N, T)                                      \
    F(T, int32,                                    throttle_time_ms, 0, LATEST, NEVER, 0,     NO_TAG) \
    L(T, kafka_alter_client_quotas_response_entry, entries,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_QUOTA(MESSAGE, ITEM)                                                   \
    ITEM(kafka_describe_client_quotas_request_component)                                  \
    MESSAGE(kafka_describe_client_quotas_request, DescribeClientQuotasRequest, 0, 1, 1)   \
    ITEM(kafka_describe_client_quotas_response_entity)                                    \
    ITEM(kafka_describe_client_quotas_response_value)                                     \
    ITEM(kafka_describe_client_quotas_response_entry)                                     \
    MESSAGE(kafka_describe_client_quotas_response, DescribeClientQuotasResponse, 0, 1, 1) \
    ITEM(kafka_alter_client_quotas_request_entity)                                        \
    ITEM(kafka_alter_client_quotas_request_op)                                            \
    ITEM(kafka_alter_client_quotas_request_entry)                                         \
    MESSAGE(kafka_alter_client_quotas_request, AlterClientQuotasRequest, 0, 1, 1)         \
    ITEM(kafka_alter_client_quotas_response_entity)                                       \
    ITEM(kafka_alter_client_quotas_response_entry)                                        \
    MESSAGE(kafka_alter_client_quotas_response, AlterClientQuotasResponse, 0, 1, 1)

WIRE_KAFKA_QUOTA(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
