/* api_slots.c: dropping a replication slot, which lets PostgreSQL throw its WAL away. */
#include "web/api.h"

#include "base/banned.h"
#include "web/database.h"
#include "web/slots.h"

#define UNDEFINED_OBJECT "42704" /* PostgreSQL's error codes, appendix A */

static const char drop_sql[] = "SELECT pg_drop_replication_slot($1)";

/* Of the list; a new reference, NULL when there is none. */
static json_t *slot_find(struct api *api, const char *name)
{
    json_t *slots = slots_list(api_slots(api)), *slot, *found = NULL;
    size_t index;

    json_array_foreach(slots, index, slot) {
        if (found == NULL && strcmp(member_text(slot, "slot"), name) == 0)
            found = json_incref(slot);
    }
    json_decref(slots);
    return found;
}

/* Which connector reads it by its configuration: a slot made since the last look is not listed. NULL: none does. */
static const char *connector_configured(struct api_call *call, const char *name)
{
    const char *connector = NULL;
    struct connect_database *databases;
    size_t count;

    databases = connect_databases(api_settings_of(call->api)->connect, true, call->arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(connector_slot(&databases[i].config), name) == 0)
            connector = databases[i].connector;
        properties_finish(&databases[i].config);
    }
    return connector;
}

static void unknown(struct api_call *call, const char *name)
{
    api_error(call, 404, "UNKNOWN_SLOT", arena_format(call->arena, "Slot %s is not known.", name), "Slots are those of the connectors' servers, as they were a moment ago.", NULL);
}

/* Drops it on the server of the connector that it belongs to. */
static void drop(struct api_call *call, const char *name, const char *connector)
{
    const struct api_settings *settings = api_settings_of(call->api);
    struct connect_database *databases;
    struct pg_connection *connection = NULL;
    struct error error = {.status = OK};
    size_t count;

    databases = connect_databases(settings->connect, true, call->arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (connection == NULL && strcmp(databases[i].connector, connector) == 0)
            (void)connector_database_open(api_databases(call->api), &databases[i].config, &connection, &error);
        properties_finish(&databases[i].config);
    }
    if (connection == NULL) {
        api_error(call, 503, "PG_UNREACHABLE", "The slot was not dropped.", error.status == OK ? "Its connector is stopped or gone." : arena_copy_string(call->arena, slice_from_string(error.message)),
                  arena_format(call->arena, "On the server: SELECT pg_drop_replication_slot('%s')", name));
        return;
    }
    if (pg_connection_run_with(connection, drop_sql, 1, &name, NULL, &error) == OK) {
        api_changed(call, "info", name, arena_format(call->arena, "Replication slot %s was dropped.", name));
        call->response->status = 204;
    } else if (strcmp(connection->sqlstate, UNDEFINED_OBJECT) == 0) {
        unknown(call, name);
    } else {
        api_error(call, error.status == ERROR_DATABASE ? 409 : 503, error.status == ERROR_DATABASE ? "SLOT_NOT_DROPPED" : "PG_UNREACHABLE", "The slot was not dropped.",
                  arena_format(call->arena, "%s", error.message), NULL);
    }
    pg_connection_close(connection);
}

void api_slot_drop(struct api_call *call)
{
    const char *name = call->parts[0];
    json_t *slot = slot_find(call->api, name);
    const char *connector = slot == NULL ? connector_configured(call, name) : member_text(slot, "connector");

    if (slot == NULL && (connector == NULL || call->dry_run))
        unknown(call, name);
    else if (json_is_true(json_object_get(slot, "active")))
        api_error(call, 409, "SLOT_IN_USE", "The slot was not dropped.", "It is being read.", "Stop the connector, or the program, that reads it.");
    else if (call->dry_run)
        api_json(call, 200, json_pack("{s:o}", "effect", json_sprintf("%lld MiB of WAL are let go. Changes that were not captured yet are lost to this connector.",
                                                                      (long long)member_integer(slot, "wal_bytes", 0) >> 20)));
    else if (connector == NULL)
        api_error(call, 409, "SLOT_FOREIGN", "The slot was not dropped.", "It belongs to no connector here.", arena_format(call->arena, "On the server: SELECT pg_drop_replication_slot('%s')", name));
    else if (api_confirmed(call, name))
        drop(call, name, connector);
    json_decref(slot);
}
