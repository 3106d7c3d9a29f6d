#include "compare/account.h"

#include "check.h"

static const struct method stream = {.name = "stream", .sees_updates = true, .sees_deletes = true};
static const struct method whole = {.name = "whole", .polls = true, .sees_updates = true, .sees_deletes = true};
static const struct method by_id = {.name = "by id", .polls = true, .uses_mark = true};
static const struct method by_time = {.name = "by time", .polls = true, .sees_updates = true, .uses_mark = true};

/* Row 1: there before, changed twice, deleted. Row 2: inserted and kept. Row 3: inserted late. Row 4: inserted and deleted at once. */
static const struct written writes[] = {
    {1, 2, WRITE_UPDATE, false, 1000000}, {2, 1, WRITE_INSERT, false, 2000000}, {1, 3, WRITE_UPDATE, false, 3000000},
    {4, 1, WRITE_INSERT, false, 4000000}, {4, 2, WRITE_DELETE, false, 5000000}, {3, 1, WRITE_INSERT, true, 6000000},
    {1, 4, WRITE_DELETE, false, 7000000},
};

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

TEST(a_stream_that_brings_all_misses_nothing)
{
    const struct sighting seen[] = {{1, 2, 2000000},
                                    {2, 1, 3000000},
                                    {1, 3, 4000000},
                                    {4, 1, 5000000},
                                    {4, VERSION_GONE, 6000000},
                                    {3, 1, 7000000},
                                    {1, VERSION_GONE, 27000000}};
    struct account account = account_make(&stream, writes, COUNT(writes), seen, COUNT(seen));

    assert_int_equal(account.written, 7);
    assert_int_equal(account.seen, 7);
    assert_int_equal(account.missed_total, 0);
    assert_int_equal(account.twice, 0);
    assert_int_equal(account.unexpected, 0);
    assert_true(account.p50_ms == 1.0);
    assert_true(account.max_ms == 20.0);
}

TEST(what_a_stream_does_not_bring_has_no_excuse)
{
    const struct sighting seen[] = {{1, 3, 4000000}};
    struct account account = account_make(&stream, writes, COUNT(writes), seen, COUNT(seen));

    assert_int_equal(account.missed[MISS_OTHER], 6);
    assert_int_equal(account.missed_total, 6);
}

TEST(a_whole_query_misses_what_was_replaced_or_gone_before_it)
{
    const struct sighting seen[] = {{1, 3, 8000000}, {2, 1, 8000000}, {3, 1, 8000000}, {1, VERSION_GONE, 9000000}};
    struct account account = account_make(&whole, writes, COUNT(writes), seen, COUNT(seen));

    assert_int_equal(account.seen, 4);
    assert_int_equal(account.missed[MISS_BETWEEN], 3); /* the first update, and all of row 4 */
    assert_int_equal(account.missed_total, 3);
}

TEST(polling_by_id_misses_updates_deletes_and_late_rows)
{
    const struct sighting seen[] = {{2, 1, 8000000}};
    struct account account = account_make(&by_id, writes, COUNT(writes), seen, COUNT(seen));

    assert_int_equal(account.missed[MISS_UPDATE], 2);
    assert_int_equal(account.missed[MISS_DELETE], 2);
    assert_int_equal(account.missed[MISS_MARK], 1);
    assert_int_equal(account.missed[MISS_BETWEEN], 1);
    assert_int_equal(account.missed_total, 6);
}

TEST(polling_by_time_misses_deletes_and_late_rows)
{
    const struct sighting seen[] = {{1, 3, 8000000}, {2, 1, 8000000}};
    struct account account = account_make(&by_time, writes, COUNT(writes), seen, COUNT(seen));

    assert_int_equal(account.missed[MISS_DELETE], 2);
    assert_int_equal(account.missed[MISS_MARK], 1);
    assert_int_equal(account.missed[MISS_BETWEEN], 2);
    assert_int_equal(account.missed[MISS_OTHER], 0);
}

TEST(what_came_twice_or_was_never_written_is_told)
{
    const struct sighting seen[] = {{2, 1, 8000000}, {2, 1, 9000000}, {2, 2, 9000000}, {9, 1, 9000000}, {2, VERSION_GONE, 9000000},
                                    {1, 4, 9000000}};
    struct account account = account_make(&stream, writes, COUNT(writes), seen, COUNT(seen));

    assert_int_equal(account.seen, 1);
    assert_int_equal(account.twice, 1);
    assert_int_equal(account.unexpected, 4);
}

TEST(nothing_written_and_nothing_seen_is_an_account_too)
{
    struct account account = account_make(&stream, NULL, 0, NULL, 0);

    assert_int_equal(account.seen + account.missed_total, 0);
    assert_true(account.p99_ms == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_that_brings_all_misses_nothing),
        cmocka_unit_test(what_a_stream_does_not_bring_has_no_excuse),
        cmocka_unit_test(a_whole_query_misses_what_was_replaced_or_gone_before_it),
        cmocka_unit_test(polling_by_id_misses_updates_deletes_and_late_rows),
        cmocka_unit_test(polling_by_time_misses_deletes_and_late_rows),
        cmocka_unit_test(what_came_twice_or_was_never_written_is_told),
        cmocka_unit_test(nothing_written_and_nothing_seen_is_an_account_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
