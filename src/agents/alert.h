/*
 * agents/alert.h: an alert: what, who, when, which rule and version, and the facts that made it fire, as one JSON record of
 * the topic "<prefix>.alerts".
 */
#ifndef AGENTS_ALERT_H
#define AGENTS_ALERT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define ALERTS_KEPT_MS "7776000000" /* 90 days: alerts topics and what came of the alerts, where we make the topics */
#define ALERT_CONDITIONS_MAX 8
#define ALERT_INPUTS_MAX 64
#define ALERT_FEATURES_MAX 256

struct alert_condition {
    const char *text;  /* "Transactions in 60 s" */
    const char *was;   /* exact, as text: "7", "4178.74" */
    const char *limit; /* "> 5" */
    int32_t points;    /* what it adds to the score; 0 where there is no score */
    bool held;
};

/* A record that stood in the window. */
struct alert_input {
    int32_t partition;
    int64_t offset;
    int64_t time_us;
    const char *number; /* its amount, as text; NULL when the rule does not know */
};

#define ALERT_STATE_BYTES_MAX 8192 /* a larger state of one key does not go into its alerts */

/* What a model looked at. */
struct alert_feature {
    const char *name, *value; /* value: as text; NULL: unknown */
    double weight;            /* what it added to the score, before the objective; below 0: took from it */
};

struct alert {
    const char *id;       /* from agent, version, topic, partition and offset: the same row never makes a second one */
    const char *agent;
    const char *rule;
    int32_t rule_version;
    const char *severity; /* "crit", "warn", "info" */
    const char *subject;  /* "User 7690" */
    const char *title;    /* "User 7690 scored 90, the limit is 70" */
    const char *number;   /* the amount, exact */
    const char *score;    /* as text; NULL when the rule has none */
    const char *score_limit; /* "> 70" */
    struct alert_condition conditions[ALERT_CONDITIONS_MAX];
    size_t condition_count;
    int64_t window_from_us, window_to_us; /* 0 when the rule has none */
    const char *window_by;                /* "event time" or "processing time" or "count" */
    struct alert_input inputs[ALERT_INPUTS_MAX]; /* oldest first; partition -1: the rule does not know where it was */
    size_t input_count;
    int64_t input_total;                  /* the window held so many; the newest ALERT_INPUTS_MAX are kept. 0: input_count */
    const char *key;      /* of the state */
    int64_t folded;       /* alerts of this agent and key that were not sent since the one before (storm control) */
    const char *model;    /* version of the model that scored; NULL */
    const struct alert_feature *features; /* of the model, those that weigh most first */
    size_t feature_count;
    /* where the row came from, and when it passed each hop; microseconds since 1970, 0 unknown */
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t lsn, transaction_id;
    int64_t committed_us, received_us; /* by PostgreSQL's clock, by ours */
    int64_t appended_us, durable_us, published_us; /* of the batch that the row was in */
    int64_t read_us, scored_us;
    const char *traceparent, *tracestate; /* of the record's headers; NULL */
    const char *row;      /* the row as JSON object with decimals as text; NULL */
    /* what it was judged by, so that it can be judged again (judge_again.h) */
    const char *settings; /* of the rule, those that were set: a JSON object; NULL */
    const char *state;    /* of the key, before this row: base64; "" when there was none; NULL when it was too large */
    int64_t judged_us;    /* the time that the rule went by */
    /* of the program itself (agent "tailrace"): a problem */
    const char *why, *todo; /* NULL for agents */
    bool closed;            /* it is over */
};

/* "A-" and 16 hexadecimal digits from the five facts that name the row and the rule. */
void alert_id(char id[24], const char *agent, int32_t rule_version, const char *topic, int32_t partition, int64_t offset);

/* Appends the JSON object. Documented in doc/alerts.md and by doc/alert.schema.json. */
void alert_write(const struct alert *alert, struct buffer *json);

/* Reads it back; strings in the arena. Errors: BAD_INPUT with the place. */
enum status alert_read(struct slice json, struct arena *arena, struct alert *alert, struct error *error);

#endif
