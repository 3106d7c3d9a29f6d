#include "base/page.h"

#include "base/amount.h"
#include "base/arena.h"
#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>

#define COLUMNS_MAX 16
#define CELL_BYTES_MAX 4096
#define GAP 2
#define NARROWEST 6       /* a column is not cut to less */
#define NARROWEST_NAME 24 /* the first one: it says of what the row is */

const char *style_escape(enum style style)
{
    static const char *const escapes[] = {"\033[0m", "\033[32m", "\033[33m", "\033[1;31m", "\033[2m", "\033[1m"};

    return escapes[style];
}

/* ---- Characters ---- */

/* 0 for what goes onto the character before, 2 for East Asian wide ones and pictures. Source: Unicode Standard Annex 11, in ranges. */
static size_t character_columns(uint32_t code)
{
    if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code < 0x2010) || (code >= 0xfe00 && code < 0xfe10))
        return 0;
    if ((code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xa4d0) || (code >= 0xac00 && code < 0xd7a4) ||
        (code >= 0xf900 && code < 0xfb00) || (code >= 0xfe30 && code < 0xfe70) || (code >= 0xff00 && code < 0xff61) ||
        (code >= 0x1f300 && code < 0x1fb00) || (code >= 0x20000 && code < 0x40000))
        return 2;
    return 1;
}

size_t page_columns(struct slice text)
{
    size_t columns = 0;
    uint32_t code;

    for (size_t at = 0; at < text.size;) {
        at += text_character(slice_from(text, at), &code);
        columns += character_columns(code);
    }
    return columns;
}

/* Makes a text harmless on a terminal, in place. */
static void text_tame(char *text, size_t size, bool keeps_lines)
{
    bool is_utf8 = text_is_utf8(slice_of(text, size));

    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];

        if ((byte < 0x20 || byte == 0x7f) && !(keeps_lines && byte == '\n'))
            text[i] = ' ';
        else if (byte >= 0x80 && !is_utf8)
            text[i] = '?';
        else if (byte == 0xc2 && i + 1 < size && (uint8_t)text[i + 1] < 0xa0) /* C1 controls */
            text[i] = text[i + 1] = ' ';
    }
}

/* The size of a text that was cut anywhere, without half a character at its end. */
static size_t whole_characters(const char *text, size_t size)
{
    size_t last = size == 0 ? 0 : size - 1;
    uint8_t first;

    while (last > 0 && ((uint8_t)text[last] & 0xc0) == 0x80)
        last--;
    first = (uint8_t)text[last];
    return first >= 0xc0 && last + text_character_size(first) > size ? last : size;
}

/* ---- Page ---- */

void page_print(struct page *page, enum style style, const char *format, ...)
{
    struct buffer formatted;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size <= 0)
        return;
    buffer_init(&formatted, (size_t)size + 1);
    if (buffer_reserve(&formatted, (size_t)size + 1) != NULL) {
        va_start(arguments, format);
        (void)vsnprintf((char *)formatted.data, (size_t)size + 1, format, arguments);
        va_end(arguments);
        text_tame((char *)formatted.data, (size_t)size, true);
        if (page->has_colors && style != STYLE_PLAIN)
            buffer_append_string(page->text, style_escape(style));
        buffer_append(page->text, formatted.data, (size_t)size);
        if (page->has_colors && style != STYLE_PLAIN)
            buffer_append_string(page->text, style_escape(STYLE_PLAIN));
    }
    buffer_finish(&formatted);
}

void page_wrap(struct buffer *out, struct slice text, size_t at, size_t indent, size_t columns)
{
    struct slice line, word;
    bool is_first_line = true;

    while (text_next_field(&text, '\n', &line)) {
        bool is_first_word = true;

        if (!is_first_line) {
            buffer_append_format(out, "\n%*s", (int)indent, "");
            at = indent;
        }
        is_first_line = false;
        while (text_next_field(&line, ' ', &word)) {
            size_t wide = page_columns(word);

            if (!is_first_word && columns > 0 && at + 1 + wide > columns && at > indent) {
                buffer_append_format(out, "\n%*s", (int)indent, "");
                at = indent;
            } else if (!is_first_word) {
                buffer_append_u8(out, ' ');
                at++;
            }
            buffer_append_slice(out, word);
            at += wide;
            is_first_word = false;
        }
    }
}

