#include "wire/debezium/value.h"

#include "base/banned.h"
#include "wire/json/number.h"
#include "wire/json/text.h"
#include "wire/postgres/value.h"

void value_scratch_init(struct value_scratch *scratch)
{
    buffer_init(&scratch->text, SIZE_MAX / 4);
    buffer_init(&scratch->bytes, SIZE_MAX / 4);
    buffer_init(&scratch->inner, SIZE_MAX / 4);
}

void value_scratch_finish(struct value_scratch *scratch)
{
    buffer_finish(&scratch->text);
    buffer_finish(&scratch->bytes);
    buffer_finish(&scratch->inner);
}

bool encode_integer(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    size_t sign = text.size > 0 && text.data[0] == '-', digits = text.size - sign;

    (void)encoder;
    if (digits == 0 || digits > 19)
        return false;
    for (size_t i = sign; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    buffer_append_slice(out, text); /* the server prints them as Java does */
    return true;
}

bool encode_boolean(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    if (slice_equal_string(text, "t"))
        buffer_append(out, "true", 4);
    else
        buffer_append(out, "false", 5);
    return true;
}

bool encode_float(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    return number_append_float_text(out, text);
}

/* A number whose text may be as long as a numeric's. */
bool encode_double(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct buffer *copy = &encoder->scratch->text;
    struct pg_numeric numeric;

    if (number_append_double_text(out, text))
        return true;
    if (!pg_numeric_read(text, &numeric))
        return false;
    buffer_reset(copy);
    buffer_append_slice(copy, text);
    buffer_append_u8(copy, 0);
    if (copy->failed)
        return false;
    number_append_double(out, strtod((const char *)copy->data, NULL));
    return true;
}

/* ---- Decimals: an unscaled whole number and a scale ---- */

struct unscaled {
    bool negative;
    struct slice digits; /* of the absolute value, without zeros in front; empty for 0 */
    size_t zeros;        /* more zeros behind them */
};

static struct slice skip_zeros(struct slice digits)
{
    size_t zeros = 0;

    while (zeros < digits.size && digits.data[zeros] == '0')
        zeros++;
    return slice_from(digits, zeros);
}

/*
 * All digits of a numeric as one run, scaled to `scale` digits behind the point. Borrows from the text where it can,
 * else from the scratch text. False when digits other than 0 would be lost.
 */
static bool unscaled_read(struct value_scratch *scratch, const struct pg_numeric *numeric, size_t scale, struct unscaled *value)
{
    struct slice fraction = numeric->fraction;

    while (fraction.size > scale) {
        if (fraction.data[fraction.size - 1] != '0')
            return false;
        fraction.size--;
    }
    value->zeros = scale - fraction.size;
    value->digits = numeric->whole;
    if (fraction.size > 0) {
        buffer_reset(&scratch->text);
        buffer_append_slice(&scratch->text, numeric->whole);
        buffer_append_slice(&scratch->text, fraction);
        if (scratch->text.failed)
            return false;
        value->digits = buffer_slice(&scratch->text);
    }
    value->digits = skip_zeros(value->digits);
    value->negative = numeric->negative && value->digits.size > 0;
    if (value->digits.size == 0)
        value->zeros = 0;
    return true;
}

/* Limbs of 64 bits, the least first. limbs = limbs * factor + add. */
static void limbs_multiply_add(uint64_t *limbs, size_t *count, uint64_t factor, uint64_t add)
{
    unsigned __int128 carry = add;

    for (size_t i = 0; i < *count; i++) {
        carry += (unsigned __int128)limbs[i] * factor;
        limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry > 0)
        limbs[(*count)++] = (uint64_t)carry;
}

static uint64_t power_of_10(size_t exponent)
{
    uint64_t power = 1;

    while (exponent-- > 0)
        power *= 10;
    return power;
}

#define CHUNK_DIGITS 19

/* Digits and zeros to limbs in the scratch bytes; NULL when there is no room. */
static uint64_t *limbs_read(struct value_scratch *scratch, const struct unscaled *value, size_t *count)
{
    size_t digits = value->digits.size, zeros = value->zeros;
    uint64_t *limbs;

    buffer_reset(&scratch->bytes);
    limbs = (uint64_t *)(void *)buffer_reserve(&scratch->bytes, ((digits + zeros) / CHUNK_DIGITS + 3) * sizeof(*limbs) * 2);
    if (limbs == NULL)
        return NULL;
    *count = 0;
    for (size_t at = 0; at < digits;) {
        size_t chunk = digits - at < CHUNK_DIGITS ? digits - at : CHUNK_DIGITS;
        uint64_t sum = 0;

        for (size_t i = 0; i < chunk; i++)
            sum = sum * 10 + (value->digits.data[at + i] - '0');
        limbs_multiply_add(limbs, count, power_of_10(chunk), sum);
        at += chunk;
    }
    while (zeros > 0) {
        size_t chunk = zeros < CHUNK_DIGITS ? zeros : CHUNK_DIGITS;

        limbs_multiply_add(limbs, count, power_of_10(chunk), 0);
        zeros -= chunk;
    }
    return limbs;
}

/* The limbs as BigInteger.toByteArray gives them: big-endian two's complement, as short as can be. Gives where they begin in `bytes`. */
static struct slice limbs_to_bytes(uint64_t *limbs, size_t count, bool negative, uint8_t *bytes)
{
    size_t size = count * sizeof(*limbs) + 1, at = 0;

    if (negative) {
        bool carry = true;

        for (size_t i = 0; i < count; i++) {
            limbs[i] = ~limbs[i] + carry;
            carry = carry && limbs[i] == 0;
        }
    }
    bytes[0] = negative ? 0xff : 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t big = __builtin_bswap64(limbs[count - 1 - i]);

        memcpy(bytes + 1 + i * sizeof(big), &big, sizeof(big));
    }
    while (at + 1 < size && bytes[at] == bytes[0] && (bytes[at + 1] & 0x80) == (bytes[0] & 0x80))
        at++;
    return slice_of(bytes + at, size - at);
}

