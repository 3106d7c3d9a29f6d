/*
 * bench/store.c: the store alone, beside plain writes, syncs and reads of the same bytes in the same run: appends of 1 KB records
 * under each policy of syncing, publishes of an owner, reading, opening after the process was killed, and compaction with what
 * appends lose to it. Usage: bench_store DIRECTORY; prints one JSON object a line.
 */
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "store/store.h"
#include "wire/kafka/records.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDS 15        /* of 1 KB in a batch, as many as fit a producer's batch.size of 16 KB */
#define APPEND_SECONDS 2.0
#define PLAIN_BYTES_MAX ((int64_t)4 << 30)
#define READ_BYTES ((size_t)1 << 20)
#define CRASH_BYTES ((int64_t)1 << 30)
#define COMPACT_FILL_BYTES ((int64_t)512 << 20)
#define COMPACT_KEYS 100000

struct sender {
    pthread_mutex_t lock; /* guards the two below */
    pthread_cond_t answered;
    int under_way, failed;
};

static struct slice batch;

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("bench_store: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_SECOND;
}

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
        die("%d appends failed", sender.failed);
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
        die("the owner cannot be opened");
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
        die("%d publishes failed", publisher.sender.failed);
    return (double)count / ((double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_SECOND);
}

static struct store *open_store(const char *directory, const char *name, bool flush_acks)
{
    struct properties defaults;
    char path[PATH_MAX];
    struct store_settings settings = {
        .directory = path, .default_partitions = 1, .flush_acks = flush_acks, .sync_threads = 8, .topic_defaults = &defaults};
    struct store *store = NULL;
    struct error error;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    properties_init(&defaults);
    properties_set(&defaults, "log.cleaner.backoff.ms", "50");
    if (store_open(&settings, &store, &error) != OK)
        die("%s", error.message);
    properties_finish(&defaults);
    return store;
}

static struct topic *create(struct store *store, const char *name, int32_t partitions, const struct properties *config)
{
    struct topic_spec spec = {.name = name, .partitions = partitions, .config = config};
    struct error error;

    if (store_topic_create_wait(store, &spec, &error) != OK)
        die("%s", error.message);
    return store_topic_find(store, slice_from_string(name));
}

static void batch_drop(void)
{
    memory_free((void *)(uintptr_t)batch.data);
}

/* ---- Appends, and plain writes of the same bytes ---- */

