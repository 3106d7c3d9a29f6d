#include "agents/rule.h"
#include "agents/rule_settings.h"

#include "check.h"

static struct arena arena;
static struct state_table *states;
static struct change_decoder *decoder;
static const struct rule_kind *kind;
static void *rule;
static int64_t offset;
static struct rule_verdict verdict;
static struct error failure;

static void rule_make(const char *name, const char *assignments[])
{
    struct properties settings;
    struct state_limits limits = {0};

    properties_init(&settings);
    for (size_t i = 0; assignments != NULL && assignments[i] != NULL; i++)
        assert_int_equal(properties_set_assignment(&settings, assignments[i], &failure), OK);
    kind = rule_find(name);
    assert_non_null(kind);
    if (kind->create(kind, &settings, &rule, &failure) != OK)
        fail_msg("%s", failure.message);
    properties_finish(&settings);
    states = state_create(&limits);
    decoder = change_decoder_create();
    arena_init(&arena, 4096);
    offset = 0;
}

static void rule_end(void)
{
    kind->destroy(rule);
    state_destroy(states);
    change_decoder_destroy(decoder);
    arena_finish(&arena);
}

static enum status judge_text(int user, const char *amount, double seconds)
{
    struct change change;
    char message[256];
    struct rule_event event;
    enum status status;
    char key[16];
    bool might;

    (void)snprintf(message, sizeof(message), "{\"id\":%d,\"user_id\":%d,\"amount\":%s}", (int)offset, user, amount);
    (void)snprintf(key, sizeof(key), "%d", user);
    assert_int_equal(change_decode(decoder, slice_from_string(message), &arena, &change, &failure), OK);
    event = (struct rule_event){.change = &change, .row = change.after, .key = slice_from_string(key), .topic = "t", .offset = offset++, .wants_line = true,
                                .time_us = 1000000000000 + (int64_t)(seconds * 1e6)};
    verdict = (struct rule_verdict){0};
    might = kind->may_alert == NULL || kind->may_alert(rule, &event);
    status = kind->judge(rule, &event, states, &arena, &verdict, &failure);
    assert_true(might || verdict.outcome != RULE_ALERT);
    return status;
}

static enum rule_outcome judged(int user, const char *amount, double seconds)
{
    if (judge_text(user, amount, seconds) != OK)
        fail_msg("%s", failure.message);
    return verdict.outcome;
}

TEST(spending_needs_three_amounts_before_it_judges)
{
    rule_make("spending-pattern", NULL);
    assert_int_equal(judged(1, "10.00", 0), RULE_NORMAL);
    assert_int_equal(judged(1, "10.00", 0), RULE_NORMAL);
    assert_int_equal(judged(1, "5000.00", 0), RULE_NORMAL); /* two amounts before it */
    assert_string_equal(verdict.line, "📊 Profile updated for User 1");
    rule_end();
}

