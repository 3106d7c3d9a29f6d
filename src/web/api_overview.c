#include "web/api.h"

#include "base/banned.h"
#include "os/clock.h"
#include "web/problems.h"
#include "web/slots.h"

#include <math.h>

#define NODES_MAX 12 /* of a column; more are counted */

/* The pipeline as one picture: columns of nodes, edges with rows/s and lag, and what is wrong. */

static json_t *node(const char *kind, const char *name, json_t *note, const char *state, const char *folder, json_t *facts)
{
    return json_pack("{s:o, s:s, s:o, s:s, s:o, s:o}", "id", name == NULL ? json_string(kind) : json_sprintf("%s:%s", kind, name), "name", name == NULL ? kind : name, "note",
                     note, "state", state, "path", folder == NULL ? json_null() : name == NULL ? json_string(folder) : json_sprintf("%s/%s", folder, name), "facts",
                     facts == NULL ? json_object() : facts);
}

static json_t *edge(const char *from_kind, const char *from, const char *to_kind, const char *to, double rate, json_t *lag_ms, json_t *waiting, const char *state)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:n}", "from", from == NULL ? json_string(from_kind) : json_sprintf("%s:%s", from_kind, from), "to",
                     to == NULL ? json_string(to_kind) : json_sprintf("%s:%s", to_kind, to), "rate_per_s", json_real_or_null(rate), "lag_ms", lag_ms, "waiting", waiting, "state",
                     state, "text");
}

static json_t *column(const char *title, json_t *nodes, size_t total, json_t *note)
{
    return json_pack("{s:s, s:o, s:I, s:o}", "title", title, "note", note, "total", (json_int_t)total, "nodes", nodes);
}

static json_t *null_or_copy(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value == NULL ? json_null() : json_copy((json_t *)(uintptr_t)value);
}

/* ---- Columns ---- */

static void sources_add(struct api *api, json_t *columns, json_t *edges, const json_t *connectors)
{
    json_t *databases = json_array(), *captures = json_array(), *seen = json_object();
    const json_t *connector;
    size_t index, total = 0;

    json_array_foreach(connectors, index, connector) {
        const char *name = member_text(connector, "name"), *state = member_text(connector, "state");
        const char *database = member_text(connector, "database");
        double rate = sampler_rate(api_sampler(api), "connector:", name);

        if (database != NULL && json_object_get(seen, database) == NULL) {
            json_put(seen, database, json_true());
            total++;
            if (json_array_size(databases) < NODES_MAX)
                json_add(databases, node("database", database, null_or_copy(connector, "server"), strcmp(state, "idle") == 0 ? "idle" : state, NULL, NULL));
        }
        if (json_array_size(captures) < NODES_MAX) {
            json_add(captures, node("connector", name, null_or_copy(connector, "word"), state, "/connectors", NULL));
            if (database != NULL)
                json_add(edges, edge("database", database, "connector", name, rate, json_null(), json_null(), state));
            json_add(edges, edge("connector", name, "log", NULL, rate, null_or_copy(connector, "lag_ms"), json_null(), state));
        }
    }
    json_add(columns, column("PostgreSQL", databases, total, json_null()));
    json_add(columns, column("Capture", captures, json_array_size(connectors), json_null()));
    json_decref(seen);
}

