#include "store/partition_round.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/logger.h"

#include <limits.h>

#define LOG_SUBSYSTEM "store"
#define COPY_BYTES_MAX 2048 /* smaller batches are copied whole, of larger ones only the header */
#define PARTS_MAX 1000      /* so many are written at once */

struct partition_round *partition_round_create(void)
{
    return memory_new(sizeof(struct partition_round));
}

void partition_round_destroy(struct partition_round *part)
{
    memory_free(part->parts);
    memory_free(part->staged);
    memory_free(part->closings);
    memory_free(part);
}

/* ---- Beginning ---- */

/* Takes away what a failed round could not: bytes behind the tail and segments behind its own. */
static enum status cut_leftovers(struct partition *partition, struct error *error)
{
    struct segment *segment = partition->tail.segment;
    struct disk *disk = partition->store->disk;
    struct disk_entry *entries;
    struct arena arena;
    size_t count = 0;
    int64_t base;
    enum status status = segment_pin(segment, false, error);

    if (status != OK)
        return status;
    arena_init(&arena, 4096);
    status = disk_truncate(segment->file, partition->tail.position, error);
    if (status == OK)
        status = disk_sync(segment->file, error);
    segment_unpin(segment);
    if (status == OK)
        status = disk_list(disk, partition->directory, &arena, &entries, &count, error);
    for (size_t i = 0; i < count && status == OK; i++) {
        if (text_parse_int64(slice_of(entries[i].name, strcspn(entries[i].name, ".")), &base) && base > segment->base)
            status = segment_files_remove(disk, partition->directory, base, error);
    }
    if (status == OK)
        status = disk_sync_directory(disk, partition->directory, error);
    if (status == OK)
        partition->trouble = TROUBLE_NONE;
    arena_finish(&arena);
    return status;
}

enum status partition_round_begin(struct partition_round *part, struct partition *partition, struct staging *staging, int64_t now_ms,
                                  struct error *error)
{
    enum status status = OK;

    if (partition->trouble == TROUBLE_READ_ONLY)
        return error_set(error, ERROR_KAFKA_STORAGE_ERROR, "%s-%d is read-only because it is damaged; see the log of the last start",
                         partition->topic->name, partition->index);
    if (partition->trouble == TROUBLE_CUT)
        status = cut_leftovers(partition, error);
    if (status == OK)
        status = partition_prepare(partition, error);
    if (status == OK)
        status = segment_pin(partition->tail.segment, true, error);
    if (status != OK) {
        error_context(error, "%s-%d", partition->topic->name, partition->index);
        return status == ERROR_CORRUPT || status == ERROR_NOT_FOUND ? error->status = ERROR_KAFKA_STORAGE_ERROR : status;
    }
    if (partition->size_in_doubt)
        atomic_store(&partition->tail.segment->dirty, true); /* so that it is synced also when it is filled now */
    part->partition = partition;
    part->staging = staging;
    part->now_ms = now_ms;
    part->tail = partition->tail;
    part->status = OK;
    part->wrote = part->undone = part->sync_wanted = false;
    part->bytes = part->batches = 0;
    part->part_count = 0;
    part->parts_bytes = 0;
    part->parts_position = partition->tail.position;
    part->staged_count = 0;
    part->closing_count = 0;
    partition->round = part;
    return OK;
}

/* ---- Checking ---- */

enum status partition_round_check(struct partition_round *part, struct slice batches, bool as_one)
{
    const struct topic_settings *settings = &part->partition->topic->settings;
    size_t size = batches.size;
    struct batch batch;

    if (size == 0)
        return ERROR_INVALID_RECORD;
    while (batches.size > 0) {
        if (!batch_read(batches, &batch) || (uint64_t)batch.size > batches.size)
            return ERROR_CORRUPT_MESSAGE;
        if (batch.count == 0 || batch.count != batch.last_offset_delta + 1)
            return ERROR_INVALID_RECORD;
        if (batch.size > settings->message_bytes_max)
            return ERROR_MESSAGE_TOO_LARGE;
        if (batch.size > settings->segment_bytes)
            return ERROR_RECORD_LIST_TOO_LARGE;
        batches = slice_from(batches, (size_t)batch.size);
    }
    return as_one && size > (size_t)settings->segment_bytes ? ERROR_RECORD_LIST_TOO_LARGE : OK;
}

