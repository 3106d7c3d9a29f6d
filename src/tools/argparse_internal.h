/* tools/argparse_internal.h: what the reading of a command line (argparse.c) and its help (argparse_help.c) share. */
#ifndef TOOLS_ARGPARSE_INTERNAL_H
#define TOOLS_ARGPARSE_INTERNAL_H

#include "tools/argparse.h"

#include <stdio.h>

#define ARGPARSE_WIDTH 75

/* Every command has -h; those of a tool with a version have -v too. */
extern const struct argparse_option argparse_help_option, argparse_version_option;

/* Flag number `at` of an option; false past the last. */
bool argparse_flag_at(const struct argparse_option *option, size_t at, struct slice *flag);

/* Option number `at` of a command, with the ones that every command has in front; NULL past the last. */
const struct argparse_option *argparse_option_at(const struct argparse_command *command, size_t at);

/* "usage: …", of the command that was read so far. */
void argparse_print_usage(const struct argparse *parsed, FILE *out);

#endif
