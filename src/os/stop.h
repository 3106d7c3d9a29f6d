/*
 * os/stop.h: how a thread is told to end, also while it waits: for a back-off between two tries, say. One thread waits; any
 * may ask it to stop, or wake it.
 */
#ifndef OS_STOP_H
#define OS_STOP_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct stop {
    atomic_bool asked; /* may be read as it is */
    sem_t rung;
};

void stop_init(struct stop *stop);
void stop_finish(struct stop *stop); /* nobody waits any more */

/* Async-signal-safe, as is stop_wake. */
void stop_ask(struct stop *stop);

/* Lets the waiting thread look around: its wait ends early, or the next one does. */
void stop_wake(struct stop *stop);

/* Waits until it is asked to stop, somebody wakes it, or timeout_ms has passed; true: stop. */
bool stop_wait(struct stop *stop, int64_t timeout_ms);

#endif
