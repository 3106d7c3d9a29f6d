#include "capture/catalog.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

#define TYPE_DEPTH_MAX 16

struct pg_catalog {
    struct map types; /* 4 bytes of oid -> struct pg_type */
    struct arena arena;
};

struct pg_catalog *pg_catalog_create(void)
{
    struct pg_catalog *catalog = memory_new(sizeof(*catalog));

    map_init(&catalog->types);
    arena_init(&catalog->arena, 4096);
    return catalog;
}

void pg_catalog_destroy(struct pg_catalog *catalog)
{
    if (catalog == NULL)
        return;
    map_finish(&catalog->types);
    arena_finish(&catalog->arena);
    memory_free(catalog);
}

/* ---- Fields of results ---- */

static bool field_true(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

static char field_char(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0];
}

static const char *field_text(const PGresult *result, int row, int column, struct arena *arena)
{
    if (PQgetisnull(result, row, column))
        return NULL;
    return arena_copy_string(arena, slice_of(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)));
}

/* ---- Types ---- */

static enum status read_labels(struct pg_catalog *catalog, struct pg_connection *sql, struct pg_type *type, struct error *error)
{
    char oid[16];
    const char *values[] = {oid};
    PGresult *result = NULL;
    enum status status;

    (void)snprintf(oid, sizeof(oid), "%u", type->oid);
    status = pg_connection_run_with(sql, "SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = $1::oid ORDER BY enumsortorder", 1,
                                    values, &result, error);
    if (status != OK)
        return status;
    type->label_count = (size_t)PQntuples(result);
    type->labels = arena_new_array(&catalog->arena, type->label_count + 1, sizeof(const char *));
    for (size_t i = 0; i < type->label_count; i++)
        type->labels[i] = field_text(result, (int)i, 0, &catalog->arena);
    PQclear(result);
    return OK;
}

/* A type that the catalog does not know (any more) is one of unknown kind, which the encoder leaves out. */
static enum status find_type(struct pg_catalog *catalog, struct pg_connection *sql, uint32_t oid, int depth, const struct pg_type **found,
                             struct error *error)
{
    char text[16];
    const char *values[] = {text};
    PGresult *result = NULL;
    struct pg_type *type = map_get(&catalog->types, slice_of(&oid, sizeof(oid)));
    uint32_t element = 0;
    uint32_t base = 0;
    enum status status;

    if (type != NULL) {
        *found = type;
        return OK;
    }
    (void)snprintf(text, sizeof(text), "%u", oid);
    status = pg_connection_run_with(
        sql,
        "SELECT n.nspname, t.typname, t.typtype, t.typcategory, "
        "CASE WHEN t.typinput = 'pg_catalog.array_in'::regproc THEN t.typelem ELSE 0 END, t.typbasetype, t.typtypmod "
        "FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = $1::oid",
        1, values, &result, error);
    if (status != OK)
        return status;
    type = arena_new(&catalog->arena, sizeof(*type));
    type->oid = oid;
    type->modifier = -1;
    if (PQntuples(result) == 1) {
        type->schema = field_text(result, 0, 0, &catalog->arena);
        type->name = field_text(result, 0, 1, &catalog->arena);
        type->kind = field_char(result, 0, 2);
        type->category = field_char(result, 0, 3);
        element = (uint32_t)pg_result_number(result, 0, 4, 0);
        base = (uint32_t)pg_result_number(result, 0, 5, 0);
        type->modifier = (int32_t)pg_result_number(result, 0, 6, 0);
    } else {
        type->schema = "";
        type->name = "unknown";
        type->kind = 'p';
        type->category = 'X';
    }
    PQclear(result);
    if (element != 0 && depth < TYPE_DEPTH_MAX)
        status = find_type(catalog, sql, element, depth + 1, &type->element, error);
    if (status == OK && base != 0 && depth < TYPE_DEPTH_MAX)
        status = find_type(catalog, sql, base, depth + 1, &type->base, error);
    if (status == OK && type->kind == 'e')
        status = read_labels(catalog, sql, type, error);
    if (status == OK) {
        (void)map_put(&catalog->types, slice_of(&oid, sizeof(oid)), type);
        *found = type;
    } else {
        error_context(error, "read type %u", oid);
    }
    return status;
}

