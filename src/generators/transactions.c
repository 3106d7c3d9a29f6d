#include "generators/transactions.h"

#include "base/banned.h"

#include <math.h>

#define USERS 1000
#define TYPICAL_CENTS 3200 /* half of the usual amounts are below */
#define SPREAD 0.9         /* of their logarithm */
#define USUAL_CENTS_MAX 49999
#define UNUSUAL_CENTS_MIN 150000
#define UNUSUAL_CENTS_MAX 950000

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

struct transaction transactions_next(struct transactions *transactions)
{
    struct transaction made = {.user_id = (int32_t)below(transactions, USERS) + 1};

    made.amount_cents = usual_cents(transactions);
    made.merchant = PICK(transactions, merchants);
    made.location = locations[(size_t)made.user_id % (sizeof(locations) / sizeof(locations[0]))]; /* everybody has a home */
    if (transactions->burst_left > 0) {
        transactions->burst_left--;
        made.user_id = transactions->burst_user;
        made.merchant = PICK(transactions, unusual_merchants);
        made.is_unusual = true;
        made.kind = "burst";
    } else if (unit(transactions) < transactions->unusual_ratio) {
        made.is_unusual = true;
        made.merchant = PICK(transactions, unusual_merchants);
        if (unit(transactions) < 0.5) {
            made.amount_cents = UNUSUAL_CENTS_MIN + (int64_t)below(transactions, UNUSUAL_CENTS_MAX - UNUSUAL_CENTS_MIN);
            made.location = PICK(transactions, unusual_locations);
            made.kind = "amount";
        } else {
            made.kind = "burst";
            transactions->burst_user = made.user_id;
            transactions->burst_left = 2 + (int)below(transactions, BURST_LENGTH_MAX - 1);
        }
    }
    return made;
}
