/* agents/cluster_client.h: clients of any Kafka cluster, through librdkafka. */
#ifndef AGENTS_CLUSTER_CLIENT_H
#define AGENTS_CLUSTER_CLIENT_H

#include "base/properties.h"

#include <librdkafka/rdkafka.h>

#define CLUSTER_REQUEST_MS 10000 /* how long a broker may take to answer */

/*
 * Makes a client; it connects in the background.
 * conf    with its callbacks; taken over in any case
 * own     `own_count` settings that it needs
 * given   settings of the user, which go before those; may be NULL
 * Errors  BAD_INPUT: which setting
 */
enum status cluster_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *servers, const char *const own[][2], size_t own_count,
                              const struct properties *given, rd_kafka_t **client, struct error *error);

/*
 * Creates a topic unless it is there, with the cluster's default replication.
 * settings  "key=value", ends with NULL; may be NULL
 * Errors    UNAVAILABLE: no answer, or the cluster does not want to
 */
enum status cluster_topic_ensure(rd_kafka_t *client, const char *topic, int32_t partitions, const char *const *settings, struct error *error);

#endif
