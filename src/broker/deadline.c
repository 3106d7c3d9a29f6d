#include "broker/deadline.h"

#include "base/banned.h"
#include "base/memory.h"

void deadlines_finish(struct deadlines *deadlines)
{
    memory_free(deadlines->heap);
    *deadlines = (struct deadlines){0};
}

static void put(struct deadlines *deadlines, size_t place, struct deadline *deadline)
{
    deadlines->heap[place - 1] = deadline;
    deadline->place = place;
}

/* Moves an element from its place to where it belongs. */
static void settle(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t place = deadline->place;

    while (place > 1 && deadlines->heap[place / 2 - 1]->at_ms > deadline->at_ms) {
        put(deadlines, place, deadlines->heap[place / 2 - 1]);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;

        if (child > deadlines->count)
            break;
        if (child < deadlines->count && deadlines->heap[child]->at_ms < deadlines->heap[child - 1]->at_ms)
            child++;
        if (deadlines->heap[child - 1]->at_ms >= deadline->at_ms)
            break;
        put(deadlines, place, deadlines->heap[child - 1]);
        place = child;
    }
    put(deadlines, place, deadline);
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t place = deadline->place;
    struct deadline *last;

    if (place == 0)
        return;
    deadline->place = 0;
    last = deadlines->heap[--deadlines->count];
    if (last == deadline)
        return;
    put(deadlines, place, last);
    settle(deadlines, last);
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms)
{
    if (at_ms == INT64_MAX) {
        deadline_clear(deadlines, deadline);
        return;
    }
    if (deadline->place == 0) {
        if (deadlines->count == deadlines->capacity) {
            deadlines->capacity = deadlines->capacity == 0 ? 64 : deadlines->capacity * 2;
            deadlines->heap = memory_resize(deadlines->heap, deadlines->capacity * sizeof(struct deadline *));
        }
        put(deadlines, ++deadlines->count, deadline);
    }
    deadline->at_ms = at_ms;
    settle(deadlines, deadline);
}

int64_t deadlines_next_ms(const struct deadlines *deadlines)
{
    return deadlines->count == 0 ? INT64_MAX : deadlines->heap[0]->at_ms;
}

void deadlines_run(struct deadlines *deadlines, int64_t now_ms)
{
    while (deadlines->count > 0 && deadlines->heap[0]->at_ms <= now_ms) {
        struct deadline *first = deadlines->heap[0];

        deadline_clear(deadlines, first);
        first->due(first, now_ms);
    }
}
