/*
 * agents/source_kafka.c: any Kafka cluster, through librdkafka: a consumer of the agent's group, and a transactional producer
 * that puts out alerts, changed state and the group's offsets as one. Several agents of one name share the partitions; each
 * loads the whole state when partitions come to it, so a topic that several share has to be keyed by the agent's key.
 *
 * A broker without transactions (our own is one) gets the same from the order of one partition: alerts are written and
 * acknowledged first, then the changed state, then a position record behind it in the state topic. What lies behind the last
 * position record never happened: it is written over with what was before. Alerts that are there already, because a crash
 * came between them and the position, are known by their ids and left out. One agent of a name at a time, then.
 *
 * Source: KIP-98, KIP-447; librdkafka's rdkafka.h, "Transactional producer API".
 */
#include "agents/source_internal.h"

#include "agents/cluster_client.h"
#include "agents/state_log.h"
#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "log/kafka_ask.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/json/scan.h"
#include "wire/kafka/messages_metadata.h"

#include <inttypes.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "agents"

#define TRANSACTION_MS 60000
#define DEAD_TRANSACTION_MS "30000" /* for so long that of one that died holds up those who read what is committed; longer than a checkpoint may take */

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
    bool unsure; /* where to begin could not be asked: nothing is read */
    /* Without transactions: */
    bool plain;
    char *alerts_topic, *enriched_topic;
    bool lost;          /* a record could not be delivered since the last checkpoint */
    struct map known;   /* ids of alerts and enriched events that are there though their checkpoint is not -> itself */
    bool enriches;      /* there are enriched events: their topic is there */
    struct buffer position; /* the last position record; empty when there is none */
    rd_kafka_topic_partition_list_t *read; /* behind the last record given, or where reading began, per partition */
    rd_kafka_topic_partition_list_t *behind; /* assigned partitions whose end has not been seen yet */
    int32_t partitions_at_open; /* of the topic; those that come later are read from their first record */
};

static struct source_kafka *of(struct source *source)
{
    return (struct source_kafka *)source;
}

/* ---- Clients ---- */

static void message_drop(rd_kafka_message_t **message)
{
    if (*message != NULL)
        rd_kafka_message_destroy(*message);
    *message = NULL;
}

