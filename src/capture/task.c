#include "capture/task.h"

#include "base/banned.h"
#include "base/time.h"
#include "capture/notify.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"
#include "wire/postgres/pgoutput.h"

#include <poll.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "capture"
#define SLOT_FREE_WAIT_MS 8000 /* how long a slot that another walsender still holds is waited for: ours, of before a crash, ends soon */
#define SLOT_FREE_STEP_MS 100
#define OLDEST_SERVER 100000 /* pgoutput came with PostgreSQL 10 */

bool task_is_stopped(const struct task *task)
{
    struct pollfd fd = {.fd = task->stop_fd, .events = POLLIN};

    return poll(&fd, 1, 0) > 0;
}

/* Waits, or gives CLOSED when stopped meanwhile. */
static enum status task_wait(const struct task *task, int64_t wait_ms, struct error *error)
{
    struct pollfd fd = {.fd = task->stop_fd, .events = POLLIN};

    if (poll(&fd, 1, (int)wait_ms) > 0)
        return error_set(error, ERROR_CLOSED, "stopped");
    return OK;
}

/* ---- Helpers of the parts ---- */

enum status task_sql(struct task *task, struct error *error)
{
    if (task->sql != NULL && PQstatus(task->sql->pg) == CONNECTION_OK)
        return OK;
    pg_connection_close(task->sql);
    task->sql = NULL;
    return pg_connection_open(task->settings, CONNECTION_SQL, "Debezium General", NULL, task->stop_fd, &task->sql, error);
}

static void widen(uint64_t *first, uint64_t *last, uint64_t value)
{
    if (value == 0)
        return;
    if (*first == 0 || value < *first)
        *first = value;
    if (value > *last)
        *last = value;
}

/* For those who trace a row: what stands in the position is of the record that is being added. */
static void stamp_widen(struct log_stamp *stamp, const struct position *position, int64_t now_us)
{
    widen(&stamp->first_lsn, &stamp->last_lsn, position->lsn);
    widen(&stamp->first_xid, &stamp->last_xid, position->tx_id);
    if (position->time_us != 0) {
        if (stamp->first_committed_us == 0 || (int64_t)position->time_us < stamp->first_committed_us)
            stamp->first_committed_us = (int64_t)position->time_us;
        if ((int64_t)position->time_us > stamp->last_committed_us)
            stamp->last_committed_us = (int64_t)position->time_us;
    }
    if (stamp->first_received_us == 0)
        stamp->first_received_us = now_us;
    stamp->last_received_us = now_us;
}

enum status task_add(struct task *task, const struct debezium_output *records, int64_t now_ns, struct error *error)
{
    stamp_widen(&task->stamp, &task->position, now_ns / NS_PER_US);
    return output_add(task->output, records, now_ns / NS_PER_MS, error);
}

enum status task_publish(struct task *task, struct error *error)
{
    enum status status;

    output_stamp(task->output, &task->stamp);
    task->stamp = (struct log_stamp){0};
    status = output_publish(task->output, &task->position, error);
    if (status == OK)
        schemas_write(task->schemas);
    if (status == OK && task->position.resume_lsn > task->status->appended_lsn)
        task->status->appended_lsn = task->position.resume_lsn;
    if (task->status->received_lsn < task->status->appended_lsn)
        task->status->received_lsn = task->status->appended_lsn;
    return status;
}

void task_report_failures(struct task *task)
{
    struct debezium_failures failures = debezium_encoder_take_failures(task->encoder);

    if (failures.count > 0)
        LOG_WARNING("values could not be converted and were written as null: the first in column %s.%s.%s connector=%s", failures.schema,
                    failures.table, failures.column, task->settings->connector);
}

/* ---- Checks ---- */

static enum status check_server(struct task *task, struct error *error)
{
    PGresult *result = NULL;
    enum status status;

