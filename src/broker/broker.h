/*
 * broker/broker.h: the Kafka protocol over the store: one network thread owns all sockets, requests, sessions and groups.
 * server/ starts and stops it.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/properties.h"
#include "log/log.h"
#include "store/store.h"

struct broker;

struct broker_settings {
    const char *listeners;            /* "host:port,host:port"; port 0 takes a free one */
    const char *advertised_listeners; /* NULL: each client is told the address it reached us by */
    struct log *log;                  /* is told how far readers got (log_passed); may be NULL */
    const struct properties *values;  /* all effective settings by Kafka's names, for DescribeConfigs and for the numbers below; copied */
};

/*
 * Binds the listeners, loads the groups from __consumer_offsets, starts the network thread.
 * Errors  UNAVAILABLE (a port is in use: names the port and the setting), BAD_INPUT (listener syntax), DISK
 */
enum status broker_start(const struct broker_settings *settings, struct store *store, struct broker **started, struct error *error);

/* Closes listeners and connections within 5 s; members of groups notice by reconnecting. NULL is fine. */
void broker_stop(struct broker *broker);

size_t broker_listener_count(const struct broker *broker);
const char *broker_listener(const struct broker *broker, size_t index); /* "127.0.0.1:9092", with the real port */

/* A member of a group, as far as the broker has seen it since its start. Times are wall clock in ms; 0: not seen. */
struct broker_member {
    const char *group, *id;
    const char *software; /* "librdkafka 2.3.0"; NULL: not known */
    int32_t generation;   /* of the group */
    int64_t heartbeat_ms;
    int64_t polled_ms; /* last sign that it asks for more: a fetch of a partition of its own, a commit, a join */
};

/*
 * All members of all groups, in memory of the arena.
 * Thread  any but the network's; waits for a turn of that
 */
struct broker_member *broker_members(struct broker *broker, struct arena *arena, size_t *count);

/* What a client changed through the protocol: topics, their settings and records, groups. Not what consumers commit. */
struct broker_change {
    int64_t at_ms;
    const char *client_id, *host; /* "kafka-topics", "127.0.0.1" */
    const char *subject, *text;   /* "orders", "Topic orders was created." */
};

/*
 * Those since the last call, oldest first, in memory of the arena; *lost: how many more there were.
 * Thread  any
 */
struct broker_change *broker_changes_take(struct broker *broker, struct arena *arena, size_t *count, size_t *lost);

struct broker_counters {
    int64_t connections, requests, request_errors, bytes_in, bytes_out, produced_records, fetched_bytes, groups, members;
};
void broker_counters_read(const struct broker *broker, struct broker_counters *counters);

#endif
