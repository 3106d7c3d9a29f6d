#include "capture/schemas.h"

#include "base/arena.h"
#include "base/banned.h"
#include "base/memory.h"
#include "log/scan.h"
#include "os/logger.h"
#include "wire/postgres/pgoutput.h"

#include <stdlib.h>

#define LOG_SUBSYSTEM "capture"
#define PENDING_MAX 1000 /* written in one batch; more wait for the next */

struct schemas {
    const char *connector;
    struct log *log;
    bool is_loaded;
    json_t *last;    /* topic -> its last version, noted or written */
    json_t *pending; /* versions that are not written yet */
};

struct schemas *schemas_create(const char *connector, struct log *log)
{
    struct schemas *schemas = memory_new(sizeof(*schemas));

    *schemas = (struct schemas){.connector = connector, .log = log, .last = json_object(), .pending = json_array()};
    return schemas;
}

void schemas_destroy(struct schemas *schemas)
{
    if (schemas == NULL)
        return;
    json_decref(schemas->last);
    json_decref(schemas->pending);
    memory_free(schemas);
}

/* ---- A version as JSON ---- */

/* As PostgreSQL's format_type has it, but with the names of pg_type. */
static const char *type_text(struct arena *arena, const struct pg_type *type, int32_t modifier)
{
    const char *name = type->name;

    if (type->element != NULL)
        return arena_format(arena, "%s[]", type_text(arena, type->element, modifier));
    if (strcmp(name, "numeric") == 0 && modifier >= 4)
        return arena_format(arena, "numeric(%d,%d)", ((modifier - 4) >> 16) & 0xffff, (((modifier - 4) & 0x7ff) ^ 1024) - 1024);
    if ((strcmp(name, "varchar") == 0 || strcmp(name, "bpchar") == 0) && modifier >= 4)
        return arena_format(arena, "%s(%d)", name, modifier - 4);
    if ((strcmp(name, "bit") == 0 || strcmp(name, "varbit") == 0 || strncmp(name, "time", 4) == 0) && modifier >= 0)
        return arena_format(arena, "%s(%d)", name, modifier);
    return name;
}

static const char *identity_text(char identity)
{
    return identity == 'f' ? "full" : identity == 'n' ? "nothing" : identity == 'i' ? "index" : "default";
}

/* Generated columns are left out: the stream does not have them. */
static json_t *columns_make(const struct pg_relation *relation)
{
    json_t *columns = json_array();
    struct arena arena;

    arena_init(&arena, 4096);
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct pg_column *column = &relation->columns[i];

        if (!column->generated)
            (void)json_array_append_new(columns, json_pack("{s:s, s:s, s:b, s:b}", "name", column->name, "type", type_text(&arena, column->type, column->modifier), "key",
                                                           column->key_position > 0, "nullable", !column->not_null));
    }
    arena_finish(&arena);
    return columns;
}

static bool is_same(const json_t *version, const char *identity, const json_t *columns)
{
    const char *known = json_string_value(json_object_get(version, "replica_identity"));

    return known != NULL && strcmp(known, identity) == 0 && json_equal(json_object_get(version, "columns"), columns);
}

/* ---- Reading ---- */

enum status schemas_read(struct log *log, int64_t *offset, void (*visit)(void *context, const json_t *version), void *context, struct error *error)
{
    int64_t start = 0, end = 0;
    struct scan *scan;
    struct record record;
    struct record_batch batch;
    enum scan_result result;
    enum status status;

    if (log_topic_partitions(log, SCHEMAS_TOPIC) == 0)
        return OK;
    status = log_bounds(log, SCHEMAS_TOPIC, 0, &start, &end, error);
    if (status != OK || *offset >= end)
        return status;
    scan = scan_create(log);
    scan_seek(scan, SCHEMAS_TOPIC, 0, *offset < start ? start : *offset, end);
    while ((result = scan_next(scan, &record, &batch, error)) == SCAN_RECORD) {
        json_t *version = slice_is_null(record.value) ? NULL : json_loadb((const char *)record.value.data, record.value.size, 0, NULL);

        if (json_is_string(json_object_get(version, "topic")))
            visit(context, version);
        json_decref(version);
        *offset = record.offset + 1;
    }
    scan_destroy(scan);
    if (result == SCAN_FAILED)
        return error->status;
    *offset = end;
    return OK;
}

