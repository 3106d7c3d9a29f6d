/* kafka-console-producer: sends lines of standard input as records. Source: Apache Kafka's ConsoleProducer. */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "tools/arguments.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/line_reader.h"
#include "tools/settings.h"
#include "tools/stop_signal.h"

#include <errno.h>
#include <sys/select.h>
#include <unistd.h>

#define LINE_BYTES_MAX ((size_t)1 << 30)
#define READ_BYTES ((size_t)64 * 1024)
#define WAIT_MS 60000
#define LINE_READER_CLASS "org.apache.kafka.tools.LineMessageReader"

static const struct argument_spec specs[] = {
    {.name = "batch-size", .argument = ARGUMENT_REQUIRED, .value = "size", .help = "Bytes of a batch.", .default_value = "16384"},
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "REQUIRED: the brokers to connect to."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "File with producer settings."},
    {.name = "command-property", .argument = ARGUMENT_REQUIRED, .value = "producer_prop", .help = "A producer setting, name=value."},
    {.name = "compression-codec", .argument = ARGUMENT_OPTIONAL, .value = "compression-codec",
     .help = "none, gzip, snappy, lz4 or zstd; without a value gzip."},
    {.name = "line-reader", .argument = ARGUMENT_REQUIRED, .value = "reader_class", .help = "How lines are read.",
     .default_value = LINE_READER_CLASS},
    {.name = "max-block-ms", .argument = ARGUMENT_REQUIRED, .value = "max block on send", .help = "How long a record may wait to be queued.",
     .default_value = "60000"},
    {.name = "max-memory-bytes", .argument = ARGUMENT_REQUIRED, .value = "total memory in bytes", .help = "Memory for records that wait.",
     .default_value = "33554432"},
    {.name = "max-partition-memory-bytes", .argument = ARGUMENT_REQUIRED, .value = "memory in bytes per partition",
     .help = "(DEPRECATED) Bytes of a batch.", .default_value = "16384"},
    {.name = "message-send-max-retries", .argument = ARGUMENT_REQUIRED, .value = "number", .help = "Attempts after the first.",
     .default_value = "3"},
    {.name = "metadata-expiry-ms", .argument = ARGUMENT_REQUIRED, .value = "metadata expiration interval",
     .help = "How old the knowledge of topics may get.", .default_value = "300000"},
    {.name = "producer-property", .argument = ARGUMENT_REQUIRED, .value = "producer_prop", .help = "(DEPRECATED) Old name of --command-property."},
    {.name = "producer.config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "(DEPRECATED) Old name of --command-config."},
    {.name = "property", .argument = ARGUMENT_REQUIRED, .value = "prop", .help = "(DEPRECATED) Old name of --reader-property."},
    {.name = "reader-config", .argument = ARGUMENT_REQUIRED, .value = "config file", .help = "File with settings of the reader."},
    {.name = "reader-property", .argument = ARGUMENT_REQUIRED, .value = "prop",
     .help = "parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, headers.key.separator, ignore.error, null.marker"},
    {.name = "request-required-acks", .argument = ARGUMENT_REQUIRED, .value = "request required acks", .help = "all, -1, 0 or 1.",
     .default_value = "-1"},
    {.name = "request-timeout-ms", .argument = ARGUMENT_REQUIRED, .value = "request timeout ms", .help = "How long an answer may take.",
     .default_value = "1500"},
    {.name = "retry-backoff-ms", .argument = ARGUMENT_REQUIRED, .value = "number", .help = "Pause before another attempt.",
     .default_value = "100"},
    {.name = "socket-buffer-size", .argument = ARGUMENT_REQUIRED, .value = "size", .help = "Accepted, and left to the system.",
     .default_value = "102400"},
    {.name = "sync", .help = "Wait for each record to be confirmed."},
    {.name = "timeout", .argument = ARGUMENT_REQUIRED, .value = "timeout_ms", .help = "How long a record may wait for others.",
     .default_value = "1000"},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "REQUIRED: the topic to send to."},
    ARGUMENTS_COMMON,
    {0},
};

