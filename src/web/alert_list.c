#include "web/alert_list.h"

#include "agents/alert.h"
#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "log/scan.h"
#include "os/clock.h"

#include <pthread.h>

#define SUFFIX ".alerts"
#define LOOK_MS 1000 /* for new topics */
#define FIELDS 8

/* A partition of a topic of alerts. */
struct source {
    char *topic;
    int32_t partition;
    int64_t start, next; /* first offset there is; offset up to which it was read */
};

struct alert_list {
    struct log *log;
    struct store *store;
    pthread_mutex_t lock; /* guards the rest */
    struct scan *scan;
    struct arena arena;
    struct source *sources;
    size_t source_count, source_capacity;
    int64_t looked_ms;
    struct alert_line **lines; /* oldest first */
    size_t count, capacity;
    struct map by_id;
    int64_t sequence;
};

struct alert_list *alert_list_create(struct log *log, struct store *store)
{
    struct alert_list *list = memory_new(sizeof(*list));

    list->log = log;
    list->store = store;
    list->scan = scan_create(log);
    list->looked_ms = -LOOK_MS;
    map_init(&list->by_id);
    arena_init(&list->arena, 16 << 10);
    (void)pthread_mutex_init(&list->lock, NULL);
    return list;
}

void alert_list_destroy(struct alert_list *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        memory_free(list->lines[i]);
    for (size_t i = 0; i < list->source_count; i++)
        memory_free(list->sources[i].topic);
    memory_free(list->lines);
    memory_free(list->sources);
    map_finish(&list->by_id);
    arena_finish(&list->arena);
    scan_destroy(list->scan);
    (void)pthread_mutex_destroy(&list->lock);
    memory_free(list);
}

/* ---- Topics ---- */

static void source_add(struct alert_list *list, const char *topic)
{
    int32_t partitions = log_topic_partitions(list->log, topic);

    for (int32_t partition = 0; partition < partitions; partition++) {
        bool known = false;
        int64_t start, end;

        for (size_t i = 0; i < list->source_count && !known; i++)
            known = list->sources[i].partition == partition && strcmp(list->sources[i].topic, topic) == 0;
        if (known || log_bounds(list->log, topic, partition, &start, &end, NULL) != OK)
            continue;
        if (list->source_count == list->source_capacity) {
            list->source_capacity = list->source_capacity == 0 ? 8 : list->source_capacity * 2;
            list->sources = memory_resize(list->sources, list->source_capacity * sizeof(*list->sources));
        }
        list->sources[list->source_count++] =
            (struct source){memory_copy_string(topic), partition, start, end - ALERT_LIST_MAX > start ? end - ALERT_LIST_MAX : start};
    }
}

/* Those that agents write are known at once, the others within a second. */
static void topics_look(struct alert_list *list, const json_t *description)
{
    int64_t now_ms = clock_monotonic_ms();
    struct topic **topics;
    const json_t *agent;
    size_t count, index;

    json_array_foreach(json_object_get(description, "agents"), index, agent) {
        if (json_is_string(json_object_get(agent, "alerts_topic")))
            source_add(list, json_string_value(json_object_get(agent, "alerts_topic")));
    }
    if (now_ms - list->looked_ms < LOOK_MS)
        return;
    list->looked_ms = now_ms;
    arena_reset(&list->arena);
    topics = store_topics(list->store, &list->arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_from_string(topic_name(topics[i]));

        if (name.size > strlen(SUFFIX) && slice_equal_string(slice_from(name, name.size - strlen(SUFFIX)), SUFFIX))
            source_add(list, topic_name(topics[i]));
        topic_release(topics[i]);
    }
}

/* ---- Lines ---- */

/* Copies a text to where `to` stands and moves that behind it. */
static const char *text_put(char **to, const char *text)
{
    size_t size = strlen(text) + 1;
    char *at = *to;

    memcpy(at, text, size);
    *to += size;
    return at;
}

/* One block: the line, then its texts. */
static struct alert_line *line_make(const struct alert *alert, const struct source *source, int64_t offset)
{
    const char *texts[FIELDS] = {alert->agent, alert->rule, alert->severity, alert->subject, alert->title, alert->number, alert->score, alert->key};
    struct alert_line *line;
    const char **fields[FIELDS];
    size_t size = sizeof(*line) + strlen(alert->id) + 1;
    char *to;

