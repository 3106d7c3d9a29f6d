#include "wire/debezium/column.h"

#include "base/banned.h"
#include "wire/debezium/name.h"
#include "wire/debezium/oid.h"
#include "wire/debezium/type_map.h"
#include "wire/json/text.h"

#include <openssl/evp.h>

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
static bool append_placeholder(const struct column_context *context, const struct column_type *resolved, const struct type_mapping *mapping,
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
static void set_default(const struct column_context *context, const struct pg_column *source, struct type_mapping *mapping)
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

static void add_source_type(const struct column_context *context, const struct pg_column *source, const struct column_type *resolved,
                            const char *type_name, struct connect_schema *schema)
{
    struct arena *arena = context->arena;
    char *upper = arena_copy_string(arena, slice_from_string(type_name));

    for (char *at = upper; *at != 0; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
    schema_add_parameter(arena, schema, "__debezium.source.column.type", upper);
    if (resolved->length != -1)
        schema_add_parameter(arena, schema, "__debezium.source.column.length", arena_format(arena, "%d", resolved->length));
    schema_add_parameter(arena, schema, "__debezium.source.column.scale", arena_format(arena, "%d", resolved->scale));
    schema_add_parameter(arena, schema, "__debezium.source.column.name", arena_copy_string(arena, slice_from_string(source->name)));
}

static void wrap_rule(const struct column_context *context, const struct debezium_column_rule *rule, int32_t length_max,
                      struct type_mapping *mapping)
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
static void apply_rule(const struct column_context *context, const struct pg_column *source, const struct column_type *resolved,
                       struct type_mapping *mapping)
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
        schema_add_parameter(context->arena, mapping->schema, "truncateLength", arena_format(context->arena, "%d", rule->length));
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
static struct slice ruled(const struct column_context *context, const struct type_mapping *mapping, struct slice json)
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

static void set_stand_ins(const struct column_context *context, const struct column_type *resolved, const struct type_mapping *mapping,
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
    struct column_type resolved = column_type_resolve(source);
    struct type_mapping mapping;

    memset(column, 0, sizeof(*column));
    if (!type_map(context, &resolved, &mapping))
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
