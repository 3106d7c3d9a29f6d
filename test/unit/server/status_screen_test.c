#include "server/status_screen.h"

#include "check.h"

static char *rendered(const char *description, bool has_colors)
{
    json_t *parsed = json_loads(description, 0, NULL);
    struct buffer text;
    struct page page = {&text, has_colors};

    assert_non_null(parsed);
    buffer_init(&text, 1 << 16);
    status_screen_render(parsed, INT64_C(1795502680000), &page);
    buffer_append_u8(&text, 0);
    assert_false(text.failed);
    json_decref(parsed);
    return (char *)text.data;
}

TEST(a_healthy_program_fits_on_a_screen)
{
    char *text = rendered(
        "{\"version\":\"0.1.0\",\"pid\":12,\"started_ms\":1795502000000,\"data_dir\":\"/d\",\"ready\":true,\"problems\":[],"
        "\"process\":{\"resident_bytes\":15728640},\"broker\":{\"listeners\":[\"a:1\",\"b:2\"],\"connections\":3,\"groups\":2,\"members\":1},"
        "\"rest\":\"http://r:3\",\"console\":\"http://c:4\",\"postgres\":{\"host\":\"h\",\"port\":5,\"state\":\"running\",\"running\":true,\"pid\":6,\"restarts\":0},"
        "\"store\":{\"topics\":4,\"partitions\":1081,\"bytes\":1023,\"free_bytes\":1073741824,\"last_round_us\":130},"
        "\"connectors\":[{\"name\":\"shop\",\"state\":\"RUNNING\",\"behind_ms\":0,\"capture\":{\"state\":\"streaming\",\"rows\":1234567,\"source_time_us\":1795502650000000}},"
        "{\"name\":\"idle\",\"state\":\"PAUSED\",\"capture\":null}],"
        "\"slots\":[{\"slot\":\"s1\",\"connector\":\"shop\",\"active\":true,\"state\":\"ok\",\"wal_bytes\":1048576,\"full_at_ms\":null},"
        "{\"slot\":\"s2\",\"connector\":\"idle\",\"active\":true,\"state\":\"ok\",\"wal_bytes\":1024,\"full_at_ms\":1900000000000}],"
        "\"topics\":[{\"name\":\"t\",\"partitions\":1,\"records\":5,\"bytes\":10},{\"name\":\"big\",\"partitions\":3,\"records\":6000,\"bytes\":2048},"
        "{\"name\":\"__x\",\"internal\":true},{\"name\":\"connect-configs\",\"partitions\":1}],"
        "\"groups\":[{\"group\":\"g\",\"state\":\"warn\",\"word\":\"Falling behind\",\"members_count\":2,\"waiting\":1234,\"lag_ms\":45000}],"
        "\"agents\":[{\"name\":\"fraud\",\"state\":\"running\",\"topic\":\"t\",\"read\":10,\"lag\":2,\"alerts\":1}]}",
        false);

    assert_string_equal(text, "tailrace 0.1.0, process 12, since 2026-11-24 06:33:20Z (11 min), 15.0 MiB memory\n"
                              "data in /d\n"
                              "\n"
                              "Everything runs.\n"
                              "\n"
                              "service       where       state    facts\n"
                              "Kafka         a:1, b:2    running  3 connections, 2 groups, 1 member\n"
                              "Connect REST  http://r:3  running  2 connectors\n"
                              "Console       http://c:4  running  -\n"
                              "PostgreSQL    h:5         running  private, process 6, started again 0 times\n"
                              "Log           /d/log      running  4 topics, 1,081 partitions, 1023 B, 1.0 GiB free, last round 130 µs\n"
                              "\n"
                              "connector  state    doing           rows  behind  last commit ago\n"
                              "shop       RUNNING  streaming  1,234,567     0 s             30 s\n"
                              "idle       PAUSED   -                  0       -                -\n"
                              "\n"
                              "slot  connector  state  WAL kept  disk full in\n"
                              "s1    shop       read    1.0 MiB             -\n"
                              "s2    idle       read    1.0 KiB   over a year\n"
                              "\n"
                              "topic  partitions  records     size\n"
                              "big             3    6,000  2.0 KiB\n"
                              "t               1        5     10 B\n"
                              "\n"
                              "group  state           members  waiting   lag\n"
                              "g      Falling behind        2    1,234  45 s\n"
                              "\n"
                              "agent  state    topic  read  waiting  alerts\n"
                              "fraud  running  t        10        2       1\n");
    free(text);
}

TEST(what_is_wrong_comes_first_with_what_to_do)
{
    char *text = rendered("{\"ready\":true,\"problems\":[{\"severity\":\"crit\",\"since_ms\":1795502670000,\"what\":\"The log's disk cannot be written\",\"why\":\"disk full\","
                          "\"do\":\"Make space.\"},{\"severity\":\"warn\",\"what\":\"g is falling behind\",\"why\":\"slow\",\"do\":\"Look.\"}]}",
                          false);

    assert_non_null(strstr(text, "\n\nPROBLEM  The log's disk cannot be written (for 10 s)\n   why:  disk full\n    do:  Make space.\n"
                                 "WATCH    g is falling behind\n   why:  slow\n    do:  Look.\n\n"));
    assert_null(strstr(text, "Everything runs"));
    free(text);
}

TEST(long_lists_are_cut_and_the_largest_stay)
{
    struct buffer description;
    char *text;

    buffer_init(&description, 1 << 16);
    buffer_append_string(&description, "{\"ready\":true,\"topics\":[");
    for (int i = 0; i < 25; i++)
        buffer_append_format(&description, "%s{\"name\":\"topic%d\",\"partitions\":1,\"records\":1,\"bytes\":%d}", i == 0 ? "" : ",", i, i);
    buffer_append_string(&description, "]}");
    buffer_append_u8(&description, 0);
    text = rendered((const char *)description.data, false);
    assert_non_null(strstr(text, "topic24 "));
    assert_non_null(strstr(text, "topic15 "));
    assert_null(strstr(text, "topic14 "));
    assert_non_null(strstr(text, "… and 15 more: tailrace topics\n"));
    free(text);
    buffer_finish(&description);
}

TEST(nonsense_is_shown_as_nothing)
{
    free(rendered("{}", true));
    free(rendered("{\"problems\":7,\"connectors\":[1,null,{}],\"groups\":{\"a\":1},\"slots\":[{\"full_at_ms\":\"x\"}]}", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_program_fits_on_a_screen),
        cmocka_unit_test(what_is_wrong_comes_first_with_what_to_do),
        cmocka_unit_test(long_lists_are_cut_and_the_largest_stay),
        cmocka_unit_test(nonsense_is_shown_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
