#include "server/services.h"

#include "base/banned.h"
#include "base/memory.h"
#include "log/stamps.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"
#include "server/services_internal.h"
#include "web/problem_alerts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LOG_SUBSYSTEM "server"


/* Connectors reach it through its socket, by the usual container name, and by its own address with its own port. */
static void private_postgres_alias(struct services *services)
{
    static const char *const names[] = {"postgres", "localhost", "127.0.0.1"};
    long long port = (long long)services->settings->postgres_port;
    char *target = memory_format("%s:%lld", postgres_socket_directory(services->postgres), port);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *name = i == 0 ? memory_copy_string(names[i]) : memory_format("%s:%lld", names[i], port);

        if (!properties_has(&services->aliases, name))
            properties_set(&services->aliases, name, target);
        memory_free(name);
    }
    memory_free(target);
}

static enum status private_postgres_start(struct services *services, struct error *error)
{
    const struct settings *settings = services->settings;
    struct postgres_settings wanted = {
        .data_dir = services->data_dir,
        .bin_dir = settings->postgres_bin_dir,
        .host = settings->postgres_host_name,
        .port = (int)settings->postgres_port,
        .password = settings->postgres_password,
        .connections_max = settings->postgres_max_connections,
        .shared_buffers_mb = settings->postgres_shared_buffers_mb,
    };

    if (!settings->postgres_enabled)
        return OK;
    if (postgres_start(&wanted, &services->postgres, error) != OK)
        return error->status;
    private_postgres_alias(services);
    return OK;
}

static char *listener_text(const char *host, int64_t port)
{
    return memory_format(strchr(host, ':') == NULL ? "%s:%lld" : "[%s]:%lld", host, (long long)port);
}

static enum status log_open(struct services *services, struct error *error)
{
    const struct settings *settings = services->settings;
    char *directory = memory_format("%s/log", services->data_dir);
    struct store_settings wanted = {
        .directory = directory,
        .segment_bytes = settings->segment_bytes,
        .message_bytes_max = (int32_t)settings->message_max_bytes,
        .index_interval_bytes = settings->index_interval_bytes,
        .default_partitions = (int32_t)settings->num_partitions,
        .flush_acks = settings->flush_acks,
        .sync_threads = (int32_t)settings->sync_threads,
        .topic_defaults = &settings->values,
    };
    enum status status = store_open(&wanted, &services->store, error);

    memory_free(directory);
    if (status == OK)
        services->log = log_open_embedded(services->store);
    if (status == OK && settings->trace)
        status = stamps_start(services->log, settings->trace_retention_bytes, error);
    return status;
}

static enum status kafka_start(struct services *services, struct error *error)
{
    const struct settings *settings = services->settings;
    struct broker_settings wanted = {
        .listeners = settings->listeners,
        .advertised_listeners = *settings->advertised_listeners == '\0' ? NULL : settings->advertised_listeners,
        .log = services->log,
        .values = &settings->values,
    };

    return broker_start(&wanted, services->store, &services->broker, error);
}

static enum status rest_start(struct services *services, struct error *error)
{
    const struct settings *settings = services->settings;
    char *listener = listener_text(settings->rest_host_name, settings->rest_port);
    struct connect_settings wanted = {
        .listener = listener,
        .values = &settings->values,
        .aliases = &services->aliases,
        .cluster_id = store_cluster_id(services->store),
    };
    enum status status = connect_start(&wanted, services->log, &services->connect, error);

    memory_free(listener);
    return status;
}

static enum status inner_agents_start(struct services *services, struct error *error)
{
    return agents_start(&services->settings->values, services->log, &services->agents, error);
}

static enum status inner_sinks_start(struct services *services, struct error *error)
{
    return sinks_start(&services->settings->values, services->log, &services->sinks, error);
}

static enum status inner_reports_start(struct services *services, struct error *error)
{
    return reports_start(&services->settings->values, services->log, &services->reports, error);
}

static void describe(void *context, bool with_topics, struct buffer *json)
{
    services_describe(context, with_topics, json);
}

static void settings_describe(void *context, struct buffer *json)
{
    const struct services *services = context;

    settings_print_json(services->settings, json);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* What lets in is said once, to who started the program, and only its hash is kept: neither file nor log gives it away. */
static enum status token_make(const char *path, char hash[AUTH_HASH_SIZE], char token[TOKEN_TEXT_SIZE], struct error *error)
{
    uint8_t bytes[(TOKEN_TEXT_SIZE - 1) / 2];
    int fd;

    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    auth_hash(token, hash);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, hash, AUTH_HASH_SIZE - 1) != AUTH_HASH_SIZE - 1 || fsync(fd) != 0) {
        (void)error_set_system(error, ERROR_DISK, errno, "write the hash of the console's token to %s", path);
        if (fd >= 0)
            (void)close(fd);
        return error->status;
    }
    (void)close(fd);
    return OK;
}

/* The hash of the data directory's token; a token is made when there is none. */
static enum status token_file(struct services *services, const char *path, char hash[AUTH_HASH_SIZE], struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0)
        return token_make(path, hash, services->token, error);
    size = read(fd, hash, AUTH_HASH_SIZE - 1);
    (void)close(fd);
    hash[size < 0 ? 0 : size] = '\0';
    return size == AUTH_HASH_SIZE - 1 && strncmp(hash, AUTH_HASH_PREFIX, strlen(AUTH_HASH_PREFIX)) == 0
               ? OK
               : error_set(error, ERROR_DISK, "%s is no hash of a token: remove it, and a new token is made", path);
}

