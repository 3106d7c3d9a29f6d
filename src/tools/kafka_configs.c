/* kafka-configs: settings of topics, brokers, groups; quotas and credentials. Source: Apache Kafka's ConfigCommand. */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/text.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/configs.h"
#include "tools/groups.h"
#include "tools/settings.h"

#include <ctype.h>

static const struct argument_spec specs[] = {
    {.name = "add-config", .argument = ARGUMENT_REQUIRED, .value = "k1=v1,k2=[v1,v2],k3=v3", .help = "Alter: settings to set."},
    {.name = "add-config-file", .argument = ARGUMENT_REQUIRED, .value = "file", .help = "Alter: a properties file with settings to set."},
    {.name = "all", .help = "Describe: also what comes from elsewhere."},
    {.name = "alter", .help = "Change settings."},
    {.name = "bootstrap-controller", .argument = ARGUMENT_REQUIRED, .value = "controller to connect to", .help = "The controllers to connect to."},
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "The brokers to connect to."},
    {.name = "broker", .argument = ARGUMENT_REQUIRED, .value = "id", .help = "A broker."},
    {.name = "broker-defaults", .help = "The defaults of all brokers."},
    {.name = "broker-logger", .argument = ARGUMENT_REQUIRED, .value = "id", .help = "The loggers of a broker."},
    {.name = "client", .argument = ARGUMENT_REQUIRED, .value = "id", .help = "A client."},
    {.name = "client-defaults", .help = "The defaults of all clients."},
    {.name = "client-metrics", .argument = ARGUMENT_REQUIRED, .value = "name", .help = "A subscription to clients' metrics."},
    {.name = "command-config", .argument = ARGUMENT_REQUIRED, .value = "command config property file", .help = "File with client settings."},
    {.name = "delete-config", .argument = ARGUMENT_REQUIRED, .value = "k1,k2", .help = "Alter: settings to take back."},
    {.name = "describe", .help = "Show settings."},
    {.name = "entity-default", .help = "The default of the entity type before it."},
    {.name = "entity-name", .argument = ARGUMENT_REQUIRED, .value = "name", .help = "Which one of the entity type before it."},
    {.name = "entity-type", .argument = ARGUMENT_REQUIRED, .value = "type",
     .help = "topics, clients, users, brokers, broker-loggers, ips, client-metrics or groups."},
    {.name = "group", .argument = ARGUMENT_REQUIRED, .value = "id", .help = "A group."},
    {.name = "ip", .argument = ARGUMENT_REQUIRED, .value = "address", .help = "An address."},
    {.name = "ip-defaults", .help = "The defaults of all addresses."},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "name", .help = "A topic."},
    {.name = "user", .argument = ARGUMENT_REQUIRED, .value = "name", .help = "A user."},
    {.name = "user-defaults", .help = "The defaults of all users."},
    ARGUMENTS_COMMON,
    {0},
};

/* Options that name type and entity in one, in the order in which Apache's tool looks at them. */
static const struct {
    const char *option, *type;
    bool is_default;
} shortcuts[] = {
    {"topic", "topics", false},         {"client", "clients", false},         {"user", "users", false},
    {"broker", "brokers", false},       {"broker-logger", "broker-loggers", false}, {"ip", "ips", false},
    {"client-metrics", "client-metrics", false}, {"group", "groups", false},  {"client-defaults", "clients", true},
    {"user-defaults", "users", true},   {"broker-defaults", "brokers", true}, {"ip-defaults", "ips", true},
};
#define SHORTCUTS (sizeof(shortcuts) / sizeof(shortcuts[0]))

static const char entity_types[] = "topics, clients, users, brokers, ips, client-metrics, groups, broker-loggers";

bool configs_has_type(const struct configs *tool, const char *type)
{
    for (size_t i = 0; i < tool->type_count; i++) {
        if (strcmp(tool->types[i], type) == 0)
            return true;
    }
    return false;
}

/* ---- Options ---- */

