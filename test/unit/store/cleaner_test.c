/* Retention and compaction through a whole store, its files included. */
#include "store/store.h"

#include "batches.h"

#include "os/disk.h"
#include "store/topic.h"

#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static char directory[PATH_MAX];
static int64_t now_ms;
static struct properties defaults;

static int64_t fake_now(void *context)
{
    (void)context;
    return now_ms;
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/tailrace-cleaner-test-XXXXXX");
    now_ms = 1000000;
    properties_init(&defaults);
    return mkdtemp(directory) == NULL;
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    properties_finish(&defaults);
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store *open_store_on(struct disk *disk, bool manual)
{
    struct store_settings settings = {.directory = directory,
                                      .disk = disk,
                                      .segment_bytes = 1 << 20,
                                      .message_bytes_max = 1048588,
                                      .default_partitions = 1,
                                      .flush_acks = true,
                                      .manual = manual,
                                      .topic_defaults = &defaults,
                                      .small_segment_bytes = 1,
                                      .now_ms = fake_now};
    struct store *store;
    struct error error;

    if (store_open(&settings, &store, &error) != OK)
        fail_msg("%s", error.message);
    return store;
}

static struct store *open_store(void)
{
    return open_store_on(NULL, true);
}

/* A topic "t" with settings as "key=value" pieces. */
static struct topic *create(struct store *store, const char *const *settings)
{
    struct properties config;
    struct topic_spec spec = {.name = "t", .partitions = 1, .config = &config};

    properties_init(&config);
    for (; *settings != NULL; settings++)
        assert_int_equal(properties_set_assignment(&config, *settings, NULL), OK);
    assert_int_equal(store_topic_create_wait(store, &spec, NULL), OK);
    properties_finish(&config);
    return store_topic_find(store, slice_from_string("t"));
}

/* Files of the partition whose names end so. */
static int files_count(const char *end)
{
    struct disk_entry *entries;
    struct arena arena;
    size_t count;
    int found = 0;

    arena_init(&arena, 4096);
    assert_int_equal(disk_list(disk_real(), arena_format(&arena, "%s/t-0", directory), &arena, &entries, &count, NULL), OK);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(entries[i].name), size = strlen(end);

        found += length >= size && strcmp(entries[i].name + length - size, end) == 0;
    }
    arena_finish(&arena);
    return found;
}

/* All that can be read, as "offset:key" or "offset:-key" for tombstones. */
static const char *contents(struct partition *partition)
{
    static char text[2000];
    size_t used = 0;

    text[0] = '\0';
    for (int64_t at = partition_start(partition); at < partition_end(partition);) {
        struct range range;
        struct slice rest;
        uint8_t *bytes;
        struct record_batch batch;

        assert_int_equal(partition_range(partition, at, 1 << 20, false, &range, NULL), OK);
        if (range.size == 0)
            break;
        bytes = memory_new(range.size);
        assert_int_equal(range_read(&range, bytes, NULL), OK);
        for (rest = slice_of(bytes, range.size); rest.size > 0; rest = slice_from(rest, batch.bytes.size)) {
            struct record_iterator iterator;
            struct record record;

            assert_int_equal(record_batch_read(rest, &batch, NULL), OK);
            assert_true(record_batch_checksum_is_right(&batch));
            assert_int_equal(record_iterator_init(&iterator, &batch, NULL, 0, NULL, NULL), OK);
            while (record_iterator_next(&iterator, &record))
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%d:%s%.*s ", (int)record.offset, slice_is_null(record.value) ? "-" : "",
                                         (int)record.key.size, (const char *)record.key.data);
        }
        at = range.next_offset;
        memory_free(bytes);
        range_release(&range);
    }
    return text;
}

static void append_keys(struct store *store, struct partition *partition, const char *const *keys, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        for (const char *const *key = keys; *key != NULL; key++)
            assert_int_equal(append_shape(store, partition,
                                          (struct batch_shape){.value_bytes = 300, .timestamp_ms = now_ms, .key = *key + (**key == '-'),
                                                               .tombstones = **key == '-'}, NULL), OK);
    }
}

