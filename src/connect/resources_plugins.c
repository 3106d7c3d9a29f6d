#include "connect/rest.h"

#include "base/banned.h"
#include "connect/bind.h"
#include "connect/configdef.h"
#include "connect/json_out.h"
#include "connect/secrets.h"
#include "connect/validate.h"

/* The version of Kafka Connect whose API this is, and the commit it was built from: clients look at the version. */
#define CONNECT_VERSION "4.3.0"
#define CONNECT_COMMIT "a9ce3221537b8653"

void root_info(struct call *call)
{
    struct buffer *out = &call->response->body;

    call_json(call, 200);
    buffer_append_string(out, "{\"version\":\"" CONNECT_VERSION "\",\"commit\":\"" CONNECT_COMMIT "\",\"kafka_cluster_id\":");
    json_put_text(out, call->rest->cluster_id);
    buffer_append_string(out, "}");
}

void health(struct call *call)
{
    call_json(call, 200);
    buffer_append_string(&call->response->body,
                         "{\"status\":\"healthy\",\"message\":\"Worker has completed startup and is ready to handle requests.\"}");
}

void plugins_list(struct call *call)
{
    bool only_connectors = call_query_is_true(call, "connectorsOnly", true);
    struct buffer *out = &call->response->body;

    call_json(call, 200);
    buffer_append_string(out, "[");
    for (size_t i = 0; i < plugin_count; i++) {
        if (only_connectors && plugins[i].kind != PLUGIN_SINK && plugins[i].kind != PLUGIN_SOURCE)
            continue;
        json_put_comma(out);
        buffer_append_string(out, "{");
        json_put_key(out, "class");
        json_put_text(out, plugins[i].class_name);
        json_put_key(out, "type");
        json_put_text(out, plugin_kind_name(plugins[i].kind));
        json_put_key(out, "version");
        json_put_text(out, plugins[i].version);
        buffer_append_string(out, "}");
    }
    buffer_append_string(out, "]");
}

static void definitions_write(const struct plugin *plugin, const char *owner, struct buffer *out)
{
    size_t count;
    const struct config_field *fields = config_fields(owner, &count);

    for (size_t i = 0; i < count; i++) {
        struct config_place place = {fields[i].name, fields[i].default_value, fields[i].group, fields[i].order};

        if (strcmp(fields[i].name, "connector.plugin.version") == 0)
            place.default_value = plugin->version;
        json_put_comma(out);
        config_definition_write(out, &fields[i], &place);
    }
}

void plugin_config(struct call *call)
{
    const struct plugin *plugin = plugin_find_any(call->name);
    struct buffer *out = &call->response->body;

    if (plugin == NULL) {
        call_error(call, 404, "Unknown plugin %s.", call->name);
        return;
    }
    call_json(call, 200);
    buffer_append_string(out, "[");
    definitions_write(plugin, plugin->class_name, out);
    if (plugin->kind == PLUGIN_SOURCE || plugin->kind == PLUGIN_SINK) {
        definitions_write(plugin, "common", out);
        definitions_write(plugin, plugin->kind == PLUGIN_SOURCE ? "source" : "sink", out);
    }
    buffer_append_string(out, "]");
}

/* Without "Connector" at its end. */
static struct slice class_without_suffix(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = strlen("Connector");

    return slice_of(name, length > suffix && strcmp(name + length - suffix, "Connector") == 0 ? length - suffix : length);
}

/* May a configuration of this class be checked under the plugin's name? */
static bool is_asked_for(const char *class_name, const char *plugin)
{
    struct slice included = class_without_suffix(class_name);
    struct slice asked = class_without_suffix(plugin);

    return included.size >= asked.size && slice_equal(slice_from(included, included.size - asked.size), asked);
}

/* Secrets that were masked when they were shown are those of the connector of that name. */
static void unmask(struct call *call, struct properties *config)
{
    const char *name = properties_get(config, "name");
    struct properties stored;
    struct error error;

    if (herder_config_copy(call->rest->herder, name == NULL ? "" : name, &stored, &error) == OK)
        secrets_unmask(config, &stored);
    properties_finish(&stored);
}

static void config_validate(struct call *call, struct properties *config)
{
    struct herder *herder = call->rest->herder;
    struct validation *validation;
    struct properties resolved;
    const char *refusal;
    struct error error;

    unmask(call, config);
    if (secrets_resolve(config, &resolved, &error) != OK) {
        call_failure(call, &error);
    } else {
        struct validate_request request = {.config = &resolved,
                                           .aliases = herder_aliases(herder),
                                           .stop_fd = herder_stop_fd(herder),
                                           .key_converter = properties_get(herder_settings_values(herder), "key.converter"),
                                           .value_converter = properties_get(herder_settings_values(herder), "value.converter")};

        validation = validation_create(call->request->arena, &request, &refusal);
        if (validation == NULL) {
            call_message(
                call, 500,
                arena_format(call->request->arena, "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: %s", refusal));
        } else {
            call_json(call, 200);
            validation_write(&call->response->body, validation);
        }
    }
    properties_finish(&resolved);
}

void plugin_validate(struct call *call)
{
    struct properties config;
    bool present;
    const char *failure = bind_map(call->request->arena, call->request->body, &present, &config);
    const char *class_name = properties_get(&config, "connector.class");

    if (failure == NULL && !present)
        failure = "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null";
    if (failure != NULL)
        call_message(call, 500, failure);
    else if (class_name != NULL && !is_asked_for(class_name, call->name))
        call_error(call, 400, "Included connector type %s does not match request type %s", class_name, call->name);
    else
        config_validate(call, &config);
    properties_finish(&config);
}
