#include "agents/backtest.h"
#include "agents/history.h"
#include "agents/rule_settings.h"
#include "agents/rules/row.h"
#include "base/banned.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/logger.h"
#include "os/moment.h"
#include "server/command.h"
#include "server/commands.h"
#include "wire/json/text.h"

#include <inttypes.h>
#include <libpq-fe.h>

#define LABELS_BYTES_MAX ((size_t)256 << 20)
#define LINE_BYTES_MAX ((size_t)1 << 20)

/* ---- What both have ---- */

struct range {
    const char *bootstrap, *from, *to, *config;
};

static enum status moment_read(const char *option, const char *text, int64_t *ms, struct error *error)
{
    *ms = -1;
    if (text == NULL || moment_parse(text, clock_now_ms(), ms))
        return OK;
    return error_set(error, ERROR_USAGE, "--%s %s: it has to be a time in UTC as \"2026-01-07 17:26\" or how long ago, as 2h", option, text);
}

static enum status range_open(const struct range *range, const char *topic, struct history **history, struct error *error)
{
    struct history_spec spec = {.bootstrap_servers = range->bootstrap, .topic = topic};
    struct properties client;
    struct buffer text;
    enum status status = moment_read("from", range->from, &spec.from_ms, error);

    properties_init(&client);
    buffer_init(&text, 1 << 20);
    if (status == OK)
        status = moment_read("to", range->to, &spec.to_ms, error);
    if (status == OK && range->config != NULL)
        status = disk_read_file(disk_real(), range->config, &text, error);
    if (status == OK && range->config != NULL)
        status = properties_parse(&client, buffer_slice(&text), error);
    spec.client = &client;
    if (status == OK)
        status = history_open(&spec, history, error);
    buffer_finish(&text);
    properties_finish(&client);
    return status;
}

static void line_print(struct buffer *line)
{
    buffer_append_u8(line, '\n');
    (void)fwrite(line->data, 1, line->size, stdout);
    buffer_reset(line);
}

/* ---- backtest ---- */

struct shown {
    bool json, summary;
    size_t sides;
    const char *names[BACKTEST_SIDES_MAX];
    struct buffer line;
};

static void alert_show(void *context, const struct rule_event *event, const bool *alerted, const struct rule_verdict *verdicts, bool labelled)
{
    struct shown *shown = context;
    size_t said = alerted[0] ? 0 : 1;

    (void)event;
    if (shown->summary)
        return;
    if (shown->json) {
        buffer_append_format(&shown->line, "{\"first\":%s,\"second\":%s,\"labelled\":%s,\"alert\":", alerted[0] ? "true" : "false",
                             shown->sides < 2 ? "null" : alerted[1] ? "true" : "false", labelled ? "true" : "false");
        alert_write(&verdicts[said].alert, &shown->line);
        buffer_append_u8(&shown->line, '}');
    } else {
        buffer_append_format(&shown->line, "%s%s (partition %d, offset %" PRId64 ")", shown->sides < 2 ? "" : alerted[0] && alerted[1] ? "both: " : alerted[0] ? "only first: " : "only second: ",
                             verdicts[said].alert.title, event->partition, event->offset);
    }
    line_print(&shown->line);
}

