#include "server/postgres.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/thread.h"
#include "server/postgres_cluster.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "postgres"
#define READY_LOOKED_FOR_EVERY_MS 5
#define READY_AFTER_MS_MAX 60000
#define STOP_FAST_MS 3000 /* then without waiting for clients */
#define STOP_IMMEDIATE_MS 1000
#define RESTART_AFTER_MS_MIN 500
#define RESTART_AFTER_MS_MAX 30000
#define STEADY_MS 60000 /* ran so long: the next failure is a new one */

struct postgres {
    struct postgres_cluster cluster;
    struct thread *thread;
    int stop_fd; /* readable once it should stop */

    pthread_mutex_t lock; /* guards all below; a leaf */
    pthread_cond_t changed;
    struct postgres_status status;
    bool was_ready;
};

const char *postgres_state_name(enum postgres_state state)
{
    static const char *const names[] = {"creating", "starting", "running", "waiting", "failed", "stopped"};

    return names[state];
}

static void state_set(struct postgres *postgres, enum postgres_state state, pid_t pid, const struct error *error)
{
    (void)pthread_mutex_lock(&postgres->lock);
    postgres->status.state = state;
    postgres->status.pid = (int)pid;
    postgres->was_ready |= state == POSTGRES_RUNNING;
    if (error != NULL)
        postgres->status.error = *error;
    else if (state == POSTGRES_RUNNING)
        postgres->status.error = (struct error){0};
    (void)pthread_cond_broadcast(&postgres->changed);
    (void)pthread_mutex_unlock(&postgres->lock);
}

/* True when it should stop; waits at most so long for that. */
static bool stop_wanted(struct postgres *postgres, int64_t timeout_ms)
{
    struct pollfd stop = {.fd = postgres->stop_fd, .events = POLLIN};

    return poll(&stop, 1, (int)timeout_ms) > 0;
}

/* Waits until the process has ended or a stop is wanted; true when it ended. */
static bool ended_before_stop(struct postgres *postgres, struct process *process, int *code, char *ended, size_t size)
{
    struct pollfd waited[] = {{.fd = process->fd, .events = POLLIN}, {.fd = postgres->stop_fd, .events = POLLIN}};

    while (poll(waited, 2, -1) < 0 && errno == EINTR)
        ;
    return waited[0].revents != 0 && process_wait(process, 0, code, ended, size);
}

static enum status failure_describe(struct postgres *postgres, const char *program, const char *ended, struct error *error)
{
    char complaint[512];

    postgres_cluster_complaint(&postgres->cluster, complaint, sizeof(complaint));
    return error_set(error, ERROR_UNAVAILABLE, "the private PostgreSQL's %s %s%s%s; see %s/postgres.log", program, ended,
                     *complaint == '\0' ? "" : ": ", complaint, postgres->cluster.settings.data_dir);
}

static enum status create(struct postgres *postgres, struct error *error)
{
    struct process initdb = PROCESS_NONE;
    char ended[64];
    int code = 0;
    enum status status = postgres_cluster_create(&postgres->cluster, &initdb, error);

    if (status != OK)
        return status;
    if (!ended_before_stop(postgres, &initdb, &code, ended, sizeof(ended))) {
        process_signal(&initdb, SIGTERM); /* it removes what it made */
        if (!process_wait(&initdb, STOP_FAST_MS, NULL, NULL, 0)) {
            process_signal(&initdb, SIGKILL);
            (void)process_wait(&initdb, -1, NULL, NULL, 0);
        }
        return error_set(error, ERROR_CLOSED, "stopped while creating the private PostgreSQL");
    }
    if (code != 0)
        return failure_describe(postgres, "initdb", ended, error);
    return postgres_cluster_create_end(&postgres->cluster, error);
}

/* What a killed program left running, if it listens where this one wants it; else that is stopped first. */
static bool take_over(struct postgres *postgres, struct process *server)
{
    pid_t pid = postgres_cluster_server(postgres->cluster.settings.data_dir);

    if (pid == 0)
        return false;
    if (postgres_cluster_server_fits(&postgres->cluster)) {
        LOG_INFO("taking over the private PostgreSQL that still runs as process %d", (int)pid);
        return process_adopt(pid, server, NULL) == OK;
    }
    LOG_INFO("stopping the private PostgreSQL that still runs as process %d with other settings", (int)pid);
    (void)postgres_stop_orphan(postgres->cluster.settings.data_dir);
    return false;
}

/* Waits until it accepts connections; OK also when a stop is wanted first. */
static enum status ready_wait(struct postgres *postgres, struct process *server, struct error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + READY_AFTER_MS_MAX;
    char ended[64];

    while (!stop_wanted(postgres, 0)) {
        if (postgres_cluster_is_ready(&postgres->cluster, server->pid)) {
            state_set(postgres, POSTGRES_RUNNING, server->pid, NULL);
            return OK;
        }
        if (process_wait(server, READY_LOOKED_FOR_EVERY_MS, NULL, ended, sizeof(ended)))
            return failure_describe(postgres, "server", ended, error);
        if (clock_monotonic_ms() > deadline_ms)
            LOG_WARNING("the private PostgreSQL is not ready after %d s; it may be recovering", READY_AFTER_MS_MAX / 1000);
    }
    return OK;
}

static void server_stop(struct process *server)
{
    static const struct {
        int number;
        int64_t patience_ms;
    } steps[] = {{SIGINT, STOP_FAST_MS}, {SIGQUIT, STOP_IMMEDIATE_MS}, {SIGKILL, -1}};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        process_signal(server, steps[i].number);
        if (process_wait(server, steps[i].patience_ms, NULL, NULL, 0))
            return;
    }
}

