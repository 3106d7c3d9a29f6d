#include "base/options.h"

#include "base/banned.h"
#include "base/page.h"
#include "base/text.h"

#include <ctype.h>

#define MANUAL_DATE "November 24, 2026" /* when the pages changed last */
#define NAME_COLUMNS_MAX 40

/* ---- Looking things up ---- */

static const struct option_row *row_find(const struct options *options, const char *name, size_t size)
{
    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        if (strlen(row->name) == size && memcmp(row->name, name, size) == 0)
            return row;
    }
    return NULL;
}

static const struct option_verb *verb_find(const struct options *options, const char *name)
{
    for (const struct option_verb *verb = options->verbs; name != NULL && verb != NULL && verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0)
            return verb;
    }
    return NULL;
}

static bool row_goes_with(const struct option_row *row, const char *verb)
{
    struct slice rest = slice_from_string(row->only == NULL || verb == NULL ? "" : row->only), one;

    if (row->only == NULL || verb == NULL)
        return true;
    while (text_next_field(&rest, ',', &one)) {
        if (slice_equal_string(one, verb))
            return true;
    }
    return false;
}

/* ---- Parsing ---- */

static enum status unknown_option(const struct options *options, const char *argument, struct error *error)
{
    struct text_nearest nearest;
    const char *best;

    text_nearest_init(&nearest, argument + strspn(argument, "-"));
    for (const struct option_row *row = options->rows; row->name != NULL; row++)
        text_nearest_offer(&nearest, row->name);
    text_nearest_offer(&nearest, "help");
    best = text_nearest_found(&nearest);
    if (best != NULL)
        return error_set(error, ERROR_USAGE, "%s: there is no option %s; did you mean --%s?", options->command, argument, best);
    return error_set(error, ERROR_USAGE, "%s: there is no option %s; see %s --help", options->command, argument, options->command);
}

static enum status unknown_verb(const struct options *options, const char *word, struct error *error)
{
    struct text_nearest nearest;
    const char *best;

    text_nearest_init(&nearest, word);
    for (const struct option_verb *verb = options->verbs; verb->name != NULL; verb++)
        text_nearest_offer(&nearest, verb->name);
    best = text_nearest_found(&nearest);
    if (best != NULL)
        return error_set(error, ERROR_USAGE, "%s: there is no command \"%s\"; did you mean \"%s\"?", options->command, word, best);
    return error_set(error, ERROR_USAGE, "%s: there is no command \"%s\"; see %s --help", options->command, word, options->command);
}

static enum status value_store(const struct options *options, const struct option_row *row, const char *value, struct error *error)
{
    struct option_list *list;
    int64_t number;

    switch (row->kind) {
    case OPTION_FLAG: *(bool *)row->target = true; break;
    case OPTION_TEXT: *(const char **)row->target = value; break;
    case OPTION_NUMBER:
        if (!text_parse_int64(slice_from_string(value), &number))
            return error_set(error, ERROR_USAGE, "%s: --%s %s is not a whole number", options->command, row->name, value);
        if (number < row->min || number > row->max)
            return error_set(error, ERROR_USAGE, "%s: --%s %s is out of range: %lld to %lld", options->command, row->name, value,
                             (long long)row->min, (long long)row->max);
        *(int64_t *)row->target = number;
        break;
    case OPTION_LIST:
        list = row->target;
        if (list->count == OPTION_LIST_MAX)
            return error_set(error, ERROR_USAGE, "%s: more than %d times --%s", options->command, OPTION_LIST_MAX, row->name);
        list->items[list->count++] = value;
        break;
    }
    return OK;
}

/* One option at argv[*at]; moves on over its value. */
static enum status option_read(const struct options *options, int argc, char **argv, int *at, const struct option_row **read, struct error *error)
{
    const char *argument = argv[*at];
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    const struct option_row *row = row_find(options, name, equals == NULL ? strlen(name) : (size_t)(equals - name));
    const char *value = equals == NULL ? NULL : equals + 1;

