/*
 * agents/state.h: keyed state of an agent: bytes by key, bounded in keys and bytes; what was not used for long is
 * evicted first (of 16 entries the least recently used).
 * What changed since the last checkpoint is known, so that a checkpoint writes only that.
 * Thread: the agent's.
 */
#ifndef AGENTS_STATE_H
#define AGENTS_STATE_H

#include "base/buffer.h"

struct state_table;

struct state_entry {
    uint8_t *bytes; /* aligned to 8; the rule's own layout, first byte its version */
    uint32_t size;
    uint32_t hash; /* the table's own; more of its fields follow */
};

struct state_limits {
    size_t keys_max;      /* 0: 1,000,000 */
    size_t bytes_max;     /* of all states and keys together; 0: 256 MiB */
    size_t key_bytes_max; /* of one state; 0: 64 KiB */
};

struct state_table *state_create(const struct state_limits *limits);
void state_destroy(struct state_table *table); /* NULL is fine */

/* The entry of a key, made (size 0) when missing. Marks it used. The pointer is good until the next call that makes or resizes. */
struct state_entry *state_open(struct state_table *table, struct slice key);

/* NULL when there is none; does not mark it used. */
const struct state_entry *state_find(const struct state_table *table, struct slice key);

/*
 * Ask the processor for the entry of a key that will be opened soon, without waiting: first for where it is, and a little later, with
 * what the first gave, for itself.
 */
size_t state_prefetch_place(const struct state_table *table, struct slice key);
void state_prefetch(const struct state_table *table, size_t place);

/* New size, old content kept, the rest zeroed; false past key_bytes_max. The entry may move: use what comes back through `entry`. */
bool state_resize(struct state_table *table, struct state_entry **entry, size_t size);

/* Says that the entry changed since the last checkpoint. */
void state_touch(struct state_table *table, struct state_entry *entry);

/* Gives what changed since the last call, one by one: false at the end. bytes.data NULL: the key was evicted. */
bool state_next_changed(struct state_table *table, struct slice *key, struct slice *bytes);

/* How many that would be, but for those that are gone. */
size_t state_changed_keys(const struct state_table *table);

/* Sets a key from a checkpoint, without marking it as changed. */
void state_restore(struct state_table *table, struct slice key, struct slice bytes);

struct state_counters {
    size_t keys, bytes;
    uint64_t evicted;
};
struct state_counters state_counters_read(const struct state_table *table);

#endif
