/* tools/client_internal.h: a client and its brokers; client.c has all of them, client_node.c one broker's connection and requests. */
#ifndef TOOLS_CLIENT_INTERNAL_H
#define TOOLS_CLIENT_INTERNAL_H

#include "tools/client.h"
#include "tools/connection.h"

#define API_KEYS_MAX 128

enum node_state { NODE_CLOSED, NODE_CONNECTING, NODE_ASKING_VERSIONS, NODE_READY };

struct request_list {
    struct client_request *first, *last;
};

struct node {
    struct client_node facts; /* strings in the client's arena */
    enum node_state state;
    struct connection connection;
    struct request_list waiting; /* not yet encoded */
    struct request_list sent;    /* in the order of their answers */
    int16_t version_min[API_KEYS_MAX];
    int16_t version_max[API_KEYS_MAX]; /* -1: not supported */
    int16_t versions_version;          /* of the ApiVersions request that is under way */
    int64_t retry_at_ms;               /* not before this */
    int64_t backoff_ms;
    int64_t opened_ms;
};

struct client {
    struct arena arena;
    struct arena *caller; /* failures are made here: they outlive the client */
    enum client_kind kind;
    const char *client_id;
    const char *log_prefix;
    struct node **nodes; /* brokers by id, then those of bootstrap.servers (ids -1, -2, …) */
    size_t node_count;
    size_t bootstrap_count;
    size_t turn; /* for client_any_node */
    int32_t controller_id;
    int32_t next_correlation_id;
    int wake_fd;
    int32_t request_timeout_ms;
    int32_t api_timeout_ms;
    int64_t retry_backoff_ms;
    int64_t reconnect_backoff_ms;
    int64_t reconnect_backoff_max_ms;
    int64_t connect_timeout_ms;
};

/* One that is not connected; host is copied. */
struct node *node_create(struct client *client, int32_t id, struct slice host, int port);

/* Its requests are lost. */
void node_destroy(struct node *node);

/* The connection is over: everything that was asked of it is lost, and the next attempt waits. */
void node_lose(struct client *client, struct node *node, const struct error *error);

/* Begins to connect; what waits is sent when the broker has said which versions it takes. */
void node_open(struct client *client, struct node *node);

/* Sends a request, at once when the node is ready. */
void node_submit(struct client *client, struct node *node, struct client_request *request);

/* Takes a request back, if it is this node's. */
void node_forget(struct client *client, struct node *node, struct client_request *request);

/* Moves bytes after a poll that gave these events. */
void node_progress(struct client *client, struct node *node, short events);

/* Did connecting or the oldest answer take too long? */
bool node_is_overdue(const struct client *client, const struct node *node, int64_t now_ms);

#endif
