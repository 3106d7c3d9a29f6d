/* api_agents.c: agents, and the reports; alerts are in api_alerts.c. */
#include "web/api.h"

#include "agents/agents.h"
#include "agents/rule_settings.h"
#include "base/banned.h"
#include "log/scan.h"
#include "os/clock.h"
#include "reports/reports.h"
#include "web/gone.h"
#include "web/problems.h"

#include <math.h>

#define LATE_US 60000000 /* a run that is due for so long, and for a whole interval, is late */
#define RUNS_READ 2000 /* records of the reports' topic that are looked through for the runs of one */

static bool is(const json_t *object, const char *name, const char *value)
{
    const char *text = member_text(object, name);

    return text != NULL && strcmp(text, value) == 0;
}

static json_t *why_make(const char *code, const char *title, const char *error, const char *todo)
{
    return json_pack("{s:s, s:s, s:[o], s:s, s:[]}", "code", code, "title", title, "why", json_slice(slice_from_string(error)), "todo", todo, "actions");
}

/* ---- Agents ---- */

static const struct {
    const char *described, *state, *word;
} agent_states[] = {
    {"stopped", "idle", "Stopped"}, {"waiting_for_topic", "idle", "Waits for its topic"}, {"loading", "busy", "Loading its state"},
    {"running", "ok", "Running"},   {"retrying", "crit", "Cannot go on, tries again"},    {"failed", "crit", "Failed"},   {"paused", "idle", "Paused"},
};

static json_t *agent_item(struct api *api, const json_t *agent)
{
    const char *name = member_text(agent, "name"), *state = "info", *word = "Unknown";
    int64_t lag = member_integer(agent, "lag", -1), event_us = member_integer(agent, "event_time_us", 0), lag_ms = lag == 0 ? 0 : -1;
    double alerts = sampler_rate(api_sampler(api), "alerts:", name);
    json_t *item = json_object();

    for (size_t i = 0; i < sizeof(agent_states) / sizeof(agent_states[0]); i++) {
        if (is(agent, "state", agent_states[i].described)) {
            state = agent_states[i].state;
            word = agent_states[i].word;
        }
    }
    if (is(agent, "state", "paused") || is(agent, "state", "failed")) /* nobody reads, so nobody knows */
        lag = lag_ms = -1;
    if (lag > 0 && event_us > 0) /* all before that time is judged */
        lag_ms = clock_now_ms() - event_us / 1000 > 0 ? clock_now_ms() - event_us / 1000 : 0;
    json_put(item, "agent", json_string(name));
    json_put(item, "state", json_string(state));
    json_put(item, "word", json_string(word));
    json_put(item, "since_ms", json_null());
    json_put(item, "rule", json_string(member_text(agent, "rule")));
    json_put(item, "rule_summary", json_text_or_null(member_text(agent, "rule_summary")));
    json_put(item, "rule_version", json_integer(member_integer(agent, "version", 1)));
    json_put(item, "dry_run", json_boolean(json_is_true(json_object_get(agent, "dry_run"))));
    json_put(item, "model", json_object_get(agent, "model") == NULL ? json_null() : json_copy(json_object_get(agent, "model")));
    json_put(item, "source", json_string(member_text(agent, "topic")));
    json_put(item, "rows_per_s", json_real_or_null(sampler_rate(api_sampler(api), "agent:", name)));
    json_put(item, "lag_ms", json_integer_or_null(lag_ms));
    json_put(item, "waiting", json_integer_or_null(lag));
    json_put(item, "keys", json_integer_or_null(member_integer(agent, "keys", -1)));
    json_put(item, "state_bytes", json_integer_or_null(member_integer(agent, "state_bytes", -1)));
    json_put(item, "alerts_per_min", json_real_or_null(alerts * 60));
    return item;
}

json_t *agents_make(struct api *api, const json_t *description)
{
    json_t *items = json_array();
    const json_t *agent;
    size_t index;

    json_array_foreach(json_object_get(description, "agents"), index, agent) json_add(items, agent_item(api, agent));
    return items;
}

/* {"p50","p99"} in microseconds; null when neither is known. */
static json_t *percentiles_make(const json_t *agent, const char *p50, const char *p99)
{
    int64_t low = member_integer(agent, p50, -1), high = member_integer(agent, p99, -1);

    return low < 0 || high < 0 ? json_null() : json_pack("{s:I, s:I}", "p50", (json_int_t)low, "p99", (json_int_t)high);
}

