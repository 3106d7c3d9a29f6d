/*
 * api_control.c: what people want of agents and reports: another configuration as a new version, a pause, a run now, an end. It is
 * written as a wish (log/control.h), and answered when the service has done it.
 */
#include "web/api.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/secrets.h"
#include "agents/agent.h"
#include "log/control.h"
#include "log/keeper.h"
#include "os/clock.h"
#include "reports/report.h"
#include "web/database.h"
#include "web/gone.h"
#include "web/redact.h"

#define VERSIONS_KEPT 20
#define DONE_WITHIN_MS 40000 /* a run now may take 30 s */
#define LOOK_EVERY_MS 25
#define PREVIEW_MS 10000
#define CHANGE_BYTES_MAX 200 /* of a value, where versions say what was changed */

static const struct kind {
    const char *kind, *list, *word;      /* "agent", "agents", "Agent" */
} agent_kind = {"agent", "agents", "Agent"}, report_kind = {"report", "reports", "Report"};

/* ---- What is wanted so far ---- */

/* Of the description; NULL: there is none. */
static const json_t *described(const json_t *description, const struct kind *kind, const char *name)
{
    const json_t *items = json_object_get(description, kind->list), *item;
    size_t index;

    json_array_foreach(items, index, item) {
        if (strcmp(member_text(item, "name"), name) == 0)
            return item;
    }
    return NULL;
}

/* What the settings file says of it; to be finished. */
static void file_config(struct api *api, const struct kind *kind, const char *name, struct properties *config)
{
    char prefix[16];

    (void)snprintf(prefix, sizeof(prefix), "%s.", kind->list);
    properties_init(config);
    if (api_settings_of(api)->values != NULL) {
        properties_finish(config);
        properties_take(api_settings_of(api)->values, prefix, name, config);
    }
}

/* Before the first wish: version 1 is what the file says, 0 nothing. */
static json_t *wish_get(struct api_call *call, const struct kind *kind)
{
    json_t *wish = keeper_get(api_control(call->api), arena_format(call->arena, "%s/%s", kind->kind, call->parts[0]));
    struct properties file;

    if (json_is_object(wish))
        return wish;
    json_decref(wish);
    file_config(call->api, kind, call->parts[0], &file);
    wish = json_pack("{s:i}", "version", file.count > 0);
    properties_finish(&file);
    return wish;
}

/* What counts: the file's, and the wish's before it; to be finished. */
static void effective_config(struct api *api, const struct kind *kind, const char *name, const json_t *wish, struct properties *config)
{
    const char *key;
    json_t *value;

    file_config(api, kind, name, config);
    json_object_foreach(json_object_get(wish, "config"), key, value) {
        if (json_is_string(value))
            properties_set(config, key, json_string_value(value));
        else
            (void)properties_remove(config, key);
    }
}

static json_t *shown(const char *key, const char *value)
{
    return value == NULL ? json_null() : json_string(redact_is_secret(key) ? SECRET_MASK : value);
}

/* Bytes of at most `max` that end with a whole character. */
static int cut(const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);

    if (size > max) {
        for (size = max; size > 0 && ((uint8_t)text[size] & 0xC0) == 0x80;)
            size--;
    }
    return (int)size;
}

/* As a version keeps it: a script is cut. */
static json_t *shown_cut(const char *key, const char *value)
{
    int size = value == NULL ? 0 : cut(value, CHANGE_BYTES_MAX);

    return value == NULL || value[size] == '\0' ? shown(key, value) : json_sprintf("%.*s…", size, value);
}

json_t *control_config_make(struct api *api, const char *kind, const char *name)
{
    const struct kind *of = strcmp(kind, "agent") == 0 ? &agent_kind : &report_kind;
    char key[200];
    struct properties config;
    json_t *wish, *made = json_object();

    (void)snprintf(key, sizeof(key), "%s/%s", kind, name);
    wish = keeper_get(api_control(api), key);
    effective_config(api, of, name, wish, &config);
    for (size_t i = 0; i < config.count; i++)
        json_put(made, config.items[i].key, shown(config.items[i].key, config.items[i].value));
    properties_finish(&config);
    json_decref(wish);
    return made;
}

