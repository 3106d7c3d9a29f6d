#include "tools/perf_stats.h"

#include "base/banned.h"
#include "os/clock.h"
#include "tools/console.h"

#include <stdlib.h>

#define SAMPLES_MAX 500000
#define NUMBERS_BYTES 1024
#define MB (1024.0 * 1024.0)

void perf_stats_start(struct perf_stats *stats, struct arena *arena, int64_t record_count, int64_t interval_ms, bool is_steady)
{
    *stats = (struct perf_stats){.started_ms = clock_monotonic_ms(), .interval_ms = interval_ms, .is_steady = is_steady};
    stats->window.started_ms = stats->started_ms;
    stats->sampling = record_count / (record_count < SAMPLES_MAX ? record_count : SAMPLES_MAX);
    stats->sampled_max = record_count / stats->sampling + 1;
    stats->latencies = arena_new_array(arena, (size_t)stats->sampled_max, sizeof(*stats->latencies));
}

static double rate(int64_t count, int64_t elapsed_ms)
{
    return 1000.0 * (double)count / (double)elapsed_ms;
}

static void window_print(const struct perf_stats *stats, int64_t now_ms)
{
    const struct perf_window *window = &stats->window;
    int64_t elapsed_ms = now_ms - window->started_ms;
    struct arena arena;

    arena_init(&arena, NUMBERS_BYTES);
    (void)printf("%lld records sent, %s records/sec (%s MB/sec), %s ms avg latency, %s ms max latency.\n", (long long)window->count,
                 console_number(&arena, rate(window->count, elapsed_ms), 1), console_number(&arena, rate(window->bytes, elapsed_ms) / MB, 2),
                 console_number(&arena, (double)window->latency_sum / (double)window->count, 1),
                 console_number(&arena, (double)window->latency_max, 1));
    (void)fflush(stdout);
    arena_finish(&arena);
}

void perf_stats_add(struct perf_stats *stats, int64_t latency_ms, int64_t bytes)
{
    int64_t now_ms = clock_monotonic_ms();

    if (stats->count % stats->sampling == 0 && stats->sampled < stats->sampled_max)
        stats->latencies[stats->sampled++] = latency_ms > INT32_MAX ? INT32_MAX : (int32_t)latency_ms;
    stats->count++;
    stats->bytes += bytes;
    stats->latency_sum += latency_ms;
    if (latency_ms > stats->latency_max)
        stats->latency_max = latency_ms;
    stats->window.count++;
    stats->window.bytes += bytes;
    stats->window.latency_sum += latency_ms;
    if (latency_ms > stats->window.latency_max)
        stats->window.latency_max = latency_ms;
    if (now_ms - stats->window.started_ms < stats->interval_ms)
        return;
    if (stats->is_steady && stats->count == stats->window.count)
        (void)puts("In steady state.");
    if (!stats->is_quiet)
        window_print(stats, now_ms);
    stats->window = (struct perf_window){.started_ms = now_ms};
}

static int latency_order(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a;
    int32_t right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

static int32_t percentile(const struct perf_stats *stats, double part)
{
    return stats->latencies[(int64_t)(part * (double)stats->sampled)];
}

void perf_stats_print(struct perf_stats *stats)
{
    int64_t elapsed_ms = clock_monotonic_ms() - stats->started_ms;
    struct arena arena;

    arena_init(&arena, NUMBERS_BYTES);
    qsort(stats->latencies, (size_t)stats->sampled, sizeof(*stats->latencies), latency_order);
    (void)printf("%lld%s records sent, %s records/sec (%s MB/sec), %s ms avg latency, %s ms max latency, %d ms 50th, %d ms 95th, %d ms 99th, "
                 "%d ms 99.9th.\n",
                 (long long)stats->count, stats->is_steady ? " steady state" : "", console_number(&arena, rate(stats->count, elapsed_ms), 6),
                 console_number(&arena, rate(stats->bytes, elapsed_ms) / MB, 2),
                 console_number(&arena, (double)stats->latency_sum / (double)stats->count, 2),
                 console_number(&arena, (double)stats->latency_max, 2), percentile(stats, 0.5), percentile(stats, 0.95), percentile(stats, 0.99),
                 percentile(stats, 0.999));
    arena_finish(&arena);
}
