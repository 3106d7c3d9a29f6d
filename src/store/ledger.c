#include "store/ledger.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "base/reader.h"
#include "os/logger.h"

#include <limits.h>

#define LOG_SUBSYSTEM "store"
#define HEADER_BYTES 16u
#define RECORD_HEADER_BYTES 16u
#define VERSION 1u
#define ALLOCATED_BYTES ((size_t)64 << 10)
#define SEQUENCE_JUMP_MAX 1000000u /* further away than this is no later record but chance */

static const char magic[8] = {'T', 'R', 'L', 'E', 'D', 'G', 'E', 'R'};

enum doubt {
    DOUBT_NONE,
    DOUBT_TAIL, /* a record that failed may be behind `size` */
    DOUBT_NAME, /* the directory may hold the old file or the new one */
};

struct ledger {
    struct disk *disk;
    struct disk_file *file;
    char *directory;
    char *path;
    char *temporary;
    uint32_t kind;
    int64_t size;      /* where the next record goes */
    int64_t allocated; /* zeros reach up to here */
    bool fresh;        /* nothing has been written yet, and the name may not be durable */
    uint64_t sequence; /* of the last record */
    enum doubt doubt;
    struct buffer record; /* under construction */
};

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static void header_build(struct buffer *out, uint32_t kind)
{
    buffer_append(out, magic, sizeof(magic));
    buffer_append_u32(out, VERSION);
    buffer_append_u32(out, kind);
}

static void record_build(struct buffer *out, uint64_t sequence, struct slice payload)
{
    static const uint8_t zeros[8];
    size_t start = out->size;
    uint32_t crc;

    buffer_append_u32(out, (uint32_t)payload.size);
    buffer_append_u32(out, 0);
    buffer_append_u64(out, sequence);
    buffer_append_slice(out, payload);
    crc = crc32c(0, slice_of(out->data + start + 8, 8 + payload.size));
    buffer_patch_u32(out, start + 4, crc);
    buffer_append(out, zeros, padded(payload.size) - payload.size);
}

/* The record at the front of `bytes`: its payload and sequence number; false when it is not whole. */
static bool record_read(struct slice bytes, struct slice *payload, uint64_t *sequence)
{
    struct reader in = reader_of(bytes);
    uint32_t size = read_u32(&in);
    uint32_t crc = read_u32(&in);

    *sequence = read_u64(&in);
    *payload = read_bytes(&in, size);
    return !in.failed && size > 0 && crc32c(0, slice_of(bytes.data + 8, 8 + (size_t)size)) == crc;
}

/* Is there a whole record anywhere behind, with a sequence number above `after` and at most `last`? */
static bool record_exists(struct slice bytes, uint64_t after, uint64_t last)
{
    struct slice payload;
    uint64_t found;

    for (; bytes.size >= RECORD_HEADER_BYTES; bytes = slice_from(bytes, 8)) {
        struct reader in = reader_of(slice_from(bytes, 8));

        found = read_u64(&in);
        if (found > after && found <= last && record_read(bytes, &payload, &found))
            return true;
    }
    return false;
}

static enum status tail_cut(struct ledger *ledger, struct error *error)
{
    enum status status = disk_truncate(ledger->file, ledger->size, error);

    ledger->allocated = ledger->size;
    return status == OK ? disk_sync(ledger->file, error) : status;
}

static bool is_zeros(struct slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] != 0)
            return false;
    }
    return true;
}

/*
 * Does the file begin as it should? One that does not and holds no record either was never finished: it begins anew. A bad
 * beginning of a file with records is damage.
 */
static enum status header_check(struct ledger *ledger, struct slice bytes, struct error *error)
{
    struct buffer expected;
    bool same;

    buffer_init(&expected, HEADER_BYTES);
    header_build(&expected, ledger->kind);
    same = bytes.size >= HEADER_BYTES && slice_equal(slice_of(bytes.data, HEADER_BYTES), buffer_slice(&expected));
    buffer_finish(&expected);
    if (same)
        return OK;
    if (record_exists(slice_from(bytes, HEADER_BYTES), 0, UINT64_MAX))
        return error_set(error, ERROR_CORRUPT, "%s does not begin as such a file does; restore it from a copy", ledger->path);
    ledger->fresh = true;
    ledger->size = 0;
    return tail_cut(ledger, error);
}

