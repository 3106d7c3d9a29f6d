#include "log/stamps.h"

#include "../store/batches.h"
#include "os/clock.h"
#include "wire/kafka/records.h"

#include <ftw.h>
#include <limits.h>
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
    assert_int_equal(stamps_start(the_log, 1 << 20, &error), OK);
}

static void close_log(void)
{
    stamps_stop(the_log);
    log_close(the_log);
    store_close(store);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-stamps-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return 1;
    open_log();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_log();
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* All stamps of the topic, oldest first; texts are borrowed from `batches` and `plain`, which the caller finishes. */
struct found {
    struct stamp stamps[200];
    char keys[200][40];
    size_t count;
    struct buffer batches, plain[20];
    size_t plains;
    struct decompressor *decompressor;
};

static void found_read(struct found *found)
{
    int64_t start, end, at;
    struct slice rest;
    struct error error;

    memset(found, 0, sizeof(*found));
    buffer_init(&found->batches, 1 << 22);
    found->decompressor = decompressor_create();
    if (log_bounds(the_log, STAMPS_TOPIC, 0, &start, &end, NULL) != OK)
        return;
    for (at = start; at < end;)
        assert_int_equal(log_read(the_log, STAMPS_TOPIC, 0, at, 1 << 20, &found->batches, &at, &error), OK);
    for (rest = buffer_slice(&found->batches); rest.size > 0;) {
        struct record_batch batch;
        struct record_iterator records;
        struct record record;

        assert_int_equal(record_batch_read(rest, &batch, &error), OK);
        assert_true(found->plains < 20);
        buffer_init(&found->plain[found->plains], 1 << 22);
        assert_int_equal(record_iterator_init(&records, &batch, found->decompressor, 1 << 22, &found->plain[found->plains++], &error), OK);
        while (record_iterator_next(&records, &record)) {
            assert_true(found->count < 200);
            assert_true(stamp_read(record.value, &found->stamps[found->count]));
            (void)snprintf(found->keys[found->count], sizeof(found->keys[0]), "%.*s", (int)record.key.size, (const char *)record.key.data);
            found->count++;
        }
        rest = slice_from(rest, batch.bytes.size);
    }
}

static void found_finish(struct found *found)
{
    decompressor_destroy(found->decompressor);
    buffer_finish(&found->batches);
    for (size_t i = 0; i < found->plains; i++)
        buffer_finish(&found->plain[i]);
}

static void ensure(const char *name, int32_t partitions, const char *policy)
{
    struct properties config;
    struct log_topic_spec spec = {.name = name, .partitions = partitions, .config = &config};

    properties_init(&config);
    if (policy != NULL)
        properties_set(&config, "cleanup.policy", policy);
    assert_int_equal(log_topic_ensure(the_log, &spec, NULL), OK);
    properties_finish(&config);
}

/* As after rows were captured once: readers count. */
static void captured_before(void)
{
    struct error error;

    ensure(STAMPS_TOPIC, 1, NULL);
    stamps_stop(the_log);
    assert_int_equal(stamps_start(the_log, 1 << 20, &error), OK);
}

TEST(readers_leave_nothing_while_no_row_was_ever_captured)
{
    log_passed(the_log, LOG_READER_GROUP, "orders", "plain", 0, 7);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    assert_int_equal(log_topic_partitions(the_log, STAMPS_TOPIC), 0);
}

TEST(a_stamped_publish_tells_its_offsets_and_the_times_of_its_steps)
{
    const struct log_stamp rows = {.first_lsn = 0x2a91f3c0e8, .last_lsn = 0x2a91f3c7e0, .first_xid = 91199872, .last_xid = 91199870,
                                   .first_committed_us = 1791289863014764, .last_committed_us = 1791289863014999,
                                   .first_received_us = 1791289863014000, .last_received_us = 1791289863019000};
    struct slice batch = batch_make((struct batch_shape){.count = 3});
    struct found *found = memory_new(sizeof(*found));
    struct log_writer *writer;
    struct buffer position;
    const struct stamp *stamp = &found->stamps[0];
    int64_t before_us = clock_now_us(), after_us;
    uint64_t ticket;

    buffer_init(&position, 1000);
    ensure("rows", 2, NULL);
    ensure("state", 1, "compact");
    assert_int_equal(log_writer_open(the_log, "connector/a", &writer, &position, NULL), OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(log_append(writer, "rows", 1, batch, NULL), OK);
        assert_int_equal(log_append(writer, "rows", 1, batch, NULL), OK);
        assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK);
        assert_int_equal(log_append(writer, "state", 0, batch, NULL), OK);
        log_writer_stamp(writer, &rows);
        assert_int_equal(log_publish(writer, slice_from_string("x"), &ticket, NULL), OK);
    }
    log_writer_stamp(writer, &rows); /* a position without rows leaves no stamp */
    assert_int_equal(log_publish(writer, slice_from_string("y"), &ticket, NULL), OK);
    assert_int_equal(log_append(writer, "rows", 0, batch, NULL), OK); /* nor does one that nobody stamped */
    assert_int_equal(log_publish(writer, slice_from_string("z"), &ticket, NULL), OK);
    assert_int_equal(log_flush(writer, NULL), OK);
    after_us = clock_now_us();
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    found_read(found);
    assert_int_equal(found->count, 2);
    assert_string_equal(found->keys[0], "connector/a");
    assert_int_equal(stamp->kind, STAMP_PUBLISH);
    assert_memory_equal(&stamp->rows, &rows, sizeof(rows));
    assert_true(before_us <= stamp->appended_us && stamp->appended_us <= stamp->durable_us && stamp->durable_us <= stamp->published_us &&
                stamp->published_us <= after_us);
    assert_int_equal(stamp->run_count, 2);
    assert_true(slice_equal_string(stamp->runs[0].topic, "rows"));
    assert_int_equal(stamp->runs[0].partition, 1);
    assert_int_equal(stamp->runs[0].first_offset, 0);
    assert_int_equal(stamp->runs[0].end_offset, 6);
    assert_int_equal(stamp->runs[1].partition, 0);
    assert_int_equal(found->stamps[1].runs[0].first_offset, 6);
    assert_int_equal(found->stamps[1].runs[1].first_offset, 3);
    assert_int_equal(found->stamps[1].runs[1].end_offset, 6);
    found_finish(found);
    log_writer_close(writer);
    buffer_finish(&position);
    batch_free(batch);
    memory_free(found);
}

