/* store/syncer.h: syncs the files of a round, several at once on threads of its own. */
#ifndef STORE_SYNCER_H
#define STORE_SYNCER_H

#include "os/disk.h"

struct syncer;

struct sync_job {
    struct disk_file *file;
    enum status status; /* the answer */
    struct error error;
};

/* threads  0: everything on the caller's thread. The threads start when they are first needed. */
struct syncer *syncer_create(int threads);
void syncer_destroy(struct syncer *syncer); /* NULL is fine */

/* Returns when all jobs are answered. Thread: one at a time. */
void syncer_run(struct syncer *syncer, struct sync_job *jobs, size_t count);

#endif
