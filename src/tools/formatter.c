#include "tools/formatter.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/uuid.h"
#include "tools/console.h"
#include "wire/json/number.h"

#define NUMBER_TEXT_BYTES 32

static const char package[] = "org.apache.kafka.tools.consumer.";
static const char serialization_package[] = "org.apache.kafka.common.serialization.";

static bool flag_of(const struct properties *properties, const char *name, bool otherwise)
{
    const char *value = properties_get(properties, name);
    bool flag = false;

    if (value == NULL)
        return otherwise;
    return text_parse_bool(text_trim(slice_from_string(value)), &flag) && flag;
}

static struct slice text_of(const struct properties *properties, const char *name, const char *otherwise)
{
    const char *value = properties_get(properties, name);

    return slice_from_string(value == NULL ? otherwise : value);
}

static enum deserializer deserializer_of(struct arena *arena, const struct properties *properties, const char *name)
{
    static const struct {
        const char *name;
        enum deserializer kind;
    } known[] = {
        {"StringDeserializer", DESERIALIZE_BYTES}, {"BytesDeserializer", DESERIALIZE_BYTES},     {"ByteArrayDeserializer", DESERIALIZE_BYTES},
        {"ShortDeserializer", DESERIALIZE_SHORT},  {"IntegerDeserializer", DESERIALIZE_INT},     {"LongDeserializer", DESERIALIZE_LONG},
        {"FloatDeserializer", DESERIALIZE_FLOAT},  {"DoubleDeserializer", DESERIALIZE_DOUBLE},   {"BooleanDeserializer", DESERIALIZE_BOOLEAN},
        {"UUIDDeserializer", DESERIALIZE_UUID},    {"VoidDeserializer", DESERIALIZE_VOID},
    };
    const char *value = properties_get(properties, name);
    size_t prefix = sizeof(serialization_package) - 1;

    if (value == NULL)
        return DESERIALIZE_BYTES;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(value, serialization_package, prefix) == 0 && strcmp(value + prefix, known[i].name) == 0)
            return known[i].kind;
    }
    console_log_failure("ERROR", "org.apache.kafka.tools.consumer.DefaultMessageFormatter",
                        failure_of(arena, "java.lang.ClassNotFoundException", "%s", value), "Unable to instantiate a deserializer from %s", value);
    return DESERIALIZE_BYTES;
}

const struct failure *formatter_init(struct formatter *formatter, struct arena *arena, const char *class_name,
                                     const struct properties *properties)
{
    const char *name = strncmp(class_name, package, sizeof(package) - 1) == 0 ? class_name + sizeof(package) - 1 : "";
    bool is_silent = strcmp(name, "NoOpMessageFormatter") == 0;

    if (!is_silent && strcmp(name, "DefaultMessageFormatter") != 0 && strcmp(name, "LoggingMessageFormatter") != 0)
        return failure_of(arena, "java.lang.ClassNotFoundException", "%s", class_name);
    *formatter = (struct formatter){.is_silent = is_silent,
                                    .prints_timestamp = flag_of(properties, "print.timestamp", false),
                                    .prints_key = flag_of(properties, "print.key", false),
                                    .prints_offset = flag_of(properties, "print.offset", false),
                                    .prints_delivery = flag_of(properties, "print.delivery", false),
                                    .prints_epoch = flag_of(properties, "print.epoch", false),
                                    .prints_partition = flag_of(properties, "print.partition", false),
                                    .prints_headers = flag_of(properties, "print.headers", false),
                                    .prints_value = flag_of(properties, "print.value", true),
                                    .key_separator = text_of(properties, "key.separator", "\t"),
                                    .line_separator = text_of(properties, "line.separator", "\n"),
                                    .headers_separator = text_of(properties, "headers.separator", ","),
                                    .null_literal = text_of(properties, "null.literal", "null"),
                                    .key = deserializer_of(arena, properties, "key.deserializer"),
                                    .value = deserializer_of(arena, properties, "value.deserializer"),
                                    .headers = deserializer_of(arena, properties, "headers.deserializer")};
    return NULL;
}

