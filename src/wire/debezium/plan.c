#include "wire/debezium/encoder.h"

#include "base/banned.h"
#include "base/memory.h"
#include "wire/debezium/name.h"
#include "wire/json/text.h"

#define PLAN_BLOCK_BYTES 8192

/* ---- Schemas that all envelopes share ---- */

static const struct connect_schema *plain(struct arena *arena, enum connect_type type, bool optional)
{
    struct connect_schema *schema = schema_create(arena, type);

    schema->optional = optional;
    return schema;
}

const struct connect_schema *schema_of_source(struct arena *arena, const struct debezium_config *config)
{
    static const struct {
        const char *name;
        enum connect_type type;
        bool optional;
    } fields[] = {{"version", CONNECT_STRING, false}, {"connector", CONNECT_STRING, false}, {"name", CONNECT_STRING, false},
                  {"ts_ms", CONNECT_INT64, false},    {"snapshot", CONNECT_STRING, true},   {"db", CONNECT_STRING, false},
                  {"sequence", CONNECT_STRING, true}, {"ts_us", CONNECT_INT64, true},       {"ts_ns", CONNECT_INT64, true},
                  {"schema", CONNECT_STRING, false},  {"table", CONNECT_STRING, false},     {"txId", CONNECT_INT64, true},
                  {"lsn", CONNECT_INT64, true},       {"xmin", CONNECT_INT64, true},        {"origin", CONNECT_STRING, true},
                  {"origin_lsn", CONNECT_INT64, true}};
    struct connect_schema *source = schema_create_named(
        arena, CONNECT_STRUCT, name_adjust_schema(arena, config->schema_names, "io.debezium.connector.postgresql.Source"));
    struct connect_schema *snapshot = schema_create_named(arena, CONNECT_STRING, "io.debezium.data.Enum");

    snapshot->optional = true;
    snapshot->default_json = slice_from_string("\"false\"");
    schema_add_parameter(arena, snapshot, "allowed", "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental");
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        bool is_snapshot = strcmp(fields[i].name, "snapshot") == 0;

        schema_add_field(arena, source, fields[i].name, is_snapshot ? snapshot : plain(arena, fields[i].type, fields[i].optional));
    }
    return source;
}

const struct connect_schema *schema_of_transaction_block(struct arena *arena)
{
    struct connect_schema *block = schema_create_named(arena, CONNECT_STRUCT, "event.block");

    block->optional = true;
    schema_add_field(arena, block, "id", plain(arena, CONNECT_STRING, false));
    schema_add_field(arena, block, "total_order", plain(arena, CONNECT_INT64, false));
    schema_add_field(arena, block, "data_collection_order", plain(arena, CONNECT_INT64, false));
    return block;
}

static const struct connect_schema *envelope_schema(struct debezium_plan *plan, const struct debezium_config *config,
                                                    const struct connect_schema *row)
{
    struct arena *arena = &plan->arena;
    struct connect_schema *envelope = schema_create(arena, CONNECT_STRUCT);

    envelope->name = name_adjust_schema(arena, config->schema_names, arena_format(arena, "%s.Envelope", plan->topic));
    envelope->version = 2;
    schema_add_field(arena, envelope, "before", row);
    schema_add_field(arena, envelope, "after", row);
    schema_add_field(arena, envelope, "source", schema_of_source(arena, config));
    schema_add_field(arena, envelope, "transaction", schema_of_transaction_block(arena));
    schema_add_field(arena, envelope, "op", plain(arena, CONNECT_STRING, false));
    schema_add_field(arena, envelope, "ts_ms", plain(arena, CONNECT_INT64, true));
    schema_add_field(arena, envelope, "ts_us", plain(arena, CONNECT_INT64, true));
    schema_add_field(arena, envelope, "ts_ns", plain(arena, CONNECT_INT64, true));
    return envelope;
}

struct slice render_head(struct arena *arena, const struct json_converter *converter, const struct connect_schema *schema)
{
    struct buffer head;
    struct slice copy;

    if (!converter->schemas_enable)
        return slice_from_string("");
    buffer_init(&head, RECORD_BYTES_MAX);
    buffer_append_string(&head, "{\"schema\":");
    schema_append_json(&head, schema, NULL);
    buffer_append_string(&head, ",\"payload\":");
    copy = arena_copy(arena, buffer_slice(&head));
    buffer_finish(&head);
    return copy;
}

struct slice render_tail(const struct json_converter *converter)
{
    return slice_from_string(converter->schemas_enable ? "}" : "");
}

/* ---- Columns of key and row ---- */

/* {"name": before the first, ,"name": before the others. */
static struct slice render_label(struct arena *arena, const char *field, bool first)
{
    struct buffer label;
    struct slice copy;

