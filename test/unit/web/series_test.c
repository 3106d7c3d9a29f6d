#include "web/series.h"

#include "check.h"

#include <math.h>

#define NOW_MS 1795517954000LL

/* A connector's series with the longest name that a connector has. */
static void long_name(char name[320])
{
    (void)snprintf(name, 320, "connector_commit_to_durable_p50_ms:%0249d", 7);
}

TEST(a_long_name_is_found_again)
{
    struct series *series = series_create();
    char name[320];

    long_name(name);
    series_put(series, name, NOW_MS, 2.5);
    assert_true(series_last(series, name) == 2.5);
    series_destroy(series);
}

TEST(a_long_name_takes_one_place_however_often_it_is_set)
{
    struct series *series = series_create();
    char name[320];

    long_name(name);
    for (int i = 0; i < SERIES_MAX + 1; i++)
        series_put(series, name, NOW_MS + i * 1000, i);
    series_put(series, "group_lag_worst_ms:readers", NOW_MS, 7);
    assert_true(series_last(series, "group_lag_worst_ms:readers") == 7);
    series_destroy(series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_name_is_found_again),
        cmocka_unit_test(a_long_name_takes_one_place_however_often_it_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
