/*
 * agents/agent.h: one agent: a rule over a topic, with durable state, alerts and counters. Runs on a thread of its own inside
 * `up`, or in the foreground on the caller's.
 */
#ifndef AGENTS_AGENT_H
#define AGENTS_AGENT_H

#include "agents/rule.h"
#include "agents/source.h"

struct agent;

enum agent_time { AGENT_TIME_OF_RULE, AGENT_TIME_EVENT, AGENT_TIME_PROCESSING };
enum agent_late { AGENT_LATE_JUDGE, AGENT_LATE_IGNORE, AGENT_LATE_DEAD_LETTER };

/* One line of what happened, for the foreground; event NULL: nothing more is there for now. Called on the agent's thread. */
typedef void agent_listener(void *context, const struct rule_event *event, const struct rule_verdict *verdict);

/* Called once on the agent's thread when the broker has answered and the state is loaded: it listens now. */
typedef void agent_began(void *context);

struct agent_spec {
    const char *name;
    const char *rule;                 /* a name of rule_find */
    const char *topic;
    const char *group;                /* on a cluster; NULL: the name */
    const char *key;                  /* column; NULL: the rule's own */
    const char *operations;           /* "c,r": which changes are judged */
    const char *alerts_topic;         /* NULL: "<first part of topic>.alerts" */
    const char *enriched_topic;       /* NULL: "<first part of topic>.enriched" */
    bool enriched;                    /* every judged row goes there, with what was looked at; else what a script emits */
    const char *bootstrap_servers;    /* NULL: the log in-process */
    bool from_beginning;
    bool is_dry;                      /* alerts are counted, and nothing is written but state and position */
    enum agent_time time;
    int64_t late_after_ms;            /* event time: older than the newest by more is late */
    enum agent_late late;
    int64_t fold_ms;                  /* alerts of one key so soon after one that went out are counted, not sent; 0: all are sent */
    int64_t checkpoint_ms;            /* so often, and less often where one takes long; alerts wait no longer than it takes to drain */
    struct state_limits limits;
    const struct properties *settings; /* of the rule; may be NULL */
    const struct properties *client;   /* of librdkafka; may be NULL */
    struct log *log;                   /* in-process */
    agent_listener *listener;          /* may be NULL */
    agent_began *began;                /* may be NULL */
    void *context;
};

/* Fills what has defaults. */
void agent_spec_init(struct agent_spec *spec);

/*
 * Reads the settings "agents.<name>.<key>=value" of one agent into a spec that borrows from `settings`; the rule's own ones are
 * "agents.<name>.rule.<key>" and go to `rule_settings`, which has to be initialised.
 * Errors  BAD_INPUT: which setting
 */
enum status agent_spec_read(const struct properties *settings, const char *name, struct agent_spec *spec, struct properties *rule_settings,
                            struct error *error);

/* Errors: BAD_INPUT: it is not some of c,r,u,d */
enum status agent_operations_check(const char *operations, struct error *error);

/* Everything is copied. Errors: BAD_INPUT (unknown rule: names those there are; settings, names) */
enum status agent_create(const struct agent_spec *spec, struct agent **created, struct error *error);
void agent_destroy(struct agent *agent); /* not while it runs; NULL is fine */

/*
 * Runs on a thread until agent_stop: retries with back-off what can pass; a failure of the rule stops it, with the reason, until the
 * file that the rule is made of changes.
 */
enum status agent_start(struct agent *agent, struct error *error);
void agent_stop(struct agent *agent); /* checkpoints and joins; fine when it never started */

/*
 * Runs on the caller's thread until agent_interrupt (async-signal-safe), or until it has read all there was when
 * `until_end` is set. Errors: what the agent stopped with
 */
enum status agent_run(struct agent *agent, bool until_end, struct error *error);
void agent_interrupt(struct agent *agent);

enum agent_state { AGENT_STOPPED, AGENT_WAITING_FOR_TOPIC, AGENT_LOADING, AGENT_RUNNING, AGENT_RETRYING, AGENT_FAILED };

struct agent_status {
    enum agent_state state;
    struct error error;           /* why RETRYING or FAILED */
    int64_t tries;                /* that failed, without half a minute between them in which it ran */
    int64_t retry_us;             /* RETRYING: wall clock of the next try */
    int64_t read, judged, ignored, alerts, dead_letters, late, folded, enriched; /* since the start */
    int64_t lag;                  /* records ahead */
    int64_t event_time_us;        /* commit time of the last row */
    int64_t last_alert_us;        /* wall clock */
    int64_t checkpoints, checkpoint_us, checkpoints_us; /* how many, how long the last took, and all of them together */
    struct state_counters states;
    char model[16];               /* version of the rule's model; "" when it has none */
    char model_trouble[512];      /* why a newer one is not in use; "" when it is */
    char script_trouble[512];     /* the same of its script */
    char dead_letter[512];        /* where the last record was that it could not read, and why; "": there was none */
    int64_t dead_letter_us;       /* wall clock */
    int64_t commit_p50_us, commit_p99_us; /* from the commit of a row until it was read, the slowest of those read together, over the last minute; -1 not known */
    int64_t row_p50_us, row_p99_us;       /* that a row took, the mean of those read together, over the last minute; -1 not known */
};
void agent_status_read(struct agent *agent, struct agent_status *status); /* any thread */

const char *agent_rule(const struct agent *agent);
const char *agent_topic(const struct agent *agent);
const char *agent_alerts_topic(const struct agent *agent);
const char *agent_enriched_topic(const struct agent *agent);
int64_t agent_fold_ms(const struct agent *agent);
int64_t agent_state_bytes_max(const struct agent *agent); /* 0: no limit of its own */

/* The state of a key as JSON; false when there is none. Any thread; waits for the agent's current batch. */
bool agent_key_describe(struct agent *agent, const char *key, struct buffer *json);

#endif