TEST(an_idle_topic_expires_whole_and_goes_on_at_its_end)
{
    const char *const settings[] = {"retention.ms=5000", "segment.bytes=2000", "file.delete.delay.ms=1000", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    struct store_counters counters;
    struct range range;
    uint8_t bytes[4000];
    int64_t first;

    append_keys(store, partition, keys, 20);
    now_ms += 5000;
    store_clean(store);
    assert_int_equal(partition_start(partition), 0);
    assert_int_equal(partition_range(partition, 0, sizeof(bytes), false, &range, NULL), OK);
    now_ms += 1;
    store_clean(store);
    assert_int_equal(partition_start(partition), 20);
    assert_int_equal(partition_end(partition), 20);
    assert_int_equal(partition_segment_count(partition), 1);
    assert_int_equal(partition_bytes(partition), 0);
    assert_int_equal(range_read(&range, bytes, NULL), OK); /* who reads goes on */
    range_release(&range);
    assert_int_equal(partition_range(partition, 3, sizeof(bytes), false, &range, NULL), ERROR_OFFSET_OUT_OF_RANGE);
    assert_int_equal(files_count(".log"), 1);
    assert_int_equal(files_count(".log.deleted"), 4);
    store_counters_read(store, &counters);
    assert_int_equal(counters.deleted_segments, 4);
    now_ms += 1000;
    store_clean(store);
    assert_int_equal(files_count(".log.deleted"), 0);
    topic_release(topic);
    store_close(store);
    store = open_store();
    topic = store_topic_find(store, slice_from_string("t"));
    partition = topic_partition(topic, 0);
    assert_int_equal(partition_start(partition), 20);
    assert_int_equal(append_shape(store, partition, (struct batch_shape){.timestamp_ms = now_ms}, &first), OK);
    assert_int_equal(first, 20);
    topic_release(topic);
    store_close(store);
}

TEST(the_oldest_segments_go_when_a_partition_is_too_large)
{
    const char *const settings[] = {"retention.bytes=4000", "retention.ms=-1", "segment.bytes=2000", "file.delete.delay.ms=0", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    int64_t before;

    append_keys(store, partition, keys, 40);
    before = partition_bytes(partition);
    assert_true(before > 12000);
    store_clean(store);
    assert_true(partition_bytes(partition) >= 4000 && partition_bytes(partition) < 6000);
    assert_true(partition_start(partition) > 20);
    assert_int_equal(files_count(".deleted"), 0);
    topic_release(topic);
    store_close(store);
}

TEST(what_cannot_be_older_than_retention_stays_for_ever_with_minus_one)
{
    const char *const settings[] = {"retention.ms=-1", "segment.bytes=2000", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);

    append_keys(store, partition, keys, 20);
    now_ms = INT64_MAX / 2;
    store_clean(store);
    assert_int_equal(partition_start(partition), 0);
    topic_release(topic);
    store_close(store);
}

TEST(a_compacted_topic_keeps_the_newest_record_of_a_key_and_is_put_into_fewer_files)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=2000", "delete.retention.ms=5000", "file.delete.delay.ms=0", NULL};
    const char *const keys[] = {"a", "b", "c", NULL}, *const more[] = {"-a", "b", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    struct store_counters counters;
    int64_t offset, found;
    int32_t segments;

    append_keys(store, partition, keys, 10);
    append_keys(store, partition, more, 5);
    store_clean(store);
    assert_string_equal(contents(partition), "29:c 37:b 38:-a 39:b ");
    segments = partition_segment_count(partition);
    assert_int_equal(partition_start(partition), 0);
    assert_int_equal(files_count(".cleaned") + files_count(".swap") + files_count(".deleted"), 0);
    assert_int_equal(files_count(".log"), segments);
    assert_int_equal(files_count("index"), 2 * (segments - 1)); /* both of the closed ones */
    assert_int_equal(partition_find_time(partition, 0, &offset, &found, NULL), OK);
    assert_int_equal(offset, 29);
    store_counters_read(store, &counters);
    assert_int_equal(counters.compactions, 1);
    assert_true(counters.compacted_kept_bytes < counters.compacted_bytes / 2);
    store_clean(store);
    store_counters_read(store, &counters);
    assert_int_equal(counters.compactions, 1); /* nothing new to compact */
    append_keys(store, partition, more + 1, 12);
    store_clean(store);
    assert_true(partition_segment_count(partition) < segments); /* what has become small is put together */
    assert_non_null(strstr(contents(partition), "38:-a "));
    now_ms += 6000;
    append_keys(store, partition, more + 1, 30);
    store_clean(store);
    assert_null(strstr(contents(partition), "-a")); /* delete.retention.ms after it was compacted first */
    topic_release(topic);
    store_close(store);
    store = open_store();
    topic = store_topic_find(store, slice_from_string("t"));
    partition = topic_partition(topic, 0);
    assert_non_null(strstr(contents(partition), "29:c "));
    assert_int_equal(partition_end(partition), 82);
    assert_true(partition_compacted_end(partition) > 70);
    topic_release(topic);
    store_close(store);
}

TEST(an_idle_compacted_topic_is_rolled_by_age_so_that_it_can_be_compacted)
{
    const char *const settings[] = {"cleanup.policy=compact", "max.compaction.lag.ms=60000", NULL};
    const char *const keys[] = {"a", "b", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);

    append_keys(store, partition, keys, 10);
    store_clean(store);
    now_ms += 60000;
    store_clean(store);
    assert_int_equal(partition_segment_count(partition), 1);
    now_ms += 1;
    store_clean(store);
    assert_int_equal(partition_segment_count(partition), 2);
    assert_string_equal(contents(partition), "18:a 19:b ");
    topic_release(topic);
    store_close(store);
}

TEST(each_segment_is_rolled_earlier_by_a_share_of_the_jitter_of_its_own)
{
    const char *const settings[] = {"segment.ms=10000", "segment.jitter.ms=8000", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    int64_t first_ms = now_ms, least_ms = INT64_MAX, most_ms = 0;

    for (int32_t segments = 1; segments <= 20; now_ms += 100) {
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.timestamp_ms = now_ms}, NULL), OK);
        if (partition_segment_count(partition) == segments)
            continue;
        least_ms = now_ms - first_ms < least_ms ? now_ms - first_ms : least_ms;
        most_ms = now_ms - first_ms > most_ms ? now_ms - first_ms : most_ms;
        first_ms = now_ms;
        segments++;
    }
    assert_true(least_ms > 2000 && most_ms <= 10100);
    assert_true(least_ms < most_ms);
    topic_release(topic);
    store_close(store);
}