/* What was written since the last checkpoint never happened; reading goes on from what is committed. */
static void transaction_drop(struct source_kafka *source)
{
    if (source->in_transaction && !source->plain) {
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

static enum status position_load(struct source_kafka *source, struct error *error);

/* Where the checkpoint says that the partitions go on; the others at the group's offset. */
static void positions_set(const struct source_kafka *source, rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++)
        partitions->elems[i].offset = state_position_offset(&source->position, partitions->elems[i].partition, RD_KAFKA_OFFSET_INVALID);
}

static void read_note(struct source_kafka *source, int32_t partition, int64_t next)
{
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(source->read, source->topic, partition);

    if (at == NULL)
        at = rd_kafka_topic_partition_list_add(source->read, source->topic, partition);
    at->offset = next;
}

/* Has the group a position in a partition up to `last`? Then it is not new, and a partition without one came while it was away. */
static bool group_is_old(const struct source_kafka *source, rd_kafka_t *consumer, int32_t last)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(last + 1);
    bool is_old = false;

    (void)rd_kafka_topic_partition_list_add_range(all, source->topic, 0, last);
    if (rd_kafka_committed(consumer, all, CLUSTER_REQUEST_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (int i = 0; i < all->cnt; i++)
            is_old = is_old || all->elems[i].offset >= 0;
    }
    rd_kafka_topic_partition_list_destroy(all);
    return is_old;
}

/*
 * Where the group has no position yet it gets one, for the next checkpoint to keep: what comes while the agent is away is read when it is
 * back. A topic or partition that came later is read from its first record, or rows would be missed.
 */
static bool starts_set(struct source_kafka *source, rd_kafka_t *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(partitions);
    bool done = rd_kafka_committed(consumer, committed, CLUSTER_REQUEST_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    int32_t last = 0;
    bool is_old;

    for (int i = 0; i < partitions->cnt; i++)
        last = partitions->elems[i].partition > last ? partitions->elems[i].partition : last;
    is_old = done && !source->from_beginning && group_is_old(source, consumer, last);
    for (int i = 0; i < partitions->cnt && done; i++) {
        rd_kafka_topic_partition_t *start = &partitions->elems[i];
        int64_t low, high;

        if (start->offset < 0)
            start->offset = committed->elems[i].offset;
        if (start->offset < 0) {
            done = rd_kafka_query_watermark_offsets(consumer, source->topic, start->partition, &low, &high, CLUSTER_REQUEST_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
            start->offset = source->from_beginning || is_old || start->partition >= source->partitions_at_open ? low : high;
        }
        read_note(source, start->partition, start->offset);
    }
    rd_kafka_topic_partition_list_destroy(committed);
    return done;
}

static void rebalanced(rd_kafka_t *consumer, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *partitions, void *context)
{
    struct source_kafka *source = context;

    message_drop(&source->ahead);
    transaction_drop(source);
    source->generation++;
    source->assigned = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && partitions->cnt > 0;
    if (source->plain && source->assigned) {
        struct error error;

        source->lost = position_load(source, &error) != OK; /* the next checkpoint fails then, and all begins again */
        if (source->lost)
            LOG_WARNING("%s", error.message);
        positions_set(source, partitions);
    }
    if (source->assigned && !starts_set(source, consumer, partitions)) {
        source->unsure = true;
    }
    rd_kafka_topic_partition_list_destroy(source->behind);
    source->behind = source->assigned ? rd_kafka_topic_partition_list_copy(partitions) : rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_assign(consumer, source->assigned ? partitions : NULL);
}

/* How many partitions the topic has; none: it is not there yet. */
static enum status topic_look(struct source_kafka *source, struct error *error)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(source->consumer, source->topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t failed = rd_kafka_metadata(source->consumer, 0, topic, &metadata, CLUSTER_REQUEST_MS);

    rd_kafka_topic_destroy(topic);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, ERROR_UNAVAILABLE, "look for topic %s: %s", source->topic, rd_kafka_err2str(failed));
    source->partitions_at_open = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return OK;
}

static enum status consumer_open(struct source_kafka *source, const char *group, const char *instance, struct error *error)
{
    /* Without transactions there is one agent of the name: as a static member it takes the place of one that was killed at once. */
    const char *const own[][2] = {
        {"group.id", group},
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", "error"}, /* where we begin is said; what retention deleted is told */
        {"enable.partition.eof", "true"},
        {"isolation.level", "read_committed"},
        {"partition.assignment.strategy", "range"},
        {"topic.metadata.refresh.interval.ms", "5000"},
        {"session.timeout.ms", "10000"}, /* alerts wait that long when a machine dies, until another takes its partitions */
        {"group.instance.id", instance},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *topics;
    rd_kafka_resp_err_t failed;
    enum status status;

    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_opaque(conf, source);
    status = cluster_client_open(RD_KAFKA_CONSUMER, conf, source->bootstrap_servers, own, sizeof(own) / sizeof(own[0]) - !source->plain, &source->client,
                               &source->consumer, error);
    if (status != OK)
        return status;
    (void)rd_kafka_poll_set_consumer(source->consumer);
    status = topic_look(source, error);
    if (status != OK)
        return status;
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

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    struct source_kafka *source = context;

    (void)producer;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        source->lost = true;
}

/* transactional_id  NULL: idempotent only */
static enum status producer_make(struct source_kafka *source, const char *transactional_id, struct error *error)
{
    const char *const own[][2] = {{"enable.idempotence", "true"},
                                  {"linger.ms", "0"},
                                  {"partitioner", "murmur2_random"},
                                  {"compression.type", "gzip"},
                                  {"transaction.timeout.ms", DEAD_TRANSACTION_MS},
                                  {"transactional.id", transactional_id}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, source);
    return cluster_client_open(RD_KAFKA_PRODUCER, conf, source->bootstrap_servers, own, sizeof(own) / sizeof(own[0]) - (transactional_id == NULL),
                             &source->client, &source->producer, error);
}

/* Does the broker say that it has transactions? Without TLS it can be asked; true also when that is not known, for trying tells. */
static bool may_have_transactions(const struct source_kafka *source, const struct rd_kafka_metadata *metadata)
{
    const char *security = properties_get(&source->client, "security.protocol");
    struct kafka_api_versions_request request = {slice_from_string("tailrace"), slice_from_string(TAILRACE_VERSION)};
    struct kafka_api_versions_response response;
    struct kafka_client *client;
    struct arena arena;
    struct error error;
    char address[300];
    bool has = false;

    if ((security != NULL && strcmp(security, "plaintext") != 0 && strcmp(security, "PLAINTEXT") != 0) || metadata->broker_cnt == 0)
        return true;
    (void)snprintf(address, sizeof(address), strchr(metadata->brokers[0].host, ':') != NULL ? "[%s]:%d" : "%s:%d", metadata->brokers[0].host, metadata->brokers[0].port);
    client = kafka_client_create(address, "tailrace-agent");
    arena_init(&arena, 4096);
    if (kafka_ask(client, KAFKA_API_VERSIONS, 3, &request, &response, &arena, &error) != OK || response.error_code != 0)
        has = true;
    for (int32_t i = 0; !has && i < response.api_keys.count; i++)
        has = response.api_keys.items[i].api_key == KAFKA_END_TXN;
    arena_finish(&arena);
    kafka_client_destroy(client);
    return has;
}

/* A broker that has no transactions says so at once, by one of these. */
static bool has_no_transactions(const rd_kafka_error_t *failed)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(failed);

    return code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE ||
           code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION;
}

/* Says soon that nobody is there; the transactions' own request waits for a minute first. */
static enum status cluster_reach(struct source_kafka *source, bool *transactions, struct error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t failed = rd_kafka_metadata(source->producer, 0, NULL, &metadata, CLUSTER_REQUEST_MS);

    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, ERROR_UNAVAILABLE, "no broker answers at %s: %s; is it running, and is --bootstrap-server right?", source->bootstrap_servers,
                         rd_kafka_err2str(failed));
    *transactions = may_have_transactions(source, metadata);
    rd_kafka_metadata_destroy(metadata);
    return OK;
}

static enum status producer_open(struct source_kafka *source, const char *transactional_id, struct error *error)
{
    bool transactions = true;
    enum status status = producer_make(source, transactional_id, error);

    if (status == OK)
        status = cluster_reach(source, &transactions, error);
    if (status != OK)
        return status;
    if (transactions) {
        rd_kafka_error_t *failed = rd_kafka_init_transactions(source->producer, TRANSACTION_MS);

        if (failed == NULL || !has_no_transactions(failed))
            return failure(failed, "begin with transactions", error);
        rd_kafka_error_destroy(failed);
    }
    rd_kafka_destroy(source->producer);
    source->producer = NULL;
    source->plain = true;
    return producer_make(source, NULL, error);
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
    rd_kafka_topic_partition_list_destroy(source->behind);
    properties_finish(&source->client);
    memory_free(source->topic);
    memory_free(source->state_topic);
    memory_free(source->alerts_topic);
    memory_free(source->enriched_topic);
    map_finish(&source->known);
    buffer_finish(&source->position);
    memory_free(source->bootstrap_servers);
    memory_free(source);
}

static bool may_pass(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__PARTITION_EOF || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

static struct slice header_of(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value = NULL;
    size_t size = 0;

    return rd_kafka_header_get_last(headers, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR ? slice_of(value, size) : slice_null();
}

static struct trace_context trace_of(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return (struct trace_context){slice_null(), slice_null()};
    return trace_context_check(header_of(headers, "traceparent"), header_of(headers, "tracestate"));
}

static void behind_note(struct source_kafka *source, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        (void)rd_kafka_topic_partition_list_del(source->behind, source->topic, message->partition);
    else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_topic_partition_list_find(source->behind, source->topic, message->partition) == NULL)
        (void)rd_kafka_topic_partition_list_add(source->behind, source->topic, message->partition);
}

/* Reads on from `read` in all partitions. */
static rd_kafka_resp_err_t read_again(struct source_kafka *source)
{
    rd_kafka_topic_partition_list_t *assigned = NULL;
    rd_kafka_resp_err_t failed = rd_kafka_assignment(source->consumer, &assigned);

    for (int i = 0; failed == RD_KAFKA_RESP_ERR_NO_ERROR && i < assigned->cnt; i++) {
        const rd_kafka_topic_partition_t *read = rd_kafka_topic_partition_list_find(source->read, source->topic, assigned->elems[i].partition);

        assigned->elems[i].offset = read->offset;
    }
    if (failed == RD_KAFKA_RESP_ERR_NO_ERROR)
        failed = rd_kafka_assign(source->consumer, assigned);
    if (assigned != NULL)
        rd_kafka_topic_partition_list_destroy(assigned);
    return failed;
}

/* Goes on at the first record that is there. */
static enum status gap_pass(struct source_kafka *source, int32_t partition, struct error *error)
{
    int64_t low = 0, high = 0, lost = rd_kafka_topic_partition_list_find(source->read, source->topic, partition)->offset;
    rd_kafka_resp_err_t failed = rd_kafka_query_watermark_offsets(source->consumer, source->topic, partition, &low, &high, CLUSTER_REQUEST_MS);

    if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        low = lost > high ? high : low;
        read_note(source, partition, low);
        failed = read_again(source);
    }
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, ERROR_UNAVAILABLE, "topic %s, partition %d: offset %lld is gone, and where to go on is not known: %s", source->topic, partition,
                         (long long)lost, rd_kafka_err2str(failed));
    return error_set(error, ERROR_OFFSET_OUT_OF_RANGE, "topic %s, partition %d: offsets %lld to %lld were deleted before they were read; going on at %lld",
                     source->topic, partition, (long long)lost, (long long)low - 1, (long long)low);
}

