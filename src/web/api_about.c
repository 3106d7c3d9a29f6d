#include "web/api.h"

#include "base/banned.h"
#include "os/clock.h"
#include "os/disk.h"

#include <unistd.h>

/* Who asks, who answers, is it well: /me, /health, /settings, /find. */

/* "Europe/Berlin": the name of the zone file that the system's link shows to; NULL when it says nothing. */
static const char *zone(char *link, size_t size)
{
    ssize_t length = readlink("/etc/localtime", link, size - 1);
    const char *named = getenv("TZ"), *at;

    if (named != NULL && *named != '\0')
        return named;
    if (length <= 0)
        return "UTC";
    link[length] = '\0';
    at = strstr(link, "zoneinfo/");
    return at == NULL ? "UTC" : at + strlen("zoneinfo/");
}

void api_me(struct api_call *call)
{
    const struct api_settings *settings = api_settings_of(call->api);
    json_t *description = api_describe(call->api), *me = json_object();
    char host[256] = "", link[256];

    (void)gethostname(host, sizeof(host) - 1);
    json_put(me, "access", json_string(call->access == ACCESS_WRITE ? "write" : call->access == ACCESS_READ ? "read" : "none"));
    json_put(me, "login", json_string(!auth_is_on(api_auth(call->api)) ? "none" : call->access == ACCESS_NONE ? "required" : "token"));
    json_put(me, "version", json_string(settings->version));
    json_put(me, "host", json_string(host));
    json_put(me, "started_ms", json_integer(member_integer(description, "started_ms", 0)));
    json_put(me, "now_ms", json_integer(clock_now_ms()));
    json_put(me, "read_only_why", json_text_or_null(call->access != ACCESS_READ ? NULL : settings->read_only ? "The setting console.access is read." : "The token gives read access."));
    json_put(me, "zone", json_string(zone(link, sizeof(link))));
    json_decref(description);
    api_json(call, 200, me);
}

static void cookie_set(struct api_call *call, const char *cookie)
{
    const char **headers = arena_new_array(call->arena, 3, sizeof(*headers));

    headers[0] = "Set-Cookie";
    headers[1] = cookie;
    call->response->headers = headers;
    call->response->status = 204;
    call->response->content_type = NULL;
}

void api_login(struct api_call *call)
{
    const char *token = member_text(call->body, "token"), *cookie = NULL;

    switch (auth_login(api_auth(call->api), call->request, token == NULL ? "" : token, &cookie)) {
    case LOGIN_DONE:
        api_event(call->api, "event", "info", "console", "Somebody logged in to the console.");
        cookie_set(call, cookie);
        return;
    case LOGIN_WRONG:
        api_error(call, 401, "WRONG_TOKEN", "That is not the token.", NULL, "It was shown when Tailrace first started, and is the setting console.token.");
        return;
    case LOGIN_TOO_OFTEN:
        api_error(call, 429, "TOO_OFTEN", "Too many wrong tokens.", "Five a minute are let through from one address.", "Wait a minute.");
        return;
    }
}

void api_logout(struct api_call *call)
{
    cookie_set(call, auth_logout(api_auth(call->api), call->request));
}

void api_settings_list(struct api_call *call)
{
    const struct api_settings *settings = api_settings_of(call->api);
    struct buffer text;
    json_t *all, *items = json_array(), *one;
    size_t index;

    buffer_init(&text, 4 << 20);
    settings->settings(settings->context, &text);
    all = json_loadb((const char *)text.data, text.size, 0, NULL);
    buffer_finish(&text);
    json_array_foreach(all, index, one) {
        const char *type = member_text(one, "type");
        json_t *item = json_object();

        json_put(item, "name", json_copy(json_object_get(one, "key")));
        json_put(item, "value", json_copy(json_object_get(one, "value")));
        json_put(item, "default", json_object_get(one, "default") == NULL ? json_null() : json_copy(json_object_get(one, "default")));
        json_put(item, "source", json_string(json_is_true(json_object_get(one, "given")) ? "file" : "default"));
        json_put(item, "meaning", json_string(member_text(one, "help") == NULL ? "" : member_text(one, "help")));
        json_put(item, "applies", json_string("restart"));
        json_put(item, "unit", json_text_or_null(member_text(one, "unit")));
        json_put(item, "secret", json_boolean(type != NULL && strcasecmp(type, "secret") == 0));
        json_add(items, item);
    }
    json_decref(all);
    api_list(call, items, "name");
}

/* ---- Health ---- */

static void check_add(json_t *checks, const char *name, const char *state, json_t *text, const char *todo)
{
    json_add(checks, json_pack("{s:s, s:s, s:o, s:o}", "name", name, "state", state, "text", text, "todo", json_text_or_null(todo)));
}

static json_t *checks_make(const json_t *description)
{
    const json_t *store = json_object_get(description, "store"), *postgres = json_object_get(description, "postgres"), *problem;
    json_t *checks = json_array();
    size_t index;
    bool degraded = json_is_true(json_object_get(store, "degraded")), ready = json_is_true(json_object_get(description, "ready"));
    bool corrupt = member_integer(store, "read_only_partitions", 0) > 0;

    check_add(checks, "services", ready ? "ok" : "busy", json_string(ready ? "All services run." : "Services are starting."), NULL);
    check_add(checks, "log", degraded || corrupt ? "crit" : "ok",
              degraded  ? json_string("The log cannot be written.")
              : corrupt ? json_string("Partitions are read-only after corruption.")
                        : json_sprintf("Written and synced; the last round took %lld µs.", (long long)member_integer(store, "last_round_us", 0)),
              degraded ? "Make space on the disk, or mend it." : NULL);
    if (json_is_object(postgres)) {
        bool running = json_is_true(json_object_get(postgres, "running"));

        check_add(checks, "postgres", running ? "ok" : "crit", json_string(running ? "The private PostgreSQL runs." : "The private PostgreSQL does not run."),
                  running ? NULL : "It is started again by itself; its log says more.");
    }
    json_array_foreach(json_object_get(description, "problems"), index, problem) {
        if (strcmp(member_text(problem, "kind"), "connector") == 0)
            check_add(checks, "connector", member_text(problem, "severity"), json_sprintf("%s. %s", member_text(problem, "what"), member_text(problem, "why")),
                      member_text(problem, "do"));
    }
    return checks;
}