TEST(the_share_of_the_jitter_is_the_same_after_a_restart)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.ms=10000", "segment.jitter.ms=8000", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    int64_t roll_ms = partition_segment_ms(partition, &topic->settings, 0);

    assert_true(roll_ms > 2000 && roll_ms <= 10000);
    append_keys(store, partition, keys, 1);
    topic_release(topic);
    store_close(store);
    store = open_store();
    topic = store_topic_find(store, slice_from_string("t"));
    partition = topic_partition(topic, 0);
    assert_int_equal(partition_segment_ms(partition, &topic->settings, 0), roll_ms);
    store_clean(store); /* sees that nothing comes any more */
    now_ms += roll_ms;
    store_clean(store);
    assert_int_equal(partition_segment_count(partition), 1);
    now_ms += 1;
    store_clean(store);
    assert_int_equal(partition_segment_count(partition), 2);
    topic_release(topic);
    store_close(store);
}

/* The real disk; a producer appends to a last segment that is empty while the one before is read, and fills it while what remains is written. */
static struct {
    struct disk disk;
    struct store *store;
    struct partition *partition; /* NULL: not armed */
    int appended;
} meddler;

static void meddle(int upto)
{
    struct partition *partition = meddler.partition;

    if (partition == NULL || partition_segment_count(partition) < 2)
        return;
    meddler.partition = NULL; /* what it does itself passes */
    for (; meddler.appended < upto; meddler.appended++) {
        const char key[] = {'n', (char)('0' + meddler.appended), '\0'};

        assert_int_equal(append_shape(meddler.store, partition, (struct batch_shape){.value_bytes = 300, .timestamp_ms = now_ms, .key = key}, NULL), OK);
    }
    meddler.partition = partition;
}

