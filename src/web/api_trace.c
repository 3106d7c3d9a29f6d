/*
 * api_trace.c: one row's way: GET /trace?topic&p&o, ?table&key, ?lsn, ?xid or ?alert. Put together when somebody asks, see trace.h.
 * budget_ms says how long may be looked for rows, 2 s unless said.
 */
#include "web/trace.h"

#include "base/banned.h"
#include "os/clock.h"

#define BUDGET_MS 2000
#define BUDGET_MS_MAX 60000
#define STEPS_MS 1500 /* for the stamps of one row, whatever finding it took */

/* What was asked for; text NULL and numbers -1: not that. */
struct asked {
    const char *topic, *table, *key, *alert;
    int64_t partition, offset, lsn, transaction_id;
};

static int64_t lsn_read(const char *text)
{
    unsigned high, low;
    char rest;

    return text != NULL && sscanf(text, "%8X/%8X%c", &high, &low, &rest) == 2 ? (int64_t)((uint64_t)high << 32 | low) : -1;
}

static const char *given(const struct api_call *call, const char *name)
{
    const char *value = api_query(call, name);

    return value == NULL || *value == '\0' ? NULL : value;
}

/* False, with the answer given, when it is no question. */
static bool asked_read(struct api_call *call, struct asked *asked)
{
    const char *lsn = given(call, "lsn");

    *asked = (struct asked){.topic = given(call, "topic"),
                            .table = given(call, "table"),
                            .key = given(call, "key"),
                            .alert = given(call, "alert"),
                            .partition = api_query_number(call, "p", 0, 0, INT32_MAX),
                            .offset = api_query_number(call, "o", -1, -1, INT64_MAX - 1),
                            .lsn = lsn_read(lsn),
                            .transaction_id = api_query_number(call, "xid", -1, -1, UINT32_MAX)};
    if (lsn != NULL && asked->lsn < 0) {
        api_error_at(call, 400, "BAD_LSN", "This is no LSN: it looks like 2A/91F3C0E8.", "lsn", 0);
        return false;
    }
    if (asked->topic != NULL && asked->offset < 0 && asked->key == NULL) {
        api_error(call, 400, "BAD_PLACE", "Which record of the topic?", "The offset is missing.", "Send topic, p and o; or topic as table, and key.");
        return false;
    }
    if (asked->topic == NULL && asked->key == NULL && asked->lsn < 0 && asked->transaction_id < 0 && asked->alert == NULL) {
        api_error(call, 400, "NOTHING_ASKED", "Nothing was asked for.", NULL, "Send topic, p and o; or table and key; or lsn; or xid; or alert.");
        return false;
    }
    return true;
}

/* A place that is not in the log says so at once. False: the answer is given. */
static bool place_check(struct api_call *call, const struct asked *asked)
{
    int64_t start, end;
    struct error error;

    if (log_bounds(api_settings_of(call->api)->log, asked->topic, (int32_t)asked->partition, &start, &end, &error) != OK) {
        api_error(call, 404, "UNKNOWN_TOPIC", arena_format(call->arena, "There is no %s, partition %lld.", asked->topic, (long long)asked->partition), NULL, "Check the name, or choose another.");
        return false;
    }
    if (asked->offset < start || asked->offset >= end) {
        bool is_gone = asked->offset < start;

        api_error(call, 404, is_gone ? "OFFSET_GONE" : "OFFSET_NOT_YET",
                  arena_format(call->arena, "Offset %lld of %s, partition %lld is not %s.", (long long)asked->offset, asked->topic, (long long)asked->partition, is_gone ? "kept any more" : "there yet"),
                  is_gone ? arena_format(call->arena, "Retention or somebody deleted what is before %lld.", (long long)start) : arena_format(call->arena, "The next record gets offset %lld.", (long long)end),
                  NULL);
        return false;
    }
    return true;
}

/* The alert's row. Where that is gone, the change that the alert itself knows; NULL otherwise, also with the answer given. */
static json_t *alert_find(struct trace *trace, const struct asked *asked, bool *answered)
{
    json_t *alert = trace_find_alert(trace, asked->alert), *source = json_object_get(alert, "source"), *change = NULL;

    if (alert == NULL) {
        api_error(trace->call, 404, "UNKNOWN_ALERT", arena_format(trace->call->arena, "Alert %s is not in the log.", asked->alert),
                  trace->looked.cut ? "Only a part of the alerts was looked through; send a larger budget_ms." : "It may be older than what is kept.", NULL);
        *answered = true;
        return NULL;
    }
    if (member_text(source, "topic") != NULL && member_integer(source, "offset", -1) >= 0)
        trace_find_place(trace, member_text(source, "topic"), (int32_t)member_integer(source, "partition", 0), member_integer(source, "offset", -1));
    if (trace->row_count == 0)
        change = trace_change_of_alert(trace, alert);
    json_decref(alert);
    return change;
}

