/*
 * agents/rules/spending_pattern.c: does this user spend much more than usual?
 *
 * "spending-pattern": per key the last 50 amounts; with at least 3 of them, an amount over 3 times their mean and over 500
 * is an anomaly. The judgement comes before the amount joins the history. All of it is exact: amount > factor * sum / n is
 * compared as amount * n > factor * sum.
 *
 * "spending-pattern-robust": the mean and the standard deviation of the same window, and amounts that were an anomaly do not
 * join it, so that outliers neither raise the limit nor hide the next ones: amount > mean + 3 sigma and > 500.
 *
 * State of a key: 16 bytes and 16 per amount.
 *   0  1  layout, 2
 *   1  1  scale of the amounts
 *   2  2  amounts kept
 *   4  2  place of the oldest one
 *   6  2  zero
 *   8  8  transactions of this key so far
 *  16 16… per amount: unscaled; place of its row: partition << 48 | offset, -1 unknown
 */
#include "agents/rule.h"
#include "agents/rule_settings.h"
#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/memory.h"

#include <math.h>

#define LAYOUT 2
#define OFFSET_BITS 48

struct spent {
    int64_t amount;
    uint64_t place;
};

struct history {
    uint8_t layout;
    uint8_t scale;
    uint16_t count;
    uint16_t oldest;
    uint16_t zero;
    uint64_t transactions;
    struct spent spent[];
};

struct spending {
    bool robust;
    int64_t window, minimum;
    struct decimal factor, floor;
    char *user, *amount;
};

extern const struct rule_kind rule_spending_pattern, rule_spending_pattern_robust;

static const struct rule_setting own_settings[] = {
    {"window", RULE_INTEGER, offsetof(struct spending, window), "50", 2, 1000, "amounts kept per key"},
    {"minimum", RULE_INTEGER, offsetof(struct spending, minimum), "3", 1, 1000, "amounts needed before anything is judged"},
    {"factor", RULE_DECIMAL, offsetof(struct spending, factor), "3", 0, 0, "times the mean (robust: standard deviations above it)"},
    {"floor", RULE_DECIMAL, offsetof(struct spending, floor), "500", 0, 0, "amounts up to this are never an anomaly"},
    {"column.user", RULE_TEXT, offsetof(struct spending, user), "user_id", 0, 0, "column that names who spends"},
    {"column.amount", RULE_TEXT, offsetof(struct spending, amount), "amount", 0, 0, "column with the amount"},
};

static enum status create(const struct rule_kind *kind, const struct properties *settings, void **created, struct error *error)
{
    struct spending *rule = memory_new(sizeof(*rule));

    *rule = (struct spending){.robust = kind == &rule_spending_pattern_robust};
    *created = rule;
    return rule_settings_read(kind, settings, rule, error);
}

static void destroy(void *context)
{
    struct spending *rule = context;

    memory_free(rule->user);
    memory_free(rule->amount);
    memory_free(rule);
}

static enum status prepare(void *context, const struct change_schema *schema, struct error *error)
{
    struct spending *rule = context;
    const char *const columns[] = {rule->user, rule->amount};

    return row_require(schema, columns, 2, error);
}

static bool history_is_whole(const struct history *history, size_t size)
{
    return size >= sizeof(*history) && history->layout == LAYOUT && size >= sizeof(*history) + history->count * sizeof(history->spent[0]);
}

/* The history of a key, whose entry may be new or of another layout. */
static struct history *history_open(struct state_table *states, struct state_entry **entry)
{
    struct history *history = (struct history *)(*entry)->bytes;

    if (!history_is_whole(history, (*entry)->size)) {
        if (!state_resize(states, entry, sizeof(*history)))
            return NULL;
        history = (struct history *)(*entry)->bytes;
        *history = (struct history){.layout = LAYOUT};
    }
    return history;
}

/* Brings history and amount to one scale; false when that does not fit into 64 bits. */
static bool scale_align(struct history *history, const struct decimal *amount, int64_t *unscaled)
{
    struct decimal scaled;

    if (history->count == 0)
        history->scale = (uint8_t)amount->scale;
    if (amount->scale > history->scale) {
        for (size_t i = 0; i < history->count; i++) {
            struct decimal old = {history->spent[i].amount, history->scale};

            if (!decimal_rescale(&old, amount->scale, &scaled) || scaled.unscaled > INT64_MAX || scaled.unscaled < INT64_MIN)
                return false;
        }
        for (size_t i = 0; i < history->count; i++) {
            struct decimal old = {history->spent[i].amount, history->scale};

            (void)decimal_rescale(&old, amount->scale, &scaled);
            history->spent[i].amount = (int64_t)scaled.unscaled;
        }
        history->scale = (uint8_t)amount->scale;
    }
    if (!decimal_rescale(amount, history->scale, &scaled) || scaled.unscaled > INT64_MAX || scaled.unscaled < INT64_MIN)
        return false;
    *unscaled = (int64_t)scaled.unscaled;
    return true;
}

