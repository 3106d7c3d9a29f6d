/*
 * stream.c: GET /stream: what a page watches, as whole objects, at most once a second and only when they changed. Each open
 * stream has a thread that sleeps until the sampler has news.
 */
#include "web/api_alerts.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "web/gone.h"

#define WATCHES_MAX 20
#define EVENTS_AT_ONCE 20 /* the newest; the others are in the list */
#define SILENCE_MS 10000 /* then a comment says that the line is alive */
#define OUT_MAX ((size_t)16 << 20)
#define ARENA_BLOCK 65536

struct watched {
    char kind[16]; /* "overview", "topic", "group", … */
    const char *name; /* NULL for the overview and lists */
    uint64_t hash; /* of what was sent last; 0: nothing yet */
    bool is_gone;  /* and that was said */
};

struct stream {
    struct api *api;
    struct arena arena, scratch;
    struct watched watched[WATCHES_MAX];
    size_t count;
    json_t *problems; /* as sent last, by id */
    size_t events_seen;
    json_t *revision;
    int64_t alerts_seen; /* sequence of alerts_news */
    int64_t sample, spoke_ms;
    bool greeted, over;
    bool may_write;
    int fd; /* of the client, to see that it is gone */
    struct buffer out;
    size_t sent;
};

/* FNV-1a */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037ULL;

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 1099511628211ULL;
    return hash == 0 ? 1 : hash;
}

/* ---- What is watched ---- */

static json_t *item_find(json_t *items, const char *member, const char *name)
{
    json_t *found = NULL, *item;
    size_t index;

    json_array_foreach(items, index, item) {
        if (found == NULL && strcmp(member_text(item, member), name) == 0)
            found = json_incref(item);
    }
    json_decref(items);
    return found;
}

/* NULL when there is none. is_missing: it does not exist; otherwise it cannot be known now, or is no single thing */
static json_t *object_make(struct stream *stream, const struct watched *watched, bool *is_missing)
{
    json_t *description, *object = NULL;
    struct error error = {.status = OK};

    if (strcmp(watched->kind, "overview") == 0)
        return sampler_overview(api_sampler(stream->api));
    if (watched->name == NULL)
        return NULL;
    if (strcmp(watched->kind, "topic") == 0) {
        object = topic_make(stream->api, &stream->scratch, watched->name);
        *is_missing = object == NULL;
        return object;
    }
    if (strcmp(watched->kind, "group") == 0) {
        object = group_make(stream->api, &stream->scratch, watched->name, &error);
        *is_missing = object == NULL && error.status == ERROR_GROUP_ID_NOT_FOUND;
        return object;
    }
    description = api_describe(stream->api);
    if (strcmp(watched->kind, "connector") == 0)
        object = item_find(connectors_make(stream->api, description), "name", watched->name);
    else if (strcmp(watched->kind, "agent") == 0)
        object = agent_make(stream->api, description, watched->name);
    else if (strcmp(watched->kind, "report") == 0)
        object = report_make(stream->api, description, watched->name);
    *is_missing = object == NULL && (strcmp(watched->kind, "connector") == 0 || strcmp(watched->kind, "agent") == 0 || strcmp(watched->kind, "report") == 0);
    json_decref(description);
    return object;
}

static void watched_append(struct stream *stream, struct watched *watched)
{
    bool is_missing = false;
    json_t *object = object_make(stream, watched, &is_missing);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_SHORT);
    uint64_t hash = text == NULL ? 0 : hash_of(text);

    if (is_missing && !watched->is_gone)
        event_append(&stream->out, "gone", json_pack("{s:s, s:s, s:o}", "kind", watched->kind, "name", watched->name, "error",
                                                     gone_error(api_gone_book(stream->api), &stream->scratch, watched->kind, watched->name)));
    watched->is_gone = is_missing;
    if (is_missing)
        watched->hash = 0; /* whatever it is when it comes back is news */
    if (text != NULL && hash != watched->hash) {
        watched->hash = hash;
        event_append(&stream->out, watched->kind, json_incref(object));
    }
    free(text);
    json_decref(object);
}

/* ---- What everybody is told ---- */

static void problems_append(struct stream *stream)
{
    json_t *overview = sampler_overview(api_sampler(stream->api)), *now = json_object(), *problem;
    json_t *opened = json_array(), *changed = json_array(), *closed = json_array();
    const char *id;
    size_t index;

    json_array_foreach(json_object_get(overview, "problems"), index, problem) {
        const json_t *before;

        id = member_text(problem, "id");
        before = json_object_get(stream->problems, id);
        if (before == NULL)
            json_add(opened, json_incref(problem));
        else if (!json_equal(before, problem))
            json_add(changed, json_incref(problem));
        json_put(now, id, json_incref(problem));
    }
    json_object_foreach(stream->problems, id, problem) {
        if (json_object_get(now, id) == NULL)
            json_add(closed, json_string(id));
    }
    if (stream->problems == NULL || json_array_size(opened) + json_array_size(changed) + json_array_size(closed) > 0)
        event_append(&stream->out, "problem", json_pack("{s:O, s:O, s:O}", "opened", opened, "changed", changed, "closed", closed));
    json_decref(opened);
    json_decref(changed);
    json_decref(closed);
    json_decref(stream->problems);
    stream->problems = now;
    json_decref(overview);
}

