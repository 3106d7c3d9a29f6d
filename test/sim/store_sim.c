/*
 * test/sim/store_sim.c: the store on a disk that loses power, from a seed. Producers and owners write to a few topics that
 * come and go; at a random call the power is cut; after every reopening all that was promised is checked:
 *   - what was acknowledged is there once, at its offset, and what was refused is not; offsets have no gaps;
 *   - of each owner exactly the rows of its publishes up to its position are there, over all partitions;
 *   - a producer that sends a batch again, not knowing, does not double it;
 *   - of a compacted topic the newest value of each key is there, what remains stands at its offset, and nothing that was once
 *     compacted away comes back; a key is gone only when it was deleted.
 * While a compaction reads and writes, producers and owners go on, records are deleted, topics come and go.
 * Then one damaged byte before the last sync, in a world of its own: the partition is read-only, and nothing is cut.
 * Usage: store_sim [FIRST_SEED [COUNT]]; TAILRACE_SIM_SEEDS sets the count, TAILRACE_SIM_TRACE=1 says what happens.
 */
#include "sim_disk.h"

#include "base/memory.h"
#include "os/logger.h"
#include "store/internal.h"
#include "store/store.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TOPICS 4
#define PARTITIONS_MAX 3
#define OWNERS 2
#define PRODUCERS 3
#define IDS_MAX 20000
#define FACTS_MAX 8000
#define PENDING_MAX 64
#define RECORDS_MAX 5 /* of one batch */
#define KEYS 20
#define MEDDLINGS_MAX 10 /* while the cleaner is at work once */
#define FIRST_TIME_MS 1000 /* of the record with id 0; the next ones 1 ms later each */

enum state {
    PENDING,   /* handed over, not answered */
    ACKED,     /* must be there, at its offset */
    UNSURE,    /* may be there or not: answered by a dead disk, failed, or written without a sync */
    NEVER,     /* must not be there */
};

/* One batch that was sent to one partition. */
struct fact {
    enum state state;
    int topic, partition;
    uint64_t incarnation; /* of the topic */
    uint64_t first_id;
    int count;
    int64_t offset; /* -1 unknown */
    int owner;      /* -1: a producer's */
    uint64_t attempt;
    bool retried; /* an idempotent producer sends it until it is acknowledged */
    bool weak;    /* acknowledged without having been synced (acks=1) */
    bool in_doubt; /* there was a time when nobody knew whether it is there: it may be, and have been compacted away */
    int seen;     /* by the last check */
};

enum life { ABSENT, PRESENT, PERHAPS_CREATED, PERHAPS_DELETED };

struct topic_model {
    enum life life;
    uint64_t incarnation;
    int partitions, partitions_perhaps;
    int64_t start[PARTITIONS_MAX], start_perhaps[PARTITIONS_MAX];
    bool compacted;
    bool moving; /* retention moves the start */
};

struct attempt {
    enum state state;
    int owner;
    int64_t in_doubt; /* the disk may have its record: of which run; 0: no doubt */
};

struct producer_model { /* idempotent, one batch under way at a time, one partition */
    int64_t id;
    int topic, partition;
    uint64_t incarnation;
    int32_t sequence;
    int unanswered; /* the fact that it has to send until it is acknowledged; -1 none */
    int last;       /* an acknowledged one, for sending again; -1 none */
};

struct sent { /* an append or publish under way, with its memory */
    struct append append;
    struct publish publish;
    struct publish_item items[3];
    struct slice batches[3];
    int facts[3];
    int count;
    char position[24];
    char owner[16];
    struct topic *topics[3];
    int producer; /* -1 */
    bool answered, expect_refusal;
    struct world *world;
};

struct world {
    uint64_t seed;
    struct sim_disk *disk;
    struct store *store;
    bool flush_acks;
    int64_t small_segment_bytes;
    int fail_writes, fail_syncs, fail_names;
    int64_t now_ms;
    uint64_t incarnations;
    struct topic_model topics[TOPICS];
    struct fact facts[FACTS_MAX];
    int fact_count;
    int fact_of_id[IDS_MAX];
    bool gone_id[IDS_MAX]; /* compacted away */
    struct properties defaults;
    uint64_t next_id;
    struct attempt attempts[FACTS_MAX];
    uint64_t attempt_count;
    int64_t sessions[OWNERS];
    struct producer_model producers[PRODUCERS];
    struct sent *sent[PENDING_MAX];
    int sent_count;
    int64_t cuts, opens, appends, publishes, runs, compactions, retired;
    bool meddling; /* something else is done in the middle of a compaction */
    int meddlings; /* left in this one, for what comes in makes it due again */
    int aim_topic, aim_partition; /* where most of that goes */
};

static bool tracing;

