/* os/process.h: child processes: started with other rights when wanted, watched through a descriptor, ended by signals. */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

struct process {
    pid_t pid;     /* 0: none */
    int fd;        /* readable (poll) when the process has ended; -1: none */
    bool is_child; /* adopted ones cannot be waited for, so their exit code is unknown */
};

#define PROCESS_NONE ((struct process){0, -1, false})
#define PROCESS_KEPT_MAX 4

/* A user to become: uid, gid and further groups. */
struct process_user {
    const char *name;
    uid_t uid;
    gid_t gid;
    gid_t groups[64];
    size_t group_count;
};

struct process_spec {
    const char *const *argv;         /* argv[0] is a path; ends with NULL */
    const char *const *environment;  /* the whole environment, "NAME=value", ends with NULL; NULL: ours */
    const struct process_user *user; /* NULL: as we are */
    int output;                      /* descriptor for its stdout and stderr; -1: ours */
    int kept[PROCESS_KEPT_MAX];      /* descriptors that it inherits under the same numbers */
    size_t kept_count;
};

/* Errors: NOT_FOUND (no such user). */
enum status process_user_find(const char *name, struct process_user *user, struct error *error);

/*
 * Starts a program in a session of its own, so that a Ctrl-C at our terminal does not reach it. All signals are at their defaults in it;
 * its standard input is empty, its directory /.
 * Errors  NOT_FOUND (no such program), UNAVAILABLE (it cannot be started: why)
 */
enum status process_start(const struct process_spec *spec, struct process *started, struct error *error);

/* Takes over a process that somebody else started. Errors: NOT_FOUND. */
enum status process_adopt(pid_t pid, struct process *adopted, struct error *error);

/*
 * Waits until it has ended; false when timeout_ms (-1: no limit) passed first.
 * ended  what to say about it: "exited with 1", "was ended by signal 9"; may be NULL
 * code   its exit code, 128 + signal, or -1 when it was adopted; may be NULL
 */
bool process_wait(struct process *process, int64_t timeout_ms, int *code, char *ended, size_t ended_size);

void process_signal(const struct process *process, int number); /* nothing when it has ended */

/* Closes the descriptor; the process lives on if it does. */
void process_forget(struct process *process);

#endif
