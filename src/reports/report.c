#include "reports/report.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/json/text.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <math.h>
#include <poll.h>
#include <time.h>

#define LOG_SUBSYSTEM "reports"

#define RETRY_MAX_MS 15000
#define OUTAGE_GRACE_MS 10000 /* a database that is away for less was just being started: no failed run is told */
#define LOOK_MS 200
#define CONNECT_MS 10000 /* one that says nothing for so long hangs, which is told at once */
#define QUERY_BYTES_MAX ((size_t)1 << 20)
#define TIMESTAMPTZ_OID 1184
#define ELLIPSIS "…"
#define COLUMNS_SQL "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = to_regclass(%s)"

static const char *const functions[][2] = {{"avg", "Average"}, {"sum", "Sum of"}, {"min", "Lowest"}, {"max", "Highest"}, {"count", "Count of"}};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

/* ---- Durations ---- */

bool report_duration(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t size = strlen(text);
    struct slice number;
    int64_t factor = 1;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && size > 0; i++) {
        if (text[size - 1] == units[i].unit) {
            factor = units[i].seconds;
            size--;
            break;
        }
    }
    number = text_trim(slice_of(text, size));
    return text_parse_int64(number, seconds) && *seconds > 0 && !__builtin_mul_overflow(*seconds, factor, seconds) && *seconds <= 366 * 86400;
}

void report_duration_text(int64_t seconds, char text[48])
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    size_t i = 0;

    while (seconds % units[i].seconds != 0)
        i++;
    (void)snprintf(text, 48, "%" PRId64 " %s%s", seconds / units[i].seconds, units[i].name, seconds == units[i].seconds ? "" : "s");
}

/* ---- The query ---- */

static const char *function_word(const struct report_spec *spec)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (strcmp(functions[i][0], spec->function) == 0)
            return functions[i][1];
    }
    return NULL;
}

enum status report_check(const struct report_spec *spec, struct error *error)
{
    if (spec->sql == NULL && spec->table == NULL)
        return error_set(error, ERROR_BAD_INPUT, "report %s: give a table and a column, or a file with SQL", spec->name);
    if (spec->sql == NULL && spec->column == NULL)
        return error_set(error, ERROR_BAD_INPUT, "report %s: which column of %s?", spec->name, spec->table);
    if (spec->sql == NULL && function_word(spec) == NULL)
        return error_set(error, ERROR_BAD_INPUT, "report %s: there is no function \"%s\"; there are avg, sum, min, max, count", spec->name, spec->function);
    if (spec->window_s <= 0 || spec->every_s <= 0)
        return error_set(error, ERROR_BAD_INPUT, "report %s: window and interval have to be longer than nothing", spec->name);
    return OK;
}

static void quoted_append(struct buffer *query, const char *name, size_t size)
{
    buffer_append_u8(query, '"');
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '"')
            buffer_append_u8(query, '"');
        buffer_append_u8(query, (uint8_t)name[i]);
    }
    buffer_append_u8(query, '"');
}

static void table_append(struct buffer *query, const char *table)
{
    const char *dot = strchr(table, '.');

    if (dot != NULL) {
        quoted_append(query, table, (size_t)(dot - table));
        buffer_append_u8(query, '.');
        table = dot + 1;
    }
    quoted_append(query, table, strlen(table));
}

/* The window is [$1, $2); both are timestamptz and compare with either kind of timestamp in the session's zone. */
char *report_query(const struct report_spec *spec)
{
    struct buffer query;
    char *copy;

    if (spec->sql != NULL)
        return memory_copy_string(spec->sql);
    buffer_init(&query, QUERY_BYTES_MAX);
    buffer_append_format(&query, "SELECT %s(", spec->function);
    quoted_append(&query, spec->column, strlen(spec->column));
    buffer_append_string(&query, ") AS ");
    quoted_append(&query, spec->column, strlen(spec->column));
    buffer_append_string(&query, ", count(*) AS \"rows\" FROM ");
    table_append(&query, spec->table);
    buffer_append_string(&query, " WHERE ");
    quoted_append(&query, spec->time_column, strlen(spec->time_column));
    buffer_append_string(&query, " >= $1::timestamptz AND ");
    quoted_append(&query, spec->time_column, strlen(spec->time_column));
    buffer_append_string(&query, " < $2::timestamptz");
    copy = memory_copy_bytes(query.data, query.size);
    buffer_finish(&query);
    return copy;
}