static void trace(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

static void trace(const struct world *world, const char *format, ...)
{
    va_list arguments;

    if (!tracing)
        return;
    va_start(arguments, format);
    printf("%" PRIi64 ": ", sim_disk_calls(world->disk));
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
}

static void wrong(const struct world *world, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    printf("seed %" PRIu64 " after %" PRIi64 " calls: ", world->seed, sim_disk_calls(world->disk));
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
    exit(1);
}

static uint64_t draw(struct world *world, uint64_t below)
{
    return sim_random(world->disk, below);
}

static int64_t world_now(void *context)
{
    return ((struct world *)context)->now_ms;
}

static struct uuid world_uuid(void *context)
{
    struct world *world = context;
    struct uuid uuid;

    for (size_t i = 0; i < sizeof(uuid.bytes); i++)
        uuid.bytes[i] = (uint8_t)draw(world, 256);
    return uuid;
}

static const char *topic_text(int topic)
{
    static const char *const names[TOPICS] = {"alpha", "beta", "gamma", "delta.x-1"};

    return names[topic];
}

/* ---- Opening ---- */

static enum status try_open(struct world *world, struct error *error)
{
    struct store_settings settings = {.directory = "/data",
                                      .disk = sim_disk_seam(world->disk),
                                      .segment_bytes = 1 << 20,
                                      .index_interval_bytes = 100,
                                      .default_partitions = 1,
                                      .small_segment_bytes = world->small_segment_bytes,
                                      .flush_acks = world->flush_acks,
                                      .topic_defaults = &world->defaults,
                                      .manual = true,
                                      .now_ms = world_now,
                                      .new_uuid = world_uuid,
                                      .context = world};

    world->opens++;
    world->store = NULL;
    return store_open(&settings, &world->store, error);
}

/* ---- Facts ---- */

static int fact_new(struct world *world, int topic, int partition, int count)
{
    int at = world->fact_count++;
    struct fact *fact = &world->facts[at];

    if (world->fact_count > FACTS_MAX || world->next_id + (uint64_t)count > IDS_MAX)
        wrong(world, "the simulation's own tables are too small");
    *fact = (struct fact){.state = PENDING,
                          .topic = topic,
                          .partition = partition,
                          .incarnation = world->topics[topic].incarnation,
                          .first_id = world->next_id,
                          .count = count,
                          .offset = -1,
                          .owner = -1};
    for (int i = 0; i < count; i++)
        world->fact_of_id[world->next_id++] = at;
    return at;
}

/* ---- Records: all of one follows from its id ---- */

static struct slice id_key(uint64_t id, char text[8])
{
    (void)snprintf(text, 8, "k%u", (unsigned)(id * 31 % KEYS));
    return slice_from_string(text);
}

static bool id_is_tombstone(const struct world *world, uint64_t id)
{
    return world->topics[world->facts[world->fact_of_id[id]].topic].compacted && id % 5 == 0;
}

static struct slice id_value(const struct world *world, uint64_t id, uint8_t value[400])
{
    if (id_is_tombstone(world, id))
        return slice_null();
    memset(value, (int)(id % 251), 400);
    return slice_of(value, 8 + (size_t)(id * 7919 % 300));
}

static struct slice fact_batch(struct world *world, const struct fact *fact, int64_t producer_id, int32_t sequence)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct compressor *compressor = fact->first_id % 4 == 0 ? NULL : compressor_create((enum compression)(1 + fact->first_id % 4));
    struct record_builder builder;
    struct slice batch;

    if (producer_id > 0)
        spec = (struct record_batch_spec){producer_id, 0, sequence, false};
    record_builder_init(&builder, 1 << 20);
    for (int i = 0; i < fact->count; i++) {
        uint64_t id = fact->first_id + (uint64_t)i;
        uint8_t value[400];
        char key[8];

        if (!record_builder_append(&builder, (int64_t)(FIRST_TIME_MS + id), id_key(id, key), id_value(world, id, value), NULL, 0))
            wrong(world, "a batch could not be built");
    }
    batch = record_builder_seal(&builder, &spec, compressor);
    compressor_destroy(compressor);
    batch = slice_of(memory_copy_bytes(batch.data, batch.size), batch.size);
    record_builder_finish(&builder);
    return batch;
}

static bool fact_is_live(const struct world *world, const struct fact *fact)
{
    const struct topic_model *topic = &world->topics[fact->topic];

    return topic->life != ABSENT && topic->incarnation == fact->incarnation;
}

/* ---- Sending ---- */

static void append_answered(struct append *append)
{
    struct sent *sent = append->context;
    struct world *world = sent->world;
    struct fact *fact = &world->facts[sent->facts[0]];
    struct producer_model *producer = sent->producer < 0 ? NULL : &world->producers[sent->producer];

    sent->answered = true;
    trace(world, "  append of %" PRIu64 " (%d) to %s-%d: %s at %" PRIi64, fact->first_id, fact->count, topic_text(fact->topic), fact->partition,
          status_name(append->status), append->first_offset);
    if (sim_disk_is_dead(world->disk) || append->status != OK) {
        if (append->status == ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER || append->status == ERROR_INVALID_PRODUCER_EPOCH)
            wrong(world, "batch %" PRIu64 " of producer %" PRIi64 " is refused with %s", fact->first_id, producer->id,
                  status_name(append->status));
        if (fact->state == PENDING)
            fact->state = UNSURE;
        fact->in_doubt = true;
        return;
    }
    if (fact->offset >= 0 && fact->offset != append->first_offset && fact->state == ACKED)
        wrong(world, "batch %" PRIu64 " was at offset %" PRIi64 " and is now said to be at %" PRIi64, fact->first_id, fact->offset,
              append->first_offset);
    fact->state = ACKED;
    fact->weak = append->acks >= 0;
    fact->in_doubt = fact->in_doubt || fact->weak;
    fact->offset = append->first_offset;
    if (producer != NULL && producer->unanswered == sent->facts[0]) {
        producer->sequence += fact->count;
        producer->last = producer->unanswered;
        producer->unanswered = -1;
    }
}

static void publish_answered(struct publish *publish)
{
    struct sent *sent = publish->context;
    struct world *world = sent->world;
    uint64_t number = strtoull(sent->position, NULL, 10);
    struct attempt *attempt = &world->attempts[number];

    sent->answered = true;
    trace(world, "  publish %" PRIu64 " of owner %d: %s %s", number, attempt->owner, status_name(publish->status), publish->error.message);
    if (sim_disk_is_dead(world->disk))
        return; /* its fate is not known */
    if (publish->status == OK && attempt->state != PENDING)
        wrong(world, "publish %" PRIu64 " is answered twice", number);
    attempt->state = publish->status == OK ? ACKED : NEVER;
    attempt->in_doubt = publish->status != OK && journal_is_in_doubt(world->store->journal) ? world->runs : 0;
    for (int i = 0; i < sent->count; i++) {
        world->facts[sent->facts[i]].state = attempt->state;
        world->facts[sent->facts[i]].in_doubt = attempt->state != ACKED;
    }
    if (publish->status != OK && world->sessions[attempt->owner] == publish->session)
        world->sessions[attempt->owner] = -1;
}

static struct sent *sent_new(struct world *world)
{
    struct sent *sent = memory_new(sizeof(*sent));

    sent->world = world;
    sent->producer = -1;
    world->sent[world->sent_count++] = sent;
    return sent;
}

/* Runs rounds until everything is answered, and frees it. */
static void run(struct world *world)
{
    world->runs++;
    if (world->store != NULL)
        store_run(world->store);
    for (uint64_t i = 1; world->store != NULL && !journal_is_in_doubt(world->store->journal) && i <= world->attempt_count; i++)
        world->attempts[i].in_doubt = 0;
    for (int i = 0; i < world->sent_count; i++) {
        struct sent *sent = world->sent[i];

        if (!sent->answered)
            wrong(world, "an append or publish was not answered");
        for (int k = 0; k < sent->count; k++) {
            memory_free((void *)(uintptr_t)sent->batches[k].data);
            topic_release(sent->topics[k]);
        }
        memory_free(sent);
    }
    world->sent_count = 0;
}

static struct partition *find_partition(struct world *world, int topic, int partition, struct topic **held)
{
    *held = store_topic_find(world->store, slice_from_string(topic_text(topic)));
    if (*held == NULL)
        wrong(world, "topic %s is gone", topic_text(topic));
    return topic_partition(*held, partition);
}

static int choose_topic(struct world *world)
{
    int topic = (int)draw(world, TOPICS);

    return world->topics[topic].life == PRESENT ? topic : -1;
}