static void entities_gather(struct configs *tool)
{
    const struct arguments *options = &tool->options;

    for (size_t i = 0; i < options->count; i++) {
        const char *name = options->values[i].spec->name;

        if (strcmp(name, "entity-type") == 0 && tool->type_count < CONFIGS_ENTITIES_MAX)
            tool->types[tool->type_count++] = options->values[i].text;
        if (strcmp(name, "entity-name") == 0 && tool->name_count < CONFIGS_ENTITIES_MAX)
            tool->names[tool->name_count++] = options->values[i].text;
        if (strcmp(name, "entity-default") == 0 && tool->name_count < CONFIGS_ENTITIES_MAX)
            tool->names[tool->name_count++] = "";
    }
    for (size_t i = 0; i < SHORTCUTS; i++) {
        if (!arguments_has(options, shortcuts[i].option) || tool->type_count == CONFIGS_ENTITIES_MAX || tool->name_count == CONFIGS_ENTITIES_MAX)
            continue;
        tool->types[tool->type_count++] = shortcuts[i].type;
        tool->names[tool->name_count++] = shortcuts[i].is_default ? "" : arguments_nth(options, shortcuts[i].option, 0);
    }
}

static bool has_shortcut(const struct configs *tool)
{
    for (size_t i = 0; i < SHORTCUTS; i++) {
        if (arguments_has(&tool->options, shortcuts[i].option))
            return true;
    }
    return false;
}

static bool is_entity_type(const char *type)
{
    struct slice rest = slice_from_string(entity_types);
    struct slice field;

    while (text_next_field(&rest, ',', &field)) {
        if (slice_equal_string(text_trim(field), type))
            return true;
    }
    return false;
}

static const struct failure *types_check(struct configs *tool)
{
    const struct arguments *options = &tool->options;

    for (size_t i = 0; i < tool->type_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(tool->types[i], tool->types[j]) == 0)
                return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Duplicate entity type(s) specified: %s", tool->types[i]);
        }
    }
    for (size_t i = 0; i < tool->type_count; i++) {
        if (!is_entity_type(tool->types[i]))
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                              "Invalid entity type %s, the entity type must be one of %s with a --bootstrap-server or --bootstrap-controller argument",
                              tool->types[i], entity_types);
    }
    if (tool->type_count == 0)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "At least one entity type must be specified");
    if (tool->type_count > 1 && !(tool->type_count == 2 && configs_has_type(tool, "users") && configs_has_type(tool, "clients")))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Only 'users' and 'clients' entity types may be specified together");
    if (has_shortcut(tool) &&
        (arguments_has(options, "entity-name") || arguments_has(options, "entity-type") || arguments_has(options, "entity-default")))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                          "--entity-{type,name,default} should not be used in conjunction with specific entity flags");
    if (!arguments_has(options, "bootstrap-server") && !arguments_has(options, "bootstrap-controller"))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Either --bootstrap-server or --bootstrap-controller must be specified.");
    if (arguments_has(options, "bootstrap-server") && arguments_has(options, "bootstrap-controller"))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Only one of --bootstrap-server or --bootstrap-controller can be specified");
    return NULL;
}

static const char *types_text(struct configs *tool)
{
    const char *text = tool->types[0];

    for (size_t i = 1; i < tool->type_count; i++)
        text = arena_format(tool->arena, "%s,%s", text, tool->types[i]);
    return text;
}

static const struct failure *broker_ids_check(struct configs *tool)
{
    int32_t number;

    if (!configs_has_type(tool, "brokers") && !configs_has_type(tool, "broker-loggers"))
        return NULL;
    for (size_t i = 0; i < tool->name_count; i++) {
        if (*tool->names[i] != '\0' && !text_parse_int32(slice_from_string(tool->names[i]), &number))
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "The entity name for %s must be a valid integer broker id, but it is: %s",
                              tool->types[0], tool->names[i]);
    }
    return NULL;
}

/* Is this a type that has defaults? */
static bool has_defaults(const struct configs *tool)
{
    return configs_has_type(tool, "users") || configs_has_type(tool, "clients") || configs_has_type(tool, "brokers") || configs_has_type(tool, "ips");
}

