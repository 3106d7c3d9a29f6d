/* See task.h, snapshot_run, and progress.h for how it goes on after a crash. */
#include "capture/snapshot_internal.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "capture/notify.h"
#include "capture/snapshot_book.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"

#define LOG_SUBSYSTEM "capture"
#define SNAPSHOT_TEXT_MAX 32768 /* a longer list of transactions does not fit into the position */
#define XID_EPOCH (UINT64_C(1) << 32)

/* ---- What an earlier attempt left ---- */

/* Changes when the configuration may have another set of tables, or other rows of them. */
static uint32_t config_hash(const struct capture_settings *settings)
{
    static const char *const keys[] = {"database.hostname",   "database.port",          "database.dbname",
                                       "schema.include.list", "schema.exclude.list",    "table.include.list",
                                       "table.exclude.list",  "signal.data.collection", "snapshot.include.collection.list",
                                       "table.ignore.builtin"};
    uint32_t hash = 0;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *value = properties_get(&settings->values, keys[i]);

        hash = hash * 31 + (value == NULL ? 0 : crc32c(0, slice_from_string(value)) + 1);
    }
    for (size_t i = 0; i < settings->values.count; i++) {
        const struct property *property = &settings->values.items[i];

        if (strncmp(property->key, "snapshot.select.statement.overrides", strlen("snapshot.select.statement.overrides")) == 0 &&
            property->value != NULL)
            hash += crc32c(crc32c(0, slice_from_string(property->key)), slice_from_string(property->value));
    }
    return hash;
}

/* Can the snapshot that the position tells of be continued? False: it has to begin again. */
static bool snapshot_can_go_on(const struct task *task)
{
    struct progress progress;

    return task->position.progress.size > 0 && progress_read(task->position.progress, &progress) && progress.snapshot.size > 0 &&
           progress.config_hash == config_hash(task->settings) && task->slot.exists && !task->slot_is_new;
}

/* ---- The transaction ---- */

static enum status set_transaction(struct snapshot *snapshot, const char *how, struct error *error)
{
    char sql[512];

    /* A row's place tells how far we are, so tables are read front to back by one process. */
    (void)snprintf(sql, sizeof(sql), "BEGIN; %s; SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0", how);
    return pg_connection_run(snapshot->task->sql, sql, NULL, error);
}

/* A slot of a second connection that lives for a moment: its exported snapshot and LSN belong together. */
static enum status begin_at_temporary_slot(struct snapshot *snapshot, struct error *error)
{
    struct task *task = snapshot->task;
    struct pg_connection *connection = NULL;
    struct slot_created created;
    char name[64];
    char how[200];
    uint32_t number;
    enum status status;

    random_bytes(&number, sizeof(number));
    (void)snprintf(name, sizeof(name), "tailrace_snapshot_%08x", number);
    status = pg_connection_open(task->settings, CONNECTION_REPLICATION, "Debezium Streaming", NULL, task->stop_fd, &connection, error);
    if (status == OK)
        status = slot_create(connection, task->sql, task->settings, name, true, &created, error);
    if (status == OK) {
        (void)snprintf(how, sizeof(how), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '%s'",
                       created.snapshot);
        status = set_transaction(snapshot, how, error);
        snapshot->progress.lsn = created.consistent_lsn;
    }
    pg_connection_close(connection);
    return status;
}

static enum status begin_transaction(struct snapshot *snapshot, struct error *error)
{
    static const char *const isolations[] = {"SERIALIZABLE, READ ONLY, DEFERRABLE", "REPEATABLE READ, READ ONLY",
                                             "READ COMMITTED, READ ONLY", "READ UNCOMMITTED, READ ONLY"};
    struct task *task = snapshot->task;
    char how[200];