static enum status source_kafka_next(struct source *base, int64_t timeout_ms, struct source_record *record, bool *got, struct error *error)
{
    struct source_kafka *source = of(base);

    *got = false;
    message_drop(&source->message);
    source->message = source->ahead != NULL ? source->ahead : rd_kafka_consumer_poll(source->consumer, (int)timeout_ms);
    source->ahead = NULL;
    if (source->unsure)
        return error_set(error, ERROR_UNAVAILABLE, "read topic %s: the cluster does not say where the group stands", source->topic);
    if (source->message == NULL)
        return OK;
    behind_note(source, source->message);
    if (may_pass(source->message->err))
        return OK;
    if (source->message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return gap_pass(source, source->message->partition, error);
    if (source->message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, ERROR_UNAVAILABLE, "read topic %s: %s", source->topic, rd_kafka_message_errstr(source->message));
    *record = (struct source_record){source->message->partition, source->message->offset, rd_kafka_message_timestamp(source->message, NULL),
                                     slice_of(source->message->key, source->message->key_len), slice_of(source->message->payload, source->message->len),
                                     trace_of(source->message)};
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
    if (source->ahead != NULL && may_pass(source->ahead->err)) {
        behind_note(source, source->ahead);
        message_drop(&source->ahead);
    }
    return source->ahead == NULL;
}

static bool source_kafka_is_at_end(struct source *base)
{
    struct source_kafka *source = of(base);

    return source->assigned && source->behind->cnt == 0 && source_kafka_is_drained(base);
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

static enum status source_kafka_topic_ensure(struct source *base, const char *topic, int32_t partitions, const char *const *settings, struct error *error)
{
    struct source_kafka *source = of(base);
    enum status status = cluster_topic_ensure(source->producer, topic, partitions, settings, error);

    source->enriches = source->enriches || (status == OK && strcmp(topic, source->enriched_topic) == 0);
    return status;
}

/* A consumer of its own, so that the group's is left alone: partition 0 of a topic from an offset on. */
static enum status reader_open(struct source_kafka *source, const char *topic, int64_t offset, rd_kafka_t **reader, struct error *error)
{
    static const char *const own[][2] = {{"group.id", "tailrace-state-reader"}, {"enable.auto.commit", "false"}, {"isolation.level", "read_committed"},
                                         {"enable.partition.eof", "true"}, {"auto.offset.reset", "earliest"}};
    rd_kafka_topic_partition_list_t *partitions;
    enum status status = cluster_client_open(RD_KAFKA_CONSUMER, rd_kafka_conf_new(), source->bootstrap_servers, own, sizeof(own) / sizeof(own[0]),
                                           &source->client, reader, error);

    if (status != OK)
        return status;
    partitions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(partitions, topic, 0)->offset = offset;
    (void)rd_kafka_assign(*reader, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
    return OK;
}

/* Reads a topic's partition 0 from an offset to its end. */
static enum status topic_read(struct source_kafka *source, const char *topic, int64_t offset, source_state *take, void *context, struct error *error)
{
    rd_kafka_t *reader = NULL;
    int64_t deadline_ms = clock_monotonic_ms() + TRANSACTION_MS;
    int64_t low, end = -1;
    bool ended = false;
    enum status status = reader_open(source, topic, offset, &reader, error);

    while (status == OK && !ended) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 1000);

        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take(context, slice_of(message->key, message->key_len), slice_of(message->payload, message->len));
            deadline_ms = clock_monotonic_ms() + TRANSACTION_MS;
        } else if (message != NULL && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            /* A transaction of one that died hides what others committed behind its beginning, until the cluster ends it. */
            if (end < 0 && rd_kafka_get_watermark_offsets(reader, topic, 0, &low, &end) != RD_KAFKA_RESP_ERR_NO_ERROR)
                end = message->offset;
            ended = message->offset >= end;
        }
        if (message != NULL)
            rd_kafka_message_destroy(message);
        if (!ended && clock_monotonic_ms() > deadline_ms)
            status = error_set(error, ERROR_UNAVAILABLE, "read topic %s: no answer for %d s", topic, TRANSACTION_MS / 1000);
    }
    if (reader != NULL) {
        (void)rd_kafka_consumer_close(reader);
        rd_kafka_destroy(reader);
    }
    return status;
}

