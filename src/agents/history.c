#include "agents/history.h"

#include "agents/cluster_client.h"
#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"

#include <inttypes.h>

#define SILENCE_MS 30000
#define WAIT_MS 200

struct part {
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *head; /* NULL: ask the queue */
    int64_t first, end;
    bool done;
    bool has_older; /* than first */
};

struct history {
    char *topic;
    rd_kafka_t *client;
    struct part *parts;
    int32_t count;
    int64_t total;
    rd_kafka_message_t *given;
};

static enum status client_open(const struct history_spec *spec, struct history *history, struct error *error)
{
    static const char *const own[][2] = {{"group.id", "tailrace-history"}, {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"},
                                         {"auto.offset.reset", "earliest"}, {"enable.partition.eof", "true"}, {"isolation.level", "read_committed"},
                                         {"allow.auto.create.topics", "false"}, {"fetch.wait.max.ms", "50"}};
    enum status status = cluster_client_open(RD_KAFKA_CONSUMER, rd_kafka_conf_new(), spec->bootstrap_servers, own, sizeof(own) / sizeof(own[0]),
                                           spec->client, &history->client, error);

    if (status != OK)
        return status;
    (void)rd_kafka_poll_set_consumer(history->client);
    return OK;
}

static enum status partitions_count(struct history *history, const char *servers, struct error *error)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(history->client, history->topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t failed = rd_kafka_metadata(history->client, 0, topic, &metadata, CLUSTER_REQUEST_MS);
    enum status status = OK;

    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = error_set(error, ERROR_UNAVAILABLE, "no broker answers at %s: %s; is it running, and is --bootstrap-server right?", servers, rd_kafka_err2str(failed));
    else if (metadata->topic_cnt != 1 || metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR || metadata->topics[0].partition_cnt == 0)
        status = error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "there is no topic %s on %s", history->topic, servers);
    else
        history->count = metadata->topics[0].partition_cnt;
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return status;
}

