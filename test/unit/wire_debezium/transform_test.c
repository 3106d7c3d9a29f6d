#include "check.h"

#include "wire/debezium/envelope.h"

static struct properties properties;
static struct debezium_config *config;
static struct debezium_encoder *encoder;
static struct debezium_plan *plan;
static struct debezium_output output;
static struct error error;

static const struct pg_type int4 = {.oid = 23, .schema = "pg_catalog", .name = "int4", .kind = 'b', .category = 'N', .modifier = -1};
static const struct pg_type float8 = {.oid = 701, .schema = "pg_catalog", .name = "float8", .kind = 'b', .category = 'N', .modifier = -1};
static const struct pg_type boolean = {.oid = 16, .schema = "pg_catalog", .name = "bool", .kind = 'b', .category = 'B', .modifier = -1};
static const struct pg_type text = {.oid = 25, .schema = "pg_catalog", .name = "text", .kind = 'b', .category = 'S', .modifier = -1};

static struct pg_column columns[] = {
    {.name = "id", .type = &int4, .modifier = -1, .in_replica_identity = true, .not_null = true, .key_position = 1},
    {.name = "name", .type = &text, .modifier = -1, .default_sql = "'none'::text"},
    {.name = "size", .type = &float8, .modifier = -1},
    {.name = "good", .type = &boolean, .modifier = -1},
};
static const struct pg_relation things = {16384, "public", "things", 'f', 4, columns};

static int before(void **state __attribute__((unused)))
{
    properties_init(&properties);
    properties_set(&properties, "topic.prefix", "p");
    properties_set(&properties, "database.dbname", "d");
    return 0;
}

static void stop(void)
{
    debezium_plan_destroy(plan);
    debezium_encoder_destroy(encoder);
    debezium_config_destroy(config);
    plan = NULL;
    encoder = NULL;
    config = NULL;
}

static int after(void **state __attribute__((unused)))
{
    stop();
    properties_finish(&properties);
    return 0;
}

/* "type=~Cast$Value spec=a:string": the options of one transformation; ~ stands for the package of Kafka's. */
static void set_transform(const char *name, const char *options)
{
    char copy[512], property[128], value[256], *rest = copy, *option;

    (void)snprintf(copy, sizeof(copy), "%s", options);
    while ((option = strsep(&rest, " ")) != NULL) {
        const char *given = strchr(option, '=') + 1;
        bool is_kafkas = *given == '~';

        (void)snprintf(property, sizeof(property), "transforms.%s.%.*s", name, (int)(given - option - 1), option);
        (void)snprintf(value, sizeof(value), "%s%s", is_kafkas ? "org.apache.kafka.connect.transforms." : "", given + is_kafkas);
        properties_set(&properties, property, value);
    }
}

static void start_with(const char *first, const char *second)
{
    stop();
    if (first != NULL)
        set_transform("a", first);
    if (second != NULL)
        set_transform("b", second);
    properties_set(&properties, "transforms", second == NULL ? "a" : "a, b");
    if (debezium_config_create(&properties, NULL, NULL, &config, &error) != OK)
        fail_msg("%s", error.message);
    encoder = debezium_encoder_create(config, "0193d2c6-0000-7000-8000-000000000000");
    assert_int_equal(debezium_plan_create(encoder, &things, READER_STREAM, &plan, &error), OK);
}

#define UNWRAP "type=io.debezium.transforms.ExtractNewRecordState"

static enum status encode(enum debezium_operation operation, const char *id, const char *name, const char *size, const char *good)
{
    static const struct debezium_source source = {.time_ns = 1000000, .lsn = 2, .xid = 3, .xmin = -1};
    const char *texts[] = {id, name, size, good};
    struct pg_value values[4];
    struct pg_row row = {4, values};
    struct debezium_event event = {operation, NULL, &row, &source, 4000000};

