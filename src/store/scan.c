#include "store/scan.h"

#include "base/banned.h"
#include "base/memory.h"

#include <assert.h>

#define OWN_WINDOW_BYTES (256u * 1024)

void scan_init(struct scan *scan, struct disk_file *file, int64_t position, int64_t limit, void *window, size_t window_bytes)
{
    *scan = (struct scan){.file = file, .position = position, .limit = limit, .window = window, .window_bytes = window_bytes};
    if (window == NULL) {
        scan->window = memory_new(OWN_WINDOW_BYTES);
        scan->window_bytes = OWN_WINDOW_BYTES;
        scan->owns_window = true;
    }
}

void scan_finish(struct scan *scan)
{
    if (scan->owns_window)
        memory_free(scan->window);
    scan->window = NULL;
}

/* Brings `size` bytes from the position on into the window; `at` is NULL when the file is shorter. size <= limit - position. */
static enum status window_fill(struct scan *scan, size_t size, const uint8_t **at, struct error *error)
{
    int64_t left = scan->limit - scan->position;
    size_t wanted;
    enum status status;

    *at = NULL;
    if (scan->position < scan->window_at || scan->position + (int64_t)size > scan->window_at + (int64_t)scan->window_have) {
        if (size > scan->window_bytes) {
            assert(scan->owns_window);
            scan->window = memory_resize(scan->window, size);
            scan->window_bytes = size;
        }
        wanted = (int64_t)scan->window_bytes < left ? scan->window_bytes : (size_t)left;
        status = disk_read(scan->file, scan->window, wanted, scan->position, &scan->window_have, error);
        if (status != OK) {
            scan->window_have = 0;
            return status;
        }
        scan->window_at = scan->position;
        if (scan->window_have < size)
            return OK;
    }
    *at = scan->window + (scan->position - scan->window_at);
    return OK;
}

/* The header at the position, without stepping over it. */
static enum status header_peek(struct scan *scan, struct batch *batch, bool *found, struct error *error)
{
    const uint8_t *at = NULL;
    enum status status = OK;

    *found = false;
    if (scan->limit - scan->position >= BATCH_HEADER_BYTES)
        status = window_fill(scan, BATCH_HEADER_BYTES, &at, error);
    if (status == OK && at != NULL)
        *found = batch_read(slice_of(at, BATCH_HEADER_BYTES), batch) && batch->size <= scan->limit - scan->position;
    return status;
}

enum status scan_header(struct scan *scan, struct batch *batch, bool *found, struct error *error)
{
    enum status status = header_peek(scan, batch, found, error);

    if (*found)
        scan->position += batch->size;
    return status;
}

enum status scan_batch(struct scan *scan, struct batch *batch, struct slice *bytes, bool *found, struct error *error)
{
    enum status status = header_peek(scan, batch, found, error);
    const uint8_t *at = NULL;

    if (!*found)
        return status;
    *found = false;
    status = window_fill(scan, (size_t)batch->size, &at, error);
    if (status != OK || at == NULL)
        return status;
    *bytes = slice_of(at, (size_t)batch->size);
    *found = batch_is_intact(*bytes);
    if (*found)
        scan->position += batch->size;
    return OK;
}
