/* Reads the tables of a snapshot: the statement of each, its rows, and what a row is marked with. */
#include "capture/snapshot_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "wire/postgres/copy.h"

#define PUBLISH_BYTES (4 * 1000 * 1000) /* uncompressed rows per publish */
#define SQL_BYTES_MAX (1024 * 1024)
#define TOASTED_ROW_BYTES "2000" /* a row below it has no value out of line */

/* ---- Rows ---- */

static enum debezium_snapshot marker(const struct snapshot *snapshot, bool is_last_of_table, bool is_last)
{
    if (is_last)
        return SNAPSHOT_LAST;
    if (!snapshot->any_row && snapshot->held_reader->table == &snapshot->tables[0]) /* no row is first when the first table is empty */
        return SNAPSHOT_FIRST;
    if (is_last_of_table)
        return SNAPSHOT_LAST_IN_DATA_COLLECTION;
    return snapshot->held_is_first_of_table ? SNAPSHOT_FIRST_IN_DATA_COLLECTION : SNAPSHOT_TRUE;
}

/* Encodes the held row, now that its marker is known. */
static enum status encode_held(struct snapshot *snapshot, bool is_last_of_table, bool is_last, struct error *error)
{
    struct task *task = snapshot->task;
    const struct table_reader *reader = snapshot->held_reader;
    struct held_row *held = &snapshot->held;
    struct debezium_output output;
    struct debezium_event event = {.operation = OPERATION_READ, .new = &held->row, .source = &snapshot->source, .now_ns = clock_now_ns()};
    enum status status;

    snapshot->source.snapshot = marker(snapshot, is_last_of_table, is_last);
    status = debezium_encode(task->encoder, reader->plan, &event, &output, error);
    if (status == OK)
        status = task_add(task, &output, event.now_ns, error);
    if (status != OK) {
        error_context(error, "row of %s.%s", reader->table->schema, reader->table->name);
        return status;
    }
    snapshot->any_row = true;
    snapshot->progress.rows++;
    snapshot->progress.schema = slice_from_string(reader->table->schema);
    snapshot->progress.table = slice_from_string(reader->table->name);
    snapshot->progress.oid = reader->table->oid;
    snapshot->progress.file = reader->table->file;
    snapshot->progress.block = held->block;
    snapshot->progress.item = held->item;
    task->status->snapshot_rows++;
    task->status->rows++;
    PQfreemem(held->bytes);
    held->bytes = NULL;
    if (!is_last && output_bytes(task->output) >= PUBLISH_BYTES)
        return snapshot_publish(snapshot, false, error);
    return OK;
}

static void make_room(struct held_row *row, size_t values)
{
    if (row->capacity >= values)
        return;
    row->values = memory_resize(row->values, values * sizeof(*row->values));
    row->capacity = values;
}

/* Takes a row of COPY apart and holds it; the one held before is encoded. */
static enum status take_row(struct snapshot *snapshot, struct table_reader *reader, char *bytes, int size, struct error *error)
{
    struct held_row *row = &snapshot->spare;
    struct held_row swap;
    struct pg_row copied;
    enum status status = OK;

    row->bytes = bytes;
    row->block = row->item = 0;
    make_room(row, reader->copied + reader->relation->column_count + 1);
    if (!copy_row_read((uint8_t *)bytes, (size_t)size, row->values, reader->copied, &copied) || copied.count != reader->copied)
        return error_set(error, ERROR_DATABASE, "a row of %s.%s does not have the columns that were asked for", reader->table->schema,
                         reader->table->name);
    if (reader->has_ctid && !progress_read_ctid(copied.values[0].text, &row->block, &row->item))
        return error_set(error, ERROR_DATABASE, "a row of %s.%s has no ctid", reader->table->schema, reader->table->name);
    if (reader->is_straight) {
        row->row.values = row->values + (reader->has_ctid ? 1 : 0);
    } else {
        row->row.values = row->values + reader->copied;
        for (size_t i = 0; i < reader->relation->column_count; i++) {
            if (reader->sources[i] == SIZE_MAX)
                row->row.values[i] = (struct pg_value){.kind = PG_VALUE_NULL};
            else
                row->row.values[i] = copied.values[reader->sources[i]];
        }
    }
    row->row.count = reader->relation->column_count;
    if (snapshot->held.bytes != NULL)
        status = encode_held(snapshot, snapshot->held_reader != reader, false, error);
    swap = snapshot->held;
    snapshot->held = *row;
    *row = swap;
    snapshot->held_is_first_of_table = reader->rows == 0 && !reader->is_continued;
    snapshot->held_reader = reader;
    reader->rows++;
    return status;
}

