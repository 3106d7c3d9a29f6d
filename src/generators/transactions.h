/* generators/transactions.h: invented card transactions: the same seed gives the same rows. Pure: no clock, no I/O. */
#ifndef GENERATORS_TRANSACTIONS_H
#define GENERATORS_TRANSACTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct transaction {
    int32_t user_id;
    int64_t amount_cents;
    const char *merchant; /* static texts without tabs, newlines or backslashes */
    const char *location;
    bool is_unusual;
    const char *kind; /* of what is unusual: "amount" (far from home) or "burst"; NULL otherwise */
};

#define BURST_LENGTH_MAX 6

struct transactions {
    uint64_t random[4]; /* xoshiro256** */
    double unusual_ratio;
    int burst_left; /* the rest of a burst of one user */
    int32_t burst_user;
};

/* unusual_ratio  0 to 1: how many of the rows begin something unusual: a large amount far from home, or a burst of one user */
void transactions_init(struct transactions *transactions, uint64_t seed, double unusual_ratio);

struct transaction transactions_next(struct transactions *transactions);

#endif
