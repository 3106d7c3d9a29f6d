/*
 * agents/rules/features.h: the numbers that a model looks at, by name: from the row, and from what is kept of its key.
 *
 *   amount               of the row
 *   velocity             events of this key in the window, this one counted; velocity.SECONDS: in a window of its own
 *   sum, sum.SECONDS     their amounts together
 *   count                amounts kept of this key from before this one, "last" of them at most
 *   mean, deviation      of those; unknown while there are none
 *   ratio                amount / mean
 *   sigmas               (amount - mean) / deviation; unknown while they are all the same
 *   since                seconds since the event of this key before this one; unknown for the first
 *   hour, weekday        of the event's time in UTC; Monday is 1
 *   new.COLUMN           1 when this key never had this value in the column, else 0; the last 20 values are known
 *   row.COLUMN           a column that is a number, a time (seconds since 1970) or a boolean
 *
 * A list names them in the model's order, and may give each a name of the model's: "velocity,amount,v60=velocity.60".
 */
#ifndef AGENTS_RULES_FEATURES_H
#define AGENTS_RULES_FEATURES_H

#include "agents/rule.h"
#include "agents/rules/keyed.h"

struct features_spec {
    const char *list;
    int64_t window_seconds;  /* of velocity and sum without one of their own */
    int64_t last, kept_max;  /* amounts kept; entries kept in the window */
    const char *amount;      /* column */
};

struct features;

/* Strings are copied. Errors: BAD_INPUT: which name is none, and which there are */
enum status features_create(const struct features_spec *spec, struct features **created, struct error *error);
void features_destroy(struct features *features); /* NULL is fine */

size_t features_count(const struct features *features);
const char *const *features_names(const struct features *features); /* as the model calls them */

/* Errors: BAD_INPUT: which column is missing, and which there are */
enum status features_prepare(const struct features *features, const struct change_schema *schema, struct error *error);

/*
 * Puts the event into what is kept of its key, and gives its features; NAN: unknown.
 * Errors  BAD_INPUT: the row's amount is no number; LIMIT: the state of the key is full
 */
enum status features_measure(const struct features *features, const struct rule_event *event, struct keyed *keyed, double *values, struct error *error);

/* Fills the window of an alert: its span and what is in it, amounts at this scale. Nothing without a window. */
void features_explain(const struct features *features, const struct rule_event *event, struct keyed *keyed, int32_t scale, struct arena *arena,
                      struct alert *alert);

#endif
