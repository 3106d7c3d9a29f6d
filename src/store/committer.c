/* The committer: takes what waits, round by round; what is no append runs between two rounds. */
#include "store/internal.h"

#include "base/banned.h"

void committer_process(struct store *store, struct message *messages)
{
    while (messages != NULL) {
        struct message *next = messages->next; /* an answered message is its sender's again */

        if (messages->kind == MESSAGE_CONTROL) {
            struct control *control = (struct control *)(void *)((char *)messages - offsetof(struct control, message));

            round_finish(store->round);
            control->run(store, control);
        } else {
            round_add(store->round, messages);
            if (round_is_full(store->round))
                round_finish(store->round);
        }
        messages = next;
    }
    round_finish(store->round);
    store_suspect_note(store);
}

void committer_main(void *context)
{
    struct store *store = context;
    int64_t wait_ms = 0;

    for (;;) {
        struct message *messages = mailbox_wait(&store->mailbox, wait_ms);

        if (messages == NULL && atomic_load(&store->closing))
            return;
        committer_process(store, messages);
        wait_ms = upkeep_run(store);
    }
}
