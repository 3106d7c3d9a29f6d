#include "agents/agent.h"

#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/stop.h"
#include "os/thread.h"

#include <pthread.h>

#define LOG_SUBSYSTEM "agents"

#define POLL_MS 100
#define RECORDS_PER_TURN 256 /* records between two looks at the clock */
#define ALERT_BYTES_MAX ((size_t)256 << 10)
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000
#define FOLD_PREFIX "\001" /* no column's text begins so */
#define DEFAULT_CHECKPOINT_MS 1000
#define DEFAULT_LATE_AFTER_MS 60000

struct agent {
    struct agent_spec spec;      /* strings and properties owned */
    struct properties settings, client, scales;
    char *state_topic, *dead_letters_topic;
    const struct rule_kind *kind;
    void *rule;
    struct change_decoder *decoder;
    const struct change_schema *prepared; /* the schema that the rule has seen last */
    size_t prepared_columns;
    bool by_event_time;
    struct arena arena;          /* of one event */
    struct buffer json;
    struct source *source;
    struct state_table *states;
    uint64_t generation;         /* of the source, when the state was loaded */
    int64_t newest_us;           /* event time seen so far */
    int64_t checkpointed_ms;
    bool dirty;                  /* something to checkpoint */
    bool urgent;                 /* an alert waits */
    struct thread *thread;
    struct stop stop;
    pthread_mutex_t lock;        /* guards `states` and `status` against readers of other threads; taken per turn */
    struct agent_status status;
};

/* ---- Life ---- */

void agent_spec_init(struct agent_spec *spec)
{
    *spec = (struct agent_spec){.operations = "c,r", .late_after_ms = DEFAULT_LATE_AFTER_MS, .checkpoint_ms = DEFAULT_CHECKPOINT_MS};
}

static enum status kind_unknown(const char *name, struct error *error)
{
    char names[300] = "";
    size_t count, used = 0;
    const struct rule_kind *const *kinds = rule_kinds(&count);

    for (size_t i = 0; i < count && used < sizeof(names) - 1; i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i == 0 ? "" : ", ", kinds[i]->name);
    return error_set(error, ERROR_BAD_INPUT, "there is no rule \"%s\"; there are: %s", name, names);
}

/* "dbserver1.alerts" for "dbserver1.public.transactions". */
static char *alerts_topic_of(const char *topic)
{
    const char *dot = strchr(topic, '.');

    return memory_format("%.*s.alerts", (int)(dot == NULL ? strlen(topic) : (size_t)(dot - topic)), topic);
}

static void copy_properties(struct properties *to, const struct properties *from)
{
    if (from == NULL)
        properties_init(to);
    else
        properties_copy(to, from);
}

enum status agent_create(const struct agent_spec *spec, struct agent **created, struct error *error)
{
    const struct rule_kind *kind = rule_find(spec->rule);
    struct agent *agent;
    enum status status;

    if (kind == NULL)
        return kind_unknown(spec->rule, error);
    agent = memory_new(sizeof(*agent));
    agent->spec = *spec;
    agent->kind = kind;
    agent->by_event_time = spec->time == AGENT_TIME_OF_RULE ? kind->event_time : spec->time == AGENT_TIME_EVENT;
    agent->spec.name = memory_copy_string(spec->name);
    agent->spec.rule = memory_copy_string(spec->rule);
    agent->spec.topic = memory_copy_string(spec->topic);
    agent->spec.group = memory_copy_string(spec->group == NULL ? spec->name : spec->group);
    agent->spec.key = memory_copy_string(spec->key == NULL ? kind->key_column : spec->key);
    agent->spec.operations = memory_copy_string(spec->operations);
    agent->spec.alerts_topic = spec->alerts_topic == NULL ? alerts_topic_of(spec->topic) : memory_copy_string(spec->alerts_topic);
    agent->spec.bootstrap_servers = memory_copy_string(spec->bootstrap_servers);
    agent->state_topic = memory_format("tailrace-agent-%s-state", spec->name);
    agent->dead_letters_topic = memory_format("tailrace-agent-%s-dead-letters", spec->name);
    copy_properties(&agent->settings, spec->settings);
    copy_properties(&agent->client, spec->client);
    copy_properties(&agent->scales, spec->scales);
    arena_init(&agent->arena, 16 << 10);
    stop_init(&agent->stop);
    buffer_init(&agent->json, ALERT_BYTES_MAX);
    (void)pthread_mutex_init(&agent->lock, NULL);
    status = kind->create(&agent->settings, &agent->rule, error);
    if (status == OK) {
        *created = agent;
    } else {
        error_context(error, "agent %s", spec->name);
        agent_destroy(agent);
    }
    return status;
}

