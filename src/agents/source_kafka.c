/*
 * agents/source_kafka.c: any Kafka cluster, through librdkafka: a consumer of the agent's group, and a transactional producer
 * that puts out alerts, changed state and the group's offsets as one. Several agents of one name share the partitions; each
 * loads the whole state when partitions come to it, so a topic that several share has to be keyed by the agent's key.
 * Source: KIP-98, KIP-447; librdkafka's rdkafka.h, "Transactional producer API".
 */
#include "agents/source_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "agents"

#define TRANSACTION_MS 60000
#define REQUEST_MS 10000

struct source_kafka {
    struct source source; /* first */
    char *topic, *state_topic;
    struct properties client;
    char *bootstrap_servers;
    bool from_beginning;
    rd_kafka_t *consumer;
    rd_kafka_t *producer;
    rd_kafka_message_t *message; /* given out last */
    rd_kafka_message_t *ahead;   /* taken by is_drained to see whether there is one */
    uint64_t generation;
    bool in_transaction;
    bool assigned;
    rd_kafka_topic_partition_list_t *read; /* behind the last record given, per partition */
};

static struct source_kafka *of(struct source *source)
{
    return (struct source_kafka *)source;
}

/* ---- Clients ---- */

static enum status setting_apply(rd_kafka_conf_t *conf, const char *key, const char *value, struct error *error)
{
    char text[512];

    if (rd_kafka_conf_set(conf, key, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        return error_set(error, ERROR_BAD_INPUT, "client setting %s=%s: %s", key, value, text);
    return OK;
}

static enum status settings_apply(const struct source_kafka *source, rd_kafka_conf_t *conf, const char *const own[][2], size_t count,
                                  struct error *error)
{
    enum status status = setting_apply(conf, "bootstrap.servers", source->bootstrap_servers, error);

    for (size_t i = 0; i < count && status == OK; i++)
        status = setting_apply(conf, own[i][0], own[i][1], error);
    for (size_t i = 0; i < source->client.count && status == OK; i++)
        status = setting_apply(conf, source->client.items[i].key, source->client.items[i].value, error);
    return status;
}

static void message_drop(rd_kafka_message_t **message)
{
    if (*message != NULL)
        rd_kafka_message_destroy(*message);
    *message = NULL;
}

/* What was written since the last checkpoint never happened; reading goes on from what is committed. */
static void transaction_drop(struct source_kafka *source)
{
    if (source->in_transaction) {
        rd_kafka_error_t *failed = rd_kafka_abort_transaction(source->producer, TRANSACTION_MS);

        if (failed != NULL) {
            LOG_WARNING("cannot abort the transaction: %s", rd_kafka_error_string(failed));
            rd_kafka_error_destroy(failed);
        }
    }
    source->in_transaction = false;
    rd_kafka_topic_partition_list_destroy(source->read);
    source->read = rd_kafka_topic_partition_list_new(8);
}

static void rebalanced(rd_kafka_t *consumer, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *partitions, void *context)
{
    struct source_kafka *source = context;

    message_drop(&source->ahead);
    transaction_drop(source);
    source->generation++;
    source->assigned = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && partitions->cnt > 0;
    (void)rd_kafka_assign(consumer, source->assigned ? partitions : NULL);
}

static enum status client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **client, struct error *error)
{
    char text[512];

