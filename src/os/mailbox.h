/*
 * os/mailbox.h: messages from any thread to one thread, first in, first out. The nodes are the senders' memory, so sending
 * never allocates; whoever wants back-pressure counts what it has under way.
 */
#ifndef OS_MAILBOX_H
#define OS_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message { /* first member of what is sent, or reached by its offset */
    struct message *next;
    int kind; /* the receiver's */
};

struct mailbox {
    pthread_mutex_t lock; /* guards all below; a leaf: nothing is called with it held */
    pthread_cond_t filled;
    struct message *first;
    struct message *last;
    size_t count;
    size_t wanted; /* the receiver sleeps until there are so many; 0: it does not sleep */
    bool woken;
};

void mailbox_init(struct mailbox *mailbox);
void mailbox_finish(struct mailbox *mailbox); /* messages still inside stay the senders' */

/* Hands the message over. Thread: any. */
void mailbox_send(struct mailbox *mailbox, struct message *message);

/* Lets a waiting receiver return without a message. Thread: any. */
void mailbox_wake(struct mailbox *mailbox);

size_t mailbox_count(struct mailbox *mailbox); /* that wait; thread: any */

/* Takes all messages in their order; NULL when there are none. Thread: the receiver. */
struct message *mailbox_take(struct mailbox *mailbox);

/* Waits until there is a message, somebody wakes it or timeout_ms has passed (-1: no limit), then takes all. */
struct message *mailbox_wait(struct mailbox *mailbox, int64_t timeout_ms);

/* Waits until there are `count` messages, somebody wakes it or timeout_ns has passed, then takes all there are. */
struct message *mailbox_gather(struct mailbox *mailbox, size_t count, int64_t timeout_ns);

#endif
