#include "base/error.h"

#include "check.h"

#include <errno.h>

TEST(context_reads_from_outside_in)
{
    struct error error;

    assert_int_equal(error_set(&error, ERROR_CORRUPT, "batch at byte %d: checksum mismatch", 4096), ERROR_CORRUPT);
    error_context(&error, "open segment %s", "42.log");
    assert_string_equal(error.message, "open segment 42.log: batch at byte 4096: checksum mismatch");
}

TEST(a_full_disk_is_told_from_a_broken_one)
{
    struct error error;

    assert_int_equal(error_set_system(&error, ERROR_DISK, ENOSPC, "write %s", "x"), ERROR_DISK_FULL);
    assert_string_equal(error.message, "write x: No space left on device");
    assert_int_equal(error_set_system(&error, ERROR_DISK, EIO, "write %s", "x"), ERROR_DISK);
}

TEST(the_first_remedy_stands_on_a_line_of_its_own)
{
    struct error error;

    (void)error_set(&error, ERROR_DATABASE, "no such slot");
    error_remedy(&error, "create %s", "it");
    error_remedy(&error, "or another");
    error_context(&error, "start");
    assert_string_equal(error.message, "start: no such slot\ncreate it");
}

TEST(codes_map_both_ways)
{
    assert_int_equal(status_kafka_code(ERROR_UNKNOWN_TOPIC_OR_PARTITION), 3);
    assert_int_equal(status_from_kafka_code(3), ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(status_from_kafka_code(0), OK);
    assert_int_equal(status_from_kafka_code(12345), ERROR_UNKNOWN_SERVER_ERROR);
    assert_int_equal(status_kafka_code(ERROR_DISK), 56);
    assert_string_equal(status_name(ERROR_MEMBER_ID_REQUIRED), "MEMBER_ID_REQUIRED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_reads_from_outside_in),
        cmocka_unit_test(a_full_disk_is_told_from_a_broken_one),
        cmocka_unit_test(the_first_remedy_stands_on_a_line_of_its_own),
        cmocka_unit_test(codes_map_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
