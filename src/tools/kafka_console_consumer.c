/* kafka-console-consumer: prints records to standard output. Source: Apache Kafka's ConsoleConsumer. */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "os/random.h"
#include "tools/arguments.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/consumer.h"
#include "tools/formatter.h"
#include "tools/settings.h"
#include "tools/stop_signal.h"
#include "tools/topic_filter.h"

#include <ctype.h>

#define LOGGER "org.apache.kafka.tools.consumer.ConsoleConsumer"
#define OUT_BYTES_MAX ((size_t)1 << 31)
#define OUT_FLUSH_BYTES ((size_t)64 * 1024)
#define DEFAULT_FORMATTER "org.apache.kafka.tools.consumer.DefaultMessageFormatter"

static const struct argument_spec specs[] = {
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "File with consumer settings."},
    {.name = "command-property", .argument = ARGUMENT_REQUIRED, .value = "consumer_prop", .help = "A consumer setting, name=value."},
    {.name = "consumer-property", .argument = ARGUMENT_REQUIRED, .value = "consumer_prop", .help = "(DEPRECATED) Old name of --command-property."},
    {.name = "consumer.config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "(DEPRECATED) Old name of --command-config."},
    {.name = "enable-systest-events", .help = "Say when the consumer has shut down."},
    {.name = "formatter", .argument = ARGUMENT_REQUIRED, .value = "class", .help = "How records are printed.", .default_value = DEFAULT_FORMATTER},
    {.name = "formatter-config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "File with settings of the formatter."},
    {.name = "formatter-property", .argument = ARGUMENT_REQUIRED, .value = "prop",
     .help = "print.timestamp, print.key, print.offset, print.epoch, print.partition, print.headers, print.value, key.separator, "
             "line.separator, headers.separator, null.literal, key.deserializer, value.deserializer, headers.deserializer"},
    {.name = "from-beginning", .help = "A group without a position begins with the first record instead of the next one."},
    {.name = "group", .argument = ARGUMENT_REQUIRED, .value = "consumer group id", .help = "The group whose member this is."},
    {.name = "include", .argument = ARGUMENT_REQUIRED, .value = "Java regex (String)", .help = "Topics by regular expression."},
    {.name = "isolation-level", .argument = ARGUMENT_REQUIRED, .value = "level", .help = "read_committed or read_uncommitted.",
     .default_value = "read_uncommitted"},
    {.name = "key-deserializer", .argument = ARGUMENT_REQUIRED, .value = "deserializer for keys", .help = "As key.deserializer."},
    {.name = "max-messages", .argument = ARGUMENT_REQUIRED, .value = "num_messages", .help = "End after so many records."},
    {.name = "offset", .argument = ARGUMENT_REQUIRED, .value = "consume offset", .help = "With --partition: earliest, latest or a number.",
     .default_value = "latest"},
    {.name = "partition", .argument = ARGUMENT_REQUIRED, .value = "partition", .help = "Read only this partition, without a group."},
    {.name = "property", .argument = ARGUMENT_REQUIRED, .value = "prop", .help = "(DEPRECATED) Old name of --formatter-property."},
    {.name = "skip-message-on-error", .help = "Go on behind a record that cannot be printed."},
    {.name = "timeout-ms", .argument = ARGUMENT_REQUIRED, .value = "timeout_ms", .help = "End when no record comes for so long."},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "The topic to read."},
    {.name = "value-deserializer", .argument = ARGUMENT_REQUIRED, .value = "deserializer for values", .help = "As value.deserializer."},
    ARGUMENTS_COMMON,
    {0},
};

struct console_consumer {
    struct arena *arena;
    struct arguments options;
    struct properties settings;
    struct properties formatter_settings;
    struct formatter formatter;
    struct regexes *include;
    struct consumer *consumer;
    struct buffer out;
    int64_t offset;
    int64_t timeout_ms;
    int32_t partition; /* -1: by the group */
    int64_t printed;
    bool is_out_closed;
};

/* ---- Options ---- */

static const struct failure *renamed_check(struct console_consumer *tool, const char *old_name, const char *new_name)
{
    if (!arguments_has(&tool->options, old_name))
        return NULL;
    if (arguments_has(&tool->options, new_name))
        return failure_usage(tool->arena, "Options --%s and --%s cannot be specified together.", old_name, new_name);
    (void)printf("Option --%s is deprecated and will be removed in a future version. Use --%s instead.\n", old_name, new_name);
    return NULL;
}

