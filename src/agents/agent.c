#include "agents/agent_internal.h"

#include "agents/rule_settings.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "log/control.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/thread.h"
#include "wire/json/text.h"

#define LOG_SUBSYSTEM "agents"

#define POLL_MS 100
#define RECORDS_PER_TURN 256 /* records between two looks at the clock */
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000
#define JOIN_MS 5000        /* that a group may take to give out its partitions */
#define CHANGE_LOOK_MS 1000 /* between two looks at the file of a rule that failed */
#define DEFAULT_CHECKPOINT_MS 1000
#define CHECKPOINT_SHARE 1000         /* as many times as long as the last one took are between two */
#define CHECKPOINT_SHARE_ALERTS 40    /* where alerts wait for them, and only with a backlog */
#define CHECKPOINT_PAUSE_MAX_MS 10000
#define CHECKPOINT_KEYS 100000
#define DEFAULT_LATE_AFTER_MS 60000

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

/* "dbserver1.alerts" for "dbserver1.public.transactions", unless one is set. */
static char *topic_beside(const char *topic, const char *name, const char *set)
{
    const char *dot = strchr(topic, '.');

    return set != NULL ? memory_copy_string(set) : memory_format("%.*s.%s", (int)(dot == NULL ? strlen(topic) : (size_t)(dot - topic)), topic, name);
}

/* What was set, so that an alert tells by what it was judged. Its version stands for the text of a script. */
static char *settings_json(const struct properties *settings)
{
    struct buffer json;
    char *text;

    buffer_init(&json, ALERT_BYTES_MAX / 4);
    buffer_append_u8(&json, '{');
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].key, "code") == 0)
            continue;
        if (json.size > 1)
            buffer_append_u8(&json, ',');
        json_append_string(&json, slice_from_string(settings->items[i].key));
        buffer_append_u8(&json, ':');
        json_append_string(&json, slice_from_string(settings->items[i].value == NULL ? "" : settings->items[i].value));
    }
    buffer_append_u8(&json, '}');
    text = json.failed ? NULL : memory_copy_bytes(json.data, json.size);
    buffer_finish(&json);
    return text;
}

static void copy_properties(struct properties *to, const struct properties *from)
{
    if (from == NULL)
        properties_init(to);
    else
        properties_copy(to, from);
}

/* Topics are named after it; operations are letters. */
static enum status names_check(const struct agent_spec *spec, struct error *error)
{
    size_t size = strspn(spec->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    if (size == 0 || spec->name[size] != '\0' || size > CONTROL_NAME_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "\"%s\" cannot be the name of an agent: topics are named after it, so it has 1 to %d letters, digits, '.', '_' or '-'",
                         spec->name, CONTROL_NAME_BYTES_MAX);
    if (spec->topic[0] == '\0')
        return error_set(error, ERROR_BAD_INPUT, "agent %s: the topic is empty", spec->name);
    if (spec->group != NULL && spec->group[0] == '\0')
        return error_set(error, ERROR_BAD_INPUT, "agent %s: the group is empty", spec->name);
    return agent_operations_check(spec->operations, error);
}

enum status agent_operations_check(const char *operations, struct error *error)
{
    if (operations[strspn(operations, "crud,")] != '\0' || strpbrk(operations, "crud") == NULL)
        return error_set(error, ERROR_BAD_INPUT, "operations \"%s\": they have to be some of c,r,u,d", operations);
    return OK;
}

enum status agent_create(const struct agent_spec *spec, struct agent **created, struct error *error)
{
    const struct rule_kind *kind = rule_find(spec->rule);
    struct agent *agent;
    enum status status;

