#include "server/postgres_cluster.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/map.h"
#include "base/text.h"
#include "os/disk.h"
#include "os/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVER_USER "postgres"
#define DEBIAN_DIRECTORY "/usr/lib/postgresql"
#define SMALL_FILE_BYTES_MAX (64 * 1024)
#define LOG_TAIL_BYTES 4096
#define SYNC_THREADS 16

/* ---- Programs ---- */

static bool has_programs(const char *directory)
{
    char path[PATH_MAX + 16];

    (void)snprintf(path, sizeof(path), "%s/initdb", directory);
    if (access(path, X_OK) != 0)
        return false;
    (void)snprintf(path, sizeof(path), "%s/postgres", directory);
    return access(path, X_OK) == 0;
}

static bool small_file_read(const char *directory, const char *name, struct buffer *text)
{
    char path[PATH_MAX + 32];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return disk_read_file(disk_real(), path, text, NULL) == OK;
}

/* The major version that made the directory, as in PG_VERSION; 0 when there is none. */
static int32_t version_read(const char *directory)
{
    struct buffer text;
    int32_t version = 0;

    buffer_init(&text, SMALL_FILE_BYTES_MAX);
    if (!small_file_read(directory, "PG_VERSION", &text) || !text_parse_int32(text_trim(buffer_slice(&text)), &version))
        version = 0;
    buffer_finish(&text);
    return version;
}

/* Debian has each major version in a directory of its own: the one that made the data, or the newest. */
static bool debian_programs_find(int32_t wanted, char *found, size_t size)
{
    struct arena arena;
    struct disk_entry *entries = NULL;
    size_t count = 0;
    int32_t best = 0;

    arena_init(&arena, 4096);
    if (disk_list(disk_real(), DEBIAN_DIRECTORY, &arena, &entries, &count, NULL) != OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        int32_t version;

        if (!text_parse_int32(slice_from_string(entries[i].name), &version) || (wanted != 0 && version != wanted) || version < best)
            continue;
        (void)snprintf(path, sizeof(path), DEBIAN_DIRECTORY "/%s/bin", entries[i].name);
        if (has_programs(path)) {
            best = version;
            (void)snprintf(found, size, "%s", path);
        }
    }
    arena_finish(&arena);
    return best != 0;
}

static bool path_programs_find(char *found, size_t size)
{
    struct slice rest = slice_from_string(getenv("PATH")), directory;

    while (text_next_field(&rest, ':', &directory)) {
        (void)snprintf(found, size, "%.*s", (int)directory.size, (const char *)directory.data);
        if (directory.size > 0 && has_programs(found))
            return true;
    }
    return false;
}

static enum status programs_find(struct postgres_cluster *cluster, struct error *error)
{
    int32_t version = version_read(cluster->directory);
    char wanted[16] = "";

    if (*cluster->settings.bin_dir != '\0') {
        (void)snprintf(cluster->bin, sizeof(cluster->bin), "%s", cluster->settings.bin_dir);
        if (has_programs(cluster->bin))
            return OK;
        return error_set(error, ERROR_NOT_FOUND, "postgres.bin.dir=%s: there is no initdb and postgres", cluster->bin);
    }
    if (debian_programs_find(version, cluster->bin, sizeof(cluster->bin)) ||
        (version == 0 && path_programs_find(cluster->bin, sizeof(cluster->bin))))
        return OK;
    if (version != 0)
        (void)snprintf(wanted, sizeof(wanted), " %d", (int)version);
    return error_set(error, ERROR_NOT_FOUND,
                     "PostgreSQL%s is not installed here (looked in " DEBIAN_DIRECTORY
                     "/*/bin%s); apt-get install postgresql, or set postgres.bin.dir",
                     wanted, version == 0 ? " and PATH" : "");
}

/* ---- Opening ---- */

/* In the directory itself when the path is short enough for a socket, otherwise a private one in /tmp that the path always leads to. */
static enum status socket_directory_choose(struct postgres_cluster *cluster, struct error *error)
{
    char longest[] = "/.s.PGSQL.65535";
    uid_t owner = cluster->changes_user ? cluster->user.uid : getuid();
    struct stat is;

