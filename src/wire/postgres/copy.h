/* wire/postgres/copy.h: rows of COPY … TO STDOUT in text format. Source: PostgreSQL docs, "COPY", "Text Format". */
#ifndef WIRE_POSTGRES_COPY_H
#define WIRE_POSTGRES_COPY_H

#include "wire/postgres/relation.h"

/*
 * Splits one row into its values and takes the escapes out, in place.
 * bytes     one CopyData, with or without its newline; changed
 * values    room for `capacity` values; they borrow `bytes`
 * False     more columns than capacity, a backslash at the end, an unescaped newline inside
 */
bool copy_row_read(uint8_t *bytes, size_t size, struct pg_value *values, size_t capacity, struct pg_row *row);

#endif
