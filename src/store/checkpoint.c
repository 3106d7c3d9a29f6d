#include "store/checkpoint.h"

#include "base/banned.h"
#include "base/text.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)

/* The line without its last word, which is the offset. */
static bool line_parse(struct slice line, struct slice *key, int64_t *offset)
{
    size_t at = line.size;

    while (at > 0 && line.data[at - 1] != ' ')
        at--;
    if (at < 4 || !text_parse_int64(slice_from(line, at), offset))
        return false;
    *key = slice_of(line.data, at - 1);
    return true;
}

static bool parse(struct checkpoint *checkpoint, struct slice text)
{
    struct slice line, key;
    int64_t version, count, offset;

    if (!text_next_field(&text, '\n', &line) || !text_parse_int64(line, &version) || version != 0 || !text_next_field(&text, '\n', &line) ||
        !text_parse_int64(line, &count))
        return false;
    for (; count > 0; count--) {
        int64_t *kept;

        if (!text_next_field(&text, '\n', &line) || !line_parse(line, &key, &offset))
            return false;
        kept = arena_new(&checkpoint->arena, sizeof(*kept));
        *kept = offset;
        (void)map_put(&checkpoint->offsets, key, kept);
    }
    return true;
}

enum status checkpoint_read(struct checkpoint *checkpoint, struct disk *disk, const char *directory, const char *name, struct error *error)
{
    struct buffer text;
    char path[4096];
    enum status status;

    arena_init(&checkpoint->arena, 16384);
    map_init(&checkpoint->offsets);
    buffer_init(&text, FILE_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    status = disk_read_file(disk, path, &text, error);
    if (status == ERROR_NOT_FOUND)
        status = OK;
    else if (status == OK && !parse(checkpoint, buffer_slice(&text)))
        status = error_set(error, ERROR_CORRUPT, "%s is not a list of offsets", path);
    if (status != OK) {
        checkpoint_finish(checkpoint);
        arena_init(&checkpoint->arena, 16384);
    }
    buffer_finish(&text);
    return status;
}

void checkpoint_finish(struct checkpoint *checkpoint)
{
    map_finish(&checkpoint->offsets);
    arena_finish(&checkpoint->arena);
}

int64_t checkpoint_get(const struct checkpoint *checkpoint, const char *topic, int32_t partition)
{
    char key[512];
    int length = snprintf(key, sizeof(key), "%s %d", topic, partition);
    const int64_t *offset = length < 0 || (size_t)length >= sizeof(key) ? NULL : map_get(&checkpoint->offsets, slice_of(key, (size_t)length));

    return offset == NULL ? -1 : *offset;
}

void checkpoint_begin(struct checkpoint_writer *writer)
{
    buffer_init(&writer->lines, FILE_BYTES_MAX);
    writer->count = 0;
}

void checkpoint_add(struct checkpoint_writer *writer, const char *topic, int32_t partition, int64_t offset)
{
    buffer_append_string(&writer->lines, topic);
    buffer_append_u8(&writer->lines, ' ');
    buffer_append_decimal(&writer->lines, partition);
    buffer_append_u8(&writer->lines, ' ');
    buffer_append_decimal(&writer->lines, offset);
    buffer_append_u8(&writer->lines, '\n');
    writer->count++;
}

enum status checkpoint_write(struct checkpoint_writer *writer, struct disk *disk, const char *directory, const char *name, struct error *error)
{
    struct buffer file;
    enum status status;

    buffer_init(&file, FILE_BYTES_MAX);
    buffer_append_format(&file, "0\n%zu\n", writer->count);
    buffer_append_slice(&file, buffer_slice(&writer->lines));
    status = disk_replace_file(disk, directory, name, buffer_slice(&file), error);
    buffer_finish(&file);
    buffer_finish(&writer->lines);
    return status;
}
