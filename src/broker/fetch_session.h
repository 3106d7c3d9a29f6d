/*
 * broker/fetch_session.h: incremental fetch sessions (KIP-227): the partitions a consumer reads are named once, later requests
 * say only what changed, and answers only what is new. No I/O; time is passed in.
 */
#ifndef BROKER_FETCH_SESSION_H
#define BROKER_FETCH_SESSION_H

#include "base/arena.h"
#include "base/error.h"
#include "wire/kafka/messages_fetch.h"

/* One partition of a session, or of a request without one. */
struct fetch_partition {
    struct slice name;    /* null when it is named by id */
    struct uuid topic_id; /* zero when it is named by name */
    int32_t partition;
    int32_t leader_epoch; /* -1: not checked */
    int64_t offset;
    int32_t bytes_max;

    /* What the last answer of the session said: */
    int64_t told_end; /* -1: nothing yet, or an error */
    int64_t told_start;

    struct fetch_partition *next; /* in the order in which they are served */
    struct fetch_partition *previous;
};

struct fetch_session;
struct fetch_sessions;

/* sessions_max 0: there are no sessions, every fetch is a full one. */
struct fetch_sessions *fetch_sessions_create(size_t sessions_max);
void fetch_sessions_destroy(struct fetch_sessions *sessions); /* NULL is fine */
size_t fetch_sessions_count(const struct fetch_sessions *sessions);

struct fetch_list {
    struct fetch_partition *first;
    struct fetch_partition *last;
};

/* What a request is about. */
struct fetch_scope {
    struct fetch_session *session; /* held until fetch_scope_finish; NULL: none */
    bool incremental;              /* the answer leaves out what has not changed */
    struct fetch_list list;        /* without a session; memory of the arena */
};

/*
 * Opens, continues or closes a session as the request says.
 * uses_ids  the request names topics by id (version 13 and later)
 * arena     for a request without a session
 * Errors    FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR; nothing to finish then
 */
enum status fetch_scope_begin(struct fetch_sessions *sessions, const struct kafka_fetch_request *asked, bool uses_ids, int64_t now_ms,
                              struct arena *arena, struct fetch_scope *scope);
void fetch_scope_finish(struct fetch_scope *scope);

/* The first partition to serve; the others by `next`. Look again after waiting: the session may have changed. */
struct fetch_partition *fetch_scope_first(const struct fetch_scope *scope);

int32_t fetch_scope_id(const struct fetch_scope *scope); /* 0: no session */

/* This partition got data: others come first next time. */
void fetch_scope_served(struct fetch_scope *scope, struct fetch_partition *partition);

#endif
