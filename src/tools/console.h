/* tools/console.h: the shapes of text that Apache's tools print: log lines, padded columns, a message with its exception. */
#ifndef TOOLS_CONSOLE_H
#define TOOLS_CONSOLE_H

#include "tools/failure.h"

/*
 * One line of the client's log on stderr: "[2024-10-25 12:00:00,123] WARN text (logger)", local time.
 * level   "WARN" or "ERROR"; lower levels are not shown by Apache's tools
 * logger  the Java class that says it
 */
void console_log(const char *level, const char *logger, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with an exception and its causes on the lines below. */
void console_log_failure(const char *level, const char *logger, const struct failure *failure, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The beginning of such a line, "[2024-10-25 12:00:00,123] WARN ", for what does not fit the others. */
void console_log_open(const char *level);

/* "message", the exception, an empty line, on `out`: what most tools do last. Gives exit code 1. */
int console_print_fatal(FILE *out, const struct failure *failure);

/* On stderr how a tool ends: wrong usage in one line, another failure as a fatal one. Gives the exit code, 0 without a failure. */
int console_print_end(const struct failure *failure);

/* What a Java program that ends with an exception leaves on stderr. Gives exit code 1. */
int console_print_uncaught(const struct failure *failure);

/* A number as Java's %.<decimals>f prints it: "NaN" and "Infinity" too. */
const char *console_number(struct arena *arena, double number, int decimals);

/* The text and as many blanks as fill it up to `width` characters. */
void console_pad(const char *text, int width);

/* The larger of `width` and the width of text. */
int console_wider(int width, const char *text);

#endif
