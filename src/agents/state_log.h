/*
 * agents/state_log.h: what counts in a state topic that is written without transactions: all that lies before its last position
 * record. Pure: it takes the topic's records in order; source_kafka.c reads and writes them.
 */
#ifndef AGENTS_STATE_LOG_H
#define AGENTS_STATE_LOG_H

#include "base/buffer.h"
#include "base/map.h"

#include <stdint.h>

#define STATE_LOG_POSITION_KEY "\x01position" /* no key of a state: those are texts of columns */
#define STATE_LOG_POSITION_BYTES_MAX ((size_t)1 << 20)

struct state_record {
    struct state_record *next;
    struct slice key, value; /* owned; value may be null */
};

struct state_log {
    struct map counting;                /* key -> struct state_record */
    struct state_record *strays, **end; /* behind the last position record, in order: they never happened */
    struct buffer *position;            /* the last position record; empty when there is none */
};

/* position  the caller's, initialised; it is emptied here, and outlives the rest */
void state_log_init(struct state_log *log, struct buffer *position);
void state_log_finish(struct state_log *log);

/* Takes the topic's next record, copying it; context is the struct state_log. */
void state_log_take(void *context, struct slice key, struct slice value);

/* What counts for a key; null when nothing does. Borrowed from the log. */
struct slice state_log_value(const struct state_log *log, struct slice key);

/* ---- Position records: {"alerts_end":12,"enriched_end":0,"offsets":{"0":120}} ---- */

struct partition_offset {
    int32_t partition;
    int64_t next; /* offset behind the last record that was read */
};

/* Writes the next position record over the last one; partitions that are not among those read keep their offsets. */
void state_position_advance(struct buffer *position, int64_t alerts_end, int64_t enriched_end, const struct partition_offset *read, size_t count);

/* Where a partition goes on; `otherwise` when the position does not say. */
int64_t state_position_offset(const struct buffer *position, int32_t partition, int64_t otherwise);

#endif
