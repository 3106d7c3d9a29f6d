#include "capture/incremental.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/regexes.h"
#include "base/text.h"
#include "base/time.h"
#include "capture/notify.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"

#include <time.h>

#define LOG_SUBSYSTEM "capture"
#define STATE_VERSION 1
#define STATE_BYTES_MAX (32 * 1024)
#define SQL_BYTES_MAX (256 * 1024)
#define KEY_COLUMNS_MAX 32
#define DEFAULT_CHUNK 1024

/* A table that waits for its turn, or has it. */
struct item {
    char *schema;
    char *name;
    char *filter;    /* NULL: all rows */
    char *surrogate; /* NULL: by its key */
    struct item *next;
};

struct key_values {
    bool known;
    size_t count;
    char *texts[KEY_COLUMNS_MAX]; /* NULL: null */
};

struct chunk_row {
    struct slice key; /* as the record will have it, behind its topic */
    bool is_old;      /* the stream brought something newer */
};

struct incremental {
    struct task *task;
    struct item *items; /* the first is the one under way */
    char *signal_id;
    bool is_paused;
    int64_t scanned;                 /* rows read of the table under way */
    struct key_values last, maximum; /* keys of the last row that was read, and of the last there is */
    struct key_values before;        /* key of the last row before the chunk under way */

    /* The table under way. */
    struct arena arena;
    struct pg_relation *relation;
    struct debezium_plan *plan;
    size_t key_columns[KEY_COLUMNS_MAX];
    size_t key_count;

    /* The chunk under way. */
    char window[UUID_HEX_SIZE]; /* "": none */
    int64_t opened_ns;
    bool is_open; /* the stream brought its opening row */
    PGresult *chunk;
    struct pg_value *values;
    struct chunk_row *rows;
    size_t row_count;
    struct map by_key; /* topic NUL key -> struct chunk_row */
    struct arena chunk_arena;
    struct buffer scratch;

    struct buffer state;
};

/* ---- Life ---- */

static void values_clear(struct key_values *values)
{
    for (size_t i = 0; i < values->count; i++)
        memory_free(values->texts[i]);
    memset(values, 0, sizeof(*values));
}

static void item_free(struct item *item)
{
    memory_free(item->schema);
    memory_free(item->name);
    memory_free(item->filter);
    memory_free(item->surrogate);
    memory_free(item);
}

static void chunk_clear(struct incremental *incremental)
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
static void table_clear(struct incremental *incremental)
{
    chunk_clear(incremental);
    debezium_plan_destroy(incremental->plan);
    incremental->plan = NULL;
    incremental->relation = NULL;
    incremental->key_count = 0;
    arena_reset(&incremental->arena);
}

static void drop_first(struct incremental *incremental)
{
    struct item *first = incremental->items;

    table_clear(incremental);
    values_clear(&incremental->last);
    values_clear(&incremental->maximum);
    values_clear(&incremental->before);
    incremental->scanned = 0;
    incremental->items = first->next;
    item_free(first);
}

static void write_text(struct buffer *out, const char *text)
{
    buffer_append_u8(out, text != NULL);
    if (text != NULL) {
        buffer_append_u32(out, (uint32_t)strlen(text));
        buffer_append_string(out, text);
    }
}

static char *read_text(struct reader *in)
{
    struct slice text;

    if (read_u8(in) == 0)
        return NULL;
    text = read_bytes(in, read_u32(in));
    return in->failed ? NULL : memory_copy_bytes(text.data, text.size);
}

static void write_values(struct buffer *out, const struct key_values *values)
{
    buffer_append_u8(out, values->known);
    buffer_append_u8(out, (uint8_t)values->count);
    for (size_t i = 0; i < values->count; i++)
        write_text(out, values->texts[i]);
}

static void read_values(struct reader *in, struct key_values *values)
{
    size_t count;

    values->known = read_u8(in) != 0;
    count = read_u8(in);
    for (size_t i = 0; i < count && i < KEY_COLUMNS_MAX && !in->failed; i++)
        values->texts[values->count++] = read_text(in);
}

