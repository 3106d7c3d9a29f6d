#include "web/trace.h"

#include "base/banned.h"
#include "os/clock.h"
#include "web/words.h"

#define READS_SHOWN 12 /* steps "read"; all readers are in the list below them */

/* "2A/91F3C0E8"; null below 0 */
static json_t *trace_lsn_text(int64_t lsn)
{
    return lsn < 0 ? json_null() : json_sprintf("%X/%08X", (unsigned)((uint64_t)lsn >> 32), (unsigned)((uint64_t)lsn & 0xFFFFFFFF));
}

/* ---- Steps ---- */

struct hops {
    json_t *list;
    int64_t base_us; /* what they are counted from: the commit */
    int64_t last_us; /* end of the step before */
};

/*
 * Adds a step that ended at at_us; 0: not known. It began when the step before ended. A clock that is ahead makes it begin earlier,
 * never end earlier. later: off the scale of a drawing
 */
static void hop_add(struct hops *hops, const char *step, const char *stage, int64_t at_us, const char *known, bool later, json_t *note)
{
    int64_t from_us = at_us == 0 || at_us > hops->last_us ? hops->last_us : at_us;

    if (from_us < hops->base_us)
        from_us = hops->base_us;
    json_add(hops->list, json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:s, s:b}", "step", step, "stage", stage, "start_us", (json_int_t)(from_us - hops->base_us), "took_us",
                                   at_us == 0 ? json_null() : json_integer(at_us > from_us ? at_us - from_us : 0), "at_us", at_us == 0 ? json_null() : json_integer(at_us), "note", note,
                                   "known", at_us == 0 ? "no" : known, "later", (int)later));
    if (at_us > hops->last_us)
        hops->last_us = at_us;
}

/* A step beside others: it begins where `from_us` ended. */
static void hop_beside(struct hops *hops, const char *step, const char *stage, int64_t from_us, int64_t at_us, const char *known, bool later, json_t *note)
{
    int64_t last_us = hops->last_us;

    hops->last_us = from_us;
    hop_add(hops, step, stage, at_us, known, later, note);
    hops->last_us = last_us > at_us ? last_us : at_us;
}

static json_t *commit_note(const struct trace_row *row)
{
    json_t *lsn = trace_lsn_text(row->lsn), *note;

    if (row->operation == 'r')
        note = json_sprintf("before; a snapshot read it then, as of LSN %s", json_string_value(lsn));
    else
        note = json_sprintf("LSN %s, transaction %lld", json_string_value(lsn), (long long)row->transaction_id);
    json_decref(lsn);
    return note;
}

static json_t *received_note(const struct trace_row *row, int64_t received_us)
{
    if (received_us < row->committed_us)
        return json_string("PostgreSQL's clock is ahead of this one, so how long it took is not known");
    return json_null();
}

static void log_hops(struct hops *hops, const struct trace_row *row)
{
    bool stamped = row->known == TRACE_STAMPED;

    hop_add(hops, "appended", "log", stamped ? row->appended_us : 0, "batch", false, json_null());
    hop_add(hops, "durable", "log", stamped ? row->durable_us : 0, "batch", false, json_null());
    hop_add(hops, "published", "log", stamped ? row->published_us : 0, "batch", false, json_null());
}

static void source_hops(struct hops *hops, const struct trace_row *row)
{
    if (!row->is_change) {
        hop_add(hops, "appended", "log", row->timestamp_ms * 1000, "batch", false, json_string("by a producer, whose clock says when"));
        return;
    }
    hop_add(hops, "committed", "pg", row->committed_us, "exact", false, commit_note(row));
    hop_add(hops, "received", "capture", row->received_us != 0 ? row->received_us : row->timestamp_ms * 1000, "exact", false,
            received_note(row, row->received_us != 0 ? row->received_us : row->timestamp_ms * 1000));
    log_hops(hops, row);
}

/* ---- Readers ---- */

/* One who reads the topic, and where this record stands for him. */
struct trace_reader {
    const char *name, *kind;
    bool has_it;
    int64_t read_us; /* 0: not known */
    bool exact;
    int64_t committed_us;  /* groups */
    const char *word;
    const char *why, *todo; /* what he waits for; NULL: nothing */
    const char *state;
};