/* Whoever reaches this machine's own loopback may do everything; from elsewhere a token is needed. hash "": none is */
static enum status console_token(struct services *services, char hash[AUTH_HASH_SIZE], struct error *error)
{
    const struct settings *settings = services->settings;
    enum status status = OK;

    hash[0] = '\0';
    if (!is_loopback(settings->console_host_name) && *settings->console_token == '\0') {
        char *path = memory_format("%s/console.token", services->data_dir);

        status = token_file(services, path, hash, error);
        if (status == OK)
            LOG_WARNING("the console listens on %s, so it needs a token; its hash is in %s. If the token is lost, remove that file: the next start makes another and says it", settings->console_host_name,
                        path);
        memory_free(path);
    }
    return status;
}

static enum status console_start(struct services *services, struct error *error)
{
    const struct settings *settings = services->settings;
    char token[AUTH_HASH_SIZE];
    enum status status = console_token(services, token, error);
    char *listener = listener_text(settings->console_host_name, settings->console_port);
    struct web_settings wanted = {
        .listener = listener,
        .hosts = settings->console_hosts,
        .api =
            {
                .kafka = broker_listener(services->broker, 0),
                .connect = services->connect,
                .broker = services->broker,
                .values = &settings->values,
                .aliases = &services->aliases,
                .version = TAILRACE_VERSION,
                .log = services->log,
                .agents = services->agents,
                .sinks = services->sinks,
                .problems_topic = settings->problems_alerts ? PROBLEMS_TOPIC : NULL,
                .store = services->store,
                .describe = describe,
                .settings = settings_describe,
                .context = services,
                .read_only = strcmp(settings->console_access, "read") == 0,
                .mask = settings->console_mask,
                .token = *token == '\0' ? settings->console_token : token,
                .read_token = settings->console_read_token,
            },
    };
    if (status == OK)
        status = web_start(&wanted, &services->web, error);
    memory_free(listener);
    return status;
}

/* From the bottom up; PostgreSQL first, because it takes longest and nobody waits for it here. */
static enum status (*const starts[])(struct services *services, struct error *error) = {
    private_postgres_start, log_open, kafka_start, rest_start, inner_agents_start, inner_sinks_start, inner_reports_start, console_start,
};

enum status services_start(const struct settings *settings, const char *data_dir, struct services **started, struct error *error)
{
    struct services *services = memory_new(sizeof(*services));
    enum status status = OK;

    services->settings = settings;
    services->data_dir = data_dir;
    services->started_ms = clock_now_ms();
    properties_copy(&services->aliases, &settings->aliases);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]) && status == OK; i++)
        status = starts[i](services, error);
    if (status == OK)
        *started = services;
    else
        services_stop(services);
    return status;
}

enum status services_wait_ready(struct services *services, int64_t timeout_ms, struct error *error)
{
    enum status status = OK;

    if (services->postgres != NULL)
        status = postgres_wait_ready(services->postgres, timeout_ms, error);
    if (status == OK)
        atomic_store(&services->ready, true);
    return status;
}

void services_stop(struct services *services)
{
    if (services == NULL)
        return;
    atomic_store(&services->ready, false);
    connect_interrupt(services->connect); /* requests of the console may wait for it */
    web_stop(services->web);
    reports_stop(services->reports);
    agents_stop(services->agents);
    sinks_stop(services->sinks);
    connect_stop(services->connect);
    broker_stop(services->broker);
    stamps_stop(services->log);
    log_close(services->log);
    store_close(services->store);
    postgres_stop(services->postgres);
    properties_finish(&services->aliases);
    memory_free(services);
}

/* ---- Describing ---- */

/* The link has to lead here from elsewhere too: "0.0.0.0" does not, this machine's name may. */
static void token_describe(const struct services *services, struct buffer *text)
{
    const char *listener = web_listener(services->web), *port = strrchr(listener, ':');
    bool is_any = strncmp(listener, "0.0.0.0:", 8) == 0 || strncmp(listener, "[::]:", 5) == 0;
    char own[256] = "localhost";

    if (is_any)
        (void)gethostname(own, sizeof(own) - 1);
    buffer_append_format(text, "Console's token   %s (said only now; log in with http://", services->token);
    buffer_append_format(text, "%s%s/#token=%s)\n", is_any ? own : listener, is_any ? port : "", services->token);
}

void services_addresses(const struct services *services, struct buffer *text)
{
    for (size_t i = 0; i < broker_listener_count(services->broker); i++)
        buffer_append_format(text, "Kafka protocol    %s\n", broker_listener(services->broker, i));
    buffer_append_format(text, "Connect REST      http://%s\n", connect_listener(services->connect));
    buffer_append_format(text, "Console           http://%s\n", web_listener(services->web));
    if (services->token[0] != '\0')
        token_describe(services, text);
    if (services->postgres != NULL)
        buffer_append_format(text, "PostgreSQL        %s:%lld (user postgres; socket in %s)\n", services->settings->postgres_host_name,
                             (long long)services->settings->postgres_port, postgres_socket_directory(services->postgres));
}

void services_postgres_access(const struct services *services, struct buffer *text)
{
    const struct settings *settings = services->settings;

    if (services->postgres == NULL)
        return;
    buffer_append_format(text, "%s\n%s\n%lld\n%s\n", postgres_socket_directory(services->postgres), settings->postgres_host_name,
                         (long long)settings->postgres_port, settings->postgres_password);
}

int services_postgres_pid(const struct services *services)
{
    struct postgres_status status = {0};

    if (services->postgres != NULL)
        postgres_status_read(services->postgres, &status);
    return status.pid;
}
