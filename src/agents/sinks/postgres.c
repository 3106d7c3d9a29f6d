/*
 * agents/sinks/postgres.c: a row per alert; a repeat of an alert changes nothing.
 *
 *   conninfo  libpq's (required), e.g. host=db dbname=cases user=tailrace
 *   table     default tailrace_alerts; made when it is missing
 */
#include "agents/sink.h"
#include "base/banned.h"
#include "base/memory.h"

#include <libpq-fe.h>

#define COLUMNS 10
#define CONNECT_SECONDS "10"

struct postgres_sink {
    char *conninfo, *table;
    char *insert;
    PGconn *connection;
};

static enum status create(const struct properties *settings, void **created, struct error *error)
{
    struct postgres_sink *sink = memory_new(sizeof(*sink));
    const char *table = properties_get(settings, "table");

    sink->conninfo = memory_copy_string(properties_get(settings, "conninfo"));
    sink->table = memory_copy_string(table == NULL ? "tailrace_alerts" : table);
    *created = sink;
    if (sink->conninfo == NULL)
        return error_set(error, ERROR_BAD_INPUT, "setting conninfo is missing: which database?");
    return OK;
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

static enum status execute(struct postgres_sink *sink, const char *sql, const char *doing, struct error *error)
{
    PGresult *result = PQexec(sink->connection, sql);
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;

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
                                 "$8, to_timestamp($9::float8 / 1000000), $10) ON CONFLICT (id) DO UPDATE SET alert = excluded.alert",
                                 name == NULL ? "tailrace_alerts" : name);
    PQfreemem(name);
    return status;
}

static enum status connect_database(struct postgres_sink *sink, struct error *error)
{
    const char *const keywords[] = {"dbname", "connect_timeout", "fallback_application_name", NULL};
    const char *const values[] = {sink->conninfo, CONNECT_SECONDS, "tailrace sink", NULL};

    if (sink->connection != NULL && PQstatus(sink->connection) == CONNECTION_OK)
        return OK;
    PQfinish(sink->connection);
    sink->connection = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(sink->connection) != CONNECTION_OK)
        return failed(sink, "connect to PostgreSQL", error);
    return table_ensure(sink, error);
}

static enum status row_write(struct postgres_sink *sink, const struct delivery *delivery, struct error *error)
{
    const struct alert *alert = delivery->alert;
    char *json = memory_copy_bytes(delivery->json.data, delivery->json.size);
    char version[16], raised[24];
    const char *const values[COLUMNS] = {alert->id, alert->agent, alert->rule, version, alert->severity, alert->subject, alert->title, alert->number, raised, json};
    PGresult *result;
    bool good;

    (void)snprintf(version, sizeof(version), "%d", alert->rule_version);
    (void)snprintf(raised, sizeof(raised), "%lld", (long long)alert->scored_us);
    result = PQexecParams(sink->connection, sink->insert, COLUMNS, NULL, values, NULL, NULL, 0);
    good = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    memory_free(json);
    return good ? OK : failed(sink, "insert an alert", error);
}

/* All of them in one transaction. */
static enum status deliver(void *context, const struct delivery *deliveries, size_t count, size_t *delivered, struct error *error)
{
    struct postgres_sink *sink = context;
    enum status status = connect_database(sink, error);

    if (status == OK)
        status = execute(sink, "BEGIN", "begin a transaction", error);
    for (size_t i = 0; i < count && status == OK; i++)
        status = row_write(sink, &deliveries[i], error);
    if (status == OK)
        status = execute(sink, "COMMIT", "commit", error);
    *delivered = status == OK ? count : 0;
    return status;
}

static const char *const keys[] = {"conninfo", "table", NULL};

const struct sink_kind sink_postgres = {"postgres", keys, create, destroy, deliver};