struct slice incremental_state(struct incremental *incremental)
{
    struct buffer *out = &incremental->state;

    buffer_reset(out);
    if (incremental->items == NULL)
        return slice_null();
    buffer_append_u8(out, STATE_VERSION);
    buffer_append_u8(out, incremental->is_paused);
    write_text(out, incremental->signal_id);
    /* Rows that wait for their window to close are not published: they are read again after a restart. */
    buffer_append_u64(out, (uint64_t)incremental->scanned - incremental->row_count);
    write_values(out, incremental->row_count > 0 ? &incremental->before : &incremental->last);
    write_values(out, &incremental->maximum);
    for (const struct item *item = incremental->items; item != NULL; item = item->next) {
        buffer_append_u8(out, 1);
        write_text(out, item->schema);
        write_text(out, item->name);
        write_text(out, item->filter);
        write_text(out, item->surrogate);
    }
    buffer_append_u8(out, 0);
    return out->failed ? slice_null() : buffer_slice(out);
}

static void read_state(struct incremental *incremental, struct slice state)
{
    struct reader in = reader_of(state);
    struct item **end = &incremental->items;

    if (state.size == 0 || read_u8(&in) != STATE_VERSION)
        return;
    incremental->is_paused = read_u8(&in) != 0;
    incremental->signal_id = read_text(&in);
    incremental->scanned = (int64_t)read_u64(&in);
    read_values(&in, &incremental->last);
    read_values(&in, &incremental->maximum);
    while (read_u8(&in) == 1) {
        struct item *item = memory_new(sizeof(*item));

        item->schema = read_text(&in);
        item->name = read_text(&in);
        item->filter = read_text(&in);
        item->surrogate = read_text(&in);
        if (item->schema == NULL || item->name == NULL) {
            item_free(item);
            break;
        }
        *end = item;
        end = &item->next;
    }
}

struct incremental *incremental_create(struct task *task, struct slice state)
{
    struct incremental *incremental = memory_new(sizeof(*incremental));

    incremental->task = task;
    arena_init(&incremental->arena, 1024);
    arena_init(&incremental->chunk_arena, 4096);
    map_init(&incremental->by_key);
    buffer_init(&incremental->scratch, SQL_BYTES_MAX);
    buffer_init(&incremental->state, STATE_BYTES_MAX);
    read_state(incremental, state);
    return incremental;
}

void incremental_destroy(struct incremental *incremental)
{
    if (incremental == NULL)
        return;
    while (incremental->items != NULL)
        drop_first(incremental);
    table_clear(incremental);
    memory_free(incremental->signal_id);
    map_finish(&incremental->by_key);
    arena_finish(&incremental->arena);
    arena_finish(&incremental->chunk_arena);
    buffer_finish(&incremental->scratch);
    buffer_finish(&incremental->state);
    memory_free(incremental);
}

bool incremental_is_running(const struct incremental *incremental)
{
    return incremental->items != NULL;
}

/* ---- Notifications ---- */

/* The tables that are left, "public.a,public.b". */
static const char *names_of(struct incremental *incremental, struct arena *arena)
{
    const char *names = "";

    for (const struct item *item = incremental->items; item != NULL; item = item->next)
        names = arena_format(arena, "%s%s%s.%s", names, names[0] == '\0' ? "" : ",", item->schema, item->name);
    return names;
}

static const char *joined(const struct key_values *values, struct arena *arena)
{
    const char *text = "";

    for (size_t i = 0; i < values->count; i++)
        text = arena_format(arena, "%s%s%s", text, i == 0 ? "" : ",", values->texts[i] == NULL ? "null" : values->texts[i]);
    return text;
}

static enum status tell(struct incremental *incremental, const char *type, struct error *error)
{
    struct notice notice = {.id = incremental->signal_id, .type = type, .aggregate = NOTIFY_INCREMENTAL};

    return notify(incremental->task, &notice, error);
}