struct readers {
    struct trace *trace;
    struct trace_row *row;
    struct trace_reader *items;
    size_t count, capacity;
    bool *claimed; /* of the row's passes: somebody's below */
};

static struct trace_reader *reader_new(struct readers *readers, const char *name, const char *kind)
{
    struct trace_reader *reader = &readers->items[readers->count++];

    *reader = (struct trace_reader){.name = name, .kind = kind, .state = "ok"};
    return reader;
}

const json_t *trace_partition_of(const json_t *group, const struct trace_row *row)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(group, "partitions"), index, item) {
        if (strcmp(member_text(item, "topic"), row->topic) == 0 && member_integer(item, "partition", -1) == row->partition)
            return item;
    }
    return NULL;
}

/* Is the partition one of the member's, and the fetch from its client? */
static bool member_is(const json_t *member, const struct trace_row *row, const char *client)
{
    const json_t *numbers = json_object_get(json_object_get(member, "partitions"), row->topic), *number;
    const char *host = member_text(member, "host"), *id = member_text(member, "client_id");
    size_t index, size = host == NULL ? 0 : strlen(host);

    if (host == NULL || id == NULL || strncmp(client, host, size) != 0 || client[size] != ' ' || strcmp(client + size + 1, id) != 0)
        return false;
    json_array_foreach(numbers, index, number) {
        if (json_integer_value(number) == row->partition)
            return true;
    }
    return false;
}

/* Does the group read through this client: now, or when it committed the record? */
static bool group_has(const json_t *group, const struct trace_row *row, const char *client)
{
    const json_t *member;
    size_t index;

    json_array_foreach(json_object_get(group, "members"), index, member) {
        if (member_is(member, row, client))
            return true;
    }
    for (size_t i = 0; i < row->pass_count; i++) {
        if (row->passes[i].kind == LOG_READER_GROUP && strcmp(row->passes[i].reader, member_text(group, "group")) == 0 && strcmp(row->passes[i].client, client) == 0)
            return true;
    }
    return false;
}

/* What the group's members were sent first. A client name that several groups have tells them not apart. */
static const struct trace_pass *group_fetch(struct readers *readers, const json_t *group)
{
    const struct trace_pass *first = NULL;
    const json_t *other;
    size_t index;

    for (size_t i = 0; i < readers->row->pass_count; i++) {
        const struct trace_pass *pass = &readers->row->passes[i];
        size_t groups = 0;

        if (pass->kind != LOG_READER_CLIENT || pass->passed_us == 0 || !group_has(group, readers->row, pass->reader))
            continue;
        json_array_foreach(readers->trace->groups, index, other) groups += group_has(other, readers->row, pass->reader);
        readers->claimed[i] = true;
        if (groups == 1 && (first == NULL || pass->passed_us < first->passed_us))
            first = pass;
    }
    return first;
}

static void group_waits(struct readers *readers, struct trace_reader *reader, const json_t *group, const json_t *at)
{
    struct arena *arena = readers->trace->call->arena;
    int64_t before = readers->row->offset - member_integer(at, "committed", 0);

    reader->state = "warn";
    if (member_integer(group, "members_count", 0) == 0) {
        reader->word = "not yet: nobody reads";
        reader->why = arena_format(arena, "Group %s has no members: no process reads for it now.", reader->name);
        reader->todo = "Start its consumer, or delete the group when it is not needed any more.";
    } else if (reader->read_us != 0) {
        reader->state = "busy";
        reader->word = "read it, has not committed it yet";
        reader->why = arena_format(arena, "Group %s was sent the record and has not committed it; it is being worked on, or the consumer commits rarely or later.", reader->name);
        reader->todo = "If it stays so, look at the log of the consumer.";
    } else {
        reader->word = before > 0 ? arena_format(arena, "not yet: %s before it", words_are(arena, before, "message")) : "not yet: it is next";
        reader->why = arena_format(arena, "Group %s has not got so far: in this partition %s before it.", reader->name, words_are(arena, before, "message"));
        reader->todo = "See whether it catches up (tailrace groups); look at the log of its consumer, or start more of them, up to one per partition.";
    }
}

