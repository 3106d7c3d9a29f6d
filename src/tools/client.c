#include "tools/client_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "tools/console.h"
#include "tools/settings.h"

#include <poll.h>

#define NODES_MAX 4096
#define POLL_MAX_MS 1000

static const char *const kind_names[] = {"AdminClient", "Producer", "Consumer"};

static struct node *node_find(const struct client *client, int32_t id)
{
    for (size_t i = 0; i < client->node_count; i++) {
        if (client->nodes[i]->facts.id == id)
            return client->nodes[i];
    }
    return NULL;
}

/* ---- Requests ---- */

void client_submit(struct client *client, int32_t node_id, struct client_request *request)
{
    struct node *node = node_find(client, node_id);

    request->outcome = CLIENT_PENDING;
    request->expires_ms = clock_monotonic_ms() + (request->timeout_ms > 0 ? request->timeout_ms : client->request_timeout_ms);
    if (node == NULL) {
        request->outcome = CLIENT_LOST;
        (void)error_set(&request->error, ERROR_UNAVAILABLE, "broker %d is not known", node_id);
        return;
    }
    node_submit(client, node, request);
}

void client_forget(struct client *client, struct client_request *request)
{
    for (size_t i = 0; i < client->node_count; i++)
        node_forget(client, client->nodes[i], request);
    request->outcome = CLIENT_LOST;
}

static void nodes_check_time(struct client *client)
{
    int64_t now_ms = clock_monotonic_ms();

    for (size_t i = 0; i < client->node_count; i++) {
        struct node *node = client->nodes[i];
        struct error error;

        if (node->state != NODE_CLOSED && node_is_overdue(client, node, now_ms)) {
            (void)error_set(&error, ERROR_UNAVAILABLE, "%s does not answer in time", node->connection.address);
            node_lose(client, node, &error);
        } else if (node->state == NODE_CLOSED && node->waiting.first != NULL && now_ms >= node->retry_at_ms) {
            node_open(client, node);
        }
    }
}

/* How long nothing has to be done, at most timeout_ms. */
static int64_t wait_ms(const struct client *client, int64_t timeout_ms)
{
    int64_t now_ms = clock_monotonic_ms();

    if (timeout_ms > POLL_MAX_MS)
        timeout_ms = POLL_MAX_MS;
    for (size_t i = 0; i < client->node_count; i++) {
        const struct node *node = client->nodes[i];

        if (node->state == NODE_CLOSED && node->waiting.first != NULL && node->retry_at_ms - now_ms < timeout_ms)
            timeout_ms = node->retry_at_ms - now_ms;
        if (node->sent.first != NULL && node->sent.first->expires_ms + 1 - now_ms < timeout_ms)
            timeout_ms = node->sent.first->expires_ms + 1 - now_ms;
    }
    return timeout_ms < 0 ? 0 : timeout_ms;
}

void client_poll(struct client *client, int64_t timeout_ms)
{
    struct pollfd *polls = memory_new_array(client->node_count + 1, sizeof(*polls));
    nfds_t count = 0;

    nodes_check_time(client);
    for (size_t i = 0; i < client->node_count; i++) {
        struct node *node = client->nodes[i];

        polls[count++] = (struct pollfd){.fd = node->connection.fd, .events = connection_events(&node->connection)};
    }
    if (client->wake_fd >= 0)
        polls[count++] = (struct pollfd){.fd = client->wake_fd, .events = POLLIN};
    if (poll(polls, count, (int)wait_ms(client, timeout_ms)) > 0) {
        for (size_t i = 0; i < client->node_count; i++) {
            if (polls[i].revents != 0 && client->nodes[i]->connection.fd == polls[i].fd)
                node_progress(client, client->nodes[i], polls[i].revents);
        }
    }
    memory_free(polls);
    nodes_check_time(client);
}