static int meddler_open(struct disk *disk, const char *path, enum disk_mode mode, struct disk_file **opened)
{
    int result = disk_real()->operations->open(disk_real(), path, mode, opened);

    if (result == 0)
        (*opened)->disk = disk;
    return result;
}

static int meddler_read(struct disk_file *file, void *bytes, size_t size, int64_t position, size_t *got)
{
    meddle(2);
    return disk_real()->operations->read(file, bytes, size, position, got);
}

static int meddler_write(struct disk_file *file, const struct iovec *parts, int count, int64_t position)
{
    if (strstr(file->path, ".cleaned") != NULL)
        meddle(8);
    return disk_real()->operations->write(file, parts, count, position);
}

TEST(what_comes_into_an_empty_segment_during_a_compaction_stays)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=2000", "segment.ms=60000", "min.cleanable.dirty.ratio=0", NULL};
    const char *const keys[] = {"a", "b", NULL};
    struct disk_operations operations = *disk_real()->operations;
    struct partition *partition;
    struct topic *topic;
    struct store *store;

    operations.open = meddler_open;
    operations.read = meddler_read;
    operations.write = meddler_write;
    meddler.disk.operations = &operations;
    meddler.store = store = open_store_on(&meddler.disk, true);
    topic = create(store, settings);
    partition = topic_partition(topic, 0);
    append_keys(store, partition, keys, 2);
    store_clean(store);
    meddler.partition = partition;
    now_ms += 60001;
    store_clean(store); /* nothing came for long: closes the segment, and compacts it */
    meddler.partition = NULL;
    assert_int_equal(meddler.appended, 8);
    assert_string_equal(contents(partition), "2:a 3:b 4:n0 5:n1 6:n2 7:n3 8:n4 9:n5 10:n6 11:n7 ");
    assert_false(partition_cleaning_failure(partition, NULL));
    topic_release(topic);
    store_close(store);
}

TEST(a_reader_goes_on_in_what_was_compacted_under_it)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=2000", "file.delete.delay.ms=0", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    struct record_batch batch;
    uint8_t bytes[4000];
    struct range range, next;

    append_keys(store, partition, keys, 20);
    assert_int_equal(partition_range(partition, 2, sizeof(bytes), false, &range, NULL), OK);
    store_clean(store);
    assert_int_equal(range_read(&range, bytes, NULL), OK);
    assert_int_equal(record_batch_read(slice_of(bytes, range.size), &batch, NULL), OK);
    assert_int_equal(batch.base_offset, 2); /* as it was */
    assert_int_equal(batch.count, 1);
    assert_int_equal(partition_range(partition, range.next_offset, sizeof(bytes), false, &next, NULL), OK);
    assert_true(next.size > 0 && next.next_offset > range.next_offset);
    range_release(&next);
    range_release(&range);
    topic_release(topic);
    store_close(store);
}

TEST(a_producer_goes_on_with_its_sequence_when_all_it_wrote_was_compacted_away)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=2000", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    struct batch_shape shape = {.producer_id = 5, .key = "a", .timestamp_ms = now_ms};
    int64_t first;

    assert_int_equal(append_shape(store, partition, shape, &first), OK);
    append_keys(store, partition, keys, 20);
    store_clean(store);
    assert_true(strncmp(contents(partition), "0:", 2) != 0);
    topic_release(topic);
    store_close(store);
    store = open_store();
    topic = store_topic_find(store, slice_from_string("t"));
    partition = topic_partition(topic, 0);
    assert_int_equal(append_shape(store, partition, shape, &first), OK);
    assert_int_equal(first, 0); /* the same again */
    shape.sequence = 1;
    assert_int_equal(append_shape(store, partition, shape, &first), OK);
    assert_int_equal(first, 21);
    topic_release(topic);
    store_close(store);
}

