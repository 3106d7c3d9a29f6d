#include "store/clean.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/reader.h"
#include "store/topic.h"

#define FILE_NAME "clean-state"
#define FILE_BYTES_MAX ((size_t)1 << 30)
#define CRC_END 12u
#define FLAG_SNAPSHOT 1
#define KEY_BYTES 20

static const char magic[8] = {'T', 'R', 'C', 'L', 'E', 'A', 'N', '1'};

static void key_make(const struct uuid *topic, int32_t partition, uint8_t key[KEY_BYTES])
{
    memcpy(key, topic->bytes, sizeof(topic->bytes));
    memcpy(key + sizeof(topic->bytes), &partition, sizeof(partition));
}

/* ---- Reading ---- */

static void entry_read(struct clean_state *state, struct reader *in)
{
    struct clean_entry *entry = arena_new(&state->arena, sizeof(*entry));
    struct slice id = read_bytes(in, sizeof(struct uuid));
    int32_t partition = (int32_t)read_u32(in);
    uint8_t key[KEY_BYTES];
    struct uuid topic;

    entry->snapshot = (read_u8(in) & FLAG_SNAPSHOT) != 0;
    entry->leader_epoch = (int32_t)read_u32(in);
    entry->end = (int64_t)read_u64(in);
    entry->count = read_u32(in);
    if (in->failed || entry->count == 0 || entry->count > reader_left(in) / 16) {
        reader_fail(in);
        return;
    }
    entry->segments = arena_new_array(&state->arena, entry->count, sizeof(entry->segments[0]));
    for (uint32_t i = 0; i < entry->count; i++) {
        entry->segments[i].base = (int64_t)read_u64(in);
        entry->segments[i].bytes = (int64_t)read_u64(in);
    }
    memcpy(topic.bytes, id.data, sizeof(topic.bytes));
    key_make(&topic, partition, key);
    (void)map_put(&state->entries, slice_of(key, sizeof(key)), entry);
}

static bool parse(struct clean_state *state, struct slice bytes)
{
    struct reader in = reader_of(bytes);
    struct slice begin = read_bytes(&in, sizeof(magic));
    uint32_t crc = read_u32(&in), count;

    if (in.failed || !slice_equal(begin, slice_of(magic, sizeof(magic))) || crc32c(0, slice_from(bytes, CRC_END)) != crc)
        return false;
    for (count = read_u32(&in); count > 0 && !in.failed; count--)
        entry_read(state, &in);
    return !in.failed && reader_left(&in) == 0;
}

enum status clean_state_read(struct clean_state *state, struct disk *disk, const char *directory, struct error *error)
{
    struct buffer bytes;
    char path[4096];
    enum status status;

    arena_init(&state->arena, 65536);
    map_init(&state->entries);
    buffer_init(&bytes, FILE_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, FILE_NAME);
    status = disk_read_file(disk, path, &bytes, error);
    if (status == ERROR_NOT_FOUND)
        status = OK;
    else if (status == OK && !parse(state, buffer_slice(&bytes)))
        status = error_set(error, ERROR_CORRUPT, "%s does not match its checksum or format", path);
    if (status != OK) {
        clean_state_finish(state);
        arena_init(&state->arena, 65536);
    }
    buffer_finish(&bytes);
    return status;
}

void clean_state_finish(struct clean_state *state)
{
    map_finish(&state->entries);
    arena_finish(&state->arena);
}

const struct clean_entry *clean_state_find(const struct clean_state *state, const struct uuid *topic, int32_t partition)
{
    uint8_t key[KEY_BYTES];

    key_make(topic, partition, key);
    return map_get(&state->entries, slice_of(key, sizeof(key)));
}

/* ---- Writing ---- */

void clean_begin(struct clean_writer *writer)
{
    buffer_init(&writer->entries, FILE_BYTES_MAX);
    writer->count = 0;
}

void clean_add(struct clean_writer *writer, const struct partition *partition)
{
    const struct segment_list *list = partition_list(partition);
    struct buffer *out = &writer->entries;

    buffer_append(out, partition->topic->id.bytes, sizeof(partition->topic->id.bytes));
    buffer_append_u32(out, (uint32_t)partition->index);
    buffer_append_u8(out, partition->snapshot_offset == partition->tail.end ? FLAG_SNAPSHOT : 0);
    buffer_append_u32(out, (uint32_t)partition_leader_epoch(partition));
    buffer_append_u64(out, (uint64_t)partition->tail.end);
    buffer_append_u32(out, (uint32_t)list->count);
    for (size_t i = 0; i < list->count; i++) {
        buffer_append_u64(out, (uint64_t)list->segments[i]->base);
        buffer_append_u64(out, (uint64_t)segment_bytes(list->segments[i]));
    }
    writer->count++;
}

enum status clean_write(struct clean_writer *writer, struct disk *disk, const char *directory, struct error *error)
{
    struct buffer file;
    enum status status;

    buffer_init(&file, FILE_BYTES_MAX + 64);
    buffer_append(&file, magic, sizeof(magic));
    buffer_append_u32(&file, 0);
    buffer_append_u32(&file, writer->count);
    buffer_append_slice(&file, buffer_slice(&writer->entries));
    buffer_patch_u32(&file, sizeof(magic), crc32c(0, slice_from(buffer_slice(&file), CRC_END)));
    status = disk_replace_file(disk, directory, FILE_NAME, buffer_slice(&file), error);
    buffer_finish(&file);
    buffer_finish(&writer->entries);
    return status;
}