void page_paragraph(struct page *page, size_t at, const char *label, const char *text)
{
    char *tame = memory_copy_string(text);
    size_t indent = at + page_columns(slice_from_string(label));

    text_tame(tame, strlen(tame), true);
    buffer_append_string(page->text, label);
    page_wrap(page->text, slice_from_string(tame), indent, indent, page->columns);
    buffer_append_u8(page->text, '\n');
    memory_free(tame);
}

/* ---- Tables ---- */

struct cell {
    struct slice text;
    size_t columns;
    enum style style;
};

struct table {
    struct arena arena;
    size_t column_count;
    struct {
        struct slice heading;
        bool is_right;
        size_t width;
    } columns[COLUMNS_MAX];
    struct cell *cells;
    size_t count, capacity;
    size_t cell_columns_max; /* 0: as wide as they are */
};

struct table *table_create(const char *columns)
{
    struct table *table = memory_new(sizeof(*table));
    struct slice rest = slice_from_string(columns), heading;

    arena_init(&table->arena, 16384);
    while (table->column_count < COLUMNS_MAX && text_next_field(&rest, '|', &heading)) {
        bool is_right = heading.size > 0 && heading.data[0] == '>';

        heading = slice_from(heading, is_right);
        table->columns[table->column_count].heading = slice_from_string(arena_copy_string(&table->arena, heading));
        table->columns[table->column_count].is_right = is_right;
        table->columns[table->column_count++].width = page_columns(heading);
    }
    return table;
}

void table_limit(struct table *table, size_t columns)
{
    table->cell_columns_max = columns;
}

/* The beginning that takes at most so many columns. */
static size_t size_of_columns(struct slice text, size_t columns)
{
    size_t used = 0, at = 0;
    uint32_t code;

    while (at < text.size) {
        size_t size = text_character(slice_from(text, at), &code);

        used += character_columns(code);
        if (used > columns)
            break;
        at += size;
    }
    return at;
}

void table_destroy(struct table *table)
{
    if (table == NULL)
        return;
    arena_finish(&table->arena);
    memory_free(table->cells);
    memory_free(table);
}

static void cell_add(struct table *table, enum style style, char *text, size_t size)
{
    size_t column = table->count % table->column_count;
    char dash[] = "-";
    struct cell cell;

    if (size == 0) { /* nothing to say */
        text = dash;
        size = 1;
        style = STYLE_DIM;
    }
    text_tame(text, size, false);
    cell = (struct cell){slice_from_string(arena_copy_string(&table->arena, slice_of(text, size))), page_columns(slice_of(text, size)), style};
    if (table->cell_columns_max > 0 && cell.columns > table->cell_columns_max) {
        cell.text = slice_from_string(arena_format(&table->arena, "%.*s…", (int)size_of_columns(cell.text, table->cell_columns_max - 1), (const char *)cell.text.data));
        cell.columns = page_columns(cell.text);
    }
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        table->cells = memory_resize(table->cells, table->capacity * sizeof(*table->cells));
    }
    table->cells[table->count++] = cell;
    if (cell.columns > table->columns[column].width)
        table->columns[column].width = cell.columns;
}

void table_cell(struct table *table, enum style style, const char *format, ...)
{
    char text[CELL_BYTES_MAX];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    cell_add(table, style, text, size < 0 ? 0 : (size_t)size >= sizeof(text) ? whole_characters(text, sizeof(text) - 1) : (size_t)size);
}

static void cell_add_buffer(struct table *table, enum style style, struct buffer *text)
{
    cell_add(table, style, (char *)text->data, text->size);
    buffer_finish(text);
}

void table_cell_count(struct table *table, int64_t count, int64_t absent)
{
    struct buffer text;

    if (count == absent) {
        table_cell(table, STYLE_DIM, "%s", "");
        return;
    }
    buffer_init(&text, 64);
    amount_count(&text, count);
    cell_add_buffer(table, STYLE_PLAIN, &text);
}

