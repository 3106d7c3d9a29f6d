#include "web/trace.h"

#include "agents/sink.h"
#include "base/banned.h"
#include "os/clock.h"
#include "store/store.h"
#include "web/trace_key.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/trace_context.h"

#define WINDOW 4000         /* records read forwards at once on the way back */
#define STAMPS_AHEAD 200000 /* stamps looked through from the place on */
#define ALERTS_AHEAD 20000
#define DELIVERIES_LOOKED 50000 /* records behind the alert that are looked through for what came of it */

/* ---- Rows ---- */

/* The record as a row, in the arena. */
static struct trace_row *trace_row_make(struct trace *trace, const char *topic, int32_t partition, const struct record *record)
{
    struct arena *arena = trace->call->arena;
    struct trace_row *row = arena_new(arena, sizeof(*row));
    struct slice parent = trace_context_of(record).parent;
    struct change change;

    *row = (struct trace_row){.topic = arena_copy_string(arena, slice_from_string(topic)),
                              .partition = partition,
                              .offset = record->offset,
                              .timestamp_ms = record->timestamp_ms,
                              .lsn = -1,
                              .transaction_id = -1,
                              .traceparent = slice_is_null(parent) ? NULL : arena_copy_string(arena, parent)};
    if (!slice_is_null(record->value) && change_decode(trace->decoder, record->value, arena, &change, NULL) == OK && change.lsn >= 0) {
        row->is_change = true;
        row->operation = change.operation;
        row->lsn = change.lsn;
        row->transaction_id = change.transaction_id;
        row->committed_us = change.source_time_us;
        row->received_us = trace_received_us(record->value);
    }
    return row;
}

