#include "store/store.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"
#include "store/checkpoint.h"
#include "store/internal.h"
#include "store/recovery.h"

#include <assert.h>
#include <sys/resource.h>

#define LOG_SUBSYSTEM "store"
#define CLEAN_MARK ".kafka_cleanshutdown"
#define META_PROPERTIES "meta.properties"
#define META_BYTES_MAX 65536
#define OPEN_FILES_MAX 4096
#define SMALL_SEGMENT_BYTES (256 << 10)
#define OPEN_FILES_MIN 64

/* ---- Small services for the other sources ---- */

int64_t store_now_ms(const struct store *store)
{
    return store->now_ms == NULL ? clock_now_ms() : store->now_ms(store->context);
}

struct uuid store_new_uuid(const struct store *store)
{
    return store->new_uuid == NULL ? random_uuid() : store->new_uuid(store->context);
}

void store_send(struct store *store, struct message *message)
{
    mailbox_send(&store->mailbox, message);
}

void store_run(struct store *store)
{
    struct message *messages;

    assert(store->manual);
    while ((messages = mailbox_take(&store->mailbox)) != NULL)
        committer_process(store, messages);
    (void)upkeep_run(store);
}

void store_degraded_set(struct store *store, const struct error *reason)
{
    bool news;

    (void)pthread_mutex_lock(&store->state_lock);
    news = store->degraded.status == OK;
    store->degraded = *reason;
    (void)pthread_mutex_unlock(&store->state_lock);
    if (news)
        LOG_ERROR("nothing can be written now, reading goes on; each new write tries again: %s", reason->message);
}

/*
 * The mark needs no sync: it is about what the system keeps in memory, and goes together with that. The byte is there
 * already, so writing it takes no space.
 */
static enum status suspect_write(struct store *store, bool suspect, struct error *error)
{
    return disk_write(store->lock_file, slice_of(suspect ? "!" : "-", 1), 0, error);
}

void store_suspect_note(struct store *store)
{
    if (!atomic_exchange(&store->disk->sync_failed, false) || store->suspect || store->lock_file == NULL)
        return;
    store->suspect = suspect_write(store, true, NULL) == OK;
    if (!store->suspect)
        atomic_store(&store->disk->sync_failed, true); /* try again */
}

void store_degraded_clear(struct store *store)
{
    bool news;

    (void)pthread_mutex_lock(&store->state_lock);
    news = store->degraded.status != OK;
    store->degraded.status = OK;
    (void)pthread_mutex_unlock(&store->state_lock);
    if (news)
        LOG_INFO("writing works again");
}

bool store_is_degraded(const struct store *store, struct error *reason)
{
    struct store *writable = (struct store *)(uintptr_t)store;
    bool degraded;

    (void)pthread_mutex_lock(&writable->state_lock);
    degraded = store->degraded.status != OK;
    if (degraded && reason != NULL)
        *reason = store->degraded;
    (void)pthread_mutex_unlock(&writable->state_lock);
    return degraded;
}

const char *store_cluster_id(const struct store *store)
{
    return store->cluster_id;
}

void store_counters_read(struct store *store, struct store_counters *counters)
{
    *counters = (struct store_counters){.rounds = atomic_load(&store->rounds),
                                        .syncs = atomic_load(&store->syncs),
                                        .appended_bytes = atomic_load(&store->appended_bytes),
                                        .appended_batches = atomic_load(&store->appended_batches),
                                        .published_ends = atomic_load(&store->published_ends),
                                        .journal_records = atomic_load(&store->journal_records),
                                        .last_round_us = atomic_load(&store->last_round_us),
                                        .waiting = (int64_t)mailbox_count(&store->mailbox),
                                        .deleted_segments = atomic_load(&store->deleted_segments),
                                        .deleted_bytes = atomic_load(&store->deleted_bytes),
                                        .compactions = atomic_load(&store->compactions),
                                        .compacted_bytes = atomic_load(&store->compacted_bytes),
                                        .compacted_kept_bytes = atomic_load(&store->compacted_kept_bytes),
                                        .compaction_us = atomic_load(&store->compaction_us),
                                        .last_compaction_ms = atomic_load(&store->last_compaction_ms)};
}