/* ---- Without transactions: what counts is what lies before the last position record ---- */

static void known_take(void *context, struct slice key, struct slice value)
{
    struct arena arena;
    struct slice id;

    (void)key;
    arena_init(&arena, 256);
    id = json_member_text(value, "id", &arena);
    if (!slice_is_null(id))
        (void)map_put(context, id, context);
    arena_finish(&arena);
}

/* Did the record go out before a crash? */
static bool is_known(const struct source_kafka *source, const char *topic, const struct log_record *record)
{
    struct arena arena;
    struct slice id;
    bool known;

    if (source->known.count == 0 || (strcmp(topic, source->alerts_topic) != 0 && strcmp(topic, source->enriched_topic) != 0))
        return false;
    arena_init(&arena, 256);
    id = json_member_text(record->value, "id", &arena);
    known = !slice_is_null(id) && map_get(&source->known, id) != NULL;
    arena_finish(&arena);
    return known;
}

static enum status produce(struct source_kafka *source, const char *topic, int32_t partition, const struct log_record *record, struct error *error);

static enum status flush(struct source_kafka *source, struct error *error)
{
    rd_kafka_resp_err_t failed = rd_kafka_flush(source->producer, TRANSACTION_MS);

    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR || source->lost)
        return error_set(error, ERROR_UNAVAILABLE, "write a checkpoint to topic %s: %s", source->state_topic,
                         failed != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_err2str(failed) : "not all of it was taken");
    return OK;
}

