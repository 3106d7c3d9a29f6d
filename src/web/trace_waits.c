/* trace_waits.c: what was asked for is not in the log: which connector would bring it, where it waits, why, and what to do. */
#include "web/trace.h"

#include "base/banned.h"
#include "capture/settings.h"
#include "base/text.h"
#include "web/database.h"
#include "wire/debezium/config.h"

#define BEHIND_MS 1000 /* from here on a connector is said to be behind */

struct waits {
    struct trace *trace;
    json_t *list;
    const char *table; /* NULL: not asked for a table */
    int64_t lsn, transaction_id; /* -1: not asked */
};

static void wait_add(struct waits *waits, const char *connector, const char *step, const char *state, const char *why, const char *todo)
{
    json_add(waits->list, json_pack("{s:o, s:s, s:s, s:o, s:o}", "connector", json_text_or_null(connector), "step", step, "state", state, "why", json_text_or_null(why), "todo",
                                    json_text_or_null(todo)));
}

/* ---- What the database says ---- */

/* One row of texts in the arena, NULLs as NULL; NULL: the database cannot be asked, or there is no row. *answered tells which. */
static const char **row_ask(struct waits *waits, const struct properties *config, const char *sql, const char *const *values, int count, bool *answered)
{
    struct arena *arena = waits->trace->call->arena;
    struct databases *databases = api_databases(waits->trace->call->api);
    struct pg_connection *connection = NULL;
    PGresult *result = NULL;
    const char **row = NULL;
    struct error error;

    *answered = false;
    if (connector_database_open(databases, config, &connection, &error) != OK)
        return NULL;
    *answered = pg_connection_run_with(connection, sql, count, values, &result, &error) == OK;
    if (*answered && PQntuples(result) > 0) {
        row = arena_new_array(arena, (size_t)PQnfields(result) + 1, sizeof(*row));
        for (int i = 0; i < PQnfields(result); i++)
            row[i] = PQgetisnull(result, 0, i) ? NULL : arena_copy_string(arena, slice_from_string(PQgetvalue(result, 0, i)));
    }
    PQclear(result);
    pg_connection_close(connection);
    return row;
}

/* Schema and name of the table that was asked for; the topic prefix of the connector may stand before it. schema "": any. */
static void table_split(struct waits *waits, const struct properties *config, const char **schema, const char **name)
{
    struct arena *arena = waits->trace->call->arena;
    const char *prefix = properties_get(config, "topic.prefix"), *table = waits->table, *dot;
    size_t size = prefix == NULL ? 0 : strlen(prefix);

    if (size > 0 && strncmp(table, prefix, size) == 0 && table[size] == '.')
        table += size + 1;
    dot = strrchr(table, '.');
    *schema = dot == NULL ? "" : arena_copy_string(arena, slice_of(table, (size_t)(dot - table)));
    *name = dot == NULL ? table : dot + 1;
}

static bool captures(const struct properties *config, const char *schema, const char *name)
{
    struct debezium_config *read;
    bool captured = true;

    if (debezium_config_create(config, NULL, NULL, &read, NULL) == OK) {
        captured = debezium_config_captures_table(read, *schema == '\0' ? "public" : schema, name);
        debezium_config_destroy(read);
    }
    return captured;
}

/* Does this connector bring rows of the table? False, with the reason in *why and *todo, when it does not. */
static bool table_comes(struct waits *waits, const struct properties *config, const char *connector, const char **why, const char **todo)
{
    static const char sql[] = "SELECT n.nspname, c.relname, EXISTS (SELECT 1 FROM pg_publication_tables p WHERE p.pubname = $3 AND p.schemaname = n.nspname AND p.tablename = c.relname) "
                              "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relname = $2 AND ($1 = '' OR n.nspname = $1) "
                              "AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY n.nspname = 'public' DESC LIMIT 1";
    struct arena *arena = waits->trace->call->arena;
    const char *publication = properties_get(config, "publication.name"), *database = properties_get(config, "database.dbname"), *values[3], **row;
    bool answered;

    table_split(waits, config, &values[0], &values[1]);
    values[2] = publication == NULL ? PUBLICATION_NAME_DEFAULT : publication;
    row = row_ask(waits, config, sql, values, 3, &answered);
    if (answered && row == NULL) {
        *why = arena_format(arena, "Database %s, which connector %s reads, has no table %s.", database == NULL ? "?" : database, connector, waits->table);
        *todo = "Check the name: schema.table, as PostgreSQL writes it.";
        return false;
    }
    if (!captures(config, row == NULL ? values[0] : row[0], values[1])) {
        *why = arena_format(arena, "Connector %s does not capture table %s: its schema and table lists leave it out.", connector, waits->table);
        *todo = arena_format(arena, "Add the table to table.include.list of connector %s, or take it out of table.exclude.list.", connector);
        return false;
    }
    if (row != NULL && strcmp(row[2], "t") != 0) {
        *why = arena_format(arena, "Table %s.%s is not in publication %s, so PostgreSQL does not send its changes to connector %s.", row[0], row[1], values[2], connector);
        *todo = arena_format(arena, "ALTER PUBLICATION %s ADD TABLE %s.%s;", values[2], row[0], row[1]);
        return false;
    }
    return true;
}

