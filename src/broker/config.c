#include "broker/config.h"

#include "base/banned.h"
#include "base/text.h"

#include <math.h>

#define NONE NULL

/* ---- The tables ---- */

enum limit { LIMIT_NONE, LIMIT_AT_LEAST, LIMIT_BETWEEN, LIMIT_LEVEL, LIMIT_ONE_OF, LIMIT_EACH_OF };

struct topic_row {
    const char *name;
    enum config_type type;
    const char *value;
    const char *broker_name;
    enum limit limit;
    int64_t low, high, extra;
    const char *choices;
    const char *meaning;
};

#define ANY LIMIT_NONE, 0, 0, 0, NULL
#define AT_LEAST(low) LIMIT_AT_LEAST, low, 0, 0, NULL
#define BETWEEN(low, high) LIMIT_BETWEEN, low, high, 0, NULL
#define LEVEL(low, high, extra) LIMIT_LEVEL, low, high, extra, NULL
#define ONE_OF(choices) LIMIT_ONE_OF, 0, 0, 0, choices
#define EACH_OF(choices) LIMIT_EACH_OF, 0, 0, 0, choices

static const struct topic_row topic_rows[] = {
#define TOPIC(name, type, value, broker_name, ...) {name, CONFIG_##type, value, broker_name, __VA_ARGS__},
#include "broker/config_topic.def"
#undef TOPIC
};

#define TOPIC_ROWS (sizeof(topic_rows) / sizeof(*topic_rows))

#define READ_ONLY 1
#define SENSITIVE 2
#define CLUSTER_WIDE 4

struct broker_row {
    const char *name;
    enum config_type type;
    const char *value;
    const char *shipped; /* in Kafka's own server.properties: users see it as set */
    int flags;
};

static const struct broker_row broker_rows[] = {
#define BROKER(name, type, value, shipped, flags) {name, CONFIG_##type, value, shipped, flags},
#include "broker/config_broker.def"
#undef BROKER
};

#define BROKER_ROWS (sizeof(broker_rows) / sizeof(*broker_rows))

static const struct topic_row *topic_row_find(const char *name)
{
    for (size_t i = 0; i < TOPIC_ROWS; i++) {
        if (strcmp(topic_rows[i].name, name) == 0)
            return &topic_rows[i];
    }
    return NULL;
}

static const struct broker_row *broker_row_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < BROKER_ROWS; i++) {
        if (strcmp(broker_rows[i].name, name) == 0)
            return &broker_rows[i];
    }
    return NULL;
}

bool config_topic_is_list(const char *name)
{
    const struct topic_row *row = topic_row_find(name);

    return row != NULL && row->type == CONFIG_LIST;
}

/* ---- Values ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What stands in the server's file, or would in Kafka's; NULL when it is left to the default. */
static const char *broker_set_value(const struct broker_row *row, const struct properties *broker)
{
    const char *value = broker == NULL ? NULL : properties_get(broker, row->name);

    if (value != NULL && value[0] == '\0' && row->value == NULL)
        value = NULL; /* "not set" in our table of settings */
    if (value != NULL && (row->shipped != NULL || !same_text(value, row->value)))
        return value;
    return value == NULL ? row->shipped : NULL;
}

static void synonym_add(struct config_entry *entry, const char *name, const char *value, enum config_source source)
{
    entry->synonyms[entry->synonym_count++] = (struct config_synonym){name, value, source};
}

/* The broker's part of the synonyms; the first is the effective one. */
static void broker_synonyms_add(struct config_entry *entry, const struct broker_row *row, const struct properties *broker)
{
    const char *set = broker_set_value(row, broker);

    if ((row->flags & CLUSTER_WIDE) != 0)
        synonym_add(entry, row->name, set == NULL ? row->value : set, CONFIG_FROM_CLUSTER);
    else if (set != NULL)
        synonym_add(entry, row->name, set, CONFIG_FROM_FILE);
    if (row->value != NULL)
        synonym_add(entry, row->name, row->value, CONFIG_FROM_DEFAULT);
}

/* The coarser names that Kafka has for some times: log.retention.minutes, log.retention.hours, log.roll.hours. */
static const char *coarse_value(const char *name, const struct properties *broker, struct arena *arena)
{
    static const struct {
        const char *name, *coarse;
        int64_t factor;
    } rows[] = {
        {"log.retention.ms", "log.retention.minutes", 60000},
        {"log.retention.ms", "log.retention.hours", 3600000},
        {"log.roll.ms", "log.roll.hours", 3600000},
        {"log.roll.jitter.ms", "log.roll.jitter.hours", 3600000},
    };

    for (size_t i = 0; broker != NULL && i < sizeof(rows) / sizeof(*rows); i++) {
        const char *text = strcmp(rows[i].name, name) == 0 ? properties_get(broker, rows[i].coarse) : NULL;
        int64_t value;

        if (text != NULL && text_parse_int64(slice_from_string(text), &value) && value <= INT64_MAX / rows[i].factor)
            return arena_format(arena, "%lld", (long long)(value < 0 ? -1 : value * rows[i].factor));
    }
    return NULL;
}

