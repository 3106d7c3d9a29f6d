#include "store/swap.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/logger.h"
#include "store/internal.h"
#include "store/scan.h"

#include <limits.h>

#define LOG_SUBSYSTEM "store"
#define NAME_DIGITS 20

static const char *const index_kinds[] = {"index", "timeindex", "txnindex"};
#define INDEX_KINDS (sizeof(index_kinds) / sizeof(index_kinds[0]))

bool swap_name_parse(const char *name, int64_t *base, const char **suffix)
{
    if (strlen(name) < NAME_DIGITS + 2 || name[NAME_DIGITS] != '.' || !text_parse_int64(slice_of(name, NAME_DIGITS), base) || *base < 0)
        return false;
    *suffix = name + NAME_DIGITS + 1;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);

    return length >= size && strcmp(text + length - size, end) == 0;
}

static bool is_index(const char *suffix)
{
    for (size_t i = 0; i < INDEX_KINDS; i++) {
        if (strcmp(suffix, index_kinds[i]) == 0)
            return true;
    }
    return false;
}

/* Renames "<base>.<kind><from>" to "<base>.<kind><to>". */
static enum status suffix_change(struct disk *disk, const char *directory, int64_t base, const char *kind, const char *from, const char *to,
                                 struct error *error)
{
    char before[PATH_MAX], after[PATH_MAX];

    (void)snprintf(before, sizeof(before), "%s/%020lld.%s%s", directory, (long long)base, kind, from);
    (void)snprintf(after, sizeof(after), "%s/%020lld.%s%s", directory, (long long)base, kind, to);
    return disk_rename(disk, before, after, error);
}

/* ---- The steps behind .swap ---- */

struct listing {
    struct arena arena;
    struct disk_entry *entries;
    size_t count;
};

static enum status listing_open(struct listing *listing, struct disk *disk, const char *directory, struct error *error)
{
    arena_init(&listing->arena, 8192);
    listing->count = 0;
    return disk_list(disk, directory, &listing->arena, &listing->entries, &listing->count, error);
}

