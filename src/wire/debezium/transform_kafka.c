#include "wire/debezium/transform.h"

#include "base/banned.h"
#include "base/text.h"
#include "wire/json/number.h"
#include "wire/json/text.h"
#include "wire/postgres/value.h"

#include <math.h>

#define KAFKA "org.apache.kafka.connect.transforms."

static bool list_has(const char *const *list, const char *name)
{
    while (*list != NULL && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

/* All fields as they are, defaults in the place of nulls where the option says so. Room for `more`. */
static struct connect_value *copy_fields(const struct transform *self, struct transform_run *run, const struct connect_value *value,
                                         size_t more)
{
    struct connect_value *fields = arena_new_array(run->arena, value->schema->field_count + more + 1, sizeof(*fields));

    for (size_t i = 0; i < value->schema->field_count; i++)
        fields[i] = value_field(self, value, i);
    return fields;
}

static void copy_schema_fields(struct transform *self, struct connect_schema *made, const struct connect_schema *from)
{
    for (size_t i = 0; i < from->field_count; i++)
        schema_add_field(self->arena, made, arena_copy_string(self->arena, slice_from_string(from->fields[i].name)),
                         schema_clone(self->arena, from->fields[i].schema));
}

/* ---- InsertField ---- */

struct insertion {
    const char *name; /* NULL: not asked for */
    const struct connect_schema *schema;
};

struct insert_field {
    struct insertion topic, partition, timestamp, fixed;
    const char *value;
};

/* "name!" is required, "name?" and "name" are not. */
static struct insertion read_insertion(struct transform *self, const char *option, enum connect_type type, const char *logical)
{
    const char *name = transform_option(self, option);
    struct connect_schema *schema;
    struct insertion insertion = {0};
    size_t length;

    if (name == NULL)
        return insertion;
    length = strlen(name);
    schema = logical == NULL ? schema_create(self->arena, type) : schema_create_named(self->arena, type, logical);
    schema->optional = length == 0 || name[length - 1] != '!';
    if (length > 0 && (name[length - 1] == '!' || name[length - 1] == '?'))
        length--;
    insertion.name = arena_copy_string(self->arena, slice_of(name, length));
    insertion.schema = schema;
    return insertion;
}

static enum status insert_create(struct transform *self, struct error *error)
{
    struct insert_field *state = arena_new(self->arena, sizeof(*state));

    self->state = state;
    state->topic = read_insertion(self, "topic.field", CONNECT_STRING, NULL);
    state->partition = read_insertion(self, "partition.field", CONNECT_INT32, NULL);
    state->timestamp = read_insertion(self, "timestamp.field", CONNECT_INT64, "org.apache.kafka.connect.data.Timestamp");
    state->fixed = read_insertion(self, "static.field", CONNECT_STRING, NULL);
    state->value = transform_option(self, "static.value");
    if (transform_option(self, "offset.field") != NULL)
        return error_set(error, ERROR_BAD_INPUT, "offset.field: a record from a source has no offset yet");
    if (state->topic.name == NULL && state->partition.name == NULL && state->timestamp.name == NULL && state->fixed.name == NULL)
        return error_set(error, ERROR_BAD_INPUT, "No field insertion configured");
    if (state->fixed.name != NULL && state->value == NULL)
        return error_set(error, ERROR_BAD_INPUT, "No value specified for static field: %s", state->fixed.name);
    return OK;
}

static struct connect_value number_value(struct transform_run *run, const struct connect_schema *schema, int64_t number)
{
    return (struct connect_value){.schema = schema, .json = slice_from_string(arena_format(run->arena, "%lld", (long long)number))};
}

static enum status insert_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct insert_field *state = self->state;
    const struct insertion *insertions[] = {&state->topic, &state->partition, &state->timestamp, &state->fixed};
    struct connect_value *value = transform_side(self, record), *fields;
    const struct connect_schema *schema;
    size_t count;
    enum status status;

    if (value->is_null)
        return OK;
    status = value_open(run, self, value, error);
    if (status != OK)
        return status;
    schema = transform_known_schema(self, value->schema);
    if (schema == NULL) {
        struct connect_schema *made = transform_copy_basics(self, value->schema);

        copy_schema_fields(self, made, value->schema);
        for (size_t i = 0; i < 4; i++) {
            if (insertions[i]->name != NULL)
                schema_add_field(self->arena, made, insertions[i]->name, insertions[i]->schema);
        }
        transform_remember_schema(self, value->schema, made);
        schema = made;
    }
    count = value->schema->field_count;
    fields = copy_fields(self, run, value, 4);
    if (state->topic.name != NULL)
        fields[count++] = value_string(run, state->topic.schema, slice_from_string(record->topic));
    if (state->partition.name != NULL)
        fields[count++] =
            record->partition < 0 ? value_null(state->partition.schema) : number_value(run, state->partition.schema, record->partition);
    if (state->timestamp.name != NULL)
        fields[count++] = record->timestamp_ms < 0 ? value_null(state->timestamp.schema)
                                                   : number_value(run, state->timestamp.schema, record->timestamp_ms);
    if (state->fixed.name != NULL)
        fields[count++] = value_string(run, state->fixed.schema, slice_from_string(state->value));
    *value = (struct connect_value){.schema = schema, .fields = fields};
    return OK;
}

const struct transform_class transform_insert_field = {KAFKA "InsertField", true, insert_create, insert_apply, NULL};

/* ---- ReplaceField ---- */

struct replace_field {
    const char **exclude, **include;
    const char **renames; /* "old:new" */
};

static enum status replace_create(struct transform *self, struct error *error)
{
    struct replace_field *state = arena_new(self->arena, sizeof(*state));

    self->state = state;
    state->exclude = transform_option_list(self, "exclude");
    state->include = transform_option_list(self, "include");
    state->renames = transform_option_list(self, "renames");
    for (size_t i = 0; state->renames[i] != NULL; i++) {
        const char *colon = strchr(state->renames[i], ':');

        if (colon == NULL || colon[1] == 0 || strchr(colon + 1, ':') != NULL)
            return error_set(error, ERROR_BAD_INPUT, "Invalid rename mapping: %s", state->renames[i]);
    }
    return OK;
}

static bool is_kept(const struct replace_field *state, const char *name)
{
    return !list_has(state->exclude, name) && (state->include[0] == NULL || list_has(state->include, name));
}

static const char *new_name(const struct replace_field *state, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; state->renames[i] != NULL; i++) {
        if (strncmp(state->renames[i], name, length) == 0 && state->renames[i][length] == ':')
            return state->renames[i] + length + 1;
    }
    return name;
}

