#include "web/search.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/thread.h"
#include "web/filter.h"
#include "log/scan.h"
#include "web/schema_book.h"

#define SLICE_MS 40
#define BACKGROUND_AFTER_MS 200
#define CONTENDED_WAIT_MS 200 /* who is gone is seen behind it */
#define WINDOW_SEARCH 4000 /* records that are looked at in one go, of all partitions */
#define FOUND_MAX 500
#define FOUND_BYTES_MAX ((size_t)8 << 20) /* of matches that wait to be given; one may be larger */
#define BATCH_MESSAGES 50
#define BUDGET_MS 10000
#define BUDGET_MS_MAX 600000
#define LIVE_STEP_MS 50
#define LIVE_PER_STEP 3    /* messages of a live view that are drawn in each step; the rest is counted */
#define OUT_MAX ((size_t)512 << 20) /* one match of any size, escaped */
#define ARENA_BLOCK 65536

enum direction { OLDEST_FIRST, NEWEST_FIRST, LIVE };

struct lane { /* one partition */
    int32_t partition;
    int64_t low, high; /* what is left to look at */
    int64_t round_low, round_high; /* of the window under way */
    int64_t edge;      /* of the last message given in this round; -1 none */
    bool held_back;    /* a match was not given any more */
    int64_t latest_ms; /* of the matches of this round */
};

struct found {
    json_t *message; /* or what the taker made of it */
    size_t bytes;
    int64_t at_ms; /* never less than that of the match before it in its lane, so that there is one order */
    int64_t offset;
    struct lane *lane;
};

struct search {
    struct api *api;
    const struct search_taker *taker;
    void *taker_context;
    const char *trouble; /* why it could not be read to the end */
    struct arena arena, scratch;
    const char *topic, *key;
    bool has_secrets; /* the topic's messages */
    struct filter *filter;
    struct change_decoder *decoder;
    struct scan *scan;
    enum direction direction;
    struct lane *lanes;
    size_t lane_count;
    size_t limit, given;
    int64_t began_ms, budget_ms;
    int64_t scanned, total, bytes, skipped;
    struct message_shape shape;
    struct found found[FOUND_MAX * 2];
    size_t found_count, found_bytes;
    struct buffer out;
    size_t sent;
    bool done, is_background;
    int fd; /* of the client, to see that it is gone */
};

/* ---- Matching ---- */

/* The key as it stands, its payload, or the only member of its payload. */
static bool key_matches(struct slice key, const char *wanted)
{
    struct slice payload = message_payload(key), inner;
    const uint8_t *colon;

    if (slice_equal_string(key, wanted) || slice_equal_string(payload, wanted))
        return true;
    if (strncmp(wanted, "{\"payload\":", 11) == 0 && strlen(wanted) == payload.size + 12 && memcmp(wanted + 11, payload.data, payload.size) == 0)
        return true;
    if (payload.size < 5 || payload.data[0] != '{' || memchr(payload.data, ',', payload.size) != NULL)
        return false;
    colon = memchr(payload.data, ':', payload.size);
    if (colon == NULL)
        return false;
    inner = slice_of(colon + 1, payload.size - (size_t)(colon + 1 - payload.data) - 1);
    if (inner.size >= 2 && inner.data[0] == '"')
        inner = slice_of(inner.data + 1, inner.size - 2);
    return slice_equal_string(inner, wanted);
}

static void found_drop(struct search *search, size_t at)
{
    search->found_bytes -= search->found[at].bytes;
    json_decref(search->found[at].message);
    memmove(&search->found[at], &search->found[at + 1], (search->found_count - at - 1) * sizeof(search->found[0]));
    search->found_count--;
}

static bool is_full(const struct search *search, size_t bytes)
{
    return search->found_count == sizeof(search->found) / sizeof(search->found[0]) || (search->found_count > 0 && search->found_bytes + bytes > FOUND_BYTES_MAX);
}

