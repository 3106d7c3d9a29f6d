#include "compare/report.h"

#include "base/banned.h"
#include "base/page.h"

#include <inttypes.h>
#include <jansson.h>

static const struct {
    const char *label, *key;
} misses[] = {
    [MISS_DELETE] = {"  deletes", "deletes"},
    [MISS_UPDATE] = {"  updates", "updates"},
    [MISS_MARK] = {"  committed behind the mark", "behind_mark"},
    [MISS_BETWEEN] = {"  replaced or gone before a poll", "between_polls"},
    [MISS_OTHER] = {"  others", "others"},
};

/* ---- For people ---- */

static void duration(struct table *table, double ms)
{
    table_cell(table, STYLE_PLAIN, ms < 10 ? "%.2f ms" : "%.0f ms", ms);
}

static void seconds(struct table *table, double s)
{
    table_cell(table, STYLE_PLAIN, s < 0 ? "unknown" : "%.2f s", s);
}

static void number(struct table *table, int64_t value)
{
    table_cell(table, STYLE_PLAIN, "%" PRId64, value);
}

static void megabytes(struct table *table, double mb)
{
    table_cell(table, STYLE_PLAIN, "%.0f MB", mb);
}

/* One line: a value of each side. */
#define LINE(label, print, value)                                                                                                          \
    do {                                                                                                                                   \
        table_cell(table, STYLE_PLAIN, "%s", label);                                                                                       \
        for (size_t i = 0; i < count; i++)                                                                                                 \
            print(table, sides[i].value);                                                                                                  \
    } while (0)

static void conditions_text(const struct conditions *conditions, struct buffer *out)
{
    double interval_s = (double)conditions->interval_ms / 1000;

    buffer_append_format(out,
                         "%" PRId64 " changes in %.1f s: %" PRId64 " inserts, %" PRId64 " updates, %" PRId64 " deletes; %" PRId64
                         " of them in transactions open for %.1f s\non a table of %" PRId64 " rows, a poll every %.1f s",
                         conditions->inserts + conditions->updates + conditions->deletes, conditions->seconds, conditions->inserts,
                         conditions->updates, conditions->deletes, conditions->late, interval_s * 1.5, conditions->table_rows, interval_s);
    if (conditions->overlap_ms > 0)
        buffer_append_format(out, ", by time looking back %.1f s", (double)conditions->overlap_ms / 1000);
    buffer_append_format(out, "; PostgreSQL %s, %ld cores\n\n", conditions->server, conditions->cores);
}

void report_text(const struct conditions *conditions, const struct side *sides, size_t count, struct buffer *out)
{
    struct page page = {.text = out};
    struct table *table;
    struct buffer columns;

    buffer_init(&columns, 4096);
    for (size_t i = 0; i < count; i++)
        buffer_append_format(&columns, "|>%s", sides[i].method->name);
    buffer_append_u8(&columns, '\0');
    table = table_create((const char *)columns.data);
    LINE("commit to consumer, p50", duration, account.p50_ms);
    LINE("commit to consumer, p99", duration, account.p99_ms);
    LINE("changes seen", number, account.seen);
    LINE("changes missed", number, account.missed_total);
    for (size_t miss = 0; miss < MISS_COUNT; miss++)
        LINE(misses[miss].label, number, account.missed[miss]);
    LINE("rows that came again", number, again);
    LINE("queries on the table", number, queries);
    LINE("waited for their answers", seconds, query_s);
    LINE("CPU of PostgreSQL for it", seconds, database_cpu_s);
    LINE("CPU of the consumer", seconds, consumer_cpu_s);
    LINE("CPU of Tailrace", seconds, program_cpu_s);
    LINE("memory of the consumer, peak", megabytes, consumer_mb);
    LINE("memory of Tailrace, peak", megabytes, program_mb);
    conditions_text(conditions, out);
    table_print(table, &page);
    table_destroy(table);
    buffer_finish(&columns);
}

/* ---- JSON ---- */

static double rounded(double value)
{
    return (double)(int64_t)(value * 1000 + 0.5) / 1000;
}

static json_t *side_json(const struct side *side)
{
    const struct account *account = &side->account;
    json_t *missed = json_pack("{s:I}", "total", (json_int_t)account->missed_total);

    for (size_t i = 0; i < MISS_COUNT; i++)
        (void)json_object_set_new(missed, misses[i].key, json_integer((json_int_t)account->missed[i]));
    return json_pack(
        "{s:s, s:s, s:{s:f, s:f, s:f, s:f}, s:I, s:o, s:I, s:I, s:I, s:I, s:f, s:o, s:f, s:f, s:f, s:f}", "method", side->method->key,
        "name", side->method->name, "latency_ms", "p50", rounded(account->p50_ms), "p90", rounded(account->p90_ms), "p99",
        rounded(account->p99_ms), "max", rounded(account->max_ms), "seen", (json_int_t)account->seen, "missed", missed, "seen_again",
        (json_int_t)side->again, "unexpected", (json_int_t)account->unexpected, "rows_read", (json_int_t)side->rows, "queries",
        (json_int_t)side->queries, "query_s", rounded(side->query_s), "database_cpu_s",
        side->database_cpu_s < 0 ? json_null() : json_real(rounded(side->database_cpu_s)), "consumer_cpu_s", rounded(side->consumer_cpu_s),
        "program_cpu_s", rounded(side->program_cpu_s), "consumer_mb", rounded(side->consumer_mb), "program_mb", rounded(side->program_mb));
}

void report_json(const struct conditions *conditions, const struct side *sides, size_t count, struct buffer *out)
{
    json_t *methods = json_array(), *all;
    char *text;

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(methods, side_json(&sides[i]));
    all = json_pack("{s:{s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}, s:o}", "conditions", "seconds",
                    rounded(conditions->seconds), "rate", (json_int_t)conditions->rate, "interval_ms", (json_int_t)conditions->interval_ms,
                    "overlap_ms", (json_int_t)conditions->overlap_ms, "table_rows", (json_int_t)conditions->table_rows, "inserts",
                    (json_int_t)conditions->inserts, "updates", (json_int_t)conditions->updates, "deletes", (json_int_t)conditions->deletes,
                    "late", (json_int_t)conditions->late, "cores", (json_int_t)conditions->cores, "postgresql", conditions->server,
                    "methods", methods);
    text = json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    buffer_append_string(out, text);
    buffer_append_u8(out, '\n');
    free(text);
    json_decref(all);
}
