#include "web/api.h"

#include "base/banned.h"
#include "capture/settings.h"
#include "os/clock.h"
#include "web/gone.h"
#include "web/problem_find.h"
#include "web/schema_book.h"
#include "web/slots.h"
#include "web/snapshots.h"

#include <math.h>

#define BODY_MAX ((size_t)16 << 20)
#define SILENT_MS 6000    /* a stream that is quiet for so long was asked, and did not answer */
#define PATIENCE_MS 10000 /* a PostgreSQL that cannot be reached for so long is a problem */

/* ---- One connector ---- */

static json_t *lsn_make(const json_t *capture, const char *name)
{
    uint64_t lsn = (uint64_t)member_integer(capture, name, 0);

    return lsn == 0 ? json_null() : json_sprintf("%X/%08X", (unsigned)(lsn >> 32), (unsigned)(lsn & 0xFFFFFFFF));
}

/* The server is asked once a second, and what came since was written before it came: its position is never behind the received one. */
static json_t *positions_make(const json_t *capture, const struct slot_facts *facts)
{
    uint64_t received = (uint64_t)member_integer(capture, "received_lsn", 0), wrote = facts->server_lsn > received ? facts->server_lsn : received;

    if (!json_is_object(capture))
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "server", facts->known ? json_sprintf("%X/%08X", (unsigned)(wrote >> 32), (unsigned)(wrote & 0xFFFFFFFF)) : json_null(), "received",
                     lsn_make(capture, "received_lsn"), "appended", lsn_make(capture, "appended_lsn"), "durable",
                     lsn_make(capture, "durable_lsn"), "confirmed", lsn_make(capture, "confirmed_lsn"));
}

static bool is(const json_t *object, const char *name, const char *value)
{
    const char *text = member_text(object, name);

    return text != NULL && strcmp(text, value) == 0;
}

/* Did what failed break a snapshot off? */
static bool in_snapshot(const json_t *capture)
{
    return member_integer(capture, "snapshot_started_ms", 0) > 0 && member_integer(capture, "snapshot_ended_ms", 0) == 0;
}

/*
 * The line that says what happened, verbatim; behind '\n' may stand what to do. A trace of Java's kind begins with its class. cause: as in
 * problems.def. code: an SQLSTATE; the text has it where PostgreSQL gave one.
 */
static json_t *error_make(const char *name, const char *text, const json_t *capture)
{
    struct cause cause = cause_of(text);
    const char *line = strchr(text, '\n'), *lost, *at;
    json_t *quote = json_slice(slice_of(text, line == NULL ? strlen(text) : (size_t)(line - text)));
    bool has_remedy = line != NULL && line[1] != '\0' && line[1] != '\t' && strchr(line + 1, '\n') == NULL && strncmp(line + 1, "Caused by", 9) != 0;
    json_t *todo = has_remedy ? json_sprintf("%c%s.", line[1] >= 'a' && line[1] <= 'z' ? line[1] - 32 : line[1], line + 2) : NULL, *title;

    if (strcmp(cause.code, "connector_failed") == 0 && in_snapshot(capture))
        cause = cause_of_snapshot();
    at = strstr(cause.title, "%s");
    title = at == NULL ? json_string(cause.title) : json_sprintf("%.*s%s%s", (int)(at - cause.title), cause.title, name, at + 2);
    lost = problem_loss(cause.code);
    return json_pack("{s:o, s:[], s:o, s:n, s:s, s:o, s:o}", "title", title, "why", "quote", quote, "code", "cause", cause.code, "todo", todo == NULL ? json_string(cause.todo) : todo, "lost",
                     lost == NULL ? json_string("Nothing is lost so far.") : json_sprintf("Lost: %s.", lost));
}

/* Is the program's own PostgreSQL, which this connector reads, just being started? */
static bool own_starts(const json_t *connector, const json_t *postgres)
{
    const char *host = member_text(json_object_get(connector, "config"), "database.hostname");

    return host != NULL && (strcmp(host, "postgres") == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0) && (is(postgres, "state", "starting") || is(postgres, "state", "creating"));
}

