/* tools/perf_stats.h: what kafka-producer-perf-test counts: rates, latencies and their percentiles. Source: ProducerPerformance.Stats */
#ifndef TOOLS_PERF_STATS_H
#define TOOLS_PERF_STATS_H

#include "base/arena.h"

struct perf_stats {
    int64_t started_ms; /* monotonic clock, as the other times */
    int64_t interval_ms;
    bool is_steady; /* of the records after the warmup: called so */
    bool is_quiet;  /* prints no more windows */
    int32_t *latencies; /* every sampling-th */
    int64_t sampling;
    int64_t sampled;
    int64_t sampled_max;
    int64_t count, bytes;
    int64_t latency_max, latency_sum;
    struct perf_window {
        int64_t started_ms;
        int64_t count, bytes;
        int64_t latency_max, latency_sum;
    } window; /* since the last line */
};

/* record_count  how many will come at most */
void perf_stats_start(struct perf_stats *stats, struct arena *arena, int64_t record_count, int64_t interval_ms, bool is_steady);

/* A record that arrived; prints a line when the interval is over. */
void perf_stats_add(struct perf_stats *stats, int64_t latency_ms, int64_t bytes);

/* The last line. */
void perf_stats_print(struct perf_stats *stats);

#endif