static void append_base64(struct buffer *out, struct slice bytes)
{
    uint8_t *to = buffer_reserve(out, base64_size(bytes.size) + 2);

    if (to == NULL)
        return;
    to[0] = '"';
    base64_write(to + 1, bytes.data, bytes.size, BASE64_STANDARD);
    to[1 + base64_size(bytes.size)] = '"';
    out->size += base64_size(bytes.size) + 2;
}

static void append_small(struct buffer *out, int64_t value)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    uint8_t bytes[sizeof(big)];
    size_t at = 0;

    memcpy(bytes, &big, sizeof(big));
    while (at < 7 && bytes[at] == (value < 0 ? 0xff : 0) && (bytes[at + 1] & 0x80) == (value < 0 ? 0x80 : 0))
        at++;
    append_base64(out, slice_of(bytes + at, sizeof(bytes) - at));
}

/* Appends the unscaled value as quoted base64. */
static bool append_unscaled(struct value_scratch *scratch, const struct unscaled *value, struct buffer *out)
{
    size_t count;
    uint64_t *limbs;

    if (value->digits.size + value->zeros <= 18) {
        int64_t small = 0;

        for (size_t i = 0; i < value->digits.size; i++)
            small = small * 10 + (value->digits.data[i] - '0');
        small *= (int64_t)power_of_10(value->zeros);
        append_small(out, value->negative ? -small : small);
        return true;
    }
    limbs = limbs_read(scratch, value, &count);
    if (limbs == NULL)
        return false;
    append_base64(out, limbs_to_bytes(limbs, count, value->negative, (uint8_t *)(limbs + count)));
    return true;
}

static void append_zeros(struct buffer *out, size_t zeros)
{
    uint8_t *to = buffer_reserve(out, zeros);

    if (to == NULL)
        return;
    memset(to, '0', zeros);
    out->size += zeros;
}

/* BigDecimal.toString: plain, or with an exponent when the number is below 1E-6 and its digits begin late. */
static void append_number(const struct unscaled *value, size_t scale, struct buffer *out)
{
    struct slice digits = value->digits.size == 0 ? slice_from_string("0") : value->digits;
    size_t count = digits.size + value->zeros;
    int64_t exponent = (int64_t)count - 1 - (int64_t)scale;

    if (value->negative)
        buffer_append_u8(out, '-');
    if (exponent < -6) {
        buffer_append(out, digits.data, 1);
        if (count > 1)
            buffer_append_u8(out, '.');
        buffer_append_slice(out, slice_from(digits, 1));
        append_zeros(out, value->zeros);
        buffer_append_format(out, "E%lld", (long long)exponent);
        return;
    }
    if (count <= scale) {
        buffer_append(out, "0.", 2);
        append_zeros(out, scale - count);
        buffer_append_slice(out, digits);
        append_zeros(out, value->zeros);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (scale > 0 && i == count - scale)
            buffer_append_u8(out, '.');
        buffer_append_u8(out, i < digits.size ? digits.data[i] : '0');
    }
}

static bool append_decimal(const struct value_encoder *encoder, const struct pg_numeric *numeric, struct buffer *out)
{
    struct unscaled value;

    if (!unscaled_read(encoder->scratch, numeric, (size_t)encoder->scale, &value))
        return false;
    if (!encoder->decimal_numeric)
        return append_unscaled(encoder->scratch, &value, out);
    append_number(&value, (size_t)encoder->scale, out);
    return true;
}

/* The usual case, at most 18 digits and as many behind the point as the column has, in one go. */
static bool append_short_decimal(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    const uint8_t *at = text.data, *end = at + text.size;
    bool negative = at < end && *at == '-';
    const uint8_t *point = NULL;
    int64_t sum = 0;

    at += negative;
    if (at == end || end - at > 18)
        return false;
    for (; at < end; at++) {
        if (*at == '.' && point == NULL)
            point = at;
        else if (*at >= '0' && *at <= '9')
            sum = sum * 10 + (*at - '0');
        else
            return false;
    }
    if ((point == NULL ? 0 : end - point - 1) != encoder->scale || encoder->decimal_numeric)
        return false;
    append_small(out, negative ? -sum : sum);
    return true;
}

