/*
 * The cleaner: a thread of its own that looks for what retention takes, compacts, and removes files that are not needed any more.
 * It reads closed segments and writes .cleaned files; whatever changes a partition it has the committer do, between two rounds:
 * rolling, moving log starts, swapping segments. Which those are is decided in selection.c and compaction.c.
 */
#include "store/cleaner_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/random.h"
#include "os/thread.h"
#include "store/partition_round.h"
#include "store/scan.h"
#include "store/swap.h"


#define LOG_SUBSYSTEM "cleaner"
#define FIRST_CHECK_MS (30 * MS_PER_SECOND)  /* after the start, as Kafka's */
#define STARTS_AT_ONCE 16

struct grave { /* a file to be removed */
    struct grave *next;
    char *path;
    int64_t due_ms; /* wall clock */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- Life ---- */

struct cleaner *cleaner_create(struct store *store)
{
    struct cleaner *cleaner = memory_new(sizeof(*cleaner));

    cleaner->store = store;
    cleaner->settings = settings_cleaner(&store->topic_defaults);
    mailbox_init(&cleaner->wake);
    (void)pthread_mutex_init(&cleaner->lock, NULL);
    random_bytes(cleaner->key, sizeof(cleaner->key));
    return cleaner;
}

static int64_t turn(struct cleaner *cleaner);

static void cleaner_main(void *context)
{
    struct cleaner *cleaner = context;
    int64_t now_ms = clock_monotonic_ms();

    thread_set_background();
    cleaner->check_due_ms = now_ms + (cleaner->settings.retention_check_ms < FIRST_CHECK_MS ? cleaner->settings.retention_check_ms : FIRST_CHECK_MS);
    cleaner->compact_due_ms = now_ms + cleaner->settings.backoff_ms;
    while (!atomic_load(&cleaner->stopping))
        (void)mailbox_wait(&cleaner->wake, turn(cleaner));
}

enum status cleaner_start(struct cleaner *cleaner, struct error *error)
{
    return thread_start(&cleaner->thread, "cleaner", cleaner_main, cleaner, error);
}

void cleaner_stop(struct cleaner *cleaner)
{
    atomic_store(&cleaner->stopping, true);
    mailbox_wake(&cleaner->wake);
    thread_join(cleaner->thread);
    cleaner->thread = NULL;
}

/* ---- Graves ---- */

void store_grave_add(const struct partition *partition, int64_t base)
{
    struct cleaner *cleaner = partition->store->cleaner;
    struct grave *grave = memory_new(sizeof(*grave));

    grave->path = memory_format("%s/%020lld.log" SWAP_DELETED, partition->directory, (long long)base);
    grave->due_ms = store_now_ms(partition->store) + partition->topic->settings.delete_delay_ms;
    (void)pthread_mutex_lock(&cleaner->lock);
    grave->next = cleaner->graves;
    cleaner->graves = grave;
    (void)pthread_mutex_unlock(&cleaner->lock);
}

/* Takes those that are due off the list. next_ms  when the next one will be */
static struct grave *graves_due(struct cleaner *cleaner, int64_t now_ms, int64_t *next_ms)
{
    struct grave *due = NULL, **at = &cleaner->graves;