void agent_destroy(struct agent *agent)
{
    if (agent == NULL)
        return;
    if (agent->rule != NULL)
        agent->kind->destroy(agent->rule);
    memory_free((void *)(uintptr_t)agent->spec.name);
    memory_free((void *)(uintptr_t)agent->spec.rule);
    memory_free((void *)(uintptr_t)agent->spec.topic);
    memory_free((void *)(uintptr_t)agent->spec.group);
    memory_free((void *)(uintptr_t)agent->spec.key);
    memory_free((void *)(uintptr_t)agent->spec.operations);
    memory_free((void *)(uintptr_t)agent->spec.alerts_topic);
    memory_free((void *)(uintptr_t)agent->spec.bootstrap_servers);
    memory_free(agent->state_topic);
    memory_free(agent->dead_letters_topic);
    properties_finish(&agent->settings);
    properties_finish(&agent->client);
    properties_finish(&agent->scales);
    arena_finish(&agent->arena);
    stop_finish(&agent->stop);
    buffer_finish(&agent->json);
    state_destroy(agent->states);
    (void)pthread_mutex_destroy(&agent->lock);
    memory_free(agent);
}

/* ---- One record ---- */

static enum status dead_letter_write(struct agent *agent, const struct source_record *record, const char *reason, struct error *error)
{
    const char *place = arena_format(&agent->arena, "%s-%d@%lld", agent->spec.topic, record->partition, (long long)record->offset);
    const struct log_header headers[] = {
        {slice_from_string("reason"), slice_from_string(reason)},
        {slice_from_string("place"), slice_from_string(place)},
    };
    const struct log_record letter = {record->key, record->value, -1, headers, 2};

    agent->status.dead_letters++;
    if (agent->status.dead_letters == 1)
        LOG_WARNING("agent %s cannot read %s: %s; it and others like it go to topic %s", agent->spec.name, place, reason, agent->dead_letters_topic);
    return source_write(agent->source, agent->dead_letters_topic, 0, &letter, error);
}

static enum status alert_send(struct agent *agent, const struct source_record *record, struct rule_verdict *verdict, struct error *error)
{
    struct alert *alert = &verdict->alert;
    char id[24];
    struct log_record out;

    alert_id(id, agent->spec.name, agent->kind->version, agent->spec.topic, record->partition, record->offset);
    alert->id = arena_copy_string(&agent->arena, slice_from_string(id));
    alert->agent = agent->spec.name;
    alert->rule = agent->kind->name;
    alert->rule_version = agent->kind->version;
    alert->appended_us = record->timestamp_ms * 1000;
    alert->scored_us = clock_now_us();
    buffer_reset(&agent->json);
    alert_write(alert, &agent->json);
    if (agent->json.failed)
        return error_set(error, ERROR_LIMIT, "an alert is larger than %zu bytes", ALERT_BYTES_MAX);
    out = (struct log_record){slice_from_string(id), buffer_slice(&agent->json), -1, NULL, 0};
    agent->status.alerts++;
    agent->status.last_alert_us = alert->scored_us;
    agent->urgent = true;
    return source_write(agent->source, agent->spec.alerts_topic, -1, &out, error);
}

/* Storm control: what is kept of a key, beside its state, under FOLD_PREFIX and the key. */
struct fold {
    int64_t sent_us; /* time of the event whose alert went out */
    int64_t folded;  /* alerts since that did not */
};

