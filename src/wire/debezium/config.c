#include "wire/debezium/config.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/regexes.h"
#include "base/text.h"
#include "wire/debezium/name.h"
#include "wire/debezium/transform.h"

#include <openssl/evp.h>
#include <stdarg.h>

#define CONFIG_BLOCK_BYTES 4096
#define MASK_LENGTH_MAX 65536

/* ---- Reading properties ---- */

struct reading {
    const struct properties *properties;
    struct debezium_config *config;
    debezium_problem *problem;
    void *context;
    struct error *error;
    enum status status; /* of the first problem */
};

/* "The 'x' value is invalid: …", told to the caller; the first one is the error too. */
static void report(struct reading *in, const char *property, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void report(struct reading *in, const char *property, const char *format, ...)
{
    char why[900], message[1000];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    (void)snprintf(message, sizeof(message), "The '%s' value is invalid: %s", property, why);
    if (in->problem != NULL)
        in->problem(in->context, property, message);
    if (in->status == OK)
        in->status = error_set(in->error, ERROR_BAD_INPUT, "%s", message);
}

/* The value without blanks around it, in the arena; NULL when absent. */
static const char *get(struct reading *in, const char *key)
{
    const char *value = properties_get(in->properties, key);

    return value == NULL ? NULL : arena_copy_string(&in->config->arena, text_trim(slice_from_string(value)));
}

static const char *get_or(struct reading *in, const char *key, const char *otherwise)
{
    const char *value = get(in, key);

    return value == NULL ? otherwise : value;
}

static bool get_bool(struct reading *in, const char *key, bool otherwise)
{
    const char *text = get(in, key);
    bool value = otherwise;

    if (text != NULL && !text_parse_bool(slice_from_string(text), &value))
        report(in, key, "Either 'true' or 'false' is expected");
    return value;
}

static int32_t get_int(struct reading *in, const char *key, int32_t otherwise)
{
    const char *text = get(in, key);
    int32_t value = otherwise;

    if (text != NULL && !text_parse_int32(slice_from_string(text), &value))
        report(in, key, "An integer is expected");
    return value;
}

struct choice {
    const char *name;
    int value;
};

/* One of a list of names, in any case; `all` is that list as Java's HashSet happens to print it. */
static int get_choice(struct reading *in, const char *key, const struct choice *choices, const char *all, int otherwise)
{
    const char *text = get(in, key);

    if (text == NULL)
        return otherwise;
    for (; choices->name != NULL; choices++) {
        if (strcasecmp(choices->name, text) == 0)
            return choices->value;
    }
    report(in, key, "Value must be one of %s", all);
    return otherwise;
}

static struct regexes *get_regexes(struct reading *in, const char *key)
{
    const char *text = get(in, key);
    struct regexes *list = NULL;
    struct error why;

    if (text == NULL || *text == 0)
        return NULL;
    if (regexes_create(text, REGEXES_IGNORE_CASE, &list, &why) != OK)
        report(in, key, "A comma-separated list of valid regular expressions is expected, but %s", why.message);
    return list;
}

/* Include and exclude lists of one kind: only one of them. */
static void get_filter(struct reading *in, const char *include_key, const char *exclude_key, const char *include_name,
                       struct regexes **include, struct regexes **exclude)
{
    *include = get_regexes(in, include_key);
    *exclude = get_regexes(in, exclude_key);
    if (*include != NULL && *exclude != NULL)
        report(in, exclude_key, "\"%s\" is already specified", include_name);
}

/* ---- Groups of properties ---- */

static bool is_topic_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

    return *name != 0 && name[strspn(name, allowed)] == 0;
}

static void check_topic_name(struct reading *in, const char *key, const char *name)
{
    if (!is_topic_name(name))
        report(in, key, "%s has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)", name);
}