/* One life of the server: from its start to its end. OK: it was stopped because that was wanted. */
static enum status live(struct postgres *postgres, struct error *error)
{
    struct process server = PROCESS_NONE;
    enum status status = OK;
    char ended[64];

    state_set(postgres, POSTGRES_STARTING, 0, NULL);
    if (!take_over(postgres, &server))
        status = postgres_cluster_start(&postgres->cluster, &server, error);
    if (status == OK)
        status = ready_wait(postgres, &server, error);
    if (status == OK && !stop_wanted(postgres, 0) && ended_before_stop(postgres, &server, NULL, ended, sizeof(ended)))
        status = failure_describe(postgres, "server", ended, error);
    if (server.pid != 0)
        server_stop(&server);
    return status;
}

static void run(void *context)
{
    struct postgres *postgres = context;
    int64_t pause_ms = RESTART_AFTER_MS_MIN;
    struct error error = {0};
    enum status status = OK;

    if (!postgres_cluster_exists(&postgres->cluster)) {
        state_set(postgres, POSTGRES_CREATING, 0, NULL);
        status = create(postgres, &error);
    }
    while (status == OK && !stop_wanted(postgres, 0)) {
        int64_t started_ms = clock_monotonic_ms();

        if (live(postgres, &error) == OK)
            break;
        if (!postgres->was_ready) {
            status = error.status;
            break;
        }
        if (clock_monotonic_ms() - started_ms > STEADY_MS)
            pause_ms = RESTART_AFTER_MS_MIN;
        LOG_ERROR("%s; starting it again in %lld ms", error.message, (long long)pause_ms);
        state_set(postgres, POSTGRES_WAITING, 0, &error);
        (void)stop_wanted(postgres, pause_ms);
        pause_ms = pause_ms * 2 < RESTART_AFTER_MS_MAX ? pause_ms * 2 : RESTART_AFTER_MS_MAX;
        (void)pthread_mutex_lock(&postgres->lock);
        postgres->status.restarts++;
        (void)pthread_mutex_unlock(&postgres->lock);
    }
    state_set(postgres, status == OK ? POSTGRES_STOPPED : POSTGRES_FAILED, 0, status == OK ? NULL : &error);
}

enum status postgres_start(const struct postgres_settings *settings, struct postgres **started, struct error *error)
{
    struct postgres *postgres = memory_new(sizeof(*postgres));
    enum status status;

    (void)pthread_mutex_init(&postgres->lock, NULL);
    (void)pthread_cond_init(&postgres->changed, NULL);
    postgres->status.state = POSTGRES_STARTING;
    postgres->stop_fd = eventfd(0, EFD_CLOEXEC);
    status = postgres_cluster_init(&postgres->cluster, settings, error);
    if (status == OK && postgres->stop_fd < 0)
        status = error_set_system(error, ERROR_LIMIT, errno, "eventfd");
    if (status == OK)
        status = thread_start(&postgres->thread, "postgres", run, postgres, error);
    if (status == OK)
        *started = postgres;
    else
        postgres_stop(postgres);
    return status;
}

static bool start_is_decided(const struct postgres *postgres)
{
    return postgres->was_ready || postgres->status.state == POSTGRES_FAILED || postgres->status.state == POSTGRES_STOPPED;
}

enum status postgres_wait_ready(struct postgres *postgres, int64_t timeout_ms, struct error *error)
{
    int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
    struct timespec deadline = {deadline_ns / NS_PER_SECOND, deadline_ns % NS_PER_SECOND};
    enum status status = OK;
    int waited = 0;

    (void)pthread_mutex_lock(&postgres->lock);
    while (!start_is_decided(postgres) && waited == 0)
        waited = pthread_cond_timedwait(&postgres->changed, &postgres->lock, &deadline);
    if (!start_is_decided(postgres)) {
        status =
            error_set(error, ERROR_REQUEST_TIMED_OUT, "the private PostgreSQL is still %s", postgres_state_name(postgres->status.state));
    } else if (!postgres->was_ready) {
        *error = postgres->status.error;
        status = postgres->status.state == POSTGRES_FAILED ? error->status : error_set(error, ERROR_CLOSED, "stopped");
    }
    (void)pthread_mutex_unlock(&postgres->lock);
    return status;
}

void postgres_stop(struct postgres *postgres)
{
    uint64_t one = 1;

    if (postgres == NULL)
        return;
    if (postgres->stop_fd >= 0)
        (void)!write(postgres->stop_fd, &one, sizeof(one));
    thread_join(postgres->thread);
    postgres_cluster_finish(&postgres->cluster);
    if (postgres->stop_fd >= 0)
        (void)close(postgres->stop_fd);
    (void)pthread_cond_destroy(&postgres->changed);
    (void)pthread_mutex_destroy(&postgres->lock);
    memory_free(postgres);
}

const char *postgres_socket_directory(const struct postgres *postgres)
{
    return postgres->cluster.socket_directory;
}

void postgres_status_read(struct postgres *postgres, struct postgres_status *status)
{
    (void)pthread_mutex_lock(&postgres->lock);
    *status = postgres->status;
    (void)pthread_mutex_unlock(&postgres->lock);
}

bool postgres_stop_orphan(const char *data_dir)
{
    pid_t pid = postgres_cluster_server(data_dir);
    struct process server;

    if (pid == 0 || process_adopt(pid, &server, NULL) != OK)
        return false;
    server_stop(&server);
    return true;
}