static enum status replay_all(struct ledger *ledger, struct slice bytes, ledger_replay *replay, void *context, struct error *error)
{
    enum status status = header_check(ledger, bytes, error);
    size_t at = HEADER_BYTES;
    struct slice payload;
    uint64_t sequence;

    if (status != OK || ledger->fresh)
        return status;
    while (status == OK && at < bytes.size) {
        if (!record_read(slice_from(bytes, at), &payload, &sequence) || (at > HEADER_BYTES && sequence != ledger->sequence + 1))
            break;
        status = replay(context, payload, error);
        if (status != OK)
            error_context(error, "%s: record at byte %zu", ledger->path, at);
        ledger->sequence = sequence;
        at += RECORD_HEADER_BYTES + padded(payload.size);
    }
    if (status != OK)
        return status;
    ledger->size = (int64_t)at; /* perhaps behind the end of the file, when only zeros of the padding are missing */
    ledger->allocated = (int64_t)(at > bytes.size ? at : bytes.size);
    if (at >= bytes.size || is_zeros(slice_from(bytes, at)))
        return OK;
    if (record_exists(slice_from(bytes, at + 8), ledger->sequence, ledger->sequence + SEQUENCE_JUMP_MAX))
        return error_set(error, ERROR_CORRUPT, "%s: the record at byte %zu is damaged and good ones follow it; restore the file from a copy",
                         ledger->path, at);
    LOG_INFO("%s: cut %zu bytes behind byte %zu that were never synced", ledger->path, bytes.size - at, at);
    return tail_cut(ledger, error);
}

/* In place, for the same bytes do no harm and need no room. */
static enum status write_anew(struct ledger *ledger, struct slice bytes, struct error *error)
{
    enum status status;

    if (bytes.size > (size_t)ledger->size)
        bytes.size = (size_t)ledger->size;
    status = disk_write(ledger->file, bytes, 0, error);
    return status == OK ? tail_cut(ledger, error) : status;
}

enum status ledger_open(struct disk *disk, const char *directory, const char *name, uint32_t kind, bool suspect, ledger_replay *replay,
                        void *context, struct ledger **opened, struct error *error)
{
    struct ledger *ledger = memory_new(sizeof(*ledger));
    struct buffer bytes;
    enum status status;

    ledger->disk = disk;
    ledger->directory = memory_copy_string(directory);
    ledger->path = memory_format("%s/%s", directory, name);
    ledger->temporary = memory_format("%s/%s.tmp", directory, name);
    ledger->kind = kind;
    buffer_init(&ledger->record, LEDGER_PAYLOAD_MAX + 64 + ALLOCATED_BYTES);
    buffer_init(&bytes, SIZE_MAX / 2);
    status = disk_open(disk, ledger->path, DISK_CREATE, &ledger->file, error);
    if (status == OK)
        status = disk_read_file(disk, ledger->path, &bytes, error);
    if (status == OK && bytes.size == 0)
        ledger->fresh = true;
    else if (status == OK)
        status = replay_all(ledger, buffer_slice(&bytes), replay, context, error);
    if (status == OK && suspect && !ledger->fresh)
        status = write_anew(ledger, buffer_slice(&bytes), error);
    if (status == OK && !ledger->fresh) /* a process that was killed leaves its last record to the system, which may still lose it */
        status = disk_sync(ledger->file, error);
    buffer_finish(&bytes);
    if (status == OK)
        *opened = ledger;
    else
        ledger_close(ledger);
    return status;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    disk_close(ledger->file);
    buffer_finish(&ledger->record);
    memory_free(ledger->directory);
    memory_free(ledger->path);
    memory_free(ledger->temporary);
    memory_free(ledger);
}

enum status ledger_repair(struct ledger *ledger, struct error *error)
{
    enum status status = OK;

