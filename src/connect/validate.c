#include "connect/validate.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "connect/java_regex.h"
#include "connect/json_out.h"

#include <stdarg.h>

/* ---- Rows and their errors ---- */

struct validated *validation_row_add(struct validation *validation, const struct config_field *field)
{
    struct validated *row;

    if (validation->count == validation->capacity) {
        size_t capacity = validation->capacity == 0 ? 256 : validation->capacity * 2;
        struct validated *rows = arena_new_array(validation->arena, capacity, sizeof(*rows));

        if (validation->count > 0)
            memcpy(rows, validation->rows, validation->count * sizeof(*rows));
        validation->rows = rows;
        validation->capacity = capacity;
    }
    row = &validation->rows[validation->count++];
    row->field = field;
    row->place = (struct config_place){field->name, field->default_value, field->group, field->order};
    row->has_value = true;
    return row;
}

void validation_error_add(struct validation *validation, struct validated *row, const char *format, ...)
{
    struct validation_error *added = arena_new(validation->arena, sizeof(*added));
    struct validation_error **last = &row->errors;
    struct buffer text;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    buffer_init(&text, (size_t)length + 1);
    va_start(arguments, format);
    (void)vsnprintf((char *)buffer_reserve(&text, (size_t)length + 1), (size_t)length + 1, format, arguments);
    va_end(arguments);
    added->text = arena_copy_string(validation->arena, slice_of(text.data, (size_t)length));
    buffer_finish(&text);
    while (*last != NULL)
        last = &(*last)->next;
    *last = added;
    validation->error_count++;
}

/* ---- Types, as Kafka's ConfigDef reads them ---- */

static char *trimmed(struct arena *arena, const char *value)
{
    return arena_copy_string(arena, text_trim(slice_from_string(value)));
}

/* "a , b" to "a,b". */
static char *list_joined(struct arena *arena, const char *value, const char *separator)
{
    struct slice rest = text_trim(slice_from_string(value));
    struct slice item;
    struct buffer joined;
    char *copy;

    buffer_init(&joined, strlen(value) * 2 + 1);
    while (text_next_field(&rest, ',', &item)) {
        if (joined.size > 0)
            buffer_append_string(&joined, separator);
        buffer_append_slice(&joined, text_trim(item));
    }
    copy = arena_copy_string(arena, slice_of(joined.size == 0 ? (const uint8_t *)"" : joined.data, joined.size));
    buffer_finish(&joined);
    return copy;
}

static enum plugin_kind kind_of(const struct config_field *field)
{
    if (field->check == CHECK_HEADER_CONVERTER)
        return PLUGIN_HEADER_CONVERTER;
    return field->check == CHECK_CONVERTER               ? PLUGIN_CONVERTER
           : strncmp(field->name, "predicates", 10) == 0 ? PLUGIN_PREDICATE
                                                         : PLUGIN_TRANSFORMATION;
}

/* The class of a CLASS field; NULL after an error. */
static const char *class_read(struct validation *validation, struct validated *row, enum plugin_kind kind, const char *name,
                              const char *value)
{
    static const char *const interfaces[] = {[PLUGIN_TRANSFORMATION] = "Transformation",
                                             [PLUGIN_PREDICATE] = "Predicate",
                                             [PLUGIN_CONVERTER] = "Converter",
                                             [PLUGIN_HEADER_CONVERTER] = "HeaderConverter"};
    const struct plugin *plugin = plugin_find(kind, slice_from_string(value));
    const struct plugin *other = plugin == NULL ? plugin_find_any(value) : NULL;

    if (plugin != NULL)
        return plugin->class_name;
    if (other != NULL)
        validation_error_add(validation, row, "Class class %s does not implement the %s interface", other->class_name, interfaces[kind]);
    else
        validation_error_add(validation, row, "Invalid value %s for configuration %s: Class %s could not be found.", value, name, value);
    return NULL;
}

