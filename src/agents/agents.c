#include "agents/agents.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "log/control.h"
#include "os/logger.h"
#include "os/stop.h"
#include "os/thread.h"
#include "wire/json/text.h"

#include <inttypes.h>
#include <pthread.h>

#define LOG_SUBSYSTEM "agents"

#define AGENTS_MAX 64
#define NAME_BYTES_MAX CONTROL_NAME_BYTES_MAX

struct item {
    char name[CONTROL_NAME_BYTES_MAX + 1];
    struct properties config; /* in force, without "agents.NAME." */
    struct agent *agent;      /* NULL: it could not be made; error says why */
    bool is_paused, is_from_file;
    int64_t version;
    struct error error;
};

struct agents {
    struct log *log;
    struct control *control;
    struct thread *thread; /* looks for what people want of them */
    struct stop stop;
    pthread_mutex_t lock;  /* guards the rest against those who describe; only the thread (and start and stop) changes it */
    struct item *items[AGENTS_MAX];
    size_t count;
};

/* ---- Settings of one agent ---- */

static enum status number_read(const struct property *property, int64_t min, int64_t *value, struct error *error)
{
    if (!text_parse_int64(slice_from_string(property->value), value) || *value < min)
        return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be a whole number, %" PRId64 " or more", property->key, property->value, min);
    return OK;
}

static enum status flag_read(const struct property *property, bool *value, struct error *error)
{
    if (!text_parse_bool(slice_from_string(property->value), value))
        return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be true or false", property->key, property->value);
    return OK;
}

static enum status late_read(const struct property *property, enum agent_late *late, struct error *error)
{
    static const char *const names[] = {"judge", "ignore", "dead-letter"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(property->value, names[i]) == 0) {
            *late = (enum agent_late)i;
            return OK;
        }
    }
    return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be judge, ignore or dead-letter", property->key, property->value);
}

static enum status time_read(const struct property *property, enum agent_time *time, struct error *error)
{
    bool event = strcmp(property->value, "event") == 0;

    *time = event ? AGENT_TIME_EVENT : AGENT_TIME_PROCESSING;
    if (!event && strcmp(property->value, "processing") != 0)
        return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be event or processing", property->key, property->value);
    return OK;
}

static const struct agent_setting agent_settings[] = {
    {"rule", NULL, "What it does; the agent's own name when that is one of a rule"},
    {"topic", NULL, "Topic of change events that it reads"},
    {"key", NULL, "Column by which its memory is kept; unless set, what the rule goes by"},
    {"operations", "c,r", "Which changes are judged: c created, r read by a snapshot, u updated, d deleted"},
    {"from.beginning", "true", "Where it starts when it has no position yet: all that is there, or only what comes"},
    {"fold.ms", "0", "Alerts of one key so soon after another are counted, not sent"},
    {"dry.run", "false", "Alerts are counted, and none is written"},
    {"alerts.topic", NULL, "Unless set, <first part of the topic>.alerts"},
    {"enriched", "false", "Every judged row goes to a topic, with what was looked at"},
    {"enriched.topic", NULL, "Unless set, <first part of the topic>.enriched"},
    {"time", NULL, "What its windows go by: event (commit time) or processing; unless set, what the rule goes by"},
    {"late", "judge", "A row that comes later than its window: judge, ignore or dead-letter"},
    {"late.after.ms", "60000", "How much older than the newest row is late"},
    {"checkpoint.ms", "1000", "State and position are written so often, and less often (10 s) where that takes long; inside `up` alerts do not wait for it"},
    {"state.keys.max", "1000000", "Keys that it keeps; with more the longest unseen goes"},
    {"state.bytes.max", "268435456", "Memory that it keeps"},
};

const struct agent_setting *agent_settings_list(size_t *count)
{
    *count = sizeof(agent_settings) / sizeof(agent_settings[0]);
    return agent_settings;
}

