#include "connect/herder_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "connect/json_in.h"
#include "connect/json_out.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "connect"

enum { POSITION_BYTES_MAX = 1 << 16, OFFSET_BYTES_MAX = 1 << 20, STOP_WAIT_MS = 10000 };

/*
 * The log's own position of a connector is the truth. connect-offsets shows it in Connect's format, and is believed only
 * where the log has none: when a connector was taken over from a Connect cluster, or its offsets were set before it ran.
 */

static char *text_copy(const struct buffer *buffer)
{
    return memory_copy_bytes(buffer->size == 0 ? (const void *)"" : buffer->data, buffer->size);
}

/* "connector/NAME", in new memory */
static char *connector_owner(const struct connector *connector)
{
    return memory_format("connector/%s", connector->name);
}

static char *partition_of(const char *prefix)
{
    struct buffer out;
    char *copy;

    buffer_init(&out, OFFSET_BYTES_MAX);
    buffer_append_string(&out, "{\"server\":");
    json_put_text(&out, prefix == NULL ? "" : prefix);
    buffer_append_string(&out, "}");
    copy = text_copy(&out);
    buffer_finish(&out);
    return copy;
}

char *connector_partition(const struct connector *connector)
{
    return partition_of(properties_get(&connector->config, "topic.prefix"));
}

void connector_offset_note(struct connector *connector, struct slice partition, struct slice offset)
{
    struct connector_offset **at = &connector->offsets;

    while (*at != NULL && !slice_equal_string(partition, (*at)->partition))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = memory_new(sizeof(**at));
        (*at)->partition = memory_copy_bytes(partition.data, partition.size);
    }
    memory_free((*at)->offset);
    (*at)->offset = offset.data == NULL ? NULL : memory_copy_bytes(offset.data, offset.size);
}

bool offset_key_read(struct arena *arena, struct slice key, struct slice *name, struct slice *partition)
{
    struct json_document document;
    struct buffer out;

    json_read(arena, key, &document);
    if (document.broken || document.root == NULL || document.root->kind != NODE_ARRAY || document.root->count != 2 ||
        document.root->first->kind != NODE_STRING)
        return false;
    *name = document.root->first->text;
    buffer_init(&out, OFFSET_BYTES_MAX);
    json_write(&out, document.root->first->next);
    *partition = arena_copy(arena, buffer_slice(&out));
    buffer_finish(&out);
    return true;
}

char *position_offset_read(struct herder *herder, const char *owner)
{
    struct buffer position, json;
    struct error error;
    char *copy = NULL;

    buffer_init(&position, POSITION_BYTES_MAX);
    buffer_init(&json, OFFSET_BYTES_MAX);
    if (log_position(herder->log, owner, &position)) {
        enum status status = capture_position_to_offset(buffer_slice(&position), &json, &error);

        /* An empty object: there was no record yet, and so there is no offset in Connect. */
        if (status == OK && !slice_equal_string(buffer_slice(&json), "{}"))
            copy = text_copy(&json);
        else if (status != OK)
            LOG_ERROR("the published position cannot be read owner=%s: %s", owner, error.message);
    }
    buffer_finish(&json);
    buffer_finish(&position);
    return copy;
}

enum status position_adopt(struct connector *connector, struct error *error)
{
    struct herder *herder = connector->herder;
    char *owner = connector_owner(connector);
    char *partition, *offset = NULL;
    struct buffer position;
    enum status status = OK;

    buffer_init(&position, POSITION_BYTES_MAX);
    pthread_mutex_lock(&herder->lock);
    partition = connector_partition(connector);
    for (const struct connector_offset *at = connector->offsets; at != NULL; at = at->next) {
        if (strcmp(at->partition, partition) == 0)
            offset = memory_copy_string(at->offset);
    }
    pthread_mutex_unlock(&herder->lock);
    if (offset != NULL && !log_position(herder->log, owner, &position)) {
        buffer_reset(&position);
        status = capture_position_from_offset(slice_from_string(offset), &position, error);
        if (status == OK)
            status = log_position_set(herder->log, owner, buffer_slice(&position), error);
        if (status == OK)
            LOG_INFO("starts from the offset in %s connector=%s", herder->records.offsets_topic, connector->name);
        else
            error_context(error, "the offset stored in %s", herder->records.offsets_topic);
    }
    buffer_finish(&position);
    memory_free(offset);
    memory_free(partition);
    memory_free(owner);
    return status;
}

