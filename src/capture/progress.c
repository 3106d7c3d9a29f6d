#include "capture/progress.h"

#include "base/banned.h"
#include "base/reader.h"
#include "base/text.h"

#define PROGRESS_VERSION 1

static void write_text(struct buffer *out, struct slice text)
{
    buffer_append_u32(out, (uint32_t)text.size);
    buffer_append_slice(out, text);
}

void progress_write(const struct progress *progress, struct buffer *out)
{
    buffer_append_u8(out, PROGRESS_VERSION);
    buffer_append_u64(out, progress->lsn);
    buffer_append_u64(out, (uint64_t)progress->xid);
    buffer_append_u64(out, (uint64_t)progress->time_us);
    buffer_append_u32(out, progress->config_hash);
    write_text(out, progress->snapshot);
    write_text(out, progress->schema);
    write_text(out, progress->table);
    buffer_append_u32(out, progress->oid);
    buffer_append_u32(out, progress->file);
    buffer_append_u32(out, progress->block);
    buffer_append_u32(out, progress->item);
    buffer_append_u64(out, progress->rows);
}

static struct slice read_text(struct reader *in)
{
    return read_bytes(in, read_u32(in));
}

bool progress_read(struct slice bytes, struct progress *progress)
{
    struct reader in = reader_of(bytes);

    memset(progress, 0, sizeof(*progress));
    if (read_u8(&in) != PROGRESS_VERSION)
        return false;
    progress->lsn = read_u64(&in);
    progress->xid = (int64_t)read_u64(&in);
    progress->time_us = (int64_t)read_u64(&in);
    progress->config_hash = read_u32(&in);
    progress->snapshot = read_text(&in);
    progress->schema = read_text(&in);
    progress->table = read_text(&in);
    progress->oid = read_u32(&in);
    progress->file = read_u32(&in);
    progress->block = read_u32(&in);
    progress->item = read_u32(&in);
    progress->rows = read_u64(&in);
    return !in.failed;
}

bool progress_read_ctid(struct slice text, uint32_t *block, uint32_t *item)
{
    const uint8_t *comma = text.size < 5 ? NULL : memchr(text.data, ',', text.size);
    int64_t numbers[2];

    if (comma == NULL || text.data[0] != '(' || text.data[text.size - 1] != ')')
        return false;
    if (!text_parse_int64(slice_of(text.data + 1, (size_t)(comma - text.data) - 1), &numbers[0]) ||
        !text_parse_int64(slice_of(comma + 1, text.size - (size_t)(comma - text.data) - 2), &numbers[1]))
        return false;
    if (numbers[0] < 0 || numbers[0] > UINT32_MAX || numbers[1] < 0 || numbers[1] > UINT16_MAX)
        return false;
    *block = (uint32_t)numbers[0];
    *item = (uint32_t)numbers[1];
    return true;
}
