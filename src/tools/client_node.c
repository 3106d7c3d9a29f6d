#include "tools/client_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "tools/console.h"

#include <poll.h>

#define NETWORK_LOGGER "org.apache.kafka.clients.NetworkClient"
#define ERROR_UNSUPPORTED_VERSION_CODE 35

/* ---- Lists of requests ---- */

static void list_add(struct request_list *list, struct client_request *request)
{
    request->next = NULL;
    if (list->last == NULL)
        list->first = request;
    else
        list->last->next = request;
    list->last = request;
}

static struct client_request *list_take(struct request_list *list)
{
    struct client_request *request = list->first;

    if (request != NULL) {
        list->first = request->next;
        if (list->first == NULL)
            list->last = NULL;
        request->next = NULL;
    }
    return request;
}

static bool list_has(const struct request_list *list, const struct client_request *request)
{
    const struct client_request *at = list->first;

    while (at != NULL && at != request)
        at = at->next;
    return at != NULL;
}

static void list_remove(struct request_list *list, const struct client_request *request)
{
    struct request_list kept = {0};
    struct client_request *other;

    while ((other = list_take(list)) != NULL) {
        if (other != request)
            list_add(&kept, other);
    }
    *list = kept;
}

/* ---- Life ---- */

struct node *node_create(struct client *client, int32_t id, struct slice host, int port)
{
    struct node *node = memory_new(sizeof(*node));

    node->facts = (struct client_node){.id = id, .host = arena_copy_string(&client->arena, host), .port = port};
    connection_init(&node->connection);
    node->backoff_ms = client->reconnect_backoff_ms;
    return node;
}

static void requests_lose(struct request_list *list, enum client_outcome outcome, const struct error *error)
{
    struct client_request *request;

    while ((request = list_take(list)) != NULL) {
        request->outcome = outcome;
        if (error != NULL)
            request->error = *error;
    }
}

void node_destroy(struct node *node)
{
    requests_lose(&node->waiting, CLIENT_LOST, NULL);
    requests_lose(&node->sent, CLIENT_LOST, NULL);
    connection_close(&node->connection);
    memory_free(node);
}

static void node_log_unreachable(struct client *client, const struct node *node)
{
    console_log("WARN", NETWORK_LOGGER, "%sConnection to node %d (%s) could not be established. Node may not be available.",
                client->log_prefix, node->facts.id, node->connection.address);
    if (client->kind != CLIENT_ADMIN && node->facts.id < 0)
        console_log("WARN", NETWORK_LOGGER, "%sBootstrap broker %s:%d (id: %d rack: null isFenced: false) disconnected", client->log_prefix,
                    node->facts.host, node->facts.port, node->facts.id);
}

void node_lose(struct client *client, struct node *node, const struct error *error)
{
    if (node->state == NODE_CONNECTING)
        node_log_unreachable(client, node);
    connection_close(&node->connection);
    node->state = NODE_CLOSED;
    node->retry_at_ms = clock_monotonic_ms() + node->backoff_ms;
    node->backoff_ms = node->backoff_ms * 2 > client->reconnect_backoff_max_ms ? client->reconnect_backoff_max_ms : node->backoff_ms * 2;
    requests_lose(&node->waiting, CLIENT_LOST, error);
    requests_lose(&node->sent, CLIENT_LOST, error);
}

void node_open(struct client *client, struct node *node)
{
    struct error error;

    node->state = NODE_CONNECTING;
    node->opened_ms = clock_monotonic_ms();
    if (connection_open(&node->connection, node->facts.host, node->facts.port, &error) != OK)
        node_lose(client, node, &error);
}

/* ---- Sending ---- */

static void frame_append(struct client *client, struct node *node, const struct kafka_api *api, int16_t version, int32_t correlation_id,
                         const void *body)
{
    struct kafka_request_header header = {
        .api_key = api->key, .api_version = version, .correlation_id = correlation_id, .client_id = slice_from_string(client->client_id)};
    size_t begin = connection_frame_begin(&node->connection);

    kafka_request_header_encode(&header, &node->connection.out);
    wire_encode(api->request, version, body, &node->connection.out);
    connection_frame_end(&node->connection, begin);
}

static void versions_ask(struct client *client, struct node *node, int16_t version)
{
    struct kafka_api_versions_request body = {.client_software_name = slice_from_string("tailrace"),
                                              .client_software_version = slice_from_string(TAILRACE_VERSION)};

    node->versions_version = version;
    frame_append(client, node, kafka_api_find(KAFKA_API_VERSIONS), version, client->next_correlation_id++, &body);
    node->state = NODE_ASKING_VERSIONS;
}

/* Later versions name topics by id, the tools by name; or are for brokers only. */
static int16_t version_limit(const struct kafka_api *api)
{
    switch (api->key) {
    case KAFKA_PRODUCE: return 12;
    case KAFKA_ADD_PARTITIONS_TO_TXN: return 3;
    case KAFKA_FETCH: return 12;
    case KAFKA_OFFSET_COMMIT: return 9;
    case KAFKA_OFFSET_FETCH: return 9;
    default: return api->version_max;
    }
}

/* The newest version that both sides allow; -1 when there is none. */
static int16_t version_choose(const struct node *node, const struct kafka_api *api)
{
    int16_t version;

    if (api == NULL || api->key >= API_KEYS_MAX || node->version_max[api->key] < 0)
        return -1;
    version = node->version_max[api->key] < version_limit(api) ? node->version_max[api->key] : version_limit(api);
    return version < node->version_min[api->key] || version < api->version_min ? -1 : version;
}

