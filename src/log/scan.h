/* log/scan.h: reads one partition record by record, forwards. Thread: one at a time. */
#ifndef LOG_SCAN_H
#define LOG_SCAN_H

#include "log/log.h"
#include "wire/kafka/records.h"

struct scan;

struct scan *scan_create(struct log *log);
void scan_destroy(struct scan *scan); /* NULL is fine */

/* Begins at `from`; gives records below `to`. The names are borrowed until the next seek. */
void scan_seek(struct scan *scan, const char *topic, int32_t partition, int64_t from, int64_t to);

enum scan_result { SCAN_RECORD, SCAN_END, SCAN_FAILED };

/*
 * The next record and the batch that it is in, borrowed until the next call. Control records are left out.
 * Errors (SCAN_FAILED)  those of log_read, CORRUPT_MESSAGE
 */
enum scan_result scan_next(struct scan *scan, struct record *record, struct record_batch *batch, struct error *error);

#endif
