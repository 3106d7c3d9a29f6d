#include "os/thread.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/logger.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct thread {
    pthread_t id;
    char name[16];
    void (*run)(void *context);
    void *context;
};

static void *thread_main(void *argument)
{
    struct thread *thread = argument;

    logger_set_thread_name(thread->name);
    thread->run(thread->context);
    return NULL;
}

enum status thread_start(struct thread **started, const char *name, void (*run)(void *context), void *context, struct error *error)
{
    struct thread *thread = memory_new(sizeof(*thread));
    sigset_t all, before;
    int result;

    (void)snprintf(thread->name, sizeof(thread->name), "%s", name);
    thread->run = run;
    thread->context = context;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&thread->id, NULL, thread_main, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        memory_free(thread);
        return error_set_system(error, ERROR_LIMIT, result, "start thread %s", name);
    }
    *started = thread;
    return OK;
}

#define IO_WHO_PROCESS 1 /* of ioprio_set(2), which the C library does not wrap */
#define IO_BEST_EFFORT_LAST ((2 << 13) | 7)
#define NICE_BACKGROUND 5 /* a third of what another thread gets; 19 is a seventieth, and each wake-up waits a second on a busy machine */

void thread_set_background(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_BACKGROUND); /* of Linux threads each has its own */
    (void)syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_BEST_EFFORT_LAST);
}

void thread_set_idle(void)
{
    (void)sched_setscheduler(gettid(), SCHED_IDLE, &(struct sched_param){0});
    (void)syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_BEST_EFFORT_LAST);
}

void thread_join(struct thread *thread)
{
    if (thread == NULL)
        return;
    (void)pthread_join(thread->id, NULL);
    memory_free(thread);
}
