/*
 * store/checkpoint.h: Kafka's small text files that name an offset for each partition: "0", a count, then a line
 * "topic partition offset" for each. They are replaced as a whole.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include "base/buffer.h"
#include "base/map.h"
#include "os/disk.h"

#define CHECKPOINT_RECOVERY_POINT "recovery-point-offset-checkpoint"
#define CHECKPOINT_START "log-start-offset-checkpoint"
#define CHECKPOINT_CLEANED "cleaner-offset-checkpoint" /* all below was compacted */

struct checkpoint {
    struct arena arena;
    struct map offsets; /* "topic partition" -> int64_t */
};

/* A missing file is an empty one. Errors: DISK, CORRUPT (it is empty then) */
enum status checkpoint_read(struct checkpoint *checkpoint, struct disk *disk, const char *directory, const char *name, struct error *error);
void checkpoint_finish(struct checkpoint *checkpoint);

int64_t checkpoint_get(const struct checkpoint *checkpoint, const char *topic, int32_t partition); /* -1 when it is not there */

/* Writing: lines first, then the file durably. */
struct checkpoint_writer {
    struct buffer lines;
    size_t count;
};

void checkpoint_begin(struct checkpoint_writer *writer);
void checkpoint_add(struct checkpoint_writer *writer, const char *topic, int32_t partition, int64_t offset);

/* Finishes the writer too. Errors: DISK, DISK_FULL */
enum status checkpoint_write(struct checkpoint_writer *writer, struct disk *disk, const char *directory, const char *name, struct error *error);

#endif
