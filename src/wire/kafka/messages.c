/* wire/kafka/messages.c: makes the descriptors out of the tables in messages_*.h. */
#include "wire/kafka/codec_internal.h"

#include "wire/kafka/messages_acl.h"
#include "wire/kafka/messages_cluster.h"
#include "wire/kafka/messages_config.h"
#include "wire/kafka/messages_consumer_group.h"
#include "wire/kafka/messages_consumer_protocol.h"
#include "wire/kafka/messages_fetch.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_group_log.h"
#include "wire/kafka/messages_metadata.h"
#include "wire/kafka/messages_offsets.h"
#include "wire/kafka/messages_produce.h"
#include "wire/kafka/messages_quota.h"
#include "wire/kafka/messages_security.h"
#include "wire/kafka/messages_share_group.h"
#include "wire/kafka/messages_telemetry.h"
#include "wire/kafka/messages_topic.h"
#include "wire/kafka/messages_transaction.h"
#include "wire/kafka/messages_transaction_log.h"

#include "base/banned.h"

/* The words of the tables. */
enum { LATEST = INT16_MAX, NEVER = INT16_MAX, EMPTY = 0, NIL = -1, NO_TAG = -1 };

#define ROW(T, of_kind, of_item, member, from, to, null, unset, number)                                                                    \
    {.name = #member, .item = of_item, .default_value = unset, .offset = offsetof(struct T, member), .first = from, .last = to,           \
     .null_from = null, .tag = number, .kind = of_kind},
#define FIELD(T, kind, ...) ROW(T, WIRE_##kind, NULL, __VA_ARGS__)
#define LIST(T, item, ...) ROW(T, WIRE_list, &item##_message, __VA_ARGS__)
#define STRUCT(T, item, ...) ROW(T, WIRE_struct, &item##_message, __VA_ARGS__)
#define POINTER(T, item, ...) ROW(T, WIRE_pointer, &item##_message, __VA_ARGS__)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A row of zeros at the end, so that a message without fields is an array too. */
#define DESCRIPTOR(base, title, from, to, flexible)                                                                                        \
    static const struct wire_field base##_rows[] = {base##_FIELDS(FIELD, LIST, STRUCT, POINTER, base){.name = NULL}};                      \
    const struct wire_message base##_message = {.name = title, .fields = base##_rows, .field_count = COUNT(base##_rows) - 1,               \
                                                .size = sizeof(struct base), .first = from, .last = to, .flexible_from = flexible};
#define MESSAGE(base, title, from, to, flexible) DESCRIPTOR(base, #title, from, to, flexible)
#define ITEM(base) DESCRIPTOR(base, #base, 0, LATEST, NEVER)

#define ALL(MESSAGE, ITEM)                                                                                                                 \
    WIRE_KAFKA_ACL(MESSAGE, ITEM)                                                                                                          \
    WIRE_KAFKA_CLUSTER(MESSAGE, ITEM)                                                                                                      \
    WIRE_KAFKA_CONFIG(MESSAGE, ITEM)                                                                                                       \
    WIRE_KAFKA_CONSUMER_GROUP(MESSAGE, ITEM)                                                                                               \
    WIRE_KAFKA_CONSUMER_PROTOCOL(MESSAGE, ITEM)                                                                                            \
    WIRE_KAFKA_FETCH(MESSAGE, ITEM)                                                                                                        \
    WIRE_KAFKA_GROUP(MESSAGE, ITEM)                                                                                                        \
    WIRE_KAFKA_GROUP_LOG(MESSAGE, ITEM)                                                                                                    \
    WIRE_KAFKA_METADATA(MESSAGE, ITEM)                                                                                                     \
    WIRE_KAFKA_OFFSETS(MESSAGE, ITEM)                                                                                                      \
    WIRE_KAFKA_PRODUCE(MESSAGE, ITEM)                                                                                                      \
    WIRE_KAFKA_QUOTA(MESSAGE, ITEM)                                                                                                        \
    WIRE_KAFKA_SECURITY(MESSAGE, ITEM)                                                                                                     \
    WIRE_KAFKA_SHARE_GROUP(MESSAGE, ITEM)                                                                                                  \
    WIRE_KAFKA_TELEMETRY(MESSAGE, ITEM)                                                                                                    \
    WIRE_KAFKA_TOPIC(MESSAGE, ITEM)                                                                                                        \
    WIRE_KAFKA_TRANSACTION(MESSAGE, ITEM)                                                                                                  \
    WIRE_KAFKA_TRANSACTION_LOG(MESSAGE, ITEM)

ALL(MESSAGE, ITEM)

#define LISTED(base, ...) &base##_message,
#define NOT_LISTED(base)

static const struct wire_message *const all[] = {ALL(LISTED, NOT_LISTED)};

const struct wire_message *wire_message_next(const struct wire_message *message)
{
    size_t at = 0;

    while (message != NULL && at < COUNT(all) && all[at] != message)
        at++;
    at += message == NULL ? 0 : 1;
    return at < COUNT(all) ? all[at] : NULL;
}
