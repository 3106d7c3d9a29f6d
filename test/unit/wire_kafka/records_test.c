#include "check.h"

#include "golden.h"
#include "wire/kafka/records.h"

#include "base/banned.h"

static struct buffer scratch;
static struct decompressor *decompressor;
static struct record_builder builder;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&scratch, 16u << 20);
    decompressor = decompressor_create();
    record_builder_init(&builder, 1u << 20);
    arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_finish(&scratch);
    decompressor_destroy(decompressor);
    record_builder_finish(&builder);
    arena_finish(&arena);
    return 0;
}

static struct slice s(const char *text)
{
    return slice_from_string(text);
}

static struct record_batch batch_of(struct slice bytes)
{
    struct record_batch batch = {0};
    struct error error = {0};

    if (record_batch_read(bytes, &batch, &error) != OK)
        fail_msg("%s", error.message);
    return batch;
}

static struct record_iterator iterator_of(const struct record_batch *batch)
{
    struct record_iterator iterator;

    assert_int_equal(record_iterator_init(&iterator, batch, decompressor, 1u << 20, &scratch, NULL), OK);
    return iterator;
}

/* ---- What the real broker wrote ---- */

struct golden_batch {
    int64_t base_offset;
    int count;
    int base_sequence;
    int64_t producer_id;
    int16_t producer_epoch;
    bool transactional;
    bool control;
    int64_t max_timestamp_ms;
    int size;
    enum compression codec;
    uint32_t crc;
};

/* As kafka-dump-log shows the file. */
static const struct golden_batch golden_batches[] = {
    {0, 2, 0, 65, 0, false, false, 1795408600899, 93, COMPRESSION_NONE, 2063093597},
    {2, 4, 0, 66, 0, false, false, 1795408602003, 136, COMPRESSION_NONE, 439622280},
    {6, 2, 0, 67, 0, false, false, 1795408603454, 112, COMPRESSION_GZIP, 3764564528},
    {8, 2, 0, 68, 0, false, false, 1795408604916, 131, COMPRESSION_SNAPPY, 4282791150},
    {10, 2, 0, 69, 0, false, false, 1795408606211, 111, COMPRESSION_LZ4, 3165794886},
    {12, 2, 0, 70, 0, false, false, 1795408607459, 108, COMPRESSION_ZSTD, 360035242},
    {14, 1, 0, 71, 0, true, false, 1795408608627, 69, COMPRESSION_NONE, 639552625},
    {15, 3, 1, 71, 0, true, false, 1795408608645, 85, COMPRESSION_NONE, 35318475},
    {18, 1, -1, 71, 1, true, true, 1795408608668, 78, COMPRESSION_NONE, 2512994711},
    {19, 1, 0, 72, 0, true, false, 1795408609489, 76, COMPRESSION_NONE, 3994045089},
    {20, 1, -1, 72, 0, true, true, 1795408609523, 78, COMPRESSION_NONE, 855893080},
    {21, 1, -1, -1, -1, false, false, 1700000000000, 82, COMPRESSION_NONE, 2223747792},
};
#define GOLDEN_BATCHES (sizeof(golden_batches) / sizeof(golden_batches[0]))

static void assert_header_is(const struct record_batch *batch, const struct golden_batch *golden)
{
    assert_int_equal(batch->base_offset, golden->base_offset);
    assert_int_equal(batch->count, golden->count);
    assert_int_equal(record_batch_next_offset(batch), golden->base_offset + golden->count);
    assert_int_equal(batch->base_sequence, golden->base_sequence);
    assert_int_equal(record_batch_last_sequence(batch), golden->base_sequence < 0 ? -1 : golden->base_sequence + golden->count - 1);
    assert_int_equal(batch->producer_id, golden->producer_id);
    assert_int_equal(batch->producer_epoch, golden->producer_epoch);
    assert_int_equal(record_batch_is_transactional(batch), golden->transactional);
    assert_int_equal(record_batch_is_control(batch), golden->control);
    assert_true(batch->max_timestamp_ms == golden->max_timestamp_ms);
    assert_int_equal(batch->bytes.size, golden->size);
    assert_int_equal(record_batch_codec(batch), golden->codec);
    assert_int_equal(batch->crc, golden->crc);
    assert_int_equal(batch->leader_epoch, 0);
    assert_true(record_batch_checksum_is_right(batch));
}

