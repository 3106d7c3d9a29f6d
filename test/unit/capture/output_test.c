#include "check.h"

#include "fake_log.h"

#include "capture/output.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/records.h"

#include "base/banned.h"
#include "base/memory.h"

#include <poll.h>

static struct log *fake;
static struct capture_settings settings;
static struct output *output;
static struct buffer stored;
static struct decompressor *decompressor;

static int set_up(void **state)
{
    struct error error;

    (void)state;
    fake = fake_log_create();
    memset(&settings, 0, sizeof(settings));
    settings.connector = "c";
    settings.compression = "gzip";
    properties_init(&settings.values);
    buffer_init(&stored, 65536);
    decompressor = decompressor_create();
    return output_open(&settings, fake, &output, &stored, &error) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    output_close(output);
    properties_finish(&settings.values);
    buffer_finish(&stored);
    decompressor_destroy(decompressor);
    fake_log_destroy(fake);
    return 0;
}

static enum status add(const char *topic, struct slice key, struct slice value, struct error *error)
{
    struct debezium_output records = {.count = 1};

    records.records[0] = (struct debezium_record){.topic = topic, .partition = -1, .key = key, .value_head = value, .timestamp_ms = -1};
    return output_add(output, &records, 1000, error);
}

static void add_text(const char *topic, const char *key, const char *value)
{
    struct error error;

    if (add(topic, slice_from_string(key), slice_from_string(value), &error) != OK)
        fail_msg("%s", error.message);
}

static void publish_at(uint64_t lsn)
{
    struct position position = {.resume_lsn = lsn, .time_us = lsn * 10};
    struct error error;

    if (output_publish(output, &position, &error) != OK)
        fail_msg("%s", error.message);
}

/* Counts batches and records of a partition, and checks that each batch reads. */
static void count(const char *topic, int32_t partition, size_t *batches, size_t *records, enum compression *codec)
{
    struct slice left = fake_log_batches(fake, topic, partition);
    struct buffer scratch;

    buffer_init(&scratch, 64 * 1024 * 1024);
    *batches = *records = 0;
    while (left.size > 0) {
        struct record_batch batch;
        struct record_iterator iterator;
        struct record record;
        struct error error;

        if (record_batch_read(left, &batch, &error) != OK)
            fail_msg("%s", error.message);
        assert_true(record_batch_checksum_is_right(&batch));
        assert_int_equal(record_iterator_init(&iterator, &batch, decompressor, 64 * 1024 * 1024, &scratch, &error), OK);
        while (record_iterator_next(&iterator, &record))
            (*records)++;
        assert_false(iterator.failed);
        *codec = record_batch_codec(&batch);
        (*batches)++;
        left = slice_from(left, batch.bytes.size);
    }
    buffer_finish(&scratch);
}

static size_t records_of(const char *topic, int32_t partition)
{
    enum compression codec;
    size_t batches;
    size_t records;

    count(topic, partition, &batches, &records, &codec);
    return records;
}

TEST(nothing_is_seen_before_it_is_published)
{
    add_text("t", "k", "v");
    assert_false(output_is_empty(output));
    assert_int_equal(records_of("t", 0), 0);
    publish_at(5);
    assert_true(output_is_empty(output));
    assert_int_equal(records_of("t", 0), 1);
}

TEST(only_what_is_durable_may_be_confirmed)
{
    struct pollfd fd = {.fd = output_fd(output), .events = POLLIN};
    struct error error;

    fake_log_hold(fake, true);
    add_text("t", "k", "v");
    publish_at(100);
    publish_at(200);
    assert_int_equal(output_durable(output).resume_lsn, 0);
    assert_int_equal(output_under_way(output), 2);
    assert_int_equal(poll(&fd, 1, 0), 0);
    fake_log_sync(fake);
    assert_int_equal(poll(&fd, 1, 0), 1);
    assert_int_equal(output_wake(output, &error), OK);
    assert_int_equal(output_durable(output).resume_lsn, 200);
    assert_int_equal(output_durable(output).time_us, 2000);
    assert_int_equal(output_under_way(output), 0);
    assert_int_equal(poll(&fd, 1, 0), 0);
}

TEST(the_position_comes_back_with_the_next_writer)
{
    struct position position;
    struct error error;

    publish_at(300);
    output_close(output);
    buffer_reset(&stored);
    assert_int_equal(output_open(&settings, fake, &output, &stored, &error), OK);
    assert_int_equal(position_read(buffer_slice(&stored), &position, &error), OK);
    assert_int_equal(position.resume_lsn, 300);
}

