/*
 * agents/sinks/file.c: one alert a line, as JSON.
 *
 *   path          of the file (required)
 *   rotate.bytes  past this size it becomes <path>.1, that <path>.2, …; default 64 MiB, 0 never
 *   rotate.keep   how many old files are kept; default 5
 */
#include "agents/sink.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_sink {
    char *path;
    int64_t rotate_bytes, keep;
    struct buffer lines;
};

static enum status number_read(const struct properties *settings, const char *key, int64_t min, int64_t max, int64_t *value, struct error *error)
{
    const char *text = properties_get(settings, key);

    if (text != NULL && (!text_parse_int64(slice_from_string(text), value) || *value < min || *value > max))
        return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be a whole number from %lld to %lld", key, text, (long long)min, (long long)max);
    return OK;
}

static enum status create(const struct properties *settings, const struct stop *stop, void **created, struct error *error)
{
    struct file_sink *sink = memory_new(sizeof(*sink));
    enum status status;

    (void)stop;
    *sink = (struct file_sink){.path = memory_copy_string(properties_get(settings, "path")), .rotate_bytes = 64 << 20, .keep = 5};
    buffer_init(&sink->lines, (size_t)64 << 20);
    *created = sink;
    if (sink->path == NULL || *sink->path == '\0')
        return error_set(error, ERROR_BAD_INPUT, "setting path is missing: which file?");
    status = number_read(settings, "rotate.bytes", 0, INT64_MAX, &sink->rotate_bytes, error);
    return status == OK ? number_read(settings, "rotate.keep", 1, 1000, &sink->keep, error) : status;
}

static void destroy(void *context)
{
    struct file_sink *sink = context;

    memory_free(sink->path);
    buffer_finish(&sink->lines);
    memory_free(sink);
}

static enum status failed(const struct file_sink *sink, const char *doing, struct error *error)
{
    return error_set_system(error, ERROR_DISK, errno, "%s %s", doing, sink->path);
}

static enum status rotate(const struct file_sink *sink, struct error *error)
{
    enum status status = OK;

    for (int64_t i = sink->keep; i >= 1 && status == OK; i--) {
        char *from = i == 1 ? memory_copy_string(sink->path) : memory_format("%s.%lld", sink->path, (long long)(i - 1));
        char *to = memory_format("%s.%lld", sink->path, (long long)i);

        if (rename(from, to) != 0 && errno != ENOENT)
            status = failed(sink, "rotate", error);
        memory_free(from);
        memory_free(to);
    }
    return status;
}

/* The names of new and rotated files last through a power cut too. */
static enum status directory_sync(const struct file_sink *sink, struct error *error)
{
    const char *slash = strrchr(sink->path, '/');
    char *directory = slash == NULL ? memory_copy_string(".") : slash == sink->path ? memory_copy_string("/") : memory_copy_bytes(sink->path, (size_t)(slash - sink->path));
    enum status status = disk_sync_directory(disk_real(), directory, error);

    memory_free(directory);
    return status;
}

static enum status write_all(const struct file_sink *sink, int fd, struct error *error)
{
    struct slice rest = buffer_slice(&sink->lines);

    while (rest.size > 0) {
        ssize_t size = write(fd, rest.data, rest.size);

        if (size < 0 && errno != EINTR)
            return failed(sink, "write", error);
        if (size > 0)
            rest = slice_from(rest, (size_t)size);
    }
    /* a terminal or a pipe cannot be synced */
    return fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS ? OK : failed(sink, "sync", error);
}

/* Where the last line begins when it has no end; the file's size when it has. */
static off_t torn_line_find(int fd, off_t size)
{
    char block[4096];

    while (size > 0) {
        off_t from = size > (off_t)sizeof(block) ? size - (off_t)sizeof(block) : 0;
        ssize_t got = pread(fd, block, (size_t)(size - from), from);
        const char *newline = got == size - from ? memrchr(block, '\n', (size_t)got) : NULL;

        if (got != size - from)
            return -1;
        if (newline != NULL)
            return from + (newline - block) + 1;
        size = from;
    }
    return 0;
}

/*
 * A program that was killed while it wrote left half a line, and the alert comes again: behind that half nobody could read it. Ours is taken
 * back; what somebody else wrote gets an end.
 */
static enum status torn_line_mend(struct file_sink *sink, int fd, off_t *size, bool *needs_end, struct error *error)
{
    static const char ours[] = "{\"id\":\"";
    int reader = open(sink->path, O_RDONLY | O_CLOEXEC);
    off_t begin = reader < 0 ? *size : torn_line_find(reader, *size);
    char first[sizeof(ours) - 1];
    enum status status = OK;

    if (begin >= 0 && begin < *size) {
        size_t common = (size_t)(*size - begin) < sizeof(first) ? (size_t)(*size - begin) : sizeof(first);

        if (pread(reader, first, common, begin) == (ssize_t)common && memcmp(first, ours, common) == 0) {
            if (ftruncate(fd, begin) != 0)
                status = failed(sink, "cut half a line from", error);
            *size = begin;
        } else {
            *needs_end = true;
        }
    }
    if (reader >= 0)
        (void)close(reader);
    return status;
}

static void lines_make(struct file_sink *sink, const struct delivery *deliveries, size_t count)
{
    buffer_reset(&sink->lines);
    for (size_t i = 0; i < count; i++) {
        buffer_append_slice(&sink->lines, deliveries[i].json);
        buffer_append_u8(&sink->lines, '\n');
    }
}

static enum status deliver(void *context, struct delivery *deliveries, size_t count, size_t *delivered, struct error *error)
{
    struct file_sink *sink = context;
    struct stat facts;
    enum status status = OK;
    bool is_new, needs_end = false;
    int fd;

    lines_make(sink, deliveries, count);
    if (sink->rotate_bytes > 0 && stat(sink->path, &facts) == 0 && facts.st_size > 0 && facts.st_size + (off_t)sink->lines.size > sink->rotate_bytes)
        status = rotate(sink, error);
    if (status != OK)
        return status;
    fd = open(sink->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return failed(sink, "open", error);
    if (fstat(fd, &facts) != 0)
        facts.st_size = 0;
    is_new = S_ISREG(facts.st_mode) && facts.st_size == 0;
    if (S_ISREG(facts.st_mode))
        status = torn_line_mend(sink, fd, &facts.st_size, &needs_end, error);
    if (status == OK && needs_end && write(fd, "\n", 1) != 1)
        status = failed(sink, "write", error);
    if (status == OK)
        status = write_all(sink, fd, error);
    /* Half a line is taken back, so that the next try does not double the rest. */
    if (status != OK && S_ISREG(facts.st_mode) && ftruncate(fd, facts.st_size) != 0)
        error_context(error, "cut back %s", sink->path);
    (void)close(fd);
    if (status == OK && is_new)
        status = directory_sync(sink, error);
    *delivered = status == OK ? count : 0;
    return status;
}

static const char *const keys[] = {"path", "rotate.bytes", "rotate.keep", NULL};

const struct sink_kind sink_file = {"file", keys, create, destroy, deliver};
