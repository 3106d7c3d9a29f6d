#include "capture/connection.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/resolver.h"
#include "wire/postgres/pgoutput.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* As pgjdbc sets them, plus the two that it forgets and then misreads: IntervalStyle and bytea_output. */
#define SESSION_OPTIONS "-c DateStyle=ISO -c TimeZone=UTC -c extra_float_digits=3 -c IntervalStyle=postgres -c bytea_output=hex"
#define KEYWORDS_MAX 24
#define NO_ANSWER "no answer from PostgreSQL within "
#define SERVER_QUESTION " Is the server running" /* begins libpq's own advice */
#define NAMES_BYTES_MAX 8192
#define CANCEL_MS 1000 /* how long PostgreSQL may take to take a statement back */

struct parameters {
    const char *keywords[KEYWORDS_MAX];
    const char *values[KEYWORDS_MAX];
    size_t count;
};

static void parameter(struct parameters *parameters, const char *keyword, const char *value)
{
    if (value == NULL)
        return;
    parameters->keywords[parameters->count] = keyword;
    parameters->values[parameters->count++] = value;
}

/* Puts what the server or libpq said into one line: no line breaks, one blank behind the severity. */
static void one_line(const char *text, char *line, size_t size)
{
    size_t used = 0;
    bool blank = true;

    for (; *text != '\0' && used + 1 < size; text++) {
        bool is_blank = *text == '\n' || *text == '\r' || *text == '\t' || *text == ' ';

        if (is_blank && blank)
            continue;
        line[used++] = is_blank ? ' ' : *text;
        blank = is_blank;
    }
    while (used > 0 && line[used - 1] == ' ')
        used--;
    line[used] = '\0';
}

/* Does a message of a refused start say that the server may take us later? */
static bool passes_later(const char *sqlstate, const char *message)
{
    static const char *const classes[] = {"57P", "53", "08", "58", NULL};

    for (size_t i = 0; classes[i] != NULL; i++) {
        if (strncmp(sqlstate, classes[i], strlen(classes[i])) == 0)
            return true;
    }
    /* libpq gives no SQLSTATE for a connection that did not come to be; only these are the server's final word. */
    return strstr(message, "FATAL:") == NULL || strstr(message, "starting up") != NULL || strstr(message, "shutting down") != NULL ||
           strstr(message, "recovery mode") != NULL || strstr(message, "too many") != NULL ||
           strstr(message, "remaining connection slots") != NULL || strstr(message, "number of requested standby connections") != NULL;
}

enum status pg_connection_failure(struct pg_connection *connection, const PGresult *result, struct error *error)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SEVERITY);
    const char *primary = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    bool lost = PQstatus(connection->pg) == CONNECTION_BAD;
    char line[800];

    (void)snprintf(connection->sqlstate, sizeof(connection->sqlstate), "%s", state == NULL ? "" : state);
    if (primary != NULL) {
        char whole[1200];

        (void)snprintf(whole, sizeof(whole), "%s: %s%s%s%s%s", severity == NULL ? "ERROR" : severity, primary, detail == NULL ? "" : "; ",
                       detail == NULL ? "" : detail, hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
        one_line(whole, line, sizeof(line));
    } else {
        one_line(PQerrorMessage(connection->pg), line, sizeof(line));
    }
    if (line[0] == '\0')
        (void)snprintf(line, sizeof(line), "the connection to PostgreSQL was lost");
    return error_set(error, lost || (state != NULL && passes_later(state, "FATAL:")) ? ERROR_UNAVAILABLE : ERROR_DATABASE, "%s", line);
}

enum status pg_connection_wait(struct pg_connection *connection, int64_t timeout_ms, struct error *error)
{
    struct pg_ready ready;

    return pg_connection_wait_with(connection, -1, timeout_ms, &ready, error);
}

enum status pg_connection_wait_with(struct pg_connection *connection, int also_fd, int64_t timeout_ms, struct pg_ready *ready,
                                    struct error *error)
{
    struct pollfd fds[3] = {{.fd = PQsocket(connection->pg), .events = POLLIN},
                            {.fd = connection->stop_fd, .events = POLLIN},
                            {.fd = also_fd, .events = POLLIN}};
    int flush = PQflush(connection->pg);

