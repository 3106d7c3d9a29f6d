/*
 * connect/connect.h: Kafka Connect's REST API and the life of connectors: configurations, offsets and statuses as records
 * of the connect-* topics, one capture thread per running connector. server/ starts and stops it.
 */
#ifndef CONNECT_CONNECT_H
#define CONNECT_CONNECT_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "log/log.h"

struct connect;

struct connect_settings {
    const char *listener;             /* "host:port"; port 0 takes a free one */
    const struct properties *values;  /* all effective settings by Connect's names (config.storage.topic, offset.flush.interval.ms,
                                         connect.mask.passwords, topic.creation.*, plugin defaults, ...); copied */
    const struct properties *aliases; /* host.aliases; copied */
    const char *cluster_id;           /* for GET / */
};

/*
 * Reads the connect-* topics (creating them when missing), binds the port, starts the REST threads and the connectors
 * that should run.
 * Errors  UNAVAILABLE (the port is in use: names the port and the setting), DISK
 */
enum status connect_start(const struct connect_settings *settings, struct log *log, struct connect **started, struct error *error);

/* Stops every connector (each publishes and confirms), writes offsets and statuses, closes the port; under 5 s. NULL is fine. */
void connect_stop(struct connect *connect);

const char *connect_listener(const struct connect *connect); /* with the real port */

/* One JSON array of all connectors for `tailrace status`, health and metrics: name, state, error, positions, counters. Passwords masked. */
void connect_describe(struct connect *connect, struct buffer *json);

#endif
