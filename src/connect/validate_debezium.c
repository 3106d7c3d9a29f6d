#include "connect/validate.h"

#include "base/banned.h"
#include "base/regexes.h"
#include "base/text.h"
#include "capture/capture.h"
#include "connect/java_regex.h"

#include <ctype.h>

/*
 * Debezium gives no values back, only errors: first that of the type, then that of the field's own check, also when both
 * say the same.
 */

static void problem(struct validation *validation, struct validated *row, const char *text)
{
    validation_error_add(validation, row, "The '%s' value is invalid: %s", row->field->name, text);
}

static bool is_blank(const char *value)
{
    return value == NULL || text_trim(slice_from_string(value)).size == 0;
}

static bool is_integer(const char *value)
{
    int32_t number;

    return text_parse_int32(slice_from_string(value), &number);
}

static bool is_long(const char *value)
{
    int64_t number;

    return text_parse_int64(slice_from_string(value), &number);
}

static bool is_boolean(const char *value)
{
    bool truth;

    return text_parse_bool(text_trim(slice_from_string(value)), &truth);
}

/* Letters, digits, '_' and '$', not a digit first, with dots between; anything beyond ASCII counts as a letter. */
static bool is_java_class(const char *value)
{
    bool first = true;

    for (const char *at = value; *at != '\0'; at++) {
        bool letter = isalpha((unsigned char)*at) || *at == '_' || *at == '$' || (unsigned char)*at >= 0x80;

        if (*at == '.' ? first : !(letter || (!first && isdigit((unsigned char)*at))))
            return false;
        first = *at == '.';
    }
    return !first;
}

static void type_check(struct validation *validation, struct validated *row, const char *value)
{
    enum config_type type = row->field->type;

    if (type == TYPE_INT && !is_integer(value))
        problem(validation, row, "An integer is expected");
    else if (type == TYPE_LONG && !is_long(value))
        problem(validation, row, "A long value is expected");
    else if (type == TYPE_BOOLEAN && !is_boolean(value))
        problem(validation, row, "Either 'true' or 'false' is expected");
    else if (type == TYPE_CLASS && !is_java_class(value))
        problem(validation, row, "A Java class name is expected");
}

/* ---- Numbers ---- */

/* A number not below `least`; one that is not readable fails too. */
static void number_check(struct validation *validation, struct validated *row, const char *value, bool is_int, int64_t least,
                         const char *text)
{
    int32_t small = 0;
    int64_t number = 0;
    bool readable = is_int ? text_parse_int32(slice_from_string(value), &small) : text_parse_int64(slice_from_string(value), &number);

    if (is_int)
        number = small;
    if (!readable || number < least)
        problem(validation, row, text);
}

static int64_t number_of(const struct validation *validation, const char *name, int64_t when_missing)
{
    const char *value = properties_get(validation->config, name);
    int64_t number;

    return value != NULL && text_parse_int64(slice_from_string(value), &number) ? number : when_missing;
}

static void queue_check(struct validation *validation, struct validated *row, const char *value)
{
    int64_t size = 8192;

    if (value != NULL && !text_parse_int64(slice_from_string(value), &size))
        return; /* the type has said so */
    if (size <= 0)
        problem(validation, row, "A positive queue size is required");
    if (size <= number_of(validation, "max.batch.size", 2048))
        problem(validation, row, "Must be larger than the maximum batch size");
}

/* ---- Texts ---- */

static bool has_only(const char *value, const char *others)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9')) && strchr(others, *at) == NULL)
            return false;
    }
    return value[0] != '\0';
}

static void format_check(struct validation *validation, struct validated *row, const char *value)
{
    if (!has_only(value, "_-."))
        validation_error_add(
            validation, row,
            "The '%s' value is invalid: %s has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)",
            row->field->name, value);
}

static void slot_check(struct validation *validation, struct validated *row, const char *value)
{
    bool well = value[0] != '\0' && strlen(value) <= 63;

    for (const char *at = value; *at != '\0'; at++)
        well = well && ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_');
    if (!well)
        problem(validation, row,
                "Valid replication slot name must contain only digits, lowercase characters and underscores with length <= 63");
}

static bool is_listed(const char *values, struct slice value)
{
    struct slice rest = slice_from_string(values);
    struct slice item;

    while (text_next_field(&rest, ',', &item)) {
        if (item.size == value.size && strncasecmp((const char *)item.data, (const char *)value.data, item.size) == 0)
            return true;
    }
    return false;
}

