/* base/pattern.h: lists of Java regular expressions, as Debezium's and Connect's include and exclude lists are. */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "base/error.h"
#include "base/slice.h"

struct pattern_list; /* compiled; read-only afterwards, so any thread may match */

enum pattern_case { PATTERN_IGNORE_CASE, PATTERN_EXACT_CASE };

/*
 * Compiles a comma-separated list ("\," is a comma inside an expression; blanks around an item do not count).
 * NULL or a blank text gives an empty list, which matches nothing.
 * Errors  BAD_INPUT: which item, where and why
 * Source  io.debezium.util.Strings.listOfRegex
 */
enum status pattern_list_create(const char *text, enum pattern_case letters, struct pattern_list **created, struct error *error);

/* Compiles one expression, commas and all. */
enum status pattern_create(struct slice expression, enum pattern_case letters, struct pattern_list **created, struct error *error);

void pattern_list_destroy(struct pattern_list *list); /* NULL is fine */

size_t pattern_list_count(const struct pattern_list *list); /* 0 for NULL */

/* Does item `at` match the whole of `text`? */
bool pattern_list_matches_at(const struct pattern_list *list, size_t at, struct slice text);

/* The first item that matches the whole of `text`, -1 when none does. NULL is an empty list. */
int pattern_list_find(const struct pattern_list *list, struct slice text);

static inline bool pattern_list_matches(const struct pattern_list *list, struct slice text)
{
    return pattern_list_find(list, text) >= 0;
}

#endif
