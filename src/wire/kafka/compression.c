#include "wire/kafka/compression.h"

#include "base/memory.h"
#include "base/reader.h"

#include "base/banned.h"

#include <isa-l.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zstd.h>

#define GZIP_LEVEL 1
#define ZSTD_LEVEL 3
#define SNAPPY_BLOCK_BYTES ((size_t)32 * 1024)
#define LZ4_STEP_BYTES ((size_t)256 * 1024)
#define GROWTH_BYTES ((size_t)64 * 1024)
#define ZSTD_KEPT_BYTES ((size_t)8 << 20) /* a decompressor larger than this is given back after use: level 22 takes 128 MiB */

static const uint8_t xerial_magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

static const char *const names[COMPRESSION_COUNT] = {"none", "gzip", "snappy", "lz4", "zstd"};

const char *compression_name(enum compression codec)
{
    return (unsigned)codec < COMPRESSION_COUNT ? names[codec] : "unknown";
}

bool compression_from_name(struct slice name, enum compression *codec)
{
    for (int i = 0; i < COMPRESSION_COUNT; i++) {
        if (slice_equal_string(name, names[i])) {
            *codec = (enum compression)i;
            return true;
        }
    }
    return false;
}

/* ---- Compressing ---- */

struct compressor {
    enum compression codec;
    struct isal_zstream *gzip;
    uint8_t *gzip_level;
    LZ4F_cctx *lz4;
    ZSTD_CCtx *zstd;
};

struct compressor *compressor_create(enum compression codec)
{
    struct compressor *compressor = memory_new(sizeof(*compressor));

    compressor->codec = codec;
    switch (codec) {
    case COMPRESSION_GZIP:
        compressor->gzip = memory_new(sizeof(*compressor->gzip));
        compressor->gzip_level = memory_new(ISAL_DEF_LVL1_DEFAULT);
        isal_deflate_init(compressor->gzip);
        compressor->gzip->level = GZIP_LEVEL;
        compressor->gzip->level_buf = compressor->gzip_level;
        compressor->gzip->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
        break;
    case COMPRESSION_LZ4:
        if (LZ4F_isError(LZ4F_createCompressionContext(&compressor->lz4, LZ4F_VERSION)))
            memory_exhausted(0);
        break;
    case COMPRESSION_ZSTD:
        compressor->zstd = ZSTD_createCCtx();
        if (compressor->zstd == NULL)
            memory_exhausted(0);
        break;
    case COMPRESSION_NONE:
    case COMPRESSION_SNAPPY: break;
    }
    return compressor;
}

void compressor_destroy(struct compressor *compressor)
{
    if (compressor == NULL)
        return;
    memory_free(compressor->gzip);
    memory_free(compressor->gzip_level);
    LZ4F_freeCompressionContext(compressor->lz4);
    ZSTD_freeCCtx(compressor->zstd);
    memory_free(compressor);
}

enum compression compressor_codec(const struct compressor *compressor)
{
    return compressor->codec;
}

static void gzip_run(struct isal_zstream *gzip, struct slice plain, struct buffer *out)
{
    size_t step = plain.size / 8 + GROWTH_BYTES; /* JSON shrinks to less, so that is one step */

    isal_deflate_reset(gzip);
    gzip->gzip_flag = IGZIP_GZIP;
    gzip->flush = NO_FLUSH;
    gzip->next_in = (uint8_t *)(uintptr_t)plain.data;
    gzip->avail_in = (uint32_t)plain.size; /* compressor_run looked that it fits */
    gzip->end_of_stream = 1;
    do {
        uint8_t *to = buffer_reserve(out, step < out->size_max - out->size ? step : out->size_max - out->size);

        if (to == NULL || out->capacity == out->size) {
            out->failed = true;
            return;
        }
        gzip->next_out = to;
        gzip->avail_out = (uint32_t)(out->capacity - out->size < UINT32_MAX ? out->capacity - out->size : UINT32_MAX);
        if (isal_deflate(gzip) != COMP_OK) {
            out->failed = true;
            return;
        }
        out->size += (size_t)(gzip->next_out - to);
    } while (gzip->internal_state.state != ZSTATE_END);
}