/* It cannot reach PostgreSQL: at first that is waited for without alarm, since what is being started comes soon. */
static bool waits_for_postgres(const json_t *connector, const json_t *capture, const json_t *postgres, bool *is_patient)
{
    const char *error = member_text(capture, "error");
    bool waits = is(capture, "state", "retrying") && is(connector, "target", "STARTED") && (strcmp(cause_of(error).code, "pg_unreachable") == 0 || strcmp(cause_of(error).code, "pg_silent") == 0);

    *is_patient = waits && (clock_now_ms() - member_integer(capture, "since_ms", 0) < PATIENCE_MS || own_starts(connector, postgres));
    return waits;
}

/* It reads a server that does not answer; what is still on its way to us may come yet. */
static bool gets_no_answer(const json_t *capture, const struct slot_facts *facts)
{
    return facts->is_silent && (is(capture, "state", "snapshot") || (is(capture, "state", "streaming") && clock_now_ms() - member_integer(capture, "heard_ms", 0) >= SILENT_MS));
}

static void state_put(json_t *item, const json_t *connector, const json_t *capture, const json_t *postgres, const struct slot_facts *facts)
{
    static const struct {
        const char *member, *value, *state, *word;
    } rules[] = {
        {"target", "PAUSED", "idle", "Paused"}, {"target", "STOPPED", "idle", "Stopped"}, {"task_state", "FAILED", "crit", "Failed"}, {"state", "FAILED", "crit", "Failed"},
    };
    const char *state = "ok", *word = "Running";
    bool is_patient;

    if (is(capture, "state", "snapshot") || is(capture, "state", "starting")) {
        state = "busy";
        word = is(capture, "state", "snapshot") ? "Taking a snapshot" : "Starting";
    } else if (!json_is_object(capture)) {
        state = "busy";
        word = "Starting";
    }
    for (size_t i = sizeof(rules) / sizeof(rules[0]); i-- > 0;) {
        if (is(connector, rules[i].member, rules[i].value)) {
            state = rules[i].state;
            word = rules[i].word;
        }
    }
    if (waits_for_postgres(connector, capture, postgres, &is_patient)) {
        state = is_patient ? "busy" : "crit";
        word = "Waiting for PostgreSQL";
    } else if (is(capture, "state", "retrying") && is(connector, "target", "STARTED")) {
        state = "crit";
        word = "Retrying";
    } else if (is(connector, "target", "STARTED") && gets_no_answer(capture, facts)) {
        state = "crit";
        word = "Waiting for PostgreSQL";
    }
    json_put(item, "state", json_string(state));
    json_put(item, "word", json_string(word));
}

static void trouble_put(json_t *item, const json_t *connector, const json_t *capture, const struct slot_facts *facts)
{
    bool retries = is(capture, "state", "retrying");
    char silence[160];
    const char *text = member_text(capture, "error");
    int64_t next_ms = member_integer(capture, "retry_at_ms", 0);

    if (text == NULL && is(item, "word", "Failed"))
        text = member_text(connector, "trace");
    if (text == NULL && gets_no_answer(capture, facts)) {
        (void)snprintf(silence, sizeof(silence), "no answer from PostgreSQL for %lld s", (long long)(clock_now_ms() - member_integer(capture, "heard_ms", clock_now_ms())) / 1000);
        text = is(capture, "state", "snapshot") ? "no answer from PostgreSQL" : silence;
    }
    if (text == NULL && is(item, "state", "crit"))
        text = "It did not say why.";
    json_put(item, "error", is(item, "state", "crit") ? error_make(member_text(item, "name"), text, capture) : json_null());
    json_put(item, "retry", retries ? json_pack("{s:I, s:o, s:b}", "tries", (json_int_t)member_integer(capture, "attempts", 0), "next_ms",
                                                json_integer_or_null(next_ms == 0 ? -1 : next_ms), "passes_by_itself", 1)
                                    : json_null());
}

/* Of a paused or stopped one: since somebody wanted it so, and who. */
static void since_put(json_t *item, const json_t *connector, const json_t *capture)
{
    bool by_a_person = is(connector, "target", "PAUSED") || is(connector, "target", "STOPPED");
    int64_t since_ms = by_a_person ? member_integer(connector, "target_since_ms", 0) : member_integer(capture, "since_ms", 0);

    json_put(item, "since_ms", json_integer_or_null(since_ms == 0 ? -1 : since_ms));
    json_put(item, "by", json_text_or_null(by_a_person ? member_text(connector, "target_by") : NULL));
}

