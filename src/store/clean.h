/*
 * store/clean.h: the file clean-state, written at a clean end together with the mark .kafka_cleanshutdown: what each partition
 * consists of, so that the next start need not look into thousands of directories. It is believed only when the mark is there.
 *
 * The file, numbers big-endian:
 *   offset size
 *        0    8 "TRCLEAN1"
 *        8    4 crc32c of what follows
 *       12    4 count of partitions; for each of them:
 *               topic id 16, partition 4, flags 1 (bit 0: there is a producer snapshot for the end), leader epoch 4, end offset 8,
 *               count of segments 4, and for each of them: base offset 8, bytes 8
 * A partition that was never written to is not in it.
 */
#ifndef STORE_CLEAN_H
#define STORE_CLEAN_H

#include "base/map.h"
#include "store/partition.h"

struct clean_segment {
    int64_t base;
    int64_t bytes;
};

struct clean_entry {
    bool snapshot;
    int32_t leader_epoch;
    int64_t end;
    uint32_t count;
    struct clean_segment *segments; /* by base; at least one */
};

struct clean_state {
    struct arena arena;
    struct map entries; /* topic id and partition -> struct clean_entry */
};

/* A missing file is an empty one. Errors: DISK, CORRUPT (it is empty then) */
enum status clean_state_read(struct clean_state *state, struct disk *disk, const char *directory, struct error *error);
void clean_state_finish(struct clean_state *state);
const struct clean_entry *clean_state_find(const struct clean_state *state, const struct uuid *topic, int32_t partition);

/* Writing: begin, add each partition, write durably, which finishes the writer too. Errors: DISK, DISK_FULL */
struct clean_writer {
    struct buffer entries;
    uint32_t count;
};
void clean_begin(struct clean_writer *writer);
void clean_add(struct clean_writer *writer, const struct partition *partition);
enum status clean_write(struct clean_writer *writer, struct disk *disk, const char *directory, struct error *error);

#endif
