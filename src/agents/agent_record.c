#include "agents/agent_internal.h"

#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/json/base64.h"
#include "wire/json/text.h"

#define LOG_SUBSYSTEM "agents"

#define TRACE_HEADERS 2 /* the trace that a record is of goes on with what comes of it */
#define STAMPS_GAP_MS 5 /* between two looks for stamps */

static enum status dead_letter_write(struct agent *agent, const struct source_record *record, const char *reason, struct error *error)
{
    const char *place = arena_format(&agent->arena, "%s-%d@%lld", agent->spec.topic, record->partition, (long long)record->offset);
    struct record_header headers[2 + TRACE_HEADERS] = {
        {slice_from_string("reason"), slice_from_string(reason)},
        {slice_from_string("place"), slice_from_string(place)},
    };
    const struct log_record letter = {record->key, record->value, -1, headers, 2 + trace_context_headers(&record->trace, headers + 2)};

    agent->status.dead_letters++;
    agent->status.dead_letter_us = agent->read_us;
    (void)snprintf(agent->status.dead_letter, sizeof(agent->status.dead_letter), "%s: %s", place, reason);
    if (agent->status.dead_letters == 1)
        LOG_WARNING("agent %s cannot read %s: %s; it and others like it go to topic %s", agent->spec.name, place, reason, agent->dead_letters_topic);
    return agent->spec.is_dry || record->is_told ? OK : source_write(agent->source, agent->dead_letters_topic, 0, &letter, error);
}

/* The state of the key as it is before the rule sees the row; too large for an alert: not known. */
static void before_keep(struct agent *agent, const struct rule_event *event)
{
    const struct state_entry *entry = state_find(agent->states, event->key);

    buffer_reset(&agent->before);
    agent->before_known = entry == NULL || entry->size <= ALERT_STATE_BYTES_MAX;
    if (entry != NULL && agent->before_known)
        buffer_append(&agent->before, entry->bytes, entry->size);
}

static const char *before_text(struct agent *agent)
{
    struct buffer text;
    const char *copy;

    if (!agent->before_known)
        return NULL;
    buffer_init(&text, base64_size(ALERT_STATE_BYTES_MAX));
    base64_append(&text, buffer_slice(&agent->before), BASE64_STANDARD);
    copy = arena_copy_string(&agent->arena, text.size == 0 ? slice_from_string("") : buffer_slice(&text));
    buffer_finish(&text);
    return copy;
}

/* When the batch of the row passed each step, as long as that is remembered. In a storm only some are looked for. */
static void stamps_fill(struct agent *agent, const struct source_record *record, struct alert *alert)
{
    int64_t now_ms = clock_monotonic_ms();

    if (agent->spec.bootstrap_servers != NULL || now_ms - agent->stamped_ms < STAMPS_GAP_MS)
        return;
    agent->stamped_ms = now_ms;
    if (!stamps_recent(agent->spec.log, agent->spec.topic, record->partition, record->offset, &agent->stamps, &agent->stamp))
        return;
    alert->appended_us = agent->stamp.appended_us;
    alert->durable_us = agent->stamp.durable_us;
    alert->published_us = agent->stamp.published_us;
}

static enum status alert_send(struct agent *agent, const struct source_record *record, const struct rule_event *event, struct rule_verdict *verdict,
                              struct error *error)
{
    struct alert *alert = &verdict->alert;
    struct record_header headers[TRACE_HEADERS];
    char id[24];
    struct log_record out;

