#include "wire/debezium/change.h"

#include "check.h"

#define ROW_FIELDS                                                                                                                  \
    "[{\"type\":\"int32\",\"optional\":false,\"default\":0,\"field\":\"id\"},{\"type\":\"int32\",\"optional\":true,\"field\":\"user_id\"}," \
    "{\"type\":\"bytes\",\"optional\":true,\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"," \
    "\"connect.decimal.precision\":\"10\"},\"field\":\"amount\"},{\"type\":\"string\",\"optional\":true,\"field\":\"merchant\"},"          \
    "{\"type\":\"int64\",\"optional\":true,\"name\":\"io.debezium.time.Timestamp\",\"version\":1,\"field\":\"at\"}]"
#define SCHEMA                                                                                                                       \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":" ROW_FIELDS ",\"optional\":true,\"name\":\"p.public.t.Value\","     \
    "\"field\":\"before\"},{\"type\":\"struct\",\"fields\":" ROW_FIELDS ",\"optional\":true,\"name\":\"p.public.t.Value\",\"field\":\"after\"}," \
    "{\"type\":\"string\",\"optional\":false,\"field\":\"op\"}],\"optional\":false,\"name\":\"p.public.t.Envelope\",\"version\":2}"
#define SOURCE                                                                                                                       \
    "{\"version\":\"3.6.1.Final\",\"ts_ms\":1795349063628,\"sequence\":\"[null,\\\"26537120\\\"]\",\"ts_us\":1795349063628447,"             \
    "\"schema\":\"public\",\"table\":\"t\",\"txId\":731,\"lsn\":26537120,\"xmin\":null}"
#define AFTER "{\"id\":4,\"user_id\":9157,\"amount\":\"Bf4w\",\"merchant\":\"Caf\\u00e9 \\\"X\\\"\",\"at\":1795349063628}"
#define ENVELOPE(before, after, op) "{\"before\":" before ",\"after\":" after ",\"source\":" SOURCE ",\"transaction\":null,\"op\":\"" op "\",\"ts_ms\":5}"
#define FULL(payload) "{\"schema\":" SCHEMA ",\"payload\":" payload "}"

static struct arena arena;
static struct change_decoder *decoder;
static struct error failure;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    decoder = change_decoder_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    change_decoder_destroy(decoder);
    arena_finish(&arena);
    return 0;
}

static struct change decoded(const char *text)
{
    struct change change;

    if (change_decode(decoder, slice_from_string(text), &arena, &change, &failure) != OK)
        fail_msg("%s", failure.message);
    return change;
}

static void assert_amount(const struct change *change, const struct change_value *row, const char *expected)
{
    const struct change_value *amount = change_column(change, row, "amount");
    char text[DECIMAL_TEXT_SIZE];

    assert_non_null(amount);
    assert_int_equal(amount->type, CHANGE_DECIMAL);
    decimal_print(&amount->decimal, text);
    assert_string_equal(text, expected);
}

TEST(a_full_envelope_gives_exact_values)
{
    for (int round = 0; round < 3; round++) { /* the second time the schema is known */
        struct change change = decoded(FULL(ENVELOPE("null", AFTER, "c")));

        assert_int_equal(change.operation, 'c');
        assert_null(change.before);
        assert_int_equal(change.schema->column_count, 5);
        assert_amount(&change, change.after, "3927.52");
        assert_int_equal(change_column(&change, change.after, "user_id")->integer, 9157);
        assert_true(slice_equal_string(change_column(&change, change.after, "merchant")->text, "Caf\xc3\xa9 \"X\""));
        assert_true(change_column(&change, change.after, "at")->integer == 1795349063628000);
        assert_int_equal(change_column(&change, change.after, "at")->type, CHANGE_TIMESTAMP);
        assert_true(change.source_time_us == 1795349063628447);
        assert_int_equal(change.lsn, 26537120);
        assert_int_equal(change.transaction_id, 731);
        assert_true(slice_equal_string(change.table, "t"));
        assert_null(change_column(&change, change.after, "nothing"));
    }
}

TEST(before_after_and_nulls_are_told_apart)
{
    struct change change = decoded(FULL(ENVELOPE("{\"id\":1,\"user_id\":null,\"amount\":\"AA==\",\"merchant\":\"\",\"at\":null}", "null", "d")));

    assert_int_equal(change.operation, 'd');
    assert_null(change.after);
    assert_true(change_column(&change, change.before, "user_id")->null);
    assert_amount(&change, change.before, "0.00");
    assert_false(change_column(&change, change.before, "merchant")->null);
}

TEST(messages_without_schema_use_the_scales_they_were_told)
{
    struct change change;

    change_decoder_set_scale(decoder, "amount", 2);
    change = decoded(ENVELOPE("null", AFTER, "c"));
    assert_amount(&change, change.after, "3927.52");
    assert_int_equal(change_column(&change, change.after, "id")->integer, 4);
    change = decoded(ENVELOPE("null", "{\"id\":5,\"extra\":true}", "u"));
    assert_int_equal(change_column(&change, change.after, "extra")->integer, 1);
    assert_true(change_column(&change, change.after, "amount")->null);
    assert_false(change_column(&change, change.after, "amount")->known);
}

TEST(unwrapped_rows_are_rows)
{
    struct change change = decoded("{\"id\":7,\"amount\":12.50}");

    assert_int_equal(change.operation, 0);
    assert_amount(&change, change.after, "12.50");
    change = decoded("{\"schema\":{\"type\":\"struct\",\"fields\":" ROW_FIELDS "},\"payload\":" AFTER "}");
    assert_int_equal(change.operation, 0);
    assert_amount(&change, change.after, "3927.52");
}

TEST(columns_in_another_order_are_found)
{
    struct change change = decoded(FULL(ENVELOPE("null", "{\"amount\":\"Bf4w\",\"id\":4,\"new\":[1,2]}", "c")));

    assert_amount(&change, change.after, "3927.52");
    assert_int_equal(change_column(&change, change.after, "id")->integer, 4);
}

TEST(foreign_records_are_refused_with_their_place)
{
    struct change change;
    static const char *const foreign[] = {"", "hello", "[1]", "42", "{\"schema\":null,\"payload\":null}", "{\"a\":}", "{\"a\":1", "{\"schema\":{},\"payload\":"};

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_int_equal(change_decode(decoder, slice_from_string(foreign[i]), &arena, &change, &failure), ERROR_BAD_INPUT);
    assert_int_equal(change_decode(decoder, slice_from_string("{\"a\":}"), &arena, &change, &failure), ERROR_BAD_INPUT);
    assert_string_equal(failure.message, "not a change event: expected a value at byte 5");
}

TEST(a_message_cut_anywhere_never_crashes)
{
    static const char text[] = FULL(ENVELOPE("null", AFTER, "c"));
    struct change change;

    for (int known = 0; known < 2; known++) {
        for (size_t size = 0; size < sizeof(text) - 1; size++) {
            uint8_t *copy = malloc(size + 1);

            memcpy(copy, text, size);
            (void)change_decode(decoder, slice_of(copy, size), &arena, &change, &failure);
            free(copy);
        }
        (void)decoded(text);
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_full_envelope_gives_exact_values),
        WITH(before_after_and_nulls_are_told_apart),
        WITH(messages_without_schema_use_the_scales_they_were_told),
        WITH(unwrapped_rows_are_rows),
        WITH(columns_in_another_order_are_found),
        WITH(foreign_records_are_refused_with_their_place),
        WITH(a_message_cut_anywhere_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
