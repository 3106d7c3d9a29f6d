#include "os/slab.h"

#include "check.h"

#include <stdint.h>

#define PIECES 20000

struct held {
    uint8_t *bytes;
    size_t size;
    uint8_t mark;
};

static struct held held[PIECES];

static void assert_whole(const struct held *piece)
{
    for (size_t i = 0; i < piece->size; i++) {
        if (piece->bytes[i] != piece->mark)
            fail_msg("byte %zu of %zu is %d, not %d", i, piece->size, piece->bytes[i], piece->mark);
    }
}

TEST(a_piece_takes_little_more_than_its_size)
{
    size_t last = 0;

    for (size_t size = 0; size <= SLAB_PIECE_BYTES_MAX; size++) {
        size_t bytes = slab_piece_bytes(size);

        assert_true(bytes >= size && bytes >= 16 && bytes % 16 == 0);
        assert_true(bytes <= 16 || bytes <= size + 15 || bytes <= size + size / 8);
        assert_true(bytes >= last);
        last = bytes;
    }
    assert_true(slab_piece_bytes(SLAB_PIECE_BYTES_MAX) == SLAB_PIECE_BYTES_MAX);
}

TEST(pieces_are_zeroed_and_nobody_elses)
{
    struct slab *slab = slab_create();
    uint32_t random = 7;

    for (int i = 0; i < 200000; i++) {
        struct held *piece;

        random = random * 1664525 + 1013904223;
        piece = &held[(random >> 8) % PIECES];
        if (piece->bytes != NULL) {
            assert_whole(piece);
            slab_free(slab, piece->bytes, piece->size);
        }
        random = random * 1664525 + 1013904223;
        piece->size = i % 100 == 0 ? (random >> 8) % 20000 : (random >> 8) % (size_t)(i < 100000 ? 200 : 1500);
        piece->bytes = slab_new(slab, piece->size);
        piece->mark = 0;
        assert_whole(piece);
        assert_int_equal((uintptr_t)piece->bytes % 16, 0);
        piece->mark = (uint8_t)(i | 1);
        memset(piece->bytes, piece->mark, piece->size);
    }
    for (size_t i = 0; i < PIECES; i++) {
        if (held[i].bytes == NULL)
            continue;
        assert_whole(&held[i]);
        slab_free(slab, held[i].bytes, held[i].size);
        held[i].bytes = NULL;
    }
    slab_free(slab, NULL, 5);
    slab_destroy(slab);
    slab_destroy(NULL);
}

/* Memory that one size gave back is used by the next: a table whose entries all grow does not keep what they grew out of. */
TEST(what_was_given_back_serves_other_sizes)
{
    struct slab *slab = slab_create();
    uintptr_t low = UINTPTR_MAX, high = 0;

    for (size_t size = 16; size <= SLAB_PIECE_BYTES_MAX; size *= 2) {
        size_t count = ((size_t)1 << 20) / size;

        for (size_t i = 0; i < count; i++) {
            held[i].bytes = slab_new(slab, size);
            low = (uintptr_t)held[i].bytes < low ? (uintptr_t)held[i].bytes : low;
            high = (uintptr_t)held[i].bytes > high ? (uintptr_t)held[i].bytes : high;
            if (i + 1 == PIECES)
                count = PIECES;
        }
        for (size_t i = 0; i < count; i++)
            slab_free(slab, held[i].bytes, size);
    }
    memset(held, 0, sizeof(held));
    assert_true(high - low < (size_t)2 << 20);
    slab_destroy(slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_takes_little_more_than_its_size),
        cmocka_unit_test(pieces_are_zeroed_and_nobody_elses),
        cmocka_unit_test(what_was_given_back_serves_other_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
