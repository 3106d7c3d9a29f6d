#include "wire/kafka/records.h"

#include "base/crc32c.h"

#include "base/banned.h"

#include <assert.h>
#include <inttypes.h>

#define AT_BASE_OFFSET 0
#define AT_LENGTH 8
#define AT_LEADER_EPOCH 12
#define AT_MAGIC 16
#define AT_CRC 17
#define AT_ATTRIBUTES 21
#define AT_LAST_OFFSET_DELTA 23
#define AT_BASE_TIMESTAMP 27
#define AT_MAX_TIMESTAMP 35
#define AT_PRODUCER_ID 43
#define AT_PRODUCER_EPOCH 51
#define AT_BASE_SEQUENCE 53
#define AT_COUNT 57

#define LENGTH_MIN_OF_ANY_FORMAT 14 /* a message of format 0 without key and value */
#define RECORD_BYTES_MIN 7          /* seven one-byte fields */
#define STREAM_BYTES ((size_t)256 << 10) /* of a batch that comes in steps: a processor's second cache holds it beside other things */
#define VARINT32_BYTES_MAX 5

/* ---- Big-endian at a place ---- */

static uint16_t get_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap16(value);
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap64(value);
}

static void put_u16(uint8_t *at, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(at, &value, sizeof(value));
}

static void put_u32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
}

static void put_u64(uint8_t *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof(value));
}

/* ---- Headers of batches ---- */

int64_t record_batch_size(struct slice bytes)
{
    int32_t length;

    if (bytes.size < RECORD_BATCH_LENGTH_END)
        return 0;
    length = (int32_t)get_u32(bytes.data + AT_LENGTH);
    return length < LENGTH_MIN_OF_ANY_FORMAT ? -1 : (int64_t)RECORD_BATCH_LENGTH_END + length;
}

static void header_read(const uint8_t *at, struct record_batch *batch)
{
    batch->base_offset = (int64_t)get_u64(at + AT_BASE_OFFSET);
    batch->leader_epoch = (int32_t)get_u32(at + AT_LEADER_EPOCH);
    batch->crc = get_u32(at + AT_CRC);
    batch->attributes = (int16_t)get_u16(at + AT_ATTRIBUTES);
    batch->last_offset_delta = (int32_t)get_u32(at + AT_LAST_OFFSET_DELTA);
    batch->base_timestamp_ms = (int64_t)get_u64(at + AT_BASE_TIMESTAMP);
    batch->max_timestamp_ms = (int64_t)get_u64(at + AT_MAX_TIMESTAMP);
    batch->producer_id = (int64_t)get_u64(at + AT_PRODUCER_ID);
    batch->producer_epoch = (int16_t)get_u16(at + AT_PRODUCER_EPOCH);
    batch->base_sequence = (int32_t)get_u32(at + AT_BASE_SEQUENCE);
    batch->count = (int32_t)get_u32(at + AT_COUNT);
}

enum status record_batch_read(struct slice bytes, struct record_batch *batch, struct error *error)
{
    int64_t size = record_batch_size(bytes);
    int magic;

    if (size <= 0 || (size_t)size > bytes.size)
        return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: its length does not fit the %zu bytes that are there", bytes.size);
    magic = bytes.data[AT_MAGIC];
    if (magic < RECORD_BATCH_MAGIC)
        return error_set(error, ERROR_UNSUPPORTED_FOR_MESSAGE_FORMAT, "record batch: message format %d is too old, %d is needed", magic,
                         RECORD_BATCH_MAGIC);
    if (magic > RECORD_BATCH_MAGIC)
        return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: message format %d is unknown", magic);
    if ((size_t)size < RECORD_BATCH_HEADER_BYTES)
        return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: %" PRId64 " bytes are fewer than a header has", size);

    header_read(bytes.data, batch);
    batch->bytes = slice_of(bytes.data, (size_t)size);
    batch->records = slice_from(batch->bytes, RECORD_BATCH_HEADER_BYTES);
    if (batch->last_offset_delta < 0 || batch->count < 0 || batch->count - 1 > batch->last_offset_delta || batch->base_offset < 0 ||
        batch->base_offset > INT64_MAX - 1 - batch->last_offset_delta)
        return error_set(error, ERROR_CORRUPT_MESSAGE,
                         "record batch: base offset %" PRId64 ", last offset delta %" PRId32 " and count %" PRId32 " cannot be together",
                         batch->base_offset, batch->last_offset_delta, batch->count);
    if (record_batch_codec(batch) == COMPRESSION_NONE && (size_t)batch->count > batch->records.size / RECORD_BYTES_MIN)
        return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: %" PRId32 " records cannot be in %zu bytes", batch->count,
                         batch->records.size);
    return OK;
}