/* On one line, one blank between words. */
static void message_trim(char *message)
{
    char *end = message;

    for (const char *at = message; *at != '\0'; at++) {
        char byte = *at == '\n' || *at == '\t' ? ' ' : *at;

        if (byte != ' ' || (end > message && end[-1] != ' '))
            *end++ = byte;
    }
    while (end > message && end[-1] == ' ')
        end--;
    *end = '\0';
}

static enum status query_failed(PGconn *connection, const PGresult *result, const char *doing, struct error *error)
{
    bool lost = PQstatus(connection) != CONNECTION_OK;

    (void)error_set(error, lost ? ERROR_UNAVAILABLE : ERROR_DATABASE, "%s: %s", doing,
                    result != NULL && PQresultErrorMessage(result)[0] != '\0' ? PQresultErrorMessage(result) : PQerrorMessage(connection));
    message_trim(error->message);
    return error->status;
}

/* ---- Waiting for PostgreSQL, but not when somebody stops ---- */

struct patience {
    const atomic_bool *stop; /* NULL: nobody stops */
    int wake_fd;             /* readable when *stop was set; -1: looked at every 200 ms */
    int64_t deadline_ms;     /* monotonic; INT64_MAX: none */
};

/* Until the socket is ready. Errors: UNAVAILABLE: the time is over; CLOSED */
static enum status socket_wait(PGconn *connection, short events, const struct patience *patience, struct error *error)
{
    for (;;) {
        struct pollfd waited[] = {{PQsocket(connection), events, 0}, {patience->wake_fd, POLLIN, 0}};
        int64_t left_ms = patience->deadline_ms - clock_monotonic_ms(), longest_ms = patience->wake_fd < 0 ? LOOK_MS : 60000;

        if (patience->stop != NULL && *patience->stop)
            return error_set(error, ERROR_CLOSED, "stopped");
        if (left_ms <= 0)
            return error_set(error, ERROR_UNAVAILABLE, "no answer from PostgreSQL in time");
        (void)poll(waited, 2, (int)(left_ms < longest_ms ? left_ms : longest_ms));
        if (waited[0].revents != 0)
            return OK;
        if (waited[1].revents != 0 && patience->stop == NULL)
            return error_set(error, ERROR_CLOSED, "stopped");
    }
}

static enum status connection_open(const char *conninfo, const struct patience *patience, PGconn **opened, struct error *error)
{
    static const char *const keywords[] = {"dbname", "client_encoding", NULL};
    const char *const values[] = {conninfo, "UTF8", NULL}; /* what is behind counts */
    PGconn *connection = PQconnectStartParams(keywords, values, 1);
    PostgresPollingStatusType state = PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    enum status status = OK;

    while (status == OK && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        status = socket_wait(connection, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, patience, error);
        if (status == OK)
            state = PQconnectPoll(connection);
    }
    if (status == OK && state == PGRES_POLLING_FAILED)
        status = query_failed(connection, NULL, "connect to PostgreSQL", error);
    if (status == OK)
        *opened = connection;
    else
        PQfinish(connection);
    return status;
}

/* COPY has no end before it was read: whoever sees it gives the connection up. */
static bool is_copy(const PGresult *result)
{
    ExecStatusType code = PQresultStatus(result);

    return code == PGRES_COPY_OUT || code == PGRES_COPY_IN || code == PGRES_COPY_BOTH;
}

/*
 * The result, or NULL with the error when there is none: the connection is of no use then. Parameters are timestamptz whatever they are
 * compared with: as the literals that PostgreSQL would else take them for, a timestamp without zone loses theirs. Those that the text does
 * not use may be given too.
 */
static PGresult *ask(PGconn *connection, const char *sql, int count, const char *const *values, const struct patience *patience, struct error *error)
{
    static const Oid types[] = {TIMESTAMPTZ_OID, TIMESTAMPTZ_OID};
    PGresult *result = NULL, *next;

    if (PQsendQueryParams(connection, sql, count, types, values, NULL, NULL, 0) == 0) {
        (void)query_failed(connection, NULL, "ask PostgreSQL", error);
        return NULL;
    }
    while (PQisBusy(connection)) {
        if (socket_wait(connection, POLLIN, patience, error) != OK)
            return NULL;
        if (PQconsumeInput(connection) == 0) {
            (void)query_failed(connection, NULL, "ask PostgreSQL", error);
            return NULL;
        }
    }
    result = PQgetResult(connection);
    while (!is_copy(result) && (next = PQgetResult(connection)) != NULL)
        PQclear(next);
    return result;
}

