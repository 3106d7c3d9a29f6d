/*
 * connect/java_regex.h: what is wrong with a regular expression, in the words of java.util.regex. It knows the mistakes that
 * people make, not all that Java can say; compiling is done elsewhere (base/regexes.h).
 */
#ifndef CONNECT_JAVA_REGEX_H
#define CONNECT_JAVA_REGEX_H

#include "base/arena.h"

/* NULL when it looks well; else the text of PatternSyntaxException, in memory of the arena. */
const char *java_regex_problem(struct arena *arena, struct slice pattern);

#endif
