#include "base/properties.h"
#include "base/buffer.h"

#include "check.h"

TEST(java_syntax_is_read)
{
    static const char text[] = "# comment\n! too\n\na=1\nb : two words \nc\\:d e\nlong=one,\\\n   two\r\nempty=\nu=\\u00e9\\t\n";
    struct properties properties;
    struct error error;

    properties_init(&properties);
    assert_int_equal(properties_parse(&properties, slice_from_string(text), &error), OK);
    assert_string_equal(properties_get(&properties, "a"), "1");
    assert_string_equal(properties_get(&properties, "b"), "two words ");
    assert_string_equal(properties_get(&properties, "c:d"), "e");
    assert_string_equal(properties_get(&properties, "long"), "one,two");
    assert_string_equal(properties_get(&properties, "empty"), "");
    assert_string_equal(properties_get(&properties, "u"), "\xc3\xa9\t");
    assert_null(properties_get(&properties, "missing"));
    assert_int_equal(properties.items[2].line, 6);
    properties_finish(&properties);
}

TEST(a_broken_escape_names_its_line)
{
    struct properties properties;
    struct error error;

    properties_init(&properties);
    assert_int_equal(properties_parse(&properties, slice_from_string("a=1\nb=\\u12\n"), &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "line 2: \\u needs four hexadecimal digits");
    assert_int_equal(properties_set_assignment(&properties, "novalue", &error), ERROR_BAD_INPUT);
    properties_finish(&properties);
}

TEST(removing_keeps_the_order_of_the_rest)
{
    struct properties properties, copy;

    properties_init(&properties);
    properties_set(&properties, "a", "1");
    properties_set(&properties, "b", "2");
    properties_set(&properties, "c", NULL);
    assert_true(properties_remove(&properties, "a"));
    assert_false(properties_remove(&properties, "a"));
    properties_copy(&copy, &properties);
    assert_string_equal(copy.items[0].key, "b");
    assert_true(properties_has(&copy, "c"));
    assert_null(properties_get(&copy, "c"));
    properties_finish(&copy);
    properties_finish(&properties);
}

TEST(a_written_line_reads_back)
{
    static const char *const values[] = {"plain", "", "  two blanks first", "back\\slash", "a=b:c # not a comment", "line\none\ttab", "\xc3\xa9"};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct properties properties;
        struct buffer out;

        buffer_init(&out, 1024);
        properties_init(&properties);
        properties_append_line(&out, "a key=with:#!", values[i]);
        assert_int_equal(properties_parse(&properties, buffer_slice(&out), NULL), OK);
        assert_int_equal(properties.count, 1);
        assert_string_equal(properties_get(&properties, "a key=with:#!"), values[i]);
        properties_finish(&properties);
        buffer_finish(&out);
    }
}

TEST(settings_of_named_things_are_found_by_their_names)
{
    static const char *const known[] = {"rule", "topic", NULL};
    struct properties properties, taken;
    struct slice name;
    struct error error;
    size_t at = 0;

    properties_init(&properties);
    properties_set(&properties, "agents.a.rule", "x");
    properties_set(&properties, "agents.", "no name");
    properties_set(&properties, "agents..rule", "no name either");
    properties_set(&properties, "agents.b.c.topic", "y");
    properties_set(&properties, "agents.a.topic", "z");
    properties_set(&properties, "sinks.s.topic", "y");
    assert_true(properties_next_name(&properties, "agents.", &at, &name));
    assert_true(slice_equal_string(name, "a"));
    assert_true(properties_next_name(&properties, "agents.", &at, &name));
    assert_true(slice_equal_string(name, "b"));
    assert_false(properties_next_name(&properties, "agents.", &at, &name));
    properties_take(&properties, "agents.", "a", &taken);
    assert_int_equal(taken.count, 2);
    assert_string_equal(properties_get(&taken, "topic"), "z");
    properties_finish(&taken);
    properties_finish(&properties);
    assert_int_equal(properties_unknown("agents.", "a", "topc", known, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "unknown setting \"agents.a.topc\"; did you mean \"agents.a.topic\"?");
    assert_int_equal(properties_unknown("", NULL, "something-else", known, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "unknown setting \"something-else\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(java_syntax_is_read),
        cmocka_unit_test(a_broken_escape_names_its_line),
        cmocka_unit_test(removing_keeps_the_order_of_the_rest),
        cmocka_unit_test(a_written_line_reads_back),
        cmocka_unit_test(settings_of_named_things_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
