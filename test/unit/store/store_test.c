#include "store/store.h"

#include "batches.h"

#include <ftw.h>
#include <limits.h>
#include <unistd.h>

static char directory[PATH_MAX];
static int64_t now_ms;

static int64_t fake_now(void *context)
{
    (void)context;
    return now_ms;
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-store-test-XXXXXX");
    now_ms = 1000000;
    return mkdtemp(directory) == NULL;
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store *open_store(void)
{
    struct store_settings settings = {.directory = directory,
                                      .segment_bytes = 1 << 20,
                                      .index_interval_bytes = 4096,
                                      .message_bytes_max = 1048588,
                                      .default_partitions = 1,
                                      .flush_acks = true,
                                      .manual = true,
                                      .now_ms = fake_now};
    struct store *store;
    struct error error;

    if (store_open(&settings, &store, &error) != OK)
        fail_msg("%s", error.message);
    return store;
}

static struct partition *partition_of(struct store *store, const char *name, struct topic **topic)
{
    *topic = store_topic_find(store, slice_from_string(name));
    assert_non_null(*topic);
    return topic_partition(*topic, 0);
}

static void create(struct store *store, const char *name, const char *key, const char *value)
{
    struct properties config;
    struct topic_spec spec = {.name = name, .partitions = 1, .config = &config};

    properties_init(&config);
    if (key != NULL)
        properties_set(&config, key, value);
    assert_int_equal(store_topic_create_wait(store, &spec, NULL), OK);
    properties_finish(&config);
}

TEST(appended_batches_get_dense_offsets_and_are_read_back_after_reopening)
{
    struct store *store = open_store();
    struct topic *topic;
    struct partition *partition;
    struct range range;
    struct error error;
    int64_t first;
    char cluster_id[32];

    create(store, "orders", NULL, NULL);
    partition = partition_of(store, "orders", &topic);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.count = 3, .value_bytes = 500}, &first), OK);
        assert_int_equal(first, i * 3);
    }
    (void)snprintf(cluster_id, sizeof(cluster_id), "%s", store_cluster_id(store));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(partition_end(partition), 300);
        for (int64_t offset = 0; offset < 300;) {
            uint8_t bytes[20000];
            struct record_batch batch;

            assert_int_equal(partition_range(partition, offset, sizeof(bytes), false, &range, &error), OK);
            assert_true(range.size > 0 && range.size <= sizeof(bytes));
            assert_int_equal(range_read(&range, bytes, &error), OK);
            assert_true(range.first_offset <= offset && range.first_offset > offset - 3);
            for (size_t at = 0; at < range.size; at += batch.bytes.size) {
                assert_int_equal(record_batch_read(slice_of(bytes + at, range.size - at), &batch, &error), OK);
                assert_true(record_batch_checksum_is_right(&batch));
                if (at == 0)
                    assert_int_equal(batch.base_offset, range.first_offset);
            }
            assert_int_equal(record_batch_next_offset(&batch), range.next_offset);
            offset = range.next_offset - (range.next_offset < 300 ? 1 : 0);
            range_release(&range);
        }
        assert_int_equal(partition_range(partition, 300, 100, false, &range, &error), OK);
        assert_int_equal(range.size, 0);
        assert_int_equal(partition_range(partition, 301, 100, false, &range, &error), ERROR_OFFSET_OUT_OF_RANGE);
        topic_release(topic);
        store_close(store);
        store = open_store();
        partition = partition_of(store, "orders", &topic);
    }
    assert_string_equal(cluster_id, store_cluster_id(store));
    assert_int_equal(append_shape(store, partition, (struct batch_shape){0}, &first), OK);
    assert_int_equal(first, 300);
    topic_release(topic);
    store_close(store);
}

TEST(segments_roll_by_size_and_reading_goes_across_them)
{
    struct store *store = open_store();
    struct topic *topic;
    struct partition *partition;
    struct range range;
    int ranges = 0;

    create(store, "small", "segment.bytes", "10000");
    partition = partition_of(store, "small", &topic);
    for (int i = 0; i < 50; i++)
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.value_bytes = 1500}, NULL), OK);
    for (int64_t offset = 0; offset < 50; offset = range.next_offset) {
        assert_int_equal(partition_range(partition, offset, 1 << 20, false, &range, NULL), OK);
        assert_int_equal(range.first_offset, offset);
        assert_true(range.size > 0 && range.size <= 10000);
        ranges++;
        range_release(&range);
    }
    assert_int_equal(ranges, 9);
    assert_int_equal(append_shape(store, partition, (struct batch_shape){.value_bytes = 11000}, NULL), ERROR_RECORD_LIST_TOO_LARGE);
    assert_int_equal(append_shape(store, partition, (struct batch_shape){.value_bytes = 2000000}, NULL), ERROR_MESSAGE_TOO_LARGE);
    assert_int_equal(partition_end(partition), 50);
    topic_release(topic);
    store_close(store);
}

