#include "check.h"

#include "message_maker.h"
#include "wire/kafka/messages_config.h"
#include "wire/kafka/messages_consumer_protocol.h"
#include "wire/kafka/messages_fetch.h"
#include "wire/kafka/messages_metadata.h"
#include "wire/kafka/messages_security.h"

#define ROUNDS 4

static struct arena arena;
static struct buffer first, second;
static void *in, *out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    buffer_init(&first, 16u << 20);
    buffer_init(&second, 16u << 20);
    in = calloc(1, 4096);
    out = calloc(1, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_finish(&arena);
    buffer_finish(&first);
    buffer_finish(&second);
    free(in);
    free(out);
    return 0;
}

static void make_and_encode(const struct wire_message *message, int version, int round, uint64_t *seed)
{
    assert_true(message->size <= 4096);
    arena_reset(&arena);
    buffer_reset(&first);
    message_make(message, version, round, seed, &arena, in);
    wire_encode(message, version, in, &first);
    assert_false(first.failed);
}

TEST(every_message_comes_back_in_every_version)
{
    uint64_t seed = 1;
    int count = 0;

    for (const struct wire_message *message = wire_message_next(NULL); message != NULL; message = wire_message_next(message)) {
        for (int version = message->first; version <= message->last; version++) {
            for (int round = 0; round < ROUNDS; round++) {
                struct error error = {0};
                struct reader reader;
                const char *difference;

                make_and_encode(message, version, round, &seed);
                reader = reader_of(buffer_slice(&first));
                if (wire_read(message, version, &reader, &arena, out, &error) != OK)
                    fail_msg("%s version %d: %s", message->name, version, error.message);
                assert_int_equal(reader_left(&reader), 0);
                difference = message_difference(message, in, out);
                if (difference != NULL)
                    fail_msg("%s version %d: %s differs", message->name, version, difference);
                buffer_reset(&second);
                wire_encode(message, version, out, &second);
                assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
                count++;
            }
        }
    }
    assert_true(count > 400 * ROUNDS);
}

TEST(a_message_cut_short_anywhere_is_an_error)
{
    uint64_t seed = 2;

    for (const struct wire_message *message = wire_message_next(NULL); message != NULL; message = wire_message_next(message)) {
        for (int version = message->first; version <= message->last; version++) {
            make_and_encode(message, version, 1, &seed);
            for (size_t size = 0; size < first.size && size < 2000; size++) {
                struct error error = {0};
                uint8_t *copy = malloc(size + 1); /* exactly so long, for the address sanitizer */

                memcpy(copy + 1, first.data, size);
                assert_int_equal(wire_decode(message, version, slice_of(copy + 1, size), &arena, out, &error), ERROR_INVALID_REQUEST);
                assert_int_equal(error.status, ERROR_INVALID_REQUEST);
                free(copy);
            }
        }
    }
}

TEST(broken_bytes_never_crash_and_never_take_much_memory)
{
    uint64_t seed = 3;

    for (const struct wire_message *message = wire_message_next(NULL); message != NULL; message = wire_message_next(message)) {
        for (int version = message->first; version <= message->last; version++) {
            for (int round = 0; round < 30; round++) {
                make_and_encode(message, version, 1, &seed);
                if (first.size == 0)
                    continue;
                for (int i = 0; i < 3; i++)
                    first.data[random_next(&seed) % first.size] = (uint8_t)(random_next(&seed) % 3 == 0 ? 0xff : random_next(&seed));
                arena_reset(&arena);
                (void)!wire_decode(message, version, buffer_slice(&first), &arena, out, NULL);
                assert_true(arena.allocated_bytes <= 2 * (WIRE_DECODE_BYTES_MIN + first.size * WIRE_DECODE_BYTES_PER_BYTE));
            }
        }
    }
}

