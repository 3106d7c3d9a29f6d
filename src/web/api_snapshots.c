/*
 * api_snapshots.c: a connector's incremental snapshots: begin, pause, go on, stop. The console sends the signals that any program
 * may send, over the topic when the connector listens there, else as a row of the signal table.
 */
#include "web/api.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/uuid.h"
#include "log/log.h"
#include "os/clock.h"
#include "os/random.h"
#include "web/database.h"
#include "web/gone.h"
#include "web/snapshots.h"
#include "web/words.h"

#define TABLES_MAX 100
#define BEGUN_WITHIN_MS 8000
#define LOOK_EVERY_MS 50

struct wanted {
    struct api_call *call;
    struct properties config; /* of the connector, with its password: shown to nobody */
    const char *connector;
    bool found, runs;
};

/* ---- The connector ---- */

/* False with the answer given; finish the config in any case. */
static bool connector_find(struct wanted *wanted)
{
    struct api_call *call = wanted->call;
    struct connect_database *databases;
    size_t count;

    properties_init(&wanted->config);
    databases = connect_databases(api_settings_of(call->api)->connect, true, call->arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(databases[i].connector, call->parts[0]) == 0) {
            properties_finish(&wanted->config);
            properties_copy(&wanted->config, &databases[i].config);
            wanted->found = true;
            wanted->runs = databases[i].is_running;
        }
        properties_finish(&databases[i].config);
    }
    if (!wanted->found)
        api_gone(call, "connector", call->parts[0]);
    return wanted->found;
}

static const char *setting(const struct wanted *wanted, const char *key, const char *otherwise)
{
    const char *value = properties_get(&wanted->config, key);

    return value == NULL || *value == '\0' ? otherwise : value;
}

static bool has_channel(const struct wanted *wanted, const char *channel)
{
    struct slice rest = slice_from_string(setting(wanted, "signal.enabled.channels", "source")), one;

    while (text_next_field(&rest, ',', &one)) {
        if (slice_equal_string(text_trim(one), channel))
            return true;
    }
    return false;
}

/* Can it be told anything? False with the answer given. */
static bool can_signal(const struct wanted *wanted)
{
    struct api_call *call = wanted->call;

    if (setting(wanted, "signal.data.collection", NULL) == NULL) {
        api_error(call, 409, "NO_SIGNAL_TABLE", "This connector cannot take a snapshot beside the stream.", "It has no signal table, in which the snapshot marks where its pieces begin and end.",
                  "Make it, CREATE TABLE tailrace_signals (id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data text), and set signal.data.collection=public.tailrace_signals.");
        return false;
    }
    if (!has_channel(wanted, "source")) {
        api_error(call, 409, "NO_SIGNAL_TABLE", "This connector cannot take a snapshot beside the stream.", "signal.enabled.channels leaves out source, so it does not see its own marks in the signal table.",
                  "Add source to signal.enabled.channels.");
        return false;
    }
    if (!wanted->runs) {
        api_error(call, 409, "NOT_RUNNING", "The connector does not run.", "It hears nothing while it is stopped, paused or failed.", "Start it, then take the snapshot.");
        return false;
    }
    return true;
}

/* ---- Signals ---- */

static bool topic_write(struct wanted *wanted, const char *id, const char *type, json_t *data)
{
    struct log *log = api_settings_of(wanted->call->api)->log;
    const char *prefix = setting(wanted, "topic.prefix", ""), *topic = setting(wanted, "signal.kafka.topic", arena_format(wanted->call->arena, "%s-signal", prefix));
    struct log_topic_spec spec = {.name = topic, .partitions = 1};
    json_t *signal = json_pack("{s:s, s:s, s:O}", "id", id, "type", type, "data", data);
    char *text = json_dumps(signal, JSON_COMPACT);
    struct log_record record = {slice_from_string(prefix), slice_from_string(text), -1, NULL, 0};
    struct error error;
    int64_t offset;
    bool fine = log_topic_ensure(log, &spec, &error) == OK && log_write(log, topic, 0, &record, 1, &offset, &error) == OK;

    if (!fine)
        api_failed(wanted->call, error.status, &error);
    free(text);
    json_decref(signal);
    return fine;
}

/* "public.signals", quoted. */
static const char *table_quoted(struct wanted *wanted, PGconn *pg)
{
    const char *name = setting(wanted, "signal.data.collection", ""), *dot = strchr(name, '.');
    char *first = PQescapeIdentifier(pg, name, dot == NULL ? strlen(name) : (size_t)(dot - name)), *second = dot == NULL ? NULL : PQescapeIdentifier(pg, dot + 1, strlen(dot + 1));
    const char *quoted = first == NULL ? "" : arena_format(wanted->call->arena, "%s%s%s", first, second == NULL ? "" : ".", second == NULL ? "" : second);

    PQfreemem(first);
    PQfreemem(second);
    return quoted;
}