    for (size_t i = 0; i < 4; i++)
        values[i] = (struct pg_value){texts[i] == NULL ? PG_VALUE_NULL : PG_VALUE_TEXT, slice_from_string(texts[i])};
    if (operation == OPERATION_DELETE) {
        event.old = &row;
        event.new = NULL;
    }
    return debezium_encode(encoder, plan, &event, &output, &error);
}

static const char *value_text(size_t record)
{
    static char joined[16384];
    const struct debezium_record *r = &output.records[record];

    assert_true(record < output.count);
    assert_true(r->value_head.size + r->value_body.size < sizeof(joined));
    (void)snprintf(joined, sizeof(joined), "%.*s%.*s", (int)r->value_head.size, (const char *)r->value_head.data, (int)r->value_body.size,
                   (const char *)r->value_body.data);
    return joined;
}

static void check_value(const char *expected)
{
    const char *payload = strstr(value_text(0), ",\"payload\":");

    assert_non_null(payload);
    assert_string_equal(payload + strlen(",\"payload\":"), expected);
}

static void check_key(const char *expected)
{
    assert_true(slice_equal_string(output.records[0].key, expected));
}

/* Casts one column of the row that is given, or says why not. */
static void check_cast(const char *spec, const char *name, const char *size, const char *good, const char *expected)
{
    char options[128];

    (void)snprintf(options, sizeof(options), "type=~Cast$Value spec=%s", spec);
    start_with(UNWRAP, options);
    if (encode(OPERATION_CREATE, "300", name, size, good) == OK)
        check_value(expected);
    else
        assert_non_null(strstr(error.message, expected));
}

TEST(cast_converts_as_java_does)
{
    check_cast("id:int8,size:int32", "x", "3e9", "t", "{\"id\":44,\"name\":\"x\",\"size\":2147483647,\"good\":true}}");
    check_cast("size:int64,good:int16", "x", "-2.9", "t", "{\"id\":300,\"name\":\"x\",\"size\":-2,\"good\":1}}");
    check_cast("size:int32,good:float64", "x", "NaN", "f", "{\"id\":300,\"name\":\"x\",\"size\":0,\"good\":0.0}}");
    check_cast("size:string,good:string", "x", "1e21", "t", "{\"id\":300,\"name\":\"x\",\"size\":\"1.0E21\",\"good\":\"true\"}}");
    check_cast("id:float32,size:float32", "x", "0.1", NULL, "{\"id\":300.0,\"name\":\"x\",\"size\":0.1,\"good\":null}}");
    check_cast("id:boolean,size:boolean", "x", "0", NULL, "{\"id\":true,\"name\":\"x\",\"size\":false,\"good\":null}}");
}

TEST(cast_reads_texts)
{
    check_cast("name:int32", "17", NULL, NULL, "{\"id\":300,\"name\":17,\"size\":null,\"good\":null}}");
    check_cast("name:float64", "1.5", NULL, NULL, "{\"id\":300,\"name\":1.5,\"size\":null,\"good\":null}}");
    check_cast("name:boolean", "TRUE", NULL, NULL, "{\"id\":300,\"name\":true,\"size\":null,\"good\":null}}");
    check_cast("name:boolean", "1", NULL, NULL, "{\"id\":300,\"name\":false,\"size\":null,\"good\":null}}");
    check_cast("name:int8", "300", NULL, NULL, "Value was out of range for requested data type");
    check_cast("name:int32", "x", NULL, NULL, "Value was out of range for requested data type");
}

