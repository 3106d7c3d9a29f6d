/* kafka-acls: who may do what with topics, groups and the cluster. Source: Apache Kafka's AclCommand */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/terminal.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/console.h"
#include "wire/kafka/messages_acl.h"

#include <strings.h>
#include <unistd.h>

#define ANSWER_BYTES 64

/* ---- Options ---- */

static const struct argument_spec specs[] = {
    {.name = "add", .help = "Add ACLs."},
    {.name = "allow-host", .argument = ARGUMENT_REQUIRED, .value = "allow-host", .help = "Where the --allow-principal may come from; * when left out."},
    {.name = "allow-principal", .argument = ARGUMENT_REQUIRED, .value = "allow-principal", .help = "Who is allowed: User:NAME, or User:* for all."},
    {.name = "bootstrap-controller", .argument = ARGUMENT_REQUIRED, .value = "controller to connect to", .help = "The controllers to connect to."},
    {.name = "bootstrap-server", .argument = ARGUMENT_REQUIRED, .value = "server to connect to", .help = "The brokers to connect to."},
    {.name = "cluster", .help = "ACLs of the cluster."},
    {.name = "command-config", .argument = ARGUMENT_OPTIONAL, .value = "command-config", .help = "File with client settings."},
    {.name = "consumer", .help = "What a consumer needs: READ and DESCRIBE of topics, READ of groups."},
    {.name = "delegation-token", .argument = ARGUMENT_REQUIRED, .value = "delegation-token", .help = "ACLs of this delegation token."},
    {.name = "deny-host", .argument = ARGUMENT_REQUIRED, .value = "deny-host", .help = "Where the --deny-principal comes from; * when left out."},
    {.name = "deny-principal", .argument = ARGUMENT_REQUIRED, .value = "deny-principal", .help = "Who is denied, before anything that is allowed."},
    {.name = "force", .help = "Do not ask before removing."},
    {.name = "group", .argument = ARGUMENT_REQUIRED, .value = "group", .help = "ACLs of this consumer group; * for all."},
    {.name = "idempotent", .help = "With --producer: may also write idempotently."},
    {.name = "list", .help = "List ACLs, of all resources or of those named."},
    {.name = "operation", .argument = ARGUMENT_REQUIRED, .value = "String",
     .help = "What is allowed or denied: Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, "
             "IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit, All.",
     .default_value = "All"},
    {.name = "principal", .argument = ARGUMENT_OPTIONAL, .value = "principal", .help = "With --list: only ACLs of this principal."},
    {.name = "producer", .help = "What a producer needs: WRITE, DESCRIBE and CREATE of topics."},
    {.name = "remove", .help = "Remove ACLs."},
    {.name = "resource-pattern-type", .argument = ARGUMENT_REQUIRED, .value = "ANY|MATCH|LITERAL|PREFIXED",
     .help = "How names are meant; ANY and MATCH for --list and --remove only.", .default_value = "LITERAL"},
    {.name = "topic", .argument = ARGUMENT_REQUIRED, .value = "topic", .help = "ACLs of this topic; * for all."},
    {.name = "transactional-id", .argument = ARGUMENT_REQUIRED, .value = "transactional-id", .help = "ACLs of this transactional id; * for all."},
    {.name = "user-principal", .argument = ARGUMENT_REQUIRED, .value = "user-principal", .help = "ACLs of this user as a resource."},
    ARGUMENTS_COMMON,
    {0},
};

/* ---- What the protocol's numbers mean. Source: AclOperation, ResourceType, PatternType, AclPermissionType ---- */

enum { OPERATION_UNKNOWN, OPERATION_ANY, OPERATION_ALL, OPERATION_READ, OPERATION_WRITE, OPERATION_CREATE, OPERATION_DELETE, OPERATION_ALTER,
       OPERATION_DESCRIBE, OPERATION_CLUSTER_ACTION, OPERATION_DESCRIBE_CONFIGS, OPERATION_ALTER_CONFIGS, OPERATION_IDEMPOTENT_WRITE,
       OPERATION_CREATE_TOKENS, OPERATION_DESCRIBE_TOKENS, OPERATION_TWO_PHASE_COMMIT, OPERATION_COUNT };
