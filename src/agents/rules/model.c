/*
 * agents/rules/model.c: a model of gradient-boosted trees scores each event by features that are kept for its key
 * (rules/features.h), and a score above the threshold is an alert, with what each feature added to it. No code is needed: the
 * settings name the model's file and the features in the model's order.
 */
#include "agents/rule.h"
#include "agents/rule_settings.h"
#include "agents/rules/features.h"
#include "agents/rules/row.h"
#include "agents/rules/scorer.h"
#include "base/banned.h"
#include "base/memory.h"
#include "wire/json/text.h"

#include <math.h>

struct model_rule {
    char *path, *list, *user, *amount, *id;
    int64_t window_seconds, last, kept_max;
    struct decimal threshold;
    double limit; /* the same */
    struct features *features; /* NULL until the model's own names are known, when none are set */
    struct model_watch *watch;
};

static enum status features_make(struct model_rule *rule, const char *list, struct error *error)
{
    const struct features_spec spec = {list, rule->window_seconds, rule->last, rule->kept_max, rule->amount};

    return features_create(&spec, &rule->features, error);
}

/* Without the setting the features are what the model calls its own. */
static enum status features_from_model(struct model_rule *rule, const struct model_facts *facts, struct error *error)
{
    struct buffer list;
    enum status status;

    if (facts->names == NULL)
        return error_set(error, ERROR_BAD_INPUT, "the model does not name its %zu features: set features=NAME,NAME,… in its order", facts->feature_count);
    buffer_init(&list, 1 << 16);
    for (size_t i = 0; i < facts->feature_count; i++)
        buffer_append_format(&list, "%s%s", i == 0 ? "" : ",", facts->names[i]);
    buffer_append_u8(&list, '\0');
    status = list.failed ? error_set(error, ERROR_BAD_INPUT, "the names of the model's features are too long") : features_make(rule, (const char *)list.data, error);
    if (status != OK)
        error_context(error, "the model's own features, for the setting features is not set");
    buffer_finish(&list);
    return status;
}

static enum status features_differ(const struct features *features, const struct model_facts *facts, struct error *error)
{
    char set[300], own[300];

    model_names_print(features_names(features), features_count(features), set, sizeof(set));
    if (facts->names == NULL)
        return error_set(error, ERROR_BAD_INPUT, "the model has %zu features, the setting features names %zu: %s", facts->feature_count,
                         features_count(features), set);
    model_names_print((const char *const *)facts->names, facts->feature_count, own, sizeof(own));
    return error_set(error, ERROR_BAD_INPUT, "the model's features are %s; the setting features names %s: give the same, in the same order; NAME=FEATURE gives one a name "
                                             "of the model's", own, set);
}

static enum status accept(void *context, const struct model_facts *facts, struct error *error)
{
    struct model_rule *rule = context;
    bool same;

    if (rule->features == NULL)
        return features_from_model(rule, facts, error);
    same = features_count(rule->features) == facts->feature_count;
    for (size_t i = 0; same && facts->names != NULL && i < facts->feature_count; i++)
        same = strcmp(features_names(rule->features)[i], facts->names[i]) == 0;
    return same ? OK : features_differ(rule->features, facts, error);
}

static const struct rule_setting own_settings[] = {
    {"model", RULE_TEXT, offsetof(struct model_rule, path), NULL, 0, 0, "file with the model, as XGBoost saves it: .json or .ubj"},
    {"features", RULE_TEXT, offsetof(struct model_rule, list), NULL, 0, 0, "what the model looks at, in its order; not set: the names in the model"},
    {"threshold", RULE_DECIMAL, offsetof(struct model_rule, threshold), "0.5", 0, 0, "an alert for a score above this"},
    {"window.seconds", RULE_INTEGER, offsetof(struct model_rule, window_seconds), "60", 1, 31 * 86400, "length of the window of velocity and sum"},
    {"last", RULE_INTEGER, offsetof(struct model_rule, last), "50", 2, 1000, "amounts kept per key for count, mean, deviation, ratio and sigmas"},
    {"kept.max", RULE_INTEGER, offsetof(struct model_rule, kept_max), "256", 8, KEYED_ENTRIES_MAX, "events kept per key in the window; with more the oldest go"},
    {"column.user", RULE_TEXT, offsetof(struct model_rule, user), "user_id", 0, 0, "column that names who spends"},
    {"column.amount", RULE_TEXT, offsetof(struct model_rule, amount), "amount", 0, 0, "column with the amount"},
    {"column.id", RULE_TEXT, offsetof(struct model_rule, id), "id", 0, 0, "column that names the transaction"},
};

static enum status create(const struct rule_kind *kind, const struct properties *settings, void **created, struct error *error)
{
    struct model_rule *rule = memory_new(sizeof(*rule));
    enum status status;

    *rule = (struct model_rule){0};
    *created = rule;
    status = rule_settings_read(kind, settings, rule, error);
    if (status == OK && rule->path == NULL)
        status = error_set(error, ERROR_BAD_INPUT, "setting model is missing: the file with the model, .json or .ubj");
    if (status == OK && rule->list != NULL)
        status = features_make(rule, rule->list, error);
    rule->limit = decimal_to_double(&rule->threshold);
    if (status == OK)
        rule->watch = model_watch_create(rule->path, accept, rule);
    return status;
}

