#include "agents/state_log.h"

#include "base/banned.h"
#include "base/memory.h"
#include "wire/json/scan.h"

#include <inttypes.h>

static struct state_record *record_create(struct slice key, struct slice value)
{
    struct state_record *record = memory_new(sizeof(*record));

    record->key = slice_of(memory_copy_bytes(key.data, key.size), key.size);
    record->value = slice_is_null(value) ? slice_null() : slice_of(memory_copy_bytes(value.data, value.size), value.size);
    return record;
}

static void record_free(struct state_record *record)
{
    if (record == NULL)
        return;
    memory_free((void *)(uintptr_t)record->key.data);
    memory_free((void *)(uintptr_t)record->value.data);
    memory_free(record);
}

void state_log_init(struct state_log *log, struct buffer *position)
{
    *log = (struct state_log){.position = position};
    map_init(&log->counting);
    log->end = &log->strays;
    buffer_reset(position);
}

void state_log_finish(struct state_log *log)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&log->counting, &at)) != NULL)
        record_free(entry->value);
    map_finish(&log->counting);
    while (log->strays != NULL) {
        struct state_record *next = log->strays->next;

        record_free(log->strays);
        log->strays = next;
    }
}

void state_log_take(void *context, struct slice key, struct slice value)
{
    struct state_log *log = context;

    if (!slice_equal_string(key, STATE_LOG_POSITION_KEY)) {
        *log->end = record_create(key, value);
        log->end = &(*log->end)->next;
        return;
    }
    buffer_reset(log->position);
    buffer_append_slice(log->position, value);
    while (log->strays != NULL) { /* they count now */
        struct state_record *record = log->strays;

        log->strays = record->next;
        record->next = NULL;
        record_free(map_put(&log->counting, record->key, record));
    }
    log->end = &log->strays;
}

struct slice state_log_value(const struct state_log *log, struct slice key)
{
    const struct state_record *record = map_get(&log->counting, key);

    return record == NULL ? slice_null() : record->value;
}

static bool is_read(const struct partition_offset *read, size_t count, int64_t partition)
{
    size_t i = 0;

    while (i < count && read[i].partition != partition)
        i++;
    return i < count;
}

void state_position_advance(struct buffer *position, int64_t alerts_end, int64_t enriched_end, const struct partition_offset *read, size_t count)
{
    struct buffer next;
    struct json_scan in = json_scan_of(json_scan_member(buffer_slice(position), "offsets"));
    bool first = true;
    const char *comma = "";

    buffer_init(&next, STATE_LOG_POSITION_BYTES_MAX);
    buffer_append_format(&next, "{\"alerts_end\":%" PRId64 ",\"enriched_end\":%" PRId64 ",\"offsets\":{", alerts_end, enriched_end);
    if (position->size > 0)
        json_open(&in, '{');
    while (position->size > 0 && json_next(&in, '}', &first)) {
        struct slice name = json_name(&in), value = json_skip(&in);
        char *text = memory_copy_bytes(name.data, name.size);

        if (!is_read(read, count, strtol(text, NULL, 10))) {
            buffer_append_format(&next, "%s\"%s\":%.*s", comma, text, (int)value.size, (const char *)value.data);
            comma = ",";
        }
        memory_free(text);
    }
    for (size_t i = 0; i < count; i++, comma = ",")
        buffer_append_format(&next, "%s\"%d\":%" PRId64, comma, read[i].partition, read[i].next);
    buffer_append_string(&next, "}}");
    buffer_finish(position);
    *position = next;
}

int64_t state_position_offset(const struct buffer *position, int32_t partition, int64_t otherwise)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "%d", partition);
    return json_member_integer(json_scan_member(buffer_slice(position), "offsets"), name, otherwise);
}
