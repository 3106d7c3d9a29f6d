#include "capture/position.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/reader.h"
#include "capture/capture.h"

#include <jansson.h>

#define POSITION_VERSION 1
#define OFFSET_BYTES_MAX (48 * 1024)

/*
 * On disk: a byte of version, then fields: tag (one byte), varint length, bytes. Numbers are varints. Unknown tags are
 * passed over, so that an older program can read a newer position.
 */
#define NUMBERS(F)                                                                                                                         \
    F(1, resume_lsn)                                                                                                                       \
    F(2, transaction_lsn)                                                                                                                  \
    F(3, event_lsn)                                                                                                                        \
    F(4, event_ordinal)                                                                                                                    \
    F(5, commit_lsn)                                                                                                                       \
    F(6, lsn)                                                                                                                              \
    F(7, lsn_proc)                                                                                                                         \
    F(8, lsn_commit)                                                                                                                       \
    F(9, tx_id)                                                                                                                            \
    F(10, time_us)                                                                                                                         \
    F(11, xmin)                                                                                                                            \
    F(12, message)                                                                                                                         \
    F(13, snapshot)                                                                                                                        \
    F(14, last_snapshot_record)                                                                                                            \
    F(15, snapshot_completed)
#define SLICES(F)                                                                                                                          \
    F(32, progress)                                                                                                                        \
    F(33, offset_json)                                                                                                                     \
    F(34, signals)

static void write_number(struct buffer *out, uint8_t tag, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;

    if (value == 0)
        return;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    buffer_append_u8(out, tag);
    buffer_append_varuint(out, size);
    buffer_append(out, bytes, size);
}

static uint64_t read_number(struct slice bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.size && i < 10; i++)
        value |= (uint64_t)(bytes.data[i] & 0x7f) << (7 * i);
    return value;
}

static void write_slice(struct buffer *out, uint8_t tag, struct slice value)
{
    if (value.size == 0)
        return;
    buffer_append_u8(out, tag);
    buffer_append_varuint(out, value.size);
    buffer_append_slice(out, value);
}

void position_write(const struct position *position, struct buffer *out)
{
    buffer_append_u8(out, POSITION_VERSION);
#define F(tag, name) write_number(out, tag, position->name);
    NUMBERS(F)
#undef F
#define F(tag, name) write_slice(out, tag, position->name);
    SLICES(F)
#undef F
}

enum status position_read(struct slice bytes, struct position *position, struct error *error)
{
    struct reader in = reader_of(bytes);

    memset(position, 0, sizeof(*position));
    if (bytes.size == 0)
        return OK;
    if (read_u8(&in) != POSITION_VERSION)
        return error_set(error, ERROR_CORRUPT, "the stored position is not of this program's format");
    while (reader_left(&in) > 0) {
        uint8_t tag = read_u8(&in);
        struct slice value = read_bytes(&in, read_varuint32(&in));

        switch (tag) {
#define F(number, name)                                                                                                                    \
    case number: position->name = read_number(value); break;
            NUMBERS(F)
#undef F
#define F(number, name)                                                                                                                    \
    case number: position->name = value; break;
            SLICES(F)
#undef F
        default: break;
        }
    }
    return in.failed ? error_set(error, ERROR_CORRUPT, "the stored position is cut short") : OK;
}

/* ---- Connect's offset ---- */

static const char *const message_names[] = {NULL, "INSERT", "UPDATE", "DELETE", "TRUNCATE", "MESSAGE", "BEGIN", "COMMIT"};
static const char *const snapshot_names[] = {NULL, "INITIAL", "BLOCKING"};

struct member {
    const char *key;
    uint64_t number;  /* when text is NULL */
    const char *text; /* with its quotes, or true or false */
};

#define MEMBERS_MAX 16

struct members {
    struct member items[MEMBERS_MAX];
    uint32_t hashes[MEMBERS_MAX];
    size_t count;
};

static void add(struct members *members, struct member member)
{
    members->hashes[members->count] = java_hash_code(slice_from_string(member.key));
    members->items[members->count++] = member;
}

static void add_text(struct members *members, const char *key, const char *text)
{
    add(members, (struct member){key, 0, text});
}

static void add_number(struct members *members, const char *key, uint64_t number)
{
    if (number != 0)
        add(members, (struct member){key, number, NULL});
}

/* As Debezium's map is printed. */
static void print_members(const struct members *members, struct buffer *json)
{
    size_t order[MEMBERS_MAX];

    java_map_order(members->hashes, members->count, java_map_capacity(members->count), order);
    for (size_t i = 0; i < members->count; i++) {
        const struct member *member = &members->items[order[i]];

        buffer_append_format(json, "%s\"%s\":", i == 0 ? "{" : ",", member->key);
        if (member->text != NULL)
            buffer_append_string(json, member->text);
        else
            buffer_append_format(json, "%llu", (unsigned long long)member->number);
    }
    buffer_append_string(json, members->count == 0 ? "{}" : "}");
}