static json_t *bytes_text(int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    return json_sprintf(unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void log_add(struct api *api, json_t *columns, const json_t *description)
{
    const json_t *store = json_object_get(description, "store");
    double in = sampler_rate(api_sampler(api), "records", ""), out = sampler_reads_rate(api_sampler(api));
    bool bad = json_is_true(json_object_get(store, "degraded")) || member_integer(store, "read_only_partitions", 0) > 0;
    json_t *facts = json_object();

    if (!isnan(in))
        json_put(facts, "In", json_sprintf("%.0f /s", in));
    if (!isnan(out))
        json_put(facts, "Out", json_sprintf("%.0f /s", out));
    json_put(facts, "Stored", bytes_text(member_integer(store, "bytes", 0)));
    json_put(facts, "Free", bytes_text(member_integer(store, "free_bytes", 0)));
    json_add(columns, column("The log", json_pack("[o]", node("log", NULL, json_string(bad ? "cannot be written" : "durable"), bad ? "crit" : "ok", "/topics", facts)), 1,
                             json_sprintf("%lld topics", (long long)member_integer(store, "topics", 0))));
}

static void readers_add(struct api *api, json_t *columns, json_t *edges, const json_t *agents, const json_t *groups)
{
    json_t *nodes = json_array();
    const json_t *item;
    size_t index;

    json_array_foreach(agents, index, item) {
        const char *name = member_text(item, "agent"), *state = member_text(item, "state");

        if (json_array_size(nodes) >= NODES_MAX)
            break;
        json_add(nodes, node("agent", name, json_sprintf("agent · %s", member_text(item, "rule")), state, "/agents", NULL));
        json_add(edges, edge("log", NULL, "agent", name, sampler_rate(api_sampler(api), "agent:", name), null_or_copy(item, "lag_ms"), null_or_copy(item, "waiting"), state));
        json_add(edges, edge("agent", name, "alerts", NULL, sampler_rate(api_sampler(api), "alerts:", name), json_null(), json_null(), state));
    }
    json_array_foreach(groups, index, item) {
        const char *name = member_text(item, "group"), *state = member_text(item, "state");
        long long members = (long long)member_integer(item, "members_count", 0);

        if (json_array_size(nodes) >= NODES_MAX)
            break;
        json_add(nodes, node("group", name, json_sprintf("group · %lld member%s", members, members == 1 ? "" : "s"), state, "/groups", NULL));
        json_add(edges, edge("log", NULL, "group", name, sampler_rate(api_sampler(api), "group:", name), null_or_copy(item, "lag_ms"), null_or_copy(item, "waiting"), state));
    }
    json_add(columns, column("Consumers", nodes, json_array_size(agents) + json_array_size(groups), json_null()));
}

static void results_add(json_t *columns, json_t *edges, const json_t *description, const json_t *reports, int64_t alerts)
{
    json_t *nodes = json_array();
    const json_t *item;
    size_t index;

    if (json_array_size(json_object_get(description, "agents")) > 0)
        json_add(nodes, node("alerts", NULL, json_sprintf("%lld since the start", (long long)alerts), "ok", "/alerts", NULL));
    json_array_foreach(json_object_get(description, "sinks"), index, item) {
        const char *name = member_text(item, "name"), *state = strcmp(member_text(item, "state"), "retrying") == 0 ? "warn" : "ok";

        json_add(nodes, node("sink", name, null_or_copy(item, "kind"), state, NULL, NULL));
        json_add(edges, edge("alerts", NULL, "sink", name, NAN, json_null(), null_or_copy(item, "waiting"), state));
    }
    json_array_foreach(reports, index, item)
        json_add(nodes, node("report", member_text(item, "report"), null_or_copy(item, "value"), member_text(item, "state"), "/reports", NULL));
    json_add(columns, column("Results", nodes, json_array_size(nodes), json_null()));
}

/* ---- The whole ---- */

static json_t *verdict_make(const json_t *problems)
{
    size_t now = 0, watch = 0, index;
    const json_t *problem;
    char text[160];

    json_array_foreach(problems, index, problem) {
        now += strcmp(member_text(problem, "severity"), "crit") == 0;
        watch += strcmp(member_text(problem, "severity"), "warn") == 0;
    }
    if (now + watch == 0)
        (void)snprintf(text, sizeof(text), "Everything runs");
    else if (watch == 0)
        (void)snprintf(text, sizeof(text), now == 1 ? "One problem needs you now" : "%zu problems need you now", now);
    else if (now == 0)
        (void)snprintf(text, sizeof(text), watch == 1 ? "One thing to watch" : "%zu things to watch", watch);
    else
        (void)snprintf(text, sizeof(text), "%zu to mend now, %zu to watch", now, watch);
    return json_pack("{s:s, s:s}", "severity", now > 0 ? "crit" : watch > 0 ? "warn" : "ok", "text", text);
}

double overview_slowest_ms(const json_t *items, const char *within, const char *member)
{
    const json_t *item;
    int64_t slowest_us = -1;
    size_t index;

    json_array_foreach(items, index, item) {
        int64_t us = member_integer(within == NULL ? item : json_object_get(item, within), member, -1);

        slowest_us = us > slowest_us ? us : slowest_us;
    }
    return slowest_us < 0 ? NAN : (double)slowest_us / 1000;
}

static json_t *vitals_make(struct api *api, const json_t *description)
{
    double cpu = sampler_rate(api_sampler(api), "cpu_us", ""), alerts = sampler_rate(api_sampler(api), "alerts", "");
    const json_t *agents = json_object_get(description, "agents");
    json_t *vitals = json_object();

    json_put(vitals, "commit_to_agent_p50_ms", json_real_or_null(overview_slowest_ms(agents, NULL, "commit_p50_us")));
    json_put(vitals, "commit_to_agent_p99_ms", json_real_or_null(overview_slowest_ms(agents, NULL, "commit_p99_us")));
    json_put(vitals, "rows_per_s", json_real_or_null(sampler_rate(api_sampler(api), "rows", "")));
    json_put(vitals, "alerts_per_min", json_array_size(json_object_get(description, "agents")) == 0 ? json_null() : json_real_or_null(alerts * 60));
    json_put(vitals, "cpu_cores", json_real_or_null(cpu / 1e6));
    json_put(vitals, "memory_bytes", json_integer_or_null(member_integer(json_object_get(description, "process"), "resident_bytes", -1)));
    return vitals;
}

/* The oldest durable position of the connectors that run; null when there are several databases, whose positions do not compare. */
static json_t *durable_make(const json_t *connectors)
{
    const json_t *first = json_array_get(connectors, 0);
    const char *lsn = json_array_size(connectors) == 1 ? member_text(json_object_get(first, "positions"), "durable") : NULL;

    return json_text_or_null(lsn);
}

json_t *overview_make(struct api *api, const json_t *description, const json_t *groups)
{
    json_t *overview = json_object(), *columns = json_array(), *edges = json_array();
    json_t *connectors = connectors_make(api, description), *agents = agents_make(api, description), *reports = reports_make(api, description);
    json_t *problems = problems_now(api_problem_book(api), api, description, connectors, groups);
    const json_t *agent;
    int64_t alerts = 0;
    size_t index;

    json_array_foreach(json_object_get(description, "agents"), index, agent) alerts += member_integer(agent, "alerts", 0);
    sources_add(api, columns, edges, connectors);
    log_add(api, columns, description);
    readers_add(api, columns, edges, agents, groups);
    results_add(columns, edges, description, reports, alerts);
    json_put(overview, "verdict", verdict_make(problems));
    json_put(overview, "durable_lsn", durable_make(connectors));
    json_put(overview, "lost", problems_lose(problems) ? json_null() : json_integer(0));
    json_put(overview, "vitals", vitals_make(api, description));
    json_put(overview, "problems_total", json_integer((json_int_t)json_array_size(problems)));
    json_put(overview, "problems", problems);
    json_put(overview, "columns", columns);
    json_put(overview, "edges", edges);
    json_put(overview, "slots", slots_list(api_slots(api)));
    json_put(overview, "counts",
             json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "topics", (json_int_t)member_integer(json_object_get(description, "store"), "topics", 0), "groups",
                       (json_int_t)json_array_size(groups), "connectors", (json_int_t)json_array_size(connectors), "agents", (json_int_t)json_array_size(agents), "alerts_open",
                       (json_int_t)api_alerts_open(api, description), "reports", (json_int_t)json_array_size(reports)));
    json_decref(connectors);
    json_decref(agents);
    json_decref(reports);
    return overview;
}

static bool has_critical(const json_t *problems)
{
    const json_t *problem;
    size_t index;

    json_array_foreach(problems, index, problem) {
        if (strcmp(member_text(problem, "severity"), "crit") == 0)
            return true;
    }
    return false;
}

/* But for what is only good to know. */
static size_t serious_count(const json_t *problems)
{
    const json_t *problem;
    size_t index, count = 0;

    json_array_foreach(problems, index, problem) count += strcmp(member_text(problem, "severity"), "info") != 0;
    return count;
}

json_t *api_status(struct api *api)
{
    json_t *status = api_describe_whole(api), *overview = sampler_newest(api_sampler(api)), *problems = sampler_problems(api_sampler(api));

    sampler_describe(api_sampler(api), status);
    json_put(status, "verdict", overview == NULL ? json_null() : null_or_copy(overview, "verdict"));
    json_put(status, "healthy", json_boolean(!has_critical(problems)));
    json_put(status, "problem_count", json_integer((json_int_t)serious_count(problems)));
    json_put(status, "problems", problems);
    json_decref(overview);
    return status;
}

/* ---- Answers ---- */

void api_overview(struct api_call *call)
{
    json_t *overview = sampler_overview(api_sampler(call->api));

    if (overview == NULL)
        api_error(call, 503, "STARTING", "Tailrace has not looked around yet.", NULL, "Ask again in a second.");
    else
        api_json(call, 200, overview);
}

void api_problems(struct api_call *call)
{
    json_t *overview = sampler_overview(api_sampler(call->api)), *problems = json_object_get(overview, "problems");

    api_list(call, problems == NULL ? json_array() : json_copy(problems), "title");
    json_decref(overview);
}

void api_problem_quiet(struct api_call *call)
{
    int64_t minutes = member_integer(call->body, "minutes", 60);

    minutes = minutes < 1 ? 1 : minutes > 1440 ? 1440 : minutes;
    if (!problems_quiet(api_problem_book(call->api), call->parts[0], minutes)) {
        api_error(call, 404, "UNKNOWN_PROBLEM", arena_format(call->arena, "There is no problem %s.", call->parts[0]), "It is over, or never was.", NULL);
        return;
    }
    api_changed(call, "info", call->parts[0], arena_format(call->arena, "Problem %s is kept quiet for %lld min.", call->parts[0], (long long)minutes));
    call->response->status = 204;
}

void api_events_list(struct api_call *call)
{
    const char *subject = api_query(call, "subject"), *kind = api_query(call, "kind");
    size_t limit = (size_t)api_query_number(call, "limit", 100, 1, EVENTS_KEPT);
    int64_t before_ms = api_query_number(call, "before_ms", INT64_MAX, 0, INT64_MAX);
    json_t *all = api_events(call->api, EVENTS_KEPT, NULL), *items = json_array(), *event;
    size_t index;

    json_array_foreach(all, index, event) {
        if (json_array_size(items) < limit && member_integer(event, "at_ms", 0) < before_ms &&
            (kind == NULL || *kind == '\0' || strcmp(kind, member_text(event, "kind")) == 0) &&
            (subject == NULL || *subject == '\0' || strcmp(subject, member_text(event, "subject")) == 0))
            json_add(items, json_incref(event));
    }
    json_decref(all);
    api_json(call, 200, json_pack("{s:o}", "items", items));
}

void api_series_get(struct api_call *call)
{
    const char *names = api_query(call, "names");
    int64_t now_ms = clock_now_ms();
    int64_t to_ms = api_query_number(call, "to_ms", now_ms, 0, now_ms), from_ms = api_query_number(call, "from_ms", to_ms - 900000, 0, INT64_MAX);

    if (names == NULL || *names == '\0')
        api_error(call, 400, "NO_NAMES", "No series was asked for.", NULL, "Send names=rows_in,rows_out.");
    else
        api_json(call, 200, series_json(api_series(call->api), names, from_ms, to_ms, (int)api_query_number(call, "points", 60, 1, 600)));
}