static void read_topics(struct reading *in)
{
    static const struct choice strategies[] = {{"io.debezium.schema.SchemaTopicNamingStrategy", TOPICS_SCHEMA},
                                               {"io.debezium.schema.DefaultTopicNamingStrategy", TOPICS_DEFAULT},
                                               {"io.debezium.schema.SchemaUnicodeTopicNamingStrategy", TOPICS_SCHEMA_UNICODE},
                                               {"io.debezium.schema.DefaultUnicodeTopicNamingStrategy", TOPICS_DEFAULT_UNICODE},
                                               {NULL, 0}};
    struct debezium_config *config = in->config;
    const char *transaction = get_or(in, "topic.transaction", "transaction");
    const char *heartbeat_prefix = get_or(in, "topic.heartbeat.prefix", "__debezium-heartbeat");
    const char *heartbeat = get_or(in, "topic.heartbeat.name", "");

    config->prefix = get_or(in, "topic.prefix", "");
    if (*config->prefix == 0)
        report(in, "topic.prefix", "A value is required");
    else
        check_topic_name(in, "topic.prefix", config->prefix);
    config->topic_delimiter = get_or(in, "topic.delimiter", ".");
    check_topic_name(in, "topic.delimiter", config->topic_delimiter);
    check_topic_name(in, "topic.transaction", transaction);
    check_topic_name(in, "topic.heartbeat.prefix", heartbeat_prefix);
    if (*heartbeat != 0)
        check_topic_name(in, "topic.heartbeat.name", heartbeat);
    config->topic_naming = (enum topic_naming)get_choice(
        in, "topic.naming.strategy", strategies,
        "io.debezium.schema.SchemaTopicNamingStrategy, io.debezium.schema.DefaultTopicNamingStrategy, "
        "io.debezium.schema.SchemaUnicodeTopicNamingStrategy, io.debezium.schema.DefaultUnicodeTopicNamingStrategy",
        TOPICS_SCHEMA);
    config->transaction_topic = arena_format(&config->arena, "%s%s%s", config->prefix, config->topic_delimiter, transaction);
    config->message_topic = arena_format(&config->arena, "%s.message", config->prefix); /* whatever topic.delimiter says */
    config->heartbeat_topic =
        *heartbeat != 0 ? heartbeat : arena_format(&config->arena, "%s%s%s", heartbeat_prefix, config->topic_delimiter, config->prefix);
}

static void read_converter(struct reading *in, const char *side, struct json_converter *converter)
{
    static const struct choice formats[] = {{"BASE64", 0}, {"NUMERIC", 1}, {NULL, 0}};
    struct arena *arena = &in->config->arena;
    const char *class_key = arena_format(arena, "%s.converter", side);
    const char *class = get(in, class_key);

    if (class != NULL && strcmp(class, "org.apache.kafka.connect.json.JsonConverter") != 0 && strcmp(class, "JsonConverter") != 0 &&
        strcmp(class, "Json") != 0)
        report(in, class_key, "%s is not available here; org.apache.kafka.connect.json.JsonConverter is", class);
    converter->schemas_enable = get_bool(in, arena_format(arena, "%s.converter.schemas.enable", side), true);
    converter->replace_null_with_default = get_bool(in, arena_format(arena, "%s.converter.replace.null.with.default", side), true);
    converter->decimal_numeric =
        get_choice(in, arena_format(arena, "%s.converter.decimal.format", side), formats, "BASE64, NUMERIC", 0) != 0;
}