static void send_append(struct world *world)
{
    bool aimed = world->meddling && draw(world, 3) != 0;
    int topic = aimed ? world->aim_topic : choose_topic(world), partition, fact;
    struct sent *sent;

    if (topic < 0 || world->topics[topic].life != PRESENT || world->sent_count == PENDING_MAX)
        return;
    partition = aimed ? world->aim_partition : (int)draw(world, (uint64_t)world->topics[topic].partitions);
    fact = fact_new(world, topic, partition, 1 + (int)draw(world, RECORDS_MAX));
    sent = sent_new(world);
    sent->facts[0] = fact;
    sent->count = 1;
    sent->batches[0] = fact_batch(world, &world->facts[fact], 0, 0);
    sent->append = (struct append){.partition = find_partition(world, topic, partition, &sent->topics[0]),
                                   .batches = sent->batches[0],
                                   .acks = draw(world, 4) == 0 ? 1 : -1,
                                   .done = append_answered,
                                   .context = sent};
    world->appends++;
    store_append(world->store, &sent->append);
}

static void send_idempotent(struct world *world)
{
    int at = (int)draw(world, PRODUCERS), fact;
    struct producer_model *producer = &world->producers[at];
    bool again = producer->last >= 0 && producer->unanswered < 0 && draw(world, 3) == 0;
    struct sent *sent;
    int32_t sequence;

    if (world->sent_count == PENDING_MAX)
        return;
    if (world->topics[producer->topic].life != PRESENT || world->topics[producer->topic].incarnation != producer->incarnation) {
        int topic = choose_topic(world);

        if (topic < 0)
            return;
        *producer = (struct producer_model){.id = producer->id,
                                            .topic = topic,
                                            .partition = (int)draw(world, (uint64_t)world->topics[topic].partitions),
                                            .incarnation = world->topics[topic].incarnation,
                                            .unanswered = -1,
                                            .last = -1};
        again = false;
    }
    for (int i = 0; i < world->sent_count; i++) {
        if (world->sent[i]->producer == at)
            return; /* one at a time */
    }
    sequence = producer->sequence;
    if (again) {
        fact = producer->last;
        sequence -= world->facts[fact].count;
    } else if (producer->unanswered >= 0) {
        fact = producer->unanswered;
        if (world->facts[fact].state == NEVER)
            world->facts[fact].state = PENDING;
    } else {
        fact = fact_new(world, producer->topic, producer->partition, 1 + (int)draw(world, RECORDS_MAX));
        world->facts[fact].retried = true;
        producer->unanswered = fact;
    }
    sent = sent_new(world);
    sent->producer = at;
    sent->facts[0] = fact;
    sent->count = 1;
    sent->batches[0] = fact_batch(world, &world->facts[fact], producer->id, sequence);
    sent->append = (struct append){.partition = find_partition(world, producer->topic, producer->partition, &sent->topics[0]),
                                   .batches = sent->batches[0],
                                   .acks = -1,
                                   .done = append_answered,
                                   .context = sent};
    world->appends++;
    store_append(world->store, &sent->append);
}

static void send_publish(struct world *world)
{
    int owner = (int)draw(world, OWNERS);
    struct sent *sent;

    if (world->sent_count == PENDING_MAX)
        return;
    sent = sent_new(world);
    (void)snprintf(sent->owner, sizeof(sent->owner), "owner/%d", owner);
    if (world->sessions[owner] < 0) {
        struct buffer position;

        world->sent_count--;
        memory_free(sent);
        run(world);
        buffer_init(&position, 100);
        (void)snprintf((char[16]){0}, 16, "%d", owner);
        if (store_owner_open(world->store, owner == 0 ? "owner/0" : "owner/1", &world->sessions[owner], &position, NULL) != OK)
            wrong(world, "owner %d cannot be opened", owner);
        buffer_finish(&position);
        return;
    }
    sent->count = 0;
    world->attempts[++world->attempt_count] = (struct attempt){.state = PENDING, .owner = owner};
    for (int i = (int)draw(world, 4); i > 0; i--) {
        int topic = choose_topic(world), partition, fact;

        if (topic < 0)
            continue;
        partition = (int)draw(world, (uint64_t)world->topics[topic].partitions);
        fact = fact_new(world, topic, partition, 1 + (int)draw(world, RECORDS_MAX));
        world->facts[fact].owner = owner;
        world->facts[fact].attempt = world->attempt_count;
        sent->facts[sent->count] = fact;
        sent->batches[sent->count] = fact_batch(world, &world->facts[fact], 0, 0);
        sent->items[sent->count] =
            (struct publish_item){find_partition(world, topic, partition, &sent->topics[sent->count]), sent->batches[sent->count]};
        sent->count++;
    }
    (void)snprintf(sent->position, sizeof(sent->position), "%" PRIu64, world->attempt_count);
    sent->publish = (struct publish){.owner = sent->owner,
                                     .session = world->sessions[owner],
                                     .position = slice_from_string(sent->position),
                                     .items = sent->items,
                                     .item_count = (size_t)sent->count,
                                     .done = publish_answered,
                                     .context = sent};
    world->publishes++;
    store_publish(world->store, &sent->publish);
}

/* ---- Topics ---- */

/* One in three is compacted, some lose their oldest segments, some both; all with times so short that they pass here. */
static void topic_draw(struct world *world, struct topic_model *topic, struct properties *config)
{
    char text[24];
    bool compacted = draw(world, 3) == 0, moving = draw(world, 5) == 0;

    *topic = (struct topic_model){.compacted = compacted, .moving = moving};
    (void)snprintf(text, sizeof(text), "%d", 1800 + (int)draw(world, compacted || moving ? 1000 : 6000));
    properties_set(config, "segment.bytes", text);
    properties_set(config, "cleanup.policy", !compacted ? "delete" : moving ? "compact,delete" : "compact");
    if (moving)
        properties_set(config, draw(world, 2) == 0 ? "retention.bytes" : "retention.ms", draw(world, 2) == 0 ? "4000" : "1200");
    (void)snprintf(text, sizeof(text), "%d", (int)draw(world, 3000));
    properties_set(config, "delete.retention.ms", text);
    properties_set(config, "segment.ms", draw(world, 2) == 0 ? "900" : "604800000");
    properties_set(config, "min.cleanable.dirty.ratio", draw(world, 2) == 0 ? "0" : "0.3");
    properties_set(config, "file.delete.delay.ms", draw(world, 2) == 0 ? "0" : "700");
    if (draw(world, 4) == 0)
        properties_set(config, "min.compaction.lag.ms", "500");
    if (draw(world, 4) == 0)
        properties_set(config, "max.compaction.lag.ms", "800");
}

