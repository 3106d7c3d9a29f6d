#include "web/series.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <pthread.h>

struct line {
    char name[320]; /* a kind, and the name of a connector, group or slot */
    int64_t newest_s; /* of the last point */
    float points[SERIES_POINTS]; /* by second modulo SERIES_POINTS */
};

struct series {
    pthread_mutex_t lock; /* guards the rest; a leaf */
    struct line *lines[SERIES_MAX];
    size_t count;
};

struct series *series_create(void)
{
    struct series *series = memory_new(sizeof(*series));

    (void)pthread_mutex_init(&series->lock, NULL);
    return series;
}

void series_destroy(struct series *series)
{
    if (series == NULL)
        return;
    for (size_t i = 0; i < series->count; i++)
        memory_free(series->lines[i]);
    (void)pthread_mutex_destroy(&series->lock);
    memory_free(series);
}

static struct line *line_find(struct series *series, struct slice name)
{
    for (size_t i = 0; i < series->count; i++) {
        if (slice_equal_string(name, series->lines[i]->name))
            return series->lines[i];
    }
    return NULL;
}

static struct line *line_make(struct series *series, const char *name)
{
    struct line *line = line_find(series, slice_from_string(name));

    if (line != NULL || series->count == SERIES_MAX)
        return line;
    line = memory_new(sizeof(*line));
    (void)snprintf(line->name, sizeof(line->name), "%s", name);
    for (size_t i = 0; i < SERIES_POINTS; i++)
        line->points[i] = NAN;
    series->lines[series->count++] = line;
    return line;
}

void series_put(struct series *series, const char *name, int64_t now_ms, double value)
{
    int64_t second = now_ms / 1000;
    struct line *line;

    (void)pthread_mutex_lock(&series->lock);
    line = line_make(series, name);
    if (line != NULL && second >= line->newest_s) {
        int64_t gap = line->newest_s == 0 ? 0 : second - line->newest_s - 1;

        for (int64_t i = 1; i <= gap && i < SERIES_POINTS; i++) /* gaps stay gaps */
            line->points[(line->newest_s + i) % SERIES_POINTS] = NAN;
        line->points[second % SERIES_POINTS] = (float)value;
        line->newest_s = second;
    }
    (void)pthread_mutex_unlock(&series->lock);
}

double series_last(struct series *series, const char *name)
{
    struct line *line;
    double value;

    (void)pthread_mutex_lock(&series->lock);
    line = line_find(series, slice_from_string(name));
    value = line == NULL || line->newest_s == 0 ? NAN : (double)line->points[line->newest_s % SERIES_POINTS];
    (void)pthread_mutex_unlock(&series->lock);
    return value;
}

/* The mean of the known points of [from, from + step); null when there is none. */
static json_t *point(const struct line *line, int64_t from_s, int64_t step_s)
{
    double sum = 0;
    int known = 0;

    for (int64_t second = from_s; second < from_s + step_s; second++) {
        float value;

        if (line == NULL || second > line->newest_s || second <= line->newest_s - SERIES_POINTS || second < 0)
            continue;
        value = line->points[second % SERIES_POINTS];
        if (!isnan(value)) {
            sum += (double)value;
            known++;
        }
    }
    return known == 0 ? json_null() : json_real(round(sum / known * 1000) / 1000);
}

json_t *series_json(struct series *series, const char *names, int64_t from_ms, int64_t to_ms, int points)
{
    int64_t from_s = from_ms / 1000, to_s = to_ms / 1000;
    int64_t step_s;
    json_t *lines = json_object();
    struct slice rest = slice_from_string(names), name;

    if (from_s <= to_s - SERIES_POINTS)
        from_s = to_s - SERIES_POINTS + 1;
    if (from_s > to_s)
        from_s = to_s;
    step_s = (to_s - from_s + points) / points;
    step_s = step_s < 1 ? 1 : step_s;
    (void)pthread_mutex_lock(&series->lock);
    while (text_next_field(&rest, ',', &name)) {
        const struct line *line = line_find(series, name);
        json_t *values = json_array();

        for (int64_t second = from_s; second <= to_s; second += step_s)
            (void)json_array_append_new(values, point(line, second, step_s));
        (void)json_object_setn_new(lines, (const char *)name.data, name.size, values);
    }
    (void)pthread_mutex_unlock(&series->lock);
    return json_pack("{s:I, s:I, s:o, s:{}}", "t0_ms", (json_int_t)(from_s * 1000), "step_ms", (json_int_t)(step_s * 1000), "series", lines, "limits");
}
