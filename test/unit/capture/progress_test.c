#include "check.h"

#include "capture/progress.h"

#include "base/banned.h"

TEST(progress_reads_back_as_it_was_written)
{
    struct progress progress = {.lsn = 26537080,
                                .xid = -1,
                                .time_us = 1795349061139911,
                                .config_hash = 77,
                                .snapshot = slice_from_string("730:735:731,733"),
                                .schema = slice_from_string("public"),
                                .table = slice_from_string("t"),
                                .oid = 16384,
                                .file = 16390,
                                .block = 12,
                                .item = 3,
                                .rows = 100};
    struct progress read;
    struct buffer bytes;

    buffer_init(&bytes, 4096);
    progress_write(&progress, &bytes);
    assert_true(progress_read(buffer_slice(&bytes), &read));
    assert_int_equal(read.lsn, 26537080);
    assert_int_equal(read.xid, -1);
    assert_true(slice_equal_string(read.snapshot, "730:735:731,733"));
    assert_true(slice_equal_string(read.schema, "public"));
    assert_true(slice_equal_string(read.table, "t"));
    assert_int_equal(read.file, 16390);
    assert_int_equal(read.block, 12);
    assert_int_equal(read.item, 3);
    assert_int_equal(read.rows, 100);
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(progress_read(slice_of(bytes.data, size), &read));
    buffer_finish(&bytes);
}

TEST(only_a_ctid_is_a_ctid)
{
    static const char *const wrong[] = {"", "(1,2", "1,2)", "(1)", "(,2)", "(1,)", "(-1,2)", "(1,65536)", "(4294967296,1)", "(a,b)"};
    uint32_t block = 0;
    uint32_t item = 0;

    assert_true(progress_read_ctid(slice_from_string("(4294967295,65535)"), &block, &item));
    assert_int_equal(block, UINT32_MAX);
    assert_int_equal(item, 65535);
    assert_true(progress_read_ctid(slice_from_string("(0,1)"), &block, &item));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(progress_read_ctid(slice_from_string(wrong[i]), &block, &item));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(progress_reads_back_as_it_was_written), cmocka_unit_test(only_a_ctid_is_a_ctid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
