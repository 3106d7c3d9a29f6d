#include "log/stamps.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/time.h"
#include "log/engine.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/thread.h"
#include "store/store.h"

#include <pthread.h>

#define LOG_SUBSYSTEM "log"
#define VERSION 1
#define FLUSH_MS 1000
#define PENDING_BYTES_MAX ((size_t)4 << 20) /* what is stamped while it cannot be written; more is lost */
#define RECORDS_AT_ONCE 2000
#define TRACKS_MAX 4096
#define TRACK_IDLE_US (600 * (int64_t)US_PER_SECOND)
#define SAMPLE_GAP_US ((int64_t)US_PER_SECOND / STAMP_SAMPLES_MAX * 9 / 8) /* once there are many in a second */
#define SEGMENTS 16 /* of what is kept: so much goes at once */

/* A reader of a partition: what it passed since the last flush. */
struct track {
    enum log_reader kind;
    char *reader, *topic;
    int32_t partition;
    struct stamp_sample samples[STAMP_SAMPLES_MAX];
    size_t count;
    struct stamp_sample latest; /* when samples were left out: the newest */
    bool thinned;
    int64_t used_us;
};

struct stamps {
    struct log *log;
    int64_t retention_bytes;
    struct thread *thread;
    pthread_mutex_t lock; /* guards the rest; a leaf, held for copying only */
    pthread_cond_t wake;
    struct buffer pending; /* entries, see entry_begin */
    struct map tracks;
    bool dirty; /* there is something to write */
    bool has_rows; /* rows were captured, ever: before, there is nothing to trace and no topic for it */
    bool stopping;
    int64_t lost;
    pthread_mutex_t flush_lock; /* one flush at a time; taken before `lock` */
    struct buffer writing;      /* of the flush; it stays until the next one, for stamps_recent. Changed with both locks held */
};

/* ---- Entries: u64 time in ms, u32 size of the key, u32 size of the value, key, value ---- */

#define ENTRY_HEAD_BYTES 16

static size_t entry_begin(struct buffer *out, int64_t time_us, struct slice key)
{
    buffer_append_u64(out, (uint64_t)(time_us / US_PER_MS));
    buffer_append_u32(out, (uint32_t)key.size);
    buffer_append_u32(out, 0);
    buffer_append_slice(out, key);
    buffer_append_u8(out, VERSION);
    return out->size - key.size - ENTRY_HEAD_BYTES - 1;
}

static void entry_end(struct buffer *out, size_t at, struct slice key)
{
    if (!out->failed)
        buffer_patch_u32(out, at + 12, (uint32_t)(out->size - at - ENTRY_HEAD_BYTES - key.size));
}

static void append_text(struct buffer *out, const char *text)
{
    size_t size = strlen(text);

    buffer_append_varuint(out, size);
    buffer_append(out, text, size);
}

/* ---- Being told ---- */

/* There is something to write. The lock is held. */
static void dirty_set(struct stamps *stamps)
{
    if (stamps->dirty)
        return;
    stamps->dirty = true;
    (void)pthread_cond_signal(&stamps->wake);
}

static void publish_encode(struct buffer *out, const struct log_stamp *rows, const struct publish *publish, size_t runs)
{
    struct slice key = slice_from_string(publish->owner);
    size_t at = entry_begin(out, publish->published_us, key);
    int64_t base_us = rows->first_committed_us;

    buffer_append_u8(out, STAMP_PUBLISH);
    buffer_append_varuint(out, rows->first_lsn);
    buffer_append_varint(out, (int64_t)(rows->last_lsn - rows->first_lsn));
    buffer_append_varuint(out, rows->first_xid);
    buffer_append_varint(out, (int64_t)(rows->last_xid - rows->first_xid));
    buffer_append_varint(out, base_us);
    buffer_append_varint(out, rows->last_committed_us - base_us);
    buffer_append_varint(out, rows->first_received_us - base_us);
    buffer_append_varint(out, rows->last_received_us - base_us);
    buffer_append_varint(out, publish->written_us - base_us);
    buffer_append_varint(out, publish->durable_us - base_us);
    buffer_append_varint(out, publish->published_us - base_us);
    buffer_append_varuint(out, runs);
    for (size_t i = 0; i < publish->item_count; i++) {
        const struct publish_item *item = &publish->items[i];
        const struct topic *topic = partition_topic(item->partition);

        if (topic_is_compacted(topic))
            continue;
        append_text(out, topic_name(topic));
        buffer_append_varuint(out, (uint64_t)partition_index(item->partition));
        buffer_append_varuint(out, (uint64_t)item->first_offset);
        buffer_append_varuint(out, (uint64_t)(item->end_offset - item->first_offset));
    }
    entry_end(out, at, key);
}

