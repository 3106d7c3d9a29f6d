#include "connect/records.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "connect/json_out.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"
#include "wire/json/base64.h"
#include "wire/kafka/records.h"

#define LOG_SUBSYSTEM "connect"

enum { VALUE_BYTES_MAX = 4 << 20, READ_BYTES = 1 << 20 };

static char *setting_copy(const struct properties *settings, const char *name, const char *otherwise)
{
    const char *value = properties_get(settings, name);

    return memory_copy_string(value == NULL || value[0] == '\0' ? otherwise : value);
}

static int32_t partitions_of(const struct properties *settings, const char *name, int32_t otherwise)
{
    const char *value = properties_get(settings, name);
    int32_t number;

    return value != NULL && text_parse_int32(slice_from_string(value), &number) && number > 0 ? number : otherwise;
}

void records_init(struct records *records, struct log *log, const struct properties *settings, const char *worker_id)
{
    *records = (struct records){
        .log = log,
        .configs_topic = setting_copy(settings, "config.storage.topic", "connect-configs"),
        .offsets_topic = setting_copy(settings, "offset.storage.topic", "connect-offsets"),
        .statuses_topic = setting_copy(settings, "status.storage.topic", "connect-statuses"),
        .offsets_partitions = partitions_of(settings, "offset.storage.partitions", 25),
        .statuses_partitions = partitions_of(settings, "status.storage.partitions", 5),
        .worker_id = memory_copy_string(worker_id),
    };
}

void records_finish(struct records *records)
{
    memory_free(records->configs_topic);
    memory_free(records->offsets_topic);
    memory_free(records->statuses_topic);
    memory_free(records->worker_id);
}

static enum status topics_ensure(struct records *records, struct error *error)
{
    struct properties config;
    const struct log_topic_spec topics[] = {
        {records->configs_topic, 1, &config},
        {records->offsets_topic, records->offsets_partitions, &config},
        {records->statuses_topic, records->statuses_partitions, &config},
    };
    enum status status = OK;

    properties_init(&config);
    properties_set(&config, "cleanup.policy", "compact");
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]) && status == OK; i++) {
        status = log_topic_ensure(records->log, &topics[i], error);
        if (status != OK)
            error_context(error, "create the topic %s", topics[i].name);
    }
    properties_finish(&config);
    return status;
}

/* ---- Reading ---- */

/* The records of whole batches from `from` on. */
static enum status batches_visit(struct slice batches, int64_t from, struct decompressor *decompressor, struct buffer *scratch,
                                 record_visit *visit, void *context, struct error *error)
{
    while (batches.size > 0) {
        struct record_batch batch;
        struct record_iterator iterator;
        struct record record;
        enum status status = record_batch_read(batches, &batch, error);

        if (status != OK)
            return status;
        batches = slice_from(batches, batch.bytes.size);
        if (record_batch_is_control(&batch))
            continue;
        status = record_iterator_init(&iterator, &batch, decompressor, VALUE_BYTES_MAX * 4, scratch, error);
        if (status != OK)
            return status;
        while (record_iterator_next(&iterator, &record)) {
            if (record.offset >= from && record.key.data != NULL)
                visit(context, &record);
        }
        if (iterator.failed)
            return error_set(error, ERROR_CORRUPT, "a record batch at offset %lld does not hold what it says",
                             (long long)batch.base_offset);
    }
    return OK;
}

static enum status partition_read(struct records *records, const char *topic, int32_t partition, record_visit *visit, void *context,
                                  struct error *error)
{
    struct decompressor *decompressor = decompressor_create();
    int64_t offset, end;
    struct buffer batches, scratch;
    enum status status = log_bounds(records->log, topic, partition, &offset, &end, error);

    buffer_init(&batches, READ_BYTES * 64);
    buffer_init(&scratch, VALUE_BYTES_MAX * 4);
    while (status == OK && offset < end) {
        int64_t next = offset;

        buffer_reset(&batches);
        status = log_read(records->log, topic, partition, offset, READ_BYTES, &batches, &next, error);
        if (status == OK)
            status = batches_visit(buffer_slice(&batches), offset, decompressor, &scratch, visit, context, error);
        if (status == OK && next <= offset)
            break; /* nothing more to be had */
        offset = next;
    }
    buffer_finish(&scratch);
    buffer_finish(&batches);
    decompressor_destroy(decompressor);
    if (status != OK)
        error_context(error, "read the topic %s, partition %d", topic, partition);
    return status;
}

