#include "web/api.h"

#include "base/banned.h"
#include "os/clock.h"
#include "store/batch.h"
#include "web/gone.h"
#include "web/group_members.h"
#include "web/watch.h"
#include "web/words.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_offsets.h"

#include <math.h>

enum { LIST_GROUPS_VERSION = 5, DESCRIBE_GROUPS_VERSION = 6, OFFSET_FETCH_VERSION = 9, DELETE_GROUPS_VERSION = 2, OFFSET_DELETE_VERSION = 0 };

#define BEHIND_MS 30000      /* from here on a group is said to be behind */
#define POLL_SILENT_MS 20000 /* a member that asks for nothing for so long does not poll: a fetch waits for less */
#define SPARK_POINTS 24
#define SPARK_GROUPS_MAX 40

/* ---- One partition of a group ---- */

/*
 * How long the record at `committed`, the first unread one, has waited, in ms; 0 at the end, -1 unknown. By the time of its
 * batch, so it may say a little more.
 */
static int64_t lag_ms_of(struct api *api, const char *topic, int32_t partition_index, int64_t committed, int64_t end)
{
    struct topic *found = store_topic_find(api_settings_of(api)->store, slice_from_string(topic));
    struct partition *partition = found == NULL ? NULL : topic_partition(found, partition_index);
    int64_t lag_ms = -1, since_ms;
    struct batch batch;

    if (committed >= end) {
        lag_ms = 0;
    } else if (partition != NULL) {
        int64_t first = partition_start(partition);

        if (batch_header_at(partition, committed < first ? first : committed, &batch)) {
            since_ms = (batch.attributes & BATCH_APPEND_TIME) != 0 ? batch.max_timestamp : batch.base_timestamp;
            lag_ms = since_ms < 0 ? -1 : clock_now_ms() - since_ms;
            if (since_ms >= 0 && lag_ms < 0) /* the producer's clock is ahead */
                lag_ms = 0;
        }
    }
    if (found != NULL)
        topic_release(found);
    return lag_ms;
}

static void partition_word(json_t *item, int64_t waiting, int64_t lag_ms, bool has_members)
{
    const char *state = "ok", *word = "at the end";

    if (waiting > 0 && !has_members) {
        state = "idle";
        word = "nobody reads";
    } else if (waiting > 0) {
        state = lag_ms > BEHIND_MS ? "warn" : "ok";
        word = lag_ms > BEHIND_MS ? "behind" : "reading";
    }
    json_put(item, "state", json_string(state));
    json_put(item, "word", json_string(word));
}

/* NULL when the topic or partition is gone. */
static json_t *partition_make(struct api *api, const char *group, const char *topic_name_text, int32_t index, int64_t committed, bool has_members)
{
    struct topic *topic = store_topic_find(api_settings_of(api)->store, slice_from_string(topic_name_text));
    const struct partition *partition = topic == NULL ? NULL : topic_partition(topic, index);
    int64_t end = partition == NULL ? -1 : partition_end(partition), first = partition == NULL ? 0 : partition_start(partition), lag_ms, waiting, stood_ms;
    json_t *item;

    if (topic != NULL)
        topic_release(topic);
    if (end < 0)
        return NULL;
    waiting = committed > end ? 0 : end - (committed < first ? first : committed);
    lag_ms = lag_ms_of(api, topic_name_text, index, committed, end);
    item = json_pack("{s:s, s:i, s:I, s:I, s:I, s:o, s:n, s:I}", "topic", topic_name_text, "partition", (int)index, "committed", (json_int_t)committed, "end", (json_int_t)end,
                     "waiting", (json_int_t)waiting, "lag_ms", json_integer_or_null(lag_ms), "member", "lost", (json_int_t)(committed < first ? first - committed : 0));
    partition_word(item, waiting, lag_ms, has_members);
    stood_ms = watch_stood_ms(api_watch(api), group, topic_name_text, index, clock_now_ms());
    json_put(item, "stood_ms", json_integer_or_null(stood_ms));
    if (stood_ms >= WATCH_STUCK_MS) {
        json_put(item, "state", json_string("warn"));
        json_put(item, "word", json_string("stuck here"));
    }
    return item;
}

