#include "connect/bind.h"

#include "base/banned.h"

#include <ctype.h>

#define ENTITY "org.apache.kafka.connect.runtime.rest.entities."
#define STRING_MAP "java.util.LinkedHashMap<java.lang.String,java.lang.String>"
#define OBJECT_MAP "java.util.LinkedHashMap<java.lang.String,java.lang.Object>"

struct binding {
    struct arena *arena;
    struct json_document document;
    const char *failure; /* the whole message */
};

/* A chain of references, innermost last, as text: `A["b"]->C["d"]`; NULL at the top. */
static const char *chain_member(struct binding *binding, const char *chain, const char *class_name, struct slice member)
{
    return arena_format(binding->arena, "%s%s%s[\"%.*s\"]", chain == NULL ? "" : chain, chain == NULL ? "" : "->", class_name,
                        (int)member.size, member.data == NULL ? "" : (const char *)member.data);
}

static void fail(struct binding *binding, const char *chain, struct json_place where, const char *problem)
{
    if (binding->failure != NULL)
        return;
    binding->failure = arena_format(
        binding->arena, "%s\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %zu]%s%s%s",
        problem, where.line, where.column, chain == NULL ? "" : " (through reference chain: ", chain == NULL ? "" : chain,
        chain == NULL ? "" : ")");
}

static void fail_broken(struct binding *binding, const char *chain)
{
    fail(binding, chain, binding->document.where, binding->document.problem);
}

/* The value is of another kind than `type`. */
static void fail_kind(struct binding *binding, const char *chain, const struct json *json, const char *type)
{
    static const struct {
        const char *value, *token;
    } kinds[] = {
        [NODE_NULL] = {"Null", "VALUE_NULL"},
        [NODE_TRUE] = {"Boolean", "VALUE_TRUE"},
        [NODE_FALSE] = {"Boolean", "VALUE_FALSE"},
        [NODE_INTEGER] = {"Integer", "VALUE_NUMBER_INT"},
        [NODE_DECIMAL] = {"Floating-point", "VALUE_NUMBER_FLOAT"},
        [NODE_STRING] = {"String", "VALUE_STRING"},
        [NODE_ARRAY] = {"Array", "START_ARRAY"},
        [NODE_OBJECT] = {"Object", "START_OBJECT"},
    };

    fail(binding, chain, json->at,
         arena_format(binding->arena, "Cannot deserialize value of type `%s` from %s value (token `JsonToken.%s`)", type,
                      kinds[json->kind].value, kinds[json->kind].token));
}

/* A scalar where a class with named members is wanted. */
static void fail_construct(struct binding *binding, const char *chain, const struct json *json, const char *class_name)
{
    const char *argument =
        json->kind == NODE_STRING    ? "String-argument constructor/factory method to deserialize from String value ('%.*s')"
        : json->kind == NODE_INTEGER ? "int/Int-argument constructor/factory method to deserialize from Number value (%.*s)"
        : json->kind == NODE_DECIMAL ? "double/Double-argument constructor/factory method to deserialize from Number value (%.*s)"
                                     : "boolean/Boolean-argument constructor/factory method to deserialize from boolean value (%.*s)";
    struct slice text = json->kind == NODE_TRUE    ? slice_from_string("true")
                        : json->kind == NODE_FALSE ? slice_from_string("false")
                                                   : json->text;
    struct buffer problem;

    buffer_init(&problem, text.size + 1024);
    buffer_append_format(&problem, "Cannot construct instance of `%s` (although at least one Creator exists): no ", class_name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buffer_append_format(&problem, argument, (int)text.size, (const char *)text.data);
#pragma GCC diagnostic pop
    fail(binding, chain, json->at, arena_copy_string(binding->arena, buffer_slice(&problem)));
    buffer_finish(&problem);
}

/* An array where an object is wanted, or a scalar. */
static void fail_object(struct binding *binding, const char *chain, const struct json *json, const char *class_name)
{
    if (json->kind == NODE_ARRAY)
        fail_kind(binding, chain, json, class_name);
    else
        fail_construct(binding, chain, json, class_name);
}

/* A map from anything but an object. */
static void fail_map(struct binding *binding, const char *chain, const struct json *json, const char *type)
{
    if (json->kind == NODE_STRING && json->torn)
        fail_broken(binding, chain);
    else if (json->kind == NODE_STRING && json->text.size == 0)
        fail(binding, chain, json->at,
             arena_format(binding->arena,
                          "Cannot coerce empty String (\"\") to `%s` value (but could if coercion was enabled using `CoercionConfig`)",
                          type));
    else if (json->kind == NODE_STRING)
        fail_construct(binding, chain, json, "java.util.LinkedHashMap");
    else
        fail_kind(binding, chain, json, type);
}

/* A string, or the text of a number or boolean; NULL for null and after a failure. */
static char *string_of(struct binding *binding, const char *chain, const struct json *json)
{
    struct slice text = json->kind == NODE_TRUE    ? slice_from_string("true")
                        : json->kind == NODE_FALSE ? slice_from_string("false")
                                                   : json->text;

    if (json->kind == NODE_NULL)
        return NULL;
    if (json->kind >= NODE_ARRAY) {
        fail_kind(binding, chain, json, "java.lang.String");
        return NULL;
    }
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL) {
        fail(binding, chain, json->at, "A text with the character U+0000 is not supported");
        return NULL;
    }
    return arena_copy_string(binding->arena, text);
}

