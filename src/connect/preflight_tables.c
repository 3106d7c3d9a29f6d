/* preflight_tables.c: the tables of a database, and what a connector makes of them. */
#include "connect/preflight_internal.h"

#include "base/banned.h"
#include "base/regexes.h"
#include "base/text.h"
#include "capture/catalog.h"
#include "os/clock.h"
#include "wire/debezium/envelope.h"

#define TABLES_MAX 5000
#define TYPES_MAX 300 /* tables whose columns are read: one question each */

/* %s: how a table's size is found. The first way waits for whoever has locked the table. */
static const char tables_sql[] =
    "SELECT n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END, %s,"
    " coalesce((SELECT json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid"
    " AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary), '[]')::text,"
    " EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indexprs IS NULL),"
    " has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), pg_has_role(c.relowner, 'USAGE'),"
    " EXISTS (SELECT FROM pg_publication_tables p WHERE p.pubname = $1 AND p.schemaname = n.nspname AND p.tablename = c.relname), c.oid,"
    " quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relispartition"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
    " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname LIMIT %d";

static PGresult *tables_ask(struct look *look, struct error *error)
{
    const char *values[] = {look->facts->publication.name};
    PGresult *result;

    PQclear(look_query(look, "SET lock_timeout = 500", 0, NULL, NULL));
    result = look_query(look, arena_format(look->arena, tables_sql, "pg_table_size(c.oid)", TABLES_MAX + 1), 1, values, NULL);
    if (result == NULL)
        result = look_query(look, arena_format(look->arena, tables_sql, "c.relpages::bigint * current_setting('block_size')::bigint", TABLES_MAX + 1), 1, values, error);
    return result;
}

static void table_read(struct look *look, const PGresult *result, int row, struct preflight_table *table)
{
    *table = (struct preflight_table){
        .schema = look_text(look, result, row, 0),
        .table = look_text(look, result, row, 1),
        .name = arena_format(look->arena, "%s.%s", PQgetvalue(result, row, 0), PQgetvalue(result, row, 1)),
        .kind = PQgetvalue(result, row, 2)[0],
        .persistence = PQgetvalue(result, row, 3)[0],
        .replica_identity = PQgetvalue(result, row, 4)[0],
        .rows_about = pg_result_number(result, row, 5, -1),
        .bytes = pg_result_number(result, row, 6, -1),
        .key = look_text(look, result, row, 7),
        .has_primary_key = strcmp(PQgetvalue(result, row, 7), "[]") != 0,
        .has_unique_index = PQgetvalue(result, row, 8)[0] == 't',
        .may_read = PQgetvalue(result, row, 9)[0] == 't',
        .is_owner = PQgetvalue(result, row, 10)[0] == 't',
        .is_published = PQgetvalue(result, row, 11)[0] == 't',
        .quoted = look_text(look, result, row, 13),
        .is_partition = PQgetvalue(result, row, 14)[0] == 't',
    };
    /* Without a configuration every table is one that might be captured. */
    table->is_captured = look->config == NULL ? !look->facts->has_config : debezium_config_captures_table(look->config, table->schema, table->table);
}

/* ---- What a connector makes of the columns ---- */

static bool has_own_key(const struct debezium_config *config, const struct pg_relation *relation)
{
    for (size_t i = 0; i < config->key_column_count; i++) {
        for (size_t c = 0; c < relation->column_count; c++) {
            if (debezium_config_key_matches(config, i, relation->schema, relation->name, relation->columns[c].name))
                return true;
        }
    }
    return false;
}

static const char *left_out(struct look *look, const struct debezium_plan *plan, const struct pg_relation *relation)
{
    struct name_list list;

    name_list_init(&list, 5);
    for (size_t c = 0; c < relation->column_count; c++) {
        const struct pg_column *column = &relation->columns[c];

        if (!debezium_plan_uses_column(plan, c) && !column->generated && debezium_config_includes_column(look->config, relation->schema, relation->name, column->name))
            name_list_add(&list, arena_format(look->arena, "%s (%s)", column->name, column->type->name));
    }
    return name_list_end(&list, look->arena);
}

static void columns_look(struct look *look, struct pg_catalog *catalog, struct debezium_encoder *encoder, uint32_t oid, struct preflight_table *table)
{
    struct pg_catalog_table asked = {.oid = oid, .schema = table->schema, .name = table->table, .kind = table->kind, .replica_identity = table->replica_identity};
    struct pg_relation *relation = NULL;
    struct debezium_plan *plan = NULL;
    struct error error;

    if (pg_catalog_relation(catalog, look->sql, &asked, look->arena, &relation, &error) != OK) {
        look->facts->types_why = arena_copy_string(look->arena, slice_from_string(error.message));
        return;
    }
    look->facts->types_looked_at++;
    table->has_own_key = has_own_key(look->config, relation);
    if (debezium_plan_create(encoder, relation, READER_SNAPSHOT, &plan, &error) == OK) {
        table->left_out = left_out(look, plan, relation);
        table->topic = arena_copy_string(look->arena, slice_from_string(debezium_plan_topic(plan)));
        table->topic_exists = look->request->topic_exists != NULL && look->request->topic_exists(look->request->context, table->topic);
    } else {
        table->problem = arena_copy_string(look->arena, slice_from_string(error.message));
    }
    debezium_plan_destroy(plan);
}

