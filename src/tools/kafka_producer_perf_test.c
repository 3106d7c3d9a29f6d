/* kafka-producer-perf-test: sends records as fast as it can or as told, and says how long they took. Source: ProducerPerformance */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/random.h"
#include "tools/argparse.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/perf_metrics.h"
#include "tools/perf_stats.h"
#include "tools/producer.h"
#include "tools/settings.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <limits.h>
#include <pcre2.h>
#include <stdlib.h>
#include <unistd.h>

#define TRANSACTION_MS_DEFAULT 3000
#define SEND_BYTES 16384      /* queued before the sockets get their turn */
#define PAUSE_MIN_NS 2000000  /* shorter waits are saved up */
#define NS_PER_MS 1000000
#define WAIT_FOREVER_MS 60000

static const struct argparse_option options[] = {
    {.flags = "--bootstrap-server", .metavar = "BOOTSTRAP-SERVER", .help = "The brokers to connect to."},
    {.flags = "--topic", .metavar = "TOPIC", .is_required = true, .help = "The topic to send to."},
    {.flags = "--num-records", .metavar = "NUM-RECORDS", .type = ARGPARSE_LONG, .is_required = true, .help = "How many records to send."},
    {.flags = "--payload-delimiter", .metavar = "PAYLOAD-DELIMITER", .default_value = "\\n",
     .help = "Regular expression for what stands between the payloads of --payload-file."},
    {.flags = "--throughput", .metavar = "THROUGHPUT", .type = ARGPARSE_DOUBLE, .is_required = true,
     .help = "Records per second at most; -1 for no limit."},
    {.flags = "--producer-props", .takes = ARGPARSE_MANY, .metavar = "PROP-NAME=PROP-VALUE",
     .help = "(DEPRECATED) Old name of --command-property."},
    {.flags = "--command-property", .takes = ARGPARSE_MANY, .metavar = "PROP-NAME=PROP-VALUE",
     .help = "Producer settings; they win over those of --command-config. Example: --command-property linger.ms=10 batch.size=32768"},
    {.flags = "--producer.config", .metavar = "CONFIG-FILE", .help = "(DEPRECATED) Old name of --command-config."},
    {.flags = "--command-config", .metavar = "CONFIG-FILE", .help = "File with producer settings."},
    {.flags = "--print-metrics", .takes = ARGPARSE_FLAG, .help = "Print what the producer counted at the end."},
    {.flags = "--transactional-id", .metavar = "TRANSACTIONAL-ID",
     .help = "Send in transactions under this name. Without it and with --transaction-duration-ms a name is made up."},
    {.flags = "--transaction-duration-ms", .metavar = "TRANSACTION-DURATION", .type = ARGPARSE_LONG,
     .help = "How long a transaction lasts before it is committed; 3000 when only a name is given."},
    {.flags = "--warmup-records", .metavar = "WARMUP-RECORDS", .type = ARGPARSE_LONG, .default_value = "0",
     .help = "The first records, which a second summary at the end leaves out."},
    {.flags = "--reporting-interval", .metavar = "INTERVAL-MS", .type = ARGPARSE_LONG, .default_value = "5000",
     .help = "Milliseconds from one line to the next."},
    {.flags = "--record-size", .metavar = "RECORD-SIZE", .type = ARGPARSE_INT, .is_alternative = true, .help = "Bytes of a record."},
    {.flags = "--payload-file", .metavar = "PAYLOAD-FILE", .is_alternative = true, .help = "File of payloads, of which each record gets one."},
    {.flags = "--payload-monotonic", .takes = ARGPARSE_FLAG, .is_alternative = true, .help = "Payloads are 0, 1, 2 and so on."},
    {0},
};

static const struct argparse_command command = {
    .name = "kafka-producer-perf-test",
    .description = "Measures how fast records can be sent to a topic. With --transactional-id, --transaction-duration-ms or a setting "
                   "transactional.id they are sent in transactions.",
    .options = options,
    .alternatives_help = "Exactly one of --record-size, --payload-file and --payload-monotonic has to be given.",
    .shows_defaults = true,
};