static void last_take(void *context, const json_t *version)
{
    struct schemas *schemas = context;

    (void)json_object_set_new(schemas->last, json_string_value(json_object_get(version, "topic")), json_deep_copy(version));
}

/* ---- Noting and writing ---- */

void schemas_note(struct schemas *schemas, const char *topic, const struct pg_relation *relation, uint64_t lsn, int64_t at_ms)
{
    const char *identity = identity_text(relation->replica_identity);
    json_t *columns = columns_make(relation), *version;
    const json_t *before;
    char text[PG_LSN_TEXT_SIZE];
    int64_t offset = 0;
    struct error error;

    if (!schemas->is_loaded && schemas_read(schemas->log, &offset, last_take, schemas, &error) != OK)
        LOG_WARNING("earlier versions of tables could not be read: %s connector=%s", error.message, schemas->connector);
    schemas->is_loaded = true;
    before = json_object_get(schemas->last, topic);
    if (is_same(before, identity, columns)) {
        json_decref(columns);
        return;
    }
    pg_lsn_to_text(lsn, text);
    version = json_pack("{s:s, s:s, s:o, s:I, s:o, s:I, s:s, s:o}", "topic", topic, "connector", schemas->connector, "table", json_sprintf("%s.%s", relation->schema, relation->name), "version",
                        json_integer_value(json_object_get(before, "version")) + 1, "from_lsn", lsn == 0 ? json_null() : json_string(text), "at_ms", (json_int_t)at_ms, "replica_identity", identity,
                        "columns", columns);
    if (version == NULL) /* a name that is no UTF-8 */
        return;
    (void)json_object_set(schemas->last, topic, version);
    (void)json_array_append_new(schemas->pending, version);
}

static enum status batch_write(struct schemas *schemas, size_t count, struct error *error)
{
    struct log_record *records = memory_new_array(count, sizeof(*records));
    char **texts = memory_new_array(2 * count, sizeof(*texts));
    struct properties config;
    struct log_topic_spec spec = {SCHEMAS_TOPIC, 1, &config};
    int64_t offset;
    enum status status;

    for (size_t i = 0; i < count; i++) {
        const json_t *version = json_array_get(schemas->pending, i);

        texts[2 * i] = memory_format("%s/%lld", json_string_value(json_object_get(version, "topic")), (long long)json_integer_value(json_object_get(version, "version")));
        texts[2 * i + 1] = json_dumps(version, JSON_COMPACT);
        records[i] = (struct log_record){.key = slice_from_string(texts[2 * i]), .value = slice_from_string(texts[2 * i + 1]), .timestamp_ms = -1};
    }
    properties_init(&config);
    properties_set(&config, "cleanup.policy", "compact");
    status = log_topic_ensure(schemas->log, &spec, error);
    if (status == OK)
        status = log_write(schemas->log, SCHEMAS_TOPIC, 0, records, count, &offset, error);
    properties_finish(&config);
    for (size_t i = 0; i < count; i++) {
        memory_free(texts[2 * i]);
        free(texts[2 * i + 1]);
    }
    memory_free(texts);
    memory_free(records);
    return status;
}

void schemas_write(struct schemas *schemas)
{
    size_t count = json_array_size(schemas->pending);
    struct error error;

    if (count == 0)
        return;
    if (count > PENDING_MAX)
        count = PENDING_MAX;
    if (batch_write(schemas, count, &error) != OK) {
        LOG_WARNING("versions of tables could not be written to topic %s: %s connector=%s", SCHEMAS_TOPIC, error.message, schemas->connector);
        return;
    }
    while (count-- > 0)
        (void)json_array_remove(schemas->pending, 0);
}
