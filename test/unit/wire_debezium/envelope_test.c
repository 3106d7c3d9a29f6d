#include "check.h"

#include "wire/debezium/envelope.h"

static struct properties properties;
static struct debezium_config *config;
static struct debezium_encoder *encoder;
static struct debezium_plan *plan;
static struct debezium_output output;
static struct error error;

static const struct pg_type int4 = {.oid = 23, .schema = "pg_catalog", .name = "int4", .kind = 'b', .category = 'N', .modifier = -1};
static const struct pg_type varchar = {
    .oid = 1043, .schema = "pg_catalog", .name = "varchar", .kind = 'b', .category = 'S', .modifier = -1};

static struct pg_column columns[] = {
    {.name = "id",
     .type = &int4,
     .modifier = -1,
     .in_replica_identity = true,
     .not_null = true,
     .default_sql = "nextval('activity_id_seq'::regclass)",
     .key_position = 1},
    {.name = "name", .type = &varchar, .modifier = -1, .not_null = true},
    {.name = "email", .type = &varchar, .modifier = -1},
};
static const struct pg_relation activity = {16384, "public", "activity", 'd', 3, columns};

static struct debezium_source source;

static void start(void)
{
    assert_int_equal(debezium_config_create(&properties, NULL, NULL, &config, &error), OK);
    encoder = debezium_encoder_create(config, "0193d2c6-0000-7000-8000-000000000000");
    assert_int_equal(debezium_plan_create(encoder, &activity, READER_STREAM, &plan, &error), OK);
}

static int before(void **state __attribute__((unused)))
{
    properties_init(&properties);
    properties_set(&properties, "topic.prefix", "dbserver1");
    properties_set(&properties, "database.dbname", "gt");
    source = (struct debezium_source){
        .snapshot = SNAPSHOT_FALSE, .time_ns = INT64_C(1795349063628447000), .lsn = 26537120, .last_commit_lsn = 0, .xid = 731, .xmin = -1};
    return 0;
}

static int after(void **state __attribute__((unused)))
{
    debezium_plan_destroy(plan);
    debezium_encoder_destroy(encoder);
    debezium_config_destroy(config);
    properties_finish(&properties);
    plan = NULL;
    encoder = NULL;
    config = NULL;
    return 0;
}

/* Texts of a row; NULL is null, "?" an unchanged value that was not sent. */
struct test_row {
    struct pg_value values[3];
    struct pg_row row;
};

static const struct pg_row *row_of(struct test_row *row, const char *id, const char *name, const char *email)
{
    const char *texts[] = {id, name, email};

    for (size_t i = 0; i < 3; i++) {
        row->values[i].kind = texts[i] == NULL ? PG_VALUE_NULL : strcmp(texts[i], "?") == 0 ? PG_VALUE_UNCHANGED : PG_VALUE_TEXT;
        row->values[i].text = slice_from_string(texts[i]);
    }
    row->row = (struct pg_row){3, row->values};
    return &row->row;
}

static enum status encode(enum debezium_operation operation, const struct pg_row *old, const struct pg_row *new)
{
    struct debezium_event event = {operation, old, new, &source, INT64_C(1795349063908587666)};

    return debezium_encode(encoder, plan, &event, &output, &error);
}

static const char *value_text(size_t record)
{
    static char text[16384];
    const struct debezium_record *r = &output.records[record];

    assert_true(record < output.count);
    assert_true(r->value_head.size + r->value_body.size < sizeof(text));
    memcpy(text, r->value_head.data, r->value_head.size);
    memcpy(text + r->value_head.size, r->value_body.data, r->value_body.size);
    text[r->value_head.size + r->value_body.size] = 0;
    return text;
}

static const char *key_text(size_t record)
{
    static char text[4096];

    memcpy(text, output.records[record].key.data, output.records[record].key.size);
    text[output.records[record].key.size] = 0;
    return text;
}

static void check_payload(size_t record, const char *expected)
{
    const char *payload = strstr(value_text(record), ",\"payload\":");
    size_t size = strlen(expected);

    assert_non_null(payload);
    payload += strlen(",\"payload\":");
    if (strncmp(payload, expected, size) != 0)
        assert_string_equal(payload, expected);
}

