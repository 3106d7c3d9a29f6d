/* base/options.h: command line options as a table: parsed, checked, and printed as help. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/buffer.h"
#include "base/error.h"

enum option_kind {
    OPTION_FLAG,   /* bool: --json */
    OPTION_TEXT,   /* const char *: --config FILE or --config=FILE; borrowed from argv */
    OPTION_NUMBER, /* int64_t, checked against min and max */
    OPTION_LIST    /* struct option_list: may come several times */
};

#define OPTION_LIST_MAX 256
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

struct option_row {
    const char *name; /* without the dashes; NULL ends the table */
    enum option_kind kind;
    void *target;         /* what kind says; holds the default before */
    const char *argument; /* how help names it: "FILE" */
    const char *help;
    int64_t min, max; /* OPTION_NUMBER */
};

struct options {
    const char *command;  /* "tailrace up" */
    const char *operands; /* how help names what is no option: "[DB]"; NULL: there is nothing else */
    const char *summary;  /* one sentence */
    const struct option_row *rows;
    size_t operands_max;
};

/*
 * Reads argv[1…]; "--" ends the options. What is no option is moved to operands (room for argc), in order.
 * help_wanted  --help or -h was there: nothing else was checked
 * Errors       USAGE: unknown option (names the nearest), value missing or out of range, too many operands
 */
enum status options_parse(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count,
                          bool *help_wanted, struct error *error);

/* Usage line, summary, one line per option. */
void options_help(const struct options *options, struct buffer *out);

#endif