    cluster->socket_is_inside = strlen(cluster->directory) + sizeof(longest) <= sizeof(cluster->socket_directory);
    if (cluster->socket_is_inside) {
        (void)snprintf(cluster->socket_directory, sizeof(cluster->socket_directory), "%s", cluster->directory);
        return OK;
    }
    (void)snprintf(cluster->socket_directory, sizeof(cluster->socket_directory), "/tmp/tailrace-%016llx",
                   (unsigned long long)hash_bytes(slice_from_string(cluster->directory)));
    if (mkdir(cluster->socket_directory, 0700) == 0 && cluster->changes_user &&
        chown(cluster->socket_directory, owner, cluster->user.gid) < 0)
        return error_set_system(error, ERROR_DISK, errno, "socket directory %s", cluster->socket_directory);
    if (lstat(cluster->socket_directory, &is) < 0)
        return error_set_system(error, ERROR_DISK, errno, "socket directory %s", cluster->socket_directory);
    if (!S_ISDIR(is.st_mode) || is.st_uid != owner || (is.st_mode & 077) != 0)
        return error_set(error, ERROR_DISK, "socket directory %s belongs to somebody else; remove it", cluster->socket_directory);
    return OK;
}

enum status postgres_cluster_init(struct postgres_cluster *cluster, const struct postgres_settings *settings, struct error *error)
{
    char path[PATH_MAX];
    enum status status = OK;

    *cluster = (struct postgres_cluster){.settings = *settings, .changes_user = geteuid() == 0, .log = -1};
    if (snprintf(cluster->directory, sizeof(cluster->directory), "%s/postgres", settings->data_dir) >= (int)sizeof(cluster->directory) ||
        snprintf(path, sizeof(path), "%s/postgres.log", settings->data_dir) >= (int)sizeof(path))
        return error_set(error, ERROR_DISK, "the path %s is too long", settings->data_dir);
    if (cluster->changes_user && process_user_find(SERVER_USER, &cluster->user, error) != OK) {
        error_context(error, "PostgreSQL does not run as root; apt-get install postgresql makes the user it needs");
        return ERROR_NOT_FOUND;
    }
    status = programs_find(cluster, error);
    if (status == OK)
        status = socket_directory_choose(cluster, error);
    if (status == OK) {
        cluster->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (cluster->log < 0)
            status = error_set_system(error, ERROR_DISK, errno, "%s", path);
    }
    return status;
}

void postgres_cluster_finish(struct postgres_cluster *cluster)
{
    if (cluster->log >= 0)
        (void)close(cluster->log);
    cluster->log = -1;
    if (!cluster->socket_is_inside && *cluster->socket_directory != '\0' && postgres_cluster_server(cluster->settings.data_dir) == 0)
        (void)rmdir(cluster->socket_directory);
}

bool postgres_cluster_exists(const struct postgres_cluster *cluster)
{
    return version_read(cluster->directory) != 0;
}

/* ---- Starting programs ---- */

/* Runs a program of the cluster on an open directory; %d of the arguments has been filled in by the caller. */
static enum status program_start(struct postgres_cluster *cluster, const char *const *argv, const int *kept, size_t kept_count,
                                 struct process *started, struct error *error)
{
    static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
    struct process_spec spec = {
        .argv = argv,
        .environment = environment,
        .user = cluster->changes_user ? &cluster->user : NULL,
        .output = cluster->log,
        .kept_count = kept_count,
    };

    memcpy(spec.kept, kept, kept_count * sizeof(*kept));
    return process_start(&spec, started, error);
}

static void unfinished_path(const struct postgres_cluster *cluster, char *path, size_t size)
{
    (void)snprintf(path, size, "%s.new", cluster->directory);
}

/* An empty directory that belongs to the server's user; what an interrupted initdb left is removed. */
static enum status unfinished_make(const struct postgres_cluster *cluster, const char *path, int *opened, struct error *error)
{
    if (tree_remove(path, error) != OK)
        return error->status;
    if (mkdir(path, 0700) < 0 || (cluster->changes_user && chown(path, cluster->user.uid, cluster->user.gid) < 0))
        return error_set_system(error, ERROR_DISK, errno, "make %s", path);
    *opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *opened < 0 ? error_set_system(error, ERROR_DISK, errno, "open %s", path) : OK;
}

