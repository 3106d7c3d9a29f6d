/*
 * The writer of the embedded engine. Batches are copied into the publish under construction, one run of bytes for each
 * partition; a publish then belongs to the committer until it is answered, and its memory is used again.
 */
#include "log/embedded.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "log/stamps.h"
#include "wire/kafka/records.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define UNDER_WAY_MAX 8                            /* publishes handed over and not answered */
#define UNDER_WAY_BYTES_MAX ((size_t)64 << 20)     /* of all of them, unless one alone has more */
#define RUN_BYTES_MAX ((size_t)1 << 30)            /* for one partition in one publish */
#define KEPT_BYTES_MAX ((size_t)16 << 20)          /* memory that an idle publish keeps */

struct run { /* one partition's batches in a publish */
    struct topic *topic; /* held */
    struct buffer bytes;
};

struct build {
    struct publish publish;
    struct embedded_writer *writer;
    struct build *next; /* in the list of idle ones */
    uint64_t ticket;
    struct buffer position;
    struct run *runs;              /* as many are in use as publish.item_count; the others keep memory */
    struct publish_item *items;
    size_t capacity;
    size_t bytes;
    bool is_stamped;
    struct log_stamp stamp;
};

struct slot { /* where a partition's run is in the publish under construction */
    uint64_t ticket;
    size_t at;
};

struct target { /* a topic that was written to */
    struct topic *topic; /* held */
    struct slot *slots;
    int32_t count;
};

struct embedded_writer {
    struct log_writer writer;
    struct embedded *embedded;
    struct embedded_writer *next; /* in the log's list */
    char *owner;
    int64_t session;
    _Atomic bool fenced; /* another writer of this owner was opened */

    struct map targets; /* topic name -> struct target */
    struct build *current;
    uint64_t ticket; /* of the publish under construction */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t answered;
    struct build *idle;
    size_t under_way, under_way_bytes;
    struct error failure; /* of the first publish that failed */
};

/* ---- Publishes in memory ---- */

static struct build *build_new(struct embedded_writer *writer)
{
    struct build *build = memory_new(sizeof(*build));

    build->writer = writer;
    buffer_init(&build->position, RUN_BYTES_MAX);
    return build;
}

static void build_free(struct build *build)
{
    if (build == NULL)
        return;
    for (size_t i = 0; i < build->publish.item_count; i++)
        topic_release(build->runs[i].topic);
    for (size_t i = 0; i < build->capacity; i++)
        buffer_finish(&build->runs[i].bytes);
    buffer_finish(&build->position);
    memory_free(build->runs);
    memory_free(build->items);
    memory_free(build);
}

/* Ready for the next use, without holding on to more memory than an ordinary publish needs. */
static void build_reset(struct build *build)
{
    size_t kept = 0;

    for (size_t i = 0; i < build->publish.item_count; i++)
        topic_release(build->runs[i].topic);
    for (size_t i = 0; i < build->capacity; i++) {
        kept += build->runs[i].bytes.capacity;
        if (kept > KEPT_BYTES_MAX)
            buffer_finish(&build->runs[i].bytes);
        else
            buffer_reset(&build->runs[i].bytes);
    }
    build->publish.item_count = 0;
    build->bytes = 0;
    build->is_stamped = false;
}

static size_t run_add(struct build *build, struct topic *topic, struct partition *partition)
{
    size_t at = build->publish.item_count++;

    if (at == build->capacity) {
        size_t capacity = build->capacity == 0 ? 8 : build->capacity * 2;

        build->runs = memory_resize(build->runs, capacity * sizeof(build->runs[0]));
        build->items = memory_resize(build->items, capacity * sizeof(build->items[0]));
        for (size_t i = build->capacity; i < capacity; i++)
            buffer_init(&build->runs[i].bytes, RUN_BYTES_MAX);
        build->capacity = capacity;
    }
    topic_retain(topic);
    build->runs[at].topic = topic;
    build->items[at].partition = partition;
    return at;
}

/* The answer, on the committer's thread. */
static void publish_done(struct publish *publish)
{
    struct build *build = publish->context;
    struct embedded_writer *writer = build->writer;
    uint64_t one = 1;

    if (build->is_stamped && publish->status == OK)
        stamps_add(writer->embedded->log.stamps, &build->stamp, publish);
    (void)pthread_mutex_lock(&writer->lock);
    if (publish->status == OK)
        atomic_store_explicit(&writer->writer.published, build->ticket, memory_order_release);
    else if (writer->failure.status == OK)
        writer->failure = publish->error;
    writer->under_way--;
    writer->under_way_bytes -= build->bytes;
    build_reset(build);
    build->next = writer->idle;
    writer->idle = build;
    (void)!write(writer->writer.fd, &one, sizeof(one));
    (void)pthread_cond_broadcast(&writer->answered);
    (void)pthread_mutex_unlock(&writer->lock); /* the writer may be gone behind this line */
}