void stamps_add(struct stamps *stamps, const struct log_stamp *stamp, const struct publish *publish)
{
    size_t runs = 0;

    for (size_t i = 0; stamps != NULL && i < publish->item_count; i++) /* state, which is compacted, is nobody's row */
        runs += !topic_is_compacted(partition_topic(publish->items[i].partition));
    if (runs == 0)
        return;
    (void)pthread_mutex_lock(&stamps->lock);
    stamps->has_rows = true;
    if (stamps->pending.size < PENDING_BYTES_MAX / 2) {
        size_t before = stamps->pending.size;

        publish_encode(&stamps->pending, stamp, publish, runs);
        if (stamps->pending.failed) {
            stamps->pending.failed = false;
            stamps->pending.size = before;
            stamps->lost++;
        }
        dirty_set(stamps);
    } else {
        stamps->lost++;
    }
    (void)pthread_mutex_unlock(&stamps->lock);
}

static struct track *track_find(struct stamps *stamps, enum log_reader kind, const char *reader, const char *topic, int32_t partition)
{
    char text[1000];
    int size = snprintf(text, sizeof(text), "%c%s\n%s\n%d", kind, reader, topic, partition);
    struct slice key = slice_of(text, size < 0 ? 0 : (size_t)size);
    struct track *track;

    if (size <= 0 || (size_t)size >= sizeof(text))
        return NULL;
    track = map_get(&stamps->tracks, key);
    if (track == NULL && stamps->tracks.count < TRACKS_MAX) {
        track = memory_new(sizeof(*track));
        *track = (struct track){.kind = kind, .reader = memory_copy_string(reader), .topic = memory_copy_string(topic), .partition = partition, .latest = {0, -1}};
        (void)map_put(&stamps->tracks, key, track);
    }
    return track;
}

static void track_note(struct track *track, int64_t next_offset, int64_t now_us)
{
    track->used_us = now_us;
    if (track->latest.next_offset == next_offset)
        return;
    track->latest = (struct stamp_sample){now_us, next_offset};
    if (track->count == STAMP_SAMPLES_MAX) { /* too many for a second: those far enough apart stay */
        size_t kept = 1;

        track->thinned = true;
        for (size_t i = 1; i < track->count; i++) {
            if (track->samples[i].time_us - track->samples[kept - 1].time_us >= SAMPLE_GAP_US)
                track->samples[kept++] = track->samples[i];
        }
        track->count = kept;
    }
    if (track->thinned && (track->count >= STAMP_SAMPLES_MAX - 1 || now_us - track->samples[track->count - 1].time_us < SAMPLE_GAP_US))
        return; /* the latest is added when they are written */
    track->samples[track->count++] = track->latest;
}

void log_passed(struct log *log, enum log_reader kind, const char *reader, const char *topic, int32_t partition, int64_t next_offset)
{
    struct stamps *stamps = log == NULL ? NULL : log->stamps;
    struct track *track;

    if (stamps == NULL || strcmp(topic, STAMPS_TOPIC) == 0)
        return;
    (void)pthread_mutex_lock(&stamps->lock);
    track = stamps->has_rows ? track_find(stamps, kind, reader, topic, partition) : NULL;
    if (track != NULL) {
        track_note(track, next_offset, clock_now_us());
        if (track->count > 0)
            dirty_set(stamps);
    }
    (void)pthread_mutex_unlock(&stamps->lock);
}

/* ---- Writing ---- */

