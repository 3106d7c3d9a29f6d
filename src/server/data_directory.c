#include "server/data_directory.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PID_FILE "tailrace.pid"
#define CONTROL_SOCKET "control.sock"
#define ASKERS_WAITING_MAX 16
#define QUESTION_BYTES_MAX 256
#define ASKER_TIMEOUT_S 1
#define ANSWER_TIMEOUT_S 10

struct data_directory {
    char *path;
    int fd;      /* of the directory */
    int lock;    /* the locked pid file */
    int control; /* listening, -1 before the claim */
    pid_t claimed_by;
};

/* Like mkdir -p; the last one is for its owner alone, because it holds rows. */
static int directories_make(const char *path)
{
    char partial[PATH_MAX];
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof(partial))
        return ENAMETOOLONG;
    memcpy(partial, path, size + 1);
    for (char *at = partial + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(partial, 0755) < 0 && errno != EEXIST)
            return errno;
        *at = '/';
    }
    return mkdir(partial, 0700) < 0 && errno != EEXIST ? errno : 0;
}

static pid_t pid_read(int file)
{
    char text[32];
    ssize_t size = pread(file, text, sizeof(text), 0);
    int32_t pid = 0;

    return size > 0 && text_parse_int32(text_trim(slice_of(text, (size_t)size)), &pid) && pid > 0 ? pid : 0;
}

/* A pid file that was removed between opening and locking is no lock on anything: look again. */
static bool is_still_there(int directory, int file)
{
    struct stat opened, named;

    return fstat(file, &opened) == 0 && fstatat(directory, PID_FILE, &named, 0) == 0 && opened.st_ino == named.st_ino;
}

/* A lock of the open file, which children inherit; unlike flock it can be looked at without taking it for a moment. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static enum status lock_take(struct data_directory *directory, struct error *error)
{
    for (;;) {
        struct flock lock = whole_file();

        directory->lock = openat(directory->fd, PID_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (directory->lock < 0)
            return error_set_system(error, ERROR_DISK, errno, "%s/" PID_FILE, directory->path);
        if (fcntl(directory->lock, F_OFD_SETLK, &lock) < 0) {
            if (errno != EAGAIN && errno != EACCES)
                return error_set_system(error, ERROR_DISK, errno, "lock %s/" PID_FILE, directory->path);
            return error_set(
                error, ERROR_CONFLICT,
                "tailrace runs already on data directory %s (process %d); stop it with \"tailrace down\" or choose another --data-dir",
                directory->path, (int)pid_read(directory->lock));
        }
        if (is_still_there(directory->fd, directory->lock))
            return OK;
        (void)close(directory->lock);
    }
}

enum status data_directory_open(const char *path, struct data_directory **opened, struct error *error)
{
    struct data_directory *directory = memory_new(sizeof(*directory));
    enum status status = OK;
    char absolute[PATH_MAX];
    int failed;

    *directory = (struct data_directory){.fd = -1, .lock = -1, .control = -1};
    failed = directories_make(path);
    if (failed == 0 && realpath(path, absolute) == NULL)
        failed = errno;
    if (failed == 0) {
        directory->path = memory_copy_string(absolute);
        directory->fd = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        failed = directory->fd < 0 ? errno : 0;
    }
    status = failed != 0 ? error_set_system(error, ERROR_DISK, failed, "data directory %s", path) : lock_take(directory, error);
    if (status == OK)
        *opened = directory;
    else
        data_directory_close(directory);
    return status;
}

void data_directory_close(struct data_directory *directory)
{
    if (directory == NULL)
        return;
    if (directory->control >= 0) {
        (void)close(directory->control);
        (void)unlinkat(directory->fd, CONTROL_SOCKET, 0);
    }
    if (directory->lock >= 0 && directory->claimed_by == getpid())
        (void)unlinkat(directory->fd, PID_FILE, 0);
    if (directory->lock >= 0)
        (void)close(directory->lock);
    if (directory->fd >= 0)
        (void)close(directory->fd);
    memory_free(directory->path);
    memory_free(directory);
}

const char *data_directory_path(const struct data_directory *directory)
{
    return directory->path;
}

/* Through the descriptor, because the path of a socket may have 107 bytes only. */
static struct sockaddr_un control_address(int directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET, directory);
    return address;
}

