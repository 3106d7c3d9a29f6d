#include "server/settings.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/text.h"
#include "os/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "settings"
#define CONFIG_BYTES_MAX (1 << 20)
#define MASK "********"
#define LEVELS "debug,info,warning,error"

static const struct setting table[] = {
#define SECTION(title) {.type = SETTING_SECTION, .key = title},
#define INTEGER(key_, field, default_, min_, max_, unit_, help_)                                                                           \
    {.type = SETTING_INTEGER,                                                                                                              \
     .key = key_,                                                                                                                          \
     .default_value = default_,                                                                                                            \
     .min = min_,                                                                                                                          \
     .max = max_,                                                                                                                          \
     .unit = unit_,                                                                                                                        \
     .help = help_,                                                                                                                        \
     .offset = offsetof(struct settings, field)},
#define BOOLEAN(key_, field, default_, help_)                                                                                              \
    {.type = SETTING_BOOLEAN, .key = key_, .default_value = default_, .help = help_, .offset = offsetof(struct settings, field)},
#define CHOICE(key_, field, default_, choices_, help_)                                                                                     \
    {.type = SETTING_CHOICE,                                                                                                               \
     .key = key_,                                                                                                                          \
     .default_value = default_,                                                                                                            \
     .choices = choices_,                                                                                                                  \
     .help = help_,                                                                                                                        \
     .offset = offsetof(struct settings, field)},
#define TEXT(key_, field, default_, help_)                                                                                                 \
    {.type = SETTING_TEXT, .key = key_, .default_value = default_, .help = help_, .offset = offsetof(struct settings, field)},
#define SECRET(key_, field, default_, help_)                                                                                               \
    {.type = SETTING_SECRET, .key = key_, .default_value = default_, .help = help_, .offset = offsetof(struct settings, field)},
#define PREFIX(key_, help_) {.type = SETTING_PREFIX, .key = key_, .help = help_},
#define IGNORED(key_, why) {.type = SETTING_IGNORED, .key = key_, .help = why},
#include "server/settings.def"
#undef SECTION
#undef INTEGER
#undef BOOLEAN
#undef CHOICE
#undef TEXT
#undef SECRET
#undef PREFIX
#undef IGNORED
};

#define ROWS (sizeof(table) / sizeof(table[0]))

/* The row of a key; a prefix row for a key that begins with it; NULL when nobody knows the key. */
static const struct setting *setting_find(const char *key)
{
    const struct setting *prefix = NULL;

    for (size_t i = 0; i < ROWS; i++) {
        if (table[i].type == SETTING_SECTION)
            continue;
        if (table[i].type == SETTING_PREFIX) {
            if (strncmp(key, table[i].key, strlen(table[i].key)) == 0)
                prefix = &table[i];
        } else if (strcmp(key, table[i].key) == 0) {
            return &table[i];
        }
    }
    return prefix;
}

static bool has_value(const struct setting *row)
{
    return row->type != SETTING_SECTION && row->type != SETTING_PREFIX && row->type != SETTING_IGNORED;
}

/* ---- Reading ---- */

static enum status config_read(struct properties *given, const char *path, struct error *error)
{
    struct buffer text;
    enum status status = OK;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return error_set_system(error, ERROR_DISK, errno, "settings file %s", path);
    buffer_init(&text, CONFIG_BYTES_MAX);
    for (;;) {
        uint8_t *room = buffer_reserve(&text, 4096);
        ssize_t got = room == NULL ? 0 : read(file, room, 4096);

        if (room == NULL)
            status = error_set(error, ERROR_BAD_INPUT, "settings file %s is larger than %d bytes", path, CONFIG_BYTES_MAX);
        else if (got < 0)
            status = error_set_system(error, ERROR_DISK, errno, "settings file %s", path);
        if (got <= 0)
            break;
        text.size += (size_t)got;
    }
    (void)close(file);
    if (status == OK) {
        status = properties_parse(given, buffer_slice(&text), error);
        if (status != OK)
            error_context(error, "settings file %s", path);
    }
    buffer_finish(&text);
    return status;
}

/* ---- Checking ---- */

