#include "web/api.h"

#include "base/banned.h"
#include "os/clock.h"

#include <unistd.h>

/* Who asks, and what is there: /me, /find. */

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
    json_put(me, "kafka", json_string(settings->kafka));
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
        api_event(call->api, "info", "console", "Somebody logged in to the console.");
        cookie_set(call, cookie);
        return;
    case LOGIN_WRONG:
        api_error(call, 401, "WRONG_TOKEN", "That is not the token.", NULL, "It was shown when Tailrace first started, or is the setting console.token.");
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
    struct topic **topics;
    size_t topic_count;
    json_t *description = api_describe(call->api), *groups = groups_make(call->api, call->arena, NULL);

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        offer(&search, "page", pages[i].name, pages[i].path, false);
    offer_all(&search, json_object_get(description, "connectors"), "name", "connector", "/connectors");
    offer_all(&search, groups, "group", "group", "/groups");
    offer_all(&search, json_object_get(description, "agents"), "name", "agent", "/agents");
    offer_all(&search, json_object_get(description, "reports"), "name", "report", "/reports");
    topics = store_topics(api_settings_of(call->api)->store, call->arena, &topic_count);
    for (size_t i = 0; i < topic_count; i++) {
        offer(&search, "topic", topic_name(topics[i]), "/topics", true);
        topic_release(topics[i]);
    }
    json_decref(groups);
    json_decref(description);
    api_json(call, 200, json_pack("{s:o}", "items", search.items));
}
