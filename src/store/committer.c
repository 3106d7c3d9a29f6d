/* The committer: takes what waits, round by round; what is no append runs between two rounds. */
#include "store/internal.h"

#include "base/banned.h"
#include "base/time.h"

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

/* ---- Waiting for the rest of a volley ---- */

#define GATHER_ROUND_US_MIN 200 /* shorter rounds cost less than the waiting */
#define GATHER_PART 8           /* so small a part of the last round's time is waited */

/*
 * Producers with several requests in flight send the next ones one after the other as soon as a round has answered them. The
 * first would get a round, and so a sync, of its own, and all others wait for that. So when the last round had more of them,
 * the rest is waited for, for a small part of what a round takes. Who does not come is not expected the next time.
 */
struct volley {
    size_t expected;
    struct message *last;
    size_t count;
};

static void volley_count(struct volley *volley, struct message *messages)
{
    for (; messages != NULL; messages = messages->next) {
        volley->count++;
        volley->last = messages;
    }
}

static void volley_gather(struct store *store, struct volley *volley, struct message *messages)
{
    int64_t round_us = atomic_load_explicit(&store->last_round_us, memory_order_relaxed);

    volley->count = 0;
    volley_count(volley, messages);
    if (volley->count < volley->expected && round_us >= GATHER_ROUND_US_MIN) {
        volley->last->next = mailbox_gather(&store->mailbox, volley->expected - volley->count, round_us * NS_PER_US / GATHER_PART);
        volley_count(volley, volley->last->next);
    }
    volley->expected = volley->count;
}

void committer_main(void *context)
{
    struct store *store = context;
    struct volley volley = {0};
    int64_t wait_ms = 0;

    for (;;) {
        /* A wake may have been taken together with messages: so no waiting when the store closes. */
        struct message *messages = mailbox_wait(&store->mailbox, atomic_load(&store->closing) ? 0 : wait_ms);

        if (messages == NULL && atomic_load(&store->closing))
            return;
        if (messages != NULL)
            volley_gather(store, &volley, messages);
        committer_process(store, messages);
        wait_ms = upkeep_run(store);
    }
}
