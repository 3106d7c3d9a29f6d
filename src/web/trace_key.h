/* web/trace_key.h: a row's key as people write it, against the keys of records; and what of a value is needed to trace it. Pure. */
#ifndef WEB_TRACE_KEY_H
#define WEB_TRACE_KEY_H

#include "base/arena.h"

struct trace_key {
    const char *text;   /* as it was asked for: "42", "id=42", {"id":42} or a record's whole key */
    const char *column; /* NULL: the value stands alone */
    const char *value;
};

/* Strings in the arena. */
void trace_key_read(const char *text, struct arena *arena, struct trace_key *key);

/* Is it the record's key? Schema and payload, payload alone, plain text; a value alone is meant for keys of one column. */
bool trace_key_is(const struct trace_key *key, struct slice record_key);

/*
 * The key's bytes as the topic has them, made from those of another record: {"schema":…,"payload":{"id":1}} with the value in
 * the place of its one value. In the arena; null when the keys are of another shape.
 */
struct slice trace_key_like(const struct trace_key *key, struct slice sample, struct arena *arena);

/* Does the change event begin a row: an insert, or the row as a snapshot found it? */
bool trace_value_begins_row(struct slice value);

/* When the connector received the row, as the envelope says it; 0 when it does not. */
int64_t trace_received_us(struct slice value);

#endif