static const struct failure *options_check(struct console_consumer *tool)
{
    const struct arguments *options = &tool->options;
    const struct failure *failure = NULL;

    if (arguments_has(options, "topic") == arguments_has(options, "include"))
        return failure_usage(tool->arena, "Exactly one of the following arguments is required: [topic], [include]");
    failure = arguments_require(options, "bootstrap-server", NULL);
    if (failure == NULL && arguments_has(options, "partition")) {
        failure = arguments_int(options, "partition", &tool->partition);
        if (failure == NULL && !arguments_has(options, "topic"))
            return failure_usage(tool->arena, "The topic is required when partition is specified.");
        if (failure == NULL && arguments_has(options, "from-beginning") && arguments_has(options, "offset"))
            return failure_usage(tool->arena, "Options from-beginning and offset cannot be specified together.");
    } else if (failure == NULL && arguments_has(options, "offset")) {
        return failure_usage(tool->arena, "The partition is required when offset is specified.");
    }
    if (failure == NULL)
        failure = renamed_check(tool, "consumer-property", "command-property");
    if (failure == NULL)
        failure = renamed_check(tool, "property", "formatter-property");
    if (failure == NULL)
        failure = renamed_check(tool, "consumer.config", "command-config");
    return failure;
}

/* ---- The group ---- */

/* The places that can name a group have to agree; their names as a Java set would list them. */
static const struct failure *groups_differ(struct console_consumer *tool, const char **ids, size_t count)
{
    uint32_t hashes[3];
    const char *list = NULL;
    size_t *order;

    for (size_t i = 0; i < count; i++)
        hashes[i] = java_hash_code(slice_from_string(ids[i]));
    order = java_map_order_new(tool->arena, hashes, count, 0);
    for (size_t i = 0; i < count; i++)
        list = list == NULL ? arena_format(tool->arena, "'%s'", ids[order[i]]) : arena_format(tool->arena, "%s, '%s'", list, ids[order[i]]);
    return failure_usage(tool->arena,
                         "The group ids provided in different places (directly using '--group', via '--consumer-property', or via "
                         "'--consumer.config') do not match. Detected group ids: %s",
                         list);
}

static size_t id_add(const char **ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (id != NULL && strcmp(ids[i], id) == 0)
            return count;
    }
    if (id != NULL)
        ids[count++] = id;
    return count;
}

static const struct failure *group_settle(struct console_consumer *tool, const struct properties *file, const struct properties *extra)
{
    const char *ids[3];
    const char *group = NULL;
    size_t count = 0;
    uint32_t number;
    const struct failure *failure = arguments_text(&tool->options, "group", &group);

    if (failure != NULL)
        return failure;
    count = id_add(ids, count, group);
    count = id_add(ids, count, properties_get(file, "group.id"));
    count = id_add(ids, count, properties_get(extra, "group.id"));
    if (count > 1)
        return groups_differ(tool, ids, count);
    if (count > 0 && arguments_has(&tool->options, "partition"))
        return failure_usage(tool->arena, "Options group and partition cannot be specified together.");
    if (count == 0) {
        random_bytes(&number, sizeof(number));
        properties_set(&tool->settings, "group.id", arena_format(tool->arena, "console-consumer-%u", number % 100000));
        settings_default(&tool->settings, "enable.auto.commit", "false");
    } else {
        properties_set(&tool->settings, "group.id", ids[0]);
    }
    return NULL;
}

/* ---- Settings ---- */

static const struct failure *reset_settle(struct console_consumer *tool)
{
    bool from_beginning = arguments_has(&tool->options, "from-beginning");
    const char *said = properties_get(&tool->settings, "auto.offset.reset");

    if (said != NULL && from_beginning && strcmp(said, "earliest") != 0)
        return failure_of(tool->arena, "exit", "Can't simultaneously specify --from-beginning and 'auto.offset.reset=%s', please remove one option",
                          said);
    settings_default(&tool->settings, "auto.offset.reset", from_beginning ? "earliest" : "latest");
    return NULL;
}

static const struct failure *settings_complete(struct console_consumer *tool, const struct properties *file, const struct properties *extra)
{
    const char *bootstrap = NULL;
    const char *isolation = NULL;
    const struct failure *failure = reset_settle(tool);

    if (failure == NULL)
        failure = arguments_text(&tool->options, "bootstrap-server", &bootstrap);
    if (failure == NULL)
        failure = arguments_text(&tool->options, "isolation-level", &isolation);
    if (failure != NULL)
        return failure;
    properties_set(&tool->settings, "bootstrap.servers", bootstrap);
    settings_default(&tool->settings, "client.id", "console-consumer");
    if (arguments_has(&tool->options, "isolation-level") || !properties_has(&tool->settings, "isolation.level"))
        properties_set(&tool->settings, "isolation.level", isolation);
    return group_settle(tool, file, extra);
}