static void track_encode(struct buffer *out, struct track *track)
{
    struct slice key = slice_from_string(track->reader);
    struct stamp_sample before = {0};
    size_t at;

    if (track->samples[track->count - 1].next_offset != track->latest.next_offset) {
        if (track->count == STAMP_SAMPLES_MAX)
            track->count--;
        track->samples[track->count++] = track->latest;
    }
    at = entry_begin(out, track->samples[track->count - 1].time_us, key);
    buffer_append_u8(out, STAMP_READER);
    buffer_append_u8(out, (uint8_t)track->kind);
    buffer_append_u8(out, track->thinned);
    append_text(out, track->topic);
    buffer_append_varuint(out, (uint64_t)track->partition);
    buffer_append_varuint(out, track->count);
    for (size_t i = 0; i < track->count; i++) {
        buffer_append_varint(out, track->samples[i].time_us - before.time_us);
        buffer_append_varint(out, track->samples[i].next_offset - before.next_offset);
        before = track->samples[i];
    }
    entry_end(out, at, key);
    track->count = 0;
    track->thinned = false;
}

static void track_free(struct track *track)
{
    memory_free(track->reader);
    memory_free(track->topic);
    memory_free(track);
}

/* Takes what the readers left, and forgets those that are gone. The lock is held. */
static void tracks_take(struct stamps *stamps, struct buffer *out, int64_t now_us)
{
    const struct map_entry *entry;
    struct track *idle = NULL;
    struct slice idle_key = slice_null();
    size_t at = 0;

    while ((entry = map_next(&stamps->tracks, &at)) != NULL) {
        struct track *track = entry->value;

        if (track->count > 0) {
            track_encode(out, track);
        } else if (now_us - track->used_us > TRACK_IDLE_US) {
            idle = track;
            idle_key = entry->key;
        }
    }
    if (idle != NULL) { /* one a flush is enough */
        (void)map_remove(&stamps->tracks, idle_key);
        track_free(idle);
    }
}

static enum status topic_ensure(const struct stamps *stamps, struct error *error)
{
    const struct log_topic_spec spec = {.name = STAMPS_TOPIC, .partitions = 1};
    struct log_topic_spec made = spec;
    struct properties config;
    char number[24];
    enum status status;

    properties_init(&config);
    properties_set(&config, "cleanup.policy", "delete");
    properties_set(&config, "retention.ms", "-1");
    (void)snprintf(number, sizeof(number), "%lld", (long long)stamps->retention_bytes);
    properties_set(&config, "retention.bytes", number);
    (void)snprintf(number, sizeof(number), "%lld", (long long)(stamps->retention_bytes / SEGMENTS > 1048576 ? stamps->retention_bytes / SEGMENTS : 1048576));
    properties_set(&config, "segment.bytes", number);
    made.config = &config;
    status = log_topic_ensure(stamps->log, &made, error);
    properties_finish(&config);
    return status;
}

/* Writes all entries, so many at once as make a decent batch. */
static enum status entries_write(const struct stamps *stamps, struct slice entries, struct error *error)
{
    struct log_record *records = memory_new_array(RECORDS_AT_ONCE, sizeof(*records));
    struct reader in = reader_of(entries);
    enum status status = OK;

    while (status == OK && reader_left(&in) > 0) {
        size_t count = 0;

        while (count < RECORDS_AT_ONCE && reader_left(&in) > 0) {
            struct log_record *record = &records[count++];
            uint32_t key_size, value_size;

            *record = (struct log_record){.timestamp_ms = (int64_t)read_u64(&in)};
            key_size = read_u32(&in);
            value_size = read_u32(&in);
            record->key = read_bytes(&in, key_size);
            record->value = read_bytes(&in, value_size);
        }
        status = log_write_lazily(stamps->log, STAMPS_TOPIC, 0, records, count, error);
    }
    memory_free(records);
    return status;
}

static enum status flush(struct stamps *stamps, struct error *error)
{
    struct buffer taken;
    int64_t lost;
    enum status status = OK;

    (void)pthread_mutex_lock(&stamps->flush_lock);
    (void)pthread_mutex_lock(&stamps->lock);
    buffer_reset(&stamps->writing);
    taken = stamps->pending;
    stamps->pending = stamps->writing;
    stamps->writing = taken;
    tracks_take(stamps, &stamps->writing, clock_now_us());
    lost = stamps->lost;
    stamps->lost = 0;
    stamps->dirty = false;
    (void)pthread_mutex_unlock(&stamps->lock);
    if (stamps->writing.size > 0 && !stamps->writing.failed) {
        status = topic_ensure(stamps, error);
        if (status == OK)
            status = entries_write(stamps, buffer_slice(&stamps->writing), error);
    }
    if (lost > 0)
        LOG_WARNING("%lld stamps of published rows were dropped because they could not be written fast enough; their traces lack some steps", (long long)lost);
    (void)pthread_mutex_unlock(&stamps->flush_lock);
    return status;
}

