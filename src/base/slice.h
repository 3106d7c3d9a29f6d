/* base/slice.h: a borrowed run of bytes; whoever made it says who owns them. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* NULL means "null" where a format tells null from empty */
    size_t size;         /* bytes */
};

static inline struct slice slice_of(const void *data, size_t size)
{
    struct slice slice = {(const uint8_t *)data, size};
    return slice;
}

static inline struct slice slice_null(void)
{
    return slice_of(NULL, 0);
}

static inline struct slice slice_from_string(const char *text)
{
    return slice_of(text, text == NULL ? 0 : strlen(text));
}

static inline bool slice_is_null(struct slice slice)
{
    return slice.data == NULL;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_equal_string(struct slice a, const char *text)
{
    return slice_equal(a, slice_from_string(text));
}

/* memcmp order, the shorter first when one is the other's beginning. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

/* The bytes from `from` on; an empty slice when `from` is at or past the end. */
static inline struct slice slice_from(struct slice slice, size_t from)
{
    return from >= slice.size ? slice_of(slice.data + slice.size, 0) : slice_of(slice.data + from, slice.size - from);
}

#endif
