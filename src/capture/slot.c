#include "capture/slot.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/regexes.h"
#include "base/text.h"
#include "capture/catalog.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/postgres/pgoutput.h"

#include <strings.h>

#define LOG_SUBSYSTEM "capture"
#define SLOT_TIMEOUT_MS 90000 /* internal.create.slot.command.timeout */
#define SLOT_PATIENCE_MS 5000 /* then the log says what the slot waits for */
#define DROP_ATTEMPTS 3
#define DROP_WAIT_MS 1000
#define TABLES_TEXT_MAX (4 * 1024 * 1024)

/* ---- The slot ---- */

enum status slot_read(struct pg_connection *sql, const char *name, struct slot *slot, struct error *error)
{
    const char *values[] = {name};
    PGresult *result = NULL;
    char query[512];
    enum status status;

    memset(slot, 0, sizeof(*slot));
    (void)snprintf(query, sizeof(query),
                   "SELECT plugin, database, active, active_pid, restart_lsn, confirmed_flush_lsn, catalog_xmin, slot_type, "
                   "database = current_database(), %s FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
                   sql->version >= 130000 ? "wal_status" : "''");
    status = pg_connection_run_with(sql, query, 1, values, &result, error);
    if (status != OK) {
        error_context(error, "look up replication slot %s", name);
        return status;
    }
    if (PQntuples(result) == 1) {
        slot->exists = true;
        (void)snprintf(slot->plugin, sizeof(slot->plugin), "%s", PQgetvalue(result, 0, 0));
        (void)snprintf(slot->database, sizeof(slot->database), "%s", PQgetvalue(result, 0, 1));
        slot->is_active = PQgetvalue(result, 0, 2)[0] == 't';
        slot->active_pid = (int)pg_result_number(result, 0, 3, 0);
        slot->restart_lsn = pg_result_lsn(result, 0, 4);
        slot->confirmed_lsn = pg_result_lsn(result, 0, 5);
        slot->catalog_xmin = pg_result_number(result, 0, 6, -1);
        slot->is_ours =
            strcmp(PQgetvalue(result, 0, 7), "logical") == 0 && strcmp(slot->plugin, "pgoutput") == 0 && PQgetvalue(result, 0, 8)[0] == 't';
        slot->is_lost = strcmp(PQgetvalue(result, 0, 9), "lost") == 0;
    }
    PQclear(result);
    return OK;
}