    if (task->sql->version < OLDEST_SERVER)
        return error_set(error, ERROR_BAD_INPUT, "PostgreSQL %d.%d has no plugin pgoutput; version 10 or later is needed",
                         task->sql->version / 10000, task->sql->version / 100 % 100);
    if (!capture_settings_streams(task->settings))
        return OK;
    status = pg_connection_run(task->sql, "SHOW wal_level", &result, error);
    if (status == OK && strcmp(PQgetvalue(result, 0, 0), "logical") != 0) {
        status = error_set(error, ERROR_UNAVAILABLE, "Postgres server wal_level property must be 'logical' but is: '%s'",
                           PQgetvalue(result, 0, 0));
        error_remedy(error, "run ALTER SYSTEM SET wal_level = logical and restart PostgreSQL; the connector goes on by itself then");
    }
    PQclear(result);
    return status;
}

static enum status refuse_slot(const struct task *task, struct error *error)
{
    const struct slot *slot = &task->slot;

    (void)error_set(error, ERROR_CONFLICT,
                    "Creation of replication slot failed: replication slot %s exists already, with plugin '%s' for database '%s'",
                    task->settings->slot, slot->plugin, slot->database);
    error_remedy(error, "use another slot.name, or drop that slot if nobody needs it: SELECT pg_drop_replication_slot('%s')",
                 task->settings->slot);
    return ERROR_CONFLICT;
}

static enum status refuse_lost_slot(const struct task *task, struct error *error)
{
    (void)error_set(error, ERROR_CONFLICT,
                    "replication slot %s is lost: PostgreSQL has removed WAL that the slot needs (wal_status = lost)",
                    task->settings->slot);
    error_remedy(error,
                 "drop the slot (SELECT pg_drop_replication_slot('%s')) and restart the connector with snapshot.mode=when_needed, which "
                 "reads the tables "
                 "anew; raise max_slot_wal_keep_size",
                 task->settings->slot);
    return ERROR_CONFLICT;
}

/* Reads the slot; when another walsender holds it, waits a little for it to go. */
static enum status find_slot(struct task *task, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + SLOT_FREE_WAIT_MS;
    enum status status = slot_read(task->sql, task->settings->slot, &task->slot, error);

    while (status == OK && task->slot.exists && task->slot.is_active && clock_monotonic_ms() < deadline) {
        status = task_wait(task, SLOT_FREE_STEP_MS, error);
        if (status == OK)
            status = slot_read(task->sql, task->settings->slot, &task->slot, error);
    }
    if (status != OK || !task->slot.exists)
        return status;
    if (!task->slot.is_ours)
        return refuse_slot(task, error);
    if (task->slot.is_lost && task->settings->snapshot_mode != MODE_WHEN_NEEDED)
        return refuse_lost_slot(task, error);
    if (task->slot.is_active) {
        (void)error_set(error, ERROR_UNAVAILABLE, "replication slot \"%s\" is active for PID %d", task->settings->slot,
                        task->slot.active_pid);
        error_remedy(error,
                     "another program reads this slot: stop it, or give this connector a slot.name of its own; SELECT "
                     "pg_terminate_backend(%d) ends it",
                     task->slot.active_pid);
        return ERROR_UNAVAILABLE;
    }
    return OK;
}

/* ---- Stored position against the slot's ---- */

static bool has_position(const struct task *task)
{
    return task->position.resume_lsn != 0;
}

/*
 * Is what follows our position still there? The slot may not have been confirmed past it by somebody else, since what lies
 * between would be lost without a word.
 */
static bool position_is_lost(const struct task *task)
{
    bool trusted = task->settings->mismatch == MISMATCH_TRUST_SLOT || task->settings->mismatch == MISMATCH_TRUST_GREATER || !task->settings->position_check;

    return slot_lacks(&task->slot, task->position.resume_lsn, trusted);
}

static enum status refuse_gap(const struct task *task, struct error *error)
{
    char stored[PG_LSN_TEXT_SIZE];
    char confirmed[PG_LSN_TEXT_SIZE];

