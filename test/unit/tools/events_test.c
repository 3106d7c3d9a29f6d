#include "tools/events.h"

#include "check.h"

#define FIELDS                                                                                                                             \
    "[{\"type\":\"int32\",\"optional\":false,\"field\":\"id\"},{\"type\":\"bytes\",\"optional\":true,"                                     \
    "\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"},\"field\":\"amount\"},"             \
    "{\"type\":\"string\",\"optional\":true,\"field\":\"merchant\"},{\"type\":\"int64\",\"optional\":true,"                                \
    "\"name\":\"io.debezium.time.MicroTimestamp\",\"version\":1,\"field\":\"at\"},{\"type\":\"double\",\"optional\":true,\"field\":"       \
    "\"score\"}]"
#define SCHEMA                                                                                                                             \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":" FIELDS ",\"optional\":true,\"field\":\"before\"},"                 \
    "{\"type\":\"struct\",\"fields\":" FIELDS ",\"optional\":true,\"field\":\"after\"},{\"type\":\"string\",\"field\":\"op\"}],"           \
    "\"optional\":false,\"name\":\"p.public.t.Envelope\"}"
#define EVENT(before, after, op)                                                                                                           \
    "{\"schema\":" SCHEMA ",\"payload\":{\"before\":" before ",\"after\":" after ",\"source\":{},\"op\":\"" op "\"}}"

static void prints(const char *event, const char *expected)
{
    struct change_decoder *decoder = change_decoder_create();
    struct change change;
    struct arena arena;
    struct buffer out;
    struct error error;

    arena_init(&arena, 4096);
    buffer_init(&out, 1 << 16);
    if (change_decode(decoder, slice_from_string(event), &arena, &change, &error) != OK)
        fail_msg("%s", error.message);
    event_print(&change, &out);
    buffer_append_u8(&out, 0);
    assert_string_equal((char *)out.data, expected);
    buffer_finish(&out);
    arena_finish(&arena);
    change_decoder_destroy(decoder);
}

TEST(amounts_are_decimals_and_times_are_dates)
{
    prints(EVENT("null", "{\"id\":7,\"amount\":\"Bf4w\",\"merchant\":\"City Pharmacy\",\"at\":1795349063628447,\"score\":1.5}", "c"),
           "INSERT id=7 amount=3927.52 merchant=\"City Pharmacy\" at=\"2026-11-22 12:04:23.628447\" score=1.5");
}

TEST(an_update_shows_what_changed)
{
    prints(EVENT("{\"id\":7,\"amount\":\"AfQ=\",\"merchant\":\"A\",\"at\":0,\"score\":null}",
                 "{\"id\":7,\"amount\":\"/gw=\",\"merchant\":\"A\",\"at\":0,\"score\":null}", "u"),
           "UPDATE id=7 amount=5.00→-5.00 merchant=A at=\"1970-01-01 00:00:00\" score=null");
}

TEST(a_delete_shows_the_row_that_was)
{
    prints(EVENT("{\"id\":7,\"amount\":null,\"merchant\":\"\",\"at\":null,\"score\":null}", "null", "d"),
           "DELETE id=7 amount=null merchant=\"\" at=null score=null");
}

TEST(a_row_cannot_send_commands_to_the_terminal)
{
    prints(EVENT("null", "{\"id\":1,\"amount\":null,\"merchant\":\"\\u001b[2J\\\"x\\\"\",\"at\":null,\"score\":null}", "c"),
           "INSERT id=1 amount=null merchant=\"\\x1b[2J\\\"x\\\"\" at=null score=null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_decimals_and_times_are_dates),
        cmocka_unit_test(an_update_shows_what_changed),
        cmocka_unit_test(a_delete_shows_the_row_that_was),
        cmocka_unit_test(a_row_cannot_send_commands_to_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