    if (flush == 1)
        fds[0].events = POLLIN | POLLOUT;
    if (poll(fds, 3, timeout_ms < 0 ? -1 : timeout_ms > 3600000 ? 3600000 : (int)timeout_ms) < 0 && errno != EINTR)
        return error_set_system(error, ERROR_BUG, errno, "poll");
    if (fds[1].revents != 0)
        return error_set(error, ERROR_CLOSED, "stopped");
    ready->input = fds[0].revents != 0;
    ready->also = fds[2].revents != 0;
    return OK;
}

static enum status poll_connect(struct pg_connection *connection, int64_t timeout_ms, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        struct pollfd fds[2] = {{.fd = PQsocket(connection->pg), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT},
                                {.fd = connection->stop_fd, .events = POLLIN}};
        int64_t left = timeout_ms == 0 ? 3600000 : deadline - clock_monotonic_ms();

        if (left <= 0)
            return error_set(error, ERROR_UNAVAILABLE, NO_ANSWER "%lld ms", (long long)timeout_ms);
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            return error_set_system(error, ERROR_BUG, errno, "poll");
        if (fds[1].revents != 0)
            return error_set(error, ERROR_CLOSED, "stopped");
        if (fds[0].revents != 0)
            state = PQconnectPoll(connection->pg);
    }
    if (state != PGRES_POLLING_OK) {
        const char *message = PQerrorMessage(connection->pg);
        const char *fatal = strstr(message, "FATAL:");
        char line[800];

        one_line(fatal == NULL ? message : fatal, line, sizeof(line));
        return error_set(error, passes_later("", message) ? ERROR_UNAVAILABLE : ERROR_DATABASE, "%s", line);
    }
    return OK;
}

/* ---- Names ---- */

/* Each address with the name before it, as libpq takes them: "name,name" and "address,address". */
static void list_addresses(const char *name, const struct resolved *resolved, struct buffer *names, struct buffer *addresses)
{
    for (size_t i = 0; i < resolved->count; i++) {
        buffer_append_format(names, "%s%s", i == 0 ? "" : ",", name);
        buffer_append_format(addresses, "%s%s", i == 0 ? "" : ",", resolved->addresses[i]);
    }
    buffer_append_u8(names, '\0');
    buffer_append_u8(addresses, '\0');
}

enum status pg_connection_resolve(const char *name, int stop_fd, int64_t timeout_ms, struct buffer *names, struct buffer *addresses,
                                  struct error *error)
{
    struct resolver *resolver = NULL;
    struct resolved resolved;
    struct in6_addr address;
    enum status status;

