/* Making, growing, configuring and deleting topics, on the committer. */
#include "store/internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/logger.h"

#include <limits.h>

#define LOG_SUBSYSTEM "store"
#define TOPIC_NAME_BYTES_MAX 249 /* Kafka's limit, so that "<name>-<partition>.<id>-delete" fits a file name */
#define PARTITIONS_MAX 1000000

struct topic_request { /* of all four kinds */
    struct control control;
    char *name;
    int32_t partitions;
    bool internal;
    struct properties config;
    store_done *done;
    void *context;
};

static struct topic_request *request_new(struct slice name, const struct properties *config, store_done *done, void *context,
                                         void (*run)(struct store *store, struct control *control))
{
    struct topic_request *request = memory_new(sizeof(*request));

    request->control = (struct control){.message = {.kind = MESSAGE_CONTROL}, .run = run};
    request->name = memory_copy_bytes(name.data, name.size);
    if (config != NULL)
        properties_copy(&request->config, config);
    request->done = done;
    request->context = context;
    return request;
}

static void request_answer(struct topic_request *request, enum status status, const struct error *error)
{
    request->done(request->context, status, status == OK ? "" : error->message);
    properties_finish(&request->config);
    memory_free(request->name);
    memory_free(request);
}

/* ---- Trash ---- */

void topics_trash_add(struct store *store, char *path)
{
    struct trash *trash = memory_new(sizeof(*trash));

    trash->path = path;
    trash->next = store->trash;
    store->trash = trash;
}

static enum status directory_remove(struct disk *disk, const char *path, struct error *error)
{
    struct disk_entry *entries;
    struct arena arena;
    size_t count = 0;
    enum status status;

    arena_init(&arena, 4096);
    status = disk_list(disk, path, &arena, &entries, &count, error);
    for (size_t i = 0; i < count && status == OK; i++)
        status = disk_unlink(disk, arena_format(&arena, "%s/%s", path, entries[i].name), error);
    if (status == OK)
        status = disk_remove_directory(disk, path, error);
    arena_finish(&arena);
    return status == ERROR_NOT_FOUND ? OK : status;
}

bool topics_trash_empty(struct store *store, size_t count_max)
{
    for (; store->trash != NULL && count_max > 0; count_max--) {
        struct trash *trash = store->trash;
        struct error error;

        store->trash = trash->next;
        if (directory_remove(store->disk, trash->path, &error) != OK)
            LOG_WARNING("a deleted partition's directory stays until the next start: %s", error.message);
        memory_free(trash->path);
        memory_free(trash);
    }
    return store->trash != NULL;
}

enum status topics_set_aside(struct store *store, const char *name, int32_t index, struct error *error)
{
    struct uuid id = store_new_uuid(store);
    char hex[UUID_HEX_SIZE], from[PATH_MAX];
    char *to;
    enum status status;

    uuid_to_hex(&id, hex);
    (void)snprintf(from, sizeof(from), "%s/%s-%d", store->directory, name, index);
    to = memory_format("%s.%s-delete", from, hex);
    status = disk_rename(store->disk, from, to, error);
    if (status == OK)
        topics_trash_add(store, to);
    else
        memory_free(to);
    return status == ERROR_NOT_FOUND ? OK : status;
}

/* ---- Creating ---- */

/* As Kafka's, random and not beginning with "-", which would read like an option on a command line. */
static struct uuid new_topic_id(const struct store *store)
{
    struct uuid id;
    char text[UUID_BASE64_SIZE];

    do {
        id = store_new_uuid(store);
        uuid_to_base64(&id, text);
    } while (text[0] == '-');
    return id;
}

static enum status name_check(const char *name, struct error *error)
{
    if (name[0] == '\0' || strlen(name) > TOPIC_NAME_BYTES_MAX || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return error_set(error, ERROR_INVALID_TOPIC_EXCEPTION, "\"%s\" cannot be the name of a topic", name);
    return OK;
}

static void partitions_discard(struct partition **made, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        partition_destroy(made[i]);
    memory_free(made);
}

/*
 * The partitions [from, to) of the topic, in memory: their files are made when they are first written to. What an earlier topic
 * of the name may have left there is put aside, durably, or it would be taken for theirs. The caller frees the array.
 */
static struct partition **partitions_make(struct store *store, struct topic *topic, int32_t from, int32_t to, enum status *status,
                                          struct error *error)
{
    struct partition **made = memory_new_array((size_t)(to - from), sizeof(struct partition *));
    const struct trash *before = store->trash;

