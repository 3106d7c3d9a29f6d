#include "server/status_screen.h"

#include "base/amount.h"
#include "base/banned.h"
#include "base/time.h"

#include <stdlib.h>

#define NAME_COLUMNS_MAX 60
#define ROWS_MAX 10 /* of a list; more are counted, and have a command of their own */
#define YEAR_MS (INT64_C(365) * 86400 * 1000)

/* ---- Values ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int64_t number_or(const json_t *object, const char *name, int64_t absent)
{
    const json_t *value = json_object_get(object, name);

    return json_is_number(value) ? (int64_t)json_number_value(value) : absent;
}

static enum style style_of(const char *state)
{
    static const struct {
        const char *state;
        enum style style;
    } styles[] = {{"RUNNING", STYLE_GOOD}, {"running", STYLE_GOOD}, {"ok", STYLE_GOOD},      {"warn", STYLE_WARN},    {"retrying", STYLE_WARN}, {"crit", STYLE_BAD},
                  {"FAILED", STYLE_BAD},   {"failed", STYLE_BAD},   {"PAUSED", STYLE_WARN}, {"STOPPED", STYLE_WARN}, {"stopped", STYLE_WARN}};

    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        if (strcmp(styles[i].state, state) == 0)
            return styles[i].style;
    }
    return STYLE_PLAIN;
}

/* ---- Head ---- */

static void head_render(const json_t *description, int64_t now_ms, struct page *page)
{
    int64_t started_ms = number_of(description, "started_ms");
    const json_t *process = json_object_get(description, "process");
    const char *version = text_of(description, "version");
    struct buffer facts;

    buffer_init(&facts, 512);
    buffer_append_format(&facts, "process %lld, since ", (long long)number_of(description, "pid"));
    amount_time(&facts, started_ms);
    buffer_append_string(&facts, " (");
    amount_duration(&facts, now_ms - started_ms);
    buffer_append_string(&facts, "), ");
    amount_bytes(&facts, number_of(process, "resident_bytes"));
    buffer_append_string(&facts, " memory");
    buffer_append_u8(&facts, 0);
    page_print(page, STYLE_STRONG, "tailrace %s", version);
    page_paragraph(page, strlen("tailrace ") + strlen(version), ", ", (const char *)facts.data);
    page_print(page, STYLE_PLAIN, "data in %s\n\n", text_of(description, "data_dir"));
    buffer_finish(&facts);
}

static bool is_note(const json_t *problem)
{
    return strcmp(text_of(problem, "severity"), "info") == 0;
}

static void problem_render(const json_t *problem, int64_t now_ms, struct page *page)
{
    bool is_critical = strcmp(text_of(problem, "severity"), "crit") == 0;
    int64_t since_ms = number_of(problem, "since_ms");

    page_print(page, is_critical ? STYLE_BAD : STYLE_WARN, is_critical ? "PROBLEM" : "WATCH  ");
    page_print(page, STYLE_STRONG, "  %s", text_of(problem, "what"));
    if (since_ms > 0 && now_ms >= since_ms) {
        buffer_append_string(page->text, " (for ");
        amount_duration(page->text, now_ms - since_ms);
        buffer_append_string(page->text, ")");
    }
    page_print(page, STYLE_PLAIN, "\n");
    page_paragraph(page, 0, "   why:  ", text_of(problem, "why"));
    if (*text_of(problem, "lost") != '\0')
        page_paragraph(page, 0, "  lost:  ", text_of(problem, "lost"));
    page_paragraph(page, 0, "    do:  ", text_of(problem, "do"));
}

static void problems_render(const json_t *description, int64_t now_ms, struct page *page)
{
    const json_t *problems = json_object_get(description, "problems"), *problem;
    bool is_ready = json_is_true(json_object_get(description, "ready"));
    size_t index, notes = 0;

    json_array_foreach(problems, index, problem) notes += is_note(problem);
    if (json_array_size(problems) == notes)
        page_print(page, is_ready ? STYLE_GOOD : STYLE_WARN, is_ready ? "Everything runs." : "Starting.");
    json_array_foreach(problems, index, problem) {
        if (!is_note(problem))
            problem_render(problem, now_ms, page);
    }
    page_print(page, STYLE_PLAIN, json_array_size(problems) == notes ? "\n\n" : "\n");
}

