#include "base/siphash.h"

#include "check.h"

/* Key 00 01 … 0f, as in the authors' vectors; checked with OpenSSL's SIPHASH of 16 bytes too. */
static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

TEST(the_vectors_of_the_authors_come_out)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t first, second;
    } vectors[] = {
        {"", 0, 0xe6a825ba047f81a3u, 0x930255c71472f66du},
        {"\0", 1, 0x44af996bd8c187dau, 0x45fc229b11597634u},
        {"\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16", 15, 0x11a8b03399e99354u, 0xd9c3cf970fec087eu},
        {"the quick brown fox jumps over", 30, 0x20088f86f344593bu, 0x81838b83230b3cd4u},
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct siphash hash = siphash128(key, slice_of(vectors[i].bytes, vectors[i].size));

        assert_true(hash.first == vectors[i].first);
        assert_true(hash.second == vectors[i].second);
    }
}

TEST(another_key_gives_another_hash)
{
    const uint64_t other[2] = {key[0] + 1, key[1]};

    assert_true(siphash128(key, slice_from_string("k")).first != siphash128(other, slice_from_string("k")).first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_authors_come_out),
        cmocka_unit_test(another_key_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
