#include "wire/debezium/type_map.h"

#include "base/banned.h"
#include "wire/debezium/oid.h"

#define LENGTH_UNKNOWN INT32_MAX
#define LENGTH_VARIABLE_DECIMAL 131089 /* what pgjdbc says of a numeric without precision */

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

struct column_type column_type_resolve(const struct pg_column *column)
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
    return (struct column_type){type, column->type->name, length_of(oid, modifier), scale_of(oid, modifier), !column->not_null};
}

/* ---- The type map ---- */

static struct type_mapping map(const struct column_context *context, enum connect_type type, const char *name, value_encode *encode,
                          const char *fallback)
{
    struct type_mapping mapping = {.fallback = fallback};

    mapping.schema = name == NULL ? schema_create(context->arena, type) : schema_create_named(context->arena, type, name);
    mapping.encoder = arena_new(context->arena, sizeof(*mapping.encoder));
    mapping.encoder->encode = encode;
    mapping.encoder->scratch = context->scratch;
    mapping.encoder->alphabet = BASE64_STANDARD;
    mapping.encoder->nested = NESTED_NULL;
    return mapping;
}

/* Whatever PostgreSQL prints, as a string. */
static struct type_mapping map_text(const struct column_context *context, const char *name)
{
    struct type_mapping mapping = map(context, CONNECT_STRING, name, encode_string, "\"\"");

    mapping.from_text = true;
    return mapping;
}

static struct type_mapping map_decimal(const struct column_context *context, int32_t scale, value_encode *encode)
{
    struct type_mapping mapping = map(context, CONNECT_BYTES, "org.apache.kafka.connect.data.Decimal", encode, "\"AA==\"");

    schema_add_parameter(context->arena, mapping.schema, "scale", arena_format(context->arena, "%d", scale));
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

static struct type_mapping map_variable_decimal(const struct column_context *context)
{
    struct type_mapping mapping =
        map(context, CONNECT_STRUCT, "io.debezium.data.VariableScaleDecimal", encode_decimal_variable, "{\"scale\":0,\"value\":\"AA==\"}");

    mapping.schema->doc = "Variable scaled decimal";
    schema_add_field(context->arena, mapping.schema, "scale", schema_create(context->arena, CONNECT_INT32));
    schema_add_field(context->arena, mapping.schema, "value", schema_create(context->arena, CONNECT_BYTES));
    return mapping;
}

static struct type_mapping map_numeric(const struct column_context *context, const struct column_type *resolved)
{
    bool variable = (resolved->length == 0 || resolved->length == LENGTH_VARIABLE_DECIMAL) && resolved->scale == 0;
    struct type_mapping mapping;

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
    schema_add_parameter(context->arena, mapping.schema, "connect.decimal.precision", arena_format(context->arena, "%d", resolved->length));
    mapping.fallback = zero_json(context, mapping.encoder);
    return mapping;
}

static struct type_mapping map_money(const struct column_context *context)
{
    struct type_mapping mapping;

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

static struct type_mapping map_date(const struct column_context *context)
{
    switch (context->config->time_mode) {
    case TIME_CONNECT: return map(context, CONNECT_INT32, "org.apache.kafka.connect.data.Date", encode_date, "0");
    case TIME_ISOSTRING: return map(context, CONNECT_STRING, "io.debezium.time.IsoDate", encode_date_iso, "\"1970-01-01Z\"");
    default: return map(context, CONNECT_INT32, "io.debezium.time.Date", encode_date, "0");
    }
}

static struct type_mapping map_time(const struct column_context *context, int32_t precision)
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

static struct type_mapping map_timestamp(const struct column_context *context, int32_t precision)
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

static struct type_mapping map_zoned_timestamp(const struct column_context *context, int32_t precision)
{
    struct type_mapping mapping =
        map(context, CONNECT_STRING, "io.debezium.time.ZonedTimestamp", encode_zoned_timestamp, "\"1970-01-01T00:00:00Z\"");

    mapping.encoder->scale = precision;
    return mapping;
}

static struct type_mapping map_interval(const struct column_context *context)
{
    if (context->config->interval_mode == INTERVAL_STRING)
        return map(context, CONNECT_STRING, "io.debezium.time.Interval", encode_interval_iso, "\"P0Y0M0DT0H0M0S\"");
    return map(context, CONNECT_INT64, "io.debezium.time.MicroDuration", encode_interval_micros, "0");
}

/* bytea, and with include.unknown.datatypes the text of a type that has no mapping. */
static struct type_mapping map_binary(const struct column_context *context, value_encode *base64, value_encode *hex)
{
    struct type_mapping mapping;

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

static struct type_mapping map_bits(const struct column_context *context, int32_t length)
{
    struct type_mapping mapping;

