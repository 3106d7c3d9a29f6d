#include "connect/http.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "connect/json_out.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Bodies longer than this go out in chunks, as Jetty's do when they do not fit its buffer. */
enum { CHUNKED_FROM = 32768, STREAM_BLOCK_BYTES = 32768, STACK_BYTES = 1 << 20 };

/* A connection that is open. Between two requests, or in the middle of receiving one, it is idle. */
struct link {
    struct http_server *server;
    int fd;
    bool is_busy; /* a request is whole and being answered */
    int64_t idle_since_ms;
    struct link *next;
};

struct http_server {
    int connections_max;
    pthread_mutex_t links_lock; /* guards links and all in them; a leaf */
    struct link *links;
    int link_count;
    int fd; /* the daemon's once it runs */
    struct MHD_Daemon *daemon;
    char *listener;
    char *host; /* of the listener */
    char *hosts;
    http_handler *handle;
    void *context;
};

struct exchange { /* one request */
    struct http_server *server;
    char *target;
    struct arena arena;
    struct buffer body;
    bool begun;
    bool too_long;
};

/* ---- Reason phrases ---- */

/*
 * libmicrohttpd asks this function of its own for the reason phrase and has no other way to set it; ours comes first when
 * the program is linked. Should a library not ask, its own phrases are sent, which no client may depend on (RFC 9112, 4).
 */
const char *MHD_get_reason_phrase_for(unsigned int code);
size_t MHD_get_reason_phrase_len_for(unsigned int code);

const char *MHD_get_reason_phrase_for(unsigned int code)
{
    static const struct {
        unsigned int code;
        const char *phrase;
    } phrases[] = {
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Payload Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Entity"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].code == code)
            return phrases[i].phrase;
    }
    return "Unknown";
}

size_t MHD_get_reason_phrase_len_for(unsigned int code)
{
    return strlen(MHD_get_reason_phrase_for(code));
}

/* ---- Whose requests are answered ---- */

