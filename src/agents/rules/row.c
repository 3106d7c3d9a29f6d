#include "agents/rules/row.h"

#include "base/banned.h"
#include "base/time.h"
#include "wire/json/number.h"
#include "wire/json/text.h"

#include <inttypes.h>
#include <time.h>

#define ROW_JSON_BYTES_MAX ((size_t)64 << 10)

static bool schema_has(const struct change_schema *schema, const char *column)
{
    for (size_t i = 0; i < schema->column_count; i++) {
        if (strcmp(schema->columns[i].name, column) == 0)
            return true;
    }
    return false;
}

enum status row_require(const struct change_schema *schema, const char *const *columns, size_t count, struct error *error)
{
    char there[400] = "";
    size_t used = 0;

    for (size_t i = 0; i < schema->column_count && used < sizeof(there) - 1; i++)
        used += (size_t)snprintf(there + used, sizeof(there) - used, "%s%s", i == 0 ? "" : ", ", schema->columns[i].name);
    for (size_t i = 0; i < count; i++) {
        if (!schema_has(schema, columns[i]))
            return error_set(error, ERROR_BAD_INPUT, "there is no column \"%s\"; the rows have: %s", columns[i], there);
    }
    return OK;
}

enum status row_amount(const struct rule_event *event, const char *column, struct decimal *amount, struct error *error)
{
    const struct change_value *value = change_column(event->change, event->row, column);
    bool is_schemaless_text = value != NULL && value->type == CHANGE_TEXT && event->change->schema->columns[value - event->row].type == CHANGE_OTHER;

    if (value == NULL || value->null)
        return error_set(error, ERROR_BAD_INPUT, "column \"%s\" is %s", column, value == NULL || !value->known ? "missing" : "null");
    switch (value->type) {
    case CHANGE_DECIMAL:
    case CHANGE_INTEGER: *amount = value->decimal; return OK;
    case CHANGE_REAL:
    case CHANGE_TEXT:
        if (decimal_parse(value->text, amount))
            return OK;
        break;
    default: break;
    }
    return error_set(error, ERROR_BAD_INPUT, "column \"%s\" is not a number of at most 38 digits%s%s%s", column,
                     is_schemaless_text ? "; if it is a decimal in base64, without a schema, say its digits behind the point: scale." : "",
                     is_schemaless_text ? column : "", is_schemaless_text ? "=2" : "");
}

const char *decimal_text(const struct decimal *decimal, struct arena *arena)
{
    char *text = arena_new(arena, DECIMAL_TEXT_SIZE);

    decimal_print(decimal, text);
    return text;
}

static const char *time_text(int64_t us, bool date_only, struct arena *arena)
{
    int64_t seconds = us / US_PER_SECOND - (us % US_PER_SECOND < 0);
    time_t at = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&at, &parts) == NULL)
        return arena_format(arena, "%" PRId64, us);
    if (date_only)
        return arena_format(arena, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
    return arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                        parts.tm_min, parts.tm_sec, (int)(us - seconds * US_PER_SECOND));
}

const char *value_text(const struct change_value *value, struct arena *arena)
{
    if (value == NULL || value->null)
        return "";
    switch (value->type) {
    case CHANGE_BOOLEAN: return value->integer != 0 ? "true" : "false";
    case CHANGE_INTEGER: {
        uint8_t *text = arena_new(arena, NUMBER_INTEGER_BYTES + 1);

        (void)number_write_int64(text, value->integer);
        return (const char *)text;
    }
    case CHANGE_DECIMAL: return decimal_text(&value->decimal, arena);
    case CHANGE_DATE: return time_text(value->integer * (MS_PER_DAY * 1000), true, arena);
    case CHANGE_TIMESTAMP: return time_text(value->integer, false, arena);
    default: return arena_copy_string(arena, value->text);
    }
}

const char *column_text(const struct rule_event *event, const char *column, struct arena *arena)
{
    return value_text(change_column(event->change, event->row, column), arena);
}

