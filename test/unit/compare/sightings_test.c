#include "compare/sightings.h"

#include "check.h"

TEST(a_row_is_new_once_in_each_version)
{
    struct sightings *sightings = sightings_create(2);
    const struct sighting *all;
    size_t count;

    assert_false(sightings_take(sightings, 1, 1, 10)); /* there before */
    assert_true(sightings_take(sightings, 1, 2, 20));
    assert_false(sightings_take(sightings, 1, 2, 30));
    assert_true(sightings_take(sightings, 70000, 1, 40));
    assert_true(sightings_take(sightings, 70000, VERSION_GONE, 50));
    assert_false(sightings_take(sightings, 70000, VERSION_GONE, 60));
    all = sightings_all(sightings, &count);
    assert_int_equal(count, 3);
    assert_int_equal(all[1].id, 70000);
    assert_int_equal(all[2].version, VERSION_GONE);
    assert_int_equal(all[2].at_ns, 50);
    assert_int_equal(sightings_again(sightings), 3);
    sightings_destroy(sightings);
}

TEST(what_a_whole_reading_lacks_is_gone_once)
{
    struct sightings *sightings = sightings_create(3);
    const struct sighting *all;
    size_t count;

    for (int round = 0; round < 2; round++) {
        sightings_round_begin(sightings);
        (void)sightings_take(sightings, 1, 1, 10);
        (void)sightings_take(sightings, 3, 1, 10);
        sightings_round_end(sightings, 10);
    }
    all = sightings_all(sightings, &count);
    assert_int_equal(count, 1);
    assert_int_equal(all[0].id, 2);
    assert_int_equal(all[0].version, VERSION_GONE);
    sightings_destroy(sightings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_new_once_in_each_version),
        cmocka_unit_test(what_a_whole_reading_lacks_is_gone_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
