/*
 * wire/kafka/records.h: record batches of format 2, as they travel and as they lie on disk.
 *
 *   offset  size  field               note
 *        0     8  base offset         0 from producers
 *        8     4  length              bytes behind this field
 *       12     4  leader epoch        -1 from producers
 *       16     1  magic               2
 *       17     4  crc                 CRC-32C of everything behind it
 *       21     2  attributes          bits 0-2 codec, 3 log append time, 4 transactional, 5 control, 6 delete horizon
 *       23     4  last offset delta
 *       27     8  base timestamp      ms; of the first record
 *       35     8  max timestamp       ms; -1 when there is none
 *       43     8  producer id         -1 when not idempotent
 *       51     2  producer epoch
 *       53     4  base sequence
 *       57     4  count               of records
 *       61        records             compressed as one run when a codec is set
 *
 * Source  Kafka protocol guide, "Record Batch"; KIP-98, KIP-534
 */
#ifndef WIRE_KAFKA_RECORDS_H
#define WIRE_KAFKA_RECORDS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/reader.h"
#include "wire/kafka/compression.h"

#define RECORD_BATCH_HEADER_BYTES ((size_t)61)
#define RECORD_BATCH_LENGTH_END ((size_t)12) /* the length counts from here */
#define RECORD_BATCH_MAGIC 2

#define RECORD_BATCH_CODEC_MASK 0x07
#define RECORD_BATCH_APPEND_TIME 0x08
#define RECORD_BATCH_TRANSACTIONAL 0x10
#define RECORD_BATCH_CONTROL 0x20
#define RECORD_BATCH_DELETE_HORIZON 0x40

/* ---- Headers of batches ---- */

struct record_batch {
    struct slice bytes;   /* the whole batch, borrowed */
    struct slice records; /* what follows the header */
    int64_t base_offset;
    int32_t leader_epoch;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp_ms;
    int64_t max_timestamp_ms;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t count;
};

/*
 * Size in bytes of the batch at the front of `bytes`, as its length field says: 0 when there are too few bytes to say, -1
 * when the length cannot be. It may be more than bytes.size: then the batch is cut short.
 */
int64_t record_batch_size(struct slice bytes);

/*
 * Reads the header of the batch at the front of `bytes` and checks that it can be: length within `bytes`, magic, count
 * against bytes, deltas. The checksum is not looked at, the records are not read.
 * Errors  CORRUPT_MESSAGE (also when cut short), UNSUPPORTED_FOR_MESSAGE_FORMAT (magic 0 or 1)
 */
enum status record_batch_read(struct slice bytes, struct record_batch *batch, struct error *error);

bool record_batch_checksum_is_right(const struct record_batch *batch);

static inline enum compression record_batch_codec(const struct record_batch *batch)
{
    return (enum compression)(batch->attributes & RECORD_BATCH_CODEC_MASK);
}

static inline bool record_batch_is_control(const struct record_batch *batch)
{
    return (batch->attributes & RECORD_BATCH_CONTROL) != 0;
}

static inline bool record_batch_is_transactional(const struct record_batch *batch)
{
    return (batch->attributes & RECORD_BATCH_TRANSACTIONAL) != 0;
}

static inline int64_t record_batch_next_offset(const struct record_batch *batch)
{
    return batch->base_offset + batch->last_offset_delta + 1;
}

/* Sequence number of the last record: they go on at 0 after 2147483647. -1 without a producer. */
int32_t record_batch_last_sequence(const struct record_batch *batch);

/* ---- Changing a batch in place; `batch` is a whole batch that was checked ---- */

void record_batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t leader_epoch); /* outside of the checksum */
void record_batch_set_append_time(uint8_t *batch, int64_t time_ms);                      /* LogAppendTime; renews the checksum */
void record_batch_set_max_timestamp(uint8_t *batch, int64_t time_ms);                    /* renews the checksum */

/* ---- Reading records ---- */

struct record {
    int64_t offset;
    int64_t timestamp_ms;
    struct slice key;     /* data NULL: null */
    struct slice value;   /* data NULL: null */
    struct slice headers; /* for record_next_header */
    int32_t header_count;
};

struct record_header {
    struct slice key;
    struct slice value; /* data NULL: null */
};

struct record_iterator {
    struct reader in;
    int64_t base_offset;
    int64_t base_timestamp_ms;
    int64_t append_time_ms; /* of all records, or -1 */
    int32_t left;
    bool failed; /* after record_iterator_next gave false: the batch is not what it says */
    struct decompressor *decompressor; /* of a batch that comes in steps, NULL when all of it is in `in` */
    struct buffer *scratch;
};

/*
 * Begins to read the records of a batch.
 * decompressor  may be NULL when the batch is not compressed
 * plain_max     bytes that the records may become
 * scratch       takes the decompressed records (it is reset); must live as long as the records are used. May be NULL as above
 * Errors        CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE
 */
enum status record_iterator_init(struct record_iterator *iterator, const struct record_batch *batch, struct decompressor *decompressor,
                                 size_t plain_max, struct buffer *scratch, struct error *error);

