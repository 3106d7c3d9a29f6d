#include "connect/json_in.h"

#include "base/banned.h"
#include "base/text.h"
#include "connect/json_out.h"

#define SOURCE "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %zu]"
#define ANY_VALUE "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

struct scanner {
    struct arena *arena;
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *line_start;
    int line;
    int depth;
    struct json_document *document;
    struct buffer text; /* the string being decoded */
};

static struct json_place place_of(const struct scanner *in, const uint8_t *at)
{
    struct json_place place = {in->line, (size_t)(at - in->line_start) + 1};

    return place;
}

/* The first problem counts. */
static void problem_set(struct scanner *in, const uint8_t *at, const char *problem)
{
    if (in->document->broken)
        return;
    in->document->broken = true;
    in->document->problem = problem;
    in->document->where = place_of(in, at);
}

static const char *character_describe(struct scanner *in, const uint8_t *at)
{
    uint32_t code = *at;

    if (code < 0x20)
        return arena_format(in->arena, "(CTRL-CHAR, code %u)", code);
    if (code >= 0xc0 && in->end - at > 1) { /* two bytes are the common case; longer ones are named by their code alone */
        int more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : 1;

        if (in->end - at > more) {
            code &= 0x3fu >> more;
            for (int i = 1; i <= more; i++)
                code = code << 6 | (at[i] & 0x3fu);
            return arena_format(in->arena, "'%.*s' (code %u / 0x%x)", more + 1, (const char *)at, code, code);
        }
    }
    return arena_format(in->arena, "'%c' (code %u)", (char)code, code);
}

static void unexpected(struct scanner *in, const uint8_t *at, const char *comment)
{
    problem_set(in, at, arena_format(in->arena, "Unexpected character (%s)%s", character_describe(in, at), comment));
}

static void blanks_skip(struct scanner *in)
{
    for (; in->at < in->end && !in->document->broken; in->at++) {
        uint8_t byte = *in->at;

        if (byte == '\n' || (byte == '\r' && !(in->end - in->at > 1 && in->at[1] == '\n'))) {
            in->line++;
            in->line_start = in->at + 1;
        } else if (byte != ' ' && byte != '\t' && byte != '\r') {
            if (byte < 0x20) {
                problem_set(
                    in, in->at + 1,
                    arena_format(
                        in->arena,
                        "Illegal character ((CTRL-CHAR, code %u)): only regular white space (\\r, \\n, \\t) is allowed between tokens",
                        byte));
            }
            return;
        }
    }
}

