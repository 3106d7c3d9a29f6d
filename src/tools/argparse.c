#include "tools/argparse.h"

#include "base/banned.h"
#include "base/text.h"
#include "tools/arguments.h"
#include "tools/tools.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#define WIDTH 75
#define TEXT_BYTES_MAX (256 * 1024)
#define HELP_COLUMN 25
#define PROGRAM_COLUMNS_MAX 30 /* a longer name stands on a line of its own */
#define UNRELATED 7            /* a word as far away as this is not suggested */

static const struct argparse_option help_option = {
    .flags = "-h,--help", .takes = ARGPARSE_FLAG, .help = "show this help message and exit"};
static const struct argparse_option version_option = {
    .flags = "-v,--version", .takes = ARGPARSE_FLAG, .help = "show the version of this Kafka distribution and exit"};

/* ---- Names ---- */

/* Flag number `at` of an option; false past the last. */
static bool flag_at(const struct argparse_option *option, size_t at, struct slice *flag)
{
    struct slice rest = slice_from_string(option->flags);

    for (size_t i = 0; text_next_field(&rest, ',', flag); i++) {
        if (i == at)
            return true;
    }
    return false;
}

static bool begins_with(struct slice word, struct slice beginning)
{
    return word.size >= beginning.size && (beginning.size == 0 || memcmp(word.data, beginning.data, beginning.size) == 0);
}

static bool flag_is(const struct argparse_option *option, struct slice word)
{
    struct slice flag;

    for (size_t i = 0; flag_at(option, i, &flag); i++) {
        if (slice_equal(flag, word))
            return true;
    }
    return false;
}

/* Option number `at` of a command, with the ones that every command has in front; NULL past the last. */
static const struct argparse_option *option_at(const struct argparse_command *command, size_t at)
{
    size_t own = command->version == NULL ? 1 : 2;

    if (at == 0)
        return &help_option;
    if (at < own)
        return &version_option;
    for (size_t i = own; i < at; i++) {
        if (command->options[i - own].flags == NULL)
            return NULL;
    }
    return command->options[at - own].flags == NULL ? NULL : &command->options[at - own];
}

static const struct argparse_option *option_named(const struct argparse_command *command, const char *name)
{
    const struct argparse_option *option = NULL;
    struct slice flag;

    for (size_t i = 0; command != NULL && (option = option_at(command, i)) != NULL; i++) {
        if (flag_at(option, 0, &flag) && flag.size > 2 && slice_equal_string(slice_from(flag, 2), name))
            return option;
    }
    return NULL;
}

/* "--bootstrap-server/-b" */
static const char *option_title(struct arena *arena, const struct argparse_option *option)
{
    char *title = arena_copy_string(arena, slice_from_string(option->flags));

    for (char *c = title; *c != '\0'; c++) {
        if (*c == ',')
            *c = '/';
    }
    return title;
}

/* ---- Lines ---- */

/* How much of a line's beginning stays together: up to the blanks after it, or a hyphen before a letter. */
static size_t word_size(const char *text)
{
    size_t size = 0;

    while (text[size] != '\0' && text[size] != ' ') {
        size++;
        if (text[size - 1] == '-' && isalpha((unsigned char)text[size]))
            return size;
    }
    while (text[size] == ' ')
        size++;
    return size;
}

/* The line without blanks around it, filled up to `missing` more columns: as many blanks at each gap, the rest in the middle. */
static const char *line_stretch(struct arena *arena, struct slice line, int missing)
{
    const char *stretched = "";
    int gaps = 0;
    int seen = 0;

    while (line.size > 0 && line.data[line.size - 1] == ' ')
        line.size--, missing++;
    while (line.size > 0 && line.data[0] == ' ')
        line = slice_from(line, 1), missing++;
    for (size_t i = 1; i < line.size; i++)
        gaps += line.data[i] == ' ' && line.data[i - 1] != ' ';
    if (gaps == 0)
        return arena_copy_string(arena, line);
    for (size_t start = 0, i = 1; i <= line.size; i++) {
        bool is_gap = i < line.size && line.data[i] == ' ' && line.data[i - 1] != ' ';
        int rest_start = (gaps - missing % gaps + 1) / 2;
        int add = !is_gap ? 0 : missing / gaps + (seen >= rest_start && seen < rest_start + missing % gaps);

        if (i < line.size && !is_gap)
            continue;
        stretched = arena_format(arena, "%s%.*s%*s", stretched, (int)(i - start), (const char *)line.data + start, add, "");
        start = i;
        seen++;
    }
    return stretched;
}

