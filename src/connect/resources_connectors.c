#include "connect/rest.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "connect/bind.h"
#include "connect/configdef.h"
#include "connect/secrets.h"
#include "connect/validate.h"

#include <microhttpd.h>

#define NO_CONFIG "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null"

/* ---- Looking ---- */

void connectors_list(struct call *call)
{
    bool expand = false, with_status = false, with_info = false;
    const char *value;
    size_t at = 0;

    while ((value = call_query(call, "expand", &at)) != NULL) {
        expand = true;
        with_status = with_status || strcmp(value, "status") == 0;
        with_info = with_info || strcmp(value, "info") == 0;
    }
    call_json(call, 200);
    if (expand && !with_status && !with_info)
        buffer_append_string(&call->response->body, "{}");
    else
        herder_list_write(call->rest->herder, expand, with_status, with_info, &call->response->body);
}

static void look(struct call *call, enum status (*write)(struct herder *, const char *, struct buffer *, struct error *))
{
    struct error error;

    call_json(call, 200);
    if (write(call->rest->herder, call->name, &call->response->body, &error) != OK)
        call_failure(call, &error);
}

void connector_info(struct call *call)
{
    look(call, herder_info_write);
}

void connector_config(struct call *call)
{
    look(call, herder_config_write);
}

void connector_status(struct call *call)
{
    look(call, herder_status_write);
}

void connector_tasks(struct call *call)
{
    look(call, herder_tasks_write);
}

void connector_offsets(struct call *call)
{
    look(call, herder_offsets_write);
}

void connector_topics(struct call *call)
{
    call_json(call, 200);
    herder_topics_write(call->rest->herder, call->name, &call->response->body);
}

/* Java's Integer.parseInt; false after an answer. */
static bool task_read(struct call *call, int64_t *task)
{
    int32_t number;

    if (!text_parse_int32(slice_from_string(call->number), &number)) {
        call_message(call, 404, "HTTP 404 Not Found");
        return false;
    }
    *task = number;
    return true;
}

void task_status(struct call *call)
{
    struct error error;
    int64_t task;

    if (!task_read(call, &task))
        return;
    call_json(call, 200);
    if (herder_task_status_write(call->rest->herder, call->name, task, &call->response->body, &error) != OK)
        call_failure(call, &error);
}

/* ---- Creating and changing ---- */

/* The name in the configuration: put in when it is missing, refused when it is another. False after an answer. */
static bool name_settle(struct call *call, const char *name, struct properties *config)
{
    const char *included = properties_get(config, "name");

    if (included == NULL) {
        properties_set(config, "name", name);
        return true;
    }
    if (strcmp(included, name) == 0)
        return true;
    call_error(call, 400, "Connector name configuration (%s) doesn't match connector name in the URL (%s)", included, name);
    return false;
}

/*
 * Masked secrets that come back are the stored ones: always, because the console and --json outputs mask whatever the setting
 * says, and what they showed may be sent.
 */
static void unmask(struct call *call, const char *name, struct properties *config)
{
    struct properties stored;
    struct error error;

    if (herder_config_copy(call->rest->herder, name, &stored, &error) == OK)
        secrets_unmask(config, &stored);
    properties_finish(&stored);
}

