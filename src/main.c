/* main.c: the command table: pick a command, call it, return its status. */
#include "base/banned.h"
#include "cli/commands.h"
#include "compare/compare.h"
#include "generators/generators.h"
#include "os/command.h"
#include "server/commands.h"
#include "tools/events.h"
#include "tools/tools.h"

static const struct command commands[] = {
    {"up", up_main, "Start everything; --with-postgres also a private PostgreSQL"},
    {"down", down_main, "Stop what runs on a data directory"},
    {"status", status_main, "Show what runs on a data directory, and how it does"},
    {"doctor", doctor_main, "Look for what is wrong with machine, PostgreSQL and connectors, and say what to do"},
    {"psql", psql_main, "Open psql on the private PostgreSQL"},
    {"connectors", connectors_main, "List, create, change, stop and delete connectors; Connect's REST API without curl"},
    {"topics", topics_main, "List, create, configure, empty and delete topics"},
    {"groups", groups_main, "Show how far consumer groups are, in records and seconds; move and delete them"},
    {"events", events_main, "Print the change events of a topic as rows"},
    {"generate", generate_main, "Write invented rows to a PostgreSQL: generate transactions, generate temperature"},
    {"trace", trace_main, "Show one row's way from its commit to everything that came of it"},
    {"settings", settings_main, "Print every setting with its meaning, range and value"},
    {"agent", agent_main, "Run a fraud rule over a topic in the foreground"},
    {"alerts", alerts_main, "Show the agents' alerts; acknowledge, resolve, mute them"},
    {"backtest", backtest_main, "Run a rule, or two, over the history of a topic, and score them"},
    {"export", export_main, "Write the change events of a topic as CSV or JSON lines"},
    {"report", report_main, "Run a scheduled batch report in the foreground"},
    {"compare", compare_main, "Change capture beside polling on one table: latency, changes missed, costs"},
    {"completion", completion_main, "Print the script that lets bash, zsh or fish complete words"},
    {NULL, NULL, NULL},
};

/* For the build, which makes a link for each: one name a line. */
static int tool_names_print(void)
{
    for (const struct command *tool = tools_table; tool->name != NULL; tool++)
        (void)printf("%s\n", tool->name);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct command_group group = {
        .name = "tailrace",
        .summary = "Change data capture for PostgreSQL, with a log that speaks the Kafka protocol and Kafka Connect's REST API.",
        .commands = commands,
        .more_title = "Kafka's tools, as \"tailrace kafka-topics …\" and by their own names with and without .sh:",
        .more = tools_table,
        .examples = "tailrace up --with-postgres\ntailrace doctor --postgres postgresql://localhost/shop\ntailrace status",
    };
    const struct command *tool = argc > 0 ? tool_find(argv[0]) : NULL;

    if (argc > 2 && strcmp(argv[1], "--names") == 0)
        return names_main(argc - 1, argv + 1);
    if (tool != NULL)
        return tool->main(argc, argv);
    if (argc < 2) {
        (void)fprintf(stderr, "tailrace: no command; \"tailrace help\" lists all, \"tailrace up\" starts everything\n");
        return 2;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("tailrace %s\n", TAILRACE_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (argc == 2 && strcmp(argv[1], "--tool-names") == 0)
        return tool_names_print();
    if (argc == 2 && strcmp(argv[1], "--manual-settings") == 0)
        return settings_manual_main();
    if (argc > 2 && strcmp(argv[1], "help") == 0) { /* "help topics create" is "topics create --help" */
        memmove(&argv[1], &argv[2], (size_t)(argc - 2) * sizeof(*argv));
        argv[argc - 1] = (char *)(uintptr_t)"--help";
    } else if (argc == 2 && strcmp(argv[1], "help") == 0) {
        argv[1] = (char *)(uintptr_t)"--help";
    }
    return command_dispatch(&group, argc, argv);
}
