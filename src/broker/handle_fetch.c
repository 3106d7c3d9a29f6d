/*
 * handle_fetch.c: Fetch: what is there is answered from the segment's file; what is not there yet is waited for.
 *
 * A fetch that waits hangs on every partition it reads. When the committer moved one of them it is looked at again, and
 * answered when there are enough bytes; else at the end of its time.
 */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "broker/fetch_session.h"
#include "os/logger.h"
#include "wire/kafka/messages_fetch.h"

#define FIRST_VERSION_SERVED 4 /* older ones would need the formats before record batches */
#define COPIED_BYTES_MAX 32768 /* smaller ranges are copied: one write is cheaper than a write and a sendfile */

struct fetch;

/* A fetch on a partition. */
struct fetch_wait {
    struct fetch *fetch;
    struct partition *partition; /* its topic is held */
    struct fetch_wait *next;     /* of the same partition */
    struct fetch_wait *previous;
    struct fetch_wait *other; /* of the same fetch */
};

/* One partition's part of an answer. */
struct fetched {
    struct fetch_partition *asked;
    struct topic *topic; /* held; NULL: there is none */
    struct partition *partition;
    enum status status;
    int64_t end;
    int64_t stable_end;
    int64_t start;
    struct range range; /* size 0: nothing */
    bool served;
};

struct fetch {
    struct request *request;
    struct fetch_scope scope;
    struct deadline deadline;
    struct fetch_wait *waits;
    struct fetch *next; /* among those that are to be looked at again */
    bool noted;
    struct fetched *fetched;
    size_t fetched_count;
    size_t fetched_capacity;
    size_t bytes;
    bool failed; /* some partition has an error */
};

/* ---- Gathering ---- */

static void fetched_release(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->fetched_count; i++) {
        if (fetch->fetched[i].range.size > 0)
            range_release(&fetch->fetched[i].range);
        if (fetch->fetched[i].topic != NULL)
            topic_release(fetch->fetched[i].topic);
    }
    fetch->fetched_count = 0;
    fetch->bytes = 0;
    fetch->failed = false;
}

static enum status epoch_check(const struct partition *partition, int32_t asked)
{
    int32_t epoch = partition_leader_epoch(partition);

    if (asked < 0 || asked == epoch)
        return OK;
    return asked < epoch ? ERROR_FENCED_LEADER_EPOCH : ERROR_UNKNOWN_LEADER_EPOCH;
}