void client_pause(struct client *client, int64_t pause_ms)
{
    int64_t until_ms = clock_monotonic_ms() + pause_ms;
    int64_t now_ms;

    while ((now_ms = clock_monotonic_ms()) < until_ms)
        client_poll(client, until_ms - now_ms);
}

static bool client_has_unwritten(const struct client *client)
{
    for (size_t i = 0; i < client->node_count; i++) {
        if (client->nodes[i]->state == NODE_READY && client->nodes[i]->connection.out.size > client->nodes[i]->connection.out_at)
            return true;
    }
    return false;
}

void client_drain(struct client *client, int64_t timeout_ms)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    int64_t now_ms;

    while (client_has_unwritten(client) && (now_ms = clock_monotonic_ms()) < until_ms)
        client_poll(client, until_ms - now_ms);
}

/* ---- Calls ---- */

static const struct failure *timeout_failure(struct client *client, const char *name, bool was_sent, int tries, int64_t timeout_ms)
{
    int64_t now_ms = clock_now_ms();

    if (!was_sent)
        return failure_of(client->caller, FAILURE_TIMEOUT, "Timed out waiting for a node assignment. Call: %s", name);
    return failure_of(client->caller, FAILURE_TIMEOUT,
                      "Call(callName=%s, deadlineMs=%lld, tries=%d, nextAllowedTryMs=%lld) timed out at %lld after %d attempt(s)", name,
                      (long long)(now_ms - timeout_ms), tries, (long long)now_ms, (long long)now_ms, tries);
}

/* The broker to ask next; bootstrap ones when the target is not known yet. */
static int32_t target_node(struct client *client, int32_t target)
{
    if (target == CLIENT_CONTROLLER && node_find(client, client->controller_id) != NULL)
        return client->controller_id;
    return target == CLIENT_ANY || target == CLIENT_CONTROLLER ? client_any_node(client) : target;
}

static const struct failure *unsupported_failure(struct client *client, int16_t api)
{
    return failure_of(client->caller, "org.apache.kafka.common.errors.UnsupportedVersionException", "The node does not support %s",
                      kafka_api_find(api) == NULL ? "the request" : kafka_api_find(api)->name);
}

static bool client_is_ready(const struct client *client, int32_t node_id)
{
    const struct node *node = node_find(client, node_id);

    return node != NULL && node->state == NODE_READY;
}

static const struct failure *call_until(struct client *client, int32_t target, const char *name, struct client_request *request,
                                        int64_t deadline_ms, int64_t timeout_ms)
{
    bool was_sent = false;
    int tries = 0;

    for (;;) {
        int32_t node_id = target_node(client, target);
        int64_t now_ms;

        client_submit(client, node_id, request);
        while (request->outcome == CLIENT_PENDING && (now_ms = clock_monotonic_ms()) < deadline_ms)
            client_poll(client, deadline_ms - now_ms);
        was_sent = was_sent || client_is_ready(client, node_id);
        tries += was_sent;
        if (request->outcome == CLIENT_ANSWERED)
            return NULL;
        if (request->outcome == CLIENT_UNSUPPORTED)
            return unsupported_failure(client, request->api);
        if (request->outcome == CLIENT_PENDING)
            client_forget(client, request);
        if (clock_monotonic_ms() >= deadline_ms)
            return timeout_failure(client, name, was_sent, tries, timeout_ms);
        if (node_find(client, node_id) == NULL)
            return timeout_failure(client, name, false, tries, timeout_ms);
    }
}

const struct failure *client_call_within(struct client *client, int32_t target, const char *name, int16_t api, const void *body,
                                         void *response, struct arena *arena, int64_t timeout_ms)
{
    struct client_request request = {.api = api, .body = body, .response = response, .arena = arena};
    int64_t limit_ms = timeout_ms > 0 ? timeout_ms : client->api_timeout_ms;
    int64_t deadline_ms = clock_monotonic_ms() + limit_ms;
    const struct failure *failure = NULL;

    if (target != CLIENT_ANY && client->node_count == client->bootstrap_count)
        failure = client_find_nodes(client, name);
    return failure != NULL ? failure : call_until(client, target, name, &request, deadline_ms, limit_ms);
}