    pg_lsn_to_text(task->position.resume_lsn, stored);
    pg_lsn_to_text(task->slot.confirmed_lsn, confirmed);
    if (!task->slot.exists)
        (void)error_set(error, ERROR_CONFLICT,
                        "The connector is trying to read change stream starting at PostgresOffsetContext [lsn=LSN{%s}], but this is no "
                        "longer available on the "
                        "server. Reconfigure the connector to use a snapshot mode when needed. Replication slot %s does not exist",
                        stored, task->settings->slot);
    else
        (void)error_set(error, ERROR_CONFLICT,
                        "The connector is trying to read change stream starting at PostgresOffsetContext [lsn=LSN{%s}], but this is no "
                        "longer available on the "
                        "server. Reconfigure the connector to use a snapshot mode when needed. Replication slot %s stands at %s, past it",
                        stored, task->settings->slot, confirmed);
    error_remedy(error,
                 "what was committed in between cannot be streamed any more: set snapshot.mode=when_needed to read the tables anew%s",
                 task->slot.exists ? ", or offset.mismatch.strategy=trust_slot to go on at the slot and accept the gap" : "");
    return ERROR_CONFLICT;
}

/* trust_offset: brings a slot that lags to our position; trust_slot: goes on where the slot stands. */
static enum status reconcile(struct task *task, struct error *error)
{
    enum mismatch_strategy strategy = task->settings->mismatch;
    bool trust_offset = strategy == MISMATCH_TRUST_OFFSET || strategy == MISMATCH_TRUST_GREATER;
    bool trust_slot = strategy == MISMATCH_TRUST_SLOT || strategy == MISMATCH_TRUST_GREATER;
    char target[PG_LSN_TEXT_SIZE];
    const char *values[] = {task->settings->slot, target};

    if (trust_slot && task->slot.confirmed_lsn > task->position.resume_lsn) {
        task->position.resume_lsn = task->slot.confirmed_lsn;
        task->position.transaction_lsn = 0;
    }
    if (!trust_offset || task->slot.confirmed_lsn >= task->position.resume_lsn)
        return OK;
    pg_lsn_to_text(task->position.resume_lsn, target);
    return pg_connection_run_with(task->sql, "SELECT pg_catalog.pg_replication_slot_advance($1, $2::pg_lsn)", 2, values, NULL, error);
}

/* ---- What to do ---- */

static bool wants_snapshot(const struct task *task, bool lost)
{
    const struct capture_settings *settings = task->settings;
    bool unfinished = position_is_unfinished(&task->position);

    switch (settings->snapshot_mode) {
    case MODE_ALWAYS: return true;
    case MODE_NO_DATA: return false;
    case MODE_WHEN_NEEDED: return !has_position(task) || unfinished || lost;
    case MODE_CONFIGURATION_BASED:
        return settings->configured_data && (!has_position(task) || unfinished || (lost && settings->configured_on_data_error));
    default: return !has_position(task) || unfinished;
    }
}

/* Slot and publication, and the comparison of positions; then says whether a snapshot is due. */
static enum status prepare(struct task *task, bool *snapshot, struct error *error)
{
    bool streams = capture_settings_streams(task->settings);
    bool lost = false;
    enum status status = OK;

    if (streams) {
        status = publication_ensure(task->sql, task->settings, task->config, error);
        if (status == OK)
            status = find_slot(task, error);
        if (status == OK && has_position(task))
            lost = position_is_lost(task);
    }
    if (status != OK)
        return status;
    *snapshot = wants_snapshot(task, lost);
    if (!*snapshot && position_is_unfinished(&task->position)) {
        (void)error_set(error, ERROR_CONFLICT,
                        "The connector previously stopped while taking a snapshot, but now the connector is configured to never allow "
                        "snapshots. Reconfigure "
                        "the connector to use snapshots initially or when needed.");
        return ERROR_CONFLICT;
    }
    if (lost && position_is_unfinished(&task->position)) {
        memset(&task->position, 0, sizeof(task->position)); /* nothing was streamed yet: it begins again from the start */
        lost = false;
    }
    if (lost && (!*snapshot || task->settings->snapshot_mode == MODE_INITIAL))
        return refuse_gap(task, error);
    if (lost)
        LOG_WARNING("the slot no longer has what follows the stored position: taking a new snapshot connector=%s slot=%s",
                    task->settings->connector, task->settings->slot);
    if (task->slot.is_lost) {
        status = slot_drop(task->sql, task->settings->slot, error);
        task->slot.exists = false;
    }
    if (status == OK && task->slot.exists && has_position(task) && !lost)
        status = reconcile(task, error);
    return status;
}