static enum status read_rows(struct snapshot *snapshot, struct table_reader *reader, struct error *error)
{
    struct pg_connection *sql = snapshot->task->sql;
    PGresult *result;
    enum status status = OK;

    for (;;) {
        char *bytes = NULL;
        int size = PQgetCopyData(sql->pg, &bytes, 1);

        if (size > 0) {
            status = take_row(snapshot, reader, bytes, size, error);
            if (status != OK) {
                pg_connection_cancel(sql);
                return status;
            }
        } else if (size == 0) {
            status = pg_connection_wait(sql, -1, error);
            if (status == OK && PQconsumeInput(sql->pg) == 0)
                status = pg_connection_failure(sql, NULL, error);
            if (status != OK) {
                pg_connection_cancel(sql);
                return status;
            }
        } else {
            break;
        }
    }
    while ((result = PQgetResult(sql->pg)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && status == OK)
            status = pg_connection_failure(sql, result, error);
        PQclear(result);
    }
    return status;
}

/* ---- The statement of a table ---- */

static const char *override_of(const struct snapshot *snapshot, const struct pg_catalog_table *table)
{
    const char *list = properties_get(&snapshot->task->settings->values, "snapshot.select.statement.overrides");
    char *name = memory_format("%s.%s", table->schema, table->name);
    struct slice rest = slice_from_string(list == NULL ? "" : list);
    struct slice item;
    const char *found = NULL;

    for (size_t i = 0; snapshot->request != NULL && found == NULL && i < snapshot->request->condition_count; i++) {
        if (snapshot_matches(snapshot->request->conditions[i].collection, name))
            found = snapshot->request->conditions[i].filter;
    }
    while (found == NULL && text_next_field(&rest, ',', &item)) {
        char *key;

        if (!slice_equal_string(text_trim(item), name))
            continue;
        key = memory_format("snapshot.select.statement.overrides.%s", name);
        found = properties_get(&snapshot->task->settings->values, key);
        memory_free(key);
    }
    memory_free(name);
    return found;
}

/*
 * Rows that the first snapshot could see: as a condition on xmin. Rows that came or changed later are in the stream. Where
 * the stream may lack a value, because it is stored out of line and was not changed, the row is read, too.
 */
static void append_seen(struct buffer *sql, const struct snapshot *snapshot, const struct pg_catalog_table *table)
{
    buffer_append_format(sql, "(pg_catalog.pg_visible_in_snapshot((t.xmin::text)::pg_catalog.xid8, '%.*s'::pg_catalog.pg_snapshot)",
                         (int)snapshot->progress.snapshot.size, (const char *)snapshot->progress.snapshot.data);
    if (table->has_toast)
        buffer_append_string(sql, " OR pg_catalog.pg_column_size(t.*) > " TOASTED_ROW_BYTES);
    buffer_append_u8(sql, ')');
}

/* The statement that reads the table, and where its columns are. */
static void make_select(struct snapshot *snapshot, struct table_reader *reader, struct arena *arena, struct buffer *sql)
{
    const struct pg_catalog_table *table = reader->table;
    const char *where = " WHERE ";

    reader->has_ctid = table->kind == 'r' && !table->has_children;
    reader->is_straight = true;
    reader->copied = (reader->has_ctid ? 1 : 0) + reader->relation->column_count;
    buffer_append_string(sql, reader->has_ctid ? "COPY (SELECT t.ctid" : "COPY (SELECT ");
    for (size_t i = 0; i < reader->relation->column_count; i++) {
        if (i > 0 || reader->has_ctid)
            buffer_append_string(sql, ", ");
        if (debezium_plan_uses_column(reader->plan, i))
            buffer_append_format(sql, "t.%s", pg_connection_quote(arena, reader->relation->columns[i].name));
        else
            buffer_append_string(sql, "NULL");
    }
    buffer_append_format(sql, " FROM %s.%s AS t", pg_connection_quote(arena, table->schema), pg_connection_quote(arena, table->name));
    if (snapshot->is_continued) {
        buffer_append_string(sql, where);
        append_seen(sql, snapshot, table);
        where = " AND ";
        if (snapshot_is_current(snapshot, table) && reader->has_ctid && snapshot->progress.oid == table->oid &&
            snapshot->progress.file == table->file && (snapshot->progress.block != 0 || snapshot->progress.item != 0)) {
            buffer_append_format(sql, "%st.ctid > '(%u,%u)'::tid", where, snapshot->progress.block, snapshot->progress.item);
            reader->is_continued = true;
        }
    }
    buffer_append_string(sql, ") TO STDOUT");
}