/* What is good to know stands last, where it does not hide what is wrong. */
static void notes_render(const json_t *description, struct page *page)
{
    const json_t *problem;
    size_t index;

    json_array_foreach(json_object_get(description, "problems"), index, problem) {
        if (!is_note(problem))
            continue;
        page_print(page, STYLE_PLAIN, "\n");
        page_paragraph(page, 0, "  note:  ", text_of(problem, "what"));
        page_paragraph(page, 0, "   why:  ", text_of(problem, "why"));
        page_paragraph(page, 0, "    do:  ", text_of(problem, "do"));
    }
}

/* ---- Services ---- */

struct count {
    int64_t number;
    const char *noun; /* in the singular */
};

/* "1 connection, 1,081 partitions" */
static void counts_append(struct buffer *text, const struct count *counts, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        buffer_append_string(text, i == 0 ? "" : ", ");
        amount_count(text, counts[i].number);
        buffer_append_format(text, " %s%s", counts[i].noun, counts[i].number == 1 ? "" : "s");
    }
}

static void counts_cell(struct table *table, const struct count *counts, size_t size)
{
    struct buffer text;

    buffer_init(&text, 1024);
    counts_append(&text, counts, size);
    table_cell(table, STYLE_PLAIN, "%.*s", (int)text.size, (const char *)text.data);
    buffer_finish(&text);
}

static void postgres_row(const json_t *postgres, struct table *table)
{
    if (!json_is_object(postgres))
        return;
    table_cell(table, STYLE_PLAIN, "PostgreSQL");
    table_cell(table, STYLE_PLAIN, "%s:%lld", text_of(postgres, "host"), (long long)number_of(postgres, "port"));
    table_cell(table, json_is_true(json_object_get(postgres, "running")) ? STYLE_GOOD : STYLE_BAD, "%s", text_of(postgres, "state"));
    table_cell(table, STYLE_PLAIN, "private, process %lld, started again %lld time%s", (long long)number_of(postgres, "pid"), (long long)number_of(postgres, "restarts"),
               number_of(postgres, "restarts") == 1 ? "" : "s");
}

static void log_row(const json_t *description, struct table *table)
{
    const json_t *store = json_object_get(description, "store");
    bool degraded = json_is_true(json_object_get(store, "degraded"));
    struct buffer text;

    buffer_init(&text, 512);
    counts_append(&text, (const struct count[]){{number_of(store, "topics"), "topic"}, {number_of(store, "partitions"), "partition"}}, 2);
    buffer_append_string(&text, ", ");
    amount_bytes(&text, number_of(store, "bytes"));
    buffer_append_string(&text, ", ");
    amount_bytes(&text, number_of(store, "free_bytes"));
    buffer_append_string(&text, " free");
    if (number_of(store, "last_round_us") > 0)
        buffer_append_format(&text, ", last round %lld µs", (long long)number_of(store, "last_round_us"));
    table_cell(table, STYLE_PLAIN, "Log");
    table_cell(table, STYLE_PLAIN, "%s/log", text_of(description, "data_dir"));
    table_cell(table, degraded ? STYLE_BAD : STYLE_GOOD, degraded ? "cannot be written" : "running");
    table_cell(table, STYLE_PLAIN, "%.*s", (int)text.size, (const char *)text.data);
    buffer_finish(&text);
}

static void services_render(const json_t *description, struct page *page)
{
    const json_t *broker = json_object_get(description, "broker"), *listener;
    struct table *table = table_create("service|where|state|facts");
    struct buffer listeners;
    size_t index;

    buffer_init(&listeners, 4096);
    json_array_foreach(json_object_get(broker, "listeners"), index, listener)
        buffer_append_format(&listeners, "%s%s", index == 0 ? "" : ", ", json_string_value(listener));
    table_cell(table, STYLE_PLAIN, "Kafka");
    table_cell(table, STYLE_PLAIN, "%.*s", (int)listeners.size, (const char *)listeners.data);
    table_cell(table, STYLE_GOOD, "running");
    counts_cell(table, (const struct count[]){{number_of(broker, "connections"), "connection"}, {number_of(broker, "groups"), "group"}, {number_of(broker, "members"), "member"}}, 3);
    table_cell(table, STYLE_PLAIN, "Connect REST");
    table_cell(table, STYLE_PLAIN, "%s", text_of(description, "rest"));
    table_cell(table, STYLE_GOOD, "running");
    counts_cell(table, (const struct count[]){{(int64_t)json_array_size(json_object_get(description, "connectors")), "connector"}}, 1);
    table_cell(table, STYLE_PLAIN, "Console");
    table_cell(table, STYLE_PLAIN, "%s", text_of(description, "console"));
    table_cell(table, *text_of(description, "console") == '\0' ? STYLE_WARN : STYLE_GOOD, *text_of(description, "console") == '\0' ? "starting" : "running");
    table_cell(table, STYLE_DIM, "-");
    postgres_row(json_object_get(description, "postgres"), table);
    log_row(description, table);
    table_print(table, page);
    table_destroy(table);
    buffer_finish(&listeners);
}

