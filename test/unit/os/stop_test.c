#include "os/stop.h"

#include "check.h"
#include "os/thread.h"

#define LONG_MS 600000 /* past any test's time limit */

static void wait_long(void *context)
{
    struct stop *stop = context;

    while (!stop_wait(stop, LONG_MS))
        ;
}

TEST(a_wait_ends_when_it_is_asked_to_stop)
{
    struct thread *thread;
    struct stop stop;
    struct error error;

    stop_init(&stop);
    assert_int_equal(thread_start(&thread, "waits", wait_long, &stop, &error), OK);
    stop_wake(&stop); /* once for nothing */
    stop_ask(&stop);
    thread_join(thread);
    assert_true(stop_wait(&stop, LONG_MS)); /* and stays so */
    stop_finish(&stop);
}

TEST(what_rang_before_the_wait_ends_it_at_once)
{
    struct stop stop;

    stop_init(&stop);
    stop_wake(&stop);
    assert_false(stop_wait(&stop, LONG_MS));
    assert_false(stop_wait(&stop, 1)); /* only once */
    stop_finish(&stop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_when_it_is_asked_to_stop),
        cmocka_unit_test(what_rang_before_the_wait_ends_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
