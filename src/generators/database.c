#include "generators/database.h"

#include "base/banned.h"
#include "base/memory.h"

#include <stdlib.h>

void database_password_default(struct database *database)
{
    if (database->password == NULL)
        database->password = getenv("PGPASSWORD") == NULL ? "postgrespw" : getenv("PGPASSWORD");
}

enum status database_fail(PGconn *connection, const char *doing, struct error *error)
{
    const char *message = PQerrorMessage(connection);
    int size = (int)strcspn(message, "\n");

    return error_set(error, ERROR_DATABASE, "%s: %.*s", doing, size, message);
}

static enum status connect_to(const struct database *database, const char *name, PGconn **connection, struct error *error)
{
    const char *const keywords[] = {"host", "port", "user", "password", "dbname", "application_name", "client_encoding", NULL};
    const char *const values[] = {database->host, database->port, database->user, database->password, name, "tailrace generate", "UTF8", NULL};

    *connection = PQconnectdbParams(keywords, values, 0);
    if (PQstatus(*connection) == CONNECTION_OK)
        return OK;
    (void)database_fail(*connection, "connect to PostgreSQL", error);
    PQfinish(*connection);
    *connection = NULL;
    return error->status;
}

enum status database_connect(const struct database *database, PGconn **connection, struct error *error)
{
    return connect_to(database, database->name, connection, error);
}

enum status database_execute(PGconn *connection, const char *sql, const char *doing, struct error *error)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType code = PQresultStatus(result);
    enum status status = OK;

    if (code != PGRES_COMMAND_OK && code != PGRES_TUPLES_OK && code != PGRES_COPY_IN)
        status = database_fail(connection, doing, error);
    PQclear(result);
    return status;
}

enum status database_ensure(const struct database *database, bool *created, struct error *error)
{
    const char *parameters[] = {database->name};
    PGconn *connection;
    PGresult *result;
    enum status status = connect_to(database, "postgres", &connection, error);

    if (created != NULL)
        *created = false;
    if (status != OK)
        return status;
    result = PQexecParams(connection, "SELECT 1 FROM pg_database WHERE datname = $1", 1, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = database_fail(connection, "look for the database", error);
    } else if (PQntuples(result) == 0) {
        char *name = PQescapeIdentifier(connection, database->name, strlen(database->name));
        char *sql = memory_format("CREATE DATABASE %s", name == NULL ? "\"\"" : name);

        status = database_execute(connection, sql, "create the database", error);
        if (created != NULL)
            *created = status == OK;
        memory_free(sql);
        PQfreemem(name);
    }
    PQclear(result);
    PQfinish(connection);
    return status;
}