json_t *control_versions_make(struct api *api, const char *kind, const char *name)
{
    char key[200];
    json_t *wish, *versions;

    (void)snprintf(key, sizeof(key), "%s/%s", kind, name);
    wish = keeper_get(api_control(api), key);
    versions = json_object_get(wish, "versions");
    versions = json_is_array(versions) ? json_incref(versions) : json_array();
    json_decref(wish);
    return versions;
}

/* ---- Writing a wish, and waiting until it is fulfilled ---- */

/* What has to be true of the described item. */
struct done_when {
    const struct kind *kind;
    const char *name;
    int64_t version, runs; /* at least; 0: any */
    bool gone;
    int paused; /* 1, 0; -1: any */
};

static bool is_done(const struct done_when *when, const json_t *description)
{
    const json_t *item = described(description, when->kind, when->name);
    const char *state = member_text(item, "state");

    if (when->gone || item == NULL)
        return when->gone && item == NULL;
    return member_integer(item, "version", 1) >= when->version && member_integer(item, "runs_asked", 0) >= when->runs && state != NULL && strcmp(state, "loading") != 0 &&
           (when->paused < 0 || (strcmp(state, "paused") == 0) == when->paused || strcmp(state, "failed") == 0);
}

/* The item as it is then; NULL when it is gone, or nothing happened in time. */
static json_t *wait_done(struct api_call *call, const struct done_when *when)
{
    int64_t until_ms = clock_monotonic_ms() + DONE_WITHIN_MS;
    json_t *description = api_describe(call->api), *item;

    while (!is_done(when, description) && clock_monotonic_ms() < until_ms && !api_is_stopping(call->api) && !http_client_is_gone(http_client_fd(call->request))) {
        json_decref(description);
        clock_sleep_ms(LOOK_EVERY_MS);
        description = api_describe(call->api);
    }
    item = json_incref((json_t *)(uintptr_t)described(description, when->kind, when->name));
    json_decref(description);
    return item;
}

/* Takes the reference; NULL: forgets it. False with the answer given. */
static bool wish_put(struct api_call *call, const struct kind *kind, json_t *wish)
{
    struct error error;

    if (wish != NULL) {
        json_put(wish, "by", json_string("console"));
        json_put(wish, "at_ms", json_integer(clock_now_ms()));
    }
    if (keeper_put(api_control(call->api), arena_format(call->arena, "%s/%s", kind->kind, call->parts[0]), wish, &error) == OK)
        return true;
    api_failed(call, error.status, &error);
    return false;
}

static void changed(struct api_call *call, const struct kind *kind, const char *what)
{
    api_changed(call, "info", call->parts[0], arena_format(call->arena, "%s %s %s.", kind->word, call->parts[0], what));
}

static void answer(struct api_call *call, const struct kind *kind)
{
    json_t *description = api_describe(call->api);
    json_t *made = kind == &agent_kind ? agent_make(call->api, description, call->parts[0]) : report_make(call->api, description, call->parts[0]);

    json_decref(description);
    if (made == NULL)
        api_error(call, 503, "NOT_YET", "It was written, but is not in force yet.", "The service is busy.", "Look again in a moment.");
    else
        api_json(call, 200, made);
}

/* False with the answer given. */
static bool known(struct api_call *call, const struct kind *kind)
{
    json_t *description = api_describe(call->api);
    bool found = described(description, kind, call->parts[0]) != NULL;

    json_decref(description);
    if (!found)
        api_gone(call, kind->kind, call->parts[0]);
    return found;
}