static const struct {
    const char *key;
    const char *value; /* its beginning */
    int value_size;
} golden_records[] = {
    {NULL, "plain one", 9},
    {NULL, "plain two", 9},
    {"k1", "with headers", 12},
    {"k2", NULL, -1},
    {NULL, "no key", 6},
    {"Z\xc3\xbcrich", "\xe2\x82\xac \xf0\x9f\x98\x80", 8},
    {NULL, "gzip xxx", 305},
    {NULL, "second", 6},
    {NULL, "snappy xxx", 307},
    {NULL, "second", 6},
    {NULL, "lz4 xxx", 304},
    {NULL, "second", 6},
    {NULL, "zstd xxx", 305},
    {NULL, "second", 6},
    {NULL, "0", 1},
    {NULL, "1", 1},
    {NULL, "2", 1},
    {NULL, "3", 1},
    {"\0\0\0\1", "", 6},
    {"k", "aborted", 7},
    {"\0\0\0\0", "", 6},
    {NULL, "not idempotent", 14},
};

static void assert_record_is(const struct record *record, int64_t offset)
{
    const char *key = golden_records[offset].key, *value = golden_records[offset].value;

    assert_int_equal(record->offset, offset);
    assert_int_equal(slice_is_null(record->key), key == NULL);
    assert_int_equal(slice_is_null(record->value), value == NULL);
    if (key != NULL && offset != 18 && offset != 20)
        assert_true(slice_equal_string(record->key, key));
    if (value != NULL) {
        assert_int_equal(record->value.size, golden_records[offset].value_size);
        assert_memory_equal(record->value.data, value, strlen(value));
    }
}

TEST(a_recorded_segment_reads_whole)
{
    struct buffer file = golden_read("wire/segment/00000000000000000000.log");
    struct slice left = buffer_slice(&file);
    int64_t offset = 0;

    for (size_t i = 0; i < GOLDEN_BATCHES; i++) {
        struct record_batch batch = batch_of(left);
        struct record_iterator iterator = iterator_of(&batch);
        struct record record;
        int64_t max_timestamp_ms = 0;

        assert_header_is(&batch, &golden_batches[i]);
        while (record_iterator_next(&iterator, &record)) {
            assert_record_is(&record, offset++);
            if (record.timestamp_ms > max_timestamp_ms)
                max_timestamp_ms = record.timestamp_ms;
        }
        assert_false(iterator.failed);
        assert_int_equal(offset, record_batch_next_offset(&batch));
        assert_true(max_timestamp_ms == batch.max_timestamp_ms);
        left = slice_from(left, batch.bytes.size);
    }
    assert_int_equal(left.size, 0);
    assert_int_equal(offset, 22);
    buffer_finish(&file);
}

TEST(recorded_headers_and_markers_are_read)
{
    struct buffer file = golden_read("wire/segment/00000000000000000000.log");
    struct record_batch batch = batch_of(slice_from(buffer_slice(&file), 93));
    struct record_iterator iterator = iterator_of(&batch);
    struct record_header header;
    struct record record;
    enum control_record type;
    int32_t epoch;

    assert_true(record_iterator_next(&iterator, &record));
    assert_int_equal(record.header_count, 2);
    assert_true(record_next_header(&record, &header));
    assert_true(slice_equal_string(header.key, "h1"));
    assert_true(record_next_header(&record, &header));
    assert_true(slice_equal_string(header.key, "h2"));
    assert_false(record_next_header(&record, &header));

    batch = batch_of(slice_from(buffer_slice(&file), 845));
    iterator = iterator_of(&batch);
    assert_true(record_iterator_next(&iterator, &record));
    assert_true(control_record_read(&record, &type, &epoch));
    assert_int_equal(type, CONTROL_COMMIT);
    assert_int_equal(epoch, 0);
    batch = batch_of(slice_from(buffer_slice(&file), 999));
    iterator = iterator_of(&batch);
    assert_true(record_iterator_next(&iterator, &record));
    assert_true(control_record_read(&record, &type, &epoch));
    assert_int_equal(type, CONTROL_ABORT);
    buffer_finish(&file);
}

