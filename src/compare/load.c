#include "compare/load.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define TRANSACTIONS_PER_SECOND_MAX 200
#define RECENT 10 /* rows that an update of what has just changed picks from */
#define LATE_INSERTS 2

struct row {
    int64_t id;
    int32_t version;
};

struct writer {
    PGconn *connection;
    struct row *rows; /* that are there and that nobody else changes */
    size_t count, capacity;
    bool late;
    struct written pending[1024]; /* of the open transaction */
    size_t pending_count;
};

struct loading {
    const struct load_spec *spec;
    struct load *load;
    struct writer steady, slow;
    uint64_t random;
    size_t changes; /* of one steady transaction */
    double interval_ns;
};

static uint64_t random_next(struct loading *loading)
{
    loading->random = loading->random * 6364136223846793005u + 1442695040888963407u;
    return loading->random >> 33;
}

/* ---- Statements ---- */

static const char *const prepared[][2] = {
    {"add", "INSERT INTO " TABLE_NAME " (customer, amount, note) VALUES ($1, $1 % 5000, 'written while compared') RETURNING id"},
    {"change", "UPDATE " TABLE_NAME " SET version = version + 1, amount = amount + 1, updated_at = now() WHERE id = $1"},
    {"remove", "DELETE FROM " TABLE_NAME " WHERE id = $1"},
};

static enum status writer_open(struct writer *writer, const struct database *database, struct error *error)
{
    enum status status = subject_connect(database, &writer->connection, error);

    for (size_t i = 0; i < sizeof(prepared) / sizeof(prepared[0]) && status == OK; i++) {
        PGresult *result = PQprepare(writer->connection, prepared[i][0], prepared[i][1], 1, NULL);

        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            status = database_fail(writer->connection, "prepare the changes", error);
        PQclear(result);
    }
    return status;
}

static void writer_close(struct writer *writer)
{
    PQfinish(writer->connection);
    memory_free(writer->rows);
}

/* id: what the statement returns, may be NULL */
static enum status execute(struct writer *writer, const char *statement, int64_t number, int64_t *id, struct error *error)
{
    char text[24];
    const char *values[] = {text};
    PGresult *result;
    enum status status = OK;

    (void)snprintf(text, sizeof(text), "%lld", (long long)number);
    result = PQexecPrepared(writer->connection, statement, 1, values, NULL, NULL, 0);
    if (id == NULL ? PQresultStatus(result) != PGRES_COMMAND_OK || strcmp(PQcmdTuples(result), "1") != 0
                   : PQresultStatus(result) != PGRES_TUPLES_OK || !text_parse_int64(slice_from_string(PQgetvalue(result, 0, 0)), id))
        status = database_fail(writer->connection, "write to the table", error);
    PQclear(result);
    return status;
}

/* ---- Changes ---- */

static void row_keep(struct writer *writer, int64_t id, int32_t version)
{
    if (writer->count == writer->capacity) {
        writer->capacity = writer->capacity * 2 + 1024;
        writer->rows = memory_resize(writer->rows, writer->capacity * sizeof(*writer->rows));
    }
    writer->rows[writer->count++] = (struct row){id, version};
}

static void pend(struct writer *writer, int64_t id, int32_t version, enum write_kind kind)
{
    writer->pending[writer->pending_count++] = (struct written){id, version, kind, writer->late, 0};
}

static enum status add(struct loading *loading, struct writer *writer, struct error *error)
{
    int64_t id = 0;
    enum status status = execute(writer, "add", (int64_t)(random_next(loading) % 100000), &id, error);

    if (status == OK) {
        row_keep(writer, id, 1);
        pend(writer, id, 1, WRITE_INSERT);
    }
    return status;
}

/* The changed row goes to the end: to those that have just changed. */
static enum status change(struct writer *writer, size_t at, struct error *error)
{
    struct row row = writer->rows[at];
    enum status status = execute(writer, "change", row.id, NULL, error);

    if (status == OK) {
        writer->rows[at] = writer->rows[writer->count - 1];
        row.version++;
        writer->rows[writer->count - 1] = row;
        pend(writer, row.id, row.version, WRITE_UPDATE);
    }
    return status;
}

static enum status take_away(struct writer *writer, size_t at, struct error *error)
{
    struct row row = writer->rows[at];
    enum status status = execute(writer, "remove", row.id, NULL, error);

    if (status == OK) {
        writer->rows[at] = writer->rows[--writer->count];
        pend(writer, row.id, row.version + 1, WRITE_DELETE);
    }
    return status;
}

static enum status begin(struct writer *writer, struct error *error)
{
    writer->pending_count = 0;
    return database_execute(writer->connection, "BEGIN", "begin a transaction", error);
}

static enum status commit(struct loading *loading, struct writer *writer, struct error *error)
{
    struct load *load = loading->load;
    int64_t now_ns = clock_monotonic_ns();
    enum status status = database_execute(writer->connection, "COMMIT", "commit", error);