enum status capture_position_to_offset(struct slice bytes, struct buffer *json, struct error *error)
{
    struct position position;
    struct members members = {.count = 0};
    char message[16];
    char snapshot[16];
    enum status status = position_read(bytes, &position, error);

    if (status != OK)
        return status;
    if (position.offset_json.size > 0) {
        buffer_append_slice(json, position.offset_json);
        return OK;
    }
    add_number(&members, "lsn_proc", position.lsn_proc);
    add_number(&members, "xmin", position.xmin);
    if (position.message > 0 && position.message <= MESSAGE_COMMIT) {
        (void)snprintf(message, sizeof(message), "\"%s\"", message_names[position.message]);
        add_text(&members, "messageType", message);
    }
    add_number(&members, "lsn_commit", position.lsn_commit);
    add_number(&members, "lsn", position.lsn);
    add_number(&members, "txId", position.tx_id);
    add_number(&members, "ts_usec", position.time_us);
    if (position.snapshot > 0 && position.snapshot <= POSITION_BLOCKING) {
        (void)snprintf(snapshot, sizeof(snapshot), "\"%s\"", snapshot_names[position.snapshot]);
        add_text(&members, "snapshot", snapshot);
        add_text(&members, "last_snapshot_record", position.last_snapshot_record != 0 ? "true" : "false");
        add_text(&members, "snapshot_completed", position.snapshot_completed != 0 ? "true" : "false");
    }
    print_members(&members, json);
    return OK;
}

static uint64_t json_number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_integer(value) && json_integer_value(value) > 0)
        return (uint64_t)json_integer_value(value);
    return 0;
}

static uint64_t json_choice_of(const json_t *object, const char *key, const char *const *names, size_t count)
{
    const char *text = json_string_value(json_object_get(object, key));

    for (size_t i = 1; text != NULL && i < count; i++) {
        if (strcmp(text, names[i]) == 0)
            return i;
    }
    return 0;
}

/*
 * An offset of Debezium names the last event it processed. When that stands inside a transaction, everything up to it is left
 * out of the first transaction that comes; of several events with its LSN one is known to be done.
 */
static void take_offset(const json_t *object, struct position *position)
{
    bool inside;

    position->lsn = json_number_of(object, "lsn");
    position->lsn_proc = json_number_of(object, "lsn_proc");
    position->lsn_commit = json_number_of(object, "lsn_commit");
    position->tx_id = json_number_of(object, "txId");
    position->time_us = json_number_of(object, "ts_usec");
    position->xmin = json_number_of(object, "xmin");
    position->message = json_choice_of(object, "messageType", message_names, MESSAGE_COMMIT + 1);
    position->snapshot = json_choice_of(object, "snapshot", snapshot_names, POSITION_BLOCKING + 1);
    position->last_snapshot_record = json_is_true(json_object_get(object, "last_snapshot_record"));
    position->snapshot_completed = json_is_true(json_object_get(object, "snapshot_completed"));

    position->commit_lsn = position->lsn_commit;
    position->resume_lsn = position->lsn_proc != 0 ? position->lsn_proc : position->lsn;
    inside = position->snapshot == POSITION_STREAMING && position->lsn_proc > position->lsn_commit && position->message != MESSAGE_NONE &&
             position->message != MESSAGE_BEGIN && position->message != MESSAGE_COMMIT;
    if (inside) {
        uint64_t processed = json_number_of(object, "lsn_events_processed");

        if (position->lsn_commit != 0)
            position->resume_lsn = position->lsn_commit;
        position->transaction_lsn = TRANSACTION_FIRST;
        position->event_lsn = position->lsn_proc;
        position->event_ordinal = processed == 0 ? 1 : processed;
    } else if (position->message == MESSAGE_MESSAGE && position->lsn_proc == position->lsn_commit) {
        position->resume_lsn++; /* a message outside of transactions; it would come again */
    }
}

enum status capture_position_from_offset(struct slice json, struct buffer *bytes, struct error *error)
{
    struct position position;
    json_error_t why;
    json_t *object;

    memset(&position, 0, sizeof(position));
    if (json.size > OFFSET_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the offset is longer than %d bytes", OFFSET_BYTES_MAX);
    object = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL)
        return error_set(error, ERROR_BAD_INPUT, "the offset is not JSON: %s", why.text);
    if (json_is_object(object))
        take_offset(object, &position);
    json_decref(object);
    if (position.resume_lsn == 0)
        return error_set(error, ERROR_BAD_INPUT, "the offset has neither \"lsn\" nor \"lsn_proc\"");
    position.offset_json = json;
    position_write(&position, bytes);
    return OK;
}

bool position_is_unfinished(const struct position *position)
{
    return position->progress.size > 0 || (position->snapshot == POSITION_INITIAL && position->snapshot_completed == 0);
}

uint64_t capture_position_lsn(struct slice bytes)
{
    struct position position;
    struct error error;

    return position_read(bytes, &position, &error) == OK && !position_is_unfinished(&position) ? position.resume_lsn : 0;
}
