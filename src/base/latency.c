#include "base/latency.h"

#include "base/banned.h"

#include <stdlib.h>

void latency_add(struct latency *latency, int64_t at_us, int64_t took_us)
{
    size_t place = latency->count++ % LATENCY_SAMPLES;

    latency->samples[place].at_us = at_us;
    latency->samples[place].took_us = took_us < 0 ? 0 : took_us; /* clocks that differ */
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return a < b ? -1 : a > b;
}

static int64_t hundredth(const int64_t *sorted, size_t count, size_t hundredths)
{
    return count == 0 ? -1 : sorted[(count * hundredths + 99) / 100 - 1];
}

void latency_read(const struct latency *latency, int64_t now_us, int64_t *p50_us, int64_t *p99_us)
{
    size_t kept = latency->count < LATENCY_SAMPLES ? latency->count : LATENCY_SAMPLES, count = 0;
    int64_t sorted[LATENCY_SAMPLES];

    for (size_t i = 0; i < kept; i++) {
        if (now_us - latency->samples[i].at_us <= LATENCY_WINDOW_US)
            sorted[count++] = latency->samples[i].took_us;
    }
    qsort(sorted, count, sizeof(sorted[0]), compare);
    *p50_us = hundredth(sorted, count, 50);
    *p99_us = hundredth(sorted, count, 99);
}
