#include "connect/bind.h"

#include "check.h"

#define AT(line, column)                                                                                                                   \
    "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: " #line ", column: " #column "]"
#define ENTITY "org.apache.kafka.connect.runtime.rest.entities."
#define REQUEST ENTITY "CreateConnectorRequest"
#define NAME " (through reference chain: " REQUEST "[\"name\"])"
#define CONFIG " (through reference chain: " REQUEST "[\"config\"])"
#define STATE " (through reference chain: " REQUEST "[\"initial_state\"])"
#define ANY_VALUE "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
#define START(line, column)                                                                                                                \
    "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: " #line ", column: " #column "]"

struct example {
    const char *body;
    const char *message; /* NULL: well */
};

/* What Kafka Connect 4.3.0 answered to these bodies. */
static const struct example creates[] = {
    {"{\"name\":\"x\",\"config\":{\"a\":\"1\"}}", NULL},
    {"", NULL},
    {"null", NULL},
    {"{\"name\":5}", NULL},
    {"{\"name\":\"x\\ud800\"}", NULL},
    {"\xef\xbb\xbf{}", NULL},
    {"{", "Unexpected end-of-input: expected close marker for Object (start marker at " START(1, 1) ")" AT(1, 2)},
    {"nonsense", "Unrecognized token 'nonsense': " ANY_VALUE AT(1, 1)},
    {"nul", "Unrecognized token 'nul': " ANY_VALUE AT(1, 1)},
    {"\xff", "Unrecognized token '\xc3\xbf': " ANY_VALUE AT(1, 1)},
    {"[]", "Cannot deserialize value of type `" REQUEST "` from Array value (token `JsonToken.START_ARRAY`)" AT(1, 1)},
    {"[1,2", "Cannot deserialize value of type `" REQUEST "` from Array value (token `JsonToken.START_ARRAY`)" AT(1, 1)},
    {"\"text\"",
     "Cannot construct instance of `" REQUEST
     "` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('text')" AT(
         1, 1)},
    {"true", "Cannot construct instance of `" REQUEST "` (although at least one Creator exists): no boolean/Boolean-argument "
             "constructor/factory method to deserialize from boolean value (true)" AT(1, 1)},
    {"5",
     "Cannot construct instance of `" REQUEST
     "` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (5)" AT(1,
                                                                                                                                        1)},
    {"1.5", "Cannot construct instance of `" REQUEST "` (although at least one Creator exists): no double/Double-argument "
            "constructor/factory method to deserialize from Number value (1.5)" AT(1, 1)},
    {"{\"name\":}", "Unexpected character ('}' (code 125)): expected a value" AT(1, 9)},
    {"{\"name\"}", "Unexpected character ('}' (code 125)): was expecting a colon to separate field name and value" AT(1, 8)},
    {"{\"name\":\"x\" \"config\"}", "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries" AT(1, 13)},
    {"{name:\"x\"}", "Unexpected character ('n' (code 110)): was expecting double-quote to start field name" AT(1, 2)},
    {"{'name':'x'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name" AT(1, 2)},
    {"{\"name\":\"x\",}", "Unexpected character ('}' (code 125)): was expecting double-quote to start field name" AT(1, 13)},
    {"{\"name\":\"x", "Unexpected end-of-input in VALUE_STRING" AT(1, 11) NAME},
    {"{\"name\":\"x\",\"config\":{\"a\":1",
     "Unexpected end-of-input: expected close marker for Object (start marker at " START(1, 22) ")" AT(1, 28) CONFIG},
    {"{\"a", "Unexpected end-of-input in field name" AT(1, 4)},
    {"{\"a\":", "Unexpected end-of-input within/between Object entries" AT(1, 6)},
    {"{\"name\":\"x\",\"config\":{\"a\":tru}}", "Unrecognized token 'tru': " ANY_VALUE AT(1, 27) CONFIG},
    {"{\"name\":\"x\",\"config\":{\"a\":01}}", "Invalid numeric value: Leading zeroes not allowed" AT(1, 28) CONFIG},
    {"{\"name\":\"x\",\"config\":{\"a\":-}}",
     "Unexpected character ('}' (code 125)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value" AT(1, 28)
         CONFIG},
    {"{\"name\":\"x\",\"config\":{\"a\":1.}}",
     "Unexpected character ('}' (code 125)) in numeric value: Decimal point not followed by a digit" AT(1, 29) CONFIG},
    {"{\"name\":\"x\",\"config\":{\"a\":\"\\x\"}}", "Unrecognized character escape 'x' (code 120)" AT(1, 29) CONFIG},
    {"{\"name\":\"x\",\"config\":{\"a\":\"\\u12\"}}",
     "Unexpected character ('\"' (code 34)): expected a hex-digit for character escape sequence" AT(1, 32) CONFIG},
    {"{\"name\":\"x\ny\"}",
     "Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string value" AT(1, 11) NAME},
    {"{\"name\":\"\xff\"}", "Invalid UTF-8 start byte 0xff" AT(1, 11) NAME},
    {"{\"name\":\"\xc3(\"}", "Invalid UTF-8 middle byte 0x28" AT(1, 12) NAME},
    {"{\"name\":[\"x\"]}",
     "Cannot deserialize value of type `java.lang.String` from Array value (token `JsonToken.START_ARRAY`)" AT(1, 9) NAME},
    {"{\"name\":{}}",
     "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)" AT(1, 9) NAME},
    {"{\"name\":\"x\",\"config\":5}",
     "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from Integer value (token "
     "`JsonToken.VALUE_NUMBER_INT`)" AT(1, 22) CONFIG},
    {"{\"name\":\"x\",\"config\":\"s\"}", "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): "
                                          "no String-argument constructor/factory method to "
                                          "deserialize from String value ('s')" AT(1, 22) CONFIG},
    {"{\"name\":\"x\",\"config\":true}", "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` "
                                         "from Boolean value (token `JsonToken.VALUE_TRUE`)" AT(1, 22) CONFIG},
    {"{\"name\":\"x\",\"config\":{\"a\":[1]}}",
     "Cannot deserialize value of type `java.lang.String` from Array value (token `JsonToken.START_ARRAY`)" AT(
         1, 27) " (through reference chain: " REQUEST "[\"config\"]->java.util.LinkedHashMap[\"a\"])"},
    {"{\"name\":\"x\",\"config\":{}} garbage", "Unrecognized token 'garbage': " ANY_VALUE AT(1, 26)},
    {"{\"name\":\"x\",\"config\":{}}{", "Trailing token (of type START_OBJECT) found after value (bound as `" REQUEST
                                        "`): not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`" AT(1, 25)},
    {"  \n {\"name\":\"x\",\n \"config\":[\"a\"]}",
     "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from Array value (token "
     "`JsonToken.START_ARRAY`)" AT(3, 11) CONFIG},
    {"{\"initial_state\":5}",
     "Cannot construct instance of `" REQUEST "$InitialState`, problem: No enum constant " REQUEST ".InitialState.5" AT(1, 18) STATE},
    {"{\"initial_state\":\"\"}",
     "Cannot construct instance of `" REQUEST "$InitialState`, problem: No enum constant " REQUEST ".InitialState." AT(1, 18) STATE},
    {"{\"initial_state\":{}}",
     "Cannot deserialize value of type `" REQUEST "$InitialState` from Object value (token `JsonToken.START_OBJECT`)" AT(1, 18) STATE},
    {"{\"Name\":\"x\"}", "Unrecognized field \"Name\" (class " REQUEST
                         "), not marked as ignorable (3 known properties: \"config\", \"name\", \"initial_state\")" AT(
                             1, 13) " (through reference chain: " REQUEST "[\"Name\"])"},
    {"{\"name\":\"x\",\"other\":{\"a\":[1,2,{}]}}",
     "Unrecognized field \"other\" (class " REQUEST
     "), not marked as ignorable (3 known properties: \"config\", \"name\", \"initial_state\")" AT(
         1, 36) " (through reference chain: " REQUEST "[\"other\"])"},
    {"{\"\xc3\xa9\":1}", "Unrecognized field \"\xc3\xa9\" (class " REQUEST
                         "), not marked as ignorable (3 known properties: \"config\", \"name\", \"initial_state\")" AT(
                             1, 9) " (through reference chain: " REQUEST "[\"\xc3\xa9\"])"},
    {"// c\n{}", "Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature "
                 "'ALLOW_COMMENTS' not enabled for "
                 "parser)" AT(1, 1)},
    {"{\"name\":NaN}", "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow" AT(1, 12)},
    {"{\"a\":\"\t\"}",
     "Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in string value" AT(1, 7)},
    {"{\"name\":\"x\"}}", "Unexpected close marker '}': no open Object to close" AT(1, 13)},
    {"]", "Unexpected close marker ']': no open Array to close" AT(1, 1)},
    {",", "Unexpected character (',' (code 44)): expected a value" AT(1, 1)},
    {":", "Unexpected character (':' (code 58)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or "
          "'false')" AT(1, 1)},
};

