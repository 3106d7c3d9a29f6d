#include "tools/argparse_internal.h"

#include "base/banned.h"
#include "base/text.h"
#include "tools/arguments.h"
#include "tools/justify.h"
#include "tools/tools.h"

#include <stdarg.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX (256 * 1024)
#define UNRELATED 7 /* a word as far away as this is not suggested */

const struct argparse_option argparse_help_option = {
    .flags = "-h,--help", .takes = ARGPARSE_FLAG, .help = "show this help message and exit"};
const struct argparse_option argparse_version_option = {
    .flags = "-v,--version", .takes = ARGPARSE_FLAG, .help = "show the version of this Kafka distribution and exit"};

/* ---- Names ---- */

bool argparse_flag_at(const struct argparse_option *option, size_t at, struct slice *flag)
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

    for (size_t i = 0; argparse_flag_at(option, i, &flag); i++) {
        if (slice_equal(flag, word))
            return true;
    }
    return false;
}

const struct argparse_option *argparse_option_at(const struct argparse_command *command, size_t at)
{
    size_t own = command->version == NULL ? 1 : 2;

    if (at == 0)
        return &argparse_help_option;
    if (at < own)
        return &argparse_version_option;
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

    for (size_t i = 0; command != NULL && (option = argparse_option_at(command, i)) != NULL; i++) {
        if (argparse_flag_at(option, 0, &flag) && flag.size > 2 && slice_equal_string(slice_from(flag, 2), name))
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
    argparse_print_usage(parsed, stderr);
    (void)fprintf(stderr, "%s\n", justify_text(parsed->arena, message, ARGPARSE_WIDTH, 0, 0));
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
    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++)
        capacity += strlen(option->flags);
    items = arena_new_array(parsed->arena, capacity, sizeof(*items));
    for (size_t i = 0; given.size >= 2 && (option = argparse_option_at(command, i)) != NULL; i++) {
        for (size_t j = 0; argparse_flag_at(option, j, &flag); j++) {
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

    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
        if (flag_is(option, given))
            return option;
        for (size_t j = 0; argparse_flag_at(option, j, &flag) && count < 256; j++) {
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
    *reading->exit_code = option == &argparse_version_option ? 0 : 1;
    if (option == &argparse_version_option)
        (void)puts(reading->parsed->tool->version);
    else if (option == &argparse_help_option)
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

    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
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
    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
        for (size_t k = 0; argparse_flag_at(option, k, &flag); k++)
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
        for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
            for (size_t k = 0; argparse_flag_at(option, k, &flag); k++)
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
