/* generators/transactions.h: invented card transactions: the same seed gives the same rows. Pure: no clock, no I/O. */
#ifndef GENERATORS_TRANSACTIONS_H
#define GENERATORS_TRANSACTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct transaction {
    int32_t user_id;         /* 1 to 10,000 */
    int64_t amount_cents;    /* up to 5,000.00 */
    const char *merchant;    /* static texts without tabs, newlines or backslashes */
    const char *location;
    const char *kind;        /* of what is unusual: "amount", "place" or "burst"; NULL: nothing is */
};

struct transactions {
    uint64_t random[4]; /* xoshiro256** */
    double unusual_ratio;
    int burst_left; /* the rest of a burst of one user */
    int32_t burst_user;
};

/*
 * unusual_ratio, 0 to 1: how many of the rows begin something unusual, each as often:
 *   "amount"  an amount far above what people usually spend
 *   "place"   a purchase where nobody lives
 *   "burst"   one user six to nine times in a row: small amounts that try a card, and then a large one
 * People travel, and a fifth as often as there is something unusual they buy something large: those rows are honest, so that not
 * every rule is right about them.
 */
void transactions_init(struct transactions *transactions, uint64_t seed, double unusual_ratio);

struct transaction transactions_next(struct transactions *transactions);

#endif
