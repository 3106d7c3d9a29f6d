#include "wire/kafka/codec_internal.h"

#include "base/banned.h"

#include <assert.h>

const uint8_t WIRE_EXTERNAL[1] = {0};

static const uint8_t empty[1] = {0}; /* what an empty string that is not null points to */

/* ---- What the kinds are ---- */

/* Bytes in memory, and the least on the wire: classic and flexible. */
static const struct {
    uint8_t memory;
    uint8_t wire;
    uint8_t wire_flexible;
} sizes[] = {
    [WIRE_bool] = {sizeof(bool), 1, 1},
    [WIRE_int8] = {1, 1, 1},
    [WIRE_int16] = {2, 2, 2},
    [WIRE_uint16] = {2, 2, 2},
    [WIRE_int32] = {4, 4, 4},
    [WIRE_int64] = {8, 8, 8},
    [WIRE_float64] = {8, 8, 8},
    [WIRE_uuid] = {16, 16, 16},
    [WIRE_string] = {sizeof(struct slice), 2, 1},
    [WIRE_bytes] = {sizeof(struct slice), 4, 1},
    [WIRE_records] = {sizeof(struct slice), 4, 1},
    [WIRE_int8_array] = {sizeof(struct wire_array), 4, 1},
    [WIRE_int32_array] = {sizeof(struct wire_array), 4, 1},
    [WIRE_int64_array] = {sizeof(struct wire_array), 4, 1},
    [WIRE_string_array] = {sizeof(struct wire_array), 4, 1},
    [WIRE_list] = {sizeof(struct wire_array), 4, 1},
    [WIRE_pointer] = {sizeof(void *), 1, 1},
};

static enum wire_kind element_kind(const struct wire_field *field)
{
    switch (field->kind) {
    case WIRE_int8_array: return WIRE_int8;
    case WIRE_int32_array: return WIRE_int32;
    case WIRE_int64_array: return WIRE_int64;
    case WIRE_string_array: return WIRE_string;
    default: return WIRE_struct;
    }
}

size_t wire_item_size(const struct wire_field *field)
{
    return field->item != NULL ? field->item->size : sizes[element_kind(field)].memory;
}

/* The least that one struct takes on the wire. */
static size_t message_wire_min(const struct wire_message *message, int version, bool flexible)
{
    size_t size = flexible ? 1 : 0; /* the tag count */

    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];

        if (!wire_field_in(field, version) || field->tag >= 0)
            continue;
        if (field->kind == WIRE_struct)
            size += message_wire_min(field->item, version, flexible);
        else
            size += flexible ? sizes[field->kind].wire_flexible : sizes[field->kind].wire;
    }
    return size;
}

static size_t element_wire_min(const struct wire_field *field, int version, bool flexible)
{
    enum wire_kind kind = element_kind(field);

    if (kind == WIRE_struct)
        return message_wire_min(field->item, version, flexible);
    return flexible ? sizes[kind].wire_flexible : sizes[kind].wire;
}

int64_t wire_number(const struct wire_field *field, const void *member)
{
    switch (field->kind) {
    case WIRE_bool: return *(const bool *)member ? 1 : 0;
    case WIRE_int8: return *(const int8_t *)member;
    case WIRE_int16: return *(const int16_t *)member;
    case WIRE_uint16: return *(const uint16_t *)member;
    case WIRE_int32: return *(const int32_t *)member;
    case WIRE_int64: return *(const int64_t *)member;
    default: return 0;
    }
}

/* ---- Defaults ---- */

static void fields_set_defaults(const struct wire_message *message, void *out);

/* The member is zero before. */
static void field_set_default(const struct wire_field *field, void *member)
{
    switch (field->kind) {
    case WIRE_bool: *(bool *)member = field->default_value != 0; break;
    case WIRE_int8: *(int8_t *)member = (int8_t)field->default_value; break;
    case WIRE_int16: *(int16_t *)member = (int16_t)field->default_value; break;
    case WIRE_uint16: *(uint16_t *)member = (uint16_t)field->default_value; break;
    case WIRE_int32: *(int32_t *)member = (int32_t)field->default_value; break;
    case WIRE_int64: *(int64_t *)member = field->default_value; break;
    case WIRE_string:
    case WIRE_bytes:
    case WIRE_records: *(struct slice *)member = slice_of(field->default_value == 0 ? empty : NULL, 0); break;
    case WIRE_struct: fields_set_defaults(field->item, member); break;
    case WIRE_float64:
    case WIRE_uuid:
    case WIRE_pointer: break;
    default: ((struct wire_array *)member)->count = (int32_t)field->default_value; break;
    }
}

