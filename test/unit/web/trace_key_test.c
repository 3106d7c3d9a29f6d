#include "web/trace_key.h"

#include "check.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

#define SCHEMA "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"id\"}],\"name\":\"a.b.Key\"},\"payload\":"

static bool is(const char *asked, const char *record_key)
{
    struct trace_key key;

    trace_key_read(asked, &arena, &key);
    return trace_key_is(&key, slice_from_string(record_key));
}

TEST(a_key_is_known_in_every_way_that_people_write_it)
{
    assert_true(is("42", "{\"id\":42}"));
    assert_true(is(" id = 42 ", "{\"id\":42}"));
    assert_true(is("id=42", SCHEMA "{\"id\":42}}"));
    assert_true(is("{\"id\":42}", SCHEMA "{\"id\":42}}"));
    assert_true(is(SCHEMA "{\"id\":42}}", SCHEMA "{\"id\":42}}"));
    assert_true(is("7-x", "{\"code\":\"7-x\"}"));
    assert_true(is("7-x", "7-x"));
    assert_true(is("7-x", "\"7-x\""));
    assert_true(is("b=2", "{\"a\":1,\"b\":2}"));
    assert_true(is("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}"));
}

TEST(what_is_not_the_key_is_not_taken_for_it)
{
    assert_false(is("4", "{\"id\":42}"));
    assert_false(is("42", "{\"id\":142}"));
    assert_false(is("other=42", "{\"id\":42}"));
    assert_false(is("1", "{\"a\":1,\"b\":2}")); /* which of the two? */
    assert_false(is("42", ""));
    assert_false(is("42", "{\"id\":"));
    assert_false(is("42", "{\"schema\":{},\"payload\":null}"));
}

static const char *like(const char *asked, const char *sample)
{
    struct trace_key key;
    struct slice made;

    trace_key_read(asked, &arena, &key);
    made = trace_key_like(&key, slice_from_string(sample), &arena);
    return slice_is_null(made) ? "none" : arena_copy_string(&arena, made);
}

TEST(a_key_is_made_like_another_of_its_topic)
{
    assert_string_equal(like("42", SCHEMA "{\"id\":7}}"), SCHEMA "{\"id\":42}}");
    assert_string_equal(like("id=42", "{\"id\":7}"), "{\"id\":42}");
    assert_string_equal(like("x", "{\"code\":\"abc\"}"), "{\"code\":\"x\"}");
    assert_string_equal(like("42", "{\"a\":1,\"b\":2}"), "none");
    assert_string_equal(like("42", "plain"), "none");
    assert_string_equal(like("42", ""), "none");
}

TEST(an_insert_and_a_snapshot_begin_a_row_and_tell_when_they_were_received)
{
    const char *insert = "{\"schema\":{},\"payload\":{\"before\":null,\"after\":{\"op\":\"d\"},\"op\":\"c\",\"ts_ms\":1791289863014,\"ts_us\":1791289863014764}}";

    assert_true(trace_value_begins_row(slice_from_string(insert)));
    assert_int_equal(trace_received_us(slice_from_string(insert)), 1791289863014764);
    assert_true(trace_value_begins_row(slice_from_string("{\"op\":\"r\"}")));
    assert_false(trace_value_begins_row(slice_from_string("{\"op\":\"u\",\"after\":{\"op\":\"c\"}}")));
    assert_false(trace_value_begins_row(slice_from_string("no JSON")));
    assert_int_equal(trace_received_us(slice_from_string("{\"ts_ms\":5}")), 5000);
    assert_int_equal(trace_received_us(slice_from_string("{}")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_known_in_every_way_that_people_write_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_the_key_is_not_taken_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_made_like_another_of_its_topic, setup, teardown),
        cmocka_unit_test_setup_teardown(an_insert_and_a_snapshot_begin_a_row_and_tell_when_they_were_received, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