TEST(a_count_that_lies_is_refused_before_memory_is_taken)
{
    static const uint8_t classic[] = {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    static const uint8_t flexible[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0};
    struct kafka_metadata_request request;
    struct error error;

    assert_int_equal(wire_decode(&kafka_metadata_request_message, 1, slice_of(classic, sizeof(classic)), &arena, &request, &error),
                     ERROR_INVALID_REQUEST);
    assert_string_equal(error.message, "decode MetadataRequest version 1: topics: it has more elements than its bytes can hold");
    assert_int_equal(wire_decode(&kafka_metadata_request_message, 9, slice_of(flexible, sizeof(flexible)), &arena, &request, &error),
                     ERROR_INVALID_REQUEST);
    assert_true(arena.allocated_bytes < 100);
}

TEST(null_where_it_may_not_be_is_refused)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff};
    struct kafka_metadata_request request;
    struct error error;

    assert_int_equal(wire_decode(&kafka_metadata_request_message, 1, slice_of(bytes, 4), &arena, &request, NULL), OK);
    assert_int_equal(request.topics.count, -1);
    assert_true(request.allow_auto_topic_creation); /* the default of what version 1 does not have */
    assert_int_equal(wire_decode(&kafka_metadata_request_message, 0, slice_of(bytes, 4), &arena, &request, &error), ERROR_INVALID_REQUEST);
    assert_string_equal(error.message, "decode MetadataRequest version 0: topics: null where it may not be");
}

TEST(unknown_tags_are_skipped)
{
    /* topics null, three booleans, then tags 7 of 2 bytes and 9 of none */
    static const uint8_t bytes[] = {0, 1, 0, 0, 2, 7, 2, 0xaa, 0xbb, 9, 0};
    struct kafka_metadata_request request;
    struct reader reader = reader_of(slice_of(bytes, sizeof(bytes)));

    assert_int_equal(wire_read(&kafka_metadata_request_message, 9, &reader, &arena, &request, NULL), OK);
    assert_int_equal(reader_left(&reader), 0);
    assert_false(reader.failed);
}

TEST(a_version_outside_of_the_table_is_refused)
{
    struct kafka_metadata_request request;
    struct error error;

    assert_int_equal(wire_decode(&kafka_metadata_request_message, 14, slice_of("", 0), &arena, &request, &error),
                     ERROR_UNSUPPORTED_VERSION);
    assert_string_equal(error.message, "decode MetadataRequest: version 14 is not one of 0 to 13");
}

TEST(external_records_leave_gaps)
{
    struct kafka_fetch_response_partition partitions[2];
    struct kafka_fetch_response_topic topic;
    struct kafka_fetch_response response, whole;
    struct wire_gap gaps[2];
    size_t gap_count;

    for (int i = 0; i < 2; i++) {
        wire_init_defaults(&kafka_fetch_response_partition_message, &partitions[i]);
        partitions[i].partition_index = i;
        partitions[i].records = wire_external((size_t)(3 + i));
    }
    wire_init_defaults(&kafka_fetch_response_topic_message, &topic);
    topic.topic = slice_from_string("t");
    topic.partitions.items = partitions;
    topic.partitions.count = 2;
    wire_init_defaults(&kafka_fetch_response_message, &response);
    response.responses.items = &topic;
    response.responses.count = 1;

    for (int version = 4; version <= 18; version++) {
        buffer_reset(&first);
        wire_encode_with_gaps(&kafka_fetch_response_message, version, &response, &first, gaps, 2, &gap_count);
        assert_false(first.failed);
        assert_int_equal(gap_count, 2);
        assert_int_equal(gaps[0].size, 3);
        assert_int_equal(gaps[1].size, 4);

        buffer_reset(&second);
        buffer_append(&second, first.data, gaps[0].position);
        buffer_append_string(&second, "abc");
        buffer_append(&second, first.data + gaps[0].position, gaps[1].position - gaps[0].position);
        buffer_append_string(&second, "defg");
        buffer_append_slice(&second, slice_from(buffer_slice(&first), gaps[1].position));
        assert_int_equal(wire_decode(&kafka_fetch_response_message, version, buffer_slice(&second), &arena, &whole, NULL), OK);
        assert_true(slice_equal_string(whole.responses.items[0].partitions.items[0].records, "abc"));
        assert_true(slice_equal_string(whole.responses.items[0].partitions.items[1].records, "defg"));
    }

    buffer_reset(&first);
    wire_encode_with_gaps(&kafka_fetch_response_message, 12, &response, &first, gaps, 1, &gap_count);
    assert_true(first.failed);
    buffer_reset(&first);
    wire_encode(&kafka_fetch_response_message, 12, &response, &first);
    assert_true(first.failed);
}

