#include "capture/settings.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <strings.h>

#define SLOT_NAME_MAX 63

/* The reading of one configuration: the first problem sticks. */
struct reading {
    struct capture_settings *settings;
    struct error *error;
    enum status status;
};

static void refuse(struct reading *reading, const char *key, const char *problem)
{
    if (reading->status == OK)
        reading->status = error_set(reading->error, ERROR_BAD_INPUT, "The '%s' value is invalid: %s", key, problem);
}

static const char *text_or_null(struct reading *reading, const char *key)
{
    const char *value = properties_get(&reading->settings->values, key);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static const char *text_or(struct reading *reading, const char *key, const char *otherwise)
{
    const char *value = text_or_null(reading, key);

    return value == NULL ? otherwise : value;
}

static const char *text_required(struct reading *reading, const char *key)
{
    const char *value = text_or_null(reading, key);

    if (value == NULL)
        refuse(reading, key, "A value is required");
    return value == NULL ? "" : value;
}

static int64_t number(struct reading *reading, const char *key, int64_t otherwise, int64_t least)
{
    const char *value = text_or_null(reading, key);
    int64_t result = otherwise;

    if (value == NULL)
        return otherwise;
    if (!text_parse_int64(text_trim(slice_from_string(value)), &result)) {
        refuse(reading, key, "An integer is expected");
        return otherwise;
    }
    if (result < least) {
        refuse(reading, key, least == 1 ? "A positive, non-zero integer value is expected" : "An non-negative integer is expected");
        return otherwise;
    }
    return result;
}

static bool truth(struct reading *reading, const char *key, bool otherwise)
{
    const char *value = text_or_null(reading, key);
    bool result = otherwise;

    if (value != NULL && !text_parse_bool(text_trim(slice_from_string(value)), &result))
        refuse(reading, key, "Either 'true' or 'false' is expected");
    return result;
}

/* The place of a value among `names` (ends with NULL); `order` is the list as Debezium prints it. */
static int choice(struct reading *reading, const char *key, int otherwise, const char *const *names, const char *order)
{
    const char *value = text_or_null(reading, key);
    struct slice trimmed = text_trim(slice_from_string(value));
    char problem[256];

    if (value == NULL)
        return otherwise;
    for (int i = 0; names[i] != NULL; i++) {
        if (strlen(names[i]) == trimmed.size && strncasecmp(names[i], (const char *)trimmed.data, trimmed.size) == 0)
            return i;
    }
    (void)snprintf(problem, sizeof(problem), "Value must be one of %s", order);
    refuse(reading, key, problem);
    return otherwise;
}

static bool is_slot_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return name[length] == '\0' && length > 0 && length <= SLOT_NAME_MAX;
}

/* An alias of "host:port" goes before one of the host. Its target may end in a port of its own, which goes before the configured one. */
static void alias_apply(struct capture_settings *settings, const struct properties *aliases)
{
    const char *alias = properties_get(aliases, arena_format(&settings->arena, "%s:%d", settings->host, (int)settings->port));
    const char *colon;
    int32_t port;

    if (alias == NULL)
        alias = properties_get(aliases, settings->host);
    if (alias == NULL)
        return;
    settings->address = arena_copy_string(&settings->arena, slice_from_string(alias));
    colon = strrchr(alias, ':');
    if (colon == NULL || (strchr(alias, ':') != colon && colon > alias && colon[-1] != ']') ||
        !text_parse_int32(slice_from_string(colon + 1), &port))
        return; /* no port: a name, a directory, or an IPv6 address without brackets */
    settings->address_port = port;
    settings->address = alias[0] == '[' ? arena_copy_string(&settings->arena, slice_of(alias + 1, (size_t)(colon - alias) - 2))
                                        : arena_copy_string(&settings->arena, slice_of(alias, (size_t)(colon - alias)));
}

