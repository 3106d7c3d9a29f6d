#include "wire/debezium/transform.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/regexes.h"
#include "base/text.h"
#include "wire/debezium/encoder.h"
#include "wire/json/scan.h"
#include "wire/json/text.h"

#define CHAIN_BLOCK_BYTES 4096

/* ---- Predicates ---- */

enum predicate_kind { PREDICATE_TOPIC, PREDICATE_HEADER, PREDICATE_TOMBSTONE };

struct predicate {
    enum predicate_kind kind;
    const char *name;       /* of the predicate */
    const char *header;     /* HasHeaderKey */
    struct regexes *topics; /* TopicNameMatches */
};

struct transform_chain {
    struct arena arena;
    struct transform *transforms;
    size_t count;
    struct predicate *predicates;
    size_t predicate_count;
};

static bool predicate_holds(const struct predicate *predicate, const struct connect_record *record)
{
    switch (predicate->kind) {
    case PREDICATE_TOPIC: return regexes_match(predicate->topics, slice_from_string(record->topic));
    case PREDICATE_TOMBSTONE: return record->value.is_null;
    default:
        for (size_t i = 0; i < record->header_count; i++) {
            if (slice_equal_string(record->headers[i].name, predicate->header))
                return true;
        }
        return false;
    }
}

/* ---- Options ---- */

/* A property without blanks around it, in the arena. */
static const char *get(struct arena *arena, const struct properties *properties, const char *kind, const char *name, const char *option)
{
    const char *value = properties_get(properties, arena_format(arena, "%s.%s.%s", kind, name, option));

    return value == NULL ? NULL : arena_copy_string(arena, text_trim(slice_from_string(value)));
}

const char *transform_option(const struct transform *self, const char *name)
{
    return get(self->arena, self->properties, "transforms", self->name, name);
}

const char *transform_option_or(const struct transform *self, const char *name, const char *otherwise)
{
    const char *value = transform_option(self, name);

    return value == NULL ? otherwise : value;
}

bool transform_option_bool(const struct transform *self, const char *name, bool otherwise)
{
    const char *text = transform_option(self, name);
    bool value = otherwise;

    return text != NULL && text_parse_bool(slice_from_string(text), &value) ? value : otherwise;
}

enum status transform_option_missing(const char *name, struct error *error)
{
    return error_set(error, ERROR_BAD_INPUT, "Missing required configuration \"%s\" which has no default value.", name);
}

static const char **split(struct arena *arena, const char *text)
{
    struct slice rest = slice_from_string(text), field;
    size_t count = 1, used = 0;
    const char **items;

    for (const char *at = text; *at != 0; at++)
        count += *at == ',';
    items = arena_new_array(arena, count + 1, sizeof(*items));
    while (text_next_field(&rest, ',', &field)) {
        if (text_trim(field).size > 0)
            items[used++] = arena_copy_string(arena, text_trim(field));
    }
    return items;
}

const char **transform_option_list(const struct transform *self, const char *name)
{
    return split(self->arena, transform_option_or(self, name, ""));
}

/* ---- Making a chain ---- */

/* Drops every record, or, with a predicate, those it holds for: org.apache.kafka.connect.transforms.Filter. */
static enum status filter_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    (void)self;
    (void)run;
    (void)error;
    record->dropped = true;
    return OK;
}

static enum status filter_create(struct transform *self, struct error *error)
{
    (void)self;
    (void)error;
    return OK;
}

static const struct transform_class transform_filter = {"org.apache.kafka.connect.transforms.Filter", false, filter_create, filter_apply,
                                                        NULL};

static const struct transform_class *const classes[] = {&transform_insert_field, &transform_replace_field,
                                                        &transform_mask_field,   &transform_cast,
                                                        &transform_value_to_key, &transform_extract_field,
                                                        &transform_hoist_field,  &transform_insert_header,
                                                        &transform_drop_headers, &transform_set_schema_metadata,
                                                        &transform_regex_router, &transform_logical_table_router,
                                                        &transform_unwrap,       &transform_outbox,
                                                        &transform_filter};

/* "…InsertField$Value": the row and the side. */
static const struct transform_class *find_class(const char *name, bool *is_key)
{
    const char *dollar = strrchr(name, '$');

    *is_key = dollar != NULL && strcmp(dollar, "$Key") == 0;
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        size_t length = strlen(classes[i]->name);

        if (strncmp(name, classes[i]->name, length) != 0)
            continue;
        if (!classes[i]->has_sides && name[length] == 0)
            return classes[i];
        if (classes[i]->has_sides && name + length == dollar && (*is_key || strcmp(dollar, "$Value") == 0))
            return classes[i];
    }
    return NULL;
}

