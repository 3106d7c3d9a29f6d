#include "server/ports.h"

#include "base/banned.h"
#include "base/text.h"

#include <errno.h>
#include <unistd.h>

#define SOCKETS_MAX 8

enum status port_check(const struct socket_address *address, const char *setting, struct error *error)
{
    struct socket_address tried = *address;
    int sockets[SOCKETS_MAX];
    size_t count = 0;
    enum status status = socket_listen(&tried, 1, sockets, SOCKETS_MAX, &count, error);

    for (size_t i = 0; i < count; i++)
        (void)close(sockets[i]);
    if (status == ERROR_UNAVAILABLE) {
        char why[256];

        (void)snprintf(why, sizeof(why), "%s", error->message);
        return error_set(error, status, "setting %s: %s; \"ss -ltnp sport = :%d\" shows who has the port, \"--set %s=…\" chooses another",
                         setting, why, address->port, setting);
    }
    if (status != OK)
        error_context(error, "setting %s", setting);
    return status;
}

static enum status listeners_check(const char *listeners, struct error *error)
{
    struct slice rest = slice_from_string(listeners), field;
    enum status status = OK;

    while (status == OK && text_next_field(&rest, ',', &field)) {
        struct socket_address address;

        status = socket_address_parse(text_trim(field), &address, error);
        if (status != OK)
            error_context(error, "setting listeners");
        else
            status = port_check(&address, "listeners", error);
    }
    return status;
}

static enum status pair_check(const char *host, int64_t port, const char *setting, struct error *error)
{
    struct socket_address address = {.port = (int)port};

    (void)snprintf(address.host, sizeof(address.host), "%s", host);
    return port_check(&address, setting, error);
}

enum status ports_check(const struct settings *settings, bool with_postgres, struct error *error)
{
    enum status status = listeners_check(settings->listeners, error);

    if (status == OK)
        status = pair_check(settings->rest_host_name, settings->rest_port, "rest.port", error);
    if (status == OK)
        status = pair_check(settings->console_host_name, settings->console_port, "console.port", error);
    if (status == OK && with_postgres)
        status = pair_check(settings->postgres_host_name, settings->postgres_port, "postgres.port", error);
    return status;
}