/* ---- Strings ---- */

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static void code_point_append(struct buffer *out, uint32_t code)
{
    if (code < 0x80) {
        buffer_append_u8(out, (uint8_t)code);
    } else if (code < 0x800) {
        buffer_append_u8(out, (uint8_t)(0xc0 | code >> 6));
        buffer_append_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buffer_append_u8(out, (uint8_t)(0xe0 | code >> 12));
        buffer_append_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        buffer_append_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
    } else {
        buffer_append_u8(out, (uint8_t)(0xf0 | code >> 18));
        buffer_append_u8(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        buffer_append_u8(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        buffer_append_u8(out, (uint8_t)(0x80 | (code & 0x3f)));
    }
}

/* Four hexadecimal digits; false after a problem. */
static bool unicode_read(struct scanner *in, const char *what, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, in->at++) {
        int digit = in->at < in->end ? hex_digit(*in->at) : -1;

        if (in->at == in->end)
            problem_set(in, in->at, arena_format(in->arena, "Unexpected end-of-input in character escape sequence%s", what));
        else if (digit < 0)
            unexpected(in, in->at, ": expected a hex-digit for character escape sequence");
        if (digit < 0)
            return false;
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

static bool escape_read(struct scanner *in)
{
    static const char plain[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    uint32_t code = 0, low = 0;
    const char *found;

    if (in->at == in->end) {
        problem_set(in, in->at, "Unexpected end-of-input in character escape sequence");
        return false;
    }
    found = memchr(plain, *in->at, sizeof(plain) - 1);
    if (found != NULL) {
        buffer_append_u8(&in->text, (uint8_t)meant[found - plain]);
        in->at++;
        return true;
    }
    if (*in->at != 'u') {
        problem_set(in, in->at, arena_format(in->arena, "Unrecognized character escape %s", character_describe(in, in->at)));
        return false;
    }
    in->at++;
    if (!unicode_read(in, "", &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00 && in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
        const uint8_t *back = in->at;

        in->at += 2;
        if (!unicode_read(in, "", &low))
            return false;
        if (low >= 0xdc00 && low < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
            in->at = back;
    }
    code_point_append(&in->text, code >= 0xd800 && code < 0xe000 ? '?' : code); /* half a pair: as Java writes it */
    return true;
}

/* The bytes of one character beyond ASCII; false after a problem. */
static bool utf8_read(struct scanner *in)
{
    uint8_t first = *in->at;
    int more = first >= 0xf8 ? -1 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : -1;

    if (more < 0) {
        problem_set(in, in->at + 1, arena_format(in->arena, "Invalid UTF-8 start byte 0x%x", first));
        return false;
    }
    for (int i = 1; i <= more; i++) {
        if (in->end - in->at <= i) {
            problem_set(in, in->end, "Unexpected end-of-input in VALUE_STRING");
            return false;
        }
        if ((in->at[i] & 0xc0) != 0x80) {
            problem_set(in, in->at + i + 1, arena_format(in->arena, "Invalid UTF-8 middle byte 0x%x", in->at[i]));
            return false;
        }
    }
    if (text_is_utf8(slice_of(in->at, (size_t)more + 1)))
        buffer_append(&in->text, in->at, (size_t)more + 1);
    else
        buffer_append_u8(&in->text, '?'); /* beyond Unicode, half a pair or too long a form: what is kept has to be text */
    in->at += more + 1;
    return true;
}

/* Behind the opening quote; gives the decoded text, also what there is of it before a problem. */
static struct slice string_read(struct scanner *in, const char *where)
{
    buffer_reset(&in->text);
    while (!in->document->broken) {
        if (in->at == in->end) {
            problem_set(in, in->at, arena_format(in->arena, "Unexpected end-of-input in %s", where));
        } else if (*in->at == '"') {
            in->at++;
            break;
        } else if (*in->at == '\\') {
            in->at++;
            (void)escape_read(in);
        } else if (*in->at < 0x20) {
            problem_set(
                in, in->at,
                arena_format(in->arena,
                             "Illegal unquoted character ((CTRL-CHAR, code %u)): has to be escaped using backslash to be included in %s",
                             *in->at, *where == 'f' ? "name" : "string value"));
        } else if (*in->at >= 0x80) {
            (void)utf8_read(in);
        } else {
            buffer_append_u8(&in->text, *in->at++);
        }
    }
    return slice_of(arena_copy_string(in->arena, slice_of(in->text.size == 0 ? (const uint8_t *)"" : in->text.data, in->text.size)),
                    in->text.size);
}

/* ---- Scalars ---- */

static bool is_digit(const struct scanner *in)
{
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

static bool digits_read(struct scanner *in, const char *comment)
{
    if (!is_digit(in)) {
        if (in->at == in->end)
            problem_set(in, in->at, "Unexpected end-of-input in a Number value");
        else
            unexpected(in, in->at, comment);
        return false;
    }
    while (is_digit(in))
        in->at++;
    return true;
}

static void number_read(struct scanner *in, struct json *json)
{
    const uint8_t *start = in->at;

    json->kind = NODE_INTEGER;
    if (*in->at == '-')
        in->at++;
    if (is_digit(in) && *in->at == '0' && in->end - in->at > 1 && in->at[1] >= '0' && in->at[1] <= '9') {
        problem_set(in, in->at + 1, "Invalid numeric value: Leading zeroes not allowed");
        return;
    }
    if (!digits_read(in, " in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value"))
        return;
    if (in->at < in->end && *in->at == '.') {
        json->kind = NODE_DECIMAL;
        in->at++;
        if (!digits_read(in, " in numeric value: Decimal point not followed by a digit"))
            return;
    }
    if (in->at < in->end && (*in->at | 0x20) == 'e') {
        json->kind = NODE_DECIMAL;
        in->at++;
        if (in->at < in->end && (*in->at == '+' || *in->at == '-'))
            in->at++;
        if (!digits_read(in, " in numeric value: Exponent indicator not followed by a digit"))
            return;
    }
    json->text = slice_of(arena_copy_string(in->arena, slice_of(start, (size_t)(in->at - start))), (size_t)(in->at - start));
    if (in->depth == 0 && in->at < in->end && strchr(" \t\r\n", *in->at) == NULL)
        unexpected(in, in->at, ": Expected space separating root-level values");
}

static bool is_word(uint8_t byte)
{
    return byte >= 0x80 || byte == '_' || byte == '$' || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static void word_read(struct scanner *in, struct json *json)
{
    static const struct {
        const char *word;
        enum node_kind kind;
    } words[] = {{"null", NODE_NULL}, {"true", NODE_TRUE}, {"false", NODE_FALSE}};
    const uint8_t *start = in->at;
    struct slice word;
    struct buffer name;

    while (in->at < in->end && is_word(*in->at))
        in->at++;
    word = slice_of(start, (size_t)(in->at - start));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_equal_string(word, words[i].word)) {
            json->kind = words[i].kind;
            return;
        }
    }
    if (slice_equal_string(word, "NaN") || slice_equal_string(word, "Infinity")) {
        problem_set(in, in->at,
                    arena_format(in->arena, "Non-standard token '%.*s': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
                                 (int)word.size, (const char *)word.data));
        return;
    }
    buffer_init(&name, 1024); /* Jackson shows at most 256 characters, each byte as one */
    for (size_t i = 0; i < word.size && i < 256; i++)
        code_point_append(&name, word.data[i]);
    problem_set(in, start,
                arena_format(in->arena, "Unrecognized token '%.*s%s': was expecting " ANY_VALUE, (int)name.size, (const char *)name.data,
                             word.size > 256 ? "..." : ""));
    buffer_finish(&name);
}

/* ---- Values ---- */

static struct json *value_read(struct scanner *in);

static void end_missing(struct scanner *in, const struct json *json)
{
    problem_set(in, in->end,
                arena_format(in->arena, "Unexpected end-of-input: expected close marker for %s (start marker at " SOURCE ")",
                             json->kind == NODE_ARRAY ? "Array" : "Object", json->at.line, json->at.column));
}

/* Behind a value of `json`: its closing mark, or a comma. True when there is more to come. */
static bool separator_read(struct scanner *in, struct json *json, uint8_t closing)
{
    blanks_skip(in);
    if (in->document->broken)
        return false;
    if (in->at == in->end) {
        end_missing(in, json);
        return false;
    }
    if (*in->at == closing) {
        in->at++;
        json->end = place_of(in, in->at);
        return false;
    }
    if (*in->at == ']' || *in->at == '}') {
        problem_set(in, in->at,
                    arena_format(in->arena, "Unexpected close marker '%c': expected '%c' (for %s starting at " SOURCE ")", *in->at, closing,
                                 json->kind == NODE_ARRAY ? "Array" : "Object", json->at.line, json->at.column));
        return false;
    }
    if (*in->at != ',') {
        unexpected(in, in->at,
                   json->kind == NODE_ARRAY ? ": was expecting comma to separate Array entries"
                                            : ": was expecting comma to separate Object entries");
        return false;
    }
    in->at++;
    blanks_skip(in);
    if (in->at == in->end)
        problem_set(in, in->end,
                    json->kind == NODE_ARRAY ? "Unexpected end-of-input within/between Array entries"
                                             : "Unexpected end-of-input within/between Object entries");
    return !in->document->broken;
}

/* A member's name and colon. */
static bool name_read(struct scanner *in, struct slice *name)
{
    if (*in->at != '"') {
        unexpected(in, in->at, ": was expecting double-quote to start field name");
        return false;
    }
    in->at++;
    *name = string_read(in, "field name");
    blanks_skip(in);
    if (in->document->broken)
        return false;
    if (in->at == in->end) {
        problem_set(in, in->end, "Unexpected end-of-input within/between Object entries");
        return false;
    }
    if (*in->at != ':') {
        unexpected(in, in->at, ": was expecting a colon to separate field name and value");
        return false;
    }
    in->at++;
    blanks_skip(in);
    if (in->at == in->end)
        problem_set(in, in->end, "Unexpected end-of-input within/between Object entries");
    return !in->document->broken;
}

static void container_read(struct scanner *in, struct json *json)
{
    uint8_t closing = *in->at == '[' ? ']' : '}';
    struct json **last = &json->first;
    bool more;

    json->kind = *in->at == '[' ? NODE_ARRAY : NODE_OBJECT;
    in->at++;
    if (++in->depth > NODE_DEPTH_MAX) {
        problem_set(
            in, in->at,
            arena_format(in->arena,
                         "Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)",
                         in->depth, NODE_DEPTH_MAX));
    }
    blanks_skip(in);
    if (!in->document->broken && in->at == in->end)
        end_missing(in, json);
    more = !in->document->broken && *in->at != closing;
    if (!more && !in->document->broken) {
        in->at++;
        json->end = place_of(in, in->at);
    }
    while (more) {
        struct slice name = slice_null();

        if (json->kind == NODE_OBJECT && !name_read(in, &name))
            break;
        *last = value_read(in);
        if (*last == NULL)
            break;
        (*last)->name = name;
        last = &(*last)->next;
        json->count++;
        more = !in->document->broken && separator_read(in, json, closing);
    }
    json->torn = in->document->broken;
    in->depth--;
}

/* At a character that is not blank; NULL when no value begins here. */
static struct json *value_read(struct scanner *in)
{
    struct json *json = arena_new(in->arena, sizeof(*json));
    uint8_t byte = *in->at;

    json->at = place_of(in, in->at);
    if (byte == '{' || byte == '[') {
        container_read(in, json);
        return json;
    }
    if (byte == '"') {
        in->at++;
        json->kind = NODE_STRING;
        json->text = string_read(in, "VALUE_STRING");
        json->torn = in->document->broken;
        return json;
    }
    if (byte == '-' || (byte >= '0' && byte <= '9'))
        number_read(in, json);
    else if (is_word(byte))
        word_read(in, json);
    else if (byte == '/')
        unexpected(in, in->at,
                   ": maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)");
    else if ((byte == ']' || byte == '}') && in->depth == 0)
        problem_set(in, in->at,
                    arena_format(in->arena, "Unexpected close marker '%c': no open %s to close", byte, byte == ']' ? "Array" : "Object"));
    else if (byte == ']' || byte == '}' || byte == ',')
        unexpected(in, in->at, ": expected a value");
    else
        unexpected(in, in->at, ": expected a valid value " ANY_VALUE);
    return in->document->broken ? NULL : json;
}

/* What stands behind the value? One token is enough to know. */
static void trailing_read(struct scanner *in)
{
    static const char *const names[] = {"VALUE_NULL", "VALUE_TRUE", "VALUE_FALSE", "VALUE_NUMBER_INT", "VALUE_NUMBER_FLOAT"};
    const struct json *scalar;

    blanks_skip(in);
    if (in->document->broken || in->at == in->end)
        return;
    in->document->where = place_of(in, in->at);
    if (*in->at == '{') {
        in->document->trailing = "START_OBJECT";
    } else if (*in->at == '[') {
        in->document->trailing = "START_ARRAY";
    } else if (*in->at == '"') {
        in->document->trailing = "VALUE_STRING";
    } else {
        scalar = value_read(in);
        in->document->trailing = scalar == NULL ? NULL : names[scalar->kind];
    }
}

void json_read(struct arena *arena, struct slice text, struct json_document *document)
{
    struct scanner in = {
        .arena = arena, .at = text.data, .end = text.data + text.size, .line_start = text.data, .line = 1, .document = document};

    *document = (struct json_document){0};
    buffer_init(&in.text, text.size + 1);
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        in.at += 3;
    blanks_skip(&in);
    if (!document->broken && in.at < in.end)
        document->root = value_read(&in);
    if (!document->broken && document->root != NULL)
        trailing_read(&in);
    buffer_finish(&in.text);
}

/* ---- Access ---- */

const struct json *json_member(const struct json *object, const char *name)
{
    const struct json *found = NULL;

    if (object == NULL || object->kind != NODE_OBJECT)
        return NULL;
    for (const struct json *member = object->first; member != NULL; member = member->next) {
        if (slice_equal_string(member->name, name))
            found = member;
    }
    return found;
}

void json_write(struct buffer *out, const struct json *json)
{
    static const char *const words[] = {"null", "true", "false"};

    if (json->kind <= NODE_FALSE) {
        buffer_append_string(out, words[json->kind]);
    } else if (json->kind <= NODE_DECIMAL) {
        buffer_append_slice(out, json->text);
    } else if (json->kind == NODE_STRING) {
        json_put_string(out, json->text);
    } else {
        buffer_append_u8(out, json->kind == NODE_ARRAY ? '[' : '{');
        for (const struct json *item = json->first; item != NULL; item = item->next) {
            json_put_comma(out);
            if (json->kind == NODE_OBJECT) {
                json_put_string(out, item->name);
                buffer_append_u8(out, ':');
            }
            json_write(out, item);
        }
        buffer_append_u8(out, json->kind == NODE_ARRAY ? ']' : '}');
    }
}