const struct failure *client_call(struct client *client, int32_t target, const char *name, int16_t api, const void *body, void *response,
                                  struct arena *arena)
{
    return client_call_within(client, target, name, api, body, response, arena, 0);
}

const struct failure *client_find_nodes(struct client *client, const char *name)
{
    struct kafka_metadata_request body;
    struct kafka_metadata_response response;
    struct arena arena;
    const struct failure *failure;

    if (client->node_count > client->bootstrap_count)
        return NULL;
    arena_init(&arena, 16384);
    wire_init_defaults(kafka_api_find(KAFKA_METADATA)->request, &body);
    body.topics.count = 0;
    body.allow_auto_topic_creation = false;
    failure = client_call(client, CLIENT_ANY, name, KAFKA_METADATA, &body, &response, &arena);
    if (failure == NULL)
        client_update_nodes(client, &response);
    arena_finish(&arena);
    return failure;
}

/* ---- What is known of the cluster ---- */

static int node_order(const void *a, const void *b)
{
    int32_t left = (*(struct node *const *)a)->facts.id;
    int32_t right = (*(struct node *const *)b)->facts.id;

    if ((left < 0) != (right < 0))
        return left < 0 ? 1 : -1;
    if (left < 0)
        return left < right ? 1 : -1;
    return left < right ? -1 : left > right;
}

static void node_set_facts(struct client *client, struct node *node, const struct kafka_metadata_response_broker *broker)
{
    if (!slice_equal_string(broker->host, node->facts.host) || broker->port != node->facts.port) {
        struct error error = {.status = ERROR_CLOSED, .message = "the broker has another address now"};

        if (node->state != NODE_CLOSED)
            node_lose(client, node, &error);
        node->retry_at_ms = 0;
        node->facts.host = arena_copy_string(&client->arena, broker->host);
        node->facts.port = broker->port;
    }
    if (broker->rack.data != NULL && (node->facts.rack == NULL || !slice_equal_string(broker->rack, node->facts.rack)))
        node->facts.rack = arena_copy_string(&client->arena, broker->rack);
}

static bool metadata_has_broker(const struct kafka_metadata_response *metadata, int32_t id)
{
    for (int32_t i = 0; i < metadata->brokers.count; i++) {
        if (metadata->brokers.items[i].node_id == id)
            return true;
    }
    return false;
}

static void nodes_drop_missing(struct client *client, const struct kafka_metadata_response *metadata)
{
    size_t kept = 0;

    for (size_t i = 0; i < client->node_count; i++) {
        struct node *node = client->nodes[i];

        if (node->facts.id < 0 || metadata_has_broker(metadata, node->facts.id))
            client->nodes[kept++] = node;
        else
            node_destroy(node);
    }
    client->node_count = kept;
}

void client_update_nodes(struct client *client, const struct kafka_metadata_response *metadata)
{
    nodes_drop_missing(client, metadata);
    for (int32_t i = 0; i < metadata->brokers.count && client->node_count < NODES_MAX; i++) {
        const struct kafka_metadata_response_broker *broker = &metadata->brokers.items[i];
        struct node *node = broker->node_id < 0 ? NULL : node_find(client, broker->node_id);

        if (broker->node_id >= 0 && node == NULL) {
            node = node_create(client, broker->node_id, broker->host, broker->port);
            client->nodes = memory_resize(client->nodes, (client->node_count + 1) * sizeof(*client->nodes));
            client->nodes[client->node_count++] = node;
        }
        if (node != NULL)
            node_set_facts(client, node, broker);
    }
    qsort(client->nodes, client->node_count, sizeof(*client->nodes), node_order);
    client->controller_id = metadata->controller_id;
}

size_t client_node_count(const struct client *client)
{
    return client->node_count - client->bootstrap_count;
}

