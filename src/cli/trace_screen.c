#include "cli/trace_screen.h"

#include "base/amount.h"
#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/client.h"

#define BAR_COLUMNS 32
#define FAR 4 /* reads that end so many times later than everything else are not drawn: the rest would vanish */

/* ---- The question ---- */

static bool is_lsn(const char *text)
{
    unsigned high, low;
    char rest;

    return strchr(text, '/') != NULL && sscanf(text, "%8X/%8X%c", &high, &low, &rest) == 2;
}

static bool is_made_of(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL)
            return false;
    }
    return text.size > 0;
}

static bool is_alert(struct slice text)
{
    return text.size == 18 && memcmp(text.data, "A-", 2) == 0 && is_made_of(slice_from(text, 2), "0123456789abcdef");
}

static bool is_number(struct slice text)
{
    return text.size < 20 && is_made_of(text, "0123456789");
}

/* "xid:735", "xid 735", "xid=735": the number; NULL otherwise. */
static const char *transaction_of(const char *text)
{
    const char *number = text + 4;

    if (strlen(text) < 5 || memcmp(text, "xid", 3) != 0 || strchr(":= ", text[3]) == NULL)
        return NULL;
    while (*number == ' ')
        number++;
    return is_number(slice_from_string(number)) ? number : NULL;
}

/* TOPIC:PARTITION:OFFSET taken apart; topics have no colons. */
static bool place_split(const char *text, char topic[256], char partition[24], const char **offset)
{
    const char *first = strchr(text, ':'), *second = first == NULL ? NULL : strchr(first + 1, ':');

    if (second == NULL || first == text || first - text > 255 || !is_number(slice_of(first + 1, (size_t)(second - first - 1))) || !is_number(slice_from_string(second + 1)))
        return false;
    (void)snprintf(topic, 256, "%.*s", (int)(first - text), text);
    (void)snprintf(partition, 24, "%.*s", (int)(second - first - 1), first + 1);
    *offset = second + 1;
    return true;
}

static enum status one_question(const char *text, struct buffer *path, struct error *error)
{
    char topic[256], partition[24];
    const char *offset, *number = transaction_of(text);

    if (is_lsn(text)) {
        client_path(path, "/trace?lsn=%s", text);
    } else if (number != NULL) {
        client_path(path, "/trace?xid=%s", number);
    } else if (is_alert(slice_from_string(text))) {
        client_path(path, "/trace?alert=%s", text);
    } else if (place_split(text, topic, partition, &offset)) {
        client_path(path, "/trace?topic=%s&p=%s&o=%s", topic, partition, offset);
    } else {
        buffer_init(path, 1);
        return error_set(error, ERROR_USAGE,
                         "\"%s\" is none of LSN (2A/91F3C0E8), xid:N, TOPIC:PARTITION:OFFSET and alert id (A-…); a row by its key takes two words: TABLE KEY", text);
    }
    return OK;
}

enum status trace_question(const char *const *operands, size_t count, int64_t budget_s, struct buffer *path, struct error *error)
{
    enum status status = OK;

    if (count == 0) {
        buffer_init(path, 1);
        return error_set(error, ERROR_USAGE, "which row? TABLE KEY, LSN, xid:N, TOPIC:PARTITION:OFFSET or the id of an alert");
    }
    if (count == 2)
        client_path(path, "/trace?table=%s&key=%s", operands[0], operands[1]);
    else
        status = one_question(operands[0], path, error);
    if (status == OK && budget_s > 0) {
        path->size--; /* its NUL */
        buffer_append_format(path, "&budget_ms=%lld", (long long)budget_s * MS_PER_SECOND);
        buffer_append_u8(path, '\0');
    }
    return status;
}

/* ---- Steps ---- */

static int64_t end_of(const json_t *hop)
{
    return json_number(hop, "start_us", 0) + json_number(hop, "took_us", 0);
}

static bool is_known(const json_t *hop)
{
    return json_is_integer(json_object_get(hop, "took_us"));
}

static bool is_outside(const json_t *hop)
{
    return json_is_true(json_object_get(hop, "later")) || strcmp(json_text(hop, "stage"), "out") == 0;
}