static uint32_t checksum(struct slice batch)
{
    return crc32c(0, slice_from(batch, AT_ATTRIBUTES));
}

bool record_batch_checksum_is_right(const struct record_batch *batch)
{
    return checksum(batch->bytes) == batch->crc;
}

int32_t record_batch_last_sequence(const struct record_batch *batch)
{
    if (batch->base_sequence < 0)
        return -1;
    return (int32_t)(((uint32_t)batch->base_sequence + (uint32_t)batch->last_offset_delta) & INT32_MAX);
}

/* ---- Changing a batch in place ---- */

static void checksum_renew(uint8_t *batch)
{
    size_t size = RECORD_BATCH_LENGTH_END + get_u32(batch + AT_LENGTH);
    put_u32(batch + AT_CRC, checksum(slice_of(batch, size)));
}

void record_batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    put_u64(batch + AT_BASE_OFFSET, (uint64_t)base_offset);
    put_u32(batch + AT_LEADER_EPOCH, (uint32_t)leader_epoch);
}

void record_batch_set_append_time(uint8_t *batch, int64_t time_ms)
{
    put_u16(batch + AT_ATTRIBUTES, (uint16_t)(get_u16(batch + AT_ATTRIBUTES) | RECORD_BATCH_APPEND_TIME));
    put_u64(batch + AT_MAX_TIMESTAMP, (uint64_t)time_ms);
    checksum_renew(batch);
}

void record_batch_set_max_timestamp(uint8_t *batch, int64_t time_ms)
{
    put_u64(batch + AT_MAX_TIMESTAMP, (uint64_t)time_ms);
    checksum_renew(batch);
}

/* ---- Reading records ---- */

static struct record_iterator iterator_of(const struct record_batch *batch)
{
    struct record_iterator iterator = {
        .base_offset = batch->base_offset, .base_timestamp_ms = batch->base_timestamp_ms, .append_time_ms = -1, .left = batch->count};

    if ((batch->attributes & RECORD_BATCH_APPEND_TIME) != 0)
        iterator.append_time_ms = batch->max_timestamp_ms;
    return iterator;
}

enum status record_iterator_init(struct record_iterator *iterator, const struct record_batch *batch, struct decompressor *decompressor,
                                 size_t plain_max, struct buffer *scratch, struct error *error)
{
    enum compression codec = record_batch_codec(batch);
    struct slice records = batch->records;

    *iterator = iterator_of(batch);
    if (codec != COMPRESSION_NONE) {
        enum status status;

        assert(decompressor != NULL && scratch != NULL);
        buffer_reset(scratch);
        status = decompressor_run(decompressor, codec, records, plain_max, scratch, error);
        if (status != OK)
            return status;
        records = buffer_slice(scratch);
        if ((size_t)batch->count > records.size / RECORD_BYTES_MIN)
            return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: %" PRId32 " records cannot be in %zu bytes", batch->count,
                             records.size);
    }
    iterator->in = reader_of(records.data == NULL ? slice_of("", 0) : records);
    return OK;
}

enum status record_iterator_stream(struct record_iterator *iterator, const struct record_batch *batch, struct decompressor *decompressor,
                                   size_t plain_max, struct buffer *scratch, struct error *error)
{
    if (!record_batch_checksum_is_right(batch))
        return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: the checksum is %08" PRIx32 ", that of its bytes %08" PRIx32, batch->crc,
                         checksum(batch->bytes));
    if (record_batch_codec(batch) == COMPRESSION_NONE)
        return record_iterator_init(iterator, batch, NULL, plain_max, NULL, error);
    *iterator = iterator_of(batch);
    iterator->decompressor = decompressor;
    iterator->scratch = scratch;
    buffer_reset(scratch);
    iterator->in = reader_of(slice_of("", 0));
    decompressor_begin(decompressor, record_batch_codec(batch), batch->records, plain_max);
    return OK;
}