enum { TYPE_ANY = 1, TYPE_TOPIC, TYPE_GROUP, TYPE_CLUSTER, TYPE_TRANSACTIONAL_ID, TYPE_DELEGATION_TOKEN, TYPE_USER, TYPE_COUNT };
enum { PATTERN_ANY = 1, PATTERN_MATCH, PATTERN_LITERAL, PATTERN_PREFIXED, PATTERN_COUNT };
enum { PERMISSION_ANY = 1, PERMISSION_DENY, PERMISSION_ALLOW, PERMISSION_COUNT };

#define BIT(operation) (1U << (operation))

static const struct {
    const char *constant; /* as shown */
    const char *typed;    /* as --operation has it, in any case; NULL: it does not */
} operations[OPERATION_COUNT] = {
    {"UNKNOWN", NULL},
    {"ANY", NULL},
    {"ALL", "All"},
    {"READ", "Read"},
    {"WRITE", "Write"},
    {"CREATE", "Create"},
    {"DELETE", "Delete"},
    {"ALTER", "Alter"},
    {"DESCRIBE", "Describe"},
    {"CLUSTER_ACTION", "ClusterAction"},
    {"DESCRIBE_CONFIGS", "DescribeConfigs"},
    {"ALTER_CONFIGS", "AlterConfigs"},
    {"IDEMPOTENT_WRITE", "IdempotentWrite"},
    {"CREATE_TOKENS", "CreateTokens"},
    {"DESCRIBE_TOKENS", "DescribeTokens"},
    {"TWO_PHASE_COMMIT", "TwoPhaseCommit"},
};

static const char *const patterns[PATTERN_COUNT] = {"UNKNOWN", "ANY", "MATCH", "LITERAL", "PREFIXED"};
static const char *const permissions[PERMISSION_COUNT] = {"UNKNOWN", "ANY", "DENY", "ALLOW"};

static const struct {
    const char *name;
    const char *option; /* that names one; NULL: --cluster, which has one name */
    const char *supported; /* the message about other operations shows these, in the order of Java's set of a topic's */
    uint32_t mask;
} types[TYPE_COUNT] = {
    [0] = {"UNKNOWN", NULL, "", 0},
    [TYPE_ANY] = {"ANY", NULL, "", 0},
    [TYPE_TOPIC] = {"TOPIC", "topic", "ALTER, CREATE, DESCRIBE_CONFIGS, READ, DESCRIBE, WRITE, ALTER_CONFIGS, DELETE, ALL",
                    BIT(OPERATION_ALTER) | BIT(OPERATION_CREATE) | BIT(OPERATION_DESCRIBE_CONFIGS) | BIT(OPERATION_READ) | BIT(OPERATION_DESCRIBE) |
                        BIT(OPERATION_WRITE) | BIT(OPERATION_ALTER_CONFIGS) | BIT(OPERATION_DELETE)},
    [TYPE_GROUP] = {"GROUP", "group", "DESCRIBE_CONFIGS, READ, DESCRIBE, ALTER_CONFIGS, DELETE, ALL",
                    BIT(OPERATION_DESCRIBE_CONFIGS) | BIT(OPERATION_READ) | BIT(OPERATION_DESCRIBE) | BIT(OPERATION_ALTER_CONFIGS) |
                        BIT(OPERATION_DELETE)},
    [TYPE_CLUSTER] = {"CLUSTER", NULL, "ALTER, CREATE, DESCRIBE_CONFIGS, CLUSTER_ACTION, IDEMPOTENT_WRITE, DESCRIBE, ALTER_CONFIGS, ALL",
                      BIT(OPERATION_ALTER) | BIT(OPERATION_CREATE) | BIT(OPERATION_DESCRIBE_CONFIGS) | BIT(OPERATION_CLUSTER_ACTION) |
                          BIT(OPERATION_IDEMPOTENT_WRITE) | BIT(OPERATION_DESCRIBE) | BIT(OPERATION_ALTER_CONFIGS)},
    [TYPE_TRANSACTIONAL_ID] = {"TRANSACTIONAL_ID", "transactional-id", "DESCRIBE, WRITE, TWO_PHASE_COMMIT, ALL",
                               BIT(OPERATION_DESCRIBE) | BIT(OPERATION_WRITE) | BIT(OPERATION_TWO_PHASE_COMMIT)},
    [TYPE_DELEGATION_TOKEN] = {"DELEGATION_TOKEN", "delegation-token", "DESCRIBE, ALL", BIT(OPERATION_DESCRIBE)},
    [TYPE_USER] = {"USER", "user-principal", "CREATE_TOKENS, DESCRIBE_TOKENS, ALL", BIT(OPERATION_CREATE_TOKENS) | BIT(OPERATION_DESCRIBE_TOKENS)},
};

