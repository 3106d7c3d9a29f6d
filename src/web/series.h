/* web/series.h: an hour of numbers, one point a second each, for the console's charts. Thread: any. */
#ifndef WEB_SERIES_H
#define WEB_SERIES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_POINTS 3600
#define SERIES_MAX 200

struct series;

struct series *series_create(void);
void series_destroy(struct series *series); /* NULL is fine */

/* Sets the number of a name for the present second; NAN: not known. */
void series_put(struct series *series, const char *name, int64_t now_ms, double value);

/* The newest number of a name; NAN when there is none. */
double series_last(struct series *series, const char *name);

/* {"t0_ms","step_ms","series":{name:[…]}}: at most `points` points of the names (with commas) between the two times. New reference. */
json_t *series_json(struct series *series, const char *names, int64_t from_ms, int64_t to_ms, int points);

#endif
