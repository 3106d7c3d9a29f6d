/*
 * compare/child.h: one consumer in a process of its own, so that its CPU time and memory are nobody else's. It says when it is ready,
 * is told when the last change is committed, and then hands over what it saw.
 *
 * The parent may not have threads yet: the child goes on with a copy of it.
 */
#ifndef COMPARE_CHILD_H
#define COMPARE_CHILD_H

#include "base/error.h"
#include "compare/sightings.h"
#include "os/process.h"

struct child {
    struct process process;
    int fd;                     /* the parent's end; -1: none */
    struct sighting *sightings; /* after child_result; owned */
    size_t sighting_count;
};

#define CHILD_NONE ((struct child){PROCESS_NONE, -1, NULL, 0})

/* What a consumer tells of itself at its end. */
struct child_figures {
    int64_t queries, rows; /* SELECTs of the table, and rows that they gave (or records that came) */
    int64_t query_ns;      /* waited for answers */
    int64_t database_ms;   /* CPU time of its backend; -1 unknown */
    int64_t again;
    int64_t cpu_us, peak_kb;
};

/* ---- In the parent ---- */

/* Starts `run(context, fd)` in a child that ends with the parent, and that a Ctrl-C at our terminal does not reach. Errors: UNAVAILABLE */
enum status child_start(int (*run)(void *context, int fd), void *context, struct child *child, struct error *error);

/* Waits until it is ready, or stop_fd is readable (CLOSED). Errors: what the child says; CLOSED; REQUEST_TIMED_OUT */
enum status child_wait_ready(struct child *child, int stop_fd, int64_t timeout_ms, struct error *error);

/* Tells it that all is committed: a stream then reads until it has seen `expected` changes, a poller once more. */
void child_finish(struct child *child, int64_t expected);

/* Waits for what it saw. Errors as child_wait_ready. */
enum status child_result(struct child *child, int stop_fd, int64_t timeout_ms, struct child_figures *figures, struct error *error);

void child_end(struct child *child); /* ends it at once when it still runs, and frees; CHILD_NONE is fine */

/* ---- In the child; each gives false when the parent is gone ---- */

bool child_say_ready(int fd);
bool child_say_error(int fd, const char *message);

/* Waits for child_finish at most timeout_ms; *finish, once true, stays so, and *expected is set. */
bool child_listen(int fd, int64_t timeout_ms, bool *finish, int64_t *expected);

/* Fills in CPU time and memory itself. */
bool child_say_result(int fd, struct child_figures *figures, const struct sightings *sightings);

#endif