/* The database's clock, in microseconds since 1970. */
static enum status database_now(PGconn *connection, const struct patience *patience, int64_t *now_us, struct error *error)
{
    PGresult *result = ask(connection, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", 0, NULL, patience, error);
    enum status status = OK;

    if (result == NULL)
        status = ERROR_UNAVAILABLE;
    else if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = query_failed(connection, result, "ask for the time", error);
    else if (!text_parse_int64(slice_from_string(PQgetvalue(result, 0, 0)), now_us))
        status = error_set(error, ERROR_DATABASE, "ask for the time: not a number");
    PQclear(result);
    return status;
}

static void timestamp_text(int64_t us, char text[64])
{
    time_t seconds = (time_t)(us / US_PER_SECOND);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)snprintf(text, 64, "%04d-%02d-%02d %02d:%02d:%02d.%06d+00", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                   parts.tm_sec, (int)(us % US_PER_SECOND));
}

/* Whole characters only, and "…" for those that find no room; what is no UTF-8 (a database may be SQL_ASCII) becomes "?". */
static void text_take(const char *text, char *taken, size_t size)
{
    struct slice rest = slice_from_string(text);
    size_t used = 0, room = rest.size < size ? size - 1 : size - sizeof(ELLIPSIS);

    while (rest.size > 0) {
        struct slice character = slice_of(rest.data, text_character_size(rest.data[0]));
        bool is_right = character.size <= rest.size && text_is_utf8(character);

        character = is_right ? character : slice_of("?", 1);
        if (used + character.size > room)
            break;
        memcpy(taken + used, character.data, character.size);
        used += character.size;
        rest = slice_from(rest, is_right ? character.size : 1);
    }
    (void)snprintf(taken + used, size - used, "%s", rest.size > 0 ? ELLIPSIS : "");
}

/* Errors: DATABASE: it is not one row, or has more columns than are kept. */
static enum status values_take(const struct report_spec *spec, const PGresult *result, struct report_result *taken, struct error *error)
{
    if (PQntuples(result) > 1)
        return error_set(error, ERROR_DATABASE, "%s: the SQL gave %d rows, and a report is one: put them together (avg, count, string_agg, …) or add LIMIT 1", spec->name,
                         PQntuples(result));
    if (PQnfields(result) > REPORT_VALUES_MAX)
        return error_set(error, ERROR_DATABASE, "%s: the SQL gave %d columns; a report has at most %d", spec->name, PQnfields(result), REPORT_VALUES_MAX);
    taken->outcome = REPORT_NO_DATA;
    taken->rows = -1;
    for (int i = 0; i < PQnfields(result) && PQntuples(result) > 0; i++) {
        const char *text = PQgetisnull(result, 0, i) ? NULL : PQgetvalue(result, 0, i);

        if (spec->sql == NULL && i == 1) {
            (void)text_parse_int64(slice_from_string(text), &taken->rows);
            continue;
        }
        if (text == NULL)
            continue;
        text_take(PQfname(result, i), taken->values[taken->value_count].name, sizeof(taken->values[0].name));
        text_take(text, taken->values[taken->value_count].text, sizeof(taken->values[0].text));
        taken->value_count++;
        taken->outcome = REPORT_VALUE;
    }
    if (taken->rows == 0)
        taken->outcome = REPORT_NO_DATA;
    return OK;
}

/* The columns of the table, when it is one of them that is missing. */
static void columns_say(PGconn *connection, const struct report_spec *spec, const PGresult *refused, const struct patience *patience, struct error *error)
{
    const char *code = PQresultErrorField(refused, PG_DIAG_SQLSTATE), *said = PQresultErrorField(refused, PG_DIAG_MESSAGE_PRIMARY);
    struct buffer name;
    char *literal, *query;
    PGresult *columns;

    if (spec->sql != NULL || code == NULL || strcmp(code, "42703") != 0)
        return;
    buffer_init(&name, QUERY_BYTES_MAX);
    table_append(&name, spec->table);
    literal = PQescapeLiteral(connection, (const char *)name.data, name.size);
    query = memory_format(COLUMNS_SQL, literal == NULL ? "NULL" : literal);
    columns = ask(connection, query, 0, NULL, patience, &(struct error){.status = OK});
    if (PQresultStatus(columns) == PGRES_TUPLES_OK && PQntuples(columns) == 1 && !PQgetisnull(columns, 0, 0))
        (void)error_set(error, ERROR_DATABASE, "%s: %s; columns of %s: %s", spec->name, said, spec->table, PQgetvalue(columns, 0, 0));
    PQclear(columns);
    memory_free(query);
    PQfreemem(literal);
    buffer_finish(&name);
}