    (void)pthread_mutex_lock(&cleaner->lock);
    while (*at != NULL) {
        struct grave *grave = *at;

        if (grave->due_ms > now_ms) {
            *next_ms = grave->due_ms < *next_ms ? grave->due_ms : *next_ms;
            at = &grave->next;
            continue;
        }
        *at = grave->next;
        grave->next = due;
        due = grave;
    }
    (void)pthread_mutex_unlock(&cleaner->lock);
    return due;
}

/* Gives the time until more are due. */
static int64_t graves_empty(struct cleaner *cleaner, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    struct grave *due = graves_due(cleaner, now_ms, &next_ms);

    while (due != NULL) {
        struct grave *next = due->next;
        struct error error;

        if (disk_unlink(cleaner->store->disk, due->path, &error) != OK)
            LOG_WARNING("a file that is not needed any more stays: %s", error.message);
        memory_free(due->path);
        memory_free(due);
        due = next;
    }
    return next_ms == INT64_MAX ? INT64_MAX : next_ms - now_ms;
}

void cleaner_destroy(struct cleaner *cleaner)
{
    if (cleaner == NULL)
        return;
    (void)graves_empty(cleaner, INT64_MAX);
    mailbox_finish(&cleaner->wake);
    (void)pthread_mutex_destroy(&cleaner->lock);
    memory_free(cleaner);
}

/* ---- Facts ---- */

void view_open(struct view *view, struct partition *partition, int64_t now_ms)
{
    view->partition = partition;
    view->segments = partition_segments(partition, &view->count);
    view->facts = memory_new_array(view->count + 1, sizeof(view->facts[0]));
    view->bytes = 0;
    for (size_t i = 0; i < view->count; i++) {
        struct segment *segment = view->segments[i];

        view->facts[i] = (struct segment_facts){segment->base, segment_end(segment), segment_bytes(segment), 0, 0};
        view->bytes += view->facts[i].bytes;
        if (segment->seen_ms == INT64_MIN)
            segment->seen_ms = now_ms;
    }
}

void view_close(struct view *view)
{
    for (size_t i = 0; i < view->count; i++)
        segment_release(view->segments[i]);
    memory_free(view->segments);
    memory_free(view->facts);
}

/* What cannot be read counts as new: nothing is deleted because of it. */
static int64_t newest_read(struct view *view, size_t at)
{
    struct segment *segment = view->segments[at];
    int64_t newest_ms = -1, offset;

    if (segment_pin(segment, true, NULL) != OK)
        return INT64_MAX;
    (void)segment_last_time(segment, &newest_ms, &offset);
    if (segment->largest_timestamp > newest_ms)
        newest_ms = segment->largest_timestamp;
    segment_unpin(segment);
    if (at + 1 == view->count) {
        (void)pthread_mutex_lock(&view->partition->lock);
        if (view->partition->max_timestamp > newest_ms)
            newest_ms = view->partition->max_timestamp;
        (void)pthread_mutex_unlock(&view->partition->lock);
    }
    return newest_ms < 0 ? segment->seen_ms : newest_ms;
}

static void newest_fill(struct view *view, size_t at)
{
    struct segment *segment = view->segments[at];
    int64_t newest_ms = segment->newest_ms == INT64_MIN ? newest_read(view, at) : segment->newest_ms;

    view->facts[at].newest_ms = newest_ms;
    if (atomic_load(&segment->closed) && newest_ms != INT64_MAX)
        segment->newest_ms = newest_ms;
}

static void first_fill(struct view *view, size_t at)
{
    struct segment *segment = view->segments[at];
    uint8_t window[BATCH_HEADER_BYTES];
    struct batch batch;
    struct scan scan;
    bool found = false;

    view->facts[at].first_ms = segment->first_ms == INT64_MIN ? INT64_MAX : segment->first_ms;
    if (segment->first_ms != INT64_MIN || view->facts[at].bytes == 0 || segment_pin(segment, false, NULL) != OK)
        return;
    scan_init(&scan, segment->file, 0, view->facts[at].bytes, window, sizeof(window));
    if (scan_header(&scan, &batch, &found, NULL) == OK && found)
        view->facts[at].first_ms = segment->first_ms = batch.max_timestamp < 0 ? segment->seen_ms : batch.max_timestamp;
    scan_finish(&scan);
    segment_unpin(segment);
}

/* ---- Retention ---- */

struct retiring {
    struct cleaner *cleaner;
    int64_t now_ms;
    struct start_move moves[STARTS_AT_ONCE];
    size_t count;
};

static enum status moves_work(struct store *store, void *context, struct error *error)
{
    struct retiring *retiring = context;