static void snappy_run(struct slice plain, struct buffer *out)
{
    buffer_append(out, xerial_magic, sizeof(xerial_magic));
    buffer_append_u32(out, 1); /* version */
    buffer_append_u32(out, 1); /* the oldest version that can read it */
    for (size_t at = 0; at < plain.size && !out->failed; at += SNAPPY_BLOCK_BYTES) {
        size_t size = plain.size - at < SNAPPY_BLOCK_BYTES ? plain.size - at : SNAPPY_BLOCK_BYTES;
        size_t packed = snappy_max_compressed_length(size);
        size_t length_at = out->size;
        uint8_t *to;

        buffer_append_u32(out, 0);
        to = buffer_reserve(out, packed);
        if (to == NULL || snappy_compress((const char *)plain.data + at, size, (char *)to, &packed) != SNAPPY_OK) {
            out->failed = true;
            return;
        }
        out->size += packed;
        buffer_patch_u32(out, length_at, (uint32_t)packed);
    }
}

static bool lz4_wrote(struct buffer *out, size_t result)
{
    if (LZ4F_isError(result)) {
        out->failed = true;
        return false;
    }
    out->size += result;
    return true;
}

static void lz4_run(LZ4F_cctx *lz4, struct slice plain, struct buffer *out)
{
    static const LZ4F_preferences_t preferences = {.frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent}};
    static const LZ4F_compressOptions_t whole = {.stableSrc = 1};
    uint8_t *to = buffer_reserve(out, LZ4F_HEADER_SIZE_MAX);

    if (to == NULL || !lz4_wrote(out, LZ4F_compressBegin(lz4, to, LZ4F_HEADER_SIZE_MAX, &preferences)))
        return;
    for (size_t at = 0; at < plain.size; at += LZ4_STEP_BYTES) {
        size_t size = plain.size - at < LZ4_STEP_BYTES ? plain.size - at : LZ4_STEP_BYTES;
        size_t room = LZ4F_compressBound(size, &preferences);

        to = buffer_reserve(out, room);
        if (to == NULL || !lz4_wrote(out, LZ4F_compressUpdate(lz4, to, room, plain.data + at, size, &whole)))
            return;
    }
    to = buffer_reserve(out, LZ4F_compressBound(0, &preferences));
    if (to != NULL)
        (void)lz4_wrote(out, LZ4F_compressEnd(lz4, to, LZ4F_compressBound(0, &preferences), &whole));
}

static void zstd_run(ZSTD_CCtx *zstd, struct slice plain, struct buffer *out)
{
    size_t room = ZSTD_compressBound(plain.size);
    uint8_t *to = buffer_reserve(out, room);
    size_t result = to == NULL ? 0 : ZSTD_compressCCtx(zstd, to, room, plain.data, plain.size, ZSTD_LEVEL);

    if (to == NULL || ZSTD_isError(result))
        out->failed = true;
    else
        out->size += result;
}

void compressor_run(struct compressor *compressor, struct slice plain, struct buffer *out)
{
    if (plain.size > INT32_MAX) {
        out->failed = true;
        return;
    }
    switch (compressor->codec) {
    case COMPRESSION_NONE: buffer_append_slice(out, plain); break;
    case COMPRESSION_GZIP: gzip_run(compressor->gzip, plain, out); break;
    case COMPRESSION_SNAPPY: snappy_run(plain, out); break;
    case COMPRESSION_LZ4: lz4_run(compressor->lz4, plain, out); break;
    case COMPRESSION_ZSTD: zstd_run(compressor->zstd, plain, out); break;
    }
}

/* ---- Decompressing ---- */

struct decompressor {
    struct inflate_state *gzip;
    LZ4F_dctx *lz4;
    ZSTD_DCtx *zstd;
    enum compression codec; /* of what decompressor_begin began */
    struct slice packed;    /* where the codec comes whole */
    size_t plain_left;      /* bytes that may still come */
};

