/* tools/instant.h: moments and durations as kafka-consumer-groups takes them. */
#ifndef TOOLS_INSTANT_H
#define TOOLS_INSTANT_H

#include "tools/failure.h"

/*
 * "2024-10-25T12:00:00.000", with "Z" or "+01:00" behind it or in UTC, as ms since 1970.
 * Fails with java.text.ParseException. Source: Utils.getDateTime of Kafka's clients
 */
const struct failure *instant_parse_datetime(struct arena *arena, const char *text, int64_t *moment_ms);

/* "P1DT2H3M4.5S" in ms. Fails with DateTimeParseException. Source: java.time.Duration.parse */
const struct failure *instant_parse_duration(struct arena *arena, const char *text, int64_t *duration_ms);

#endif
