/* api_copy.c: writes messages of one topic to another, as new ones: same key, value and headers, now. */
#include "web/search.h"

#include "base/banned.h"
#include "base/text.h"
#include "os/clock.h"
#include "web/produce.h"
#include "web/words.h"
#include "log/scan.h"
#include "wire/kafka/partitioner.h"

#define COPIED_MAX 10000
#define BATCH_AIM_BYTES ((size_t)256 << 10) /* then it is written; a larger message goes alone */
#define HEADERS_MAX 1000

struct copy {
    struct api_call *call;
    const char *from, *to;
    int32_t from_partitions, to_partitions;
    bool keep_partition;
    json_t *places; /* [[partition, offset], …] */
    struct record_builder builder;
    int32_t partition; /* of the batch under way */
    json_int_t written;
};

/* ---- Which ones ---- */

static json_t *place_make(void *context, int32_t partition, const struct record *record, const struct change *change, struct arena *arena)
{
    (void)context, (void)change, (void)arena;
    return json_pack("[i, I]", (int)partition, (json_int_t)record->offset);
}

static void places_add(void *context, const json_t *made, struct buffer *out)
{
    struct copy *copy = context;

    (void)out;
    (void)json_array_extend(copy->places, (json_t *)(uintptr_t)made);
}

static void places_done(void *context, const char *why, const char *trouble, size_t given, struct buffer *out)
{
    (void)context, (void)why, (void)trouble, (void)given, (void)out;
}

/* {"from": "newest", …} as a query string, so that there is one reader of searches. */
static struct slice query_of(struct api_call *call, const json_t *search)
{
    struct buffer text;
    struct slice query;
    const char *name;
    json_t *value;

    buffer_init(&text, 65536);
    json_object_foreach((json_t *)(uintptr_t)search, name, value) {
        char *plain = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

        if (!json_is_null(value)) {
            buffer_append_format(&text, "&%s=", name);
            for (const char *at = json_is_string(value) ? json_string_value(value) : plain; at != NULL && *at != '\0'; at++)
                buffer_append_format(&text, "%%%02X", (unsigned)(uint8_t)*at);
        }
        free(plain);
    }
    query = text.failed ? slice_null() : slice_from_string(arena_copy_string(call->arena, buffer_slice(&text)));
    buffer_finish(&text);
    return query;
}

/* Fills the places; false with the answer given. */
static bool places_find(struct copy *copy)
{
    static const struct search_taker taker = {place_make, places_add, places_done, NULL};
    struct api_call *call = copy->call, searching = *call;
    struct http_request request = *call->request;
    const json_t *listed = json_object_get(call->body, "messages"), *search = json_object_get(call->body, "search"), *place;
    size_t index;

    copy->places = json_array();
    if (json_is_object(search)) {
        request.query = query_of(call, search);
        searching.request = &request;
        return search_run(&searching, &taker, copy, COPIED_MAX);
    }
    json_array_foreach(listed, index, place) {
        json_int_t partition = json_integer_value(json_array_get(place, 0));

        if (json_array_size(place) != 2 || !json_is_integer(json_array_get(place, 0)) || !json_is_integer(json_array_get(place, 1)) || partition < 0 ||
            partition >= copy->from_partitions) {
            api_error(call, 400, "BAD_PLACE", "Nothing was written.", "Each message is a pair of a partition that there is and an offset.", NULL);
            return false;
        }
        json_add(copy->places, json_incref((json_t *)(uintptr_t)place));
    }
    if (json_array_size(copy->places) > COPIED_MAX) {
        api_error(call, 413, "TOO_MANY", "Nothing was written.", "At most 10,000 messages are written at once.", "Choose fewer.");
        return false;
    }
    return true;
}

/* ---- Writing ---- */

static bool batch_write(struct copy *copy)
{
    struct record_batch_spec plain = record_batch_spec_plain();
    int64_t offset;
    bool fine = true;

    if (record_builder_count(&copy->builder) > 0) {
        int32_t count = record_builder_count(&copy->builder);

        fine = produce(copy->call, copy->to, copy->partition, record_builder_seal(&copy->builder, &plain, NULL), &offset);
        copy->written += fine ? count : 0;
    }
    record_builder_reset(&copy->builder);
    return fine;
}

static int32_t target_of(const struct copy *copy, int32_t partition, const struct record *record)
{
    if (copy->keep_partition)
        return partition;
    return slice_is_null(record->key) ? (int32_t)(record->offset % copy->to_partitions) : kafka_partition_for_key(record->key, copy->to_partitions);
}

