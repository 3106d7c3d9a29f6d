#include "os/disk.h"

#include "base/banned.h"

#include <errno.h>
#include <stdatomic.h>
#include <limits.h>

static enum status failed(struct error *error, int result, const char *doing, const char *path)
{
    if (result == 0)
        return OK;
    return error_set_system(error, result == ENOENT ? ERROR_NOT_FOUND : ERROR_DISK, result, "%s %s", doing, path);
}

enum status disk_open(struct disk *disk, const char *path, enum disk_mode mode, struct disk_file **opened, struct error *error)
{
    return failed(error, disk->operations->open(disk, path, mode, opened), "open", path);
}

void disk_close(struct disk_file *file)
{
    if (file != NULL)
        file->disk->operations->close(file);
}

enum status disk_read(struct disk_file *file, void *bytes, size_t size, int64_t position, size_t *got, struct error *error)
{
    return failed(error, file->disk->operations->read(file, bytes, size, position, got), "read", file->path);
}

enum status disk_write_parts(struct disk_file *file, const struct iovec *parts, int count, int64_t position, struct error *error)
{
    return failed(error, file->disk->operations->write(file, parts, count, position), "write", file->path);
}

enum status disk_write(struct disk_file *file, struct slice bytes, int64_t position, struct error *error)
{
    struct iovec part = {(void *)(uintptr_t)bytes.data, bytes.size};

    return disk_write_parts(file, &part, 1, position, error);
}

enum status disk_truncate(struct disk_file *file, int64_t size, struct error *error)
{
    return failed(error, file->disk->operations->truncate(file, size), "truncate", file->path);
}

enum status disk_sync(struct disk_file *file, struct error *error)
{
    int result = file->disk->operations->sync(file);

    if (result != 0)
        atomic_store(&file->disk->sync_failed, true);
    return failed(error, result, "sync", file->path);
}

enum status disk_size(struct disk_file *file, int64_t *size, struct error *error)
{
    return failed(error, file->disk->operations->size(file, size), "get the size of", file->path);
}

enum status disk_lock(struct disk_file *file, struct error *error)
{
    int result = file->disk->operations->lock(file);

    if (result == EWOULDBLOCK)
        return error_set(error, ERROR_CONFLICT, "%s is locked by another process", file->path);
    return failed(error, result, "lock", file->path);
}

enum status disk_rename(struct disk *disk, const char *from, const char *to, struct error *error)
{
    return failed(error, disk->operations->rename(disk, from, to), "rename", from);
}

enum status disk_unlink(struct disk *disk, const char *path, struct error *error)
{
    int result = disk->operations->unlink(disk, path);

    return result == ENOENT ? OK : failed(error, result, "remove", path);
}

enum status disk_make_directory(struct disk *disk, const char *path, struct error *error)
{
    int result = disk->operations->make_directory(disk, path);

    return result == EEXIST ? OK : failed(error, result, "make directory", path);
}

enum status disk_remove_directory(struct disk *disk, const char *path, struct error *error)
{
    int result = disk->operations->remove_directory(disk, path);

    return result == ENOENT ? OK : failed(error, result, "remove directory", path);
}

enum status disk_sync_directory(struct disk *disk, const char *path, struct error *error)
{
    return failed(error, disk->operations->sync_directory(disk, path), "sync directory", path);
}

static int entry_compare(const void *a, const void *b)
{
    return strcmp(((const struct disk_entry *)a)->name, ((const struct disk_entry *)b)->name);
}

enum status disk_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **entries, size_t *count, struct error *error)
{
    enum status status = failed(error, disk->operations->list(disk, path, arena, entries, count), "list", path);

    if (status == OK && *count > 1)
        qsort(*entries, *count, sizeof(**entries), entry_compare);
    return status;
}

enum status disk_file_size(struct disk *disk, const char *path, int64_t *size, struct error *error)
{
    return failed(error, disk->operations->file_size(disk, path, size), "get the size of", path);
}

enum status disk_free_bytes(struct disk *disk, const char *path, int64_t *bytes, struct error *error)
{
    return failed(error, disk->operations->free_bytes(disk, path, bytes), "ask for free space at", path);
}

enum status disk_read_file(struct disk *disk, const char *path, struct buffer *bytes, struct error *error)
{
    struct disk_file *file = NULL;
    enum status status = disk_open(disk, path, DISK_READ, &file, error);
    int64_t size = 0;
    size_t got = 0;
    uint8_t *to;

    if (status == OK)
        status = disk_size(file, &size, error);
    if (status == OK && size > 0) {
        to = buffer_reserve(bytes, (size_t)size);
        if (to == NULL)
            status = error_set(error, ERROR_LIMIT, "read %s: %lld bytes are too many", path, (long long)size);
        else
            status = disk_read(file, to, (size_t)size, 0, &got, error);
        bytes->size += got;
    }
    disk_close(file);
    return status;
}

enum status disk_replace_file(struct disk *disk, const char *directory, const char *name, struct slice bytes, struct error *error)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    struct disk_file *file = NULL;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    (void)snprintf(temporary, sizeof(temporary), "%s/%s.tmp", directory, name);
    status = disk_open(disk, temporary, DISK_REPLACE, &file, error);
    if (status == OK)
        status = disk_write(file, bytes, 0, error);
    if (status == OK)
        status = disk_sync(file, error);
    disk_close(file);
    if (status == OK)
        status = disk_rename(disk, temporary, path, error);
    if (status == OK)
        status = disk_sync_directory(disk, directory, error);
    return status;
}
