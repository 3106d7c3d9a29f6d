/*
 * connection.c: sockets: bytes in, requests in order, answers out in the same order.
 *
 * One request of a connection runs at a time, as in Kafka, but produce requests behind produce requests run together: each
 * waits for the disk only. Reading stops while too much waits to be answered or sent.
 */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "broker/frame.h"
#include "os/clock.h"
#include "os/logger.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READS_AT_ONCE 4         /* then others have a turn */
#define WAITING_REQUESTS_MAX 64 /* of one connection */
#define WAITING_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define WAITING_BYTES_MAX_ALL ((size_t)256 * 1024 * 1024) /* of all connections: then who waits for us may not send more */
#define FREE_REQUESTS_MAX 256
#define ARENA_BLOCK_BYTES 4096
#define SMALL_REQUEST_BYTES_MAX ((size_t)16 * 1024 * 1024) /* of all but Produce: what is decoded becomes many times as large */

struct connection {
    struct broker *broker;
    struct listener *listener;
    struct connection *next;
    struct connection **link; /* what points at this one */
    struct loop_watch *watch;
    int fd;
    struct socket_address peer;
    struct socket_address local;
    char host[SOCKET_HOST_SIZE + 1]; /* "/127.0.0.1" */
    char client_id[128];             /* last seen, for the log */
    char software[128];              /* what ApiVersions said; "": nothing */
    const struct partition *fetched; /* of the last fetch; compared, never looked into */
    int64_t fetched_ms;              /* when that came; 0: none yet */
    struct deadline idle;
    int64_t last_moved_ms; /* when bytes came or went */

    struct frame frame; /* the request that is being read */

    struct request *first; /* in order of arrival */
    struct request *last;
    size_t request_count;
    size_t request_bytes;
    bool write_blocked;
    bool flushing; /* guards against answers from within */
    bool starting;
    bool deferred; /* in the broker's list of those to be flushed */
    struct connection *next_deferred;
    bool closed;
};

int64_t broker_now_ms(void)
{
    return clock_monotonic_ms();
}

const char *request_client_host(const struct request *request)
{
    return request->connection == NULL ? "" : request->connection->host;
}

void request_client_name(const struct request *request, char name[CLIENT_NAME_SIZE])
{
    const char *host = request_client_host(request);
    struct slice client = request->header.client_id;

    if (slice_is_null(client))
        client = slice_of("", 0);
    (void)snprintf(name, CLIENT_NAME_SIZE, "%s %.*s", *host == '/' ? host + 1 : host, (int)(client.size > 128 ? 128 : client.size), (const char *)client.data);
}

struct slice request_client_software(const struct request *request)
{
    return request->connection == NULL || request->connection->software[0] == '\0' ? slice_null() : slice_from_string(request->connection->software);
}

void request_client_software_set(struct request *request, struct slice name, struct slice version)
{
    if (request->connection != NULL)
        (void)snprintf(request->connection->software, sizeof(request->connection->software), "%.*s %.*s", (int)(name.size > 80 ? 80 : name.size), (const char *)name.data,
                       (int)(version.size > 40 ? 40 : version.size), (const char *)version.data);
}

void request_fetched(struct request *request, const struct partition *partition)
{
    if (request->connection == NULL)
        return;
    request->connection->fetched = partition;
    request->connection->fetched_ms = broker_now_ms();
}

struct look_reader *connections_readers(const struct broker *broker, struct arena *arena, size_t *count)
{
    struct look_reader *readers = arena_new_array(arena, broker->connection_count + 1, sizeof(*readers));

    *count = 0;
    for (const struct connection *connection = broker->connections; connection != NULL; connection = connection->next) {
        if (connection->fetched != NULL && *count < broker->connection_count)
            readers[(*count)++] = (struct look_reader){arena_copy_string(arena, slice_from_string(connection->host)), arena_copy_string(arena, slice_from_string(connection->client_id)),
                                                       connection->fetched, connection->fetched_ms, false};
    }
    return readers;
}

