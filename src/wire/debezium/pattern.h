/*
 * wire/debezium/pattern.h: comma-separated lists of regular expressions as Debezium's properties have them: each has to
 * match the whole name, in any case of letters. A comma inside an expression is written "\,".
 * Java's syntax as far as PCRE2 shares it (all that is usual: classes, groups, alternatives, quantifiers, look-around).
 */
#ifndef WIRE_DEBEZIUM_PATTERN_H
#define WIRE_DEBEZIUM_PATTERN_H

#include "base/error.h"
#include "base/slice.h"

struct pattern_list;

/* Errors: BAD_INPUT with the reason and the place in the expression. An empty list is fine and matches nothing. */
enum status pattern_list_create(const char *text, struct pattern_list **created, struct error *error);
void pattern_list_destroy(struct pattern_list *list); /* NULL is fine */

size_t pattern_list_count(const struct pattern_list *list);
const char *pattern_list_text(const struct pattern_list *list, size_t index); /* as written */

/* The index of the first expression that matches, or SIZE_MAX. Thread: any, one at a time per list. */
size_t pattern_list_match(const struct pattern_list *list, const char *name);

#endif
