/*
 * wire/kafka/messages_telemetry.h: client telemetry (KIP-714).
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_TELEMETRY_H
#define WIRE_KAFKA_MESSAGES_TELEMETRY_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- GetTelemetrySubscriptionsRequest: version 0, flexible ---- */

#define kafka_get_telemetry_subscriptions_request_FIELDS(F, L, S, N, T) \
    F(T, uuid, client_instance_id, 0, LATEST, NEVER, 0, NO_TAG)

/* ---- GetTelemetrySubscriptionsResponse: version 0, flexible ---- */

#define kafka_get_telemetry_subscriptions_response_FIELDS(F, L, S, N, T)            \
    F(T, int32,        throttle_time_ms,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int16,        error_code,                 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, uuid,         client_instance_id,         0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,        subscription_id,            0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int8_array,   accepted_compression_types, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,        push_interval_ms,           0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32,        telemetry_max_bytes,        0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,         delta_temporality,          0, LATEST, NEVER, false, NO_TAG) \
    F(T, string_array, requested_metrics,          0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- PushTelemetryRequest: version 0, flexible ---- */

#define kafka_push_telemetry_request_FIELDS(F, L, S, N, T)           \
    F(T, uuid,  client_instance_id, 0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, int32, subscription_id,    0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bool,  terminating,        0, LATEST, NEVER, false, NO_TAG) \
    F(T, int8,  compression_type,   0, LATEST, NEVER, 0,     NO_TAG) \
    F(T, bytes, metrics,            0, LATEST, NEVER, EMPTY, NO_TAG)

/* ---- PushTelemetryResponse: version 0, flexible ---- */

#define kafka_push_telemetry_response_FIELDS(F, L, S, N, T)    \
    F(T, int32, throttle_time_ms, 0, LATEST, NEVER, 0, NO_TAG) \
    F(T, int16, error_code,       0, LATEST, NEVER, 0, NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_TELEMETRY(MESSAGE, ITEM)                                                         \
    MESSAGE(kafka_get_telemetry_subscriptions_request, GetTelemetrySubscriptionsRequest, 0, 0, 0)   \
    MESSAGE(kafka_get_telemetry_subscriptions_response, GetTelemetrySubscriptionsResponse, 0, 0, 0) \
    MESSAGE(kafka_push_telemetry_request, PushTelemetryRequest, 0, 0, 0)                            \
    MESSAGE(kafka_push_telemetry_response, PushTelemetryResponse, 0, 0, 0)

WIRE_KAFKA_TELEMETRY(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