static void partition_look(struct fetch *fetch, struct fetched *fetched, size_t bytes_left)
{
    const struct kafka_fetch_request *asked = fetch->request->decoded;
    struct fetch_partition *wanted = fetched->asked;
    size_t bytes_max = wanted->bytes_max < 0 ? 0 : (size_t)wanted->bytes_max;
    bool by_id = slice_is_null(wanted->name);
    struct store *store = fetch->request->broker->store;
    struct range range = {0};
    struct error error;
    int64_t visible;

    fetched->end = fetched->stable_end = fetched->start = -1;
    fetched->topic = by_id ? store_topic_find_by_id(store, &wanted->topic_id) : store_topic_find(store, wanted->name);
    fetched->partition = fetched->topic == NULL ? NULL : topic_partition(fetched->topic, wanted->partition);
    if (fetched->partition == NULL) {
        fetched->status = by_id && fetched->topic == NULL ? ERROR_UNKNOWN_TOPIC_ID : ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    fetched->status = epoch_check(fetched->partition, wanted->leader_epoch);
    if (fetched->status != OK)
        return;
    fetched->end = partition_end(fetched->partition);
    fetched->stable_end = partition_stable_end(fetched->partition);
    fetched->start = partition_start(fetched->partition);
    visible = asked->isolation_level == 1 ? fetched->stable_end : fetched->end;
    if (wanted->offset == visible)
        return;
    if (wanted->offset < fetched->start || wanted->offset > fetched->end) {
        fetched->status = ERROR_OFFSET_OUT_OF_RANGE;
        fetched->end = fetched->stable_end = fetched->start = -1;
        return;
    }
    if (wanted->offset > visible)
        return;
    if (bytes_max > bytes_left)
        bytes_max = bytes_left;
    fetched->status = partition_range(fetched->partition, wanted->offset, bytes_max, fetch->bytes > 0, &range, &error);
    if (fetched->status == OK && range.size > 0)
        fetched->range = range;
    else if (fetched->status == OK)
        range_release(&range);
}

/* Looks at every partition of the fetch. */
static void fetch_gather(struct fetch *fetch)
{
    const struct kafka_fetch_request *asked = fetch->request->decoded;
    size_t bytes_max = asked->max_bytes < 0 ? 0 : (size_t)asked->max_bytes;

    if (bytes_max > (size_t)fetch->request->broker->numbers.fetch_bytes_max)
        bytes_max = (size_t)fetch->request->broker->numbers.fetch_bytes_max;
    fetched_release(fetch);
    for (struct fetch_partition *partition = fetch_scope_first(&fetch->scope); partition != NULL; partition = partition->next) {
        struct fetched *fetched;

        if (fetch->fetched_count == fetch->fetched_capacity) {
            fetch->fetched_capacity = fetch->fetched_capacity == 0 ? 8 : fetch->fetched_capacity * 2;
            fetch->fetched = memory_resize(fetch->fetched, fetch->fetched_capacity * sizeof(*fetch->fetched));
        }
        fetched = &fetch->fetched[fetch->fetched_count++];
        *fetched = (struct fetched){.asked = partition};
        partition_look(fetch, fetched, fetch->bytes < bytes_max ? bytes_max - fetch->bytes : 0);
        fetch->bytes += fetched->range.size;
        fetch->failed = fetch->failed || fetched->status != OK;
    }
}

static bool fetch_is_enough(const struct fetch *fetch)
{
    const struct kafka_fetch_request *asked = fetch->request->decoded;
    int64_t enough = asked->min_bytes < asked->max_bytes ? asked->min_bytes : asked->max_bytes;

    return fetch->failed || (int64_t)fetch->bytes >= enough || fetch->fetched_count == 0;
}

/* ---- Answering ---- */

static void fetch_free(struct fetch *fetch)
{
    fetched_release(fetch);
    memory_free(fetch->fetched);
    fetch->fetched = NULL;
    fetch_scope_finish(&fetch->scope);
}

/* Does an incremental answer have to mention it? Remembers what is told. */
static bool fetched_is_news(const struct fetch *fetch, const struct fetched *fetched)
{
    struct fetch_partition *asked = fetched->asked;
    bool news = fetched->range.size > 0 || fetched->status != OK || fetched->end != asked->told_end || fetched->start != asked->told_start;

    asked->told_end = fetched->status == OK ? fetched->end : -1;
    asked->told_start = fetched->start;
    return news || !fetch->scope.incremental;
}

/* For those who trace a row: who was sent it. */
static void fetched_note(const struct fetch *fetch, const struct fetched *fetched)
{
    const struct request *request = fetch->request;
    char reader[CLIENT_NAME_SIZE];

    request_client_name(request, reader);
    log_passed(request->broker->log, LOG_READER_CLIENT, reader, topic_name(fetched->topic), fetched->asked->partition, fetched->range.next_offset);
}

/* Small ranges go into memory, big ones stay in their file. */
static struct slice fetched_records(struct fetch *fetch, struct fetched *fetched, struct range *files, size_t *file_count)
{
    struct range *range = &fetched->range;
    struct error error;
    uint8_t *copy;

    if (range->size == 0)
        return slice_of("", 0);
    fetched->served = true;
    fetched_note(fetch, fetched);
    counter_add(&fetch->request->broker->counters.fetched_bytes, (int64_t)range->size);
    if (range->size > COPIED_BYTES_MAX) {
        struct slice external = wire_external(range->size);

        files[(*file_count)++] = *range;
        *range = (struct range){0}; /* the answer's now */
        return external;
    }
    copy = arena_new(&fetch->request->arena, range->size);
    if (range_read(range, copy, &error) != OK) {
        LOG_ERROR("fetch from %s-%d: %s", topic_name(fetched->topic), fetched->asked->partition, error.message);
        fetched->status = ERROR_KAFKA_STORAGE_ERROR;
        return slice_of("", 0);
    }
    return slice_of(copy, range->size);
}

static void fetched_write(struct fetch *fetch, struct fetched *fetched, struct kafka_fetch_response_partition *out, struct range *files,
                          size_t *file_count)
{
    const struct kafka_fetch_request *asked = fetch->request->decoded;

    *out = (struct kafka_fetch_response_partition){
        .partition_index = fetched->asked->partition,
        .high_watermark = fetched->end,
        .last_stable_offset = fetched->stable_end,
        .log_start_offset = fetched->start,
        .diverging_epoch = {-1, -1},
        .current_leader = {-1, -1},
        .snapshot_id = {-1, -1},
        .preferred_read_replica = -1,
        .aborted_transactions = {NULL, -1},
    };
    if (asked->isolation_level == 1) {
        size_t count = 0;
        struct aborted_transaction *aborted = NULL;

        if (fetched->range.size > 0)
            aborted =
                partition_aborted(fetched->partition, fetched->asked->offset, fetched->range.next_offset, &fetch->request->arena, &count);
        out->aborted_transactions.count = (int32_t)count;
        out->aborted_transactions.items = arena_new_array(&fetch->request->arena, count, sizeof(*out->aborted_transactions.items));
        for (size_t i = 0; i < count; i++)
            out->aborted_transactions.items[i] =
                (struct kafka_fetch_response_aborted_transaction){aborted[i].producer_id, aborted[i].first_offset};
    }
    out->records = fetched_records(fetch, fetched, files, file_count);
    out->error_code = status_kafka_code(fetched->status);
    if (fetched->status == ERROR_FENCED_LEADER_EPOCH || fetched->status == ERROR_UNKNOWN_LEADER_EPOCH)
        out->current_leader = (struct kafka_fetch_response_current_leader){fetch->request->broker->numbers.node_id,
                                                                           partition_leader_epoch(fetched->partition)};
}

static bool same_topic(const struct fetch_partition *a, const struct fetch_partition *b)
{
    return slice_equal(a->name, b->name) && memcmp(&a->topic_id, &b->topic_id, sizeof(a->topic_id)) == 0;
}

static void fetch_answer(struct fetch *fetch)
{
    struct request *request = fetch->request;
    struct kafka_fetch_response response = {.session_id = fetch_scope_id(&fetch->scope)};
    struct range *files = memory_new_array(fetch->fetched_count, sizeof(*files));
    struct kafka_fetch_response_partition *partitions = arena_new_array(&request->arena, fetch->fetched_count, sizeof(*partitions));
    const struct fetch_partition *topic_of = NULL;
    size_t file_count = 0;
    size_t told = 0;

    response.responses.items = arena_new_array(&request->arena, fetch->fetched_count, sizeof(*response.responses.items));
    for (size_t i = 0; i < fetch->fetched_count; i++) {
        struct fetched *fetched = &fetch->fetched[i];
        struct kafka_fetch_response_topic *topic;

        if (!fetched_is_news(fetch, fetched))
            continue;
        if (topic_of == NULL || !same_topic(topic_of, fetched->asked)) {
            topic = &response.responses.items[response.responses.count++];
            topic->topic = slice_is_null(fetched->asked->name)
                               ? slice_of("", 0)
                               : slice_from_string(arena_copy_string(&request->arena, fetched->asked->name));
            topic->topic_id = fetched->asked->topic_id;
            topic->partitions.items = &partitions[told];
            topic_of = fetched->asked;
        }
        topic = &response.responses.items[response.responses.count - 1];
        topic->partitions.count++;
        fetched_write(fetch, fetched, &partitions[told++], files, &file_count);
    }
    for (size_t i = 0; i < fetch->fetched_count; i++) {
        if (fetch->fetched[i].served)
            fetch_scope_served(&fetch->scope, fetch->fetched[i].asked);
    }
    fetch_free(fetch);
    request_answer_with_files(request, &response, files, file_count);
    memory_free(files);
}

/* ---- Waiting ---- */

static struct slice wait_key(struct partition *const *partition)
{
    return slice_of(partition, sizeof(*partition));
}

static void fetch_wait_on(struct fetch *fetch, struct topic *topic, struct partition *partition)
{
    struct broker *broker = fetch->request->broker;
    struct fetch_wait *wait = arena_new(&fetch->request->arena, sizeof(*wait));
    struct fetch_wait *first = map_get(&broker->fetch_waits, wait_key(&partition));

    topic_retain(topic);
    wait->fetch = fetch;
    wait->partition = partition;
    wait->next = first;
    if (first != NULL)
        first->previous = wait;
    (void)map_put(&broker->fetch_waits, wait_key(&partition), wait);
    wait->other = fetch->waits;
    fetch->waits = wait;
}

static void fetch_stop_waiting(struct fetch *fetch)
{
    struct broker *broker = fetch->request->broker;

    deadline_clear(&broker->deadlines, &fetch->deadline);
    for (struct fetch_wait *wait = fetch->waits; wait != NULL; wait = wait->other) {
        if (wait->next != NULL)
            wait->next->previous = wait->previous;
        if (wait->previous != NULL)
            wait->previous->next = wait->next;
        else if (wait->next != NULL)
            (void)map_put(&broker->fetch_waits, wait_key(&wait->partition), wait->next);
        else
            (void)map_remove(&broker->fetch_waits, wait_key(&wait->partition));
        topic_release(partition_topic(wait->partition));
    }
    fetch->waits = NULL;
    fetch->request->gone = NULL;
}

static void fetch_time_is_up(struct deadline *deadline, int64_t now_ms)
{
    struct fetch *fetch = (struct fetch *)(void *)((uint8_t *)deadline - offsetof(struct fetch, deadline));

    (void)now_ms;
    fetch_stop_waiting(fetch);
    fetch_gather(fetch);
    fetch_answer(fetch);
}

static void fetch_gone(struct request *request)
{
    struct fetch *fetch = request->waiting;

    fetch_stop_waiting(fetch);
    fetch_free(fetch);
    request_drop(request);
}

static void fetch_park(struct fetch *fetch)
{
    struct request *request = fetch->request;
    const struct kafka_fetch_request *asked = request->decoded;

    for (size_t i = 0; i < fetch->fetched_count; i++)
        fetch_wait_on(fetch, fetch->fetched[i].topic, fetch->fetched[i].partition);
    fetched_release(fetch); /* open files are not held while nothing is sent */
    request->waiting = fetch;
    request->gone = fetch_gone;
    fetch->deadline.due = fetch_time_is_up;
    deadline_set(&request->broker->deadlines, &fetch->deadline, broker_now_ms() + asked->max_wait_ms);
}

static void fetch_note(struct fetch *fetch, struct fetch **noted)
{
    if (fetch->noted)
        return;
    fetch->noted = true;
    fetch->next = *noted;
    *noted = fetch;
}

void fetch_partitions_moved(struct broker *broker, struct partition *const *partitions, size_t count, bool all)
{
    struct fetch *noted = NULL;
    const struct map_entry *entry;
    size_t at = 0;

    /* First note them, then answer: an answer lets its connection go on, which changes who waits. */
    for (size_t i = 0; i < count && !all; i++) {
        for (struct fetch_wait *wait = map_get(&broker->fetch_waits, wait_key(&partitions[i])); wait != NULL; wait = wait->next)
            fetch_note(wait->fetch, &noted);
    }
    while (all && (entry = map_next(&broker->fetch_waits, &at)) != NULL) {
        for (struct fetch_wait *wait = entry->value; wait != NULL; wait = wait->next)
            fetch_note(wait->fetch, &noted);
    }
    while (noted != NULL) {
        struct fetch *fetch = noted;

        noted = fetch->next;
        fetch->noted = false;
        fetch_gather(fetch);
        if (fetch_is_enough(fetch)) {
            fetch_stop_waiting(fetch);
            fetch_answer(fetch);
        } else {
            fetched_release(fetch);
        }
    }
}

void fetch_waits_finish(struct broker *broker)
{
    map_finish(&broker->fetch_waits);
}

/* ---- The handler ---- */

/* All partitions get this error; for versions before that of the error at the top, too. */
static void fetch_refuse(struct request *request, enum status status)
{
    const struct kafka_fetch_request *asked = request->decoded;
    struct kafka_fetch_response response = {.error_code = status_kafka_code(status)};

    if (request->header.api_version < 7) {
        response.responses.count = asked->topics.count;
        response.responses.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*response.responses.items));
        for (int32_t i = 0; i < asked->topics.count; i++) {
            struct kafka_fetch_response_topic *topic = &response.responses.items[i];

            topic->topic = asked->topics.items[i].topic;
            topic->partitions.count = asked->topics.items[i].partitions.count;
            topic->partitions.items = arena_new_array(&request->arena, (size_t)topic->partitions.count, sizeof(*topic->partitions.items));
            for (int32_t j = 0; j < topic->partitions.count; j++)
                topic->partitions.items[j] = (struct kafka_fetch_response_partition){
                    .partition_index = asked->topics.items[i].partitions.items[j].partition,
                    .error_code = status_kafka_code(status),
                    .high_watermark = -1,
                    .last_stable_offset = -1,
                    .aborted_transactions = {NULL, -1},
                    .records = slice_of("", 0),
                };
        }
    }
    request_answer(request, &response);
}

void handle_fetch(struct request *request)
{
    const struct kafka_fetch_request *asked = request->decoded;
    struct fetch *fetch = arena_new(&request->arena, sizeof(*fetch));
    int32_t replica = request->header.api_version >= 15 ? asked->replica_state.replica_id : asked->replica_id;
    enum status status;

    if (request->header.api_version < FIRST_VERSION_SERVED || replica >= 0) {
        fetch_refuse(request, replica >= 0 ? ERROR_CLUSTER_AUTHORIZATION_FAILED : ERROR_UNSUPPORTED_VERSION);
        return;
    }
    fetch->request = request;
    status = fetch_scope_begin(request->broker->fetch_sessions, asked, request->header.api_version >= 13, broker_now_ms(), &request->arena,
                               &fetch->scope);
    if (status != OK) {
        fetch_refuse(request, status);
        return;
    }
    fetch_gather(fetch);
    request_fetched(request, fetch->fetched_count == 0 ? NULL : fetch->fetched[0].partition);
    if (asked->max_wait_ms <= 0 || fetch_is_enough(fetch))
        fetch_answer(fetch);
    else
        fetch_park(fetch);
}
