/* What the committer does from time to time: checkpoints, removing what was deleted; and the marks of a clean end. */
#include "store/internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/checkpoint.h"
#include "store/clean.h"
#include "store/partition_round.h"
#include "store/swap.h"

#define LOG_SUBSYSTEM "store"
#define CHECKPOINT_EVERY_MS (60 * MS_PER_SECOND)
#define PRODUCER_EXPIRY_MS MS_PER_DAY /* producer.id.expiration.ms */
#define TRASH_AT_ONCE 16
#define CLEAN_MARK ".kafka_cleanshutdown"

/* Calls for every partition, committer only, so without the lock. */
static void each_partition(struct store *store, void (*call)(struct partition *partition, void *context), void *context)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&store->topics_by_name, &at)) != NULL) {
        const struct topic *topic = entry->value;

        for (int32_t i = 0; i < topic_partition_count(topic); i++)
            call(topic_partition(topic, i), context);
    }
}

/* All below is durable and need not be read again: what is synced, but not past a segment whose indexes are not saved. */
static int64_t recovery_point_of(const struct partition *partition)
{
    const struct segment_list *list = partition_list(partition);
    int64_t point = partition->synced_end;

    if (partition->trouble == TROUBLE_READ_ONLY)
        return partition->recovery_point;
    for (size_t i = 0; i + 1 < list->count; i++) {
        if (!list->segments[i]->saved && list->segments[i]->base < point)
            point = list->segments[i]->base;
    }
    return point;
}

static enum status save_indexes(struct segment *segment, bool sync, struct error *error)
{
    enum status status = segment_pin(segment, true, error);

    if (status != OK)
        return status;
    status = segment_save_indexes(segment, sync, error);
    segment_unpin(segment);
    return status;
}

/* ---- Checkpoints ---- */

struct checkpoint_work {
    struct checkpoint_writer writer;
    int64_t expire_before_ms;
    bool changed;
};

/* Indexes of filled segments that could not be saved when they were filled, and the producers, durably. */
static void closed_save(struct partition *partition)
{
    const struct segment_list *list = partition_list(partition);
    enum status status = OK;

    for (size_t i = 0; i + 1 < list->count && status == OK; i++) {
        struct segment *segment = list->segments[i];

        if (segment->saved)
            continue;
        if (!partition->snapshot_synced || partition->snapshot_offset < segment_end(segment))
            status = partition_snapshot(partition, true, NULL);
        if (status == OK)
            status = save_indexes(segment, true, NULL);
        if (status == OK)
            status = disk_sync_directory(partition->store->disk, partition->directory, NULL);
        segment->saved = status == OK;
    }
}

/* What goes may be all that is known of some producers: a snapshot of theirs comes first, also when there are none. */
static enum status trim_prepare(struct partition *partition, int64_t base, struct error *error)
{
    enum status status = partition_prepare(partition, error);

    return status == OK && (!partition->snapshot_synced || partition->snapshot_offset < base) ? partition_snapshot(partition, true, error) : status;
}

/* The file keeps its bytes until it may really go, for whoever wants it back; readers have it open. */
static void set_aside(struct partition *partition, struct segment *segment)
{
    struct error error;

    segment_set_gone(segment);
    if (segment_files_set_aside(partition->store->disk, partition->directory, segment->base, &error) == OK)
        store_grave_add(partition, segment->base);
    else
        LOG_WARNING("a deleted segment's file stays until the next start: %s", error.message);
    partition_forget_snapshot(partition, segment->base);
}

void upkeep_trim(struct partition *partition)
{
    const struct segment_list *list = partition_list(partition);
    struct store *store = partition->store;
    int64_t start = partition_start(partition);
    struct segment **old;
    struct error error;
    size_t gone = 0;

    while (gone + 1 < list->count && segment_end(list->segments[gone]) <= start)
        gone++;
    if (gone == 0 || partition->trouble != TROUBLE_NONE)
        return;
    if (swap_is_unsettled(partition) && swap_settle(partition, &error) != OK)
        return; /* the next checkpoint tries again */
    if (trim_prepare(partition, list->segments[gone]->base, &error) != OK) {
        LOG_WARNING("%s-%d: deleted segments stay for now: %s", partition->topic->name, partition->index, error.message);
        return;
    }
    old = memory_new_array(gone, sizeof(struct segment *));
    for (size_t i = 0; i < gone; i++) {
        old[i] = list->segments[i];
        segment_retain(old[i]);
    }
    partition_drop_segments(partition, gone);
    for (size_t i = 0; i < gone; i++) {
        set_aside(partition, old[i]);
        atomic_fetch_add_explicit(&store->deleted_bytes, segment_bytes(old[i]), memory_order_relaxed);
        segment_release(old[i]);
    }
    atomic_fetch_add_explicit(&store->deleted_segments, (int64_t)gone, memory_order_relaxed);
    memory_free(old);
}

