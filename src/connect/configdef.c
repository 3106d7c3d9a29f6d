#include "connect/configdef.h"

#include "base/banned.h"
#include "base/properties.h"
#include "base/text.h"
#include "capture/capture.h"
#include "capture/settings.h"
#include "connect/json_out.h"

static const struct config_field fields[] = {
#define F(owner, name, type, flags, default_value, importance, group, order, width, display_name, values, check, text)                     \
    {owner,         name,         TYPE_##type, flags,         default_value, IMPORTANCE_##importance, group, order,                        \
     WIDTH_##width, display_name, values,      CHECK_##check, text},
#include "connect/config_fields.def"
#include "connect/plugin_fields.def"
#undef F
};

const struct plugin plugins[] = {
#define P(kind, class_name, version) {PLUGIN_##kind, class_name, version},
#include "connect/plugins.def"
#undef P
};
const size_t plugin_count = sizeof(plugins) / sizeof(plugins[0]);

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

const struct config_field *config_fields(const char *owner, size_t *count)
{
    size_t first = 0;

    while (first < FIELD_COUNT && strcmp(fields[first].owner, owner) != 0)
        first++;
    *count = 0;
    while (first + *count < FIELD_COUNT && strcmp(fields[first + *count].owner, owner) == 0)
        (*count)++;
    return *count == 0 ? NULL : &fields[first];
}

static const struct config_field *config_field_find(const char *owner, const char *name)
{
    size_t count;
    const struct config_field *rows = config_fields(owner, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

/* Schemas decide about tables: the one setting that others depend on. */
static const char *dependent_of(const struct config_field *field)
{
    return strcmp(field->name, "schema.include.list") == 0 ? "table.include.list" : NULL;
}

void config_definition_write(struct buffer *out, const struct config_field *field, const struct config_place *place)
{
    static const char *const types[] = {"STRING", "SHORT", "INT", "LONG", "DOUBLE", "BOOLEAN", "LIST", "CLASS", "PASSWORD"};
    static const char *const importances[] = {"HIGH", "MEDIUM", "LOW"};
    static const char *const widths[] = {"NONE", "SHORT", "MEDIUM", "LONG"};
    struct config_place own = {field->name, field->default_value, field->group, field->order};

    if (place == NULL)
        place = &own;
    buffer_append_string(out, "{");
    json_put_key(out, "name");
    json_put_text(out, place->name);
    json_put_key(out, "type");
    json_put_text(out, types[field->type]);
    json_put_key(out, "required");
    buffer_append_string(out, field->flags & REQUIRED ? "true" : "false");
    json_put_key(out, "default_value");
    json_put_text(out, place->default_value);
    json_put_key(out, "importance");
    json_put_text(out, importances[field->importance]);
    json_put_key(out, "documentation");
    json_put_text(out, field->text);
    json_put_key(out, "group");
    json_put_text(out, place->group);
    json_put_key(out, "order_in_group");
    buffer_append_decimal(out, place->order);
    json_put_key(out, "width");
    json_put_text(out, widths[field->width]);
    json_put_key(out, "display_name");
    json_put_text(out, field->display_name);
    json_put_key(out, "dependents");
    buffer_append_string(out, "[");
    if (dependent_of(field) != NULL)
        json_put_text(out, dependent_of(field));
    buffer_append_string(out, "]}");
}

/* ---- Plugin classes ---- */

const char *plugin_kind_name(enum plugin_kind kind)
{
    static const char *const names[] = {"sink", "source", "transformation", "predicate", "converter", "header_converter"};

    return names[kind];
}

/* Is `name` the simple name of the class, perhaps without the word for its kind? */
static bool is_short_name(const struct plugin *plugin, struct slice name)
{
    static const char *const words[] = {"Connector", "Connector", "Transformation", "Predicate", "Converter", "HeaderConverter"};
    const char *simple = strrchr(plugin->class_name, '.');
    const char *word = words[plugin->kind];
    size_t length;

    simple = simple == NULL ? plugin->class_name : simple + 1;
    if (slice_equal_string(name, simple))
        return true;
    length = strlen(simple);
    return length > strlen(word) && strcmp(simple + length - strlen(word), word) == 0 &&
           slice_equal(name, slice_of(simple, length - strlen(word)));
}

const struct plugin *plugin_find(enum plugin_kind kind, struct slice name)
{
    for (size_t i = 0; i < plugin_count; i++) {
        if (plugins[i].kind == kind && slice_equal_string(name, plugins[i].class_name))
            return &plugins[i];
    }
    for (size_t i = 0; i < plugin_count; i++) {
        if (plugins[i].kind == kind && is_short_name(&plugins[i], name))
            return &plugins[i];
    }
    return NULL;
}

const struct plugin *plugin_find_connector(const char *name)
{
    const struct plugin *found = plugin_find(PLUGIN_SOURCE, slice_from_string(name));

    return found != NULL ? found : plugin_find(PLUGIN_SINK, slice_from_string(name));
}

const struct plugin *plugin_find_any(const char *name)
{
    const struct plugin *found = plugin_find_connector(name);

    for (int kind = PLUGIN_TRANSFORMATION; found == NULL && kind <= PLUGIN_HEADER_CONVERTER; kind++)
        found = plugin_find((enum plugin_kind)kind, slice_from_string(name));
    return found;
}

/* ---- Known and unknown settings ---- */

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Is it "<setting>.<alias>.…" with an alias that the list setting names? */
static bool belongs_to_alias(const struct properties *config, const char *name, const char *setting)
{
    const char *list = properties_get(config, setting);
    struct slice rest = slice_from_string(list == NULL ? "" : list);
    size_t length = strlen(setting);
    struct slice alias;

    if (!has_prefix(name, setting) || name[length] != '.')
        return false;
    while (text_next_field(&rest, ',', &alias)) {
        alias = text_trim(alias);
        if (strlen(name + length + 1) > alias.size && memcmp(name + length + 1, alias.data, alias.size) == 0 &&
            name[length + 1 + alias.size] == '.')
            return true;
    }
    return false;
}

bool config_property_is_known(const struct properties *config, const char *name)
{
    static const char *const prefixes[] = {"producer.override.", "consumer.override.", "admin.override.", "key.converter.",
                                           "value.converter.",   "header.converter.",  "topic.creation."};

    if (config_field_find("common", name) != NULL || config_field_find("source", name) != NULL || capture_property_is_known(name))
        return true;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (has_prefix(name, prefixes[i]))
            return true;
    }
    return belongs_to_alias(config, name, "transforms") || belongs_to_alias(config, name, "predicates");
}

const char *config_property_nearest(const char *name)
{
    static const char *const owners[] = {POSTGRES, "common", "source"};
    size_t limit = strlen(name) / 4 + 1;
    const char *nearest = NULL;

    for (size_t o = 0; o < sizeof(owners) / sizeof(owners[0]); o++) {
        size_t count;
        const struct config_field *rows = config_fields(owners[o], &count);

        for (size_t i = 0; i < count; i++) {
            size_t length = strlen(rows[i].name);
            size_t distance = text_distance(name, rows[i].name);
            const char *tail = strlen(name) > length ? name + strlen(name) - length : NULL;

            /* "database.replication.slot.name" is more likely slot.name than anything of like spelling. */
            if (tail != NULL && tail[-1] == '.' && strcmp(tail, rows[i].name) == 0 && strchr(tail, '.') != NULL)
                return rows[i].name;
            if (distance < limit) {
                limit = distance;
                nearest = rows[i].name;
            }
        }
    }
    return nearest;
}

bool config_property_is_secret(const char *name)
{
    static const char *const endings[] = {
        "secret", "password", "sasl.jaas.config", "credentials.json", "connectionstring", "connection.string", "token"};
    static const char *const inner[] = {"basic.auth.user.info", "registry.auth.client-secret"};
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t ending = strlen(endings[i]);

        if (length >= ending && strcasecmp(name + length - ending, endings[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
        if (strcasestr(name, inner[i]) != NULL)
            return true;
    }
    return false;
}