/* Writes so many batches at once to a file of its own, with a sync each time or without; gives MB/s. */
static double plain_writes(const char *directory, int batches, bool synced, double seconds)
{
    size_t size = batch.size * (size_t)batches;
    uint8_t *bytes = memory_new(size);
    int64_t start_ns, written = 0;
    char path[PATH_MAX];
    int file;

    for (int i = 0; i < batches; i++)
        memcpy(bytes + (size_t)i * batch.size, batch.data, batch.size);
    (void)snprintf(path, sizeof(path), "%s/plain", directory);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        die("%s cannot be made", path);
    start_ns = clock_monotonic_ns();
    while (seconds_since(start_ns) < seconds && written < PLAIN_BYTES_MAX) {
        if (pwrite(file, bytes, size, written) != (ssize_t)size || (synced && fdatasync(file) != 0))
            die("%s cannot be written", path);
        written += (int64_t)size;
    }
    seconds = seconds_since(start_ns);
    (void)close(file);
    (void)unlink(path);
    memory_free(bytes);
    return (double)written / 1e6 / seconds;
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* policy  what the line is called; synced  as the store was opened. The plain writes come as many at once as a round of the store had. */
static void measure_appends(const char *directory, struct store *store, struct topic *topic, int partitions, int under_way, const char *policy, bool synced)
{
    struct store_counters before, now;
    double rate, cpu, in_round, plain;

    store_counters_read(store, &before);
    cpu = cpu_seconds();
    rate = appends(store, topic, partitions, under_way, APPEND_SECONDS);
    cpu = (cpu_seconds() - cpu) / (rate * APPEND_SECONDS * RECORDS) * 1e6;
    store_counters_read(store, &now);
    in_round = (double)(now.appended_batches - before.appended_batches) / (double)(now.rounds - before.rounds);
    plain = plain_writes(directory, (int)(in_round + 0.5), synced, APPEND_SECONDS);
    printf("{\"what\": \"append\", \"policy\": \"%s\", \"partitions\": %d, \"under_way\": %d, \"batches_per_second\": %.0f, \"batches_per_round\": %.1f, "
           "\"syncs_per_round\": %.1f, \"mb_per_second\": %.1f, \"plain_mb_per_second\": %.1f, \"cpu_us_per_record\": %.3f}\n",
           policy, partitions, under_way, rate, in_round, (double)(now.syncs - before.syncs) / (double)(now.rounds - before.rounds),
           rate * (double)batch.size / 1e6, plain, cpu);
    (void)fflush(stdout);
}

static void measure_policies(const char *directory)
{
    struct store *store = open_store(directory, "synced", true);
    struct topic *one = create(store, "one", 1, NULL), *hundred = create(store, "hundred", 100, NULL);

    make_batch(RECORDS, 1024, 0);
    measure_appends(directory, store, one, 1, 1, "each append synced", true);
    measure_appends(directory, store, one, 1, 100, "synced together", true);
    measure_appends(directory, store, hundred, 100, 100, "synced together", true);
    batch_drop();
    make_batch(1, 1024, 0);
    for (int partitions = 1; partitions <= 100; partitions *= 10) {
        printf("{\"what\": \"publish\", \"partitions\": %d, \"per_second\": %.0f}\n", partitions, publishes(store, hundred, partitions, 1));
        (void)fflush(stdout);
    }
    batch_drop();
    topic_release(one);
    topic_release(hundred);
    store_close(store);
    store = open_store(directory, "cached", false);
    one = create(store, "one", 1, NULL);
    make_batch(RECORDS, 1024, 0);
    measure_appends(directory, store, one, 1, 100, "not synced (log.flush.acks=false)", false);
    batch_drop();
    topic_release(one);
    store_close(store);
}

/* ---- Opening after a kill, and reading ---- */

/* In a process of its own, which ends as if it were killed. Before there are threads. */
static void crash_prepare(const char *directory)
{
    pid_t child = fork();
    int outcome;

    if (child == 0) {
        struct store *store = open_store(directory, "killed", true);
        struct topic *topic = create(store, "one", 1, NULL);

        make_batch(1000, 1024, 0);
        while (partition_bytes(topic_partition(topic, 0)) < CRASH_BYTES)
            (void)appends(store, topic, 1, 4, 0.1);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &outcome, 0) != child || outcome != 0)
        die("the log could not be filled");
}

static double read_plainly(const char *directory)
{
    uint8_t *bytes = memory_new(READ_BYTES);
    int64_t start_ns = clock_monotonic_ns(), at = 0;
    char path[PATH_MAX];
    ssize_t got;
    int file;

    (void)snprintf(path, sizeof(path), "%s/killed/one-0/00000000000000000000.log", directory);
    file = open(path, O_RDONLY | O_CLOEXEC);
    while (file >= 0 && (got = pread(file, bytes, READ_BYTES, at)) > 0)
        at += got;
    if (at == 0)
        die("%s cannot be read", path);
    (void)close(file);
    memory_free(bytes);
    return (double)at / 1e6 / seconds_since(start_ns);
}

/* Every batch of the partition with its header looked at, as a reader in the process does. */
static double read_through(struct partition *partition)
{
    uint8_t *bytes = memory_new(READ_BYTES * 4);
    int64_t start_ns = clock_monotonic_ns(), read = 0;

    for (int64_t at = partition_start(partition); at < partition_end(partition);) {
        struct range range;
        struct error error;

        if (partition_range(partition, at, READ_BYTES, false, &range, &error) != OK || range_read(&range, bytes, &error) != OK)
            die("%s", error.message);
        read += (int64_t)range.size;
        at = range.next_offset;
        range_release(&range);
    }
    memory_free(bytes);
    return (double)read / 1e6 / seconds_since(start_ns);
}