bool encode_decimal(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_numeric numeric;

    return append_short_decimal(encoder, text, out) ||
           (pg_numeric_read(text, &numeric) && numeric.special == PG_NUMBER && append_decimal(encoder, &numeric, out));
}

bool encode_decimal_variable(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_numeric numeric;
    struct unscaled value;

    if (!pg_numeric_read(text, &numeric) || numeric.special != PG_NUMBER)
        return false;
    while (numeric.fraction.size > 0 && numeric.fraction.data[numeric.fraction.size - 1] == '0')
        numeric.fraction.size--;
    if (!unscaled_read(encoder->scratch, &numeric, numeric.fraction.size, &value))
        return false;
    buffer_append_string(out, "{\"scale\":");
    number_append_int64(out, (int64_t)numeric.fraction.size);
    buffer_append_string(out, ",\"value\":");
    if (!append_unscaled(encoder->scratch, &value, out))
        return false;
    buffer_append_u8(out, '}');
    return true;
}

bool encode_decimal_text(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    static const char *const names[] = {
        [PG_NAN] = "\"NAN\"", [PG_INFINITY] = "\"POSITIVE_INFINITY\"", [PG_MINUS_INFINITY] = "\"NEGATIVE_INFINITY\""};
    struct pg_numeric numeric;
    struct slice fraction;

    if (!pg_numeric_read(text, &numeric))
        return false;
    if (numeric.special != PG_NUMBER) {
        buffer_append_string(out, names[numeric.special]);
        return true;
    }
    fraction = numeric.fraction;
    while (encoder->scale >= 0 && fraction.size > (size_t)encoder->scale) {
        if (fraction.data[--fraction.size] != '0')
            return false;
    }
    buffer_append_u8(out, '"');
    if (numeric.negative && (skip_zeros(numeric.whole).size > 0 || skip_zeros(fraction).size > 0))
        buffer_append_u8(out, '-');
    buffer_append_slice(out, numeric.whole);
    if (fraction.size > 0 || encoder->scale > 0)
        buffer_append_u8(out, '.');
    buffer_append_slice(out, fraction);
    if (encoder->scale > 0)
        append_zeros(out, (size_t)encoder->scale - fraction.size);
    buffer_append_u8(out, '"');
    return true;
}

/* ---- money ---- */

#define MONEY_BYTES_MAX 64

/* "-$1,234.57" or "($1,234.57)" as "-1234.57", the way PostgresMoney.parse does it. */
static bool money_read(struct slice text, char number[MONEY_BYTES_MAX], struct pg_numeric *numeric)
{
    bool negative = text.size > 0 && (text.data[0] == '-' || text.data[0] == '(');
    size_t size = 0;

    if (negative)
        text = slice_from(text, 1);
    if (text.size > 0 && text.data[text.size - 1] == ')')
        text.size--;
    if (text.size > 0 && (text.data[0] < '0' || text.data[0] > '9') && text.data[0] != '.')
        text = slice_from(text, 1);
    if (negative)
        number[size++] = '-';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == ',')
            continue;
        if (size + 1 >= MONEY_BYTES_MAX)
            return false;
        number[size++] = (char)text.data[i];
    }
    number[size] = 0;
    return pg_numeric_read(slice_of(number, size), numeric) && numeric->special == PG_NUMBER;
}

/* Adds one to a run of digits that has a zero in front. */
static void round_up(char *digits, size_t count)
{
    while (count > 0) {
        if (digits[--count] == '.')
            continue;
        if (digits[count] != '9') {
            digits[count]++;
            return;
        }
        digits[count] = '0';
    }
}

bool encode_money(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    char number[MONEY_BYTES_MAX], rounded[MONEY_BYTES_MAX + 2];
    struct pg_numeric numeric;
    size_t scale = (size_t)encoder->scale, size;
    bool up;

    if (!money_read(text, number, &numeric))
        return false;
    if (numeric.fraction.size <= scale)
        return append_decimal(encoder, &numeric, out);
    up = numeric.fraction.data[scale] >= '5'; /* HALF_UP */
    size = (size_t)snprintf(rounded, sizeof(rounded), "0%.*s.%.*s", (int)numeric.whole.size, (const char *)numeric.whole.data, (int)scale,
                            (const char *)numeric.fraction.data);
    if (up)
        round_up(rounded, size);
    if (scale == 0)
        size--; /* the point */
    up = numeric.negative;
    if (!pg_numeric_read(slice_of(rounded, size), &numeric))
        return false;
    numeric.negative = up;
    return append_decimal(encoder, &numeric, out);
}

bool encode_money_double(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    char number[MONEY_BYTES_MAX];
    struct pg_numeric numeric;

    (void)encoder;
    return money_read(text, number, &numeric) && number_append_double_text(out, slice_from_string(number));
}

bool encode_money_text(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    char number[MONEY_BYTES_MAX];
    struct pg_numeric numeric;

    (void)encoder;
    if (!money_read(text, number, &numeric))
        return false;
    json_append_string(out, slice_from_string(number));
    return true;
}