static enum status position_produce(struct source_kafka *source, struct error *error)
{
    const struct log_record record = {slice_from_string(STATE_LOG_POSITION_KEY), buffer_slice(&source->position), -1, NULL, 0};

    return produce(source, source->state_topic, 0, &record, error);
}

/* Writes what counts over what does not, so that no later position record makes it count. */
static enum status strays_undo(struct source_kafka *source, const struct state_log *log, struct error *error)
{
    enum status status = OK;

    for (const struct state_record *stray = log->strays; stray != NULL && status == OK; stray = stray->next) {
        const struct log_record record = {stray->key, state_log_value(log, stray->key), -1, NULL, 0};

        status = produce(source, source->state_topic, 0, &record, error);
    }
    if (status == OK && log->strays != NULL && source->position.size > 0)
        status = position_produce(source, error);
    return status == OK ? flush(source, error) : status;
}

/* take  NULL: only the position is wanted */
static enum status plain_load(struct source_kafka *source, source_state *take, void *context, struct error *error)
{
    struct state_log log;
    const struct map_entry *entry;
    size_t at = 0;
    enum status status;

    state_log_init(&log, &source->position);
    source->lost = false;
    status = topic_read(source, source->state_topic, RD_KAFKA_OFFSET_BEGINNING, state_log_take, &log, error);
    if (status == OK)
        status = strays_undo(source, &log, error);
    while (status == OK && take != NULL && (entry = map_next(&log.counting, &at)) != NULL) {
        const struct state_record *state = entry->value;

        if (!slice_is_null(state->value))
            take(context, state->key, state->value);
    }
    state_log_finish(&log);
    return status;
}

static enum status position_load(struct source_kafka *source, struct error *error)
{
    struct slice position;
    enum status status = plain_load(source, NULL, NULL, error);

    map_finish(&source->known);
    position = buffer_slice(&source->position);
    if (status == OK)
        status = topic_read(source, source->alerts_topic, json_member_integer(position, "alerts_end", 0), known_take, &source->known, error);
    if (status == OK && source->enriches)
        status = topic_read(source, source->enriched_topic, json_member_integer(position, "enriched_end", 0), known_take, &source->known, error);
    return status;
}

