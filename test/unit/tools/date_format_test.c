#include "tools/date_format.h"

#include "check.h"

#include <stdlib.h>
#include <time.h>

#define MOMENT INT64_C(1729857600123) /* 2024-10-25T12:00:00.123Z */

static void a_moment_follows_its_pattern(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_string_equal(date_format(&arena, "yyyy-MM-dd HH:mm:ss:SSS", MOMENT), "2024-10-25 12:00:00:123");
    assert_string_equal(date_format(&arena, "yy MMM MMMM EEE EEEE hh a 'it''s' X", MOMENT), "24 Oct October Fri Friday 12 PM it's Z");
    arena_finish(&arena);
}

static void an_unknown_letter_is_refused(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_null(date_format_check(&arena, "yyyy 'foo'"));
    assert_string_equal(failure_message(date_format_check(&arena, "foo")), "Illegal pattern character 'f'");
    assert_string_equal(failure_message(date_format_check(&arena, "yyyy '")), "Unterminated quote");
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_follows_its_pattern),
        cmocka_unit_test(an_unknown_letter_is_refused),
    };

    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
