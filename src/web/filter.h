/*
 * web/filter.h: the filter of the message browser: amount > 100 and status = 'open' or changed(email). Names are columns of
 * the row (after, else before) or members of a JSON value; before.x after.x key.x value.x header.x name one side; op partition
 * offset time size lsn xid are of the message. = != < <= > >= contains, is null, is not null, and or not ( ). A word alone, or
 * 'text', is looked for in key, value and headers, in any case. Numbers compare as exact decimals. No scripting.
 */
#ifndef WEB_FILTER_H
#define WEB_FILTER_H

#include "base/arena.h"
#include "wire/debezium/change.h"
#include "wire/kafka/records.h"

#define FILTER_NODES_MAX 64

struct filter;

struct filter_input {
    const struct record *record;
    const struct change *change; /* NULL: the value is no change */
    int32_t partition;
    struct arena *arena;
};

/*
 * text      copied into the arena, as the filter is
 * mask      columns that may not be asked for; may be NULL
 * position  of the character that is wrong, on an error
 * Errors    BAD_INPUT: what was expected there
 */
enum status filter_compile(struct arena *arena, const char *text, const char *mask, struct filter **compiled, size_t *position, struct error *error);

bool filter_matches(const struct filter *filter, const struct filter_input *input);

/* Does it look into rows? Otherwise the value need not be decoded. */
bool filter_needs_row(const struct filter *filter);

#endif