TEST(an_end_marker_is_the_one_that_the_broker_writes)
{
    struct buffer file = golden_read("wire/segment/00000000000000000000.log");

    buffer_reset(&scratch);
    record_batch_append_end_marker(&scratch, 71, 1, 0, CONTROL_COMMIT, 1795408608668);
    record_batch_append_end_marker(&scratch, 72, 0, 0, CONTROL_ABORT, 1795408609523);
    record_batch_set_offset(scratch.data, 18, 0);
    record_batch_set_offset(scratch.data + 78, 20, 0);
    assert_memory_equal(scratch.data, file.data + 845, 78);
    assert_memory_equal(scratch.data + 78, file.data + 999, 78);
    buffer_finish(&file);
}

TEST(the_same_records_build_the_same_batch)
{
    struct buffer file = golden_read("wire/segment/00000000000000000000.log");
    struct record_batch_spec spec = {66, 0, 0, false};
    struct record_header headers[2];
    struct record_batch golden = batch_of(slice_from(buffer_slice(&file), 93));
    struct record_iterator iterator = iterator_of(&golden);
    struct record record;
    struct slice batch;

    while (record_iterator_next(&iterator, &record)) {
        size_t count = 0;
        while (record_next_header(&record, &headers[count]))
            count++;
        assert_true(record_builder_append(&builder, record.timestamp_ms, record.key, record.value, headers, count));
    }
    batch = record_builder_seal(&builder, &spec, NULL);
    record_batch_set_offset(builder.plain.data, 2, 0);
    assert_true(slice_equal(batch, golden.bytes));
    buffer_finish(&file);
}

/* ---- Building ---- */

TEST(what_is_built_comes_back_with_every_codec)
{
    struct record_header headers[] = {{s("h"), s("v")}, {s("null"), slice_null()}, {s(""), s("")}};

    for (int codec = 0; codec < COMPRESSION_COUNT; codec++) {
        struct compressor *compressor = compressor_create((enum compression)codec);
        struct record_batch_spec spec = record_batch_spec_plain();
        struct record_batch batch;
        struct record_iterator iterator;
        struct record record;
        struct record_header header;
        char value[64];

        record_builder_reset(&builder);
        for (int i = 0; i < 1000; i++) {
            int size = snprintf(value, sizeof(value), "{\"schema\":\"something\",\"payload\":%d}", i);
            assert_true(record_builder_append(&builder, 1000 + (i % 7) * 100000 - i, i % 3 == 0 ? slice_null() : s("key"),
                                              i % 5 == 0 ? slice_null() : slice_of(value, (size_t)size), headers, (size_t)(i % 4)));
        }
        batch = batch_of(record_builder_seal(&builder, &spec, compressor));
        assert_true(record_batch_checksum_is_right(&batch));
        assert_int_equal(record_batch_codec(&batch), codec);
        assert_int_equal(batch.count, 1000);
        assert_true(codec == COMPRESSION_NONE || batch.bytes.size < 20000);
        iterator = iterator_of(&batch);
        for (int i = 0; i < 1000; i++) {
            int size = snprintf(value, sizeof(value), "{\"schema\":\"something\",\"payload\":%d}", i);

            assert_true(record_iterator_next(&iterator, &record));
            assert_int_equal(record.offset, i);
            assert_int_equal(record.timestamp_ms, 1000 + (i % 7) * 100000 - i);
            assert_int_equal(slice_is_null(record.key), i % 3 == 0);
            assert_int_equal(slice_is_null(record.value), i % 5 == 0);
            assert_true(i % 5 == 0 || slice_equal(record.value, slice_of(value, (size_t)size)));
            assert_int_equal(record.header_count, i % 4);
            for (int h = 0; h < i % 4; h++) {
                assert_true(record_next_header(&record, &header));
                assert_true(slice_equal(header.key, headers[h].key));
                assert_true(slice_equal(header.value, headers[h].value));
                assert_int_equal(slice_is_null(header.value), h == 1);
            }
        }
        assert_false(record_iterator_next(&iterator, &record));
        assert_false(iterator.failed);
        compressor_destroy(compressor);
    }
}

