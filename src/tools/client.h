/*
 * tools/client.h: a client of one Kafka cluster: connections to its brokers, requests by table, retries, Java's words when it cannot.
 *
 * One thread drives it: client_submit queues a request, client_poll moves bytes, and a request is done when its outcome is no longer
 * PENDING. client_call does all of it for one request and waits.
 */
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include "base/properties.h"
#include "tools/failure.h"
#include "wire/kafka/api.h"
#include "wire/kafka/messages_metadata.h"

struct client;

enum client_kind { CLIENT_ADMIN, CLIENT_PRODUCER, CLIENT_CONSUMER };

enum client_outcome {
    CLIENT_PENDING,
    CLIENT_ANSWERED,    /* response holds what the broker said */
    CLIENT_LOST,        /* the connection broke or the answer did not come in time */
    CLIENT_UNSUPPORTED, /* the broker does not know this request */
};

struct client_request {
    /* What to ask; everything here is borrowed until the request is done. */
    int16_t api;
    bool is_one_way;       /* no answer will come: done as soon as it is written into the connection */
    int32_t timeout_ms;    /* 0: request.timeout.ms */
    const void *body;      /* the request's struct */
    void *response;        /* the response's struct */
    struct arena *arena;   /* owns what the response points to */
    /* What came of it. */
    enum client_outcome outcome;
    int16_t version;       /* that it was sent with */
    struct error error;    /* when lost */
    /* Internal. */
    struct client_request *next;
    int32_t correlation_id;
    int64_t expires_ms;
};

/* Where a call goes: a broker's id, or one of these. */
#define CLIENT_ANY INT32_MIN
#define CLIENT_CONTROLLER (INT32_MIN + 1)

struct client_node {
    int32_t id;
    const char *host;
    int port;
    const char *rack; /* NULL when the broker has none */
};

/*
 * Reads the settings and resolves bootstrap.servers; connects only when asked to.
 * client_id  its name in the log and at the broker
 * group      for a consumer, as its log names it; else NULL
 * Fails as the Java client's constructor does
 */
const struct failure *client_create(struct arena *arena, enum client_kind kind, const struct properties *settings, const char *client_id,
                                    const char *group, struct client **client);
void client_destroy(struct client *client); /* NULL is fine; requests that are not done are forgotten */

/* Queues a request for a broker; connects when there is no connection. An unknown broker makes it LOST at once. */
void client_submit(struct client *client, int32_t node_id, struct client_request *request);

/* Waits up to timeout_ms for something to happen and does it. */
void client_poll(struct client *client, int64_t timeout_ms);

/* Waits up to timeout_ms until everything that was submitted to a connected broker is written. */
void client_drain(struct client *client, int64_t timeout_ms);

/* Takes a request back: it will not be touched any more. */
void client_forget(struct client *client, struct client_request *request);

/* A file descriptor that ends client_poll when it becomes readable; -1 for none. Reading from it is the caller's. */
void client_set_wake(struct client *client, int fd);

/*
 * Asks and waits, with new attempts on other brokers until the time is up.
 * name      of the call in messages, such as "listTopics"
 * target    CLIENT_ANY, CLIENT_CONTROLLER or a broker
 * response  decoded into arena
 */
const struct failure *client_call(struct client *client, int32_t target, const char *name, int16_t api, const void *body, void *response,
                                  struct arena *arena);

/* The same with a limit of its own, in ms; 0 for default.api.timeout.ms. */
const struct failure *client_call_within(struct client *client, int32_t target, const char *name, int16_t api, const void *body,
                                         void *response, struct arena *arena, int64_t timeout_ms);

/* Asks for the brokers unless they are known. */
const struct failure *client_find_nodes(struct client *client, const char *name);

/* What a Metadata answer says of the brokers replaces what was known; connections to brokers that stay are kept. */
void client_update_nodes(struct client *client, const struct kafka_metadata_response *metadata);

/* Known brokers, by id in ascending order. */
size_t client_node_count(const struct client *client);
const struct client_node *client_node_at(const struct client *client, size_t at);
const struct client_node *client_node_find(const struct client *client, int32_t id); /* NULL when unknown */

/* Some broker to talk to: a known one, else one of bootstrap.servers (their ids are negative). The next call may give another. */
int32_t client_any_node(struct client *client);

/* The beginning of its log lines: "[AdminClient clientId=adminclient-1] ". */
const char *client_log_prefix(const struct client *client);

/* default.api.timeout.ms */
int64_t client_api_timeout_ms(const struct client *client);
void client_set_api_timeout_ms(struct client *client, int64_t timeout_ms);
int64_t client_retry_backoff_ms(const struct client *client);

/* Waits that long while moving bytes. */
void client_pause(struct client *client, int64_t pause_ms);

#endif