static enum status replace_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct replace_field *state = self->state;
    struct connect_value *value = transform_side(self, record), *fields;
    const struct connect_schema *from = value->schema, *schema;
    size_t count = 0;
    enum status status;

    if (value->is_null)
        return OK;
    status = value_open(run, self, value, error);
    if (status != OK)
        return status;
    schema = transform_known_schema(self, from);
    if (schema == NULL) {
        struct connect_schema *made = transform_copy_basics(self, from);

        for (size_t i = 0; i < from->field_count; i++) {
            if (is_kept(state, from->fields[i].name))
                schema_add_field(self->arena, made,
                                 arena_copy_string(self->arena, slice_from_string(new_name(state, from->fields[i].name))),
                                 schema_clone(self->arena, from->fields[i].schema));
        }
        transform_remember_schema(self, from, made);
        schema = made;
    }
    fields = arena_new_array(run->arena, from->field_count + 1, sizeof(*fields));
    for (size_t i = 0; i < from->field_count; i++) {
        if (is_kept(state, from->fields[i].name))
            fields[count++] = value_field(self, value, i);
    }
    *value = (struct connect_value){.schema = schema, .fields = fields};
    return OK;
}

const struct transform_class transform_replace_field = {KAFKA "ReplaceField", true, replace_create, replace_apply, NULL};

