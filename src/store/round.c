/*
 * A round: everything that waited when it began is written, synced, journalled, shown and answered together.
 *
 * Failures never leave half of anything: a partition whose bytes could not be written, synced or journalled is put back to
 * where the round found it, and with it every publish that wrote to it, and with that every other partition of that
 * publish, until nothing changes any more (settle). Only what is left goes on to the next step.
 */
#include "store/partition_round.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"
#include "base/time.h"

#define LOG_SUBSYSTEM "store"
#define ROUND_BYTES_MAX ((size_t)64 << 20)
#define ROUND_MESSAGES_MAX 8192

struct round_publish {
    struct publish *publish;
    struct owner *owner;
};

struct round {
    struct store *store;
    struct staging staging;
    struct partition_round *touched; /* in the order of their first message, newest first */
    struct partition_round *spare;
    size_t touched_count;
    struct append **appends; /* NULL once answered */
    size_t append_count, append_capacity;
    struct round_publish *publishes;
    size_t publish_count, publish_capacity;
    struct sync_job *jobs;
    struct partition_round **job_rounds; /* which partition each job is for */
    size_t job_count, job_capacity;
    struct partition **moved;
    size_t moved_capacity;
    size_t bytes;
    int64_t now_ms;     /* one time for all of the round */
    int64_t started_ns;
    int64_t written_us, durable_us, published_us; /* wall clock */
    bool begun;
    enum status barred; /* not OK: the catalog or the journal is in doubt and could not be repaired */
    struct error why_barred;
};

struct round *round_create(struct store *store)
{
    struct round *round = memory_new(sizeof(*round));

    round->store = store;
    return round;
}

void round_destroy(struct round *round)
{
    if (round == NULL)
        return;
    while (round->spare != NULL) {
        struct partition_round *next = round->spare->next;
        partition_round_destroy(round->spare);
        round->spare = next;
    }
    staging_finish(&round->staging);
    memory_free(round->appends);
    memory_free(round->publishes);
    memory_free(round->jobs);
    memory_free(round->job_rounds);
    memory_free(round->moved);
    memory_free(round);
}

bool round_is_full(const struct round *round)
{
    return round->bytes >= ROUND_BYTES_MAX || round->append_count + round->publish_count >= ROUND_MESSAGES_MAX;
}

/* ---- Beginning ---- */

static void round_begin(struct round *round)
{
    struct store *store = round->store;

    round->begun = true;
    round->now_ms = store_now_ms(store);
    round->started_ns = clock_monotonic_ns();
    round->barred = catalog_repair(store->catalog, &round->why_barred);
    if (round->barred == OK)
        round->barred = journal_repair(store->journal, &round->why_barred);
    if (round->barred != OK)
        store_degraded_set(store, &round->why_barred);
}

/* The partition's part of the round, begun when it is the first time; NULL with an error when nothing can be appended to it. */
static struct partition_round *touch(struct round *round, struct partition *partition, struct error *error)
{
    struct partition_round *part = partition->round;

    if (part != NULL) {
        if (part->status != OK)
            *error = part->error;
        return part->status == OK ? part : NULL;
    }
    if (topic_is_deleted(partition->topic)) {
        (void)error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "topic %s was deleted", partition->topic->name);
        return NULL;
    }
    if (round->barred != OK) {
        *error = round->why_barred;
        return NULL;
    }
    part = round->spare;
    if (part != NULL)
        round->spare = part->next;
    else
        part = partition_round_create();
    if (partition_round_begin(part, partition, &round->staging, round->now_ms, error) != OK) {
        part->next = round->spare;
        round->spare = part;
        return NULL;
    }
    part->next = round->touched;
    round->touched = part;
    round->touched_count++;
    return part;
}

/* ---- Adding appends ---- */

static void append_answer(struct append *append, enum status status)
{
    append->status = status;
    append->log_start = partition_start(append->partition);
    if (status != OK) {
        append->first_offset = -1;
        append->append_time_ms = -1;
    }
    append->done(append);
}

static void append_keep(struct round *round, struct append *append)
{
    if (round->append_count == round->append_capacity) {
        round->append_capacity = round->append_capacity == 0 ? 256 : round->append_capacity * 2;
        round->appends = memory_resize(round->appends, round->append_capacity * sizeof(struct append *));
    }
    round->appends[round->append_count++] = append;
}