static bool listing_has(const struct listing *listing, int64_t base, const char *kind, const char *suffix)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%020lld.%s%s", (long long)base, kind, suffix);
    for (size_t i = 0; i < listing->count; i++) {
        if (strcmp(listing->entries[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Takes away what the new file stands for. */
static enum status old_remove(const struct listing *listing, struct disk *disk, const char *directory, int64_t base, int64_t end, bool kept_aside,
                              struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; i < listing->count && status == OK; i++) {
        char path[PATH_MAX];
        const char *suffix;
        int64_t number;

        if (!swap_name_parse(listing->entries[i].name, &number, &suffix) || number < base || number >= end)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, listing->entries[i].name);
        if (strcmp(suffix, "log") == 0 && kept_aside)
            status = suffix_change(disk, directory, number, "log", "", SWAP_DELETED, error);
        else if (strcmp(suffix, "log") == 0 || is_index(suffix))
            status = disk_unlink(disk, path, error);
    }
    return status;
}

/*
 * The steps behind .swap, for a file that stands for [base, end). Does nothing when there is no such file any more.
 * kept_aside  the old files become .deleted; otherwise they are removed
 * renamed     set once the file has its final name
 * Errors      DISK, DISK_FULL
 */
static enum status swap_complete(struct disk *disk, const char *directory, int64_t base, int64_t end, bool kept_aside, bool *renamed, struct error *error)
{
    struct listing listing;
    enum status status = listing_open(&listing, disk, directory, error);
    bool waits = status == OK && listing_has(&listing, base, "log", SWAP_SWAP);

    *renamed = status == OK && !waits;
    if (waits) {
        status = old_remove(&listing, disk, directory, base, end, kept_aside, error);
        if (status == OK)
            status = disk_sync_directory(disk, directory, error);
        if (status == OK)
            status = suffix_change(disk, directory, base, "log", SWAP_SWAP, "", error);
        *renamed = status == OK;
        for (size_t i = 0; i < INDEX_KINDS && status == OK; i++) {
            if (listing_has(&listing, base, index_kinds[i], SWAP_CLEANED))
                status = suffix_change(disk, directory, base, index_kinds[i], SWAP_CLEANED, "", error);
        }
    }
    if (status == OK)
        status = disk_sync_directory(disk, directory, error);
    arena_finish(&listing.arena);
    return status;
}

/* ---- While the partition is open ---- */

/* Where the old segments stand in the list; false when they do not any more as they were read. */
static bool old_find(const struct swap *swap, size_t *at)
{
    const struct segment_list *list = partition_list(swap->partition);
    int64_t bytes = 0;

    for (*at = 0; *at < list->count && list->segments[*at] != swap->old[0]; (*at)++)
        ;
    if (*at + swap->old_count >= list->count) /* the last one is appended to */
        return false;
    for (size_t i = 0; i < swap->old_count; i++) {
        if (list->segments[*at + i] != swap->old[i])
            return false;
        bytes += segment_bytes(swap->old[i]);
    }
    return bytes == swap->old_bytes;
}

static enum status swap_check(const struct swap *swap, size_t *at, struct error *error)
{
    struct partition *partition = swap->partition;
    enum status status = OK;

    if (topic_is_deleted(partition->topic))
        return error_set(error, ERROR_CLOSED, "the topic was deleted");
    if (partition->trouble != TROUBLE_NONE)
        return error_set(error, ERROR_KAFKA_STORAGE_ERROR, "the partition cannot be written now");
    if (swap_is_unsettled(partition))
        status = swap_settle(partition, error);
    if (status == OK && !old_find(swap, at))
        return error_set(error, ERROR_CONFLICT, "the segments were changed or deleted meanwhile");
    return status;
}

/* The new file does not take anybody's place. It must not be found by a later opening either, when the log has gone on. */
static void take_back(struct partition *partition, int64_t base)
{
    char path[PATH_MAX];
    enum status status;

    segment_path(partition->directory, base, "log" SWAP_SWAP, path, sizeof(path));
    status = disk_unlink(partition->store->disk, path, NULL);
    if (status == OK)
        status = disk_sync_directory(partition->store->disk, partition->directory, NULL);
    partition->swap_in_doubt = status != OK;
    partition->swap_base = base;
}

/* The old ones go out of the list, the new one comes in. */
static void list_change(const struct swap *swap, size_t at)
{
    struct partition *partition = swap->partition;
    const struct segment_list *before = partition_list(partition);
    size_t count = before->count - swap->old_count + 1;
    struct segment **segments = memory_new_array(before->count, sizeof(struct segment *));

    memcpy(segments, before->segments, at * sizeof(struct segment *));
    segments[at] = swap->made;
    memcpy(segments + at + 1, before->segments + at + swap->old_count, (count - at - 1) * sizeof(struct segment *));
    partition_set_segments(partition, segments, count);
    for (size_t i = 0; i < swap->old_count; i++) {
        segment_set_gone(swap->old[i]);
        segment_release(swap->old[i]);
    }
    memory_free(segments);
}

enum status swap_run(const struct swap *swap, struct error *error)
{
    struct partition *partition = swap->partition;
    struct segment *made = swap->made;
    struct disk *disk = partition->store->disk;
    struct error reason;
    size_t at = 0;
    enum status status = swap_check(swap, &at, error);

    if (status != OK)
        return status;
    status = suffix_change(disk, partition->directory, made->base, "log", SWAP_CLEANED, SWAP_SWAP, error);
    if (status == OK)
        status = disk_sync_directory(disk, partition->directory, error);
    if (status != OK) {
        take_back(partition, made->base);
        return status;
    }
    made->name_synced = true;
    made->saved = true;
    segment_set_suffix(made, SWAP_SWAP);
    for (size_t i = 0; i < swap->old_count; i++) {
        store_grave_add(partition, swap->old[i]->base);
        if (i > 0)
            partition_forget_snapshot(partition, swap->old[i]->base);
    }
    list_change(swap, at);
    partition->swapped = made;
    if (swap_settle(partition, &reason) != OK)
        LOG_WARNING("%s-%d: a compacted segment does not have its final name yet; that is tried again: %s", partition->topic->name,
                    partition->index, reason.message);
    return OK;
}

enum status swap_settle(struct partition *partition, struct error *error)
{
    struct segment *made = partition->swapped;
    enum status status = OK;
    bool renamed;

    if (partition->swap_in_doubt) {
        take_back(partition, partition->swap_base);
        if (partition->swap_in_doubt)
            return error_set(error, ERROR_DISK, "%s: what is left of a failed compaction cannot be removed", partition->directory);
    }
    if (made != NULL) {
        status = swap_complete(partition->store->disk, partition->directory, made->base, segment_end(made), true, &renamed, error);
        if (renamed)
            segment_set_suffix(made, "");
        if (status == OK)
            partition->swapped = NULL;
    }
    return status;
}

/* ---- When a partition is opened ---- */

/* What a .swap file stands for. whole  false when it is damaged */
static enum status end_read(struct disk *disk, const char *path, int64_t base, int64_t *end, bool *whole, struct error *error)
{
    struct disk_file *file = NULL;
    struct batch batch;
    struct slice bytes;
    struct scan scan;
    int64_t size = 0;
    bool found = true, ordered = true;
    enum status status = disk_open(disk, path, DISK_READ, &file, error);

    *end = base;
    *whole = false;
    if (status != OK)
        return status;
    status = disk_size(file, &size, error);
    scan_init(&scan, file, 0, size, NULL, 0);
    while (status == OK && found && ordered) {
        status = scan_batch(&scan, &batch, &bytes, &found, error);
        ordered = status != OK || !found || batch.base_offset >= *end;
        if (status == OK && found && ordered)
            *end = batch_last_offset(&batch) + 1;
    }
    *whole = ordered && scan.position == size && size > 0;
    scan_finish(&scan);
    disk_close(file);
    return status;
}

static enum status swap_finish(struct disk *disk, const char *directory, int64_t base, struct error *error)
{
    char path[PATH_MAX];
    bool whole, renamed;
    int64_t end;
    enum status status;

    segment_path(directory, base, "log" SWAP_SWAP, path, sizeof(path));
    status = end_read(disk, path, base, &end, &whole, error);
    if (status == OK && !whole)
        LOG_ERROR("%s is damaged at offset %lld; it is left alone, and the segments that it would replace are read if they are still there", path,
                  (long long)end);
    else if (status == OK)
        status = swap_complete(disk, directory, base, end, false, &renamed, error);
    if (status == OK && whole)
        LOG_INFO("%s: finished putting a compacted segment in place, which a crash had interrupted", path);
    return status;
}

enum status swap_recover(struct disk *disk, const char *directory, struct error *error)
{
    static const char *const left_over[] = {SWAP_CLEANED, SWAP_DELETED, ".tmp"};
    struct listing listing;
    enum status status = listing_open(&listing, disk, directory, error);

    for (size_t i = 0; i < listing.count && status == OK; i++) {
        const char *name = listing.entries[i].name, *suffix;
        int64_t base;

        if (!swap_name_parse(name, &base, &suffix))
            continue;
        for (size_t k = 0; k < sizeof(left_over) / sizeof(left_over[0]) && status == OK; k++) {
            if (ends_with(suffix, left_over[k]))
                status = disk_unlink(disk, arena_format(&listing.arena, "%s/%s", directory, name), error);
        }
    }
    for (size_t i = 0; i < listing.count && status == OK; i++) {
        const char *suffix;
        int64_t base;

        if (swap_name_parse(listing.entries[i].name, &base, &suffix) && strcmp(suffix, "log" SWAP_SWAP) == 0)
            status = swap_finish(disk, directory, base, error);
    }
    arena_finish(&listing.arena);
    return status;
}
