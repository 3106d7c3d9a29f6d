#include "wire/json/scan.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/text.h"
#include "wire/json/text.h"

struct json_scan json_scan_of(struct slice text)
{
    struct json_scan scan = {text.data, text.data, text.size == 0 ? text.data : text.data + text.size, NULL};
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

/* The top bit of every byte that is zero, from the lowest one on exact. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* The next quote or backslash, eight bytes at a time; `end` when there is none. */
static const uint8_t *quote_find(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8) {
        uint64_t word, found;

        memcpy(&word, at, sizeof(word));
        found = zero_bytes(word ^ UINT64_C(0x2222222222222222)) | zero_bytes(word ^ UINT64_C(0x5c5c5c5c5c5c5c5c));
        if (found != 0)
            return at + __builtin_ctzll(found) / 8; /* little-endian, as all that we run on */
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
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
        at = quote_find(at, in->end);
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

#define DIGITS_SURE 18 /* always fit into 64 bits */

/* False when it is anything but up to 18 digits, perhaps with a minus: the scan has not moved then. */
static bool integer_read(struct json_scan *in, int64_t *value)
{
    const uint8_t *at, *first;
    bool negative = next_byte(in) == '-';
    int64_t sum = 0;

    at = first = in->at + negative;
    while (at < in->end && *at >= '0' && *at <= '9' && at - first < DIGITS_SURE)
        sum = sum * 10 + (*at++ - '0');
    if (in->failed != NULL || at == first || (at < in->end && is_number_byte(*at)))
        return false;
    in->at = at;
    *value = negative ? -sum : sum;
    return true;
}

int64_t json_scan_integer(struct json_scan *in)
{
    const uint8_t *before = in->at;
    struct slice text;
    int64_t value = 0;

    if (integer_read(in, &value))
        return value;
    text = json_skip(in);

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

int64_t json_element_integer(struct slice array, size_t index, int64_t absent)
{
    struct json_scan in = json_scan_of(array);
    bool first = true;
    int64_t number = 0;

    json_open(&in, '[');
    for (size_t i = 0; i <= index; i++) {
        if (!json_next(&in, ']', &first))
            return absent;
        number = json_scan_integer(&in);
    }
    return in.failed == NULL ? number : absent;
}