    if (row == NULL)
        return unknown_option(options, argument, error);
    if (row->kind == OPTION_FLAG && value != NULL)
        return error_set(error, ERROR_USAGE, "%s: --%s takes no value", options->command, row->name);
    if (row->kind != OPTION_FLAG && value == NULL) {
        if (*at + 1 >= argc)
            return error_set(error, ERROR_USAGE, "%s: --%s needs a value: --%s %s", options->command, row->name, row->name, row->argument);
        value = argv[++*at];
    }
    *read = row;
    return value_store(options, row, value, error);
}

/* With verbs: the first operand is one, has the operands that it needs, and only options that go with it. */
static enum status verb_check(const struct options *options, const struct option_row *const *given, size_t given_count, const char **operands,
                              size_t *operand_count, struct error *error)
{
    const struct option_verb *verb;

    if (*operand_count == 0)
        operands[(*operand_count)++] = options->verbs[0].name;
    verb = verb_find(options, operands[0]);
    if (verb == NULL)
        return unknown_verb(options, operands[0], error);
    if (*operand_count - 1 < verb->operands_min)
        return error_set(error, ERROR_USAGE, "%s %s: something is missing: %s %s %s", options->command, verb->name, options->command, verb->name,
                         verb->operands);
    if (*operand_count - 1 > verb->operands_max)
        return error_set(error, ERROR_USAGE, "%s %s: \"%s\" is too much; see %s %s --help", options->command, verb->name,
                         operands[verb->operands_max + 1], options->command, verb->name);
    for (size_t i = 1; i < *operand_count; i++) {
        if (operands[i][0] == '\0')
            return error_set(error, ERROR_USAGE, "%s %s: a word is empty; expected is %s", options->command, verb->name, verb->operands);
    }
    for (size_t i = 0; i < given_count; i++) {
        if (!row_goes_with(given[i], verb->name))
            return error_set(error, ERROR_USAGE, "%s %s: --%s goes with %s only", options->command, verb->name, given[i]->name, given[i]->only);
    }
    return OK;
}

#define GIVEN_MAX 512 /* options of one command line that are checked against the verb */

enum status options_parse(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count,
                          bool *help_wanted, struct error *error)
{
    const struct option_row *given[GIVEN_MAX];
    size_t given_count = 0, operands_max = options->verbs != NULL ? SIZE_MAX : options->operands_max;
    bool options_ended = false;
    enum status status = OK;

    *operand_count = 0;
    *help_wanted = false;
    for (int at = 1; at < argc && status == OK; at++) {
        bool is_option = argv[at][0] == '-' && argv[at][1] != '\0' && (argv[at][1] < '0' || argv[at][1] > '9'); /* -1 is a number */

        if (options_ended || !is_option) {
            if (*operand_count == operands_max)
                status =
                    error_set(error, ERROR_USAGE, "%s: \"%s\" is too much; see %s --help", options->command, argv[at], options->command);
            else
                operands[(*operand_count)++] = argv[at];
        } else if (strcmp(argv[at], "--") == 0) {
            options_ended = true;
        } else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            *help_wanted = true;
            return OK;
        } else if (argv[at][1] != '-') {
            status = unknown_option(options, argv[at], error);
        } else {
            if (given_count == GIVEN_MAX)
                return error_set(error, ERROR_USAGE, "%s: more than %d options", options->command, GIVEN_MAX);
            status = option_read(options, argc, argv, &at, &given[given_count++], error);
        }
    }
    if (status == OK && options->verbs == NULL && *operand_count < options->operands_min)
        return error_set(error, ERROR_USAGE, "%s: something is missing: %s %s", options->command, options->command, options->operands);
    if (status == OK && options->verbs != NULL)
        status = verb_check(options, given, given_count, operands, operand_count, error);
    return status;
}

/* ---- Help ---- */

static size_t name_columns(const char *name, const char *argument)
{
    return page_columns(slice_from_string(name)) + (argument == NULL ? 0 : 1 + page_columns(slice_from_string(argument)));
}

/* A longer name does not push all help aside: it stands on a line of its own. */
static size_t wider(size_t width, const char *name, const char *argument)
{
    size_t size = name_columns(name, argument);

    return size > width && size <= NAME_COLUMNS_MAX ? size : width;
}

