#include "wire/json/number.h"

#include "base/banned.h"

#include <math.h>

struct power {
    uint64_t high, low;
};

#include "powers_of_ten.h" /* made by make_powers.py */

/* ---- Whole numbers ---- */

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566"
    "676869707172737475767778798081828384858687888990919293949596979899";

static unsigned digit_count(uint64_t value)
{
    static const uint64_t tens[] = {0,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    UINT64_C(10000000000),
                                    UINT64_C(100000000000),
                                    UINT64_C(1000000000000),
                                    UINT64_C(10000000000000),
                                    UINT64_C(100000000000000),
                                    UINT64_C(1000000000000000),
                                    UINT64_C(10000000000000000),
                                    UINT64_C(100000000000000000),
                                    UINT64_C(1000000000000000000),
                                    UINT64_C(10000000000000000000)};
    unsigned guess = (unsigned)(64 - __builtin_clzll(value | 1)) * 1233 >> 12; /* log10(2) is about 1233/4096 */

    return guess + (value >= tens[guess] || guess == 0);
}

/* Eight digits in two halves that do not wait for each other. */
static void write_eight(uint8_t *to, uint32_t value)
{
    uint32_t high = value / 10000, low = value % 10000;

    memcpy(to, pairs + high / 100 * 2, 2);
    memcpy(to + 2, pairs + high % 100 * 2, 2);
    memcpy(to + 4, pairs + low / 100 * 2, 2);
    memcpy(to + 6, pairs + low % 100 * 2, 2);
}

void number_write_padded(uint8_t *to, uint64_t value, unsigned digits)
{
    while (digits >= 8) {
        digits -= 8;
        write_eight(to + digits, (uint32_t)(value % 100000000));
        value /= 100000000;
    }
    while (digits >= 2) {
        digits -= 2;
        memcpy(to + digits, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (digits == 1)
        *to = (uint8_t)('0' + value % 10);
}

size_t number_write_uint64(uint8_t *to, uint64_t value)
{
    unsigned digits = digit_count(value);

    number_write_padded(to, value, digits);
    return digits;
}

size_t number_write_int64(uint8_t *to, int64_t value)
{
    if (value >= 0)
        return number_write_uint64(to, (uint64_t)value);
    *to = '-';
    return 1 + number_write_uint64(to + 1, 0 - (uint64_t)value);
}

void number_append_int64(struct buffer *out, int64_t value)
{
    uint8_t *to = buffer_reserve(out, NUMBER_INTEGER_BYTES);

    if (to != NULL)
        out->size += number_write_int64(to, value);
}

/* ---- Floating point ---- */

/* A kind of binary floating point: its normal significands are significand_min to 2 * significand_min - 1. */
struct binary {
    uint64_t significand_min;
    int exponent_min;
    uint64_t tiny; /* significands below this need a digit more than s has */
};

static const struct binary binary64 = {UINT64_C(1) << 52, -1074, 3};
static const struct binary binary32 = {UINT64_C(1) << 23, -149, 8};

struct decimal { /* digits * 10^exponent */
    uint64_t digits;
    int exponent;
};

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)) and floor(log2(10^e)), right for |e| below 1600. */
static int log10_of_power_of_2(int e)
{
    return (int)(e * INT64_C(661971961083) >> 41);
}

static int log10_of_three_quarters(int e)
{
    return (int)((e * INT64_C(661971961083) + INT64_C(-274743187321)) >> 41);
}

static int log2_of_power_of_10(int e)
{
    return (int)(e * INT64_C(913124641741) >> 38);
}

/* g * cp / 2^127, rounded to odd: the last bit is set when the quotient is not whole. */
static uint64_t scale(const struct power *g, uint64_t cp)
{
    unsigned __int128 low = (unsigned __int128)g->low * cp;
    unsigned __int128 high = (unsigned __int128)g->high * cp + (uint64_t)(low >> 64);
    uint64_t lost = (uint64_t)high & ((UINT64_C(1) << 63) - 1);

    return (uint64_t)(high >> 63) | (lost > 0);
}

/* The shortest decimal that rounds to significand * 2^exponent; of several the closest; of two of those the even one. */
static struct decimal shortest(const struct binary *kind, uint64_t significand, int exponent, int shift)
{
    uint64_t odd = significand & 1;
    uint64_t middle = significand << 2, upper = middle + 2, lower;
    uint64_t v, v_lower, v_upper, s, t;
    const struct power *g;
    bool under, over;
    int k, h;

