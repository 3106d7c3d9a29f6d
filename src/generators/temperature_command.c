#include "generators/temperature_command.h"

#include "base/banned.h"
#include "base/time.h"
#include "generators/database.h"
#include "generators/temperatures.h"
#include "os/clock.h"
#include "os/command.h"
#include "os/moment.h"

#include <inttypes.h>
#include <signal.h>
#include <time.h>

#define TABLE_SQL                                                                                                                          \
    "SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS temperature_readings (id serial PRIMARY KEY, temperature numeric(5,2) " \
    "NOT NULL, recorded_at timestamp NOT NULL DEFAULT now())"
/* By the database's clock and time zone, as the reports' windows go. */
#define INSERT_SQL                                                                                                                         \
    "INSERT INTO temperature_readings (temperature, recorded_at) VALUES ($1::numeric, now() - $2::bigint * interval '1 millisecond') "     \
    "RETURNING to_char(recorded_at, 'YYYY-MM-DD HH24:MI:SS.US')"
#define HISTORY_ROWS_MAX 10000000

struct temperature {
    struct database database;
    const char *every; /* as it was given */
    int64_t every_ms, history_ms;
    int64_t count; /* -1: until it is stopped */
    int64_t seed;
    bool quiet;
    PGconn *connection;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

/* One reading as it was so long ago. */
static enum status reading_insert(struct temperature *generator, int64_t ago_ms, bool is_said, struct error *error)
{
    int32_t tenths = temperature_tenths((uint64_t)generator->seed, (clock_now_ms() - ago_ms) / MS_PER_SECOND);
    char value[16], ago[24];
    const char *parameters[] = {value, ago};
    enum status status = OK;
    PGresult *result;

    (void)snprintf(value, sizeof(value), "%d.%d", tenths / 10, tenths % 10);
    (void)snprintf(ago, sizeof(ago), "%" PRId64, ago_ms);
    result = PQexecParams(generator->connection, INSERT_SQL, 2, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = database_fail(generator->connection, "insert a reading", error);
    else if (is_said && !generator->quiet)
        (void)printf("%s - Inserted temperature: %s °C\n", PQgetvalue(result, 0, 0), value);
    PQclear(result);
    (void)fflush(stdout);
    return status;
}

static enum status history_write(struct temperature *generator, struct error *error)
{
    int64_t rows = generator->history_ms / generator->every_ms, left = rows;
    enum status status;

