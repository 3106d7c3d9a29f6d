/*
 * os/loop.h: an event loop of one thread: file descriptors that become ready, one timer, and a wake-up from other threads.
 * Everything but loop_wake belongs to the thread that runs the loop (or, before it runs, to the one that created it).
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdint.h>

struct loop;
struct loop_watch;

#define LOOP_READ 1
#define LOOP_WRITE 2

typedef void loop_called(void *context);
typedef void loop_ready(void *context, int events);

/*
 * woken  called on the loop's thread after loop_wake; several calls of that may give one call of this
 * timer  called when the time of loop_timer_set has come
 */
struct loop *loop_create(loop_called *woken, loop_called *timer, void *context);
void loop_destroy(struct loop *loop); /* after loop_run has returned; NULL is fine */

void loop_run(struct loop *loop); /* returns after loop_stop */
void loop_stop(struct loop *loop);

/* Any thread; cheap when a wake-up is under way already. */
void loop_wake(struct loop *loop);

/* Calls the timer callback once, at this time of clock_monotonic_ms or a little later; INT64_MAX for never. Replaces the time set before.
 */
void loop_timer_set(struct loop *loop, int64_t at_ms);

/* Watches a descriptor, which stays the caller's; nothing is reported before loop_watch_set. Level-triggered. */
struct loop_watch *loop_watch_add(struct loop *loop, int fd, loop_ready *ready, void *context);
void loop_watch_set(struct loop_watch *watch, int events); /* LOOP_READ | LOOP_WRITE; 0 pauses. Costs nothing when it does not change */
void loop_watch_remove(struct loop_watch *watch);          /* no call comes after this; then close the descriptor. NULL is fine */

#endif