static void destroy(void *context)
{
    struct model_rule *rule = context;

    model_watch_destroy(rule->watch);
    features_destroy(rule->features);
    memory_free(rule->path);
    memory_free(rule->list);
    memory_free(rule->user);
    memory_free(rule->amount);
    memory_free(rule->id);
    memory_free(rule);
}

static enum status refresh(void *context, struct error *error)
{
    struct model_rule *rule = context;

    return model_watch_look(rule->watch, error);
}

static bool changed(void *context)
{
    struct model_rule *rule = context;

    return model_watch_changed(rule->watch);
}

static enum status prepare(void *context, const struct change_schema *schema, struct error *error)
{
    struct model_rule *rule = context;
    const char *user = rule->user;
    enum status status = row_require(schema, &user, 1, error);

    return status == OK && rule->features != NULL ? features_prepare(rule->features, schema, error) : status;
}

static enum status explain(struct model_rule *rule, const struct rule_event *event, struct keyed *keyed, const double *values, const char *score,
                           struct arena *arena, struct alert *alert, struct error *error)
{
    const char *limit = arena_format(arena, "> %s", decimal_text(&rule->threshold, arena));
    struct decimal amount = {0, 0};

    alert_begin(alert, event, arena);
    (void)row_amount(event, rule->amount, &amount, error);
    alert->subject = arena_format(arena, "User %s", column_text(event, rule->user, arena));
    alert->number = decimal_text(&amount, arena);
    alert->score = score;
    alert->score_limit = limit;
    alert->title = arena_format(arena, "%s scored %s, the limit is %s", alert->subject, score, limit + 2);
    alert->conditions[0] = (struct alert_condition){"Score of the model", score, limit, 0, true};
    alert->condition_count = 1;
    features_explain(rule->features, event, keyed, amount.scale > KEYED_AMOUNT_SCALE ? KEYED_AMOUNT_SCALE : amount.scale, arena, alert);
    return scorer_explain(model_watch_model(rule->watch), features_names(rule->features), values, arena, alert, error);
}

/* For enriched events. */
static const char *features_json(struct model_rule *rule, const double *values, const char *score, struct arena *arena)
{
    struct buffer json;
    const char *text;

    buffer_init(&json, 1 << 16);
    buffer_append_format(&json, "{\"score\":%s,\"model\":\"%s\"", score, model_version(model_watch_model(rule->watch)));
    for (size_t i = 0; i < features_count(rule->features); i++) {
        buffer_append_u8(&json, ',');
        json_append_string(&json, slice_from_string(features_names(rule->features)[i]));
        buffer_append_u8(&json, ':');
        buffer_append_string(&json, isnan(values[i]) ? "null" : arena_format(arena, "%.10g", values[i]));
    }
    buffer_append_u8(&json, '}');
    text = json.failed ? NULL : arena_copy_string(arena, buffer_slice(&json));
    buffer_finish(&json);
    return text;
}

static enum status judge(void *context, const struct rule_event *event, struct state_table *states, struct arena *arena,
                         struct rule_verdict *verdict, struct error *error)
{
    struct model_rule *rule = context;
    struct keyed keyed;
    double values[MODEL_FEATURES_MAX], score = 0;
    const char *text;
    enum status status = model_watch_look(rule->watch, error);

    keyed_begin(&keyed, states, event->key);
    if (status == OK)
        status = features_measure(rule->features, event, &keyed, values, error);
    if (status == OK)
        status = scorer_score(model_watch_model(rule->watch), values, &score, error);
    if (status != OK)
        return status;
    verdict->score = (int32_t)lround(fmax(fmin(score * 100, INT32_MAX), INT32_MIN));
    verdict->outcome = score > rule->limit ? RULE_ALERT : RULE_NORMAL;
    if (verdict->outcome == RULE_NORMAL && !event->wants_line && !event->wants_features)
        return OK;
    text = scorer_text(score, arena);
    if (event->wants_features)
        verdict->features = features_json(rule, values, text, arena);
    if (verdict->outcome == RULE_ALERT)
        status = explain(rule, event, &keyed, values, text, arena, &verdict->alert, error);
    if (status == OK && event->wants_line && verdict->outcome == RULE_ALERT)
        verdict->line = arena_format(arena, "⚠️ HIGH FRAUD ALERT: User %s | Score: %s | Amt: %s", column_text(event, rule->user, arena), text, verdict->alert.number);
    else if (status == OK && event->wants_line)
        verdict->line = arena_format(arena, "✅ Transaction OK: %s (Score: %s)", column_text(event, rule->id, arena), text);
    return status;
}

static void describe(void *context, struct slice state, struct buffer *json)
{
    (void)context;
    keyed_describe(state, json);
}

static const char *model_now(void *context, const char **trouble)
{
    struct model_rule *rule = context;
    const struct model *model = model_watch_model(rule->watch);

    *trouble = model_watch_trouble(rule->watch);
    return model == NULL ? NULL : model_version(model);
}

extern const struct rule_kind rule_model;

const struct rule_kind rule_model = {
    .name = "model", .version = 1, .summary = "A model of gradient-boosted trees (XGBoost) scores each row by features kept for its key, setting model=FILE",
    .greeting = "Agent started. Listening for CDC events...", .key_column = "user_id", .event_time = true, RULE_SETTINGS(own_settings), .create = create, .destroy = destroy,
    .prepare = prepare, .judge = judge, .describe = describe, .refresh = refresh, .changed = changed, .model = model_now};
