#include "base/memory.h"

#include "base/banned.h"

#include <stdarg.h>
#include <stdint.h>

void memory_exhausted(size_t size)
{
    (void)fprintf(stderr, "tailrace: out of memory for %zu bytes; lower the memory settings or give the machine more\n", size);
    abort();
}

void *memory_new(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    if (memory == NULL)
        memory_exhausted(size);
    return memory;
}

void *memory_new_array(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        memory_exhausted(SIZE_MAX);
    return memory_new(bytes);
}

void *memory_resize(void *memory, size_t size)
{
    void *resized = realloc(memory, size > 0 ? size : 1);

    if (resized == NULL)
        memory_exhausted(size);
    return resized;
}

char *memory_copy_bytes(const void *bytes, size_t length)
{
    char *copy = memory_new(length + 1);

    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *memory_copy_string(const char *text)
{
    return text == NULL ? NULL : memory_copy_bytes(text, strlen(text));
}

void memory_free(void *memory)
{
    free(memory);
}

char *memory_format(const char *format, ...)
{
    va_list arguments, again;
    int length;
    char *text;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        memory_exhausted(0);
    text = memory_new((size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