static void one_of_check(struct validation *validation, struct validated *row, const char *value)
{
    struct slice rest = slice_from_string(row->field->values);
    struct slice item;
    struct buffer text;

    if (is_listed(row->field->values, text_trim(slice_from_string(value))))
        return;
    buffer_init(&text, 1024);
    while (text_next_field(&rest, ',', &item)) {
        buffer_append_string(&text, text.size > 0 ? ", " : "Value must be one of ");
        buffer_append_slice(&text, item);
    }
    buffer_append_u8(&text, 0);
    problem(validation, row, (const char *)text.data);
    buffer_finish(&text);
}

static void operations_check(struct validation *validation, struct validated *row, const char *value)
{
    struct slice rest = slice_from_string(value);
    struct slice item;
    bool none = false, others = false;

    if (is_blank(value)) {
        problem(validation, row, "Invalid operation");
        return;
    }
    while (text_next_field(&rest, ',', &item)) {
        item = text_trim(item);
        if (slice_equal_string(item, "none")) {
            none = true;
        } else if (item.size == 1 && strchr("cudtr", item.data[0]) != NULL) {
            others = true;
        } else {
            problem(validation, row, "Invalid operation");
            return;
        }
    }
    if (none && others)
        problem(validation, row, "'none' cannot be specified with other skipped operation types");
}

/* One item of message.key.columns: table:column,column */
static bool is_key_columns(struct slice item)
{
    const uint8_t *colon = item.size == 0 ? NULL : memchr(item.data, ':', item.size);
    struct slice columns, column;

    if (colon == NULL || colon == item.data)
        return false;
    columns = slice_from(item, (size_t)(colon - item.data) + 1);
    if (columns.size == 0 || memchr(columns.data, ':', columns.size) != NULL || columns.data[columns.size - 1] == ',')
        return false;
    while (text_next_field(&columns, ',', &column)) {
        if (column.size == 0)
            return false;
    }
    return true;
}

/* One item of replica.identity.autoset.values: table:FULL, table:INDEX name */
static bool is_identity(struct slice item)
{
    const uint8_t *colon;
    struct slice kind;

    item = text_trim(item);
    colon = item.size == 0 ? NULL : memchr(item.data, ':', item.size);
    if (colon == NULL || colon == item.data)
        return false;
    for (const uint8_t *at = item.data; at < colon; at++) {
        if (isspace(*at))
            return false;
    }
    kind = slice_from(item, (size_t)(colon - item.data) + 1);
    if (kind.size > 6 && strncasecmp((const char *)kind.data, "INDEX ", 6) == 0) {
        for (size_t i = 7; i < kind.size; i++) {
            if (!isalnum(kind.data[i]) && kind.data[i] != '_')
                return false;
        }
        return true;
    }
    return is_listed("DEFAULT,FULL,NOTHING", kind);
}

static void items_check(struct validation *validation, struct validated *row, const char *value, char separator,
                        bool (*is_well)(struct slice), const char *expected)
{
    struct slice rest = slice_from_string(value);
    struct slice item = rest;
    bool more = true;

    if (value[0] == '\0')
        problem(validation, row, "Must not be empty");
    if (value[0] != '\0')
        more = text_next_field(&rest, separator, &item);
    for (; more; more = text_next_field(&rest, separator, &item)) {
        if (!is_well(item) && !(item.size == 0 && rest.size == 0 && value[0] != '\0'))
            validation_error_add(validation, row, "The '%s' value is invalid: %.*s has an invalid format (expecting '%s')",
                                 row->field->name, (int)item.size, (const char *)item.data, expected);
    }
}

static void tags_check(struct validation *validation, struct validated *row, const char *value)
{
    struct slice rest = slice_from_string(value);
    struct slice item;

    while (!is_blank(value) && text_next_field(&rest, ',', &item)) {
        const uint8_t *equals = item.size == 0 ? NULL : memchr(item.data, '=', item.size);

        if (equals == NULL || equals == item.data) {
            problem(validation, row, "A equivalent-separated map of valid key/value pairs is expected, for example: k1=v1,k2=v2");
            return;
        }
    }
}

