/* web/cell.h: a cell of a row as text: decimals and times as PostgreSQL would print them. */
#ifndef WEB_CELL_H
#define WEB_CELL_H

#include "base/arena.h"
#include "wire/debezium/change.h"

/* In the arena; NULL when it is null, or the row does not have it. */
const char *cell_text(const struct change_column *column, const struct change_value *value, struct arena *arena);

/* Is it a time of day, which travels as a number? */
bool cell_is_time(const struct change_column *column);

#endif
