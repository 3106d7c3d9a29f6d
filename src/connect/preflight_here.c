/* preflight_here.c: a preflight with what the running program knows: its other connectors, its topics, its converters. */
#include "base/banned.h"
#include "connect/connect.h"
#include "connect/herder_internal.h"
#include "connect/preflight.h"
#include "connect/secrets.h"

static bool topic_exists(void *context, const char *topic)
{
    struct herder *herder = context;

    return log_topic_partitions(herder->log, topic) > 0;
}

/* Placeholders filled, and masked secrets those of the connector of that name. */
static enum status config_resolve(struct herder *herder, const char *name, const struct properties *config, struct properties *resolved, struct error *error)
{
    struct properties unmasked, stored;
    struct error ignored;
    enum status status;

    properties_copy(&unmasked, config);
    if (herder_config_copy(herder, name == NULL ? "" : name, &stored, &ignored) == OK)
        secrets_unmask(&unmasked, &stored);
    status = secrets_resolve(&unmasked, resolved, error);
    properties_finish(&stored);
    properties_finish(&unmasked);
    return status;
}

enum status herder_preflight(struct herder *herder, const char *name, const struct properties *config, int64_t disk_here_bytes, struct arena *arena,
                             struct preflight **checked, struct error *error)
{
    struct preflight_connector *connectors;
    struct connect_database *databases;
    struct preflight_request request;
    struct properties resolved;
    size_t count;
    enum status status = config_resolve(herder, name, config, &resolved, error);

    databases = herder_databases(herder, true, arena, &count);
    connectors = arena_new_array(arena, count + 1, sizeof(*connectors));
    for (size_t i = 0; i < count; i++)
        connectors[i] = (struct preflight_connector){databases[i].connector, &databases[i].config, databases[i].is_running};
    request = (struct preflight_request){
        .stop_fd = herder->stop_fd,
        .config = &resolved,
        .connector = name,
        .aliases = herder_aliases(herder),
        .worker = herder_settings_values(herder),
        .connectors = connectors,
        .connector_count = count,
        .connectors_known = true,
        .topic_exists = topic_exists,
        .context = herder,
        .disk_here_bytes = disk_here_bytes,
        .disk_here_why = "the file system does not say it",
        .stored_lsn = status != OK || name == NULL ? 0 : herder_stored_lsn(herder, name, properties_get(&resolved, "topic.prefix")),
    };
    if (status == OK)
        *checked = preflight_run(&request, arena);
    for (size_t i = 0; i < count; i++)
        properties_finish(&databases[i].config);
    properties_finish(&resolved);
    return status;
}