static void request_send(struct client *client, struct node *node, struct client_request *request)
{
    const struct kafka_api *api = kafka_api_find(request->api);
    int16_t version = version_choose(node, api);
    int32_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : client->request_timeout_ms;

    if (version < 0) {
        request->outcome = CLIENT_UNSUPPORTED;
        return;
    }
    request->version = version;
    request->correlation_id = client->next_correlation_id++;
    request->expires_ms = clock_monotonic_ms() + timeout_ms;
    frame_append(client, node, api, version, request->correlation_id, request->body);
    if (request->is_one_way)
        request->outcome = CLIENT_ANSWERED;
    else
        list_add(&node->sent, request);
}

static void waiting_send(struct client *client, struct node *node)
{
    struct client_request *request;

    while (node->state == NODE_READY && (request = list_take(&node->waiting)) != NULL)
        request_send(client, node, request);
}

void node_submit(struct client *client, struct node *node, struct client_request *request)
{
    list_add(&node->waiting, request);
    waiting_send(client, node);
}

void node_forget(struct client *client, struct node *node, struct client_request *request)
{
    list_remove(&node->waiting, request);
    if (list_has(&node->sent, request)) {
        struct error error = {.status = ERROR_CLOSED, .message = "the request was taken back"};

        /* Its answer may still come: only a new connection is free of it. */
        node_lose(client, node, &error);
        node->retry_at_ms = 0;
    }
}

/* ---- Receiving ---- */

static enum status versions_take(struct client *client, struct node *node, struct slice frame, struct error *error)
{
    struct kafka_api_versions_response response;
    struct arena arena;
    struct slice body;
    int32_t correlation_id;
    enum status status = kafka_response_header_decode(KAFKA_API_VERSIONS, node->versions_version, frame, &correlation_id, &body, error);
    int code = status == OK && body.size >= 2 ? body.data[0] << 8 | body.data[1] : 0;

    if (status != OK)
        return status;
    arena_init(&arena, 16384);
    status = wire_decode(kafka_api_find(KAFKA_API_VERSIONS)->response, code == ERROR_UNSUPPORTED_VERSION_CODE ? 0 : node->versions_version,
                         body, &arena, &response, error);
    if (status == OK && code == ERROR_UNSUPPORTED_VERSION_CODE && node->versions_version > 0) {
        versions_ask(client, node, 0);
    } else if (status == OK) {
        memset(node->version_max, 0xff, sizeof(node->version_max));
        for (int32_t i = 0; i < response.api_keys.count; i++) {
            int16_t key = response.api_keys.items[i].api_key;

            if (key >= 0 && key < API_KEYS_MAX) {
                node->version_min[key] = response.api_keys.items[i].min_version;
                node->version_max[key] = response.api_keys.items[i].max_version;
            }
        }
        node->state = NODE_READY;
        node->backoff_ms = client->reconnect_backoff_ms;
        waiting_send(client, node);
    }
    arena_finish(&arena);
    return status;
}

static enum status answer_take(struct node *node, struct slice frame, struct error *error)
{
    struct client_request *request = node->sent.first;
    const struct kafka_api *api = request == NULL ? NULL : kafka_api_find(request->api);
    struct slice body;
    int32_t correlation_id;
    enum status status;

    if (request == NULL)
        return error_set(error, ERROR_CLOSED, "%s answers what was not asked", node->connection.address);
    status = kafka_response_header_decode(api->key, request->version, frame, &correlation_id, &body, error);
    if (status == OK && correlation_id != request->correlation_id)
        status = error_set(error, ERROR_CLOSED, "%s answers request %d instead of %d", node->connection.address, correlation_id,
                           request->correlation_id);
    if (status == OK) {
        body = arena_copy(request->arena, body);
        status = wire_decode(api->response, request->version, body, request->arena, request->response, error);
    }
    if (status == OK) {
        (void)list_take(&node->sent);
        request->outcome = CLIENT_ANSWERED;
    }
    return status;
}

static enum status frames_take(struct client *client, struct node *node, struct error *error)
{
    struct slice frame;
    bool has_frame = true;
    enum status status = OK;

    while (status == OK && has_frame) {
        status = connection_next_frame(&node->connection, &frame, &has_frame, error);
        if (status == OK && has_frame)
            status = node->state == NODE_ASKING_VERSIONS ? versions_take(client, node, frame, error) : answer_take(node, frame, error);
    }
    return status;
}

void node_progress(struct client *client, struct node *node, short events)
{
    struct error error;
    enum status status = connection_progress(&node->connection, events, &error);
    enum status taken = OK;

    if (status == OK && node->state == NODE_CONNECTING && !node->connection.connecting) {
        versions_ask(client, node, kafka_api_find(KAFKA_API_VERSIONS)->version_max);
        status = connection_progress(&node->connection, POLLOUT, &error);
    }
    /* What came before the end of a connection still counts. */
    if (node->state != NODE_CONNECTING)
        taken = frames_take(client, node, &error);
    if (status != OK || taken != OK)
        node_lose(client, node, &error);
}

bool node_is_overdue(const struct client *client, const struct node *node, int64_t now_ms)
{
    if (node->state == NODE_CONNECTING || node->state == NODE_ASKING_VERSIONS)
        return now_ms - node->opened_ms > client->connect_timeout_ms;
    return node->sent.first != NULL && now_ms > node->sent.first->expires_ms;
}
