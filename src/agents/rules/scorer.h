/* agents/rules/scorer.h: what rules with a model have in common: the model as it is now, and what an alert says of it. */
#ifndef AGENTS_RULES_SCORER_H
#define AGENTS_RULES_SCORER_H

#include "agents/alert.h"
#include "agents/model_watch.h"

/* Row of a model, scored. values: one for each feature of the model, NAN: unknown. Errors: MODEL */
enum status scorer_score(struct model *model, const double *values, double *score, struct error *error);

/* Fills model and features, by weight. names: of the features. Errors: MODEL */
enum status scorer_explain(struct model *model, const char *const *names, const double *values, struct arena *arena, struct alert *alert, struct error *error);

/* "0.973", "12.5": six digits. In the arena. */
const char *scorer_text(double number, struct arena *arena);

#endif