/* ---- MaskField ---- */

struct mask_field {
    const char **fields;
    const char *replacement;
};

static enum status mask_create(struct transform *self, struct error *error)
{
    struct mask_field *state = arena_new(self->arena, sizeof(*state));

    self->state = state;
    state->fields = transform_option_list(self, "fields");
    state->replacement = transform_option(self, "replacement");
    return state->fields[0] == NULL ? transform_option_missing("fields", error) : OK;
}

/* The value of a type's emptiness; NULL for structs and bytes, which Java does not mask either. */
static const char *empty_json(const struct connect_schema *schema)
{
    bool decimal = schema->name != NULL && strcmp(schema->name, "org.apache.kafka.connect.data.Decimal") == 0;

    switch (schema->type) {
    case CONNECT_INT8:
    case CONNECT_INT16:
    case CONNECT_INT32:
    case CONNECT_INT64: return "0";
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: return "0.0";
    case CONNECT_BOOLEAN: return "false";
    case CONNECT_STRING: return "\"\"";
    case CONNECT_ARRAY: return "[]";
    case CONNECT_MAP: return "{}";
    case CONNECT_BYTES: return decimal ? "\"AA==\"" : NULL;
    default: return NULL;
    }
}

static bool is_whole(enum connect_type type)
{
    return type == CONNECT_INT8 || type == CONNECT_INT16 || type == CONNECT_INT32 || type == CONNECT_INT64;
}

static enum status mask_value(struct transform_run *run, const struct mask_field *state, struct connect_value *field, struct error *error)
{
    const struct connect_schema *schema = field->schema;
    const char *json = state->replacement;
    int64_t whole;
    double number;

    if (state->replacement == NULL) {
        json = empty_json(schema);
        if (json == NULL)
            return error_set(error, ERROR_BAD_INPUT, "Cannot mask value of this type");
    } else if (schema->type == CONNECT_STRING) {
        *field = value_string(run, schema, slice_from_string(state->replacement));
        return OK;
    } else if (is_whole(schema->type) ? !text_parse_int64(slice_from_string(json), &whole)
                                      : (schema->type != CONNECT_FLOAT32 && schema->type != CONNECT_FLOAT64) ||
                                            !text_parse_double(slice_from_string(json), &number)) {
        return error_set(error, ERROR_BAD_INPUT, "Unable to convert %s to number, or a value that cannot be masked with it",
                         state->replacement);
    }
    *field = (struct connect_value){.schema = schema, .json = slice_from_string(json)};
    return OK;
}

static enum status mask_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct mask_field *state = self->state;
    struct connect_value *value = transform_side(self, record), *fields;
    enum status status;

    if (value->is_null)
        return OK;
    status = value_open(run, self, value, error);
    if (status != OK)
        return status;
    fields = copy_fields(self, run, value, 0);
    for (size_t i = 0; i < value->schema->field_count && status == OK; i++) {
        if (!fields[i].is_null && list_has(state->fields, value->schema->fields[i].name))
            status = mask_value(run, state, &fields[i], error);
    }
    value->fields = fields;
    return status;
}

const struct transform_class transform_mask_field = {KAFKA "MaskField", true, mask_create, mask_apply, NULL};

/* ---- Cast ---- */

struct cast_field {
    const char *name; /* NULL: the whole value */
    enum connect_type type;
};

struct cast {
    struct cast_field *fields;
    size_t count;
};

