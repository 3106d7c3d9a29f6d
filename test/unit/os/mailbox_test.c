#include "os/mailbox.h"

#include "check.h"
#include "os/thread.h"

#define SENDERS 4
#define EACH 5000

struct numbered {
    struct message message;
    int sender, number;
};

struct sender {
    struct mailbox *mailbox;
    struct numbered sent[EACH];
    struct thread *thread;
};

static void send_all(void *context)
{
    struct sender *sender = context;

    for (int i = 0; i < EACH; i++)
        mailbox_send(sender->mailbox, &sender->sent[i].message);
}

TEST(messages_of_many_threads_arrive_in_the_order_each_sent_them)
{
    static struct sender senders[SENDERS];
    struct mailbox mailbox;
    int next[SENDERS] = {0};
    int seen = 0;

    mailbox_init(&mailbox);
    for (int s = 0; s < SENDERS; s++) {
        senders[s].mailbox = &mailbox;
        for (int i = 0; i < EACH; i++) {
            senders[s].sent[i].sender = s;
            senders[s].sent[i].number = i;
        }
        assert_int_equal(thread_start(&senders[s].thread, "sender", send_all, &senders[s], NULL), OK);
    }
    while (seen < SENDERS * EACH) {
        struct message *message = mailbox_wait(&mailbox, 10000);

        assert_non_null(message);
        for (; message != NULL; message = message->next) {
            const struct numbered *numbered = (const struct numbered *)message;

            assert_int_equal(numbered->number, next[numbered->sender]++);
            seen++;
        }
    }
    for (int s = 0; s < SENDERS; s++)
        thread_join(senders[s].thread);
    assert_null(mailbox_take(&mailbox));
    mailbox_finish(&mailbox);
}

TEST(waiting_ends_at_the_timeout_and_at_a_wake)
{
    struct mailbox mailbox;

    mailbox_init(&mailbox);
    assert_null(mailbox_wait(&mailbox, 1));
    mailbox_wake(&mailbox);
    assert_null(mailbox_wait(&mailbox, -1));
    mailbox_finish(&mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_many_threads_arrive_in_the_order_each_sent_them),
        cmocka_unit_test(waiting_ends_at_the_timeout_and_at_a_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
