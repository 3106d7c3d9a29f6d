#include "os/disk.h"

#include "base/banned.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int result_of(int result)
{
    return result == 0 ? 0 : errno;
}

static int real_open(struct disk *disk, const char *path, enum disk_mode mode, struct disk_file **opened)
{
    static const int flags[] = {
        [DISK_READ] = O_RDONLY, [DISK_WRITE] = O_RDWR, [DISK_CREATE] = O_RDWR | O_CREAT, [DISK_REPLACE] = O_RDWR | O_CREAT | O_TRUNC};
    int fd = open(path, flags[mode] | O_CLOEXEC, 0640);
    struct disk_file *file;

    if (fd < 0)
        return errno;
    file = memory_new(sizeof(*file));
    file->disk = disk;
    file->path = memory_copy_string(path);
    file->fd = fd;
    *opened = file;
    return 0;
}

static void real_close(struct disk_file *file)
{
    (void)close(file->fd);
    memory_free(file->path);
    memory_free(file);
}

static int real_read(struct disk_file *file, void *bytes, size_t size, int64_t position, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t result = pread(file->fd, (uint8_t *)bytes + *got, size - *got, position + (int64_t)*got);

        if (result == 0)
            break;
        if (result > 0)
            *got += (size_t)result;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

/* Writes the parts from `skip` bytes into the first one on; at most IOV_MAX of them. */
static ssize_t write_some(int fd, const struct iovec *parts, int count, size_t skip, int64_t position)
{
    if (skip > 0)
        return pwrite(fd, (const uint8_t *)parts[0].iov_base + skip, parts[0].iov_len - skip, position);
    return pwritev(fd, parts, count < IOV_MAX ? count : IOV_MAX, position);
}

static int real_write(struct disk_file *file, const struct iovec *parts, int count, int64_t position)
{
    size_t skip = 0; /* bytes of parts[0] already written */

    while (count > 0) {
        ssize_t result = write_some(file->fd, parts, count, skip, position);

        if (result < 0 && errno != EINTR)
            return errno;
        if (result > 0) {
            position += result;
            skip += (size_t)result;
        }
        while (count > 0 && skip >= parts->iov_len) {
            skip -= parts->iov_len;
            parts++;
            count--;
        }
    }
    return 0;
}

static int real_truncate(struct disk_file *file, int64_t size)
{
    return result_of(ftruncate(file->fd, size));
}

static int real_sync(struct disk_file *file)
{
    return result_of(fdatasync(file->fd));
}

static int real_size(struct disk_file *file, int64_t *size)
{
    struct stat facts;

    if (fstat(file->fd, &facts) != 0)
        return errno;
    *size = facts.st_size;
    return 0;
}

static int real_lock(struct disk_file *file)
{
    return result_of(flock(file->fd, LOCK_EX | LOCK_NB));
}

static int real_rename(struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return result_of(rename(from, to));
}

static int real_unlink(struct disk *disk, const char *path)
{
    (void)disk;
    return result_of(unlink(path));
}

static int real_make_directory(struct disk *disk, const char *path)
{
    (void)disk;
    return result_of(mkdir(path, 0750));
}

static int real_remove_directory(struct disk *disk, const char *path)
{
    (void)disk;
    return result_of(rmdir(path));
}

static int real_sync_directory(struct disk *disk, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result;

    (void)disk;
    if (fd < 0)
        return errno;
    result = result_of(fsync(fd));
    (void)close(fd);
    return result;
}

static bool entry_is_directory(DIR *directory, const struct dirent *entry)
{
    struct stat facts;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(directory), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(facts.st_mode);
}

static int real_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **entries, size_t *count)
{
    DIR *directory = opendir(path);
    size_t capacity = 0;
    int result;

    (void)disk;
    *entries = NULL;
    *count = 0;
    if (directory == NULL)
        return errno;
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(directory);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (*count == capacity) {
            struct disk_entry *more = arena_new_array(arena, capacity = capacity == 0 ? 16 : capacity * 2, sizeof(*more));

            if (*count > 0)
                memcpy(more, *entries, *count * sizeof(*more));
            *entries = more;
        }
        (*entries)[(*count)++] =
            (struct disk_entry){arena_copy_string(arena, slice_from_string(entry->d_name)), entry_is_directory(directory, entry)};
    }
    result = errno;
    (void)closedir(directory);
    return result;
}

static int real_file_size(struct disk *disk, const char *path, int64_t *size)
{
    struct stat facts;

    (void)disk;
    if (stat(path, &facts) != 0)
        return errno;
    *size = facts.st_size;
    return 0;
}

static int real_free_bytes(struct disk *disk, const char *path, int64_t *bytes)
{
    struct statvfs facts;

    (void)disk;
    if (statvfs(path, &facts) != 0)
        return errno;
    *bytes = (int64_t)facts.f_bavail * (int64_t)facts.f_frsize;
    return 0;
}

static const struct disk_operations operations = {
    .open = real_open,
    .close = real_close,
    .read = real_read,
    .write = real_write,
    .truncate = real_truncate,
    .sync = real_sync,
    .size = real_size,
    .lock = real_lock,
    .rename = real_rename,
    .unlink = real_unlink,
    .make_directory = real_make_directory,
    .remove_directory = real_remove_directory,
    .sync_directory = real_sync_directory,
    .list = real_list,
    .file_size = real_file_size,
    .free_bytes = real_free_bytes,
};

static struct disk the_disk = {.operations = &operations};

struct disk *disk_real(void)
{
    return &the_disk;
}
