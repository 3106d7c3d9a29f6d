/* web/schema_book.h: the versions of the tables behind topics, as capture/schemas.h keeps them: read once, then only what is new. Thread: any. */
#ifndef WEB_SCHEMA_BOOK_H
#define WEB_SCHEMA_BOOK_H

#include "log/log.h"

#include <jansson.h>

struct schema_book;

struct schema_book *schema_book_create(struct log *log); /* borrowed */
void schema_book_destroy(struct schema_book *book);      /* NULL is fine */

/*
 * All versions of a topic's table, the newest first; each column says how it differs from the version before ("added", "changed", null), and
 * those that are gone are "removed". A new reference; NULL: none is known.
 */
json_t *schema_book_versions(struct schema_book *book, const char *topic);

/* The newest version; a new reference, NULL: none is known. */
json_t *schema_book_newest(struct schema_book *book, const char *topic);

/* The replica identity that a row with this LSN was written with: "default", "full", …; NULL: not known. A constant. */
const char *schema_book_identity(struct schema_book *book, const char *topic, uint64_t lsn);

#endif
