#include "os/clock.h"

#include "base/banned.h"
#include "base/time.h"

#include <time.h>

static int64_t clock_read_ns(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now); /* cannot fail for these clocks */
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

int64_t clock_now_us(void)
{
    return clock_now_ns() / NS_PER_US;
}

int64_t clock_now_ms(void)
{
    return clock_now_ns() / NS_PER_MS;
}

int64_t clock_monotonic_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

int64_t clock_thread_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec left = {ms / MS_PER_SECOND, ms % MS_PER_SECOND * NS_PER_MS};

    while (ms > 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) != 0)
        ;
}