TEST(rendered_headers_and_values_in_parts_give_the_same_bytes)
{
    const struct record_header headers[] = {{s("a"), s("1")}, {s("b"), slice_null()}};
    static const uint8_t rendered[] = {4, 2, 'a', 2, '1', 2, 'b', 1};
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder parts;
    struct slice whole;

    record_builder_init(&parts, 1u << 20);
    record_builder_reset(&builder);
    assert_true(record_builder_append(&builder, 1000, s("k"), s("headbody"), headers, 2));
    assert_true(record_builder_append(&builder, 1001, slice_null(), slice_null(), NULL, 0));
    assert_true(record_builder_append(&builder, 1002, s("k"), s("body"), NULL, 0));
    assert_true(record_builder_append_rendered(&parts, 1000, s("k"), s("head"), s("body"), slice_of(rendered, sizeof(rendered))));
    assert_true(record_builder_append_rendered(&parts, 1001, slice_null(), slice_null(), slice_null(), slice_null()));
    assert_true(record_builder_append_rendered(&parts, 1002, s("k"), slice_null(), s("body"), slice_null()));
    whole = record_builder_seal(&builder, &spec, NULL);
    assert_true(slice_equal(whole, record_builder_seal(&parts, &spec, NULL)));
    record_builder_finish(&parts);
}

TEST(a_full_batch_takes_no_more)
{
    struct record_builder small;
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_header header = {s("header"), s("that does not fit, because there are only so many bytes left")};

    record_builder_init(&small, 200);
    assert_false(record_builder_append(&small, 0, slice_null(), slice_of(small.plain.data, 200), NULL, 0));
    assert_int_equal(record_builder_count(&small), 0);
    assert_true(record_builder_append(&small, 0, slice_null(), s("12345678901234567890123456789012345678901234567890"), NULL, 0));
    assert_false(record_builder_append(&small, 0, slice_null(),
                                       s("1234567890123456789012345678901234567890123456789012345678901234567890123456"), NULL, 0));
    assert_false(record_builder_append(&small, 0, slice_null(), s("a value of some length"), &header, 1));
    assert_true(record_builder_append(&small, 0, slice_null(), s("last"), NULL, 0));
    assert_int_equal(batch_of(record_builder_seal(&small, &spec, NULL)).count, 2);
    record_builder_finish(&small);
}

TEST(what_does_not_become_smaller_stays_uncompressed)
{
    struct compressor *compressor = compressor_create(COMPRESSION_GZIP);
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_batch batch;

    assert_true(record_builder_append(&builder, 0, slice_null(), s("x"), NULL, 0));
    batch = batch_of(record_builder_seal(&builder, &spec, compressor));
    assert_int_equal(record_batch_codec(&batch), COMPRESSION_NONE);
    assert_true(record_batch_checksum_is_right(&batch));
    compressor_destroy(compressor);
}

/* ---- Changing in place ---- */

TEST(changes_in_place_keep_the_checksum_right)
{
    struct record_batch_spec spec = {9, 3, INT32_MAX, true};
    struct record_batch batch;
    struct record_iterator iterator;
    struct record record;

    assert_true(record_builder_append(&builder, 1000, s("k"), s("v"), NULL, 0));
    assert_true(record_builder_append(&builder, 999, s("k"), s("v"), NULL, 0));
    (void)record_builder_seal(&builder, &spec, NULL);
    record_batch_set_offset(builder.plain.data, INT64_C(1) << 40, 12);
    batch = batch_of(buffer_slice(&builder.plain));
    assert_true(record_batch_checksum_is_right(&batch));
    assert_true(record_batch_next_offset(&batch) == (INT64_C(1) << 40) + 2);
    assert_int_equal(batch.leader_epoch, 12);
    assert_int_equal(record_batch_last_sequence(&batch), 0); /* wraps around */
    assert_true(record_batch_is_transactional(&batch));
    assert_int_equal(batch.max_timestamp_ms, 1000);

    record_batch_set_append_time(builder.plain.data, 5000);
    batch = batch_of(buffer_slice(&builder.plain));
    assert_true(record_batch_checksum_is_right(&batch));
    iterator = iterator_of(&batch);
    assert_true(record_iterator_next(&iterator, &record));
    assert_int_equal(record.timestamp_ms, 5000);

    record_batch_set_max_timestamp(builder.plain.data, 7000);
    batch = batch_of(buffer_slice(&builder.plain));
    assert_true(record_batch_checksum_is_right(&batch));
    assert_int_equal(batch.max_timestamp_ms, 7000);
}