void options_help_line(struct buffer *out, size_t width, const char *name, const char *argument, const char *help)
{
    size_t at = 2 + name_columns(name, argument), indent = width + 4;

    buffer_append_format(out, "  %s%s%s", name, argument == NULL ? "" : " ", argument == NULL ? "" : argument);
    if (at + 2 > indent) /* it stands on a line of its own */
        buffer_append_format(out, "\n%*s", (int)indent, "");
    else
        buffer_append_format(out, "%*s", (int)(indent - at), "");
    page_wrap(out, slice_from_string(help), indent, indent, OPTIONS_HELP_COLUMNS);
    buffer_append_u8(out, '\n');
}

static void verbs_help(const struct options *options, struct buffer *out)
{
    size_t width = 0;

    for (const struct option_verb *verb = options->verbs; verb->name != NULL; verb++)
        width = wider(width, verb->name, verb->operands);
    for (const struct option_verb *verb = options->verbs; verb->name != NULL; verb++)
        options_help_line(out, width, verb->name, verb->operands, verb->summary);
    buffer_append_u8(out, '\n');
}

/* "create, config: " before the help of an option that goes with these only. */
static const char *only_text(const struct option_row *row, const char *verb, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (const char *at = verb != NULL || row->only == NULL ? "" : row->only; *at != '\0' && used + 5 < size; at++) {
        text[used++] = *at;
        if (*at == ',')
            text[used++] = ' ';
        text[used] = '\0';
        if (at[1] == '\0')
            (void)snprintf(text + used, size - used, ": ");
    }
    return text;
}

void options_help_examples(const char *examples, struct buffer *out)
{
    struct slice rest = slice_from_string(examples == NULL ? "" : examples), line;

    if (rest.size > 0)
        buffer_append_string(out, "\nexamples:\n");
    while (text_next_field(&rest, '\n', &line))
        buffer_append_format(out, "  %.*s\n", (int)line.size, (const char *)line.data);
}

static void row_help(const struct option_row *row, const char *verb, size_t width, struct buffer *out)
{
    char name[64], only[160];
    struct buffer help;

    (void)snprintf(name, sizeof(name), "--%s", row->name);
    buffer_init(&help, 4096);
    buffer_append_format(&help, "%s%s", only_text(row, verb, only, sizeof(only)), row->help);
    buffer_append_u8(&help, '\0');
    options_help_line(out, width, name, row->kind == OPTION_FLAG ? NULL : row->argument, (const char *)help.data);
    buffer_finish(&help);
}

void options_help(const struct options *options, const char *verb_name, struct buffer *out)
{
    const struct option_verb *verb = verb_find(options, verb_name);
    const char *operands = verb != NULL ? verb->operands : options->verbs != NULL ? "COMMAND …" : options->operands;
    size_t width = strlen("--help");
    char name[64];

    buffer_append_format(out, "usage: %s%s%s [option]…%s%s\n", options->command, verb == NULL ? "" : " ", verb == NULL ? "" : verb->name, operands == NULL ? "" : " ",
                         operands == NULL ? "" : operands);
    page_wrap(out, slice_from_string(verb == NULL ? options->summary : verb->summary), 0, 0, OPTIONS_HELP_COLUMNS);
    buffer_append_string(out, "\n\n");
    verb_name = verb == NULL ? NULL : verb->name;
    if (verb == NULL && options->verbs != NULL)
        verbs_help(options, out);
    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        (void)snprintf(name, sizeof(name), "--%s", row->name);
        if (row_goes_with(row, verb_name))
            width = wider(width, name, row->kind == OPTION_FLAG ? NULL : row->argument);
    }
    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        if (row_goes_with(row, verb_name))
            row_help(row, verb_name, width, out);
    }
    options_help_line(out, width, "--help", NULL, "Print this");
    if (verb == NULL)
        options_help_examples(options->examples, out);
}

/* ---- Manual ---- */

