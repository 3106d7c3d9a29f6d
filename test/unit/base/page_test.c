#include "base/page.h"

#include "base/amount.h"
#include "check.h"

#include <math.h>

static void prints(const struct table *table, bool has_colors, const char *expected)
{
    struct buffer text;
    struct page page = {&text, has_colors};

    buffer_init(&text, 4096);
    table_print(table, &page);
    buffer_append_u8(&text, 0);
    assert_string_equal((char *)text.data, expected);
    buffer_finish(&text);
}

TEST(columns_are_as_wide_as_their_widest_cell)
{
    struct table *table = table_create("topic|>records|note");

    table_cell(table, STYLE_PLAIN, "a");
    table_cell_count(table, 1234567, -1);
    table_cell(table, STYLE_PLAIN, "x");
    table_cell(table, STYLE_PLAIN, "größer-wörter");
    table_cell_count(table, -1, -1);
    table_cell(table, STYLE_PLAIN, "日本");
    prints(table, false,
           "topic            records  note\n"
           "a              1,234,567  x\n"
           "größer-wörter          -  日本\n");
    table_destroy(table);
}

TEST(a_table_without_rows_prints_nothing)
{
    struct table *table = table_create("a|b");

    prints(table, true, "");
    table_destroy(table);
}

TEST(names_from_outside_cannot_steer_the_terminal)
{
    struct table *table = table_create("name");
    struct buffer text;
    struct page page = {&text, false};

    table_cell(table, STYLE_PLAIN, "%s", "a\033[2Jb\nc\x7f");
    table_cell(table, STYLE_PLAIN, "%s", "bad \xff byte");
    table_cell(table, STYLE_PLAIN, "%s", "c1 \xc2\x9b here");
    prints(table, false, "name\na [2Jb c \nbad ? byte\nc1    here\n");
    table_destroy(table);
    buffer_init(&text, 4096);
    page_print(&page, STYLE_BAD, "%s\n", "a\033[2Jb");
    buffer_append_u8(&text, 0);
    assert_string_equal((char *)text.data, "a [2Jb\n");
    buffer_finish(&text);
}

TEST(colors_do_not_move_columns)
{
    struct table *table = table_create("a|>b");

    table_cell(table, STYLE_BAD, "x");
    table_cell(table, STYLE_GOOD, "y");
    table_cell(table, STYLE_PLAIN, "long");
    table_cell(table, STYLE_PLAIN, "7");
    prints(table, true, "\033[2ma\033[0m     \033[2mb\033[0m\n\033[1;31mx\033[0m     \033[32my\033[0m\nlong  7\n");
    table_destroy(table);
}

TEST(long_cells_are_cut_between_characters)
{
    struct table *table = table_create("a");
    struct buffer text;
    struct page page = {&text, false};

    table_cell(table, STYLE_PLAIN, "x%0*d%s", 4093, 0, "éé");
    buffer_init(&text, 8192);
    table_print(table, &page);
    assert_int_equal(text.size, 2 + 4094 + 1);
    buffer_finish(&text);
    table_destroy(table);
}

TEST(a_limit_cuts_wide_cells_and_nothing_else)
{
    struct table *table = table_create("a|b");

    table_limit(table, 5);
    table_cell(table, STYLE_PLAIN, "12345");
    table_cell(table, STYLE_PLAIN, "x");
    table_cell(table, STYLE_PLAIN, "äöüßéñ");
    table_cell(table, STYLE_PLAIN, "日本語");
    prints(table, false, "a      b\n12345  x\näöüß…  日本…\n");
    table_destroy(table);
}

static void fits(struct table *table, size_t columns, const char *expected)
{
    struct buffer text;
    struct page page = {.text = &text, .columns = columns};

    buffer_init(&text, 4096);
    table_print(table, &page);
    buffer_append_u8(&text, 0);
    assert_string_equal((char *)text.data, expected);
    buffer_finish(&text);
}

