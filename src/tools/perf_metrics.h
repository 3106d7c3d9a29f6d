/* tools/perf_metrics.h: the table of --print-metrics. Source: ToolsUtils.printMetrics */
#ifndef TOOLS_PERF_METRICS_H
#define TOOLS_PERF_METRICS_H

#include "base/arena.h"

struct perf_metric {
    const char *name;  /* "producer-metrics:record-send-total" */
    const char *tags;  /* behind the client's name: ", topic=x"; NULL for none */
    const char *value;
};

/* Prints them in the order given, which should be that of their names. */
void perf_metrics_print(struct arena *arena, const char *client_id, const struct perf_metric *metrics, size_t count);

#endif