static void find(struct trace *trace, const struct asked *asked)
{
    if (asked->topic != NULL && asked->offset >= 0)
        trace_find_place(trace, asked->topic, (int32_t)asked->partition, asked->offset);
    else if (asked->key != NULL)
        trace_find_key(trace, asked->table != NULL ? asked->table : asked->topic, asked->key);
    else if (asked->lsn >= 0)
        trace_find_lsn(trace, asked->lsn);
    else
        trace_find_transaction(trace, asked->transaction_id);
}

static json_t *looked_json(const struct trace *trace)
{
    return json_pack("{s:I, s:o, s:b}", "records", (json_int_t)trace->looked.records, "back_to_ms", json_integer_or_null(trace->looked.back_to_ms == 0 ? -1 : trace->looked.back_to_ms), "complete",
                     (int)!trace->looked.cut);
}

static bool is_ok(const json_t *wait)
{
    return strcmp(member_text(wait, "state"), "ok") == 0;
}

/*
 * Where what was asked for waits. With rows found by key: their next change may wait; with the row before an LSN: is the LSN one
 * that has not come yet? Then that row is not the answer.
 */
static json_t *waits_make(struct trace *trace, const struct asked *asked, bool has_alert)
{
    json_t *waits;

    if (has_alert || (trace->row_count > 0 && asked->key == NULL && trace->note == NULL))
        return json_array();
    waits = trace_waits_make(trace, asked->table != NULL ? asked->table : asked->topic, asked->lsn, asked->transaction_id);
    for (size_t i = json_array_size(waits); trace->row_count > 0 && i-- > 0;) {
        if (is_ok(json_array_get(waits, i)))
            (void)json_array_remove(waits, i);
    }
    if (trace->note != NULL && json_array_size(waits) > 0) {
        trace->row_count = 0;
        trace->note = NULL;
    }
    return waits;
}

static void answer(struct trace *trace, const struct asked *asked, json_t *of_alert)
{
    json_t *changes = json_array(), *waits = waits_make(trace, asked, of_alert != NULL);
    const char *known = "batch";

    if (of_alert != NULL)
        json_add(changes, of_alert);
    for (size_t i = 0; i < trace->row_count; i++) {
        trace->deadline_ms = clock_monotonic_ms() + STEPS_MS;
        json_add(changes, trace_change_make(trace, trace->rows[i]));
    }
    for (size_t i = 0; i < json_array_size(changes); i++) {
        if (strcmp(member_text(json_array_get(changes, i), "known"), "partly") == 0)
            known = "partly";
    }
    api_json(trace->call, 200, json_pack("{s:o, s:s, s:b, s:o, s:o, s:o}", "changes", changes, "known", known, "more", (int)trace->more, "looked", looked_json(trace), "waits", waits, "note",
                                         json_text_or_null(trace->note)));
}

void api_trace(struct api_call *call)
{
    const struct api_settings *settings = api_settings_of(call->api);
    struct trace trace = {.call = call, .settings = settings};
    json_t *of_alert = NULL;
    struct asked asked;
    bool answered = false;

    if (!asked_read(call, &asked) || (asked.topic != NULL && asked.offset >= 0 && !place_check(call, &asked)))
        return;
    (void)stamps_flush(settings->log, NULL); /* what cannot be written is missing, and the answer says so */
    trace.deadline_ms = clock_monotonic_ms() + api_query_number(call, "budget_ms", BUDGET_MS, 1, BUDGET_MS_MAX);
    trace.scan = scan_create(settings->log);
    trace.decoder = change_decoder_create();
    trace.key_decoder = change_decoder_create();
    arena_init(&trace.scratch, 4096);
    trace.description = api_describe(call->api);
    trace.groups = groups_make(call->api, call->arena, NULL);
    if (asked.alert != NULL)
        of_alert = alert_find(&trace, &asked, &answered);
    else
        find(&trace, &asked);
    if (!answered)
        answer(&trace, &asked, of_alert);
    json_decref(trace.groups);
    json_decref(trace.description);
    arena_finish(&trace.scratch);
    change_decoder_destroy(trace.key_decoder);
    change_decoder_destroy(trace.decoder);
    scan_destroy(trace.scan);
}