/* ---- Listeners ---- */

void store_listen(struct store *store, store_listener *listener, void *context)
{
    (void)pthread_mutex_lock(&store->state_lock);
    assert(store->listener_count < LISTENERS_MAX);
    store->listeners[store->listener_count++] = (struct listener){listener, context};
    (void)pthread_mutex_unlock(&store->state_lock);
}

void store_unlisten(struct store *store, store_listener *listener, void *context)
{
    (void)pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; i < store->listener_count; i++) {
        if (store->listeners[i].call == listener && store->listeners[i].context == context)
            store->listeners[i] = store->listeners[--store->listener_count];
    }
    (void)pthread_mutex_unlock(&store->state_lock);
}

/* The lock is held during the calls, so that nobody is called after store_unlisten has returned. */
void store_tell(struct store *store, struct partition *const *moved, size_t count)
{
    (void)pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; i < store->listener_count; i++)
        store->listeners[i].call(store->listeners[i].context, moved, count);
    (void)pthread_mutex_unlock(&store->state_lock);
}

/* ---- The table of topics ---- */

static struct slice id_slice(const struct uuid *id)
{
    return slice_of(id->bytes, sizeof(id->bytes));
}

void store_topic_add(struct store *store, struct topic *topic)
{
    (void)pthread_rwlock_wrlock(&store->topics_lock);
    (void)map_put_string(&store->topics_by_name, topic->name, topic);
    (void)map_put(&store->topics_by_id, id_slice(&topic->id), topic);
    (void)pthread_rwlock_unlock(&store->topics_lock);
}

void store_topic_take(struct store *store, struct topic *topic)
{
    (void)pthread_rwlock_wrlock(&store->topics_lock);
    (void)map_remove(&store->topics_by_name, slice_from_string(topic->name));
    (void)map_remove(&store->topics_by_id, id_slice(&topic->id));
    (void)pthread_rwlock_unlock(&store->topics_lock);
}

static struct topic *find(struct store *store, const struct map *map, struct slice key)
{
    struct topic *topic;

    (void)pthread_rwlock_rdlock(&store->topics_lock);
    topic = map_get(map, key);
    if (topic != NULL)
        topic_retain(topic);
    (void)pthread_rwlock_unlock(&store->topics_lock);
    return topic;
}

struct topic *store_topic_find(struct store *store, struct slice name)
{
    return find(store, &store->topics_by_name, name);
}

struct topic *store_topic_find_by_id(struct store *store, const struct uuid *id)
{
    return find(store, &store->topics_by_id, id_slice(id));
}

static int compare_by_name(const void *a, const void *b)
{
    return strcmp((*(struct topic *const *)a)->name, (*(struct topic *const *)b)->name);
}

struct topic **store_topics(struct store *store, struct arena *arena, size_t *count)
{
    const struct map_entry *entry;
    struct topic **topics;
    size_t at = 0;

    *count = 0;
    (void)pthread_rwlock_rdlock(&store->topics_lock);
    topics = arena_new_array(arena, store->topics_by_name.count + 1, sizeof(struct topic *));
    while ((entry = map_next(&store->topics_by_name, &at)) != NULL) {
        topics[*count] = entry->value;
        topic_retain(topics[(*count)++]);
    }
    (void)pthread_rwlock_unlock(&store->topics_lock);
    qsort(topics, *count, sizeof(struct topic *), compare_by_name);
    return topics;
}

/* ---- Appending and publishing ---- */

void store_append(struct store *store, struct append *append)
{
    append->message.kind = MESSAGE_APPEND;
    store_send(store, &append->message);
}

void store_publish(struct store *store, struct publish *publish)
{
    publish->message.kind = MESSAGE_PUBLISH;
    store_send(store, &publish->message);
}

bool store_position(struct store *store, const char *owner, struct buffer *position)
{
    return journal_position(store->journal, owner, position);
}

