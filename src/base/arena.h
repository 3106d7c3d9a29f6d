/* base/arena.h: many small allocations with one end of life: a request, a batch, a transaction. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

#include <stdarg.h>

struct arena_block;

struct arena {
    struct arena_block *first;   /* all blocks, newest first */
    size_t block_bytes;          /* size of an ordinary block */
    size_t allocated_bytes;      /* sum of all allocations since the last reset, for limits */
};

void arena_init(struct arena *arena, size_t block_bytes);
void arena_finish(struct arena *arena);
void arena_reset(struct arena *arena); /* everything handed out is gone; keeps one block */

/* Zeroed, aligned to 16 bytes, never NULL. */
void *arena_new(struct arena *arena, size_t size);

/* Zeroed array; aborts on overflow, so compare counts from outside with what is left first. */
void *arena_new_array(struct arena *arena, size_t count, size_t size);

/* Copies with a NUL behind; a null slice gives NULL. */
char *arena_copy_string(struct arena *arena, struct slice text);
struct slice arena_copy(struct arena *arena, struct slice bytes);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_format_list(struct arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

#endif
