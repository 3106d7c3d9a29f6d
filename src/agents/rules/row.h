/* agents/rules/row.h: what the rules about transactions have in common: finding their columns, and texts of values. */
#ifndef AGENTS_RULES_ROW_H
#define AGENTS_RULES_ROW_H

#include "agents/rule.h"
#include "agents/rules/keyed.h"

/* Checks that the schema has the columns. Errors: BAD_INPUT: which is missing, and which there are. */
enum status row_require(const struct change_schema *schema, const char *const *columns, size_t count, struct error *error);

/*
 * The amount as an exact decimal, whatever its type is.
 * Errors  BAD_INPUT: null, or not a number, or past 38 digits
 */
enum status row_amount(const struct rule_event *event, const char *column, struct decimal *amount, struct error *error);

/* A value as people read it; "" for null. In the arena. */
const char *value_text(const struct change_value *value, struct arena *arena);
const char *column_text(const struct rule_event *event, const char *column, struct arena *arena);
const char *decimal_text(const struct decimal *decimal, struct arena *arena);

/* The row as a JSON object: decimals and 64-bit numbers as text, times in ISO 8601. In the arena. */
const char *row_json(const struct rule_event *event, struct arena *arena);

/* Fills what every alert has: where the row came from, the row itself, the key. */
void alert_begin(struct alert *alert, const struct rule_event *event, struct arena *arena);

/* Fills the window that ends with the event: its span, and what of rules/keyed.h's window lies in it; amounts at this scale. */
void alert_window(struct alert *alert, const struct rule_event *event, struct keyed *keyed, struct slice name, int64_t window_us, int32_t scale,
                  struct arena *arena);

/* Its inputs from rules/keyed.h's last amounts. */
void alert_last(struct alert *alert, struct keyed *keyed, struct slice name, size_t most, struct arena *arena);

#endif
