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

/* Where a metric's values are, taken apart: "agents[agent=name]" is the member "agents", and the label agent from an item's name. */
#define LABELS_MAX 3

struct place {
    char member[64];
    struct {
        char label[64], member[64];
    } labels[LABELS_MAX];
    size_t label_count;
};

static void part_take(struct slice *rest, const char *until, char part[64])
{
    size_t size = strcspn((const char *)rest->data, until);

    (void)snprintf(part, 64, "%.*s", (int)size, (const char *)rest->data);
    *rest = slice_from(*rest, rest->size > size ? size + 1 : size);
}

static void place_parse(const char *text, struct place *place)
{
    struct slice rest = slice_from_string(text);

    place->label_count = 0;
    part_take(&rest, "[", place->member);
    while (rest.size > 0 && place->label_count < LABELS_MAX) {
        part_take(&rest, "=", place->labels[place->label_count].label);
        part_take(&rest, ",]", place->labels[place->label_count].member);
        place->label_count++;
    }
}

static void sample_append(const struct metric *metric, const json_t *object, const struct place *place, struct buffer *text)
{
    const char *between = "{", *value;
    size_t start = text->size;
    double number;

    if (!number_read(member_find(object, metric->member), &number))
        return;
    buffer_append_string(text, metric->name);
    for (size_t i = 0; i < place->label_count; i++) {
        if ((value = json_string_value(json_object_get(object, place->labels[i].member))) == NULL) {
            text->size = start;
            return;
        }
        buffer_append_format(text, "%s%s=\"", between, place->labels[i].label);
        label_append(text, value);
        buffer_append_u8(text, '"');
        between = ",";
    }
    if (place->label_count > 0)
        buffer_append_u8(text, '}');
    if (metric->divisor == 1)
        buffer_append_format(text, " %.0f\n", number);
    else
        buffer_append_format(text, " %.6f\n", number / (double)metric->divisor);
}

/* Gives how many series were too many. */
static size_t metric_append(const struct metric *metric, const json_t *description, struct buffer *text)
{
    struct place place;
    const json_t *found;
    size_t index;

    place_parse(metric->place, &place);
    found = place.member[0] == '\0' ? description : json_object_get(description, place.member);
    buffer_append_format(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                         metric->type == COUNTER ? "counter" : "gauge");
    if (json_is_array(found)) {
        for (index = 0; index < json_array_size(found) && index < METRICS_SERIES_MAX; index++)
            sample_append(metric, json_array_get(found, index), &place, text);
    } else if (found != NULL) {
        sample_append(metric, found, &place, text);
    }
    return json_array_size(found) > METRICS_SERIES_MAX ? json_array_size(found) - METRICS_SERIES_MAX : 0;
}

void metrics_render(const json_t *description, struct buffer *text)
{
    size_t last = sizeof(metrics) / sizeof(metrics[0]) - 1, left_out = 0;
    json_t *own;

    for (size_t i = 0; i < last; i++)
        left_out += metric_append(&metrics[i], description, text);
    own = json_pack("{s:I}", "left_out", (json_int_t)left_out);
    (void)metric_append(&metrics[last], own, text);
    json_decref(own);
}
