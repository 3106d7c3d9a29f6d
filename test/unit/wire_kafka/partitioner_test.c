#include "check.h"

#include "wire/kafka/partitioner.h"

/* Source: apache/kafka, UtilsTest.testMurmur2 */
TEST(hashes_are_those_of_the_java_client)
{
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal((int32_t)kafka_murmur2(slice_from_string(cases[i].key)), cases[i].hash);
}

TEST(partitions_are_within_the_count)
{
    assert_int_equal(kafka_partition_for_key(slice_from_string("21"), 1), 0);
    assert_int_equal(kafka_partition_for_key(slice_from_string("21"), 1000), (-973932308 & INT32_MAX) % 1000);
    assert_int_equal(kafka_partition_for_key(slice_from_string(""), 4), (int32_t)(kafka_murmur2(slice_from_string("")) & INT32_MAX) % 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_java_client),
        cmocka_unit_test(partitions_are_within_the_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