static enum status key_unknown(const char *agent, const char *key, struct error *error)
{
    const char *known[sizeof(agent_settings) / sizeof(agent_settings[0]) + 2] = {"rule."};

    for (size_t i = 0; i < sizeof(agent_settings) / sizeof(agent_settings[0]); i++)
        known[i + 1] = agent_settings[i].key;
    return properties_unknown("agents.", agent, key, known, error);
}

static enum status setting_read(const struct property *property, const char *key, struct agent_spec *spec, struct properties *rule_settings,
                                struct error *error)
{
    int64_t number = 0;
    enum status status = OK;

    if (strcmp(key, "rule") == 0) {
        spec->rule = property->value;
    } else if (strncmp(key, "rule.", 5) == 0) {
        properties_set(rule_settings, key + 5, property->value);
    } else if (strcmp(key, "topic") == 0) {
        spec->topic = property->value;
    } else if (strcmp(key, "key") == 0) {
        spec->key = property->value;
    } else if (strcmp(key, "alerts.topic") == 0) {
        spec->alerts_topic = property->value;
    } else if (strcmp(key, "enriched") == 0) {
        status = flag_read(property, &spec->enriched, error);
    } else if (strcmp(key, "enriched.topic") == 0) {
        spec->enriched_topic = property->value;
        spec->enriched = true;
    } else if (strcmp(key, "dry.run") == 0) {
        status = flag_read(property, &spec->is_dry, error);
    } else if (strcmp(key, "operations") == 0) {
        spec->operations = property->value;
        status = agent_operations_check(property->value, error);
        if (status != OK)
            error_context(error, "setting %s", property->key);
    } else if (strcmp(key, "from.beginning") == 0) {
        status = flag_read(property, &spec->from_beginning, error);
    } else if (strcmp(key, "time") == 0) {
        status = time_read(property, &spec->time, error);
    } else if (strcmp(key, "late") == 0) {
        status = late_read(property, &spec->late, error);
    } else if (strcmp(key, "late.after.ms") == 0) {
        status = number_read(property, 0, &spec->late_after_ms, error);
    } else if (strcmp(key, "checkpoint.ms") == 0) {
        status = number_read(property, 1, &spec->checkpoint_ms, error);
    } else if (strcmp(key, "fold.ms") == 0) {
        status = number_read(property, 0, &spec->fold_ms, error);
    } else if (strcmp(key, "state.keys.max") == 0) {
        status = number_read(property, 1, &number, error);
        spec->limits.keys_max = (size_t)number;
    } else if (strcmp(key, "state.bytes.max") == 0) {
        status = number_read(property, 1 << 16, &number, error);
        spec->limits.bytes_max = (size_t)number;
    } else {
        status = key_unknown(spec->name, key, error);
    }
    return status;
}

enum status agent_spec_read(const struct properties *settings, const char *name, struct agent_spec *spec, struct properties *rule_settings,
                            struct error *error)
{
    char prefix[NAME_BYTES_MAX + 16];
    size_t size = (size_t)snprintf(prefix, sizeof(prefix), "agents.%s.", name);
    enum status status = OK;

    agent_spec_init(spec);
    spec->name = name;
    spec->from_beginning = true;
    for (size_t i = 0; i < settings->count && status == OK; i++) {
        const struct property *property = &settings->items[i];

        if (strncmp(property->key, prefix, size) == 0)
            status = setting_read(property, property->key + size, spec, rule_settings, error);
    }
    if (status == OK && spec->topic == NULL)
        status = error_set(error, ERROR_BAD_INPUT, "agent %s has no topic: set agents.%s.topic", name, name);
    if (spec->rule == NULL)
        spec->rule = name;
    return status;
}

/* ---- All of them ---- */

/* Makes the agent that the item's config asks for. */
static enum status agent_make(const struct agents *agents, const struct item *item, struct agent **made, struct error *error)
{
    struct properties settings, rule_settings;
    struct agent_spec spec;
    enum status status;

