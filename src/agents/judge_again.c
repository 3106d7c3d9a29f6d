#include "agents/judge_again.h"

#include "agents/rule.h"
#include "agents/rule_settings.h"
#include "base/banned.h"
#include "wire/json/base64.h"
#include "wire/json/scan.h"

/* Settings that name files. */
static const char *const file_keys[] = {"script", "model"};

static enum status settings_read(const struct alert *alert, struct properties *settings, struct arena *arena, struct error *error)
{
    struct slice object = slice_from_string(alert->settings);
    struct json_scan in = json_scan_of(object);
    bool first = true;

    properties_init(settings);
    if (slice_is_null(object))
        return OK;
    json_open(&in, '{');
    while (json_next(&in, '}', &first)) {
        const char *key = arena_copy_string(arena, json_name(&in));
        struct slice value = json_text_read(&in, arena);

        properties_set(settings, key, value.size == 0 ? "" : arena_copy_string(arena, value));
    }
    for (size_t i = 0; i < sizeof(file_keys) / sizeof(file_keys[0]); i++) {
        if (properties_has(settings, file_keys[i]))
            return error_set(error, ERROR_BAD_INPUT, "agent %s does not run in this program, so its file %s is not read here", alert->agent,
                             properties_get(settings, file_keys[i]));
    }
    return OK;
}

/* The state of the key as it was before the row. */
static enum status state_fill(const struct alert *alert, struct state_table *states, struct error *error)
{
    struct buffer bytes;
    enum status status = OK;

    if (alert->state == NULL)
        return error_set(error, ERROR_BAD_INPUT, alert->judged_us == 0 ? "it was raised by a version that did not keep what it was judged by"
                                                                       : "the state of its key was too large to be kept with it");
    buffer_init(&bytes, ALERT_STATE_BYTES_MAX);
    if (*alert->state != '\0' && (!base64_decode(&bytes, slice_from_string(alert->state)) || bytes.failed))
        status = error_set(error, ERROR_BAD_INPUT, "the state that is kept with it is not readable");
    else if (bytes.size > 0)
        state_restore(states, slice_from_string(alert->key == NULL ? "" : alert->key), buffer_slice(&bytes));
    buffer_finish(&bytes);
    return status;
}

static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same(const struct alert *then, const struct alert *now)
{
    bool same = texts_equal(then->title, now->title) && texts_equal(then->score, now->score) && then->condition_count == now->condition_count;

    for (size_t i = 0; i < then->condition_count && same; i++)
        same = texts_equal(then->conditions[i].was, now->conditions[i].was) && texts_equal(then->conditions[i].limit, now->conditions[i].limit) &&
               then->conditions[i].held == now->conditions[i].held;
    return same;
}

static void compare(const struct alert *alert, const struct rule_verdict *verdict, struct arena *arena, struct judged_again *again)
{
    const char *title = alert->title == NULL ? "" : alert->title;

    again->same = verdict->outcome == RULE_ALERT && is_same(alert, &verdict->alert);
    if (again->same)
        again->text = arena_format(arena, "The same verdict: %s.", title);
    else if (verdict->outcome != RULE_ALERT)
        again->text = "It would not fire now: the rule, its settings or its file changed since.";
    else
        again->text = arena_format(arena, "It fires too, but says otherwise: %s. The rule, its settings or its file changed since.",
                                   verdict->alert.title == NULL ? "" : verdict->alert.title);
}

static enum status judge(const struct alert *alert, const struct rule_kind *kind, const struct properties *settings, struct slice value, struct state_table *states,
                         struct arena *arena, struct judged_again *again, struct error *error)
{
    struct change_decoder *decoder = change_decoder_create();
    struct rule_verdict verdict = {RULE_IGNORED};
    struct rule_event event = {.topic = alert->topic, .partition = alert->partition, .offset = alert->offset, .time_us = alert->judged_us,
                               .key = slice_from_string(alert->key == NULL ? "" : alert->key)};
    struct change change;
    void *rule = NULL;
    enum status status = kind->create(kind, settings, &rule, error);

    if (status == OK)
        status = rule_settings_scales(settings, decoder, error);
    if (status == OK && kind->refresh != NULL)
        status = kind->refresh(rule, error);
    if (status == OK)
        status = change_decode(decoder, value, arena, &change, error);
    event.change = &change;
    if (status == OK) {
        event.row = change.after != NULL ? change.after : change.before;
        status = event.row == NULL ? error_set(error, ERROR_BAD_INPUT, "its record is no row any more") : kind->prepare(rule, change.schema, error);
    }
    if (status == OK)
        status = kind->judge(rule, &event, states, arena, &verdict, error);
    if (status == OK)
        compare(alert, &verdict, arena, again);
    if (rule != NULL)
        kind->destroy(rule);
    change_decoder_destroy(decoder);
    return status;
}

enum status judge_again(const struct alert *alert, const struct properties *settings, struct slice value, struct arena *arena, struct judged_again *again,
                        struct error *error)
{
    const struct rule_kind *kind = alert->rule == NULL ? NULL : rule_find(alert->rule);
    const struct state_limits limits = {0};
    struct properties own;
    struct state_table *states;
    enum status status;

    if (kind == NULL)
        return error_set(error, ERROR_BAD_INPUT, "there is no rule \"%s\" in this program", alert->rule == NULL ? "" : alert->rule);
    if (kind->version != alert->rule_version)
        return error_set(error, ERROR_BAD_INPUT, "rule %s is version %d here, and the alert was raised by version %d", kind->name, kind->version, alert->rule_version);
    properties_init(&own);
    status = settings == NULL ? settings_read(alert, &own, arena, error) : OK;
    states = state_create(&limits);
    if (status == OK)
        status = state_fill(alert, states, error);
    if (status == OK)
        status = judge(alert, kind, settings == NULL ? &own : settings, value, states, arena, again, error);
    state_destroy(states);
    properties_finish(&own);
    return status;
}