static bool name_is_fine(struct api_call *call)
{
    const char *name = call->parts[0];
    size_t size = strlen(name);

    if (size > 0 && size <= CONTROL_NAME_BYTES_MAX && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0')
        return true;
    api_error(call, 400, "BAD_NAME", "That is no name.", "A name has letters, digits, _ and -, at most 100 of them.", NULL);
    return false;
}

/* ---- Another configuration ---- */

/* What the body's config changes: [{"name","old","new"}]; NULL with the answer given. */
static json_t *changes_make(struct api_call *call, const struct properties *now, const json_t *wanted, bool whole)
{
    json_t *changes = json_array(), *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)wanted, key, value) {
        const char *old = properties_get(now, key);

        if (!json_is_string(value) && !json_is_null(value)) {
            api_error_at(call, 400, "BAD_VALUE", arena_format(call->arena, "%s has to be a text, or null to take it out.", key), key, 0);
            json_decref(changes);
            return NULL;
        }
        if (json_is_string(value) && (strcmp(json_string_value(value), SECRET_MASK) == 0 || (old != NULL && strcmp(old, json_string_value(value)) == 0)))
            continue; /* as it was */
        if (json_is_string(value) || old != NULL)
            json_add(changes, json_pack("{s:s, s:o, s:o}", "name", key, "old", shown_cut(key, old), "new", shown_cut(key, json_string_value(value))));
    }
    for (size_t i = 0; whole && i < now->count; i++) {
        if (json_object_get(wanted, now->items[i].key) == NULL)
            json_add(changes, json_pack("{s:s, s:o, s:n}", "name", now->items[i].key, "old", shown_cut(now->items[i].key, now->items[i].value), "new"));
    }
    return changes;
}

/* The wish with these changes as a new version; what the file says in the same words is left to the file. */
static json_t *wish_change(json_t *wish, const json_t *wanted, json_t *changes)
{
    json_t *config = json_object_get(wish, "config"), *versions = json_object_get(wish, "versions");
    const json_t *change;
    int64_t version = member_integer(wish, "version", 1) + 1;
    size_t index;

    config = json_is_object(config) ? json_copy(config) : json_object();
    versions = json_is_array(versions) ? json_copy(versions) : json_array();
    json_array_foreach(changes, index, change) {
        const char *key = member_text(change, "name");
        json_t *value = json_object_get(wanted, key);

        json_put(config, key, value == NULL ? json_null() : json_incref(value));
    }
    (void)json_array_insert_new(versions, 0, json_pack("{s:I, s:I, s:s, s:O}", "version", (json_int_t)version, "at_ms", (json_int_t)clock_now_ms(), "by", "console", "changes", changes));
    while (json_array_size(versions) > VERSIONS_KEPT)
        (void)json_array_remove(versions, VERSIONS_KEPT);
    json_put(wish, "config", config);
    json_put(wish, "versions", versions);
    json_put(wish, "version", json_integer(version));
    json_put(wish, "deleted", json_false());
    return wish;
}

/* Checks an agent's configuration as its start would. False with the answer given. */
static bool agent_check(struct api_call *call, const char *name, const struct properties *config)
{
    struct properties settings, rule_settings;
    struct agent_spec spec;
    struct agent *agent = NULL;
    struct error error;
    enum status status;

    properties_init(&settings);
    properties_init(&rule_settings);
    for (size_t i = 0; i < config->count; i++)
        properties_set(&settings, arena_format(call->arena, "agents.%s.%s", name, config->items[i].key), config->items[i].value);
    status = agent_spec_read(&settings, name, &spec, &rule_settings, &error);
    spec.log = api_settings_of(call->api)->log;
    spec.settings = &rule_settings;
    if (status == OK)
        status = agent_create(&spec, &agent, &error);
    agent_destroy(agent);
    properties_finish(&settings);
    properties_finish(&rule_settings);
    if (status != OK)
        api_error(call, 400, "BAD_CONFIG", "The agent would not run.", error.message, "Correct it; nothing was changed.");
    return status == OK;
}

