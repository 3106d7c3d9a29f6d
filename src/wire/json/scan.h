/*
 * wire/json/scan.h: walks over JSON text front to back without building anything; the first failure sticks. For hot paths and
 * for texts too large to be parsed whole; configuration and REST use jansson. Source: RFC 8259.
 */
#ifndef WIRE_JSON_SCAN_H
#define WIRE_JSON_SCAN_H

#include "base/arena.h"

#define JSON_DEPTH_MAX 64

struct json_scan {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    const char *failed; /* what was expected where it failed, at `at`; NULL while all is well */
};

enum json_kind { JSON_NONE, JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_scan json_scan_of(struct slice text);

/* Byte of the text where the scan stands. */
static inline size_t json_scan_position(const struct json_scan *in)
{
    return (size_t)(in->at - in->start);
}

/* Kind of the next value, without moving past it (white space is skipped); JSON_NONE at the end or at something else. */
enum json_kind json_peek(struct json_scan *in);

/* Moves past the next value and gives its text (a string with its quotes). */
struct slice json_skip(struct json_scan *in);

/* Reads a string: the text between the quotes, with its escapes still in; *escaped tells whether there are any. */
struct slice json_scan_string(struct json_scan *in, bool *escaped);

/* The next string with its escapes undone; borrowed from the text when there were none, else in the arena. */
struct slice json_text_read(struct json_scan *in, struct arena *arena);

/*
 * Objects and arrays: `json_open(in, '{')`, then until it gives false: `json_next(in, '}', &first)`, with `first` true before
 * the first call; in an object then json_name; then read or skip the value.
 */
void json_open(struct json_scan *in, char bracket);
bool json_next(struct json_scan *in, char bracket, bool *first);

/* A member's name and its colon. Names with escapes give their raw text. */
struct slice json_name(struct json_scan *in);

/* A number that is a whole one within int64; fails otherwise. */
int64_t json_scan_integer(struct json_scan *in);

/* The text of a member of an object, as json_skip gives it; data NULL when there is none or it is no object. */
struct slice json_scan_member(struct slice object, const char *name);

/* A string value's text without quotes when it has no escapes, else unescaped into the arena; data NULL when it is no string. */
struct slice json_member_text(struct slice object, const char *name, struct arena *arena);

/* A whole-number member, or `absent`. */
int64_t json_member_integer(struct slice object, const char *name, int64_t absent);

/* Whole number `index` of an array, or `absent`. */
int64_t json_element_integer(struct slice array, size_t index, int64_t absent);

#endif
