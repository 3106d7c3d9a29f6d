/*
 * tools/argparse.h: command lines as those of Apache's tools read them that use the argparse4j library: commands, names that may be
 * shortened, help and errors in justified lines of 75 columns.
 *
 * A tool is an argparse_command; its own commands, if it has some, are further ones. An option's name is the first of its flags
 * without the dashes.
 */
#ifndef TOOLS_ARGPARSE_H
#define TOOLS_ARGPARSE_H

#include "tools/failure.h"

enum argparse_takes { ARGPARSE_ONE, ARGPARSE_FLAG, ARGPARSE_MANY };
enum argparse_type { ARGPARSE_TEXT, ARGPARSE_SHORT, ARGPARSE_INT, ARGPARSE_LONG, ARGPARSE_DOUBLE };

struct argparse_option {
    const char *flags; /* "--config" or "--config,-c" */
    enum argparse_takes takes;
    enum argparse_type type;
    const char *metavar; /* NULL for a flag */
    bool is_required;
    bool is_alternative; /* exactly one of those that are has to be given */
    const char *help;
    const char *default_value; /* NULL when there is none */
};

struct argparse_command {
    const char *name;
    const char *help;                         /* in the list of commands */
    const char *description;                  /* above the options, NULL for none */
    const struct argparse_option *options;    /* ends with NULL flags */
    const char *alternatives_help;            /* above the alternatives; NULL: they stand among the others */
    const struct argparse_command *commands;  /* ends with a NULL name; NULL: none */
    const char *commands_name;                /* what stands for a command; NULL: all of them in braces */
    const char *commands_title;               /* above their list; NULL: they are positional arguments */
    const char *version;                      /* what -v prints; NULL: there is no -v */
    bool shows_defaults;
};

struct argparse_value {
    const struct argparse_option *option;
    const char *text; /* NULL for a flag */
};

struct argparse {
    struct arena *arena;
    const struct argparse_command *tool;
    const struct argparse_command *command; /* of the tool's commands, or NULL */
    struct argparse_value *values;
    size_t count;
};

/*
 * Reads argv[1]…; numbers are checked. False when there is nothing more to do: help or version went to stdout, or the usage and what is
 * wrong to stderr; *exit_code says how to end.
 */
bool argparse_read(struct argparse *parsed, struct arena *arena, const struct argparse_command *tool, int argc, char **argv, int *exit_code);

/* Prints usage and message on stderr as for a wrong command line; gives exit code 1. */
int argparse_error(const struct argparse *parsed, const char *format, ...) __attribute__((format(printf, 2, 3)));

void argparse_print_help(const struct argparse *parsed);

/* The last value given, the default, or NULL. For a flag: something when it is given. */
const char *argparse_text(const struct argparse *parsed, const char *name);
bool argparse_has(const struct argparse *parsed, const char *name);
const char *argparse_nth(const struct argparse *parsed, const char *name, size_t n); /* NULL past the last */

/* Of a number; `otherwise` when it is not given and has no default. */
int64_t argparse_number(const struct argparse *parsed, const char *name, int64_t otherwise);
double argparse_double(const struct argparse *parsed, const char *name);

#endif
