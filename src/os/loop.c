#include "os/loop.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"

#include <assert.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    uv_async_t async;
    uv_timer_t timer;
    loop_called *woken;
    loop_called *due;
    void *context;
    int64_t timer_at_ms;
};

struct loop_watch {
    uv_poll_t poll;
    loop_ready *ready; /* NULL once removed */
    void *context;
    int events;
};

static void loop_on_async(uv_async_t *async)
{
    struct loop *loop = async->data;

    loop->woken(loop->context);
}

static void loop_on_timer(uv_timer_t *timer)
{
    struct loop *loop = timer->data;

    loop->timer_at_ms = INT64_MAX;
    loop->due(loop->context);
}

struct loop *loop_create(loop_called *woken, loop_called *timer, void *context)
{
    struct loop *loop = memory_new(sizeof(*loop));
    int failed;

    loop->woken = woken;
    loop->due = timer;
    loop->context = context;
    loop->timer_at_ms = INT64_MAX;
    failed = uv_loop_init(&loop->uv);
    if (failed == 0)
        failed = uv_async_init(&loop->uv, &loop->async, loop_on_async);
    if (failed != 0) {
        (void)fprintf(stderr, "tailrace: cannot make an event loop: %s; raise the limit of open files (ulimit -n)\n", uv_strerror(failed));
        abort();
    }
    (void)uv_timer_init(&loop->uv, &loop->timer);
    loop->async.data = loop;
    loop->timer.data = loop;
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* lets closed handles go */
    (void)uv_loop_close(&loop->uv);
    memory_free(loop);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_wake(struct loop *loop)
{
    (void)uv_async_send(&loop->async);
}

void loop_timer_set(struct loop *loop, int64_t at_ms)
{
    int64_t now_ms;

    if (at_ms == loop->timer_at_ms)
        return;
    loop->timer_at_ms = at_ms;
    if (at_ms == INT64_MAX) {
        (void)uv_timer_stop(&loop->timer);
        return;
    }
    /* The loop counts from the time it last looked at the clock, which may be a long callback ago. */
    uv_update_time(&loop->uv);
    now_ms = clock_monotonic_ms();
    (void)uv_timer_start(&loop->timer, loop_on_timer, at_ms > now_ms ? (uint64_t)(at_ms - now_ms) : 0, 0);
}

static void loop_on_poll(uv_poll_t *poll, int status, int events)
{
    struct loop_watch *watch = poll->data;
    int ready = 0;

    if (watch->ready == NULL)
        return;
    if (status < 0) {
        ready = LOOP_READ | LOOP_WRITE; /* the next read or write says what is wrong */
    } else {
        if ((events & UV_READABLE) != 0)
            ready |= LOOP_READ;
        if ((events & UV_WRITABLE) != 0)
            ready |= LOOP_WRITE;
    }
    watch->ready(watch->context, ready);
}

struct loop_watch *loop_watch_add(struct loop *loop, int fd, loop_ready *ready, void *context)
{
    struct loop_watch *watch = memory_new(sizeof(*watch));
    int failed = uv_poll_init(&loop->uv, &watch->poll, fd);

    assert(failed == 0);
    (void)failed;
    watch->poll.data = watch;
    watch->ready = ready;
    watch->context = context;
    return watch;
}

void loop_watch_set(struct loop_watch *watch, int events)
{
    if (events == watch->events)
        return;
    watch->events = events;
    if (events == 0)
        (void)uv_poll_stop(&watch->poll);
    else
        (void)uv_poll_start(&watch->poll, ((events & LOOP_READ) != 0 ? UV_READABLE : 0) | ((events & LOOP_WRITE) != 0 ? UV_WRITABLE : 0),
                            loop_on_poll);
}

static void loop_on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void loop_watch_remove(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    watch->ready = NULL;
    uv_close((uv_handle_t *)&watch->poll, loop_on_closed);
}
