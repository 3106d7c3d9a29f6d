/* main.c: the command table: pick a command, call it, return its status. */
#include "base/banned.h"
#include "base/text.h"
#include "generators/generators.h"
#include "server/commands.h"
#include "tools/events.h"
#include "tools/tools.h"

struct command {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *summary;
};

static int help_main(int argc, char **argv);

static const struct command commands[] = {
    {"up", up_main, "Start everything; --with-postgres also a private PostgreSQL"},
    {"down", down_main, "Stop what runs on a data directory"},
    {"status", status_main, "Show what runs on a data directory, and how it does"},
    {"psql", psql_main, "Open psql on the private PostgreSQL"},
    {"events", events_main, "Print the change events of a topic as rows"},
    {"generate", generate_main, "Write invented rows to a PostgreSQL: generate transactions, generate temperature"},
    {"settings", settings_main, "Print every setting with its meaning, range and value"},
    {"agent", agent_main, "Run a fraud rule over a topic in the foreground"},
    {"alerts", alerts_main, "Show the agents' alerts; acknowledge, resolve, mute them"},
    {"backtest", backtest_main, "Run a rule, or two, over the history of a topic, and score them"},
    {"export", export_main, "Write the change events of a topic as CSV or JSON lines"},
    {"report", report_main, "Run a scheduled batch report in the foreground"},
    {"help", help_main, "Print this"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)printf("usage: tailrace COMMAND [option]…      (each COMMAND has --help)\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)printf("  %-28s %s\n", commands[i].name, commands[i].summary);
    (void)printf("\nKafka's tools, as \"tailrace kafka-topics …\" and by their own names with and without .sh:\n\n");
    for (const struct tool *tool = tools_table; tool->name != NULL; tool++)
        (void)printf("  %-28s %s\n", tool->name, tool->summary);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* For the build, which makes a link for each: one name a line. */
static int tool_names_print(void)
{
    for (const struct tool *tool = tools_table; tool->name != NULL; tool++)
        (void)printf("%s\n", tool->name);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int unknown_command(const char *name)
{
    struct text_nearest nearest;
    const char *best;

    text_nearest_init(&nearest, name);
    for (size_t i = 0; i < COMMANDS; i++)
        text_nearest_offer(&nearest, commands[i].name);
    for (const struct tool *tool = tools_table; tool->name != NULL; tool++)
        text_nearest_offer(&nearest, tool->name);
    best = text_nearest_found(&nearest);
    if (best != NULL)
        (void)fprintf(stderr, "tailrace: there is no command \"%s\"; did you mean \"%s\"?\n", name, best);
    else
        (void)fprintf(stderr, "tailrace: there is no command \"%s\"; \"tailrace help\" lists all\n", name);
    return 2;
}

static int command_run(int argc, char **argv)
{
    const struct tool *tool = tool_find(argv[0]);

    if (tool != NULL)
        return tool->main(argc, argv);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, argv[0]) == 0)
            return commands[i].main(argc, argv);
    }
    return unknown_command(argv[0]);
}

int main(int argc, char **argv)
{
    const struct tool *tool = argc > 0 ? tool_find(argv[0]) : NULL;

    if (tool != NULL)
        return tool->main(argc, argv);
    if (argc < 2) {
        (void)fprintf(stderr, "tailrace: no command; \"tailrace help\" lists all, \"tailrace up\" starts everything\n");
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("tailrace %s\n", TAILRACE_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (strcmp(argv[1], "--tool-names") == 0)
        return tool_names_print();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help_main(argc - 1, argv + 1);
    return command_run(argc - 1, argv + 1);
}