/* What is looked for in connect-offsets, and the newest that was found; empty: nothing. */
struct recall {
    const char *name;
    char *partition;
    struct buffer position;
};

static void position_recall(void *context, const struct record *record)
{
    struct recall *recall = context;
    struct slice name, partition;
    struct arena arena;
    struct error unreadable;

    arena_init(&arena, 4096);
    if (offset_key_read(&arena, record->key, &name, &partition) && slice_equal_string(name, recall->name) && slice_equal_string(partition, recall->partition)) {
        buffer_reset(&recall->position);
        if (record->value.data != NULL && capture_position_from_offset(record->value, &recall->position, &unreadable) != OK)
            buffer_reset(&recall->position);
    }
    arena_finish(&arena);
}

uint64_t herder_stored_lsn(struct herder *herder, const char *name, const char *prefix)
{
    struct recall recall = {name, partition_of(prefix), {0}};
    char *owner = memory_format("connector/%s", name);
    struct error error;
    uint64_t lsn;

    buffer_init(&recall.position, POSITION_BYTES_MAX);
    if (!log_position(herder->log, owner, &recall.position)) {
        buffer_reset(&recall.position);
        (void)records_read(&herder->records, herder->records.offsets_topic, position_recall, &recall, &error);
    }
    lsn = capture_position_lsn(buffer_slice(&recall.position));
    buffer_finish(&recall.position);
    memory_free(recall.partition);
    memory_free(owner);
    return lsn;
}

void offsets_flush(struct connector *connector)
{
    struct herder *herder = connector->herder;
    char *owner = connector_owner(connector);
    char *offset = position_offset_read(herder, owner);
    struct error error;
    char *partition;

    memory_free(owner);
    if (offset == NULL || (connector->flushed_position != NULL && strcmp(offset, connector->flushed_position) == 0)) {
        memory_free(offset);
        return;
    }
    pthread_mutex_lock(&herder->lock);
    partition = connector_partition(connector);
    connector_offset_note(connector, slice_from_string(partition), slice_from_string(offset));
    pthread_mutex_unlock(&herder->lock);
    if (records_write_offset(&herder->records, connector->name, slice_from_string(partition), slice_from_string(offset), &error) == OK) {
        memory_free(connector->flushed_position);
        connector->flushed_position = offset;
    } else {
        LOG_WARNING("could not show the position connector=%s: %s; it is tried again", connector->name, error.message);
        memory_free(offset);
    }
    memory_free(partition);
}

/* ---- Changing offsets by hand ---- */

static bool is_stopped(const struct connector *connector, uint64_t wanted)
{
    (void)wanted;
    return connector->target != TARGET_STOPPED ||
           (connector->applied_target == TARGET_STOPPED && connector->capture == NULL && !connector->has_task);
}

/* The connector, when it may be changed; lock held. NULL after an error. */
static struct connector *stopped_connector(struct herder *herder, const char *name, struct error *error)
{
    struct connector *connector = connector_find(herder, name);

    if (connector == NULL) {
        (void)connector_missing(name, error);
        return NULL;
    }
    if (connector->target == TARGET_STOPPED && !connector_wait(herder, name, is_stopped, 0, STOP_WAIT_MS)) {
        (void)error_set(error, ERROR_CONFLICT, "Connector %s is still stopping; try again in a moment", name);
        return NULL;
    }
    connector = connector_find(herder, name); /* it may have gone while we waited */
    if (connector == NULL) {
        (void)connector_missing(name, error);
        return NULL;
    }
    if (connector->target != TARGET_STOPPED) {
        (void)error_set(
            error, ERROR_BAD_INPUT,
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by "
            "issuing a 'PUT' request to the '/connectors/%s/stop' endpoint",
            name);
        return NULL;
    }
    return connector;
}

