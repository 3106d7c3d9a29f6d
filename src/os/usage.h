/* os/usage.h: what this process uses: CPU by thread, memory by kind. Thread: any. */
#ifndef OS_USAGE_H
#define OS_USAGE_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

struct usage_thread {
    char name[16];
    int64_t cpu_us; /* since it started */
    int count;      /* threads of this name, together */
};

/* The threads by name, in order of names, in the arena; none when /proc cannot be read. */
struct usage_thread *usage_threads(struct arena *arena, size_t *count);

struct usage_memory {
    int64_t resident_bytes;             /* -1: not known */
    int64_t heap_bytes, heap_free_bytes; /* in use, and kept to be used again */
};
void usage_memory_read(struct usage_memory *memory);

/* Size of the file system that a path is on; -1: not known. */
int64_t usage_disk_bytes(const char *path);

#endif
