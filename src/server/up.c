/* up.c: `tailrace up`: starts everything, in the foreground or detached, and stops it on a signal. */
#include "server/commands.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "server/command.h"
#include "server/data_directory.h"
#include "server/ports.h"
#include "server/postgres_cluster.h"
#include "server/services.h"
#include "server/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "server"
#define STOP_SECONDS_MAX 5 /* what takes longer is cut off: all that matters is durable already */
#define READY_CHECKED_EVERY_MS 100
#define TEXT_BYTES_MAX 65536

/* One run of the program. */
struct up {
    struct settings settings;
    struct data_directory *directory;
    struct services *services;
    bool detached;
    FILE *report; /* where the one who typed `up` sees what happens */
    int signal_fd;
    char log_path[PATH_MAX];
};

/* ---- Detaching ---- */

/* Prints what the detached program reports until it closes the pipe; behind a NUL comes its exit code. */
static int report_copy(int from)
{
    char bytes[4096];
    struct buffer report;
    const char *end;
    int code = 1; /* it died without a word */
    ssize_t got;

    buffer_init(&report, TEXT_BYTES_MAX);
    while ((got = read(from, bytes, sizeof(bytes))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0)
            buffer_append(&report, bytes, (size_t)got);
    }
    end = report.size == 0 ? NULL : memchr(report.data, '\0', report.size);
    if (report.size > 0)
        (void)fwrite(report.data, 1, end == NULL ? report.size : (size_t)(end - (const char *)report.data), stdout);
    if (end != NULL && end + 1 < (const char *)report.data + report.size)
        code = end[1];
    buffer_finish(&report);
    (void)fflush(stdout);
    return code;
}

static enum status output_to_log(const struct up *up, struct error *error)
{
    int file = open(up->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

    if (file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0)
        return error_set_system(error, ERROR_DISK, errno, "log file %s", up->log_path);
    (void)close(file);
    return OK;
}

/*
 * Leaves a process of its own session behind, which goes on with OK; the one that was typed prints what that reports, and ends.
 */
static enum status detach(struct up *up, struct error *error)
{
    int report[2], empty;
    pid_t child;

    if (pipe2(report, O_CLOEXEC) < 0)
        return error_set_system(error, ERROR_LIMIT, errno, "detach");
    (void)fflush(NULL);
    child = fork();
    if (child < 0)
        return error_set_system(error, ERROR_LIMIT, errno, "detach");
    if (child > 0) {
        (void)close(report[1]);
        (void)waitpid(child, NULL, 0);
        exit(report_copy(report[0]));
    }
    (void)close(report[0]);
    (void)setsid();
    if (fork() != 0)
        _exit(0);
    up->report = fdopen(report[1], "w");
    empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (empty >= 0)
        (void)dup2(empty, STDIN_FILENO);
    return output_to_log(up, error);
}

/* Tells the one who typed `up` how it went; a detached program is on its own from here. */
static void report_end(struct up *up, int code)
{
    if (up->detached && up->report != NULL && up->report != stdout) {
        (void)fputc('\0', up->report);
        (void)fputc(code, up->report);
        (void)fclose(up->report);
    } else if (up->report != NULL) {
        (void)fflush(up->report);
    }
    up->report = NULL;
}

/* ---- Signals ---- */

static volatile sig_atomic_t postgres_pid; /* for the handler below */

static void end_at_once(int number)
{
    static const char slow[] = "tailrace: stopping took too long; ended at once. Nothing that was acknowledged is lost\n";
    static const char again[] = "tailrace: ended at once. Nothing that was acknowledged is lost\n";

    if (postgres_pid > 0)
        (void)kill((pid_t)postgres_pid, SIGQUIT);
    if (number == SIGALRM)
        (void)!write(STDERR_FILENO, slow, sizeof(slow) - 1);
    else
        (void)!write(STDERR_FILENO, again, sizeof(again) - 1);
    _exit(1);
}

static const int handled[] = {SIGTERM, SIGINT, SIGHUP};
#define HANDLED (sizeof(handled) / sizeof(handled[0]))

static enum status signals_take(struct up *up, struct error *error)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < HANDLED; i++)
        (void)sigaddset(&set, handled[i]);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    up->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return up->signal_fd >= 0 ? OK : error_set_system(error, ERROR_LIMIT, errno, "signalfd");
}