static uint64_t big_endian(struct slice bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

static void double_append(struct buffer *out, uint64_t bits)
{
    uint8_t text[NUMBER_TEXT_BYTES];
    double value;

    memcpy(&value, &bits, sizeof(value));
    buffer_append(out, text, number_write_double(text, value));
}

static void float_append(struct buffer *out, uint32_t bits)
{
    uint8_t text[NUMBER_TEXT_BYTES];
    float value;

    memcpy(&value, &bits, sizeof(value));
    buffer_append(out, text, number_write_float(text, value));
}

/* A field in the form that its deserializer gives it; bytes of another length than it wants are printed as they are. */
static void field_append(const struct formatter *formatter, enum deserializer kind, struct slice field, struct buffer *out)
{
    if (field.data == NULL)
        buffer_append_slice(out, formatter->null_literal);
    else if (kind == DESERIALIZE_SHORT && field.size == 2)
        buffer_append_decimal(out, (int16_t)big_endian(field));
    else if (kind == DESERIALIZE_INT && field.size == 4)
        buffer_append_decimal(out, (int32_t)big_endian(field));
    else if (kind == DESERIALIZE_LONG && field.size == 8)
        buffer_append_decimal(out, (int64_t)big_endian(field));
    else if (kind == DESERIALIZE_FLOAT && field.size == 4)
        float_append(out, (uint32_t)big_endian(field));
    else if (kind == DESERIALIZE_DOUBLE && field.size == 8)
        double_append(out, big_endian(field));
    else if (kind == DESERIALIZE_BOOLEAN && field.size == 1)
        buffer_append_string(out, field.data[0] == 0 ? "false" : "true");
    else
        buffer_append_slice(out, field);
}

/* Begins the next column. */
static void column_begin(const struct formatter *formatter, struct buffer *out, bool *is_first)
{
    if (!*is_first)
        buffer_append_slice(out, formatter->key_separator);
    *is_first = false;
}

static void headers_append(const struct formatter *formatter, struct record record, struct buffer *out)
{
    struct record_header header;
    bool is_first = true;

    if (record.header_count == 0)
        buffer_append_string(out, "NO_HEADERS");
    while (record_next_header(&record, &header)) {
        if (!is_first)
            buffer_append_slice(out, formatter->headers_separator);
        is_first = false;
        buffer_append_slice(out, header.key);
        buffer_append_u8(out, ':');
        field_append(formatter, formatter->headers, header.value, out);
    }
}

static void timestamp_append(const struct consumer_record *record, struct buffer *out)
{
    if (record->time_kind == CONSUMER_TIME_NONE)
        buffer_append_string(out, "NO_TIMESTAMP");
    else
        buffer_append_format(out, "%s:%lld", record->time_kind == CONSUMER_TIME_APPENDED ? "LogAppendTime" : "CreateTime",
                             (long long)record->record.timestamp_ms);
}

static void numbers_append(const struct formatter *formatter, const struct consumer_record *record, struct buffer *out, bool *is_first)
{
    if (formatter->prints_partition) {
        column_begin(formatter, out, is_first);
        buffer_append_format(out, "Partition:%d", record->partition);
    }
    if (formatter->prints_offset) {
        column_begin(formatter, out, is_first);
        buffer_append_format(out, "Offset:%lld", (long long)record->record.offset);
    }
    if (formatter->prints_delivery) {
        column_begin(formatter, out, is_first);
        buffer_append_string(out, "Delivery:NOT_PRESENT");
    }
    if (formatter->prints_epoch) {
        column_begin(formatter, out, is_first);
        buffer_append_string(out, "Epoch:NOT_PRESENT");
    }
}

void formatter_print(const struct formatter *formatter, const struct consumer_record *record, struct buffer *out)
{
    bool is_first = true;

    if (formatter->is_silent)
        return;
    if (formatter->prints_timestamp) {
        column_begin(formatter, out, &is_first);
        timestamp_append(record, out);
    }
    numbers_append(formatter, record, out, &is_first);
    if (formatter->prints_headers) {
        column_begin(formatter, out, &is_first);
        headers_append(formatter, record->record, out);
    }
    if (formatter->prints_key) {
        column_begin(formatter, out, &is_first);
        field_append(formatter, formatter->key, record->record.key, out);
    }
    if (formatter->prints_value) {
        column_begin(formatter, out, &is_first);
        field_append(formatter, formatter->value, record->record.value, out);
    }
    if (!is_first)
        buffer_append_slice(out, formatter->line_separator);
}