static bool type_of_name(const char *name, enum connect_type *type)
{
    static const struct {
        const char *name;
        enum connect_type type;
    } types[] = {{"int8", CONNECT_INT8},       {"int16", CONNECT_INT16},     {"int32", CONNECT_INT32},     {"int64", CONNECT_INT64},
                 {"float32", CONNECT_FLOAT32}, {"float64", CONNECT_FLOAT64}, {"boolean", CONNECT_BOOLEAN}, {"string", CONNECT_STRING}};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strcasecmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

static enum status cast_create(struct transform *self, struct error *error)
{
    struct cast *state = arena_new(self->arena, sizeof(*state));
    const char **specs = transform_option_list(self, "spec");

    self->state = state;
    if (specs[0] == NULL)
        return transform_option_missing("spec", error);
    while (specs[state->count] != NULL)
        state->count++;
    state->fields = arena_new_array(self->arena, state->count, sizeof(*state->fields));
    for (size_t i = 0; i < state->count; i++) {
        const char *colon = strchr(specs[i], ':');

        if (colon != NULL)
            state->fields[i].name = arena_copy_string(self->arena, text_trim(slice_of(specs[i], (size_t)(colon - specs[i]))));
        if (!type_of_name(arena_copy_string(self->arena, text_trim(slice_from_string(colon == NULL ? specs[i] : colon + 1))),
                          &state->fields[i].type))
            return error_set(error, ERROR_BAD_INPUT, "Invalid type found in casting spec: %s", colon == NULL ? specs[i] : colon + 1);
        if (colon == NULL && state->count > 1)
            return error_set(
                error, ERROR_BAD_INPUT,
                "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec");
    }
    return OK;
}

/* A number or boolean as a double and, when it has no fraction, as a whole number. */
struct cast_number {
    bool is_whole;
    int64_t whole;
    double number;
};

static bool number_of(struct transform_run *run, const struct connect_value *value, struct cast_number *number)
{
    struct slice text = value->json;

    if (value->schema->type == CONNECT_BOOLEAN) {
        number->whole = slice_equal_string(text, "true");
        number->is_whole = true;
        number->number = (double)number->whole;
        return true;
    }
    if (value->schema->type == CONNECT_STRING ? !connect_value_text(run, value, &text) : value->schema->type > CONNECT_FLOAT64)
        return false;
    if (text.size > 1 && text.data[0] == '"') /* "NaN" */
        text = slice_of(text.data + 1, text.size - 2);
    number->is_whole = text_parse_int64(text, &number->whole);
    if (number->is_whole) {
        number->number = (double)number->whole;
        return true;
    }
    if (slice_equal_string(text, "NaN") || slice_equal_string(text, "Infinity") || slice_equal_string(text, "-Infinity")) {
        number->number = text.data[0] == 'N' ? NAN : text.data[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return text_parse_double(text, &number->number);
}

/* Java's narrowing of a double or long. */
static int64_t to_whole(const struct cast_number *number, enum connect_type type)
{
    int64_t limit_max = type == CONNECT_INT64 ? INT64_MAX : INT32_MAX, limit_min = type == CONNECT_INT64 ? INT64_MIN : INT32_MIN, whole;

    if (number->is_whole)
        whole = number->whole;
    else if (isnan(number->number))
        whole = 0;
    else if (number->number >= (double)limit_max)
        whole = limit_max;
    else if (number->number <= (double)limit_min)
        whole = limit_min;
    else
        whole = (int64_t)number->number;
    return type == CONNECT_INT8 ? (int8_t)whole : type == CONNECT_INT16 ? (int16_t)whole : type == CONNECT_INT32 ? (int32_t)whole : whole;
}

static enum status cast_text(struct transform_run *run, struct connect_value *value, const struct connect_schema *schema,
                             struct error *error)
{
    struct slice text = value->json;

    if (value->schema->type == CONNECT_STRING) {
        value->schema = schema;
        return OK;
    }
    if (value->schema->type > CONNECT_BYTES)
        return error_set(error, ERROR_BAD_INPUT, "Cast transformation does not support casting from this type");
    if (text.size > 1 && text.data[0] == '"')
        text = slice_of(text.data + 1, text.size - 2);
    *value = value_string(run, schema, text);
    return OK;
}

static enum status cast_value(struct transform_run *run, struct connect_value *value, const struct connect_schema *schema,
                              struct error *error)
{
    struct cast_number number = {0};
    struct buffer json;

    if (value->is_null) {
        value->schema = schema;
        return OK;
    }
    if (schema->type == CONNECT_STRING)
        return cast_text(run, value, schema, error);
    if (schema->type == CONNECT_BOOLEAN && value->schema->type == CONNECT_STRING) {
        bool truth = value->json.size == 6 && strncasecmp((const char *)value->json.data + 1, "true", 4) == 0;

        *value = (struct connect_value){.schema = schema, .json = slice_from_string(truth ? "true" : "false")};
        return OK;
    }
    if (!number_of(run, value, &number))
        return error_set(error, ERROR_BAD_INPUT, "Value was out of range for requested data type");
    if (value->schema->type == CONNECT_STRING && is_whole(schema->type) &&
        (!number.is_whole || to_whole(&number, schema->type) != number.whole))
        return error_set(error, ERROR_BAD_INPUT, "Value was out of range for requested data type");
    buffer_init(&json, 64);
    if (schema->type == CONNECT_BOOLEAN)
        buffer_append_string(&json, to_whole(&number, CONNECT_INT64) != 0 ? "true" : "false");
    else if (schema->type == CONNECT_FLOAT64)
        number_append_double(&json, number.number);
    else if (schema->type == CONNECT_FLOAT32)
        number_append_float(&json, (float)number.number);
    else
        number_append_int64(&json, to_whole(&number, schema->type));
    *value = (struct connect_value){.schema = schema, .json = arena_copy(run->arena, buffer_slice(&json))};
    buffer_finish(&json);
    return OK;
}

static const struct cast_field *find_cast(const struct cast *state, const char *name)
{
    for (size_t i = 0; i < state->count; i++) {
        if (state->fields[i].name != NULL && strcmp(state->fields[i].name, name) == 0)
            return &state->fields[i];
    }
    return NULL;
}

/* A schema of the new type: optional and default stay, the logical type goes. */
static const struct connect_schema *cast_schema(struct transform *self, struct transform_run *run, const struct connect_schema *schema,
                                                enum connect_type type)
{
    struct connect_schema *made = schema_create(self->arena, type);
    struct connect_value value = {.schema = schema, .json = schema->default_json};

    made->optional = schema->optional;
    if (schema->default_json.data != NULL && cast_value(run, &value, made, NULL) == OK)
        made->default_json = arena_copy(self->arena, value.json);
    return made;
}

static const struct connect_schema *cast_struct_schema(struct transform *self, struct transform_run *run, const struct connect_schema *from)
{
    const struct connect_schema *known = transform_known_schema(self, from);
    struct connect_schema *made;

    if (known != NULL)
        return known;
    made = transform_copy_basics(self, from);
    made->optional = from->optional;
    for (size_t i = 0; i < from->field_count; i++) {
        const struct cast_field *cast = find_cast(self->state, from->fields[i].name);

        schema_add_field(self->arena, made, arena_copy_string(self->arena, slice_from_string(from->fields[i].name)),
                         cast == NULL ? schema_clone(self->arena, from->fields[i].schema)
                                      : cast_schema(self, run, from->fields[i].schema, cast->type));
    }
    transform_remember_schema(self, from, made);
    return made;
}

static enum status cast_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct cast *state = self->state;
    struct connect_value *value = transform_side(self, record), *fields;
    const struct connect_schema *schema;
    enum status status;

    if (value->is_null)
        return OK;
    if (state->fields[0].name == NULL) {
        schema = transform_known_schema(self, value->schema);
        if (schema == NULL) {
            schema = cast_schema(self, run, value->schema, state->fields[0].type);
            transform_remember_schema(self, value->schema, schema);
        }
        return cast_value(run, value, schema, error);
    }
    status = value_open(run, self, value, error);
    if (status != OK)
        return status;
    schema = cast_struct_schema(self, run, value->schema);
    fields = copy_fields(self, run, value, 0);
    for (size_t i = 0; i < schema->field_count && status == OK; i++) {
        if (find_cast(state, schema->fields[i].name) != NULL)
            status = cast_value(run, &fields[i], schema->fields[i].schema, error);
    }
    *value = (struct connect_value){.schema = schema, .fields = fields};
    return status;
}

const struct transform_class transform_cast = {KAFKA "Cast", true, cast_create, cast_apply, NULL};

/* ---- ValueToKey, ExtractField, HoistField ---- */

static enum status fields_create(struct transform *self, struct error *error)
{
    const char **fields = transform_option_list(self, "fields");

    self->state = fields;
    return fields[0] == NULL ? transform_option_missing("fields", error) : OK;
}

static enum status to_key_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const char **names = self->state;
    const struct connect_schema *schema = NULL, *from = record->value.schema;
    struct connect_schema *made = NULL;
    struct connect_value *fields;
    size_t count = 0;
    enum status status = value_open(run, self, &record->value, error);

    if (status != OK)
        return status;
    while (names[count] != NULL)
        count++;
    fields = arena_new_array(run->arena, count + 1, sizeof(*fields));
    schema = transform_known_schema(self, from);
    if (schema == NULL)
        made = schema_create(self->arena, CONNECT_STRUCT);
    for (size_t i = 0; i < count; i++) {
        size_t index = value_field_index(&record->value, names[i]);

        if (index == SIZE_MAX)
            return error_set(error, ERROR_BAD_INPUT, "Field does not exist: %s", names[i]);
        fields[i] = value_field(self, &record->value, index);
        if (made != NULL)
            schema_add_field(self->arena, made, names[i], schema_clone(self->arena, from->fields[index].schema));
    }
    if (made != NULL) {
        transform_remember_schema(self, from, made);
        schema = made;
    }
    record->key = (struct connect_value){.schema = schema, .fields = fields};
    return OK;
}

const struct transform_class transform_value_to_key = {KAFKA "ValueToKey", false, fields_create, to_key_apply, NULL};

static enum status field_create(struct transform *self, struct error *error)
{
    const char *field = transform_option(self, "field");
    union {
        const char *text;
        void *state;
    } kept = {field};

    self->state = kept.state;
    return field == NULL ? transform_option_missing("field", error) : OK;
}

static enum status extract_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    struct connect_value *value = transform_side(self, record);
    const struct connect_field *field;
    enum status status;

    if (value->schema == NULL && value->is_null)
        return OK;
    field = value->schema->type == CONNECT_STRUCT ? schema_field(value->schema, self->state) : NULL;
    if (field == NULL)
        return error_set(error, ERROR_BAD_INPUT, "Unknown field: %s", (const char *)self->state);
    if (value->is_null) {
        *value = value_null(field->schema);
        return OK;
    }
    status = value_open(run, self, value, error);
    if (status == OK)
        *value = value_field(self, value, (size_t)(field - value->schema->fields));
    return status;
}