static void change_topic(struct world *world)
{
    int at = (int)draw(world, TOPICS);
    struct topic_model *topic = &world->topics[at];
    struct error error;
    enum status status;

    run(world);
    if (topic->life == PRESENT && draw(world, 3) == 0) {
        status = store_topic_delete_wait(world->store, slice_from_string(topic_text(at)), &error);
        topic->life = status == OK ? ABSENT : PERHAPS_DELETED;
        if (status != OK && !sim_disk_is_dead(world->disk))
            topic->life = PRESENT; /* a failed one has not happened, unless the catalog is in doubt; then nothing is taken meanwhile */
        trace(world, "delete %s: %s", topic_text(at), status_name(status));
    } else if (topic->life == ABSENT) {
        struct properties config;
        struct topic_spec spec = {.name = topic_text(at), .partitions = 1 + (int)draw(world, PARTITIONS_MAX), .config = &config};

        properties_init(&config);
        topic_draw(world, topic, &config);
        status = store_topic_create_wait(world->store, &spec, &error);
        properties_finish(&config);
        topic->life = status == OK ? PRESENT : PERHAPS_CREATED;
        topic->incarnation = ++world->incarnations;
        topic->partitions = topic->partitions_perhaps = spec.partitions;
        if (status != OK && !sim_disk_is_dead(world->disk))
            topic->life = PERHAPS_CREATED;
        trace(world, "create %s with %d: %s", topic_text(at), topic->partitions, status_name(status));
    }
}

static void records_answered(void *context, enum status status, const char *message)
{
    (void)message;
    *(enum status *)context = status;
}

static void delete_records(struct world *world)
{
    int at = choose_topic(world), partition;
    enum status status = ERROR_BUG;
    struct topic *held;
    struct partition *found;
    int64_t before;

    if (at < 0)
        return;
    run(world);
    partition = (int)draw(world, (uint64_t)world->topics[at].partitions);
    found = find_partition(world, at, partition, &held);
    before = partition_start(found) + (int64_t)draw(world, (uint64_t)(partition_end(found) - partition_start(found)) + 1);
    store_records_delete(world->store, found, before, records_answered, &status);
    store_run(world->store);
    if (status == OK)
        world->topics[at].start[partition] = before;
    if (before > world->topics[at].start_perhaps[partition])
        world->topics[at].start_perhaps[partition] = before;
    trace(world, "delete records of %s-%d before %" PRIi64 ": %s", topic_text(at), partition, before, status_name(status));
    topic_release(held);
}

/* ---- Checking ---- */

struct visible {
    int64_t offset[IDS_MAX];
    int64_t timestamp[IDS_MAX];
    int count;
};

/* The same of a record of a compacted topic, of whose batch others may be missing. */
static void check_survivor(struct world *world, int topic, int partition, int64_t offset, uint64_t id)
{
    struct fact *fact = &world->facts[world->fact_of_id[id]];
    int64_t first = offset - (int64_t)(id - fact->first_id);

    if (world->gone_id[id])
        wrong(world, "%s-%d offset %" PRIi64 ": record %" PRIu64 " was compacted away and is there again", topic_text(topic), partition, offset, id);
    if (fact->offset >= 0 && (fact->state == ACKED || fact->seen > 0) && fact->offset != first)
        wrong(world, "%s-%d: batch %" PRIu64 " was at offset %" PRIi64 " and is now at %" PRIi64, topic_text(topic), partition, fact->first_id,
              fact->offset, first);
    fact->offset = first;
    fact->seen++;
}

/* One record that can be read: is it one that may be there, at its place? */
static void check_record(struct world *world, int topic, int partition, const struct record *record, bool live)
{
    uint64_t id = (uint64_t)(record->timestamp_ms - FIRST_TIME_MS);
    struct fact *fact;
    uint8_t value[400];
    char key[8];

    if (record->timestamp_ms < FIRST_TIME_MS || id == 0 || id >= world->next_id)
        wrong(world, "%s-%d offset %" PRIi64 ": record %" PRIu64 " was never written", topic_text(topic), partition, record->offset, id);
    fact = &world->facts[world->fact_of_id[id]];
    if (fact->topic != topic || fact->partition != partition || fact->incarnation != world->topics[topic].incarnation)
        wrong(world, "%s-%d offset %" PRIi64 ": record %" PRIu64 " belongs elsewhere", topic_text(topic), partition, record->offset, id);
    if (fact->state == NEVER || (live && fact->state == UNSURE))
        wrong(world, "%s-%d offset %" PRIi64 ": record %" PRIu64 " of %s %d was refused, and yet it is there", topic_text(topic), partition,
              record->offset, id, fact->owner < 0 ? "a producer" : "owner", fact->owner);
    if (!slice_equal(record->key, id_key(id, key)) || !slice_equal(record->value, id_value(world, id, value)) ||
        slice_is_null(record->value) != id_is_tombstone(world, id))
        wrong(world, "%s-%d offset %" PRIi64 ": record %" PRIu64 " has another key or value than it had", topic_text(topic), partition,
              record->offset, id);
    if (world->topics[topic].compacted) {
        check_survivor(world, topic, partition, record->offset, id);
        return;
    }
    if (id - fact->first_id != (uint64_t)fact->seen)
        wrong(world, "%s-%d offset %" PRIi64 ": record %" PRIu64 " is doubled or out of order", topic_text(topic), partition, record->offset, id);
    if (fact->seen == 0 && fact->state != ACKED)
        fact->offset = record->offset;
    if (fact->offset >= 0 && fact->offset + fact->seen != record->offset)
        wrong(world, "%s-%d: record %" PRIu64 " was acknowledged at offset %" PRIi64 " and stands at %" PRIi64, topic_text(topic), partition, id,
              fact->offset + fact->seen, record->offset);
    fact->offset = record->offset - fact->seen;
    fact->seen++;
}

static void check_batches(struct world *world, int topic, int partition, struct slice bytes, int64_t *next, bool live, struct visible *visible)
{
    struct decompressor *decompressor = decompressor_create();
    bool compacted = world->topics[topic].compacted;
    struct buffer scratch;
    struct record_iterator iterator;
    struct record_batch batch;
    struct record record;
    struct error error;

    buffer_init(&scratch, 1 << 20);
    while (bytes.size > 0) {
        if (record_batch_read(bytes, &batch, &error) != OK || !record_batch_checksum_is_right(&batch) ||
            record_iterator_init(&iterator, &batch, decompressor, 1 << 20, &scratch, &error) != OK)
            wrong(world, "%s-%d: what is read at offset %" PRIi64 " is no batch", topic_text(topic), partition, *next);
        while (record_iterator_next(&iterator, &record)) {
            if (record.offset < *next)
                continue; /* the first batch may begin before */
            if (record.offset != *next && !compacted)
                wrong(world, "%s-%d: offset %" PRIi64 " follows %" PRIi64, topic_text(topic), partition, record.offset, *next - 1);
            if (visible->count < IDS_MAX) {
                visible->offset[visible->count] = record.offset;
                visible->timestamp[visible->count++] = record.timestamp_ms;
            }
            check_record(world, topic, partition, &record, live);
            *next = record.offset + 1;
        }
        if (compacted && record_batch_next_offset(&batch) > *next)
            *next = record_batch_next_offset(&batch);
        bytes = slice_from(bytes, batch.bytes.size);
    }
    buffer_finish(&scratch);
    decompressor_destroy(decompressor);
}

