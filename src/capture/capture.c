#include "capture/capture.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "capture/snapshot_book.h"
#include "capture/task.h"
#include "capture/topics.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "capture"
#define CHECK_TIMEOUT_MS 10000

struct capture {
    struct capture_settings *settings;
    struct debezium_config *config;
    struct topic_counts *counts;
    struct snapshot_book *book;
    struct task task;
    struct capture_status working; /* the thread's */
    struct thread *thread;
    int stop_fd;
    int64_t failing_since_ms; /* monotonic; the first of the attempts that failed in a row */
    void (*changed)(void *context);
    void *context;

    pthread_mutex_t lock; /* guards shared; a leaf */
    struct capture_status shared;
};

/* ---- Status ---- */

static void report(void *context)
{
    struct capture *capture = context;
    bool changed;

    pthread_mutex_lock(&capture->lock);
    if (capture->shared.state != capture->working.state || capture->working.since_ms == 0)
        capture->working.since_ms = clock_now_ms();
    changed = capture->shared.state != capture->working.state || strcmp(capture->shared.error.message, capture->working.error.message) != 0;
    capture->shared = capture->working;
    pthread_mutex_unlock(&capture->lock);
    if (changed && capture->changed != NULL)
        capture->changed(capture->context);
}

void capture_status_read(const struct capture *capture, struct capture_status *status)
{
    struct capture *unlocked = (struct capture *)capture; /* only for its lock */

    pthread_mutex_lock(&unlocked->lock);
    *status = capture->shared;
    pthread_mutex_unlock(&unlocked->lock);
}

void capture_topics_visit(const struct capture *capture, void (*visit)(void *context, const char *topic, int64_t records), void *context)
{
    topic_counts_visit(capture->counts, visit, context);
}

void capture_snapshot_visit(const struct capture *capture, void (*visit)(void *context, const char *table, int64_t rows, int64_t rows_about, bool is_done), void *context)
{
    snapshot_book_visit(capture->book, visit, context);
}

/* ---- The thread ---- */

static bool can_pass(enum status status)
{
    switch (status) {
    case ERROR_BAD_INPUT:
    case ERROR_CONFLICT:
    case ERROR_NOT_FOUND:
    case ERROR_LIMIT:
    case ERROR_BUG:
    case ERROR_CORRUPT:
    case ERROR_MESSAGE_TOO_LARGE:
    case ERROR_RECORD_LIST_TOO_LARGE:
    case ERROR_INVALID_TOPIC_EXCEPTION:
    case ERROR_INVALID_CONFIG: return false;
    default: return true;
    }
}

/* The message's first line, for the log; the remedy goes with it. */
static void log_failure(const struct capture *capture, const struct error *error, int64_t retry_ms)
{
    const char *remedy = strchr(error->message, '\n');
    int length = remedy == NULL ? (int)strlen(error->message) : (int)(remedy - error->message);

    if (retry_ms < 0)
        LOG_ERROR("connector failed: %.*s%s%s connector=%s", length, error->message, remedy == NULL ? "" : "; ",
                  remedy == NULL ? "" : remedy + 1, capture->settings->connector);
    else
        LOG_WARNING("connector waits %lld ms: %.*s%s%s connector=%s", (long long)retry_ms, length, error->message,
                    remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy + 1, capture->settings->connector);
}

static void wait_for_stop(const struct capture *capture, int64_t timeout_ms)
{
    struct pollfd fd = {.fd = capture->stop_fd, .events = POLLIN};

    (void)poll(&fd, 1, (int)timeout_ms);
}

/* After a failure: says so, and waits until the next attempt or for good. */
static void fail(struct capture *capture, const struct error *error, int32_t *attempts)
{
    const struct capture_settings *settings = capture->settings;
    bool again = can_pass(error->status) && (settings->retries_max < 0 || *attempts < settings->retries_max);
    int64_t now_ms = clock_monotonic_ms(), wait_ms;

    if ((*attempts)++ == 0)
        capture->failing_since_ms = now_ms;
    wait_ms = retry_wait_ms(*attempts, now_ms - capture->failing_since_ms, settings->retry_wait_ms);
    capture->working.attempts = *attempts;
    capture->working.error = *error;
    capture->working.state = again ? CAPTURE_RETRYING : CAPTURE_FAILED;
    capture->working.retry_at_ms = again ? clock_now_ms() + wait_ms : 0;
    log_failure(capture, error, again ? wait_ms : -1);
    report(capture);
    wait_for_stop(capture, again ? wait_ms : -1);
}

static void run(void *context)
{
    struct capture *capture = context;
    struct task *task = &capture->task;
    int32_t attempts = 0;

    while (!task_is_stopped(task)) {
        struct error error;
        enum status status;

        memset(&error, 0, sizeof(error));
        if (attempts == 0)
            capture->working.state = CAPTURE_STARTING;
        status = task_run(task, &error);
        if (task_is_stopped(task))
            break;
        if (status == OK) { /* a snapshot without a stream: done, and idle as Debezium's task is */
            capture->working.state = CAPTURE_STREAMING;
            report(capture);
            wait_for_stop(capture, -1);
            break;
        }
        if (capture->working.state == CAPTURE_STREAMING || capture->working.state == CAPTURE_SNAPSHOT)
            attempts = 0; /* it had come so far; what failed now is something new */
        error.status = status;
        fail(capture, &error, &attempts);
    }
    capture->working.state = CAPTURE_STOPPED;
    memset(&capture->working.error, 0, sizeof(capture->working.error));
    report(capture);
}