    if (significand != kind->significand_min || exponent == kind->exponent_min) {
        lower = middle - 2;
        k = log10_of_power_of_2(exponent);
    } else { /* below a power of two the neighbour is half as far */
        lower = middle - 1;
        k = log10_of_three_quarters(exponent);
    }
    h = exponent + log2_of_power_of_10(-k) + 2;
    g = &powers[-k - POWER_MIN];
    v = scale(g, middle << h);
    v_lower = scale(g, lower << h);
    v_upper = scale(g, upper << h);
    s = v >> 2;
    if (s >= 100) { /* two digits are the least that Java prints, so it asks for the best of two */
        uint64_t s10 = s / 10 * 10, t10 = s10 + 10;

        under = v_lower + odd <= s10 << 2;
        over = (t10 << 2) + odd <= v_upper;
        if (under != over)
            return (struct decimal){under ? s10 : t10, k + shift};
    }
    t = s + 1;
    under = v_lower + odd <= s << 2;
    over = (t << 2) + odd <= v_upper;
    if (under != over)
        return (struct decimal){under ? s : t, k + shift};
    if (v < (s + t) << 1 || (v == (s + t) << 1 && (s & 1) == 0))
        return (struct decimal){s, k + shift};
    return (struct decimal){t, k + shift};
}

static struct decimal to_decimal(const struct binary *kind, uint64_t significand, int exponent)
{
    if (significand < kind->tiny)
        return shortest(kind, significand * 10, exponent, -1);
    return shortest(kind, significand, exponent, 0);
}

/* Java's way to lay digits out: 0.001 up to 10000000 as they are, else d.ddE±n, always a digit behind the point. */
static size_t layout(uint8_t *to, const uint8_t *digits, size_t count, int point)
{
    uint8_t *start = to;

    /* The value is 0.DIGITS * 10^point. */
    if (point > 0 && point <= 7) {
        for (int i = 0; i < point; i++)
            *to++ = (size_t)i < count ? digits[i] : '0';
        *to++ = '.';
        if ((size_t)point >= count)
            *to++ = '0';
        for (size_t i = (size_t)point; i < count; i++)
            *to++ = digits[i];
    } else if (point > -3 && point <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = point; i < 0; i++)
            *to++ = '0';
        memcpy(to, digits, count);
        to += count;
    } else {
        *to++ = digits[0];
        *to++ = '.';
        if (count == 1)
            *to++ = '0';
        memcpy(to, digits + 1, count - 1);
        to += count - 1;
        *to++ = 'E';
        to += number_write_int64(to, point - 1);
    }
    return (size_t)(to - start);
}

static size_t decimal_write(uint8_t *to, struct decimal decimal)
{
    uint8_t digits[NUMBER_INTEGER_BYTES];
    size_t count = number_write_uint64(digits, decimal.digits), point = count;

    while (count > 1 && digits[count - 1] == '0')
        count--;
    return layout(to, digits, count, (int)point + decimal.exponent);
}

static size_t write_word(uint8_t *to, const char *word)
{
    size_t size = strlen(word);

    memcpy(to, word, size);
    return size;
}

static size_t special_write(uint8_t *to, bool negative, bool is_nan, bool is_infinite)
{
    if (is_nan)
        return write_word(to, "NaN");
    if (is_infinite)
        return write_word(to, negative ? "-Infinity" : "Infinity");
    return write_word(to, negative ? "-0.0" : "0.0");
}

size_t number_write_double(uint8_t *to, double value)
{
    uint64_t bits, fraction;
    size_t sign;
    int exponent;

    memcpy(&bits, &value, sizeof(bits));
    fraction = bits & (binary64.significand_min - 1);
    exponent = (int)(bits >> 52 & 0x7ff);
    sign = bits >> 63;
    if (exponent == 0x7ff || (exponent == 0 && fraction == 0))
        return special_write(to, sign != 0, exponent == 0x7ff && fraction != 0, exponent == 0x7ff);
    *to = '-';
    if (exponent == 0)
        return sign + decimal_write(to + sign, to_decimal(&binary64, fraction, binary64.exponent_min));
    return sign + decimal_write(to + sign, to_decimal(&binary64, fraction | binary64.significand_min, exponent - 1075));
}

size_t number_write_float(uint8_t *to, float value)
{
    uint32_t bits;
    uint64_t fraction;
    size_t sign;
    int exponent;

    memcpy(&bits, &value, sizeof(bits));
    fraction = bits & (binary32.significand_min - 1);
    exponent = (int)(bits >> 23 & 0xff);
    sign = bits >> 31;
    if (exponent == 0xff || (exponent == 0 && fraction == 0))
        return special_write(to, sign != 0, exponent == 0xff && fraction != 0, exponent == 0xff);
    *to = '-';
    if (exponent == 0)
        return sign + decimal_write(to + sign, to_decimal(&binary32, fraction, binary32.exponent_min));
    return sign + decimal_write(to + sign, to_decimal(&binary32, fraction | binary32.significand_min, exponent - 150));
}