/*
 * What the whole of a compacted partition has to show: of each key a record at or behind the newest one that is surely there, or
 * none, when that one is a tombstone or one that is in doubt may have been.
 */
static void check_keys(struct world *world, int topic, int index, int64_t start, const struct visible *visible)
{
    struct {
        int64_t certain, tombstone, seen; /* offsets: newest that must be there; of a tombstone that may have been; newest that is there */
        bool certain_is_tombstone;
    } keys[KEYS];

    for (int i = 0; i < KEYS; i++) {
        keys[i].certain = keys[i].tombstone = keys[i].seen = -1;
        keys[i].certain_is_tombstone = false;
    }
    for (int i = 0; i < visible->count; i++)
        keys[(uint64_t)(visible->timestamp[i] - FIRST_TIME_MS) * 31 % KEYS].seen = visible->offset[i];
    for (int i = 0; i < world->fact_count; i++) {
        const struct fact *fact = &world->facts[i];

        if (fact->topic != topic || fact->partition != index || fact->incarnation != world->topics[topic].incarnation)
            continue;
        for (int k = 0; k < fact->count; k++) {
            uint64_t id = fact->first_id + (uint64_t)k;
            int64_t offset = fact->offset < 0 ? INT64_MAX : fact->offset + k;
            bool tombstone = id_is_tombstone(world, id);

            if (fact->state == ACKED && !fact->weak && fact->offset >= 0 && offset >= start && offset > keys[id * 31 % KEYS].certain) {
                keys[id * 31 % KEYS].certain = offset;
                keys[id * 31 % KEYS].certain_is_tombstone = tombstone;
            }
            if (tombstone && fact->in_doubt && offset > keys[id * 31 % KEYS].tombstone)
                keys[id * 31 % KEYS].tombstone = offset;
        }
    }
    for (int i = 0; i < KEYS; i++) {
        if (keys[i].seen >= keys[i].certain)
            continue;
        if (keys[i].seen < 0 && (keys[i].certain_is_tombstone || keys[i].tombstone > keys[i].certain))
            continue;
        wrong(world, "%s-%d: of key k%d offset %" PRIi64 " was acknowledged, and the newest that is there is %" PRIi64, topic_text(topic), index, i,
              keys[i].certain, keys[i].seen);
    }
}

/* Notes what has been compacted away, for it must not come back, and what became of the batches in doubt. */
static void note_gone(struct world *world, int topic, int index, const struct visible *visible, bool live)
{
    static bool there[IDS_MAX];

    memset(there, 0, sizeof(there));
    for (int i = 0; i < visible->count; i++)
        there[visible->timestamp[i] - FIRST_TIME_MS] = true;
    for (int i = 0; i < world->fact_count; i++) {
        struct fact *fact = &world->facts[i];

        if (fact->topic != topic || fact->partition != index || fact->incarnation != world->topics[topic].incarnation)
            continue;
        if (fact->seen > 0) {
            fact->state = ACKED;
            fact->weak = false;
        } else if (fact->state == UNSURE && !live) {
            fact->state = NEVER;
        } else if (fact->state == ACKED && fact->weak) {
            fact->state = live ? UNSURE : NEVER;
        }
        for (int k = 0; k < fact->count && fact->state == ACKED; k++)
            world->gone_id[fact->first_id + (uint64_t)k] = !there[fact->first_id + (uint64_t)k];
    }
}

static void check_times(struct world *world, int topic, int partition, struct partition *found, const struct visible *visible)
{
    int64_t wanted = 1000 + (int64_t)draw(world, world->next_id + 5), offset, found_ms, expected = -1;
    enum status status = partition_find_time(found, wanted, &offset, &found_ms, NULL);

    for (int i = visible->count - 1; i >= 0; i--) {
        if (visible->timestamp[i] >= wanted)
            expected = visible->offset[i];
    }
    if (status != OK || offset != expected)
        wrong(world, "%s-%d: time %" PRIi64 " is found at offset %" PRIi64 " (%s) and stands at %" PRIi64, topic_text(topic), partition, wanted,
              offset, status_name(status), expected);
}

static void check_partition(struct world *world, int topic, int index, bool live)
{
    static struct visible visible;
    struct topic *held;
    struct partition *partition = find_partition(world, topic, index, &held);
    struct topic_model *model = &world->topics[topic];
    int64_t start = partition_start(partition), next = start, end = partition_end(partition);
    struct buffer bytes;

    if (partition_is_read_only(partition))
        wrong(world, "%s-%d is read-only", topic_text(topic), index);
    if (start < model->start[index] || (start > model->start_perhaps[index] && !model->moving))
        wrong(world, "%s-%d starts at %" PRIi64 " and was cut to %" PRIi64, topic_text(topic), index, start, model->start[index]);
    if (model->moving && !sim_disk_is_dead(world->disk))
        model->start[index] = start;
    visible.count = 0;
    buffer_init(&bytes, (size_t)64 << 20);
    for (int i = 0; i < world->fact_count; i++)
        world->facts[i].seen = 0;
    while (next < end) {
        struct range range;
        struct error error;
        int64_t from = next;

        if (partition_range(partition, next, 1 + draw(world, 3000), false, &range, &error) != OK)
            wrong(world, "%s-%d offset %" PRIi64 " of %" PRIi64 " cannot be read: %s", topic_text(topic), index, next, end, error.message);
        if (range.size == 0)
            wrong(world, "%s-%d: nothing is read at offset %" PRIi64 " of %" PRIi64, topic_text(topic), index, next, end);
        buffer_reset(&bytes);
        if (range_read(&range, buffer_reserve(&bytes, range.size), &error) != OK)
            wrong(world, "%s-%d offset %" PRIi64 ": %s", topic_text(topic), index, next, error.message);
        bytes.size = range.size;
        if (from == start && !model->compacted) { /* a start inside a batch hides its first records */
            struct record_batch first;

            if (record_batch_read(buffer_slice(&bytes), &first, &error) == OK && first.base_offset < start) {
                uint64_t id = (uint64_t)(first.base_timestamp_ms - FIRST_TIME_MS);

                if (id < world->next_id)
                    world->facts[world->fact_of_id[id]].seen = (int)(start - first.base_offset);
            }
        }
        check_batches(world, topic, index, buffer_slice(&bytes), &next, live, &visible);
        if (model->compacted && next < range.next_offset)
            next = range.next_offset; /* what lay between was compacted away */
        if (next != range.next_offset)
            wrong(world, "%s-%d: the range at %" PRIi64 " ends at %" PRIi64 " and says %" PRIi64, topic_text(topic), index, from, next,
                  range.next_offset);
        range_release(&range);
    }
    buffer_finish(&bytes);
    if (model->compacted) {
        check_keys(world, topic, index, start, &visible);
        note_gone(world, topic, index, &visible, live);
    }
    for (int i = 0; i < world->fact_count && !model->compacted; i++) {
        struct fact *fact = &world->facts[i];

        if (fact->topic != topic || fact->partition != index || fact->incarnation != model->incarnation)
            continue;
        if (fact->seen > 0 && fact->seen < fact->count)
            wrong(world, "%s-%d: of batch %" PRIu64 " only %d records are there", topic_text(topic), index, fact->first_id, fact->seen);
        if (fact->seen == 0 && fact->state == ACKED && !fact->weak && fact->offset + fact->count > start)
            wrong(world, "%s-%d: batch %" PRIu64 " was acknowledged at offset %" PRIi64 " and is lost; the end is %" PRIi64, topic_text(topic),
                  index, fact->first_id, fact->offset, end);
        if (fact->seen == 0 && fact->weak && fact->state == ACKED && fact->offset + fact->count > start)
            fact->state = live ? UNSURE : NEVER;
        if (!live && fact->state == UNSURE && fact->seen == 0 && (fact->offset < 0 || fact->offset >= start))
            fact->state = NEVER;
        if (fact->seen > 0) {
            fact->state = ACKED; /* what is shown is durable */
            fact->weak = false;
        }
    }
    check_times(world, topic, index, partition, &visible);
    topic_release(held);
}