/* ---- Checking what a producer sent ---- */

static struct record_batches_rules rules_any(void)
{
    struct record_batches_rules rules = {.batch_bytes_max = 1u << 20,
                                         .plain_bytes_max = 1u << 20,
                                         .one_batch = true,
                                         .zstd_allowed = true,
                                         .timestamp_min_ms = INT64_MIN,
                                         .timestamp_max_ms = INT64_MAX,
                                         .decompressor = decompressor,
                                         .scratch = &scratch,
                                         .arena = &arena};
    return rules;
}

static struct slice three_records(struct compressor *compressor)
{
    struct record_batch_spec spec = {7, 1, 40, false};

    record_builder_reset(&builder);
    assert_true(record_builder_append(&builder, 1000, s("k"), s("a value long enough to be worth compressing, compressing"), NULL, 0));
    assert_true(
        record_builder_append(&builder, 3000, slice_null(), s("a value long enough to be worth compressing, compressing"), NULL, 0));
    assert_true(record_builder_append(&builder, 2000, s("k"), s("a value long enough to be worth compressing, compressing"), NULL, 0));
    return record_builder_seal(&builder, &spec, compressor);
}

static enum status check(struct slice batches, const struct record_batches_rules *rules, struct record_batches_facts *facts,
                         const char *message)
{
    struct error error = {0};
    enum status status = record_batches_check(batches, rules, facts, &error);

    assert_string_equal(error.message, message);
    return status;
}

TEST(a_good_batch_passes_with_its_facts)
{
    struct record_batches_rules rules = rules_any();
    struct record_batches_facts facts;

    for (int codec = 0; codec < COMPRESSION_COUNT; codec++) {
        struct compressor *compressor = compressor_create((enum compression)codec);

        assert_int_equal(check(three_records(compressor), &rules, &facts, ""), OK);
        assert_int_equal(facts.batch_count, 1);
        assert_int_equal(facts.record_count, 3);
        assert_int_equal(facts.max_timestamp_ms, 3000);
        assert_true(facts.max_timestamp_is_right);
        assert_int_equal(facts.codec, codec);
        assert_int_equal(facts.producer_id, 7);
        assert_int_equal(facts.producer_epoch, 1);
        assert_int_equal(facts.base_sequence, 40);
        assert_false(facts.transactional);
        rules.decompressor = NULL;
        assert_int_equal(check(three_records(compressor), &rules, &facts, ""), OK);
        assert_int_equal(facts.max_timestamp_ms, 3000);
        rules.decompressor = decompressor;
        compressor_destroy(compressor);
    }
}

TEST(records_without_keys_and_with_wrong_times_are_named)
{
    struct record_batches_rules rules = rules_any();
    struct record_batches_facts facts;
    struct slice batch = three_records(NULL);

    rules.keys_required = true;
    assert_int_equal(check(batch, &rules, &facts, "record 1 of the batch: a compacted topic needs a key"), ERROR_INVALID_RECORD);
    assert_int_equal(facts.invalid_count, 1);
    assert_int_equal(facts.invalid[0], 1);
    rules.keys_required = false;
    rules.timestamp_max_ms = 1500;
    assert_int_equal(check(batch, &rules, &facts, "record 1 of the batch: timestamp 3000 is not within -9223372036854775808 to 1500"),
                     ERROR_INVALID_TIMESTAMP);
    assert_int_equal(facts.invalid_count, 2);
    assert_int_equal(facts.invalid[0], 1);
    assert_int_equal(facts.invalid[1], 2);
}

/* A copy of three_records that a test breaks; `renew` makes the checksum right again. */
static uint8_t broken[2048];
static struct slice broken_batch;

static void broken_begin(void)
{
    struct slice batch = three_records(NULL);

    assert_true(batch.size <= sizeof(broken));
    memcpy(broken, batch.data, batch.size);
    broken_batch = slice_of(broken, batch.size);
}