void request_broker_address(const struct request *request, struct slice *host, int32_t *port)
{
    const struct connection *connection = request->connection;

    if (connection == NULL) {
        *host = slice_of("", 0);
        *port = 0;
    } else if (connection->listener->advertised.host[0] != '\0') {
        *host = slice_from_string(connection->listener->advertised.host);
        *port = connection->listener->advertised.port;
    } else {
        *host = slice_from_string(connection->local.host);
        *port = connection->local.port;
    }
}

/* ---- Requests: memory ---- */

static struct request *request_create(struct connection *connection)
{
    struct broker *broker = connection->broker;
    struct request *request = broker->free_requests;

    if (request != NULL) {
        broker->free_requests = request->next;
        broker->free_request_count--;
        request->next = NULL;
    } else {
        request = memory_new(sizeof(*request));
        arena_init(&request->arena, ARENA_BLOCK_BYTES);
        answer_init(&request->answer);
    }
    request->connection = connection;
    request->broker = broker;
    return request;
}

static void request_free(struct request *request)
{
    struct arena arena = request->arena;
    struct answer answer;
    struct broker *broker = request->broker;

    if (request->counted)
        broker->waiting_bytes -= request->frame_size;
    memory_free(request->frame);
    answer_reset(&request->answer);
    if (broker->free_request_count >= FREE_REQUESTS_MAX) {
        arena_finish(&arena);
        answer_finish(&request->answer);
        memory_free(request);
        return;
    }
    answer = request->answer;
    arena_reset(&arena);
    *request = (struct request){.arena = arena, .answer = answer, .next = broker->free_requests};
    broker->free_requests = request;
    broker->free_request_count++;
}

/* ---- Closing ---- */

static void *count_as_pointer(uintptr_t count)
{
    return (void *)count; /* NOLINT: the map keeps a number */
}

static void connection_close(struct connection *connection)
{
    struct broker *broker = connection->broker;
    uintptr_t of_ip = (uintptr_t)map_get_string(&broker->connections_by_ip, connection->peer.host);

    if (connection->closed)
        return;
    connection->closed = true;
    loop_watch_remove(connection->watch);
    connection->watch = NULL;
    (void)close(connection->fd);
    deadline_clear(&broker->deadlines, &connection->idle);
    if (of_ip <= 1)
        (void)map_remove(&broker->connections_by_ip, slice_from_string(connection->peer.host));
    else
        (void)map_put_string(&broker->connections_by_ip, connection->peer.host, count_as_pointer(of_ip - 1));
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    broker->connection_count--;
    atomic_store_explicit(&broker->counters.connections, (int64_t)broker->connection_count, memory_order_relaxed);
    while (connection->first != NULL) {
        struct request *request = connection->first;

        connection->first = request->next;
        request->next = NULL;
        request->connection = NULL;
        if (request->answered || !request->started)
            request_free(request);
        else if (request->gone != NULL)
            request->gone(request);
        /* else: what it started will answer, and then it is freed */
    }
    connection->last = NULL;
    frame_finish(&connection->frame);
    if (!connection->flushing && !connection->starting && !connection->deferred)
        memory_free(connection);
}

static void connection_refuse(struct connection *connection, const char *what)
{
    counter_add(&connection->broker->counters.request_errors, 1);
    LOG_WARNING("closed the connection: %s peer=%s:%d client.id=%s listener=%s", what, connection->peer.host, connection->peer.port,
                connection->client_id[0] == '\0' ? "-" : connection->client_id, connection->listener->text);
    connection_close(connection);
}

