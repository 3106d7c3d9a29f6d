#include "base/reader.h"

#include "check.h"

TEST(a_failure_sticks_and_reads_give_zero)
{
    static const uint8_t bytes[] = {0, 1, 2, 3, 4};
    struct reader in = reader_of(slice_of(bytes, sizeof(bytes)));

    assert_int_equal(read_u16(&in), 1);
    assert_int_equal(read_u32(&in), 0);
    assert_true(in.failed);
    assert_int_equal(read_u8(&in), 0);
    assert_int_equal(reader_left(&in), 0);
    assert_string_equal(read_cstring(&in), "");
}

TEST(lying_lengths_are_refused)
{
    struct reader in = reader_of(slice_from_string("abc"));

    assert_int_equal(read_bytes(&in, SIZE_MAX).size, 0);
    assert_true(in.failed);
}

TEST(varints_read_back_and_overlong_ones_fail)
{
    static const uint8_t bytes[] = {0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x1f};
    struct reader in = reader_of(slice_of(bytes, sizeof(bytes)));

    assert_int_equal(read_varint32(&in), -1);
    assert_int_equal(read_varint32(&in), INT32_MIN);
    assert_int_equal(read_varint32(&in), 0);
    assert_true(in.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_sticks_and_reads_give_zero),
        cmocka_unit_test(lying_lengths_are_refused),
        cmocka_unit_test(varints_read_back_and_overlong_ones_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
