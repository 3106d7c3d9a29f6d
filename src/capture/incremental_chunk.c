/* Reads the rows of an incremental snapshot, chunk by chunk, in the order of their keys. */
#include "capture/incremental_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "capture"
#define DEFAULT_CHUNK 1024

void key_values_clear(struct key_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        memory_free(values->texts[i]);
    memset(values, 0, sizeof(*values));
}

void chunk_clear(struct incremental *incremental)
{
    PQclear(incremental->chunk);
    incremental->chunk = NULL;
    memory_free(incremental->values);
    memory_free(incremental->rows);
    incremental->values = NULL;
    incremental->rows = NULL;
    incremental->row_count = 0;
    map_finish(&incremental->by_key);
    map_init(&incremental->by_key);
    arena_reset(&incremental->chunk_arena);
}

/* Forgets the table under way, not its place in the list. */
void chunk_clear_table(struct incremental *incremental)
{
    chunk_clear(incremental);
    debezium_plan_destroy(incremental->plan);
    incremental->plan = NULL;
    incremental->relation = NULL;
    incremental->key_count = 0;
    arena_reset(&incremental->arena);
}

/* ---- The table ---- */

static bool find_key(struct incremental *incremental, const char *surrogate)
{
    const struct pg_relation *relation = incremental->relation;

    incremental->key_count = 0;
    for (size_t i = 0; surrogate != NULL && i < relation->column_count; i++) {
        if (strcmp(relation->columns[i].name, surrogate) == 0)
            incremental->key_columns[incremental->key_count++] = i;
    }
    if (surrogate != NULL)
        return incremental->key_count == 1;
    for (int16_t place = 1; incremental->key_count < KEY_COLUMNS_MAX; place++) {
        size_t i = 0;

        while (i < relation->column_count && relation->columns[i].key_position != place)
            i++;
        if (i == relation->column_count)
            break;
        incremental->key_columns[incremental->key_count++] = i;
    }
    return incremental->key_count > 0;
}

/* Columns and plan of the table under way. how: why it cannot be read, or NULL. */
enum status chunk_open_table(struct incremental *incremental, const char **how, struct error *error)
{
    struct task *task = incremental->task;
    const struct item *item = incremental->items;
    struct pg_catalog_table *tables = NULL;
    const struct pg_catalog_table *table = NULL;
    size_t count = 0;
    size_t kept = 0;
    enum status status;

    *how = NULL;
    if (incremental->plan != NULL)
        return OK;
    chunk_clear_table(incremental);
    status = pg_catalog_tables(task->sql, task->config, &incremental->arena, &tables, &count, error);
    for (size_t i = 0; status == OK && i < count; i++) {
        if (strcmp(tables[i].schema, item->schema) == 0 && strcmp(tables[i].name, item->name) == 0)
            table = &tables[i];
    }
    if (status != OK)
        return status;
    if (table == NULL) {
        *how = "UNKNOWN_SCHEMA";
        return OK;
    }
    status = pg_catalog_relation(task->catalog, task->sql, table, &incremental->arena, &incremental->relation, error);
    if (status != OK)
        return status;
    /* As in the stream, without generated columns. */
    for (size_t i = 0; i < incremental->relation->column_count; i++) {
        if (!incremental->relation->columns[i].generated)
            incremental->relation->columns[kept++] = incremental->relation->columns[i];
    }
    incremental->relation->column_count = kept;
    if (!find_key(incremental, item->surrogate)) {
        *how = "NO_PRIMARY_KEY";
        LOG_WARNING("incremental snapshot of %s.%s is not possible, because it has no key: add one, or name a surrogate-key connector=%s",
                    item->schema, item->name, task->settings->connector);
        return OK;
    }
    return debezium_plan_create(task->encoder, incremental->relation, READER_SNAPSHOT, &incremental->plan, error);
}

static void append_column(struct incremental *incremental, struct buffer *sql, size_t key)
{
    buffer_append_string(
        sql, pg_connection_quote(&incremental->chunk_arena, incremental->relation->columns[incremental->key_columns[key]].name));
}