static const struct failure *alter_check(struct configs *tool, bool has_name, bool has_default)
{
    const struct arguments *options = &tool->options;

    if (has_defaults(tool) && !has_name && !has_default)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                          "An entity-name or default entity must be specified with --alter of users, clients, brokers or ips");
    if (!has_defaults(tool) && !has_name)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "An entity name must be specified with --alter of %s", types_text(tool));
    if (arguments_has(options, "add-config") && arguments_has(options, "add-config-file"))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Only one of --add-config or --add-config-file must be specified");
    if (!arguments_has(options, "add-config") && !arguments_has(options, "add-config-file") && !arguments_has(options, "delete-config"))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                          "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter");
    return NULL;
}

static const struct failure *options_check(struct configs *tool)
{
    const struct arguments *options = &tool->options;
    bool has_name = false;
    bool has_default = false;
    const struct failure *failure;

    if (arguments_has(options, "alter") + arguments_has(options, "describe") != 1)
        return failure_usage(tool->arena, "Command must include exactly one action: --describe, --alter");
    failure = arguments_exclude(options, "describe", "add-config", "delete-config", NULL);
    if (failure == NULL)
        failure = types_check(tool);
    if (failure == NULL)
        failure = broker_ids_check(tool);
    if (failure != NULL)
        return failure;
    for (size_t i = 0; i < tool->name_count; i++) {
        has_name = has_name || *tool->names[i] != '\0';
        has_default = has_default || *tool->names[i] == '\0';
    }
    if (arguments_has(options, "describe") && !has_defaults(tool) && arguments_has(options, "entity-default"))
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "--entity-default must not be specified with --describe of %s", types_text(tool));
    if (arguments_has(options, "describe") && configs_has_type(tool, "broker-loggers") && !has_name)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "An entity name must be specified with --describe of %s", types_text(tool));
    return arguments_has(options, "alter") ? alter_check(tool, has_name, has_default) : NULL;
}

/* ---- Settings to add and to delete ---- */

/* Is the character at `at` outside of brackets? Then the next bracket behind it does not close one. */
static bool is_outside(struct slice text, size_t at)
{
    for (size_t i = at + 1; i < text.size; i++) {
        if (text.data[i] == '[')
            return true;
        if (text.data[i] == ']')
            return false;
    }
    return true;
}

/* Cuts at the next separator outside of brackets; false when nothing is left. */
static bool next_part(struct slice *rest, char separator, struct slice *part)
{
    if (rest->data == NULL)
        return false;
    for (size_t i = 0; i < rest->size; i++) {
        if (rest->data[i] == (uint8_t)separator && is_outside(*rest, i)) {
            *part = slice_of(rest->data, i);
            *rest = slice_from(*rest, i + 1);
            return true;
        }
    }
    *part = *rest;
    *rest = slice_null();
    return true;
}

static struct slice without_brackets(struct arena *arena, struct slice text)
{
    char *copy = arena_copy_string(arena, text);
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '[' && text.data[i] != ']')
            copy[size++] = (char)text.data[i];
    }
    return text_trim(slice_of(copy, size));
}

static void pair_set(struct configs *tool, struct slice name, struct slice value)
{
    size_t at = 0;

    while (at < tool->added_count && !slice_equal(tool->added[at].name, name))
        at++;
    tool->added[at] = (struct config_pair){name, value};
    if (at == tool->added_count)
        tool->added_count++;
}

static const struct failure *names_check(struct configs *tool)
{
    for (size_t i = 0; i < tool->added_count; i++) {
        struct slice name = tool->added[i].name;

        for (size_t j = 0; j < name.size; j++) {
            if (!isalnum(name.data[j]) && memchr("._-", name.data[j], 3) == NULL)
                return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Invalid character found for config key: %.*s", (int)name.size,
                                  (const char *)name.data);
        }
    }
    return NULL;
}

static const struct failure *added_parse_file(struct configs *tool, const char *path)
{
    struct properties properties;
    const struct failure *failure;

    properties_init(&properties);
    failure = settings_load_file(tool->arena, path, &properties);
    tool->added = arena_new_array(tool->arena, properties.count + 1, sizeof(*tool->added));
    for (size_t i = 0; failure == NULL && i < properties.count; i++)
        pair_set(tool, slice_from_string(arena_copy_string(tool->arena, slice_from_string(properties.items[i].key))),
                 slice_from_string(arena_copy_string(tool->arena, slice_from_string(properties.items[i].value))));
    properties_finish(&properties);
    return failure;
}

