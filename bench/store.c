/*
 * bench/store.c: the store alone: appends of 1 KB records from several senders, publishes of an owner, the time of a round, and
 * opening with many partitions. Usage: bench_store DIRECTORY; prints one line per measurement.
 */
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/store.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT 5 /* appends of one sender under way, as Kafka's producers have them */

struct sender {
    pthread_mutex_t lock; /* guards the two below */
    pthread_cond_t answered;
    int under_way, failed;
};

static struct slice batch;

static void make_batch(int records, size_t value_bytes)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder builder;
    uint8_t *value = memory_new(value_bytes);

    memset(value, 'x', value_bytes);
    record_builder_init(&builder, (size_t)64 << 20);
    for (int i = 0; i < records; i++)
        (void)record_builder_append(&builder, clock_now_ms(), slice_null(), slice_of(value, value_bytes), NULL, 0);
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
    struct store_settings settings = {.directory = directory, .default_partitions = 1, .flush_acks = true, .sync_threads = 8};
    struct store *store = NULL;
    struct error error;
    int64_t start_ns = clock_monotonic_ns();

    if (store_open(&settings, &store, &error) != OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
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

    make_batch(records, 1024);
    store_counters_read(store, &counters);
    rate = appends(store, topic, partitions, under_way, 2);
    printf("append acks=all, %d partitions, batches of %d x 1 KB, %d under way: %.0f batches/s, %.0f records/s, %.0f MB/s, %.2f us CPU a record\n",
           partitions, records, under_way, rate, rate * records, rate * (double)batch.size / 1e6,
           (double)((int64_t)clock() * (US_PER_SECOND / CLOCKS_PER_SEC) - start_us) / (rate * 2 * records));
    rounds_say(store, &counters);
    memory_free((void *)(uintptr_t)batch.data);
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
    make_batch(1, 1024);
    for (int partitions = 1; partitions <= 100; partitions *= 10) {
        store_counters_read(store, &counters);
        printf("publish over %d partitions, one at a time: %.0f/s\n", partitions, publishes(store, hundred, partitions, 2));
        rounds_say(store, &counters);
    }
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