    buffer_init(&label, RECORD_BYTES_MAX);
    buffer_append_u8(&label, first ? '{' : ',');
    json_append_string(&label, slice_from_string(field));
    buffer_append_u8(&label, ':');
    copy = arena_copy(arena, buffer_slice(&label));
    buffer_finish(&label);
    return copy;
}

static enum status layout_add(struct debezium_plan *plan, struct struct_layout *layout, const struct debezium_column *column,
                              struct connect_schema *schema, struct error *error)
{
    if (schema_field(schema, column->field) != NULL)
        return error_set(error, ERROR_BAD_INPUT, "Cannot create field because of field name duplication %s", column->field);
    schema_add_field(&plan->arena, schema, column->field, column->schema);
    layout->columns[layout->count] = *column;
    layout->labels[layout->count] = render_label(&plan->arena, column->field, layout->count == 0);
    layout->count++;
    return OK;
}

static void layout_init(struct debezium_plan *plan, struct struct_layout *layout, size_t columns)
{
    layout->columns = arena_new_array(&plan->arena, columns + 1, sizeof(*layout->columns));
    layout->labels = arena_new_array(&plan->arena, columns + 1, sizeof(*layout->labels));
}

/* A column that the lists for values leave out: the catalog is not asked about it, and a snapshot does not read it. */
static enum status add_excluded_key_column(const struct column_context *context, size_t index, struct debezium_column *column)
{
    struct pg_relation relation = *context->relation;
    struct column_context changed = *context;
    struct pg_column *columns = arena_new_array(context->arena, relation.column_count, sizeof(*columns));

    memcpy(columns, relation.columns, relation.column_count * sizeof(*columns));
    if (context->reader == READER_STREAM) {
        columns[index].not_null = false;
        columns[index].default_sql = NULL;
    }
    relation.columns = columns;
    changed.relation = &relation;
    if (!column_create(&changed, index, column))
        return ERROR_NOT_FOUND;
    column->always_null = context->reader == READER_SNAPSHOT;
    return OK;
}

static enum status add_key_column(struct debezium_plan *plan, const struct column_context *context, size_t index,
                                  struct connect_schema *schema, struct error *error)
{
    const struct pg_relation *relation = context->relation;
    struct debezium_column column;

    if (!debezium_config_includes_column(context->config, relation->schema, relation->name, relation->columns[index].name)) {
        if (add_excluded_key_column(context, index, &column) != OK)
            return OK;
    } else if (!column_create(context, index, &column)) {
        return OK; /* a type that is left out is left out of the key too */
    }
    return layout_add(plan, &plan->key, &column, schema, error);
}

/* message.key.columns: each expression adds the columns it matches, in the order of the table. True when there was any. */
static enum status add_chosen_key(struct debezium_plan *plan, const struct column_context *context, struct connect_schema *schema,
                                  bool *any, struct error *error)
{
    const struct pg_relation *relation = context->relation;
    enum status status = OK;

    *any = false;
    for (size_t key = 0; key < context->config->key_column_count; key++) {
        for (size_t i = 0; i < relation->column_count && status == OK; i++) {
            if (!debezium_config_key_matches(context->config, key, relation->schema, relation->name, relation->columns[i].name))
                continue;
            *any = true;
            status = add_key_column(plan, context, i, schema, error);
        }
    }
    return status;
}

static enum status add_primary_key(struct debezium_plan *plan, const struct column_context *context, struct connect_schema *schema,
                                   bool *any, struct error *error)
{
    const struct pg_relation *relation = context->relation;
    enum status status = OK;

    for (size_t position = 1; position <= relation->column_count && status == OK; position++) {
        for (size_t i = 0; i < relation->column_count && status == OK; i++) {
            if (relation->columns[i].key_position != (int16_t)position)
                continue;
            *any = true;
            status = add_key_column(plan, context, i, schema, error);
        }
    }
    return status;
}

static enum status plan_key(struct debezium_plan *plan, const struct column_context *shared, struct error *error)
{
    const struct debezium_config *config = shared->config;
    struct column_context context = *shared;
    struct connect_schema *schema = schema_create(&plan->arena, CONNECT_STRUCT);
    enum status status;

    context.converter = &plan->encoder->key_converter;
    context.is_key = true;
    schema->name = name_adjust_schema(&plan->arena, config->schema_names, arena_format(&plan->arena, "%s.Key", plan->topic));
    layout_init(plan, &plan->key, shared->relation->column_count * (config->key_column_count + 1));
    status = add_chosen_key(plan, &context, schema, &plan->has_key, error);
    if (status == OK && !plan->has_key)
        status = add_primary_key(plan, &context, schema, &plan->has_key, error);
    plan->key_schema = schema;
    plan->key_head = render_head(&plan->arena, &config->key_converter, schema);
    plan->key_tail = render_tail(&config->key_converter);
    return status;
}