    if (ledger->doubt == DOUBT_TAIL)
        status = tail_cut(ledger, error);
    else if (ledger->doubt == DOUBT_NAME)
        status = disk_sync_directory(ledger->disk, ledger->directory, error);
    if (status == OK)
        ledger->doubt = DOUBT_NONE;
    return status;
}

/*
 * A journal is written to all the time: overwriting zeros that are there already spares the file system noting a new size with
 * each record. When there is no room for them, it goes without.
 */
static size_t record_extend(struct ledger *ledger)
{
    size_t size = ledger->record.size;
    uint8_t *zeros;

    if (ledger->kind != LEDGER_KIND_JOURNAL || ledger->size + (int64_t)size <= ledger->allocated)
        return size;
    zeros = buffer_reserve(&ledger->record, ALLOCATED_BYTES);
    if (zeros != NULL) {
        memset(zeros, 0, ALLOCATED_BYTES);
        ledger->record.size += ALLOCATED_BYTES;
    }
    return size;
}

enum status ledger_append(struct ledger *ledger, struct slice payload, struct error *error)
{
    enum status status = ledger_repair(ledger, error);
    size_t size;

    if (status != OK)
        return status;
    if (payload.size == 0 || payload.size > LEDGER_PAYLOAD_MAX)
        return error_set(error, ERROR_LIMIT, "%s: a record of %zu bytes is out of bounds", ledger->path, payload.size);
    buffer_reset(&ledger->record);
    if (ledger->fresh)
        header_build(&ledger->record, ledger->kind);
    record_build(&ledger->record, ledger->sequence + 1, payload);
    size = record_extend(ledger);
    status = disk_write(ledger->file, buffer_slice(&ledger->record), ledger->size, error);
    if (status == ERROR_DISK_FULL && ledger->record.size > size)
        status = disk_write(ledger->file, slice_of(ledger->record.data, size), ledger->size, error);
    if (status == OK)
        status = disk_sync(ledger->file, error);
    if (status == OK && ledger->fresh)
        status = disk_sync_directory(ledger->disk, ledger->directory, error);
    if (status == OK) {
        ledger->fresh = false;
        if (ledger->allocated < ledger->size + (int64_t)ledger->record.size)
            ledger->allocated = ledger->size + (int64_t)ledger->record.size;
        ledger->size += (int64_t)size;
        ledger->sequence++;
    } else if (tail_cut(ledger, NULL) != OK) {
        ledger->doubt = DOUBT_TAIL;
    }
    return status;
}

bool ledger_is_in_doubt(const struct ledger *ledger)
{
    return ledger->doubt != DOUBT_NONE;
}

/* Writes and syncs the new file beside the old one. */
static enum status temporary_write(struct ledger *ledger, struct disk_file **opened, struct error *error)
{
    enum status status = disk_open(ledger->disk, ledger->temporary, DISK_REPLACE, opened, error);

    if (status == OK)
        status = disk_write(*opened, buffer_slice(&ledger->record), 0, error);
    if (status == OK)
        status = disk_sync(*opened, error);
    if (status == OK)
        status = disk_rename(ledger->disk, ledger->temporary, ledger->path, error);
    return status;
}

enum status ledger_rewrite(struct ledger *ledger, struct slice payload, struct error *error)
{
    struct disk_file *file = NULL;
    enum status status;

    if (payload.size == 0 || payload.size > LEDGER_PAYLOAD_MAX)
        return error_set(error, ERROR_LIMIT, "%s: a state of %zu bytes is out of bounds", ledger->path, payload.size);
    buffer_reset(&ledger->record);
    header_build(&ledger->record, ledger->kind);
    record_build(&ledger->record, ledger->sequence + 1, payload);
    status = temporary_write(ledger, &file, error);
    if (status != OK) {
        disk_close(file);
        (void)disk_unlink(ledger->disk, ledger->temporary, NULL);
        return status;
    }
    disk_close(ledger->file);
    ledger->file = file;
    ledger->size = ledger->allocated = (int64_t)ledger->record.size;
    ledger->sequence++;
    ledger->fresh = false;
    ledger->doubt = DOUBT_NAME;
    return ledger_repair(ledger, error);
}

int64_t ledger_bytes(const struct ledger *ledger)
{
    return ledger->size;
}
