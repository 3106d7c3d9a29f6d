#include "web/api.h"

#include "check.h"

static json_t *check_named(const json_t *checks, const char *name, size_t which)
{
    json_t *check;
    size_t index;

    json_array_foreach(checks, index, check) {
        if (strcmp(json_string_value(json_object_get(check, "name")), name) == 0 && which-- == 0)
            return check;
    }
    return NULL;
}

static json_t *checks_of(bool degraded)
{
    json_t *status = json_pack("{s:b, s:{s:b, s:i, s:i}, s:[{s:s, s:s, s:s, s:s, s:s}]}", "ready", 1, "store", "degraded", (int)degraded, "read_only_partitions", 0, "last_round_us", 500,
                               "problems", "kind", "log", "severity", "warn", "what", "The log's disk has little room left", "why", "2 GiB are free.", "do", "Free some space.");
    json_t *checks = health_checks(status);

    json_decref(status);
    return checks;
}

TEST(a_disk_that_fills_is_a_check_though_the_log_is_written)
{
    json_t *checks = checks_of(false), *disk = check_named(checks, "log", 1);

    assert_string_equal(json_string_value(json_object_get(check_named(checks, "log", 0), "state")), "ok");
    assert_non_null(disk);
    assert_string_equal(json_string_value(json_object_get(disk, "state")), "warn");
    assert_string_equal(json_string_value(json_object_get(disk, "text")), "The log's disk has little room left. 2 GiB are free.");
    assert_string_equal(json_string_value(json_object_get(disk, "todo")), "Free some space.");
    json_decref(checks);
}

TEST(a_log_that_cannot_be_written_is_said_once)
{
    json_t *checks = checks_of(true);

    assert_string_equal(json_string_value(json_object_get(check_named(checks, "log", 0), "state")), "crit");
    assert_null(check_named(checks, "log", 1));
    json_decref(checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_fills_is_a_check_though_the_log_is_written),
        cmocka_unit_test(a_log_that_cannot_be_written_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