/* Reads `value` by the row's type and gives it as text; NULL after an error. `name` is the one that messages show. */
static const char *value_read(struct validation *validation, struct validated *row, const char *name, const char *value)
{
    struct arena *arena = validation->arena;
    struct slice text = text_trim(slice_from_string(value));
    int32_t number;
    int64_t large;
    bool truth;

    switch (row->field->type) {
    case TYPE_SHORT:
    case TYPE_INT:
        if (text_parse_int32(text, &number) && (row->field->type == TYPE_INT || number == (int16_t)number))
            return arena_format(arena, "%d", number);
        validation_error_add(validation, row, "Invalid value %s for configuration %s: Not a number of type %s", value, name,
                             row->field->type == TYPE_INT ? "INT" : "SHORT");
        return NULL;
    case TYPE_LONG:
        if (text_parse_int64(text, &large))
            return arena_format(arena, "%lld", (long long)large);
        validation_error_add(validation, row, "Invalid value %s for configuration %s: Not a number of type LONG", value, name);
        return NULL;
    case TYPE_BOOLEAN:
        if (text_parse_bool(text, &truth))
            return truth ? "true" : "false";
        validation_error_add(validation, row, "Invalid value %s for configuration %s: Expected value to be either true or false", value,
                             name);
        return NULL;
    case TYPE_CLASS: return class_read(validation, row, kind_of(row->field), name, value);
    case TYPE_LIST: return list_joined(arena, value, ",");
    case TYPE_PASSWORD: return "[hidden]";
    default: return trimmed(arena, value);
    }
}

/* ---- Kafka Connect's own checks ---- */

static bool is_one_of(const char *values, const char *value, int (*compare)(const char *, const char *, size_t))
{
    struct slice rest = slice_from_string(values);
    struct slice item;

    while (text_next_field(&rest, ',', &item)) {
        if (item.size == strlen(value) && compare(value, (const char *)item.data, item.size) == 0)
            return true;
    }
    return false;
}

static void name_check(struct validation *validation, struct validated *row)
{
    struct buffer codes;

    if (row->value == NULL)
        return;
    if (row->value[0] == '\0') {
        validation_error_add(validation, row, "Invalid value  for configuration name: String may not be empty");
        return;
    }
    buffer_init(&codes, strlen(row->value) * 4 + 1);
    for (const char *at = row->value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            buffer_append_format(&codes, "%s%d", codes.size > 0 ? ", " : "", *at);
    }
    if (codes.size > 0)
        validation_error_add(
            validation, row,
            "Invalid value %s for configuration name: String may not contain control sequences but had the following ASCII chars: %.*s",
            row->value, (int)codes.size, (const char *)codes.data);
    buffer_finish(&codes);
}

static void aliases_check(struct validation *validation, struct validated *row)
{
    struct slice rest = slice_from_string(row->value == NULL ? "" : row->value);
    struct slice alias, other;

    while (text_next_field(&rest, ',', &alias)) {
        struct slice behind = rest;

        while (text_next_field(&behind, ',', &other)) {
            if (slice_equal(alias, other)) {
                validation_error_add(validation, row, "Invalid value [%s] for configuration %s: Duplicate alias provided.",
                                     list_joined(validation->arena, row->value, ", "), row->field->name);
                return;
            }
        }
    }
}

static void topics_check(struct validation *validation, struct validated *row)
{
    const char *topics = properties_get(validation->config, "topics");
    const char *regex = properties_get(validation->config, "topics.regex");
    bool has_topics = topics != NULL && topics[0] != '\0';
    bool has_regex = regex != NULL && regex[0] != '\0';

    if (!has_topics && !has_regex)
        validation_error_add(validation, row, "Must configure one of topics or topics.regex");
    else if (has_topics && has_regex)
        validation_error_add(validation, row, "topics and topics.regex are mutually exclusive options, but both are set.");
}