/* ---- Start and stop ---- */

static void destroy(struct capture *capture)
{
    if (capture->stop_fd >= 0)
        (void)close(capture->stop_fd);
    topic_counts_destroy(capture->counts);
    snapshot_book_destroy(capture->book);
    debezium_config_destroy(capture->config);
    capture_settings_destroy(capture->settings);
    (void)pthread_mutex_destroy(&capture->lock);
    memory_free(capture);
}

enum status capture_start(const struct capture_start *start, struct capture **started, struct error *error)
{
    struct capture *capture = memory_new(sizeof(*capture));
    struct topic_rules *rules = NULL;
    char name[64];
    enum status status;

    (void)pthread_mutex_init(&capture->lock, NULL);
    capture->stop_fd = -1;
    capture->working.latency_p50_us = capture->working.latency_p99_us = -1;
    capture->counts = topic_counts_create();
    capture->book = snapshot_book_create();
    capture->changed = start->changed;
    capture->context = start->context;
    status = capture_settings_create(start->connector, start->config, start->aliases, &capture->settings, error);
    if (status == OK)
        status = debezium_config_create(start->config, NULL, NULL, &capture->config, error);
    if (status == OK)
        status = topic_rules_create(start->config, &rules, error);
    topic_rules_destroy(rules);
    if (status == OK) {
        capture->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (capture->stop_fd < 0)
            status = error_set(error, ERROR_LIMIT, "no file descriptor for connector %s: raise the limit of open files", start->connector);
    }
    if (status == OK) {
        struct task *task = &capture->task;

        task->settings = capture->settings;
        task->config = capture->config;
        task->log = start->log;
        task->counts = capture->counts;
        task->book = capture->book;
        task->stop_fd = capture->stop_fd;
        task->status = &capture->working;
        task->report = report;
        task->context = capture;
        (void)snprintf(name, sizeof(name), "capture:%s", start->connector);
        status = thread_start(&capture->thread, name, run, capture, error);
    }
    if (status == OK)
        *started = capture;
    else
        destroy(capture);
    return status;
}

void capture_stop(struct capture *capture)
{
    uint64_t one = 1;

    if (capture == NULL)
        return;
    if (write(capture->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        LOG_ERROR("could not wake the thread of connector %s", capture->settings->connector);
    thread_join(capture->thread);
    destroy(capture);
}

/* ---- The check of a configuration ---- */

/* What Debezium's driver says about a connection that did not come to be. */
static void driver_text(const struct capture_settings *settings, const struct error *why, struct error *error)
{
    const char *fatal = strstr(why->message, "FATAL:");

    if (fatal != NULL)
        (void)error_set(error, ERROR_DATABASE, "Error while validating connector config: %s", fatal);
    else if (strstr(why->message, "Connection refused") != NULL)
        (void)error_set(error, ERROR_UNAVAILABLE,
                        "Error while validating connector config: Connection to %s:%d refused. Check that the hostname and port are "
                        "correct and that the "
                        "postmaster is accepting TCP/IP connections.",
                        settings->host, settings->port);
    else
        (void)error_set(error, ERROR_UNAVAILABLE, "Error while validating connector config: The connection attempt failed.");
}

enum status capture_check(const struct properties *config, const struct properties *aliases, int stop_fd, struct error *error)
{
    struct capture_settings *settings = NULL;
    struct pg_connection *connection = NULL;
    const char *port = properties_get(config, "database.port");
    int64_t number = 0;
    struct error why;
    enum status status;

    if (port != NULL && text_parse_int64(text_trim(slice_from_string(port)), &number) && number > 65535)
        return error_set(error, ERROR_UNAVAILABLE,
                         "Error while validating connector config: Unable to parse URL jdbc:postgresql://%s:%s/%s",
                         properties_get(config, "database.hostname"), port, properties_get(config, "database.dbname"));
    status = capture_settings_create("check", config, aliases, &settings, error);
    if (status != OK)
        return status;
    if (settings->connect_timeout_ms == 0 || settings->connect_timeout_ms > CHECK_TIMEOUT_MS)
        settings->connect_timeout_ms = CHECK_TIMEOUT_MS;
    settings->query_timeout_ms = CHECK_TIMEOUT_MS;
    status = pg_connection_open(settings, CONNECTION_SQL, "Debezium Validate Connection", NULL, stop_fd, &connection, &why);
    if (status == OK)
        status = pg_connection_run(connection, "SELECT version()", NULL, &why);
    if (status != OK) {
        driver_text(settings, &why, error);
        status = error == NULL ? status : error->status;
    }
    pg_connection_close(connection);
    capture_settings_destroy(settings);
    return status;
}