#define OFFSETS ENTITY "ConnectorOffsets"
#define OFFSET ENTITY "ConnectorOffset"
#define LIST " (through reference chain: " OFFSETS "[\"offsets\"]"

static const struct example offset_lists[] = {
    {"", NULL},
    {"{}", NULL},
    {"{\"offsets\":null}", NULL},
    {"{\"offsets\":[{\"partition\":{\"a\":[1,{\"b\":null}]},\"offset\":{\"x\":1.5}}]}", NULL},
    {"[]", "Cannot deserialize value of type `" OFFSETS "` from Array value (token `JsonToken.START_ARRAY`)" AT(1, 1)},
    {"{\"offsets\":5}", "Cannot deserialize value of type `java.util.ArrayList<" OFFSET
                        ">` from Integer value (token `JsonToken.VALUE_NUMBER_INT`)" AT(1, 12) LIST ")"},
    {"{\"offsets\":\"s\"}", "Cannot deserialize value of type `java.util.ArrayList<" OFFSET
                            ">` from String value (token `JsonToken.VALUE_STRING`)" AT(1, 12) LIST ")"},
    {"{\"offsets\":[5]}",
     "Cannot construct instance of `" OFFSET
     "` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (5)" AT(
         1, 13) LIST "->java.util.ArrayList[0])"},
    {"{\"offsets\":[[]]}", "Cannot deserialize value of type `" OFFSET "` from Array value (token `JsonToken.START_ARRAY`)" AT(1, 13) LIST
     "->java.util.ArrayList[0])"},
    {"{\"offsets\":[{\"partition\":5}]}",
     "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.Object>` from Integer value (token "
     "`JsonToken.VALUE_NUMBER_INT`)" AT(1, 26) LIST "->java.util.ArrayList[0]->" OFFSET "[\"partition\"])"},
    {"{\"offsets\":[{\"x\":1}]}",
     "Unrecognized field \"x\" (class " OFFSET "), not marked as ignorable (2 known properties: \"partition\", \"offset\")" AT(1, 20) LIST
     "->java.util.ArrayList[0]->" OFFSET "[\"x\"])"},
    {"{\"x\":1}", "Unrecognized field \"x\" (class " OFFSETS
                  "), not marked as ignorable (one known property: \"offsets\")" AT(1, 8) " (through reference chain: " OFFSETS "[\"x\"])"},
    {"{\"offsets\":[null]}", "Cannot invoke \"" OFFSET ".partition()\" because \"offset\" is null"},
    {"{\"offsets\":[{\"partition\":\"s\"}]}",
     "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): no String-argument "
     "constructor/factory method to "
     "deserialize from String value ('s')" AT(1, 26) LIST "->java.util.ArrayList[0]->" OFFSET "[\"partition\"])"},
};

