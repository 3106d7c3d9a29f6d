#include "connect/rest.h"

#include "base/banned.h"
#include "base/text.h"
#include "connect/json_out.h"

#include <microhttpd.h>
#include <stdarg.h>

enum { SEGMENTS_MAX = 8, METHODS_MAX = 4 };

struct route {
    const char *pattern; /* {name} and {task} take any segment */
    const char *allow;   /* as Jersey lists it */
    struct {
        const char *method;
        rest_action *action;
        bool reads_body;  /* a body without a type is refused */
        const char *deed; /* what was done to %s, the name; NULL: it changes nothing */
    } methods[METHODS_MAX];
};

#define CREATED "Connector %s was created."
#define RECONFIGURED "Connector %s has another configuration."

static const struct route routes[] = {
    {"/", "HEAD,GET,OPTIONS", {{"GET", root_info, false}}},
    {"/health", "HEAD,GET,OPTIONS", {{"GET", health, false}}},
    {"/connectors", "HEAD,POST,GET,OPTIONS", {{"GET", connectors_list, false}, {"POST", connectors_create, true, CREATED}}},
    {"/connectors/{name}", "HEAD,DELETE,GET,OPTIONS", {{"GET", connector_info, false}, {"DELETE", connector_delete, false, "Connector %s was deleted."}}},
    {"/connectors/{name}/config",
     "HEAD,GET,OPTIONS,PUT,PATCH",
     {{"GET", connector_config, false}, {"PUT", connector_config_put, true, RECONFIGURED}, {"PATCH", connector_config_patch, true, RECONFIGURED}}},
    {"/connectors/{name}/status", "HEAD,GET,OPTIONS", {{"GET", connector_status, false}}},
    {"/connectors/{name}/tasks", "HEAD,POST,GET,OPTIONS", {{"GET", connector_tasks, false}, {"POST", connector_internal, true}}},
    {"/connectors/{name}/tasks/{task}/status", "HEAD,GET,OPTIONS", {{"GET", task_status, false}}},
    {"/connectors/{name}/tasks/{task}/restart", "POST,OPTIONS", {{"POST", task_restart, false, "The task of connector %s was restarted."}}},
    {"/connectors/{name}/restart", "POST,OPTIONS", {{"POST", connector_restart, false, "Connector %s was restarted."}}},
    {"/connectors/{name}/pause", "OPTIONS,PUT", {{"PUT", connector_pause, false, "Connector %s was paused."}}},
    {"/connectors/{name}/resume", "OPTIONS,PUT", {{"PUT", connector_resume, false, "Connector %s goes on."}}},
    {"/connectors/{name}/stop", "OPTIONS,PUT", {{"PUT", connector_stop, false, "Connector %s was stopped."}}},
    {"/connectors/{name}/fence", "OPTIONS,PUT", {{"PUT", connector_internal, false}}},
    {"/connectors/{name}/topics", "HEAD,GET,OPTIONS", {{"GET", connector_topics, false}}},
    {"/connectors/{name}/topics/reset", "OPTIONS,PUT", {{"PUT", connector_topics_reset, false, "Connector %s begins its list of topics anew."}}},
    {"/connectors/{name}/offsets",
     "HEAD,DELETE,GET,OPTIONS,PATCH",
     {{"GET", connector_offsets, false}, {"PATCH", connector_offsets_alter, true, "Connector %s has other offsets."}, {"DELETE", connector_offsets_reset, false, "Connector %s has no offsets any more."}}},
    {"/connector-plugins", "HEAD,GET,OPTIONS", {{"GET", plugins_list, false}}},
    {"/connector-plugins/{name}/config", "HEAD,GET,OPTIONS", {{"GET", plugin_config, false}}},
    {"/connector-plugins/{name}/config/validate", "OPTIONS,PUT", {{"PUT", plugin_validate, true}}},
    {"/admin/loggers", "HEAD,GET,OPTIONS", {{"GET", loggers_list, false}}},
    {"/admin/loggers/{name}", "HEAD,GET,OPTIONS,PUT", {{"GET", logger_info, false}, {"PUT", logger_put, true, "Logger %s has another level."}}},
};

/* ---- Answers ---- */

void call_json(struct call *call, int status)
{
    call->response->status = status;
    call->response->content_type = "application/json";
}

void call_message(struct call *call, int status, const char *message)
{
    struct buffer *body = &call->response->body;

    call_json(call, status);
    buffer_reset(body);
    buffer_append_format(body, "{\"error_code\":%d,\"message\":", status);
    json_put_text(body, message);
    buffer_append_string(body, "}");
}

void call_error(struct call *call, int status, const char *format, ...)
{
    va_list arguments;
    char *message;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    message = arena_new(call->request->arena, (size_t)length + 1);
    va_start(arguments, format);
    (void)vsnprintf(message, (size_t)length + 1, format, arguments);
    va_end(arguments);
    call_message(call, status, message);
}

