#include "os/socket.h"

#include "base/banned.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum status socket_address_parse(struct slice text, struct socket_address *address, struct error *error)
{
    struct slice given = text;
    struct slice host;
    const uint8_t *colon;
    int64_t port;

    for (size_t i = 0; i + 2 < text.size; i++) {
        if (memcmp(text.data + i, "://", 3) == 0) {
            text = slice_from(text, i + 3);
            break;
        }
    }
    colon = text.size == 0 ? NULL : memrchr(text.data, ':', text.size);
    if (colon == NULL || !text_parse_int64(slice_of(colon + 1, (size_t)(text.data + text.size - colon - 1)), &port) || port < 0 ||
        port > 65535)
        return error_set(error, ERROR_BAD_INPUT, "\"%.*s\" is not an address of the form host:port", (int)given.size,
                         (const char *)given.data);
    host = slice_of(text.data, (size_t)(colon - text.data));
    if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
        host = slice_of(host.data + 1, host.size - 2);
    if (host.size >= sizeof(address->host))
        return error_set(error, ERROR_BAD_INPUT, "the host name in \"%.*s\" is too long", (int)given.size, (const char *)given.data);
    if (host.size > 0)
        memcpy(address->host, host.data, host.size);
    address->host[host.size] = '\0';
    address->port = (int)port;
    return OK;
}

void socket_address_format(const struct socket_address *address, char *text, size_t size)
{
    if (strchr(address->host, ':') != NULL)
        (void)snprintf(text, size, "[%s]:%d", address->host, address->port);
    else
        (void)snprintf(text, size, "%s:%d", address->host, address->port);
}

static bool address_from_storage(const struct sockaddr_storage *storage, struct socket_address *address)
{
    char port[8];

    if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)storage;

        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
            const uint8_t *four = six->sin6_addr.s6_addr + 12;

            (void)snprintf(address->host, sizeof(address->host), "%u.%u.%u.%u", four[0], four[1], four[2], four[3]);
            address->port = ntohs(six->sin6_port);
            return true;
        }
    }
    if (getnameinfo((const struct sockaddr *)storage, sizeof(*storage), address->host, sizeof(address->host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    address->port = storage->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)(const void *)storage)->sin6_port)
                                                   : ntohs(((const struct sockaddr_in *)(const void *)storage)->sin_port);
    return true;
}

bool socket_local_address(int fd, struct socket_address *address)
{
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof(storage);

    return getsockname(fd, (struct sockaddr *)&storage, &size) == 0 && address_from_storage(&storage, address);
}

bool socket_peer_address(int fd, struct socket_address *address)
{
    struct sockaddr_storage storage = {0};
    socklen_t size = sizeof(storage);

    return getpeername(fd, (struct sockaddr *)&storage, &size) == 0 && address_from_storage(&storage, address);
}

/* One listening socket, or -errno. */
static int listen_on(const struct addrinfo *info, bool any, int port, int backlog)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_storage storage = {0};
    int on = 1, off = 0;
    int failed;

    if (fd < 0)
        return -errno;
    memcpy(&storage, info->ai_addr, info->ai_addrlen);
    if (info->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)&storage)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)&storage)->sin_port = htons((uint16_t)port);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&storage, info->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    failed = errno;
    (void)close(fd);
    return -failed;
}

enum status socket_listen(struct socket_address *address, int backlog, int *fds, size_t fds_max, size_t *count, struct error *error)
{
    bool any = address->host[0] == '\0';
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char text[SOCKET_HOST_SIZE + 16];
    int failed = 0;
    int lookup;

    *count = 0;
    socket_address_format(address, text, sizeof(text));
    lookup = getaddrinfo(any ? "::" : address->host, "0", &hints, &found);
    if (lookup != 0)
        return error_set(error, ERROR_BAD_INPUT, "listen on %s: %s", text, gai_strerror(lookup));
    for (const struct addrinfo *info = found; info != NULL && *count < fds_max; info = info->ai_next) {
        int fd = listen_on(info, any, address->port, backlog);
        struct socket_address real;

        if (fd < 0 && any) { /* a machine without IPv6 */
            struct sockaddr_in four = {.sin_family = AF_INET};
            struct addrinfo plain = {.ai_family = AF_INET, .ai_addr = (struct sockaddr *)&four, .ai_addrlen = sizeof(four)};

            fd = fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? listen_on(&plain, any, address->port, backlog) : fd;
        }
        if (fd < 0) {
            /* A second address of a name that this machine does not have (::1 of localhost) is no trouble. */
            if (*count == 0 || (fd != -EADDRNOTAVAIL && fd != -EAFNOSUPPORT))
                failed = failed == 0 ? -fd : failed;
            continue;
        }
        fds[(*count)++] = fd;
        if (address->port == 0 && socket_local_address(fd, &real))
            address->port = real.port;
    }
    freeaddrinfo(found);
    if (*count > 0 && failed != EADDRINUSE)
        return OK;
    while (*count > 0)
        (void)close(fds[--*count]);
    return error_set_system(error, ERROR_UNAVAILABLE, failed, "listen on %s", text);
}

int socket_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int on = 1;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    return fd;
}