/* How much time the drawing spans: all steps here, and the readers' that are not far behind them. */
static int64_t span_of(const json_t *hops)
{
    int64_t own_us = 1, span_us;
    const json_t *hop;
    size_t index;

    json_array_foreach(hops, index, hop) {
        if (is_known(hop) && !is_outside(hop) && end_of(hop) > own_us)
            own_us = end_of(hop);
    }
    span_us = own_us;
    json_array_foreach(hops, index, hop) {
        if (is_known(hop) && end_of(hop) > span_us && end_of(hop) <= own_us * FAR)
            span_us = end_of(hop);
    }
    return span_us;
}

static void bar_append(struct buffer *bar, const json_t *hop, int64_t span_us)
{
    int64_t from = json_number(hop, "start_us", 0) * BAR_COLUMNS / span_us, to = end_of(hop) * BAR_COLUMNS / span_us;

    if (!is_known(hop))
        return;
    if (end_of(hop) > span_us) {
        buffer_append_format(bar, "%*s", BAR_COLUMNS - 5, "");
        buffer_append_string(bar, "later");
        return;
    }
    if (from > BAR_COLUMNS - 1)
        from = BAR_COLUMNS - 1;
    buffer_append_format(bar, "%*s", (int)from, "");
    buffer_append_string(bar, to > from ? "" : "▏");
    for (int64_t i = from; i < to; i++)
        buffer_append_string(bar, "█");
}

/* A cell from a buffer that is used up. */
static void cell_take(struct table *table, enum style style, struct buffer *text)
{
    table_cell(table, style, "%.*s", (int)text->size, (const char *)text->data);
    buffer_reset(text);
}

static void micros_cell(struct table *table, struct buffer *text, const char *before, int64_t us)
{
    buffer_append_string(text, before);
    amount_micros(text, us);
    cell_take(table, STYLE_PLAIN, text);
}

static void hops_print(const json_t *hops, struct page *page)
{
    struct table *table = table_create("step|>after commit|>took|way|what");
    int64_t span_us = span_of(hops);
    struct buffer text;
    const json_t *hop;
    size_t index;

    buffer_init(&text, 4096);
    json_array_foreach(hops, index, hop) {
        bool known = is_known(hop);
        const char *step = json_text(hop, "step");

        table_cell(table, strcmp(step, "alerted") == 0 ? STYLE_STRONG : STYLE_PLAIN, "%s", step);
        if (known) {
            micros_cell(table, &text, end_of(hop) == 0 ? "" : "+", end_of(hop));
            micros_cell(table, &text, "", json_number(hop, "took_us", 0));
        } else {
            table_cell(table, STYLE_DIM, "not known");
            table_cell(table, STYLE_DIM, "-");
        }
        bar_append(&text, hop, span_us);
        cell_take(table, STYLE_PLAIN, &text);
        table_cell(table, STYLE_DIM, "%s", json_text(hop, "note"));
    }
    table_print(table, page);
    table_destroy(table);
    buffer_finish(&text);
}

/* ---- Around them ---- */

static const char *operation_word(const char *operation)
{
    static const char *const words[][2] = {{"c", "Insert"}, {"u", "Update"}, {"d", "Delete"}, {"r", "Row of a snapshot"}, {"t", "Truncate"}, {"m", "Message"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(operation, words[i][0]) == 0)
            return words[i][1];
    }
    return "Record";
}

static void readers_print(const json_t *readers, struct page *page)
{
    struct table *table = table_create("reader|kind|>after commit|state");
    struct buffer text;
    const json_t *reader;
    size_t index;

    buffer_init(&text, 256);
    json_array_foreach(readers, index, reader) {
        bool waits = strcmp(json_text(reader, "state"), "ok") != 0;

        table_cell(table, STYLE_PLAIN, "%s", json_text(reader, "reader"));
        table_cell(table, STYLE_PLAIN, "%s", json_text(reader, "kind"));
        if (json_is_integer(json_object_get(reader, "after_us")))
            micros_cell(table, &text, "+", json_number(reader, "after_us", 0));
        else
            table_cell(table, STYLE_DIM, "-");
        table_cell(table, waits ? STYLE_WARN : STYLE_GOOD, "%s", json_text(reader, "word"));
    }
    if (table_rows(table) > 0)
        page_print(page, STYLE_PLAIN, "\n");
    table_print(table, page);
    table_destroy(table);
    buffer_finish(&text);
}