TEST(a_strict_range_does_not_give_a_first_batch_that_is_too_large)
{
    struct store *store = open_store();
    struct topic *topic;
    struct partition *partition;
    struct range range;

    create(store, "t", NULL, NULL);
    partition = partition_of(store, "t", &topic);
    assert_int_equal(append_shape(store, partition, (struct batch_shape){.value_bytes = 1500}, NULL), OK);
    assert_int_equal(partition_range(partition, 0, 100, true, &range, NULL), OK);
    assert_int_equal(range.size, 0);
    assert_int_equal(range.next_offset, 0);
    assert_int_equal(partition_range(partition, 0, 100, false, &range, NULL), OK);
    assert_true(range.size > 1500);
    range_release(&range);
    topic_release(topic);
    store_close(store);
}

TEST(a_repeated_batch_of_an_idempotent_producer_is_answered_with_its_old_offset)
{
    struct store *store = open_store();
    struct topic *topic;
    struct partition *partition;
    int64_t first;

    create(store, "t", NULL, NULL);
    for (int round = 0; round < 2; round++) {
        partition = partition_of(store, "t", &topic);
        if (round == 0) {
            for (int32_t i = 0; i < 3; i++)
                assert_int_equal(append_shape(store, partition, (struct batch_shape){.count = 2, .producer_id = 7, .sequence = 2 * i}, NULL), OK);
        }
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.count = 2, .producer_id = 7, .sequence = 4}, &first), OK);
        assert_int_equal(first, 4);
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.count = 2, .producer_id = 7, .sequence = 8}, NULL),
                         ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER);
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.count = 2, .producer_id = 7, .epoch = -1, .sequence = 6}, NULL),
                         ERROR_INVALID_PRODUCER_EPOCH);
        assert_int_equal(partition_end(partition), 6);
        topic_release(topic);
        store_close(store);
        store = open_store();
    }
    store_close(store);
}

/* A producer may ask before the committer has done anything. */
TEST(producer_ids_are_there_as_soon_as_the_store_is_open_and_never_the_same)
{
    struct store *store = open_store();
    int64_t first = store_producer_ids_reserve(store), second;

    assert_true(first >= 0);
    store_run(store);
    second = store_producer_ids_reserve(store);
    assert_true(second > first);
    store_close(store);
    store = open_store();
    assert_true(store_producer_ids_reserve(store) > second);
    store_close(store);
}

TEST(the_first_record_at_or_after_a_time_is_found)
{
    struct store *store = open_store();
    struct topic *topic;
    struct partition *partition;
    int64_t offset, found;

    create(store, "t", "segment.bytes", "10000");
    partition = partition_of(store, "t", &topic);
    for (int i = 0; i < 40; i++)
        assert_int_equal(
            append_shape(store, partition, (struct batch_shape){.count = 5, .value_bytes = 300, .timestamp_ms = 1000 + i * 100}, NULL), OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            assert_int_equal(partition_find_time(partition, 1000 + i * 100 + 2, &offset, &found, NULL), OK);
            assert_int_equal(offset, i * 5 + 2);
            assert_int_equal(found, 1000 + i * 100 + 2);
            assert_int_equal(partition_find_time(partition, 1000 + i * 100 - 50, &offset, &found, NULL), OK);
            assert_int_equal(offset, i * 5);
        }
        assert_int_equal(partition_find_time(partition, 99999, &offset, &found, NULL), OK);
        assert_int_equal(offset, -1);
        assert_int_equal(partition_find_largest_time(partition, &offset, &found, NULL), OK);
        assert_int_equal(offset, 199);
        assert_int_equal(found, 4904);
        topic_release(topic);
        store_close(store);
        store = open_store();
        partition = partition_of(store, "t", &topic);
    }
    topic_release(topic);
    store_close(store);
}

TEST(append_time_is_put_into_the_batch_with_a_right_checksum)
{
    struct store *store = open_store();
    struct topic *topic;
    struct partition *partition;
    struct record_batch batch;
    struct range range;
    uint8_t bytes[1000];

    create(store, "t", "message.timestamp.type", "LogAppendTime");
    partition = partition_of(store, "t", &topic);
    now_ms = 5555555;
    assert_int_equal(append_shape(store, partition, (struct batch_shape){.count = 2, .timestamp_ms = 17}, NULL), OK);
    assert_int_equal(partition_range(partition, 0, 1000, false, &range, NULL), OK);
    assert_int_equal(range_read(&range, bytes, NULL), OK);
    assert_int_equal(record_batch_read(slice_of(bytes, range.size), &batch, NULL), OK);
    assert_true(record_batch_checksum_is_right(&batch));
    assert_int_equal(batch.max_timestamp_ms, 5555555);
    assert_true((batch.attributes & RECORD_BATCH_APPEND_TIME) != 0);
    range_release(&range);
    topic_release(topic);
    store_close(store);
}

