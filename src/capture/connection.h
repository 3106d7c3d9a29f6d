/*
 * capture/connection.h: a connection to PostgreSQL whose every wait ends when the capture is told to stop. SQL and
 * replication commands alike; the CopyBoth stream is read by stream.c.
 * Thread: the one that opened it.
 */
#ifndef CAPTURE_CONNECTION_H
#define CAPTURE_CONNECTION_H

#include "capture/settings.h"

#include <libpq-fe.h>

#define SQLSTATE_SIZE 6

/*
 * Looks a host up for libpq, whose own look-up cannot be interrupted: "name,name" and "address,address", each with a NUL.
 * Addresses and directories of sockets are left to libpq: both stay empty then.
 * Errors  UNAVAILABLE (not known, or no answer), CLOSED (stopped)
 */
enum status pg_connection_resolve(const char *name, int stop_fd, int64_t timeout_ms, struct buffer *names, struct buffer *addresses,
                                  struct error *error);

enum connection_kind { CONNECTION_SQL, CONNECTION_REPLICATION };

struct pg_connection {
    PGconn *pg;
    int stop_fd;                  /* readable: give up; -1: never */
    int version;                  /* of the server, e.g. 150020 */
    bool is_socket;               /* a Unix socket */
    int64_t query_timeout_ms;     /* 0: none. After one that was not answered in time the connection is of no use */
    char sqlstate[SQLSTATE_SIZE]; /* of the last error, "" when it had none */
};

/*
 * application_name  as Debezium's: "Debezium General", "Debezium Streaming", …
 * address           host, address or directory of Unix sockets; NULL: that of the settings
 * Errors  UNAVAILABLE (cannot be reached now, starting up), DATABASE (refused: password, database, permission), CLOSED (stopped)
 */
enum status pg_connection_open(const struct capture_settings *settings, enum connection_kind kind, const char *application_name,
                               const char *address, int stop_fd, struct pg_connection **opened, struct error *error);

/*
 * The same by a configuration's database.* alone, so that a mistake elsewhere in it does not stand in the way.
 * config      of a connector, placeholders resolved
 * aliases     host.aliases; may be NULL
 * timeout_ms  for connecting, at most, and for each query then
 */
enum status pg_connection_open_config(const struct properties *config, const struct properties *aliases, enum connection_kind kind,
                                      const char *application_name, int64_t timeout_ms, int stop_fd, struct pg_connection **opened,
                                      struct error *error);

/*
 * The same by libpq's own means, for a person's connection: a URI or key=value pairs, the PG* environment, ~/.pgpass.
 * conninfo    NULL or "": the environment alone
 * timeout_ms  for connecting, and for each query then
 */
enum status pg_connection_open_conninfo(const char *conninfo, enum connection_kind kind, const char *application_name, int64_t timeout_ms,
                                        struct pg_connection **opened, struct error *error);
void pg_connection_close(struct pg_connection *connection); /* NULL is fine */

/*
 * Runs one or several statements and gives the last result; an earlier failure ends it.
 * result  may be NULL; else to be freed by PQclear
 * Errors  DATABASE (refused; sqlstate tells why), UNAVAILABLE (the connection is lost), CLOSED (stopped)
 */
enum status pg_connection_run(struct pg_connection *connection, const char *sql, PGresult **result, struct error *error);

/* The same for one statement with parameters in text; NULL is a null. */
enum status pg_connection_run_with(struct pg_connection *connection, const char *sql, int count, const char *const *values,
                                   PGresult **result, struct error *error);

/* Begins a COPY … TO STDOUT or a START_REPLICATION: sends it and waits for the answer. The stream is the caller's to read. */
enum status pg_connection_start_copy(struct pg_connection *connection, const char *sql, struct error *error);

/*
 * Waits until the socket is readable (or writable, when there is something to flush), or until `timeout_ms` is over (-1: no limit).
 * Errors   CLOSED (stopped); OK otherwise, also after the time is over
 */
enum status pg_connection_wait(struct pg_connection *connection, int64_t timeout_ms, struct error *error);

/* What a wait ended with; both false: with its time. */
struct pg_ready {
    bool input; /* the socket is readable */
    bool also;  /* also_fd is */
};

/* The same; ends, too, when also_fd is readable. */
enum status pg_connection_wait_with(struct pg_connection *connection, int also_fd, int64_t timeout_ms, struct pg_ready *ready,
                                    struct error *error);

/* What the server said last, in one line: "ERROR: relation "x" does not exist". Also notes the SQLSTATE. */
enum status pg_connection_failure(struct pg_connection *connection, const PGresult *result, struct error *error);

/* Takes a running statement back, when PostgreSQL answers within a second. */
void pg_connection_cancel(struct pg_connection *connection);

/* Fields of a result. */
int64_t pg_result_number(const PGresult *result, int row, int column, int64_t otherwise); /* otherwise: for null, or no number */
uint64_t pg_result_lsn(const PGresult *result, int row, int column);                      /* 0 for null */

/* A name in double quotes, in memory of the arena. */
const char *pg_connection_quote(struct arena *arena, const char *name);

#endif
