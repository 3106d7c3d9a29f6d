#include "agents/backtest.h"

#include "agents/agent.h"
#include "agents/rule_settings.h"
#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"

struct side {
    const struct rule_kind *kind;
    void *rule;
    struct state_table *states;
    const struct change_schema *prepared;
    size_t prepared_columns;
};

struct backtest {
    struct backtest_spec spec;
    struct side sides[BACKTEST_SIDES_MAX];
    struct change_decoder *decoder;
    struct arena arena;
    struct map labels; /* to itself */
    struct backtest_result result;
};

static enum status side_create(const struct backtest_side_spec *spec, struct side *side, struct error *error)
{
    struct state_limits limits = {.bytes_max = (size_t)1 << 30, .keys_max = 4000000};
    enum status status;

    side->kind = rule_find(spec->rule);
    if (side->kind == NULL)
        return error_set(error, ERROR_BAD_INPUT, "there is no rule \"%s\"; tailrace agent --help tells how to name one", spec->rule);
    side->states = state_create(&limits);
    status = side->kind->create(side->kind, spec->settings, &side->rule, error);
    return status == OK && side->kind->refresh != NULL ? side->kind->refresh(side->rule, error) : status;
}

enum status backtest_create(const struct backtest_spec *spec, struct backtest **created, struct error *error)
{
    struct backtest *backtest = memory_new(sizeof(*backtest));
    enum status status = OK;

    backtest->spec = *spec;
    backtest->decoder = change_decoder_create();
    arena_init(&backtest->arena, 16 << 10);
    map_init(&backtest->labels);
    if (spec->operations != NULL)
        status = agent_operations_check(spec->operations, error);
    for (size_t i = 0; i < spec->side_count && status == OK; i++)
        status = rule_settings_scales(spec->sides[i].settings, backtest->decoder, error);
    for (size_t i = 0; i < spec->side_count && status == OK; i++)
        status = side_create(&spec->sides[i], &backtest->sides[i], error);
    if (status == OK) {
        if (backtest->spec.key == NULL)
            backtest->spec.key = backtest->sides[0].kind->key_column;
        *created = backtest;
    } else {
        backtest_destroy(backtest);
    }
    return status;
}

void backtest_destroy(struct backtest *backtest)
{
    if (backtest == NULL)
        return;
    for (size_t i = 0; i < backtest->spec.side_count; i++) {
        if (backtest->sides[i].rule != NULL)
            backtest->sides[i].kind->destroy(backtest->sides[i].rule);
        state_destroy(backtest->sides[i].states);
    }
    change_decoder_destroy(backtest->decoder);
    arena_finish(&backtest->arena);
    map_finish(&backtest->labels);
    memory_free(backtest);
}

void backtest_label(struct backtest *backtest, struct slice value)
{
    (void)map_put(&backtest->labels, value, backtest);
    backtest->result.labels = (int64_t)backtest->labels.count;
}

static enum status side_judge(struct backtest *backtest, struct side *side, const struct rule_event *event, struct rule_verdict *verdict,
                              struct error *error)
{
    const struct change_schema *schema = event->change->schema;
    enum status status = OK;

    *verdict = (struct rule_verdict){RULE_IGNORED};
    if (schema != side->prepared || schema->column_count != side->prepared_columns) {
        status = side->kind->prepare(side->rule, schema, error);
        side->prepared = status == OK ? schema : NULL; /* asked again at the next row */
        side->prepared_columns = schema->column_count;
    }
    if (status == OK)
        status = side->kind->judge(side->rule, event, side->states, &backtest->arena, verdict, error);
    if (status != OK)
        error_context(error, "rule %s at topic %s, partition %d, offset %lld", side->kind->name, event->topic, event->partition, (long long)event->offset);
    return status;
}

static enum status event_judge(struct backtest *backtest, const struct rule_event *event, struct error *error)
{
    struct backtest_result *result = &backtest->result;
    struct rule_verdict verdicts[BACKTEST_SIDES_MAX];
    bool alerted[BACKTEST_SIDES_MAX] = {false, false}, labelled = false;
    enum status status = OK;

    if (backtest->labels.count > 0)
        labelled = map_get_string(&backtest->labels, column_text(event, backtest->spec.label_column, &backtest->arena)) != NULL;
    result->labelled_rows += labelled;
    for (size_t i = 0; i < backtest->spec.side_count && status == OK; i++) {
        verdicts[i] = (struct rule_verdict){RULE_IGNORED};
        if (i == 0 && result->stopped.status != OK)
            continue;
        status = side_judge(backtest, &backtest->sides[i], event, &verdicts[i], error);
        if (i == 0 && backtest->spec.first_may_stop && status != OK && status != ERROR_BAD_INPUT) {
            result->stopped = *error;
            status = OK;
            continue;
        }
        alerted[i] = status == OK && verdicts[i].outcome == RULE_ALERT;
        result->alerts[i] += alerted[i];
        result->hits[i] += alerted[i] && labelled;
        if (alerted[i])
            verdicts[i].alert.agent = verdicts[i].alert.rule = backtest->sides[i].kind->name;
    }
    if (status == ERROR_BAD_INPUT) { /* a row that an agent would put to its dead letters */
        if (result->unreadable++ == 0)
            result->first_unreadable = *error;
        return OK;
    }
    result->judged += status == OK;
    result->both += alerted[0] && alerted[1];
    if (status == OK && (alerted[0] || alerted[1]) && backtest->spec.listener != NULL)
        backtest->spec.listener(backtest->spec.context, event, alerted, verdicts, labelled);
    return status;
}

enum status backtest_record(struct backtest *backtest, const struct source_record *record, struct error *error)
{
    struct rule_event event = {.topic = backtest->spec.topic, .partition = record->partition, .offset = record->offset, .wants_line = true};
    struct backtest_result *result = &backtest->result;
    const struct change_value *key;
    struct change change;
    struct error failure;

    arena_reset(&backtest->arena);
    result->read++;
    if (slice_is_null(record->value)) {
        result->ignored++;
        return OK;
    }
    if (change_decode(backtest->decoder, record->value, &backtest->arena, &change, &failure) != OK) {
        if (result->unreadable++ == 0)
            result->first_unreadable = failure;
        return OK;
    }
    event.change = &change;
    event.row = change.after != NULL ? change.after : change.before;
    if (event.row == NULL || (change.operation != '\0' && strchr(backtest->spec.operations, change.operation) == NULL)) {
        result->ignored++;
        return OK;
    }
    key = change_column(&change, event.row, backtest->spec.key);
    if (key == NULL)
        return row_require(change.schema, &backtest->spec.key, 1, error);
    if (backtest->labels.count > 0 && change_column(&change, event.row, backtest->spec.label_column) == NULL)
        return row_require(change.schema, &backtest->spec.label_column, 1, error);
    event.key = slice_from_string(value_text(key, &backtest->arena));
    event.time_us = change.source_time_us != 0 ? change.source_time_us : record->timestamp_ms * 1000;
    result->first_us = result->first_us == 0 ? event.time_us : result->first_us;
    result->last_us = event.time_us;
    return event_judge(backtest, &event, error);
}

struct backtest_result backtest_result_read(const struct backtest *backtest)
{
    return backtest->result;
}
