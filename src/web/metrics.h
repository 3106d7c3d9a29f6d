/* web/metrics.h: the numbers of a running program in Prometheus' text format. Pure: reads the description that `tailrace status --json`
 * shows. */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "base/buffer.h"

#include <jansson.h>

#define METRICS_SERIES_MAX 10000 /* of a metric; how many more there were is a metric, too */

/* Source: Prometheus documentation, "Exposition formats", text format 0.0.4. What the description does not have is left out. */
void metrics_render(const json_t *description, struct buffer *text);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