/* Numbers of other programs may lie outside of the tables. */
static const char *type_name(int8_t type)
{
    return types[type > 0 && type < TYPE_COUNT ? type : 0].name;
}

static const char *pattern_name(int8_t pattern)
{
    return patterns[pattern > 0 && pattern < PATTERN_COUNT ? pattern : 0];
}

/* ---- What the command line says ---- */

/* One thing that ACLs are for, and the operations that the command line has for it. */
struct resource {
    int8_t type;
    struct slice name;
    int8_t pattern;
    uint32_t operations; /* BIT of each */
};

struct entry {
    struct slice principal, host;
    int8_t operation, permission;
};

struct acls {
    struct arena *arena;
    struct arguments options;
    struct client *client;
    int8_t pattern;
    struct resource *resources;
    size_t resource_count;
};

static struct slice trimmed(const char *text)
{
    return text_trim(slice_from_string(text == NULL ? "" : text));
}

static const struct failure *options_check(struct acls *tool)
{
    const struct arguments *options = &tool->options;
    int actions = arguments_has(options, "add") + arguments_has(options, "remove") + arguments_has(options, "list");
    const struct failure *failure = NULL;
    const char *wrong = NULL;

    if (arguments_has(options, "bootstrap-server") && arguments_has(options, "bootstrap-controller"))
        wrong = "Only one of --bootstrap-server or --bootstrap-controller must be specified";
    else if (!arguments_has(options, "bootstrap-server") && !arguments_has(options, "bootstrap-controller"))
        wrong = "One of --bootstrap-server or --bootstrap-controller must be specified";
    else if (actions != 1)
        wrong = "Command must include exactly one action: --list, --add, --remove. ";
    if (wrong == NULL)
        failure = arguments_exclude(options, "list", "producer", "consumer", "allow-host", "allow-principal", "deny-host", "deny-principal", NULL);
    if (wrong == NULL && failure == NULL)
        failure = arguments_exclude(options, "producer", "operation", "deny-principal", "deny-host", NULL);
    if (wrong == NULL && failure == NULL)
        failure = arguments_exclude(options, "consumer", "operation", "deny-principal", "deny-host", NULL);
    if (wrong != NULL || failure != NULL)
        return failure != NULL ? failure : failure_usage(tool->arena, "%s", wrong);
    if (arguments_has(options, "principal") && !arguments_has(options, "list"))
        wrong = "The --principal option is only available if --list is set";
    else if (arguments_has(options, "producer") && !arguments_has(options, "topic"))
        wrong = "With --producer you must specify a --topic";
    else if (arguments_has(options, "idempotent") && !arguments_has(options, "producer"))
        wrong = "The --idempotent option is only available if --producer is set";
    else if (arguments_has(options, "consumer") &&
             (!arguments_has(options, "topic") || !arguments_has(options, "group") ||
              (!arguments_has(options, "producer") && (arguments_has(options, "cluster") || arguments_has(options, "transactional-id")))))
        wrong = "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.";
    return wrong == NULL ? NULL : failure_usage(tool->arena, "%s", wrong);
}

