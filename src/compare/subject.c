#include "compare/subject.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"

#define DROP_TRIES 100
#define DROP_WAIT_MS 50

enum status subject_connect(const struct database *database, PGconn **connection, struct error *error)
{
    enum status status = database_connect(database, connection, error);

    if (status == OK)
        status = database_execute(*connection, "SET application_name = 'tailrace compare'; SET client_min_messages = warning",
                                  "name the connection", error);
    if (status != OK) {
        PQfinish(*connection);
        *connection = NULL;
    }
    return status;
}

PGresult *subject_query(PGconn *connection, const char *sql, const char *doing, struct error *error)
{
    PGresult *result = PQexec(connection, sql);

    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return result;
    (void)database_fail(connection, doing, error);
    PQclear(result);
    return NULL;
}

/* First column of the first row as text into `text`; "" when there is no row. */
static enum status value_read(PGconn *connection, const char *sql, const char *doing, char *text, size_t size, struct error *error)
{
    PGresult *result = subject_query(connection, sql, doing, error);

    if (result == NULL)
        return error->status;
    (void)snprintf(text, size, "%s", PQntuples(result) == 0 ? "" : PQgetvalue(result, 0, 0));
    PQclear(result);
    return OK;
}

static enum status server_check(struct subject *subject, struct error *error)
{
    char text[64];
    enum status status = value_read(subject->connection, "SHOW wal_level", "ask for wal_level", text, sizeof(text), error);

    if (status == OK && strcmp(text, "logical") != 0) {
        status = error_set(error, ERROR_DATABASE, "PostgreSQL runs with wal_level=%s, and change capture needs logical", text);
        error_remedy(error, "ALTER SYSTEM SET wal_level = logical, and restart PostgreSQL");
        return status;
    }
    if (status == OK)
        status = value_read(subject->connection, "SELECT split_part(current_setting('server_version'), ' ', 1)", "ask for the version",
                            subject->server, sizeof(subject->server), error);
    if (status == OK)
        status = value_read(subject->connection, "SELECT pg_try_advisory_lock(hashtext('" TABLE_SCHEMA "'))", "take the lock", text,
                            sizeof(text), error);
    if (status == OK && strcmp(text, "t") != 0)
        return error_set(error, ERROR_CONFLICT, "another tailrace compare runs on this database; wait for its end");
    if (status == OK)
        status = value_read(subject->connection, "SELECT '" TABLE_SCHEMA "_' || oid FROM pg_database WHERE datname = current_database()",
                            "name the slot", subject->slot, sizeof(subject->slot), error);
    return status;
}

/* A walsender needs a moment to see that its client is gone. */
static enum status slot_drop(struct subject *subject, struct error *error)
{
    char *sql = memory_format(
        "SELECT CASE WHEN active THEN pg_terminate_backend(active_pid)::text ELSE pg_drop_replication_slot(slot_name)::text END "
        "FROM pg_replication_slots WHERE slot_name = '%s'",
        subject->slot);
    bool gone = false;
    enum status status = OK;

    for (int i = 0; i < DROP_TRIES && status == OK && !gone; i++) {
        PGresult *result = subject_query(subject->connection, sql, "drop the replication slot", error);

        gone = result != NULL && PQntuples(result) == 0;
        status = result == NULL ? error->status : OK;
        PQclear(result);
        if (status == OK && !gone && i > 0)
            clock_sleep_ms(DROP_WAIT_MS);
    }
    memory_free(sql);
    return status == OK && !gone ? error_set(error, ERROR_DATABASE, "replication slot %s stays in use", subject->slot) : status;
}

static enum status all_drop(struct subject *subject, struct error *error)
{
    enum status status = slot_drop(subject, error);

    if (status == OK)
        status = database_execute(subject->connection, "DROP PUBLICATION IF EXISTS " TABLE_SCHEMA, "drop the publication", error);
    if (status == OK)
        status = database_execute(subject->connection, "DROP SCHEMA IF EXISTS " TABLE_SCHEMA " CASCADE", "drop the schema", error);
    return status;
}

enum status subject_create(const struct database *database, int64_t rows, struct subject *subject, struct error *error)
{
    char *fill = memory_format("INSERT INTO " TABLE_NAME
                               " (customer, amount, note) SELECT i %% 1000, i %% 5000, 'there before' FROM generate_series(1, %lld) i",
                               (long long)rows);
    const char *const steps[][2] = {
        {"CREATE SCHEMA " TABLE_SCHEMA, "create the schema " TABLE_SCHEMA},
        {"CREATE TABLE " TABLE_NAME
         " (id bigserial PRIMARY KEY, version int NOT NULL DEFAULT 1, customer int NOT NULL, amount numeric(10,2) NOT NULL, "
         "note text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())",
         "create the table"},
        {fill, "fill the table"},
        {"CREATE INDEX ON " TABLE_NAME " (updated_at)", "create the index"},
        {"ANALYZE " TABLE_NAME, "analyze the table"},
        {"CREATE PUBLICATION " TABLE_SCHEMA " FOR TABLE " TABLE_NAME, "create the publication"},
    };
    enum status status;

    *subject = (struct subject){.rows = rows};
    status = subject_connect(database, &subject->connection, error);
    if (status != OK)
        error_remedy(error, "say where it is with --host, --port, --user and --database; tailrace up --with-postgres starts one, tailrace "
                            "generate transactions makes mydb");
    if (status == OK)
        status = server_check(subject, error);
    if (status != OK) { /* nothing is ours to remove */
        PQfinish(subject->connection);
        subject->connection = NULL;
    }
    if (status == OK)
        status = all_drop(subject, error);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == OK; i++)
        status = database_execute(subject->connection, steps[i][0], steps[i][1], error);
    memory_free(fill);
    return status;
}

enum status subject_add_row(struct subject *subject, struct error *error)
{
    enum status status =
        database_execute(subject->connection, "INSERT INTO " TABLE_NAME " (customer, amount, note) VALUES (0, 0, 'the stream has begun')",
                         "insert a row", error);

    if (status == OK)
        subject->rows++;
    return status;
}

enum status subject_walsender(struct subject *subject, int64_t *pid, struct error *error)
{
    char *sql = memory_format(
        "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '%s' AND active AND confirmed_flush_lsn IS NOT NULL", subject->slot);
    char text[32];
    enum status status = value_read(subject->connection, sql, "look at the replication slot", text, sizeof(text), error);

    memory_free(sql);
    if (status != OK || !text_parse_int64(slice_from_string(text), pid))
        *pid = 0;
    return status;
}

enum status subject_drop(const struct database *database, struct subject *subject, struct error *error)
{
    enum status status = OK;

    if (subject->connection == NULL)
        return OK;
    if (PQstatus(subject->connection) != CONNECTION_OK) { /* it may be back */
        PQfinish(subject->connection);
        status = subject_connect(database, &subject->connection, error);
    }
    if (status == OK)
        status = all_drop(subject, error);
    if (status != OK)
        error_context(error,
                      "not all was removed; the next tailrace compare removes it, or you: slot %s, publication and schema " TABLE_SCHEMA,
                      subject->slot);
    PQfinish(subject->connection);
    subject->connection = NULL;
    return status;
}
