/* server/command.h: what the commands share: parsing their options, and ending with one line on stderr. */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include "base/options.h"

/*
 * Parses; prints help or the error itself. Gives -1 when the command should go on, otherwise its exit code.
 * operands  room for argc
 */
int command_options(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count);

/* "tailrace: <message>" on stderr; gives the exit code of the error's status. */
int command_fail(const struct error *error);

/* Writes all of it to stdout; 1 with a message when that fails. */
int command_print(struct slice text);

#endif