/* One run over the window that ends at to_us. */
static enum status run_window(PGconn *connection, const struct report_spec *spec, int64_t to_us, const struct patience *patience, struct report_result *result,
                              struct error *error)
{
    char from[64], to[64];
    const char *const values[] = {from, to};
    int64_t began_us = clock_now_us();
    char *query = report_query(spec);
    PGresult *answer;
    enum status status = OK;

    *result = (struct report_result){.run_us = began_us, .window_from_us = to_us - spec->window_s * US_PER_SECOND, .window_to_us = to_us, .rows = -1};
    timestamp_text(result->window_from_us, from);
    timestamp_text(to_us, to);
    answer = ask(connection, query, 2, values, patience, error);
    if (answer == NULL)
        status = ERROR_UNAVAILABLE;
    else if (PQresultStatus(answer) == PGRES_TUPLES_OK)
        status = values_take(spec, answer, result, error);
    else if (PQresultStatus(answer) == PGRES_COMMAND_OK || PQresultStatus(answer) == PGRES_EMPTY_QUERY || is_copy(answer))
        status = error_set(error, ERROR_DATABASE, "%s: the SQL gives no row; it has to be a SELECT", spec->name);
    else
        status = query_failed(connection, answer, spec->name, error);
    if (status == ERROR_DATABASE)
        columns_say(connection, spec, answer, patience, error);
    PQclear(answer);
    memory_free(query);
    result->took_us = clock_now_us() - began_us;
    return status;
}

/* ---- Running ---- */

struct running {
    const struct report_spec *spec;
    const atomic_bool *stop;
    int wake_fd;
    report_done *done;
    void *context;
    PGconn *connection;
    int64_t next_to_us; /* end of the next window, by the database's clock; 0: not known yet */
    int64_t skew_us;    /* the database's clock ahead of ours */
    int64_t failures;      /* to reach the database, in a row */
    int64_t down_since_ms; /* monotonic; of the first of them */
    bool said_down;
    bool not_kept;      /* `done` failed */
};

static void wait_until(struct running *running, int64_t ms)
{
    int64_t until_ms = clock_monotonic_ms() + ms;
    int64_t left;

    while (!*running->stop && (left = until_ms - clock_monotonic_ms()) > 0) {
        struct pollfd wake = {running->wake_fd, POLLIN, 0};
        int64_t longest = running->wake_fd < 0 ? LOOK_MS : 60000;

        (void)poll(&wake, 1, (int)(left < longest ? left : longest));
    }
}

static enum status connect_database(struct running *running, struct error *error)
{
    struct patience patience = {running->stop, running->wake_fd, clock_monotonic_ms() + CONNECT_MS};
    int64_t now_us = 0;
    enum status status = OK;

    /* The database's clock is asked each time: it may be set, and drifts from ours. That also tells whether the connection still lives. */
    if (running->connection != NULL && PQstatus(running->connection) == CONNECTION_OK && database_now(running->connection, &patience, &now_us, error) == OK) {
        running->skew_us = now_us - clock_now_us();
        return OK;
    }
    PQfinish(running->connection);
    running->connection = NULL;
    status = connection_open(running->spec->conninfo, &patience, &running->connection, error);
    if (status == OK)
        status = database_now(running->connection, &patience, &now_us, error);
    if (status == OK) {
        running->skew_us = now_us - clock_now_us();
        if (running->next_to_us == 0)
            running->next_to_us = now_us;
    }
    return status;
}

static enum status tell(struct running *running, struct report_result *result, struct error *error)
{
    enum status status = running->done(running->context, running->spec, result, error);

    running->not_kept = status != OK;
    return status;
}

