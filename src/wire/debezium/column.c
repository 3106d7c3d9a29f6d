#include "wire/debezium/column.h"

#include "base/banned.h"
#include "wire/debezium/name.h"
#include "wire/debezium/oid.h"
#include "wire/json/text.h"

#include <openssl/evp.h>

#define LENGTH_UNKNOWN INT32_MAX
#define LENGTH_VARIABLE_DECIMAL 131089 /* what pgjdbc says of a numeric without precision */

/* A column's type as Debezium resolves it: domains taken away, length and scale from the modifier. */
struct resolved {
    const struct pg_type *type;
    const char *type_name; /* of the column itself, a domain's own name */
    int32_t length;
    int32_t scale;
    bool optional;
};

/* What a type makes: its schema, its encoder, and the values that stand in. */
struct mapping {
    struct connect_schema *schema;
    struct value_encoder *encoder;
    const char *fallback; /* JSON for null in a required column; NULL: none */
    bool from_text;       /* Debezium's convertString: takes any Java object's text */
    bool always_null;
};

/* ---- Length and scale. Source: pgjdbc, TypeInfoCache.getPrecision, getScale, getDisplaySize ---- */

static int32_t time_display_size(int32_t modifier)
{
    return modifier == -1 ? 6 + 1 : modifier == 0 ? 0 : modifier == 1 ? 2 + 1 : modifier + 1;
}

static int32_t length_of(uint32_t oid, int32_t modifier)
{
    switch (oid) {
    case OID_INT2: return 5;
    case OID_INT4:
    case OID_OID: return 10;
    case OID_INT8: return 19;
    case OID_FLOAT4: return 8;
    case OID_FLOAT8: return 17;
    case OID_NUMERIC: return modifier == -1 ? LENGTH_VARIABLE_DECIMAL : (modifier - 4) >> 16 & 0xffff;
    case OID_CHAR:
    case OID_BOOL: return 1;
    case OID_BPCHAR:
    case OID_VARCHAR: return modifier == -1 ? LENGTH_UNKNOWN : modifier - 4;
    case OID_DATE: return 13;
    case OID_TIME: return 8 + time_display_size(modifier);
    case OID_TIMETZ: return 8 + time_display_size(modifier) + 6;
    case OID_TIMESTAMP: return 13 + 1 + 8 + time_display_size(modifier);
    case OID_TIMESTAMPTZ: return 13 + 1 + 8 + time_display_size(modifier) + 6;
    case OID_INTERVAL: return 49;
    case OID_BIT: return modifier;
    case OID_VARBIT: return modifier == -1 ? LENGTH_UNKNOWN : modifier;
    default: return LENGTH_UNKNOWN;
    }
}

static int32_t scale_of(uint32_t oid, int32_t modifier)
{
    switch (oid) {
    case OID_FLOAT4: return 8;
    case OID_FLOAT8: return 17;
    case OID_NUMERIC: return modifier == -1 ? 0 : (modifier - 4) & 0xffff;
    case OID_TIME:
    case OID_TIMETZ:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ: return modifier == -1 ? 6 : modifier;
    case OID_INTERVAL: return modifier == -1 ? 6 : modifier & 0xffff;
    default: return 0;
    }
}

static struct resolved resolve(const struct pg_column *column)
{
    const struct pg_type *type = column->type;
    int32_t modifier = column->modifier;
    uint32_t oid;

    while (type->base != NULL) {
        if (modifier == -1)
            modifier = type->modifier;
        type = type->base;
    }
    oid = type->element != NULL ? type->element->oid : type->oid;
    return (struct resolved){type, column->type->name, length_of(oid, modifier), scale_of(oid, modifier), !column->not_null};
}

/* ---- The type map ---- */

static struct mapping map(const struct column_context *context, enum connect_type type, const char *name, value_encode *encode,
                          const char *fallback)
{
    struct mapping mapping = {.fallback = fallback};

    mapping.schema = name == NULL ? schema_create(context->arena, type) : schema_create_named(context->arena, type, name);
    mapping.encoder = arena_new(context->arena, sizeof(*mapping.encoder));
    mapping.encoder->encode = encode;
    mapping.encoder->scratch = context->scratch;
    mapping.encoder->alphabet = BASE64_STANDARD;
    mapping.encoder->nested = NESTED_NULL;
    return mapping;
}

/* Whatever PostgreSQL prints, as a string. */
static struct mapping map_text(const struct column_context *context, const char *name)
{
    struct mapping mapping = map(context, CONNECT_STRING, name, encode_string, "\"\"");

    mapping.from_text = true;
    return mapping;
}

