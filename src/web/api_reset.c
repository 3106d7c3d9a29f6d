/* api_reset.c: moving a group's positions: a preview of what will be read again or left out, and the move that was previewed. */
#include "web/api.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "web/words.h"
#include "store/batch.h"
#include "wire/kafka/messages_offsets.h"

enum { OFFSET_COMMIT_VERSION = 9 };

#define PLAN_VALID_MS 60000
#define PLANS_KEPT 32

/* ---- Plans: what was shown is what is done ---- */

struct plan {
    char id[24];
    char group[256];
    int64_t made_ms;    /* monotonic */
    json_t *partitions; /* of the preview */
};

struct plans {
    pthread_mutex_t lock; /* guards the ring; a leaf */
    pthread_mutex_t moving; /* held from the look at a group to its move: of two moves planned on the same positions one is stale */
    uint64_t count;
    struct plan items[PLANS_KEPT];
};

struct plans *plans_create(void)
{
    struct plans *plans = memory_new(sizeof(*plans));

    (void)pthread_mutex_init(&plans->lock, NULL);
    (void)pthread_mutex_init(&plans->moving, NULL);
    return plans;
}

void plans_destroy(struct plans *plans)
{
    if (plans == NULL)
        return;
    for (size_t i = 0; i < PLANS_KEPT; i++)
        json_decref(plans->items[i].partitions);
    (void)pthread_mutex_destroy(&plans->lock);
    (void)pthread_mutex_destroy(&plans->moving);
    memory_free(plans);
}

static const char *plan_keep(struct api_call *call, const char *group, json_t *partitions)
{
    struct plans *plans = api_plans(call->api);
    struct plan *plan;
    const char *id;

    (void)pthread_mutex_lock(&plans->lock);
    plan = &plans->items[plans->count % PLANS_KEPT];
    json_decref(plan->partitions);
    (void)snprintf(plan->id, sizeof(plan->id), "p-%llu", (unsigned long long)++plans->count);
    (void)snprintf(plan->group, sizeof(plan->group), "%s", group);
    plan->made_ms = clock_monotonic_ms();
    plan->partitions = json_incref(partitions);
    id = arena_copy_string(call->arena, slice_from_string(plan->id));
    (void)pthread_mutex_unlock(&plans->lock);
    return id;
}

/* A new reference to its partitions; NULL when there is none, or it is too old. */
static json_t *plan_take(struct api_call *call, const char *group, const char *id)
{
    struct plans *plans = api_plans(call->api);
    json_t *partitions = NULL;

    (void)pthread_mutex_lock(&plans->lock);
    for (size_t i = 0; i < PLANS_KEPT && partitions == NULL; i++) {
        const struct plan *plan = &plans->items[i];

        if (strcmp(plan->id, id) == 0 && strcmp(plan->group, group) == 0 && clock_monotonic_ms() - plan->made_ms < PLAN_VALID_MS)
            partitions = json_incref(plan->partitions);
    }
    (void)pthread_mutex_unlock(&plans->lock);
    return partitions;
}

/* ---- Where to ---- */

struct place {
    const char *topic;
    int32_t index;
    int64_t committed; /* -1: none */
    int64_t first, end;
    struct partition *partition;
};

static int64_t committed_of(const json_t *group, const char *topic, int32_t partition)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(group, "partitions"), index, item) {
        if (strcmp(member_text(item, "topic"), topic) == 0 && member_integer(item, "partition", -1) == partition)
            return member_integer(item, "committed", -1);
    }
    return -1;
}

static int64_t offset_at_time(const struct place *place, int64_t at_ms)
{
    int64_t offset, found_ms;

    return partition_find_time(place->partition, at_ms, &offset, &found_ms, NULL) == OK && offset >= 0 ? offset : place->end;
}

/* -1: stays where it is, with a note. other: of kind group. */
static int64_t target_of(const struct place *place, const json_t *to, const json_t *other, const char **note)
{
    const char *kind = member_text(to, "kind");
    int64_t target = -1;

    if (strcmp(kind, "beginning") == 0)
        target = place->first;
    else if (strcmp(kind, "end") == 0)
        target = place->end;
    else if (strcmp(kind, "past_one") == 0)
        target = place->committed < 0 ? -1 : place->committed + 1;
    else if (strcmp(kind, "time") == 0)
        target = offset_at_time(place, member_integer(to, "at_ms", 0));
    else if (strcmp(kind, "duration") == 0)
        target = offset_at_time(place, clock_now_ms() - member_integer(to, "ms", 0));
    else if (strcmp(kind, "offset") == 0)
        target = member_integer(to, "offset", 0) < 0 ? 0 : member_integer(to, "offset", 0);
    else if (strcmp(kind, "by") == 0)
        target = place->committed < 0 ? -1 : place->committed + member_integer(to, "count", 0);
    else
        target = committed_of(other, place->topic, place->index);
    if (target < 0 && place->committed < 0) {
        *note = "has no position";
        return -1;
    }
    if (target < 0 && strcmp(kind, "group") == 0) {
        *note = "the other group has no position here";
        return -1;
    }
    if (target < place->first || target > place->end)
        *note = target < place->first ? "is the first that is kept" : "is the end";
    return target < place->first ? place->first : target > place->end ? place->end : target;
}