static void broken_renew(void)
{
    struct record_batch batch = batch_of(broken_batch);
    record_batch_set_max_timestamp(broken, batch.max_timestamp_ms);
}

TEST(what_a_producer_may_not_send_is_refused)
{
    struct record_batches_rules rules = rules_any();
    struct record_batches_facts facts;
    struct compressor *zstd = compressor_create(COMPRESSION_ZSTD);

    assert_int_equal(check(slice_null(), &rules, &facts, "record batch: there is none"), ERROR_INVALID_RECORD);

    broken_begin();
    broken[100] ^= 1;
    assert_int_equal(record_batches_check(broken_batch, &rules, &facts, NULL), ERROR_CORRUPT_MESSAGE);

    broken_begin();
    broken[7] = 1; /* base offset */
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: base offset 1 must be 0"), ERROR_INVALID_RECORD);

    broken_begin();
    broken[60] = 2; /* count */
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: count 2 does not go with last offset delta 2"),
                     ERROR_INVALID_RECORD);

    broken_begin();
    broken[60] = 2;
    broken[26] = 1; /* last offset delta: goes with the count, but there is a third record */
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: its records are not 2 whole ones"), ERROR_INVALID_RECORD);

    broken_begin();
    broken[22] = RECORD_BATCH_CONTROL;
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: clients may not write control records"), ERROR_INVALID_RECORD);

    broken_begin();
    broken[22] = RECORD_BATCH_APPEND_TIME;
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: producers may not set LogAppendTime"), ERROR_INVALID_TIMESTAMP);

    broken_begin();
    broken[22] = 6; /* codec */
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: codec 6 is not allowed here"), ERROR_UNSUPPORTED_COMPRESSION_TYPE);

    broken_begin();
    broken[22] = COMPRESSION_GZIP; /* but it is not */
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: its records cannot be decompressed"), ERROR_INVALID_RECORD);

    broken_begin();
    broken[22] = COMPRESSION_GZIP;
    memset(broken + 23, 0xff, 4); /* last offset delta 2147483647 */
    broken[23] = 0x7f;
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: count 3 does not go with last offset delta 2147483647"),
                     ERROR_INVALID_RECORD);

    broken_begin();
    memset(broken + 51, 0xff, 2); /* producer epoch */
    broken_renew();
    assert_int_equal(
        check(broken_batch, &rules, &facts, "record batch: producer 7 with epoch -1 and sequence 40, which may not be negative"),
        ERROR_INVALID_RECORD);

    broken_begin();
    broken[64] = 2; /* the first record's offset delta */
    broken_renew();
    assert_int_equal(check(broken_batch, &rules, &facts, "record 0 of the batch: its offset does not follow"), ERROR_INVALID_RECORD);

    broken_begin();
    broken[16] = 1; /* magic */
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: message format 1 is too old, 2 is needed"),
                     ERROR_UNSUPPORTED_FOR_MESSAGE_FORMAT);

    broken_begin();
    record_batch_set_max_timestamp(broken, 9999);
    assert_int_equal(check(broken_batch, &rules, &facts, ""), OK);
    assert_false(facts.max_timestamp_is_right);
    assert_int_equal(facts.max_timestamp_ms, 3000);

    memcpy(broken + broken_batch.size, broken, broken_batch.size);
    broken_batch.size *= 2;
    assert_int_equal(check(broken_batch, &rules, &facts, "record batch: there may be only one for a partition"), ERROR_INVALID_RECORD);
    rules.one_batch = false;
    assert_int_equal(check(broken_batch, &rules, &facts, ""), OK);
    assert_int_equal(facts.record_count, 6);

    rules.batch_bytes_max = 100;
    assert_int_equal(record_batches_check(broken_batch, &rules, &facts, NULL), ERROR_MESSAGE_TOO_LARGE);
    rules = rules_any();
    rules.zstd_allowed = false;
    assert_int_equal(check(three_records(zstd), &rules, &facts, "record batch: codec 4 is not allowed here"),
                     ERROR_UNSUPPORTED_COMPRESSION_TYPE);
    rules.zstd_allowed = true;
    rules.plain_bytes_max = 100;
    assert_int_equal(check(three_records(zstd), &rules, &facts, "decompress zstd: more than 100 bytes"), ERROR_MESSAGE_TOO_LARGE);
    compressor_destroy(zstd);
}

