#include "agents/mutes.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "log/scan.h"
#include "wire/json/scan.h"

struct mute {
    char *id, *agent, *key; /* agent, key NULL: every one */
    int64_t from_ms, until_ms;
};

struct mutes {
    struct log *log;
    struct scan *scan;
    int64_t next;     /* offset up to which the topic has been read */
    struct map items; /* id -> struct mute */
    struct arena arena;
};

static void mute_free(struct mute *mute)
{
    if (mute == NULL)
        return;
    memory_free(mute->id);
    memory_free(mute->agent);
    memory_free(mute->key);
    memory_free(mute);
}

struct mutes *mutes_create(struct log *log)
{
    struct mutes *mutes = memory_new(sizeof(*mutes));

    mutes->log = log;
    mutes->scan = scan_create(log);
    map_init(&mutes->items);
    arena_init(&mutes->arena, 4096);
    return mutes;
}

void mutes_destroy(struct mutes *mutes)
{
    const struct map_entry *entry;
    size_t at = 0;

    if (mutes == NULL)
        return;
    while ((entry = map_next(&mutes->items, &at)) != NULL)
        mute_free(entry->value);
    map_finish(&mutes->items);
    scan_destroy(mutes->scan);
    arena_finish(&mutes->arena);
    memory_free(mutes);
}

static char *text_copy(struct slice object, const char *name, struct arena *arena)
{
    struct slice text = json_member_text(object, name, arena);

    return slice_is_null(text) ? NULL : memory_copy_bytes(text.data, text.size);
}

static void record_apply(struct mutes *mutes, const struct record *record)
{
    struct mute *mute;

    if (slice_is_null(record->key))
        return;
    arena_reset(&mutes->arena);
    if (slice_is_null(record->value)) {
        mute_free(map_remove(&mutes->items, record->key));
        return;
    }
    mute = memory_new(sizeof(*mute));
    *mute = (struct mute){memory_copy_bytes(record->key.data, record->key.size), text_copy(record->value, "agent", &mutes->arena),
                          text_copy(record->value, "key", &mutes->arena), json_member_integer(record->value, "from_ms", 0),
                          json_member_integer(record->value, "until_ms", 0)};
    if (mute->agent == NULL && mute->key == NULL) { /* of everything: nobody means that */
        mute_free(mute);
        return;
    }
    mute_free(map_put(&mutes->items, record->key, mute));
}

enum status mutes_refresh(struct mutes *mutes, struct error *error)
{
    struct record record;
    struct record_batch batch;
    enum scan_result got;
    int64_t start, end;

    if (log_topic_partitions(mutes->log, MUTES_TOPIC) == 0 || log_bounds(mutes->log, MUTES_TOPIC, 0, &start, &end, NULL) != OK)
        return OK;
    if (mutes->next > end) /* another topic of that name */
        mutes->next = 0;
    if (mutes->next == end)
        return OK;
    scan_seek(mutes->scan, MUTES_TOPIC, 0, mutes->next > start ? mutes->next : start, end);
    while ((got = scan_next(mutes->scan, &record, &batch, error)) == SCAN_RECORD)
        record_apply(mutes, &record);
    if (got == SCAN_FAILED)
        return error->status;
    mutes->next = end;
    return OK;
}

bool mute_matches(const char *mute_agent, const char *mute_key, const char *agent, const char *key)
{
    return (mute_agent == NULL || (agent != NULL && strcmp(mute_agent, agent) == 0)) && (mute_key == NULL || (key != NULL && strcmp(mute_key, key) == 0));
}

const char *mutes_cover(const struct mutes *mutes, const struct alert *alert)
{
    int64_t at_ms = alert->scored_us / 1000;
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&mutes->items, &at)) != NULL) {
        const struct mute *mute = entry->value;

        if (at_ms >= mute->from_ms && at_ms < mute->until_ms && mute_matches(mute->agent, mute->key, alert->agent, alert->key))
            return mute->id;
    }
    return NULL;
}
