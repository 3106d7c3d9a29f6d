#include "tools/arguments.h"

#include "check.h"

static const struct argument_spec specs[] = {
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "A topic."},
    {.name = "count", .argument = ARGUMENT_REQUIRED, .value = "count", .help = "How many.", .default_value = "3"},
    {.name = "timeout", .argument = ARGUMENT_OPTIONAL, .value = "ms", .help = "How long."},
    {.name = "list", .help = "Lists."},
    ARGUMENTS_COMMON,
    {0},
};

static const struct failure *parse(struct arena *arena, struct arguments *options, int argc, const char **argv)
{
    return arguments_parse(options, arena, specs, argc, (char **)argv);
}

static void values_follow_their_names(void **state)
{
    const char *argv[] = {"tool", "--topic", "a", "--topic=b", "--list"};
    struct arguments options;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_null(parse(&arena, &options, 5, argv));
    assert_int_equal(arguments_count(&options, "topic"), 2);
    assert_string_equal(arguments_nth(&options, "topic", 0), "a");
    assert_string_equal(arguments_nth(&options, "topic", 1), "b");
    assert_null(arguments_nth(&options, "topic", 2));
    assert_true(arguments_has(&options, "list"));
    assert_false(arguments_has(&options, "timeout"));
    arena_finish(&arena);
}

static void an_unknown_name_is_refused(void **state)
{
    const char *argv[] = {"tool", "--nonsense"};
    struct arguments options;
    struct arena arena;
    const struct failure *failure;

    (void)state;
    arena_init(&arena, 4096);
    failure = parse(&arena, &options, 2, argv);
    assert_non_null(failure);
    assert_string_equal(failure_message(failure), "nonsense is not a recognized option");
    arena_finish(&arena);
}

static void a_default_stands_in_and_numbers_are_checked_when_asked_for(void **state)
{
    const char *argv[] = {"tool", "--count", "abc"};
    struct arguments options;
    struct arena arena;
    const struct failure *failure;
    int32_t count = 0;

    (void)state;
    arena_init(&arena, 4096);
    assert_null(parse(&arena, &options, 1, argv));
    assert_null(arguments_int(&options, "count", &count));
    assert_int_equal(count, 3);
    assert_null(parse(&arena, &options, 3, argv));
    failure = arguments_int(&options, "count", &count);
    assert_non_null(failure);
    assert_string_equal(failure_message(failure), "Cannot parse argument 'abc' of option count");
    arena_finish(&arena);
}

static void offers(const char *name, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 256);
    argument_offer_value(name, "", &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    buffer_finish(&out);
}

static void values_are_completed_by_what_their_option_ends_in(void **state)
{
    (void)state;
    offers("topic", ":TOPIC\n");
    offers("all-groups", "");
    offers("group", ":GROUP\n");
    offers("command-config", ":FILE\n");
    offers("offset-json-file", ":FILE\n");
    offers("count", "");
}

static void questions_are_no_options(void **state)
{
    const char *argv[] = {"tool", "--complete", "--nonsense"};
    struct arguments options;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_null(parse(&arena, &options, 3, argv));
    assert_int_equal(options.count, 0);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_follow_their_names),
        cmocka_unit_test(an_unknown_name_is_refused),
        cmocka_unit_test(a_default_stands_in_and_numbers_are_checked_when_asked_for),
        cmocka_unit_test(values_are_completed_by_what_their_option_ends_in),
        cmocka_unit_test(questions_are_no_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
