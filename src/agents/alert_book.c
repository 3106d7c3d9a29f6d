#include "agents/alert_book.h"

#include "agents/cluster_client.h"
#include "base/banned.h"

#define SUFFIX ".alerts"

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
    (void)producer;
    (void)context;
    *(rd_kafka_resp_err_t *)message->_private = message->err;
}

static enum status producer_open(const char *servers, const struct properties *client, rd_kafka_t **producer, struct error *error)
{
    static const char *const own[][2] = {{"acks", "all"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return cluster_client_open(RD_KAFKA_PRODUCER, conf, servers, own, 1, client, producer, error);
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
    failed = rd_kafka_metadata(producer, 1, NULL, &metadata, CLUSTER_REQUEST_MS);
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

enum status alert_book_put(const char *servers, const struct properties *client, const char *topic, struct slice id, struct slice value,
                           struct error *error)
{
    static const char *const settings[] = {"cleanup.policy=compact", NULL};
    rd_kafka_resp_err_t failed, delivered = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_t *producer;
    enum status status = producer_open(servers, client, &producer, error);

    if (status != OK)
        return status;
    status = cluster_topic_ensure(producer, topic, 1, settings, error);
    if (status == OK) {
        failed = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                   RD_KAFKA_V_KEY(id.data, id.size), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.size), RD_KAFKA_V_OPAQUE(&delivered),
                                   RD_KAFKA_V_END);
        if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)rd_kafka_flush(producer, CLUSTER_REQUEST_MS);
            (void)rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT); /* nothing may point to `delivered` later */
            (void)rd_kafka_flush(producer, CLUSTER_REQUEST_MS);
            failed = delivered;
        }
        if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = error_set(error, ERROR_UNAVAILABLE, "write to topic %s: %s", topic, rd_kafka_err2str(failed));
    }
    rd_kafka_destroy(producer);
    return status;
}