    if (name[0] == '/' || inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1)
        return OK;
    status = resolver_start(name, &resolver, error);
    if (status == OK) {
        struct pollfd fds[2] = {{.fd = resolver_fd(resolver), .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};

        while (poll(fds, 2, timeout_ms == 0 ? -1 : (int)timeout_ms) < 0 && errno == EINTR)
            ;
        if (fds[1].revents != 0)
            status = error_set(error, ERROR_CLOSED, "stopped");
        else if (fds[0].revents == 0)
            status = error_set(error, ERROR_UNAVAILABLE, "could not translate host name \"%s\" to address: no answer within %lld ms", name,
                               (long long)timeout_ms);
        else
            status = resolver_result(resolver, &resolved, error);
    }
    if (status == OK)
        list_addresses(name, &resolved, names, addresses);
    resolver_close(resolver);
    return status;
}

/* ---- Connecting ---- */

/* Notices are for people at a terminal. */
static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static bool says(const struct error *error, const char *part)
{
    return strstr(error->message, part) != NULL;
}

/* When no PostgreSQL is there. place: what host and port are called */
static void remedy_of_place(const char *place, struct error *error)
{
    char *question = strstr(error->message, SERVER_QUESTION); /* libpq's own advice, which ours replaces */

    if (question != NULL)
        *question = '\0';
    if (question != NULL)
        error_remedy(error, "start PostgreSQL, or correct %s", place);
    else if (says(error, NO_ANSWER) || says(error, "No route to host") || says(error, "Network is unreachable"))
        error_remedy(error, "correct %s, or let the firewalls between here and there pass the connection", place);
    else if (says(error, "invalid response to SSL negotiation") || says(error, "expected authentication request from server"))
        error_remedy(error, "what answers there is not PostgreSQL: correct %s", place);
}

/* What to do about a connection that did not come to be. */
static void remedy_of_connect(const struct capture_settings *settings, struct error *error)
{
    if (error == NULL)
        return;
    if (says(error, "could not translate host name"))
        error_remedy(error, "correct database.hostname, or say where it is: host.aliases=%s=ADDRESS", settings->host);
    else if (says(error, "password authentication failed") || says(error, "no password supplied"))
        error_remedy(error, "correct database.user and database.password, or ALTER ROLE \"%s\" PASSWORD '…'", settings->user);
    else if (says(error, "no pg_hba.conf entry"))
        error_remedy(error, "add a line for user %s and this host to pg_hba.conf, then SELECT pg_reload_conf()", settings->user);
    else if (says(error, "FATAL: database ") && says(error, "does not exist"))
        error_remedy(error, "CREATE DATABASE \"%s\", or correct database.dbname", settings->database);
    else if (says(error, "FATAL: role "))
        error_remedy(error, "CREATE ROLE \"%s\" LOGIN REPLICATION PASSWORD '…', or correct database.user", settings->user);
    else if (says(error, "max_wal_senders") || says(error, "number of requested standby connections"))
        error_remedy(error, "raise max_wal_senders and restart PostgreSQL");
    else
        remedy_of_place("database.hostname and database.port", error);
}

/* All but host and address. */
static void fill_parameters(const struct capture_settings *settings, enum connection_kind kind, const char *application_name,
                            const char *port, struct parameters *parameters)
{
    parameter(parameters, "port", port);
    parameter(parameters, "user", settings->user);
    parameter(parameters, "password", settings->password);
    parameter(parameters, "dbname", settings->database);
    parameter(parameters, "replication", kind == CONNECTION_REPLICATION ? "database" : NULL);
    parameter(parameters, "sslmode", settings->ssl_mode);
    parameter(parameters, "sslcert", settings->ssl_cert);
    parameter(parameters, "sslkey", settings->ssl_key);
    parameter(parameters, "sslrootcert", settings->ssl_root_cert);
    parameter(parameters, "sslpassword", settings->ssl_password);
    parameter(parameters, "application_name", application_name);
    parameter(parameters, "client_encoding", "UTF8");
    parameter(parameters, "options", SESSION_OPTIONS);
    parameter(parameters, "keepalives", settings->tcp_keepalive ? "1" : "0");
    parameter(parameters, "passfile", "/dev/null"); /* nothing but the configuration says how we get in */
}

enum status pg_connection_open(const struct capture_settings *settings, enum connection_kind kind, const char *application_name,
                               const char *address, int stop_fd, struct pg_connection **opened, struct error *error)
{
    struct pg_connection *connection = memory_new(sizeof(*connection));
    struct parameters parameters = {.count = 0};
    const char *host = address == NULL ? settings->address : address;
    char port[16];
    struct buffer names;
    struct buffer addresses;
    enum status status;

    connection->stop_fd = stop_fd;
    connection->query_timeout_ms = settings->query_timeout_ms;
    connection->is_socket = host[0] == '/';
    (void)snprintf(port, sizeof(port), "%d", settings->address_port);
    buffer_init(&names, NAMES_BYTES_MAX);
    buffer_init(&addresses, NAMES_BYTES_MAX);
    status = pg_connection_resolve(host, stop_fd, settings->connect_timeout_ms, &names, &addresses, error);
    parameter(&parameters, "host", names.size == 0 ? host : (const char *)names.data);
    parameter(&parameters, "hostaddr", addresses.size == 0 ? NULL : (const char *)addresses.data);
    fill_parameters(settings, kind, application_name, port, &parameters);
    if (status == OK) {
        connection->pg = PQconnectStartParams(parameters.keywords, parameters.values, 0);
        if (connection->pg == NULL)
            memory_exhausted(0);
    }
    if (status == OK)
        (void)PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
    if (status == OK && PQstatus(connection->pg) == CONNECTION_BAD) {
        char line[800];

        one_line(PQerrorMessage(connection->pg), line, sizeof(line));
        status = error_set(error, ERROR_UNAVAILABLE, "%s", line);
    }
    if (status == OK)
        status = poll_connect(connection, settings->connect_timeout_ms, error);
    if (status == OK && PQsetnonblocking(connection->pg, 1) != 0)
        status = pg_connection_failure(connection, NULL, error);
    if (status == OK) {
        connection->version = PQserverVersion(connection->pg);
        if (kind == CONNECTION_SQL && settings->initial_statements != NULL)
            status = pg_connection_run(connection, settings->initial_statements, NULL, error);
    }
    buffer_finish(&names);
    buffer_finish(&addresses);
    if (status == OK) {
        *opened = connection;
    } else {
        remedy_of_connect(settings, error);
        if (status != ERROR_CLOSED)
            error_context(error, "connect to PostgreSQL at %s%s%s:%d as %s", settings->host,
                          strcmp(host, settings->host) == 0 ? "" : " -> ", strcmp(host, settings->host) == 0 ? "" : host,
                          settings->address_port, settings->user);
        pg_connection_close(connection);
    }
    return status;
}

enum status pg_connection_open_config(const struct properties *config, const struct properties *aliases, enum connection_kind kind,
                                      const char *application_name, int64_t timeout_ms, int stop_fd, struct pg_connection **opened,
                                      struct error *error)
{
    struct capture_settings *settings = NULL;
    struct properties database;
    enum status status;