/* What became of the transaction; false when the database does not say, or has committed it. */
static bool transaction_waits(struct waits *waits, const struct properties *config, const char *connector)
{
    static const char sql[] =
        "SELECT CASE WHEN x <= m THEN txid_status(x) END, a.pid, a.state, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS') FROM (SELECT m, CASE WHEN (m >> 32 << 32) + $1::text::bigint <= m THEN (m >> 32 << 32) "
        "+ $1::text::bigint WHEN m >> 32 > 0 THEN ((m >> 32) - 1 << 32) + $1::text::bigint ELSE $1::text::bigint END AS x FROM (SELECT txid_snapshot_xmax(txid_current_snapshot()) AS m) t) u "
        "LEFT JOIN pg_stat_activity a ON a.backend_xid::text = $1::text";
    struct arena *arena = waits->trace->call->arena;
    const char *number = arena_format(arena, "%lld", (long long)waits->transaction_id);
    bool answered;
    const char **row = row_ask(waits, config, sql, &number, 1, &answered);

    if (row == NULL || (row[0] != NULL && strcmp(row[0], "committed") == 0))
        return false;
    if (row[0] == NULL)
        wait_add(waits, connector, "committed", "info",
                 arena_format(arena, "The database of connector %s does not know transaction %s: it has not begun there, or was long ago.", connector, number),
                 "Check the number: SELECT txid_current() in the transaction, or xmin of its rows.");
    else if (strcmp(row[0], "aborted") == 0)
        wait_add(waits, connector, "committed", "info", arena_format(arena, "Transaction %s was rolled back: nothing of it is ever captured.", number), NULL);
    else
        wait_add(waits, connector, "committed", "warn",
                 row[1] == NULL ? arena_format(arena, "Transaction %s is still open: rows come when it commits.", number)
                                : arena_format(arena, "Transaction %s is still open since %s, by process %s (%s): rows come when it commits.", number, row[3] == NULL ? "?" : row[3], row[1],
                                               row[2] == NULL ? "?" : row[2]),
                 row[1] == NULL ? "Commit it." : arena_format(arena, "Commit it, or end it: SELECT pg_terminate_backend(%s);", row[1]));
    return true;
}

/* ---- What the connector says ---- */

static int64_t lsn_of(const json_t *item, const char *name)
{
    const char *text = member_text(json_object_get(item, "positions"), name);
    unsigned high, low;

    return text != NULL && sscanf(text, "%8X/%8X", &high, &low) == 2 ? (int64_t)((uint64_t)high << 32 | low) : -1;
}

/* It runs, but has it come so far? */
static void running_waits(struct waits *waits, const json_t *item, const char *connector)
{
    struct arena *arena = waits->trace->call->arena;
    int64_t server = lsn_of(item, "server"), received = lsn_of(item, "received"), appended = lsn_of(item, "appended"), durable = lsn_of(item, "durable");
    int64_t lag_ms = member_integer(item, "lag_ms", -1);
    const char *at = member_text(json_object_get(item, "positions"), "received");

    if (waits->lsn >= 0 && server >= 0 && waits->lsn > server)
        wait_add(waits, connector, "committed", "info",
                 arena_format(arena, "PostgreSQL has not written this LSN yet: it is at %s on the server of connector %s.", member_text(json_object_get(item, "positions"), "server"), connector),
                 "Check that the LSN is of this server.");
    else if (waits->lsn >= 0 && received >= 0 && waits->lsn > received)
        wait_add(waits, connector, "received", "warn",
                 arena_format(arena, "Connector %s has received what is before %s; %lld bytes of WAL are between that and this LSN.", connector, at, (long long)(waits->lsn - received)),
                 "It goes on by itself; its status says how fast (tailrace connectors status).");
    else if (waits->lsn >= 0 && appended >= 0 && waits->lsn > appended)
        wait_add(waits, connector, "appended", "warn", arena_format(arena, "Connector %s has received it, and waits for the end of its transaction or for the log.", connector), NULL);
    else if (waits->lsn >= 0 && durable >= 0 && waits->lsn > durable)
        wait_add(waits, connector, "durable", "warn", arena_format(arena, "Connector %s has handed it to the log, which has not synced it yet.", connector),
                 "If it stays so, look at the disk (tailrace status).");
    else if (lag_ms > BEHIND_MS)
        wait_add(waits, connector, "received", "warn", arena_format(arena, "Connector %s is %lld s behind PostgreSQL.", connector, (long long)lag_ms / 1000),
                 "It goes on by itself; its status says how fast (tailrace connectors status).");
    else if (waits->lsn < 0 && waits->trace->looked.keyless > 0 && waits->trace->looked.keyless == waits->trace->looked.records)
        wait_add(waits, connector, "committed", "ok", "Records of this table have no key, because it has no primary key: a row cannot be found by one.",
                 "Ask by LSN, by transaction (xid:NUMBER, a row's xmin) or by place, or search the topic's messages. message.key.columns gives them a key.");
    else
        wait_add(waits, connector, "committed", "ok",
                 waits->lsn >= 0 ? arena_format(arena, "Connector %s is past this LSN: what stands there is no row of a captured table, or is not kept any more.", connector)
                                 : arena_format(arena, "Connector %s has everything that was committed up to %s: the row was not changed since capture began, was rolled back, or is not kept any more.",
                                                connector, at == NULL ? "now" : at),
                 NULL);
}