    if (snapshot->is_continued)
        return set_transaction(snapshot, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", error);
    if (task->slot_is_new && snapshot->request == NULL) {
        (void)snprintf(how, sizeof(how), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '%s'",
                       task->created.snapshot);
        snapshot->progress.lsn = task->created.consistent_lsn;
        return set_transaction(snapshot, how, error);
    }
    if (snapshot->request == NULL && capture_settings_streams(task->settings))
        return begin_at_temporary_slot(snapshot, error);
    (void)snprintf(how, sizeof(how), "SET TRANSACTION ISOLATION LEVEL %s", isolations[task->settings->isolation]);
    return set_transaction(snapshot, how, error);
}

/* LSN, transaction id, time and visible transactions of a snapshot that begins. */
static enum status read_facts(struct snapshot *snapshot, struct error *error)
{
    struct pg_connection *sql = snapshot->task->sql;
    PGresult *result = NULL;
    char query[600];
    enum status status;

    (void)snprintf(
        query, sizeof(query),
        "SELECT (extract(epoch FROM CURRENT_TIMESTAMP) * 1000000)::bigint, %s, "
        "CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.txid_current() END, "
        "CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn() ELSE pg_catalog.pg_current_wal_lsn() END",
        sql->version >= 130000 ? "pg_catalog.pg_current_snapshot()" : "''");
    status = pg_connection_run(sql, query, &result, error);
    if (status == OK) {
        const char *seen = PQgetvalue(result, 0, 1);

        snapshot->progress.time_us = pg_result_number(result, 0, 0, 0);
        snapshot->progress.xid = pg_result_number(result, 0, 2, -1);
        if (snapshot->progress.lsn == 0)
            snapshot->progress.lsn = pg_result_lsn(result, 0, 3);
        if (strlen(seen) <= SNAPSHOT_TEXT_MAX)
            buffer_append_string(&snapshot->snapshot_text, seen);
        snapshot->progress.snapshot = buffer_slice(&snapshot->snapshot_text);
    }
    PQclear(result);
    return status;
}

/*
 * A row's xmin is 32 bits of a 64-bit transaction id. The upper half is only sure while no id has ever gone round; after that
 * a row could be left out by mistake, and the snapshot begins again instead.
 */
static enum status check_epoch(struct snapshot *snapshot, bool *usable, struct error *error)
{
    PGresult *result = NULL;
    enum status status =
        pg_connection_run(snapshot->task->sql, "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())", &result, error);

    if (status == OK)
        *usable = pg_result_number(result, 0, 0, INT64_MAX) < (int64_t)XID_EPOCH;
    PQclear(result);
    return status;
}

static enum status begin(struct snapshot *snapshot, struct error *error)
{
    struct task *task = snapshot->task;
    bool usable = true;
    enum status status;

    snapshot->is_continued = snapshot->request == NULL && snapshot_can_go_on(task);
    if (snapshot->is_continued) {
        buffer_append_slice(&snapshot->continued_bytes, task->position.progress);
        (void)progress_read(buffer_slice(&snapshot->continued_bytes), &snapshot->progress);
        status = begin_transaction(snapshot, error);
        if (status == OK)
            status = check_epoch(snapshot, &usable, error);
        if (status != OK)
            return status;
        if (usable) {
            snapshot->any_row = snapshot->progress.rows > 0;
            task->status->snapshot_rows = (int64_t)snapshot->progress.rows;
            return OK;
        }
        status = pg_connection_run(task->sql, "ROLLBACK", NULL, error);
        if (status != OK)
            return status;
        snapshot->is_continued = false;
    }
    memset(&snapshot->progress, 0, sizeof(snapshot->progress));
    snapshot->progress.config_hash = config_hash(task->settings);
    status = begin_transaction(snapshot, error);
    if (status == OK)
        status = read_facts(snapshot, error);
    return status;
}

bool snapshot_matches(const char *pattern, const char *name)
{
    struct regexes *regexes = NULL;
    bool matches = regexes_create_one(slice_from_string(pattern), REGEXES_IGNORE_CASE, &regexes, NULL) == OK &&
                   regexes_match(regexes, slice_from_string(name));

    regexes_destroy(regexes);
    return matches;
}

static bool is_requested(const struct signal *request, const char *name)
{
    for (size_t i = 0; i < request->collection_count; i++) {
        if (snapshot_matches(request->collections[i], name))
            return true;
    }
    return false;
}

static enum status list_tables(struct snapshot *snapshot, struct error *error)
{
    struct task *task = snapshot->task;
    size_t kept = 0;
    enum status status;