static const struct failure *pattern_parse(struct acls *tool)
{
    const char *text = NULL;
    const struct failure *failure = arguments_text(&tool->options, "resource-pattern-type", &text);

    for (int8_t i = PATTERN_ANY; failure == NULL && i < PATTERN_COUNT; i++) {
        if (strcasecmp(text, patterns[i]) == 0)
            tool->pattern = i;
    }
    if (failure == NULL && tool->pattern == 0)
        failure = failure_usage(tool->arena, "Cannot parse argument '%s' of option resource-pattern-type", text);
    return failure;
}

static void resource_add(struct acls *tool, int8_t type, struct slice name, int8_t pattern)
{
    for (size_t i = 0; i < tool->resource_count; i++) {
        if (tool->resources[i].type == type && slice_equal(tool->resources[i].name, name))
            return;
    }
    tool->resources[tool->resource_count++] = (struct resource){.type = type, .name = name, .pattern = pattern};
}

static void resources_find(struct acls *tool)
{
    tool->resources = arena_new_array(tool->arena, tool->options.count + 1, sizeof(*tool->resources));
    for (int8_t type = TYPE_TOPIC; type < TYPE_COUNT; type++) {
        if (type == TYPE_CLUSTER && tool->pattern == PATTERN_LITERAL &&
            (arguments_has(&tool->options, "cluster") || arguments_has(&tool->options, "idempotent")))
            resource_add(tool, type, slice_from_string("kafka-cluster"), PATTERN_LITERAL);
        for (size_t i = 0; types[type].option != NULL && i < arguments_count(&tool->options, types[type].option); i++)
            resource_add(tool, type, trimmed(arguments_nth(&tool->options, types[type].option, i)), tool->pattern);
    }
}

/* BIT of each --operation, BIT(OPERATION_UNKNOWN) for words that mean none. */
static uint32_t operations_typed(struct acls *tool)
{
    size_t count = arguments_count(&tool->options, "operation");
    uint32_t mask = count == 0 ? BIT(OPERATION_ALL) : 0;

    for (size_t i = 0; i < count; i++) {
        const char *word = arena_copy_string(tool->arena, trimmed(arguments_nth(&tool->options, "operation", i)));
        int found = OPERATION_UNKNOWN;

        for (int j = 0; j < OPERATION_COUNT; j++) {
            if (operations[j].typed != NULL && strcasecmp(word, operations[j].typed) == 0)
                found = j;
        }
        mask |= BIT(found);
    }
    return mask;
}

/* What --producer and --consumer mean for a type. */
static uint32_t operations_of_roles(struct acls *tool, int8_t type)
{
    uint32_t mask = 0;

    if (arguments_has(&tool->options, "producer"))
        mask |= type == TYPE_TOPIC              ? BIT(OPERATION_WRITE) | BIT(OPERATION_DESCRIBE) | BIT(OPERATION_CREATE)
                : type == TYPE_TRANSACTIONAL_ID ? BIT(OPERATION_WRITE) | BIT(OPERATION_DESCRIBE)
                : type == TYPE_CLUSTER && arguments_has(&tool->options, "idempotent") ? BIT(OPERATION_IDEMPOTENT_WRITE)
                                                                                      : 0;
    if (arguments_has(&tool->options, "consumer"))
        mask |= type == TYPE_TOPIC ? BIT(OPERATION_READ) | BIT(OPERATION_DESCRIBE) : type == TYPE_GROUP ? BIT(OPERATION_READ) : 0;
    return mask;
}

static const struct failure *principals_check(struct acls *tool, const char *option)
{
    for (size_t i = 0; i < arguments_count(&tool->options, option); i++) {
        struct slice text = trimmed(arguments_nth(&tool->options, option, i));
        const uint8_t *colon = text.size == 0 ? NULL : memchr(text.data, ':', text.size);

        if (colon == NULL)
            return failure_of(tool->arena, FAILURE_ILLEGAL_ARGUMENT, "expected a string in format principalType:principalName but got %.*s",
                              (int)text.size, (const char *)text.data);
    }
    return NULL;
}

