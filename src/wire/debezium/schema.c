#include "wire/debezium/schema.h"

#include "wire/json/text.h"

#include "base/banned.h"

struct connect_schema *schema_create(struct arena *arena, enum connect_type type)
{
    static _Atomic uint64_t last_id;
    struct connect_schema *schema = arena_new(arena, sizeof(*schema));

    schema->id = ++last_id;
    schema->type = type;
    return schema;
}

struct connect_schema *schema_create_named(struct arena *arena, enum connect_type type, const char *name)
{
    struct connect_schema *schema = schema_create(arena, type);

    schema->name = name;
    schema->version = 1;
    return schema;
}

void schema_add_parameter(struct arena *arena, struct connect_schema *schema, const char *key, const char *value)
{
    struct connect_parameter *parameter = arena_new(arena, sizeof(*parameter)), **link = &schema->parameters;

    parameter->key = key;
    parameter->value = value;
    while (*link != NULL)
        link = &(*link)->next;
    *link = parameter;
}

void schema_add_field(struct arena *arena, struct connect_schema *schema, const char *name, const struct connect_schema *field)
{
    if (schema->field_count == schema->field_capacity) {
        size_t capacity = schema->field_capacity == 0 ? 8 : 2 * schema->field_capacity;
        struct connect_field *fields = arena_new_array(arena, capacity, sizeof(*fields));

        if (schema->field_count > 0)
            memcpy(fields, schema->fields, schema->field_count * sizeof(*fields));
        schema->fields = fields;
        schema->field_capacity = capacity;
    }
    schema->fields[schema->field_count++] = (struct connect_field){name, field};
}

const struct connect_field *schema_field(const struct connect_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    }
    return NULL;
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_copy_string(arena, slice_from_string(text));
}

struct connect_schema *schema_clone(struct arena *arena, const struct connect_schema *schema)
{
    struct connect_schema *copy = schema_create(arena, schema->type);

    copy->optional = schema->optional;
    copy->name = copy_text(arena, schema->name);
    copy->version = schema->version;
    copy->doc = copy_text(arena, schema->doc);
    for (const struct connect_parameter *p = schema->parameters; p != NULL; p = p->next)
        schema_add_parameter(arena, copy, copy_text(arena, p->key), copy_text(arena, p->value));
    copy->default_json = arena_copy(arena, schema->default_json);
    copy->items = schema->items == NULL ? NULL : schema_clone(arena, schema->items);
    copy->keys = schema->keys == NULL ? NULL : schema_clone(arena, schema->keys);
    for (size_t i = 0; i < schema->field_count; i++)
        schema_add_field(arena, copy, copy_text(arena, schema->fields[i].name), schema_clone(arena, schema->fields[i].schema));
    return copy;
}

bool schema_is_envelope(const struct connect_schema *schema)
{
    static const char ending[] = ".Envelope";
    size_t length = schema == NULL || schema->name == NULL ? 0 : strlen(schema->name);

    return length >= strlen(ending) && strcmp(schema->name + length - strlen(ending), ending) == 0;
}

/* ---- JSON, members in JsonConverter's order ---- */

static const char *type_name(enum connect_type type)
{
    static const char *const names[] = {
        [CONNECT_INT8] = "int8",     [CONNECT_INT16] = "int16",    [CONNECT_INT32] = "int32",     [CONNECT_INT64] = "int64",
        [CONNECT_FLOAT32] = "float", [CONNECT_FLOAT64] = "double", [CONNECT_BOOLEAN] = "boolean", [CONNECT_STRING] = "string",
        [CONNECT_BYTES] = "bytes",   [CONNECT_ARRAY] = "array",    [CONNECT_MAP] = "map",         [CONNECT_STRUCT] = "struct"};

    return names[type];
}

static void append_member(struct buffer *out, const char *name, const char *value)
{
    buffer_append_format(out, ",\"%s\":", name);
    json_append_string(out, slice_from_string(value));
}

static void append_parts(struct buffer *out, const struct connect_schema *schema)
{
    switch (schema->type) {
    case CONNECT_ARRAY:
        buffer_append_string(out, ",\"items\":");
        schema_append_json(out, schema->items, NULL);
        break;
    case CONNECT_MAP:
        buffer_append_string(out, ",\"keys\":");
        schema_append_json(out, schema->keys, NULL);
        buffer_append_string(out, ",\"values\":");
        schema_append_json(out, schema->items, NULL);
        break;
    case CONNECT_STRUCT:
        buffer_append_string(out, ",\"fields\":[");
        for (size_t i = 0; i < schema->field_count; i++) {
            if (i > 0)
                buffer_append_u8(out, ',');
            schema_append_json(out, schema->fields[i].schema, schema->fields[i].name);
        }
        buffer_append_u8(out, ']');
        break;
    default: break;
    }
}

void schema_append_json(struct buffer *out, const struct connect_schema *schema, const char *field)
{
    buffer_append_format(out, "{\"type\":\"%s\"", type_name(schema->type));
    append_parts(out, schema);
    buffer_append_string(out, schema->optional ? ",\"optional\":true" : ",\"optional\":false");
    if (schema->name != NULL)
        append_member(out, "name", schema->name);
    if (schema->version != 0)
        buffer_append_format(out, ",\"version\":%d", schema->version);
    if (schema->doc != NULL)
        append_member(out, "doc", schema->doc);
    for (const struct connect_parameter *p = schema->parameters; p != NULL; p = p->next) {
        buffer_append_string(out, p == schema->parameters ? ",\"parameters\":{" : ",");
        json_append_string(out, slice_from_string(p->key));
        buffer_append_u8(out, ':');
        json_append_string(out, slice_from_string(p->value));
        if (p->next == NULL)
            buffer_append_u8(out, '}');
    }
    if (schema->default_json.data != NULL) {
        buffer_append_string(out, ",\"default\":");
        buffer_append_slice(out, schema->default_json);
    }
    if (field != NULL)
        append_member(out, "field", field);
    buffer_append_u8(out, '}');
}
