/* web/trace_key.h: a row's key as people write it, against the keys of records; and what of a value is needed to trace it. Pure. */
#ifndef WEB_TRACE_KEY_H
#define WEB_TRACE_KEY_H

#include "base/arena.h"

#define TRACE_KEY_PARTS_MAX 32 /* PostgreSQL's INDEX_MAX_KEYS */

struct change_decoder;

struct trace_key {
    const char *text; /* as it was asked for: "42", "id=42", "a=1,b=x", "1,x", {"id":42} or a record's whole key */
    size_t part_count; /* of a JSON object; 0: it is none */
    struct {
        const char *column, *value;
    } parts[TRACE_KEY_PARTS_MAX];
};

/* Strings in the arena. */
void trace_key_read(const char *text, struct arena *arena, struct trace_key *key);

/*
 * Is it the record's key? Values may be written as they stand in the record or as PostgreSQL prints them: numbers exactly, times in
 * any zone, bytea as \x and hexadecimal digits. Several columns stand by name or in their order, with commas between them.
 */
bool trace_key_is(const struct trace_key *key, struct change_decoder *decoder, struct slice record_key, struct arena *arena);

/*
 * The key's bytes as the topic has them, made from those of another record: {"schema":…,"payload":{"id":1}} with the value in
 * the place of its one value. In the arena; null when that cannot be told, as for several columns, decimals and times.
 */
struct slice trace_key_like(const struct trace_key *key, struct change_decoder *decoder, struct slice sample, struct arena *arena);

/* Does the change event begin a row: an insert, or the row as a snapshot found it? */
bool trace_value_begins_row(struct slice value);

/* When the connector received the row, as the envelope says it; 0 when it does not. */
int64_t trace_received_us(struct slice value);

#endif