static enum status source_kafka_load(struct source *base, source_state *take, void *context, struct error *error)
{
    struct source_kafka *source = of(base);

    if (source->plain)
        return plain_load(source, take, context, error);
    return topic_read(source, source->state_topic, RD_KAFKA_OFFSET_BEGINNING, take, context, error);
}

static void position_advance(struct source_kafka *source, int64_t alerts_end, int64_t enriched_end)
{
    size_t count = (size_t)source->read->cnt;
    struct partition_offset *read = memory_new(count * sizeof(*read) + 1);

    for (size_t i = 0; i < count; i++)
        read[i] = (struct partition_offset){source->read->elems[i].partition, source->read->elems[i].offset};
    state_position_advance(&source->position, alerts_end, enriched_end, read, count);
    memory_free(read);
}

static enum status end_ask(const struct source_kafka *source, const char *topic, int64_t *end, struct error *error)
{
    int64_t low = 0;

    if (rd_kafka_query_watermark_offsets(source->producer, topic, 0, &low, end, CLUSTER_REQUEST_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(error, ERROR_UNAVAILABLE, "ask for the end of topic %s: no answer", topic);
    return OK;
}

static enum status plain_checkpoint(struct source_kafka *source, struct error *error)
{
    int64_t alerts_end = 0, enriched_end = 0;
    enum status status = flush(source, error);

    if (status == OK)
        status = end_ask(source, source->alerts_topic, &alerts_end, error);
    if (status == OK && source->enriches)
        status = end_ask(source, source->enriched_topic, &enriched_end, error);
    if (status != OK)
        return status;
    position_advance(source, alerts_end, enriched_end);
    status = position_produce(source, error);
    if (status == OK)
        status = flush(source, error);
    if (status == OK && source->read->cnt > 0) /* for those who look at the group; we go by the position */
        (void)rd_kafka_commit(source->consumer, source->read, 1);
    map_finish(&source->known);
    return status;
}

/* ---- Writing ---- */

static enum status transaction_begin(struct source_kafka *source, struct error *error)
{
    enum status status = OK;

    if (!source->in_transaction && !source->plain)
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

static enum status produce(struct source_kafka *source, const char *topic, int32_t partition, const struct log_record *record, struct error *error)
{
    rd_kafka_headers_t *headers = headers_of(record);
    rd_kafka_resp_err_t failed;

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

static enum status source_kafka_write(struct source *base, const char *topic, int32_t partition, const struct log_record *record,
                                      struct error *error)
{
    struct source_kafka *source = of(base);
    enum status status;

    if (source->plain && is_known(source, topic, record))
        return OK;
    if (source->plain && strcmp(topic, source->enriched_topic) == 0)
        partition = 0; /* the one that is read back */
    status = transaction_begin(source, error);
    return status == OK ? produce(source, topic, partition, record, error) : status;
}

static enum status source_kafka_checkpoint(struct source *base, struct error *error)
{
    struct source_kafka *source = of(base);
    rd_kafka_consumer_group_metadata_t *group;
    enum status status;

    if (source->plain)
        return plain_checkpoint(source, error);
    status = transaction_begin(source, error);
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
    .is_at_end = source_kafka_is_at_end,
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
    source->alerts_topic = memory_copy_string(spec->alerts_topic);
    source->enriched_topic = memory_copy_string(spec->enriched_topic);
    map_init(&source->known);
    buffer_init(&source->position, STATE_LOG_POSITION_BYTES_MAX);
    source->bootstrap_servers = memory_copy_string(spec->bootstrap_servers);
    source->read = rd_kafka_topic_partition_list_new(8);
    source->behind = rd_kafka_topic_partition_list_new(8);
    if (spec->client == NULL)
        properties_init(&source->client);
    else
        properties_copy(&source->client, spec->client);
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(transactional_id, sizeof(transactional_id), "tailrace-agent-%s-%s-%d", spec->agent, host, (int)getpid());
    status = producer_open(source, transactional_id, error);
    if (status == OK)
        status = consumer_open(source, spec->group, spec->agent, error);
    if (status == OK) {
        *opened = &source->source;
    } else {
        error_context(error, "agent %s on %s", spec->agent, spec->bootstrap_servers);
        source_kafka_close(&source->source);
    }
    return status;
}