TEST(a_string_too_long_for_its_length_fails)
{
    static uint8_t text[INT16_MAX + 1];
    struct kafka_sasl_handshake_request request = {slice_of(text, sizeof(text))};

    wire_encode(&kafka_sasl_handshake_request_message, 0, &request, &first);
    assert_true(first.failed);
}

TEST(secrets_are_not_printed)
{
    struct kafka_sasl_authenticate_request login = {slice_from_string("user\0password")};
    struct kafka_incremental_alter_configs_request_config configs[] = {
        {slice_from_string("listener.name.x.ssl.key.password"), 0, slice_from_string("swordfish")},
        {slice_from_string("retention.ms"), 0, slice_from_string("1\n\"2")},
    };
    struct kafka_incremental_alter_configs_request_resource resource = {2, slice_from_string("t"), {configs, 2}};
    struct kafka_incremental_alter_configs_request alter = {{&resource, 1}, false};

    wire_print(&kafka_sasl_authenticate_request_message, 2, &login, &first);
    assert_true(slice_equal_string(buffer_slice(&first), "{\"auth_bytes\": \"<hidden>\"}"));
    buffer_reset(&first);
    wire_print(&kafka_incremental_alter_configs_request_message, 1, &alter, &first);
    assert_true(slice_equal_string(buffer_slice(&first),
                                   "{\"resources\": [{\"resource_type\": 2, \"resource_name\": \"t\", \"configs\": ["
                                   "{\"name\": \"listener.name.x.ssl.key.password\", \"config_operation\": 0, \"value\": \"<hidden>\"}, "
                                   "{\"name\": \"retention.ms\", \"config_operation\": 0, \"value\": \"1\\u000a\\\"2\"}]}], "
                                   "\"validate_only\": false}"));
}

TEST(every_message_prints)
{
    uint64_t seed = 4;

    for (const struct wire_message *message = wire_message_next(NULL); message != NULL; message = wire_message_next(message)) {
        make_and_encode(message, message->last, 1, &seed);
        buffer_reset(&second);
        wire_print(message, message->last, in, &second);
        assert_false(second.failed);
        assert_true(second.size >= 2);
    }
}

TEST(a_newer_consumer_protocol_is_read_as_the_newest_known)
{
    /* version 9: topics ["t"], user data null, nothing owned, generation 5, rack null, and something new */
    static const uint8_t bytes[] = {0, 9, 0, 0, 0, 1, 0, 1, 't', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0xff, 0xff, 0xee};
    struct kafka_consumer_protocol_subscription subscription;
    struct slice slice = slice_of(bytes, sizeof(bytes));
    int version;

    assert_int_equal(
        wire_decode_versioned_lenient(&kafka_consumer_protocol_subscription_message, slice, &arena, &subscription, &version, NULL), OK);
    assert_int_equal(version, 9);
    assert_int_equal(subscription.generation_id, 5);
    assert_true(slice_equal_string(subscription.topics.items[0], "t"));
    assert_int_equal(wire_decode_versioned(&kafka_consumer_protocol_subscription_message, slice, &arena, &subscription, &version, NULL),
                     ERROR_UNSUPPORTED_VERSION);
}

TEST(tables_are_in_order)
{
    for (const struct wire_message *message = wire_message_next(NULL); message != NULL; message = wire_message_next(message)) {
        int tag = -1;

        for (uint32_t i = 0; i < message->field_count; i++) {
            const struct wire_field *field = &message->fields[i];

            assert_true(field->first <= field->last);
            if (field->tag >= 0) {
                assert_int_equal(field->tag, tag + 1);
                tag = field->tag;
                assert_true(field->first >= message->flexible_from);
            }
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_message_comes_back_in_every_version),
        CASE(a_message_cut_short_anywhere_is_an_error),
        CASE(broken_bytes_never_crash_and_never_take_much_memory),
        CASE(a_count_that_lies_is_refused_before_memory_is_taken),
        CASE(null_where_it_may_not_be_is_refused),
        CASE(unknown_tags_are_skipped),
        CASE(a_version_outside_of_the_table_is_refused),
        CASE(external_records_leave_gaps),
        CASE(a_string_too_long_for_its_length_fails),
        CASE(secrets_are_not_printed),
        CASE(every_message_prints),
        CASE(a_newer_consumer_protocol_is_read_as_the_newest_known),
        CASE(tables_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