static const struct failure *settings_gather(struct console_consumer *tool)
{
    const char *file_option = arguments_has(&tool->options, "consumer.config") ? "consumer.config" : "command-config";
    const char *option = arguments_has(&tool->options, "consumer-property") ? "consumer-property" : "command-property";
    struct properties file, extra;
    const char *path = NULL;
    const struct failure *failure = arguments_text(&tool->options, file_option, &path);

    properties_init(&file);
    properties_init(&extra);
    if (failure == NULL && path != NULL)
        failure = settings_load_file(tool->arena, path, &file);
    for (size_t i = 0; i < arguments_count(&tool->options, option); i++)
        settings_add_assignment(&extra, arguments_nth(&tool->options, option, i));
    for (size_t i = 0; i < file.count; i++)
        properties_set(&tool->settings, file.items[i].key, file.items[i].value);
    for (size_t i = 0; i < extra.count; i++)
        properties_set(&tool->settings, extra.items[i].key, extra.items[i].value);
    if (failure == NULL)
        failure = settings_complete(tool, &file, &extra);
    properties_finish(&file);
    properties_finish(&extra);
    return failure;
}

static const struct failure *offset_parse(struct console_consumer *tool)
{
    const char *text = NULL;
    const struct failure *failure = arguments_text(&tool->options, "offset", &text);
    char lower[16] = "";

    tool->offset = arguments_has(&tool->options, "from-beginning") ? CONSUMER_EARLIEST : CONSUMER_LATEST;
    if (failure != NULL || !arguments_has(&tool->options, "offset"))
        return failure;
    for (size_t i = 0; i < sizeof(lower) - 1 && text[i] != '\0'; i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    if (strcmp(lower, "earliest") == 0)
        tool->offset = CONSUMER_EARLIEST;
    else if (strcmp(lower, "latest") == 0)
        tool->offset = CONSUMER_LATEST;
    else if (!text_parse_int64(slice_from_string(text), &tool->offset) || tool->offset < 0)
        return failure_usage(tool->arena,
                             "The provided offset value '%s' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.", text);
    return NULL;
}

static const struct failure *timeout_parse(struct console_consumer *tool)
{
    const struct failure *failure = NULL;

    tool->timeout_ms = -1;
    failure = arguments_long(&tool->options, "timeout-ms", &tool->timeout_ms);
    if (tool->timeout_ms < 0)
        tool->timeout_ms = INT64_MAX;
    return failure;
}

static const struct failure *deserializer_add(struct console_consumer *tool, const char *option, const char *name)
{
    const char *text = NULL;
    const struct failure *failure = arguments_text(&tool->options, option, &text);

    if (failure == NULL && text != NULL && *text != '\0')
        properties_set(&tool->formatter_settings, name, text);
    return failure;
}

/* Whatever is wrong with the formatter is wrong usage. */
static const struct failure *formatter_make(struct console_consumer *tool)
{
    const char *option = arguments_has(&tool->options, "property") ? "property" : "formatter-property";
    const char *path = NULL;
    const char *class_name = NULL;
    const struct failure *failure = arguments_text(&tool->options, "formatter-config", &path);

    if (failure == NULL && path != NULL)
        failure = settings_load_file(tool->arena, path, &tool->formatter_settings);
    if (failure == NULL)
        failure = deserializer_add(tool, "key-deserializer", "key.deserializer");
    if (failure == NULL)
        failure = deserializer_add(tool, "value-deserializer", "value.deserializer");
    for (size_t i = 0; failure == NULL && i < arguments_count(&tool->options, option); i++)
        settings_add_assignment(&tool->formatter_settings, arguments_nth(&tool->options, option, i));
    if (failure == NULL)
        failure = arguments_text(&tool->options, "formatter", &class_name);
    if (failure == NULL)
        failure = formatter_init(&tool->formatter, tool->arena, class_name, &tool->formatter_settings);
    return failure == NULL ? NULL : failure_usage(tool->arena, "%s", failure_message(failure));
}

static const struct failure *options_read(struct console_consumer *tool)
{
    const struct failure *failure = options_check(tool);

    if (failure == NULL)
        failure = settings_gather(tool);
    if (failure == NULL)
        failure = offset_parse(tool);
    if (failure == NULL)
        failure = timeout_parse(tool);
    return failure != NULL ? failure : formatter_make(tool);
}

/* ---- Reading and printing ---- */

static void out_flush(struct console_consumer *tool)
{
    if ((tool->out.size > 0 && fwrite(tool->out.data, 1, tool->out.size, stdout) != tool->out.size) || fflush(stdout) != 0)
        tool->is_out_closed = true;
    buffer_reset(&tool->out);
}

static void failed_to_read(const struct failure *failure)
{
    console_log_failure("ERROR", LOGGER, failure, "Error processing message, terminating consumer process: ");
}

static void records_print(struct console_consumer *tool, int64_t count_max)
{
    while ((tool->printed < count_max || count_max == -1) && !tool->is_out_closed) {
        struct consumer_record record;
        const struct failure *failure = NULL;
        enum consumer_event event;

        if (tool->out.size > 0 && (tool->out.size >= OUT_FLUSH_BYTES || !consumer_has_record(tool->consumer)))
            out_flush(tool);
        event = consumer_next(tool->consumer, tool->out.size > 0 ? 0 : tool->timeout_ms, &record, &failure);
        if (event == CONSUMER_NOTHING && tool->out.size > 0)
            continue;
        if (event == CONSUMER_NOTHING)
            failed_to_read(failure_of(tool->arena, FAILURE_TIMEOUT, NULL));
        else if (event == CONSUMER_FAILED)
            failed_to_read(failure);
        if (event != CONSUMER_RECORD)
            break;
        tool->printed++;
        formatter_print(&tool->formatter, &record, &tool->out);
    }
    out_flush(tool);
    if (tool->is_out_closed)
        (void)fprintf(stderr, "Unable to write to standard out, closing consumer.\n");
}

static const struct failure *consumer_start(struct console_consumer *tool)
{
    const char *topic = NULL;
    const char *include = NULL;
    const struct failure *failure = consumer_create(tool->arena, &tool->settings, stop_signal_catch(), &tool->consumer);

    if (failure == NULL && tool->partition < 0 && consumer_is_classic(tool->consumer))
        (void)fprintf(stderr, "The consumer rebalance protocol (KIP-848) is production-ready! Set group.protocol=consumer to try it out. "
                              "See https://kafka.apache.org/documentation/#consumer_rebalance_protocol\n");
    if (failure == NULL)
        failure = arguments_text(&tool->options, "topic", &topic);
    if (failure == NULL)
        failure = arguments_text(&tool->options, "include", &include);
    if (failure == NULL && include != NULL)
        failure = topic_filter_create_exact(tool->arena, include, &tool->include);
    if (failure != NULL)
        return failure;
    if (tool->include != NULL)
        consumer_subscribe_matching(tool->consumer, tool->include);
    else if (tool->partition >= 0)
        consumer_assign(tool->consumer, slice_from_string(topic), tool->partition, tool->offset);
    else
        consumer_subscribe(tool->consumer, slice_from_string(topic));
    return NULL;
}

static int run_failed(const struct failure *failure)
{
    console_log_failure("ERROR", LOGGER, failure, "Unknown error when running consumer: ");
    return 1;
}

static int consumer_run(struct console_consumer *tool)
{
    int32_t count_max = -1;
    const struct failure *failure = consumer_start(tool);

    if (failure != NULL)
        return run_failed(failure);
    failure = arguments_int(&tool->options, "max-messages", &count_max);
    if (failure == NULL)
        records_print(tool, count_max);
    consumer_close(tool->consumer);
    tool->consumer = NULL;
    (void)fprintf(stderr, "Processed a total of %lld messages\n", (long long)tool->printed);
    if (failure != NULL)
        return run_failed(failure);
    if (arguments_has(&tool->options, "enable-systest-events"))
        (void)puts("shutdown_complete");
    return stop_signal_number() == 0 ? 0 : 128 + stop_signal_number();
}

/* ---- The tool ---- */

static int options_failed(struct console_consumer *tool, const struct failure *failure)
{
    if (failure->class_name == NULL)
        return arguments_print_usage(&tool->options, failure->message);
    if (strcmp(failure->class_name, "exit") == 0) {
        (void)fprintf(stderr, "%s\n", failure->message);
        return 1;
    }
    (void)fputs("Exception in thread \"main\" ", stderr);
    failure_print(stderr, failure);
    return 1;
}

static int console_consumer_run(struct arena *arena, int argc, char **argv)
{
    struct console_consumer tool = {.arena = arena, .partition = -1};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code;

    if (failure != NULL)
        return arguments_print_usage(&tool.options, failure_message(failure));
    if (arguments_help_or_version(&tool.options, "This tool helps to read data from Kafka topics and outputs it to standard output.", &exit_code))
        return exit_code;
    buffer_init(&tool.out, OUT_BYTES_MAX);
    failure = options_read(&tool);
    exit_code = failure == NULL ? consumer_run(&tool) : options_failed(&tool, failure);
    consumer_close(tool.consumer);
    regexes_destroy(tool.include);
    buffer_finish(&tool.out);
    properties_finish(&tool.settings);
    properties_finish(&tool.formatter_settings);
    return exit_code;
}

int kafka_console_consumer_main(int argc, char **argv)
{
    return command_run(argc, argv, console_consumer_run);
}