static void message_is(const char *message, const struct example *example)
{
    if (example->message == NULL)
        assert_null(message);
    else
        assert_string_equal(message == NULL ? "(well)" : message, example->message);
}

TEST(bodies_that_are_not_a_connector_are_refused_in_jacksons_words)
{
    for (size_t i = 0; i < sizeof(creates) / sizeof(creates[0]); i++) {
        struct create_request request;
        struct arena arena;

        arena_init(&arena, 4096);
        message_is(bind_create(&arena, slice_from_string(creates[i].body), &request), &creates[i]);
        properties_finish(&request.config);
        arena_finish(&arena);
    }
}

TEST(bodies_that_are_not_offsets_are_refused_in_jacksons_words)
{
    for (size_t i = 0; i < sizeof(offset_lists) / sizeof(offset_lists[0]); i++) {
        struct offset_changes changes;
        struct arena arena;

        arena_init(&arena, 4096);
        message_is(bind_offsets(&arena, slice_from_string(offset_lists[i].body), &changes), &offset_lists[i]);
        arena_finish(&arena);
    }
}

TEST(numbers_and_booleans_keep_the_text_they_were_written_with)
{
    struct create_request request;
    struct arena arena;

    arena_init(&arena, 4096);
    assert_null(bind_create(
        &arena,
        slice_from_string("{\"name\":\"x\",\"config\":{\"a\":1.50,\"b\":true,\"c\":1e5,\"d\":12345678901234567890123,\"e\":null,"
                          "\"f\":\"\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude42\",\"a\":\"again\"},\"initial_state\":\"paused\"}"),
        &request));
    assert_string_equal(request.name, "x");
    assert_true(request.has_initial_state);
    assert_int_equal(request.initial_state, TARGET_PAUSED);
    assert_int_equal(request.config.count, 6);
    assert_string_equal(request.config.items[0].key, "a");
    assert_string_equal(properties_get(&request.config, "a"), "again");
    assert_string_equal(properties_get(&request.config, "b"), "true");
    assert_string_equal(properties_get(&request.config, "c"), "1e5");
    assert_string_equal(properties_get(&request.config, "d"), "12345678901234567890123");
    assert_true(properties_has(&request.config, "e"));
    assert_null(properties_get(&request.config, "e"));
    assert_string_equal(properties_get(&request.config, "f"), "/\b\f\n\r\tA\xf0\x9f\x99\x82");
    properties_finish(&request.config);
    arena_finish(&arena);
}

