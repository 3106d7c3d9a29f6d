#include "base/arena.h"

#include "base/banned.h"
#include "base/memory.h"

#include <stdarg.h>

#define ALIGNMENT 16u

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t capacity;
    uint8_t padding[8]; /* keeps bytes[] aligned to 16 */
    uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t block_bytes)
{
    *arena = (struct arena){.block_bytes = block_bytes};
}

static void blocks_free(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        memory_free(block);
        block = next;
    }
}

void arena_finish(struct arena *arena)
{
    blocks_free(arena->first);
    arena->first = NULL;
    arena->allocated_bytes = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->first;

    if (kept != NULL) {
        blocks_free(kept->next);
        kept->next = NULL;
        if (kept->capacity > arena->block_bytes * 4) {
            memory_free(kept);
            kept = NULL;
        } else {
            memset(kept->bytes, 0, kept->used);
            kept->used = 0;
        }
    }
    arena->first = kept;
    arena->allocated_bytes = 0;
}

void *arena_new(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct arena_block *block = arena->first;
    void *given;

    if (rounded < size)
        memory_exhausted(size);
    if (block == NULL || block->capacity - block->used < rounded) {
        size_t capacity = rounded > arena->block_bytes ? rounded : arena->block_bytes;
        block = memory_new(sizeof(*block) + capacity);
        block->capacity = capacity;
        block->next = arena->first;
        arena->first = block;
    }
    given = block->bytes + block->used;
    block->used += rounded;
    arena->allocated_bytes += rounded;
    return given;
}

void *arena_new_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        memory_exhausted(SIZE_MAX);
    return arena_new(arena, bytes);
}

char *arena_copy_string(struct arena *arena, struct slice text)
{
    char *copy;

    if (slice_is_null(text))
        return NULL;
    copy = arena_new(arena, text.size + 1);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    return slice_is_null(bytes) ? bytes : slice_of(arena_copy_string(arena, bytes), bytes.size);
}

char *arena_format_list(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    int length;
    char *text;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        length = 0;
    text = arena_new(arena, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = arena_format_list(arena, format, arguments);
    va_end(arguments);
    return text;
}
