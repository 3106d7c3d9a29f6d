/* api_preflight.c: what a connector would meet: Connect's own validation, then a look at the database. Nothing is changed. */
#include "web/api.h"

#include "base/banned.h"
#include "base/regexes.h"
#include "base/text.h"
#include "connect/secrets.h"
#include "os/clock.h"
#include "web/database.h"


#define ANSWER_MAX ((size_t)4 << 20)
#define TABLES_MAX 500

struct preflight {
    struct api_call *call;
    struct properties config; /* placeholders resolved */
    json_t *checks, *tables;
    int errors, warnings;
    PGconn *connection;
};

/* found, property and sql may be NULL. */
static void check(struct preflight *preflight, const char *code, const char *state, const char *title, const char *found, const char *property, const char *sql)
{
    json_add(preflight->checks, json_pack("{s:s, s:s, s:s, s:o, s:o, s:n, s:o}", "code", code, "state", state, "title", title, "found",
                                          found == NULL ? json_null() : json_slice(slice_from_string(found)), "property", json_text_or_null(property), "patch", "sql",
                                          json_text_or_null(sql)));
    preflight->errors += strcmp(state, "crit") == 0;
    preflight->warnings += strcmp(state, "warn") == 0;
}

static const char *setting(const struct preflight *preflight, const char *name, const char *otherwise)
{
    const char *value = properties_get(&preflight->config, name);

    return value == NULL ? otherwise : value;
}

/* ---- Connect's validation ---- */

static void field_check(struct preflight *preflight, const json_t *field)
{
    const json_t *value = json_object_get(field, "value"), *error;
    size_t index;

    json_array_foreach(json_object_get(value, "errors"), index, error)
        check(preflight, "property", "crit", "A property is wrong", json_string_value(error), member_text(value, "name"), NULL);
}

/* Asks PUT /connector-plugins/…/config/validate. */
static void validate(struct preflight *preflight, json_t *config)
{
    struct api_call *call = preflight->call;
    struct http_request request = *call->request;
    struct http_response response = {.status = 0};
    const char *class_name = setting(preflight, "connector.class", ""), *dot = strrchr(class_name, '.');
    const char *name = member_text(call->body, "name");
    json_t *named = json_copy(config), *answer;
    char *body;
    const json_t *field;
    size_t index;

    if (json_object_get(named, "name") == NULL)
        json_put(named, "name", json_string(name == NULL ? "preflight" : name));
    body = json_dumps(named, JSON_COMPACT);
    json_decref(named);
    request.method = "PUT";
    request.path = slice_from_string(arena_format(call->arena, "/connector-plugins/%s/config/validate", dot == NULL ? class_name : dot + 1));
    request.query = slice_null();
    request.body = slice_from_string(body);
    buffer_init(&response.body, ANSWER_MAX);
    connect_handle(api_settings_of(call->api)->connect, &request, &response);
    answer = json_loadb((const char *)response.body.data, response.body.size, 0, NULL);
    if (response.status != 200)
        check(preflight, "class", "crit", "Connect refuses it", member_text(answer, "message") == NULL ? "It did not say why." : member_text(answer, "message"),
              "connector.class", NULL);
    json_array_foreach(json_object_get(answer, "configs"), index, field) field_check(preflight, field);
    json_decref(answer);
    buffer_finish(&response.body);
    free(body);
}

/* ---- The database ---- */

static bool database_open(struct preflight *preflight)
{
    preflight->connection = connector_database_open(&preflight->config, api_settings_of(preflight->call->api)->aliases, preflight->call->arena);
    if (PQstatus(preflight->connection) == CONNECTION_OK) {
        check(preflight, "connect", "ok", "PostgreSQL answers", PQparameterStatus(preflight->connection, "server_version"), NULL, NULL);
        return true;
    }
    check(preflight, "connect", "crit", "PostgreSQL cannot be reached", PQerrorMessage(preflight->connection), "database.hostname", NULL);
    return false;
}

/* The one value of a query, in the arena; NULL when there is none. argument may be NULL. */
static const char *ask(struct preflight *preflight, const char *sql, const char *argument)
{
    PGresult *result = PQexecParams(preflight->connection, sql, argument == NULL ? 0 : 1, NULL, &argument, NULL, NULL, 0);
    const char *value = NULL;

    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        value = arena_copy_string(preflight->call->arena, slice_from_string(PQgetvalue(result, 0, 0)));
    PQclear(result);
    return value;
}

static bool says(const char *value, const char *wanted)
{
    return value != NULL && strcmp(value, wanted) == 0;
}