const char *argparse_justify(struct arena *arena, const char *text, int width, int first_column, int indent)
{
    const char *lines = "";
    const char *start = text;
    int column = first_column;

    while (*text != '\0') {
        size_t size = word_size(text);

        if (column + (int)size > width) {
            const char *line = line_stretch(arena, slice_of(start, (size_t)(text - start)), width - column);

            lines = arena_format(arena, "%s%s\n%*s", lines, line, indent, "");
            start = text;
            column = indent;
        }
        column += (int)size;
        text += size;
    }
    return arena_format(arena, "%s%s", lines, start);
}

/* ---- Usage ---- */

struct usage {
    struct arena *arena;
    FILE *out;
    int indent;
    int column;
    bool is_first;
};

/* One element of the usage, on a new line when this one is full. */
static void usage_add(struct usage *usage, const char *element)
{
    int size = (int)strlen(element);

    if (!usage->is_first && usage->column + size + 1 > WIDTH) {
        (void)fprintf(usage->out, "\n%*s", usage->indent, "");
        usage->column = usage->indent;
    }
    (void)fprintf(usage->out, " %s", element);
    usage->column += 1 + size;
    usage->is_first = false;
}

/* "--topic TOPIC", in brackets when it may be left out and `brackets` */
static const char *option_syntax(struct arena *arena, const struct argparse_option *option, bool brackets)
{
    const char *syntax;
    struct slice flag;

    (void)flag_at(option, 0, &flag);
    syntax = arena_copy_string(arena, flag);
    if (option->takes == ARGPARSE_MANY)
        syntax = arena_format(arena, "%s %s [%s ...]", syntax, option->metavar, option->metavar);
    else if (option->takes == ARGPARSE_ONE)
        syntax = arena_format(arena, "%s %s", syntax, option->metavar);
    return brackets && !option->is_required ? arena_format(arena, "[%s]", syntax) : syntax;
}

/* "(--a A | --b B)" */
static void usage_add_alternatives(struct usage *usage, const struct argparse_command *command)
{
    const struct argparse_option *last = NULL;
    const struct argparse_option *option;

    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (!option->is_alternative)
            continue;
        if (last != NULL)
            usage_add(usage, "|");
        usage_add(usage, arena_format(usage->arena, "%s%s%s", last == NULL ? "(" : "", option_syntax(usage->arena, option, false),
                                      option_at(command, i + 1) == NULL || !option_at(command, i + 1)->is_alternative ? ")" : ""));
        last = option;
    }
}

static const char *commands_syntax(struct arena *arena, const struct argparse_command *tool)
{
    const char *names = "";

    if (tool->commands_name != NULL)
        return tool->commands_name;
    for (const struct argparse_command *command = tool->commands; command->name != NULL; command++)
        names = arena_format(arena, "%s%s%s", names, *names == '\0' ? "" : ",", command->name);
    return arena_format(arena, "{%s}", names);
}

static void usage_print(const struct argparse *parsed, FILE *out)
{
    const struct argparse_command *command = parsed->command != NULL ? parsed->command : parsed->tool;
    const char *program = arena_format(parsed->arena, "usage: %s", parsed->tool->name);
    bool is_long = strlen(program) > PROGRAM_COLUMNS_MAX;
    struct usage usage = {parsed->arena, out, is_long ? 6 : (int)strlen(program), is_long ? 6 : (int)strlen(program), true};
    const struct argparse_option *option;

    (void)fprintf(out, is_long ? "%s\n      " : "%s", program);
    for (size_t i = 0; parsed->command != NULL && (option = option_at(parsed->tool, i)) != NULL; i++) {
        if (option->is_required)
            usage_add(&usage, option_syntax(parsed->arena, option, true));
    }
    if (parsed->command != NULL)
        usage_add(&usage, parsed->command->name);
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (!option->is_alternative)
            usage_add(&usage, option_syntax(parsed->arena, option, true));
    }
    usage_add_alternatives(&usage, command);
    if (command->commands != NULL) {
        usage_add(&usage, commands_syntax(parsed->arena, command));
        usage_add(&usage, "...");
    }
    (void)fputc('\n', out);
}

/* ---- Help ---- */

