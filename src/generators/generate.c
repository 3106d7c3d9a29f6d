#include "generators/generators.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "generators/database.h"
#include "generators/temperature_command.h"
#include "generators/transactions.h"
#include "os/clock.h"
#include "os/command.h"
#include "os/thread.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define SAID_EVERY 1000 /* rows */
#define STEP_MS 5       /* at a rate: rows that are due are written together so often */
#define STEP_ROWS_MAX 100000
#define COPY_BYTES_MAX (32 << 20)
#define TABLE_SQL                                                                                                                          \
    "CREATE TABLE IF NOT EXISTS transactions (id serial PRIMARY KEY, user_id int, amount decimal(10,2), merchant varchar, location "       \
    "varchar, "                                                                                                                            \
    "transaction_time timestamp)"
#define LABELS_SQL "CREATE TABLE IF NOT EXISTS fraud_labels (transaction_id int PRIMARY KEY, kind varchar NOT NULL)"
#define COPY_SQL "COPY transactions (user_id, amount, merchant, location, transaction_time) FROM STDIN"
#define COPY_WITH_ID_SQL "COPY transactions (id, user_id, amount, merchant, location, transaction_time) FROM STDIN"
#define COPY_LABELS_SQL "COPY fraud_labels (transaction_id, kind) FROM STDIN"
#define IDS_SQL "SELECT nextval(pg_get_serial_sequence('transactions', 'id')) FROM generate_series(1, $1::bigint)"

/* Some of the newest rows, chosen by their ids, so that a seed's second run chooses the same. */
#define SOME_SQL(turn) "(SELECT id FROM (SELECT id FROM transactions ORDER BY id DESC LIMIT 5000) newest ORDER BY hashint4(id # " turn "), id LIMIT $1::bigint)"
#define UPDATE_SQL "UPDATE transactions SET amount = least(round(amount * 1.05, 2), 99999.99) WHERE id IN " SOME_SQL("$2::int")
#define DELETE_SQL "DELETE FROM transactions WHERE id IN " SOME_SQL("~$2::int")

struct generator {
    struct database database;
    int64_t rate;  /* rows a second; 0: as fast as it goes */
    int64_t count; /* rows; 0: until it is stopped */
    int64_t batch; /* rows of one transaction when it goes as fast as it can */
    int64_t connections; /* that write at once when it goes as fast as it can */
    uint64_t seed;
    double unusual_ratio;
    bool quiet, labels_wanted;
    double update_share, delete_share; /* of the rows written */
    double updates_due, deletes_due;
    int64_t updated, deleted;
    struct transactions transactions;
    PGconn *connection;
    struct buffer rows, labels;
    PGresult *ids; /* of the rows to write, when labels are wanted */
    int64_t written, unusual;
};

static atomic_bool stopped;

static void stop(int number)
{
    (void)number;
    stopped = true;
}

static void row_append(struct generator *generator, int64_t at)
{
    struct transaction made = transactions_next(&generator->transactions);
    int64_t now_us = clock_now_us();
    time_t seconds = (time_t)(now_us / US_PER_SECOND);
    struct tm parts;
    char text[32];

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    if (generator->ids != NULL) {
        const char *id = PQgetvalue(generator->ids, (int)at, 0);

        buffer_append_format(&generator->rows, "%s\t", id);
        if (made.is_unusual)
            buffer_append_format(&generator->labels, "%s\t%s\n", id, made.kind);
    }
    buffer_append_format(&generator->rows, "%d\t%lld.%02d\t%s\t%s\t%s.%06d\n", (int)made.user_id, (long long)(made.amount_cents / 100),
                         (int)(made.amount_cents % 100), made.merchant, made.location, text, (int)(now_us % US_PER_SECOND));
    generator->unusual += made.is_unusual;
}

static void progress_say(const struct generator *generator, int64_t before)
{
    for (int64_t said = before / SAID_EVERY; said < generator->written / SAID_EVERY && !generator->quiet; said++)
        (void)printf("Inserted %d transactions...\n", SAID_EVERY);
    (void)fflush(stdout);
}

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

/* Rows that were there already change or go; the ids depend on how many were written, not on chance. */
static enum status some_change(struct generator *generator, const char *sql, const char *doing, double share, int64_t rows, double *due, int64_t *done,
                               struct error *error)
{
    char count[24], turn[24];
    const char *parameters[] = {count, turn};
    enum status status = OK;
    PGresult *result;

