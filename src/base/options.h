/*
 * base/options.h: a command line as a table: parsed, checked, printed as help, as a section of the manual, and asked by a shell
 * that completes words. All four come from the same rows.
 */
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

#define OPTIONS_HELP_COLUMNS 100 /* no line of help is wider */

#define OPTION_LIST_MAX 256
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

struct option_row {
    const char *name; /* without the dashes; NULL ends the table */
    enum option_kind kind;
    void *target; /* what kind says; holds the default before */
    const char *argument; /* how help names it, and what a shell completes it by: "FILE", "DIR", "TOPIC", "csv|jsonl" */
    const char *help;
    int64_t min, max; /* OPTION_NUMBER */
    const char *only; /* the verbs that it goes with: "create,config"; NULL: all */
};

/* What a command does, as its first operand says: `tailrace topics create`. */
struct option_verb {
    const char *name;     /* NULL ends the table; the first one is taken when there is no operand */
    const char *operands; /* "TOPIC", "CONNECTOR [FILE]", "ID…"; NULL: none */
    const char *summary;
    size_t operands_min, operands_max; /* behind the verb */
};

struct options {
    const char *command;  /* "tailrace up" */
    const char *operands; /* how help names what is no option: "[DB]"; NULL: there is nothing else, or there are verbs */
    const char *summary;  /* one sentence */
    const struct option_row *rows;
    size_t operands_max;             /* without verbs */
    const struct option_verb *verbs; /* NULL: none */
    const char *examples;            /* command lines, one a line, for the end of help; may be NULL */
    const char *description;         /* for the manual, behind the summary: sentences, paragraphs with '\n' between; may be NULL */
    size_t operands_min;             /* without verbs */
};

/*
 * Reads argv[1…]; "--" ends the options. What is no option is moved to operands (room for argc + 1), in order; with verbs the first one
 * is always there, and is one of them.
 * help_wanted  --help or -h was there: nothing behind it was checked
 * Errors       USAGE: unknown option or verb (names the nearest), value missing or out of range, too few or too many operands
 */
enum status options_parse(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count,
                          bool *help_wanted, struct error *error);

/* Usage line, summary, verbs, one line per option, examples. verb: that one alone; NULL: all */
void options_help(const struct options *options, const char *verb, struct buffer *out);

/* A line of help: a name and what it is, behind each other in columns of at most 100 in all. width: of the names */
void options_help_line(struct buffer *out, size_t width, const char *name, const char *argument, const char *help);

/* The examples at the end of help; NULL is fine. */
void options_help_examples(const char *examples, struct buffer *out);

/* The same as a subsection of a manual page in mdoc(7). */
void options_manual(const struct options *options, struct buffer *out);

/*
 * What the last of some words may become: lines of "word\tmeaning", or ":KIND" for a name of that kind ("FILE", "TOPIC"), which
 * somebody else has to know.
 * words  what was typed behind the command; the last one, to be completed, may be empty
 */
void options_complete(const struct options *options, int count, char **words, struct buffer *out);

/* One candidate, when `word` begins with what is typed. meaning may be NULL. */
void completion_offer(const char *word, const char *meaning, const char *typed, struct buffer *out);

/* Candidates for a value that help names so: "csv|jsonl" gives both, "FILE" gives ":FILE". */
void completion_offer_value(const char *argument, const char *typed, struct buffer *out);

/* A page of section 1 up to and with the heading DESCRIPTION. name: "kafka-topics" */
void manual_begin(struct buffer *out, const char *name, const char *summary);

/* An item of a list of options: "--topic" and what stands for its value, NULL for a flag. */
void manual_append_item(struct buffer *out, const char *name, const char *argument);

/* Free text for mdoc(7): what it would take for a request or an escape is escaped. */
void manual_append_text(struct buffer *out, const char *text);

#endif
