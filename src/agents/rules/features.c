#include "agents/rules/features.h"

#include "agents/model_file.h"
#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

#include <math.h>

#define WINDOW slice_of("window", 6)
#define LAST slice_of("last", 4)
#define SEEN slice_of("seen", 4) /* a counter: time of the newest event */
#define VALUES_KNOWN 20
#define WINDOW_SECONDS_MAX (31 * 86400)
#define SAME 1e-9 /* amounts that deviate by less from their mean are the same one, but for rounding */

enum kind { AMOUNT, VELOCITY, SUM, COUNT, MEAN, DEVIATION, RATIO, SIGMAS, SINCE, HOUR, WEEKDAY, NEW, COLUMN };

static const struct {
    const char *name;
    enum argument { NONE, SECONDS, A_COLUMN } argument;
} kinds[] = {
    [AMOUNT] = {"amount", NONE}, [VELOCITY] = {"velocity", SECONDS}, [SUM] = {"sum", SECONDS}, [COUNT] = {"count", NONE},
    [MEAN] = {"mean", NONE}, [DEVIATION] = {"deviation", NONE}, [RATIO] = {"ratio", NONE}, [SIGMAS] = {"sigmas", NONE},
    [SINCE] = {"since", NONE}, [HOUR] = {"hour", NONE}, [WEEKDAY] = {"weekday", NONE}, [NEW] = {"new", A_COLUMN}, [COLUMN] = {"row", A_COLUMN},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct feature {
    enum kind kind;
    int64_t seconds;
    char *column;
};

struct features {
    size_t count;
    struct feature items[MODEL_FEATURES_MAX];
    char *names[MODEL_FEATURES_MAX];
    char *amount;
    int64_t window_seconds; /* the longest that is asked for; 0: none is */
    size_t last, kept_max;
    bool last_is_wanted, since_is_wanted;
};

/* ---- Names ---- */

static enum status unknown(const char *text, struct error *error)
{
    return error_set(error, ERROR_BAD_INPUT,
                     "there is no feature \"%s\"; there are: amount, velocity, velocity.SECONDS, sum, sum.SECONDS, count, mean, deviation, ratio, "
                     "sigmas, since, hour, weekday, new.COLUMN, row.COLUMN", text);
}

static enum status expression_read(const char *text, int64_t window_seconds, struct feature *feature, struct error *error)
{
    const char *dot = strchr(text, '.'), *argument = dot == NULL ? "" : dot + 1;
    size_t size = dot == NULL ? strlen(text) : (size_t)(dot - text), kind = 0;

    while (kind < KINDS && (strlen(kinds[kind].name) != size || memcmp(kinds[kind].name, text, size) != 0))
        kind++;
    if (kind == KINDS || (dot != NULL) > (kinds[kind].argument != NONE) || (kinds[kind].argument == A_COLUMN && *argument == '\0'))
        return unknown(text, error);
    *feature = (struct feature){.kind = (enum kind)kind, .seconds = kinds[kind].argument == SECONDS ? window_seconds : 0};
    if (kinds[kind].argument == A_COLUMN)
        feature->column = memory_copy_string(argument);
    else if (dot != NULL && (!text_parse_int64(slice_from_string(argument), &feature->seconds) || feature->seconds < 1 || feature->seconds > WINDOW_SECONDS_MAX))
        return error_set(error, ERROR_BAD_INPUT, "feature \"%s\": the window has to be 1 to %d seconds", text, WINDOW_SECONDS_MAX);
    if (feature->kind == NEW && strlen(text) > KEYED_NAME_MAX)
        return error_set(error, ERROR_BAD_INPUT, "feature \"%s\" has more than %d bytes", text, KEYED_NAME_MAX);
    return OK;
}

/* "amount", or "spent=amount". Changes the text. */
static enum status item_read(struct features *features, char *text, int64_t window_seconds, struct error *error)
{
    char *equals = strchr(text, '=');
    struct feature *feature = &features->items[features->count];
    enum status status;

    if (features->count == MODEL_FEATURES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "more than %d features", MODEL_FEATURES_MAX);
    if (equals != NULL)
        *equals = '\0';
    status = expression_read(equals == NULL ? text : equals + 1, window_seconds, feature, error);
    features->names[features->count++] = memory_copy_string(text);
    if (feature->seconds > features->window_seconds)
        features->window_seconds = feature->seconds;
    features->last_is_wanted |= feature->kind >= COUNT && feature->kind <= SIGMAS;
    features->since_is_wanted |= feature->kind == SINCE;
    return status;
}

enum status features_create(const struct features_spec *spec, struct features **created, struct error *error)
{
    struct features *features = memory_new(sizeof(*features));
    char *list = memory_copy_string(spec->list), *rest = list, *item;
    enum status status = OK;

    features->amount = memory_copy_string(spec->amount);
    features->last = (size_t)spec->last;
    features->kept_max = (size_t)spec->kept_max;
    while (status == OK && (item = strsep(&rest, ",")) != NULL) {
        item += strspn(item, " ");
        item[strcspn(item, " ")] = '\0';
        status = item_read(features, item, spec->window_seconds, error);
    }
    memory_free(list);
    if (status == OK)
        *created = features;
    else
        features_destroy(features);
    return status;
}

void features_destroy(struct features *features)
{
    if (features == NULL)
        return;
    for (size_t i = 0; i < features->count; i++) {
        memory_free(features->items[i].column);
        memory_free(features->names[i]);
    }
    memory_free(features->amount);
    memory_free(features);
}

size_t features_count(const struct features *features)
{
    return features->count;
}

const char *const *features_names(const struct features *features)
{
    return (const char *const *)features->names;
}

enum status features_prepare(const struct features *features, const struct change_schema *schema, struct error *error)
{
    const char *amount = features->amount;
    enum status status = row_require(schema, &amount, 1, error);

    for (size_t i = 0; i < features->count && status == OK; i++) {
        const char *column = features->items[i].column;

        if (column != NULL)
            status = row_require(schema, &column, 1, error);
    }
    return status;
}

/* ---- Measuring ---- */

/* What the features of one event are computed from. */
struct moment {
    const struct rule_event *event;
    struct keyed *keyed;
    double amount;
    size_t before;            /* amounts kept from before */
    double mean, deviation;   /* of them */
    double since;
};

static enum status full(struct error *error)
{
    return error_set(error, ERROR_LIMIT, "the state of one key is full");
}

static int64_t amount_kept(const struct decimal *amount)
{
    struct decimal scaled;

    return decimal_rescale(amount, KEYED_AMOUNT_SCALE, &scaled) && scaled.unscaled <= INT64_MAX && scaled.unscaled > INT64_MIN ? (int64_t)scaled.unscaled
                                                                                                                               : INT64_MIN;
}

static uint64_t place_of(const struct rule_event *event)
{
    return (uint64_t)event->partition << KEYED_OFFSET_BITS | (uint64_t)event->offset;
}

static enum status window_add(const struct features *features, const struct decimal *amount, struct moment *moment, struct error *error)
{
    const struct keyed_passed passed = {moment->event->time_us, place_of(moment->event), amount_kept(amount)};

    if (features->window_seconds == 0)
        return OK;
    return keyed_window_add(moment->keyed, WINDOW, features->window_seconds * US_PER_SECOND, features->kept_max, &passed) ? OK : full(error);
}

/* Looks at what is kept, then adds this amount. */
static enum status last_add(const struct features *features, const struct decimal *amount, struct moment *moment, struct error *error)
{
    struct decimal sum;
    bool fits;

    if (!features->last_is_wanted)
        return OK;
    moment->before = keyed_last_sum(moment->keyed, LAST, features->last, &sum);
    moment->mean = moment->before == 0 ? NAN : decimal_to_double(&sum) / (double)moment->before;
    moment->deviation = moment->before == 0 ? NAN : keyed_last_deviation(moment->keyed, LAST, features->last, moment->mean);
    if (!keyed_last_add(moment->keyed, LAST, features->last, amount, place_of(moment->event), &fits))
        return full(error);
    return fits ? OK : error_set(error, ERROR_BAD_INPUT, "column \"%s\" has more digits than 64 bits hold", features->amount);
}

static enum status since_take(const struct features *features, struct moment *moment, struct error *error)
{
    int64_t before, now = moment->event->time_us;

    if (!features->since_is_wanted)
        return OK;
    (void)keyed_counter_add(moment->keyed, SEEN, 0, &before);
    moment->since = before == 0 ? NAN : now <= before ? 0 : (double)(now - before) / US_PER_SECOND;
    return now <= before || keyed_counter_add(moment->keyed, SEEN, now - before, &before) ? OK : full(error);
}

static double window_sum(struct moment *moment, int64_t seconds)
{
    const int64_t to_us = moment->event->time_us, from_us = to_us - seconds * US_PER_SECOND;
    size_t count;
    const struct keyed_passed *entries = keyed_window_entries(moment->keyed, WINDOW, &count);
    struct decimal sum = {0, KEYED_AMOUNT_SCALE};

    for (size_t i = 0; i < count; i++) {
        if (entries[i].time_us > from_us && entries[i].time_us <= to_us && entries[i].amount != INT64_MIN)
            sum.unscaled += entries[i].amount;
    }
    return decimal_to_double(&sum);
}

static double column_number(const struct rule_event *event, const char *column)
{
    const struct change_value *value = change_column(event->change, event->row, column);
    double number;

    if (value == NULL || value->null)
        return NAN;
    switch (value->type) {
    case CHANGE_BOOLEAN: return value->integer != 0;
    case CHANGE_INTEGER: return (double)value->integer;
    case CHANGE_REAL: return value->real;
    case CHANGE_DECIMAL: return decimal_to_double(&value->decimal);
    case CHANGE_DATE: return (double)value->integer * 86400;
    case CHANGE_TIMESTAMP: return (double)value->integer / US_PER_SECOND;
    default: return text_parse_double(value->text, &number) ? number : NAN;
    }
}

/* 1 for a value that this key never had. Null is none. */
static enum status is_new(const struct moment *moment, const char *column, double *value, struct error *error)
{
    char name[KEYED_NAME_MAX + 1];
    const struct change_value *seen = change_column(moment->event->change, moment->event->row, column);
    uint8_t scratch[64];
    struct slice text;
    bool added;

    *value = NAN;
    if (seen == NULL || seen->null)
        return OK;
    text = seen->type == CHANGE_TEXT || seen->type == CHANGE_BYTES || seen->type == CHANGE_OTHER || seen->type == CHANGE_REAL ? seen->text : slice_of(scratch, sizeof(seen->integer));
    memcpy(scratch, &seen->integer, sizeof(seen->integer));
    if (seen->type == CHANGE_DECIMAL) {
        decimal_print(&seen->decimal, (char *)scratch);
        text = slice_from_string((const char *)scratch);
    }
    (void)snprintf(name, sizeof(name), "new.%s", column);
    if (!keyed_set_add(moment->keyed, slice_from_string(name), VALUES_KNOWN, text, &added))
        return full(error);
    *value = added;
    return OK;
}

static double days_since_1970(int64_t us)
{
    return floor((double)us / US_PER_SECOND / 86400);
}

static enum status measure(const struct feature *feature, struct moment *moment, double *value, struct error *error)
{
    const int64_t time_us = moment->event->time_us;

    switch (feature->kind) {
    case AMOUNT: *value = moment->amount; break;
    case VELOCITY: *value = (double)keyed_window_count(moment->keyed, WINDOW, feature->seconds * US_PER_SECOND, time_us); break;
    case SUM: *value = window_sum(moment, feature->seconds); break;
    case COUNT: *value = (double)moment->before; break;
    case MEAN: *value = moment->mean; break;
    case DEVIATION: *value = moment->deviation; break;
    case RATIO: *value = moment->amount / moment->mean; break;
    case SIGMAS: *value = moment->deviation > SAME * fabs(moment->mean) ? (moment->amount - moment->mean) / moment->deviation : NAN; break;
    case SINCE: *value = moment->since; break;
    case HOUR: *value = floor((double)time_us / US_PER_SECOND / 3600) - days_since_1970(time_us) * 24; break;
    case WEEKDAY: *value = fmod(fmod(days_since_1970(time_us) + 3, 7) + 7, 7) + 1; break; /* 1970 began with a Thursday */
    case NEW: return is_new(moment, feature->column, value, error);
    case COLUMN: *value = column_number(moment->event, feature->column); break;
    }
    if (isinf(*value)) /* something divided by nothing */
        *value = NAN;
    return OK;
}

enum status features_measure(const struct features *features, const struct rule_event *event, struct keyed *keyed, double *values, struct error *error)
{
    struct moment moment = {.event = event, .keyed = keyed};
    struct decimal amount;
    enum status status = row_amount(event, features->amount, &amount, error);

    if (status != OK)
        return status;
    moment.amount = decimal_to_double(&amount);
    status = window_add(features, &amount, &moment, error);
    if (status == OK)
        status = last_add(features, &amount, &moment, error);
    if (status == OK)
        status = since_take(features, &moment, error);
    for (size_t i = 0; i < features->count && status == OK; i++)
        status = measure(&features->items[i], &moment, &values[i], error);
    return status;
}

void features_explain(const struct features *features, const struct rule_event *event, struct keyed *keyed, int32_t scale, struct arena *arena,
                      struct alert *alert)
{
    if (features->window_seconds > 0)
        alert_window(alert, event, keyed, WINDOW, features->window_seconds * US_PER_SECOND, scale, arena);
    else
        alert->window_by = "count";
}