json_t *agent_make(struct api *api, const json_t *description, const char *name)
{
    const json_t *agent;
    json_t *whole = NULL;
    size_t index;

    json_array_foreach(json_object_get(description, "agents"), index, agent) {
        if (!is(agent, "name", name))
            continue;
        json_decref(whole);
        whole = agent_item(api, agent);
        json_put(whole, "trouble", json_text_or_null(member_text(agent, member_text(agent, "script_trouble") != NULL ? "script_trouble" : "model_trouble")));
        json_put(whole, "tries", json_integer(member_integer(agent, "tries", 0)));
        json_put(whole, "next_ms", json_integer_or_null(member_integer(agent, "retry_us", -1) < 0 ? -1 : member_integer(agent, "retry_us", 0) / 1000));
        json_put(whole, "config", control_config_make(api, "agent", name));
        json_put(whole, "row_us", percentiles_make(agent, "row_p50_us", "row_p99_us"));
        json_put(whole, "commit_us", percentiles_make(agent, "commit_p50_us", "commit_p99_us"));
        json_put(whole, "scores", json_null());
        json_put(whole, "biggest_keys", json_array());
        json_put(whole, "state_limit_bytes", json_integer_or_null(member_integer(agent, "state_limit_bytes", 0) == 0 ? -1 : member_integer(agent, "state_limit_bytes", -1)));
        json_put(whole, "evictions", json_integer_or_null(member_integer(agent, "evicted", -1)));
        json_put(whole, "error", member_text(agent, "error") == NULL ? json_null()
                                                                         : why_make("agent_failed", "It cannot go on", member_text(agent, "error"), "Mend the cause; it goes on where it was."));
        json_put(whole, "versions", control_versions_make(api, "agent", name));
        json_put(whole, "alerts_topic", json_string(member_text(agent, "alerts_topic")));
        json_put(whole, "folded", json_integer(member_integer(agent, "folded", 0)));
        json_put(whole, "fold_ms", json_integer_or_null(member_integer(agent, "fold_ms", 0) > 0 ? member_integer(agent, "fold_ms", 0) : -1));
        json_put(whole, "enriched", json_integer(member_integer(agent, "enriched", 0)));
        json_put(whole, "enriched_topic", member_integer(agent, "enriched", 0) > 0 ? json_string(member_text(agent, "enriched_topic")) : json_null());
    }
    return whole;
}

static json_t *setting_make(const char *prefix, const char *key, const char *initial, const char *help)
{
    return json_pack("{s:o, s:o, s:s}", "name", json_sprintf("%s%s", prefix, key), "default", json_text_or_null(initial), "help", help);
}

/* What an agent can do, and the settings of each, those of every agent last; and those of a report. */
void api_rules(struct api_call *call)
{
    json_t *items = json_array(), *of_report = json_array(), *own;
    size_t count, agent_count, report_count;
    const struct rule_kind *const *kinds = rule_kinds(&count);
    const struct agent_setting *settings = agent_settings_list(&agent_count);
    const struct report_setting *report_settings = report_settings_list(&report_count);

    for (size_t i = 0; i < count; i++) {
        own = json_array();
        for (size_t j = 0; j < kinds[i]->setting_count; j++)
            json_add(own, setting_make("rule.", kinds[i]->settings[j].key, kinds[i]->settings[j].initial, kinds[i]->settings[j].help));
        for (size_t j = 0; j < agent_count; j++) {
            if (strcmp(settings[j].key, "rule") != 0)
                json_add(own, setting_make("", settings[j].key, settings[j].initial, settings[j].help));
        }
        json_add(items, json_pack("{s:s, s:s, s:o}", "rule", kinds[i]->name, "summary", kinds[i]->summary, "settings", own));
    }
    for (size_t i = 0; i < report_count; i++)
        json_add(of_report, setting_make("", report_settings[i].key, report_settings[i].initial, report_settings[i].help));
    api_json(call, 200, json_pack("{s:I, s:o, s:o}", "total", (json_int_t)count, "items", items, "report", of_report));
}

void api_agents(struct api_call *call)
{
    json_t *description = api_describe(call->api), *items = agents_make(call->api, description);

    json_decref(description);
    api_list(call, items, "agent");
}

void api_agent(struct api_call *call)
{
    json_t *description = api_describe(call->api), *agent = agent_make(call->api, description, call->parts[0]);

    json_decref(description);
    if (agent == NULL)
        api_gone(call, "agent", call->parts[0]);
    else
        api_json(call, 200, agent);
}

/* ---- Reports ---- */

/* The first value of a result, as text; NULL when there is none. */
static json_t *value_of(const json_t *result)
{
    json_t *values = json_object_get(result, "values"), *value;
    const char *name;

    json_object_foreach(values, name, value) return json_is_string(value) ? json_incref(value) : json_null();
    return json_null();
}