struct decompressor *decompressor_create(void)
{
    return memory_new(sizeof(struct decompressor));
}

void decompressor_destroy(struct decompressor *decompressor)
{
    if (decompressor == NULL)
        return;
    memory_free(decompressor->gzip);
    LZ4F_freeDecompressionContext(decompressor->lz4);
    ZSTD_freeDCtx(decompressor->zstd);
    memory_free(decompressor);
}

/* Where the plain bytes go: the end of a buffer, and how many more may come. One more than allowed is room to see too many. */
struct sink {
    struct buffer *out;
    size_t start; /* size of `out` before */
    size_t plain_max;
};

/* What a step of a codec came to. */
enum step {
    STEP_OK,
    STEP_CORRUPT,
    STEP_TOO_LARGE,
};

/* Gives room for more plain bytes, at least one; NULL when no more are allowed. */
static uint8_t *sink_room(struct sink *sink, size_t wanted, size_t *room)
{
    size_t used = sink->out->size - sink->start;
    size_t allowed = sink->plain_max - used;
    size_t fits = sink->out->size_max - sink->out->size;

    if (used > sink->plain_max)
        return NULL;
    allowed = allowed < SIZE_MAX ? allowed + 1 : allowed;
    if (allowed > fits)
        allowed = fits;
    if (allowed == 0)
        return NULL;
    if (buffer_reserve(sink->out, wanted < allowed ? wanted : allowed) == NULL)
        return NULL;
    *room = sink->out->capacity - sink->out->size;
    if (*room > allowed)
        *room = allowed;
    return sink->out->data + sink->out->size;
}

static size_t growth(const struct sink *sink, size_t left)
{
    size_t used = sink->out->size - sink->start;
    return (used > left * 4 ? used : left * 4) + GROWTH_BYTES;
}

static void gunzip_begin(struct decompressor *decompressor, struct slice packed)
{
    if (decompressor->gzip == NULL)
        decompressor->gzip = memory_new(sizeof(*decompressor->gzip));
    isal_inflate_init(decompressor->gzip);
    decompressor->gzip->crc_flag = ISAL_GZIP;
    decompressor->gzip->next_in = (uint8_t *)(uintptr_t)packed.data;
    decompressor->gzip->avail_in = (uint32_t)packed.size;
}

/* Goes on until there are `wanted` plain bytes, or to the end. */
static enum step gunzip_next(struct inflate_state *gzip, size_t wanted, struct sink *sink, bool *ended)
{
    *ended = false;
    while (sink->out->size - sink->start < wanted) {
        size_t room, missing = wanted - (sink->out->size - sink->start), more = growth(sink, gzip->avail_in);
        uint8_t *to = sink_room(sink, missing < more ? missing : more, &room);
        uint32_t before = gzip->avail_in;
        size_t wrote;

        if (to == NULL)
            return STEP_TOO_LARGE;
        if (room > missing)
            room = missing;
        gzip->next_out = to;
        gzip->avail_out = (uint32_t)(room < UINT32_MAX ? room : UINT32_MAX);
        if (isal_inflate(gzip) != ISAL_DECOMP_OK)
            return STEP_CORRUPT;
        wrote = (size_t)(gzip->next_out - to);
        sink->out->size += wrote;
        if (gzip->block_state == ISAL_BLOCK_FINISH) {
            uint8_t *next = gzip->next_in;
            uint32_t left = gzip->avail_in;

            *ended = left == 0;
            if (*ended)
                return STEP_OK;
            isal_inflate_reset(gzip); /* another member */
            gzip->crc_flag = ISAL_GZIP;
            gzip->next_in = next;
            gzip->avail_in = left;
        } else if (wrote == 0 && before == gzip->avail_in && gzip->avail_out > 0) {
            return STEP_CORRUPT; /* nothing goes on: cut short */
        }
    }
    return STEP_OK;
}

static enum step gunzip(struct decompressor *decompressor, struct slice packed, struct sink *sink)
{
    bool ended;

