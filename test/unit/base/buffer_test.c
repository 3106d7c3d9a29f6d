#include "base/buffer.h"

#include "check.h"

TEST(writing_past_the_maximum_fails_and_sticks)
{
    struct buffer buffer;

    buffer_init(&buffer, 10);
    buffer_append(&buffer, "12345678", 8);
    assert_false(buffer.failed);
    buffer_append(&buffer, "9ab", 3);
    assert_true(buffer.failed);
    buffer_append(&buffer, "9", 1);
    assert_int_equal(buffer.size, 8);
    buffer_reset(&buffer);
    buffer_append(&buffer, "0123456789", 10);
    assert_false(buffer.failed);
    buffer_finish(&buffer);
}

TEST(huge_lengths_do_not_wrap)
{
    struct buffer buffer;

    buffer_init(&buffer, 1000);
    buffer_append(&buffer, "x", 1);
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
    buffer_finish(&buffer);
}

TEST(numbers_are_big_endian_and_varints_zigzag)
{
    struct buffer buffer;
    static const uint8_t expected[] = {0x01, 0x02, 0xff, 0xff, 0xff, 0xfe, 0xac, 0x02, 0x01, 0x02};

    buffer_init(&buffer, 100);
    buffer_append_u16(&buffer, 0x0102);
    buffer_append_u32(&buffer, 0xfffffffeu);
    buffer_append_varuint(&buffer, 300);
    buffer_append_varint(&buffer, -1);
    buffer_append_varint(&buffer, 1);
    assert_int_equal(buffer.size, sizeof(expected));
    assert_memory_equal(buffer.data, expected, sizeof(expected));
    buffer_finish(&buffer);
}

TEST(decimals_reach_both_ends_of_int64)
{
    struct buffer buffer;

    buffer_init(&buffer, 100);
    buffer_append_decimal(&buffer, INT64_MIN);
    buffer_append_u8(&buffer, ' ');
    buffer_append_decimal(&buffer, INT64_MAX);
    buffer_append_format(&buffer, " %d", 0);
    assert_true(slice_equal_string(buffer_slice(&buffer), "-9223372036854775808 9223372036854775807 0"));
    buffer_consume(&buffer, 21);
    assert_true(slice_equal_string(buffer_slice(&buffer), "9223372036854775807 0"));
    buffer_finish(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_past_the_maximum_fails_and_sticks),
        cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(numbers_are_big_endian_and_varints_zigzag),
        cmocka_unit_test(decimals_reach_both_ends_of_int64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
