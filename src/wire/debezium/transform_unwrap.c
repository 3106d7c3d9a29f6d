#include "wire/debezium/transform.h"

#include "base/banned.h"

/* io.debezium.transforms.ExtractNewRecordState */

enum delete_mode { DELETE_DROP, DELETE_TOMBSTONE, DELETE_REWRITE, DELETE_REWRITE_WITH_TOMBSTONE, DELETE_TO_TOMBSTONE };

/* "source.ts_ms:alias": where a field comes from and what it is called then. */
struct field_reference {
    const char *parent; /* NULL: the envelope itself */
    const char *field;
    const char *name;
};

struct unwrap {
    enum delete_mode deletes;
    struct field_reference *fields, *headers;
    size_t field_count, header_count;
    const char *route_field;              /* NULL: the topic stays */
    const struct connect_schema *deleted; /* of __deleted */
};

/* Where Debezium looks for a field that is named without its struct. */
static const char *default_parent(const char *field)
{
    static const char *const in_transaction[] = {"id", "data_collection_order", "total_order"}, *const in_envelope[] = {"op", "ts_ms",
                                                                                                                        "ts_us", "ts_ns"};

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(field, in_transaction[i]) == 0)
            return "transaction";
    }
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(field, in_envelope[i]) == 0)
            return NULL;
    }
    return "source";
}

static struct field_reference read_reference(struct transform *self, const char *text, const char *prefix)
{
    const char *colon = strchr(text, ':'), *end = colon == NULL ? text + strlen(text) : colon,
               *dot = memchr(text, '.', (size_t)(end - text));
    struct field_reference reference;
    struct arena *arena = self->arena;

    reference.field =
        arena_copy_string(arena, dot == NULL ? slice_of(text, (size_t)(end - text)) : slice_of(dot + 1, (size_t)(end - dot - 1)));
    reference.parent = dot == NULL ? default_parent(reference.field) : arena_copy_string(arena, slice_of(text, (size_t)(dot - text)));
    if (colon != NULL)
        reference.name = arena_format(arena, "%s%s", prefix, colon + 1);
    else if (dot != NULL)
        reference.name = arena_format(arena, "%s%s_%s", prefix, reference.parent, reference.field);
    else
        reference.name = arena_format(arena, "%s%s", prefix, reference.field);
    return reference;
}

static struct field_reference *read_references(struct transform *self, const char *option, const char *prefix_option, size_t *count)
{
    const char **texts = transform_option_list(self, option), *prefix = transform_option_or(self, prefix_option, "__");
    struct field_reference *references;

    for (*count = 0; texts[*count] != NULL;)
        ++*count;
    references = arena_new_array(self->arena, *count + 1, sizeof(*references));
    for (size_t i = 0; i < *count; i++)
        references[i] = read_reference(self, texts[i], prefix);
    return references;
}

static enum status unwrap_create(struct transform *self, struct error *error)
{
    static const char *const modes[] = {"drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"};
    struct unwrap *state = arena_new(self->arena, sizeof(*state));
    const char *mode = transform_option_or(self, "delete.tombstone.handling.mode", "tombstone");
    const char *route = transform_option_or(self, "route.by.field", "");
    struct connect_schema *deleted = schema_create(self->arena, CONNECT_STRING);
    size_t i = 0;

    self->state = state;
    while (i < 5 && strcasecmp(modes[i], mode) != 0)
        i++;
    if (i == 5)
        return error_set(error, ERROR_BAD_INPUT,
                         "The 'delete.tombstone.handling.mode' value is invalid: Value must be one of drop, tombstone, rewrite, "
                         "rewrite-with-tombstone, delete-to-tombstone");
    if (*transform_option_or(self, "drop.fields.header.name", "") != 0)
        return error_set(error, ERROR_BAD_INPUT, "drop.fields.header.name is not available here");
    state->deletes = (enum delete_mode)i;
    state->fields = read_references(self, "add.fields", "add.fields.prefix", &state->field_count);
    state->headers = read_references(self, "add.headers", "add.headers.prefix", &state->header_count);
    state->route_field = *route == 0 ? NULL : route;
    deleted->optional = true;
    state->deleted = deleted;
    return OK;
}