static const char *changes_text(struct api_call *call, const json_t *changes)
{
    const json_t *change;
    const char *text = "";
    size_t index;

    json_array_foreach(changes, index, change) {
        const char *old = member_text(change, "old"), *new = member_text(change, "new");

        old = old == NULL ? "not set" : old;
        new = new == NULL ? "not set" : new;
        text = arena_format(call->arena, "%s%s%s %.*s → %.*s", text, index == 0 ? "" : ", ", member_text(change, "name"), cut(old, 60), old, cut(new, 60), new);
    }
    return text;
}

/* Writes the new version and answers. */
static void version_put(struct api_call *call, const struct kind *kind, json_t *wish, const json_t *wanted, json_t *changes)
{
    struct done_when when = {.kind = kind, .name = call->parts[0], .paused = -1};
    json_t *item;

    wish = wish_change(wish, wanted, changes);
    when.version = member_integer(wish, "version", 1);
    if (!wish_put(call, kind, json_incref(wish)))
        return;
    item = wait_done(call, &when);
    json_decref(item);
    changed(call, kind, arena_format(call->arena, "has version %lld: %s", (long long)when.version, changes_text(call, changes)));
    answer(call, kind);
}

void api_agent_put(struct api_call *call)
{
    const char *mode = member_text(call->body, "mode"), *dry_name = arena_format(call->arena, "%s-dry", call->parts[0]);
    json_t *wanted = json_object_get(call->body, "config"), *wish, *changes, *beside = NULL;
    bool is_beside = mode != NULL && strcmp(mode, "dry_run_beside") == 0;
    struct properties now, next;

    if (!name_is_fine(call))
        return;
    if (!json_is_object(wanted)) {
        api_error(call, 400, "BAD_CONFIG", "Nothing was changed.", "The body has no config.", NULL);
        return;
    }
    if (is_beside) { /* all of it, as another agent's, which writes no alerts */
        json_t *whole = control_config_make(call->api, "agent", call->parts[0]);

        (void)json_object_update(whole, wanted);
        json_put(whole, "dry.run", json_string("true"));
        wanted = beside = whole;
        call->parts[0] = dry_name;
    }
    wish = wish_get(call, &agent_kind);
    effective_config(call->api, &agent_kind, call->parts[0], wish, &now);
    changes = changes_make(call, &now, wanted, true);
    if (changes != NULL) {
        json_t *trial = wish_change(json_deep_copy(wish), wanted, changes);

        effective_config(call->api, &agent_kind, call->parts[0], trial, &next);
        if (json_array_size(changes) == 0 && !json_is_true(json_object_get(wish, "deleted")))
            api_error(call, 400, "NOTHING_TO_CHANGE", "Nothing was changed.", "The configuration is what it was.", NULL);
        else if (agent_check(call, call->parts[0], &next) && call->dry_run)
            api_json(call, 200, json_pack("{s:o, s:O}", "effect", json_sprintf("%zu settings change; the agent goes on where it is, with its state.", json_array_size(changes)), "changes", changes));
        else if (call->response->body.size == 0)
            version_put(call, &agent_kind, wish, wanted, changes);
        properties_finish(&next);
        json_decref(trial);
    }
    properties_finish(&now);
    json_decref(changes);
    json_decref(wish);
    json_decref(beside);
}

bool control_configs_read(struct api_call *call, struct properties *now, struct properties *next)
{
    json_t *wanted = json_object_get(call->body, "config"), *wish, *changes, *trial;

    wish = wish_get(call, &agent_kind);
    effective_config(call->api, &agent_kind, call->parts[0], wish, now);
    changes = json_is_object(wanted) ? changes_make(call, now, wanted, true) : NULL;
    if (!json_is_object(wanted))
        api_error(call, 400, "BAD_CONFIG", "Nothing was tested.", "The body has no config.", NULL);
    if (changes != NULL) {
        trial = wish_change(json_deep_copy(wish), wanted, changes);
        effective_config(call->api, &agent_kind, call->parts[0], trial, next);
        json_decref(trial);
        if (now->count == 0) { /* a new agent is compared with itself */
            properties_finish(now);
            properties_copy(now, next);
        }
    } else {
        properties_finish(now);
    }
    json_decref(wish);
    if (changes == NULL)
        return false;
    json_decref(changes);
    return true;
}