/*
 * Room for one more match; false when it has to wait for the next round. The newest ones are wanted first: then the lane's
 * oldest matches make room.
 */
static bool room_make(struct search *search, struct lane *lane, size_t bytes)
{
    while (is_full(search, bytes)) {
        size_t at = 0;

        lane->held_back = true;
        if (search->direction == OLDEST_FIRST)
            return false;
        while (at < search->found_count && search->found[at].lane != lane)
            at++;
        if (at == search->found_count)
            return false;
        found_drop(search, at);
    }
    return true;
}

/* What is kept of a match, and about how many bytes that are. */
static json_t *match_make(struct search *search, const struct lane *lane, const struct record *record, const struct record_batch *batch, const struct change *row, size_t *bytes)
{
    json_t *made = search->taker != NULL ? search->taker->make(search->taker_context, lane->partition, record, row, &search->scratch)
                                         : message_make(search->topic, lane->partition, record, batch, row, &search->shape, &search->scratch);

    *bytes = json_is_string(made) ? json_string_length(made) : 0;
    return made;
}

static void consider(struct search *search, struct lane *lane, const struct record *record, const struct record_batch *batch)
{
    struct change change, *row = NULL;
    struct filter_input input = {.record = record, .partition = lane->partition, .arena = &search->scratch};
    json_t *made;
    size_t bytes;

    search->scanned++;
    search->bytes += (int64_t)(record->key.size + record->value.size);
    if (search->key != NULL && (slice_is_null(record->key) || !key_matches(record->key, search->key)))
        return;
    if (!slice_is_null(record->value) && record->value.size > 0 && record->value.data[0] == '{' && (search->filter == NULL || filter_needs_row(search->filter)) &&
        change_decode(search->decoder, record->value, &search->scratch, &change, NULL) == OK)
        row = &change;
    input.change = row;
    if (search->filter != NULL && !filter_matches(search->filter, &input))
        return;
    if (row == NULL && !slice_is_null(record->value) && record->value.size > 0 && record->value.data[0] == '{' &&
        change_decode(search->decoder, record->value, &search->scratch, &change, NULL) == OK)
        row = &change;
    made = match_make(search, lane, record, batch, row, &bytes);
    if (!room_make(search, lane, bytes)) {
        json_decref(made);
        return;
    }
    if (record->timestamp_ms > lane->latest_ms)
        lane->latest_ms = record->timestamp_ms;
    search->found_bytes += bytes;
    search->found[search->found_count++] = (struct found){made, bytes, lane->latest_ms, record->offset, lane};
}

/* Looks at [from, to) of a lane. False after an error, which has been said. */
static bool window_scan(struct search *search, struct lane *lane, int64_t from, int64_t to)
{
    struct record record;
    struct record_batch batch;
    struct error error;
    enum scan_result result;

    scan_seek(search->scan, search->topic, lane->partition, from, to);
    while ((result = scan_next(search->scan, &record, &batch, &error)) == SCAN_RECORD) {
        arena_reset(&search->scratch);
        if (search->has_secrets)
            record.value = message_without_secrets(record.value, &search->scratch);
        consider(search, lane, &record, &batch);
    }
    if (result == SCAN_END || error.status == ERROR_OFFSET_OUT_OF_RANGE) /* retention was faster */
        return true;
    search->trouble = arena_copy_string(&search->arena, slice_from_string(error.message));
    if (search->taker != NULL)
        return false;
    event_append(&search->out, "error", json_pack("{s:s, s:o, s:n, s:n, s:n, s:[], s:n}", "code", status_name(error.status), "what", json_slice(slice_from_string(error.message)),
                                                  "why", "todo", "field", "actions", "request"));
    return false;
}

/* ---- Giving ---- */

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms > y->at_ms ? -1 : 1;
    return x->lane != y->lane ? (x->lane < y->lane ? -1 : 1) : x->offset > y->offset ? -1 : 1;
}

static int oldest_first(const void *a, const void *b)
{
    return -newest_first(a, b);
}

