/*
 * log/stamps.h: what is kept so that one row's way can be told later: when the batch that it was in was appended, durable and
 * published, and when each reader got past it. It lies in the topic tailrace-traces, whose oldest part goes by retention.
 *
 * Nothing is written while rows are on their way. A publish that was stamped leaves some 50 bytes in memory; a thread writes them
 * once a second as one compressed batch that is not synced, so no round waits for them, and a crash loses the last second.
 * Readers leave at most STAMP_SAMPLES_MAX samples a second and partition, so that many of them cost no more than few.
 *
 * A record is one stamp: its time is when it was taken, its key who left it ("connector/NAME", "agent/NAME", or the reader's name).
 * The value, big endian, with Kafka's varints (v: signed, u: unsigned, s: u length and bytes):
 *   publish  u8 1, u8 'p', u first LSN, v last LSN - first, u first xid, v last xid - first, v first commit time, then as
 *            differences to it: v last commit time, v first received, v last received, v appended, v durable, v published;
 *            u number of runs, then each: s topic, u partition, u first offset, u records
 *   reader   u8 1, u8 'r', u8 enum log_reader, u8 1 when samples were left out, s topic, u partition, u number of samples, then
 *            each: v time - the one before, v next offset - the one before (the first: from 0)
 * Times are microseconds since 1970.
 */
#ifndef LOG_STAMPS_H
#define LOG_STAMPS_H

#include "log/log.h"

#define STAMPS_TOPIC "tailrace-traces"
#define STAMP_SAMPLES_MAX 16 /* of a reader, a partition and a second */
#define STAMP_RUNS_MAX 64    /* of a publish that is read back; more are left out */

struct publish;
struct stamps;

/*
 * Begins to keep stamps of what goes through this log. Before anybody writes.
 * retention_bytes  of the topic, which is made with the first stamp
 * Errors           LIMIT (no thread)
 */
enum status stamps_start(struct log *log, int64_t retention_bytes, struct error *error);
void stamps_stop(struct log *log); /* writes what is left; when nobody writes any more, before log_close. Fine when it was not started */

/* Makes all that was stamped so far readable. Waits for the log, not for the disk. Thread: any but the committer. */
enum status stamps_flush(struct log *log, struct error *error);

/* A publish became visible: its offsets and times. stamps may be NULL. Thread: the committer; never blocks for long. */
void stamps_add(struct stamps *stamps, const struct log_stamp *stamp, const struct publish *publish);

/* ---- Reading back ---- */

#define STAMPS_RECENT_BYTES_MAX ((size_t)9 << 20)

enum stamp_kind { STAMP_PUBLISH = 'p', STAMP_READER = 'r' };

struct stamp_run {
    struct slice topic;
    int32_t partition;
    int64_t first_offset, end_offset;
};

struct stamp_sample {
    int64_t time_us, next_offset;
};

struct stamp {
    enum stamp_kind kind;
    /* STAMP_PUBLISH */
    struct log_stamp rows;
    int64_t appended_us, durable_us, published_us;
    struct stamp_run runs[STAMP_RUNS_MAX];
    size_t run_count;
    /* STAMP_READER */
    enum log_reader reader;
    bool thinned; /* samples were left out: the reader passed an offset between two of them, not at the second */
    struct slice topic;
    int32_t partition;
    struct stamp_sample samples[STAMP_SAMPLES_MAX];
    size_t sample_count;
};

/* Reads a record's value; borrows from it. False: it is none of ours, or of a later version. */
bool stamp_read(struct slice value, struct stamp *stamp);

/*
 * The stamp of the publish that a record came with, when that was in the last second or two; from memory only. False: not known.
 * kept  what `found` borrows from; initialised with STAMPS_RECENT_BYTES_MAX
 * Thread  any; takes a leaf lock for as long as copying takes
 */
bool stamps_recent(struct log *log, const char *topic, int32_t partition, int64_t offset, struct buffer *kept, struct stamp *found);

#endif
