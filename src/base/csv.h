/* base/csv.h: fields of comma-separated values (RFC 4180). */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/buffer.h"

/* Appends a field, in quotes where that is needed; an empty text becomes "", so that it differs from null (nothing at all). */
void csv_append(struct buffer *line, const char *text);

/* The same for files that a spreadsheet may open: what it would run as a formula begins with an apostrophe; numbers stay numbers. */
void csv_append_safely(struct buffer *line, const char *text);

#endif