/* A slot waits for all transactions that were running: say which, so that somebody can end them. */
static void say_what_slot_waits_for(struct pg_connection *sql, const char *name)
{
    PGresult *result = NULL;
    struct error error;

    if (pg_connection_run(sql,
                          "SELECT pid, coalesce(application_name, ''), state, extract(epoch FROM now() - xact_start)::bigint FROM "
                          "pg_catalog.pg_stat_activity "
                          "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1",
                          &result, &error) != OK)
        return;
    if (PQntuples(result) == 1)
        LOG_WARNING(
            "replication slot %s waits for transactions that were running before; the oldest is %s s old, in backend %s (%s, %s): end it, "
            "or let it finish",
            name, PQgetvalue(result, 0, 3), PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
    else
        LOG_INFO("replication slot %s waits for transactions that were running before", name);
    PQclear(result);
}

static enum status wait_for_slot(struct pg_connection *replication, struct pg_connection *sql, const char *name, struct error *error)
{
    int64_t start = clock_monotonic_ms();
    bool said = false;

    while (PQisBusy(replication->pg)) {
        int64_t passed = clock_monotonic_ms() - start;
        enum status status;

        if (!said && passed >= SLOT_PATIENCE_MS) {
            said = true;
            say_what_slot_waits_for(sql, name);
        }
        if (passed >= SLOT_TIMEOUT_MS) {
            pg_connection_cancel(replication);
            (void)error_set(error, ERROR_UNAVAILABLE, "not done within %d s, because transactions that were running before are still open",
                            SLOT_TIMEOUT_MS / 1000);
            error_remedy(error, "end the oldest transactions of pg_stat_activity, or wait for them");
            return ERROR_UNAVAILABLE;
        }
        status = pg_connection_wait(replication, (said ? SLOT_TIMEOUT_MS : SLOT_PATIENCE_MS) - passed, error);
        if (status != OK) {
            pg_connection_cancel(replication);
            return status;
        }
        if (PQconsumeInput(replication->pg) == 0)
            return pg_connection_failure(replication, NULL, error);
    }
    return OK;
}

static const char *slot_remedy(const char *sqlstate)
{
    if (strcmp(sqlstate, "42501") == 0)
        return "give the user the right to it: ALTER ROLE … REPLICATION";
    if (strcmp(sqlstate, "53400") == 0)
        return "raise max_replication_slots and restart PostgreSQL, or drop a slot that nobody uses (pg_replication_slots)";
    if (strcmp(sqlstate, "55000") == 0)
        return "run ALTER SYSTEM SET wal_level = logical and restart PostgreSQL";
    if (strcmp(sqlstate, "42710") == 0)
        return "when setting up multiple connectors for the same database host, please make sure to use a distinct replication slot name "
               "for each";
    return NULL;
}

enum status slot_create(struct pg_connection *replication, struct pg_connection *sql, const struct capture_settings *settings,
                        const char *name, bool temporary, struct slot_created *created, struct error *error)
{
    bool failover = settings->slot_failover && !temporary && replication->version >= 170000;
    PGresult *result = NULL;
    PGresult *rest = NULL;
    char command[256];
    enum status status = OK;

    (void)snprintf(command, sizeof(command), "CREATE_REPLICATION_SLOT \"%s\" %s LOGICAL pgoutput %s", name, temporary ? "TEMPORARY" : "",
                   failover ? "( FAILOVER )" : "");
    if (PQsendQuery(replication->pg, command) == 0)
        status = pg_connection_failure(replication, NULL, error);
    if (status == OK)
        status = wait_for_slot(replication, sql, name, error);
    if (status == OK) {
        result = PQgetResult(replication->pg);
        if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1 || PQnfields(result) < 3)
            status = pg_connection_failure(replication, result, error);
        while ((rest = PQgetResult(replication->pg)) != NULL)
            PQclear(rest);
    }
    if (status == OK) {
        created->consistent_lsn = pg_result_lsn(result, 0, 1);
        (void)snprintf(created->snapshot, sizeof(created->snapshot), "%s", PQgetvalue(result, 0, 2));
    } else if (status != ERROR_CLOSED) {
        const char *remedy = slot_remedy(replication->sqlstate);

        error_context(error, "Creation of replication slot failed: %s", name);
        if (remedy != NULL)
            error_remedy(error, "%s", remedy);
    }
    PQclear(result);
    return status;
}

enum status slot_drop(struct pg_connection *sql, const char *name, struct error *error)
{
    const char *values[] = {name};
    enum status status = OK;

    for (int attempt = 1; attempt <= DROP_ATTEMPTS; attempt++) {
        status = pg_connection_run_with(sql, "SELECT pg_catalog.pg_drop_replication_slot($1)", 1, values, NULL, error);
        if (status == OK || strcmp(sql->sqlstate, "55006") != 0) /* object in use: its walsender is about to end */
            break;
        if (attempt < DROP_ATTEMPTS && pg_connection_wait(sql, DROP_WAIT_MS, error) != OK)
            break;
    }
    if (status != OK)
        error_context(error, "drop replication slot %s", name);
    return status;
}

/* ---- The publication ---- */

/* The captured tables, quoted, sorted and joined by ", "; partitions are left to their root when that is published. */
static enum status captured_tables(struct pg_connection *sql, const struct capture_settings *settings, const struct debezium_config *config,
                                   struct arena *arena, struct buffer *list, struct error *error)
{
    struct pg_catalog_table *tables = NULL;
    size_t count = 0;
    enum status status = pg_catalog_tables(sql, config, arena, &tables, &count, error);