    gunzip_begin(decompressor, packed);
    return gunzip_next(decompressor->gzip, SIZE_MAX, sink, &ended);
}

/* One raw block. */
static enum step unsnappy_block(struct slice packed, struct sink *sink)
{
    size_t size, room;
    uint8_t *to;

    if (snappy_uncompressed_length((const char *)packed.data, packed.size, &size) != SNAPPY_OK)
        return STEP_CORRUPT;
    if (size / 64 > packed.size) /* 64 bytes for 3 is the most that the format can do */
        return STEP_CORRUPT;
    to = sink_room(sink, size, &room);
    if (size > 0 && (to == NULL || room < size))
        return STEP_TOO_LARGE;
    if (snappy_uncompress((const char *)packed.data, packed.size, (char *)to, &size) != SNAPPY_OK)
        return STEP_CORRUPT;
    sink->out->size += size;
    return STEP_OK;
}

static enum step unsnappy(struct slice packed, struct sink *sink)
{
    struct reader in = reader_of(packed);
    enum step step = STEP_OK;

    if (packed.size < sizeof(xerial_magic) || memcmp(packed.data, xerial_magic, sizeof(xerial_magic)) != 0)
        return unsnappy_block(packed, sink);
    (void)read_bytes(&in, sizeof(xerial_magic) + 8); /* the versions have never changed */
    while (step == STEP_OK && reader_left(&in) > 0) {
        struct slice block = read_bytes(&in, read_u32(&in));
        step = in.failed ? STEP_CORRUPT : unsnappy_block(block, sink);
    }
    return in.failed ? STEP_CORRUPT : step;
}

static enum step unlz4(struct decompressor *decompressor, struct slice packed, struct sink *sink)
{
    size_t more = 1; /* 0 at the end of a frame */
    size_t at = 0;

    if (decompressor->lz4 == NULL && LZ4F_isError(LZ4F_createDecompressionContext(&decompressor->lz4, LZ4F_VERSION)))
        memory_exhausted(0);
    LZ4F_resetDecompressionContext(decompressor->lz4);
    while (at < packed.size) {
        size_t room, read = packed.size - at;
        uint8_t *to = sink_room(sink, growth(sink, read), &room);

        if (to == NULL)
            return STEP_TOO_LARGE;
        more = LZ4F_decompress(decompressor->lz4, to, &room, packed.data + at, &read, NULL);
        if (LZ4F_isError(more))
            return STEP_CORRUPT;
        sink->out->size += room;
        at += read;
        if (room == 0 && read == 0)
            return STEP_CORRUPT;
    }
    while (more != 0) { /* what it still holds back */
        size_t room, read = 0;
        uint8_t *to = sink_room(sink, GROWTH_BYTES, &room);

        if (to == NULL)
            return STEP_TOO_LARGE;
        more = LZ4F_decompress(decompressor->lz4, to, &room, packed.data, &read, NULL);
        if (LZ4F_isError(more) || room == 0)
            return more == 0 ? STEP_OK : STEP_CORRUPT;
        sink->out->size += room;
    }
    return STEP_OK;
}

static enum step unzstd_frames(ZSTD_DCtx *zstd, struct slice packed, struct sink *sink)
{
    ZSTD_inBuffer in = {packed.data, packed.size, 0};
    size_t more = 1; /* 0 at the end of a frame */

    ZSTD_DCtx_reset(zstd, ZSTD_reset_session_only);
    while (in.pos < in.size || more != 0) {
        ZSTD_outBuffer out = {NULL, 0, 0};
        size_t before = in.pos;

        out.dst = sink_room(sink, growth(sink, in.size - in.pos), &out.size);
        if (out.dst == NULL)
            return STEP_TOO_LARGE;
        more = ZSTD_decompressStream(zstd, &out, &in);
        if (ZSTD_isError(more))
            return STEP_CORRUPT;
        sink->out->size += out.pos;
        if (out.pos == 0 && in.pos == before)
            return more == 0 ? STEP_OK : STEP_CORRUPT; /* cut short */
    }
    return STEP_OK;
}