static void fields_set_defaults(const struct wire_message *message, void *out)
{
    for (uint32_t i = 0; i < message->field_count; i++)
        field_set_default(&message->fields[i], (uint8_t *)out + message->fields[i].offset);
}

void wire_init_defaults(const struct wire_message *message, void *out)
{
    memset(out, 0, message->size);
    fields_set_defaults(message, out);
}

static bool field_is_default(const struct wire_field *field, const void *member)
{
    static const struct uuid no_uuid;
    double number;

    switch (field->kind) {
    case WIRE_string:
    case WIRE_bytes:
    case WIRE_records: {
        const struct slice *slice = member;
        return slice->size == 0 && (field->default_value == 0 || slice_is_null(*slice));
    }
    case WIRE_float64: memcpy(&number, member, sizeof(number)); return number == 0;
    case WIRE_uuid: return memcmp(member, &no_uuid, sizeof(no_uuid)) == 0;
    case WIRE_pointer: return field->default_value != 0 && *(void *const *)member == NULL;
    case WIRE_struct:
        for (uint32_t i = 0; i < field->item->field_count; i++) {
            const struct wire_field *inner = &field->item->fields[i];
            if (!field_is_default(inner, (const uint8_t *)member + inner->offset))
                return false;
        }
        return true;
    case WIRE_int8_array:
    case WIRE_int32_array:
    case WIRE_int64_array:
    case WIRE_string_array:
    case WIRE_list: {
        int32_t count = ((const struct wire_array *)member)->count;
        return count < 0 || (count == 0 && field->default_value == 0);
    }
    default: return wire_number(field, member) == field->default_value;
    }
}

/* ---- Decoding ---- */

struct decoding {
    struct reader in;
    struct arena *arena;
    size_t budget; /* bytes that the arrays may still take */
    int version;
    bool flexible;
    const struct wire_field *where; /* of the first failure */
    const char *why;
};

static void decoding_fail(struct decoding *decoding, const struct wire_field *where, const char *why)
{
    if (decoding->why == NULL) {
        decoding->where = where;
        decoding->why = why;
    }
    reader_fail(&decoding->in);
}

/* A length or count before what it counts: -1 for null. Fails beyond `most`. */
static int32_t read_length(struct decoding *decoding, const struct wire_field *field, enum wire_kind kind, size_t most)
{
    int64_t length;

    if (decoding->flexible)
        length = (int64_t)read_varuint32(&decoding->in) - 1;
    else if (kind == WIRE_string)
        length = (int16_t)read_u16(&decoding->in);
    else
        length = (int32_t)read_u32(&decoding->in);

    if (decoding->in.failed) {
        decoding_fail(decoding, field, "cut short");
        return 0;
    }
    if (length < -1 || length > (int64_t)most) {
        decoding_fail(decoding, field, "its length is more than what is left");
        return 0;
    }
    return (int32_t)length;
}

static void read_slice(struct decoding *decoding, const struct wire_field *field, enum wire_kind kind, bool nullable, struct slice *out)
{
    size_t most = kind == WIRE_string ? INT16_MAX : INT32_MAX;
    int32_t length = read_length(decoding, field, kind, most);

    if (length < 0) {
        *out = slice_of(nullable ? NULL : empty, 0);
        if (!nullable)
            decoding_fail(decoding, field, "null where it may not be");
        return;
    }
    if ((size_t)length > reader_left(&decoding->in)) {
        decoding_fail(decoding, field, "its length is more than what is left");
        length = 0;
    }
    *out = length == 0 ? slice_of(empty, 0) : read_bytes(&decoding->in, (size_t)length);
}

static void read_fields(struct decoding *decoding, const struct wire_message *message, void *out);

static void read_elements(struct decoding *decoding, const struct wire_field *field, void *items, int32_t count)
{
    struct reader *in = &decoding->in;

    switch (element_kind(field)) {
    case WIRE_int8: memcpy(items, in->at, (size_t)count), in->at += count; break;
    case WIRE_int32:
        for (int32_t i = 0; i < count; i++)
            ((int32_t *)items)[i] = (int32_t)read_u32(in);
        break;
    case WIRE_int64:
        for (int32_t i = 0; i < count; i++)
            ((int64_t *)items)[i] = (int64_t)read_u64(in);
        break;
    case WIRE_string:
        for (int32_t i = 0; i < count && !in->failed; i++)
            read_slice(decoding, field, WIRE_string, false, (struct slice *)items + i);
        break;
    default:
        for (int32_t i = 0; i < count && !in->failed; i++)
            read_fields(decoding, field->item, (uint8_t *)items + (size_t)i * field->item->size);
        break;
    }
}

