#include "check.h"

#include "wire/debezium/config.h"
#include "wire/debezium/name.h"

static struct properties properties;
static struct debezium_config *config;
static struct error error;
static char problems[4096];

static int before(void **state __attribute__((unused)))
{
    properties_init(&properties);
    properties_set(&properties, "topic.prefix", "p");
    problems[0] = 0;
    return 0;
}

static int after(void **state __attribute__((unused)))
{
    debezium_config_destroy(config);
    config = NULL;
    properties_finish(&properties);
    return 0;
}

static void note(void *context __attribute__((unused)), const char *property, const char *message)
{
    size_t used = strlen(problems);

    (void)snprintf(problems + used, sizeof(problems) - used, "%s: %s\n", property, message);
}

static enum status create(void)
{
    return debezium_config_create(&properties, note, NULL, &config, &error);
}

TEST(defaults_are_debeziums)
{
    assert_int_equal(create(), OK);
    assert_int_equal(config->decimal_mode, DECIMAL_PRECISE);
    assert_int_equal(config->time_mode, TIME_ADAPTIVE);
    assert_true(config->tombstones);
    assert_true(config->skip_truncate);
    assert_false(config->skip_update);
    assert_true(config->key_converter.schemas_enable);
    assert_true(config->value_converter.replace_null_with_default);
    assert_string_equal(config->transaction_topic, "p.transaction");
    assert_string_equal(config->message_topic, "p.message");
    assert_string_equal(config->heartbeat_topic, "__debezium-heartbeat.p");
    assert_true(slice_equal_string(config->placeholder, "__debezium_unavailable_value"));
}

static void check_problem(const char *key, const char *value, const char *expected)
{
    properties_set(&properties, key, value);
    problems[0] = 0;
    assert_int_equal(create(), ERROR_BAD_INPUT);
    assert_string_equal(problems, expected);
    properties_remove(&properties, key);
    properties_set(&properties, "topic.prefix", "p");
}

TEST(problems_are_told_in_debeziums_words)
{
    check_problem("topic.prefix", "bad prefix!",
                  "topic.prefix: The 'topic.prefix' value is invalid: bad prefix! has invalid format (only the underscore, hyphen, dot and "
                  "alphanumeric characters are allowed)\n");
    check_problem("topic.prefix", "", "topic.prefix: The 'topic.prefix' value is invalid: A value is required\n");
    check_problem("tombstones.on.delete", "maybe",
                  "tombstones.on.delete: The 'tombstones.on.delete' value is invalid: Either 'true' or 'false' is expected\n");
    check_problem("decimal.handling.mode", "rough",
                  "decimal.handling.mode: The 'decimal.handling.mode' value is invalid: Value must be one of string, double, precise\n");
    check_problem("skipped.operations", "c,x", "skipped.operations: The 'skipped.operations' value is invalid: Invalid operation\n");
    check_problem(
        "skipped.operations", "none,c",
        "skipped.operations: The 'skipped.operations' value is invalid: 'none' cannot be specified with other skipped operation types\n");
    check_problem("message.key.columns", "public.t",
                  "message.key.columns: The 'message.key.columns' value is invalid: public.t has an invalid format (expecting "
                  "'^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$')\n");
    check_problem("column.mask.hash.SHA-7.with.salt.x", "t.c",
                  "column.mask.hash.SHA-7.with.salt.x: The 'column.mask.hash.SHA-7.with.salt.x' value is invalid: there is no hash "
                  "algorithm SHA-7\n");
    check_problem(
        "unavailable.value.placeholder", "hex:abc",
        "unavailable.value.placeholder: The 'unavailable.value.placeholder' value is invalid: an even number of hexadecimal digits is "
        "expected behind 'hex:'\n");
}

TEST(two_lists_of_one_kind_are_refused)
{
    properties_set(&properties, "table.include.list", "public.a");
    check_problem("table.exclude.list", "public.b",
                  "table.exclude.list: The 'table.exclude.list' value is invalid: \"table.include.list\" is already specified\n");
    properties_remove(&properties, "table.include.list");
    properties_set(&properties, "message.prefix.include.list", "a");
    check_problem("message.prefix.exclude.list", "b",
                  "message.prefix.exclude.list: The 'message.prefix.exclude.list' value is invalid: "
                  "\"logical_decoding_message.prefix.include.list\" is already specified\n");
}

TEST(every_problem_is_told)
{
    properties_set(&properties, "time.precision.mode", "rough");
    properties_set(&properties, "include.unknown.datatypes", "yes");
    assert_int_equal(create(), ERROR_BAD_INPUT);
    assert_non_null(strstr(problems, "time.precision.mode"));
    assert_non_null(strstr(problems, "include.unknown.datatypes"));
    assert_non_null(strstr(error.message, "The 'time.precision.mode' value is invalid"));
}

