#include "os/process.h"

#include "base/banned.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum status process_user_find(const char *name, struct process_user *user, struct error *error)
{
    struct passwd entry, *found = NULL;
    char memory[4096];
    int count = (int)(sizeof(user->groups) / sizeof(user->groups[0]));
    int failed = getpwnam_r(name, &entry, memory, sizeof(memory), &found);

    if (failed != 0 || found == NULL)
        return error_set(error, ERROR_NOT_FOUND, "there is no user \"%s\"%s%s", name, failed == 0 ? "" : ": ",
                         failed == 0 ? "" : strerror(failed));
    *user = (struct process_user){.name = name, .uid = entry.pw_uid, .gid = entry.pw_gid};
    if (getgrouplist(name, entry.pw_gid, user->groups, &count) < 0)
        count = (int)(sizeof(user->groups) / sizeof(user->groups[0])); /* the first ones */
    user->group_count = (size_t)count;
    return OK;
}

/* In the child, where only what is safe after fork may be called. Writes errno to `report` when it fails, and never returns. */
static void child_run(const struct process_spec *spec, int report) __attribute__((noreturn));

static void child_run(const struct process_spec *spec, int report)
{
    int empty;
    int failed;

    (void)setsid();
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    {
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
    }
    empty = open("/dev/null", O_RDONLY);
    if (empty < 0 || dup2(empty, STDIN_FILENO) < 0)
        goto fail;
    if (spec->output >= 0 && (dup2(spec->output, STDOUT_FILENO) < 0 || dup2(spec->output, STDERR_FILENO) < 0))
        goto fail;
    for (size_t i = 0; i < spec->kept_count; i++) {
        if (fcntl(spec->kept[i], F_SETFD, 0) < 0)
            goto fail;
    }
    if (chdir("/") < 0)
        goto fail;
    if (spec->user != NULL &&
        (setgroups(spec->user->group_count, spec->user->groups) < 0 || setgid(spec->user->gid) < 0 || setuid(spec->user->uid) < 0))
        goto fail;
    (void)execve(spec->argv[0], (char *const *)spec->argv, spec->environment == NULL ? environ : (char *const *)spec->environment);
fail:
    failed = errno;
    (void)!write(report, &failed, sizeof(failed));
    _exit(127);
}

static int pidfd_open_compat(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0); /* since Linux 5.3; the descriptor is close-on-exec */
}

enum status process_start(const struct process_spec *spec, struct process *started, struct error *error)
{
    int report[2];
    int failed = 0;
    pid_t pid;
    ssize_t got;

    *started = PROCESS_NONE;
    if (pipe2(report, O_CLOEXEC) < 0)
        return error_set_system(error, ERROR_UNAVAILABLE, errno, "start %s", spec->argv[0]);
    pid = fork();
    if (pid == 0)
        child_run(spec, report[1]);
    if (pid < 0)
        failed = errno;
    (void)close(report[1]);
    if (pid > 0) {
        do {
            got = read(report[0], &failed, sizeof(failed));
        } while (got < 0 && errno == EINTR);
        if (got != sizeof(failed))
            failed = 0; /* the pipe closed by exec: it runs */
    }
    (void)close(report[0]);
    if (failed == 0) {
        started->pid = pid;
        started->is_child = true;
        started->fd = pidfd_open_compat(pid);
        if (started->fd >= 0)
            return OK;
        failed = errno;
        (void)kill(pid, SIGKILL);
    }
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    *started = PROCESS_NONE;
    return error_set_system(error, failed == ENOENT ? ERROR_NOT_FOUND : ERROR_UNAVAILABLE, failed, "start %s", spec->argv[0]);
}

enum status process_adopt(pid_t pid, struct process *adopted, struct error *error)
{
    *adopted = (struct process){pid, pidfd_open_compat(pid), false};
    if (adopted->fd >= 0)
        return OK;
    *adopted = PROCESS_NONE;
    return error_set_system(error, ERROR_NOT_FOUND, errno, "process %d", (int)pid);
}

static void end_describe(int waited, int *code, char *ended, size_t ended_size)
{
    int result = WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited);

    if (code != NULL)
        *code = result;
    if (ended != NULL && WIFEXITED(waited))
        (void)snprintf(ended, ended_size, "exited with %d", result);
    else if (ended != NULL)
        (void)snprintf(ended, ended_size, "was ended by signal %d", WTERMSIG(waited));
}

bool process_wait(struct process *process, int64_t timeout_ms, int *code, char *ended, size_t ended_size)
{
    struct pollfd waited = {.fd = process->fd, .events = POLLIN};
    int result = 0;
    int ready;

    if (process->fd >= 0) {
        do {
            ready = poll(&waited, 1, timeout_ms < 0 ? -1 : timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
        } while (ready < 0 && errno == EINTR && timeout_ms < 0);
        if (ready <= 0)
            return false;
    }
    if (process->is_child && waitpid(process->pid, &result, 0) == process->pid) {
        end_describe(result, code, ended, ended_size);
    } else {
        if (code != NULL)
            *code = -1;
        if (ended != NULL)
            (void)snprintf(ended, ended_size, "has ended");
    }
    process_forget(process);
    return true;
}

void process_signal(const struct process *process, int number)
{
    if (process->fd >= 0)
        (void)syscall(SYS_pidfd_send_signal, process->fd, number, NULL, 0);
}

void process_forget(struct process *process)
{
    if (process->fd >= 0)
        (void)close(process->fd);
    *process = PROCESS_NONE;
}
