/* base/text.h: strict parsing and comparing of short texts. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/slice.h"

/* A whole decimal number with an optional sign, nothing before or behind it; false when it is not one or does not fit. */
bool text_parse_int64(struct slice text, int64_t *value);
bool text_parse_int32(struct slice text, int32_t *value);
bool text_parse_double(struct slice text, double *value);

/* "true" or "false" in any case. */
bool text_parse_bool(struct slice text, bool *value);

/* Without white space at both ends. */
struct slice text_trim(struct slice text);

/* Cuts the next field off the front; false when nothing is left. "a,,b" gives "a", "", "b"; "" gives nothing. */
bool text_next_field(struct slice *rest, char separator, struct slice *field);

/* Levenshtein distance, for "did you mean"; texts beyond 128 bytes compare by their first 128. */
size_t text_distance(const char *a, const char *b);

/* The closest of several names to one that nobody knows: init, offer each, then ask. */
struct text_nearest {
    const char *wanted;
    const char *best; /* borrowed from the offers */
    size_t distance;
};
void text_nearest_init(struct text_nearest *nearest, const char *wanted);
void text_nearest_offer(struct text_nearest *nearest, const char *candidate);
const char *text_nearest_found(const struct text_nearest *nearest); /* NULL when none comes close */

/* The first character of UTF-8 that is not empty, and its size; of a torn one at the end what is there. */
size_t text_character(struct slice text, uint32_t *code);
size_t text_character_size(uint8_t first); /* by its first byte */

/* Well-formed UTF-8 (RFC 3629)? */
bool text_is_utf8(struct slice text);

#endif
