/* tools/date_format.h: moments by the patterns of Java's SimpleDateFormat, in English and local time. */
#ifndef TOOLS_DATE_FORMAT_H
#define TOOLS_DATE_FORMAT_H

#include "tools/failure.h"

/* Is it a pattern? Fails as SimpleDateFormat's constructor does. */
const struct failure *date_format_check(struct arena *arena, const char *pattern);

/* The moment, in ms since 1970, by a pattern that was checked. */
const char *date_format(struct arena *arena, const char *pattern, int64_t moment_ms);

#endif