static void help_row(struct arena *arena, const char *indent, const char *title, const char *help)
{
    int column = (int)(strlen(indent) + strlen(title));

    (void)printf("%s%s", indent, title);
    if (help != NULL && column <= HELP_COLUMN - 2)
        (void)printf("%*s%s", HELP_COLUMN - column, "", argparse_justify(arena, help, WIDTH, HELP_COLUMN, HELP_COLUMN));
    else if (help != NULL)
        (void)printf("\n%*s%s", HELP_COLUMN, "", argparse_justify(arena, help, WIDTH, HELP_COLUMN, HELP_COLUMN));
    (void)putchar('\n');
}

static void option_help(const struct argparse *parsed, const struct argparse_option *option)
{
    const char *title = "";
    const char *help = option->help;
    struct slice flag;

    for (size_t i = 0; flag_at(option, i, &flag); i++) {
        title = arena_format(parsed->arena, "%s%s%.*s", title, i == 0 ? "" : ", ", (int)flag.size, (const char *)flag.data);
        if (option->takes != ARGPARSE_FLAG)
            title = arena_format(parsed->arena, "%s %s", title, option->metavar);
        if (option->takes == ARGPARSE_MANY)
            title = arena_format(parsed->arena, "%s [%s ...]", title, option->metavar);
    }
    if (parsed->tool->shows_defaults && option->takes == ARGPARSE_FLAG && option != &help_option)
        help = arena_format(parsed->arena, "%s (default: false)", help);
    else if (parsed->tool->shows_defaults && option->default_value != NULL)
        help = arena_format(parsed->arena, "%s (default: %s)", help, option->default_value);
    help_row(parsed->arena, "  ", title, help);
}

static void commands_help(const struct argparse *parsed)
{
    (void)printf("\n%s:\n", parsed->tool->commands_title == NULL ? "positional arguments" : parsed->tool->commands_title);
    help_row(parsed->arena, "  ", commands_syntax(parsed->arena, parsed->tool), NULL);
    for (const struct argparse_command *command = parsed->tool->commands; command->name != NULL; command++)
        help_row(parsed->arena, "    ", command->name, command->help);
}

void argparse_print_help(const struct argparse *parsed)
{
    const struct argparse_command *command = parsed->command != NULL ? parsed->command : parsed->tool;
    bool has_group = command->alternatives_help != NULL;
    const struct argparse_option *option;

    usage_print(parsed, stdout);
    if (command->description != NULL)
        (void)printf("\n%s\n", argparse_justify(parsed->arena, command->description, WIDTH, 0, 0));
    if (command->commands != NULL && command->commands_title == NULL)
        commands_help(parsed);
    (void)puts("\noptional arguments:");
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (!option->is_alternative || !has_group)
            option_help(parsed, option);
    }
    if (command->commands != NULL && command->commands_title != NULL)
        commands_help(parsed);
    if (!has_group)
        return;
    (void)printf("\n  %s\n\n", argparse_justify(parsed->arena, command->alternatives_help, WIDTH, 2, 2));
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (option->is_alternative)
            option_help(parsed, option);
    }
}

/* ---- What is wrong ---- */

