#include "connect/validate.h"

#include "check.h"
#include "fake_capture.h"

static const char good[] = "connector.class=io.debezium.connector.postgresql.PostgresConnector\ntasks.max=1\ndatabase.hostname=127.0.0.1\n"
                           "database.port=5432\ndatabase.user=postgres\ndatabase.password=postgrespw\ndatabase.dbname=activity\n"
                           "slot.name=activityslot\ntopic.prefix=dbserver1\nplugin.name=pgoutput\nname=x";

/* "name=value\n…" put over what is there. */
static void lines_set(struct properties *config, const char *lines)
{
    while (*lines != '\0') {
        const char *end = strchrnul(lines, '\n');
        const char *equals = memchr(lines, '=', (size_t)(end - lines));
        char key[128], value[512];

        (void)snprintf(key, sizeof(key), "%.*s", (int)(equals - lines), lines);
        (void)snprintf(value, sizeof(value), "%.*s", (int)(end - equals - 1), equals + 1);
        properties_set(config, key, value);
        lines = *end == '\0' ? end : end + 1;
    }
}

/* Says where it is not so, and goes on: one run shows all rows that differ. */
static int wrong;
static void errors_are(const struct properties *config, const char *expected)
{
    struct validate_request request = {.config = config};
    struct validation *validation;
    const char *refusal;
    struct arena arena;
    char *found = calloc(1, 65536);
    size_t size = 0;
    int count = 0;

    arena_init(&arena, 65536);
    validation = validation_create(&arena, &request, &refusal);
    assert_non_null(validation);
    for (size_t i = 0; i < validation->count; i++) {
        for (const struct validation_error *error = validation->rows[i].errors; error != NULL; error = error->next, count++)
            size +=
                (size_t)snprintf(found + size, 65536 - size, "%s%s: %s", size > 0 ? "\n" : "", validation->rows[i].place.name, error->text);
    }
    if (strcmp(found, expected) != 0) {
        print_error("expected: %s\nfound: %s\n", expected, found);
        wrong++;
    }
    assert_int_equal(validation->error_count, count);
    free(found);
    arena_finish(&arena);
}

TEST(one_wrong_setting_gives_the_errors_of_debezium)
{
    static const struct {
        const char *name, *value, *errors;
    } rows[] = {
#define V(name, value, errors) {name, value, errors},
#include "validate_errors.def"
#undef V
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct properties config;

        properties_init(&config);
        lines_set(&config, good);
        properties_set(&config, rows[i].name, rows[i].value);
        errors_are(&config, rows[i].errors);
        properties_finish(&config);
    }
    assert_int_equal(wrong, 0);
}

TEST(settings_that_go_together_give_the_errors_of_connect)
{
    static const struct {
        const char *lines, *errors;
    } rows[] = {
#define W(lines, errors) {lines, errors},
#include "validate_pairs.def"
#undef W
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct properties config;

        properties_init(&config);
        lines_set(&config, good);
        lines_set(&config, rows[i].lines);
        errors_are(&config, rows[i].errors);
        properties_finish(&config);
    }
    assert_int_equal(wrong, 0);
}

TEST(the_database_is_tried_only_when_all_else_is_well)
{
    struct properties config;

    properties_init(&config);
    lines_set(&config, good);
    fake_capture_check_with("Error while validating connector config: FATAL: database \"activity\" does not exist");
    errors_are(&config, "database.hostname: Error while validating connector config: FATAL: database \"activity\" does not exist");
    properties_set(&config, "slot.name", "Bad");
    errors_are(
        &config,
        "slot.name: The 'slot.name' value is invalid: Valid replication slot name must contain only digits, lowercase characters and "
        "underscores with length <= 63");
    fake_capture_check_with(NULL);
    properties_finish(&config);
    assert_int_equal(wrong, 0);
}

TEST(a_configuration_without_a_known_class_is_refused)
{
    struct properties config;
    struct validate_request request = {.config = &config};
    const char *refusal;
    struct arena arena;

    arena_init(&arena, 65536);
    properties_init(&config);
    properties_set(&config, "x", "1");
    properties_set(&config, "name", "a\"b");
    properties_set(&config, "y", NULL);
    assert_null(validation_create(&arena, &request, &refusal));
    assert_string_equal(refusal, "Connector config {x=1, name=a\"b, y=null} contains no connector type");
    properties_set(&config, "connector.class", "no.such.Class");
    assert_null(validation_create(&arena, &request, &refusal));
    assert_memory_equal(refusal, "Failed to find any class that implements Connector and which name matches no.such.Class, available", 95);
    properties_finish(&config);
    arena_finish(&arena);
}

TEST(the_message_of_a_refused_configuration_lists_every_error)
{
    struct properties config;
    struct validate_request request = {.config = &config};
    struct validation *validation;
    const char *refusal;
    struct arena arena;
    struct buffer text;

    arena_init(&arena, 65536);
    properties_init(&config);
    lines_set(&config, "connector.class=FileStreamSource\ntasks.max=0\nkey.converter=no.such.Class\nname=x");
    validation = validation_create(&arena, &request, &refusal);
    buffer_init(&text, 65536);
    validation_message_write(&text, validation);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)text.data,
                        "Connector configuration is invalid and contains the following 3 error(s):\n"
                        "Invalid value 0 for configuration tasks.max: Value must be at least 1\n"
                        "Invalid value no.such.Class for configuration key.converter: Class no.such.Class could not be found.\n"
                        "Missing required configuration \"topic\" which has no default value.\n"
                        "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`");
    buffer_finish(&text);
    properties_finish(&config);
    arena_finish(&arena);
}

TEST(unknown_settings_are_told_from_known_ones)
{
    struct properties config;

    properties_init(&config);
    properties_set(&config, "transforms", "route, unwrap");
    assert_true(config_property_is_known(&config, "tasks.max"));
    assert_true(config_property_is_known(&config, "producer.override.linger.ms"));
    assert_true(config_property_is_known(&config, "value.converter.schemas.enable"));
    assert_false(config_property_is_known(&config, "database.replication.slot.name"));
    assert_string_equal(config_property_nearest("database.replication.slot.name"), "slot.name");
    assert_string_equal(config_property_nearest("tabel.include.list"), "table.include.list");
    assert_null(config_property_nearest("completely.different"));
    assert_true(config_property_is_secret("database.password"));
    assert_true(config_property_is_secret("producer.override.sasl.jaas.config"));
    assert_false(config_property_is_secret("database.user"));
    properties_finish(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_wrong_setting_gives_the_errors_of_debezium),
        cmocka_unit_test(settings_that_go_together_give_the_errors_of_connect),
        cmocka_unit_test(the_database_is_tried_only_when_all_else_is_well),
        cmocka_unit_test(a_configuration_without_a_known_class_is_refused),
        cmocka_unit_test(the_message_of_a_refused_configuration_lists_every_error),
        cmocka_unit_test(unknown_settings_are_told_from_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