static json_t *time_at(const struct place *place, int64_t offset)
{
    struct batch batch;

    if (offset < place->first || offset >= place->end || !batch_header_at(place->partition, offset, &batch))
        return json_null();
    return json_integer_or_null((batch.attributes & BATCH_APPEND_TIME) != 0 ? batch.max_timestamp : batch.base_timestamp);
}

struct totals {
    int64_t read_again, skipped;
};

static void move_add(json_t *moves, const struct place *place, const json_t *to, const json_t *other, struct totals *totals)
{
    const char *note = NULL;
    int64_t target = target_of(place, to, other, &note), from = place->committed < place->first ? place->first : place->committed;

    if (target < 0)
        return;
    totals->read_again += place->committed >= 0 && target < from ? from - target : 0;
    totals->skipped += place->committed >= 0 && target > from ? target - from : 0;
    json_add(moves, json_pack("{s:s, s:i, s:o, s:I, s:o, s:o, s:o}", "topic", place->topic, "partition", (int)place->index, "from", json_integer_or_null(place->committed), "to",
                              (json_int_t)target, "from_ms", place->committed < 0 ? json_null() : time_at(place, from), "to_ms", time_at(place, target), "note",
                              json_text_or_null(note)));
}

/* One partition, when it exists. */
static void place_move(struct api *api, json_t *moves, const char *topic_name_text, int32_t index, const json_t *group, const json_t *to, const json_t *other,
                       struct totals *totals)
{
    struct topic *topic = store_topic_find(api_settings_of(api)->store, slice_from_string(topic_name_text));
    struct place place = {.topic = topic_name_text, .index = index, .committed = committed_of(group, topic_name_text, index)};

    if (topic == NULL)
        return;
    place.partition = topic_partition(topic, index);
    if (place.partition != NULL) {
        place.first = partition_start(place.partition);
        place.end = partition_end(place.partition);
        move_add(moves, &place, to, other, totals);
    }
    topic_release(topic);
}

static json_t *moves_make(struct api_call *call, const json_t *group, const json_t *to, const json_t *other, struct totals *totals)
{
    const json_t *wanted = json_object_get(call->body, "partitions"), *numbers, *number, *item;
    json_t *moves = json_array();
    const char *topic;
    size_t index;

    if (json_is_object(wanted) && json_object_size(wanted) > 0) {
        json_object_foreach((json_t *)(uintptr_t)wanted, topic, numbers) {
            json_array_foreach(numbers, index, number)
                place_move(call->api, moves, topic, (int32_t)json_integer_value(number), group, to, other, totals);
        }
    } else {
        json_array_foreach(json_object_get(group, "partitions"), index, item)
            place_move(call->api, moves, member_text(item, "topic"), (int32_t)member_integer(item, "partition", 0), group, to, other, totals);
    }
    return moves;
}

/* ---- Doing it ---- */

/* False with the answer given: somebody has moved it meanwhile. */
static bool moves_are_fresh(struct api_call *call, const json_t *group, const json_t *moves)
{
    const json_t *move;
    size_t index;

    json_array_foreach(moves, index, move) {
        if (committed_of(group, member_text(move, "topic"), (int32_t)member_integer(move, "partition", 0)) != member_integer(move, "from", -1)) {
            api_error(call, 409, "STALE_PLAN", "The group was not moved.", "Its positions have changed since the preview.", "Look at a new preview.");
            return false;
        }
    }
    return true;
}

static bool moves_commit(struct api_call *call, const char *name, const json_t *moves)
{
    size_t count = json_array_size(moves), index;
    struct kafka_offset_commit_request request;
    struct kafka_offset_commit_response response;
    const json_t *move;

    wire_init_defaults(&kafka_offset_commit_request_message, &request);
    request.group_id = slice_from_string(name);
    request.topics.items = arena_new_array(call->arena, count + 1, sizeof(*request.topics.items));
    json_array_foreach(moves, index, move) { /* a topic may be there more than once: the broker takes each */
        struct kafka_offset_commit_request_topic *topic = &request.topics.items[request.topics.count++];
        struct kafka_offset_commit_request_partition *partition = arena_new(call->arena, sizeof(*partition));

        wire_init_defaults(&kafka_offset_commit_request_partition_message, partition);
        partition->partition_index = (int32_t)member_integer(move, "partition", 0);
        partition->committed_offset = member_integer(move, "to", 0);
        partition->committed_metadata = slice_from_string("");
        topic->name = slice_from_string(member_text(move, "topic"));
        topic->partitions.items = partition;
        topic->partitions.count = 1;
    }
    if (!api_ask(call, KAFKA_OFFSET_COMMIT, OFFSET_COMMIT_VERSION, &request, &response))
        return false;
    for (int32_t i = 0; i < response.topics.count; i++) {
        for (int32_t k = 0; k < response.topics.items[i].partitions.count; k++) {
            if (response.topics.items[i].partitions.items[k].error_code != 0) {
                api_kafka_failed(call, response.topics.items[i].partitions.items[k].error_code, slice_null(), "The group was not moved.");
                return false;
            }
        }
    }
    return true;
}

