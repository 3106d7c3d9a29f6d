/* coordinator_load.c: reads the groups back from __consumer_offsets when the broker starts: the last record of each key counts. */
#include "broker/coordinator_internal.h"

#include "base/banned.h"
#include "broker/broker_internal.h"
#include "os/logger.h"
#include "wire/kafka/messages_group_log.h"
#include "wire/kafka/records.h"

#define BATCH_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define LOAD_BYTES ((size_t)1024 * 1024) /* read at once */

struct loader {
    struct coordinator *coordinator;
    struct decompressor *decompressor;
    struct buffer plain;
    struct arena arena;
    size_t unreadable;
    size_t records;
};

static struct coordinated *find_or_add(struct coordinator *coordinator, struct slice group_id)
{
    struct coordinated *coordinated = coordinator_find(coordinator, group_id);

    return coordinated != NULL ? coordinated : coordinator_add(coordinator, group_id);
}

static void load_offset(struct loader *loader, const struct record *record)
{
    struct kafka_offset_commit_key key;
    struct kafka_offset_commit_value value;
    struct offset_change change = {.remove = slice_is_null(record->value)};
    struct error error;
    int version;

    if (wire_decode_versioned(&kafka_offset_commit_key_message, record->key, &loader->arena, &key, &version, &error) != OK ||
        (!change.remove &&
         wire_decode_versioned(&kafka_offset_commit_value_message, record->value, &loader->arena, &value, &version, &error) != OK)) {
        loader->unreadable++;
        return;
    }
    change.topic = key.topic;
    change.partition = key.partition;
    if (!change.remove)
        change.value = (struct committed_offset){value.offset,           value.leader_epoch,     value.metadata,
                                                 value.commit_timestamp, value.expire_timestamp, value.topic_id};
    if (!change.remove || coordinator_find(loader->coordinator, key.group) != NULL)
        coordinated_offset_apply(find_or_add(loader->coordinator, key.group), &change);
}

static void load_group(struct loader *loader, const struct record *record)
{
    struct kafka_group_metadata_key key;
    struct coordinated *coordinated;
    struct error error;
    int version;

    if (wire_decode_versioned(&kafka_group_metadata_key_message, record->key, &loader->arena, &key, &version, &error) != OK) {
        loader->unreadable++;
        return;
    }
    if (!slice_is_null(record->value)) {
        if (group_record_read(find_or_add(loader->coordinator, key.group)->group, record->value, broker_now_ms(), &error) != OK)
            loader->unreadable++;
        return;
    }
    coordinated = coordinator_find(loader->coordinator, key.group);
    if (coordinated != NULL) {
        coordinator_forget(coordinated);
    }
}

static void load_record(struct loader *loader, const struct record *record)
{
    int version;

    loader->records++;
    if (record->key.size < 2)
        return;
    version = record->key.data[0] << 8 | record->key.data[1];
    if (version <= OFFSET_KEY_VERSION)
        load_offset(loader, record);
    else if (version == GROUP_KEY_VERSION)
        load_group(loader, record);
    arena_reset(&loader->arena);
}

static void load_batches(struct loader *loader, struct slice bytes)
{
    while (bytes.size > 0) {
        struct record_batch batch;
        struct record_iterator iterator;
        struct record record;
        struct error error;

        if (record_batch_read(bytes, &batch, &error) != OK) {
            loader->unreadable++;
            return;
        }
        bytes = slice_from(bytes, batch.bytes.size);
        if (record_batch_is_control(&batch))
            continue;
        if (record_iterator_init(&iterator, &batch, loader->decompressor, BATCH_BYTES_MAX, &loader->plain, &error) != OK) {
            loader->unreadable++;
            continue;
        }
        while (record_iterator_next(&iterator, &record))
            load_record(loader, &record);
    }
}

static enum status load_partition(struct loader *loader, struct partition *partition, struct buffer *bytes, struct error *error)
{
    int64_t offset = partition_start(partition);

    while (offset < partition_end(partition)) {
        struct range range;
        enum status status = partition_range(partition, offset, LOAD_BYTES, false, &range, error);
        size_t size = status == OK ? range.size : 0;
        uint8_t *to;

        if (status == OK && size > 0) {
            buffer_reset(bytes);
            to = buffer_reserve(bytes, size);
            status = to == NULL ? error_set(error, ERROR_LIMIT, "a batch of %zu bytes at offset %lld", size, (long long)offset)
                                : range_read(&range, to, error);
            offset = range.next_offset;
            range_release(&range);
        }
        if (status != OK) {
            error_context(error, "load groups from " OFFSETS_TOPIC "-%d", partition_index(partition));
            return status;
        }
        if (size == 0)
            return OK;
        load_batches(loader, slice_of(to, size));
    }
    return OK;
}

enum status coordinator_load(struct coordinator *coordinator, struct topic *topic, struct error *error)
{
    struct loader loader = {.coordinator = coordinator, .decompressor = decompressor_create()};
    struct buffer bytes = {.size_max = BATCH_BYTES_MAX * 2};
    const struct map *groups = coordinator_groups(coordinator);
    int64_t began_ms = broker_now_ms();
    const struct map_entry *entry;
    enum status status = OK;
    size_t at = 0;

    arena_init(&loader.arena, 4096);
    buffer_init(&loader.plain, BATCH_BYTES_MAX);
    for (int32_t i = 0; i < topic_partition_count(topic) && status == OK; i++)
        status = load_partition(&loader, topic_partition(topic, i), &bytes, error);
    while ((entry = map_next(groups, &at)) != NULL)
        coordinator_group_changed(entry->value);
    if (loader.unreadable > 0)
        LOG_WARNING("%zu records of " OFFSETS_TOPIC " could not be read and were left out", loader.unreadable);
    if (status == OK)
        LOG_INFO("loaded %zu groups from %zu records in %lld ms", groups->count, loader.records, (long long)(broker_now_ms() - began_ms));
    buffer_finish(&bytes);
    buffer_finish(&loader.plain);
    arena_finish(&loader.arena);
    decompressor_destroy(loader.decompressor);
    return status;
}