TEST(a_damaged_segment_is_told_and_left_alone)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=2000", NULL};
    const char *const keys[] = {"a", NULL};
    struct store *store = open_store();
    struct topic *topic = create(store, settings);
    struct partition *partition = topic_partition(topic, 0);
    struct disk_file *file;
    struct buffer reason;
    char path[PATH_MAX + 64];
    int64_t bytes;
    uint8_t byte;
    size_t got;

    append_keys(store, partition, keys, 20);
    bytes = partition_bytes(partition);
    (void)snprintf(path, sizeof(path), "%s/t-0/00000000000000000000.log", directory);
    assert_int_equal(disk_open(disk_real(), path, DISK_WRITE, &file, NULL), OK);
    assert_int_equal(disk_read(file, &byte, 1, 100, &got, NULL), OK);
    byte ^= 1;
    assert_int_equal(disk_write(file, slice_of(&byte, 1), 100, NULL), OK);
    disk_close(file);
    store_clean(store);
    buffer_init(&reason, 2000);
    assert_true(partition_cleaning_failure(partition, &reason));
    buffer_append_u8(&reason, 0);
    assert_non_null(strstr((const char *)reason.data, "is damaged at byte 0"));
    buffer_finish(&reason);
    assert_int_equal(partition_bytes(partition), bytes);
    assert_int_equal(files_count(".cleaned"), 0);
    append_keys(store, partition, keys, 1);
    topic_release(topic);
    store_close(store);
}

TEST(a_table_that_is_too_small_takes_several_passes)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=4000", "min.cleanable.dirty.ratio=0", NULL};
    struct store *store;
    struct topic *topic;
    struct partition *partition;
    char names[40][4];

    properties_set(&defaults, "log.cleaner.dedupe.buffer.size", "400");
    store = open_store();
    topic = create(store, settings);
    partition = topic_partition(topic, 0);
    for (int i = 0; i < 120; i++) {
        (void)snprintf(names[i % 40], sizeof(names[0]), "k%d", i % 40);
        assert_int_equal(append_shape(store, partition, (struct batch_shape){.value_bytes = 300, .timestamp_ms = now_ms, .key = names[i % 40]}, NULL), OK);
    }
    store_clean(store);
    for (int i = 0; i < 40; i++) {
        char newest[16];

        (void)snprintf(newest, sizeof(newest), "%d:k%d ", 80 + i, i);
        assert_non_null(strstr(contents(partition), newest));
    }
    assert_null(strstr(contents(partition), " 30:k30 "));
    assert_null(strstr(contents(partition), " 60:k20 "));
    topic_release(topic);
    store_close(store);
}

/* ---- With all threads ---- */

#define KEYS 7
#define ROUNDS 120

struct answer {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t answered;
    bool done;
};

static void answer_note(struct append *append)
{
    struct answer *answer = append->context;

    (void)pthread_mutex_lock(&answer->lock);
    answer->done = true;
    (void)pthread_cond_signal(&answer->answered);
    (void)pthread_mutex_unlock(&answer->lock);
}

static void append_wait(struct store *store, struct partition *partition, struct batch_shape shape)
{
    struct answer answer = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct slice batch = batch_make(shape);
    struct append append = {.partition = partition, .batches = batch, .acks = -1, .done = answer_note, .context = &answer};

    store_append(store, &append);
    (void)pthread_mutex_lock(&answer.lock);
    while (!answer.done)
        (void)pthread_cond_wait(&answer.answered, &answer.lock);
    (void)pthread_mutex_unlock(&answer.lock);
    assert_int_equal(append.status, OK);
    batch_free(batch);
}

struct reading {
    struct partition *partition;
    _Atomic bool stop;
    int64_t passes;
    const char *wrong;
};