static void read_array(struct decoding *decoding, const struct wire_field *field, struct wire_array *out)
{
    size_t wire_min = element_wire_min(field, decoding->version, decoding->flexible);
    size_t memory = wire_item_size(field);
    size_t left;
    int32_t count = read_length(decoding, field, WIRE_list, INT32_MAX);

    out->count = count;
    if (count < 0 && decoding->version < field->null_from)
        decoding_fail(decoding, field, "null where it may not be");
    if (count <= 0)
        return;
    left = reader_left(&decoding->in);
    if ((size_t)count > left / (wire_min == 0 ? 1 : wire_min) || (size_t)count > decoding->budget / memory) {
        decoding_fail(decoding, field, "it has more elements than its bytes can hold");
        return;
    }
    decoding->budget -= (size_t)count * memory;
    out->items = arena_new_array(decoding->arena, (size_t)count, memory);
    read_elements(decoding, field, out->items, count);
}

/* A byte says whether it is there: 1, and -1 when it is null, but 0 in a tagged field. */
static void read_pointer(struct decoding *decoding, const struct wire_field *field, void **out)
{
    int8_t present = (int8_t)read_u8(&decoding->in);

    if (present < 0 || (present == 0 && field->tag >= 0) || decoding->in.failed) {
        if (decoding->version < field->null_from)
            decoding_fail(decoding, field, "null where it may not be");
        return;
    }
    if (field->item->size > decoding->budget) {
        decoding_fail(decoding, field, "too large");
        return;
    }
    decoding->budget -= field->item->size;
    *out = arena_new(decoding->arena, field->item->size);
    read_fields(decoding, field->item, *out);
}

static void read_field(struct decoding *decoding, const struct wire_field *field, void *member)
{
    struct reader *in = &decoding->in;
    uint64_t bits;

    switch (field->kind) {
    case WIRE_bool: *(bool *)member = read_u8(in) != 0; break;
    case WIRE_int8: *(int8_t *)member = (int8_t)read_u8(in); break;
    case WIRE_int16: *(int16_t *)member = (int16_t)read_u16(in); break;
    case WIRE_uint16: *(uint16_t *)member = read_u16(in); break;
    case WIRE_int32: *(int32_t *)member = (int32_t)read_u32(in); break;
    case WIRE_int64: *(int64_t *)member = (int64_t)read_u64(in); break;
    case WIRE_float64:
        bits = read_u64(in);
        memcpy(member, &bits, sizeof(bits));
        break;
    case WIRE_uuid: {
        struct slice bytes = read_bytes(in, sizeof(struct uuid));
        memcpy(member, bytes.data, bytes.size);
        break;
    }
    case WIRE_string:
    case WIRE_bytes:
    case WIRE_records: read_slice(decoding, field, field->kind, decoding->version >= field->null_from, member); break;
    case WIRE_struct: read_fields(decoding, field->item, member); break;
    case WIRE_pointer: read_pointer(decoding, field, member); break;
    default: read_array(decoding, field, member); break;
    }
    if (in->failed)
        decoding_fail(decoding, field, "cut short");
}

static const struct wire_field *field_with_tag(const struct wire_message *message, uint32_t tag, int version)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        if (field->tag >= 0 && (uint32_t)field->tag == tag && wire_field_in(field, version))
            return field;
    }
    return NULL;
}

/* Tagged fields lie within the size that stands before each; unknown ones are skipped. */
static void read_tags(struct decoding *decoding, const struct wire_message *message, void *out)
{
    struct reader *in = &decoding->in;
    uint32_t count = read_varuint32(in);

    for (uint32_t i = 0; i < count && !in->failed; i++) {
        uint32_t tag = read_varuint32(in);
        uint32_t size = read_varuint32(in);
        const struct wire_field *field = field_with_tag(message, tag, decoding->version);
        const uint8_t *end = in->end;

        if (size > reader_left(in)) {
            decoding_fail(decoding, field, "a tagged field is longer than what is left");
            return;
        }
        in->end = in->at + size;
        if (field != NULL)
            read_field(decoding, field, (uint8_t *)out + field->offset);
        in->at = in->end;
        in->end = end;
    }
}

/* The struct is zero before. */
static void read_fields(struct decoding *decoding, const struct wire_message *message, void *out)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        void *member = (uint8_t *)out + field->offset;

        if (field->tag >= 0 || !wire_field_in(field, decoding->version))
            field_set_default(field, member);
        else
            read_field(decoding, field, member);
        if (decoding->in.failed)
            return;
    }
    if (decoding->flexible)
        read_tags(decoding, message, out);
}

