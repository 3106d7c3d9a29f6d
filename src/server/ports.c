#include "server/ports.h"

#include "base/banned.h"
#include "base/text.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

bool listener_parse(struct slice text, char *host, int *port)
{
    const uint8_t *scheme = memmem(text.data, text.size, "://", 3);
    const uint8_t *colon;
    struct slice name;
    int32_t number;

    if (scheme != NULL)
        text = slice_from(text, (size_t)(scheme - text.data) + 3);
    colon = memrchr(text.data, ':', text.size);
    if (colon == NULL)
        return false;
    name = slice_of(text.data, (size_t)(colon - text.data));
    if (name.size >= 2 && name.data[0] == '[' && name.data[name.size - 1] == ']')
        name = slice_of(name.data + 1, name.size - 2);
    if (name.size >= HOST_BYTES_MAX || !text_parse_int32(slice_from(text, (size_t)(colon - text.data) + 1), &number) || number < 0 ||
        number > 65535)
        return false;
    (void)snprintf(host, HOST_BYTES_MAX, "%.*s", (int)name.size, (const char *)name.data);
    *port = number;
    return true;
}

/* 0 when one can listen there, otherwise an errno value. */
static int try_listen(const struct addrinfo *address)
{
    int one = 1;
    int failed = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno == EAFNOSUPPORT ? 0 : errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, 1) < 0)
        failed = errno;
    (void)close(fd);
    return failed;
}

enum status port_check(const char *host, int port, const char *setting, struct error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    char number[16];
    int failed;

    (void)snprintf(number, sizeof(number), "%d", port);
    failed = getaddrinfo(*host == '\0' ? NULL : host, number, &hints, &addresses);
    if (failed != 0)
        return error_set(error, ERROR_BAD_INPUT, "%s: \"%s\" is not an address: %s", setting, host, gai_strerror(failed));
    for (const struct addrinfo *address = addresses; address != NULL && failed == 0; address = address->ai_next)
        failed = try_listen(address);
    freeaddrinfo(addresses);
    if (failed == EADDRINUSE)
        return error_set(error, ERROR_UNAVAILABLE,
                         "port %d on %s is in use by another program (setting %s); \"ss -ltnp sport = :%d\" shows by which, \"--set %s=…\" "
                         "chooses another",
                         port, *host == '\0' ? "all addresses" : host, setting, port, setting);
    if (failed != 0)
        return error_set_system(error, ERROR_UNAVAILABLE, failed, "listen on port %d of %s (setting %s)", port, host, setting);
    return OK;
}

static enum status listeners_check(const char *listeners, struct error *error)
{
    struct slice rest = slice_from_string(listeners), field;
    char host[HOST_BYTES_MAX];
    bool any = false;
    int port;

    while (text_next_field(&rest, ',', &field)) {
        field = text_trim(field);
        if (field.size == 0)
            continue;
        if (!listener_parse(field, host, &port))
            return error_set(error, ERROR_BAD_INPUT, "listeners: \"%.*s\" is not of the form host:port", (int)field.size,
                             (const char *)field.data);
        any = true;
        if (port_check(host, port, "listeners", error) != OK)
            return error->status;
    }
    return any ? OK : error_set(error, ERROR_BAD_INPUT, "listeners is empty; the Kafka protocol needs at least one host:port");
}

enum status ports_check(const struct settings *settings, bool with_postgres, struct error *error)
{
    enum status status = listeners_check(settings->listeners, error);

    if (status == OK)
        status = port_check(settings->rest_host_name, (int)settings->rest_port, "rest.port", error);
    if (status == OK)
        status = port_check(settings->console_host_name, (int)settings->console_port, "console.port", error);
    if (status == OK && with_postgres)
        status = port_check(settings->postgres_host_name, (int)settings->postgres_port, "postgres.port", error);
    return status;
}