enum status records_read(struct records *records, const char *topic, record_visit *visit, void *context, struct error *error)
{
    int32_t partitions = log_topic_partitions(records->log, topic);
    enum status status = OK;

    for (int32_t i = 0; i < partitions && status == OK; i++)
        status = partition_read(records, topic, i, visit, context, error);
    return status;
}

/* ---- Writing ---- */

void record_change_init(struct record_change *change)
{
    *change = (struct record_change){0};
}

void record_change_finish(struct record_change *change)
{
    for (size_t i = 0; i < RECORD_CHANGE_MAX; i++) {
        buffer_finish(&change->keys[i]);
        buffer_finish(&change->values[i]);
    }
}

/* The next record's value, to be filled; NULL for null. */
static struct buffer *change_add(struct record_change *change, const char *prefix, const char *name, const char *suffix, bool is_null)
{
    size_t at = change->count++;

    buffer_init(&change->keys[at], VALUE_BYTES_MAX);
    buffer_init(&change->values[at], VALUE_BYTES_MAX);
    buffer_append_string(&change->keys[at], prefix);
    buffer_append_string(&change->keys[at], name);
    buffer_append_string(&change->keys[at], suffix);
    change->is_null[at] = is_null;
    return is_null ? NULL : &change->values[at];
}

void record_change_connector(struct record_change *change, const char *name, const struct properties *config)
{
    struct buffer *value = change_add(change, "connector-", name, "", config == NULL);

    if (value != NULL) {
        buffer_append_string(value, "{\"properties\":");
        json_put_map(value, config);
        buffer_append_string(value, "}");
    }
}

void record_change_task(struct record_change *change, const char *name, const struct properties *config)
{
    struct buffer *value = change_add(change, "task-", name, "-0", false);

    buffer_append_string(value, "{\"properties\":");
    json_put_map(value, config);
    buffer_append_string(value, "}");
}

void record_change_commit(struct record_change *change, const char *name, int tasks)
{
    buffer_append_format(change_add(change, "commit-", name, "", false), "{\"tasks\":%d}", tasks);
}

void record_change_target(struct record_change *change, const char *name, const char *state)
{
    struct buffer *value = change_add(change, "target-state-", name, "", state == NULL);

    /* "state" is for workers that do not know STOPPED. */
    if (value != NULL)
        buffer_append_format(value, "{\"state\":\"%s\",\"state.v2\":\"%s\"}", strcmp(state, "STOPPED") == 0 ? "PAUSED" : state, state);
}

void record_change_restart(struct record_change *change, const char *name, bool include_tasks, bool only_failed)
{
    buffer_append_format(change_add(change, "restart-connector-", name, "", false), "{\"include-tasks\":%s,\"only-failed\":%s}",
                         include_tasks ? "true" : "false", only_failed ? "true" : "false");
}

static void record_change_session_key(struct record_change *change, int64_t now_ms)
{
    struct buffer *value = change_add(change, "session-key", "", "", false);
    uint8_t key[32];

    random_bytes(key, sizeof(key));
    buffer_append_string(value, "{\"key\":\"");
    base64_append(value, slice_of(key, sizeof(key)), BASE64_STANDARD);
    buffer_append_format(value, "\",\"algorithm\":\"HmacSHA256\",\"creation-timestamp\":%lld}", (long long)now_ms);
}

void record_change_logger(struct record_change *change, const char *logger, const char *level)
{
    buffer_append_format(change_add(change, "logger-cluster-", logger, "", false), "{\"level\":\"%s\"}", level);
}

/* The topics come with their first record, and a session key is the first of connect-configs, as a worker of Connect writes it. */
static enum status topics_create(struct records *records, struct error *error)
{
    bool is_new = log_topic_partitions(records->log, records->configs_topic) == 0;
    enum status status = topics_ensure(records, error);
    struct record_change change;

    if (status != OK || !is_new)
        return status;
    record_change_init(&change);
    record_change_session_key(&change, clock_now_ms());
    status = records_write_change(records, &change, error);
    record_change_finish(&change);
    return status;
}