/* False after an answer that says what is wrong. */
static bool config_check(struct call *call, const struct properties *config)
{
    struct herder *herder = call->rest->herder;
    struct validation *validation = NULL;
    const char *refusal = NULL;
    struct properties resolved;
    struct error error;
    struct buffer text;

    if (secrets_resolve(config, &resolved, &error) != OK)
        refusal = arena_copy_string(call->request->arena, slice_from_string(error.message));
    if (refusal == NULL) {
        struct validate_request request = {.config = &resolved,
                                           .aliases = herder_aliases(herder),
                                           .stop_fd = herder_stop_fd(herder),
                                           .key_converter = properties_get(herder_settings_values(herder), "key.converter"),
                                           .value_converter = properties_get(herder_settings_values(herder), "value.converter")};

        validation = validation_create(call->request->arena, &request, &refusal);
    }
    if (refusal == NULL && validation->error_count > 0) {
        buffer_init(&text, 16 << 20);
        validation_message_write(&text, validation);
        refusal = arena_copy_string(call->request->arena, buffer_slice(&text));
        buffer_finish(&text);
    } else if (refusal == NULL && strcmp(validation->plugin->class_name, POSTGRES) != 0) {
        refusal = arena_format(call->request->arena,
                               "%s is known here but does not run: use %s, or run this connector in Kafka Connect against the same brokers",
                               validation->plugin->class_name, POSTGRES);
    }
    properties_finish(&resolved);
    if (refusal != NULL)
        call_message(call, 400, refusal);
    return refusal == NULL;
}

/* "http://host/connectors/NAME"; the name is escaped where a path needs it. */
static const char *location_of(struct call *call, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/";
    const char *host = http_header(call->request, MHD_HTTP_HEADER_HOST);
    struct buffer text;
    const char *copy;

    buffer_init(&text, strlen(name) * 3 + 1024);
    buffer_append_format(&text, "http://%.500s/connectors/", host == NULL ? "localhost" : host);
    for (const char *at = name; *at != '\0'; at++) {
        if (strchr(plain, *at) != NULL)
            buffer_append_u8(&text, (uint8_t)*at);
        else
            buffer_append_format(&text, "%%%02X", (unsigned char)*at);
    }
    copy = arena_copy_string(call->request->arena, buffer_slice(&text));
    buffer_finish(&text);
    return copy;
}

/* Stores a checked configuration and answers with the connector. */
static void store(struct call *call, struct herder_put *put)
{
    struct error error;

    if (herder_put(call->rest->herder, put, &error) != OK) {
        call_failure(call, &error);
        return;
    }
    call_json(call, put->created ? 201 : 200);
    if (put->created)
        call->response->location = location_of(call, put->name);
    if (herder_put_write(call->rest->herder, put, &call->response->body, &error) != OK)
        call_failure(call, &error);
}

void connectors_create(struct call *call)
{
    struct create_request request;
    const char *failure = bind_create(call->request->arena, call->request->body, &request);
    char *name;

    if (failure == NULL && !request.present)
        failure = "Cannot invoke \"org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest.name()\" because "
                  "\"createRequest\" is null";
    else if (failure == NULL && !request.has_config)
        failure = NO_CONFIG;
    name = arena_copy_string(call->request->arena, text_trim(slice_from_string(request.name == NULL ? "" : request.name)));
    if (failure != NULL) {
        call_message(call, 500, failure);
    } else if (name_settle(call, name, &request.config)) {
        struct herder_put put = {.name = name,
                                 .config = &request.config,
                                 .only_create = true,
                                 .has_target = request.has_initial_state,
                                 .target = request.initial_state};

        call->name = name;
        if (config_check(call, &request.config))
            store(call, &put);
    }
    properties_finish(&request.config);
}

void connector_config_put(struct call *call)
{
    struct properties config;
    bool present;
    const char *failure = bind_map(call->request->arena, call->request->body, &present, &config);

    if (failure == NULL && !present)
        failure = NO_CONFIG;
    if (failure != NULL) {
        call_message(call, 500, failure);
    } else if (name_settle(call, call->name, &config)) {
        struct herder_put put = {.name = call->name, .config = &config};

        unmask(call, call->name, &config);
        if (config_check(call, &config))
            store(call, &put);
    }
    properties_finish(&config);
}

/* The stored configuration with the patch over it, in the order of Java's copied map. */
static void patch(struct properties *config, const struct properties *changes)
{
    size_t capacity = java_map_capacity_of_copy(config->count);

    java_map_order_properties(config, java_map_capacity(config->count));
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].value == NULL)
            (void)properties_remove(config, changes->items[i].key);
        else
            properties_set(config, changes->items[i].key, changes->items[i].value);
        while (config->count > capacity / 4 * 3)
            capacity *= 2;
    }
    java_map_order_properties(config, capacity);
}

