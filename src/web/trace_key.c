#include "web/trace_key.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"
#include "web/cell.h"
#include "wire/json/base64.h"
#include "wire/json/scan.h"
#include "wire/json/text.h"

#include <time.h>

/* What stands under "payload" in {"schema":…,"payload":…}, else the text itself. */
static struct slice payload_of(struct slice text)
{
    struct slice payload = json_scan_member(text, "payload");

    return slice_is_null(payload) ? text : payload;
}

void trace_key_read(const char *text, struct arena *arena, struct trace_key *key)
{
    struct slice whole = text_trim(slice_from_string(text));
    struct json_scan in = json_scan_of(payload_of(whole));
    bool first = true;

    *key = (struct trace_key){.text = arena_copy_string(arena, whole)};
    if (whole.size == 0 || whole.data[0] != '{' || json_peek(&in) != JSON_OBJECT)
        return;
    json_open(&in, '{');
    while (json_next(&in, '}', &first) && key->part_count < TRACE_KEY_PARTS_MAX) {
        key->parts[key->part_count].column = arena_copy_string(arena, json_name(&in));
        key->parts[key->part_count++].value = arena_copy_string(arena, json_peek(&in) == JSON_STRING ? json_text_read(&in, arena) : json_skip(&in));
    }
    if (in.failed != NULL || key->part_count == TRACE_KEY_PARTS_MAX)
        key->part_count = 0;
}

/* ---- Values ---- */