enum status stamps_flush(struct log *log, struct error *error)
{
    return log->stamps == NULL ? OK : flush(log->stamps, error);
}

/* Waits until there is something, and then until it is time to write it. False: the end. */
static bool flush_wait(struct stamps *stamps)
{
    int64_t at_ns;
    struct timespec deadline;
    int waited = 0;
    bool stopping;

    (void)pthread_mutex_lock(&stamps->lock);
    while (!stamps->stopping && !stamps->dirty)
        (void)pthread_cond_wait(&stamps->wake, &stamps->lock);
    at_ns = clock_monotonic_ns() + FLUSH_MS * NS_PER_MS;
    deadline = (struct timespec){.tv_sec = at_ns / NS_PER_SECOND, .tv_nsec = at_ns % NS_PER_SECOND};
    while (!stamps->stopping && waited == 0)
        waited = pthread_cond_timedwait(&stamps->wake, &stamps->lock, &deadline);
    stopping = stamps->stopping;
    (void)pthread_mutex_unlock(&stamps->lock);
    return !stopping;
}

static void thread_main(void *context)
{
    struct stamps *stamps = context;
    enum status before = OK;
    bool more = true;

    while (more) {
        struct error error;
        enum status status;

        more = flush_wait(stamps);
        status = flush(stamps, &error);
        if (status != OK && before == OK && more)
            LOG_WARNING("stamps of published rows cannot be written, so traces will lack some steps: %s", error.message);
        before = status;
    }
}

/* ---- Life ---- */

static void stamps_free(struct stamps *stamps)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&stamps->tracks, &at)) != NULL)
        track_free(entry->value);
    map_finish(&stamps->tracks);
    buffer_finish(&stamps->pending);
    buffer_finish(&stamps->writing);
    (void)pthread_cond_destroy(&stamps->wake);
    (void)pthread_mutex_destroy(&stamps->lock);
    (void)pthread_mutex_destroy(&stamps->flush_lock);
    memory_free(stamps);
}

enum status stamps_start(struct log *log, int64_t retention_bytes, struct error *error)
{
    struct stamps *stamps = memory_new(sizeof(*stamps));
    pthread_condattr_t attributes;
    enum status status;
    int64_t start, end;

    stamps->log = log;
    stamps->has_rows = log_bounds(log, STAMPS_TOPIC, 0, &start, &end, NULL) == OK;
    stamps->retention_bytes = retention_bytes;
    map_init(&stamps->tracks);
    buffer_init(&stamps->pending, PENDING_BYTES_MAX);
    buffer_init(&stamps->writing, PENDING_BYTES_MAX);
    (void)pthread_mutex_init(&stamps->lock, NULL);
    (void)pthread_mutex_init(&stamps->flush_lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&stamps->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    status = thread_start(&stamps->thread, "stamps", thread_main, stamps, error);
    if (status == OK)
        log->stamps = stamps;
    else
        stamps_free(stamps);
    return status;
}

void stamps_stop(struct log *log)
{
    struct stamps *stamps = log == NULL ? NULL : log->stamps;

    if (stamps == NULL)
        return;
    (void)pthread_mutex_lock(&stamps->lock);
    stamps->stopping = true;
    (void)pthread_cond_signal(&stamps->wake);
    (void)pthread_mutex_unlock(&stamps->lock);
    thread_join(stamps->thread);
    log->stamps = NULL;
    stamps_free(stamps);
}

/* ---- Reading back ---- */

#define VARUINT_BYTES_MAX 10

static struct slice read_text(struct reader *in)
{
    uint64_t size = read_varuint(in, VARUINT_BYTES_MAX);

