#include "wire/json/scan.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/text.h"
#include "wire/json/text.h"

struct json_scan json_scan_of(struct slice text)
{
    struct json_scan scan = {text.data, text.data, text.data + text.size, NULL};
    return scan;
}

static void fail(struct json_scan *in, const char *expected)
{
    if (in->failed == NULL)
        in->failed = expected;
}

static void space_skip(struct json_scan *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t'))
        in->at++;
}

/* The next byte that is not white space; 0 at the end or after a failure. */
static uint8_t next_byte(struct json_scan *in)
{
    if (in->failed != NULL)
        return 0;
    if (in->at < in->end && *in->at > ' ')
        return *in->at;
    space_skip(in);
    return in->at < in->end ? *in->at : 0;
}

enum json_kind json_peek(struct json_scan *in)
{
    switch (next_byte(in)) {
    case 'n': return JSON_NULL;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case '"': return JSON_STRING;
    case '[': return JSON_ARRAY;
    case '{': return JSON_OBJECT;
    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return JSON_NUMBER;
    default: return JSON_NONE;
    }
}

struct slice json_scan_string(struct json_scan *in, bool *escaped)
{
    const uint8_t *start, *at;

    *escaped = false;
    if (next_byte(in) != '"') {
        fail(in, "a string");
        return slice_of("", 0);
    }
    start = at = in->at + 1;
    for (;;) {
        while (at < in->end && *at != '"' && *at != '\\')
            at++;
        if (at >= in->end || (*at == '\\' && in->end - at < 2)) {
            fail(in, "the end of a string");
            return slice_of("", 0);
        }
        if (*at == '"')
            break;
        *escaped = true;
        at += 2;
    }
    in->at = at + 1;
    return slice_of(start, (size_t)(at - start));
}

static void word_skip(struct json_scan *in, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(in->end - in->at) < size || memcmp(in->at, word, size) != 0)
        fail(in, "a value");
    else
        in->at += size;
}

static bool is_number_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || byte == 'e' || byte == 'E';
}

static void nested_skip(struct json_scan *in)
{
    int depth = 0;
    bool escaped;

    do {
        uint8_t byte = next_byte(in);

        if (byte == '"') {
            (void)json_scan_string(in, &escaped);
            continue;
        }
        if (byte == 0) {
            fail(in, "the end of an object or array");
            return;
        }
        if (byte == '{' || byte == '[')
            depth++;
        else if (byte == '}' || byte == ']')
            depth--;
        if (depth > JSON_DEPTH_MAX) {
            fail(in, "fewer nested values");
            return;
        }
        in->at++;
    } while (depth > 0 && in->failed == NULL);
}

struct slice json_skip(struct json_scan *in)
{
    enum json_kind kind = json_peek(in);
    const uint8_t *start = in->at;
    bool escaped;

    switch (kind) {
    case JSON_NULL: word_skip(in, "null"); break;
    case JSON_TRUE: word_skip(in, "true"); break;
    case JSON_FALSE: word_skip(in, "false"); break;
    case JSON_STRING: (void)json_scan_string(in, &escaped); break;
    case JSON_NUMBER:
        while (in->at < in->end && is_number_byte(*in->at))
            in->at++;
        break;
    case JSON_ARRAY:
    case JSON_OBJECT: nested_skip(in); break;
    case JSON_NONE: fail(in, "a value"); break;
    }
    return in->failed != NULL ? slice_of("", 0) : slice_of(start, (size_t)(in->at - start));
}

struct slice json_text_read(struct json_scan *in, struct arena *arena)
{
    bool escaped;
    struct slice text = json_scan_string(in, &escaped);
    struct buffer plain;

    if (!escaped)
        return text;
    /* No escape is shorter than what it stands for, so the buffer never grows out of the arena's memory. */
    plain = (struct buffer){.data = arena_new(arena, text.size), .capacity = text.size, .size_max = text.size};
    if (!json_unescape(&plain, text))
        fail(in, "an escape of JSON");
    return buffer_slice(&plain);
}

void json_open(struct json_scan *in, char bracket)
{
    if (next_byte(in) != (uint8_t)bracket)
        fail(in, bracket == '{' ? "an object" : "an array");
    else
        in->at++;
}

bool json_next(struct json_scan *in, char bracket, bool *first)
{
    uint8_t byte = next_byte(in);

    if (in->failed != NULL)
        return false;
    if (byte == (uint8_t)bracket) {
        in->at++;
        return false;
    }
    if (*first) {
        *first = false;
        return true;
    }
    if (byte != ',') {
        fail(in, bracket == '}' ? "a comma or the end of an object" : "a comma or the end of an array");
        return false;
    }
    in->at++;
    return true;
}

struct slice json_name(struct json_scan *in)
{
    bool escaped;
    struct slice name = json_scan_string(in, &escaped);

    if (next_byte(in) != ':')
        fail(in, "a colon");
    else
        in->at++;
    return name;
}

int64_t json_scan_integer(struct json_scan *in)
{
    const uint8_t *before = in->at;
    struct slice text = json_skip(in);
    int64_t value = 0;

    if (in->failed == NULL && !text_parse_int64(text, &value)) {
        in->at = before;
        fail(in, "a whole number");
    }
    return value;
}

struct slice json_scan_member(struct slice object, const char *name)
{
    struct json_scan in = json_scan_of(object);
    bool first = true;

    if (slice_is_null(object))
        return slice_null();
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        bool wanted = slice_equal_string(json_name(&in), name);
        struct slice value = json_skip(&in);

        if (in.failed == NULL && wanted)
            return value;
    }
    return slice_null();
}

struct slice json_member_text(struct slice object, const char *name, struct arena *arena)
{
    struct slice value = json_scan_member(object, name);
    struct json_scan in = json_scan_of(value);

    if (slice_is_null(value) || json_peek(&in) != JSON_STRING)
        return slice_null();
    return json_text_read(&in, arena);
}

int64_t json_member_integer(struct slice object, const char *name, int64_t absent)
{
    struct slice value = json_scan_member(object, name);
    int64_t number;

    return !slice_is_null(value) && text_parse_int64(value, &number) ? number : absent;
}