/* Whole intervals that lie further behind than can be made up for are left out, and told as one run that failed. */
static enum status skip_what_is_too_old(struct running *running, int64_t now_us, struct error *error)
{
    int64_t every_us = running->spec->every_s * US_PER_SECOND;
    int64_t behind = (now_us - running->next_to_us) / every_us, left_out = behind - REPORT_CATCH_UP_MAX;
    struct report_result result = {.outcome = REPORT_FAILED, .run_us = clock_now_us(), .rows = -1, .caught_up = true};

    if (left_out <= 0)
        return OK;
    (void)error_set(&result.error, ERROR_LIMIT, "%" PRId64 " runs were missed; the newest %d are made up for, the %" PRId64 " before them are not", behind,
                    REPORT_CATCH_UP_MAX, left_out);
    LOG_ERROR("report %s: %s", running->spec->name, result.error.message);
    result.window_from_us = running->next_to_us - running->spec->window_s * US_PER_SECOND;
    running->next_to_us += left_out * every_us;
    result.window_to_us = running->next_to_us - every_us;
    return tell(running, &result, error);
}

static enum status run_due(struct running *running, struct error *error)
{
    struct patience patience = {running->stop, running->wake_fd, INT64_MAX};
    int64_t every_us = running->spec->every_s * US_PER_SECOND;
    enum status status = skip_what_is_too_old(running, clock_now_us() + running->skew_us, error);

    while (status == OK && !*running->stop && running->next_to_us <= clock_now_us() + running->skew_us) {
        struct report_result result;

        status = run_window(running->connection, running->spec, running->next_to_us, &patience, &result, error);
        if (status != OK)
            break;
        result.caught_up = clock_now_us() + running->skew_us - running->next_to_us > every_us;
        status = tell(running, &result, error);
        running->next_to_us += every_us;
    }
    return status;
}

/* The failed run is told once per outage; it is made up for when the database is back. asked_ms: monotonic; since when there is no answer */
static enum status outage(struct running *running, int64_t asked_ms, struct error *error)
{
    enum status status = OK;
    int64_t now_ms = clock_monotonic_ms(), down_ms;
    struct report_result result = {.outcome = REPORT_FAILED, .run_us = clock_now_us(), .rows = -1, .error = *error};

    if (running->failures++ == 0)
        running->down_since_ms = asked_ms;
    down_ms = now_ms - running->down_since_ms;
    if (!running->said_down && down_ms >= OUTAGE_GRACE_MS) {
        running->said_down = true;
        result.window_to_us = running->next_to_us;
        result.window_from_us = running->next_to_us == 0 ? 0 : running->next_to_us - running->spec->window_s * US_PER_SECOND;
        status = tell(running, &result, error);
    }
    if (status == OK)
        wait_until(running, retry_wait_ms(running->failures, down_ms, RETRY_MAX_MS));
    return status;
}

enum status report_run(const struct report_spec *spec, int64_t last_to_us, const atomic_bool *stop, int wake_fd, report_done *done, void *context,
                       struct error *error)
{
    struct running running = {.spec = spec, .stop = stop, .wake_fd = wake_fd, .done = done, .context = context};
    enum status status = report_check(spec, error);

    if (last_to_us > 0)
        running.next_to_us = last_to_us + spec->every_s * US_PER_SECOND;
    while (status == OK && !*stop) {
        int64_t asked_ms = clock_monotonic_ms();

        status = connect_database(&running, error);
        if (status == OK) {
            status = run_due(&running, error);
            asked_ms = clock_monotonic_ms(); /* a query may take its time */
        }
        if (status == OK) {
            running.said_down = false;
            running.failures = 0;
            wait_until(&running, (running.next_to_us - clock_now_us() - running.skew_us) / 1000 + 1);
        } else if (*stop) {
            status = OK;
        } else if (status == ERROR_UNAVAILABLE && !running.not_kept) {
            PQfinish(running.connection); /* an answer may still come on it */
            running.connection = NULL;
            status = outage(&running, asked_ms, error);
        }
    }
    PQfinish(running.connection);
    return status;
}

enum status report_once(const struct report_spec *spec, int64_t timeout_ms, const atomic_bool *stop, int wake_fd, struct report_result *result, struct error *error)
{
    struct patience patience = {stop, wake_fd, clock_monotonic_ms() + timeout_ms};
    char limit[80];
    PGconn *connection = NULL;
    PGresult *limited = NULL, *begun = NULL;
    int64_t now_us = 0;
    enum status status = report_check(spec, error);