    *due += share * (double)rows;
    if (*due < 1)
        return OK;
    (void)snprintf(count, sizeof(count), "%lld", (long long)*due);
    (void)snprintf(turn, sizeof(turn), "%d", (int)(generator->written & 0x7fffffff));
    *due -= floor(*due);
    result = PQexecParams(generator->connection, sql, 2, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        status = database_fail(generator->connection, doing, error);
    else
        *done += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return status;
}

/* Ids before the rows, so that the labels can name them. */
static enum status ids_take(struct generator *generator, int64_t count, struct error *error)
{
    char text[24];
    const char *parameters[] = {text};

    (void)snprintf(text, sizeof(text), "%lld", (long long)count);
    generator->ids = PQexecParams(generator->connection, IDS_SQL, 1, NULL, parameters, NULL, NULL, 0);
    return PQresultStatus(generator->ids) == PGRES_TUPLES_OK && PQntuples(generator->ids) == count
               ? OK
               : database_fail(generator->connection, "take ids for transactions", error);
}

/* A row and its label come with the same commit. */
static enum status labelled_write(struct generator *generator, int64_t count, struct error *error)
{
    PGconn *connection = generator->connection;
    enum status status = database_execute(connection, "BEGIN", "begin", error);

    if (status == OK)
        status = ids_take(generator, count, error);
    for (int64_t i = 0; i < count && status == OK; i++)
        row_append(generator, i);
    PQclear(generator->ids);
    generator->ids = NULL;
    if (status == OK)
        status = copy_write(connection, COPY_WITH_ID_SQL, &generator->rows, "COPY transactions", error);
    if (status == OK && generator->labels.size > 0)
        status = copy_write(connection, COPY_LABELS_SQL, &generator->labels, "COPY fraud_labels", error);
    return status == OK ? database_execute(connection, "COMMIT", "commit", error) : status;
}

/* Writes `count` rows in one transaction. */
static enum status rows_write(struct generator *generator, int64_t count, struct error *error)
{
    int64_t before = generator->written;
    enum status status;

    buffer_reset(&generator->rows);
    buffer_reset(&generator->labels);
    if (generator->labels_wanted) {
        status = labelled_write(generator, count, error);
    } else {
        for (int64_t i = 0; i < count; i++)
            row_append(generator, i);
        status = copy_write(generator->connection, COPY_SQL, &generator->rows, "COPY transactions", error);
    }
    if (status != OK)
        return status;
    generator->written += count;
    progress_say(generator, before);
    status = some_change(generator, UPDATE_SQL, "update transactions", generator->update_share, count, &generator->updates_due, &generator->updated, error);
    if (status == OK)
        status = some_change(generator, DELETE_SQL, "delete transactions", generator->delete_share, count, &generator->deletes_due, &generator->deleted, error);
    return status;
}

static int64_t at_most_left(const struct generator *generator, int64_t rows)
{
    int64_t left = generator->count - generator->written;

    return generator->count > 0 && rows > left ? left : rows;
}

static bool is_done(const struct generator *generator)
{
    return stopped || (generator->count > 0 && generator->written >= generator->count);
}

static enum status write_fast(struct generator *generator, struct error *error)
{
    enum status status = OK;

    while (status == OK && !is_done(generator))
        status = rows_write(generator, at_most_left(generator, generator->batch), error);
    return status;
}

/* ---- Several connections, each with its share of the rows, a seed of its own and a thread ---- */

struct writer {
    struct generator generator;
    struct thread *thread;
    enum status status;
    struct error error;
};

static void writer_run(void *context)
{
    struct writer *writer = context;

    writer->status = database_connect(&writer->generator.database, &writer->generator.connection, &writer->error);
    if (writer->status == OK)
        writer->status = write_fast(&writer->generator, &writer->error);
    if (writer->status != OK)
        stopped = true; /* the others too */
    if (writer->generator.connection != NULL)
        PQfinish(writer->generator.connection);
}

static void writer_init(struct writer *writer, const struct generator *generator, int64_t index)
{
    int64_t count = generator->count / generator->connections + (index < generator->count % generator->connections);

    *writer = (struct writer){.generator = *generator};
    writer->generator.connection = NULL;
    writer->generator.count = count;
    writer->generator.update_share = index == 0 ? generator->update_share * (double)generator->connections : 0; /* one at a time: no deadlocks */
    writer->generator.delete_share = index == 0 ? generator->delete_share * (double)generator->connections : 0;
    transactions_init(&writer->generator.transactions, generator->seed + (uint64_t)index, generator->unusual_ratio);
    buffer_init(&writer->generator.rows, COPY_BYTES_MAX);
    buffer_init(&writer->generator.labels, COPY_BYTES_MAX);
}

static void writer_finish(struct writer *writer, struct generator *generator)
{
    generator->written += writer->generator.written;
    generator->unusual += writer->generator.unusual;
    generator->updated += writer->generator.updated;
    generator->deleted += writer->generator.deleted;
    buffer_finish(&writer->generator.rows);
    buffer_finish(&writer->generator.labels);
}

static enum status write_side_by_side(struct generator *generator, struct error *error)
{
    struct writer *writers = memory_new_array((size_t)generator->connections, sizeof(*writers));
    enum status status = OK;