int argparse_error(const struct argparse *parsed, const char *format, ...)
{
    const char *message;
    va_list arguments;
    char text[4096];

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    message = arena_format(parsed->arena, "%s: error: %s", parsed->tool->name, text);
    usage_print(parsed, stderr);
    (void)fprintf(stderr, "%s\n", argparse_justify(parsed->arena, message, WIDTH, 0, 0));
    return 1;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/*
 * How much has to be changed to make one word from the other: a letter too many costs 1, a missing one 4, another one 2, two that are
 * swapped 0.
 */
static int word_distance(struct arena *arena, struct slice from, struct slice to)
{
    enum { SWAP = 0, REPLACE = 2, REMOVE = 4, ADD = 1 };
    int *rows[3];

    for (int i = 0; i < 3; i++)
        rows[i] = arena_new_array(arena, to.size + 1, sizeof(int));
    for (size_t j = 0; j <= to.size; j++)
        rows[1][j] = (int)j;
    for (size_t i = 1; i <= from.size; i++) {
        int *recycled = rows[2];

        rows[0][0] = (int)i;
        for (size_t j = 1; j <= to.size; j++) {
            bool is_same = from.data[i - 1] == to.data[j - 1];
            int distance = rows[1][j - 1] + (is_same ? 0 : REPLACE);

            if (i >= 2 && j >= 2 && !is_same && from.data[i - 2] == to.data[j - 1] && from.data[i - 1] == to.data[j - 2])
                distance = least(distance, rows[2][j - 2] + SWAP);
            rows[0][j] = least(distance, least(rows[1][j] + REMOVE, rows[0][j - 1] + ADD));
        }
        rows[2] = rows[1];
        rows[1] = rows[0];
        rows[0] = recycled;
    }
    return rows[1][to.size];
}

struct suggestion {
    struct slice word; /* as it is shown */
    int distance;
};

static int suggestion_order(const void *a, const void *b)
{
    const struct suggestion *left = a;
    const struct suggestion *right = b;

    if (left->distance != right->distance)
        return left->distance < right->distance ? -1 : 1;
    return slice_compare(left->word, right->word);
}

static void suggestions_print(struct suggestion *items, size_t count)
{
    qsort(items, count, sizeof(*items), suggestion_order);
    if (count == 0 || items[0].distance >= UNRELATED)
        return;
    (void)fputs("\nDid you mean:\n", stderr);
    for (size_t i = 0; i < count && items[i].distance == items[0].distance; i++)
        (void)fprintf(stderr, "\t%.*s\n", (int)items[i].word.size, (const char *)items[i].word.data);
}

static int suggestion_distance(struct arena *arena, struct slice given, struct slice word)
{
    return begins_with(word, given) ? 0 : word_distance(arena, given, word);
}

static struct slice dashes_drop(struct slice word)
{
    while (word.size > 0 && word.data[0] == '-')
        word = slice_from(word, 1);
    return word;
}

/* Says that there is no such option, and which were meant. */
static int option_unknown(const struct argparse *parsed, const char *word)
{
    const struct argparse_command *command = parsed->command != NULL ? parsed->command : parsed->tool;
    struct slice given = dashes_drop(slice_from_string(word));
    const struct argparse_option *option;
    struct suggestion *items;
    size_t capacity = 0;
    size_t count = 0;
    struct slice flag;

    (void)argparse_error(parsed, "unrecognized arguments: '%s'", word);
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++)
        capacity += strlen(option->flags);
    items = arena_new_array(parsed->arena, capacity, sizeof(*items));
    for (size_t i = 0; given.size >= 2 && (option = option_at(command, i)) != NULL; i++) {
        for (size_t j = 0; flag_at(option, j, &flag); j++) {
            if (dashes_drop(flag).size > 1)
                items[count++] = (struct suggestion){flag, suggestion_distance(parsed->arena, given, dashes_drop(flag))};
        }
    }
    suggestions_print(items, count);
    return 1;
}

static int command_unknown(const struct argparse *parsed, const char *word)
{
    struct suggestion *items;
    const char *names = "";
    size_t count = 0;

    for (const struct argparse_command *command = parsed->tool->commands; command->name != NULL; command++, count++)
        names = arena_format(parsed->arena, "%s%s'%s'", names, *names == '\0' ? "" : ", ", command->name);
    (void)argparse_error(parsed, "invalid choice: '%s' (choose from %s)", word, names);
    items = arena_new_array(parsed->arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i].word = slice_from_string(parsed->tool->commands[i].name);
        items[i].distance = suggestion_distance(parsed->arena, slice_from_string(word), items[i].word);
    }
    suggestions_print(items, count);
    return 1;
}

/* ---- Reading ---- */

struct reading {
    struct argparse *parsed;
    char **words;
    int count;
    int at;
    bool is_separated;                            /* after "--" */
    const struct argparse_option *alternative;    /* of the command that is being read */
    const char *missing;                          /* what is told when nothing else is wrong */
    const struct argparse_command *missing_in;
    int *exit_code;
};

static bool is_negative_number(const char *word)
{
    size_t digits = strspn(word + 1, "0123456789");

    return word[0] == '-' && digits > 0 && (word[1 + digits] == '\0' || word[1 + digits] == '.');
}

static bool is_flag(const struct reading *reading, const char *word)
{
    return !reading->is_separated && word[0] == '-' && !is_negative_number(word);
}

static const char *type_name(enum argparse_type type)
{
    static const char *const names[] = {"String", "Short", "Integer", "Long", "Double"};

    return names[type];
}