static const char *decimal_text(struct arena *arena, int32_t value)
{
    return arena_format(arena, "%d", value);
}

static struct mapping map_decimal(const struct column_context *context, int32_t scale, value_encode *encode)
{
    struct mapping mapping = map(context, CONNECT_BYTES, "org.apache.kafka.connect.data.Decimal", encode, "\"AA==\"");

    schema_add_parameter(context->arena, mapping.schema, "scale", decimal_text(context->arena, scale));
    mapping.encoder->scale = scale;
    mapping.encoder->decimal_numeric = context->converter->decimal_numeric;
    return mapping;
}

/* The fallback of a decimal is 0 with its scale, printed the way the encoder prints. */
static const char *zero_json(const struct column_context *context, const struct value_encoder *encoder)
{
    struct buffer json;
    const char *copy;

    buffer_init(&json, 1 << 20);
    copy = encoder->encode(encoder, slice_from_string("0"), &json) ? arena_copy_string(context->arena, buffer_slice(&json)) : NULL;
    buffer_finish(&json);
    return copy;
}

static struct mapping map_variable_decimal(const struct column_context *context)
{
    struct mapping mapping =
        map(context, CONNECT_STRUCT, "io.debezium.data.VariableScaleDecimal", encode_decimal_variable, "{\"scale\":0,\"value\":\"AA==\"}");

    mapping.schema->doc = "Variable scaled decimal";
    schema_add_field(context->arena, mapping.schema, "scale", schema_create(context->arena, CONNECT_INT32));
    schema_add_field(context->arena, mapping.schema, "value", schema_create(context->arena, CONNECT_BYTES));
    return mapping;
}

static struct mapping map_numeric(const struct column_context *context, const struct resolved *resolved)
{
    bool variable = (resolved->length == 0 || resolved->length == LENGTH_VARIABLE_DECIMAL) && resolved->scale == 0;
    struct mapping mapping;

    switch (context->config->decimal_mode) {
    case DECIMAL_DOUBLE: return map(context, CONNECT_FLOAT64, NULL, encode_double, "0.0");
    case DECIMAL_STRING:
        mapping = map(context, CONNECT_STRING, NULL, encode_decimal_text, NULL);
        mapping.encoder->scale = variable ? -1 : resolved->scale;
        mapping.fallback = zero_json(context, mapping.encoder);
        return mapping;
    default: break;
    }
    if (variable)
        return map_variable_decimal(context);
    mapping = map_decimal(context, resolved->scale, encode_decimal);
    schema_add_parameter(context->arena, mapping.schema, "connect.decimal.precision", decimal_text(context->arena, resolved->length));
    mapping.fallback = zero_json(context, mapping.encoder);
    return mapping;
}

static struct mapping map_money(const struct column_context *context)
{
    struct mapping mapping;

    switch (context->config->decimal_mode) {
    case DECIMAL_DOUBLE: return map(context, CONNECT_FLOAT64, NULL, encode_money_double, "0.0");
    case DECIMAL_STRING:
        mapping = map(context, CONNECT_STRING, NULL, encode_decimal_text, NULL);
        mapping.encoder->scale = context->config->money_scale;
        mapping.fallback = zero_json(context, mapping.encoder);
        mapping.encoder->encode = encode_money_text;
        return mapping;
    default:
        mapping = map_decimal(context, context->config->money_scale, encode_money);
        mapping.fallback = zero_json(context, mapping.encoder);
        return mapping;
    }
}

static struct mapping map_date(const struct column_context *context)
{
    switch (context->config->time_mode) {
    case TIME_CONNECT: return map(context, CONNECT_INT32, "org.apache.kafka.connect.data.Date", encode_date, "0");
    case TIME_ISOSTRING: return map(context, CONNECT_STRING, "io.debezium.time.IsoDate", encode_date_iso, "\"1970-01-01Z\"");
    default: return map(context, CONNECT_INT32, "io.debezium.time.Date", encode_date, "0");
    }
}

static struct mapping map_time(const struct column_context *context, int32_t precision)
{
    switch (context->config->time_mode) {
    case TIME_CONNECT: return map(context, CONNECT_INT32, "org.apache.kafka.connect.data.Time", encode_time_millis, "0");
    case TIME_ISOSTRING: return map(context, CONNECT_STRING, "io.debezium.time.IsoTime", encode_time_iso, "\"00:00:00Z\"");
    case TIME_NANOSECONDS: return map(context, CONNECT_INT64, "io.debezium.time.NanoTime", encode_time_nanos, "0");
    case TIME_ADAPTIVE:
        if (precision <= 3)
            return map(context, CONNECT_INT32, "io.debezium.time.Time", encode_time_millis, "0");
        return map(context, CONNECT_INT64, "io.debezium.time.MicroTime", encode_time_micros, "0");
    default: return map(context, CONNECT_INT64, "io.debezium.time.MicroTime", encode_time_micros, "0");
    }
}