static void group_add(struct readers *readers, const json_t *group)
{
    const struct trace_pass *fetch = group_fetch(readers, group);
    const char *name = arena_copy_string(readers->trace->call->arena, slice_from_string(member_text(group, "group")));
    const struct trace_pass *commit = trace_pass_of(readers->row, LOG_READER_GROUP, name);
    const json_t *at = trace_partition_of(group, readers->row);
    struct trace_reader *reader;

    if (at == NULL && fetch == NULL)
        return; /* it does not read this partition */
    reader = reader_new(readers, name, "group");
    reader->has_it = member_integer(at, "committed", -1) > readers->row->offset;
    reader->committed_us = commit == NULL ? 0 : commit->passed_us;
    reader->read_us = fetch != NULL ? fetch->passed_us : 0;
    reader->exact = fetch != NULL && fetch->exact;
    if (reader->has_it)
        reader->word = "has read it";
    else
        group_waits(readers, reader, group, at);
    if (reader->has_it && reader->read_us == 0 && reader->committed_us != 0) {
        reader->read_us = reader->committed_us;
        reader->word = "has read it; known from its commit";
    }
}

/* Where the agent has published that it is, by its position in the log; -1 unknown. */
static int64_t agent_position(const struct readers *readers, const char *name)
{
    char owner[300];
    struct buffer position;
    json_t *value = NULL, *offset;
    int64_t next = -1;

    (void)snprintf(owner, sizeof(owner), "agent/%s", name);
    buffer_init(&position, 1 << 20);
    if (log_position(readers->trace->settings->log, owner, &position))
        value = json_loadb((const char *)position.data, position.size, 0, NULL);
    offset = json_array_get(json_is_array(json_object_get(value, "told")) ? json_object_get(value, "told") : json_object_get(value, "offsets"),
                            (size_t)readers->row->partition);
    if (member_text(value, "topic") != NULL && strcmp(member_text(value, "topic"), readers->row->topic) == 0 && json_is_integer(offset))
        next = json_integer_value(offset);
    json_decref(value);
    buffer_finish(&position);
    return next;
}

static void agent_waits(struct readers *readers, struct trace_reader *reader, const json_t *agent)
{
    struct arena *arena = readers->trace->call->arena;
    const char *state = member_text(agent, "state"), *error = member_text(agent, "error");
    bool is_down = state != NULL && (strcmp(state, "failed") == 0 || strcmp(state, "retrying") == 0);

    reader->state = is_down ? "crit" : "warn";
    reader->word = is_down ? "not yet: it cannot go on" : "not yet";
    if (is_down) {
        reader->why = arena_format(arena, "Agent %s cannot go on: %s", reader->name, error == NULL ? "it did not say why." : error);
        reader->todo = strcmp(state, "failed") == 0 ? "Mend the cause; a failed agent starts again with the program." : "Mend the cause; it goes on by itself then.";
    } else {
        reader->why = arena_format(arena, "Agent %s has not got so far: %s before its end.", reader->name, words_are(arena, member_integer(agent, "lag", 0), "record"));
        reader->todo = "It goes on by itself.";
    }
}

static void agent_add(struct readers *readers, const json_t *agent)
{
    const char *name = member_text(agent, "name");
    const struct trace_pass *read = trace_pass_of(readers->row, LOG_READER_AGENT, name), *scored = trace_pass_of(readers->row, LOG_READER_SCORED, name);
    struct trace_reader *reader;

    if (member_text(agent, "topic") == NULL || strcmp(member_text(agent, "topic"), readers->row->topic) != 0)
        return;
    reader = reader_new(readers, name, "agent");
    reader->read_us = read == NULL ? 0 : read->passed_us;
    reader->exact = read != NULL && read->exact;
    reader->committed_us = scored == NULL ? 0 : scored->passed_us;
    reader->has_it = reader->committed_us != 0 || agent_position(readers, name) > readers->row->offset;
    if (reader->has_it)
        reader->word = reader->committed_us != 0 ? "has judged it" : "has judged it; when is not known";
    else
        agent_waits(readers, reader, agent);
}

