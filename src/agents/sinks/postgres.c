/*
 * agents/sinks/postgres.c: a row per alert; a repeat of an alert changes nothing, a later word of the same one replaces it.
 *
 *   conninfo    libpq's (required), e.g. host=db dbname=cases user=tailrace
 *   table       default tailrace_alerts; made when it is missing
 *   timeout.ms  of connecting, and of every answer; default 5000
 *
 * Everything is asked without blocking, so a server that hangs costs timeout.ms and no more. A row that PostgreSQL refuses for its
 * content is left out: it must not hold up the others.
 */
#include "agents/sink.h"
#include "agents/sinks/http.h"
#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"

#include <libpq-fe.h>
#include <poll.h>

#define LOG_SUBSYSTEM "sinks"
#define COLUMNS 10
#define LOOK_MS 200 /* between two looks whether it is to stop */

struct postgres_sink {
    char *conninfo, *table;
    char *insert;
    int64_t timeout_ms;
    const struct stop *stop;
    PGconn *connection;
};

static enum status create(const struct properties *settings, const struct stop *stop, void **created, struct error *error)
{
    struct postgres_sink *sink = memory_new(sizeof(*sink));
    const char *table = properties_get(settings, "table");
    PQconninfoOption *options;
    char *why = NULL;

    sink->conninfo = memory_copy_string(properties_get(settings, "conninfo"));
    sink->table = memory_copy_string(table == NULL ? "tailrace_alerts" : table);
    sink->stop = stop;
    *created = sink;
    if (sink->conninfo == NULL)
        return error_set(error, ERROR_BAD_INPUT, "setting conninfo is missing: which database?");
    options = PQconninfoParse(sink->conninfo, &why);
    PQconninfoFree(options);
    PQfreemem(why); /* it may quote a password */
    if (options == NULL)
        return error_set(error, ERROR_BAD_INPUT, "setting conninfo is not one that libpq reads: it is of the form host=db dbname=cases user=tailrace");
    return http_timeout_read(settings, &sink->timeout_ms, error);
}

static void destroy(void *context)
{
    struct postgres_sink *sink = context;

    PQfinish(sink->connection);
    memory_free(sink->conninfo);
    memory_free(sink->table);
    memory_free(sink->insert);
    memory_free(sink);
}

static enum status failed(struct postgres_sink *sink, const char *doing, struct error *error)
{
    const char *message = PQerrorMessage(sink->connection);

    (void)error_set(error, ERROR_UNAVAILABLE, "%s: %.*s", doing, (int)strcspn(message, "\n"), message);
    PQfinish(sink->connection);
    sink->connection = NULL;
    return ERROR_UNAVAILABLE;
}

/* Waits until the socket is ready; POLLIN, POLLOUT or both. */
static enum status ready_wait(struct postgres_sink *sink, short events, int64_t deadline_ms, const char *doing, struct error *error)
{
    struct pollfd socket = {PQsocket(sink->connection), events, 0};
    int ready = 0;

    while (ready == 0 && !sink->stop->asked && clock_monotonic_ms() < deadline_ms)
        ready = poll(&socket, 1, LOOK_MS);
    if (ready > 0)
        return OK;
    PQfinish(sink->connection);
    sink->connection = NULL;
    return error_set(error, ERROR_UNAVAILABLE, sink->stop->asked ? "%s: stopped" : "%s: PostgreSQL gives no answer for %lld ms", doing, (long long)sink->timeout_ms);
}

/* The last result of what was sent; NULL with the error set. */
static PGresult *answer_take(struct postgres_sink *sink, const char *doing, struct error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + sink->timeout_ms;
    PGresult *last = NULL, *result;
    int unsent;

    while ((unsent = PQflush(sink->connection)) == 1 || PQisBusy(sink->connection)) {
        if (ready_wait(sink, unsent == 1 ? POLLIN | POLLOUT : POLLIN, deadline_ms, doing, error) != OK)
            return NULL;
        if (PQconsumeInput(sink->connection) == 0)
            break;
    }
    while ((result = PQgetResult(sink->connection)) != NULL) {
        PQclear(last);
        last = result;
        if (PQresultStatus(result) == PGRES_COPY_OUT || PQresultStatus(result) == PGRES_COPY_IN)
            break;
    }
    if (last == NULL)
        (void)failed(sink, doing, error);
    return last;
}

static enum status execute(struct postgres_sink *sink, const char *sql, const char *doing, struct error *error)
{
    PGresult *result;
    bool good;

    if (PQsendQuery(sink->connection, sql) == 0)
        return failed(sink, doing, error);
    result = answer_take(sink, doing, error);
    if (result == NULL)
        return error->status;
    good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
    PQclear(result);
    return good ? OK : failed(sink, doing, error);
}