enum status partition_round_sequences(struct partition_round *part, struct slice batches, int64_t *first_offset, int64_t *timestamp_ms)
{
    enum status status = OK;
    struct batch batch;
    int64_t at_ms;

    for (; status == OK && batch_read(batches, &batch); batches = slice_from(batches, (size_t)batch.size)) {
        if (batch.producer_id < 0 || (batch.attributes & BATCH_CONTROL) != 0)
            continue;
        status = producers_check(part->partition->producers, &batch, first_offset, &at_ms);
        if (status == ERROR_DUPLICATE_SEQUENCE_NUMBER && *timestamp_ms >= 0)
            *timestamp_ms = at_ms;
    }
    return status;
}

/* ---- Rolling ---- */

static bool roll_is_due(const struct partition_round *part, const struct batch *batch)
{
    const struct topic_settings *settings = &part->partition->topic->settings;
    const struct tail *tail = &part->tail;
    int64_t waited;

    if (tail->position == 0)
        return false;
    if (tail->position + batch->size > settings->segment_bytes || tail->end + batch->last_offset_delta - tail->segment->base > INT32_MAX)
        return true;
    if ((int64_t)index_count(&tail->segment->offsets) * OFFSET_ENTRY_BYTES >= settings->segment_index_bytes)
        return true;
    waited = tail->first_timestamp >= 0 && batch->max_timestamp >= 0 ? batch->max_timestamp - tail->first_timestamp
                                                                     : part->now_ms - tail->created_ms;
    return waited > partition_segment_ms(part->partition, settings, tail->segment->base);
}

static void closing_add(struct partition_round *part)
{
    struct closing *closing;

    if (part->closing_count == part->closing_capacity) {
        part->closing_capacity = part->closing_capacity == 0 ? 2 : part->closing_capacity * 2;
        part->closings = memory_resize(part->closings, part->closing_capacity * sizeof(part->closings[0]));
    }
    closing = &part->closings[part->closing_count++];
    *closing = (struct closing){.segment = part->tail.segment,
                                .end = part->tail.end,
                                .bytes = part->tail.position,
                                .max_timestamp = part->tail.max_timestamp,
                                .max_timestamp_offset = part->tail.max_timestamp_offset};
    buffer_init(&closing->snapshot, (size_t)1 << 30);
    producers_encode(part->partition->producers, &closing->snapshot);
}

/* Begins a new segment, when the last one holds anything. Failures show in status. */
static void partition_round_roll(struct partition_round *part)
{
    struct partition *partition = part->partition;
    struct segment *segment;

    partition_round_flush(part);
    if (part->status != OK || part->tail.position == 0)
        return;
    segment = segment_create(&partition->store->files, partition, partition->directory, part->tail.end, 0, part->tail.end);
    part->status = segment_make_file(segment, &part->error);
    if (part->status == OK)
        part->status = segment_pin(segment, false, &part->error);
    if (part->status != OK) {
        segment_release(segment);
        return;
    }
    segment_set_loaded(segment);
    closing_add(part);
    part->tail = (struct tail){.segment = segment,
                               .end = part->tail.end,
                               .max_timestamp = -1,
                               .max_timestamp_offset = -1,
                               .first_timestamp = -1,
                               .created_ms = part->now_ms};
    part->parts_position = 0;
}

/* ---- Staging ---- */

static void part_add(struct partition_round *part, const void *bytes, size_t size)
{
    struct iovec *last = part->part_count == 0 ? NULL : &part->parts[part->part_count - 1];

    if (size == 0)
        return;
    part->parts_bytes += (int64_t)size;
    if (last != NULL && (const uint8_t *)last->iov_base + last->iov_len == bytes) {
        last->iov_len += size;
        return;
    }
    if (part->part_count == part->part_capacity) {
        part->part_capacity = part->part_capacity == 0 ? 16 : part->part_capacity * 2;
        part->parts = memory_resize(part->parts, (size_t)part->part_capacity * sizeof(part->parts[0]));
    }
    part->parts[part->part_count++] = (struct iovec){(void *)(uintptr_t)bytes, size};
}

