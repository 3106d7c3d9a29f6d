#include "broker/frame.h"

#include "base/memory.h"
#include "check.h"

#define SIZE_MAX_BYTES 100000000

/* Puts bytes in, at most `step` at a time; gives the state after the last of them. */
static enum frame_state put(struct frame *frame, const void *bytes, size_t count, size_t step)
{
    const uint8_t *from = bytes;
    enum frame_state state = FRAME_PART;

    while (count > 0 && state == FRAME_PART) {
        uint8_t *to;
        size_t took = frame_room(frame, &to);

        took = took < count ? took : count;
        took = took < step ? took : step;
        memcpy(to, from, took);
        from += took;
        count -= took;
        state = frame_advance(frame, took, SIZE_MAX_BYTES);
    }
    assert_int_equal(count, 0);
    return state;
}

static void assert_taken(struct frame *frame, const char *expected)
{
    size_t size;
    uint8_t *bytes = frame_take(frame, &size);

    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    memory_free(bytes);
}

TEST(frames_come_in_pieces_of_any_length)
{
    for (size_t step = 1; step <= 16; step++) {
        struct frame frame = {0};

        assert_int_equal(put(&frame, "\0\0\0\x05hello", 9, step), FRAME_WHOLE);
        assert_taken(&frame, "hello");
        assert_int_equal(put(&frame, "\0\0\0\0", 4, step), FRAME_WHOLE);
        assert_taken(&frame, "");
        assert_int_equal(put(&frame, "\0\0\0\x02x", 5, step), FRAME_PART);
        frame_finish(&frame);
    }
}

TEST(a_size_that_lies_costs_no_more_than_twice_what_came)
{
    struct frame frame = {0};
    static const uint8_t bytes[3 << 20];

    assert_int_equal(put(&frame, "\x05\xf5\xe1\x00", 4, 4), FRAME_PART); /* 100,000,000 */
    assert_int_equal(frame.capacity, 1 << 20);
    assert_int_equal(put(&frame, bytes, sizeof(bytes), 1 << 16), FRAME_PART);
    assert_int_equal(frame.capacity, 4 << 20);
    frame_finish(&frame);
}

TEST(sizes_out_of_bounds_are_refused_with_what_they_look_like)
{
    static const struct {
        const char *bytes, *says;
    } cases[] = {
        {"\xff\xff\xff\xff", "a request says it is -1 bytes long; allowed are 0 to 100000000 (socket.request.max.bytes)"},
        {"\x05\xf5\xe1\x01", "a request says it is 100000001 bytes long; allowed are 0 to 100000000 (socket.request.max.bytes)"},
        {"GET ", "it begins like HTTP, but this is a listener of the Kafka protocol"},
        {"\x16\x03\x01\x02", "it begins like TLS, but this listener is PLAINTEXT; set security.protocol=PLAINTEXT in the client"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame frame = {0};
        char what[256];

        assert_int_equal(put(&frame, cases[i].bytes, 4, 3), FRAME_REFUSED);
        frame_explain(&frame, SIZE_MAX_BYTES, what, sizeof(what));
        assert_string_equal(what, cases[i].says);
        frame_finish(&frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_in_pieces_of_any_length),
        cmocka_unit_test(a_size_that_lies_costs_no_more_than_twice_what_came),
        cmocka_unit_test(sizes_out_of_bounds_are_refused_with_what_they_look_like),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
