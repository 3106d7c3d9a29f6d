#include "base/decimal.h"

#include "check.h"

static const char *printed(const struct decimal *decimal)
{
    static char text[DECIMAL_TEXT_SIZE];

    decimal_print(decimal, text);
    return text;
}

static struct decimal of(const char *text)
{
    struct decimal decimal = {0, 0};

    assert_true(decimal_parse(slice_from_string(text), &decimal));
    return decimal;
}

TEST(texts_read_and_print_back)
{
    static const char *const texts[] = {"0", "-1", "0.00", "-0.05", "123.45", "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001"};
    struct decimal decimal;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        decimal = of(texts[i]);
        assert_string_equal(printed(&decimal), texts[i]);
    }
    decimal = of("1.5e3");
    assert_string_equal(printed(&decimal), "1500");
    decimal = of("15E-3");
    assert_string_equal(printed(&decimal), "0.015");
    assert_false(decimal_parse(slice_from_string(""), &decimal));
    assert_false(decimal_parse(slice_from_string("-"), &decimal));
    assert_false(decimal_parse(slice_from_string("."), &decimal));
    assert_false(decimal_parse(slice_from_string("1.2.3"), &decimal));
    assert_false(decimal_parse(slice_from_string("NaN"), &decimal));
    assert_false(decimal_parse(slice_from_string("1e999"), &decimal));
    assert_false(decimal_parse(slice_from_string("1000000000000000000000000000000000000000000"), &decimal));
}

TEST(connects_bytes_are_signed_and_big_endian)
{
    static const uint8_t plus[] = {0x01, 0xc4}, minus[] = {0xff}, padded[] = {0x00, 0xff};
    struct decimal decimal;

    assert_true(decimal_from_bytes(slice_of(plus, 2), 2, &decimal));
    assert_string_equal(printed(&decimal), "4.52");
    assert_true(decimal_from_bytes(slice_of(minus, 1), 2, &decimal));
    assert_string_equal(printed(&decimal), "-0.01");
    assert_true(decimal_from_bytes(slice_of(padded, 2), 0, &decimal));
    assert_string_equal(printed(&decimal), "255");
    assert_false(decimal_from_bytes(slice_of(plus, 0), 2, &decimal));
    assert_false(decimal_from_bytes(slice_of(plus, 2), 39, &decimal));
}

TEST(comparing_does_not_overflow)
{
    struct decimal a = of("99999999999999999999999999999999999999"), b = of("0.00000000000000000000000000000000000001");
    struct decimal c = of("1.10"), d = of("1.1"), e = of("-99999999999999999999999999999999999999");

    assert_int_equal(decimal_compare(&a, &b), 1);
    assert_int_equal(decimal_compare(&b, &a), -1);
    assert_int_equal(decimal_compare(&c, &d), 0);
    assert_int_equal(decimal_compare(&e, &b), -1);
    assert_int_equal(decimal_compare(&b, &e), 1);
}

TEST(sums_and_products_are_exact)
{
    struct decimal a = of("0.1"), b = of("0.20"), sum;

    assert_true(decimal_add(&a, &b, &sum));
    assert_string_equal(printed(&sum), "0.30");
    assert_true(decimal_subtract(&a, &b, &sum));
    assert_string_equal(printed(&sum), "-0.10");
    assert_true(decimal_product(&(struct decimal){125, 2}, &(struct decimal){-15, 1}, &sum));
    assert_int_equal(sum.unscaled, -1875);
    assert_int_equal(sum.scale, 3);
    assert_false(decimal_product(&(struct decimal){1, 20}, &(struct decimal){1, 19}, &sum));
    assert_true(decimal_multiply(&b, -3, &sum));
    assert_string_equal(printed(&sum), "-0.60");
    a = of("99999999999999999999999999999999999999");
    assert_false(decimal_multiply(&a, INT64_MAX, &sum));
    assert_false(decimal_add(&a, &b, &sum));
}

TEST(rescaling_rounds_half_away_from_zero)
{
    struct decimal a = of("2.345"), b = of("-2.345"), c = of("2.344"), out;

    assert_true(decimal_rescale(&a, 2, &out));
    assert_string_equal(printed(&out), "2.35");
    assert_true(decimal_rescale(&b, 2, &out));
    assert_string_equal(printed(&out), "-2.35");
    assert_true(decimal_rescale(&c, 2, &out));
    assert_string_equal(printed(&out), "2.34");
    assert_true(decimal_rescale(&c, 5, &out));
    assert_string_equal(printed(&out), "2.34400");
    assert_true(decimal_to_double(&c) > 2.3439 && decimal_to_double(&c) < 2.3441);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_read_and_print_back),
        cmocka_unit_test(connects_bytes_are_signed_and_big_endian),
        cmocka_unit_test(comparing_does_not_overflow),
        cmocka_unit_test(sums_and_products_are_exact),
        cmocka_unit_test(rescaling_rounds_half_away_from_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
