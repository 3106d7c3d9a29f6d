#include "web/database.h"

#include "base/banned.h"
#include "base/memory.h"
#include "capture/settings.h"

#include <sys/eventfd.h>
#include <unistd.h>

struct databases {
    const struct properties *aliases;
    int stop_fd; /* readable: nobody is waited for any more */
};

struct databases *databases_create(const struct properties *aliases)
{
    struct databases *databases = memory_new(sizeof(*databases));

    databases->aliases = aliases;
    databases->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return databases;
}

void databases_interrupt(struct databases *databases)
{
    uint64_t one = 1;

    if (databases != NULL)
        (void)!write(databases->stop_fd, &one, sizeof(one));
}

int databases_stop_fd(const struct databases *databases)
{
    return databases->stop_fd;
}

void databases_destroy(struct databases *databases)
{
    if (databases == NULL)
        return;
    (void)close(databases->stop_fd);
    memory_free(databases);
}

enum status connector_database_open(const struct databases *databases, const struct properties *config, struct pg_connection **opened, struct error *error)
{
    enum status status = pg_connection_open_config(config, databases->aliases, CONNECTION_SQL, "tailrace-console", DATABASE_PATIENCE_MS, databases->stop_fd, opened, error);
    char *remedy = error == NULL || status == OK ? NULL : strchr(error->message, '\n');

    if (remedy != NULL) /* whoever asks has one of its own */
        *remedy = '\0';
    return status;
}

const char *connector_slot(const struct properties *config)
{
    const char *slot = properties_get(config, "slot.name");

    return slot == NULL ? SLOT_NAME_DEFAULT : slot;
}
