#include "server/ports.h"

#include "base/banned.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define SOCKETS_MAX 8

enum status port_check(const struct socket_address *address, const char *setting, struct error *error)
{
    struct socket_address tried = *address;
    int sockets[SOCKETS_MAX];
    size_t count = 0;
    enum status status = socket_listen(&tried, 1, sockets, SOCKETS_MAX, &count, error);

    for (size_t i = 0; i < count; i++)
        (void)close(sockets[i]);
    if (status == ERROR_UNAVAILABLE) {
        char why[256], name[64];
        pid_t owner = port_owner(address->port, name, sizeof(name));

        (void)snprintf(why, sizeof(why), "%s", error->message);
        if (owner != 0 && strstr(why, "in use") != NULL)
            return error_set(error, status, "setting %s: %s by process %d (%s); stop it, or choose another port with \"--set %s=…\"", setting, why, (int)owner, name, setting);
        return error_set(error, status, "setting %s: %s; \"ss -ltnp sport = :%d\" as root shows who has the port, \"--set %s=…\" chooses another",
                         setting, why, address->port, setting);
    }
    if (status != OK)
        error_context(error, "setting %s", setting);
    return status;
}

static enum status listeners_check(const char *listeners, struct error *error)
{
    struct slice rest = slice_from_string(listeners), field;
    enum status status = OK;

    while (status == OK && text_next_field(&rest, ',', &field)) {
        struct socket_address address;

        status = socket_address_parse(text_trim(field), &address, error);
        if (status != OK)
            error_context(error, "setting listeners");
        else
            status = port_check(&address, "listeners", error);
    }
    return status;
}

static enum status pair_check(const char *host, int64_t port, const char *setting, struct error *error)
{
    struct socket_address address = {.port = (int)port};

    (void)snprintf(address.host, sizeof(address.host), "%s", host);
    return port_check(&address, setting, error);
}

enum status ports_check(const struct settings *settings, bool with_postgres, struct error *error)
{
    enum status status = listeners_check(settings->listeners, error);

    if (status == OK)
        status = pair_check(settings->rest_host_name, settings->rest_port, "rest.port", error);
    if (status == OK)
        status = pair_check(settings->console_host_name, settings->console_port, "console.port", error);
    if (status == OK && with_postgres)
        status = pair_check(settings->postgres_host_name, settings->postgres_port, "postgres.port", error);
    return status;
}

/* ---- Who has a port ---- */

#define TCP_LISTEN 0x0A /* in the column st of /proc/net/tcp */

/* The inode of a socket that listens on it; 0 when none does. */
static unsigned long listener_inode(const char *table, int port)
{
    FILE *file = fopen(table, "re");
    unsigned long found = 0;
    char line[512];

    while (file != NULL && found == 0 && fgets(line, sizeof(line), file) != NULL) {
        unsigned local = 0, state = 0;
        unsigned long inode = 0;

        if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%4X %*[0-9A-Fa-f]:%*4X %2X %*s %*s %*s %*u %*d %lu", &local, &state, &inode) == 3 && (int)local == port && state == TCP_LISTEN)
            found = inode;
    }
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static bool process_has(const char *pid, const char *link_wanted)
{
    char path[PATH_MAX], link[64];
    DIR *directory;
    bool has = false;
    struct dirent *entry;

    (void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    directory = opendir(path);
    while (directory != NULL && !has && (entry = readdir(directory)) != NULL) {
        ssize_t size = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);

        link[size < 0 ? 0 : size] = '\0';
        has = strcmp(link, link_wanted) == 0;
    }
    if (directory != NULL)
        (void)closedir(directory);
    return has;
}

static void process_name(pid_t pid, char *name, size_t size)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    file = fopen(path, "re");
    name[0] = '\0';
    if (file != NULL && fgets(name, (int)size, file) != NULL)
        name[strcspn(name, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
}

pid_t port_owner(int port, char *name, size_t size)
{
    unsigned long inode = listener_inode("/proc/net/tcp", port);
    char wanted[64];
    DIR *processes;
    struct dirent *entry;
    int32_t owner = 0;

    name[0] = '\0';
    if (inode == 0)
        inode = listener_inode("/proc/net/tcp6", port);
    if (inode == 0)
        return 0;
    (void)snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    processes = opendir("/proc");
    while (processes != NULL && owner == 0 && (entry = readdir(processes)) != NULL) {
        int32_t pid;

        if (text_parse_int32(slice_from_string(entry->d_name), &pid) && process_has(entry->d_name, wanted))
            owner = pid;
    }
    if (processes != NULL)
        (void)closedir(processes);
    if (owner != 0)
        process_name(owner, name, size);
    return owner;
}
