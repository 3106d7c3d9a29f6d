#include "connect/json_out.h"

#include "check.h"

static void string_is(const char *text, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 1024);
    json_put_text(&out, text);
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
    buffer_finish(&out);
}

TEST(strings_are_escaped_as_jackson_does)
{
    string_is(NULL, "null");
    string_is("", "\"\"");
    string_is("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    string_is("\b\t\n\v\f\r\x1f\x7f", "\"\\b\\t\\n\\u000B\\f\\r\\u001F\x7f\"");
    string_is("\xc3\xa9\xe6\x97\xa5", "\"\xc3\xa9\xe6\x97\xa5\"");
    string_is("\xf0\x9f\x99\x82", "\"\\uD83D\\uDE42\"");
}

TEST(commas_stand_between_members_only)
{
    struct properties map;
    struct buffer out;

    properties_init(&map);
    properties_set(&map, "a", "1");
    properties_set(&map, "b", NULL);
    buffer_init(&out, 1024);
    buffer_append_string(&out, "[");
    json_put_comma(&out);
    json_put_map(&out, &map);
    json_put_comma(&out);
    buffer_append_string(&out, "{");
    json_put_key(&out, "c");
    buffer_append_string(&out, "3}]");
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)out.data, "[{\"a\":\"1\",\"b\":null},{\"c\":3}]");
    buffer_finish(&out);
    properties_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_as_jackson_does),
        cmocka_unit_test(commas_stand_between_members_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
