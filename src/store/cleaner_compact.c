/* One compaction: the keys of the dirty part, then file by file what remains, each swapped in by the committer. */
#include "store/cleaner_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/compaction.h"
#include "store/scan.h"
#include "store/swap.h"

#include <float.h>
#include <limits.h>

#define LOG_SUBSYSTEM "cleaner"
#define RETRY_MS (5 * 60 * MS_PER_SECOND)    /* of a compaction that failed */
#define WRITE_BYTES ((size_t)1 << 20)        /* written at once ... */
#define SYNC_BYTES ((int64_t)2 << 20)        /* ... and synced, so that no sync of the committer waits for much of it */
#define PACE_BYTES ((int64_t)1 << 20)        /* so often it looks whether somebody else wants the disk */
#define OUT_BYTES_MAX ((size_t)INT32_MAX)
#define THROTTLE_SLICE_MS 100

struct group;

struct pass {
    struct group *group; /* what is being written */
    struct cleaner *cleaner;
    struct partition *partition;
    const struct topic_settings *settings;
    struct compaction_range range;
    struct view view;
    struct producer_last *lasts;
    int64_t synced_end;
    int64_t new_end; /* to be noted as compacted */
    struct compaction compaction;
    bool at_transaction; /* what follows belongs to one */
    int64_t started_ns;
    int64_t io_bytes;
    int64_t paced_bytes, paced_ns, paced_rounds; /* as of the last look */
    int64_t read_bytes, kept_bytes;
};

/* While the committer has something to do, compaction takes half of the time at most. */
static void pace(struct pass *pass)
{
    struct store *store = pass->cleaner->store;
    int64_t rounds = atomic_load_explicit(&store->rounds, memory_order_relaxed), busy_ms;

    if (store->manual || pass->io_bytes - pass->paced_bytes < PACE_BYTES)
        return;
    busy_ms = (clock_monotonic_ns() - pass->paced_ns) / NS_PER_MS;
    if (rounds != pass->paced_rounds && busy_ms > 0)
        (void)mailbox_wait(&pass->cleaner->wake, busy_ms < THROTTLE_SLICE_MS ? busy_ms : THROTTLE_SLICE_MS);
    pass->paced_bytes = pass->io_bytes;
    pass->paced_ns = clock_monotonic_ns();
    pass->paced_rounds = rounds;
}

/* Lets time pass when more was read and written than may be. Errors: CLOSED (the store is being closed, the topic was deleted) */
static enum status throttle(struct pass *pass, int64_t bytes, struct error *error)
{
    struct cleaner *cleaner = pass->cleaner;
    double limit = cleaner->settings.bytes_per_second;

    pass->io_bytes += bytes;
    pace(pass);
    while (limit < DBL_MAX && limit > 0 && !atomic_load(&cleaner->stopping)) {
        double ahead_ms = (double)pass->io_bytes / limit * MS_PER_SECOND - (double)(clock_monotonic_ns() - pass->started_ns) / NS_PER_MS;

        if (ahead_ms < 1)
            break;
        (void)mailbox_wait(&cleaner->wake, ahead_ms > THROTTLE_SLICE_MS ? THROTTLE_SLICE_MS : (int64_t)ahead_ms);
    }
    if (atomic_load(&cleaner->stopping))
        return error_set(error, ERROR_CLOSED, "the log is being closed");
    if (topic_is_deleted(pass->partition->topic))
        return error_set(error, ERROR_CLOSED, "the topic was deleted");
    return OK;
}

/* What the committer knows of the partition. */
static enum status begin_work(struct store *store, void *context, struct error *error)
{
    struct pass *pass = context;
    struct partition *partition = pass->partition;
    enum status status;

    (void)store;
    if (topic_is_deleted(partition->topic) || partition->trouble != TROUBLE_NONE)
        return error_set(error, ERROR_CLOSED, "the partition cannot be written now");
    status = swap_is_unsettled(partition) ? swap_settle(partition, error) : OK;
    if (status == OK)
        status = partition_prepare(partition, error);
    if (status == OK)
        pass->lasts = producers_lasts(partition->producers, &pass->compaction.last_count);
    pass->synced_end = partition->synced_end;
    return status;
}

static enum status end_work(struct store *store, void *context, struct error *error)
{
    const struct pass *pass = context;

    atomic_store(&pass->partition->cleaned, pass->new_end);
    return upkeep_save_cleaned(store, error);
}

static enum status damaged(const struct segment *segment, int64_t position, struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "%s/%020lld.log is damaged at byte %lld; restore it from a copy, or delete the topic",
                     segment->directory, (long long)segment->base, (long long)position);
}