static void append_add(struct round *round, struct append *append)
{
    struct partition *partition = append->partition;
    struct partition_round *part;
    struct error error;
    enum status status;

    part = touch(round, partition, &error);
    status = part == NULL ? error.status : partition_round_check(part, append->batches, true);
    append->append_time_ms = topic_uses_append_time(partition->topic) ? round->now_ms : -1;
    if (status == OK)
        status = partition_round_sequences(part, append->batches, &append->first_offset, &append->append_time_ms);
    if (status == ERROR_DUPLICATE_SEQUENCE_NUMBER) {
        if (append->first_offset < partition->tail.end)
            append_answer(append, OK); /* what it repeats is long durable */
        else
            append_keep(round, append); /* ... or becomes so with this round */
        return;
    }
    if (status != OK) {
        append_answer(append, status);
        return;
    }
    append->first_offset = part->tail.end;
    partition_round_stage(part, append->batches);
    part->sync_wanted = part->sync_wanted || !append->lazy;
    round->bytes += append->batches.size;
    append_keep(round, append);
}

/* ---- Adding publishes ---- */

static void publish_answer(struct publish *publish)
{
    publish->status = publish->error.status;
    publish->done(publish);
}

static void publish_refuse(struct publish *publish, struct owner *owner)
{
    if (owner != NULL && owner->session == publish->session)
        owner->failed = true;
    publish_answer(publish);
}

static enum status session_check(const struct publish *publish, const struct owner *owner, struct error *error)
{
    if (owner == NULL || owner->session != publish->session)
        return error_set(error, ERROR_CLOSED, "%s has been taken over by another writer", publish->owner);
    if (owner->failed)
        return error_set(error, ERROR_CLOSED, "an earlier publish of %s failed; it has to begin again from its last position", publish->owner);
    if (publish->position.size > JOURNAL_POSITION_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "a position of %zu bytes is longer than %u", publish->position.size, JOURNAL_POSITION_BYTES_MAX);
    return OK;
}

/* Everything that can be known before anything is written; touches the partitions. */
static enum status items_check(struct round *round, const struct publish *publish, struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; i < publish->item_count && status == OK; i++) {
        const struct publish_item *item = &publish->items[i];
        struct partition_round *part = touch(round, item->partition, error);

        status = part == NULL ? error->status : partition_round_check(part, item->batches, false);
        if (part != NULL && status != OK)
            (void)error_set(error, status, "%s-%d: %s", item->partition->topic->name, item->partition->index, status_text(status));
    }
    return status;
}

/*
 * Makes this owner's partitions owned, durably, before its first byte is written to them. What they show now must be durable
 * then too, for recovery will insist on it.
 */
static enum status items_own(struct round *round, const struct publish *publish, struct error *error)
{
    struct journal *journal = round->store->journal;
    enum status status = OK;

    journal_begin(journal);
    for (size_t i = 0; i < publish->item_count && status == OK; i++) {
        struct partition *partition = publish->items[i].partition;

        if (partition->owned != NULL)
            continue;
        status = partition_sync(partition, error);
        journal_add_end(journal, &partition->topic->id, partition->index, partition->tail.end);
    }
    if (status == OK)
        status = journal_commit(journal, error);
    for (size_t i = 0; i < publish->item_count && status == OK; i++) {
        struct partition *partition = publish->items[i].partition;

        partition->owned = journal_find(journal, &partition->topic->id, partition->index);
    }
    if (status != OK) {
        error_context(error, "%s", publish->owner);
        store_degraded_set(round->store, error);
    }
    return status;
}

static void publish_add(struct round *round, struct publish *publish)
{
    struct owner *owner = map_get_string(&round->store->owners, publish->owner);
    enum status status;

    publish->error = (struct error){.status = OK};
    status = session_check(publish, owner, &publish->error);
    if (status == OK && round->barred != OK) {
        publish->error = round->why_barred;
        status = round->barred;
    }
    if (status == OK)
        status = items_check(round, publish, &publish->error);
    if (status == OK)
        status = items_own(round, publish, &publish->error);
    if (status != OK) {
        publish_refuse(publish, owner);
        return;
    }
    for (size_t i = 0; i < publish->item_count; i++) {
        struct publish_item *item = &publish->items[i];
        struct partition_round *part = item->partition->round;

        item->first_offset = part->tail.end;
        partition_round_stage(part, item->batches);
        item->end_offset = part->tail.end;
        part->sync_wanted = true;
        round->bytes += item->batches.size;
    }
    if (round->publish_count == round->publish_capacity) {
        round->publish_capacity = round->publish_capacity == 0 ? 16 : round->publish_capacity * 2;
        round->publishes = memory_resize(round->publishes, round->publish_capacity * sizeof(round->publishes[0]));
    }
    round->publishes[round->publish_count++] = (struct round_publish){publish, owner};
}