static void read_connection(struct reading *reading, const struct properties *aliases)
{
    static const char *const ssl_modes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full", NULL};
    static const char *const transports[] = {"auto", "tcp", "socket", NULL};
    struct capture_settings *settings = reading->settings;

    settings->host = text_required(reading, "database.hostname");
    settings->address = settings->host;
    settings->port = (int32_t)number(reading, "database.port", 5432, 1);
    if (settings->port > 65535)
        refuse(reading, "database.port", "An integer is expected");
    settings->address_port = settings->port;
    if (aliases != NULL)
        alias_apply(settings, aliases);
    settings->user = text_required(reading, "database.user");
    settings->password = text_or_null(reading, "database.password");
    settings->database = text_required(reading, "database.dbname");
    settings->ssl_mode =
        ssl_modes[choice(reading, "database.sslmode", 2, ssl_modes, "allow, prefer, disable, verify-ca, require, verify-full")];
    settings->ssl_cert = text_or_null(reading, "database.sslcert");
    settings->ssl_key = text_or_null(reading, "database.sslkey");
    settings->ssl_root_cert = text_or_null(reading, "database.sslrootcert");
    settings->ssl_password = text_or_null(reading, "database.sslpassword");
    settings->initial_statements = text_or_null(reading, "database.initial.statements");
    settings->tcp_keepalive = truth(reading, "database.tcpKeepAlive", true);
    settings->connect_timeout_ms = number(reading, "database.connectTimeout", 10, 0) * 1000;
    settings->query_timeout_ms = number(reading, "database.query.timeout.ms", 600000, 0);
    settings->transport = (enum transport)choice(reading, "tailrace.transport", TRANSPORT_AUTO, transports, "auto, tcp, socket");
}

static void read_publish(struct reading *reading)
{
    static const struct {
        const char *letter;
        const char *name;
    } operations[] = {{"c", "insert"}, {"u", "update"}, {"d", "delete"}, {"t", "truncate"}};
    struct capture_settings *settings = reading->settings;
    const char *skipped = text_or_null(reading, "skipped.operations");
    const char *publish = "";

    if (skipped == NULL)
        return;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        struct slice rest = slice_from_string(skipped);
        struct slice field;
        bool skips = false;

        while (text_next_field(&rest, ',', &field)) {
            field = text_trim(field);
            if (slice_equal_string(field, "none"))
                return;
            skips = skips || slice_equal_string(field, operations[i].letter);
        }
        if (!skips)
            publish = arena_format(&settings->arena, "%s%s%s", publish, publish[0] == '\0' ? "" : ",", operations[i].name);
    }
    settings->publish = publish;
}

static void read_replication(struct reading *reading)
{
    static const char *const plugins[] = {"decoderbufs", "pgoutput", NULL};
    static const char *const modes[] = {"all_tables", "disabled", "filtered", "no_tables", NULL};
    static const char *const strategies[] = {"no_validation", "trust_offset", "trust_slot", "trust_greater_lsn", NULL};
    static const char *const flushes[] = {"connector", "manual", "connector_and_driver", NULL};
    struct capture_settings *settings = reading->settings;

    (void)choice(reading, "plugin.name", 0, plugins, "decoderbufs, pgoutput");
    settings->slot = text_or(reading, "slot.name", SLOT_NAME_DEFAULT);
    if (!is_slot_name(settings->slot))
        refuse(reading, "slot.name",
               "Valid replication slot name must contain only digits, lowercase characters and underscores with length <= 63");
    settings->slot_drop_on_stop = truth(reading, "slot.drop.on.stop", false);
    settings->slot_failover = truth(reading, "slot.failover", false);
    settings->slot_stream_parameters = text_or_null(reading, "slot.stream.params");
    settings->slot_retries = (int32_t)number(reading, "slot.max.retries", 6, 0);
    settings->slot_retry_delay_ms = number(reading, "slot.retry.delay.ms", 10000, 0);
    settings->publication = text_or(reading, "publication.name", PUBLICATION_NAME_DEFAULT);
    settings->publication_mode = (enum publication_mode)choice(reading, "publication.autocreate.mode", PUBLICATION_ALL_TABLES, modes,
                                                               "no_tables, filtered, disabled, all_tables");
    settings->publish_via_root = truth(reading, "publish.via.partition.root", false);
    read_publish(reading);
    settings->replica_identity_autoset = text_or_null(reading, "replica.identity.autoset.values");
    settings->status_interval_ms = number(reading, "status.update.interval.ms", 10000, 1);
    settings->xmin_interval_ms = number(reading, "xmin.fetch.interval.ms", 0, 0);
    settings->mismatch = (enum mismatch_strategy)choice(
        reading, "offset.mismatch.strategy",
        truth(reading, "internal.slot.seek.to.known.offset.on.start", false) ? MISMATCH_TRUST_OFFSET : MISMATCH_REFUSE, strategies,
        "no_validation, trust_offset, trust_slot, trust_greater_lsn");
    settings->position_check = truth(reading, "internal.log.position.check.enable", true);
    settings->flush_mode =
        (enum flush_mode)choice(reading, "lsn.flush.mode", truth(reading, "flush.lsn.source", true) ? FLUSH_CONNECTOR : FLUSH_MANUAL,
                                flushes, "connector_and_driver, connector, manual");
}