/* ---- References ---- */

/* The field's schema in the envelope: in its struct, else in the envelope itself. NULL when there is none. */
static const struct connect_schema *reference_schema(const struct field_reference *reference, const struct connect_schema *envelope)
{
    const struct connect_field *parent = reference->parent == NULL ? NULL : schema_field(envelope, reference->parent), *field = NULL;

    if (reference->parent != NULL && parent == NULL)
        return NULL;
    if (parent == NULL || parent->schema->type == CONNECT_STRUCT)
        field = schema_field(parent == NULL ? envelope : parent->schema, reference->field);
    if (field == NULL)
        field = schema_field(envelope, reference->field);
    return field == NULL ? NULL : field->schema;
}

/* Its value, null when the struct is. */
static enum status reference_value(struct transform *self, struct transform_run *run, const struct field_reference *reference,
                                   struct connect_value *envelope, struct connect_value *value, struct error *error)
{
    struct connect_value *parent = envelope;
    enum status status = OK;
    size_t index;

    *value = value_null(NULL);
    if (reference->parent != NULL) {
        index = value_field_index(envelope, reference->parent);
        if (index == SIZE_MAX || envelope->fields[index].is_null)
            return OK;
        parent = &envelope->fields[index];
        status = value_open(run, self, parent, error);
    }
    if (status != OK)
        return status;
    index = value_field_index(parent, reference->field);
    if (index == SIZE_MAX) {
        parent = envelope;
        index = value_field_index(parent, reference->field);
    }
    if (index != SIZE_MAX)
        *value = parent->fields[index];
    return OK;
}

/* ---- Headers ---- */

static enum status add_headers(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct unwrap *state = self->state;
    enum status status = OK;

    for (size_t i = 0; i < state->header_count && status == OK; i++) {
        const struct field_reference *reference = &state->headers[i];
        struct connect_value value;

        if (record->value.is_null) { /* a tombstone tells its operation only */
            if (strcmp(reference->field, "op") != 0)
                continue;
            value = value_string(run, state->deleted, slice_from_string("d"));
        } else {
            if (reference_schema(reference, record->value.schema) == NULL)
                continue;
            status = reference_value(self, run, reference, &record->value, &value, error);
        }
        if (status == OK)
            status = record_add_header(run, record, reference->name, &value, error);
    }
    return status;
}

/* ---- Rows ---- */

static const struct connect_schema *row_schema(struct transform *self, const struct connect_schema *envelope,
                                               const struct connect_schema *row, bool with_deleted)
{
    const struct unwrap *state = self->state;
    const struct connect_schema *known = transform_known_schema(self, envelope);
    struct connect_schema *made;

    if (known != NULL)
        return known;
    made = transform_copy_basics(self, row);
    for (size_t i = 0; i < row->field_count; i++)
        schema_add_field(self->arena, made, arena_copy_string(self->arena, slice_from_string(row->fields[i].name)),
                         schema_clone(self->arena, row->fields[i].schema));
    if (with_deleted)
        schema_add_field(self->arena, made, "__deleted", state->deleted);
    for (size_t i = 0; i < state->field_count; i++) {
        const struct connect_schema *schema = reference_schema(&state->fields[i], envelope);
        struct connect_schema *copy;

        if (schema == NULL)
            continue;
        copy = schema_clone(self->arena, schema);
        copy->optional = true;
        copy->default_json = slice_null();
        schema_add_field(self->arena, made, state->fields[i].name, copy);
    }
    transform_remember_schema(self, envelope, made);
    return made;
}