static void messages_append(struct search *search, size_t from, size_t to)
{
    json_t *list = json_array();

    for (size_t i = from; i < to; i++)
        json_add(list, search->found[i].message);
    if (search->taker == NULL) {
        event_append(&search->out, "messages", list);
        return;
    }
    search->taker->give(search->taker_context, list, &search->out);
    json_decref(list);
}

/* Gives what was found, in order, up to the limit; what is held back is found again by the cursor. */
static void found_give(struct search *search)
{
    size_t room = search->direction == LIVE ? LIVE_PER_STEP : search->limit - search->given, count = search->found_count < room ? search->found_count : room;

    qsort(search->found, search->found_count, sizeof(search->found[0]), search->direction == NEWEST_FIRST ? newest_first : oldest_first);
    for (size_t i = 0; i < count; i++)
        search->found[i].lane->edge = search->found[i].offset;
    for (size_t i = count; i < search->found_count; i++) {
        search->found[i].lane->held_back = true;
        search->skipped += search->direction == LIVE;
        json_decref(search->found[i].message);
    }
    for (size_t i = 0; i < count; i += BATCH_MESSAGES)
        messages_append(search, i, i + BATCH_MESSAGES < count ? i + BATCH_MESSAGES : count);
    search->given += count;
    search->found_count = search->found_bytes = 0;
}

/* Moves each lane behind its window, or behind the last message given when others are held back. */
static void lanes_move(struct search *search)
{
    for (size_t i = 0; i < search->lane_count; i++) {
        struct lane *lane = &search->lanes[i];

        if (lane->round_high <= lane->round_low)
            continue;
        if (search->direction == NEWEST_FIRST)
            lane->high = !lane->held_back ? lane->round_low : lane->edge >= 0 ? lane->edge : lane->round_high;
        else
            lane->low = !lane->held_back || search->direction == LIVE ? lane->round_high : lane->edge >= 0 ? lane->edge + 1 : lane->round_low;
        lane->held_back = false;
        lane->edge = -1;
        lane->latest_ms = INT64_MIN;
        lane->round_low = lane->round_high = 0;
    }
}

static void progress_append(struct search *search)
{
    json_t *at, *progress;

    if (search->taker != NULL)
        return;
    at = json_array();
    for (size_t i = 0; i < search->lane_count; i++)
        json_add(at, json_pack("[i, I]", (int)search->lanes[i].partition, (json_int_t)(search->direction == NEWEST_FIRST ? search->lanes[i].high : search->lanes[i].low)));
    progress = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "scanned", (json_int_t)search->scanned, "total", (json_int_t)search->total, "found", (json_int_t)search->given, "bytes",
                         (json_int_t)search->bytes, "took_ms", (json_int_t)(clock_monotonic_ms() - search->began_ms), "at", at);
    if (search->direction == LIVE)
        json_put(progress, "skipped", json_integer(search->skipped));
    search->skipped = 0;
    event_append(&search->out, "progress", progress);
}

/* "0:12-90,1:0-7": what is left of each partition; null when nothing is. */
static json_t *cursor_make(struct search *search)
{
    struct buffer text;
    json_t *cursor;

    buffer_init(&text, 1 << 20);
    for (size_t i = 0; i < search->lane_count; i++) {
        if (search->lanes[i].low < search->lanes[i].high)
            buffer_append_format(&text, "%s%d:%lld-%lld", text.size == 0 ? "" : ",", (int)search->lanes[i].partition, (long long)search->lanes[i].low,
                                 (long long)search->lanes[i].high);
    }
    cursor = text.size == 0 ? json_null() : json_stringn((const char *)text.data, text.size);
    buffer_finish(&text);
    return cursor;
}