/* ---- Lists ---- */

typedef void row_writer(const json_t *item, int64_t now_ms, struct table *table);

static void connector_row(const json_t *connector, int64_t now_ms, struct table *table)
{
    const json_t *capture = json_object_get(connector, "capture");
    int64_t source_ms = number_of(capture, "source_time_us") / US_PER_MS;
    const char *doing = text_of(capture, "state");

    table_cell(table, STYLE_PLAIN, "%s", text_of(connector, "name"));
    table_cell(table, style_of(text_of(connector, "state")), "%s", text_of(connector, "state"));
    table_cell(table, style_of(doing), "%s", *doing == '\0' ? "-" : doing);
    table_cell_count(table, number_of(capture, "rows"), -1);
    table_cell_duration(table, STYLE_PLAIN, number_or(connector, "behind_ms", -1), -1);
    if (source_ms > 0)
        table_cell_duration(table, STYLE_PLAIN, now_ms - source_ms < 0 ? 0 : now_ms - source_ms, -1);
    else
        table_cell(table, STYLE_DIM, "-");
}

static void slot_row(const json_t *slot, int64_t now_ms, struct table *table)
{
    int64_t full_at_ms = number_or(slot, "full_at_ms", -1);
    const char *connector = text_of(slot, "connector");
    bool is_active = json_is_true(json_object_get(slot, "active"));

    table_cell(table, style_of(text_of(slot, "state")) == STYLE_GOOD ? STYLE_PLAIN : style_of(text_of(slot, "state")), "%s", text_of(slot, "slot"));
    table_cell(table, STYLE_PLAIN, "%s", *connector == '\0' ? "-" : connector);
    if (strcmp(text_of(slot, "wal_status"), "lost") == 0)
        table_cell(table, STYLE_BAD, "lost");
    else
        table_cell(table, is_active ? STYLE_GOOD : STYLE_WARN, is_active ? "read" : json_is_false(json_object_get(slot, "reachable")) ? "out of reach" : "nobody reads");
    table_cell_bytes(table, number_or(slot, "wal_bytes", -1), -1);
    if (full_at_ms - now_ms > YEAR_MS)
        table_cell(table, STYLE_PLAIN, "over a year");
    else
        table_cell_duration(table, STYLE_PLAIN, full_at_ms < 0 ? -1 : full_at_ms < now_ms ? 0 : full_at_ms - now_ms, -1);
}

static void topic_row(const json_t *topic, int64_t now_ms, struct table *table)
{
    (void)now_ms;
    table_cell(table, STYLE_PLAIN, "%s", text_of(topic, "name"));
    table_cell_count(table, number_of(topic, "partitions"), -1);
    table_cell_count(table, number_of(topic, "records"), -1);
    table_cell_bytes(table, number_of(topic, "bytes"), -1);
}

static void group_row(const json_t *group, int64_t now_ms, struct table *table)
{
    enum style style = style_of(text_of(group, "state"));

    (void)now_ms;
    table_cell(table, STYLE_PLAIN, "%s", text_of(group, "group"));
    table_cell(table, style, "%s", text_of(group, "word"));
    table_cell_count(table, number_of(group, "members_count"), -1);
    table_cell_count(table, number_or(group, "waiting", -1), -1);
    table_cell_duration(table, style == STYLE_GOOD ? STYLE_PLAIN : style, number_or(group, "lag_ms", -1), -1);
}

static void agent_row(const json_t *agent, int64_t now_ms, struct table *table)
{
    int64_t left_ms = number_or(agent, "retry_us", -1) / 1000 - now_ms;
    const char *state = text_of(agent, "state");

    table_cell(table, STYLE_PLAIN, "%s", text_of(agent, "name"));
    if (strcmp(state, "retrying") == 0)
        table_cell(table, style_of(state), "retrying in %lld s", (long long)(left_ms <= 0 ? 0 : (left_ms + 999) / 1000));
    else
        table_cell(table, style_of(state), "%s", state);
    table_cell(table, STYLE_PLAIN, "%s", text_of(agent, "topic"));
    table_cell_count(table, number_or(agent, "read", -1), -1);
    table_cell_count(table, number_or(agent, "lag", -1), -1);
    table_cell_count(table, number_or(agent, "alerts", -1), -1);
}

