/*
 * agents/rules/keyed.h: named windows, histories, counters and sets in the state of one key: what scripts keep between events.
 * Durable and bounded like every state, since it lives in its bytes.
 *
 * State of a key: 8 bytes, then one object after the other, each a multiple of 8:
 *   0  1  layout, 3
 *   1  7  zero
 * Object: 8 bytes, the name padded to 8, the content:
 *   0  1  kind
 *   1  1  length of the name, 1 to 60
 *   2  2  entries in use
 *   4  4  size of the whole object
 * Content: COUNTER one int64. WINDOW per entry, oldest first: time in microseconds, partition << 48 | offset, amount * 10^6
 * (INT64_MIN: unknown). LAST the scale (8 bytes), then per amount, oldest first: unscaled, place as in WINDOW.
 * SET hashes of 64 bits, oldest first.
 */
#ifndef AGENTS_RULES_KEYED_H
#define AGENTS_RULES_KEYED_H

#include "agents/state.h"
#include "base/decimal.h"

#define KEYED_NAME_MAX 60
#define KEYED_ENTRIES_MAX 2000
#define KEYED_AMOUNT_SCALE 6
#define KEYED_OFFSET_BITS 48

enum keyed_kind { KEYED_COUNTER = 1, KEYED_WINDOW, KEYED_LAST, KEYED_SET };

/* The state of the key of one event. */
struct keyed {
    struct state_table *states;
    struct slice key;
    struct state_entry *entry; /* NULL until first used */
};

void keyed_begin(struct keyed *keyed, struct state_table *states, struct slice key);

/* All give false when the state of the key is full (state_limits.key_bytes_max). Reading what is not there gives nothing, not false. */
bool keyed_counter_add(struct keyed *keyed, struct slice name, int64_t by, int64_t *value); /* saturates */

struct keyed_passed {
    int64_t time_us;
    uint64_t place;
    int64_t amount;
};

/* Forgets what left the window of the newest time, and puts the entry into its place in time; with `most` in it the oldest goes. */
bool keyed_window_add(struct keyed *keyed, struct slice name, int64_t window_us, size_t most, const struct keyed_passed *passed);

/* How many lie in (time_us - window_us, time_us]. */
size_t keyed_window_count(struct keyed *keyed, struct slice name, int64_t window_us, int64_t time_us);

/* All entries, for explaining; good until the next change. */
const struct keyed_passed *keyed_window_entries(struct keyed *keyed, struct slice name, size_t *count);

struct keyed_amount {
    int64_t amount; /* unscaled */
    uint64_t place;
};

/* *fits false: the amount has more digits than 64 bits hold at the common scale; nothing is kept then. */
bool keyed_last_add(struct keyed *keyed, struct slice name, size_t most, const struct decimal *amount, uint64_t place, bool *fits);
const struct keyed_amount *keyed_last_entries(struct keyed *keyed, struct slice name, size_t most, size_t *count, int32_t *scale); /* good until the next change */
size_t keyed_last_sum(struct keyed *keyed, struct slice name, size_t most, struct decimal *sum); /* gives the count */
double keyed_last_deviation(struct keyed *keyed, struct slice name, size_t most, double mean);   /* of the population; 0 without entries */

/* *added false: it was there already, and is the newest now. With `most` in it the oldest goes. */
bool keyed_set_add(struct keyed *keyed, struct slice name, size_t most, struct slice value, bool *added);
bool keyed_set_has(struct keyed *keyed, struct slice name, struct slice value);
size_t keyed_set_count(struct keyed *keyed, struct slice name);

/* All of a state as JSON: {"counters":{…},"windows":{"name":{"count":3,…}},…}. */
void keyed_describe(struct slice state, struct buffer *json);

#endif
