/* wire/kafka/codec_internal.h: the descriptors that the tables become; for the codec's own sources and its tests. */
#ifndef WIRE_KAFKA_CODEC_INTERNAL_H
#define WIRE_KAFKA_CODEC_INTERNAL_H

#include "wire/kafka/codec.h"

enum wire_kind {
    WIRE_bool,
    WIRE_int8,
    WIRE_int16,
    WIRE_uint16,
    WIRE_int32,
    WIRE_int64,
    WIRE_float64,
    WIRE_uuid,
    WIRE_string,
    WIRE_bytes,
    WIRE_records,
    WIRE_int8_array,
    WIRE_int32_array,
    WIRE_int64_array,
    WIRE_string_array,
    WIRE_list,    /* array of item */
    WIRE_struct,  /* item inside */
    WIRE_pointer, /* item that may be null */
};

struct wire_field {
    const char *name;
    const struct wire_message *item; /* of list, struct and pointer */
    int64_t default_value;           /* of numbers; for the others 0 is empty and -1 null */
    uint32_t offset;                 /* in the struct, bytes */
    int16_t first;                   /* versions that have it */
    int16_t last;
    int16_t null_from; /* first version in which it may be null */
    int16_t tag;       /* -1: not a tagged field */
    uint8_t kind;
};

struct wire_message {
    const char *name;
    const struct wire_field *fields; /* in the order of the wire; tags ascending */
    uint32_t field_count;
    uint32_t size; /* of the struct, bytes */
    int16_t first; /* an item has the versions of what holds it */
    int16_t last;
    int16_t flexible_from;
};

/* Any array: what the array types of codec.h have in common. */
struct wire_array {
    void *items;
    int32_t count;
};

size_t wire_item_size(const struct wire_field *field); /* bytes of one element in memory */

static inline bool wire_field_in(const struct wire_field *field, int version)
{
    return version >= field->first && version <= field->last;
}

/* The value of a bool or integer member. */
int64_t wire_number(const struct wire_field *field, const void *member);

/* All top-level messages: NULL begins and ends. */
const struct wire_message *wire_message_next(const struct wire_message *message);

#endif