static void text_escape(struct buffer *out, const char *text, bool starts_line)
{
    uint32_t code;

    for (const char *at = text; *at != '\0'; at++) {
        if (starts_line && (*at == '.' || *at == '\''))
            buffer_append_string(out, "\\&");
        starts_line = false;
        switch (*at) {
        case '\\': buffer_append_string(out, "\\e"); break;
        case '-': buffer_append_string(out, "\\-"); break;
        case '"': buffer_append_string(out, "\\(dq"); break;
        case '`': buffer_append_string(out, "\\(ga"); break;
        case '\'': buffer_append_string(out, "\\(aq"); break;
        case '~': buffer_append_string(out, "\\(ti"); break;
        case '^': buffer_append_string(out, "\\(ha"); break;
        case '\n':
            buffer_append_u8(out, '\n');
            starts_line = true;
            break;
        default:
            if ((uint8_t)*at < 0x80) {
                buffer_append_u8(out, (uint8_t)*at);
            } else {
                at += text_character(slice_from_string(at), &code) - 1;
                buffer_append_format(out, "\\[u%04X]", code);
            }
        }
    }
}

/* mdoc wants a new line behind each sentence. */
void manual_append_text(struct buffer *out, const char *text)
{
    bool starts_line = true;

    while (*text != '\0') {
        const char *end = text;
        char piece[1024];

        while (*end != '\0' && *end != '\n' && !(end > text && (end[-1] == '.' || end[-1] == '?') && *end == ' ' && isupper((unsigned char)end[1])))
            end++;
        (void)snprintf(piece, sizeof(piece), "%.*s", (int)(end - text), text);
        text_escape(out, piece, starts_line);
        if (*end == '\n')
            buffer_append_string(out, "\n.Pp");
        buffer_append_u8(out, '\n');
        starts_line = true;
        text = *end == '\0' ? end : end + 1;
    }
}

/* One word for a macro line: in quotes, so that no part of it is taken for a macro. */
static void word_append(struct buffer *out, const char *macro, const char *word)
{
    buffer_append_format(out, " %s \"\\&", macro); /* the empty escape keeps a name such as "Ar" a word */
    text_escape(out, word, false);
    buffer_append_u8(out, '"');
}

static void item_append(struct buffer *out, const char *macro, const char *name, const char *argument)
{
    buffer_append_string(out, ".It");
    word_append(out, macro, name);
    if (argument != NULL)
        word_append(out, "Ar", argument);
    buffer_append_u8(out, '\n');
}

void manual_append_item(struct buffer *out, const char *name, const char *argument)
{
    item_append(out, "Fl", name + 1, argument); /* Fl has the first dash */
}

void manual_begin(struct buffer *out, const char *name, const char *summary)
{
    buffer_append_string(out, ".Dd " MANUAL_DATE "\n.Dt ");
    for (const char *at = name; *at != '\0'; at++)
        buffer_append_u8(out, (uint8_t)toupper((unsigned char)*at));
    buffer_append_format(out, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name);
    buffer_append_u8(out, (uint8_t)tolower((unsigned char)summary[0]));
    text_escape(out, summary + 1, false);
    buffer_append_string(out, "\n.Sh SYNOPSIS\n.Nm\n.Op Ar option ...\n.Sh DESCRIPTION\n");
}

void options_manual(const struct options *options, struct buffer *out)
{
    char only[160], name[64];

    buffer_append_string(out, ".Ss ");
    text_escape(out, options->command, true);
    buffer_append_string(out, "\n.Bd -ragged -compact\n.Nm");
    word_append(out, "Cm", strchr(options->command, ' ') == NULL ? options->command : strchr(options->command, ' ') + 1);
    buffer_append_string(out, " Oo Ar option ... Oc");
    if (options->verbs != NULL)
        word_append(out, "Ar", "command ...");
    else if (options->operands != NULL)
        word_append(out, "Ar", options->operands);
    buffer_append_string(out, "\n.Ed\n.Pp\n");
    manual_append_text(out, options->summary);
    if (options->description != NULL)
        manual_append_text(out, options->description);
    if (options->verbs != NULL) {
        buffer_append_string(out, ".Bl -tag -width Ds\n");
        for (const struct option_verb *verb = options->verbs; verb->name != NULL; verb++) {
            item_append(out, "Cm", verb->name, verb->operands);
            manual_append_text(out, verb->summary);
        }
        buffer_append_string(out, ".El\n.Pp\nOptions:\n");
    }
    if (options->rows[0].name != NULL) {
        buffer_append_string(out, ".Bl -tag -width Ds\n");
        for (const struct option_row *row = options->rows; row->name != NULL; row++) {
            struct buffer help;

            (void)snprintf(name, sizeof(name), "-%s", row->name);
            item_append(out, "Fl", name, row->kind == OPTION_FLAG ? NULL : row->argument);
            buffer_init(&help, 4096);
            buffer_append_string(&help, only_text(row, NULL, only, sizeof(only)));
            buffer_append_string(&help, row->help);
            buffer_append_u8(&help, '\0');
            manual_append_text(out, (const char *)help.data);
            buffer_finish(&help);
        }
        buffer_append_string(out, ".El\n");
    }
    if (options->examples != NULL) {
        buffer_append_string(out, ".Pp\nExamples:\n.Bd -literal -offset indent\n");
        text_escape(out, options->examples, true);
        buffer_append_string(out, "\n.Ed\n");
    }
}