/* ---- The replication connection ---- */

/* The server's Unix socket as this machine sees it, when the server runs here; false when there is none to be used. */
static bool find_socket(struct task *task, char *directory, size_t size)
{
    const char *peer = PQhostaddr(task->sql->pg);
    bool is_local = peer != NULL && (strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0);
    bool wants_tls = strcmp(task->settings->ssl_mode, "require") == 0 || strncmp(task->settings->ssl_mode, "verify", 6) == 0;
    PGresult *result = NULL;
    char port[16];
    bool found = false;

    (void)snprintf(port, sizeof(port), "%d", task->settings->address_port);
    if (task->settings->transport == TRANSPORT_TCP || task->settings->address[0] == '/' ||
        (task->settings->transport == TRANSPORT_AUTO && (!is_local || wants_tls)))
        return false;
    if (pg_connection_run(
            task->sql,
            "SELECT trim(both ' \"' from d), current_setting('port') FROM unnest(string_to_array(coalesce("
            "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'unix_socket_directories'), '/var/run/postgresql,/tmp'), ',')) AS d",
            &result, NULL) != OK)
        return false;
    for (int row = 0; !found && row < PQntuples(result); row++) {
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/.s.PGSQL.%s", PQgetvalue(result, row, 0), PQgetvalue(result, row, 1));
        if (PQgetvalue(result, row, 0)[0] == '/' && strcmp(PQgetvalue(result, row, 1), port) == 0 && access(path, R_OK | W_OK) == 0) {
            (void)snprintf(directory, size, "%s", PQgetvalue(result, row, 0));
            found = true;
        }
    }
    PQclear(result);
    return found;
}

/* Is it the same server at both ends? A port of this machine may lead elsewhere. */
static bool is_same_server(struct task *task, struct pg_connection *other)
{
    static const char sql[] =
        "SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time()), current_setting('port'), current_database()";
    PGresult *mine = NULL;
    PGresult *theirs = NULL;
    bool same = pg_connection_run(task->sql, sql, &mine, NULL) == OK && pg_connection_run(other, sql, &theirs, NULL) == OK;

    for (int column = 0; same && column < 3; column++)
        same = strcmp(PQgetvalue(mine, 0, column), PQgetvalue(theirs, 0, column)) == 0;
    PQclear(mine);
    PQclear(theirs);
    return same;
}

static enum status connect_replication(struct task *task, struct error *error)
{
    char directory[200];
    enum status status;

    if (find_socket(task, directory, sizeof(directory))) {
        struct error why;

        status = pg_connection_open(task->settings, CONNECTION_REPLICATION, "Debezium Streaming", directory, task->stop_fd,
                                    &task->replication, &why);
        if (status == OK && is_same_server(task, task->replication)) {
            LOG_INFO("streaming over the Unix socket in %s connector=%s", directory, task->settings->connector);
            return OK;
        }
        if (status == ERROR_CLOSED)
            return error_set(error, status, "%s", why.message);
        LOG_DEBUG("the Unix socket in %s cannot be used (%s); streaming over TCP connector=%s", directory,
                  status == OK ? "another server" : why.message, task->settings->connector);
        pg_connection_close(task->replication);
        task->replication = NULL;
    }
    status =
        pg_connection_open(task->settings, CONNECTION_REPLICATION, "Debezium Streaming", NULL, task->stop_fd, &task->replication, error);
    if (status == ERROR_DATABASE && strstr(error->message, "replication") != NULL)
        error_remedy(error, "give the user the right to replicate: ALTER ROLE \"%s\" REPLICATION, and a line for it in pg_hba.conf",
                     task->settings->user);
    return status;
}

/* ---- One attempt ---- */

