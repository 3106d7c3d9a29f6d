/* preflight_config.c: a connector's configuration by itself: read from a text, and checked as Connect checks it. */
#include "connect/preflight_internal.h"

#include "base/banned.h"
#include "base/text.h"
#include "connect/json_in.h"
#include "connect/validate.h"

/* ---- Reading ---- */

/* A member's value as a property's text. False: it is an object or a list. */
static bool value_set(struct properties *config, const struct json *member, struct arena *arena)
{
    const char *name = arena_copy_string(arena, member->name);

    switch (member->kind) {
    case NODE_OBJECT:
    case NODE_ARRAY: return false;
    case NODE_NULL: properties_set(config, name, NULL); break;
    case NODE_TRUE: properties_set(config, name, "true"); break;
    case NODE_FALSE: properties_set(config, name, "false"); break;
    default: properties_set(config, name, (const char *)member->text.data); break;
    }
    return true;
}

static enum status json_config_read(struct slice text, struct arena *arena, const char **name, struct properties *config, struct error *error)
{
    struct json_document document;
    const struct json *inner, *named;

    json_read(arena, text, &document);
    if (document.broken || document.trailing != NULL)
        return error_set(error, ERROR_BAD_INPUT, "line %d, column %zu: %s", document.where.line, document.where.column, document.broken ? document.problem : "something stands behind the end");
    if (document.root == NULL || document.root->kind != NODE_OBJECT)
        return error_set(error, ERROR_BAD_INPUT, "it is no JSON object; wanted is the body of POST /connectors, or what is in its \"config\"");
    inner = json_member(document.root, "config");
    inner = inner != NULL && inner->kind == NODE_OBJECT ? inner : document.root;
    named = json_member(document.root, "name");
    if (named != NULL && named->kind == NODE_STRING && named->text.size > 0)
        *name = (const char *)named->text.data;
    for (const struct json *member = inner->first; member != NULL; member = member->next) {
        if (!value_set(config, member, arena))
            return error_set(error, ERROR_BAD_INPUT, "line %d: the value of %.*s is no text and no number", member->at.line, (int)member->name.size, (const char *)member->name.data);
    }
    return OK;
}

/* A file of Kafka Connect's standalone mode, or of Debezium Server, whose keys begin with debezium.source. */
static enum status file_config_read(struct slice text, struct properties *config, struct error *error)
{
    static const char server_prefix[] = "debezium.source.";
    struct properties lines;
    enum status status;

    properties_init(&lines);
    status = properties_parse(&lines, text, error);
    for (size_t i = 0; status == OK && i < lines.count; i++) {
        const char *key = lines.items[i].key;

        if (strncmp(key, server_prefix, strlen(server_prefix)) == 0)
            properties_set(config, key + strlen(server_prefix), lines.items[i].value);
        else if (strncmp(key, "debezium.", strlen("debezium.")) != 0)
            properties_set(config, key, lines.items[i].value);
    }
    properties_finish(&lines);
    return status;
}

enum status preflight_config_read(struct slice text, struct arena *arena, const char **name, struct properties *config, struct error *error)
{
    struct slice trimmed = text_trim(text);
    bool is_file = trimmed.size > 0 && strchr("{[\"", trimmed.data[0]) == NULL && memchr(trimmed.data, '=', trimmed.size) != NULL;
    enum status status;

    *name = NULL;
    properties_init(config);
    status = is_file ? file_config_read(text, config, error) : json_config_read(text, arena, name, config, error);
    if (status == OK && *name == NULL && properties_get(config, "name") != NULL)
        *name = arena_copy_string(arena, slice_from_string(properties_get(config, "name")));
    return status;
}

/* ---- Checking ---- */

