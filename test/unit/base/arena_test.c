#include "base/arena.h"

#include "check.h"

TEST(allocations_are_zeroed_and_aligned_also_after_a_reset)
{
    struct arena arena;

    arena_init(&arena, 256);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 600; size += 37) {
            uint8_t *memory = arena_new(&arena, size);

            assert_int_equal((uintptr_t)memory % 16, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(memory[i], 0);
            memset(memory, 0xff, size);
        }
        arena_reset(&arena);
        assert_int_equal(arena.allocated_bytes, 0);
    }
    arena_finish(&arena);
}

TEST(strings_are_copied_with_an_end)
{
    struct arena arena;

    arena_init(&arena, 64);
    assert_string_equal(arena_copy_string(&arena, slice_of("abcdef", 3)), "abc");
    assert_null(arena_copy_string(&arena, slice_null()));
    assert_string_equal(arena_format(&arena, "%d-%s", 7, "x"), "7-x");
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_and_aligned_also_after_a_reset),
        cmocka_unit_test(strings_are_copied_with_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
