/*
 * bench/store.c: the store alone: appends of 1 KB records from several senders, publishes of an owner, the time of a round, and
 * opening with many partitions; compaction, and what appends lose to it. Usage: bench_store DIRECTORY; prints one line per measurement.
 */
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/store.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT 5 /* appends of one sender under way, as Kafka's producers have them */

struct sender {
    pthread_mutex_t lock; /* guards the two below */
    pthread_cond_t answered;
    int under_way, failed;
};

static struct slice batch;

/* keys  records have one of so many keys, at random; 0: none */
static void make_batch(int records, size_t value_bytes, int keys)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder builder;
    uint8_t *value = memory_new(value_bytes);

    memset(value, 'x', value_bytes);
    record_builder_init(&builder, (size_t)64 << 20);
    for (int i = 0; i < records; i++) {
        int key = keys == 0 ? 0 : rand() % keys;

        (void)record_builder_append(&builder, clock_now_ms(), keys == 0 ? slice_null() : slice_of(&key, sizeof(key)), slice_of(value, value_bytes),
                                    NULL, 0);
    }
    batch = record_builder_seal(&builder, &spec, NULL);
    batch = slice_of(memory_copy_bytes(batch.data, batch.size), batch.size);
    record_builder_finish(&builder);
    memory_free(value);
}

static void append_done(struct append *append)
{
    struct sender *sender = append->context;

    (void)pthread_mutex_lock(&sender->lock);
    sender->under_way--;
    sender->failed += append->status != OK;
    (void)pthread_cond_signal(&sender->answered);
    (void)pthread_mutex_unlock(&sender->lock);
    memory_free(append);
}

