#include "web/web.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/http.h"
#include "web/metrics.h"
#include "web/status_page.h"

#include <jansson.h>

#define DESCRIPTION_BYTES_MAX (256 << 20)
#define HTML "text/html; charset=utf-8"
#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

struct web {
    struct web_settings settings;
    struct http_server *http;
};

/* ---- Pages ---- */

static void problems_render(const json_t *description, struct buffer *text)
{
    const json_t *problems = json_object_get(description, "problems"), *problem;
    size_t index;

    json_array_foreach(problems, index, problem)
        buffer_append_format(text, "%s: %s. Do: %s\n", json_string_value(json_object_get(problem, "what")),
                             json_string_value(json_object_get(problem, "why")), json_string_value(json_object_get(problem, "do")));
}

static void metrics_answer(const json_t *description, struct http_response *response)
{
    response->content_type = METRICS_CONTENT_TYPE;
    metrics_render(description, &response->body);
}

static void health_answer(const json_t *description, struct http_response *response)
{
    bool healthy = json_is_true(json_object_get(description, "healthy"));

    response->status = healthy ? 200 : 503;
    response->content_type = TEXT;
    if (healthy)
        buffer_append_string(&response->body, "ok\n");
    else
        problems_render(description, &response->body);
}

static void ready_answer(const json_t *description, struct http_response *response)
{
    bool ready = json_is_true(json_object_get(description, "ready"));

    response->status = ready ? 200 : 503;
    response->content_type = TEXT;
    buffer_append_string(&response->body, ready ? "ready\n" : "starting\n");
}

static void page_answer(const json_t *description, struct http_response *response)
{
    response->content_type = HTML;
    status_page_render(description, &response->body);
}

static void json_answer(const json_t *description, struct http_response *response)
{
    char *text = json_dumps(description, JSON_INDENT(2));

    response->content_type = JSON;
    if (text != NULL)
        buffer_append_format(&response->body, "%s\n", text);
    free(text);
}

static const struct {
    const char *path;
    void (*answer)(const json_t *description, struct http_response *response);
} pages[] = {
    {"/", page_answer}, {"/metrics", metrics_answer}, {"/healthz", health_answer}, {"/readyz", ready_answer}, {"/status.json", json_answer},
};

static void request_handle(void *context, const struct http_request *request, struct http_response *response)
{
    const struct web *web = context;
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    struct buffer text;
    json_t *description;
    size_t page = 0;

    response->cache_control = "no-store";
    response->content_type = TEXT;
    while (page < sizeof(pages) / sizeof(pages[0]) && !slice_equal_string(request->path, pages[page].path))
        page++;
    if (page == sizeof(pages) / sizeof(pages[0])) {
        response->status = 404;
        buffer_append_string(&response->body, "There is /, /metrics, /healthz, /readyz and /status.json here\n");
        return;
    }
    if (!reads) {
        response->status = 405;
        response->allow = "GET, HEAD";
        buffer_append_string(&response->body, "Only GET\n");
        return;
    }
    buffer_init(&text, DESCRIPTION_BYTES_MAX);
    web->settings.describe(web->settings.context, &text);
    description = json_loadb((const char *)text.data, text.size, 0, NULL);
    buffer_finish(&text);
    response->status = 200;
    pages[page].answer(description, response);
    json_decref(description);
}

/* ---- Life ---- */

enum status web_start(const struct web_settings *settings, struct web **started, struct error *error)
{
    struct web *web = memory_new(sizeof(*web));
    struct http_settings http = {.listener = settings->listener, .hosts = settings->hosts, .handle = request_handle, .context = web};
    enum status status;

    web->settings = *settings;
    status = http_listen(&http, &web->http, error);
    if (status == OK)
        status = http_serve(web->http, error);
    if (status == OK)
        *started = web;
    else
        web_stop(web);
    return status;
}

void web_stop(struct web *web)
{
    if (web != NULL && http_stop(web->http))
        memory_free(web);
}

const char *web_listener(const struct web *web)
{
    return http_listener(web->http);
}
