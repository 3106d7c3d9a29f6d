/* wire/kafka/codec_print.c: messages as text, for logs and tools. */
#include "wire/kafka/codec_internal.h"

#include "base/banned.h"

#include <strings.h>

/* Members whose bytes or text nobody may see. */
static const char *const hidden_members[] = {"auth_bytes", "salt", "salted_password", "hmac"};

/* A setting is hidden when its name has one of these. */
static const char *const hidden_settings[] = {"password", "secret", "jaas", "credential", "token", "private", "keystore.key"};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool contains_ignoring_case(struct slice text, const char *word)
{
    size_t length = strlen(word);

    for (size_t i = 0; i + length <= text.size; i++) {
        if (strncasecmp((const char *)text.data + i, word, length) == 0)
            return true;
    }
    return false;
}

/* Is this the value of a setting that is a secret? Its struct then has a name beside it. */
static bool is_secret_setting(const struct wire_message *message, const struct wire_field *field, const void *in)
{
    if (strcmp(field->name, "value") != 0 || field->kind != WIRE_string)
        return false;
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *other = &message->fields[i];
        if (other->kind != WIRE_string || strcmp(other->name, "name") != 0)
            continue;
        for (size_t word = 0; word < sizeof(hidden_settings) / sizeof(hidden_settings[0]); word++) {
            if (contains_ignoring_case(*(const struct slice *)((const uint8_t *)in + other->offset), hidden_settings[word]))
                return true;
        }
    }
    return false;
}

static void print_string(struct slice text, struct buffer *out)
{
    if (slice_is_null(text)) {
        buffer_append_string(out, "null");
        return;
    }
    buffer_append_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte == '"' || byte == '\\') {
            buffer_append_u8(out, '\\');
            buffer_append_u8(out, byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            buffer_append_format(out, "\\u%04x", byte);
        } else {
            buffer_append_u8(out, byte);
        }
    }
    buffer_append_u8(out, '"');
}

static void print_bytes(struct slice bytes, struct buffer *out)
{
    if (slice_is_null(bytes))
        buffer_append_string(out, "null");
    else
        buffer_append_format(out, "\"<%zu bytes>\"", bytes.size);
}

static void print_fields(const struct wire_message *message, int version, const void *in, struct buffer *out);

static void print_array(const struct wire_field *field, int version, const struct wire_array *array, struct buffer *out)
{
    if (array->count < 0) {
        buffer_append_string(out, "null");
        return;
    }
    buffer_append_u8(out, '[');
    for (int32_t i = 0; i < array->count && !out->failed; i++) {
        if (i > 0)
            buffer_append_string(out, ", ");
        switch (field->kind) {
        case WIRE_int8_array: buffer_append_decimal(out, ((const int8_t *)array->items)[i]); break;
        case WIRE_int32_array: buffer_append_decimal(out, ((const int32_t *)array->items)[i]); break;
        case WIRE_int64_array: buffer_append_decimal(out, ((const int64_t *)array->items)[i]); break;
        case WIRE_string_array: print_string(((const struct slice *)array->items)[i], out); break;
        default: print_fields(field->item, version, (const uint8_t *)array->items + (size_t)i * field->item->size, out); break;
        }
    }
    buffer_append_u8(out, ']');
}

static void print_value(const struct wire_field *field, int version, const void *member, struct buffer *out)
{
    char text[UUID_BASE64_SIZE];
    double number;

    switch (field->kind) {
    case WIRE_bool: buffer_append_string(out, *(const bool *)member ? "true" : "false"); break;
    case WIRE_float64:
        memcpy(&number, member, sizeof(number));
        buffer_append_format(out, "%g", number);
        break;
    case WIRE_uuid:
        uuid_to_base64(member, text);
        buffer_append_format(out, "\"%s\"", text);
        break;
    case WIRE_string: print_string(*(const struct slice *)member, out); break;
    case WIRE_bytes:
    case WIRE_records: print_bytes(*(const struct slice *)member, out); break;
    case WIRE_struct: print_fields(field->item, version, member, out); break;
    case WIRE_pointer:
        if (*(void *const *)member == NULL)
            buffer_append_string(out, "null");
        else
            print_fields(field->item, version, *(void *const *)member, out);
        break;
    case WIRE_int8_array:
    case WIRE_int32_array:
    case WIRE_int64_array:
    case WIRE_string_array:
    case WIRE_list: print_array(field, version, member, out); break;
    default: buffer_append_decimal(out, wire_number(field, member)); break;
    }
}

static void print_fields(const struct wire_message *message, int version, const void *in, struct buffer *out)
{
    const char *separator = "";

    buffer_append_u8(out, '{');
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct wire_field *field = &message->fields[i];

        if (!wire_field_in(field, version))
            continue;
        buffer_append_format(out, "%s\"%s\": ", separator, field->name);
        if (is_one_of(field->name, hidden_members, sizeof(hidden_members) / sizeof(hidden_members[0])) ||
            is_secret_setting(message, field, in))
            buffer_append_string(out, "\"<hidden>\"");
        else
            print_value(field, version, (const uint8_t *)in + field->offset, out);
        separator = ", ";
    }
    buffer_append_u8(out, '}');
}

void wire_print(const struct wire_message *message, int version, const void *in, struct buffer *out)
{
    print_fields(message, version, in, out);
}