static enum status tell_started(struct incremental *incremental, struct error *error)
{
    struct arena arena;
    struct notice notice = {.id = incremental->signal_id, .type = "STARTED", .aggregate = NOTIFY_INCREMENTAL};
    enum status status;

    arena_init(&arena, 1024);
    notice.data[0][0] = "data_collections";
    notice.data[0][1] = names_of(incremental, &arena);
    status = notify(incremental->task, &notice, error);
    arena_finish(&arena);
    return status;
}

static enum status tell_progress(struct incremental *incremental, struct error *error)
{
    struct arena arena;
    struct notice notice = {.id = incremental->signal_id, .type = "IN_PROGRESS", .aggregate = NOTIFY_INCREMENTAL};
    enum status status;

    arena_init(&arena, 1024);
    notice.data[0][0] = "data_collections";
    notice.data[0][1] = names_of(incremental, &arena);
    notice.data[1][0] = "current_collection_in_progress";
    notice.data[1][1] = arena_format(&arena, "%s.%s", incremental->items->schema, incremental->items->name);
    notice.data[2][0] = "maximum_key";
    notice.data[2][1] = joined(&incremental->maximum, &arena);
    notice.data[3][0] = "last_processed_key";
    notice.data[3][1] = joined(&incremental->last, &arena);
    status = notify(incremental->task, &notice, error);
    arena_finish(&arena);
    return status;
}

static enum status tell_scanned(struct incremental *incremental, const char *how, struct error *error)
{
    struct arena arena;
    struct notice notice = {.id = incremental->signal_id, .type = "TABLE_SCAN_COMPLETED", .aggregate = NOTIFY_INCREMENTAL};
    enum status status;

    arena_init(&arena, 1024);
    notice.data[0][0] = "data_collections";
    notice.data[0][1] = names_of(incremental, &arena);
    notice.data[1][0] = "scanned_collection";
    notice.data[1][1] = arena_format(&arena, "%s.%s", incremental->items->schema, incremental->items->name);
    notice.data[2][0] = "total_rows_scanned";
    notice.data[2][1] = arena_format(&arena, "%lld", (long long)incremental->scanned);
    notice.data[3][0] = "status";
    notice.data[3][1] = how;
    status = notify(incremental->task, &notice, error);
    arena_finish(&arena);
    return status;
}

/* The table is done, or cannot be read: on to the next. */
static enum status next_table(struct incremental *incremental, const char *how, struct error *error)
{
    enum status status = tell_scanned(incremental, how, error);

    drop_first(incremental);
    if (status == OK && incremental->items == NULL)
        status = tell(incremental, "COMPLETED", error);
    return status;
}

/* ---- The signal table ---- */

/* java.time.Instant.toString: no fraction, or 3, 6 or 9 digits of it. */
static void instant_text(int64_t ns, char *text, size_t size)
{
    time_t seconds = (time_t)(ns / NS_PER_SECOND);
    int64_t fraction = ns % NS_PER_SECOND;
    struct tm parts;
    size_t used;

    (void)gmtime_r(&seconds, &parts);
    used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
    if (fraction == 0)
        (void)snprintf(text + used, size - used, "Z");
    else if (fraction % 1000000 == 0)
        (void)snprintf(text + used, size - used, ".%03lldZ", (long long)(fraction / 1000000));
    else if (fraction % 1000 == 0)
        (void)snprintf(text + used, size - used, ".%06lldZ", (long long)(fraction / 1000));
    else
        (void)snprintf(text + used, size - used, ".%09lldZ", (long long)fraction);
}

/* "schema.table" of signal.data.collection, quoted. */
static const char *signal_table(struct incremental *incremental, struct arena *arena)
{
    const char *name = incremental->task->config->signal_table;
    const char *dot = name == NULL ? NULL : strchr(name, '.');

    if (dot == NULL)
        return NULL;
    return arena_format(arena, "%s.%s", pg_connection_quote(arena, arena_copy_string(arena, slice_of(name, (size_t)(dot - name)))),
                        pg_connection_quote(arena, dot + 1));
}