static void done_append(struct search *search, const char *why)
{
    search->done = true;
    if (search->taker != NULL) {
        search->taker->done(search->taker_context, why, search->trouble, search->given, &search->out);
        return;
    }
    progress_append(search);
    event_append(&search->out, "done", json_pack("{s:s, s:o, s:I, s:I}", "why", why, "cursor", cursor_make(search), "scanned", (json_int_t)search->scanned, "total",
                                                 (json_int_t)search->total));
}

/* ---- Steps ---- */

/* One window of every lane. False after an error. */
static bool round_scan(struct search *search)
{
    bool fine = true;
    int64_t window = WINDOW_SEARCH / (int64_t)(search->lane_count + 1) + 100;

    if (search->filter == NULL && search->key == NULL && search->direction != LIVE && window > (int64_t)(search->limit - search->given))
        window = (int64_t)(search->limit - search->given);
    for (size_t i = 0; i < search->lane_count && fine; i++) {
        struct lane *lane = &search->lanes[i];

        if (lane->low >= lane->high)
            continue;
        lane->round_low = search->direction == NEWEST_FIRST && lane->high - lane->low > window ? lane->high - window : lane->low;
        lane->round_high = search->direction == NEWEST_FIRST || lane->high - lane->low <= window ? lane->high : lane->low + window;
        fine = window_scan(search, lane, lane->round_low, lane->round_high);
    }
    found_give(search);
    lanes_move(search);
    return fine;
}

static bool has_work(const struct search *search)
{
    for (size_t i = 0; i < search->lane_count; i++) {
        if (search->lanes[i].low < search->lanes[i].high)
            return true;
    }
    return false;
}

static void live_step(struct search *search)
{
    struct log *log = api_settings_of(search->api)->log;
    bool moved = false;

    if (search->lane_count > 0)
        (void)log_wait(log, search->topic, search->lanes[0].partition, search->lanes[0].low, LIVE_STEP_MS);
    for (size_t i = 0; i < search->lane_count; i++) {
        int64_t start, end;

        if (log_bounds(log, search->topic, search->lanes[i].partition, &start, &end, NULL) != OK) {
            done_append(search, "end"); /* deleted */
            return;
        }
        if (end - search->lanes[i].low > WINDOW_SEARCH) { /* more than can be looked at: the newest ones */
            search->skipped += end - WINDOW_SEARCH - search->lanes[i].low;
            search->lanes[i].low = end - WINDOW_SEARCH;
        }
        search->lanes[i].high = end;
        moved = moved || search->lanes[i].low < end;
    }
    if (moved && !round_scan(search)) {
        done_append(search, "stopped");
        return;
    }
    if (moved) /* so many in a step, and no faster */
        clock_sleep_ms(LIVE_STEP_MS);
    progress_append(search);
}

static void step(struct search *search)
{
    int64_t until_ms = clock_monotonic_ms() + SLICE_MS;

    if (api_is_stopping(search->api)) {
        done_append(search, "stopped");
    } else if (search->direction == LIVE) {
        live_step(search);
    } else {
        bool fine = true;

        while (fine && search->given < search->limit && has_work(search) && clock_monotonic_ms() < until_ms)
            fine = round_scan(search);
        if (!fine)
            done_append(search, "stopped");
        else if (!has_work(search))
            done_append(search, "end");
        else if (search->given >= search->limit)
            done_append(search, "limit");
        else if (clock_monotonic_ms() - search->began_ms >= search->budget_ms)
            done_append(search, "budget");
        else
            progress_append(search);
    }
}

/*
 * A step that waits where it was waited with. Standing behind the program's own threads is not enough: what a search uses counts
 * for the whole program when the system shares its processors out between programs.
 */
static void step_behind(struct search *search)
{
    int64_t began_ns = clock_monotonic_ns(), used_ns = clock_thread_ns(), wall_ns;

    step(search);
    wall_ns = clock_monotonic_ns() - began_ns;
    used_ns = clock_thread_ns() - used_ns;
    if (!search->done && wall_ns - used_ns > wall_ns / 5)
        clock_sleep_ms(CONTENDED_WAIT_MS);
}

