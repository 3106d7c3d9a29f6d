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

/* What the envelope says, whatever the decoder has read before. */
static void assert_read_as_alone(const char *text)
{
    struct change_decoder *fresh = change_decoder_create();
    struct change expected, change;
    enum status status = change_decode(fresh, slice_from_string(text), &arena, &expected, NULL);

    assert_int_equal(change_decode(decoder, slice_from_string(text), &arena, &change, NULL), status);
    if (status == OK) {
        assert_int_equal(change.operation, expected.operation);
        assert_int_equal(change.source_time_us, expected.source_time_us);
        assert_int_equal(change.lsn, expected.lsn);
        assert_int_equal(change.transaction_id, expected.transaction_id);
        assert_true(slice_equal(change.table, expected.table));
        assert_true(slice_equal(change.table_schema, expected.table_schema));
        assert_int_equal(change.before == NULL, expected.before == NULL);
        assert_int_equal(change.after == NULL, expected.after == NULL);
        for (size_t i = 0; change.after != NULL && i < change.schema->column_count; i++) {
            assert_int_equal(change.after[i].null, expected.after[i].null);
            assert_int_equal(change.after[i].integer, expected.after[i].integer);
            assert_true(slice_equal(change.after[i].text, expected.after[i].text));
        }
    }
    change_decoder_destroy(fresh);
}

TEST(messages_of_another_shape_than_the_last_are_read_right)
{
    static const char *const texts[] = {
        FULL(ENVELOPE("null", AFTER, "c")),
        FULL(ENVELOPE(AFTER, AFTER, "u")),
        FULL(ENVELOPE(AFTER, "null", "d")),
        FULL("{\"before\":null,\"after\":" AFTER ",\"source\":{\"version\":\"3.6.1.Final\",\"ts_ms\":7,\"sequence\":null,\"schema\":\"s\",\"table\":\"other\","
             "\"txId\":null,\"lsn\":-4,\"xmin\":12},\"transaction\":{\"id\":\"1\",\"total_order\":1},\"op\":\"r\",\"ts_ms\":5}"),
        FULL("{\"op\":\"c\",\"source\":{\"lsn\":5,\"ts_us\":9},\"after\":" AFTER "}"),
        FULL("{ \"op\" : \"c\" , \"source\" : { \"lsn\" : 5 } , \"after\" : " AFTER " }"),
        FULL("{\"after\":" AFTER ",\"source\":null,\"op\":\"c\"}"),
        FULL("{\"after\":" AFTER ",\"source\":null,\"op\":\"c\",}"),
        FULL("{\"after\":" AFTER ",\"source\":{\"lsn\":\"5\",\"ts_us\":true},\"op\":7}"),
        FULL("{}"),
        ENVELOPE("null", AFTER, "c"),
    };
    size_t count = sizeof(texts) / sizeof(texts[0]);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            for (int times = 0; times < 2; times++)
                assert_read_as_alone(texts[i]);
            assert_read_as_alone(texts[j]);
        }
    }
}

TEST(an_envelope_with_more_than_a_shape_holds_is_read)
{
    char text[8192] = "{\"before\":null,\"after\":" AFTER ",\"op\":\"c\"";

    for (int i = 0; i < 40; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",\"more%d\":%d,\"text%d\":\"%040d\"", i, i, i, i);
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",\"source\":{\"lsn\":77}}");
    assert_read_as_alone(text);
    assert_int_equal(decoded(text).lsn, 77);
    assert_int_equal(decoded(text).lsn, 77);
}

static int64_t seen_user;
static int seen_times, seen_rows;

static void seen(void *context, const struct change_value *value, struct arena *in)
{
    (void)context;
    (void)in;
    if (value == NULL) {
        seen_rows++;
        return;
    }
    seen_user = value->integer;
    seen_times++;
}

TEST(the_watched_column_is_told_while_the_message_is_read)
{
    change_decoder_watch(decoder, "user_id", seen, NULL);
    for (int known = 0; known < 2; known++) {
        (void)decoded(FULL(ENVELOPE("null", AFTER, "c")));
        assert_int_equal(seen_user, 9157);
    }
    assert_int_equal(seen_times, 2);
    (void)decoded("{\"user_id\":3}");
    assert_int_equal(seen_user, 3);
    assert_int_equal(seen_times, 3);
    assert_int_equal(seen_rows, 3);
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
        WITH(messages_of_another_shape_than_the_last_are_read_right),
        WITH(an_envelope_with_more_than_a_shape_holds_is_read),
        WITH(the_watched_column_is_told_while_the_message_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
