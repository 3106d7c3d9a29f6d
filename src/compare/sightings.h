/* compare/sightings.h: what one consumer knows of the table, so that it can tell what is new to it from what it had. Pure. */
#ifndef COMPARE_SIGHTINGS_H
#define COMPARE_SIGHTINGS_H

#include "compare/account.h"

struct sightings;

/* known_rows  ids 1 to this one were in the table, in version 1, before anything was measured */
struct sightings *sightings_create(int64_t known_rows);
void sightings_destroy(struct sightings *sightings); /* NULL is fine */

/* A row as it was read, or with VERSION_GONE that it is deleted. False when it was known so. Ids from 1. */
bool sightings_take(struct sightings *sightings, int64_t id, int32_t version, int64_t at_ns);

/* Around a reading of the whole table: rows that were there and were not read between the two calls are gone. */
void sightings_round_begin(struct sightings *sightings);
void sightings_round_end(struct sightings *sightings, int64_t at_ns);

/* All that was new, in order; good until the next take. */
const struct sighting *sightings_all(const struct sightings *sightings, size_t *count);

int64_t sightings_again(const struct sightings *sightings); /* rows that came and were known */

#endif
