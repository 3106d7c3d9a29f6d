#include "reports/report.h"

#include "check.h"

static const struct report_spec average = {.name = "average", .table = "temperature_readings", .column = "temperature", .function = "avg",
                                           .time_column = "recorded_at", .unit = "°C", .window_s = 600, .every_s = 600};

static const char *line_of(const struct report_spec *spec, const struct report_result *result)
{
    static char text[512];
    struct buffer line;

    buffer_init(&line, sizeof(text) - 1);
    report_line(spec, result, &line);
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    buffer_finish(&line);
    return text;
}

TEST(durations_are_read_and_said)
{
    int64_t seconds;
    char text[48];

    assert_true(report_duration("10m", &seconds) && seconds == 600);
    assert_true(report_duration("90", &seconds) && seconds == 90);
    assert_true(report_duration("30 s", &seconds) && seconds == 30);
    assert_true(report_duration("2h", &seconds) && seconds == 7200);
    assert_false(report_duration("", &seconds));
    assert_false(report_duration("m", &seconds));
    assert_false(report_duration("-5m", &seconds));
    assert_false(report_duration("0s", &seconds));
    assert_false(report_duration("9999999999999999d", &seconds));
    report_duration_text(600, text);
    assert_string_equal(text, "10 minutes");
    report_duration_text(3600, text);
    assert_string_equal(text, "1 hour");
    report_duration_text(90, text);
    assert_string_equal(text, "90 seconds");
}

TEST(lines_are_those_that_people_know)
{
    struct report_result result = {.outcome = REPORT_VALUE, .run_us = 1767807041027669, .rows = 10, .value_count = 1,
                                   .values = {{"temperature", "26.3800000000000000"}}};

    (void)setenv("TZ", "UTC", 1);
    assert_string_equal(line_of(&average, &result), "2026-01-07 17:30:41.027669 - Average temperature last 10 minutes: 26.38 °C");
    result.outcome = REPORT_NO_DATA;
    assert_string_equal(line_of(&average, &result), "2026-01-07 17:30:41.027669 - No data in last 10 minutes.");
}

TEST(wrong_specs_say_what_is_missing)
{
    struct report_spec spec = average;
    struct error error;

    assert_int_equal(report_check(&spec, &error), OK);
    spec.function = "median";
    assert_int_equal(report_check(&spec, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "report average: there is no function \"median\"; there are avg, sum, min, max, count");
    spec = average;
    spec.column = NULL;
    assert_int_equal(report_check(&spec, &error), ERROR_BAD_INPUT);
}

TEST(results_are_json)
{
    struct report_result result = {.outcome = REPORT_VALUE, .run_us = 5, .window_from_us = 1, .window_to_us = 2, .rows = 3, .value_count = 1,
                                   .values = {{"temperature", "26.38"}}, .took_us = 7};
    struct buffer json;

    buffer_init(&json, 4096);
    report_write(&average, &result, &json);
    assert_true(slice_equal_string(buffer_slice(&json),
                                   "{\"report\":\"average\",\"outcome\":\"value\",\"run_us\":5,\"window_from_us\":1,\"window_to_us\":2,\"rows\":3,"
                                   "\"values\":{\"temperature\":\"26.38\"},\"unit\":\"°C\",\"took_us\":7,\"caught_up\":false,\"error\":null}"));
    buffer_finish(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_and_said),
        cmocka_unit_test(lines_are_those_that_people_know),
        cmocka_unit_test(wrong_specs_say_what_is_missing),
        cmocka_unit_test(results_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
