#include "os/command.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/terminal.h"

#include <errno.h>

#define TEXT_BYTES_MAX (256 * 1024)
#define GROUP_NAME_COLUMNS 26

int command_fail(const struct error *error)
{
    const char *name = strncmp(error->message, "tailrace ", strlen("tailrace ")) == 0 ? "" : "tailrace: "; /* "tailrace topics: …" names itself */

    (void)fprintf(stderr, "%s%s%s%s\n", terminal_style(2, STYLE_BAD), name, terminal_style(2, STYLE_PLAIN), error->message);
    return status_exit_code(error->status);
}

int command_print(struct slice text)
{
    if ((text.size > 0 && fwrite(text.data, 1, text.size, stdout) != text.size) || fflush(stdout) != 0) {
        (void)fprintf(stderr, "tailrace: write to standard output: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}

bool command_is_question(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--manual") == 0 || strcmp(argv[1], "--complete") == 0);
}

int command_options(const struct options *options, int argc, char **argv, const char **operands, size_t *operand_count)
{
    bool is_question = command_is_question(argc, argv), help_wanted = false;
    struct error error;
    struct buffer text;
    int code;

    if (!is_question && options_parse(options, argc, argv, operands, operand_count, &help_wanted, &error) != OK)
        return command_fail(&error);
    if (!is_question && !help_wanted)
        return -1;
    buffer_init(&text, TEXT_BYTES_MAX);
    if (help_wanted)
        options_help(options, *operand_count == 0 ? NULL : operands[0], &text);
    else if (strcmp(argv[1], "--manual") == 0)
        options_manual(options, &text);
    else
        options_complete(options, argc - 2, argv + 2, &text);
    code = command_print(buffer_slice(&text));
    buffer_finish(&text);
    return code;
}

/* ---- Groups of commands ---- */

static const struct command *command_find(const struct command_group *group, const char *name)
{
    const struct command *const lists[] = {group->commands, group->more};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const struct command *command = lists[i]; command != NULL && command->name != NULL; command++) {
            if (strcmp(command->name, name) == 0)
                return command;
        }
    }
    return NULL;
}

static int command_unknown(const struct command_group *group, const char *name)
{
    struct text_nearest nearest;
    struct error error;

    text_nearest_init(&nearest, name);
    for (const struct command *command = group->commands; command->name != NULL; command++)
        text_nearest_offer(&nearest, command->name);
    for (const struct command *command = group->more; command != NULL && command->name != NULL; command++)
        text_nearest_offer(&nearest, command->name);
    if (text_nearest_found(&nearest) != NULL)
        (void)error_set(&error, ERROR_USAGE, "there is no command \"%s\"; did you mean \"%s\"?", name, text_nearest_found(&nearest));
    else
        (void)error_set(&error, ERROR_USAGE, "there is no command \"%s\"; %s --help lists all", name, group->name);
    return command_fail(&error);
}

static int group_help(const struct command_group *group)
{
    struct buffer text;
    int code;

    buffer_init(&text, TEXT_BYTES_MAX);
    buffer_append_format(&text, "usage: %s COMMAND [option]…\n", group->name);
    page_wrap(&text, slice_from_string(group->summary), 0, 0, OPTIONS_HELP_COLUMNS);
    buffer_append_string(&text, "\n\n");
    for (const struct command *command = group->commands; command->name != NULL; command++)
        options_help_line(&text, GROUP_NAME_COLUMNS, command->name, NULL, command->summary);
    if (group->more != NULL)
        buffer_append_format(&text, "\n%s\n\n", group->more_title);
    for (const struct command *command = group->more; command != NULL && command->name != NULL; command++)
        options_help_line(&text, GROUP_NAME_COLUMNS, command->name, NULL, command->summary);
    buffer_append_format(&text, "\nEach COMMAND has --help.\n");
    options_help_examples(group->examples, &text);
    code = command_print(buffer_slice(&text));
    buffer_finish(&text);
    return code;
}

/* The manual of all but the second list, whose commands have pages of their own. */
static int group_manual(const struct command_group *group, char **argv)
{
    int code = 0;

    for (const struct command *command = group->commands; command->name != NULL && code == 0; command++)
        code = command->main(2, (char *[]){(char *)(uintptr_t)command->name, argv[1], NULL});
    return code;
}

/* argv[2…] are the words so far. */
static int group_complete(const struct command_group *group, int argc, char **argv)
{
    const char *typed = argc > 2 ? argv[2] : "";
    const struct command *command = command_find(group, typed);
    struct buffer text;
    int code;

    if (argc > 3 && command != NULL) {
        argv[2] = argv[1];
        argv[1] = (char *)(uintptr_t)command->name;
        return command->main(argc - 1, argv + 1);
    }
    if (argc > 3)
        return 0;
    buffer_init(&text, TEXT_BYTES_MAX);
    for (command = group->commands; command->name != NULL; command++)
        completion_offer(command->name, command->summary, typed, &text);
    for (command = group->more; command != NULL && command->name != NULL; command++)
        completion_offer(command->name, command->summary, typed, &text);
    completion_offer("--help", "List the commands", typed, &text);
    code = command_print(buffer_slice(&text));
    buffer_finish(&text);
    return code;
}

int command_dispatch(const struct command_group *group, int argc, char **argv)
{
    const struct command *command;
    struct error error;

    if (argc < 2) {
        (void)error_set(&error, ERROR_USAGE, "%s: which command? %s --help lists all", group->name, group->name);
        return command_fail(&error);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return group_help(group);
    if (strcmp(argv[1], "--manual") == 0)
        return group_manual(group, argv);
    if (strcmp(argv[1], "--complete") == 0)
        return group_complete(group, argc, argv);
    command = command_find(group, argv[1]);
    return command == NULL ? command_unknown(group, argv[1]) : command->main(argc - 1, argv + 1);
}
