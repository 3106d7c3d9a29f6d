/* api_export.c: what a search found, as a file (JSON lines, or CSV of the rows) or written to another topic. */
#include "web/search.h"

#include "base/banned.h"
#include "base/csv.h"
#include "base/memory.h"
#include "web/cell.h"
#include "wire/json/base64.h"

#define EXPORT_LIMIT 10000
#define EXPORT_LIMIT_MAX 10000000
#define CSV_LINE_MAX ((size_t)128 << 20)
#define ROW_HEAD "__op,__partition,__offset,__source_ts_us,__lsn"
#define MESSAGE_HEAD "__partition,__offset,__at_ms,key,value"

struct export {
    const char *mask;
    bool csv, rows; /* rows: the first message was one, so all lines are */
    char **columns; /* NULL: no line was made yet */
    size_t column_count;
    bool headed;
    size_t left_out; /* messages without a row among rows, or with columns that the first row did not have */
};

static void export_end(void *context)
{
    struct export *export = context;

    for (size_t i = 0; i < export->column_count; i++)
        memory_free(export->columns[i]);
    memory_free(export->columns);
    memory_free(export);
}

/* ---- JSON lines ---- */

/* Text as it is; bytes that are none as {"base64":…}. */
static json_t *bytes_json(struct slice bytes)
{
    json_t *text = slice_is_null(bytes) ? json_null() : json_stringn((const char *)bytes.data, bytes.size);
    struct buffer coded;

    if (text != NULL)
        return text;
    buffer_init(&coded, base64_size(bytes.size) + 1);
    base64_append(&coded, bytes, BASE64_STANDARD);
    text = json_pack("{s:o}", "base64", json_stringn((const char *)coded.data, coded.size));
    buffer_finish(&coded);
    return text;
}

static json_t *headers_json(const struct record *record)
{
    struct record copy = *record;
    struct record_header header;
    json_t *headers = json_array();

    while (record_next_header(&copy, &header))
        json_add(headers, json_pack("{s:o, s:o}", "name", json_slice(header.key), "value", bytes_json(header.value)));
    return headers;
}

/* In an unwrapped row, which may be anything, a cell may hold masked columns itself. */
static const char *cell_shown(const struct export *export, const struct change *change, const struct change_column *column, const struct change_value *value, struct arena *arena)
{
    const char *text = cell_text(column, value, arena);

    return text == NULL || (change->operation == 0 && message_text_hides(export->mask, slice_from_string(text))) ? NULL : text;
}

static json_t *cells_json(const struct export *export, const struct change *change, const struct change_value *values, struct arena *arena)
{
    json_t *cells = json_object();

    for (size_t i = 0; i < change->schema->column_count; i++) {
        const struct change_column *column = &change->schema->columns[i];

        if (!message_is_masked(export->mask, change->table_schema, change->table, column->name))
            json_put(cells, column->name, json_text_or_null(cell_shown(export, change, column, &values[i], arena)));
    }
    return cells;
}

static json_t *json_line(struct export *export, int32_t partition, const struct record *record, const struct change *change, struct arena *arena)
{
    bool hides_key = message_hides_key(export->mask, change, record->key), hides_value = message_hides_value(export->mask, change, record->value);
    json_t *message = json_pack("{s:i, s:I, s:I, s:o, s:o, s:o}", "partition", (int)partition, "offset", (json_int_t)record->offset, "at_ms", (json_int_t)record->timestamp_ms, "key",
                                hides_key ? json_null() : bytes_json(record->key), "value", hides_value ? json_null() : bytes_json(record->value), "headers", headers_json(record));
    json_t *line;
    char *text;

    if (hides_value && change != NULL) { /* the columns that may be seen */
        json_put(message, "before", change->before == NULL ? json_null() : cells_json(export, change, change->before, arena));
        json_put(message, "after", change->after == NULL ? json_null() : cells_json(export, change, change->after, arena));
    }
    text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    line = json_string(text == NULL ? "{}" : text);
    free(text);
    return line;
}

/* ---- CSV ---- */

static void columns_keep(struct export *export, const struct change *change)
{
    size_t count = change == NULL ? 0 : change->schema->column_count;

    export->rows = change != NULL;
    export->columns = memory_new_array(count + 1, sizeof(*export->columns));
    for (size_t i = 0; i < count; i++) {
        if (!message_is_masked(export->mask, change->table_schema, change->table, change->schema->columns[i].name))
            export->columns[export->column_count++] = memory_copy_string(change->schema->columns[i].name);
    }
}

/* As many as the first row had of them; the rest is counted. */
static void cells_append(struct export *export, struct buffer *line, const struct change *change, struct arena *arena)
{
    const struct change_value *row = change->after != NULL ? change->after : change->before;
    size_t known = 0;

    for (size_t i = 0; i < export->column_count; i++) {
        const struct change_value *value = row == NULL ? NULL : change_column(change, row, export->columns[i]);
        const char *text = value == NULL ? NULL : cell_shown(export, change, &change->schema->columns[value - row], value, arena);

        known += value != NULL;
        buffer_append_u8(line, ',');
        if (text != NULL)
            csv_append_safely(line, text);
    }
    for (size_t i = 0; i < change->schema->column_count; i++)
        known += message_is_masked(export->mask, change->table_schema, change->table, change->schema->columns[i].name);
    export->left_out += known < change->schema->column_count;
}