    properties_init(&database);
    properties_set(&database, "topic.prefix", application_name);
    for (size_t i = 0; i < config->count; i++) {
        if (strncmp(config->items[i].key, "database.", strlen("database.")) == 0)
            properties_set(&database, config->items[i].key, config->items[i].value);
    }
    status = capture_settings_create(application_name, &database, aliases, &settings, error);
    if (status == OK) {
        if (settings->connect_timeout_ms == 0 || settings->connect_timeout_ms > timeout_ms)
            settings->connect_timeout_ms = timeout_ms;
        settings->query_timeout_ms = timeout_ms;
        status = pg_connection_open(settings, kind, application_name, NULL, stop_fd, opened, error);
    }
    capture_settings_destroy(settings);
    properties_finish(&database);
    return status;
}

static void remedy_of_conninfo(struct error *error)
{
    if (says(error, "password"))
        error_remedy(error, "correct user and password: in the URI, PGPASSWORD or ~/.pgpass");
    else
        remedy_of_place("its host and port", error);
}

/* What a URI, pairs, or the environment say of one keyword; "" when nothing does. */
static const char *conninfo_value(const PQconninfoOption *given, const PQconninfoOption *defaults, const char *keyword)
{
    const PQconninfoOption *const lists[] = {given, defaults};

    for (size_t i = 0; i < 2; i++) {
        for (const PQconninfoOption *option = lists[i]; option != NULL && option->keyword != NULL; option++) {
            if (strcmp(option->keyword, keyword) == 0 && option->val != NULL && option->val[0] != '\0')
                return option->val;
        }
    }
    return "";
}

enum status pg_connection_open_conninfo(const char *conninfo, enum connection_kind kind, const char *application_name, int64_t timeout_ms,
                                        struct pg_connection **opened, struct error *error)
{
    const char *text = conninfo == NULL ? "" : conninfo, *host;
    struct pg_connection *connection = memory_new(sizeof(*connection));
    struct parameters parameters = {.count = 0};
    char *problem = NULL;
    PQconninfoOption *given = PQconninfoParse(text, &problem), *defaults = PQconndefaults();
    struct buffer names, addresses;
    enum status status = OK;