static void topic_entry_fill(struct config_entry *entry, const struct topic_row *row, const struct properties *own,
                             const struct properties *broker, struct arena *arena)
{
    const char *set = own == NULL ? NULL : properties_get(own, row->name);
    const struct broker_row *broker_row = broker_row_find(row->broker_name);

    *entry = (struct config_entry){.name = row->name, .type = row->type, .source = CONFIG_FROM_DEFAULT, .value = row->value, .meaning = row->meaning};
    if (set != NULL)
        synonym_add(entry, row->name, set, CONFIG_FROM_TOPIC);
    if (broker_row != NULL)
        broker_synonyms_add(entry, broker_row, broker);
    if (entry->synonym_count > 0) {
        entry->value = entry->synonyms[0].value;
        entry->source = entry->synonyms[0].source;
    } else if (broker_row != NULL) {
        const char *coarse = coarse_value(broker_row->name, broker, arena);

        entry->value = coarse == NULL ? row->value : coarse;
    }
}

struct config_entry *config_topic_entries(const struct properties *own, const struct properties *broker, struct arena *arena, size_t *count)
{
    struct config_entry *entries = arena_new_array(arena, TOPIC_ROWS, sizeof(*entries));

    for (size_t i = 0; i < TOPIC_ROWS; i++)
        topic_entry_fill(&entries[i], &topic_rows[i], own, broker, arena);
    *count = TOPIC_ROWS;
    return entries;
}

const char *config_topic_default(const char *name, const struct properties *broker, struct arena *arena)
{
    const struct topic_row *row = topic_row_find(name);
    struct config_entry entry;

    if (row == NULL)
        return NULL;
    topic_entry_fill(&entry, row, NULL, broker, arena);
    return entry.value;
}

static void broker_entry_fill(struct config_entry *entry, const struct broker_row *row, const struct properties *broker,
                              const struct properties *facts)
{
    const char *fact = facts == NULL ? NULL : properties_get(facts, row->name);

    *entry = (struct config_entry){
        .name = row->name,
        .type = row->type,
        .source = CONFIG_FROM_DEFAULT,
        .read_only = (row->flags & READ_ONLY) != 0,
        .sensitive = (row->flags & SENSITIVE) != 0,
    };
    if (fact != NULL) {
        synonym_add(entry, row->name, fact, CONFIG_FROM_FILE);
        if (row->value != NULL)
            synonym_add(entry, row->name, row->value, CONFIG_FROM_DEFAULT);
    } else {
        broker_synonyms_add(entry, row, broker);
    }
    if (entry->synonym_count > 0) {
        entry->value = entry->sensitive ? NULL : entry->synonyms[0].value;
        entry->source = entry->synonyms[0].source;
    }
}

struct config_entry *config_broker_entries(const struct properties *broker, const struct properties *facts, struct arena *arena,
                                           size_t *count)
{
    struct config_entry *entries = arena_new_array(arena, BROKER_ROWS, sizeof(*entries));

    for (size_t i = 0; i < BROKER_ROWS; i++)
        broker_entry_fill(&entries[i], &broker_rows[i], broker, facts);
    *count = BROKER_ROWS;
    return entries;
}

struct config_entry *config_cluster_entries(const struct properties *broker, struct arena *arena, size_t *count)
{
    struct config_entry *entries = arena_new_array(arena, BROKER_ROWS, sizeof(*entries));

    *count = 0;
    for (size_t i = 0; i < BROKER_ROWS; i++) {
        if ((broker_rows[i].flags & CLUSTER_WIDE) == 0)
            continue;
        broker_entry_fill(&entries[*count], &broker_rows[i], broker, NULL);
        entries[(*count)++].synonym_count = 1;
    }
    return entries;
}

/* ---- Checks ---- */

static enum status refuse(struct error *error, const struct topic_row *row, const char *value, const char *why)
{
    return error_set(error, ERROR_INVALID_CONFIG, "Invalid value %.300s for configuration %s: %s", value, row->name, why);
}

static enum status number_check(const struct topic_row *row, const char *shown, double value, int64_t whole, struct error *error)
{
    char why[64];
    bool low = row->type == CONFIG_DOUBLE ? value < (double)row->low : whole < row->low;
    bool high = row->type == CONFIG_DOUBLE ? value > (double)row->high : whole > row->high;