struct producer_perf {
    struct arena *arena;
    struct argparse options;
    struct properties settings;
    struct producer *producer;
    const char *topic;
    int64_t record_count;
    int64_t warmup_count;
    int64_t transaction_ms; /* -1: no transactions */
    double rate_max;        /* records per second; below 0: as many as possible */
    struct slice *payloads;
    size_t payload_count;
    uint8_t *bytes;         /* one record's worth */
    char number[24];        /* the payload that is one */
    int32_t record_bytes;   /* 0: numbers or payloads of a file */
    uint64_t random;
    uint64_t error_count;
    struct perf_stats stats;
    struct perf_stats steady; /* after the warmup; count 0 and no latencies before */
};

/* ---- Options ---- */

static const char *deprecated_name(const struct producer_perf *tool, const char *old_name, const char *name)
{
    return argparse_has(&tool->options, old_name) ? old_name : name;
}

static void deprecation_print(const struct producer_perf *tool, const char *old_name, const char *name)
{
    if (argparse_has(&tool->options, old_name))
        (void)printf("Option --%s has been deprecated and will be removed in a future version. Use --%s instead.\n", old_name, name);
}

/* NULL when the options fit together. */
static const char *options_problem(const struct producer_perf *tool)
{
    const struct argparse *given = &tool->options;

    if (tool->record_count <= 0)
        return "--num-records should be greater than zero.";
    if (tool->warmup_count >= tool->record_count)
        return "The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records.";
    if (argparse_has(given, "record-size") && argparse_number(given, "record-size", 0) <= 0)
        return "--record-size should be greater than zero.";
    if (!argparse_has(given, "bootstrap-server") && !argparse_has(given, "command-property") && !argparse_has(given, "producer-props") &&
        !argparse_has(given, "producer.config") && !argparse_has(given, "command-config"))
        return "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.";
    if (argparse_has(given, "command-property") && argparse_has(given, "producer-props"))
        return "--command-property and --producer-props cannot be specified together.";
    if (argparse_has(given, "command-config") && argparse_has(given, "producer.config"))
        return "--command-config and --producer.config cannot be specified together.";
    if (argparse_has(given, "transaction-duration-ms") && tool->transaction_ms <= 0)
        return "--transaction-duration-ms should be greater than zero.";
    if (argparse_number(given, "reporting-interval", 0) <= 0)
        return "--reporting-interval should be greater than zero.";
    return NULL;
}

static const struct failure *setting_add(struct producer_perf *tool, const char *assignment)
{
    const char *equals = strchr(assignment, '=');

    if (equals == NULL || equals[1] == '\0' || strchr(equals + 1, '=') != NULL)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Invalid property: %s", assignment);
    settings_add_assignment(&tool->settings, assignment);
    return NULL;
}

static const struct failure *settings_gather(struct producer_perf *tool)
{
    const char *file = argparse_text(&tool->options, deprecated_name(tool, "producer.config", "command-config"));
    const char *option = deprecated_name(tool, "producer-props", "command-property");
    const char *bootstrap = argparse_text(&tool->options, "bootstrap-server");
    const char *assignment;
    const struct failure *failure = file == NULL ? NULL : settings_load_file(tool->arena, file, &tool->settings);

    for (size_t i = 0; failure == NULL && (assignment = argparse_nth(&tool->options, option, i)) != NULL; i++)
        failure = setting_add(tool, assignment);
    if (bootstrap != NULL)
        properties_set(&tool->settings, "bootstrap.servers", bootstrap);
    settings_default(&tool->settings, "client.id", "perf-producer-client");
    return failure;
}