static bool double_parse(const char *text, double *number)
{
    char *end;

    while (*text == ' ')
        text++;
    *number = strtod(text, &end);
    if (end == text)
        return false;
    if (*end == 'd' || *end == 'D' || *end == 'f' || *end == 'F')
        end++;
    while (*end == ' ')
        end++;
    return *end == '\0';
}

/* Why a text is not a value of a type; NULL when it is one. */
static const char *value_problem(struct arena *arena, enum argparse_type type, const char *text)
{
    const struct failure *failure = NULL;
    int32_t narrow = 0;
    int64_t wide;
    double real;

    if (type == ARGPARSE_SHORT || type == ARGPARSE_INT)
        failure = arguments_parse_int(arena, text, &narrow);
    else if (type == ARGPARSE_LONG)
        failure = arguments_parse_long(arena, text, &wide);
    else if (type == ARGPARSE_DOUBLE && !double_parse(text, &real))
        return *text == '\0' ? "empty String" : arena_format(arena, "For input string: \"%s\"", text);
    if (failure != NULL)
        return failure_message(failure);
    if (type == ARGPARSE_SHORT && (narrow > INT16_MAX || narrow < INT16_MIN))
        return arena_format(arena, "Value out of range. Value:\"%s\" Radix:10", text);
    return NULL;
}

static bool value_add(struct reading *reading, const struct argparse_option *option, const char *text)
{
    struct argparse *parsed = reading->parsed;
    const char *problem = text == NULL ? NULL : value_problem(parsed->arena, option->type, text);

    if (problem != NULL) {
        *reading->exit_code = argparse_error(parsed, "argument %s: could not convert '%s' to %s (%s)", option_title(parsed->arena, option),
                                             text, type_name(option->type), problem);
        return false;
    }
    parsed->values[parsed->count++] = (struct argparse_value){option, text};
    return true;
}

/* Finds an option by its flag or the beginning of it. Says so when there is none or more than one. */
static const struct argparse_option *option_find(struct reading *reading, const char *word, struct slice given)
{
    const struct argparse_command *command = reading->parsed->command != NULL ? reading->parsed->command : reading->parsed->tool;
    const struct argparse_option *found = NULL;
    const struct argparse_option *option;
    struct arena *arena = reading->parsed->arena;
    struct suggestion *items = arena_new_array(arena, 256, sizeof(*items));
    const char *names = "";
    size_t count = 0;
    struct slice flag;

    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (flag_is(option, given))
            return option;
        for (size_t j = 0; flag_at(option, j, &flag) && count < 256; j++) {
            if (!begins_with(flag, given))
                continue;
            items[count++] = (struct suggestion){flag, 0};
            found = option;
        }
    }
    if (count == 1)
        return found;
    if (count == 0) {
        *reading->exit_code = option_unknown(reading->parsed, word);
        return NULL;
    }
    qsort(items, count, sizeof(*items), suggestion_order);
    for (size_t i = 0; i < count; i++)
        names = arena_format(arena, "%s%s%.*s", names, i == 0 ? "" : ", ", (int)items[i].word.size, (const char *)items[i].word.data);
    *reading->exit_code = argparse_error(reading->parsed, "ambiguous option: %.*s could match %s", (int)given.size,
                                         (const char *)given.data, names);
    return NULL;
}

static bool flag_read(struct reading *reading, const struct argparse_option *option, const char *value)
{
    if (value != NULL) {
        *reading->exit_code = argparse_error(reading->parsed, "argument %s: ignore implicit argument '%s'",
                                             option_title(reading->parsed->arena, option), value);
        return false;
    }
    *reading->exit_code = option == &version_option ? 0 : 1;
    if (option == &version_option)
        (void)puts(reading->parsed->tool->version);
    else if (option == &help_option)
        argparse_print_help(reading->parsed);
    else
        return value_add(reading, option, NULL);
    return false;
}

/* The option's arguments: what follows '=', or the words behind it. */
static bool values_read(struct reading *reading, const struct argparse_option *option, const char *value)
{
    struct arena *arena = reading->parsed->arena;

    if (value != NULL)
        return value_add(reading, option, value);
    if (reading->at >= reading->count || is_flag(reading, reading->words[reading->at])) {
        const char *wanted = option->takes == ARGPARSE_ONE ? "expected one argument" : "expected 1 argument(s)";

        *reading->exit_code = argparse_error(reading->parsed, "argument %s: %s", option_title(arena, option), wanted);
        return false;
    }
    do {
        if (!value_add(reading, option, reading->words[reading->at++]))
            return false;
    } while (option->takes == ARGPARSE_MANY && reading->at < reading->count && !is_flag(reading, reading->words[reading->at]));
    return true;
}

