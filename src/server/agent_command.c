#include "agents/agent.h"
#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/logger.h"
#include "os/moment.h"
#include "server/command.h"
#include "server/commands.h"

#include <signal.h>
#include <stdatomic.h>

#define FLUSH_MS 200 /* lines wait no longer in a pipe or file, also when more come all the time */

/* What the listener needs. */
struct shown {
    const char *greeting; /* NULL: none */
    bool json, quiet;
    int64_t flushed_ms;
    struct buffer line;
};

static struct agent *interrupted; /* written before the handlers are set: it has begun, and ends with a checkpoint */

static void on_signal(int number)
{
    (void)number;
    agent_interrupt(interrupted);
}

static void began(void *context)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND}; /* a second one ends at once */
    const struct shown *shown = context;

    if (shown->greeting != NULL)
        (void)printf("%s\n", shown->greeting);
    (void)fflush(stdout);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void show(void *context, const struct rule_event *event, const struct rule_verdict *verdict)
{
    struct shown *shown = context;

    if (event == NULL) {
        (void)fflush(stdout);
        return;
    }
    if ((verdict->outcome != RULE_ALERT && (shown->quiet || shown->json)) || (!shown->json && verdict->line == NULL))
        return;
    buffer_reset(&shown->line);
    if (shown->json)
        alert_write(&verdict->alert, &shown->line);
    else
        buffer_append_string(&shown->line, verdict->line);
    buffer_append_u8(&shown->line, '\n');
    (void)fwrite(shown->line.data, 1, shown->line.size, stdout);
    if (verdict->outcome == RULE_ALERT || clock_monotonic_ms() - shown->flushed_ms >= FLUSH_MS) {
        (void)fflush(stdout);
        shown->flushed_ms = clock_monotonic_ms();
    }
}

static enum status settings_read(const struct option_list *assignments, const char *config, struct properties *rule, struct properties *client,
                                 struct error *error)
{
    struct buffer text;
    enum status status = OK;

    for (size_t i = 0; i < assignments->count && status == OK; i++)
        status = properties_set_assignment(rule, assignments->items[i], error);
    if (status != OK || config == NULL)
        return status;
    buffer_init(&text, 1 << 20);
    status = disk_read_file(disk_real(), config, &text, error);
    if (status == OK)
        status = properties_parse(client, buffer_slice(&text), error);
    if (status != OK)
        error_context(error, "client settings %s", config);
    buffer_finish(&text);
    return status;
}

static enum status agent_run_shown(struct agent_spec *spec, struct shown *shown, bool until_end, struct error *error)
{
    struct agent *agent;
    enum status status = agent_create(spec, &agent, error);

    if (status != OK)
        return status;
    if (!shown->json && !shown->quiet)
        shown->greeting = rule_find(spec->rule)->greeting;
    interrupted = agent;
    status = agent_run(agent, until_end, error);
    (void)fflush(stdout);
    agent_destroy(agent);
    return status;
}

/* With the settings of the rule and of the client. */
static enum status run(struct agent_spec *spec, struct shown *shown, const struct option_list *assignments, const char *config, bool until_end,
                       struct error *error)
{
    struct properties rule, client;
    enum status status;

    (void)logger_set_level(NULL, "warning");
    (void)logger_set_level("script", "info"); /* what a script prints */
    (void)logger_set_level("model", "info");  /* which one scores, and when another takes over */
    properties_init(&rule);
    properties_init(&client);
    spec->settings = &rule;
    spec->client = &client;
    spec->listener = show;
    spec->began = began;
    spec->context = shown;
    buffer_init(&shown->line, 1 << 20);
    status = settings_read(assignments, config, &rule, &client, error);
    if (status == OK)
        status = agent_run_shown(spec, shown, until_end, error);
    buffer_finish(&shown->line);
    properties_finish(&rule);
    properties_finish(&client);
    return status;
}

/* What is given as words. Errors: USAGE */
static enum status words_read(const char *time, const char *fold, struct agent_spec *spec, struct error *error)
{
    if (spec->topic == NULL)
        return error_set(error, ERROR_USAGE, "tailrace agent: --topic is missing; see tailrace agent --help");
    if (time != NULL && strcmp(time, "event") != 0 && strcmp(time, "processing") != 0)
        return error_set(error, ERROR_USAGE, "--time %s: it has to be event or processing", time);
    if (fold != NULL && !duration_parse(fold, &spec->fold_ms))
        return error_set(error, ERROR_USAGE, "--fold %s: it has to be a duration such as 60s or 10m", fold);
    spec->time = time == NULL ? AGENT_TIME_OF_RULE : strcmp(time, "event") == 0 ? AGENT_TIME_EVENT : AGENT_TIME_PROCESSING;
    return OK;
}

