/*
 * os/disk.h: the seam between what must last and the file system: the real one, or a simulated one that loses power.
 *
 * What a disk promises, and no more: bytes of a file are durable after disk_sync; a name (created, renamed or removed) is
 * durable after disk_sync_directory of its directory. Whatever was not synced may after a power cut be there, be missing,
 * or be there in part, in any order.
 *
 * Every function sets DISK, or DISK_FULL when there is no space, with the path and the system's reason, unless it says
 * otherwise. Thread: any; calls on one file may run at the same time.
 */
#ifndef OS_DISK_H
#define OS_DISK_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#include <sys/uio.h>

enum disk_mode {
    DISK_READ,    /* must exist */
    DISK_WRITE,   /* read and write, must exist */
    DISK_CREATE,  /* read and write, made when missing */
    DISK_REPLACE, /* read and write, made when missing, emptied when not */
};

struct disk {
    const struct disk_operations *operations;
    _Atomic bool sync_failed; /* set by disk_sync when it fails; whoever minds takes it back */
};

struct disk_file {
    struct disk *disk;
    char *path;
    int fd; /* for sendfile; -1 where there is none */
};

struct disk_entry {
    const char *name;
    bool is_directory;
};

/* What an implementation gives; each returns 0 or an errno value. */
struct disk_operations {
    int (*open)(struct disk *disk, const char *path, enum disk_mode mode, struct disk_file **opened);
    void (*close)(struct disk_file *file);
    int (*read)(struct disk_file *file, void *bytes, size_t size, int64_t position, size_t *got); /* short only at the end of the file */
    int (*write)(struct disk_file *file, const struct iovec *parts, int count, int64_t position); /* all or an error */
    int (*truncate)(struct disk_file *file, int64_t size);
    int (*sync)(struct disk_file *file);
    int (*size)(struct disk_file *file, int64_t *size);
    int (*lock)(struct disk_file *file); /* EWOULDBLOCK when another process has it */
    int (*rename)(struct disk *disk, const char *from, const char *to);
    int (*unlink)(struct disk *disk, const char *path);
    int (*make_directory)(struct disk *disk, const char *path);
    int (*remove_directory)(struct disk *disk, const char *path);
    int (*sync_directory)(struct disk *disk, const char *path);
    int (*list)(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **entries, size_t *count);
    int (*file_size)(struct disk *disk, const char *path, int64_t *size);
    int (*free_bytes)(struct disk *disk, const char *path, int64_t *bytes);
};

/* The real file system. */
struct disk *disk_real(void);

/* Errors: also NOT_FOUND. */
enum status disk_open(struct disk *disk, const char *path, enum disk_mode mode, struct disk_file **opened, struct error *error);
void disk_close(struct disk_file *file); /* NULL is fine */

/* Reads at most `size` bytes; fewer only at the end of the file. */
enum status disk_read(struct disk_file *file, void *bytes, size_t size, int64_t position, size_t *got, struct error *error);

/* Writes all of it, or fails; what then stands behind `position` is unknown. */
enum status disk_write(struct disk_file *file, struct slice bytes, int64_t position, struct error *error);
enum status disk_write_parts(struct disk_file *file, const struct iovec *parts, int count, int64_t position, struct error *error);

enum status disk_truncate(struct disk_file *file, int64_t size, struct error *error);
enum status disk_sync(struct disk_file *file, struct error *error); /* fdatasync: bytes and size */
enum status disk_size(struct disk_file *file, int64_t *size, struct error *error);

/* Errors: also CONFLICT when another process holds the lock. Closing lets go. */
enum status disk_lock(struct disk_file *file, struct error *error);

enum status disk_rename(struct disk *disk, const char *from, const char *to, struct error *error);
enum status disk_unlink(struct disk *disk, const char *path, struct error *error);           /* OK when it is missing */
enum status disk_make_directory(struct disk *disk, const char *path, struct error *error);   /* OK when it is there */
enum status disk_remove_directory(struct disk *disk, const char *path, struct error *error); /* OK when it is missing */
enum status disk_sync_directory(struct disk *disk, const char *path, struct error *error);

/* Names in a directory, in byte order, without . and .., in memory of the arena. Errors: also NOT_FOUND. */
enum status disk_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **entries, size_t *count, struct error *error);

/* Errors: also NOT_FOUND. */
enum status disk_file_size(struct disk *disk, const char *path, int64_t *size, struct error *error);
enum status disk_free_bytes(struct disk *disk, const char *path, int64_t *bytes, struct error *error);

/* The whole of a file behind what `bytes` has. Errors: also NOT_FOUND, LIMIT (more than the buffer's maximum). */
enum status disk_read_file(struct disk *disk, const char *path, struct buffer *bytes, struct error *error);

/* Replaces a file so that after a power cut it holds the old bytes or the new ones: a temporary file, sync, rename, sync. */
enum status disk_replace_file(struct disk *disk, const char *directory, const char *name, struct slice bytes, struct error *error);

#endif
