#include "generators/generators.h"

#include "base/banned.h"
#include "base/text.h"
#include "generators/temperature_command.h"
#include "generators/writer.h"
#include "os/clock.h"
#include "os/command.h"

#include <signal.h>

#define CONNECTIONS_DEFAULT 4

static void stop(int number)
{
    (void)number;
    writer_stop();
}

static enum status ratio_read(const char *option, const char *text, double *ratio, struct error *error)
{
    if (text_parse_double(slice_from_string(text), ratio) && *ratio >= 0 && *ratio <= 1)
        return OK;
    return error_set(error, ERROR_USAGE, "tailrace generate transactions: --%s %s is not a number from 0 to 1", option, text);
}

static void result_print(const struct writer_result *result)
{
    (void)printf("Inserted %lld transactions in all, %lld of them unusual; %.0f rows/s\n", (long long)result->written, (long long)result->unusual,
                 result->seconds > 0 ? (double)result->written / result->seconds : 0.0);
    if (result->updated + result->deleted > 0)
        (void)printf("Changed %lld of them and deleted %lld\n", (long long)result->updated, (long long)result->deleted);
}

static int transactions_main(int argc, char **argv)
{
    static struct writer_spec spec = {.database = {"127.0.0.1", "5432", "postgres", NULL, "mydb"}, .batch = 1000, .connections = CONNECTIONS_DEFAULT};
    static int64_t seed = -1;
    static const char *unusual, *updates = "0", *deletes = "0";
    static const struct option_row rows[] = {
        {"rate", OPTION_NUMBER, &spec.rate, "N", "Rows a second; default: as fast as it goes", 1, 10000000},
        {"count", OPTION_NUMBER, &spec.count, "N", "Stop after so many rows; default: on Ctrl-C", 1, INT64_MAX / 2},
        {"batch", OPTION_NUMBER, &spec.batch, "N", "Rows of one transaction without --rate (default 1000)", 1, WRITER_BATCH_MAX},
        {"connections", OPTION_NUMBER, &spec.connections, "N", "Connections that write at once without --rate (default 4)", 1, WRITER_CONNECTIONS_MAX},
        {"fraud", OPTION_TEXT, &unusual, "RATIO", "How many of the rows begin something unusual, 0 to 1 (default 0.01); sets --labels", 0, 0},
        {"labels", OPTION_FLAG, &spec.labels, NULL, "Write which rows are unusual, and how, to the table fraud_labels", 0, 0},
        {"updates", OPTION_TEXT, &updates, "RATIO", "Rows changed later, per row written, 0 to 1 (default 0)", 0, 0},
        {"deletes", OPTION_TEXT, &deletes, "RATIO", "Rows deleted later, per row written, 0 to 1 (default 0)", 0, 0},
        {"seed", OPTION_NUMBER, &seed, "N", "The same seed gives the same rows; with --connections 1 also the same ids", 0, INT64_MAX},
        {"host", OPTION_TEXT, &spec.database.host, "HOST", "PostgreSQL's address or socket directory (default 127.0.0.1)", 0, 0},
        {"port", OPTION_TEXT, &spec.database.port, "PORT", "… its port (default 5432)", 0, 0},
        {"user", OPTION_TEXT, &spec.database.user, "NAME", "… user (default postgres)", 0, 0},
        {"password", OPTION_TEXT, &spec.database.password, "TEXT", "… password (default $PGPASSWORD, or postgrespw)", 0, 0},
        {"database", OPTION_TEXT, &spec.database.name, "NAME", "… database, created when missing (default mydb)", 0, 0},
        {"quiet", OPTION_FLAG, &spec.quiet, NULL, "Print nothing", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {"tailrace generate transactions", NULL,
                                           "Writes invented card transactions to the table transactions.", rows, 0, NULL,
                                           "tailrace generate transactions --rate 500 --fraud 0.02\n"
                                           "tailrace generate transactions --count 1000000 --seed 7"};
    struct sigaction action = {.sa_handler = stop};
    struct writer_result result;
    struct error error;
    size_t operand_count;
    int ended = command_options(&options, argc, argv, NULL, &operand_count);
    enum status status = OK;

    if (ended >= 0)
        return ended;
    status = ratio_read("fraud", unusual == NULL ? "0.01" : unusual, &spec.unusual_ratio, &error);
    if (status == OK)
        status = ratio_read("updates", updates, &spec.update_share, &error);
    if (status == OK)
        status = ratio_read("deletes", deletes, &spec.delete_share, &error);
    if (status != OK)
        return command_fail(&error);
    spec.labels = spec.labels || (unusual != NULL && spec.unusual_ratio > 0);
    spec.seed = seed >= 0 ? (uint64_t)seed : (uint64_t)clock_now_ns();
    database_password_default(&spec.database);
    (void)sigaction(SIGINT, &action, NULL); /* without SA_RESTART, so that waiting ends */
    (void)sigaction(SIGTERM, &action, NULL);
    status = writer_run(&spec, &result, &error);
    if (!spec.quiet && (status == OK || result.written > 0))
        result_print(&result);
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