    connection->stop_fd = -1;
    connection->query_timeout_ms = timeout_ms;
    buffer_init(&names, NAMES_BYTES_MAX);
    buffer_init(&addresses, NAMES_BYTES_MAX);
    host = conninfo_value(given, defaults, "host");
    if (given == NULL) { /* libpq's text may repeat the URI, password and all */
        status = error_set(error, ERROR_BAD_INPUT, "the connection is no URI (postgresql://user@host:5432/database) and no list of key=value pairs that libpq knows");
    } else if (host[0] != '\0' && strchr(host, ',') == NULL && conninfo_value(given, defaults, "hostaddr")[0] == '\0') {
        status = pg_connection_resolve(host, -1, timeout_ms, &names, &addresses, error);
    }
    parameter(&parameters, "dbname", text);
    parameter(&parameters, "host", names.size == 0 ? NULL : (const char *)names.data);
    parameter(&parameters, "hostaddr", addresses.size == 0 ? NULL : (const char *)addresses.data);
    parameter(&parameters, "replication", kind == CONNECTION_REPLICATION ? "database" : NULL);
    parameter(&parameters, "application_name", application_name);
    parameter(&parameters, "client_encoding", "UTF8");
    parameter(&parameters, "options", SESSION_OPTIONS);
    if (status == OK) {
        connection->pg = PQconnectStartParams(parameters.keywords, parameters.values, 1);
        if (connection->pg == NULL)
            memory_exhausted(0);
        (void)PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
        status = PQstatus(connection->pg) == CONNECTION_BAD ? pg_connection_failure(connection, NULL, error) : poll_connect(connection, timeout_ms, error);
    }
    if (status == OK && PQsetnonblocking(connection->pg, 1) != 0)
        status = pg_connection_failure(connection, NULL, error);
    PQconninfoFree(given);
    PQconninfoFree(defaults);
    PQfreemem(problem);
    buffer_finish(&names);
    buffer_finish(&addresses);
    if (status == OK) {
        connection->version = PQserverVersion(connection->pg);
        connection->is_socket = PQhost(connection->pg) != NULL && PQhost(connection->pg)[0] == '/';
        *opened = connection;
    } else {
        if (error != NULL)
            remedy_of_conninfo(error);
        pg_connection_close(connection);
    }
    return status;
}

void pg_connection_close(struct pg_connection *connection)
{
    if (connection == NULL)
        return;
    PQfinish(connection->pg);
    memory_free(connection);
}

/* Waits for the next result of a statement under way; NULL when there are no more. */
static enum status next_result(struct pg_connection *connection, int64_t deadline_ms, PGresult **result, struct error *error)
{
    while (PQisBusy(connection->pg)) {
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - clock_monotonic_ms();
        enum status status;

        if (deadline_ms >= 0 && left <= 0) {
            pg_connection_cancel(connection);
            return error_set(error, ERROR_UNAVAILABLE, "no answer from PostgreSQL at %s:%s within %lld ms", PQhost(connection->pg),
                             PQport(connection->pg), (long long)connection->query_timeout_ms);
        }
        status = pg_connection_wait(connection, left, error);
        if (status != OK) {
            pg_connection_cancel(connection);
            return status;
        }
        if (PQconsumeInput(connection->pg) == 0)
            return pg_connection_failure(connection, NULL, error);
    }
    *result = PQgetResult(connection->pg);
    return OK;
}

static enum status collect(struct pg_connection *connection, PGresult **result, struct error *error)
{
    int64_t deadline = connection->query_timeout_ms == 0 ? -1 : clock_monotonic_ms() + connection->query_timeout_ms;
    PGresult *kept = NULL;
    PGresult *next = NULL;
    enum status status = next_result(connection, deadline, &next, error);

    while (status == OK && next != NULL) {
        ExecStatusType kind = PQresultStatus(next);

        if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK && kind != PGRES_EMPTY_QUERY) {
            enum status failed = pg_connection_failure(connection, next, error);

            PQclear(next);
            /* What is left of it has to be read before the connection can be used again. */
            while (next_result(connection, deadline, &next, NULL) == OK && next != NULL)
                PQclear(next);
            PQclear(kept);
            return failed;
        }
        PQclear(kept);
        kept = next;
        next = NULL;
        status = next_result(connection, deadline, &next, error);
    }
    if (status == OK && kept == NULL)
        status = pg_connection_failure(connection, NULL, error);
    if (status == OK && result != NULL)
        *result = kept;
    else
        PQclear(kept);
    return status;
}