static struct decimal history_sum(const struct history *history)
{
    struct decimal sum = {0, history->scale};

    for (size_t i = 0; i < history->count; i++)
        sum.unscaled += history->spent[i].amount;
    return sum;
}

/* amount > factor * sum / count, without a division */
static bool exceeds_mean(const struct spending *rule, const struct history *history, const struct decimal *amount, const struct decimal *sum)
{
    struct decimal left, right = *sum;

    if (!decimal_multiply(amount, history->count, &left))
        return true;
    if (__builtin_mul_overflow(right.unscaled, rule->factor.unscaled, &right.unscaled))
        return false;
    right.scale += rule->factor.scale;
    return decimal_compare(&left, &right) > 0;
}

static double deviation(const struct history *history, double mean, double unit)
{
    double squares = 0;

    for (size_t i = 0; i < history->count; i++) {
        double difference = (double)history->spent[i].amount * unit - mean;
        squares += difference * difference;
    }
    return sqrt(squares / history->count);
}

static bool history_append(const struct spending *rule, struct state_table *states, struct state_entry **entry, const struct spent *spent)
{
    struct history *history = (struct history *)(*entry)->bytes;
    size_t room = ((*entry)->size - sizeof(*history)) / sizeof(*spent);

    if (history->count == room && room < (size_t)rule->window) {
        size_t more = room < 4 ? 4 : room * 2 < (size_t)rule->window ? room * 2 : (size_t)rule->window;

        if (!state_resize(states, entry, sizeof(*history) + more * sizeof(*spent)))
            return false;
        history = (struct history *)(*entry)->bytes;
    }
    if (history->count < rule->window) {
        history->spent[history->count++] = *spent;
    } else {
        history->spent[history->oldest] = *spent;
        history->oldest = (uint16_t)((history->oldest + 1) % rule->window);
    }
    return true;
}

/* A window that was set smaller since: the newest amounts stay, in order. */
static void history_fit(const struct spending *rule, struct history *history)
{
    struct spent kept[1000];
    size_t wanted = (size_t)rule->window;

    if (history->count <= wanted && (history->oldest == 0 || history->count == wanted))
        return;
    wanted = history->count < wanted ? history->count : wanted;
    for (size_t i = 0; i < wanted; i++)
        kept[i] = history->spent[(history->oldest + history->count - wanted + i) % history->count];
    memcpy(history->spent, kept, wanted * sizeof(kept[0]));
    history->count = (uint16_t)wanted;
    history->oldest = 0;
}

/* The newest of what it was compared with, oldest first. */
static void inputs_fill(const struct history *history, struct arena *arena, struct alert *alert)
{
    size_t first = history->count > ALERT_INPUTS_MAX ? history->count - ALERT_INPUTS_MAX : 0;

    alert->input_total = history->count;
    for (size_t i = first; i < history->count; i++) {
        const struct spent *spent = &history->spent[(history->oldest + i) % history->count];
        struct decimal amount = {spent->amount, history->scale};
        bool known = spent->place != UINT64_MAX;

        alert->inputs[alert->input_count++] = (struct alert_input){known ? (int32_t)(spent->place >> OFFSET_BITS) : -1,
                                                                   known ? (int64_t)(spent->place & ((UINT64_C(1) << OFFSET_BITS) - 1)) : -1, 0, decimal_text(&amount, arena)};
    }
}

static void explain(const struct spending *rule, const struct history *history, const struct rule_event *event, const struct decimal *amount,
                    const char *user, double limit, struct arena *arena, struct alert *alert)
{
    struct decimal sum = history_sum(history);
    double mean = decimal_to_double(&sum) / history->count;

    alert_begin(alert, event, arena);
    alert->subject = arena_format(arena, "User %s", user);
    alert->number = decimal_text(amount, arena);
    alert->title = arena_format(arena, "User %s spent %s, the limit is %.2f", user, alert->number, limit);
    alert->window_by = "count";
    alert->conditions[0] = (struct alert_condition){arena_format(arena, "Amount against the last %u", history->count), alert->number,
                                                    rule->robust ? arena_format(arena, "> %.2f (mean %.2f + %g standard deviations)", limit, mean, decimal_to_double(&rule->factor))
                                                                 : arena_format(arena, "> %.2f (%g times the mean %.2f)", limit, decimal_to_double(&rule->factor), mean),
                                                    0, true};
    alert->conditions[1] = (struct alert_condition){"Amount", alert->number, arena_format(arena, "> %s", decimal_text(&rule->floor, arena)), 0, true};
    alert->condition_count = 2;
    inputs_fill(history, arena, alert);
}

/* What this row was compared with; limit 0: it was not judged yet. */
static const char *features(const struct history *history, const struct decimal *amount, double limit, struct arena *arena)
{
    struct decimal sum = history_sum(history);

    return arena_format(arena, "{\"amount\":\"%s\",\"kept\":%u,\"transactions\":%llu,\"mean\":%.4f,\"limit\":%.4f}", decimal_text(amount, arena), history->count,
                        (unsigned long long)history->transactions, history->count == 0 ? 0.0 : decimal_to_double(&sum) / history->count, limit);
}