/* A UUID of version 7: one per start, the header __debezium.context.runId. */
static void make_run_id(char text[UUID_HEX_SIZE])
{
    struct uuid uuid = random_uuid();
    int64_t now_ms = clock_now_ms();

    for (int i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x70);
    uuid_to_hex(&uuid, text);
}

static enum status open_output(struct task *task, struct error *error)
{
    enum status status = output_open(task->settings, task->log, &task->output, &task->position_bytes, error);

    if (status == OK)
        status = position_read(buffer_slice(&task->position_bytes), &task->position, error);
    if (status != OK)
        return status;
    output_count_topics(task->output, task->counts);
    task->stored_lsn = task->status->appended_lsn = task->status->durable_lsn = task->position.resume_lsn;
    return OK;
}

static enum status create_slot(struct task *task, struct error *error)
{
    enum status status = slot_create(task->replication, task->sql, task->settings, task->settings->slot, false, &task->created, error);

    if (status == OK) {
        char lsn[PG_LSN_TEXT_SIZE];

        pg_lsn_to_text(task->created.consistent_lsn, lsn);
        LOG_INFO("created replication slot %s at %s connector=%s", task->settings->slot, lsn, task->settings->connector);
        task->slot_is_new = true;
    }
    return status;
}

/* Where the stream begins when there is neither a position nor a snapshot. */
static void begin_at_slot(struct task *task)
{
    memset(&task->position, 0, sizeof(task->position));
    task->position.resume_lsn = task->slot_is_new ? task->created.consistent_lsn : task->slot.confirmed_lsn;
}

static enum status run(struct task *task, struct error *error)
{
    bool snapshot = false;
    bool streams = capture_settings_streams(task->settings);
    char run_id[UUID_HEX_SIZE];
    enum status status = task_sql(task, error);

    if (status == OK)
        status = check_server(task, error);
    if (status == OK)
        status = open_output(task, error);
    if (status == OK)
        status = prepare(task, &snapshot, error);
    if (status == OK && streams)
        status = connect_replication(task, error);
    if (status == OK && streams && !task->slot.exists)
        status = create_slot(task, error);
    if (status != OK)
        return status;
    make_run_id(run_id);
    task->encoder = debezium_encoder_create(task->config, run_id);
    task->catalog = pg_catalog_create();
    task->schemas = schemas_create(task->settings->connector, task->log);
    if (snapshot) {
        status = task_wait(task, task->settings->snapshot_delay_ms, error);
        if (status == OK)
            status = snapshot_run(task, error);
    } else {
        struct notice notice = {.type = "SKIPPED", .aggregate = NOTIFY_INITIAL};

        status = notify(task, &notice, error);
        if (status == OK && !has_position(task) && streams) {
            begin_at_slot(task);
            status = task_publish(task, error);
        }
    }
    if (status == OK && streams)
        status = task_wait(task, task->settings->streaming_delay_ms, error);
    if (status == OK && streams)
        status = stream_run(task, error);
    return status;
}

enum status task_run(struct task *task, struct error *error)
{
    enum status status;

    buffer_init(&task->position_bytes, 64 * 1024);
    status = run(task, error);
    output_close(task->output);
    pg_connection_close(task->replication);
    if (status == ERROR_CLOSED && task->settings->slot_drop_on_stop && task->sql != NULL) {
        struct error why;

        task->sql->stop_fd = -1;
        if (slot_drop(task->sql, task->settings->slot, &why) != OK)
            LOG_WARNING("%s connector=%s", why.message, task->settings->connector);
    }
    pg_connection_close(task->sql);
    debezium_encoder_destroy(task->encoder);
    pg_catalog_destroy(task->catalog);
    schemas_destroy(task->schemas);
    buffer_finish(&task->position_bytes);
    task->output = NULL;
    task->sql = task->replication = NULL;
    task->encoder = NULL;
    task->schemas = NULL;
    task->catalog = NULL;
    memset(&task->position, 0, sizeof(task->position));
    memset(&task->created, 0, sizeof(task->created));
    task->slot_is_new = false;
    return status;
}