void round_add(struct round *round, struct message *message)
{
    if (!round->begun)
        round_begin(round);
    if (message->kind == MESSAGE_APPEND)
        append_add(round, (struct append *)(void *)((char *)message - offsetof(struct append, message)));
    else
        publish_add(round, (struct publish *)(void *)((char *)message - offsetof(struct publish, message)));
}

/* ---- Settling failures ---- */

static void part_fail(struct partition_round *part, const struct error *error)
{
    part->status = error->status;
    part->error = *error;
}

/* Does a failed partition, or a failed publish of its owner before it, take this publish down? */
static bool publish_is_hit(const struct round *round, size_t at, struct error *error)
{
    const struct publish *publish = round->publishes[at].publish;

    for (size_t i = 0; i < publish->item_count; i++) {
        const struct partition_round *part = publish->items[i].partition->round;

        if (part->status != OK) {
            *error = part->error;
            return true;
        }
    }
    for (size_t i = 0; i < at; i++) {
        if (round->publishes[i].owner == round->publishes[at].owner && round->publishes[i].publish->error.status != OK) {
            *error = round->publishes[i].publish->error;
            return true;
        }
    }
    return false;
}

static void settle(struct round *round)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < round->publish_count; i++) {
            struct publish *publish = round->publishes[i].publish;

            if (publish->error.status == OK && publish_is_hit(round, i, &publish->error)) {
                round->publishes[i].owner->failed = true;
                changed = true;
            }
            for (size_t k = 0; publish->error.status != OK && k < publish->item_count; k++) {
                if (publish->items[k].partition->round->status == OK) {
                    part_fail(publish->items[k].partition->round, &publish->error);
                    changed = true;
                }
            }
        }
    }
}

/* Puts back every partition that failed since the last call. in_doubt  the journal may hold the round all the same: cut nothing yet */
static void undo_failed(struct round *round, bool in_doubt)
{
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (part->status != OK && !part->undone)
            partition_round_undo(part, in_doubt && part->partition->owned != NULL);
    }
}

/* ---- The steps ---- */

/*
 * When it is in doubt whether the disk has it that some partitions are owned from here on, nothing of this round may be
 * acknowledged: recovery would cut it off.
 */
static void ownership_settle(struct round *round)
{
    struct error error;

    if (!journal_is_in_doubt(round->store->journal) || journal_repair(round->store->journal, &error) == OK)
        return;
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (part->status == OK)
            part_fail(part, &error);
    }
}

static void write_all(struct round *round)
{
    ownership_settle(round);
    for (struct partition_round *part = round->touched; part != NULL; part = part->next)
        partition_round_flush(part);
    settle(round);
    undo_failed(round, false);
}

static void answer_written(struct round *round)
{
    for (size_t i = 0; i < round->append_count; i++) {
        struct append *append = round->appends[i];

        if (append->acks < 0 || append->partition->round->status != OK)
            continue;
        round->appends[i] = NULL;
        append_answer(append, OK);
    }
}

static void job_add(struct round *round, struct partition_round *part, struct segment *segment)
{
    if (!atomic_load(&segment->dirty))
        return;
    if (round->job_count == round->job_capacity) {
        round->job_capacity = round->job_capacity == 0 ? 64 : round->job_capacity * 2;
        round->jobs = memory_resize(round->jobs, round->job_capacity * sizeof(round->jobs[0]));
        round->job_rounds = memory_resize(round->job_rounds, round->job_capacity * sizeof(struct partition_round *));
    }
    round->jobs[round->job_count] = (struct sync_job){.file = segment->file};
    round->job_rounds[round->job_count++] = part;
}

static bool needs_sync(const struct round *round, const struct partition_round *part)
{
    return part->status == OK && part->wrote && ((round->store->flush_acks && part->sync_wanted) || part->partition->owned != NULL);
}

/* The names of directories that were made for this round: one sync for all. */
static void directories_sync(struct round *round)
{
    struct error error;
    enum status status = OK;
    bool made = false;

    for (struct partition_round *part = round->touched; part != NULL; part = part->next)
        made = made || (needs_sync(round, part) && !part->partition->directory_synced);
    if (made)
        status = disk_sync_directory(round->store->disk, round->store->directory, &error);
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (!needs_sync(round, part) || part->partition->directory_synced)
            continue;
        part->partition->directory_synced = status == OK;
        if (status != OK)
            part_fail(part, &error);
    }
}