    properties_init(&settings);
    properties_init(&rule_settings);
    for (size_t i = 0; i < item->config.count; i++) {
        char *key = memory_format("agents.%s.%s", item->name, item->config.items[i].key);

        properties_set(&settings, key, item->config.items[i].value);
        memory_free(key);
    }
    status = agent_spec_read(&settings, item->name, &spec, &rule_settings, error);
    spec.log = agents->log;
    spec.settings = &rule_settings;
    if (status == OK)
        status = agent_create(&spec, made, error);
    properties_finish(&settings);
    properties_finish(&rule_settings);
    return status;
}

/* Stops what runs, and runs what is wanted instead. */
static enum status item_set(struct agents *agents, struct item *item, const struct wish *wish, struct error *error)
{
    struct agent *agent, *made = NULL;
    enum status status;

    (void)pthread_mutex_lock(&agents->lock);
    agent = item->agent;
    item->agent = NULL;
    item->error = (struct error){.status = OK};
    item->is_paused = wish->is_paused;
    item->is_from_file = wish->is_from_file;
    item->version = wish->version;
    properties_finish(&item->config);
    properties_copy(&item->config, &wish->config);
    (void)pthread_mutex_unlock(&agents->lock);
    agent_stop(agent);
    agent_destroy(agent);
    status = agent_make(agents, item, &made, error);
    if (status == OK && !item->is_paused)
        status = agent_start(made, error);
    (void)pthread_mutex_lock(&agents->lock);
    item->agent = made;
    if (status != OK)
        item->error = *error;
    (void)pthread_mutex_unlock(&agents->lock);
    return status;
}

static struct item *item_add(struct agents *agents, const char *name)
{
    struct item *item = memory_new(sizeof(*item));

    (void)snprintf(item->name, sizeof(item->name), "%s", name);
    properties_init(&item->config);
    (void)pthread_mutex_lock(&agents->lock);
    agents->items[agents->count++] = item;
    (void)pthread_mutex_unlock(&agents->lock);
    return item;
}

static void item_destroy(struct item *item)
{
    agent_stop(item->agent);
    agent_destroy(item->agent);
    properties_finish(&item->config);
    memory_free(item);
}

static void item_remove(struct agents *agents, struct item *item)
{
    (void)pthread_mutex_lock(&agents->lock);
    for (size_t i = 0; i < agents->count; i++) {
        if (agents->items[i] == item) {
            memmove(&agents->items[i], &agents->items[i + 1], (agents->count - i - 1) * sizeof(agents->items[0]));
            agents->count--;
            break;
        }
    }
    (void)pthread_mutex_unlock(&agents->lock);
    item_destroy(item);
}

static struct item *item_find(const struct agents *agents, const char *name)
{
    for (size_t i = 0; i < agents->count; i++) {
        if (strcmp(agents->items[i]->name, name) == 0)
            return agents->items[i];
    }
    return NULL;
}

/* One that could not be made, or that stopped on an error, is tried again with every change: also by a "running" said once more. */
static bool item_failed(const struct item *item)
{
    struct agent_status status = {.state = AGENT_STOPPED};

    if (item->agent != NULL)
        agent_status_read(item->agent, &status);
    return item->error.status != OK || status.state == AGENT_FAILED;
}

/* Makes one agent what is wanted of it. Errors: which of its settings is wrong; it is kept, with the error. */
static enum status wish_fulfil(void *context, const struct wish *wish, struct error *error)
{
    struct agents *agents = context;
    struct item *item = item_find(agents, wish->name);

