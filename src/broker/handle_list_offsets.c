/* handle_list_offsets.c: ListOffsets and OffsetForLeaderEpoch. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "wire/kafka/messages_fetch.h"

enum special_time {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_LARGEST = -3,
    TIME_EARLIEST_LOCAL = -4,
    TIME_LATEST_TIERED = -5,
    TIME_EARLIEST_PENDING_UPLOAD = -6,
};

/* The versions in which a special time appeared: before, it is an error. */
static enum status time_check(int64_t time, int16_t version)
{
    static const int16_t first_version[] = {0, 0, 0, 7, 8, 9, 11};

    return time < TIME_EARLIEST_PENDING_UPLOAD || (time < 0 && version < first_version[-time]) ? ERROR_UNSUPPORTED_VERSION : OK;
}

static enum status offset_find(struct partition *partition, int64_t time, bool committed_only, int64_t *offset, int64_t *found_ms)
{
    int64_t visible = committed_only ? partition_stable_end(partition) : partition_end(partition);
    struct error error;
    enum status status = OK;

    *offset = *found_ms = -1;
    switch (time) {
    case TIME_LATEST: *offset = visible; break;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL: *offset = partition_start(partition); break;
    case TIME_LATEST_TIERED:
    case TIME_EARLIEST_PENDING_UPLOAD: break;
    case TIME_LARGEST: status = partition_find_largest_time(partition, offset, found_ms, &error); break;
    default: status = partition_find_time(partition, time, offset, found_ms, &error); break;
    }
    if (status == OK && *offset > visible)
        *offset = *found_ms = -1;
    return status;
}

static enum status epoch_check(const struct partition *partition, int32_t asked)
{
    int32_t epoch = partition_leader_epoch(partition);

    if (asked < 0 || asked == epoch)
        return OK;
    return asked < epoch ? ERROR_FENCED_LEADER_EPOCH : ERROR_UNKNOWN_LEADER_EPOCH;
}

static void list_offset(struct request *request, struct topic *topic, const struct kafka_list_offsets_request_partition *asked,
                        struct kafka_list_offsets_response_partition *out)
{
    const struct kafka_list_offsets_request *all = request->decoded;
    struct partition *partition = topic == NULL ? NULL : topic_partition(topic, asked->partition_index);
    enum status status = partition == NULL ? ERROR_UNKNOWN_TOPIC_OR_PARTITION : epoch_check(partition, asked->current_leader_epoch);

    *out = (struct kafka_list_offsets_response_partition){
        .partition_index = asked->partition_index, .timestamp = -1, .offset = -1, .leader_epoch = -1};
    if (status == OK)
        status = time_check(asked->timestamp, request->header.api_version);
    if (status == OK)
        status = offset_find(partition, asked->timestamp, all->isolation_level == 1, &out->offset, &out->timestamp);
    out->error_code = status_kafka_code(status);
    if (status != OK)
        return;
    if (out->offset >= 0)
        out->leader_epoch = partition_leader_epoch(partition);
    if (request->header.api_version == 0 && out->offset >= 0 && asked->max_num_offsets > 0) {
        out->old_style_offsets.items = arena_new(&request->arena, sizeof(int64_t));
        out->old_style_offsets.items[0] = out->offset;
        out->old_style_offsets.count = 1;
    }
}

void handle_list_offsets(struct request *request)
{
    const struct kafka_list_offsets_request *asked = request->decoded;
    struct kafka_list_offsets_response response = {0};

    response.topics.count = asked->topics.count;
    response.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*response.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_list_offsets_request_topic *from = &asked->topics.items[i];
        struct kafka_list_offsets_response_topic *out = &response.topics.items[i];
        struct topic *topic = store_topic_find(request->broker->store, from->name);

        out->name = from->name;
        out->partitions.count = from->partitions.count;
        out->partitions.items = arena_new_array(&request->arena, (size_t)from->partitions.count, sizeof(*out->partitions.items));
        for (int32_t j = 0; j < from->partitions.count; j++)
            list_offset(request, topic, &from->partitions.items[j], &out->partitions.items[j]);
        if (topic != NULL)
            topic_release(topic);
    }
    request_answer(request, &response);
}

/* ---- OffsetForLeaderEpoch ---- */

static void epoch_end(struct topic *topic, const struct kafka_offset_for_leader_epoch_request_partition *asked,
                      struct kafka_offset_for_leader_epoch_response_partition *out)
{
    struct partition *partition = topic == NULL ? NULL : topic_partition(topic, asked->partition);
    enum status status = partition == NULL ? ERROR_UNKNOWN_TOPIC_OR_PARTITION : epoch_check(partition, asked->current_leader_epoch);

    *out = (struct kafka_offset_for_leader_epoch_response_partition){
        .error_code = status_kafka_code(status), .partition = asked->partition, .leader_epoch = -1, .end_offset = -1};
    if (status != OK || asked->leader_epoch < 0)
        return;
    /* One node never has two leaders: every epoch up to now ends where the log ends. */
    if (asked->leader_epoch <= partition_leader_epoch(partition)) {
        out->leader_epoch =
            partition_leader_epoch(partition) < asked->leader_epoch ? partition_leader_epoch(partition) : asked->leader_epoch;
        out->end_offset = partition_end(partition);
    }
}

void handle_offset_for_leader_epoch(struct request *request)
{
    const struct kafka_offset_for_leader_epoch_request *asked = request->decoded;
    struct kafka_offset_for_leader_epoch_response response = {0};

    response.topics.count = asked->topics.count;
    response.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*response.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_offset_for_leader_epoch_request_topic *from = &asked->topics.items[i];
        struct kafka_offset_for_leader_epoch_response_topic *out = &response.topics.items[i];
        struct topic *topic = store_topic_find(request->broker->store, from->topic);

        out->topic = from->topic;
        out->partitions.count = from->partitions.count;
        out->partitions.items = arena_new_array(&request->arena, (size_t)from->partitions.count, sizeof(*out->partitions.items));
        for (int32_t j = 0; j < from->partitions.count; j++)
            epoch_end(topic, &from->partitions.items[j], &out->partitions.items[j]);
        if (topic != NULL)
            topic_release(topic);
    }
    request_answer(request, &response);
}
