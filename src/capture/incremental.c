#include "capture/incremental_internal.h"

#include "base/banned.h"
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
#define STATE_VERSION 2
#define STATE_VERSION_UNLIMITED 1 /* without a limit of load */
#define LOAD_UNITS 1000000      /* a share of 1 in a state */
#define REST_MS_MAX 60000       /* even then a chunk a minute */
#define STATE_BYTES_MAX (32 * 1024)

/* ---- Life ---- */

static void item_free(struct item *item)
{
    memory_free(item->schema);
    memory_free(item->name);
    memory_free(item->filter);
    memory_free(item->surrogate);
    memory_free(item);
}

static void drop_first(struct incremental *incremental)
{
    struct item *first = incremental->items;

    chunk_clear_table(incremental);
    key_values_clear(&incremental->last);
    key_values_clear(&incremental->maximum);
    key_values_clear(&incremental->before);
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
    buffer_append_u32(out, (uint32_t)(incremental->load_max * LOAD_UNITS));
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
    uint8_t version;

    if (state.size == 0)
        return;
    version = read_u8(&in);
    if (version != STATE_VERSION && version != STATE_VERSION_UNLIMITED)
        return;
    if (version == STATE_VERSION)
        incremental->load_max = (double)read_u32(&in) / LOAD_UNITS;
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
    buffer_init(&incremental->scratch, STATEMENT_BYTES_MAX);
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
    chunk_clear_table(incremental);
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

/* For those who look. */
static void progress_show(struct incremental *incremental)
{
    struct capture_status *status = incremental->task->status;

    status->incremental_tables = 0;
    for (const struct item *item = incremental->items; item != NULL; item = item->next)
        status->incremental_tables++;
    status->incremental_rows = incremental->scanned;
    status->incremental_is_paused = incremental->is_paused;
    status->incremental_load_max = incremental->load_max;
    status->incremental_load = incremental->began_ns == 0 ? 0 : (double)incremental->worked_ns / (double)(clock_monotonic_ns() - incremental->began_ns + 1);
    (void)snprintf(status->incremental_id, sizeof(status->incremental_id), "%s", incremental->signal_id == NULL ? "" : incremental->signal_id);
    if (incremental->items != NULL)
        (void)snprintf(status->incremental_table, sizeof(status->incremental_table), "%s.%s", incremental->items->schema, incremental->items->name);
    incremental->task->report(incremental->task->context);
}

static enum status tell(struct incremental *incremental, const char *type, struct error *error)
{
    struct notice notice = {.id = incremental->signal_id, .type = type, .aggregate = NOTIFY_INCREMENTAL};

    progress_show(incremental);
    return notify(incremental->task, &notice, error);
}

static enum status tell_started(struct incremental *incremental, struct error *error)
{
    struct arena arena;
    struct notice notice = {.id = incremental->signal_id, .type = "STARTED", .aggregate = NOTIFY_INCREMENTAL};
    enum status status;

    progress_show(incremental);
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

    progress_show(incremental);
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

/* For those who look: which table was not read to its end, after how many rows, and what PostgreSQL said. The first failure stays. */
static void failure_note(struct incremental *incremental, const struct error *why)
{
    char *text = incremental->task->status->incremental_error;

    if (text[0] == '\0' && incremental->items != NULL)
        (void)snprintf(text, sizeof(incremental->task->status->incremental_error), "%s.%s stopped after %lld rows: %.*s", incremental->items->schema, incremental->items->name,
                       (long long)incremental->scanned, (int)strcspn(why->message, "\n"), why->message);
}

/* Reads the next rows of the first table. how: why there are none, as notifications name it, or NULL. */
static enum status read_rows(struct incremental *incremental, const char **how, struct error *error)
{
    struct error why;
    enum status status = chunk_open_table(incremental, how, &why);

    if (status == OK && *how == NULL && !incremental->maximum.known) {
        status = chunk_read_maximum(incremental, &why);
        if (status == OK && !incremental->maximum.known)
            *how = "EMPTY";
    }
    if (status == OK && *how == NULL) {
        status = chunk_read(incremental, &why);
        if (status == OK && incremental->row_count == 0)
            *how = "SUCCEEDED";
    }
    /* What PostgreSQL refuses for one table, a wrong condition or a missing right, must not hold the stream up. */
    if (status == ERROR_DATABASE) {
        LOG_WARNING("incremental snapshot of %s.%s ends: %s connector=%s", incremental->items->schema, incremental->items->name,
                    why.message, incremental->task->settings->connector);
        failure_note(incremental, &why);
        *how = "SQL_EXCEPTION";
        return OK;
    }
    if (status != OK && error != NULL)
        *error = why;
    return status;
}

/* Reads on until there are rows for the window, or no table is left. */
static enum status fill_window(struct incremental *incremental, struct error *error)
{
    enum status status = OK;

    while (status == OK && incremental->items != NULL) {
        const char *how = NULL;

        status = read_rows(incremental, &how, error);
        if (status == OK && how == NULL)
            return tell_progress(incremental, error);
        if (status == OK)
            status = next_table(incremental, how, error);
    }
    return status;
}

/* Without the signal table there is no incremental snapshot; the stream goes on. */
static enum status give_up(struct incremental *incremental, const struct error *why, struct error *error)
{
    LOG_WARNING("incremental snapshot ends: %s connector=%s", why->message, incremental->task->settings->connector);
    failure_note(incremental, why);
    while (incremental->items != NULL)
        drop_first(incremental);
    incremental->window[0] = '\0';
    return tell(incremental, "ABORTED", error);
}

int64_t incremental_rest_after_ns(int64_t worked_ns, double load_max)
{
    double rest_ns = load_max > 0 && load_max < 1 ? (double)worked_ns * (1 / load_max - 1) : 0;

    return rest_ns < (double)(REST_MS_MAX * NS_PER_MS) ? (int64_t)rest_ns : REST_MS_MAX * NS_PER_MS;
}

static enum status read_chunk(struct incremental *incremental, struct error *error)
{
    int64_t began_ns = clock_monotonic_ns(), now_ns;
    struct error why;
    enum status status;

    chunk_clear(incremental);
    incremental->rest_until_ms = 0;
    if (incremental->items == NULL || incremental->is_paused) {
        incremental->window[0] = '\0';
        return OK;
    }
    status = task_sql(incremental->task, error);
    if (status != OK)
        return status;
    status = open_window(incremental, &why);
    if (status == OK)
        status = fill_window(incremental, &why);
    if (status == OK)
        status = close_window(incremental, &why);
    now_ns = clock_monotonic_ns();
    if (incremental->began_ns == 0)
        incremental->began_ns = began_ns;
    incremental->worked_ns += now_ns - began_ns;
    incremental->rest_until_ms = (now_ns + incremental_rest_after_ns(now_ns - began_ns, incremental->load_max)) / NS_PER_MS;
    if (status == ERROR_DATABASE)
        return give_up(incremental, &why, error);
    if (status != OK && error != NULL) {
        *error = why;
        if (status != ERROR_CLOSED)
            error_context(error, "incremental snapshot");
    }
    return status;
}

/* The chunk is published, and does not have to be read again: reads the next one, or rests first. */
static enum status go_on(struct incremental *incremental, struct error *error)
{
    chunk_clear(incremental);
    if (incremental->rest_until_ms > clock_monotonic_ms())
        return OK;
    return read_chunk(incremental, error);
}

/* Nothing is under way, nothing was asked to wait, and there is something to read. */
static bool is_resting(const struct incremental *incremental)
{
    return incremental->items != NULL && !incremental->is_paused && incremental->window[0] == '\0' && incremental->rest_until_ms != 0;
}

int64_t incremental_rest_ms(const struct incremental *incremental, int64_t now_ms)
{
    if (!is_resting(incremental))
        return -1;
    return incremental->rest_until_ms > now_ms ? incremental->rest_until_ms - now_ms : 0;
}

enum status incremental_rested(struct incremental *incremental, int64_t now_ms, struct error *error)
{
    return incremental_rest_ms(incremental, now_ms) == 0 ? read_chunk(incremental, error) : OK;
}

void incremental_limit(struct incremental *incremental, double load_max)
{
    if (load_max <= 0 || incremental->items == NULL || load_max == incremental->load_max)
        return;
    incremental->load_max = load_max;
    incremental->worked_ns = incremental->began_ns = 0;
    if (incremental->rest_until_ms != 0)
        incremental->rest_until_ms = clock_monotonic_ms(); /* the rest was by the old limit */
    progress_show(incremental);
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
    incremental->load_max = signal->load_max;
    incremental->worked_ns = incremental->began_ns = 0;
    incremental->task->status->incremental_error[0] = '\0';
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
        status = chunk_encode(incremental, i, &own, own.time_ns, &output, error);
        incremental->task->status->rows += status == OK && output.count > 0;
        if (status == OK)
            status = task_add(incremental->task, &output, own.time_ns, error);
    }
    incremental->window[0] = '\0';
    incremental->is_open = false;
    return status == OK ? go_on(incremental, error) : status;
}

void incremental_seen(struct incremental *incremental, const char *topic, struct slice key)
{
    struct chunk_row *row;

    if (!incremental->is_open || incremental->row_count == 0 || slice_is_null(key))
        return;
    row = chunk_find(incremental, topic, key);
    if (row != NULL)
        row->is_old = true;
}