/* The resources with their operations; those that the roles say nothing of are left out. */
static const struct failure *resources_fill(struct acls *tool)
{
    bool has_roles = arguments_has(&tool->options, "producer") || arguments_has(&tool->options, "consumer");
    bool has_entries = arguments_has(&tool->options, "allow-principal") || arguments_has(&tool->options, "deny-principal");
    const struct failure *failure = principals_check(tool, "allow-principal");
    size_t kept = 0;

    if (failure == NULL)
        failure = principals_check(tool, "deny-principal");
    if (failure != NULL)
        return failure;
    resources_find(tool);
    if (tool->resource_count == 0)
        return failure_usage(tool->arena, "You must provide at least one resource: --topic <topic> or --cluster or --group <group> or "
                                          "--delegation-token <Delegation Token ID>");
    for (size_t i = 0; i < tool->resource_count; i++) {
        struct resource resource = tool->resources[i];

        resource.operations = has_roles ? operations_of_roles(tool, resource.type) : operations_typed(tool);
        if (has_entries && (resource.operations & ~(types[resource.type].mask | BIT(OPERATION_ALL))) != 0)
            return failure_usage(tool->arena, "ResourceType %s only supports operations [%s]", types[resource.type].name,
                                 types[resource.type].supported);
        if (resource.operations != 0)
            tool->resources[kept++] = resource;
    }
    tool->resource_count = kept;
    return NULL;
}

/* Every principal with every host and operation of one permission. */
static void entries_add(struct acls *tool, const struct resource *resource, int8_t permission, struct entry *entries, size_t *count)
{
    const char *principal = permission == PERMISSION_ALLOW ? "allow-principal" : "deny-principal";
    const char *host = permission == PERMISSION_ALLOW ? "allow-host" : "deny-host";
    size_t hosts = arguments_count(&tool->options, host);

    for (size_t i = 0; i < arguments_count(&tool->options, principal); i++) {
        for (int8_t operation = 0; operation < OPERATION_COUNT; operation++) {
            for (size_t j = 0; (resource->operations & BIT(operation)) != 0 && (j < hosts || j == 0); j++)
                entries[(*count)++] = (struct entry){.principal = trimmed(arguments_nth(&tool->options, principal, i)),
                                                     .host = hosts == 0 ? slice_from_string("*") : trimmed(arguments_nth(&tool->options, host, j)),
                                                     .operation = operation,
                                                     .permission = permission};
        }
    }
}

static struct entry *entries_of(struct acls *tool, const struct resource *resource, size_t *count)
{
    size_t room = (arguments_count(&tool->options, "allow-principal") + arguments_count(&tool->options, "deny-principal")) *
                  (arguments_count(&tool->options, "allow-host") + arguments_count(&tool->options, "deny-host") + 1) * OPERATION_COUNT;
    struct entry *entries = arena_new_array(tool->arena, room + 1, sizeof(*entries));

    *count = 0;
    entries_add(tool, resource, PERMISSION_ALLOW, entries, count);
    entries_add(tool, resource, PERMISSION_DENY, entries, count);
    return entries;
}

/* ---- Text ---- */

static const char *resource_text(struct acls *tool, int8_t type, struct slice name, int8_t pattern)
{
    return arena_format(tool->arena, "ResourcePattern(resourceType=%s, name=%.*s, patternType=%s)", type_name(type), (int)name.size,
                        (const char *)name.data, pattern_name(pattern));
}

static const char *entry_text(struct acls *tool, const struct entry *entry)
{
    return arena_format(tool->arena, "(principal=%.*s, host=%.*s, operation=%s, permissionType=%s)", (int)entry->principal.size,
                        (const char *)entry->principal.data, (int)entry->host.size, (const char *)entry->host.data,
                        operations[entry->operation > 0 && entry->operation < OPERATION_COUNT ? entry->operation : 0].constant,
                        permissions[entry->permission > 0 && entry->permission < PERMISSION_COUNT ? entry->permission : 0]);
}

static void entries_print(struct acls *tool, const struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("\t%s\n", entry_text(tool, &entries[i]));
}

/* ---- Listing ---- */

