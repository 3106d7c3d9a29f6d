/*
 * bench/agents.c: transactions a second that one agent judges on one core, from a topic that a connector has written.
 *
 *   agents LOG_DIRECTORY TOPIC NAME RULE CHECKPOINT_MS [KEY=VALUE…]      settings of the rule: lua needs script=FILE
 *
 * Opens the log of a Tailrace that does not run and reads the topic from its beginning to its end with a new agent called NAME.
 * Prints one line of JSON. The CPU time is that of the whole process while the agent ran (the committer's threads included), the
 * memory how far the peak of the resident memory rose. What the last checkpoint took is left out of the seconds, so that an agent
 * with CHECKPOINT_MS past the end of the topic shows what the others cost.
 */
#include "agents/agent.h"
#include "base/banned.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/store.h"

#include <inttypes.h>
#include <sys/resource.h>

static struct error failure;

static void check(enum status status)
{
    if (status == OK)
        return;
    (void)fprintf(stderr, "agents: %s\n", failure.message);
    exit(1);
}

static double cpu_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* A line of /proc/self/status in MB. */
static double memory_mb(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double mb = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            mb = strtod(line + strlen(name) + 1, NULL) / 1024;
    }
    if (file != NULL)
        (void)fclose(file);
    return mb;
}

/* From here on VmHWM is the peak since now. */
static void peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (file == NULL)
        return;
    (void)fputs("5", file);
    (void)fclose(file);
}

static void measure(struct agent *agent, const char *rule)
{
    struct agent_status status;
    double cpu, resident, growth;
    int64_t began_ns, ns, checkpoints_us;

    peak_reset();
    resident = memory_mb("VmRSS");
    cpu = cpu_seconds();
    began_ns = clock_monotonic_ns();
    check(agent_run(agent, true, &failure));
    ns = clock_monotonic_ns() - began_ns;
    cpu = cpu_seconds() - cpu;
    growth = memory_mb("VmHWM") - resident;
    agent_status_read(agent, &status);
    ns -= status.checkpoint_us * 1000;
    checkpoints_us = status.checkpoints_us - status.checkpoint_us;
    (void)printf("{\"rule\": \"%s\", \"rows\": %" PRId64 ", \"seconds\": %.3f, \"rows_per_second\": %.0f, \"rows_per_cpu_second\": %.0f, \"alerts\": %" PRId64
                 ", \"unread\": %" PRId64 ", \"keys\": %zu, \"state_mb\": %.1f, \"growth_mb\": %.1f, \"checkpoints\": %" PRId64 ", \"checkpoint_share\": %.4f}\n",
                 rule, status.judged, (double)ns / 1e9, (double)status.judged * 1e9 / (double)ns, (double)status.judged / cpu, status.alerts,
                 status.dead_letters, status.states.keys, (double)status.states.bytes / 1e6, growth, status.checkpoints,
                 (double)checkpoints_us * 1e3 / (double)ns);
}

int main(int argc, char **argv)
{
    struct store_settings settings = {.default_partitions = 1, .flush_acks = true, .sync_threads = 2};
    struct agent_spec spec;
    struct store *store;
    struct log *log;
    struct agent *agent;
    struct properties rule;

    if (argc < 6) {
        (void)fprintf(stderr, "usage: agents LOG_DIRECTORY TOPIC NAME RULE CHECKPOINT_MS [KEY=VALUE…]\n");
        return 2;
    }
    (void)logger_set_level(NULL, "warning");
    settings.directory = argv[1];
    check(store_open(&settings, &store, &failure));
    log = log_open_embedded(store);
    properties_init(&rule);
    for (int i = 6; i < argc; i++)
        check(properties_set_assignment(&rule, argv[i], &failure));
    agent_spec_init(&spec);
    spec.settings = &rule;
    spec.topic = argv[2];
    spec.name = argv[3];
    spec.rule = argv[4];
    spec.checkpoint_ms = strtoll(argv[5], NULL, 10);
    spec.from_beginning = true;
    spec.log = log;
    check(agent_create(&spec, &agent, &failure));
    measure(agent, argv[4]);
    agent_destroy(agent);
    properties_finish(&rule);
    log_close(log);
    store_close(store);
    return 0;
}
