/* kafka-consumer-perf-test: reads records as fast as it can and says how fast that was. Source: ConsumerPerformance */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "os/clock.h"
#include "os/random.h"
#include "tools/arguments.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/consumer.h"
#include "tools/date_format.h"
#include "tools/perf_metrics.h"
#include "tools/settings.h"
#include "tools/topic_filter.h"

#define POLL_MS 100
#define POLL_RECORDS_DEFAULT 500
#define MB (1024.0 * 1024.0)

static const struct argument_spec specs[] = {
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "File with consumer settings."},
    {.name = "command-property", .argument = ARGUMENT_REQUIRED, .value = "prop1=val1", .help = "A consumer setting, name=value."},
    {.name = "consumer.config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "(DEPRECATED) Old name of --command-config."},
    {.name = "date-format", .argument = ARGUMENT_REQUIRED, .value = "date format", .help = "How times are shown, as java.text.SimpleDateFormat.",
     .default_value = "yyyy-MM-dd HH:mm:ss:SSS"},
    {.name = "fetch-size", .argument = ARGUMENT_REQUIRED, .value = "size", .help = "Bytes of a partition in one request.",
     .default_value = "1048576"},
    {.name = "from-latest", .help = "Begin behind the last record when the group has no offset."},
    {.name = "group", .argument = ARGUMENT_REQUIRED, .value = "gid", .help = "The group to read in; perf-consumer-<number> when left out."},
    {.name = "hide-header", .help = "Leave the head of the table out."},
    {.name = "include", .argument = ARGUMENT_REQUIRED, .value = "Java regex (String)", .help = "Topics to read, by regular expression."},
    {.name = "messages", .argument = ARGUMENT_REQUIRED, .value = "count", .help = "(DEPRECATED) Old name of --num-records."},
    {.name = "num-records", .argument = ARGUMENT_REQUIRED, .value = "count", .help = "REQUIRED: how many records to read."},
    {.name = "print-metrics", .help = "Print what the consumer counted."},
    {.name = "reporting-interval", .argument = ARGUMENT_REQUIRED, .value = "interval_ms",
     .help = "Milliseconds from one line to the next.", .default_value = "5000"},
    {.name = "show-detailed-stats", .help = "Print a line in each interval, none at the end."},
    {.name = "socket-buffer-size", .argument = ARGUMENT_REQUIRED, .value = "size", .help = "Accepted, and left to the system.",
     .default_value = "2097152"},
    {.name = "timeout", .argument = ARGUMENT_OPTIONAL, .value = "milliseconds", .help = "Longest wait for another record.",
     .default_value = "10000"},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "The topic to read."},
    ARGUMENTS_COMMON,
    {0},
};

struct progress {
    int64_t at_ms;
    int64_t bytes, records;
};

struct consumer_perf {
    struct arena *arena;
    struct arguments options;
    struct properties settings;
    struct consumer *consumer;
    struct regexes *topics;
    const char *format;
    int64_t record_count;
    int64_t timeout_ms;
    int64_t interval_ms;
    int32_t poll_records;
    bool is_detailed;
    int64_t bytes, records;
    struct progress reported;
    int64_t rebalanced_ms; /* of the time that was reported */
};

/* ---- Options ---- */

static const struct failure *one_of(const struct consumer_perf *tool, const char *first, const char *second)
{
    if (arguments_has(&tool->options, first) != arguments_has(&tool->options, second))
        return NULL;
    return failure_usage(tool->arena, "Exactly one of the following arguments is required: [%s], [%s]", first, second);
}