static bool is_address(struct slice host)
{
    char text[64];
    struct in6_addr address;

    if (host.size >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s", (int)host.size, (const char *)host.data);
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static bool same_host(struct slice host, const char *name)
{
    return host.size == strlen(name) && strncasecmp((const char *)host.data, name, host.size) == 0;
}

/*
 * A page in a browser can reach this port under a name that its own server points here (DNS rebinding); then the Host
 * header has that name. Addresses cannot be used so, names only if they are ours.
 */
bool http_host_is_ours(const char *header, const char *bound, const char *hosts)
{
    struct slice host = text_trim(slice_from_string(header));
    struct slice rest = slice_from_string(hosts == NULL ? "" : hosts);
    struct slice name;
    char own[256];
    const uint8_t *end;

    if (host.size > 0 && host.data[0] == '[') { /* [::1]:8083 */
        end = memchr(host.data, ']', host.size);
        return end != NULL && is_address(slice_of(host.data + 1, (size_t)(end - host.data) - 1));
    }
    end = host.size == 0 ? NULL : memchr(host.data, ':', host.size);
    if (end != NULL)
        host.size = (size_t)(end - host.data);
    if (host.size == 0)
        return false;
    if (same_host(host, "localhost") || same_host(host, bound) || is_address(host))
        return true;
    if (gethostname(own, sizeof(own)) == 0 && same_host(host, own))
        return true;
    while (text_next_field(&rest, ',', &name)) {
        name = text_trim(name);
        if (name.size == host.size && name.size > 0 && strncasecmp((const char *)host.data, (const char *)name.data, name.size) == 0)
            return true;
    }
    return false;
}

static void refuse(struct http_response *response, int status, const char *format, const char *what)
{
    char message[512];

    (void)snprintf(message, sizeof(message), "%s", "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(message, sizeof(message), format, what);
#pragma GCC diagnostic pop
    response->status = status;
    response->content_type = "application/json";
    buffer_append_format(&response->body, "{\"error_code\":%d,\"message\":", status);
    json_put_text(&response->body, message);
    buffer_append_string(&response->body, "}");
}

/*
 * Is a page that a browser loaded from there ours? It is when it came from where it asks now, or from a host that was named as ours.
 * An address alone says nothing: any page may have one, and on this machine other programs serve pages, too.
 */
static bool origin_is_ours(const struct http_server *server, const char *origin, const char *host)
{
    const char *behind = strstr(origin, "://");
    struct slice rest = slice_from_string(server->hosts), name, page;
    const uint8_t *port;

    if (behind == NULL) /* "null": a page that does not say where it is from */
        return false;
    if (host != NULL && strcasecmp(behind + 3, host) == 0)
        return true;
    page = slice_from_string(behind + 3);
    port = page.size == 0 ? NULL : memrchr(page.data, ':', page.size);
    if (port != NULL && page.data[page.size - 1] != ']')
        page.size = (size_t)(port - page.data);
    while (text_next_field(&rest, ',', &name)) {
        name = text_trim(name);
        if (name.size > 0 && name.size == page.size && strncasecmp((const char *)name.data, (const char *)page.data, name.size) == 0)
            return true;
    }
    return false;
}

/* A browser says of every request how its page stands to us; other programs do not. Looking is let through: links lead here. */
static bool comes_from_elsewhere(const struct http_request *request)
{
    const char *site = http_header(request, "Sec-Fetch-Site");

    return site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0 && strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
}

/* False after an answer that refuses. */
static bool origin_check(const struct http_server *server, const struct http_request *request, struct http_response *response)
{
    const char *host = http_header(request, MHD_HTTP_HEADER_HOST);
    const char *origin = http_header(request, MHD_HTTP_HEADER_ORIGIN);

    if (host != NULL && !http_host_is_ours(host, server->host, server->hosts)) {
        refuse(response, 421, "The Host header %.200s is not a name of this server; name it in the setting console.hosts if it is", host);
        return false;
    }
    if (origin != NULL ? !origin_is_ours(server, origin, host) : comes_from_elsewhere(request)) {
        refuse(response, 403, "Requests of pages from %.200s are refused; name the host in the setting console.hosts if they are yours", origin == NULL ? "elsewhere" : origin);
        return false;
    }
    return true;
}

/* ---- Answers ---- */

void http_page(struct http_response *response, int status, const char *reason, const char *uri)
{
    response->status = status;
    response->content_type = "text/html;charset=iso-8859-1";
    response->cache_control = "must-revalidate,no-cache,no-store";
    buffer_reset(&response->body);
    buffer_append_format(
        &response->body,
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n"
        "<title>Error %d %s</title>\n</head>\n<body>\n<h2>HTTP ERROR %d %s</h2>\n<table>\n<tr><th>URI:</th><td>%s</td></tr>\n"
        "<tr><th>STATUS:</th><td>%d</td></tr>\n<tr><th>MESSAGE:</th><td>%s</td></tr>\n</table>\n"
        "<hr/><a href=\"https://jetty.org/\">Powered by Jetty:// 12.0.34</a><hr/>\n\n</body>\n</html>\n",
        status, reason, status, reason, uri, status, reason);
}

static void date_write(char *text, size_t size)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(clock_now_ms() / MS_PER_SECOND);
    struct tm utc;

    (void)gmtime_r(&now, &utc);
    (void)snprintf(text, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
                   utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static ssize_t chunk_read(void *context, uint64_t position, char *to, size_t size)
{
    const struct buffer *body = context;
    size_t left = body->size - (size_t)position;

    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (size > left)
        size = left;
    memcpy(to, body->data + position, size);
    return (ssize_t)size;
}

/* What a handler streams; its end is told by MHD's free callback. */
struct streamed {
    ssize_t (*stream)(void *context, char *bytes, size_t size);
    void (*end)(void *context);
    void *context;
};

static ssize_t stream_read(void *context, uint64_t position, char *to, size_t size)
{
    struct streamed *streamed = context;
    ssize_t given = streamed->stream(streamed->context, to, size);

    (void)position;
    return given < 0 ? MHD_CONTENT_READER_END_OF_STREAM : given;
}

static void stream_free(void *context)
{
    struct streamed *streamed = context;

    streamed->end(streamed->context);
    memory_free(streamed);
}

static struct MHD_Response *stream_response(const struct http_response *response)
{
    struct streamed *streamed = memory_new(sizeof(*streamed));
    struct MHD_Response *answer;

    *streamed = (struct streamed){response->stream, response->stream_end, response->stream_context};
    answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, streamed, stream_free);
    if (answer == NULL)
        stream_free(streamed);
    return answer;
}

static void body_free(void *context)
{
    struct buffer *body = context;

    buffer_finish(body);
    memory_free(body);
}

static void header_add(struct MHD_Response *answer, const char *name, const char *value)
{
    if (value != NULL)
        (void)MHD_add_response_header(answer, name, value);
}

/* Sends it; the body's memory goes with it. */
static enum MHD_Result send_response(struct MHD_Connection *connection, struct http_response *response)
{
    struct MHD_Response *answer;
    enum MHD_Result result;
    char date[64];

    if (response->body.failed) {
        buffer_finish(&response->body);
        response->status = 500;
        response->content_type = NULL;
    }
    if (response->stream != NULL) {
        buffer_finish(&response->body);
        answer = stream_response(response);
    } else if (response->body.size > CHUNKED_FROM) {
        struct buffer *body = memory_new(sizeof(*body));

        *body = response->body;
        answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNKED_FROM, chunk_read, body, body_free);
    } else {
        answer = MHD_create_response_from_buffer(response->body.size, response->body.size == 0 ? (void *)"" : response->body.data,
                                                 MHD_RESPMEM_MUST_COPY);
        buffer_finish(&response->body);
    }
    if (answer == NULL)
        return MHD_NO;
    date_write(date, sizeof(date));
    header_add(answer, "Server", "Jetty(12.0.34)");
    header_add(answer, "Date", date);
    if (response->closes || response->status == 503 || response->status == 429) /* who is turned away keeps no place */
        header_add(answer, "Connection", "close");
    header_add(answer, "Location", response->location);
    header_add(answer, "Cache-Control", response->cache_control);
    if (response->allow_first)
        header_add(answer, "Allow", response->allow);
    header_add(answer, "Content-Type", response->content_type);
    if (!response->allow_first)
        header_add(answer, "Allow", response->allow);
    for (size_t i = 0; response->headers != NULL && response->headers[i] != NULL; i += 2)
        header_add(answer, response->headers[i], response->headers[i + 1]);
    result = MHD_queue_response(connection, (unsigned int)response->status, answer);
    MHD_destroy_response(answer);
    return result;
}

/* ---- Connections ---- */

/*
 * Whoever sends half a request, or nothing, keeps a place, and the places are few. So when they become scarce, the connection
 * that has been idle for longest is cut: a browser just opens another. Its thread sees the end and closes it.
 */
static void links_trim(struct http_server *server)
{
    struct link *oldest = NULL;

    for (struct link *link = server->links; link != NULL && server->link_count > server->connections_max / 4 * 3; link = link->next) {
        if (!link->is_busy && link->idle_since_ms != INT64_MAX && (oldest == NULL || link->idle_since_ms <= oldest->idle_since_ms))
            oldest = link;
    }
    if (oldest == NULL)
        return;
    oldest->idle_since_ms = INT64_MAX; /* once is enough */
    (void)shutdown(oldest->fd, SHUT_RDWR);
}

static void link_open(struct http_server *server, struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct link *link = memory_new(sizeof(*link));

    *link = (struct link){.server = server, .fd = info == NULL ? -1 : info->connect_fd, .idle_since_ms = clock_monotonic_ms()};
    (void)pthread_mutex_lock(&server->links_lock);
    link->next = server->links;
    server->links = link;
    server->link_count++;
    links_trim(server);
    (void)pthread_mutex_unlock(&server->links_lock);
    *context = link;
}

/* Its descriptor is closed behind this, so nobody cuts another's. */
static void link_close(struct http_server *server, struct link *closed)
{
    (void)pthread_mutex_lock(&server->links_lock);
    for (struct link **at = &server->links; *at != NULL; at = &(*at)->next) {
        if (*at == closed) {
            *at = closed->next;
            server->link_count--;
            break;
        }
    }
    (void)pthread_mutex_unlock(&server->links_lock);
    memory_free(closed);
}

static void link_notify(void *context, struct MHD_Connection *connection, void **link, enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        link_open(context, connection, link);
    else if (*link != NULL)
        link_close(context, *link);
}

static void link_set_busy(struct http_server *server, struct MHD_Connection *connection, bool is_busy)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct link *link = info == NULL ? NULL : info->socket_context;

    if (link == NULL)
        return;
    (void)pthread_mutex_lock(&server->links_lock);
    link->is_busy = is_busy;
    if (link->idle_since_ms != INT64_MAX)
        link->idle_since_ms = clock_monotonic_ms();
    (void)pthread_mutex_unlock(&server->links_lock);
}

/* ---- Requests ---- */

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

int http_client_fd(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info == NULL ? -1 : info->connect_fd;
}

const char *http_asker(const struct http_request *request, const char *otherwise)
{
    const char *way = request->through == NULL ? otherwise : request->through;
    struct socket_address peer;
    int fd = request->connection == NULL ? -1 : http_client_fd(request);

    return fd >= 0 && socket_peer_address(fd, &peer) ? arena_format(request->arena, "%s, %s", way, peer.host) : way;
}

bool http_client_is_gone(int fd)
{
    struct pollfd client = {.fd = fd, .events = POLLRDHUP};

    return fd >= 0 && poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

struct header_search {
    const char *name;
    struct buffer found;
};

static enum MHD_Result header_collect(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct header_search *search = context;

    (void)kind;
    if (strcasecmp(key, search->name) == 0 && value != NULL) {
        if (search->found.size > 0)
            buffer_append_string(&search->found, ",");
        buffer_append_string(&search->found, value);
    }
    return MHD_YES;
}

const char *http_headers(const struct http_request *request, const char *name)
{
    struct header_search search = {.name = name};
    const char *copy = NULL;

    buffer_init(&search.found, 65536);
    (void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, header_collect, &search);
    if (http_header(request, name) != NULL)
        copy = arena_copy_string(request->arena,
                                 slice_of(search.found.size == 0 ? (const uint8_t *)"" : search.found.data, search.found.size));
    buffer_finish(&search.found);
    return copy;
}

struct header_count {
    const char *name;
    int count;
};

static enum MHD_Result header_count(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct header_count *counted = context;

    (void)kind, (void)value;
    counted->count += strcasecmp(key, counted->name) == 0;
    return MHD_YES;
}

static int headers_of(struct MHD_Connection *connection, const char *name)
{
    struct header_count counted = {.name = name};

    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, header_count, &counted);
    return counted.count;
}

/*
 * A request whose end, or whose server, a proxy before us may see elsewhere than we do could hide another one in itself (RFC 9112, 6.3 and
 * 3.2). False after an answer that refuses; the connection ends with it.
 */
static bool is_unambiguous(struct MHD_Connection *connection, struct http_response *response)
{
    int lengths = headers_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH), hosts = headers_of(connection, MHD_HTTP_HEADER_HOST);

    if (lengths > 1 || (lengths == 1 && headers_of(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) > 0))
        refuse(response, 400, "%s", "The request says twice how long it is: Content-Length once, or Transfer-Encoding alone");
    else if (hosts > 1)
        refuse(response, 400, "%s", "The request has more than one Host header");
    else
        return true;
    response->closes = true;
    return false;
}