static const struct failure *added_parse(struct configs *tool)
{
    const char *text = NULL;
    const char *path = NULL;
    struct slice rest, item, name, value, third;
    const struct failure *failure = arguments_text(&tool->options, "add-config-file", &path);

    if (failure == NULL && path != NULL)
        failure = added_parse_file(tool, path);
    if (failure == NULL)
        failure = arguments_text(&tool->options, "add-config", &text);
    if (failure != NULL || text == NULL)
        return failure != NULL ? failure : names_check(tool);
    rest = slice_from_string(text);
    tool->added = arena_new_array(tool->arena, rest.size + 1, sizeof(*tool->added));
    while (next_part(&rest, ',', &item)) {
        struct slice left = item;

        if (item.size == 0 && slice_is_null(rest) && tool->added_count > 0)
            break; /* Java's split drops what is empty at the end */
        if (!next_part(&left, '=', &name) || !next_part(&left, '=', &value) || next_part(&left, '=', &third))
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT,
                              "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  "
                              "\"key=[val1,val2]\" to group values which contain commas.");
        pair_set(tool, text_trim(name), without_brackets(tool->arena, value));
    }
    return names_check(tool);
}

static void deleted_parse(struct configs *tool)
{
    size_t capacity = 1;

    for (size_t i = 0; i < arguments_count(&tool->options, "delete-config"); i++)
        capacity += strlen(arguments_nth(&tool->options, "delete-config", i)) + 1;
    tool->deleted = arena_new_array(tool->arena, capacity, sizeof(*tool->deleted));
    for (size_t i = 0; i < arguments_count(&tool->options, "delete-config"); i++) {
        struct slice rest = slice_from_string(arguments_nth(&tool->options, "delete-config", i));
        struct slice field;

        while (text_next_field(&rest, ',', &field))
            tool->deleted[tool->deleted_count++] = text_trim(field);
    }
}

/* ---- Resources: topics, brokers, loggers, groups, metrics ---- */

static int8_t resource_type(const char *type)
{
    return strcmp(type, "topics") == 0           ? RESOURCE_TOPIC
           : strcmp(type, "brokers") == 0        ? RESOURCE_BROKER
           : strcmp(type, "broker-loggers") == 0 ? RESOURCE_BROKER_LOGGER
           : strcmp(type, "client-metrics") == 0 ? RESOURCE_CLIENT_METRICS
                                                 : RESOURCE_GROUP;
}

/* The source of what was set for this resource itself; 0: show everything. */
static int8_t own_source(const char *type, const char *name)
{
    switch (resource_type(type)) {
    case RESOURCE_TOPIC: return CONFIG_SOURCE_TOPIC;
    case RESOURCE_BROKER: return *name == '\0' ? CONFIG_SOURCE_DEFAULT_BROKER : CONFIG_SOURCE_BROKER;
    case RESOURCE_CLIENT_METRICS: return CONFIG_SOURCE_CLIENT_METRICS;
    case RESOURCE_GROUP: return CONFIG_SOURCE_GROUP;
    default: return 0;
    }
}

static const char *source_name(int8_t source)
{
    static const char *const names[] = {"UNKNOWN",
                                        "DYNAMIC_TOPIC_CONFIG",
                                        "DYNAMIC_BROKER_CONFIG",
                                        "DYNAMIC_DEFAULT_BROKER_CONFIG",
                                        "STATIC_BROKER_CONFIG",
                                        "DEFAULT_CONFIG",
                                        "DYNAMIC_BROKER_LOGGER_CONFIG",
                                        "DYNAMIC_CLIENT_METRICS_CONFIG",
                                        "DYNAMIC_GROUP_CONFIG"};

    return source > 0 && source < (int8_t)(sizeof(names) / sizeof(names[0])) ? names[source] : names[0];
}