static bool record_add(struct copy *copy, int32_t target, const struct record *record)
{
    struct record whole = *record;
    struct record_header headers[HEADERS_MAX];
    size_t count = 0;

    while (count < HEADERS_MAX && record_next_header(&whole, &headers[count]))
        count++;
    if (copy->partition != target || record_builder_bytes(&copy->builder) > BATCH_AIM_BYTES) {
        if (!batch_write(copy))
            return false;
        copy->partition = target;
    }
    if (record_builder_append(&copy->builder, clock_now_ms(), record->key, record->value, headers, count))
        return true;
    if (record_builder_count(&copy->builder) > 0) /* it does not fit beside others */
        return batch_write(copy) && record_add(copy, target, record);
    api_error(copy->call, 413, "TOO_LARGE", arena_format(copy->call->arena, "The message at offset %lld was not written.", (long long)record->offset), "It is larger than any message may be.", NULL);
    return false;
}

/* In the order given. False with the answer given. */
static bool places_write(struct copy *copy)
{
    struct scan *scan = scan_create(api_settings_of(copy->call->api)->log);
    struct record record;
    struct record_batch batch;
    struct error error;
    const json_t *place;
    bool fine = true;
    size_t index;

    json_array_foreach(copy->places, index, place) {
        int32_t partition = (int32_t)json_integer_value(json_array_get(place, 0));
        int64_t offset = json_integer_value(json_array_get(place, 1));

        if (!fine || api_is_stopping(copy->call->api))
            break;
        scan_seek(scan, copy->from, partition, offset, offset + 1);
        if (offset >= 0 && scan_next(scan, &record, &batch, &error) == SCAN_RECORD) {
            if (message_topic_has_secrets(api_settings_of(copy->call->api)->values, copy->from))
                record.value = message_without_secrets(record.value, copy->call->arena);
            fine = record_add(copy, target_of(copy, partition, &record), &record);
            continue;
        }
        api_error(copy->call, 404, "NO_SUCH_MESSAGE", arena_format(copy->call->arena, "There is no message at partition %d, offset %lld any more.", partition, (long long)offset),
                  "Retention or compaction removed it.", "Choose others.");
        fine = false;
    }
    scan_destroy(scan);
    return fine && batch_write(copy);
}

static json_t *place_of(const struct copy *copy, size_t index)
{
    const json_t *place = json_array_get(copy->places, index);

    return place == NULL ? json_null() : json_incref((json_t *)(uintptr_t)place);
}

static void copy_answer(struct copy *copy)
{
    struct api_call *call = copy->call;
    size_t count = json_array_size(copy->places);

    if (count == 0) {
        api_error(call, 404, "NOTHING_FOUND", "Nothing was written.", "No message was chosen, or none was found.", NULL);
        return;
    }
    if (!call->dry_run) {
        record_builder_init(&copy->builder, PRODUCE_BYTES_MAX);
        if (!places_write(copy)) {
            record_builder_finish(&copy->builder);
            if (copy->written > 0)
                api_changed(call, "warn", copy->to, arena_format(call->arena, "Topic %s: %s of %s copied from %s.", copy->to, words_number(call->arena, copy->written), words_were(call->arena, (int64_t)count, "message"), copy->from));
            return;
        }
        record_builder_finish(&copy->builder);
        api_changed(call, "info", copy->to, arena_format(call->arena, "Topic %s: %s copied from %s.", copy->to, words_were(call->arena, (int64_t)count, "message"), copy->from));
    }
    api_json(call, 200, json_pack("{s:I, s:o, s:o}", "count", (json_int_t)count, "first", place_of(copy, 0), "last", place_of(copy, count - 1)));
}

void api_topic_copy(struct api_call *call)
{
    struct copy copy = {.call = call, .from = call->parts[0], .to = member_text(call->body, "to"), .keep_partition = json_is_true(json_object_get(call->body, "keep_partition")),
                        .partition = -1};
    struct topic *from = api_topic_find(call, copy.from), *to;

    if (from == NULL)
        return;
    copy.from_partitions = topic_partition_count(from);
    topic_release(from);
    if (copy.to == NULL) {
        api_error_at(call, 400, "NO_TOPIC", "Nothing was written: no topic was named.", "to", 0);
        return;
    }
    to = api_topic_find(call, copy.to);
    if (to == NULL)
        return;
    copy.to_partitions = topic_partition_count(to);
    topic_release(to);
    if (copy.keep_partition && copy.to_partitions < copy.from_partitions)
        api_error(call, 400, "UNKNOWN_PARTITION", "Nothing was written.", arena_format(call->arena, "Topic %s has %d partitions, %s has only %d.", copy.from, copy.from_partitions, copy.to, copy.to_partitions),
                  "Leave the partition to the key.");
    else if (places_find(&copy))
        copy_answer(&copy);
    json_decref(copy.places);
}
