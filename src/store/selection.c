#include "store/selection.h"

#include "base/banned.h"

/* ---- Retention ---- */

bool retention_takes(struct retention *retention, const struct segment_facts *segment)
{
    const struct topic_settings *settings = retention->settings;
    int64_t left = retention->bytes_left - segment->bytes;
    bool expired = settings->retention_ms >= 0 && segment->newest_ms < retention->now_ms - settings->retention_ms;

    if (!settings->deleted || segment->bytes == 0 || !(expired || (settings->retention_bytes >= 0 && left >= settings->retention_bytes)))
        return false;
    retention->bytes_left = left;
    return true;
}

/* ---- Compaction ---- */

/* Where the part begins that is too young yet. */
static int64_t lag_end(const struct segment_facts *segments, size_t count, int64_t from, const struct topic_settings *settings, int64_t now_ms)
{
    for (size_t i = 0; i + 1 < count && settings->lag_min_ms > 0; i++) {
        if (segments[i].end > from && segments[i].newest_ms > now_ms - settings->lag_min_ms)
            return segments[i].base;
    }
    return segments[count - 1].base;
}

struct compaction_range compaction_choose(const struct segment_facts *segments, size_t count, int64_t start, int64_t cleaned, int64_t stable_end,
                                          const struct topic_settings *settings, int64_t now_ms)
{
    int64_t active = count == 0 ? 0 : segments[count - 1].base, end;
    struct compaction_range range = {.from = cleaned < start || cleaned > active ? start : cleaned};

    if (count < 2 || !settings->compacted)
        return range;
    end = lag_end(segments, count, range.from, settings, now_ms);
    end = end < stable_end ? end : stable_end;
    for (size_t i = 0; i + 1 < count; i++) {
        if (segments[i].end <= range.from)
            range.clean_bytes += segments[i].bytes;
        else if (segments[i].end <= end)
            range.dirty_bytes += segments[i].bytes;
        if (segments[i].end <= end)
            range.to = segments[i].end;
        if (segments[i].end > range.from && segments[i].end <= end && settings->lag_max_ms < INT64_MAX &&
            segments[i].first_ms < now_ms - settings->lag_max_ms)
            range.overdue = true;
    }
    if (range.dirty_bytes > 0)
        range.ratio = (double)range.dirty_bytes / (double)(range.clean_bytes + range.dirty_bytes);
    range.due = range.to > range.from && (range.overdue || range.ratio > settings->dirty_ratio_min);
    return range;
}

bool compaction_fits(const struct segment_facts *first, int64_t written, const struct segment_facts *next, int64_t segment_bytes_max,
                     int64_t index_bytes_max)
{
    int64_t bytes_per_entry = 4096; /* of log; what a rebuilt index has */

    return written + next->bytes <= segment_bytes_max && next->end - first->base <= INT32_MAX &&
           (written + next->bytes) / bytes_per_entry * 8 <= index_bytes_max;
}