/* From now on a second signal, or five seconds, end the program at once. */
static void signals_become_deadly(const struct up *up)
{
    sigset_t set;

    postgres_pid = up->services == NULL ? 0 : services_postgres_pid(up->services);
    (void)sigemptyset(&set);
    for (size_t i = 0; i < HANDLED; i++) {
        (void)signal(handled[i], end_at_once);
        (void)sigaddset(&set, handled[i]);
    }
    (void)signal(SIGALRM, end_at_once);
    (void)alarm(STOP_SECONDS_MAX);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* The next signal that is waiting; 0 when there is none. */
static int signal_next(const struct up *up)
{
    struct signalfd_siginfo information;

    return read(up->signal_fd, &information, sizeof(information)) == sizeof(information) ? (int)information.ssi_signo : 0;
}

/* True when it should stop. A detached program opens its log anew on SIGHUP, so that the file can be rotated. */
static bool stop_was_asked_for(struct up *up)
{
    struct error error;
    int number;

    while ((number = signal_next(up)) != 0) {
        if (number != SIGHUP || !up->detached) {
            LOG_INFO("stopping on signal %d", number);
            return true;
        }
        if (output_to_log(up, &error) != OK)
            LOG_ERROR("%s", error.message);
    }
    return false;
}

/* ---- Running ---- */

static void question_answer(void *context, const char *question, struct buffer *text)
{
    struct up *up = context;

    if (strcmp(question, "status") == 0)
        services_status(up->services, text);
    else if (strcmp(question, "addresses") == 0)
        services_addresses_json(up->services, text);
    else if (strcmp(question, "databases") == 0)
        services_databases(up->services, text);
    else if (strncmp(question, "position ", strlen("position ")) == 0)
        services_position(up->services, question + strlen("position "), text);
    else if (strcmp(question, "postgres") == 0)
        services_postgres_access(up->services, text);
}

/* Serves questions until a signal comes or timeout_ms (-1: no limit) has passed; true when it should stop. */
static bool serve(struct up *up, int timeout_ms)
{
    struct pollfd waited[] = {{.fd = up->signal_fd, .events = POLLIN}, {.fd = data_directory_control_fd(up->directory), .events = POLLIN}};

    for (;;) {
        int ready = poll(waited, 2, timeout_ms);

        if (ready < 0 && errno != EINTR)
            return true;
        if (ready > 0 && waited[0].revents != 0 && stop_was_asked_for(up))
            return true;
        if (ready > 0 && waited[1].revents != 0)
            data_directory_serve(up->directory, question_answer, up);
        if (timeout_ms >= 0)
            return false;
    }
}

/* OK also when a signal came first; *stop says so. */
static enum status wait_ready(struct up *up, bool *stop, struct error *error)
{
    enum status status;

    *stop = false;
    while ((status = services_wait_ready(up->services, READY_CHECKED_EVERY_MS, error)) == ERROR_REQUEST_TIMED_OUT) {
        *stop = serve(up, 0);
        if (*stop)
            return OK;
    }
    return status;
}

static void ready_report(struct up *up)
{
    struct buffer text;

    buffer_init(&text, TEXT_BYTES_MAX);
    services_addresses(up->services, &text);
    (void)fwrite(text.data, 1, text.size, up->report);
    (void)fprintf(up->report, "Data              %s\n", data_directory_path(up->directory));
    if (up->detached)
        (void)fprintf(up->report, "Log               %s\n", up->log_path);
    (void)fprintf(up->report, "tailrace is ready\n");
    buffer_finish(&text);
}

static void levels_apply(const struct settings *settings)
{
    static const char prefix[] = "logger.level.";

    (void)logger_set_level(NULL, settings->logger_level);
    for (size_t i = 0; i < settings->values.count; i++) {
        const struct property *value = &settings->values.items[i];

        if (strncmp(value->key, prefix, strlen(prefix)) == 0)
            (void)logger_set_level(value->key + strlen(prefix), value->value);
    }
}

/* Everything that can be refused is refused before anything is made. */
static enum status prepare(struct up *up, struct error *error)
{
    const char *data_dir = up->settings.data_dir;
    pid_t owner = data_directory_owner(data_dir);
    enum status status = OK;

    if (owner == 0)
        status = ports_check(&up->settings, up->settings.postgres_enabled && postgres_cluster_server(data_dir) == 0, error);
    if (status == OK)
        status = data_directory_open(data_dir, &up->directory, error);
    if (status == OK &&
        snprintf(up->log_path, sizeof(up->log_path), "%s/tailrace.log", data_directory_path(up->directory)) >= (int)sizeof(up->log_path))
        status = error_set(error, ERROR_DISK, "the path of data directory %s is too long", data_dir);
    return status;
}

static enum status run(struct up *up, struct error *error)
{
    bool stop = false;
    enum status status = signals_take(up, error);

    if (status == OK)
        status = data_directory_claim(up->directory, error);
    if (status == OK)
        status = services_start(&up->settings, data_directory_path(up->directory), &up->services, error);
    if (status == OK)
        status = wait_ready(up, &stop, error);
    if (status == OK && !stop) {
        ready_report(up);
        report_end(up, 0);
        (void)serve(up, -1);
    }
    return status;
}

static int up_run(struct up *up)
{
    struct error error;
    enum status status = prepare(up, &error);
    int64_t stopping_ms;

    up->report = stdout;
    up->signal_fd = -1;
    if (status == OK && up->detached)
        status = detach(up, &error);
    levels_apply(&up->settings);
    if (status == OK) {
        settings_warn_ignored(&up->settings);
        status = run(up, &error);
    }
    if (status != OK) {
        if (up->detached && up->report != NULL && up->report != stdout)
            (void)fprintf(up->report, "tailrace: %s\n", error.message);
        (void)fprintf(stderr, "tailrace: %s\n", error.message);
    }
    stopping_ms = clock_monotonic_ms();
    signals_become_deadly(up);
    services_stop(up->services);
    data_directory_close(up->directory);
    if (status == OK)
        LOG_INFO("stopped after %lld ms", (long long)(clock_monotonic_ms() - stopping_ms));
    report_end(up, status_exit_code(status));
    if (up->signal_fd >= 0)
        (void)close(up->signal_fd);
    return status_exit_code(status);
}

int up_main(int argc, char **argv)
{
    static const char *data_dir, *config;
    static bool with_postgres, detached;
    static struct option_list assignments;
    static const struct option_row rows[] = {
        {"data-dir", OPTION_TEXT, &data_dir, "DIR", "Where everything is kept (default ./tailrace-data)", 0, 0},
        {"config", OPTION_TEXT, &config, "FILE", "Properties file with settings; \"tailrace settings\" prints all", 0, 0},
        {"set", OPTION_LIST, &assignments, "KEY=VALUE", "One setting; goes before the file", 0, 0},
        {"with-postgres", OPTION_FLAG, &with_postgres, NULL, "Create and supervise a private PostgreSQL in the data directory", 0, 0},
        {"detach", OPTION_FLAG, &detached, NULL, "Return when everything is ready; \"tailrace down\" stops it", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace up",
        .summary = "Starts everything: Kafka protocol, Connect's REST API, console. SIGTERM stops it cleanly, a second one at once.",
        .rows = rows,
        .examples = "tailrace up --with-postgres\n"
                    "tailrace up --data-dir /var/lib/tailrace --config tailrace.properties --detach\n"
                    "tailrace up --set host.aliases=postgres=/var/run/postgresql",
        .description = "Prints one line per listener, and \"tailrace is ready\" when it can be used. It stops cleanly on SIGTERM, SIGINT or SIGHUP; a second signal, or five "
                       "seconds, end it at once. Nothing that was acknowledged is lost in either case. One program runs on a data directory at a time.\n"
                       "The private PostgreSQL has logical WAL, user postgres, password postgrespw and port 5432 of 127.0.0.1 (settings postgres.port, postgres.password). It is "
                       "started again when it dies, and stopped with the program. As root it runs as user postgres. Connectors reach it by the host name postgres.\n"
                       "With --detach diagnostics go to tailrace.log in the data directory.",
    };
    struct settings_source source;
    struct error error;
    char *data_dir_assignment = NULL;
    struct up up = {0};
    size_t operand_count;
    int code = command_options(&options, argc, argv, NULL, &operand_count);

    if (code >= 0)
        return code;
    if (assignments.count > OPTION_LIST_MAX - 2) {
        (void)fprintf(stderr, "tailrace: too many --set\n");
        return 2;
    }
    if (data_dir != NULL)
        assignments.items[assignments.count++] = data_dir_assignment = memory_format("data.dir=%s", data_dir);
    if (with_postgres)
        assignments.items[assignments.count++] = "postgres.enabled=true";
    source = (struct settings_source){config, assignments.items, assignments.count};
    up.detached = detached;
    code = settings_load(&up.settings, &source, &error) == OK ? up_run(&up) : command_fail(&error);
    settings_finish(&up.settings);
    memory_free(data_dir_assignment);
    return code;
}