/* The next item of a list of expressions; "\," is a comma inside one. False at the end. */
static bool expression_next(struct arena *arena, const char **rest, struct slice *expression)
{
    const char *at = *rest;
    char *copy;
    size_t size = 0;

    if (*at == '\0')
        return false;
    copy = arena_new(arena, strlen(at) + 1);
    for (; *at != '\0' && *at != ','; at++) {
        if (*at == '\\' && at[1] == ',')
            at++;
        else if (*at == '\\' && at[1] != '\0')
            copy[size++] = *at++;
        copy[size++] = *at;
    }
    *rest = *at == ',' ? at + 1 : at;
    *expression = text_trim(slice_of(copy, size));
    return true;
}

static void regexes_check(struct validation *validation, struct validated *row, const char *value)
{
    const char *rest = value;
    struct regexes *compiled = NULL;
    struct slice expression;
    struct error error;

    while (expression_next(validation->arena, &rest, &expression)) {
        const char *what = java_regex_problem(validation->arena, expression);

        if (what == NULL && regexes_create_one(expression, REGEXES_IGNORE_CASE, &compiled, &error) != OK)
            what = arena_copy_string(validation->arena, slice_from_string(error.message));
        regexes_destroy(compiled);
        compiled = NULL;
        if (what != NULL) {
            validation_error_add(validation, row,
                                 "The '%s' value is invalid: A comma-separated list of valid regular expressions is expected, but %s",
                                 row->field->name, what);
            return;
        }
    }
}

/* "table.exclude.list" excludes "table.include.list"; Debezium calls the message prefixes by another name. */
static void exclusion_check(struct validation *validation, struct validated *row)
{
    const char *name = row->field->name;
    size_t length = strlen(name);
    const char *other;

    if (length < 13 || strcmp(name + length - 13, ".exclude.list") != 0 || properties_get(validation->config, name) == NULL)
        return;
    other = arena_format(validation->arena, "%.*s.include.list", (int)(length - 13), name);
    if (properties_get(validation->config, other) != NULL)
        validation_error_add(validation, row, "The '%s' value is invalid: \"%s%s\" is already specified", name,
                             strncmp(name, "message", 7) == 0 ? "logical_decoding_" : "", other);
}

/* "snapshot.mode.custom.name" is needed when "snapshot.mode" is custom. */
static void custom_check(struct validation *validation, struct validated *row, const char *value)
{
    const char *name = row->field->name;
    const char *mode = arena_format(validation->arena, "%.*s", (int)(strlen(name) - strlen(".custom.name")), name);
    const char *chosen = properties_get(validation->config, mode);

    if (chosen != NULL && is_listed("custom", text_trim(slice_from_string(chosen))) && is_blank(value))
        validation_error_add(validation, row, "The '%s' value is invalid: %s cannot be empty when %s 'custom' is defined", name, name,
                             mode);
}

static void sink_topic_check(struct validation *validation, struct validated *row, const char *value)
{
    const char *channels = properties_get(validation->config, "notification.enabled.channels");
    struct slice rest = slice_from_string(channels == NULL ? "" : channels);
    struct slice channel;

    while (value == NULL && text_next_field(&rest, ',', &channel)) {
        if (slice_equal_string(text_trim(channel), "sink"))
            problem(validation, row, "Notification topic name must be provided when kafka notification channel is enabled");
    }
}

static void one_table_check(struct validation *validation, struct validated *row, const char *value)
{
    const char *what = java_regex_problem(validation->arena, slice_from_string(value));

    if (strchr(value, ',') != NULL)
        problem(validation, row, "For single task connector only one signal data collection is permitted.");
    else if (what != NULL)
        problem(validation, row, what);
}

/* ---- Fields ---- */