static const struct failure *options_check(struct consumer_perf *tool)
{
    const struct failure *failure = arguments_require(&tool->options, "bootstrap-server", NULL);

    if (failure == NULL)
        failure = one_of(tool, "topic", "include");
    if (failure == NULL)
        failure = one_of(tool, "messages", "num-records");
    if (failure == NULL)
        failure = arguments_exclude(&tool->options, "consumer.config", "command-config", NULL);
    if (failure != NULL)
        return failure;
    if (arguments_has(&tool->options, "messages"))
        (void)puts("Warning: --messages is deprecated. Use --num-records instead.");
    if (arguments_has(&tool->options, "consumer.config"))
        (void)puts("Warning: --consumer.config is deprecated. Use --command-config instead.");
    return NULL;
}

/* An option's number as a setting. */
static const struct failure *setting_number(struct consumer_perf *tool, const char *name, const char *option)
{
    int32_t number = 0;
    const struct failure *failure = arguments_int(&tool->options, option, &number);

    if (failure == NULL)
        properties_set(&tool->settings, name, arena_format(tool->arena, "%d", number));
    return failure;
}

static const struct failure *settings_gather(struct consumer_perf *tool)
{
    const char *file = NULL;
    const char *bootstrap = NULL;
    const char *group = NULL;
    uint32_t number;
    const struct failure *failure =
        arguments_text(&tool->options, arguments_has(&tool->options, "consumer.config") ? "consumer.config" : "command-config", &file);

    if (failure == NULL && file != NULL)
        failure = settings_load_file(tool->arena, file, &tool->settings);
    for (size_t i = 0; i < arguments_count(&tool->options, "command-property"); i++)
        settings_add_assignment(&tool->settings, arguments_nth(&tool->options, "command-property", i));
    if (failure == NULL)
        failure = arguments_text(&tool->options, "bootstrap-server", &bootstrap);
    if (failure == NULL)
        failure = arguments_text(&tool->options, "group", &group);
    if (failure == NULL)
        failure = setting_number(tool, "receive.buffer.bytes", "socket-buffer-size");
    if (failure == NULL)
        failure = setting_number(tool, "max.partition.fetch.bytes", "fetch-size");
    if (failure != NULL)
        return failure;
    random_bytes(&number, sizeof(number));
    properties_set(&tool->settings, "bootstrap.servers", bootstrap);
    properties_set(&tool->settings, "group.id", group != NULL ? group : arena_format(tool->arena, "perf-consumer-%u", number % 100000));
    properties_set(&tool->settings, "auto.offset.reset", arguments_has(&tool->options, "from-latest") ? "latest" : "earliest");
    properties_set(&tool->settings, "check.crcs", "false");
    settings_default(&tool->settings, "client.id", "perf-consumer-client");
    tool->poll_records = POLL_RECORDS_DEFAULT;
    return settings_int(tool->arena, &tool->settings, "max.poll.records", 1, &tool->poll_records);
}

/* What is read only when the work begins, so that what is wrong comes behind the head of the table. */
static const struct failure *numbers_read(struct consumer_perf *tool)
{
    const struct failure *failure =
        arguments_long(&tool->options, arguments_has(&tool->options, "messages") ? "messages" : "num-records", &tool->record_count);

    if (failure == NULL)
        failure = arguments_long(&tool->options, "timeout", &tool->timeout_ms);
    if (failure == NULL)
        failure = arguments_long(&tool->options, "reporting-interval", &tool->interval_ms);
    if (failure == NULL && tool->interval_ms <= 0)
        failure = failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Reporting interval must be greater than 0.");
    if (failure == NULL)
        failure = arguments_text(&tool->options, "date-format", &tool->format);
    if (failure == NULL)
        failure = date_format_check(tool->arena, tool->format);
    return failure;
}

static const struct failure *subscribe(struct consumer_perf *tool)
{
    const char *topic = NULL;
    const char *include = NULL;
    const struct failure *failure = arguments_text(&tool->options, "topic", &topic);

    if (failure == NULL)
        failure = arguments_text(&tool->options, "include", &include);
    if (failure == NULL && include != NULL)
        failure = topic_filter_create_exact(tool->arena, include, &tool->topics);
    if (failure != NULL)
        return failure;
    if (include != NULL)
        consumer_subscribe_matching(tool->consumer, tool->topics);
    else
        consumer_subscribe(tool->consumer, slice_from_string(topic));
    return NULL;
}

