#include "os/tree.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 16
#define THREADS_MAX 64

/* ---- Removing ---- */

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *where)
{
    (void)is;
    (void)kind;
    (void)where;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

enum status tree_remove(const char *path, struct error *error)
{
    if (nftw(path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return error_set_system(error, ERROR_DISK, errno, "remove %s", path);
    return OK;
}

/* ---- Syncing ---- */

struct sync {
    char **paths;
    size_t count, capacity;
    atomic_size_t next;
    atomic_int failed; /* errno of one that failed; 0 */
};

static _Thread_local struct sync *collecting; /* nftw hands nothing through */

static int collect_one(const char *path, const struct stat *is, int kind, struct FTW *where)
{
    struct sync *sync = collecting;

    (void)is;
    (void)where;
    if (kind != FTW_F && kind != FTW_D)
        return kind == FTW_DNR || kind == FTW_NS ? -1 : 0; /* a link has nothing of its own to sync */
    if (sync->count == sync->capacity) {
        sync->capacity = sync->capacity == 0 ? 1024 : sync->capacity * 2;
        sync->paths = memory_resize(sync->paths, sync->capacity * sizeof(*sync->paths));
    }
    sync->paths[sync->count++] = memory_copy_string(path);
    return 0;
}

static void sync_some(void *context)
{
    struct sync *sync = context;
    size_t at;

    while ((at = atomic_fetch_add(&sync->next, 1)) < sync->count) {
        int file = open(sync->paths[at], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (file < 0 || fsync(file) < 0)
            atomic_store(&sync->failed, errno);
        if (file >= 0)
            (void)close(file);
    }
}

enum status tree_sync(const char *path, int threads, struct error *error)
{
    struct sync sync = {.paths = NULL};
    struct thread *started[THREADS_MAX] = {NULL};
    enum status status = OK;

    collecting = &sync;
    if (nftw(path, collect_one, DESCRIPTORS_MAX, FTW_PHYS) != 0)
        status = error_set_system(error, ERROR_DISK, errno, "read %s", path);
    for (int i = 0; i < threads && i < THREADS_MAX && status == OK; i++)
        status = thread_start(&started[i], "sync", sync_some, &sync, error);
    for (int i = 0; i < THREADS_MAX; i++)
        thread_join(started[i]);
    if (status == OK && atomic_load(&sync.failed) != 0)
        status = error_set_system(error, ERROR_DISK, atomic_load(&sync.failed), "sync the files in %s", path);
    for (size_t i = 0; i < sync.count; i++)
        memory_free(sync.paths[i]);
    memory_free(sync.paths);
    return status;
}