/* How many bytes more a whole record would need, as far as is known; 0 when one is there. */
static size_t record_missing(struct reader in)
{
    size_t left = reader_left(&in);
    int32_t length = read_varint32(&in);

    if (in.failed)
        return left >= VARINT32_BYTES_MAX ? 0 : VARINT32_BYTES_MAX - left;
    return length < 0 || (size_t)length <= reader_left(&in) ? 0 : (size_t)length - reader_left(&in);
}

/* Reads on behind what is left, which goes to the front, until a whole record is there; at the end of the batch it may be less. */
static void stream_read(struct record_iterator *iterator)
{
    struct buffer *scratch = iterator->scratch;
    size_t missing, left = reader_left(&iterator->in);
    bool ended = false;

    if (left > 0)
        memmove(scratch->data, iterator->in.at, left);
    scratch->size = left;
    iterator->in = reader_of(buffer_slice(scratch));
    while (!ended && (missing = left == 0 ? STREAM_BYTES : record_missing(iterator->in)) > 0) {
        if (missing + left < STREAM_BYTES)
            missing = STREAM_BYTES - left;
        if (decompressor_next(iterator->decompressor, missing, scratch, &ended, NULL) != OK)
            iterator->failed = ended = true;
        iterator->in = reader_of(buffer_slice(scratch));
        left = scratch->size;
    }
    if (ended)
        iterator->decompressor = NULL;
}

/* A varint length and that many bytes; -1 is null. */
static struct slice read_nullable(struct reader *in)
{
    int32_t size = read_varint32(in);

    if (size == -1)
        return slice_null();
    if (size < 0)
        reader_fail(in);
    return read_bytes(in, size < 0 ? 0 : (size_t)size);
}

static void read_header(struct reader *in, struct record_header *header)
{
    header->key = read_nullable(in);
    if (slice_is_null(header->key))
        reader_fail(in);
    header->value = read_nullable(in);
}

/* All headers, so that record_next_header cannot fail. */
static void read_headers(struct reader *in, struct record *record)
{
    const uint8_t *start;
    struct record_header header;

    record->header_count = read_varint32(in);
    start = in->at;
    if (record->header_count < 0 || (size_t)record->header_count > reader_left(in) / 2)
        reader_fail(in);
    for (int32_t i = 0; i < record->header_count && !in->failed; i++)
        read_header(in, &header);
    record->headers = slice_of(start, (size_t)(in->at - start));
}

bool record_iterator_next(struct record_iterator *iterator, struct record *record)
{
    struct reader *in = &iterator->in;
    struct reader body, before = *in;
    int32_t length;

    if (iterator->decompressor != NULL && iterator->left == 0)
        stream_read(iterator);
    if (iterator->left == 0 || iterator->failed) {
        iterator->failed = iterator->failed || reader_left(in) > 0;
        return false;
    }
    length = read_varint32(in);
    if (iterator->decompressor != NULL && (in->failed || (length >= 0 && (size_t)length > reader_left(in)))) {
        *in = before;
        stream_read(iterator);
        if (iterator->failed)
            return false;
        length = read_varint32(in);
    }
    body = reader_of(read_bytes(in, length < 0 ? SIZE_MAX : (size_t)length));
    (void)read_u8(&body); /* attributes, never used */
    record->timestamp_ms = (int64_t)((uint64_t)iterator->base_timestamp_ms + (uint64_t)read_varint64(&body));
    if (iterator->append_time_ms >= 0)
        record->timestamp_ms = iterator->append_time_ms;
    record->offset = (int64_t)((uint64_t)iterator->base_offset + (uint64_t)(int64_t)read_varint32(&body));
    record->key = read_nullable(&body);
    record->value = read_nullable(&body);
    read_headers(&body, record);
    if (in->failed || body.failed || reader_left(&body) > 0) {
        iterator->failed = true;
        return false;
    }
    iterator->left--;
    return true;
}

bool record_next_header(struct record *record, struct record_header *header)
{
    struct reader in = reader_of(record->headers);

    if (record->header_count == 0)
        return false;
    read_header(&in, header);
    record->header_count--;
    record->headers = slice_of(in.at, reader_left(&in));
    return true;
}

/* ---- Checking what a producer sent ---- */

