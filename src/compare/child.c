#include "compare/child.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIGHTINGS_MAX ((size_t)100 * 1000 * 1000)

/* What goes up: a letter, then for ERROR a struct error's message, for RESULT the figures, a count and the sightings. */
enum word { WORD_READY = 'R', WORD_ERROR = 'E', WORD_RESULT = 'D' };

/* ---- Both ends ---- */

static bool send_all(int fd, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t count = send(fd, (const uint8_t *)bytes + sent, size - sent, MSG_NOSIGNAL);

        if (count < 0 && errno != EINTR)
            return false;
        sent += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* ---- In the parent ---- */

static void child_run(int (*run)(void *context, int fd), void *context, int fd, pid_t parent) __attribute__((noreturn));

static void child_run(int (*run)(void *context, int fd), void *context, int fd, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)setsid();
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    if (getppid() != parent) /* it ended before we asked to be told */
        _exit(1);
    _exit(run(context, fd));
}

enum status child_start(int (*run)(void *context, int fd), void *context, struct child *child, struct error *error)
{
    pid_t parent = getpid(), pid;
    int ends[2];

    *child = CHILD_NONE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_system(error, ERROR_UNAVAILABLE, errno, "socketpair");
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        child_run(run, context, ends[1], parent);
    }
    (void)close(ends[1]);
    child->fd = ends[0];
    if (pid < 0)
        return error_set_system(error, ERROR_UNAVAILABLE, errno, "start a process");
    child->process = (struct process){.pid = pid, .fd = (int)syscall(SYS_pidfd_open, pid, 0), .is_child = true};
    return OK;
}

/* Reads `size` bytes before the moment, unless stop_fd (-1: none) says that nobody wants them any more. */
static enum status read_all(struct child *child, int stop_fd, int64_t until_ms, void *bytes, size_t size, struct error *error)
{
    for (size_t got = 0; got < size;) {
        struct pollfd waited[] = {{.fd = child->fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
        int64_t left_ms = until_ms - clock_monotonic_ms();
        int ready = left_ms <= 0 ? 0 : poll(waited, 2, (int)left_ms);
        ssize_t count;

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return error_set(error, ERROR_REQUEST_TIMED_OUT, "a consumer did not answer in time");
        if (waited[1].revents != 0)
            return error_set(error, ERROR_CLOSED, "stopped");
        count = read(child->fd, (uint8_t *)bytes + got, size - got);
        if (count == 0 || (count < 0 && errno != EINTR))
            return error_set(error, ERROR_UNAVAILABLE, "a consumer ended before its time");
        got += count > 0 ? (size_t)count : 0;
    }
    return OK;
}

static enum status word_read(struct child *child, int stop_fd, int64_t until_ms, enum word wanted, struct error *error)
{
    char word = 0, message[sizeof(error->message)];
    enum status status = read_all(child, stop_fd, until_ms, &word, 1, error);

    if (status == OK && word == WORD_ERROR) {
        status = read_all(child, stop_fd, until_ms, message, sizeof(message), error);
        message[sizeof(message) - 1] = '\0';
        if (status == OK)
            status = error_set(error, ERROR_UNAVAILABLE, "%s", message);
    } else if (status == OK && word != (char)wanted) {
        status = error_set(error, ERROR_UNAVAILABLE, "a consumer said something unexpected");
    }
    return status;
}

enum status child_wait_ready(struct child *child, int stop_fd, int64_t timeout_ms, struct error *error)
{
    return word_read(child, stop_fd, clock_monotonic_ms() + timeout_ms, WORD_READY, error);
}

void child_finish(struct child *child, int64_t expected)
{
    (void)send_all(child->fd, &expected, sizeof(expected));
}

enum status child_result(struct child *child, int stop_fd, int64_t timeout_ms, struct child_figures *figures, struct error *error)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    size_t count = 0;
    enum status status = word_read(child, stop_fd, until_ms, WORD_RESULT, error);

    if (status == OK)
        status = read_all(child, stop_fd, until_ms, figures, sizeof(*figures), error);
    if (status == OK)
        status = read_all(child, stop_fd, until_ms, &count, sizeof(count), error);
    if (status == OK && count > SIGHTINGS_MAX)
        status = error_set(error, ERROR_LIMIT, "a consumer saw %zu changes, more than can be counted", count);
    if (status == OK) {
        child->sightings = memory_new_array(count + 1, sizeof(*child->sightings));
        child->sighting_count = count;
        status = read_all(child, stop_fd, until_ms, child->sightings, count * sizeof(*child->sightings), error);
    }
    return status;
}

void child_end(struct child *child)
{
    if (child->process.pid != 0) {
        process_signal(&child->process, SIGKILL);
        (void)process_wait(&child->process, -1, NULL, NULL, 0);
    }
    process_forget(&child->process);
    if (child->fd >= 0)
        (void)close(child->fd);
    memory_free(child->sightings);
    *child = CHILD_NONE;
}

/* ---- In the child ---- */

bool child_say_ready(int fd)
{
    const char word = WORD_READY;

    return send_all(fd, &word, 1);
}

bool child_say_error(int fd, const char *message)
{
    struct {
        char word;
        char text[sizeof(((struct error *)0)->message)];
    } said = {.word = WORD_ERROR};

    (void)snprintf(said.text, sizeof(said.text), "%s", message);
    return send_all(fd, &said, sizeof(said));
}

bool child_listen(int fd, int64_t timeout_ms, bool *finish, int64_t *expected)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    int ready;

    do
        ready = poll(&waited, 1, timeout_ms <= 0 ? 0 : (int)timeout_ms);
    while (ready < 0 && errno == EINTR && (timeout_ms = until_ms - clock_monotonic_ms()) > 0);
    if (ready <= 0)
        return true;
    if (read(fd, expected, sizeof(*expected)) != (ssize_t)sizeof(*expected)) /* the parent is gone */
        return false;
    *finish = true;
    return true;
}

bool child_say_result(int fd, struct child_figures *figures, const struct sightings *sightings)
{
    const char word = WORD_RESULT;
    const struct sighting *all;
    struct rusage usage;
    size_t count;

    all = sightings_all(sightings, &count);
    (void)getrusage(RUSAGE_SELF, &usage);
    figures->cpu_us =
        (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * US_PER_SECOND + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    figures->peak_kb = usage.ru_maxrss;
    figures->again = sightings_again(sightings);
    return send_all(fd, &word, 1) && send_all(fd, figures, sizeof(*figures)) && send_all(fd, &count, sizeof(count)) &&
           send_all(fd, all, count * sizeof(*all));
}