/* The ACLs of a resource; NULL: of all. */
static const struct failure *acls_describe(struct acls *tool, const struct resource *resource, struct kafka_describe_acls_response *response)
{
    struct kafka_describe_acls_request request;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_acls_request_message, &request);
    request.resource_type_filter = resource == NULL ? TYPE_ANY : resource->type;
    request.resource_name_filter = resource == NULL ? slice_null() : resource->name;
    request.pattern_type_filter = resource == NULL ? PATTERN_ANY : resource->pattern;
    request.operation = OPERATION_ANY;
    request.permission_type = PERMISSION_ANY;
    failure = client_call(tool->client, CLIENT_ANY, "describeAcls", KAFKA_DESCRIBE_ACLS, &request, response, tool->arena);
    if (failure == NULL && response->error_code != 0)
        failure = failure_from_kafka(tool->arena, response->error_code, response->error_message);
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

static struct entry entry_of(const struct kafka_describe_acls_response_acl *acl)
{
    return (struct entry){acl->principal, acl->host, acl->operation, acl->permission_type};
}

/* principal  only its ACLs; null for all */
static void listing_print(struct acls *tool, const struct kafka_describe_acls_response_resource *resource, struct slice principal)
{
    struct entry *entries = arena_new_array(tool->arena, (size_t)resource->acls.count + 1, sizeof(*entries));
    size_t count = 0;

    for (int32_t i = 0; i < resource->acls.count; i++) {
        if (slice_is_null(principal) || slice_equal(resource->acls.items[i].principal, principal))
            entries[count++] = entry_of(&resource->acls.items[i]);
    }
    if (count == 0)
        return;
    (void)printf("Current ACLs for resource `%s`:\n", resource_text(tool, resource->resource_type, resource->resource_name, resource->pattern_type));
    entries_print(tool, entries, count);
    (void)putchar('\n');
}

static bool same_resource(const struct kafka_describe_acls_response_resource *a, const struct kafka_describe_acls_response_resource *b)
{
    return a->resource_type == b->resource_type && a->pattern_type == b->pattern_type && slice_equal(a->resource_name, b->resource_name);
}

/* Prints each resource once, however many of the filters it fits. */
static void listings_print(struct acls *tool, const struct kafka_describe_acls_response *responses, size_t count, struct slice principal)
{
    for (size_t i = 0; i < count; i++) {
        for (int32_t j = 0; j < responses[i].resources.count; j++) {
            const struct kafka_describe_acls_response_resource *resource = &responses[i].resources.items[j];
            bool is_known = false;

            for (size_t k = 0; k < i && !is_known; k++) {
                for (int32_t l = 0; l < responses[k].resources.count && !is_known; l++)
                    is_known = same_resource(resource, &responses[k].resources.items[l]);
            }
            if (!is_known)
                listing_print(tool, resource, principal);
        }
    }
}

static const struct failure *acls_list(struct acls *tool)
{
    struct kafka_describe_acls_response *responses;
    const struct failure *failure = NULL;
    size_t count;

    resources_find(tool);
    count = tool->resource_count == 0 ? 1 : tool->resource_count;
    responses = arena_new_array(tool->arena, count, sizeof(*responses));
    failure = principals_check(tool, "principal");
    for (size_t i = 0; i < count && failure == NULL; i++)
        failure = acls_describe(tool, tool->resource_count == 0 ? NULL : &tool->resources[i], &responses[i]);
    if (failure != NULL)
        return failure;
    if (!arguments_has(&tool->options, "principal"))
        listings_print(tool, responses, count, slice_null());
    for (size_t i = 0; i < arguments_count(&tool->options, "principal"); i++) {
        struct slice principal = trimmed(arguments_nth(&tool->options, "principal", i));

        (void)printf("ACLs for principal `%.*s`\n", (int)principal.size, (const char *)principal.data);
        listings_print(tool, responses, count, principal);
    }
    return NULL;
}

/* ---- Adding ---- */

