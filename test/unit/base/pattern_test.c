#include "check.h"

#include "base/pattern.h"

static struct pattern_list *list_of(const char *text)
{
    struct pattern_list *list = NULL;
    struct error error;

    assert_int_equal(pattern_list_create(text, PATTERN_IGNORE_CASE, &list, &error), OK);
    return list;
}

TEST(the_whole_name_has_to_match_in_any_case)
{
    struct pattern_list *list = list_of("public.m.*, other\\.One");

    assert_int_equal(pattern_list_count(list), 2);
    assert_int_equal(pattern_list_find(list, slice_from_string("PUBLIC.M1")), 0);
    assert_int_equal(pattern_list_find(list, slice_from_string("other.one")), 1);
    assert_int_equal(pattern_list_find(list, slice_from_string("otherxone")), -1);
    assert_int_equal(pattern_list_find(list, slice_from_string("my.public.m1")), -1);
    assert_int_equal(pattern_list_find(list, slice_from_string("other.one2")), -1);
    pattern_list_destroy(list);
}

TEST(an_escaped_comma_belongs_to_the_expression)
{
    struct pattern_list *list = list_of("a{1\\,2},b");

    assert_int_equal(pattern_list_count(list), 2);
    assert_true(pattern_list_matches(list, slice_from_string("aa")));
    assert_false(pattern_list_matches(list, slice_from_string("aaa")));
    pattern_list_destroy(list);
}

TEST(nothing_matches_an_empty_list)
{
    struct pattern_list *list = list_of(NULL);

    assert_int_equal(pattern_list_count(list), 0);
    assert_false(pattern_list_matches(list, slice_from_string("")));
    pattern_list_destroy(list);
    list = list_of(" , ");
    assert_int_equal(pattern_list_count(list), 0);
    pattern_list_destroy(list);
    assert_false(pattern_list_matches(NULL, slice_from_string("a")));
}

TEST(java_classes_and_look_ahead_are_understood)
{
    struct pattern_list *list = list_of("s\\.t_\\d+,(?!public\\.).*\\.x");

    assert_true(pattern_list_matches(list, slice_from_string("s.t_42")));
    assert_true(pattern_list_matches(list, slice_from_string("other.x")));
    assert_false(pattern_list_matches(list, slice_from_string("public.x")));
    pattern_list_destroy(list);
}

TEST(a_bad_expression_is_named)
{
    struct pattern_list *list = NULL;
    struct error error;

    assert_int_equal(pattern_list_create("ok,a(b", PATTERN_EXACT_CASE, &list, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "regular expression 'a(b': missing closing parenthesis near index 3");
}

TEST(letters_count_when_asked)
{
    struct pattern_list *list = NULL;
    struct error error;

    assert_int_equal(pattern_create(slice_from_string("A,b"), PATTERN_EXACT_CASE, &list, &error), OK);
    assert_true(pattern_list_matches(list, slice_from_string("A,b")));
    assert_false(pattern_list_matches(list, slice_from_string("a,b")));
    pattern_list_destroy(list);
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