TEST(fields_are_inserted_replaced_and_masked)
{
    start_with(UNWRAP,
               "type=~InsertField$Value topic.field=topic! partition.field=at timestamp.field=when static.field=site static.value=x\"y");
    assert_int_equal(encode(OPERATION_CREATE, "1", "n", NULL, NULL), OK);
    check_value("{\"id\":1,\"name\":\"n\",\"size\":null,\"good\":null,\"topic\":\"p.public.things\",\"at\":null,\"when\":null,\"site\":"
                "\"x\\\"y\"}}");
    assert_non_null(strstr(value_text(0),
                           "{\"type\":\"string\",\"optional\":false,\"field\":\"topic\"},{\"type\":\"int32\",\"optional\":true,"
                           "\"field\":\"at\"},{\"type\":\"int64\",\"optional\":true,\"name\":\"org.apache.kafka.connect.data."
                           "Timestamp\",\"version\":1,\"field\":\"when\"}"));
    start_with(UNWRAP, "type=~ReplaceField$Value include=id,name renames=id:number");
    assert_int_equal(encode(OPERATION_CREATE, "1", "n", "2", "t"), OK);
    check_value("{\"number\":1,\"name\":\"n\"}}");
    start_with(UNWRAP, "type=~MaskField$Value fields=id,name,size,good");
    assert_int_equal(encode(OPERATION_CREATE, "1", "n", "2", "t"), OK);
    check_value("{\"id\":0,\"name\":\"\",\"size\":0.0,\"good\":false}}");
    set_transform("b", "replacement=***");
    start_with(UNWRAP, "type=~MaskField$Value fields=name");
    assert_int_equal(encode(OPERATION_CREATE, "1", "n", "2", "t"), OK);
    check_value("{\"id\":1,\"name\":\"***\",\"size\":2.0,\"good\":true}}");
    start_with(UNWRAP, "type=~MaskField$Value fields=good");
    assert_int_equal(encode(OPERATION_CREATE, "1", "n", "2", "t"), ERROR_BAD_INPUT);
}

TEST(defaults_stand_in_for_null_where_the_options_say_so)
{
    start_with(UNWRAP, NULL);
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    check_value("{\"id\":1,\"name\":\"none\",\"size\":null,\"good\":null}}");
    properties_set(&properties, "value.converter.replace.null.with.default", "false");
    start_with(UNWRAP, NULL);
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    check_value("{\"id\":1,\"name\":null,\"size\":null,\"good\":null}}");
    start_with(UNWRAP, "type=~ValueToKey fields=name");
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    check_key(
        "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":true,\"default\":\"none\",\"field\":\"name\"}],"
        "\"optional\":false},\"payload\":{\"name\":\"none\"}}");
}

TEST(keys_are_taken_from_values_and_wrapped)
{
    start_with("type=~ExtractField$Key field=id", "type=~HoistField$Key field=k");
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    check_key("{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"k\"}],\"optional\":false},"
              "\"payload\":{\"k\":1}}");
    start_with("type=~SetSchemaMetadata$Key schema.name=n schema.version=7", NULL);
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    check_key("{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"id\"}],\"optional\":false,"
              "\"name\":\"n\",\"version\":7},\"payload\":{\"id\":1}}");
    start_with("type=~ValueToKey fields=nothing", NULL);
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), ERROR_BAD_INPUT);
    assert_string_equal(error.message, "transformation a, record of topic p.public.things: Field does not exist: nothing");
}

TEST(predicates_choose_records)
{
    properties_set(&properties, "predicates", "gone,marked,mine");
    properties_set(&properties, "predicates.gone.type", "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone");
    properties_set(&properties, "predicates.marked.type", "org.apache.kafka.connect.transforms.predicates.HasHeaderKey");
    properties_set(&properties, "predicates.marked.name", "mark");
    properties_set(&properties, "predicates.mine.type", "org.apache.kafka.connect.transforms.predicates.TopicNameMatches");
    properties_set(&properties, "predicates.mine.pattern", "p\\.PUBLIC.*");
    start_with("type=~Filter predicate=gone", NULL);
    assert_int_equal(encode(OPERATION_DELETE, "1", NULL, NULL, NULL), OK);
    assert_int_equal(output.count, 1);
    assert_true(output.records[0].value_body.size > 0);
    start_with("type=~Filter predicate=gone negate=true", NULL);
    assert_int_equal(encode(OPERATION_DELETE, "1", NULL, NULL, NULL), OK);
    assert_int_equal(output.count, 1);
    assert_int_equal(output.records[0].value_body.size, 0);
    start_with("type=~InsertHeader header=mark value.literal=1 predicate=gone negate=false", "type=~Filter predicate=marked");
    assert_int_equal(encode(OPERATION_DELETE, "1", NULL, NULL, NULL), OK);
    assert_int_equal(output.count, 1);
    start_with("type=~Filter predicate=mine", NULL); /* case counts */
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    assert_int_equal(output.count, 1);
}