#define ROW_SCHEMA                                                                                                                         \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"default\":0,\"field\":\"id\"},"                             \
    "{\"type\":\"string\",\"optional\":false,\"field\":\"name\"},{\"type\":\"string\",\"optional\":true,\"field\":\"email\"}],"            \
    "\"optional\":true,\"name\":\"dbserver1.public.activity.Value\",\"field\":"

TEST(an_insert_has_debeziums_bytes)
{
    struct test_row new;

    start();
    assert_int_equal(encode(OPERATION_CREATE, NULL, row_of(&new, "4", "Eve", "e@x.io")), OK);
    assert_int_equal(output.count, 1);
    assert_string_equal(output.records[0].topic, "dbserver1.public.activity");
    assert_int_equal(output.records[0].partition, -1);
    assert_string_equal(
        key_text(0), "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"default\":0,\"field\":\"id\"}],"
                     "\"optional\":false,\"name\":\"dbserver1.public.activity.Key\"},\"payload\":{\"id\":4}}");
    assert_string_equal(
        value_text(0),
        "{\"schema\":{\"type\":\"struct\",\"fields\":[" ROW_SCHEMA "\"before\"}," ROW_SCHEMA "\"after\"},"
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"version\"},"
        "{\"type\":\"string\",\"optional\":false,\"field\":\"connector\"},{\"type\":\"string\",\"optional\":false,\"field\":\"name\"},"
        "{\"type\":\"int64\",\"optional\":false,\"field\":\"ts_ms\"},{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data."
        "Enum\","
        "\"version\":1,\"parameters\":{\"allowed\":\"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental\"},"
        "\"default\":\"false\",\"field\":\"snapshot\"},{\"type\":\"string\",\"optional\":false,\"field\":\"db\"},"
        "{\"type\":\"string\",\"optional\":true,\"field\":\"sequence\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_us\"},"
        "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ns\"},{\"type\":\"string\",\"optional\":false,\"field\":\"schema\"},"
        "{\"type\":\"string\",\"optional\":false,\"field\":\"table\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"txId\"},"
        "{\"type\":\"int64\",\"optional\":true,\"field\":\"lsn\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"xmin\"},"
        "{\"type\":\"string\",\"optional\":true,\"field\":\"origin\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"origin_lsn\"}],"
        "\"optional\":false,\"name\":\"io.debezium.connector.postgresql.Source\",\"version\":1,\"field\":\"source\"},"
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":false,\"field\":\"id\"},"
        "{\"type\":\"int64\",\"optional\":false,\"field\":\"total_order\"},{\"type\":\"int64\",\"optional\":false,\"field\":"
        "\"data_collection_order\"}],\"optional\":true,\"name\":\"event.block\",\"version\":1,\"field\":\"transaction\"},"
        "{\"type\":\"string\",\"optional\":false,\"field\":\"op\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ms\"},"
        "{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_us\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ns\"}],"
        "\"optional\":false,\"name\":\"dbserver1.public.activity.Envelope\",\"version\":2},\"payload\":{\"before\":null,"
        "\"after\":{\"id\":4,\"name\":\"Eve\",\"email\":\"e@x.io\"},\"source\":{\"version\":\"3.6.1.Final\",\"connector\":\"postgresql\","
        "\"name\":\"dbserver1\",\"ts_ms\":1795349063628,\"snapshot\":\"false\",\"db\":\"gt\",\"sequence\":\"[null,\\\"26537120\\\"]\","
        "\"ts_us\":1795349063628447,\"ts_ns\":1795349063628447000,\"schema\":\"public\",\"table\":\"activity\",\"txId\":731,\"lsn\":"
        "26537120,"
        "\"xmin\":null,\"origin\":null,\"origin_lsn\":null},\"transaction\":null,\"op\":\"c\",\"ts_ms\":1795349063908,"
        "\"ts_us\":1795349063908587,\"ts_ns\":1795349063908587666}}");
}