/* ---- Pause, resume, end ---- */

static void state_set(struct api_call *call, const struct kind *kind)
{
    const char *state = member_text(call->body, "state");
    bool pause = state != NULL && strcmp(state, "paused") == 0;
    struct done_when when = {.kind = kind, .name = call->parts[0], .paused = pause};
    json_t *wish, *item;

    if (!pause && (state == NULL || strcmp(state, "running") != 0)) {
        api_error_at(call, 400, "BAD_STATE", "state is paused or running.", "state", 0);
        return;
    }
    if (!known(call, kind))
        return;
    wish = wish_get(call, kind);
    json_put(wish, "paused", json_boolean(pause));
    if (!wish_put(call, kind, wish))
        return;
    item = wait_done(call, &when);
    json_decref(item);
    changed(call, kind, pause ? "was paused" : "goes on");
    answer(call, kind);
}

void api_agent_state(struct api_call *call)
{
    state_set(call, &agent_kind);
}

void api_report_state(struct api_call *call)
{
    state_set(call, &report_kind);
}

static void wish_delete(struct api_call *call, const struct kind *kind)
{
    struct done_when when = {.kind = kind, .name = call->parts[0], .gone = true, .paused = -1};
    struct properties file;
    json_t *wish, *item;

    if (!known(call, kind))
        return;
    if (call->dry_run) {
        api_json(call, 200, json_pack("{s:s}", "effect", kind == &agent_kind ? "It stops. Its alerts, its state and its place in the topic stay in the log." : "It runs no more. Its results stay in the log."));
        return;
    }
    if (!api_confirmed(call, call->parts[0]))
        return;
    file_config(call->api, kind, call->parts[0], &file);
    wish = NULL;
    if (file.count > 0) { /* the file would make it again */
        wish = wish_get(call, kind);
        json_put(wish, "deleted", json_true());
        json_put(wish, "paused", json_false());
    }
    properties_finish(&file);
    if (!wish_put(call, kind, wish))
        return;
    item = wait_done(call, &when);
    json_decref(item);
    api_deleted(call, kind->kind, call->parts[0], arena_format(call->arena, "%s %s was deleted.", kind->word, call->parts[0]));
    call->response->status = 204;
    call->response->content_type = NULL;
}

void api_agent_delete(struct api_call *call)
{
    wish_delete(call, &agent_kind);
}

void api_report_delete(struct api_call *call)
{
    wish_delete(call, &report_kind);
}

/* ---- Reports ---- */

void api_report_run_now(struct api_call *call)
{
    struct done_when when = {.kind = &report_kind, .name = call->parts[0], .paused = -1};
    json_t *wish, *item;
    const char *error;

    if (!known(call, &report_kind))
        return;
    wish = wish_get(call, &report_kind);
    when.runs = member_integer(wish, "runs", 0) + 1;
    json_put(wish, "runs", json_integer(when.runs));
    if (!wish_put(call, &report_kind, wish))
        return;
    item = wait_done(call, &when);
    error = member_text(item, "error");
    changed(call, &report_kind, "was run");
    if (error != NULL)
        api_error(call, 409, "REPORT_FAILED", arena_format(call->arena, "%s ran and failed.", call->parts[0]), arena_copy_string(call->arena, slice_from_string(error)), "Start the database, or correct the query or the connection.");
    else
        answer(call, &report_kind);
    json_decref(item);
}

/* {"query","every_ms"} as settings; a query that is what is run already changes nothing. */
static json_t *report_wanted(struct api_call *call, const json_t *item)
{
    const json_t *query = json_object_get(call->body, "query"), *every_ms = json_object_get(call->body, "every_ms"), *config = json_object_get(call->body, "config");
    static const char *const of_table[] = {"table", "column", "function", "time.column"};
    json_t *wanted = json_is_object(config) ? json_deep_copy(config) : json_object();
    const char *now = member_text(item, "query");

    if (json_is_string(query) && (now == NULL || strcmp(now, json_string_value(query)) != 0)) {
        json_put(wanted, "sql", json_incref((json_t *)(uintptr_t)query));
        for (size_t i = 0; i < sizeof(of_table) / sizeof(of_table[0]); i++)
            json_put(wanted, of_table[i], json_null());
    }
    if (json_is_number(every_ms))
        json_put(wanted, "every", json_sprintf("%.0fs", json_number_value(every_ms) / 1000));
    return wanted;
}