/* ---- Opening ---- */

/* Descriptors for many segments at once; sockets need theirs too. */
static size_t open_files_limit(void)
{
    struct rlimit limit;
    size_t quarter;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return OPEN_FILES_MIN;
    if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < 4 * OPEN_FILES_MAX) {
        limit.rlim_cur = limit.rlim_max < 4 * OPEN_FILES_MAX ? limit.rlim_max : 4 * OPEN_FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    quarter = limit.rlim_cur / 4;
    return quarter < OPEN_FILES_MIN ? OPEN_FILES_MIN : quarter > OPEN_FILES_MAX ? OPEN_FILES_MAX : quarter;
}

static void settings_take(struct store *store, const struct store_settings *settings)
{
    char number[32];

    store->disk = settings->disk == NULL ? disk_real() : settings->disk;
    store->directory = memory_copy_string(settings->directory);
    if (settings->topic_defaults != NULL)
        properties_copy(&store->topic_defaults, settings->topic_defaults);
    (void)snprintf(number, sizeof(number), "%lld", (long long)settings->segment_bytes);
    if (settings->segment_bytes > 0)
        properties_set(&store->topic_defaults, "log.segment.bytes", number);
    (void)snprintf(number, sizeof(number), "%d", settings->message_bytes_max);
    if (settings->message_bytes_max > 0)
        properties_set(&store->topic_defaults, "message.max.bytes", number);
    (void)snprintf(number, sizeof(number), "%lld", (long long)settings->index_interval_bytes);
    if (settings->index_interval_bytes > 0)
        properties_set(&store->topic_defaults, "log.index.interval.bytes", number);
    store->default_partitions = settings->default_partitions < 1 ? 1 : settings->default_partitions;
    store->flush_acks = settings->flush_acks;
    store->manual = settings->manual;
    store->now_ms = settings->now_ms;
    store->new_uuid = settings->new_uuid;
    store->context = settings->context;
    store->producer_ids = -1;
    store->checkpoint_due_ms = clock_monotonic_ms() + 60 * MS_PER_SECOND;
}

static enum status directory_open(struct store *store, struct error *error)
{
    char path[4096], mark = 0;
    size_t got = 0;
    enum status status = disk_make_directory(store->disk, store->directory, error);

    (void)snprintf(path, sizeof(path), "%s/.lock", store->directory);
    if (status == OK)
        status = disk_open(store->disk, path, DISK_CREATE, &store->lock_file, error);
    if (status == OK)
        status = disk_lock(store->lock_file, error);
    if (status == OK)
        status = disk_read(store->lock_file, &mark, 1, 0, &got, error);
    store->suspect = status == OK && got == 1 && mark == '!';
    if (status == OK && got == 0)
        (void)suspect_write(store, false, NULL);
    return status;
}

/* The directory itself may be new: its name becomes durable too. */
static enum status parent_sync(struct store *store, struct error *error)
{
    char *parent = memory_copy_string(store->directory), *slash = strrchr(parent, '/');
    enum status status;

    if (slash != NULL)
        slash[slash == parent ? 1 : 0] = '\0';
    status = disk_sync_directory(store->disk, slash == NULL ? "." : parent, error);
    memory_free(parent);
    return status;
}

static enum status meta_write(struct store *store, struct error *error)
{
    char directory_id[UUID_BASE64_SIZE], text[256];
    struct uuid cluster = store_new_uuid(store), directory = store_new_uuid(store);
    enum status status = parent_sync(store, error);

    uuid_to_base64(&cluster, store->cluster_id);
    uuid_to_base64(&directory, directory_id);
    (void)snprintf(text, sizeof(text), "cluster.id=%s\ndirectory.id=%s\nnode.id=1\nversion=1\n", store->cluster_id, directory_id);
    return status == OK ? disk_replace_file(store->disk, store->directory, META_PROPERTIES, slice_from_string(text), error) : status;
}

