#include "broker/answer.h"

#include "base/memory.h"
#include "check.h"
#include "wire/kafka/messages_produce.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int to, from;

static int setup(void **state)
{
    int pair[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
        return 1;
    to = pair[0];
    from = pair[1];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)close(to);
    (void)close(from);
    return 0;
}

/* "0123456789" between "<" and ">", of which the file gives what stands between. */
static void answer_make(struct answer *answer, int file, size_t size)
{
    answer_init(answer);
    buffer_append_string(&answer->bytes, "<>");
    answer->spans = memory_new_array(1, sizeof(*answer->spans));
    answer->span_count = 1;
    answer->spans[0] = (struct answer_span){.position = 1, .range = {.fd = file, .position = 2, .size = size}};
}

static int file_make(void)
{
    char path[] = "/tmp/tailrace-answer-test-XXXXXX";
    int file = mkstemp(path);

    assert_true(file >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(file, "0123456789", 10), 10);
    return file;
}

TEST(a_file_goes_out_between_the_bytes_around_it)
{
    int file = file_make();
    struct answer answer;
    char got[16];
    size_t size;

    answer_make(&answer, file, 5);
    assert_int_equal(answer_memory(&answer).size, 1);
    answer_memory_sent(&answer, 1);
    assert_int_equal(answer_memory(&answer).size, 0);
    assert_true(answer_has_file(&answer));
    assert_int_equal(answer_file_send(&answer, to, &size), SENT_SOME);
    assert_int_equal(size, 5);
    assert_false(answer_has_file(&answer));
    assert_false(answer_is_sent(&answer));
    assert_memory_equal(answer_memory(&answer).data, ">", 1);
    answer_memory_sent(&answer, 1);
    assert_true(answer_is_sent(&answer));
    assert_int_equal(read(from, got, sizeof(got)), 5);
    assert_memory_equal(got, "23456", 5);
    answer.span_count = 0; /* nothing to let go of: the file is ours */
    answer_reset(&answer);
    answer_finish(&answer);
    (void)close(file);
}

TEST(a_file_that_is_shorter_than_promised_fails)
{
    int file = file_make();
    struct answer answer;
    size_t size;

    answer_make(&answer, file, 20);
    answer_memory_sent(&answer, 1);
    assert_int_equal(answer_file_send(&answer, to, &size), SENT_SOME);
    assert_int_equal(size, 8);
    assert_int_equal(answer_file_send(&answer, to, &size), SENT_FAILED);
    assert_int_equal(size, 0);
    answer.span_count = 0;
    answer_reset(&answer);
    answer_finish(&answer);
    (void)close(file);
}

TEST(an_answer_begins_with_its_size_and_is_used_again)
{
    struct kafka_request_header header = {.api_key = KAFKA_PRODUCE, .api_version = 3, .correlation_id = 7};
    struct kafka_produce_response response = {0};
    const struct wire_message *message = kafka_api_find(KAFKA_PRODUCE)->response;
    struct answer answer;

    answer_init(&answer);
    for (int i = 0; i < 2; i++) {
        assert_true(answer_is_sent(&answer));
        assert_true(answer_encode(&answer, &header, message, &response, NULL, 0));
        assert_int_equal(answer_memory(&answer).data[3], answer_memory(&answer).size - 4);
        assert_int_equal(answer_memory(&answer).data[7], 7);
        answer_reset(&answer);
    }
    answer_finish(&answer);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_file_goes_out_between_the_bytes_around_it),
        WITH(a_file_that_is_shorter_than_promised_fails),
        WITH(an_answer_begins_with_its_size_and_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