/* ---- Tables ---- */

struct ordered_table {
    struct pg_catalog_table table;
    size_t rank;
};

static int compare_tables(const void *left, const void *right)
{
    const struct ordered_table *a = left;
    const struct ordered_table *b = right;
    int order;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    order = strcmp(a->table.schema, b->table.schema);
    return order != 0 ? order : strcmp(a->table.name, b->table.name);
}

enum status pg_catalog_tables(struct pg_connection *sql, const struct debezium_config *config, struct arena *arena,
                              struct pg_catalog_table **tables, size_t *count, struct error *error)
{
    PGresult *result = NULL;
    struct ordered_table *ordered;
    size_t used = 0;
    size_t rows;
    enum status status;

    status = pg_connection_run(sql,
                               "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relreplident, "
                               "coalesce(pg_catalog.pg_relation_filenode(c.oid), 0), c.relhassubclass, c.reltoastrelid <> 0, "
                               "CASE WHEN c.reltuples > 0 OR c.relpages > 0 THEN c.reltuples::bigint ELSE -1 END "
                               "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                               "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY n.nspname, c.relname",
                               &result, error);
    if (status != OK) {
        error_context(error, "list the tables");
        return status;
    }
    rows = (size_t)PQntuples(result);
    ordered = memory_new_array(rows + 1, sizeof(*ordered));
    for (size_t i = 0; i < rows; i++) {
        struct ordered_table *entry = &ordered[used];
        int row = (int)i;

        if (!debezium_config_captures_table(config, PQgetvalue(result, row, 1), PQgetvalue(result, row, 2)))
            continue;
        entry->rank = debezium_config_table_rank(config, PQgetvalue(result, row, 1), PQgetvalue(result, row, 2));
        entry->table.oid = (uint32_t)pg_result_number(result, row, 0, 0);
        entry->table.schema = field_text(result, row, 1, arena);
        entry->table.name = field_text(result, row, 2, arena);
        entry->table.kind = field_char(result, row, 3);
        entry->table.is_partition = field_true(result, row, 4);
        entry->table.replica_identity = field_char(result, row, 5);
        entry->table.file = (uint32_t)pg_result_number(result, row, 6, 0);
        entry->table.has_children = field_true(result, row, 7);
        entry->table.has_toast = field_true(result, row, 8);
        entry->table.rows_about = pg_result_number(result, row, 9, -1);
        used++;
    }
    PQclear(result);
    qsort(ordered, used, sizeof(*ordered), compare_tables);
    *tables = arena_new_array(arena, used + 1, sizeof(**tables));
    for (size_t i = 0; i < used; i++)
        (*tables)[i] = ordered[i].table;
    *count = used;
    memory_free(ordered);
    return OK;
}

/* ---- Columns ---- */

/*
 * The key is the primary key or, without one, the first unique index without expressions, in the order in which JDBC lists
 * indexes: clustered first, then by name.
 */
static const char columns_sql[] =
    "WITH chosen AS (SELECT i.indkey, i.indnkeyatts FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
    "WHERE i.indrelid = $1::oid AND (i.indisprimary OR (i.indisunique AND i.indexprs IS NULL)) "
    "ORDER BY i.indisprimary DESC, i.indisclustered DESC, x.relname COLLATE \"C\" LIMIT 1) "
    "SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull OR (y.typtype = 'd' AND y.typnotnull), "
    "a.attgenerated <> '', pg_catalog.pg_get_expr(d.adbin, d.adrelid), "
    "coalesce((SELECT k.place FROM chosen, unnest(chosen.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, place) "
    "WHERE k.attnum = a.attnum AND k.place <= chosen.indnkeyatts), 0) "
    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid "
    "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/* Before PostgreSQL 12 no column was generated, before 11 no index had columns beyond its key. */