/* name  the one that messages show */
static void check(struct validation *validation, struct validated *row, const char *name, bool is_set)
{
    const struct config_field *field = row->field;
    const char *shown = row->value == NULL ? "null" : row->value;
    int64_t number = 0;
    bool is_number = row->value != NULL && text_parse_int64(slice_from_string(row->value), &number);
    const char *problem;

    switch (field->check) {
    case CHECK_CONNECTOR_NAME: name_check(validation, row); break;
    case CHECK_ALIASES: aliases_check(validation, row); break;
    case CHECK_SINK_TOPICS: topics_check(validation, row); break;
    case CHECK_AT_LEAST_ONE:
        if (row->value == NULL)
            validation_error_add(validation, row, "Invalid value null for configuration %s: Value must be non-null", name);
        else if (is_number && number < 1)
            validation_error_add(validation, row, "Invalid value %s for configuration %s: Value must be at least 1", shown, name);
        break;
    case CHECK_AT_LEAST_ZERO:
        if (is_number && number < 0)
            validation_error_add(validation, row, "Invalid value %s for configuration %s: Value must be at least 0", shown, name);
        break;
    case CHECK_NOT_EMPTY:
        if (row->value != NULL && row->value[0] == '\0')
            validation_error_add(validation, row, "Invalid value  for configuration %s: String must be non-empty", name);
        break;
    case CHECK_EXACTLY_ONE_OF:
        if (row->value != NULL && !is_one_of(field->values, row->value, strncmp))
            validation_error_add(validation, row, "Invalid value %s for configuration %s: String must be one of: %s", shown, name,
                                 list_joined(validation->arena, field->values, ", "));
        break;
    case CHECK_ANY_CASE_ONE_OF:
        if (row->value != NULL && !is_one_of(field->values, row->value, strncasecmp))
            validation_error_add(validation, row, "Invalid value %s for configuration %s: String must be one of (case insensitive): %s",
                                 shown, name, list_joined(validation->arena, field->values, ", "));
        else if (strcmp(field->name, "transaction.boundary") == 0 && strcasecmp(shown, "connector") == 0)
            validation_error_add(
                validation, row,
                "The connector does not support connector-defined transaction boundaries with the given configuration. Please "
                "reconfigure it to use a different transaction boundary definition.");
        break;
    case CHECK_REGEX:
        problem = is_set ? java_regex_problem(validation->arena, slice_from_string(shown)) : NULL;
        if (!is_set)
            problem = "Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null";
        if (problem != NULL)
            validation_error_add(validation, row, "Invalid value %s for configuration %s: Invalid regex: %s", shown, field->name, problem);
        break;
    default: break;
    }
}

/* Reads and checks what the configuration says about the row's setting; its messages show `name`. */
static void row_check(struct validation *validation, struct validated *row, const char *name)
{
    const char *value = properties_get(validation->config, row->place.name);

    if (value != NULL) {
        row->value = value_read(validation, row, name, value);
        /* A value that could not be read has said so already; only tasks.max says it twice. */
        if (row->value != NULL || row->field->check == CHECK_AT_LEAST_ONE)
            check(validation, row, name, true);
        return;
    }
    row->value = row->place.default_value;
    if (row->field->flags & REQUIRED)
        validation_error_add(validation, row, "Missing required configuration \"%s\" which has no default value.", row->place.name);
    if (!(row->field->flags & REQUIRED) || row->field->check == CHECK_REGEX)
        check(validation, row, name, false);
}

/* ---- The parts of a configuration ---- */

/* All classes of a kind, sorted as the table is, with commas. */
static const char *classes_of(struct arena *arena, enum plugin_kind kind)
{
    struct buffer list;
    const char *copy;

    buffer_init(&list, 16384);
    for (size_t i = 0; i < plugin_count; i++) {
        if (plugins[i].kind == kind)
            buffer_append_format(&list, "%s%s", list.size > 0 ? "," : "", plugins[i].class_name);
    }
    copy = arena_copy_string(arena, buffer_slice(&list));
    buffer_finish(&list);
    return copy;
}

static const char *version_of(enum plugin_kind kind, const char *class_name)
{
    const struct plugin *plugin = class_name == NULL ? NULL : plugin_find(kind, slice_from_string(class_name));

    return plugin == NULL ? NULL : plugin->version;
}

/* "key.converter.plugin.version": the version of what "key.converter" chose. */
static void version_fill(struct validation *validation, struct validated *row, const struct validated *chosen)
{
    if (strcmp(row->field->name, "connector.plugin.version") == 0)
        row->place.default_value = validation->plugin->version;
    else
        row->place.default_value = version_of(kind_of(chosen->field), chosen->value);
    row->values = row->place.default_value;
}

static bool is_version(const char *name)
{
    size_t length = strlen(name);

    return length > 15 && strcmp(name + length - 15, ".plugin.version") == 0;
}

/* What the worker uses when the connector does not say. */
static const char *worker_converter(const struct validate_request *request, const struct config_field *field)
{
    const char *chosen = field->name[0] == 'k' ? request->key_converter : field->name[0] == 'v' ? request->value_converter : NULL;

    if (chosen != NULL && chosen[0] != '\0')
        return chosen;
    return field->check == CHECK_HEADER_CONVERTER ? "org.apache.kafka.connect.storage.SimpleHeaderConverter"
                                                  : "org.apache.kafka.connect.json.JsonConverter";
}