/* "http://host/path" to "/path". */
static struct slice target_path(struct slice target)
{
    const uint8_t *scheme = target.size == 0 || target.data[0] == '/' ? NULL : memmem(target.data, target.size, "://", 3);
    struct slice behind;
    const uint8_t *slash;

    if (scheme == NULL)
        return target;
    behind = slice_from(target, (size_t)(scheme - target.data) + 3);
    slash = behind.size == 0 ? NULL : memchr(behind.data, '/', behind.size);
    return slash == NULL ? slice_from_string("/") : slice_from(behind, (size_t)(slash - behind.data));
}

static enum MHD_Result answer(struct exchange *exchange, struct MHD_Connection *connection, const char *method)
{
    struct http_server *server = exchange->server;
    struct http_request request = {
        .method = method, .arena = &exchange->arena, .connection = connection, .body = buffer_slice(&exchange->body)};
    struct http_response response = {.status = 500};
    struct slice target = target_path(slice_from_string(exchange->target));
    const uint8_t *mark = target.size == 0 ? NULL : memchr(target.data, '#', target.size);

    logger_set_thread_name("rest");
    link_set_busy(server, connection, true);
    if (mark != NULL)
        target.size = (size_t)(mark - target.data);
    mark = target.size == 0 ? NULL : memchr(target.data, '?', target.size);
    request.path = mark == NULL ? target : slice_of(target.data, (size_t)(mark - target.data));
    request.query = mark == NULL ? slice_of("", 0) : slice_from(target, request.path.size + 1);
    buffer_init(&response.body, 64 << 20);
    if (exchange->too_long) {
        response.status = 413;
        response.content_type = "application/json";
        buffer_append_format(&response.body, "{\"error_code\":413,\"message\":\"The request body is longer than %d bytes\"}",
                             HTTP_BODY_MAX);
    } else if (is_unambiguous(connection, &response) && origin_check(server, &request, &response)) {
        server->handle(server->context, &request, &response);
    }
    return send_response(connection, &response);
}