static void connector_waits(struct waits *waits, const json_t *item, const struct properties *config)
{
    struct arena *arena = waits->trace->call->arena;
    const char *connector = member_text(item, "name"), *word = member_text(item, "word"), *state = member_text(item, "state");
    const json_t *error = json_object_get(item, "error");
    const char *quote = member_text(error, "quote"), *why, *todo;

    if (quote == NULL || *quote == '\0')
        quote = "it did not say why.";
    if (config != NULL && waits->table != NULL && !table_comes(waits, config, connector, &why, &todo)) {
        wait_add(waits, connector, "received", "warn", why, todo);
        return;
    }
    if (config != NULL && waits->transaction_id >= 0 && transaction_waits(waits, config, connector))
        return;
    if (strcmp(word, "Paused") == 0 || strcmp(word, "Stopped") == 0)
        wait_add(waits, connector, "received", "warn",
                 arena_format(arena, "Connector %s is %s: what is committed waits in PostgreSQL's WAL. Nothing is lost so far.", connector, strcmp(word, "Paused") == 0 ? "paused" : "stopped"),
                 arena_format(arena, "tailrace connectors resume %s", connector));
    else if (strcmp(state, "crit") == 0)
        wait_add(waits, connector, "received", "crit",
                 arena_format(arena, "Connector %s %s: %s%s Nothing is lost so far.", connector, strcmp(word, "Failed") == 0 ? "has failed" : "cannot go on and tries again", quote,
                              quote[strlen(quote) - 1] == '.' ? "" : "."),
                 member_text(error, "todo"));
    else if (strcmp(state, "busy") == 0)
        wait_add(waits, connector, "received", "busy", arena_format(arena, "Connector %s is %s: what is committed comes after that.", connector, strcmp(word, "Starting") == 0 ? "starting" : "taking a snapshot"),
                 "It goes on by itself.");
    else
        running_waits(waits, item, connector);
}

/* When some connector brings the table, those that do not are not of interest. */
static void others_drop(json_t *list)
{
    bool some = false;

    for (size_t i = 0; i < json_array_size(list); i++)
        some = some || strstr(member_text(json_array_get(list, i), "why"), "table") == NULL;
    for (size_t i = json_array_size(list); some && i-- > 0;) {
        if (strstr(member_text(json_array_get(list, i), "why"), "table") != NULL)
            (void)json_array_remove(list, i);
    }
}

/* Does a row that was found come from this connector? */
static bool brought_a_row(const struct trace *trace, const struct properties *config)
{
    const char *prefix = config == NULL ? NULL : properties_get(config, "topic.prefix");
    size_t size = prefix == NULL ? 0 : strlen(prefix);

    for (size_t i = 0; i < trace->row_count; i++) {
        if (size > 0 && strncmp(trace->rows[i]->topic, prefix, size) == 0 && trace->rows[i]->topic[size] == '.')
            return true;
    }
    return false;
}

json_t *trace_waits_make(struct trace *trace, const char *table, int64_t lsn, int64_t transaction_id)
{
    struct waits waits = {.trace = trace, .list = json_array(), .table = table, .lsn = lsn, .transaction_id = transaction_id};
    json_t *connectors = connectors_make(trace->call->api, trace->description), *item;
    struct connect_database *databases;
    size_t count, index;

    databases = connect_databases(trace->settings->connect, true, trace->call->arena, &count);
    json_array_foreach(connectors, index, item) {
        const struct properties *config = NULL;

        for (size_t i = 0; i < count; i++) {
            if (strcmp(databases[i].connector, member_text(item, "name")) == 0)
                config = &databases[i].config;
        }
        if (trace->row_count == 0)
            connector_waits(&waits, item, config);
        else if (brought_a_row(trace, config))
            connector_waits(&waits, item, NULL);
    }
    for (size_t i = 0; i < count; i++)
        properties_finish(&databases[i].config);
    if (json_array_size(connectors) == 0)
        wait_add(&waits, NULL, "received", "warn", "There is no connector, so nothing of what PostgreSQL commits comes here.", "Create one: tailrace connectors create, or Connectors, Create in the console.");
    else if (table != NULL && trace->row_count == 0)
        others_drop(waits.list);
    json_decref(connectors);
    return waits.list;
}
