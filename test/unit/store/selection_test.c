#include "store/selection.h"

#include "check.h"

static struct topic_settings settings_of(int64_t retention_ms, int64_t retention_bytes)
{
    return (struct topic_settings){.deleted = true, .compacted = true, .retention_ms = retention_ms, .retention_bytes = retention_bytes,
                                   .dirty_ratio_min = 0.5, .lag_max_ms = INT64_MAX};
}

/* Five segments of 100 bytes and 10 offsets, whose newest records are 1000, 2000, … ms; the last one is appended to. */
static void segments_make(struct segment_facts segments[5])
{
    for (int i = 0; i < 5; i++)
        segments[i] = (struct segment_facts){i * 10, i * 10 + 10, 100, 1000 * (i + 1), 1000 * (i + 1) - 900};
}

static size_t taken(const struct topic_settings *settings, int64_t now_ms)
{
    struct segment_facts segments[5];
    struct retention retention = {settings, now_ms, 500};
    size_t count = 0;

    segments_make(segments);
    while (count < 5 && retention_takes(&retention, &segments[count]))
        count++;
    return count;
}

TEST(time_takes_segments_whose_newest_record_is_too_old)
{
    struct topic_settings settings = settings_of(500, -1);

    assert_int_equal(taken(&settings, 1500), 0);
    assert_int_equal(taken(&settings, 1501), 1);
    assert_int_equal(taken(&settings, 3501), 3);
    assert_int_equal(taken(&settings, 9999), 5); /* also the one that is appended to */
    settings.retention_ms = -1;
    assert_int_equal(taken(&settings, INT64_MAX), 0);
    settings = settings_of(0, -1);
    assert_int_equal(taken(&settings, 2001), 2);
}

TEST(size_takes_segments_as_long_as_enough_is_left)
{
    struct topic_settings settings = settings_of(-1, 300);

    assert_int_equal(taken(&settings, 0), 2);
    settings.retention_bytes = 301;
    assert_int_equal(taken(&settings, 0), 1);
    settings.retention_bytes = 500;
    assert_int_equal(taken(&settings, 0), 0);
    settings.retention_bytes = 0;
    assert_int_equal(taken(&settings, 0), 5);
}

TEST(without_the_policy_delete_nothing_is_taken_and_an_empty_segment_never)
{
    struct topic_settings settings = settings_of(0, 0);
    struct segment_facts empty = {50, 50, 0, 0, 0};
    struct retention retention = {&settings, 99999, 0};

    assert_false(retention_takes(&retention, &empty));
    settings.deleted = false;
    assert_int_equal(taken(&settings, 99999), 0);
}

static struct compaction_range chosen(const struct topic_settings *settings, int64_t start, int64_t cleaned, int64_t stable_end, int64_t now_ms)
{
    struct segment_facts segments[5];

    segments_make(segments);
    return compaction_choose(segments, 5, start, cleaned, stable_end, settings, now_ms);
}

TEST(all_but_the_segment_that_is_appended_to_is_dirty_at_first)
{
    struct topic_settings settings = settings_of(-1, -1);
    struct compaction_range range = chosen(&settings, 0, 0, 50, 5000);

    assert_true(range.due);
    assert_int_equal(range.from, 0);
    assert_int_equal(range.to, 40);
    assert_int_equal(range.dirty_bytes, 400);
    assert_int_equal(range.clean_bytes, 0);
    settings.compacted = false;
    assert_false(chosen(&settings, 0, 0, 50, 5000).due);
}

TEST(the_dirty_part_has_to_be_larger_than_the_ratio_says)
{
    struct topic_settings settings = settings_of(-1, -1);

    assert_false(chosen(&settings, 0, 20, 50, 5000).due); /* half is not more than half */
    assert_true(chosen(&settings, 0, 10, 50, 5000).due);
    settings.dirty_ratio_min = 0;
    assert_true(chosen(&settings, 0, 30, 50, 5000).due);
    assert_false(chosen(&settings, 0, 40, 50, 5000).due);
}

TEST(a_place_that_the_log_does_not_have_any_more_begins_at_its_start)
{
    struct topic_settings settings = settings_of(-1, -1);

    assert_int_equal(chosen(&settings, 20, 10, 50, 5000).from, 20);
    assert_int_equal(chosen(&settings, 10, 45, 50, 5000).from, 10);
    assert_int_equal(chosen(&settings, 10, 25, 50, 5000).from, 25);
}

TEST(young_records_and_open_transactions_are_left_alone)
{
    struct topic_settings settings = settings_of(-1, -1);

    settings.lag_min_ms = 1500;
    assert_int_equal(chosen(&settings, 0, 0, 50, 4000).to, 20);
    assert_int_equal(chosen(&settings, 0, 0, 50, 2000).to, 0);
    assert_false(chosen(&settings, 0, 0, 50, 2000).due);
    settings.lag_min_ms = 0;
    assert_int_equal(chosen(&settings, 0, 0, 29, 4000).to, 20);
}

TEST(a_record_that_waits_too_long_makes_a_small_dirty_part_due)
{
    struct topic_settings settings = settings_of(-1, -1);

    settings.lag_max_ms = 2000;
    assert_false(chosen(&settings, 0, 30, 50, 5100).due); /* its first batch is from 3100 */
    assert_true(chosen(&settings, 0, 30, 50, 5101).due);
    assert_true(chosen(&settings, 0, 30, 50, 5101).overdue);
    assert_false(chosen(&settings, 0, 40, 50, 99999).due);
}

TEST(small_segments_are_put_together_up_to_the_size_of_one)
{
    struct segment_facts segments[5];

    segments_make(segments);
    assert_true(compaction_fits(&segments[0], 200, &segments[2], 300, 1000));
    assert_false(compaction_fits(&segments[0], 201, &segments[2], 300, 1000));
    segments[2].end = (int64_t)INT32_MAX + 1; /* offsets are relative to the first one, 31 bits */
    assert_false(compaction_fits(&segments[0], 200, &segments[2], 300, 1000));
    segments[1].bytes = 1 << 20;
    assert_true(compaction_fits(&segments[0], 0, &segments[1], 1 << 30, 2048));
    assert_false(compaction_fits(&segments[0], 0, &segments[1], 1 << 30, 2047)); /* its index would be too large */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_takes_segments_whose_newest_record_is_too_old),
        cmocka_unit_test(size_takes_segments_as_long_as_enough_is_left),
        cmocka_unit_test(without_the_policy_delete_nothing_is_taken_and_an_empty_segment_never),
        cmocka_unit_test(all_but_the_segment_that_is_appended_to_is_dirty_at_first),
        cmocka_unit_test(the_dirty_part_has_to_be_larger_than_the_ratio_says),
        cmocka_unit_test(a_place_that_the_log_does_not_have_any_more_begins_at_its_start),
        cmocka_unit_test(young_records_and_open_transactions_are_left_alone),
        cmocka_unit_test(a_record_that_waits_too_long_makes_a_small_dirty_part_due),
        cmocka_unit_test(small_segments_are_put_together_up_to_the_size_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