    if (kind == NULL)
        return kind_unknown(spec->rule, error);
    status = names_check(spec, error);
    if (status != OK)
        return status;
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
    agent->spec.alerts_topic = topic_beside(spec->topic, "alerts", spec->alerts_topic);
    agent->spec.enriched_topic = topic_beside(spec->topic, "enriched", spec->enriched_topic);
    agent->spec.bootstrap_servers = memory_copy_string(spec->bootstrap_servers);
    agent->state_topic = memory_format("tailrace-agent-%s-state", agent->spec.group); /* each group judges for itself */
    agent->dead_letters_topic = memory_format("tailrace-agent-%s-dead-letters", spec->name);
    copy_properties(&agent->settings, spec->settings);
    copy_properties(&agent->client, spec->client);
    arena_init(&agent->arena, 16 << 10);
    stop_init(&agent->stop);
    buffer_init(&agent->json, ALERT_BYTES_MAX);
    buffer_init(&agent->before, ALERT_STATE_BYTES_MAX);
    buffer_init(&agent->stamps, STAMPS_RECENT_BYTES_MAX);
    agent->settings_json = settings_json(&agent->settings);
    (void)pthread_mutex_init(&agent->lock, NULL);
    status = kind->create(kind, &agent->settings, &agent->rule, error);
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
    memory_free((void *)(uintptr_t)agent->spec.enriched_topic);
    memory_free((void *)(uintptr_t)agent->spec.bootstrap_servers);
    memory_free(agent->state_topic);
    memory_free(agent->dead_letters_topic);
    properties_finish(&agent->settings);
    properties_finish(&agent->client);
    memory_free(agent->newest_us);
    arena_finish(&agent->arena);
    stop_finish(&agent->stop);
    buffer_finish(&agent->json);
    buffer_finish(&agent->before);
    buffer_finish(&agent->stamps);
    memory_free(agent->settings_json);
    state_destroy(agent->states);
    (void)pthread_mutex_destroy(&agent->lock);
    memory_free(agent);
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
        (void)pthread_mutex_lock(&agent->lock);
        agent->status.checkpoints++;
        agent->status.checkpoint_us = (clock_monotonic_ns() - began_ns) / NS_PER_US;
        agent->status.checkpoints_us += agent->status.checkpoint_us;
        (void)pthread_mutex_unlock(&agent->lock);
    }
    return status;
}

static enum status alerts_send(struct agent *agent, struct error *error)
{
    enum status status = source_send(agent->source, error);

    if (status == OK) {
        agent->urgent = false;
        agent->sent_ms = clock_monotonic_ms();
    }
    return status;
}

/*
 * Everything is kept at the latest after checkpoint_ms; but checkpoints that take long come less often, so that they hold up neither a
 * backlog nor, by what the disk has to write for them, alerts and rows. What changed is in memory once more until it is written, so there
 * is a limit to it.
 */
static bool checkpoint_is_due(struct agent *agent)
{
    int64_t passed_ms = clock_monotonic_ms() - agent->checkpointed_ms;
    bool sends = source_can_send(agent->source);
    int64_t pause_ms = agent->status.checkpoint_us * (sends ? CHECKPOINT_SHARE : CHECKPOINT_SHARE_ALERTS) / US_PER_MS;

    if (state_changed_keys(agent->states) >= CHECKPOINT_KEYS)
        return true;
    if (!agent->dirty || (passed_ms < agent->spec.checkpoint_ms && (sends || !agent->urgent)))
        return false;
    if (passed_ms >= agent->spec.checkpoint_ms && (passed_ms >= pause_ms || passed_ms >= CHECKPOINT_PAUSE_MAX_MS))
        return true;
    return !sends && source_is_drained(agent->source);
}

/* Alerts go out as soon as nothing more is there to read with them, or after checkpoint_ms; where they cannot alone, a checkpoint is due. */
static bool alerts_are_due(struct agent *agent)
{
    return agent->urgent && source_can_send(agent->source) &&
           (clock_monotonic_ms() - agent->sent_ms >= agent->spec.checkpoint_ms || source_is_drained(agent->source));
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
    agent->newest_count = 0;
    status = source_load(agent->source, state_take, agent->states, error);
    (void)pthread_mutex_unlock(&agent->lock);
    agent->checkpointed_ms = clock_monotonic_ms();
    if (status == OK)
        state_set(agent, AGENT_RUNNING);
    return status;
}

/* Segments so small that the state is compacted long before reading it takes long. */
static const char *const state_settings[] = {"cleanup.policy=compact", "segment.bytes=33554432", NULL};
static const char *const alerts_settings[] = {"retention.ms=" ALERTS_KEPT_MS, NULL};

static enum status open_all(struct agent *agent, struct error *error)
{
    struct source_spec spec = {.agent = agent->spec.name, .group = agent->spec.group, .topic = agent->spec.topic, .state_topic = agent->state_topic,
                               .alerts_topic = agent->spec.alerts_topic, .enriched_topic = agent->spec.enriched_topic, .from_beginning = agent->spec.from_beginning,
                               .bootstrap_servers = agent->spec.bootstrap_servers, .client = &agent->client, .log = agent->spec.log};
    enum status status;