const struct transform_class transform_extract_field = {KAFKA "ExtractField", true, field_create, extract_apply, NULL};

static enum status hoist_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    struct connect_value *value = transform_side(self, record), *fields;
    const struct connect_schema *schema;

    if (value->schema == NULL)
        return error_set(error, ERROR_BAD_INPUT, "a record without schema cannot be hoisted here; let a predicate keep tombstones away");
    schema = transform_known_schema(self, value->schema);
    if (schema == NULL) {
        struct connect_schema *made = schema_create(self->arena, CONNECT_STRUCT);

        schema_add_field(self->arena, made, self->state, schema_clone(self->arena, value->schema));
        transform_remember_schema(self, value->schema, made);
        schema = made;
    }
    fields = arena_new(run->arena, sizeof(*fields));
    *fields = *value;
    *value = (struct connect_value){.schema = schema, .fields = fields};
    return OK;
}

const struct transform_class transform_hoist_field = {KAFKA "HoistField", true, field_create, hoist_apply, NULL};

/* ---- Headers and schema names ---- */

struct insert_header {
    const char *name;
    struct slice value;
};

static enum status insert_header_create(struct transform *self, struct error *error)
{
    struct insert_header *state = arena_new(self->arena, sizeof(*state));
    const char *value = transform_option(self, "value.literal");

