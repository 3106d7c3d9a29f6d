#include "base/options.h"

#include "base/banned.h"
#include "base/text.h"

static const struct option_row *row_find(const struct options *options, const char *name, size_t size)
{
    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        if (strlen(row->name) == size && memcmp(row->name, name, size) == 0)
            return row;
    }
    return NULL;
}

static enum status unknown_option(const struct options *options, const char *argument, struct error *error)
{
    struct text_nearest nearest;
    const char *best;

    text_nearest_init(&nearest, argument + strspn(argument, "-"));
    for (const struct option_row *row = options->rows; row->name != NULL; row++)
        text_nearest_offer(&nearest, row->name);
    best = text_nearest_found(&nearest);
    if (best != NULL)
        return error_set(error, ERROR_USAGE, "%s: there is no option %s; did you mean --%s?", options->command, argument, best);
    return error_set(error, ERROR_USAGE, "%s: there is no option %s; see %s --help", options->command, argument, options->command);
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
static enum status option_read(const struct options *options, int argc, char **argv, int *at, struct error *error)
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
    return value_store(options, row, value, error);
}

enum status options_parse(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count,
                          bool *help_wanted, struct error *error)
{
    bool options_ended = false;
    enum status status = OK;

    *operand_count = 0;
    *help_wanted = false;
    for (int at = 1; at < argc && status == OK; at++) {
        if (options_ended || argv[at][0] != '-' || argv[at][1] == '\0') {
            if (*operand_count == options->operands_max)
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
            status = option_read(options, argc, argv, &at, error);
        }
    }
    return status;
}

void options_help(const struct options *options, struct buffer *out)
{
    size_t width = strlen("help");

    buffer_append_format(out, "usage: %s [option]…%s%s\n%s\n\n", options->command, options->operands == NULL ? "" : " ",
                         options->operands == NULL ? "" : options->operands, options->summary);
    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        size_t size = strlen(row->name) + (row->kind == OPTION_FLAG ? 0 : 1 + strlen(row->argument));

        width = size > width ? size : width;
    }
    for (const struct option_row *row = options->rows; row->name != NULL; row++) {
        size_t size = strlen(row->name) + (row->kind == OPTION_FLAG ? 0 : 1 + strlen(row->argument));

        buffer_append_format(out, "  --%s%s%s%*s  %s\n", row->name, row->kind == OPTION_FLAG ? "" : " ",
                             row->kind == OPTION_FLAG ? "" : row->argument, (int)(width - size), "", row->help);
    }
    buffer_append_format(out, "  --%-*s  %s\n", (int)width, "help", "Print this");
}
