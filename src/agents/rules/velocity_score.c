/*
 * agents/rules/velocity_score.c: many transactions of one user in a short time, and large ones, give points.
 *
 * More than 5 transactions within 60 s (this one counted): 40 points; amount over 4,000: 50 points; an alert over 70.
 * "velocity-score" goes by the wall clock of the moment it sees a row; "velocity-score-event" by the row's commit time, so
 * that a replay gives the same answers, and rows that come late are put into their place.
 *
 * State of a key: 24 bytes and 24 per transaction in the window. The newest time stands in front, so that a row that comes in order
 * reads the front of the state only, which is fetched ahead, and not its end in memory that no cache holds.
 *   0  1  layout, 2 (1: without the newest time)
 *   1  3  zero
 *   4  4  transactions kept
 *   8  8  transactions of this key so far
 *  16  8  time of the newest one kept
 *  24     per transaction, oldest first: time in microseconds, partition << 48 | offset, amount * 10^6 (INT64_MIN: unknown)
 */
#include "agents/rule.h"
#include "agents/rule_settings.h"
#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"

#include <inttypes.h>

#define LAYOUT 2
#define LAYOUT_FIRST 1
#define LAYOUT_FIRST_BYTES 16 /* of its front */
#define AMOUNT_SCALE 6
#define OFFSET_BITS 48

struct passed {
    int64_t time_us;
    uint64_t place;
    int64_t amount;
};

struct window {
    uint8_t layout;
    uint8_t zero[3];
    uint32_t count;
    uint64_t transactions;
    int64_t newest_us; /* nothing when none is kept */
    struct passed passed[];
};

struct velocity {
    bool by_event_time;
    int64_t window_seconds, count_limit, count_points, amount_points, score_limit, kept_max;
    struct decimal amount_limit;
    char *user, *amount, *id;
};

static const struct rule_setting own_settings[] = {
    {"window.seconds", RULE_INTEGER, offsetof(struct velocity, window_seconds), "60", 1, 7 * 86400, "length of the window"},
    {"count.limit", RULE_INTEGER, offsetof(struct velocity, count_limit), "5", 1, 1000, "transactions in the window that are still usual"},
    {"count.points", RULE_INTEGER, offsetof(struct velocity, count_points), "40", 0, 1000, "points for more than that"},
    {"amount.limit", RULE_DECIMAL, offsetof(struct velocity, amount_limit), "4000", 0, 0, "amount that is still usual"},
    {"amount.points", RULE_INTEGER, offsetof(struct velocity, amount_points), "50", 0, 1000, "points for more than that"},
    {"score.limit", RULE_INTEGER, offsetof(struct velocity, score_limit), "70", 0, 10000, "an alert for a score above this"},
    {"kept.max", RULE_INTEGER, offsetof(struct velocity, kept_max), "100", 8, 2000, "transactions kept per key; with more in one window the oldest go"},
    {"column.user", RULE_TEXT, offsetof(struct velocity, user), "user_id", 0, 0, "column that names who spends"},
    {"column.amount", RULE_TEXT, offsetof(struct velocity, amount), "amount", 0, 0, "column with the amount"},
    {"column.id", RULE_TEXT, offsetof(struct velocity, id), "id", 0, 0, "column that names the transaction"},
};

static enum status create(const struct rule_kind *kind, const struct properties *settings, void **created, struct error *error)
{
    struct velocity *rule = memory_new(sizeof(*rule));

    *rule = (struct velocity){.by_event_time = kind->event_time};
    *created = rule;
    return rule_settings_read(kind, settings, rule, error);
}

static void destroy(void *context)
{
    struct velocity *rule = context;

    memory_free(rule->user);
    memory_free(rule->amount);
    memory_free(rule->id);
    memory_free(rule);
}

static enum status prepare(void *context, const struct change_schema *schema, struct error *error)
{
    struct velocity *rule = context;
    const char *const columns[] = {rule->user, rule->amount};

    return row_require(schema, columns, 2, error);
}

static bool window_is_whole(const struct window *window, size_t size)
{
    return size >= sizeof(*window) && window->layout == LAYOUT && window->count <= (size - sizeof(*window)) / sizeof(struct passed);
}

/* What an earlier version kept: the same with a shorter front. */
static struct window *window_convert(struct state_table *states, struct state_entry **entry)
{
    struct window *window = (struct window *)(*entry)->bytes;
    size_t bytes;

    if ((*entry)->size < LAYOUT_FIRST_BYTES || window->layout != LAYOUT_FIRST ||
        window->count > ((*entry)->size - LAYOUT_FIRST_BYTES) / sizeof(struct passed))
        return NULL;
    bytes = window->count * sizeof(struct passed);
    if (!state_resize(states, entry, sizeof(*window) + bytes))
        return NULL;
    window = (struct window *)(*entry)->bytes;
    memmove(window->passed, (const uint8_t *)window + LAYOUT_FIRST_BYTES, bytes);
    window->layout = LAYOUT;
    window->newest_us = window->count == 0 ? 0 : window->passed[window->count - 1].time_us;
    return window;
}

