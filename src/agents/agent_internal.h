/* agents/agent_internal.h: what agent.c (life, reading, checkpoints) and agent_record.c (one record) share. */
#ifndef AGENTS_AGENT_INTERNAL_H
#define AGENTS_AGENT_INTERNAL_H

#include "agents/agent.h"
#include "base/latency.h"
#include "log/stamps.h"
#include "os/stop.h"

#include <pthread.h>

#define FOLD_PREFIX "\001"                   /* of what is kept beside the state of a key; no column's text begins so */
#define NEWEST_PREFIX "\002"                 /* of what is kept of a partition, in the same place, where late rows are not judged */
#define NEWEST_UNREAD INT64_MIN
#define ALERT_BYTES_MAX ((size_t)256 << 10) /* of an alert or an enriched event */

struct agent {
    struct agent_spec spec;      /* strings and properties owned */
    struct properties settings, client;
    char *state_topic, *dead_letters_topic;
    const struct rule_kind *kind;
    void *rule;
    struct change_decoder *decoder;
    const struct change_schema *prepared; /* the schema that the rule has seen last */
    size_t prepared_columns;
    bool by_event_time;
    struct arena arena;          /* of one event */
    struct buffer json;
    struct buffer before;        /* state of the key before the row that is judged */
    bool before_known;
    char *settings_json;         /* of the rule */
    int64_t read_us;             /* when the records of this turn came */
    struct buffer stamps;        /* what `stamp` borrows from */
    struct stamp stamp;          /* of the batch of the last alert's row */
    int64_t stamped_ms;          /* when it was looked for last */
    bool enriched_ready;         /* their topic is there */
    struct source *source;
    struct state_table *states;
    size_t place;                /* of the key that is being read, from state_prefetch_place */
    uint64_t generation;         /* of the source, when the state was loaded */
    int64_t *newest_us;          /* event time seen so far in each partition, newest_count of them; NEWEST_UNREAD: not taken from the state yet */
    int32_t newest_count;
    int64_t checkpointed_ms, sent_ms;
    bool dirty;                  /* something to checkpoint */
    bool urgent;                 /* an alert waits */
    struct thread *thread;
    struct stop stop;
    pthread_mutex_t lock;        /* guards `states`, `status` and the latencies against readers of other threads; taken per turn */
    struct agent_status status;
    struct latency commit, row;  /* one time of each turn: the slowest row since its commit, the mean of a row */
    int64_t slowest_us;          /* of this turn; -1: none is known */
};

/* The key of the record that is being read: its state will be needed. A change_seen of change_decoder_watch. */
void agent_key_seen(void *agent, const struct change_value *value, struct arena *arena);

/*
 * Judges one record, and puts what comes of it into the checkpoint under construction: alert, enriched event, dead letter.
 * Errors  what stops the agent
 * Thread  the agent's, with the lock held
 */
enum status agent_record_handle(struct agent *agent, const struct source_record *record, struct error *error);

#endif
