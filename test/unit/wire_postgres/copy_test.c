#include "check.h"

#include "wire/postgres/copy.h"

static struct pg_value values[4];
static struct pg_row row;
static uint8_t line[64];

/* `text` with its NULs; gives whether it was taken. */
static bool read_row(const char *text, size_t size)
{
    memcpy(line, text, size);
    return copy_row_read(line, size, values, 4, &row);
}

#define READ(text) read_row(text, sizeof(text) - 1)

static void check_value(size_t at, const char *expected)
{
    if (expected == NULL) {
        assert_int_equal(values[at].kind, PG_VALUE_NULL);
    } else {
        assert_int_equal(values[at].kind, PG_VALUE_TEXT);
        assert_int_equal(values[at].text.size, strlen(expected));
        assert_memory_equal(values[at].text.data, expected, strlen(expected));
    }
}

TEST(plain_fields_are_split)
{
    assert_true(READ("1\tabc\t\tx\n"));
    assert_int_equal(row.count, 4);
    check_value(0, "1");
    check_value(1, "abc");
    check_value(2, "");
    check_value(3, "x");
    assert_true(READ("1"));
    assert_int_equal(row.count, 1);
}

TEST(null_is_told_from_its_look_alikes)
{
    assert_true(READ("\\N\t\\\\N\tN\t\n"));
    check_value(0, NULL);
    check_value(1, "\\N");
    check_value(2, "N");
    check_value(3, "");
}

TEST(escapes_are_taken_out)
{
    assert_true(READ("a\\tb\\nc\\\\\t\\b\\f\\r\\v\t\\101\\60x\\7\t\\x41\\x4g\\xg\\q\n"));
    check_value(0, "a\tb\nc\\");
    check_value(1, "\b\f\r\v");
    check_value(2, "A0x\a");
    check_value(3, "A\x04gxgq");
}

TEST(broken_rows_are_refused)
{
    assert_false(READ("1\t2\t3\t4\t5\n"));
    assert_false(READ("ends in \\\n"));
    assert_false(READ("two\nlines\n"));
}

TEST(table_without_columns_gives_an_empty_row)
{
    uint8_t newline[] = {'\n'};

    assert_true(copy_row_read(newline, 1, values, 0, &row));
    assert_int_equal(row.count, 0);
    assert_true(READ("\n"));
    assert_int_equal(row.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_fields_are_split),
        cmocka_unit_test(null_is_told_from_its_look_alikes),
        cmocka_unit_test(escapes_are_taken_out),
        cmocka_unit_test(broken_rows_are_refused),
        cmocka_unit_test(table_without_columns_gives_an_empty_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