/* Calls for every batch of a closed segment, until one is not taken. */
typedef enum status batch_call(struct pass *pass, const struct batch *batch, struct slice bytes, bool is_last, bool *taken, struct error *error);

static enum status each_batch(struct pass *pass, struct segment *segment, batch_call *call, bool *taken, struct error *error)
{
    int64_t limit = segment_bytes(segment);
    int64_t end = segment->base;
    struct batch batch;
    struct slice bytes;
    struct scan scan;
    bool found = true;
    enum status status = segment_pin(segment, false, error);

    *taken = true;
    if (status != OK)
        return status;
    scan_init(&scan, segment->file, 0, limit, NULL, 0);
    while (status == OK && *taken && scan.position < limit) {
        status = scan_batch(&scan, &batch, &bytes, &found, error);
        if (status == OK && !found)
            status = damaged(segment, scan.position, error);
        if (status == OK)
            status = throttle(pass, batch.size, error);
        if (status == OK)
            end = batch_last_offset(&batch) + 1;
        if (status == OK)
            status = call(pass, &batch, bytes, scan.position == limit, taken, error);
    }
    if (status == OK && *taken && end != segment_end(segment))
        status = damaged(segment, limit, error);
    scan_finish(&scan);
    segment_unpin(segment);
    return status;
}

static enum status map_batch(struct pass *pass, const struct batch *batch, struct slice bytes, bool is_last, bool *taken, struct error *error)
{
    enum status status = compaction_map(&pass->compaction, bytes, pass->range.from, taken, error);

    (void)is_last;
    pass->at_transaction = status == OK && !*taken && (batch->attributes & (BATCH_TRANSACTIONAL | BATCH_CONTROL)) != 0;
    return status;
}

/*
 * Was the segment closed when the range was chosen? The one that is appended to begins where the range ends: while it is empty it
 * also ends there, though not for long.
 */
static bool is_in_range(const struct pass *pass, const struct segment_facts *facts)
{
    return facts->base < pass->range.to && facts->end <= pass->range.to;
}

/* Reads the keys of the dirty part, as many as there is room for. */
static enum status map_build(struct pass *pass, struct error *error)
{
    enum status status = OK;
    bool taken = true;

    pass->compaction.covered = pass->range.from;
    for (size_t i = 0; i < pass->view.count && status == OK && taken; i++) {
        const struct segment_facts *facts = &pass->view.facts[i];

        if (facts->end > pass->range.from && is_in_range(pass, facts))
            status = each_batch(pass, pass->view.segments[i], map_batch, &taken, error);
    }
    if (status == OK && pass->compaction.covered <= pass->range.from && !pass->at_transaction)
        return error_set(error, ERROR_LIMIT, "the keys of one batch do not fit the table; raise log.cleaner.dedupe.buffer.size, which is %lld",
                         (long long)pass->cleaner->settings.buffer_bytes);
    return status;
}

struct group { /* of segments that become one */
    struct pass *pass;
    struct segment **old; /* and of the facts those from `first` on */
    size_t first, count;  /* with the one being read */
    size_t count_max;
    bool continues; /* the next one is taken in too */
    struct segment *made;
    struct buffer out;
    int64_t written, synced;
    int64_t bytes; /* of the old ones */
};

/* The old segments and the new one take space at the same time, of which the records that come must not be robbed: half of what is free. */
static enum status space_check(const struct group *group, struct error *error)
{
    struct store *store = group->pass->cleaner->store;
    int64_t free_bytes;

    if (disk_free_bytes(store->disk, store->directory, &free_bytes, NULL) != OK || free_bytes >= group->written)
        return OK;
    return error_set(error, ERROR_DISK_FULL, "the disk has too little room: %lld bytes of the new segment are written, and %lld are free",
                     (long long)group->written, (long long)free_bytes);
}

static enum status group_flush(struct group *group, struct error *error)
{
    enum status status;

    if (group->out.size == 0)
        return OK;
    if (group->written + (int64_t)group->out.size > INT32_MAX)
        return error_set(error, ERROR_LIMIT, "what remains of the segment at offset %lld is larger than a segment may be",
                         (long long)group->made->base);
    status = throttle(group->pass, (int64_t)group->out.size, error);
    if (status == OK)
        status = disk_write(group->made->file, buffer_slice(&group->out), group->written, error);
    group->written += (int64_t)group->out.size;
    buffer_reset(&group->out);
    if (status == OK)
        status = space_check(group, error);
    if (status == OK && group->written - group->synced >= SYNC_BYTES) {
        status = disk_sync(group->made->file, error);
        group->synced = group->written;
    }
    return status;
}

