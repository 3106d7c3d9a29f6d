/*
 * capture/snapshot_book.h: the tables of the snapshot under way, or of the last one: how many rows each has about, how many were read. One
 * thread writes, others look.
 */
#ifndef CAPTURE_SNAPSHOT_BOOK_H
#define CAPTURE_SNAPSHOT_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_BOOK_TABLES 200 /* that are told; of more the first ones */

struct snapshot_book;

struct snapshot_book *snapshot_book_create(void);
void snapshot_book_destroy(struct snapshot_book *book); /* NULL is fine */

void snapshot_book_clear(struct snapshot_book *book);
void snapshot_book_add(struct snapshot_book *book, const char *schema, const char *name, int64_t rows_about); /* -1: not known */
void snapshot_book_rows(struct snapshot_book *book, size_t table, int64_t rows, bool is_done); /* by the order of adding; beyond the told ones: nothing */

/* Calls visit for each table. Thread: any */
typedef void snapshot_visit(void *context, const char *table, int64_t rows, int64_t rows_about, bool is_done);
void snapshot_book_visit(struct snapshot_book *book, snapshot_visit *visit, void *context);

#endif
