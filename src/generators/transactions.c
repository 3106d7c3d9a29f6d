#include "generators/transactions.h"

#include "base/banned.h"

#include <math.h>

#define USERS 10000
#define TYPICAL_CENTS 3200 /* half of the usual amounts are below */
#define SPREAD 0.9         /* of their logarithm */
#define USUAL_CENTS_MAX 49999
#define CENTS_MAX 500000
#define LARGE_CENTS_MIN 50000    /* of an honest large purchase */
#define UNUSUAL_CENTS_MIN 150000 /* of kind "amount" */
#define BURST_END_CENTS_MIN 400001
#define TRIED_CENTS_MAX 4000     /* of the other amounts of a burst */
#define LARGE_SHARE 0.2          /* honest ones for each row that begins something unusual */
#define TRAVEL_RATIO 0.02
#define BURST_LENGTH_MIN 6
#define BURST_LENGTH_MAX 9

static const char *const merchants[] = {"Amazon", "Bakery Brandt",  "Café Lumière", "Carrefour", "City Pharmacy", "Fuel & Go",
                                        "IKEA",   "Lidl",           "Netflix",      "O'Neill's", "Rail Tickets",  "Spotify",
                                        "Steam",  "Trattoria Roma", "Uber",         "Zalando"};
static const char *const unusual_merchants[] = {"Luxury Watches Ltd", "Crypto Exchange", "Gift Card Outlet", "Jewellery Direct"};
static const char *const locations[] = {"Berlin",   "Hamburg", "Kraków", "London",    "Madrid",
                                        "New York", "Paris",   "Rome",   "São Paulo", "Vienna"};
static const char *const unusual_locations[] = {"Lagos", "Macau", "Panama City", "Reykjavík"};

#define PICK(transactions, texts) texts[below(transactions, sizeof(texts) / sizeof(texts[0]))]

static uint64_t rotated(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

/* Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (xoshiro256**, seeded by splitmix64). */
static uint64_t next(struct transactions *transactions)
{
    uint64_t *state = transactions->random;
    uint64_t result = rotated(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotated(state[3], 45);
    return result;
}

static double unit(struct transactions *transactions)
{
    return (double)(next(transactions) >> 11) * 0x1p-53;
}

static size_t below(struct transactions *transactions, size_t limit)
{
    return (size_t)(unit(transactions) * (double)limit);
}

void transactions_init(struct transactions *transactions, uint64_t seed, double unusual_ratio)
{
    *transactions = (struct transactions){.unusual_ratio = unusual_ratio};
    for (int i = 0; i < 4; i++) {
        uint64_t mixed = seed += UINT64_C(0x9e3779b97f4a7c15);

        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        transactions->random[i] = mixed ^ mixed >> 31;
    }
}

/* Amounts as people spend them: many small ones, few large ones (log-normal, by Box and Muller). */
static int64_t usual_cents(struct transactions *transactions)
{
    double first = 1 - unit(transactions), second = unit(transactions);
    double normal = sqrt(-2 * log(first)) * cos(2 * M_PI * second);
    double cents = TYPICAL_CENTS * exp(SPREAD * normal);

    return cents < 1 ? 1 : cents > USUAL_CENTS_MAX ? USUAL_CENTS_MAX : (int64_t)cents;
}

static int64_t cents_between(struct transactions *transactions, int64_t least, int64_t most)
{
    return least + (int64_t)below(transactions, (size_t)(most - least + 1));
}

static const char *home_of(int32_t user_id)
{
    return locations[(size_t)user_id % (sizeof(locations) / sizeof(locations[0]))];
}

static struct transaction honest(struct transactions *transactions)
{
    struct transaction made = {.user_id = (int32_t)below(transactions, USERS) + 1};

    made.amount_cents = unit(transactions) < LARGE_SHARE * transactions->unusual_ratio ? cents_between(transactions, LARGE_CENTS_MIN, CENTS_MAX) : usual_cents(transactions);
    made.merchant = PICK(transactions, merchants);
    made.location = unit(transactions) < TRAVEL_RATIO ? PICK(transactions, locations) : home_of(made.user_id);
    return made;
}

static void burst_go_on(struct transactions *transactions, struct transaction *made)
{
    transactions->burst_left--;
    made->user_id = transactions->burst_user;
    made->location = home_of(made->user_id);
    made->amount_cents = transactions->burst_left > 0 ? cents_between(transactions, 100, TRIED_CENTS_MAX)
                                                      : cents_between(transactions, BURST_END_CENTS_MIN, CENTS_MAX);
    made->merchant = PICK(transactions, unusual_merchants);
    made->kind = "burst";
}

struct transaction transactions_next(struct transactions *transactions)
{
    struct transaction made = honest(transactions);

    if (transactions->burst_left > 0) {
        burst_go_on(transactions, &made);
    } else if (unit(transactions) < transactions->unusual_ratio) {
        double kind = unit(transactions);

        made.merchant = PICK(transactions, unusual_merchants);
        if (kind < 1.0 / 3) {
            made.amount_cents = cents_between(transactions, UNUSUAL_CENTS_MIN, CENTS_MAX);
            made.location = home_of(made.user_id);
            made.kind = "amount";
        } else if (kind < 2.0 / 3) {
            made.location = PICK(transactions, unusual_locations);
            made.kind = "place";
        } else {
            transactions->burst_user = made.user_id;
            transactions->burst_left = BURST_LENGTH_MIN + (int)below(transactions, BURST_LENGTH_MAX - BURST_LENGTH_MIN + 1);
            burst_go_on(transactions, &made);
        }
    }
    return made;
}
