#include "store/compaction.h"

#include "check.h"

#include "base/memory.h"

static const uint64_t key[2] = {1, 2};

/* A batch from a text such as "a=1 b=2 c c=3": records one after the other, without "=" a tombstone, "=5" one without a key. */
static void batch_append(struct buffer *out, int64_t base_offset, const char *records, int64_t producer_id, bool transactional)
{
    struct record_batch_spec spec = {producer_id, 0, producer_id < 0 ? -1 : 0, transactional};
    char *text = memory_copy_string(records), *rest = text, *word;
    struct record_builder builder;
    struct slice batch;

    record_builder_init(&builder, 1 << 20);
    for (int64_t at = 0; (word = strtok_r(rest, " ", &rest)) != NULL; at++) {
        char *equal = strchr(word, '=');

        if (equal != NULL)
            *equal = '\0';
        assert_true(record_builder_append(&builder, 100 + base_offset + at, *word == '\0' ? slice_null() : slice_from_string(word),
                                          equal == NULL ? slice_null() : slice_from_string(equal + 1), NULL, 0));
    }
    batch = record_builder_seal(&builder, &spec, NULL);
    record_batch_set_offset((uint8_t *)(uintptr_t)batch.data, base_offset, 0);
    buffer_append_slice(out, batch);
    record_builder_finish(&builder);
    memory_free(text);
}

struct log {
    struct buffer bytes;
    struct compaction compaction;
};

static void log_open(struct log *log, int64_t keys)
{
    buffer_init(&log->bytes, 1 << 20);
    compaction_init(&log->compaction, keys * (int64_t)sizeof(struct offset_slot), keys, key);
    log->compaction.now_ms = 1000;
    log->compaction.delete_retention_ms = 500;
}

static void log_close(struct log *log)
{
    buffer_finish(&log->bytes);
    compaction_finish(&log->compaction);
}

/* Puts all into the table, from an offset on; gives how many batches there was room for. */
static int map_all(struct log *log, int64_t from)
{
    struct slice rest = buffer_slice(&log->bytes);
    struct record_batch batch;
    bool taken = true;
    int count = 0;

    log->compaction.covered = from;
    for (; rest.size > 0; rest = slice_from(rest, batch.bytes.size)) {
        assert_int_equal(record_batch_read(rest, &batch, NULL), OK);
        assert_int_equal(compaction_map(&log->compaction, batch.bytes, from, &taken, NULL), OK);
        if (!taken)
            break;
        count++;
    }
    return count;
}

/* Filters the log, which then is what remains, and gives that as "offset:key=value …"; "(first-last)" for an empty batch. */
static const char *filter_all(struct log *log)
{
    static char text[1000];
    struct slice rest = buffer_slice(&log->bytes);
    struct record_batch batch;
    struct buffer out;

    text[0] = '\0';
    buffer_init(&out, 1 << 20);
    for (; rest.size > 0; rest = slice_from(rest, batch.bytes.size)) {
        assert_int_equal(record_batch_read(rest, &batch, NULL), OK);
        assert_int_equal(compaction_filter(&log->compaction, batch.bytes, batch.bytes.size == rest.size, &out, NULL), OK);
    }
    for (rest = buffer_slice(&out); rest.size > 0; rest = slice_from(rest, batch.bytes.size)) {
        struct record_iterator iterator;
        struct record record;
        size_t used = strlen(text);

        assert_int_equal(record_batch_read(rest, &batch, NULL), OK);
        assert_true(record_batch_checksum_is_right(&batch));
        assert_int_equal(record_iterator_init(&iterator, &batch, NULL, 0, NULL, NULL), OK);
        if (batch.count == 0)
            (void)snprintf(text + used, sizeof(text) - used, "(%d-%d) ", (int)batch.base_offset, (int)record_batch_next_offset(&batch) - 1);
        while (record_iterator_next(&iterator, &record)) {
            used = strlen(text);
            assert_int_equal(record.timestamp_ms, 100 + record.offset);
            (void)snprintf(text + used, sizeof(text) - used, "%d:%.*s%s%.*s ", (int)record.offset, (int)record.key.size,
                           (const char *)record.key.data, slice_is_null(record.value) ? "" : "=", (int)record.value.size,
                           record.value.data == NULL ? "" : (const char *)record.value.data);
        }
    }
    buffer_reset(&log->bytes);
    buffer_append_slice(&log->bytes, buffer_slice(&out));
    buffer_finish(&out);
    return text;
}

TEST(the_newest_record_of_each_key_stays_at_its_offset)
{
    struct log log;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "a=1 b=1 a=2", -1, false);
    batch_append(&log.bytes, 3, "b=2 c=1", -1, false);
    batch_append(&log.bytes, 5, "a=3 d=1", -1, false);
    assert_int_equal(map_all(&log, 0), 3);
    assert_int_equal(log.compaction.covered, 7);
    assert_string_equal(filter_all(&log), "3:b=2 4:c=1 5:a=3 6:d=1 ");
    assert_string_equal(filter_all(&log), "3:b=2 4:c=1 5:a=3 6:d=1 ");
    log_close(&log);
}

TEST(a_record_without_a_key_goes)
{
    struct log log;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "=1 b=1 =2 a=1", -1, false);
    (void)map_all(&log, 0);
    assert_string_equal(filter_all(&log), "1:b=1 3:a=1 ");
    log_close(&log);
}