    alert_id(id, agent->spec.name, agent->kind->version, agent->spec.topic, record->partition, record->offset);
    alert->id = arena_copy_string(&agent->arena, slice_from_string(id));
    alert->agent = agent->spec.name;
    alert->rule = agent->kind->name;
    alert->rule_version = agent->kind->version;
    alert->received_us = record->timestamp_ms * 1000;
    stamps_fill(agent, record, alert);
    alert->read_us = agent->read_us;
    alert->scored_us = clock_now_us();
    alert->judged_us = event->time_us;
    alert->settings = agent->settings_json;
    alert->state = before_text(agent);
    alert->traceparent = slice_is_null(record->trace.parent) ? NULL : arena_copy_string(&agent->arena, record->trace.parent);
    alert->tracestate = slice_is_null(record->trace.state) ? NULL : arena_copy_string(&agent->arena, record->trace.state);
    buffer_reset(&agent->json);
    alert_write(alert, &agent->json);
    if (agent->json.failed)
        return error_set(error, ERROR_LIMIT, "an alert is larger than %zu bytes", ALERT_BYTES_MAX);
    out = (struct log_record){slice_from_string(id), buffer_slice(&agent->json), -1, headers, trace_context_headers(&record->trace, headers)};
    agent->status.alerts++;
    agent->status.last_alert_us = alert->scored_us;
    if (agent->spec.is_dry)
        return OK;
    agent->urgent = true;
    return source_write(agent->source, agent->spec.alerts_topic, -1, &out, error);
}

/* ---- Enriched events ---- */

static void enriched_write(struct agent *agent, const struct source_record *record, const struct rule_event *event, const struct rule_verdict *verdict,
                           const char *id, struct buffer *json)
{
    const struct change *change = event->change;

    buffer_append_format(json, "{\"id\":\"%s\",\"agent\":", id);
    json_append_string(json, slice_from_string(agent->spec.name));
    buffer_append_format(json, ",\"rule\":\"%s\",\"rule_version\":%d,\"key\":", agent->kind->name, agent->kind->version);
    json_append_string(json, event->key);
    buffer_append_format(json, ",\"op\":\"%.1s\",\"alert\":%s,\"score\":%d,\"features\":%s,\"source\":{\"topic\":", change->operation == '\0' ? "c" : &change->operation,
                         verdict->outcome == RULE_ALERT ? "true" : "false", verdict->score, verdict->features == NULL ? "{}" : verdict->features);
    json_append_string(json, slice_from_string(agent->spec.topic));
    buffer_append_format(json, ",\"partition\":%d,\"offset\":%lld,\"committed_us\":%lld,\"scored_us\":%lld},\"row\":%s}", record->partition, (long long)record->offset,
                         (long long)change->source_time_us, (long long)clock_now_us(), row_json(event, &agent->arena));
}

/* Goes out with the checkpoint that the row is read by, as alerts do. */
static enum status enriched_send(struct agent *agent, const struct source_record *record, const struct rule_event *event, const struct rule_verdict *verdict,
                                 struct error *error)
{
    struct record_header headers[TRACE_HEADERS];
    struct log_record out;
    char id[24];
    enum status status = agent->enriched_ready ? OK : source_topic_ensure(agent->source, agent->spec.enriched_topic, 1, NULL, error);

    if (status != OK)
        return status;
    agent->enriched_ready = true;
    alert_id(id, agent->spec.name, agent->kind->version, agent->spec.topic, record->partition, record->offset);
    id[0] = 'E';
    buffer_reset(&agent->json);
    enriched_write(agent, record, event, verdict, id, &agent->json);
    if (agent->json.failed)
        return error_set(error, ERROR_LIMIT, "an enriched event is larger than %zu bytes", ALERT_BYTES_MAX);
    out = (struct log_record){event->key, buffer_slice(&agent->json), -1, headers, trace_context_headers(&record->trace, headers)};
    agent->status.enriched++;
    return agent->spec.is_dry ? OK : source_write(agent->source, agent->spec.enriched_topic, -1, &out, error);
}

/* ---- Storm control ---- */

/* What is kept of a key, beside its state, under FOLD_PREFIX and the key. */
struct fold {
    int64_t sent_us; /* commit time of the row whose alert went out */
    int64_t folded;  /* alerts since that did not */
};

/*
 * Does the alert go out? One that does tells how many before it did not. By commit times and durable with the state, whatever the
 * rule goes by, so a replay folds the same.
 */
