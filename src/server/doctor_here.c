#include "server/doctor_here.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/disk.h"
#include "server/data_directory.h"
#include "server/doctor_remedy.h"
#include "server/ports.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PORTS_TRIED 100
#define DISK_WARN_BYTES (INT64_C(1) << 30)
#define DISK_ERROR_BYTES (INT64_C(64) << 20)
#define INODES_WARN 10000
#define FILES_WARN 4096
#define MEMORY_WARN_BYTES (INT64_C(128) << 20)

/* ---- Looking: the directory ---- */

static const char *user_name(uid_t uid, struct arena *arena)
{
    const struct passwd *user = getpwuid(uid);

    return user == NULL ? arena_format(arena, "user %u", (unsigned)uid) : arena_copy_string(arena, slice_from_string(user->pw_name));
}

/* The nearest directory above that exists: there it will be made. */
static const char *parent_of(const char *path, struct arena *arena)
{
    char *parent = arena_copy_string(arena, slice_from_string(path));
    struct stat found;
    char *slash;

    while ((slash = strrchr(parent, '/')) != NULL) {
        *slash = '\0';
        if (*parent == '\0')
            return "/";
        if (stat(parent, &found) == 0)
            return parent;
    }
    return ".";
}

static const struct {
    unsigned long magic;
    const char *name, *doubt;
    bool loses_syncs;
} filesystems[] = {
    {0xEF53, "ext4", NULL, false},
    {0x58465342, "xfs", NULL, false},
    {0x9123683E, "btrfs", NULL, false},
    {0x2FC12FC1, "zfs", NULL, false},
    {0xF2F52010, "f2fs", NULL, false},
    {0x01021994, "tmpfs", "it is memory: all is gone when the machine restarts", false},
    {0x858458F6, "ramfs", "it is memory: all is gone when the machine restarts", false},
    {0x794C7630, "overlayfs", "it is the inside of a container: all is gone with the container", false},
    {0x6969, "nfs", "locks and syncs over a network cannot be relied on, and a server that goes away blocks the program", true},
    {0x517B, "smb", "locks and syncs over a network cannot be relied on", true},
    {0xFF534D42, "cifs", "locks and syncs over a network cannot be relied on", true},
    {0xFE534D42, "smb2", "locks and syncs over a network cannot be relied on", true},
    {0x01021997, "9p", "what a sync does is up to the host that shares it", true},
    {0x65735546, "fuse", "what a sync does is up to the program behind it", false},
    {0x786F4256, "vboxsf", "locks and syncs of shared folders cannot be relied on", true},
};

static void filesystem_look(const char *path, struct here_facts *facts)
{
    struct statfs kind;
    struct statvfs room;

    facts->free_bytes = facts->total_bytes = facts->free_inodes = -1;
    if (statfs(path, &kind) == 0) {
        for (size_t i = 0; i < sizeof(filesystems) / sizeof(filesystems[0]); i++) {
            if (((unsigned long)kind.f_type & 0xFFFFFFFFul) != filesystems[i].magic)
                continue;
            facts->filesystem = filesystems[i].name;
            facts->doubt = filesystems[i].doubt;
            facts->loses_syncs = filesystems[i].loses_syncs;
        }
    }
    if (statvfs(path, &room) == 0) {
        facts->free_bytes = (int64_t)room.f_bavail * (int64_t)room.f_frsize;
        facts->total_bytes = (int64_t)room.f_blocks * (int64_t)room.f_frsize;
        facts->free_inodes = room.f_files == 0 ? -1 : (int64_t)room.f_favail;
        facts->is_read_only_mount = (room.f_flag & ST_RDONLY) != 0;
    }
}