/* ---- Groups ---- */

static void word_put(json_t *group, const char *kafka_state, int64_t lag_ms, int64_t waiting, double reads, double arrives)
{
    bool has_members = member_integer(group, "members_count", 0) > 0;
    const char *state = "ok", *word = "At the end", *why = NULL;
    json_t *catches_up = json_null();

    if (strstr(kafka_state, "Rebalanc") != NULL || strcmp(kafka_state, "Assigning") == 0 || strcmp(kafka_state, "Reconciling") == 0) {
        state = "busy";
        word = "Rebalancing";
    } else if (!has_members) {
        state = "idle";
        word = waiting > 0 ? "Nobody reads" : "Empty";
        why = waiting > 0 ? "nobody reads" : NULL;
    } else if (waiting > 0 && lag_ms > BEHIND_MS) {
        bool gains = !isnan(reads) && !isnan(arrives) && reads > arrives;

        state = gains ? "busy" : "warn";
        word = gains ? "Catching up" : "Falling behind";
        why = gains ? NULL : "reads less than arrives";
        if (gains) {
            json_decref(catches_up);
            catches_up = json_integer((json_int_t)((double)waiting * 1000 / (reads - arrives)));
        }
    } else if (waiting > 0) {
        word = "Reading";
    }
    json_put(group, "state", json_string(state));
    json_put(group, "word", json_string(word));
    json_put(group, "catches_up_ms", catches_up);
    json_put(group, "catches_up_why", json_text_or_null(why));
}

/* The first partition that stands, or that lost messages; NULL: none does. */
static const json_t *partition_with(const json_t *group, const char *member, int64_t least)
{
    const json_t *partition;
    size_t index;

    json_array_foreach(json_object_get(group, "partitions"), index, partition) {
        if (member_integer(partition, member, -1) >= least)
            return partition;
    }
    return NULL;
}

static size_t partitions_waiting(const json_t *group)
{
    const json_t *partition;
    size_t index, count = 0;

    json_array_foreach(json_object_get(group, "partitions"), index, partition) count += member_integer(partition, "waiting", 0) > 0;
    return count;
}

static json_t *why_of(const char *code, const char *title, json_t *why, const char *todo, json_t *actions)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:o}", "code", code, "title", title, "why", why, "todo", todo, "actions", actions == NULL ? json_array() : actions);
}

static json_t *message_open(struct arena *arena, const json_t *partition)
{
    int64_t offset = member_integer(partition, "committed", 0);

    return json_pack("[{s:s, s:o}]", "text", arena_format(arena, "Show message %s", words_number(arena, offset)), "open",
                     json_sprintf("/topics/%s?p=%lld&o=%lld", member_text(partition, "topic"), (long long)member_integer(partition, "partition", 0), (long long)offset));
}

static json_t *lost_why(struct arena *arena, const json_t *lost)
{
    return why_of("group_lost_messages", "Messages were deleted before they were read",
                  json_pack("[s]", arena_format(arena, "In %s, partition %lld, retention deleted %s that the group had not read: its offset %s does not exist any more.", member_text(lost, "topic"),
                                                (long long)member_integer(lost, "partition", 0), words_count(arena, member_integer(lost, "lost", 0), "message"),
                                                words_number(arena, member_integer(lost, "committed", 0)))),
                  "Keep messages for longer (retention.ms), or make the consumers faster.", NULL);
}