static void sink_row(const json_t *sink, int64_t now_ms, struct table *table)
{
    (void)now_ms;
    table_cell(table, STYLE_PLAIN, "%s", text_of(sink, "name"));
    table_cell(table, style_of(text_of(sink, "state")), "%s", text_of(sink, "state"));
    table_cell(table, STYLE_PLAIN, "%s", text_of(sink, "kind"));
    table_cell_count(table, number_or(sink, "delivered", -1), -1);
    table_cell_count(table, number_or(sink, "waiting", -1), -1);
}

static void report_row(const json_t *report, int64_t now_ms, struct table *table)
{
    (void)now_ms;
    table_cell(table, STYLE_PLAIN, "%s", text_of(report, "name"));
    table_cell(table, style_of(text_of(report, "state")), "%s", text_of(report, "state"));
    table_cell_count(table, number_or(report, "runs", -1), -1);
    table_cell_count(table, number_or(report, "failures", -1), -1);
}

static const struct list {
    const char *member, *columns;
    row_writer *write;
    const char *largest; /* the most of this come first; NULL: in their order */
    const char *more;    /* the command that shows all */
} lists[] = {
    {"connectors", "connector|state|doing|>rows|>behind|>last commit ago", connector_row, NULL, "tailrace connectors"},
    {"slots", "slot|connector|state|>WAL kept|>disk full in", slot_row, "wal_bytes", "tailrace status --json"},
    {"topics", "topic|>partitions|>records|>size", topic_row, "bytes", "tailrace topics"},
    {"groups", "group|state|>members|>waiting|>lag", group_row, "waiting", "tailrace groups"},
    {"agents", "agent|state|topic|>read|>waiting|>alerts", agent_row, NULL, "tailrace status --json"},
    {"sinks", "sink|state|kind|>delivered|>waiting", sink_row, NULL, "tailrace status --json"},
    {"reports", "report|state|>runs|>failures", report_row, NULL, "tailrace status --json"},
};

struct ranked {
    const json_t *item;
    int64_t rank;
    size_t place;
};

static int higher_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->rank != y->rank ? (x->rank < y->rank ? 1 : -1) : x->place < y->place ? -1 : 1;
}

/* Puts another item among the `count` highest that are kept, and keeps ROWS_MAX of them. */
static size_t rank_in(struct ranked *kept, size_t count, struct ranked one)
{
    kept[count] = one;
    qsort(kept, count + 1, sizeof(*kept), higher_first);
    return count == ROWS_MAX ? ROWS_MAX : count + 1;
}

/* Topics that tailrace keeps for itself: nobody looks for them here. */
static bool is_own(const json_t *item)
{
    static const char *const prefixes[] = {"__", "connect-", "tailrace-"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]) && json_object_get(item, "partitions") != NULL; i++) {
        if (strncmp(text_of(item, "name"), prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return json_is_true(json_object_get(item, "internal"));
}

static void list_render(const json_t *description, const struct list *list, int64_t now_ms, struct page *page)
{
    const json_t *items = json_object_get(description, list->member), *item;
    struct table *table = table_create(list->columns);
    struct ranked kept[ROWS_MAX + 1];
    size_t index, count = 0, total = 0;

    table_limit(table, NAME_COLUMNS_MAX);
    json_array_foreach(items, index, item) {
        if (is_own(item))
            continue;
        count = rank_in(kept, count, (struct ranked){item, list->largest == NULL ? 0 : number_or(item, list->largest, -1), index});
        total++;
    }
    for (size_t i = 0; i < count; i++)
        list->write(kept[i].item, now_ms, table);
    if (count > 0)
        page_print(page, STYLE_PLAIN, "\n");
    table_print(table, page);
    if (total > count)
        page_print(page, STYLE_DIM, "… and %zu more: %s\n", total - count, list->more);
    table_destroy(table);
}

void status_screen_render(const json_t *description, int64_t now_ms, struct page *page)
{
    head_render(description, now_ms, page);
    problems_render(description, now_ms, page);
    services_render(description, page);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        list_render(description, &lists[i], now_ms, page);
    notes_render(description, page);
}