TEST(a_tombstone_stays_for_delete_retention_ms_after_it_was_met_first)
{
    struct log log;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "a=1 b=1", -1, false);
    batch_append(&log.bytes, 2, "a", -1, false);
    batch_append(&log.bytes, 3, "c=1", -1, false);
    (void)map_all(&log, 0);
    assert_string_equal(filter_all(&log), "1:b=1 2:a 3:c=1 ");
    log.compaction.now_ms = 1499; /* the horizon was set to 1500 and does not move */
    assert_string_equal(filter_all(&log), "1:b=1 2:a 3:c=1 ");
    log.compaction.now_ms = 1500;
    assert_string_equal(filter_all(&log), "1:b=1 3:c=1 ");
    log_close(&log);
}

TEST(what_the_table_has_no_room_for_is_left_as_it_is)
{
    struct log log;

    log_open(&log, 1); /* 16 slots, of which 14 are filled */
    batch_append(&log.bytes, 0, "a=1 b=1 c=1 d=1 e=1 f=1 g=1", -1, false);
    batch_append(&log.bytes, 7, "a=2 h=1 i=1 j=1 k=1 l=1", -1, false);
    batch_append(&log.bytes, 13, "a=3 m=1 n=1 o=1 p=1 b", -1, false);
    assert_int_equal(map_all(&log, 0), 2);
    assert_int_equal(log.compaction.covered, 13);
    assert_string_equal(filter_all(&log), "1:b=1 2:c=1 3:d=1 4:e=1 5:f=1 6:g=1 8:h=1 9:i=1 10:j=1 11:k=1 12:l=1 "
                                          "13:a=3 14:m=1 15:n=1 16:o=1 17:p=1 18:b ");
    log_close(&log);
}

TEST(only_the_dirty_part_is_put_into_the_table)
{
    struct log log;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "a=1 b=1", -1, false);
    batch_append(&log.bytes, 2, "c=1 a=2", -1, false);
    (void)map_all(&log, 3);
    assert_int_equal(log.compaction.map.count, 1);
    assert_string_equal(filter_all(&log), "1:b=1 2:c=1 3:a=2 ");
    log_close(&log);
}

TEST(the_last_batch_of_a_known_producer_and_of_the_file_stay_empty)
{
    const struct producer_last lasts[] = {{7, 3}, {9, 99}};
    struct log log;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "a=1 a=2", 7, false);
    batch_append(&log.bytes, 2, "a=3 a=4", 7, false);
    batch_append(&log.bytes, 4, "a=5", 8, false);
    batch_append(&log.bytes, 5, "b=5 a=6 b", -1, false);
    batch_append(&log.bytes, 8, "b", -1, false);
    (void)map_all(&log, 0);
    log.compaction.lasts = lasts;
    log.compaction.last_count = 2;
    assert_string_equal(filter_all(&log), "(2-3) 6:a=6 8:b ");
    log.compaction.now_ms = 5000;
    assert_string_equal(filter_all(&log), "(2-3) 6:a=6 (8-8) ");
    assert_string_equal(filter_all(&log), "(2-3) 6:a=6 (8-8) ");
    log_close(&log);
}

TEST(compaction_ends_before_a_transaction)
{
    struct log log;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "a=1 a=2", -1, false);
    batch_append(&log.bytes, 2, "a=3", 7, true);
    record_batch_append_end_marker(&log.bytes, 7, 0, 0, CONTROL_COMMIT, 103);
    assert_int_equal(map_all(&log, 0), 1);
    assert_int_equal(log.compaction.covered, 2);
    log_close(&log);
}

TEST(records_that_are_not_what_their_batch_says_are_an_error)
{
    struct log log;
    bool taken;

    log_open(&log, 100);
    batch_append(&log.bytes, 0, "a=1 b=1", -1, false);
    log.bytes.data[61] = 0x7f; /* the length of the first record */
    assert_int_equal(compaction_map(&log.compaction, buffer_slice(&log.bytes), 0, &taken, NULL), ERROR_CORRUPT_MESSAGE);
    log.compaction.covered = 10;
    assert_int_equal(compaction_filter(&log.compaction, buffer_slice(&log.bytes), true, &log.bytes, NULL), ERROR_CORRUPT_MESSAGE);
    log_close(&log);
}

TEST(the_table_keeps_the_newest_offset_of_many_keys)
{
    struct offset_map map;

    offset_map_init(&map, 1 << 20, 10000, key);
    for (int64_t i = 0; i < 30000; i++) {
        int64_t number = i % 10000;

        assert_true(offset_map_put(&map, slice_of(&number, sizeof(number)), i));
    }
    assert_int_equal(map.count, 10000);
    for (int64_t i = 0; i < 10000; i++)
        assert_int_equal(offset_map_get(&map, slice_of(&i, sizeof(i))), 20000 + i);
    assert_int_equal(offset_map_get(&map, slice_from_string("never")), -1);
    offset_map_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_record_of_each_key_stays_at_its_offset),
        cmocka_unit_test(a_record_without_a_key_goes),
        cmocka_unit_test(a_tombstone_stays_for_delete_retention_ms_after_it_was_met_first),
        cmocka_unit_test(what_the_table_has_no_room_for_is_left_as_it_is),
        cmocka_unit_test(only_the_dirty_part_is_put_into_the_table),
        cmocka_unit_test(the_last_batch_of_a_known_producer_and_of_the_file_stay_empty),
        cmocka_unit_test(compaction_ends_before_a_transaction),
        cmocka_unit_test(records_that_are_not_what_their_batch_says_are_an_error),
        cmocka_unit_test(the_table_keeps_the_newest_offset_of_many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
