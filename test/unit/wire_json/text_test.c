#include "check.h"

#include "wire/json/text.h"

static struct buffer out;

static int before(void **state __attribute__((unused)))
{
    buffer_init(&out, 1 << 24);
    return 0;
}

static int after(void **state __attribute__((unused)))
{
    buffer_finish(&out);
    return 0;
}

static void check(const char *text, size_t size, const char *expected)
{
    uint8_t *exact = malloc(size + (size == 0)); /* the sanitizer sees a read past the end */

    memcpy(exact, text, size);
    buffer_reset(&out);
    json_append_string(&out, slice_of(exact, size));
    free(exact);
    assert_false(out.failed);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
}

#define CHECK(text, expected) check(text, sizeof(text) - 1, expected)

TEST(plain_text_stands_as_it_is)
{
    CHECK("", "\"\"");
    CHECK("a", "\"a\"");
    CHECK("seventeen letters", "\"seventeen letters\"");
    CHECK("DEL \x7f, slash /, \xc3\xa9, \xe2\x80\xa8, \xef\xbf\xbf", "\"DEL \x7f, slash /, \xc3\xa9, \xe2\x80\xa8, \xef\xbf\xbf\"");
}

TEST(control_characters_quotes_and_backslashes_are_escaped)
{
    CHECK("\b\t\n\f\r\"\\", "\"\\b\\t\\n\\f\\r\\\"\\\\\"");
    CHECK("\x01\x0b\x1f\0", "\"\\u0001\\u000B\\u001F\\u0000\"");
}

TEST(characters_beyond_the_basic_plane_become_two_escapes)
{
    CHECK("\xf0\x9f\x98\x80", "\"\\uD83D\\uDE00\"");
    CHECK("x\xf0\x90\x80\x80y\xf4\x8f\xbf\xbfz", "\"x\\uD800\\uDC00y\\uDBFF\\uDFFFz\"");
}

TEST(broken_sequences_are_replaced)
{
    CHECK("\xf0\x9f\x98", "\"\xef\xbf\xbd\x9f\x98\"");
    CHECK("\xf5\x80\x80\x80", "\"\xef\xbf\xbd\x80\x80\x80\"");
    CHECK("\xf0\x80\x80\x80", "\"\xef\xbf\xbd\x80\x80\x80\"");
    CHECK("\xff", "\"\xef\xbf\xbd\"");
}

/* The fast paths look at 16 and 8 bytes at once: every special byte at every place, and every length. */
TEST(special_bytes_are_found_at_every_place)
{
    static const uint8_t specials[] = {0x00, 0x01, 0x1f, '"', '\\', 0xf0, 0xff};
    char text[64], expected[400];

    for (size_t size = 1; size < sizeof(text); size++) {
        for (size_t place = 0; place < size; place++) {
            for (size_t i = 0; i < sizeof(specials); i++) {
                struct buffer one;

                memset(text, 0x7f, sizeof(text));
                text[place] = (char)specials[i];
                buffer_init(&one, 100);
                json_append_escaped(&one, slice_of(&specials[i], 1));
                assert_in_range(one.size, 2, 6);
                expected[0] = '"';
                memset(expected + 1, 0x7f, place);
                memcpy(expected + 1 + place, one.data, one.size);
                memset(expected + 1 + place + one.size, 0x7f, size - place - 1);
                memcpy(expected + place + one.size + size - place, "\"", 2);
                buffer_finish(&one);
                check(text, size, expected);
            }
        }
    }
}

TEST(long_texts_are_escaped_in_pieces)
{
    size_t size = 20000;
    char *text = malloc(size), *expected = malloc(size * 6 + 3);

    memset(text, 1, size);
    memcpy(text + 4094, "\xf0\x9f\x98\x80", 4); /* across the border of two pieces */
    expected[0] = '"';
    for (size_t i = 0; i < size - 2; i++)
        memcpy(expected + 1 + i * 6, i == 4094 ? "\\uD83D" : i == 4095 ? "\\uDE00" : "\\u0001", 6);
    memcpy(expected + 1 + (size - 2) * 6, "\"", 2);
    check(text, size, expected);
    free(text);
    free(expected);
}

static void check_unescape(const char *inside, const char *expected)
{
    buffer_reset(&out);
    assert_true(json_unescape(&out, slice_from_string(inside)));
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
}

TEST(escapes_are_taken_back)
{
    check_unescape("plain", "plain");
    check_unescape("\\b\\t\\n\\f\\r\\\"\\\\\\/", "\b\t\n\f\r\"\\/");
    check_unescape("\\u0041\\u00e9\\u20ac\\uD83D\\uDE00", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    check_unescape("\\uD83Dx\\uDE00\\uD83D\\u0041", "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd"
                                                    "A");
    assert_false(json_unescape(&out, slice_from_string("\\")));
    assert_false(json_unescape(&out, slice_from_string("\\x")));
    assert_false(json_unescape(&out, slice_from_string("\\u12")));
    assert_false(json_unescape(&out, slice_from_string("\\u12g4")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_text_stands_as_it_is, before, after),
        cmocka_unit_test_setup_teardown(control_characters_quotes_and_backslashes_are_escaped, before, after),
        cmocka_unit_test_setup_teardown(characters_beyond_the_basic_plane_become_two_escapes, before, after),
        cmocka_unit_test_setup_teardown(broken_sequences_are_replaced, before, after),
        cmocka_unit_test_setup_teardown(special_bytes_are_found_at_every_place, before, after),
        cmocka_unit_test_setup_teardown(long_texts_are_escaped_in_pieces, before, after),
        cmocka_unit_test_setup_teardown(escapes_are_taken_back, before, after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
