#include "os/moment.h"

#include "check.h"

static int64_t parsed(const char *text)
{
    int64_t ms = -1;

    return moment_parse(text, 1000000000000, &ms) ? ms : -1;
}

TEST(dates_and_times_are_utc)
{
    assert_int_equal(parsed("1970-01-02"), 86400000);
    assert_int_equal(parsed("1970-01-01 00:01"), 60000);
    assert_int_equal(parsed("1970-01-01T00:00:01"), 1000);
    assert_int_equal(parsed("1970-01-01 00:00:01.5"), 1500);
    assert_int_equal(parsed("1970-01-01T00:00:01.442094Z"), 1442);
}

TEST(durations_are_before_now)
{
    assert_int_equal(parsed("90s"), 1000000000000 - 90000);
    assert_int_equal(parsed("2d"), 1000000000000 - 2 * 86400000);
}

TEST(anything_else_is_refused)
{
    static const char *const texts[] = {"", "d", "-1d", "5x", "2026-13-01", "2026-01-07T", "2026-01-07 1:2:3 x", "yesterday", "99999999999999999999s"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(parsed(texts[i]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_times_are_utc),
        cmocka_unit_test(durations_are_before_now),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
