#include "os/usage.h"

#include "base/banned.h"
#include "os/disk.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The first line of a file below /proc/self/task, without its end; false when the thread is gone. */
static bool line_read(const char *thread, const char *file, char *line, size_t size)
{
    char path[128];
    FILE *opened;
    bool got;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/%s", thread, file);
    opened = fopen(path, "re");
    if (opened == NULL)
        return false;
    got = fgets(line, (int)size, opened) != NULL;
    (void)fclose(opened);
    if (got)
        line[strcspn(line, "\n")] = '\0';
    return got;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct usage_thread *)a)->name, ((const struct usage_thread *)b)->name);
}

struct usage_thread *usage_threads(struct arena *arena, size_t *count)
{
    struct usage_thread *threads;
    struct disk_entry *entries;
    size_t entry_count = 0, kept = 0;

    *count = 0;
    if (disk_list(disk_real(), "/proc/self/task", arena, &entries, &entry_count, NULL) != OK)
        return NULL;
    threads = arena_new_array(arena, entry_count + 1, sizeof(*threads));
    for (size_t i = 0; i < entry_count; i++) {
        struct usage_thread *thread = &threads[*count];
        char ran[128]; /* ns on a CPU, ns waiting for one, turns */

        if (!line_read(entries[i].name, "comm", thread->name, sizeof(thread->name)) || !line_read(entries[i].name, "schedstat", ran, sizeof(ran)))
            continue;
        thread->cpu_us = strtoll(ran, NULL, 10) / 1000;
        thread->count = 1;
        (*count)++;
    }
    qsort(threads, *count, sizeof(*threads), by_name);
    for (size_t i = 1; i < *count; i++) {
        if (strcmp(threads[kept].name, threads[i].name) == 0) {
            threads[kept].cpu_us += threads[i].cpu_us;
            threads[kept].count++;
        } else {
            threads[++kept] = threads[i];
        }
    }
    *count = *count == 0 ? 0 : kept + 1;
    return threads;
}

void usage_memory_read(struct usage_memory *memory)
{
    struct mallinfo2 heap = mallinfo2();
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = -1;

    if (file != NULL) {
        if (fscanf(file, "%*s %lld", &pages) != 1)
            pages = -1;
        (void)fclose(file);
    }
    memory->resident_bytes = pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
    memory->heap_bytes = (int64_t)(heap.uordblks + heap.hblkhd);
    memory->heap_free_bytes = (int64_t)heap.fordblks;
}

int64_t usage_disk_bytes(const char *path)
{
    struct statvfs disk;

    return statvfs(path, &disk) == 0 ? (int64_t)disk.f_blocks * (int64_t)disk.f_frsize : -1;
}
