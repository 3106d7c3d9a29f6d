/*
 * wire/json/number.h: numbers as Java prints them: Long.toString, Double.toString, Float.toString (JDK 19 and later, which
 * always prints the shortest digits that read back to the same number).
 * Source: javadoc of java.lang.Double.toString; R. Giulietti, "The Schubfach way to render doubles".
 */
#ifndef WIRE_JSON_NUMBER_H
#define WIRE_JSON_NUMBER_H

#include "base/buffer.h"

#define NUMBER_INTEGER_BYTES 20 /* "-9223372036854775808", "18446744073709551615" */
#define NUMBER_FLOAT_BYTES 26   /* "-1.2345678901234567E-300", "-Infinity" */

/* Write without checking for room; give the number of bytes. */
size_t number_write_uint64(uint8_t *to, uint64_t value);
size_t number_write_int64(uint8_t *to, int64_t value);
size_t number_write_double(uint8_t *to, double value); /* NaN, Infinity and -Infinity without quotes */
size_t number_write_float(uint8_t *to, float value);

/* Writes exactly `digits` decimal digits, zeros in front. */
void number_write_padded(uint8_t *to, uint64_t value, unsigned digits);

void number_append_int64(struct buffer *out, int64_t value);

/* As JSON: what is not a number goes between quotes. */
void number_append_double(struct buffer *out, double value);
void number_append_float(struct buffer *out, float value);

/*
 * Appends, as JSON, the double (float) whose text PostgreSQL sent: "1.5", "1e+300", "NaN", "-Infinity". The usual short
 * texts are turned around without being read. False: no number.
 */
bool number_append_double_text(struct buffer *out, struct slice text);
bool number_append_float_text(struct buffer *out, struct slice text);

#endif
