#include "check.h"

#include "capture/capture.h"
#include "capture/position.h"

#include "base/banned.h"

static struct buffer bytes;
static struct buffer json;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&bytes, 64 * 1024);
    buffer_init(&json, 64 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_finish(&bytes);
    buffer_finish(&json);
    return 0;
}

static void expect_offset(const struct position *position, const char *text)
{
    struct error error;

    buffer_reset(&bytes);
    buffer_reset(&json);
    position_write(position, &bytes);
    assert_int_equal(capture_position_to_offset(buffer_slice(&bytes), &json, &error), OK);
    buffer_append_u8(&json, 0);
    assert_string_equal((const char *)json.data, text);
}

static struct position position_of(const char *offset)
{
    struct position position;
    struct error error;

    buffer_reset(&bytes);
    assert_int_equal(capture_position_from_offset(slice_from_string(offset), &bytes, &error), OK);
    assert_int_equal(position_read(buffer_slice(&bytes), &position, &error), OK);
    return position;
}

TEST(a_position_reads_back_as_it_was_written)
{
    struct position position = {.resume_lsn = UINT64_MAX - 1,
                                .transaction_lsn = 1,
                                .event_lsn = 127,
                                .event_ordinal = 128,
                                .commit_lsn = 5,
                                .lsn = 7,
                                .time_us = 1795349063628447,
                                .message = MESSAGE_COMMIT,
                                .progress = slice_from_string("how far")};
    struct position read;
    struct error error;

    position_write(&position, &bytes);
    assert_int_equal(position_read(buffer_slice(&bytes), &read, &error), OK);
    assert_int_equal(read.resume_lsn, UINT64_MAX - 1);
    assert_int_equal(read.transaction_lsn, 1);
    assert_int_equal(read.event_lsn, 127);
    assert_int_equal(read.event_ordinal, 128);
    assert_int_equal(read.time_us, 1795349063628447);
    assert_int_equal(read.message, MESSAGE_COMMIT);
    assert_true(slice_equal_string(read.progress, "how far"));
    assert_int_equal(read.offset_json.size, 0);
}

TEST(a_position_cut_short_is_told)
{
    struct position position = {.resume_lsn = 1234567, .progress = slice_from_string("how far")};
    struct position read;
    struct error error;

    position_write(&position, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        enum status status = position_read(slice_of(bytes.data, size), &read, &error);

        assert_true(status == OK || status == ERROR_CORRUPT);
    }
    assert_int_equal(position_read(slice_of(bytes.data, bytes.size - 1), &read, &error), ERROR_CORRUPT);
    assert_int_equal(position_read(slice_from_string("{}"), &read, &error), ERROR_CORRUPT);
}

/* The texts are what Debezium 3.6.1 stores. */
TEST(offsets_are_printed_as_debezium_does)
{
    struct position position = {.lsn = 26537080, .tx_id = 730, .time_us = 1795349061139911, .snapshot = POSITION_INITIAL};

    expect_offset(&position,
                  "{\"last_snapshot_record\":false,\"lsn\":26537080,\"txId\":730,\"ts_usec\":1795349061139911,\"snapshot\":\"INITIAL\","
                  "\"snapshot_completed\":false}");
    position =
        (struct position){.lsn = 26537120, .lsn_proc = 26537120, .tx_id = 731, .time_us = 1795349063628447, .message = MESSAGE_INSERT};
    expect_offset(&position,
                  "{\"lsn_proc\":26537120,\"messageType\":\"INSERT\",\"lsn\":26537120,\"txId\":731,\"ts_usec\":1795349063628447}");
    position = (struct position){.lsn = 26537304,
                                 .lsn_proc = 26537304,
                                 .lsn_commit = 26537304,
                                 .tx_id = 732,
                                 .time_us = 1795349063629870,
                                 .message = MESSAGE_UPDATE,
                                 .xmin = 934};
    expect_offset(&position,
                  "{\"lsn_proc\":26537304,\"xmin\":934,\"messageType\":\"UPDATE\",\"lsn_commit\":26537304,\"lsn\":26537304,\"txId\":732,"
                  "\"ts_usec\":1795349063629870}");
    position = (struct position){.resume_lsn = 5};
    expect_offset(&position, "{}");
}

TEST(an_offset_that_somebody_wrote_comes_back_as_written)
{
    struct position position = position_of("{\"txId\":700,\"lsn\":23000000,\"more\":[1]}");

    assert_int_equal(position.resume_lsn, 23000000);
    assert_int_equal(position.transaction_lsn, 0);
    expect_offset(&position, "{\"txId\":700,\"lsn\":23000000,\"more\":[1]}");
}

TEST(an_offset_inside_a_transaction_leaves_out_what_it_names)
{
    struct position position = position_of(
        "{\"lsn_proc\":300,\"messageType\":\"UPDATE\",\"lsn_commit\":200,\"lsn\":300,\"txId\":732,\"ts_usec\":1795349063629870}");

    assert_int_equal(position.resume_lsn, 200);
    assert_true(position.transaction_lsn == TRANSACTION_FIRST);
    assert_int_equal(position.event_lsn, 300);
    assert_int_equal(position.event_ordinal, 1);
    assert_int_equal(position.tx_id, 732);
    position = position_of("{\"lsn_proc\":300,\"messageType\":\"INSERT\",\"lsn\":300,\"txId\":731,\"lsn_events_processed\":4}");
    assert_int_equal(position.resume_lsn, 300);
    assert_int_equal(position.event_ordinal, 4);
}

TEST(an_offset_between_transactions_leaves_out_nothing)
{
    struct position position = position_of("{\"lsn_proc\":400,\"messageType\":\"COMMIT\",\"lsn_commit\":400,\"lsn\":400,\"txId\":1012}");

    assert_int_equal(position.resume_lsn, 400);
    assert_int_equal(position.transaction_lsn, 0);
    position = position_of("{\"lsn_proc\":400,\"messageType\":\"MESSAGE\",\"lsn_commit\":400,\"lsn\":400}");
    assert_int_equal(position.resume_lsn, 401);
}

TEST(an_offset_without_a_place_is_refused)
{
    struct error error;

    assert_int_equal(capture_position_from_offset(slice_from_string("{\"txId\":1}"), &bytes, &error), ERROR_BAD_INPUT);
    assert_int_equal(capture_position_from_offset(slice_from_string("[5]"), &bytes, &error), ERROR_BAD_INPUT);
    assert_int_equal(capture_position_from_offset(slice_from_string("{\"lsn\":-5}"), &bytes, &error), ERROR_BAD_INPUT);
    assert_int_equal(capture_position_from_offset(slice_from_string("{\"lsn\":"), &bytes, &error), ERROR_BAD_INPUT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_position_reads_back_as_it_was_written),
        T(a_position_cut_short_is_told),
        T(offsets_are_printed_as_debezium_does),
        T(an_offset_that_somebody_wrote_comes_back_as_written),
        T(an_offset_inside_a_transaction_leaves_out_what_it_names),
        T(an_offset_between_transactions_leaves_out_nothing),
        T(an_offset_without_a_place_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