static json_t *listeners_make(const json_t *description)
{
    const json_t *broker = json_object_get(description, "broker"), *listener;
    json_t *listeners = json_array();
    size_t index;

    json_array_foreach(json_object_get(broker, "listeners"), index, listener)
        json_add(listeners, json_pack("{s:s, s:O, s:o, s:n}", "name", "Kafka protocol", "address", listener, "clients",
                                      index == 0 ? json_integer(member_integer(broker, "connections", 0)) : json_null(), "note"));
    if (member_text(description, "rest") != NULL)
        json_add(listeners, json_pack("{s:s, s:s, s:n, s:n}", "name", "Connect REST", "address", member_text(description, "rest"), "clients", "note"));
    if (member_text(description, "console") != NULL)
        json_add(listeners, json_pack("{s:s, s:s, s:n, s:n}", "name", "Console", "address", member_text(description, "console"), "clients", "note"));
    return listeners;
}

static json_t *disk_make(const json_t *description)
{
    const json_t *store = json_object_get(description, "store"), *topic;
    json_t *disk = json_object(), *topics = json_array();
    size_t index;

    json_array_foreach(json_object_get(description, "topics"), index, topic)
        json_add(topics, json_pack("{s:O, s:O}", "topic", json_object_get(topic, "name"), "bytes", json_object_get(topic, "bytes")));
    json_put(disk, "path", json_copy(json_object_get(description, "data_dir")));
    json_put(disk, "total_bytes", json_null());
    json_put(disk, "free_bytes", json_integer_or_null(member_integer(store, "free_bytes", -1)));
    json_put(disk, "used_bytes", json_integer_or_null(member_integer(store, "bytes", -1)));
    json_put(disk, "topics", topics);
    return disk;
}

void api_health(struct api_call *call)
{
    json_t *description = api_status(call->api), *health = json_object(), *parts = json_array(), *agent;
    int64_t resident = member_integer(json_object_get(description, "process"), "resident_bytes", -1);
    size_t index;

    json_array_foreach(json_object_get(description, "agents"), index, agent)
        json_add(parts, json_pack("{s:o, s:I}", "part", json_sprintf("agent %s", member_text(agent, "name")), "bytes",
                                  (json_int_t)member_integer(agent, "state_bytes", 0)));
    json_put(health, "checks", checks_make(description));
    json_put(health, "listeners", listeners_make(description));
    json_put(health, "threads", json_array());
    json_put(health, "disk", disk_make(description));
    json_put(health, "memory", json_pack("{s:o, s:o}", "total_bytes", json_integer_or_null(resident), "parts", parts));
    json_decref(description);
    api_json(call, 200, health);
}

/* ---- Finding ---- */

struct search {
    const char *q;
    size_t limit;
    json_t *items;
};

static void offer(struct search *search, const char *kind, const char *name, const char *path, bool with_name)
{
    json_t *full;

    if (name == NULL || strcasestr(name, search->q) == NULL || json_array_size(search->items) >= search->limit)
        return;
    full = with_name ? json_sprintf("%s/%s", path, name) : json_string(path);
    json_add(search->items, json_pack("{s:s, s:s, s:n, s:o}", "kind", kind, "name", name, "note", "path", full));
}

static void offer_all(struct search *search, const json_t *objects, const char *member, const char *kind, const char *path)
{
    const json_t *object;
    size_t index;

    json_array_foreach(objects, index, object) offer(search, kind, member_text(object, member), path, true);
}

void api_search_names(struct api_call *call)
{
    static const struct {
        const char *name, *path;
    } pages[] = {{"Overview", "/"}, {"Topics", "/topics"}, {"Groups", "/groups"}, {"Connectors", "/connectors"}, {"Agents", "/agents"},
                 {"Alerts", "/alerts"}, {"Reports", "/reports"}, {"Trace", "/trace"}, {"Health", "/health"}, {"Settings", "/settings"}};
    const char *q = api_query(call, "q");
    struct search search = {q == NULL ? "" : q, (size_t)api_query_number(call, "limit", 12, 1, 100), json_array()};
    json_t *description = api_describe(call->api), *groups = groups_make(call->api, call->arena, NULL);

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        offer(&search, "page", pages[i].name, pages[i].path, false);
    offer_all(&search, json_object_get(description, "connectors"), "name", "connector", "/connectors");
    offer_all(&search, groups, "group", "group", "/groups");
    offer_all(&search, json_object_get(description, "agents"), "name", "agent", "/agents");
    offer_all(&search, json_object_get(description, "reports"), "name", "report", "/reports");
    offer_all(&search, json_object_get(description, "topics"), "name", "topic", "/topics");
    json_decref(groups);
    json_decref(description);
    api_json(call, 200, json_pack("{s:o}", "items", search.items));
}