static void sync_all(struct round *round)
{
    struct store *store = round->store;

    round->job_count = 0;
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (!needs_sync(round, part))
            continue;
        for (size_t i = 0; i < part->closing_count; i++)
            job_add(round, part, part->closings[i].segment);
        job_add(round, part, part->tail.segment);
    }
    syncer_run(store->syncer, round->jobs, round->job_count);
    atomic_fetch_add_explicit(&store->syncs, (int64_t)round->job_count, memory_order_relaxed);
    for (size_t i = 0; i < round->job_count; i++) {
        if (round->jobs[i].status != OK && round->job_rounds[i]->status == OK)
            part_fail(round->job_rounds[i], &round->jobs[i].error);
    }
    directories_sync(round);
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (needs_sync(round, part))
            partition_round_synced(part);
    }
    settle(round);
    undo_failed(round, false);
}

static void journal_all(struct round *round)
{
    struct store *store = round->store;
    struct error error;

    journal_begin(store->journal);
    for (size_t i = 0; i < round->publish_count; i++) {
        const struct publish *publish = round->publishes[i].publish;

        if (publish->error.status == OK)
            journal_add_position(store->journal, publish->owner, publish->position);
    }
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (part->status == OK && part->wrote && part->partition->owned != NULL)
            journal_add_end(store->journal, &part->partition->topic->id, part->partition->index, part->tail.end);
    }
    if (journal_commit(store->journal, &error) == OK)
        return;
    store_degraded_set(store, &error);
    for (size_t i = 0; i < round->publish_count; i++) {
        if (round->publishes[i].publish->error.status == OK) {
            round->publishes[i].publish->error = error;
            round->publishes[i].owner->failed = true;
        }
    }
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (part->status == OK && part->wrote && part->partition->owned != NULL)
            part_fail(part, &error);
    }
    settle(round);
    undo_failed(round, journal_is_in_doubt(store->journal));
}

static size_t show_all(struct round *round)
{
    size_t count = 0;

    if (round->moved_capacity < round->touched_count) {
        round->moved_capacity = round->touched_count * 2;
        round->moved = memory_resize(round->moved, round->moved_capacity * sizeof(struct partition *));
    }
    for (struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (part->status != OK || !part->wrote)
            continue;
        partition_round_show(part);
        round->moved[count++] = part->partition;
    }
    return count;
}

static void answer_all(struct round *round)
{
    for (size_t i = 0; i < round->append_count; i++) {
        if (round->appends[i] != NULL)
            append_answer(round->appends[i], round->appends[i]->partition->round->status);
    }
    for (size_t i = 0; i < round->publish_count; i++) {
        struct publish *publish = round->publishes[i].publish;

        publish->written_us = round->written_us;
        publish->durable_us = round->durable_us;
        publish->published_us = round->published_us;
        publish_answer(publish);
    }
    round->append_count = 0;
    round->publish_count = 0;
}

/* Says how the disk is, by what this round has seen. */
static void degraded_update(struct round *round, size_t moved)
{
    const struct partition_round *part = round->touched;

    while (part != NULL && part->status == OK)
        part = part->next;
    if (part != NULL)
        store_degraded_set(round->store, &part->error);
    else if (moved > 0 && round->barred == OK)
        store_degraded_clear(round->store);
}

static void count_round(struct round *round, size_t moved)
{
    struct store *store = round->store;

    for (const struct partition_round *part = round->touched; part != NULL; part = part->next) {
        if (part->status == OK) {
            atomic_fetch_add_explicit(&store->appended_bytes, part->bytes, memory_order_relaxed);
            atomic_fetch_add_explicit(&store->appended_batches, part->batches, memory_order_relaxed);
        }
    }
    atomic_fetch_add_explicit(&store->rounds, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->published_ends, (int64_t)moved, memory_order_relaxed);
    atomic_store_explicit(&store->journal_records, journal_records(store->journal), memory_order_relaxed);
    atomic_store_explicit(&store->last_round_us, (clock_monotonic_ns() - round->started_ns) / NS_PER_US, memory_order_relaxed);
}

void round_finish(struct round *round)
{
    size_t moved;

    if (!round->begun)
        return;
    write_all(round);
    round->written_us = clock_now_us();
    answer_written(round);
    sync_all(round);
    journal_all(round);
    round->durable_us = clock_now_us();
    moved = show_all(round);
    round->published_us = clock_now_us();
    degraded_update(round, moved);
    count_round(round, moved);
    store_suspect_note(round->store);
    answer_all(round);
    if (moved > 0)
        store_tell(round->store, round->moved, moved);
    while (round->touched != NULL) {
        struct partition_round *part = round->touched;

        round->touched = part->next;
        partition_round_end(part);
        part->next = round->spare;
        round->spare = part;
    }
    staging_reset(&round->staging);
    round->touched_count = 0;
    round->bytes = 0;
    round->begun = false;
}