/* Does anybody who has it ask for more? The member's own silence is said, or that it reads the same message again and again. */
static json_t *stuck_why(struct arena *arena, const json_t *group, const json_t *stuck)
{
    const json_t *member = group_member_of(group, stuck);
    int64_t now_ms = clock_now_ms(), polled_ms = member_integer(member, "last_poll_ms", 0), offset = member_integer(stuck, "committed", 0);
    bool is_silent = polled_ms > 0 && now_ms - polled_ms > POLL_SILENT_MS;
    const char *place = arena_format(arena, "%s, partition %lld", member_text(stuck, "topic"), (long long)member_integer(stuck, "partition", 0));
    const char *stood = words_duration(arena, member_integer(stuck, "stood_ms", 0)), *waiting = words_count(arena, member_integer(stuck, "waiting", 0), "message");
    const char *rest = arena_format(arena, "does not get past offset %s of %s: it has been there for %s while %s wait.", words_number(arena, offset), place, stood, waiting);
    json_t *why;

    if (member == NULL) {
        why = json_pack("[s]", arena_format(arena, "No member has %s, and the group %s", place, rest));
    } else {
        why = json_pack("[s, {s:s}, s]", "Member ", "code", member_text(member, "client_id"),
                        is_silent ? arena_format(arena, " on %s has not polled since %s, %s ago; it %s", member_text(member, "host"), words_moment(arena, polled_ms),
                                                 words_duration(arena, now_ms - polled_ms), rest)
                                  : arena_format(arena, " on %s %s%s", member_text(member, "host"), polled_ms > 0 ? "asks for messages, but " : "", rest));
    }
    return why_of(is_silent ? "member_not_polling" : "group_stuck", arena_format(arena, "Partition %lld of %s is stuck", (long long)member_integer(stuck, "partition", 0), member_text(stuck, "topic")), why,
                  is_silent ? "Look at that process: it lives, but is busy with what it has, or hangs. Its log, and this message, say with what." : "Look at that message and at the log of the process.",
                  message_open(arena, stuck));
}

/* Why messages wait, in words; the cause that is nearest to the remedy comes first. */
static json_t *why_make(struct arena *arena, const json_t *group)
{
    const json_t *lost = partition_with(group, "lost", 1), *stuck = partition_with(group, "stood_ms", WATCH_STUCK_MS);
    const char *word = member_text(group, "word");

    if (lost != NULL)
        return lost_why(arena, lost);
    if (strcmp(word, "Rebalancing") == 0)
        return why_of("group_rebalancing", "The group shares its partitions out anew", json_pack("[s]", "While it does, nobody reads. A member that joins, leaves or is silent for too long begins it."),
                      "If it does not end, look at the log of the consumers: one of them is too slow for its max.poll.interval.ms or session.timeout.ms.", NULL);
    if (strcmp(word, "Nobody reads") == 0)
        return why_of("group_behind", "Messages wait to be read", json_pack("[s]", "The group has no members: no process reads for it now."),
                      "Start its consumer, or delete the group when it is not needed any more.", NULL);
    if (stuck != NULL)
        return stuck_why(arena, group, stuck);
    if (strcmp(word, "Falling behind") != 0)
        return json_null();
    if (partitions_waiting(group) == 1 && json_array_size(json_object_get(group, "partitions")) > 1)
        return why_of("group_behind", "One partition is behind, the others are at the end",
                      json_pack("[s]", arena_format(arena, "All %s wait in one partition: its keys bring more than one member reads.",
                                                    words_count(arena, member_integer(group, "waiting", 0), "message"))),
                      "More members do not help one partition. Make the consumer faster, or spread the keys.", NULL);
    return why_of("group_behind", "Messages wait to be read", json_pack("[s]", "More arrives than the members read."),
                  "Look at the log of its consumers; start more of them, up to one per partition.", NULL);
}