TEST(a_reader_leaves_every_position_when_there_are_few_and_says_so_when_some_are_left_out)
{
    struct found *found = memory_new(sizeof(*found));
    size_t slow = 0, fast = 0;

    captured_before();
    for (int64_t i = 1; i <= 5; i++) {
        log_passed(the_log, LOG_READER_GROUP, "orders", "rows", 3, i * 10);
        log_passed(the_log, LOG_READER_GROUP, "orders", "rows", 3, i * 10); /* nothing new */
    }
    for (int64_t i = 1; i <= 1000; i++)
        log_passed(the_log, LOG_READER_CLIENT, "127.0.0.1 c", "rows", 3, i);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    log_passed(the_log, LOG_READER_GROUP, "orders", "rows", 3, 50); /* nothing new */
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    log_passed(the_log, LOG_READER_GROUP, "orders", "rows", 3, 20); /* reset */
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    found_read(found);
    for (size_t i = 0; i < found->count; i++) {
        const struct stamp *stamp = &found->stamps[i];

        assert_int_equal(stamp->kind, STAMP_READER);
        assert_true(slice_equal_string(stamp->topic, "rows"));
        assert_int_equal(stamp->partition, 3);
        for (size_t k = 1; k < stamp->sample_count; k++)
            assert_true(stamp->samples[k].time_us >= stamp->samples[k - 1].time_us);
        if (stamp->reader == LOG_READER_GROUP) {
            assert_string_equal(found->keys[i], "orders");
            assert_false(stamp->thinned);
            slow += stamp->sample_count;
        } else {
            assert_true(stamp->thinned);
            fast += stamp->sample_count;
            assert_int_equal(stamp->samples[stamp->sample_count - 1].next_offset, 1000);
        }
    }
    assert_int_equal(slow, 6);
    assert_true(fast >= 1 && fast <= 2 * STAMP_SAMPLES_MAX);
    found_finish(found);
    memory_free(found);
}