struct console_producer {
    struct arena *arena;
    struct arguments options;
    struct properties settings;
    struct properties reader_settings;
    struct line_reader reader;
    struct producer *producer;
    const char *topic;
    bool is_sync;
    bool shows_prompt;
    const struct failure *sync_failure; /* of the record that is waited for */
    struct arena line_arena;
};

/* ---- Options ---- */

/* An option under its old name: says so, or refuses both names together. */
static const struct failure *renamed_check(struct console_producer *tool, const char *old_name, const char *new_name)
{
    if (!arguments_has(&tool->options, old_name))
        return NULL;
    if (arguments_has(&tool->options, new_name))
        return failure_usage(tool->arena, "Options --%s and --%s cannot be specified together.", new_name, old_name);
    (void)printf("Warning: --%s is deprecated and will be removed in a future version. Use --%s instead.\n", old_name, new_name);
    return NULL;
}

static const struct failure *options_check(struct console_producer *tool)
{
    const struct failure *failure = arguments_require(&tool->options, "topic", NULL);

    if (failure == NULL)
        failure = arguments_check_bootstrap(&tool->options);
    if (failure == NULL)
        failure = renamed_check(tool, "property", "reader-property");
    if (failure == NULL)
        failure = renamed_check(tool, "producer-property", "command-property");
    if (failure == NULL)
        failure = renamed_check(tool, "producer.config", "command-config");
    return failure;
}

/* Properties of a file, then those given one by one. */
static const struct failure *properties_read(struct console_producer *tool, const char *file_option, const char *option, struct properties *to)
{
    const char *file = NULL;
    const struct failure *failure = arguments_text(&tool->options, file_option, &file);

    if (failure == NULL && file != NULL)
        failure = settings_load_file(tool->arena, file, to);
    for (size_t i = 0; failure == NULL && i < arguments_count(&tool->options, option); i++)
        settings_add_assignment(to, arguments_nth(&tool->options, option, i));
    return failure;
}

/* The option's value where it is given, or where no property says anything. */
static const struct failure *setting_merge(struct console_producer *tool, const char *name, const char *option, bool is_number)
{
    const char *text;
    int64_t number;
    const struct failure *failure = is_number ? arguments_long(&tool->options, option, &number) : NULL;

    if (failure == NULL)
        failure = arguments_text(&tool->options, option, &text);
    if (failure == NULL && (arguments_has(&tool->options, option) || !properties_has(&tool->settings, name)))
        properties_set(&tool->settings, name, text);
    return failure;
}

static const struct failure *settings_merge(struct console_producer *tool)
{
    static const struct {
        const char *name, *option;
    } rows[] = {
        {"linger.ms", "timeout"},
        {"acks", "request-required-acks"},
        {"request.timeout.ms", "request-timeout-ms"},
        {"retries", "message-send-max-retries"},
        {"retry.backoff.ms", "retry-backoff-ms"},
        {"send.buffer.bytes", "socket-buffer-size"},
        {"buffer.memory", "max-memory-bytes"},
        {"batch.size", "batch-size"},
        {"batch.size", "max-partition-memory-bytes"},
        {"metadata.max.age.ms", "metadata-expiry-ms"},
        {"max.block.ms", "max-block-ms"},
    };
    const struct failure *failure = NULL;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && failure == NULL; i++)
        failure = setting_merge(tool, rows[i].name, rows[i].option, strcmp(rows[i].name, "acks") != 0);
    return failure;
}

