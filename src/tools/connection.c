#include "tools/connection.h"

#include "base/banned.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_BYTES_MAX ((size_t)1 << 30)
#define IN_BYTES_MAX ((size_t)1 << 30)
#define FRAME_BYTES_MAX ((uint32_t)((1u << 30) - 65536u))
#define READ_BYTES ((size_t)128 * 1024)

void connection_init(struct connection *connection)
{
    *connection = (struct connection){.fd = -1};
    buffer_init(&connection->out, OUT_BYTES_MAX);
    buffer_init(&connection->in, IN_BYTES_MAX);
}

/* The first IPv4 address, else the first of any kind; NULL when there is none. The caller frees *list. */
static const struct addrinfo *resolve(const char *host, struct addrinfo **list)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char bare[256];
    size_t size = strlen(host);

    if (host[0] == '[' && size > 2 && size < sizeof(bare) && host[size - 1] == ']') {
        memcpy(bare, host + 1, size - 2);
        bare[size - 2] = '\0';
        host = bare;
    }
    if (getaddrinfo(host, NULL, &hints, list) != 0) {
        *list = NULL;
        return NULL;
    }
    for (const struct addrinfo *item = *list; item != NULL; item = item->ai_next) {
        if (item->ai_family == AF_INET)
            return item;
    }
    return *list;
}

bool connection_can_resolve(const char *host)
{
    struct addrinfo *list;
    bool found = resolve(host, &list) != NULL;

    if (list != NULL)
        freeaddrinfo(list);
    return found;
}

static void address_describe(struct connection *connection, const char *host, int port, const struct addrinfo *item)
{
    char number[INET6_ADDRSTRLEN] = "<unresolved>";

    if (item != NULL)
        (void)getnameinfo(item->ai_addr, item->ai_addrlen, number, sizeof(number), NULL, 0, NI_NUMERICHOST);
    (void)snprintf(connection->address, sizeof(connection->address), "%s/%s:%d", strcmp(host, number) == 0 ? "" : host, number, port);
}

static enum status socket_connect(struct connection *connection, const struct addrinfo *item, int port, struct error *error)
{
    struct sockaddr_storage address;
    int on = 1;

    memcpy(&address, item->ai_addr, item->ai_addrlen);
    if (item->ai_family == AF_INET)
        ((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)&address)->sin6_port = htons((uint16_t)port);
    connection->fd = socket(item->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return error_set_system(error, ERROR_UNAVAILABLE, errno, "open a socket");
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(connection->fd, (struct sockaddr *)&address, item->ai_addrlen) != 0 && errno != EINPROGRESS)
        return error_set_system(error, ERROR_UNAVAILABLE, errno, "connect to %s", connection->address);
    connection->connecting = true;
    return OK;
}

enum status connection_open(struct connection *connection, const char *host, int port, struct error *error)
{
    struct addrinfo *list;
    const struct addrinfo *item = resolve(host, &list);
    enum status status;

    address_describe(connection, host, port, item);
    if (item == NULL)
        return error_set(error, ERROR_UNAVAILABLE, "the name %s has no address", host);
    status = socket_connect(connection, item, port, error);
    freeaddrinfo(list);
    if (status != OK)
        connection_close(connection);
    return status;
}

void connection_close(struct connection *connection)
{
    if (connection->fd >= 0)
        (void)close(connection->fd);
    connection->fd = -1;
    connection->connecting = false;
    buffer_finish(&connection->out);
    buffer_finish(&connection->in);
    buffer_init(&connection->out, OUT_BYTES_MAX);
    buffer_init(&connection->in, IN_BYTES_MAX);
    connection->out_at = 0;
    connection->in_at = 0;
}

short connection_events(const struct connection *connection)
{
    if (connection->connecting)
        return POLLOUT;
    return (short)(POLLIN | (connection->out.size > connection->out_at ? POLLOUT : 0));
}

static enum status connect_finish(struct connection *connection, struct error *error)
{
    int code = 0;
    socklen_t size = sizeof(code);

    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
        code = errno;
    if (code != 0)
        return error_set_system(error, ERROR_UNAVAILABLE, code, "connect to %s", connection->address);
    connection->connecting = false;
    return OK;
}

static enum status out_write(struct connection *connection, struct error *error)
{
    while (connection->out_at < connection->out.size) {
        ssize_t written = send(connection->fd, connection->out.data + connection->out_at, connection->out.size - connection->out_at, MSG_NOSIGNAL);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return OK;
        if (written < 0)
            return error_set_system(error, ERROR_CLOSED, errno, "write to %s", connection->address);
        connection->out_at += (size_t)written;
    }
    buffer_reset(&connection->out);
    connection->out_at = 0;
    return OK;
}

static enum status in_read(struct connection *connection, struct error *error)
{
    if (connection->in_at > 0) {
        buffer_consume(&connection->in, connection->in_at);
        connection->in_at = 0;
    }
    for (;;) {
        uint8_t *room = buffer_reserve(&connection->in, READ_BYTES);
        ssize_t got;

        if (room == NULL)
            return error_set(error, ERROR_LIMIT, "%s sends more than %zu bytes at once", connection->address, IN_BYTES_MAX);
        got = recv(connection->fd, room, READ_BYTES, 0);
        if (got > 0)
            connection->in.size += (size_t)got;
        else if (got == 0)
            return error_set(error, ERROR_CLOSED, "%s closed the connection", connection->address);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return OK;
        else if (errno != EINTR)
            return error_set_system(error, ERROR_CLOSED, errno, "read from %s", connection->address);
        if (got > 0 && (size_t)got < READ_BYTES)
            return OK;
    }
}

enum status connection_progress(struct connection *connection, short events, struct error *error)
{
    enum status status = OK;

    if (events == 0)
        return OK;
    if (connection->connecting)
        status = connect_finish(connection, error);
    if (status == OK && !connection->connecting)
        status = out_write(connection, error);
    if (status == OK && (events & (POLLIN | POLLHUP | POLLERR)) != 0)
        status = in_read(connection, error);
    return status;
}

size_t connection_frame_begin(struct connection *connection)
{
    size_t begin = connection->out.size;

    buffer_append_u32(&connection->out, 0);
    return begin;
}

void connection_frame_end(struct connection *connection, size_t begin)
{
    if (!connection->out.failed)
        buffer_patch_u32(&connection->out, begin, (uint32_t)(connection->out.size - begin - 4));
}

enum status connection_next_frame(struct connection *connection, struct slice *frame, bool *has_frame, struct error *error)
{
    const uint8_t *at = connection->in.data + connection->in_at;
    size_t left = connection->in.size - connection->in_at;
    uint32_t size;

    *has_frame = false;
    if (left < 4)
        return OK;
    size = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    if (size > FRAME_BYTES_MAX)
        return error_set(error, ERROR_CLOSED, "%s does not speak the Kafka protocol: a frame of %u bytes", connection->address, size);
    if (left - 4 < size)
        return OK;
    *frame = slice_of(at + 4, size);
    connection->in_at += 4 + (size_t)size;
    *has_frame = true;
    return OK;
}
