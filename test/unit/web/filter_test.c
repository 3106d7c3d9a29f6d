#include "web/filter.h"

#include "check.h"

/* One record with a JSON value, against a filter. */
static bool matches(const char *filter_text, const char *value)
{
    struct record record = {.offset = 7, .timestamp_ms = 1700000000123, .key = slice_from_string("{\"id\":5}"), .value = slice_from_string(value)};
    struct filter *filter;
    struct error error;
    struct arena arena;
    size_t position;
    bool result;

    arena_init(&arena, 4096);
    assert_int_equal(filter_compile(&arena, filter_text, NULL, &filter, &position, &error), OK);
    result = filter_matches(filter, &(struct filter_input){.record = &record, .partition = 2, .arena = &arena});
    arena_finish(&arena);
    return result;
}

/* Where the filter is wrong. */
static size_t wrong_at(const char *filter_text, const char *mask)
{
    struct filter *filter;
    struct error error;
    struct arena arena;
    size_t position = 999;

    arena_init(&arena, 4096);
    assert_int_equal(filter_compile(&arena, filter_text, mask, &filter, &position, &error), ERROR_BAD_INPUT);
    arena_finish(&arena);
    return position;
}

TEST(numbers_compare_as_exact_decimals)
{
    assert_true(matches("n = 12.30", "{\"n\":\"12.3\"}"));
    assert_true(matches("n > 9", "{\"n\":10}"));
    assert_true(matches("n < 12345678901234567891", "{\"n\":\"12345678901234567890\"}"));
    assert_false(matches("n != 12.30", "{\"n\":\"12.3\"}"));
}

TEST(words_join_with_and_or_not)
{
    assert_true(matches("a = 1 and b = 2 or c = 9", "{\"a\":1,\"b\":2}"));
    assert_false(matches("a = 1 and (b = 3 or c = 9)", "{\"a\":1,\"b\":2}"));
    assert_true(matches("not a = 2", "{\"a\":1}"));
    assert_true(matches("c is null and a is not null", "{\"a\":1}"));
}

TEST(the_message_itself_is_named)
{
    assert_true(matches("partition = 2 and offset = 7 and key.id = 5", "{}"));
    assert_true(matches("time >= '2023-11-14T22:13:20Z' and time < 22:14", "{}"));
    assert_true(matches("size > 5", "{}"));
}

TEST(a_word_alone_is_looked_for_in_any_case)
{
    assert_true(matches("BERLIN", "{\"city\":\"Berlin\"}"));
    assert_true(matches("'it''s'", "it's so"));
    assert_false(matches("paris", "{\"city\":\"Berlin\"}"));
    assert_true(matches("city contains erl", "{\"city\":\"Berlin\"}"));
}

TEST(errors_name_the_character)
{
    assert_int_equal(wrong_at("", NULL), 0);
    assert_int_equal(wrong_at("a >", NULL), 3);
    assert_int_equal(wrong_at("(a = 1", NULL), 6);
    assert_int_equal(wrong_at("a = 1 b", NULL), 6);
    assert_int_equal(wrong_at("a = 'x", NULL), 6);
    assert_int_equal(wrong_at("a is nul", NULL), 5);
    assert_int_equal(wrong_at("changed(a", NULL), 9); /* the end, not behind it */
}

TEST(what_begins_as_a_number_has_to_be_one_unless_quoted)
{
    assert_int_equal(wrong_at("a = 1 and n > 3000jj", NULL), 14);
    assert_true(matches("n > '3000jj'", "{\"n\":\"31\"}"));
    assert_true(matches("n > 3e2 and n >= -4.5", "{\"n\":301}"));
    assert_true(matches("n > 2A/91F3", "{\"n\":\"2B/0\"}"));
    assert_true(matches("t > 2026-01-01T10:00", "{\"t\":\"2026-02-01\"}"));
    assert_true(matches("n != 3000jj", "{\"n\":\"31\"}"));
}

TEST(hidden_columns_cannot_be_asked_for)
{
    assert_int_equal(wrong_at("id = 1 and email = x", "public.users.email"), 11);
    assert_int_equal(wrong_at("before.email = x", "public.users.email"), 0);
}

TEST(a_filter_without_end_is_refused)
{
    char text[2000];
    size_t size = 0;

    while (size < 1000)
        text[size++] = '(';
    text[size] = '\0';
    (void)wrong_at(text, NULL);
    for (size = 0; size + 10 < sizeof(text); size += 8)
        memcpy(text + size, "a=1 and ", 9);
    (void)wrong_at(text, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_as_exact_decimals),     cmocka_unit_test(words_join_with_and_or_not), cmocka_unit_test(the_message_itself_is_named),
        cmocka_unit_test(a_word_alone_is_looked_for_in_any_case), cmocka_unit_test(errors_name_the_character),  cmocka_unit_test(what_begins_as_a_number_has_to_be_one_unless_quoted),
        cmocka_unit_test(hidden_columns_cannot_be_asked_for),
        cmocka_unit_test(a_filter_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