static bool is_there(const struct kafka_describe_acls_response *response, const struct resource *resource, const struct entry *entry)
{
    for (int32_t i = 0; i < response->resources.count; i++) {
        const struct kafka_describe_acls_response_resource *of = &response->resources.items[i];

        if (of->resource_type != resource->type || of->pattern_type != resource->pattern || !slice_equal(of->resource_name, resource->name))
            continue;
        for (int32_t j = 0; j < of->acls.count; j++) {
            const struct kafka_describe_acls_response_acl *acl = &of->acls.items[j];

            if (acl->operation == entry->operation && acl->permission_type == entry->permission && slice_equal(acl->principal, entry->principal) &&
                slice_equal(acl->host, entry->host))
                return true;
        }
    }
    return false;
}

static const struct failure *acls_create(struct acls *tool, const struct resource *resource, const struct entry *entries, size_t count)
{
    struct kafka_create_acls_request request;
    struct kafka_create_acls_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_create_acls_request_message, &request);
    request.creations.items = arena_new_array(tool->arena, count, sizeof(*request.creations.items));
    request.creations.count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        request.creations.items[i] = (struct kafka_create_acls_request_creation){
            .resource_type = resource->type, .resource_name = resource->name, .resource_pattern_type = resource->pattern,
            .principal = entries[i].principal, .host = entries[i].host, .operation = entries[i].operation,
            .permission_type = entries[i].permission};
    failure = client_call(tool->client, CLIENT_CONTROLLER, "createAcls", KAFKA_CREATE_ACLS, &request, &response, tool->arena);
    for (int32_t i = 0; failure == NULL && i < response.results.count; i++) {
        if (response.results.items[i].error_code != 0)
            failure = failure_from_kafka(tool->arena, response.results.items[i].error_code, response.results.items[i].error_message);
    }
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

static const struct failure *resource_acls_add(struct acls *tool, const struct resource *resource)
{
    struct kafka_describe_acls_response have;
    const char *shown = resource_text(tool, resource->type, resource->name, resource->pattern);
    size_t count = 0, missing = 0;
    struct entry *entries = entries_of(tool, resource, &count);
    const struct failure *failure = acls_describe(tool, resource, &have);

    for (size_t i = 0; i < count && failure == NULL; i++) {
        if (is_there(&have, resource, &entries[i]))
            (void)printf("Acl (pattern=%s, entry=%s) already exists.\n", shown, entry_text(tool, &entries[i]));
        else
            entries[missing++] = entries[i];
    }
    if (failure != NULL || missing == 0)
        return failure;
    (void)printf("Adding ACLs for resource `%s`: \n ", shown);
    entries_print(tool, entries, missing);
    (void)putchar('\n');
    return acls_create(tool, resource, entries, missing);
}

static const struct failure *acls_add(struct acls *tool)
{
    const struct failure *failure;

    if (tool->pattern == PATTERN_ANY || tool->pattern == PATTERN_MATCH)
        return failure_usage(tool->arena, "A '--resource-pattern-type' value of '%s' is not valid when adding acls.", pattern_name(tool->pattern));
    failure = resources_fill(tool);
    if (failure == NULL && !arguments_has(&tool->options, "allow-principal") && !arguments_has(&tool->options, "deny-principal"))
        failure = failure_usage(tool->arena, "You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.");
    for (size_t i = 0; i < tool->resource_count && failure == NULL; i++)
        failure = resource_acls_add(tool, &tool->resources[i]);
    return failure;
}

/* ---- Removing ---- */

/* Whether the question, which is on the screen, is answered with yes. */
static const struct failure *answer_read(struct acls *tool, bool *is_yes)
{
    char line[ANSWER_BYTES] = "";

    *is_yes = arguments_has(&tool->options, "force");
    if (*is_yes)
        return NULL;
    (void)fflush(stdout);
    if (!terminal_is(STDIN_FILENO) || fgets(line, sizeof(line), stdin) == NULL)
        return failure_of(tool->arena, "java.lang.IllegalStateException", "There is no terminal to answer on; remove with --force");
    line[strcspn(line, "\n")] = '\0';
    *is_yes = strcasecmp(line, "y") == 0;
    return NULL;
}

