#include "wire/json/scan.h"

#include "check.h"

TEST(values_are_skipped_whole)
{
    struct json_scan in = json_scan_of(slice_from_string(" {\"a\":[1,{\"b\":\"}\\\"]\"}],\"c\":null} , -1.5e3 true"));

    assert_int_equal(json_peek(&in), JSON_OBJECT);
    assert_true(slice_equal_string(json_skip(&in), "{\"a\":[1,{\"b\":\"}\\\"]\"}],\"c\":null}"));
    in.at += 2;
    assert_true(slice_equal_string(json_skip(&in), "-1.5e3"));
    assert_true(slice_equal_string(json_skip(&in), "true"));
    assert_int_equal(json_peek(&in), JSON_NONE);
    (void)json_skip(&in);
    assert_string_equal(in.failed, "a value");
}

TEST(cut_off_texts_fail_at_every_byte)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"x\\\"y\"}],\"c\":false}";

    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        char *copy = malloc(size + 1);
        struct json_scan in = json_scan_of(slice_of(memcpy(copy, text, size), size));

        (void)json_skip(&in);
        assert_non_null(in.failed);
        free(copy);
    }
}

TEST(deep_nesting_is_refused)
{
    char text[400];
    struct json_scan in;

    memset(text, '[', 200);
    memset(text + 200, ']', 200);
    in = json_scan_of(slice_of(text, sizeof(text)));
    (void)json_skip(&in);
    assert_string_equal(in.failed, "fewer nested values");
}

TEST(escapes_become_utf8)
{
    struct arena arena;
    struct json_scan in;

    arena_init(&arena, 256);
    in = json_scan_of(slice_from_string("\"a\\n\\u00e9\\ud83d\\ude00\\ud83dx\\/\\\"\""));
    assert_true(slice_equal_string(json_text_read(&in, &arena), "a\n\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx/\""));
    in = json_scan_of(slice_from_string("\"\\u12\""));
    (void)json_text_read(&in, &arena);
    assert_string_equal(in.failed, "an escape of JSON");
    arena_finish(&arena);
}

TEST(members_are_found_by_name)
{
    struct arena arena;
    struct slice object = slice_from_string("{\"x\": {\"y\": 1}, \"name\": \"va\\tlue\", \"n\": -7}");

    arena_init(&arena, 256);
    assert_true(slice_equal_string(json_scan_member(object, "x"), "{\"y\": 1}"));
    assert_true(slice_equal_string(json_member_text(object, "name", &arena), "va\tlue"));
    assert_true(slice_is_null(json_member_text(object, "n", &arena)));
    assert_int_equal(json_member_integer(object, "n", 0), -7);
    assert_int_equal(json_member_integer(object, "missing", 5), 5);
    assert_true(slice_is_null(json_scan_member(slice_from_string("[1]"), "x")));
    arena_finish(&arena);
}

TEST(elements_are_found_by_place)
{
    struct slice array = slice_from_string("[3, -7 ,\"x\"]");

    assert_int_equal(json_element_integer(array, 0, -1), 3);
    assert_int_equal(json_element_integer(array, 1, -1), -7);
    assert_int_equal(json_element_integer(array, 2, -1), -1);
    assert_int_equal(json_element_integer(array, 3, -1), -1);
    assert_int_equal(json_element_integer(slice_from_string("{}"), 0, -1), -1);
    assert_int_equal(json_element_integer(slice_null(), 0, -1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_skipped_whole),
        cmocka_unit_test(cut_off_texts_fail_at_every_byte),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(members_are_found_by_name),
        cmocka_unit_test(elements_are_found_by_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
