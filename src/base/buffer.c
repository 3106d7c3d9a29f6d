#include "base/buffer.h"

#include "base/banned.h"
#include "base/memory.h"

#include <assert.h>
#include <stdarg.h>

void buffer_init(struct buffer *buffer, size_t size_max)
{
    *buffer = (struct buffer){.size_max = size_max};
}

void buffer_finish(struct buffer *buffer)
{
    memory_free(buffer->data);
    *buffer = (struct buffer){.size_max = buffer->size_max};
}

void buffer_reset(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

uint8_t *buffer_grow(struct buffer *buffer, size_t size)
{
    size_t capacity;

    if (buffer->failed || size > buffer->size_max - buffer->size) {
        buffer->failed = true;
        return NULL;
    }
    capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
    while (capacity - buffer->size < size)
        capacity = capacity > buffer->size_max / 2 ? buffer->size_max : capacity * 2;
    if (capacity > buffer->size_max)
        capacity = buffer->size_max;
    buffer->data = memory_resize(buffer->data, capacity);
    buffer->capacity = capacity;
    return buffer->data + buffer->size;
}

void buffer_append_string(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length;
    uint8_t *to;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    to = length < 0 ? NULL : buffer_reserve(buffer, (size_t)length + 1);
    if (to == NULL) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf((char *)to, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
}

void buffer_append_varuint(struct buffer *buffer, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;

    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    buffer_append(buffer, bytes, size);
}

void buffer_append_varint(struct buffer *buffer, int64_t value)
{
    buffer_append_varuint(buffer, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void buffer_append_decimal(struct buffer *buffer, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        buffer_append_u8(buffer, '-');
    buffer_append(buffer, digits + at, sizeof(digits) - at);
}

void buffer_patch_u32(struct buffer *buffer, size_t at, uint32_t value)
{
    uint32_t big = __builtin_bswap32(value);

    if (buffer->failed)
        return;
    assert(at <= buffer->size && buffer->size - at >= sizeof(big));
    memcpy(buffer->data + at, &big, sizeof(big));
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    assert(size <= buffer->size);
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer->size -= size;
}
