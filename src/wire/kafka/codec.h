/*
 * wire/kafka/codec.h: reads and writes every Kafka message by a table of its fields.
 *
 * The tables are in messages_*.h; include those you need. From each come a C struct and a descriptor: `struct
 * kafka_metadata_request` and `kafka_metadata_request_message`. Members have Kafka's names in snake_case:
 *   string, bytes, records  struct slice; data NULL is null
 *   arrays                  { T *items; int32_t count; }; count -1 is null
 *   nullable structs        a pointer; NULL is null
 *   tagged fields           ordinary members
 * Whatever a version does not have gets its default on decoding and is left out on encoding. What may be null is null by
 * default. What a version cannot say as null is written empty.
 *
 * Source  Kafka protocol guide, "Protocol Primitive Types"; KIP-482 (flexible versions, tags)
 */
#ifndef WIRE_KAFKA_CODEC_H
#define WIRE_KAFKA_CODEC_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/uuid.h"

struct wire_message;

/* ---- Messages ---- */

/* What one decode may put into the arena: this much, and this many bytes for each byte of input. */
#define WIRE_DECODE_BYTES_MIN ((size_t)64 * 1024)
#define WIRE_DECODE_BYTES_PER_BYTE ((size_t)64)

/*
 * Reads one message. Bytes behind it are ignored, as Kafka does.
 * bytes   borrowed by the strings, bytes and records of `out`
 * arena   owns the arrays of `out`
 * out     the message's struct; defined only on OK
 * Errors  INVALID_REQUEST (cut short, a length or count that cannot be, null where it may not be), UNSUPPORTED_VERSION
 */
enum status wire_decode(const struct wire_message *message, int version, struct slice bytes, struct arena *arena, void *out,
                        struct error *error);

/* The same from a reader that goes on behind the message; on an error the reader has failed. */
enum status wire_read(const struct wire_message *message, int version, struct reader *in, struct arena *arena, void *out,
                      struct error *error);

/*
 * Appends one message. A version that the message does not have is a mistake in the caller (assert).
 * Failure sticks in out->failed: too large, a string beyond what its length can say, external records
 */
void wire_encode(const struct wire_message *message, int version, const void *in, struct buffer *out);

/* Sets every member to the protocol's default. */
void wire_init_defaults(const struct wire_message *message, void *out);

/* Appends JSON-like text for logs and tools: one line; bytes as their number; passwords and the like hidden. */
void wire_print(const struct wire_message *message, int version, const void *in, struct buffer *out);

/* ---- Records that are sent from a file ---- */

/* A records member with this data stands for `size` bytes that the caller sends itself. */
extern const uint8_t WIRE_EXTERNAL[1];

static inline struct slice wire_external(size_t size)
{
    return slice_of(WIRE_EXTERNAL, size);
}

/* Where external bytes go: before out->data[position]. */
struct wire_gap {
    size_t position; /* in the buffer, from its beginning */
    size_t size;     /* bytes */
};

/*
 * wire_encode, but external records become gaps: only their length is written.
 * gaps  filled in the order of the message; as many as it has external records of size > 0
 * Failure also when there are more than gap_max
 */
void wire_encode_with_gaps(const struct wire_message *message, int version, const void *in, struct buffer *out, struct wire_gap *gaps,
                           size_t gap_max, size_t *gap_count);

/* ---- Data that begins with its own version: internal topics, the consumer protocol ---- */

/*
 * Reads an int16 version and the message.
 * Errors  as wire_decode
 */
enum status wire_decode_versioned(const struct wire_message *message, struct slice bytes, struct arena *arena, void *out, int *version,
                                  struct error *error);

/* The same, but a newer version than ours is read as our newest: for the consumer protocol, which only ever appends. */
enum status wire_decode_versioned_lenient(const struct wire_message *message, struct slice bytes, struct arena *arena, void *out,
                                          int *version, struct error *error);
void wire_encode_versioned(const struct wire_message *message, int version, const void *in, struct buffer *out);

/* ---- The tables' own machinery ---- */

typedef bool wire_bool;
typedef int8_t wire_int8;
typedef int16_t wire_int16;
typedef uint16_t wire_uint16;
typedef int32_t wire_int32;
typedef int64_t wire_int64;
typedef double wire_float64;
typedef struct uuid wire_uuid;
typedef struct slice wire_string;
typedef struct slice wire_bytes;
typedef struct slice wire_records;

typedef struct wire_int8_array {
    int8_t *items;
    int32_t count;
} wire_int8_array;

typedef struct wire_int32_array {
    int32_t *items;
    int32_t count;
} wire_int32_array;

typedef struct wire_int64_array {
    int64_t *items;
    int32_t count;
} wire_int64_array;

typedef struct wire_string_array {
    struct slice *items;
    int32_t count;
} wire_string_array;

/*
 * Rows of a table, T being the struct they belong to:
 *   F(T, kind, member, ...)   a field of a primitive kind, or an array of them
 *   L(T, item, member, ...)   an array of structs
 *   S(T, item, member, ...)   a struct
 *   N(T, item, member, ...)   a struct that may be null
 * and then: first version, last version, first version in which it may be null, default, tag.
 */
#define WIRE_MEMBER(T, kind, name, ...) wire_##kind name;
#define WIRE_MEMBER_LIST(T, item, name, ...)                                                                                               \
    struct {                                                                                                                               \
        struct item *items;                                                                                                                \
        int32_t count;                                                                                                                     \
    } name;
#define WIRE_MEMBER_STRUCT(T, item, name, ...) struct item name;
#define WIRE_MEMBER_POINTER(T, item, name, ...) struct item *name;

#define WIRE_DECLARE_ITEM(name)                                                                                                            \
    struct name {                                                                                                                          \
        name##_FIELDS(WIRE_MEMBER, WIRE_MEMBER_LIST, WIRE_MEMBER_STRUCT, WIRE_MEMBER_POINTER, name)                                        \
    };                                                                                                                                     \
    extern const struct wire_message name##_message;
#define WIRE_DECLARE_MESSAGE(name, ...) WIRE_DECLARE_ITEM(name)

#endif
