#include "base/decimal.h"

#include "base/banned.h"
#include "base/text.h"

#define DIGITS_MAX 38

#define POWERS 19

/* Those that fit into 64 bits. */
static const int64_t powers[POWERS] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
    100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};

static __int128 power_of_ten(int32_t exponent)
{
    __int128 power = 1;

    for (; exponent >= POWERS; exponent--)
        power *= 10;
    return exponent > 0 ? power * powers[exponent] : power;
}

static bool shift_left(__int128 value, int32_t digits, __int128 *shifted)
{
    if (digits < POWERS && value == (int64_t)value) { /* 64 bits times 60 */
        *shifted = digits > 0 ? value * powers[digits] : value;
        return true;
    }
    *shifted = value;
    for (; digits > 0; digits--) {
        if (__builtin_mul_overflow(*shifted, (__int128)10, shifted))
            return false;
    }
    return true;
}

/* Digits with an optional point; false at any other byte. */
static bool digits_parse(struct slice text, struct decimal *decimal, size_t *digits)
{
    bool point = false;

    *decimal = (struct decimal){0, 0};
    *digits = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = text.data[i] - '0';

        if (text.data[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (digit < 0 || digit > 9)
            return false;
        if (decimal->unscaled == 0 && digit == 0 && !point) {
            (*digits)++;
            continue;
        }
        if (__builtin_mul_overflow(decimal->unscaled, (__int128)10, &decimal->unscaled) ||
            __builtin_add_overflow(decimal->unscaled, (__int128)digit, &decimal->unscaled))
            return false;
        (*digits)++;
        decimal->scale += point;
        if (decimal->scale > DIGITS_MAX)
            return false;
    }
    return true;
}

bool decimal_parse(struct slice text, struct decimal *decimal)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t digits, mantissa = 0;
    int32_t exponent = 0;

    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        text = slice_from(text, 1);
    while (mantissa < text.size && (text.data[mantissa] | 0x20) != 'e')
        mantissa++;
    if (mantissa < text.size && !text_parse_int32(slice_from(text, mantissa + 1), &exponent))
        return false;
    if (exponent > 2 * DIGITS_MAX || exponent < -2 * DIGITS_MAX)
        return false;
    if (!digits_parse(slice_of(text.data, mantissa), decimal, &digits) || digits == 0)
        return false;
    decimal->scale -= exponent;
    if (decimal->scale < 0) {
        if (!shift_left(decimal->unscaled, -decimal->scale, &decimal->unscaled))
            return false;
        decimal->scale = 0;
    }
    if (negative)
        decimal->unscaled = -decimal->unscaled;
    return decimal->scale <= DIGITS_MAX;
}

bool decimal_from_bytes(struct slice bytes, int32_t scale, struct decimal *decimal)
{
    unsigned __int128 value = bytes.size > 0 && (bytes.data[0] & 0x80) != 0 ? ~(unsigned __int128)0 : 0;

    if (bytes.size == 0 || bytes.size > sizeof(value) || scale < 0 || scale > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    *decimal = (struct decimal){(__int128)value, scale};
    return true;
}

struct decimal decimal_from_int64(int64_t value)
{
    struct decimal decimal = {value, 0};
    return decimal;
}

void decimal_print(const struct decimal *decimal, char text[DECIMAL_TEXT_SIZE])
{
    char reversed[DECIMAL_TEXT_SIZE];
    unsigned __int128 rest = decimal->unscaled < 0 ? 0 - (unsigned __int128)decimal->unscaled : (unsigned __int128)decimal->unscaled;
    size_t size = 0, out = 0;
    int32_t printed = 0;

    do {
        if (printed == decimal->scale && printed > 0)
            reversed[size++] = '.';
        reversed[size++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        printed++;
    } while ((rest > 0 || printed <= decimal->scale) && size < sizeof(reversed) - 2);
    if (decimal->unscaled < 0)
        text[out++] = '-';
    while (size > 0)
        text[out++] = reversed[--size];
    text[out] = '\0';
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    int32_t more = a->scale - b->scale;
    const struct decimal *small = more < 0 ? a : b; /* the one with fewer digits behind the point */
    const struct decimal *large = more < 0 ? b : a;
    int32_t digits = more < 0 ? -more : more;
    __int128 shifted;
    int order;

    if (shift_left(small->unscaled, digits, &shifted)) {
        order = shifted < large->unscaled ? -1 : shifted > large->unscaled;
    } else {
        order = small->unscaled < 0 ? -1 : 1; /* it is beyond anything that fits */
    }
    return small == a ? order : -order;
}

static bool to_same_scale(const struct decimal *a, const struct decimal *b, struct decimal *x, struct decimal *y)
{
    *x = *a;
    *y = *b;
    if (a->scale < b->scale) {
        x->scale = b->scale;
        return shift_left(a->unscaled, b->scale - a->scale, &x->unscaled);
    }
    y->scale = a->scale;
    return shift_left(b->unscaled, a->scale - b->scale, &y->unscaled);
}

bool decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *result)
{
    struct decimal x, y;

    if (!to_same_scale(a, b, &x, &y) || __builtin_add_overflow(x.unscaled, y.unscaled, &x.unscaled))
        return false;
    *result = x;
    return true;
}

bool decimal_subtract(const struct decimal *a, const struct decimal *b, struct decimal *result)
{
    struct decimal x, y;

    if (!to_same_scale(a, b, &x, &y) || __builtin_sub_overflow(x.unscaled, y.unscaled, &x.unscaled))
        return false;
    *result = x;
    return true;
}

bool decimal_multiply(const struct decimal *a, int64_t factor, struct decimal *result)
{
    struct decimal product = *a;

    if (__builtin_mul_overflow(product.unscaled, (__int128)factor, &product.unscaled))
        return false;
    *result = product;
    return true;
}

bool decimal_product(const struct decimal *a, const struct decimal *b, struct decimal *result)
{
    struct decimal product = {0, a->scale + b->scale};

    if (product.scale > DIGITS_MAX || __builtin_mul_overflow(a->unscaled, b->unscaled, &product.unscaled))
        return false;
    *result = product;
    return true;
}

bool decimal_rescale(const struct decimal *a, int32_t scale, struct decimal *result)
{
    struct decimal scaled = {a->unscaled, scale};

    if (scale < 0 || scale > DIGITS_MAX)
        return false;
    if (scale >= a->scale) {
        if (!shift_left(a->unscaled, scale - a->scale, &scaled.unscaled))
            return false;
    } else {
        __int128 divisor = power_of_ten(a->scale - scale);
        __int128 rest = a->unscaled % divisor;

        scaled.unscaled = a->unscaled / divisor;
        if (rest >= divisor - rest)
            scaled.unscaled++;
        else if (-rest >= divisor + rest)
            scaled.unscaled--;
    }
    *result = scaled;
    return true;
}

double decimal_to_double(const struct decimal *decimal)
{
    return (double)decimal->unscaled / (double)power_of_ten(decimal->scale);
}
