#include "connect/preflight.h"

#include "base/banned.h"
#include "base/text.h"
#include "capture/settings.h"
#include "capture/slot.h"
#include "connect/preflight_internal.h"
#include "os/clock.h"

#include <strings.h>

/* What a connector's configuration says, read leniently: what is wrong with it, preflight_config.c says. */
static const char *setting(const struct properties *config, const char *name, const char *otherwise)
{
    const char *value = properties_get(config, name);

    return value == NULL || value[0] == '\0' ? otherwise : value;
}

static enum publication_mode publication_mode_of(const struct properties *config)
{
    static const char *const names[] = {"all_tables", "disabled", "filtered", "no_tables"};
    const char *value = setting(config, "publication.autocreate.mode", names[0]);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(value, names[i]) == 0)
            return (enum publication_mode)i;
    }
    return PUBLICATION_ALL_TABLES;
}

static bool is_skipped(const struct properties *config, char operation)
{
    struct slice rest = slice_from_string(setting(config, "skipped.operations", "")), field;

    while (text_next_field(&rest, ',', &field)) {
        field = text_trim(field);
        if (field.size == 1 && field.data[0] == (uint8_t)operation)
            return true;
    }
    return false;
}

static bool says(const struct properties *config, const char *name, const char *value)
{
    return strcasecmp(setting(config, name, ""), value) == 0;
}

/* Where it would go on, and what it does when the slot cannot give that: as capture/task.c does. */
static void position_facts(const struct preflight_request *request, struct preflight_facts *facts)
{
    const struct properties *config = request->config;

    facts->stored_lsn = request->stored_lsn;
    facts->always_reads = says(config, "snapshot.mode", "always");
    facts->reads_when_lost = facts->always_reads || says(config, "snapshot.mode", "when_needed") ||
                             (says(config, "snapshot.mode", "configuration_based") && says(config, "snapshot.mode.configuration.based.snapshot.data", "true") &&
                              says(config, "snapshot.mode.configuration.based.snapshot.on.data.error", "true"));
    facts->trusts_slot = says(config, "offset.mismatch.strategy", "trust_slot") || says(config, "offset.mismatch.strategy", "trust_greater_lsn") ||
                         says(config, "internal.log.position.check.enable", "false");
}

static void config_facts(const struct preflight_request *request, struct preflight_facts *facts, struct arena *arena)
{
    const struct properties *config = request->config;
    const char *mode = setting(config, "snapshot.mode", "initial");

    facts->has_config = true;
    facts->connector = request->connector;
    facts->slot = arena_copy_string(arena, slice_from_string(setting(config, "slot.name", SLOT_NAME_DEFAULT)));
    facts->prefix = arena_copy_string(arena, slice_from_string(setting(config, "topic.prefix", NULL)));
    facts->publication_mode = publication_mode_of(config);
    facts->streams = strcasecmp(mode, "initial_only") != 0;
    facts->reads_rows = strcasecmp(mode, "no_data") != 0 && strcasecmp(mode, "never") != 0 && strcasecmp(mode, "configuration_based") != 0;
    facts->skips_updates = is_skipped(config, 'u');
    facts->skips_deletes = is_skipped(config, 'd');
}

static bool same_setting(const struct properties *a, const struct properties *b, const char *name, const char *otherwise)
{
    return strcmp(setting(a, name, otherwise), setting(b, name, otherwise)) == 0;
}

/* What other connectors of this program have already. Slots are the server's, so another database of it counts, too. */
static void others_facts(const struct preflight_request *request, struct preflight_facts *facts, struct arena *arena)
{
    facts->others_known = request->connectors_known;
    facts->topics_known = request->topic_exists != NULL;
    for (size_t i = 0; i < request->connector_count; i++) {
        const struct preflight_connector *other = &request->connectors[i];

        if (request->connector != NULL && strcmp(other->name, request->connector) == 0) {
            facts->is_running = other->is_running;
            continue;
        }
        if (same_setting(other->config, request->config, "database.hostname", "") && same_setting(other->config, request->config, "database.port", "5432") &&
            same_setting(other->config, request->config, "slot.name", SLOT_NAME_DEFAULT))
            facts->slot_taken_by = arena_copy_string(arena, slice_from_string(other->name));
        if (facts->prefix != NULL && same_setting(other->config, request->config, "topic.prefix", ""))
            facts->prefix_taken_by = arena_copy_string(arena, slice_from_string(other->name));
    }
}

/*
 * With a mistake elsewhere in the configuration its lists of tables are still used; the mistake itself preflight_config.c says.
 * problem  set when the lists cannot be used either: why not
 */
static struct debezium_config *filters_create(const struct properties *config, struct arena *arena, const char **problem)
{
    static const char *const kept[] = {"table.", "schema.", "column.", "topic.", "database.dbname", "message.key.columns", "signal.data.collection"};
    struct debezium_config *created = NULL;
    struct properties filters;
    struct error error;

    if (debezium_config_create(config, NULL, NULL, &created, &error) == OK)
        return created;
    properties_init(&filters);
    for (size_t i = 0; i < config->count; i++) {
        for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
            if (strncmp(config->items[i].key, kept[k], strlen(kept[k])) == 0)
                properties_set(&filters, config->items[i].key, config->items[i].value);
        }
    }
    if (debezium_config_create(&filters, NULL, NULL, &created, &error) != OK)
        *problem = arena_copy_string(arena, slice_from_string(error.message));
    properties_finish(&filters);
    return created;
}

struct preflight *preflight_run(const struct preflight_request *request, struct arena *arena)
{
    struct preflight *preflight = arena_new(arena, sizeof(*preflight));
    struct preflight_facts *facts = &preflight->facts;
    struct look look = {.request = request, .facts = facts, .arena = arena, .deadline_ms = clock_monotonic_ms() + PREFLIGHT_PATIENCE_MS};
    struct debezium_config *config = NULL;

    findings_init(&preflight->findings, arena);
    facts->publication.name = PUBLICATION_NAME_DEFAULT;
    facts->disk_here_bytes = request->disk_here_bytes;
    facts->disk_here_why = request->disk_here_why;
    if (request->config != NULL) {
        config_facts(request, facts, arena);
        position_facts(request, facts);
        others_facts(request, facts, arena);
        facts->publication.name = publication_catalog_name(setting(request->config, "publication.name", PUBLICATION_NAME_DEFAULT), arena);
        config = filters_create(request->config, arena, &facts->filter_problem);
        preflight_config_judge(request, &preflight->findings);
    }
    look.config = config;
    look_at_server(&look);
    if (facts->server.is_connected)
        look_at_tables(&look);
    pg_connection_close(look.sql);
    debezium_config_destroy(config);
    preflight_judge(facts, &preflight->findings);
    return preflight;
}