static ssize_t search_next(void *context, char *bytes, size_t size)
{
    struct search *search = context;
    size_t left = search->out.size - search->sent;

    if (left == 0) {
        if (search->done || search->out.failed || http_client_is_gone(search->fd))
            return -1;
        buffer_reset(&search->out);
        search->sent = 0;
        /* A long one has what others leave of processor and disk; a short one is waited for. The connection is closed behind it. */
        if (!search->is_background && search->direction != LIVE && clock_monotonic_ms() - search->began_ms > BACKGROUND_AFTER_MS) {
            search->is_background = true;
            thread_set_idle();
        }
        if (search->is_background)
            step_behind(search);
        else
            step(search);
        left = search->out.size;
    }
    if (left > size)
        left = size;
    memcpy(bytes, search->out.data + search->sent, left);
    search->sent += left;
    return (ssize_t)left;
}

static void search_end(void *context)
{
    struct search *search = context;

    if (search->taker != NULL && search->taker->end != NULL)
        search->taker->end(search->taker_context);
    api_place_give(search->api, PLACE_SEARCH);
    for (size_t i = 0; i < search->found_count; i++)
        json_decref(search->found[i].message);
    change_decoder_destroy(search->decoder);
    scan_destroy(search->scan);
    buffer_finish(&search->out);
    arena_finish(&search->scratch);
    arena_finish(&search->arena);
    memory_free(search);
}

/* ---- Beginning ---- */

/* Is the partition among "0,2"? */
static bool is_wanted(const char *list, int32_t partition)
{
    struct slice rest = slice_from_string(list), one;
    int32_t number;

    if (list == NULL || *list == '\0')
        return true;
    while (text_next_field(&rest, ',', &one)) {
        if (text_parse_int32(one, &number) && number == partition)
            return true;
    }
    return false;
}

/* Narrows a lane to what the cursor says is left of it. */
static void cursor_apply(const char *cursor, struct lane *lane)
{
    struct slice rest = slice_from_string(cursor), one;
    long long partition, low, high;

    while (text_next_field(&rest, ',', &one)) {
        char text[80];

        (void)snprintf(text, sizeof(text), "%.*s", (int)(one.size > 79 ? 79 : one.size), (const char *)one.data);
        if (sscanf(text, "%lld:%lld-%lld", &partition, &low, &high) == 3 && partition == lane->partition) {
            lane->low = low > lane->low ? low : lane->low;
            lane->high = high < lane->high ? high : lane->high;
            return;
        }
    }
    lane->low = lane->high;
}

static void lanes_make(struct api_call *call, struct search *search, struct topic *topic)
{
    const char *from = api_query(call, "from"), *wanted = api_query(call, "p"), *cursor = api_query(call, "cursor");
    int64_t at = api_query_number(call, "at", 0, INT64_MIN, INT64_MAX);
    int32_t count = topic_partition_count(topic);

    search->lanes = arena_new_array(&search->arena, (size_t)count + 1, sizeof(*search->lanes));
    for (int32_t i = 0; i < count; i++) {
        struct partition *partition = topic_partition(topic, i);
        struct lane *lane = &search->lanes[search->lane_count];
        int64_t offset = -1, found_ms;

        if (!is_wanted(wanted, i))
            continue;
        *lane = (struct lane){.partition = i, .low = partition_start(partition), .high = partition_end(partition), .edge = -1, .latest_ms = INT64_MIN};
        if (from != NULL && strcmp(from, "time") == 0 && partition_find_time(partition, at, &offset, &found_ms, NULL) == OK)
            lane->low = offset < 0 ? lane->high : offset;
        if (from != NULL && strcmp(from, "offset") == 0 && at > lane->low)
            lane->low = at < lane->high ? at : lane->high;
        if (search->direction == LIVE)
            lane->low = lane->high;
        if (cursor != NULL && *cursor != '\0')
            cursor_apply(cursor, lane);
        search->total += lane->high - lane->low;
        search->lane_count++;
    }
}

