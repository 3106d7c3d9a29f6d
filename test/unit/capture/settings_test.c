#include "check.h"

#include "capture/capture.h"
#include "capture/settings.h"

#include "base/banned.h"

static struct properties config;

static int set_up(void **state)
{
    (void)state;
    properties_init(&config);
    properties_set(&config, "topic.prefix", "dbserver1");
    properties_set(&config, "database.hostname", "postgres");
    properties_set(&config, "database.user", "postgres");
    properties_set(&config, "database.dbname", "activity");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    properties_finish(&config);
    return 0;
}

static struct capture_settings *read_all(const struct properties *aliases)
{
    struct capture_settings *settings = NULL;
    struct error error;

    if (capture_settings_create("c", &config, aliases, &settings, &error) != OK)
        fail_msg("%s", error.message);
    return settings;
}

static void expect_refused(const char *key, const char *value, const char *message)
{
    struct capture_settings *settings = NULL;
    struct error error;

    properties_set(&config, key, value);
    assert_int_equal(capture_settings_create("c", &config, NULL, &settings, &error), ERROR_BAD_INPUT);
    assert_string_equal(error.message, message);
    properties_remove(&config, key);
}

TEST(defaults_are_those_of_debezium)
{
    struct capture_settings *settings = read_all(NULL);

    assert_int_equal(settings->port, 5432);
    assert_string_equal(settings->slot, "debezium");
    assert_string_equal(settings->publication, "dbz_publication");
    assert_int_equal(settings->publication_mode, PUBLICATION_ALL_TABLES);
    assert_int_equal(settings->snapshot_mode, MODE_INITIAL);
    assert_int_equal(settings->status_interval_ms, 10000);
    assert_null(settings->publish);
    assert_string_equal(settings->compression, "gzip");
    assert_string_equal(settings->ssl_mode, "prefer");
    assert_true(capture_settings_streams(settings));
    capture_settings_destroy(settings);
}

TEST(a_host_name_goes_where_its_alias_says)
{
    struct properties aliases;
    struct capture_settings *settings;

    properties_init(&aliases);
    properties_set(&aliases, "postgres", "/run/postgresql");
    settings = read_all(&aliases);
    assert_string_equal(settings->host, "postgres");
    assert_string_equal(settings->address, "/run/postgresql");
    assert_int_equal(settings->address_port, 5432);
    capture_settings_destroy(settings);
    properties_set(&aliases, "postgres", "/run/postgresql:6432");
    settings = read_all(&aliases);
    assert_string_equal(settings->address, "/run/postgresql");
    assert_int_equal(settings->port, 5432);
    assert_int_equal(settings->address_port, 6432);
    capture_settings_destroy(settings);
    properties_set(&aliases, "postgres:5432", "[::1]:7432");
    settings = read_all(&aliases);
    assert_string_equal(settings->address, "::1");
    assert_int_equal(settings->address_port, 7432);
    capture_settings_destroy(settings);
    properties_set(&aliases, "postgres:5432", "fe80::1:2");
    settings = read_all(&aliases);
    assert_string_equal(settings->address, "fe80::1:2");
    assert_int_equal(settings->address_port, 5432);
    capture_settings_destroy(settings);
    properties_finish(&aliases);
}

TEST(skipped_operations_are_not_published)
{
    struct capture_settings *settings;

    properties_set(&config, "skipped.operations", "u, t");
    settings = read_all(NULL);
    assert_string_equal(settings->publish, "insert,delete");
    capture_settings_destroy(settings);
    properties_set(&config, "skipped.operations", "none");
    settings = read_all(NULL);
    assert_null(settings->publish);
    capture_settings_destroy(settings);
}

TEST(enumerations_may_be_written_in_any_case)
{
    struct capture_settings *settings;

    properties_set(&config, "snapshot.mode", " Initial_Only ");
    properties_set(&config, "publication.autocreate.mode", "FILTERED");
    settings = read_all(NULL);
    assert_int_equal(settings->snapshot_mode, MODE_INITIAL_ONLY);
    assert_int_equal(settings->publication_mode, PUBLICATION_FILTERED);
    assert_false(capture_settings_streams(settings));
    capture_settings_destroy(settings);
}

TEST(problems_are_named_as_connect_names_them)
{
    expect_refused("slot.name", "Has-Dash",
                   "The 'slot.name' value is invalid: Valid replication slot name must contain only digits, lowercase "
                   "characters and underscores with length <= 63");
    expect_refused("status.update.interval.ms", "0",
                   "The 'status.update.interval.ms' value is invalid: A positive, non-zero integer value is expected");
    expect_refused("slot.max.retries", "many", "The 'slot.max.retries' value is invalid: An integer is expected");
    expect_refused("slot.drop.on.stop", "yes", "The 'slot.drop.on.stop' value is invalid: Either 'true' or 'false' is expected");
    expect_refused("plugin.name", "wal2json", "The 'plugin.name' value is invalid: Value must be one of decoderbufs, pgoutput");
    expect_refused("database.dbname", "", "The 'database.dbname' value is invalid: A value is required");
}

TEST(properties_are_known_or_not)
{
    assert_true(capture_property_is_known("slot.name"));
    assert_true(capture_property_is_known("transforms.unwrap.type"));
    assert_true(capture_property_is_known("column.mask.hash.SHA-256.with.salt.abc"));
    assert_false(capture_property_is_known("database.replication.slot.name"));
    assert_false(capture_property_is_known("table.whitelist"));
    assert_false(capture_property_is_known("transforms."));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(defaults_are_those_of_debezium),          T(a_host_name_goes_where_its_alias_says),    T(skipped_operations_are_not_published),
        T(enumerations_may_be_written_in_any_case), T(problems_are_named_as_connect_names_them), T(properties_are_known_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
