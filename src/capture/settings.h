/*
 * capture/settings.h: what a connector's configuration says about connections, slot, publication, snapshot and batches.
 * What it says about events is wire/debezium/config.h's.
 */
#ifndef CAPTURE_SETTINGS_H
#define CAPTURE_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/properties.h"

/* Debezium's, where a configuration names none. */
#define SLOT_NAME_DEFAULT "debezium"
#define PUBLICATION_NAME_DEFAULT "dbz_publication"

enum snapshot_mode { MODE_INITIAL, MODE_ALWAYS, MODE_INITIAL_ONLY, MODE_NO_DATA, MODE_WHEN_NEEDED, MODE_CONFIGURATION_BASED };
enum publication_mode { PUBLICATION_ALL_TABLES, PUBLICATION_DISABLED, PUBLICATION_FILTERED, PUBLICATION_NO_TABLES };
enum transport { TRANSPORT_AUTO, TRANSPORT_TCP, TRANSPORT_SOCKET };
enum mismatch_strategy { MISMATCH_REFUSE, MISMATCH_TRUST_OFFSET, MISMATCH_TRUST_SLOT, MISMATCH_TRUST_GREATER };
enum isolation { ISOLATION_SERIALIZABLE, ISOLATION_REPEATABLE_READ, ISOLATION_READ_COMMITTED, ISOLATION_READ_UNCOMMITTED };
enum flush_mode { FLUSH_CONNECTOR, FLUSH_MANUAL, FLUSH_CONNECTOR_AND_DRIVER };

/* Strings are never NULL unless the comment says so; all of them live in the arena. */
struct capture_settings {
    const char *connector; /* name of the connector */
    const char *prefix;    /* topic.prefix */

    const char *host;     /* as in the configuration */
    const char *address;  /* after host.aliases: a host or an address, or a directory of Unix sockets (begins with '/') */
    int32_t port;         /* as in the configuration */
    int32_t address_port; /* after host.aliases */
    const char *user;
    const char *password; /* may be NULL */
    const char *database;
    const char *ssl_mode, *ssl_cert, *ssl_key, *ssl_root_cert, *ssl_password; /* all but ssl_mode may be NULL */
    const char *initial_statements;                                           /* may be NULL */
    bool tcp_keepalive;
    int64_t connect_timeout_ms;
    int64_t query_timeout_ms; /* 0: none */
    enum transport transport;

    const char *slot;
    bool slot_drop_on_stop, slot_failover;
    const char *slot_stream_parameters; /* "k=v;k2=v2", may be NULL */
    int32_t slot_retries;
    int64_t slot_retry_delay_ms;
    const char *publication;
    enum publication_mode publication_mode;
    bool publish_via_root;
    const char *publish;                  /* what skipped.operations leaves of insert, update, delete, truncate; NULL: say nothing */
    const char *replica_identity_autoset; /* may be NULL */
    int64_t status_interval_ms;
    int64_t xmin_interval_ms;
    enum mismatch_strategy mismatch;
    bool position_check;
    enum flush_mode flush_mode;

    enum snapshot_mode snapshot_mode;
    bool configured_data, configured_schema, configured_stream, configured_on_schema_error, configured_on_data_error;
    enum isolation isolation;
    bool lock_shared;
    int64_t lock_timeout_ms;
    const char *snapshot_include; /* snapshot.include.collection.list, may be NULL */
    int64_t snapshot_delay_ms, streaming_delay_ms;

    int64_t heartbeat_interval_ms; /* 0: none */
    const char *heartbeat_query;   /* may be NULL */

    int32_t retries_max;   /* errors.max.retries, -1: no limit */
    int64_t retry_wait_ms; /* retriable.restart.connector.wait.ms: the longest wait between attempts */

    const char *compression; /* none, gzip, snappy, lz4 or zstd */

    struct properties values; /* the whole configuration */
    struct arena arena;
};

/*
 * Reads a configuration. A property that is missing or wrong is named as Kafka Connect names it:
 * "The 'slot.name' value is invalid: …".
 * aliases  host.aliases, may be NULL
 * Errors   BAD_INPUT with the first problem
 */
enum status capture_settings_create(const char *connector, const struct properties *config, const struct properties *aliases,
                                    struct capture_settings **created, struct error *error);
void capture_settings_destroy(struct capture_settings *settings); /* NULL is fine */

/* Is `item` in the comma-separated list of a property? otherwise: the list when it is not set. */
bool capture_settings_lists(const struct capture_settings *settings, const char *key, const char *otherwise, const char *item);

/* Does the mode stream after its snapshot? */
bool capture_settings_streams(const struct capture_settings *settings);

#endif