static const struct failure *acls_delete(struct acls *tool, const struct resource *resource, const struct entry *entries, size_t count)
{
    struct kafka_delete_acls_request request;
    struct kafka_delete_acls_response response;
    const struct failure *failure;
    size_t filters = count == 0 ? 1 : count;

    wire_init_defaults(&kafka_delete_acls_request_message, &request);
    request.filters.items = arena_new_array(tool->arena, filters, sizeof(*request.filters.items));
    request.filters.count = (int32_t)filters;
    for (size_t i = 0; i < filters; i++)
        request.filters.items[i] = (struct kafka_delete_acls_request_filter){
            .resource_type_filter = resource->type, .resource_name_filter = resource->name, .pattern_type_filter = resource->pattern,
            .principal_filter = count == 0 ? slice_null() : entries[i].principal, .host_filter = count == 0 ? slice_null() : entries[i].host,
            .operation = count == 0 ? OPERATION_ANY : entries[i].operation,
            .permission_type = count == 0 ? PERMISSION_ANY : entries[i].permission};
    failure = client_call(tool->client, CLIENT_CONTROLLER, "deleteAcls", KAFKA_DELETE_ACLS, &request, &response, tool->arena);
    for (int32_t i = 0; failure == NULL && i < response.filter_results.count; i++) {
        const struct kafka_delete_acls_response_filter_result *result = &response.filter_results.items[i];

        if (result->error_code != 0)
            failure = failure_from_kafka(tool->arena, result->error_code, result->error_message);
        for (int32_t j = 0; failure == NULL && j < result->matching_acls.count; j++) {
            if (result->matching_acls.items[j].error_code != 0)
                failure = failure_from_kafka(tool->arena, result->matching_acls.items[j].error_code, result->matching_acls.items[j].error_message);
        }
    }
    return failure == NULL ? NULL : failure_wrap(tool->arena, FAILURE_EXECUTION, failure);
}

static const struct failure *acls_remove(struct acls *tool)
{
    const struct failure *failure = resources_fill(tool);

    for (size_t i = 0; i < tool->resource_count && failure == NULL; i++) {
        const struct resource *resource = &tool->resources[i];
        const char *shown = resource_text(tool, resource->type, resource->name, resource->pattern);
        size_t count = 0;
        struct entry *entries = entries_of(tool, resource, &count);
        bool is_yes = false;

        if (count == 0 && !arguments_has(&tool->options, "force"))
            (void)printf("Are you sure you want to delete all ACLs for resource filter `%s`? (y/n)\n", shown);
        if (count > 0 && !arguments_has(&tool->options, "force")) {
            (void)printf("Are you sure you want to remove ACLs: \n ");
            entries_print(tool, entries, count);
            (void)printf(" from resource filter `%s`? (y/n)\n", shown);
        }
        failure = answer_read(tool, &is_yes);
        if (failure == NULL && is_yes)
            failure = acls_delete(tool, resource, entries, count);
    }
    return failure;
}

/* ---- The tool ---- */

static int acls_run(struct arena *arena, int argc, char **argv)
{
    struct acls tool = {.arena = arena};
    const struct failure *failure = arguments_parse(&tool.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure == NULL && arguments_help_or_version(&tool.options, "This tool helps to manage acls on kafka.", &exit_code))
        return exit_code;
    if (failure == NULL)
        failure = options_check(&tool);
    if (failure == NULL)
        failure = pattern_parse(&tool);
    if (failure == NULL)
        failure = admin_open(&tool.options, NULL, &tool.client);
    if (failure == NULL)
        failure = arguments_has(&tool.options, "add")      ? acls_add(&tool)
                  : arguments_has(&tool.options, "remove") ? acls_remove(&tool)
                                                           : acls_list(&tool);
    if (failure != NULL && (failure->class_name == NULL || arguments_is_failure(failure))) {
        exit_code = arguments_print_usage(&tool.options, failure_message(failure));
    } else if (failure != NULL) {
        (void)fputs("Error while executing ACL command: ", stdout);
        exit_code = console_print_fatal(stdout, failure);
    }
    client_destroy(tool.client);
    return exit_code;
}

int kafka_acls_main(int argc, char **argv)
{
    return command_run(argc, argv, acls_run);
}