static struct mapping map_timestamp(const struct column_context *context, int32_t precision)
{
    switch (context->config->time_mode) {
    case TIME_CONNECT: return map(context, CONNECT_INT64, "org.apache.kafka.connect.data.Timestamp", encode_timestamp_millis, "0");
    case TIME_ISOSTRING:
        return map(context, CONNECT_STRING, "io.debezium.time.IsoTimestamp", encode_timestamp_iso, "\"1970-01-01T00:00:00Z\"");
    case TIME_NANOSECONDS: return map(context, CONNECT_INT64, "io.debezium.time.NanoTimestamp", encode_timestamp_nanos, NULL);
    case TIME_MICROSECONDS: return map(context, CONNECT_INT64, "io.debezium.time.MicroTimestamp", encode_timestamp_micros, "0");
    default:
        if (precision <= 3)
            return map(context, CONNECT_INT64, "io.debezium.time.Timestamp", encode_timestamp_millis, "0");
        return map(context, CONNECT_INT64, "io.debezium.time.MicroTimestamp", encode_timestamp_micros, "0");
    }
}

static struct mapping map_zoned_timestamp(const struct column_context *context, int32_t precision)
{
    struct mapping mapping =
        map(context, CONNECT_STRING, "io.debezium.time.ZonedTimestamp", encode_zoned_timestamp, "\"1970-01-01T00:00:00Z\"");

    mapping.encoder->scale = precision;
    return mapping;
}

static struct mapping map_interval(const struct column_context *context)
{
    if (context->config->interval_mode == INTERVAL_STRING)
        return map(context, CONNECT_STRING, "io.debezium.time.Interval", encode_interval_iso, "\"P0Y0M0DT0H0M0S\"");
    return map(context, CONNECT_INT64, "io.debezium.time.MicroDuration", encode_interval_micros, "0");
}

/* bytea, and with include.unknown.datatypes the text of a type that has no mapping. */
static struct mapping map_binary(const struct column_context *context, value_encode *base64, value_encode *hex)
{
    struct mapping mapping;

    switch (context->config->binary_mode) {
    case BINARY_HEX: return map(context, CONNECT_STRING, NULL, hex, "\"\"");
    case BINARY_BASE64: return map(context, CONNECT_STRING, NULL, base64, "\"\"");
    case BINARY_BASE64_URL_SAFE:
        mapping = map(context, CONNECT_STRING, NULL, base64, "\"\"");
        mapping.encoder->alphabet = BASE64_URL_SAFE;
        return mapping;
    default: return map(context, CONNECT_BYTES, NULL, base64, "\"\"");
    }
}

static struct mapping map_bits(const struct column_context *context, int32_t length)
{
    struct mapping mapping;

    if (length <= 1)
        return map(context, CONNECT_BOOLEAN, NULL, encode_bit, "false");
    mapping = map(context, CONNECT_BYTES, "io.debezium.data.Bits", encode_bits, "\"\"");
    schema_add_parameter(context->arena, mapping.schema, "length", decimal_text(context->arena, length));
    return mapping;
}

static struct mapping map_point(const struct column_context *context)
{
    struct mapping mapping = map(context, CONNECT_STRUCT, "io.debezium.data.geometry.Point", encode_point,
                                 "{\"x\":0.0,\"y\":0.0,\"wkb\":\"AQEAAAAAAAAAAAAAAAAAAAAAAAAA\",\"srid\":null}");
    struct connect_schema *wkb = schema_create(context->arena, CONNECT_BYTES), *srid = schema_create(context->arena, CONNECT_INT32);

    wkb->optional = true;
    srid->optional = true;
    mapping.schema->doc = "Geometry (POINT)";
    schema_add_field(context->arena, mapping.schema, "x", schema_create(context->arena, CONNECT_FLOAT64));
    schema_add_field(context->arena, mapping.schema, "y", schema_create(context->arena, CONNECT_FLOAT64));
    schema_add_field(context->arena, mapping.schema, "wkb", wkb);
    schema_add_field(context->arena, mapping.schema, "srid", srid);
    return mapping;
}

static struct mapping map_geometry(const struct column_context *context, const char *name, const char *doc)
{
    struct mapping mapping = map(context, CONNECT_STRUCT, name, encode_geometry, "{\"wkb\":\"AQcAAAAAAAAA\",\"srid\":null}");
    struct connect_schema *srid = schema_create(context->arena, CONNECT_INT32);

