/*
 * server/postgres.h: a private PostgreSQL in the data directory: made by initdb, started, watched, started again when it dies, stopped
 * with the program. A program that was killed leaves it running; the next one takes it over.
 *
 * As root it runs as user postgres. That user may not be able to go through the directories above (a checkout in /root), so the
 * server is given its directory as an open descriptor, /proc/self/fd/N, and never needs the path.
 */
#ifndef SERVER_POSTGRES_H
#define SERVER_POSTGRES_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct postgres;

struct postgres_settings {
    const char *data_dir; /* of the program, absolute; the server's is postgres/ in it, its log postgres.log */
    const char *bin_dir;  /* "": look for it */
    const char *host;     /* listen_addresses */
    int port;
    const char *password; /* of user postgres; used at initdb only */
    int64_t connections_max;
    int64_t shared_buffers_mb;
};

/*
 * Finds the programs and starts the thread that does the rest.
 * Errors  NOT_FOUND (PostgreSQL is not installed, no user postgres), DISK, UNAVAILABLE
 */
enum status postgres_start(const struct postgres_settings *settings, struct postgres **started, struct error *error);

/*
 * Waits until it accepts connections for the first time, at most timeout_ms.
 * Errors  REQUEST_TIMED_OUT (ask again), what initdb or the server said
 */
enum status postgres_wait_ready(struct postgres *postgres, int64_t timeout_ms, struct error *error);

/* Fast shutdown, immediate after three seconds; joins the thread. NULL is fine. */
void postgres_stop(struct postgres *postgres);

/* Directory of its Unix socket, as libpq's host; lives as long as `postgres`. */
const char *postgres_socket_directory(const struct postgres *postgres);

enum postgres_state { POSTGRES_CREATING, POSTGRES_STARTING, POSTGRES_RUNNING, POSTGRES_WAITING, POSTGRES_FAILED, POSTGRES_STOPPED };
const char *postgres_state_name(enum postgres_state state);

struct postgres_status {
    enum postgres_state state;
    int pid;            /* 0: none */
    int64_t restarts;   /* after it died by itself */
    struct error error; /* of WAITING (tried again soon) and FAILED */
};
void postgres_status_read(struct postgres *postgres, struct postgres_status *status);

/* Stops the server that a killed program left behind in a data directory; true when there was one. */
bool postgres_stop_orphan(const char *data_dir);

#endif