static json_t *group_assemble(struct api *api, struct arena *arena, const struct members_seen *seen, const struct kafka_describe_groups_response_group *described,
                              const struct kafka_offset_fetch_response_group *offsets)
{
    int32_t generation;
    json_t *group = json_object(), *partitions = json_array(), *members = group_members_make(seen, arena, described, &generation), *topics = json_array();
    const char *name = arena_copy_string(arena, described->group_id), *kafka_state = arena_copy_string(arena, described->group_state);
    double reads = sampler_rate(api_sampler(api), "group:", name), arrives = sampler_rate(api_sampler(api), "arrives:", name);
    int64_t lag_ms = -1, waiting = 0;

    for (int32_t i = 0; offsets != NULL && i < offsets->topics.count; i++) {
        const struct kafka_offset_fetch_response_group_topic *topic = &offsets->topics.items[i];
        const char *topic_text = arena_copy_string(arena, topic->name);

        json_add(topics, json_string(topic_text));
        for (int32_t k = 0; k < topic->partitions.count; k++) {
            json_t *item = topic->partitions.items[k].committed_offset < 0
                               ? NULL
                               : partition_make(api, name, topic_text, topic->partitions.items[k].partition_index, topic->partitions.items[k].committed_offset,
                                                described->members.count > 0);
            int64_t lag = member_integer(item, "lag_ms", -1);

            if (item == NULL)
                continue;
            lag_ms = lag > lag_ms ? lag : lag_ms;
            waiting += member_integer(item, "waiting", 0);
            json_add(partitions, item);
        }
    }
    group_members_note(partitions, members);
    json_put(group, "group", json_string(name));
    json_put(group, "kafka_state", json_string(kafka_state));
    json_put(group, "members_count", json_integer(described->members.count));
    json_put(group, "topics", topics);
    json_put(group, "lag_ms", json_integer_or_null(lag_ms));
    json_put(group, "waiting", json_array_size(partitions) == 0 ? json_null() : json_integer(waiting));
    word_put(group, kafka_state, lag_ms, waiting, reads, arrives);
    json_put(group, "generation", json_integer_or_null(generation));
    json_put(group, "assignor", described->protocol_data.size == 0 ? json_null() : json_slice(described->protocol_data));
    json_put(group, "reads_per_s", json_real_or_null(reads));
    json_put(group, "arrives_per_s", json_real_or_null(arrives));
    json_put(group, "partitions", partitions);
    json_put(group, "members", members);
    json_put(group, "why", why_make(arena, group));
    return group;
}

/* The groups of these names; a name that nobody knows is left out. NULL with the error. */
static json_t *groups_named(struct api *api, struct arena *arena, wire_string_array names, struct error *error)
{
    struct kafka_describe_groups_request describe = {names, false};
    struct kafka_describe_groups_response described;
    struct kafka_offset_fetch_request fetch = {.group_id = slice_from_string("")};
    struct kafka_offset_fetch_response fetched;
    struct members_seen seen;
    json_t *groups;

    if (names.count == 0)
        return json_array();
    fetch.groups.items = arena_new_array(arena, (size_t)names.count, sizeof(*fetch.groups.items));
    for (; fetch.groups.count < names.count; fetch.groups.count++) {
        wire_init_defaults(&kafka_offset_fetch_request_group_message, &fetch.groups.items[fetch.groups.count]);
        fetch.groups.items[fetch.groups.count].group_id = names.items[fetch.groups.count];
        fetch.groups.items[fetch.groups.count].topics.count = -1;
    }
    if (api_ask_quietly(api, arena, KAFKA_DESCRIBE_GROUPS, DESCRIBE_GROUPS_VERSION, &describe, &described, error) != OK ||
        api_ask_quietly(api, arena, KAFKA_OFFSET_FETCH, OFFSET_FETCH_VERSION, &fetch, &fetched, error) != OK)
        return NULL;
    members_seen_read(&seen, api_settings_of(api)->broker, arena);
    groups = json_array();
    for (int32_t i = 0; i < described.groups.count; i++) {
        const struct kafka_offset_fetch_response_group *offsets = NULL;

        if (described.groups.items[i].error_code != 0 || slice_equal_string(described.groups.items[i].group_state, "Dead"))
            continue;
        for (int32_t k = 0; k < fetched.groups.count && offsets == NULL; k++) {
            if (slice_equal(fetched.groups.items[k].group_id, described.groups.items[i].group_id))
                offsets = &fetched.groups.items[k];
        }
        json_add(groups, group_assemble(api, arena, &seen, &described.groups.items[i], offsets));
    }
    members_seen_finish(&seen);
    return groups;
}

