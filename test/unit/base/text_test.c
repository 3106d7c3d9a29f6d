#include "base/text.h"

#include "check.h"

TEST(numbers_are_parsed_whole_or_not_at_all)
{
    int64_t value;
    int32_t narrow;
    double real;

    assert_true(text_parse_int64(slice_from_string("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    assert_false(text_parse_int64(slice_from_string("9223372036854775808"), &value));
    assert_false(text_parse_int64(slice_from_string(""), &value));
    assert_false(text_parse_int64(slice_from_string("-"), &value));
    assert_false(text_parse_int64(slice_from_string("1x"), &value));
    assert_false(text_parse_int32(slice_from_string("2147483648"), &narrow));
    assert_true(text_parse_double(slice_from_string("1.5e3"), &real));
    assert_true(real == 1500.0);
    assert_false(text_parse_double(slice_from_string(" 1"), &real));
}

TEST(fields_are_cut_at_the_separator)
{
    struct slice rest = slice_from_string("a,,b"), field;

    assert_true(text_next_field(&rest, ',', &field));
    assert_true(slice_equal_string(field, "a"));
    assert_true(text_next_field(&rest, ',', &field));
    assert_int_equal(field.size, 0);
    assert_true(text_next_field(&rest, ',', &field));
    assert_true(slice_equal_string(field, "b"));
    assert_false(text_next_field(&rest, ',', &field));
    assert_true(slice_equal_string(text_trim(slice_from_string(" \tx y\n")), "x y"));
}

TEST(distance_counts_edits)
{
    assert_int_equal(text_distance("log.segment.bytes", "log.segmnt.bytes"), 1);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
}

TEST(the_nearest_name_is_found_only_when_it_is_near)
{
    struct text_nearest nearest;

    text_nearest_init(&nearest, "log.segmnt.bytes");
    text_nearest_offer(&nearest, "log.retention.bytes");
    text_nearest_offer(&nearest, "log.segment.bytes");
    text_nearest_offer(&nearest, "listeners");
    assert_string_equal(text_nearest_found(&nearest), "log.segment.bytes");
    text_nearest_init(&nearest, "completely different");
    text_nearest_offer(&nearest, "log.segment.bytes");
    assert_null(text_nearest_found(&nearest));
}

TEST(malformed_utf8_is_told)
{
    assert_true(text_is_utf8(slice_from_string("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(text_is_utf8(slice_from_string("\xc0\x80")));
    assert_false(text_is_utf8(slice_from_string("\xed\xa0\x80")));
    assert_false(text_is_utf8(slice_from_string("\xe2\x82")));
    assert_false(text_is_utf8(slice_from_string("\xf4\x90\x80\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_parsed_whole_or_not_at_all),
        cmocka_unit_test(fields_are_cut_at_the_separator),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(the_nearest_name_is_found_only_when_it_is_near),
        cmocka_unit_test(malformed_utf8_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
