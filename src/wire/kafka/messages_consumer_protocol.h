/*
 * wire/kafka/messages_consumer_protocol.h: what consumers tell each other through the group coordinator, opaque to the broker; each blob begins with an int16 version.
 *
 * One row per field: kind or item, member, first and last version, nullable from, default, tag; codec.h says how to read them.
 * Source  apache/kafka clients/src/main/resources/common/message
 */
#ifndef WIRE_KAFKA_MESSAGES_CONSUMER_PROTOCOL_H
#define WIRE_KAFKA_MESSAGES_CONSUMER_PROTOCOL_H

#include "wire/kafka/codec.h"

/* clang-format off */

/* ---- ConsumerProtocolSubscription: versions 0 to 3, never flexible ---- */

#define kafka_consumer_protocol_subscription_owned_partition_FIELDS(F, L, S, N, T) \
    F(T, string,      topic,      0, LATEST, NEVER, EMPTY, NO_TAG)                 \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_protocol_subscription_FIELDS(F, L, S, N, T)                                                \
    F(T, string_array,                                         topics,           0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bytes,                                                user_data,        0, LATEST, 0,     NIL,   NO_TAG) \
    L(T, kafka_consumer_protocol_subscription_owned_partition, owned_partitions, 1, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, int32,                                                generation_id,    2, LATEST, NEVER, -1,    NO_TAG) \
    F(T, string,                                               rack_id,          3, LATEST, 3,     NIL,   NO_TAG)

/* ---- ConsumerProtocolAssignment: versions 0 to 3, never flexible ---- */

#define kafka_consumer_protocol_assignment_topic_FIELDS(F, L, S, N, T) \
    F(T, string,      topic,      0, LATEST, NEVER, EMPTY, NO_TAG)     \
    F(T, int32_array, partitions, 0, LATEST, NEVER, EMPTY, NO_TAG)

#define kafka_consumer_protocol_assignment_FIELDS(F, L, S, N, T)                                         \
    L(T, kafka_consumer_protocol_assignment_topic, assigned_partitions, 0, LATEST, NEVER, EMPTY, NO_TAG) \
    F(T, bytes,                                    user_data,           0, LATEST, 0,     NIL,   NO_TAG)

/* Items stand before what holds them. A message has its name, first and last version, and its first flexible one. */
#define WIRE_KAFKA_CONSUMER_PROTOCOL(MESSAGE, ITEM)                                          \
    ITEM(kafka_consumer_protocol_subscription_owned_partition)                               \
    MESSAGE(kafka_consumer_protocol_subscription, ConsumerProtocolSubscription, 0, 3, NEVER) \
    ITEM(kafka_consumer_protocol_assignment_topic)                                           \
    MESSAGE(kafka_consumer_protocol_assignment, ConsumerProtocolAssignment, 0, 3, NEVER)

WIRE_KAFKA_CONSUMER_PROTOCOL(WIRE_DECLARE_MESSAGE, WIRE_DECLARE_ITEM)

#endif
