#include "generators/writer.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/time.h"
#include "generators/transactions.h"
#include "os/clock.h"
#include "os/thread.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define SAID_EVERY 1000 /* rows */
#define RATE_SAID_EVERY_MS 5000
#define STEP_MS 5       /* at a rate: rows that are due are written together so often */
#define COPY_BYTES_MAX (32 << 20)
/*
 * Rows of one COPY. PostgreSQL 15 keeps a slot for each row of a COPY up to 1000, and the bookkeeping of so many costs it as much as
 * the rows: two COPYs of 500 take three quarters of the server's time of one of 1000.
 */
#define COPY_ROWS 500
#define TABLE_SQL                                                                                                                          \
    "SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS transactions (id serial PRIMARY KEY, user_id int, amount "              \
    "decimal(10,2), merchant varchar, location varchar, transaction_time timestamp)"
#define LABELS_SQL "CREATE TABLE IF NOT EXISTS fraud_labels (transaction_id int PRIMARY KEY, kind varchar NOT NULL)"
#define COPY_SQL "COPY transactions (user_id, amount, merchant, location, transaction_time) FROM STDIN"
#define COPY_WITH_ID_SQL "COPY transactions (id, user_id, amount, merchant, location, transaction_time) FROM STDIN"
#define COPY_LABELS_SQL "COPY fraud_labels (transaction_id, kind) FROM STDIN"
#define IDS_SQL "SELECT nextval(pg_get_serial_sequence('transactions', 'id')) FROM generate_series(1, $1::bigint)"

/* Some of the newest rows, chosen by their ids, so that a seed's second run chooses the same. */
#define SOME_SQL(turn) "(SELECT id FROM (SELECT id FROM transactions ORDER BY id DESC LIMIT 5000) newest ORDER BY hashint4(id # " turn "), id LIMIT $1::bigint)"
#define UPDATE_SQL "UPDATE transactions SET amount = least(round(amount * 1.05, 2), 99999.99) WHERE id IN " SOME_SQL("$2::int")
#define DELETE_SQL "DELETE FROM transactions WHERE id IN " SOME_SQL("~$2::int")

/* What all connections share. */
struct run {
    const struct writer_spec *spec;
    pthread_mutex_t lock; /* guards all below */
    struct transactions transactions;
    int64_t taken;        /* rows that a connection writes or has written */
    int64_t rate_said_ms, rate_said_rows;
    struct writer_result result;
};

struct writer {
    struct run *run;
    PGconn *connection;
    struct buffer rows, labels;
    PGresult *ids;          /* of the rows to write, when labels are wanted */
    double updates_due, deletes_due;
    int64_t changed_at;     /* rows that all had written when some changed last */
    bool changes;           /* one connection does: no deadlocks */
    time_t second;
    char second_text[32];
    struct thread *thread;
    enum status status;
    struct error error;
};

static atomic_bool stopped;

void writer_stop(void)
{
    stopped = true;
}

/* ---- Rows as text ---- */

static void time_append(struct writer *writer, int64_t now_us)
{
    time_t second = (time_t)(now_us / US_PER_SECOND);
    struct tm parts;

    if (second != writer->second) {
        (void)gmtime_r(&second, &parts);
        (void)strftime(writer->second_text, sizeof(writer->second_text), "%Y-%m-%d %H:%M:%S", &parts);
        writer->second = second;
    }
    buffer_append_format(&writer->rows, "%s.%06d\n", writer->second_text, (int)(now_us % US_PER_SECOND));
}

static void row_append(struct writer *writer, const struct transaction *made, int64_t at)
{
    if (writer->ids != NULL) {
        const char *id = PQgetvalue(writer->ids, (int)at, 0);

        buffer_append_format(&writer->rows, "%s\t", id);
        if (made->kind != NULL)
            buffer_append_format(&writer->labels, "%s\t%s\n", id, made->kind);
    }
    buffer_append_format(&writer->rows, "%d\t%lld.%02d\t%s\t%s\t", (int)made->user_id, (long long)(made->amount_cents / 100),
                         (int)(made->amount_cents % 100), made->merchant, made->location);
    time_append(writer, clock_now_us());
}

/* The next rows of the stream; the first one is row `at` of the batch. */
static void rows_make(struct writer *writer, int64_t at, int64_t count)
{
    struct run *run = writer->run;

    buffer_reset(&writer->rows);
    (void)pthread_mutex_lock(&run->lock);
    for (int64_t i = 0; i < count; i++) {
        struct transaction made = transactions_next(&run->transactions);

        row_append(writer, &made, at + i);
        run->result.unusual += made.kind != NULL;
    }
    (void)pthread_mutex_unlock(&run->lock);
}

/* ---- One batch ---- */

static enum status copy_write(PGconn *connection, const char *sql, const struct buffer *lines, const char *doing, struct error *error)
{
    enum status status = database_execute(connection, sql, doing, error);
    PGresult *result;