enum status pg_connection_run(struct pg_connection *connection, const char *sql, PGresult **result, struct error *error)
{
    if (PQsendQuery(connection->pg, sql) == 0)
        return pg_connection_failure(connection, NULL, error);
    return collect(connection, result, error);
}

enum status pg_connection_run_with(struct pg_connection *connection, const char *sql, int count, const char *const *values,
                                   PGresult **result, struct error *error)
{
    if (PQsendQueryParams(connection->pg, sql, count, NULL, values, NULL, NULL, 0) == 0)
        return pg_connection_failure(connection, NULL, error);
    return collect(connection, result, error);
}

enum status pg_connection_start_copy(struct pg_connection *connection, const char *sql, struct error *error)
{
    PGresult *result = NULL;
    enum status status = OK;

    if (PQsendQuery(connection->pg, sql) == 0)
        return pg_connection_failure(connection, NULL, error);
    status = next_result(connection, connection->query_timeout_ms == 0 ? -1 : clock_monotonic_ms() + connection->query_timeout_ms, &result,
                         error);
    if (status == OK && (result == NULL || (PQresultStatus(result) != PGRES_COPY_OUT && PQresultStatus(result) != PGRES_COPY_BOTH))) {
        PGresult *rest = NULL;

        status = pg_connection_failure(connection, result, error);
        while (next_result(connection, -1, &rest, NULL) == OK && rest != NULL)
            PQclear(rest);
    }
    PQclear(result);
    return status;
}

/* What a thread takes back: libpq's PQcancel waits for PostgreSQL without a limit. Whoever lets go last frees it. */
struct canceling {
    PGcancel *cancel;
    int done_fd;
    atomic_int owners;
};

static void canceling_let_go(struct canceling *canceling)
{
    if (atomic_fetch_sub(&canceling->owners, 1) > 1)
        return;
    PQfreeCancel(canceling->cancel);
    (void)close(canceling->done_fd);
    memory_free(canceling);
}

static void *cancel_send(void *context)
{
    struct canceling *canceling = context;
    uint64_t one = 1;
    char why[256];

    (void)PQcancel(canceling->cancel, why, sizeof(why));
    (void)!write(canceling->done_fd, &one, sizeof(one));
    canceling_let_go(canceling);
    return NULL;
}

void pg_connection_cancel(struct pg_connection *connection)
{
    struct canceling *canceling = memory_new(sizeof(*canceling));
    struct pollfd done = {.events = POLLIN};
    pthread_attr_t detached;
    pthread_t thread;

    canceling->cancel = PQgetCancel(connection->pg);
    done.fd = canceling->done_fd = eventfd(0, EFD_CLOEXEC);
    canceling->owners = 2;
    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (canceling->cancel == NULL || canceling->done_fd < 0 || pthread_create(&thread, &detached, cancel_send, canceling) != 0)
        canceling->owners = 1;
    else
        (void)poll(&done, 1, CANCEL_MS);
    (void)pthread_attr_destroy(&detached);
    canceling_let_go(canceling);
}

int64_t pg_result_number(const PGresult *result, int row, int column, int64_t otherwise)
{
    int64_t number;

    if (PQgetisnull(result, row, column) || !text_parse_int64(slice_from_string(PQgetvalue(result, row, column)), &number))
        return otherwise;
    return number;
}

uint64_t pg_result_lsn(const PGresult *result, int row, int column)
{
    uint64_t lsn = 0;

    if (!PQgetisnull(result, row, column) && !pg_lsn_from_text(slice_from_string(PQgetvalue(result, row, column)), &lsn))
        return 0;
    return lsn;
}

static const char *quote(struct arena *arena, const char *text, char mark)
{
    char *quoted = arena_new(arena, 2 * strlen(text) + 3);
    size_t used = 0;

    quoted[used++] = mark;
    for (; *text != '\0'; text++) {
        if (*text == mark)
            quoted[used++] = mark;
        quoted[used++] = *text;
    }
    quoted[used] = mark;
    return quoted;
}

const char *pg_connection_quote(struct arena *arena, const char *name)
{
    return quote(arena, name, '"');
}