static void transactions_choose(struct producer_perf *tool)
{
    const char *name = argparse_text(&tool->options, "transactional-id");

    if (name != NULL)
        properties_set(&tool->settings, "transactional.id", name);
    if (tool->transaction_ms < 0 && !properties_has(&tool->settings, "transactional.id"))
        return;
    if (!properties_has(&tool->settings, "transactional.id")) {
        struct uuid id = random_uuid();
        char text[UUID_BASE64_SIZE];

        uuid_to_base64(&id, text);
        properties_set(&tool->settings, "transactional.id", arena_format(tool->arena, "performance-producer-%s", text));
    }
    if (tool->transaction_ms < 0)
        tool->transaction_ms = TRANSACTION_MS_DEFAULT;
}

/* ---- Payloads ---- */

static const struct failure *delimiter_compile(struct producer_perf *tool, pcre2_code **delimiter)
{
    const char *text = argparse_text(&tool->options, "payload-delimiter");
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[160];

    *delimiter = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_UTF, &code, &at, NULL);
    if (*delimiter != NULL)
        return NULL;
    (void)pcre2_get_error_message(code, why, sizeof(why));
    return failure_of(tool->arena, "java.util.regex.PatternSyntaxException", "%s near index %zu\n%s", (const char *)why, (size_t)at, text);
}

static void payload_add(struct producer_perf *tool, struct slice payload, size_t *capacity)
{
    if (tool->payload_count == *capacity) {
        struct slice *grown = arena_new_array(tool->arena, *capacity * 2 + 64, sizeof(*grown));

        if (*capacity > 0)
            memcpy(grown, tool->payloads, *capacity * sizeof(*grown));
        tool->payloads = grown;
        *capacity = *capacity * 2 + 64;
    }
    tool->payloads[tool->payload_count++] = payload;
}

/* As java.util.Scanner does: a delimiter in front of a payload belongs to it, the last payload need not have one behind it. */
static void payloads_split(struct producer_perf *tool, struct slice content, const pcre2_code *delimiter)
{
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(delimiter, NULL);
    const PCRE2_SIZE *found = match == NULL ? NULL : pcre2_get_ovector_pointer(match);
    size_t capacity = 0;
    size_t at = 0;

    while (found != NULL && at < content.size) {
        size_t end = content.size;

        if (pcre2_match(delimiter, content.data, content.size, at, PCRE2_ANCHORED, match, NULL) >= 0)
            at = found[1];
        if (at >= content.size)
            break;
        if (pcre2_match(delimiter, content.data, content.size, at, 0, match, NULL) >= 0 &&
            (found[1] > at || pcre2_match(delimiter, content.data, content.size, at + 1, 0, match, NULL) >= 0))
            end = found[0];
        payload_add(tool, slice_of(content.data + at, end - at), &capacity);
        at = end;
    }
    pcre2_match_data_free(match);
}

static const struct failure *payloads_read(struct producer_perf *tool, const char *path)
{
    char directory[PATH_MAX];
    struct slice content = {0};
    pcre2_code *delimiter;
    const struct failure *failure;

    if (path[0] == '/' || getcwd(directory, sizeof(directory)) == NULL)
        (void)printf("Reading payloads from: %s\n", path);
    else
        (void)printf("Reading payloads from: %s/%s\n", directory, path);
    (void)fflush(stdout);
    if (settings_read_file(tool->arena, path, &content) != NULL || content.size == 0)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "File does not exist or empty file provided.");
    failure = delimiter_compile(tool, &delimiter);
    if (failure != NULL)
        return failure;
    payloads_split(tool, content, delimiter);
    pcre2_code_free(delimiter);
    (void)printf("Number of records read: %zu\n", tool->payload_count);
    if (tool->payload_count == 0)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "no payload File Path or record Size or payload-monotonic option provided");
    return NULL;
}

/* A cheap sequence that looks random; the same in every run. */
static uint32_t random_next(struct producer_perf *tool)
{
    tool->random = tool->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(tool->random >> 32);
}

