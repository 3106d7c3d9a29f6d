/*
 * agents/model.h: a model of gradient-boosted trees, scored by XGBoost's library. The library is opened when the first model is
 * loaded: a program that uses none neither needs it nor pays for it.
 * Thread: one at a time for each model.
 */
#ifndef AGENTS_MODEL_H
#define AGENTS_MODEL_H

#include "agents/model_file.h"

#define MODEL_VERSION_DIGITS 12

struct model;

/* NULL when models can be used here; else why not, and what to install. */
const char *model_why_not(void);

/*
 * Reads and checks a file, and has it score one row.
 * Errors  MODEL: no library, no file, or nothing in it that can be used: which file, and why
 */
enum status model_load(const char *path, struct model **loaded, struct error *error);
void model_destroy(struct model *model); /* NULL is fine */

const struct model_facts *model_facts(const struct model *model);
const char *model_version(const struct model *model); /* the first 12 hexadecimal digits of the file's SHA-256 */

/*
 * row  one number for each feature, NAN: unknown. One row at a time: about 7 µs, and nothing is allocated here
 * Errors  MODEL
 */
enum status model_predict(struct model *model, const float *row, double *score, struct error *error);

/*
 * What each feature adds to the score of a row or takes from it, before the objective makes a probability of it (SHAP values);
 * some 50 µs. Errors: MODEL
 */
enum status model_explain(struct model *model, const float *row, double *weights, struct error *error);

#endif