static enum finding_code code_of(const char *property)
{
    static const struct {
        const char *prefix;
        enum finding_code code;
    } rows[] = {{"key.converter", FINDING_converters}, {"value.converter", FINDING_converters}, {"header.converter", FINDING_converters}, {"transforms", FINDING_transforms},
                {"predicates", FINDING_transforms},    {"slot.name", FINDING_slot_name},        {"publication.", FINDING_publication},    {"table.", FINDING_tables_match},
                {"schema.", FINDING_tables_match},     {"topic.", FINDING_topics},              {"connector.class", FINDING_class}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strncmp(property, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return rows[i].code;
    }
    return FINDING_property;
}

static void errors_judge(const struct validation *validation, struct findings *findings)
{
    for (size_t i = 0; i < validation->count; i++) {
        const struct validated *row = &validation->rows[i];
        const char *name = row->place.name == NULL ? row->field->name : row->place.name;

        for (const struct validation_error *error = row->errors; error != NULL; error = error->next) {
            struct finding *finding;

            if (error != row->errors && strcmp(error->text, row->errors->text) == 0)
                continue; /* Debezium says some things twice */
            finding = findings_add(findings, code_of(name), FINDING_IS_ERROR, "%s", error->text);
            finding->title = arena_format(findings->arena, "%s is wrong", name);
            finding->property = name;
            finding->todo = error->remedy;
        }
    }
}

static void unknown_judge(const struct properties *config, struct findings *findings)
{
    for (size_t i = 0; i < config->count; i++) {
        const char *key = config->items[i].key, *nearest;
        struct finding *finding;

        if (config_property_is_known(config, key))
            continue;
        key = arena_copy_string(findings->arena, slice_from_string(key));
        nearest = config_property_nearest(key);
        if (nearest != NULL && properties_has(config, nearest))
            finding = findings_add(findings, FINDING_unknown_property, FINDING_IS_WARN, "It is ignored, as in Debezium; %s is used.", nearest);
        else if (nearest != NULL)
            finding = findings_add(findings, FINDING_unknown_property, FINDING_IS_WARN, "It is ignored, as in Debezium. Is %s meant?", nearest);
        else
            finding = findings_add(findings, FINDING_unknown_property, FINDING_IS_WARN, "It is ignored, as in Debezium.");
        finding->title = arena_format(findings->arena, "%s is not a property", key);
        finding->property = key;
        finding->set_key = key;
    }
}

static const char *value_or(const struct properties *properties, const char *key, const char *otherwise)
{
    const char *value = properties == NULL ? NULL : properties_get(properties, key);

    return value == NULL || value[0] == '\0' ? otherwise : value;
}

/* The class without its package. */
static const char *simple_name(const char *class_name)
{
    const char *dot = strrchr(class_name, '.');

    return dot == NULL ? class_name : dot + 1;
}

static void passed_judge(const struct preflight_request *request, struct findings *findings)
{
    static const char converter[] = "org.apache.kafka.connect.json.JsonConverter";
    const char *transforms = value_or(request->config, "transforms", NULL);

    if (findings_find(findings, FINDING_converters) == NULL)
        (void)findings_add(findings, FINDING_converters, FINDING_IS_OK, "%s, %s",
                           simple_name(value_or(request->config, "key.converter", value_or(request->worker, "key.converter", converter))),
                           simple_name(value_or(request->config, "value.converter", value_or(request->worker, "value.converter", converter))));
    if (findings_find(findings, FINDING_transforms) == NULL)
        (void)findings_add(findings, FINDING_transforms, FINDING_IS_OK, "%s", transforms == NULL ? "none" : transforms);
    if (findings_find(findings, FINDING_unknown_property) == NULL) {
        struct finding *finding = findings_add(findings, FINDING_unknown_property, FINDING_IS_OK, "all %zu are known", request->config->count);

        finding->title = "Properties";
    }
}

void preflight_config_judge(const struct preflight_request *request, struct findings *findings)
{
    struct properties named;
    struct validate_request asked = {.config = &named, .aliases = request->aliases, .is_offline = true};
    const struct validation *validation;
    const char *refusal = NULL;
    struct finding *finding;

    properties_copy(&named, request->config);
    if (properties_get(&named, "name") == NULL)
        properties_set(&named, "name", request->connector == NULL ? "preflight" : request->connector);
    asked.key_converter = value_or(request->worker, "key.converter", "");
    asked.value_converter = value_or(request->worker, "value.converter", "");
    validation = validation_create(findings->arena, &asked, &refusal);
    if (validation == NULL) {
        finding = findings_add(findings, FINDING_class, FINDING_IS_ERROR, "%s", value_or(request->config, "connector.class", NULL) == NULL ? "connector.class is missing." : refusal);
        finding->title = "There is no such connector";
        finding->property = finding->set_key = "connector.class";
        finding->set_value = POSTGRES;
    } else {
        errors_judge(validation, findings);
    }
    unknown_judge(request->config, findings);
    passed_judge(request, findings);
    properties_finish(&named);
}