    snapshot->names = "";
    status = regexes_create(task->settings->snapshot_include, REGEXES_IGNORE_CASE, &snapshot->included, error);
    if (status == OK)
        status = pg_catalog_tables(task->sql, task->config, &snapshot->arena, &snapshot->tables, &snapshot->table_count, error);
    for (size_t i = 0; status == OK && i < snapshot->table_count; i++) {
        const struct pg_catalog_table *table = &snapshot->tables[i];
        const char *name = arena_format(&snapshot->arena, "%s.%s", table->schema, table->name);

        if (snapshot->request != NULL
                ? !is_requested(snapshot->request, name)
                : regexes_count(snapshot->included) > 0 && !regexes_match(snapshot->included, slice_from_string(name)))
            continue;
        snapshot->names = arena_format(&snapshot->arena, "%s%s%s", snapshot->names, kept == 0 ? "" : ",", name);
        snapshot->tables[kept++] = *table;
    }
    snapshot->table_count = kept;
    return status;
}

static enum status lock_tables(struct snapshot *snapshot, struct error *error)
{
    struct task *task = snapshot->task;
    enum status status = OK;

    if (!task->settings->lock_shared)
        return OK;
    status = pg_connection_run(task->sql,
                               arena_format(&snapshot->arena, "SET LOCAL lock_timeout = %lld", (long long)task->settings->lock_timeout_ms),
                               NULL, error);
    for (size_t i = 0; status == OK && i < snapshot->table_count; i++)
        status = pg_connection_run(task->sql,
                                   arena_format(&snapshot->arena, "LOCK TABLE %s.%s IN ACCESS SHARE MODE",
                                                pg_connection_quote(&snapshot->arena, snapshot->tables[i].schema),
                                                pg_connection_quote(&snapshot->arena, snapshot->tables[i].name)),
                                   NULL, error);
    return status;
}

/* ---- Publishing ---- */

static void set_position(struct snapshot *snapshot, bool is_last)
{
    struct position *position = &snapshot->task->position;

    if (snapshot->request != NULL) { /* the stream's position stays; only its offset shows that a snapshot is under way */
        position->snapshot = is_last ? POSITION_STREAMING : POSITION_BLOCKING;
        position->last_snapshot_record = position->snapshot_completed = 0;
        return;
    }
    memset(position, 0, sizeof(*position));
    position->resume_lsn = snapshot->progress.lsn;
    if (snapshot->any_row) {
        position->lsn = snapshot->progress.lsn;
        position->tx_id = snapshot->progress.xid < 0 ? 0 : (uint64_t)snapshot->progress.xid;
        position->time_us = (uint64_t)snapshot->progress.time_us;
        position->snapshot = POSITION_INITIAL;
        position->last_snapshot_record = position->snapshot_completed = is_last;
    }
    if (is_last)
        return;
    buffer_reset(&snapshot->progress_bytes);
    progress_write(&snapshot->progress, &snapshot->progress_bytes);
    position->progress = buffer_slice(&snapshot->progress_bytes);
}

enum status snapshot_publish(struct snapshot *snapshot, bool is_last, struct error *error)
{
    struct task *task = snapshot->task;
    enum status status;

