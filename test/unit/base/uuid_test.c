#include "base/uuid.h"

#include "check.h"

TEST(both_text_forms_are_right_and_base64_reads_back)
{
    struct uuid uuid, again;
    char base64[UUID_BASE64_SIZE], hex[UUID_HEX_SIZE];

    for (size_t i = 0; i < sizeof(uuid.bytes); i++)
        uuid.bytes[i] = (uint8_t)(0xf0 + i);
    uuid_to_base64(&uuid, base64);
    uuid_to_hex(&uuid, hex);
    assert_string_equal(base64, "8PHy8_T19vf4-fr7_P3-_w");
    assert_string_equal(hex, "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff");
    assert_true(uuid_from_base64(slice_from_string(base64), &again));
    assert_memory_equal(&uuid, &again, sizeof(uuid));
    assert_false(uuid_from_base64(slice_from_string("8PHy8_T19vf4-fr7_P3-_"), &again));
    assert_false(uuid_from_base64(slice_from_string("8PHy8_T19vf4-fr7_P3-+w"), &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_text_forms_are_right_and_base64_reads_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
