#include "check.h"

#include <math.h>

#include "wire/json/number.h"

static void check_double(double value, const char *expected)
{
    uint8_t text[NUMBER_FLOAT_BYTES + 1];

    text[number_write_double(text, value)] = 0;
    assert_string_equal(text, expected);
}

static void check_float(float value, const char *expected)
{
    uint8_t text[NUMBER_FLOAT_BYTES + 1];

    text[number_write_float(text, value)] = 0;
    assert_string_equal(text, expected);
}

TEST(whole_numbers_are_written_at_their_edges)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},
                {9, "9"},
                {10, "10"},
                {99, "99"},
                {100, "100"},
                {-1, "-1"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    uint8_t text[NUMBER_INTEGER_BYTES + 1];
    uint64_t power = 1;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        text[number_write_int64(text, rows[i].value)] = 0;
        assert_string_equal(text, rows[i].text);
    }
    for (int digits = 1; digits <= 19; digits++, power *= 10) {
        for (int64_t step = -1; step <= 1; step++) {
            char expected[24];

            snprintf(expected, sizeof(expected), "%llu", (unsigned long long)(power + (uint64_t)step));
            text[number_write_uint64(text, power + (uint64_t)step)] = 0;
            assert_string_equal(text, expected);
        }
    }
    text[number_write_uint64(text, UINT64_MAX)] = 0;
    assert_string_equal(text, "18446744073709551615");
}

/* The right column is what Java 21 printed. */
TEST(doubles_are_written_as_java_does)
{
    check_double(0.0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(1.0, "1.0");
    check_double(0.1, "0.1");
    check_double(123.45, "123.45");
    check_double(0.001, "0.001");
    check_double(0.00099, "9.9E-4");
    check_double(9999999.0, "9999999.0");
    check_double(1e7, "1.0E7");
    check_double(12345678.5, "1.23456785E7");
    check_double(1e23, "1.0E23");
    check_double(2e23, "2.0E23");
    check_double(9007199254740993.0, "9.007199254740992E15");
    check_double(1.7976931348623157e308, "1.7976931348623157E308");
    check_double(2.2250738585072014e-308, "2.2250738585072014E-308");
    check_double(5e-324, "4.9E-324");
    check_double(1e-323, "9.9E-324");
    check_double(2e-323, "2.0E-323");
    check_double(NAN, "NaN");
    check_double(INFINITY, "Infinity");
    check_double(-INFINITY, "-Infinity");
}

TEST(floats_are_written_as_java_does)
{
    check_float(0.1f, "0.1");
    check_float(3.4028235e38f, "3.4028235E38");
    check_float(1e-45f, "1.4E-45");
    check_float(1.17549435e-38f, "1.1754944E-38");
    check_float(16777216.0f, "1.6777216E7");
    check_float(33554432.0f, "3.3554432E7");
    check_float(-2.5f, "-2.5");
}

static void check_text(const char *text, const char *as_double, const char *as_float)
{
    struct buffer out;

    buffer_init(&out, 100);
    assert_true(number_append_double_text(&out, slice_from_string(text)));
    buffer_append_u8(&out, 0);
    assert_string_equal(out.data, as_double);
    buffer_reset(&out);
    assert_true(number_append_float_text(&out, slice_from_string(text)));
    buffer_append_u8(&out, 0);
    assert_string_equal(out.data, as_float);
    buffer_finish(&out);
}

TEST(texts_of_the_server_are_turned_into_javas)
{
    check_text("1", "1.0", "1.0");
    check_text("-0", "-0.0", "-0.0");
    check_text("1e+300", "1.0E300", "\"Infinity\"");
    check_text("1.5e-05", "1.5E-5", "1.5E-5");
    check_text("0.0001", "1.0E-4", "1.0E-4");
    check_text("1200", "1200.0", "1200.0");
    check_text("12000000", "1.2E7", "1.2E7");
    check_text("9.999999999999999e+22", "1.0E23", "1.0E23");
    check_text("1.1234567890123457", "1.1234567890123457", "1.1234568");
    check_text("NaN", "\"NaN\"", "\"NaN\"");
    check_text("-Infinity", "\"-Infinity\"", "\"-Infinity\"");
    check_text("5e-324", "4.9E-324", "0.0");
    check_text("1e-45", "1.0E-45", "1.4E-45");
}

TEST(texts_that_are_no_numbers_are_refused)
{
    const char *wrong[] = {"", "x", "1x", "1e", "--1", "1.2.3", " 1", "e5", "."};
    struct buffer out;

    buffer_init(&out, 100);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(number_append_double_text(&out, slice_from_string(wrong[i])));
        assert_false(number_append_float_text(&out, slice_from_string(wrong[i])));
    }
    assert_int_equal(out.size, 0);
    buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_written_at_their_edges), cmocka_unit_test(doubles_are_written_as_java_does),
        cmocka_unit_test(floats_are_written_as_java_does),          cmocka_unit_test(texts_of_the_server_are_turned_into_javas),
        cmocka_unit_test(texts_that_are_no_numbers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
