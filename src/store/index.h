/*
 * store/index.h: the two indexes of a segment, in Kafka's formats: from offsets and from times to places in the log.
 *
 *   .index      8 bytes an entry: offset relative to the segment's base (4), byte in the log where that batch starts (4);
 *               the offset is the batch's last one. An entry every index.interval.bytes of log
 *   .timeindex  12 bytes an entry: the largest timestamp so far (8), relative last offset of the batch that has it (4);
 *               timestamps only rise
 * Numbers are big-endian. Source: Kafka's documentation, "Log"; checked with kafka-dump-log
 *
 * The committer adds entries; readers on any thread look them up without a lock. What a lookup finds never changes, because
 * entries are added only for what is published.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdatomic.h>

struct index_block;

struct index {
    _Atomic(struct index_block *) block; /* the newest; older ones hang behind it until index_clear */
    _Atomic uint32_t count;
};

struct index_entry { /* of either index */
    int64_t key;     /* relative offset, or timestamp */
    uint32_t value;  /* byte in the log, or relative offset */
};

void index_init(struct index *index);

/* Forgets all entries and frees. No reader may be inside. */
void index_clear(struct index *index);

/* Adds behind the last entry; the caller sees to the order. Thread: the writer. */
void index_add(struct index *index, int64_t key, uint32_t value);

uint32_t index_count(const struct index *index);
bool index_last(const struct index *index, struct index_entry *entry); /* false when empty */

/* The last entry whose key, or value, is at most the given one; false when there is none. */
bool index_find_key(const struct index *index, int64_t key, struct index_entry *entry);
bool index_find_value(const struct index *index, uint32_t value, struct index_entry *entry);

/* The file's bytes of both kinds, and back. Reading gives CORRUPT for a size or an order that cannot be. */
#define OFFSET_ENTRY_BYTES 8u
#define TIME_ENTRY_BYTES 12u
void offset_index_encode(const struct index *index, uint32_t from, struct buffer *out);
void time_index_encode(const struct index *index, uint32_t from, struct buffer *out);
enum status offset_index_decode(struct index *index, struct slice bytes, int64_t log_bytes, int64_t relative_end, struct error *error);
enum status time_index_decode(struct index *index, struct slice bytes, int64_t relative_end, struct error *error);

#endif