static enum status predicate_create(struct transform_chain *chain, const struct properties *properties, const char *name,
                                    struct error *error)
{
    struct predicate *predicate = &chain->predicates[chain->predicate_count];
    const char *type = get(&chain->arena, properties, "predicates", name, "type");
    const char *pattern = get(&chain->arena, properties, "predicates", name, "pattern");

    predicate->name = name;
    predicate->header = get(&chain->arena, properties, "predicates", name, "name");
    if (type != NULL && strcmp(type, "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone") == 0) {
        predicate->kind = PREDICATE_TOMBSTONE;
    } else if (type != NULL && strcmp(type, "org.apache.kafka.connect.transforms.predicates.HasHeaderKey") == 0) {
        predicate->kind = PREDICATE_HEADER;
        if (predicate->header == NULL)
            return error_set(error, ERROR_BAD_INPUT, "Missing required configuration \"name\" which has no default value.");
    } else if (type != NULL && strcmp(type, "org.apache.kafka.connect.transforms.predicates.TopicNameMatches") == 0) {
        predicate->kind = PREDICATE_TOPIC;
        if (pattern == NULL)
            return error_set(error, ERROR_BAD_INPUT, "Missing required configuration \"pattern\" which has no default value.");
        if (regexes_create_one(slice_from_string(pattern), REGEXES_EXACT_CASE, &predicate->topics, error) != OK)
            return ERROR_BAD_INPUT;
    } else {
        return error_set(error, ERROR_BAD_INPUT, "there is no predicate class %s", type == NULL ? "(type is missing)" : type);
    }
    chain->predicate_count++;
    return OK;
}

static enum status find_predicate(struct transform_chain *chain, struct transform *self, struct error *error)
{
    const char *name = transform_option(self, "predicate");

    self->negate = transform_option_bool(self, "negate", false);
    if (name == NULL)
        return OK;
    for (size_t i = 0; i < chain->predicate_count; i++) {
        if (strcmp(chain->predicates[i].name, name) == 0)
            self->predicate = &chain->predicates[i];
    }
    if (self->predicate == NULL)
        return error_set(error, ERROR_BAD_INPUT, "there is no predicate '%s'; predicates= names them", name);
    return OK;
}

static enum status transform_create(struct transform_chain *chain, const struct properties *properties, const char *name,
                                    struct error *error)
{
    struct transform *self = &chain->transforms[chain->count];
    const char *type;
    enum status status;

    *self = (struct transform){.name = name, .properties = properties, .arena = &chain->arena};
    type = transform_option(self, "type");
    self->class = find_class(type == NULL ? "" : type, &self->is_key);
    if (self->class == NULL)
        return error_set(error, ERROR_BAD_INPUT, "there is no transformation class %s", type == NULL ? "(type is missing)" : type);
    map_init(&self->schemas);
    chain->count++;
    self->replace_null_with_default = transform_option_bool(self, "replace.null.with.default", true);
    status = find_predicate(chain, self, error);
    return status == OK ? self->class->create(self, error) : status;
}

static enum status read_chain(struct transform_chain *chain, const struct properties *properties, struct error *error)
{
    const char *transforms = properties_get(properties, "transforms"), *predicates = properties_get(properties, "predicates");
    const char **names = split(&chain->arena, transforms), **predicate_names = split(&chain->arena, predicates == NULL ? "" : predicates);
    size_t count = 0, predicate_count = 0;
    enum status status = OK;

    while (names[count] != NULL)
        count++;
    while (predicate_names[predicate_count] != NULL)
        predicate_count++;
    chain->transforms = arena_new_array(&chain->arena, count + 1, sizeof(*chain->transforms));
    chain->predicates = arena_new_array(&chain->arena, predicate_count + 1, sizeof(*chain->predicates));
    for (size_t i = 0; i < predicate_count && status == OK; i++) {
        status = predicate_create(chain, properties, predicate_names[i], error);
        if (status != OK)
            error_context(error, "predicates.%s", predicate_names[i]);
    }
    for (size_t i = 0; i < count && status == OK; i++) {
        status = transform_create(chain, properties, names[i], error);
        if (status != OK)
            error_context(error, "transforms.%s", names[i]);
    }
    return status;
}

enum status transform_chain_create(const struct properties *properties, struct transform_chain **created, struct error *error)
{
    const char *transforms = properties_get(properties, "transforms");
    struct transform_chain *chain;
    enum status status;

    *created = NULL;
    if (transforms == NULL || text_trim(slice_from_string(transforms)).size == 0)
        return OK;
    chain = memory_new(sizeof(*chain));
    arena_init(&chain->arena, CHAIN_BLOCK_BYTES);
    status = read_chain(chain, properties, error);
    for (size_t i = 0; i < chain->count; i++)
        chain->transforms[i].properties = NULL;
    if (status == OK)
        *created = chain;
    else
        transform_chain_destroy(chain);
    return status;
}