static void blame(struct record_batches_facts *facts, const struct record_batches_rules *rules, const struct record_batch *batch,
                  int32_t index)
{
    if (rules->arena == NULL)
        return;
    if (facts->invalid == NULL)
        facts->invalid = arena_new_array(rules->arena, (size_t)batch->count, sizeof(*facts->invalid));
    facts->invalid[facts->invalid_count++] = index;
}

static enum status records_check(const struct record_batch *batch, const struct record_batches_rules *rules,
                                 struct record_batches_facts *facts, struct error *error)
{
    struct record_iterator iterator;
    struct record record;
    int64_t max_timestamp_ms = -1;
    enum status status, verdict = OK;

    status = record_iterator_init(&iterator, batch, rules->decompressor, rules->plain_bytes_max, rules->scratch, error);
    if (status == ERROR_CORRUPT_MESSAGE) /* the checksum was right: sending it again will not help */
        return error_set(error, ERROR_INVALID_RECORD, "record batch: its records cannot be decompressed");
    if (status != OK)
        return status;
    for (int32_t i = 0; record_iterator_next(&iterator, &record); i++) {
        if (record.offset != batch->base_offset + i)
            return error_set(error, ERROR_INVALID_RECORD, "record %" PRId32 " of the batch: its offset does not follow", i);
        if (record.timestamp_ms > max_timestamp_ms)
            max_timestamp_ms = record.timestamp_ms;
        if (rules->keys_required && slice_is_null(record.key)) {
            if (verdict == OK)
                verdict = error_set(error, ERROR_INVALID_RECORD, "record %" PRId32 " of the batch: a compacted topic needs a key", i);
            blame(facts, rules, batch, i);
        } else if (record.timestamp_ms != -1 &&
                   (record.timestamp_ms < rules->timestamp_min_ms || record.timestamp_ms > rules->timestamp_max_ms)) {
            if (verdict == OK)
                verdict = error_set(error, ERROR_INVALID_TIMESTAMP,
                                    "record %" PRId32 " of the batch: timestamp %" PRId64 " is not within %" PRId64 " to %" PRId64, i,
                                    record.timestamp_ms, rules->timestamp_min_ms, rules->timestamp_max_ms);
            blame(facts, rules, batch, i);
        }
    }
    if (iterator.failed)
        return error_set(error, ERROR_INVALID_RECORD, "record batch: its records are not %" PRId32 " whole ones", batch->count);
    if (max_timestamp_ms != batch->max_timestamp_ms)
        facts->max_timestamp_is_right = false;
    if (max_timestamp_ms > facts->max_timestamp_ms)
        facts->max_timestamp_ms = max_timestamp_ms;
    return verdict;
}

static enum status header_check(const struct record_batch *batch, const struct record_batches_rules *rules, struct error *error)
{
    enum compression codec = record_batch_codec(batch);

    if (batch->bytes.size > rules->batch_bytes_max)
        return error_set(error, ERROR_MESSAGE_TOO_LARGE, "record batch: %zu bytes are more than max.message.bytes (%zu)", batch->bytes.size,
                         rules->batch_bytes_max);
    if (!record_batch_checksum_is_right(batch))
        return error_set(error, ERROR_CORRUPT_MESSAGE, "record batch: the checksum is %08" PRIx32 ", that of its bytes %08" PRIx32,
                         batch->crc, checksum(batch->bytes));
    if ((unsigned)codec >= COMPRESSION_COUNT || (codec == COMPRESSION_ZSTD && !rules->zstd_allowed))
        return error_set(error, ERROR_UNSUPPORTED_COMPRESSION_TYPE, "record batch: codec %d is not allowed here", (int)codec);
    if (batch->base_offset != 0)
        return error_set(error, ERROR_INVALID_RECORD, "record batch: base offset %" PRId64 " must be 0", batch->base_offset);
    if (batch->count == 0 || batch->count - 1 != batch->last_offset_delta)
        return error_set(error, ERROR_INVALID_RECORD, "record batch: count %" PRId32 " does not go with last offset delta %" PRId32,
                         batch->count, batch->last_offset_delta);
    if (record_batch_is_control(batch))
        return error_set(error, ERROR_INVALID_RECORD, "record batch: clients may not write control records");
    if ((batch->attributes & RECORD_BATCH_APPEND_TIME) != 0)
        return error_set(error, ERROR_INVALID_TIMESTAMP, "record batch: producers may not set LogAppendTime");
    if (batch->producer_id >= 0 && (batch->producer_epoch < 0 || batch->base_sequence < 0))
        return error_set(error, ERROR_INVALID_RECORD,
                         "record batch: producer %" PRId64 " with epoch %d and sequence %" PRId32 ", which may not be negative",
                         batch->producer_id, batch->producer_epoch, batch->base_sequence);
    return OK;
}

