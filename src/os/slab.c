#include "os/slab.h"

#include "base/banned.h"
#include "base/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(bytes, size) __asan_poison_memory_region(bytes, size)
#define ALLOW(bytes, size) __asan_unpoison_memory_region(bytes, size)
#else
#define FORBID(bytes, size) ((void)(bytes), (void)(size))
#define ALLOW(bytes, size) ((void)(bytes), (void)(size))
#endif

#define CHUNK_BYTES ((size_t)2 << 20) /* a large page; aligned to its size */
#define RUN_BYTES ((size_t)64 << 10)  /* aligned to its size, so that a piece tells its run */
#define STEP_BYTES 16                 /* between the sizes up to STEPS_TO; from there on eight sizes to each doubling */
#define STEPS_TO 128
#define STEPS_TO_BITS 7
#define SIZES 56
#define HEAP_OVERHEAD 16

struct piece {
    struct piece *next;
};

struct run {
    struct run *next, *previous; /* of those of its size that have room, or of the empty ones */
    struct piece *free;
    size_t piece_bytes;
    uint32_t used, begun, count; /* pieces: in use; ever given; that there is room for */
};

#define RUN_HEADER_BYTES ((sizeof(struct run) + 63) & ~(size_t)63)

struct chunk {
    struct chunk *next;
    void *memory;
};

struct slab {
    struct run *with_room[SIZES];
    struct run *empty;
    struct chunk *chunks;
};

/* ---- Sizes ---- */

static size_t size_index(size_t size)
{
    size_t bits;

    if (size <= STEPS_TO)
        return size == 0 ? 0 : (size - 1) / STEP_BYTES;
    bits = (size_t)(63 - __builtin_clzll(size - 1));
    return STEPS_TO / STEP_BYTES + (bits - STEPS_TO_BITS) * 8 + ((size - 1) >> (bits - 3)) - 8;
}

static size_t piece_bytes(size_t size)
{
    size_t step;

    if (size <= STEPS_TO)
        return (size_index(size) + 1) * STEP_BYTES;
    step = (size_t)1 << (63 - __builtin_clzll(size - 1) - 3);
    return (size + step - 1) & ~(step - 1);
}

size_t slab_piece_bytes(size_t size)
{
    return size > SLAB_PIECE_BYTES_MAX ? size + HEAP_OVERHEAD : piece_bytes(size);
}

/* ---- Runs ---- */

static void list_add(struct run **list, struct run *run)
{
    run->next = *list;
    run->previous = NULL;
    if (*list != NULL)
        (*list)->previous = run;
    *list = run;
}

static void list_remove(struct run **list, struct run *run)
{
    if (run->previous == NULL)
        *list = run->next;
    else
        run->previous->next = run->next;
    if (run->next != NULL)
        run->next->previous = run->previous;
}

/* Takes twice as much as is needed and gives back what is not aligned. */
static uint8_t *chunk_map(void)
{
    uint8_t *memory = mmap(NULL, CHUNK_BYTES * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *aligned;

    if (memory == MAP_FAILED)
        memory_exhausted(CHUNK_BYTES);
    aligned = (uint8_t *)(((uintptr_t)memory + CHUNK_BYTES - 1) & ~(uintptr_t)(CHUNK_BYTES - 1));
    if (aligned > memory)
        (void)munmap(memory, (size_t)(aligned - memory));
    if (aligned < memory + CHUNK_BYTES)
        (void)munmap(aligned + CHUNK_BYTES, (size_t)(memory + CHUNK_BYTES - aligned));
    return aligned;
}

static void chunk_add(struct slab *slab)
{
    struct chunk *chunk = memory_new(sizeof(*chunk));
    uint8_t *memory = chunk_map();

    if (slab->chunks != NULL) /* little does not need it, and would take 2 MB at once */
        (void)madvise(memory, CHUNK_BYTES, MADV_HUGEPAGE);
    *chunk = (struct chunk){slab->chunks, memory};
    slab->chunks = chunk;
    for (size_t at = CHUNK_BYTES; at > 0; at -= RUN_BYTES)
        list_add(&slab->empty, (struct run *)(void *)(memory + at - RUN_BYTES));
}

static struct run *run_take(struct slab *slab, size_t size)
{
    struct run *run;

    if (slab->empty == NULL)
        chunk_add(slab);
    run = slab->empty;
    list_remove(&slab->empty, run);
    run->free = NULL;
    run->piece_bytes = piece_bytes(size);
    run->used = run->begun = 0;
    run->count = (uint32_t)((RUN_BYTES - RUN_HEADER_BYTES) / run->piece_bytes);
    FORBID((uint8_t *)run + RUN_HEADER_BYTES, RUN_BYTES - RUN_HEADER_BYTES);
    return run;
}

/* ---- Pieces ---- */

struct slab *slab_create(void)
{
    return memory_new(sizeof(struct slab));
}

void slab_destroy(struct slab *slab)
{
    while (slab != NULL && slab->chunks != NULL) {
        struct chunk *chunk = slab->chunks;

        slab->chunks = chunk->next;
        ALLOW(chunk->memory, CHUNK_BYTES);
        (void)munmap(chunk->memory, CHUNK_BYTES);
        memory_free(chunk);
    }
    memory_free(slab);
}

void *slab_new(struct slab *slab, size_t size)
{
    struct run **list, *run;
    struct piece *piece;

    if (size > SLAB_PIECE_BYTES_MAX)
        return memory_new(size);
    list = &slab->with_room[size_index(size)];
    if (*list == NULL)
        list_add(list, run_take(slab, size));
    run = *list;
    piece = run->free;
    if (piece != NULL) {
        ALLOW(piece, sizeof(*piece));
        run->free = piece->next;
    } else {
        piece = (struct piece *)(void *)((uint8_t *)run + RUN_HEADER_BYTES + run->begun++ * run->piece_bytes);
    }
    if (++run->used == run->count)
        list_remove(list, run);
    ALLOW(piece, size);
    memset(piece, 0, size);
    return piece;
}

void slab_free(struct slab *slab, void *memory, size_t size)
{
    struct piece *piece = memory;
    struct run **list, *run;

    if (piece == NULL || size > SLAB_PIECE_BYTES_MAX) {
        memory_free(piece);
        return;
    }
    list = &slab->with_room[size_index(size)];
    run = (struct run *)((uintptr_t)piece & ~(uintptr_t)(RUN_BYTES - 1));
    ALLOW(piece, sizeof(*piece));
    piece->next = run->free;
    run->free = piece;
    FORBID(piece, run->piece_bytes);
    if (run->used-- == run->count)
        list_add(list, run);
    if (run->used == 0) {
        list_remove(list, run);
        list_add(&slab->empty, run);
    }
}