    (void)snprintf(limit, sizeof(limit), "SELECT set_config('statement_timeout', '%lld', false)", (long long)timeout_ms);
    if (status == OK)
        status = connection_open(spec->conninfo, &patience, &connection, error);
    if (status == OK) {
        limited = ask(connection, limit, 0, NULL, &patience, error);
        begun = limited == NULL ? NULL : ask(connection, "BEGIN TRANSACTION READ ONLY", 0, NULL, &patience, error);
        if (begun == NULL)
            status = ERROR_UNAVAILABLE;
        else if (PQresultStatus(begun) != PGRES_COMMAND_OK)
            status = query_failed(connection, begun, "begin", error);
        PQclear(limited);
        PQclear(begun);
    }
    if (status == OK)
        status = database_now(connection, &patience, &now_us, error);
    if (status == OK)
        status = run_window(connection, spec, now_us, &patience, result, error);
    PQfinish(connection); /* rolls back */
    return status;
}

/* ---- Showing ---- */

void report_write(const struct report_spec *spec, const struct report_result *result, struct buffer *json)
{
    static const char *const outcomes[] = {"value", "no_data", "failed"};

    buffer_append_string(json, "{\"report\":");
    json_append_string(json, slice_from_string(spec->name));
    buffer_append_format(json, ",\"outcome\":\"%s\",\"run_us\":%" PRId64 ",\"window_from_us\":%" PRId64 ",\"window_to_us\":%" PRId64 ",\"rows\":",
                         outcomes[result->outcome], result->run_us, result->window_from_us, result->window_to_us);
    if (result->rows < 0)
        buffer_append_string(json, "null");
    else
        buffer_append_decimal(json, result->rows);
    buffer_append_string(json, ",\"values\":{");
    for (size_t i = 0; i < result->value_count; i++) {
        if (i > 0)
            buffer_append_u8(json, ',');
        json_append_string(json, slice_from_string(result->values[i].name));
        buffer_append_u8(json, ':');
        json_append_string(json, slice_from_string(result->values[i].text));
    }
    buffer_append_string(json, "},\"unit\":");
    json_append_string(json, slice_from_string(spec->unit));
    buffer_append_format(json, ",\"took_us\":%" PRId64 ",\"caught_up\":%s,\"error\":", result->took_us, result->caught_up ? "true" : "false");
    if (result->outcome == REPORT_FAILED)
        json_append_string(json, slice_from_string(result->error.message));
    else
        buffer_append_string(json, "null");
    buffer_append_u8(json, '}');
}

/* Averages have up to 16 decimals in PostgreSQL; people get two. */
static void value_shown(const char *text, struct buffer *line)
{
    double number;

    if (strchr(text, '.') != NULL && text_parse_double(slice_from_string(text), &number) && isfinite(number))
        buffer_append_format(line, "%.2f", number);
    else
        buffer_append_string(line, text);
}

void report_line(const struct report_spec *spec, const struct report_result *result, struct buffer *line)
{
    time_t seconds = (time_t)(result->run_us / US_PER_SECOND);
    char window[48];
    struct tm parts;

    (void)localtime_r(&seconds, &parts);
    report_duration_text(spec->window_s, window);
    buffer_append_format(line, "%04d-%02d-%02d %02d:%02d:%02d.%06d - ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                         parts.tm_sec, (int)(result->run_us % US_PER_SECOND));
    if (result->outcome == REPORT_FAILED) {
        buffer_append_format(line, "%s failed: %s; it is made up for when the database is back", spec->name, result->error.message);
        return;
    }
    if (result->caught_up) {
        char to[64];

        timestamp_text(result->window_to_us, to);
        buffer_append_format(line, "(caught up, window to %s) ", to);
    }
    if (result->outcome == REPORT_NO_DATA) {
        buffer_append_format(line, "No data in last %s.", window);
        return;
    }
    if (spec->sql == NULL)
        buffer_append_format(line, "%s %s last %s: ", function_word(spec), spec->column, window);
    for (size_t i = 0; i < result->value_count; i++) {
        if (spec->sql != NULL)
            buffer_append_format(line, "%s%s: ", i == 0 ? "" : ", ", result->values[i].name);
        value_shown(result->values[i].text, line);
    }
    if (spec->unit[0] != '\0')
        buffer_append_format(line, " %s", spec->unit);
}