static bool is_there(const char *directory, const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static void directory_look(const char *data_dir, struct arena *arena, struct here_facts *facts)
{
    char absolute[PATH_MAX];
    struct stat found;

    facts->data_dir = data_dir;
    facts->user = user_name(geteuid(), arena);
    facts->look_failed = stat(data_dir, &found) == 0 ? (S_ISDIR(found.st_mode) ? 0 : ENOTDIR) : errno;
    if (facts->look_failed == 0 && realpath(data_dir, absolute) != NULL) {
        facts->data_dir = arena_copy_string(arena, slice_from_string(absolute));
        facts->owner = user_name(found.st_uid, arena);
        facts->owner_differs = found.st_uid != geteuid();
        facts->open_to_others = (found.st_mode & 07) != 0;
        facts->may_write = access(absolute, R_OK | W_OK | X_OK) == 0;
        facts->running = data_directory_owner(absolute);
        facts->has_log = is_there(absolute, "log/meta.properties") || is_there(absolute, "log/catalog");
        facts->was_killed = facts->running == 0 && facts->has_log && !is_there(absolute, "log/.kafka_cleanshutdown");
    } else {
        facts->parent = parent_of(data_dir, arena);
        facts->may_write = access(facts->parent, W_OK | X_OK) == 0;
    }
    filesystem_look(facts->look_failed == 0 ? facts->data_dir : facts->parent, facts);
}

/* ---- Looking: ports ---- */

static void port_look(const char *setting, const struct socket_address *address, struct arena *arena, struct here_facts *facts)
{
    struct here_port *port = &facts->ports[facts->port_count];
    struct error error;
    char name[64] = "";

    if (facts->port_count == HERE_PORTS_MAX || address->port == 0)
        return;
    facts->port_count++;
    *port = (struct here_port){.setting = setting, .address = *address, .name = ""};
    port->is_free = port_check(address, setting, &error) == OK;
    if (port->is_free)
        return;
    for (int number = address->port + 1; number <= address->port + PORTS_TRIED && number < 65536 && port->instead == 0; number++) {
        struct socket_address other = *address;
        struct error ignored;

        other.port = number;
        if (port_check(&other, setting, &ignored) == OK)
            port->instead = number;
    }
    port->owner = port_owner(address->port, name, sizeof(name));
    port->name = arena_copy_string(arena, slice_from_string(name));
    if (port->owner == 0)
        port->why = arena_copy_string(arena, slice_from_string(error.message));
}

static void pair_look(const char *setting, const char *host, int64_t number, struct arena *arena, struct here_facts *facts)
{
    struct socket_address address = {.port = (int)number};

    (void)snprintf(address.host, sizeof(address.host), "%s", host);
    port_look(setting, &address, arena, facts);
}

static void listeners_look(const char *listeners, struct arena *arena, struct here_facts *facts)
{
    struct slice rest = slice_from_string(listeners), field;

    while (text_next_field(&rest, ',', &field)) {
        struct socket_address address;

        if (socket_address_parse(text_trim(field), &address, NULL) == OK)
            port_look("listeners", &address, arena, facts);
    }
}

/* An address as the program gives it: "127.0.0.1:9092", "http://127.0.0.1:8080". */
static void text_look(const char *setting, const char *text, struct arena *arena, struct here_facts *facts)
{
    struct socket_address address;

    if (text != NULL && socket_address_parse(slice_from_string(text), &address, NULL) == OK)
        port_look(setting, &address, arena, facts);
}

/* Those of the running program, which may have been started with others than our settings say. */
static void described_ports_look(const json_t *description, struct arena *arena, struct here_facts *facts)
{
    const json_t *postgres = json_object_get(description, "postgres"), *listener;
    size_t index;

    json_array_foreach(json_object_get(json_object_get(description, "broker"), "listeners"), index, listener)
        text_look("listeners", json_string_value(listener), arena, facts);
    text_look("rest.port", json_string_value(json_object_get(description, "rest")), arena, facts);
    text_look("console.port", json_string_value(json_object_get(description, "console")), arena, facts);
    if (json_is_object(postgres))
        pair_look("postgres.port", json_string_value(json_object_get(postgres, "host")), json_integer_value(json_object_get(postgres, "port")), arena, facts);
}

static void ports_look(const struct settings *settings, struct arena *arena, struct here_facts *facts)
{
    listeners_look(settings->listeners, arena, facts);
    pair_look("rest.port", settings->rest_host_name, settings->rest_port, arena, facts);
    pair_look("console.port", settings->console_host_name, settings->console_port, arena, facts);
    if (settings->postgres_enabled)
        pair_look("postgres.port", settings->postgres_host_name, settings->postgres_port, arena, facts);
}

/* ---- Looking: limits ---- */

static void files_look(struct here_facts *facts)
{
    char path[64];
    struct rlimit limit;
    struct disk_entry *entries;
    struct arena arena;
    size_t count = 0;

    facts->files_open = -1;
    if (prlimit(facts->running, RLIMIT_NOFILE, NULL, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_max = 0;
    facts->files_max = limit.rlim_max > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_max; /* the program raises the soft one itself */
    if (facts->running == 0)
        return;
    arena_init(&arena, 16384);
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)facts->running);
    if (disk_list(disk_real(), path, &arena, &entries, &count, NULL) == OK)
        facts->files_open = (int64_t)count;
    arena_finish(&arena);
}

static int64_t number_in(const char *path, const char *after)
{
    FILE *file = fopen(path, "re");
    char line[256];
    int64_t number = -1;

    while (file != NULL && number < 0 && fgets(line, sizeof(line), file) != NULL) {
        char *end = line;

        if (strncmp(line, after, strlen(after)) == 0)
            number = strtoll(line + strlen(after), &end, 10);
        if (end == line + strlen(after)) /* "max": no limit */
            number = -1;
    }
    if (file != NULL)
        (void)fclose(file);
    return number;
}

static void memory_look(struct here_facts *facts)
{
    int64_t available_kb = number_in("/proc/meminfo", "MemAvailable:"), limit = number_in("/sys/fs/cgroup/memory.max", ""), used = number_in("/sys/fs/cgroup/memory.current", "");

    facts->memory_free_bytes = available_kb < 0 ? -1 : available_kb * 1024;
    if (limit >= 0 && used >= 0 && (facts->memory_free_bytes < 0 || limit - used < facts->memory_free_bytes))
        facts->memory_free_bytes = limit - used;
}

void here_look(const struct settings *settings, const char *problem, const char *data_dir, const json_t *description, struct arena *arena, struct here_facts *facts)
{
    const json_t *store = json_object_get(description, "store");

    *facts = (struct here_facts){.settings_problem = problem, .read_only_partitions = -1, .partitions = -1};
    directory_look(data_dir, arena, facts);
    facts->answers = description != NULL;
    if (store != NULL) {
        facts->degraded = json_is_true(json_object_get(store, "degraded"));
        facts->read_only_partitions = json_integer_value(json_object_get(store, "read_only_partitions"));
        facts->partitions = json_integer_value(json_object_get(store, "partitions"));
    }
    if (description != NULL)
        described_ports_look(description, arena, facts);
    else if (problem == NULL)
        ports_look(settings, arena, facts);
    files_look(facts);
    memory_look(facts);
}

/* ---- Judging ---- */

#define ADD(code, state, ...) findings_add(findings, FINDING_##code, FINDING_IS_##state, __VA_ARGS__)

static void directory_judge(const struct here_facts *facts, struct findings *findings)
{
    struct arena *arena = findings->arena;
    struct finding *finding;

    if (facts->look_failed == ENOENT && facts->may_write) {
        (void)ADD(data_dir, OK, "%s will be made", facts->data_dir);
    } else if (facts->look_failed == ENOENT) {
        finding = ADD(data_dir, ERROR, "%s is not there, and %s may not make it in %s.", facts->data_dir, facts->user, facts->parent);
        finding->title = "The data directory cannot be made";
        finding->command = arena_format(arena, "sudo install -d -m 700 -o %s %s", shell_word(arena, facts->user), shell_word(arena, facts->data_dir));
    } else if (facts->look_failed != 0) {
        finding = ADD(data_dir, ERROR, "%s: %s.", facts->data_dir, strerror(facts->look_failed));
        finding->title = "The data directory cannot be used";
        finding->todo = "Choose another --data-dir, or run as its owner.";
    } else if (!facts->may_write) {
        finding = ADD(data_dir, ERROR, "%s belongs to %s, and %s may not write to it.", facts->data_dir, facts->owner, facts->user);
        finding->title = "The data directory cannot be written";
        finding->command = arena_format(arena, "sudo -u %s tailrace up --data-dir %s", shell_word(arena, facts->owner), shell_word(arena, facts->data_dir));
    } else if (facts->owner_differs) {
        finding = ADD(data_dir, WARN, "%s belongs to %s, and we are %s: files made now could keep the owner out later.", facts->data_dir, facts->owner, facts->user);
        finding->command = arena_format(arena, "sudo -u %s tailrace up --data-dir %s", shell_word(arena, facts->owner), shell_word(arena, facts->data_dir));
    } else if (facts->open_to_others) {
        finding = ADD(data_dir, WARN, "%s is open to every user of this machine, and holds rows.", facts->data_dir);
        finding->command = arena_format(arena, "chmod 700 %s", shell_word(arena, facts->data_dir));
    } else {
        (void)ADD(data_dir, OK, "%s", facts->data_dir);
    }
    if (facts->is_read_only_mount) {
        finding = ADD(filesystem, ERROR, "It is mounted read-only.");
        finding->todo = "Mount it for writing; a disk with errors is mounted so by the system, and its log (dmesg) says which.";
    } else if (facts->doubt != NULL) {
        finding = ADD(filesystem, WARN, "%s: %s.", facts->filesystem, facts->doubt);
        finding->state = facts->loses_syncs ? FINDING_IS_ERROR : FINDING_IS_WARN;
        finding->todo = "Use a directory on a disk of this machine (ext4, xfs) for what must last: --data-dir.";
    } else {
        finding = ADD(filesystem, OK, "%s", facts->filesystem == NULL ? "not known: the system gives it no name that we know" : facts->filesystem);
        finding->state = facts->filesystem == NULL ? FINDING_IS_INFO : FINDING_IS_OK;
    }
}

static void disk_judge(const struct here_facts *facts, struct findings *findings)
{
    struct finding *finding;

    if (facts->free_bytes < 0) {
        (void)ADD(disk_here, INFO, "not known: the file system does not say it");
        return;
    }
    finding = ADD(disk_here, OK, "%s of %s free", bytes_text(findings->arena, facts->free_bytes), bytes_text(findings->arena, facts->total_bytes));
    if (facts->free_bytes < DISK_WARN_BYTES) {
        finding->state = facts->free_bytes < DISK_ERROR_BYTES ? FINDING_IS_ERROR : FINDING_IS_WARN;
        finding->title = "There is little room here";
        finding->todo = "Make space, or keep topics for a shorter time (retention.ms).";
    } else if (facts->free_inodes >= 0 && facts->free_inodes < INODES_WARN) {
        finding->state = FINDING_IS_WARN;
        finding->found = arena_format(findings->arena, "Only %lld more files can be made on it.", (long long)facts->free_inodes);
        finding->todo = "Remove small files, or make a file system with more inodes.";
    }
}

static void program_judge(const struct here_facts *facts, struct findings *findings)
{
    struct finding *finding;

    if (facts->running != 0 && facts->answers) {
        (void)ADD(running, OK, "process %d runs on it", (int)facts->running);
    } else if (facts->running != 0) {
        finding = ADD(running, ERROR, "Process %d runs on it and does not answer.", (int)facts->running);
        finding->title = "The program does not answer";
        finding->command = arena_format(findings->arena, "kill -9 %d", (int)facts->running);
        finding->todo = "It may be starting: look at its log first. Nothing that was acknowledged is lost by ending it.";
    } else {
        (void)ADD(running, INFO, "nothing runs on it");
    }
    if (facts->was_killed)
        (void)ADD(shutdown, INFO, "The last run did not stop by itself; the next start reads the ends of all partitions, and mends them.");
    else if (facts->running == 0 && facts->has_log)
        (void)ADD(shutdown, OK, "clean");
    if (facts->degraded) {
        finding = ADD(partition, ERROR, "The log cannot be written.");
        finding->todo = "Make space on the disk, or mend it; producing and capturing go on by themselves then.";
    } else if (facts->read_only_partitions > 0) {
        finding = ADD(partition, ERROR, "%lld of %lld are read-only after corruption.", (long long)facts->read_only_partitions, (long long)facts->partitions);
        finding->todo = "tailrace doctor --topic T says where. Save what can be read, then delete and create the topic again.";
    } else if (facts->read_only_partitions == 0) {
        (void)ADD(partition, OK, "%lld, all writable", (long long)facts->partitions);
    } else if (facts->has_log) {
        (void)ADD(partition, INFO, "not known: the program does not run; tailrace doctor --topic T reads a topic's files");
    }
}

/* How to start on other ports: the listeners as they are, but for those that are taken. NULL: no port beside it is free. */
static const char *start_beside(const struct here_facts *facts, const struct here_port *port, struct arena *arena)
{
    const char *start = arena_format(arena, "tailrace up --data-dir %s", shell_word(arena, facts->data_dir));
    char address[SOCKET_HOST_SIZE + 16];

    if (port->instead == 0)
        return NULL;
    if (strcmp(port->setting, "listeners") != 0)
        return arena_format(arena, "%s --set %s=%d", start, port->setting, port->instead);
    for (size_t i = 0, count = 0; i < facts->port_count; i++) {
        struct socket_address one = facts->ports[i].address;

        if (strcmp(facts->ports[i].setting, "listeners") != 0)
            continue;
        one.port = facts->ports[i].is_free || facts->ports[i].instead == 0 ? one.port : facts->ports[i].instead;
        socket_address_format(&one, address, sizeof(address));
        start = arena_format(arena, "%s%s%s", start, count++ == 0 ? " --set listeners=" : ",", address);
    }
    return start;
}

static void port_judge(const struct here_facts *facts, const struct here_port *port, struct findings *findings)
{
    char address[SOCKET_HOST_SIZE + 16];
    struct finding *finding;

    socket_address_format(&port->address, address, sizeof(address));
    finding = ADD(port, OK, port->is_free ? "%s is free" : "%s is ours", address);
    finding->title = arena_format(findings->arena, "Port (%s)", port->setting);
    if (port->is_free && facts->running != 0) {
        finding->state = FINDING_IS_WARN;
        finding->title = arena_format(findings->arena, "Nobody listens (%s)", port->setting);
        finding->found = arena_format(findings->arena, "Process %d should listen on %s.", (int)facts->running, address);
        finding->command = arena_format(findings->arena, "tailrace status --data-dir %s", shell_word(findings->arena, facts->data_dir));
    } else if (port->is_free || (facts->running != 0 && port->owner == facts->running) || (facts->running != 0 && strcmp(port->setting, "postgres.port") == 0 && strncmp(port->name, "postgres", 8) == 0)) {
        return;
    } else if (facts->running != 0 && port->owner == 0) {
        finding->state = FINDING_IS_INFO;
        finding->found = arena_format(findings->arena, "%s is taken; by whom is not known, because only its user or root may see it", address);
    } else {
        finding->state = facts->running != 0 ? FINDING_IS_WARN : FINDING_IS_ERROR;
        finding->title = arena_format(findings->arena, "A port is taken (%s)", port->setting);
        if (port->owner != 0)
            finding->found = arena_format(findings->arena, "%s is taken by process %d (%s).", address, (int)port->owner, port->name);
        else
            finding->found = port->why;
        finding->command = start_beside(facts, port, findings->arena);
        finding->todo = port->owner == 0 ? arena_format(findings->arena, "\"ss -ltnp sport = :%d\" as root shows who has it.", port->address.port) : "Stop that program, or choose another port.";
    }
}

static void limits_judge(const struct here_facts *facts, struct findings *findings)
{
    struct finding *finding;

    if (facts->files_open >= 0)
        finding = ADD(open_files, OK, "%lld of %lld", (long long)facts->files_open, (long long)facts->files_max);
    else
        finding = ADD(open_files, OK, "up to %lld", (long long)facts->files_max);
    if (facts->files_max < FILES_WARN || facts->files_open > facts->files_max / 10 * 9) {
        finding->state = FINDING_IS_WARN;
        finding->title = "Few files may be open";
        finding->command = arena_format(findings->arena, facts->running != 0 ? "sudo prlimit --pid %d --nofile=65536:65536" : "sudo prlimit --pid $$ --nofile=65536:65536", (int)facts->running);
        finding->todo = "Or LimitNOFILE=65536 in the systemd unit, which lasts.";
    }
    if (facts->memory_free_bytes < 0) {
        (void)ADD(memory, INFO, "not known: the system does not say it");
    } else {
        finding = ADD(memory, OK, "%s can be had", bytes_text(findings->arena, facts->memory_free_bytes));
        if (facts->memory_free_bytes < MEMORY_WARN_BYTES) {
            finding->state = FINDING_IS_WARN;
            finding->title = "There is little memory";
            finding->todo = "Stop something else, or raise the limit of the control group.";
        }
    }
}

void here_judge(const struct here_facts *facts, struct findings *findings)
{
    if (facts->settings_problem != NULL) {
        struct finding *finding = ADD(settings, ERROR, "%s", facts->settings_problem);

        finding->title = "The settings are refused";
        finding->command = "tailrace settings";
    }
    directory_judge(facts, findings);
    disk_judge(facts, findings);
    program_judge(facts, findings);
    for (size_t i = 0; i < facts->port_count; i++)
        port_judge(facts, &facts->ports[i], findings);
    limits_judge(facts, findings);
}
