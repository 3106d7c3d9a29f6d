/* os/command.h: what all commands share: answering --help from their table of options, and ending with one line on stderr. */
#ifndef OS_COMMAND_H
#define OS_COMMAND_H

#include "base/options.h"

/*
 * Parses; prints help or the error itself. Gives -1 when the command should go on, otherwise its exit code.
 * As first argument it also takes --manual (prints the command's part of the manual) and --complete WORD… (what the last word may become).
 * operands  room for argc + 1
 */
int command_options(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count);

/* Is it one of the two questions above, instead of a command line? */
bool command_is_question(int argc, char **argv);

/* A command by its name; tables of them end with a NULL name. */
struct command {
    const char *name;
    int (*main)(int argc, char **argv); /* argv[0] is the name; gives the exit code of the process */
    const char *summary;                /* one line for the list of commands */
};

/* A command that is only the first word of others: `tailrace`, `tailrace generate`. */
struct command_group {
    const char *name;
    const char *summary;
    const struct command *commands;
    const char *more_title;     /* above a second list in help */
    const struct command *more; /* NULL: there is none */
    const char *examples;       /* as in struct options */
};

/*
 * Runs the command that argv[1] names; answers --help and the two questions for the whole group. Exit code 2, with the nearest name,
 * when there is none of that name.
 */
int command_dispatch(const struct command_group *group, int argc, char **argv);

/* "tailrace: <message>" on stderr, a remedy on a line of its own; gives the exit code of the error's status. */
int command_fail(const struct error *error);

/* Writes all of it to stdout; 1 with a message when that fails. */
int command_print(struct slice text);

#endif
