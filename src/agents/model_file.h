/*
 * agents/model_file.h: what a file with a model of XGBoost says of itself, ".json" or ".ubj", and whether its trees are such
 * that walking them ends. XGBoost checks neither, so this comes before it is given a file. Pure.
 */
#ifndef AGENTS_MODEL_FILE_H
#define AGENTS_MODEL_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#define MODEL_FEATURES_MAX 256

struct model_facts {
    size_t feature_count;  /* 1 to MODEL_FEATURES_MAX */
    char **names;          /* of the features; NULL: the model does not know them */
    double *gains;         /* by feature: its share of what all splits gain; the sum is 1, or 0 where nothing is split */
    char *objective;       /* "binary:logistic" */
    size_t tree_count;
};

/*
 * checked  gets a file in the way of XGBoost 1.7, JSON, made of nothing but what was checked; NULL: not wanted. XGBoost trusts lengths,
 *          children and counts, and from 3.1 on files have a list where older libraries take another number, without a word
 * Errors   BAD_INPUT: not a model that gives one number for a row: what is wrong, and where
 */
enum status model_file_read(struct slice bytes, struct model_facts *facts, struct buffer *checked, struct error *error);
void model_facts_finish(struct model_facts *facts); /* fine for zeroes */

/* "velocity, amount"; for messages, cut where it is long. */
void model_names_print(const char *const *names, size_t count, char *text, size_t size);

#endif