static bool start_is_movable(const struct start_move *move)
{
    const struct partition *partition = move->partition;

    return !topic_is_deleted(partition->topic) && move->start > partition_start(partition) && move->start <= partition_end(partition);
}

enum status upkeep_move_starts(struct store *store, struct start_move *moves, size_t count, struct error *error)
{
    enum status status = OK;
    size_t moved = 0;

    for (size_t i = 0; i < count; i++) {
        moves[i].before = -1;
        if (!start_is_movable(&moves[i]))
            continue;
        status = partition_sync(moves[i].partition, error); /* the end is not to come back from a crash before the start */
        if (status != OK)
            break;
        moves[i].before = partition_start(moves[i].partition);
        atomic_store(&moves[i].partition->start, moves[i].start);
        moved++;
    }
    if (status == OK && moved > 0)
        status = upkeep_save_starts(store, error);
    for (size_t i = 0; i < count; i++) {
        if (moves[i].before < 0)
            continue;
        if (status == OK)
            upkeep_trim(moves[i].partition);
        else
            atomic_store(&moves[i].partition->start, moves[i].before);
    }
    return status;
}

static void partition_checkpoint(struct partition *partition, void *context)
{
    struct checkpoint_work *work = context;
    struct segment *last = partition->tail.segment;
    int64_t point;
    struct error error;

    if (partition->trouble == TROUBLE_NONE && partition_sync(partition, &error) != OK) {
        partition->trouble = TROUBLE_READ_ONLY; /* what readers have seen may be gone from the disk: only a restart can tell */
        atomic_store(&partition->read_only, true);
        LOG_ERROR("%s-%d is read-only until the next start, for it could not be synced: %s", partition->topic->name, partition->index,
                  error.message);
    }
    if (partition->trouble == TROUBLE_NONE && partition->tail_ready) {
        closed_save(partition);
        upkeep_trim(partition);
        if (!segment_is_small(last) && (index_count(&last->offsets) != last->offsets_saved || index_count(&last->times) != last->times_saved))
            (void)save_indexes(last, false, NULL);
    }
    if (partition->producers != NULL)
        producers_expire(partition->producers, work->expire_before_ms);
    point = recovery_point_of(partition);
    work->changed = work->changed || point != partition->recovery_point;
    checkpoint_add(&work->writer, partition->topic->name, partition->index, point);
}

static void point_note(struct partition *partition, void *context)
{
    (void)context;
    partition->recovery_point = recovery_point_of(partition);
}

static enum status points_save(struct store *store, bool always, struct error *error)
{
    struct checkpoint_work work = {.expire_before_ms = store_now_ms(store) - PRODUCER_EXPIRY_MS, .changed = always};
    enum status status;

    checkpoint_begin(&work.writer);
    each_partition(store, partition_checkpoint, &work);
    if (!work.changed) {
        buffer_finish(&work.writer.lines);
        return OK;
    }
    status = checkpoint_write(&work.writer, store->disk, store->directory, CHECKPOINT_RECOVERY_POINT, error);
    if (status == OK)
        each_partition(store, point_note, NULL);
    return status;
}

void upkeep_checkpoint(struct store *store)
{
    struct error error;

    if (points_save(store, false, &error) != OK)
        LOG_WARNING("recovery points could not be saved, so a restart after a crash reads more: %s", error.message);
}

enum status upkeep_forget_deleted(struct store *store, struct error *error)
{
    enum status status;

    if (!store->checkpoints_stale)
        return OK;
    status = points_save(store, true, error);
    if (status == OK)
        status = upkeep_save_starts(store, error);
    if (status == OK)
        status = upkeep_save_cleaned(store, error);
    store->checkpoints_stale = status != OK;
    return status;
}

static void start_add(struct partition *partition, void *context)
{
    if (partition_start(partition) > 0)
        checkpoint_add(context, partition->topic->name, partition->index, partition_start(partition));
}

enum status upkeep_save_starts(struct store *store, struct error *error)
{
    struct checkpoint_writer writer;

    checkpoint_begin(&writer);
    each_partition(store, start_add, &writer);
    return checkpoint_write(&writer, store->disk, store->directory, CHECKPOINT_START, error);
}