/* libmicrohttpd calls this first, with the target as it came. */
static void *target_keep(void *context, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = memory_new(sizeof(*exchange));

    (void)connection;
    exchange->server = context;
    exchange->target = memory_copy_string(target);
    arena_init(&exchange->arena, 8192);
    buffer_init(&exchange->body, HTTP_BODY_MAX);
    return exchange;
}

static void exchange_end(void *context, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *request;

    (void)code;
    link_set_busy(context, connection, false);
    if (exchange == NULL)
        return;
    buffer_finish(&exchange->body);
    arena_finish(&exchange->arena);
    memory_free(exchange->target);
    memory_free(exchange);
    *request = NULL;
}

/* First without a body, then once for each piece of it, then a last time. */
static enum MHD_Result request_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                      const char *version, const char *data, size_t *size, void **request)
{
    struct exchange *exchange = *request;

    (void)context, (void)url, (void)version;
    if (exchange == NULL)
        return MHD_NO;
    if (!exchange->begun) {
        const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
        int64_t bytes;

        exchange->begun = true;
        if (length != NULL && text_parse_int64(slice_from_string(length), &bytes) && bytes > HTTP_BODY_MAX) {
            exchange->too_long = true;
            /* A client that still sends does not read, and closing on it loses the answer: so it may send, unless that is without end. */
            if (bytes > HTTP_DISCARD_MAX)
                return answer(exchange, connection, method);
        }
        return MHD_YES;
    }
    if (*size > 0) {
        if (!exchange->too_long)
            buffer_append(&exchange->body, data, *size);
        if (exchange->body.failed) {
            exchange->too_long = true;
            buffer_finish(&exchange->body);
        }
        *size = 0;
        return MHD_YES;
    }
    return answer(exchange, connection, method);
}