/* ---- Reading ---- */

static const char *decimals4(const struct consumer_perf *tool, double number)
{
    return console_number(tool->arena, number, 4);
}

static double per_second(double amount, int64_t elapsed_ms)
{
    return elapsed_ms <= 0 ? 0.0 : 1000.0 * amount / (double)elapsed_ms;
}

/* A line of the intervals; what came since the last one is reported with it. */
static void interval_print(struct consumer_perf *tool, int64_t now_ms)
{
    int64_t elapsed_ms = now_ms - tool->reported.at_ms;
    int64_t rebalancing_ms = consumer_times_of(tool->consumer).rebalancing_ms - tool->rebalanced_ms;
    double mb = (double)(tool->bytes - tool->reported.bytes) / MB;
    double records = (double)(tool->records - tool->reported.records);
    int64_t fetching_ms = elapsed_ms - rebalancing_ms;

    if (tool->is_detailed) {
        (void)printf("%s, 0, %s, %s, %lld, %s, %lld, %lld, %s, %s\n", date_format(tool->arena, tool->format, clock_now_ms()),
                     decimals4(tool, (double)tool->bytes / MB), decimals4(tool, 1000.0 * mb / (double)elapsed_ms), (long long)tool->records,
                     decimals4(tool, records / (double)elapsed_ms * 1000.0), (long long)rebalancing_ms, (long long)fetching_ms,
                     decimals4(tool, per_second(mb, fetching_ms)), decimals4(tool, per_second(records, fetching_ms)));
        (void)fflush(stdout);
    }
    tool->rebalanced_ms += rebalancing_ms;
    tool->reported = (struct progress){now_ms, tool->bytes, tool->records};
}

static void record_count(struct consumer_perf *tool, const struct consumer_record *record, int64_t now_ms)
{
    tool->records++;
    tool->bytes += (int64_t)record->record.key.size + (int64_t)record->record.value.size;
    if (now_ms - tool->reported.at_ms >= tool->interval_ms)
        interval_print(tool, now_ms);
}

/* What one poll of Java's consumer gives: waits for a record and takes those that are there, up to max.poll.records. */
static const struct failure *records_take(struct consumer_perf *tool, int64_t *last_ms)
{
    struct consumer_record record;
    const struct failure *failure = NULL;
    enum consumer_event event = consumer_next(tool->consumer, POLL_MS, &record, &failure);
    int64_t now_ms = clock_monotonic_ms();

    if (event == CONSUMER_FAILED)
        return failure;
    if (event != CONSUMER_RECORD)
        return NULL;
    *last_ms = now_ms;
    record_count(tool, &record, now_ms);
    for (int32_t i = 1; i < tool->poll_records && consumer_has_record(tool->consumer); i++) {
        if (consumer_next(tool->consumer, 0, &record, &failure) != CONSUMER_RECORD)
            return failure;
        record_count(tool, &record, now_ms);
    }
    return NULL;
}

static const struct failure *records_read(struct consumer_perf *tool)
{
    int64_t last_ms = clock_monotonic_ms();
    const struct failure *failure = NULL;

    tool->reported.at_ms = last_ms;
    while (failure == NULL && tool->records < tool->record_count && clock_monotonic_ms() - last_ms <= tool->timeout_ms)
        failure = records_take(tool, &last_ms);
    if (failure == NULL && tool->records < tool->record_count)
        (void)printf("WARNING: Exiting before consuming the expected number of records: timeout (%lld ms) exceeded. You can use the --timeout "
                     "option to increase the timeout.\n",
                     (long long)tool->timeout_ms);
    return failure;
}

