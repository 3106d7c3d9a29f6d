#include "agents/rule_settings.h"

#include "agents/rule.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>

#define SCALE_PREFIX "scale."
#define SCALE_MAX 38

static const struct rule_setting *row_find(const struct rule_setting *rows, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].key, key) == 0)
            return &rows[i];
    }
    return NULL;
}

static enum status unknown(const char *key, const struct rule_setting *rows, size_t count, struct error *error)
{
    const char **known = memory_new_array(count + 1, sizeof(*known));
    enum status status;

    for (size_t i = 0; i < count; i++)
        known[i] = rows[i].key;
    status = properties_unknown("", NULL, key, known, error);
    memory_free(known);
    return status;
}

static enum status value_read(const struct rule_setting *row, const char *text, void *rule, struct error *error)
{
    void *target = (char *)rule + row->offset;
    struct slice value = slice_from_string(text);

    switch (row->kind) {
    case RULE_INTEGER:
        if (!text_parse_int64(value, target) || *(int64_t *)target < row->min || *(int64_t *)target > row->max)
            return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be a whole number from %" PRId64 " to %" PRId64, row->key, text,
                             row->min, row->max);
        return OK;
    case RULE_DECIMAL:
        if (!decimal_parse(value, target) || ((struct decimal *)target)->unscaled < 0)
            return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be a number, 0 or more", row->key, text);
        return OK;
    case RULE_TEXT:
        if (value.size == 0)
            return error_set(error, ERROR_BAD_INPUT, "setting %s is empty", row->key);
        memory_free(*(char **)target);
        *(char **)target = memory_copy_string(text);
        return OK;
    }
    return OK;
}

static bool is_scale(const struct property *property)
{
    return strncmp(property->key, SCALE_PREFIX, strlen(SCALE_PREFIX)) == 0;
}

static enum status scale_read(const struct property *property, int32_t *scale, struct error *error)
{
    const char *text = property->value == NULL ? "" : property->value;

    if (!text_parse_int32(slice_from_string(text), scale) || *scale < 0 || *scale > SCALE_MAX)
        return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be the number of digits behind the point, 0 to %d", property->key, text, SCALE_MAX);
    return OK;
}

enum status rule_settings_scales(const struct properties *settings, struct change_decoder *decoder, struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; settings != NULL && i < settings->count && status == OK; i++) {
        int32_t scale;

        if (!is_scale(&settings->items[i]))
            continue;
        status = scale_read(&settings->items[i], &scale, error);
        if (status == OK)
            change_decoder_set_scale(decoder, settings->items[i].key + strlen(SCALE_PREFIX), scale);
    }
    return status;
}

enum status rule_settings_read(const struct rule_kind *kind, const struct properties *settings, void *rule, struct error *error)
{
    const struct rule_setting *rows = kind->settings;
    size_t count = kind->setting_count;
    enum status status = OK;

    for (size_t i = 0; i < count && status == OK; i++)
        status = rows[i].initial == NULL ? OK : value_read(&rows[i], rows[i].initial, rule, error);
    for (size_t i = 0; i < settings->count && status == OK; i++) {
        const struct rule_setting *row = row_find(rows, count, settings->items[i].key);
        int32_t scale;

        status = is_scale(&settings->items[i]) ? scale_read(&settings->items[i], &scale, error)
                 : row == NULL ? unknown(settings->items[i].key, rows, count, error)
                             : value_read(row, settings->items[i].value == NULL ? "" : settings->items[i].value, rule, error);
    }
    return status;
}
