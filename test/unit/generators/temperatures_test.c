#include "generators/temperatures.h"

#include "check.h"

TEST(temperatures_stay_in_a_room_and_follow_the_day)
{
    int64_t night = 0, afternoon = 0;

    for (int64_t second = 0; second < 86400 * 2; second += 60) {
        int32_t tenths = temperature_tenths(1, second);

        assert_in_range(tenths, 200, 320);
        assert_int_equal(tenths, temperature_tenths(1, second));
    }
    for (int64_t second = 0; second < 3600; second += 60) {
        night += temperature_tenths(1, 2 * 3600 + second);
        afternoon += temperature_tenths(1, 14 * 3600 + second);
    }
    assert_true(afternoon > night + 60 * 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(temperatures_stay_in_a_room_and_follow_the_day)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