void connector_config_patch(struct call *call)
{
    struct properties config, changes;
    struct error error;
    bool present;
    const char *failure = bind_map(call->request->arena, call->request->body, &present, &changes);
    enum status found = herder_config_copy(call->rest->herder, call->name, &config, &error);

    if (failure != NULL) {
        call_message(call, 500, failure);
    } else if (found != OK) {
        call_failure(call, &error);
    } else if (!present) {
        call_message(call, 500, "Cannot invoke \"java.util.Map.forEach(java.util.function.BiConsumer)\" because \"patch\" is null");
    } else {
        struct herder_put put = {.name = call->name, .config = &config};

        secrets_unmask(&changes, &config);
        patch(&config, &changes);
        if (config_check(call, &config))
            store(call, &put);
    }
    properties_finish(&config);
    properties_finish(&changes);
}

void connector_delete(struct call *call)
{
    struct error error;

    call_result(call, 204, herder_delete(call->rest->herder, call->name, &error), &error);
}

/* ---- Its life ---- */

static void target_set(struct call *call, enum target_state target, int status)
{
    struct error error;

    call_result(call, status, herder_target_set(call->rest->herder, call->name, target, http_asker(call->request, "REST API"), &error), &error);
}

void connector_pause(struct call *call)
{
    target_set(call, TARGET_PAUSED, 202);
}

void connector_resume(struct call *call)
{
    target_set(call, TARGET_STARTED, 202);
}

void connector_stop(struct call *call)
{
    target_set(call, TARGET_STOPPED, 204);
}

void connector_restart(struct call *call)
{
    bool include_tasks = call_query_is_true(call, "includeTasks", false);
    bool only_failed = call_query_is_true(call, "onlyFailed", false);
    struct error error;

    if (!include_tasks && !only_failed) {
        call_result(call, 204, herder_restart(call->rest->herder, call->name, &error), &error);
        return;
    }
    call_json(call, 202);
    if (herder_restart_with(call->rest->herder, call->name, include_tasks, only_failed, &call->response->body, &error) != OK)
        call_failure(call, &error);
}

void task_restart(struct call *call)
{
    struct error error;
    int64_t task;

    if (task_read(call, &task))
        call_result(call, 204, herder_task_restart(call->rest->herder, call->name, task, &error), &error);
}

void connector_topics_reset(struct call *call)
{
    struct error error;

    call_result(call, 202, herder_topics_reset(call->rest->herder, call->name, &error), &error);
}

/* ---- Offsets ---- */

static void offsets_done(struct call *call, const char *what, enum status result, const struct error *error)
{
    if (result != OK) {
        call_failure(call, error);
        return;
    }
    call_json(call, 200);
    buffer_append_format(
        &call->response->body,
        "{\"message\":\"The Connect framework-managed offsets for this connector have been %s successfully. However, if this connector "
        "manages offsets externally, they will need to be manually %s in the system that the connector uses.\"}",
        what, what);
}

void connector_offsets_alter(struct call *call)
{
    struct offset_changes changes;
    const char *failure = bind_offsets(call->request->arena, call->request->body, &changes);
    struct error error;

    if (failure == NULL && !changes.present)
        failure = "Cannot invoke \"org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets.offsets()\" because \"offsets\" is null";
    if (failure != NULL)
        call_message(call, 500, failure);
    else
        offsets_done(call, "altered", herder_offsets_alter(call->rest->herder, call->name, &changes, &error), &error);
}

void connector_offsets_reset(struct call *call)
{
    struct error error;

    offsets_done(call, "reset", herder_offsets_reset(call->rest->herder, call->name, &error), &error);
}

/* What workers of a Connect cluster ask each other; there are no others. */
void connector_internal(struct call *call)
{
    call_message(call, 400, "Internal request missing required signature");
}