void call_failure(struct call *call, const struct error *error)
{
    call_message(call, status_http_code(error->status), error->message);
}

void call_result(struct call *call, int status, enum status result, const struct error *error)
{
    if (result == OK)
        call->response->status = status;
    else
        call_failure(call, error);
}

/* "HTTP 404 Not Found", without a content type: what the routing says, as Jersey does. */
static void refuse(struct call *call, int status, const char *reason)
{
    call_error(call, status, "HTTP %d %s", status, reason);
    call->response->content_type = NULL;
}

/* ---- Escapes ---- */

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* NULL for a bad escape or a NUL character. */
static char *unescape(struct arena *arena, struct slice text, bool plus_is_blank)
{
    char *to = arena_new(arena, text.size + 1);
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte == '%') {
            int high = i + 2 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return NULL;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (byte == '+' && plus_is_blank) {
            byte = ' ';
        }
        to[size++] = (char)byte;
    }
    return to;
}

const char *call_query(struct call *call, const char *name, size_t *at)
{
    struct slice rest = slice_from(call->request->query, *at);
    struct slice field;

    while (text_next_field(&rest, '&', &field)) {
        const uint8_t *equals = field.size == 0 ? NULL : memchr(field.data, '=', field.size);
        size_t length = equals == NULL ? field.size : (size_t)(equals - field.data);
        char *key = unescape(call->request->arena, slice_of(field.data, length), true);

        *at = call->request->query.size - rest.size;
        if (key != NULL && strcmp(key, name) == 0)
            return equals == NULL ? "" : unescape(call->request->arena, slice_from(field, length + 1), true);
    }
    return NULL;
}

bool call_query_is_true(struct call *call, const char *name, bool otherwise)
{
    size_t at = 0;
    const char *value = call_query(call, name, &at);

    return value == NULL ? otherwise : strcasecmp(value, "true") == 0;
}

/* ---- Paths ---- */

struct path {
    const char *segments[SEGMENTS_MAX + 1];
    size_t count;
};

/* Takes the path apart; false after an answer that refuses it. Encoded slashes belong to a name, as connectors may have them. */
static bool path_read(struct call *call, struct path *path)
{
    struct slice rest = call->request->path;

    path->count = 0;
    if (rest.size == 0 || rest.data[0] != '/') {
        http_page(call->response, 400, "Bad URI path", "/badURI");
        return false;
    }
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.data[i] < 0x21 || strchr("\"<>\\^`{|}", rest.data[i]) != NULL) {
            http_page(call->response, 400,
                      rest.data[i] == '\\' ? "Suspicious Path Character, Illegal Path Character" : "Illegal Path Character", "/badURI");
            return false;
        }
    }
    while (rest.size > 1) { /* at a slash with something behind it */
        const uint8_t *slash = memchr(rest.data + 1, '/', rest.size - 1);
        size_t length = slash == NULL ? rest.size - 1 : (size_t)(slash - rest.data) - 1;
        const uint8_t *matrix = length == 0 ? NULL : memchr(rest.data + 1, ';', length);
        char *segment =
            unescape(call->request->arena, slice_of(rest.data + 1, matrix == NULL ? length : (size_t)(matrix - rest.data) - 1), false);

        if (length == 0 || segment == NULL || !text_is_utf8(slice_from_string(segment))) {
            http_page(call->response, 400,
                      length == 0       ? "Ambiguous URI empty segment"
                      : segment == NULL ? "Bad Request"
                                        : "Bad UTF-8 encoding",
                      segment == NULL ? "/badMessage" : "/badURI");
            return false;
        }
        if (path->count <= SEGMENTS_MAX)
            path->segments[path->count++] = segment;
        rest = slice_from(rest, length + 1);
    }
    return true;
}

static bool matches(const struct route *route, const struct path *path, struct call *call)
{
    struct slice rest = slice_from_string(route->pattern + 1);
    struct slice part;
    size_t at = 0;

    while (text_next_field(&rest, '/', &part)) {
        if (at == path->count)
            return false;
        if (slice_equal_string(part, "{name}"))
            call->name = path->segments[at];
        else if (slice_equal_string(part, "{task}"))
            call->number = path->segments[at];
        else if (!slice_equal_string(part, path->segments[at]))
            return false;
        at++;
    }
    return at == path->count;
}

/* ---- Media types ---- */

