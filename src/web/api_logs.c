/* api_logs.c: the program's own log: the last lines, and those that follow. */
#include "web/api.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger_recent.h"

#define SILENCE_MS 10000
#define LOOK_EVERY_MS 250
#define OUT_MAX ((size_t)4 << 20)

struct follow {
    struct api *api;
    enum logger_level level;
    char part[64], thread[64]; /* "": all */
    uint64_t after;
    struct logger_line *lines; /* LOGGER_KEPT */
    struct buffer out;
    size_t sent;
    int64_t spoke_ms;
    int fd;
};

static enum logger_level level_of(const char *text)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0)
            return (enum logger_level)i;
    }
    return LOGGER_DEBUG;
}

static bool is_wanted(const struct follow *follow, const struct logger_line *line)
{
    bool of_thread = *follow->thread == '\0' || strncmp(line->thread, follow->thread, sizeof(line->thread) - 1) == 0 || strstr(line->text, follow->thread + strlen("capture:")) != NULL;

    return line->level >= follow->level && (*follow->part == '\0' || strcmp(line->part, follow->part) == 0) && of_thread;
}

static json_t *line_make(const struct logger_line *line)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    return json_pack("{s:I, s:s, s:s, s:o, s:I}", "at_ms", (json_int_t)line->at_ms, "level", names[line->level], "part", line->part, "text",
                     json_slice(slice_from_string(line->text)), "id", (json_int_t)line->number);
}

static void lines_append(struct follow *follow)
{
    size_t count = logger_recent(follow->after, follow->lines);

    for (size_t i = 0; i < count; i++) {
        follow->after = follow->lines[i].number;
        if (is_wanted(follow, &follow->lines[i]))
            event_append(&follow->out, "line", line_make(&follow->lines[i]));
    }
    if (follow->out.size == 0 && clock_monotonic_ms() - follow->spoke_ms >= SILENCE_MS)
        buffer_append_string(&follow->out, ": here\n\n");
}

static ssize_t follow_next(void *context, char *bytes, size_t size)
{
    struct follow *follow = context;
    size_t left = follow->out.size - follow->sent;

    while (left == 0) {
        if (api_is_stopping(follow->api) || http_client_is_gone(follow->fd))
            return -1;
        buffer_reset(&follow->out);
        follow->sent = 0;
        lines_append(follow);
        left = follow->out.size;
        if (left == 0)
            (void)sampler_wait(api_sampler(follow->api), INT64_MAX, LOOK_EVERY_MS); /* until api_stop, at most so long */
        else
            follow->spoke_ms = clock_monotonic_ms();
    }
    if (left > size)
        left = size;
    memcpy(bytes, follow->out.data + follow->sent, left);
    follow->sent += left;
    return (ssize_t)left;
}

static void follow_end(void *context)
{
    struct follow *follow = context;

    api_place_give(follow->api, PLACE_STREAM);
    buffer_finish(&follow->out);
    memory_free(follow->lines);
    memory_free(follow);
}

/* thread: of the lines that are wanted, "" for all */
static void logs_answer(struct api_call *call, const char *thread)
{
    bool follows = api_query(call, "follow") != NULL;
    const char *part = api_query(call, "part");
    struct follow *follow;
    json_t *items;
    size_t count;

    if (!api_place_take(call, PLACE_STREAM))
        return;
    follow = memory_new(sizeof(*follow));
    follow->api = call->api;
    follow->lines = memory_new_array(LOGGER_KEPT, sizeof(*follow->lines));
    follow->level = level_of(api_query(call, "level"));
    follow->after = (uint64_t)api_query_number(call, "after", 0, 0, INT64_MAX);
    follow->fd = http_client_fd(call->request);
    follow->spoke_ms = clock_monotonic_ms();
    (void)snprintf(follow->part, sizeof(follow->part), "%s", part == NULL ? "" : part);
    (void)snprintf(follow->thread, sizeof(follow->thread), "%s", thread);
    buffer_init(&follow->out, OUT_MAX);
    if (follows) {
        api_stream_begin(call, follow_next, follow_end, follow);
        return;
    }
    items = json_array();
    count = logger_recent(follow->after, follow->lines);
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(follow, &follow->lines[i]))
            json_add(items, line_make(&follow->lines[i]));
    }
    follow_end(follow);
    api_json(call, 200, json_pack("{s:o}", "items", items));
}

void api_logs(struct api_call *call)
{
    logs_answer(call, "");
}

void api_connector_log(struct api_call *call)
{
    logs_answer(call, arena_format(call->arena, "capture:%s", call->parts[0]));
}
