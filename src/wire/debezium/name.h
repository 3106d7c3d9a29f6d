/* wire/debezium/name.h: names of topics, schemas and fields, as Debezium makes them fit. Java counts UTF-16 units, so a character
 * above U+FFFF is replaced twice. */
#ifndef WIRE_DEBEZIUM_NAME_H
#define WIRE_DEBEZIUM_NAME_H

#include "base/arena.h"
#include "wire/debezium/config.h"

/* Characters outside [A-Za-z0-9._-] become '_' (or _uXXXX, '_' itself too); cut at 249. Source: AbstractTopicNamingStrategy. */
char *name_sanitize_topic(struct arena *arena, const char *topic, bool unicode);

/* The topic of a table's changes. */
char *name_table_topic(struct arena *arena, const struct debezium_config *config, const char *schema, const char *table);

/* schema.name.adjustment.mode and field.name.adjustment.mode. Source: SchemaNameAdjuster. */
const char *name_adjust_schema(struct arena *arena, enum name_adjustment mode, const char *name);
const char *name_adjust_field(struct arena *arena, enum name_adjustment mode, const char *name);

#endif
