#include "check.h"

#include "broker/deadline.h"

struct timer {
    struct deadline deadline;
    int64_t called_at_ms;
    int order;
};

static int calls;

static void on_due(struct deadline *deadline, int64_t now_ms)
{
    struct timer *timer = (struct timer *)(void *)deadline;

    timer->called_at_ms = now_ms;
    timer->order = ++calls;
}

TEST(what_is_due_comes_in_the_order_of_time)
{
    struct deadlines deadlines = {0};
    struct timer timers[200] = {0};
    unsigned random = 7;
    int64_t last_ms = 0;

    calls = 0;
    for (int i = 0; i < 200; i++) {
        timers[i].deadline.due = on_due;
        random = random * 1103515245 + 12345;
        deadline_set(&deadlines, &timers[i].deadline, (int64_t)(random >> 16) % 1000);
    }
    for (int i = 0; i < 200; i += 3) { /* moved and cleared ones in between */
        random = random * 1103515245 + 12345;
        deadline_set(&deadlines, &timers[i].deadline, (int64_t)(random >> 16) % 1000);
        deadline_clear(&deadlines, &timers[i + 1].deadline);
    }
    while (deadlines_next_ms(&deadlines) != INT64_MAX) {
        int64_t next_ms = deadlines_next_ms(&deadlines);

        assert_true(next_ms >= last_ms);
        last_ms = next_ms;
        deadlines_run(&deadlines, next_ms);
        assert_true(deadlines_next_ms(&deadlines) > next_ms);
    }
    for (int i = 0; i < 200; i++)
        assert_int_equal(timers[i].called_at_ms == timers[i].deadline.at_ms && timers[i].order > 0, i % 3 != 1);
    deadlines_finish(&deadlines);
}

TEST(never_clears)
{
    struct deadlines deadlines = {0};
    struct timer timer = {.deadline = {.due = on_due}};

    deadline_set(&deadlines, &timer.deadline, 5);
    deadline_set(&deadlines, &timer.deadline, INT64_MAX);
    assert_int_equal(deadlines_next_ms(&deadlines), INT64_MAX);
    deadline_clear(&deadlines, &timer.deadline);
    deadlines_finish(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_comes_in_the_order_of_time),
        cmocka_unit_test(never_clears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