TEST(a_narrow_page_cuts_texts_and_leaves_the_last_columns_out_and_never_cuts_numbers)
{
    struct table *table = table_create("name|state|>records");

    table_cell(table, STYLE_PLAIN, "a.very.long.name.of.a.topic");
    table_cell(table, STYLE_PLAIN, "running well");
    table_cell_count(table, INT64_C(1234567890123), -1);
    fits(table, 0, "name                         state                   records\na.very.long.name.of.a.topic  running well  1,234,567,890,123\n");
    fits(table, 54, "name                         state             records\na.very.long.name.of.a.topic  runni…  1,234,567,890,123\n");
    fits(table, 51, "name                      state             records\na.very.long.name.of.a.t…  runni…  1,234,567,890,123\n");
    fits(table, 50, "name                         state\na.very.long.name.of.a.topic  running well\n");
    fits(table, 10, "name                      state\na.very.long.name.of.a.t…  runni…\n");
    table_destroy(table);
}

static void wraps(size_t at, size_t columns, const char *text, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 4096);
    page_wrap(&out, slice_from_string(text), at, 2, columns);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    buffer_finish(&out);
}

TEST(words_are_broken_between_and_never_inside)
{
    wraps(2, 0, "one two three", "one two three");
    wraps(2, 9, "one two three", "one two\n  three");
    wraps(2, 10, "ünä twö three", "ünä twö\n  three");
    wraps(8, 9, "one two", "one\n  two");
    wraps(2, 9, "incomprehensible", "incomprehensible");
    wraps(2, 9, "a incomprehensible b", "a\n  incomprehensible\n  b");
    wraps(2, 9, "", "");
    wraps(2, 90, "one\ntwo", "one\n  two");
    wraps(2, 9, "一二 三四", "一二\n  三四");
}

static void amounts(void (*append)(struct buffer *text, int64_t value), int64_t value, const char *expected)
{
    struct buffer text;

    buffer_init(&text, 256);
    append(&text, value);
    buffer_append_u8(&text, 0);
    assert_string_equal((char *)text.data, expected);
    buffer_finish(&text);
}

TEST(amounts_read_well)
{
    amounts(amount_count, 0, "0");
    amounts(amount_count, -1234, "-1,234");
    amounts(amount_bytes, 1023, "1023 B");
    amounts(amount_bytes, 1610612736, "1.5 GiB");
    amounts(amount_duration, 0, "0 s");
    amounts(amount_duration, 400, "0.4 s");
    amounts(amount_duration, 119999, "119 s");
    amounts(amount_duration, 660000, "11 min");
    amounts(amount_duration, 7500000, "2 h 5 min");
    amounts(amount_duration, INT64_C(259200000), "3 days");
    amounts(amount_time, INT64_C(1795502000000), "2026-11-24 06:33:20Z");
    amounts(amount_time, -1, "1969-12-31 23:59:59Z");
}

TEST(rates_that_are_not_known_are_a_dash)
{
    struct table *table = table_create("a|b|c");

    table_cell_rate(table, NAN);
    table_cell_rate(table, 0.25);
    table_cell_rate(table, 12345.6);
    prints(table, false, "a  b       c\n-  0.2 /s  12,346 /s\n");
    table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(a_table_without_rows_prints_nothing),
        cmocka_unit_test(names_from_outside_cannot_steer_the_terminal),
        cmocka_unit_test(colors_do_not_move_columns),
        cmocka_unit_test(long_cells_are_cut_between_characters),
        cmocka_unit_test(a_limit_cuts_wide_cells_and_nothing_else),
        cmocka_unit_test(a_narrow_page_cuts_texts_and_leaves_the_last_columns_out_and_never_cuts_numbers),
        cmocka_unit_test(words_are_broken_between_and_never_inside),
        cmocka_unit_test(amounts_read_well),
        cmocka_unit_test(rates_that_are_not_known_are_a_dash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
