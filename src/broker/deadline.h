/* broker/deadline.h: many times at which something is due, and which is the next; a binary heap of elements that their owners hold. */
#ifndef BROKER_DEADLINE_H
#define BROKER_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
    int64_t at_ms;                                          /* clock_monotonic_ms */
    void (*due)(struct deadline *deadline, int64_t now_ms); /* it is not set any more when this is called; may set it again */
    size_t place;                                           /* in the heap, from 1; 0: not set */
};

struct deadlines {
    struct deadline **heap;
    size_t count;
    size_t capacity;
};

void deadlines_finish(struct deadlines *deadlines);

/* Sets it, or moves it when it is set already. INT64_MAX clears it. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);

int64_t deadlines_next_ms(const struct deadlines *deadlines); /* INT64_MAX when there is none */

/* Calls what is due by now, the earliest first. */
void deadlines_run(struct deadlines *deadlines, int64_t now_ms);

#endif
