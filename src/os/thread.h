/* os/thread.h: named threads. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include "base/error.h"

struct thread;

/*
 * Starts a thread that runs `run(context)`; log lines and `top -H` show the name. All signals are blocked in it, so they
 * reach the main thread.
 * Errors  LIMIT (the system gives no more threads)
 */
enum status thread_start(struct thread **started, const char *name, void (*run)(void *context), void *context, struct error *error);

/* Lets others go before the calling thread, but never so that it stands still while they are busy for long. */
void thread_set_background(void);

/* For what may stand still while others are busy: the calling thread has what they leave (SCHED_IDLE of sched(7)). */
void thread_set_idle(void);

/* Waits until it has ended, and frees it. NULL is fine. */
void thread_join(struct thread *thread);

#endif