/* The files of one segment with the suffix of what is not finished. */
static void cleaned_remove(const struct partition *partition, int64_t base)
{
    static const char *const kinds[] = {"log" SWAP_CLEANED, "index" SWAP_CLEANED, "timeindex" SWAP_CLEANED, "txnindex" SWAP_CLEANED};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char path[PATH_MAX];

        segment_path(partition->directory, base, kinds[i], path, sizeof(path));
        (void)disk_unlink(partition->store->disk, path, NULL);
    }
}

/* Decided at the last batch of a segment: is the next one written behind it? */
static bool next_fits(const struct group *group, const struct batch *batch)
{
    const struct segment_facts *facts = group->pass->view.facts + group->first;
    const struct topic_settings *settings = group->pass->settings;
    int64_t written = group->written + (int64_t)group->out.size + batch->size;

    return group->count < group->count_max &&
           compaction_fits(&facts[0], written, &facts[group->count], settings->segment_bytes, settings->segment_index_bytes);
}

static enum status filter_batch(struct pass *pass, const struct batch *batch, struct slice bytes, bool is_last, bool *taken, struct error *error)
{
    struct group *group = pass->group;
    enum status status;

    if (is_last)
        group->continues = next_fits(group, batch);
    status = compaction_filter(&pass->compaction, bytes, is_last && !group->continues, &group->out, error);
    *taken = true;
    return status == OK && group->out.size >= WRITE_BYTES ? group_flush(group, error) : status;
}

static enum status group_write(struct group *group, struct error *error)
{
    struct segment *made = group->made;
    enum status status = OK;
    bool taken;

    group->continues = true;
    while (status == OK && group->continues) {
        group->bytes += segment_bytes(group->old[group->count++]);
        status = each_batch(group->pass, group->old[group->count - 1], filter_batch, &taken, error);
    }
    if (status == OK)
        status = group_flush(group, error);
    if (status == OK)
        status = disk_sync(made->file, error);
    if (status != OK)
        return status;
    segment_publish(made, group->written, segment_end(group->old[group->count - 1]));
    atomic_store(&made->closed, true);
    status = segment_index(made, error);
    return status == OK ? segment_save_indexes(made, true, error) : status;
}

static enum status swap_work(struct store *store, void *context, struct error *error)
{
    (void)store;
    return swap_run(context, error);
}

/* Writes what remains of the group, and has it put in its place when that is less. */
static enum status group_compact(struct group *group, struct error *error)
{
    struct pass *pass = group->pass;
    struct partition *partition = pass->partition;
    struct store *store = pass->cleaner->store;
    int64_t base = group->old[0]->base;
    enum status status;
    bool swapped = false;

    cleaned_remove(partition, base);
    group->made = segment_create(&store->files, partition, partition->directory, base, 0, base);
    segment_set_suffix(group->made, SWAP_CLEANED);
    status = segment_make_file(group->made, error);
    if (status == OK) {
        status = segment_pin(group->made, false, error);
        if (status == OK) {
            status = group_write(group, error);
            if (status == OK && (group->count > 1 || group->written != group->bytes)) {
                struct swap swap = {partition, group->old, group->count, group->bytes, group->made};

                segment_retain(group->made); /* the swap takes one */
                status = store_call(store, swap_work, &swap, error);
                swapped = status == OK;
                if (!swapped)
                    segment_release(group->made);
            }
            segment_unpin(group->made);
        }
    }
    segment_release(group->made);
    if (!swapped)
        cleaned_remove(partition, base);
    pass->read_bytes += group->bytes;
    pass->kept_bytes += group->written;
    return status;
}

/* Compacts from the log start to what the table covers, in order: what a tombstone is for goes before the tombstone. */
static enum status groups_compact(struct pass *pass, struct error *error)
{
    size_t count = 0, at = 0;
    enum status status = OK;

    while (count < pass->view.count && pass->view.facts[count].base < pass->compaction.covered && is_in_range(pass, &pass->view.facts[count]))
        count++;
    while (at < count && status == OK) {
        struct group group = {.pass = pass, .old = pass->view.segments + at, .first = at, .count_max = count - at};

        buffer_init(&group.out, OUT_BYTES_MAX);
        pass->group = &group;
        status = group_compact(&group, error);
        buffer_finish(&group.out);
        at += group.count;
    }
    return status;
}

