#include "web/trace.h"

#include "base/banned.h"
#include "os/clock.h"
#include "store/store.h"

#define STAMPS_BEFORE 2000   /* stamps are nearly in the order of LSNs and transactions: it is begun so far before the place */
#define SLACK_CAPTURED_MS 1  /* a captured record's time is when it was received, so no stamp of it is older */
#define SLACK_PRODUCED_MS 5000
#define LINGER_US INT64_C(5000000) /* how much longer than for the readers that are known it is looked for others */

const struct trace_pass *trace_pass_of(const struct trace_row *row, enum log_reader kind, const char *reader)
{
    const struct trace_pass *first = NULL;

    for (size_t i = 0; i < row->pass_count; i++) {
        const struct trace_pass *pass = &row->passes[i];

        if (pass->kind == kind && pass->passed_us != 0 && strcmp(pass->reader, reader) == 0 && (first == NULL || pass->passed_us < first->passed_us))
            first = pass;
    }
    return first;
}

/* ---- What one stamp says of a record ---- */

static bool is_of(struct slice topic, int32_t partition, const struct trace_row *row)
{
    return partition == row->partition && slice_equal_string(topic, row->topic);
}

static void publish_take(struct trace_row *row, const struct stamp *stamp)
{
    for (size_t i = 0; i < stamp->run_count; i++) {
        const struct stamp_run *run = &stamp->runs[i];

        if (!is_of(run->topic, run->partition, row) || row->offset < run->first_offset || row->offset >= run->end_offset)
            continue;
        row->known = TRACE_STAMPED;
        row->appended_us = stamp->appended_us;
        row->durable_us = stamp->durable_us;
        row->published_us = stamp->published_us;
        return;
    }
}

static struct trace_pass *pass_open(struct trace *trace, struct trace_row *row, enum log_reader kind, struct slice reader)
{
    const uint8_t *line = kind == LOG_READER_GROUP ? memchr(reader.data, '\n', reader.size) : NULL;
    struct slice name = line == NULL ? reader : slice_of(reader.data, (size_t)(line - reader.data));
    struct slice client = line == NULL ? slice_null() : slice_from(reader, name.size + 1);
    struct trace_pass *pass;

    for (size_t i = 0; i < row->pass_count; i++) {
        pass = &row->passes[i];
        if (pass->kind == kind && slice_equal_string(name, pass->reader) && (line == NULL || slice_equal_string(client, pass->client)))
            return pass;
    }
    if (row->pass_count == TRACE_PASSES_MAX)
        return NULL;
    pass = &row->passes[row->pass_count++];
    *pass = (struct trace_pass){.kind = kind, .reader = arena_copy_string(trace->call->arena, name), .client = line == NULL ? "" : arena_copy_string(trace->call->arena, client)};
    return pass;
}

static void reader_take(struct trace *trace, struct trace_row *row, struct slice reader, const struct stamp *stamp)
{
    struct trace_pass *pass = is_of(stamp->topic, stamp->partition, row) ? pass_open(trace, row, stamp->reader, reader) : NULL;

    for (size_t i = 0; pass != NULL && pass->passed_us == 0 && i < stamp->sample_count; i++) {
        const struct stamp_sample *sample = &stamp->samples[i];

        if (sample->next_offset <= row->offset) {
            pass->after_us = sample->time_us;
        } else {
            pass->passed_us = sample->time_us;
            pass->exact = !stamp->thinned;
        }
    }
}

/* ---- Going through them ---- */

struct stamps_view {
    struct topic *topic; /* held; NULL: there is none */
    struct partition *partition;
};

static struct stamps_view view_open(const struct trace *trace)
{
    struct stamps_view view = {store_topic_find(trace->settings->store, slice_from_string(STAMPS_TOPIC)), NULL};

    view.partition = view.topic == NULL ? NULL : topic_partition(view.topic, 0);
    return view;
}

static void view_close(struct stamps_view *view)
{
    if (view->topic != NULL)
        topic_release(view->topic);
}

/* Everything known to have read it has been found, and a little later nobody else came. */
static bool is_complete(const struct trace_row *row, const char *const *wanted, size_t wanted_count, int64_t time_ms)
{
    if (row->known != TRACE_STAMPED || time_ms * 1000 < row->published_us + LINGER_US)
        return false;
    for (size_t i = 0; i < wanted_count; i++) {
        if (trace_pass_of(row, (enum log_reader)wanted[i][0], wanted[i] + 1) == NULL)
            return false;
    }
    return true;
}