/*
 * The same for whoever is done with a record when he asks for the next one: the batch is decompressed in steps, which the processor's
 * cache holds, and a record is good until record_iterator_next is called again.
 * decompressor  of this batch alone until record_iterator_next gives false, or another is begun
 * What is wrong with the compressed records shows in `failed`, with the records before it given. So the batch's checksum is looked at here
 * Errors        CORRUPT_MESSAGE
 */
enum status record_iterator_stream(struct record_iterator *iterator, const struct record_batch *batch, struct decompressor *decompressor,
                                   size_t plain_max, struct buffer *scratch, struct error *error);

/* Gives the next record, borrowed from the batch or from scratch; false at the end and when it is broken (`failed`). */
bool record_iterator_next(struct record_iterator *iterator, struct record *record);

/* Takes the next header off record->headers; false at the end. They were checked by record_iterator_next. */
bool record_next_header(struct record *record, struct record_header *header);

/* ---- Checking what a producer sent ---- */

struct record_batches_rules {
    size_t batch_bytes_max;   /* max.message.bytes of the topic */
    size_t plain_bytes_max;   /* bytes that the records of one batch may become */
    bool one_batch;           /* Produce version 3 and later */
    bool zstd_allowed;        /* Produce version 7 and later */
    bool keys_required;       /* the topic is compacted */
    int64_t timestamp_min_ms; /* of CreateTime; INT64_MIN and INT64_MAX for any */
    int64_t timestamp_max_ms;
    struct decompressor *decompressor; /* with its scratch; NULL leaves the records of compressed batches unread */
    struct buffer *scratch;
    struct arena *arena; /* owns `invalid` */
};

struct record_batches_facts {
    int32_t batch_count;
    int32_t record_count;        /* at most 2147483647 */
    int64_t max_timestamp_ms;    /* the largest; -1 when there is none */
    bool max_timestamp_is_right; /* does the header say what the records say? Otherwise record_batch_set_max_timestamp (one batch) */
    enum compression codec;      /* of the first batch, as the next ones */
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    bool transactional;
    int32_t *invalid;      /* with INVALID_RECORD and INVALID_TIMESTAMP: the records that are to blame, by index in their batch */
    int32_t invalid_count; /* may be 0: then it is the batch */
};

/*
 * Checks one partition's records of a Produce request, to the last record: lengths, magic, checksum, base offset 0, offsets
 * without gaps, no control batch, keys, timestamps, sizes.
 * Errors  CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE,
 *         UNSUPPORTED_FOR_MESSAGE_FORMAT (magic 0 or 1)
 */
enum status record_batches_check(struct slice batches, const struct record_batches_rules *rules, struct record_batches_facts *facts,
                                 struct error *error);

/* ---- Building ---- */

/* What the batch's header says besides its records. */
struct record_batch_spec {
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    bool transactional;
};

static inline struct record_batch_spec record_batch_spec_plain(void)
{
    struct record_batch_spec spec = {-1, -1, -1, false};
    return spec;
}

/* Builds one batch after the other in memory that it keeps. Read its fields through the functions. Thread: one at a time. */
struct record_builder {
    struct buffer plain;  /* room for the header, then the records */
    struct buffer packed; /* the same compressed */
    int64_t base_timestamp_ms;
    int64_t max_timestamp_ms;
    int32_t count;
};

/* bytes_max  of one batch, before compression and behind it */
void record_builder_init(struct record_builder *builder, size_t bytes_max);
void record_builder_finish(struct record_builder *builder);
void record_builder_reset(struct record_builder *builder); /* begins the next batch */

/*
 * Appends a record. False when it does not fit any more: the batch is as before, seal it and go on. When that happens to
 * the first record of a batch, it is larger than bytes_max.
 */
bool record_builder_append(struct record_builder *builder, int64_t timestamp_ms, struct slice key, struct slice value,
                           const struct record_header *headers, size_t header_count);

/*
 * The same with a value in two parts (both data NULL: null) and headers that are rendered already: varint count, then the
 * headers; empty for none.
 */
bool record_builder_append_rendered(struct record_builder *builder, int64_t timestamp_ms, struct slice key, struct slice value_head,
                                    struct slice value_body, struct slice headers);

static inline int32_t record_builder_count(const struct record_builder *builder)
{
    return builder->count;
}

/* Bytes so far, uncompressed, with the batch's header. */
static inline size_t record_builder_bytes(const struct record_builder *builder)
{
    return builder->plain.size;
}

/*
 * Completes the batch and gives it, borrowed until the next call: base offset 0, leader epoch -1, its checksum.
 * compressor  NULL: not compressed. A batch that would not become smaller stays uncompressed too
 */
struct slice record_builder_seal(struct record_builder *builder, const struct record_batch_spec *spec, struct compressor *compressor);

/* ---- Control batches ---- */

enum control_record {
    CONTROL_ABORT = 0,
    CONTROL_COMMIT = 1,
};

/* Appends the batch that ends a transaction: 78 bytes, one record. */
void record_batch_append_end_marker(struct buffer *out, int64_t producer_id, int16_t producer_epoch, int32_t coordinator_epoch,
                                    enum control_record type, int64_t timestamp_ms);

/* Reads type and coordinator epoch of a control record; false when it is not an end marker. */
bool control_record_read(const struct record *record, enum control_record *type, int32_t *coordinator_epoch);

#endif