    if (length <= 1)
        return map(context, CONNECT_BOOLEAN, NULL, encode_bit, "false");
    mapping = map(context, CONNECT_BYTES, "io.debezium.data.Bits", encode_bits, "\"\"");
    schema_add_parameter(context->arena, mapping.schema, "length", arena_format(context->arena, "%d", length));
    return mapping;
}

static struct type_mapping map_point(const struct column_context *context)
{
    struct type_mapping mapping = map(context, CONNECT_STRUCT, "io.debezium.data.geometry.Point", encode_point,
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

static struct type_mapping map_geometry(const struct column_context *context, const char *name, const char *doc)
{
    struct type_mapping mapping = map(context, CONNECT_STRUCT, name, encode_geometry, "{\"wkb\":\"AQcAAAAAAAAA\",\"srid\":null}");
    struct connect_schema *srid = schema_create(context->arena, CONNECT_INT32);

    srid->optional = true;
    mapping.schema->doc = doc;
    mapping.schema->optional = true; /* whatever the column says */
    schema_add_field(context->arena, mapping.schema, "wkb", schema_create(context->arena, CONNECT_BYTES));
    schema_add_field(context->arena, mapping.schema, "srid", srid);
    return mapping;
}

static struct type_mapping map_hstore(const struct column_context *context)
{
    struct connect_schema *value;
    struct type_mapping mapping;

    if (context->config->hstore_mode == HSTORE_JSON)
        return map(context, CONNECT_STRING, "io.debezium.data.Json", encode_hstore_json, "\"{}\"");
    mapping = map(context, CONNECT_MAP, NULL, encode_hstore_map, "{}");
    value = schema_create(context->arena, CONNECT_STRING);
    value->optional = true;
    mapping.schema->keys = schema_create(context->arena, CONNECT_STRING);
    mapping.schema->items = value;
    return mapping;
}

static struct type_mapping map_vector(const struct column_context *context, enum connect_type items, const char *name, value_encode *encode)
{
    struct type_mapping mapping = map(context, CONNECT_ARRAY, name, encode, "[]");

    mapping.schema->items = schema_create(context->arena, items);
    return mapping;
}

static struct type_mapping map_sparse_vector(const struct column_context *context)
{
    struct type_mapping mapping = map(context, CONNECT_STRUCT, "io.debezium.data.SparseDoubleVector", encode_vector_sparse, NULL);
    struct connect_schema *vector = schema_create(context->arena, CONNECT_MAP);

    vector->keys = schema_create(context->arena, CONNECT_INT16);
    vector->items = schema_create(context->arena, CONNECT_FLOAT64);
    mapping.schema->doc = "Sparse double vector";
    schema_add_field(context->arena, mapping.schema, "dimensions", schema_create(context->arena, CONNECT_INT16));
    schema_add_field(context->arena, mapping.schema, "vector", vector);
    return mapping;
}

static struct type_mapping map_enum(const struct column_context *context, const struct pg_type *type)
{
    struct type_mapping mapping = map_text(context, "io.debezium.data.Enum");
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
static struct type_mapping map_name(const struct column_context *context)
{
    struct type_mapping mapping = map_text(context, NULL);

    mapping.always_null = context->reader == READER_STREAM && !context->config->include_unknown_types;
    return mapping;
}

static bool map_unknown(const struct column_context *context, const struct pg_type *type, struct type_mapping *mapping)
{
    bool geometric = type->oid == OID_LINE || type->oid == OID_LSEG || type->oid == OID_BOX || type->oid == OID_PATH ||
                     type->oid == OID_POLYGON || type->oid == OID_CIRCLE;

    if (!context->config->include_unknown_types)
        return false;
    *mapping = map_binary(context, geometric ? encode_shape_base64 : encode_text_base64, geometric ? encode_shape_hex : encode_text_hex);
    return true;
}

static bool map_extension(const struct column_context *context, const struct pg_type *type, struct type_mapping *mapping)
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
static bool map_scalar(const struct column_context *context, const struct column_type *resolved, struct type_mapping *mapping)
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

static bool map_array(const struct column_context *context, const struct column_type *resolved, struct type_mapping *mapping)
{
    struct column_type element = *resolved;
    enum array_kind kind = array_kind(resolved->type->element);
    struct type_mapping item;

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
    } else if (!type_map(context, &element, &item)) {
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

bool type_map(const struct column_context *context, const struct column_type *resolved, struct type_mapping *mapping)
{
    if (resolved->type->element != NULL)
        return map_array(context, resolved, mapping);
    return map_scalar(context, resolved, mapping);
}