static void common_check(struct validation *validation, const struct validate_request *request, const char *owner)
{
    size_t count;
    const struct config_field *rows = config_fields(owner, &count);

    for (size_t i = 0; i < count; i++) {
        struct validated *row = validation_row_add(validation, &rows[i]);

        if (rows[i].check == CHECK_CONVERTER || rows[i].check == CHECK_HEADER_CONVERTER) {
            row->place.default_value = worker_converter(request, &rows[i]);
            row->values = classes_of(validation->arena, kind_of(&rows[i]));
        }
        if (is_version(rows[i].name))
            version_fill(validation, row, row - 1);
        row_check(validation, row, rows[i].name);
    }
}

/* One transformation or predicate: its class, its version, its settings, and for a transformation when it applies. */
static void step_check(struct validation *validation, const char *list, struct slice alias)
{
    static const struct config_field type_field = {"",         "transforms", TYPE_CLASS, REQUIRED,   NULL, IMPORTANCE_HIGH, NULL, 0,
                                                   WIDTH_LONG, "",           NULL,       CHECK_NONE, ""};
    static const struct config_field predicate_field = {"",         "predicates", TYPE_CLASS, REQUIRED,   NULL, IMPORTANCE_HIGH, NULL, 0,
                                                        WIDTH_LONG, "",           NULL,       CHECK_NONE, ""};
    static const struct config_field version_field = {"",         "version", TYPE_STRING, 0,          NULL, IMPORTANCE_HIGH, NULL, 0,
                                                      WIDTH_LONG, "",        NULL,        CHECK_NONE, ""};
    static const struct config_field when_fields[] = {
        {"", "negate", TYPE_BOOLEAN, 0, "false", IMPORTANCE_MEDIUM, NULL, 0, WIDTH_NONE, "negate", NULL, CHECK_NONE,
         "Apply the transformation to the records that the predicate does not hold for."},
        {"", "predicate", TYPE_STRING, 0, NULL, IMPORTANCE_MEDIUM, NULL, 0, WIDTH_NONE, "predicate", NULL, CHECK_NONE,
         "Name of the predicate that says which records the transformation applies to."},
    };
    bool is_transform = strcmp(list, "transforms") == 0;
    enum plugin_kind kind = is_transform ? PLUGIN_TRANSFORMATION : PLUGIN_PREDICATE;
    struct arena *arena = validation->arena;
    const char *group =
        arena_format(arena, "%s: %.*s", is_transform ? "Transforms" : "Predicates", (int)alias.size, (const char *)alias.data);
    const char *prefix = arena_format(arena, "%s.%.*s.", list, (int)alias.size, (const char *)alias.data);
    struct config_field *shown = arena_new_array(arena, 2, sizeof(*shown));
    struct validated *row;
    const char *class_name;
    const struct config_field *rows;
    size_t count;
    int order = 0;

    shown[0] = is_transform ? type_field : predicate_field;
    shown[0].display_name =
        arena_format(arena, "%s type for %.*s", is_transform ? "Transformation" : "Predicate", (int)alias.size, (const char *)alias.data);
    shown[0].text = is_transform ? "Class of the transformation." : "Class of the predicate.";
    shown[1] = version_field;
    shown[1].display_name = arena_format(arena, "%s version for %.*s", is_transform ? "Transformation" : "Predicate", (int)alias.size,
                                         (const char *)alias.data);
    shown[1].text = "Version of the class, or a range of versions.";
    row = validation_row_add(validation, &shown[0]);
    row->place = (struct config_place){arena_format(arena, "%stype", prefix), NULL, group, order++};
    row->values = classes_of(arena, kind);
    row_check(validation, row, row->place.name);
    class_name = row->value;
    row = validation_row_add(validation, &shown[1]);
    row->place = (struct config_place){arena_format(arena, "%splugin.version", prefix), version_of(kind, class_name), group, order++};
    row->values = row->place.default_value;
    row_check(validation, row, row->place.name);
    rows = class_name == NULL ? NULL : config_fields(class_name, &count);
    for (size_t i = 0; rows != NULL && i < count; i++) {
        row = validation_row_add(validation, &rows[i]);
        row->place = (struct config_place){arena_format(arena, "%s%s", prefix, rows[i].name), rows[i].default_value, group, order++};
        row_check(validation, row, rows[i].name);
    }
    for (size_t i = 0; class_name != NULL && is_transform && i < 2; i++) {
        row = validation_row_add(validation, &when_fields[i]);
        row->place =
            (struct config_place){arena_format(arena, "%s%s", prefix, when_fields[i].name), when_fields[i].default_value, group, order++};
        row_check(validation, row, row->place.name);
    }
}

