/* store/scan.h: walks the batches of a log file from a place on, headers only or whole. */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "os/disk.h"
#include "store/batch.h"

struct scan {
    struct disk_file *file;
    int64_t position; /* of the next batch */
    int64_t limit;    /* nothing at or behind it is looked at */
    uint8_t *window;  /* bytes of the file from window_at on */
    size_t window_bytes;
    size_t window_have;
    int64_t window_at;
    bool owns_window;
};

/* Walks [position, limit). window  borrowed memory of at least 61 bytes, or NULL: the scan's own, which grows as needed */
void scan_init(struct scan *scan, struct disk_file *file, int64_t position, int64_t limit, void *window, size_t window_bytes);
void scan_finish(struct scan *scan);

/*
 * Reads the next header and steps over its batch.
 * found   false at the limit, and where no whole batch stands: the scan's position then stays there
 * Errors  DISK
 */
enum status scan_header(struct scan *scan, struct batch *batch, bool *found, struct error *error);

/* The same with the batch's bytes and a check of its checksum; only for a scan with its own window. bytes  valid until the next call */
enum status scan_batch(struct scan *scan, struct batch *batch, struct slice *bytes, bool *found, struct error *error);

#endif