/* is_new  set when there was none, so nothing else is there either */
static enum status meta_open(struct store *store, bool *is_new, struct error *error)
{
    struct properties properties;
    struct buffer text;
    char path[4096];
    const char *id;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/%s", store->directory, META_PROPERTIES);
    buffer_init(&text, META_BYTES_MAX);
    properties_init(&properties);
    status = disk_read_file(store->disk, path, &text, error);
    *is_new = status == ERROR_NOT_FOUND;
    if (*is_new) {
        status = meta_write(store, error);
    } else if (status == OK) {
        status = properties_parse(&properties, buffer_slice(&text), error);
        id = properties_get(&properties, "cluster.id");
        if (status == OK && (id == NULL || strlen(id) >= sizeof(store->cluster_id)))
            status = error_set(error, ERROR_CORRUPT, "%s has no cluster.id", path);
        if (status == OK)
            (void)snprintf(store->cluster_id, sizeof(store->cluster_id), "%s", id);
    }
    properties_finish(&properties);
    buffer_finish(&text);
    return status;
}

/*
 * Was the last end clean? The mark goes before anything is written, durably: also one that is gone already, for an opening
 * that failed may have removed it without the disk knowing.
 */
static enum status mark_take(struct store *store, bool *clean, struct error *error)
{
    char path[4096];
    int64_t size;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/%s", store->directory, CLEAN_MARK);
    status = disk_file_size(store->disk, path, &size, error);
    *clean = status == OK;
    if (status == OK)
        status = disk_unlink(store->disk, path, error);
    if (status == OK || status == ERROR_NOT_FOUND)
        status = disk_sync_directory(store->disk, store->directory, error);
    return status;
}

/* A lost journal would take all positions back to nothing: then the store is not opened at all. */
static enum status ledgers_open(struct store *store, struct error *error)
{
    char path[4096];
    int64_t size;
    enum status status;
    bool had_catalog;

    (void)snprintf(path, sizeof(path), "%s/catalog", store->directory);
    status = disk_file_size(store->disk, path, &size, error);
    had_catalog = status == OK && size > 0;
    (void)snprintf(path, sizeof(path), "%s/commit.journal", store->directory);
    if (had_catalog && disk_file_size(store->disk, path, &size, error) == ERROR_NOT_FOUND)
        return error_set(error, ERROR_CORRUPT, "%s is missing, which holds the positions of all connectors; restore it from a copy", path);
    status = journal_open(store->disk, store->directory, store->suspect, &store->journal, error);
    if (status == OK)
        status = catalog_open(store->disk, store->directory, store->suspect, &store->catalog, error);
    return status;
}

/* What earlier runs have left to say about the partitions. */
struct facts_files {
    struct checkpoint points, starts, cleaned;
    size_t points_used, starts_used, cleaned_used; /* entries that a partition of now asked for */
    struct clean_state clean;        /* empty when the last end was not clean */
    struct arena arena;
    struct disk_entry *entries; /* of the data directory, by name */
    size_t entry_count;
};

static enum status checkpoint_open(struct store *store, struct checkpoint *checkpoint, const char *name, struct error *error)
{
    enum status status = checkpoint_read(checkpoint, store->disk, store->directory, name, error);

    if (status != ERROR_CORRUPT)
        return status;
    LOG_WARNING("all partitions are read from their beginning, for a checkpoint cannot be used: %s", error->message);
    return OK;
}

static enum status facts_open(struct store *store, struct facts_files *facts, bool clean, struct error *error)
{
    enum status status = checkpoint_open(store, &facts->points, CHECKPOINT_RECOVERY_POINT, error);

    if (status == OK)
        status = checkpoint_open(store, &facts->starts, CHECKPOINT_START, error);
    if (status == OK)
        status = checkpoint_open(store, &facts->cleaned, CHECKPOINT_CLEANED, error);
    if (status == OK && clean)
        status = clean_state_read(&facts->clean, store->disk, store->directory, error);
    if (status == ERROR_CORRUPT) {
        LOG_WARNING("all partitions are looked at, though the last end was clean: %s", error->message);
        status = OK;
    }
    arena_init(&facts->arena, 65536);
    if (status == OK)
        status = disk_list(store->disk, store->directory, &facts->arena, &facts->entries, &facts->entry_count, error);
    return status;
}

