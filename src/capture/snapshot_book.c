#include "capture/snapshot_book.h"

#include "base/banned.h"
#include "base/memory.h"

#include <pthread.h>

struct table {
    char *name; /* "schema.table" */
    int64_t rows, rows_about;
    bool is_done;
};

struct snapshot_book {
    pthread_mutex_t lock; /* guards the rest; a leaf */
    struct table tables[SNAPSHOT_BOOK_TABLES];
    size_t count;
};

struct snapshot_book *snapshot_book_create(void)
{
    struct snapshot_book *book = memory_new(sizeof(*book));

    (void)pthread_mutex_init(&book->lock, NULL);
    return book;
}

void snapshot_book_destroy(struct snapshot_book *book)
{
    if (book == NULL)
        return;
    snapshot_book_clear(book);
    (void)pthread_mutex_destroy(&book->lock);
    memory_free(book);
}

void snapshot_book_clear(struct snapshot_book *book)
{
    (void)pthread_mutex_lock(&book->lock);
    while (book->count > 0)
        memory_free(book->tables[--book->count].name);
    (void)pthread_mutex_unlock(&book->lock);
}

void snapshot_book_add(struct snapshot_book *book, const char *schema, const char *name, int64_t rows_about)
{
    (void)pthread_mutex_lock(&book->lock);
    if (book->count < SNAPSHOT_BOOK_TABLES)
        book->tables[book->count++] = (struct table){memory_format("%s.%s", schema, name), 0, rows_about, false};
    (void)pthread_mutex_unlock(&book->lock);
}

void snapshot_book_rows(struct snapshot_book *book, size_t table, int64_t rows, bool is_done)
{
    (void)pthread_mutex_lock(&book->lock);
    if (table < book->count) {
        book->tables[table].rows = rows;
        book->tables[table].is_done = is_done;
    }
    (void)pthread_mutex_unlock(&book->lock);
}

void snapshot_book_visit(struct snapshot_book *book, snapshot_visit *visit, void *context)
{
    (void)pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < book->count; i++)
        visit(context, book->tables[i].name, book->tables[i].rows, book->tables[i].rows_about, book->tables[i].is_done);
    (void)pthread_mutex_unlock(&book->lock);
}