int agent_main(int argc, char **argv)
{
    struct agent_spec spec;
    struct shown shown = {NULL, false, false, 0, {0}};
    struct option_list assignments = {{0}, 0};
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    const char *config = NULL, *bootstrap = "localhost:9092", *name = NULL, *time = NULL, *fold = NULL;
    bool until_end = false;
    size_t operand_count = 0;
    struct error error;
    enum status status;
    int ended;

    agent_spec_init(&spec);
    const struct option_row rows[] = {
        {"topic", OPTION_TEXT, &spec.topic, "TOPIC", "Topic of change events to read (required)", 0, 0},
        {"bootstrap-server", OPTION_TEXT, &bootstrap, "HOST:PORT", "Where Kafka's protocol is spoken; default localhost:9092", 0, 0},
        {"group", OPTION_TEXT, &spec.group, "GROUP", "Consumer group; default: the agent's name", 0, 0},
        {"name", OPTION_TEXT, &name, "NAME", "Name of the agent, for its state and alerts; default: the rule's name", 0, 0},
        {"from-beginning", OPTION_FLAG, &spec.from_beginning, NULL, "Begin with the oldest record when the group has no position yet", 0, 0},
        {"key", OPTION_TEXT, &spec.key, "COLUMN", "Column that the state is kept by; default: the rule's own", 0, 0},
        {"operations", OPTION_TEXT, &spec.operations, "c,r,u,d", "Which changes are judged; default c,r", 0, 0},
        {"time", OPTION_TEXT, &time, "event|processing", "Which time windows go by; default: the rule's own", 0, 0},
        {"alerts-topic", OPTION_TEXT, &spec.alerts_topic, "TOPIC", "Where alerts go; default: <first part of TOPIC>.alerts", 0, 0},
        {"fold", OPTION_TEXT, &fold, "DURATION", "Alerts of one key so soon after one that went out, by commit time, are counted instead of sent: 60s, 10m", 0, 0},
        {"enriched", OPTION_FLAG, &spec.enriched, NULL, "Emit every judged row with what was looked at to topic <first part of TOPIC>.enriched", 0, 0},
        {"enriched-topic", OPTION_TEXT, &spec.enriched_topic, "TOPIC", "The same, and what scripts emit, to this topic", 0, 0},
        {"set", OPTION_LIST, &assignments, "KEY=VALUE", "Setting of the rule; may come several times", 0, 0},
        {"command-config", OPTION_TEXT, &config, "FILE", "Settings of the Kafka client, as a properties file", 0, 0},
        {"json", OPTION_FLAG, &shown.json, NULL, "Print each alert as one line of JSON, and nothing else", 0, 0},
        {"quiet", OPTION_FLAG, &shown.quiet, NULL, "Print alerts only", 0, 0},
        {"until-end", OPTION_FLAG, &until_end, NULL, "Stop when all that is there has been read", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    const struct options options = {
        .command = "tailrace agent",
        .operands = "RULE",
        .summary = "Runs a rule over a topic in the foreground, on any Kafka cluster, and prints what it finds.",
        .rows = rows,
        .operands_max = 1,
        .operands_min = 1,
        .examples = "tailrace agent spending-pattern --topic dbserver1.public.transactions --from-beginning\n"
                    "tailrace agent lua --set script=rule.lua --topic dbserver1.public.transactions --json",
        .description = "The rule lua is a script of your own. A committed position of the group goes before --from-beginning.",
    };

    ended = command_options(&options, argc, argv, operands, &operand_count);
    spec.rule = operand_count > 0 ? operands[0] : NULL;
    memory_free(operands);
    if (ended >= 0)
        return ended;
    spec.name = name == NULL ? spec.rule : name;
    spec.bootstrap_servers = bootstrap;
    status = words_read(time, fold, &spec, &error);
    if (status == OK)
        status = run(&spec, &shown, &assignments, config, until_end, &error);
    return status == OK ? 0 : command_fail(&error);
}