static void facts_finish(struct facts_files *facts)
{
    checkpoint_finish(&facts->points);
    checkpoint_finish(&facts->starts);
    checkpoint_finish(&facts->cleaned);
    clean_state_finish(&facts->clean);
    arena_finish(&facts->arena);
}

static int entry_compare(const void *name, const void *entry)
{
    return strcmp(name, ((const struct disk_entry *)entry)->name);
}

static bool is_listed(const struct facts_files *facts, const char *topic, int32_t partition)
{
    char name[300];

    (void)snprintf(name, sizeof(name), "%s-%d", topic, partition);
    return facts->entry_count > 0 && bsearch(name, facts->entries, facts->entry_count, sizeof(facts->entries[0]), entry_compare) != NULL;
}

static enum status topic_recover(struct store *store, const struct catalog_topic *listed, struct facts_files *files, struct error *error)
{
    struct topic *topic = topic_new(store, listed->name, &listed->id, listed->internal, &listed->config);
    struct partition **partitions = memory_new_array((size_t)listed->partitions, sizeof(struct partition *));
    enum status status = OK;

    for (int32_t i = 0; i < listed->partitions; i++)
        partitions[i] = partition_create(store, topic, i);
    topic_add_partitions(topic, partitions, listed->partitions);
    for (int32_t i = 0; i < listed->partitions && status == OK; i++) {
        struct recovery_facts facts = {.clean = clean_state_find(&files->clean, &topic->id, i),
                                       .listed = is_listed(files, listed->name, i),
                                       .suspect = store->suspect,
                                       .start = checkpoint_get(&files->starts, listed->name, i),
                                       .recovery_point = checkpoint_get(&files->points, listed->name, i)};

        int64_t cleaned = checkpoint_get(&files->cleaned, listed->name, i);

        files->cleaned_used += cleaned >= 0;
        files->points_used += facts.recovery_point >= 0;
        files->starts_used += facts.start >= 0;
        partitions[i]->owned = journal_find(store->journal, &topic->id, i);
        status = partition_recover(partitions[i], &facts, error);
        atomic_store(&partitions[i]->cleaned, cleaned < 0 || cleaned > partition_end(partitions[i]) ? 0 : cleaned);
    }
    memory_free(partitions);
    store_topic_add(store, topic);
    return status;
}

/* What was deleted but perhaps not put aside when the last run ended, and what was put aside but not removed. */
static enum status deleted_collect(struct store *store, const struct facts_files *facts, struct error *error)
{
    static const char suffix[] = "-delete";
    const struct catalog_topic *topic;
    size_t at = 0;
    enum status status = OK;

    while ((topic = catalog_next_deleted(store->catalog, &at)) != NULL && status == OK) {
        for (int32_t i = 0; catalog_find(store->catalog, topic->name) == NULL && i < topic->partitions && status == OK; i++) {
            if (is_listed(facts, topic->name, i))
                status = topics_set_aside(store, topic->name, i, error);
        }
    }
    for (size_t i = 0; i < facts->entry_count; i++) {
        const char *name = facts->entries[i].name;
        size_t length = strlen(name);

        if (facts->entries[i].is_directory && length > UUID_HEX_SIZE + sizeof(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0 &&
            name[length - strlen(suffix) - (UUID_HEX_SIZE - 1) - 1] == '.')
            topics_trash_add(store, memory_format("%s/%s", store->directory, name));
    }
    return status;
}

static enum status topics_recover(struct store *store, bool clean, struct error *error)
{
    struct facts_files facts = {.points_used = 0};
    const struct catalog_topic *listed;
    enum status status = facts_open(store, &facts, clean, error);
    size_t at = 0;

