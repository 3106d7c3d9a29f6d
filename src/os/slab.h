/*
 * os/slab.h: many pieces of memory of many sizes, close together in large pages. What is looked up in no order, a table of a million keys
 * say, spends more time on finding where its pages are than on reading them when they are small and come from everywhere.
 *
 * Pieces of about one size share a run of 64 KB; a run that is empty serves another size. Pages are taken as pieces need them, large
 * ones (2 MB) behind the first 2 MB. Thread: one at a time.
 */
#ifndef OS_SLAB_H
#define OS_SLAB_H

#include <stddef.h>

#define SLAB_PIECE_BYTES_MAX ((size_t)8192) /* larger ones come from the heap, each by itself */

struct slab;

struct slab *slab_create(void);
void slab_destroy(struct slab *slab); /* NULL is fine. Not with pieces from the heap still in use: they would be lost */

/* Zeroed, aligned to 16, never NULL: without memory the program ends, as with memory_new. */
void *slab_new(struct slab *slab, size_t size) __attribute__((warn_unused_result));

/* size  as it was asked for. NULL is fine */
void slab_free(struct slab *slab, void *piece, size_t size);

/* What a piece of this size really takes. */
size_t slab_piece_bytes(size_t size);

#endif