static void append_order(struct incremental *incremental, struct buffer *sql, const char *direction)
{
    buffer_append_string(sql, " ORDER BY ");
    for (size_t i = 0; i < incremental->key_count; i++) {
        buffer_append_string(sql, i == 0 ? "" : ", ");
        append_column(incremental, sql, i);
        buffer_append_string(sql, direction);
    }
}

/* Parameters of a statement, as it grows. */
struct parameters {
    const char *values[2 * KEY_COLUMNS_MAX];
    int count;
};

/* "the key is behind these values", nulls last, column by column. */
static void append_behind(struct incremental *incremental, struct buffer *sql, const struct key_values *values,
                          struct parameters *parameters)
{
    for (size_t i = 0; i < incremental->key_count; i++) {
        const char *rest = i + 1 == incremental->key_count ? "false" : "";

        buffer_append_u8(sql, '(');
        if (values->texts[i] != NULL) {
            parameters->values[parameters->count++] = values->texts[i];
            append_column(incremental, sql, i);
            buffer_append_format(sql, " > $%d OR ", parameters->count);
            append_column(incremental, sql, i);
            buffer_append_string(sql, " IS NULL OR ");
        }
        append_column(incremental, sql, i);
        if (values->texts[i] != NULL)
            buffer_append_format(sql, " = $%d AND %s", parameters->count, rest);
        else
            buffer_append_format(sql, " IS NULL AND %s", rest);
    }
    for (size_t i = 0; i < incremental->key_count; i++)
        buffer_append_u8(sql, ')');
}

static void append_from(struct incremental *incremental, struct buffer *sql)
{
    const struct item *item = incremental->items;
    struct arena *arena = &incremental->chunk_arena;

    buffer_append_string(sql, "SELECT ");
    for (size_t i = 0; i < incremental->relation->column_count; i++)
        buffer_append_format(sql, "%s%s", i == 0 ? "" : ", ", pg_connection_quote(arena, incremental->relation->columns[i].name));
    buffer_append_format(sql, " FROM %s.%s", pg_connection_quote(arena, item->schema), pg_connection_quote(arena, item->name));
}

static void take_key(struct incremental *incremental, const PGresult *result, int row, struct key_values *values)
{
    key_values_clear(values);
    values->known = true;
    values->count = incremental->key_count;
    for (size_t i = 0; i < incremental->key_count; i++) {
        int column = (int)incremental->key_columns[i];

        values->texts[i] = PQgetisnull(result, row, column) ? NULL : memory_copy_string(PQgetvalue(result, row, column));
    }
}

enum status chunk_read_maximum(struct incremental *incremental, struct error *error)
{
    struct buffer *sql = &incremental->scratch;
    PGresult *result = NULL;
    enum status status;

    buffer_reset(sql);
    append_from(incremental, sql);
    if (incremental->items->filter != NULL)
        buffer_append_format(sql, " WHERE (%s)", incremental->items->filter);
    append_order(incremental, sql, " DESC");
    buffer_append_string(sql, " LIMIT 1");
    buffer_append_u8(sql, '\0');
    status = pg_connection_run(incremental->task->sql, (const char *)sql->data, &result, error);
    if (status == OK && PQntuples(result) == 1)
        take_key(incremental, result, 0, &incremental->maximum);
    PQclear(result);
    return status;
}

static enum status select_chunk(struct incremental *incremental, struct error *error)
{
    const char *size = properties_get(&incremental->task->settings->values, "incremental.snapshot.chunk.size");
    struct parameters parameters = {.count = 0};
    struct buffer *sql = &incremental->scratch;
    int64_t rows = DEFAULT_CHUNK;