/* The password where only initdb can read it: in memory. */
static int password_file_make(const struct postgres_cluster *cluster)
{
    int file = memfd_create("password", MFD_CLOEXEC);

    if (file >= 0 && ((cluster->changes_user && fchown(file, cluster->user.uid, cluster->user.gid) < 0) ||
                      dprintf(file, "%s\n", cluster->settings.password) < 0)) {
        (void)close(file);
        file = -1;
    }
    return file;
}

enum status postgres_cluster_create(struct postgres_cluster *cluster, struct process *initdb, struct error *error)
{
    char path[PATH_MAX + 8], program[PATH_MAX + 16], directory[64], password[64];
    const char *argv[] = {program,
                          "-D",
                          directory,
                          "--username=postgres",
                          "--auth=scram-sha-256",
                          password,
                          "--encoding=UTF8",
                          "--locale=C.UTF-8",
                          "--no-instructions",
                          "--no-sync",
                          NULL}; /* we do that faster */
    int kept[2] = {-1, -1};
    enum status status;

    unfinished_path(cluster, path, sizeof(path));
    status = unfinished_make(cluster, path, &kept[0], error);
    if (status == OK) {
        kept[1] = password_file_make(cluster);
        if (kept[1] < 0)
            status = error_set_system(error, ERROR_UNAVAILABLE, errno, "hand over the password of user postgres");
    }
    if (status == OK) {
        (void)snprintf(program, sizeof(program), "%s/initdb", cluster->bin);
        (void)snprintf(directory, sizeof(directory), "/proc/self/fd/%d", kept[0]);
        (void)snprintf(password, sizeof(password), "--pwfile=/proc/self/fd/%d", kept[1]);
        status = program_start(cluster, argv, kept, 2, initdb, error);
    }
    for (size_t i = 0; i < 2; i++) {
        if (kept[i] >= 0)
            (void)close(kept[i]);
    }
    return status;
}

/* Our settings are read first, so that a line of postgresql.conf below, or ALTER SYSTEM, can change them. */
static bool settings_write(const struct postgres_cluster *cluster, const char *path)
{
    char name[PATH_MAX + 64];
    struct buffer text;
    bool written;
    FILE *file;

    buffer_init(&text, SMALL_FILE_BYTES_MAX);
    buffer_append_string(&text, "\n# Durable as delivered (fsync and synchronous_commit are on); sized for a machine that is shared.\n");
    buffer_append_string(&text, "wal_level = logical\nmax_wal_senders = 32\nmax_replication_slots = 32\n");
    buffer_append_format(&text, "max_connections = %lld\nshared_buffers = %lldMB\n", (long long)cluster->settings.connections_max,
                         (long long)cluster->settings.shared_buffers_mb);
    buffer_append_string(&text, "wal_buffers = 16MB\nmax_wal_size = 2GB\ncheckpoint_timeout = 15min\nlogging_collector = off\n"
                                "log_timezone = 'UTC'\ntimezone = 'UTC'\nlog_checkpoints = off\n");
    (void)snprintf(name, sizeof(name), "%s/postgresql.conf", path);
    file = fopen(name, "ae");
    written = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    if (file != NULL && fclose(file) != 0)
        written = false;
    buffer_finish(&text);
    return written;
}

enum status postgres_cluster_create_end(struct postgres_cluster *cluster, struct error *error)
{
    char path[PATH_MAX + 8];

    unfinished_path(cluster, path, sizeof(path));
    if (!settings_write(cluster, path))
        return error_set_system(error, ERROR_DISK, errno, "write %s/postgresql.conf", path);
    if (tree_sync(path, SYNC_THREADS, error) != OK)
        return error->status;
    if (disk_rename(disk_real(), path, cluster->directory, error) != OK)
        return error->status;
    return disk_sync_directory(disk_real(), cluster->settings.data_dir, error);
}