    return upkeep_move_starts(store, retiring->moves, retiring->count, error);
}

static void moves_flush(struct retiring *retiring)
{
    struct error error;

    if (retiring->count > 0 && store_call(retiring->cleaner->store, moves_work, retiring, &error) != OK)
        LOG_WARNING("segments that retention would delete stay for now: %s", error.message);
    retiring->count = 0;
}

struct roll_request {
    struct partition *partition;
    int64_t end; /* only while this is the end */
};

static enum status roll_work(struct store *store, void *context, struct error *error)
{
    const struct roll_request *request = context;
    struct partition *partition = request->partition;

    (void)store;
    if (topic_is_deleted(partition->topic) || partition->tail.end != request->end)
        return error_set(error, ERROR_CONFLICT, "records came meanwhile");
    return partition_roll(partition, error);
}

/* Has the last segment closed, unless something was appended meanwhile. */
static bool roll(struct cleaner *cleaner, struct partition *partition, int64_t end)
{
    struct roll_request request = {partition, end};
    struct error error;
    enum status status = store_call(cleaner->store, roll_work, &request, &error);

    if (status != OK && status != ERROR_CONFLICT)
        LOG_WARNING("%s-%d: no new segment could be begun: %s", partition->topic->name, partition->index, error.message);
    return status == OK;
}

static void retire(struct retiring *retiring, struct view *view, const struct topic_settings *settings)
{
    struct retention retention = {settings, retiring->now_ms, view->bytes};
    size_t gone = 0;

    for (; gone < view->count; gone++) {
        if (settings->retention_ms >= 0)
            newest_fill(view, gone);
        if (!retention_takes(&retention, &view->facts[gone]))
            break;
    }
    if (gone == view->count && gone > 0 && !roll(retiring->cleaner, view->partition, view->facts[gone - 1].end))
        gone--;
    if (gone == 0)
        return;
    retiring->moves[retiring->count++] = (struct start_move){.partition = view->partition, .start = view->facts[gone - 1].end};
    if (retiring->count == STARTS_AT_ONCE)
        moves_flush(retiring);
}

/*
 * What is appended to is not compacted. When nothing is appended any more nothing rolls it either, so that is done here once it
 * is as old as segment.ms.
 */
static void roll_idle(struct cleaner *cleaner, struct view *view, const struct topic_settings *settings, int64_t now_ms)
{
    struct partition *partition = view->partition;
    const struct segment_facts *last = &view->facts[view->count - 1];
    bool idle = partition->idle_end == last->end;

    partition->idle_end = last->end;
    if (!settings->compacted || !idle || last->bytes == 0)
        return;
    first_fill(view, view->count - 1);
    if (last->first_ms < now_ms - partition_segment_ms(partition, settings, last->base))
        (void)roll(cleaner, partition, last->end);
}

static void partition_check(struct retiring *retiring, struct partition *partition, const struct topic_settings *settings)
{
    bool retains = settings->deleted && (settings->retention_ms >= 0 || settings->retention_bytes >= 0);
    struct view view;

    if (!(retains || settings->compacted) || partition_is_read_only(partition) || partition_end(partition) == partition_start(partition))
        return;
    view_open(&view, partition, retiring->now_ms);
    if (retains && view.count > 0)
        retire(retiring, &view, settings);
    if (view.count > 0)
        roll_idle(retiring->cleaner, &view, settings, retiring->now_ms);
    view_close(&view);
}

/* ---- Walking all partitions ---- */

typedef void each_call(struct cleaner *cleaner, struct partition *partition, const struct topic_settings *settings, void *context);

/* Calls for every partition; the topics are held until `after` was called. */
static void each_partition(struct cleaner *cleaner, each_call *call, void (*after)(struct cleaner *cleaner, void *context), void *context)
{
    struct topic **topics;
    struct arena arena;
    size_t count;

    arena_init(&arena, 4096);
    topics = store_topics(cleaner->store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct topic_settings settings = topic_settings_copy(topics[i]);

        for (int32_t k = 0; k < topic_partition_count(topics[i]) && !atomic_load(&cleaner->stopping); k++)
            call(cleaner, topic_partition(topics[i], k), &settings, context);
    }
    after(cleaner, context);
    for (size_t i = 0; i < count; i++)
        topic_release(topics[i]);
    arena_finish(&arena);
}

static void check_one(struct cleaner *cleaner, struct partition *partition, const struct topic_settings *settings, void *context)
{
    (void)cleaner;
    partition_check(context, partition, settings);
}

static void check_after(struct cleaner *cleaner, void *context)
{
    (void)cleaner;
    moves_flush(context);
}

static void check_all(struct cleaner *cleaner)
{
    struct retiring retiring = {.cleaner = cleaner, .now_ms = store_now_ms(cleaner->store)};

    each_partition(cleaner, check_one, check_after, &retiring);
}

/* ---- Choosing what to compact ---- */

static void choose_one(struct cleaner *cleaner, struct partition *partition, const struct topic_settings *settings, void *context)
{
    struct choice *choice = context;
    struct compaction_range range;
    struct view view;

    (void)cleaner;
    if (!settings->compacted || partition_is_read_only(partition) || clock_monotonic_ms() < partition->retry_ms)
        return;
    view_open(&view, partition, choice->now_ms);
    for (size_t i = 0; i + 1 < view.count; i++) {
        if (settings->lag_min_ms > 0)
            newest_fill(&view, i);
        if (settings->lag_max_ms < INT64_MAX)
            first_fill(&view, i);
    }
    range = compaction_choose(view.facts, view.count, partition_start(partition), atomic_load(&partition->cleaned),
                              partition_stable_end(partition), settings, choice->now_ms);
    view_close(&view);
    if (range.due && (choice->partition == NULL || range.ratio > choice->range.ratio)) {
        choice->partition = partition;
        choice->settings = *settings;
        choice->range = range;
    }
}

/* Only the chosen one is held while it is compacted: others may be deleted meanwhile, and their space is wanted. */
static void choose_after(struct cleaner *cleaner, void *context)
{
    const struct choice *choice = context;

    (void)cleaner;
    if (choice->partition != NULL)
        topic_retain(choice->partition->topic);
}

/* Compacts the partition that needs it most; false when none does. */
static bool compact_one(struct cleaner *cleaner)
{
    struct choice choice = {.now_ms = store_now_ms(cleaner->store)};

    each_partition(cleaner, choose_one, choose_after, &choice);
    if (choice.partition == NULL)
        return false;
    if (!atomic_load(&cleaner->stopping))
        cleaner_compact(cleaner, &choice);
    topic_release(choice.partition->topic);
    return true;
}

/* ---- The clock ---- */

/* Does what is due, and gives the milliseconds until the next thing is. */
static int64_t turn(struct cleaner *cleaner)
{
    int64_t graves_ms = graves_empty(cleaner, store_now_ms(cleaner->store));
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms >= cleaner->check_due_ms) {
        check_all(cleaner);
        cleaner->check_due_ms = now_ms + cleaner->settings.retention_check_ms;
        graves_ms = 0;
    }
    if (cleaner->settings.compacts && now_ms >= cleaner->compact_due_ms)
        cleaner->compact_due_ms = compact_one(cleaner) ? now_ms : now_ms + cleaner->settings.backoff_ms;
    now_ms = least(cleaner->check_due_ms, cleaner->settings.compacts ? cleaner->compact_due_ms : INT64_MAX) - clock_monotonic_ms();
    now_ms = least(now_ms < 0 ? 0 : now_ms, graves_ms < 0 ? 0 : graves_ms);
    return least(now_ms, 3600 * MS_PER_SECOND);
}

static void retry_now(struct cleaner *cleaner, struct partition *partition, const struct topic_settings *settings, void *context)
{
    (void)cleaner;
    (void)settings;
    (void)context;
    partition->retry_ms = 0;
}

static void nothing_after(struct cleaner *cleaner, void *context)
{
    (void)cleaner;
    (void)context;
}

void store_clean(struct store *store)
{
    struct cleaner *cleaner = store->cleaner;

    each_partition(cleaner, retry_now, nothing_after, NULL);
    check_all(cleaner);
    while (cleaner->settings.compacts && compact_one(cleaner))
        ;
    (void)graves_empty(cleaner, store_now_ms(store));
}
