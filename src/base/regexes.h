/* base/regexes.h: lists of Java regular expressions, as Debezium's and Connect's include and exclude lists are. */
#ifndef BASE_REGEXES_H
#define BASE_REGEXES_H

#include "base/error.h"
#include "base/slice.h"

struct regexes; /* compiled; read-only afterwards, so any thread may match */

enum regexes_case { REGEXES_IGNORE_CASE, REGEXES_EXACT_CASE };

/*
 * Compiles a comma-separated list ("\," is a comma inside an expression; blanks around an item do not count).
 * NULL or a blank text gives an empty list, which matches nothing.
 * Errors  BAD_INPUT: which item, where and why
 * Source  io.debezium.util.Strings.listOfRegex
 */
enum status regexes_create(const char *text, enum regexes_case letters, struct regexes **created, struct error *error);

/* Compiles one expression, commas and all. */
enum status regexes_create_one(struct slice expression, enum regexes_case letters, struct regexes **created, struct error *error);

void regexes_destroy(struct regexes *list); /* NULL is fine */

size_t regexes_count(const struct regexes *list); /* 0 for NULL */

/* Does item `at` match the whole of `text`? */
bool regexes_match_at(const struct regexes *list, size_t at, struct slice text);

/* The first item that matches the whole of `text`, -1 when none does. NULL is an empty list. */
int regexes_find(const struct regexes *list, struct slice text);

static inline bool regexes_match(const struct regexes *list, struct slice text)
{
    return regexes_find(list, text) >= 0;
}

#endif