static void types_look(struct look *look, const PGresult *result)
{
    struct pg_catalog *catalog = pg_catalog_create();
    struct debezium_encoder *encoder = debezium_encoder_create(look->config, "preflight");
    struct preflight_facts *facts = look->facts;

    for (size_t i = 0; i < facts->table_count && facts->types_why == NULL; i++) {
        int64_t left_ms = look->deadline_ms - clock_monotonic_ms();

        if (!facts->tables[i].is_captured)
            continue;
        look->sql->query_timeout_ms = left_ms;
        if (facts->types_looked_at == TYPES_MAX)
            facts->types_why = arena_format(look->arena, "only the first %d are looked at", TYPES_MAX);
        else if (left_ms <= 0)
            facts->types_why = "the time for it was over";
        else
            columns_look(look, catalog, encoder, (uint32_t)pg_result_number(result, (int)i, 12, 0), &facts->tables[i]);
    }
    debezium_encoder_destroy(encoder);
    pg_catalog_destroy(catalog);
}

/* ---- Items of the list that match nothing ---- */

static bool matches_any(const struct preflight_facts *facts, const struct regexes *list, size_t item)
{
    for (size_t i = 0; i < facts->table_count; i++) {
        if (regexes_match_at(list, item, slice_from_string(facts->tables[i].name)))
            return true;
    }
    return false;
}

/* Of the same schema; the schema's own letters do not count. NULL: nothing is near. */
static const char *nearest_table(const struct look *look, const char *pattern)
{
    const char *dot = strrchr(pattern, '.');
    struct text_nearest nearest;

    if (dot == NULL)
        return NULL;
    text_nearest_init(&nearest, dot + 1);
    for (size_t i = 0; i < look->facts->table_count; i++) {
        const struct preflight_table *table = &look->facts->tables[i];

        if (strlen(table->schema) == (size_t)(dot - pattern) && strncmp(table->schema, pattern, strlen(table->schema)) == 0)
            text_nearest_offer(&nearest, table->table);
    }
    return text_nearest_found(&nearest) == NULL ? NULL : arena_format(look->arena, "%.*s.%s", (int)(dot - pattern), pattern, text_nearest_found(&nearest));
}

/* Items with a comma inside are left alone: their texts cannot be cut out of the list. */
static void unmatched_look(struct look *look)
{
    const char *include = properties_get(look->request->config, "table.include.list");
    struct slice rest = slice_from_string(include), field;
    struct regexes *list = NULL;
    struct name_list names;
    size_t item = 0;

    if (include == NULL || strstr(include, "\\,") != NULL || regexes_create(include, REGEXES_IGNORE_CASE, &list, NULL) != OK)
        return;
    name_list_init(&names, 5);
    while (text_next_field(&rest, ',', &field) && item < regexes_count(list)) {
        const char *pattern = arena_copy_string(look->arena, text_trim(field));

        if (pattern[0] == '\0')
            continue;
        if (!matches_any(look->facts, list, item++)) {
            const char *nearest = nearest_table(look, pattern);

            name_list_add(&names, nearest == NULL ? pattern : arena_format(look->arena, "%s (is %s meant?)", pattern, nearest));
        }
    }
    regexes_destroy(list);
    look->facts->unmatched = name_list_end(&names, look->arena);
}

void look_at_tables(struct look *look)
{
    struct preflight_facts *facts = look->facts;
    struct error error = {.status = OK};
    PGresult *result = tables_ask(look, &error);

    facts->table_count = result == NULL ? 0 : (size_t)PQntuples(result);
    if (result == NULL)
        facts->tables_why = arena_copy_string(look->arena, slice_from_string(error.message));
    facts->tables_cut = facts->table_count > TABLES_MAX;
    if (facts->tables_cut)
        facts->table_count = TABLES_MAX;
    facts->tables = arena_new_array(look->arena, facts->table_count + 1, sizeof(*facts->tables));
    for (size_t i = 0; i < facts->table_count; i++)
        table_read(look, result, (int)i, &facts->tables[i]);
    if (look->config != NULL && result != NULL)
        types_look(look, result);
    if (facts->has_config && result != NULL && !facts->tables_cut)
        unmatched_look(look);
    PQclear(result);
}
