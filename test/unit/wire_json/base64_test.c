#include "check.h"

#include "wire/json/base64.h"

static void check(const char *text, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 100);
    base64_append(&out, slice_from_string(text), BASE64_STANDARD);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
    buffer_reset(&out);
    assert_true(base64_decode(&out, slice_from_string(expected)));
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.data, text, out.size);
    buffer_finish(&out);
}

TEST(bytes_go_both_ways)
{
    check("", "");
    check("f", "Zg==");
    check("fo", "Zm8=");
    check("foo", "Zm9v");
    check("foobar", "Zm9vYmFy");
    check("\xfb\xff\xfe", "+//+");
}

TEST(url_safe_letters_are_minus_and_underscore)
{
    struct buffer out;

    buffer_init(&out, 100);
    base64_append(&out, slice_of("\xfb\xff\xfe\xff", 4), BASE64_URL_SAFE);
    assert_int_equal(out.size, 8);
    assert_memory_equal(out.data, "-__-_w==", 8);
    buffer_finish(&out);
}

TEST(broken_texts_are_refused)
{
    const char *wrong[] = {"Z", "Zg=", "Zg==Zg==", "Z===", "====", "Z g=", "Zg=x"};
    struct buffer out;

    buffer_init(&out, 100);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(base64_decode(&out, slice_from_string(wrong[i])));
    buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(url_safe_letters_are_minus_and_underscore),
        cmocka_unit_test(broken_texts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