/* The log's position follows the offset of the connector's own partition. Lock held, let go of in between. */
static enum status position_change(struct herder *herder, const char *owner, struct slice offset, struct error *error)
{
    struct buffer position;
    struct error unreadable;
    enum status status;

    buffer_init(&position, POSITION_BYTES_MAX);
    /* What is no position is kept as it is, as Connect does; the connector says so when it starts. */
    if (offset.data != NULL && capture_position_from_offset(offset, &position, &unreadable) == OK)
        status = log_position_set(herder->log, owner, buffer_slice(&position), error);
    else
        status = log_position_remove(herder->log, owner, error);
    buffer_finish(&position);
    return status == ERROR_NOT_FOUND ? OK : status;
}

/* One partition's offset; data NULL removes it. Lock held at the call and behind it. */
static enum status offset_change(struct herder *herder, struct connector *connector, struct slice partition, struct slice offset,
                                 struct error *error)
{
    char *own = connector_partition(connector);
    char *owner = connector_owner(connector);
    char *name = memory_copy_string(connector->name);
    bool is_own = slice_equal_string(partition, own);
    enum status status = OK;

    pthread_mutex_unlock(&herder->lock);
    if (is_own)
        status = position_change(herder, owner, offset, error);
    if (status == OK)
        status = records_write_offset(&herder->records, name, partition, offset, error);
    pthread_mutex_lock(&herder->lock);
    connector = connector_find(herder, name);
    if (status == OK && connector != NULL)
        connector_offset_note(connector, partition, offset);
    memory_free(name);
    memory_free(owner);
    memory_free(own);
    return status;
}

static struct slice json_text(struct buffer *out, const struct json *json)
{
    buffer_init(out, OFFSET_BYTES_MAX);
    if (json == NULL)
        buffer_append_string(out, "null");
    else
        json_write(out, json);
    return buffer_slice(out);
}

enum status herder_offsets_alter(struct herder *herder, const char *name, const struct offset_changes *changes, struct error *error)
{
    enum status status = OK;

    if (changes->count == 0)
        return error_set(error, ERROR_BAD_INPUT, "Partitions / offsets need to be provided for an alter offsets request");
    pthread_mutex_lock(&herder->change);
    pthread_mutex_lock(&herder->lock);
    for (size_t i = 0; i < changes->count && status == OK; i++) {
        struct connector *connector = stopped_connector(herder, name, error);
        struct buffer partition, offset;
        struct slice partition_text = json_text(&partition, changes->items[i].partition);
        struct slice offset_text = json_text(&offset, changes->items[i].offset);

        if (connector == NULL)
            status = error->status;
        else
            status = offset_change(herder, connector, partition_text, changes->items[i].offset == NULL ? slice_null() : offset_text, error);
        buffer_finish(&offset);
        buffer_finish(&partition);
    }
    pthread_mutex_unlock(&herder->lock);
    pthread_mutex_unlock(&herder->change);
    return status;
}

enum status herder_offsets_reset(struct herder *herder, const char *name, struct error *error)
{
    enum status status = OK;
    struct connector *connector;
    struct connector_offset *next;
    char *own = NULL;

    pthread_mutex_lock(&herder->change);
    pthread_mutex_lock(&herder->lock);
    connector = stopped_connector(herder, name, error);
    if (connector == NULL)
        status = error->status;
    if (status == OK) {
        own = connector_partition(connector); /* also when connect-offsets has not seen it yet */
        connector_offset_note(connector, slice_from_string(own), slice_from_string("{}"));
    }
    for (struct connector_offset *at = connector == NULL ? NULL : connector->offsets; at != NULL && status == OK; at = next) {
        char *partition = memory_copy_string(at->partition);

        if (at->offset != NULL)
            status = offset_change(herder, connector, slice_from_string(partition), slice_null(), error);
        memory_free(partition);
        next = connector_find(herder, name) == connector ? at->next : NULL; /* changes are one at a time, so it is still there */
    }
    memory_free(own);
    pthread_mutex_unlock(&herder->lock);
    pthread_mutex_unlock(&herder->change);
    return status;
}