/* What became of the publishes nobody was answered for: the positions say. */
static void resolve_owners(struct world *world)
{
    for (int owner = 0; owner < OWNERS; owner++) {
        struct buffer position;
        uint64_t last = 0;
        int64_t doubt;

        buffer_init(&position, 100);
        if (store_position(world->store, owner == 0 ? "owner/0" : "owner/1", &position)) {
            buffer_append_u8(&position, 0);
            last = strtoull((const char *)position.data, NULL, 10);
        }
        buffer_finish(&position);
        if (last > world->attempt_count || (last > 0 && world->attempts[last].owner != owner))
            wrong(world, "owner %d has a position that it never published: %" PRIu64, owner, last);
        if (last > 0 && world->attempts[last].state == NEVER && !world->attempts[last].in_doubt)
            wrong(world, "owner %d is at position %" PRIu64 ", which was refused", owner, last);
        doubt = world->attempts[last].in_doubt;
        for (uint64_t i = 1; i <= world->attempt_count; i++) {
            struct attempt *attempt = &world->attempts[i];

            if (attempt->owner != owner)
                continue;
            if (attempt->state == ACKED && i > last)
                wrong(world, "owner %d is at position %" PRIu64 ", though %" PRIu64 " was acknowledged", owner, last, i);
            if (attempt->state == PENDING || (attempt->in_doubt != 0 && attempt->in_doubt == doubt))
                attempt->state = i <= last ? ACKED : NEVER;
            attempt->in_doubt = 0;
        }
        world->sessions[owner] = -1;
    }
    for (int i = 0; i < world->fact_count; i++) {
        struct fact *fact = &world->facts[i];

        if (fact->owner >= 0)
            fact->state = world->attempts[fact->attempt].state;
    }
}

static void resolve_topics(struct world *world)
{
    for (int i = 0; i < TOPICS; i++) {
        struct topic_model *model = &world->topics[i];
        struct topic *topic = store_topic_find(world->store, slice_from_string(topic_text(i)));

        if ((topic == NULL) != (model->life == ABSENT) && model->life != PERHAPS_CREATED && model->life != PERHAPS_DELETED)
            wrong(world, "topic %s is %s", topic_text(i), topic == NULL ? "lost" : "there again");
        if (topic == NULL) {
            model->life = ABSENT;
        } else {
            model->life = PRESENT;
            if (topic_partition_count(topic) != model->partitions)
                wrong(world, "topic %s has %d partitions instead of %d", topic_text(i), topic_partition_count(topic), model->partitions);
        }
        topic_release(topic);
    }
}

static void check_all(struct world *world, bool live)
{
    for (int i = 0; i < TOPICS; i++) {
        for (int p = 0; world->topics[i].life == PRESENT && p < world->topics[i].partitions; p++)
            check_partition(world, i, p, live);
    }
}

/* After a cut without synced acknowledgements, what producers wrote may be lost from some place on. */
static void weaken(struct world *world)
{
    for (int i = 0; i < world->fact_count && !world->flush_acks; i++) {
        if (world->facts[i].owner < 0 && world->facts[i].state == ACKED && fact_is_live(world, &world->facts[i]))
            world->facts[i].weak = true;
    }
    for (int i = 0; i < PRODUCERS && !world->flush_acks; i++) { /* the sequence numbers may be lost with the batches */
        world->producers[i].id += 1000;
        world->producers[i].incarnation = UINT64_MAX;
    }
}

/* ---- Life of the store ---- */

static void close_store(struct world *world)
{
    struct store_counters counters;

    run(world);
    store_counters_read(world->store, &counters);
    world->compactions += counters.compactions;
    world->retired += counters.deleted_segments;
    store_close(world->store);
    world->store = NULL;
}

static void reopen(struct world *world)
{
    struct error error;

    while (world->store == NULL) {
        enum status status;

        /* A process that dies between a failed sync and the mark of it, a few microseconds, is more than the store promises. */
        if (sim_disk_is_dead(world->disk) && draw(world, 3) == 0 && !atomic_load(&sim_disk_seam(world->disk)->sync_failed)) {
            trace(world, "killed");
            sim_disk_restart(world->disk);
        } else if (sim_disk_is_dead(world->disk)) {
            sim_disk_reboot(world->disk);
            world->cuts++;
        }
        if (draw(world, 6) == 0)
            sim_disk_cut_after(world->disk, (int64_t)draw(world, 40));
        status = try_open(world, &error);
        trace(world, "open: %s %s", status_name(status), status == OK ? "" : error.message);
        if (status != OK && !sim_disk_is_dead(world->disk) && world->fail_writes + world->fail_syncs + world->fail_names == 0)
            wrong(world, "the store does not open: %s", error.message);
        if (status == ERROR_CORRUPT)
            wrong(world, "the store does not open: %s", error.message);
        if (status != OK && !sim_disk_is_dead(world->disk)) { /* it has to get up some time */
            sim_disk_fail(world->disk, 0, 0, 0);
            if (status == ERROR_DISK_FULL && world->opens > 1 && draw(world, 4) == 0)
                sim_disk_limit(world->disk, -1);
        }
    }
    sim_disk_fail(world->disk, world->fail_writes, world->fail_syncs, world->fail_names);
    if (sim_disk_is_dead(world->disk)) {
        close_store(world);
        reopen(world);
    }
}