/* Does one of the types of an Accept header cover this one? Quality does not count, as it does not for Jersey. */
static bool accepts(struct call *call, const char *type, const char *wide)
{
    const char *header = http_headers(call->request, MHD_HTTP_HEADER_ACCEPT);
    struct slice rest = slice_from_string(header == NULL ? "" : header);
    struct slice item;
    bool any = false;

    while (text_next_field(&rest, ',', &item)) {
        const uint8_t *semicolon = item.size == 0 ? NULL : memchr(item.data, ';', item.size);
        struct slice name = text_trim(slice_of(item.data, semicolon == NULL ? item.size : (size_t)(semicolon - item.data)));

        if (name.size == 0)
            continue;
        any = true;
        if (slice_equal_string(name, "*/*") || slice_equal_string(name, "*") || slice_equal_string(name, wide) ||
            (name.size == strlen(type) && strncasecmp((const char *)name.data, type, name.size) == 0))
            return true;
    }
    return !any;
}

enum body_type { BODY_TYPE_NONE, BODY_TYPE_JSON, BODY_TYPE_OTHER, BODY_TYPE_BROKEN };

static enum body_type body_type(struct call *call)
{
    const char *header = http_header(call->request, MHD_HTTP_HEADER_CONTENT_TYPE);
    struct slice name = slice_from_string(header == NULL ? "" : header);
    const uint8_t *semicolon = name.size == 0 ? NULL : memchr(name.data, ';', name.size);

    if (header == NULL)
        return BODY_TYPE_NONE;
    if (semicolon != NULL)
        name.size = (size_t)(semicolon - name.data);
    name = text_trim(name);
    if (name.size == 0 || memchr(name.data, '/', name.size) == NULL)
        return BODY_TYPE_BROKEN;
    if (slice_equal_string(name, "*/*") || slice_equal_string(name, "application/*"))
        return BODY_TYPE_NONE;
    return name.size == strlen("application/json") && strncasecmp((const char *)name.data, "application/json", name.size) == 0
               ? BODY_TYPE_JSON
               : BODY_TYPE_OTHER;
}

static void options(struct call *call, const struct route *route)
{
    const char *accepted = http_header(call->request, MHD_HTTP_HEADER_ACCEPT);
    struct http_response *response = call->response;

    response->status = 200;
    response->allow = route->allow;
    if (!accepts(call, "text/plain", "text/*")) {
        response->allow_first = true;
        response->content_type = accepted;
        return;
    }
    response->content_type = "text/plain";
    for (const char *at = route->allow; *at != '\0'; at++)
        buffer_append_string(&response->body, *at == ',' ? ", " : (char[]){*at, '\0'});
}

/* ---- The way of a request ---- */

static void deed_note(struct call *call, const char *deed)
{
    if (deed == NULL || call->response->status >= 300)
        return;
    if (call->response->status == 201)
        deed = CREATED;
    call->response->changed_subject = call->name == NULL ? "" : call->name;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    call->response->changed = arena_format(call->request->arena, deed, call->response->changed_subject);
#pragma GCC diagnostic pop
}

static void act(struct call *call, const struct route *route)
{
    const char *method = call->request->method;
    enum body_type type = body_type(call);

    if (strcmp(method, "OPTIONS") == 0) {
        options(call, route);
        return;
    }
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < METHODS_MAX && route->methods[i].method != NULL; i++) {
        if (strcmp(route->methods[i].method, method) != 0)
            continue;
        if (type == BODY_TYPE_BROKEN) {
            const char *host = http_header(call->request, MHD_HTTP_HEADER_HOST);

            http_page(call->response, 400, "Bad Request",
                      arena_format(call->request->arena, "http://%s%.*s", host == NULL ? "" : host, (int)call->request->path.size,
                                   (const char *)call->request->path.data));
        } else if (type == BODY_TYPE_OTHER) {
            refuse(call, 415, "Unsupported Media Type");
        } else if (!accepts(call, "application/json", "application/*")) {
            refuse(call, 406, "Not Acceptable");
        } else if (type == BODY_TYPE_NONE && call->request->body.size > 0 && route->methods[i].reads_body) {
            call_message(call, 415, "HTTP 415 Unsupported Media Type");
        } else {
            route->methods[i].action(call);
            deed_note(call, route->methods[i].deed);
        }
        return;
    }
    refuse(call, 405, "Method Not Allowed");
}

void rest_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct call call = {.rest = context, .request = request, .response = response};
    struct path path;

    if (!path_read(&call, &path))
        return;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (matches(&routes[i], &path, &call)) {
            act(&call, &routes[i]);
            return;
        }
    }
    refuse(&call, 404, "Not Found");
}

void rest_init(struct rest *rest, const char *cluster_id)
{
    *rest = (struct rest){.cluster_id = cluster_id};
    (void)pthread_mutex_init(&rest->loggers_lock, NULL);
}

void rest_finish(struct rest *rest)
{
    loggers_free(rest);
    (void)pthread_mutex_destroy(&rest->loggers_lock);
}