enum status postgres_cluster_start(struct postgres_cluster *cluster, struct process *server, struct error *error)
{
    char program[PATH_MAX + 16], directory[64], port[32], host[300], sockets[SOCKET_PATH_MAX + 64];
    const char *argv[] = {program, "-D", directory, "-c", port, "-c", host, "-c", sockets, "-c", "unix_socket_permissions=0700", NULL};
    int opened = open(cluster->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status;

    if (opened < 0)
        return error_set_system(error, ERROR_DISK, errno, "open %s", cluster->directory);
    (void)snprintf(program, sizeof(program), "%s/postgres", cluster->bin);
    (void)snprintf(directory, sizeof(directory), "/proc/self/fd/%d", opened);
    (void)snprintf(port, sizeof(port), "port=%d", cluster->settings.port);
    (void)snprintf(host, sizeof(host), "listen_addresses=%s", cluster->settings.host);
    (void)snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", cluster->socket_is_inside ? "." : cluster->socket_directory);
    status = program_start(cluster, argv, &opened, 1, server, error);
    (void)close(opened);
    return status;
}

/* ---- Looking at a server ---- */

enum { PID_LINE = 0, PORT_LINE = 3, SOCKET_LINE = 4, HOST_LINE = 5, STATE_LINE = 7 };

/* Line `index` of postmaster.pid, trimmed (Source: PostgreSQL, src/include/utils/pidfile.h). */
static bool server_line(const char *directory, int index, char *line, size_t size)
{
    struct buffer text;
    struct slice rest, field = slice_null();
    bool found;

    buffer_init(&text, SMALL_FILE_BYTES_MAX);
    found = small_file_read(directory, "postmaster.pid", &text);
    rest = buffer_slice(&text);
    for (int i = 0; i <= index && found; i++)
        found = text_next_field(&rest, '\n', &field);
    field = text_trim(field);
    if (found)
        (void)snprintf(line, size, "%.*s", (int)field.size, (const char *)field.data);
    buffer_finish(&text);
    return found;
}

bool postgres_cluster_is_ready(const struct postgres_cluster *cluster, pid_t pid)
{
    char line[64];
    int32_t owner;

    return server_line(cluster->directory, PID_LINE, line, sizeof(line)) && text_parse_int32(slice_from_string(line), &owner) &&
           owner == pid && server_line(cluster->directory, STATE_LINE, line, sizeof(line)) && strcmp(line, "ready") == 0;
}

pid_t postgres_cluster_server(const char *data_dir)
{
    char directory[PATH_MAX], line[64], path[64];
    struct stat ours, its;
    int32_t pid;

    (void)snprintf(directory, sizeof(directory), "%s/postgres", data_dir);
    if (!server_line(directory, PID_LINE, line, sizeof(line)) || !text_parse_int32(slice_from_string(line), &pid) || pid <= 1)
        return 0;
    /* A server's working directory is its data directory; another process may have got the number of a dead one. */
    (void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
    if (stat(directory, &ours) < 0 || stat(path, &its) < 0 || ours.st_dev != its.st_dev || ours.st_ino != its.st_ino)
        return 0;
    return pid;
}

bool postgres_cluster_server_fits(const struct postgres_cluster *cluster)
{
    char line[SOCKET_PATH_MAX];
    int32_t port;

    /* The first address of listen_addresses: "*" and names are shown as they were given. */
    return server_line(cluster->directory, PORT_LINE, line, sizeof(line)) && text_parse_int32(slice_from_string(line), &port) &&
           port == cluster->settings.port && server_line(cluster->directory, SOCKET_LINE, line, sizeof(line)) &&
           strcmp(line, cluster->socket_is_inside ? "." : cluster->socket_directory) == 0 &&
           server_line(cluster->directory, HOST_LINE, line, sizeof(line)) && strcmp(line, cluster->settings.host) == 0;
}

void postgres_cluster_complaint(const struct postgres_cluster *cluster, char *text, size_t size)
{
    char tail[LOG_TAIL_BYTES];
    off_t end = lseek(cluster->log, 0, SEEK_END);
    ssize_t got = pread(cluster->log, tail, sizeof(tail), end > (off_t)sizeof(tail) ? end - (off_t)sizeof(tail) : 0);
    struct slice rest = slice_of(tail, got < 0 ? 0 : (size_t)got), line;

    *text = '\0';
    while (text_next_field(&rest, '\n', &line)) {
        static const char *const marks[] = {"FATAL:  ", "PANIC:  ", "error: "};

        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
            const uint8_t *mark = memmem(line.data, line.size, marks[i], strlen(marks[i]));

            if (mark != NULL) {
                size_t skipped = (size_t)(mark - line.data) + strlen(marks[i]);

                (void)snprintf(text, size, "%.*s", (int)(line.size - skipped), (const char *)line.data + skipped);
            }
        }
    }
}
