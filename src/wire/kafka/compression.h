/*
 * wire/kafka/compression.h: the codecs of record batches.
 *
 * What is written is what every client reads: gzip with one member, snappy in the blocks of Java's clients, LZ4 frames with
 * independent blocks of 64 KiB, zstd frames. What is read is more: several gzip members, LZ4 or zstd frames, raw snappy.
 */
#ifndef WIRE_KAFKA_COMPRESSION_H
#define WIRE_KAFKA_COMPRESSION_H

#include "base/buffer.h"
#include "base/error.h"

/* The numbers are those in a batch's attributes. */
enum compression {
    COMPRESSION_NONE = 0,
    COMPRESSION_GZIP = 1,
    COMPRESSION_SNAPPY = 2,
    COMPRESSION_LZ4 = 3,
    COMPRESSION_ZSTD = 4,
};
#define COMPRESSION_COUNT 5

const char *compression_name(enum compression codec); /* "gzip", as in compression.type; "none" */
bool compression_from_name(struct slice name, enum compression *codec);

/* ---- Compressing ---- */

/* The memory of one codec, used again from call to call. Thread: one at a time. */
struct compressor;

struct compressor *compressor_create(enum compression codec);
void compressor_destroy(struct compressor *compressor); /* NULL is fine */
enum compression compressor_codec(const struct compressor *compressor);

/*
 * Appends `plain` compressed. gzip is ISA-L's level 1 (about 8 GB/s on JSON that repeats), zstd level 3.
 * Failure sticks in out->failed: over the buffer's maximum, or the codec gave up
 */
void compressor_run(struct compressor *compressor, struct slice plain, struct buffer *out);

/* ---- Decompressing ---- */

/* The memory of all codecs; each takes its own when it is first met. Thread: one at a time. */
struct decompressor;

struct decompressor *decompressor_create(void);
void decompressor_destroy(struct decompressor *decompressor); /* NULL is fine */

/*
 * Appends `packed` decompressed; COMPRESSION_NONE copies.
 * plain_max  bytes it may become; out->size_max bounds it too
 * Errors     CORRUPT_MESSAGE (not what the codec writes, cut short), MESSAGE_TOO_LARGE (more than plain_max; nothing
 *            beyond it was written), UNSUPPORTED_COMPRESSION_TYPE. `out` is as long as before then.
 */
enum status decompressor_run(struct decompressor *decompressor, enum compression codec, struct slice packed, size_t plain_max,
                             struct buffer *out, struct error *error);

/*
 * The same step by step, so that the plain bytes are used while the processor's cache still has them: begin, then next until *ended.
 * packed  borrowed until then; only one can be under way
 */
void decompressor_begin(struct decompressor *decompressor, enum compression codec, struct slice packed, size_t plain_max);

/*
 * Appends the next `wanted` plain bytes, at the end fewer, or all that is left where the codec does not come in steps (all but gzip).
 * Errors  as decompressor_run; gzip's own checksum is looked at with the last step
 */
enum status decompressor_next(struct decompressor *decompressor, size_t wanted, struct buffer *out, bool *ended, struct error *error);

#endif
