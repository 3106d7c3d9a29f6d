#include "wire/kafka/record_copier.h"

#include "check.h"

static struct slice batch_build(struct record_builder *builder, enum compression codec, int count)
{
    struct record_batch_spec spec = {77, 3, 40, false};
    struct record_header header = {slice_from_string("trace"), slice_from_string("abc")};
    struct compressor *compressor = codec == COMPRESSION_NONE ? NULL : compressor_create(codec);
    struct slice batch;

    record_builder_init(builder, 1 << 20);
    for (int i = 0; i < count; i++) {
        char key[16], value[200];

        (void)snprintf(key, sizeof(key), "key-%d", i);
        memset(value, 'a' + i % 26, sizeof(value));
        assert_true(record_builder_append(builder, 5000 - i * 10, slice_from_string(key), i % 4 == 3 ? slice_null() : slice_of(value, sizeof(value)),
                                          &header, (size_t)(i % 2)));
    }
    batch = record_builder_seal(builder, &spec, compressor);
    record_batch_set_offset((uint8_t *)(uintptr_t)batch.data, 1000, 6);
    compressor_destroy(compressor);
    return batch;
}

/* Copies the records whose place in the batch is no multiple of `dropped`, and reads the outcome. */
static void copy_check(enum compression codec, int64_t horizon_ms, int dropped)
{
    struct compressor *compressor = codec == COMPRESSION_NONE ? NULL : compressor_create(codec);
    struct decompressor *decompressor = decompressor_create();
    struct record_batch from, copy;
    struct record_iterator iterator, again;
    struct record_builder builder;
    struct record_copier copier;
    struct record record, found;
    struct buffer out, scratch, other;
    int kept = 0;

    buffer_init(&out, 1 << 20);
    buffer_init(&scratch, 1 << 20);
    buffer_init(&other, 1 << 20);
    record_copier_init(&copier, 1 << 20);
    assert_int_equal(record_batch_read(batch_build(&builder, codec, 20), &from, NULL), OK);
    record_copier_begin(&copier, &from, horizon_ms);
    assert_int_equal(record_iterator_init(&iterator, &from, decompressor, 1 << 20, &scratch, NULL), OK);
    for (int i = 0; record_iterator_next(&iterator, &record); i++) {
        if (i % dropped != 0)
            record_copier_add(&copier, &record);
    }
    record_copier_seal(&copier, compressor, &out);
    assert_false(out.failed);

    assert_int_equal(record_batch_read(buffer_slice(&out), &copy, NULL), OK);
    assert_true(record_batch_checksum_is_right(&copy));
    assert_int_equal(copy.bytes.size, out.size);
    assert_int_equal(record_batch_codec(&copy), codec);
    assert_int_equal(copy.base_offset, 1000);
    assert_int_equal(copy.last_offset_delta, 19);
    assert_int_equal(copy.leader_epoch, 6);
    assert_int_equal(copy.producer_id, 77);
    assert_int_equal(copy.producer_epoch, 3);
    assert_int_equal(copy.base_sequence, 40);
    assert_int_equal(record_batch_delete_horizon(&copy), horizon_ms);

    assert_int_equal(record_iterator_init(&iterator, &copy, decompressor, 1 << 20, &scratch, NULL), OK);
    assert_int_equal(record_iterator_init(&again, &from, decompressor, 1 << 20, &other, NULL), OK);
    for (int i = 0; record_iterator_next(&again, &record); i++) {
        if (i % dropped == 0)
            continue;
        assert_true(record_iterator_next(&iterator, &found));
        assert_int_equal(found.offset, 1000 + i);
        assert_int_equal(found.timestamp_ms, 5000 - i * 10);
        assert_true(slice_equal(found.key, record.key) && slice_equal(found.value, record.value) && slice_equal(found.headers, record.headers));
        assert_int_equal(slice_is_null(found.value), slice_is_null(record.value));
        kept++;
    }
    assert_int_equal(copy.count, kept);
    assert_int_equal(copy.max_timestamp_ms, 4990);
    record_copier_finish(&copier);
    record_builder_finish(&builder);
    buffer_finish(&out);
    buffer_finish(&scratch);
    buffer_finish(&other);
    decompressor_destroy(decompressor);
    compressor_destroy(compressor);
}

TEST(what_remains_keeps_offset_time_and_bytes_in_every_codec)
{
    for (int codec = COMPRESSION_NONE; codec < COMPRESSION_COUNT; codec++)
        copy_check((enum compression)codec, -1, 3);
}

TEST(a_delete_horizon_takes_the_place_of_the_base_timestamp_and_the_times_stay)
{
    copy_check(COMPRESSION_NONE, 1767000000000, 2);
    copy_check(COMPRESSION_GZIP, 17, 2);
}

TEST(without_records_an_empty_uncompressed_batch_remains)
{
    struct compressor *compressor = compressor_create(COMPRESSION_ZSTD);
    struct record_builder builder;
    struct record_copier copier;
    struct record_batch from, copy;
    struct buffer out;

    buffer_init(&out, 1 << 20);
    record_copier_init(&copier, 1 << 20);
    assert_int_equal(record_batch_read(batch_build(&builder, COMPRESSION_ZSTD, 20), &from, NULL), OK);
    record_copier_begin(&copier, &from, -1);
    record_copier_seal(&copier, compressor, &out);
    assert_int_equal(record_batch_read(buffer_slice(&out), &copy, NULL), OK);
    assert_true(record_batch_checksum_is_right(&copy));
    assert_int_equal(out.size, RECORD_BATCH_HEADER_BYTES);
    assert_int_equal(record_batch_codec(&copy), COMPRESSION_NONE);
    assert_int_equal(copy.count, 0);
    assert_int_equal(record_batch_last_sequence(&copy), 59);
    assert_int_equal(record_batch_next_offset(&copy), 1020);
    record_copier_finish(&copier);
    record_builder_finish(&builder);
    buffer_finish(&out);
    compressor_destroy(compressor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_remains_keeps_offset_time_and_bytes_in_every_codec),
        cmocka_unit_test(a_delete_horizon_takes_the_place_of_the_base_timestamp_and_the_times_stay),
        cmocka_unit_test(without_records_an_empty_uncompressed_batch_remains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
