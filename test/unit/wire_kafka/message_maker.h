/* test/unit/wire_kafka/message_maker.h: any message with pseudo-random content, and comparing two of them, by their tables. */
#ifndef TEST_MESSAGE_MAKER_H
#define TEST_MESSAGE_MAKER_H

#include "wire/kafka/codec_internal.h"

/* A small generator with a fixed sequence for each seed (xorshift). */
uint64_t random_next(uint64_t *seed);

/* Fills `out` with what the version can carry, and defaults elsewhere. fullness 0: every array empty, every null null. */
void message_make(const struct wire_message *message, int version, int fullness, uint64_t *seed, struct arena *arena, void *out);

/* NULL when equal, else the name of the first member that differs. */
const char *message_difference(const struct wire_message *message, const void *a, const void *b);

#endif
