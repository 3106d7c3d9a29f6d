/*
 * api_backtest.c: POST /agents/:a/backtest: the agent as it is and as it would be, over the same rows of the past. Nothing is written; it
 * answers while it reads, as server-sent events. It takes a place among the searches.
 */
#include "web/api.h"

#include "agents/agent.h"
#include "agents/backtest.h"
#include "agents/history.h"
#include "base/banned.h"
#include "base/memory.h"
#include "log/keeper.h"
#include "os/clock.h"

#define SLICE_MS 40
#define SAMPLES_MAX 8
#define OUT_MAX ((size_t)4 << 20)
#define BEFORE_MS (24 * 3600 * 1000LL) /* that are read when nothing is said */

struct side {
    struct agent_spec spec;
    struct properties settings, rule; /* what the spec borrows from */
    int64_t right, wrong;             /* alerts that people called so */
    int64_t only;
};

struct trial {
    struct api *api;
    const char *name; /* in the arena */
    struct arena arena;
    struct side sides[2];
    struct backtest *backtest;
    struct history *history;
    json_t *states; /* what people said of alerts, by id */
    json_t *samples;
    int64_t scanned;
    struct buffer out;
    size_t sent;
    bool done;
    int fd; /* of the client, to see that it is gone */
};

/* ---- What comes of it ---- */

static void alerted(void *context, const struct rule_event *event, const bool *alerted_sides, const struct rule_verdict *verdicts, bool labelled)
{
    struct trial *trial = context;
    char id[24];

    (void)labelled;
    for (int i = 0; i < 2; i++) {
        const struct rule_kind *kind = rule_find(trial->sides[i].spec.rule);
        const char *state;

        if (!alerted_sides[i])
            continue;
        alert_id(id, trial->name, kind->version, trial->sides[0].spec.topic, event->partition, event->offset);
        state = member_text(json_object_get(trial->states, id), "state");
        trial->sides[i].wrong += state != NULL && strcmp(state, "false_positive") == 0;
        trial->sides[i].right += state != NULL && (strcmp(state, "acknowledged") == 0 || strcmp(state, "resolved") == 0);
        if (alerted_sides[1 - i])
            continue;
        trial->sides[i].only++;
        if (json_array_size(trial->samples) < SAMPLES_MAX)
            json_add(trial->samples, json_pack("{s:s, s:o, s:o}", "which", i == 0 ? "only_old" : "only_new", "title", json_text_or_null(verdicts[i].alert.title), "path",
                                               json_sprintf("/topics/%s?p=%d&o=%lld", trial->sides[0].spec.topic, (int)event->partition, (long long)event->offset)));
    }
}

static void progress_append(struct trial *trial)
{
    event_append(&trial->out, "progress", json_pack("{s:I, s:I}", "scanned", (json_int_t)trial->scanned, "total", (json_int_t)history_total(trial->history)));
}

/* Of those that people judged; null when they judged none. */
static json_t *precision_make(const struct side *side)
{
    return side->right + side->wrong == 0 ? json_null() : json_real((double)side->right / (double)(side->right + side->wrong));
}

static void done_append(struct trial *trial)
{
    struct backtest_result result = backtest_result_read(trial->backtest);

    progress_append(trial);
    event_append(&trial->out, "done",
                 json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:O, s:o, s:I, s:I}", "old", (json_int_t)result.alerts[0], "new", (json_int_t)result.alerts[1], "both", (json_int_t)result.both, "only_old",
                           (json_int_t)trial->sides[0].only, "only_new", (json_int_t)trial->sides[1].only, "precision_old", precision_make(&trial->sides[0]), "precision_new",
                           precision_make(&trial->sides[1]), "samples", trial->samples, "old_stopped", result.stopped.status == OK ? json_null() : json_text_or_null(result.stopped.message), "judged", (json_int_t)result.judged, "unreadable", (json_int_t)result.unreadable));
    trial->done = true;
}

static void error_append(struct trial *trial, const struct error *error)
{
    event_append(&trial->out, "error", json_pack("{s:o}", "error", error_body(status_name(error->status), "The test ended early.", error->message, "Correct the rule, or choose other rows.")));
    trial->done = true;
}

/* ---- Steps ---- */

static void step(struct trial *trial)
{
    int64_t until_ms = clock_monotonic_ms() + SLICE_MS;
    struct source_record record;
    struct error error;
    bool got = true;
    enum status status = OK;

    while (status == OK && got && clock_monotonic_ms() < until_ms) {
        status = history_next(trial->history, &record, &got, &error);
        if (status == OK && got) {
            trial->scanned++;
            status = backtest_record(trial->backtest, &record, &error);
        }
    }
    if (status != OK)
        error_append(trial, &error);
    else if (!got)
        done_append(trial);
    else
        progress_append(trial);
}