static enum status table_ensure(struct postgres_sink *sink, struct error *error)
{
    char *name = PQescapeIdentifier(sink->connection, sink->table, strlen(sink->table));
    char *sql = memory_format("SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS %s (id text PRIMARY KEY, agent text NOT NULL, rule text, "
                              "rule_version int, severity text, subject text, title text, number text, raised_at timestamptz, alert jsonb NOT NULL)",
                              name == NULL ? "tailrace_alerts" : name);
    enum status status = execute(sink, sql, "create the table of alerts", error);

    memory_free(sql);
    memory_free(sink->insert);
    sink->insert = memory_format("INSERT INTO %s (id, agent, rule, rule_version, severity, subject, title, number, raised_at, alert) VALUES ($1, $2, $3, $4, $5, $6, $7, "
                                 "$8, to_timestamp($9::float8 / 1000000), $10) ON CONFLICT (id) DO UPDATE SET alert = excluded.alert, title = excluded.title, severity = excluded.severity",
                                 name == NULL ? "tailrace_alerts" : name);
    PQfreemem(name);
    return status;
}

static enum status connect_database(struct postgres_sink *sink, struct error *error)
{
    const char *const keywords[] = {"dbname", "fallback_application_name", NULL};
    const char *const values[] = {sink->conninfo, "tailrace sink", NULL};
    int64_t deadline_ms = clock_monotonic_ms() + sink->timeout_ms;
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;

    if (sink->connection != NULL && PQstatus(sink->connection) == CONNECTION_OK)
        return OK;
    PQfinish(sink->connection);
    sink->connection = PQconnectStartParams(keywords, values, 1);
    while (PQstatus(sink->connection) != CONNECTION_BAD && wants != PGRES_POLLING_OK && wants != PGRES_POLLING_FAILED) {
        if (ready_wait(sink, wants == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms, "connect to PostgreSQL", error) != OK)
            return error->status;
        wants = PQconnectPoll(sink->connection);
    }
    if (wants != PGRES_POLLING_OK || PQsetnonblocking(sink->connection, 1) != 0)
        return failed(sink, "connect to PostgreSQL", error);
    return table_ensure(sink, error);
}

/* *refused: PostgreSQL does not take its content (SQLSTATE classes 22 and 23); the transaction is over then. */
static enum status row_write(struct postgres_sink *sink, struct delivery *delivery, bool *refused, struct error *error)
{
    const struct alert *alert = delivery->alert;
    char *json = memory_copy_bytes(delivery->json.data, delivery->json.size);
    char version[16], raised[24];
    const char *const values[COLUMNS] = {alert->id, alert->agent, alert->rule, version, alert->severity, alert->subject, alert->title, alert->number, raised, json};
    const char *code;
    PGresult *result = NULL;
    bool sent, good;

    (void)snprintf(version, sizeof(version), "%d", alert->rule_version);
    (void)snprintf(raised, sizeof(raised), "%lld", (long long)alert->scored_us);
    sent = PQsendQueryParams(sink->connection, sink->insert, COLUMNS, NULL, values, NULL, NULL, 0) != 0;
    memory_free(json);
    if (!sent)
        return failed(sink, "insert an alert", error);
    result = answer_take(sink, "insert an alert", error);
    if (result == NULL)
        return error->status;
    good = PQresultStatus(result) == PGRES_COMMAND_OK;
    code = good ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    *refused = code != NULL && (strncmp(code, "22", 2) == 0 || strncmp(code, "23", 2) == 0);
    if (*refused) {
        LOG_ERROR("PostgreSQL refuses alert %s with SQLSTATE %s; it is left out", delivery->id, code);
        delivery->refused = true;
        (void)snprintf(delivery->answer, sizeof(delivery->answer), "SQLSTATE %s", code);
    }
    PQclear(result);
    return good || *refused ? OK : failed(sink, "insert an alert", error);
}

/* All of them in one transaction; one that is refused ends it, and it is done again without that one. */
static enum status deliver(void *context, struct delivery *deliveries, size_t count, size_t *delivered, struct error *error)
{
    struct postgres_sink *sink = context;
    enum status status = connect_database(sink, error);
    bool refused = true;

    while (status == OK && refused) {
        refused = false;
        status = execute(sink, "BEGIN", "begin a transaction", error);
        for (size_t i = 0; i < count && status == OK && !refused; i++) {
            if (!deliveries[i].refused)
                status = row_write(sink, &deliveries[i], &refused, error);
        }
        if (status == OK)
            status = execute(sink, refused ? "ROLLBACK" : "COMMIT", refused ? "roll back" : "commit", error);
    }
    *delivered = status == OK ? count : 0;
    return status;
}

static const char *const keys[] = {"conninfo", "table", "timeout.ms", NULL};

const struct sink_kind sink_postgres = {"postgres", keys, create, destroy, deliver};
