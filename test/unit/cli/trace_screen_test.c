#include "cli/trace_screen.h"

#include "check.h"

static struct buffer text;

static int setup(void **state)
{
    (void)state;
    buffer_init(&text, 100000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_finish(&text);
    return 0;
}

static const char *asked(const char *first, const char *second)
{
    const char *operands[] = {first, second};
    struct error error;

    buffer_finish(&text);
    if (trace_question(operands, second == NULL ? 1 : 2, 0, &text, &error) != OK)
        return "refused";
    return (const char *)text.data;
}

TEST(what_was_typed_is_told_apart)
{
    assert_string_equal(asked("public.items", "id=4 2"), "/trace?table=public.items&key=id%3D4%202");
    assert_string_equal(asked("2A/91f3c0e8", NULL), "/trace?lsn=2A%2F91f3c0e8");
    assert_string_equal(asked("xid:735", NULL), "/trace?xid=735");
    assert_string_equal(asked("xid 735", NULL), "/trace?xid=735");
    assert_string_equal(asked("a.b.c:2:32100611", NULL), "/trace?topic=a.b.c&p=2&o=32100611");
    assert_string_equal(asked("A-f4b9c8e5cce9f6db", NULL), "/trace?alert=A-f4b9c8e5cce9f6db");
}

TEST(what_is_no_question_is_refused_with_what_it_may_be)
{
    struct error error;

    assert_string_equal(asked("items", NULL), "refused");
    assert_string_equal(asked("", NULL), "refused");
    assert_string_equal(asked("2A/", NULL), "refused");
    assert_string_equal(asked("2A/91F3C0E8X", NULL), "refused");
    assert_string_equal(asked("xid:", NULL), "refused");
    assert_string_equal(asked("xid:12x", NULL), "refused");
    assert_string_equal(asked("topic:1", NULL), "refused");
    assert_string_equal(asked(":1:2", NULL), "refused");
    assert_string_equal(asked("t:1:99999999999999999999", NULL), "refused");
    assert_string_equal(asked("A-f4b9c8e5cce9f6dg", NULL), "refused");
    buffer_finish(&text);
    assert_int_equal(trace_question(NULL, 0, 0, &text, &error), ERROR_USAGE);
    assert_non_null(strstr(error.message, "TABLE KEY"));
}

static const char *shown(const char *json)
{
    struct page page = {&text, false};
    json_t *answer = json_loads(json, 0, NULL);

    assert_non_null(answer);
    buffer_reset(&text);
    (void)trace_screen_render(answer, &page);
    buffer_append_u8(&text, '\0');
    json_decref(answer);
    return (const char *)text.data;
}

TEST(the_steps_are_drawn_and_what_is_far_behind_is_not)
{
    const char *screen = shown(
        "{\"changes\":[{\"op\":\"c\",\"topic\":\"s.public.t\",\"partition\":1,\"offset\":7,\"lsn\":\"0/01948AD8\",\"xid\":\"735\",\"commit_us\":1795511792393553,\"known_why\":\"Batch.\",\"traceparent\":\"00-ab\","
        "\"hops\":[{\"step\":\"committed\",\"stage\":\"pg\",\"start_us\":0,\"took_us\":0,\"note\":null},{\"step\":\"published\",\"stage\":\"log\",\"start_us\":0,\"took_us\":6000,\"note\":null},"
        "{\"step\":\"read\",\"stage\":\"out\",\"start_us\":6000,\"took_us\":6000,\"note\":\"by group a\"},{\"step\":\"read\",\"stage\":\"out\",\"start_us\":6000,\"took_us\":600000,\"note\":\"by group b\"},"
        "{\"step\":\"durable\",\"stage\":\"log\",\"start_us\":0,\"took_us\":null,\"note\":null}],"
        "\"readers\":[{\"reader\":\"c\",\"kind\":\"group\",\"state\":\"warn\",\"word\":\"not yet\",\"after_us\":null}],"
        "\"waits\":[{\"step\":\"read\",\"state\":\"warn\",\"why\":\"Group c has no members.\",\"todo\":\"Start it.\"}]}],\"waits\":[]}");

    assert_non_null(strstr(screen, "Insert  s.public.t:1:7  LSN 0/01948AD8  transaction 735  committed 2026-11-24 09:16:32.393553Z\n"));
    assert_non_null(strstr(screen, "traceparent 00-ab\n"));
    assert_non_null(strstr(screen, "published       +6.0 ms  6.0 ms  ████████████████ "));
    assert_non_null(strstr(screen, "+12 ms  6.0 ms                  ████████████████  by group a\n"));
    assert_non_null(strstr(screen, "later  by group b\n"));
    assert_non_null(strstr(screen, "not known"));
    assert_non_null(strstr(screen, "Waits to be read. Group c has no members.\n  Do: Start it.\n"));
}

TEST(what_was_not_found_says_how_far_was_looked_and_where_it_waits)
{
    const char *screen = shown("{\"changes\":[],\"looked\":{\"records\":12345,\"back_to_ms\":1795511792393,\"complete\":false},"
                               "\"waits\":[{\"step\":\"received\",\"state\":\"warn\",\"why\":\"Connector c is paused.\",\"todo\":\"tailrace connectors resume c\"}]}");

    assert_string_equal(screen, "It is not in the log (12,345 records looked through, back to 2026-11-24 09:16:32Z; there is more before it: --budget looks longer).\n"
                                "\nWaits to be received. Connector c is paused.\n  Do: tailrace connectors resume c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_typed_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_question_is_refused_with_what_it_may_be, setup, teardown),
        cmocka_unit_test_setup_teardown(the_steps_are_drawn_and_what_is_far_behind_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_found_says_how_far_was_looked_and_where_it_waits, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
