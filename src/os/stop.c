#include "os/stop.h"

#include "base/banned.h"
#include "base/time.h"
#include "os/clock.h"

#include <errno.h>
#include <time.h>

void stop_init(struct stop *stop)
{
    stop->asked = false;
    (void)sem_init(&stop->rung, 0, 0);
}

void stop_finish(struct stop *stop)
{
    (void)sem_destroy(&stop->rung);
}

void stop_ask(struct stop *stop)
{
    stop->asked = true;
    (void)sem_post(&stop->rung);
}

void stop_wake(struct stop *stop)
{
    (void)sem_post(&stop->rung);
}

bool stop_wait(struct stop *stop, int64_t timeout_ms)
{
    int64_t until_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    struct timespec until = {until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND};
    int waited = -1;

    while (!stop->asked && waited != 0) {
        waited = sem_clockwait(&stop->rung, CLOCK_MONOTONIC, &until);
        if (waited != 0 && errno != EINTR)
            break;
    }
    return stop->asked;
}
