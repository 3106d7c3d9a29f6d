#include "wire/kafka/trace_context.h"

#include "check.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static bool is_taken(const char *parent)
{
    return !slice_is_null(trace_context_check(slice_from_string(parent), slice_null()).parent);
}

TEST(a_trace_parent_is_taken_when_it_is_well_formed)
{
    assert_true(is_taken(PARENT));
    assert_true(is_taken("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
    assert_false(is_taken(""));
    assert_false(is_taken("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"));
    assert_false(is_taken(PARENT "-more"));
    assert_false(is_taken("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_false(is_taken("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
    assert_false(is_taken("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
    assert_false(is_taken("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
    assert_false(is_taken("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-a\r\nX: y"));
    assert_true(slice_is_null(trace_context_check(slice_null(), slice_from_string("a=b")).state));
}

TEST(a_trace_state_comes_with_its_parent_alone)
{
    assert_true(slice_equal_string(trace_context_check(slice_from_string(PARENT), slice_from_string("a=b,c=d")).state, "a=b,c=d"));
    assert_true(slice_is_null(trace_context_check(slice_from_string("x"), slice_from_string("a=b")).state));
    assert_true(slice_is_null(trace_context_check(slice_from_string(PARENT), slice_from_string("a=b\nc")).state));
}

TEST(the_context_goes_from_headers_to_headers)
{
    const struct record_header given[] = {{slice_from_string("other"), slice_from_string("1")},
                                          {slice_from_string("tracestate"), slice_from_string("a=b")},
                                          {slice_from_string("traceparent"), slice_from_string(PARENT)},
                                          {slice_from_string("null"), slice_null()}};
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_header taken[2];
    struct record_builder builder;
    struct record_iterator records;
    struct record_batch batch;
    struct record record;
    struct trace_context context;
    struct error error;

    record_builder_init(&builder, 10000);
    assert_true(record_builder_append(&builder, 1, slice_from_string("k"), slice_from_string("v"), given, 4));
    assert_true(record_builder_append(&builder, 1, slice_from_string("k"), slice_from_string("v"), NULL, 0));
    assert_int_equal(record_batch_read(record_builder_seal(&builder, &spec, NULL), &batch, &error), OK);
    assert_int_equal(record_iterator_init(&records, &batch, NULL, 10000, NULL, &error), OK);
    assert_true(record_iterator_next(&records, &record));
    context = trace_context_of(&record);
    assert_int_equal(trace_context_headers(&context, taken), 2);
    assert_true(slice_equal_string(taken[0].key, "traceparent"));
    assert_true(slice_equal_string(taken[0].value, PARENT));
    assert_true(slice_equal_string(taken[1].value, "a=b"));
    assert_true(record_iterator_next(&records, &record));
    context = trace_context_of(&record);
    assert_int_equal(trace_context_headers(&context, taken), 0);
    record_builder_finish(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_parent_is_taken_when_it_is_well_formed),
        cmocka_unit_test(a_trace_state_comes_with_its_parent_alone),
        cmocka_unit_test(the_context_goes_from_headers_to_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