static bool alert_passes(struct agent *agent, const struct source_record *record, const struct rule_event *event, struct alert *alert)
{
    int64_t now_us = event->change->source_time_us != 0 ? event->change->source_time_us : record->timestamp_ms * 1000;
    const char *key;
    struct state_entry *entry;
    struct fold *fold;

    if (agent->spec.fold_ms == 0)
        return true;
    key = arena_format(&agent->arena, FOLD_PREFIX "%.*s", (int)event->key.size, (const char *)event->key.data);
    entry = state_open(agent->states, slice_from_string(key));
    if (entry->size != sizeof(*fold)) {
        if (!state_resize(agent->states, &entry, sizeof(*fold)))
            return true;
        *(struct fold *)(void *)entry->bytes = (struct fold){INT64_MIN / 2, 0};
    }
    fold = (struct fold *)(void *)entry->bytes;
    state_touch(agent->states, entry);
    if (now_us - fold->sent_us < agent->spec.fold_ms * 1000) {
        fold->folded++;
        agent->status.folded++;
        return false;
    }
    alert->folded = fold->folded;
    *fold = (struct fold){now_us, 0};
    return true;
}

static bool operation_is_wanted(const struct agent *agent, char operation)
{
    return operation == '\0' || strchr(agent->spec.operations, operation) != NULL;
}

/* A schema that the rule has not seen yet is checked once; decoder schemas may grow, so their width counts. */
static enum status schema_prepare(struct agent *agent, const struct change_schema *schema, struct error *error)
{
    enum status status = OK;

    if (schema != agent->prepared || schema->column_count != agent->prepared_columns)
        status = agent->kind->prepare(agent->rule, schema, error);
    if (status == OK) {
        agent->prepared = schema;
        agent->prepared_columns = schema->column_count;
    }
    return status;
}

/*
 * The newest event time of a partition: one that is read ahead of the others makes none of theirs late. Where lateness decides what is
 * judged it is kept with the state, so that a replay decides the same.
 */
static int64_t *newest_of(struct agent *agent, int32_t partition)
{
    int64_t *newest;

    if (partition >= agent->newest_count) {
        agent->newest_us = memory_resize(agent->newest_us, ((size_t)partition + 1) * sizeof(*agent->newest_us));
        while (agent->newest_count <= partition)
            agent->newest_us[agent->newest_count++] = NEWEST_UNREAD;
    }
    newest = &agent->newest_us[partition];
    if (*newest == NEWEST_UNREAD) {
        const struct state_entry *entry = state_find(agent->states, slice_from_string(arena_format(&agent->arena, NEWEST_PREFIX "%d", partition)));

        *newest = 0;
        if (entry != NULL && entry->size == sizeof(*newest))
            memcpy(newest, entry->bytes, sizeof(*newest));
    }
    return newest;
}

static void newest_keep(struct agent *agent, int32_t partition, int64_t newest_us)
{
    struct state_entry *entry = state_open(agent->states, slice_from_string(arena_format(&agent->arena, NEWEST_PREFIX "%d", partition)));

    if (entry->size != sizeof(newest_us) && !state_resize(agent->states, &entry, sizeof(newest_us)))
        return;
    memcpy(entry->bytes, &newest_us, sizeof(newest_us));
    state_touch(agent->states, entry);
}

/* Event time of the row; *late tells whether it lies too far back. */
static int64_t event_time(struct agent *agent, const struct change *change, const struct source_record *record, bool *late)
{
    int64_t time_us = change->source_time_us != 0 ? change->source_time_us : record->timestamp_ms * 1000;
    int64_t *newest;

    *late = false;
    if (!agent->by_event_time)
        return clock_now_us();
    newest = newest_of(agent, record->partition);
    if (time_us > *newest) {
        *newest = time_us;
        if (agent->spec.late != AGENT_LATE_JUDGE)
            newest_keep(agent, record->partition, time_us);
    } else if (time_us < *newest - agent->spec.late_after_ms * 1000) {
        *late = true;
    }
    return time_us;
}

static enum status event_judge(struct agent *agent, const struct source_record *record, struct rule_event *event, struct error *error)
{
    struct rule_verdict verdict; /* its alert is the rule's to begin: clearing it for every row costs more than most rules do */
    struct error failure;
    enum status status;

