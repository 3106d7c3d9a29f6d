/*
 * api_trace.c: one row's way: GET /trace?topic&p&o, ?table&key, ?lsn or ?xid. Computed from the records and the readers'
 * positions when somebody asks; nothing is written down for it.
 */
#include "web/api.h"

#include "base/banned.h"
#include "base/text.h"
#include "web/message.h"
#include "web/scan.h"

#define LOOKED_AT 20000 /* the newest records of each partition that are looked through */
#define CHANGES_MAX 20

struct trace {
    struct api_call *call;
    struct scan *scan;
    struct change_decoder *decoder;
    json_t *description, *groups, *changes;
    bool cut; /* more might be found further back */
};

/* ---- One change ---- */

static json_t *hops_make(const struct change *change, const struct record *record)
{
    int64_t took_us = record->timestamp_ms * 1000 - change->source_time_us;
    json_t *hops = json_array();

    json_add(hops, json_pack("{s:s, s:s, s:i, s:i, s:o, s:s, s:b}", "step", "committed", "stage", "pg", "start_us", 0, "took_us", 0, "note",
                             change->lsn < 0 ? json_null() : json_sprintf("LSN %X/%08X", (unsigned)((uint64_t)change->lsn >> 32), (unsigned)((uint64_t)change->lsn & 0xFFFFFFFF)), "known",
                             change->source_time_us > 0 ? "exact" : "no", "later", 0));
    if (change->source_time_us > 0) /* the record carries milliseconds */
        json_add(hops, json_pack("{s:s, s:s, s:i, s:I, s:n, s:s, s:b}", "step", "received and appended", "stage", "capture", "start_us", 0, "took_us",
                                 (json_int_t)(took_us > 0 ? took_us : 0), "note", "known", "batch", "later", 0));
    return hops;
}

static json_t *reader(const char *name, const char *kind, bool known, bool has_it)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:n}", "reader", name, "kind", kind, "state", !known ? "info" : has_it ? "ok" : "warn", "word",
                     !known ? "not told apart" : has_it ? "has read it" : "has not read it yet", "after_us");
}

static json_t *readers_make(const struct trace *trace, const char *topic, int32_t partition, int64_t offset)
{
    json_t *readers = json_array(), *group, *item;
    size_t i, k;

    json_array_foreach(trace->groups, i, group) {
        json_array_foreach(json_object_get(group, "partitions"), k, item) {
            if (strcmp(member_text(item, "topic"), topic) == 0 && member_integer(item, "partition", -1) == partition)
                json_add(readers, reader(member_text(group, "group"), "group", true, member_integer(item, "committed", 0) > offset));
        }
    }
    json_array_foreach(json_object_get(trace->description, "agents"), i, item) {
        int64_t lag = member_integer(item, "lag", -1); /* of all partitions: only 0 says it of this record */

        if (strcmp(member_text(item, "topic"), topic) == 0)
            json_add(readers, reader(member_text(item, "name"), "agent", lag == 0, lag == 0));
    }
    return readers;
}

static void change_add(struct trace *trace, const char *topic, int32_t partition, const struct record *record, const struct change *change)
{
    char operation[2] = {change->operation, '\0'};
    json_t *item = json_object();

    json_put(item, "op", json_string(operation));
    json_put(item, "lsn", change->lsn < 0 ? json_null() : json_sprintf("%X/%08X", (unsigned)((uint64_t)change->lsn >> 32), (unsigned)((uint64_t)change->lsn & 0xFFFFFFFF)));
    json_put(item, "commit_us", json_integer_or_null(change->source_time_us == 0 ? -1 : change->source_time_us));
    json_put(item, "xid", change->transaction_id < 0 ? json_null() : json_sprintf("%lld", (long long)change->transaction_id));
    json_put(item, "topic", json_string(topic));
    json_put(item, "partition", json_integer(partition));
    json_put(item, "offset", json_integer(record->offset));
    json_put(item, "to_alert_us", json_null());
    json_put(item, "hops", hops_make(change, record));
    json_put(item, "readers", readers_make(trace, topic, partition, record->offset));
    (void)json_array_insert_new(trace->changes, 0, item);
    if (json_array_size(trace->changes) > CHANGES_MAX) {
        (void)json_array_remove(trace->changes, CHANGES_MAX);
        trace->cut = true;
    }
}

/* ---- Looking ---- */

struct wanted {
    int64_t offset;   /* -1: any */
    const char *key;  /* NULL: any */
    int64_t lsn, xid; /* -1: any */
};

static bool key_is(struct slice key, const char *wanted)
{
    struct slice payload = message_payload(key);

    if (slice_equal_string(key, wanted) || slice_equal_string(payload, wanted))
        return true;
    return payload.size > 3 && memchr(payload.data, ',', payload.size) == NULL && memchr(payload.data, ':', payload.size) != NULL &&
           slice_equal_string(slice_of((const uint8_t *)memchr(payload.data, ':', payload.size) + 1,
                                       payload.size - (size_t)((const uint8_t *)memchr(payload.data, ':', payload.size) + 1 - payload.data) - 1),
                              wanted);
}

