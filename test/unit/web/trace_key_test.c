#include "web/trace_key.h"

#include "wire/debezium/change.h"

#include "check.h"

static struct arena arena;
static struct change_decoder *decoder;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    decoder = change_decoder_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    change_decoder_destroy(decoder);
    arena_finish(&arena);
    return 0;
}

#define SCHEMA "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"id\"}],\"name\":\"a.b.Key\"},\"payload\":"

static bool is(const char *asked, const char *record_key)
{
    struct trace_key key;

    trace_key_read(asked, &arena, &key);
    return trace_key_is(&key, decoder, slice_from_string(record_key), &arena);
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

/* A key of one column, as Connect writes it. */
static const char *key_of(const char *type, const char *meaning, const char *value)
{
    return arena_format(&arena, "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"%s\",\"name\":\"%s\",\"parameters\":{\"scale\":\"4\"},\"field\":\"k\"}]},\"payload\":{\"k\":%s}}", type,
                        meaning, value);
}

TEST(values_are_known_as_postgresql_prints_them)
{
    const char *decimal = key_of("bytes", "org.apache.kafka.connect.data.Decimal", "\"B1vNFQ==\""); /* 12345.6789 */
    const char *zoned = key_of("string", "io.debezium.time.ZonedTimestamp", "\"2026-01-02T03:04:05.123456Z\"");
    const char *timestamp = key_of("int64", "io.debezium.time.MicroTimestamp", "1767323045500000");
    const char *uuid = key_of("string", "io.debezium.data.Uuid", "\"0e37df36-f698-11e6-8dd4-cb9ced3df976\"");

    assert_true(is("12345.6789", decimal) && is("k=12345.678900", decimal) && is("B1vNFQ==", decimal));
    assert_false(is("12345.6788", decimal));
    assert_true(is("2026-01-02 03:04:05.123456+00", zoned) && is("2026-01-02 04:04:05.123456+01", zoned) && is("2026-01-01 21:34:05.123456-05:30", zoned));
    assert_false(is("2026-01-02 03:04:05.123457+00", zoned));
    assert_true(is("2026-01-02 03:04:05.5", timestamp) && is("2026-01-02T03:04:05.500Z", timestamp) && is("1767323045500000", timestamp));
    assert_true(is("2026-01-02", key_of("int32", "io.debezium.time.Date", "20455")));
    assert_true(is("03:04:05.5", key_of("int64", "io.debezium.time.MicroTime", "11045500000")));
    assert_true(is("\\xdeadBEEF00", key_of("bytes", "", "\"3q2+7wA=\"")) && is("3q2+7wA=", key_of("bytes", "", "\"3q2+7wA=\"")));
    assert_false(is("\\xdeadbeef", key_of("bytes", "", "\"3q2+7wA=\"")));
    assert_true(is("0E37DF36-F698-11E6-8DD4-CB9CED3DF976", uuid));
    assert_true(is("t", key_of("boolean", "", "true")) && is("true", key_of("boolean", "", "true")) && !is("f", key_of("boolean", "", "true")));
}

TEST(texts_are_known_whatever_is_in_them)
{
    assert_true(is("it's \"quoted\" /slash\\back", key_of("string", "", "\"it's \\\"quoted\\\" /slash\\\\back\"")));
    assert_true(is("\xf0\x9f\x90\x8e", key_of("string", "", "\"\\uD83D\\uDC0E\"")));
    assert_true(is("a=b", key_of("string", "", "\"a=b\"")) && is("k=a=b", key_of("string", "", "\"a=b\"")));
    assert_true(is("{\"x\":1}", key_of("string", "", "\"{\\\"x\\\":1}\"")));
    assert_true(is("k=", key_of("string", "", "\"\"")));
    assert_false(is("7", key_of("string", "", "\"007\""))); /* a text is no number */
    assert_true(is("say \"x\"", "\"say \\\"x\\\"\""));
}

TEST(several_columns_are_known_by_name_and_in_their_order)
{
    assert_true(is("1,x", "{\"a\":1,\"b\":\"x\"}") && is("a=1, b=x", "{\"a\":1,\"b\":\"x\"}") && is("b=x,a=1", "{\"a\":1,\"b\":\"x\"}"));
    assert_true(is("{\"b\": \"x\", \"a\": 1}", "{\"a\":1,\"b\":\"x\"}"));
    assert_true(is("a=1,b=x,y", "{\"a\":1,\"b\":\"x,y\"}"));
    assert_false(is("x,1", "{\"a\":1,\"b\":\"x\"}") || is("1,x,", "{\"a\":1,\"b\":\"x\"}") || is("a=1,b=y", "{\"a\":1,\"b\":\"x\"}") || is("1,y", "{\"a\":1,\"b\":\"x\"}"));
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
    made = trace_key_like(&key, decoder, slice_from_string(sample), &arena);
    return slice_is_null(made) ? "none" : arena_copy_string(&arena, made);
}

TEST(a_key_is_made_like_another_of_its_topic)
{
    assert_string_equal(like("42", SCHEMA "{\"id\":7}}"), SCHEMA "{\"id\":42}}");
    assert_string_equal(like("id=42", "{\"id\":7}"), "{\"id\":42}");
    assert_string_equal(like("x", "{\"code\":\"abc\"}"), "{\"code\":\"x\"}");
    assert_string_equal(like("042", "{\"id\":7}"), "{\"id\":42}");
    assert_string_equal(like("say \"\xf0\x9f\x90\x8e\"", "{\"code\":\"abc\"}"), "{\"code\":\"say \\\"\\uD83D\\uDC0E\\\"\"}");
    assert_string_equal(like("{\"id\":42}", "{\"id\":7}"), "{\"id\":42}");
    assert_string_equal(like("x", "{\"id\":7}"), "none");
    assert_string_equal(like("12.5", key_of("bytes", "org.apache.kafka.connect.data.Decimal", "\"B1vNFQ==\"")), "none"); /* all partitions are looked through */
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
    assert_int_equal(trace_received_us(slice_from_string("{\"ts_ms\":5333333333333333333}")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_known_in_every_way_that_people_write_it, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_known_as_postgresql_prints_them, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_are_known_whatever_is_in_them, setup, teardown),
        cmocka_unit_test_setup_teardown(several_columns_are_known_by_name_and_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_the_key_is_not_taken_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_made_like_another_of_its_topic, setup, teardown),
        cmocka_unit_test_setup_teardown(an_insert_and_a_snapshot_begin_a_row_and_tell_when_they_were_received, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
