/* doctor_topic.c: `tailrace doctor --topic T`: every batch of a topic's files is read and compared with its checksum. */
#include "base/banned.h"
#include "base/text.h"
#include "os/disk.h"
#include "server/doctor_here.h"
#include "store/checkpoint.h"
#include "store/scan.h"

#include <limits.h>

#define LOG_SUFFIX ".log"
#define LOG_NAME_SIZE 24 /* 20 digits and the suffix */
#define ARENA_BLOCK_BYTES 65536

struct partition_look {
    const char *topic, *directory;
    int32_t partition;
    bool is_running, is_last_segment;
    int64_t durable_end; /* all before it was once durable, by the checkpoint file; -1: not in it */
    int64_t next;        /* offset that the next batch should have at least; -1: any */
    int64_t batches, bytes;
    bool is_bad;
    struct findings *findings;
};

static void bad_add(struct partition_look *look, const char *file, int64_t position, int64_t left)
{
    bool is_tail = look->is_last_segment && look->next >= look->durable_end;
    struct finding *finding;

    look->is_bad = true;
    if (look->is_running && is_tail) {
        finding = findings_add(look->findings, FINDING_partition, FINDING_IS_INFO, "%s-%d: %lld batches up to offset %lld; the last %lld bytes of %s are being written", look->topic,
                               (int)look->partition, (long long)look->batches, (long long)look->next, (long long)left, file);
    } else if (is_tail) {
        finding = findings_add(look->findings, FINDING_partition, FINDING_IS_INFO, "%s-%d: the last %lld bytes of %s, from offset %lld and byte %lld on, are no whole batch.", look->topic,
                               (int)look->partition, (long long)left, file, (long long)look->next, (long long)position);
        finding->title = "A partition ends in the middle of a batch";
        finding->todo = "Nothing: they lie behind all that is known to have been synced. The next start cuts them off or, when they were, says so and keeps the partition read-only.";
    } else {
        finding = findings_add(look->findings, FINDING_partition, FINDING_IS_ERROR, "%s-%d: at byte %lld of %s, offset %lld, no whole batch with a right checksum stands.", look->topic,
                               (int)look->partition, (long long)position, file, (long long)(look->next < 0 ? 0 : look->next));
        finding->title = "A partition is corrupt";
        finding->todo = arena_format(look->findings->arena,
                                     "Records before offset %lld can be read: copy them to another topic, then delete and create this one again. Look at the disk, too (dmesg, smartctl).",
                                     (long long)(look->next < 0 ? 0 : look->next));
        finding->command = arena_format(look->findings->arena, "kafka-dump-log --files %s/%s", look->directory, file);
    }
}

static enum status segment_look(struct partition_look *look, const char *name, int64_t base, struct error *error)
{
    char path[PATH_MAX];
    struct disk_file *file = NULL;
    struct scan scan;
    struct batch batch;
    struct slice bytes;
    bool found = true;
    int64_t size = 0;
    enum status status;

    (void)snprintf(path, sizeof(path), "%s/%s", look->directory, name);
    status = disk_open(disk_real(), path, DISK_READ, &file, error);
    if (status == ERROR_NOT_FOUND)
        return OK; /* deleted meanwhile */
    if (status == OK)
        status = disk_size(file, &size, error);
    if (status != OK) {
        disk_close(file);
        return status;
    }
    if (look->next < base)
        look->next = base;
    scan_init(&scan, file, 0, size, NULL, 0);
    while (status == OK && found && !look->is_bad) {
        int64_t before = scan.position;

        status = scan_batch(&scan, &batch, &bytes, &found, error);
        if (status == OK && found && batch.base_offset < look->next) {
            found = false;
            scan.position = before;
        }
        if (status == OK && !found && scan.position < size)
            bad_add(look, name, scan.position, size - scan.position);
        if (status != OK || !found)
            break;
        look->next = batch_last_offset(&batch) + 1;
        look->batches++;
    }
    look->bytes += scan.position;
    scan_finish(&scan);
    disk_close(file);
    return status;
}

static bool segment_name(const char *name, int64_t *base)
{
    size_t digits = LOG_NAME_SIZE - strlen(LOG_SUFFIX);

    return strlen(name) == LOG_NAME_SIZE && strcmp(name + digits, LOG_SUFFIX) == 0 && text_parse_int64(slice_of(name, digits), base);
}

static enum status partition_look(struct partition_look *look, struct error *error)
{
    int64_t base = 0;
    struct disk_entry *entries;
    struct arena arena;
    size_t count = 0, last = 0;
    enum status status;

    arena_init(&arena, ARENA_BLOCK_BYTES);
    look->next = -1;
    status = disk_list(disk_real(), look->directory, &arena, &entries, &count, error); /* in order of names, so of offsets */
    for (size_t i = 0; status == OK && i < count; i++)
        last = segment_name(entries[i].name, &base) ? i : last;
    for (size_t i = 0; status == OK && !look->is_bad && i < count; i++) {
        look->is_last_segment = i == last;
        if (segment_name(entries[i].name, &base))
            status = segment_look(look, entries[i].name, base, error);
    }
    if (status == OK && !look->is_bad)
        (void)findings_add(look->findings, FINDING_partition, FINDING_IS_OK, "%s-%d: %lld batches, %s, up to offset %lld", look->topic, (int)look->partition, (long long)look->batches,
                           bytes_text(look->findings->arena, look->bytes), (long long)(look->next < 0 ? 0 : look->next));
    arena_finish(&arena);
    return status;
}

/* "orders-2" is partition 2 of orders. */
static bool name_split(const char *name, struct slice *topic, int32_t *partition)
{
    const char *dash = strrchr(name, '-');

    if (dash == NULL || dash == name || !text_parse_int32(slice_from_string(dash + 1), partition) || *partition < 0)
        return false;
    *topic = slice_of(name, (size_t)(dash - name));
    return true;
}

enum status topic_look(const char *data_dir, const char *topic, bool is_running, struct findings *findings, struct error *error)
{
    struct arena arena;
    struct checkpoint durable;
    struct disk_entry *entries = NULL;
    struct text_nearest nearest;
    size_t count = 0, seen = 0;
    char *log;
    enum status status;

    arena_init(&arena, ARENA_BLOCK_BYTES);
    log = arena_format(&arena, "%s/log", data_dir);
    status = checkpoint_read(&durable, disk_real(), log, CHECKPOINT_RECOVERY_POINT, error);
    if (status == OK)
        status = disk_list(disk_real(), log, &arena, &entries, &count, error);
    text_nearest_init(&nearest, topic);
    for (size_t i = 0; status == OK && i < count; i++) {
        struct partition_look look = {.topic = topic, .is_running = is_running, .findings = findings};
        struct slice name;

        if (!entries[i].is_directory || !name_split(entries[i].name, &name, &look.partition))
            continue;
        text_nearest_offer(&nearest, arena_copy_string(&arena, name));
        if (!slice_equal_string(name, topic))
            continue;
        seen++;
        look.directory = arena_format(findings->arena, "%s/%s", log, entries[i].name);
        look.durable_end = checkpoint_get(&durable, topic, look.partition);
        status = partition_look(&look, error);
    }
    checkpoint_finish(&durable);
    if (status == OK && seen == 0) {
        const char *best = text_nearest_found(&nearest);

        status = error_set(error, ERROR_NOT_FOUND, "topic %s has no files in %s%s%s%s", topic, log, best == NULL ? "; a topic that was never written to has none" : "; is ",
                           best == NULL ? "" : best, best == NULL ? "" : " meant?");
    }
    arena_finish(&arena);
    return status;
}