static struct slice payload_make(struct producer_perf *tool, int64_t at)
{
    if (tool->payload_count > 0)
        return tool->payloads[random_next(tool) % tool->payload_count];
    for (int32_t i = 0; i < tool->record_bytes; i++)
        tool->bytes[i] = (uint8_t)('A' + (((uint64_t)random_next(tool) * 26) >> 32));
    if (tool->record_bytes > 0)
        return slice_of(tool->bytes, (size_t)tool->record_bytes);
    (void)snprintf(tool->number, sizeof(tool->number), "%lld", (long long)at);
    return slice_from_string(tool->number);
}

/* ---- Sending ---- */

static void record_done(void *context, const struct producer_receipt *receipt, const struct failure *failure)
{
    struct producer_perf *tool = context;
    int64_t latency_ms = clock_monotonic_ms() - receipt->queued_ms;

    if (failure != NULL) {
        tool->error_count++;
        failure_print(stderr, failure);
        return;
    }
    perf_stats_add(&tool->stats, latency_ms, receipt->value_bytes);
    if (tool->steady.latencies != NULL && receipt->ordinal >= (uint64_t)tool->warmup_count)
        perf_stats_add(&tool->steady, latency_ms, receipt->value_bytes);
}

/* How far the records are ahead of the wanted rate. Source: ThroughputThrottler */
struct pace {
    int64_t started_ms;
    int64_t deficit_ns;
};

static void pace_keep(struct producer_perf *tool, struct pace *pace, int64_t sent)
{
    double elapsed = (double)(clock_monotonic_ms() - pace->started_ms) / 1000.0;
    int64_t begun_ns;

    if (tool->rate_max < 0 || elapsed <= 0 || (double)sent / elapsed <= tool->rate_max)
        return;
    while (tool->rate_max == 0)
        producer_progress(tool->producer, WAIT_FOREVER_MS, -1);
    pace->deficit_ns += (int64_t)(1e9 / tool->rate_max);
    if (pace->deficit_ns < PAUSE_MIN_NS)
        return;
    begun_ns = clock_monotonic_ns();
    for (;;) {
        int64_t left_ns = pace->deficit_ns - (clock_monotonic_ns() - begun_ns);

        if (left_ns <= 0)
            break;
        producer_progress(tool->producer, (left_ns + NS_PER_MS - 1) / NS_PER_MS, -1);
    }
    pace->deficit_ns -= clock_monotonic_ns() - begun_ns;
}

static const struct failure *record_send(struct producer_perf *tool, int64_t at, size_t *queued)
{
    struct producer_message message = {.topic = slice_from_string(tool->topic), .value = payload_make(tool, at)};
    const struct failure *failure;

    if (tool->warmup_count > 0 && at == tool->warmup_count) {
        perf_stats_start(&tool->steady, tool->arena, tool->record_count - tool->warmup_count, tool->stats.interval_ms, true);
        tool->stats.is_quiet = true;
    }
    failure = producer_send(tool->producer, &message);
    if (failure != NULL && !failure->is_api_error)
        return failure;
    if (failure != NULL) {
        tool->error_count++;
        failure_print(stderr, failure);
    }
    *queued += message.value.size + 1;
    if (*queued >= SEND_BYTES) {
        producer_progress(tool->producer, 0, -1);
        *queued = 0;
    }
    return NULL;
}

static const struct failure *records_send(struct producer_perf *tool)
{
    const struct failure *failure = NULL;
    struct pace pace = {.started_ms = clock_monotonic_ms()};
    int64_t transaction_started_ms = -1;
    size_t queued = 0;

    for (int64_t i = 0; i < tool->record_count && failure == NULL; i++) {
        int64_t now_ms = clock_monotonic_ms();

        if (transaction_started_ms < 0)
            transaction_started_ms = now_ms;
        failure = record_send(tool, i, &queued);
        if (failure == NULL && tool->transaction_ms > 0 && tool->transaction_ms <= now_ms - transaction_started_ms) {
            failure = producer_commit(tool->producer);
            transaction_started_ms = -1;
        }
        pace_keep(tool, &pace, i);
    }
    if (failure == NULL && tool->transaction_ms > 0 && transaction_started_ms >= 0)
        failure = producer_commit(tool->producer);
    return failure;
}

