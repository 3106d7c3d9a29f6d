#include "agents/alert_book.h"

#include "base/banned.h"

#include <librdkafka/rdkafka.h>

#define REQUEST_MS 10000
#define SUFFIX ".alerts"

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    (void)producer;
    (void)context;
    *(rd_kafka_resp_err_t *)message->_private = message->err;
}

static enum status producer_open(const char *servers, const struct properties *client, rd_kafka_t **producer, struct error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t set;
    char text[512];

    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    set = rd_kafka_conf_set(conf, "bootstrap.servers", servers, text, sizeof(text));
    if (set == RD_KAFKA_CONF_OK)
        set = rd_kafka_conf_set(conf, "acks", "all", text, sizeof(text));
    for (size_t i = 0; client != NULL && i < client->count && set == RD_KAFKA_CONF_OK; i++)
        set = rd_kafka_conf_set(conf, client->items[i].key, client->items[i].value, text, sizeof(text));
    *producer = set == RD_KAFKA_CONF_OK ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text)) : NULL;
    if (*producer != NULL)
        return OK;
    rd_kafka_conf_destroy(conf);
    return error_set(error, ERROR_BAD_INPUT, "cannot make a Kafka client: %s", text);
}

enum status alert_book_topics(const char *servers, const struct properties *client, struct arena *arena, const char ***topics, size_t *count,
                              struct error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_t *producer;
    rd_kafka_resp_err_t failed;
    enum status status = producer_open(servers, client, &producer, error);

    if (status != OK)
        return status;
    failed = rd_kafka_metadata(producer, 1, NULL, &metadata, REQUEST_MS);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = error_set(error, ERROR_UNAVAILABLE, "%s does not answer: %s", servers, rd_kafka_err2str(failed));
    } else {
        *topics = arena_new_array(arena, (size_t)metadata->topic_cnt + 1, sizeof(**topics));
        *count = 0;
        for (int i = 0; i < metadata->topic_cnt; i++) {
            struct slice name = slice_from_string(metadata->topics[i].topic);

            if (name.size > strlen(SUFFIX) && slice_equal_string(slice_from(name, name.size - strlen(SUFFIX)), SUFFIX))
                (*topics)[(*count)++] = arena_copy_string(arena, name);
        }
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_destroy(producer);
    return status;
}

static enum status topic_ensure(rd_kafka_t *producer, const char *topic, struct error *error)
{
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, 1, -1, NULL, 0);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(producer);
    const rd_kafka_topic_result_t *const *results;
    rd_kafka_event_t *event;
    size_t count = 0;
    enum status status = OK;

    (void)rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
    rd_kafka_CreateTopics(producer, &made, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, REQUEST_MS);
    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = error_set(error, ERROR_UNAVAILABLE, "create topic %s: %s", topic, event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    } else {
        results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
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

enum status alert_book_put(const char *servers, const struct properties *client, const char *topic, struct slice id, struct slice value,
                           struct error *error)
{
    rd_kafka_resp_err_t failed, delivered = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_t *producer;
    enum status status = producer_open(servers, client, &producer, error);

    if (status != OK)
        return status;
    status = topic_ensure(producer, topic, error);
    if (status == OK) {
        failed = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                   RD_KAFKA_V_KEY(id.data, id.size), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.size), RD_KAFKA_V_OPAQUE(&delivered),
                                   RD_KAFKA_V_END);
        if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)rd_kafka_flush(producer, REQUEST_MS);
            (void)rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT); /* nothing may point to `delivered` later */
            (void)rd_kafka_flush(producer, REQUEST_MS);
            failed = delivered;
        }
        if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = error_set(error, ERROR_UNAVAILABLE, "write to topic %s: %s", topic, rd_kafka_err2str(failed));
    }
    rd_kafka_destroy(producer);
    return status;
}