    srid->optional = true;
    mapping.schema->doc = doc;
    mapping.schema->optional = true; /* whatever the column says */
    schema_add_field(context->arena, mapping.schema, "wkb", schema_create(context->arena, CONNECT_BYTES));
    schema_add_field(context->arena, mapping.schema, "srid", srid);
    return mapping;
}

static struct mapping map_hstore(const struct column_context *context)
{
    struct connect_schema *value;
    struct mapping mapping;

    if (context->config->hstore_mode == HSTORE_JSON)
        return map(context, CONNECT_STRING, "io.debezium.data.Json", encode_hstore_json, "\"{}\"");
    mapping = map(context, CONNECT_MAP, NULL, encode_hstore_map, "{}");
    value = schema_create(context->arena, CONNECT_STRING);
    value->optional = true;
    mapping.schema->keys = schema_create(context->arena, CONNECT_STRING);
    mapping.schema->items = value;
    return mapping;
}

static struct mapping map_vector(const struct column_context *context, enum connect_type items, const char *name, value_encode *encode)
{
    struct mapping mapping = map(context, CONNECT_ARRAY, name, encode, "[]");

    mapping.schema->items = schema_create(context->arena, items);
    return mapping;
}

static struct mapping map_sparse_vector(const struct column_context *context)
{
    struct mapping mapping = map(context, CONNECT_STRUCT, "io.debezium.data.SparseDoubleVector", encode_vector_sparse, NULL);
    struct connect_schema *vector = schema_create(context->arena, CONNECT_MAP);

    vector->keys = schema_create(context->arena, CONNECT_INT16);
    vector->items = schema_create(context->arena, CONNECT_FLOAT64);
    mapping.schema->doc = "Sparse double vector";
    schema_add_field(context->arena, mapping.schema, "dimensions", schema_create(context->arena, CONNECT_INT16));
    schema_add_field(context->arena, mapping.schema, "vector", vector);
    return mapping;
}

static struct mapping map_enum(const struct column_context *context, const struct pg_type *type)
{
    struct mapping mapping = map_text(context, "io.debezium.data.Enum");
    struct buffer labels;

    buffer_init(&labels, 1 << 26);
    for (size_t i = 0; i < type->label_count; i++) {
        if (i > 0)
            buffer_append_u8(&labels, ',');
        buffer_append_string(&labels, type->labels[i]);
    }
    buffer_append_u8(&labels, 0);
    schema_add_parameter(context->arena, mapping.schema, "allowed",
                         arena_copy_string(context->arena, slice_of(labels.data, labels.size == 0 ? 0 : labels.size - 1)));
    buffer_finish(&labels);
    return mapping;
}

/* Streamed values of type name never arrive: Debezium's decoder does not know the type. */
static struct mapping map_name(const struct column_context *context)
{
    struct mapping mapping = map_text(context, NULL);

    mapping.always_null = context->reader == READER_STREAM && !context->config->include_unknown_types;
    return mapping;
}

static bool map_unknown(const struct column_context *context, const struct pg_type *type, struct mapping *mapping)
{
    bool geometric = type->oid == OID_LINE || type->oid == OID_LSEG || type->oid == OID_BOX || type->oid == OID_PATH ||
                     type->oid == OID_POLYGON || type->oid == OID_CIRCLE;

    if (!context->config->include_unknown_types)
        return false;
    *mapping = map_binary(context, geometric ? encode_shape_base64 : encode_text_base64, geometric ? encode_shape_hex : encode_text_hex);
    return true;
}

static bool map_extension(const struct column_context *context, const struct pg_type *type, struct mapping *mapping)
{
    if (strcmp(type->name, "citext") == 0 || strcmp(type->name, "isbn") == 0)
        *mapping = map(context, CONNECT_STRING, NULL, encode_string, "\"\"");
    else if (strcmp(type->name, "ltree") == 0)
        *mapping = map(context, CONNECT_STRING, "io.debezium.data.Ltree", encode_string, "\"\"");
    else if (strcmp(type->name, "hstore") == 0)
        *mapping = map_hstore(context);
    else if (strcmp(type->name, "geometry") == 0)
        *mapping = map_geometry(context, "io.debezium.data.geometry.Geometry", "Geometry");
    else if (strcmp(type->name, "geography") == 0)
        *mapping = map_geometry(context, "io.debezium.data.geometry.Geography", "Geography");
    else if (strcmp(type->name, "vector") == 0)
        *mapping = map_vector(context, CONNECT_FLOAT64, "io.debezium.data.DoubleVector", encode_vector_double);
    else if (strcmp(type->name, "halfvec") == 0)
        *mapping = map_vector(context, CONNECT_FLOAT32, "io.debezium.data.FloatVector", encode_vector_float);
    else if (strcmp(type->name, "sparsevec") == 0)
        *mapping = map_sparse_vector(context);
    else
        return map_unknown(context, type, mapping);
    return true;
}

