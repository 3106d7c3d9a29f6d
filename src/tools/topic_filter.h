/* tools/topic_filter.h: topic names by Java regular expression, as --topic and --include take them. */
#ifndef TOOLS_TOPIC_FILTER_H
#define TOOLS_TOPIC_FILTER_H

#include "base/regexes.h"
#include "tools/failure.h"

/*
 * Compiles what --topic takes: commas mean "or", blanks inside and quotes around it are dropped.
 * filter  the caller destroys it with regexes_destroy
 * Fails with java.util.regex.PatternSyntaxException
 */
const struct failure *topic_filter_create(struct arena *arena, const char *list, struct regexes **filter);

/* Compiles one expression as it stands. */
const struct failure *topic_filter_create_exact(struct arena *arena, const char *expression, struct regexes **filter);

/* __consumer_offsets and its like: topics that brokers keep for themselves. */
bool is_internal_topic(struct slice name);

#endif