/* Clients that belong to no group, or to one that has gone. */
static void clients_add(struct readers *readers)
{
    for (size_t i = 0; i < readers->row->pass_count; i++) {
        const struct trace_pass *pass = &readers->row->passes[i];
        struct trace_reader *reader;

        if (pass->kind != LOG_READER_CLIENT || readers->claimed[i] || pass->passed_us == 0)
            continue;
        reader = reader_new(readers, pass->reader, "client");
        reader->has_it = true;
        reader->read_us = pass->passed_us;
        reader->exact = pass->exact;
        reader->word = "was sent it";
    }
}

static struct readers readers_find(struct trace *trace, struct trace_row *row)
{
    struct arena *arena = trace->call->arena;
    const json_t *agents = json_object_get(trace->description, "agents"), *item;
    struct readers readers = {.trace = trace, .row = row, .capacity = json_array_size(trace->groups) + json_array_size(agents) + row->pass_count};
    size_t index;

    readers.items = arena_new_array(arena, readers.capacity + 1, sizeof(*readers.items));
    readers.claimed = arena_new_array(arena, row->pass_count + 1, sizeof(*readers.claimed));
    for (size_t i = 0; i < row->pass_count; i++)
        readers.claimed[i] = false;
    json_array_foreach(agents, index, item) agent_add(&readers, item);
    json_array_foreach(trace->groups, index, item) group_add(&readers, item);
    clients_add(&readers);
    return readers;
}

static json_t *readers_json(const struct readers *readers, int64_t base_us)
{
    json_t *list = json_array();

    for (size_t i = 0; i < readers->count; i++) {
        const struct trace_reader *reader = &readers->items[i];
        int64_t at_us = reader->has_it || reader->read_us != 0 ? reader->read_us : 0;

        json_add(list, json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "reader", json_slice(slice_from_string(reader->name)), "kind", reader->kind, "state", reader->state, "word", reader->word,
                                 "after_us", at_us == 0 ? json_null() : json_integer(at_us > base_us ? at_us - base_us : 0), "at_us", at_us == 0 ? json_null() : json_integer(at_us),
                                 strcmp(reader->kind, "agent") == 0 ? "scored_us" : "committed_us", json_integer_or_null(reader->committed_us == 0 ? -1 : reader->committed_us)));
    }
    return list;
}

static int by_time(const void *a, const void *b)
{
    const struct trace_reader *x = a, *y = b;

    if ((x->read_us == 0) != (y->read_us == 0))
        return x->read_us == 0 ? 1 : -1;
    return x->read_us < y->read_us ? -1 : x->read_us > y->read_us;
}

static void read_hops(struct hops *hops, struct readers *readers)
{
    int64_t from_us = hops->last_us;
    size_t shown = 0;

    qsort(readers->items, readers->count, sizeof(readers->items[0]), by_time);
    for (size_t i = 0; i < readers->count && shown < READS_SHOWN; i++) {
        const struct trace_reader *reader = &readers->items[i];
        bool is_agent = strcmp(reader->kind, "agent") == 0;

        if (reader->read_us == 0)
            continue;
        hop_beside(hops, "read", is_agent ? "agent" : "out", from_us, reader->read_us, reader->exact ? "exact" : "batch", false,
                   json_sprintf("by %s %s", reader->kind, reader->name));
        if (is_agent && reader->committed_us != 0)
            hop_beside(hops, "scored", "agent", reader->read_us, reader->committed_us, "batch", false, json_sprintf("by agent %s", reader->name));
        shown++;
    }
}

/* ---- Alerts and deliveries ---- */

static bool sink_reads(const json_t *sink, const char *topic)
{
    const json_t *one;
    size_t index;

    json_array_foreach(json_object_get(sink, "topics"), index, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), topic) == 0)
            return true;
    }
    return false;
}

