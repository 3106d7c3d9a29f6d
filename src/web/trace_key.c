#include "web/trace_key.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"
#include "wire/json/scan.h"

/* What stands under "payload" in {"schema":…,"payload":…}, else the text itself. */
static struct slice payload_of(struct slice text)
{
    struct slice payload = json_scan_member(text, "payload");

    return slice_is_null(payload) ? text : payload;
}

void trace_key_read(const char *text, struct arena *arena, struct trace_key *key)
{
    struct slice whole = text_trim(slice_from_string(text));
    const uint8_t *equals = whole.size > 0 && whole.data[0] != '{' ? memchr(whole.data, '=', whole.size) : NULL;

    *key = (struct trace_key){.text = arena_copy_string(arena, whole)};
    key->value = key->text;
    if (equals != NULL) {
        key->column = arena_copy_string(arena, text_trim(slice_of(whole.data, (size_t)(equals - whole.data))));
        key->value = arena_copy_string(arena, text_trim(slice_from(whole, (size_t)(equals - whole.data) + 1)));
    }
}

/* A JSON value, a string without its quotes. */
static bool value_is(struct slice value, const char *wanted)
{
    if (value.size >= 2 && value.data[0] == '"')
        value = slice_of(value.data + 1, value.size - 2);
    return slice_equal_string(value, wanted);
}

/* The value of an object's only member; null when it has none or several, or is no object. */
static struct slice only_value(struct slice object)
{
    struct json_scan in = json_scan_of(object);
    struct slice value = slice_null();
    bool first = true;
    size_t members = 0;

    if (object.size == 0 || json_peek(&in) != JSON_OBJECT)
        return slice_null();
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        (void)json_name(&in);
        value = json_skip(&in);
        members++;
    }
    return members == 1 && in.failed == NULL ? value : slice_null();
}

bool trace_key_is(const struct trace_key *key, struct slice record_key)
{
    struct slice payload = payload_of(record_key), value;

    if (slice_equal_string(record_key, key->text) || slice_equal_string(payload, key->text) || value_is(payload, key->text))
        return true;
    if (payload.size == 0 || payload.data[0] != '{')
        return false;
    value = key->column != NULL ? json_scan_member(payload, key->column) : only_value(payload);
    return !slice_is_null(value) && value_is(value, key->value);
}

struct slice trace_key_like(const struct trace_key *key, struct slice sample, struct arena *arena)
{
    struct slice value = only_value(payload_of(sample));
    const char *quote;
    size_t before;

    if (value.size == 0)
        return slice_null();
    quote = value.data[0] == '"' ? "\"" : "";
    before = (size_t)(value.data - sample.data);
    return slice_from_string(arena_format(arena, "%.*s%s%s%s%.*s", (int)before, (const char *)sample.data, quote, key->value, quote, (int)(sample.size - before - value.size),
                                          (const char *)value.data + value.size));
}

bool trace_value_begins_row(struct slice value)
{
    struct slice operation = json_scan_member(payload_of(value), "op");

    return slice_equal_string(operation, "\"c\"") || slice_equal_string(operation, "\"r\"");
}

int64_t trace_received_us(struct slice value)
{
    struct slice payload = payload_of(value);
    int64_t us = json_member_integer(payload, "ts_us", 0);

    return us != 0 ? us : json_member_integer(payload, "ts_ms", 0) * US_PER_MS;
}