static const struct failure *settings_gather(struct console_producer *tool)
{
    bool has_old_config = arguments_has(&tool->options, "producer.config");
    bool has_old_property = arguments_has(&tool->options, "producer-property");
    const char *codec = "none";
    const char *bootstrap = NULL;
    const struct failure *failure = properties_read(tool, has_old_config ? "producer.config" : "command-config",
                                                    has_old_property ? "producer-property" : "command-property", &tool->settings);

    if (failure == NULL)
        failure = arguments_text(&tool->options, "bootstrap-server", &bootstrap);
    if (failure == NULL && arguments_has(&tool->options, "compression-codec")) {
        failure = arguments_text(&tool->options, "compression-codec", &codec);
        codec = codec == NULL || *codec == '\0' ? "gzip" : codec;
    }
    if (failure != NULL)
        return failure;
    properties_set(&tool->settings, "bootstrap.servers", bootstrap);
    properties_set(&tool->settings, "compression.type", codec);
    settings_default(&tool->settings, "client.id", "console-producer");
    return settings_merge(tool);
}

/* ---- Records ---- */

static const char *bytes_text(char *to, size_t size, int64_t bytes)
{
    if (bytes < 0)
        return "null";
    (void)snprintf(to, size, "%lld bytes", (long long)bytes);
    return to;
}

static void record_done(void *context, const struct producer_receipt *receipt, const struct failure *failure)
{
    struct console_producer *tool = context;
    char key[32], value[32];

    if (failure == NULL)
        return;
    if (tool->is_sync) {
        tool->sync_failure = failure;
        return;
    }
    console_log_failure("ERROR", "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback", failure,
                        "Error when sending message to topic %s with key: %s, value: %s with error:", tool->topic,
                        bytes_text(key, sizeof(key), receipt->key_bytes), bytes_text(value, sizeof(value), receipt->value_bytes));
}