static void wait_add(json_t *waits, const char *step, const char *who, const char *state, const char *why, const char *todo)
{
    json_add(waits, json_pack("{s:s, s:o, s:s, s:o, s:o}", "step", step, "who", json_text_or_null(who), "state", state, "why", json_text_or_null(why), "todo", json_text_or_null(todo)));
}

/* What came of the alert at one sink, as the sink keeps it for good. */
static void delivery_hop(struct trace *trace, struct hops *hops, const json_t *kept, int64_t alerted_us, json_t *waits)
{
    struct arena *arena = trace->call->arena;
    const char *sink = member_text(kept, "sink"), *state = member_text(kept, "state"), *error = member_text(kept, "error");

    if (state == NULL || strcmp(state, "delivered") == 0)
        hop_beside(hops, "delivered", "out", alerted_us, member_integer(kept, "at_us", 0), "exact", true, json_sprintf("by sink %s", sink));
    else if (strcmp(state, "muted") == 0)
        wait_add(waits, "delivered", sink, "ok", arena_format(arena, "Sink %s did not send the alert: it is muted.", sink), NULL);
    else
        wait_add(waits, "delivered", sink, "crit", arena_format(arena, "Sink %s has not delivered the alert: %s", sink, error != NULL ? error : state),
                 strcmp(state, "retrying") == 0 ? "Mend what the answer names; the alert waits, and it is tried again by itself."
                                                : "Mend what the answer names, then send it again from the alert's page.");
}

/* A sink of the alerts' topic that has said nothing of this one has not got so far, when something waits there. */
static void sink_wait(struct trace *trace, const json_t *sink, json_t *waits)
{
    const char *name = member_text(sink, "name"), *error = member_text(sink, "error");

    if (member_integer(sink, "waiting", 0) > 0)
        wait_add(waits, "delivered", name, error == NULL ? "warn" : "crit",
                 arena_format(trace->call->arena, "Sink %s has not delivered the alert: %s", name, error == NULL ? "it has not got so far." : error),
                 error == NULL ? "It goes on by itself." : "Mend what the answer names; alerts wait, and are tried again by themselves.");
}

static void deliveries_add(struct trace *trace, struct hops *hops, const json_t *alert, const char *topic, int64_t alerted_us, json_t *waits)
{
    json_t *found = trace_deliveries_of(trace, member_text(alert, "id"), member_integer(json_object_get(alert, "source"), "scored_us", 0)), *kept;
    const json_t *sink;
    const char *name;
    size_t index;

    json_object_foreach(found, name, kept) delivery_hop(trace, hops, kept, alerted_us, waits);
    json_array_foreach(json_object_get(trace->description, "sinks"), index, sink) {
        if (sink_reads(sink, topic) && json_object_get(found, member_text(sink, "name")) == NULL)
            sink_wait(trace, sink, waits);
    }
    json_decref(found);
}

static json_t *alert_line(const json_t *alert)
{
    return json_pack("{s:O, s:o, s:o, s:o}", "id", json_object_get(alert, "id"), "agent", json_text_or_null(member_text(alert, "agent")), "title", json_text_or_null(member_text(alert, "title")), "severity",
                     json_text_or_null(member_text(alert, "severity")));
}

/* The alert's own record as a row, with its stamps: when it was durable. */
static struct trace_row *alert_place(struct trace *trace, const json_t *alert)
{
    const json_t *place = json_object_get(alert, "place");
    struct trace_row *row = arena_new(trace->call->arena, sizeof(*row));

    *row = (struct trace_row){.topic = arena_copy_string(trace->call->arena, slice_from_string(member_text(place, "topic"))),
                              .partition = (int32_t)member_integer(place, "partition", 0),
                              .offset = member_integer(place, "offset", 0),
                              .timestamp_ms = member_integer(place, "at_ms", 0),
                              .is_change = true};
    trace_way(trace, row);
    return row;
}

/* Read and scored as the alert itself keeps them. */
static void judged_hops(struct hops *hops, const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source");
    int64_t read_us = member_integer(source, "read_us", 0), scored_us = member_integer(source, "scored_us", 0);
    const char *agent = member_text(alert, "agent");

    if (read_us != 0)
        hop_beside(hops, "read", "agent", hops->last_us, read_us, "exact", false, json_sprintf("by agent %s", agent == NULL ? "?" : agent));
    if (scored_us != 0)
        hop_beside(hops, "scored", "agent", read_us != 0 ? read_us : hops->last_us, scored_us, "exact", false, json_sprintf("by agent %s", agent == NULL ? "?" : agent));
}

