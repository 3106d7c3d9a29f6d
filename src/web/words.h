/* web/words.h: numbers within sentences, in memory of an arena. */
#ifndef WEB_WORDS_H
#define WEB_WORDS_H

#include "base/arena.h"

#include <stdint.h>

/* "1 message", "17,727 messages". noun: in the singular */
const char *words_count(struct arena *arena, int64_t count, const char *noun);
const char *words_are(struct arena *arena, int64_t count, const char *noun);  /* "1 message is", "2 messages are" */
const char *words_were(struct arena *arena, int64_t count, const char *noun); /* "1 message was", "2 messages were" */
const char *words_number(struct arena *arena, int64_t number); /* 17,727 */
const char *words_bytes(struct arena *arena, int64_t bytes);   /* 1.5 GiB */
const char *words_duration(struct arena *arena, int64_t ms);   /* 90 s, 2 h 5 min */
const char *words_moment(struct arena *arena, int64_t ms);     /* today 14:12:09 UTC, else with the day */

#endif