void request_refuse(struct request *request, const char *format, ...)
{
    char what[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    request->answered = true; /* it goes with the connection */
    if (request->connection == NULL)
        request_free(request);
    else
        connection_refuse(request->connection, what);
}

void request_drop(struct request *request)
{
    assert(request->connection == NULL);
    request_free(request);
}

void connections_close_all(struct broker *broker)
{
    while (broker->connections != NULL)
        connection_close(broker->connections);
    while (broker->free_requests != NULL) {
        struct request *request = broker->free_requests;

        broker->free_requests = request->next;
        arena_finish(&request->arena);
        answer_finish(&request->answer);
        memory_free(request);
    }
    broker->free_request_count = 0;
}

/* ---- Sending ---- */

/* Does too much wait to be answered, so that nothing more is read? */
static bool connection_is_full(const struct connection *connection)
{
    return connection->request_count >= WAITING_REQUESTS_MAX || connection->request_bytes >= WAITING_BYTES_MAX ||
           (connection->request_count > 0 && connection->broker->waiting_bytes >= WAITING_BYTES_MAX_ALL);
}

static void watch_update(struct connection *connection)
{
    if (!connection->closed)
        loop_watch_set(connection->watch, (connection_is_full(connection) ? 0 : LOOP_READ) | (connection->write_blocked ? LOOP_WRITE : 0));
}

static void bytes_went(struct connection *connection, size_t size)
{
    connection->last_moved_ms = broker_now_ms();
    counter_add(&connection->broker->counters.bytes_out, (int64_t)size);
}

/* Sends memory of as many ready answers as fit one call, up to the first piece of a file. */
static enum sent memory_send(struct connection *connection)
{
    struct iovec pieces[64];
    struct msghdr message = {.msg_iov = pieces};
    bool more = false;
    ssize_t count;

    for (struct request *request = connection->first; request != NULL && request->answered && message.msg_iovlen < 64 && !more;
         request = request->next) {
        struct slice memory = answer_memory(&request->answer);

        if (memory.size > 0)
            pieces[message.msg_iovlen++] = (struct iovec){(void *)(uintptr_t)memory.data, memory.size};
        more = answer_has_file(&request->answer);
    }
    count = sendmsg(connection->fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (count < 0)
        return errno == EAGAIN ? SENT_BLOCKED : errno == EINTR ? SENT_SOME : SENT_FAILED;
    bytes_went(connection, (size_t)count);
    for (struct request *request = connection->first; count > 0; request = request->next) {
        size_t here = answer_memory(&request->answer).size;
        size_t took = here < (size_t)count ? here : (size_t)count;

        answer_memory_sent(&request->answer, took);
        count -= (ssize_t)took;
    }
    return SENT_SOME;
}

static enum sent file_send(struct connection *connection, struct answer *answer)
{
    size_t size;
    enum sent sent = answer_file_send(answer, connection->fd, &size);

    if (size > 0)
        bytes_went(connection, size);
    return sent;
}

static void first_request_done(struct connection *connection)
{
    struct request *request = connection->first;

    connection->first = request->next;
    if (connection->first == NULL)
        connection->last = NULL;
    connection->request_count--;
    connection->request_bytes -= request->frame_size;
    request_free(request);
}

static void requests_start(struct connection *connection);

/* Sends what is ready. May close the connection, but never frees it: that does connection_flush. */
static void answers_send(struct connection *connection)
{
    while (!connection->closed && connection->first != NULL && connection->first->answered) {
        struct answer *answer = &connection->first->answer;
        enum sent sent;

        if (answer_is_sent(answer)) {
            first_request_done(connection);
            continue;
        }
        sent = answer_memory(answer).size > 0 ? memory_send(connection) : file_send(connection, answer);
        if (sent == SENT_BLOCKED) {
            connection->write_blocked = true;
            return;
        }
        if (sent == SENT_FAILED) {
            connection_close(connection);
            return;
        }
    }
    connection->write_blocked = false;
}

/* Sends and starts until nothing moves; the connection may be gone afterwards. */
static void connection_flush(struct connection *connection)
{
    if (connection->flushing || connection->starting)
        return; /* the one who is at it goes on */
    connection->flushing = true;
    answers_send(connection);
    if (!connection->closed)
        requests_start(connection);
    connection->flushing = false;
    if (connection->closed && !connection->deferred)
        memory_free(connection);
    else if (!connection->closed)
        watch_update(connection);
}

/* Many answers may come at once, from one round of the committer: they go out together. */
static void connection_defer(struct connection *connection)
{
    struct broker *broker = connection->broker;

    if (connection->deferred)
        return;
    connection->deferred = true;
    connection->next_deferred = broker->deferred;
    broker->deferred = connection;
}

void connections_flush_deferred(struct broker *broker)
{
    while (broker->deferred != NULL) {
        struct connection *connection = broker->deferred;

        broker->deferred = connection->next_deferred;
        connection->deferred = false;
        if (connection->closed)
            memory_free(connection);
        else
            connection_flush(connection);
    }
}

static void request_ready(struct request *request)
{
    struct connection *connection = request->connection;

    request->answered = true;
    request->gone = NULL;
    if (connection == NULL)
        request_free(request);
    else if (connection->write_blocked || connection->flushing || connection->starting)
        return; /* goes out when there is room, or by the one who is at it */
    else if (connection->broker->deferring)
        connection_defer(connection);
    else
        connection_flush(connection);
}

void request_answer_with_files(struct request *request, const void *response, struct range *ranges, size_t range_count)
{
    if (answer_encode(&request->answer, &request->header, request->wire->response, response, ranges, range_count))
        request_ready(request);
    else
        request_refuse(request, "the answer to %s is too large", request->wire->name);
}

void request_answer(struct request *request, const void *response)
{
    request_answer_with_files(request, response, NULL, 0);
}

void request_answer_nothing(struct request *request)
{
    request_ready(request);
}

/* ---- Starting requests ---- */

/* Decodes the body and calls the handler. */
static void request_start(struct request *request)
{
    struct error error;

    request->started = true;
    request->decoded = arena_new(&request->arena, request->api->request_size);
    if (wire_decode(request->wire->request, request->header.api_version, request->body, &request->arena, request->decoded, &error) != OK) {
        request_refuse(request, "%s version %d: %s", request->wire->name, request->header.api_version, error.message);
        return;
    }
    counter_add(&request->broker->counters.requests, 1);
    request->api->handle(request);
}

/* The next request that may run beside those that run already; NULL when it has to wait. */
static struct request *request_next(struct connection *connection)
{
    bool produce_only = true;

    for (struct request *request = connection->first; request != NULL; request = request->next) {
        if (!request->started) {
            bool alone = request == connection->first;

            return alone || (produce_only && request->header.api_key == KAFKA_PRODUCE) ? request : NULL;
        }
        if (!request->answered && request->header.api_key != KAFKA_PRODUCE)
            produce_only = false;
        else if (request->answered && request->header.api_key != KAFKA_PRODUCE)
            produce_only = false; /* still being sent: wait, so that a slow reader does not pile up answers */
    }
    return NULL;
}

static void requests_start(struct connection *connection)
{
    struct request *request;

    connection->starting = true;
    while (!connection->closed && (request = request_next(connection)) != NULL) {
        request_start(request);
        if (!connection->closed && !connection->write_blocked)
            answers_send(connection);
    }
    connection->starting = false;
}

static void client_id_note(struct connection *connection, struct slice client_id)
{
    size_t size = client_id.size < sizeof(connection->client_id) - 1 ? client_id.size : sizeof(connection->client_id) - 1;

    if (size > 0)
        memcpy(connection->client_id, client_id.data, size);
    connection->client_id[size] = '\0';
}

/* Reads the header, and finds who answers. False, with the reason in `what`, when nobody does. */
static bool header_take(struct request *request, char *what, size_t what_size)
{
    const struct kafka_request_header *header = &request->header;
    struct error error;
    enum status status = kafka_request_header_decode(slice_of(request->frame, request->frame_size), &request->header, &request->body, &error);

    if (status == OK || status == ERROR_UNSUPPORTED_VERSION)
        client_id_note(request->connection, header->client_id);
    request->api = status == OK ? api_find(header->api_key) : NULL;
    request->wire = kafka_api_find(header->api_key);
    if (header->api_key == KAFKA_API_VERSIONS && status != ERROR_INVALID_REQUEST && (request->api == NULL || header->api_version > request->api->version_max)) {
        request->api = api_find(KAFKA_API_VERSIONS);
        request->started = true; /* it is told which versions there are, whatever it asks */
    } else if (status != OK) {
        (void)snprintf(what, what_size, "%s", error.message);
        return false;
    } else if (request->api == NULL || header->api_version < request->api->version_min || header->api_version > request->api->version_max) {
        (void)snprintf(what, what_size, "api key %d (%s) version %d is not served", header->api_key, request->wire == NULL ? "unknown" : request->wire->name,
                       header->api_version);
        return false;
    }
    if (request->frame_size <= SMALL_REQUEST_BYTES_MAX || header->api_key == KAFKA_PRODUCE)
        return true;
    (void)snprintf(what, what_size, "%s of %zu bytes is too large: only Produce may be beyond %zu", request->wire->name, request->frame_size,
                   SMALL_REQUEST_BYTES_MAX);
    return false;
}

/* Takes over a whole frame. False when the connection was refused. */
static bool frame_accept(struct connection *connection, uint8_t *frame, size_t size)
{
    struct request *request = request_create(connection);
    char what[sizeof(((struct error *)0)->message)];

    request->frame = frame;
    request->frame_size = size;
    if (!header_take(request, what, sizeof(what))) {
        request_free(request);
        connection_refuse(connection, what);
        return false;
    }
    if (connection->last == NULL)
        connection->first = request;
    else
        connection->last->next = request;
    connection->last = request;
    connection->request_count++;
    connection->request_bytes += size;
    connection->broker->waiting_bytes += size;
    request->counted = true;
    if (request->started)
        api_versions_answer_unknown(request);
    return true;
}

/* ---- Reading ---- */

/* Takes note of bytes that were put into the frame. False when the connection was refused. */
static bool frame_came(struct connection *connection, size_t count)
{
    int32_t size_max = connection->broker->numbers.request_bytes_max;
    enum frame_state state = frame_advance(&connection->frame, count, size_max);

    if (state == FRAME_REFUSED) {
        char what[256];

        frame_explain(&connection->frame, size_max, what, sizeof(what));
        connection_refuse(connection, what);
    } else if (state == FRAME_WHOLE) {
        size_t size;
        uint8_t *bytes = frame_take(&connection->frame, &size);

        return frame_accept(connection, bytes, size);
    }
    return state != FRAME_REFUSED;
}

/* Cuts bytes from the scratch buffer into frames. False when the connection was refused. */
static bool bytes_take(struct connection *connection, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        uint8_t *to;
        size_t room = frame_room(&connection->frame, &to);
        size_t took = room < count ? room : count;

        memcpy(to, bytes, took);
        bytes += took;
        count -= took;
        if (!frame_came(connection, took))
            return false;
    }
    return true;
}

enum came { CAME_MORE, CAME_ALL, CAME_END };

/* One read: straight into the frame that is under way, and what is behind it into the scratch buffer. */
static enum came bytes_read(struct connection *connection)
{
    struct broker *broker = connection->broker;
    struct frame *frame = &connection->frame;
    struct iovec pieces[2];
    int piece_count = 0;
    size_t direct = 0;
    size_t room;
    ssize_t count;

    if (frame->bytes != NULL) {
        uint8_t *to;

        direct = frame_room(frame, &to);
        pieces[piece_count++] = (struct iovec){to, direct};
    }
    if (frame->bytes == NULL || frame->have + direct == frame->size) {
        pieces[piece_count++] = (struct iovec){broker->scratch, SCRATCH_BYTES};
    }
    room = pieces[0].iov_len + (piece_count > 1 ? pieces[1].iov_len : 0);
    count = readv(connection->fd, pieces, piece_count);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return CAME_ALL;
    if (count <= 0) {
        connection_close(connection);
        return CAME_END;
    }
    counter_add(&broker->counters.bytes_in, count);
    if (direct > 0) {
        size_t into_frame = direct < (size_t)count ? direct : (size_t)count;

        if (!frame_came(connection, into_frame) || !bytes_take(connection, broker->scratch, (size_t)count - into_frame))
            return CAME_END;
    } else if (!bytes_take(connection, broker->scratch, (size_t)count)) {
        return CAME_END;
    }
    return (size_t)count < room ? CAME_ALL : CAME_MORE;
}

static void connection_ready(void *context, int events)
{
    struct connection *connection = context;
    struct broker *broker = connection->broker;

    /* Nothing below may free it before the end: connection_flush does. */
    connection->flushing = true;
    if ((events & LOOP_WRITE) != 0 && connection->write_blocked) {
        connection->write_blocked = false;
        answers_send(connection);
    }
    if ((events & LOOP_READ) != 0 && !connection->closed) {
        connection->last_moved_ms = broker_now_ms();
        for (int i = 0; i < READS_AT_ONCE; i++) {
            if (bytes_read(connection) != CAME_MORE || connection_is_full(connection))
                break;
        }
    }
    connection->flushing = false;
    if (!connection->closed)
        connection_flush(connection);
    else if (!connection->deferred)
        memory_free(connection);
    broker_timer_changed(broker);
}

/* ---- Accepting ---- */

static void connection_idle(struct deadline *deadline, int64_t now_ms)
{
    struct connection *connection = (struct connection *)(void *)((uint8_t *)deadline - offsetof(struct connection, idle));
    struct broker *broker = connection->broker;
    int64_t end_ms = connection->last_moved_ms + broker->numbers.idle_ms_max;

    if (connection->first != NULL && !connection->write_blocked)
        end_ms = now_ms + broker->numbers.idle_ms_max; /* it waits for us */
    if (end_ms <= now_ms)
        connection_close(connection);
    else
        deadline_set(&broker->deadlines, deadline, end_ms);
}

static void connection_refuse_new(struct broker *broker, int fd, const struct socket_address *peer, const char *why)
{
    counter_add(&broker->counters.request_errors, 1);
    LOG_WARNING("refused a connection: %s peer=%s:%d", why, peer->host, peer->port);
    (void)close(fd);
}

static void connection_open(struct listener *listener, int fd)
{
    struct broker *broker = listener->broker;
    struct socket_address peer = {.host = "?"};
    struct connection *connection;
    uintptr_t of_ip;

    (void)socket_peer_address(fd, &peer);
    of_ip = (uintptr_t)map_get_string(&broker->connections_by_ip, peer.host);
    if (broker->connection_count >= (size_t)broker->numbers.connections_max) {
        connection_refuse_new(broker, fd, &peer, "max.connections is reached");
        return;
    }
    if (of_ip >= (uintptr_t)broker->numbers.connections_per_ip_max) {
        connection_refuse_new(broker, fd, &peer, "max.connections.per.ip is reached");
        return;
    }
    connection = memory_new(sizeof(*connection));
    connection->broker = broker;
    connection->listener = listener;
    connection->fd = fd;
    connection->peer = peer;
    if (!socket_local_address(fd, &connection->local))
        connection->local = listener->address;
    (void)snprintf(connection->host, sizeof(connection->host), "/%s", peer.host);
    (void)map_put_string(&broker->connections_by_ip, peer.host, count_as_pointer(of_ip + 1));
    connection->next = broker->connections;
    connection->link = &broker->connections;
    if (connection->next != NULL)
        connection->next->link = &connection->next;
    broker->connections = connection;
    broker->connection_count++;
    atomic_store_explicit(&broker->counters.connections, (int64_t)broker->connection_count, memory_order_relaxed);
    connection->last_moved_ms = broker_now_ms();
    connection->idle.due = connection_idle;
    deadline_set(&broker->deadlines, &connection->idle, connection->last_moved_ms + broker->numbers.idle_ms_max);
    connection->watch = loop_watch_add(broker->loop, fd, connection_ready, connection);
    loop_watch_set(connection->watch, LOOP_READ);
}

void connections_accept(void *context, int events)
{
    struct listener *listener = context;
    struct broker *broker = listener->broker;

    (void)events;
    for (size_t i = 0; i < listener->fd_count; i++) {
        for (int turn = 0; turn < 64; turn++) {
            int fd = socket_accept(listener->fds[i]);

            if (fd >= 0) {
                connection_open(listener, fd);
                continue;
            }
            if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS) {
                /* It stays readable: pause, or the loop spins. */
                LOG_ERROR("cannot accept a connection: %s; raise the limit of open files (ulimit -n) listener=%s", strerror(-fd),
                          listener->text);
                broker->accept_paused = true;
                deadline_set(&broker->deadlines, &broker->accept_again, broker_now_ms() + 1000);
                for (size_t j = 0; j < broker->listener_count; j++) {
                    for (size_t k = 0; k < broker->listeners[j].fd_count; k++)
                        loop_watch_set(broker->listeners[j].watches[k], 0);
                }
                return;
            }
            if (fd != -ECONNABORTED && fd != -EINTR)
                break;
        }
    }
}
