#include "compare/usage.h"

#include "base/banned.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t proc_read(int64_t pid, const char *name, char *text, size_t size)
{
    char *path = memory_format("/proc/%lld/%s", (long long)pid, name);
    FILE *file = fopen(path, "r");
    size_t got = 0;

    memory_free(path);
    if (file != NULL) {
        got = fread(text, 1, size - 1, file);
        (void)fclose(file);
    }
    text[got] = '\0';
    return got;
}

/* Source: proc(5), "/proc/[pid]/stat": fields 14 and 15, counted behind the name in brackets. */
int64_t process_cpu_ms(int64_t pid)
{
    char text[1024];
    const char *at;
    long long user, system;
    long ticks = sysconf(_SC_CLK_TCK);

    if (proc_read(pid, "stat", text, sizeof(text)) == 0 || (at = strrchr(text, ')')) == NULL ||
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &user, &system) != 2)
        return -1;
    return (int64_t)(user + system) * 1000 / (ticks > 0 ? ticks : 100);
}

int64_t process_peak_kb(int64_t pid)
{
    char text[8192];
    const char *at;

    return proc_read(pid, "status", text, sizeof(text)) > 0 && (at = strstr(text, "VmHWM:")) != NULL ? strtoll(at + 6, NULL, 10) : -1;
}

static bool is_local(PGconn *connection)
{
    const char *host = PQhost(connection), *address = PQhostaddr(connection);

    return (host != NULL && (*host == '/' || *host == '@')) ||
           (address != NULL && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0));
}

int64_t backend_cpu_ms(PGconn *connection, int64_t pid)
{
    char title[64];

    /* A port that is forwarded into a container looks local too; then the id is another process's, or none's. */
    if (!is_local(connection) || proc_read(pid, "cmdline", title, sizeof(title)) == 0 || strncmp(title, "postgres", 8) != 0)
        return -1;
    return process_cpu_ms(pid);
}