    if (size > reader_left(in)) {
        reader_fail(in);
        return slice_null();
    }
    return read_bytes(in, (size_t)size);
}

static int64_t read_offset(struct reader *in)
{
    uint64_t value = read_varuint(in, VARUINT_BYTES_MAX);

    if (value > INT64_MAX / 2)
        reader_fail(in);
    return in->failed ? 0 : (int64_t)value;
}

static int32_t read_partition(struct reader *in)
{
    uint64_t value = read_varuint(in, VARUINT_BYTES_MAX);

    if (value > INT32_MAX)
        reader_fail(in);
    return in->failed ? 0 : (int32_t)value;
}

/* Sums that wrap around give a wrong number, nothing worse. */
static int64_t read_beside(struct reader *in, int64_t base)
{
    return (int64_t)((uint64_t)base + (uint64_t)read_varint64(in));
}

static bool publish_read(struct reader *in, struct stamp *stamp)
{
    struct log_stamp *rows = &stamp->rows;
    uint64_t count;

    rows->first_lsn = read_varuint(in, VARUINT_BYTES_MAX);
    rows->last_lsn = (uint64_t)read_beside(in, (int64_t)rows->first_lsn);
    rows->first_xid = read_varuint(in, VARUINT_BYTES_MAX);
    rows->last_xid = (uint64_t)read_beside(in, (int64_t)rows->first_xid);
    rows->first_committed_us = read_varint64(in);
    rows->last_committed_us = read_beside(in, rows->first_committed_us);
    rows->first_received_us = read_beside(in, rows->first_committed_us);
    rows->last_received_us = read_beside(in, rows->first_committed_us);
    stamp->appended_us = read_beside(in, rows->first_committed_us);
    stamp->durable_us = read_beside(in, rows->first_committed_us);
    stamp->published_us = read_beside(in, rows->first_committed_us);
    count = read_varuint(in, VARUINT_BYTES_MAX);
    for (uint64_t i = 0; i < count && i < STAMP_RUNS_MAX && !in->failed; i++) {
        struct stamp_run *run = &stamp->runs[stamp->run_count++];

        run->topic = read_text(in);
        run->partition = read_partition(in);
        run->first_offset = read_offset(in);
        run->end_offset = run->first_offset + read_offset(in);
    }
    return !in->failed;
}

static bool reader_read(struct reader *in, struct stamp *stamp)
{
    struct stamp_sample before = {0};
    uint64_t count;

    stamp->reader = (enum log_reader)read_u8(in);
    stamp->thinned = read_u8(in) != 0;
    stamp->topic = read_text(in);
    stamp->partition = read_partition(in);
    count = read_varuint(in, VARUINT_BYTES_MAX);
    for (uint64_t i = 0; i < count && i < STAMP_SAMPLES_MAX && !in->failed; i++) {
        struct stamp_sample *sample = &stamp->samples[stamp->sample_count++];

        sample->time_us = read_beside(in, before.time_us);
        sample->next_offset = read_beside(in, before.next_offset);
        before = *sample;
    }
    return !in->failed;
}

bool stamp_read(struct slice value, struct stamp *stamp)
{
    struct reader in = reader_of(value);

    if (slice_is_null(value) || read_u8(&in) != VERSION)
        return false;
    stamp->kind = (enum stamp_kind)read_u8(&in);
    stamp->run_count = stamp->sample_count = 0;
    if (stamp->kind == STAMP_PUBLISH)
        return publish_read(&in, stamp);
    return stamp->kind == STAMP_READER && reader_read(&in, stamp);
}

static bool run_holds(const struct stamp *stamp, const char *topic, int32_t partition, int64_t offset)
{
    for (size_t i = 0; i < stamp->run_count; i++) {
        const struct stamp_run *run = &stamp->runs[i];

        if (run->partition == partition && offset >= run->first_offset && offset < run->end_offset && slice_equal_string(run->topic, topic))
            return true;
    }
    return false;
}

bool stamps_recent(struct log *log, const char *topic, int32_t partition, int64_t offset, struct buffer *kept, struct stamp *found)
{
    struct stamps *stamps = log == NULL ? NULL : log->stamps;
    struct reader in;

    buffer_reset(kept);
    if (stamps == NULL)
        return false;
    (void)pthread_mutex_lock(&stamps->lock);
    buffer_append_slice(kept, buffer_slice(&stamps->writing));
    buffer_append_slice(kept, buffer_slice(&stamps->pending));
    (void)pthread_mutex_unlock(&stamps->lock);
    in = reader_of(buffer_slice(kept));
    while (!kept->failed && !in.failed && reader_left(&in) > 0) {
        uint32_t key_size, value_size;

        (void)read_u64(&in);
        key_size = read_u32(&in);
        value_size = read_u32(&in);
        (void)read_bytes(&in, key_size);
        if (stamp_read(read_bytes(&in, value_size), found) && found->kind == STAMP_PUBLISH && run_holds(found, topic, partition, offset))
            return true;
    }
    return false;
}