/* Reads the whole partition again and again: offsets rise, every key is there, and each record has the key of its offset. */
static void *read_always(void *context)
{
    struct reading *reading = context;
    uint8_t *bytes = memory_new(1 << 16);

    while (!atomic_load(&reading->stop) && reading->wrong == NULL) {
        int64_t before = -1;
        unsigned seen = 0;

        for (int64_t at = 0; at < partition_end(reading->partition);) { /* the end as it is then: what was newer than an old one counts */
            struct record_batch batch;
            struct range range;

            if (partition_range(reading->partition, at, 1 << 15, false, &range, NULL) != OK || range.size == 0) {
                reading->wrong = "a range could not be read";
                break;
            }
            if (range_read(&range, bytes, NULL) != OK)
                reading->wrong = "bytes could not be read";
            for (struct slice rest = slice_of(bytes, range.size); rest.size > 0 && reading->wrong == NULL; rest = slice_from(rest, batch.bytes.size)) {
                struct record_iterator iterator;
                struct record record;

                if (record_batch_read(rest, &batch, NULL) != OK || !record_batch_checksum_is_right(&batch)) {
                    reading->wrong = "no batch stands there";
                    break;
                }
                (void)record_iterator_init(&iterator, &batch, NULL, 0, NULL, NULL);
                while (record_iterator_next(&iterator, &record)) {
                    if (record.offset <= before && record.offset >= at)
                        reading->wrong = "offsets do not rise";
                    if (record.key.data[0] != 'a' + record.offset % KEYS)
                        reading->wrong = "a record has another key";
                    before = record.offset;
                    seen |= 1u << (record.offset % KEYS);
                }
            }
            at = range.next_offset;
            range_release(&range);
        }
        if (reading->wrong == NULL && before + 1 >= KEYS && seen != (1u << KEYS) - 1)
            reading->wrong = "a key is missing";
        reading->passes++;
    }
    memory_free(bytes);
    return NULL;
}

TEST(readers_and_a_producer_go_on_while_segments_are_swapped)
{
    const char *const settings[] = {"cleanup.policy=compact", "segment.bytes=4000", "file.delete.delay.ms=0", NULL};
    struct reading readings[2] = {{.passes = 0}, {.passes = 0}};
    struct store_counters counters;
    pthread_t threads[2];
    struct store *store;
    struct topic *topic;

    properties_set(&defaults, "log.cleaner.backoff.ms", "1");
    properties_set(&defaults, "log.cleaner.min.cleanable.ratio", "0");
    properties_set(&defaults, "log.retention.check.interval.ms", "1");
    store = open_store_on(NULL, false);
    topic = create(store, settings);
    for (int i = 0; i < 2; i++) {
        readings[i].partition = topic_partition(topic, 0);
        assert_int_equal(pthread_create(&threads[i], NULL, read_always, &readings[i]), 0);
    }
    for (int wanted = 1, i = 0; wanted <= 3; wanted++) {
        for (int end = i + ROUNDS / 3 * KEYS; i < end; i++) {
            const char key[2] = {(char)('a' + i % KEYS), '\0'};

            append_wait(store, readings[0].partition, (struct batch_shape){.value_bytes = 300, .timestamp_ms = now_ms + i, .key = key});
        }
        do {
            (void)usleep(1000);
            store_counters_read(store, &counters);
        } while (counters.compactions < wanted);
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&readings[i].stop, true);
        (void)pthread_join(threads[i], NULL);
        assert_string_equal(readings[i].wrong == NULL ? "" : readings[i].wrong, "");
        assert_true(readings[i].passes > 0);
    }
    topic_release(topic);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_idle_topic_expires_whole_and_goes_on_at_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_segments_go_when_a_partition_is_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_older_than_retention_stays_for_ever_with_minus_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_compacted_topic_keeps_the_newest_record_of_a_key_and_is_put_into_fewer_files, setup, teardown),
        cmocka_unit_test_setup_teardown(an_idle_compacted_topic_is_rolled_by_age_so_that_it_can_be_compacted, setup, teardown),
        cmocka_unit_test_setup_teardown(each_segment_is_rolled_earlier_by_a_share_of_the_jitter_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(the_share_of_the_jitter_is_the_same_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_into_an_empty_segment_during_a_compaction_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_goes_on_in_what_was_compacted_under_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_producer_goes_on_with_its_sequence_when_all_it_wrote_was_compacted_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_segment_is_told_and_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_and_a_producer_go_on_while_segments_are_swapped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_table_that_is_too_small_takes_several_passes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