static size_t decode_budget(size_t input)
{
    return input > (SIZE_MAX / 2) / WIRE_DECODE_BYTES_PER_BYTE ? SIZE_MAX / 2 : WIRE_DECODE_BYTES_MIN + input * WIRE_DECODE_BYTES_PER_BYTE;
}

enum status wire_read(const struct wire_message *message, int version, struct reader *in, struct arena *arena, void *out,
                      struct error *error)
{
    struct decoding decoding = {.in = *in, .arena = arena, .version = version, .flexible = version >= message->flexible_from};

    if (version < message->first || version > message->last) {
        reader_fail(in);
        return error_set(error, ERROR_UNSUPPORTED_VERSION, "decode %s: version %d is not one of %d to %d", message->name, version,
                         message->first, message->last);
    }
    decoding.budget = decode_budget(reader_left(in));
    memset(out, 0, message->size);
    read_fields(&decoding, message, out);
    *in = decoding.in;
    if (decoding.in.failed)
        return error_set(error, ERROR_INVALID_REQUEST, "decode %s version %d: %s: %s", message->name, version,
                         decoding.where == NULL ? "tagged fields" : decoding.where->name,
                         decoding.why == NULL ? "cut short" : decoding.why);
    return OK;
}

enum status wire_decode(const struct wire_message *message, int version, struct slice bytes, struct arena *arena, void *out,
                        struct error *error)
{
    struct reader in = reader_of(bytes);
    return wire_read(message, version, &in, arena, out, error);
}

/* ---- Encoding ---- */

struct encoding {
    struct buffer *out;
    struct wire_gap *gaps;
    size_t gap_max;
    size_t gap_count;
    int version;
    bool flexible;
};

/* length -1: null */
static void write_length(struct encoding *encoding, enum wire_kind kind, int64_t length)
{
    if (encoding->flexible)
        buffer_append_varuint(encoding->out, (uint64_t)(length + 1));
    else if (kind == WIRE_string)
        buffer_append_u16(encoding->out, (uint16_t)length);
    else
        buffer_append_u32(encoding->out, (uint32_t)length);
}

static void write_slice(struct encoding *encoding, enum wire_kind kind, bool nullable, struct slice slice)
{
    if (slice.size > (kind == WIRE_string ? INT16_MAX : INT32_MAX)) {
        encoding->out->failed = true;
        return;
    }
    write_length(encoding, kind, slice_is_null(slice) && nullable ? -1 : (int64_t)slice.size);
    if (slice.data != WIRE_EXTERNAL) {
        buffer_append_slice(encoding->out, slice);
    } else if (slice.size > 0) {
        if (encoding->gap_count == encoding->gap_max || encoding->out->failed) {
            encoding->out->failed = true;
            return;
        }
        encoding->gaps[encoding->gap_count++] = (struct wire_gap){encoding->out->size, slice.size};
    }
}

static void write_fields(struct encoding *encoding, const struct wire_message *message, const void *in);

static void write_array(struct encoding *encoding, const struct wire_field *field, const struct wire_array *array)
{
    int32_t count = array->count >= 0 ? array->count : encoding->version >= field->null_from ? -1 : 0;

    write_length(encoding, WIRE_list, count);
    for (int32_t i = 0; i < count; i++) {
        switch (element_kind(field)) {
        case WIRE_int8: buffer_append_u8(encoding->out, ((const uint8_t *)array->items)[i]); break;
        case WIRE_int32: buffer_append_u32(encoding->out, ((const uint32_t *)array->items)[i]); break;
        case WIRE_int64: buffer_append_u64(encoding->out, ((const uint64_t *)array->items)[i]); break;
        case WIRE_string: write_slice(encoding, WIRE_string, false, ((const struct slice *)array->items)[i]); break;
        default: write_fields(encoding, field->item, (const uint8_t *)array->items + (size_t)i * field->item->size); break;
        }
    }
}

static void write_pointer(struct encoding *encoding, const struct wire_field *field, const void *pointed)
{
    buffer_append_u8(encoding->out, pointed != NULL ? 1 : field->tag >= 0 ? 0 : 0xff);
    if (pointed != NULL)
        write_fields(encoding, field->item, pointed);
}

