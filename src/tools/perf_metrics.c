#include "tools/perf_metrics.h"

#include "base/banned.h"
#include "tools/console.h"

void perf_metrics_print(struct arena *arena, const char *client_id, const struct perf_metric *metrics, size_t count)
{
    const char **titles = arena_new_array(arena, count, sizeof(*titles));
    int width = 0;

    for (size_t i = 0; i < count; i++) {
        titles[i] = arena_format(arena, "%s:{client-id=%s%s}", metrics[i].name, client_id, metrics[i].tags == NULL ? "" : metrics[i].tags);
        width = console_wider(width, titles[i]);
    }
    (void)putchar('\n');
    console_pad("Metric Name", width);
    (void)puts("   Value");
    for (size_t i = 0; i < count; i++) {
        console_pad(titles[i], width);
        (void)printf(" : %s\n", metrics[i].value);
    }
}