static void read_types(struct reading *in)
{
    static const struct choice decimals[] = {
        {"precise", DECIMAL_PRECISE}, {"double", DECIMAL_DOUBLE}, {"string", DECIMAL_STRING}, {NULL, 0}};
    static const struct choice times[] = {{"adaptive", TIME_ADAPTIVE},
                                          {"adaptive_time_microseconds", TIME_ADAPTIVE_MICROSECONDS},
                                          {"connect", TIME_CONNECT},
                                          {"microseconds", TIME_MICROSECONDS},
                                          {"nanoseconds", TIME_NANOSECONDS},
                                          {"isostring", TIME_ISOSTRING},
                                          {NULL, 0}};
    static const struct choice binaries[] = {
        {"bytes", BINARY_BYTES}, {"base64", BINARY_BASE64}, {"base64-url-safe", BINARY_BASE64_URL_SAFE}, {"hex", BINARY_HEX}, {NULL, 0}};
    static const struct choice intervals[] = {{"numeric", INTERVAL_NUMERIC}, {"string", INTERVAL_STRING}, {NULL, 0}};
    static const struct choice hstores[] = {{"json", HSTORE_JSON}, {"map", HSTORE_MAP}, {NULL, 0}};
    static const struct choice failures[] = {{"warn", FAILURE_WARN}, {"fail", FAILURE_FAIL}, {"skip", FAILURE_SKIP}, {NULL, 0}};
    struct debezium_config *config = in->config;

    config->decimal_mode = (enum decimal_mode)get_choice(in, "decimal.handling.mode", decimals, "string, double, precise", DECIMAL_PRECISE);
    config->time_mode =
        (enum time_mode)get_choice(in, "time.precision.mode", times,
                                   "adaptive, adaptive_time_microseconds, isostring, microseconds, nanoseconds, connect", TIME_ADAPTIVE);
    config->binary_mode =
        (enum binary_mode)get_choice(in, "binary.handling.mode", binaries, "bytes, base64, hex, base64-url-safe", BINARY_BYTES);
    config->interval_mode = (enum interval_mode)get_choice(in, "interval.handling.mode", intervals, "string, numeric", INTERVAL_NUMERIC);
    config->hstore_mode = (enum hstore_mode)get_choice(in, "hstore.handling.mode", hstores, "json, map", HSTORE_JSON);
    config->conversion_failure =
        (enum failure_mode)get_choice(in, "event.converting.failure.handling.mode", failures, "warn, fail, skip", FAILURE_WARN);
    config->money_scale = get_int(in, "money.fraction.digits", 2);
    if (config->money_scale < 0 || config->money_scale > 1000) {
        report(in, "money.fraction.digits", "An non-negative integer is expected");
        config->money_scale = 2;
    }
    config->include_unknown_types = get_bool(in, "include.unknown.datatypes", false);
}

