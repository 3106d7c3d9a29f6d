/* web/message.h: a record as the console shows it: key and value as text, and Debezium's rows as columns before and after. */
#ifndef WEB_MESSAGE_H
#define WEB_MESSAGE_H

#include "base/arena.h"
#include "wire/debezium/change.h"
#include "wire/kafka/records.h"

#include <jansson.h>

struct schema_book;
struct properties;

struct message_shape {
    size_t text_max;    /* bytes of key and value that are shown */
    size_t columns_max; /* of a row */
    size_t cell_max;    /* bytes of a cell; 0: all */
    const char *mask;   /* "schema.table.column,…" whose values are hidden; may be NULL */
    struct schema_book *schemas; /* says why the old row is missing; may be NULL */
};

extern const struct message_shape message_in_list, message_alone;

/*
 * change  the value as it was decoded; NULL when it is no change
 * Gives a new reference. Borrows nothing.
 */
json_t *message_make(const char *topic, int32_t partition, const struct record *record, const struct record_batch *batch, const struct change *change,
                     const struct message_shape *shape, struct arena *arena);

/* Are the topic's messages configurations of connectors, agents and reports, which may have passwords? */
bool message_topic_has_secrets(const struct properties *settings, const char *topic);

/* The value of such a message with its passwords masked, in the arena. Whoever reads messages for others takes this instead, filters too. */
struct slice message_without_secrets(struct slice value, struct arena *arena);

/* What stands behind "payload" when the text is {"schema":…,"payload":…}; the text itself otherwise. */
struct slice message_payload(struct slice text);

/* At most `max` bytes of the text, 0 for all, not ending within a character. */
struct slice message_cut(struct slice text, size_t max);

/* table: null or empty when it is not known; the column's name alone decides then */
bool message_is_masked(const char *mask, struct slice schema, struct slice table, const char *column);

/* Does a JSON text have a member, at any depth, that is named like a masked column? */
bool message_text_hides(const char *mask, struct slice text);

/* Would the text of the value, or of the key, show a masked column? change: NULL when the value is none */
bool message_hides_value(const char *mask, const struct change *change, struct slice value);
bool message_hides_key(const char *mask, const struct change *change, struct slice key);

#endif
