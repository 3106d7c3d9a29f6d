/* tools/consumer_internal.h: what the sources of the consumer share. */
#ifndef TOOLS_CONSUMER_INTERNAL_H
#define TOOLS_CONSUMER_INTERNAL_H

#include "tools/client.h"
#include "tools/consumer.h"
#include "tools/exchange.h"
#include "tools/metadata.h"

#define FETCHES_PER_NODE 2 /* one is read while the next one is under way */

enum position_state {
    POSITION_UNKNOWN, /* to be asked of the group */
    POSITION_RESET,   /* to be asked of the partition's leader */
    POSITION_KNOWN,
};

struct consumer_partition {
    struct slice topic;
    int32_t partition;
    enum position_state state;
    int64_t reset_time;     /* CONSUMER_EARLIEST or CONSUMER_LATEST */
    int64_t position;       /* of the next record to give */
    int32_t position_epoch; /* leader epoch of the record before; -1: unknown */
    int64_t fetch_offset;   /* of the next record to ask for */
    bool is_fetching;       /* a request is under way */
    int64_t retry_at_ms;
};

/* One Fetch request and the reading of its answer. */
struct consumer_fetch {
    struct consumer_fetch *next; /* all of them */
    struct consumer_fetch *next_ready;
    struct exchange exchange;
    int32_t node_id;
    bool is_ready;             /* the answer is being read, or waits for it */
    uint64_t assignment;       /* consumer->assignment when it was asked */
    const struct kafka_fetch_response *response;
    /* Where the reading is. */
    int32_t topic_at;
    int32_t partition_at;
    bool partition_is_open;
    struct consumer_partition *partition;
    struct slice batches;      /* not read yet */
    struct record_batch batch;
    bool batch_is_open;
    struct record_iterator records;
    struct buffer scratch;
    int64_t *aborted_producers; /* whose records of open transactions are passed over */
    size_t aborted_count;
    int32_t aborted_at;        /* in the response's list */
};

enum group_state {
    GROUP_OFF, /* partitions of one's own choice */
    GROUP_NO_COORDINATOR,
    GROUP_FINDING_COORDINATOR,
    GROUP_NOT_JOINED,
    GROUP_JOINING,
    GROUP_ASSIGNING, /* leader: waits for metadata */
    GROUP_SYNCING,
    GROUP_STABLE,
};

struct consumer_group {
    enum group_state state;
    const char *id;
    const char *instance_id; /* NULL: not static */
    bool is_classic;
    char *member_id; /* heap; "" at first */
    int32_t generation; /* member epoch with the newer protocol */
    int32_t coordinator;
    bool is_leader;
    struct arena join_arena; /* owns `joined` */
    struct kafka_join_group_response *joined;
    uint64_t assigned_hash;  /* of what the leader has assigned from */
    struct exchange exchange;
    struct exchange heartbeat;
    int64_t heartbeat_at_ms;
    int64_t retry_at_ms;
    int64_t rebalance_began_ms;
    /* The newer protocol. */
    bool owned_changed; /* tell the coordinator */
    bool subscription_changed;
};

struct consumer {
    struct arena *failures;
    struct arena arena;
    struct client *client;
    struct metadata metadata;
    int wake;
    struct consumer_group group;
    /* What is wanted. */
    struct arena subscription_arena;
    struct slice *subscription;
    size_t subscription_count;
    const struct regexes *matching;
    uint64_t matched_version;
    /* What is assigned. */
    struct consumer_partition **partitions;
    size_t partition_count;
    uint64_t assignment; /* counts */
    struct exchange offsets; /* OffsetFetch or ListOffsets */
    struct exchange commit;
    int64_t commit_at_ms;
    struct consumer_fetch *fetches;
    struct consumer_fetch *ready; /* first in the line */
    struct decompressor *decompressor;
    const struct failure *failure;
    struct consumer_times times;
    uint64_t given;     /* calls of consumer_next */
    int64_t stepped_ms;
    /* Settings. */
    bool auto_commit;
    bool read_committed;
    bool check_crcs;
    const char *auto_offset_reset;
    int32_t session_timeout_ms, heartbeat_interval_ms, max_poll_interval_ms, auto_commit_interval_ms;
    int32_t fetch_min_bytes, fetch_max_bytes, fetch_max_wait_ms, max_partition_fetch_bytes, request_timeout_ms;
};

/* consumer.c */
void consumer_clear_partitions(struct consumer *consumer); /* gives up all; their fetches count no more */
struct consumer_partition *consumer_add_partition(struct consumer *consumer, struct slice topic, int32_t partition);
struct consumer_partition *consumer_find_partition(const struct consumer *consumer, struct slice topic, int32_t partition);
void consumer_reset_position(struct consumer *consumer, struct consumer_partition *partition); /* by auto.offset.reset */
void consumer_commit_now(struct consumer *consumer, int64_t timeout_ms);
void consumer_fail(struct consumer *consumer, const struct failure *failure);

/* consumer_fetch.c */
void consumer_fetch_progress(struct consumer *consumer);
bool consumer_fetch_next(struct consumer *consumer, struct consumer_record *record);
void consumer_fetch_finish(struct consumer *consumer);
bool consumer_has_unread(const struct consumer *consumer, const struct consumer_partition *partition);

/* consumer_group.c: finding the coordinator; the classic protocol */
void consumer_group_progress(struct consumer *consumer);
void consumer_group_leave(struct consumer *consumer);
void consumer_group_lose_coordinator(struct consumer *consumer);
void consumer_group_rejoin(struct consumer *consumer, bool keeps_member_id);
bool consumer_update_subscription(struct consumer *consumer); /* of matching topics; true when it changed */

/* consumer_protocol.c: KIP-848 */
void consumer_protocol_progress(struct consumer *consumer);
void consumer_protocol_leave(struct consumer *consumer);

#endif