/* "2026-01-02 03:04:05.5+01", also with T, Z and the zone as ±HH:MM; without a zone: UTC. False: it is no such time. */
static bool instant_read(const char *text, int64_t *us)
{
    struct tm parts = {0};
    int end = 0, hours = 0, minutes = 0;
    char separator;
    int64_t unit = US_PER_SECOND;

    if (sscanf(text, "%5d-%2d-%2d%c%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &separator, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end) != 7 ||
        (separator != ' ' && separator != 'T'))
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon--;
    *us = (int64_t)timegm(&parts) * US_PER_SECOND;
    text += end;
    if (*text == '.') {
        for (text++; *text >= '0' && *text <= '9'; text++) {
            unit /= 10;
            *us += (*text - '0') * unit;
        }
    }
    if (strcmp(text, "") == 0 || strcmp(text, "Z") == 0)
        return true;
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d%n:%2d%n", &hours, &end, &minutes, &end) < 1 || text[1 + end] != '\0')
        return false;
    *us += (*text == '-' ? 1 : -1) * ((int64_t)hours * 60 + minutes) * 60 * US_PER_SECOND;
    return true;
}

/* \xDEADBEEF, as PostgreSQL prints bytea, against base64. */
static bool bytes_are(struct slice base64, const char *wanted, struct arena *arena)
{
    struct buffer bytes, text;
    bool same;

    if (wanted[0] != '\\' || wanted[1] != 'x')
        return false;
    buffer_init(&bytes, base64.size + 1);
    buffer_init(&text, base64.size * 2 + 1);
    same = base64_decode(&bytes, base64);
    for (size_t i = 0; i < bytes.size; i++)
        buffer_append_format(&text, "%02x", bytes.data[i]);
    same = same && strcasecmp(arena_copy_string(arena, buffer_slice(&text)), wanted + 2) == 0;
    buffer_finish(&text);
    buffer_finish(&bytes);
    return same;
}

/* raw: the value as it stands in the record */
static bool value_is(const struct change_column *column, const struct change_value *value, struct slice raw, const char *wanted, struct arena *arena)
{
    const char *text = cell_text(column, value, arena);
    struct decimal a, b;
    int64_t at, wanted_at;

    if (raw.size >= 2 && raw.data[0] == '"' && value->type != CHANGE_TEXT)
        raw = slice_of(raw.data + 1, raw.size - 2);
    if (slice_equal_string(raw, wanted))
        return true;
    if (text == NULL || strcmp(text, wanted) == 0)
        return text != NULL;
    switch (value->type) {
    case CHANGE_INTEGER:
    case CHANGE_DECIMAL:
    case CHANGE_REAL:
        return decimal_parse(slice_from_string(text), &a) && decimal_parse(slice_from_string(wanted), &b) && decimal_compare(&a, &b) == 0;
    case CHANGE_BOOLEAN:
        return strlen(wanted) == 1 && wanted[0] == text[0];
    case CHANGE_TEXT:
        if (strstr(column->meaning, "Zoned") == NULL)
            return strcmp(column->meaning, "io.debezium.data.Uuid") == 0 && strcasecmp(text, wanted) == 0;
        return instant_read(text, &at) && instant_read(wanted, &wanted_at) && at == wanted_at;
    case CHANGE_TIMESTAMP:
        return instant_read(text, &at) && instant_read(wanted, &wanted_at) && at == wanted_at;
    case CHANGE_BYTES:
        return bytes_are(value->text, wanted, arena);
    case CHANGE_DATE:
    case CHANGE_OTHER:
        break;
    }
    return false;
}

/* ---- Keys ---- */

/* A record's key, taken apart. */
struct taken {
    struct change change;
    struct slice payload;
    size_t count, only; /* columns that it has, and the last of them */
};

static bool take_apart(struct change_decoder *decoder, struct slice record_key, struct arena *arena, struct taken *taken)
{
    *taken = (struct taken){.payload = payload_of(record_key)};
    if (change_decode(decoder, record_key, arena, &taken->change, NULL) != OK || taken->change.after == NULL)
        return false;
    for (size_t i = 0; i < taken->change.schema->column_count; i++) {
        if (taken->change.after[i].known) {
            taken->count++;
            taken->only = i;
        }
    }
    return taken->count > 0;
}

static bool column_is(const struct taken *taken, size_t index, const char *wanted, struct arena *arena)
{
    const struct change_column *column = &taken->change.schema->columns[index];

    return value_is(column, &taken->change.after[index], json_scan_member(taken->payload, column->name), wanted, arena);
}

/* The column whose name and '=' the text begins with; *value: behind them. SIZE_MAX: none. */
static size_t column_named(const struct taken *taken, struct slice text, struct slice *value)
{
    const uint8_t *equals = text.size == 0 ? NULL : memchr(text.data, '=', text.size);
    struct slice name = equals == NULL ? slice_null() : text_trim(slice_of(text.data, (size_t)(equals - text.data)));

    for (size_t i = 0; equals != NULL && i < taken->change.schema->column_count; i++) {
        if (taken->change.after[i].known && slice_equal_string(name, taken->change.schema->columns[i].name)) {
            *value = slice_from(text, (size_t)(equals - text.data) + 1);
            return i;
        }
    }
    return SIZE_MAX;
}

/* "a=1,b=x": a value ends where a comma and the name of another column follow. */
static bool named_match(const struct taken *taken, const char *text, struct arena *arena)
{
    struct slice rest, behind;
    size_t index = column_named(taken, slice_from_string(text), &rest);

    while (index != SIZE_MAX) {
        size_t end = 0, next = SIZE_MAX;

        for (; end < rest.size && next == SIZE_MAX; end++) {
            if (rest.data[end] == ',')
                next = column_named(taken, slice_from(rest, end + 1), &behind);
        }
        if (!column_is(taken, index, arena_copy_string(arena, text_trim(slice_of(rest.data, next == SIZE_MAX ? rest.size : end - 1))), arena))
            return false;
        if (next == SIZE_MAX)
            return true;
        index = next;
        rest = behind;
    }
    return false;
}

/* "1,x": one value for each column. */
static bool list_matches(const struct taken *taken, const char *text, struct arena *arena)
{
    struct slice rest = slice_from_string(text), field;
    size_t fields = 1;

    for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ','))
        fields++;
    if (fields != taken->count || fields == 1)
        return false;
    for (size_t i = 0; i < taken->change.schema->column_count; i++) {
        if (!taken->change.after[i].known)
            continue;
        if (!text_next_field(&rest, ',', &field) || !column_is(taken, i, arena_copy_string(arena, text_trim(field)), arena))
            return false;
    }
    return true;
}