/* Runs it once, in a read-only transaction. Its effect in words, in the arena; NULL with the answer given. */
static const char *report_preview(struct api_call *call, const struct properties *config)
{
    const char *window = properties_get(config, "window"), *every = properties_get(config, "every"), *unit = properties_get(config, "unit"), *column, *text = NULL;
    struct report_spec spec = {.name = call->parts[0], .conninfo = properties_get(config, "conninfo"), .table = properties_get(config, "table"), .column = properties_get(config, "column"),
                               .function = properties_get(config, "function"), .time_column = properties_get(config, "time.column"), .sql = properties_get(config, "sql"), .unit = unit == NULL ? "" : unit};
    struct report_result result;
    struct error error = {.status = OK};

    spec.function = spec.function == NULL ? "avg" : spec.function;
    spec.time_column = spec.time_column == NULL ? "recorded_at" : spec.time_column;
    column = window == NULL ? "10m" : window;
    if (!report_duration(column, &spec.window_s) || !report_duration(every == NULL ? column : every, &spec.every_s))
        (void)error_set(&error, ERROR_BAD_INPUT, "window and every have to be durations such as 30s, 10m, 2h or 1d");
    else if (spec.conninfo == NULL)
        (void)error_set(&error, ERROR_BAD_INPUT, "conninfo is missing: which database?");
    else if (report_once(&spec, PREVIEW_MS, NULL, databases_stop_fd(api_databases(call->api)), &result, &error) == OK && result.outcome == REPORT_NO_DATA)
        text = arena_format(call->arena, "It ran in %.1f ms and found no rows.", (double)result.took_us / 1000);
    else if (error.status == OK)
        text = arena_format(call->arena, "It ran in %.1f ms: %s %s%s%s.", (double)result.took_us / 1000, result.values[0].name, result.values[0].text, *spec.unit == '\0' ? "" : " ", spec.unit);
    if (text == NULL)
        api_error(call, 400, "PREVIEW_FAILED", "The query does not run.", arena_copy_string(call->arena, slice_from_string(error.message)), "Correct it; nothing was changed.");
    return text;
}

void api_report_put(struct api_call *call)
{
    json_t *description, *wish, *wanted, *changes, *trial;
    struct properties now, next;
    const char *effect;

    if (!name_is_fine(call))
        return;
    description = api_describe(call->api);
    wanted = report_wanted(call, described(description, &report_kind, call->parts[0]));
    json_decref(description);
    wish = wish_get(call, &report_kind);
    effective_config(call->api, &report_kind, call->parts[0], wish, &now);
    changes = changes_make(call, &now, wanted, false);
    if (changes != NULL && json_array_size(changes) == 0 && !json_is_true(json_object_get(wish, "deleted")) && !call->dry_run) {
        api_error(call, 400, "NOTHING_TO_CHANGE", "Nothing was changed.", "The report is what it was.", NULL);
    } else if (changes != NULL) {
        trial = wish_change(json_deep_copy(wish), wanted, changes);
        effective_config(call->api, &report_kind, call->parts[0], trial, &next);
        effect = report_preview(call, &next);
        if (effect != NULL && call->dry_run)
            api_json(call, 200, json_pack("{s:s, s:O}", "effect", effect, "changes", changes));
        else if (effect != NULL)
            version_put(call, &report_kind, wish, wanted, changes);
        properties_finish(&next);
        json_decref(trial);
    }
    properties_finish(&now);
    json_decref(changes);
    json_decref(wanted);
    json_decref(wish);
}