    if (status != OK)
        return status;
    if (load->count + writer->pending_count > load->capacity) {
        load->capacity = load->capacity * 2 + sizeof(writer->pending) / sizeof(writer->pending[0]);
        load->writes = memory_resize(load->writes, load->capacity * sizeof(*load->writes));
    }
    for (size_t i = 0; i < writer->pending_count; i++) {
        load->writes[load->count] = writer->pending[i];
        load->writes[load->count++].at_ns = now_ns;
    }
    return OK;
}

/* ---- Transactions ---- */

static enum status steady_write(struct loading *loading, struct error *error)
{
    struct writer *writer = &loading->steady;
    enum status status = begin(writer, error);

    for (size_t i = 0; i < loading->changes && status == OK; i++) {
        uint64_t what = random_next(loading) % 10;
        size_t near = writer->count < RECENT ? writer->count : RECENT;

        if (what < 6 || writer->count == 0)
            status = add(loading, writer, error);
        else if (what < 9)
            status = change(writer,
                            random_next(loading) % 2 == 0 ? writer->count - 1 - random_next(loading) % near
                                                          : random_next(loading) % writer->count,
                            error);
        else
            status = take_away(writer, random_next(loading) % writer->count, error);
    }
    return status == OK ? commit(loading, writer, error) : status;
}

static enum status slow_begin(struct loading *loading, struct error *error)
{
    struct writer *writer = &loading->slow;
    size_t before = writer->count;
    enum status status = begin(writer, error);

    if (status == OK && before > 0)
        status = change(writer, random_next(loading) % before, error);
    for (int i = 0; i < LATE_INSERTS && status == OK; i++)
        status = add(loading, writer, error);
    return status;
}

/* ---- Time ---- */

/* False when stop_fd became readable first. */
static bool wait_until(int64_t until_ns, int stop_fd)
{
    for (;;) {
        struct pollfd waited = {.fd = stop_fd, .events = POLLIN};
        int64_t left_ns = until_ns - clock_monotonic_ns();
        struct timespec left = {left_ns > 0 ? left_ns / NS_PER_SECOND : 0, left_ns > 0 ? left_ns % NS_PER_SECOND : 0};
        int ready = ppoll(&waited, 1, &left, NULL);

        if (ready > 0)
            return false;
        if (ready == 0 && left_ns <= 0)
            return true;
    }
}

static enum status transactions_run(struct loading *loading, int stop_fd, struct error *error)
{
    int64_t began_ns = clock_monotonic_ns(), end_ns = began_ns + loading->spec->seconds * NS_PER_SECOND;
    int64_t half_ns = loading->spec->interval_ms * NS_PER_MS / 2, slow_ns = began_ns + half_ns;
    bool open = false;
    enum status status = OK;

    for (int64_t i = 0; status == OK; i++) {
        int64_t next_ns = began_ns + (int64_t)(loading->interval_ns * (double)i);

        while (status == OK && slow_ns <= next_ns && slow_ns < end_ns) {
            if (!wait_until(slow_ns, stop_fd))
                return error_set(error, ERROR_CLOSED, "stopped");
            status = open ? commit(loading, &loading->slow, error) : slow_begin(loading, error);
            open = !open;
            slow_ns += open ? 3 * half_ns : half_ns;
        }
        if (status != OK || next_ns >= end_ns)
            break;
        if (!wait_until(next_ns, stop_fd))
            return error_set(error, ERROR_CLOSED, "stopped");
        if (clock_monotonic_ns() >= end_ns) /* the database is slower than the rate */
            break;
        status = steady_write(loading, error);
    }
    if (status == OK && open)
        status = commit(loading, &loading->slow, error);
    loading->load->seconds = (double)(clock_monotonic_ns() - began_ns) / NS_PER_SECOND;
    return status;
}

enum status load_run(const struct load_spec *spec, int stop_fd, struct load *load, struct error *error)
{
    struct loading *loading = memory_new(sizeof(*loading));
    double per_second = spec->rate < TRANSACTIONS_PER_SECOND_MAX ? (double)spec->rate : TRANSACTIONS_PER_SECOND_MAX;
    enum status status;

    *load = (struct load){0};
    loading->spec = spec;
    loading->load = load;
    loading->random = 1;
    loading->slow.late = true;
    loading->changes = (size_t)((double)spec->rate / per_second);
    loading->interval_ns = NS_PER_SECOND * (double)loading->changes / (double)spec->rate;
    for (int64_t id = 1; id <= spec->rows; id++)
        row_keep(&loading->steady, id, 1);
    status = writer_open(&loading->steady, spec->database, error);
    if (status == OK)
        status = writer_open(&loading->slow, spec->database, error);
    if (status == OK)
        status = transactions_run(loading, stop_fd, error);
    writer_close(&loading->steady);
    writer_close(&loading->slow);
    memory_free(loading);
    return status;
}

void load_finish(struct load *load)
{
    memory_free(load->writes);
    *load = (struct load){0};
}