static void cleaned_add(struct partition *partition, void *context)
{
    int64_t cleaned = atomic_load_explicit(&partition->cleaned, memory_order_relaxed);

    if (cleaned > 0)
        checkpoint_add(context, partition->topic->name, partition->index, cleaned);
}

enum status upkeep_save_cleaned(struct store *store, struct error *error)
{
    struct checkpoint_writer writer;

    checkpoint_begin(&writer);
    each_partition(store, cleaned_add, &writer);
    return checkpoint_write(&writer, store->disk, store->directory, CHECKPOINT_CLEANED, error);
}

/* ---- The clean end ---- */

struct clean_work {
    struct clean_writer writer;
    enum status status;
    struct error error;
};

/* The last segment's indexes with their final time entry, and the producers, as of the end. */
static enum status tail_save(struct partition *partition, struct error *error)
{
    struct tail *tail = &partition->tail;
    struct index_entry last;
    enum status status = OK;

    if (tail->max_timestamp >= 0 && (!index_last(&tail->segment->times, &last) || tail->max_timestamp > last.key))
        index_add(&tail->segment->times, tail->max_timestamp, (uint32_t)(tail->max_timestamp_offset - tail->segment->base));
    if (producers_count(partition->producers) > 0) /* when a power cut takes it, it is made anew from the log, if that is whole */
        status = partition_snapshot(partition, partition_list(partition)->segments[0]->base > 0, error);
    return status == OK ? save_indexes(tail->segment, true, error) : status;
}

static enum status partition_save(struct partition *partition, struct error *error)
{
    enum status status = partition_sync(partition, error);

    if (status == OK)
        status = partition_settle(partition, error);
    if (status == OK && partition->saved_end != partition->tail.end) {
        status = partition_prepare(partition, error);
        if (status == OK)
            status = tail_save(partition, error);
        if (status == OK)
            partition->saved_end = partition->tail.end;
    }
    return status;
}

static void directory_note(struct partition *partition, void *context)
{
    bool *in_doubt = context;

    *in_doubt = *in_doubt || (partition->made && !partition->directory_synced);
}

static void directory_settle(struct partition *partition, void *context)
{
    (void)context;
    partition->directory_synced = partition->made;
}

/* Makes the names of all partitions' directories durable. */
static enum status directories_settle(struct store *store, struct error *error)
{
    bool in_doubt = false;
    enum status status = OK;

    each_partition(store, directory_note, &in_doubt);
    if (in_doubt)
        status = disk_sync_directory(store->disk, store->directory, error);
    if (status == OK)
        each_partition(store, directory_settle, NULL);
    return status;
}

/* One that is damaged is not vouched for, so the next start looks at it again; nor one without records, which may have no file. */
static void clean_partition(struct partition *partition, void *context)
{
    struct clean_work *work = context;

    if (work->status != OK || partition->tail.end == 0 || partition->trouble == TROUBLE_READ_ONLY)
        return;
    if (swap_is_unsettled(partition) && swap_settle(partition, &work->error) != OK)
        return; /* the next start looks into the directory and finishes it */
    if (partition->trouble == TROUBLE_CUT)
        work->status = error_set(&work->error, ERROR_DISK, "%s-%d could not be put right", partition->topic->name, partition->index);
    else
        work->status = partition_save(partition, &work->error);
    clean_add(&work->writer, partition);
}

enum status upkeep_save_clean(struct store *store, struct error *error)
{
    static const char mark[] = "{\"version\":0,\"brokerEpoch\":-1}";
    struct clean_work work = {.status = directories_settle(store, error)};
    enum status status;

    if (work.status != OK)
        return work.status;
    clean_begin(&work.writer);
    each_partition(store, clean_partition, &work);
    *error = work.error;
    status = work.status;
    if (status == OK)
        status = points_save(store, false, error);
    if (status != OK) {
        buffer_finish(&work.writer.entries);
        return status;
    }
    status = clean_write(&work.writer, store->disk, store->directory, error);
    if (status == OK)
        status = disk_replace_file(store->disk, store->directory, CLEAN_MARK, slice_from_string(mark), error);
    return status;
}

/* ---- The clock ---- */

int64_t upkeep_run(struct store *store)
{
    int64_t now_ms = clock_monotonic_ms();

    if (topics_trash_empty(store, TRASH_AT_ONCE))
        return 0;
    if (now_ms >= store->checkpoint_due_ms) {
        upkeep_checkpoint(store);
        store->checkpoint_due_ms = now_ms + CHECKPOINT_EVERY_MS;
    }
    return store->checkpoint_due_ms - now_ms;
}