    for (int64_t i = 0; i < generator->connections; i++) {
        writer_init(&writers[i], generator, i);
        if (status == OK && (generator->count == 0 || writers[i].generator.count > 0))
            status = thread_start(&writers[i].thread, "generate", writer_run, &writers[i], error);
        if (status != OK)
            stopped = true;
    }
    for (int64_t i = 0; i < generator->connections; i++) {
        thread_join(writers[i].thread);
        if (status == OK && writers[i].status != OK) {
            status = writers[i].status;
            *error = writers[i].error;
        }
        writer_finish(&writers[i], generator);
    }
    memory_free(writers);
    return status;
}

/* Keeps to the rate over the whole run: what is late is made up for. */
static enum status write_at_rate(struct generator *generator, struct error *error)
{
    int64_t started_ns = clock_monotonic_ns();
    int64_t step_ns = NS_PER_SECOND / generator->rate;
    enum status status = OK;

    step_ns = step_ns < STEP_MS * NS_PER_MS ? STEP_MS * NS_PER_MS : step_ns;
    for (int64_t next_ns = started_ns; status == OK && !is_done(generator); next_ns += step_ns) {
        struct timespec next = {next_ns / NS_PER_SECOND, next_ns % NS_PER_SECOND};
        int64_t due;

        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        due = (int64_t)((double)(clock_monotonic_ns() - started_ns) * (double)generator->rate / (double)NS_PER_SECOND) + 1 -
              generator->written;
        due = at_most_left(generator, due > STEP_ROWS_MAX ? STEP_ROWS_MAX : due);
        if (due > 0 && !stopped)
            status = rows_write(generator, due, error);
    }
    return status;
}

static enum status run(struct generator *generator, struct error *error)
{
    bool created;
    enum status status = database_ensure(&generator->database, &created, error);

