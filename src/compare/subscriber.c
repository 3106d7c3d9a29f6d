#include "compare/subscriber.h"

#include "base/banned.h"
#include "os/clock.h"
#include "wire/debezium/change.h"

#include <librdkafka/rdkafka.h>

#define POLL_MS 100
#define SILENCE_MS 15000 /* without a record, though some are expected: there will be none */
#define WATERMARK_MS 10000

struct streaming {
    const struct subscriber *spec;
    rd_kafka_t *consumer;
    struct change_decoder *decoder;
    struct arena arena;
    struct sightings *sightings;
    struct child_figures figures;
    int64_t next_offset, heard_ms;
    bool begun;
};

static enum status consumer_open(struct streaming *streaming, struct error *error)
{
    static const char *const settings[][2] = {
        {"group.id", "tailrace-compare"},
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", "earliest"},
        {"allow.auto.create.topics", "true"},
        {"fetch.wait.max.ms", "500"},
        {"fetch.queue.backoff.ms", "1"},
        {"topic.metadata.refresh.interval.ms", "500"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    char text[512] = "";

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", streaming->spec->bootstrap, text, sizeof(text));
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        (void)rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text));
    streaming->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (streaming->consumer == NULL) {
        rd_kafka_conf_destroy(conf);
        rd_kafka_topic_partition_list_destroy(topics);
        return error_set(error, ERROR_UNAVAILABLE, "open a consumer: %s", text);
    }
    rd_kafka_topic_partition_list_add(topics, streaming->spec->topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    (void)rd_kafka_assign(streaming->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return OK;
}

static int64_t column(const struct change *change, const struct change_value *row, const char *name)
{
    const struct change_value *value = change_column(change, row, name);

    return value == NULL || value->null ? 0 : value->integer;
}

static enum status record_take(struct streaming *streaming, const rd_kafka_message_t *message, struct error *error)
{
    int64_t now_ns = clock_monotonic_ns(), id;
    struct change change;
    enum status status;

    streaming->next_offset = message->offset + 1;
    if (message->payload == NULL) /* the tombstone behind a delete */
        return OK;
    arena_reset(&streaming->arena);
    status = change_decode(streaming->decoder, slice_of(message->payload, message->len), &streaming->arena, &change, error);
    if (status != OK)
        return status;
    id = column(&change, change.after == NULL ? change.before : change.after, "id");
    if (id <= 0)
        return error_set(error, ERROR_BAD_INPUT, "an event without id at offset %lld", (long long)message->offset);
    if (id == streaming->spec->rows && !streaming->begun) {
        streaming->begun = true;
        return OK;
    }
    streaming->figures.rows++;
    (void)sightings_take(streaming->sightings, id,
                         change.operation == 'd' ? VERSION_GONE : (int32_t)column(&change, change.after, "version"), now_ns);
    return OK;
}

static enum status poll_once(struct streaming *streaming, struct error *error)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(streaming->consumer, POLL_MS);
    enum status status = OK;

    if (message == NULL)
        return OK;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) { /* others pass: the topic comes with its first row */
        status = record_take(streaming, message, error);
        streaming->heard_ms = clock_monotonic_ms();
    }
    rd_kafka_message_destroy(message);
    return status;
}

/* All that was expected came, and nothing lies behind it that would be one twice. */
static bool is_through(struct streaming *streaming, int64_t expected)
{
    int64_t low, high;
    size_t count;

    (void)sightings_all(streaming->sightings, &count);
    if ((int64_t)count < expected)
        return clock_monotonic_ms() - streaming->heard_ms > SILENCE_MS;
    return rd_kafka_query_watermark_offsets(streaming->consumer, streaming->spec->topic, 0, &low, &high, WATERMARK_MS) ==
               RD_KAFKA_RESP_ERR_NO_ERROR &&
           streaming->next_offset >= high;
}

static enum status records_run(struct streaming *streaming, int fd, struct error *error)
{
    bool finish = false, said = false;
    int64_t expected = 0;
    enum status status = OK;

    while (status == OK && !(finish && is_through(streaming, expected))) {
        bool before = finish;

        status = poll_once(streaming, error);
        if (status == OK && streaming->begun && !said)
            said = child_say_ready(fd);
        if (status == OK && !finish && !child_listen(fd, 0, &finish, &expected))
            return error_set(error, ERROR_CLOSED, "the comparison has ended");
        if (finish && !before)
            streaming->heard_ms = clock_monotonic_ms();
    }
    return status;
}

int subscriber_run(void *context, int fd)
{
    const struct subscriber *spec = context;
    struct streaming streaming = {.spec = spec, .decoder = change_decoder_create(), .sightings = sightings_create(spec->rows)};
    struct error error;
    enum status status;

    arena_init(&streaming.arena, 16 << 10);
    status = consumer_open(&streaming, &error);
    if (status == OK)
        status = records_run(&streaming, fd, &error);
    streaming.figures.database_ms = -1; /* the walsender's is known to the parent */
    if (status == OK)
        (void)child_say_result(fd, &streaming.figures, streaming.sightings);
    else
        (void)child_say_error(fd, error.message);
    if (streaming.consumer != NULL) {
        (void)rd_kafka_consumer_close(streaming.consumer);
        rd_kafka_destroy(streaming.consumer);
    }
    sightings_destroy(streaming.sightings);
    change_decoder_destroy(streaming.decoder);
    arena_finish(&streaming.arena);
    return status == OK ? 0 : 1;
}
