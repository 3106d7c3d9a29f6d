/*
 * connect/http.h: an HTTP server that answers with the bytes of Jetty: its headers in its order, its reason phrases, its page
 * for requests that are none. What the requests mean is the handler's.
 */
#ifndef CONNECT_HTTP_H
#define CONNECT_HTTP_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#include <sys/types.h>

struct http_server;
struct MHD_Connection;

enum { HTTP_BODY_MAX = 1 << 20, HTTP_DISCARD_MAX = 64 << 20, HTTP_CONNECTIONS_MAX = 64, HTTP_IDLE_SECONDS = 30 };

struct http_request {
    const char *method;
    struct slice path;  /* as it came, still escaped, without the query */
    struct slice query; /* behind '?'; still escaped */
    struct slice body;
    struct arena *arena; /* lives as long as the request */
    struct MHD_Connection *connection;
    const char *through; /* by which way it came: "console"; NULL: straight to this listener */
};

/* Who asks: "console, 127.0.0.1", in memory of the arena; otherwise: the way when `through` does not say it. */
const char *http_asker(const struct http_request *request, const char *otherwise);

/* The first header of that name, NULL when absent; and all of them, with commas, in memory of the arena. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_headers(const struct http_request *request, const char *name);

struct http_response {
    int status;
    const char *content_type;  /* NULL: none */
    const char *location;      /* NULL: none */
    const char *allow;         /* NULL: none */
    const char *cache_control; /* NULL: none */
    bool closes;               /* the connection, and with it its thread, ends behind this answer */
    bool allow_first;          /* Allow stands before Content-Type */
    const char *const *headers; /* further ones, name and value in turn, ending with NULL; NULL: none */
    struct buffer body;
    const char *changed, *changed_subject; /* what was done to what, in words; NULL: nothing was changed */

    /*
     * Instead of a body: fills up to `size` bytes and gives how many (0: nothing yet, it is asked again at once, so it should
     * have waited), or -1 at the end. Called on the connection's thread. stream_end is always called, once.
     */
    ssize_t (*stream)(void *context, char *bytes, size_t size);
    void (*stream_end)(void *context);
    void *stream_context;
};

/* For streams: has the client hung up? It is asked between two pieces, as MHD only notices when it writes. */
int http_client_fd(const struct http_request *request);
bool http_client_is_gone(int fd);

/* Called on a thread of the connection; may wait. */
typedef void http_handler(void *context, const struct http_request *request, struct http_response *response);

struct http_settings {
    const char *listener; /* host:port; port 0 takes a free one */
    const char *hosts;    /* further names that a Host header may have, with commas */
    int connections_max;  /* 0: HTTP_CONNECTIONS_MAX */
    http_handler *handle;
    void *context;
};

/*
 * Takes the port; connections wait until http_serve.
 * Errors  UNAVAILABLE (the port is in use), BAD_INPUT (the listener is not host:port)
 */
enum status http_listen(const struct http_settings *settings, struct http_server **opened, struct error *error);
enum status http_serve(struct http_server *server, struct error *error);

/*
 * Closes the port and all connections, and joins the threads of requests under way. Whoever stops ends first what a handler may
 * wait for; what a client reads or not does not matter. NULL is fine.
 */
void http_stop(struct http_server *server);

const char *http_listener(const struct http_server *server); /* host:port with the real port */

/* Jetty's page. uri is what it shows as the request. */
void http_page(struct http_response *response, int status, const char *reason, const char *uri);

/* Is `host` (a Host header, or what stands behind "//" of an Origin) one of ours? Exposed for tests. */
bool http_host_is_ours(const char *host, const char *bound, const char *hosts);

#endif