static void recover(struct world *world)
{
    weaken(world);
    reopen(world);
    resolve_topics(world);
    resolve_owners(world);
    sim_disk_cut_after(world->disk, -1);
    check_all(world, false);
}

static void power_cut(struct world *world)
{
    trace(world, "power cut");
    close_store(world);
    recover(world);
}

static void clean_restart(struct world *world)
{
    run(world);
    trace(world, "clean restart");
    close_store(world);
    if (!sim_disk_is_dead(world->disk) && draw(world, 2) == 0)
        sim_disk_reboot(world->disk); /* power goes after the end */
    recover(world);
}

/* Is it the cleaner that uses the file, which in production has a thread of its own? The committer uses the last segment only. */
static bool is_the_cleaners(struct world *world, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    bool closed = false;

    if (strstr(name, ".log") == NULL || strstr(name, ".log") != name + 20)
        return false;
    for (int i = 0; i < TOPICS && !closed; i++) {
        struct topic *topic = store_topic_find(world->store, slice_from_string(topic_text(i)));

        for (int p = 0; topic != NULL && p < topic_partition_count(topic); p++) {
            const struct partition *partition = topic_partition(topic, p);
            const struct segment_list *list = partition_list(partition);

            if (strncmp(path, partition->directory, (size_t)(name - 1 - path)) != 0 || partition->directory[name - 1 - path] != '\0')
                continue;
            closed = strtoll(name, NULL, 10) < list->segments[list->count - 1]->base;
            world->aim_topic = i;
            world->aim_partition = p;
        }
        topic_release(topic);
    }
    return closed;
}

/* What others do while the cleaner reads or writes. A log start moves and a topic goes only where no lock of a segment is held. */
static void meddle(void *context, const char *path, bool is_read)
{
    struct world *world = context;
    uint64_t what;

    if (world->meddling || world->meddlings == 0 || sim_disk_is_dead(world->disk) || !is_the_cleaners(world, path) || draw(world, 2) != 0)
        return;
    world->meddling = true;
    world->meddlings--;
    what = draw(world, is_read ? 16 : 20);
    for (int i = (int)draw(world, 6); i >= 0 && what < 18; i--) {
        if (what < 8)
            send_append(world);
        else if (what < 13)
            send_publish(world);
        else
            send_idempotent(world);
        run(world);
    }
    if (what == 18)
        delete_records(world);
    else if (what == 19)
        change_topic(world);
    world->meddling = false;
}

/* Retention and compaction, often with others at work or the power going in the middle. */
static void clean(struct world *world)
{
    bool meddled = draw(world, 2) == 0;

    run(world);
    if (draw(world, 3) == 0 && !sim_disk_is_dead(world->disk))
        sim_disk_cut_after(world->disk, (int64_t)draw(world, 50));
    trace(world, "clean");
    world->meddlings = meddled ? MEDDLINGS_MAX : 0;
    sim_disk_watch(world->disk, meddled ? meddle : NULL, world);
    store_clean(world->store);
    sim_disk_watch(world->disk, NULL, NULL);
}

static void step(struct world *world)
{
    uint64_t what = draw(world, 110);

    world->now_ms += (int64_t)draw(world, 50);
    if (what < 30)
        send_append(world);
    else if (what < 45)
        send_idempotent(world);
    else if (what < 70)
        send_publish(world);
    else if (what < 84)
        run(world);
    else if (what < 89)
        change_topic(world);
    else if (what < 91)
        delete_records(world);
    else if (what < 93 && world->sent_count == 0)
        upkeep_checkpoint(world->store);
    else if (what < 95 && world->sent_count == 0 && !sim_disk_is_dead(world->disk))
        check_all(world, true);
    else if (what == 95)
        clean_restart(world);
    else if (what == 96)
        sim_disk_cut_after(world->disk, (int64_t)draw(world, 60));
    else if (what == 97 && world->fail_writes > 0)
        sim_disk_limit(world->disk, sim_disk_used(world->disk) + (int64_t)draw(world, 4000));
    else if (what == 98)
        sim_disk_limit(world->disk, -1);
    else if (what >= 100)
        clean(world);
    if (sim_disk_is_dead(world->disk)) {
        sim_disk_limit(world->disk, -1);
        power_cut(world);
    }
}

static void play(uint64_t seed, int64_t totals[6])
{
    static struct world world;
    uint64_t steps;

    memset(&world, 0, sizeof(world));
    world.seed = seed;
    world.disk = sim_disk_create(seed);
    world.flush_acks = draw(&world, 5) != 0;
    world.small_segment_bytes = draw(&world, 3) == 0 ? 0 : 1;
    world.now_ms = 1000;
    properties_init(&world.defaults);
    properties_set(&world.defaults, "log.cleaner.dedupe.buffer.size", draw(&world, 2) == 0 ? "400" : "100000");
    world.next_id = 1;
    for (int i = 0; i < PRODUCERS; i++)
        world.producers[i] = (struct producer_model){.id = 100 + i, .incarnation = UINT64_MAX, .unanswered = -1, .last = -1};
    if (draw(&world, 3) == 0) {
        world.fail_writes = (int)draw(&world, 200);
        world.fail_syncs = world.flush_acks ? (int)draw(&world, 200) : 0;
        world.fail_names = (int)draw(&world, 50);
    }
    reopen(&world);
    resolve_owners(&world);
    sim_disk_cut_after(world.disk, -1);
    for (steps = 100 + draw(&world, 400); steps > 0; steps--)
        step(&world);
    sim_disk_fail(world.disk, world.fail_writes = 0, world.fail_syncs = 0, world.fail_names = 0);
    sim_disk_limit(world.disk, -1);
    clean_restart(&world);
    close_store(&world);
    properties_finish(&world.defaults);
    totals[4] += world.compactions;
    totals[5] += world.retired;
    totals[0] += world.cuts;
    totals[1] += world.opens;
    totals[2] += world.appends;
    totals[3] += world.publishes;
    sim_disk_destroy(world.disk);
}

/* ---- Damage before the last sync ---- */

static void status_note(struct append *append)
{
    *(enum status *)append->context = append->status;
}

static enum status append_wait(struct world *world, int topic)
{
    const struct fact *fact = &world->facts[fact_new(world, topic, 0, 1 + (int)draw(world, RECORDS_MAX))];
    struct slice batch = fact_batch(world, fact, 0, 0);
    enum status status = ERROR_BUG;
    struct topic *held;
    struct append append = {.partition = find_partition(world, topic, 0, &held), .batches = batch, .acks = -1, .done = status_note, .context = &status};