static void text_append(struct buffer *line, struct slice bytes, struct arena *arena)
{
    buffer_append_u8(line, ',');
    if (!slice_is_null(bytes))
        csv_append_safely(line, arena_copy_string(arena, bytes));
}

static json_t *csv_line(struct export *export, int32_t partition, const struct record *record, const struct change *change, struct arena *arena)
{
    bool is_row = change != NULL && (change->after != NULL || change->before != NULL);
    struct buffer line;
    json_t *made;

    if (export->columns == NULL)
        columns_keep(export, is_row ? change : NULL);
    if (export->rows && !is_row) {
        export->left_out++;
        return json_null();
    }
    buffer_init(&line, CSV_LINE_MAX);
    if (export->rows) {
        buffer_append_format(&line, "%.1s,%d,%lld,%lld,", &change->operation, (int)partition, (long long)record->offset, (long long)change->source_time_us);
        if (change->lsn >= 0)
            buffer_append_decimal(&line, change->lsn);
        cells_append(export, &line, change, arena);
    } else {
        buffer_append_format(&line, "%d,%lld,%lld", (int)partition, (long long)record->offset, (long long)record->timestamp_ms);
        text_append(&line, message_hides_key(export->mask, change, record->key) ? slice_null() : record->key, arena);
        text_append(&line, message_hides_value(export->mask, change, record->value) ? slice_null() : record->value, arena);
    }
    made = line.failed ? json_null() : json_slice(buffer_slice(&line));
    export->left_out += line.failed;
    buffer_finish(&line);
    return made;
}

static void head_append(struct export *export, struct buffer *out)
{
    if (!export->csv || export->headed)
        return;
    export->headed = true;
    buffer_append_string(out, export->rows ? ROW_HEAD : MESSAGE_HEAD);
    for (size_t i = 0; i < export->column_count; i++) {
        buffer_append_u8(out, ',');
        csv_append_safely(out, export->columns[i]);
    }
    buffer_append_string(out, "\r\n");
}

/* ---- What the search calls ---- */

static json_t *export_make(void *context, int32_t partition, const struct record *record, const struct change *change, struct arena *arena)
{
    struct export *export = context;

    return export->csv ? csv_line(export, partition, record, change, arena) : json_line(export, partition, record, change, arena);
}

static void export_give(void *context, const json_t *made, struct buffer *out)
{
    struct export *export = context;
    const json_t *line;
    size_t index;

    head_append(export, out);
    json_array_foreach(made, index, line) {
        if (!json_is_string(line))
            continue;
        buffer_append(out, json_string_value(line), json_string_length(line));
        buffer_append_string(out, export->csv ? "\r\n" : "\n");
    }
}

/* The last line says whether that was all. */
static void export_done(void *context, const char *why, const char *trouble, size_t given, struct buffer *out)
{
    struct export *export = context;
    bool complete = strcmp(why, "end") == 0;
    json_t *last;
    char *text;

    if (export->csv) {
        buffer_append_format(out, "# %s: %zu messages", complete ? "complete" : "cut", given);
        if (!complete)
            buffer_append_format(out, ", %s", trouble == NULL ? why : trouble);
        if (export->left_out > 0)
            buffer_append_format(out, "; %zu had no row, or columns that the first one did not have", export->left_out);
        buffer_append_string(out, "\r\n");
        return;
    }
    last = json_pack("{s:b, s:s, s:I, s:o}", "complete", (int)complete, "why", why, "messages", (json_int_t)given, "error", json_text_or_null(trouble));
    text = json_dumps(last, JSON_COMPACT);
    buffer_append_format(out, "%s\n", text == NULL ? "{}" : text);
    free(text);
    json_decref(last);
}

void api_topic_export(struct api_call *call)
{
    static const struct search_taker taker = {export_make, export_give, export_done, export_end};
    const char *format = api_query(call, "format");
    const char **headers = arena_new_array(call->arena, 3, sizeof(*headers));
    bool csv = format != NULL && strcmp(format, "csv") == 0;
    struct export *export;

    if (format != NULL && !csv && strcmp(format, "jsonl") != 0) {
        api_error(call, 400, "BAD_FORMAT", "Nothing was exported.", "format is jsonl or csv.", NULL);
        return;
    }
    export = memory_new(sizeof(*export));
    export->csv = csv;
    export->mask = api_settings_of(call->api)->mask;
    search_stream(call, &taker, export, EXPORT_LIMIT, EXPORT_LIMIT_MAX);
    if (call->response->stream == NULL)
        return;
    headers[0] = "Content-Disposition";
    headers[1] = "attachment";
    call->response->headers = headers;
    call->response->content_type = "application/octet-stream";
}