    (void)settings;
    for (size_t i = 0; status == OK && i < count; i++) {
        if (list->size > 0)
            buffer_append_string(list, ", ");
        buffer_append_format(list, "%s.%s", pg_connection_quote(arena, tables[i].schema), pg_connection_quote(arena, tables[i].name));
    }
    if (status == OK && list->failed)
        status = error_set(error, ERROR_LIMIT, "the list of tables of publication %s is longer than %d bytes", settings->publication,
                           TABLES_TEXT_MAX);
    buffer_append_u8(list, '\0');
    return status;
}

static void append_options(struct buffer *ddl, const struct capture_settings *settings, bool at_creation)
{
    bool root = settings->publish_via_root && at_creation;

    if (!root && settings->publish == NULL)
        return;
    buffer_append_string(ddl, " WITH (");
    if (root)
        buffer_append_string(ddl, "publish_via_partition_root = true");
    if (settings->publish != NULL)
        buffer_append_format(ddl, "%spublish = '%s'", root ? ", " : "", settings->publish);
    buffer_append_string(ddl, ")");
}

static enum status run_ddl(struct pg_connection *sql, struct buffer *ddl, const char *what, struct error *error)
{
    enum status status;

    buffer_append_u8(ddl, '\0');
    status = pg_connection_run(sql, (const char *)ddl->data, NULL, error);
    if (status != OK && status != ERROR_CLOSED) {
        error_context(error, "%s", what);
        if (strcmp(sql->sqlstate, "42501") == 0)
            error_remedy(error, "make the publication as a superuser, or let the connector make one of its own tables: "
                                "publication.autocreate.mode=filtered and ownership of the tables");
    }
    return status;
}

static enum status create_publication(struct pg_connection *sql, const struct capture_settings *settings,
                                      const struct debezium_config *config, struct arena *arena, struct error *error)
{
    struct buffer ddl;
    struct buffer tables;
    enum status status = OK;

    buffer_init(&ddl, 2 * TABLES_TEXT_MAX);
    buffer_init(&tables, TABLES_TEXT_MAX);
    buffer_append_format(&ddl, "CREATE PUBLICATION %s", settings->publication);
    if (settings->publication_mode == PUBLICATION_ALL_TABLES) {
        buffer_append_string(&ddl, " FOR ALL TABLES");
    } else if (settings->publication_mode == PUBLICATION_FILTERED) {
        status = captured_tables(sql, settings, config, arena, &tables, error);
        if (status == OK && tables.data[0] == '\0')
            status = error_set(
                error, ERROR_BAD_INPUT,
                "Unable to create filtered publication %s for database %s: No table filters found for filtered publication %s; no table "
                "matches table.include.list and the other filters",
                settings->publication, settings->database, settings->publication);
        if (status == OK)
            buffer_append_format(&ddl, " FOR TABLE %s", (const char *)tables.data);
    }
    if (status == OK) {
        append_options(&ddl, settings, true);
        LOG_INFO("creating publication %s in database %s", settings->publication, settings->database);
        status = run_ddl(sql, &ddl, "create the publication", error);
        if (status == ERROR_DATABASE && strcmp(sql->sqlstate, "42710") == 0)
            status = OK; /* another connector of this database was faster */
    }
    buffer_finish(&ddl);
    buffer_finish(&tables);
    return status;
}

const char *publication_catalog_name(const char *name, struct arena *arena)
{
    size_t length = strlen(name);
    char *folded;

    if (length > 2 && name[0] == '"' && name[length - 1] == '"')
        return arena_copy_string(arena, slice_of(name + 1, length - 2));
    folded = arena_copy_string(arena, slice_from_string(name));
    for (size_t i = 0; i < length; i++) {
        if (folded[i] >= 'A' && folded[i] <= 'Z')
            folded[i] = (char)(folded[i] - 'A' + 'a');
    }
    return folded;
}

static enum status published_tables(struct pg_connection *sql, const struct capture_settings *settings, struct arena *arena,
                                    struct buffer *list, struct error *error)
{
    const char *values[] = {publication_catalog_name(settings->publication, arena)};
    PGresult *result = NULL;
    enum status status = pg_connection_run_with(
        sql, "SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables WHERE pubname = $1", 1, values, &result, error);