static ssize_t trial_next(void *context, char *bytes, size_t size)
{
    struct trial *trial = context;
    size_t left = trial->out.size - trial->sent;

    if (left == 0) {
        if (trial->done || trial->out.failed || api_is_stopping(trial->api) || http_client_is_gone(trial->fd))
            return -1;
        buffer_reset(&trial->out);
        trial->sent = 0;
        step(trial);
        left = trial->out.size;
    }
    if (left > size)
        left = size;
    memcpy(bytes, trial->out.data + trial->sent, left);
    trial->sent += left;
    return (ssize_t)left;
}

static void trial_end(void *context)
{
    struct trial *trial = context;

    api_place_give(trial->api, PLACE_SEARCH);
    backtest_destroy(trial->backtest);
    history_close(trial->history);
    for (int i = 0; i < 2; i++) {
        properties_finish(&trial->sides[i].settings);
        properties_finish(&trial->sides[i].rule);
    }
    json_decref(trial->states);
    json_decref(trial->samples);
    buffer_finish(&trial->out);
    arena_finish(&trial->arena);
    memory_free(trial);
}

/* ---- Beginning ---- */

/* A side's spec from its configuration. */
static enum status side_read(struct trial *trial, struct side *side, const struct properties *config, struct error *error)
{
    for (size_t i = 0; i < config->count; i++)
        properties_set(&side->settings, arena_format(&trial->arena, "agents.%s.%s", trial->name, config->items[i].key), config->items[i].value);
    return agent_spec_read(&side->settings, trial->name, &side->spec, &side->rule, error);
}

static enum status trial_open(struct api_call *call, struct trial *trial, struct error *error)
{
    int64_t to_ms = member_integer(call->body, "to_ms", -1), now_ms = clock_now_ms();
    struct backtest_spec spec = {.side_count = 2, .operations = trial->sides[1].spec.operations, .topic = trial->sides[0].spec.topic, .key = trial->sides[1].spec.key, .first_may_stop = true,
                                 .listener = alerted, .context = trial};
    struct history_spec range = {.bootstrap_servers = api_settings_of(call->api)->kafka, .topic = trial->sides[0].spec.topic,
                                 .from_ms = member_integer(call->body, "from_ms", now_ms - BEFORE_MS), .to_ms = to_ms < now_ms ? to_ms : -1};
    enum status status;

    for (int i = 0; i < 2; i++)
        spec.sides[i] = (struct backtest_side_spec){trial->sides[i].spec.rule, &trial->sides[i].rule};
    status = backtest_create(&spec, &trial->backtest, error);
    return status == OK ? history_open(&range, &trial->history, error) : status;
}

void api_agent_backtest(struct api_call *call)
{
    struct properties configs[2];
    struct error error = {.status = OK};
    struct trial *trial;
    enum status status;

    if (!control_configs_read(call, &configs[0], &configs[1]))
        return;
    if (!api_place_take(call, PLACE_SEARCH)) {
        properties_finish(&configs[0]);
        properties_finish(&configs[1]);
        return;
    }
    trial = memory_new(sizeof(*trial));
    trial->api = call->api;
    trial->fd = http_client_fd(call->request);
    arena_init(&trial->arena, 4096);
    buffer_init(&trial->out, OUT_MAX);
    trial->name = arena_copy_string(&trial->arena, slice_from_string(call->parts[0]));
    trial->states = keeper_all(api_alert_states(call->api), "");
    trial->samples = json_array();
    for (int i = 0; i < 2; i++) {
        properties_init(&trial->sides[i].settings);
        properties_init(&trial->sides[i].rule);
    }
    status = side_read(trial, &trial->sides[0], &configs[0], &error);
    if (status == OK)
        status = side_read(trial, &trial->sides[1], &configs[1], &error);
    if (status == OK)
        status = trial_open(call, trial, &error);
    properties_finish(&configs[0]);
    properties_finish(&configs[1]);
    if (status == OK) {
        api_stream_begin(call, trial_next, trial_end, trial);
        return;
    }
    api_error(call, status == ERROR_UNAVAILABLE ? 503 : 400, "BAD_CONFIG", "The test was not begun.", arena_copy_string(call->arena, slice_from_string(error.message)), "Correct it, then test again.");
    trial_end(trial);
}
