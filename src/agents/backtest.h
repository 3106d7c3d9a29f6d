/*
 * agents/backtest.h: one or two rules over the same rows of the past, in memory only: what each would have said, where they
 * differ, and, when it is known which rows were bad, how many of them each found. Time is always the commit time.
 */
#ifndef AGENTS_BACKTEST_H
#define AGENTS_BACKTEST_H

#include "agents/rule.h"
#include "agents/source.h"

#define BACKTEST_SIDES_MAX 2

struct backtest;

struct backtest_side_spec {
    const char *rule;
    const struct properties *settings;
};

struct backtest_spec {
    struct backtest_side_spec sides[BACKTEST_SIDES_MAX];
    size_t side_count;
    const char *topic;      /* for the alerts' places */
    const char *key;        /* column; NULL: the first rule's own */
    const char *operations; /* "c,r" */
    const char *label_column;
    bool first_may_stop;    /* what would stop an agent with the first rule ends that side only */
    /* One alert: alerted[i] tells whether side i raised it, verdicts[i] what it said. labelled: by the labels. */
    void (*listener)(void *context, const struct rule_event *event, const bool *alerted, const struct rule_verdict *verdicts, bool labelled);
    void *context;
};

/* Everything but settings and strings of the spec is copied; those have to live as long. Errors: BAD_INPUT (rule, settings), SCRIPT */
enum status backtest_create(const struct backtest_spec *spec, struct backtest **created, struct error *error);
void backtest_destroy(struct backtest *backtest); /* NULL is fine */

/* A row that was bad, by its text in the label column. Before the first record. */
void backtest_label(struct backtest *backtest, struct slice value);

/* Errors: what a rule stops an agent with, or a missing column. Records that are no change events are counted and passed over. */
enum status backtest_record(struct backtest *backtest, const struct source_record *record, struct error *error);

struct backtest_result {
    int64_t read, judged, unreadable, ignored;
    struct error first_unreadable;         /* why; only when unreadable > 0 */
    struct error stopped;                  /* with first_may_stop: what the first rule ended with; OK: it did not */
    int64_t labels, labelled_rows;         /* given, and met among the rows */
    int64_t alerts[BACKTEST_SIDES_MAX], hits[BACKTEST_SIDES_MAX]; /* hits: alerts on labelled rows */
    int64_t both;                          /* rows on which both alerted */
    int64_t first_us, last_us;             /* commit times; 0 without rows */
};
struct backtest_result backtest_result_read(const struct backtest *backtest);

#endif