/* Sends for some seconds to the partitions in turn, with so many appends under way; gives appends a second. */
static double appends(struct store *store, struct topic *topic, int partitions, int under_way_max, double seconds)
{
    struct sender sender = {.under_way = 0};
    int64_t start_ns = clock_monotonic_ns(), count = 0;

    (void)pthread_mutex_init(&sender.lock, NULL);
    (void)pthread_cond_init(&sender.answered, NULL);
    while ((double)(clock_monotonic_ns() - start_ns) < seconds * (double)NS_PER_SECOND) {
        struct append *append = memory_new(sizeof(*append));

        *append = (struct append){.partition = topic_partition(topic, (int32_t)(count % partitions)),
                                  .batches = batch,
                                  .acks = -1,
                                  .done = append_done,
                                  .context = &sender};
        (void)pthread_mutex_lock(&sender.lock);
        while (sender.under_way >= under_way_max)
            (void)pthread_cond_wait(&sender.answered, &sender.lock);
        sender.under_way++;
        (void)pthread_mutex_unlock(&sender.lock);
        store_append(store, append);
        count++;
    }
    (void)pthread_mutex_lock(&sender.lock);
    while (sender.under_way > 0)
        (void)pthread_cond_wait(&sender.answered, &sender.lock);
    (void)pthread_mutex_unlock(&sender.lock);
    if (sender.failed > 0)
        printf("%d appends failed\n", sender.failed);
    return (double)count / ((double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_SECOND);
}

struct publisher {
    struct sender sender;
    struct publish publish;
    struct publish_item items[100];
};

static void publish_done(struct publish *publish)
{
    struct publisher *publisher = publish->context;

    (void)pthread_mutex_lock(&publisher->sender.lock);
    publisher->sender.under_way = 0;
    publisher->sender.failed += publish->status != OK;
    (void)pthread_cond_signal(&publisher->sender.answered);
    (void)pthread_mutex_unlock(&publisher->sender.lock);
}

/* Publishes one after the other, each over so many partitions; gives publishes a second. */
static double publishes(struct store *store, struct topic *topic, int partitions, double seconds)
{
    static struct publisher publisher;
    struct buffer position;
    int64_t session, start_ns, count = 0;

    buffer_init(&position, 1000);
    (void)pthread_mutex_init(&publisher.sender.lock, NULL);
    (void)pthread_cond_init(&publisher.sender.answered, NULL);
    if (store_owner_open(store, "connector/bench", &session, &position, NULL) != OK)
        return -1;
    for (int i = 0; i < partitions; i++)
        publisher.items[i] = (struct publish_item){topic_partition(topic, i), batch};
    start_ns = clock_monotonic_ns();
    while ((double)(clock_monotonic_ns() - start_ns) < seconds * (double)NS_PER_SECOND) {
        publisher.publish = (struct publish){.owner = "connector/bench",
                                             .session = session,
                                             .position = slice_from_string("0/16B3748 and 32 bytes of something"),
                                             .items = publisher.items,
                                             .item_count = (size_t)partitions,
                                             .done = publish_done,
                                             .context = &publisher};
        (void)pthread_mutex_lock(&publisher.sender.lock);
        publisher.sender.under_way = 1;
        store_publish(store, &publisher.publish);
        while (publisher.sender.under_way > 0)
            (void)pthread_cond_wait(&publisher.sender.answered, &publisher.sender.lock);
        (void)pthread_mutex_unlock(&publisher.sender.lock);
        count++;
    }
    buffer_finish(&position);
    if (publisher.sender.failed > 0)
        printf("%d publishes failed\n", publisher.sender.failed);
    return (double)count / ((double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_SECOND);
}

static struct store *open_store(const char *directory, double *milliseconds)
{
    struct properties defaults;
    struct store_settings settings = {
        .directory = directory, .default_partitions = 1, .flush_acks = true, .sync_threads = 8, .topic_defaults = &defaults};
    struct store *store = NULL;
    struct error error;
    int64_t start_ns = clock_monotonic_ns();

    properties_init(&defaults);
    properties_set(&defaults, "log.cleaner.backoff.ms", "50");
    if (store_open(&settings, &store, &error) != OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    properties_finish(&defaults);
    *milliseconds = (double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_MS;
    return store;
}

static struct topic *create(struct store *store, const char *name, int32_t partitions)
{
    struct topic_spec spec = {.name = name, .partitions = partitions};
    int64_t start_ns = clock_monotonic_ns();

    (void)store_topic_create_wait(store, &spec, NULL);
    printf("create %s with %d partitions: %.1f ms\n", name, partitions, (double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_MS);
    return store_topic_find(store, slice_from_string(name));
}

static void rounds_say(struct store *store, struct store_counters *before)
{
    struct store_counters now;

    store_counters_read(store, &now);
    printf("  %" PRIi64 " rounds, %.1f batches and %.1f syncs a round, last round %" PRIi64 " us\n", now.rounds - before->rounds,
           (double)(now.appended_batches - before->appended_batches) / (double)(now.rounds - before->rounds),
           (double)(now.syncs - before->syncs) / (double)(now.rounds - before->rounds), now.last_round_us);
    *before = now;
}

static void measure_appends(struct store *store, struct topic *topic, int partitions, int under_way, int records)
{
    struct store_counters counters;
    int64_t start_us = (int64_t)clock() * (US_PER_SECOND / CLOCKS_PER_SEC);
    double rate;

    make_batch(records, 1024, 0);
    store_counters_read(store, &counters);
    rate = appends(store, topic, partitions, under_way, 2);
    printf("append acks=all, %d partitions, batches of %d x 1 KB, %d under way: %.0f batches/s, %.0f records/s, %.0f MB/s, %.2f us CPU a record\n",
           partitions, records, under_way, rate, rate * records, rate * (double)batch.size / 1e6,
           (double)((int64_t)clock() * (US_PER_SECOND / CLOCKS_PER_SEC) - start_us) / (rate * 2 * records));
    rounds_say(store, &counters);
    memory_free((void *)(uintptr_t)batch.data);
}

/* ---- Compaction ---- */

#define COMPACT_FILL_BYTES (INT64_C(1) << 30)
#define COMPACT_KEYS 200000

static struct properties compacted_config(const char *ratio)
{
    struct properties config;

    properties_init(&config);
    properties_set(&config, "cleanup.policy", "compact");
    properties_set(&config, "segment.bytes", "67108864");
    properties_set(&config, "min.cleanable.dirty.ratio", ratio);
    return config;
}

static void configured(void *context, enum status status, const char *message)
{
    if (status != OK)
        printf("the topic could not be configured: %s\n", message);
    atomic_store((_Atomic bool *)context, true);
}

/* Fills a topic that is not due, then makes it due, and appends to another one while it is compacted. */
static void measure_compaction(struct store *store, struct topic *other)
{
    struct properties config = compacted_config("1");
    struct topic_spec spec = {.name = "compacted", .partitions = 1, .config = &config};
    struct store_counters before, now;
    _Atomic bool done = false;
    struct topic *topic;
    double alone, beside;

    (void)store_topic_create_wait(store, &spec, NULL);
    properties_finish(&config);
    topic = store_topic_find(store, slice_from_string("compacted"));
    while (partition_bytes(topic_partition(topic, 0)) < COMPACT_FILL_BYTES) {
        make_batch(1000, 1024, COMPACT_KEYS);
        (void)appends(store, topic, 1, 1, 0.001); /* a few times the same */
        memory_free((void *)(uintptr_t)batch.data);
    }
    make_batch(15, 1024, 0);
    (void)appends(store, other, 1, 100, 1);
    alone = appends(store, other, 1, 100, 1);
    store_counters_read(store, &before);
    config = compacted_config("0");
    store_topic_set_config(store, slice_from_string("compacted"), &config, configured, &done);
    while (!atomic_load(&done))
        clock_sleep_ms(1);
    properties_finish(&config);
    clock_sleep_ms(200); /* the cleaner looks every 50 ms */
    beside = appends(store, other, 1, 100, 1);
    do {
        clock_sleep_ms(10);
        store_counters_read(store, &now);
    } while (now.compactions == before.compactions);
    alone = (alone + appends(store, other, 1, 100, 1)) / 2;
    printf("compact %.0f MB of %d keys: %.1f s, %.0f MB/s read, %.0f MB remain; appends beside it %.2f of those before and after (%.0f and %.0f MB/s)\n",
           (double)(now.compacted_bytes - before.compacted_bytes) / 1e6, COMPACT_KEYS, (double)(now.compaction_us - before.compaction_us) / 1e6,
           (double)(now.compacted_bytes - before.compacted_bytes) / (double)(now.compaction_us - before.compaction_us),
           (double)(now.compacted_kept_bytes - before.compacted_kept_bytes) / 1e6, beside / alone, alone * (double)batch.size / 1e6,
           beside * (double)batch.size / 1e6);
    memory_free((void *)(uintptr_t)batch.data);
    topic_release(topic);
}

int main(int count, char **arguments)
{
    const char *directory = count > 1 ? arguments[1] : "store-bench-data";
    struct topic *one, *hundred, *thousand;
    struct store_counters counters;
    struct store *store;
    double opened_ms;

    (void)logger_set_level(NULL, "error");
    store = open_store(directory, &opened_ms);
    printf("open an empty directory: %.1f ms\n", opened_ms);
    one = create(store, "one", 1);
    hundred = create(store, "hundred", 100);
    thousand = create(store, "thousand", 1000);
    measure_appends(store, one, 1, 1, 1);
    measure_appends(store, one, 1, IN_FLIGHT, 1);
    measure_appends(store, one, 1, IN_FLIGHT, 15);
    measure_appends(store, one, 1, 100, 15);
    measure_appends(store, hundred, 100, 1, 1);
    measure_appends(store, hundred, 100, 100, 15);
    measure_appends(store, thousand, 1000, 1000, 1);
    make_batch(1, 1024, 0);
    for (int partitions = 1; partitions <= 100; partitions *= 10) {
        store_counters_read(store, &counters);
        printf("publish over %d partitions, one at a time: %.0f/s\n", partitions, publishes(store, hundred, partitions, 2));
        rounds_say(store, &counters);
    }
    memory_free((void *)(uintptr_t)batch.data);
    measure_compaction(store, one);
    make_batch(1, 1024, 0);
    topic_release(one);
    topic_release(hundred);
    topic_release(thousand);
    {
        int64_t start_ns = clock_monotonic_ns();

        store_close(store);
        printf("clean close with 1101 partitions written to: %.1f ms\n", (double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_MS);
    }
    store = open_store(directory, &opened_ms);
    printf("open with 1101 partitions after a clean end: %.1f ms\n", opened_ms);
    store_close(store);
    memory_free((void *)(uintptr_t)batch.data);
    return 0;
}