static bool deletes_windows(const struct incremental *incremental)
{
    const char *strategy = properties_get(&incremental->task->settings->values, "incremental.snapshot.watermarking.strategy");

    return strategy != NULL && strcmp(strategy, "INSERT_DELETE") == 0;
}

static enum status write_row(struct incremental *incremental, const char *suffix, const char *type, const char *data, struct error *error)
{
    struct pg_connection *sql = incremental->task->sql;
    char id[UUID_HEX_SIZE + 8];
    const char *values[] = {id, type, data};
    const char *table = signal_table(incremental, &incremental->chunk_arena);
    enum status status;

    if (table == NULL) {
        status = error_set(error, ERROR_BAD_INPUT, "an incremental snapshot needs signal.data.collection");
        error_remedy(error, "make a table with three columns, id, type and data, and name it in signal.data.collection");
        return status;
    }
    (void)snprintf(id, sizeof(id), "%s-%s", incremental->window, suffix);
    status = pg_connection_run_with(sql, arena_format(&incremental->chunk_arena, "INSERT INTO %s VALUES ($1, $2, $3)", table), 3, values,
                                    NULL, error);
    if (status != OK)
        error_context(error, "write to the signal table %s", table);
    return status;
}

static enum status open_window(struct incremental *incremental, struct error *error)
{
    struct uuid uuid = random_uuid();
    char opened[40];
    char data[80];

    uuid_to_hex(&uuid, incremental->window);
    incremental->is_open = false;
    incremental->opened_ns = clock_now_ns();
    instant_text(incremental->opened_ns, opened, sizeof(opened));
    (void)snprintf(data, sizeof(data), "{\"openWindowTimestamp\": \"%s\"}", opened);
    return write_row(incremental, "open", "snapshot-window-open", data, error);
}

static enum status close_window(struct incremental *incremental, struct error *error)
{
    char opened[40];
    char closed[40];
    char data[160];
    char id[UUID_HEX_SIZE + 8];
    const char *values[] = {id};

    if (deletes_windows(incremental)) {
        (void)snprintf(id, sizeof(id), "%s-open", incremental->window);
        return pg_connection_run_with(
            incremental->task->sql,
            arena_format(&incremental->chunk_arena, "DELETE FROM %s WHERE id = $1", signal_table(incremental, &incremental->chunk_arena)),
            1, values, NULL, error);
    }
    instant_text(incremental->opened_ns, opened, sizeof(opened));
    instant_text(clock_now_ns(), closed, sizeof(closed));
    (void)snprintf(data, sizeof(data), "{\"openWindowTimestamp\": \"%s\", \"closeWindowTimestamp\": \"%s\"}", opened, closed);
    return write_row(incremental, "close", "snapshot-window-close", data, error);
}

/* ---- Reading chunks ---- */

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
static enum status open_table(struct incremental *incremental, const char **how, struct error *error)
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
    table_clear(incremental);
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
    values_clear(values);
    values->known = true;
    values->count = incremental->key_count;
    for (size_t i = 0; i < incremental->key_count; i++) {
        int column = (int)incremental->key_columns[i];

        values->texts[i] = PQgetisnull(result, row, column) ? NULL : memory_copy_string(PQgetvalue(result, row, column));
    }
}

static enum status read_maximum(struct incremental *incremental, struct error *error)
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

static enum status encode_row(struct incremental *incremental, size_t at, const struct debezium_source *source, int64_t now_ns,
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

        status = encode_row(incremental, i, &source, clock_now_ns(), &output, error);
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
    values_clear(&incremental->before);
    incremental->before = incremental->last;
    memset(&incremental->last, 0, sizeof(incremental->last));
    take_key(incremental, incremental->chunk, (int)incremental->row_count - 1, &incremental->last);
    return index_rows(incremental, error);
}

/* Reads on until there are rows for the window, or no table is left. */
static enum status fill_window(struct incremental *incremental, struct error *error)
{
    enum status status = OK;