enum status data_directory_claim(struct data_directory *directory, struct error *error)
{
    struct sockaddr_un address = control_address(directory->fd);
    char text[32];
    int size = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (ftruncate(directory->lock, 0) < 0 || pwrite(directory->lock, text, (size_t)size, 0) != size)
        return error_set_system(error, ERROR_DISK, errno, "%s/" PID_FILE, directory->path);
    directory->claimed_by = getpid();
    (void)unlinkat(directory->fd, CONTROL_SOCKET, 0);
    directory->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (directory->control < 0 || bind(directory->control, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(directory->fd, CONTROL_SOCKET, 0600, 0) < 0 || listen(directory->control, ASKERS_WAITING_MAX) < 0)
        return error_set_system(error, ERROR_DISK, errno, "%s/" CONTROL_SOCKET, directory->path);
    return OK;
}

int data_directory_control_fd(const struct data_directory *directory)
{
    return directory->control;
}

static void timeouts_set(int connection, int seconds)
{
    struct timeval limit = {.tv_sec = seconds};

    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static bool send_all(int connection, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(connection, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes = slice_from(bytes, (size_t)sent);
    }
    return true;
}

/* A line without its newline; false when it does not come or is too long. */
static bool question_read(int connection, char *line, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = recv(connection, line + used, size - used, 0);
        char *newline;

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        newline = memchr(line + used, '\n', (size_t)got);
        if (newline != NULL) {
            *newline = '\0';
            return true;
        }
        used += (size_t)got;
    }
    return false;
}

void data_directory_serve(struct data_directory *directory, void (*answer)(void *context, const char *question, struct buffer *text),
                          void *context)
{
    int connection = accept4(directory->control, NULL, NULL, SOCK_CLOEXEC);
    char question[QUESTION_BYTES_MAX];
    struct buffer text;

    if (connection < 0)
        return;
    timeouts_set(connection, ASKER_TIMEOUT_S);
    if (question_read(connection, question, sizeof(question))) {
        buffer_init(&text, SIZE_MAX / 2);
        answer(context, question, &text);
        (void)send_all(connection, buffer_slice(&text));
        buffer_finish(&text);
    }
    (void)close(connection);
}

/* ---- The other side ---- */

pid_t data_directory_owner(const char *path)
{
    char name[PATH_MAX];
    struct flock lock = whole_file();
    pid_t owner = 0;
    int file;

    (void)snprintf(name, sizeof(name), "%s/" PID_FILE, path);
    file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    if (fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        owner = pid_read(file);
    (void)close(file);
    return owner;
}

enum status data_directory_ask(const char *path, const char *question, struct buffer *answer, struct error *error)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t owner = data_directory_owner(path);
    enum status status = OK;
    struct sockaddr_un address;
    int connection;
    ssize_t got = 0;

    if (owner == 0) {
        if (directory >= 0)
            (void)close(directory);
        return error_set(error, ERROR_NOT_FOUND, "tailrace does not run on data directory %s; \"tailrace up --data-dir %s\" starts it",
                         path, path);
    }
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address = control_address(directory);
    timeouts_set(connection, ANSWER_TIMEOUT_S);
    if (connect(connection, (struct sockaddr *)&address, sizeof(address)) < 0 || !send_all(connection, slice_from_string(question)) ||
        !send_all(connection, slice_from_string("\n")))
        status = error_set_system(error, ERROR_UNAVAILABLE, errno, "ask process %d through %s/" CONTROL_SOCKET, (int)owner, path);
    while (status == OK) {
        uint8_t bytes[16384];

        got = recv(connection, bytes, sizeof(bytes), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = error_set_system(error, ERROR_UNAVAILABLE, errno, "process %d does not answer", (int)owner);
        if (got <= 0)
            break;
        buffer_append(answer, bytes, (size_t)got);
        if (answer->failed)
            status = error_set(error, ERROR_LIMIT, "the answer of process %d is too long", (int)owner);
    }
    if (connection >= 0)
        (void)close(connection);
    if (directory >= 0)
        (void)close(directory);
    return status;
}
