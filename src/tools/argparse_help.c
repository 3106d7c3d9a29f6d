#include "tools/argparse_internal.h"

#include "base/banned.h"
#include "tools/justify.h"

#define HELP_COLUMN 25
#define PROGRAM_COLUMNS_MAX 30 /* a longer name stands on a line of its own */

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

    if (!usage->is_first && usage->column + size + 1 > ARGPARSE_WIDTH) {
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

    (void)argparse_flag_at(option, 0, &flag);
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

    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
        if (!option->is_alternative)
            continue;
        if (last != NULL)
            usage_add(usage, "|");
        usage_add(usage, arena_format(usage->arena, "%s%s%s", last == NULL ? "(" : "", option_syntax(usage->arena, option, false),
                                      argparse_option_at(command, i + 1) == NULL || !argparse_option_at(command, i + 1)->is_alternative ? ")" : ""));
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

void argparse_print_usage(const struct argparse *parsed, FILE *out)
{
    const struct argparse_command *command = parsed->command != NULL ? parsed->command : parsed->tool;
    const char *program = arena_format(parsed->arena, "usage: %s", parsed->tool->name);
    bool is_long = strlen(program) > PROGRAM_COLUMNS_MAX;
    struct usage usage = {parsed->arena, out, is_long ? 6 : (int)strlen(program), is_long ? 6 : (int)strlen(program), true};
    const struct argparse_option *option;

    (void)fprintf(out, is_long ? "%s\n      " : "%s", program);
    for (size_t i = 0; parsed->command != NULL && (option = argparse_option_at(parsed->tool, i)) != NULL; i++) {
        if (option->is_required)
            usage_add(&usage, option_syntax(parsed->arena, option, true));
    }
    if (parsed->command != NULL)
        usage_add(&usage, parsed->command->name);
    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
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
        (void)printf("%*s%s", HELP_COLUMN - column, "", justify_text(arena, help, ARGPARSE_WIDTH, HELP_COLUMN, HELP_COLUMN));
    else if (help != NULL)
        (void)printf("\n%*s%s", HELP_COLUMN, "", justify_text(arena, help, ARGPARSE_WIDTH, HELP_COLUMN, HELP_COLUMN));
    (void)putchar('\n');
}

static void option_help(const struct argparse *parsed, const struct argparse_option *option)
{
    const char *title = "";
    const char *help = option->help;
    struct slice flag;

    for (size_t i = 0; argparse_flag_at(option, i, &flag); i++) {
        title = arena_format(parsed->arena, "%s%s%.*s", title, i == 0 ? "" : ", ", (int)flag.size, (const char *)flag.data);
        if (option->takes != ARGPARSE_FLAG)
            title = arena_format(parsed->arena, "%s %s", title, option->metavar);
        if (option->takes == ARGPARSE_MANY)
            title = arena_format(parsed->arena, "%s [%s ...]", title, option->metavar);
    }
    if (parsed->tool->shows_defaults && option->takes == ARGPARSE_FLAG && option != &argparse_help_option)
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

    argparse_print_usage(parsed, stdout);
    if (command->description != NULL)
        (void)printf("\n%s\n", justify_text(parsed->arena, command->description, ARGPARSE_WIDTH, 0, 0));
    if (command->commands != NULL && command->commands_title == NULL)
        commands_help(parsed);
    (void)puts("\noptional arguments:");
    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
        if (!option->is_alternative || !has_group)
            option_help(parsed, option);
    }
    if (command->commands != NULL && command->commands_title != NULL)
        commands_help(parsed);
    if (!has_group)
        return;
    (void)printf("\n  %s\n\n", justify_text(parsed->arena, command->alternatives_help, ARGPARSE_WIDTH, 2, 2));
    for (size_t i = 0; (option = argparse_option_at(command, i)) != NULL; i++) {
        if (option->is_alternative)
            option_help(parsed, option);
    }
}