static void value_print(struct slice value)
{
    if (slice_is_null(value))
        (void)fputs("null", stdout);
    else
        (void)printf("%.*s", (int)value.size, (const char *)value.data);
}

static void entry_print(const struct kafka_describe_configs_response_config *entry)
{
    (void)printf("  %.*s=", (int)entry->name.size, (const char *)entry->name.data);
    value_print(entry->value);
    (void)printf(" sensitive=%s synonyms={", entry->is_sensitive ? "true" : "false");
    for (int32_t i = 0; i < entry->synonyms.count; i++) {
        const struct kafka_describe_configs_response_synonym *synonym = &entry->synonyms.items[i];

        (void)printf("%s%s:%.*s=", i == 0 ? "" : ", ", source_name(synonym->source), (int)synonym->name.size, (const char *)synonym->name.data);
        value_print(synonym->value);
    }
    (void)fputs("}\n", stdout);
}

static int entry_order(const void *a, const void *b)
{
    return slice_compare(((const struct kafka_describe_configs_response_config *)a)->name,
                         ((const struct kafka_describe_configs_response_config *)b)->name);
}

/* "topics" without its s. */
static const char *singular(struct configs *tool, const char *type)
{
    return arena_copy_string(tool->arena, slice_of(type, strlen(type) - 1));
}

static const struct failure *resource_describe(struct configs *tool, const char *type, const char *name)
{
    bool shows_all = arguments_has(&tool->options, "all");
    struct config_listing configs;
    struct kafka_describe_configs_response_config *sorted;
    const struct failure *failure =
        strcmp(type, "topics") == 0 ? admin_check_topic_name(tool->arena, slice_from_string(name)) : NULL;

    if (failure != NULL)
        return failure;
    if (*name == '\0')
        (void)printf("Default configs for %s in the cluster are:\n", type);
    else
        (void)printf("%s configs for %s %s are:\n", shows_all ? "All" : "Dynamic", singular(tool, type), name);
    failure = admin_describe_configs(tool->client, tool->arena, resource_type(type), slice_from_string(name), true, &configs);
    if (failure != NULL)
        return failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
    sorted = arena_new_array(tool->arena, configs.count + 1, sizeof(*sorted));
    if (configs.count > 0)
        memcpy(sorted, configs.entries, configs.count * sizeof(*sorted));
    qsort(sorted, configs.count, sizeof(*sorted), entry_order);
    for (size_t i = 0; i < configs.count; i++) {
        if (shows_all || own_source(type, name) == 0 || sorted[i].config_source == own_source(type, name))
            entry_print(&sorted[i]);
    }
    return NULL;
}

/* Names of resources of a kind that have settings. */
static const struct failure *resources_list(struct configs *tool, int8_t type, const char ***names, size_t *count)
{
    struct kafka_list_config_resources_request request;
    struct kafka_list_config_resources_response response;
    const struct failure *failure;
    const char **all;

    wire_init_defaults(&kafka_list_config_resources_request_message, &request);
    request.resource_types = (wire_int8_array){&type, 1};
    failure = client_call(tool->client, CLIENT_ANY, "listConfigResources", KAFKA_LIST_CONFIG_RESOURCES, &request, &response, tool->arena);
    if (failure == NULL && response.error_code != 0)
        failure = failure_from_kafka(tool->arena, response.error_code, slice_null());
    if (failure != NULL)
        return strstr(failure->class_name, "UnsupportedVersion") != NULL ? NULL : failure;
    all = arena_new_array(tool->arena, *count + (size_t)response.config_resources.count + 1, sizeof(*all));
    if (*count > 0)
        memcpy(all, *names, *count * sizeof(*all));
    for (int32_t i = 0; i < response.config_resources.count; i++) {
        const char *name = arena_copy_string(tool->arena, response.config_resources.items[i].resource_name);
        size_t at = 0;

        while (at < *count && strcmp(all[at], name) != 0)
            at++;
        if (at == *count)
            all[(*count)++] = name;
    }
    *names = all;
    return NULL;
}