json_t *groups_make(struct api *api, struct arena *arena, struct error *error)
{
    struct kafka_list_groups_request list = {{NULL, 0}, {NULL, 0}};
    struct kafka_list_groups_response listed;
    wire_string_array names = {NULL, 0};

    if (api_ask_quietly(api, arena, KAFKA_LIST_GROUPS, LIST_GROUPS_VERSION, &list, &listed, error) != OK)
        return NULL;
    names.items = arena_new_array(arena, (size_t)listed.groups.count + 1, sizeof(*names.items));
    for (int32_t i = 0; i < listed.groups.count; i++)
        names.items[names.count++] = listed.groups.items[i].group_id;
    return groups_named(api, arena, names, error);
}

json_t *group_make(struct api *api, struct arena *arena, const char *name, struct error *error)
{
    struct slice text = slice_from_string(name);
    json_t *groups = groups_named(api, arena, (wire_string_array){&text, 1}, error), *group;

    if (groups != NULL && json_array_size(groups) == 0)
        (void)error_set(error, ERROR_GROUP_ID_NOT_FOUND, "Group %s does not exist.", name);
    group = json_incref(json_array_get(groups, 0));
    json_decref(groups);
    return group;
}

/* ---- Answers ---- */

static void spark_put(struct api *api, json_t *group)
{
    char name[320];
    int64_t now_ms = clock_now_ms();
    json_t *series;

    (void)snprintf(name, sizeof(name), "group_lag_worst_ms:%s", member_text(group, "group"));
    series = series_json(api_series(api), name, now_ms - 3599000, now_ms, SPARK_POINTS);
    json_put(group, "last_hour", json_incref(json_object_get(json_object_get(series, "series"), name)));
    json_decref(series);
}

static bool reads_topic(const json_t *group, const char *topic)
{
    const json_t *one;
    size_t index;

    json_array_foreach(json_object_get(group, "topics"), index, one) {
        if (strcmp(json_string_value(one), topic) == 0)
            return true;
    }
    return false;
}

void api_groups(struct api_call *call)
{
    const char *state = api_query(call, "state"), *topic = api_query(call, "topic");
    struct error error;
    json_t *groups = groups_make(call->api, call->arena, &error);

    if (groups == NULL) {
        api_failed(call, error.status, &error);
        return;
    }
    for (size_t i = json_array_size(groups); i-- > 0;) {
        json_t *group = json_array_get(groups, i);

        if ((state != NULL && *state != '\0' && strcmp(member_text(group, "state"), state) != 0 && strcmp(member_text(group, "kafka_state"), state) != 0) ||
            (topic != NULL && *topic != '\0' && !reads_topic(group, topic))) {
            (void)json_array_remove(groups, i);
            continue;
        }
        (void)json_object_del(group, "partitions");
        (void)json_object_del(group, "members");
        (void)json_object_del(group, "why");
        if (i < SPARK_GROUPS_MAX)
            spark_put(call->api, group);
    }
    api_list(call, groups, "group");
}

/* NULL with the answer given. */
json_t *api_group_find(struct api_call *call, const char *name)
{
    struct error error;
    json_t *group = group_make(call->api, call->arena, name, &error);

    if (group != NULL)
        return group;
    if (error.status == ERROR_GROUP_ID_NOT_FOUND)
        api_gone(call, "group", name);
    else
        api_failed(call, error.status, &error);
    return NULL;
}

void api_group(struct api_call *call)
{
    json_t *group = api_group_find(call, call->parts[0]);

    if (group == NULL)
        return;
    spark_put(call->api, group);
    api_json(call, 200, group);
}