TEST(a_deleted_topic_is_gone_and_its_name_free_while_a_reader_goes_on)
{
    struct store *store = open_store();
    struct topic *topic, *again;
    struct partition *partition;
    struct range range;
    struct error error;
    uint8_t bytes[1000];
    struct uuid id;

    create(store, "t", NULL, NULL);
    partition = partition_of(store, "t", &topic);
    id = *topic_id(topic);
    assert_int_equal(append_shape(store, partition, (struct batch_shape){0}, NULL), OK);
    assert_int_equal(partition_range(partition, 0, 1000, false, &range, NULL), OK);
    assert_int_equal(store_topic_delete_wait(store, slice_from_string("t"), NULL), OK);
    assert_int_equal(store_topic_delete_wait(store, slice_from_string("t"), &error), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    assert_true(topic_is_deleted(topic));
    assert_int_equal(range_read(&range, bytes, NULL), OK);
    range_release(&range);
    assert_int_equal(partition_range(partition, 0, 1000, false, &range, NULL), ERROR_CLOSED);
    assert_int_equal(append_shape(store, partition, (struct batch_shape){0}, NULL), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    create(store, "t", NULL, NULL);
    assert_int_equal(partition_end(partition_of(store, "t", &again)), 0);
    assert_memory_not_equal(&id, topic_id(again), sizeof(id));
    topic_release(again);
    topic_release(topic);
    store_close(store);
}

struct published {
    bool answered;
};

static void publish_note(struct publish *publish)
{
    ((struct published *)publish->context)->answered = true;
}

static enum status publish_now(struct store *store, int64_t session, const char *position, struct publish_item *items, size_t count)
{
    struct published published = {false};
    struct publish publish = {.owner = "connector/a",
                              .session = session,
                              .position = slice_from_string(position),
                              .items = items,
                              .item_count = count,
                              .done = publish_note,
                              .context = &published};

    store_publish(store, &publish);
    store_run(store);
    assert_true(published.answered);
    return publish.status;
}

TEST(rows_and_position_are_published_together_and_an_old_session_is_refused)
{
    struct store *store = open_store();
    struct slice batch = batch_make((struct batch_shape){.count = 4});
    struct publish_item items[2];
    struct topic *one, *two;
    struct buffer position;
    int64_t first, second;

    create(store, "one", NULL, NULL);
    create(store, "two", NULL, NULL);
    items[0] = (struct publish_item){partition_of(store, "one", &one), batch};
    items[1] = (struct publish_item){partition_of(store, "two", &two), batch};
    buffer_init(&position, 1000);
    assert_int_equal(store_owner_open(store, "connector/a", &first, &position, NULL), OK);
    assert_int_equal(position.size, 0);
    assert_int_equal(publish_now(store, first, "p1", items, 2), OK);
    assert_int_equal(partition_end(items[0].partition), 4);
    assert_int_equal(partition_end(items[1].partition), 4);
    assert_int_equal(store_owner_open(store, "connector/a", &second, &position, NULL), OK);
    assert_true(slice_equal_string(buffer_slice(&position), "p1"));
    assert_int_equal(publish_now(store, first, "p2", items, 2), ERROR_CLOSED);
    assert_int_equal(publish_now(store, second, "p3", items, 1), OK);
    assert_int_equal(partition_end(items[0].partition), 8);
    topic_release(one);
    topic_release(two);
    store_close(store);
    store = open_store();
    buffer_reset(&position);
    assert_true(store_position(store, "connector/a", &position));
    assert_true(slice_equal_string(buffer_slice(&position), "p3"));
    assert_int_equal(partition_end(partition_of(store, "one", &one)), 8);
    topic_release(one);
    store_close(store);
    buffer_finish(&position);
    batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(appended_batches_get_dense_offsets_and_are_read_back_after_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(segments_roll_by_size_and_reading_goes_across_them, setup, teardown),
        cmocka_unit_test_setup_teardown(a_strict_range_does_not_give_a_first_batch_that_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(a_repeated_batch_of_an_idempotent_producer_is_answered_with_its_old_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(producer_ids_are_there_as_soon_as_the_store_is_open_and_never_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_record_at_or_after_a_time_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(append_time_is_put_into_the_batch_with_a_right_checksum, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deleted_topic_is_gone_and_its_name_free_while_a_reader_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_and_position_are_published_together_and_an_old_session_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