static void map_of(struct binding *binding, const char *chain, const struct json *json, struct properties *map)
{
    if (json->kind != NODE_OBJECT) {
        fail_map(binding, chain, json, STRING_MAP);
        return;
    }
    for (const struct json *member = json->first; member != NULL && binding->failure == NULL; member = member->next) {
        char *key, *value;

        if (member->kind == NODE_STRING && member->torn)
            break;
        value = string_of(binding, chain_member(binding, chain, "java.util.LinkedHashMap", member->name), member);
        key = arena_copy_string(binding->arena, member->name);
        if (strlen(key) != member->name.size)
            fail(binding, chain, member->at, "A name with the character U+0000 is not supported");
        if (binding->failure == NULL)
            properties_set(map, key, value);
    }
    if (json->torn)
        fail_broken(binding, chain);
}

static void state_of(struct binding *binding, const char *chain, const struct json *json, struct create_request *request)
{
    static const char *const names[] = {[TARGET_STARTED] = "RUNNING", [TARGET_PAUSED] = "PAUSED", [TARGET_STOPPED] = "STOPPED"};
    const char *type = ENTITY "CreateConnectorRequest$InitialState";
    char *text;

    if (json->kind == NODE_NULL)
        return;
    if (json->kind >= NODE_ARRAY) {
        fail_kind(binding, chain, json, type);
        return;
    }
    text = string_of(binding, chain, json);
    for (char *at = text; at != NULL && *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            request->has_initial_state = true;
            request->initial_state = (enum target_state)i;
            return;
        }
    }
    fail(binding, chain, json->at,
         arena_format(binding->arena,
                      "Cannot construct instance of `%s`, problem: No enum constant " ENTITY "CreateConnectorRequest.InitialState.%s", type,
                      text == NULL ? "" : text));
}

static void fail_unknown(struct binding *binding, const char *chain, const struct json *object, struct slice member, const char *class_name,
                         const char *known)
{
    fail(binding, chain_member(binding, chain, class_name, member), object->end,
         arena_format(binding->arena, "Unrecognized field \"%.*s\" (class %s), not marked as ignorable (%s)", (int)member.size,
                      (const char *)member.data, class_name, known));
}

/* Reads the document; false when there is no value, which reads as null, or it failed. */
static bool begin(struct binding *binding, struct arena *arena, struct slice body)
{
    *binding = (struct binding){.arena = arena};
    json_read(arena, body, &binding->document);
    if (binding->document.root == NULL && binding->document.broken)
        fail_broken(binding, NULL);
    return binding->document.root != NULL && binding->failure == NULL;
}

/* What stands behind the value is looked at last. */
static const char *end(struct binding *binding, const char *class_name)
{
    if (binding->failure == NULL && binding->document.broken)
        fail_broken(binding, NULL);
    if (binding->failure == NULL && binding->document.trailing != NULL)
        fail(binding, NULL, binding->document.where,
             arena_format(binding->arena,
                          "Trailing token (of type %s) found after value (bound as `%s`): not allowed as per "
                          "`DeserializationFeature.FAIL_ON_TRAILING_TOKENS`",
                          binding->document.trailing, class_name));
    return binding->failure;
}

const char *bind_create(struct arena *arena, struct slice body, struct create_request *request)
{
    static const char class_name[] = ENTITY "CreateConnectorRequest";
    struct binding binding;
    const struct json *unknown = NULL;
    const struct json *root;

    *request = (struct create_request){0};
    properties_init(&request->config);
    if (!begin(&binding, arena, body))
        return binding.failure;
    root = binding.document.root;
    if (root->kind == NODE_NULL)
        return end(&binding, class_name);
    request->present = true;
    if (root->kind != NODE_OBJECT) {
        if (root->torn && root->kind == NODE_STRING)
            fail_broken(&binding, NULL);
        fail_object(&binding, NULL, root, class_name);
        return binding.failure;
    }
    for (const struct json *member = root->first; member != NULL && binding.failure == NULL; member = member->next) {
        const char *chain = chain_member(&binding, NULL, class_name, member->name);
        bool known = slice_equal_string(member->name, "name") || slice_equal_string(member->name, "config") ||
                     slice_equal_string(member->name, "initial_state");

        if (!known) {
            unknown = unknown == NULL ? member : unknown;
        } else if (member->kind == NODE_STRING && member->torn) {
            fail_broken(&binding, chain);
        } else if (slice_equal_string(member->name, "name")) {
            request->name = string_of(&binding, chain, member);
        } else if (slice_equal_string(member->name, "initial_state")) {
            state_of(&binding, chain, member, request);
        } else if (member->kind != NODE_NULL) {
            request->has_config = true;
            map_of(&binding, chain, member, &request->config);
        }
    }
    if (binding.failure == NULL && root->torn)
        fail_broken(&binding, NULL);
    if (binding.failure == NULL && unknown != NULL)
        fail_unknown(&binding, NULL, root, unknown->name, class_name, "3 known properties: \"config\", \"name\", \"initial_state\"");
    return end(&binding, class_name);
}

