/* Which properties Debezium's connector and Kafka Connect know; see capture.h, capture_property_is_known. */
#include "capture/capture.h"

#include "base/banned.h"
#include "base/slice.h"

/* Debezium's declared fields and those that its code reads undeclared; then Connect's own for a source connector. */
static const char *const names[] = {
    /* connection */
    "topic.prefix", "database.hostname", "database.port", "database.user", "database.password", "database.dbname", "database.query.timeout.ms",
    "connection.validation.timeout.ms", "database.sslmode", "database.sslcert", "database.sslkey", "database.sslrootcert", "database.sslpassword",
    "database.sslfactory", "database.initial.statements", "database.tcpKeepAlive", "database.connectTimeout", "database.include.list",
    /* replication */
    "plugin.name", "slot.name", "slot.drop.on.stop", "slot.failover", "slot.stream.params", "slot.max.retries", "slot.retry.delay.ms",
    "publication.name", "publication.autocreate.mode", "publish.via.partition.root", "replica.identity.autoset.values",
    "status.update.interval.ms", "lsn.flush.mode", "flush.lsn.source", "lsn.flush.timeout.ms", "lsn.flush.timeout.action",
    "xmin.fetch.interval.ms", "offset.mismatch.strategy", "internal.slot.seek.to.known.offset.on.start", "internal.create.slot.command.timeout",
    "internal.log.position.check.enable", "read.only",
    /* events and types */
    "decimal.handling.mode", "time.precision.mode", "interval.handling.mode", "hstore.handling.mode", "binary.handling.mode",
    "include.unknown.datatypes", "unavailable.value.placeholder", "schema.refresh.mode", "schema.name.adjustment.mode",
    "field.name.adjustment.mode", "tombstones.on.delete", "skipped.operations", "skip.messages.without.change", "message.prefix.include.list",
    "message.prefix.exclude.list", "message.key.columns", "column.propagate.source.type", "datatype.propagate.source.type",
    "include.schema.comments", "provide.transaction.metadata", "transaction.metadata.factory", "sourceinfo.struct.maker",
    "topic.naming.strategy", "topic.delimiter", "topic.cache.size", "topic.transaction", "topic.heartbeat.prefix", "topic.heartbeat.name",
    "topic.regex", "topic.replacement", "memory.management.schemas.class", "memory.management.tables.class", "converters", "post.processors",
    "extended.headers.enabled", "money.fraction.digits", "event.converting.failure.handling.mode",
    /* filters */
    "schema.include.list", "schema.exclude.list", "table.include.list", "table.exclude.list", "column.include.list", "column.exclude.list",
    "table.ignore.builtin", "guardrail.collections.max", "guardrail.collections.limit.action",
    /* snapshot */
    "snapshot.mode", "snapshot.isolation.mode", "snapshot.locking.mode", "snapshot.lock.timeout.ms", "snapshot.fetch.size",
    "snapshot.max.threads", "snapshot.max.threads.multiplier", "legacy.snapshot.max.threads", "internal.legacy.snapshot.max.threads",
    "snapshot.include.collection.list", "snapshot.select.statement.overrides", "snapshot.tables.order.by.row.count", "snapshot.query.mode",
    "snapshot.query.mode.custom.name", "snapshot.mode.custom.name", "snapshot.locking.mode.custom.name",
    "snapshot.mode.configuration.based.snapshot.data", "snapshot.mode.configuration.based.snapshot.schema",
    "snapshot.mode.configuration.based.start.stream", "snapshot.mode.configuration.based.snapshot.on.schema.error",
    "snapshot.mode.configuration.based.snapshot.on.data.error", "snapshot.delay.ms", "streaming.delay.ms", "incremental.snapshot.chunk.size",
    "incremental.snapshot.watermarking.strategy", "incremental.snapshot.allow.schema.changes", "internal.snapshot.scan.all.columns.force",
    /* signals, notifications, heartbeat */
    "signal.data.collection", "signal.enabled.channels", "signal.poll.interval.ms", "signal.kafka.topic", "signal.kafka.bootstrap.servers",
    "signal.kafka.groupId", "signal.kafka.poll.timeout.ms", "signal.file", "notification.enabled.channels", "notification.sink.topic.name",
    "heartbeat.interval.ms", "heartbeat.topics.prefix", "heartbeat.action.query",
    /* queue, errors, the rest */
    "max.batch.size", "max.queue.size", "max.queue.size.in.bytes", "queue.provider.type", "poll.interval.ms", "query.fetch.size",
    "event.processing.failure.handling.mode", "errors.max.retries", "retriable.restart.connector.wait.ms", "executor.shutdown.timeout.ms",
    "custom.metric.tags", "statistics.metrics.enabled", "custom.sanitize.pattern", "internal.advanced.metrics.enable",
    "internal.custom.retriable.exception",
    /* Kafka Connect */
    "name", "connector.class", "connector.plugin.version", "tasks.max", "tasks.max.enforce", "key.converter", "value.converter",
    "header.converter", "key.converter.plugin.version", "value.converter.plugin.version", "header.converter.plugin.version",
    "config.action.reload", "transforms", "predicates", "errors.retry.timeout", "errors.retry.delay.max.ms", "errors.tolerance",
    "errors.log.enable", "errors.log.include.messages", "topic.creation.groups", "exactly.once.support", "transaction.boundary",
    "transaction.boundary.interval.ms", "offsets.storage.topic", "task.class",
    /* ours */
    "tailrace.transport",
};

/* A property is known, too, when it begins with one of these and goes on. */
static const char *const prefixes[] = {
    "column.truncate.to.", "column.mask.with.", "column.mask.hash.", "snapshot.select.statement.overrides.",
    "snapshot.max.threads.multiplier.", "driver.", "signal.consumer.", "openlineage.integration.", "key.converter.", "value.converter.",
    "header.converter.", "transforms.", "predicates.", "topic.creation.", "producer.override.", "consumer.override.", "admin.override.",
};

bool capture_property_is_known(const char *key)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], key) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t length = strlen(prefixes[i]);

        if (strncmp(prefixes[i], key, length) == 0 && key[length] != '\0')
            return true;
    }
    return false;
}
