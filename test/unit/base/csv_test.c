#include "base/csv.h"

#include "check.h"

static void expect(void (*append)(struct buffer *line, const char *text), const char *text, const char *wanted)
{
    struct buffer line;

    buffer_init(&line, 1000);
    append(&line, text);
    buffer_append_u8(&line, '\0');
    assert_string_equal((const char *)line.data, wanted);
    buffer_finish(&line);
}

TEST(only_fields_that_need_them_get_quotes)
{
    expect(csv_append, "plain", "plain");
    expect(csv_append, "", "\"\"");
    expect(csv_append, "a,b", "\"a,b\"");
    expect(csv_append, "say \"x\"\nbye", "\"say \"\"x\"\"\nbye\"");
    expect(csv_append, "=1+1", "=1+1");
}

TEST(formulas_are_made_harmless_and_numbers_stay)
{
    expect(csv_append_safely, "=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"");
    expect(csv_append_safely, "@SUM(A1)", "\"'@SUM(A1)\"");
    expect(csv_append_safely, "-2+3", "\"'-2+3\"");
    expect(csv_append_safely, "-cmd", "\"'-cmd\"");
    expect(csv_append_safely, "-0x10", "\"'-0x10\"");
    expect(csv_append_safely, "-12.50", "-12.50");
    expect(csv_append_safely, "+1e5", "+1e5");
    expect(csv_append_safely, "a=b", "a=b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_fields_that_need_them_get_quotes),
        cmocka_unit_test(formulas_are_made_harmless_and_numbers_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