/* What PostgreSQL said to a statement, or that it says nothing. */
static void refused(struct api_call *call, const char *code, const char *what, const struct error *error, const char *todo)
{
    bool is_said = error->status == ERROR_DATABASE;

    api_error(call, is_said ? 409 : 503, is_said ? code : "PG_UNREACHABLE", what, arena_format(call->arena, "%s", error->message), todo);
}

static bool table_write(struct wanted *wanted, const char *id, const char *type, json_t *data)
{
    struct api_call *call = wanted->call;
    char *text = json_dumps(data, JSON_COMPACT);
    const char *const values[] = {id, type, text};
    struct pg_connection *connection = NULL;
    struct error error;
    bool fine = connector_database_open(api_databases(call->api), &wanted->config, &connection, &error) == OK;

    if (!fine) {
        api_error(call, 503, "PG_UNREACHABLE", "The signal was not written.", arena_copy_string(call->arena, slice_from_string(error.message)), "Look at the connector, then try again.");
    } else {
        fine = pg_connection_run_with(connection, arena_format(call->arena, "INSERT INTO %s VALUES ($1, $2, $3)", table_quoted(wanted, connection->pg)), 3, values, NULL, &error) == OK;
        if (!fine)
            refused(call, "SIGNAL_REFUSED", "The signal was not written.", &error, "Look at the table that signal.data.collection names.");
    }
    pg_connection_close(connection);
    free(text);
    return fine;
}

/* Takes the reference. False with the answer given. */
static bool signal_send(struct wanted *wanted, const char *id, const char *type, json_t *data)
{
    bool fine = has_channel(wanted, "kafka") ? topic_write(wanted, id, type, data) : table_write(wanted, id, type, data);

    json_decref(data);
    return fine;
}

/* ---- Beginning ---- */

/* "public.users" as a pattern that matches it alone. */
static const char *pattern_of(struct arena *arena, const char *table)
{
    struct buffer pattern;
    const char *copy;

    buffer_init(&pattern, 2048);
    for (; *table != '\0'; table++) {
        if (strchr(".^$*+?()[]{}|\\", *table) != NULL)
            buffer_append_u8(&pattern, '\\');
        buffer_append_u8(&pattern, (uint8_t)*table);
    }
    copy = arena_copy_string(arena, buffer_slice(&pattern));
    buffer_finish(&pattern);
    return copy;
}

static const char about_sql[] = "SELECT reltuples::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname || '.' || c.relname = $1 AND c.relkind IN ('r', 'p')";

/* Rows about, as PostgreSQL estimates them. False with the answer given. */
static bool tables_count(struct wanted *wanted, const json_t *names, json_t *tables)
{
    struct api_call *call = wanted->call;
    struct pg_connection *connection = NULL;
    struct error error;
    const json_t *name;
    size_t index;
    bool fine = connector_database_open(api_databases(call->api), &wanted->config, &connection, &error) == OK;

    if (!fine)
        api_error(call, 503, "PG_UNREACHABLE", "The tables were not looked at.", arena_copy_string(call->arena, slice_from_string(error.message)), "Look at the connector, then try again.");
    json_array_foreach(names, index, name) {
        const char *text = json_string_value(name);
        PGresult *result = NULL;
        int64_t about = -1;

        if (fine && pg_connection_run_with(connection, about_sql, 1, &text, &result, &error) != OK) {
            refused(call, "TABLES_REFUSED", "The tables were not looked at.", &error, "Look at the connector, then try again.");
            fine = false;
        } else if (fine && PQntuples(result) == 0) {
            api_error(call, 400, "UNKNOWN_TABLE", arena_format(call->arena, "There is no table %.200s.", text), NULL, "Choose one that the connector captures.");
            fine = false;
        } else if (fine) {
            (void)text_parse_int64(slice_from_string(PQgetvalue(result, 0, 0)), &about);
            json_add(tables, json_pack("{s:s, s:o}", "table", text, "rows_about", json_integer_or_null(about)));
        }
        PQclear(result);
    }
    pg_connection_close(connection);
    return fine;
}

static json_t *data_make(struct api_call *call, const json_t *names, const char *condition, double load_max)
{
    json_t *patterns = json_array(), *conditions = json_array();
    const json_t *name;
    size_t index;

    json_array_foreach(names, index, name) {
        const char *pattern = pattern_of(call->arena, json_string_value(name));

        json_add(patterns, json_string(pattern));
        if (condition != NULL && *condition != '\0')
            json_add(conditions, json_pack("{s:s, s:s}", "data-collection", pattern, "filter", condition));
    }
    return json_pack("{s:s, s:o, s:o, s:o*}", "type", "INCREMENTAL", "data-collections", patterns, "additional-conditions", conditions, "load-max", load_max > 0 ? json_real(load_max) : NULL);
}