void table_cell_bytes(struct table *table, int64_t bytes, int64_t absent)
{
    struct buffer text;

    if (bytes == absent) {
        table_cell(table, STYLE_DIM, "%s", "");
        return;
    }
    buffer_init(&text, 64);
    amount_bytes(&text, bytes);
    cell_add_buffer(table, STYLE_PLAIN, &text);
}

void table_cell_duration(struct table *table, enum style style, int64_t ms, int64_t absent)
{
    struct buffer text;

    if (ms == absent) {
        table_cell(table, STYLE_DIM, "%s", "");
        return;
    }
    buffer_init(&text, 64);
    amount_duration(&text, ms);
    cell_add_buffer(table, style, &text);
}

void table_cell_time(struct table *table, int64_t ms, int64_t absent)
{
    struct buffer text;

    if (ms == absent) {
        table_cell(table, STYLE_DIM, "%s", "");
        return;
    }
    buffer_init(&text, 64);
    amount_time(&text, ms);
    cell_add_buffer(table, STYLE_PLAIN, &text);
}

void table_cell_rate(struct table *table, double per_second)
{
    struct buffer text;

    if (isnan(per_second)) {
        table_cell(table, STYLE_DIM, "%s", "");
        return;
    }
    buffer_init(&text, 64);
    amount_rate(&text, per_second);
    cell_add_buffer(table, STYLE_PLAIN, &text);
}

size_t table_rows(const struct table *table)
{
    return table->count / table->column_count;
}

/* What is wider than its column ends with an ellipsis. */
static void cell_print(const struct table *table, size_t column, size_t width, struct slice text, enum style style, bool is_last, struct page *page)
{
    bool is_cut = page_columns(text) > width;
    size_t fill;

    if (is_cut)
        text.size = size_of_columns(text, width - 1);
    fill = width - page_columns(text) - is_cut;
    if (table->columns[column].is_right)
        buffer_append_format(page->text, "%*s", (int)fill, "");
    if (page->has_colors && style != STYLE_PLAIN)
        buffer_append_string(page->text, style_escape(style));
    buffer_append_slice(page->text, text);
    buffer_append_string(page->text, is_cut ? "…" : "");
    if (page->has_colors && style != STYLE_PLAIN)
        buffer_append_string(page->text, style_escape(STYLE_PLAIN));
    if (is_last)
        buffer_append_u8(page->text, '\n');
    else
        buffer_append_format(page->text, "%*s", (int)((table->columns[column].is_right ? 0 : fill) + GAP), "");
}

/* The widest of the first `count` columns that may become narrower, the very first one only when no other may; count: none. */
static size_t widest_that_may(const struct table *table, size_t count, const size_t *widths)
{
    size_t widest = count;

    for (size_t i = 1; i < count; i++) {
        if (!table->columns[i].is_right && widths[i] > NARROWEST && (widest == count || widths[i] > widths[widest]))
            widest = i;
    }
    return widest == count && !table->columns[0].is_right && widths[0] > NARROWEST_NAME ? 0 : widest;
}

/* Makes columns of texts narrower until `columns` hold the first `count` of them; numbers are not cut. False: they cannot. */
static bool widths_fit(const struct table *table, size_t count, size_t columns, size_t *widths)
{
    size_t total = (count - 1) * GAP, widest;

    for (size_t i = 0; i < count; i++) {
        widths[i] = table->columns[i].width;
        total += widths[i];
    }
    for (; columns > 0 && total > columns; total--) {
        widest = widest_that_may(table, count, widths);
        if (widest == count)
            return false;
        widths[widest]--;
    }
    return true;
}

void table_print(const struct table *table, struct page *page)
{
    size_t widths[COLUMNS_MAX], count = table->column_count;

    if (table_rows(table) == 0)
        return;
    while (!widths_fit(table, count, page->columns, widths) && count > 2) /* the last ones are missed least */
        count--;
    for (size_t i = 0; i < count; i++)
        cell_print(table, i, widths[i], table->columns[i].heading, STYLE_DIM, i + 1 == count, page);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t i = 0; i < count; i++) {
            const struct cell *cell = &table->cells[row * table->column_count + i];

            cell_print(table, i, widths[i], cell->text, cell->style, i + 1 == count, page);
        }
    }
}