static const struct failure *topics_list(struct configs *tool, const char ***names, size_t *count)
{
    struct topic_listing *topics;
    const struct failure *failure = admin_list_topics(tool->client, tool->arena, &topics, count);

    if (failure != NULL)
        return failure;
    *names = arena_new_array(tool->arena, *count + 1, sizeof(**names));
    for (size_t i = 0; i < *count; i++)
        (*names)[i] = arena_copy_string(tool->arena, topics[i].name);
    return NULL;
}

static const struct failure *groups_and_settings_list(struct configs *tool, const char ***names, size_t *count)
{
    struct group_listing *groups;
    const struct failure *failure = groups_list(tool->client, tool->arena, NULL, 0, NULL, 0, &groups, count);

    if (failure != NULL)
        return failure;
    *names = arena_new_array(tool->arena, *count + 1, sizeof(**names));
    for (size_t i = 0; i < *count; i++)
        (*names)[i] = arena_copy_string(tool->arena, groups[i].id);
    return resources_list(tool, RESOURCE_GROUP, names, count);
}

static const struct failure *brokers_list(struct configs *tool, const char ***names, size_t *count)
{
    const struct failure *failure = client_find_nodes(tool->client, "listNodes");

    if (failure != NULL)
        return failure;
    *names = arena_new_array(tool->arena, client_node_count(tool->client) + 2, sizeof(**names));
    for (size_t i = 0; i < client_node_count(tool->client); i++)
        (*names)[(*count)++] = arena_format(tool->arena, "%d", client_node_at(tool->client, i)->id);
    (*names)[(*count)++] = "";
    return NULL;
}

static const struct failure *entities_list(struct configs *tool, const char ***names, size_t *count)
{
    const struct failure *failure;

    *names = NULL;
    *count = 0;
    switch (resource_type(tool->types[0])) {
    case RESOURCE_TOPIC: failure = topics_list(tool, names, count); break;
    case RESOURCE_CLIENT_METRICS: failure = resources_list(tool, RESOURCE_CLIENT_METRICS, names, count); break;
    case RESOURCE_GROUP: failure = groups_and_settings_list(tool, names, count); break;
    default: failure = brokers_list(tool, names, count); break;
    }
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

/* Says so when the one that was asked for is not there. */
static const struct failure *is_there(struct configs *tool, const char *name, bool *found)
{
    const char **names;
    size_t count;
    const struct failure *failure =
        strcmp(tool->types[0], "topics") == 0 ? admin_check_topic_name(tool->arena, slice_from_string(name)) : NULL;

    if (failure == NULL)
        failure = entities_list(tool, &names, &count);
    *found = false;
    for (size_t i = 0; failure == NULL && i < count; i++)
        *found = *found || strcmp(names[i], name) == 0;
    if (failure == NULL && !*found)
        (void)printf("The %s '%s' doesn't exist and doesn't have dynamic config.\n", singular(tool, tool->types[0]), name);
    return failure;
}

static const struct failure *resources_describe(struct configs *tool)
{
    const char **names = tool->names;
    size_t count = tool->name_count > 0 ? 1 : 0;
    bool found = true;
    const struct failure *failure = NULL;

    if (count == 0)
        failure = entities_list(tool, &names, &count);
    else if (!arguments_has(&tool->options, "all"))
        failure = is_there(tool, names[0], &found);
    for (size_t i = 0; i < count && failure == NULL && found; i++)
        failure = resource_describe(tool, tool->types[0], names[i]);
    return failure;
}

static void ops_fill(struct configs *tool, struct kafka_incremental_alter_configs_request_resource *resource)
{
    size_t count = tool->added_count + tool->deleted_count;

    resource->configs.items = arena_new_array(tool->arena, count + 1, sizeof(*resource->configs.items));
    resource->configs.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct kafka_incremental_alter_configs_request_config *op = &resource->configs.items[i];
        bool is_added = i < tool->added_count;

        wire_init_defaults(&kafka_incremental_alter_configs_request_config_message, op);
        op->name = is_added ? tool->added[i].name : tool->deleted[i - tool->added_count];
        op->config_operation = is_added ? 0 : 1;
        op->value = is_added ? tool->added[i].value : slice_from_string("");
    }
}