/* ---- Targets ---- */

static void target_free(struct target *target)
{
    topic_release(target->topic);
    memory_free(target->slots);
    memory_free(target);
}

/* The topic to write to, looked up again when it was deleted and perhaps made anew. NULL when there is none. */
static struct target *target_find(struct embedded_writer *writer, const char *name)
{
    struct target *target = map_get_string(&writer->targets, name);
    struct topic *topic;

    if (target != NULL && !topic_is_deleted(target->topic))
        return target;
    if (target != NULL) {
        (void)map_remove(&writer->targets, slice_from_string(name));
        target_free(target);
    }
    topic = store_topic_find(writer->embedded->store, slice_from_string(name));
    if (topic == NULL)
        return NULL;
    target = memory_new(sizeof(*target));
    target->topic = topic;
    (void)map_put_string(&writer->targets, name, target);
    return target;
}

static struct slot *slot_find(struct target *target, int32_t partition)
{
    int32_t count = topic_partition_count(target->topic);

    if (partition < 0 || partition >= count)
        return NULL;
    if (partition >= target->count) {
        target->slots = memory_resize(target->slots, (size_t)count * sizeof(target->slots[0]));
        memset(target->slots + target->count, 0, (size_t)(count - target->count) * sizeof(target->slots[0]));
        target->count = count;
    }
    return &target->slots[partition];
}

/* ---- log.h ---- */

static enum status fenced_error(const struct embedded_writer *writer, struct error *error)
{
    return error_set(error, ERROR_CLOSED, "%s has been taken over by another writer", writer->owner);
}

static enum status writer_append(struct log_writer *base, const char *topic, int32_t partition, struct slice batch, struct error *error)
{
    struct embedded_writer *writer = (struct embedded_writer *)base;
    struct target *target;
    struct slot *slot;
    struct build *build = writer->current;

    if (atomic_load_explicit(&writer->fenced, memory_order_relaxed))
        return fenced_error(writer, error);
    target = target_find(writer, topic);
    slot = target == NULL ? NULL : slot_find(target, partition);
    if (slot == NULL)
        return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "there is no %s-%d in the log", topic, partition);
    if (record_batch_size(batch) != (int64_t)batch.size)
        return error_set(error, ERROR_BUG, "%zu bytes for %s-%d are not one record batch", batch.size, topic, partition);
    if (batch.size > (size_t)topic_batch_bytes_max(target->topic))
        return error_set(error, ERROR_MESSAGE_TOO_LARGE,
                         "a batch of %zu bytes for %s-%d is larger than the topic's max.message.bytes (%d); raise it for this topic", batch.size,
                         topic, partition, topic_batch_bytes_max(target->topic));
    if (slot->ticket != writer->ticket) {
        slot->at = run_add(build, target->topic, topic_partition(target->topic, partition));
        slot->ticket = writer->ticket;
    }
    buffer_append_slice(&build->runs[slot->at].bytes, batch);
    build->bytes += batch.size;
    if (build->runs[slot->at].bytes.failed)
        return error_set(error, ERROR_LIMIT, "more than %zu bytes for %s-%d in one publish", RUN_BYTES_MAX, topic, partition);
    return OK;
}

/* Waits until there is room for so many more bytes, and takes an idle build. The lock is held. */
static enum status room_wait(struct embedded_writer *writer, size_t bytes, struct error *error)
{
    while (writer->failure.status == OK && writer->under_way > 0 &&
           (writer->under_way >= UNDER_WAY_MAX || writer->under_way_bytes + bytes > UNDER_WAY_BYTES_MAX))
        (void)pthread_cond_wait(&writer->answered, &writer->lock);
    if (writer->failure.status != OK) {
        *error = writer->failure;
        return writer->failure.status;
    }
    return OK;
}

static enum status writer_publish(struct log_writer *base, struct slice position, uint64_t *ticket, struct error *error)
{
    struct embedded_writer *writer = (struct embedded_writer *)base;
    struct build *build = writer->current, *next = NULL;
    struct error failure;
    enum status status;