const struct client_node *client_node_at(const struct client *client, size_t at)
{
    return &client->nodes[at]->facts;
}

const struct client_node *client_node_find(const struct client *client, int32_t id)
{
    struct node *node = node_find(client, id);

    return node == NULL ? NULL : &node->facts;
}

/* A broker that is connected is better than one that is not, and that better than one that has just failed. */
static int node_rank(const struct node *node, int64_t now_ms)
{
    return node->state == NODE_READY ? 0 : node->state != NODE_CLOSED ? 1 : node->retry_at_ms <= now_ms ? 2 : 3;
}

int32_t client_any_node(struct client *client)
{
    size_t count = client_node_count(client);
    size_t first = count > 0 ? 0 : client->node_count - client->bootstrap_count;
    size_t range = count > 0 ? count : client->bootstrap_count;
    int64_t now_ms = clock_monotonic_ms();
    struct node *best = NULL;

    client->turn++;
    for (size_t i = 0; i < range; i++) {
        struct node *node = client->nodes[first + (client->turn + i) % range];

        if (best == NULL || node_rank(node, now_ms) < node_rank(best, now_ms))
            best = node;
    }
    /* All brokers that we know of may be gone, while those of bootstrap.servers are back. */
    if (count > 0 && node_rank(best, now_ms) == 3 && client->bootstrap_count > 0)
        best = client->nodes[count + client->turn % client->bootstrap_count];
    return best->facts.id;
}

const char *client_log_prefix(const struct client *client)
{
    return client->log_prefix;
}

int64_t client_api_timeout_ms(const struct client *client)
{
    return client->api_timeout_ms;
}

void client_set_api_timeout_ms(struct client *client, int64_t timeout_ms)
{
    client->api_timeout_ms = timeout_ms > INT32_MAX ? INT32_MAX : (int32_t)timeout_ms;
}

int64_t client_retry_backoff_ms(const struct client *client)
{
    return client->retry_backoff_ms;
}

void client_set_wake(struct client *client, int fd)
{
    client->wake_fd = fd;
}

/* ---- Life ---- */

/* "host:port", "[::1]:port" or "protocol://host:port". Source: Utils.getHost and getPort of Kafka's clients. */
static bool address_parse(struct slice text, struct slice *host, int *port)
{
    const char *protocol;
    const uint8_t *colon;
    int32_t number;

    if (text.data == NULL)
        return false;
    protocol = memmem(text.data, text.size, "://", 3);
    if (protocol != NULL)
        text = slice_from(text, (size_t)((const uint8_t *)protocol - text.data) + 3);
    if (text.data == NULL)
        return false;
    colon = memrchr(text.data, ':', text.size);
    if (colon == NULL || colon == text.data)
        return false;
    *host = slice_of(text.data, (size_t)(colon - text.data));
    if (!text_parse_int32(slice_from(text, host->size + 1), &number) || number < 0 || number > 65535)
        return false;
    *port = number;
    return memchr(host->data, ' ', host->size) == NULL && (host->data[0] == '[' || memchr(host->data, ':', host->size) == NULL);
}

static const struct failure *bootstrap_add(struct client *client, struct arena *arena, struct slice text)
{
    struct slice host;
    int port;
    struct node *node;

    if (!address_parse(text, &host, &port))
        return failure_of(arena, FAILURE_CONFIG, "Invalid url in bootstrap.servers: %.*s", (int)text.size, (const char *)text.data);
    if (!connection_can_resolve(arena_copy_string(arena, host))) {
        console_log("WARN", "org.apache.kafka.clients.ClientUtils",
                    "Couldn't resolve server %.*s from bootstrap.servers as DNS resolution failed for %.*s", (int)text.size,
                    (const char *)text.data, (int)host.size, (const char *)host.data);
        return NULL;
    }
    node = node_create(client, -1 - (int32_t)client->bootstrap_count, host, port);
    client->nodes = memory_resize(client->nodes, (client->node_count + 1) * sizeof(*client->nodes));
    client->nodes[client->node_count++] = node;
    client->bootstrap_count++;
    return NULL;
}

