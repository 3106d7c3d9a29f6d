#include "agents/state_log.h"

#include "check.h"

static void take(struct state_log *log, const char *key, const char *value)
{
    state_log_take(log, slice_from_string(key), slice_from_string(value));
}

static void assert_counts(const struct state_log *log, const char *key, const char *value)
{
    assert_true(slice_equal_string(state_log_value(log, slice_from_string(key)), value));
}

TEST(only_what_lies_before_a_position_record_counts)
{
    struct buffer position;
    struct state_log log;

    buffer_init(&position, STATE_LOG_POSITION_BYTES_MAX);
    state_log_init(&log, &position);
    take(&log, "a", "1");
    take(&log, "b", "1");
    assert_true(slice_is_null(state_log_value(&log, slice_from_string("a"))));
    take(&log, STATE_LOG_POSITION_KEY, "{}");
    take(&log, "a", "2");
    take(&log, "b", NULL);
    take(&log, STATE_LOG_POSITION_KEY, "{\"offsets\":{}}");
    take(&log, "a", "3");
    take(&log, "c", "1");
    assert_counts(&log, "a", "2");
    assert_true(slice_is_null(state_log_value(&log, slice_from_string("b"))));
    assert_true(slice_is_null(state_log_value(&log, slice_from_string("c"))));
    assert_true(slice_equal_string(log.strays->key, "a") && slice_equal_string(log.strays->next->key, "c"));
    assert_null(log.strays->next->next);
    assert_true(slice_equal_string(buffer_slice(&position), "{\"offsets\":{}}"));
    state_log_finish(&log);
    buffer_finish(&position);
}

TEST(a_position_keeps_the_partitions_that_were_not_read_since)
{
    struct buffer position;
    const struct partition_offset first[] = {{0, 10}, {1, 20}, {12, 30}}, second[] = {{1, 25}};

    buffer_init(&position, STATE_LOG_POSITION_BYTES_MAX);
    assert_int_equal(state_position_offset(&position, 0, -1), -1);
    state_position_advance(&position, 5, 0, first, 3);
    assert_true(slice_equal_string(buffer_slice(&position), "{\"alerts_end\":5,\"enriched_end\":0,\"offsets\":{\"0\":10,\"1\":20,\"12\":30}}"));
    state_position_advance(&position, 6, 7, second, 1);
    assert_true(slice_equal_string(buffer_slice(&position), "{\"alerts_end\":6,\"enriched_end\":7,\"offsets\":{\"0\":10,\"12\":30,\"1\":25}}"));
    assert_int_equal(state_position_offset(&position, 12, -1), 30);
    assert_int_equal(state_position_offset(&position, 2, -1), -1);
    state_position_advance(&position, 8, 7, NULL, 0);
    assert_int_equal(state_position_offset(&position, 1, -1), 25);
    buffer_finish(&position);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_lies_before_a_position_record_counts),
        cmocka_unit_test(a_position_keeps_the_partitions_that_were_not_read_since),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
