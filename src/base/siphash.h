/*
 * base/siphash.h: SipHash-2-4 with 128 bits: who does not know the key cannot make two inputs meet, so a table keyed by the
 * hash alone is safe with inputs from outside.
 * Source  Aumasson and Bernstein, "SipHash: a fast short-input PRF"
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/slice.h"

struct siphash {
    uint64_t first, second; /* the 16 bytes of the digest, each half little-endian */
};

struct siphash siphash128(const uint64_t key[2], struct slice bytes);

#endif
