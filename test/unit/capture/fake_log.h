/*
 * fake_log.h: log.h in memory, for tests of what writes to it. Publishes become durable when the test says so, and fail when
 * it says so.
 */
#ifndef TEST_FAKE_LOG_H
#define TEST_FAKE_LOG_H

#include "log/log.h"

struct log *fake_log_create(void);
void fake_log_destroy(struct log *log);

void fake_log_partitions(struct log *log, int32_t partitions); /* of topics made from now on; 1 at first */
void fake_log_hold(struct log *log, bool hold);                /* true: publishes wait for fake_log_sync */
void fake_log_sync(struct log *log);                           /* all that was published is durable */
void fake_log_fail(struct log *log, enum status status);       /* the next publish fails */

/* All batches published to a partition, one behind the other. */
struct slice fake_log_batches(struct log *log, const char *topic, int32_t partition);
size_t fake_log_publishes(const struct log *log);
size_t fake_log_topics(const struct log *log);

#endif