static void server_check(struct preflight *preflight)
{
    struct arena *arena = preflight->call->arena;
    const char *level = ask(preflight, "SHOW wal_level", NULL), *user = setting(preflight, "database.user", "");
    const char *role = ask(preflight, "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user", NULL);
    const char *slots = ask(preflight, "SELECT current_setting('max_replication_slots')::int - count(*) FROM pg_replication_slots", NULL);
    const char *senders = ask(preflight, "SELECT current_setting('max_wal_senders')::int - count(*) FROM pg_stat_replication", NULL);
    const char *limit = ask(preflight, "SELECT current_setting('max_slot_wal_keep_size', true)", NULL);

    check(preflight, "wal_level", says(level, "logical") ? "ok" : "crit", "wal_level is logical", says(level, "logical") ? level : arena_format(arena, "wal_level is %s.", level == NULL ? "unknown" : level), NULL,
          says(level, "logical") ? NULL : "ALTER SYSTEM SET wal_level = logical;\n-- then restart PostgreSQL");
    check(preflight, "role", says(role, "t") ? "ok" : "crit", "The role may replicate", says(role, "t") ? user : arena_format(arena, "Role %s has no REPLICATION attribute.", user), "database.user",
          says(role, "t") ? NULL : arena_format(arena, "ALTER ROLE \"%s\" REPLICATION;", user));
    check(preflight, "slots_free", slots == NULL || slots[0] == '-' || says(slots, "0") ? "warn" : "ok", "A replication slot is free", slots == NULL ? NULL : arena_format(arena, "%s free", slots), NULL, NULL);
    check(preflight, "senders_free", senders == NULL || senders[0] == '-' || says(senders, "0") ? "warn" : "ok", "A WAL sender is free", senders == NULL ? NULL : arena_format(arena, "%s free", senders), NULL, NULL);
    if (limit != NULL)
        check(preflight, "wal_limit", says(limit, "-1") ? "warn" : "ok", says(limit, "-1") ? "A stopped connector could fill PostgreSQL's disk" : "WAL that a stopped connector keeps is limited",
              says(limit, "-1") ? "max_slot_wal_keep_size is unlimited." : limit, NULL, says(limit, "-1") ? "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB';\nSELECT pg_reload_conf();" : NULL);
}

static void names_check(struct preflight *preflight)
{
    struct arena *arena = preflight->call->arena;
    const char *slot = setting(preflight, "slot.name", "debezium"), *publication = setting(preflight, "publication.name", "dbz_publication");
    const char *held = ask(preflight, "SELECT coalesce('pid ' || active_pid, 'free') FROM pg_replication_slots WHERE slot_name = $1", slot);
    const char *published = ask(preflight, "SELECT pubname FROM pg_publication WHERE pubname = $1", publication);
    const char *mode = setting(preflight, "publication.autocreate.mode", "all_tables");

    if (held != NULL && strncmp(held, "pid ", 4) == 0)
        check(preflight, "slot", "crit", "The slot is in use", arena_format(arena, "Slot %s is read by %s.", slot, held), "slot.name", NULL);
    else
        check(preflight, "slot", held == NULL ? "ok" : "info", held == NULL ? "The slot will be made" : "The slot is there and will be used", slot, "slot.name", NULL);
    if (published == NULL && says(mode, "disabled"))
        check(preflight, "publication", "crit", "The publication is missing", publication, "publication.name", arena_format(arena, "CREATE PUBLICATION \"%s\" FOR ALL TABLES;", publication));
    else
        check(preflight, "publication", "ok", published == NULL ? "The publication will be made" : "The publication is there", publication, "publication.name", NULL);
}

/* ---- Tables ---- */

static bool is_listed(const char *list, const char *name, bool absent)
{
    struct regexes *regexes = NULL;
    bool matches;

    if (list == NULL || *list == '\0')
        return absent;
    matches = regexes_create(list, REGEXES_IGNORE_CASE, &regexes, NULL) == OK && regexes_match(regexes, slice_from_string(name));
    regexes_destroy(regexes);
    return matches;
}

