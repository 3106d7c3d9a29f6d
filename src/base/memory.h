/* base/memory.h: heap memory that never fails: behind the limits on every length from outside, running out is a bug. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Gives zeroed memory, never NULL: logs to stderr and aborts when there is none. Size 0 gives one byte. */
void *memory_new(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));

/* The same for an array; aborts when count * size overflows. */
void *memory_new_array(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2), warn_unused_result));

/* Grows or shrinks; the bytes beyond the old size are not zeroed. Never NULL. */
void *memory_resize(void *memory, size_t size) __attribute__((warn_unused_result));

/* Copies a string, or its first `length` bytes with a NUL behind them. NULL gives NULL. */
char *memory_copy_string(const char *text) __attribute__((warn_unused_result));
char *memory_copy_bytes(const void *bytes, size_t length) __attribute__((warn_unused_result));

/* Says on stderr that there is no memory for `size` bytes, and aborts. */
void memory_exhausted(size_t size) __attribute__((noreturn));

/* NULL is fine. */
void memory_free(void *memory);

/* Formats into new memory. */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2), warn_unused_result));

#endif
