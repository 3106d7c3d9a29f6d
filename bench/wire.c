/* bench/wire: speed of the Kafka codec without disk or network: ns for a call, GB/s for compression. No arguments. */
#include "os/clock.h"
#include "wire/kafka/api.h"
#include "wire/kafka/messages_fetch.h"
#include "wire/kafka/messages_metadata.h"
#include "wire/kafka/messages_produce.h"
#include "wire/kafka/records.h"

#include "base/memory.h"

#include "base/banned.h"

#include <inttypes.h>

#define TIME_MIN_NS INT64_C(400000000)

static int64_t started_ns;

/* Runs the block until the time is up; `runs` says how often that was. */
#define MEASURE(runs)                                                                                                                      \
    for (int64_t runs = (started_ns = clock_monotonic_ns(), 0); clock_monotonic_ns() - started_ns < TIME_MIN_NS || report(runs); runs++)

static int64_t runs_done;
static double ns_each;

static bool report(int64_t runs)
{
    runs_done = runs;
    ns_each = (double)(clock_monotonic_ns() - started_ns) / (double)runs;
    return false;
}

/* A change event of some 2.9 KB as a full-schema connector writes it; the values differ from row to row. */
static size_t event_write(uint8_t *to, int row, size_t size_max)
{
    static char schema[2700];
    static size_t schema_bytes;
    int length;

    if (schema_bytes == 0) {
        for (int column = 0; schema_bytes < 2600; column++)
            schema_bytes += (size_t)snprintf(schema + schema_bytes, sizeof(schema) - schema_bytes,
                                             "{\"type\":\"int32\",\"optional\":false,\"field\":\"column_%d\"},", column * 7919 % 1000);
    }
    memcpy(to, schema, schema_bytes);
    length = snprintf((char *)to + schema_bytes, size_max - schema_bytes,
                      "\"payload\":{\"before\":null,\"after\":{\"id\":%d,\"user_id\":%d,\"amount\":\"%08x\",\"merchant\":\"merchant %d\"},"
                      "\"source\":{\"version\":\"3.6.1.Final\",\"ts_ms\":17954086%05d,\"lsn\":%" PRId64 ",\"txId\":%d},\"op\":\"c\"}}",
                      row, row % 977, (unsigned)row * 2654435761u, row % 100, row % 100000, (int64_t)row * 88 + 24023, row / 1000);
    return schema_bytes + (size_t)length;
}

static void measure_produce(size_t value_bytes)
{
    struct record_builder builder;
    struct record_batch_spec spec = record_batch_spec_plain();
    struct kafka_produce_request_partition partition = {0};
    struct kafka_produce_request_topic topic = {.name = slice_from_string("transactions"), .partition_data = {&partition, 1}};
    struct kafka_produce_request request = {.acks = -1, .timeout_ms = 30000, .topic_data = {&topic, 1}}, decoded;
    struct kafka_request_header header = {KAFKA_PRODUCE, 11, 1, slice_from_string("producer-1")};
    struct record_batches_rules rules = {
        .batch_bytes_max = 1u << 20, .one_batch = true, .zstd_allowed = true, .timestamp_min_ms = INT64_MIN, .timestamp_max_ms = INT64_MAX};
    struct record_batches_facts facts;
    struct buffer bytes;
    struct arena arena;
    uint8_t *value = memory_new(value_bytes);
    struct slice body;

    record_builder_init(&builder, 16384);
    while (record_builder_append(&builder, 1795408600000, slice_null(), slice_of(value, value_bytes), NULL, 0))
        ;
    partition.records = record_builder_seal(&builder, &spec, NULL);
    buffer_init(&bytes, 1u << 20);
    arena_init(&arena, 4096);
    kafka_request_header_encode(&header, &bytes);
    wire_encode(&kafka_produce_request_message, 11, &request, &bytes);
    MEASURE(runs)
    {
        arena_reset(&arena);
        if (kafka_request_header_decode(buffer_slice(&bytes), &header, &body, NULL) != OK ||
            wire_decode(&kafka_produce_request_message, 11, body, &arena, &decoded, NULL) != OK)
            abort();
    }
    printf("Produce v11, one partition, 16 KB: decode header and body            %8.0f ns\n", ns_each);
    MEASURE(runs)
    {
        if (record_batches_check(partition.records, &rules, &facts, NULL) != OK)
            abort();
    }
    printf("  check of its %4d records of %4zu bytes, checksum and all          %8.1f ns a record\n", facts.record_count, value_bytes,
           ns_each / facts.record_count);
    record_builder_finish(&builder);
    buffer_finish(&bytes);
    arena_finish(&arena);
    memory_free(value);
}