/* A type that is no array. False: left out. */
static bool map_scalar(const struct column_context *context, const struct resolved *resolved, struct mapping *mapping)
{
    const struct pg_type *type = resolved->type;

    if (type->kind == 'e') {
        *mapping = map_enum(context, type);
        return true;
    }
    switch (type->oid) {
    case OID_BOOL: *mapping = map(context, CONNECT_BOOLEAN, NULL, encode_boolean, "false"); break;
    case OID_INT2: *mapping = map(context, CONNECT_INT16, NULL, encode_integer, "0"); break;
    case OID_INT4: *mapping = map(context, CONNECT_INT32, NULL, encode_integer, "0"); break;
    case OID_INT8:
    case OID_OID: *mapping = map(context, CONNECT_INT64, NULL, encode_integer, "0"); break;
    case OID_FLOAT4: *mapping = map(context, CONNECT_FLOAT32, NULL, encode_float, "0.0"); break;
    case OID_FLOAT8: *mapping = map(context, CONNECT_FLOAT64, NULL, encode_double, "0.0"); break;
    case OID_NUMERIC: *mapping = map_numeric(context, resolved); break;
    case OID_MONEY: *mapping = map_money(context); break;
    case OID_NAME: *mapping = map_name(context); break;
    case OID_CHAR:
    case OID_TEXT:
    case OID_BPCHAR:
    case OID_VARCHAR:
    case OID_INET:
    case OID_CIDR:
    case OID_MACADDR:
    case OID_MACADDR8:
    case OID_INT4RANGE:
    case OID_INT8RANGE:
    case OID_NUMRANGE:
    case OID_TSRANGE:
    case OID_TSTZRANGE:
    case OID_DATERANGE: *mapping = map_text(context, NULL); break;
    case OID_JSON:
    case OID_JSONB: *mapping = map_text(context, "io.debezium.data.Json"); break;
    case OID_XML: *mapping = map_text(context, "io.debezium.data.Xml"); break;
    case OID_UUID: *mapping = map_text(context, "io.debezium.data.Uuid"); break;
    case OID_TSVECTOR: *mapping = map_text(context, "io.debezium.data.Tsvector"); break;
    case OID_DATE: *mapping = map_date(context); break;
    case OID_TIME: *mapping = map_time(context, resolved->scale); break;
    case OID_TIMETZ: *mapping = map(context, CONNECT_STRING, "io.debezium.time.ZonedTime", encode_zoned_time, "\"00:00:00Z\""); break;
    case OID_TIMESTAMP: *mapping = map_timestamp(context, resolved->scale); break;
    case OID_TIMESTAMPTZ: *mapping = map_zoned_timestamp(context, resolved->scale); break;
    case OID_INTERVAL: *mapping = map_interval(context); break;
    case OID_BYTEA: *mapping = map_binary(context, encode_bytea_base64, encode_bytea_hex); break;
    case OID_BIT:
    case OID_VARBIT: *mapping = map_bits(context, resolved->length); break;
    case OID_POINT: *mapping = map_point(context); break;
    default: return map_extension(context, type, mapping);
    }
    return true;
}

/* ---- Arrays ---- */

enum array_kind { ARRAY_LEFT_OUT, ARRAY_BITS, ARRAY_OPTIONAL_ITEMS, ARRAY_REQUIRED_ITEMS };

static enum array_kind array_kind(const struct pg_type *element)
{
    static const char *const extensions[] = {"geometry", "geography", "citext", "ltree", "hstore"};

    switch (element->oid) {
    case OID_MONEY:
    case OID_NAME:
    case OID_INTERVAL:
    case OID_VARBIT:
    case OID_XML:
    case OID_POINT:
    case OID_REFCURSOR: return ARRAY_LEFT_OUT;
    case OID_BIT: return ARRAY_BITS;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
    case OID_CHAR:
    case OID_VARCHAR:
    case OID_TEXT:
    case OID_BPCHAR:
    case OID_INET:
    case OID_CIDR:
    case OID_MACADDR:
    case OID_MACADDR8:
    case OID_TSRANGE:
    case OID_TSTZRANGE:
    case OID_DATERANGE:
    case OID_INT4RANGE:
    case OID_NUMRANGE:
    case OID_INT8RANGE:
    case OID_NUMERIC:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_BOOL:
    case OID_DATE:
    case OID_UUID:
    case OID_JSON:
    case OID_JSONB:
    case OID_TIME:
    case OID_TIMETZ:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
    case OID_BYTEA: return ARRAY_OPTIONAL_ITEMS;
    default: break;
    }
    for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++) {
        if (element->kind == 'b' && strcmp(element->name, extensions[i]) == 0)
            return ARRAY_OPTIONAL_ITEMS;
    }
    return ARRAY_REQUIRED_ITEMS;
}