    *client = rd_kafka_new(type, conf, text, sizeof(text));
    if (*client != NULL)
        return OK;
    rd_kafka_conf_destroy(conf);
    return error_set(error, ERROR_BAD_INPUT, "cannot make a Kafka client: %s", text);
}

static enum status consumer_open(struct source_kafka *source, const char *group, struct error *error)
{
    const char *const own[][2] = {
        {"group.id", group},
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", source->from_beginning ? "earliest" : "latest"},
        {"isolation.level", "read_committed"},
        {"partition.assignment.strategy", "range"},
        {"topic.metadata.refresh.interval.ms", "5000"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *topics;
    rd_kafka_resp_err_t failed;
    enum status status = settings_apply(source, conf, own, sizeof(own) / sizeof(own[0]), error);

    if (status != OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_opaque(conf, source);
    status = client_open(RD_KAFKA_CONSUMER, conf, &source->consumer, error);
    if (status != OK)
        return status;
    (void)rd_kafka_poll_set_consumer(source->consumer);
    topics = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(topics, source->topic, RD_KAFKA_PARTITION_UA);
    failed = rd_kafka_subscribe(source->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return failed == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : error_set(error, ERROR_UNAVAILABLE, "cannot subscribe to topic %s: %s", source->topic, rd_kafka_err2str(failed));
}

/* Turns librdkafka's error into ours, and frees it. */
static enum status failure(rd_kafka_error_t *failed, const char *doing, struct error *error)
{
    enum status status = OK;

    if (failed != NULL) {
        status = error_set(error, rd_kafka_error_is_fatal(failed) ? ERROR_PRODUCER_FENCED : ERROR_UNAVAILABLE, "%s: %s", doing, rd_kafka_error_string(failed));
        rd_kafka_error_destroy(failed);
    }
    return status;
}

static enum status producer_open(struct source_kafka *source, const char *transactional_id, struct error *error)
{
    const char *const own[][2] = {{"transactional.id", transactional_id}, {"linger.ms", "0"}, {"partitioner", "murmur2_random"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum status status = settings_apply(source, conf, own, sizeof(own) / sizeof(own[0]), error);

    if (status != OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    status = client_open(RD_KAFKA_PRODUCER, conf, &source->producer, error);
    if (status == OK)
        status = failure(rd_kafka_init_transactions(source->producer, TRANSACTION_MS), "begin with transactions", error);
    return status;
}

/* ---- Reading ---- */

static void source_kafka_close(struct source *base)
{
    struct source_kafka *source = of(base);

    message_drop(&source->message);
    message_drop(&source->ahead);
    if (source->consumer != NULL) {
        (void)rd_kafka_consumer_close(source->consumer);
        rd_kafka_destroy(source->consumer);
    }
    if (source->producer != NULL)
        rd_kafka_destroy(source->producer);
    rd_kafka_topic_partition_list_destroy(source->read);
    properties_finish(&source->client);
    memory_free(source->topic);
    memory_free(source->state_topic);
    memory_free(source->bootstrap_servers);
    memory_free(source);
}

static bool may_pass(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__PARTITION_EOF || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

static void read_note(struct source_kafka *source, int32_t partition, int64_t next)
{
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(source->read, source->topic, partition);

    if (at == NULL)
        at = rd_kafka_topic_partition_list_add(source->read, source->topic, partition);
    at->offset = next;
}

static enum status source_kafka_next(struct source *base, int64_t timeout_ms, struct source_record *record, bool *got, struct error *error)
{
    struct source_kafka *source = of(base);

    *got = false;
    message_drop(&source->message);
    source->message = source->ahead != NULL ? source->ahead : rd_kafka_consumer_poll(source->consumer, (int)timeout_ms);
    source->ahead = NULL;
    if (source->message == NULL || may_pass(source->message->err))
        return OK;
    if (source->message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, ERROR_UNAVAILABLE, "read topic %s: %s", source->topic, rd_kafka_message_errstr(source->message));
    *record = (struct source_record){source->message->partition, source->message->offset, rd_kafka_message_timestamp(source->message, NULL),
                                     slice_of(source->message->key, source->message->key_len), slice_of(source->message->payload, source->message->len)};
    read_note(source, record->partition, record->offset + 1);
    *got = true;
    return OK;
}

static uint64_t source_kafka_generation(struct source *base)
{
    return of(base)->generation;
}

static bool source_kafka_is_drained(struct source *base)
{
    struct source_kafka *source = of(base);

    if (source->ahead == NULL)
        source->ahead = rd_kafka_consumer_poll(source->consumer, 0);
    return source->ahead == NULL;
}

static bool source_kafka_is_ready(struct source *base)
{
    return of(base)->assigned;
}

static int64_t source_kafka_lag(struct source *base)
{
    struct source_kafka *source = of(base);
    int64_t lag = 0, low, high;

    for (int i = 0; i < source->read->cnt; i++) {
        if (rd_kafka_get_watermark_offsets(source->consumer, source->topic, source->read->elems[i].partition, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > source->read->elems[i].offset)
            lag += high - source->read->elems[i].offset;
    }
    return lag;
}

/* ---- State ---- */

static enum status source_kafka_topic_ensure(struct source *base, const char *topic, int32_t partitions, bool compact, struct error *error)
{
    struct source_kafka *source = of(base);
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, partitions, -1, NULL, 0);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(source->producer);
    rd_kafka_event_t *event;
    enum status status = OK;

    if (compact)
        (void)rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
    rd_kafka_CreateTopics(source->producer, &made, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, REQUEST_MS);
    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = error_set(error, ERROR_UNAVAILABLE, "create topic %s: %s", topic, event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    } else {
        size_t count;
        const rd_kafka_topic_result_t *const *results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);

        if (count > 0 && rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR &&
            rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            status = error_set(error, ERROR_UNAVAILABLE, "create topic %s: %s", topic, rd_kafka_topic_result_error_string(results[0]));
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(made);
    return status;
}

/* A consumer of its own, so that the group's is left alone. */
static enum status reader_open(struct source_kafka *source, rd_kafka_t **reader, struct error *error)
{
    static const char *const own[][2] = {{"group.id", "tailrace-state-reader"}, {"enable.auto.commit", "false"}, {"isolation.level", "read_committed"},
                                         {"enable.partition.eof", "true"}, {"auto.offset.reset", "earliest"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *partitions;
    enum status status = settings_apply(source, conf, own, sizeof(own) / sizeof(own[0]), error);

    if (status != OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    status = client_open(RD_KAFKA_CONSUMER, conf, reader, error);
    if (status != OK)
        return status;
    partitions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(partitions, source->state_topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    (void)rd_kafka_assign(*reader, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
    return OK;
}

static enum status source_kafka_load(struct source *base, source_state *take, void *context, struct error *error)
{
    struct source_kafka *source = of(base);
    rd_kafka_t *reader = NULL;
    int64_t deadline_ms = clock_monotonic_ms() + TRANSACTION_MS;
    bool ended = false;
    enum status status = reader_open(source, &reader, error);

    while (status == OK && !ended) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 1000);

        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take(context, slice_of(message->key, message->key_len), slice_of(message->payload, message->len));
            deadline_ms = clock_monotonic_ms() + TRANSACTION_MS;
        } else if (message != NULL && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended = true;
        }
        if (message != NULL)
            rd_kafka_message_destroy(message);
        if (!ended && clock_monotonic_ms() > deadline_ms)
            status = error_set(error, ERROR_UNAVAILABLE, "load the state from topic %s: no answer for %d s", source->state_topic, TRANSACTION_MS / 1000);
    }
    if (reader != NULL) {
        (void)rd_kafka_consumer_close(reader);
        rd_kafka_destroy(reader);
    }
    return status;
}

/* ---- Writing ---- */

static enum status transaction_begin(struct source_kafka *source, struct error *error)
{
    enum status status = OK;

    if (!source->in_transaction)
        status = failure(rd_kafka_begin_transaction(source->producer), "begin a transaction", error);
    source->in_transaction = status == OK;
    return status;
}

static rd_kafka_headers_t *headers_of(const struct log_record *record)
{
    rd_kafka_headers_t *headers;

    if (record->header_count == 0)
        return NULL;
    headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        (void)rd_kafka_header_add(headers, (const char *)record->headers[i].key.data, (ssize_t)record->headers[i].key.size,
                                  record->headers[i].value.data, (ssize_t)record->headers[i].value.size);
    return headers;
}

static enum status source_kafka_write(struct source *base, const char *topic, int32_t partition, const struct log_record *record,
                                      struct error *error)
{
    struct source_kafka *source = of(base);
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t failed;
    enum status status = transaction_begin(source, error);

    if (status != OK)
        return status;
    headers = headers_of(record);
    do {
        failed = rd_kafka_producev(source->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition < 0 ? RD_KAFKA_PARTITION_UA : partition),
                                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(record->key.data, record->key.size),
                                   RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.data, record->value.size),
                                   RD_KAFKA_V_TIMESTAMP(record->timestamp_ms < 0 ? 0 : record->timestamp_ms), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (failed == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            (void)rd_kafka_poll(source->producer, 100);
    } while (failed == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
        rd_kafka_headers_destroy(headers);
    return failed == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : error_set(error, ERROR_UNAVAILABLE, "write to topic %s: %s", topic, rd_kafka_err2str(failed));
}

static enum status source_kafka_checkpoint(struct source *base, struct error *error)
{
    struct source_kafka *source = of(base);
    rd_kafka_consumer_group_metadata_t *group;
    enum status status = transaction_begin(source, error);

    if (status != OK)
        return status;
    group = rd_kafka_consumer_group_metadata(source->consumer);
    if (source->read->cnt > 0)
        status = failure(rd_kafka_send_offsets_to_transaction(source->producer, source->read, group, TRANSACTION_MS), "commit the offsets", error);
    if (status == OK)
        status = failure(rd_kafka_commit_transaction(source->producer, TRANSACTION_MS), "commit the transaction", error);
    rd_kafka_consumer_group_metadata_destroy(group);
    source->in_transaction = status != OK;
    return status;
}

static const struct source_kind kind = {
    .close = source_kafka_close,
    .next = source_kafka_next,
    .generation = source_kafka_generation,
    .is_drained = source_kafka_is_drained,
    .is_ready = source_kafka_is_ready,
    .lag = source_kafka_lag,
    .topic_ensure = source_kafka_topic_ensure,
    .load = source_kafka_load,
    .write = source_kafka_write,
    .checkpoint = source_kafka_checkpoint,
};

enum status source_kafka_open(const struct source_spec *spec, struct source **opened, struct error *error)
{
    struct source_kafka *source = memory_new(sizeof(*source));
    char transactional_id[300], host[64] = "";
    enum status status;

    *source = (struct source_kafka){.source = {&kind}, .from_beginning = spec->from_beginning};
    source->topic = memory_copy_string(spec->topic);
    source->state_topic = memory_copy_string(spec->state_topic);
    source->bootstrap_servers = memory_copy_string(spec->bootstrap_servers);
    source->read = rd_kafka_topic_partition_list_new(8);
    if (spec->client == NULL)
        properties_init(&source->client);
    else
        properties_copy(&source->client, spec->client);
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(transactional_id, sizeof(transactional_id), "tailrace-agent-%s-%s-%d", spec->agent, host, (int)getpid());
    status = producer_open(source, transactional_id, error);
    if (status == OK)
        status = consumer_open(source, spec->group, error);
    if (status == OK) {
        *opened = &source->source;
    } else {
        error_context(error, "agent %s on %s", spec->agent, spec->bootstrap_servers);
        source_kafka_close(&source->source);
    }
    return status;
}