/* Does the alert go out? One that does tells how many before it did not. Durable with the state, so a replay folds the same. */
static bool alert_passes(struct agent *agent, const struct rule_event *event, struct alert *alert)
{
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
    if (event->time_us - fold->sent_us < agent->spec.fold_ms * 1000) {
        fold->folded++;
        agent->status.folded++;
        return false;
    }
    alert->folded = fold->folded;
    *fold = (struct fold){event->time_us, 0};
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

/* Event time of the row; *late tells whether it lies too far back. */
static int64_t event_time(struct agent *agent, const struct change *change, const struct source_record *record, bool *late)
{
    int64_t time_us = change->source_time_us != 0 ? change->source_time_us : record->timestamp_ms * 1000;

    *late = false;
    if (!agent->by_event_time)
        return clock_now_us();
    if (time_us > agent->newest_us)
        agent->newest_us = time_us;
    else if (time_us < agent->newest_us - agent->spec.late_after_ms * 1000)
        *late = true;
    return time_us;
}

static enum status event_judge(struct agent *agent, const struct source_record *record, struct rule_event *event, struct error *error)
{
    struct rule_verdict verdict = {RULE_IGNORED};
    struct error failure;
    enum status status = agent->kind->judge(agent->rule, event, agent->states, &agent->arena, &verdict, &failure);

    if (status == ERROR_BAD_INPUT)
        return dead_letter_write(agent, record, failure.message, error);
    if (status != OK) {
        *error = failure;
        error_context(error, "rule %s at topic %s, partition %d, offset %lld", agent->kind->name, agent->spec.topic, record->partition,
                      (long long)record->offset);
        return status;
    }
    agent->status.judged++;
    if (verdict.outcome == RULE_ALERT && !alert_passes(agent, event, &verdict.alert))
        verdict = (struct rule_verdict){RULE_NORMAL, .score = verdict.score};
    if (verdict.outcome == RULE_ALERT)
        status = alert_send(agent, record, &verdict, error);
    if (status == OK && agent->spec.listener != NULL)
        agent->spec.listener(agent->spec.context, event, &verdict);
    return status;
}

static enum status record_handle(struct agent *agent, const struct source_record *record, struct error *error)
{
    struct rule_event event = {.topic = agent->spec.topic, .partition = record->partition, .offset = record->offset,
                               .wants_line = agent->spec.listener != NULL};
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
    if (key == NULL || key->null)
        return dead_letter_write(agent, record, arena_format(&agent->arena, "column \"%s\", the key, is %s", agent->spec.key, key == NULL ? "missing" : "null"), error);
    event.key = slice_from_string(value_text(key, &agent->arena));
    event.time_us = event_time(agent, &change, record, &late);
    agent->status.event_time_us = change.source_time_us;
    if (late) {
        agent->status.late++;
        if (agent->spec.late == AGENT_LATE_IGNORE)
            return OK;
        if (agent->spec.late == AGENT_LATE_DEAD_LETTER)
            return dead_letter_write(agent, record, "late: its commit time lies too far before the newest", error);
    }
    return event_judge(agent, record, &event, error);
}

/* ---- Checkpoints ---- */

static enum status checkpoint(struct agent *agent, struct error *error)
{
    int64_t began_ns = clock_monotonic_ns();
    struct slice key, bytes;
    enum status status = OK;

    while (status == OK && state_next_changed(agent->states, &key, &bytes)) {
        const struct log_record record = {key, bytes, -1, NULL, 0};
        status = source_write(agent->source, agent->state_topic, 0, &record, error);
    }
    if (status == OK)
        status = source_checkpoint(agent->source, error);
    if (status == OK) {
        agent->dirty = agent->urgent = false;
        agent->checkpointed_ms = clock_monotonic_ms();
        agent->status.checkpoints++;
        agent->status.checkpoint_us = (clock_monotonic_ns() - began_ns) / NS_PER_US;
    }
    return status;
}

/* Alerts go out as soon as nothing more is there to read with them; everything else at the latest after checkpoint_ms. */
static bool checkpoint_is_due(struct agent *agent)
{
    if (!agent->dirty)
        return false;
    if (clock_monotonic_ms() - agent->checkpointed_ms >= agent->spec.checkpoint_ms)
        return true;
    return agent->urgent && source_is_drained(agent->source);
}

/* ---- Running ---- */

static void state_take(void *context, struct slice key, struct slice value)
{
    state_restore(context, key, value);
}

static void state_set(struct agent *agent, enum agent_state state)
{
    (void)pthread_mutex_lock(&agent->lock);
    agent->status.state = state;
    (void)pthread_mutex_unlock(&agent->lock);
}

/* Fresh state, as of the last checkpoint. */
static enum status states_load(struct agent *agent, struct error *error)
{
    enum status status;

    state_set(agent, AGENT_LOADING);
    (void)pthread_mutex_lock(&agent->lock);
    state_destroy(agent->states);
    agent->states = state_create(&agent->spec.limits);
    agent->generation = source_generation(agent->source);
    agent->dirty = true; /* where we begin is a position too, so that a later start goes on from here */
    agent->urgent = false;
    status = source_load(agent->source, state_take, agent->states, error);
    (void)pthread_mutex_unlock(&agent->lock);
    agent->checkpointed_ms = clock_monotonic_ms();
    state_set(agent, AGENT_RUNNING);
    return status;
}

static enum status open_all(struct agent *agent, struct error *error)
{
    struct source_spec spec = {.agent = agent->spec.name, .group = agent->spec.group, .topic = agent->spec.topic, .state_topic = agent->state_topic,
                               .alerts_topic = agent->spec.alerts_topic, .from_beginning = agent->spec.from_beginning,
                               .bootstrap_servers = agent->spec.bootstrap_servers, .client = &agent->client, .log = agent->spec.log};
    enum status status = source_open(&spec, &agent->source, error);

    agent->decoder = change_decoder_create();
    for (size_t i = 0; i < agent->scales.count; i++) {
        int32_t scale;

        if (text_parse_int32(slice_from_string(agent->scales.items[i].value), &scale) && scale >= 0 && scale <= 38)
            change_decoder_set_scale(agent->decoder, agent->scales.items[i].key, scale);
    }
    agent->prepared = NULL;
    if (status == OK)
        status = source_topic_ensure(agent->source, agent->state_topic, 1, true, error);
    if (status == OK)
        status = source_topic_ensure(agent->source, agent->spec.alerts_topic, 1, false, error);
    if (status == OK)
        status = source_topic_ensure(agent->source, agent->dead_letters_topic, 1, false, error);
    if (status == OK)
        status = states_load(agent, error);
    return status;
}

static void close_all(struct agent *agent)
{
    source_close(agent->source);
    agent->source = NULL;
    change_decoder_destroy(agent->decoder);
    agent->decoder = NULL;
}

/* Up to RECORDS_PER_TURN records. *more: there was at least one. */
static enum status turn(struct agent *agent, bool *more, struct error *error)
{
    struct source_record record;
    enum status status = source_next(agent->source, POLL_MS, &record, more, error);

    if (status == ERROR_OFFSET_OUT_OF_RANGE) { /* said, and the source goes on behind the gap */
        LOG_ERROR("agent %s: %s", agent->spec.name, error->message);
        *more = true;
        return OK;
    }
    if (status == OK && source_generation(agent->source) != agent->generation)
        status = states_load(agent, error);
    if (status != OK || !*more)
        return status;
    (void)pthread_mutex_lock(&agent->lock);
    for (int i = 0; status == OK; i++) {
        bool got;

        status = record_handle(agent, &record, error);
        if (status != OK || i + 1 == RECORDS_PER_TURN)
            break;
        status = source_next(agent->source, 0, &record, &got, error);
        if (status == OK && source_generation(agent->source) != agent->generation) {
            (void)pthread_mutex_unlock(&agent->lock);
            status = states_load(agent, error);
            (void)pthread_mutex_lock(&agent->lock);
        }
        if (status == OK && !got)
            break;
    }
    (void)pthread_mutex_unlock(&agent->lock);
    if (status == ERROR_OFFSET_OUT_OF_RANGE) {
        LOG_ERROR("agent %s: %s", agent->spec.name, error->message);
        status = OK;
    }
    return status;
}

static enum status run_once(struct agent *agent, bool until_end, struct error *error)
{
    bool more = true, waiting = false;
    enum status status = open_all(agent, error);

    while (status == OK && !agent->stop.asked) {
        status = turn(agent, &more, error);
        if (status == OK && checkpoint_is_due(agent))
            status = checkpoint(agent, error);
        if (!source_is_ready(agent->source) && !waiting) {
            LOG_WARNING("agent %s: topic %s has no partition for it yet; waiting", agent->spec.name, agent->spec.topic);
            state_set(agent, AGENT_WAITING_FOR_TOPIC);
            waiting = true;
        } else if (waiting && source_is_ready(agent->source)) {
            LOG_INFO("agent %s: reading topic %s", agent->spec.name, agent->spec.topic);
            state_set(agent, AGENT_RUNNING);
            waiting = false;
        }
        if (until_end && !more && source_is_drained(agent->source))
            break;
    }
    if (status == OK && agent->dirty)
        status = checkpoint(agent, error);
    close_all(agent);
    return status;
}

enum status agent_run(struct agent *agent, bool until_end, struct error *error)
{
    enum status status = run_once(agent, until_end, error);

    (void)pthread_mutex_lock(&agent->lock);
    agent->status.state = status == OK ? AGENT_STOPPED : AGENT_FAILED;
    if (status != OK)
        agent->status.error = *error;
    (void)pthread_mutex_unlock(&agent->lock);
    return status;
}

static void thread_main(void *context)
{
    struct agent *agent = context;
    int64_t retry_ms = RETRY_FIRST_MS;

    while (!agent->stop.asked) {
        struct error error;
        int64_t began_ms = clock_monotonic_ms();
        enum status status = run_once(agent, false, &error);

        if (status == OK)
            break;
        (void)pthread_mutex_lock(&agent->lock);
        agent->status.error = error;
        agent->status.state = status_is_retriable(status) ? AGENT_RETRYING : AGENT_FAILED;
        (void)pthread_mutex_unlock(&agent->lock);
        if (!status_is_retriable(status)) {
            LOG_ERROR("agent %s stopped: %s", agent->spec.name, error.message);
            return;
        }
        if (clock_monotonic_ms() - began_ms > RETRY_MAX_MS)
            retry_ms = RETRY_FIRST_MS;
        LOG_WARNING("agent %s: %s; trying again in %lld ms", agent->spec.name, error.message, (long long)retry_ms);
        (void)stop_wait(&agent->stop, retry_ms);
        retry_ms = retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : retry_ms * 2;
    }
    state_set(agent, AGENT_STOPPED);
}

enum status agent_start(struct agent *agent, struct error *error)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "agent:%s", agent->spec.name);
    agent->stop.asked = false;
    return thread_start(&agent->thread, name, thread_main, agent, error);
}