    while (status == OK && incremental->items != NULL && incremental->row_count == 0) {
        const char *how = NULL;

        status = open_table(incremental, &how, error);
        if (status == OK && how == NULL && !incremental->maximum.known) {
            status = read_maximum(incremental, error);
            if (status == OK && !incremental->maximum.known)
                how = "EMPTY";
        }
        if (status == OK && how == NULL) {
            status = select_chunk(incremental, error);
            if (status == OK)
                status = take_chunk(incremental, error);
            if (status == OK && incremental->row_count == 0)
                how = "SUCCEEDED";
            else if (status == OK)
                return tell_progress(incremental, error);
        }
        if (status == OK && how != NULL)
            status = next_table(incremental, how, error);
    }
    return status;
}

static enum status read_chunk(struct incremental *incremental, struct error *error)
{
    enum status status;

    chunk_clear(incremental);
    if (incremental->items == NULL || incremental->is_paused) {
        incremental->window[0] = '\0';
        return OK;
    }
    status = task_sql(incremental->task, error);
    if (status == OK)
        status = open_window(incremental, error);
    if (status == OK)
        status = fill_window(incremental, error);
    if (status == OK)
        status = close_window(incremental, error);
    if (status != OK && status != ERROR_CLOSED)
        error_context(error, "incremental snapshot");
    return status;
}

enum status incremental_go_on(struct incremental *incremental, struct error *error)
{
    return read_chunk(incremental, error);
}

/* ---- Signals ---- */

static const char *condition_for(const struct signal *signal, const char *name)
{
    for (size_t i = 0; i < signal->condition_count; i++) {
        struct regexes *regexes = NULL;
        bool matches = regexes_create_one(slice_from_string(signal->conditions[i].collection), REGEXES_IGNORE_CASE, &regexes, NULL) == OK &&
                       regexes_match(regexes, slice_from_string(name));

        regexes_destroy(regexes);
        if (matches)
            return signal->conditions[i].filter;
    }
    return NULL;
}

static bool is_listed(const struct incremental *incremental, const struct pg_catalog_table *table)
{
    for (const struct item *item = incremental->items; item != NULL; item = item->next) {
        if (strcmp(item->schema, table->schema) == 0 && strcmp(item->name, table->name) == 0)
            return true;
    }
    return false;
}

static void add_item(struct incremental *incremental, const struct pg_catalog_table *table, const struct signal *signal, const char *name)
{
    struct item **end = &incremental->items;
    struct item *item = memory_new(sizeof(*item));

    item->schema = memory_copy_string(table->schema);
    item->name = memory_copy_string(table->name);
    item->filter = memory_copy_string(condition_for(signal, name));
    item->surrogate = memory_copy_string(signal->surrogate_key);
    while (*end != NULL)
        end = &(*end)->next;
    *end = item;
}

/* The tables that the signal's patterns match, pattern by pattern. */
static enum status add_items(struct incremental *incremental, const struct signal *signal, struct error *error)
{
    struct task *task = incremental->task;
    struct pg_catalog_table *tables = NULL;
    struct arena arena;
    size_t count = 0;
    enum status status;

    arena_init(&arena, 4096);
    status = task_sql(task, error);
    if (status == OK)
        status = pg_catalog_tables(task->sql, task->config, &arena, &tables, &count, error);
    for (size_t i = 0; status == OK && i < signal->collection_count; i++) {
        struct regexes *regexes = NULL;
        struct error why;

        if (regexes_create_one(slice_from_string(signal->collections[i]), REGEXES_IGNORE_CASE, &regexes, &why) != OK) {
            LOG_WARNING("signal %s: %s connector=%s", signal->id, why.message, task->settings->connector);
            continue;
        }
        for (size_t t = 0; t < count; t++) {
            const char *name = arena_format(&arena, "%s.%s", tables[t].schema, tables[t].name);

            if (regexes_match(regexes, slice_from_string(name)) && !is_listed(incremental, &tables[t]))
                add_item(incremental, &tables[t], signal, name);
        }
        regexes_destroy(regexes);
    }
    arena_finish(&arena);
    return status;
}

