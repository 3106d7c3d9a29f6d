#include "agents/agents.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/json/text.h"

#include <inttypes.h>

#define AGENTS_MAX 64
#define NAME_BYTES_MAX 100

struct agents {
    struct agent *items[AGENTS_MAX];
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

static enum status operations_check(const struct property *property, struct error *error)
{
    for (const char *at = property->value; *at != '\0'; at++) {
        if (strchr("crud,", *at) == NULL)
            return error_set(error, ERROR_BAD_INPUT, "setting %s=%s: it has to be some of c,r,u,d", property->key, property->value);
    }
    return OK;
}

static enum status setting_read(const struct property *property, const char *key, struct agent_spec *spec, struct properties *rule_settings,
                                struct error *error)
{
    static const char *const known[] = {"rule", "topic", "key", "operations", "alerts.topic", "enriched", "enriched.topic", "from.beginning", "time", "late.after.ms", "late",
                                        "checkpoint.ms", "fold.ms", "state.keys.max", "state.bytes.max", "rule.", NULL};
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
    } else if (strcmp(key, "operations") == 0) {
        spec->operations = property->value;
        status = operations_check(property, error);
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
        status = properties_unknown("agents.", spec->name, key, known, error);
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

static enum status add(struct agents *agents, const struct properties *values, struct slice name_text, struct log *log, struct error *error)
{
    char name[NAME_BYTES_MAX + 1];
    struct agent_spec spec;
    struct properties rule_settings;
    enum status status;

    if (agents->count == AGENTS_MAX)
        return error_set(error, ERROR_LIMIT, "more than %d agents", AGENTS_MAX);
    if (name_text.size > NAME_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the name of an agent has more than %d bytes: %.*s", NAME_BYTES_MAX, (int)name_text.size, (const char *)name_text.data);
    (void)snprintf(name, sizeof(name), "%.*s", (int)name_text.size, (const char *)name_text.data);
    properties_init(&rule_settings);
    status = agent_spec_read(values, name, &spec, &rule_settings, error);
    spec.log = log;
    spec.settings = &rule_settings;
    if (status == OK)
        status = agent_create(&spec, &agents->items[agents->count], error);
    if (status == OK)
        agents->count++;
    properties_finish(&rule_settings);
    return status;
}

enum status agents_start(const struct properties *values, struct log *log, struct agents **started, struct error *error)
{
    struct agents *agents = memory_new(sizeof(*agents));
    struct slice name;
    size_t at = 0;
    enum status status = OK;

    while (status == OK && properties_next_name(values, "agents.", &at, &name))
        status = add(agents, values, name, log, error);
    for (size_t i = 0; i < agents->count && status == OK; i++)
        status = agent_start(agents->items[i], error);
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
    for (size_t i = 0; i < agents->count; i++)
        agent_interrupt(agents->items[i]);
    for (size_t i = 0; i < agents->count; i++) {
        agent_stop(agents->items[i]);
        agent_destroy(agents->items[i]);
    }
    memory_free(agents);
}

size_t agents_count(const struct agents *agents)
{
    return agents->count;
}

struct agent *agents_at(const struct agents *agents, size_t index)
{
    return agents->items[index];
}

struct agent *agents_find(const struct agents *agents, const char *name)
{
    for (size_t i = 0; i < agents->count; i++) {
        if (strcmp(agent_name(agents->items[i]), name) == 0)
            return agents->items[i];
    }
    return NULL;
}

static void describe(struct agent *agent, struct buffer *json)
{
    static const char *const states[] = {"stopped", "waiting_for_topic", "loading", "running", "retrying", "failed"};
    struct agent_status status;

    agent_status_read(agent, &status);
    buffer_append_string(json, "{\"name\":");
    json_append_string(json, slice_from_string(agent_name(agent)));
    buffer_append_string(json, ",\"rule\":");
    json_append_string(json, slice_from_string(agent_rule(agent)));
    buffer_append_string(json, ",\"topic\":");
    json_append_string(json, slice_from_string(agent_topic(agent)));
    buffer_append_string(json, ",\"alerts_topic\":");
    json_append_string(json, slice_from_string(agent_alerts_topic(agent)));
    buffer_append_string(json, ",\"enriched_topic\":");
    json_append_string(json, slice_from_string(agent_enriched_topic(agent)));
    buffer_append_format(json, ",\"state\":\"%s\",\"error\":", states[status.state]);
    if (status.state == AGENT_RETRYING || status.state == AGENT_FAILED)
        json_append_string(json, slice_from_string(status.error.message));
    else
        buffer_append_string(json, "null");
    if (status.model[0] != '\0') {
        buffer_append_format(json, ",\"model\":\"%s\",\"model_trouble\":", status.model);
        if (status.model_trouble[0] != '\0')
            json_append_string(json, slice_from_string(status.model_trouble));
        else
            buffer_append_string(json, "null");
    }
    buffer_append_format(json,
                         ",\"read\":%" PRId64 ",\"judged\":%" PRId64 ",\"ignored\":%" PRId64 ",\"alerts\":%" PRId64 ",\"dead_letters\":%" PRId64 ",\"late\":%" PRId64
                         ",\"folded\":%" PRId64 ",\"enriched\":%" PRId64 ",\"fold_ms\":%" PRId64 ",\"lag\":%" PRId64 ",\"event_time_us\":%" PRId64 ",\"last_alert_us\":%" PRId64 ",\"keys\":%zu,\"state_bytes\":%zu,\"evicted\":%" PRIu64
                         ",\"checkpoints\":%" PRId64 ",\"checkpoint_us\":%" PRId64 "}",
                         status.read, status.judged, status.ignored, status.alerts, status.dead_letters, status.late, status.folded, status.enriched,
                         agent_fold_ms(agent), status.lag, status.event_time_us,
                         status.last_alert_us, status.states.keys, status.states.bytes, status.states.evicted, status.checkpoints, status.checkpoint_us);
}

void agents_describe(const struct agents *agents, struct buffer *json)
{
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < agents->count; i++) {
        if (i > 0)
            buffer_append_u8(json, ',');
        describe(agents->items[i], json);
    }
    buffer_append_u8(json, ']');
}