static enum status plan_row(struct debezium_plan *plan, const struct column_context *shared, struct error *error)
{
    const struct debezium_config *config = shared->config;
    const struct pg_relation *relation = shared->relation;
    struct column_context context = *shared;
    struct connect_schema *schema = schema_create(&plan->arena, CONNECT_STRUCT);
    enum status status = OK;

    context.converter = &plan->encoder->value_converter;
    schema->optional = true;
    schema->name = name_adjust_schema(&plan->arena, config->schema_names, arena_format(&plan->arena, "%s.Value", plan->topic));
    layout_init(plan, &plan->row, relation->column_count);
    for (size_t i = 0; i < relation->column_count && status == OK; i++) {
        struct debezium_column column;

        if (debezium_config_includes_column(config, relation->schema, relation->name, relation->columns[i].name) &&
            column_create(&context, i, &column))
            status = layout_add(plan, &plan->row, &column, schema, error);
    }
    plan->value_schema = envelope_schema(plan, config, schema);
    plan->value_head = render_head(&plan->arena, &config->value_converter, plan->value_schema);
    plan->value_tail = render_tail(&config->value_converter);
    return status;
}

/* Debezium reads names from the stream without their case. */
static enum status check_names(const struct pg_relation *relation, struct error *error)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(relation->columns[i].name, relation->columns[j].name) == 0)
                return error_set(error, ERROR_BAD_INPUT,
                                 "Table '%s.%s' has columns that differ only by case. Column name: '%s'. Debezium does not support "
                                 "case-sensitive duplicate column names as this causes data corruption. Please rename one of the duplicate "
                                 "columns before running Debezium.",
                                 relation->schema, relation->name, relation->columns[i].name);
        }
    }
    return OK;
}

enum status debezium_plan_create(struct debezium_encoder *encoder, const struct pg_relation *relation, enum debezium_reader reader,
                                 struct debezium_plan **created, struct error *error)
{
    struct debezium_plan *plan = memory_new(sizeof(*plan));
    struct column_context context = {
        .arena = &plan->arena, .scratch = &encoder->scratch, .config = encoder->config, .relation = relation, .reader = reader};
    enum status status;

    arena_init(&plan->arena, PLAN_BLOCK_BYTES);
    plan->encoder = encoder;
    plan->schema = arena_copy_string(&plan->arena, slice_from_string(relation->schema));
    plan->table = arena_copy_string(&plan->arena, slice_from_string(relation->name));
    plan->collection = arena_format(&plan->arena, "%s.%s", relation->schema, relation->name);
    plan->topic = name_table_topic(&plan->arena, encoder->config, relation->schema, relation->name);
    plan->relation_columns = relation->column_count;
    source_block_init(&plan->source, encoder, &plan->arena, relation->schema, relation->name);
    status = reader == READER_STREAM ? check_names(relation, error) : OK;
    if (status == OK)
        status = plan_key(plan, &context, error);
    if (status == OK)
        status = plan_row(plan, &context, error);
    if (status == OK) {
        *created = plan;
    } else {
        error_context(error, "table %s.%s", relation->schema, relation->name);
        debezium_plan_destroy(plan);
    }
    return status;
}

void debezium_plan_destroy(struct debezium_plan *plan)
{
    if (plan == NULL)
        return;
    source_block_finish(&plan->source);
    arena_finish(&plan->arena);
    memory_free(plan);
}

const char *debezium_plan_topic(const struct debezium_plan *plan)
{
    return plan->topic;
}

static bool layout_uses(const struct struct_layout *layout, size_t column)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->columns[i].index == column && !layout->columns[i].always_null)
            return true;
    }
    return false;
}

bool debezium_plan_uses_column(const struct debezium_plan *plan, size_t column)
{
    return layout_uses(&plan->key, column) || layout_uses(&plan->row, column);
}

/* ---- Comparing relations ---- */

static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool types_equal(const struct pg_type *a, const struct pg_type *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->oid != b->oid || a->modifier != b->modifier || a->kind != b->kind || !texts_equal(a->name, b->name) ||
        a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++) {
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    }
    return types_equal(a->element, b->element) && types_equal(a->base, b->base);
}

static bool columns_equal(const struct pg_column *a, const struct pg_column *b)
{
    return strcmp(a->name, b->name) == 0 && types_equal(a->type, b->type) && a->modifier == b->modifier && a->not_null == b->not_null &&
           a->generated == b->generated && a->in_replica_identity == b->in_replica_identity && a->key_position == b->key_position &&
           texts_equal(a->default_sql, b->default_sql);
}

bool pg_relation_equal(const struct pg_relation *a, const struct pg_relation *b)
{
    if (a->oid != b->oid || a->replica_identity != b->replica_identity || a->column_count != b->column_count ||
        strcmp(a->schema, b->schema) != 0 || strcmp(a->name, b->name) != 0)
        return false;
    for (size_t i = 0; i < a->column_count; i++) {
        if (!columns_equal(&a->columns[i], &b->columns[i]))
            return false;
    }
    return true;
}