static struct window *window_open(struct state_table *states, struct state_entry **entry)
{
    struct window *window = (struct window *)(*entry)->bytes;

    if (window_is_whole(window, (*entry)->size))
        return window;
    window = window_convert(states, entry);
    if (window == NULL && state_resize(states, entry, sizeof(*window))) {
        window = (struct window *)(*entry)->bytes;
        *window = (struct window){.layout = LAYOUT};
    }
    return window;
}

/* The first one later than this; they are in order of time. */
static uint32_t later_than(const struct window *window, int64_t time_us)
{
    uint32_t low = 0, high = window->count;

    if (high == 0 || window->passed[0].time_us > time_us)
        return 0;
    if (window->newest_us <= time_us)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (window->passed[middle].time_us <= time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first one that still counts: within the window of the newest, and no more than kept.max. What lies before goes now and then, in one. */
static uint32_t oldest_kept(const struct velocity *rule, const struct window *window)
{
    uint32_t first = window->count == 0 ? 0 : later_than(window, window->newest_us - rule->window_seconds * US_PER_SECOND);

    return window->count - first > (uint32_t)rule->kept_max ? window->count - (uint32_t)rule->kept_max : first;
}

static void window_forget(struct window *window, uint32_t old)
{
    memmove(window->passed, window->passed + old, (window->count - old) * sizeof(window->passed[0]));
    window->count -= old;
}

/* Puts the transaction into its place in time. */
static struct window *window_add(const struct velocity *rule, struct state_table *states, struct state_entry **entry, const struct passed *passed)
{
    struct window *window = (struct window *)(*entry)->bytes;
    uint32_t old = oldest_kept(rule, window), at;

    if (old > window->count / 4)
        window_forget(window, old);
    if ((*entry)->size < sizeof(*window) + (window->count + 1) * sizeof(struct passed)) {
        if (!state_resize(states, entry, sizeof(*window) + (window->count + (window->count < 4 ? 2 : window->count / 2)) * sizeof(struct passed)))
            return NULL;
        window = (struct window *)(*entry)->bytes;
    }
    at = window->count;
    if (at == 0 || window->newest_us <= passed->time_us)
        window->newest_us = passed->time_us;
    else
        for (; at > 0 && window->passed[at - 1].time_us > passed->time_us; at--)
            window->passed[at] = window->passed[at - 1];
    window->passed[at] = *passed;
    window->count++;
    return window;
}

/* Those in the window that ends with this transaction: from *first to before *end. */
static int64_t window_count(const struct velocity *rule, const struct window *window, int64_t time_us, uint32_t *first, uint32_t *end)
{
    uint32_t oldest = oldest_kept(rule, window);

    *first = later_than(window, time_us - rule->window_seconds * US_PER_SECOND);
    *end = later_than(window, time_us);
    if (*first < oldest)
        *first = oldest;
    if (*first >= *end) /* it came so late that all of its time is forgotten */
        *first = *end - 1;
    return *end - *first;
}

static const char *passed_number(const struct passed *passed, int32_t scale, struct arena *arena)
{
    struct decimal full = {passed->amount, AMOUNT_SCALE}, shown;

    return passed->amount == INT64_MIN || !decimal_rescale(&full, scale, &shown) ? NULL : decimal_text(&shown, arena);
}

static void explain(const struct velocity *rule, const struct window *window, const struct rule_event *event, const struct decimal *amount,
                    const char *user, uint32_t first, uint32_t end, int32_t score, struct arena *arena, struct alert *alert)
{
    int64_t count = end - first;

    alert_begin(alert, event, arena);
    alert->subject = arena_format(arena, "User %s", user);
    alert->number = decimal_text(amount, arena);
    alert->score = arena_format(arena, "%d", score);
    alert->score_limit = arena_format(arena, "> %" PRId64, rule->score_limit);
    alert->title = arena_format(arena, "User %s scored %d, the limit is %" PRId64, user, score, rule->score_limit);
    alert->window_from_us = event->time_us - rule->window_seconds * US_PER_SECOND;
    alert->window_to_us = event->time_us;
    alert->window_by = rule->by_event_time ? "event time" : "processing time";
    alert->conditions[0] = (struct alert_condition){arena_format(arena, "Transactions in %" PRId64 " s", rule->window_seconds),
                                                    arena_format(arena, "%" PRId64, count), arena_format(arena, "> %" PRId64, rule->count_limit),
                                                    (int32_t)rule->count_points, count > rule->count_limit};
    alert->conditions[1] = (struct alert_condition){"Amount", alert->number, arena_format(arena, "> %s", decimal_text(&rule->amount_limit, arena)),
                                                    (int32_t)rule->amount_points, decimal_compare(amount, &rule->amount_limit) > 0};
    alert->condition_count = 2;
    alert->input_total = end - first;
    for (uint32_t i = end - first > ALERT_INPUTS_MAX ? end - ALERT_INPUTS_MAX : first; i < end; i++) { /* the newest ones */
        const struct passed *passed = &window->passed[i];

        alert->inputs[alert->input_count++] =
            (struct alert_input){(int32_t)(passed->place >> OFFSET_BITS), (int64_t)(passed->place & ((UINT64_C(1) << OFFSET_BITS) - 1)),
                                 passed->time_us, passed_number(passed, amount->scale > AMOUNT_SCALE ? AMOUNT_SCALE : amount->scale, arena)};
    }
}

static int64_t amount_kept(const struct decimal *amount)
{
    struct decimal scaled;

    return decimal_rescale(amount, AMOUNT_SCALE, &scaled) && scaled.unscaled <= INT64_MAX && scaled.unscaled > INT64_MIN ? (int64_t)scaled.unscaled
                                                                                                                        : INT64_MIN;
}

/* Many transactions alone may not be enough. */
static bool may_alert(void *context, const struct rule_event *event)
{
    const struct velocity *rule = context;
    struct decimal amount;

    return rule->count_points > rule->score_limit ||
           (row_amount(event, rule->amount, &amount, NULL) == OK && decimal_compare(&amount, &rule->amount_limit) > 0);
}

static enum status judge(void *context, const struct rule_event *event, struct state_table *states, struct arena *arena,
                         struct rule_verdict *verdict, struct error *error)
{
    struct velocity *rule = context;
    struct state_entry *entry;
    struct window *window;
    struct decimal amount;
    struct passed passed = {event->time_us, (uint64_t)event->partition << OFFSET_BITS | (uint64_t)event->offset, 0};
    uint32_t first, end;
    int64_t count;
    enum status status = row_amount(event, rule->amount, &amount, error);

    if (status != OK)
        return status;
    entry = state_open(states, event->key);
    passed.amount = amount_kept(&amount);
    if (window_open(states, &entry) == NULL || (window = window_add(rule, states, &entry, &passed)) == NULL)
        return error_set(error, ERROR_LIMIT, "the state of one key is full");
    window->transactions++;
    state_touch(states, entry);
    count = window_count(rule, window, event->time_us, &first, &end);
    verdict->score = (int32_t)((count > rule->count_limit ? rule->count_points : 0) +
                               (decimal_compare(&amount, &rule->amount_limit) > 0 ? rule->amount_points : 0));
    verdict->outcome = verdict->score > rule->score_limit ? RULE_ALERT : RULE_NORMAL;
    if (verdict->outcome == RULE_ALERT)
        explain(rule, window, event, &amount, column_text(event, rule->user, arena), first, end, verdict->score, arena, &verdict->alert);
    if (event->wants_features)
        verdict->features = arena_format(arena, "{\"amount\":\"%s\",\"in_window\":%" PRId64 ",\"window_seconds\":%" PRId64 ",\"transactions\":%" PRIu64 "}",
                                         decimal_text(&amount, arena), count, rule->window_seconds, window->transactions);
    if (event->wants_line && verdict->outcome == RULE_ALERT)
        verdict->line = arena_format(arena, "⚠️ HIGH FRAUD ALERT: User %s | Score: %d | Amt: %s", column_text(event, rule->user, arena), verdict->score,
                                     verdict->alert.number);
    else if (event->wants_line)
        verdict->line = arena_format(arena, "✅ Transaction OK: %s (Score: %d)", column_text(event, rule->id, arena), verdict->score);
    return OK;
}

static void describe(void *context, struct slice state, struct buffer *json)
{
    const struct velocity *rule = context;
    const struct window *window = (const struct window *)(const void *)state.data;

    if (!window_is_whole(window, state.size)) {
        buffer_append_string(json, "null");
        return;
    }
    buffer_append_format(json, "{\"transactions\":%" PRIu64 ",\"window_seconds\":%" PRId64 ",\"in_window\":[", window->transactions, rule->window_seconds);
    for (uint32_t i = oldest_kept(rule, window), first = i; i < window->count; i++) {
        const struct passed *passed = &window->passed[i];

        buffer_append_format(json, "%s{\"partition\":%d,\"offset\":%" PRIu64 ",\"at_us\":%" PRId64 "}", i == first ? "" : ",",
                             (int)(passed->place >> OFFSET_BITS), passed->place & ((UINT64_C(1) << OFFSET_BITS) - 1), passed->time_us);
    }
    buffer_append_string(json, "]}");
}

extern const struct rule_kind rule_velocity_score, rule_velocity_score_event;

const struct rule_kind rule_velocity_score = {
    .name = "velocity-score", .version = 1, .summary = "Points for many transactions in a minute and for large amounts, by the wall clock",
    .greeting = "Agent started. Listening for CDC events...", .key_column = "user_id", RULE_SETTINGS(own_settings), .create = create, .destroy = destroy,
    .prepare = prepare, .judge = judge, .may_alert = may_alert, .describe = describe};

const struct rule_kind rule_velocity_score_event = {
    .name = "velocity-score-event", .version = 1, .summary = "Points for many transactions in a minute and for large amounts, by commit time: a replay gives the same answers",
    .greeting = "Agent started. Listening for CDC events...", .key_column = "user_id", .event_time = true, RULE_SETTINGS(own_settings), .create = create, .destroy = destroy,
    .prepare = prepare, .judge = judge, .may_alert = may_alert, .describe = describe};
