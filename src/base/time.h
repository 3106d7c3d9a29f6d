/* base/time.h: units of time, and the calendar; the clocks themselves are in os/clock.h. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#define MS_PER_SECOND INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MS INT64_C(1000)
#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)
#define MS_PER_DAY INT64_C(86400000)

/* Seconds from 1970-01-01 to PostgreSQL's epoch, 2000-01-01 (PostgreSQL docs, "Streaming Replication Protocol"). */
#define POSTGRES_EPOCH_SECONDS INT64_C(946684800)

/*
 * How long to wait for something that is down before the next try: 100 ms after the first failure, then twice as long each time; for the
 * first half minute a second at most, since what is just starting comes soon.
 * failures    in a row, at least 1
 * down_ms     since the first of them
 * longest_ms  never longer than this
 */
int64_t retry_wait_ms(int64_t failures, int64_t down_ms, int64_t longest_ms);

/* Proleptic Gregorian calendar; year 0 is 1 BC. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