TEST(spending_alerts_only_strictly_above_three_times_the_mean)
{
    rule_make("spending-pattern", NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(judged(1, "200.00", 0), RULE_NORMAL);
    assert_int_equal(judged(1, "600.00", 0), RULE_NORMAL); /* exactly 3 times */
    /* mean is now 300.00 */
    assert_int_equal(judged(1, "900.01", 0), RULE_ALERT);
    assert_string_equal(verdict.line, "🚨 ANOMALY DETECTED: User 1 spent $900.01 (Significantly higher than average)");
    assert_string_equal(verdict.alert.number, "900.01");
    assert_int_equal(verdict.alert.condition_count, 2);
    assert_string_equal(verdict.alert.row, "{\"id\":4,\"user_id\":1,\"amount\":\"900.01\"}");
    rule_end();
}

TEST(spending_up_to_the_floor_is_never_an_anomaly)
{
    rule_make("spending-pattern", NULL);
    for (int i = 0; i < 3; i++)
        (void)judged(1, "1.00", 0);
    assert_int_equal(judged(1, "500.00", 0), RULE_NORMAL);
    rule_end();
}

TEST(spending_keeps_the_last_fifty)
{
    rule_make("spending-pattern", NULL);
    for (int i = 0; i < 60; i++)
        (void)judged(1, "1000.00", 0);
    for (int i = 0; i < 50; i++)
        (void)judged(1, "200.00", 0);
    assert_int_equal(judged(1, "600.01", 0), RULE_ALERT); /* nothing of the thousands is left */
    rule_end();
}

TEST(spending_is_exact_where_binary_fractions_are_not)
{
    static const char *settings[] = {"floor=0", NULL};

    rule_make("spending-pattern", settings);
    for (int i = 0; i < 3; i++)
        (void)judged(1, "0.1", 0);
    assert_int_equal(judged(1, "0.3", 0), RULE_NORMAL);
    rule_end();
}

TEST(robust_spending_is_not_lifted_by_outliers)
{
    rule_make("spending-pattern-robust", NULL);
    for (int i = 0; i < 10; i++)
        (void)judged(1, i % 2 == 0 ? "90.00" : "110.00", 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(judged(1, "4000.00", 0), RULE_ALERT);
    rule_end();
}

TEST(velocity_counts_this_one_and_needs_both_reasons)
{
    rule_make("velocity-score", NULL);
    for (int i = 0; i < 5; i++)
        assert_int_equal(judged(7690, "10.00", i), RULE_NORMAL);
    assert_string_equal(verdict.line, "✅ Transaction OK: 4 (Score: 0)");
    assert_int_equal(judged(7690, "10.00", 5), RULE_NORMAL);
    assert_int_equal(verdict.score, 40);
    assert_int_equal(judged(7690, "4178.74", 6), RULE_ALERT);
    assert_string_equal(verdict.line, "⚠️ HIGH FRAUD ALERT: User 7690 | Score: 90 | Amt: 4178.74");
    assert_int_equal(verdict.alert.input_count, 7);
    assert_string_equal(verdict.alert.inputs[6].number, "4178.74");
    assert_int_equal(verdict.alert.inputs[0].offset, 0);
    assert_int_equal(judged(7690, "4178.74", 70), RULE_NORMAL); /* the window is empty again */
    assert_int_equal(verdict.score, 50);
    rule_end();
}

TEST(velocity_puts_late_rows_into_their_place)
{
    rule_make("velocity-score-event", NULL);
    for (int i = 0; i < 6; i++)
        (void)judged(1, "10.00", 100 + i);
    assert_int_equal(judged(1, "5000.00", 50), RULE_NORMAL); /* nothing else lies in (-10, 50] */
    assert_int_equal(verdict.score, 50);
    assert_int_equal(judged(1, "5000.00", 106), RULE_ALERT);
    rule_end();
}

TEST(velocity_state_stays_within_its_limit)
{
    static const char *settings[] = {"kept.max=10", NULL};
    struct state_counters counters;

    rule_make("velocity-score", settings);
    for (int i = 0; i < 1000; i++)
        (void)judged(1, "1.00", i * 0.001);
    counters = state_counters_read(states);
    assert_true(counters.bytes < 1024);
    rule_end();
}

/* The state of a key as layout 1 had it: 16 bytes in front instead of 24. */
TEST(velocity_goes_on_with_what_an_earlier_version_kept)
{
    uint8_t old[4096] = {1}, other[] = {9, 0, 0, 0, 200, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const struct state_entry *entry;
    uint32_t kept = 3;
    size_t bytes;

    rule_make("velocity-score-event", NULL);
    for (int i = 0; i < 3; i++)
        (void)judged(1, "10.00", 100 + i);
    entry = state_find(states, slice_from_string("1"));
    bytes = 3 * 24;
    memcpy(old + 4, &kept, sizeof(kept));
    memcpy(old + 8, entry->bytes + 8, 8);
    memcpy(old + 16, entry->bytes + 24, bytes);
    state_restore(states, slice_from_string("2"), slice_of(old, 16 + bytes));
    for (int user = 1; user <= 2; user++) {
        for (int i = 0; i < 2; i++)
            assert_int_equal(judged(user, "10.00", 103 + i), RULE_NORMAL);
        assert_int_equal(judged(user, "5000.00", 105), RULE_ALERT);
        assert_int_equal(verdict.alert.input_total, 6);
        assert_int_equal(verdict.alert.inputs[0].offset, 0);
        assert_string_equal(verdict.alert.inputs[2].number, "10.00");
    }
    kept = 1000; /* more than there is: it begins anew */
    memcpy(old + 4, &kept, sizeof(kept));
    state_restore(states, slice_from_string("3"), slice_of(old, 16 + bytes));
    state_restore(states, slice_from_string("4"), slice_of(other, sizeof(other)));
    for (int user = 3; user <= 4; user++) {
        assert_int_equal(judged(user, "5000.00", 105), RULE_NORMAL);
        assert_int_equal(verdict.score, 50);
    }
    rule_end();
}

TEST(bad_amounts_and_settings_say_what_is_wrong)
{
    struct properties settings;
    void *made;

    rule_make("velocity-score", NULL);
    assert_int_equal(judge_text(1, "null", 0), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "column \"amount\" is null");
    assert_int_equal(judge_text(1, "\"abc\"", 0), ERROR_BAD_INPUT);
    rule_end();
    properties_init(&settings);
    properties_set(&settings, "amount.limt", "1");
    assert_int_equal(rule_find("velocity-score")->create(rule_find("velocity-score"), &settings, &made, &failure), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "unknown setting \"amount.limt\"; did you mean \"amount.limit\"?");
    rule_find("velocity-score")->destroy(made);
    properties_finish(&settings);
    assert_null(rule_find("nothing"));
}

TEST(missing_columns_are_named_with_those_there_are)
{
    struct change change;

    rule_make("spending-pattern", NULL);
    assert_int_equal(change_decode(decoder, slice_from_string("{\"id\":1,\"total\":2}"), &arena, &change, &failure), OK);
    assert_int_equal(kind->prepare(rule, change.schema, &failure), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "there is no column \"user_id\"; the rows have: id, total");
    rule_end();
}

TEST(states_describe_themselves)
{
    struct buffer json;
    const struct state_entry *entry;

    buffer_init(&json, 4096);
    rule_make("spending-pattern", NULL);
    (void)judged(1, "10.00", 0);
    (void)judged(1, "20.50", 0);
    entry = state_find(states, slice_from_string("1"));
    kind->describe(rule, slice_of(entry->bytes, entry->size), &json);
    assert_true(slice_equal_string(buffer_slice(&json),
                                   "{\"transactions\":2,\"kept\":2,\"window\":50,\"sum\":\"30.50\",\"mean\":15.2500,\"amounts\":[\"10.00\",\"20.50\"]}"));
    buffer_finish(&json);
    rule_end();
}

TEST(every_setting_of_a_rule_says_what_it_is_and_may_be_given_as_it_is)
{
    size_t count;
    const struct rule_kind *const *kinds = rule_kinds(&count);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < kinds[i]->setting_count; j++) {
            const struct rule_setting *setting = &kinds[i]->settings[j];
            struct properties settings;
            struct error failed;
            void *made = NULL;

            assert_true(strlen(setting->help) > 5);
            if (setting->initial == NULL)
                continue;
            properties_init(&settings);
            properties_set(&settings, setting->key, setting->initial);
            if (kinds[i]->create(kinds[i], &settings, &made, &failed) != OK) /* a file is missing, but not this */
                assert_null(strstr(failed.message, setting->key));
            kinds[i]->destroy(made);
            properties_finish(&settings);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spending_needs_three_amounts_before_it_judges),
        cmocka_unit_test(spending_alerts_only_strictly_above_three_times_the_mean),
        cmocka_unit_test(spending_up_to_the_floor_is_never_an_anomaly),
        cmocka_unit_test(spending_keeps_the_last_fifty),
        cmocka_unit_test(spending_is_exact_where_binary_fractions_are_not),
        cmocka_unit_test(robust_spending_is_not_lifted_by_outliers),
        cmocka_unit_test(velocity_counts_this_one_and_needs_both_reasons),
        cmocka_unit_test(velocity_puts_late_rows_into_their_place),
        cmocka_unit_test(velocity_state_stays_within_its_limit),
        cmocka_unit_test(velocity_goes_on_with_what_an_earlier_version_kept),
        cmocka_unit_test(bad_amounts_and_settings_say_what_is_wrong),
        cmocka_unit_test(missing_columns_are_named_with_those_there_are),
        cmocka_unit_test(states_describe_themselves),
        cmocka_unit_test(every_setting_of_a_rule_says_what_it_is_and_may_be_given_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