static void failure_note(struct partition *partition, const char *message)
{
    char *text = message == NULL ? NULL : memory_copy_string(message), *before;

    (void)pthread_mutex_lock(&partition->lock);
    before = partition->cleaning_failure;
    partition->cleaning_failure = text;
    (void)pthread_mutex_unlock(&partition->lock);
    if (text != NULL && (before == NULL || strcmp(before, text) != 0))
        LOG_ERROR("%s-%d cannot be compacted, reading and writing go on; it is tried again every %d minutes: %s", partition->topic->name,
                  partition->index, (int)(RETRY_MS / (60 * MS_PER_SECOND)), message);
    else if (text == NULL && before != NULL)
        LOG_INFO("%s-%d is compacted again", partition->topic->name, partition->index);
    memory_free(before);
}

int64_t partition_compacted_end(const struct partition *partition)
{
    return atomic_load_explicit(&partition->cleaned, memory_order_relaxed);
}

bool partition_cleaning_failure(struct partition *partition, struct buffer *reason)
{
    bool failed;

    (void)pthread_mutex_lock(&partition->lock);
    failed = partition->cleaning_failure != NULL;
    if (failed && reason != NULL)
        buffer_append_string(reason, partition->cleaning_failure);
    (void)pthread_mutex_unlock(&partition->lock);
    return failed;
}

static void count_pass(const struct pass *pass)
{
    struct store *store = pass->cleaner->store;

    atomic_fetch_add_explicit(&store->compactions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->compacted_bytes, pass->read_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->compacted_kept_bytes, pass->kept_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->compaction_us, (clock_monotonic_ns() - pass->started_ns) / NS_PER_US, memory_order_relaxed);
    atomic_store_explicit(&store->last_compaction_ms, clock_now_ms(), memory_order_relaxed);
}

/* How many keys there can be at most in the dirty part. */
static int64_t keys_wanted(const struct compaction_range *range)
{
    return range->to - range->from;
}

static enum status pass_run(struct pass *pass, struct error *error)
{
    struct store *store = pass->cleaner->store;
    enum status status = store_call(store, begin_work, pass, error);

    pass->compaction.lasts = pass->lasts;
    if (status == OK && pass->range.to > pass->synced_end) {
        pass->range.to = pass->synced_end; /* what follows waits for the next checkpoint */
        pass->partition->retry_ms = clock_monotonic_ms() + pass->cleaner->settings.backoff_ms;
        if (pass->range.to <= pass->range.from)
            return OK;
    }
    if (status == OK)
        status = map_build(pass, error);
    if (status == OK && pass->compaction.covered > pass->range.from) {
        status = groups_compact(pass, error);
        pass->new_end = pass->compaction.covered;
        if (status == OK)
            status = store_call(store, end_work, pass, error);
    } else if (status == OK) {
        pass->partition->retry_ms = clock_monotonic_ms() + RETRY_MS;
    }
    return status;
}

void cleaner_compact(struct cleaner *cleaner, const struct choice *choice)
{
    struct partition *partition = choice->partition;
    struct pass work = {.cleaner = cleaner,
                        .partition = partition,
                        .settings = &choice->settings,
                        .range = choice->range,
                        .started_ns = clock_monotonic_ns(),
                        .paced_ns = clock_monotonic_ns()};
    struct pass *pass = &work;
    struct error error;
    enum status status;

    view_open(&pass->view, partition, choice->now_ms);
    compaction_init(&pass->compaction, cleaner->settings.buffer_bytes, keys_wanted(&pass->range), cleaner->key);
    pass->compaction.now_ms = choice->now_ms;
    pass->compaction.delete_retention_ms = choice->settings.delete_retention_ms;
    status = pass_run(pass, &error);
    if (status == OK) {
        if (pass->read_bytes > 0)
            count_pass(pass);
        failure_note(partition, NULL);
        LOG_DEBUG("%s-%d: compacted up to offset %lld: %lld of %lld bytes and %lld of %lld records remain", partition->topic->name,
                  partition->index, (long long)pass->compaction.covered, (long long)pass->kept_bytes, (long long)pass->read_bytes,
                  (long long)pass->compaction.records_kept, (long long)pass->compaction.records_read);
    } else {
        bool passing = status == ERROR_CLOSED || status == ERROR_CONFLICT || topic_is_deleted(partition->topic);

        partition->retry_ms = clock_monotonic_ms() + (passing ? cleaner->settings.backoff_ms : RETRY_MS);
        if (!passing)
            failure_note(partition, error.message);
    }
    memory_free(pass->lasts);
    compaction_finish(&pass->compaction);
    view_close(&pass->view);
}