const char *bind_map(struct arena *arena, struct slice body, bool *present, struct properties *map)
{
    struct binding binding;

    *present = false;
    properties_init(map);
    if (!begin(&binding, arena, body))
        return binding.failure;
    if (binding.document.root->kind != NODE_NULL) {
        *present = true;
        map_of(&binding, NULL, binding.document.root, map);
    }
    return end(&binding, "java.util.Map");
}

/* ---- Offsets ---- */

/* A map of anything; NULL for null. */
static const struct json *object_of(struct binding *binding, const char *chain, const struct json *json)
{
    if (json->kind == NODE_NULL)
        return NULL;
    if (json->kind != NODE_OBJECT)
        fail_map(binding, chain, json, OBJECT_MAP);
    else if (json->torn)
        fail_broken(binding, chain);
    return json;
}

static void offset_of(struct binding *binding, const char *chain, const struct json *json, struct offset_change *change)
{
    static const char class_name[] = ENTITY "ConnectorOffset";
    const struct json *unknown = NULL;

    if (json->kind != NODE_OBJECT) {
        if (json->torn && json->kind == NODE_STRING)
            fail_broken(binding, chain);
        fail_object(binding, chain, json, class_name);
        return;
    }
    for (const struct json *member = json->first; member != NULL && binding->failure == NULL; member = member->next) {
        const char *inner = chain_member(binding, chain, class_name, member->name);

        if (slice_equal_string(member->name, "partition"))
            change->partition = object_of(binding, inner, member);
        else if (slice_equal_string(member->name, "offset"))
            change->offset = object_of(binding, inner, member);
        else
            unknown = unknown == NULL ? member : unknown;
    }
    if (binding->failure == NULL && json->torn)
        fail_broken(binding, chain);
    if (binding->failure == NULL && unknown != NULL)
        fail_unknown(binding, chain, json, unknown->name, class_name, "2 known properties: \"partition\", \"offset\"");
}

static void offset_list_of(struct binding *binding, const char *chain, const struct json *json, struct offset_changes *changes)
{
    if (json->kind == NODE_NULL)
        return;
    if (json->kind != NODE_ARRAY) {
        if (json->torn && json->kind == NODE_STRING)
            fail_broken(binding, chain);
        fail_kind(binding, chain, json, "java.util.ArrayList<" ENTITY "ConnectorOffset>");
        return;
    }
    changes->items = arena_new_array(binding->arena, json->count + 1, sizeof(*changes->items));
    for (const struct json *item = json->first; item != NULL && binding->failure == NULL; item = item->next) {
        const char *inner = arena_format(binding->arena, "%s->java.util.ArrayList[%zu]", chain, changes->count);

        if (item->kind == NODE_NULL) {
            if (!binding->document.broken)
                binding->failure = "Cannot invoke \"" ENTITY "ConnectorOffset.partition()\" because \"offset\" is null";
        } else {
            offset_of(binding, inner, item, &changes->items[changes->count]);
        }
        changes->count++;
    }
    if (json->torn)
        fail_broken(binding, chain);
}

const char *bind_offsets(struct arena *arena, struct slice body, struct offset_changes *changes)
{
    static const char class_name[] = ENTITY "ConnectorOffsets";
    struct binding binding;
    const struct json *unknown = NULL;
    const struct json *root;

    *changes = (struct offset_changes){0};
    if (!begin(&binding, arena, body))
        return binding.failure;
    root = binding.document.root;
    if (root->kind == NODE_NULL)
        return end(&binding, class_name);
    changes->present = true;
    if (root->kind != NODE_OBJECT) {
        if (root->torn && root->kind == NODE_STRING)
            fail_broken(&binding, NULL);
        fail_object(&binding, NULL, root, class_name);
        return binding.failure;
    }
    for (const struct json *member = root->first; member != NULL && binding.failure == NULL; member = member->next) {
        if (slice_equal_string(member->name, "offsets"))
            offset_list_of(&binding, chain_member(&binding, NULL, class_name, member->name), member, changes);
        else
            unknown = unknown == NULL ? member : unknown;
    }
    if (binding.failure == NULL && root->torn)
        fail_broken(&binding, NULL);
    if (binding.failure == NULL && unknown != NULL)
        fail_unknown(&binding, NULL, root, unknown->name, class_name, "one known property: \"offsets\"");
    return end(&binding, class_name);
}