/* The row with what is added to it takes the place of the envelope. */
static enum status take_row(struct transform *self, struct transform_run *run, struct connect_record *record, struct connect_value *row,
                            bool is_delete, struct error *error)
{
    const struct unwrap *state = self->state;
    bool with_deleted = state->deletes == DELETE_REWRITE || state->deletes == DELETE_REWRITE_WITH_TOMBSTONE;
    const struct connect_schema *schema = row_schema(self, record->value.schema, row->schema, with_deleted);
    struct connect_value *fields;
    size_t count = 0;
    enum status status = value_open(run, self, row, error);

    if (status != OK)
        return status;
    fields = arena_new_array(run->arena, schema->field_count + 1, sizeof(*fields));
    for (; count < row->schema->field_count; count++) /* defaults step in only where a field is inserted */
        fields[count] = with_deleted ? value_field(self, row, count) : row->fields[count];
    if (with_deleted)
        fields[count++] = value_string(run, state->deleted, slice_from_string(is_delete ? "true" : "false"));
    for (size_t i = 0; i < state->field_count && status == OK; i++) {
        if (reference_schema(&state->fields[i], record->value.schema) != NULL)
            status = reference_value(self, run, &state->fields[i], &record->value, &fields[count++], error);
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        if (fields[i].schema == NULL || i >= row->schema->field_count)
            fields[i].schema = schema->fields[i].schema;
    }
    record->value = (struct connect_value){.schema = schema, .fields = fields};
    return status;
}

static enum status route(struct transform *self, struct transform_run *run, struct connect_record *record, struct connect_value *row,
                         struct error *error)
{
    const struct unwrap *state = self->state;
    struct slice topic;
    size_t index;
    enum status status;

    if (state->route_field == NULL)
        return OK;
    status = value_open(run, self, row, error);
    if (status != OK)
        return status;
    index = value_field_index(row, state->route_field);
    if (index == SIZE_MAX)
        return error_set(error, ERROR_BAD_INPUT, "%s is not a valid field name", state->route_field);
    if (connect_value_text(run, &row->fields[index], &topic) && topic.size > 0)
        record->topic = arena_copy_string(run->arena, topic);
    return OK;
}

static enum status unwrap_delete(struct transform *self, struct transform_run *run, struct connect_record *record,
                                 struct connect_value *before, struct error *error)
{
    const struct unwrap *state = self->state;
    enum status status = OK;

    switch (state->deletes) {
    case DELETE_DROP: record->dropped = true; return OK;
    case DELETE_TOMBSTONE: /* null, but with the schema of rows */
        status = route(self, run, record, before, error);
        record->value = value_null(before->schema);
        return status;
    case DELETE_TO_TOMBSTONE:
        status = route(self, run, record, before, error);
        record->value = value_null(NULL);
        return status;
    default:
        status = route(self, run, record, before, error);
        return status == OK ? take_row(self, run, record, before, true, error) : status;
    }
}

static enum status unwrap_apply(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error)
{
    const struct unwrap *state = self->state;
    bool is_tombstone = record->value.is_null, is_envelope = schema_is_envelope(record->value.schema);
    struct connect_value *before, *after;
    enum status status = OK;

    if (!is_tombstone && !is_envelope)
        return OK;
    if (!is_tombstone)
        status = value_open(run, self, &record->value, error);
    if (status == OK)
        status = add_headers(self, run, record, error);
    if (status != OK)
        return status;
    if (is_tombstone) {
        record->dropped = state->deletes != DELETE_REWRITE_WITH_TOMBSTONE;
        return OK;
    }
    if (value_field_index(&record->value, "before") == SIZE_MAX || value_field_index(&record->value, "after") == SIZE_MAX)
        return error_set(error, ERROR_BAD_INPUT, "an envelope without before and after");
    before = &record->value.fields[value_field_index(&record->value, "before")];
    after = &record->value.fields[value_field_index(&record->value, "after")];
    if (after->is_null && before->is_null) { /* a truncate */
        record->dropped = true;
        return OK;
    }
    if (after->is_null)
        return unwrap_delete(self, run, record, before, error);
    status = route(self, run, record, after, error);
    return status == OK ? take_row(self, run, record, after, false, error) : status;
}

const struct transform_class transform_unwrap = {"io.debezium.transforms.ExtractNewRecordState", false, unwrap_create, unwrap_apply, NULL};
