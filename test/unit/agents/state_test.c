#include "agents/state.h"

#include "check.h"

static struct state_table *table_of(size_t keys_max, size_t bytes_max)
{
    struct state_limits limits = {.keys_max = keys_max, .bytes_max = bytes_max};

    return state_create(&limits);
}

static void put(struct state_table *table, const char *key, const char *value)
{
    struct state_entry *entry = state_open(table, slice_from_string(key));

    assert_true(state_resize(table, &entry, strlen(value)));
    memcpy(entry->bytes, value, strlen(value));
    state_touch(table, entry);
}

static void assert_value(const struct state_table *table, const char *key, const char *value)
{
    const struct state_entry *entry = state_find(table, slice_from_string(key));

    assert_non_null(entry);
    assert_true(slice_equal_string(slice_of(entry->bytes, entry->size), value));
}

TEST(what_changed_is_told_once)
{
    struct state_table *table = table_of(0, 0);
    struct slice key, bytes;

    put(table, "a", "1");
    put(table, "b", "2");
    put(table, "a", "a longer value that has to move");
    assert_int_equal(state_changed_keys(table), 2);
    assert_true(state_next_changed(table, &key, &bytes));
    assert_true(state_next_changed(table, &key, &bytes));
    assert_false(state_next_changed(table, &key, &bytes));
    put(table, "b", "3");
    assert_true(state_next_changed(table, &key, &bytes));
    assert_true(slice_equal_string(key, "b") && slice_equal_string(bytes, "3"));
    assert_false(state_next_changed(table, &key, &bytes));
    assert_value(table, "a", "a longer value that has to move");
    state_destroy(table);
}

TEST(the_least_recently_used_goes_first_and_is_told_as_gone)
{
    struct state_table *table = table_of(3, 0);
    struct slice key, bytes;

    put(table, "a", "1");
    put(table, "b", "2");
    put(table, "c", "3");
    (void)state_open(table, slice_from_string("a"));
    put(table, "d", "4");
    assert_null(state_find(table, slice_from_string("b")));
    assert_value(table, "a", "1");
    assert_int_equal(state_counters_read(table).evicted, 1);
    assert_int_equal(state_counters_read(table).keys, 3);
    assert_true(state_next_changed(table, &key, &bytes));
    assert_true(slice_equal_string(key, "b") && slice_is_null(bytes));
    state_destroy(table);
}

TEST(what_is_used_again_and_again_stays)
{
    struct state_table *table = table_of(500, 0);
    char key[32];

    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), "hot %d", i % 20);
        put(table, key, "1");
        (void)snprintf(key, sizeof(key), "cold %d", i);
        put(table, key, "1");
    }
    assert_int_equal(state_counters_read(table).keys, 500);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof(key), "hot %d", i);
        assert_value(table, key, "1");
    }
    state_destroy(table);
}

TEST(bytes_are_bounded_too)
{
    struct state_table *table = table_of(0, 20000);
    char key[32];

    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof(key), "key %d", i);
        put(table, key, "0123456789012345678901234567890123456789");
    }
    assert_true(state_counters_read(table).bytes <= 20000);
    assert_true(state_counters_read(table).keys > 50);
    assert_value(table, "key 999", "0123456789012345678901234567890123456789");
    state_destroy(table);
}

TEST(restored_keys_are_not_told)
{
    struct state_table *table = table_of(0, 0);
    struct slice key, bytes;

    state_restore(table, slice_from_string("a"), slice_from_string("1"));
    state_restore(table, slice_from_string("b"), slice_from_string("2"));
    state_restore(table, slice_from_string("a"), slice_null());
    assert_null(state_find(table, slice_from_string("a")));
    assert_value(table, "b", "2");
    assert_false(state_next_changed(table, &key, &bytes));
    state_destroy(table);
}

TEST(many_keys_are_found_again)
{
    struct state_table *table = table_of(0, 0);
    char name[32];

    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        put(table, name, name);
    }
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_value(table, name, name);
    }
    assert_int_equal(state_counters_read(table).keys, 20000);
    state_destroy(table);
}

TEST(a_state_past_its_limit_is_refused)
{
    struct state_limits limits = {.key_bytes_max = 100};
    struct state_table *table = state_create(&limits);
    struct state_entry *entry = state_open(table, slice_from_string("a"));

    assert_true(state_resize(table, &entry, 100));
    assert_false(state_resize(table, &entry, 101));
    assert_int_equal(entry->size, 100);
    state_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changed_is_told_once),
        cmocka_unit_test(the_least_recently_used_goes_first_and_is_told_as_gone),
        cmocka_unit_test(what_is_used_again_and_again_stays),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(restored_keys_are_not_told),
        cmocka_unit_test(many_keys_are_found_again),
        cmocka_unit_test(a_state_past_its_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
