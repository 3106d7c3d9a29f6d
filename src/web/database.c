#include "web/database.h"

#include "base/banned.h"

static const char *value_or(const struct properties *config, const char *name, const char *otherwise)
{
    const char *value = properties_get(config, name);

    return value == NULL || *value == '\0' ? otherwise : value;
}

/* A host that host.aliases sends elsewhere; *port may change with it. */
static const char *aliased(const struct properties *aliases, const char *host, const char **port, struct arena *arena)
{
    const char *with_port = arena_format(arena, "%s:%s", host, *port), *target = aliases == NULL ? NULL : properties_get(aliases, with_port), *colon;

    if (target == NULL)
        target = aliases == NULL ? NULL : properties_get(aliases, host);
    colon = target == NULL ? NULL : strrchr(target, ':');
    if (target == NULL)
        return host;
    if (colon == NULL)
        return target;
    *port = colon + 1;
    return arena_copy_string(arena, slice_of(target, (size_t)(colon - target)));
}

PGconn *connector_database_open(const struct properties *config, const struct properties *aliases, struct arena *arena)
{
    const char *port = value_or(config, "database.port", "5432"), *host = aliased(aliases, value_or(config, "database.hostname", "localhost"), &port, arena);
    const char *const names[] = {"host", "port", "user", "password", "dbname", "sslmode", "connect_timeout", "application_name", "options", NULL};
    const char *const values[] = {host, port, value_or(config, "database.user", ""), value_or(config, "database.password", ""), value_or(config, "database.dbname", ""),
                                  value_or(config, "database.sslmode", "prefer"), "2", "tailrace-console", "-c statement_timeout=2000", NULL};

    return PQconnectdbParams(names, values, 0);
}
