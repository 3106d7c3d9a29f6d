/* base/latency.h: how long rows were on their way lately: the last publishes, of which the median and the slowest hundredth are told. */
#ifndef BASE_LATENCY_H
#define BASE_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_SAMPLES 512
#define LATENCY_WINDOW_US INT64_C(60000000) /* older ones do not count */

/* A zeroed struct is ready. */
struct latency {
    struct {
        int64_t at_us, took_us;
    } samples[LATENCY_SAMPLES];
    size_t count; /* ever */
};

void latency_add(struct latency *latency, int64_t at_us, int64_t took_us);

/* The smallest time that so many hundredths of the samples took no longer than; -1 when there are none. */
void latency_read(const struct latency *latency, int64_t now_us, int64_t *p50_us, int64_t *p99_us);

#endif