static void table_add(struct preflight *preflight, const PGresult *result, int row, int *captured)
{
    const char *name = PQgetvalue(result, row, 0), *key = PQgetvalue(result, row, 3), *identity = PQgetvalue(result, row, 4);
    bool wanted = is_listed(properties_get(&preflight->config, "table.include.list"), name, true) && !is_listed(properties_get(&preflight->config, "table.exclude.list"), name, false);
    json_t *columns = json_loads(key, 0, NULL);
    int64_t rows = -1, bytes = -1;

    (void)text_parse_int64(slice_from_string(PQgetvalue(result, row, 1)), &rows);
    (void)text_parse_int64(slice_from_string(PQgetvalue(result, row, 2)), &bytes);
    *captured += wanted;
    json_add(preflight->tables, json_pack("{s:s, s:o, s:o, s:o, s:s, s:b, s:o}", "table", name, "rows_about", json_integer_or_null(rows), "bytes", json_integer_or_null(bytes), "key",
                                          columns == NULL ? json_array() : columns, "replica_identity", identity, "captured", (int)wanted, "why_not",
                                          wanted ? json_null() : json_string("table.include.list does not name it")));
    if (wanted && strcmp(key, "[]") == 0)
        check(preflight, "table_key", "warn", "A table has no primary key", name, NULL, NULL);
}

static void tables_check(struct preflight *preflight)
{
    PGresult *result = PQexec(preflight->connection,
                              "SELECT n.nspname || '.' || c.relname, CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END, pg_total_relation_size(c.oid),"
                              " coalesce((SELECT json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid"
                              " AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary), '[]')::text,"
                              " CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' ELSE 'default' END"
                              " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
                              " AND n.nspname NOT LIKE 'pg_%' ORDER BY 1 LIMIT 500");
    int captured = 0;

    for (int row = 0; PQresultStatus(result) == PGRES_TUPLES_OK && row < PQntuples(result) && row < TABLES_MAX; row++)
        table_add(preflight, result, row, &captured);
    PQclear(result);
    check(preflight, "tables", captured == 0 ? "warn" : "ok", captured == 0 ? "No table is captured" : "Tables are captured", arena_format(preflight->call->arena, "%d", captured), "table.include.list", NULL);
}

/* ---- The answer ---- */

static json_t *makes_make(struct preflight *preflight)
{
    json_t *makes = json_array(), *table;
    size_t index;

    json_add(makes, json_pack("{s:s, s:s, s:s}", "kind", "slot", "name", setting(preflight, "slot.name", "debezium"), "note", "made when it is missing"));
    json_add(makes, json_pack("{s:s, s:s, s:s}", "kind", "publication", "name", setting(preflight, "publication.name", "dbz_publication"), "note", "made when it is missing"));
    json_array_foreach(preflight->tables, index, table) {
        if (json_is_true(json_object_get(table, "captured")))
            json_add(makes, json_pack("{s:s, s:o, s:s}", "kind", "topic", "name", json_sprintf("%s.%s", setting(preflight, "topic.prefix", ""), member_text(table, "table")), "note",
                                      "made with its first row"));
    }
    return makes;
}

/* The configuration of the body, whole ({name, config}) or alone, into properties; false when a value is no text. */
static bool config_read(struct preflight *preflight, json_t *config)
{
    struct properties given = {0};
    struct error error = {.status = OK};
    const char *name;
    json_t *value;
    bool fits = json_is_object(config);

    json_object_foreach(config, name, value) {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        fits = fits && !json_is_object(value) && !json_is_array(value);
        properties_set(&given, name, json_is_string(value) ? json_string_value(value) : text);
        free(text);
    }
    if (secrets_resolve(&given, &preflight->config, &error) != OK)
        check(preflight, "placeholder", "crit", "A placeholder cannot be filled", error.message, NULL, NULL);
    properties_finish(&given);
    return fits;
}

void api_preflight(struct api_call *call)
{
    struct preflight preflight = {.call = call, .checks = json_array(), .tables = json_array()};
    json_t *inner = json_object_get(call->body, "config"), *config = json_is_object(inner) ? inner : call->body;
    int64_t began_ms = clock_monotonic_ms();

    if (config_read(&preflight, config)) {
        validate(&preflight, config);
        if (database_open(&preflight)) {
            server_check(&preflight);
            names_check(&preflight);
            tables_check(&preflight);
        }
        PQfinish(preflight.connection);
        api_json(call, 200,
                 json_pack("{s:s, s:s, s:i, s:i, s:I, s:o, s:o, s:O}", "verdict", preflight.errors > 0 ? "crit" : preflight.warnings > 0 ? "warn" : "ok", "text",
                           preflight.errors > 0 ? "It will not work." : "It will work.", "errors", preflight.errors, "warnings", preflight.warnings, "took_ms",
                           (json_int_t)(clock_monotonic_ms() - began_ms), "checks", json_incref(preflight.checks), "makes", makes_make(&preflight), "tables", preflight.tables));
    } else {
        api_error(call, 400, "BAD_CONFIG", "This is no configuration of a connector.", "It has to be an object of texts, or one with name and config.", NULL);
    }
    json_decref(preflight.checks);
    json_decref(preflight.tables);
    properties_finish(&preflight.config);
}