    *status = OK;
    for (int32_t i = from; i < to && *status == OK; i++)
        *status = topics_set_aside(store, topic->name, i, error);
    if (*status == OK && store->trash != before)
        *status = disk_sync_directory(store->disk, store->directory, error);
    if (*status != OK) {
        memory_free(made);
        return NULL;
    }
    for (int32_t i = from; i < to; i++) {
        made[i - from] = partition_create(store, topic, i);
        partition_begin_empty(made[i - from]);
    }
    return made;
}

static void create_run(struct store *store, struct control *control)
{
    struct topic_request *request = (struct topic_request *)control;
    int32_t partitions = request->partitions == -1 ? store->default_partitions : request->partitions;
    struct uuid id = new_topic_id(store);
    struct topic *topic = NULL;
    struct partition **made = NULL;
    struct error error;
    enum status status = name_check(request->name, &error);

    if (status == OK && catalog_find(store->catalog, request->name) != NULL)
        status = error_set(&error, ERROR_TOPIC_ALREADY_EXISTS, "Topic '%s' already exists.", request->name);
    if (status == OK && (partitions < 1 || partitions > PARTITIONS_MAX))
        status = error_set(&error, ERROR_INVALID_PARTITIONS, "%d is no number of partitions", partitions);
    if (status == OK) {
        topic = topic_new(store, request->name, &id, request->internal, &request->config);
        status = upkeep_forget_deleted(store, &error);
    }
    if (status == OK) {
        made = partitions_make(store, topic, 0, partitions, &status, &error);
        if (status == OK)
            status = catalog_create(store->catalog, request->name, &id, request->internal, partitions, &request->config, &error);
    }
    if (status == OK) {
        topic_add_partitions(topic, made, partitions);
        memory_free(made);
        store_topic_add(store, topic);
        store_tell(store, NULL, 0);
    } else if (topic != NULL) {
        error_context(&error, "create topic %s", request->name);
        if (made != NULL)
            partitions_discard(made, partitions);
        topic_release(topic);
    }
    request_answer(request, status, &error);
}

void store_topic_create(struct store *store, const struct topic_spec *spec, store_done *done, void *context)
{
    struct topic_request *request = request_new(slice_from_string(spec->name), spec->config, done, context, create_run);

    request->partitions = spec->partitions;
    request->internal = spec->internal;
    store_send(store, &request->control.message);
}

/* ---- Growing and configuring ---- */

static struct topic *topic_of(struct topic_request *request, struct store *store, enum status *status, struct error *error)
{
    struct topic *topic = store_topic_find(store, slice_from_string(request->name));

    *status = OK;
    if (topic == NULL)
        *status = error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "there is no topic %s", request->name);
    return topic;
}

static void grow_run(struct store *store, struct control *control)
{
    struct topic_request *request = (struct topic_request *)control;
    struct error error;
    enum status status;
    struct topic *topic = topic_of(request, store, &status, &error);
    int32_t had = topic == NULL ? 0 : topic_partition_count(topic);

    if (status == OK && (request->partitions <= had || request->partitions > PARTITIONS_MAX))
        status = error_set(&error, ERROR_INVALID_PARTITIONS, "Topic currently has %d partitions, which is higher than the requested %d.", had,
                           request->partitions);
    if (status == OK) {
        struct partition **made = partitions_make(store, topic, had, request->partitions, &status, &error);

        if (status == OK)
            status = catalog_grow(store->catalog, &topic->id, request->partitions, &error);
        if (status == OK) {
            topic_add_partitions(topic, made, request->partitions - had);
            memory_free(made);
            store_tell(store, NULL, 0);
        } else if (made != NULL) {
            partitions_discard(made, request->partitions - had);
        }
    }
    topic_release(topic);
    request_answer(request, status, &error);
}

void store_topic_grow(struct store *store, struct slice name, int32_t partitions, store_done *done, void *context)
{
    struct topic_request *request = request_new(name, NULL, done, context, grow_run);

    request->partitions = partitions;
    store_send(store, &request->control.message);
}

static void configure_run(struct store *store, struct control *control)
{
    struct topic_request *request = (struct topic_request *)control;
    struct error error;
    enum status status;
    struct topic *topic = topic_of(request, store, &status, &error);

    if (status == OK)
        status = catalog_configure(store->catalog, &topic->id, &request->config, &error);
    if (status == OK) {
        topic_configure(topic, &request->config);
        catalog_tidy(store->catalog);
        store_tell(store, NULL, 0);
    }
    topic_release(topic);
    request_answer(request, status, &error);
}

void store_topic_set_config(struct store *store, struct slice name, const struct properties *config, store_done *done, void *context)
{
    struct topic_request *request = request_new(name, config, done, context, configure_run);

    store_send(store, &request->control.message);
}

/* ---- Deleting ---- */

static void directories_set_aside(struct store *store, const struct topic *topic)
{
    struct error error;
    enum status status = OK;

    for (int32_t i = 0; i < topic_partition_count(topic) && status == OK; i++)
        status = topics_set_aside(store, topic->name, i, &error);
    if (status == OK)
        status = disk_sync_directory(store->disk, store->directory, &error);
    if (status == OK)
        catalog_tidy(store->catalog);
    else
        LOG_WARNING("topic %s is deleted, but its files stay until the next start: %s", topic->name, error.message);
}

static void delete_run(struct store *store, struct control *control)
{
    struct topic_request *request = (struct topic_request *)control;
    struct error error;
    enum status status;
    struct topic *topic = topic_of(request, store, &status, &error);

    if (status == OK)
        status = catalog_delete(store->catalog, &topic->id, &error);
    if (status == OK) {
        atomic_store(&topic->deleted, true);
        store->checkpoints_stale = true;
        for (int32_t i = 0; i < topic_partition_count(topic); i++) {
            struct partition *partition = topic_partition(topic, i);

            if (partition->owned != NULL)
                partition->owned->forgotten = true;
        }
        directories_set_aside(store, topic);
        store_topic_take(store, topic);
        topic_release(topic); /* the one that the maps had */
        store_tell(store, NULL, 0);
    }
    topic_release(topic);
    request_answer(request, status, &error);
}

void store_topic_delete(struct store *store, struct slice name, store_done *done, void *context)
{
    struct topic_request *request = request_new(name, NULL, done, context, delete_run);

    store_send(store, &request->control.message);
}
