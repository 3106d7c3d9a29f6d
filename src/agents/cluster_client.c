#include "agents/cluster_client.h"

#include "base/banned.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "agents"

/* librdkafka's own lines are for those who look for trouble. */
static void client_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    LOG_DEBUG("%s: %s", facility, text);
}

/* The value is not told: it may be a password. */
static enum status setting_apply(rd_kafka_conf_t *conf, const char *key, const char *value, struct error *error)
{
    char text[512];

    if (rd_kafka_conf_set(conf, key, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        return error_set(error, ERROR_BAD_INPUT, "client setting %s: %s", key, text);
    return OK;
}

enum status cluster_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *servers, const char *const own[][2], size_t own_count,
                              const struct properties *given, rd_kafka_t **client, struct error *error)
{
    char text[512];
    enum status status = setting_apply(conf, "bootstrap.servers", servers, error);

    for (size_t i = 0; i < own_count && status == OK; i++)
        status = setting_apply(conf, own[i][0], own[i][1], error);
    for (size_t i = 0; given != NULL && i < given->count && status == OK; i++)
        status = setting_apply(conf, given->items[i].key, given->items[i].value, error);
    if (status == OK) {
        rd_kafka_conf_set_log_cb(conf, client_log);
        *client = rd_kafka_new(type, conf, text, sizeof(text));
        if (*client == NULL)
            status = error_set(error, ERROR_BAD_INPUT, "cannot make a Kafka client: %s", text);
    }
    if (status != OK)
        rd_kafka_conf_destroy(conf);
    return status;
}

static void settings_add(rd_kafka_NewTopic_t *topic, const char *const *settings)
{
    struct properties config;

    properties_init(&config);
    for (; settings != NULL && *settings != NULL; settings++)
        (void)properties_set_assignment(&config, *settings, NULL);
    for (size_t i = 0; i < config.count; i++)
        (void)rd_kafka_NewTopic_set_config(topic, config.items[i].key, config.items[i].value);
    properties_finish(&config);
}

/* What is wrong with the answer; NULL when the topic is there. */
static const char *trouble_of(rd_kafka_event_t *event)
{
    const rd_kafka_topic_result_t *const *results;
    size_t count;

    if (event == NULL)
        return "no answer";
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error_string(event);
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (count > 0 && rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return rd_kafka_topic_result_error_string(results[0]);
    return NULL;
}

enum status cluster_topic_ensure(rd_kafka_t *client, const char *topic, int32_t partitions, const char *const *settings, struct error *error)
{
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, partitions, -1, NULL, 0);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_event_t *event;
    const char *trouble;
    enum status status = OK;

    settings_add(made, settings);
    rd_kafka_CreateTopics(client, &made, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, CLUSTER_REQUEST_MS);
    trouble = trouble_of(event);
    if (trouble != NULL)
        status = error_set(error, ERROR_UNAVAILABLE, "create topic %s: %s", topic, trouble);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(made);
    return status;
}