static void steps_check(struct validation *validation, const char *list)
{
    const char *value = properties_get(validation->config, list);
    struct slice rest = slice_from_string(value == NULL ? "" : value);
    struct slice alias;

    while (text_next_field(&rest, ',', &alias)) {
        struct slice before = slice_of(value, (size_t)((const char *)alias.data - value));
        struct slice earlier;
        bool again = false;

        alias = text_trim(alias);
        while (text_next_field(&before, ',', &earlier))
            again = again || slice_equal(text_trim(earlier), alias);
        if (alias.size > 0 && !again)
            step_check(validation, list, alias);
    }
}

static void connector_check(struct validation *validation)
{
    size_t count;
    const struct config_field *rows = config_fields(validation->plugin->class_name, &count);

    if (strcmp(validation->plugin->class_name, POSTGRES) == 0) {
        validate_debezium(validation);
        return;
    }
    for (size_t i = 0; i < count; i++)
        row_check(validation, validation_row_add(validation, &rows[i]), rows[i].name);
}

/* The settings of a converter that the connector chose itself. */
static void converter_check(struct validation *validation, const char *setting, enum plugin_kind kind)
{
    const char *chosen = properties_get(validation->config, setting);
    const struct plugin *plugin = chosen == NULL ? NULL : plugin_find(kind, slice_from_string(chosen));
    size_t count = 0;
    const struct config_field *rows = plugin == NULL ? NULL : config_fields(plugin->class_name, &count);
    uint32_t hashes[16];
    size_t order[16];

    if (count > 16)
        count = 16;
    for (size_t i = 0; i < count; i++)
        hashes[i] = java_hash_code(slice_from_string(rows[i].name));
    java_map_order(hashes, count, java_map_capacity(count), order);
    for (size_t i = 0; i < count; i++) {
        const struct config_field *field = &rows[order[i]];
        struct validated *row = validation_row_add(validation, field);

        row->place.name = arena_format(validation->arena, "%s.%s", setting, field->name);
        if (strcmp(field->name, "converter.type") == 0)
            row->value = strncmp(setting, "key", 3) == 0 ? "key" : strncmp(setting, "value", 5) == 0 ? "value" : "header";
        else
            row_check(validation, row, field->name);
    }
}

/* ---- The whole ---- */

/* What Java prints for a map: {name=x, a=null}. */
static const char *map_describe(struct arena *arena, const struct properties *config)
{
    struct properties map;
    struct buffer text;
    const char *copy;

    properties_copy(&map, config);
    java_map_order_properties(&map, java_map_capacity_of_copy(map.count));
    buffer_init(&text, SIZE_MAX / 2);
    buffer_append_string(&text, "{");
    for (size_t i = 0; i < map.count; i++) {
        const char *value = map.items[i].value == NULL ? "null" : map.items[i].value;

        buffer_append_string(&text, i > 0 ? ", " : "");
        buffer_append_string(&text, map.items[i].key);
        buffer_append_string(&text, "=");
        buffer_append_string(&text, config_property_is_secret(map.items[i].key) ? "********" : value);
    }
    buffer_append_string(&text, "}");
    copy = arena_copy_string(arena, buffer_slice(&text));
    buffer_finish(&text);
    properties_finish(&map);
    return copy;
}

static const char *unknown_class(struct arena *arena, const char *name)
{
    static const char *const order[] = {POSTGRES, "org.apache.kafka.connect.file.FileStreamSinkConnector",
                                        "org.apache.kafka.connect.file.FileStreamSourceConnector"};
    struct buffer text;
    const char *copy;

    buffer_init(&text, SIZE_MAX / 2);
    buffer_append_string(&text, "Failed to find any class that implements Connector and which name matches ");
    buffer_append_string(&text, name);
    buffer_append_string(&text, ", available connectors are: ");
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const struct plugin *plugin = plugin_find_connector(order[i]);
        const char *kind = plugin_kind_name(plugin->kind);

        buffer_append_format(
            &text, "%sPluginDesc{klass=class %s, name='%s', version='%s', encodedVersion=%s, type=%s, typeName='%s', location='%s'}",
            i > 0 ? ", " : "", plugin->class_name, plugin->class_name, plugin->version, plugin->version, kind, kind,
            i == 0 ? "file:built-in" : "classpath");
    }
    copy = arena_copy_string(arena, buffer_slice(&text));
    buffer_finish(&text);
    return copy;
}