TEST(the_source_follows_every_change_of_its_parts)
{
    struct test_row new;

    start();
    row_of(&new, "1", "x", NULL);
    assert_int_equal(encode(OPERATION_CREATE, NULL, &new.row), OK);
    source.lsn = 26537304;
    source.last_commit_lsn = 26537300;
    source.xmin = 700;
    source.origin = "else\"where";
    source.origin_lsn = 5;
    assert_int_equal(encode(OPERATION_CREATE, NULL, &new.row), OK);
    assert_non_null(strstr(value_text(0), "\"sequence\":\"[\\\"26537300\\\",\\\"26537304\\\"]\",\"ts_us\""));
    assert_non_null(strstr(value_text(0), "\"lsn\":26537304,\"xmin\":700,\"origin\":\"else\\\"where\",\"origin_lsn\":5},"));
    source.lsn = 9;
    source.origin = NULL;
    source.origin_lsn = 0;
    source.xid = -1;
    source.snapshot = SNAPSHOT_LAST_IN_DATA_COLLECTION;
    assert_int_equal(encode(OPERATION_READ, NULL, &new.row), OK);
    assert_non_null(
        strstr(value_text(0), "\"snapshot\":\"last_in_data_collection\",\"db\":\"gt\",\"sequence\":\"[\\\"26537300\\\",\\\"9\\\"]\""));
    assert_non_null(strstr(value_text(0), "\"txId\":null,\"lsn\":9,\"xmin\":700,\"origin\":null,\"origin_lsn\":null}"));
    source.lsn = 0;
    assert_int_equal(encode(OPERATION_READ, NULL, &new.row), OK);
    assert_non_null(strstr(value_text(0), "\"sequence\":\"[\\\"26537300\\\",null]\""));
    assert_non_null(strstr(value_text(0), "\"lsn\":null,\"xmin\""));
}

TEST(a_delete_brings_stand_ins_and_a_tombstone)
{
    struct test_row old;

    start();
    assert_int_equal(encode(OPERATION_DELETE, row_of(&old, "10", NULL, NULL), NULL), OK);
    assert_int_equal(output.count, 2);
    check_payload(0, "{\"before\":{\"id\":10,\"name\":\"\",\"email\":null},\"after\":null,\"source\":");
    assert_non_null(strstr(value_text(0), "\"op\":\"d\""));
    assert_true(slice_equal(output.records[0].key, output.records[1].key));
    assert_true(slice_is_null(output.records[1].value_head));
    assert_true(slice_is_null(output.records[1].value_body));
}

TEST(a_changed_key_becomes_delete_tombstone_and_create)
{
    struct test_row old, new;

    start();
    assert_int_equal(encode(OPERATION_UPDATE, row_of(&old, "10", NULL, NULL), row_of(&new, "11", "x", NULL)), OK);
    assert_int_equal(output.count, 3);
    check_payload(0, "{\"before\":{\"id\":10,\"name\":\"\",\"email\":null},\"after\":null");
    check_payload(2, "{\"before\":null,\"after\":{\"id\":11,\"name\":\"x\",\"email\":null},");
    assert_non_null(memmem(output.records[0].headers.data, output.records[0].headers.size, "__debezium.newkey\x12{\"id\":11}", 27));
    assert_true(slice_equal(output.records[0].headers, output.records[1].headers));
    assert_non_null(memmem(output.records[2].headers.data, output.records[2].headers.size, "__debezium.oldkey\x12{\"id\":10}", 27));
    assert_int_equal(output.records[2].headers.data[0], 10); /* five headers, zigzag */

    assert_int_equal(encode(OPERATION_UPDATE, row_of(&old, "10", "a", NULL), row_of(&new, "10", "b", NULL)), OK);
    assert_int_equal(output.count, 1);
    check_payload(0, "{\"before\":{\"id\":10,\"name\":\"a\",\"email\":null},\"after\":{\"id\":10,\"name\":\"b\",\"email\":null},");
}

TEST(a_long_key_is_read_back_for_its_header)
{
    struct test_row old, new;
    char before_text[5001], after_text[5001];

    memset(before_text, '"', sizeof(before_text));
    memset(after_text, 'b', sizeof(after_text));
    before_text[5000] = after_text[5000] = 0;
    properties_set(&properties, "message.key.columns", "public.activity:name");
    start();
    assert_int_equal(encode(OPERATION_UPDATE, row_of(&old, "1", before_text, NULL), row_of(&new, "1", after_text, NULL)), OK);
    assert_int_equal(output.count, 3);
    assert_non_null(memmem(output.records[0].headers.data, output.records[0].headers.size, "{\"name\":\"bbbb", 13));
    assert_non_null(memmem(output.records[2].headers.data, output.records[2].headers.size, "{\"name\":\"\\\"\\\"", 13));
}

