#include "web/web.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/http.h"
#include "web/api.h"
#include "web/assets.h"
#include "web/metrics.h"
#include "web/status_page.h"

#include <jansson.h>
#include <zlib.h>

#define CONNECTIONS_MAX 160 /* 64 streams, and what the pages ask besides */
#define HTML "text/html; charset=utf-8"
#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

struct web {
    struct web_settings settings;
    struct http_server *http;
    struct api *api;
};

/* ---- Pages ---- */

static void problems_render(const json_t *description, struct buffer *text)
{
    const json_t *problems = json_object_get(description, "problems"), *problem;
    size_t index;

    json_array_foreach(problems, index, problem) {
        const char *why = member_text(problem, "why"), *lost = member_text(problem, "lost");
        size_t size = strlen(why);

        if (strcmp(member_text(problem, "severity"), "info") != 0)
            buffer_append_format(text, "%s: %s%s%s%s%s Do: %s\n", member_text(problem, "what"), why, size > 0 && why[size - 1] == '.' ? "" : ".", lost == NULL ? "" : " Lost: ", lost == NULL ? "" : lost,
                                 lost == NULL ? "" : ".", member_text(problem, "do"));
    }
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

/* Behind the answer: each part, how it is and what to do, in the words of the console's Health. */
static void checks_append(const json_t *description, struct http_response *response)
{
    json_t *checks = health_checks(description);
    const json_t *check;
    size_t index;

    json_array_foreach(checks, index, check) {
        const char *todo = member_text(check, "todo");

        buffer_append_format(&response->body, "%-4s %s: %s%s%s\n", member_text(check, "state"), member_text(check, "name"), member_text(check, "text"), todo == NULL ? "" : " Do: ", todo == NULL ? "" : todo);
    }
    json_decref(checks);
}

static void page_answer(const json_t *description, struct http_response *response)
{
    response->content_type = HTML;
    status_page_render(description, &response->body);
}

static void json_answer(const json_t *description, struct http_response *response)
{
    char *text = json_dumps(description, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

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

/* ---- The console's files ---- */

#define ASSET_BYTES_MAX ((size_t)16 << 20)

static const char *const asset_headers[] = {
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer", "Cross-Origin-Opener-Policy", "same-origin", NULL,
};

/* With room for more. */
static const char **headers_copy(struct arena *arena, size_t *count)
{
    const char **headers = arena_new_array(arena, 24, sizeof(*headers));

    for (*count = 0; asset_headers[*count] != NULL; (*count)++)
        headers[*count] = asset_headers[*count];
    return headers;
}

static bool takes_gzip(const struct http_request *request)
{
    const char *takes = http_headers(request, "Accept-Encoding");

    return takes != NULL && strstr(takes, "gzip") != NULL && strstr(takes, "gzip;q=0") == NULL;
}

static void unpacked_append(const struct web_asset *asset, struct http_response *response)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)asset->gzip, .avail_in = (unsigned)asset->gzip_bytes};
    uint8_t *to = buffer_reserve(&response->body, asset->bytes);

    if (to == NULL || asset->bytes > ASSET_BYTES_MAX || inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
        return;
    stream.next_out = to;
    stream.avail_out = (unsigned)asset->bytes;
    if (inflate(&stream, Z_FINISH) == Z_STREAM_END)
        response->body.size += asset->bytes;
    (void)inflateEnd(&stream);
}

static void asset_answer(const struct web_asset *asset, const struct http_request *request, struct http_response *response)
{
    const char *asked = http_header(request, "If-None-Match");
    size_t count;
    const char **headers = headers_copy(request->arena, &count);

    headers[count++] = "ETag";
    headers[count++] = asset->etag;
    headers[count++] = "Vary";
    headers[count++] = "Accept-Encoding";
    response->headers = headers;
    response->cache_control = asset->unchanging ? "public, max-age=31536000, immutable" : "no-cache";
    response->status = asked != NULL && strcmp(asked, asset->etag) == 0 ? 304 : 200;
    if (response->status == 304)
        return;
    response->content_type = asset->type;
    if (takes_gzip(request)) {
        headers[count++] = "Content-Encoding";
        headers[count++] = "gzip";
        buffer_append(&response->body, asset->gzip, asset->gzip_bytes);
    } else {
        unpacked_append(asset, response);
    }
}

/* The file of a path, or the console's page for one that it draws itself; NULL: neither. */
static const struct web_asset *asset_of(const struct http_request *request)
{
    const char *accept = http_headers(request, "Accept"), *path = arena_copy_string(request->arena, request->path);
    const struct web_asset *asset = web_asset_count < 2 ? NULL : web_asset_find(path); /* one file alone says that there is no console */

    if (asset == NULL && web_asset_count >= 2 && accept != NULL && strstr(accept, "text/html") != NULL)
        asset = web_asset_find("/index.html");
    return asset;
}

/* ---- Requests ---- */

static void page_give(const struct web *web, size_t page, const struct http_request *request, struct http_response *response)
{
    json_t *description = api_status(web->api);

    response->status = 200;
    pages[page].answer(description, response);
    if (slice_equal_string(request->query, "verbose") && auth_access(api_auth(web->api), request) != ACCESS_NONE && (pages[page].answer == health_answer || pages[page].answer == ready_answer))
        checks_append(description, response);
    json_decref(description);
}

static bool starts(struct slice path, const char *with)
{
    size_t size = strlen(with);

    return path.size >= size && memcmp(path.data, with, size) == 0 && (path.size == size || path.data[size] == '/');
}

static void request_handle(void *context, const struct http_request *request, struct http_response *response)
{
    const struct web *web = context;
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    const struct web_asset *asset;
    size_t page = 0;

    response->cache_control = "no-store";
    response->content_type = TEXT;
    if (starts(request->path, "/api/v1") || starts(request->path, "/api/agents")) {
        api_answer(web->api, request, response);
        return;
    }
    while (page < sizeof(pages) / sizeof(pages[0]) && !slice_equal_string(request->path, pages[page].path))
        page++;
    asset = page == 0 || page == sizeof(pages) / sizeof(pages[0]) ? asset_of(request) : NULL;
    /* Whether it lives may be asked by anybody; what it does, not. */
    if (asset == NULL && page < sizeof(pages) / sizeof(pages[0]) && strcmp(pages[page].path, "/healthz") != 0 && strcmp(pages[page].path, "/readyz") != 0 &&
        auth_access(api_auth(web->api), request) == ACCESS_NONE) {
        response->status = 401;
        buffer_append_string(&response->body, "Send the token of the setting console.token or console.read.token: Authorization: Bearer TOKEN\n");
    } else if (asset == NULL && page == sizeof(pages) / sizeof(pages[0])) {
        response->status = 404;
        buffer_append_string(&response->body, "There is /, /api/v1, /metrics, /healthz, /readyz and /status.json here\n");
    } else if (!reads) {
        response->status = 405;
        response->allow = "GET, HEAD";
        buffer_append_string(&response->body, "Only GET\n");
    } else if (asset != NULL) {
        asset_answer(asset, request, response);
    } else {
        page_give(web, page, request, response);
    }
}

/* ---- Life ---- */

enum status web_start(const struct web_settings *settings, struct web **started, struct error *error)
{
    struct web *web = memory_new(sizeof(*web));
    struct http_settings http = {.listener = settings->listener, .hosts = settings->hosts, .connections_max = CONNECTIONS_MAX, .handle = request_handle, .context = web};
    enum status status;

    web->settings = *settings;
    status = http_listen(&http, &web->http, error);
    if (status == OK)
        status = api_create(&settings->api, &web->api, error);
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
    if (web == NULL)
        return;
    api_stop(web->api);
    http_stop(web->http);
    api_destroy(web->api);
    memory_free(web);
}

void web_status(struct web *web, struct buffer *json)
{
    json_t *status = api_status(web->api);
    char *text = json_dumps(status, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

    if (text != NULL)
        buffer_append_format(json, "%s\n", text);
    free(text);
    json_decref(status);
}

const char *web_local_login(const struct web *web)
{
    return auth_local_login(api_auth(web->api));
}

const char *web_listener(const struct web *web)
{
    return http_listener(web->http);
}