static void summary_print(const struct consumer_perf *tool, int64_t begun_at_ms, int64_t elapsed_ms)
{
    int64_t rebalancing_ms = consumer_times_of(tool->consumer).rebalancing_ms;
    int64_t fetching_ms = elapsed_ms - rebalancing_ms;
    double mb = (double)tool->bytes / MB;

    (void)printf("%s, %s, %s, %s, %lld, %s, %lld, %lld, %s, %s\n", date_format(tool->arena, tool->format, begun_at_ms),
                 date_format(tool->arena, tool->format, begun_at_ms + elapsed_ms), decimals4(tool, mb),
                 decimals4(tool, mb / ((double)elapsed_ms / 1000.0)), (long long)tool->records,
                 decimals4(tool, (double)tool->records / ((double)elapsed_ms / 1000.0)), (long long)rebalancing_ms, (long long)fetching_ms,
                 decimals4(tool, mb / ((double)fetching_ms / 1000.0)),
                 decimals4(tool, (double)tool->records / ((double)fetching_ms / 1000.0)));
}

/* ---- The tool ---- */

static void metrics_print(const struct consumer_perf *tool)
{
    const struct perf_metric metrics[] = {
        {"consumer-fetch-manager-metrics:bytes-consumed-total", NULL, arena_format(tool->arena, "%lld.000", (long long)tool->bytes)},
        {"consumer-fetch-manager-metrics:records-consumed-total", NULL, arena_format(tool->arena, "%lld.000", (long long)tool->records)},
    };

    perf_metrics_print(tool->arena, properties_get(&tool->settings, "client.id"), metrics, sizeof(metrics) / sizeof(metrics[0]));
}

static void header_print(const struct consumer_perf *tool)
{
    if (arguments_has(&tool->options, "hide-header"))
        return;
    (void)printf("%s, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, "
                 "fetch.nMsg.sec\n",
                 tool->is_detailed ? "time, threadId" : "start.time, end.time");
    (void)fflush(stdout);
}

static const struct failure *perf_run(struct consumer_perf *tool)
{
    int64_t begun_at_ms, begun_ms;
    const struct failure *failure;

    tool->is_detailed = arguments_has(&tool->options, "show-detailed-stats");
    header_print(tool);
    failure = settings_gather(tool);
    if (failure == NULL)
        failure = consumer_create(tool->arena, &tool->settings, -1, &tool->consumer);
    begun_at_ms = clock_now_ms();
    begun_ms = clock_monotonic_ms();
    if (failure == NULL)
        failure = numbers_read(tool);
    if (failure == NULL)
        failure = subscribe(tool);
    if (failure == NULL)
        failure = records_read(tool);
    if (failure != NULL)
        return failure;
    if (!tool->is_detailed)
        summary_print(tool, begun_at_ms, clock_monotonic_ms() - begun_ms);
    if (arguments_has(&tool->options, "print-metrics"))
        metrics_print(tool);
    return NULL;
}

static int tool_failed(const struct consumer_perf *tool, const struct failure *failure)
{
    return failure->class_name == NULL ? arguments_print_usage(&tool->options, failure->message) : console_print_fatal(stderr, failure);
}

static int consumer_perf_run(struct arena *arena, int argc, char **argv)
{
    struct consumer_perf tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure != NULL)
        return arguments_print_usage(&tool.options, failure_message(failure));
    if (arguments_help_or_version(&tool.options, "This tool is used to verify the consumer performance.", &exit_code))
        return exit_code;
    failure = options_check(&tool);
    if (failure == NULL)
        failure = perf_run(&tool);
    if (failure != NULL)
        exit_code = tool_failed(&tool, failure);
    consumer_close(tool.consumer);
    regexes_destroy(tool.topics);
    properties_finish(&tool.settings);
    return exit_code;
}

int kafka_consumer_perf_test_main(int argc, char **argv)
{
    return command_run(argc, argv, consumer_perf_run);
}