    if (rows > HISTORY_ROWS_MAX)
        return error_set(error, ERROR_USAGE, "--history would be %" PRId64 " readings; a longer --every or a shorter --history makes fewer", rows);
    status = database_execute(generator->connection, "BEGIN", "begin", error);
    for (; left > 0 && status == OK && !stopped; left--)
        status = reading_insert(generator, left * generator->every_ms, false, error);
    if (status == OK)
        status = database_execute(generator->connection, "COMMIT", "commit", error);
    if (status == OK && !generator->quiet)
        (void)printf("Inserted %" PRId64 " earlier temperatures.\n", rows - left);
    return status;
}

/* A database that is away is asked again at the next reading. */
static void readings_write(struct temperature *generator)
{
    int64_t next_ns = clock_monotonic_ns(), written = 0;
    struct error error;

    while (!stopped && (generator->count < 0 || written < generator->count)) {
        struct timespec next;

        if (PQstatus(generator->connection) != CONNECTION_OK)
            PQreset(generator->connection);
        if (reading_insert(generator, 0, true, &error) == OK)
            written++;
        else
            (void)fprintf(stderr, "tailrace: %s; the next try is with the next reading\n", error.message);
        next_ns += generator->every_ms * NS_PER_MS;
        next = (struct timespec){next_ns / NS_PER_SECOND, next_ns % NS_PER_SECOND};
        if (generator->count < 0 || written < generator->count)
            (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

static enum status run(struct temperature *generator, struct error *error)
{
    bool created;
    enum status status = database_ensure(&generator->database, &created, error);

    if (status == OK && created && !generator->quiet)
        (void)printf("Database %s created.\n", generator->database.name);
    if (status == OK)
        status = database_connect(&generator->database, &generator->connection, error);
    if (status == OK)
        status = database_execute(generator->connection, TABLE_SQL, "create the table", error);
    if (status == OK && !generator->quiet)
        (void)printf("Table ready.\n");
    (void)fflush(stdout);
    if (status == OK && generator->history_ms > 0)
        status = history_write(generator, error);
    if (status == OK && generator->history_ms > 0 && generator->count < 0 && !generator->quiet && !stopped)
        (void)printf("Now one every %s; Ctrl-C ends it (--count 0 writes the earlier ones only).\n", generator->every);
    if (status == OK)
        readings_write(generator);
    if (generator->connection != NULL)
        PQfinish(generator->connection);
    return status;
}

int temperature_main(int argc, char **argv)
{
    static struct temperature generator = {.database = {"127.0.0.1", "5432", "postgres", NULL, "office_db"}, .every = "1m", .count = -1, .seed = -1};
    static const char *history;
    static const struct option_row rows[] = {
        {"every", OPTION_TEXT, &generator.every, "TIME", "Time between two readings: 10s, 1m, 1h (default 1m)", 0, 0},
        {"history", OPTION_TEXT, &history, "TIME", "First write the readings of so long before now: 1d; then go on", 0, 0},
        {"count", OPTION_NUMBER, &generator.count, "N", "Stop after so many readings, those of --history not counted; 0: write only those. Default: on Ctrl-C", 0, INT64_MAX},
        {"seed", OPTION_NUMBER, &generator.seed, "N", "The same seed gives the same temperature at the same second", 0, INT64_MAX},
        {"host", OPTION_TEXT, &generator.database.host, "HOST", "PostgreSQL's address or socket directory (default 127.0.0.1)", 0, 0},
        {"port", OPTION_TEXT, &generator.database.port, "PORT", "… its port (default 5432)", 0, 0},
        {"user", OPTION_TEXT, &generator.database.user, "NAME", "… user (default postgres)", 0, 0},
        {"password", OPTION_TEXT, &generator.database.password, "TEXT", "… password (default $PGPASSWORD, or postgrespw)", 0, 0},
        {"database", OPTION_TEXT, &generator.database.name, "NAME", "… database, created when missing (default office_db)", 0, 0},
        {"quiet", OPTION_FLAG, &generator.quiet, NULL, "Print nothing", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {"tailrace generate temperature", NULL, "Writes invented readings to the table temperature_readings.", rows, 0, NULL,
                                           "tailrace generate temperature --history 1d --every 1m\n"
                                           "tailrace generate temperature --history 30d --every 10m --count 0"};
    struct sigaction action = {.sa_handler = stop};
    struct error error;
    enum status status = OK;
    size_t operand_count;
    int ended = command_options(&options, argc, argv, NULL, &operand_count);

    if (ended >= 0)
        return ended;
    if (!duration_parse(generator.every, &generator.every_ms) || generator.every_ms == 0)
        status = error_set(&error, ERROR_USAGE, "--every %s: it has to be a duration such as 10s, 1m or 1h", generator.every);
    if (status == OK && history != NULL && !duration_parse(history, &generator.history_ms))
        status = error_set(&error, ERROR_USAGE, "--history %s: it has to be a duration such as 1h or 1d", history);
    database_password_default(&generator.database);
    generator.seed = generator.seed < 0 ? clock_now_ns() : generator.seed;
    (void)sigaction(SIGINT, &action, NULL); /* without SA_RESTART, so that waiting ends */
    (void)sigaction(SIGTERM, &action, NULL);
    if (status == OK)
        status = run(&generator, &error);
    return status == OK ? 0 : command_fail(&error);
}
