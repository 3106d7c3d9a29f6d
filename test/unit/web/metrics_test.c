#include "web/metrics.h"

#include "check.h"

static void has(const char *description, const char *line)
{
    json_t *parsed = json_loads(description, 0, NULL);
    struct buffer text;
    char wanted[512];

    assert_non_null(parsed);
    buffer_init(&text, 1 << 20);
    metrics_render(parsed, &text);
    buffer_append_u8(&text, 0);
    (void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    if (strstr((char *)text.data, wanted) == NULL)
        fail_msg("\"%s\" is not in:\n%s", line, (char *)text.data);
    buffer_finish(&text);
    json_decref(parsed);
}

TEST(values_stand_under_their_help_and_type)
{
    has("{\"store\":{\"rounds\":12}}", "# TYPE tailrace_store_rounds_total counter\ntailrace_store_rounds_total 12");
    has("{\"started_ms\":1500}", "# TYPE tailrace_start_time_seconds gauge\ntailrace_start_time_seconds 1.500000");
    has("{\"version\":\"1.2\",\"one\":1}", "tailrace_info{version=\"1.2\"} 1");
}

TEST(booleans_count_and_missing_values_give_no_sample)
{
    has("{\"ready\":true}", "tailrace_ready 1");
    has("{\"store\":{\"degraded\":false}}", "tailrace_store_degraded 0");
    has("{}", "# TYPE tailrace_ready gauge\n# HELP tailrace_healthy 1 when /healthz finds no problem");
}

TEST(labels_are_escaped_and_nested_values_found)
{
    has("{\"connectors\":[{\"name\":\"a\\\"b\\\\c\\nd\",\"capture\":{\"rows\":7}},{\"name\":\"e\",\"capture\":null}]}",
        "tailrace_connector_rows_total{connector=\"a\\\"b\\\\c\\nd\"} 7\n# HELP tailrace_connector_transactions_total Transactions "
        "captured since "
        "the task started");
}

TEST(several_labels_stand_with_commas_and_a_missing_one_gives_no_sample)
{
    has("{\"group_topics\":[{\"group\":\"g\",\"waiting\":1},{\"group\":\"g\",\"topic\":\"t\",\"waiting\":5}]}",
        "# TYPE tailrace_group_topic_lag gauge\ntailrace_group_topic_lag{group=\"g\",topic=\"t\"} 5");
}

TEST(a_metric_gives_so_many_series_and_says_how_many_more_there_were)
{
    json_t *description = json_object(), *topics = json_array();
    struct buffer text;
    size_t lines = 0, of_topics = 0;
    char wanted[64];

    for (int i = 0; i < METRICS_SERIES_MAX + 7; i++)
        (void)json_array_append_new(topics, json_pack("{s:o, s:i}", "name", json_sprintf("t%d", i), "end", i));
    (void)json_object_set_new(description, "topics", topics);
    buffer_init(&text, 64 << 20);
    metrics_render(description, &text);
    buffer_append_u8(&text, 0);
    for (const char *at = (char *)text.data; (at = strstr(at, "\ntailrace_topic_end_offset{")) != NULL; at++)
        lines++;
    assert_int_equal(lines, METRICS_SERIES_MAX);
    for (const char *at = (char *)text.data; (at = strstr(at, "\n# TYPE tailrace_topic_")) != NULL; at++)
        of_topics++;
    (void)snprintf(wanted, sizeof(wanted), "\ntailrace_metrics_left_out %zu\n", of_topics * 7);
    assert_non_null(strstr((char *)text.data, wanted));
    buffer_finish(&text);
    json_decref(description);
    has("{}", "tailrace_metrics_left_out 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_under_their_help_and_type),
        cmocka_unit_test(booleans_count_and_missing_values_give_no_sample),
        cmocka_unit_test(labels_are_escaped_and_nested_values_found),
        cmocka_unit_test(a_metric_gives_so_many_series_and_says_how_many_more_there_were),
        cmocka_unit_test(several_labels_stand_with_commas_and_a_missing_one_gives_no_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
