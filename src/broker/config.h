/*
 * broker/config.h: the settings of topics and of the broker as Kafka describes them, from config_topic.def and
 * config_broker.def: effective values, where they come from, and whether a value is allowed, in Kafka's words.
 */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/properties.h"

/* Numbers of the protocol. */
enum config_type {
    CONFIG_BOOLEAN = 1,
    CONFIG_STRING,
    CONFIG_INT,
    CONFIG_SHORT,
    CONFIG_LONG,
    CONFIG_DOUBLE,
    CONFIG_LIST,
    CONFIG_CLASS,
    CONFIG_PASSWORD,
};

enum config_source {
    CONFIG_FROM_TOPIC = 1,
    CONFIG_FROM_CLUSTER = 3, /* the dynamic default of all brokers */
    CONFIG_FROM_FILE = 4,
    CONFIG_FROM_DEFAULT = 5,
};

struct config_synonym {
    const char *name;
    const char *value; /* may be NULL */
    enum config_source source;
};

/* Text is of the tables, of the properties given, or of the arena. */
struct config_entry {
    const char *name;
    const char *value; /* NULL: null, or secret */
    const char *meaning; /* for people; NULL: nothing is said of it */
    enum config_type type;
    enum config_source source;
    bool read_only;
    bool sensitive;
    struct config_synonym synonyms[3]; /* the first is the effective one */
    size_t synonym_count;
};

/* All settings of a topic, in Kafka's order. own: set on the topic itself; broker: by the broker's names. */
struct config_entry *config_topic_entries(const struct properties *own, const struct properties *broker, struct arena *arena,
                                          size_t *count);

/*
 * All settings of the broker. Values that the broker knows better than the settings (listeners, node.id, log.dirs) are in `facts`.
 */
struct config_entry *config_broker_entries(const struct properties *broker, const struct properties *facts, struct arena *arena,
                                           size_t *count);

/* The settings that hold for all brokers of the cluster: those of the broker named "". */
struct config_entry *config_cluster_entries(const struct properties *broker, struct arena *arena, size_t *count);

bool config_topic_is_list(const char *name);

/* What a topic has when the list setting is not set on it: for APPEND and SUBTRACT. */
const char *config_topic_default(const char *name, const struct properties *broker, struct arena *arena);

/*
 * May a topic have these settings?
 * Errors  INVALID_CONFIG: "Unknown topic config name: x", "Invalid value 5 for configuration x: …", "conflict topic config setting …"
 */
enum status config_topic_check(const struct properties *own, struct error *error);

#endif
