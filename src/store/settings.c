#include "store/settings.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"

#include <float.h>

#define KAFKA_SEGMENT_BYTES_MIN 14 /* below the smallest batch; smaller values make no sense */

/* topic key, broker's key, Kafka's default; Source: Kafka 4.3 kafka-configs --describe --all */
static const struct {
    const char *key;
    const char *default_key;
    int64_t value;
} numbers[] = {
    {"segment.bytes", "log.segment.bytes", INT64_C(1) << 30},
    {"segment.ms", "log.roll.ms", 7 * MS_PER_DAY},
    {"segment.jitter.ms", "log.roll.jitter.ms", 0},
    {"segment.index.bytes", "log.index.size.max.bytes", 10 << 20},
    {"max.message.bytes", "message.max.bytes", 1048588},
    {"index.interval.bytes", "log.index.interval.bytes", 4096},
    {"retention.ms", "log.retention.ms", 7 * MS_PER_DAY},
    {"retention.bytes", "log.retention.bytes", -1},
    {"flush.messages", "log.flush.interval.messages", INT64_MAX},
    {"flush.ms", "log.flush.interval.ms", INT64_MAX},
    {"file.delete.delay.ms", "log.segment.delete.delay.ms", 60000},
    {"delete.retention.ms", "log.cleaner.delete.retention.ms", MS_PER_DAY},
    {"min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", 0},
    {"max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", INT64_MAX},
    {"message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", INT64_MAX},
    {"message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", 3600 * MS_PER_SECOND},
    {"min.insync.replicas", "min.insync.replicas", 1},
};

/* Kafka's coarser names, used when the finer one is not set. */
static const struct {
    const char *key;
    const char *default_key;
    int64_t factor;
} coarser[] = {
    {"retention.ms", "log.retention.minutes", 60 * MS_PER_SECOND},
    {"retention.ms", "log.retention.hours", 3600 * MS_PER_SECOND},
    {"segment.ms", "log.roll.hours", 3600 * MS_PER_SECOND},
    {"segment.jitter.ms", "log.roll.jitter.hours", 3600 * MS_PER_SECOND},
};

static const char *text_of(const struct properties *config, const struct properties *defaults, const char *key, const char *default_key)
{
    const char *text = config == NULL ? NULL : properties_get(config, key);

    return text != NULL || defaults == NULL ? text : properties_get(defaults, default_key);
}

int64_t settings_number(const struct properties *config, const struct properties *defaults, const char *key)
{
    int64_t value;
    size_t row = 0;

    while (strcmp(numbers[row].key, key) != 0) {
        if (++row == sizeof(numbers) / sizeof(numbers[0]))
            return -1;
    }
    if (text_parse_int64(slice_from_string(text_of(config, defaults, key, numbers[row].default_key)), &value))
        return value;
    for (size_t i = 0; defaults != NULL && i < sizeof(coarser) / sizeof(coarser[0]); i++) {
        if (strcmp(coarser[i].key, key) == 0 && text_parse_int64(slice_from_string(properties_get(defaults, coarser[i].default_key)), &value))
            return value < 0 ? -1 : value * coarser[i].factor;
    }
    return numbers[row].value;
}

static bool text_has(const char *list, const char *word)
{
    struct slice rest = slice_from_string(list), field;

    while (text_next_field(&rest, ',', &field)) {
        if (slice_equal_string(text_trim(field), word))
            return true;
    }
    return false;
}

static double real_of(const struct properties *config, const struct properties *defaults, const char *key, const char *default_key, double otherwise)
{
    double value;

    return text_parse_double(slice_from_string(text_of(config, defaults, key, default_key)), &value) ? value : otherwise;
}

static int64_t bounded(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

struct topic_settings settings_resolve(const struct properties *config, const struct properties *defaults)
{
    const char *policy = text_of(config, defaults, "cleanup.policy", "log.cleanup.policy");
    const char *time = text_of(config, defaults, "message.timestamp.type", "log.message.timestamp.type");

    bool compacted = policy != NULL && text_has(policy, "compact");
    int64_t segment_ms = settings_number(config, defaults, "segment.ms");
    int64_t lag_max_ms = settings_number(config, defaults, "max.compaction.lag.ms");

    segment_ms = compacted && lag_max_ms < segment_ms ? lag_max_ms : segment_ms;
    return (struct topic_settings){
        .segment_bytes = bounded(settings_number(config, defaults, "segment.bytes"), KAFKA_SEGMENT_BYTES_MIN, INT32_MAX),
        .segment_ms = segment_ms,
        .segment_jitter_ms = bounded(settings_number(config, defaults, "segment.jitter.ms"), 0, segment_ms),
        .segment_index_bytes = settings_number(config, defaults, "segment.index.bytes"),
        .message_bytes_max = bounded(settings_number(config, defaults, "max.message.bytes"), 0, INT32_MAX),
        .index_interval_bytes = bounded(settings_number(config, defaults, "index.interval.bytes"), 0, INT32_MAX),
        .retention_ms = settings_number(config, defaults, "retention.ms"),
        .retention_bytes = settings_number(config, defaults, "retention.bytes"),
        .delete_delay_ms = settings_number(config, defaults, "file.delete.delay.ms"),
        .dirty_ratio_min = real_of(config, defaults, "min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", 0.5),
        .lag_min_ms = settings_number(config, defaults, "min.compaction.lag.ms"),
        .lag_max_ms = lag_max_ms,
        .delete_retention_ms = settings_number(config, defaults, "delete.retention.ms"),
        .append_time = time != NULL && strcmp(time, "LogAppendTime") == 0,
        .compacted = compacted,
        .deleted = policy == NULL || text_has(policy, "delete"),
    };
}

static int64_t whole_of(const struct properties *defaults, const char *key, int64_t otherwise)
{
    int64_t value;

    return defaults != NULL && text_parse_int64(slice_from_string(properties_get(defaults, key)), &value) ? value : otherwise;
}

struct cleaner_settings settings_cleaner(const struct properties *defaults)
{
    const char *enable = defaults == NULL ? NULL : properties_get(defaults, "log.cleaner.enable");

    return (struct cleaner_settings){
        .compacts = enable == NULL || strcmp(enable, "false") != 0,
        .backoff_ms = whole_of(defaults, "log.cleaner.backoff.ms", 15 * MS_PER_SECOND),
        .retention_check_ms = whole_of(defaults, "log.retention.check.interval.ms", 300 * MS_PER_SECOND),
        .buffer_bytes = whole_of(defaults, "log.cleaner.dedupe.buffer.size", INT64_C(128) << 20),
        .bytes_per_second = real_of(NULL, defaults, "", "log.cleaner.io.max.bytes.per.second", DBL_MAX),
    };
}