static const struct failure *bootstrap_read(struct client *client, struct arena *arena, const struct properties *settings)
{
    const char *text = properties_get(settings, "bootstrap.servers");
    struct slice rest = slice_from_string(text == NULL ? "" : text);
    struct slice field;
    const struct failure *failure = NULL;

    if (rest.size == 0)
        return failure_of(arena, FAILURE_CONFIG, "%s",
                          client->kind == CLIENT_ADMIN ? "You must set either bootstrap.servers or bootstrap.controllers"
                                                       : "No resolvable bootstrap urls given in bootstrap.servers");
    while (failure == NULL && client->bootstrap_count < NODES_MAX && text_next_field(&rest, ',', &field)) {
        field = text_trim(field);
        if (field.size > 0)
            failure = bootstrap_add(client, arena, field);
    }
    if (failure == NULL && client->bootstrap_count == 0)
        failure = failure_of(arena, FAILURE_CONFIG, "No resolvable bootstrap urls given in bootstrap.servers");
    return failure;
}

static const struct failure *settings_read(struct client *client, struct arena *arena, const struct properties *settings)
{
    const struct failure *failure = NULL;

    if (client->kind != CLIENT_ADMIN && !properties_has(settings, "bootstrap.servers"))
        failure = failure_of(arena, FAILURE_CONFIG, "Missing required configuration \"bootstrap.servers\" which has no default value.");
    if (failure == NULL)
        failure = settings_int(arena, settings, "request.timeout.ms", 0, &client->request_timeout_ms);
    if (failure == NULL)
        failure = settings_int(arena, settings, "default.api.timeout.ms", 0, &client->api_timeout_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "retry.backoff.ms", 0, &client->retry_backoff_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "reconnect.backoff.ms", 0, &client->reconnect_backoff_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "reconnect.backoff.max.ms", 0, &client->reconnect_backoff_max_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "socket.connection.setup.timeout.ms", 0, &client->connect_timeout_ms);
    return failure;
}

const struct failure *client_create(struct arena *arena, enum client_kind kind, const struct properties *settings, const char *client_id,
                                    const char *group, struct client **client)
{
    static const char *const constructors[] = {"Failed to create new KafkaAdminClient", "Failed to construct kafka producer",
                                               "Failed to construct kafka consumer"};
    struct client *made = memory_new(sizeof(*made));
    const struct failure *failure;

    arena_init(&made->arena, 16384);
    made->caller = arena;
    made->kind = kind;
    made->client_id = arena_copy_string(&made->arena, slice_from_string(client_id));
    made->log_prefix = group == NULL ? arena_format(&made->arena, "[%s clientId=%s] ", kind_names[kind], client_id)
                                     : arena_format(&made->arena, "[%s clientId=%s, groupId=%s] ", kind_names[kind], client_id, group);
    made->controller_id = -1;
    made->wake_fd = -1;
    made->request_timeout_ms = 30000;
    made->api_timeout_ms = 60000;
    made->retry_backoff_ms = 100;
    made->reconnect_backoff_ms = 50;
    made->reconnect_backoff_max_ms = 1000;
    made->connect_timeout_ms = 10000;
    failure = settings_read(made, arena, settings);
    if (failure == NULL) {
        failure = bootstrap_read(made, arena, settings);
        if (failure != NULL)
            failure = failure_caused(arena, failure, FAILURE_KAFKA, "%s", constructors[kind]);
    }
    if (failure == NULL)
        *client = made;
    else
        client_destroy(made);
    return failure;
}

void client_destroy(struct client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->node_count; i++) {
        client->nodes[i]->waiting = (struct request_list){0};
        client->nodes[i]->sent = (struct request_list){0};
        node_destroy(client->nodes[i]);
    }
    memory_free(client->nodes);
    arena_finish(&client->arena);
    memory_free(client);
}