void transform_chain_destroy(struct transform_chain *chain)
{
    if (chain == NULL)
        return;
    for (size_t i = 0; i < chain->count; i++) {
        struct transform *self = &chain->transforms[i];

        if (self->class->destroy != NULL && self->state != NULL)
            self->class->destroy(self);
        map_finish(&self->schemas);
    }
    for (size_t i = 0; i < chain->predicate_count; i++)
        regexes_destroy(chain->predicates[i].topics);
    arena_finish(&chain->arena);
    memory_free(chain);
}

enum status transform_chain_apply(struct transform_chain *chain, struct transform_run *run, struct connect_record *record,
                                  struct error *error)
{
    for (size_t i = 0; i < chain->count && !record->dropped; i++) {
        struct transform *self = &chain->transforms[i];
        enum status status;

        if (self->predicate != NULL && predicate_holds(self->predicate, record) == self->negate)
            continue;
        status = self->class->apply(self, run, record, error);
        if (status != OK) {
            error_context(error, "transformation %s, record of topic %s", self->name, record->topic);
            return status;
        }
    }
    return OK;
}

/* ---- Schemas ---- */

const struct connect_schema *transform_known_schema(const struct transform *self, const struct connect_schema *from)
{
    return from->id == 0 ? NULL : map_get(&self->schemas, slice_of(&from->id, sizeof(from->id)));
}

void transform_remember_schema(struct transform *self, const struct connect_schema *from, const struct connect_schema *made)
{
    union {
        const struct connect_schema *kept;
        void *value;
    } schema = {made};

    if (from->id != 0)
        map_put(&self->schemas, slice_of(&from->id, sizeof(from->id)), schema.value);
}

struct connect_schema *transform_copy_basics(struct transform *self, const struct connect_schema *schema)
{
    struct connect_schema *copy = schema_create(self->arena, CONNECT_STRUCT);

    copy->name = schema->name == NULL ? NULL : arena_copy_string(self->arena, slice_from_string(schema->name));
    copy->version = schema->version;
    copy->doc = schema->doc == NULL ? NULL : arena_copy_string(self->arena, slice_from_string(schema->doc));
    for (const struct connect_parameter *p = schema->parameters; p != NULL; p = p->next)
        schema_add_parameter(self->arena, copy, arena_copy_string(self->arena, slice_from_string(p->key)),
                             arena_copy_string(self->arena, slice_from_string(p->value)));
    return copy;
}

/* ---- Values ---- */

struct connect_value value_null(const struct connect_schema *schema)
{
    return (struct connect_value){.schema = schema, .is_null = true, .json = slice_from_string("null")};
}

struct connect_value value_string(struct transform_run *run, const struct connect_schema *schema, struct slice text)
{
    struct connect_value value = {.schema = schema};
    struct buffer json;

    buffer_init(&json, RECORD_BYTES_MAX);
    json_append_string(&json, text);
    value.json = arena_copy(run->arena, buffer_slice(&json));
    buffer_finish(&json);
    return value;
}

bool connect_value_text(struct transform_run *run, const struct connect_value *value, struct slice *text)
{
    struct buffer plain;
    bool good;

    if (value->schema == NULL || value->schema->type != CONNECT_STRING || value->is_null || value->json.size < 2)
        return false;
    buffer_init(&plain, RECORD_BYTES_MAX);
    good = json_unescape(&plain, slice_of(value->json.data + 1, value->json.size - 2));
    *text = good && plain.size > 0 ? arena_copy(run->arena, buffer_slice(&plain)) : slice_from_string("");
    buffer_finish(&plain);
    return good;
}

enum status value_open(struct transform_run *run, const struct transform *self, struct connect_value *value, struct error *error)
{
    const struct connect_schema *schema = value->schema;
    struct json_scan in;
    bool first = true;

    if (value->fields != NULL)
        return OK;
    if (schema == NULL || schema->type != CONNECT_STRUCT || value->is_null)
        return error_set(error, ERROR_BAD_INPUT, "Only Struct objects supported for [%s], found: %s", self->name,
                         value->is_null ? "null" : "a value");
    value->fields = arena_new_array(run->arena, schema->field_count + 1, sizeof(*value->fields));
    in = json_scan_of(value->json);
    json_open(&in, '{');
    for (size_t i = 0; i < schema->field_count && json_next(&in, '}', &first); i++) {
        struct connect_value *field = &value->fields[i];

        (void)json_name(&in);
        field->schema = schema->fields[i].schema;
        field->is_null = json_peek(&in) == JSON_NULL;
        field->json = json_skip(&in);
    }
    if (in.failed != NULL)
        return error_set(error, ERROR_BUG, "a struct does not read back");
    return OK;
}