void agent_interrupt(struct agent *agent)
{
    stop_ask(&agent->stop);
}

void agent_stop(struct agent *agent)
{
    if (agent == NULL)
        return;
    agent_interrupt(agent);
    thread_join(agent->thread);
    agent->thread = NULL;
}

/* ---- Asking ---- */

void agent_status_read(struct agent *agent, struct agent_status *status)
{
    (void)pthread_mutex_lock(&agent->lock);
    *status = agent->status;
    if (agent->states != NULL)
        status->states = state_counters_read(agent->states);
    (void)pthread_mutex_unlock(&agent->lock);
}

bool agent_key_describe(struct agent *agent, const char *key, struct buffer *json)
{
    const struct state_entry *entry;

    (void)pthread_mutex_lock(&agent->lock);
    entry = agent->states == NULL ? NULL : state_find(agent->states, slice_from_string(key));
    if (entry != NULL)
        agent->kind->describe(agent->rule, slice_of(entry->bytes, entry->size), json);
    (void)pthread_mutex_unlock(&agent->lock);
    return entry != NULL;
}

const char *agent_name(const struct agent *agent)
{
    return agent->spec.name;
}

const char *agent_rule(const struct agent *agent)
{
    return agent->kind->name;
}

const char *agent_topic(const struct agent *agent)
{
    return agent->spec.topic;
}

const char *agent_alerts_topic(const struct agent *agent)
{
    return agent->spec.alerts_topic;
}