    if (strlen(wish->name) > NAME_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the name of an agent has more than %d bytes: %s", NAME_BYTES_MAX, wish->name);
    if (wish->is_deleted) {
        if (item != NULL) {
            LOG_INFO("agent %s is deleted", wish->name);
            item_remove(agents, item);
        }
        return OK;
    }
    if (item != NULL && item->is_paused == wish->is_paused && item->version == wish->version && control_config_equal(&item->config, &wish->config) &&
        (item->is_paused || !item_failed(item)))
        return OK;
    if (item == NULL && agents->count == AGENTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d agents", AGENTS_MAX);
    if (item == NULL)
        item = item_add(agents, wish->name);
    if (wish->version > 1)
        LOG_INFO("agent %s: version %" PRId64 " as changed at run time%s%s", wish->name, wish->version, wish->is_from_file ? ", not as the settings file says" : "",
                 wish->is_paused ? "; it is paused" : "");
    return item_set(agents, item, wish, error);
}

/* One that is gone from the topic and not in the file is removed. */
static void wished_keep(void *context, const struct wish *wishes, size_t count)
{
    struct agents *agents = context;

    for (size_t i = agents->count; i-- > 0;) {
        if (!control_is_wanted(wishes, count, agents->items[i]->name))
            item_remove(agents, agents->items[i]);
    }
}

static void thread_main(void *context)
{
    control_watch(((struct agents *)context)->control);
}

enum status agents_start(const struct properties *values, struct log *log, struct agents **started, struct error *error)
{
    struct agents *agents = memory_new(sizeof(*agents));
    const struct control_service service = {"agent", "agents", values, &agents->stop, agents, wish_fulfil, wished_keep};
    enum status status;

    agents->log = log;
    agents->control = control_create(log, &service);
    stop_init(&agents->stop);
    (void)pthread_mutex_init(&agents->lock, NULL);
    status = control_fulfil(agents->control, error);
    if (status == OK)
        status = thread_start(&agents->thread, "agents", thread_main, agents, error);
    if (status == OK)
        *started = agents;
    else
        agents_stop(agents);
    return status;
}

void agents_stop(struct agents *agents)
{
    if (agents == NULL)
        return;
    stop_ask(&agents->stop);
    thread_join(agents->thread);
    for (size_t i = 0; i < agents->count; i++) {
        if (agents->items[i]->agent != NULL)
            agent_interrupt(agents->items[i]->agent);
    }
    for (size_t i = 0; i < agents->count; i++)
        item_destroy(agents->items[i]);
    control_destroy(agents->control);
    stop_finish(&agents->stop);
    (void)pthread_mutex_destroy(&agents->lock);
    memory_free(agents);
}

struct agent *agents_take(struct agents *agents, const char *name)
{
    struct item *item;

    (void)pthread_mutex_lock(&agents->lock);
    item = item_find(agents, name);
    if (item != NULL && item->agent != NULL)
        return item->agent;
    (void)pthread_mutex_unlock(&agents->lock);
    return NULL;
}

void agents_give(struct agents *agents)
{
    (void)pthread_mutex_unlock(&agents->lock);
}

/* ---- Describing ---- */

/* null below 0 */
static void number_append(struct buffer *json, const char *name, int64_t value)
{
    if (value < 0)
        buffer_append_format(json, ",\"%s\":null", name);
    else
        buffer_append_format(json, ",\"%s\":%" PRId64, name, value);
}

static void text_append(struct buffer *json, const char *name, const char *text)
{
    buffer_append_format(json, ",\"%s\":", name);
    if (text == NULL)
        buffer_append_string(json, "null");
    else
        json_append_string(json, slice_from_string(text));
}

static void agent_describe(struct agent *agent, const struct item *item, struct buffer *json)
{
    static const char *const states[] = {"stopped", "waiting_for_topic", "loading", "running", "retrying", "failed"};
    struct agent_status status;
    bool failed = item->error.status != OK, is_ill;

    agent_status_read(agent, &status);
    is_ill = status.state == AGENT_RETRYING || status.state == AGENT_FAILED;
    text_append(json, "rule", agent_rule(agent));
    text_append(json, "rule_summary", rule_find(agent_rule(agent))->summary);
    text_append(json, "topic", agent_topic(agent));
    text_append(json, "alerts_topic", agent_alerts_topic(agent));
    text_append(json, "enriched_topic", agent_enriched_topic(agent));
    text_append(json, "state", failed ? "failed" : item->is_paused ? "paused" : status.state == AGENT_STOPPED ? "loading" /* its thread has not come so far */ : states[status.state]);
    text_append(json, "error", failed ? item->error.message : is_ill ? status.error.message : NULL);
    number_append(json, "tries", is_ill ? status.tries : 0);
    number_append(json, "retry_us", status.state == AGENT_RETRYING ? status.retry_us : -1);
    number_append(json, "dead_letter_us", status.dead_letters > 0 ? status.dead_letter_us : -1);
    text_append(json, "dead_letter", status.dead_letters > 0 ? status.dead_letter : NULL);
    text_append(json, "script_trouble", status.script_trouble[0] != '\0' ? status.script_trouble : NULL);
    if (status.model[0] != '\0') {
        text_append(json, "model", status.model);
        text_append(json, "model_trouble", status.model_trouble[0] != '\0' ? status.model_trouble : NULL);
    }
    buffer_append_format(json,
                         ",\"read\":%" PRId64 ",\"judged\":%" PRId64 ",\"ignored\":%" PRId64 ",\"alerts\":%" PRId64 ",\"dead_letters\":%" PRId64 ",\"late\":%" PRId64
                         ",\"folded\":%" PRId64 ",\"enriched\":%" PRId64 ",\"fold_ms\":%" PRId64 ",\"lag\":%" PRId64 ",\"event_time_us\":%" PRId64 ",\"last_alert_us\":%" PRId64
                         ",\"keys\":%zu,\"state_bytes\":%zu,\"evicted\":%" PRIu64 ",\"checkpoints\":%" PRId64 ",\"checkpoint_us\":%" PRId64,
                         status.read, status.judged, status.ignored, status.alerts, status.dead_letters, status.late, status.folded, status.enriched,
                         agent_fold_ms(agent), status.lag, status.event_time_us,
                         status.last_alert_us, status.states.keys, status.states.bytes, status.states.evicted, status.checkpoints, status.checkpoint_us);
    number_append(json, "commit_p50_us", status.commit_p50_us);
    number_append(json, "commit_p99_us", status.commit_p99_us);
    number_append(json, "row_p50_us", status.row_p50_us);
    number_append(json, "row_p99_us", status.row_p99_us);
    number_append(json, "state_limit_bytes", agent_state_bytes_max(agent));
}

static void item_describe(struct item *item, struct buffer *json)
{
    const char *topic = properties_get(&item->config, "topic"), *rule = properties_get(&item->config, "rule"), *dry = properties_get(&item->config, "dry.run");
    bool is_dry = false;

    (void)(dry != NULL && text_parse_bool(slice_from_string(dry), &is_dry));
    buffer_append_string(json, "{\"name\":");
    json_append_string(json, slice_from_string(item->name));
    if (item->agent != NULL) {
        agent_describe(item->agent, item, json);
    } else {
        text_append(json, "rule", rule == NULL ? item->name : rule);
        text_append(json, "topic", topic == NULL ? "" : topic);
        text_append(json, "state", item->error.status == OK ? "loading" : "failed");
        text_append(json, "error", item->error.status == OK ? NULL : item->error.message);
    }
    buffer_append_format(json, ",\"version\":%" PRId64 ",\"dry_run\":%s,\"in_file\":%s}", item->version, is_dry ? "true" : "false", item->is_from_file ? "true" : "false");
}

void agents_describe(struct agents *agents, struct buffer *json)
{
    buffer_append_u8(json, '[');
    (void)pthread_mutex_lock(&agents->lock);
    for (size_t i = 0; i < agents->count; i++) {
        if (i > 0)
            buffer_append_u8(json, ',');
        item_describe(agents->items[i], json);
    }
    (void)pthread_mutex_unlock(&agents->lock);
    buffer_append_u8(json, ']');
}