    for (size_t i = 0; i < FIELDS; i++)
        size += texts[i] == NULL ? 0 : strlen(texts[i]) + 1;
    line = memory_new(size);
    *line = (struct alert_line){.at_us = alert->scored_us != 0 ? alert->scored_us : alert->committed_us, .topic = source->topic, .partition = source->partition, .offset = offset,
                                .closed = alert->closed};
    fields[0] = &line->agent, fields[1] = &line->rule, fields[2] = &line->severity, fields[3] = &line->subject;
    fields[4] = &line->title, fields[5] = &line->number, fields[6] = &line->score, fields[7] = &line->key;
    to = (char *)(line + 1);
    line->id = text_put(&to, alert->id);
    for (size_t i = 0; i < FIELDS; i++)
        *fields[i] = texts[i] == NULL ? NULL : text_put(&to, texts[i]);
    return line;
}

static void line_drop(struct alert_list *list, size_t at)
{
    (void)map_remove(&list->by_id, slice_from_string(list->lines[at]->id));
    memory_free(list->lines[at]);
    memmove(list->lines + at, list->lines + at + 1, (list->count - at - 1) * sizeof(list->lines[0]));
    list->count--;
}

static size_t line_place(const struct alert_list *list, const struct alert_line *line)
{
    size_t at = 0;

    while (at < list->count && list->lines[at] != line)
        at++;
    return at;
}

/* In the order of time; a later word of the same alert takes its place. */
static void line_add(struct alert_list *list, struct alert_line *line)
{
    struct alert_line *before = map_get_string(&list->by_id, line->id);
    size_t at;

    line->sequence = ++list->sequence;
    if (before != NULL) {
        line->at_us = before->at_us;
        line_drop(list, line_place(list, before));
    }
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->lines = memory_resize(list->lines, list->capacity * sizeof(list->lines[0]));
    }
    for (at = list->count; at > 0 && list->lines[at - 1]->at_us > line->at_us; at--)
        list->lines[at] = list->lines[at - 1];
    list->lines[at] = line;
    list->count++;
    (void)map_put_string(&list->by_id, line->id, line);
    if (list->count > ALERT_LIST_MAX)
        line_drop(list, 0);
}

/* Another topic of that name begins anew. */
static void source_forget(struct alert_list *list, const struct source *source)
{
    for (size_t i = list->count; i-- > 0;) {
        if (list->lines[i]->topic == source->topic && list->lines[i]->partition == source->partition)
            line_drop(list, i);
    }
}

static void source_read(struct alert_list *list, struct source *source)
{
    int64_t end;
    struct record record;
    struct record_batch batch;
    struct error error;

    if (log_bounds(list->log, source->topic, source->partition, &source->start, &end, NULL) != OK)
        return;
    if (source->next > end) {
        source_forget(list, source);
        source->next = source->start;
    }
    if (source->next >= end)
        return;
    scan_seek(list->scan, source->topic, source->partition, source->next > source->start ? source->next : source->start, end);
    while (scan_next(list->scan, &record, &batch, &error) == SCAN_RECORD) {
        struct alert alert;

        arena_reset(&list->arena);
        if (!slice_is_null(record.value) && alert_read(record.value, &list->arena, &alert, &error) == OK)
            line_add(list, line_make(&alert, source, record.offset));
    }
    source->next = end;
}

/* Lock held. */
static void refresh(struct alert_list *list, const json_t *description)
{
    topics_look(list, description);
    for (size_t i = 0; i < list->source_count; i++)
        source_read(list, &list->sources[i]);
}

/* ---- Asking ---- */

void alert_list_each(struct alert_list *list, const json_t *description, alert_visit *visit, void *context)
{
    (void)pthread_mutex_lock(&list->lock);
    refresh(list, description);
    for (size_t i = list->count; i-- > 0;) {
        if (!visit(context, list->lines[i]))
            break;
    }
    (void)pthread_mutex_unlock(&list->lock);
}

int64_t alert_list_sequence(struct alert_list *list, const json_t *description)
{
    int64_t sequence;

    (void)pthread_mutex_lock(&list->lock);
    refresh(list, description);
    sequence = list->sequence;
    (void)pthread_mutex_unlock(&list->lock);
    return sequence;
}

void alert_list_touch(struct alert_list *list, const char *id)
{
    struct alert_line *line;

    (void)pthread_mutex_lock(&list->lock);
    line = map_get_string(&list->by_id, id);
    if (line != NULL)
        line->sequence = ++list->sequence;
    (void)pthread_mutex_unlock(&list->lock);
}

int64_t alert_list_total(struct alert_list *list)
{
    int64_t total = 0;

    (void)pthread_mutex_lock(&list->lock);
    for (size_t i = 0; i < list->source_count; i++)
        total += list->sources[i].next - list->sources[i].start;
    (void)pthread_mutex_unlock(&list->lock);
    return total;
}