/* ---- Broken bytes ---- */

static void read_all(struct slice bytes)
{
    struct record_batch batch;
    struct record_iterator iterator;
    struct record record;
    struct record_header header;

    if (record_batch_read(bytes, &batch, NULL) != OK)
        return;
    if (record_iterator_init(&iterator, &batch, decompressor, 1u << 20, &scratch, NULL) != OK)
        return;
    while (record_iterator_next(&iterator, &record)) {
        while (record_next_header(&record, &header))
            ;
    }
}

TEST(a_batch_cut_short_anywhere_is_corrupt)
{
    struct slice batch = three_records(NULL);

    for (size_t size = 0; size < batch.size; size++) {
        uint8_t *copy = malloc(size + 1);
        struct record_batch read;

        memcpy(copy + 1, batch.data, size);
        assert_int_equal(record_batch_read(slice_of(copy + 1, size), &read, NULL), ERROR_CORRUPT_MESSAGE);
        assert_true(record_batch_size(slice_of(copy + 1, size)) == (size < 12 ? 0 : (int64_t)batch.size));
        free(copy);
    }
}

TEST(broken_batches_never_crash)
{
    struct buffer file = golden_read("wire/segment/00000000000000000000.log");
    uint32_t seed = 5;
    size_t at = 0;

    for (size_t i = 0; i < GOLDEN_BATCHES; i++) {
        size_t size = (size_t)golden_batches[i].size;

        for (int round = 0; round < 3000; round++) {
            uint8_t *copy = malloc(size);

            memcpy(copy, file.data + at, size);
            for (int j = 0; j < 3; j++) {
                seed = seed * 1664525 + 1013904223;
                copy[(seed >> 8) % size] = (uint8_t)(seed >> 24);
            }
            read_all(slice_of(copy, size));
            free(copy);
        }
        at += size;
    }
    buffer_finish(&file);
}

TEST(a_count_that_lies_is_refused)
{
    struct record_batch batch;

    broken_begin();
    memset(broken + 57, 0x7f, 4);
    memset(broken + 23, 0x7f, 4);
    assert_int_equal(record_batch_read(broken_batch, &batch, NULL), ERROR_CORRUPT_MESSAGE);
    broken_begin();
    memset(broken + 57, 0xff, 4);
    assert_int_equal(record_batch_read(broken_batch, &batch, NULL), ERROR_CORRUPT_MESSAGE);
    broken_begin();
    memset(broken, 0x7f, 1);
    memset(broken + 1, 0xff, 7);
    assert_int_equal(record_batch_read(broken_batch, &batch, NULL), ERROR_CORRUPT_MESSAGE);
    broken_begin();
    memset(broken + 8, 0xff, 4); /* length -1 */
    assert_true(record_batch_size(broken_batch) == -1);
    assert_int_equal(record_batch_read(broken_batch, &batch, NULL), ERROR_CORRUPT_MESSAGE);
}

/* ---- A batch in steps ---- */

/* Records of many lengths, one larger than a step, beside which a step ends anywhere. */
static void streamed_build(struct record_builder *large, size_t *count)
{
    size_t sizes[] = {0, 1, 63, 64, 8191, 8192, 40000, 700000};
    uint8_t *value = malloc(700000);
    uint32_t random = 1;

    for (size_t i = 0; i < 700000; i++) {
        random = random * 1664525 + 1013904223;
        value[i] = i % 64 == 0 ? (uint8_t)(random >> 24) : (uint8_t)('a' + i % 7);
    }
    *count = 0;
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            if (sizes[i] < 700000 || round == 20) {
                assert_true(record_builder_append(large, 1000 + round, s("k"), slice_of(value + round, sizes[i] - (sizes[i] == 700000 ? 100 : 0)), NULL, 0));
                ++*count;
            }
        }
    }
    free(value);
}