static void write_field(struct encoding *encoding, const struct wire_field *field, const void *member)
{
    struct buffer *out = encoding->out;
    uint64_t bits;

    switch (field->kind) {
    case WIRE_bool: buffer_append_u8(out, *(const bool *)member ? 1 : 0); break;
    case WIRE_int8: buffer_append_u8(out, *(const uint8_t *)member); break;
    case WIRE_int16:
    case WIRE_uint16: buffer_append_u16(out, *(const uint16_t *)member); break;
    case WIRE_int32: buffer_append_u32(out, *(const uint32_t *)member); break;
    case WIRE_int64: buffer_append_u64(out, *(const uint64_t *)member); break;
    case WIRE_float64:
        memcpy(&bits, member, sizeof(bits));
        buffer_append_u64(out, bits);
        break;
    case WIRE_uuid: buffer_append(out, member, sizeof(struct uuid)); break;
    case WIRE_string:
    case WIRE_bytes:
    case WIRE_records: write_slice(encoding, field->kind, encoding->version >= field->null_from, *(const struct slice *)member); break;
    case WIRE_struct: write_fields(encoding, field->item, member); break;
    case WIRE_pointer: write_pointer(encoding, field, *(void *const *)member); break;
    default: write_array(encoding, field, member); break;
    }
}

/* Tag, size, value; the size is known only afterwards, so the value moves by as many bytes as the size takes. */
static void write_tagged(struct encoding *encoding, const struct wire_field *field, const void *member)
{
    struct buffer *out = encoding->out;
    uint8_t prefix[10];
    struct buffer size = {.data = prefix, .capacity = sizeof(prefix), .size_max = sizeof(prefix)};
    size_t start;
    size_t length;

    buffer_append_varuint(out, (uint64_t)field->tag);
    start = out->size;
    write_field(encoding, field, member);
    if (out->failed)
        return;
    length = out->size - start;
    buffer_append_varuint(&size, length);
    if (buffer_reserve(out, size.size) == NULL)
        return;
    memmove(out->data + start + size.size, out->data + start, length);
    memcpy(out->data + start, prefix, size.size);
    out->size += size.size;
}

static bool is_written_tag(const struct wire_field *field, int version, const void *in)
{
    return field->tag >= 0 && wire_field_in(field, version) && !field_is_default(field, (const uint8_t *)in + field->offset);
}

static void write_tags(struct encoding *encoding, const struct wire_message *message, uint32_t count, const void *in)
{
    buffer_append_varuint(encoding->out, count);
    for (uint32_t i = 0; count > 0 && i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];
        if (is_written_tag(field, encoding->version, in))
            write_tagged(encoding, field, (const uint8_t *)in + field->offset);
    }
}

static void write_fields(struct encoding *encoding, const struct wire_message *message, const void *in)
{
    uint32_t tag_count = 0;

    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];

        if (field->tag >= 0)
            tag_count += is_written_tag(field, encoding->version, in);
        else if (wire_field_in(field, encoding->version))
            write_field(encoding, field, (const uint8_t *)in + field->offset);
    }
    if (encoding->flexible)
        write_tags(encoding, message, tag_count, in);
}

void wire_encode_with_gaps(const struct wire_message *message, int version, const void *in, struct buffer *out, struct wire_gap *gaps,
                           size_t gap_max, size_t *gap_count)
{
    struct encoding encoding = {
        .out = out, .gaps = gaps, .gap_max = gap_max, .version = version, .flexible = version >= message->flexible_from};

    assert(version >= message->first && version <= message->last);
    write_fields(&encoding, message, in);
    *gap_count = encoding.gap_count;
}

void wire_encode(const struct wire_message *message, int version, const void *in, struct buffer *out)
{
    size_t gap_count;
    wire_encode_with_gaps(message, version, in, out, NULL, 0, &gap_count);
}

/* ---- Data that begins with its own version ---- */

static enum status decode_versioned(const struct wire_message *message, struct slice bytes, bool lenient, struct arena *arena, void *out,
                                    int *version, struct error *error)
{
    struct reader in = reader_of(bytes);

    *version = (int16_t)read_u16(&in);
    if (in.failed)
        return error_set(error, ERROR_INVALID_REQUEST, "decode %s: its version is missing", message->name);
    return wire_read(message, lenient && *version > message->last ? message->last : *version, &in, arena, out, error);
}

enum status wire_decode_versioned(const struct wire_message *message, struct slice bytes, struct arena *arena, void *out, int *version,
                                  struct error *error)
{
    return decode_versioned(message, bytes, false, arena, out, version, error);
}

enum status wire_decode_versioned_lenient(const struct wire_message *message, struct slice bytes, struct arena *arena, void *out,
                                          int *version, struct error *error)
{
    return decode_versioned(message, bytes, true, arena, out, version, error);
}

void wire_encode_versioned(const struct wire_message *message, int version, const void *in, struct buffer *out)
{
    buffer_append_u16(out, (uint16_t)version);
    wire_encode(message, version, in, out);
}
