/*
 * base/page.h: text for people, with colours where they are wanted, and tables. The one printer of tables: status, connectors,
 * topics, groups, alerts and the rest look alike. Pure: somebody else decides about colours (os/terminal.h) and prints.
 */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include "base/buffer.h"

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_DIM, STYLE_STRONG };

/* What switches a terminal to a style; STYLE_PLAIN: back to normal. */
const char *style_escape(enum style style);

struct page {
    struct buffer *text; /* where it all goes; not owned */
    bool has_colors;
    size_t columns; /* how wide it may be: tables are cut and paragraphs broken to fit; 0: as wide as it is */
};

/* Appends. Control characters in what is formatted are replaced ('\n' stays): names come from outside. */
void page_print(struct page *page, enum style style, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Appends words with breaks between them, so that lines have at most `columns` columns (0: no breaks) where the words allow it.
 * at      columns that are taken on the first line
 * indent  blanks before further lines; '\n' in the text begins one
 */
void page_wrap(struct buffer *out, struct slice text, size_t at, size_t indent, size_t columns);

/* A label and a text behind it, broken between words; ends the line. at: columns that stand on the line already */
void page_paragraph(struct page *page, size_t at, const char *label, const char *text);

struct table;

/*
 * columns  their headings, separated by |; a leading > aligns to the right: "topic|>records|>size"
 */
struct table *table_create(const char *columns);
void table_destroy(struct table *table); /* NULL is fine */

/* Cuts later cells that are wider, with … at the end: for screens, where one long name would push everything aside. */
void table_limit(struct table *table, size_t columns);

/* The next cell, row by row. Control characters and newlines are replaced by blanks, bytes that are no UTF-8 by '?'; "" is shown as -. */
void table_cell(struct table *table, enum style style, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with base/amount.h; `absent` (usually -1) gives "-". */
void table_cell_count(struct table *table, int64_t count, int64_t absent);
void table_cell_bytes(struct table *table, int64_t bytes, int64_t absent);
void table_cell_duration(struct table *table, enum style style, int64_t ms, int64_t absent);
void table_cell_time(struct table *table, int64_t ms, int64_t absent);
void table_cell_rate(struct table *table, double per_second); /* NAN gives "-" */

size_t table_rows(const struct table *table);

/* Headings and rows; nothing when there are none. The last column is not filled up. */
void table_print(const struct table *table, struct page *page);

/* How many columns of a terminal well-formed UTF-8 takes. */
size_t page_columns(struct slice text);

#endif