    verdict.outcome = RULE_IGNORED;
    verdict.score = 0;
    verdict.line = verdict.features = NULL;
    if (agent->kind->may_alert == NULL || agent->kind->may_alert(agent->rule, event))
        before_keep(agent, event);
    status = agent->kind->judge(agent->rule, event, agent->states, &agent->arena, &verdict, &failure);
    if (status == ERROR_BAD_INPUT)
        return dead_letter_write(agent, record, failure.message, error);
    if (status != OK) {
        *error = failure;
        error_context(error, "rule %s at topic %s, partition %d, offset %lld", agent->kind->name, agent->spec.topic, record->partition,
                      (long long)record->offset);
        return status;
    }
    agent->status.judged++;
    if ((agent->spec.enriched || verdict.features != NULL) && !record->is_told)
        status = enriched_send(agent, record, event, &verdict, error);
    if (status != OK)
        return status;
    if (verdict.outcome == RULE_ALERT && !alert_passes(agent, record, event, &verdict.alert))
        verdict = (struct rule_verdict){RULE_NORMAL, .score = verdict.score,
                                        .line = event->wants_line ? arena_format(&agent->arena, "🔁 Folded: %s", verdict.alert.title) : NULL};
    if (verdict.outcome == RULE_ALERT && !record->is_told)
        status = alert_send(agent, record, event, &verdict, error);
    if (status == OK && agent->spec.listener != NULL)
        agent->spec.listener(agent->spec.context, event, &verdict);
    return status;
}

void agent_key_seen(void *context, const struct change_value *value, struct arena *arena)
{
    struct agent *agent = context;

    if (value == NULL)
        state_prefetch(agent->states, agent->place);
    else
        agent->place = state_prefetch_place(agent->states, slice_from_string(value_text(value, arena)));
}

enum status agent_record_handle(struct agent *agent, const struct source_record *record, struct error *error)
{
    struct rule_event event = {.topic = agent->spec.topic, .partition = record->partition, .offset = record->offset,
                               .wants_line = agent->spec.listener != NULL, .wants_features = agent->spec.enriched};
    const struct change_value *key;
    struct change change;
    struct error failure;
    bool late;
    enum status status;

    arena_reset(&agent->arena);
    agent->dirty = true;
    agent->status.read++;
    if (slice_is_null(record->value)) { /* a tombstone */
        agent->status.ignored++;
        return OK;
    }
    status = change_decode(agent->decoder, record->value, &agent->arena, &change, &failure);
    if (status == OK && !operation_is_wanted(agent, change.operation)) {
        agent->status.ignored++;
        return OK;
    }
    event.change = &change;
    event.row = change.after != NULL ? change.after : change.before;
    if (status == OK && event.row == NULL)
        status = error_set(&failure, ERROR_BAD_INPUT, "not a change event: no row in it");
    if (status == OK)
        status = schema_prepare(agent, change.schema, &failure);
    if (status != OK)
        return dead_letter_write(agent, record, failure.message, error);
    key = change_column(&change, event.row, agent->spec.key);
    if (key == NULL && row_require(change.schema, &agent->spec.key, 1, &failure) != OK)
        return dead_letter_write(agent, record, failure.message, error);
    if (key == NULL || key->null)
        return dead_letter_write(agent, record, arena_format(&agent->arena, "column \"%s\", the key, is %s", agent->spec.key, key == NULL ? "missing" : "null"), error);
    event.key = slice_from_string(value_text(key, &agent->arena));
    event.time_us = event_time(agent, &change, record, &late);
    agent->status.event_time_us = change.source_time_us;
    if (change.source_time_us > 0 && change.operation != 'r') /* a snapshot's rows were committed long ago */
        agent->slowest_us = agent->read_us - change.source_time_us > agent->slowest_us ? agent->read_us - change.source_time_us : agent->slowest_us;
    if (late) {
        agent->status.late++;
        if (agent->spec.late == AGENT_LATE_IGNORE)
            return OK;
        if (agent->spec.late == AGENT_LATE_DEAD_LETTER)
            return dead_letter_write(agent, record, "late: its commit time lies too far before the newest", error);
    }
    return event_judge(agent, record, &event, error);
}