static void value_json(const struct change_value *value, struct arena *arena, struct buffer *json)
{
    if (value->null)
        buffer_append_string(json, "null");
    else if (value->type == CHANGE_BOOLEAN || (value->type == CHANGE_OTHER && value->text.size > 0))
        buffer_append_string(json, value_text(value, arena));
    else if (value->type == CHANGE_INTEGER && value->integer > -(INT64_C(1) << 53) && value->integer < INT64_C(1) << 53)
        buffer_append_decimal(json, value->integer);
    else
        json_append_string(json, slice_from_string(value_text(value, arena)));
}

const char *row_json(const struct rule_event *event, struct arena *arena)
{
    const struct change_schema *schema = event->change->schema;
    struct buffer json;
    const char *text;
    bool first = true;

    buffer_init(&json, ROW_JSON_BYTES_MAX);
    buffer_append_u8(&json, '{');
    for (size_t i = 0; i < schema->column_count; i++) {
        if (!event->row[i].known)
            continue;
        if (!first)
            buffer_append_u8(&json, ',');
        first = false;
        json_append_string(&json, slice_from_string(schema->columns[i].name));
        buffer_append_u8(&json, ':');
        value_json(&event->row[i], arena, &json);
    }
    buffer_append_u8(&json, '}');
    text = json.failed ? "null" : arena_copy_string(arena, buffer_slice(&json));
    buffer_finish(&json);
    return text;
}

void alert_begin(struct alert *alert, const struct rule_event *event, struct arena *arena)
{
    *alert = (struct alert){
        .severity = "crit",
        .key = arena_copy_string(arena, event->key),
        .topic = event->topic,
        .partition = event->partition,
        .offset = event->offset,
        .lsn = event->change->lsn,
        .transaction_id = event->change->transaction_id,
        .committed_us = event->change->source_time_us,
        .row = row_json(event, arena),
    };
}

static const char *passed_number(const struct keyed_passed *passed, int32_t scale, struct arena *arena)
{
    struct decimal full_scale = {passed->amount, KEYED_AMOUNT_SCALE}, shown;

    return passed->amount == INT64_MIN || !decimal_rescale(&full_scale, scale, &shown) ? NULL : decimal_text(&shown, arena);
}

/* One more input; the newest ones stay. */
static void input_add(struct alert *alert, uint64_t place, int64_t time_us, const char *number)
{
    alert->input_total++;
    if (alert->input_count == ALERT_INPUTS_MAX) {
        memmove(alert->inputs, alert->inputs + 1, (ALERT_INPUTS_MAX - 1) * sizeof(alert->inputs[0]));
        alert->input_count--;
    }
    alert->inputs[alert->input_count++] =
        (struct alert_input){(int32_t)(place >> KEYED_OFFSET_BITS), (int64_t)(place & ((UINT64_C(1) << KEYED_OFFSET_BITS) - 1)), time_us, number};
}

void alert_window(struct alert *alert, const struct rule_event *event, struct keyed *keyed, struct slice name, int64_t window_us, int32_t scale,
                  struct arena *arena)
{
    size_t count;
    const struct keyed_passed *entries = keyed_window_entries(keyed, name, &count);

    alert->window_to_us = event->time_us;
    alert->window_from_us = event->time_us - window_us;
    alert->window_by = event->time_us == event->change->source_time_us ? "event time" : "processing time";
    for (size_t i = 0; i < count; i++) {
        if (entries[i].time_us > alert->window_from_us && entries[i].time_us <= alert->window_to_us)
            input_add(alert, entries[i].place, entries[i].time_us, passed_number(&entries[i], scale, arena));
    }
}

void alert_last(struct alert *alert, struct keyed *keyed, struct slice name, size_t most, struct arena *arena)
{
    size_t count;
    int32_t scale;
    const struct keyed_amount *entries = keyed_last_entries(keyed, name, most, &count, &scale);

    for (size_t i = 0; i < count; i++)
        input_add(alert, entries[i].place, 0, decimal_text(&(struct decimal){entries[i].amount, scale}, arena));
}
