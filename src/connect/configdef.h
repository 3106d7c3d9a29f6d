/* connect/configdef.h: the tables of plugin classes and of their settings, and the JSON of a definition. */
#ifndef CONNECT_CONFIGDEF_H
#define CONNECT_CONFIGDEF_H

#include "base/buffer.h"

#define POSTGRES "io.debezium.connector.postgresql.PostgresConnector"
#define POSTGRES_VERSION "3.6.1.Final"

enum config_type { TYPE_STRING, TYPE_SHORT, TYPE_INT, TYPE_LONG, TYPE_DOUBLE, TYPE_BOOLEAN, TYPE_LIST, TYPE_CLASS, TYPE_PASSWORD };
enum config_importance { IMPORTANCE_HIGH, IMPORTANCE_MEDIUM, IMPORTANCE_LOW };
enum config_width { WIDTH_NONE, WIDTH_SHORT, WIDTH_MEDIUM, WIDTH_LONG };
enum { REQUIRED = 1, HIDDEN = 2 };

/* What is checked besides the type. */
enum config_check {
    CHECK_NONE,
    /* Kafka Connect's own */
    CHECK_CONNECTOR_NAME,
    CHECK_AT_LEAST_ONE,
    CHECK_AT_LEAST_ZERO,
    CHECK_NOT_EMPTY,
    CHECK_EXACTLY_ONE_OF,
    CHECK_ANY_CASE_ONE_OF,
    CHECK_ALIASES,
    CHECK_CONVERTER,
    CHECK_HEADER_CONVERTER,
    CHECK_SINK_TOPICS,
    CHECK_REGEX,
    /* Debezium's */
    CHECK_REQUIRED,
    CHECK_TOPIC_PREFIX,
    CHECK_HOST_NAME,
    CHECK_SLOT_NAME,
    CHECK_ONE_OF,
    CHECK_BOOLEAN,
    CHECK_INTEGER,
    CHECK_POSITIVE,
    CHECK_NOT_NEGATIVE,
    CHECK_POSITIVE_LONG,
    CHECK_NOT_NEGATIVE_LONG,
    CHECK_QUEUE_SIZE,
    CHECK_REGEXES,
    CHECK_TAGS,
    CHECK_OPERATIONS,
    CHECK_KEY_COLUMNS,
    CHECK_IDENTITIES,
    CHECK_ONE_TABLE,
    CHECK_CUSTOM_NAME,
    CHECK_SINK_TOPIC,
    CHECK_BUILT_IN_CLASS
};

struct config_field {
    const char *owner; /* "common", "source", "sink" or a class */
    const char *name;
    enum config_type type;
    int flags;
    const char *default_value; /* NULL: none */
    enum config_importance importance;
    const char *group; /* NULL: none */
    int order;         /* in the group; -1 without */
    enum config_width width;
    const char *display_name;
    const char *values; /* allowed or recommended, with commas; NULL: any */
    enum config_check check;
    const char *text;
};

/* The rows of one owner, in their order; NULL and 0 when it has none. */
const struct config_field *config_fields(const char *owner, size_t *count);

/* Where a definition stands when it is not where its row says: settings of transformations and converters. */
struct config_place {
    const char *name;          /* NULL: the row's, and so on */
    const char *default_value; /* read only when name is set */
    const char *group;
    int order;
};

/* {"name":…,"type":…,…}; place may be NULL. */
void config_definition_write(struct buffer *out, const struct config_field *field, const struct config_place *place);

/* ---- Plugin classes ---- */

enum plugin_kind { PLUGIN_SINK, PLUGIN_SOURCE, PLUGIN_TRANSFORMATION, PLUGIN_PREDICATE, PLUGIN_CONVERTER, PLUGIN_HEADER_CONVERTER };

struct plugin {
    enum plugin_kind kind;
    const char *class_name;
    const char *version;
};

extern const struct plugin plugins[];
extern const size_t plugin_count;

/* By full name, simple name, or simple name without its kind; NULL when there is none. Thread: any. */
const struct plugin *plugin_find(enum plugin_kind kind, struct slice name);

/* Source or sink connector. */
const struct plugin *plugin_find_connector(const char *name);

/* Any kind: for GET /connector-plugins/{name}/config. */
const struct plugin *plugin_find_any(const char *name);

const char *plugin_kind_name(enum plugin_kind kind); /* as in the list of plugins: "source", "header_converter" */

/* Is this the name of a setting that Connect or the connector knows, so that no warning is due? `aliases` come from the configuration. */
struct properties;
bool config_property_is_known(const struct properties *config, const char *name);

/* The known setting that an unknown name is most likely meant to be; NULL when nothing is near. */
const char *config_property_nearest(const char *name);

/* Does the value of this setting have to be hidden from logs and consoles? */
bool config_property_is_secret(const char *name);

#endif
