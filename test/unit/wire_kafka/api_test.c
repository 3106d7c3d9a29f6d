#include "check.h"

#include "golden.h"
#include "wire/kafka/api.h"
#include "wire/kafka/messages_group_log.h"
#include "wire/kafka/messages_metadata.h"

#include "base/banned.h"

static struct arena arena;
static struct buffer bytes;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    buffer_init(&bytes, 1u << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_finish(&arena);
    buffer_finish(&bytes);
    return 0;
}

/* The block of hexadecimal lines ("0020  00 0d ...") that follows `at`; gives where it ends. */
static const char *block_read(const char *at)
{
    buffer_reset(&bytes);
    at = strstr(at, "```\n");
    assert_non_null(at);
    at += 4;
    while (*at != '`') {
        const char *end = strchr(at, '\n');

        golden_append_hex(&bytes, at + 6, end);
        at = end + 1;
    }
    return at + 3;
}

static void assert_same_again(const struct wire_message *message, int version, const void *in, size_t header_bytes)
{
    struct buffer again;

    buffer_init(&again, 1u << 20);
    buffer_append(&again, bytes.data, header_bytes);
    wire_encode(message, version, in, &again);
    assert_true(slice_equal(buffer_slice(&again), buffer_slice(&bytes)));
    buffer_finish(&again);
}

static void check_request(int version)
{
    struct kafka_request_header header;
    struct kafka_api_versions_request request;
    struct slice body;
    struct buffer again;
    enum status status = kafka_request_header_decode(buffer_slice(&bytes), &header, &body, NULL);

    assert_int_equal(header.api_key, KAFKA_API_VERSIONS);
    assert_int_equal(header.api_version, version);
    assert_int_equal(header.correlation_id, version + 1);
    if (version > 4) { /* the broker has to answer it nevertheless */
        assert_int_equal(status, ERROR_UNSUPPORTED_VERSION);
        return;
    }
    assert_int_equal(status, OK);
    assert_true(slice_equal_string(header.client_id, "golden"));
    assert_int_equal(wire_decode(&kafka_api_versions_request_message, version, body, &arena, &request, NULL), OK);
    assert_true(slice_equal_string(request.client_software_name, version < 3 ? "" : "golden"));

    buffer_init(&again, 1000);
    kafka_request_header_encode(&header, &again);
    wire_encode(&kafka_api_versions_request_message, version, &request, &again);
    assert_true(slice_equal(buffer_slice(&again), buffer_slice(&bytes)));
    buffer_finish(&again);
}

static void check_response(int version)
{
    int body_version = version > 4 ? 0 : version; /* KIP-511 */
    struct kafka_api_versions_response response;
    int32_t correlation_id;
    struct slice body;

    assert_int_equal(kafka_response_header_decode(KAFKA_API_VERSIONS, (int16_t)version, buffer_slice(&bytes), &correlation_id, &body, NULL),
                     OK);
    assert_int_equal(correlation_id, version + 1);
    assert_int_equal(wire_decode(&kafka_api_versions_response_message, body_version, body, &arena, &response, NULL), OK);
    assert_int_equal(response.error_code, version > 4 ? 35 : 0);
    assert_int_equal(response.api_keys.count, version > 4 ? 1 : 75);
    assert_int_equal(response.supported_features.count, body_version < 3 ? 0 : version == 3 ? 1 : 7);
    assert_true(response.finalized_features_epoch == (body_version < 3 ? -1 : 496));
    assert_same_again(&kafka_api_versions_response_message, body_version, &response, 4);
}

TEST(recorded_api_versions_decode_and_encode_to_the_same_bytes)
{
    struct buffer file = golden_read("wire/apiversions.md");
    const char *at = (const char *)file.data;
    int versions = 0;

    while ((at = strstr(at, "## version ")) != NULL) {
        int version = (int)strtol(at + strlen("## version "), NULL, 10);

        at = block_read(at);
        check_request(version);
        at = block_read(at);
        check_response(version);
        versions++;
    }
    assert_int_equal(versions, 7);
    buffer_finish(&file);
}

/* Which table is a key, or the value under it? */
static const struct wire_message *group_log_message(int key_version, bool key)
{
    switch (key_version) {
    case 0:
    case 1: return key ? &kafka_offset_commit_key_message : &kafka_offset_commit_value_message;
    case 2: return key ? &kafka_group_metadata_key_message : &kafka_group_metadata_value_message;
    case 3: return key ? &kafka_consumer_group_metadata_key_message : &kafka_consumer_group_metadata_value_message;
    case 4: return key ? &kafka_consumer_group_partition_metadata_key_message : NULL;
    case 5: return key ? &kafka_consumer_group_member_metadata_key_message : &kafka_consumer_group_member_metadata_value_message;
    case 6:
        return key ? &kafka_consumer_group_target_assignment_metadata_key_message
                   : &kafka_consumer_group_target_assignment_metadata_value_message;
    case 7:
        return key ? &kafka_consumer_group_target_assignment_member_key_message
                   : &kafka_consumer_group_target_assignment_member_value_message;
    case 8:
        return key ? &kafka_consumer_group_current_member_assignment_key_message
                   : &kafka_consumer_group_current_member_assignment_value_message;
    default: return NULL;
    }
}

static void check_versioned(const struct wire_message *message)
{
    uint8_t out[1024];
    struct error error = {0};
    int version;

    assert_non_null(message);
    if (wire_decode_versioned(message, buffer_slice(&bytes), &arena, out, &version, &error) != OK)
        fail_msg("%s", error.message);
    assert_same_again(message, version, out, 2);
}