static double share(int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static void side_print(const struct shown *shown, const struct backtest_result *result, size_t i)
{
    if (shown->json) {
        (void)printf("%s{\"rule\":\"%s\",\"alerts\":%" PRId64, i == 0 ? "" : ",", shown->names[i], result->alerts[i]);
        if (result->labels > 0)
            (void)printf(",\"hits\":%" PRId64 ",\"precision\":%.4f,\"recall\":%.4f", result->hits[i], share(result->hits[i], result->alerts[i]),
                         share(result->hits[i], result->labelled_rows));
        (void)printf("}");
        return;
    }
    (void)printf("%s: %" PRId64 " alerts", shown->names[i], result->alerts[i]);
    if (result->labels > 0)
        (void)printf(", precision %.1f %%, recall %.1f %% (%" PRId64 " of %" PRId64 " labelled rows)", 100 * share(result->hits[i], result->alerts[i]),
                     100 * share(result->hits[i], result->labelled_rows), result->hits[i], result->labelled_rows);
    (void)printf("\n");
}

static void summary_print(const struct shown *shown, const struct backtest_result *result, double seconds)
{
    if (shown->json) {
        (void)printf("{\"summary\":{\"rows\":%" PRId64 ",\"unreadable\":%" PRId64 ",\"ignored\":%" PRId64 ",\"seconds\":%.3f,\"rows_per_second\":%.0f,\"first_us\":%" PRId64
                     ",\"last_us\":%" PRId64 ",\"labels\":%" PRId64 ",\"labelled_rows\":%" PRId64 ",\"sides\":[",
                     result->judged, result->unreadable, result->ignored, seconds, seconds > 0 ? (double)result->judged / seconds : 0, result->first_us, result->last_us,
                     result->labels, result->labelled_rows);
    } else {
        (void)printf("%" PRId64 " rows in %.1f s", result->judged, seconds);
        if (result->unreadable > 0)
            (void)printf(", %" PRId64 " records that an agent would put to its dead letters (the first: %s)", result->unreadable, result->first_unreadable.message);
        (void)printf("\n");
    }
    for (size_t i = 0; i < shown->sides; i++)
        side_print(shown, result, i);
    if (shown->json)
        (void)printf("]");
    if (shown->sides == 2)
        (void)printf(shown->json ? ",\"both\":%" PRId64 ",\"only_first\":%" PRId64 ",\"only_second\":%" PRId64
                                 : "both: %" PRId64 ", only the first: %" PRId64 ", only the second: %" PRId64 "\n",
                     result->both, result->alerts[0] - result->both, result->alerts[1] - result->both);
    if (shown->json)
        (void)printf("}}\n");
}

/* The first field of each line; a heading does no harm, since no row has its text. */
static enum status labels_from_file(struct backtest *backtest, const char *path, struct error *error)
{
    struct buffer text;
    enum status status;

    buffer_init(&text, LABELS_BYTES_MAX);
    status = disk_read_file(disk_real(), path, &text, error);
    for (size_t at = 0; status == OK && at < text.size;) {
        size_t end = at, line;

        while (end < text.size && text.data[end] != '\n' && text.data[end] != ',' && text.data[end] != '\r')
            end++;
        for (line = end; line < text.size && text.data[line] != '\n'; line++)
            ;
        if (end > at)
            backtest_label(backtest, slice_of(text.data + at, end - at));
        at = line + 1;
    }
    buffer_finish(&text);
    return status;
}

static enum status labels_from_table(struct backtest *backtest, const char *conninfo, const char *table, struct error *error)
{
    PGconn *connection = PQconnectdb(conninfo);
    enum status status = OK;
    PGresult *result = NULL;
    char *sql = NULL;

    if (PQstatus(connection) == CONNECTION_OK) {
        char *name = PQescapeIdentifier(connection, table, strlen(table));

        sql = memory_format("SELECT * FROM %s", name == NULL ? "\"\"" : name);
        PQfreemem(name);
        result = PQexec(connection, sql);
    }
    if (result == NULL || PQresultStatus(result) != PGRES_TUPLES_OK)
        status = error_set(error, ERROR_DATABASE, "labels from table %s: %.*s", table, (int)strcspn(PQerrorMessage(connection), "\n"), PQerrorMessage(connection));
    for (int i = 0; status == OK && i < PQntuples(result); i++)
        backtest_label(backtest, slice_from_string(PQgetvalue(result, i, 0)));
    PQclear(result);
    memory_free(sql);
    PQfinish(connection);
    return status;
}

static enum status assignments_read(const struct option_list *assignments, struct properties *settings, struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; i < assignments->count && status == OK; i++)
        status = properties_set_assignment(settings, assignments->items[i], error);
    return status;
}

struct labels {
    const char *from, *conninfo;
};

static enum status backtest_run(const struct backtest_spec *spec, const struct range *range, const struct labels *labels, struct shown *shown, struct error *error)
{
    struct backtest *backtest = NULL;
    struct history *history = NULL;
    int64_t began_ns = clock_monotonic_ns();
    bool got = true;
    enum status status = backtest_create(spec, &backtest, error);