    if (status == OK && created && !generator->quiet)
        (void)printf("Created database %s\n", generator->database.name);
    if (status == OK)
        status = database_connect(&generator->database, &generator->connection, error);
    if (status == OK)
        status = database_execute(generator->connection, "SET client_min_messages = warning; " TABLE_SQL, "create the table", error);
    if (status == OK && generator->labels_wanted)
        status = database_execute(generator->connection, LABELS_SQL, "create the table of labels", error);
    if (status == OK)
        status = generator->rate > 0          ? write_at_rate(generator, error)
                 : generator->connections > 1 ? write_side_by_side(generator, error)
                                              : write_fast(generator, error);
    if (generator->connection != NULL)
        PQfinish(generator->connection);
    return status;
}

/* ---- The command ---- */

static enum status ratio_read(const char *option, const char *text, double *ratio, struct error *error)
{
    if (text_parse_double(slice_from_string(text), ratio) && *ratio >= 0 && *ratio <= 1)
        return OK;
    return error_set(error, ERROR_USAGE, "tailrace generate transactions: --%s %s is not a number from 0 to 1", option, text);
}

static int transactions_main(int argc, char **argv)
{
    static struct generator generator = {.database = {"127.0.0.1", "5432", "postgres", NULL, "mydb"}, .batch = SAID_EVERY, .connections = 1};
    static int64_t seed = -1;
    static const char *unusual = "0.01", *updates = "0", *deletes = "0";
    static const struct option_row rows[] = {
        {"rate", OPTION_NUMBER, &generator.rate, "N", "Rows a second; default: as fast as it goes", 1, 10000000},
        {"count", OPTION_NUMBER, &generator.count, "N", "Stop after so many rows; default: on Ctrl-C", 1, INT64_MAX},
        {"batch", OPTION_NUMBER, &generator.batch, "N", "Rows of one transaction without --rate (default 1000)", 1, STEP_ROWS_MAX},
        {"connections", OPTION_NUMBER, &generator.connections, "N", "Connections that write at once without --rate (default 1)", 1, 64},
        {"fraud", OPTION_TEXT, &unusual, "RATIO", "How many of the rows begin something unusual, 0 to 1 (default 0.01)", 0, 0},
        {"labels", OPTION_FLAG, &generator.labels_wanted, NULL, "Write which rows are unusual to the table fraud_labels", 0, 0},
        {"updates", OPTION_TEXT, &updates, "RATIO", "Rows changed later, per row written, 0 to 1 (default 0)", 0, 0},
        {"deletes", OPTION_TEXT, &deletes, "RATIO", "Rows deleted later, per row written, 0 to 1 (default 0)", 0, 0},
        {"seed", OPTION_NUMBER, &seed, "N", "The same seed gives the same rows", 0, INT64_MAX},
        {"host", OPTION_TEXT, &generator.database.host, "HOST", "PostgreSQL's address or socket directory (default 127.0.0.1)", 0, 0},
        {"port", OPTION_TEXT, &generator.database.port, "PORT", "… its port (default 5432)", 0, 0},
        {"user", OPTION_TEXT, &generator.database.user, "NAME", "… user (default postgres)", 0, 0},
        {"password", OPTION_TEXT, &generator.database.password, "TEXT", "… password (default $PGPASSWORD, or postgrespw)", 0, 0},
        {"database", OPTION_TEXT, &generator.database.name, "NAME", "… database, created when missing (default mydb)", 0, 0},
        {"quiet", OPTION_FLAG, &generator.quiet, NULL, "Print nothing", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {"tailrace generate transactions", NULL,
                                           "Writes invented card transactions to the table transactions.", rows, 0, NULL,
                                           "tailrace generate transactions --rate 500 --fraud 0.02 --labels\n"
                                           "tailrace generate transactions --count 1000000 --connections 4 --seed 7"};
    struct sigaction action = {.sa_handler = stop};
    struct error error;
    size_t operand_count;
    double ratio;
    int ended = command_options(&options, argc, argv, NULL, &operand_count);
    enum status status = OK;

    if (ended >= 0)
        return ended;
    status = ratio_read("fraud", unusual, &ratio, &error);
    if (status == OK)
        status = ratio_read("updates", updates, &generator.update_share, &error);
    if (status == OK)
        status = ratio_read("deletes", deletes, &generator.delete_share, &error);
    if (status != OK)
        return command_fail(&error);
    database_password_default(&generator.database);
    (void)sigaction(SIGINT, &action, NULL); /* without SA_RESTART, so that waiting ends */
    (void)sigaction(SIGTERM, &action, NULL);
    generator.seed = seed >= 0 ? (uint64_t)seed : (uint64_t)clock_now_ns();
    generator.unusual_ratio = ratio;
    transactions_init(&generator.transactions, generator.seed, ratio);
    buffer_init(&generator.rows, COPY_BYTES_MAX);
    buffer_init(&generator.labels, COPY_BYTES_MAX);
    status = run(&generator, &error);
    buffer_finish(&generator.rows);
    buffer_finish(&generator.labels);
    if (!generator.quiet && (status == OK || generator.written > 0))
        (void)printf("Inserted %lld transactions in all, %lld of them unusual\n", (long long)generator.written,
                     (long long)generator.unusual);
    if (!generator.quiet && generator.updated + generator.deleted > 0)
        (void)printf("Changed %lld of them and deleted %lld\n", (long long)generator.updated, (long long)generator.deleted);
    return status == OK ? 0 : command_fail(&error);
}

int generate_main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"transactions", transactions_main, "Card transactions, some of them unusual"},
        {"temperature", temperature_main, "A temperature a minute"},
        {NULL, NULL, NULL},
    };
    static const struct command_group group = {.name = "tailrace generate", .summary = "Writes invented rows to any PostgreSQL.", .commands = commands};

    return command_dispatch(&group, argc, argv);
}
