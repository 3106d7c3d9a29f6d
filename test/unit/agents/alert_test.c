#include "agents/alert.h"

#include "check.h"

static const struct alert_feature features[] = {{"velocity", "7", 1.5}, {"ratio", NULL, -0.25}};
static const struct alert sample = {
    .id = "A-1", .agent = "fraud-score", .rule = "velocity-score", .rule_version = 7, .severity = "crit", .subject = "User 7690",
    .title = "User 7690 scored 90, the limit is 70", .number = "4178.74", .score = "90", .score_limit = "> 70", .key = "7690",
    .conditions = {{"Transactions in 60 s", "7", "> 5", 40, true}, {"Amount", "4178.74", "> 4000", 50, true}}, .condition_count = 2,
    .window_from_us = 1000, .window_to_us = 61000000, .window_by = "event time", .inputs = {{2, 32100611, 999, "4178.74"}}, .input_count = 1,
    .topic = "p.public.\"t\"", .partition = 2, .offset = 32100611, .lsn = 26537120, .transaction_id = 731, .committed_us = 5, .scored_us = 6, .folded = 3,
    .row = "{\"id\":1}", .read_us = 5, .input_total = 70, .judged_us = 7, .settings = "{\"window\":\"9\"}", .state = "AQID", .why = "because", .todo = "this", .closed = true,
    .model = "0123456789ab", .features = features, .feature_count = 2,
};

TEST(an_alert_reads_back_as_it_was_written)
{
    struct buffer json, again;
    struct arena arena;
    struct alert alert;
    struct error error;

    buffer_init(&json, 1 << 16);
    buffer_init(&again, 1 << 16);
    arena_init(&arena, 4096);
    alert_write(&sample, &json);
    assert_int_equal(alert_read(buffer_slice(&json), &arena, &alert, &error), OK);
    alert_write(&alert, &again);
    assert_true(slice_equal(buffer_slice(&json), buffer_slice(&again)));
    assert_string_equal(alert.topic, "p.public.\"t\"");
    assert_int_equal(alert.conditions[1].points, 50);
    assert_int_equal(alert.appended_us, 0);
    assert_int_equal(alert.feature_count, 2);
    assert_true(alert.features[1].weight == -0.25 && alert.features[1].value == NULL);
    buffer_finish(&json);
    buffer_finish(&again);
    arena_finish(&arena);
}

TEST(what_is_no_alert_is_refused)
{
    struct arena arena;
    struct alert alert;
    struct error error;
    static const char *const texts[] = {"", "[]", "{", "{}", "{\"id\":\"x\"}", "{\"id\":1,\"agent\":\"x\"}"};

    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(alert_read(slice_from_string(texts[i]), &arena, &alert, &error), ERROR_BAD_INPUT);
    arena_finish(&arena);
}

TEST(the_id_depends_on_each_fact)
{
    char ids[6][24];

    alert_id(ids[0], "a", 1, "t", 0, 5);
    alert_id(ids[1], "b", 1, "t", 0, 5);
    alert_id(ids[2], "a", 2, "t", 0, 5);
    alert_id(ids[3], "a", 1, "u", 0, 5);
    alert_id(ids[4], "a", 1, "t", 1, 5);
    alert_id(ids[5], "a", 1, "t", 0, 6);
    for (int i = 0; i < 6; i++) {
        char again[24];

        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
        alert_id(again, "a", 1, "t", 0, 5);
        assert_string_equal(again, ids[0]);
        assert_int_equal(strlen(ids[i]), 18);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_reads_back_as_it_was_written),
        cmocka_unit_test(what_is_no_alert_is_refused),
        cmocka_unit_test(the_id_depends_on_each_fact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
