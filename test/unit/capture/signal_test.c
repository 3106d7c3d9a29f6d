#include "check.h"

#include "capture/incremental.h"
#include "capture/signal.h"

#include "base/banned.h"

static struct arena arena;
static struct signal signal;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static enum status read_row(const char *type, const char *data)
{
    return signal_read(slice_from_string("sig-1"), slice_from_string(type), slice_from_string(data), &arena, &signal, &error);
}

TEST(a_limit_of_load_is_a_share_and_nothing_else)
{
    static const struct {
        const char *data;
        double load;
    } cases[] = {{"{\"load-max\": 0.05}", 0.05}, {"{\"load-max\": 1}", 1}, {"{\"load-max\": 0}", 0}, {"{\"load-max\": -1}", 0}, {"{\"load-max\": 1.5}", 0}, {"{\"load-max\": \"1\"}", 0}, {"{}", 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_row("execute-snapshot", cases[i].data), OK);
        assert_true(signal.load_max == cases[i].load);
    }
}

TEST(a_piece_is_followed_by_a_rest_that_keeps_the_share)
{
    assert_int_equal(incremental_rest_after_ns(1000000, 0), 0); /* no limit */
    assert_int_equal(incremental_rest_after_ns(1000000, 1), 0);
    assert_int_equal(incremental_rest_after_ns(1000000, 0.5), 1000000);
    assert_int_equal(incremental_rest_after_ns(1000000, 0.25), 3000000);
    assert_int_equal(incremental_rest_after_ns(INT64_C(3600000000000), 0.0001), INT64_C(60000000000)); /* a minute at most */
}

TEST(a_snapshot_names_its_tables_and_conditions)
{
    assert_int_equal(read_row("execute-snapshot",
                              "{\"data-collections\": [\"public\\\\.a.*\", \"public.b\"], \"type\": \"BLOCKING\", "
                              "\"additional-conditions\": [{\"data-collection\": \"public.b\", \"filter\": \"x > 1\"}], "
                              "\"surrogate-key\": \"id\"}"),
                     OK);
    assert_int_equal(signal.kind, SIGNAL_EXECUTE_SNAPSHOT);
    assert_string_equal(signal.id, "sig-1");
    assert_true(signal.is_blocking);
    assert_int_equal(signal.collection_count, 2);
    assert_string_equal(signal.collections[0], "public\\.a.*");
    assert_int_equal(signal.condition_count, 1);
    assert_string_equal(signal.conditions[0].filter, "x > 1");
    assert_string_equal(signal.surrogate_key, "id");
}

TEST(what_is_missing_has_its_default)
{
    assert_int_equal(read_row("execute-snapshot", NULL), OK);
    assert_false(signal.is_blocking);
    assert_int_equal(signal.collection_count, 0);
    assert_int_equal(read_row("stop-snapshot", "{}"), OK);
    assert_int_equal(signal.kind, SIGNAL_STOP_SNAPSHOT);
    assert_int_equal(read_row("dance", "{}"), OK);
    assert_int_equal(signal.kind, SIGNAL_UNKNOWN);
}

TEST(data_of_another_shape_is_refused_or_passed_over)
{
    assert_int_equal(read_row("log", "hello"), ERROR_BAD_INPUT);
    assert_int_equal(read_row("log", "[1]"), ERROR_BAD_INPUT);
    assert_int_equal(read_row("execute-snapshot", "{\"data-collections\": \"public.a\", \"additional-conditions\": 5, \"type\": []}"), OK);
    assert_int_equal(signal.collection_count, 0);
    assert_int_equal(read_row("execute-snapshot", "{\"data-collections\": [1, null, \"\", \"t\"], \"additional-conditions\": [{}, 1]}"),
                     OK);
    assert_int_equal(signal.collection_count, 1);
    assert_int_equal(signal.condition_count, 0);
}

TEST(a_record_of_the_topic_holds_all_of_it)
{
    const char *value =
        "{\"id\":\"sig-k\",\"type\":\"execute-snapshot\",\"data\":{\"data-collections\":[\"public.t\"],\"type\":\"INCREMENTAL\"}}";

    assert_int_equal(signal_read_record(slice_from_string(value), &arena, &signal, &error), OK);
    assert_string_equal(signal.id, "sig-k");
    assert_int_equal(signal.kind, SIGNAL_EXECUTE_SNAPSHOT);
    assert_int_equal(signal.collection_count, 1);
    assert_string_equal(signal_data_of_record(slice_from_string(value), &arena),
                        "{\"data-collections\":[\"public.t\"],\"type\":\"INCREMENTAL\"}");
    assert_int_equal(signal_read_record(slice_from_string("{\"id\":\"x\"}"), &arena, &signal, &error), ERROR_BAD_INPUT);
    assert_int_equal(signal_read_record(slice_null(), &arena, &signal, &error), ERROR_BAD_INPUT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_snapshot_names_its_tables_and_conditions),
        T(a_limit_of_load_is_a_share_and_nothing_else),
        T(a_piece_is_followed_by_a_rest_that_keeps_the_share),
        T(what_is_missing_has_its_default),
        T(data_of_another_shape_is_refused_or_passed_over),
        T(a_record_of_the_topic_holds_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