/* ---- The answer ---- */

static json_t *preview_make(struct api_call *call, const char *name, const json_t *group, json_t *moves, const struct totals *totals)
{
    long long members = (long long)member_integer(group, "members_count", 0);
    const json_t *first = json_array_get(moves, 0);
    json_t *plan = json_object(), *summary;

    if (totals->read_again > 0 && totals->skipped > 0)
        summary = json_string(arena_format(call->arena, "%s read again, %s left out.", words_are(call->arena, totals->read_again, "message"), words_are(call->arena, totals->skipped, "message")));
    else if (totals->read_again > 0)
        summary = json_string(arena_format(call->arena, "%s read again.", words_are(call->arena, totals->read_again, "message")));
    else if (totals->skipped > 0)
        summary = json_string(arena_format(call->arena, "%s skipped.", words_are(call->arena, totals->skipped, "message")));
    else
        summary = json_string(json_array_size(moves) == 0 ? "There is nothing to move." : "Nothing is read again and nothing is skipped.");
    json_put(plan, "plan", json_string(plan_keep(call, name, moves)));
    json_put(plan, "valid_ms", json_integer(PLAN_VALID_MS));
    json_put(plan, "summary", summary);
    json_put(plan, "read_again", json_integer(totals->read_again));
    json_put(plan, "skipped", json_integer(totals->skipped));
    json_put(plan, "blocked", members == 0 ? json_null() : json_sprintf("The group has %lld member%s. Stop %s first.", members, members == 1 ? "" : "s", members == 1 ? "it" : "them"));
    json_put(plan, "command",
             json_sprintf("kafka-consumer-groups --bootstrap-server %s --group %s --topic %s:%lld --reset-offsets --to-offset %lld --execute", api_settings_of(call->api)->kafka,
                          name, first == NULL ? "" : member_text(first, "topic"), (long long)member_integer(first, "partition", 0),
                          (long long)member_integer(first, "to", 0)));
    json_put(plan, "partitions", json_incref(moves));
    return plan;
}

/* False with the answer given. */
static bool target_is_sound(struct api_call *call, const json_t *to)
{
    static const char *const kinds[] = {"beginning", "end", "past_one", "time", "offset", "by", "duration", "group"};
    const char *kind = member_text(to, "kind");

    for (size_t i = 0; kind != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    }
    api_error(call, 400, "BAD_TARGET", "The group was not moved.", "Where to is not said.", "Send to.kind: beginning, end, past_one, time, offset, by, duration or group.");
    return false;
}

static void reset_do(struct api_call *call, const char *name, const json_t *group, json_t *moves, const struct totals *totals)
{
    long long members = (long long)member_integer(group, "members_count", 0);

    if (call->dry_run) {
        api_json(call, 200, preview_make(call, name, group, moves, totals));
    } else if (members > 0) {
        api_error(call, 409, "GROUP_NOT_EMPTY", "The group was not moved.", arena_format(call->arena, "It has %lld member%s, which would overwrite the new positions.", members, members == 1 ? "" : "s"),
                  "Stop them first.");
    } else if (moves_are_fresh(call, group, moves) && moves_commit(call, name, moves)) {
        api_changed(call, "info", name,
                  arena_format(call->arena, "Group %s was moved in %zu partition%s.", name, json_array_size(moves), json_array_size(moves) == 1 ? "" : "s"));
        api_json(call, 200, preview_make(call, name, group, moves, totals));
    }
}

static void reset_answer(struct api_call *call)
{
    const char *name = call->parts[0], *plan = member_text(call->body, "plan");
    const json_t *to = json_object_get(call->body, "to");
    json_t *group, *other = NULL, *moves = NULL;
    struct totals totals = {0, 0};

    if (plan == NULL && !target_is_sound(call, to))
        return;
    group = api_group_find(call, name);
    if (group == NULL)
        return;
    if (plan == NULL) {
        const char *other_name = member_text(to, "group");

        if (strcmp(member_text(to, "kind"), "group") == 0)
            other = other_name == NULL ? NULL : api_group_find(call, other_name);
        if (strcmp(member_text(to, "kind"), "group") == 0 && other == NULL) {
            if (other_name == NULL)
                api_error(call, 400, "BAD_TARGET", "The group was not moved.", "The other group is not named.", NULL);
        } else {
            moves = moves_make(call, group, to, other, &totals);
        }
    } else {
        moves = plan_take(call, name, plan);
        if (moves == NULL)
            api_error(call, 409, "STALE_PLAN", "The group was not moved.", "The preview is older than a minute, or not known.", "Look at a new preview.");
    }
    if (moves != NULL)
        reset_do(call, name, group, moves, &totals);
    json_decref(moves);
    json_decref(other);
    json_decref(group);
}

void api_group_reset(struct api_call *call)
{
    struct plans *plans = api_plans(call->api);

    (void)pthread_mutex_lock(&plans->moving);
    reset_answer(call);
    (void)pthread_mutex_unlock(&plans->moving);
}