    while (status == OK && (listed = catalog_next(store->catalog, &at)) != NULL)
        status = topic_recover(store, listed, &facts, error);
    if (status == OK)
        status = deleted_collect(store, &facts, error);
    store->checkpoints_stale = facts.points_used < facts.points.offsets.count || facts.starts_used < facts.starts.offsets.count ||
                               facts.cleaned_used < facts.cleaned.offsets.count;
    facts_finish(&facts);
    return status;
}

static void committer_stop(struct store *store)
{
    atomic_store(&store->closing, true);
    mailbox_wake(&store->mailbox);
    thread_join(store->committer);
}

static enum status threads_start(struct store *store, struct error *error)
{
    enum status status = thread_start(&store->committer, "committer", committer_main, store, error);

    if (status == OK && (status = cleaner_start(store->cleaner, error)) != OK)
        committer_stop(store);
    return status;
}

static enum status open_all(struct store *store, struct error *error)
{
    bool clean = false, is_new = false;
    enum status status = directory_open(store, error);

    if (status == OK)
        status = meta_open(store, &is_new, error);
    if (status == OK && !is_new)
        status = mark_take(store, &clean, error);
    if (status == OK)
        status = ledgers_open(store, error);
    if (status == OK)
        status = topics_recover(store, clean, error);
    if (status == OK && store->suspect && suspect_write(store, false, NULL) == OK)
        store->suspect = false; /* all that was doubtful has been written anew and synced */
    store_suspect_note(store);
    if (status == OK)
        control_reserve_producer_ids(store); /* the first producer may be there before the committer has done anything */
    if (status == OK && !store->manual)
        status = threads_start(store, error);
    return status;
}

static void store_free(struct store *store)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&store->topics_by_name, &at)) != NULL)
        topic_release(entry->value);
    map_finish(&store->topics_by_name);
    map_finish(&store->topics_by_id);
    at = 0;
    while ((entry = map_next(&store->owners, &at)) != NULL)
        memory_free(entry->value);
    map_finish(&store->owners);
    while (store->trash != NULL) {
        struct trash *trash = store->trash;

        store->trash = trash->next;
        memory_free(trash->path);
        memory_free(trash);
    }
    cleaner_destroy(store->cleaner);
    round_destroy(store->round);
    syncer_destroy(store->syncer);
    journal_close(store->journal);
    catalog_close(store->catalog);
    segment_files_finish(&store->files);
    disk_close(store->lock_file);
    mailbox_finish(&store->mailbox);
    properties_finish(&store->topic_defaults);
    (void)pthread_mutex_destroy(&store->state_lock);
    (void)pthread_rwlock_destroy(&store->topics_lock);
    memory_free(store->directory);
    memory_free(store);
}

enum status store_open(const struct store_settings *settings, struct store **opened, struct error *error)
{
    struct store *store = memory_new(sizeof(*store));
    enum status status;

    settings_take(store, settings);
    mailbox_init(&store->mailbox);
    (void)pthread_mutex_init(&store->state_lock, NULL);
    (void)pthread_rwlock_init(&store->topics_lock, NULL);
    map_init(&store->topics_by_name);
    map_init(&store->topics_by_id);
    map_init(&store->owners);
    segment_files_init(&store->files, store->disk, open_files_limit(),
                       settings->small_segment_bytes > 0 ? settings->small_segment_bytes : SMALL_SEGMENT_BYTES);
    store->syncer = syncer_create(store->manual ? 0 : settings->sync_threads);
    store->round = round_create(store);
    store->cleaner = cleaner_create(store);
    status = open_all(store, error);
    if (status == OK) {
        *opened = store;
    } else {
        error_context(error, "open the log in %s", settings->directory);
        store_suspect_note(store);
        store_free(store);
    }
    return status;
}

void store_close(struct store *store)
{
    struct error error;

    if (store == NULL)
        return;
    if (store->manual) {
        store_run(store);
    } else {
        cleaner_stop(store->cleaner); /* it has the committer do things */
        committer_stop(store);
    }
    if (upkeep_save_clean(store, &error) != OK)
        LOG_WARNING("the next start will check the log, for this end was not clean: %s", error.message);
    store_suspect_note(store);
    store_free(store);
}
