/* generators/database.h: the PostgreSQL that generators write to. */
#ifndef GENERATORS_DATABASE_H
#define GENERATORS_DATABASE_H

#include "base/error.h"

#include <libpq-fe.h>

struct database {
    const char *host, *port, *user, *password, *name;
};

/* The password that was given, else $PGPASSWORD, else postgrespw. */
void database_password_default(struct database *database);

/* Errors: DATABASE */
enum status database_connect(const struct database *database, PGconn **connection, struct error *error);

/* Creates the database when it is missing. *created may be NULL. */
enum status database_ensure(const struct database *database, bool *created, struct error *error);

/* One statement, or the beginning of a COPY. doing: for the message */
enum status database_execute(PGconn *connection, const char *sql, const char *doing, struct error *error);

/* Sets the error to the connection's last message. */
enum status database_fail(PGconn *connection, const char *doing, struct error *error);

#endif