/* Paths stay as they came: the router takes them apart before it unescapes the pieces. */
static size_t unescape_not(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

/* ---- Life ---- */

static enum status listener_split(const char *listener, char *host, size_t host_size, char *port, size_t port_size, struct error *error)
{
    const char *colon = strrchr(listener, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - listener);

    if (colon == NULL || length == 0 || length >= host_size || strlen(colon + 1) >= port_size || colon[1] == '\0')
        return error_set(error, ERROR_BAD_INPUT, "the listener \"%s\" is not host:port", listener);
    if (listener[0] == '[' && colon[-1] == ']') {
        listener++;
        length -= 2;
    }
    (void)snprintf(host, host_size, "%.*s", (int)length, listener);
    (void)snprintf(port, port_size, "%s", colon + 1);
    return OK;
}

static enum status address_listen(const char *host, const char *port, int *listening, struct error *error)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int one = 1;
    int failure = getaddrinfo(host, port, &hints, &found);
    int fd = -1;

    if (failure != 0)
        return error_set(error, ERROR_BAD_INPUT, "the address %s is not known: %s; see the setting rest.host.name", host,
                         gai_strerror(failure));
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    failure = fd < 0 ? errno : 0;
    if (failure == 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
                         bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 128) != 0))
        failure = errno;
    freeaddrinfo(found);
    if (failure != 0 && fd >= 0)
        (void)close(fd);
    if (failure == EADDRINUSE)
        return error_set(
            error, ERROR_UNAVAILABLE,
            "port %s on %s is in use, perhaps by Kafka Connect or another Tailrace: stop that program, or choose another port for the "
            "REST API with the setting rest.port",
            port, host);
    if (failure != 0)
        return error_set_system(error, ERROR_UNAVAILABLE, failure, "could not listen on %s:%s (settings rest.host.name and rest.port)",
                                host, port);
    *listening = fd;
    return OK;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
}