static const struct failure *line_send(struct console_producer *tool, struct slice line)
{
    struct producer_message message = {.topic = slice_from_string(tool->topic)};
    struct producer_receipt receipt;
    const struct failure *failure;

    arena_reset(&tool->line_arena);
    failure = line_reader_parse(&tool->reader, &tool->line_arena, line, &message);
    if (failure != NULL) {
        /* It outlives the line. */
        return failure_of(tool->arena, failure->class_name, "%s", failure->message);
    }
    failure = producer_send(tool->producer, &message);
    if (tool->is_sync && failure == NULL) {
        producer_flush(tool->producer);
        failure = tool->sync_failure;
    }
    if (tool->is_sync && failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    if (failure != NULL) {
        receipt = (struct producer_receipt){.key_bytes = message.key.data == NULL ? -1 : (int64_t)message.key.size,
                                            .value_bytes = message.value.data == NULL ? -1 : (int64_t)message.value.size};
        record_done(tool, &receipt, failure);
    }
    return NULL;
}

static void prompt_show(const struct console_producer *tool)
{
    if (tool->shows_prompt) {
        (void)putchar('>');
        (void)fflush(stdout);
    }
}

/* Ends at \n, \r or \r\n, as Java's readLine has it. `at` is where the search goes on; false when there is no whole line yet. */
static bool line_cut(const struct buffer *input, size_t begin, size_t *end, size_t *next, bool is_last)
{
    for (size_t at = begin; at < input->size; at++) {
        if (input->data[at] != '\n' && input->data[at] != '\r')
            continue;
        if (input->data[at] == '\r' && at + 1 == input->size && !is_last)
            return false; /* a \n may follow */
        *end = at;
        *next = at + 1;
        if (input->data[at] == '\r' && at + 1 < input->size && input->data[at + 1] == '\n')
            *next = at + 2;
        return true;
    }
    *end = *next = input->size;
    return is_last && input->size > begin;
}

static const struct failure *lines_send(struct console_producer *tool, struct buffer *input, bool is_last)
{
    const struct failure *failure = NULL;
    size_t begin = 0;
    size_t end, next;

    while (failure == NULL && stop_signal_number() == 0 && line_cut(input, begin, &end, &next, is_last)) {
        failure = line_send(tool, slice_of(input->data + begin, end - begin));
        begin = next;
        if (failure == NULL)
            prompt_show(tool);
    }
    buffer_consume(input, begin);
    return failure;
}

/* Reads what is there; false at the end of input. */
static bool input_read(struct buffer *input)
{
    uint8_t *room = buffer_reserve(input, READ_BYTES);
    ssize_t got;

    if (room == NULL)
        return false;
    got = read(STDIN_FILENO, room, READ_BYTES);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    input->size += (size_t)got;
    return got > 0;
}

static bool input_is_ready(void)
{
    struct timeval now = {0};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(STDIN_FILENO, &set);
    return select(STDIN_FILENO + 1, &set, NULL, NULL, &now) > 0;
}

static const struct failure *input_send(struct console_producer *tool)
{
    struct buffer input;
    const struct failure *failure = NULL;
    bool has_more = true;

    buffer_init(&input, LINE_BYTES_MAX);
    prompt_show(tool);
    while (has_more && failure == NULL && stop_signal_number() == 0) {
        producer_progress(tool->producer, input_is_ready() ? 0 : WAIT_MS, STDIN_FILENO);
        if (!input_is_ready())
            continue;
        has_more = input_read(&input);
        failure = lines_send(tool, &input, !has_more);
    }
    buffer_finish(&input);
    return failure;
}

/* ---- The tool ---- */

static const struct failure *tool_start(struct console_producer *tool)
{
    bool has_old_property = arguments_has(&tool->options, "property");
    const char *reader_class = NULL;
    const struct failure *failure = properties_read(tool, "reader-config", has_old_property ? "property" : "reader-property",
                                                    &tool->reader_settings);

    if (failure == NULL)
        failure = arguments_text(&tool->options, "topic", &tool->topic);
    if (failure == NULL)
        failure = arguments_text(&tool->options, "line-reader", &reader_class);
    if (failure == NULL && strcmp(reader_class, LINE_READER_CLASS) != 0)
        failure = failure_of(tool->arena, "java.lang.ClassNotFoundException", "%s", reader_class);
    if (failure == NULL)
        failure = line_reader_init(&tool->reader, tool->arena, &tool->reader_settings);
    if (failure == NULL)
        failure = settings_gather(tool);
    if (failure == NULL)
        failure = producer_create(tool->arena, &tool->settings, record_done, tool, &tool->producer);
    return failure;
}

static int tool_failed(const struct failure *failure)
{
    if (arguments_is_failure(failure))
        (void)fprintf(stderr, "%s\n", failure_message(failure));
    else
        failure_print(stderr, failure);
    return 1;
}

static int producer_run(struct console_producer *tool)
{
    const struct failure *failure = tool_start(tool);
    int exit_code = 0;

    (void)stop_signal_catch();
    tool->is_sync = arguments_has(&tool->options, "sync");
    tool->shows_prompt = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    if (failure == NULL)
        failure = input_send(tool);
    if (failure != NULL)
        exit_code = tool_failed(failure);
    else if (stop_signal_number() != 0)
        exit_code = 128 + stop_signal_number();
    if (tool->producer != NULL) {
        tool->is_sync = false;
        producer_flush(tool->producer);
    }
    return exit_code;
}

static int console_producer_run(struct arena *arena, int argc, char **argv)
{
    struct console_producer tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code;

    if (failure != NULL)
        return arguments_print_usage(&tool.options, failure_message(failure));
    if (arguments_help_or_version(&tool.options, "This tool helps to read data from standard input and publish it to Kafka.", &exit_code))
        return exit_code;
    failure = options_check(&tool);
    if (failure != NULL)
        return failure->class_name == NULL ? arguments_print_usage(&tool.options, failure->message) : tool_failed(failure);
    arena_init(&tool.line_arena, 16384);
    exit_code = producer_run(&tool);
    producer_destroy(tool.producer);
    properties_finish(&tool.settings);
    properties_finish(&tool.reader_settings);
    arena_finish(&tool.line_arena);
    return exit_code;
}

int kafka_console_producer_main(int argc, char **argv)
{
    return command_run(argc, argv, console_producer_run);
}