    store_append(world->store, &append);
    store_run(world->store);
    topic_release(held);
    memory_free((void *)(uintptr_t)batch.data);
    return status;
}

/* The process dies or the power goes, without a clean end. */
static void die(struct world *world, bool power)
{
    sim_disk_cut_after(world->disk, 1);
    store_close(world->store);
    world->store = NULL;
    if (!sim_disk_is_dead(world->disk))
        wrong(world, "closing the store did not touch the disk");
    if (power)
        sim_disk_reboot(world->disk);
    else
        sim_disk_restart(world->disk);
    sim_disk_cut_after(world->disk, -1);
}

static void open_or_fail(struct world *world)
{
    struct error error;

    if (try_open(world, &error) != OK)
        wrong(world, "the store does not open: %s", error.message);
}

/* Damages a byte of a batch of alpha-0 that recovery has to read; gives the file and the offset that cannot be read any more. */
static int64_t damage(struct world *world, char path[64])
{
    struct topic *held;
    struct partition *partition = find_partition(world, 0, 0, &held);
    const struct segment_list *list = partition_list(partition);
    int64_t base = list->segments[list->count - 1]->base, position, first;
    struct range range;
    struct error error;

    if (base == partition_end(partition)) /* nothing in the last one */
        base = list->segments[list->count - 2]->base;
    if (partition_range(partition, base + (int64_t)draw(world, (uint64_t)(partition_end(partition) - base)), 1, false, &range, &error) != OK)
        wrong(world, "%s", error.message);
    position = range.position + 17 + (int64_t)draw(world, range.size - 17); /* what the checksum covers, and itself */
    first = range.first_offset;
    range_release(&range);
    topic_release(held);
    (void)snprintf(path, 64, "/data/alpha-0/%020" PRIi64 ".log", base);
    die(world, draw(world, 2) == 0);
    if (!sim_disk_damage(world->disk, path, position))
        wrong(world, "%s has no byte %" PRIi64, path, position);
    trace(world, "damaged byte %" PRIi64 " of %s, offset %" PRIi64, position, path, first);
    return first;
}

/* Reported, never cut: what stands before it can be read, nothing is appended, and every other partition goes on. */
static void play_damage(uint64_t seed)
{
    static struct world world;
    int64_t bad, size, size_now;
    char path[64];

    memset(&world, 0, sizeof(world));
    world.seed = seed;
    world.disk = sim_disk_create(seed);
    world.flush_acks = true;
    world.now_ms = world.next_id = 1;
    properties_init(&world.defaults);
    open_or_fail(&world);
    for (int topic = 0; topic < 2; topic++) {
        struct properties config;
        struct topic_spec spec = {.name = topic_text(topic), .partitions = 1, .config = &config};

        properties_init(&config);
        properties_set(&config, "segment.bytes", "3000");
        if (store_topic_create_wait(world.store, &spec, NULL) != OK)
            wrong(&world, "a topic could not be created");
        properties_finish(&config);
    }
    for (int i = 5 + (int)draw(&world, 40); i > 0; i--) {
        if (append_wait(&world, (int)draw(&world, 2)) != OK || append_wait(&world, 0) != OK)
            wrong(&world, "an append failed");
    }
    upkeep_checkpoint(world.store); /* all of it is known to be durable from here on */
    bad = damage(&world, path);
    (void)disk_file_size(sim_disk_seam(world.disk), path, &size, NULL);
    for (int opening = 0; opening < 3; opening++) {
        struct topic *held;
        struct partition *partition;
        struct range range;

        open_or_fail(&world);
        partition = find_partition(&world, 0, 0, &held);
        if (!partition_is_read_only(partition))
            wrong(&world, "alpha-0 is damaged at offset %" PRIi64 " and is not read-only", bad);
        if (partition_end(partition) != bad)
            wrong(&world, "alpha-0 is damaged at offset %" PRIi64 " and can be read up to %" PRIi64, bad, partition_end(partition));
        for (int64_t at = 0; at < bad; at = range.next_offset) {
            if (partition_range(partition, at, 100, false, &range, NULL) != OK || range.size == 0)
                wrong(&world, "offset %" PRIi64 " before the damage cannot be read", at);
            range_release(&range);
        }
        topic_release(held);
        if (append_wait(&world, 0) != ERROR_KAFKA_STORAGE_ERROR)
            wrong(&world, "a damaged partition takes records");
        if (append_wait(&world, 1) != OK)
            wrong(&world, "a partition that is not damaged does not take records");
        store_clean(world.store);
        upkeep_checkpoint(world.store);
        if (opening == 1) {
            die(&world, true);
        } else {
            store_close(world.store);
        }
        if (disk_file_size(sim_disk_seam(world.disk), path, &size_now, NULL) != OK || size_now != size)
            wrong(&world, "%s had %" PRIi64 " bytes and has %" PRIi64, path, size, size_now);
    }
    properties_finish(&world.defaults);
    sim_disk_destroy(world.disk);
}

/* Failed once, and are played whatever seeds are asked for. */
static const uint64_t a_snapshot_that_only_the_page_cache_had_outlived_its_segments = 418;
static const uint64_t segments_behind_the_newest_usable_snapshot_were_removed = 948;
static const uint64_t a_snapshot_that_could_not_be_written_took_the_one_before = 5772;
static const uint64_t a_segment_that_was_appended_to_was_compacted_in_part = 42;

int main(int count, char **arguments)
{
    const char *seeds = getenv("TAILRACE_SIM_SEEDS");
    uint64_t first = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    uint64_t wanted = count > 2 ? strtoull(arguments[2], NULL, 10) : seeds != NULL ? strtoull(seeds, NULL, 10) : 100;
    int64_t totals[6] = {0};

    tracing = getenv("TAILRACE_SIM_TRACE") != NULL;
    (void)logger_set_level(NULL, tracing ? "debug" : "error");
    play(a_snapshot_that_only_the_page_cache_had_outlived_its_segments, totals);
    play(segments_behind_the_newest_usable_snapshot_were_removed, totals);
    play(a_snapshot_that_could_not_be_written_took_the_one_before, totals);
    play(a_segment_that_was_appended_to_was_compacted_in_part, totals);
    for (uint64_t seed = first; seed < first + wanted; seed++)
        play(seed, totals);
    for (uint64_t seed = first; seed < first + wanted / 10 + 1; seed++)
        play_damage(seed);
    printf("%" PRIu64 " seeds: %" PRIi64 " power cuts, %" PRIi64 " openings, %" PRIi64 " appends, %" PRIi64 " publishes, %" PRIi64
           " compactions, %" PRIi64 " segments deleted\n",
           wanted, totals[0], totals[1], totals[2], totals[3], totals[4], totals[5]);
    return 0;
}
