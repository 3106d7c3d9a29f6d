#include "server/status_screen.h"

#include "check.h"

static void shows(const char *description, const char *expected)
{
    json_t *parsed = json_loads(description, 0, NULL);
    struct buffer text;

    assert_non_null(parsed);
    buffer_init(&text, 1 << 16);
    status_screen_render(parsed, INT64_C(1795502680000), &text);
    buffer_append_u8(&text, 0);
    assert_string_equal((char *)text.data, expected);
    buffer_finish(&text);
    json_decref(parsed);
}

TEST(a_healthy_program_fits_on_a_screen)
{
    shows("{\"version\":\"0.1.0\",\"pid\":12,\"started_ms\":1795502000000,\"data_dir\":\"/d\",\"ready\":true,\"problems\":[],"
          "\"process\":{\"resident_bytes\":15728640},\"broker\":{\"listeners\":[\"a:1\",\"b:2\"],\"connections\":3,\"groups\":2,"
          "\"members\":1},"
          "\"rest\":\"http://r:3\",\"console\":\"http://c:4\",\"postgres\":{\"host\":\"h\",\"port\":5,\"state\":\"running\",\"pid\":6,"
          "\"restarts\":0},\"store\":{\"topics\":4,\"partitions\":1081,\"bytes\":1023,\"free_bytes\":1073741824,\"last_round_us\":130},"
          "\"connectors\":[{\"name\":\"shop\",\"state\":\"RUNNING\",\"capture\":{\"state\":\"streaming\",\"rows\":1234567,"
          "\"source_time_us\":1795502650000000}},{\"name\":\"idle\",\"state\":\"PAUSED\",\"capture\":null}],\"agents\":[]}",
          "tailrace 0.1.0, process 12, since 2026-11-24 06:33:20Z (11 min), 15.0 MiB memory\n"
          "data in /d\n"
          "\n"
          "Everything runs.\n"
          "\n"
          "Kafka protocol  a:1, b:2   (3 connections, 2 groups, 1 members)\n"
          "Connect REST    http://r:3\n"
          "Console         http://c:4\n"
          "PostgreSQL      h:5   (private, running, process 6, started again 0 times)\n"
          "Log             4 topics, 1,081 partitions, 1023 B (1.0 GiB free), last round 130 µs\n"
          "\n"
          "connector                            state      doing                rows  last commit\n"
          "shop                                 RUNNING    streaming       1,234,567  30 s ago\n"
          "idle                                 PAUSED     -                       0  -\n");
}

TEST(what_is_wrong_comes_first_with_what_to_do)
{
    json_t *parsed = json_loads(
        "{\"ready\":true,\"problems\":[{\"what\":\"the log cannot be written\",\"why\":\"disk full\",\"do\":\"make space\"}]}", 0, NULL);
    struct buffer text;

    buffer_init(&text, 1 << 16);
    status_screen_render(parsed, 0, &text);
    buffer_append_u8(&text, 0);
    assert_non_null(strstr((char *)text.data, "PROBLEM  the log cannot be written\n   why:  disk full\n    do:  make space\n"));
    assert_null(strstr((char *)text.data, "Everything runs"));
    buffer_finish(&text);
    json_decref(parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_program_fits_on_a_screen),
        cmocka_unit_test(what_is_wrong_comes_first_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