/* log_write that makes the topics when they are missing. */
static enum status write_records(struct records *records, const char *topic, int32_t partition, const struct log_record *written,
                                 size_t count, struct error *error)
{
    enum status status = log_write(records->log, topic, partition, written, count, NULL, error);

    if (status == ERROR_UNKNOWN_TOPIC_OR_PARTITION) {
        status = topics_create(records, error);
        if (status == OK)
            status = log_write(records->log, topic, partition, written, count, NULL, error);
    }
    if (status != OK)
        error_context(error, "write to the topic %s", topic);
    return status;
}

enum status records_write_change(struct records *records, const struct record_change *change, struct error *error)
{
    struct record_header by = {slice_from_string(RECORD_BY_HEADER), slice_from_string(change->by)};
    struct log_record written[RECORD_CHANGE_MAX];

    for (size_t i = 0; i < change->count; i++) {
        if (change->keys[i].failed || change->values[i].failed)
            return error_set(error, ERROR_MESSAGE_TOO_LARGE, "the configuration is larger than %d bytes", VALUE_BYTES_MAX);
        written[i] = (struct log_record){.key = buffer_slice(&change->keys[i]),
                                         .value = change->is_null[i] ? slice_null() : buffer_slice(&change->values[i]),
                                         .timestamp_ms = -1,
                                         .headers = &by,
                                         .header_count = change->by == NULL ? 0 : 1};
    }
    return write_records(records, records->configs_topic, 0, written, change->count, error);
}

/* One record, in the partition of its key. */
static enum status write_one(struct records *records, const char *topic, const struct buffer *key, struct slice value, struct error *error)
{
    struct log_record record = {.key = buffer_slice(key), .value = value, .timestamp_ms = -1};

    if (key->failed)
        return error_set(error, ERROR_MESSAGE_TOO_LARGE, "the record is larger than %d bytes", VALUE_BYTES_MAX);
    return write_records(records, topic, -1, &record, 1, error);
}

enum status records_write_status(struct records *records, const char *name, int task, const struct status_record *status,
                                 struct error *error)
{
    struct buffer key, value;
    enum status result;

    buffer_init(&key, VALUE_BYTES_MAX);
    buffer_init(&value, VALUE_BYTES_MAX);
    buffer_append_string(&key, task < 0 ? "status-connector-" : "status-task-");
    buffer_append_string(&key, name);
    if (task >= 0)
        buffer_append_format(&key, "-%d", task);
    if (status != NULL) {
        buffer_append_string(&value, "{");
        json_put_key(&value, "state");
        json_put_text(&value, status->state);
        json_put_key(&value, "trace");
        json_put_text(&value, status->trace);
        json_put_key(&value, "worker_id");
        json_put_text(&value, records->worker_id);
        json_put_key(&value, "generation");
        buffer_append_decimal(&value, status->generation);
        json_put_key(&value, "version");
        json_put_text(&value, status->version);
        buffer_append_string(&value, "}");
    }
    result = write_one(records, records->statuses_topic, &key, status == NULL ? slice_null() : buffer_slice(&value), error);
    buffer_finish(&value);
    buffer_finish(&key);
    return result;
}

enum status records_write_topic(struct records *records, const char *name, const char *topic, int64_t discovered_ms, struct error *error)
{
    struct buffer key, value;
    enum status status;

    buffer_init(&key, VALUE_BYTES_MAX);
    buffer_init(&value, VALUE_BYTES_MAX);
    buffer_append_format(&key, "status-topic-%s:connector-", topic);
    buffer_append_string(&key, name);
    buffer_append_string(&value, "{\"topic\":{");
    json_put_key(&value, "name");
    json_put_text(&value, topic);
    json_put_key(&value, "connector");
    json_put_text(&value, name);
    buffer_append_format(&value, ",\"task\":0,\"discoverTimestamp\":%lld}}", (long long)discovered_ms);
    status = write_one(records, records->statuses_topic, &key, discovered_ms < 0 ? slice_null() : buffer_slice(&value), error);
    buffer_finish(&value);
    buffer_finish(&key);
    return status;
}

enum status records_write_offset(struct records *records, const char *name, struct slice partition, struct slice offset,
                                 struct error *error)
{
    struct buffer key;
    enum status status;

    buffer_init(&key, VALUE_BYTES_MAX);
    buffer_append_string(&key, "[");
    json_put_text(&key, name);
    buffer_append_string(&key, ",");
    buffer_append_slice(&key, partition);
    buffer_append_string(&key, "]");
    status = write_one(records, records->offsets_topic, &key, offset, error);
    buffer_finish(&key);
    return status;
}
