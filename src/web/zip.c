#include "web/zip.h"

#include "base/banned.h"

#include <time.h>
#include <zlib.h>

#define LOCAL_SIGNATURE 0x04034b50U
#define ENTRY_SIGNATURE 0x02014b50U
#define END_SIGNATURE 0x06054b50U
#define VERSION 20
#define METHOD_DEFLATE 8
#define DIRECTORY_BYTES_MAX ((size_t)1 << 20)

static void put_u16(struct buffer *out, unsigned value)
{
    buffer_append_u8(out, (uint8_t)value);
    buffer_append_u8(out, (uint8_t)(value >> 8));
}

static void put_u32(struct buffer *out, uint32_t value)
{
    put_u16(out, value & 0xFFFF);
    put_u16(out, value >> 16);
}

void zip_begin(struct zip *zip, struct buffer *out, int64_t at_ms)
{
    *zip = (struct zip){.out = out, .at_ms = at_ms};
    buffer_init(&zip->directory, DIRECTORY_BYTES_MAX);
}

/* Raw deflate, behind what `out` has. False: it did not fit. */
static bool deflate_append(struct buffer *out, struct slice bytes)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes.data, .avail_in = (unsigned)bytes.size};
    uint8_t *to;
    size_t room;
    bool fits;

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    room = deflateBound(&stream, bytes.size);
    to = buffer_reserve(out, room);
    stream.next_out = to;
    stream.avail_out = (unsigned)room;
    fits = to != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    if (fits)
        out->size += stream.total_out;
    (void)deflateEnd(&stream);
    return fits;
}

/* What local header and directory have in common: version needed to the length of the extra field. */
static void facts_put(const struct zip *zip, struct buffer *out, const char *name, struct slice bytes, uint32_t checksum, uint32_t packed_bytes)
{
    time_t seconds = (time_t)(zip->at_ms / 1000);
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    put_u16(out, VERSION);
    put_u16(out, 0);
    put_u16(out, METHOD_DEFLATE);
    put_u16(out, (unsigned)(utc.tm_hour << 11 | utc.tm_min << 5 | utc.tm_sec / 2));
    put_u16(out, (unsigned)((utc.tm_year < 80 ? 0 : utc.tm_year - 80) << 9 | (utc.tm_mon + 1) << 5 | utc.tm_mday));
    put_u32(out, checksum);
    put_u32(out, packed_bytes);
    put_u32(out, (uint32_t)bytes.size);
    put_u16(out, (unsigned)strlen(name));
    put_u16(out, 0);
}

void zip_add(struct zip *zip, const char *name, struct slice bytes)
{
    uint32_t offset = (uint32_t)zip->out->size, checksum = (uint32_t)crc32(0, bytes.size == 0 ? (const unsigned char *)"" : bytes.data, (unsigned)bytes.size);
    struct buffer packed;

    buffer_init(&packed, bytes.size + bytes.size / 100 + 4096);
    if (!deflate_append(&packed, bytes))
        zip->out->failed = true;
    put_u32(zip->out, LOCAL_SIGNATURE);
    facts_put(zip, zip->out, name, bytes, checksum, (uint32_t)packed.size);
    buffer_append_string(zip->out, name);
    buffer_append_slice(zip->out, buffer_slice(&packed));
    put_u32(&zip->directory, ENTRY_SIGNATURE);
    put_u16(&zip->directory, VERSION);
    facts_put(zip, &zip->directory, name, bytes, checksum, (uint32_t)packed.size);
    put_u16(&zip->directory, 0); /* no comment */
    put_u16(&zip->directory, 0); /* first disk */
    put_u16(&zip->directory, 0);
    put_u32(&zip->directory, 0);
    put_u32(&zip->directory, offset);
    buffer_append_string(&zip->directory, name);
    buffer_finish(&packed);
    zip->count++;
}

void zip_end(struct zip *zip)
{
    uint32_t offset = (uint32_t)zip->out->size;

    buffer_append_slice(zip->out, buffer_slice(&zip->directory));
    zip->out->failed = zip->out->failed || zip->directory.failed;
    put_u32(zip->out, END_SIGNATURE);
    put_u16(zip->out, 0);
    put_u16(zip->out, 0);
    put_u16(zip->out, zip->count);
    put_u16(zip->out, zip->count);
    put_u32(zip->out, (uint32_t)zip->directory.size);
    put_u32(zip->out, offset);
    put_u16(zip->out, 0);
    buffer_finish(&zip->directory);
}
