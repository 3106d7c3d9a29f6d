#include "log/kafka_ask.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 10
#define FRAME_BYTES_MAX ((size_t)256 << 20)

struct kafka_client {
    char *host, *port;
    const char *id;
    pthread_mutex_t lock; /* guards the closing of fd and the next one against kafka_client_interrupt; a leaf */
    int fd;               /* -1: not connected */
    bool interrupted;
    int32_t correlation_id;
    struct buffer frame;
};

struct kafka_client *kafka_client_create(const char *address, const char *client_id)
{
    struct kafka_client *client = memory_new(sizeof(*client));
    const char *colon = strrchr(address, ':');
    size_t size = colon == NULL ? strlen(address) : (size_t)(colon - address);
    bool bracketed = size >= 2 && address[0] == '[' && address[size - 1] == ']';

    client->host = memory_copy_bytes(address + bracketed, size - 2 * (size_t)bracketed);
    client->port = memory_copy_string(colon == NULL ? "9092" : colon + 1);
    /* A listener on every address is reached by the loopback one. */
    if (strcmp(client->host, "0.0.0.0") == 0 || strcmp(client->host, "::") == 0) {
        memory_free(client->host);
        client->host = memory_copy_string("127.0.0.1");
    }
    client->id = client_id;
    client->fd = -1;
    (void)pthread_mutex_init(&client->lock, NULL);
    buffer_init(&client->frame, FRAME_BYTES_MAX);
    return client;
}

void kafka_client_interrupt(struct kafka_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    client->interrupted = true;
    if (client->fd >= 0)
        (void)shutdown(client->fd, SHUT_RDWR);
    (void)pthread_mutex_unlock(&client->lock);
}

static void disconnect(struct kafka_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    (void)pthread_mutex_unlock(&client->lock);
}

/* False: it would be waited for although nobody is to wait any more. */
static bool fd_take(struct kafka_client *client, int fd)
{
    bool interrupted;

    (void)pthread_mutex_lock(&client->lock);
    client->fd = fd;
    interrupted = client->interrupted;
    (void)pthread_mutex_unlock(&client->lock);
    return !interrupted;
}

void kafka_client_destroy(struct kafka_client *client)
{
    if (client == NULL)
        return;
    disconnect(client);
    (void)pthread_mutex_destroy(&client->lock);
    memory_free(client->host);
    memory_free(client->port);
    buffer_finish(&client->frame);
    memory_free(client);
}

static enum status failed(struct kafka_client *client, const char *doing, int error_number, struct error *error)
{
    disconnect(client);
    return error_set_system(error, ERROR_UNAVAILABLE, error_number, "%s the broker at %s:%s", doing, client->host, client->port);
}

static bool is_loopback(const struct sockaddr *address)
{
    return address->sa_family == AF_INET && ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static enum status connect_broker(struct kafka_client *client, struct error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct timeval patience = {ANSWER_SECONDS, 0};
    /* Another loopback address than clients have, so that max.connections.per.ip leaves them all of theirs. */
    const struct sockaddr_in own_address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    struct addrinfo *found;
    int one = 1, code;

    if (client->fd >= 0)
        return OK;
    code = getaddrinfo(client->host, client->port, &hints, &found);
    if (code != 0)
        return error_set(error, ERROR_UNAVAILABLE, "find the broker at %s:%s: %s", client->host, client->port, gai_strerror(code));
    if (!fd_take(client, socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
        freeaddrinfo(found);
        return failed(client, "ask", ECANCELED, error);
    }
    if (client->fd >= 0 && is_loopback(found->ai_addr))
        (void)bind(client->fd, (const struct sockaddr *)&own_address, sizeof(own_address)); /* without it we only count as others do */
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* of connecting too */
    code = client->fd < 0 || connect(client->fd, found->ai_addr, found->ai_addrlen) != 0 ? errno : 0;
    freeaddrinfo(found);
    return code == 0 ? OK : failed(client, "connect to", code, error);
}

static enum status send_all(struct kafka_client *client, struct slice bytes, struct error *error)
{
    while (bytes.size > 0) {
        ssize_t sent = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return failed(client, "write to", errno, error);
        if (sent > 0)
            bytes = slice_from(bytes, (size_t)sent);
    }
    return OK;
}

static enum status receive(struct kafka_client *client, uint8_t *to, size_t size, struct error *error)
{
    while (size > 0) {
        ssize_t got = recv(client->fd, to, size, 0);

        if (got == 0)
            return failed(client, "read from", ECONNRESET, error);
        if (got < 0 && errno != EINTR)
            return failed(client, "read from", errno, error);
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        }
    }
    return OK;
}

static enum status exchange(struct kafka_client *client, struct arena *arena, struct slice *answer, struct error *error)
{
    uint8_t head[4];
    uint8_t *bytes;
    struct reader in;
    size_t size;
    enum status status = connect_broker(client, error);

    if (status == OK)
        status = send_all(client, buffer_slice(&client->frame), error);
    if (status == OK)
        status = receive(client, head, sizeof(head), error);
    if (status != OK)
        return status;
    in = reader_of(slice_of(head, sizeof(head)));
    size = read_u32(&in);
    if (size > FRAME_BYTES_MAX)
        return failed(client, "read from", EMSGSIZE, error);
    bytes = arena_new(arena, size);
    *answer = slice_of(bytes, size);
    return receive(client, bytes, size, error);
}

enum status kafka_ask(struct kafka_client *client, int16_t key, int16_t version, const void *request, void *response, struct arena *arena,
                      struct error *error)
{
    const struct kafka_api *api = kafka_api_find(key);
    struct kafka_request_header header = {key, version, ++client->correlation_id, slice_from_string(client->id)};
    bool fresh = client->fd < 0;
    struct slice answer, body;
    int32_t correlation_id;
    enum status status;

    buffer_reset(&client->frame);
    buffer_append_u32(&client->frame, 0);
    kafka_request_header_encode(&header, &client->frame);
    wire_encode(api->request, version, request, &client->frame);
    if (client->frame.failed)
        return error_set(error, ERROR_INVALID_REQUEST, "the request is too large");
    buffer_patch_u32(&client->frame, 0, (uint32_t)(client->frame.size - 4));
    status = exchange(client, arena, &answer, error);
    if (status != OK && !fresh) /* the broker closes connections that were idle for long */
        status = exchange(client, arena, &answer, error);
    if (status == OK)
        status = kafka_response_header_decode(key, version, answer, &correlation_id, &body, error);
    if (status == OK && correlation_id != header.correlation_id)
        status = failed(client, "read from", EPROTO, error);
    return status == OK ? wire_decode(api->response, version, body, arena, response, error) : status;
}
