#include "tools/events.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/command.h"

#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <time.h>

#define LINE_BYTES_MAX (1 << 20)
#define ARENA_BLOCK_BYTES 65536
#define POLL_MS 100
#define TEXT_SHOWN_MAX 200 /* bytes of one value */

/* ---- Values ---- */

static void timestamp_print(int64_t us, struct buffer *out)
{
    int64_t seconds = us / US_PER_SECOND - (us % US_PER_SECOND < 0);
    time_t time = (time_t)seconds;
    int64_t fraction = us - seconds * US_PER_SECOND;
    char text[40];
    struct tm parts;

    (void)gmtime_r(&time, &parts);
    (void)strftime(text, sizeof(text), "\"%Y-%m-%d %H:%M:%S", &parts);
    buffer_append_string(out, text);
    if (fraction != 0)
        buffer_append_format(out, ".%06d", (int)fraction);
    buffer_append_u8(out, '"');
}

static void date_print(int64_t days, struct buffer *out)
{
    time_t time = (time_t)(days * (MS_PER_DAY / MS_PER_SECOND));
    char text[40];
    struct tm parts;

    (void)gmtime_r(&time, &parts);
    (void)strftime(text, sizeof(text), "%Y-%m-%d", &parts);
    buffer_append_string(out, text);
}

/* Quoted when it would not be told from what stands around it. */
static void text_print(struct slice text, struct buffer *out)
{
    bool quoted = text.size == 0;
    size_t size = text.size > TEXT_SHOWN_MAX ? TEXT_SHOWN_MAX : text.size;

    for (size_t i = 0; i < size && !quoted; i++)
        quoted = text.data[i] <= ' ' || text.data[i] == '"' || text.data[i] == '=';
    while (size < text.size && size > 0 && (text.data[size] & 0xc0) == 0x80) /* not inside a character */
        size--;
    if (quoted)
        buffer_append_u8(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f) /* a terminal must not obey what is in a row */
            buffer_append_format(out, "\\x%02x", text.data[i]);
        else if (quoted && text.data[i] == '"')
            buffer_append_string(out, "\\\"");
        else
            buffer_append_u8(out, text.data[i]);
    }
    if (quoted)
        buffer_append_u8(out, '"');
    if (size < text.size)
        buffer_append_format(out, "…(%zu bytes)", text.size);
}

static void value_print(const struct change_value *value, struct buffer *out)
{
    char decimal[DECIMAL_TEXT_SIZE];

    if (value->null) {
        buffer_append_string(out, "null");
        return;
    }
    switch (value->type) {
    case CHANGE_BOOLEAN: buffer_append_string(out, value->integer != 0 ? "true" : "false"); break;
    case CHANGE_INTEGER: buffer_append_decimal(out, value->integer); break;
    case CHANGE_REAL: buffer_append_slice(out, value->text); break;
    case CHANGE_DATE: date_print(value->integer, out); break;
    case CHANGE_TIMESTAMP: timestamp_print(value->integer, out); break;
    case CHANGE_DECIMAL:
        decimal_print(&value->decimal, decimal);
        buffer_append_string(out, decimal);
        break;
    case CHANGE_TEXT:
    case CHANGE_BYTES:
    case CHANGE_OTHER: text_print(value->text, out); break;
    }
}

static bool value_equal(const struct change_value *a, const struct change_value *b)
{
    struct buffer texts[2];
    bool equal;

    buffer_init(&texts[0], LINE_BYTES_MAX);
    buffer_init(&texts[1], LINE_BYTES_MAX);
    value_print(a, &texts[0]);
    value_print(b, &texts[1]);
    equal = a->null == b->null && slice_equal(buffer_slice(&texts[0]), buffer_slice(&texts[1]));
    buffer_finish(&texts[0]);
    buffer_finish(&texts[1]);
    return equal;
}

static const char *operation_name(char operation)
{
    switch (operation) {
    case 'c': return "INSERT";
    case 'u': return "UPDATE";
    case 'd': return "DELETE";
    case 'r': return "READ";
    case 't': return "TRUNCATE";
    case 'm': return "MESSAGE";
    default: return "ROW";
    }
}

void event_print(const struct change *change, struct buffer *out)
{
    const struct change_value *row = change->after != NULL ? change->after : change->before;

    buffer_append_format(out, "%-6s", operation_name(change->operation));
    for (size_t i = 0; row != NULL && i < change->schema->column_count; i++) {
        if (!row[i].known)
            continue;
        buffer_append_format(out, " %s=", change->schema->columns[i].name);
        if (change->operation == 'u' && change->before != NULL && change->before[i].known && !value_equal(&change->before[i], &row[i])) {
            value_print(&change->before[i], out);
            buffer_append_string(out, "→");
        }
        value_print(&row[i], out);
    }
}

/* ---- The command ---- */

struct reading {
    const char *topic, *servers;
    int64_t count; /* stop after so many; 0: never */
    bool from_beginning;
    int64_t printed;
    rd_kafka_t *consumer;
    rd_kafka_topic_t *topic_handle;
    rd_kafka_queue_t *queue; /* all partitions; without a group, so that reading leaves no trace in the log */
    struct change_decoder *decoder;
    struct arena arena;
    struct buffer line;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

/* librdkafka reports by itself when a server cannot be reached; once is enough. */
static void report(rd_kafka_t *consumer, int error, const char *reason, void *opaque)
{
    static bool said;

    (void)consumer;
    (void)opaque;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !said) {
        said = true;
        (void)fprintf(stderr, "tailrace events: %s; trying on\n", reason);
    }
}

