#include "base/options.h"

#include "check.h"

static bool json;
static const char *config;
static int64_t rate;
static struct option_list set;

static const struct option_row rows[] = {
    {"json", OPTION_FLAG, &json, NULL, "As JSON", 0, 0},
    {"config", OPTION_TEXT, &config, "FILE", "Settings file", 0, 0},
    {"rate", OPTION_NUMBER, &rate, "N", "Rows a second", 1, 1000},
    {"set", OPTION_LIST, &set, "KEY=VALUE", "One setting", 0, 0},
    {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
};
static const struct options options = {"tailrace test", "[DB]", "Tests.", rows, 1};

static const char *operands[16];
static size_t operand_count;
static bool help;
static struct error error;

static enum status parse(int argc, const char **argv)
{
    json = false;
    config = NULL;
    rate = 7;
    set.count = 0;
    return options_parse(&options, argc, (char **)argv, operands, &operand_count, &help, &error);
}

#define PARSE(...) parse((int)(sizeof((const char *[]){"test", __VA_ARGS__}) / sizeof(char *)), (const char *[]){"test", __VA_ARGS__, NULL})

TEST(options_and_operands_may_be_mixed)
{
    assert_int_equal(PARSE("--json", "mydb", "--config=a.properties", "--rate", "12", "--set", "a=1", "--set=b=2"), OK);
    assert_true(json);
    assert_string_equal(config, "a.properties");
    assert_int_equal(rate, 12);
    assert_int_equal(set.count, 2);
    assert_string_equal(set.items[1], "b=2");
    assert_int_equal(operand_count, 1);
    assert_string_equal(operands[0], "mydb");
    assert_int_equal(PARSE("--", "--json"), OK);
    assert_false(json);
    assert_string_equal(operands[0], "--json");
}

TEST(wrong_usage_names_what_is_wrong)
{
    assert_int_equal(PARSE("--confg", "x"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace test: there is no option --confg; did you mean --config?");
    assert_int_equal(PARSE("--zzzzzzzz"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace test: there is no option --zzzzzzzz; see tailrace test --help");
    assert_int_equal(PARSE("--rate", "0"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace test: --rate 0 is out of range: 1 to 1000");
    assert_int_equal(PARSE("--rate", "1x"), ERROR_USAGE);
    assert_int_equal(PARSE("--config"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace test: --config needs a value: --config FILE");
    assert_int_equal(PARSE("--json=1"), ERROR_USAGE);
    assert_int_equal(PARSE("a", "b"), ERROR_USAGE);
    assert_int_equal(PARSE("-x"), ERROR_USAGE);
}

TEST(help_lists_every_option)
{
    struct buffer out;

    assert_int_equal(PARSE("--help", "--nonsense"), OK);
    assert_true(help);
    buffer_init(&out, 4096);
    options_help(&options, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, "usage: tailrace test [option]… [DB]\nTests.\n\n"
                                          "  --json           As JSON\n"
                                          "  --config FILE    Settings file\n"
                                          "  --rate N         Rows a second\n"
                                          "  --set KEY=VALUE  One setting\n"
                                          "  --help           Print this\n");
    buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_may_be_mixed),
        cmocka_unit_test(wrong_usage_names_what_is_wrong),
        cmocka_unit_test(help_lists_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
