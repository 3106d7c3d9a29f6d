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
    assert_int_equal(PARSE("-9007199254740993"), OK); /* a number below zero is no option */
    assert_string_equal(operands[0], "-9007199254740993");
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
    options_help(&options, NULL, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, "usage: tailrace test [option]… [DB]\nTests.\n\n"
                                          "  --json           As JSON\n"
                                          "  --config FILE    Settings file\n"
                                          "  --rate N         Rows a second\n"
                                          "  --set KEY=VALUE  One setting\n"
                                          "  --help           Print this\n");
    buffer_finish(&out);
}

TEST(help_is_never_wider_than_its_columns)
{
    static const struct option_row wide[] = {
        {"state", OPTION_TEXT, &config, "open|acknowledged|resolved|false_positive|muted", "Only those", 0, 0},
        {"set", OPTION_LIST, &set, "KEY=VALUE", "One setting of very many, which goes before what the file says of it, and may come several times", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options wide_options = {"tailrace test", NULL, "Tests.", wide, 0};
    struct buffer out;

    buffer_init(&out, 4096);
    options_help(&wide_options, NULL, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, "usage: tailrace test [option]…\nTests.\n\n"
                                          "  --state open|acknowledged|resolved|false_positive|muted\n"
                                          "                   Only those\n"
                                          "  --set KEY=VALUE  One setting of very many, which goes before what the file says of it, and may\n"
                                          "                   come several times\n"
                                          "  --help           Print this\n");
    buffer_finish(&out);
}

/* ---- Verbs ---- */

static const struct option_row verb_rows[] = {
    {"json", OPTION_FLAG, &json, NULL, "As JSON", 0, 0},
    {"kind", OPTION_TEXT, &config, "big|small", "Which. It matters", 0, 0, "make"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
};
static const struct option_verb verbs[] = {
    {"list", NULL, "All of them", 0, 0},
    {"make", "TOPIC [FILE]", "A new one", 1, 2},
    {NULL, NULL, NULL, 0, 0},
};
static const struct options with_verbs = {"tailrace things", NULL, "Handles things.", verb_rows, 0, verbs, "tailrace things\ntailrace things make a"};

static enum status parse_verbs(int argc, const char **argv)
{
    return options_parse(&with_verbs, argc, (char **)argv, operands, &operand_count, &help, &error);
}

#define PARSE_VERBS(...) parse_verbs((int)(sizeof((const char *[]){"things", __VA_ARGS__}) / sizeof(char *)), (const char *[]){"things", __VA_ARGS__, NULL})

TEST(the_first_verb_is_taken_when_there_is_none)
{
    assert_int_equal(PARSE_VERBS("--json"), OK);
    assert_int_equal(operand_count, 1);
    assert_string_equal(operands[0], "list");
}

TEST(a_verb_has_its_own_operands_and_options)
{
    assert_int_equal(PARSE_VERBS("make", "a", "b", "--kind", "big"), OK);
    assert_int_equal(operand_count, 3);
    assert_int_equal(PARSE_VERBS("mke"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace things: there is no command \"mke\"; did you mean \"make\"?");
    assert_int_equal(PARSE_VERBS("make"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace things make: something is missing: tailrace things make TOPIC [FILE]");
    assert_int_equal(PARSE_VERBS("make", "a", "b", "c"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace things make: \"c\" is too much; see tailrace things make --help");
    assert_int_equal(PARSE_VERBS("make", ""), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace things make: a word is empty; expected is TOPIC [FILE]");
    assert_int_equal(PARSE_VERBS("list", "--kind", "big"), ERROR_USAGE);
    assert_string_equal(error.message, "tailrace things list: --kind goes with make only");
}

static void renders(void (*render)(const struct options *options, struct buffer *out), const char *expected)
{
    struct buffer out;

    buffer_init(&out, 4096);
    render(&with_verbs, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    buffer_finish(&out);
}

static void help_of_all(const struct options *table, struct buffer *out)
{
    options_help(table, NULL, out);
}

static void help_of_make(const struct options *table, struct buffer *out)
{
    options_help(table, "make", out);
}

TEST(help_of_a_verb_is_its_own)
{
    renders(help_of_all, "usage: tailrace things [option]… COMMAND …\nHandles things.\n\n"
                         "  list               All of them\n"
                         "  make TOPIC [FILE]  A new one\n\n"
                         "  --json            As JSON\n"
                         "  --kind big|small  make: Which. It matters\n"
                         "  --help            Print this\n\n"
                         "examples:\n  tailrace things\n  tailrace things make a\n");
    renders(help_of_make, "usage: tailrace things make [option]… TOPIC [FILE]\nA new one\n\n"
                          "  --json            As JSON\n"
                          "  --kind big|small  Which. It matters\n"
                          "  --help            Print this\n");
}

TEST(the_manual_has_what_help_has)
{
    renders(options_manual, ".Ss tailrace things\n.Bd -ragged -compact\n.Nm Cm \"\\&things\" Oo Ar option ... Oc Ar \"\\&command ...\"\n.Ed\n.Pp\n"
                            "Handles things.\n"
                            ".Bl -tag -width Ds\n.It Cm \"\\&list\"\nAll of them\n.It Cm \"\\&make\" Ar \"\\&TOPIC [FILE]\"\nA new one\n.El\n.Pp\nOptions:\n"
                            ".Bl -tag -width Ds\n.It Fl \"\\&\\-json\"\nAs JSON\n.It Fl \"\\&\\-kind\" Ar \"\\&big|small\"\nmake: Which.\nIt matters\n.El\n"
                            ".Pp\nExamples:\n.Bd -literal -offset indent\ntailrace things\ntailrace things make a\n.Ed\n");
}

TEST(manual_text_is_taken_for_no_request)
{
    struct buffer out;

    buffer_init(&out, 4096);
    manual_append_text(&out, ".so it's a \\ and a \"-\"");
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, "\\&.so it\\(aqs a \\e and a \\(dq\\-\\(dq\n");
    buffer_finish(&out);
}

/* ---- Completion ---- */

static void completes_to(int count, const char **words, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 4096);
    options_complete(&with_verbs, count, (char **)words, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    buffer_finish(&out);
}

#define COMPLETES_TO(expected, ...) completes_to((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__}, expected)

TEST(a_shell_is_told_what_may_come_next)
{
    COMPLETES_TO("list\tAll of them\nmake\tA new one\n", "");
    COMPLETES_TO("make\tA new one\n", "m");
    COMPLETES_TO("--json\tAs JSON\n--help\tPrint help\n", "list", "-");
    COMPLETES_TO("--kind\tWhich. It matters\n", "make", "--k");
    COMPLETES_TO("big\t\n", "make", "--kind", "b");
    COMPLETES_TO(":TOPIC\n", "make", "");
    COMPLETES_TO(":FILE\n", "make", "--json", "a", "");
    COMPLETES_TO(":FILE\n", "make", "--kind", "big", "a", "x");
    COMPLETES_TO("", "list", "");
    COMPLETES_TO(":TOPIC\n", "make", "--", "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_may_be_mixed),
        cmocka_unit_test(wrong_usage_names_what_is_wrong),
        cmocka_unit_test(help_lists_every_option),
        cmocka_unit_test(help_is_never_wider_than_its_columns),
        cmocka_unit_test(the_first_verb_is_taken_when_there_is_none),
        cmocka_unit_test(a_verb_has_its_own_operands_and_options),
        cmocka_unit_test(help_of_a_verb_is_its_own),
        cmocka_unit_test(the_manual_has_what_help_has),
        cmocka_unit_test(manual_text_is_taken_for_no_request),
        cmocka_unit_test(a_shell_is_told_what_may_come_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