struct validation *validation_create(struct arena *arena, const struct validate_request *request, const char **refusal)
{
    const char *class_name = properties_get(request->config, "connector.class");
    const struct plugin *plugin = class_name == NULL ? NULL : plugin_find_connector(class_name);
    struct validation *validation = arena_new(arena, sizeof(*validation));

    *refusal = NULL;
    if (class_name == NULL)
        *refusal = arena_format(arena, "Connector config %s contains no connector type", map_describe(arena, request->config));
    else if (plugin == NULL)
        *refusal = unknown_class(arena, class_name);
    if (*refusal != NULL)
        return NULL;
    *validation = (struct validation){
        .arena = arena, .class_name = class_name, .plugin = plugin, .config = request->config, .aliases = request->aliases, .is_offline = request->is_offline,
        .stop_fd = request->stop_fd};
    common_check(validation, request, "common");
    common_check(validation, request, plugin->kind == PLUGIN_SOURCE ? "source" : "sink");
    steps_check(validation, "transforms");
    steps_check(validation, "predicates");
    connector_check(validation);
    converter_check(validation, "key.converter", PLUGIN_CONVERTER);
    converter_check(validation, "value.converter", PLUGIN_CONVERTER);
    converter_check(validation, "header.converter", PLUGIN_HEADER_CONVERTER);
    return validation;
}

static void values_write(struct buffer *out, const char *values)
{
    struct slice rest = slice_from_string(values == NULL ? "" : values);
    struct slice value;

    buffer_append_string(out, "[");
    while (text_next_field(&rest, ',', &value)) {
        json_put_comma(out);
        json_put_string(out, value);
    }
    buffer_append_string(out, "]");
}

static void row_write(struct buffer *out, const struct validated *row)
{
    json_put_comma(out);
    buffer_append_string(out, "{");
    json_put_key(out, "definition");
    config_definition_write(out, row->field, &row->place);
    json_put_key(out, "value");
    if (!row->has_value) {
        buffer_append_string(out, "null}");
        return;
    }
    buffer_append_string(out, "{");
    json_put_key(out, "name");
    json_put_text(out, row->place.name);
    json_put_key(out, "value");
    json_put_text(out, row->value);
    json_put_key(out, "recommended_values");
    values_write(out, row->values);
    json_put_key(out, "errors");
    buffer_append_string(out, "[");
    for (const struct validation_error *error = row->errors; error != NULL; error = error->next) {
        json_put_comma(out);
        json_put_text(out, error->text);
    }
    buffer_append_string(out, "]");
    json_put_key(out, "visible");
    buffer_append_string(out, row->field->flags & HIDDEN ? "false}}" : "true}}");
}

/* The groups of the rows, each once, in the order they come; empty ones of the worker's own list too. */
static void groups_write(struct buffer *out, const struct validation *validation)
{
    for (size_t i = 0; i < validation->count; i++) {
        const char *group = validation->rows[i].place.group;
        bool again = group == NULL;

        for (size_t k = 0; k < i && !again; k++)
            again = validation->rows[k].place.group != NULL && strcmp(validation->rows[k].place.group, group) == 0;
        if (!again) {
            json_put_comma(out);
            json_put_text(out, group);
        }
    }
}

void validation_write(struct buffer *out, const struct validation *validation)
{
    buffer_append_string(out, "{");
    json_put_key(out, "name");
    json_put_text(out, validation->class_name);
    json_put_key(out, "error_count");
    buffer_append_decimal(out, validation->error_count);
    json_put_key(out, "groups");
    buffer_append_string(out, "[");
    groups_write(out, validation);
    buffer_append_string(out, "]");
    json_put_key(out, "configs");
    buffer_append_string(out, "[");
    for (size_t i = 0; i < validation->count; i++)
        row_write(out, &validation->rows[i]);
    buffer_append_string(out, "]}");
}

void validation_message_write(struct buffer *out, const struct validation *validation)
{
    buffer_append_format(out, "Connector configuration is invalid and contains the following %d error(s):", validation->error_count);
    for (size_t i = 0; i < validation->count; i++) {
        for (const struct validation_error *error = validation->rows[i].errors; error != NULL; error = error->next) {
            buffer_append_string(out, "\n");
            buffer_append_string(out, error->text);
        }
    }
    buffer_append_string(
        out, "\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`");
}