static bool may_alert(void *context, const struct rule_event *event)
{
    const struct spending *rule = context;
    struct decimal amount;

    return row_amount(event, rule->amount, &amount, NULL) == OK && decimal_compare(&amount, &rule->floor) > 0;
}

static enum status judge(void *context, const struct rule_event *event, struct state_table *states, struct arena *arena,
                         struct rule_verdict *verdict, struct error *error)
{
    struct spending *rule = context;
    struct state_entry *entry;
    struct history *history;
    struct decimal amount, sum;
    int64_t unscaled;
    double limit = 0;
    bool alert = false;
    enum status status = row_amount(event, rule->amount, &amount, error);

    if (status != OK)
        return status;
    entry = state_open(states, event->key);
    history = history_open(states, &entry);
    if (history == NULL)
        return error_set(error, ERROR_LIMIT, "the state of one key is full");
    history_fit(rule, history);
    if (!scale_align(history, &amount, &unscaled))
        return error_set(error, ERROR_BAD_INPUT, "column \"%s\" has more digits than 64 bits hold", rule->amount);
    history->transactions++;
    verdict->outcome = RULE_NORMAL;
    if (history->count >= rule->minimum && decimal_compare(&amount, &rule->floor) > 0) {
        sum = history_sum(history);
        if (rule->robust) {
            double mean = decimal_to_double(&sum) / history->count;
            struct decimal one = {1, history->scale};

            limit = mean + decimal_to_double(&rule->factor) * deviation(history, mean, decimal_to_double(&one));
            alert = decimal_to_double(&amount) > limit;
        } else {
            limit = decimal_to_double(&rule->factor) * decimal_to_double(&sum) / history->count;
            alert = exceeds_mean(rule, history, &amount, &sum);
        }
    }
    if (alert) {
        verdict->outcome = RULE_ALERT;
        explain(rule, history, event, &amount, column_text(event, rule->user, arena), limit, arena, &verdict->alert);
    }
    if (event->wants_line) {
        const char *user = column_text(event, rule->user, arena);

        verdict->line = alert ? arena_format(arena, "🚨 ANOMALY DETECTED: User %s spent $%s (Significantly higher than average)", user,
                                             decimal_text(&amount, arena))
                              : arena_format(arena, "📊 Profile updated for User %s", user);
    }
    if (event->wants_features)
        verdict->features = features(history, &amount, limit, arena);
    if (!(alert && rule->robust) && !history_append(rule, states, &entry, &(struct spent){unscaled, (uint64_t)event->partition << OFFSET_BITS | (uint64_t)event->offset}))
        return error_set(error, ERROR_LIMIT, "the state of one key is full");
    state_touch(states, entry);
    return OK;
}

static void describe(void *context, struct slice state, struct buffer *json)
{
    const struct spending *rule = context;
    const struct history *history = (const struct history *)(const void *)state.data;
    struct decimal sum;
    char text[DECIMAL_TEXT_SIZE];

    if (!history_is_whole(history, state.size)) {
        buffer_append_string(json, "null");
        return;
    }
    sum = history_sum(history);
    decimal_print(&sum, text);
    buffer_append_format(json, "{\"transactions\":%llu,\"kept\":%u,\"window\":%lld,\"sum\":\"%s\",\"mean\":%.4f,\"amounts\":[",
                         (unsigned long long)history->transactions, history->count, (long long)rule->window, text,
                         history->count == 0 ? 0.0 : decimal_to_double(&sum) / history->count);
    for (size_t i = 0; i < history->count; i++) {
        struct decimal amount = {history->spent[(history->oldest + i) % history->count].amount, history->scale};

        decimal_print(&amount, text);
        buffer_append_format(json, "%s\"%s\"", i == 0 ? "" : ",", text);
    }
    buffer_append_string(json, "]}");
}

const struct rule_kind rule_spending_pattern = {
    .name = "spending-pattern", .version = 1, .summary = "An amount far above what this user usually spends (3 times the mean of the last 50)",
    .greeting = "🧬 Anomaly Detection Agent started...", .key_column = "user_id", RULE_SETTINGS(own_settings), .create = create, .destroy = destroy,
    .prepare = prepare, .judge = judge, .may_alert = may_alert, .describe = describe};

const struct rule_kind rule_spending_pattern_robust = {
    .name = "spending-pattern-robust", .version = 1, .summary = "An amount far above what is usual for the key, by mean and standard deviation; anomalies do not join the history",
    .greeting = "🧬 Anomaly Detection Agent started...", .key_column = "user_id", RULE_SETTINGS(own_settings), .create = create, .destroy = destroy,
    .prepare = prepare, .judge = judge, .may_alert = may_alert, .describe = describe};