static bool map_type(const struct column_context *context, const struct resolved *resolved, struct mapping *mapping);

static bool map_array(const struct column_context *context, const struct resolved *resolved, struct mapping *mapping)
{
    struct resolved element = *resolved;
    enum array_kind kind = array_kind(resolved->type->element);
    struct mapping item;

    if (kind == ARRAY_LEFT_OUT)
        return false;
    if (kind == ARRAY_BITS) { /* a list does not fit into the schema that Debezium gives it */
        *mapping = map_bits(context, resolved->length);
        mapping->encoder->encode = encode_nothing;
        mapping->fallback = NULL;
        return true;
    }
    element.type = resolved->type->element;
    if (element.type->base != NULL) { /* arrays of a domain have no mapping */
        if (!map_unknown(context, element.type, &item))
            return false;
    } else if (!map_type(context, &element, &item)) {
        return false;
    }
    item.schema->optional = item.schema->optional || kind == ARRAY_OPTIONAL_ITEMS;
    item.encoder->jdbc = true;
    *mapping = map(context, CONNECT_ARRAY, NULL, encode_array, "[]");
    mapping->schema->items = item.schema;
    mapping->encoder->element = item.encoder;
    mapping->encoder->element_optional = item.schema->optional;
    mapping->encoder->nested = item.from_text ? NESTED_TEXT : NESTED_NULL;
    return true;
}

static bool map_type(const struct column_context *context, const struct resolved *resolved, struct mapping *mapping)
{
    if (resolved->type->element != NULL)
        return map_array(context, resolved, mapping);
    return map_scalar(context, resolved, mapping);
}

/* ---- What was not sent because it did not change ---- */

static void append_placeholder_numbers(struct buffer *json, struct slice placeholder)
{
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < placeholder.size; i++)
        buffer_append_format(json, "%s%d", i == 0 ? "" : ",", (int)(int8_t)placeholder.data[i]);
    buffer_append_u8(json, ']');
}

/* UUID.nameUUIDFromBytes: an MD5 with version 3. */
static void append_placeholder_uuid(struct buffer *json, struct slice placeholder)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};

    (void)EVP_Digest(placeholder.data, placeholder.size, digest, NULL, EVP_md5(), NULL);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x30);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    buffer_append_string(json, "[\"");
    for (size_t i = 0; i < 16; i++)
        buffer_append_format(json, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", digest[i]);
    buffer_append_string(json, "\"]");
}