static void facts_add(struct record_batches_facts *facts, const struct record_batch *batch)
{
    if (facts->batch_count++ == 0) {
        facts->codec = record_batch_codec(batch);
        facts->producer_id = batch->producer_id;
        facts->producer_epoch = batch->producer_epoch;
        facts->base_sequence = batch->base_sequence;
        facts->transactional = record_batch_is_transactional(batch);
    }
    if (__builtin_add_overflow(facts->record_count, batch->count, &facts->record_count))
        facts->record_count = INT32_MAX; /* counts of compressed batches that nobody read */
}

enum status record_batches_check(struct slice batches, const struct record_batches_rules *rules, struct record_batches_facts *facts,
                                 struct error *error)
{
    struct record_batch batch;
    enum status status = OK;

    *facts = (struct record_batches_facts){
        .max_timestamp_ms = -1, .max_timestamp_is_right = true, .producer_id = -1, .producer_epoch = -1, .base_sequence = -1};
    if (batches.size == 0)
        return error_set(error, ERROR_INVALID_RECORD, "record batch: there is none");
    while (status == OK && batches.size > 0) {
        status = record_batch_read(batches, &batch, error);
        if (status == OK && rules->one_batch && batch.bytes.size < batches.size)
            status = error_set(error, ERROR_INVALID_RECORD, "record batch: there may be only one for a partition");
        if (status == OK)
            status = header_check(&batch, rules, error);
        if (status != OK)
            break;
        facts_add(facts, &batch);
        if (record_batch_codec(&batch) == COMPRESSION_NONE || rules->decompressor != NULL)
            status = records_check(&batch, rules, facts, error);
        else if (batch.max_timestamp_ms > facts->max_timestamp_ms)
            facts->max_timestamp_ms = batch.max_timestamp_ms;
        batches = slice_from(batches, batch.bytes.size);
    }
    return status;
}

/* ---- Building ---- */

/* Codecs want room for what may become larger; such a result is not used. */
#define PACKED_SLACK_BYTES ((size_t)64 * 1024)

void record_builder_init(struct record_builder *builder, size_t bytes_max)
{
    *builder = (struct record_builder){.count = 0};
    buffer_init(&builder->plain, bytes_max);
    buffer_init(&builder->packed, bytes_max + bytes_max / 8 + PACKED_SLACK_BYTES);
    record_builder_reset(builder);
}

void record_builder_finish(struct record_builder *builder)
{
    buffer_finish(&builder->plain);
    buffer_finish(&builder->packed);
}