static void alert_hops(struct trace *trace, struct hops *hops, const json_t *alert, json_t *change, json_t *waits)
{
    struct trace_row *place = alert_place(trace, alert);
    bool stamped = place->known == TRACE_STAMPED;
    int64_t alerted_us = stamped ? place->durable_us : place->timestamp_ms * 1000;

    if (alerted_us < member_integer(json_object_get(alert, "source"), "scored_us", 0)) /* its record's time is in milliseconds */
        alerted_us = member_integer(json_object_get(alert, "source"), "scored_us", 0);
    hop_beside(hops, "alerted", "agent", member_integer(json_object_get(alert, "source"), "scored_us", hops->last_us), alerted_us, stamped ? "exact" : "batch", false,
               json_sprintf("%s by agent %s", member_text(alert, "id"), member_text(alert, "agent") == NULL ? "?" : member_text(alert, "agent")));
    if (json_is_null(json_object_get(change, "to_alert_us")))
        json_put(change, "to_alert_us", json_integer(alerted_us - hops->base_us));
    deliveries_add(trace, hops, alert, place->topic, alerted_us, waits);
    json_add(json_object_get(change, "alerts"), alert_line(alert));
}

/* ---- The change ---- */

static const char *known_why(const struct trace_row *row)
{
    switch (row->known) {
    case TRACE_STAMPED: return "Appended, durable and published are the times of the batch that the row was in.";
    case TRACE_UNSTAMPED: return "A producer wrote it: only its own time and its readers are known.";
    case TRACE_OFF: return "This program keeps no times of batches and readers yet, or trace=false says that it should not.";
    case TRACE_ROLLED: return "The times of this batch and of its readers are not kept any more (trace.retention.bytes).";
    case TRACE_TOO_FAR: return "The times of this batch were not found: the last second before a crash is not kept.";
    }
    return NULL;
}

static void waits_of_readers(const struct readers *readers, json_t *waits)
{
    for (size_t i = 0; i < readers->count; i++) {
        if (readers->items[i].why != NULL)
            wait_add(waits, "read", readers->items[i].name, readers->items[i].state, readers->items[i].why, readers->items[i].todo);
    }
}

/* What an agent read and scored is exact where an alert says it; the coarser steps of the same agent go. */
static void judged_drop(json_t *hops, const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source");
    const char *agent = member_text(alert, "agent");
    bool is_read = member_integer(source, "read_us", 0) != 0, is_scored = member_integer(source, "scored_us", 0) != 0;
    char note[300];

    (void)snprintf(note, sizeof(note), "by agent %s", agent == NULL ? "?" : agent);
    for (size_t i = json_array_size(hops); i-- > 0;) {
        const json_t *hop = json_array_get(hops, i);
        const char *step = member_text(hop, "step");

        if (member_text(hop, "note") != NULL && strcmp(member_text(hop, "note"), note) == 0 && ((is_read && strcmp(step, "read") == 0) || (is_scored && strcmp(step, "scored") == 0)))
            (void)json_array_remove(hops, i);
    }
}

static int by_end(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int64_t p = member_integer(x, "start_us", 0) + member_integer(x, "took_us", 0), q = member_integer(y, "start_us", 0) + member_integer(y, "took_us", 0);

    return p < q ? -1 : p > q;
}

/* By time; those before the readers keep their order, also where their times are not known. */
static void hops_sort(struct arena *arena, json_t *hops, size_t from)
{
    size_t count = json_array_size(hops) - from;
    json_t **items = arena_new_array(arena, count + 1, sizeof(json_t *));

    for (size_t i = 0; i < count; i++)
        items[i] = json_incref(json_array_get(hops, from + i));
    qsort(items, count, sizeof(items[0]), by_end);
    for (size_t i = 0; i < count; i++)
        (void)json_array_set_new(hops, from + i, items[i]);
}

