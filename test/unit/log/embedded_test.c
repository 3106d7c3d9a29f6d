#include "log/log.h"

#include "../store/batches.h"

#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

static char directory[PATH_MAX];
static struct store *store;
static struct log *the_log;

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static void open_log(void)
{
    struct store_settings settings = {.directory = directory, .default_partitions = 1, .flush_acks = true, .sync_threads = 2};
    struct error error;

    if (store_open(&settings, &store, &error) != OK)
        fail_msg("%s", error.message);
    the_log = log_open_embedded(store);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-log-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return 1;
    open_log();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_close(the_log);
    store_close(store);
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void ensure(const char *name, int32_t partitions)
{
    struct log_topic_spec spec = {.name = name, .partitions = partitions};

    assert_int_equal(log_topic_ensure(the_log, &spec, NULL), OK);
}

TEST(publishes_follow_each_other_and_the_position_survives_reopening)
{
    struct slice batch = batch_make((struct batch_shape){.count = 2});
    struct log_writer *writer;
    struct buffer position;
    uint64_t ticket = 0;
    int64_t start, end;
    char text[32];

    buffer_init(&position, 1000);
    ensure("rows", 3);
    ensure("rows", 3);
    assert_int_equal(log_topic_partitions(the_log, "rows"), 3);
    assert_int_equal(log_writer_open(the_log, "connector/a", &writer, &position, NULL), OK);
    for (int i = 0; i < 100; i++) {
        for (int32_t p = 0; p < 3; p++)
            assert_int_equal(log_append(writer, "rows", p, batch, NULL), OK);
        assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK);
        (void)snprintf(text, sizeof(text), "at %d", i);
        assert_int_equal(log_publish(writer, slice_from_string(text), &ticket, NULL), OK);
        assert_int_equal(ticket, i + 1);
    }
    assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK); /* never published */
    assert_int_equal(log_flush(writer, NULL), OK);
    assert_int_equal(log_published(writer), 100);
    log_writer_close(writer);
    log_close(the_log);
    store_close(store);
    open_log();
    assert_true(log_position(the_log, "connector/a", &position));
    assert_true(slice_equal_string(buffer_slice(&position), "at 99"));
    assert_int_equal(log_bounds(the_log, "rows", 0, &start, &end, NULL), OK);
    assert_int_equal(end, 400);
    assert_int_equal(log_bounds(the_log, "rows", 2, &start, &end, NULL), OK);
    assert_int_equal(end, 200);
    assert_int_equal(log_bounds(the_log, "rows", 3, &start, &end, NULL), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    buffer_finish(&position);
    batch_free(batch);
}

TEST(a_durable_publish_makes_the_writers_descriptor_readable)
{
    struct slice batch = batch_make((struct batch_shape){0});
    struct log_writer *writer;
    struct buffer position;
    struct pollfd poll_for;
    uint64_t ticket;

    buffer_init(&position, 1000);
    ensure("rows", 1);
    assert_int_equal(log_writer_open(the_log, "connector/a", &writer, &position, NULL), OK);
    poll_for = (struct pollfd){.fd = log_writer_fd(writer), .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, 0), 0);
    assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK);
    assert_int_equal(log_publish(writer, slice_from_string("x"), &ticket, NULL), OK);
    assert_int_equal(poll(&poll_for, 1, 10000), 1);
    assert_int_equal(log_published(writer), ticket);
    log_writer_drain(writer);
    assert_int_equal(poll(&poll_for, 1, 0), 0);
    log_writer_close(writer);
    buffer_finish(&position);
    batch_free(batch);
}

TEST(a_second_writer_of_an_owner_fences_the_first)
{
    struct slice batch = batch_make((struct batch_shape){0});
    struct log_writer *first, *second;
    struct buffer position;
    struct error error;
    uint64_t ticket;

    buffer_init(&position, 1000);
    ensure("rows", 1);
    assert_int_equal(log_writer_open(the_log, "connector/a", &first, &position, NULL), OK);
    assert_int_equal(log_append(first, "rows", 0, batch, NULL), OK);
    assert_int_equal(log_publish(first, slice_from_string("one"), &ticket, NULL), OK);
    assert_int_equal(log_append(first, "rows", 0, batch, NULL), OK);
    assert_int_equal(log_writer_open(the_log, "connector/a", &second, &position, NULL), OK);
    assert_true(slice_equal_string(buffer_slice(&position), "one"));
    assert_int_equal(log_append(first, "rows", 0, batch, &error), ERROR_CLOSED);
    assert_string_equal(error.message, "connector/a has been taken over by another writer");
    assert_int_equal(log_publish(first, slice_from_string("two"), &ticket, NULL), ERROR_CLOSED);
    assert_int_equal(log_append(second, "rows", 0, batch, NULL), OK);
    assert_int_equal(log_publish(second, slice_from_string("three"), &ticket, NULL), OK);
    assert_int_equal(log_flush(second, NULL), OK);
    log_writer_close(first);
    log_writer_close(second);
    buffer_finish(&position);
    batch_free(batch);
}