/* False with the answer given. */
static bool filter_read(struct api_call *call, struct search *search)
{
    const char *text = api_query(call, "filter");
    struct error error = {.status = OK};
    size_t position = 0;

    if (text == NULL || *text == '\0')
        return true;
    if (filter_compile(&search->arena, text, search->shape.mask, &search->filter, &position, &error) == OK)
        return true;
    api_error_at(call, 400, "BAD_FILTER", arena_format(call->arena, "The filter cannot be read: %s.", error.message), "filter", (int64_t)position);
    return false;
}

/* NULL with the answer given; the taker's context is the search's then, too. */
static struct search *search_begin(struct api_call *call, const struct search_taker *taker, void *taker_context, size_t limit, size_t limit_max)
{
    const char *from = api_query(call, "from"), *key = api_query(call, "key");
    struct topic *topic = api_topic_find(call, call->parts[0]);
    struct search *search = NULL;

    if (topic != NULL && api_place_take(call, PLACE_SEARCH)) {
        search = memory_new(sizeof(*search));
        search->api = call->api;
        search->taker = taker;
        search->taker_context = taker_context;
        arena_init(&search->arena, ARENA_BLOCK);
        arena_init(&search->scratch, ARENA_BLOCK);
        buffer_init(&search->out, OUT_MAX);
        search->topic = arena_copy_string(&search->arena, slice_from_string(call->parts[0]));
        search->has_secrets = message_topic_has_secrets(api_settings_of(call->api)->values, search->topic);
        search->key = key == NULL || *key == '\0' ? NULL : arena_copy_string(&search->arena, slice_from_string(key));
        search->decoder = change_decoder_create();
        search->scan = scan_create(api_settings_of(call->api)->log);
        search->shape = message_in_list;
        search->shape.mask = api_settings_of(call->api)->mask;
        search->shape.schemas = api_schemas(call->api);
        search->direction = from != NULL && strcmp(from, "live") == 0 && taker == NULL ? LIVE
                            : from == NULL || *from == '\0' || strcmp(from, "newest") == 0 || strcmp(from, "live") == 0 ? NEWEST_FIRST
                                                                                                                        : OLDEST_FIRST;
        search->limit = (size_t)api_query_number(call, "limit", (int64_t)limit, 1, (int64_t)limit_max);
        search->budget_ms = api_query_number(call, "budget_ms", taker == NULL ? BUDGET_MS : BUDGET_MS_MAX, 1, BUDGET_MS_MAX);
        search->began_ms = clock_monotonic_ms();
        search->fd = http_client_fd(call->request);
        lanes_make(call, search, topic);
    }
    if (topic != NULL)
        topic_release(topic);
    if (search == NULL && taker != NULL && taker->end != NULL)
        taker->end(taker_context);
    if (search != NULL && !filter_read(call, search)) {
        search_end(search);
        search = NULL;
    }
    return search;
}

static void search_stream_begin(struct api_call *call, struct search *search)
{
    api_stream_begin(call, search_next, search_end, search);
    call->response->closes = search->direction != LIVE; /* a long one leaves its thread in the background */
}

void api_messages(struct api_call *call)
{
    struct search *search = search_begin(call, NULL, NULL, 100, FOUND_MAX);

    if (search != NULL)
        search_stream_begin(call, search);
}

void search_stream(struct api_call *call, const struct search_taker *taker, void *context, size_t limit, size_t limit_max)
{
    struct search *search = search_begin(call, taker, context, limit, limit_max);

    if (search != NULL)
        search_stream_begin(call, search);
}

bool search_run(struct api_call *call, const struct search_taker *taker, void *context, size_t limit_max)
{
    struct search *search = search_begin(call, taker, context, limit_max, limit_max);

    if (search == NULL)
        return false;
    while (!search->done && !http_client_is_gone(search->fd))
        step(search);
    search_end(search);
    return true;
}
