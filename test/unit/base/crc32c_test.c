#include "base/crc32c.h"

#include "check.h"

TEST(the_check_value_of_the_standard_comes_out)
{
    assert_int_equal(crc32c(0, slice_from_string("123456789")), 0xe3069283u);
    assert_int_equal(crc32c(0, slice_from_string("")), 0);
}

TEST(parts_give_the_same_as_the_whole)
{
    uint8_t bytes[100];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++)
        assert_int_equal(crc32c(crc32c(0, slice_of(bytes, cut)), slice_of(bytes + cut, sizeof(bytes) - cut)), crc32c(0, slice_of(bytes, sizeof(bytes))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_of_the_standard_comes_out),
        cmocka_unit_test(parts_give_the_same_as_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