TEST(a_nul_character_is_refused)
{
    struct properties map;
    struct arena arena;
    bool present;

    arena_init(&arena, 4096);
    assert_non_null(bind_map(&arena, slice_from_string("{\"a\":\"b\\u0000c\"}"), &present, &map));
    properties_finish(&map);
    assert_non_null(bind_map(&arena, slice_from_string("{\"a\\u0000\":\"b\"}"), &present, &map));
    properties_finish(&map);
    arena_finish(&arena);
}

/* \xf6… is beyond Unicode, \xc0\x80 a form too long for NUL, \xed\xa0\x80 half a pair. */
TEST(bytes_that_are_no_characters_are_kept_as_question_marks)
{
    struct properties map;
    struct arena arena;
    bool present;

    arena_init(&arena, 4096);
    assert_null(bind_map(&arena, slice_from_string("{\"a\":\"\xf2\xb8\xb8\xb8|\xf6\xb8\xb8\xb8|\xc0\x80|\xed\xa0\x80\"}"), &present, &map));
    assert_string_equal(properties_get(&map, "a"), "\xf2\xb8\xb8\xb8|?|?|?");
    properties_finish(&map);
    arena_finish(&arena);
}

TEST(nesting_deeper_than_a_thousand_is_refused)
{
    char body[3000];
    struct properties map;
    struct arena arena;
    bool present;

    memset(body, '[', sizeof(body));
    arena_init(&arena, 4096);
    assert_non_null(bind_map(&arena, slice_of(body, sizeof(body)), &present, &map));
    properties_finish(&map);
    arena_finish(&arena);
}

TEST(every_beginning_of_a_body_is_read_without_a_crash)
{
    static const char body[] =
        "\xef\xbb\xbf "
        "{\"name\":\"x\\u0041\\ud83d\\ude42\xf0\x9f\x99\x82\",\n\"config\":{\"a\":-1.5e+7,\"b\":[true,false,null]},\"initial_state\":"
        "\"STOPPED\",\"offsets\":[{\"partition\":{\"server\":\"x\"},\"offset\":{\"lsn\":1}}]} x";

    for (size_t i = 0; i <= sizeof(body) - 1; i++) {
        struct create_request request;
        struct offset_changes changes;
        struct properties map;
        struct arena arena;
        bool present;
        char *copy = malloc(i == 0 ? 1 : i); /* exactly so long, so that reading past the end is seen */

        memcpy(copy, body, i);
        arena_init(&arena, 4096);
        (void)bind_create(&arena, slice_of(copy, i), &request);
        (void)bind_offsets(&arena, slice_of(copy, i), &changes);
        (void)bind_map(&arena, slice_of(copy, i), &present, &map);
        properties_finish(&request.config);
        properties_finish(&map);
        arena_finish(&arena);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_that_are_not_a_connector_are_refused_in_jacksons_words),
        cmocka_unit_test(bodies_that_are_not_offsets_are_refused_in_jacksons_words),
        cmocka_unit_test(numbers_and_booleans_keep_the_text_they_were_written_with),
        cmocka_unit_test(a_nul_character_is_refused),
        cmocka_unit_test(bytes_that_are_no_characters_are_kept_as_question_marks),
        cmocka_unit_test(nesting_deeper_than_a_thousand_is_refused),
        cmocka_unit_test(every_beginning_of_a_body_is_read_without_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
