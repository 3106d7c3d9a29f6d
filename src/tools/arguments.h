/*
 * tools/arguments.h: command line options, read by the rules of Apache's tools (the joptsimple library).
 *
 * `--name value`, `--name=value` and `-name value` are the same; names are spelled in full; an option that needs an argument takes
 * the next word whatever it looks like; an optional argument is the next word unless that looks like an option; `--` ends the
 * options; other words are ignored. Numbers are read only when a tool asks for them.
 */
#ifndef TOOLS_ARGUMENTS_H
#define TOOLS_ARGUMENTS_H

#include "base/options.h"
#include "tools/failure.h"

enum argument_kind { ARGUMENT_NONE, ARGUMENT_REQUIRED, ARGUMENT_OPTIONAL };

struct argument_spec {
    const char *name;
    enum argument_kind argument;
    const char *value;         /* what stands for the argument in the list of options; NULL for a flag */
    const char *help;          /* one line */
    const char *default_value; /* NULL when there is none */
    const char *only_with;     /* names, separated by commas: refused unless one of them is given; NULL: always allowed */
};

/* Every tool has these two rows; put them at the end of its table, before the closing row of zeros. */
#define ARGUMENTS_COMMON                                                                                                                    \
    {.name = "help", .help = "Print this list of options."}, {.name = "version", .help = "Print the version of Kafka that this tool speaks like."}

struct argument_value {
    const struct argument_spec *spec;
    const char *text; /* NULL for a flag, and for an optional argument that is not there */
};

struct arguments {
    struct arena *arena;
    const struct argument_spec *specs; /* ends with a NULL name */
    struct argument_value *values;     /* in the order given */
    size_t count;
    int argc; /* as handed to arguments_parse */
    char **argv;
};

/* Reads argv[1]… ; `specs` and the words of argv stay the caller's and have to live as long as `options`. */
const struct failure *arguments_parse(struct arguments *options, struct arena *arena, const struct argument_spec *specs, int argc, char **argv);

/* Is there such an option at all? */
bool arguments_knows(const struct arguments *options, const char *name);

/* `name` in these has to be in the table. */
bool arguments_has(const struct arguments *options, const char *name);
size_t arguments_count(const struct arguments *options, const char *name);
const char *arguments_nth(const struct arguments *options, const char *name, size_t n); /* NULL past the last */

/* The one argument, the default when the option is not given, or NULL; fails when the option is given more than once. */
const struct failure *arguments_text(const struct arguments *options, const char *name, const char **text);

/* The same as a number of 32 or 64 bits; leaves *number alone when there is neither option nor default. */
const struct failure *arguments_int(const struct arguments *options, const char *name, int32_t *number);
const struct failure *arguments_long(const struct arguments *options, const char *name, int64_t *number);

/* Wrong usage unless all of the names, up to a NULL, are given. */
const struct failure *arguments_require(const struct arguments *options, ...) __attribute__((sentinel));

/* Wrong usage when `used` and one of the other names, up to a NULL, are given. */
const struct failure *arguments_exclude(const struct arguments *options, const char *used, ...) __attribute__((sentinel));

/* Wrong usage unless --bootstrap-server is a list of host:port. Source: ToolsUtils.validateBootstrapServer */
const struct failure *arguments_check_bootstrap(const struct arguments *options);

/*
 * Answers --help, --version, a call without any word, and the questions of os/command.h. True when it did; *exit_code is then 1 for help, 0 for the version.
 * head  the line above the list of options
 */
bool arguments_help_or_version(const struct arguments *options, const char *head, int *exit_code);

/* Parts of the manual pages that all tools have. */
#define MANUAL_OF_TOOLS \
    ".Pp\nOptions, output and exit status are those of the tool of this name that comes with Apache Kafka " \
    "4.3, and it works on any Kafka cluster.\nIt is also found by its name with\n.Pa .sh\nbehind it.\n"
#define MANUAL_SEE_ALSO ".Sh SEE ALSO\n.Xr tailrace 1\n"

/* What a shell may complete the value of such an option to: names that end in "topic", "group", "config" or "file". */
void argument_offer_value(const char *name, const char *typed, struct buffer *out);

/* The message and the list of options on stderr; gives exit code 1. */
int arguments_print_usage(const struct arguments *options, const char *message);

/* Is it one that arguments_parse, arguments_text, arguments_int or arguments_long made? */
bool arguments_is_failure(const struct failure *failure);

/* Java's Integer.parseInt and Long.parseLong: NumberFormatException. */
const struct failure *arguments_parse_int(struct arena *arena, const char *text, int32_t *number);
const struct failure *arguments_parse_long(struct arena *arena, const char *text, int64_t *number);

#endif