TEST(keys_go_where_kafkas_partitioner_sends_them)
{
    char key[16];

    fake_log_partitions(fake, 5);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        add_text("t", key, "v");
    }
    publish_at(1);
    for (int32_t partition = 0; partition < 5; partition++) {
        size_t expected = 0;

        for (int i = 0; i < 100; i++) {
            (void)snprintf(key, sizeof(key), "key-%d", i);
            expected += kafka_partition_for_key(slice_from_string(key), 5) == partition;
        }
        assert_int_equal(records_of("t", partition), expected);
    }
}

TEST(records_without_a_key_stay_together_for_a_batch)
{
    fake_log_partitions(fake, 3);
    for (int i = 0; i < 10; i++)
        add_text("t", NULL, "v");
    publish_at(1);
    for (int i = 0; i < 4; i++)
        add_text("t", NULL, "v");
    publish_at(2);
    assert_int_equal(records_of("t", 0), 10);
    assert_int_equal(records_of("t", 1), 4);
    assert_int_equal(records_of("t", 2), 0);
}

TEST(batches_end_below_the_largest_message)
{
    char *value = memory_new(100001);
    struct slice left;
    enum compression codec;
    size_t batches;
    size_t records;

    output_close(output);
    settings.compression = "none";
    buffer_reset(&stored);
    assert_int_equal(output_open(&settings, fake, &output, &stored, NULL), OK);
    memset(value, 'x', 100000);
    for (int i = 0; i < 35; i++)
        add_text("t", "k", value);
    publish_at(1);
    count("t", 0, &batches, &records, &codec);
    assert_int_equal(codec, COMPRESSION_NONE);
    assert_int_equal(records, 35);
    assert_int_equal(batches, 4);
    for (left = fake_log_batches(fake, "t", 0); left.size > 0; left = slice_from(left, (size_t)record_batch_size(left)))
        assert_true(record_batch_size(left) <= 1048588);
    memory_free(value);
}

TEST(a_large_record_has_a_batch_of_its_own_and_keeps_its_place)
{
    char *value = memory_new(3000001);
    enum compression codec;
    size_t batches;
    size_t records;

    memset(value, 'x', 3000000);
    add_text("t", "k", "before");
    add_text("t", "k", value);
    add_text("t", "k", value);
    add_text("t", "k", "behind");
    publish_at(1);
    count("t", 0, &batches, &records, &codec);
    assert_int_equal(batches, 4);
    assert_int_equal(records, 4);
    assert_int_equal(codec, COMPRESSION_NONE); /* of the last batch, which is too small to gain */
    add_text("t", "k", "later");
    publish_at(2);
    assert_int_equal(records_of("t", 0), 5);
    memory_free(value);
}

TEST(memory_counts_what_is_compressed_as_it_is)
{
    char *value = memory_new(500001);

    memset(value, 'x', 500000);
    for (int i = 0; i < 5; i++)
        add_text("t", "k", value);
    assert_true(output_bytes(output) > 2500000);
    assert_true(output_memory(output) < 600000);
    publish_at(1);
    assert_int_equal(output_memory(output), 0);
    memory_free(value);
}

TEST(a_publish_that_fails_is_told_once_it_is_known)
{
    struct pollfd fd = {.fd = output_fd(output), .events = POLLIN};
    struct error error;

    fake_log_fail(fake, ERROR_DISK_FULL);
    add_text("t", "k", "v");
    publish_at(1);
    assert_int_equal(poll(&fd, 1, 0), 1);
    assert_int_equal(output_wake(output, &error), ERROR_DISK_FULL);
    assert_int_equal(output_durable(output).resume_lsn, 0);
}

static void sum_visit(void *context, const char *topic, int64_t records)
{
    int64_t *sum = context;

    assert_true(strcmp(topic, "a") == 0 || strcmp(topic, "b") == 0);
    *sum += strcmp(topic, "a") == 0 ? records : 1000 * records;
}

TEST(published_records_are_counted_by_topic)
{
    struct topic_counts *counts = topic_counts_create();
    int64_t sum = 0;

    output_count_topics(output, counts);
    add_text("a", "k", "v");
    add_text("b", "k", "v");
    add_text("a", "k", "v");
    topic_counts_visit(counts, sum_visit, &sum);
    assert_int_equal(sum, 0);
    publish_at(1);
    topic_counts_visit(counts, sum_visit, &sum);
    assert_int_equal(sum, 1002);
    output_close(output);
    output = NULL;
    topic_counts_destroy(counts);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(nothing_is_seen_before_it_is_published),
        T(only_what_is_durable_may_be_confirmed),
        T(the_position_comes_back_with_the_next_writer),
        T(keys_go_where_kafkas_partitioner_sends_them),
        T(records_without_a_key_stay_together_for_a_batch),
        T(batches_end_below_the_largest_message),
        T(a_large_record_has_a_batch_of_its_own_and_keeps_its_place),
        T(memory_counts_what_is_compressed_as_it_is),
        T(a_publish_that_fails_is_told_once_it_is_known),
        T(published_records_are_counted_by_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