static void append_placeholder_hstore(const struct column_context *context, struct buffer *json, struct slice placeholder)
{
    struct buffer map_json;

    buffer_init(&map_json, 1 << 20);
    buffer_append_u8(&map_json, '{');
    json_append_string(&map_json, placeholder);
    buffer_append_u8(&map_json, ':');
    json_append_string(&map_json, placeholder);
    buffer_append_u8(&map_json, '}');
    if (context->config->hstore_mode == HSTORE_JSON)
        json_append_string(json, buffer_slice(&map_json));
    else
        buffer_append_slice(json, buffer_slice(&map_json));
    buffer_finish(&map_json);
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static void append_base64_placeholder(struct buffer *json, struct slice placeholder)
{
    buffer_append_u8(json, '"');
    base64_append(json, placeholder, BASE64_STANDARD);
    buffer_append_u8(json, '"');
}

/* Appends the placeholder; false: it does not fit into the column's schema, so the conversion fails. */
static bool append_placeholder(const struct column_context *context, const struct resolved *resolved, const struct mapping *mapping,
                               struct buffer *json)
{
    static const char *const texts[] = {"_text", "_varchar", "_bpchar", "_json", "_jsonb", NULL};
    static const char *const numbers[] = {"_int4", "_int8", NULL};
    struct slice placeholder = context->config->placeholder;
    enum time_mode time_mode = context->config->time_mode;
    const char *name = resolved->type_name;
    bool binary = mapping->encoder->encode == encode_bytea_base64 || mapping->encoder->encode == encode_text_base64;

    if (is_one_of(name, texts)) {
        buffer_append_u8(json, '[');
        json_append_string(json, placeholder);
        buffer_append_u8(json, ']');
        return true;
    }
    if (is_one_of(name, numbers) || (strcmp(name, "_date") == 0 && time_mode != TIME_CONNECT && time_mode != TIME_ISOSTRING)) {
        append_placeholder_numbers(json, placeholder);
        return true;
    }
    if (strcmp(name, "_bytea") == 0 && context->config->binary_mode == BINARY_BYTES) {
        buffer_append_u8(json, '[');
        append_base64_placeholder(json, placeholder);
        buffer_append_u8(json, ']');
        return true;
    }
    if (strcmp(name, "_uuid") == 0) {
        append_placeholder_uuid(json, placeholder);
        return true;
    }
    if (strcmp(name, "hstore") == 0) {
        append_placeholder_hstore(context, json, placeholder);
        return true;
    }
    if (binary && context->config->binary_mode == BINARY_BYTES) {
        append_base64_placeholder(json, placeholder);
        return true;
    }
    if (binary) { /* base64 modes: Debezium gives null */
        buffer_append_string(json, "null");
        return resolved->optional;
    }
    if (mapping->schema->type != CONNECT_STRING)
        return false;
    json_append_string(json, placeholder);
    return true;
}

/* ---- Columns ---- */

static struct slice copy_json(const struct column_context *context, const struct buffer *json)
{
    return arena_copy(context->arena, buffer_slice(json));
}

/* Puts the default into the schema when the expression stands for a value of the column's type. */
static void set_default(const struct column_context *context, const struct pg_column *source, struct mapping *mapping)
{
    struct slice text;
    struct buffer json;

    if (source->default_sql == NULL || source->generated || mapping->schema->type == CONNECT_STRUCT ||
        !default_text(context->arena, source->type, source->default_sql, &text))
        return;
    buffer_init(&json, 1 << 26);
    if (mapping->encoder->encode(mapping->encoder, text, &json) && !json.failed)
        mapping->schema->default_json = copy_json(context, &json);
    buffer_finish(&json);
}

static bool is_java_string_type(const struct pg_type *type)
{
    return type->kind == 'e' || type->oid == OID_CHAR || type->oid == OID_BPCHAR || type->oid == OID_VARCHAR || type->oid == OID_TEXT ||
           type->oid == OID_NAME;
}

static void add_source_type(const struct column_context *context, const struct pg_column *source, const struct resolved *resolved,
                            const char *type_name, struct connect_schema *schema)
{
    struct arena *arena = context->arena;
    char *upper = arena_copy_string(arena, slice_from_string(type_name));

    for (char *at = upper; *at != 0; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
    schema_add_parameter(arena, schema, "__debezium.source.column.type", upper);
    if (resolved->length != -1)
        schema_add_parameter(arena, schema, "__debezium.source.column.length", decimal_text(arena, resolved->length));
    schema_add_parameter(arena, schema, "__debezium.source.column.scale", decimal_text(arena, resolved->scale));
    schema_add_parameter(arena, schema, "__debezium.source.column.name", arena_copy_string(arena, slice_from_string(source->name)));
}

static void wrap_rule(const struct column_context *context, const struct debezium_column_rule *rule, int32_t length_max,
                      struct mapping *mapping)
{
    struct value_encoder *outer = arena_new(context->arena, sizeof(*outer));
    char *mask = NULL;

    if (rule->kind == COLUMN_MASK) {
        mask = arena_new(context->arena, (size_t)rule->length + 1);
        memset(mask, '*', (size_t)rule->length);
    }
    *outer = (struct value_encoder){.encode = encode_rule,
                                    .scratch = context->scratch,
                                    .inner = mapping->encoder,
                                    .rule = rule,
                                    .length_max = length_max,
                                    .mask = mask,
                                    .rule_bytes = mapping->schema->type == CONNECT_BYTES};
    mapping->encoder = outer;
}

/* Truncation, masks, hashes, and the source's type in the schema. */
static void apply_rule(const struct column_context *context, const struct pg_column *source, const struct resolved *resolved,
                       struct mapping *mapping)
{
    const char *type_name = resolved->type_name;
    const struct debezium_column_rule *rule;
    bool serial = source->default_sql != NULL && strstr(source->default_sql, "nextval(") != NULL;

    if (context->reader == READER_SNAPSHOT && serial && resolved->type->kind == 'b')
        type_name = strcmp(type_name, "int4") == 0   ? "serial"
                    : strcmp(type_name, "int8") == 0 ? "bigserial"
                    : strcmp(type_name, "int2") == 0 ? "smallserial"
                                                     : type_name;
    rule = debezium_config_column_rule(context->config, context->relation->schema, context->relation->name, source->name, type_name);
    if (rule == NULL)
        return;
    switch (rule->kind) {
    case COLUMN_PROPAGATE:
    case COLUMN_PROPAGATE_DATATYPE: add_source_type(context, source, resolved, type_name, mapping->schema); break;
    case COLUMN_TRUNCATE:
        if (resolved->length >= 0 && resolved->length <= rule->length)
            break;
        schema_add_parameter(context->arena, mapping->schema, "truncateLength", decimal_text(context->arena, rule->length));
        if (mapping->schema->type == CONNECT_STRING ||
            (mapping->schema->type == CONNECT_BYTES && mapping->schema->name == NULL)) /* a Java String or ByteBuffer */
            wrap_rule(context, rule, rule->length, mapping);
        break;
    default:
        schema_add_parameter(context->arena, mapping->schema, "masked", "true");
        if (is_java_string_type(resolved->type))
            wrap_rule(context, rule, resolved->length > 0 ? resolved->length : INT32_MAX, mapping);
    }
}

/* A stand-in on its way through the column's rule, if it has one. data NULL stays. */
static struct slice ruled(const struct column_context *context, const struct mapping *mapping, struct slice json)
{
    struct slice result = json;
    struct buffer out;

    if (mapping->encoder->encode != encode_rule || json.data == NULL)
        return json;
    buffer_init(&out, 1 << 20);
    if (value_apply_rule(mapping->encoder, json, &out))
        result = copy_json(context, &out);
    buffer_finish(&out);
    return result;
}

/* What a Connect value that is null looks like: the default, null, or an error. */
static struct slice null_of_schema(const struct column_context *context, const struct connect_schema *schema)
{
    if (schema->default_json.data != NULL && context->converter->replace_null_with_default)
        return schema->default_json;
    if (schema->optional || (schema->default_json.data != NULL && context->converter->keep_nulls))
        return slice_from_string("null");
    return slice_null();
}

static void set_stand_ins(const struct column_context *context, const struct resolved *resolved, const struct mapping *mapping,
                          struct debezium_column *column)
{
    const struct connect_schema *schema = mapping->schema;
    bool masked = mapping->encoder->encode == encode_rule && mapping->encoder->rule->kind == COLUMN_MASK;
    struct buffer json;

    column->failed_json = null_of_schema(context, schema);
    if (column->failed_json.data == NULL && schema->name != NULL && strcmp(schema->name, "org.apache.kafka.connect.data.Decimal") == 0)
        column->failed_json = slice_from_string(mapping->fallback);
    if (resolved->optional && !masked)
        column->null_json = null_of_schema(context, schema);
    else if (resolved->optional)
        column->null_json = ruled(context, mapping, slice_from_string("null"));
    else if (mapping->fallback == NULL && schema->type != CONNECT_STRUCT)
        column->null_json = column->failed_json; /* the conversion fails */
    else if (schema->default_json.data != NULL)
        column->null_json = ruled(context, mapping, schema->default_json);
    else
        column->null_json = ruled(context, mapping, mapping->fallback == NULL ? slice_null() : slice_from_string(mapping->fallback));
    buffer_init(&json, 1 << 26);
    if (append_placeholder(context, resolved, mapping, &json)) {
        column->unchanged_json = slice_equal_string(buffer_slice(&json), "null") ? null_of_schema(context, schema)
                                                                                 : ruled(context, mapping, copy_json(context, &json));
    } else {
        column->unchanged_json = column->failed_json;
        column->unchanged_fails = true;
    }
    buffer_finish(&json);
}

bool column_create(const struct column_context *context, size_t index, struct debezium_column *column)
{
    const struct pg_column *source = &context->relation->columns[index];
    struct resolved resolved = resolve(source);
    struct mapping mapping;

    memset(column, 0, sizeof(*column));
    if (!map_type(context, &resolved, &mapping))
        return false;
    mapping.encoder->jdbc = context->reader == READER_SNAPSHOT && resolved.type->oid == OID_DATE;
    if (resolved.optional)
        mapping.schema->optional = true;
    set_default(context, source, &mapping);
    if (!context->is_key)
        apply_rule(context, source, &resolved, &mapping);
    column->name = arena_copy_string(context->arena, slice_from_string(source->name));
    column->field = name_adjust_field(context->arena, context->config->field_names, column->name);
    column->index = index;
    column->schema = mapping.schema;
    column->encoder = mapping.encoder;
    column->always_null = mapping.always_null;
    set_stand_ins(context, &resolved, &mapping, column);
    return true;
}
