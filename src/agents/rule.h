/*
 * agents/rule.h: what an agent does with one event. A rule is pure: it sees the event, the state of its key and the time it
 * is given; the runtime owns reading, state, checkpoints, alerts and metrics. Rules in C, scripts and models stand behind
 * the same table.
 */
#ifndef AGENTS_RULE_H
#define AGENTS_RULE_H

#include "agents/alert.h"
#include "agents/state.h"
#include "base/properties.h"
#include "wire/debezium/change.h"

struct rule_event {
    const struct change *change;
    const struct change_value *row; /* after, else before */
    struct slice key;               /* of the state: the text of the key column */
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t time_us;                /* by the agent's setting: commit time, or the wall clock */
    bool wants_line;                /* does anybody look at rule_verdict.line? */
    bool wants_features;            /* and at rule_verdict.features? */
};

struct rule_setting;

enum rule_outcome {
    RULE_IGNORED, /* not of this rule's kind: a delete, say */
    RULE_NORMAL,
    RULE_ALERT
};

/* What came of one event; strings live in the arena until the next one. */
struct rule_verdict {
    enum rule_outcome outcome;
    struct alert alert;     /* with RULE_ALERT: the rule fills what it knows (title, subject, conditions, window, inputs, number, score) */
    int32_t score;          /* rules without one: 0 */
    const char *line;       /* what the foreground prints for people; NULL: nothing. Only made when the event wants it */
    const char *features;   /* what was looked at, as a JSON object, for the topic of enriched events. Made when the event wants it;
                               a script that emits makes it unasked. NULL: nothing to say */
};

/* How a rule is found and made: one row of rules.def each. */
struct rule_kind {
    const char *name;     /* "spending-pattern" */
    int32_t version;
    const char *summary;
    const char *greeting; /* first line of the foreground */
    const char *key_column; /* default of the setting "key" */
    bool event_time;      /* which time its windows go by, unless set: commit time, else the wall clock */

    const struct rule_setting *settings; /* its own, with what they are unless set (rule_settings.h) */
    size_t setting_count;

    /* settings: those of the agent, without its prefix; unknown ones are refused naming the nearest. Errors: BAD_INPUT */
    enum status (*create)(const struct rule_kind *kind, const struct properties *settings, void **rule, struct error *error);
    void (*destroy)(void *rule);

    /* Checks the columns of a schema once, when it is first met. Errors: BAD_INPUT: which column is missing, which there are */
    enum status (*prepare)(void *rule, const struct change_schema *schema, struct error *error);

    /* Judges one event and updates the state. Errors: stop this agent only, with the message and the row's place */
    enum status (*judge)(void *rule, const struct rule_event *event, struct state_table *states, struct arena *arena,
                         struct rule_verdict *verdict, struct error *error);

    /*
     * Could this event be an alert, whatever the state of its key is? Where it could not, the state before it is not kept for an alert,
     * which is most of what such an event costs. NULL: it always could
     */
    bool (*may_alert)(void *rule, const struct rule_event *event);

    /* A state as JSON for people and for scoring elsewhere. */
    void (*describe)(void *rule, struct slice state, struct buffer *json);

    /*
     * Takes up what the rule reads besides events, a script or a model: when the agent starts, and about once a second between two
     * events. May be NULL. Errors: only when there is nothing to judge with; what changed and cannot be used is said and left
     */
    enum status (*refresh)(void *rule, struct error *error);

    /* Is what it reads besides events another file than when it failed? Then it is worth another try. May be NULL. */
    bool (*changed)(void *rule);

    /*
     * Version of the model that scores, NULL: none. *trouble: why a newer file is not in use, NULL: it is. Both good until the rule is
     * next called. May be NULL.
     */
    const char *(*model)(void *rule, const char **trouble);

    /* Why a newer script is not in use, NULL: it is. Good until the rule is next called. May be NULL. */
    const char *(*script_trouble)(void *rule);
};

const struct rule_kind *rule_find(const char *name); /* NULL when there is none */
const struct rule_kind *const *rule_kinds(size_t *count);

#endif