static json_t *report_item(const json_t *report)
{
    const json_t *last = json_object_get(report, "last");
    int64_t every_s = member_integer(report, "every_s", -1), run_us = member_integer(last, "run_us", -1), next_us = member_integer(report, "next_us", -1);
    bool failed = is(report, "state", "failed"), waits = is(report, "state", "waiting"), paused = is(report, "state", "paused");
    bool late = !failed && !paused && next_us >= 0 && clock_now_us() - next_us > (every_s * 1000000 > LATE_US ? every_s * 1000000 : LATE_US);

    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "report", member_text(report, "name"), "state", failed || late ? "warn" : waits || paused ? "idle" : "ok", "word",
                     paused ? "Paused" : failed ? "Failed" : late ? "Late" : waits ? "Has not run yet" : "Good", "value", value_of(last), "unit", json_text_or_null(member_text(last, "unit")), "at_ms",
                     json_integer_or_null(run_us < 0 ? -1 : run_us / 1000), "next_ms", json_integer_or_null(next_us < 0 ? -1 : next_us / 1000), "every_ms",
                     json_integer_or_null(every_s < 0 ? -1 : every_s * 1000));
}

json_t *reports_make(struct api *api, const json_t *description)
{
    json_t *items = json_array();
    const json_t *report;
    size_t index;

    (void)api;
    json_array_foreach(json_object_get(description, "reports"), index, report) json_add(items, report_item(report));
    return items;
}

static json_t *run_make(const json_t *result)
{
    int64_t took_us = member_integer(result, "took_us", -1);
    json_t *rows = json_object_get(result, "rows"), *error = json_object_get(result, "error");

    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "at_ms", (json_int_t)(member_integer(result, "run_us", 0) / 1000), "value", value_of(result), "rows",
                     rows == NULL ? json_null() : json_incref(rows), "took_ms", took_us < 0 ? json_null() : json_real((double)took_us / 1000), "error",
                     error == NULL ? json_null() : json_incref(error));
}

/* The newest runs of a report, newest first. */
static json_t *runs_make(struct api *api, const char *name, size_t limit, int64_t before_ms)
{
    struct log *log = api_settings_of(api)->log;
    json_t *runs = json_array();
    struct record record;
    struct record_batch batch;
    struct error error;
    struct scan *scan;
    int64_t start, end;

    if (log_topic_partitions(log, REPORTS_TOPIC) == 0 || log_bounds(log, REPORTS_TOPIC, 0, &start, &end, NULL) != OK)
        return runs;
    scan = scan_create(log);
    scan_seek(scan, REPORTS_TOPIC, 0, end - RUNS_READ > start ? end - RUNS_READ : start, end);
    while (scan_next(scan, &record, &batch, &error) == SCAN_RECORD) {
        json_t *result = !slice_equal_string(record.key, name) || slice_is_null(record.value) ? NULL : json_loadb((const char *)record.value.data, record.value.size, 0, NULL);

        if (result != NULL && member_integer(result, "run_us", 0) / 1000 < before_ms)
            (void)json_array_insert_new(runs, 0, run_make(result));
        json_decref(result);
        if (json_array_size(runs) > limit)
            (void)json_array_remove(runs, limit);
    }
    scan_destroy(scan);
    return runs;
}

json_t *report_make(struct api *api, const json_t *description, const char *name)
{
    const json_t *report;
    json_t *whole = NULL;
    size_t index;

    json_array_foreach(json_object_get(description, "reports"), index, report) {
        const char *error = member_text(report, "error");

        if (!is(report, "name", name))
            continue;
        json_decref(whole);
        whole = report_item(report);
        json_put(whole, "database", json_text_or_null(member_text(report, "database")));
        json_put(whole, "query", json_text_or_null(member_text(report, "query")));
        json_put(whole, "paused", json_boolean(is(report, "state", "paused")));
        json_put(whole, "version", json_integer(member_integer(report, "version", 1)));
        json_put(whole, "config", control_config_make(api, "report", name));
        json_put(whole, "versions", control_versions_make(api, "report", name));
        json_put(whole, "error", error == NULL ? json_null() : why_make("report_failed", "The last run failed", error, "Start the database, or correct the query or the connection; it runs again by itself."));
        json_put(whole, "runs", runs_make(api, name, 100, INT64_MAX));
    }
    return whole;
}

void api_reports(struct api_call *call)
{
    json_t *description = api_describe(call->api), *items = reports_make(call->api, description);

    json_decref(description);
    api_list(call, items, "report");
}

void api_report(struct api_call *call)
{
    json_t *description = api_describe(call->api), *report = report_make(call->api, description, call->parts[0]);

    json_decref(description);
    if (report == NULL)
        api_gone(call, "report", call->parts[0]);
    else
        api_json(call, 200, report);
}

void api_report_runs(struct api_call *call)
{
    json_t *runs = runs_make(call->api, call->parts[0], (size_t)api_query_number(call, "limit", 100, 1, 500), api_query_number(call, "before", INT64_MAX, 0, INT64_MAX));

    api_json(call, 200, json_pack("{s:I, s:o}", "total", (json_int_t)json_array_size(runs), "items", runs));
}