    self->state = state;
    state->name = transform_option(self, "header");
    if (state->name == NULL || value == NULL)
        return transform_option_missing(state->name == NULL ? "header" : "value.literal", error);
    state->value = slice_from_string(value);
    return OK;
}

static enum status insert_header_apply(struct transform *self, struct transform_run *run, struct connect_record *record,
                                       struct error *error)
{
    const struct insert_header *state = self->state;

    (void)run;
    if (record->header_count == CONNECT_HEADERS_MAX)
        return error_set(error, ERROR_LIMIT, "a record with more than %d headers", CONNECT_HEADERS_MAX);
    record->headers[record->header_count++] = (struct connect_header){.name = slice_from_string(state->name), .value = state->value};
    return OK;
}

const struct transform_class transform_insert_header = {KAFKA "InsertHeader", false, insert_header_create, insert_header_apply, NULL};

static enum status drop_headers_create(struct transform *self, struct error *error)
{
    const char **names = transform_option_list(self, "headers");

    self->state = names;
    return names[0] == NULL ? transform_option_missing("headers", error) : OK;
}

static enum status drop_headers_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const char **names = self->state;
    size_t kept = 0;

    (void)run;
    (void)error;
    for (size_t i = 0; i < record->header_count; i++) {
        bool drop = false;

        for (size_t j = 0; names[j] != NULL && !drop; j++)
            drop = slice_equal_string(record->headers[i].name, names[j]);
        if (!drop)
            record->headers[kept++] = record->headers[i];
    }
    record->header_count = kept;
    return OK;
}

