#include "server/settings.h"

#include "check.h"

#include <unistd.h>

static struct settings settings;
static struct error error;
static char path[] = "/tmp/tailrace-settings-XXXXXX";

static enum status load(const char *text, const char *assignment)
{
    struct settings_source source = {text == NULL ? NULL : path, &assignment, assignment == NULL ? 0 : 1};

    if (text != NULL) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fputs(text, file) >= 0, 1);
        assert_int_equal(fclose(file), 0);
    }
    return settings_load(&settings, &source, &error);
}

static void refused(const char *text, const char *assignment, const char *expected)
{
    char message[1200];

    assert_int_equal(load(text, assignment), ERROR_BAD_INPUT);
    (void)snprintf(message, sizeof(message), "%s%s", text == NULL ? "" : path, expected);
    assert_string_equal(error.message, message);
}

TEST(defaults_are_kafkas)
{
    assert_int_equal(load(NULL, NULL), OK);
    assert_int_equal(settings.segment_bytes, 1 << 30);
    assert_int_equal(settings.message_max_bytes, 1048588);
    assert_string_equal(settings.listeners, "127.0.0.1:9092,127.0.0.1:9094");
    assert_true(settings.auto_create_topics_enable);
    assert_int_equal(settings.retention_hours, 168);
    assert_int_equal(settings.retention_ms, SETTING_NOT_SET);
    assert_string_equal(properties_get(&settings.values, "log.segment.bytes"), "1073741824");
    settings_finish(&settings);
}

TEST(set_wins_over_the_file_and_the_file_over_defaults)
{
    assert_int_equal(load("num.partitions=3\nlog.segment.bytes = 2097152\n", "num.partitions=5"), OK);
    assert_int_equal(settings.num_partitions, 5);
    assert_int_equal(settings.segment_bytes, 2097152);
    settings_finish(&settings);
}

TEST(what_is_wrong_is_named_with_its_place)
{
    refused("a comment=1\n", NULL, " line 1: there is no setting \"a\"; \"tailrace settings\" lists all");
    refused("# first\nlog.segmnt.bytes=1\n", NULL,
            " line 2: there is no setting \"log.segmnt.bytes\"; did you mean \"log.segment.bytes\"?");
    refused("rest.port=99999\n", NULL, " line 1: rest.port=99999 is out of range: 0 to 65535");
    refused("\n\nlog.segment.bytes=1g\n", NULL, " line 3: log.segment.bytes=1g is not a whole number");
    refused(NULL, "log.segment.bytes=1", "--set: log.segment.bytes=1 is out of range: 1048576 to 2147483647 bytes");
    refused(NULL, "log.flush.acks=yes", "--set: log.flush.acks=yes is neither true nor false");
    refused(NULL, "logger.level=loud", "--set: logger.level=loud is none of: debug,info,warning,error");
    refused(NULL, "logger.level.store=loud", "--set: logger.level.store=loud is none of: debug,info,warning,error");
    refused(NULL, "log.cleanup.policy=shred", "--set: log.cleanup.policy=shred: only delete and compact are possible");
    refused(NULL, "host.aliases=postgres", "--set: host.aliases: \"postgres\" is not of the form name=address");
    refused(NULL, "rest.port", "--set: \"rest.port\" is not of the form key=value");
}

TEST(a_missing_file_is_named)
{
    struct settings_source source = {"/nonexistent/server.properties", NULL, 0};

    assert_int_equal(settings_load(&settings, &source, &error), ERROR_DISK);
    assert_string_equal(error.message, "settings file /nonexistent/server.properties: No such file or directory");
}

TEST(prefixed_and_ignored_settings_are_accepted)
{
    assert_int_equal(load("zookeeper.connect=localhost:2181\nproducer.compression.type=lz4\n", "host.aliases=postgres=/run/pg, kafka=::1"),
                     OK);
    assert_string_equal(properties_get(&settings.values, "producer.compression.type"), "lz4");
    assert_null(properties_get(&settings.values, "zookeeper.connect"));
    assert_string_equal(properties_get(&settings.aliases, "postgres"), "/run/pg");
    assert_string_equal(properties_get(&settings.aliases, "kafka"), "::1");
    settings_finish(&settings);
}

TEST(printed_settings_read_back)
{
    struct buffer first, second;

    buffer_init(&first, 1 << 20);
    buffer_init(&second, 1 << 20);
    assert_int_equal(load("data.dir=/a b\\\\c\nlog.retention.ms=-1\nproducer.linger.ms=3\nlogger.level.store=debug\n", "rest.port=0"), OK);
    settings_print(&settings, &first);
    settings_finish(&settings);
    buffer_append_u8(&first, 0);
    assert_int_equal(load((const char *)first.data, NULL), OK);
    assert_string_equal(settings.data_dir, "/a b\\c");
    assert_int_equal(settings.rest_port, 0);
    settings_print(&settings, &second);
    buffer_append_u8(&second, 0);
    assert_string_equal((char *)first.data, (char *)second.data);
    settings_finish(&settings);
    buffer_finish(&first);
    buffer_finish(&second);
}

static int make_path(void **state)
{
    int file = mkstemp(path);

    (void)state;
    return file < 0 ? -1 : close(file);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_kafkas),
        cmocka_unit_test(set_wins_over_the_file_and_the_file_over_defaults),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(prefixed_and_ignored_settings_are_accepted),
        cmocka_unit_test(printed_settings_read_back),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
