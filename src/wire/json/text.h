/*
 * wire/json/text.h: JSON strings exactly as Jackson's UTF-8 generator writes them: '"' '\\' and control characters escaped
 * (\b \t \n \f \r, else \u001F with upper-case digits), code points above U+FFFF as two escapes \uD83D\uDE00, the rest as it is.
 */
#ifndef WIRE_JSON_TEXT_H
#define WIRE_JSON_TEXT_H

#include "base/buffer.h"

/* Appends the text between quotes. Bytes that cannot begin or go on with a character above U+FFFF become U+FFFD. */
void json_append_string(struct buffer *out, struct slice text);

/* The same without the quotes. */
void json_append_escaped(struct buffer *out, struct slice text);

/* With the quotes, but characters above U+FFFF as they are: Jackson's way when it writes JSON into a Java string. */
void json_append_string_raw(struct buffer *out, struct slice text);

/*
 * Decodes a JSON string's inside (what stands between its quotes) to UTF-8, surrogate escapes joined.
 * False: an escape that is none. Lone surrogates become U+FFFD.
 */
bool json_unescape(struct buffer *out, struct slice inside);

#endif