/* The share that the body asks for; 0: no limit. False with the answer given. */
static bool load_read(struct api_call *call, double *load_max)
{
    const json_t *value = json_object_get(call->body, "load_max");

    *load_max = json_number_value(value);
    if (value == NULL || json_is_null(value) || (json_is_number(value) && *load_max > 0 && *load_max <= 1))
        return true;
    api_error_at(call, 400, "BAD_LOAD", "load_max is a share of one PostgreSQL process's time: more than 0, at most 1.", "load_max", 0);
    return false;
}

static const char *effect_of(struct api_call *call, const json_t *tables, double load_max)
{
    const json_t *table;
    int64_t rows = 0;
    bool known = true;
    size_t index;

    json_array_foreach(tables, index, table) {
        known = known && member_integer(table, "rows_about", -1) >= 0;
        rows += member_integer(table, "rows_about", 0);
    }
    return arena_format(call->arena, "%s%s%s",
                        known ? arena_format(call->arena, "About %s are read in pieces beside the stream, and come as op r", words_count(call->arena, rows, "row"))
                              : "The rows are read in pieces beside the stream, and come as op r; PostgreSQL does not say how many there are (ANALYZE)",
                        load_max > 0 ? arena_format(call->arena, "; reading them takes at most %.3g %% of one PostgreSQL process's time", load_max * 100) : "", ".");
}

/* The snapshot once the connector has begun it, or as it was asked for when that takes longer. A new reference. */
static json_t *begun(struct api_call *call, const char *connector, const char *id)
{
    int64_t until_ms = clock_monotonic_ms() + BEGUN_WITHIN_MS;
    json_t *found = NULL;

    for (;;) {
        json_t *list = snapshots_list(api_snapshots(call->api), connector), *one;
        size_t index;

        json_array_foreach(list, index, one) {
            if (found == NULL && member_text(one, "id") != NULL && strcmp(member_text(one, "id"), id) == 0)
                found = json_incref(one);
        }
        json_decref(list);
        if (clock_monotonic_ms() > until_ms || api_is_stopping(call->api) || (found != NULL && (strcmp(member_text(found, "state"), "running") != 0 || member_integer(json_array_get(json_object_get(found, "tables"), 0), "rows", 0) > 0)))
            return found;
        json_decref(found);
        found = NULL;
        clock_sleep_ms(LOOK_EVERY_MS);
    }
}

