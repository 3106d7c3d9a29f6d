#include "tools/argparse.h"

#include "check.h"
#include "tools/justify.h"

static const struct argparse_option options[] = {
    {.flags = "--topic,-t", .metavar = "TOPIC", .is_required = true, .help = "A topic."},
    {.flags = "--count", .metavar = "COUNT", .type = ARGPARSE_LONG, .default_value = "5", .help = "How many."},
    {.flags = "--property", .takes = ARGPARSE_MANY, .metavar = "NAME=VALUE", .help = "Settings."},
    {0},
};

static const struct argparse_command tool = {.name = "tool", .options = options};

static void names_may_be_shortened(void **state)
{
    const char *argv[] = {"tool", "-t", "a", "--cou", "7", "--prop", "a=1", "b=-1"};
    struct argparse parsed;
    struct arena arena;
    int exit_code = 0;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(argparse_read(&parsed, &arena, &tool, 8, (char **)argv, &exit_code));
    assert_string_equal(argparse_text(&parsed, "topic"), "a");
    assert_int_equal(argparse_number(&parsed, "count", 0), 7);
    assert_string_equal(argparse_nth(&parsed, "property", 1), "b=-1");
    assert_null(argparse_nth(&parsed, "property", 2));
    arena_finish(&arena);
}

static void a_default_stands_in(void **state)
{
    const char *argv[] = {"tool", "--topic=a"};
    struct argparse parsed;
    struct arena arena;
    int exit_code = 0;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(argparse_read(&parsed, &arena, &tool, 2, (char **)argv, &exit_code));
    assert_int_equal(argparse_number(&parsed, "count", 0), 5);
    assert_false(argparse_has(&parsed, "count"));
    arena_finish(&arena);
}

static void lines_are_stretched_from_the_middle(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_string_equal(justify_text(&arena, "kafka-producer-perf-test: error: argument --payload-monotonic: not allowed with argument --record-size", 75, 0, 0),
                        "kafka-producer-perf-test: error: argument  --payload-monotonic: not allowed\nwith argument --record-size");
    assert_string_equal(
        justify_text(&arena, "kafka-producer-perf-test: error: one of the arguments --record-size --payload-file --payload-monotonic is required", 75, 0, 0),
        "kafka-producer-perf-test: error:  one  of  the  arguments  --record-size --\npayload-file --payload-monotonic is required");
    assert_string_equal(justify_text(&arena, "short", 75, 0, 0), "short");
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_may_be_shortened),
        cmocka_unit_test(a_default_stands_in),
        cmocka_unit_test(lines_are_stretched_from_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