    set_position(snapshot, is_last);
    status = task_publish(task, error);
    if (status == OK && task->breathe != NULL)
        status = task->breathe(task->breathe_context, error);
    if (status == OK) {
        task_report_failures(task);
        if (!is_last)
            snapshot_book_rows(task->book, snapshot->table_at, snapshot->readers[snapshot->current].rows, false);
        task->report(task->context);
        if (task_is_stopped(task) && !is_last)
            status = error_set(error, ERROR_CLOSED, "stopped");
    }
    return status;
}

/* ---- The whole ---- */

bool snapshot_is_current(const struct snapshot *snapshot, const struct pg_catalog_table *table)
{
    return slice_equal_string(snapshot->progress.schema, table->schema) && slice_equal_string(snapshot->progress.table, table->name);
}

/* The first table that is not done: the one under way or, when that is gone, the next in the order. */
static size_t first_table(const struct snapshot *snapshot)
{
    const struct debezium_config *config = snapshot->task->config;
    char *schema = memory_copy_bytes(snapshot->progress.schema.data, snapshot->progress.schema.size);
    char *name = memory_copy_bytes(snapshot->progress.table.data, snapshot->progress.table.size);
    size_t rank = schema == NULL ? 0 : debezium_config_table_rank(config, schema, name);
    size_t first = 0;

    while (snapshot->is_continued && schema != NULL && first < snapshot->table_count) {
        const struct pg_catalog_table *table = &snapshot->tables[first];
        size_t table_rank = debezium_config_table_rank(config, table->schema, table->name);
        int order = table_rank != rank ? (table_rank < rank ? -1 : 1) : strcmp(table->schema, schema);

        if (order == 0)
            order = strcmp(table->name, name);
        if (order >= 0)
            break;
        first++;
    }
    memory_free(schema);
    memory_free(name);
    return first;
}

static enum status tell(struct snapshot *snapshot, const char *type, struct error *error)
{
    struct notice notice = {.type = type, .aggregate = NOTIFY_INITIAL};

    return notify(snapshot->task, &notice, error);
}

static enum status tell_table(struct snapshot *snapshot, const struct pg_catalog_table *table, bool is_done, int64_t rows,
                              struct error *error)
{
    struct notice notice = {.type = is_done ? "TABLE_SCAN_COMPLETED" : "IN_PROGRESS", .aggregate = NOTIFY_INITIAL};
    char name[300];
    char count[24];

    (void)snprintf(name, sizeof(name), "%s.%s", table->schema, table->name);
    (void)snprintf(count, sizeof(count), "%lld", (long long)rows);
    notice.data[0][0] = "data_collections";
    notice.data[0][1] = snapshot->names;
    notice.data[1][0] = is_done ? "scanned_collection" : "current_collection_in_progress";
    notice.data[1][1] = name;
    if (is_done) {
        notice.data[2][0] = "total_rows_scanned";
        notice.data[2][1] = count;
        notice.data[3][0] = "status";
        notice.data[3][1] = "SUCCEEDED";
    }
    return notify(snapshot->task, &notice, error);
}

static enum status read_tables(struct snapshot *snapshot, struct error *error)
{
    struct task *task = snapshot->task;
    size_t first = first_table(snapshot);
    enum status status = tell(snapshot, "STARTED", error);

    task->status->snapshot_tables = (int64_t)snapshot->table_count;
    for (size_t i = 0; i < snapshot->table_count; i++) {
        snapshot_book_add(task->book, snapshot->tables[i].schema, snapshot->tables[i].name, snapshot->tables[i].rows_about);
        if (i < first) /* before the interruption */
            snapshot_book_rows(task->book, i, 0, true);
    }
    for (size_t i = first; status == OK && i < snapshot->table_count; i++) {
        snapshot->table_at = i;
        task->status->snapshot_tables_done = (int64_t)i;
        task->report(task->context);
        status = tell_table(snapshot, &snapshot->tables[i], false, 0, error);
        if (status == OK)
            status = snapshot_read_table(snapshot, &snapshot->tables[i], error);
        if (status == OK) {
            snapshot_book_rows(task->book, i, snapshot->readers[snapshot->current].rows, true);
            status = tell_table(snapshot, &snapshot->tables[i], true, snapshot->readers[snapshot->current].rows, error);
        }
    }
    if (status == OK)
        status = snapshot_encode_held(snapshot, true, error);
    if (status == OK)
        status = tell(snapshot, "COMPLETED", error);
    if (status == OK)
        status = snapshot_publish(snapshot, true, error);
    if (status == OK) {
        task->status->snapshot_tables_done = (int64_t)snapshot->table_count;
        task->status->snapshot_ended_ms = clock_now_ms();
    }
    return status;
}

static void snapshot_finish(struct snapshot *snapshot)
{
    snapshot_close_readers(snapshot);
    regexes_destroy(snapshot->included);
    buffer_finish(&snapshot->snapshot_text);
    buffer_finish(&snapshot->continued_bytes);
    buffer_finish(&snapshot->progress_bytes);
    arena_finish(&snapshot->arena);
}

static void snapshot_init(struct snapshot *snapshot, struct task *task)
{
    memset(snapshot, 0, sizeof(*snapshot));
    snapshot->task = task;
    arena_init(&snapshot->arena, 4096);
    arena_init(&snapshot->table_arena[0], 4096);
    arena_init(&snapshot->table_arena[1], 4096);
    buffer_init(&snapshot->snapshot_text, SNAPSHOT_TEXT_MAX);
    buffer_init(&snapshot->continued_bytes, 64 * 1024);
    buffer_init(&snapshot->progress_bytes, 64 * 1024);
    task->status->snapshot_rows = task->status->snapshot_tables = task->status->snapshot_tables_done = 0;
    task->status->snapshot_started_ms = clock_now_ms();
    task->status->snapshot_ended_ms = 0;
    task->status->snapshot_is_blocking = false;
    snapshot_book_clear(task->book);
}

static enum status run(struct snapshot *snapshot, struct error *error)
{
    struct task *task = snapshot->task;
    int64_t start = clock_monotonic_ms();
    enum status status = begin(snapshot, error);

