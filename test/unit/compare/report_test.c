#include "compare/report.h"

#include "check.h"

#include <jansson.h>

static const struct method stream = {.name = "change capture", .key = "change_capture"};
static const struct method by_id = {.name = "by id", .key = "by_id"};
static const struct conditions conditions = {.rate = 200,
                                             .interval_ms = 1000,
                                             .table_rows = 10000,
                                             .seconds = 30,
                                             .inserts = 3,
                                             .updates = 2,
                                             .deletes = 1,
                                             .late = 1,
                                             .cores = 2,
                                             .server = "15.20"};

static void sides_fill(struct side sides[2])
{
    sides[0] = (struct side){.method = &stream, .account = {.written = 6, .seen = 6, .p50_ms = 1.25, .p99_ms = 20}, .database_cpu_s = 0.5};
    sides[1] = (struct side){.method = &by_id,
                             .account = {.written = 6, .seen = 3, .missed = {[MISS_DELETE] = 1, [MISS_UPDATE] = 2}, .missed_total = 3},
                             .again = 4,
                             .queries = 31,
                             .database_cpu_s = -1};
}

TEST(every_side_is_a_column_and_what_is_unknown_is_said)
{
    struct side sides[2];
    struct buffer text;

    sides_fill(sides);
    buffer_init(&text, 1 << 16);
    report_text(&conditions, sides, 2, &text);
    buffer_append_u8(&text, '\0');
    assert_non_null(
        strstr((const char *)text.data, "6 changes in 30.0 s: 3 inserts, 2 updates, 1 deletes; 1 of them in transactions open for 1.5 s"));
    assert_non_null(strstr((const char *)text.data, "change capture    by id\n"));
    assert_non_null(strstr((const char *)text.data, "1.25 ms"));
    assert_non_null(strstr((const char *)text.data, "unknown"));
    buffer_finish(&text);
}

TEST(json_has_the_same_numbers)
{
    struct side sides[2];
    struct buffer text;
    json_t *all, *polled;

    sides_fill(sides);
    buffer_init(&text, 1 << 16);
    report_json(&conditions, sides, 2, &text);
    all = json_loadb((const char *)text.data, text.size, 0, NULL);
    assert_non_null(all);
    polled = json_array_get(json_object_get(all, "methods"), 1);
    assert_string_equal(json_string_value(json_object_get(polled, "method")), "by_id");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(polled, "missed"), "updates")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(polled, "missed"), "total")), 3);
    assert_int_equal(json_integer_value(json_object_get(polled, "seen_again")), 4);
    assert_true(json_is_null(json_object_get(polled, "database_cpu_s")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(all, "conditions"), "postgresql")), "15.20");
    json_decref(all);
    buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_side_is_a_column_and_what_is_unknown_is_said),
        cmocka_unit_test(json_has_the_same_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