    switch (row->limit) {
    case LIMIT_AT_LEAST:
        if (!low)
            return OK;
        (void)snprintf(why, sizeof(why), "Value must be at least %lld", (long long)row->low);
        return refuse(error, row, shown, why);
    case LIMIT_BETWEEN:
        if (!low && !high)
            return OK;
        (void)snprintf(why, sizeof(why), low ? "Value must be at least %lld" : "Value must be no more than %lld",
                       (long long)(low ? row->low : row->high));
        return refuse(error, row, shown, why);
    case LIMIT_LEVEL:
        if ((!low && !high) || whole == row->extra)
            return OK;
        (void)snprintf(why, sizeof(why), "Value must be between %lld and %lld or equal to %lld", (long long)row->low, (long long)row->high,
                       (long long)row->extra);
        return refuse(error, row, shown, why);
    case LIMIT_NONE:
    case LIMIT_ONE_OF:
    case LIMIT_EACH_OF: break;
    }
    return OK;
}

static bool choices_have(const char *choices, struct slice value)
{
    struct slice rest = slice_from_string(choices);
    struct slice choice;

    while (text_next_field(&rest, ',', &choice)) {
        if (slice_equal(text_trim(choice), value))
            return true;
    }
    return false;
}

static enum status choice_check(const struct topic_row *row, const char *text, struct slice value, struct error *error)
{
    char why[128];

    if (choices_have(row->choices, value))
        return OK;
    (void)snprintf(why, sizeof(why), "String must be one of: %s", row->choices);
    return refuse(error, row, text, why);
}

static enum status list_check(const struct topic_row *row, const char *text, struct error *error)
{
    struct slice rest = slice_from_string(text);
    struct slice item;

    while (row->limit == LIMIT_EACH_OF && text_next_field(&rest, ',', &item)) {
        struct slice trimmed = text_trim(item);
        char shown[300];

        (void)snprintf(shown, sizeof(shown), "%.*s", (int)trimmed.size, (const char *)trimmed.data);
        if (choice_check(row, shown, trimmed, error) != OK)
            return ERROR_INVALID_CONFIG;
    }
    return OK;
}

/* How Java prints a double: at least one digit behind the point. */
static void double_format(double value, char *text, size_t size)
{
    if (value == floor(value) && fabs(value) < 1e7)
        (void)snprintf(text, size, "%.1f", value);
    else
        (void)snprintf(text, size, "%.17g", value);
}

static enum status value_check(const struct topic_row *row, const char *text, struct error *error)
{
    struct slice trimmed = text_trim(slice_from_string(text));
    int64_t whole = 0;
    int32_t small;
    double real;
    bool truth;
    char shown[64];

    switch (row->type) {
    case CONFIG_BOOLEAN:
        return text_parse_bool(trimmed, &truth) ? OK : refuse(error, row, text, "Expected value to be either true or false");
    case CONFIG_STRING: return row->limit == LIMIT_ONE_OF ? choice_check(row, text, trimmed, error) : OK;
    case CONFIG_LIST: return list_check(row, text, error);
    case CONFIG_INT:
        if (!text_parse_int32(trimmed, &small))
            return refuse(error, row, text, "Not a number of type INT");
        whole = small;
        break;
    case CONFIG_LONG:
        if (!text_parse_int64(trimmed, &whole))
            return refuse(error, row, text, "Not a number of type LONG");
        break;
    case CONFIG_DOUBLE:
        if (!text_parse_double(trimmed, &real))
            return refuse(error, row, text, "Not a number of type DOUBLE");
        double_format(real, shown, sizeof(shown));
        return number_check(row, shown, real, 0, error);
    case CONFIG_SHORT:
    case CONFIG_CLASS:
    case CONFIG_PASSWORD: return OK;
    }
    (void)snprintf(shown, sizeof(shown), "%lld", (long long)whole);
    return number_check(row, shown, 0, whole, error);
}

static int64_t number_of(const struct properties *own, const char *name, int64_t otherwise)
{
    const char *text = properties_get(own, name);
    int64_t value;

    return text != NULL && text_parse_int64(text_trim(slice_from_string(text)), &value) ? value : otherwise;
}

enum status config_topic_check(const struct properties *own, struct error *error)
{
    int64_t lag_min, lag_max;

    for (size_t i = 0; i < own->count; i++) {
        if (topic_row_find(own->items[i].key) == NULL)
            return error_set(error, ERROR_INVALID_CONFIG, "Unknown topic config name: %.300s", own->items[i].key);
    }
    for (size_t i = 0; i < own->count; i++) {
        enum status status = value_check(topic_row_find(own->items[i].key), own->items[i].value, error);

        if (status != OK)
            return status;
    }
    lag_min = number_of(own, "min.compaction.lag.ms", 0);
    lag_max = number_of(own, "max.compaction.lag.ms", INT64_MAX);
    if (lag_min > lag_max)
        return error_set(error, ERROR_INVALID_CONFIG,
                         "conflict topic config setting min.compaction.lag.ms (%lld) > max.compaction.lag.ms (%lld)", (long long)lag_min,
                         (long long)lag_max);
    return OK;
}