static bool parts_match(const struct taken *taken, const struct trace_key *key, struct arena *arena)
{
    for (size_t i = 0; i < key->part_count; i++) {
        size_t at = 0;

        while (at < taken->change.schema->column_count && strcmp(taken->change.schema->columns[at].name, key->parts[i].column) != 0)
            at++;
        if (at == taken->change.schema->column_count || !taken->change.after[at].known || !column_is(taken, at, key->parts[i].value, arena))
            return false;
    }
    return key->part_count > 0;
}

bool trace_key_is(const struct trace_key *key, struct change_decoder *decoder, struct slice record_key, struct arena *arena)
{
    struct slice payload = payload_of(record_key);
    struct json_scan in = json_scan_of(payload);
    struct taken taken;

    if (slice_equal_string(record_key, key->text) || slice_equal_string(payload, key->text))
        return true;
    if (payload.size > 0 && payload.data[0] == '"')
        return slice_equal_string(json_text_read(&in, arena), key->text);
    if (!take_apart(decoder, record_key, arena, &taken))
        return false;
    return (taken.count == 1 && column_is(&taken, taken.only, key->text, arena)) || parts_match(&taken, key, arena) || named_match(&taken, key->text, arena) ||
           list_matches(&taken, key->text, arena);
}

/* As the topic has it; null when that depends on more than the value, or there is no such value. */
static struct slice value_write(const struct change_column *column, const struct change_value *sample, const char *wanted, struct arena *arena)
{
    struct slice text = slice_null();
    struct buffer out;
    int64_t number;

    if (sample->type == CHANGE_INTEGER && *column->meaning == '\0')
        return text_parse_int64(slice_from_string(wanted), &number) ? slice_from_string(arena_format(arena, "%lld", (long long)number)) : text;
    if (sample->type != CHANGE_TEXT || *column->meaning != '\0')
        return text;
    buffer_init(&out, strlen(wanted) * 6 + 4096); /* the worst case is reserved piece by piece */
    json_append_string(&out, slice_from_string(wanted));
    text = slice_from_string(arena_copy_string(arena, buffer_slice(&out)));
    buffer_finish(&out);
    return text;
}

struct slice trace_key_like(const struct trace_key *key, struct change_decoder *decoder, struct slice sample, struct arena *arena)
{
    struct slice written, old, value;
    const char *wanted = key->text;
    struct taken taken;
    size_t before;

    if (!take_apart(decoder, sample, arena, &taken) || taken.count != 1)
        return slice_null();
    if (column_named(&taken, slice_from_string(key->text), &value) != SIZE_MAX)
        wanted = arena_copy_string(arena, text_trim(value));
    else if (key->part_count == 1 && strcmp(key->parts[0].column, taken.change.schema->columns[taken.only].name) == 0)
        wanted = key->parts[0].value;
    written = value_write(&taken.change.schema->columns[taken.only], &taken.change.after[taken.only], wanted, arena);
    old = json_scan_member(taken.payload, taken.change.schema->columns[taken.only].name);
    if (slice_is_null(written) || slice_is_null(old))
        return slice_null();
    before = (size_t)(old.data - sample.data);
    return slice_from_string(arena_format(arena, "%.*s%s%.*s", (int)before, (const char *)sample.data, (const char *)written.data, (int)(sample.size - before - old.size), (const char *)old.data + old.size));
}

bool trace_value_begins_row(struct slice value)
{
    struct slice operation = json_scan_member(payload_of(value), "op");

    return slice_equal_string(operation, "\"c\"") || slice_equal_string(operation, "\"r\"");
}

int64_t trace_received_us(struct slice value)
{
    struct slice payload = payload_of(value);
    int64_t us = json_member_integer(payload, "ts_us", 0), ms = json_member_integer(payload, "ts_ms", 0);

    return us != 0 ? us : ms > INT64_MAX / US_PER_MS || ms < INT64_MIN / US_PER_MS ? 0 : ms * US_PER_MS; /* anybody may have written it */
}