static void measure_recovery(const char *directory)
{
    double plain = read_plainly(directory), seconds, read;
    int64_t start_ns = clock_monotonic_ns();
    struct store *store = open_store(directory, "killed", true);
    struct topic *topic = store_topic_find(store, slice_from_string("one"));
    double mb = (double)partition_bytes(topic_partition(topic, 0)) / 1e6;

    seconds = seconds_since(start_ns);
    printf("{\"what\": \"recovery\", \"mb\": %.0f, \"seconds\": %.3f, \"mb_per_second\": %.0f, \"plain_mb_per_second\": %.0f}\n", mb, seconds, mb / seconds, plain);
    read = read_through(topic_partition(topic, 0));
    printf("{\"what\": \"read\", \"mb\": %.0f, \"mb_per_second\": %.0f, \"plain_mb_per_second\": %.0f}\n", mb, read, read_plainly(directory));
    (void)fflush(stdout);
    topic_release(topic);
    store_close(store);
}

/* ---- Compaction ---- */

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
        die("the topic could not be configured: %s", message);
    atomic_store((_Atomic bool *)context, true);
}

static void compaction_begin(struct store *store)
{
    struct properties config = compacted_config("0");
    _Atomic bool done = false;

    store_topic_set_config(store, slice_from_string("compacted"), &config, configured, &done);
    while (!atomic_load(&done))
        clock_sleep_ms(1);
    properties_finish(&config);
    clock_sleep_ms(200); /* the cleaner looks every 50 ms */
}

/* Fills a topic that is not due, then makes it due, and appends to another one while it is compacted. */
static void measure_compaction(const char *directory)
{
    struct store *store = open_store(directory, "compacted", true);
    struct properties config = compacted_config("1");
    struct topic *topic = create(store, "compacted", 1, &config), *other = create(store, "other", 1, NULL);
    struct store_counters before, now;
    double alone, beside, read_mb, seconds;

    properties_finish(&config);
    while (partition_bytes(topic_partition(topic, 0)) < COMPACT_FILL_BYTES) {
        make_batch(1000, 1024, COMPACT_KEYS);
        (void)appends(store, topic, 1, 1, 0.001); /* a few times the same */
        batch_drop();
    }
    make_batch(RECORDS, 1024, 0);
    (void)appends(store, other, 1, 100, 1);
    alone = appends(store, other, 1, 100, 1);
    store_counters_read(store, &before);
    compaction_begin(store);
    beside = appends(store, other, 1, 100, 1);
    do {
        clock_sleep_ms(10);
        store_counters_read(store, &now);
    } while (now.compactions == before.compactions);
    alone = (alone + appends(store, other, 1, 100, 1)) / 2;
    read_mb = (double)(now.compacted_bytes - before.compacted_bytes) / 1e6;
    seconds = (double)(now.compaction_us - before.compaction_us) / 1e6;
    printf("{\"what\": \"compaction\", \"keys\": %d, \"mb\": %.0f, \"kept_mb\": %.0f, \"seconds\": %.2f, \"mb_per_second\": %.0f, \"append_mb_per_second\": %.1f, "
           "\"append_beside_mb_per_second\": %.1f}\n",
           COMPACT_KEYS, read_mb, (double)(now.compacted_kept_bytes - before.compacted_kept_bytes) / 1e6, seconds, read_mb / seconds,
           alone * (double)batch.size / 1e6, beside * (double)batch.size / 1e6);
    batch_drop();
    topic_release(topic);
    topic_release(other);
    store_close(store);
}

int main(int count, char **arguments)
{
    const char *directory = count > 1 ? arguments[1] : "store-bench-data";

    (void)logger_set_level(NULL, "error");
    (void)mkdir(directory, 0700);
    crash_prepare(directory);
    measure_policies(directory);
    measure_recovery(directory);
    measure_compaction(directory);
    return 0;
}