static void events_append(struct stream *stream)
{
    json_t *events = api_events(stream->api, EVENTS_AT_ONCE, &stream->events_seen);

    for (size_t i = json_array_size(events); i-- > 0;)
        event_append(&stream->out, "event", json_incref(json_array_get(events, i)));
    json_decref(events);
}

static void alerts_append(struct stream *stream)
{
    json_t *description = api_describe(stream->api), *news = alerts_news(stream->api, description, &stream->alerts_seen), *one;

    for (size_t i = json_array_size(news); i-- > 0;) { /* the newest last */
        one = json_array_get(news, i);
        event_append(&stream->out, "alert", json_incref(one));
    }
    json_decref(news);
    json_decref(description);
}

static void revision_append(struct stream *stream)
{
    json_t *revision = api_revisions(stream->api);

    if (!json_equal(revision, stream->revision))
        event_append(&stream->out, "revision", json_incref(revision));
    json_decref(stream->revision);
    stream->revision = revision;
}

/* ---- Steps ---- */

static void news_append(struct stream *stream)
{
    arena_reset(&stream->scratch);
    for (size_t i = 0; i < stream->count; i++) {
        if (strcmp(stream->watched[i].kind, "alerts") == 0)
            alerts_append(stream);
        else
            watched_append(stream, &stream->watched[i]);
    }
    problems_append(stream);
    events_append(stream);
    revision_append(stream);
}

static void step(struct stream *stream)
{
    int64_t sample;

    if (!stream->greeted) {
        const struct api_settings *settings = api_settings_of(stream->api);

        stream->greeted = true;
        event_append(&stream->out, "hello",
                     json_pack("{s:I, s:s, s:s}", "now_ms", (json_int_t)clock_now_ms(), "version", settings->version, "access", stream->may_write ? "write" : "read"));
        news_append(stream);
        stream->sample = sampler_wait(api_sampler(stream->api), 0, 0);
    } else {
        sample = sampler_wait(api_sampler(stream->api), stream->sample, 1000);
        if (sample > stream->sample)
            news_append(stream);
        stream->sample = sample;
    }
    if (api_is_stopping(stream->api)) {
        event_append(&stream->out, "bye", json_pack("{s:s}", "reason", "Tailrace is stopping."));
        stream->over = true;
    }
    if (stream->out.size > 0) {
        stream->spoke_ms = clock_monotonic_ms();
    } else if (clock_monotonic_ms() - stream->spoke_ms >= SILENCE_MS) {
        buffer_append_string(&stream->out, ": here\n\n");
        stream->spoke_ms = clock_monotonic_ms();
    }
}

static ssize_t stream_next(void *context, char *bytes, size_t size)
{
    struct stream *stream = context;
    size_t left = stream->out.size - stream->sent;

    while (left == 0) {
        if (stream->over || stream->out.failed || http_client_is_gone(stream->fd))
            return -1;
        buffer_reset(&stream->out);
        stream->sent = 0;
        step(stream);
        left = stream->out.size;
    }
    if (left > size)
        left = size;
    memcpy(bytes, stream->out.data + stream->sent, left);
    stream->sent += left;
    return (ssize_t)left;
}

static void stream_end(void *context)
{
    struct stream *stream = context;

    api_place_give(stream->api, PLACE_STREAM);
    json_decref(stream->problems);
    json_decref(stream->revision);
    buffer_finish(&stream->out);
    arena_finish(&stream->scratch);
    arena_finish(&stream->arena);
    memory_free(stream);
}

static void watch_read(struct stream *stream, const char *watch)
{
    struct slice rest = slice_from_string(watch), one;

    while (stream->count < WATCHES_MAX && text_next_field(&rest, ',', &one)) {
        struct watched *watched = &stream->watched[stream->count];
        const uint8_t *colon = one.size == 0 ? NULL : memchr(one.data, ':', one.size);
        size_t size = colon == NULL ? one.size : (size_t)(colon - one.data);

        if (size == 0 || size >= sizeof(watched->kind))
            continue;
        memcpy(watched->kind, one.data, size);
        watched->name = colon == NULL ? NULL : arena_copy_string(&stream->arena, slice_from(one, size + 1));
        stream->count++;
    }
}

void api_stream(struct api_call *call)
{
    const char *watch = api_query(call, "watch");
    struct stream *stream;

    if (!api_place_take(call, PLACE_STREAM))
        return;
    stream = memory_new(sizeof(*stream));
    stream->api = call->api;
    arena_init(&stream->arena, ARENA_BLOCK);
    arena_init(&stream->scratch, ARENA_BLOCK);
    buffer_init(&stream->out, OUT_MAX);
    json_decref(api_events(stream->api, 0, &stream->events_seen));
    stream->alerts_seen = -1;
    stream->may_write = call->access == ACCESS_WRITE;
    stream->fd = http_client_fd(call->request);
    watch_read(stream, watch == NULL ? "overview" : watch);
    api_stream_begin(call, stream_next, stream_end, stream);
}