    if (status == OK && labels->from != NULL)
        status = labels->conninfo == NULL ? labels_from_file(backtest, labels->from, error) : labels_from_table(backtest, labels->conninfo, labels->from, error);
    if (status == OK)
        status = range_open(range, spec->topic, &history, error);
    while (status == OK && got) {
        struct source_record record;

        status = history_next(history, &record, &got, error);
        if (status == OK && got)
            status = backtest_record(backtest, &record, error);
    }
    if (status == OK) {
        struct backtest_result result = backtest_result_read(backtest);

        summary_print(shown, &result, (double)(clock_monotonic_ns() - began_ns) / NS_PER_SECOND);
    }
    history_close(history);
    backtest_destroy(backtest);
    return status;
}

int backtest_main(int argc, char **argv)
{
    static struct option_list first_set, second_set;
    static struct range range = {.bootstrap = "localhost:9092"};
    static struct labels labels;
    static struct shown shown;
    struct backtest_spec spec = {.operations = "c,r", .label_column = "id", .side_count = 1, .listener = alert_show, .context = &shown};
    struct properties first, second;
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands));
    size_t operand_count = 0;
    struct error error;
    enum status status;
    int ended;
    const struct option_row rows[] = {
        {"topic", OPTION_TEXT, &spec.topic, "TOPIC", "Topic of change events to read (required)", 0, 0},
        {"bootstrap-server", OPTION_TEXT, &range.bootstrap, "HOST:PORT", "Where Kafka's protocol is spoken; default localhost:9092", 0, 0},
        {"from", OPTION_TEXT, &range.from, "TIME", "Begin there: \"2026-01-07 17:26\" in UTC, or how long ago: 2h; default: the oldest", 0, 0},
        {"to", OPTION_TEXT, &range.to, "TIME", "End before; default: what is there now", 0, 0},
        {"set", OPTION_LIST, &first_set, "KEY=VALUE", "Setting of the rule; may come several times", 0, 0},
        {"against", OPTION_TEXT, &spec.sides[1].rule, "RULE2", "A second rule (or the same with other settings) over the same rows", 0, 0},
        {"against-set", OPTION_LIST, &second_set, "KEY=VALUE", "Setting of the second rule; may come several times", 0, 0},
        {"labels", OPTION_TEXT, &labels.from, "FILE|TABLE", "Which rows were bad: the first field of each line, or the table's first column", 0, 0},
        {"labels-conninfo", OPTION_TEXT, &labels.conninfo, "CONNINFO", "Database of the table of labels (libpq's form); without it --labels is a file", 0, 0},
        {"label-column", OPTION_TEXT, &spec.label_column, "COLUMN", "Column of the rows that the labels name; default id", 0, 0},
        {"key", OPTION_TEXT, &spec.key, "COLUMN", "Column that the state is kept by; default: the rule's own", 0, 0},
        {"operations", OPTION_TEXT, &spec.operations, "c,r,u,d", "Which changes are judged; default c,r", 0, 0},
        {"command-config", OPTION_TEXT, &range.config, "FILE", "Settings of the Kafka client, as a properties file", 0, 0},
        {"json", OPTION_FLAG, &shown.json, NULL, "One line of JSON per alert, and one with the summary", 0, 0},
        {"summary", OPTION_FLAG, &shown.summary, NULL, "Only the summary, not each alert", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    const struct options options = {
        .command = "tailrace backtest",
        .operands = "RULE",
        .summary = "Runs a rule, or two side by side, over the history of a topic; writes nothing and uses no consumer group.",
        .rows = rows,
        .operands_max = 1,
        .operands_min = 1,
        .examples = "tailrace backtest spending-pattern --topic dbserver1.public.transactions\n"
                    "tailrace backtest velocity-score --topic dbserver1.public.transactions --from 1d",
        .description = "With --labels it tells precision and recall.",
    };

    ended = command_options(&options, argc, argv, operands, &operand_count);
    spec.sides[0].rule = operand_count > 0 ? operands[0] : NULL;
    memory_free(operands);
    if (ended >= 0)
        return ended;
    if (spec.topic == NULL) {
        (void)error_set(&error, ERROR_USAGE, "tailrace backtest: --topic is missing; see tailrace backtest --help");
        return command_fail(&error);
    }
    (void)logger_set_level(NULL, "warning");
    spec.side_count = spec.sides[1].rule == NULL ? 1 : 2;
    properties_init(&first);
    properties_init(&second);
    spec.sides[0].settings = &first;
    spec.sides[1].settings = &second;
    shown.sides = spec.side_count;
    shown.names[0] = spec.sides[0].rule;
    shown.names[1] = spec.sides[1].rule;
    buffer_init(&shown.line, LINE_BYTES_MAX);
    status = assignments_read(&first_set, &first, &error);
    if (status == OK)
        status = assignments_read(&second_set, &second, &error);
    if (status == OK)
        status = backtest_run(&spec, &range, &labels, &shown, &error);
    buffer_finish(&shown.line);
    properties_finish(&first);
    properties_finish(&second);
    if (status != OK)
        return command_fail(&error);
    return command_print(slice_null());
}

/* ---- export ---- */

struct export {
    bool csv;
    const char **columns; /* of the CSV's first line; owned */
    size_t column_count;
    bool said;            /* that a column came later */
    struct buffer line;
    int64_t rows, unreadable;
};

#define META_COLUMNS "__op,__partition,__offset,__source_ts_us,__lsn"

static void csv_begin(struct export *out, const struct change_schema *schema)
{
    out->columns = memory_new_array(schema->column_count, sizeof(*out->columns));
    out->column_count = schema->column_count;
    buffer_append_string(&out->line, META_COLUMNS);
    for (size_t i = 0; i < schema->column_count; i++) {
        out->columns[i] = memory_copy_string(schema->columns[i].name);
        buffer_append_u8(&out->line, ',');
        csv_append(&out->line, out->columns[i]);
    }
    line_print(&out->line);
}

static void csv_row(struct export *out, const struct rule_event *event, struct arena *arena)
{
    const struct change *change = event->change;

    if (out->columns == NULL)
        csv_begin(out, change->schema);
    if (change->schema->column_count > out->column_count && !out->said) {
        (void)fprintf(stderr, "tailrace: from partition %d, offset %" PRId64 " on the rows have more columns than the first; CSV leaves them out, --format jsonl has them\n",
                      event->partition, event->offset);
        out->said = true;
    }
    buffer_append_format(&out->line, "%.1s,%d,%" PRId64 ",%" PRId64 ",", &change->operation, event->partition, event->offset, change->source_time_us);
    if (change->lsn >= 0)
        buffer_append_decimal(&out->line, change->lsn);
    for (size_t i = 0; i < out->column_count; i++) {
        const struct change_value *value = change_column(change, event->row, out->columns[i]);

        buffer_append_u8(&out->line, ',');
        if (value != NULL && !value->null) /* null: nothing between the commas; an empty text: "" */
            csv_append(&out->line, value_text(value, arena));
    }
}

static void json_row(struct export *out, const struct rule_event *event, struct arena *arena)
{
    const struct change *change = event->change;
    const char *row = row_json(event, arena);

    buffer_append_format(&out->line, "{\"__op\":\"%.1s\",\"__partition\":%d,\"__offset\":%" PRId64 ",\"__source_ts_us\":%" PRId64 ",\"__lsn\":", &change->operation,
                         event->partition, event->offset, change->source_time_us);
    if (change->lsn >= 0)
        buffer_append_decimal(&out->line, change->lsn);
    else
        buffer_append_string(&out->line, "null");
    if (row[0] == '{' && row[1] != '}') {
        buffer_append_u8(&out->line, ',');
        buffer_append_string(&out->line, row + 1);
    } else {
        buffer_append_u8(&out->line, '}');
    }
}

static enum status export_record(struct export *out, struct change_decoder *decoder, struct arena *arena, const struct source_record *record, struct error *error)
{
    struct rule_event event = {.partition = record->partition, .offset = record->offset};
    struct change change;
    struct error failure;

    arena_reset(arena);
    if (slice_is_null(record->value))
        return OK;
    if (change_decode(decoder, record->value, arena, &change, &failure) != OK) {
        if (out->unreadable++ == 0)
            (void)fprintf(stderr, "tailrace: partition %d, offset %" PRId64 " is left out: %s\n", record->partition, record->offset, failure.message);
        return OK;
    }
    event.change = &change;
    event.row = change.after != NULL ? change.after : change.before;
    if (event.row == NULL)
        return OK;
    if (out->csv)
        csv_row(out, &event, arena);
    else
        json_row(out, &event, arena);
    if (out->line.failed)
        return error_set(error, ERROR_LIMIT, "partition %d, offset %" PRId64 ": the row is larger than %zu bytes", record->partition, record->offset, LINE_BYTES_MAX);
    line_print(&out->line);
    out->rows++;
    return ferror(stdout) ? error_set(error, ERROR_DISK, "write to standard output") : OK;
}

/* As settings of rules: scale.COLUMN=DIGITS. */
static enum status scales_read(const struct option_list *given, struct properties *scales, struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; i < given->count && status == OK; i++) {
        char *setting = memory_format("scale.%s", given->items[i]);

        status = properties_set_assignment(scales, setting, error);
        memory_free(setting);
    }
    return status;
}