/* The first offset of each partition at or after a time; what lies behind the end stays at the end. */
static enum status offsets_at(struct history *history, int64_t ms, bool is_end, struct error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(history->count);
    rd_kafka_resp_err_t failed;

    for (int32_t i = 0; i < history->count; i++)
        rd_kafka_topic_partition_list_add(list, history->topic, i)->offset = ms;
    failed = rd_kafka_offsets_for_times(history->client, list, CLUSTER_REQUEST_MS);
    for (int i = 0; failed == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        struct part *part = &history->parts[list->elems[i].partition];
        int64_t offset = list->elems[i].offset < 0 || list->elems[i].offset > part->end ? part->end : list->elems[i].offset;

        if (is_end)
            part->end = offset;
        else if (offset > part->first)
            part->first = offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return failed == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : error_set(error, ERROR_UNAVAILABLE, "ask for offsets by time: %s", rd_kafka_err2str(failed));
}

static enum status range_find(const struct history_spec *spec, struct history *history, struct error *error)
{
    enum status status = OK;

    history->parts = memory_new_array((size_t)history->count, sizeof(*history->parts));
    for (int32_t i = 0; i < history->count; i++) {
        rd_kafka_resp_err_t failed =
            rd_kafka_query_watermark_offsets(history->client, history->topic, i, &history->parts[i].first, &history->parts[i].end, CLUSTER_REQUEST_MS);

        if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
            return error_set(error, ERROR_UNAVAILABLE, "ask for the ends of topic %s: %s", history->topic, rd_kafka_err2str(failed));
    }
    if (spec->from_ms >= 0)
        status = offsets_at(history, spec->from_ms, false, error);
    if (status == OK && spec->to_ms >= 0)
        status = offsets_at(history, spec->to_ms, true, error);
    for (int32_t i = 0; i < history->count && status == OK && spec->newest > 0; i++) {
        struct part *part = &history->parts[i];

        part->end = part->end - part->first > spec->skipped ? part->end - spec->skipped : part->first;
        part->has_older = part->end - part->first > spec->newest;
        part->first = part->has_older ? part->end - spec->newest : part->first;
    }
    return status;
}

static enum status reading_begin(struct history *history, struct error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(history->count);
    rd_kafka_resp_err_t failed = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int32_t i = 0; i < history->count; i++) {
        struct part *part = &history->parts[i];

        part->done = part->first >= part->end;
        if (part->done)
            continue;
        history->total += part->end - part->first;
        part->queue = rd_kafka_queue_get_partition(history->client, history->topic, i);
        if (part->queue != NULL)
            rd_kafka_queue_forward(part->queue, NULL);
        rd_kafka_topic_partition_list_add(list, history->topic, i)->offset = part->first;
    }
    if (list->cnt > 0)
        failed = rd_kafka_assign(history->client, list);
    for (int i = 0; i < list->cnt && failed == RD_KAFKA_RESP_ERR_NO_ERROR; i++) { /* assigning forwards the queues to the common one */
        struct part *part = &history->parts[list->elems[i].partition];

        if (part->queue == NULL)
            part->queue = rd_kafka_queue_get_partition(history->client, history->topic, list->elems[i].partition);
        rd_kafka_queue_forward(part->queue, NULL);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return failed == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : error_set(error, ERROR_UNAVAILABLE, "read topic %s: %s", history->topic, rd_kafka_err2str(failed));
}

enum status history_open(const struct history_spec *spec, struct history **opened, struct error *error)
{
    struct history *history = memory_new(sizeof(*history));
    enum status status;

    history->topic = memory_copy_string(spec->topic);
    status = client_open(spec, history, error);
    if (status == OK)
        status = partitions_count(history, spec->bootstrap_servers, error);
    if (status == OK)
        status = range_find(spec, history, error);
    if (status == OK)
        status = reading_begin(history, error);
    if (status == OK)
        *opened = history;
    else
        history_close(history);
    return status;
}

void history_close(struct history *history)
{
    if (history == NULL)
        return;
    if (history->given != NULL)
        rd_kafka_message_destroy(history->given);
    for (int32_t i = 0; history->parts != NULL && i < history->count; i++) {
        if (history->parts[i].head != NULL)
            rd_kafka_message_destroy(history->parts[i].head);
        if (history->parts[i].queue != NULL)
            rd_kafka_queue_destroy(history->parts[i].queue);
    }
    if (history->client != NULL) {
        (void)rd_kafka_consumer_close(history->client);
        rd_kafka_destroy(history->client);
    }
    memory_free(history->parts);
    memory_free(history->topic);
    memory_free(history);
}

/* Waits until the partition has a record at its head, or is done. */
static enum status head_fill(struct history *history, struct part *part, struct error *error)
{
    int64_t until_ms = clock_monotonic_ms() + SILENCE_MS;

    while (part->head == NULL && !part->done) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(part->queue, WAIT_MS);

        if (message == NULL) {
            (void)rd_kafka_poll(history->client, 0);
            if (clock_monotonic_ms() >= until_ms)
                return error_set(error, ERROR_UNAVAILABLE, "read topic %s: nothing came for %d s", history->topic, SILENCE_MS / 1000);
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset < part->end) {
            part->head = message;
            continue;
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            part->done = true;
        } else if (message->err != RD_KAFKA_RESP_ERR__TRANSPORT && message->err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
            (void)error_set(error, ERROR_UNAVAILABLE, "read topic %s: %s", history->topic, rd_kafka_message_errstr(message));
            rd_kafka_message_destroy(message);
            return error->status;
        }
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    return OK;
}

enum status history_next(struct history *history, struct source_record *record, bool *got, struct error *error)
{
    struct part *earliest = NULL;
    int64_t earliest_ms = 0;
    enum status status;

    if (history->given != NULL)
        rd_kafka_message_destroy(history->given);
    history->given = NULL;
    for (int32_t i = 0; i < history->count; i++) {
        struct part *part = &history->parts[i];
        int64_t ms;

        if (part->head == NULL && !part->done) {
            status = head_fill(history, part, error);
            if (status != OK)
                return status;
        }
        if (part->head == NULL)
            continue;
        ms = rd_kafka_message_timestamp(part->head, NULL);
        if (earliest == NULL || ms < earliest_ms) {
            earliest = part;
            earliest_ms = ms;
        }
    }
    *got = earliest != NULL;
    if (earliest == NULL)
        return OK;
    history->given = earliest->head;
    earliest->head = NULL;
    earliest->done = history->given->offset + 1 >= earliest->end;
    *record = (struct source_record){history->given->partition, history->given->offset, earliest_ms,
                                     slice_of(history->given->key, history->given->key_len), slice_of(history->given->payload, history->given->len)};
    return OK;
}

bool history_has_older(const struct history *history, int32_t partition)
{
    return history->parts[partition].has_older;
}

int32_t history_partitions(const struct history *history)
{
    return history->count;
}

int64_t history_total(const struct history *history)
{
    return history->total;
}