static void partition_look(struct trace *trace, const char *topic, int32_t partition, const struct wanted *wanted)
{
    struct record record;
    struct record_batch batch;
    struct change change;
    struct arena arena;
    struct error error;
    int64_t start, end;

    if (log_bounds(api_settings_of(trace->call->api)->log, topic, partition, &start, &end, NULL) != OK)
        return;
    trace->cut = trace->cut || (wanted->offset < 0 && end - start > LOOKED_AT);
    arena_init(&arena, 65536);
    if (wanted->offset >= 0)
        scan_seek(trace->scan, topic, partition, wanted->offset, wanted->offset + 1);
    else
        scan_seek(trace->scan, topic, partition, end - LOOKED_AT > start ? end - LOOKED_AT : start, end);
    while (scan_next(trace->scan, &record, &batch, &error) == SCAN_RECORD) {
        arena_reset(&arena);
        if (slice_is_null(record.value) || (wanted->key != NULL && (slice_is_null(record.key) || !key_is(record.key, wanted->key))))
            continue;
        if (change_decode(trace->decoder, record.value, &arena, &change, NULL) == OK && change.operation != 0 && (wanted->lsn < 0 || change.lsn == wanted->lsn) &&
            (wanted->xid < 0 || change.transaction_id == wanted->xid))
            change_add(trace, topic, partition, &record, &change);
    }
    arena_finish(&arena);
}

static void topic_look(struct trace *trace, const char *topic, const struct wanted *wanted)
{
    int32_t count = log_topic_partitions(api_settings_of(trace->call->api)->log, topic);

    for (int32_t i = 0; i < count; i++)
        partition_look(trace, topic, i, wanted);
}

/* Every topic that connectors write to; table NULL: all of them, otherwise those that end so. */
static void tables_look(struct trace *trace, const char *table, const struct wanted *wanted)
{
    const json_t *connector, *topic;
    size_t i, k;

    json_array_foreach(json_object_get(trace->description, "connectors"), i, connector) {
        json_array_foreach(json_object_get(connector, "topics"), k, topic) {
            const char *name = json_string_value(topic);
            size_t size = strlen(name), end = table == NULL ? 0 : strlen(table);

            if (table == NULL || strcmp(name, table) == 0 || (size > end && name[size - end - 1] == '.' && strcmp(name + size - end, table) == 0))
                topic_look(trace, name, wanted);
        }
    }
}

/* ---- The answer ---- */

static int64_t lsn_read(const char *text)
{
    unsigned high, low;
    char rest;

    return text != NULL && sscanf(text, "%8X/%8X%c", &high, &low, &rest) == 2 ? (int64_t)((uint64_t)high << 32 | low) : -1;
}

static void look(struct trace *trace)
{
    struct api_call *call = trace->call;
    const char *topic = api_query(call, "topic"), *table = api_query(call, "table"), *lsn = api_query(call, "lsn");
    struct wanted wanted = {.offset = api_query_number(call, "o", -1, -1, INT64_MAX - 1), .key = api_query(call, "key"), .lsn = lsn_read(lsn),
                            .xid = api_query_number(call, "xid", -1, -1, INT64_MAX)};

    if (topic != NULL && *topic != '\0' && wanted.offset >= 0)
        partition_look(trace, topic, (int32_t)api_query_number(call, "p", 0, 0, INT32_MAX), &wanted);
    else if (topic != NULL && *topic != '\0')
        topic_look(trace, topic, &wanted);
    else
        tables_look(trace, table, &wanted);
}

void api_trace(struct api_call *call)
{
    struct trace trace = {.call = call};
    const char *lsn = api_query(call, "lsn");

    if (lsn != NULL && *lsn != '\0' && lsn_read(lsn) < 0) {
        api_error_at(call, 400, "BAD_LSN", "This is no LSN: it looks like 2A/91F3C0E8.", "lsn", 0);
        return;
    }
    if (api_query(call, "topic") == NULL && api_query(call, "table") == NULL && lsn == NULL && api_query(call, "xid") == NULL) {
        api_error(call, 400, "NOTHING_ASKED", "Nothing was asked for.", NULL, "Send topic, p and o; or table and key; or lsn; or xid.");
        return;
    }
    trace.scan = scan_create(api_settings_of(call->api)->log);
    trace.decoder = change_decoder_create();
    trace.description = api_describe(call->api);
    trace.groups = groups_make(call->api, call->arena, NULL);
    trace.changes = json_array();
    look(&trace);
    api_json(call, 200, json_pack("{s:O, s:s}", "changes", trace.changes, "known", trace.cut ? "partly" : "batch"));
    json_decref(trace.changes);
    json_decref(trace.groups);
    json_decref(trace.description);
    change_decoder_destroy(trace.decoder);
    scan_destroy(trace.scan);
}
