#include "base/latency.h"

#include "check.h"

static struct latency latency;

static void are(int64_t now_us, int64_t p50, int64_t p99)
{
    int64_t found50, found99;

    latency_read(&latency, now_us, &found50, &found99);
    assert_int_equal(found50, p50);
    assert_int_equal(found99, p99);
}

TEST(without_samples_nothing_is_told)
{
    latency = (struct latency){.count = 0};
    are(0, -1, -1);
    latency_add(&latency, 100, 7);
    are(100, 7, 7);
    are(100 + LATENCY_WINDOW_US, 7, 7);
    are(101 + LATENCY_WINDOW_US, -1, -1);
}

TEST(the_median_and_the_slowest_hundredth_are_told)
{
    latency = (struct latency){.count = 0};
    for (int64_t i = 100; i >= 1; i--)
        latency_add(&latency, 0, i);
    are(0, 50, 99);
    latency_add(&latency, 0, -5);
    are(0, 50, 99);
}

TEST(only_the_last_samples_are_kept)
{
    latency = (struct latency){.count = 0};
    for (int64_t i = 0; i < 3 * LATENCY_SAMPLES; i++)
        latency_add(&latency, 0, i < 2 * LATENCY_SAMPLES ? 1000000 : 3);
    are(0, 3, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_samples_nothing_is_told),
        cmocka_unit_test(the_median_and_the_slowest_hundredth_are_told),
        cmocka_unit_test(only_the_last_samples_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
