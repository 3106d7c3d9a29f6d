#include "check.h"

#include "base/regexes.h"

static struct regexes *list_of(const char *text)
{
    struct regexes *list = NULL;
    struct error error;

    assert_int_equal(regexes_create(text, REGEXES_IGNORE_CASE, &list, &error), OK);
    return list;
}

TEST(the_whole_name_has_to_match_in_any_case)
{
    struct regexes *list = list_of("public.m.*, other\\.One");

    assert_int_equal(regexes_count(list), 2);
    assert_int_equal(regexes_find(list, slice_from_string("PUBLIC.M1")), 0);
    assert_int_equal(regexes_find(list, slice_from_string("other.one")), 1);
    assert_int_equal(regexes_find(list, slice_from_string("otherxone")), -1);
    assert_int_equal(regexes_find(list, slice_from_string("my.public.m1")), -1);
    assert_int_equal(regexes_find(list, slice_from_string("other.one2")), -1);
    regexes_destroy(list);
}

TEST(an_escaped_comma_belongs_to_the_expression)
{
    struct regexes *list = list_of("a{1\\,2},b");

    assert_int_equal(regexes_count(list), 2);
    assert_true(regexes_match(list, slice_from_string("aa")));
    assert_false(regexes_match(list, slice_from_string("aaa")));
    regexes_destroy(list);
}

TEST(nothing_matches_an_empty_list)
{
    struct regexes *list = list_of(NULL);

    assert_int_equal(regexes_count(list), 0);
    assert_false(regexes_match(list, slice_from_string("")));
    regexes_destroy(list);
    list = list_of(" , ");
    assert_int_equal(regexes_count(list), 0);
    regexes_destroy(list);
    assert_false(regexes_match(NULL, slice_from_string("a")));
}

TEST(java_classes_and_look_ahead_are_understood)
{
    struct regexes *list = list_of("s\\.t_\\d+,(?!public\\.).*\\.x");

    assert_true(regexes_match(list, slice_from_string("s.t_42")));
    assert_true(regexes_match(list, slice_from_string("other.x")));
    assert_false(regexes_match(list, slice_from_string("public.x")));
    regexes_destroy(list);
}

TEST(a_bad_expression_is_named)
{
    struct regexes *list = NULL;
    struct error error;

    assert_int_equal(regexes_create("ok,a(b", REGEXES_EXACT_CASE, &list, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "regular expression 'a(b': missing closing parenthesis near index 3");
}

TEST(letters_count_when_asked)
{
    struct regexes *list = NULL;
    struct error error;

    assert_int_equal(regexes_create_one(slice_from_string("A,b"), REGEXES_EXACT_CASE, &list, &error), OK);
    assert_true(regexes_match(list, slice_from_string("A,b")));
    assert_false(regexes_match(list, slice_from_string("a,b")));
    regexes_destroy(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_name_has_to_match_in_any_case), cmocka_unit_test(an_escaped_comma_belongs_to_the_expression),
        cmocka_unit_test(nothing_matches_an_empty_list),           cmocka_unit_test(java_classes_and_look_ahead_are_understood),
        cmocka_unit_test(a_bad_expression_is_named),               cmocka_unit_test(letters_count_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