static bool option_read(struct reading *reading)
{
    struct arena *arena = reading->parsed->arena;
    const char *word = reading->words[reading->at++];
    const char *equals = strchr(word, '=');
    struct slice given = slice_of(word, equals == NULL ? strlen(word) : (size_t)(equals - word));
    const struct argparse_option *option = option_find(reading, word, given);

    if (option == NULL)
        return false;
    if (option->is_alternative && reading->alternative != NULL && reading->alternative != option) {
        *reading->exit_code = argparse_error(reading->parsed, "argument %s: not allowed with argument %s", option_title(arena, option),
                                             option_title(arena, reading->alternative));
        return false;
    }
    if (option->is_alternative)
        reading->alternative = option;
    return option->takes == ARGPARSE_FLAG ? flag_read(reading, option, equals == NULL ? NULL : equals + 1)
                                          : values_read(reading, option, equals == NULL ? NULL : equals + 1);
}

static bool is_given(const struct argparse *parsed, const struct argparse_option *option)
{
    for (size_t i = 0; i < parsed->count; i++) {
        if (parsed->values[i].option == option)
            return true;
    }
    return false;
}

/* The first command that something is missing of is told, and of it the last option. */
static void required_check(struct reading *reading)
{
    struct argparse *parsed = reading->parsed;
    const struct argparse_command *command = parsed->command != NULL ? parsed->command : parsed->tool;
    const struct argparse_option *option;
    const char *alternatives = "";
    const char *missing = NULL;

    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        if (option->is_required && !is_given(parsed, option))
            missing = arena_format(parsed->arena, "argument %s is required", option_title(parsed->arena, option));
        if (option->is_alternative)
            alternatives = arena_format(parsed->arena, "%s%s ", alternatives, option_title(parsed->arena, option));
    }
    if (missing == NULL && *alternatives != '\0' && reading->alternative == NULL)
        missing = arena_format(parsed->arena, "one of the arguments %sis required", alternatives);
    if (missing == NULL || reading->missing != NULL)
        return;
    reading->missing = missing;
    reading->missing_in = parsed->command;
}

/* A word that is no option: the command's name. */
static bool command_read(struct reading *reading)
{
    struct argparse *parsed = reading->parsed;
    const char *word = reading->words[reading->at];
    const struct argparse_command *found = NULL;
    const char *names = "";
    int count = 0;

    for (const struct argparse_command *command = parsed->tool->commands; command->name != NULL; command++) {
        if (strcmp(command->name, word) == 0) {
            found = command;
            count = 1;
            break;
        }
        if (*word != '\0' && strncmp(command->name, word, strlen(word)) == 0) {
            found = command;
            names = arena_format(parsed->arena, "%s%s%s", names, count++ == 0 ? "" : ", ", command->name);
        }
    }
    if (count == 0)
        *reading->exit_code = command_unknown(parsed, word);
    else if (count > 1)
        *reading->exit_code = argparse_error(parsed, "ambiguous command: %s could match %s", word, names);
    else {
        required_check(reading);
        parsed->command = found;
        reading->alternative = NULL;
        reading->at++;
        return true;
    }
    return false;
}

static bool word_read(struct reading *reading)
{
    const char *word = reading->words[reading->at];
    const char *rest = word;

    if (is_flag(reading, word) && strcmp(word, "--") != 0)
        return option_read(reading);
    if (!reading->is_separated && strcmp(word, "--") == 0) {
        reading->is_separated = true;
        reading->at++;
        return true;
    }
    if (reading->parsed->command == NULL && reading->parsed->tool->commands != NULL)
        return command_read(reading);
    for (int i = reading->at + 1; i < reading->count; i++)
        rest = arena_format(reading->parsed->arena, "%s %s", rest, reading->words[i]);
    *reading->exit_code = argparse_error(reading->parsed, "unrecognized arguments: '%s'", rest);
    return false;
}

/* ---- The manual, and completion ---- */

