/*
 * broker/group.h: one classic consumer group as a state machine: members, generations, assignments, time-outs.
 * Pure: time is passed in, answers and records go out through the owner's functions. It never waits and does no I/O.
 *
 *   EMPTY ──join──▶ PREPARING ──all joined, or time──▶ COMPLETING ──leader's sync is durable──▶ STABLE
 *     ▲                 ▲  └── nobody joined ──▶ EMPTY      │                                      │
 *     └── all left      └────────── join, leave, expiry ────┴──────────────────────────────────────┘
 *
 * Source: Kafka's group protocol (KIP-62, 345, 394, 559, 814); the answers are those of the 4.3 broker.
 * Times: `now_ms` is monotonic; only the state's timestamp, which is stored, is wall clock.
 */
#ifndef BROKER_GROUP_H
#define BROKER_GROUP_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "base/uuid.h"

enum group_state { GROUP_EMPTY, GROUP_PREPARING, GROUP_COMPLETING, GROUP_STABLE };

/* "Empty", "PreparingRebalance", "CompletingRebalance", "Stable". */
const char *group_state_name(enum group_state state);

struct group;

struct group_protocol {
    struct slice name;
    struct slice metadata;
};

/* Read-only for others; all memory is the group's. */
struct group_member {
    struct slice id;
    struct slice instance_id; /* null: a dynamic member */
    struct slice client_id;
    struct slice client_host; /* "/127.0.0.1" */
    struct slice software;    /* "librdkafka 2.3.0"; null: it did not say, or has not joined since the start */
    struct slice assignment;  /* empty when none */
    struct group_protocol *protocols;
    size_t protocol_count;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;

    /* the state machine's: */
    struct slice next_assignment; /* from the leader's sync, until it is durable */
    void *join_waiter;            /* an unanswered JoinGroup */
    void *sync_waiter;            /* an unanswered SyncGroup */
    int64_t expires_at_ms;        /* when it is given up without a sign of life */
    int64_t heartbeat_ms;         /* its last heartbeat; 0: none since the start */
    int64_t acted_ms;             /* when it last did what only a consumer that polls does: joined or committed; 0: not since the start */
    bool is_new;                  /* its first join is not answered yet */
    bool sync_missing;            /* of this generation */
};

struct group_join_answer {
    enum status status;
    int32_t generation;         /* -1 with an error */
    struct slice protocol_type; /* null with an error */
    struct slice protocol_name;
    struct slice leader; /* never null */
    struct slice member_id;
    bool skip_assignment;
    bool with_members; /* for the leader: all members of `group` with the metadata of the protocol */
    const struct group *group;
};

struct group_sync_answer {
    enum status status;
    struct slice protocol_type; /* null with an error */
    struct slice protocol_name;
    struct slice assignment;
};

/* What the group asks of its owner. The slices of an answer live until the function returns. */
struct group_owner {
    void (*joined)(void *context, void *waiter, const struct group_join_answer *answer);
    void (*synced)(void *context, void *waiter, const struct group_sync_answer *answer);
    /* Stores the group's metadata (group_record_write); later calls group_stored with the same ticket. It may not do so from within. */
    void (*store)(void *context, struct group *group, uint64_t ticket);
    int64_t (*wall_ms)(void *context);
    struct uuid (*new_uuid)(void *context);
    void *context;
    int32_t initial_rebalance_delay_ms;
    int32_t members_max;
};

/* The id is copied; the owner struct is borrowed for life. */
struct group *group_create(struct slice id, const struct group_owner *owner);
void group_destroy(struct group *group); /* waiters are not answered any more: see group_abandon. NULL is fine */

/* Answers all waiters with this status; the group is about to go. */
void group_abandon(struct group *group, enum status status);

struct slice group_id(const struct group *group);
enum group_state group_state_of(const struct group *group);
int32_t group_generation(const struct group *group);
struct slice group_protocol_type(const struct group *group); /* empty when there has been no member */
struct slice group_protocol_name(const struct group *group); /* null when none is selected */
struct slice group_leader(const struct group *group);        /* null when there is none */
int64_t group_state_since_ms(const struct group *group);     /* wall clock; -1 unknown */
size_t group_member_count(const struct group *group);
const struct group_member *group_member_at(const struct group *group, size_t index); /* in the order of joining */
struct slice group_member_metadata(const struct group *group, const struct group_member *member); /* of the selected protocol */

struct group_join {
    struct slice member_id;   /* empty: none yet */
    struct slice instance_id; /* null: dynamic */
    struct slice client_id;
    struct slice client_host;
    struct slice software; /* null: not known */
    struct slice protocol_type;
    const struct group_protocol *protocols;
    size_t protocol_count;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;
    bool member_id_required;    /* JoinGroup v4 and later */
    bool knows_skip_assignment; /* JoinGroup v9 and later */
    void *waiter;               /* given back with the answer, which may come from within */
};

void group_join(struct group *group, const struct group_join *join, int64_t now_ms);

struct group_assignment {
    struct slice member_id;
    struct slice assignment;
};

struct group_sync {
    struct slice member_id;
    struct slice instance_id;
    int32_t generation;
    struct slice protocol_type; /* null: not given */
    struct slice protocol_name;
    const struct group_assignment *assignments;
    size_t assignment_count;
    void *waiter;
};

void group_sync(struct group *group, const struct group_sync *sync, int64_t now_ms);

enum status group_heartbeat(struct group *group, struct slice member_id, struct slice instance_id, int32_t generation, int64_t now_ms);

/* One member of a LeaveGroup; gives the id that left in `left`, when there was one (a static member may be named by its instance only). */
enum status group_leave(struct group *group, struct slice member_id, struct slice instance_id, int64_t now_ms);

/* May this member commit offsets now? A sign of life when it may. */
enum status group_commit_check(struct group *group, struct slice member_id, struct slice instance_id, int32_t generation, int64_t now_ms);

/* Is this topic among those that members read (by the consumer protocol)? True when it cannot be told. */
bool group_is_subscribed(const struct group *group, struct slice topic);

/* The answer to owner->store. */
void group_stored(struct group *group, uint64_t ticket, enum status status, int64_t now_ms);

/* When group_tick wants to be called next; INT64_MAX for never. Signs of life only move it later, so ask after joins, syncs and ticks. */
int64_t group_next_tick(const struct group *group);
void group_tick(struct group *group, int64_t now_ms);

/*
 * The value of the group's record in __consumer_offsets (GroupMetadataValue, version 3), as the 4.3 broker writes it.
 * With the assignments that are being stored.
 */
void group_record_write(const struct group *group, struct buffer *value);

/*
 * Takes over what a record says, after a restart. Members get a fresh session.
 * Errors  CORRUPT; then the group is empty
 */
enum status group_record_read(struct group *group, struct slice value, int64_t now_ms, struct error *error);

#endif
