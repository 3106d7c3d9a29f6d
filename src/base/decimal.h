/* base/decimal.h: exact decimal numbers of up to 38 digits: amounts of money are never binary fractions. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/slice.h"

struct decimal {
    __int128 unscaled; /* the value is unscaled / 10^scale */
    int32_t scale;     /* 0 to 38 */
};

#define DECIMAL_TEXT_SIZE 48 /* sign, 39 digits, point, leading zero, NUL */

/* "-12.30", ".5", "1e3"; false when it is not a number or has more than 38 digits. */
bool decimal_parse(struct slice text, struct decimal *decimal);

/* Big-endian two's complement, as Connect's Decimal has it; false past 16 bytes or a scale out of range. */
bool decimal_from_bytes(struct slice bytes, int32_t scale, struct decimal *decimal);

struct decimal decimal_from_int64(int64_t value);

/* With exactly `scale` digits behind the point. */
void decimal_print(const struct decimal *decimal, char text[DECIMAL_TEXT_SIZE]);

/* -1, 0, 1. Exact for any two values. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* False when the result does not fit. `result` may be one of the operands. */
bool decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *result);
bool decimal_subtract(const struct decimal *a, const struct decimal *b, struct decimal *result);
bool decimal_multiply(const struct decimal *a, int64_t factor, struct decimal *result);
bool decimal_product(const struct decimal *a, const struct decimal *b, struct decimal *result); /* scales add up */

/* To another scale, rounding half away from zero; false when it does not fit. */
bool decimal_rescale(const struct decimal *a, int32_t scale, struct decimal *result);

double decimal_to_double(const struct decimal *decimal);

#endif
