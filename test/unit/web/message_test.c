#include "web/message.h"

#include "base/arena.h"
#include "check.h"

static bool hides(const char *text)
{
    return message_text_hides("public.cards.number, public.cards.owner", slice_from_string(text));
}

TEST(a_masked_column_is_found_at_any_depth)
{
    assert_true(hides("{\"number\":1}"));
    assert_true(hides("[{\"rows\":[{\"owner\":null}]}]"));
    assert_false(hides("{\"numbers\":1,\"text\":\"number\"}"));
    assert_false(hides("number"));
    assert_false(hides(""));
    assert_false(message_text_hides("", slice_from_string("{\"number\":1}")));
}

TEST(a_masked_column_is_found_in_what_only_people_read)
{
    assert_true(hides(" \n{\"number\":1}"));
    assert_true(hides("{\"number\":1}\n"));
    assert_true(hides("{\"number\":1} and more"));
    assert_true(hides("{\"name\":\"a\\u0000b\",\"number\":1}"));
}

TEST(a_password_beside_a_nul_is_masked)
{
    struct arena arena;
    struct slice shown;

    arena_init(&arena, 4096);
    shown = message_without_secrets(slice_from_string("{\"properties\":{\"database.password\":\"hunter2\",\"note\":\"a\\u0000b\"}}"), &arena);
    assert_null(memmem(shown.data, shown.size, "hunter2", 7));
    assert_non_null(memmem(shown.data, shown.size, "a\\u0000b", 8));
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_masked_column_is_found_at_any_depth),
        cmocka_unit_test(a_masked_column_is_found_in_what_only_people_read),
        cmocka_unit_test(a_password_beside_a_nul_is_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