static int manual_print(struct arena *arena, const struct argparse_command *command, const char *program)
{
    const struct command *tool = tool_find(program);
    const struct argparse_option *option;
    struct buffer page;
    struct slice flag;
    int code;

    buffer_init(&page, TEXT_BYTES_MAX);
    manual_begin(&page, tool->name, tool->summary);
    manual_append_text(&page, command->description == NULL ? tool->summary : command->description);
    buffer_append_string(&page, MANUAL_OF_TOOLS ".Sh OPTIONS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        for (size_t k = 0; flag_at(option, k, &flag); k++)
            manual_append_item(&page, arena_copy_string(arena, flag), option->metavar);
        manual_append_text(&page, option->help);
    }
    buffer_append_string(&page, ".El\n" MANUAL_SEE_ALSO);
    code = command_print(buffer_slice(&page));
    buffer_finish(&page);
    return code;
}

static int complete_print(struct arena *arena, const struct argparse_command *command, int argc, char **argv)
{
    const char *typed = argc > 2 ? argv[argc - 1] : "", *before = argc > 3 ? argv[argc - 2] : "";
    const struct argparse_option *option, *valued = strncmp(before, "--", 2) == 0 ? option_named(command, before + 2) : NULL;
    struct buffer words;
    struct slice flag;
    int code;

    buffer_init(&words, TEXT_BYTES_MAX);
    if (valued != NULL && valued->takes != ARGPARSE_FLAG && typed[0] != '-')
        argument_offer_value(before + 2, typed, &words);
    else
        for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
            for (size_t k = 0; flag_at(option, k, &flag); k++)
                completion_offer(arena_copy_string(arena, flag), option->help, typed, &words);
        }
    code = command_print(buffer_slice(&words));
    buffer_finish(&words);
    return code;
}

bool argparse_read(struct argparse *parsed, struct arena *arena, const struct argparse_command *tool, int argc, char **argv, int *exit_code)
{
    struct reading reading = {.parsed = parsed, .words = argv, .count = argc, .at = 1, .exit_code = exit_code};

    *parsed = (struct argparse){.arena = arena, .tool = tool};
    parsed->values = arena_new_array(arena, (size_t)argc + 1, sizeof(*parsed->values));
    if (command_is_question(argc, argv)) {
        *exit_code = strcmp(argv[1], "--manual") == 0 ? manual_print(arena, tool, argv[0]) : complete_print(arena, tool, argc, argv);
        return false;
    }
    while (reading.at < reading.count) {
        if (!word_read(&reading))
            return false;
    }
    if (tool->commands != NULL && parsed->command == NULL) {
        *exit_code = argparse_error(parsed, "too few arguments");
        return false;
    }
    required_check(&reading);
    if (reading.missing == NULL)
        return true;
    parsed->command = reading.missing_in;
    *exit_code = argparse_error(parsed, "%s", reading.missing);
    return false;
}

/* ---- Values ---- */

static const struct argparse_option *option_of(const struct argparse *parsed, const char *name)
{
    const struct argparse_option *option = option_named(parsed->command, name);

    return option != NULL ? option : option_named(parsed->tool, name);
}

const char *argparse_nth(const struct argparse *parsed, const char *name, size_t n)
{
    const struct argparse_option *option = option_of(parsed, name);

    for (size_t i = 0; i < parsed->count; i++) {
        if (parsed->values[i].option == option && n-- == 0)
            return parsed->values[i].text == NULL ? "" : parsed->values[i].text;
    }
    return NULL;
}

const char *argparse_text(const struct argparse *parsed, const char *name)
{
    const struct argparse_option *option = option_of(parsed, name);

    for (size_t i = parsed->count; i > 0; i--) {
        if (parsed->values[i - 1].option == option)
            return parsed->values[i - 1].text == NULL ? "" : parsed->values[i - 1].text;
    }
    return option == NULL ? NULL : option->default_value;
}

bool argparse_has(const struct argparse *parsed, const char *name)
{
    return is_given(parsed, option_of(parsed, name));
}

int64_t argparse_number(const struct argparse *parsed, const char *name, int64_t otherwise)
{
    const char *text = argparse_text(parsed, name);
    int64_t number = otherwise;

    if (text != NULL)
        (void)arguments_parse_long(parsed->arena, text, &number);
    return number;
}

double argparse_double(const struct argparse *parsed, const char *name)
{
    const char *text = argparse_text(parsed, name);
    double number = 0;

    if (text != NULL)
        (void)double_parse(text, &number);
    return number;
}
