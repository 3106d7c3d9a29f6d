#include "check.h"

#include "base/time.h"

#include "base/banned.h"

TEST(what_has_just_failed_is_tried_again_soon_then_seldom)
{
    assert_int_equal(retry_wait_ms(1, 0, 30000), 100);
    assert_int_equal(retry_wait_ms(2, 100, 30000), 200);
    assert_int_equal(retry_wait_ms(4, 700, 30000), 800);
    assert_int_equal(retry_wait_ms(5, 1500, 30000), 1000); /* it may just be starting */
    assert_int_equal(retry_wait_ms(30, 29999, 30000), 1000);
    assert_int_equal(retry_wait_ms(8, 30000, 30000), 12800);
    assert_int_equal(retry_wait_ms(1000000, 3600000, 30000), 30000);
    assert_int_equal(retry_wait_ms(5, 1500, 50), 50);
}

TEST(days_and_dates_are_each_others_inverse)
{
    for (int64_t days = -800000; days < 800000; days += 997) {
        int64_t year;
        unsigned month, day;

        civil_from_days(days, &year, &month, &day);
        assert_int_equal(days_from_civil(year, month, day), days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_just_failed_is_tried_again_soon_then_seldom),
        cmocka_unit_test(days_and_dates_are_each_others_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
