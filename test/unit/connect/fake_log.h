/* test/unit/connect/fake_log.h: stands in for log/: all in memory, topics of records and positions of owners. */
#ifndef FAKE_LOG_H
#define FAKE_LOG_H

#include "log/log.h"

struct log *fake_log_create(void);
void fake_log_destroy(struct log *log);

/* Every write fails from now on with this status; OK: none does. */
void fake_log_fail_with(struct log *log, enum status status);

/* "key=value" of record `index` over all partitions in the order of writing, into text; false past the end. Null is "null". */
bool fake_log_record(struct log *log, const char *topic, size_t index, char *text, size_t size);
size_t fake_log_count(struct log *log, const char *topic);

#endif