TEST(tables_pass_the_lists_and_the_builtin_filter)
{
    properties_set(&properties, "schema.exclude.list", "hidden");
    properties_set(&properties, "table.include.list", "public\\.Orders.*,app.t");
    properties_set(&properties, "signal.data.collection", "ops.signals");
    assert_int_equal(create(), OK);
    assert_true(debezium_config_captures_table(config, "public", "orders_1"));
    assert_true(debezium_config_captures_table(config, "PUBLIC", "ORDERS"));
    assert_false(debezium_config_captures_table(config, "public", "my_orders"));
    assert_false(debezium_config_captures_table(config, "hidden", "orders"));
    assert_true(debezium_config_captures_table(config, "ops", "signals"));
    assert_int_equal(debezium_config_table_rank(config, "app", "t"), 1);
    assert_int_equal(debezium_config_table_rank(config, "public", "orders"), 0);
    assert_true(debezium_config_table_rank(config, "ops", "signals") == SIZE_MAX);
}

TEST(builtin_tables_are_left_out_unless_wanted)
{
    assert_int_equal(create(), OK);
    assert_false(debezium_config_captures_table(config, "pg_catalog", "pg_class"));
    assert_false(debezium_config_captures_table(config, "information_schema", "tables"));
    assert_false(debezium_config_captures_table(config, "pg_temp_3", "t"));
    assert_false(debezium_config_captures_table(config, "public", "spatial_ref_sys"));
    assert_true(debezium_config_captures_table(config, "public", "t"));
}

TEST(rules_for_columns_are_tried_in_debeziums_order)
{
    const struct debezium_column_rule *rule;

    properties_set(&properties, "column.mask.hash.v2.SHA-256.with.salt.pepper", "public.t.a");
    properties_set(&properties, "column.mask.with.5.chars", "public.t.a,public.t.b");
    properties_set(&properties, "column.truncate.to.3.chars", "public.t.b");
    properties_set(&properties, "datatype.propagate.source.type", ".*\\.date");
    assert_int_equal(create(), OK);
    rule = debezium_config_column_rule(config, "public", "t", "a", "text");
    assert_int_equal(rule->kind, COLUMN_MASK);
    assert_int_equal(rule->length, 5);
    rule = debezium_config_column_rule(config, "public", "t", "b", "text");
    assert_int_equal(rule->kind, COLUMN_TRUNCATE);
    rule = debezium_config_column_rule(config, "public", "t", "d", "date");
    assert_int_equal(rule->kind, COLUMN_PROPAGATE_DATATYPE);
    assert_null(debezium_config_column_rule(config, "public", "t", "c", "text"));
}

TEST(names_are_made_to_fit)
{
    struct arena arena;

    properties_set(&properties, "topic.delimiter", "-");
    assert_int_equal(create(), OK);
    arena_init(&arena, 1024);
    assert_string_equal(name_table_topic(&arena, config, "My Schema", "t\xc3\xa4-ble"), "p-My_Schema-t_-ble");
    assert_string_equal(name_sanitize_topic(&arena, "p.public.\xf0\x9f\x98\x80", false), "p.public.__");
    assert_string_equal(name_sanitize_topic(&arena, "a_b\xc3\xa9", true), "a_u005fb_u00e9");
    assert_string_equal(name_sanitize_topic(&arena, "..", false), "__");
    assert_string_equal(name_adjust_schema(&arena, NAME_AVRO, "1st.a-b"), "_1st.a_b");
    assert_string_equal(name_adjust_field(&arena, NAME_AVRO, "1st.a-b"), "_1st_a_b");
    assert_string_equal(name_adjust_field(&arena, NAME_AVRO_UNICODE, "1_\xcf\x89"), "_u0031_u005f_u3c9");
    assert_string_equal(name_adjust_field(&arena, NAME_NONE, "1st"), "1st");
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_debeziums, before, after),
        cmocka_unit_test_setup_teardown(problems_are_told_in_debeziums_words, before, after),
        cmocka_unit_test_setup_teardown(two_lists_of_one_kind_are_refused, before, after),
        cmocka_unit_test_setup_teardown(every_problem_is_told, before, after),
        cmocka_unit_test_setup_teardown(tables_pass_the_lists_and_the_builtin_filter, before, after),
        cmocka_unit_test_setup_teardown(builtin_tables_are_left_out_unless_wanted, before, after),
        cmocka_unit_test_setup_teardown(rules_for_columns_are_tried_in_debeziums_order, before, after),
        cmocka_unit_test_setup_teardown(names_are_made_to_fit, before, after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