static void append_written(struct buffer *out, const uint8_t *text, size_t size, bool quoted)
{
    uint8_t *to = buffer_reserve(out, NUMBER_FLOAT_BYTES + 2);

    if (to == NULL)
        return;
    to[0] = '"';
    memcpy(to + quoted, text, size);
    to[quoted + size] = '"';
    out->size += size + 2 * (size_t)quoted;
}

void number_append_double(struct buffer *out, double value)
{
    uint8_t text[NUMBER_FLOAT_BYTES];

    append_written(out, text, number_write_double(text, value), !isfinite(value));
}

void number_append_float(struct buffer *out, float value)
{
    uint8_t text[NUMBER_FLOAT_BYTES];

    append_written(out, text, number_write_float(text, value), !isfinite(value));
}

/* ---- From PostgreSQL's text ---- */

struct scanned {
    bool negative;
    uint8_t digits[17]; /* without zeros in front and behind */
    size_t count;
    int point; /* 0.DIGITS * 10^point */
};

/* Takes a plain decimal of at most 17 digits apart; false when it is something else (which may still be a number). */
static bool scan(struct slice text, struct scanned *number)
{
    const uint8_t *at = text.data, *end = at + text.size;
    bool seen_point = false, seen_digit = false;
    int exponent = 0, exponent_sign = 1;
    size_t zeros = 0;

    number->negative = at < end && *at == '-';
    number->count = 0;
    number->point = 0;
    at += number->negative;
    for (; at < end && ((*at >= '0' && *at <= '9') || (*at == '.' && !seen_point)); at++) {
        if (*at == '.') {
            seen_point = true;
            continue;
        }
        seen_digit = true;
        if (number->count == 0 && *at == '0') {
            number->point -= seen_point;
            continue;
        }
        number->point += !seen_point;
        if (*at == '0') {
            zeros++;
            continue;
        }
        if (number->count + zeros >= sizeof(number->digits))
            return false;
        memset(number->digits + number->count, '0', zeros);
        number->count += zeros;
        zeros = 0;
        number->digits[number->count++] = *at;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            exponent_sign = *at++ == '-' ? -1 : 1;
        if (end - at < 1 || end - at > 4)
            return false;
        for (; at < end && *at >= '0' && *at <= '9'; at++)
            exponent = exponent * 10 + (*at - '0');
    }
    number->point += exponent_sign * exponent;
    return at == end && seen_digit;
}

/*
 * With at most `safe` digits no two decimals round to the same number, so the text's digits are the shortest ones already:
 * only the layout is left to do.
 */
static bool append_scanned(struct buffer *out, struct slice text, size_t safe, int point_max)
{
    struct scanned number;
    uint8_t *to;
    size_t sign;

    if (!scan(text, &number) || number.count > safe || number.point > point_max || number.point < -point_max)
        return false;
    to = buffer_reserve(out, NUMBER_FLOAT_BYTES);
    if (to == NULL)
        return true;
    *to = '-';
    sign = number.negative;
    if (number.count == 0)
        out->size += special_write(to, number.negative, false, false);
    else
        out->size += sign + layout(to + sign, number.digits, number.count, number.point);
    return true;
}

/* A copy with a NUL for strtod, which knows "NaN" and "Infinity" too; false when it cannot be a number. */
static bool copy_number(struct slice text, char copy[64])
{
    if (text.size == 0 || text.size > 63 || text.data[0] == ' ' || memchr(text.data, 0, text.size) != NULL)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    return true;
}

bool number_append_double_text(struct buffer *out, struct slice text)
{
    char copy[64], *end;
    double value;

    if (append_scanned(out, text, 15, 290))
        return true;
    if (!copy_number(text, copy))
        return false;
    value = strtod(copy, &end);
    if (*end != 0)
        return false;
    number_append_double(out, value);
    return true;
}

bool number_append_float_text(struct buffer *out, struct slice text)
{
    char copy[64], *end;
    float value;

    if (append_scanned(out, text, 6, 30))
        return true;
    if (!copy_number(text, copy))
        return false;
    value = strtof(copy, &end);
    if (*end != 0)
        return false;
    number_append_float(out, value);
    return true;
}
