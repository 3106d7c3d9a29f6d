#include "os/mailbox.h"

#include "base/banned.h"
#include "base/time.h"
#include "os/clock.h"

#include <errno.h>

void mailbox_init(struct mailbox *mailbox)
{
    pthread_condattr_t attributes;

    *mailbox = (struct mailbox){0};
    (void)pthread_mutex_init(&mailbox->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&mailbox->filled, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void mailbox_finish(struct mailbox *mailbox)
{
    (void)pthread_cond_destroy(&mailbox->filled);
    (void)pthread_mutex_destroy(&mailbox->lock);
}

void mailbox_send(struct mailbox *mailbox, struct message *message)
{
    bool enough;

    message->next = NULL;
    (void)pthread_mutex_lock(&mailbox->lock);
    if (mailbox->last == NULL)
        mailbox->first = message;
    else
        mailbox->last->next = message;
    mailbox->last = message;
    mailbox->count++;
    enough = mailbox->wanted > 0 && mailbox->count >= mailbox->wanted;
    (void)pthread_mutex_unlock(&mailbox->lock);
    if (enough)
        (void)pthread_cond_signal(&mailbox->filled);
}

void mailbox_wake(struct mailbox *mailbox)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    mailbox->woken = true;
    (void)pthread_mutex_unlock(&mailbox->lock);
    (void)pthread_cond_signal(&mailbox->filled);
}

static struct message *take_locked(struct mailbox *mailbox)
{
    struct message *first = mailbox->first;

    mailbox->first = NULL;
    mailbox->last = NULL;
    mailbox->count = 0;
    return first;
}

struct message *mailbox_take(struct mailbox *mailbox)
{
    struct message *first;

    (void)pthread_mutex_lock(&mailbox->lock);
    first = take_locked(mailbox);
    (void)pthread_mutex_unlock(&mailbox->lock);
    return first;
}

static struct message *wait_for(struct mailbox *mailbox, size_t count, int64_t timeout_ns)
{
    int64_t at_ns = timeout_ns < 0 ? 0 : clock_monotonic_ns() + timeout_ns;
    struct timespec deadline = {.tv_sec = at_ns / NS_PER_SECOND, .tv_nsec = at_ns % NS_PER_SECOND};
    struct message *first;
    int result = 0;

    (void)pthread_mutex_lock(&mailbox->lock);
    mailbox->wanted = count;
    while (mailbox->count < count && !mailbox->woken && result != ETIMEDOUT) {
        result = timeout_ns < 0 ? pthread_cond_wait(&mailbox->filled, &mailbox->lock)
                                : pthread_cond_timedwait(&mailbox->filled, &mailbox->lock, &deadline);
    }
    mailbox->wanted = 0;
    mailbox->woken = false;
    first = take_locked(mailbox);
    (void)pthread_mutex_unlock(&mailbox->lock);
    return first;
}

struct message *mailbox_wait(struct mailbox *mailbox, int64_t timeout_ms)
{
    return wait_for(mailbox, 1, timeout_ms < 0 ? -1 : timeout_ms * NS_PER_MS);
}

struct message *mailbox_gather(struct mailbox *mailbox, size_t count, int64_t timeout_ns)
{
    return wait_for(mailbox, count, timeout_ns);
}

size_t mailbox_count(struct mailbox *mailbox)
{
    size_t count;

    (void)pthread_mutex_lock(&mailbox->lock);
    count = mailbox->count;
    (void)pthread_mutex_unlock(&mailbox->lock);
    return count;
}