    if (atomic_load_explicit(&writer->fenced, memory_order_relaxed))
        return fenced_error(writer, error);
    (void)pthread_mutex_lock(&writer->lock);
    status = room_wait(writer, build->bytes, &failure);
    if (status == OK) {
        writer->under_way++;
        writer->under_way_bytes += build->bytes;
        next = writer->idle;
        if (next != NULL)
            writer->idle = next->next;
    }
    (void)pthread_mutex_unlock(&writer->lock);
    if (status != OK) {
        if (error != NULL)
            *error = failure;
        return status;
    }
    buffer_reset(&build->position);
    buffer_append_slice(&build->position, position);
    build->ticket = writer->ticket;
    build->publish.owner = writer->owner;
    build->publish.session = writer->session;
    build->publish.position = buffer_slice(&build->position);
    build->publish.items = build->items;
    build->publish.done = publish_done;
    build->publish.context = build;
    for (size_t i = 0; i < build->publish.item_count; i++)
        build->items[i].batches = buffer_slice(&build->runs[i].bytes);
    *ticket = writer->ticket++;
    writer->current = next == NULL ? build_new(writer) : next;
    store_publish(writer->embedded->store, &build->publish);
    return OK;
}

static void writer_stamp(struct log_writer *base, const struct log_stamp *stamp)
{
    struct embedded_writer *writer = (struct embedded_writer *)base;

    writer->current->is_stamped = writer->embedded->log.stamps != NULL;
    writer->current->stamp = *stamp;
}

static enum status writer_flush(struct log_writer *base, struct error *error)
{
    struct embedded_writer *writer = (struct embedded_writer *)base;
    enum status status;

    (void)pthread_mutex_lock(&writer->lock);
    while (writer->under_way > 0)
        (void)pthread_cond_wait(&writer->answered, &writer->lock);
    status = writer->failure.status;
    if (status != OK && error != NULL)
        *error = writer->failure;
    (void)pthread_mutex_unlock(&writer->lock);
    return status;
}

static void list_remove(struct embedded_writer *writer)
{
    struct embedded_writer **at = &writer->embedded->writers;

    (void)pthread_mutex_lock(&writer->embedded->writers_lock);
    while (*at != writer)
        at = &(*at)->next;
    *at = writer->next;
    (void)pthread_mutex_unlock(&writer->embedded->writers_lock);
}

static void writer_free(struct embedded_writer *writer)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&writer->targets, &at)) != NULL)
        target_free(entry->value);
    map_finish(&writer->targets);
    build_free(writer->current);
    while (writer->idle != NULL) {
        struct build *next = writer->idle->next;
        build_free(writer->idle);
        writer->idle = next;
    }
    if (writer->writer.fd >= 0)
        (void)close(writer->writer.fd);
    (void)pthread_cond_destroy(&writer->answered);
    (void)pthread_mutex_destroy(&writer->lock);
    memory_free(writer->owner);
    memory_free(writer);
}

static void writer_close(struct log_writer *base)
{
    struct embedded_writer *writer = (struct embedded_writer *)base;

    (void)writer_flush(base, NULL);
    list_remove(writer);
    writer_free(writer);
}

static const struct log_writer_operations operations = {
    .append = writer_append, .publish = writer_publish, .stamp = writer_stamp, .flush = writer_flush, .close = writer_close};

enum status embedded_writer_open(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error)
{
    struct embedded *embedded = (struct embedded *)log;
    struct embedded_writer *writer = memory_new(sizeof(*writer));
    enum status status = OK;

    writer->writer.operations = &operations;
    writer->writer.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    writer->embedded = embedded;
    writer->owner = memory_copy_string(owner);
    map_init(&writer->targets);
    (void)pthread_mutex_init(&writer->lock, NULL);
    (void)pthread_cond_init(&writer->answered, NULL);
    writer->ticket = 1;
    writer->current = build_new(writer);
    if (writer->writer.fd < 0)
        status = error_set(error, ERROR_LIMIT, "open the writer of %s: no file descriptor is left", owner);
    if (status == OK)
        status = store_owner_open(embedded->store, owner, &writer->session, position, error);
    if (status != OK) {
        writer_free(writer);
        return status;
    }
    (void)pthread_mutex_lock(&embedded->writers_lock);
    for (struct embedded_writer *other = embedded->writers; other != NULL; other = other->next) {
        if (strcmp(other->owner, owner) == 0 && other->session < writer->session)
            atomic_store_explicit(&other->fenced, true, memory_order_relaxed);
    }
    writer->next = embedded->writers;
    embedded->writers = writer;
    (void)pthread_mutex_unlock(&embedded->writers_lock);
    *opened = &writer->writer;
    return OK;
}