/* ---- Completion ---- */

void completion_offer(const char *word, const char *meaning, const char *typed, struct buffer *out)
{
    if (strncmp(word, typed, strlen(typed)) == 0)
        buffer_append_format(out, "%s\t%s\n", word, meaning == NULL ? "" : meaning);
}

void completion_offer_value(const char *argument, const char *typed, struct buffer *out)
{
    struct slice rest = slice_from_string(argument), one;
    char word[128];

    if (strchr(argument, '|') == NULL) {
        buffer_append_format(out, ":%s\n", argument);
        return;
    }
    while (text_next_field(&rest, '|', &one)) {
        (void)snprintf(word, sizeof(word), "%.*s", (int)one.size, (const char *)one.data);
        completion_offer(word, NULL, typed, out);
    }
}

/* Operand number `index` of "CONNECTOR [FILE]"; the last one stands for all behind it. */
static void operand_complete(const char *operands, size_t index, const char *typed, struct buffer *out)
{
    struct slice rest = slice_from_string(operands == NULL ? "" : operands), one;
    char word[128] = "";

    for (size_t i = 0; i <= index && text_next_field(&rest, ' ', &one); i++) {
        size_t used = 0;

        for (size_t k = 0; k < one.size && used + 1 < sizeof(word); k++) {
            if (one.data[k] < 0x80 && strchr("[]", one.data[k]) == NULL)
                word[used++] = (char)one.data[k];
        }
        word[used] = '\0';
    }
    if (word[0] != '\0')
        completion_offer_value(word, typed, out);
}

static void rows_complete(const struct options *options, const char *verb, const char *typed, struct buffer *out)
{
    char name[64];

    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        (void)snprintf(name, sizeof(name), "--%s", row->name);
        if (row_goes_with(row, verb))
            completion_offer(name, row->help, typed, out);
    }
    completion_offer("--help", "Print help", typed, out);
}

void options_complete(const struct options *options, int count, char **words, struct buffer *out)
{
    const char *typed = count > 0 ? words[count - 1] : "", *verb_name = NULL;
    const struct option_verb *verb;
    bool options_ended = false;
    size_t operands = 0;

    for (int i = 0; i + 1 < count; i++) {
        const struct option_row *row = NULL;

        if (!options_ended && strcmp(words[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && strncmp(words[i], "--", 2) == 0) {
            row = row_find(options, words[i] + 2, strlen(words[i] + 2));
        } else if (options->verbs != NULL && verb_name == NULL) {
            verb_name = words[i];
        } else {
            operands++;
        }
        if (row != NULL && row->kind != OPTION_FLAG && ++i + 1 == count) {
            completion_offer_value(row->argument, typed, out);
            return;
        }
    }
    verb = verb_find(options, verb_name);
    if (!options_ended && typed[0] == '-') {
        rows_complete(options, verb == NULL ? NULL : verb->name, typed, out);
    } else if (options->verbs != NULL && verb_name == NULL) {
        for (verb = options->verbs; verb->name != NULL; verb++)
            completion_offer(verb->name, verb->summary, typed, out);
    } else {
        operand_complete(verb == NULL ? options->operands : verb->operands, operands, typed, out);
    }
}