static bool is_before(const struct trace_row *a, const struct trace_row *b)
{
    if (a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms < b->timestamp_ms;
    return a->offset < b->offset;
}

/* Keeps the newest ones, oldest first. */
static void row_add(struct trace *trace, struct trace_row *row)
{
    size_t at = trace->row_count;

    for (size_t i = 0; i < trace->row_count; i++) {
        if (trace->rows[i]->offset == row->offset && trace->rows[i]->partition == row->partition && strcmp(trace->rows[i]->topic, row->topic) == 0)
            return;
    }
    while (at > 0 && is_before(row, trace->rows[at - 1]))
        at--;
    if (trace->row_count == TRACE_ROWS_MAX) {
        trace->more = true;
        if (at == 0)
            return;
        memmove(&trace->rows[0], &trace->rows[1], (at - 1) * sizeof(trace->rows[0]));
        trace->rows[at - 1] = row;
        return;
    }
    memmove(&trace->rows[at + 1], &trace->rows[at], (trace->row_count - at) * sizeof(trace->rows[0]));
    trace->rows[at] = row;
    trace->row_count++;
}

static bool time_is_up(const struct trace *trace)
{
    return clock_monotonic_ms() > trace->deadline_ms;
}

static void looked_note(struct trace *trace, const struct record *record)
{
    trace->looked.records++;
    if (trace->looked.back_to_ms == 0 || record->timestamp_ms < trace->looked.back_to_ms)
        trace->looked.back_to_ms = record->timestamp_ms;
}

void trace_find_place(struct trace *trace, const char *topic, int32_t partition, int64_t offset)
{
    struct record record;
    struct record_batch batch;
    struct error error;

    scan_seek(trace->scan, topic, partition, offset, offset + 1);
    if (scan_next(trace->scan, &record, &batch, &error) != SCAN_RECORD)
        return;
    looked_note(trace, &record);
    row_add(trace, trace_row_make(trace, topic, partition, &record));
}

/* ---- Going back through partitions ---- */

/* Is the record wanted? *last: what is before it need not be looked at. */
typedef bool record_judge(struct trace *trace, const struct record *record, const void *wanted, bool *last);

/* From the end back, window by window, until the judge has enough or the time is up. */
static void partition_look_back(struct trace *trace, const char *topic, int32_t partition, record_judge *judge, const void *wanted)
{
    int64_t start, end;
    struct record record;
    struct record_batch batch;
    struct error error;
    bool last = false;

    if (log_bounds(trace->settings->log, topic, partition, &start, &end, NULL) != OK)
        return;
    while (end > start && !last) {
        int64_t from = end - WINDOW > start ? end - WINDOW : start;

        if (time_is_up(trace)) {
            trace->looked.cut = true;
            return;
        }
        scan_seek(trace->scan, topic, partition, from, end);
        while (scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
            looked_note(trace, &record);
            if (judge(trace, &record, wanted, &last))
                row_add(trace, trace_row_make(trace, topic, partition, &record));
        }
        end = from;
    }
}

/* Is the topic one that rows of this table go to? */
static bool trace_topic_is_of(const char *topic, const char *table)
{
    size_t size = strlen(topic), end = table == NULL ? 0 : strlen(table);

    if (table != NULL && strcmp(topic, table) == 0)
        return true;
    if (strncmp(topic, "__", 2) == 0 || strncmp(topic, "connect-", 8) == 0 || strncmp(topic, "tailrace-", 9) == 0)
        return false;
    return table == NULL || (size > end + 1 && topic[size - end - 1] == '.' && strcmp(topic + size - end, table) == 0);
}

/* The topics that rows of the table go to, in the arena. */
static const char **topics_of(struct trace *trace, const char *table, size_t *count)
{
    size_t all_count;
    struct topic **all = store_topics(trace->settings->store, trace->call->arena, &all_count);
    const char **found = arena_new_array(trace->call->arena, all_count + 1, sizeof(*found));

    *count = 0;
    for (size_t i = 0; i < all_count; i++) {
        if (trace_topic_is_of(topic_name(all[i]), table))
            found[(*count)++] = arena_copy_string(trace->call->arena, slice_from_string(topic_name(all[i])));
        topic_release(all[i]);
    }
    return found;
}

/* ---- By key ---- */

static bool key_judge(struct trace *trace, const struct record *record, const void *context, bool *last)
{
    bool is_it;

    if (slice_is_null(record->key)) {
        trace->looked.keyless++;
        return false;
    }
    if (slice_is_null(record->value))
        return false;
    arena_reset(&trace->scratch);
    is_it = trace_key_is(context, trace->key_decoder, record->key, &trace->scratch);
    *last = *last || (is_it && trace_value_begins_row(record->value)); /* what is before belongs to another row of this key, if to any */
    return is_it;
}

/* The partition that rows of the key go to, by the newest key of partition 0 to count-1; -1 when that cannot be told. */
static int32_t key_partition(struct trace *trace, const char *topic, int32_t count, const struct trace_key *wanted)
{
    struct record record;
    struct record_batch batch;
    struct error error;
    struct slice key;
    int64_t start, end;

    for (int32_t i = 0; i < count; i++) {
        if (log_bounds(trace->settings->log, topic, i, &start, &end, NULL) != OK || end <= start)
            continue;
        scan_seek(trace->scan, topic, i, end - 1, end);
        if (scan_next(trace->scan, &record, &batch, &error) != SCAN_RECORD || slice_is_null(record.key) || kafka_partition_for_key(record.key, count) != i)
            return -1; /* they do not go by their keys */
        key = trace_key_like(wanted, trace->key_decoder, record.key, trace->call->arena);
        return slice_is_null(key) ? -1 : kafka_partition_for_key(key, count);
    }
    return -1;
}

void trace_find_key(struct trace *trace, const char *table, const char *key)
{
    struct trace_key wanted;
    size_t topic_count;
    const char **topics = topics_of(trace, table, &topic_count);

    trace_key_read(key, trace->call->arena, &wanted);
    for (size_t i = 0; i < topic_count; i++) {
        int32_t count = log_topic_partitions(trace->settings->log, topics[i]);
        int32_t only = count > 1 ? key_partition(trace, topics[i], count, &wanted) : -1;

        for (int32_t k = 0; k < count; k++) {
            if (only < 0 || only == k)
                partition_look_back(trace, topics[i], k, key_judge, &wanted);
        }
    }
}

/* ---- By LSN and transaction ---- */

struct source_wanted {
    int64_t lsn, transaction_id; /* -1: any */
    struct trace_row *nearest;   /* of those before the LSN */
};

static void run_look(struct trace *trace, struct slice topic, const struct stamp_run *run, struct source_wanted *wanted)
{
    const char *name = arena_copy_string(trace->call->arena, topic);
    struct scan *scan = scan_create(trace->settings->log); /* the other one is among the stamps */
    struct record record;
    struct record_batch batch;
    struct change change;
    struct arena arena;
    struct error error;

    arena_init(&arena, 65536);
    scan_seek(scan, name, run->partition, run->first_offset, run->end_offset);
    while (!time_is_up(trace) && scan_next(scan, &record, &batch, &error) == SCAN_RECORD) {
        arena_reset(&arena);
        looked_note(trace, &record);
        if (slice_is_null(record.value) || change_decode(trace->decoder, record.value, &arena, &change, NULL) != OK || change.lsn < 0)
            continue;
        if (wanted->lsn >= 0 ? change.lsn == wanted->lsn : change.transaction_id == wanted->transaction_id)
            row_add(trace, trace_row_make(trace, name, run->partition, &record));
        else if (wanted->lsn >= 0 && change.lsn < wanted->lsn && (wanted->nearest == NULL || change.lsn >= wanted->nearest->lsn))
            wanted->nearest = trace_row_make(trace, name, run->partition, &record);
    }
    arena_finish(&arena);
    scan_destroy(scan);
}

static void runs_look(struct trace *trace, const struct stamp *stamp, struct source_wanted *wanted)
{
    for (size_t i = 0; i < stamp->run_count; i++)
        run_look(trace, stamp->runs[i].topic, &stamp->runs[i], wanted);
}

static bool covers(const struct log_stamp *rows, const struct source_wanted *wanted)
{
    if (wanted->lsn >= 0)
        return rows->first_lsn <= (uint64_t)wanted->lsn && (uint64_t)wanted->lsn <= rows->last_lsn;
    return rows->first_xid <= (uint64_t)wanted->transaction_id && (uint64_t)wanted->transaction_id <= rows->last_xid;
}

/* Keeps the stamp that ends last before the LSN: what stands there when no batch covers it. */
static void before_keep(struct stamp *before, const struct stamp *stamp, const struct source_wanted *wanted, struct arena *arena)
{
    if (wanted->lsn < 0 || stamp->rows.last_lsn == 0 || stamp->rows.last_lsn > (uint64_t)wanted->lsn || stamp->rows.last_lsn < before->rows.last_lsn)
        return;
    *before = *stamp;
    for (size_t i = 0; i < before->run_count; i++)
        before->runs[i].topic = arena_copy(arena, before->runs[i].topic);
}

/* One connector's stamps around the place. */
static void owner_look(struct trace *trace, const char *owner, struct source_wanted *wanted)
{
    int64_t from = trace_stamps_reach(trace, owner, (uint64_t)(wanted->lsn >= 0 ? wanted->lsn : wanted->transaction_id), wanted->lsn < 0);
    struct stamp *before = arena_new(trace->call->arena, sizeof(*before)), *stamp = arena_new(trace->call->arena, sizeof(*stamp));
    struct record record;
    struct record_batch batch;
    struct error error;
    struct arena arena;
    size_t found = trace->row_count;
    bool passed = false;

    if (from < 0)
        return;
    before->rows.last_lsn = 0;
    arena_init(&arena, 4096);
    scan_seek(trace->scan, STAMPS_TOPIC, 0, from, from + STAMPS_AHEAD);
    while (!passed && !time_is_up(trace) && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
        if (!slice_equal_string(record.key, owner) || !stamp_read(record.value, stamp) || stamp->kind != STAMP_PUBLISH)
            continue;
        if (covers(&stamp->rows, wanted))
            runs_look(trace, stamp, wanted);
        else
            before_keep(before, stamp, wanted, &arena);
        /* Events come in the order of commits, so an LSN may be a little later in it than its neighbours. */
        passed = wanted->lsn >= 0 && stamp->rows.first_lsn > (uint64_t)wanted->lsn && (trace->row_count > found || wanted->nearest != NULL || before->rows.last_lsn != 0);
    }
    if (trace->row_count == found && wanted->nearest == NULL && before->rows.last_lsn != 0)
        runs_look(trace, before, wanted);
    arena_finish(&arena);
}

static bool source_judge(struct trace *trace, const struct record *record, const void *context, bool *last)
{
    const struct source_wanted *wanted = context;
    struct change change;
    struct arena arena;
    bool is_wanted;

    (void)last;
    arena_init(&arena, 4096);
    is_wanted = !slice_is_null(record->value) && change_decode(trace->decoder, record->value, &arena, &change, NULL) == OK && change.lsn >= 0 &&
                (wanted->lsn >= 0 ? change.lsn == wanted->lsn : change.transaction_id == wanted->transaction_id);
    arena_finish(&arena);
    return is_wanted;
}

static void source_find(struct trace *trace, struct source_wanted *wanted)
{
    const json_t *connector;
    size_t index, count;

    json_array_foreach(json_object_get(trace->description, "connectors"), index, connector)
        owner_look(trace, arena_format(trace->call->arena, "connector/%s", member_text(connector, "name")), wanted);
    if (trace->row_count == 0) { /* without stamps the rows themselves are looked through */
        const char **topics = topics_of(trace, NULL, &count);

        for (size_t i = 0; i < count; i++) {
            for (int32_t k = 0; k < log_topic_partitions(trace->settings->log, topics[i]); k++)
                partition_look_back(trace, topics[i], k, source_judge, wanted);
        }
    }
}

void trace_find_lsn(struct trace *trace, int64_t lsn)
{
    struct source_wanted wanted = {lsn, -1, NULL};

    source_find(trace, &wanted);
    if (trace->row_count == 0 && wanted.nearest != NULL) {
        row_add(trace, wanted.nearest);
        trace->note = "No captured row has exactly this LSN. This is the last one before it.";
    }
}

void trace_find_transaction(struct trace *trace, int64_t transaction_id)
{
    struct source_wanted wanted = {-1, transaction_id, NULL};

    source_find(trace, &wanted);
}

/* ---- Alerts ---- */

static bool is_alerts_topic(const char *topic)
{
    size_t size = strlen(topic);

    return size > 7 && strcmp(topic + size - 7, ".alerts") == 0;
}

/* The names of all topics of alerts, in the arena. */
static const char **alert_topics(struct trace *trace, size_t *count)
{
    size_t all_count, agents = json_array_size(json_object_get(trace->description, "agents")), index;
    struct topic **all = store_topics(trace->settings->store, trace->call->arena, &all_count);
    const char **found = arena_new_array(trace->call->arena, all_count + agents + 1, sizeof(*found));
    const json_t *agent;

    *count = 0;
    for (size_t i = 0; i < all_count; i++) {
        if (is_alerts_topic(topic_name(all[i])))
            found[(*count)++] = arena_copy_string(trace->call->arena, slice_from_string(topic_name(all[i])));
        topic_release(all[i]);
    }
    json_array_foreach(json_object_get(trace->description, "agents"), index, agent) {
        const char *name = member_text(agent, "alerts_topic");
        bool known = name == NULL || log_topic_partitions(trace->settings->log, name) == 0;

        for (size_t i = 0; i < *count && !known; i++)
            known = strcmp(found[i], name) == 0;
        if (!known)
            found[(*count)++] = name;
    }
    return found;
}

static json_t *alert_parse(const char *topic, int32_t partition, const struct record *record)
{
    json_t *alert = json_loadb((const char *)record->value.data, record->value.size, 0, NULL);

    if (member_text(alert, "id") == NULL) {
        json_decref(alert);
        return NULL;
    }
    json_put(alert, "place", json_pack("{s:s, s:i, s:I, s:I}", "topic", topic, "partition", (int)partition, "offset", (json_int_t)record->offset, "at_ms",
                                       (json_int_t)record->timestamp_ms));
    return alert;
}

static json_t *alert_look_back(struct trace *trace, const char *topic, int32_t partition, const char *id)
{
    int64_t start, end;
    struct record record;
    struct record_batch batch;
    struct error error;
    json_t *alert = NULL;

    if (log_bounds(trace->settings->log, topic, partition, &start, &end, NULL) != OK)
        return NULL;
    while (end > start && alert == NULL && !time_is_up(trace)) {
        int64_t from = end - WINDOW > start ? end - WINDOW : start;

        scan_seek(trace->scan, topic, partition, from, end);
        while (alert == NULL && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
            looked_note(trace, &record);
            if (!slice_is_null(record.value) && memmem(record.value.data, record.value.size, id, strlen(id)) != NULL)
                alert = alert_parse(topic, partition, &record);
            if (alert != NULL && strcmp(member_text(alert, "id"), id) != 0) {
                json_decref(alert);
                alert = NULL;
            }
        }
        end = from;
    }
    trace->looked.cut = trace->looked.cut || (alert == NULL && end > start);
    return alert;
}

json_t *trace_find_alert(struct trace *trace, const char *id)
{
    size_t count;
    const char **topics = alert_topics(trace, &count);
    json_t *alert = NULL;

    for (size_t i = 0; i < count && alert == NULL; i++) {
        for (int32_t k = 0; k < log_topic_partitions(trace->settings->log, topics[i]) && alert == NULL; k++)
            alert = alert_look_back(trace, topics[i], k, id);
    }
    return alert;
}

static bool alert_is_of(const json_t *alert, const struct trace_row *row)
{
    const json_t *source = json_object_get(alert, "source");

    return member_text(source, "topic") != NULL && strcmp(member_text(source, "topic"), row->topic) == 0 && member_integer(source, "partition", -1) == row->partition &&
           member_integer(source, "offset", -1) == row->offset;
}

/* Alerts come after their rows, so it is looked from the row's time on. */
static void alerts_look(struct trace *trace, const char *topic, int32_t index, const struct trace_row *row, json_t *alerts)
{
    struct topic *held = store_topic_find(trace->settings->store, slice_from_string(topic));
    struct partition *partition = held == NULL ? NULL : topic_partition(held, index);
    char offset[40];
    struct record record;
    struct record_batch batch;
    struct error error;
    int64_t from = -1, found_ms;

    (void)snprintf(offset, sizeof(offset), "\"offset\":%lld", (long long)row->offset);
    if (partition == NULL || partition_find_time(partition, row->timestamp_ms, &from, &found_ms, NULL) != OK)
        from = -1;
    if (held != NULL)
        topic_release(held);
    if (from < 0)
        return;
    scan_seek(trace->scan, topic, index, from, from + ALERTS_AHEAD);
    while (!time_is_up(trace) && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
        json_t *alert;

        if (slice_is_null(record.value) || memmem(record.value.data, record.value.size, offset, strlen(offset)) == NULL)
            continue;
        alert = alert_parse(topic, index, &record);
        if (alert != NULL && alert_is_of(alert, row))
            json_add(alerts, json_incref(alert));
        json_decref(alert);
    }
}

json_t *trace_alerts_of(struct trace *trace, const struct trace_row *row)
{
    size_t count;
    const char **topics = alert_topics(trace, &count);
    json_t *alerts = json_array();

    for (size_t i = 0; i < count; i++) {
        for (int32_t k = 0; k < log_topic_partitions(trace->settings->log, topics[i]); k++)
            alerts_look(trace, topics[i], k, row, alerts);
    }
    return alerts;
}

json_t *trace_deliveries_of(struct trace *trace, const char *id, int64_t scored_us)
{
    struct topic *topic = store_topic_find(trace->settings->store, slice_from_string(DELIVERIES_TOPIC));
    struct partition *partition = topic == NULL ? NULL : topic_partition(topic, 0);
    json_t *found = json_object();
    size_t size = strlen(id);
    struct record record;
    struct record_batch batch;
    struct error error;
    int64_t from = -1, found_ms, looked = 0;

    if (partition != NULL && partition_find_time(partition, scored_us / 1000 - 1, &from, &found_ms, NULL) == OK && from >= 0) {
        scan_seek(trace->scan, DELIVERIES_TOPIC, 0, from, partition_end(partition));
        while (looked++ < DELIVERIES_LOOKED && scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
            json_t *kept;

            if (record.key.size <= size + 1 || memcmp(record.key.data, id, size) != 0 || record.key.data[size] != '/' || slice_is_null(record.value))
                continue;
            kept = json_loadb((const char *)record.value.data, record.value.size, 0, NULL);
            if (member_text(kept, "sink") != NULL)
                json_put(found, member_text(kept, "sink"), json_incref(kept));
            json_decref(kept);
        }
    }
    if (topic != NULL)
        topic_release(topic);
    return found;
}