TEST(unchanged_values_come_from_the_old_row_or_a_placeholder)
{
    struct test_row old, new;

    start();
    assert_int_equal(encode(OPERATION_UPDATE, NULL, row_of(&new, "1", "?", "?")), OK);
    check_payload(
        0, "{\"before\":null,\"after\":{\"id\":1,\"name\":\"__debezium_unavailable_value\",\"email\":\"__debezium_unavailable_value\"},");
    assert_int_equal(encode(OPERATION_UPDATE, row_of(&old, "1", "known", NULL), row_of(&new, "1", "?", "?")), OK);
    check_payload(0, "{\"before\":{\"id\":1,\"name\":\"known\",\"email\":null},\"after\":{\"id\":1,\"name\":\"known\","
                     "\"email\":\"__debezium_unavailable_value\"},");
}

TEST(skipped_operations_make_no_record)
{
    struct test_row old, new;

    properties_set(&properties, "skipped.operations", "c, u,d,t");
    start();
    row_of(&old, "1", "a", NULL);
    row_of(&new, "2", "a", NULL);
    assert_int_equal(encode(OPERATION_CREATE, NULL, &new.row), OK);
    assert_int_equal(output.count, 0);
    assert_int_equal(encode(OPERATION_UPDATE, &old.row, &new.row), OK);
    assert_int_equal(output.count, 0);
    assert_int_equal(encode(OPERATION_DELETE, &old.row, NULL), OK);
    assert_int_equal(output.count, 0);
    assert_int_equal(encode(OPERATION_TRUNCATE, NULL, NULL), OK);
    assert_int_equal(output.count, 0);
    assert_int_equal(encode(OPERATION_READ, NULL, &new.row), OK);
    assert_int_equal(output.count, 1);
}

TEST(rows_that_do_not_fit_their_table_are_refused)
{
    struct test_row new;

    start();
    row_of(&new, "1", "a", NULL);
    new.row.count = 2;
    assert_int_equal(encode(OPERATION_CREATE, NULL, &new.row), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "table public.activity: a row has 2 columns, the table 3");
    assert_int_equal(encode(OPERATION_UPDATE, NULL, NULL), ERROR_BAD_INPUT);
}

TEST(values_that_are_no_numbers_are_counted_and_named)
{
    struct debezium_failures failures;
    struct test_row new;

    start();
    assert_int_equal(encode(OPERATION_CREATE, NULL, row_of(&new, "one", "a", NULL)), OK); /* the default steps in, in key and row */
    failures = debezium_encoder_take_failures(encoder);
    assert_int_equal(failures.count, 2);
    assert_string_equal(failures.schema, "public");
    assert_string_equal(failures.table, "activity");
    assert_string_equal(failures.column, "id");
    check_payload(0, "{\"before\":null,\"after\":{\"id\":0,");
    assert_int_equal(debezium_encoder_take_failures(encoder).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_insert_has_debeziums_bytes, before, after),
        cmocka_unit_test_setup_teardown(the_source_follows_every_change_of_its_parts, before, after),
        cmocka_unit_test_setup_teardown(a_delete_brings_stand_ins_and_a_tombstone, before, after),
        cmocka_unit_test_setup_teardown(a_changed_key_becomes_delete_tombstone_and_create, before, after),
        cmocka_unit_test_setup_teardown(a_long_key_is_read_back_for_its_header, before, after),
        cmocka_unit_test_setup_teardown(unchanged_values_come_from_the_old_row_or_a_placeholder, before, after),
        cmocka_unit_test_setup_teardown(skipped_operations_make_no_record, before, after),
        cmocka_unit_test_setup_teardown(rows_that_do_not_fit_their_table_are_refused, before, after),
        cmocka_unit_test_setup_teardown(values_that_are_no_numbers_are_counted_and_named, before, after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