    if (status != OK)
        return status;
    if (PQputCopyData(connection, (const char *)lines->data, (int)lines->size) != 1 || PQputCopyEnd(connection, NULL) != 1)
        return database_fail(connection, doing, error);
    while ((result = PQgetResult(connection)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            status = database_fail(connection, doing, error);
        PQclear(result);
    }
    return status;
}

/* Ids before the rows, so that the labels can name them. */
static enum status ids_take(struct writer *writer, int64_t count, struct error *error)
{
    char text[24];
    const char *parameters[] = {text};

    (void)snprintf(text, sizeof(text), "%lld", (long long)count);
    writer->ids = PQexecParams(writer->connection, IDS_SQL, 1, NULL, parameters, NULL, NULL, 0);
    return PQresultStatus(writer->ids) == PGRES_TUPLES_OK && PQntuples(writer->ids) == count
               ? OK
               : database_fail(writer->connection, "take ids for transactions", error);
}

/* One transaction; a row and its label come with the same commit. */
static enum status batch_write(struct writer *writer, int64_t count, struct error *error)
{
    const bool labels = writer->run->spec->labels;
    enum status status = database_execute(writer->connection, "BEGIN", "begin", error);

    buffer_reset(&writer->labels);
    if (status == OK && labels)
        status = ids_take(writer, count, error);
    for (int64_t done = 0; done < count && status == OK; done += COPY_ROWS) {
        rows_make(writer, done, count - done < COPY_ROWS ? count - done : COPY_ROWS);
        status = copy_write(writer->connection, labels ? COPY_WITH_ID_SQL : COPY_SQL, &writer->rows, "COPY transactions", error);
    }
    if (status == OK && writer->labels.size > 0)
        status = copy_write(writer->connection, COPY_LABELS_SQL, &writer->labels, "COPY fraud_labels", error);
    PQclear(writer->ids);
    writer->ids = NULL;
    return status == OK ? database_execute(writer->connection, "COMMIT", "commit", error) : status;
}

/* Rows that were there already change or go; the ids depend on how many were written, not on chance. */
static enum status some_change(struct writer *writer, const char *sql, const char *doing, double share, int64_t written, double *due, int64_t *done,
                               struct error *error)
{
    char count[24], turn[24];
    const char *parameters[] = {count, turn};
    enum status status = OK;
    PGresult *result;

    *due += share * (double)(written - writer->changed_at);
    if (*due < 1)
        return OK;
    (void)snprintf(count, sizeof(count), "%lld", (long long)*due);
    (void)snprintf(turn, sizeof(turn), "%d", (int)(written & 0x7fffffff));
    *due -= floor(*due);
    result = PQexecParams(writer->connection, sql, 2, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        status = database_fail(writer->connection, doing, error);
    else
        *done += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return status;
}

static enum status changes_make(struct writer *writer, int64_t written, struct error *error)
{
    const struct writer_spec *spec = writer->run->spec;
    struct writer_result *result = &writer->run->result;
    enum status status;

    if (!writer->changes)
        return OK;
    status = some_change(writer, UPDATE_SQL, "update transactions", spec->update_share, written, &writer->updates_due, &result->updated, error);
    if (status == OK)
        status = some_change(writer, DELETE_SQL, "delete transactions", spec->delete_share, written, &writer->deletes_due, &result->deleted, error);
    writer->changed_at = written;
    return status;
}

/* ---- Many batches ---- */

/* Under the lock. */
static void progress_say(struct run *run, int64_t before)
{
    int64_t now_ms = clock_monotonic_ms(), written = run->result.written;

    if (run->spec->quiet)
        return;
    for (int64_t said = before / SAID_EVERY; said < written / SAID_EVERY; said++)
        (void)printf("Inserted %d transactions...\n", SAID_EVERY);
    if (now_ms - run->rate_said_ms >= RATE_SAID_EVERY_MS) {
        (void)printf("%lld transactions so far, %.0f rows/s\n", (long long)written,
                     (double)(written - run->rate_said_rows) * MS_PER_SECOND / (double)(now_ms - run->rate_said_ms));
        run->rate_said_ms = now_ms;
        run->rate_said_rows = written;
    }
    (void)fflush(stdout);
}

/* Takes up to `rows` of what is left to write, and writes them. */
static enum status rows_write(struct writer *writer, int64_t rows, struct error *error)
{
    struct run *run = writer->run;
    int64_t before, left;
    enum status status;