static const char columns_sql_10[] =
    "WITH chosen AS (SELECT i.indkey FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
    "WHERE i.indrelid = $1::oid AND (i.indisprimary OR (i.indisunique AND i.indexprs IS NULL)) "
    "ORDER BY i.indisprimary DESC, i.indisclustered DESC, x.relname COLLATE \"C\" LIMIT 1) "
    "SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull OR (y.typtype = 'd' AND y.typnotnull), "
    "false, pg_catalog.pg_get_expr(d.adbin, d.adrelid), "
    "coalesce((SELECT k.place FROM chosen, unnest(chosen.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, place) "
    "WHERE k.attnum = a.attnum), 0) "
    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid "
    "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

static enum status read_columns(struct pg_connection *sql, uint32_t oid, PGresult **result, struct error *error)
{
    char text[16];
    const char *values[] = {text};

    (void)snprintf(text, sizeof(text), "%u", oid);
    return pg_connection_run_with(sql, sql->version >= 120000 ? columns_sql : columns_sql_10, 1, values, result, error);
}

static void fill_from_catalog(const PGresult *result, int row, struct arena *arena, struct pg_column *column)
{
    column->not_null = field_true(result, row, 3);
    column->generated = field_true(result, row, 4);
    column->default_sql = field_text(result, row, 5, arena);
    column->key_position = (int16_t)pg_result_number(result, row, 6, 0);
}

enum status pg_catalog_relation(struct pg_catalog *catalog, struct pg_connection *sql, const struct pg_catalog_table *table,
                                struct arena *arena, struct pg_relation **relation, struct error *error)
{
    struct pg_relation *made = arena_new(arena, sizeof(*made));
    PGresult *result = NULL;
    enum status status = read_columns(sql, table->oid, &result, error);

    if (status == OK) {
        made->oid = table->oid;
        made->schema = table->schema;
        made->name = table->name;
        made->replica_identity = table->replica_identity;
        made->column_count = (size_t)PQntuples(result);
        made->columns = arena_new_array(arena, made->column_count + 1, sizeof(*made->columns));
    }
    for (size_t i = 0; status == OK && i < made->column_count; i++) {
        struct pg_column *column = &made->columns[i];

        column->name = field_text(result, (int)i, 0, arena);
        column->modifier = (int32_t)pg_result_number(result, (int)i, 2, 0);
        fill_from_catalog(result, (int)i, arena, column);
        column->in_replica_identity = column->key_position > 0 || table->replica_identity == 'f';
        status = find_type(catalog, sql, (uint32_t)pg_result_number(result, (int)i, 1, 0), 0, &column->type, error);
    }
    PQclear(result);
    if (status == OK)
        *relation = made;
    else
        error_context(error, "read the columns of %s.%s", table->schema, table->name);
    return status;
}

enum status pg_catalog_relation_of_stream(struct pg_catalog *catalog, struct pg_connection *sql, struct pgoutput_relation *message,
                                          struct arena *arena, struct pg_relation **relation, struct error *error)
{
    struct pg_relation *made = arena_new(arena, sizeof(*made));
    struct pgoutput_column column;
    PGresult *result = NULL;
    enum status status = read_columns(sql, message->oid, &result, error);

    made->oid = message->oid;
    made->schema = arena_copy_string(arena, slice_from_string(message->schema[0] == '\0' ? "pg_catalog" : message->schema));
    made->name = arena_copy_string(arena, slice_from_string(message->name));
    made->replica_identity = message->replica_identity;
    made->columns = arena_new_array(arena, message->column_count + 1u, sizeof(*made->columns));
    while (status == OK && pgoutput_column_next(message, &column)) {
        struct pg_column *to = &made->columns[made->column_count++];

        to->name = arena_copy_string(arena, slice_from_string(column.name));
        to->modifier = column.modifier;
        to->in_replica_identity = column.in_key;
        for (int row = 0; row < PQntuples(result); row++) {
            if (strcmp(PQgetvalue(result, row, 0), column.name) == 0)
                fill_from_catalog(result, row, arena, to);
        }
        to->generated = false;
        status = find_type(catalog, sql, column.type_oid, 0, &to->type, error);
    }
    PQclear(result);
    if (status == OK)
        *relation = made;
    else
        error_context(error, "read the columns of %s.%s", message->schema, message->name);
    return status;
}