static void index_stage(struct partition_round *part, int64_t last_offset)
{
    const struct tail *tail = &part->tail;

    if (part->staged_count == part->staged_capacity) {
        part->staged_capacity = part->staged_capacity == 0 ? 16 : part->staged_capacity * 2;
        part->staged = memory_resize(part->staged, part->staged_capacity * sizeof(part->staged[0]));
    }
    part->staged[part->staged_count++] = (struct staged_entry){
        .segment = tail->segment,
        .relative = (uint32_t)(last_offset - tail->segment->base),
        .position = (uint32_t)tail->position,
        .max_timestamp = tail->max_timestamp,
        .max_timestamp_relative = tail->max_timestamp < 0 ? 0 : (uint32_t)(tail->max_timestamp_offset - tail->segment->base)};
}

/* The bytes to write: the caller's, but for the header, which gets its offset, epoch and perhaps time. */
static void bytes_stage(struct partition_round *part, struct slice bytes, int64_t base_offset)
{
    size_t copied = bytes.size <= COPY_BYTES_MAX ? bytes.size : BATCH_HEADER_BYTES;
    uint8_t *copy = staging_take(part->staging, copied);

    memcpy(copy, bytes.data, copied);
    batch_place(copy, base_offset, atomic_load_explicit(&part->partition->leader_epoch, memory_order_relaxed));
    if (part->partition->topic->settings.append_time)
        batch_stamp(copy, slice_from(bytes, BATCH_HEADER_BYTES), part->now_ms);
    part_add(part, copy, copied);
    part_add(part, bytes.data + copied, bytes.size - copied);
}

static void stage_one(struct partition_round *part, struct slice bytes, struct batch *batch)
{
    struct tail *tail = &part->tail;
    int64_t last_offset;

    if (part->partition->topic->settings.append_time)
        batch->max_timestamp = part->now_ms;
    if (roll_is_due(part, batch))
        partition_round_roll(part);
    if (part->part_count >= PARTS_MAX)
        partition_round_flush(part);
    if (part->status != OK)
        return;
    batch->base_offset = tail->end;
    last_offset = batch_last_offset(batch);
    bytes_stage(part, bytes, tail->end);
    if (tail->position == 0)
        tail->first_timestamp = batch->max_timestamp;
    if (batch->max_timestamp > tail->max_timestamp) {
        tail->max_timestamp = batch->max_timestamp;
        tail->max_timestamp_offset = last_offset;
    }
    if (tail->index_gap > part->partition->topic->settings.index_interval_bytes) {
        index_stage(part, last_offset);
        tail->index_gap = 0;
    }
    tail->index_gap += batch->size;
    tail->position += batch->size;
    tail->end = last_offset + 1;
    producers_note(part->partition->producers, batch);
    part->wrote = true;
    part->bytes += batch->size;
    part->batches++;
}

void partition_round_stage(struct partition_round *part, struct slice batches)
{
    struct batch batch;

    while (part->status == OK && batches.size > 0 && batch_read(batches, &batch)) {
        stage_one(part, slice_of(batches.data, (size_t)batch.size), &batch);
        batches = slice_from(batches, (size_t)batch.size);
    }
}

/* ---- Writing, syncing, taking back ---- */

void partition_round_flush(struct partition_round *part)
{
    struct segment *segment = part->tail.segment;

    if (part->status != OK || part->part_count == 0)
        return;
    atomic_store(&segment->dirty, true);
    part->status = disk_write_parts(segment->file, part->parts, part->part_count, part->parts_position, &part->error);
    part->parts_position += part->parts_bytes;
    part->parts_bytes = 0;
    part->part_count = 0;
}

