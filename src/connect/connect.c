#include "connect/connect.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/rest.h"
#include "log/audit.h"

struct connect {
    struct herder *herder;
    struct http_server *http;
    struct rest rest;
    struct log *log;
    char *cluster_id;
};

/* host:port as others may reach it: the advertised name with the real port. */
static char *worker_id_of(const struct connect_settings *settings, const char *listener)
{
    const char *advertised = properties_get(settings->values, "rest.advertised.host.name");
    const char *colon = strrchr(listener, ':');

    if (advertised == NULL || advertised[0] == '\0')
        return memory_copy_string(listener);
    return memory_format("%s%s", advertised, colon);
}

static http_handler listener_handle;

static enum status port_take(struct connect *connect, const struct connect_settings *settings, struct error *error)
{
    const char *hosts = properties_get(settings->values, "console.hosts");
    const char *advertised = properties_get(settings->values, "rest.advertised.host.name");
    char *all = memory_format("%s,%s", hosts == NULL ? "" : hosts, advertised == NULL ? "" : advertised);
    struct http_settings http = {.listener = settings->listener, .hosts = all, .handle = listener_handle, .context = connect};
    enum status status = http_listen(&http, &connect->http, error);

    memory_free(all);
    return status;
}

enum status connect_start(const struct connect_settings *settings, struct log *log, struct connect **started, struct error *error)
{
    struct connect *connect = memory_new(sizeof(*connect));
    enum status status = port_take(connect, settings, error);

    connect->log = log;
    connect->cluster_id = memory_copy_string(settings->cluster_id);
    rest_init(&connect->rest, connect->cluster_id);
    if (status == OK) {
        char *worker_id = worker_id_of(settings, http_listener(connect->http));
        struct herder_settings herder = {.values = settings->values, .aliases = settings->aliases, .worker_id = worker_id, .log = log};

        status = herder_start(&herder, &connect->herder, error);
        memory_free(worker_id);
    }
    connect->rest.herder = connect->herder;
    if (status == OK)
        status = http_serve(connect->http, error);
    if (status == OK)
        *started = connect;
    else
        connect_stop(connect);
    return status;
}

void connect_interrupt(struct connect *connect)
{
    if (connect != NULL && connect->herder != NULL)
        herder_stop_begin(connect->herder);
}

void connect_stop(struct connect *connect)
{
    if (connect == NULL)
        return;
    connect_interrupt(connect);
    http_stop(connect->http);
    herder_stop(connect->herder);
    herder_destroy(connect->herder);
    rest_finish(&connect->rest);
    memory_free(connect->cluster_id);
    memory_free(connect);
}

const char *connect_listener(const struct connect *connect)
{
    return http_listener(connect->http);
}

/* Changes that come straight to the listener are written down here; whoever calls connect_handle does it in a way of its own. */
static void listener_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct connect *connect = context;
    const char *way = http_header(request, "X-Tailrace");

    rest_handle(&connect->rest, request, response);
    if (response->changed != NULL)
        audit_write_now(connect->log, http_asker(request, way != NULL && strcmp(way, "command line") == 0 ? way : "REST API"), response->changed_subject, response->changed);
}

void connect_handle(struct connect *connect, const struct http_request *request, struct http_response *response)
{
    rest_handle(&connect->rest, request, response);
}

struct connect_database *connect_databases(struct connect *connect, bool with_stopped, struct arena *arena, size_t *count)
{
    return herder_databases(connect->herder, with_stopped, arena, count);
}

enum status connect_preflight(struct connect *connect, const char *name, const struct properties *config, int64_t disk_here_bytes, struct arena *arena,
                              struct preflight **checked, struct error *error)
{
    return herder_preflight(connect->herder, name, config, disk_here_bytes, arena, checked, error);
}

uint64_t connect_stored_lsn(struct connect *connect, const char *name, const char *prefix)
{
    return herder_stored_lsn(connect->herder, name, prefix);
}

void connect_describe(struct connect *connect, struct buffer *json)
{
    herder_describe(connect->herder, json);
}