TEST(publishes_behind_a_failed_one_fail_until_the_writer_is_opened_again)
{
    struct slice batch = batch_make((struct batch_shape){0});
    struct log_writer *writer;
    struct buffer position;
    struct error error;
    uint64_t ticket;
    int64_t start, end;

    buffer_init(&position, 1000);
    ensure("rows", 1);
    ensure("doomed", 1);
    assert_int_equal(log_writer_open(the_log, "connector/a", &writer, &position, NULL), OK);
    assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK);
    assert_int_equal(log_append(writer, "doomed", 0, batch, NULL), OK);
    assert_int_equal(store_topic_delete_wait(store, slice_from_string("doomed"), NULL), OK);
    assert_int_equal(log_append(writer, "doomed", 0, batch, &error), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    assert_string_equal(error.message, "there is no doomed-0 in the log");
    assert_int_equal(log_publish(writer, slice_from_string("one"), &ticket, NULL), OK);
    assert_int_equal(log_flush(writer, &error), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(log_publish(writer, slice_from_string("two"), &ticket, NULL), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    log_writer_close(writer);
    assert_false(log_position(the_log, "connector/a", &position));
    assert_int_equal(log_bounds(the_log, "rows", 0, &start, &end, NULL), OK);
    assert_int_equal(end, 0);
    assert_int_equal(log_writer_open(the_log, "connector/a", &writer, &position, NULL), OK);
    assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK);
    assert_int_equal(log_publish(writer, slice_from_string("one"), &ticket, NULL), OK);
    assert_int_equal(log_flush(writer, NULL), OK);
    log_writer_close(writer);
    buffer_finish(&position);
    batch_free(batch);
}

TEST(records_are_written_by_key_and_read_back_in_order)
{
    struct record_header header = {slice_from_string("h"), slice_from_string("1")};
    struct log_record records[2] = {{.key = slice_from_string("k"), .value = slice_from_string("first"), .timestamp_ms = 7, .headers = &header,
                                     .header_count = 1},
                                    {.key = slice_from_string("k"), .timestamp_ms = -1}};
    struct record_iterator iterator;
    struct record_batch batch;
    struct record record;
    struct buffer batches;
    int64_t first, next;
    int32_t partition = -1;

    buffer_init(&batches, 10000);
    ensure("t", 5);
    assert_int_equal(log_write(the_log, "t", -1, records, 2, &first, NULL), OK);
    assert_int_equal(first, 0);
    assert_int_equal(log_write(the_log, "t", -1, records, 2, &first, NULL), OK);
    assert_int_equal(first, 2);
    for (int32_t p = 0; p < 5; p++) {
        int64_t start, end;

        assert_int_equal(log_bounds(the_log, "t", p, &start, &end, NULL), OK);
        partition = end == 4 ? p : partition;
    }
    assert_true(partition >= 0);
    assert_int_equal(log_read(the_log, "t", partition, 0, 100000, &batches, &next, NULL), OK);
    assert_int_equal(next, 4);
    assert_int_equal(record_batch_read(buffer_slice(&batches), &batch, NULL), OK);
    assert_int_equal(record_iterator_init(&iterator, &batch, NULL, 0, NULL, NULL), OK);
    assert_true(record_iterator_next(&iterator, &record));
    assert_true(slice_equal_string(record.value, "first"));
    assert_int_equal(record.timestamp_ms, 7);
    assert_int_equal(record.header_count, 1);
    assert_true(record_iterator_next(&iterator, &record));
    assert_true(slice_is_null(record.value));
    assert_int_equal(log_read(the_log, "t", partition, 4, 100, &batches, &next, NULL), OK);
    assert_int_equal(next, 4);
    assert_int_equal(log_read(the_log, "t", partition, 5, 100, &batches, &next, NULL), ERROR_OFFSET_OUT_OF_RANGE);
    assert_true(log_wait(the_log, "t", partition, 3, 0));
    assert_false(log_wait(the_log, "t", partition, 4, 1));
    buffer_finish(&batches);
}

TEST(a_position_can_be_set_and_removed_without_a_writer)
{
    struct buffer position;

    buffer_init(&position, 1000);
    assert_int_equal(log_position_set(the_log, "connector/a", slice_from_string("there"), NULL), OK);
    assert_true(log_position(the_log, "connector/a", &position));
    assert_true(slice_equal_string(buffer_slice(&position), "there"));
    assert_int_equal(log_position_remove(the_log, "connector/a", NULL), OK);
    assert_false(log_position(the_log, "connector/a", &position));
    buffer_finish(&position);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(publishes_follow_each_other_and_the_position_survives_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(a_durable_publish_makes_the_writers_descriptor_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_writer_of_an_owner_fences_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(publishes_behind_a_failed_one_fail_until_the_writer_is_opened_again, setup, teardown),
        cmocka_unit_test_setup_teardown(records_are_written_by_key_and_read_back_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_position_can_be_set_and_removed_without_a_writer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