void record_builder_reset(struct record_builder *builder)
{
    buffer_reset(&builder->plain);
    if (buffer_reserve(&builder->plain, RECORD_BATCH_HEADER_BYTES) != NULL)
        builder->plain.size = RECORD_BATCH_HEADER_BYTES;
    builder->count = 0;
}

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static uint8_t *put_varint(uint8_t *at, int64_t value)
{
    uint64_t bits = zigzag(value);

    while (bits >= 0x80) {
        *at++ = (uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    *at++ = (uint8_t)bits;
    return at;
}

static int64_t length_of(struct slice slice)
{
    return slice_is_null(slice) ? -1 : (int64_t)slice.size;
}

static uint8_t *put_nullable(uint8_t *at, struct slice slice)
{
    at = put_varint(at, length_of(slice));
    if (slice.size > 0)
        memcpy(at, slice.data, slice.size);
    return at + slice.size;
}

static size_t headers_bytes(const struct record_header *headers, size_t count)
{
    size_t size = varint_bytes((int64_t)count);

    for (size_t i = 0; i < count; i++)
        size += varint_bytes(length_of(headers[i].key)) + headers[i].key.size + varint_bytes(length_of(headers[i].value)) +
                headers[i].value.size;
    return size;
}

static uint8_t *put_headers(uint8_t *at, const struct record_header *headers, size_t count)
{
    at = put_varint(at, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        at = put_nullable(at, headers[i].key);
        at = put_nullable(at, headers[i].value);
    }
    return at;
}

/* Everything between the record's length and the length of its value. */
static size_t front_bytes(int64_t timestamp_delta, int32_t offset_delta, struct slice key)
{
    return 1 + varint_bytes(timestamp_delta) + varint_bytes(offset_delta) + varint_bytes(length_of(key)) + key.size;
}

static uint8_t *put_front(uint8_t *at, int64_t timestamp_delta, int32_t offset_delta, struct slice key)
{
    *at++ = 0; /* attributes */
    at = put_varint(at, timestamp_delta);
    at = put_varint(at, offset_delta);
    return put_nullable(at, key);
}

/* Deltas may wrap around: readers add them with wrap-around too. */
static int64_t timestamp_delta(const struct record_builder *builder, int64_t timestamp_ms)
{
    return builder->count == 0 ? 0 : (int64_t)((uint64_t)timestamp_ms - (uint64_t)builder->base_timestamp_ms);
}

static bool has_room(const struct record_builder *builder, size_t size)
{
    return !builder->plain.failed && size <= builder->plain.size_max - builder->plain.size && builder->count < INT32_MAX;
}

static void record_added(struct record_builder *builder, int64_t timestamp_ms)
{
    if (builder->count == 0) {
        builder->base_timestamp_ms = timestamp_ms;
        builder->max_timestamp_ms = timestamp_ms;
    } else if (timestamp_ms > builder->max_timestamp_ms) {
        builder->max_timestamp_ms = timestamp_ms;
    }
    builder->count++;
}

bool record_builder_append(struct record_builder *builder, int64_t timestamp_ms, struct slice key, struct slice value,
                           const struct record_header *headers, size_t header_count)
{
    int64_t delta = timestamp_delta(builder, timestamp_ms);
    size_t body =
        front_bytes(delta, builder->count, key) + varint_bytes(length_of(value)) + value.size + headers_bytes(headers, header_count);
    size_t size = varint_bytes((int64_t)body) + body;
    uint8_t *at;

    if (!has_room(builder, size))
        return false;
    at = buffer_reserve(&builder->plain, size);
    at = put_varint(at, (int64_t)body);
    at = put_front(at, delta, builder->count, key);
    at = put_nullable(at, value);
    (void)put_headers(at, headers, header_count);
    builder->plain.size += size;
    record_added(builder, timestamp_ms);
    return true;
}

bool record_builder_append_rendered(struct record_builder *builder, int64_t timestamp_ms, struct slice key, struct slice value_head,
                                    struct slice value_body, struct slice headers)
{
    static const uint8_t no_headers[1] = {0};
    int64_t delta = timestamp_delta(builder, timestamp_ms);
    bool is_null = slice_is_null(value_head) && slice_is_null(value_body);
    int64_t value_length = is_null ? -1 : (int64_t)(value_head.size + value_body.size);
    size_t body;
    size_t size;
    uint8_t *at;

    if (headers.size == 0)
        headers = slice_of(no_headers, sizeof(no_headers));
    body = front_bytes(delta, builder->count, key) + varint_bytes(value_length) + value_head.size + value_body.size + headers.size;
    size = varint_bytes((int64_t)body) + body;
    if (!has_room(builder, size))
        return false;
    at = buffer_reserve(&builder->plain, size);
    at = put_varint(at, (int64_t)body);
    at = put_front(at, delta, builder->count, key);
    at = put_varint(at, value_length);
    if (value_head.size > 0)
        memcpy(at, value_head.data, value_head.size);
    at += value_head.size;
    if (value_body.size > 0)
        memcpy(at, value_body.data, value_body.size);
    at += value_body.size;
    memcpy(at, headers.data, headers.size);
    builder->plain.size += size;
    record_added(builder, timestamp_ms);
    return true;
}

/* The whole header but for offset and epoch, which are those of a producer. */
static void header_write(uint8_t *at, size_t size, int attributes, const struct record_builder *builder,
                         const struct record_batch_spec *spec)
{
    put_u64(at + AT_BASE_OFFSET, 0);
    put_u32(at + AT_LENGTH, (uint32_t)(size - RECORD_BATCH_LENGTH_END));
    put_u32(at + AT_LEADER_EPOCH, UINT32_MAX);
    at[AT_MAGIC] = RECORD_BATCH_MAGIC;
    put_u16(at + AT_ATTRIBUTES, (uint16_t)(attributes | (spec->transactional ? RECORD_BATCH_TRANSACTIONAL : 0)));
    put_u32(at + AT_LAST_OFFSET_DELTA, (uint32_t)(builder->count == 0 ? 0 : builder->count - 1));
    put_u64(at + AT_BASE_TIMESTAMP, (uint64_t)(builder->count == 0 ? -1 : builder->base_timestamp_ms));
    put_u64(at + AT_MAX_TIMESTAMP, (uint64_t)(builder->count == 0 ? -1 : builder->max_timestamp_ms));
    put_u64(at + AT_PRODUCER_ID, (uint64_t)spec->producer_id);
    put_u16(at + AT_PRODUCER_EPOCH, (uint16_t)spec->producer_epoch);
    put_u32(at + AT_BASE_SEQUENCE, (uint32_t)spec->base_sequence);
    put_u32(at + AT_COUNT, (uint32_t)builder->count);
    checksum_renew(at);
}

/* Compresses behind the room for a header; false when that does not pay. */
static bool pack(struct record_builder *builder, struct compressor *compressor)
{
    struct buffer *packed = &builder->packed;

    buffer_reset(packed);
    if (buffer_reserve(packed, RECORD_BATCH_HEADER_BYTES) == NULL)
        return false;
    packed->size = RECORD_BATCH_HEADER_BYTES;
    compressor_run(compressor, slice_from(buffer_slice(&builder->plain), RECORD_BATCH_HEADER_BYTES), packed);
    return !packed->failed && packed->size < builder->plain.size;
}

struct slice record_builder_seal(struct record_builder *builder, const struct record_batch_spec *spec, struct compressor *compressor)
{
    enum compression codec = compressor == NULL ? COMPRESSION_NONE : compressor_codec(compressor);
    struct buffer *batch = &builder->plain;

    assert(builder->plain.size >= RECORD_BATCH_HEADER_BYTES);
    if (codec != COMPRESSION_NONE && pack(builder, compressor))
        batch = &builder->packed;
    else
        codec = COMPRESSION_NONE;
    header_write(batch->data, batch->size, (int)codec, builder, spec);
    return buffer_slice(batch);
}

/* ---- Control batches ---- */

#define CONTROL_BATCH_BYTES_MAX ((size_t)128)

void record_batch_append_end_marker(struct buffer *out, int64_t producer_id, int16_t producer_epoch, int32_t coordinator_epoch,
                                    enum control_record type, int64_t timestamp_ms)
{
    struct record_batch_spec spec = {producer_id, producer_epoch, -1, true};
    struct record_builder builder;
    uint8_t key[4], value[6];
    struct slice batch;

    put_u16(key, 0); /* version */
    put_u16(key + 2, (uint16_t)type);
    put_u16(value, 0);
    put_u32(value + 2, (uint32_t)coordinator_epoch);
    record_builder_init(&builder, CONTROL_BATCH_BYTES_MAX);
    (void)record_builder_append(&builder, timestamp_ms, slice_of(key, sizeof(key)), slice_of(value, sizeof(value)), NULL, 0);
    batch = record_builder_seal(&builder, &spec, NULL);
    put_u16(builder.plain.data + AT_ATTRIBUTES, RECORD_BATCH_TRANSACTIONAL | RECORD_BATCH_CONTROL);
    checksum_renew(builder.plain.data);
    buffer_append_slice(out, batch);
    record_builder_finish(&builder);
}

bool control_record_read(const struct record *record, enum control_record *type, int32_t *coordinator_epoch)
{
    struct reader key = reader_of(record->key);
    struct reader value = reader_of(record->value);
    uint16_t which;

    (void)read_u16(&key); /* versions: newer ones only append */
    which = read_u16(&key);
    (void)read_u16(&value);
    *coordinator_epoch = (int32_t)read_u32(&value);
    *type = (enum control_record)which;
    return !key.failed && !value.failed && which <= CONTROL_COMMIT;
}