    (void)pthread_mutex_lock(&run->lock);
    left = run->spec->count == 0 ? rows : run->spec->count - run->taken;
    rows = rows < left ? rows : left;
    run->taken += rows;
    (void)pthread_mutex_unlock(&run->lock);
    if (rows == 0)
        return OK;
    status = batch_write(writer, rows, error);
    if (status != OK)
        return status;
    (void)pthread_mutex_lock(&run->lock);
    before = run->result.written;
    run->result.written += rows;
    progress_say(run, before);
    (void)pthread_mutex_unlock(&run->lock);
    return changes_make(writer, before + rows, error);
}

static bool is_done(struct run *run)
{
    bool done;

    (void)pthread_mutex_lock(&run->lock);
    done = stopped || (run->spec->count > 0 && run->taken >= run->spec->count);
    (void)pthread_mutex_unlock(&run->lock);
    return done;
}

static enum status write_fast(struct writer *writer, struct error *error)
{
    enum status status = OK;

    while (status == OK && !is_done(writer->run))
        status = rows_write(writer, writer->run->spec->batch, error);
    return status;
}

/* Keeps to the rate over the whole run: what is late is made up for. */
static enum status write_at_rate(struct writer *writer, struct error *error)
{
    const int64_t rate = writer->run->spec->rate;
    int64_t started_ns = clock_monotonic_ns(), step_ns = NS_PER_SECOND / rate;
    enum status status = OK;

    step_ns = step_ns < STEP_MS * NS_PER_MS ? STEP_MS * NS_PER_MS : step_ns;
    for (int64_t next_ns = started_ns; status == OK && !is_done(writer->run); next_ns += step_ns) {
        struct timespec next = {next_ns / NS_PER_SECOND, next_ns % NS_PER_SECOND};
        int64_t due;

        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        due = (int64_t)((double)(clock_monotonic_ns() - started_ns) * (double)rate / (double)NS_PER_SECOND) + 1 - writer->run->result.written;
        if (due > 0 && !stopped)
            status = rows_write(writer, due > WRITER_BATCH_MAX ? WRITER_BATCH_MAX : due, error);
    }
    return status;
}

static void writer_write(void *context)
{
    struct writer *writer = context;
    const struct writer_spec *spec = writer->run->spec;

    writer->status = database_connect(&spec->database, &writer->connection, &writer->error);
    if (writer->status == OK)
        writer->status = spec->rate > 0 ? write_at_rate(writer, &writer->error) : write_fast(writer, &writer->error);
    if (writer->status != OK)
        stopped = true; /* the others too */
    if (writer->connection != NULL)
        PQfinish(writer->connection);
}

static enum status write_side_by_side(struct run *run, size_t connections, struct error *error)
{
    static struct writer writers[WRITER_CONNECTIONS_MAX];
    enum status status = OK;

    for (size_t i = 0; i < connections; i++) {
        writers[i] = (struct writer){.run = run, .changes = i == 0};
        buffer_init(&writers[i].rows, COPY_BYTES_MAX);
        buffer_init(&writers[i].labels, COPY_BYTES_MAX);
        if (status == OK)
            status = thread_start(&writers[i].thread, "generate", writer_write, &writers[i], error);
    }
    if (status != OK)
        stopped = true;
    for (size_t i = 0; i < connections; i++) {
        thread_join(writers[i].thread);
        if (status == OK && writers[i].status != OK) {
            status = writers[i].status;
            *error = writers[i].error;
        }
        buffer_finish(&writers[i].rows);
        buffer_finish(&writers[i].labels);
    }
    return status;
}

static enum status tables_ensure(const struct writer_spec *spec, struct error *error)
{
    PGconn *connection = NULL;
    bool created;
    enum status status = database_ensure(&spec->database, &created, error);

    if (status == OK && created && !spec->quiet)
        (void)printf("Created database %s\n", spec->database.name);
    if (status == OK)
        status = database_connect(&spec->database, &connection, error);
    if (status == OK)
        status = database_execute(connection, TABLE_SQL, "create the table", error);
    if (status == OK && spec->labels)
        status = database_execute(connection, LABELS_SQL, "create the table of labels", error);
    if (connection != NULL)
        PQfinish(connection);
    return status;
}

enum status writer_run(const struct writer_spec *spec, struct writer_result *result, struct error *error)
{
    int64_t batches = spec->count == 0 ? spec->connections : (spec->count + spec->batch - 1) / spec->batch;
    int64_t connections = spec->rate > 0 ? 1 : spec->connections < batches ? spec->connections : batches;
    struct run run = {.spec = spec};
    enum status status = tables_ensure(spec, error);
    int64_t began_ns = clock_monotonic_ns();

    if (status == OK) {
        (void)pthread_mutex_init(&run.lock, NULL);
        transactions_init(&run.transactions, spec->seed, spec->unusual_ratio);
        run.rate_said_ms = clock_monotonic_ms();
        status = write_side_by_side(&run, (size_t)connections, error);
        (void)pthread_mutex_destroy(&run.lock);
    }
    *result = run.result;
    result->seconds = (double)(clock_monotonic_ns() - began_ns) / NS_PER_SECOND;
    return status;
}
