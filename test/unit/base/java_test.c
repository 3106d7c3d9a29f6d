#include "base/java.h"

#include "check.h"

static void order_is(const char *const *keys, size_t capacity, const char *expected)
{
    struct properties map;
    char joined[1024] = "";
    size_t size = 0;

    properties_init(&map);
    for (size_t i = 0; keys[i] != NULL; i++)
        properties_set(&map, keys[i], "");
    java_map_order_properties(&map, capacity == 0 ? java_map_capacity(map.count) : capacity);
    for (size_t i = 0; i < map.count; i++)
        size += (size_t)snprintf(joined + size, sizeof(joined) - size, "%s ", map.items[i].key);
    assert_string_equal(joined, expected);
    properties_finish(&map);
}

TEST(hash_codes_are_those_of_java)
{
    assert_int_equal(java_hash_code(slice_from_string("")), 0);
    assert_int_equal(java_hash_code(slice_from_string("name")), 3373707);
    assert_int_equal(java_hash_code(slice_from_string("\xc3\xa9")), 0xe9);
    assert_int_equal(java_hash_code(slice_from_string("\xf0\x9f\x99\x82")), 0xd83d * 31 + 0xde42);
}

TEST(twelve_keys_have_sixteen_buckets_and_thirteen_have_thirty_two)
{
    static const char *const twelve[] = {"connector.class",
                                         "tasks.max",
                                         "database.hostname",
                                         "database.port",
                                         "database.user",
                                         "database.password",
                                         "database.dbname",
                                         "slot.name",
                                         "topic.prefix",
                                         "plugin.name",
                                         "database.replication.slot.name",
                                         "name",
                                         NULL};
    static const char *const thirteen[] = {"connector.class",
                                           "tasks.max",
                                           "database.hostname",
                                           "database.port",
                                           "database.user",
                                           "database.password",
                                           "database.dbname",
                                           "slot.name",
                                           "topic.prefix",
                                           "plugin.name",
                                           "database.replication.slot.name",
                                           "name",
                                           "task.class",
                                           NULL};

    order_is(twelve, 0,
             "connector.class database.user database.dbname topic.prefix slot.name tasks.max database.hostname "
             "database.replication.slot.name database.password name database.port plugin.name ");
    order_is(thirteen, 0,
             "connector.class database.user database.dbname slot.name tasks.max database.port plugin.name topic.prefix task.class "
             "database.hostname database.replication.slot.name database.password name ");
}

TEST(a_copied_map_has_room_for_a_third_more)
{
    assert_int_equal(java_map_capacity(0), 16);
    assert_int_equal(java_map_capacity(12), 16);
    assert_int_equal(java_map_capacity(13), 32);
    assert_int_equal(java_map_capacity_of_copy(11), 16);
    assert_int_equal(java_map_capacity_of_copy(12), 32);
    assert_int_equal(java_map_capacity_of_copy(1), 2);
}

TEST(a_map_that_was_made_for_so_many_has_a_smaller_table)
{
    static const uint32_t hashes[] = {5, 2, 1};
    static const size_t of_four[] = {0, 2, 1}, of_sixteen[] = {2, 1, 0};
    struct arena arena;

    arena_init(&arena, 256);
    assert_memory_equal(java_map_order_new(&arena, hashes, 3, 3), of_four, sizeof(of_four));
    assert_memory_equal(java_map_order_new(&arena, hashes, 3, 0), of_sixteen, sizeof(of_sixteen));
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_codes_are_those_of_java),
        cmocka_unit_test(twelve_keys_have_sixteen_buckets_and_thirteen_have_thirty_two),
        cmocka_unit_test(a_copied_map_has_room_for_a_third_more),
        cmocka_unit_test(a_map_that_was_made_for_so_many_has_a_smaller_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