static const struct failure *resource_alter(struct configs *tool)
{
    struct kafka_incremental_alter_configs_request request;
    struct kafka_incremental_alter_configs_request_resource resource;
    struct kafka_incremental_alter_configs_response response;
    const struct failure *failure = NULL;
    int32_t target = CLIENT_ANY;

    wire_init_defaults(&kafka_incremental_alter_configs_request_message, &request);
    wire_init_defaults(&kafka_incremental_alter_configs_request_resource_message, &resource);
    resource.resource_type = resource_type(tool->types[0]);
    resource.resource_name = slice_from_string(tool->names[0]);
    ops_fill(tool, &resource);
    request.resources.items = &resource;
    request.resources.count = 1;
    if ((resource.resource_type == RESOURCE_BROKER || resource.resource_type == RESOURCE_BROKER_LOGGER) && *tool->names[0] != '\0')
        (void)text_parse_int32(resource.resource_name, &target);
    failure = client_call(tool->client, target, "incrementalAlterConfigs", KAFKA_INCREMENTAL_ALTER_CONFIGS, &request, &response, tool->arena);
    if (failure == NULL && response.responses.count > 0 && response.responses.items[0].error_code != 0)
        failure = failure_from_kafka(tool->arena, response.responses.items[0].error_code, response.responses.items[0].error_message);
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

/* ---- The tool ---- */

static bool is_quota_type(const struct configs *tool)
{
    return configs_has_type(tool, "users") || configs_has_type(tool, "clients") || configs_has_type(tool, "ips");
}

static const struct failure *configs_alter(struct configs *tool)
{
    const struct failure *failure;

    if (tool->type_count != tool->name_count)
        return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "Exactly one entity name must be specified for every entity type");
    failure = added_parse(tool);
    if (failure != NULL)
        return failure;
    deleted_parse(tool);
    failure = is_quota_type(tool) ? configs_quota_alter(tool) : resource_alter(tool);
    if (failure != NULL)
        return failure;
    if (*tool->names[0] == '\0')
        (void)printf("Completed updating default config for %s in the cluster.\n", tool->types[0]);
    else
        (void)printf("Completed updating config for %s %s.\n", singular(tool, tool->types[0]), tool->names[0]);
    return NULL;
}

static const struct failure *action_run(struct configs *tool)
{
    const struct failure *failure = admin_open(&tool->options, NULL, &tool->client);

    if (failure != NULL)
        return failure;
    if (arguments_has(&tool->options, "alter"))
        return configs_alter(tool);
    return is_quota_type(tool) ? configs_quota_describe(tool) : resources_describe(tool);
}

/* What the user typed wrong is told in one line; what the cluster refused with all its causes. */
static int tool_failed(struct configs *tool, const struct failure *failure)
{
    if (failure->class_name == NULL)
        return arguments_print_usage(&tool->options, failure->message);
    if (strcmp(failure->class_name, FAILURE_ILLEGAL_ARGUMENT) == 0 || arguments_is_failure(failure) ||
        strstr(failure->class_name, "InvalidConfigurationException") != NULL || strstr(failure->class_name, "InvalidTopicException") != NULL) {
        (void)fprintf(stderr, "%s\n", failure_message(failure));
        return 1;
    }
    (void)fprintf(stderr, "Error while executing config command with args '%s'\n",
                  command_line(tool->arena, tool->options.argc, tool->options.argv));
    failure_print(stderr, failure);
    return 1;
}

static int configs_run(struct arena *arena, int argc, char **argv)
{
    struct configs tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure != NULL)
        return tool_failed(&tool, failure);
    if (arguments_help_or_version(
            &tool.options,
            "This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group", &exit_code))
        return exit_code;
    entities_gather(&tool);
    failure = options_check(&tool);
    if (failure == NULL)
        failure = action_run(&tool);
    if (failure != NULL)
        exit_code = tool_failed(&tool, failure);
    client_destroy(tool.client);
    return exit_code;
}

int kafka_configs_main(int argc, char **argv)
{
    return command_run(argc, argv, configs_run);
}