struct connect_value value_field(const struct transform *self, const struct connect_value *value, size_t index)
{
    struct connect_value field = value->fields[index];

    if (field.is_null && self->replace_null_with_default && field.schema->default_json.data != NULL) {
        field.is_null = false;
        field.json = field.schema->default_json;
    }
    return field;
}

size_t value_field_index(const struct connect_value *value, const char *name)
{
    const struct connect_field *field = value->schema == NULL ? NULL : schema_field(value->schema, name);

    return field == NULL ? SIZE_MAX : (size_t)(field - value->schema->fields);
}

enum status record_add_header(struct transform_run *run, struct connect_record *record, const char *name, const struct connect_value *value,
                              struct error *error)
{
    struct connect_header *header = &record->headers[record->header_count];
    struct buffer *out = &run->scratch->inner;
    struct buffer json;
    bool good;

    if (record->header_count == CONNECT_HEADERS_MAX)
        return error_set(error, ERROR_LIMIT, "a record with more than %d headers", CONNECT_HEADERS_MAX);
    *header = (struct connect_header){.name = arena_copy(run->arena, slice_from_string(name)), .is_null = value->is_null};
    record->header_count++;
    if (value->is_null)
        return OK;
    buffer_init(&json, RECORD_BYTES_MAX);
    good = value_render(value, false, &json, error) == OK;
    buffer_reset(out);
    good = good && header_append_plain(run->scratch, value->schema, buffer_slice(&json), out);
    buffer_finish(&json);
    if (!good)
        return error_set(error, ERROR_BUG, "the value of header %s does not read back", name);
    header->value = out->size == 0 ? slice_from_string("") : arena_copy(run->arena, buffer_slice(out));
    return OK;
}

/* ---- Rendering ---- */

static bool has_default(const struct connect_schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct connect_schema *field = schema->fields[i].schema;

        if (field->default_json.data != NULL || (field->type == CONNECT_STRUCT && has_default(field)))
            return true;
    }
    return false;
}

static enum status render_null(const struct connect_schema *schema, bool replace, struct buffer *out, struct error *error)
{
    if (schema != NULL && replace && schema->default_json.data != NULL)
        buffer_append_slice(out, schema->default_json);
    else if (schema == NULL || schema->optional)
        buffer_append_string(out, "null");
    else
        return error_set(error, ERROR_BAD_INPUT, "Conversion error: null value for field that is required and has no default value");
    return OK;
}

static enum status render_struct_json(const struct connect_schema *schema, struct slice json, bool replace, struct buffer *out,
                                      struct error *error);

/* A value whose JSON is ready but for the nulls that defaults replace. */
static enum status render_json(const struct connect_schema *schema, struct slice json, bool replace, struct buffer *out,
                               struct error *error)
{
    if (json.size == 4 && memcmp(json.data, "null", 4) == 0)
        return render_null(schema, replace, out, error);
    if (replace && schema->type == CONNECT_STRUCT && has_default(schema))
        return render_struct_json(schema, json, replace, out, error);
    buffer_append_slice(out, json);
    return OK;
}

static enum status render_struct_json(const struct connect_schema *schema, struct slice json, bool replace, struct buffer *out,
                                      struct error *error)
{
    struct json_scan in = json_scan_of(json);
    enum status status = OK;
    bool first = true;

    json_open(&in, '{');
    buffer_append_u8(out, '{');
    for (size_t i = 0; i < schema->field_count && status == OK && json_next(&in, '}', &first); i++) {
        struct slice name = json_name(&in), value = json_skip(&in);

        buffer_append_string(out, i == 0 ? "\"" : ",\"");
        buffer_append_slice(out, name);
        buffer_append_string(out, "\":");
        status = render_json(schema->fields[i].schema, value, replace, out, error);
    }
    buffer_append_u8(out, '}');
    return in.failed != NULL ? error_set(error, ERROR_BUG, "a struct does not read back") : status;
}

enum status value_render(const struct connect_value *value, bool replace, struct buffer *out, struct error *error)
{
    enum status status = OK;

    if (value->is_null)
        return render_null(value->schema, replace, out, error);
    if (value->fields == NULL)
        return render_json(value->schema, value->json, replace, out, error);
    buffer_append_u8(out, '{');
    for (size_t i = 0; i < value->schema->field_count && status == OK; i++) {
        if (i > 0)
            buffer_append_u8(out, ',');
        json_append_string(out, slice_from_string(value->schema->fields[i].name));
        buffer_append_u8(out, ':');
        status = value_render(&value->fields[i], replace, out, error);
    }
    buffer_append_u8(out, '}');
    return status;
}