TEST(recorded_group_records_decode_and_encode_to_the_same_bytes)
{
    struct buffer file = golden_read("wire/consumer-offsets.md");
    const char *at = (const char *)file.data;
    int keys = 0, values = 0, key_version = -1;

    for (; *at != 0; at = strchr(at, '\n') + 1) {
        const char *end = strchr(at, '\n');
        bool key = strncmp(at, "key   ", 6) == 0;

        if ((!key && strncmp(at, "value ", 6) != 0) || strncmp(at, "value null", 10) == 0)
            continue;
        buffer_reset(&bytes);
        golden_append_hex(&bytes, at + 6, end);
        if (key)
            key_version = bytes.data[1];
        check_versioned(group_log_message(key_version, key));
        keys += key;
        values += !key;
    }
    assert_int_equal(keys, 29);
    assert_int_equal(values, 15);
    buffer_finish(&file);
}

TEST(a_recorded_offset_commit_says_what_was_committed)
{
    static const char hex[] = "000400000000000000020000000001000001a206aca69d010010955a69ab3c0749959d7787e83dfe8b3f";
    struct kafka_offset_commit_value value;
    char text[UUID_HEX_SIZE];
    int version;

    golden_append_hex(&bytes, hex, hex + strlen(hex));
    assert_int_equal(wire_decode_versioned(&kafka_offset_commit_value_message, buffer_slice(&bytes), &arena, &value, &version, NULL), OK);
    assert_int_equal(version, 4);
    assert_int_equal(value.offset, 2);
    assert_int_equal(value.leader_epoch, 0);
    assert_true(value.metadata.data != NULL && value.metadata.size == 0);
    assert_true(value.commit_timestamp == INT64_C(0x1a206aca69d));
    uuid_to_hex(&value.topic_id, text);
    assert_string_equal(text, "955a69ab-3c07-4995-9d77-87e83dfe8b3f");
}

TEST(headers_of_every_api_come_back)
{
    for (const struct kafka_api *api = kafka_api_next(NULL); api != NULL; api = kafka_api_next(api)) {
        assert_ptr_equal(kafka_api_find(api->key), api);
        for (int16_t version = api->version_min; version <= api->version_max; version++) {
            struct kafka_request_header header = {api->key, version, 77, slice_from_string("me")}, again;
            struct slice body;
            int32_t correlation_id;

            buffer_reset(&bytes);
            kafka_request_header_encode(&header, &bytes);
            buffer_append_string(&bytes, "body");
            assert_int_equal(kafka_request_header_decode(buffer_slice(&bytes), &again, &body, NULL), OK);
            assert_true(slice_equal_string(again.client_id, "me"));
            assert_true(slice_equal_string(body, "body"));

            header.client_id = slice_null();
            buffer_reset(&bytes);
            kafka_request_header_encode(&header, &bytes);
            assert_int_equal(bytes.size, version >= api->flexible_from ? 11 : 10);
            assert_int_equal(kafka_request_header_decode(buffer_slice(&bytes), &again, &body, NULL), OK);
            assert_true(slice_is_null(again.client_id));

            buffer_reset(&bytes);
            kafka_response_header_encode(api->key, version, 78, &bytes);
            assert_int_equal(bytes.size, version >= api->flexible_from && api->key != KAFKA_API_VERSIONS ? 5 : 4);
            assert_int_equal(kafka_response_header_decode(api->key, version, buffer_slice(&bytes), &correlation_id, &body, NULL), OK);
            assert_int_equal(correlation_id, 78);
        }
    }
}

TEST(a_header_cut_short_or_unknown_is_an_error)
{
    static const uint8_t metadata[] = {0, 3, 0, 9, 0, 0, 0, 1, 0, 2, 'm', 'e', 0};
    static const uint8_t unknown[] = {0, 99, 0, 0, 0, 0, 0, 5, 0xff, 0xff};
    static const uint8_t lying[] = {0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 'm', 'e'};
    struct kafka_request_header header;
    struct slice body;
    struct error error;

    for (size_t size = 0; size < sizeof(metadata); size++)
        assert_int_equal(kafka_request_header_decode(slice_of(metadata, size), &header, &body, &error), ERROR_INVALID_REQUEST);
    assert_int_equal(kafka_request_header_decode(slice_of(metadata, sizeof(metadata)), &header, &body, &error), OK);
    assert_int_equal(kafka_request_header_decode(slice_of(unknown, sizeof(unknown)), &header, &body, &error), ERROR_UNSUPPORTED_VERSION);
    assert_int_equal(header.correlation_id, 5);
    assert_string_equal(error.message, "decode request header: api key 99 is unknown");
    assert_int_equal(kafka_request_header_decode(slice_of(lying, sizeof(lying)), &header, &body, &error), ERROR_INVALID_REQUEST);
    assert_string_equal(error.message, "decode request header of Metadata version 1: cut short or a wrong length");
    assert_null(kafka_api_find(-1));
    assert_null(kafka_api_find(4));
    assert_null(kafka_api_find(INT16_MAX));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(recorded_api_versions_decode_and_encode_to_the_same_bytes),
        CASE(recorded_group_records_decode_and_encode_to_the_same_bytes),
        CASE(a_recorded_offset_commit_says_what_was_committed),
        CASE(headers_of_every_api_come_back),
        CASE(a_header_cut_short_or_unknown_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
