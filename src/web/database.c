#include "web/database.h"

#include "base/banned.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "capture/connection.h"
#include "capture/settings.h"
#include "os/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 2000
#define NAMES_BYTES_MAX 4096

struct opened {
    const PGconn *connection;
    int fd;
    struct opened *next;
};

struct databases {
    const struct properties *aliases;
    int stop_fd;           /* readable: nobody is waited for any more */
    pthread_mutex_t lock;  /* guards the rest; a leaf */
    struct opened *opened; /* connections whose socket libpq may be waiting for */
    bool stopping;
};

struct databases *databases_create(const struct properties *aliases)
{
    struct databases *databases = memory_new(sizeof(*databases));

    databases->aliases = aliases;
    databases->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_init(&databases->lock, NULL);
    return databases;
}

void databases_interrupt(struct databases *databases)
{
    uint64_t one = 1;

    if (databases == NULL)
        return;
    (void)!write(databases->stop_fd, &one, sizeof(one));
    (void)pthread_mutex_lock(&databases->lock);
    databases->stopping = true;
    for (const struct opened *opened = databases->opened; opened != NULL; opened = opened->next)
        (void)shutdown(opened->fd, SHUT_RDWR);
    (void)pthread_mutex_unlock(&databases->lock);
}

int databases_stop_fd(const struct databases *databases)
{
    return databases->stop_fd;
}

void databases_destroy(struct databases *databases)
{
    if (databases == NULL)
        return;
    (void)close(databases->stop_fd);
    (void)pthread_mutex_destroy(&databases->lock);
    memory_free(databases);
}

/* ---- Opening ---- */

static const char *value_or(const struct properties *config, const char *name, const char *otherwise)
{
    const char *value = properties_get(config, name);

    return value == NULL || *value == '\0' ? otherwise : value;
}

/* A host that host.aliases sends elsewhere; *port may change with it. */
static const char *aliased(const struct properties *aliases, const char *host, const char **port, struct arena *arena)
{
    const char *with_port = arena_format(arena, "%s:%s", host, *port), *target = aliases == NULL ? NULL : properties_get(aliases, with_port), *colon;

    if (target == NULL)
        target = aliases == NULL ? NULL : properties_get(aliases, host);
    colon = target == NULL ? NULL : strrchr(target, ':');
    if (target == NULL)
        return host;
    if (colon == NULL)
        return target;
    *port = colon + 1;
    return arena_copy_string(arena, slice_of(target, (size_t)(colon - target)));
}

static enum status poll_connect(const struct databases *databases, PGconn *connection, struct error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        struct pollfd waited[] = {{.fd = PQsocket(connection), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT}, {.fd = databases->stop_fd, .events = POLLIN}};
        int64_t left_ms = deadline_ms - clock_monotonic_ms();

        if (left_ms <= 0)
            return error_set(error, ERROR_UNAVAILABLE, "connection to server at \"%s\", port %s failed: timeout expired", PQhost(connection), PQport(connection));
        if (poll(waited, 2, (int)left_ms) < 0 && errno != EINTR)
            return error_set_system(error, ERROR_UNAVAILABLE, errno, "poll");
        if (waited[1].revents != 0)
            return error_set(error, ERROR_CLOSED, "Tailrace is stopping");
        if (waited[0].revents != 0)
            state = PQconnectPoll(connection);
    }
    return OK;
}

/* libpq's words without its line ends. */
static enum status refused(const PGconn *connection, struct error *error)
{
    char line[500];
    size_t size = (size_t)snprintf(line, sizeof(line), "%s", PQerrorMessage(connection));

    size = size < sizeof(line) ? size : sizeof(line) - 1;
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == ' '))
        line[--size] = '\0';
    for (char *at = line; *at != '\0'; at++)
        *at = *at == '\n' ? ' ' : *at;
    return error_set(error, ERROR_UNAVAILABLE, "%s", line);
}

/* From now on databases_interrupt ends its waits. Errors: CLOSED (it has been called already) */
static enum status remember(struct databases *databases, const PGconn *connection, struct error *error)
{
    struct opened *opened = memory_new(sizeof(*opened));
    bool stopping;

    (void)pthread_mutex_lock(&databases->lock);
    *opened = (struct opened){connection, PQsocket(connection), databases->opened};
    databases->opened = opened;
    stopping = databases->stopping;
    (void)pthread_mutex_unlock(&databases->lock);
    return stopping ? error_set(error, ERROR_CLOSED, "Tailrace is stopping") : OK;
}

enum status connector_database_open(struct databases *databases, const struct properties *config, PGconn **opened, struct error *error)
{
    struct arena arena;
    const char *port = value_or(config, "database.port", "5432"), *host;
    struct buffer hosts, addresses;
    PGconn *connection = NULL;
    enum status status;

    arena_init(&arena, 1024);
    host = aliased(databases->aliases, value_or(config, "database.hostname", "localhost"), &port, &arena);
    buffer_init(&hosts, NAMES_BYTES_MAX);
    buffer_init(&addresses, NAMES_BYTES_MAX);
    status = pg_connection_resolve(host, databases->stop_fd, PATIENCE_MS, &hosts, &addresses, error);
    if (status == OK) {
        const char *const names[] = {"host", "hostaddr", "port", "user", "password", "dbname", "sslmode", "application_name", "options", NULL};
        const char *const values[] = {hosts.size == 0 ? host : (const char *)hosts.data, addresses.size == 0 ? "" : (const char *)addresses.data, port,
                                      value_or(config, "database.user", ""), value_or(config, "database.password", ""), value_or(config, "database.dbname", ""),
                                      value_or(config, "database.sslmode", "prefer"), "tailrace-console", "-c statement_timeout=2000", NULL};

        connection = PQconnectStartParams(names, values, 0);
        if (PQstatus(connection) != CONNECTION_BAD)
            status = poll_connect(databases, connection, error);
        if (status == OK && PQstatus(connection) != CONNECTION_OK)
            status = refused(connection, error);
    }
    if (status == OK)
        status = remember(databases, connection, error);
    if (status == OK)
        *opened = connection;
    else
        connector_database_close(databases, connection);
    buffer_finish(&hosts);
    buffer_finish(&addresses);
    arena_finish(&arena);
    return status;
}

const char *connector_slot(const struct properties *config)
{
    const char *slot = properties_get(config, "slot.name");

    return slot == NULL ? SLOT_NAME_DEFAULT : slot;
}

void connector_database_close(struct databases *databases, PGconn *connection)
{
    if (connection == NULL)
        return;
    (void)pthread_mutex_lock(&databases->lock);
    for (struct opened **at = &databases->opened; *at != NULL; at = &(*at)->next) {
        if ((*at)->connection == connection) {
            struct opened *gone = *at;

            *at = gone->next;
            memory_free(gone);
            break;
        }
    }
    (void)pthread_mutex_unlock(&databases->lock);
    PQfinish(connection);
}