static void start(struct wanted *wanted)
{
    struct api_call *call = wanted->call;
    const json_t *names = json_object_get(call->body, "tables"), *name;
    json_t *tables = json_array(), *running = snapshots_running(api_snapshots(call->api), wanted->connector), *snapshot;
    uint8_t bytes[4];
    const char *id;
    double load_max;
    struct error error;
    size_t index;
    bool fine = json_array_size(names) > 0 && json_array_size(names) <= TABLES_MAX;

    json_array_foreach(names, index, name) fine = fine && json_is_string(name);
    random_bytes(bytes, sizeof(bytes));
    id = arena_format(call->arena, "s-%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
    if (!fine) {
        api_error_at(call, 400, "NO_TABLES", "No snapshot was begun: name one to a hundred tables.", "tables", 0);
    } else if (running != NULL) {
        api_error(call, 409, "SNAPSHOT_RUNNING", "No snapshot was begun.", "One is under way.", "Wait for it, or stop it.");
    } else if (load_read(call, &load_max) && tables_count(wanted, names, tables)) {
        if (call->dry_run) {
            api_json(call, 200, json_pack("{s:s}", "effect", effect_of(call, tables, load_max)));
        } else if (snapshots_begin(api_snapshots(call->api), wanted->connector, id, tables, load_max, &error) != OK) {
            api_failed(call, error.status, &error);
        } else if (signal_send(wanted, id, "execute-snapshot", data_make(call, names, member_text(call->body, "condition"), load_max))) {
            api_changed(call, "info", wanted->connector, arena_format(call->arena, "Connector %s: snapshot %s of %zu table%s was begun.", wanted->connector, id, json_array_size(names), json_array_size(names) == 1 ? "" : "s"));
            snapshot = begun(call, wanted->connector, id);
            api_json(call, 201, snapshot == NULL ? json_object() : snapshot);
        } else {
            snapshots_stopped(api_snapshots(call->api), wanted->connector, id);
        }
    }
    json_decref(running);
    json_decref(tables);
}

void api_snapshot_start(struct api_call *call)
{
    struct wanted wanted = {.call = call, .connector = call->parts[0]};

    if (connector_find(&wanted) && can_signal(&wanted))
        start(&wanted);
    properties_finish(&wanted.config);
}

/* ---- The list, and what is done to the one under way ---- */

void api_snapshots_list(struct api_call *call)
{
    struct wanted wanted = {.call = call, .connector = call->parts[0]};

    if (connector_find(&wanted)) {
        json_t *items = snapshots_list(api_snapshots(call->api), wanted.connector);

        api_json(call, 200, json_pack("{s:I, s:o}", "total", (json_int_t)json_array_size(items), "items", items));
    }
    properties_finish(&wanted.config);
}

/* Is it the one under way? False with the answer given. */
static bool is_under_way(struct api_call *call)
{
    json_t *running = snapshots_running(api_snapshots(call->api), call->parts[0]);
    bool is = running != NULL && strcmp(member_text(running, "id"), call->parts[1]) == 0;

    json_decref(running);
    if (!is)
        api_error(call, 404, "UNKNOWN_SNAPSHOT", arena_format(call->arena, "Snapshot %s is not under way.", call->parts[1]), "It is done, or was stopped.", NULL);
    return is;
}

static json_t *with_state(struct api_call *call, const char *state)
{
    int64_t until_ms = clock_monotonic_ms() + BEGUN_WITHIN_MS;
    json_t *running = snapshots_running(api_snapshots(call->api), call->parts[0]);

    while (running != NULL && strcmp(member_text(running, "state"), state) != 0 && clock_monotonic_ms() < until_ms && !api_is_stopping(call->api)) {
        json_decref(running);
        clock_sleep_ms(LOOK_EVERY_MS);
        running = snapshots_running(api_snapshots(call->api), call->parts[0]);
    }
    return running;
}

/* said: for the event. state: to be waited for; NULL: its end. load_max 0: it stays */
static void signal_one(struct api_call *call, const char *type, const char *word, const char *said, const char *state, double load_max)
{
    struct wanted wanted = {.call = call, .connector = call->parts[0]};

    if (connector_find(&wanted) && is_under_way(call) && can_signal(&wanted) &&
        signal_send(&wanted, arena_format(call->arena, "%s-%s-%lld", call->parts[1], word, (long long)clock_now_ms()), type,
                    json_pack("{s:s, s:o*}", "type", "INCREMENTAL", "load-max", load_max > 0 ? json_real(load_max) : NULL))) {
        api_changed(call, "info", wanted.connector, arena_format(call->arena, "Connector %s: snapshot %s %s.", wanted.connector, call->parts[1], said));
        if (state == NULL) {
            snapshots_stopped(api_snapshots(call->api), wanted.connector, call->parts[1]);
            call->response->status = 204;
            call->response->content_type = NULL;
        } else {
            json_t *snapshot = with_state(call, state);

            api_json(call, 200, snapshot == NULL ? json_object() : snapshot);
        }
    }
    properties_finish(&wanted.config);
}

/* Another limit for the one that runs; one that is paused stays so, and would go on with it. */
static void limit(struct api_call *call, double load_max)
{
    json_t *running = snapshots_running(api_snapshots(call->api), call->parts[0]);
    bool is_paused = running != NULL && strcmp(member_text(running, "state"), "paused") == 0;

    json_decref(running);
    if (is_paused)
        api_error(call, 409, "SNAPSHOT_PAUSED", "The limit was not changed.", "The snapshot is paused.", "Let it go on with the new limit: send state=running, too.");
    else
        signal_one(call, "resume-snapshot", "limited", arena_format(call->arena, "may take %.3g %% of one PostgreSQL process's time", load_max * 100), "running", load_max);
}

void api_snapshot_state(struct api_call *call)
{
    const char *state = member_text(call->body, "state");
    double load_max;

    if (!load_read(call, &load_max))
        return;
    if (state != NULL && strcmp(state, "paused") == 0)
        signal_one(call, "pause-snapshot", "paused", "was paused", "paused", 0);
    else if (state != NULL && strcmp(state, "running") == 0)
        signal_one(call, "resume-snapshot", "resumed", "goes on", "running", load_max);
    else if (state == NULL && load_max > 0)
        limit(call, load_max);
    else
        api_error_at(call, 400, "BAD_STATE", "state is paused or running; load_max alone changes the limit.", "state", 0);
}

void api_snapshot_stop(struct api_call *call)
{
    if (call->dry_run)
        api_json(call, 200, json_pack("{s:s}", "effect", "Rows that came already stay in the topic; the rest is not read. A new snapshot begins anew."));
    else
        signal_one(call, "stop-snapshot", "stopped", "was stopped", NULL, 0);
}
