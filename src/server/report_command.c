#include "base/banned.h"
#include "base/memory.h"
#include "os/disk.h"
#include "os/logger.h"
#include "reports/report.h"
#include "server/command.h"
#include "server/commands.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SQL_BYTES_MAX (1 << 20)

static atomic_bool stopped;
static int wake_fd = -1;

static void on_signal(int number)
{
    uint64_t one = 1;

    (void)number;
    stopped = true;
    (void)!write(wake_fd, &one, sizeof(one));
}

struct shown {
    bool json, once;
    struct error failure; /* of the one run of --once; its status is OK when there was none */
    struct buffer line;
};

static enum status show(void *context, const struct report_spec *spec, const struct report_result *result, struct error *error)
{
    struct shown *shown = context;

    (void)error;
    if (shown->once && result->outcome == REPORT_FAILED) {
        shown->failure = result->error;
        stopped = true;
        return OK;
    }
    buffer_reset(&shown->line);
    if (shown->json)
        report_write(spec, result, &shown->line);
    else
        report_line(spec, result, &shown->line);
    buffer_append_u8(&shown->line, '\n');
    (void)fwrite(shown->line.data, 1, shown->line.size, stdout);
    (void)fflush(stdout);
    if (shown->once)
        stopped = true;
    return OK;
}

struct database {
    const char *host, *port, *user, *password, *name;
};

/* libpq's form; values between quotes with \ before ' and \. */
static char *conninfo_of(const struct database *database)
{
    const char *const parts[][2] = {{"host", database->host}, {"port", database->port}, {"user", database->user}, {"password", database->password}, {"dbname", database->name}};
    struct buffer text;
    char *copy;

    buffer_init(&text, 1 << 16);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i][1] == NULL)
            continue;
        buffer_append_format(&text, "%s='", parts[i][0]);
        for (const char *at = parts[i][1]; *at != '\0'; at++) {
            if (*at == '\'' || *at == '\\')
                buffer_append_u8(&text, '\\');
            buffer_append_u8(&text, (uint8_t)*at);
        }
        buffer_append_string(&text, "' ");
    }
    buffer_append_string(&text, "application_name='tailrace report'");
    copy = memory_copy_bytes(text.data, text.size);
    buffer_finish(&text);
    return copy;
}

static enum status durations_read(const char *window, const char *every, struct report_spec *spec, struct error *error)
{
    if (!report_duration(window, &spec->window_s))
        return error_set(error, ERROR_USAGE, "--window %s: it has to be a duration such as 30s, 10m, 2h or 1d", window);
    if (!report_duration(every == NULL ? window : every, &spec->every_s))
        return error_set(error, ERROR_USAGE, "--every %s: it has to be a duration such as 30s, 10m, 2h or 1d", every);
    return OK;
}

static enum status run(struct report_spec *spec, const char *sql_file, struct shown *shown, struct error *error)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND}; /* a second one ends at once */
    struct buffer sql;
    char *text = NULL;
    enum status status = OK;

    if (sql_file != NULL) {
        buffer_init(&sql, SQL_BYTES_MAX);
        status = disk_read_file(disk_real(), sql_file, &sql, error);
        text = memory_copy_bytes(sql.data, sql.size);
        spec->sql = text;
        buffer_finish(&sql);
    }
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (status == OK)
        status = report_run(spec, 0, &stopped, wake_fd, show, shown, error);
    if (status == OK && shown->failure.status != OK) {
        *error = shown->failure;
        status = error->status;
        error_context(error, "%s", spec->name);
    }
    (void)close(wake_fd);
    memory_free(text);
    return status;
}

int report_main(int argc, char **argv)
{
    static struct database database = {"127.0.0.1", "5432", "postgres", NULL, "office_db"};
    static struct report_spec spec = {.function = "avg", .time_column = "recorded_at"};
    static struct shown shown;
    static const char *window = "10m", *every, *sql_file;
    static const struct option_row rows[] = {
        {"table", OPTION_TEXT, &spec.table, "TABLE", "Table to read", 0, 0},
        {"column", OPTION_TEXT, &spec.column, "COLUMN", "Column to aggregate", 0, 0},
        {"function", OPTION_TEXT, &spec.function, "NAME", "avg, sum, min, max or count (default avg)", 0, 0},
        {"time-column", OPTION_TEXT, &spec.time_column, "COLUMN", "Column that says when a row is from (default recorded_at)", 0, 0},
        {"window", OPTION_TEXT, &window, "DURATION", "How far back each run looks (default 10m)", 0, 0},
        {"every", OPTION_TEXT, &every, "DURATION", "Time between runs (default: the window)", 0, 0},
        {"unit", OPTION_TEXT, &spec.unit, "TEXT", "Printed behind the value (default for a column named temperature: °C)", 0, 0},
        {"sql", OPTION_TEXT, &sql_file, "FILE", "A SELECT of one row instead of table and column; $1 and $2 are the window's ends, timestamptz", 0, 0},
        {"once", OPTION_FLAG, &shown.once, NULL, "Run once and end", 0, 0},
        {"json", OPTION_FLAG, &shown.json, NULL, "Print each run as one line of JSON", 0, 0},
        {"host", OPTION_TEXT, &database.host, "HOST", "PostgreSQL's address or socket directory (default 127.0.0.1)", 0, 0},
        {"port", OPTION_TEXT, &database.port, "PORT", "… its port (default 5432)", 0, 0},
        {"user", OPTION_TEXT, &database.user, "NAME", "… user (default postgres)", 0, 0},
        {"password", OPTION_TEXT, &database.password, "TEXT", "… password (default $PGPASSWORD, or postgrespw)", 0, 0},
        {"database", OPTION_TEXT, &database.name, "NAME", "… database (default office_db)", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace report",
        .operands = "NAME",
        .summary = "Runs an SQL aggregate over the last minutes, every so many minutes, straight from PostgreSQL.",
        .rows = rows,
        .operands_max = 1,
        .examples = "tailrace report average --table temperature_readings --column temperature --window 10m\n"
                    "tailrace report busy --sql busy.sql --every 1h --once --json",
        .description = "Each run is a line: its time, and the value, or that there was no data. Windows go by the database's clock. A timestamp without time zone is "
                       "taken in the session's time zone; of the hour that comes twice in autumn it cannot tell the first, as timestamptz can.",
    };
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    size_t operand_count = 0;
    struct error error;
    enum status status;
    char *conninfo;
    int ended = command_options(&options, argc, argv, operands, &operand_count);

    spec.name = operand_count > 0 ? operands[0] : "report";
    memory_free(operands);
    if (ended >= 0)
        return ended;
    if (database.password == NULL)
        database.password = getenv("PGPASSWORD") == NULL ? "postgrespw" : NULL; /* libpq reads the variable itself */
    if (spec.unit == NULL)
        spec.unit = spec.column != NULL && strcmp(spec.column, "temperature") == 0 && strcmp(spec.function, "count") != 0 ? "°C" : "";
    (void)logger_set_level(NULL, "warning");
    buffer_init(&shown.line, 1 << 16);
    conninfo = conninfo_of(&database);
    spec.conninfo = conninfo;
    status = durations_read(window, every, &spec, &error);
    if (status == OK)
        status = run(&spec, sql_file, &shown, &error);
    memory_free(conninfo);
    buffer_finish(&shown.line);
    return status == OK ? 0 : command_fail(&error);
}