static enum step unzstd(struct decompressor *decompressor, struct slice packed, struct sink *sink)
{
    enum step step;

    if (decompressor->zstd == NULL)
        decompressor->zstd = ZSTD_createDCtx();
    if (decompressor->zstd == NULL)
        memory_exhausted(0);
    step = unzstd_frames(decompressor->zstd, packed, sink);
    if (ZSTD_sizeof_DCtx(decompressor->zstd) > ZSTD_KEPT_BYTES) {
        ZSTD_freeDCtx(decompressor->zstd);
        decompressor->zstd = NULL;
    }
    return step;
}

static enum step step_run(struct decompressor *decompressor, enum compression codec, struct slice packed, struct sink *sink)
{
    if (packed.size > INT32_MAX)
        return STEP_TOO_LARGE;
    switch (codec) {
    case COMPRESSION_GZIP: return gunzip(decompressor, packed, sink);
    case COMPRESSION_SNAPPY: return unsnappy(packed, sink);
    case COMPRESSION_LZ4: return unlz4(decompressor, packed, sink);
    case COMPRESSION_ZSTD: return unzstd(decompressor, packed, sink);
    case COMPRESSION_NONE: break;
    }
    if (packed.size > sink->plain_max || packed.size > sink->out->size_max - sink->out->size)
        return STEP_TOO_LARGE;
    buffer_append_slice(sink->out, packed);
    return STEP_OK;
}

/* What the step came to, for people; what was written is taken back unless all is well. */
static enum status step_status(enum step step, enum compression codec, const struct sink *sink, size_t packed_size, struct error *error)
{
    struct buffer *out = sink->out;

    if (step == STEP_OK && out->size - sink->start > sink->plain_max)
        step = STEP_TOO_LARGE;
    if (step == STEP_OK)
        return OK;
    out->size = sink->start;
    if (step == STEP_TOO_LARGE)
        return error_set(error, ERROR_MESSAGE_TOO_LARGE, "decompress %s: more than %zu bytes", names[codec],
                         sink->plain_max < out->size_max - sink->start ? sink->plain_max : out->size_max - sink->start);
    return error_set(error, ERROR_CORRUPT_MESSAGE, "decompress %s: %zu bytes are not what %s writes, or are cut short", names[codec],
                     packed_size, names[codec]);
}

enum status decompressor_run(struct decompressor *decompressor, enum compression codec, struct slice packed, size_t plain_max,
                             struct buffer *out, struct error *error)
{
    struct sink sink = {out, out->size, plain_max};

    if ((unsigned)codec >= COMPRESSION_COUNT)
        return error_set(error, ERROR_UNSUPPORTED_COMPRESSION_TYPE, "decompress: codec %d is unknown", (int)codec);
    return step_status(step_run(decompressor, codec, packed, &sink), codec, &sink, packed.size, error);
}

void decompressor_begin(struct decompressor *decompressor, enum compression codec, struct slice packed, size_t plain_max)
{
    decompressor->codec = codec;
    decompressor->packed = packed;
    decompressor->plain_left = plain_max;
    if (codec == COMPRESSION_GZIP && packed.size <= INT32_MAX)
        gunzip_begin(decompressor, packed);
}

enum status decompressor_next(struct decompressor *decompressor, size_t wanted, struct buffer *out, bool *ended, struct error *error)
{
    struct sink sink = {out, out->size, decompressor->plain_left};
    enum status status;

    if (decompressor->codec == COMPRESSION_GZIP && decompressor->packed.size <= INT32_MAX) {
        status = step_status(gunzip_next(decompressor->gzip, wanted, &sink, ended), COMPRESSION_GZIP, &sink, decompressor->packed.size, error);
    } else {
        status = decompressor_run(decompressor, decompressor->codec, decompressor->packed, decompressor->plain_left, out, error);
        *ended = true;
    }
    decompressor->plain_left -= out->size - sink.start;
    return status;
}
