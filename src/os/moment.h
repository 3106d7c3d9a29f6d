/* os/moment.h: points in time as people type them. */
#ifndef OS_MOMENT_H
#define OS_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* "90s", "30m", "2h", "1d"; set only on true. */
bool duration_parse(const char *text, int64_t *duration_ms);

/*
 * "2026-01-07", "2026-01-07 17:26", "2026-01-07T17:26:21.442Z" (always UTC), or how long ago: "90s", "30m", "2h", "1d".
 * moment_ms  since 1970; set only on true
 */
bool moment_parse(const char *text, int64_t now_ms, int64_t *moment_ms);

#endif
