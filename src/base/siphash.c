#include "base/siphash.h"

#include "base/banned.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void mix(struct state *state, int rounds)
{
    for (; rounds > 0; rounds--) {
        state->v0 += state->v1;
        state->v1 = rotate(state->v1, 13) ^ state->v0;
        state->v0 = rotate(state->v0, 32);
        state->v2 += state->v3;
        state->v3 = rotate(state->v3, 16) ^ state->v2;
        state->v0 += state->v3;
        state->v3 = rotate(state->v3, 21) ^ state->v0;
        state->v2 += state->v1;
        state->v1 = rotate(state->v1, 17) ^ state->v2;
        state->v2 = rotate(state->v2, 32);
    }
}

static inline void take(struct state *state, uint64_t word)
{
    state->v3 ^= word;
    mix(state, 2);
    state->v0 ^= word;
}

static uint64_t digest(const struct state *state)
{
    return state->v0 ^ state->v1 ^ state->v2 ^ state->v3;
}

/* Up to 8 bytes, little-endian. */
static inline uint64_t word_read(const uint8_t *at, size_t size)
{
    uint64_t word = 0;

    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

struct siphash siphash128(const uint64_t key[2], struct slice bytes)
{
    struct state state = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du ^ 0xee, key[0] ^ 0x6c7967656e657261u,
                          key[1] ^ 0x7465646279746573u};
    size_t whole = bytes.size - bytes.size % 8;
    struct siphash hash;

    for (size_t at = 0; at < whole; at += 8)
        take(&state, word_read(bytes.data + at, 8));
    take(&state, (uint64_t)bytes.size << 56 | (bytes.size > whole ? word_read(bytes.data + whole, bytes.size - whole) : 0));
    state.v2 ^= 0xee;
    mix(&state, 4);
    hash.first = digest(&state);
    state.v1 ^= 0xdd;
    mix(&state, 4);
    hash.second = digest(&state);
    return hash;
}