void partition_round_synced(struct partition_round *part)
{
    struct partition *partition = part->partition;
    bool names = !part->tail.segment->name_synced;

    for (size_t i = 0; i < part->closing_count; i++) {
        atomic_store(&part->closings[i].segment->dirty, false);
        names = names || !part->closings[i].segment->name_synced;
    }
    atomic_store(&part->tail.segment->dirty, false);
    if (names) {
        part->status = disk_sync_directory(partition->store->disk, partition->directory, &part->error);
        if (part->status != OK)
            return;
        for (size_t i = 0; i < part->closing_count; i++)
            part->closings[i].segment->name_synced = true;
        part->tail.segment->name_synced = true;
    }
    partition->synced_end = part->tail.end;
    partition->size_in_doubt = false;
}

/* The segments that the round made, in order; NULL behind the last. */
static struct segment *created(const struct partition_round *part, size_t at)
{
    if (at >= part->closing_count)
        return NULL;
    return at + 1 < part->closing_count ? part->closings[at + 1].segment : part->tail.segment;
}

/* The cut is synced, or a clean end later would vouch for a file whose size the disk has not got yet. */
static enum status bytes_undo(struct partition_round *part, struct error *error)
{
    struct partition *partition = part->partition;
    struct segment *segment = partition->tail.segment, *made;
    enum status status = OK;

    for (size_t i = 0; status == OK && (made = created(part, i)) != NULL; i++)
        status = segment_remove_files(made, error);
    if (status == OK && part->closing_count > 0)
        status = disk_sync_directory(partition->store->disk, partition->directory, error);
    if (status == OK && part->wrote)
        status = disk_truncate(segment->file, partition->tail.position, error);
    if (status == OK && part->wrote)
        status = disk_sync(segment->file, error);
    return status;
}

void partition_round_undo(struct partition_round *part, bool leave_bytes)
{
    struct partition *partition = part->partition;
    struct error error;

    part->undone = true;
    producers_undo(partition->producers);
    if (partition->synced_end > partition->tail.end)
        partition->synced_end = partition->tail.end;
    if (!leave_bytes && bytes_undo(part, &error) == OK)
        return;
    partition->trouble = TROUBLE_CUT;
    LOG_ERROR("%s-%d: what a failed write left behind offset %lld could not be cut off yet; nothing is appended until it is",
              partition->topic->name, partition->index, (long long)partition->tail.end);
}

/* ---- Showing and ending ---- */

static void segments_show(struct partition_round *part)
{
    struct partition *partition = part->partition;
    const struct segment_list *before = partition_list(partition);
    struct segment **segments = memory_new_array(before->count + part->closing_count, sizeof(struct segment *));

    for (size_t i = 0; i < part->closing_count; i++) {
        const struct closing *closing = &part->closings[i];
        struct index_entry last;

        if (closing->max_timestamp >= 0 && (!index_last(&closing->segment->times, &last) || closing->max_timestamp > last.key))
            index_add(&closing->segment->times, closing->max_timestamp, (uint32_t)(closing->max_timestamp_offset - closing->segment->base));
        segment_publish(closing->segment, closing->bytes, closing->end);
        atomic_store(&closing->segment->closed, true);
        segments[before->count + i] = created(part, i);
    }
    memcpy(segments, before->segments, before->count * sizeof(struct segment *));
    partition_set_segments(partition, segments, before->count + part->closing_count);
    memory_free(segments);
}

void partition_round_show(struct partition_round *part)
{
    for (size_t i = 0; i < part->staged_count; i++) {
        const struct staged_entry *entry = &part->staged[i];
        struct index_entry last;

        index_add(&entry->segment->offsets, entry->relative, entry->position);
        if (entry->max_timestamp >= 0 && (!index_last(&entry->segment->times, &last) || entry->max_timestamp > last.key))
            index_add(&entry->segment->times, entry->max_timestamp, entry->max_timestamp_relative);
    }
    if (part->closing_count > 0)
        segments_show(part);
    producers_keep(part->partition->producers);
    partition_publish(part->partition, &part->tail);
}