static void measure_fetch(int32_t partitions)
{
    struct kafka_fetch_request_partition *asked = memory_new_array((size_t)partitions, sizeof(*asked));
    struct kafka_fetch_request_topic topic = {.topic = slice_from_string("transactions"), .partitions = {asked, partitions}};
    struct kafka_fetch_request request = {.max_bytes = 1, .topics = {&topic, 1}}, decoded;
    struct kafka_fetch_response_partition *given = memory_new_array((size_t)partitions, sizeof(*given));
    struct kafka_fetch_response_topic answer = {.topic = slice_from_string("transactions"), .partitions = {given, partitions}};
    struct kafka_fetch_response response = {.responses = {&answer, 1}};
    struct wire_gap *gaps = memory_new_array((size_t)partitions, sizeof(*gaps));
    size_t gap_count;
    struct buffer bytes;
    struct arena arena;

    arena_init(&arena, 4096);
    buffer_init(&bytes, 1u << 24);
    for (int32_t i = 0; i < partitions; i++) {
        wire_init_defaults(&kafka_fetch_response_partition_message, &given[i]);
        given[i].records = wire_external(1000);
        wire_init_defaults(&kafka_fetch_request_partition_message, &asked[i]);
    }
    wire_encode(&kafka_fetch_request_message, 12, &request, &bytes);
    MEASURE(runs)
    {
        arena_reset(&arena);
        if (wire_decode(&kafka_fetch_request_message, 12, buffer_slice(&bytes), &arena, &decoded, NULL) != OK)
            abort();
    }
    printf("Fetch v12, %4d partitions: decode the request                       %8.0f ns\n", partitions, ns_each);
    MEASURE(runs)
    {
        buffer_reset(&bytes);
        wire_encode_with_gaps(&kafka_fetch_response_message, 12, &response, &bytes, gaps, (size_t)partitions, &gap_count);
    }
    printf("  encode the response with gaps                                     %8.0f ns\n", ns_each);
    memory_free(asked);
    memory_free(given);
    memory_free(gaps);
    buffer_finish(&bytes);
    arena_finish(&arena);
}

static void measure_build(void)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder builder;
    struct slice key = slice_from_string("{\"schema\":{\"type\":\"struct\"},\"payload\":{\"id\":1}}"), batch;
    static uint8_t event[4096];
    size_t size = event_write(event, 1, sizeof(event));
    int records = 0;

    record_builder_init(&builder, 1u << 20);
    MEASURE(runs)
    {
        record_builder_reset(&builder);
        while (record_builder_append(&builder, 1795408600000, key, slice_of(event, size), NULL, 0))
            ;
        records = record_builder_count(&builder);
    }
    printf("Build a batch of %3d events of %4zu bytes                           %8.1f ns an event\n", records, size, ns_each / records);
    record_builder_reset(&builder);
    while (record_builder_append(&builder, 1795408600000, slice_null(), slice_of(event, 100), NULL, 0))
        ;
    records = record_builder_count(&builder);
    batch = record_builder_seal(&builder, &spec, NULL);
    MEASURE(runs)
    {
        struct record_batch read;
        struct record_iterator iterator;
        struct record record;

        if (record_batch_read(batch, &read, NULL) != OK || record_iterator_init(&iterator, &read, NULL, 0, NULL, NULL) != OK)
            abort();
        while (record_iterator_next(&iterator, &record))
            ;
    }
    printf("Read %5d records of 100 bytes                                      %8.1f ns a record\n", records, ns_each / records);
    record_builder_finish(&builder);
}

static void measure_codecs(void)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct decompressor *decompressor = decompressor_create();
    struct buffer scratch;

    buffer_init(&scratch, 4u << 20);
    for (int codec = COMPRESSION_NONE; codec < COMPRESSION_COUNT; codec++) {
        struct compressor *compressor = compressor_create((enum compression)codec);
        struct record_builder builder;
        struct record_batch batch;
        struct slice sealed = {0};
        double plain;

        record_builder_init(&builder, 1u << 20);
        for (int row = 0, more = true; more; row++) {
            static uint8_t event[4096];

            more = record_builder_append(&builder, 1795408600000 + row / 300, slice_null(), slice_of(event, event_write(event, row, sizeof(event))), NULL, 0);
        }
        plain = (double)record_builder_bytes(&builder);
        MEASURE(runs)
        {
            sealed = record_builder_seal(&builder, &spec, compressor);
        }
        printf("%-6s of 1 MB of events: seal %6.2f GB/s, %5.1f : 1", compression_name((enum compression)codec), plain / ns_each,
               plain / (double)sealed.size);
        MEASURE(runs)
        {
            if (record_batch_read(sealed, &batch, NULL) != OK)
                abort();
            buffer_reset(&scratch);
            if (decompressor_run(decompressor, record_batch_codec(&batch), batch.records, 2u << 20, &scratch, NULL) != OK)
                abort();
        }
        printf(", open %6.2f GB/s\n", plain / ns_each);
        record_builder_finish(&builder);
        compressor_destroy(compressor);
    }
    buffer_finish(&scratch);
    decompressor_destroy(decompressor);
}

int main(void)
{
    measure_produce(100);
    measure_produce(1000);
    measure_fetch(1);
    measure_fetch(1000);
    measure_build();
    measure_codecs();
    return 0;
}