    for (int row = 0; status == OK && row < PQntuples(result); row++)
        buffer_append_format(list, "%s.%s\n", pg_connection_quote(arena, PQgetvalue(result, row, 0)),
                             pg_connection_quote(arena, PQgetvalue(result, row, 1)));
    buffer_append_u8(list, '\0');
    PQclear(result);
    return status;
}

/* Do the published tables and the wanted ones differ? Both sides are few enough to look each up in the other's text. */
static bool tables_differ(const char *published, const char *wanted)
{
    struct slice rest = slice_from_string(published);
    struct slice line;
    size_t count = 0;
    size_t wanted_count = wanted[0] == '\0' ? 0 : 1;
    char name[300];

    while (text_next_field(&rest, '\n', &line)) {
        const char *found;

        if (line.size == 0)
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)line.size, (const char *)line.data);
        found = strstr(wanted, name);
        if (found == NULL)
            return true;
        count++;
    }
    for (const char *at = wanted; (at = strstr(at, "\", \"")) != NULL; at++)
        wanted_count++;
    return count != wanted_count;
}

static enum status alter_publication(struct pg_connection *sql, const struct capture_settings *settings,
                                     const struct debezium_config *config, struct arena *arena, struct error *error)
{
    struct buffer wanted;
    struct buffer published;
    enum status status;

    buffer_init(&wanted, TABLES_TEXT_MAX);
    buffer_init(&published, TABLES_TEXT_MAX);
    status = captured_tables(sql, settings, config, arena, &wanted, error);
    if (status == OK)
        status = published_tables(sql, settings, arena, &published, error);
    if (status == OK && wanted.data[0] == '\0')
        status = error_set(
            error, ERROR_BAD_INPUT,
            "Unable to update filtered publication %s for database %s: No table filters found for filtered publication %s; no table "
            "matches table.include.list and the other filters",
            settings->publication, settings->database, settings->publication);
    if (status == OK && tables_differ((const char *)published.data, (const char *)wanted.data)) {
        struct buffer ddl;

        buffer_init(&ddl, 2 * TABLES_TEXT_MAX);
        buffer_append_format(&ddl, "ALTER PUBLICATION %s SET TABLE %s", settings->publication, (const char *)wanted.data);
        LOG_INFO("changing the tables of publication %s in database %s", settings->publication, settings->database);
        status = run_ddl(sql, &ddl, "change the publication", error);
        buffer_finish(&ddl);
    }
    buffer_finish(&wanted);
    buffer_finish(&published);
    return status;
}

/* ---- Replica identities ---- */

static enum status set_identity(struct pg_connection *sql, const struct pg_catalog_table *table, struct slice identity, struct arena *arena,
                                struct error *error)
{
    bool by_index = identity.size > 6 && strncasecmp((const char *)identity.data, "INDEX ", 6) == 0;
    const char *wanted = arena_copy_string(arena, identity);
    char letter = by_index ? 'i' : strcasecmp(wanted, "FULL") == 0 ? 'f' : strcasecmp(wanted, "NOTHING") == 0 ? 'n' : 'd';
    const char *ddl;
    struct error failure;
    enum status status;

    if (letter == table->replica_identity && !by_index)
        return OK;
    ddl = arena_format(arena, "ALTER TABLE %s.%s REPLICA IDENTITY %s%s", pg_connection_quote(arena, table->schema),
                       pg_connection_quote(arena, table->name), by_index ? "USING " : "", wanted);
    status = pg_connection_run(sql, ddl, NULL, &failure);
    if (status == OK)
        LOG_INFO("table %s.%s now has replica identity %s", table->schema, table->name, wanted);
    else if (status == ERROR_DATABASE)
        LOG_WARNING("could not set the replica identity of %s.%s: %s", table->schema, table->name, failure.message);
    else if (error != NULL)
        *error = failure;
    return status == ERROR_DATABASE ? OK : status;
}