static json_t *change_new(const struct trace_row *row)
{
    char operation[2] = {row->operation, '\0'};
    json_t *change = json_object();

    json_put(change, "op", json_string(operation));
    json_put(change, "lsn", trace_lsn_text(row->lsn));
    json_put(change, "commit_us", json_integer_or_null(row->committed_us == 0 ? -1 : row->committed_us));
    json_put(change, "xid", row->transaction_id < 0 ? json_null() : json_sprintf("%lld", (long long)row->transaction_id));
    json_put(change, "topic", json_string(row->topic));
    json_put(change, "partition", json_integer(row->partition));
    json_put(change, "offset", json_integer(row->offset));
    json_put(change, "traceparent", json_text_or_null(row->traceparent));
    json_put(change, "to_alert_us", json_null());
    json_put(change, "alerts", json_array());
    return change;
}

json_t *trace_change_make(struct trace *trace, struct trace_row *row)
{
    json_t *change = change_new(row), *waits = json_array(), *alerts, *alert;
    struct hops hops = {.list = json_array(), .base_us = row->committed_us != 0 ? row->committed_us : row->timestamp_ms * 1000};
    struct readers readers;
    size_t index, fixed;

    hops.last_us = hops.base_us;
    trace_way(trace, row);
    source_hops(&hops, row);
    fixed = json_array_size(hops.list);
    readers = readers_find(trace, row);
    read_hops(&hops, &readers);
    alerts = trace_alerts_of(trace, row);
    json_array_foreach(alerts, index, alert) {
        judged_drop(hops.list, alert);
        judged_hops(&hops, alert);
        alert_hops(trace, &hops, alert, change, waits);
    }
    hops_sort(trace->call->arena, hops.list, fixed);
    waits_of_readers(&readers, waits);
    json_put(change, "hops", hops.list);
    json_put(change, "readers", readers_json(&readers, hops.base_us));
    json_put(change, "waits", waits);
    json_put(change, "known", json_string(row->known == TRACE_STAMPED || row->known == TRACE_UNSTAMPED ? "batch" : "partly"));
    json_put(change, "known_why", json_text_or_null(known_why(row)));
    json_decref(alerts);
    return change;
}

json_t *trace_change_of_alert(struct trace *trace, const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source");
    int64_t committed_us = member_integer(source, "committed_us", 0), appended_us = member_integer(source, "appended_us", 0);
    int64_t received_us = member_integer(source, "received_us", appended_us);
    struct trace_row row = {.topic = member_text(source, "topic") == NULL ? "" : member_text(source, "topic"),
                            .partition = (int32_t)member_integer(source, "partition", 0),
                            .offset = member_integer(source, "offset", 0),
                            .lsn = member_integer(source, "lsn", -1),
                            .transaction_id = member_integer(source, "txId", -1),
                            .committed_us = committed_us,
                            .is_change = true,
                            .known = appended_us != 0 ? TRACE_STAMPED : TRACE_ROLLED,
                            .appended_us = appended_us,
                            .durable_us = member_integer(source, "durable_us", 0),
                            .published_us = member_integer(source, "published_us", 0)};
    json_t *change = change_new(&row), *waits = json_array();
    struct hops hops = {.list = json_array(), .base_us = committed_us != 0 ? committed_us : received_us};

    hops.last_us = hops.base_us;
    if (committed_us != 0)
        hop_add(&hops, "committed", "pg", committed_us, "exact", false, commit_note(&row));
    if (received_us != 0)
        hop_add(&hops, "received", "capture", received_us, "exact", false, received_note(&row, received_us));
    if (row.known == TRACE_STAMPED)
        log_hops(&hops, &row);
    judged_hops(&hops, alert);
    alert_hops(trace, &hops, alert, change, waits);
    json_put(change, "hops", hops.list);
    json_put(change, "readers", json_array());
    json_put(change, "waits", waits);
    json_put(change, "known", json_string("partly"));
    json_put(change, "known_why", json_string("The row itself is not kept any more. These are the steps that the alert has kept."));
    return change;
}