const struct transform_class transform_drop_headers = {KAFKA "DropHeaders", false, drop_headers_create, drop_headers_apply, NULL};

struct schema_metadata {
    const char *name;
    int32_t version; /* 0: as it is */
};

static enum status metadata_create(struct transform *self, struct error *error)
{
    struct schema_metadata *state = arena_new(self->arena, sizeof(*state));
    const char *version = transform_option(self, "schema.version");

    self->state = state;
    state->name = transform_option(self, "schema.name");
    if (state->name == NULL && version == NULL)
        return error_set(error, ERROR_BAD_INPUT, "Neither schema name nor version configured");
    if (version != NULL && !text_parse_int32(slice_from_string(version), &state->version))
        return error_set(error, ERROR_BAD_INPUT, "Invalid value %s for configuration schema.version: Not a number of type INT", version);
    return OK;
}

static enum status metadata_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct schema_metadata *state = self->state;
    struct connect_value *value = transform_side(self, record);
    const struct connect_schema *schema;

    (void)run;
    (void)error;
    if (value->schema == NULL)
        return OK;
    schema = transform_known_schema(self, value->schema);
    if (schema == NULL) {
        struct connect_schema *made = schema_clone(self->arena, value->schema);

        made->name = state->name != NULL ? state->name : made->name;
        made->version = state->version != 0 ? state->version : made->version;
        transform_remember_schema(self, value->schema, made);
        schema = made;
    }
    value->schema = schema;
    return OK;
}

const struct transform_class transform_set_schema_metadata = {KAFKA "SetSchemaMetadata", true, metadata_create, metadata_apply, NULL};