/* "regex:FULL,regex:INDEX name": each table takes the first that matches. */
static enum status set_identities(struct pg_connection *sql, const struct capture_settings *settings, const struct debezium_config *config,
                                  struct arena *arena, struct error *error)
{
    struct pg_catalog_table *tables = NULL;
    size_t count = 0;
    enum status status;

    if (settings->replica_identity_autoset == NULL)
        return OK;
    status = pg_catalog_tables(sql, config, arena, &tables, &count, error);
    for (size_t i = 0; status == OK && i < count; i++) {
        const char *name = arena_format(arena, "%s.%s", tables[i].schema, tables[i].name);
        struct slice rest = slice_from_string(settings->replica_identity_autoset);
        struct slice item;
        bool done = false;

        while (status == OK && !done && text_next_field(&rest, ',', &item)) {
            const uint8_t *colon = item.size == 0 ? NULL : memrchr(item.data, ':', item.size);
            struct regexes *regexes = NULL;

            if (colon == NULL)
                continue;
            status = regexes_create_one(text_trim(slice_of(item.data, (size_t)(colon - item.data))), REGEXES_IGNORE_CASE, &regexes, error);
            if (status != OK) {
                error_context(error, "replica.identity.autoset.values");
            } else if (regexes_match(regexes, slice_from_string(name))) {
                done = true;
                status = set_identity(sql, &tables[i], text_trim(slice_of(colon + 1, item.size - (size_t)(colon + 1 - item.data))), arena,
                                      error);
            }
            regexes_destroy(regexes);
        }
    }
    return status;
}

/* A standby cannot make publications; what its primary has is what counts. */
static enum status is_standby(struct pg_connection *sql, bool *standby, struct error *error)
{
    PGresult *result = NULL;
    enum status status = pg_connection_run(sql, "SELECT pg_catalog.pg_is_in_recovery()", &result, error);

    if (status == OK)
        *standby = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return status;
}

enum status publication_ensure(struct pg_connection *sql, const struct capture_settings *settings, const struct debezium_config *config,
                               struct error *error)
{
    const char *values[1];
    PGresult *result = NULL;
    struct arena arena;
    bool standby = false;
    enum status status;

    arena_init(&arena, 4096);
    values[0] = publication_catalog_name(settings->publication, &arena);
    status =
        pg_connection_run_with(sql, "SELECT puballtables FROM pg_catalog.pg_publication WHERE pubname = $1", 1, values, &result, error);
    if (status == OK)
        status = is_standby(sql, &standby, error);
    if (status == OK && PQntuples(result) == 0) {
        if (settings->publication_mode == PUBLICATION_DISABLED)
            status =
                error_set(error, ERROR_BAD_INPUT, "Publication autocreation is disabled, please create one and restart the connector.");
        else if (!standby)
            status = create_publication(sql, settings, config, &arena, error);
    } else if (status == OK && settings->publication_mode == PUBLICATION_FILTERED && !standby) {
        if (PQgetvalue(result, 0, 0)[0] == 't')
            status = error_set(
                error, ERROR_BAD_INPUT,
                "A logical publication for all tables named '%s' for plugin 'pgoutput' and database '%s' is already active on the server "
                "and can not be altered. If you need to exclude some tables or include only specific subset, please recreate the "
                "publication with necessary configuration or let plugin recreate it by dropping existing publication. Otherwise please "
                "change the 'publication.autocreate.mode' property to 'all_tables'.",
                settings->publication, settings->database);
        else
            status = alter_publication(sql, settings, config, &arena, error);
    }
    PQclear(result);
    if (status == OK && !standby)
        status = set_identities(sql, settings, config, &arena, error);
    arena_finish(&arena);
    return status;
}

bool slot_lacks(const struct slot *slot, uint64_t resume_lsn, bool trusted)
{
    if (!slot->exists || slot->is_lost)
        return true;
    return !trusted && (slot->confirmed_lsn > resume_lsn || slot->restart_lsn > resume_lsn);
}