/* Where a value was given, for messages: "server.properties line 3" or "--set". */
static enum status refuse(const struct property *property, const char *path, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum status refuse(const struct property *property, const char *path, struct error *error, const char *format, ...)
{
    char why[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    if (property != NULL && property->line > 0 && path != NULL)
        return error_set(error, ERROR_BAD_INPUT, "%s line %d: %s", path, property->line, why);
    return error_set(error, ERROR_BAD_INPUT, "--set: %s", why);
}

static enum status unknown_key(const struct property *property, const char *path, struct error *error)
{
    struct text_nearest nearest;
    const char *best;

    text_nearest_init(&nearest, property->key);
    for (size_t i = 0; i < ROWS; i++) {
        if (has_value(&table[i]))
            text_nearest_offer(&nearest, table[i].key);
    }
    best = text_nearest_found(&nearest);
    if (best != NULL)
        return refuse(property, path, error, "there is no setting \"%s\"; did you mean \"%s\"?", property->key, best);
    return refuse(property, path, error, "there is no setting \"%s\"; \"tailrace settings\" lists all", property->key);
}

static bool is_choice(const char *choices, const char *value)
{
    struct slice rest = slice_from_string(choices), choice;

    while (text_next_field(&rest, ',', &choice)) {
        if (slice_equal_string(choice, value))
            return true;
    }
    return false;
}

static enum status value_store(struct settings *settings, const struct setting *row, const struct property *given, const char *path,
                               const char *value, struct error *error)
{
    void *field = (char *)settings + row->offset;
    struct slice text = text_trim(slice_from_string(value));
    int64_t number = SETTING_NOT_SET;

    switch (row->type) {
    case SETTING_INTEGER:
        if (text.size == 0 && *row->default_value == '\0') {
            *(int64_t *)field = SETTING_NOT_SET;
            return OK;
        }
        if (!text_parse_int64(text, &number))
            return refuse(given, path, error, "%s=%s is not a whole number", row->key, value);
        if (number < row->min || number > row->max)
            return refuse(given, path, error, "%s=%s is out of range: %lld to %lld%s%s", row->key, value, (long long)row->min,
                          (long long)row->max, *row->unit == '\0' ? "" : " ", row->unit);
        *(int64_t *)field = number;
        return OK;
    case SETTING_BOOLEAN:
        if (!text_parse_bool(text, (bool *)field))
            return refuse(given, path, error, "%s=%s is neither true nor false", row->key, value);
        return OK;
    case SETTING_CHOICE:
        if (!is_choice(row->choices, value))
            return refuse(given, path, error, "%s=%s is none of: %s", row->key, value, row->choices);
        break;
    case SETTING_TEXT:
    case SETTING_SECRET: break;
    case SETTING_SECTION:
    case SETTING_PREFIX:
    case SETTING_IGNORED: return OK;
    }
    *(const char **)field = value;
    return OK;
}

static const struct property *given_find(const struct settings *settings, const char *key)
{
    for (size_t i = 0; i < settings->given.count; i++) {
        if (strcmp(settings->given.items[i].key, key) == 0)
            return &settings->given.items[i];
    }
    return NULL;
}

static enum status aliases_parse(struct settings *settings, const char *path, struct error *error)
{
    struct slice rest = slice_from_string(settings->host_aliases), field;

    while (text_next_field(&rest, ',', &field)) {
        char *text;
        enum status status;

        field = text_trim(field);
        if (field.size == 0)
            continue;
        text = memory_copy_bytes(field.data, field.size);
        status = properties_set_assignment(&settings->aliases, text, error);
        if (status != OK)
            status =
                refuse(given_find(settings, "host.aliases"), path, error, "host.aliases: \"%s\" is not of the form name=address", text);
        memory_free(text);
        if (status != OK)
            return status;
    }
    return OK;
}

/* What a type and a range do not say. */
static enum status texts_check(struct settings *settings, const char *path, struct error *error)
{
    struct slice rest = slice_from_string(settings->cleanup_policy), policy;
    double real;

    while (text_next_field(&rest, ',', &policy)) {
        policy = text_trim(policy);
        if (!slice_equal_string(policy, "delete") && !slice_equal_string(policy, "compact"))
            return refuse(given_find(settings, "log.cleanup.policy"), path, error,
                          "log.cleanup.policy=%s: only delete and compact are possible", settings->cleanup_policy);
    }
    if (!text_parse_double(slice_from_string(settings->cleaner_min_cleanable_ratio), &real) || !(real >= 0 && real <= 1))
        return refuse(given_find(settings, "log.cleaner.min.cleanable.ratio"), path, error,
                      "log.cleaner.min.cleanable.ratio=%s is not a number from 0 to 1", settings->cleaner_min_cleanable_ratio);
    if (!text_parse_double(slice_from_string(settings->cleaner_bytes_per_second), &real) || !(real > 0))
        return refuse(given_find(settings, "log.cleaner.io.max.bytes.per.second"), path, error,
                      "log.cleaner.io.max.bytes.per.second=%s is not a number above 0", settings->cleaner_bytes_per_second);
    if (settings->group_min_session_timeout_ms > settings->group_max_session_timeout_ms)
        return refuse(given_find(settings, "group.min.session.timeout.ms"), path, error,
                      "group.min.session.timeout.ms=%lld is more than group.max.session.timeout.ms=%lld",
                      (long long)settings->group_min_session_timeout_ms, (long long)settings->group_max_session_timeout_ms);
    if (*settings->data_dir == '\0')
        return refuse(given_find(settings, "data.dir"), path, error, "data.dir is empty");
    for (size_t i = 0; i < settings->values.count; i++) {
        const struct property *value = &settings->values.items[i];

        if (strncmp(value->key, "logger.level.", strlen("logger.level.")) == 0 && !is_choice(LEVELS, value->value))
            return refuse(given_find(settings, value->key), path, error, "%s=%s is none of: %s", value->key, value->value, LEVELS);
    }
    return aliases_parse(settings, path, error);
}

static enum status values_fill(struct settings *settings, const char *path, struct error *error)
{
    for (size_t i = 0; i < settings->given.count; i++) {
        const struct property *property = &settings->given.items[i];

        if (setting_find(property->key) == NULL)
            return unknown_key(property, path, error);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const struct property *given;

        if (!has_value(&table[i]))
            continue;
        given = given_find(settings, table[i].key);
        properties_set(&settings->values, table[i].key, given == NULL ? table[i].default_value : given->value);
    }
    for (size_t i = 0; i < settings->given.count; i++) {
        const struct property *property = &settings->given.items[i];

        if (setting_find(property->key)->type == SETTING_PREFIX)
            properties_set(&settings->values, property->key, property->value);
    }
    for (size_t i = 0; i < ROWS; i++) {
        enum status status;

        if (!has_value(&table[i]))
            continue;
        status = value_store(settings, &table[i], given_find(settings, table[i].key), path, properties_get(&settings->values, table[i].key),
                             error);
        if (status != OK)
            return status;
    }
    return texts_check(settings, path, error);
}

enum status settings_load(struct settings *settings, const struct settings_source *source, struct error *error)
{
    enum status status = OK;

    *settings = (struct settings){0};
    if (source->config_path != NULL)
        status = config_read(&settings->given, source->config_path, error);
    for (size_t i = 0; i < source->assignment_count && status == OK; i++) {
        status = properties_set_assignment(&settings->given, source->assignments[i], error);
        if (status != OK)
            error_context(error, "--set");
    }
    if (status == OK)
        status = values_fill(settings, source->config_path, error);
    if (status != OK)
        settings_finish(settings);
    return status;
}

void settings_finish(struct settings *settings)
{
    properties_finish(&settings->values);
    properties_finish(&settings->given);
    properties_finish(&settings->aliases);
}

void settings_warn_ignored(const struct settings *settings)
{
    for (size_t i = 0; i < settings->given.count; i++) {
        const struct setting *row = setting_find(settings->given.items[i].key);

        if (row->type == SETTING_IGNORED)
            LOG_WARNING("%s has no effect here: %s", row->key, row->help);
    }
}

/* ---- Printing ---- */

static void range_describe(const struct setting *row, char *text, size_t size)
{
    const char *blank = row->unit != NULL && *row->unit != '\0' ? " " : "";

    text[0] = '\0';
    if (row->type == SETTING_CHOICE)
        (void)snprintf(text, size, " (one of %s)", row->choices);
    else if (row->type == SETTING_BOOLEAN)
        (void)snprintf(text, size, " (true or false)");
    else if (row->type == SETTING_INTEGER && row->min == row->max)
        (void)snprintf(text, size, " (%lld%s%s)", (long long)row->min, blank, row->unit);
    else if (row->type == SETTING_INTEGER && row->max == INT64_MAX)
        (void)snprintf(text, size, " (%s%s%lld or more)", row->unit, blank, (long long)row->min);
    else if (row->type == SETTING_INTEGER)
        (void)snprintf(text, size, " (%s%s%lld to %lld)", row->unit, blank, (long long)row->min, (long long)row->max);
}

static void prefixed_print(const struct settings *settings, const struct setting *prefix, struct buffer *out)
{
    for (size_t i = 0; i < settings->values.count; i++) {
        if (setting_find(settings->values.items[i].key) == prefix)
            properties_append_line(out, settings->values.items[i].key, settings->values.items[i].value);
    }
}

void settings_print(const struct settings *settings, struct buffer *out)
{
    char range[256];

    for (size_t i = 0; i < ROWS; i++) {
        const struct setting *row = &table[i];
        const char *value;

        if (row->type == SETTING_IGNORED)
            continue;
        if (row->type == SETTING_SECTION) {
            buffer_append_format(out, "%s# ---- %s ----\n", i == 0 ? "" : "\n", row->key);
            continue;
        }
        if (row->type == SETTING_PREFIX) {
            buffer_append_format(out, "\n# %s…: %s\n", row->key, row->help);
            prefixed_print(settings, row, out);
            continue;
        }
        range_describe(row, range, sizeof(range));
        buffer_append_format(out, "\n# %s%s\n", row->help, range);
        value = properties_get(&settings->values, row->key);
        if (strcmp(value, row->default_value) != 0)
            buffer_append_format(out, "# default: %s\n", row->default_value);
        properties_append_line(out, row->key, value);
    }
}

void settings_manual(struct buffer *out)
{
    struct buffer text;
    char range[256];

    buffer_init(&text, 1 << 16);
    buffer_append_string(out, ".Dd November 24, 2026\n.Dt TAILRACE-SETTINGS 5\n.Os\n.Sh NAME\n.Nm tailrace-settings\n.Nd settings of tailrace up\n.Sh DESCRIPTION\n"
                              "Settings come from a Java properties file\n.Pq Nm tailrace Cm up Fl -config Ar FILE\nand from\n.Fl -set Ar KEY Ns = Ns Ar VALUE ,\n"
                              "which goes before the file.\nNames are those of Kafka and Kafka Connect where they have the setting.\n"
                              ".Nm tailrace Cm settings\nprints them all with the values in effect.\n");
    for (size_t i = 0; i < ROWS; i++) {
        const struct setting *row = &table[i];

        if (row->type == SETTING_IGNORED)
            continue;
        if (row->type == SETTING_SECTION) {
            buffer_append_string(out, i == 0 ? ".Ss " : ".El\n.Ss ");
            manual_append_text(out, row->key);
            buffer_append_string(out, ".Bl -tag -width Ds\n");
            continue;
        }
        range_describe(row, range, sizeof(range));
        buffer_reset(&text);
        buffer_append_format(&text, "%s%s", row->help, range);
        if (row->type != SETTING_PREFIX && row->type != SETTING_SECRET && row->default_value != NULL && *row->default_value != '\0')
            buffer_append_format(&text, "; default %s", row->default_value);
        buffer_append_u8(&text, '\0');
        buffer_append_format(out, ".It Va \"%s%s\"\n", row->key, row->type == SETTING_PREFIX ? "..." : "");
        manual_append_text(out, (const char *)text.data);
    }
    buffer_append_string(out, ".El\n.Sh SEE ALSO\n.Xr tailrace 1\n");
    buffer_finish(&text);
}

static const char *type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_INTEGER: return "integer";
    case SETTING_BOOLEAN: return "boolean";
    case SETTING_CHOICE: return "choice";
    case SETTING_SECRET: return "secret";
    default: return "text";
    }
}

void settings_print_json(const struct settings *settings, struct buffer *out)
{
    json_t *array = json_array();
    char *text;

    for (size_t i = 0; i < ROWS; i++) {
        const struct setting *row = &table[i];
        const char *value;
        json_t *object;

        if (!has_value(row))
            continue;
        value = properties_get(&settings->values, row->key);
        object = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "key", row->key, "value", row->type == SETTING_SECRET ? MASK : value,
                           "default", row->type == SETTING_SECRET ? MASK : row->default_value, "type", type_name(row->type), "given",
                           properties_has(&settings->given, row->key), "help", row->help);
        if (row->type == SETTING_INTEGER) {
            (void)json_object_set_new(object, "min", json_integer(row->min));
            (void)json_object_set_new(object, "max", json_integer(row->max));
            (void)json_object_set_new(object, "unit", json_string(row->unit));
        }
        if (row->type == SETTING_CHOICE)
            (void)json_object_set_new(object, "choices", json_string(row->choices));
        (void)json_array_append_new(array, object);
    }
    text = json_dumps(array, JSON_INDENT(2));
    if (text != NULL)
        buffer_append_string(out, text);
    buffer_append_u8(out, '\n');
    free(text);
    json_decref(array);
}
