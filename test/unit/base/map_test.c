#include "base/map.h"

#include "check.h"

TEST(thousands_of_keys_are_found_after_half_were_removed)
{
    struct map map;
    static int values[5000];
    char key[32];
    size_t at = 0, seen = 0;

    map_init(&map);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_null(map_put_string(&map, key, &values[i]));
    }
    for (int i = 0; i < 5000; i += 2) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_remove(&map, slice_from_string(key)), &values[i]);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_get_string(&map, key), i % 2 == 0 ? NULL : (void *)&values[i]);
    }
    while (map_next(&map, &at) != NULL)
        seen++;
    assert_int_equal(seen, 2500);
    map_finish(&map);
}

TEST(putting_again_replaces_and_gives_the_old_value)
{
    struct map map;
    int one, two;

    map_init(&map);
    assert_null(map_get_string(&map, "a"));
    assert_null(map_remove(&map, slice_from_string("a")));
    assert_null(map_put_string(&map, "a", &one));
    assert_ptr_equal(map_put_string(&map, "a", &two), &one);
    assert_ptr_equal(map_get_string(&map, "a"), &two);
    assert_int_equal(map.count, 1);
    map_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_keys_are_found_after_half_were_removed),
        cmocka_unit_test(putting_again_replaces_and_gives_the_old_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
