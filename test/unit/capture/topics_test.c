#include "check.h"

#include "capture/topics.h"

#include "base/banned.h"

static struct properties config;

static int set_up(void **state)
{
    (void)state;
    properties_init(&config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    properties_finish(&config);
    return 0;
}

static void set(const char *key, const char *value)
{
    properties_set(&config, key, value);
}

TEST(without_a_default_group_the_log_decides)
{
    struct topic_rules *rules = NULL;
    const struct properties *settings;
    struct error error;
    int32_t partitions;

    set("topic.creation.groups", "one");
    set("topic.creation.one.include", ".*");
    set("topic.creation.one.partitions", "9");
    assert_int_equal(topic_rules_create(&config, &rules, &error), OK);
    topic_rules_find(rules, "p.public.t", &partitions, &settings);
    assert_int_equal(partitions, -1);
    assert_null(settings);
    topic_rules_destroy(rules);
}

TEST(the_first_group_that_matches_has_the_say)
{
    struct topic_rules *rules = NULL;
    const struct properties *settings;
    struct error error;
    int32_t partitions;

    set("topic.creation.default.replication.factor", "1");
    set("topic.creation.default.partitions", "3");
    set("topic.creation.default.cleanup.policy", "compact");
    set("topic.creation.groups", "one, two");
    set("topic.creation.one.include", "p\\.public\\.single");
    set("topic.creation.one.retention.ms", "3600000");
    set("topic.creation.two.include", "p\\.public\\..*");
    set("topic.creation.two.exclude", ".*\\.out");
    set("topic.creation.two.partitions", "7");
    assert_int_equal(topic_rules_create(&config, &rules, &error), OK);
    topic_rules_find(rules, "p.public.single", &partitions, &settings);
    assert_int_equal(partitions, 3);
    assert_int_equal(settings->count, 1);
    assert_string_equal(properties_get(settings, "retention.ms"), "3600000");
    topic_rules_find(rules, "p.public.other", &partitions, &settings);
    assert_int_equal(partitions, 7);
    assert_null(settings);
    topic_rules_find(rules, "p.public.out", &partitions, &settings);
    assert_int_equal(partitions, 3);
    assert_string_equal(properties_get(settings, "cleanup.policy"), "compact");
    topic_rules_destroy(rules);
}

TEST(wrong_rules_are_named)
{
    struct topic_rules *rules = NULL;
    struct error error;

    set("topic.creation.default.partitions", "0");
    assert_int_equal(topic_rules_create(&config, &rules, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message,
                        "Invalid value 0 for configuration topic.creation.default.partitions: Number of partitions must be a positive "
                        "integer or -1");
    set("topic.creation.default.partitions", "1");
    set("topic.creation.groups", "one");
    set("topic.creation.one.include", "(");
    assert_int_equal(topic_rules_create(&config, &rules, &error), ERROR_BAD_INPUT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {T(without_a_default_group_the_log_decides), T(the_first_group_that_matches_has_the_say),
                                       T(wrong_rules_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