static json_t *ms_of_us(int64_t us)
{
    return us < 0 ? json_null() : json_real((double)us / 1000);
}

static json_t *commit_to_durable_make(const json_t *capture)
{
    int64_t p50_us = member_integer(capture, "latency_p50_us", -1), p99_us = member_integer(capture, "latency_p99_us", -1);

    return p50_us < 0 || p99_us < 0 ? json_null() : json_pack("{s:o, s:o}", "p50", ms_of_us(p50_us), "p99", ms_of_us(p99_us));
}

/* How long after its commit the last durable row had come to each step. Clocks may differ: it is never before the commit. */
static json_t *ages_make(const json_t *capture)
{
    static const char *const steps[] = {"received", "appended", "durable", "confirmed"};
    int64_t committed_us = member_integer(capture, "committed_us", 0), durable_us = member_integer(capture, "durable_us", 0);
    json_t *ages;

    if (committed_us == 0)
        return json_null();
    ages = json_object();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char name[32];
        int64_t at_us, age_us;

        (void)snprintf(name, sizeof(name), "%s_us", steps[i]);
        at_us = member_integer(capture, name, 0);
        age_us = at_us < committed_us ? 0 : at_us - committed_us;
        json_put(ages, steps[i], at_us == 0 || (i == 3 && at_us < durable_us) ? json_null() : ms_of_us(age_us));
    }
    return ages;
}

/* The one under way; else the last one that the stream waited for. */
static json_t *snapshot_make(struct api *api, const char *name)
{
    json_t *snapshot = snapshots_running(api_snapshots(api), name);

    if (snapshot == NULL)
        snapshot = snapshots_whole(api_snapshots(api), name);
    return snapshot == NULL ? json_null() : snapshot;
}

static json_t *warnings_make(const json_t *connector)
{
    json_t *warnings = json_array();
    const json_t *warning;
    size_t index;

    json_array_foreach(json_object_get(connector, "warnings"), index, warning) {
        const char *nearest = member_text(warning, "nearest");

        json_add(warnings, json_pack("{s:O, s:o}", "property", json_object_get(warning, "setting"), "text",
                                     nearest == NULL ? json_string("is not a property; it has no effect") : json_sprintf("is not a property; did you mean %s?", nearest)));
    }
    return warnings;
}

static json_t *connector_make(struct api *api, const json_t *connector, const json_t *postgres)
{
    const json_t *capture = json_object_get(connector, "capture"), *config = json_object_get(connector, "config");
    const char *name = member_text(connector, "name"), *host = member_text(config, "database.hostname"), *port = member_text(config, "database.port"), *slot = member_text(config, "slot.name"),
               *publication = member_text(config, "publication.name");
    struct slot_facts facts;
    json_t *item = json_object();

    slots_facts(api_slots(api), name, (uint64_t)member_integer(capture, "received_lsn", 0), &facts);
    json_put(item, "name", json_string(name));
    state_put(item, connector, capture, postgres, &facts);
    since_put(item, connector, capture);
    json_put(item, "database", json_text_or_null(member_text(config, "database.dbname")));
    json_put(item, "server", host == NULL ? json_null() : json_sprintf("%s:%s", host, port == NULL ? "5432" : port));
    json_put(item, "server_version", facts.known ? json_string(facts.server_version) : json_null());
    json_put(item, "slot", json_string(slot == NULL ? SLOT_NAME_DEFAULT : slot));
    json_put(item, "publication", json_string(publication == NULL ? PUBLICATION_NAME_DEFAULT : publication));
    json_put(item, "tables", json_integer((json_int_t)json_array_size(json_object_get(connector, "topics"))));
    json_put(item, "rows_per_s", json_real_or_null(sampler_rate(api_sampler(api), "connector:", name)));
    json_put(item, "lag_ms", json_integer_or_null(facts.lag_ms));
    json_put(item, "commit_to_durable_ms", commit_to_durable_make(capture));
    json_put(item, "positions", positions_make(capture, &facts));
    json_put(item, "silent_ms", is(capture, "state", "streaming") && member_integer(capture, "heard_ms", 0) > 0 ? json_integer(clock_now_ms() - member_integer(capture, "heard_ms", 0)) : json_null());
    json_put(item, "ages_ms", ages_make(capture));
    json_put(item, "wal_bytes", json_integer_or_null(facts.wal_bytes));
    trouble_put(item, connector, capture, &facts);
    json_put(item, "warnings", warnings_make(connector));
    json_put(item, "snapshot", snapshot_make(api, name));
    return item;
}