/* A filled segment's indexes and the producers at its end, durably. When it fails, the checkpoint tries again. */
static void closing_save(struct partition_round *part, struct closing *closing)
{
    struct partition *partition = part->partition;
    struct error error;
    enum status status = partition_save_snapshot(partition, closing->end, buffer_slice(&closing->snapshot), true, &error);

    if (status == OK)
        status = segment_save_indexes(closing->segment, true, &error);
    if (status == OK)
        status = disk_sync_directory(partition->store->disk, partition->directory, &error);
    closing->segment->saved = status == OK;
    if (status != OK)
        LOG_WARNING("%s-%d: the indexes of the segment at %lld could not be saved and will be tried again: %s", partition->topic->name,
                    partition->index, (long long)closing->segment->base, error.message);
}

void partition_round_end(struct partition_round *part)
{
    struct segment *made;

    for (size_t i = 0; i < part->closing_count; i++) {
        if (part->status == OK)
            closing_save(part, &part->closings[i]);
        buffer_finish(&part->closings[i].snapshot);
        segment_unpin(part->closings[i].segment);
    }
    segment_unpin(part->tail.segment);
    for (size_t i = 0; part->status != OK && (made = created(part, i)) != NULL; i++) {
        atomic_store(&made->dirty, false);
        segment_release(made);
    }
    if (part->status != OK && part->partition->trouble == TROUBLE_NONE)
        atomic_store(&part->partition->tail.segment->dirty, part->partition->synced_end < part->partition->tail.end);
    part->partition->round = NULL;
}

enum status partition_roll(struct partition *partition, struct error *error)
{
    struct staging staging = {0};
    struct partition_round *part;
    enum status status;

    if (partition->tail.position == 0)
        return OK;
    status = partition_sync(partition, error);
    if (status == OK)
        status = partition_settle(partition, error);
    if (status != OK)
        return status;
    part = partition_round_create();
    status = partition_round_begin(part, partition, &staging, store_now_ms(partition->store), error);
    if (status == OK) {
        partition_round_roll(part);
        if (part->status == OK)
            partition_round_synced(part); /* all bytes are; the new file's name is to be */
        if (part->status == OK)
            partition_round_show(part);
        else
            partition_round_undo(part, false);
        status = part->status;
        if (status != OK)
            *error = part->error;
        partition_round_end(part);
    }
    partition_round_destroy(part);
    staging_finish(&staging);
    return status;
}

enum status partition_settle(struct partition *partition, struct error *error)
{
    struct segment *segment = partition->tail.segment;
    enum status status = OK;

    if (partition->size_in_doubt) {
        status = segment_pin(segment, false, error);
        if (status != OK)
            return status;
        status = disk_sync(segment->file, error);
        segment_unpin(segment);
        partition->size_in_doubt = status != OK;
    }
    if (status == OK && !segment->name_synced)
        status = disk_sync_directory(partition->store->disk, partition->directory, error);
    segment->name_synced = status == OK;
    return status;
}

enum status partition_sync(struct partition *partition, struct error *error)
{
    const struct segment_list *list = partition_list(partition);
    enum status status = OK;

    if (partition->synced_end >= partition->tail.end)
        return OK;
    for (size_t i = 0; i < list->count && status == OK; i++) {
        struct segment *segment = list->segments[i];

        if (!atomic_load(&segment->dirty))
            continue;
        status = segment_pin(segment, false, error);
        if (status != OK)
            break;
        status = disk_sync(segment->file, error);
        segment_unpin(segment);
        if (status == OK)
            atomic_store(&segment->dirty, false);
    }
    if (status == OK)
        status = disk_sync_directory(partition->store->disk, partition->directory, error);
    if (status == OK && !partition->directory_synced)
        status = disk_sync_directory(partition->store->disk, partition->store->directory, error);
    if (status == OK) {
        partition->directory_synced = true;
        partition->synced_end = partition->tail.end;
        for (size_t i = 0; i < list->count; i++)
            list->segments[i]->name_synced = true;
    }
    return status;
}