/* Readers that have got past the record, as kind and name: their stamps are there to be found. */
static const char **readers_wanted(struct trace *trace, const struct trace_row *row, size_t *count)
{
    struct arena *arena = trace->call->arena;
    size_t groups = json_array_size(trace->groups), agents = json_array_size(json_object_get(trace->description, "agents")), index;
    const char **wanted = arena_new_array(arena, groups + agents + 1, sizeof(*wanted));
    const json_t *item;

    *count = 0;
    json_array_foreach(trace->groups, index, item) {
        if (member_integer(trace_partition_of(item, row), "committed", 0) > row->offset)
            wanted[(*count)++] = arena_format(arena, "%c%s", LOG_READER_GROUP, member_text(item, "group"));
    }
    json_array_foreach(json_object_get(trace->description, "agents"), index, item) {
        if (member_text(item, "topic") != NULL && strcmp(member_text(item, "topic"), row->topic) == 0 && member_integer(item, "lag", -1) == 0)
            wanted[(*count)++] = arena_format(arena, "%c%s", LOG_READER_SCORED, member_text(item, "name"));
    }
    return wanted;
}

static void stamps_take(struct trace *trace, struct trace_row *row, const struct partition *partition, int64_t from)
{
    size_t wanted_count;
    const char **wanted = readers_wanted(trace, row, &wanted_count);
    struct record record;
    struct record_batch batch;
    struct stamp stamp;
    struct error error;
    bool done = false;

    scan_seek(trace->scan, STAMPS_TOPIC, 0, from, partition_end(partition));
    while (!done && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
        if (!stamp_read(record.value, &stamp))
            continue;
        if (stamp.kind == STAMP_PUBLISH && row->known != TRACE_STAMPED)
            publish_take(row, &stamp);
        else if (stamp.kind == STAMP_READER && !slice_is_null(record.key))
            reader_take(trace, row, record.key, &stamp);
        done = is_complete(row, wanted, wanted_count, record.timestamp_ms) || clock_monotonic_ms() > trace->deadline_ms;
    }
}

void trace_way(struct trace *trace, struct trace_row *row)
{
    struct stamps_view view = view_open(trace);
    int64_t not_before_ms = row->timestamp_ms - (row->is_change ? SLACK_CAPTURED_MS : SLACK_PRODUCED_MS), from = -1, found_ms = 0;

    row->known = view.partition == NULL ? TRACE_OFF : TRACE_TOO_FAR;
    if (view.partition != NULL && partition_find_time(view.partition, not_before_ms, &from, &found_ms, NULL) == OK && from >= 0) {
        stamps_take(trace, row, view.partition, from);
        if (row->known == TRACE_TOO_FAR && from == partition_start(view.partition)) /* nothing older is there */
            row->known = TRACE_ROLLED;
    }
    if (row->known != TRACE_STAMPED && !row->is_change)
        row->known = TRACE_UNSTAMPED;
    view_close(&view);
}

/* ---- Where an LSN or a transaction is ---- */

/* Does the owner's first stamp from `at` on reach the value? -1: it has none before `end`. */
static int reaches(struct trace *trace, const char *owner, int64_t at, int64_t end, uint64_t value, bool by_transaction)
{
    struct record record;
    struct record_batch batch;
    struct stamp stamp;
    struct error error;

    scan_seek(trace->scan, STAMPS_TOPIC, 0, at, end);
    while (clock_monotonic_ms() < trace->deadline_ms && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
        if (slice_equal_string(record.key, owner) && stamp_read(record.value, &stamp) && stamp.kind == STAMP_PUBLISH && stamp.rows.last_lsn != 0)
            return (by_transaction ? stamp.rows.last_xid : stamp.rows.last_lsn) >= value;
    }
    return -1;
}

int64_t trace_stamps_reach(struct trace *trace, const char *owner, uint64_t value, bool by_transaction)
{
    struct stamps_view view = view_open(trace);
    int64_t start = view.partition == NULL ? 0 : partition_start(view.partition), low = start, high = view.partition == NULL ? 0 : partition_end(view.partition);

    while (low < high && clock_monotonic_ms() < trace->deadline_ms) {
        int64_t middle = low + (high - low) / 2;

        if (reaches(trace, owner, middle, high, value, by_transaction) == 0)
            low = middle + 1;
        else
            high = middle;
    }
    low = low - STAMPS_BEFORE > start ? low - STAMPS_BEFORE : start;
    view_close(&view);
    return view.partition == NULL ? -1 : low;
}