json_t *connectors_make(struct api *api, const json_t *description)
{
    json_t *items = json_array();
    const json_t *connector;
    size_t index;

    json_array_foreach(json_object_get(description, "connectors"), index, connector) json_add(items, connector_make(api, connector, json_object_get(description, "postgres")));
    return items;
}

/* ---- Answers ---- */

void api_connectors(struct api_call *call)
{
    json_t *description = api_describe(call->api), *items = connectors_make(call->api, description);

    json_decref(description);
    api_list(call, items, "name");
}

/* Of the description; NULL with the answer given. */
static const json_t *described(struct api_call *call, const json_t *description)
{
    const json_t *connector;
    size_t index;

    json_array_foreach(json_object_get(description, "connectors"), index, connector) {
        if (is(connector, "name", call->parts[0]))
            return connector;
    }
    api_gone(call, "connector", call->parts[0]);
    return NULL;
}

void api_connector(struct api_call *call)
{
    json_t *description = api_describe(call->api);
    const json_t *connector = described(call, description);

    if (connector != NULL)
        api_json(call, 200, connector_make(call->api, connector, json_object_get(description, "postgres")));
    json_decref(description);
}

static json_t *member_or_null(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return value == NULL ? json_null() : json_incref(value);
}

/* Names of the columns of the key, of a version of a table; none when it is not known. */
static json_t *key_make(const json_t *schema)
{
    json_t *key = json_array(), *column;
    size_t index;

    json_array_foreach(json_object_get(schema, "columns"), index, column) {
        if (json_is_true(json_object_get(column, "key")))
            json_add(key, json_incref(json_object_get(column, "name")));
    }
    return key;
}

void api_connector_tables(struct api_call *call)
{
    json_t *description = api_describe(call->api), *items = json_array();
    const json_t *connector = described(call, description), *topic;
    const char *prefix = member_text(json_object_get(connector, "config"), "topic.prefix");
    size_t index, size = prefix == NULL ? 0 : strlen(prefix);

    json_array_foreach(json_object_get(connector, "topics"), index, topic) {
        const char *name = json_string_value(topic), *table = prefix != NULL && strncmp(name, prefix, size) == 0 && name[size] == '.' ? name + size + 1 : name;
        json_t *whole = topic_make(call->api, call->arena, name);
        json_t *last_ms = json_object_get(json_object_get(whole, "topic"), "last_ms"), *schema = schema_book_newest(api_schemas(call->api), name);

        json_add(items, json_pack("{s:s, s:s, s:b, s:n, s:o, s:o, s:o, s:o, s:o, s:n}", "table", table, "topic", name, "captured", 1, "why_not", "rows_per_s",
                                  json_real_or_null(sampler_rate(api_sampler(call->api), "topic:", name)), "key", key_make(schema), "replica_identity", member_or_null(schema, "replica_identity"),
                                  "schema_version", member_or_null(schema, "version"), "last_ms",
                                  last_ms == NULL ? json_null() : json_incref(last_ms), "snapshot"));
        json_decref(whole);
        json_decref(schema);
    }
    json_decref(description);
    if (connector == NULL)
        json_decref(items);
    else
        api_list(call, items, "table");
}

/* ---- Connect's REST API ---- */

void api_connect_proxy(struct api_call *call)
{
    struct http_request request = *call->request;
    const struct http_response *response = call->response;

    request.path = slice_from(request.path, strlen("/api/v1/connect"));
    request.through = "console";
    connect_handle(api_settings_of(call->api)->connect, &request, call->response);
    call->response->location = NULL; /* it would lead to the other listener */
    if (response->changed == NULL)
        return;
    if (strcmp(request.method, "DELETE") == 0 && response->status == 204) /* 200: its offsets */
        api_deleted(call, "connector", response->changed_subject, response->changed);
    else
        api_changed(call, "info", response->changed_subject, response->changed);
}