/* ---- Deleting ---- */

void api_group_delete(struct api_call *call)
{
    const char *name = call->parts[0];
    struct slice text = slice_from_string(name);
    struct kafka_delete_groups_request request = {{&text, 1}};
    struct kafka_delete_groups_response response;
    json_t *group = api_group_find(call, name);
    long long members = (long long)member_integer(group, "members_count", 0);

    if (group == NULL)
        return;
    if (call->dry_run) {
        api_json(call, 200,
                 json_pack("{s:o, s:o}", "effect",
                           json_string(arena_format(call->arena, "The group's positions in %s are forgotten.", words_count(call->arena, (int64_t)json_array_size(json_object_get(group, "topics")), "topic"))), "command",
                           json_sprintf("kafka-consumer-groups --bootstrap-server %s --delete --group %s", api_settings_of(call->api)->kafka, name)));
    } else if (members > 0) {
        api_error(call, 409, "GROUP_NOT_EMPTY", "The group was not deleted.", arena_format(call->arena, "It has %s.", words_count(call->arena, members, "member")), "Stop them first.");
    } else if (api_confirmed(call, name) && api_ask(call, KAFKA_DELETE_GROUPS, DELETE_GROUPS_VERSION, &request, &response)) {
        if (response.results.count == 1 && response.results.items[0].error_code == 0) {
            api_deleted(call, "group", name, arena_format(call->arena, "Group %s was deleted.", name));
            call->response->status = 204;
        } else {
            api_kafka_failed(call, response.results.count == 1 ? response.results.items[0].error_code : -1, slice_null(), "The group was not deleted.");
        }
    }
    json_decref(group);
}

void api_group_offsets_delete(struct api_call *call)
{
    const char *name = call->parts[0], *topic_name_text = member_text(call->body, "topic");
    struct kafka_offset_delete_request_topic topic;
    struct kafka_offset_delete_request request = {slice_from_string(name), {&topic, 1}};
    struct kafka_offset_delete_response response;
    json_t *group;
    const json_t *item;
    size_t index;

    if (topic_name_text == NULL)
        topic_name_text = api_query(call, "topic");
    if (topic_name_text == NULL) {
        api_error(call, 400, "NO_TOPIC", "Nothing was changed.", "No topic was named.", "Send topic=NAME.");
        return;
    }
    group = api_group_find(call, name);
    if (group == NULL)
        return;
    topic = (struct kafka_offset_delete_request_topic){.name = slice_from_string(topic_name_text)};
    topic.partitions.items = arena_new_array(call->arena, json_array_size(json_object_get(group, "partitions")) + 1, sizeof(*topic.partitions.items));
    json_array_foreach(json_object_get(group, "partitions"), index, item) {
        if (strcmp(member_text(item, "topic"), topic_name_text) == 0)
            topic.partitions.items[topic.partitions.count++].partition_index = (int32_t)member_integer(item, "partition", 0);
    }
    json_decref(group);
    if (call->dry_run) {
        api_json(call, 200, json_pack("{s:o}", "effect", json_string(arena_format(call->arena, "The group's positions in %s of %s are forgotten.", words_count(call->arena, topic.partitions.count, "partition"), topic_name_text))));
        return;
    }
    if (!api_ask(call, KAFKA_OFFSET_DELETE, OFFSET_DELETE_VERSION, &request, &response))
        return;
    if (response.error_code == 0)
        for (int32_t i = 0; response.topics.count == 1 && i < response.topics.items[0].partitions.count && response.error_code == 0; i++)
            response.error_code = response.topics.items[0].partitions.items[i].error_code;
    if (response.error_code != 0) {
        api_kafka_failed(call, response.error_code, slice_null(), "The positions were not deleted.");
        return;
    }
    api_changed(call, "info", name, arena_format(call->arena, "Group %s: its positions in %s were deleted.", name, topic_name_text));
    call->response->status = 204;
}