enum status incremental_start(struct incremental *incremental, const struct signal *signal, struct error *error)
{
    bool was_running = incremental->items != NULL;
    enum status status = add_items(incremental, signal, error);

    if (status != OK || was_running || incremental->items == NULL)
        return status;
    memory_free(incremental->signal_id);
    incremental->signal_id = memory_copy_string(signal->id);
    incremental->is_paused = false;
    status = tell_started(incremental, error);
    return status == OK ? read_chunk(incremental, error) : status;
}

enum status incremental_stop(struct incremental *incremental, const struct signal *signal, struct error *error)
{
    struct item **at = &incremental->items;
    bool stopped_current = false;
    enum status status = OK;

    if (incremental->items == NULL)
        return OK;
    while (*at != NULL) {
        struct item *item = *at;
        char *name = memory_format("%s.%s", item->schema, item->name);
        bool matches = signal->collection_count == 0;

        for (size_t i = 0; i < signal->collection_count && !matches; i++) {
            struct regexes *regexes = NULL;

            matches = regexes_create_one(slice_from_string(signal->collections[i]), REGEXES_IGNORE_CASE, &regexes, NULL) == OK &&
                      regexes_match(regexes, slice_from_string(name));
            regexes_destroy(regexes);
        }
        memory_free(name);
        if (!matches) {
            at = &item->next;
        } else if (item == incremental->items) {
            stopped_current = true;
            if (status == OK)
                status = tell_scanned(incremental, "STOPPED", error);
            drop_first(incremental);
            at = &incremental->items;
        } else {
            *at = item->next;
            item_free(item);
        }
    }
    if (status == OK && incremental->items == NULL) {
        incremental->window[0] = '\0';
        return tell(incremental, "ABORTED", error);
    }
    return status == OK && stopped_current ? read_chunk(incremental, error) : status;
}

enum status incremental_pause(struct incremental *incremental, bool pause, struct error *error)
{
    enum status status;

    if (incremental->items == NULL || incremental->is_paused == pause)
        return OK;
    incremental->is_paused = pause;
    status = tell(incremental, pause ? "PAUSED" : "RESUMED", error);
    return status == OK && !pause && incremental->window[0] == '\0' ? read_chunk(incremental, error) : status;
}

/* ---- Windows ---- */

static bool is_window(const struct incremental *incremental, const char *id, const char *suffix)
{
    size_t length = strlen(incremental->window);

    return length > 0 && strncmp(id, incremental->window, length) == 0 && strcmp(id + length, suffix) == 0;
}

void incremental_open(struct incremental *incremental, const char *id)
{
    if (is_window(incremental, id, "-open"))
        incremental->is_open = true;
}

enum status incremental_close(struct incremental *incremental, const char *id, const struct debezium_source *source, struct error *error)
{
    struct debezium_source own = *source;
    enum status status = OK;

    if (!is_window(incremental, id, "-close") &&
        !(deletes_windows(incremental) && incremental->is_open && is_window(incremental, id, "-open")))
        return OK;
    own.snapshot = SNAPSHOT_INCREMENTAL;
    own.xid = own.xmin = -1;
    own.origin = NULL;
    own.origin_lsn = 0;
    for (size_t i = 0; status == OK && i < incremental->row_count; i++) {
        struct debezium_output output;

        if (incremental->rows[i].is_old)
            continue;
        own.time_ns = clock_now_ns();
        status = encode_row(incremental, i, &own, own.time_ns, &output, error);
        incremental->task->status->rows += status == OK && output.count > 0;
        if (status == OK)
            status = task_add(incremental->task, &output, own.time_ns, error);
    }
    incremental->window[0] = '\0';
    incremental->is_open = false;
    return status == OK ? read_chunk(incremental, error) : status;
}

void incremental_seen(struct incremental *incremental, const char *topic, struct slice key)
{
    struct chunk_row *row;

    if (!incremental->is_open || incremental->row_count == 0 || slice_is_null(key))
        return;
    row = map_get(&incremental->by_key, topic_key(&incremental->scratch, topic, key));
    if (row != NULL)
        row->is_old = true;
}
