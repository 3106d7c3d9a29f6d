#include "compare/poller.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "compare/child.h"
#include "compare/usage.h"
#include "os/clock.h"

struct polling {
    const struct poller *spec;
    PGconn *connection;
    struct sightings *sightings;
    struct child_figures figures;
    char mark[64]; /* the highest id, or the newest updated_at */
};

static const struct {
    const char *first_mark; /* before anything changes */
    const char *query;      /* $1: the mark; $2: milliseconds of overlap */
    int parameters;
    int mark_column;
} kinds[] = {
    [POLL_WHOLE] = {NULL, "SELECT id, version, customer, amount, note, updated_at FROM " TABLE_NAME, 0, -1},
    [POLL_ID] = {"SELECT max(id) FROM " TABLE_NAME,
                 "SELECT id, version, customer, amount, note, updated_at FROM " TABLE_NAME " WHERE id > $1 ORDER BY id", 1, 0},
    [POLL_TIME] = {"SELECT max(updated_at) FROM " TABLE_NAME,
                   "SELECT id, version, customer, amount, note, updated_at FROM " TABLE_NAME
                   " WHERE updated_at > $1::timestamptz - $2 * interval '1 millisecond' ORDER BY updated_at, id",
                   2, 5},
};

static enum status mark_read(struct polling *polling, struct error *error)
{
    PGresult *result;

    if (kinds[polling->spec->kind].first_mark == NULL)
        return OK;
    result = subject_query(polling->connection, kinds[polling->spec->kind].first_mark, "read the first mark", error);
    if (result == NULL)
        return error->status;
    (void)snprintf(polling->mark, sizeof(polling->mark), "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return OK;
}

static void rows_take(struct polling *polling, const PGresult *result)
{
    int64_t now_ns = clock_monotonic_ns();
    int column = kinds[polling->spec->kind].mark_column, count = PQntuples(result);

    polling->figures.rows += count;
    if (polling->spec->kind == POLL_WHOLE)
        sightings_round_begin(polling->sightings);
    for (int i = 0; i < count; i++) {
        int64_t id, version;

        if (text_parse_int64(slice_from_string(PQgetvalue(result, i, 0)), &id) &&
            text_parse_int64(slice_from_string(PQgetvalue(result, i, 1)), &version))
            (void)sightings_take(polling->sightings, id, (int32_t)version, now_ns);
    }
    if (polling->spec->kind == POLL_WHOLE)
        sightings_round_end(polling->sightings, now_ns);
    else if (count > 0)
        (void)snprintf(polling->mark, sizeof(polling->mark), "%s", PQgetvalue(result, count - 1, column));
}

static enum status poll_once(struct polling *polling, struct error *error)
{
    char overlap[24];
    const char *parameters[] = {polling->mark, overlap};
    int64_t began_ns = clock_monotonic_ns();
    PGresult *result;
    enum status status = OK;

    (void)snprintf(overlap, sizeof(overlap), "%lld", (long long)polling->spec->overlap_ms);
    result = PQexecParams(polling->connection, kinds[polling->spec->kind].query, kinds[polling->spec->kind].parameters, NULL, parameters,
                          NULL, NULL, 0);
    polling->figures.queries++;
    polling->figures.query_ns += clock_monotonic_ns() - began_ns;
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        rows_take(polling, result);
    else
        status = database_fail(polling->connection, "poll the table", error);
    PQclear(result);
    return status;
}

/* Until one poll began after all was committed. */
static enum status polls_run(struct polling *polling, int fd, struct error *error)
{
    int64_t next_ms = clock_monotonic_ms() + polling->spec->delay_ms, expected;
    bool finish = false, last = false;
    enum status status = OK;

    while (status == OK && !last) {
        int64_t now_ms = clock_monotonic_ms();

        if (now_ms < next_ms) {
            if (finish)
                clock_sleep_ms(next_ms - now_ms); /* nothing more will be said: the last poll comes when it is due */
            else if (!child_listen(fd, next_ms - now_ms, &finish, &expected))
                return error_set(error, ERROR_CLOSED, "the comparison has ended");
            continue;
        }
        last = finish;
        status = poll_once(polling, error);
        next_ms += polling->spec->interval_ms;
        now_ms = clock_monotonic_ms();
        if (next_ms < now_ms && !finish) { /* polls that take longer than their interval follow each other */
            next_ms = now_ms;
            if (!child_listen(fd, 0, &finish, &expected))
                return error_set(error, ERROR_CLOSED, "the comparison has ended");
        }
    }
    return status;
}

int poller_run(void *context, int fd)
{
    const struct poller *spec = context;
    struct polling polling = {.spec = spec};
    struct error error;
    int64_t backend, cpu_ms = -1;
    enum status status = subject_connect(spec->database, &polling.connection, &error);

    if (status == OK)
        status = mark_read(&polling, &error);
    if (status == OK) {
        polling.sightings = sightings_create(spec->rows);
        backend = PQbackendPID(polling.connection);
        cpu_ms = backend_cpu_ms(polling.connection, backend);
        (void)child_say_ready(fd);
        status = polls_run(&polling, fd, &error);
    }
    if (status == OK) {
        polling.figures.database_ms = cpu_ms < 0 ? -1 : backend_cpu_ms(polling.connection, backend) - cpu_ms;
        (void)child_say_result(fd, &polling.figures, polling.sightings);
    } else {
        (void)child_say_error(fd, error.message);
    }
    sightings_destroy(polling.sightings);
    PQfinish(polling.connection);
    return status == OK ? 0 : 1;
}
