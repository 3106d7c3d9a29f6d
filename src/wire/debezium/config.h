/*
 * wire/debezium/config.h: what a connector's configuration says about events: which tables, columns, types, topics and
 * which JSON. Connections, slots, snapshots and signals are capture's.
 */
#ifndef WIRE_DEBEZIUM_CONFIG_H
#define WIRE_DEBEZIUM_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/properties.h"

#define DEBEZIUM_VERSION "3.6.1.Final" /* what source.version says */

struct regexes; /* base/regexes.h */

/* What happens to the columns whose names match: the first rule that matches counts. */
enum column_rule_kind {
    COLUMN_TRUNCATE,           /* column.truncate.to.N.chars */
    COLUMN_MASK,               /* column.mask.with.N.chars */
    COLUMN_PROPAGATE,          /* column.propagate.source.type */
    COLUMN_PROPAGATE_DATATYPE, /* datatype.propagate.source.type: matches schema.table.type */
    COLUMN_HASH,               /* column.mask.hash.ALGORITHM.with.salt.SALT */
    COLUMN_HASH_V2             /* column.mask.hash.v2.… */
};

struct debezium_column_rule {
    enum column_rule_kind kind;
    int32_t length; /* TRUNCATE, MASK */
    void *digest;   /* HASH: an EVP_MD of OpenSSL */
    const char *salt;
    struct regexes *names;
};

enum decimal_mode { DECIMAL_PRECISE, DECIMAL_DOUBLE, DECIMAL_STRING };
enum time_mode { TIME_ADAPTIVE, TIME_ADAPTIVE_MICROSECONDS, TIME_CONNECT, TIME_MICROSECONDS, TIME_NANOSECONDS, TIME_ISOSTRING };
enum binary_mode { BINARY_BYTES, BINARY_BASE64, BINARY_BASE64_URL_SAFE, BINARY_HEX };
enum interval_mode { INTERVAL_NUMERIC, INTERVAL_STRING };
enum hstore_mode { HSTORE_JSON, HSTORE_MAP };
enum name_adjustment { NAME_NONE, NAME_AVRO, NAME_AVRO_UNICODE };
enum topic_naming { TOPICS_SCHEMA, TOPICS_DEFAULT, TOPICS_SCHEMA_UNICODE, TOPICS_DEFAULT_UNICODE };
enum failure_mode { FAILURE_WARN, FAILURE_FAIL, FAILURE_SKIP };

/* org.apache.kafka.connect.json.JsonConverter; one for keys, one for values. */
struct json_converter {
    bool schemas_enable;
    bool replace_null_with_default;
    bool decimal_numeric; /* decimal.format=NUMERIC */
    bool keep_nulls;      /* not a setting: the encoder's, when transformations come behind it */
};

/* All members may be read; only this module writes them. */
struct debezium_config {
    const char *prefix;   /* topic.prefix */
    const char *database; /* database.dbname */
    const char *topic_delimiter;
    enum topic_naming topic_naming; /* topic.naming.strategy */
    const char *transaction_topic;  /* whole names */
    const char *heartbeat_topic;
    const char *message_topic;

    struct json_converter key_converter;
    struct json_converter value_converter;

    enum decimal_mode decimal_mode;
    enum time_mode time_mode;
    enum binary_mode binary_mode;
    enum interval_mode interval_mode;
    enum hstore_mode hstore_mode;
    enum name_adjustment schema_names;
    enum name_adjustment field_names;
    enum failure_mode conversion_failure; /* event.converting.failure.handling.mode */
    int32_t money_scale;                  /* money.fraction.digits */
    bool include_unknown_types;
    struct slice placeholder; /* unavailable.value.placeholder, as bytes */

    bool tombstones;                                                      /* tombstones.on.delete */
    bool skip_create, skip_update, skip_delete, skip_truncate, skip_read; /* skipped.operations */
    bool skip_unchanged;                                                  /* skip.messages.without.change */
    bool transaction_metadata;                                            /* provide.transaction.metadata */
    bool extended_headers;                                                /* extended.headers.enabled */

    /* Filters and rules; ask the functions below. */
    struct regexes *schema_include, *schema_exclude, *table_include, *table_exclude, *column_include, *column_exclude;
    struct regexes *message_prefix_include, *message_prefix_exclude;
    bool ignore_builtin_tables;
    const char *signal_table; /* signal.data.collection or NULL; captured whatever the filters say */
    struct debezium_column_rule *column_rules;
    size_t column_rule_count;
    struct regexes **key_columns; /* message.key.columns: each matches schema.table.column */
    size_t key_column_count;

    struct properties transforms; /* transforms*, predicates*, for the encoder's chain */

    struct arena arena; /* holds all of it */
};

/* One problem with one property: message is the whole "The 'x' value is invalid: …". */
typedef void debezium_problem(void *context, const char *property, const char *message);

/*
 * Reads a connector's configuration; properties that are not ours are passed over.
 * properties  borrowed until the call returns; converters of the worker (key.converter.schemas.enable, …) included when wanted
 * problem     called for every property that is wrong; may be NULL
 * Errors      BAD_INPUT with the first problem
 */
enum status debezium_config_create(const struct properties *properties, debezium_problem *problem, void *context,
                                   struct debezium_config **created, struct error *error);
void debezium_config_destroy(struct debezium_config *config); /* NULL is fine */

/*
 * Is a table captured? Schema and table lists, table.ignore.builtin; the signal table always is.
 * Patterns are Java's as far as PCRE2 knows them: whole name, case-insensitive.
 */
bool debezium_config_captures_table(const struct debezium_config *config, const char *schema, const char *table);

/*
 * Where the initial snapshot has the table: the first pattern of table.include.list that matches it; tables of one rank go by
 * schema and name. 0 without such a list, SIZE_MAX for the signal table, which comes last.
 */
size_t debezium_config_table_rank(const struct debezium_config *config, const char *schema, const char *table);

/* Is a logical message with this prefix wanted? */
bool debezium_config_captures_message(const struct debezium_config *config, const char *prefix);

/* Does the value have this column (column.include.list, column.exclude.list)? A key has its columns anyway. */
bool debezium_config_includes_column(const struct debezium_config *config, const char *schema, const char *table, const char *column);

/* The first rule that matches a column, or NULL. type: the name of its type, "varchar". */
const struct debezium_column_rule *debezium_config_column_rule(const struct debezium_config *config, const char *schema, const char *table,
                                                               const char *column, const char *type);

/* Does key_columns[key_column] name this column? */
bool debezium_config_key_matches(const struct debezium_config *config, size_t key_column, const char *schema, const char *table,
                                 const char *column);

#endif
