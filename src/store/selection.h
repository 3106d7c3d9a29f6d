/*
 * store/selection.h: what retention and compaction take, from facts and a time alone.
 *
 * Retention takes the oldest segments: while the newest record of a segment is older than retention.ms, or the partition without
 * it is still as large as retention.bytes. The segment that is appended to is taken too when all before it is; it is rolled
 * first. Compaction takes all but the segment that is appended to, up to min.compaction.lag.ms and the last stable offset, once
 * the part that was never compacted is large enough, or as old as max.compaction.lag.ms.
 * Source  Kafka's documentation, "Log Compaction" and "Topic Configs"; behaviour of the 4.3 broker
 */
#ifndef STORE_SELECTION_H
#define STORE_SELECTION_H

#include "store/settings.h"

struct segment_facts {
    int64_t base, end; /* offsets */
    int64_t bytes;
    int64_t newest_ms; /* its largest timestamp, or when it was first seen when its records have none */
    int64_t first_ms;  /* of its first batch, the same */
};

/* ---- Retention ---- */

struct retention {
    const struct topic_settings *settings;
    int64_t now_ms;
    int64_t bytes_left; /* of the partition, without what was taken */
};

/* Does this segment go, all before it having gone? bytes_left is without it then. */
bool retention_takes(struct retention *retention, const struct segment_facts *segment);

/* ---- Compaction ---- */

struct compaction_range {
    int64_t from, to;   /* the dirty part, offsets; to <= from: nothing can be compacted */
    int64_t clean_bytes, dirty_bytes;
    double ratio;       /* of the dirty part to both */
    bool overdue;       /* a record waits longer than max.compaction.lag.ms */
    bool due;
};

/*
 * What of a partition is to be compacted. segments  all of them, by offset, the last one being appended to
 * start       log start
 * cleaned     all below was compacted already
 * stable_end  nothing at or behind it is looked at: not durable, or of an open transaction
 * newest_ms is used only when there is a lag_min_ms, first_ms only when there is a lag_max_ms.
 */
struct compaction_range compaction_choose(const struct segment_facts *segments, size_t count, int64_t start, int64_t cleaned, int64_t stable_end,
                                          const struct topic_settings *settings, int64_t now_ms);

/*
 * May the next segment be written into the same file, of which so much is written already, though nobody knows how much of it
 * remains?
 * index_bytes_max  of an index file
 */
bool compaction_fits(const struct segment_facts *first, int64_t written, const struct segment_facts *next, int64_t segment_bytes_max,
                     int64_t index_bytes_max);

#endif
