#include "agents/model_watch.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/thread.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define LOG_SUBSYSTEM "model"

#define LOOK_MS 1000

/* A file on its way to a model; the thread's until `done`. */
struct loading {
    struct thread *thread;
    struct model *model;
    enum status status;
    struct error error;
    atomic_bool done;
};

struct model_watch {
    char *path;
    model_accept *accept;
    void *context;
    struct model *model;
    struct loading loading;
    bool is_loading;
    int64_t looked_ms;
    struct stat seen; /* the file as it was loaded or refused; zeroes: it is away */
    char trouble[sizeof(((struct error *)0)->message)];
};

struct model_watch *model_watch_create(const char *path, model_accept *accept, void *context)
{
    struct model_watch *watch = memory_new(sizeof(*watch));

    watch->path = memory_copy_string(path);
    watch->accept = accept;
    watch->context = context;
    return watch;
}

void model_watch_destroy(struct model_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->is_loading) {
        thread_join(watch->loading.thread);
        model_destroy(watch->loading.model);
    }
    model_destroy(watch->model);
    memory_free(watch->path);
    memory_free(watch);
}

static void trouble_say(struct model_watch *watch, const char *message)
{
    (void)snprintf(watch->trouble, sizeof(watch->trouble), "%s", message);
    LOG_ERROR("the changed model is not taken, version %s goes on: %s", model_version(watch->model), message);
}

/* The model, when the rule can use it; else it is gone. */
static enum status accept(struct model_watch *watch, struct model *model, struct error *error)
{
    enum status status = watch->accept == NULL ? OK : watch->accept(watch->context, model_facts(model), error);

    if (status == OK)
        return OK;
    model_destroy(model);
    error->status = ERROR_MODEL;
    error_context(error, "model %s", watch->path);
    return ERROR_MODEL;
}

static enum status first_load(struct model_watch *watch, struct error *error)
{
    struct model *model;
    enum status status;

    if (stat(watch->path, &watch->seen) != 0) /* model_load says it */
        watch->seen = (struct stat){0};
    status = model_load(watch->path, &model, error);
    if (status == OK)
        status = accept(watch, model, error);
    if (status != OK)
        return status;
    watch->model = model;
    LOG_INFO("model %s: version %s, %zu trees, %zu features, %s", watch->path, model_version(model), model_facts(model)->tree_count,
             model_facts(model)->feature_count, model_facts(model)->objective);
    return OK;
}

static void loading_run(void *context)
{
    struct model_watch *watch = context; /* only what does not change, and `loading` */

    watch->loading.status = model_load(watch->path, &watch->loading.model, &watch->loading.error);
    watch->loading.done = true;
}

static void loading_take(struct model_watch *watch)
{
    struct loading *loading = &watch->loading;
    enum status status = loading->status;

    thread_join(loading->thread);
    watch->is_loading = false;
    if (status == OK)
        status = accept(watch, loading->model, &loading->error);
    if (status != OK) {
        trouble_say(watch, loading->error.message);
        return;
    }
    if (strcmp(model_version(watch->model), model_version(loading->model)) != 0)
        LOG_INFO("model %s: version %s takes over from %s", watch->path, model_version(loading->model), model_version(watch->model));
    model_destroy(watch->model);
    watch->model = loading->model;
    watch->trouble[0] = '\0';
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_size == b->st_size && a->st_ino == b->st_ino;
}

static void file_look(struct model_watch *watch)
{
    struct stat now;
    struct error error;

    if (stat(watch->path, &now) != 0) {
        if (watch->seen.st_ino != 0)
            trouble_say(watch, "its file is gone");
        watch->seen = (struct stat){0};
        return;
    }
    if (is_same(&now, &watch->seen))
        return;
    watch->seen = now;
    watch->loading = (struct loading){.status = OK};
    if (thread_start(&watch->loading.thread, "model", loading_run, watch, &error) == OK) {
        watch->is_loading = true;
    } else {
        watch->seen = (struct stat){0}; /* again at the next look */
        LOG_WARNING("a changed model waits: %s", error.message);
    }
}

bool model_watch_changed(const struct model_watch *watch)
{
    struct stat now;

    if (stat(watch->path, &now) != 0)
        now = (struct stat){0};
    return !is_same(&now, &watch->seen);
}

enum status model_watch_look(struct model_watch *watch, struct error *error)
{
    int64_t now_ms;

    if (watch->model == NULL)
        return first_load(watch, error);
    if (watch->is_loading) {
        if (watch->loading.done)
            loading_take(watch);
        return OK;
    }
    now_ms = clock_monotonic_ms();
    if (now_ms - watch->looked_ms < LOOK_MS)
        return OK;
    watch->looked_ms = now_ms;
    file_look(watch);
    return OK;
}

struct model *model_watch_model(const struct model_watch *watch)
{
    return watch->model;
}

const char *model_watch_trouble(const struct model_watch *watch)
{
    return watch->trouble[0] == '\0' ? NULL : watch->trouble;
}