/* Reads the batch whole and in steps; true when both come to an end, with the same records in both. */
static bool streams_the_same(const struct record_batch *batch, size_t plain_max, size_t *count)
{
    struct decompressor *second = decompressor_create();
    struct record_iterator whole, steps;
    struct record expected, record;
    struct buffer chunk;
    bool right;

    buffer_init(&chunk, 16u << 20);
    *count = 0;
    assert_int_equal(record_iterator_init(&whole, batch, decompressor, 16u << 20, &scratch, NULL), OK);
    assert_int_equal(record_iterator_stream(&steps, batch, second, plain_max, &chunk, NULL), OK);
    while (record_iterator_next(&steps, &record)) {
        assert_true(record_iterator_next(&whole, &expected));
        assert_int_equal(record.offset, expected.offset);
        assert_int_equal(record.timestamp_ms, expected.timestamp_ms);
        assert_true(slice_equal(record.key, expected.key));
        assert_true(slice_equal(record.value, expected.value));
        ++*count;
    }
    right = !steps.failed && !record_iterator_next(&whole, &expected) && !whole.failed;
    decompressor_destroy(second);
    buffer_finish(&chunk);
    return right;
}

TEST(a_batch_in_steps_gives_the_same_records)
{
    for (int codec = 0; codec < COMPRESSION_COUNT; codec++) {
        struct compressor *compressor = compressor_create((enum compression)codec);
        struct record_batch_spec spec = record_batch_spec_plain();
        struct record_builder large;
        struct record_batch batch;
        size_t count, read;

        record_builder_init(&large, 8u << 20);
        streamed_build(&large, &count);
        batch = batch_of(record_builder_seal(&large, &spec, compressor));
        assert_int_equal(record_batch_codec(&batch), codec);
        assert_true(streams_the_same(&batch, 16u << 20, &read));
        assert_int_equal(read, count);
        if (codec != COMPRESSION_NONE) { /* more than it may become */
            assert_false(streams_the_same(&batch, 1u << 20, &read));
            assert_true(read < count);
        }
        record_builder_finish(&large);
        compressor_destroy(compressor);
    }
}

TEST(a_batch_in_steps_that_is_broken_ends_as_failed)
{
    struct compressor *gzip = compressor_create(COMPRESSION_GZIP);
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_iterator iterator;
    struct record_builder large;
    struct record_batch batch;
    struct record record;
    struct slice sealed;
    uint8_t *copy;
    size_t count;

    record_builder_init(&large, 8u << 20);
    streamed_build(&large, &count);
    sealed = record_builder_seal(&large, &spec, gzip);
    copy = malloc(sealed.size);
    memcpy(copy, sealed.data, sealed.size);
    copy[sealed.size - 6] ^= 1; /* of gzip's own checksum, with that of the batch right: seen with the last step */
    batch = batch_of(slice_of(copy, sealed.size));
    assert_int_equal(record_iterator_stream(&iterator, &batch, decompressor, 16u << 20, &scratch, NULL), ERROR_CORRUPT_MESSAGE);
    record_batch_set_max_timestamp(copy, batch.max_timestamp_ms);
    batch = batch_of(slice_of(copy, sealed.size));
    assert_int_equal(record_iterator_stream(&iterator, &batch, decompressor, 16u << 20, &scratch, NULL), OK);
    while (record_iterator_next(&iterator, &record))
        count--;
    assert_true(iterator.failed);
    assert_false(record_iterator_next(&iterator, &record));
    free(copy);
    record_builder_finish(&large);
    compressor_destroy(gzip);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_recorded_segment_reads_whole),
        CASE(recorded_headers_and_markers_are_read),
        CASE(an_end_marker_is_the_one_that_the_broker_writes),
        CASE(the_same_records_build_the_same_batch),
        CASE(what_is_built_comes_back_with_every_codec),
        CASE(rendered_headers_and_values_in_parts_give_the_same_bytes),
        CASE(a_full_batch_takes_no_more),
        CASE(what_does_not_become_smaller_stays_uncompressed),
        CASE(changes_in_place_keep_the_checksum_right),
        CASE(a_good_batch_passes_with_its_facts),
        CASE(records_without_keys_and_with_wrong_times_are_named),
        CASE(what_a_producer_may_not_send_is_refused),
        CASE(a_batch_cut_short_anywhere_is_corrupt),
        CASE(broken_batches_never_crash),
        CASE(a_count_that_lies_is_refused),
        CASE(a_batch_in_steps_gives_the_same_records),
        CASE(a_batch_in_steps_that_is_broken_ends_as_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