/* ---- The tool ---- */

static void metrics_print(const struct producer_perf *tool)
{
    const char *topic = arena_format(tool->arena, ", topic=%s", tool->topic);
    const char *sent = arena_format(tool->arena, "%lld.000", (long long)tool->stats.count);
    const char *errors = arena_format(tool->arena, "%llu.000", (unsigned long long)tool->error_count);
    const struct perf_metric metrics[] = {
        {"producer-metrics:record-error-total", NULL, errors},
        {"producer-metrics:record-send-total", NULL, sent},
        {"producer-topic-metrics:record-error-total", topic, errors},
        {"producer-topic-metrics:record-send-total", topic, sent},
    };

    perf_metrics_print(tool->arena, properties_get(&tool->settings, "client.id"), metrics, sizeof(metrics) / sizeof(metrics[0]));
}

static const struct failure *perf_start(struct producer_perf *tool)
{
    const char *file = argparse_text(&tool->options, "payload-file");
    const struct failure *failure = file == NULL ? NULL : payloads_read(tool, file);

    if (failure == NULL)
        failure = settings_gather(tool);
    if (failure != NULL)
        return failure;
    transactions_choose(tool);
    failure = producer_create(tool->arena, &tool->settings, record_done, tool, &tool->producer);
    if (failure == NULL && tool->transaction_ms > 0)
        failure = producer_begin_transactions(tool->producer);
    return failure;
}

static int perf_run(struct producer_perf *tool)
{
    const struct failure *failure = perf_start(tool);

    if (failure == NULL) {
        if (tool->warmup_count > 0)
            (void)printf("Warmup first %lld records. Steady state results will print after the complete test summary.\n",
                         (long long)tool->warmup_count);
        (void)fflush(stdout);
        perf_stats_start(&tool->stats, tool->arena, tool->record_count, argparse_number(&tool->options, "reporting-interval", 0), false);
        failure = records_send(tool);
    }
    if (failure != NULL)
        return console_print_uncaught(failure);
    producer_flush(tool->producer);
    perf_stats_print(&tool->stats);
    if (tool->steady.latencies != NULL)
        perf_stats_print(&tool->steady);
    if (argparse_has(&tool->options, "print-metrics"))
        metrics_print(tool);
    return 0;
}

static int producer_perf_run(struct arena *arena, int argc, char **argv)
{
    struct producer_perf tool = {.arena = arena, .transaction_ms = -1, .random = 1};
    const char *problem;
    int exit_code = 0;

    if (argc == 1) {
        tool.options = (struct argparse){.arena = arena, .tool = &command};
        argparse_print_help(&tool.options);
        return 0;
    }
    if (!argparse_read(&tool.options, arena, &command, argc, argv, &exit_code))
        return exit_code;
    tool.topic = argparse_text(&tool.options, "topic");
    tool.record_count = argparse_number(&tool.options, "num-records", 0);
    tool.warmup_count = argparse_number(&tool.options, "warmup-records", 0);
    tool.transaction_ms = argparse_number(&tool.options, "transaction-duration-ms", -1);
    tool.rate_max = argparse_double(&tool.options, "throughput");
    tool.record_bytes = (int32_t)argparse_number(&tool.options, "record-size", 0);
    problem = options_problem(&tool);
    if (problem != NULL)
        return argparse_error(&tool.options, "%s", problem);
    deprecation_print(&tool, "producer-props", "command-property");
    deprecation_print(&tool, "producer.config", "command-config");
    if (tool.record_bytes > 0)
        tool.bytes = arena_new(arena, (size_t)tool.record_bytes);
    exit_code = perf_run(&tool);
    producer_destroy(tool.producer);
    properties_finish(&tool.settings);
    return exit_code;
}

int kafka_producer_perf_test_main(int argc, char **argv)
{
    return command_run(argc, argv, producer_perf_run);
}
