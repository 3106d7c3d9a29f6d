#include "connect/java_regex.h"

#include "base/banned.h"

#include <ctype.h>

struct pattern {
    struct arena *arena;
    const uint8_t *text;
    int size;
    int at;
    const char *problem;
    int depth; /* of groups, so that no pattern exhausts the stack */
};

enum { GROUP_DEPTH_MAX = 500 };

static void fail(struct pattern *in, const char *what, int index)
{
    if (in->problem != NULL)
        return;
    if (index < 0)
        in->problem = arena_format(in->arena, "%s\n%.*s", what, in->size, (const char *)in->text);
    else if (index >= in->size)
        in->problem = arena_format(in->arena, "%s near index %d\n%.*s", what, index, in->size, (const char *)in->text);
    else
        in->problem = arena_format(in->arena, "%s near index %d\n%.*s\n%*s^", what, index, in->size, (const char *)in->text, index, "");
}

static int peek(const struct pattern *in, int ahead)
{
    return in->at + ahead < in->size ? in->text[in->at + ahead] : -1;
}

/* Behind a backslash. Gives the character it stands for, -1 when it is a class of characters. */
static int escape_read(struct pattern *in)
{
    int c = peek(in, 0);

    if (c < 0) {
        fail(in, "Unexpected internal error", in->size);
        return -1;
    }
    if (isalpha(c) && strchr("abcdefhknprstuvwxzABDGHNPQRSVWXZE", c) == NULL)
        fail(in, "Illegal/unsupported escape sequence", in->at);
    in->at++;
    if (c == 'Q') { /* literal up to \E */
        while (in->at < in->size && !(peek(in, 0) == '\\' && peek(in, 1) == 'E'))
            in->at++;
        in->at = in->at + 2 < in->size ? in->at + 2 : in->size;
        return -1;
    }
    if ((c == 'p' || c == 'P' || c == 'x' || c == 'k' || c == 'N') && (peek(in, 0) == '{' || peek(in, 0) == '<')) {
        int closing = peek(in, 0) == '{' ? '}' : '>';

        while (in->at < in->size && peek(in, 0) != closing)
            in->at++;
        if (in->at == in->size)
            fail(in, c == 'k' ? "named capturing group is missing trailing '>'" : "Unclosed character family", in->size - 1);
        else
            in->at++;
        return -1;
    }
    return isalpha(c) ? -1 : c;
}

/* Behind '['. */
static void class_read(struct pattern *in)
{
    bool first = true;

    if (++in->depth > GROUP_DEPTH_MAX) {
        fail(in, "Nested too deeply", in->at);
        return;
    }
    if (peek(in, 0) == '^')
        in->at++;
    while (in->problem == NULL) {
        int from = peek(in, 0);

        if (from < 0) {
            fail(in, "Unclosed character class", in->size - 1);
            break;
        }
        in->at++;
        if (from == ']' && !first)
            break;
        first = false;
        if (from == '[') {
            class_read(in);
            continue;
        }
        if (from == '\\')
            from = escape_read(in);
        if (from >= 0 && peek(in, 0) == '-' && peek(in, 1) != ']' && peek(in, 1) != '[') {
            int to = peek(in, 1);

            if (to < 0) {
                fail(in, "Illegal character range", in->size);
                break;
            }
            in->at += 2;
            if (to == '\\')
                to = escape_read(in);
            if (to >= 0 && to < from)
                fail(in, "Illegal character range", in->at - 1);
        }
    }
    in->depth--;
}

/* After an atom. */
static void quantifier_read(struct pattern *in)
{
    int c = peek(in, 0);

    if (c == '{') {
        in->at++;
        if (!isdigit(peek(in, 0))) {
            fail(in, "Illegal repetition", in->at);
            return;
        }
        while (isdigit(peek(in, 0)))
            in->at++;
        if (peek(in, 0) == ',')
            in->at++;
        while (isdigit(peek(in, 0)))
            in->at++;
        if (peek(in, 0) != '}') {
            fail(in, "Unclosed counted closure", in->at);
            return;
        }
        in->at++;
    } else if (c == '*' || c == '+' || c == '?') {
        in->at++;
    } else {
        return;
    }
    if (peek(in, 0) == '?' || peek(in, 0) == '+')
        in->at++;
}

/* Behind "(?". True when it opens a group, false for a modifier like (?i). */
static bool group_kind_read(struct pattern *in)
{
    int c = peek(in, 0);

    if (c == ':' || c == '=' || c == '!' || c == '>') {
        in->at++;
        return true;
    }
    if (c == '<' && (peek(in, 1) == '=' || peek(in, 1) == '!')) {
        in->at += 2;
        return true;
    }
    if (c == '<') {
        in->at++;
        while (isalnum(peek(in, 0)))
            in->at++;
        if (peek(in, 0) != '>')
            fail(in, "named capturing group is missing trailing '>'", in->at);
        in->at++;
        return true;
    }
    for (;;) {
        c = peek(in, 0);
        if (c == ')' || c == ':') {
            in->at++;
            return c == ':';
        }
        if (c < 0 || strchr("idmsuxU-", c) == NULL) {
            fail(in, "Unknown inline modifier", in->at);
            return false;
        }
        in->at++;
    }
}

/* A sequence of atoms, up to the end or the closing mark of a group. */
static void sequence_read(struct pattern *in)
{
    while (in->problem == NULL && in->at < in->size) {
        int c = peek(in, 0);

        if (c == ')')
            return;
        if (c == '*' || c == '+' || c == '?') {
            fail(in, arena_format(in->arena, "Dangling meta character '%c'", c), in->at);
            return;
        }
        in->at++;
        if (c == '[') {
            class_read(in);
        } else if (c == '\\') {
            (void)escape_read(in);
        } else if (c == '(') {
            bool group = true;

            if (peek(in, 0) == '?') {
                in->at++;
                group = group_kind_read(in);
            }
            if (!group)
                continue;
            if (++in->depth > GROUP_DEPTH_MAX) {
                fail(in, "Nested too deeply", in->at);
                return;
            }
            sequence_read(in);
            in->depth--;
            if (in->problem == NULL && in->at >= in->size)
                fail(in, "Unclosed group", in->size);
            in->at++;
        } else if (c == '{') {
            fail(in, "Illegal repetition", -1);
        }
        if (c != '|' && c != '^')
            quantifier_read(in);
    }
}

const char *java_regex_problem(struct arena *arena, struct slice pattern)
{
    struct pattern in = {.arena = arena, .text = pattern.data, .size = pattern.size > 10000 ? 10000 : (int)pattern.size};

    if (pattern.size > 10000)
        return "The regular expression is longer than 10000 bytes";
    sequence_read(&in);
    if (in.problem == NULL && in.at < in.size)
        fail(&in, "Unmatched closing ')'", in.at - 1);
    return in.problem;
}