TEST(stamps_are_written_by_themselves_and_survive_reopening)
{
    struct found *found = memory_new(sizeof(*found));

    captured_before();
    log_passed(the_log, LOG_READER_AGENT, "fraud", "rows", 0, 7);
    close_log(); /* what is left is written at the end */
    open_log();
    log_passed(the_log, LOG_READER_AGENT, "fraud", "rows", 0, 8);
    assert_true(log_wait(the_log, STAMPS_TOPIC, 0, 1, 30000));
    found_read(found);
    assert_int_equal(found->count, 2);
    assert_int_equal(found->stamps[0].samples[0].next_offset, 7);
    assert_int_equal(found->stamps[1].samples[0].next_offset, 8);
    assert_int_equal(found->stamps[1].reader, LOG_READER_AGENT);
    found_finish(found);
    memory_free(found);
}

TEST(a_log_that_is_not_traced_takes_what_it_is_told)
{
    struct error error;

    stamps_stop(the_log);
    log_passed(the_log, LOG_READER_AGENT, "fraud", "rows", 0, 7);
    log_passed(NULL, LOG_READER_AGENT, "fraud", "rows", 0, 7);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    assert_int_equal(log_topic_partitions(the_log, STAMPS_TOPIC), 0);
    assert_int_equal(stamps_start(the_log, 1 << 20, &error), OK);
}

TEST(writing_stamps_syncs_nothing)
{
    struct store_counters before, after;

    captured_before();
    log_passed(the_log, LOG_READER_AGENT, "fraud", "rows", 0, 7);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    store_counters_read(store, &before);
    log_passed(the_log, LOG_READER_AGENT, "fraud", "rows", 0, 8);
    assert_int_equal(stamps_flush(the_log, NULL), OK);
    store_counters_read(store, &after);
    assert_true(after.rounds > before.rounds);
    assert_int_equal(after.syncs, before.syncs);
}

TEST(values_that_are_no_stamps_are_refused)
{
    static const uint8_t whole[] = {1, 'p', 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 't', 0, 5, 3};
    static const uint8_t other[] = {2, 'p'}, unknown[] = {1, 'x'}, negative[] = {1, 'r', 'g', 0, 1, 't', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0};
    struct stamp stamp;

    assert_false(stamp_read(slice_null(), &stamp));
    assert_false(stamp_read(slice_of(other, sizeof(other)), &stamp));
    assert_false(stamp_read(slice_of(unknown, sizeof(unknown)), &stamp));
    assert_false(stamp_read(slice_of(negative, sizeof(negative)), &stamp));
    for (size_t i = 0; i < sizeof(whole); i++)
        assert_false(stamp_read(slice_of(whole, i), &stamp));
    assert_true(stamp_read(slice_of(whole, sizeof(whole)), &stamp));
    assert_int_equal(stamp.runs[0].end_offset, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(readers_leave_nothing_while_no_row_was_ever_captured, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stamped_publish_tells_its_offsets_and_the_times_of_its_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_leaves_every_position_when_there_are_few_and_says_so_when_some_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(stamps_are_written_by_themselves_and_survive_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_that_is_not_traced_takes_what_it_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_stamps_syncs_nothing, setup, teardown),
        cmocka_unit_test(values_that_are_no_stamps_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