static void read_snapshot(struct reading *reading)
{
    static const char *const modes[] = {"initial", "always", "initial_only", "no_data", "when_needed", "configuration_based",
                                        "never",   NULL};
    static const char *const isolations[] = {"serializable", "repeatable_read", "read_committed", "read_uncommitted", NULL};
    static const char *const lockings[] = {"none", "shared", NULL};
    struct capture_settings *settings = reading->settings;
    int mode = choice(reading, "snapshot.mode", MODE_INITIAL, modes,
                      "always, initial_only, configuration_based, when_needed, initial, custom, no_data");

    settings->snapshot_mode = mode > MODE_CONFIGURATION_BASED ? MODE_NO_DATA : (enum snapshot_mode)mode;
    settings->configured_data = truth(reading, "snapshot.mode.configuration.based.snapshot.data", false);
    settings->configured_schema = truth(reading, "snapshot.mode.configuration.based.snapshot.schema", false);
    settings->configured_stream = truth(reading, "snapshot.mode.configuration.based.start.stream", false);
    settings->configured_on_schema_error = truth(reading, "snapshot.mode.configuration.based.snapshot.on.schema.error", false);
    settings->configured_on_data_error = truth(reading, "snapshot.mode.configuration.based.snapshot.on.data.error", false);
    settings->isolation = (enum isolation)choice(reading, "snapshot.isolation.mode", ISOLATION_SERIALIZABLE, isolations,
                                                 "read_uncommitted, repeatable_read, read_committed, serializable");
    settings->lock_shared = choice(reading, "snapshot.locking.mode", 0, lockings, "shared, custom, none") == 1;
    settings->lock_timeout_ms = number(reading, "snapshot.lock.timeout.ms", 10000, 0);
    settings->snapshot_include = text_or_null(reading, "snapshot.include.collection.list");
    settings->snapshot_delay_ms = number(reading, "snapshot.delay.ms", 0, 0);
    settings->streaming_delay_ms = number(reading, "streaming.delay.ms", 0, 0);
}

static void read_rest(struct reading *reading)
{
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};
    struct capture_settings *settings = reading->settings;

    settings->heartbeat_interval_ms = number(reading, "heartbeat.interval.ms", 0, 0);
    if (settings->heartbeat_interval_ms == 0 && settings->flush_mode == FLUSH_CONNECTOR_AND_DRIVER &&
        !truth(reading, "provide.transaction.metadata", false))
        settings->heartbeat_interval_ms = 600000;
    settings->heartbeat_query = text_or_null(reading, "heartbeat.action.query");
    settings->retries_max = (int32_t)number(reading, "errors.max.retries", -1, -1);
    settings->retry_wait_ms = number(reading, "retriable.restart.connector.wait.ms", 10000, 1);
    settings->compression = codecs[choice(reading, "producer.override.compression.type", 1, codecs, "none, gzip, snappy, lz4, zstd")];
}

enum status capture_settings_create(const char *connector, const struct properties *config, const struct properties *aliases,
                                    struct capture_settings **created, struct error *error)
{
    struct capture_settings *settings = memory_new(sizeof(*settings));
    struct reading reading = {settings, error, OK};

    arena_init(&settings->arena, 4096);
    properties_copy(&settings->values, config);
    settings->connector = arena_copy_string(&settings->arena, slice_from_string(connector));
    settings->prefix = text_required(&reading, "topic.prefix");
    read_connection(&reading, aliases);
    read_replication(&reading);
    read_snapshot(&reading);
    read_rest(&reading);
    if (reading.status == OK)
        *created = settings;
    else
        capture_settings_destroy(settings);
    return reading.status;
}

void capture_settings_destroy(struct capture_settings *settings)
{
    if (settings == NULL)
        return;
    properties_finish(&settings->values);
    arena_finish(&settings->arena);
    memory_free(settings);
}

bool capture_settings_lists(const struct capture_settings *settings, const char *key, const char *otherwise, const char *item)
{
    const char *list = properties_get(&settings->values, key);
    struct slice rest = slice_from_string(list == NULL ? otherwise : list);
    struct slice field;

    while (text_next_field(&rest, ',', &field)) {
        if (slice_equal_string(text_trim(field), item))
            return true;
    }
    return false;
}

bool capture_settings_streams(const struct capture_settings *settings)
{
    if (settings->snapshot_mode == MODE_CONFIGURATION_BASED)
        return settings->configured_stream;
    return settings->snapshot_mode != MODE_INITIAL_ONLY;
}