    if (status == OK)
        status = list_tables(snapshot, error);
    if (status == OK)
        status = lock_tables(snapshot, error);
    if (status == OK) {
        LOG_INFO("snapshot of %zu table%s %s connector=%s", snapshot->table_count, snapshot->table_count == 1 ? "" : "s",
                 snapshot->is_continued ? "goes on where it was interrupted" : "begins", task->settings->connector);
        snapshot->source.time_ns = snapshot->progress.time_us * NS_PER_US;
        if (snapshot->request == NULL) {
            snapshot->source.lsn = snapshot->progress.lsn;
            snapshot->source.xid = snapshot->progress.xid;
        }
        snapshot->source.xmin = -1;
        status = read_tables(snapshot, error);
    }
    if (status == OK)
        status = pg_connection_run(task->sql, "ROLLBACK", NULL, error);
    if (status == OK)
        LOG_INFO("snapshot of %zu table%s and %lld rows done in %lld ms connector=%s", snapshot->table_count, snapshot->table_count == 1 ? "" : "s",
                 (long long)task->status->snapshot_rows, (long long)(clock_monotonic_ms() - start), task->settings->connector);
    return status;
}

enum status snapshot_run(struct task *task, struct error *error)
{
    struct snapshot snapshot;
    enum status status;

    snapshot_init(&snapshot, task);
    task->status->state = CAPTURE_SNAPSHOT;
    memset(&task->status->error, 0, sizeof(task->status->error));
    task->report(task->context);
    status = run(&snapshot, error);
    /* The position points into our memory only while a snapshot is under way. */
    task->position.progress = slice_null();
    snapshot_finish(&snapshot);
    return status;
}

enum status snapshot_run_blocking(struct task *task, const struct signal *signal, const struct debezium_source *source, struct error *error)
{
    struct snapshot snapshot;
    enum status status = task_sql(task, error);

    if (status != OK)
        return status;
    snapshot_init(&snapshot, task);
    snapshot.request = signal;
    snapshot.source = *source;
    task->status->snapshot_is_blocking = true;
    task->status->state = CAPTURE_SNAPSHOT;
    task->report(task->context);
    status = run(&snapshot, error);
    if (status == ERROR_DATABASE) { /* a wrong condition or a missing right must not hold the stream up */
        LOG_WARNING("blocking snapshot %s ends: %s connector=%s", signal->id, error == NULL ? "" : error->message,
                    task->settings->connector);
        task->status->snapshot_ended_ms = clock_now_ms();
        status = pg_connection_run(task->sql, "ROLLBACK", NULL, error);
        if (status == OK)
            status = tell(&snapshot, "ABORTED", error);
    }
    task->status->state = CAPTURE_STREAMING;
    task->report(task->context);
    snapshot_finish(&snapshot);
    return status;
}
