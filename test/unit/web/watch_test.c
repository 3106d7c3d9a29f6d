#include "web/watch.h"

#include "check.h"

static json_t *groups_of(int64_t committed, int64_t waiting, const char *member)
{
    return json_pack("[{s:s, s:[{s:s, s:i, s:I, s:I}], s:[{s:s, s:{s:[i]}}]}]", "group", "g", "partitions", "topic", "t", "partition", 2, "committed", (json_int_t)committed, "waiting",
                     (json_int_t)waiting, "members", "member", member, "partitions", "t", 2);
}

/* Takes the references. */
static void look(struct watch *watch, json_t *description, json_t *groups, int64_t now_ms)
{
    watch_look(watch, description, groups, now_ms);
    json_decref(description);
    json_decref(groups);
}

TEST(a_partition_stands_while_messages_wait_and_nothing_is_committed)
{
    struct watch *watch = watch_create();

    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 0), -1);
    look(watch, json_object(), groups_of(10, 5, "m"), 1000);
    look(watch, json_object(), groups_of(10, 9, "m"), 61000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 62000), 61000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 1, 62000), -1);
    look(watch, json_object(), NULL, 62000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 63000), 62000);
    look(watch, json_object(), groups_of(11, 8, "m"), 63000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 64000), 1000);
    look(watch, json_object(), groups_of(19, 0, "m"), 65000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 66000), -1);
    look(watch, json_object(), groups_of(19, 3, "m"), 70000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 71000), 1000);
    look(watch, json_object(), json_array(), 71000);
    assert_int_equal(watch_stood_ms(watch, "g", "t", 2, 72000), -1);
    watch_destroy(watch);
}

TEST(rebalances_are_counted_for_ten_minutes)
{
    struct watch *watch = watch_create();

    look(watch, json_object(), groups_of(1, 0, "a"), 1000);
    assert_int_equal(watch_rebalances(watch, "g", 1000), 0);
    for (int i = 0; i < 5; i++)
        look(watch, json_object(), groups_of(1, 0, i % 2 == 0 ? "b" : "a"), 2000 + i * 1000);
    assert_int_equal(watch_rebalances(watch, "g", 7000), 5);
    look(watch, json_object(), groups_of(1, 0, "b"), 8000);
    assert_int_equal(watch_rebalances(watch, "g", 8000), 5);
    assert_int_equal(watch_rebalances(watch, "g", 603500), 3);
    for (int i = 0; i < 100; i++)
        look(watch, json_object(), groups_of(1, 0, i % 2 == 0 ? "a" : "b"), 9000 + i);
    assert_int_equal(watch_rebalances(watch, "g", 9100), 16);
    watch_destroy(watch);
}

TEST(a_disk_that_fills_is_forecast_and_one_that_does_not_is_not)
{
    struct watch *watch = watch_create();

    for (int i = 0; i < 30; i++) {
        assert_int_equal(watch_disk_left_ms(watch), -1);
        look(watch, json_pack("{s:{s:I}}", "store", "free_bytes", (json_int_t)(1000000 - i * 1000)), NULL, i * 10000);
    }
    assert_int_equal(watch_disk_left_ms(watch), (1000000 - 29000) * INT64_C(10));
    for (int i = 30; i < 100; i++)
        look(watch, json_pack("{s:{s:I}}", "store", "free_bytes", (json_int_t)2000000), NULL, i * 10000);
    assert_int_equal(watch_disk_left_ms(watch), -1);
    watch_destroy(watch);
}

TEST(keys_that_were_dropped_since_the_look_before_are_told)
{
    struct watch *watch = watch_create();

    look(watch, json_pack("{s:[{s:s, s:i}]}", "agents", "name", "a", "evicted", 7), NULL, 1000);
    assert_int_equal(watch_evicted(watch, "a"), 0);
    look(watch, json_pack("{s:[{s:s, s:i}]}", "agents", "name", "a", "evicted", 9), NULL, 2000);
    assert_int_equal(watch_evicted(watch, "a"), 2);
    look(watch, json_pack("{s:[{s:s, s:i}]}", "agents", "name", "a", "evicted", 0), NULL, 3000);
    assert_int_equal(watch_evicted(watch, "a"), 0);
    assert_int_equal(watch_evicted(watch, "none"), 0);
    watch_destroy(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_stands_while_messages_wait_and_nothing_is_committed),
        cmocka_unit_test(rebalances_are_counted_for_ten_minutes),
        cmocka_unit_test(a_disk_that_fills_is_forecast_and_one_that_does_not_is_not),
        cmocka_unit_test(keys_that_were_dropped_since_the_look_before_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