static enum status export_run(const struct range *range, const char *topic, const struct properties *scales, struct export *out, struct error *error)
{
    struct change_decoder *decoder = change_decoder_create();
    struct history *history = NULL;
    struct arena arena;
    bool got = true;
    enum status status = range_open(range, topic, &history, error);

    arena_init(&arena, 16 << 10);
    if (status == OK)
        status = rule_settings_scales(scales, decoder, error);
    while (status == OK && got) {
        struct source_record record;

        status = history_next(history, &record, &got, error);
        if (status == OK && got)
            status = export_record(out, decoder, &arena, &record, error);
    }
    history_close(history);
    arena_finish(&arena);
    change_decoder_destroy(decoder);
    return status;
}

int export_main(int argc, char **argv)
{
    static struct range range = {.bootstrap = "localhost:9092"};
    static struct export out;
    static const char *format = "jsonl";
    static struct option_list scales;
    struct properties settings;
    const char **operands = memory_new_array((size_t)argc + 1, sizeof(*operands)), *topic;
    size_t operand_count = 0;
    struct error error;
    enum status status;
    int ended;
    static const struct option_row rows[] = {
        {"bootstrap-server", OPTION_TEXT, &range.bootstrap, "HOST:PORT", "Where Kafka's protocol is spoken; default localhost:9092", 0, 0},
        {"from", OPTION_TEXT, &range.from, "TIME", "Begin there: \"2026-01-07 17:26\" in UTC, or how long ago: 2h; default: the oldest", 0, 0},
        {"to", OPTION_TEXT, &range.to, "TIME", "End before; default: what is there now", 0, 0},
        {"format", OPTION_TEXT, &format, "csv|jsonl", "How rows are written; default jsonl", 0, 0},
        {"scale", OPTION_LIST, &scales, "COLUMN=DIGITS", "Digits behind the point of a decimal column, where messages have no schema; may come several times", 0, 0},
        {"command-config", OPTION_TEXT, &range.config, "FILE", "Settings of the Kafka client, as a properties file", 0, 0},
        {NULL, OPTION_FLAG, NULL, NULL, NULL, 0, 0},
    };
    static const struct options options = {
        .command = "tailrace export",
        .operands = "TOPIC",
        .summary = "Writes the change events of a topic as rows, decimals exact, in order of time.",
        .rows = rows,
        .operands_max = 1,
        .operands_min = 1,
        .examples = "tailrace export dbserver1.public.transactions --from 1d --format csv > transactions.csv",
    };

    ended = command_options(&options, argc, argv, operands, &operand_count);
    topic = operand_count > 0 ? operands[0] : NULL;
    memory_free(operands);
    if (ended >= 0)
        return ended;
    out.csv = strcmp(format, "csv") == 0;
    if (!out.csv && strcmp(format, "jsonl") != 0) {
        (void)error_set(&error, ERROR_USAGE, "tailrace export: --format has to be csv or jsonl");
        return command_fail(&error);
    }
    (void)logger_set_level(NULL, "warning");
    buffer_init(&out.line, LINE_BYTES_MAX);
    properties_init(&settings);
    status = scales_read(&scales, &settings, &error);
    if (status == OK)
        status = export_run(&range, topic, &settings, &out, &error);
    properties_finish(&settings);
    buffer_finish(&out.line);
    for (size_t i = 0; i < out.column_count; i++)
        memory_free((void *)(uintptr_t)out.columns[i]);
    memory_free(out.columns);
    if (status != OK)
        return command_fail(&error);
    if (out.unreadable > 1)
        (void)fprintf(stderr, "tailrace: %" PRId64 " records in all were left out\n", out.unreadable);
    return command_print(slice_null());
}