static void waits_print(const json_t *waits, struct page *page)
{
    const json_t *wait;
    size_t index;

    json_array_foreach(waits, index, wait) {
        const char *state = json_text(wait, "state");
        bool is_ok = strcmp(state, "ok") == 0;

        if (is_ok)
            page_print(page, STYLE_PLAIN, "\n%s\n", json_text(wait, "why"));
        else
            page_print(page, strcmp(state, "crit") == 0 ? STYLE_BAD : STYLE_WARN, "\nWaits to be %s. ", json_text(wait, "step"));
        if (!is_ok)
            page_print(page, STYLE_PLAIN, "%s\n", json_text(wait, "why"));
        if (*json_text(wait, "todo") != '\0')
            page_print(page, STYLE_PLAIN, "  Do: %s\n", json_text(wait, "todo"));
    }
}

static void change_print(const json_t *change, struct page *page)
{
    int64_t commit_us = json_number(change, "commit_us", -1);
    struct buffer text;

    buffer_init(&text, 256);
    if (commit_us >= 0) {
        amount_time(&text, commit_us / US_PER_MS);
        text.size--; /* its Z */
        buffer_append_format(&text, ".%06lldZ", (long long)(commit_us % US_PER_SECOND));
    }
    page_print(page, STYLE_STRONG, "%s", operation_word(json_text(change, "op")));
    page_print(page, STYLE_PLAIN, "  %s:%lld:%lld", json_text(change, "topic"), (long long)json_number(change, "partition", 0), (long long)json_number(change, "offset", 0));
    if (*json_text(change, "lsn") != '\0')
        page_print(page, STYLE_PLAIN, "  LSN %s", json_text(change, "lsn"));
    if (*json_text(change, "xid") != '\0')
        page_print(page, STYLE_PLAIN, "  transaction %s", json_text(change, "xid"));
    if (text.size > 0)
        page_print(page, STYLE_PLAIN, "  committed %.*s", (int)text.size, (const char *)text.data);
    page_print(page, STYLE_PLAIN, "\n");
    if (*json_text(change, "traceparent") != '\0')
        page_print(page, STYLE_DIM, "traceparent %s\n", json_text(change, "traceparent"));
    page_print(page, STYLE_PLAIN, "\n");
    hops_print(json_object_get(change, "hops"), page);
    page_print(page, STYLE_DIM, "%s\n", json_text(change, "known_why"));
    readers_print(json_object_get(change, "readers"), page);
    waits_print(json_object_get(change, "waits"), page);
    buffer_finish(&text);
}

static void looked_print(const json_t *looked, struct page *page)
{
    struct buffer text;

    buffer_init(&text, 256);
    amount_count(&text, json_number(looked, "records", 0));
    buffer_append_string(&text, json_number(looked, "records", 0) == 1 ? " record looked through" : " records looked through");
    if (json_is_integer(json_object_get(looked, "back_to_ms"))) {
        buffer_append_string(&text, ", back to ");
        amount_time(&text, json_number(looked, "back_to_ms", 0));
    }
    page_print(page, STYLE_PLAIN, "It is not in the log (%.*s%s).\n", (int)text.size, (const char *)text.data,
               json_is_true(json_object_get(looked, "complete")) ? "" : "; there is more before it: --budget looks longer");
    buffer_finish(&text);
}

bool trace_screen_render(const json_t *answer, struct page *page)
{
    const json_t *changes = json_object_get(answer, "changes"), *change;
    size_t index;

    if (json_array_size(changes) == 0)
        looked_print(json_object_get(answer, "looked"), page);
    if (json_is_true(json_object_get(answer, "more")))
        page_print(page, STYLE_PLAIN, "There are more changes; these are the newest %zu.\n\n", json_array_size(changes));
    if (*json_text(answer, "note") != '\0')
        page_print(page, STYLE_WARN, "%s\n\n", json_text(answer, "note"));
    json_array_foreach(changes, index, change) {
        page_print(page, STYLE_PLAIN, index == 0 ? "" : "\n");
        change_print(change, page);
    }
    waits_print(json_object_get(answer, "waits"), page);
    return json_array_size(changes) > 0;
}