enum status http_listen(const struct http_settings *settings, struct http_server **opened, struct error *error)
{
    struct http_server *server;
    char host[256], port[16];
    int fd = -1;
    enum status status = listener_split(settings->listener, host, sizeof(host), port, sizeof(port), error);

    if (status == OK)
        status = address_listen(host, port, &fd, error);
    if (status != OK)
        return status;
    server = memory_new(sizeof(*server));
    server->fd = fd;
    (void)pthread_mutex_init(&server->links_lock, NULL);
    server->host = memory_copy_string(host);
    server->hosts = memory_copy_string(settings->hosts);
    server->listener = memory_format(strchr(host, ':') == NULL ? "%s:%d" : "[%s]:%d", host, port_of(fd));
    server->connections_max = settings->connections_max == 0 ? HTTP_CONNECTIONS_MAX : settings->connections_max;
    server->handle = settings->handle;
    server->context = settings->context;
    *opened = server;
    return OK;
}

enum status http_serve(struct http_server *server, struct error *error)
{
    /* A thread for each connection: a request may wait for a database, and the others must not wait with it. */
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0,
        NULL, NULL, request_handle, server, MHD_OPTION_LISTEN_SOCKET, server->fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned int)server->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK_BYTES, MHD_OPTION_URI_LOG_CALLBACK, target_keep, server, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, server, MHD_OPTION_NOTIFY_CONNECTION, link_notify, server,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape_not, NULL, MHD_OPTION_END);
    return server->daemon != NULL ? OK : error_set(error, ERROR_UNAVAILABLE, "could not start the HTTP server of the REST API");
}

void http_stop(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon == NULL)
        (void)close(server->fd);
    else
        MHD_stop_daemon(server->daemon); /* closes the listening socket too */
    (void)pthread_mutex_destroy(&server->links_lock);
    memory_free(server->listener);
    memory_free(server->hosts);
    memory_free(server->host);
    memory_free(server);
}

const char *http_listener(const struct http_server *server)
{
    return server->listener;
}
