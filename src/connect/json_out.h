/* connect/json_out.h: JSON as Jackson writes it: no blanks, members in the order given, its escapes. */
#ifndef CONNECT_JSON_OUT_H
#define CONNECT_JSON_OUT_H

#include "base/buffer.h"
#include "base/properties.h"

/* A string with its quotes. */
void json_put_string(struct buffer *out, struct slice text);

/* The same for a C string; NULL gives null. */
void json_put_text(struct buffer *out, const char *text);

/* "key": with a comma before it unless the object has just been opened. */
void json_put_key(struct buffer *out, const char *key);

/* A comma unless an array or object has just been opened; for what follows. */
void json_put_comma(struct buffer *out);

/* {"key":"value",...}; NULL values give null. */
void json_put_map(struct buffer *out, const struct properties *map);

#endif