static enum status consumer_open(struct reading *reading, struct error *error)
{
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    const char *const settings[][2] = {
        {"bootstrap.servers", reading->servers}, {"allow.auto.create.topics", "false"}, {"client.id", "tailrace-events"}};
    char why[512];

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (rd_kafka_conf_set(configuration, settings[i][0], settings[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(configuration);
            return error_set(error, ERROR_USAGE, "%s", why);
        }
    }
    rd_kafka_conf_set_error_cb(configuration, report);
    rd_kafka_conf_set_log_cb(configuration, NULL);
    reading->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, why, sizeof(why));
    return reading->consumer != NULL ? OK : error_set(error, ERROR_UNAVAILABLE, "%s", why);
}

/* Begins with all partitions of the topic; waits until it exists. */
static enum status topic_open(struct reading *reading, struct error *error)
{
    int64_t offset = reading->from_beginning ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    int32_t partitions = 0;

    reading->topic_handle = rd_kafka_topic_new(reading->consumer, reading->topic, NULL);
    reading->queue = rd_kafka_queue_new(reading->consumer);
    while (partitions == 0 && !stopped) {
        const struct rd_kafka_metadata *metadata;

        (void)rd_kafka_poll(reading->consumer, POLL_MS);
        if (rd_kafka_metadata(reading->consumer, 0, reading->topic_handle, &metadata, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        partitions = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(metadata);
    }
    for (int32_t i = 0; i < partitions; i++) {
        if (rd_kafka_consume_start_queue(reading->topic_handle, i, offset, reading->queue) != 0)
            return error_set(error, ERROR_UNAVAILABLE, "read %s: %s", reading->topic, rd_kafka_err2str(rd_kafka_last_error()));
    }
    return OK;
}

static void message_print(struct reading *reading, const rd_kafka_message_t *message)
{
    struct slice value = slice_of(message->payload, message->len);
    struct change change;
    struct error error;

    if (message->payload == NULL)
        return; /* a tombstone: it follows the DELETE that was printed */
    arena_reset(&reading->arena);
    buffer_reset(&reading->line);
    if (change_decode(reading->decoder, value, &reading->arena, &change, &error) == OK)
        event_print(&change, &reading->line);
    else
        buffer_append_format(&reading->line, "partition %d offset %lld is no change event: %s", (int)message->partition,
                             (long long)message->offset, error.message);
    buffer_append_u8(&reading->line, '\n');
    (void)fwrite(reading->line.data, 1, reading->line.size, stdout);
    (void)fflush(stdout);
    reading->printed++;
}

static enum status run(struct reading *reading, struct error *error)
{
    enum status status = consumer_open(reading, error);

    if (status == OK)
        status = topic_open(reading, error);
    while (status == OK && !stopped && (reading->count == 0 || reading->printed < reading->count)) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(reading->queue, POLL_MS);

        (void)rd_kafka_poll(reading->consumer, 0);
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            message_print(reading, message);
        else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF && message->err != RD_KAFKA_RESP_ERR__TRANSPORT)
            status = error_set(error, ERROR_UNAVAILABLE, "read %s: %s", reading->topic, rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        if (ferror(stdout) != 0)
            break;
    }
    if (reading->queue != NULL)
        rd_kafka_queue_destroy(reading->queue);
    if (reading->topic_handle != NULL)
        rd_kafka_topic_destroy(reading->topic_handle);
    if (reading->consumer != NULL)
        rd_kafka_destroy(reading->consumer);
    return status;
}

int events_main(int argc, char **argv)
{
    static struct reading reading = {.servers = "localhost:9092"};
    static const struct option_row rows[] = {
        {"bootstrap-server", OPTION_TEXT, &reading.servers, "HOST:PORT", "Where the log is (default localhost:9092)", 0, 0},
        {"from-beginning", OPTION_FLAG, &reading.from_beginning, NULL, "Also what is there already", 0, 0},
        {"max", OPTION_NUMBER, &reading.count, "N", "Stop after so many; default: on Ctrl-C", 1, INT64_MAX},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace events",
        .operands = "TOPIC",
        .summary = "Prints the change events of a topic as rows: names, exact amounts, what an update changed.",
        .rows = rows,
        .operands_max = 1,
        .operands_min = 1,
        .examples = "tailrace events dbserver1.public.activity --from-beginning",
        .description = "It uses no consumer group.",
    };
    struct sigaction action = {.sa_handler = stop};
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    size_t operand_count;
    struct error error;
    enum status status;
    int ended = command_options(&options, argc, argv, operands, &operand_count);

    if (ended >= 0) {
        memory_free(operands);
        return ended;
    }
    reading.topic = operands[0];
    reading.decoder = change_decoder_create();
    arena_init(&reading.arena, ARENA_BLOCK_BYTES);
    buffer_init(&reading.line, LINE_BYTES_MAX);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    status = run(&reading, &error);
    buffer_finish(&reading.line);
    arena_finish(&reading.arena);
    change_decoder_destroy(reading.decoder);
    memory_free(operands);
    return status == OK ? 0 : command_fail(&error);
}