    if (size != NULL && (!text_parse_int64(text_trim(slice_from_string(size)), &rows) || rows < 1))
        rows = DEFAULT_CHUNK;
    buffer_reset(sql);
    append_from(incremental, sql);
    buffer_append_string(sql, " WHERE NOT ");
    append_behind(incremental, sql, &incremental->maximum, &parameters);
    if (incremental->last.known) {
        buffer_append_string(sql, " AND ");
        append_behind(incremental, sql, &incremental->last, &parameters);
    }
    if (incremental->items->filter != NULL)
        buffer_append_format(sql, " AND (%s)", incremental->items->filter);
    append_order(incremental, sql, "");
    buffer_append_format(sql, " LIMIT %lld", (long long)rows);
    buffer_append_u8(sql, '\0');
    if (sql->failed)
        return error_set(error, ERROR_LIMIT, "the statement of a chunk of %s.%s is too long", incremental->items->schema,
                         incremental->items->name);
    return pg_connection_run_with(incremental->task->sql, (const char *)sql->data, parameters.count, parameters.values, &incremental->chunk,
                                  error);
}

static void row_at(struct incremental *incremental, size_t at, struct pg_row *row)
{
    size_t count = incremental->relation->column_count;

    row->count = count;
    row->values = incremental->values + at * count;
}

enum status chunk_encode(struct incremental *incremental, size_t at, const struct debezium_source *source, int64_t now_ns,
                         struct debezium_output *output, struct error *error)
{
    struct pg_row row;
    struct debezium_event event = {.operation = OPERATION_READ, .new = &row, .source = source, .now_ns = now_ns};

    row_at(incremental, at, &row);
    return debezium_encode(incremental->task->encoder, incremental->plan, &event, output, error);
}

static struct slice topic_key(struct buffer *scratch, const char *topic, struct slice key)
{
    buffer_reset(scratch);
    buffer_append_string(scratch, topic);
    buffer_append_u8(scratch, '\0');
    buffer_append_slice(scratch, key);
    return buffer_slice(scratch);
}

/* Remembers the key that each row's record will have. */
static enum status index_rows(struct incremental *incremental, struct error *error)
{
    struct debezium_source source = {.snapshot = SNAPSHOT_INCREMENTAL, .xid = -1, .xmin = -1};
    enum status status = OK;

    for (size_t i = 0; status == OK && i < incremental->row_count; i++) {
        struct debezium_output output;

        status = chunk_encode(incremental, i, &source, clock_now_ns(), &output, error);
        if (status == OK && output.count > 0 && !slice_is_null(output.records[0].key)) {
            incremental->rows[i].key =
                arena_copy(&incremental->chunk_arena, topic_key(&incremental->scratch, output.records[0].topic, output.records[0].key));
            (void)map_put(&incremental->by_key, incremental->rows[i].key, &incremental->rows[i]);
        }
    }
    return status;
}

static enum status take_chunk(struct incremental *incremental, struct error *error)
{
    size_t columns = incremental->relation->column_count;

    incremental->row_count = (size_t)PQntuples(incremental->chunk);
    if (incremental->row_count == 0)
        return OK;
    incremental->values = memory_new_array(incremental->row_count * columns + 1, sizeof(*incremental->values));
    incremental->rows = memory_new_array(incremental->row_count, sizeof(*incremental->rows));
    for (size_t i = 0; i < incremental->row_count * columns; i++) {
        int row = (int)(i / columns);
        int column = (int)(i % columns);
        struct pg_value *value = &incremental->values[i];

        value->kind = PQgetisnull(incremental->chunk, row, column) ? PG_VALUE_NULL : PG_VALUE_TEXT;
        value->text = slice_of(PQgetvalue(incremental->chunk, row, column), (size_t)PQgetlength(incremental->chunk, row, column));
    }
    incremental->scanned += (int64_t)incremental->row_count;
    key_values_clear(&incremental->before);
    incremental->before = incremental->last;
    memset(&incremental->last, 0, sizeof(incremental->last));
    take_key(incremental, incremental->chunk, (int)incremental->row_count - 1, &incremental->last);
    return index_rows(incremental, error);
}

enum status chunk_read(struct incremental *incremental, struct error *error)
{
    enum status status = select_chunk(incremental, error);

    return status == OK ? take_chunk(incremental, error) : status;
}

struct chunk_row *chunk_find(struct incremental *incremental, const char *topic, struct slice key)
{
    return map_get(&incremental->by_key, topic_key(&incremental->scratch, topic, key));
}