/* Checks that apply to a value that is there. */
static void value_check(struct validation *validation, struct validated *row, const char *value)
{
    switch (row->field->check) {
    case CHECK_TOPIC_PREFIX: format_check(validation, row, value); break;
    case CHECK_HOST_NAME:
        if (!is_blank(value))
            format_check(validation, row, value);
        break;
    case CHECK_SLOT_NAME: slot_check(validation, row, value); break;
    case CHECK_ONE_OF: one_of_check(validation, row, value); break;
    case CHECK_BOOLEAN:
        if (!is_boolean(value))
            problem(validation, row, "Either 'true' or 'false' is expected");
        break;
    case CHECK_INTEGER:
        if (!is_integer(value))
            problem(validation, row, "An integer is expected");
        break;
    case CHECK_POSITIVE: number_check(validation, row, value, true, 1, "A positive, non-zero integer value is expected"); break;
    case CHECK_NOT_NEGATIVE: number_check(validation, row, value, true, 0, "An non-negative integer is expected"); break;
    case CHECK_POSITIVE_LONG: number_check(validation, row, value, false, 1, "A positive, non-zero long value is expected"); break;
    case CHECK_NOT_NEGATIVE_LONG: number_check(validation, row, value, false, 0, "A non-negative long value is expected"); break;
    case CHECK_REGEXES: regexes_check(validation, row, value); break;
    case CHECK_TAGS: tags_check(validation, row, value); break;
    case CHECK_OPERATIONS: operations_check(validation, row, value); break;
    case CHECK_KEY_COLUMNS: items_check(validation, row, value, ';', is_key_columns, "^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$"); break;
    case CHECK_IDENTITIES:
        items_check(validation, row, value, ',', is_identity,
                    "(?i)^\\s*(?<tablepredicate>[^\\s:]+):(?<replicaidentity>DEFAULT|(INDEX) (?<indexname>.\\w*)|FULL|NOTHING)\\s*$");
        break;
    case CHECK_ONE_TABLE: one_table_check(validation, row, value); break;
    case CHECK_BUILT_IN_CLASS:
        if (is_java_class(value) && strcmp(value, row->field->default_value) != 0)
            problem(validation, row, arena_format(validation->arena, "Unable to find class %s", value));
        break;
    default: break;
    }
}

static void field_check(struct validation *validation, struct validated *row)
{
    enum config_check check = row->field->check;
    const char *value = properties_get(validation->config, row->field->name);

    if (value == NULL && strcmp(row->field->name, "legacy.snapshot.max.threads") == 0)
        value = properties_get(validation->config, "internal.legacy.snapshot.max.threads"); /* the one alias that is left */
    if ((check == CHECK_REQUIRED || check == CHECK_TOPIC_PREFIX || check == CHECK_HOST_NAME) && is_blank(value))
        problem(validation, row, "A value is required");
    if (value != NULL) {
        type_check(validation, row, value);
        value_check(validation, row, value);
    }
    if (check == CHECK_QUEUE_SIZE)
        queue_check(validation, row, value);
    else if (check == CHECK_CUSTOM_NAME)
        custom_check(validation, row, value);
    else if (check == CHECK_SINK_TOPIC)
        sink_topic_check(validation, row, value);
    else if (check == CHECK_REGEXES)
        exclusion_check(validation, row);
}

/* What the driver refuses before it connects. */
static const char *driver_problem(const struct validation *validation)
{
    int64_t port = number_of(validation, "database.port", 5432);

    if (port < 1 || port > 65535)
        return arena_format(validation->arena, "Error while validating connector config: Unable to parse URL jdbc:postgresql://%s:%lld/%s",
                            properties_get(validation->config, "database.hostname"), (long long)port,
                            properties_get(validation->config, "database.dbname"));
    if (number_of(validation, "database.query.timeout.ms", 0) < 0)
        return "Error while validating connector config: Query timeout must be a value greater than or equals to 0.";
    return NULL;
}

/* The first line is Debezium's text, the second says what to do. */
static void database_error_add(struct validation *validation, struct validated *host, const char *message)
{
    const char *line_end = strchrnul(message, '\n');

    validation_error_add(validation, host, "%.*s", (int)(line_end - message), message);
    if (*line_end != '\0')
        host->errors->remedy = arena_copy_string(validation->arena, slice_from_string(line_end + 1));
}

void validate_debezium(struct validation *validation)
{
    int errors_before = validation->error_count;
    struct validated *host = NULL;
    size_t count;
    const struct config_field *fields = config_fields(POSTGRES, &count);
    const char *refused;
    struct error error;

    for (size_t i = 0; i < count; i++) {
        struct validated *row = validation_row_add(validation, &fields[i]);

        row->value = NULL;
        row->has_value = strcmp(fields[i].name, "internal.legacy.snapshot.max.threads") != 0;
        row->values = fields[i].check == CHECK_ONE_OF ? fields[i].values : NULL;
        if (row->has_value)
            field_check(validation, row);
    }
    if (validation->error_count != errors_before || validation->is_offline)
        return; /* the database is tried only when everything else is well */
    for (size_t i = 0; i < validation->count; i++) {
        if (strcmp(validation->rows[i].field->name, "database.hostname") == 0)
            host = &validation->rows[i];
    }
    refused = driver_problem(validation);
    if (refused != NULL)
        validation_error_add(validation, host, "%s", refused);
    else if (capture_check(validation->config, validation->aliases, validation->stop_fd, &error) != OK)
        database_error_add(validation, host, error.message);
}