/* An override is taken as it is; its columns are found by their names. */
static enum status use_override(struct snapshot *snapshot, struct table_reader *reader, const char *select, struct arena *arena,
                                struct buffer *sql, struct error *error)
{
    struct pg_connection *connection = snapshot->task->sql;
    struct slice statement = text_trim(slice_from_string(select));
    PGresult *result = NULL;
    enum status status;

    while (statement.size > 0 && statement.data[statement.size - 1] == ';')
        statement = text_trim(slice_of(statement.data, statement.size - 1));
    buffer_append_format(sql, "SELECT * FROM (%.*s) AS t LIMIT 0", (int)statement.size, (const char *)statement.data);
    buffer_append_u8(sql, '\0');
    status = pg_connection_run(connection, (const char *)sql->data, &result, error);
    if (status == OK) {
        reader->copied = (size_t)PQnfields(result);
        reader->sources = arena_new_array(arena, reader->relation->column_count + 1, sizeof(size_t));
        for (size_t i = 0; i < reader->relation->column_count; i++) {
            reader->sources[i] = SIZE_MAX;
            for (int field = 0; field < PQnfields(result); field++) {
                if (strcmp(PQfname(result, field), reader->relation->columns[i].name) == 0)
                    reader->sources[i] = (size_t)field;
            }
        }
        buffer_reset(sql);
        buffer_append_format(sql, "COPY (%.*s) TO STDOUT", (int)statement.size, (const char *)statement.data);
    }
    PQclear(result);
    return status;
}

static void reader_close(struct table_reader *reader)
{
    debezium_plan_destroy(reader->plan);
    memset(reader, 0, sizeof(*reader));
}

static enum status open_reader(struct snapshot *snapshot, struct table_reader *reader, const struct pg_catalog_table *table,
                               struct arena *arena, struct buffer *sql, struct error *error)
{
    struct task *task = snapshot->task;
    const char *override = override_of(snapshot, table);
    enum status status;

    reader->table = table;
    status = pg_catalog_relation(task->catalog, task->sql, table, arena, &reader->relation, error);
    if (status == OK)
        status = debezium_plan_create(task->encoder, reader->relation, READER_SNAPSHOT, &reader->plan, error);
    if (status != OK)
        return status;
    schemas_note(task->schemas, debezium_plan_topic(reader->plan), reader->relation, snapshot->progress.lsn, clock_now_ms());
    if (override == NULL)
        make_select(snapshot, reader, arena, sql);
    else
        status = use_override(snapshot, reader, override, arena, sql, error);
    buffer_append_u8(sql, '\0');
    if (status == OK && sql->failed)
        status =
            error_set(error, ERROR_LIMIT, "the statement for %s.%s is longer than %d bytes", table->schema, table->name, SQL_BYTES_MAX);
    return status;
}

enum status snapshot_read_table(struct snapshot *snapshot, const struct pg_catalog_table *table, struct error *error)
{
    struct arena *arena;
    struct table_reader *reader;
    struct buffer sql;
    enum status status;

    /* The held row keeps its reader; take the other one. */
    if (snapshot->held.bytes != NULL && snapshot->held_reader == &snapshot->readers[snapshot->current])
        snapshot->current = 1 - snapshot->current;
    reader = &snapshot->readers[snapshot->current];
    arena = &snapshot->table_arena[snapshot->current];
    reader_close(reader);
    arena_reset(arena);
    buffer_init(&sql, SQL_BYTES_MAX);
    status = open_reader(snapshot, reader, table, arena, &sql, error);
    if (status == OK)
        status = pg_connection_start_copy(snapshot->task->sql, (const char *)sql.data, error);
    if (status == OK)
        status = read_rows(snapshot, reader, error);
    buffer_finish(&sql);
    if (status != OK && status != ERROR_CLOSED)
        error_context(error, "snapshot of %s.%s", table->schema, table->name);
    return status;
}

enum status snapshot_encode_held(struct snapshot *snapshot, bool is_last, struct error *error)
{
    return snapshot->held.bytes == NULL ? OK : encode_held(snapshot, true, is_last, error);
}

void snapshot_close_readers(struct snapshot *snapshot)
{
    for (int i = 0; i < 2; i++) {
        reader_close(&snapshot->readers[i]);
        arena_finish(&snapshot->table_arena[i]);
    }
    PQfreemem(snapshot->held.bytes);
    PQfreemem(snapshot->spare.bytes);
    memory_free(snapshot->held.values);
    memory_free(snapshot->spare.values);
}
