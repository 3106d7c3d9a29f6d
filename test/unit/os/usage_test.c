#include "os/usage.h"

#include "check.h"
#include "os/mailbox.h"
#include "os/thread.h"

#include <string.h>

static void wait_for_word(void *context)
{
    (void)mailbox_wait(context, -1);
}

static const struct usage_thread *find(const struct usage_thread *threads, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(threads[i].name, name) == 0)
            return &threads[i];
    }
    return NULL;
}

TEST(threads_of_one_name_are_counted_together)
{
    const struct usage_thread *threads, *found = NULL;
    struct thread *started[2];
    struct mailbox mailboxes[2]; /* one each: a wake is for one */
    struct arena arena;
    size_t count;

    mailbox_init(&mailboxes[0]);
    mailbox_init(&mailboxes[1]);
    arena_init(&arena, 4096);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_start(&started[i], "counted", wait_for_word, &mailboxes[i], NULL), OK);
    while (found == NULL || found->count < 2) { /* they name themselves */
        threads = usage_threads(&arena, &count);
        found = find(threads, count, "counted");
    }
    assert_int_equal(found->count, 2);
    assert_true(found->cpu_us >= 0);
    assert_null(find(threads, count, "other"));
    for (int i = 0; i < 2; i++) {
        mailbox_wake(&mailboxes[i]);
        thread_join(started[i]);
        mailbox_finish(&mailboxes[i]);
    }
    arena_finish(&arena);
}

TEST(memory_and_disk_are_known)
{
    struct usage_memory memory;

    usage_memory_read(&memory);
    assert_true(memory.resident_bytes > 0);
    assert_true(usage_disk_bytes("/") > 0);
    assert_int_equal(usage_disk_bytes("/no/such/place"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_of_one_name_are_counted_together),
        cmocka_unit_test(memory_and_disk_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