    (void)pthread_mutex_lock(&agent->lock);
    status = agent->kind->refresh == NULL ? OK : agent->kind->refresh(agent->rule, error);
    (void)pthread_mutex_unlock(&agent->lock);
    if (status == OK)
        status = source_open(&spec, &agent->source, error);
    agent->decoder = change_decoder_create();
    change_decoder_watch(agent->decoder, agent->spec.key, agent_key_seen, agent);
    if (status == OK)
        status = rule_settings_scales(&agent->settings, agent->decoder, error);
    agent->prepared = NULL;
    if (status == OK)
        status = source_topic_ensure(agent->source, agent->state_topic, 1, state_settings, error);
    if (status == OK)
        status = source_topic_ensure(agent->source, agent->spec.alerts_topic, 1, alerts_settings, error);
    if (status == OK)
        status = source_topic_ensure(agent->source, agent->dead_letters_topic, 1, NULL, error);
    agent->enriched_ready = status == OK && agent->spec.enriched;
    if (agent->enriched_ready)
        status = source_topic_ensure(agent->source, agent->spec.enriched_topic, 1, NULL, error);
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
    int64_t read_before;
    enum status status = source_next(agent->source, POLL_MS, &record, more, error);

    if (status == ERROR_OFFSET_OUT_OF_RANGE) { /* said, and the source goes on behind the gap */
        LOG_ERROR("agent %s: %s", agent->spec.name, error->message);
        *more = true;
        return OK;
    }
    if (status == OK && source_generation(agent->source) != agent->generation)
        status = states_load(agent, error);
    if (status != OK)
        return status;
    agent->read_us = clock_now_us();
    (void)pthread_mutex_lock(&agent->lock);
    read_before = agent->status.read;
    agent->slowest_us = -1;
    if (!*more && agent->kind->refresh != NULL)
        status = agent->kind->refresh(agent->rule, error);
    for (int i = 0; status == OK && *more; i++) {
        bool got;

        status = agent_record_handle(agent, &record, error);
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
    if (agent->status.read > read_before)
        latency_add(&agent->row, agent->read_us, (clock_now_us() - agent->read_us) / (agent->status.read - read_before));
    if (agent->slowest_us >= 0)
        latency_add(&agent->commit, agent->read_us, agent->slowest_us);
    agent->slowest_us = -1;
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
    int64_t began_ms = clock_monotonic_ms();
    enum status status = open_all(agent, error);

    if (status == OK && agent->spec.began != NULL)
        agent->spec.began(agent->spec.context);
    while (status == OK && !agent->stop.asked) {
        status = turn(agent, &more, error);
        if (!more && agent->spec.listener != NULL)
            agent->spec.listener(agent->spec.context, NULL, NULL);
        if (status == OK && alerts_are_due(agent))
            status = alerts_send(agent, error);
        if (status == OK && checkpoint_is_due(agent))
            status = checkpoint(agent, error);
        if (!source_is_ready(agent->source) && !waiting && clock_monotonic_ms() - began_ms >= (agent->spec.bootstrap_servers == NULL ? 0 : JOIN_MS)) {
            LOG_WARNING("agent %s: topic %s does not exist yet%s; waiting", agent->spec.name, agent->spec.topic,
                        agent->spec.bootstrap_servers == NULL ? "" : ", or another member of its group reads it");
            state_set(agent, AGENT_WAITING_FOR_TOPIC);
            waiting = true;
        } else if (waiting && source_is_ready(agent->source)) {
            LOG_INFO("agent %s: reading topic %s", agent->spec.name, agent->spec.topic);
            state_set(agent, AGENT_RUNNING);
            waiting = false;
        }
        if (until_end && !more && (source_is_at_end(agent->source) || waiting))
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

static bool rule_changed(struct agent *agent)
{
    bool changed;

    (void)pthread_mutex_lock(&agent->lock);
    changed = agent->kind->changed != NULL && agent->kind->changed(agent->rule);
    (void)pthread_mutex_unlock(&agent->lock);
    return changed;
}

/* Until the time is over, the rule's file changed, or somebody stops it. */
static void retry_wait(struct agent *agent, int64_t ms)
{
    int64_t until_ms = ms == INT64_MAX ? ms : clock_monotonic_ms() + ms, left_ms;

    while ((left_ms = until_ms - clock_monotonic_ms()) > 0 && !stop_wait(&agent->stop, left_ms < CHANGE_LOOK_MS ? left_ms : CHANGE_LOOK_MS)) {
        if (rule_changed(agent))
            return;
    }
}

/* went_on: it had run for so long that this failure is the first of its kind. */
static void failure_note(struct agent *agent, const struct error *error, bool went_on, int64_t retry_ms)
{
    (void)pthread_mutex_lock(&agent->lock);
    agent->status.error = *error;
    agent->status.tries = went_on ? 1 : agent->status.tries + 1;
    agent->status.retry_us = retry_ms == INT64_MAX ? 0 : clock_now_us() + retry_ms * US_PER_MS;
    agent->status.state = retry_ms == INT64_MAX ? AGENT_FAILED : AGENT_RETRYING;
    (void)pthread_mutex_unlock(&agent->lock);
    if (retry_ms != INT64_MAX)
        LOG_WARNING("agent %s: %s; trying again in %lld ms", agent->spec.name, error->message, (long long)retry_ms);
    else
        LOG_ERROR("agent %s stopped: %s%s", agent->spec.name, error->message, agent->kind->changed == NULL ? "" : "; it goes on at this row when its file is mended");
}

static void thread_main(void *context)
{
    struct agent *agent = context;
    int64_t retry_ms = RETRY_FIRST_MS;

    while (!agent->stop.asked) {
        struct error error;
        int64_t began_ms = clock_monotonic_ms();
        enum status status = run_once(agent, false, &error);
        bool went_on = clock_monotonic_ms() - began_ms > RETRY_MAX_MS;

        if (status == OK)
            break;
        if (went_on)
            retry_ms = RETRY_FIRST_MS;
        failure_note(agent, &error, went_on, status_is_retriable(status) ? retry_ms : INT64_MAX);
        if (!status_is_retriable(status) && agent->kind->changed == NULL)
            return;
        retry_wait(agent, status_is_retriable(status) ? retry_ms : INT64_MAX);
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

static void files_read(struct agent *agent, struct agent_status *status)
{
    const char *trouble = NULL, *version = agent->kind->model == NULL ? NULL : agent->kind->model(agent->rule, &trouble);

    (void)snprintf(status->model, sizeof(status->model), "%s", version == NULL ? "" : version);
    (void)snprintf(status->model_trouble, sizeof(status->model_trouble), "%s", trouble == NULL ? "" : trouble);
    trouble = agent->kind->script_trouble == NULL ? NULL : agent->kind->script_trouble(agent->rule);
    (void)snprintf(status->script_trouble, sizeof(status->script_trouble), "%s", trouble == NULL ? "" : trouble);
}

void agent_status_read(struct agent *agent, struct agent_status *status)
{
    (void)pthread_mutex_lock(&agent->lock);
    *status = agent->status;
    if (agent->states != NULL)
        status->states = state_counters_read(agent->states);
    files_read(agent, status);
    latency_read(&agent->commit, clock_now_us(), &status->commit_p50_us, &status->commit_p99_us);
    latency_read(&agent->row, clock_now_us(), &status->row_p50_us, &status->row_p99_us);
    (void)pthread_mutex_unlock(&agent->lock);
}

bool agent_key_describe(struct agent *agent, const char *key, struct buffer *json)
{
    const struct state_entry *entry;

    (void)pthread_mutex_lock(&agent->lock);
    entry = agent->states == NULL || *key == *FOLD_PREFIX ? NULL : state_find(agent->states, slice_from_string(key));
    if (entry != NULL)
        agent->kind->describe(agent->rule, slice_of(entry->bytes, entry->size), json);
    (void)pthread_mutex_unlock(&agent->lock);
    return entry != NULL;
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

const char *agent_enriched_topic(const struct agent *agent)
{
    return agent->spec.enriched_topic;
}

int64_t agent_fold_ms(const struct agent *agent)
{
    return agent->spec.fold_ms;
}

int64_t agent_state_bytes_max(const struct agent *agent)
{
    return (int64_t)agent->spec.limits.bytes_max;
}