static void read_names(struct reading *in)
{
    static const struct choice modes[] = {{"none", NAME_NONE}, {"avro", NAME_AVRO}, {"avro_unicode", NAME_AVRO_UNICODE}, {NULL, 0}};

    in->config->schema_names =
        (enum name_adjustment)get_choice(in, "schema.name.adjustment.mode", modes, "none, avro_unicode, avro", NAME_NONE);
    in->config->field_names =
        (enum name_adjustment)get_choice(in, "field.name.adjustment.mode", modes, "none, avro_unicode, avro", NAME_NONE);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void read_placeholder(struct reading *in)
{
    static const char key[] = "unavailable.value.placeholder";
    const char *text = get_or(in, key, "__debezium_unavailable_value");
    size_t size;
    uint8_t *bytes;

    if (strncmp(text, "hex:", 4) != 0) {
        in->config->placeholder = slice_from_string(text);
        return;
    }
    text += 4;
    size = strlen(text) / 2;
    bytes = arena_new(&in->config->arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0 || strlen(text) % 2 != 0) {
            report(in, key, "an even number of hexadecimal digits is expected behind 'hex:'");
            return;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    in->config->placeholder = slice_of(bytes, size);
}

static void skip_operation(struct reading *in, struct slice operation, bool *is_none)
{
    struct debezium_config *config = in->config;
    const struct {
        char letter;
        bool *skip;
    } operations[] = {{'c', &config->skip_create},
                      {'u', &config->skip_update},
                      {'d', &config->skip_delete},
                      {'t', &config->skip_truncate},
                      {'r', &config->skip_read}};

    if (slice_equal_string(operation, "none")) {
        *is_none = true;
        return;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        if (operation.size == 1 && operation.data[0] == (uint8_t)operations[i].letter) {
            *operations[i].skip = true;
            return;
        }
    }
    report(in, "skipped.operations", "Invalid operation");
}

static void read_operations(struct reading *in)
{
    struct slice rest = slice_from_string(get_or(in, "skipped.operations", "t")), operation;
    bool is_none = false;
    size_t count = 0;

    for (; text_next_field(&rest, ',', &operation); count++)
        skip_operation(in, text_trim(operation), &is_none);
    if (is_none && count > 1)
        report(in, "skipped.operations", "'none' cannot be specified with other skipped operation types");
}

/* ---- Rules for columns ---- */

/* Cuts "prefix…suffix" down to what stands between; NULL when the key is of another form or nothing is there. */
static const char *between(struct arena *arena, const char *key, const char *prefix, const char *suffix)
{
    size_t length = strlen(key), front = strlen(prefix), back = strlen(suffix);

    if (length <= front + back || strncmp(key, prefix, front) != 0 || strcmp(key + length - back, suffix) != 0)
        return NULL;
    return arena_copy_string(arena, slice_of(key + front, length - front - back));
}

static bool key_length(struct arena *arena, const char *key, const char *prefix, int32_t *length)
{
    const char *digits = between(arena, key, prefix, ".chars");

    return digits != NULL && digits[strspn(digits, "0123456789")] == 0 && text_parse_int32(slice_from_string(digits), length);
}

/* "ALGORITHM.with.salt.SALT", the algorithm without dots. */
static bool key_hash(struct arena *arena, const char *key, const char *prefix, struct debezium_column_rule *rule, const char **algorithm)
{
    const char *rest = between(arena, key, prefix, "");
    const char *dot = rest == NULL ? NULL : strchr(rest, '.');
    static const char with_salt[] = ".with.salt.";

    if (dot == NULL || dot == rest || strncmp(dot, with_salt, strlen(with_salt)) != 0 || dot[strlen(with_salt)] == 0)
        return false;
    *algorithm = arena_copy_string(arena, slice_of(rest, (size_t)(dot - rest)));
    rule->salt = dot + strlen(with_salt);
    return true;
}

/* Is this property a rule of this kind? Fills in what its name says. */
static bool rule_read_key(struct arena *arena, const char *key, struct debezium_column_rule *rule, const char **algorithm)
{
    switch (rule->kind) {
    case COLUMN_TRUNCATE: return key_length(arena, key, "column.truncate.to.", &rule->length);
    case COLUMN_MASK: return key_length(arena, key, "column.mask.with.", &rule->length);
    case COLUMN_PROPAGATE: return strcmp(key, "column.propagate.source.type") == 0;
    case COLUMN_PROPAGATE_DATATYPE: return strcmp(key, "datatype.propagate.source.type") == 0;
    case COLUMN_HASH: return key_hash(arena, key, "column.mask.hash.", rule, algorithm);
    case COLUMN_HASH_V2: return key_hash(arena, key, "column.mask.hash.v2.", rule, algorithm);
    default: return false;
    }
}

static void read_column_rules(struct reading *in)
{
    struct debezium_config *config = in->config;
    const struct properties *properties = in->properties;

    config->column_rules = arena_new_array(&config->arena, properties->count + 1, sizeof(*config->column_rules));
    for (int kind = COLUMN_TRUNCATE; kind <= COLUMN_HASH_V2; kind++) { /* the order in which the first match is looked for */
        for (size_t i = 0; i < properties->count; i++) {
            struct debezium_column_rule rule = {.kind = (enum column_rule_kind)kind};
            const char *key = properties->items[i].key, *algorithm = NULL;

            if (!rule_read_key(&config->arena, key, &rule, &algorithm))
                continue;
            if (rule.length > MASK_LENGTH_MAX && rule.kind == COLUMN_MASK) {
                report(in, key, "a mask of at most %d characters is expected", MASK_LENGTH_MAX);
                continue;
            }
            rule.names = get_regexes(in, key);
            if (rule.names == NULL)
                continue;
            rule.digest = algorithm == NULL ? NULL : EVP_MD_fetch(NULL, algorithm, NULL);
            config->column_rules[config->column_rule_count++] = rule;
            if (algorithm != NULL && rule.digest == NULL)
                report(in, key, "there is no hash algorithm %s", algorithm);
        }
    }
}

/* "schema.table:a,b": one expression a column. */
static bool read_key_item(struct reading *in, struct slice item)
{
    struct debezium_config *config = in->config;
    const uint8_t *colon = memchr(item.data, ':', item.size);
    struct slice table, columns, column;

    if (colon == NULL)
        return false;
    table = slice_of(item.data, (size_t)(colon - item.data));
    columns = slice_from(item, table.size + 1);
    if (text_trim(table).size == 0 || columns.size == 0 || columns.data[columns.size - 1] == ',' ||
        memchr(columns.data, ':', columns.size) != NULL)
        return false;
    while (text_next_field(&columns, ',', &column)) {
        struct slice name = text_trim(column);
        struct regexes **grown;
        struct error why;
        const char *expression;

        if (column.size == 0)
            return false;
        expression =
            arena_format(&config->arena, "%.*s.%.*s", (int)table.size, (const char *)table.data, (int)name.size, (const char *)name.data);
        grown = arena_new_array(&config->arena, config->key_column_count + 1, sizeof(*grown));
        if (config->key_column_count > 0)
            memcpy(grown, config->key_columns, config->key_column_count * sizeof(*grown));
        config->key_columns = grown;
        if (regexes_create(expression, REGEXES_IGNORE_CASE, &grown[config->key_column_count], &why) == OK)
            config->key_column_count++;
        else
            report(in, "message.key.columns", "%s", why.message);
    }
    return true;
}

static void read_key_columns(struct reading *in)
{
    struct slice rest = slice_from_string(get_or(in, "message.key.columns", "")), item;

    while (text_next_field(&rest, ';', &item)) {
        if (!read_key_item(in, text_trim(item)))
            report(in, "message.key.columns", "%.*s has an invalid format (expecting '^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$')",
                   (int)item.size, (const char *)item.data);
    }
}

static void read_filters(struct reading *in)
{
    struct debezium_config *config = in->config;

    get_filter(in, "schema.include.list", "schema.exclude.list", "schema.include.list", &config->schema_include, &config->schema_exclude);
    get_filter(in, "table.include.list", "table.exclude.list", "table.include.list", &config->table_include, &config->table_exclude);
    get_filter(in, "column.include.list", "column.exclude.list", "column.include.list", &config->column_include, &config->column_exclude);
    get_filter(in, "message.prefix.include.list", "message.prefix.exclude.list", "logical_decoding_message.prefix.include.list",
               &config->message_prefix_include, &config->message_prefix_exclude);
    config->ignore_builtin_tables = get_bool(in, "table.ignore.builtin", true);
    config->signal_table = get(in, "signal.data.collection");
    if (config->signal_table != NULL && *config->signal_table == 0)
        config->signal_table = NULL;
}

static void read_transforms(struct reading *in)
{
    struct properties *transforms = &in->config->transforms;
    struct transform_chain *chain = NULL;
    struct error why;

    properties_init(transforms);
    for (size_t i = 0; i < in->properties->count; i++) {
        const struct property *property = &in->properties->items[i];

        if ((strncmp(property->key, "transforms", 10) == 0 || strncmp(property->key, "predicates", 10) == 0) && property->value != NULL)
            properties_set(transforms, property->key, property->value);
    }
    if (transform_chain_create(transforms, &chain, &why) != OK)
        report(in, "transforms", "%s", why.message);
    transform_chain_destroy(chain);
}

enum status debezium_config_create(const struct properties *properties, debezium_problem *problem, void *context,
                                   struct debezium_config **created, struct error *error)
{
    struct debezium_config *config = memory_new(sizeof(*config));
    struct reading in = {properties, config, problem, context, error, OK};

    arena_init(&config->arena, CONFIG_BLOCK_BYTES);
    config->database = get_or(&in, "database.dbname", "");
    read_topics(&in);
    read_converter(&in, "key", &config->key_converter);
    read_converter(&in, "value", &config->value_converter);
    read_types(&in);
    read_names(&in);
    read_placeholder(&in);
    read_operations(&in);
    config->tombstones = get_bool(&in, "tombstones.on.delete", true);
    config->skip_unchanged = get_bool(&in, "skip.messages.without.change", false);
    config->transaction_metadata = get_bool(&in, "provide.transaction.metadata", false);
    config->extended_headers = get_bool(&in, "extended.headers.enabled", true);
    read_filters(&in);
    read_column_rules(&in);
    read_key_columns(&in);
    read_transforms(&in);
    if (in.status == OK)
        *created = config;
    else
        debezium_config_destroy(config);
    return in.status;
}

void debezium_config_destroy(struct debezium_config *config)
{
    if (config == NULL)
        return;
    regexes_destroy(config->schema_include);
    regexes_destroy(config->schema_exclude);
    regexes_destroy(config->table_include);
    regexes_destroy(config->table_exclude);
    regexes_destroy(config->column_include);
    regexes_destroy(config->column_exclude);
    regexes_destroy(config->message_prefix_include);
    regexes_destroy(config->message_prefix_exclude);
    for (size_t i = 0; i < config->column_rule_count; i++) {
        regexes_destroy(config->column_rules[i].names);
        EVP_MD_free(config->column_rules[i].digest);
    }
    for (size_t i = 0; i < config->key_column_count; i++)
        regexes_destroy(config->key_columns[i]);
    properties_finish(&config->transforms);
    arena_finish(&config->arena);
    memory_free(config);
}

/* ---- Questions ---- */

static bool passes(const struct regexes *include, const struct regexes *exclude, const char *name)
{
    struct slice text = slice_from_string(name);

    if (include != NULL)
        return regexes_match(include, text);
    return exclude == NULL || !regexes_match(exclude, text);
}

static bool is_builtin(const char *schema, const char *table)
{
    return strcasecmp(schema, "pg_catalog") == 0 || strcasecmp(schema, "information_schema") == 0 || strncmp(schema, "pg_temp", 7) == 0 ||
           strcasecmp(table, "spatial_ref_sys") == 0;
}

static bool is_signal_table(const struct debezium_config *config, const char *name)
{
    return config->signal_table != NULL && strcasecmp(config->signal_table, name) == 0;
}

bool debezium_config_captures_table(const struct debezium_config *config, const char *schema, const char *table)
{
    char *name = memory_format("%s.%s", schema, table);
    bool captured = is_signal_table(config, name) || (!(config->ignore_builtin_tables && is_builtin(schema, table)) &&
                                                      passes(config->schema_include, config->schema_exclude, schema) &&
                                                      passes(config->table_include, config->table_exclude, name));

    memory_free(name);
    return captured;
}

size_t debezium_config_table_rank(const struct debezium_config *config, const char *schema, const char *table)
{
    char *name = memory_format("%s.%s", schema, table);
    int found = config->table_include == NULL ? 0 : regexes_find(config->table_include, slice_from_string(name));
    size_t rank = is_signal_table(config, name) || found < 0 ? SIZE_MAX : (size_t)found;

    memory_free(name);
    return rank;
}

bool debezium_config_captures_message(const struct debezium_config *config, const char *prefix)
{
    return passes(config->message_prefix_include, config->message_prefix_exclude, prefix);
}

bool debezium_config_includes_column(const struct debezium_config *config, const char *schema, const char *table, const char *column)
{
    char *name = memory_format("%s.%s.%s", schema, table, column);
    bool included = passes(config->column_include, config->column_exclude, name);

    memory_free(name);
    return included;
}

const struct debezium_column_rule *debezium_config_column_rule(const struct debezium_config *config, const char *schema, const char *table,
                                                               const char *column, const char *type)
{
    char *name = memory_format("%s.%s.%s", schema, table, column), *type_name = memory_format("%s.%s.%s", schema, table, type);
    const struct debezium_column_rule *found = NULL;

    for (size_t i = 0; i < config->column_rule_count && found == NULL; i++) {
        const struct debezium_column_rule *rule = &config->column_rules[i];

        if (regexes_match(rule->names, slice_from_string(rule->kind == COLUMN_PROPAGATE_DATATYPE ? type_name : name)))
            found = rule;
    }
    memory_free(name);
    memory_free(type_name);
    return found;
}

bool debezium_config_key_matches(const struct debezium_config *config, size_t key_column, const char *schema, const char *table,
                                 const char *column)
{
    char *name = memory_format("%s.%s.%s", schema, table, column);
    bool matches = regexes_match(config->key_columns[key_column], slice_from_string(name));

    memory_free(name);
    return matches;
}
