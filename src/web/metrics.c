#include "web/metrics.h"

#include "base/banned.h"
#include "base/slice.h"
#include "base/text.h"

enum metric_type { GAUGE, COUNTER };

static const struct metric {
    const char *name;
    enum metric_type type;
    const char *place;
    const char *member;
    int64_t divisor;
    const char *help;
} metrics[] = {
#define METRIC(name, type, place, member, divisor, help) {name, type, place, member, divisor, help},
#include "web/metrics.def"
#undef METRIC
};

/* A member by its path, "capture.rows". */
static const json_t *member_find(const json_t *object, const char *path)
{
    struct slice rest = slice_from_string(path), field;

    while (text_next_field(&rest, '.', &field)) {
        char name[64];

        (void)snprintf(name, sizeof(name), "%.*s", (int)field.size, (const char *)field.data);
        object = json_object_get(object, name);
    }
    return object;
}

static bool number_read(const json_t *value, double *number)
{
    if (value == NULL || !(json_is_boolean(value) || json_is_number(value)))
        return false;
    *number = json_is_boolean(value) ? (double)json_is_true(value) : json_number_value(value);
    return true;
}

static void label_append(struct buffer *text, const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"')
            buffer_append_u8(text, '\\');
        if (*at == '\n')
            buffer_append_string(text, "\\n");
        else
            buffer_append_u8(text, (uint8_t)*at);
    }
}

/* One sample; the label may be NULL. */
static void sample_append(const struct metric *metric, const json_t *object, const char *label, const char *label_value,
                          struct buffer *text)
{
    double number;

    if (!number_read(member_find(object, metric->member), &number) || (label != NULL && label_value == NULL))
        return;
    buffer_append_string(text, metric->name);
    if (label != NULL) {
        buffer_append_format(text, "{%s=\"", label);
        label_append(text, label_value);
        buffer_append_string(text, "\"}");
    }
    if (metric->divisor == 1)
        buffer_append_format(text, " %.0f\n", number);
    else
        buffer_append_format(text, " %.6f\n", number / (double)metric->divisor);
}

/* "topics[topic=name]" into "topics", "topic", "name"; the last two are empty when there are no brackets. */
static void place_parse(const char *place, char part[3][64])
{
    struct slice rest = slice_from_string(place), field;

    for (int i = 0; i < 3; i++) {
        size_t size = strcspn((const char *)rest.data, "[=]");

        field = slice_of(rest.data, size);
        (void)snprintf(part[i], 64, "%.*s", (int)field.size, (const char *)field.data);
        rest = slice_from(rest, rest.size > size ? size + 1 : size);
    }
}

static void metric_append(const struct metric *metric, const json_t *description, struct buffer *text)
{
    char part[3][64];
    const json_t *place, *item;
    size_t index;

    place_parse(metric->place, part);
    place = part[0][0] == '\0' ? description : json_object_get(description, part[0]);
    buffer_append_format(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                         metric->type == COUNTER ? "counter" : "gauge");
    if (part[1][0] == '\0') {
        sample_append(metric, place, NULL, NULL, text);
    } else if (json_is_array(place)) {
        json_array_foreach(place, index, item)
            sample_append(metric, item, part[1], json_string_value(json_object_get(item, part[2])), text);
    } else if (place != NULL) {
        sample_append(metric, place, part[1], json_string_value(json_object_get(place, part[2])), text);
    }
}

void metrics_render(const json_t *description, struct buffer *text)
{
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        metric_append(&metrics[i], description, text);
}
