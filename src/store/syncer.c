#include "store/syncer.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/thread.h"

#include <pthread.h>

#define THREADS_MAX 64
#define JOBS_ALONE 1 /* so many are not worth waking anybody */

struct syncer {
    pthread_mutex_t lock; /* guards all below but the threads */
    pthread_cond_t work;
    pthread_cond_t done;
    struct sync_job *jobs;
    size_t count, next, finished;
    bool stopping;
    struct thread *threads[THREADS_MAX];
    int wanted, started;
};

struct syncer *syncer_create(int threads)
{
    struct syncer *syncer = memory_new(sizeof(*syncer));

    (void)pthread_mutex_init(&syncer->lock, NULL);
    (void)pthread_cond_init(&syncer->work, NULL);
    (void)pthread_cond_init(&syncer->done, NULL);
    syncer->wanted = threads > THREADS_MAX ? THREADS_MAX : threads;
    return syncer;
}

void syncer_destroy(struct syncer *syncer)
{
    if (syncer == NULL)
        return;
    (void)pthread_mutex_lock(&syncer->lock);
    syncer->stopping = true;
    (void)pthread_cond_broadcast(&syncer->work);
    (void)pthread_mutex_unlock(&syncer->lock);
    for (int i = 0; i < syncer->started; i++)
        thread_join(syncer->threads[i]);
    (void)pthread_cond_destroy(&syncer->work);
    (void)pthread_cond_destroy(&syncer->done);
    (void)pthread_mutex_destroy(&syncer->lock);
    memory_free(syncer);
}

/* Takes jobs until none is left. The lock is held on entry and exit. */
static void work_off(struct syncer *syncer)
{
    while (syncer->next < syncer->count) {
        struct sync_job *job = &syncer->jobs[syncer->next++];

        (void)pthread_mutex_unlock(&syncer->lock);
        job->status = disk_sync(job->file, &job->error);
        (void)pthread_mutex_lock(&syncer->lock);
        if (++syncer->finished == syncer->count)
            (void)pthread_cond_signal(&syncer->done);
    }
}

static void worker_main(void *context)
{
    struct syncer *syncer = context;

    (void)pthread_mutex_lock(&syncer->lock);
    while (!syncer->stopping) {
        work_off(syncer);
        if (!syncer->stopping)
            (void)pthread_cond_wait(&syncer->work, &syncer->lock);
    }
    (void)pthread_mutex_unlock(&syncer->lock);
}

/* One thread fewer than jobs, for the caller works too. Without threads it still works, only slower. */
static void threads_start(struct syncer *syncer, size_t jobs)
{
    while (syncer->started < syncer->wanted && (size_t)syncer->started + 1 < jobs) {
        if (thread_start(&syncer->threads[syncer->started], "sync", worker_main, syncer, NULL) != OK)
            return;
        syncer->started++;
    }
}

void syncer_run(struct syncer *syncer, struct sync_job *jobs, size_t count)
{
    if (count <= JOBS_ALONE || syncer->wanted == 0) {
        for (size_t i = 0; i < count; i++)
            jobs[i].status = disk_sync(jobs[i].file, &jobs[i].error);
        return;
    }
    threads_start(syncer, count);
    (void)pthread_mutex_lock(&syncer->lock);
    syncer->jobs = jobs;
    syncer->count = count;
    syncer->next = 0;
    syncer->finished = 0;
    if (count > 2)
        (void)pthread_cond_broadcast(&syncer->work);
    else
        (void)pthread_cond_signal(&syncer->work);
    work_off(syncer);
    while (syncer->finished < count)
        (void)pthread_cond_wait(&syncer->done, &syncer->lock);
    syncer->count = 0;
    (void)pthread_mutex_unlock(&syncer->lock);
}