TEST(headers_come_and_go)
{
    start_with("type=~InsertHeader header=mark value.literal=true", "type=~DropHeaders headers=__debezium.context.task,other");
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    assert_memory_equal(output.records[0].headers.data + output.records[0].headers.size - 10, "\x08mark\x08true", 10);
}

static void check_route(const char *regex, const char *replacement, const char *topic)
{
    char options[256];

    (void)snprintf(options, sizeof(options), "type=~RegexRouter regex=%s replacement=%s", regex, replacement);
    start_with(options, NULL);
    assert_int_equal(encode(OPERATION_CREATE, "1", NULL, NULL, NULL), OK);
    assert_string_equal(output.records[0].topic, topic);
}

TEST(topics_are_replaced_as_java_replaces)
{
    check_route("p\\.(.*)\\.(.*)", "$2-of-$1", "things-of-public");
    check_route("p\\.(.*)\\.(.*)", "$10", "public0");
    check_route("p\\.(?<schema>.*)\\.(.*)", "${schema}", "public");
    check_route(".*", "a\\$1", "a$1");
    check_route("public", "x", "p.public.things"); /* not all of it */
    check_route("p.*?", "x", "x.public.things");   /* all of it matches, the first match is replaced */
}

static void check_refused(const char *options, const char *message)
{
    properties_set(&properties, "transforms", "a");
    set_transform("a", options);
    assert_int_equal(debezium_config_create(&properties, NULL, NULL, &config, &error), ERROR_BAD_INPUT);
    assert_non_null(strstr(error.message, message));
    properties_finish(&properties);
    (void)before(NULL);
}

TEST(bad_options_are_refused)
{
    check_refused("type=com.example.Mine", "there is no transformation class com.example.Mine");
    check_refused("type=~Cast spec=a:int8", "there is no transformation class org.apache.kafka.connect.transforms.Cast");
    check_refused("type=~Cast$Value spec=a:int128", "Invalid type found in casting spec: int128");
    check_refused("type=~Cast$Value spec=int8,a:int8", "may only specify a single cast");
    check_refused("type=~MaskField$Value", "Missing required configuration \"fields\"");
    check_refused("type=~InsertField$Value", "No field insertion configured");
    check_refused("type=~InsertField$Value static.field=a", "No value specified for static field: a");
    check_refused("type=~ReplaceField$Value renames=a:b:c", "Invalid rename mapping: a:b:c");
    check_refused("type=~RegexRouter regex=( replacement=x", "regular expression '('");
    check_refused("type=~Filter predicate=none", "there is no predicate 'none'");
    check_refused("type=~SetSchemaMetadata$Key", "Neither schema name nor version configured");
    check_refused(UNWRAP " delete.tombstone.handling.mode=what", "delete.tombstone.handling.mode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cast_converts_as_java_does, before, after),
        cmocka_unit_test_setup_teardown(cast_reads_texts, before, after),
        cmocka_unit_test_setup_teardown(fields_are_inserted_replaced_and_masked, before, after),
        cmocka_unit_test_setup_teardown(defaults_stand_in_for_null_where_the_options_say_so, before, after),
        cmocka_unit_test_setup_teardown(keys_are_taken_from_values_and_wrapped, before, after),
        cmocka_unit_test_setup_teardown(predicates_choose_records, before, after),
        cmocka_unit_test_setup_teardown(headers_come_and_go, before, after),
        cmocka_unit_test_setup_teardown(topics_are_replaced_as_java_replaces, before, after),
        cmocka_unit_test_setup_teardown(bad_options_are_refused, before, after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
